"""PyAV, as the scanner of media files.

Owns the packet scan: headers may be missing or lie (a killed recorder, a full disk), packets do not. Nothing is
decoded. Only formats that are media by themselves are opened: a playlist or a listing that points elsewhere is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from streamhub.errors import BadMedia
from streamhub.recording.recording import MediaInfo

_FORMATS = (
    "aac,ac3,aiff,amr,asf,asf_o,au,avi,caf,eac3,flac,flv,m4v,matroska,matroska,webm,mov,mp3,mp4,m4a,3gp,3g2,mj2,"
    "mpeg,mpegts,mxf,ogg,w64,wav,wv"
)
_OPTIONS = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
_EXPORT = "open it in the program that made it and export it again, for instance as MP4"


class PyavScanner:
    """The scanner."""

    def scan(self, path: Path) -> MediaInfo:
        """What is in the file, by reading all of its packets; a file that did not change is read once."""
        try:
            facts = path.stat()
        except OSError:
            return scan_media(path)  # which says what is wrong
        return _scan_known(path, facts.st_ino, facts.st_size, facts.st_mtime_ns)

    def key_frame_ms(self, path: Path, *, before_ms: int) -> int:
        """Time of the last key frame at or before a time, counted from the file's first packet."""
        return find_key_frame_ms(path, before_ms=before_ms)


@lru_cache(maxsize=256)
def _scan_known(path: Path, inode: int, size_bytes: int, changed_ns: int) -> MediaInfo:
    return scan_media(path)


def scan_media(path: Path) -> MediaInfo:
    """Read every packet of a media file, without decoding, and say what is in it.

    Blocks for about as long as the disk needs to read the file; call it in a thread.

    Raises:
        BadMedia: empty, no media, cut off before its index, or without sound and picture.
    """
    size_bytes = _require_content(path)
    with opened(path) as container:
        tracks = [s for s in container.streams if s.type in ("audio", "video") and not _is_cover(s)]
        if not tracks:
            raise BadMedia(f"{path.name}: holds neither sound nor picture", hint="choose a recording")
        spans = {stream.index: [None, None] for stream in tracks}  # type: dict[int, list[float | None]]
        for index, start_s, end_s in _packets(container, path):
            if index in spans:
                first, last = spans[index]
                spans[index] = [start_s if first is None else min(first, start_s), max(last or 0.0, end_s)]
        return _describe(path, container, [s for s in tracks if spans[s.index][1]], spans, size_bytes)


def find_key_frame_ms(path: Path, *, before_ms: int) -> int:
    """Time of the last key frame of the picture at or before a time, counted from the file's first packet.

    0 when there is no picture or no such key frame.

    Raises:
        BadMedia: as `scan_media`.
    """
    _require_content(path)
    with opened(path) as container:
        first_s: float | None = None
        found_ms = 0
        for packet in _demux(container, path):
            if packet.pts is None or packet.time_base is None:
                continue
            at_s = float(packet.pts * packet.time_base)
            first_s = at_s if first_s is None else min(first_s, at_s)
            if packet.stream.type == "video" and packet.is_keyframe:
                at_ms = round((at_s - first_s) * 1000)
                if at_ms > before_ms:
                    break
                found_ms = max(found_ms, at_ms)
        return found_ms


def _require_content(path: Path) -> int:
    try:
        size_bytes = path.stat().st_size
    except OSError as error:
        raise BadMedia(
            f"{path.name}: cannot be read ({error.strerror})", hint="check the path and its rights"
        ) from error
    if not path.is_file():
        raise BadMedia(f"{path.name}: is no file", hint="name a media file")
    if not size_bytes:
        raise BadMedia(f"{path.name}: is empty, 0 bytes", hint="nothing was recorded into it; use another file")
    return size_bytes


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """A media file, opened to be read; never a list of other files.

    Raises:
        BadMedia: it is none that can be read.
    """
    try:
        container = av.open(str(path.absolute()), options=dict(_OPTIONS), metadata_errors="replace")
    except (av.FFmpegError, ValueError, OSError) as error:
        raise BadMedia(f"{path.name}: is no media file that can be read ({_said(error)})", hint=_EXPORT) from error
    with container:
        yield container


def _demux(container: InputContainer, path: Path) -> Iterator[av.Packet[Stream]]:
    packets = container.demux()
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except (av.EOFError, av.InvalidDataError):
            return  # the end of a file that was cut off; what came before counts
        except (av.FFmpegError, OSError) as error:
            raise BadMedia(f"{path.name}: cannot be read to its end ({_said(error)})", hint="check the disk") from error
        yield packet


def _packets(container: InputContainer, path: Path) -> Iterator[tuple[int, float, float]]:
    for packet in _demux(container, path):
        if packet.pts is not None and packet.time_base is not None and packet.size:
            start_s = float(packet.pts * packet.time_base)
            yield packet.stream_index, start_s, start_s + float((packet.duration or 0) * packet.time_base)


def _describe(
    path: Path,
    container: InputContainer,
    tracks: list[Stream],
    spans: dict[int, list[float | None]],
    size_bytes: int,
) -> MediaInfo:
    if not tracks:
        raise BadMedia(f"{path.name}: has a header but no media in it", hint="nothing was recorded into it")
    audio = next((s for s in tracks if isinstance(s, AudioStream)), None)
    video = next((s for s in tracks if isinstance(s, VideoStream)), None)
    used = [spans[stream.index] for stream in (audio, video) if stream is not None]
    return MediaInfo(
        duration_ms=max(0, round(max(end or 0.0 for _, end in used) * 1000)),
        start_ms=max(0, round(min(start or 0.0 for start, _ in used) * 1000)),
        size_bytes=size_bytes,
        audio_codec=_codec(audio) if audio else "",
        video_codec=_codec(video) if video else "",
        width=video.codec_context.width if video else 0,
        height=video.codec_context.height if video else 0,
        sample_rate_hz=audio.codec_context.sample_rate if audio else 0,
        channels=audio.codec_context.channels if audio else 0,
        container=container.format.name,
        tracks=sum(isinstance(s, AudioStream) for s in tracks),
    )


def _is_cover(stream: Stream) -> bool:
    return stream.type == "video" and bool(stream.disposition & Disposition.attached_pic)


def _codec(stream: Stream) -> str:
    """Name of the codec, not of the decoder: ``mp3``, not ``mp3float``."""
    context = stream.codec_context
    return str(context.codec.canonical_name) if context else "unknown"


def _said(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
