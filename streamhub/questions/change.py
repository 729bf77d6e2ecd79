"""The noun of curation: a change, one thing that a host did to questions, with what was before and after.

Changes hold words, so they can be erased; the log of actions beside them cannot. Refuses to know how they are stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from streamhub.questions.question import Question, QuestionState
from streamhub.timecode import require_utc

Snapshot = Mapping[str, Any]
"""Fields of a question that hosts change, as JSON values, by name."""

Shots = Mapping[str, Snapshot | None]
"""Things beside questions, such as ``story:k3…``, by name: what was decided about each; None where there was none."""

FIELDS = (
    "session_id",
    "state",
    "text",
    "original",
    "note",
    "starred",
    "topics",
    "products",
    "place",
    "merged_into",
    "seen",
    "for_writing",
)
"""The fields of a question that a change may touch and an undo puts back."""

UNDO = "undo"
"""The action of a change that takes another one back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deed:
    """What somebody is about to do.

    Attributes:
        session_id: the session in whose console it is done.
        action: a stable verb, such as ``queue`` or ``merge``.
        author: who does it; empty for the hub itself.
        at: when, UTC.
        undoes: id of the change that it takes back; None for most.
    """

    session_id: str
    action: str
    author: str
    at: datetime
    undoes: int | None = None

    def __post_init__(self) -> None:
        require_utc(self.at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Something that was done.

    Attributes:
        id: rises with each change.
        session_id, action, author, at, undoes: of the deed.
        question_ids: the questions that it is about, the one that was meant first.
        before: by question, the fields that changed, with their old values; empty for a question that it made.
        after: the same fields with their new values, and the ``version`` that the question got.
        undone_by: id of the change that took it back; None while it stands.
        things_before, things_after: what else it changed: stories, proposed answers, topics and who is in them.
    """

    id: int
    session_id: str
    action: str
    author: str
    at: datetime
    question_ids: tuple[str, ...]
    before: Mapping[str, Snapshot] = field(default_factory=dict)
    after: Mapping[str, Snapshot] = field(default_factory=dict)
    undoes: int | None = None
    undone_by: int | None = None
    things_before: Shots = field(default_factory=dict)
    things_after: Shots = field(default_factory=dict)

    @property
    def stands(self) -> bool:
        """Whether nobody took it back."""
        return self.undone_by is None

    def touches(self, question_id: str) -> frozenset[str]:
        """Names of the fields of a question that it changed."""
        return frozenset(self.after.get(question_id, ())) - {"version"}


def snapshot(question: Question) -> dict[str, Any]:
    """The fields of a question that hosts change, as JSON values."""
    values = {name: getattr(question, name) for name in FIELDS}
    return {
        **values,
        "state": question.state.value,
        "topics": list(question.topics),
        "products": list(question.products),
    }


def fields_of(shot: Snapshot) -> dict[str, Any]:
    """Fields of a question from their JSON values."""
    kinds: dict[str, Any] = {"state": QuestionState, "topics": tuple, "products": tuple}
    return {name: kinds.get(name, lambda same: same)(value) for name, value in shot.items() if name in FIELDS}
