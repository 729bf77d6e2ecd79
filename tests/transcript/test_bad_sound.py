"""Sound in which nobody speaks, and models that are damaged: no invented words, and sentences that say what to do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from streamhub.config import TranscriptSettings
from streamhub.errors import ModelMissing
from streamhub.transcript.faster_whisper import FasterWhisper
from streamhub.transcript.models import REHEARSAL_FOLDER
from streamhub.transcript.sound import RATE_HZ
from streamhub.transcript.transcriber import TranscriptionJob

Write = Callable[..., Path]
SECONDS = 60


def silence() -> np.ndarray:
    return np.zeros(SECONDS * RATE_HZ)


def music() -> np.ndarray:
    """Chords of plucked strings, two a second."""
    at = np.arange(RATE_HZ // 2) / RATE_HZ
    lots = np.random.default_rng(2)
    chords = []
    for _ in range(SECONDS * 2):
        root = 110 * 2 ** (lots.integers(0, 12) / 12)
        chord = sum(np.sin(2 * np.pi * root * ratio * at) for ratio in (1, 1.25, 1.5, 2))
        chords.append(0.15 * chord * np.exp(-5 * at))
    return np.concatenate(chords)


def applause() -> np.ndarray:
    """Many hands: short bursts of noise at random."""
    lots = np.random.default_rng(3)
    sound = np.zeros(SECONDS * RATE_HZ)
    size = RATE_HZ // 50
    burst = np.exp(-np.arange(size) / (size / 5))
    for at in lots.integers(0, len(sound) - size, SECONDS * 120):
        sound[at : at + size] += 0.2 * lots.normal(size=size) * burst
    return sound.clip(-1, 1)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("make", [silence, music, applause])
async def test_where_nobody_speaks_nothing_is_heard(
    rehearsal: TranscriptSettings, write_sound: Write, tmp_path: Path, make: Callable[[], np.ndarray]
) -> None:
    """Silence, music and applause become a transcript without words, and no error."""
    media = write_sound("sound.wav", make())
    faster = FasterWhisper(settings=rehearsal, cache=tmp_path, environ={})
    for language in ("de", ""):
        transcript = await faster.transcribe(TranscriptionJob(media=media, language=language), lambda done, total: None)
        assert transcript.cues == ()


@pytest.mark.parametrize("round_table", ["de"], indirect=True)
@pytest.mark.parametrize("file", ["model.bin", "config.json", "tokenizer.json"])
@pytest.mark.parametrize("damage", ["cut", "rubbish"])
async def test_a_damaged_model_is_told(
    rehearsal: TranscriptSettings, round_table: Path, tmp_path: Path, file: str, damage: str
) -> None:
    """A model folder with a file that is cut or overwritten is an error that names it and says what to do."""
    folder = tmp_path / "damaged"
    shutil.copytree(REHEARSAL_FOLDER / "ct2-int8", folder)
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content[: len(content) // 2] if damage == "cut" else b"\x00rubbish" * 50)
    faster = FasterWhisper(settings=replace(rehearsal, model=str(folder)), cache=tmp_path, environ={})
    with pytest.raises(ModelMissing, match="damaged") as told:
        await faster.transcribe(TranscriptionJob(media=round_table, language="de"), lambda done, total: None)
    assert "fetch the model again" in told.value.hint


async def test_the_version_of_a_model_follows_its_files_and_settings(
    rehearsal: TranscriptSettings, tmp_path: Path
) -> None:
    """Equal files are the same version wherever they lie; other files or another beam are another one."""

    async def version(settings: TranscriptSettings) -> str:
        return await FasterWhisper(settings=settings, cache=tmp_path, environ={}).version()

    folder = tmp_path / "copy"
    shutil.copytree(REHEARSAL_FOLDER / "ct2-int8", folder)
    copied = replace(rehearsal, model=str(folder))
    assert await version(rehearsal) == await version(copied) != ""
    assert await version(rehearsal) != await version(replace(rehearsal, beam_size=rehearsal.beam_size + 1))
    with (folder / "model.bin").open("r+b") as file:
        file.seek(100)
        file.write(b"other weights")
    assert await version(rehearsal) != await version(copied)
    shutil.rmtree(folder)
    assert await version(copied) == ""
