"""A worker in a process of its own transcribes for a hub that leaves transcription to workers.

Needs a server: set ``STREAMHUB_TEST_POSTGRES`` to the address of a database whose user may create databases.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from streamhub.commands import find_answers
from streamhub.demo.script import Roundtable
from tests.hub.conftest import Run
from tests.hub.test_import import write_questions
from tests.hub.test_operations import free_port, serving

SERVER = os.environ.get("STREAMHUB_TEST_POSTGRES", "")
pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(not SERVER, reason="STREAMHUB_TEST_POSTGRES names no server"),
    pytest.mark.timeout(240),
]

Env = dict[str, str]
WAIT_S = 180
FROZEN_S = 5


@pytest.fixture
def env() -> Iterator[Env]:
    """Variables of a hub that leaves transcription to workers, with a fresh database; dropped afterwards."""
    name = f"streamhub_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(f'create database "{name}"')
    yield {
        "STREAMHUB_ENGINE_DATABASE_URL": SERVER.rsplit("/", 1)[0] + f"/{name}",
        "STREAMHUB_ENGINE_TRANSCRIPTIONS": "0",
        "STREAMHUB_HUB_PORT": str(free_port()),
    }
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(f'drop database "{name}" with (force)')


class Worker:
    """A worker process; what it says can be waited for."""

    def __init__(self, env: Env, key: str, folder: Path, *, model: str = "rehearsal", **more: str) -> None:
        self.said: list[str] = []
        self._lines: queue.Queue[str] = queue.Queue()
        command = [sys.executable, "-m", "streamhub", "worker", "--cache", str(folder)]
        variables = {
            "STREAMHUB_ENGINE_DATABASE_URL": env["STREAMHUB_ENGINE_DATABASE_URL"],
            "STREAMHUB_WORKER_KEY": key,
            "STREAMHUB_TRANSCRIPT_MODEL": model,
            "STREAMHUB_TRANSCRIPT_THREADS": "1",
        }
        self.process = subprocess.Popen(
            [*command, "--hub", f"http://127.0.0.1:{env['STREAMHUB_HUB_PORT']}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **variables, **more},
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self.process.stdout.close()
        self._lines.put("")

    def says(self, word: str) -> str:
        """Wait for a line with that word."""
        deadline = time.monotonic() + WAIT_S
        while True:
            line = self._lines.get(timeout=max(0.1, deadline - time.monotonic()))
            assert line, f"the worker ended without {word!r}: {''.join(self.said)}"
            self.said.append(line)
            if word in line:
                return line

    def end(self) -> str:
        """Ask it to stop, and return all that it said; a worker that does not obey is an error."""
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        with contextlib.suppress(queue.Empty):
            while line := self._lines.get(timeout=5):
                self.said.append(line)
        return "".join(self.said)


@contextlib.contextmanager
def working(env: Env, key: str, folder: Path, **given: Any) -> Iterator[Worker]:
    """A worker that is ready when the block begins."""
    worker = Worker(env, key, folder, **given)
    try:
        worker.says("working for")
        yield worker
    finally:
        worker.end()


@pytest.fixture
def order(workspace: Path, tmp_path: Path, german_table: Roundtable) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Begin to import the German round table through the running hub."""
    questions, marks = write_questions(german_table, tmp_path)
    given = ("--show", "s", "--title", "t", "--questions", questions, "--marks", marks, "--publish", "--json")
    command = [sys.executable, "-m", "streamhub", "import", german_table.audio_file, *given, "-w", workspace]
    begun: list[subprocess.Popen[str]] = []

    def begin() -> subprocess.Popen[str]:
        begun.append(
            subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True),
        )
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, output and errors of an import, once it is done."""
    out, err = process.communicate(timeout=WAIT_S * 2)
    return process.returncode, out, err


def worker_key(run: Run, workspace: Path) -> str:
    drawn = run("status", "--worker-key", "-w", workspace)
    assert drawn.code == 0, drawn.err
    return drawn.out.strip()


def transcription(run: Run, workspace: Path) -> dict[str, Any] | None:
    """The transcription's work as the hub's status shows it."""
    works = run("status", "--json", "-w", workspace).json["work"]
    return next((work for work in works if work["kind"] == "transcribe"), None)


def wait_until_queued(run: Run, workspace: Path) -> None:
    deadline = time.monotonic() + WAIT_S
    while transcription(run, workspace) is None:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def heard(workspace: Path) -> list[Path]:
    """Files of words that were recognised."""
    return list((workspace / "media").rglob("recognised-*.json"))


def check_result(workspace: Path, out: str, table: Roundtable) -> None:
    """The session is published, every answer is there once, and words that nobody typed find the right one."""
    assert json.loads(out)["state"] == "published"
    assert len(list((workspace / "transcripts").rglob("answers/*.md"))) == len(table.aired)
    for search in table.searches:
        hits = find_answers(workspace / "public", "de", search.query)
        assert hits[0]["id"] == search.question, search.query
    assert len(heard(workspace)) == 1


def test_a_worker_hears_for_a_hub_that_does_not(
    run: Run,
    workspace: Path,
    tmp_path: Path,
    german_table: Roundtable,
    env: Env,
    order: Callable[[], subprocess.Popen[str]],
) -> None:
    """The work waits until there is a worker, which fetches the sound and brings the words; the archive follows."""
    with serving(workspace, env):
        imported = order()
        wait_until_queued(run, workspace)
        assert not heard(workspace)
        with working(env, worker_key(run, workspace), tmp_path / "w") as worker:
            code, out, err = ended(imported)
            assert code == 0, err
            worker.says("handed over")
        check_result(workspace, out, german_table)
        work = transcription(run, workspace)
        assert work is not None
        assert work["state"] == "done"
        assert not list((tmp_path / "w").glob("*.media")), "nothing of the recording stays with the worker"
        assert worker.process.returncode == 0
        assert "Traceback" not in "".join(worker.said)


def test_when_a_worker_is_killed_another_brings_the_same_words(
    run: Run,
    workspace: Path,
    tmp_path: Path,
    german_table: Roundtable,
    env: Env,
    order: Callable[[], subprocess.Popen[str]],
) -> None:
    """After kill -9 in the middle of hearing, a second worker ends with the words that the hub alone would have."""
    alone = tmp_path / "alone"
    assert run("init", alone).code == 0
    model = {"STREAMHUB_TRANSCRIPT_MODEL": "rehearsal", "STREAMHUB_TRANSCRIPT_THREADS": "1"}
    told = run("import", german_table.audio_file, "--show", "s", "--title", "t", "-w", alone, env=model)
    assert told.code == 0, told.err
    with serving(workspace, env):
        key = worker_key(run, workspace)
        first = Worker(env, key, tmp_path / "w")
        first.says("working for")
        imported = order()
        first.says("transcribing")
        children = wait_for_children(first)
        first.process.kill()
        first.process.wait()
        assert not heard(workspace), "it was killed too late to prove anything"
        left = set((tmp_path / "w").glob("*.media"))
        assert len(left) == 1
        with working(env, key, tmp_path / "w") as second:
            assert not left & set((tmp_path / "w").glob("*.media")), "what the killed one left is swept away"
            code, out, err = ended(imported)
            assert code == 0, err
            second.says("handed over")
        assert "".join(second.said).count("transcribing") == 1
        check_result(workspace, out, german_table)
    assert heard(workspace)[0].read_bytes() == heard(alone)[0].read_bytes()
    _, living = psutil.wait_procs(children, timeout=10)
    assert not living, "the recogniser of a killed worker ends with it"


def wait_for_children(worker: Worker) -> list[psutil.Process]:
    """The recogniser's process, once it is well under way."""
    deadline = time.monotonic() + WAIT_S
    while True:
        children = psutil.Process(worker.process.pid).children(recursive=True)
        if any(child.cpu_times().user > 1.0 for child in children):
            return children
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.timeout(500)
@pytest.mark.parametrize("workers", [1, 3])
def test_the_words_do_not_depend_on_the_number_of_workers(
    run: Run,
    workspace: Path,
    tmp_path: Path,
    german_table: Roundtable,
    env: Env,
    order: Callable[[], subprocess.Popen[str]],
    workers: int,
) -> None:
    """In pieces, by one worker or by three of which one is killed and one freezes: the words of a hub alone."""
    alone, pieces = tmp_path / "alone", {"STREAMHUB_TRANSCRIPT_PIECE_S": "22"}
    assert run("init", alone).code == 0
    model = {"STREAMHUB_TRANSCRIPT_MODEL": "rehearsal", "STREAMHUB_TRANSCRIPT_THREADS": "1", **pieces}
    told = run("import", german_table.audio_file, "--show", "s", "--title", "t", "-w", alone, env=model)
    assert told.code == 0, told.err
    count = len(list((alone / "media" / "heard").glob("*/[0-9]*.json")))
    assert count >= 3
    with serving(workspace, {**env, **pieces}):
        key = worker_key(run, workspace)
        crew = [Worker(env, key, tmp_path / "w") for _ in range(workers)]
        try:
            for worker in crew:
                worker.says("working for")
            imported = order()
            if workers > 1:
                crew[0].says("transcribing")
                crew[0].process.kill()
                crew[1].says("transcribing")
                crew[1].process.send_signal(signal.SIGSTOP)
                time.sleep(FROZEN_S)
                crew[1].process.send_signal(signal.SIGCONT)
            code, out, err = ended(imported)
            assert code == 0, err
        finally:
            said = "".join(worker.end() for worker in crew)
        check_result(workspace, out, german_table)
    assert heard(workspace)[0].read_bytes() == heard(alone)[0].read_bytes()
    assert said.count("handed over") in {count, count - 1}  # the killed one may not have come to say so
    assert said.count("transcribing") <= count + (workers > 1), "nothing is heard twice but what a kill cut off"


