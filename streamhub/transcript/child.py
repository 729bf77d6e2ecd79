"""A recogniser in a process of its own: what goes in, what comes out, and who stops it.

Owns both ends of the wire. The hub's end writes one JSON job to the process and reads JSON lines from it: ``started``,
``heard``, ``progress``, ``failed``, ``done``. The process keeps the wire to itself: whatever an engine prints goes to
standard error. Refuses to know engines.
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
from streamhub.transcript.transcript import Word

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
        duration_ms: length of the sound.
        heard: stretches of speech, in order.
        peak_bytes: most memory that the process used.
        done: it came to its end.
    """

    language: str = ""
    duration_ms: int = 0
    heard: list[Heard] = field(default_factory=list)
    peak_bytes: int = 0
    done: bool = False


def thread_count(threads: int) -> int:
    """Processor threads to use: as set, else as many as this process may run on."""
    if threads:
        return threads
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


async def recognise(job: ChildJob, progress: Progress) -> Recognised:
    """Run a recogniser's process to its end; a cancelled task or a passed limit kills it.

    Raises:
        BadMedia, ModelMissing, ToolMissing: as the process said.
        TimedOut: a limit was reached.
        ToolFailed: the process died, or its engine failed.
    """
    threads = str(thread_count(job.threads))
    env = {"OMP_NUM_THREADS": threads, "PYTHONUNBUFFERED": "1", "HF_HUB_OFFLINE": "1"}
    command = Command(argv=[sys.executable, "-m", job.module], env=env, name=job.name)
    result = Recognised()
    async with await start(command, stdin=True, stdout=True) as child:
        began_s = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(job.time_limit_s) as limit:
                await _send(child, {**job.request, "threads": int(threads)})
                while line := await _next_line(child):
                    _take(json.loads(line), result, progress)
                    if job.speed_limit and result.duration_ms:
                        seconds = max(60.0, result.duration_ms / 1000 * job.speed_limit)
                        limit.reschedule(began_s + min(seconds, job.time_limit_s or seconds))
                code = await child.wait()
        except TimeoutError as error:
            took_s = asyncio.get_running_loop().time() - began_s
            raise TimedOut(
                f"{job.name}: stopped after {took_s:.0f} s, its time limit",
                hint="use a smaller model, or raise transcript.speed_limit",
            ) from error
        except ValueError as error:
            raise ToolFailed(f"{job.name}: said something that is no event ({error})") from error
    if not result.done:
        raise _death(command, code, child.stderr_tail)
    progress(result.duration_ms, result.duration_ms)
    return result


async def _send(child: Child, request: Mapping[str, Any]) -> None:
    assert child.process.stdin is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        child.process.stdin.write(json.dumps(request).encode())
        await child.process.stdin.drain()
    child.process.stdin.close()


async def _next_line(child: Child) -> bytes:
    assert child.process.stdout is not None
    return await child.process.stdout.readline()


def _take(event: Mapping[str, Any], result: Recognised, progress: Progress) -> None:
    match event["event"]:
        case "started":
            result.language, result.duration_ms = event["language"], event["duration_ms"]
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


def _death(command: Command, code: int, stderr_tail: str) -> ToolFailed:
    error = failed(command, code, stderr_tail)
    if code == _KILLED_BY_KERNEL:
        return ToolFailed(error.message, hint="it was killed: most likely memory ran out; use a smaller model")
    return error


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

    def send(self, event: str, **facts: Any) -> None:
        """Write one event."""
        self._out.write(json.dumps({"event": event, **facts}, ensure_ascii=False, separators=(",", ":")) + "\n")
        self._out.flush()

    def started(self, *, language: str, duration_ms: int) -> None:
        """The media is decoded, the language known."""
        self.send("started", language=language, duration_ms=duration_ms)

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
    """Be a recogniser's process: read the job, run it, report; returns the exit code."""
    wire = Wire(_claim_stdout())
    if hasattr(os, "nice"):
        os.nice(5)  # recognition can wait, a signal that is being recorded cannot
    try:
        request = json.loads(sys.stdin.read())
        wire.offset_ms = request["offset_ms"]
        run(request, wire)
    except StreamhubError as error:
        wire.send("failed", kind=type(error).__name__, message=error.message, hint=error.hint)
        return 1
    except MemoryError:
        wire.send("failed", kind="ToolFailed", message="not enough memory", hint="use a smaller model")
        return 1
    except Exception as error:  # the job's boundary: the hub shall hear of everything
        traceback.print_exc()
        wire.send("failed", kind="ToolFailed", message=f"{type(error).__name__}: {error}", hint="")
        return 1
    wire.send("done", peak_bytes=_peak_bytes())
    return 0


def _claim_stdout() -> IO[str]:
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
