"""The sound of a media file as recognisers want it: one channel, 16 kHz, and on the media's own clock.

Owns decoding with PyAV inside a recogniser's process. Holes in the stream's time stamps become silence, so that sample
number and media time never drift apart. Of a long recording only the stretch that is wanted is decoded, so memory does
not grow with its length. Refuses to know what recognises the sound.
"""

from __future__ import annotations

import sys
import wave
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from streamhub.errors import BadMedia
from streamhub.timecode import Span

RATE_HZ = 16_000
MAX_HOLE_S = 4 * 3600
WINDOW_S = 30
MOST_WINDOWS = 3
_HOLE_S = 0.1
_PREROLL_S = 1.0  # decoders need some frames before they are in tune
_SILENCE_PEAK = 0.001  # -60 dB of full scale
_MAX_BAD_PACKETS = 500
_AT_ONCE = 240_000  # samples of a file, some seconds

Samples = NDArray[np.float32]
Pcm = NDArray[np.int16]


def load_sound(path: Path, span: Span | None = None) -> Samples:
    """Decode the first sound track of any media file into samples between -1 and 1.

    Args:
        path: the media file.
        span: decode this stretch alone, in media milliseconds; sound that ends within it gives fewer samples, and none
            when it ended before.

    Raises:
        BadMedia: not media, no sound in it, or nothing of it can be decoded.
    """
    return load_pcm(path, span).astype(np.float32) / np.float32(32768)


