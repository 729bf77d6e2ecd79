"""The role of an intake: a place other than the hub's own pages where people write questions.

Owns what comes in from there (`Contribution`), who wrote it, and the Protocol of a source that is read in turns.
Refuses to know which sources there are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from streamhub.questions.notice import Notice


class Standing(StrEnum):
    """What the author is at the source."""

    ANYBODY = "anybody"
    MODERATOR = "moderator"
    OWNER = "owner"


class Skip(StrEnum):
    """Why something at a source becomes no question."""

    AUTOMATIC = "automatic"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"
    OLD = "old"
    CLOSED = "closed"
    REPEATED = "repeated"
    FLOODING = "flooding"


@dataclass(frozen=True, kw_only=True, slots=True)
class Contribution:
    """Something that somebody wrote at a source.

    Attributes:
        source: the source's name, such as ``chat``; stands at the question as its source.
        ref: the source's id of it, unique there.
        author: name as shown there; may be empty.
        author_ref: something that tells two authors of one name apart; never shown.
        standing: what the author is there.
        text: as written, not cleaned.
        at: when, UTC.
        url: where everybody can read it; empty for what is not public.
        named: whether the author's name stands there for everybody to read.
        language: as the source says it; may be empty.
        addressed_to: the session or show that its author wrote to; empty: the one that the source is read for.
        reply_to: refs of what it replies to, the nearest first.
        suspect: whether somebody should look at it before others see it.
    """

    source: str
    ref: str
    author: str
    author_ref: str
    standing: Standing = Standing.ANYBODY
    text: str
    at: datetime
    url: str = ""
    named: bool = False
    language: str = ""
    addressed_to: str = ""
    reply_to: tuple[str, ...] = ()
    suspect: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What one look at a source brought.

    Attributes:
        contributions: oldest first.
        cursor: what to give at the next look.
        wait_s: how long the source asks to wait before it.
        over: whether nothing more will come.
        removed: refs of contributions that were taken back there, by their authors or by moderators.
        removed_authors: author refs of people whose contributions were all taken back, such as banned ones.
        more: whether more is there already, so that the next look need not wait.
        skipped: how much was passed over there, by reason.
        notices: what programs wrote about mails of ours; none of it is a question.
    """

    contributions: tuple[Contribution, ...]
    cursor: str
    wait_s: float
    over: bool = False
    removed: frozenset[str] = frozenset()
    removed_authors: frozenset[str] = frozenset()
    more: bool = False
    skipped: Mapping[Skip, int] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()


class ReadableSource(Protocol):
    """A source that is read in turns. Reading again from an older cursor brings the same refs again."""

    async def read(self, ref: str, cursor: str) -> Batch:
        """What came since the cursor; an empty cursor begins with what is there.

        Args:
            ref: the source's id of the place, such as a live chat's.
            cursor: of the batch before; empty at first.

        Raises:
            PlatformError: it refuses or does not answer.
        """


class ContributionSource(ReadableSource, Protocol):
    """A source that the hub can write to as well."""

    async def write(self, ref: str, text: str) -> None:
        """Write a line there in the hub's name.

        Raises:
            PlatformError: it refuses or does not answer.
        """


class ForgettingSource(ReadableSource, Protocol):
    """A source that can be asked whether what was written there still stands."""

    async def find_gone(self, ref: str, refs: Collection[str]) -> frozenset[str]:
        """Those of these contributions that their authors or the source took back.

        Raises:
            PlatformError: it refuses or does not answer.
        """
