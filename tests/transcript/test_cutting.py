"""The sound of a piece: the right stretch of the recording, and never more of it in memory."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from streamhub.errors import BadMedia
from streamhub.timecode import Span
from streamhub.transcript.cutting import cut_recording, write_piece
from streamhub.transcript.piece import plan_pieces
from streamhub.transcript.sound import RATE_HZ, load_pcm, load_sound

Write = Callable[..., Path]
HOURS = 12


def noise(seconds: float, *, level: float = 0.3) -> np.ndarray:
    return np.random.default_rng(1).normal(0, level, int(seconds * RATE_HZ)).clip(-1, 1)


@pytest.mark.parametrize("name", ["sound.wav", "sound.mp4", "sound.mkv"])
@pytest.mark.parametrize(("start_ms", "end_ms"), [(0, 5_000), (700, 3_000), (12_345, 18_765), (27_000, 60_000)])
def test_a_stretch_is_what_the_whole_has_there(write_sound: Write, name: str, start_ms: int, end_ms: int) -> None:
    """Decoding a stretch gives the samples that decoding everything gives at that place, up to the end of the sound."""
    media = write_sound(name, noise(30))
    whole, part = load_pcm(media), load_pcm(media, Span(start_ms, end_ms))
    wanted = whole[start_ms * 16 : end_ms * 16].astype(int)
    assert abs(len(part) - len(wanted)) <= RATE_HZ // 1000
    size = min(len(part), len(wanted))
    both = np.corrcoef(part[:size].astype(int), wanted[:size])[0, 1]
    assert both > 0.95  # white noise: a single sample of shift would leave nothing of it


def test_a_stretch_behind_the_end_is_empty(write_sound: Write) -> None:
    """Sound that ends before the picture does gives no samples there, and no error."""
    assert not load_pcm(write_sound("short.wav", noise(3)), Span(60_000, 70_000)).size


def holey(path: Path) -> Path:
    """Ten seconds of noise, a hole of 30 s, ten seconds of noise."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE_HZ)
        stream.layout = "mono"
        for block, start in ((noise(10), 0), (noise(10), 40 * RATE_HZ)):
            frame = av.AudioFrame.from_ndarray((block * 32767).astype(np.int16).reshape(1, -1), "s16", "mono")
            frame.sample_rate, frame.pts = RATE_HZ, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("start_s", "end_s", "spoken"), [(5, 45, [(0, 5), (35, 40)]), (20, 30, []), (30, 50, [(10, 20)])]
)
def test_a_gap_is_silence_in_every_piece(
    tmp_path: Path, start_s: int, end_s: int, spoken: list[tuple[int, int]]
) -> None:
    """A recording with a gap keeps its clock, wherever the gap lies in a piece."""
    samples = load_sound(holey(tmp_path / "hole.mkv"), Span(start_s * 1000, end_s * 1000))
    assert len(samples) == (end_s - start_s) * RATE_HZ
    loud = np.abs(samples).reshape(-1, RATE_HZ).max(axis=1) > 0.01
    assert list(np.flatnonzero(loud)) == [second for start, end in spoken for second in range(start, end)]


async def test_a_recording_is_cut_in_its_pauses(write_sound: Write) -> None:
    """Three minutes in pieces of one: each cut lies in a pause, and a second look finds the same ones."""
    samples = noise(180)
    for pause_s, until_s in ((50.0, 50.5), (55.2, 56.2), (130.0, 130.8)):
        samples[int(pause_s * RATE_HZ) : int(until_s * RATE_HZ)] *= 0.001
    media = write_sound("talk.mp4", samples)
    pieces = await cut_recording(media, 180_000, piece_ms=60_000)
    edges = [piece.span.end_ms for piece in pieces[:-1]]
    assert len(edges) == 2
    assert all(abs(edge - pause) < 60 for edge, pause in zip(edges, (55_700, 130_400), strict=True))
    assert pieces == await cut_recording(media, 180_000, piece_ms=60_000)


async def test_a_short_recording_is_not_even_opened(tmp_path: Path) -> None:
    """What is no longer than a piece stays whole, and nothing is spent on it."""
    assert await cut_recording(tmp_path / "nowhere.mp4", 600_000, piece_ms=600_000) == plan_pieces(600_000, ())


async def test_a_damaged_recording_is_named(tmp_path: Path) -> None:
    """A file that is no media is an error that names it, from the other process, too."""
    media = tmp_path / "broken.mp4"
    media.write_bytes(b"no film")
    with pytest.raises(BadMedia, match=r"broken\.mp4: cannot be read as media"):
        await cut_recording(media, 3_600_000, piece_ms=600_000)


async def test_a_worker_gets_the_very_samples(write_sound: Write, tmp_path: Path) -> None:
    """The file that is written for a worker decodes to the same samples as the stretch on this machine."""
    media, span = write_sound("film.mp4", noise(20)), Span(4_321, 15_000)
    await write_piece(media, span, tmp_path / "piece.wav")
    assert np.array_equal(load_sound(tmp_path / "piece.wav"), load_sound(media, span))


def long_recording(path: Path) -> Path:
    """Twelve hours of silence with a minute of noise at the end; most of the file is a hole of the file system."""
    size_bytes = HOURS * 3600 * RATE_HZ * 2
    header = b"RIFF" + struct.pack("<I", size_bytes + 36) + b"WAVEfmt "
    header += struct.pack("<IHHIIHH", 16, 1, 1, RATE_HZ, RATE_HZ * 2, 2, 16) + b"data" + struct.pack("<I", size_bytes)
    minute = (noise(60) * 32767).astype(np.int16).tobytes()
    with path.open("wb") as file:
        file.write(header)
        file.seek(len(header) + size_bytes - len(minute))
        file.write(minute)
    return path


MEASURE = """
import sys
from pathlib import Path
from streamhub.transcript import cutting
code = cutting._serve()
lines = Path("/proc/self/status").read_text().splitlines()  # resource's figure would be that of the process before exec
print(next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), file=sys.stderr)
raise SystemExit(code)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs files with holes, and memory in kilobytes")
@pytest.mark.timeout(240)
def test_twelve_hours_take_no_more_memory_than_one(tmp_path: Path) -> None:
    """Cutting twelve hours, and reading their last ten minutes, stays far below what decoding them would take."""
    media = long_recording(tmp_path / "long.wav")
    hour_ms = 3_600_000
    windows = [[n * hour_ms - 30_000, n * hour_ms + 30_000] for n in range(1, HOURS)]
    target = tmp_path / "piece.wav"
    for asked in (
        {"media": str(media), "windows": windows},
        {"media": str(media), "span": [HOURS * hour_ms - 600_000, HOURS * hour_ms], "target": str(target)},
    ):
        done = subprocess.run(
            [sys.executable, "-c", MEASURE], input=json.dumps(asked), capture_output=True, text=True, check=True
        )
        assert int(done.stderr.split()[-1]) < 350, (
            "megabytes; twelve hours are 1,380 as 16 bits, and twice that as floats"
        )
    with wave.open(str(target)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    assert len(samples) == 600 * RATE_HZ
    assert not samples[: 540 * RATE_HZ].any()
    assert np.abs(samples[540 * RATE_HZ :].astype(int)).mean() > 1000
