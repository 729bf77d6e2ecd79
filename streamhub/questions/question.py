"""The nouns of asking: question, asker and the states of a question.

A question's id never changes from intake to embed. Refuses to know where questions are stored or shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from streamhub.text import require_language
from streamhub.timecode import require_utc

MAX_QUESTION_LENGTH = 1000
MAX_NAME_LENGTH = 60


class QuestionState(StrEnum):
    """Where a question is on its way; allowed steps stand in `streamhub.questions.rules.NEXT_STATES`."""

    RECEIVED = "received"
    HELD = "held"
    OPEN = "open"
    MERGED = "merged"
    QUEUED = "queued"
    ON_AIR = "on_air"
    ANSWERED_LIVE = "answered_live"
    ANSWERED_IN_WRITING = "answered_in_writing"
    CARRIED_OVER = "carried_over"
    DECLINED = "declined"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


class Shown(StrEnum):
    """How an asker wants to be shown; it is the asker's choice alone."""

    NAME = "name"
    PSEUDONYM = "pseudonym"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asker:
    """Who asks.

    Attributes:
        name: as typed, cleaned; empty when none was given.
        shown: whether the name may be shown.
        place: town or the like; may be empty.
    """

    name: str = ""
    shown: Shown = Shown.ANONYMOUS
    place: str = ""

    @property
    def public_name(self) -> str:
        """The name or pseudonym that may be shown, or empty."""
        return "" if self.shown is Shown.ANONYMOUS else self.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What somebody wants answered.

    Attributes:
        id: drawn at intake, never changed.
        session_id: the session it was asked for.
        text: the question as typed, cleaned.
        asker: who asks.
        language: ``de`` or ``en``.
        state: where it is on its way.
        source: the intake door it came through (``web``, ``api``, ``csv``, ...).
        asked_at: when it came in, UTC.
        votes: how many people want it answered, the asker not counted.
        starred: whether the host marked it as one to take.
        topics: slugs' titles as the host set them.
        products: names of products it is about.
        note: the reason given when it was declined; may be empty.
        original: the text as typed, kept when a host edited it for clarity; empty while nobody did.
        merged_into: id of the question that stands for this one; empty unless it is merged.
        place: its place in the queue as a host dragged it, smaller first; None: votes and age decide.
        origin_url: where it was written, for questions from public places elsewhere; may be empty.
        photo: file name of the picture that came with it; empty for none.
        split_from: id of the question that it was a part of; empty for most.
        seen: whether a host has looked at it; whatever a host does to a question makes it seen.
        for_writing: whether a host wants it answered in writing, so that it does not move to the next session.
        version: rises with each change by a host, so that two hosts never overwrite each other.
        doubt: why a person should look first, a `streamhub.questions.doubt.Doubt`; empty for no reason.
    """

    id: str
    session_id: str
    text: str
    asker: Asker = Asker()
    language: str = "de"
    state: QuestionState = QuestionState.RECEIVED
    source: str = "web"
    asked_at: datetime
    votes: int = 0
    starred: bool = False
    topics: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    note: str = ""
    original: str = ""
    merged_into: str = ""
    place: float | None = None
    origin_url: str = ""
    photo: str = ""
    split_from: str = ""
    seen: bool = False
    for_writing: bool = False
    version: int = 1
    doubt: str = ""

    def __post_init__(self) -> None:
        require_language(self.language, what=f"question {self.id}")
        require_utc(self.asked_at)
