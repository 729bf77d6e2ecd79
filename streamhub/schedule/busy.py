"""When somebody is busy, from calendars as text: entries, their repetitions, and free/busy tables. Pure.

Titles, places and people are dropped with the first look, before anything is understood; what comes out are stretches.
An entry counts unless it is cancelled, marked as free, declined by its owner, or one of the hub's own. Refuses to know
where calendars come from. A calendar may be made to do harm: `streamhub.schedule.busy_reckoning` reads it in a process
of its own.

Source: RFC 5545; recurrence by recurring-ical-events, which follows its exceptions and moved dates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar, Event, vDDDTypes

from streamhub.errors import BadInput
from streamhub.timecode import require_zone

Stretch = tuple[datetime, datetime]

MAX_STRETCHES = 5_000
MAX_ENTRIES = 20_000
"""Entries within reach of the asked time, beyond which a calendar is no person's."""
MAX_RULES = 1_000
"""The same for repetitions that are not over."""
MAX_LINE = 100_000
MAX_DEPTH = 20

_KEPT = frozenset(
    {
        "UID", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "STATUS", "TRANSP",
        "X-MICROSOFT-CDO-BUSYSTATUS", "SEQUENCE",
    }
)  # fmt: skip
_SEVERAL = frozenset({"RDATE", "EXDATE", "ATTENDEE"})
_REPEATS = frozenset({"RRULE", "RDATE", "RECURRENCE-ID"})
_BROKEN = (AttributeError, KeyError, TypeError, IndexError, OverflowError, RecursionError)
"""What the libraries raise about entries that no rule foresaw."""
_NAME = re.compile(r"[A-Za-z-]+")
_FOLD = re.compile(r"\r?\n[ \t]")
_DAY = re.compile(r"(\d{8})(?:T\d{6}Z?)?\s*$")
_UNTIL = re.compile(r"UNTIL=(\d{8})", re.IGNORECASE)
_TOO_OFTEN = re.compile(r"FREQ=(?:SECONDLY|MINUTELY)|BY(?:SECOND|MINUTE)=", re.IGNORECASE)
_REACH = timedelta(days=3)  # more than any zone is away from another
_LONG = timedelta(days=90)  # an entry that says how long it takes instead of when it ends


class CalendarTrouble(StrEnum):
    """What keeps a calendar from being read."""

    SIGN_IN = "sign_in"
    UNREACHABLE = "unreachable"
    NOT_TRUSTED = "not_trusted"
    GONE = "gone"
    TOO_LARGE = "too_large"
    PRIVATE = "private"
    NO_CALENDAR = "no_calendar"
    TOO_MUCH = "too_much"
    UNREADABLE = "unreadable"


class TooMuch(BadInput):
    """A calendar asks for more work than any person's does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is asked of a calendar.

    Attributes:
        begin, end: from when to when, UTC.
        zone: in which whole days, and times without a zone, are meant where the calendar does not say.
        address: of its owner, lower case, to know what he declined; may be empty.
        own: names of entries that are not counted: the hub's own sessions.
    """

    begin: datetime
    end: datetime
    zone: str
    address: str = ""
    own: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Entry:
    """The lines of an entry that matter."""

    lines: list[str] = field(default_factory=lambda: ["BEGIN:VEVENT"])
    days: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Seen:
    """What a calendar's text holds."""

    zone: str = ""
    zones: list[str] = field(default_factory=list)
    entries: list[_Entry] = field(default_factory=list)
    periods: list[str] = field(default_factory=list)
    rules: int = 0


def find_busy(texts: Iterable[bytes], asked: Asked) -> tuple[Stretch, ...]:
    """When somebody is busy, by all of his calendars: stretches that do not touch, in order.

    Raises:
        TooMuch: a calendar holds more than any person's does.
        ValueError: a calendar cannot be understood.
    """
    found: list[Stretch] = []
    for text in texts:
        seen = _look(text.decode("utf-8-sig", "replace"), asked)
        zone = _zone_of(seen, asked)
        found += _periods(seen.periods)
        try:
            found += _occurrences(seen, asked, zone)
        except _BROKEN as error:
            raise ValueError("calendar: its entries make no sense") from error
    return _join(found, asked)


