"""The noun of an event: several sessions under one title, on one or several days, and what goes before what. Pure.

An event owns no dates: its programme is that of its sessions, told in the event's zone. A pre-show is a session that
goes before another session or before a whole event; what it leaves open is asked there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from streamhub.errors import BadInput
from streamhub.schedule.show import Session, SessionState, SessionTimes
from streamhub.text import require_language, require_slug
from streamhub.timecode import require_zone

MAX_SESSIONS = 100

S = TypeVar("S", bound=SessionTimes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Several sessions under one title.

    Attributes:
        id: slug, unique in the hub, part of its address.
        show_id: the show in which new sessions of it are planned.
        title: as shown.
        about: what it is, plain text; may be empty.
        zone: IANA name; its programme is told in it.
        language: ``de`` or ``en``.
        cancelled_at: when hosts called all of it off, UTC; None: they did not.
    """

    id: str
    show_id: str
    title: str
    about: str = ""
    zone: str = "Europe/Berlin"
    language: str = "de"
    cancelled_at: datetime | None = None

    def __post_init__(self) -> None:
        require_slug(self.id, what="event id")
        require_slug(self.show_id, what="show id")
        require_language(self.language, what=f"event {self.id}")
        require_zone(self.zone, what=f"event {self.id}")
        if not self.title.strip():
            raise BadInput(f"event {self.id}: empty title", hint="give the event a title")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProgrammeDay(Generic[S]):
    """One day of an event.

    Attributes:
        day: in the event's zone.
        sessions: that start on it, in their order.
    """

    day: date
    sessions: tuple[S, ...]


def plan_programme(zone: str, sessions: Iterable[S]) -> list[ProgrammeDay[S]]:
    """The sessions of an event by day in the event's zone."""
    place, days = ZoneInfo(zone), dict[date, list[S]]()
    for session in sorted(sessions, key=lambda one: (one.starts_at, one.id)):
        days.setdefault(session.starts_at.astimezone(place).date(), []).append(session)
    return [ProgrammeDay(day=day, sessions=tuple(found)) for day, found in days.items()]


def find_overlaps(sessions: Iterable[Session]) -> list[tuple[Session, Session]]:
    """Pairs of sessions that take place at the same time, each pair once, the earlier one first."""
    happening = [one for one in sessions if one.state not in {SessionState.CANCELLED, SessionState.MOVED}]
    ordered = sorted(happening, key=lambda one: (one.starts_at, one.id))
    return [
        (one, other)
        for place, one in enumerate(ordered)
        for other in ordered[place + 1 :]
        if other.starts_at < one.ends_at
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class PreShow:
    """That a session goes before another one, or before an event.

    Attributes:
        session_id: the pre-show.
        for_session: the session that it goes before; empty for an event.
        for_event: the event that it goes before; empty for a session.
    """

    session_id: str
    for_session: str = ""
    for_event: str = ""


def leads_back(chain: Mapping[str, str], session_id: str, goal: str) -> bool:
    """Whether a pre-show would come round to itself.

    Args:
        chain: by pre-show, the session that it goes before.
        session_id: the pre-show.
        goal: the session that it is to go before.
    """
    at, seen = goal, set[str]()
    while at and at not in seen:
        if at == session_id:
            return True
        seen.add(at)
        at = chain.get(at, "")
    return False
