"""Times: milliseconds on a medium's or a session's clock, and instants on the world's clock.

Owns their notation and their arithmetic. Offsets in media are integer milliseconds, instants are aware UTC.
Refuses to know what o'clock it is: the current time always comes in as an argument.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from streamhub.errors import BadInput

Now = Callable[[], datetime]
"""A clock: returns the current instant, aware, in UTC."""

_CLOCK = re.compile(r"(?:(?P<h>\d{1,4}):)?(?P<m>\d{1,2}):(?P<s>\d{1,2})(?:[.,](?P<f>\d{1,3}))?")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open stretch ``[start_ms, end_ms)`` on one clock, in milliseconds; never negative, never backwards."""

    start_ms: int
    end_ms: int

    def __post_init__(self) -> None:
        if self.start_ms < 0 or self.end_ms < self.start_ms:
            raise BadInput(f"span {self.start_ms}..{self.end_ms} ms: an end before its start, or a negative time")

    @property
    def duration_ms(self) -> int:
        """Length in milliseconds."""
        return self.end_ms - self.start_ms

    def overlap_ms(self, other: Span) -> int:
        """Milliseconds that both spans share."""
        return max(0, min(self.end_ms, other.end_ms) - max(self.start_ms, other.start_ms))

    def shifted(self, by_ms: int) -> Span:
        """The same stretch moved by ``by_ms``, cut off at zero."""
        return Span(max(0, self.start_ms + by_ms), max(0, self.end_ms + by_ms))


def merge_spans(spans: Iterable[Span], *, gap_ms: int = 0) -> tuple[Span, ...]:
    """Join spans that touch or lie at most ``gap_ms`` apart; the result is sorted."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start_ms - merged[-1].end_ms <= gap_ms:
            merged[-1] = Span(merged[-1].start_ms, max(merged[-1].end_ms, span.end_ms))
        else:
            merged.append(span)
    return tuple(merged)


@lru_cache(maxsize=4096)
def format_ms(ms: int) -> str:
    """Write milliseconds as ``HH:MM:SS.mmm``, the notation of WebVTT and of the archive."""
    if ms < 0:
        raise BadInput(f"time {ms} ms: a negative time has no notation")
    seconds, milli = divmod(ms, 1000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d}.{milli:03d}"


def format_clock(ms: int) -> str:
    """Write milliseconds for people: ``2:05`` or ``1:02:05``, whole seconds, rounded down."""
    minutes, second = divmod(max(0, ms) // 1000, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"


def parse_ms(text: str) -> int:
    """Read ``[H:]MM:SS[.mmm]`` (a comma works too) as milliseconds.

    Raises:
        BadInput: the text is no such time, or minutes or seconds are over 59.
    """
    match = _CLOCK.fullmatch(text.strip())
    if not match or int(match["s"]) > 59 or (match["h"] and int(match["m"]) > 59):
        raise BadInput(f"time {text!r}: not a time", hint="write it as MM:SS.mmm or HH:MM:SS.mmm")
    fraction = (match["f"] or "").ljust(3, "0")
    return ((int(match["h"] or 0) * 60 + int(match["m"])) * 60 + int(match["s"])) * 1000 + int(fraction)


def s_to_ms(seconds: float) -> int:
    """Turn a library's float seconds into integer milliseconds, rounded half up, never negative."""
    return max(0, int(seconds * 1000 + 0.5))


def require_utc(instant: datetime) -> datetime:
    """Return the instant in UTC.

    Raises:
        BadInput: the datetime has no zone, so nobody knows which instant it is.
    """
    if instant.tzinfo is None:
        raise BadInput(f"instant {instant.isoformat()}: no time zone", hint="add an offset such as +01:00 or Z")
    return instant.astimezone(UTC)


def format_instant(instant: datetime) -> str:
    """Write an instant as ``2027-03-02T19:15:00.000Z``: UTC, milliseconds, sortable as text."""
    return require_utc(instant).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 instant with a zone.

    Raises:
        BadInput: not an ISO 8601 time, or one without a zone.
    """
    try:
        return require_utc(datetime.fromisoformat(text.strip()))
    except ValueError as error:
        raise BadInput(
            f"instant {text!r}: not an ISO 8601 time", hint="write it as 2027-03-02T20:15:00+01:00"
        ) from error


def ms_between(earlier: datetime, later: datetime) -> int:
    """Whole milliseconds from one instant to another; negative when ``later`` is earlier."""
    return (require_utc(later) - require_utc(earlier)) // timedelta(milliseconds=1)


def add_ms(instant: datetime, ms: int) -> datetime:
    """The instant ``ms`` milliseconds later."""
    return require_utc(instant) + timedelta(milliseconds=ms)


def require_zone(zone: str, *, what: str) -> ZoneInfo:
    """Return the time zone of that IANA name.

    Raises:
        BadInput: there is no such zone.
    """
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise BadInput(
            f"{what}: time zone {zone!r} is unknown", hint="use an IANA name such as Europe/Berlin"
        ) from error
