"""PyAV, as the splicer: packets of a recording, and of edges that were encoded anew, into one track.

Nothing is decoded or encoded. All of it blocks; call it in a thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from streamhub.errors import BadMedia
from streamhub.recording.pyav import opened
from streamhub.recording.smartcut import Cut, Frame, Frames, Piece, merge_configs, plan_dts
from streamhub.timecode import Span

if TYPE_CHECKING:
    _Packet = av.Packet[Any]
_BEHIND_MS = 2_000
"""Frames are decoded before they are shown; no encoder holds one back for so long."""
_IDR = 5
_SIMPLE = frozenset({"yuv420p", "yuvj420p"})


class PyavSplicer:
    """The splicer."""

    def read_frames(self, path: Path, span: Span) -> Frames:
        """The frames around a stretch of the media, from the one at which decoding begins."""
        with opened(path) as container:
            stream = _picture(container, path)
            unit = _unit(stream)
            zero = _zero(container, unit)
            context = stream.codec_context
            found = Frames(
                unit=unit,
                zero=zero,
                codec=str(context.codec.canonical_name),
                config=bytes(context.extradata or b""),
                simple=str(context.pix_fmt) in _SIMPLE,
                frames=(),
            )
            start, end = found.units(span.start_ms), found.units(span.end_ms + _BEHIND_MS)
            container.seek(max(start, 0), stream=stream, backward=True)
            frames = []
            for packet in container.demux(stream):
                if packet.pts is None or not packet.size:
                    continue
                if (packet.dts if packet.dts is not None else packet.pts) >= end:
                    break
                frames.append(Frame(packet.pts, _opens(packet, found.codec)))
            return replace(found, frames=tuple(frames))

    def splice_picture(self, path: Path, cuts: Sequence[Cut], edges: Sequence[Path], target: Path) -> None:
        """Write one MP4 track of a recording's frames and of edges, given in the order of the pieces."""
        with opened(path) as source, _written(target) as made:
            stream = _picture(source, path)
            track = made.add_stream_from_template(stream)
            track.time_base = _unit(stream)
            configs: list[bytes] = []
            waiting = iter(edges)
            for cut in cuts:
                for piece in cut.pieces:
                    if not piece.copied:
                        with opened(edges[len(configs)]) as edge:
                            configs.append(bytes(_picture(edge, path).codec_context.extradata or b""))
            if configs:
                config = bytes(stream.codec_context.extradata or b"")
                track.codec_context.extradata = merge_configs(config, configs)
            times, ends = _plan_times(cuts)
            packets = (
                packet
                for cut in cuts
                for piece in cut.pieces
                for packet in (_copied(source, stream, piece) if piece.copied else _encoded(next(waiting), piece))
            )
            for packet, shown, decoded, until in zip(packets, times, plan_dts(times), ends, strict=True):
                packet.stream = track
                packet.time_base = _unit(stream)
                packet.pts, packet.dts, packet.duration = shown, decoded, until - shown
                made.mux(packet)

    def splice_sound(self, path: Path, stretches: Sequence[tuple[Fraction, Fraction]], target: Path) -> None:
        """Write an MP4 of a recording's sound: the packets nearest to these stretches, in seconds of the media.

        Packets follow each other without a gap, and none is further from its place than half its length.
        """
        with opened(path) as source, _written(target) as made:
            stream = _sound(source, path)
            unit = _unit(stream)
            zero = _zero(source, unit)
            track = made.add_stream_from_template(stream)
            track.time_base = unit
            place, begun = 0, Fraction(0)
            for start_s, end_s in stretches:
                moved = begun - start_s  # from the media's time to the clip's
                until = begun + end_s - start_s
                for packet in _from(source, stream, zero + int(start_s / unit) - 4 * (stream.frame_size or 1024)):
                    length = packet.duration or stream.frame_size or 1024
                    middle = ((packet.pts or 0) - zero + Fraction(length, 2)) * unit + moved
                    if middle >= until:
                        break
                    if middle < place * unit:
                        continue
                    packet.stream = track
                    packet.time_base = unit
                    packet.pts = packet.dts = place
                    place += length
                    made.mux(packet)
                begun = until
            if not place:
                raise BadMedia(f"{path.name}: no sound there", hint="move the answer's edges")


def _plan_times(cuts: Sequence[Cut]) -> tuple[list[int], list[int]]:
    """When each frame is shown and over in the clip, in decoding order; one stretch begins where the last one ends."""
    times: list[int] = []
    ends: list[int] = []
    begun = 0
    for cut in cuts:
        shown = sorted(pts for piece in cut.pieces for pts in piece.times)
        over = dict(zip(shown, [*shown[1:], cut.end], strict=True))
        order = [pts for piece in cut.pieces for pts in piece.times]
        times += [pts - cut.start + begun for pts in order]
        ends += [over[pts] - cut.start + begun for pts in order]
        begun += cut.end - cut.start
    return times, ends


def _copied(container: InputContainer, stream: Stream, piece: Piece) -> Iterator[_Packet]:
    wanted = set(piece.times)
    for packet in _from(container, stream, piece.times[0]):
        if packet.pts in wanted:
            wanted.remove(packet.pts)
            yield packet
        if not wanted:
            return


def _encoded(path: Path, piece: Piece) -> Iterator[_Packet]:
    with opened(path) as container:
        stream = _picture(container, path)
        packets = [packet for packet in container.demux(stream) if packet.size]
        if len(packets) != len(piece.times):
            raise BadMedia(f"{path.name}: {len(packets)} frames were encoded, {len(piece.times)} expected")
        yield from packets


def _from(container: InputContainer, stream: Stream, pts: int) -> Iterator[_Packet]:
    """The packets of a stream from about a time on."""
    container.seek(max(pts, 0), stream=stream, backward=True)
    for packet in container.demux(stream):
        if packet.pts is not None and packet.size:
            yield packet


def _opens(packet: _Packet, codec: str) -> bool:
    """Whether a decoder can begin here; in H.264 a key frame may lean on what came before, an IDR frame does not."""
    if not packet.is_keyframe or codec != "h264":
        return bool(packet.is_keyframe)
    data, place = bytes(packet), 0
    while place + 4 < len(data):
        if data[place + 4] & 0x1F == _IDR:
            return True
        place += 4 + int.from_bytes(data[place : place + 4], "big")
    return False


def _picture(container: InputContainer, path: Path) -> VideoStream:
    if not container.streams.video:
        raise BadMedia(f"{path.name}: has no picture")
    return container.streams.video[0]


def _sound(container: InputContainer, path: Path) -> AudioStream:
    if not container.streams.audio:
        raise BadMedia(f"{path.name}: has no sound")
    return container.streams.audio[0]


def _unit(stream: Stream) -> Fraction:
    if stream.time_base is None:
        raise BadMedia("recording: a track without a clock")
    return stream.time_base


def _zero(container: InputContainer, unit: Fraction) -> int:
    """The time of a track at which media time begins: the first moment of the file."""
    return round(Fraction(max(0, container.start_time or 0), av.time_base) / unit)


@contextmanager
def _written(target: Path) -> Iterator[OutputContainer]:
    try:
        container = av.open(str(target.absolute()), "w", format="mp4")
        try:
            yield container
        finally:
            container.close()
    except av.FFmpegError as error:
        raise BadMedia(f"{target.name}: cannot be put together ({error.strerror})") from error
