"""The role of an ingest door: where an encoder pushes its signal into the hub.

A door (RTMP, SRT) checks the stream key with a gatekeeper and hands the media bytes to a sink. Doors know nothing of
sessions, files or platforms.
"""

from __future__ import annotations

from dataclasses import dataclass
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
