"""The noun of being on air: a mark, one witness of which question was on air when.

A mark is never the only proof; `streamhub.answers` weighs marks against the transcript.
"""

from __future__ import annotations

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
