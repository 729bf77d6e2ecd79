"""FLV as an encoder sends it: tags, which of them are codec setup, and where a key frame is.

Owns the reading of FLV (Adobe's FLV specification 10.1, annex E) and of the enhanced tags (Enhanced RTMP v2, Veovera)
as far as a relay needs it. Pure. Refuses to know what is in a picture.
"""

from __future__ import annotations

from enum import Enum

from streamhub.errors import BadInput
from streamhub.live.mediacut import SETTLE_MS, SOUND_GROUP_MS, Piece, Setup
from streamhub.live.rtmp_wire import FLV_HEADER, Kind, Message, render_tag

_TAG_HEAD = 11
_TAG_TAIL = 4
_HAS_AUDIO, _HAS_VIDEO = 4, 1
_AAC = 10
_EXTENDED_SOUND = 9
_PACKETED_VIDEO = frozenset({7, 12, 13})  # AVC, and HEVC and AV1 as some encoders send them in the old form
_KEY_FRAME = 1
_MULTITRACK, _MOD_EX = 6, 7
_MAX_SETUP_BYTES = 65_536


class Part(Enum):
    """What a tag is to a decoder."""

    METADATA = "metadata"
    SETUP = "setup"
    KEY = "key"
    MEDIA = "media"
    NOTHING = "nothing"


def classify_tag(kind: int, payload: bytes) -> Part:
    """What a tag of this type with this payload is."""
    if kind == Kind.DATA:
        return Part.METADATA if payload[3:13] == b"onMetaData" else Part.NOTHING
    if len(payload) < 2:
        return Part.NOTHING
    if kind == Kind.AUDIO:
        return _classify_audio(payload)
    if kind == Kind.VIDEO:
        return _classify_video(payload)
    return Part.NOTHING


def _classify_audio(payload: bytes) -> Part:
    codec = payload[0] >> 4
    if codec == _AAC:
        return Part.SETUP if payload[1] == 0 else Part.MEDIA
    if codec == _EXTENDED_SOUND:
        packet = _inner_packet(payload, payload[0] & 15, multitrack=5)
        return {0: Part.SETUP, 2: Part.NOTHING, 4: Part.SETUP}.get(packet, Part.MEDIA)
    return Part.MEDIA


def _classify_video(payload: bytes) -> Part:
    frame = (payload[0] >> 4) & 7
    if payload[0] & 0x80:
        packet = _inner_packet(payload, payload[0] & 15, multitrack=_MULTITRACK)
        special = {0: Part.SETUP, 2: Part.NOTHING, 4: Part.MEDIA, 5: Part.SETUP}.get(packet)
    else:
        packeted = payload[0] & 15 in _PACKETED_VIDEO
        special = {0: Part.SETUP, 2: Part.NOTHING}.get(payload[1]) if packeted else None
    if special is not None:
        return special
    return Part.KEY if frame == _KEY_FRAME else Part.MEDIA


def _inner_packet(payload: bytes, packet: int, *, multitrack: int) -> int:
    """The packet type behind what may be wrapped around it: modifiers with data of their own, then several tracks."""
    at = 1
    while packet == _MOD_EX and at + 1 < len(payload):
        size = payload[at] + 1
        at += 1
        if size == 256:
            size = int.from_bytes(payload[at : at + 2], "big") + 1
            at += 2
        at += size
        if at >= len(payload):
            break
        packet = payload[at] & 15
        at += 1
    return payload[at] & 15 if packet == multitrack and at < len(payload) else packet