@pytest.mark.parametrize(
    ("key", "model", "told"),
    [
        ("wrong", "rehearsal", "does not know this worker's key"),
        ("", "tiny", "the hub wants 'faster-whisper rehearsal'"),
    ],
)
def test_a_worker_that_the_hub_does_not_want_takes_no_work(
    run: Run, workspace: Path, tmp_path: Path, env: Env, key: str, model: str, told: str
) -> None:
    """A wrong key or another model is told at the start, with what to do, and the worker ends with exit code 5."""
    with serving(workspace, env):
        worker = Worker(env, key or worker_key(run, workspace), tmp_path / "w", model=model)
        worker.says(told)
        worker.says("what to do")
        assert worker.process.wait(20) == 5
        assert "Traceback" not in worker.end()


def test_a_worker_with_another_version_of_the_model_takes_no_work(
    run: Run, workspace: Path, tmp_path: Path, env: Env
) -> None:
    """A model of the same name with other files, or other settings, is told at the start, with what to do."""
    with serving(workspace, env):
        worker = Worker(env, worker_key(run, workspace), tmp_path / "w", STREAMHUB_TRANSCRIPT_BEAM_SIZE="5")
        worker.says("the hub's is")
        worker.says("what to do")
        assert worker.process.wait(20) == 5
        assert "Traceback" not in worker.end()


