"""Calendars understood in a process of its own, which may use so much memory and time and no more.

Owns both ends of the wire: the question as one line of JSON with the sizes of the calendars that follow, the answer as
one line of JSON. A calendar that is made to do harm costs this process its life and the hub nothing.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict

from streamhub.errors import TimedOut
from streamhub.process import Command, Limits, run
from streamhub.schedule.busy import Asked, Stretch, TooMuch, find_busy
from streamhub.timecode import format_instant, parse_instant

TIMEOUT_S = 60.0
_LIMITS = Limits(memory_bytes=2 * 2**30, cpu_s=30)
_TOO_MUCH = 3
"""The exit code that says that a calendar holds too much."""


async def reckon_busy(texts: Sequence[bytes], asked: Asked, *, timeout_s: float = TIMEOUT_S) -> tuple[Stretch, ...]:
    """When somebody is busy, by all of his calendars.

    Raises:
        TooMuch: the calendars hold more than any person's does, or take too long.
        ValueError: they cannot be understood.
    """
    command = Command(argv=[sys.executable, "-m", __name__], limits=_LIMITS, name="calendar")
    try:
        finished = await run(command, stdin=_write(texts, asked), timeout_s=timeout_s)
    except TimedOut as error:
        raise TooMuch("calendar: takes too long to understand", hint="use a smaller calendar") from error
    if finished.exit_code == _TOO_MUCH or finished.exit_code < 0:  # below 0: it went beyond its limits
        raise TooMuch("calendar: holds too much", hint="use a calendar of one person")
    if finished.exit_code:
        raise ValueError("calendar: cannot be understood")
    return tuple((parse_instant(begin), parse_instant(end)) for begin, end in json.loads(finished.stdout))


def _write(texts: Sequence[bytes], asked: Asked) -> bytes:
    question = {
        **asdict(asked),
        "begin": format_instant(asked.begin),
        "end": format_instant(asked.end),
        "own": sorted(asked.own),
        "sizes": [len(text) for text in texts],
    }
    return json.dumps(question).encode() + b"\n" + b"".join(texts)


def _read(question: bytes) -> tuple[list[bytes], Asked]:
    head, _, rest = question.partition(b"\n")
    values = json.loads(head)
    texts, at = [], 0
    for size in values.pop("sizes"):
        texts.append(rest[at : at + size])
        at += size
    instants = {name: parse_instant(values[name]) for name in ("begin", "end")}
    return texts, Asked(**{**values, **instants, "own": frozenset(values["own"])})


def main() -> int:
    """Answer the question on standard input; the exit code says what was wrong with it."""
    os.nice(10)  # a show on air comes first
    try:
        found = find_busy(*_read(sys.stdin.buffer.read()))
    except (TooMuch, MemoryError):
        return _TOO_MUCH
    print(json.dumps([[format_instant(begin), format_instant(end)] for begin, end in found]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
