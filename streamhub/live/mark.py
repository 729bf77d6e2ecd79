"""The noun of being on air: a mark, one witness of which question was on air when.

A mark is never the only proof; `streamhub.answers` weighs marks against the transcript.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from streamhub.timecode import require_utc


class Witness(StrEnum):
    """Who or what saw the question on air.

    The overlay says that the question was really drawn; the ear, that somebody heard it in the recording afterwards.
    """

    HOST = "host"
    OVERLAY = "overlay"
    CHAT = "chat"
    CLOCK = "clock"
    IMPORT = "import"
    EAR = "ear"


class MarkKind(StrEnum):
    """What happened: the question went on air, was done with, or was taken back unanswered."""

    ON_AIR = "on_air"
    DONE = "done"
    BACK = "back"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """One witness of what was on air when.

    Attributes:
        session_id: the session.
        question_id: the question.
        kind: what happened.
        at: the instant, UTC.
        witness: who or what saw it.
        author: who pressed it, for the log; may be empty.
    """

    session_id: str
    question_id: str
    kind: MarkKind
    at: datetime
    witness: Witness = Witness.HOST
    author: str = ""

    def __post_init__(self) -> None:
        require_utc(self.at)


def find_replaced(marks: Sequence[Mark], fresh: Mark) -> list[Mark]:
    """The marks by ear that a fresh one takes the place of: of the same question and kind, with no other kind between.

    So a beginning set anew replaces the one before it, and a second airing after an end is one of its own.
    """
    mine = sorted(
        (mark for mark in marks if mark.question_id == fresh.question_id and mark.witness is Witness.EAR),
        key=lambda mark: mark.at,
    )
    others = [mark.at for mark in mine if (mark.kind is MarkKind.ON_AIR) is not (fresh.kind is MarkKind.ON_AIR)]
    return [
        mark
        for mark in mine
        if mark.kind is fresh.kind and not any(min(mark.at, fresh.at) < at <= max(mark.at, fresh.at) for at in others)
    ]
