"""The noun of a reminder: the ladder of a session, and what becomes of each of its rungs. Pure.

A session that people are invited into has a rung a week, a day, an hour and five minutes before its start. A rung
belongs to one start: after a move the old ones say nothing any more, and new ones are planned. A rung whose moment had
passed when it was planned is left out; one that is late because the hub was down still tells, until the next rung's
moment comes. Refuses to know timers and mails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from streamhub.schedule.show import Session, SessionState
from streamhub.timecode import format_instant

REMINDER = "reminder"
"""The kind of mails that remind."""


class Rung(StrEnum):
    """How long before the start a reminder comes."""

    WEEK = "week"
    DAY = "day"
    HOUR = "hour"
    FIVE_MINUTES = "five_minutes"

    @property
    def before(self) -> timedelta:
        """The time between this rung and the start."""
        return _BEFORE[self]


_BEFORE: Mapping[Rung, timedelta] = MappingProxyType(
    {
        Rung.WEEK: timedelta(weeks=1),
        Rung.DAY: timedelta(days=1),
        Rung.HOUR: timedelta(hours=1),
        Rung.FIVE_MINUTES: timedelta(minutes=5),
    }
)
ALARMS: tuple[timedelta, ...] = tuple(_BEFORE.values())
"""The same ladder as calendars ring it."""

REMINDED = frozenset({SessionState.DRAFT, SessionState.SCHEDULED, SessionState.OPEN, SessionState.REHEARSAL})
"""States in which people are reminded: a draft too, since its guests were promised the date."""

_LONGEST_SILENCE = timedelta(days=3)


class Outcome(StrEnum):
    """What became of a rung: it waits for its moment, told people, came too late, was switched off, or overtaken."""

    WAITING = "waiting"
    TOLD = "told"
    LATE = "late"
    OFF = "off"
    OVERTAKEN = "overtaken"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reminder:
    """One rung of one start of a session.

    Attributes:
        session_id: the session.
        starts_at: the start that it belongs to, UTC.
        rung: which.
        outcome: what became of it.
        at: when that was decided, UTC; None: not yet.
        people: to how many people a mail was written.
    """

    session_id: str
    starts_at: datetime
    rung: Rung
    outcome: Outcome = Outcome.WAITING
    at: datetime | None = None
    people: int = 0

    @property
    def version(self) -> str:
        """What tells its mails from those of other rungs and other starts."""
        return f"{self.rung} {format_instant(self.starts_at)}"

    @property
    def due_at(self) -> datetime:
        """When it is to go out, UTC."""
        return self.starts_at - self.rung.before

    @property
    def stale_at(self) -> datetime:
        """From when on it is too late: at the moment of the next rung, or at the start; UTC."""
        after = [rung for rung in Rung if rung.before < self.rung.before]
        return self.starts_at - after[0].before if after else self.starts_at


def plan_ladder(session: Session, *, now: datetime) -> list[Reminder]:
    """The rungs of a session's present start; those whose moment has passed are left out from the beginning."""
    rungs = [Reminder(session_id=session.id, starts_at=session.starts_at, rung=rung) for rung in Rung]
    return [
        one
        if one.due_at > now
        else Reminder(session_id=one.session_id, starts_at=one.starts_at, rung=one.rung, outcome=Outcome.LATE, at=now)
        for one in rungs
    ]


def decide_outcome(reminder: Reminder, session: Session, *, now: datetime, off: bool) -> Outcome:
    """What becomes of a rung now; what was decided stays.

    Args:
        reminder: the rung.
        session: as it is now.
        now: the clock's time, UTC.
        off: whether hosts want no reminders for this session.
    """
    if reminder.outcome is not Outcome.WAITING:
        return reminder.outcome
    if now < reminder.due_at:
        return Outcome.WAITING
    if session.starts_at != reminder.starts_at or session.state not in REMINDED:
        return Outcome.OVERTAKEN
    if off:
        return Outcome.OFF
    return Outcome.LATE if now >= reminder.stale_at else Outcome.TOLD


def plan_nudge(asked_at: datetime, starts_at: datetime) -> datetime:
    """When somebody who has not answered an invitation is reminded: after three days, or sooner, halfway to the start.

    Args:
        asked_at: when his invitation went out, UTC.
        starts_at: of the session, UTC.
    """
    return asked_at + min(_LONGEST_SILENCE, (starts_at - asked_at) / 2)
