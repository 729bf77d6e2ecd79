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
    """

    ref: str
    session_id: str
    phase: Phase
    watch_url: str
    started_at: datetime | None = None
    ended_at: datetime | None = None


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


class LivePlatform(Protocol):
    """Where viewers watch a session live."""

    async def ensure(self, session: Session) -> Broadcast:
        """Create or adopt the broadcast of this session; calling it again changes nothing."""

    async def ingest(self, session_id: str) -> Ingest:
        """Where to push; the key is secret, fetched when needed and never logged."""

    async def signal(self, session_id: str) -> Signal:
        """What arrives right now."""

    async def go_live(self, session_id: str) -> Broadcast:
        """Show it to the public; already live is a success."""

    async def end(self, session_id: str) -> Broadcast:
        """End it for good; already ended is a success."""
