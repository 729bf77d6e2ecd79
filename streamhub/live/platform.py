"""The role of a live platform: where viewers watch.

Two brands are meant: the hub itself and YouTube. The platform's clock and states are its own; ours are here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from streamhub.schedule.show import Session


class Phase(StrEnum):
    """Where a broadcast is; every platform maps its own states onto these."""

    SCHEDULED = "scheduled"
    WAITING = "waiting"
    TESTING = "testing"
    LIVE = "live"
    ENDED = "ended"
    LOST = "lost"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ingest:
    """Where the encoder pushes to.

    Attributes:
        url: server address without the key.
        key: the stream key; secret.
        alternatives: other doors to the same session.
    """

    url: str
    key: str
    alternatives: tuple[Ingest, ...] = ()

    def __repr__(self) -> str:
        return f"Ingest(url={self.url!r}, key='…')"


@dataclass(frozen=True, kw_only=True, slots=True)
class Broadcast:
    """A session as the platform sees it.

    Attributes:
        ref: the platform's id of it.
        session_id: ours.
        phase: where it is.
        watch_url: where viewers watch; may be relative to the hub.
        started_at: when it went live, UTC; None before.
        ended_at: when it ended, UTC; None before.
        part: 1, and one more for each time that a long session went on in a new broadcast.
        native_state: the platform's own word for where it is, shown to hosts as it is; may be empty.
        chat_ref: the platform's id of its live chat; empty when there is none.
    """

    ref: str
    session_id: str
    phase: Phase
    watch_url: str
    started_at: datetime | None = None
    ended_at: datetime | None = None
    part: int = 1
    native_state: str = ""
    chat_ref: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Signal:
    """What arrives from the encoder.

    Attributes:
        receiving: whether bytes arrive now.
        quality: ``good``, ``bad``, ``none`` or ``unknown``.
        issues: what is wrong, in words for the host.
        bitrate_kbit_s: over the last seconds; 0 when nothing arrives.
    """

    receiving: bool
    quality: str
    issues: tuple[str, ...] = ()
    bitrate_kbit_s: int = 0


class Capability(StrEnum):
    """What a platform can do beyond showing a stream."""

    REHEARSAL = "rehearsal"
    CHAT = "chat"
    VIDEO = "video"
    """It keeps a video afterwards, with captions, description, thumbnail and playlist."""


class IngestPoint(Protocol):
    """Where a signal goes into a platform."""

    async def ingest(self, session_id: str) -> Ingest:
        """Where to push; the key is secret, fetched when needed and never logged.

        Raises:
            Conflict: there is no such place yet.
        """

    async def signal(self, session_id: str) -> Signal:
        """What arrives right now."""


class LivePlatform(IngestPoint, Protocol):
    """Where viewers watch a session live.

    Every method may be called again at any time, after any crash: what is so already is a success. What a platform
    refuses, or leaves open by not answering, is a `PlatformError`; what our own rules forbid is a `Conflict`.
    """

    @property
    def name(self) -> str:
        """As hosts know it."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What it can do."""

    async def ensure(self, session: Session) -> Broadcast:
        """Create or adopt the one broadcast of this session and make it like the session: title, time, texts.

        Calling it again for an unchanged session changes nothing there and costs nothing.
        """

    async def get(self, session_id: str) -> Broadcast:
        """Look at the broadcast as it is there now.

        Raises:
            Conflict: there is none yet.
        """

    async def rehearse(self, session_id: str) -> Broadcast:
        """Show it to hosts only."""

    async def go_live(self, session_id: str) -> Broadcast:
        """Show it to the public; already live is a success."""

    async def end(self, session_id: str) -> Broadcast:
        """End it for good; already ended is a success."""

    async def cancel(self, session_id: str) -> None:
        """Take back what was planned; nothing planned is a success, and what was live stays."""
