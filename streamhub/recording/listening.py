"""Listening to the tracks of a file, in a process of its own: which hold one voice each, and who is heard when.

Owns how loudness is measured. The hub's end starts ``python -m streamhub.recording.listening``; only there is sound
decoded, packet by packet, and of it nothing is kept but a number for each track and tenth of a second, so that memory
hardly grows with the length of a recording. Refuses to know words and names.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from streamhub.errors import BadMedia
from streamhub.process import Command, failed, run
from streamhub.recording.track import FRAME_MS, QUIETEST_DB, HeardTracks, Levels, find_turns, plan_tracks

_LIMIT_S = 3600.0
_BAD_MEDIA = 3
_WINDOWS = 24
_WINDOW_S = 10
_KINDS = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}


async def listen(media: Path, duration_ms: int, *, turns: bool) -> HeardTracks:
    """What the tracks of a file are, by some windows of it; and who is heard when, by all of it.

    A file with one track is listened to by its two channels.

    Args:
        media: the file.
        duration_ms: its length.
        turns: whether to listen to all of it, where tracks hold voices.

    Raises:
        BadMedia: it cannot be decoded.
        ToolFailed, TimedOut: the process died, or took longer than an hour.
    """
    asked = {"media": str(media), "duration_ms": duration_ms, "turns": turns}
    command = Command(argv=[sys.executable, "-m", __name__], name="listening to tracks")
    finished = await run(command, stdin=json.dumps(asked).encode(), timeout_s=_LIMIT_S)
    if finished.exit_code == _BAD_MEDIA:
        raise BadMedia(finished.stderr_tail.strip().splitlines()[-1])
    if finished.exit_code:
        raise failed(command, finished.exit_code, finished.stderr_tail)
    return msgspec.json.decode(finished.stdout, type=HeardTracks)


def _serve() -> int:
    """In the process: do what is asked."""
    import av

    asked = json.loads(sys.stdin.read())
    try:
        heard = _listen(asked["media"], asked["duration_ms"], turns=asked["turns"])
    except (av.error.FFmpegError, ValueError) as error:
        print(f"{Path(asked['media']).name}: its tracks cannot be decoded ({error})", file=sys.stderr)
        return _BAD_MEDIA
    sys.stdout.buffer.write(msgspec.json.encode(heard))
    return 0


def _listen(media: str, duration_ms: int, *, turns: bool) -> HeardTracks:
    import numpy as np

    total_s = duration_ms / 1000
    count = min(_WINDOWS, int(total_s // _WINDOW_S))
    if count == _WINDOWS:
        starts = [(total_s - _WINDOW_S) * number / (count - 1) for number in range(count)]
        titles, parts = _titles(media), [_measure(media, start_s, _WINDOW_S) for start_s in starts]
        levels = np.concatenate(parts, axis=1)
    else:
        titles, levels = _titles(media), _measure(media)
    plan = plan_tracks(levels)
    if not turns or not plan.voices:
        return HeardTracks(plan=plan, titles=titles)
    whole = _measure(media) if count == _WINDOWS else levels
    return HeardTracks(plan=plan, titles=titles, turns=find_turns(whole, plan))


def _titles(media: str) -> tuple[str, ...]:
    import av

    with av.open(media, metadata_errors="ignore") as container:
        return tuple(stream.metadata.get("title", "").strip() for stream in container.streams.audio)


def _measure(media: str, start_s: float = 0.0, length_s: float | None = None) -> Levels:
    """Levels of all tracks from a moment on; of the two channels, where there is one track."""
    import av
    import numpy as np

    with av.open(media, metadata_errors="ignore") as container:
        streams = container.streams.audio
        if not streams:
            raise ValueError("no sound")
        zero_s = (container.start_time or 0) / av.time_base
        single = len(streams) == 1
        rows = {stream.index: row for row, stream in enumerate(streams)}
        sums = [_Sums() for _ in (range(2) if single else rows)]
        if start_s:
            container.seek(int((zero_s + start_s) * av.time_base))
        for index, frame in _frames(container, streams, stop_s=zero_s + start_s + length_s + 1 if length_s else None):
            at_s = (frame.time or 0.0) - zero_s - start_s
            if at_s < 0 or not frame.samples or (length_s and at_s >= length_s):
                continue
            powers = _powers(frame)
            place = int((at_s + frame.samples / frame.sample_rate / 2) * 1000) // FRAME_MS
            if not single:
                sums[rows[index]].add(place, sum(powers) / len(powers))
            elif len(powers) == 2:
                sums[0].add(place, powers[0])
                sums[1].add(place, powers[1])
    length = max((len(one.power) for one in sums), default=0)
    return np.stack([one.levels(length) for one in sums])


class _Sums:
    """Power of one track, summed up in frames."""

    def __init__(self) -> None:
        from array import array

        self.power = array("f")
        self.count = array("H")

    def add(self, place: int, power: float) -> None:
        if place >= len(self.power):
            missing = place + 1 - len(self.power)
            self.power.extend([0.0] * missing)
            self.count.extend([0] * missing)
        self.power[place] += power
        self.count[place] += 1

    def levels(self, length: int) -> Any:
        import numpy as np

        power = np.zeros(length, np.float32)
        found = np.frombuffer(self.power, np.float32) / np.maximum(np.frombuffer(self.count, np.uint16), 1)
        power[: len(found)] = found
        floor = 10 ** (QUIETEST_DB / 10)
        return (10 * np.log10(np.maximum(power, floor))).astype(np.float32)


def _powers(frame: Any) -> list[float]:
    """Mean power of each channel of a frame, whatever its numbers are."""
    import numpy as np

    kind = np.dtype(_KINDS[frame.format.name.removesuffix("p")])
    channels = frame.layout.nb_channels
    if frame.format.is_planar:
        rows = [np.frombuffer(plane, kind, frame.samples) for plane in frame.planes]
    else:
        samples = np.frombuffer(frame.planes[0], kind, frame.samples * channels)
        rows = [samples[channel::channels] for channel in range(channels)]
    return [_power(row) for row in rows]


def _power(samples: Any) -> float:
    import numpy as np

    if samples.dtype.kind != "f":
        middle = 128 if samples.dtype.kind == "u" else 0
        samples = (samples.astype(np.float32) - middle) / float(1 << (8 * samples.dtype.itemsize - 1))
    return float(np.dot(samples, samples)) / len(samples)


def _frames(container: Any, streams: Any, *, stop_s: float | None) -> Iterator[tuple[int, Any]]:
    """Frames of all tracks in the order of the file; packets that are broken are left out."""
    import av

    for packet in container.demux(*streams):
        if stop_s is not None and packet.pts is not None and float(packet.pts * packet.time_base) > stop_s:
            return
        try:
            yield from ((packet.stream.index, frame) for frame in packet.decode())
        except av.error.FFmpegError:
            continue


if __name__ == "__main__":
    raise SystemExit(_serve())
