"""What pages and API show of sources: records without behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from streamhub.questions.intake import Skip
from streamhub.questions.trouble import SourceCode


class SourceState(StrEnum):
    """How it stands with a source."""

    OFF = "off"
    RESTING = "resting"
    """Its session takes no questions now."""
    WAITING = "waiting"
    """Not read yet."""
    READING = "reading"
    FAILING = "failing"


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceOffer:
    """A kind of source that a session may listen to.

    Attributes:
        slug: the name that the API carries.
        name: as people know it.
        example: an address as a host may type it.
    """

    slug: str
    name: str
    example: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceView:
    """A source of a session, or of the whole hub.

    Attributes:
        id: of the source.
        kind: slug of its kind.
        name: of its kind, as people know it.
        address: what is read there.
        shared: whether it is read for all sessions of the hub, so that no session switches it.
        state: how it stands.
        read_at: when it was last read, UTC.
        taken: how many questions came from there.
        skipped: how much was passed over, by reason.
        problem: what keeps it from being read; None when nothing does.
        problem_details: what the sentence is filled with.
        failing_since, retry_at: since when, and when it is tried again, UTC.
    """

    id: str
    kind: str
    name: str
    address: str
    shared: bool = False
    state: SourceState
    read_at: datetime | None = None
    taken: int = 0
    skipped: Mapping[Skip, int] = field(default_factory=dict)
    problem: SourceCode | None = None
    problem_details: Mapping[str, str] = field(default_factory=dict)
    failing_since: datetime | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AdditionView:
    """What belongs to a question beside its text.

    Attributes:
        question_id: the question.
        whole: whether it is the question's whole text, and not a reply.
        text: as written, cleaned.
        at: when, UTC.
    """

    question_id: str
    whole: bool
    text: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """A place of others where one can ask.

    Attributes:
        name: of the place, as people know it.
        address: what to write there, such as a hashtag.
    """

    name: str
    address: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Ways:
    """How else than on its page one can ask in a session.

    Attributes:
        mail_to: the address for mails; empty where mails are not read.
        places: where else.
    """

    mail_to: str = ""
    places: tuple[Way, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SourcesView:
    """Everything about the sources of a session.

    Attributes:
        sources: in the order in which they were added, those of the whole hub first.
        mail_to: the address that mails for this session go to; empty where mails are not read.
        waiting: how many contributions wait for a session that takes questions.
        additions: what came for questions of the session later, oldest first.
        gone: ids of its questions that were taken back where they were written.
    """

    sources: tuple[SourceView, ...] = ()
    mail_to: str = ""
    waiting: int = 0
    additions: tuple[AdditionView, ...] = ()
    gone: frozenset[str] = frozenset()
