"""The role of a video shelf: a platform that keeps the video of a session and what stands beside it.

Owns the nouns that are shown there: chapters, and the state of the video. Knows nothing of answers and archives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Chapter:
    """A chapter of a video.

    Attributes:
        at_ms: its begin on the video's clock.
        title: one line.
    """

    at_ms: int
    title: str


class VideoState(StrEnum):
    """What became of the video."""

    NONE = "none"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"
    GONE = "gone"


@dataclass(frozen=True, kw_only=True, slots=True)
class Video:
    """A video as it is on the platform now.

    Attributes:
        ref: the platform's id of it.
        part: which part of the session it shows, from 1.
        state: what became of it.
        watch_url: where to watch it.
        title: as it stands there.
        description: as it stands there, our blocks included.
        duration_ms: of the video; 0 while unknown.
        started_at: when the broadcast began there, UTC: zero of the video's clock; None while unknown.
        ended_at: when it ended there, UTC; None while unknown.
        captions: the platform's id of each caption track of ours, by language.
        reason: why it failed, in the platform's word.
    """

    ref: str
    part: int = 1
    state: VideoState
    watch_url: str
    title: str
    description: str
    duration_ms: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    captions: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""


class VideoShelf(Protocol):
    """Keeps videos; every method may be called again, what is so already is a success and costs no write.

    All raise `PlatformError`.
    """

    @property
    def name(self) -> str:
        """As people know it."""

    async def look(self, ref: str) -> Video:
        """The video as it is now; captions are not listed, they cost too much."""

    async def save_description(self, ref: str, description: str) -> None:
        """Replace the description and nothing else of the video's page."""

    async def save_captions(self, ref: str, language: str, vtt: str, *, ours: bool = True) -> str:
        """Make these the captions of a language; returns the track's id.

        Args:
            ref: the video.
            language: of the captions.
            vtt: WebVTT.
            ours: whether a track that is there may be one that was written before; otherwise it is a person's, and
                BAD_INPUT with CAPTIONS_TAKEN is raised.
        """

    async def remove_captions(self, ref: str, language: str) -> None:
        """Take our captions of a language away; none there is a success."""

    async def save_thumbnail(self, ref: str, image: bytes) -> None:
        """Make this JPEG (at most 2 MB) the picture of the video."""

    async def add_to_playlist(self, ref: str, *, show_id: str, title: str) -> str:
        """Put the video on the show's playlist, which is made when there is none; returns the playlist's id."""
