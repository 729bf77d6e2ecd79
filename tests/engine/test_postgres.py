"""The same workflows on PostgreSQL, with a worker in another process.

Needs a server: set ``STREAMHUB_TEST_POSTGRES`` to the address of a database whose user may create databases.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from streamhub.config import EngineSettings, Secret
from streamhub.engine import Context, Engine, Policy, StepState, WorkState
from streamhub.engine.locks import PostgresLocks, probe_database
from streamhub.errors import Unavailable
from streamhub.store.store import Store

from .conftest import now

SERVER = os.environ.get("STREAMHUB_TEST_POSTGRES", "")
ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(not SERVER, reason="STREAMHUB_TEST_POSTGRES names no server"),
    pytest.mark.timeout(120),
]

WORKER = """
import asyncio, os, sys
from datetime import UTC, datetime
from pathlib import Path
from streamhub.config import EngineSettings, Secret
from streamhub.engine import Engine, Policy

async def piece(context, seconds):
    async def recognise():
        print("begun", flush=True)
        seen = Path(sys.argv[2]) / "seen"
        if not seen.exists():  # the first to come is slow
            seen.touch()
            await asyncio.sleep(seconds)
        return os.getpid()
    return await context.step("recognise", recognise)

async def deadly(context):
    async def die():
        os._exit(9)
    return await context.step("die", die, policy=Policy(attempts=2))

async def main():
    settings = EngineSettings(database_url=Secret(sys.argv[1]), poll_s=0.05)
    engine = Engine(settings, Path(sys.argv[2]), None, now=lambda: datetime.now(UTC))
    engine.workflow("piece", piece)
    engine.workflow("deadly", deadly)
    await engine.launch(listen_queues=["transcription"], hub=False)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await engine.close()

