"""The noun of a poll: which of some dates suits the people who are asked, and when that is decided. Pure.

Each answers every date with yes, if need be, or no. A poll closes by itself as soon as everybody has answered and a
date suits all, or else at its end, with the best date that suits enough of them, or with none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MAX_OPTIONS = 20


class Suits(StrEnum):
    """Whether a date suits somebody."""

    YES = "yes"
    IF_NEEDED = "if_needed"
    NO = "no"


@dataclass(frozen=True, kw_only=True, slots=True)
class Poll:
    """A search for the date of a session.

    Attributes:
        session_id: the session.
        options: the dates that are asked about, UTC, in their order.
        people: ids of who is asked.
        needed: so many must be able, where not everybody is.
        made_at: when it began, UTC.
        ends_at: when it is decided at the latest, UTC.
        closed_at: when it was decided, UTC; None: not yet.
        chosen: the date that was found, UTC; None: none, or not yet.
    """

    session_id: str
    options: tuple[datetime, ...]
    people: tuple[str, ...]
    needed: int
    made_at: datetime
    ends_at: datetime
    closed_at: datetime | None = None
    chosen: datetime | None = None


Answers = Mapping[str, Mapping[datetime, Suits]]
"""By person, what he said about each date; whoever is not in it has not answered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """How a date stands.

    Attributes:
        option: the date.
        yes: ids of whom it suits.
        if_needed: ids of whom it suits if need be.
        no: ids of whom it does not suit.
    """

    option: datetime
    yes: tuple[str, ...]
    if_needed: tuple[str, ...]
    no: tuple[str, ...]

    @property
    def able(self) -> tuple[str, ...]:
        """Ids of who could come."""
        return (*self.yes, *self.if_needed)


def count_answers(poll: Poll, answers: Answers) -> list[Tally]:
    """How each date stands, the best first: who can, whom it suits well, and the earliest."""

    def said(option: datetime, what: Suits) -> tuple[str, ...]:
        return tuple(one for one in poll.people if answers.get(one, {}).get(option) is what)

    found = [
        Tally(
            option=option,
            yes=said(option, Suits.YES),
            if_needed=said(option, Suits.IF_NEEDED),
            no=said(option, Suits.NO),
        )
        for option in poll.options
    ]
    return sorted(found, key=lambda one: (-len(one.able), -len(one.yes), one.option))


def list_silent(poll: Poll, answers: Answers) -> tuple[str, ...]:
    """Ids of who has not answered."""
    return tuple(one for one in poll.people if not answers.get(one))


@dataclass(frozen=True, kw_only=True, slots=True)
class Closing:
    """How a poll ends.

    Attributes:
        tally: of the date that was found; None: none suits enough people.
    """

    tally: Tally | None


def decide_closing(poll: Poll, answers: Answers, *, now: datetime) -> Closing | None:
    """How a poll ends now; None: it goes on. Dates that are past cannot be found any more."""
    if poll.closed_at is not None:
        return None
    standing = [one for one in count_answers(poll, answers) if one.option > now]
    best = standing[0] if standing else None
    if best is not None and not list_silent(poll, answers) and len(best.able) == len(poll.people):
        return Closing(tally=best)
    if now < poll.ends_at and standing:
        return None
    return Closing(tally=best if best is not None and len(best.able) >= max(1, poll.needed) else None)


def is_reminder_due(poll: Poll, *, now: datetime) -> bool:
    """Whether who has not answered is reminded: once, when half of the time is over."""
    return poll.closed_at is None and poll.made_at + (poll.ends_at - poll.made_at) / 2 <= now < poll.ends_at