def test_a_hub_that_changed_its_mind_holds_the_work_for_a_person(
    run: Run,
    workspace: Path,
    tmp_path: Path,
    german_table: Roundtable,
    env: Env,
    order: Callable[[], subprocess.Popen[str]],
) -> None:
    """A worker that fits no longer loses nothing: its work is held with the reason, and done on the next try."""
    with serving(workspace, env):
        key = worker_key(run, workspace)
        worker = Worker(env, key, tmp_path / "w")
        worker.says("working for")
    try:
        with serving(workspace, {**env, "STREAMHUB_TRANSCRIPT_MODEL": "tiny"}):
            code, _, err = ended(order())
            assert code != 0
            assert "'faster-whisper rehearsal'" in err
            assert "'faster-whisper tiny'" in err
        with serving(workspace, env):
            code, out, err = ended(order())
            assert code == 0, err
            check_result(workspace, out, german_table)
    finally:
        worker.end()


def test_a_restart_of_the_hub_does_not_waste_what_was_heard(
    run: Run,
    workspace: Path,
    tmp_path: Path,
    german_table: Roundtable,
    env: Env,
    order: Callable[[], subprocess.Popen[str]],
) -> None:
    """A worker whose hub is killed while it hears keeps the words until the hub is back, and hears nothing twice."""
    with serving(workspace, env):
        worker = Worker(env, worker_key(run, workspace), tmp_path / "w")
        worker.says("working for")
        order()
        worker.says("transcribing")
    try:
        worker.says("asking again")
        with serving(workspace, env):
            worker.says("handed over")
            code, out, err = ended(order())
            assert code == 0, err
            check_result(workspace, out, german_table)
    finally:
        told = worker.end()
    assert told.count("transcribing") == 1
