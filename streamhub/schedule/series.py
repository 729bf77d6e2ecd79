"""The noun of a series: the rule by which a show recurs, and what became of single dates. Pure.

A rule is kept as hosts say it: weekdays, a time on the wall clock, a zone. Each date of it is named for ever by the day
that the rule gives it, wherever it is moved. Refuses to know how dates are computed
(`streamhub.schedule.recurrence`) and how sessions are made of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum


class Rhythm(StrEnum):
    """How a show recurs: on weekdays of every n-th week, or on the n-th weekdays of every n-th month."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """How a show recurs.

    Attributes:
        show_id: the show; it has one rule.
        title: of its sessions.
        rhythm: in which units it recurs.
        every: that many weeks or months apart.
        weekdays: on which days, 0 is Monday.
        nth: which of them in the month, 1 to 4, or -1 for the last; means nothing for weeks.
        at: the wall clock's time in `zone`.
        zone: IANA name.
        minutes: planned length.
        first_day: not before this day; the weeks and months are counted from it.
        last_day: not after this day; None: without an end.
        region: whose public holidays are left out, such as ``DE`` or ``DE-BY``; empty: none are.
        pauses: months that are left out, 1 to 12.
        ahead_weeks: so long before it a date becomes a draft session.
    """

    show_id: str
    title: str
    rhythm: Rhythm = Rhythm.WEEKLY
    every: int = 1
    weekdays: frozenset[int] = frozenset()
    nth: int = 1
    at: time
    zone: str = "Europe/Berlin"
    minutes: int = 60
    first_day: date
    last_day: date | None = None
    region: str = ""
    pauses: frozenset[int] = frozenset()
    ahead_weeks: int = 8


class SeriesFault(StrEnum):
    """What is wrong with a rule; pages say it in words."""

    NO_WEEKDAY = "no_weekday"
    BAD_NUMBER = "bad_number"
    BAD_ZONE = "bad_zone"
    BAD_REGION = "bad_region"
    ENDS_EARLY = "ends_early"
    OVER = "over"
    NEVER = "never"


class Jump(StrEnum):
    """What the wall clock does at the time of a date: nothing, it leaves it out, or it shows it twice."""

    NONE = "none"
    GAP = "gap"
    FOLD = "fold"


class Fate(StrEnum):
    """What becomes of a date."""

    RUNS = "runs"
    MOVED = "moved"
    CANCELLED = "cancelled"
    HOLIDAY = "holiday"
    PAUSE = "pause"

    @property
    def happens(self) -> bool:
        """Whether there is a session on it."""
        return self in {Fate.RUNS, Fate.MOVED}


@dataclass(frozen=True, kw_only=True, slots=True)
class Occurrence:
    """A date of a series.

    Attributes:
        day: that the rule gives it: its name for ever.
        starts_at: when it starts, UTC, or would start.
        fate: what becomes of it.
        jump: what the wall clock does then.
        holiday: which one, where that is its fate.
    """

    day: date
    starts_at: datetime
    fate: Fate = Fate.RUNS
    jump: Jump = Jump.NONE
    holiday: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesDate:
    """What a person or the hub did with a date.

    Attributes:
        day: its name.
        cancelled: whether it was cancelled before it had a session.
        moved_to: where it was moved before it had a session, UTC; None: nowhere.
        session_id: the session that was made of it; empty: none yet.
        made_for: the start with which that was made, UTC; None: none yet.
    """

    day: date
    cancelled: bool = False
    moved_to: datetime | None = None
    session_id: str = ""
    made_for: datetime | None = None
