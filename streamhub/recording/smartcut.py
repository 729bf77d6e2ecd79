"""Which frames of a recording a clip takes over as they are, and which few have to be encoded anew. Pure.

The picture of a stretch begins at the first frame in it and ends before the first one after it, exactly. What lies
between a frame that opens a new group of pictures and the last one that needs no frame behind the end is taken over,
packet by packet; the rest is encoded. Both kinds go into one track, because each encoded edge has parameter sets with
numbers of its own (ITU-T H.264 7.4.2), all of them listed in the track's configuration (ISO/IEC 14496-15 5.3.3).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from streamhub.errors import BadMedia
from streamhub.timecode import Span

MIXABLE = frozenset({"h264"})
"""Codecs of which one track can hold frames of two encoders."""
COPYABLE = frozenset({"h264", "hevc", "av1"})
"""Codecs that an MP4 plays with in browsers."""
PROFILES = {66: "baseline", 77: "main", 100: "high"}
"""Profiles of H.264, by number, in which edges can be encoded."""
_MOST_IDS = 32


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame: its time in the track's units, and whether decoding can begin at it with nothing before."""

    pts: int
    opens: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Frames:
    """The frames around a stretch of a recording, in the order in which they are decoded.

    Attributes:
        unit: seconds in one unit of the track.
        zero: the track's time at which media time begins.
        codec: its name.
        config: the decoder's configuration, as the container keeps it.
        frames: from the one at which decoding begins.
        simple: whether it is 8-bit 4:2:0, which every encoder makes.
    """

    unit: Fraction
    zero: int
    codec: str
    config: bytes
    frames: tuple[Frame, ...]
    simple: bool = True

    def units(self, media_ms: int) -> int:
        """Media time in the track's units, rounded up: the first moment that is not before it."""
        exact = Fraction(media_ms, 1000) / self.unit
        return self.zero - (-exact.numerator // exact.denominator)


@dataclass(frozen=True, slots=True)
class Piece:
    """Frames that belong together.

    Attributes:
        times: of the frames, in the order in which they are decoded.
        copied: they are taken over; else they are encoded anew, from ``decode_from`` on.
        decode_from: the frame at which decoding has to begin.
    """

    times: tuple[int, ...]
    copied: bool
    decode_from: int


@dataclass(frozen=True, slots=True)
class Cut:
    """The picture of one stretch: its pieces in order, and from where to where it goes in the track's units."""

    pieces: tuple[Piece, ...]
    start: int
    end: int


def plan_cut(found: Frames, span: Span) -> Cut:
    """How a stretch of the media is cut.

    Raises:
        BadMedia: there is no frame in it.
    """
    start, end = found.units(span.start_ms), found.units(span.end_ms)
    shown = sorted({frame.pts for frame in found.frames})
    inside = shown[bisect_left(shown, start) : bisect_left(shown, end)]
    if not inside:
        raise BadMedia(
            f"recording: no picture from {span.start_ms} to {span.end_ms} ms", hint="move the answer's edges"
        )
    opening = _openings(found.frames)
    decode_from = max((pts for pts in opening if pts <= inside[0]), default=found.frames[0].pts)
    copied = _copied(found.frames, [pts for pts in opening if pts >= start], inside)
    pieces = []
    if not copied:
        pieces.append(Piece(tuple(inside), copied=False, decode_from=decode_from))
    else:
        first, last = min(copied), max(copied)
        head = tuple(pts for pts in inside if pts < first)
        tail = tuple(pts for pts in inside if pts > last)
        if head:
            pieces.append(Piece(head, copied=False, decode_from=decode_from))
        pieces.append(Piece(tuple(copied), copied=True, decode_from=first))
        if tail:
            opened = max(pts for pts in opening if pts <= last)
            pieces.append(Piece(tail, copied=False, decode_from=opened))
    return Cut(pieces=tuple(pieces), start=inside[0], end=_end_of(inside[-1], shown))


def _openings(frames: Sequence[Frame]) -> list[int]:
    """Times of the frames at which decoding can begin, and which nothing shown earlier is decoded after."""
    openings = []
    earliest: int | None = None
    for frame in reversed(frames):
        if frame.opens and (earliest is None or frame.pts < earliest):
            openings.append(frame.pts)
        earliest = frame.pts if earliest is None else min(earliest, frame.pts)
    return sorted(openings)


def _copied(frames: Sequence[Frame], openings: Sequence[int], inside: Sequence[int]) -> list[int]:
    """The longest run of frames in decoding order that is a run in showing order too; empty where there is none."""
    if not openings or openings[0] not in inside:
        return []
    first = next(number for number, frame in enumerate(frames) if frame.pts == openings[0])
    shown = inside[bisect_left(inside, openings[0]) :]
    taken: list[int] = []
    whole = 0
    latest = openings[0]
    for frame in frames[first:]:
        if len(taken) >= len(shown) or frame.pts > shown[-1]:
            break
        taken.append(frame.pts)
        latest = max(latest, frame.pts)
        if latest == shown[len(taken) - 1]:
            whole = len(taken)
    return taken[:whole]


def _end_of(last: int, shown: Sequence[int]) -> int:
    """When the last frame is over: with the next one, else after as long as the one before it took."""
    place = bisect_left(shown, last)
    if place + 1 < len(shown):
        return shown[place + 1]
    return last + (last - shown[place - 1] if place else 1)


def find_obstacle(found: Frames, cuts: Iterable[Cut]) -> str:
    """Why edges cannot be encoded anew without the rest; empty where they can, or where there are none."""
    edges = sum(not piece.copied for cut in cuts for piece in cut.pieces)
    if found.codec not in COPYABLE:
        return f"{found.codec} does not play everywhere"
    if not edges:
        return ""
    if found.codec not in MIXABLE:
        return f"{found.codec} cannot hold frames of two encoders"
    if not found.simple or not is_mixable(found.config):
        return "this kind of H.264 cannot hold frames of two encoders"
    if edges > len(free_ids(found.config)):
        return f"{edges} edges are more than one track can hold"
    return ""


def is_mixable(config: bytes) -> bool:
    """Whether a configuration of H.264 is one that further parameter sets can be added to."""
    return len(config) > 6 and config[0] == 1 and config[4] & 3 == 3 and config[1] in PROFILES


def profile_of(config: bytes) -> str:
    """The profile that edges are encoded in."""
    return PROFILES[config[1]]


def free_ids(config: bytes) -> list[int]:
    """Numbers of parameter sets that the recording's encoder does not use, highest first."""
    sequences, pictures, _ = split_config(config)
    used = {_read_number(unit, 4) for unit in sequences} | {_read_number(unit, 1) for unit in pictures}
    return [number for number in reversed(range(_MOST_IDS)) if number not in used][: _MOST_IDS - 1 - len(sequences)]


def merge_configs(config: bytes, others: Iterable[bytes]) -> bytes:
    """The configuration with the parameter sets of others added."""
    sequences, pictures, rest = split_config(config)
    for other in others:
        more_sequences, more_pictures, _ = split_config(other)
        sequences += more_sequences
        pictures += more_pictures
    head = config[:5] + bytes([0xE0 | len(sequences)])
    return head + _join_units(sequences) + bytes([len(pictures)]) + _join_units(pictures) + rest


def split_config(config: bytes) -> tuple[list[bytes], list[bytes], bytes]:
    """Sequence and picture parameter sets of an AVCDecoderConfigurationRecord, and what follows them."""
    found: tuple[list[bytes], list[bytes]] = ([], [])
    place = 5
    for units, mask in zip(found, (0x1F, 0xFF), strict=True):
        count = config[place] & mask
        place += 1
        for _ in range(count):
            size = int.from_bytes(config[place : place + 2], "big")
            units.append(config[place + 2 : place + 2 + size])
            place += 2 + size
    return found[0], found[1], config[place:]


def _join_units(units: Iterable[bytes]) -> bytes:
    return b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


def _read_number(unit: bytes, skip: int) -> int:
    """The first Exp-Golomb number after some bytes (ITU-T H.264 9.1)."""
    bits = "".join(f"{byte:08b}" for byte in unit[skip : skip + 8])
    zeros = len(bits) - len(bits.lstrip("0"))
    return int(bits[zeros : 2 * zeros + 1] or "0", 2) - 1


def plan_dts(times: Sequence[int]) -> list[int]:
    """When frames that are shown at these times are decoded: in order, and none later than it is shown."""
    ordered = sorted(times)
    delay = max((early - shown for early, shown in zip(ordered, times, strict=True)), default=0)
    return [time - delay for time in ordered]
