"""The sound of a media file as recognisers want it: one channel, 16 kHz, and on the media's own clock.

Owns decoding with PyAV inside a recogniser's process. Holes in the stream's time stamps become silence, so that sample
number and media time never drift apart. Refuses to know what recognises the sound.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from streamhub.errors import BadMedia

RATE_HZ = 16_000
MAX_HOLE_S = 4 * 3600
_HOLE_S = 0.1
_SILENCE_PEAK = 0.001  # -60 dB of full scale
_MAX_BAD_PACKETS = 500

Samples = NDArray[np.float32]


def load_sound(path: Path) -> Samples:
    """Decode the first sound track of any media file into samples between -1 and 1.

    Raises:
        BadMedia: not media, no sound in it, or nothing of it can be decoded.
    """
    try:
        with av.open(str(path), metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise BadMedia(f"{path}: has no sound", hint="give a recording with sound, or captions")
            chunks = list(_decode(container, container.streams.audio[0]))
    except (av.error.FFmpegError, OSError) as error:
        raise BadMedia(f"{path}: cannot be read as media ({error.strerror or error})") from error
    if not chunks:
        raise BadMedia(f"{path}: its sound cannot be decoded, nothing came out")
    return np.concatenate(chunks).astype(np.float32) / np.float32(32768)


def _decode(container: av.container.InputContainer, stream: av.AudioStream) -> Iterator[NDArray[np.int16]]:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
    zero_s = (container.start_time or 0) / av.time_base
    next_s: float | None = 0.0
    for frame in _frames(container, stream):
        if frame.time is not None and frame.sample_rate:
            at_s = frame.time - zero_s
            hole_s = at_s - next_s if next_s is not None else 0.0
            if _HOLE_S < hole_s < MAX_HOLE_S:
                yield from _samples(resampler, None)
                resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
                yield np.zeros(round(hole_s * RATE_HZ), np.int16)
            next_s = at_s + frame.samples / frame.sample_rate
        frame.pts = None  # holes are filled above; the resampler shall not judge time stamps a second time
        yield from _samples(resampler, frame)
    yield from _samples(resampler, None)


def _samples(resampler: av.AudioResampler, frame: av.AudioFrame | None) -> Iterator[NDArray[np.int16]]:
    try:
        for out in resampler.resample(frame):
            yield np.asarray(out.to_ndarray(), np.int16).reshape(-1)
    except ValueError:  # the signal's form changed within the file in a way that cannot be followed
        return


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


def duration_ms(samples: Samples) -> int:
    """Length of the sound in milliseconds."""
    return len(samples) * 1000 // RATE_HZ


def is_silent(samples: Samples) -> bool:
    """Whether nothing is ever louder than -60 dB of full scale."""
    return not samples.size or float(np.abs(samples).max()) < _SILENCE_PEAK