class FlvReader:
    """Cuts one publisher's FLV into tags, remembers its setup, and unwraps its times."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._header_seen = False
        self._metadata = b""
        self._video = b""
        self._audio = b""
        self._has_video = False
        self._has_audio = False
        self._first_ms: int | None = None
        self._last_ms = 0
        self._opened_ms: int | None = None
        self._setup = Setup(container="flv")

    @property
    def setup(self) -> Setup:
        """What is known of the stream so far."""
        return self._setup

    @property
    def settled(self) -> bool:
        """Whether both picture and sound came, or there was time enough for them."""
        if self._has_video and self._has_audio:
            return True
        return self._first_ms is not None and self._last_ms - self._first_ms >= SETTLE_MS

    def feed(self, chunk: bytes) -> list[Piece]:
        """Take more bytes and return the pieces of media that they complete.

        Raises:
            BadInput: this is no FLV.
        """
        self._buffer += chunk
        pieces: list[Piece] = []
        at = 0
        if not self._header_seen:
            if len(self._buffer) < len(FLV_HEADER):
                return pieces
            if self._buffer[:3] != b"FLV":
                raise BadInput(
                    "relay: the encoder's stream does not begin as FLV", hint="report it as a fault of the hub"
                )
            self._header_seen = True
            at = len(FLV_HEADER)
        while len(self._buffer) >= at + _TAG_HEAD:
            size = int.from_bytes(self._buffer[at + 1 : at + 4], "big")
            end = at + _TAG_HEAD + size + _TAG_TAIL
            if len(self._buffer) < end:
                break
            if (piece := self._take_tag(at, size)) is not None:
                pieces.append(piece)
            at = end
        del self._buffer[:at]
        return pieces

    def render_head(self) -> bytes:
        """Header, metadata and codec setup, at time 0."""
        flags = _HAS_AUDIO * self._has_audio + _HAS_VIDEO * self._has_video
        head = FLV_HEADER[:4] + bytes([flags]) + FLV_HEADER[5:]
        setup = ((Kind.DATA, self._metadata), (Kind.VIDEO, self._video), (Kind.AUDIO, self._audio))
        return head + b"".join(_render(kind, payload, 0) for kind, payload in setup if payload)

    def render(self, piece: Piece, time_ms: int) -> bytes:
        """A tag at a time on the connection's clock."""
        return _render(piece.kind, piece.data, time_ms)

    def _take_tag(self, at: int, size: int) -> Piece | None:
        kind = self._buffer[at]
        if kind not in (Kind.AUDIO, Kind.VIDEO, Kind.DATA):
            raise BadInput(f"relay: an FLV tag of type {kind}", hint="report it as a fault of the hub")
        payload = bytes(self._buffer[at + _TAG_HEAD : at + _TAG_HEAD + size])
        part = classify_tag(kind, payload)
        if part is Part.METADATA or part is Part.SETUP:
            self._keep(kind, part, payload)
        if part is not Part.KEY and part is not Part.MEDIA:
            return None
        wire_ms = int.from_bytes(self._buffer[at + 4 : at + 7], "big") | self._buffer[at + 7] << 24
        time_ms = self._unwrap(wire_ms)
        self._note_kind(kind)
        return Piece(data=payload, time_ms=time_ms, opens=self._opens(kind, part, time_ms), kind=kind)

    def _keep(self, kind: int, part: Part, payload: bytes) -> None:
        if len(payload) > _MAX_SETUP_BYTES:
            raise BadInput(f"relay: codec setup of {len(payload)} bytes", hint="choose H.264 and AAC in the encoder")
        if part is Part.METADATA:
            self._metadata = payload
        elif kind == Kind.VIDEO:
            self._video = payload
        else:
            self._audio = payload
        if part is Part.SETUP:
            self._note_kind(kind)
            self._renew_setup()

    def _note_kind(self, kind: int) -> None:
        if kind == Kind.VIDEO and not self._has_video:
            self._has_video = True
            self._renew_setup()
        elif kind == Kind.AUDIO and not self._has_audio:
            self._has_audio = True
            self._renew_setup()

    def _renew_setup(self) -> None:
        self._setup = Setup(
            container="flv",
            video=self._video,
            audio=self._audio,
            has_video=self._has_video,
            has_audio=self._has_audio,
        )

    def _unwrap(self, wire_ms: int) -> int:
        """A time of 32 bits as the step from the last one, so that 49 days are no border."""
        if self._first_ms is None:
            self._first_ms = self._last_ms = wire_ms
            return wire_ms
        step_ms = (wire_ms - self._last_ms + 0x80000000) % 0x100000000 - 0x80000000
        self._last_ms += step_ms
        return self._last_ms

    def _opens(self, kind: int, part: Part, time_ms: int) -> bool:
        if self._has_video:
            opens = kind == Kind.VIDEO and part is Part.KEY
        else:
            opens = self.settled and (self._opened_ms is None or abs(time_ms - self._opened_ms) >= SOUND_GROUP_MS)
        if opens:
            self._opened_ms = time_ms
        return opens


def _render(kind: int, payload: bytes, time_ms: int) -> bytes:
    return render_tag(Message(kind, time_ms & 0xFFFFFFFF, 0, 0, payload))
