"""RTMP's chunks and FLV's tags, as bytes in and bytes out.

Owns the reading of the chunk stream (Adobe's RTMP specification 1.0, section 5.3) and the writing of FLV (Adobe's FLV
specification 10.1, annex E). Pure: no sockets, no files, no clock. The library's own reader is not used, because it
loses the time of a message that begins with a type 3 chunk, so that sound and picture drift apart, and because it does
not expect the extended time in such chunks, which ends a broadcast after 4 h 39 min.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from streamhub.errors import BadInput

HANDSHAKE_BYTES = 1536
"""Length of C1, C2, S1 and S2."""

FLV_HEADER = b"FLV\x01\x05" + struct.pack(">II", 9, 0)
"""File header that announces sound and picture, and the empty tag's size after it."""

_MAX_STREAMS = 64
_EXTENDED = 0xFFFFFF
_SET_DATA_FRAME = b"\x02\x00\x0d@setDataFrame"


class Kind(IntEnum):
    """Message types that matter to us."""

    SET_CHUNK_SIZE = 1
    ABORT = 2
    WINDOW_ACK_SIZE = 5
    AUDIO = 8
    VIDEO = 9
    DATA = 18
    COMMAND = 20


MEDIA = frozenset({Kind.AUDIO, Kind.VIDEO, Kind.DATA})
"""What goes into the file."""


@dataclass(frozen=True, slots=True)
class Message:
    """One whole RTMP message.

    Attributes:
        kind: its type, see `Kind`; others exist.
        timestamp_ms: on the sender's clock, 32 bits.
        stream_id: message stream.
        chunk_id: chunk stream it came on.
        payload: its body.
    """

    kind: int
    timestamp_ms: int
    stream_id: int
    chunk_id: int
    payload: bytes


@dataclass(slots=True)
class _ChunkStream:
    time_field: int = 0  # the header's time field: absolute after type 0, else the step
    timestamp_ms: int = 0
    length: int = 0
    kind: int = 0
    stream_id: int = 0
    payload: bytearray = field(default_factory=bytearray)