def is_calendar(body: bytes) -> bool:
    """Whether bytes begin as a calendar does."""
    return body.removeprefix(b"\xef\xbb\xbf").lstrip()[:15].upper() == b"BEGIN:VCALENDAR"


# Looking.


def _look(text: str, asked: Asked) -> _Seen:
    """What matters of a text, and nothing else."""
    look = _Look(asked)
    for raw in _FOLD.sub("", text).split("\n"):
        line = raw.rstrip("\r")
        head = line[:6].upper()
        if head == "BEGIN:":
            look.begin(line[6:].strip().upper())
        look.take(line)
        if head.startswith("END:"):
            look.end()
    return look.seen


class _Look:
    """A walk through the lines of a calendar."""

    def __init__(self, asked: Asked) -> None:
        self.seen = _Seen()
        self._asked = asked
        self._path: list[str] = []
        self._zone: list[str] = []
        self._entry = _Entry()

    def begin(self, part: str) -> None:
        """A part of the calendar begins."""
        self._path.append(part)
        if len(self._path) > MAX_DEPTH:
            raise TooMuch("calendar: parts within parts without end", hint="use another calendar")
        if part == "VEVENT":
            self._entry = _Entry()
        elif part == "VTIMEZONE":
            self._zone = []

    def take(self, line: str) -> None:
        """A line, of whatever part."""
        inside = self._path[-1] if self._path else ""
        if "VTIMEZONE" in self._path:
            self._zone.append(line)
        elif len(line) > MAX_LINE:
            return
        elif inside == "VEVENT":
            _keep(line, self._entry, self._asked)
        elif inside == "VFREEBUSY" and line[:8].upper() == "FREEBUSY":
            self.seen.periods.append(line)
        elif inside == "VCALENDAR" and line[:14].upper() == "X-WR-TIMEZONE:":
            self.seen.zone = line[14:].strip()

    def end(self) -> None:
        """The innermost part ends."""
        left = self._path.pop() if self._path else ""
        if left == "VTIMEZONE" and len(self.seen.zones) < MAX_RULES:
            self.seen.zones.append("\n".join(self._zone))
        elif left == "VEVENT":
            _note(self.seen, self._entry, self._asked)


def _keep(line: str, entry: _Entry, asked: Asked) -> None:
    found = _NAME.match(line)
    name = found[0].upper() if found else ""
    if name in entry.names and name not in _SEVERAL:
        return
    if name in _KEPT or (name == "ATTENDEE" and asked.address and asked.address in line.lower()):
        entry.lines.append(line)
        entry.names.add(name)
        if name in {"DTSTART", "DTEND"} and (day := _DAY.search(line)):
            entry.days[name] = day[1]
        if name == "RRULE" and (until := _UNTIL.search(line)):
            entry.days["UNTIL"] = until[1]
        if name == "RRULE" and _TOO_OFTEN.search(line):
            raise TooMuch("calendar: an entry repeats every minute or oftener", hint="remove that entry")


def _note(seen: _Seen, entry: _Entry, asked: Asked) -> None:
    """Keep an entry that can lie within the asked time."""
    names = entry.names
    if "DTSTART" not in names or any(_is_own(line, asked.own) for line in entry.lines):
        return
    if not names & _REPEATS and entry.days.get("DTSTART"):
        first = entry.days["DTSTART"]
        last = entry.days.get("DTEND") or first
        slack = _REACH + (_LONG if "DURATION" in names else timedelta(0))
        if last < f"{asked.begin - slack:%Y%m%d}" or first > f"{asked.end + _REACH:%Y%m%d}":
            return
    if "RDATE" not in names and entry.days.get("UNTIL", "9") < f"{asked.begin - _LONG:%Y%m%d}":
        return  # a series that is over
    seen.entries.append(entry)
    seen.rules += "RRULE" in names
    if len(seen.entries) > MAX_ENTRIES:
        raise TooMuch(f"calendar: more than {MAX_ENTRIES} entries", hint="use a calendar of one person")
    if seen.rules > MAX_RULES:
        raise TooMuch(f"calendar: more than {MAX_RULES} repetitions", hint="use a calendar of one person")