asyncio.run(main())
"""


@pytest.fixture
def url() -> Iterator[str]:
    """A fresh database on the server, dropped afterwards."""
    name = f"streamhub_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(f'create database "{name}"')
    yield SERVER.rsplit("/", 1)[0] + f"/{name}"
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(f'drop database "{name}" with (force)')


class Worker:
    """A worker process."""

    def __init__(self, url: str, folder: Path) -> None:
        command = [sys.executable, "-c", WORKER, url, str(folder)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    async def says(self, word: str) -> None:
        assert self.process.stdout is not None
        async with asyncio.timeout(30):
            while (line := await asyncio.to_thread(self.process.stdout.readline)).strip() != word:
                assert line, "the worker ended"

    def end(self) -> None:
        """Stop it tidily if it lives."""
        self.process.communicate("", timeout=20)


async def piece(context: Context, seconds: float) -> None:
    raise AssertionError("the hub was told to leave pieces to workers")


async def deadly(context: Context) -> None:
    raise AssertionError("the hub was told to leave this to workers")


async def show(context: Context, kind: str, *args: float) -> object:
    return await context.queued("transcription", kind, "p", *args)


def hub(url: str, folder: Path, store: Store) -> Engine:
    """A hub that leaves transcription to workers."""
    engine = Engine(EngineSettings(database_url=Secret(url), poll_s=0.05), folder, store, now=now)
    for kind, fn in {"show": show, "piece": piece, "deadly": deadly}.items():
        engine.workflow(kind, fn)
    return engine


async def test_a_worker_does_the_queued_work_and_the_hub_sees_it(url: str, tmp_path: Path, store: Store) -> None:
    """The hub queues, the worker runs, the hub gets the result and shows both."""
    engine = hub(url, tmp_path, store)
    await engine.launch(listen_queues=[])
    worker = Worker(url, tmp_path)
    try:
        await worker.says("ready")
        await engine.start("show", "a", "piece", 1.0)
        await worker.says("begun")
        states = {status.workflow_id: status.state for status in await engine.status()}
        assert states["piece:p"] is WorkState.RUNNING
        assert await engine.result("show:a", timeout_s=30) == worker.process.pid
        states = {status.workflow_id: status.state for status in await engine.status()}
        assert states == {"show:a": WorkState.DONE, "piece:p": WorkState.DONE}
    finally:
        worker.end()
        await engine.close()
    assert not (tmp_path / "engine.sqlite3").exists()


async def test_when_a_worker_is_killed_another_takes_over(url: str, tmp_path: Path, store: Store) -> None:
    """The piece that died with its worker is done by the other one within seconds, once."""
    engine = hub(url, tmp_path, store)
    await engine.launch(listen_queues=[])
    first = Worker(url, tmp_path)
    try:
        await first.says("ready")
        await engine.start("show", "a", "piece", 60.0)
        await first.says("begun")
        second = Worker(url, tmp_path)
        try:
            await second.says("ready")
            first.process.kill()
            assert await engine.result("show:a", timeout_s=30) == second.process.pid
        finally:
            second.end()
    finally:
        first.process.communicate()
        await engine.close()


async def test_work_that_kills_every_worker_is_held_at_its_parent(url: str, tmp_path: Path, store: Store) -> None:
    """After two dead workers the third gives up, and a person sees why at the hub."""
    engine = hub(url, tmp_path, store)
    await engine.launch(listen_queues=[])
    workers = []
    try:
        await engine.start("show", "a", "deadly")
        for _ in range(3):
            workers.append(Worker(url, tmp_path))
            await workers[-1].says("ready")
            if len(workers) < 3:
                await asyncio.to_thread(workers[-1].process.wait, 30)
        async with asyncio.timeout(30):
            while (held := (await engine.status())[0]).state is not WorkState.HELD:
                await asyncio.sleep(0.05)
        assert "2 time(s)" in held.message
        assert held.steps[0].state is StepState.HELD
    finally:
        for worker in workers:
            worker.end()
        await engine.close()


async def test_the_hub_goes_on_after_a_restart_on_postgresql(url: str, tmp_path: Path, store: Store) -> None:
    """Held work is still held after a restart, and a decision finishes it."""
    engine = hub(url, tmp_path, store)
    runs = []

    async def careful(context: Context) -> int:
        async def once() -> int:
            runs.append(1)
            if len(runs) == 1:
                raise ValueError("odd")
            return len(runs)

        return await context.step("once", once, policy=Policy())

    for turn in range(2):
        engine = hub(url, tmp_path, store)
        engine.workflow("careful", careful)
        await engine.launch(listen_queues=[])
        try:
            await engine.start("careful", "a")
            async with asyncio.timeout(20):
                while (await engine.status())[0].state is not WorkState.HELD:
                    await asyncio.sleep(0.05)
            if turn:
                await engine.decide("careful:a", "once", "retry")
                assert await engine.result("careful:a", timeout_s=20) == 2
        finally:
            await engine.close()


async def test_a_worker_before_the_first_hub_is_told_so(url: str, tmp_path: Path) -> None:
    """A database that no hub has set up is one clear error."""
    settings = EngineSettings(database_url=Secret(url))
    worker = Engine(settings, tmp_path, None, now=now)
    with pytest.raises(Unavailable, match="start the hub first"):
        await worker.launch(listen_queues=["transcription"], hub=False)


def test_a_lock_is_free_as_soon_as_its_session_ends(url: str) -> None:
    """An executor whose session is gone is dead, one whose session lives is not."""
    one, other = PostgresLocks(url), PostgresLocks(url)
    one.own("x-one")
    other.own("x-other")
    assert not other.try_take("x-one")
    one.close()
    deadline = time.monotonic() + 10  # the server ends a session a moment after the client has gone
    while not other.try_take("x-one"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    other.release("x-one")
    one.own("x-one")
    assert other.try_take("x-one"), "a closed one must not come back"
    other.own("x-other")
    other.close()


def test_a_probe_tells_a_database_that_answers_from_one_that_is_not_there(url: str) -> None:
    """An address with a database passes; without one the server's own words are told."""
    probe_database(url)
    with pytest.raises(Unavailable, match=r'"nowhere" does not exist'):
        probe_database(url.rsplit("/", 1)[0] + "/nowhere")
