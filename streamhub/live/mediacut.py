"""What a relay knows of a container stream: where a group of pictures begins, and what a decoder needs before it.

Owns the record of a piece of media and the role of a reader that cuts a byte stream into such pieces. Pure: bytes in,
records out, no clock. Containers are `streamhub.live.flv` and `streamhub.live.mpegts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

SETTLE_MS = 1500
"""After so much media, picture or sound that has not come is taken for absent."""

SOUND_GROUP_MS = 1000
"""Without a picture, a new group begins after so much sound."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """The smallest thing that is passed on or left out.

    Attributes:
        data: its bytes; an FLV tag without its time, or whole MPEG-TS packets.
        time_ms: on the encoder's clock, without the wrapping of its container.
        opens: whether a decoder may begin here.
        kind: the FLV tag's type; 0 for MPEG-TS.
    """

    data: bytes
    time_ms: int
    opens: bool
    kind: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Setup:
    """What a decoder must know before the first piece. A running connection cannot take over another one.

    Attributes:
        container: ``flv`` or ``mpegts``.
        video: the picture's configuration; empty where there is none or it is in the stream.
        audio: the sound's configuration, likewise.
        has_video, has_audio: what is in the stream, as far as known.
        take: told apart where two streams cannot follow each other in one connection.
    """

    container: str
    video: bytes = b""
    audio: bytes = b""
    has_video: bool = False
    has_audio: bool = False
    take: int = 0


class Reader(Protocol):
    """Cuts one publisher's container stream."""

    @property
    def setup(self) -> Setup:
        """What is known of the stream so far."""

    @property
    def settled(self) -> bool:
        """Whether it is clear what is in the stream, so that a connection may begin."""

    def feed(self, chunk: bytes) -> list[Piece]:
        """Take more bytes and return the pieces that they complete.

        Raises:
            BadInput: this is not that container.
        """

    def render_head(self) -> bytes:
        """What a connection begins with, at time 0."""

    def render(self, piece: Piece, time_ms: int) -> bytes:
        """A piece as it goes out, at a time on the connection's clock, 0 or more."""