def _is_own(line: str, own: frozenset[str]) -> bool:
    return line[:4].upper() == "UID:" and line[4:].strip() in own


# Understanding.


def _occurrences(seen: _Seen, asked: Asked, zone: ZoneInfo) -> Iterator[Stretch]:
    if not seen.entries:
        return
    entries = "\n".join("\n".join([*one.lines, "END:VEVENT"]) for one in seen.entries)
    text = "\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//streamhub//busy//EN", *seen.zones, entries])
    calendar = Calendar.from_ical(f"{text}\nEND:VCALENDAR\n")
    query = recurring_ical_events.of(calendar, skip_bad_series=True)
    for event in query.between(asked.begin - timedelta(days=1), asked.end + timedelta(days=1)):
        if _takes_time(event, asked.address) and (stretch := _stretch(event, zone)):
            yield stretch


def _takes_time(event: Event, address: str) -> bool:
    def word(name: str) -> str:
        return str(event.get(name, "")).strip().upper()

    if word("STATUS") == "CANCELLED" or word("TRANSP") == "TRANSPARENT":
        return False
    if word("X-MICROSOFT-CDO-BUSYSTATUS") in {"FREE", "WORKINGELSEWHERE"}:
        return False
    attendees = event.get("ATTENDEE", [])
    for one in attendees if isinstance(attendees, list) else [attendees]:
        mine = str(one).lower().removeprefix("mailto:").strip() == address
        if mine and str(one.params.get("PARTSTAT", "")).upper() == "DECLINED":
            return False
    return True


def _stretch(event: Event, zone: ZoneInfo) -> Stretch | None:
    begins, ends, lasts = (event.decoded(name, None) for name in ("DTSTART", "DTEND", "DURATION"))
    if not isinstance(begins, date):
        return None
    begin = _instant(begins, zone)
    if isinstance(ends, date):
        end = _instant(ends, zone)
    elif isinstance(lasts, timedelta) and not isinstance(begins, datetime):
        end = _instant(begins + lasts, zone)  # days of the wall clock
    else:
        end = begin + (lasts if isinstance(lasts, timedelta) else timedelta(0))
    if end <= begin and not isinstance(begins, datetime):
        end = _instant(begins + timedelta(days=1), zone)
    return (begin, end) if end > begin else None


def _instant(value: date, zone: ZoneInfo) -> datetime:
    """A day begins at midnight in the zone; a time without a zone is one of the zone's."""
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001  gets its zone below
    return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)


def _periods(lines: Iterable[str]) -> Iterator[Stretch]:
    for line in lines:
        head, _, values = line.partition(":")
        if re.search(r"FBTYPE=FREE\b", head, re.IGNORECASE):
            continue
        for value in values.split(","):
            begins, _, ends = value.strip().partition("/")
            try:
                begin, end = _moment(begins), _moment(ends)
            except ValueError:
                continue
            if isinstance(begin, datetime) and isinstance(end, timedelta):
                end = begin + end
            if (
                isinstance(begin, datetime)
                and isinstance(end, datetime)
                and begin.tzinfo
                and end.tzinfo
                and end > begin
            ):
                yield begin.astimezone(UTC), end.astimezone(UTC)


def _moment(text: str) -> object:
    """An instant or a length of time, as calendars write them."""
    return vDDDTypes.from_ical(text)  # type: ignore[no-untyped-call]


def _zone_of(seen: _Seen, asked: Asked) -> ZoneInfo:
    try:
        return require_zone(seen.zone or asked.zone, what="calendar")
    except BadInput:
        return require_zone(asked.zone, what="calendar")


def _join(found: Iterable[Stretch], asked: Asked) -> tuple[Stretch, ...]:
    joined: list[Stretch] = []
    for begin, end in sorted((max(a, asked.begin), min(b, asked.end)) for a, b in found):
        if end <= begin:
            continue
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return tuple(joined[:MAX_STRETCHES])
