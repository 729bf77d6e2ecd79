"""A recogniser in a process of its own: what goes in, what comes out, and who stops it.

Owns both ends of the wire. The hub's end writes jobs to the process, each a line of JSON, and reads JSON lines from
it: ``started``, ``heard``, ``progress``, ``failed``, ``done``. A process that has done a job keeps its model and waits
for the next one; one that failed is not asked again. The process keeps the wire to itself: whatever an engine prints
goes to standard error. Refuses to know engines.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from streamhub import errors
from streamhub.errors import StreamhubError, TimedOut, ToolFailed
from streamhub.process import Child, Command, failed, start
from streamhub.timecode import Span, s_to_ms
from streamhub.transcript.rules import Heard
from streamhub.transcript.transcriber import Progress
from streamhub.transcript.transcript import LanguageCheck, Word

_PROGRESS_EVERY_S = 0.3
_SPEAKABLE = {kind.__name__: kind for kind in (errors.BadMedia, errors.ModelMissing, errors.ToolMissing, ToolFailed)}
_KILLED_BY_KERNEL = -9


@dataclass(frozen=True, kw_only=True, slots=True)
class ChildJob:
    """What the hub asks of a recogniser's process.

    Attributes:
        module: Python module that is the process.
        name: engine and model for the reader.
        request: what the module needs to know; JSON.
        threads: processor threads; 0 for as many as there are cores.
        time_limit_s: stop after that; None for no limit.
        speed_limit: stop when it takes longer than the media's length times this, a minute at least; None for no limit.
    """

    module: str
    name: str
    request: Mapping[str, Any]
    threads: int = 0
    time_limit_s: float | None = None
    speed_limit: float | None = None


@dataclass(kw_only=True, slots=True)
class Recognised:
    """What a process reported; complete once it said ``done``.

    Attributes:
        language: as detected or given.
        language_chance: how sure it is of a detected one.
        language_checks: what windows of the sound are most like, where that was asked.
        duration_ms: length of the sound.
        heard: stretches of speech, in order.
        peak_bytes: most memory that the process used.
        done: it came to its end.
    """

    language: str = ""
    language_chance: float = 1.0
    language_checks: tuple[LanguageCheck, ...] = ()
    duration_ms: int = 0
    heard: list[Heard] = field(default_factory=list)
    peak_bytes: int = 0
    done: bool = False


def thread_count(threads: int) -> int:
    """Processor threads to use: as set, else as many as this process may run on."""
    if threads:
        return threads
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _DiedWaitingError(ToolFailed):
    """A process ended before it said anything of its job."""


class Recognisers:
    """The processes of one recogniser: one for each job that runs, and those that wait for the next one.

    Loading a model takes longer than hearing a minute with a small one, so a process that has done its job is kept for
    a while. It belongs to the event loop that it was started in.

    Args:
        keep_s: seconds after which a process without a job is let go, and its memory with it; 0: at once. Whoever keeps
            processes closes them.
    """

    def __init__(self, *, keep_s: float = 0.0) -> None:
        self._keep_s = keep_s
        self._idle: list[tuple[Child, asyncio.TimerHandle]] = []
        self._leaving: set[asyncio.Task[None]] = set()

    async def recognise(self, job: ChildJob, progress: Progress) -> Recognised:
        """Have a process do a job; a cancelled task or a passed limit kills it.

        Raises:
            BadMedia, ModelMissing, ToolMissing: as the process said.
            TimedOut: a limit was reached.
            ToolFailed: the process died, or its engine failed.
        """
        threads = str(thread_count(job.threads))
        env = {"OMP_NUM_THREADS": threads, "PYTHONUNBUFFERED": "1", "HF_HUB_OFFLINE": "1"}
        command = Command(argv=[sys.executable, "-m", job.module], env=env, name=job.name)
        while idle := self._take(command):
            with contextlib.suppress(_DiedWaitingError):
                return await self._do(idle, job, int(threads), progress)
        return await self._do(await start(command, stdin=True, stdout=True), job, int(threads), progress)

    async def _do(self, child: Child, job: ChildJob, threads: int, progress: Progress) -> Recognised:
        try:
            result = await _hear(child, job, threads, progress)
        except BaseException:
            await _end(child)
            raise
        if self._keep_s:
            self._keep(child)
        else:
            await _end(child)
        progress(result.duration_ms, result.duration_ms)
        return result

    async def close(self) -> None:
        """Let every process go that has no job."""
        idle, self._idle = self._idle, []
        for _, timer in idle:
            timer.cancel()
        await asyncio.gather(*(_end(child) for child, _ in idle), *self._leaving)

    def _take(self, command: Command) -> Child | None:
        """A process that waits for a job of this kind."""
        for number, (child, timer) in enumerate(self._idle):
            if child.command == command:
                del self._idle[number]
                timer.cancel()
                return child
        return None

    def _keep(self, child: Child) -> None:
        timer = asyncio.get_running_loop().call_later(self._keep_s, self._let_go, child)
        self._idle.append((child, timer))

    def _let_go(self, child: Child) -> None:
        self._idle = [one for one in self._idle if one[0] is not child]
        task = asyncio.create_task(_end(child))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


async def _end(child: Child) -> None:
    async with child:
        child.kill()


async def _hear(child: Child, job: ChildJob, threads: int, progress: Progress) -> Recognised:
    """One job from its first line to its last."""
    result, said, code = Recognised(), False, 0
    began_s = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(job.time_limit_s) as limit:
            await _send(child, {**job.request, "threads": threads})
            while not result.done:
                line = await _next_line(child)
                if not line:
                    code = await child.wait()
                    break
                said = True
                _take(json.loads(line), result, progress)
                if job.speed_limit and result.duration_ms:
                    seconds = max(60.0, result.duration_ms / 1000 * job.speed_limit)
                    limit.reschedule(began_s + min(seconds, job.time_limit_s or seconds))
    except TimeoutError as error:
        took_s = asyncio.get_running_loop().time() - began_s
        raise TimedOut(
            f"{job.name}: stopped after {took_s:.0f} s, its time limit",
            hint="use a smaller model, or raise transcript.speed_limit",
        ) from error
    except ValueError as error:
        raise ToolFailed(f"{job.name}: said something that is no event ({error})") from error
    if not result.done:
        raise _death(child.command, code, child.stderr_tail, kind=ToolFailed if said else _DiedWaitingError)
    return result


async def _send(child: Child, request: Mapping[str, Any]) -> None:
    assert child.process.stdin is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        child.process.stdin.write(json.dumps(request).encode() + b"\n")
        await child.process.stdin.drain()


async def _next_line(child: Child) -> bytes:
    assert child.process.stdout is not None
    return await child.process.stdout.readline()


def _take(event: Mapping[str, Any], result: Recognised, progress: Progress) -> None:
    match event["event"]:
        case "started":
            result.language, result.duration_ms = event["language"], event["duration_ms"]
            result.language_chance = event["chance"]
            result.language_checks = tuple(LanguageCheck(language, chance) for language, chance in event["checks"])
        case "heard":
            words = tuple(Word(text, Span(start, end), chance) for text, start, end, chance in event["words"])
            span = Span(event["start_ms"], event["end_ms"])
            result.heard.append(Heard(span=span, text=event["text"], words=words))
        case "progress":
            progress(event["done_ms"], result.duration_ms)
        case "failed":
            kind = _SPEAKABLE.get(event["kind"], ToolFailed)
            raise kind(event["message"], hint=event["hint"])
        case "done":
            result.peak_bytes, result.done = event["peak_bytes"], True


def _death(command: Command, code: int, stderr_tail: str, *, kind: type[ToolFailed]) -> ToolFailed:
    hint = "it was killed: most likely memory ran out; use a smaller model" if code == _KILLED_BY_KERNEL else ""
    return kind(failed(command, code, stderr_tail).message, hint=hint)


class Wire:
    """The process's end: events as JSON lines, as soon as they happen.

    Attributes:
        offset_ms: where the sound begins on the recording's clock; what is heard is reported on that clock.
    """

    def __init__(self, out: IO[str], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.offset_ms = 0
        self._out = out
        self._clock = clock
        self._last_s = float("-inf")

    def begin(self, offset_ms: int) -> None:
        """A job begins whose sound lies there on the recording's clock."""
        self.offset_ms, self._last_s = offset_ms, float("-inf")

    def send(self, event: str, **facts: Any) -> None:
        """Write one event."""
        self._out.write(json.dumps({"event": event, **facts}, ensure_ascii=False, separators=(",", ":")) + "\n")
        self._out.flush()

    def started(
        self, *, language: str, duration_ms: int, chance: float = 1.0, checks: Sequence[tuple[str, float]] = ()
    ) -> None:
        """The media is decoded, the language known: told, or detected with that chance; windows may say otherwise."""
        said = [(one, round(sure, 3)) for one, sure in checks]
        self.send("started", language=language, duration_ms=duration_ms, chance=round(chance, 3), checks=said)

    def heard(self, start_s: float, end_s: float, text: str, words: Sequence[tuple[str, float, float, float]]) -> None:
        """One stretch of speech, in an engine's float seconds; then progress, a few times a second at most."""
        timed = []
        for word, word_start_s, word_end_s, chance in words:
            word_start_ms = self.offset_ms + s_to_ms(word_start_s)
            word_end_ms = max(word_start_ms, self.offset_ms + s_to_ms(word_end_s))
            timed.append((word.strip(), word_start_ms, word_end_ms, round(min(1.0, max(0.0, chance)), 3)))
        start_ms = self.offset_ms + s_to_ms(start_s)
        end_ms = max(start_ms, self.offset_ms + s_to_ms(end_s))
        if text.strip():
            self.send("heard", start_ms=start_ms, end_ms=end_ms, text=text.strip(), words=[w for w in timed if w[0]])
        if self._clock() - self._last_s >= _PROGRESS_EVERY_S:
            self._last_s = self._clock()
            self.send("progress", done_ms=end_ms - self.offset_ms)


