"""The noun of a verdict: what somebody says about whether an answer helped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MAX_REASON_LENGTH = 1000


class Helped(StrEnum):
    """Whether an answer helped."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What one person says about one answer; a later word of the same person takes its place.

    Attributes:
        question_id: the answer's question.
        person: who says it, as an id that tells nothing: a browser's or a follower's.
        helped: what is said.
        reason: in the person's own words; may be empty. Hosts alone read it.
        at: when, UTC.
    """

    question_id: str
    person: str
    helped: Helped
    reason: str = ""
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class VerdictCounts:
    """How many people said what.

    Attributes:
        yes, partly, no: people.
    """

    yes: int = 0
    partly: int = 0
    no: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Reopened:
    """What happened before a question was asked anew.

    Attributes:
        question_id: the question that stands open now.
        reopens: the answered one.
        session_id: where that was answered.
        asked_at: when it was asked first, UTC.
        answered_at: when its answer became public, UTC; None when nobody knows.
        reasons: why the answer did not help, the latest word of each person, oldest first.
    """

    question_id: str
    reopens: str
    session_id: str
    asked_at: datetime
    answered_at: datetime | None
    reasons: tuple[str, ...] = ()
