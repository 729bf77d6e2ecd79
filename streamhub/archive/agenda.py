"""The agenda: sessions as a calendar (RFC 5545, RFC 7986) that people subscribe to. Pure.

A session's entry keeps its name for ever, wherever the site lies and whatever is corrected. Refuses to know pages and
clocks: what an entry says depends on the session alone, so that two builds say the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone

from streamhub.archive.structured import absolute
from streamhub.archive.views import ComingView, SessionView
from streamhub.archive.xml import xml_text

REFRESH_HOURS = 6
PAST_APPOINTMENTS = 200
"""So many of the newest sessions stand in a calendar, beside all that are to come: it is fetched whole each time."""
_LENGTH_UNKNOWN = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Appointment:
    """A session in a calendar.

    Attributes:
        path: of its page, a folder; the entry's name for ever is made from it.
        title, text: what it is.
        starts_at: when, UTC.
        zone: the host's IANA zone, in which the calendar tells it.
        duration_ms: how long; 0 where nobody knows, then an hour is kept free.
        url: whole address to go to; empty for the page's.
    """

    path: str
    title: str
    text: str
    starts_at: datetime
    zone: str
    duration_ms: int
    url: str = ""


def plan_appointment(view: SessionView) -> Appointment:
    """A session as an entry."""
    session = view.session
    title = session.title if session.show_title in {"", session.title} else f"{session.title} – {session.show_title}"
    return Appointment(
        path=session.url,
        title=title,
        text="\n".join(ref.question for ref in view.answers),
        starts_at=session.starts_at,
        zone=session.zone,
        duration_ms=view.duration_ms,
    )


def plan_coming(view: ComingView) -> Appointment:
    """A coming session as an entry; the archived one will be the same entry."""
    title = view.title if view.show_title == view.title else f"{view.title} – {view.show_title}"
    return Appointment(
        path=view.path,
        title=title,
        text=view.text,
        starts_at=view.starts_at,
        zone=view.zone,
        duration_ms=(view.ends_at - view.starts_at) // timedelta(milliseconds=1),
        url=view.url,
    )


def render_calendar(title: str, language: str, appointments: Iterable[Appointment], *, base: str, path: str) -> bytes:
    """The calendar.

    Args:
        title: as calendars show it.
        language: of the calendar.
        appointments: its entries, in any order.
        base: public address of the site; empty for none, then entries have no address.
        path: where the calendar lies.
    """
    entries = sorted(appointments, key=lambda one: (one.starts_at, one.path))
    calendar = Calendar()
    calendar.add("prodid", "-//streamhub//archive//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("name", _flat(title), parameters={"language": language})
    calendar.add("x-wr-calname", _flat(title))
    calendar.add("refresh-interval", timedelta(hours=REFRESH_HOURS), parameters={"value": "DURATION"})
    calendar.add("x-published-ttl", f"PT{REFRESH_HOURS}H")
    if base:
        calendar.add("source", absolute(base, path), parameters={"value": "URI"})
    # The library's own way of adding zones depends on the order of a set, and two builds must not differ.
    for zone in _zones(entries):
        calendar.add_component(zone)
    for entry in entries:
        calendar.add_component(_event(entry, base))
    return bytes(calendar.to_ical())


def _zones(entries: list[Appointment]) -> list[Timezone]:
    if not entries:
        return []
    first, last = date(entries[0].starts_at.year - 1, 1, 1), date(entries[-1].starts_at.year + 2, 1, 1)
    names = sorted({entry.zone for entry in entries} - {"UTC"})
    return [Timezone.from_tzid(name, first_date=first, last_date=last) for name in names]


def _event(entry: Appointment, base: str) -> Event:
    starts_at = entry.starts_at.astimezone(ZoneInfo(entry.zone))
    length = timedelta(milliseconds=entry.duration_ms) if entry.duration_ms else _LENGTH_UNKNOWN
    event = Event()
    event.add("uid", plan_uid(entry.path))
    event.add("dtstamp", entry.starts_at)
    event.add("dtstart", starts_at)
    # Added to the instant: the wall clock may jump meanwhile.
    event.add("dtend", (entry.starts_at + length).replace(microsecond=0).astimezone(starts_at.tzinfo))
    event.add("summary", _flat(entry.title))
    if entry.text:
        event.add("description", _clean(entry.text))
    if base or entry.url:
        event.add("url", entry.url or absolute(base, entry.path))
    event.add("transp", "TRANSPARENT")
    return event


def plan_uid(path: str) -> str:
    """The name for ever of a session's entry, from the path of its page: ``s/<session>/``, on the hub and here."""
    return f"{uuid5(NAMESPACE_URL, f'streamhub:session:{path}')}@streamhub"


def _flat(text: str) -> str:
    return " ".join(_clean(text).split())


def _clean(text: str) -> str:
    return xml_text(text.replace("\r\n", "\n").replace("\r", "\n"))
