"""The role of an intake: a place other than the hub's own pages where people write questions.

Owns what comes in from there (`Contribution`), who wrote it, and the Protocol of a source that is read in turns.
Refuses to know which sources there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Standing(StrEnum):
    """What the author is at the source."""

    ANYBODY = "anybody"
    MODERATOR = "moderator"
    OWNER = "owner"


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
    """

    source: str
    ref: str
    author: str
    author_ref: str
    standing: Standing = Standing.ANYBODY
    text: str
    at: datetime


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
    """

    contributions: tuple[Contribution, ...]
    cursor: str
    wait_s: float
    over: bool = False
    removed: frozenset[str] = frozenset()
    removed_authors: frozenset[str] = frozenset()


class ContributionSource(Protocol):
    """A source that is read in turns."""

    async def read(self, ref: str, cursor: str) -> Batch:
        """What came since the cursor; an empty cursor begins with what is there.

        Args:
            ref: the source's id of the place, such as a live chat's.
            cursor: of the batch before; empty at first.

        Raises:
            PlatformError: it refuses or does not answer.
        """

    async def write(self, ref: str, text: str) -> None:
        """Write a line there in the hub's name.

        Raises:
            PlatformError: it refuses or does not answer.
        """
