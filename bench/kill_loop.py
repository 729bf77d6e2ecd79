"""Kill -9 in the middle of everything, again and again: is anything lost, is anything done twice?

    python bench/kill_loop.py [--kills 100] [--seed 1] [--careless]

The harness (`Moment`, `run_killed`) starts any command, waits until its trace says that a moment has come, and kills
it; after the last kill it lets the command finish. With `--careless` the outside effect does not look before it
inserts: a contrast, which shows that the count can see a double. The pipeline below is the smallest
one that has every kind of step: an effect outside with look-before-insert, a slow subprocess, children on a queue, a
timer, and a write to the hub's database. Two shows run at a time.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STEPS = ("launch", "broadcast", "clip", "transcribe", "timer", "publish")
SHOWS = ("netz", "solar")
PIECES = 2
CLIP_LINES = 40

# -- the harness ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Moment:
    """When to kill: ``delay_s`` after the trace, since this start, contains ``text``."""

    text: str
    delay_s: float


def run_killed(command: Sequence[str], moments: Sequence[Moment], *, trace: Path, timeout_s: float = 60.0) -> int:
    """Run a command, kill it at each moment and start it again, then let it finish; returns how many kills hit.

    A start that ends by itself, because there is nothing left to do, must end with 0; moments still to come are then
    not used.

    Raises:
        RuntimeError: it failed by itself, or did not end in time.
    """
    kills = 0
    log = trace.with_suffix(".log")
    for moment in (*moments, None):
        offset = trace.stat().st_size if trace.exists() else 0
        with log.open("ab") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, cwd=ROOT)
        try:
            killed = moment is not None and _kill_at(process, moment, trace, offset, timeout_s)
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"{command}: not finished after {timeout_s:g} s:\n{_tail(log)}") from error
        finally:
            process.kill()
            process.wait()
        if killed:
            kills += 1
        elif code != 0:
            raise RuntimeError(f"{command}: ended with {code}:\n{_tail(log)}")
        else:
            break
    return kills


def _kill_at(process: subprocess.Popen[bytes], moment: Moment, trace: Path, offset: int, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not _has_come(moment, trace, offset):
        if process.poll() is not None:
            return False
        if time.monotonic() > deadline:
            raise subprocess.TimeoutExpired(process.args, timeout_s)
        time.sleep(0.005)
    time.sleep(moment.delay_s)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def _has_come(moment: Moment, trace: Path, offset: int) -> bool:
    if not trace.exists():
        return False
    with trace.open("rb") as file:
        file.seek(offset)
        return moment.text.encode() in file.read()


def _tail(log: Path) -> str:
    return log.read_text("utf-8", "replace")[-3000:]


# -- the sample pipeline ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What a finished pipeline has left behind: effects that are missing or there twice, and timers that were early."""

    lost: int
    doubled: int
    early: int