def serve(run: Callable[[Mapping[str, Any], Wire], None]) -> int:
    """Be a recogniser's process: do the jobs that come, one after the other, and report; returns the exit code."""
    wire = Wire(claim_stdout())
    if hasattr(os, "nice"):
        os.nice(5)  # recognition can wait, a signal that is being recorded cannot
    for line in sys.stdin:
        if not _do(run, json.loads(line), wire):
            return 1
    return 0


def _do(run: Callable[[Mapping[str, Any], Wire], None], request: Mapping[str, Any], wire: Wire) -> bool:
    """Do one job; whether it went well."""
    wire.begin(request["offset_ms"])
    try:
        run(request, wire)
    except StreamhubError as error:
        wire.send("failed", kind=type(error).__name__, message=error.message, hint=error.hint)
        return False
    except MemoryError:
        wire.send("failed", kind="ToolFailed", message="not enough memory", hint="use a smaller model")
        return False
    except Exception as error:  # the job's boundary: the hub shall hear of everything
        traceback.print_exc()
        wire.send("failed", kind="ToolFailed", message=f"{type(error).__name__}: {error}", hint="")
        return False
    wire.send("done", peak_bytes=_peak_bytes())
    return True


def claim_stdout() -> IO[str]:
    """Keep the pipe to the hub for events alone; everything else that is printed goes to standard error."""
    wire = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return wire


def _peak_bytes() -> int:
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
