"""The noun of people: who can be invited, what they know, how much they take on, and when they can. Pure.

A person is known to the hub before he is in any session and needs no account. When somebody can is told in three ways:
the hours of a usual week, days away, and busy times from a calendar. Refuses to know how it was told and where it is
kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from streamhub.errors import BadInput
from streamhub.schedule.show import Role
from streamhub.text import clean_email, clean_line, clean_text, fold, require_language
from streamhub.timecode import require_utc, require_zone

MAX_NAME = 80
MAX_ABOUT = 200
MAX_QUESTION = 1000
MAX_WORDS = 60
MAX_WORD = 80
LOAD_WINDOW = timedelta(days=28)
"""The stretch in which a person's sessions are counted against his limit."""

_STEP = timedelta(minutes=15)  # no zone's clock jumps by less, so no hour of the wall clock is stepped over


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody who can be invited.

    Attributes:
        id: drawn when he was added, never changed.
        name: as shown and as spoken.
        role: what he usually is in a session.
        email: where invitations go; empty: he is told by other means.
        about: one line under the name; may be empty.
        organisation: where he works; a panel should not come from one house; may be empty.
        language: of mails and pages for him, ``de`` or ``en``.
        zone: IANA name of his time zone.
        topics: what he can answer about, as written.
        products: which products he knows, as written.
        speaks: languages in which he can be on air.
        most_sessions: sessions that he takes on within `LOAD_WINDOW`; 0: no limit.
        rest_days: days that should lie between two of his sessions; 0: none.
        active: whether he is invited and planned with at all.
        link_version: rises when his personal links are to work no more.
        question: what a customer wants to ask; may be empty.
    """

    id: str
    name: str
    role: Role = Role.EXPERT
    email: str = ""
    about: str = ""
    organisation: str = ""
    language: str = "de"
    zone: str = "Europe/Berlin"
    topics: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    speaks: tuple[str, ...] = ("de",)
    most_sessions: int = 0
    rest_days: int = 0
    active: bool = True
    link_version: int = 1
    question: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise BadInput("person: empty name", hint="write a name")
        require_language(self.language, what=f"person {self.id}")
        require_zone(self.zone, what=f"person {self.id}")
        if not 0 <= self.most_sessions <= 100 or not 0 <= self.rest_days <= 365:
            raise BadInput(f"person {self.id}: a load that cannot be", hint="write 0 to 100 sessions, 0 to 365 days")

    def knows(self, topic: str) -> bool:
        """Whether he can answer about a topic or product, however it is written."""
        return fold(topic) in {fold(known) for known in (*self.topics, *self.products)}


class Fit(StrEnum):
    """Whether somebody can at a time, and why not."""

    FREE = "free"
    UNKNOWN = "unknown"
    OUTSIDE = "outside"
    AWAY = "away"
    BUSY = "busy"

    @property
    def possible(self) -> bool:
        """Whether nothing speaks against it."""
        return self in {Fit.FREE, Fit.UNKNOWN}


@dataclass(frozen=True, kw_only=True, slots=True)
class Availability:
    """When a person can.

    Attributes:
        person_id: who.
        zone: in which the hours and days are meant.
        hours: weekday (0 is Monday) and hour of the wall clock at which he usually can; empty: he has not said.
        away: first and last day of each absence.
        busy: stretches that his calendar says are taken, UTC.
    """

    person_id: str
    zone: str
    hours: frozenset[tuple[int, int]] = frozenset()
    away: tuple[tuple[date, date], ...] = ()
    busy: tuple[tuple[datetime, datetime], ...] = ()


def check_fit(availability: Availability, starts_at: datetime, ends_at: datetime) -> Fit:
    """Whether somebody can from one instant to another; what is certain counts before what is usual."""
    start, end = require_utc(starts_at), require_utc(ends_at)
    if any(begin < end and start < stop for begin, stop in availability.busy):
        return Fit.BUSY
    days, hours = _touched(start, end, availability.zone)
    if any(first <= day <= last for day in days for first, last in availability.away):
        return Fit.AWAY
    if not availability.hours:
        return Fit.UNKNOWN
    return Fit.FREE if hours <= availability.hours else Fit.OUTSIDE


def _touched(start: datetime, end: datetime, zone: str) -> tuple[set[date], set[tuple[int, int]]]:
    """The days, and the hours of the week, on the wall clock of a zone that a stretch touches."""
    place = require_zone(zone, what="availability")
    days, hours, at = set[date](), set[tuple[int, int]](), start
    while at < end:
        local = at.astimezone(place)
        days.add(local.date())
        hours.add((local.weekday(), local.hour))
        at += _STEP
    last = (end - timedelta(microseconds=1)).astimezone(place)
    return {*days, last.date()}, {*hours, (last.weekday(), last.hour)}


class Load(StrEnum):
    """Whether one session more is too much for somebody."""

    FINE = "fine"
    FULL = "full"
    TOO_SOON = "too_soon"


def check_load(person: Person, others: Iterable[datetime], starts_at: datetime) -> Load:
    """Whether a person takes on one session more at an instant.

    Args:
        person: who.
        others: starts of the sessions that he is in already, this one not among them.
        starts_at: of the one more.
    """
    taken = list(others)
    if person.rest_days and any(abs(one - starts_at) < timedelta(days=person.rest_days) for one in taken):
        return Load.TOO_SOON
    if person.most_sessions:
        starts = sorted([*taken, starts_at])
        windows = [one for one in starts if starts_at - LOAD_WINDOW < one <= starts_at]
        if any(sum(begin <= one < begin + LOAD_WINDOW for one in starts) > person.most_sessions for begin in windows):
            return Load.FULL
    return Load.FINE


def clean_person(person: Person) -> Person:
    """A person of what somebody typed: every text cleaned, lists without doubles.

    Raises:
        BadInput: no name, an address that is none, a text too long.
    """
    return Person(
        id=person.id,
        name=clean_line(person.name, max_length=MAX_NAME, what="name"),
        role=person.role,
        email=clean_email(person.email) if person.email.strip() else "",
        about=_clean_optional(person.about, what="about"),
        organisation=_clean_optional(person.organisation, what="organisation"),
        language=person.language,
        zone=person.zone.strip(),
        topics=_clean_words(person.topics, what="topics"),
        products=_clean_words(person.products, what="products"),
        speaks=tuple(dict.fromkeys(require_language(one, what="speaks") for one in person.speaks)),
        most_sessions=person.most_sessions,
        rest_days=person.rest_days,
        active=person.active,
        link_version=person.link_version,
        question=_clean_question(person.question),
    )


def _clean_optional(text: str, *, what: str) -> str:
    return clean_line(text, max_length=MAX_ABOUT, what=what) if text.strip() else ""


def _clean_question(text: str) -> str:
    return clean_text(text, max_length=MAX_QUESTION, what="question") if text.strip() else ""


def _clean_words(words: Iterable[str], *, what: str) -> tuple[str, ...]:
    kept: dict[str, str] = {}
    for word in words:
        if word.strip():
            cleaned = clean_line(word, max_length=MAX_WORD, what=what)
            kept.setdefault(fold(cleaned), cleaned)
    if len(kept) > MAX_WORDS:
        raise BadInput(f"{what}: {len(kept)} of them, at most {MAX_WORDS} allowed", hint="keep the most important ones")
    return tuple(kept.values())
