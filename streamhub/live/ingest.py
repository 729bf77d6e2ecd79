"""The role of an ingest door: where an encoder pushes its signal into the hub, and who else gets it on its way.

A door (RTMP, SRT) checks the stream key with a gatekeeper and hands the media bytes to a sink. Doors know nothing of
sessions, files or platforms. A tap takes the same bytes beside the sink, for a relay; it never holds the sink up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Publisher:
    """Somebody who knocks.

    Attributes:
        door: name of the door (``rtmp``, ``srt``).
        key: the stream key that was presented; secret, never logged whole.
        address: peer address, for the log and the limits.
    """

    door: str
    key: str
    address: str

    def __repr__(self) -> str:
        return f"Publisher(door={self.door!r}, key={self.key[:4] + '…'!r}, address={self.address!r})"


class MediaSink(Protocol):
    """Takes one publisher's media from its first byte to its last."""

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes of the container stream (FLV for RTMP, MPEG-TS for SRT); waits when the sink is full."""

    async def close(self, *, reason: str) -> None:
        """The publisher is gone; everything written so far is kept."""


class MediaTap(Protocol):
    """Takes one publisher's media beside its sink. Neither method waits, and neither raises."""

    def offer(self, chunk: bytes) -> None:
        """See the next bytes of the container stream; what there is no room for is left out."""

    def close(self) -> None:
        """The publisher is gone; another one of the same session may follow."""


class TapSource(Protocol):
    """Opens taps."""

    def tap(self, session_id: str, container: str) -> MediaTap | None:
        """A tap for a session's publisher, who sends ``flv`` or ``mpegts``; None where nobody wants to see it."""


class Taps:
    """Several sources of taps as one: each sees the same media."""

    def __init__(self, *sources: TapSource) -> None:
        self._sources = sources

    def tap(self, session_id: str, container: str) -> MediaTap | None:
        """Taps of all sources that want to see the publisher; None where there is none."""
        taps = [tap for source in self._sources if (tap := source.tap(session_id, container)) is not None]
        return _SeveralTaps(taps) if taps else None


class _SeveralTaps:
    def __init__(self, taps: Sequence[MediaTap]) -> None:
        self._taps = taps

    def offer(self, chunk: bytes) -> None:
        for tap in self._taps:
            tap.offer(chunk)

    def close(self) -> None:
        for tap in self._taps:
            tap.close()


class RelayPhase(StrEnum):
    """Where the relaying of a session to a platform is."""

    OFF = "off"
    """Nobody asked for it."""
    WAITING = "waiting"
    """No encoder sends anything that could be passed on."""
    CONNECTING = "connecting"
    SENDING = "sending"
    FAILING = "failing"
    """It broke off or does not come about; it tries again by itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RelayState:
    """How the relaying of a session is doing.

    Attributes:
        phase: where it is.
        since: since when, UTC; for ``failing`` since the first failure in a row. None while it never was anywhere.
        restarts: how often it began anew since it was asked for.
        sent_bytes: what the platform took since it was asked for.
        dropped_ms: media that the platform never saw, because it was too slow or away.
        reason: why it last failed, in English, for the log; holds no secret. Empty while it did not.
    """

    phase: RelayPhase = RelayPhase.OFF
    since: datetime | None = None
    restarts: int = 0
    sent_bytes: int = 0
    dropped_ms: int = 0
    reason: str = ""


class Gatekeeper(Protocol):
    """Decides who may publish."""

    async def admit(self, publisher: Publisher) -> MediaSink:
        """Open a sink for this publisher.

        Raises:
            Forbidden: wrong key.
            Conflict: the session has a publisher already, or is not taking any.
            TooMany: too many wrong keys from this address.
            DiskFull: no room to record.
        """


class IngestDoor(Protocol):
    """A place where encoders push to."""

    @property
    def url(self) -> str:
        """What to type into the encoder, without the key."""

    async def open(self, gatekeeper: Gatekeeper) -> None:
        """Start listening.

        Raises:
            PortInUse: somebody else listens there.
        """

    async def close(self) -> None:
        """Stop listening and end every publisher's stream tidily."""
