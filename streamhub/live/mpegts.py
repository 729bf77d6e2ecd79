"""MPEG-TS as an encoder sends it by SRT: whole packets, and where a key frame begins.

Owns the reading of packet headers (ISO/IEC 13818-1, 2.4.3) as far as a relay needs it. Pure. Tables and codecs are the
business of the program that it goes to, which finds them in the stream.
"""

from __future__ import annotations

from streamhub.errors import BadInput
from streamhub.live.mediacut import SETTLE_MS, SOUND_GROUP_MS, Piece, Setup

PACKET_BYTES = 188
_SYNC = 0x47
_MAX_LOST_BYTES = 65_536
_CLOCK_PER_MS = 90
_WRAP = 2**33
_UNMARKED_MS = 10_000


class TsReader:
    """Cuts one publisher's MPEG-TS at key frames; without a picture, at about every second of sound.

    Args:
        take: number of this stream; two streams cannot follow each other in one connection, as their tables may differ.
    """

    def __init__(self, *, take: int) -> None:
        self._buffer = bytearray()
        self._setup = Setup(container="mpegts", take=take)
        self._lost_bytes = 0
        self._has_video = False
        self._first_ms: int | None = None
        self._last_ms = 0
        self._opened_ms: int | None = None

    @property
    def setup(self) -> Setup:
        """Nothing but the container: all else is in the stream."""
        return self._setup

    @property
    def settled(self) -> bool:
        """Whether a group began."""
        return self._opened_ms is not None

    def feed(self, chunk: bytes) -> list[Piece]:
        """Take more bytes and return whole packets, cut where a group begins.

        Raises:
            BadInput: this is no MPEG-TS.
        """
        self._buffer += chunk
        buffer, pieces = self._buffer, list[Piece]()
        start = at = self._align(0)
        opens = False
        began_ms = self._last_ms
        while len(buffer) - at >= PACKET_BYTES:
            if buffer[at] != _SYNC:
                pieces += _piece(buffer[start:at], began_ms, opens)
                start = at = self._align(at)
                opens = False
                continue
            if buffer[at + 1] & 0x40 and self._begins_group(at):
                pieces += _piece(buffer[start:at], began_ms, opens)
                start, opens, began_ms = at, True, self._last_ms
            at += PACKET_BYTES
        pieces += _piece(buffer[start:at], began_ms, opens)
        del buffer[:at]
        return pieces

    def render_head(self) -> bytes:
        """Nothing: the tables come again and again in the stream."""
        return b""

    def render(self, piece: Piece, time_ms: int) -> bytes:
        """The packets as they are; whoever reads them begins its own clock with them."""
        return piece.data

    def _align(self, at: int) -> int:
        """The next place where a packet begins, as far as the bytes go."""
        buffer = self._buffer
        start = at
        while at < len(buffer):
            follower = at + PACKET_BYTES
            if buffer[at] == _SYNC and (follower >= len(buffer) or buffer[follower] == _SYNC):
                break
            at += 1
        self._lost_bytes = self._lost_bytes + at - start if at > start else 0
        if self._lost_bytes > _MAX_LOST_BYTES:
            raise BadInput("relay: the encoder's stream is no MPEG-TS", hint="let the encoder send MPEG-TS by SRT")
        return at

    def _begins_group(self, at: int) -> bool:
        """Whether this packet, with which something begins, begins a group; notes the time that it carries."""
        packet = self._buffer[at : at + PACKET_BYTES]
        has_field, has_payload = bool(packet[3] & 0x20), bool(packet[3] & 0x10)
        key = has_field and packet[4] > 0 and bool(packet[5] & 0x40)  # random access indicator
        body = packet[4 + (packet[4] + 1 if has_field else 0) :]
        if not has_payload or body[:3] != b"\x00\x00\x01" or len(body) < 14:
            return False
        is_video, is_audio = body[3] & 0xF0 == 0xE0, body[3] & 0xE0 == 0xC0 or body[3] == 0xBD
        self._has_video = self._has_video or is_video
        if not (is_video or is_audio) or is_audio == self._has_video or not body[7] & 0x80:
            return False
        self._note_time(body)
        # Some encoders never mark key frames. Whoever reads from any picture on leaves out what it cannot decode.
        opens = (
            key or self._is_time(_UNMARKED_MS, _UNMARKED_MS) if is_video else self._is_time(SETTLE_MS, SOUND_GROUP_MS)
        )
        if opens:
            self._opened_ms = self._last_ms
        return opens

    def _is_time(self, first_ms: int, next_ms: int) -> bool:
        assert self._first_ms is not None
        if self._opened_ms is None:
            return self._last_ms - self._first_ms >= first_ms
        return abs(self._last_ms - self._opened_ms) >= next_ms

    def _note_time(self, pes: bytearray) -> None:
        pts = (pes[9] >> 1 & 7) << 30 | pes[10] << 22 | (pes[11] >> 1) << 15 | pes[12] << 7 | pes[13] >> 1
        if self._first_ms is None:
            self._first_ms = self._last_ms = pts // _CLOCK_PER_MS
            return
        wrap_ms = _WRAP // _CLOCK_PER_MS
        self._last_ms += (pts // _CLOCK_PER_MS - self._last_ms + wrap_ms // 2) % wrap_ms - wrap_ms // 2


def _piece(data: bytearray, time_ms: int, opens: bool) -> list[Piece]:
    return [Piece(data=bytes(data), time_ms=time_ms, opens=opens)] if data else []