class Pipeline:
    """The sample pipeline on a workspace folder."""

    def __init__(self, folder: Path, *, careless: bool = False) -> None:
        self.folder = folder
        self.careless = careless
        self.trace_file = folder / "trace.txt"

    def trace(self, text: str) -> None:
        with self.trace_file.open("ab") as file:
            file.write(f"{text}\n".encode())

    async def run(self) -> None:
        from streamhub.config import EngineSettings
        from streamhub.engine import Engine
        from streamhub.store.store import Store

        logging.basicConfig(level=logging.INFO)
        settings = EngineSettings(attempts=100, poll_s=0.05, transcriptions=1)
        async with Store.open(self.folder / "hub.sqlite3", now=now) as store:
            self.store = store
            engine = Engine(settings, self.folder, store, now=now)
            engine.workflow("show", self.show)
            engine.workflow("piece", self.piece)
            self.trace("begin launch")
            await engine.launch()
            try:
                works = [await engine.start("show", show) for show in SHOWS]
                await asyncio.gather(*(engine.result(work) for work in works))
                self.trace("finished")
            finally:
                await engine.close()

    async def show(self, context, show: str = "") -> str:
        show = context.workflow_id.removeprefix("show:")
        await context.step("broadcast", lambda: self.broadcast(show))
        await context.step("clip", lambda: self.clip(show))
        await context.queued_all("transcription", "piece", [(f"{show}-{n}", [show, n]) for n in range(PIECES)])
        wake = await context.step("choose the time", self.choose_time)
        self.trace("begin timer")
        await context.sleep_until(datetime.fromisoformat(wake))
        if now() < datetime.fromisoformat(wake):
            self.trace("early")
        await context.step("publish", lambda: self.publish(context.workflow_id, show))
        return show

    async def broadcast(self, show: str) -> str:
        """An effect on a platform that has no idempotency key: look first, then insert."""
        self.trace("begin broadcast")
        platform, marker = self.folder / "platform.txt", f"[sh:{show}]"
        await asyncio.sleep(0.1)
        if self.careless or not platform.exists() or marker not in platform.read_text():
            with platform.open("ab") as file:
                file.write(f"broadcast {marker}\n".encode())
        await asyncio.sleep(0.2)
        return marker

    async def clip(self, show: str) -> str:
        """A slow program that writes a file."""
        from streamhub.process import Command, run_checked

        self.trace("begin clip")
        await run_checked(Command(argv=[sys.executable, "-I", "-S", "-c", _CLIPPER, str(self.folder / f"{show}.clip")]))
        return f"{show}.clip"

    async def piece(self, context, show: str, number: int) -> str:
        async def recognise() -> str:
            self.trace("begin transcribe")
            self.trace(f"enter {os.getpid()}")
            await asyncio.sleep(0.25)
            self.trace(f"leave {os.getpid()}")
            return await self.note("transcribed", f"{show}-{number}", key=f"{context.workflow_id}:recognise")

        return await context.step("recognise", recognise)

    async def choose_time(self) -> str:
        return (now() + timedelta(seconds=0.4)).isoformat()

    async def publish(self, work: str, show: str) -> str:
        self.trace("begin publish")
        await asyncio.sleep(0.05)
        done = await self.note("published", show, key=f"{work}:publish")
        await asyncio.sleep(0.15)
        return done

    async def note(self, action: str, what: str, *, key: str) -> str:
        """A row of the hub's database, once per key."""
        from streamhub.store.log import log_action

        def write(db) -> str:
            log_action(db, at=now(), author="bench", action=action, object_kind="show", object_id=what, details={})
            return what

        return await self.store.write(write, key=key)

    def check(self) -> Tally:
        """Count every effect that should be there once."""
        from streamhub.store.library import connect

        connection = connect(self.folder / "hub.sqlite3", read_only=True)
        rows = connection.execute(
            "select action, object_id from log where author = 'bench'",
        ).fetchall()
        states = [row[0] for row in connection.execute("select state from work").fetchall()]
        connection.close()
        counts = collections.Counter(f"{action} {what}" for action, what in rows)
        counts.update(line.split()[1] for line in (self.folder / "platform.txt").read_text().splitlines())
        wanted = [f"[sh:{show}]" for show in SHOWS] + [f"published {show}" for show in SHOWS]
        wanted += [f"transcribed {show}-{n}" for show in SHOWS for n in range(PIECES)]
        clips = [(self.folder / f"{show}.clip") for show in SHOWS]
        torn = sum(not clip.exists() or len(clip.read_text().splitlines()) != CLIP_LINES for clip in clips)
        lost = sum(counts[name] == 0 for name in wanted) + torn + sum(state != "done" for state in states)
        doubled = sum(count - 1 for count in counts.values()) + self._overlaps()
        return Tally(lost=lost, doubled=doubled, early=self.trace_file.read_text().splitlines().count("early"))

    def _overlaps(self) -> int:
        """How often two ran at a time in one process on a queue with a limit of one."""
        inside, overlaps = collections.Counter[str](), 0
        for line in self.trace_file.read_text().splitlines():
            word, _, pid = line.partition(" ")
            if word in {"enter", "leave"}:
                inside[pid] += 1 if word == "enter" else -1
                overlaps += word == "enter" and inside[pid] > 1
        return overlaps


_CLIPPER = f"""
import os, sys, time
part = sys.argv[1] + ".part"
with open(part, "w") as file:
    for line in range({CLIP_LINES}):
        file.write(f"{{line}}\\n")
        file.flush()
        time.sleep(0.01)
    os.fsync(file.fileno())
os.replace(part, sys.argv[1])
"""


def now() -> datetime:
    return datetime.now(UTC)


def plan_moments(rng: random.Random, *, steps: Sequence[str] = STEPS) -> list[Moment]:
    """One kill in each step, somewhere in it or just after it."""
    return [Moment(text=f"begin {step}\n", delay_s=rng.uniform(0.0, 0.35)) for step in steps]


def run_trial(folder: Path, moments: Sequence[Moment], *, careless: bool = False) -> tuple[int, Tally]:
    """One workspace: kill the pipeline at the moments, let it finish, count."""
    pipeline = Pipeline(folder)
    command = [sys.executable, str(Path(__file__).resolve()), "--pipeline", str(folder)]
    command += ["--careless"] if careless else []
    kills = run_killed(command, moments, trace=pipeline.trace_file)
    return kills, pipeline.check()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="at least so many kills")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same delays")
    parser.add_argument("--careless", action="store_true", help="do not look before inserting: this must show doubles")
    parser.add_argument("--pipeline", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    if options.pipeline:
        asyncio.run(Pipeline(options.pipeline, careless=options.careless).run())
        return 0
    rng, kills, trials, lost, doubled, early = random.Random(options.seed), 0, 0, 0, 0, 0
    began = time.monotonic()
    while kills < options.kills:
        with tempfile.TemporaryDirectory() as folder:
            hit, tally = run_trial(Path(folder), plan_moments(rng), careless=options.careless)
        kills, trials = kills + hit, trials + 1
        lost, doubled, early = lost + tally.lost, doubled + tally.doubled, early + tally.early
        print(f"trial {trials}: kills {kills}, lost {lost}, doubled {doubled}, early {early}", flush=True)
    took_s = time.monotonic() - began
    print(
        f"kills {kills}, shows {trials * len(SHOWS)}, lost {lost}, doubled {doubled}, early timers {early} "
        f"(seed {options.seed}, {took_s:.0f} s)"
    )
    return 1 if lost or doubled or early else 0


if __name__ == "__main__":
    sys.exit(main())
