"""Word error rates of a rehearsal recogniser, through the product's own path: cut at pauses, decode, join.

Owns what it is scored on: six-minute round tables and single sentences that training never saw, as they are and with
noise, echoes and other voices; and any further round table with a truth beside it.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
import wave
from collections.abc import Mapping
from pathlib import Path
from random import Random

import numpy as np

from bench.rehearsal.speech import RATE_HZ, load_shard, speak_round_table
from bench.rehearsal.windows import Mixer, Pool
from streamhub.config import TranscriptSettings
from streamhub.text import words_of
from streamhub.transcript.faster_whisper import FasterWhisper
from streamhub.transcript.models import CARD
from streamhub.transcript.transcriber import TranscriptionJob

SENTENCES = 120
SEEDS = {"de": 2_001, "en": 2_002}


def word_errors(truth: str, heard: str) -> tuple[int, int]:
    """Edits between two word lists (Levenshtein), and how many words the truth has."""
    wanted, got = words_of(truth), words_of(heard)
    row = list(range(len(got) + 1))
    for number, word in enumerate(wanted, start=1):
        diagonal, row[0] = row[0], number
        for at, other in enumerate(got, start=1):
            diagonal, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, diagonal + (word != other))
    return row[-1], len(wanted)


def materials(folder: Path) -> dict[str, Path]:
    """What is scored, by name; written where it is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    held = load_shard(folder.parent / "speech" / "held_000.npy")
    pools = {language: [pair for pair in held if pair[0].language == language] for language in ("de", "en")}
    found = {}
    for language, pool in pools.items():
        found[f"six minutes, {language}"] = speak_round_table(folder, language, SEEDS[language])
        found[f"held-out sentences, {language}"] = _lay_out(folder / f"held_{language}.wav", pools, pool, rough=False)
        found[f"the same, rough, {language}"] = _lay_out(folder / f"rough_{language}.wav", pools, pool, rough=True)
    return found


def _lay_out(path: Path, pools: Mapping[str, Pool], pool: Pool, *, rough: bool) -> Path:
    """One sentence after the other, a second or so between them; roughened each by itself."""
    if path.exists():
        return path
    mixer = Mixer(pools, Random(path.stem), seed=2)
    parts, texts = [], []
    for utterance, sound in pool[:SENTENCES]:
        samples = np.pad(sound * np.float32(0.7 / 32_768), (RATE_HZ // 3, RATE_HZ // 2)).astype(np.float32)
        if rough:
            mixer.spoil(samples, 1.0)
        parts.append(samples)
        texts.append({"text": utterance.text})
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((np.clip(np.concatenate(parts), -1, 1) * 32_767).astype(np.int16).tobytes())
    path.with_suffix(".json").write_text(json.dumps({"segments": texts}, ensure_ascii=False), "utf-8")
    return path


def score(model: Path, found: dict[str, Path], *, threads: int) -> None:
    """Print a line for each sound: words, errors, seconds."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "model"
        shutil.copytree(model, copy)
        (copy / CARD).write_text('{"rehearsal": true}', "utf-8")
        size_mb = sum(file.stat().st_size for file in model.iterdir()) / 1e6
        print(f"{model}: {size_mb:.1f} MB")
        engine = FasterWhisper(
            settings=TranscriptSettings(model=str(copy), threads=threads), cache=Path(scratch), environ={}
        )
        for name, media in found.items():
            began = time.monotonic()
            language = "de" if "de" in name.replace("_", " ").replace(",", " ").split() else "en"
            job = TranscriptionJob(media=media, language=language)
            heard = asyncio.run(engine.transcribe(job, lambda done, total: None)).text
            segments = json.loads(media.with_suffix(".json").read_text("utf-8"))["segments"]
            errors, words = word_errors(" ".join(segment["text"] for segment in segments), heard)
            took_s = time.monotonic() - began
            print(f"{name}: {words} words, {errors} errors, {100 * errors / words:.1f} %, {took_s:.1f} s", flush=True)
