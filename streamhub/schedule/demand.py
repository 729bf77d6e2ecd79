"""The nouns that the planner starts from: what people want answered, who could answer it, who asked, and when.

Pure records, made once for a planning run. Ids are the planner's own handles; whoever makes the records knows what
they stand for. Refuses to know how questions were grouped and where people are kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from streamhub.errors import BadInput
from streamhub.timecode import require_utc

MAX_SKILL = 3
OLD_DAYS = 90
"""A question that has waited so long weighs no more for waiting longer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A question that waits for an answer.

    Attributes:
        id: the question's.
        people: how many want it answered, the asker counted.
        age_days: how long it has waited.
    """

    id: str
    people: int
    age_days: float = 0.0

    def __post_init__(self) -> None:
        if self.people < 0 or not 0 <= self.age_days < float("inf"):
            raise BadInput(f"question {self.id}: {self.people} people, {self.age_days} days", hint="count from 0 on")

    @property
    def weight(self) -> float:
        """What answering it is worth: grows with the people, more slowly than they do, and up to three times by age."""
        return 10.0 * math.pow(self.people, 0.7) * (1.0 + min(self.age_days, OLD_DAYS) / (OLD_DAYS / 2))


@dataclass(frozen=True, kw_only=True, slots=True)
class Theme:
    """What a session can be about: questions that one panel would answer.

    Attributes:
        id: the planner's handle.
        title: as people read it.
        wanted: its questions, the weightiest first; see `make_theme`.
        language: in which most of them are asked.
    """

    id: str
    title: str
    wanted: tuple[Wanted, ...]
    language: str = "de"


def make_theme(theme_id: str, *, title: str, wanted: Iterable[Wanted], language: str = "de") -> Theme:
    """A theme with its questions in the order in which sessions take them."""
    ordered = sorted(wanted, key=lambda one: (-one.weight, one.id))
    return Theme(id=theme_id, title=title, wanted=tuple(ordered), language=language)


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """A time at which the host could hold a session.

    Attributes:
        id: the planner's handle.
        starts_at: UTC.
        minutes: how long the session would take.
    """

    id: str
    starts_at: datetime
    minutes: int = 60

    def __post_init__(self) -> None:
        require_utc(self.starts_at)
        if not 1 <= self.minutes <= 24 * 60:
            raise BadInput(f"slot {self.id}: {self.minutes} minutes", hint="plan 1 to 1440 minutes")

    @property
    def ends_at(self) -> datetime:
        """End, UTC."""
        return self.starts_at + timedelta(minutes=self.minutes)

    def clashes(self, other: Slot) -> bool:
        """Whether both cannot be held by one host."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


@dataclass(frozen=True, kw_only=True, slots=True)
class Expert:
    """Somebody who can answer.

    Attributes:
        id: who.
        name: as shown.
        house: where he works; two of one house make no diverse panel; empty: unknown, and then like nobody else's.
        knows: how well he knows each theme that he knows, 1 to `MAX_SKILL`.
        free: slots at which nothing speaks against him.
        unsure: those among them of which he has not said that he can.
        booked: starts of sessions that he is in already, UTC, past ones of the last weeks included.
        most: sessions that he takes on within the rules' window; 0: no limit.
        rest_days: days that lie between two of his sessions at least; 0: none.
        recent: sessions that he was in lately; who was in few comes first.
    """

    id: str
    name: str
    house: str = ""
    knows: Mapping[str, int] = field(default_factory=dict)
    free: frozenset[str] = frozenset()
    unsure: frozenset[str] = frozenset()
    booked: tuple[datetime, ...] = ()
    most: int = 0
    rest_days: int = 0
    recent: int = 0

    def __post_init__(self) -> None:
        if any(not 1 <= skill <= MAX_SKILL for skill in self.knows.values()):
            raise BadInput(f"expert {self.id}: a skill that cannot be", hint=f"use 1 to {MAX_SKILL}")
        if self.most < 0 or self.rest_days < 0 or self.recent < 0:
            raise BadInput(f"expert {self.id}: a negative load", hint="count from 0 on")


@dataclass(frozen=True, kw_only=True, slots=True)
class Customer:
    """Somebody who asked and could be in the session that answers.

    Attributes:
        id: who.
        name: as shown.
        asked: themes that he asked about.
        free: slots at which he can; None: he has not said, and is asked.
    """

    id: str
    name: str
    asked: frozenset[str]
    free: frozenset[str] | None = None

    def can(self, slot_id: str) -> bool:
        """Whether nothing speaks against him at a slot."""
        return self.free is None or slot_id in self.free