class ChunkParser:
    """Turns the bytes of a connection, after the handshake, into messages.

    Attributes:
        max_message_bytes: longer messages are refused; keep it small until the sender has shown the key.
    """

    def __init__(self, *, max_message_bytes: int) -> None:
        self.max_message_bytes = max_message_bytes
        self._chunk_bytes = 128
        self._buffer = bytearray()
        self._streams: dict[int, _ChunkStream] = {}

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take more bytes and yield the messages that they complete.

        Raises:
            BadInput: this is no RTMP, or a message is too long.
        """
        self._buffer += data
        position = 0
        try:
            while (taken := self._take_chunk(position)) is not None:
                position, message = taken
                if message is not None and not self._obey(message):
                    yield message
        finally:
            del self._buffer[:position]

    def _take_chunk(self, start: int) -> tuple[int, Message | None] | None:
        """Read a chunk: where the next one begins, and the message it completes; None: more bytes are needed."""
        header = self._read_header(start)
        if header is None:
            return None
        position, chunk_id, stream, fresh = header
        size = min(self._chunk_bytes, fresh.length - len(stream.payload))
        if len(self._buffer) < position + size:
            return None
        payload = stream.payload
        payload += self._buffer[position : position + size]
        fresh.payload = payload
        self._streams[chunk_id] = fresh
        if len(payload) < fresh.length:
            return position + size, None
        fresh.payload = bytearray()
        message = Message(fresh.kind, fresh.timestamp_ms, fresh.stream_id, chunk_id, bytes(payload))
        return position + size, message

    def _read_header(self, start: int) -> tuple[int, int, _ChunkStream, _ChunkStream] | None:
        """Read basic and message header; changes nothing, so that it can be read again when more bytes are here."""
        basic = self._read_basic(start)
        if basic is None:
            return None
        position, kind, chunk_id = basic
        stream = self._stream_of(chunk_id, kind)
        size = (11, 7, 3, 0)[kind]
        head = bytes(self._buffer[position : position + size + 4])
        if len(head) < size:
            return None
        fresh = _apply_header(stream, head[:size])
        step_ms = fresh.time_field
        # A continuation repeats the extended time too: the specification is vague, ffmpeg and librtmp agree.
        if fresh.time_field == _EXTENDED:
            if len(head) < size + 4:
                return None
            step_ms = int.from_bytes(head[size : size + 4], "big")
            size += 4
        self._check(chunk_id, stream, fresh, kind)
        if not stream.payload:
            fresh.timestamp_ms = step_ms if kind == 0 else (stream.timestamp_ms + step_ms) & 0xFFFFFFFF
        return position + size, chunk_id, stream, fresh

    def _stream_of(self, chunk_id: int, kind: int) -> _ChunkStream:
        stream = self._streams.get(chunk_id)
        if stream is not None:
            return stream
        if kind != 0 and not (kind == 1 and chunk_id == 2):  # librtmp may begin its control stream with type 1
            raise BadInput(f"RTMP: chunk stream {chunk_id} begins with a chunk of type {kind}", hint="not RTMP")
        if len(self._streams) >= _MAX_STREAMS:
            raise BadInput(f"RTMP: more than {_MAX_STREAMS} chunk streams", hint="not an encoder that we know")
        return _ChunkStream()

    def _read_basic(self, start: int) -> tuple[int, int, int] | None:
        buffer = self._buffer
        if len(buffer) <= start:
            return None
        kind, chunk_id = buffer[start] >> 6, buffer[start] & 63
        if chunk_id >= 2:
            return start + 1, kind, chunk_id
        wide = 1 + chunk_id
        if len(buffer) < start + 1 + wide:
            return None
        return start + 1 + wide, kind, 64 + int.from_bytes(buffer[start + 1 : start + 1 + wide], "little")

    def _check(self, chunk_id: int, stream: _ChunkStream, fresh: _ChunkStream, kind: int) -> None:
        if fresh.length > self.max_message_bytes:
            raise BadInput(
                f"RTMP: a message of {fresh.length} bytes, at most {self.max_message_bytes} allowed here",
                hint="not RTMP, or not an encoder that we know",
            )
        if stream.payload and kind != 3:
            raise BadInput(f"RTMP: chunk stream {chunk_id} begins a message inside another", hint="not RTMP")

    def _obey(self, message: Message) -> bool:
        """Carry out what the sender says about the chunk stream itself; False when the message is not about that."""
        value = int.from_bytes(message.payload[:4], "big")
        if message.kind == Kind.SET_CHUNK_SIZE:
            if not 1 <= value <= 0xFFFFFF:
                raise BadInput(f"RTMP: chunk size {value}", hint="not RTMP")
            self._chunk_bytes = value
            return True
        if message.kind == Kind.ABORT:
            if value in self._streams:
                self._streams[value].payload = bytearray()
            return True
        return False


def _apply_header(stream: _ChunkStream, head: bytes) -> _ChunkStream:
    """The chunk stream after a message header of 11, 7, 3 or 0 bytes; its payload is not carried over."""
    fresh = _ChunkStream(stream.time_field, stream.timestamp_ms, stream.length, stream.kind, stream.stream_id)
    if len(head) >= 3:
        fresh.time_field = int.from_bytes(head[:3], "big")
    if len(head) >= 7:
        fresh.length, fresh.kind = int.from_bytes(head[3:6], "big"), head[6]
    if len(head) == 11:
        fresh.stream_id = int.from_bytes(head[7:11], "little")
    return fresh


def render_tag(message: Message) -> bytes:
    """An audio, video or metadata message as an FLV tag with the tag's size after it."""
    payload = message.payload
    if message.kind == Kind.DATA:
        payload = payload.removeprefix(_SET_DATA_FRAME)  # FLV begins with the event, RTMP with the order to keep it
    size, time = len(payload), message.timestamp_ms
    head = struct.pack(
        ">BBHHBBBH",
        message.kind,
        size >> 16,
        size & 0xFFFF,
        (time >> 8) & 0xFFFF,
        time & 0xFF,
        (time >> 24) & 0xFF,
        0,
        0,
    )
    return b"".join((head, payload, struct.pack(">I", size + 11)))


def is_setup(message: Message) -> bool:
    """Whether this is a codec's configuration or metadata, which carries no picture or sound itself."""
    if message.kind == Kind.DATA:
        return True
    payload = message.payload
    if message.kind == Kind.AUDIO:
        return len(payload) > 1 and payload[0] >> 4 == 10 and payload[1] == 0
    enhanced = len(payload) > 0 and bool(payload[0] & 0x80)
    return len(payload) > 1 and ((payload[0] & 15) == 0 if enhanced else payload[1] == 0 and payload[0] & 15 == 7)
