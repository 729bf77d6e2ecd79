"""The nouns of what people write under a question: their own case (a story), and an answer that somebody proposes.

Owns who may say what he is to the session, and the states of both. Refuses to know where they are stored or shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from streamhub.questions.question import Shown
from streamhub.schedule.show import Role
from streamhub.text import require_language
from streamhub.timecode import require_utc

MAX_STORY_LENGTH = 600
MAX_PROPOSAL_LENGTH = 5000
MAX_PROPOSALS_EACH = 3
"""So many proposals of one person may wait at one question."""


class StoryState(StrEnum):
    """Who sees a story: hosts, everybody, or nobody any more."""

    HELD = "held"
    SHOWN = "shown"
    DECLINED = "declined"


class ProposalState(StrEnum):
    """Where a proposed answer is: waiting, beside the accepted one, the accepted one, refused, or taken back."""

    HELD = "held"
    ALSO = "also"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    ERASED = "erased"


SEEN_STATES = frozenset({ProposalState.ACCEPTED, ProposalState.ALSO})
"""States in which everybody may read a proposed answer, where its question is public."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Writer:
    """Who writes.

    Attributes:
        name: as typed, or as the session names a participant; may be empty.
        shown: whether the name may be shown.
        role: what the writer is in the session, proved by a personal link or a login; None for anybody.
    """

    name: str = ""
    shown: Shown = Shown.ANONYMOUS
    role: Role | None = None

    @property
    def public_name(self) -> str:
        """The name that may be shown, or empty."""
        return "" if self.shown is Shown.ANONYMOUS else self.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """One's own case under a question that one wants answered too.

    Attributes:
        id: drawn when it came in.
        question_id: the question under which it was written; what that is merged into shows it too.
        voter: whose it is.
        writer: as he wants to be shown.
        text: plain, cleaned.
        language: ``de`` or ``en``.
        state: who sees it.
        note: the reason given when it was declined; may be empty.
        at: when it came in, UTC.
    """

    id: str
    question_id: str
    voter: str
    writer: Writer = Writer()
    text: str
    language: str
    state: StoryState
    note: str = ""
    at: datetime

    def __post_init__(self) -> None:
        require_language(self.language, what=f"story {self.id}")
        require_utc(self.at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """An answer in writing that somebody proposes.

    Attributes:
        id: drawn when it came in.
        question_id: the question under which it was written; what that is merged into shows it too.
        voter: whose it is.
        writer: as he wants to be shown, with the role that he proved.
        text: light Markdown, cleaned; empty once it was erased.
        digest: of the text, stays when it is erased, so that the archive recognises what to take out.
        language: ``de`` or ``en``.
        state: where it is.
        before: the state to which an undone acceptance leads back.
        accepted_for: the question for which it was accepted last; empty while it never was.
        question_before: the state of that question before it was accepted; empty while it never was.
        note: the reason given when it was declined; may be empty.
        at: when it came in, UTC.
    """

    id: str
    question_id: str
    voter: str
    writer: Writer = Writer()
    text: str
    digest: str
    language: str
    state: ProposalState = ProposalState.HELD
    before: ProposalState = ProposalState.HELD
    accepted_for: str = ""
    question_before: str = ""
    note: str = ""
    at: datetime

    def __post_init__(self) -> None:
        require_language(self.language, what=f"proposal {self.id}")
        require_utc(self.at)


def digest_of(text: str) -> str:
    """What a written answer is recognised by when its text is not kept any more."""
    return sha256(text.strip().encode("utf-8", "replace")).hexdigest()[:32]