def windows_of(samples: Samples) -> list[Samples]:
    """Up to three stretches of half a minute that lie evenly in the sound; fewer of a shorter one."""
    size = WINDOW_S * RATE_HZ
    count = min(MOST_WINDOWS, max(1, len(samples) // size))
    starts = [max(0, (2 * number + 1) * len(samples) // (2 * count) - size // 2) for number in range(count)]
    return [samples[start : start + size] for start in starts]


def load_pcm(path: Path, span: Span | None = None) -> Pcm:
    """The same as whole numbers of 16 bits, as they go into a WAV file.

    Raises:
        BadMedia: as `load_sound`.
    """
    try:
        found = _load(path, span, seek=span is not None and span.start_ms > _PREROLL_S * 1000)
        if found is None:  # a file without an index: what lies before the stretch has to be read, too
            found = _load(path, span, seek=False)
    except (av.error.FFmpegError, OSError) as error:
        raise BadMedia(f"{path}: cannot be read as media ({error.strerror or error})") from error
    if found is None or (span is None and not found.size):
        raise BadMedia(f"{path}: its sound cannot be decoded, nothing came out")
    return found


def _load(path: Path, span: Span | None, *, seek: bool) -> Pcm | None:
    """The samples; None when seeking led nowhere, or beyond where it should."""
    start_s = span.start_ms / 1000 if span else 0.0
    with av.open(str(path), metadata_errors="ignore") as container:
        if not container.streams.audio:
            raise BadMedia(f"{path}: has no sound", hint="give a recording with sound, or captions")
        stream = container.streams.audio[0]
        zero_s = (container.start_time or 0) / av.time_base
        if seek and stream.time_base:
            container.seek(int((zero_s + start_s - _PREROLL_S) / stream.time_base), stream=stream)
        frames = _frames(container, stream)
        first = next(frames, None)
        if first is None or (seek and (first.time is None or first.time - zero_s > start_s + _HOLE_S)):
            return None
        begin_s = (first.time or 0.0) - zero_s if seek else 0.0
        chunks = _decode(chain([first], frames), zero_s=zero_s, begin_s=begin_s)
        skip = max(0, round((start_s - begin_s) * RATE_HZ))
        return _collect(chunks, skip, span.duration_ms * RATE_HZ // 1000 if span else sys.maxsize)


def _collect(chunks: Iterable[Pcm], skip: int, wanted: int) -> Pcm:
    """So many samples of a stream, after those that are skipped; no more of it is read."""
    kept: list[Pcm] = []
    for chunk in chunks:
        part = chunk[skip : skip + wanted]
        skip -= min(skip, len(chunk))
        wanted -= len(part)
        if len(part):
            kept.append(part)
        if not wanted:
            break
    return np.concatenate(kept) if kept else np.zeros(0, np.int16)


class _Resampler:
    """Frames to samples, many frames at once: taken one by one they cost as much as their decoding.

    Args:
        at_once: so many samples of the source are put together.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._begin()

    def _begin(self) -> None:
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
        self._waiting = av.AudioFifo()

    def take(self, frame: av.AudioFrame) -> Iterator[Pcm]:
        """A frame more; what is ready by now."""
        frame.pts = None  # holes are filled by others; nobody here shall judge time stamps a second time
        try:
            self._waiting.write(frame)
        except ValueError:  # the signal's form changes within the file
            yield from self.finish()
            self._waiting.write(frame)
        if self._waiting.samples >= self._at_once:
            yield from self._convert(self._waiting.read())

    def finish(self) -> Iterator[Pcm]:
        """What is left; the next frame begins anew."""
        if self._waiting.samples:
            yield from self._convert(self._waiting.read())
        yield from self._convert(None)
        self._begin()

    def _convert(self, frame: av.AudioFrame | None) -> Iterator[Pcm]:
        for out in self._resampler.resample(frame):
            yield np.asarray(out.to_ndarray(), np.int16).reshape(-1)


def _decode(
    frames: Iterable[av.AudioFrame], *, zero_s: float, begin_s: float, at_once: int = _AT_ONCE
) -> Iterator[Pcm]:
    """Samples from ``begin_s`` of the media on, without a hole."""
    resampler = _Resampler(at_once)
    next_s = begin_s
    for frame in frames:
        if frame.time is not None and frame.sample_rate:
            at_s = frame.time - zero_s
            hole_s = at_s - next_s
            if _HOLE_S < hole_s < MAX_HOLE_S:
                yield from resampler.finish()
                yield from _silence(round(hole_s * RATE_HZ))
            next_s = at_s + frame.samples / frame.sample_rate
        yield from resampler.take(frame)
    yield from resampler.finish()


def _silence(count: int) -> Iterator[Pcm]:
    minute = np.zeros(60 * RATE_HZ, np.int16)
    for at in range(0, count, len(minute)):
        yield minute[: count - at]


def _frames(container: av.container.InputContainer, stream: av.AudioStream) -> Iterator[av.AudioFrame]:
    """Frames of a track; packets that are broken are left out, up to a number of them."""
    bad = 0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
            yield from packet.decode()
        except StopIteration:
            return
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            bad += 1
            if bad > _MAX_BAD_PACKETS:
                return


def stream_pcm(source: Any, container: str) -> Iterator[Pcm]:
    """The first sound track of media that is still coming, a little at a time, on the clock of its first packet.

    Args:
        source: has ``read(size)``, which waits for the next bytes and returns none at the end.
        container: ``flv`` or ``mpegts``.

    Raises:
        BadMedia: not media, or no sound in it.
    """
    options = {"probesize": "200000", "analyzeduration": "1500000"}
    try:
        with av.open(source, format=container, options=options, metadata_errors="ignore") as media:
            if not media.streams.audio:
                raise BadMedia("signal: has no sound", hint="look at the encoder's audio")
            stream = media.streams.audio[0]
            zero_s = (media.start_time or 0) / av.time_base
            yield from _decode(_frames(media, stream), zero_s=zero_s, begin_s=0.0, at_once=1)
    except av.error.FFmpegError as error:
        raise BadMedia(f"signal: cannot be read as {container} ({error.strerror or error})") from error


def requested_sound(request: Mapping[str, Any]) -> Samples:
    """The sound that a recogniser's process is asked to hear: ``media``, or the stretch ``span`` of it.

    Raises:
        BadMedia: as `load_sound`.
    """
    return load_sound(Path(request["media"]), Span(*request["span"]) if request["span"] else None)


def levels_db(samples: Pcm, *, frame_ms: int) -> list[float]:
    """Loudness of each whole frame, in dB of full scale; -100 for nothing at all."""
    size = RATE_HZ * frame_ms // 1000
    frames = samples[: len(samples) // size * size].reshape(-1, size).astype(np.float64) / 32768
    return [float(level) for level in 10 * np.log10(np.maximum((frames**2).mean(axis=1), 1e-10))]


def write_wav(samples: Pcm, target: Path) -> None:
    """Write samples as a WAV file, in one step: whoever reads it meanwhile has the last one whole."""
    part = target.with_name(f"{target.name}.part")
    with wave.open(str(part), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())
    part.replace(target)


def duration_ms(samples: Samples) -> int:
    """Length of the sound in milliseconds."""
    return len(samples) * 1000 // RATE_HZ


def is_silent(samples: Samples) -> bool:
    """Whether nothing is ever louder than -60 dB of full scale."""
    return not samples.size or float(np.abs(samples).max()) < _SILENCE_PEAK
