"""Speech for the rehearsal recogniser: espeak-ng says sentences of the grammar, and the times of all words are known.

Owns voices, rates and pitches, the cache of spoken sentences on disk, and the six-minute round tables that are scored.
Refuses to know how sounds are mixed for training. Needs Debian's `espeak-ng`.
"""

from __future__ import annotations

import json
import wave
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from bench.demo_audio import Espeak
from bench.rehearsal.grammar import GRAMMARS, is_held_out

RATE_HZ = 16_000
SHARD = 1_000
ROUND_TABLE_S = 360
GAP_S = (0.35, 1.4)
AUDIBLE = 150

PANEL = {"en": ("en-us", "en", "en-us+f2", "en+m3"), "de": ("de", "de+f2", "de+m3", "de+m1")}
"""The voices of round tables, the host's first."""

VOICES = {
    "en": (
        PANEL["en"] * 2
        + ("en-us+m1", "en-us+m2", "en-us+m4", "en-us+m7", "en-us+f1", "en+f3", "en+f4", "en+m6")
        + ("en-gb-scotland", "en-gb-x-rp", "en-us+linda", "en-us+Alex", "en+steph", "en+edward")
    ),
    "de": (
        PANEL["de"] * 2
        + ("de+m2", "de+m4", "de+m6", "de+m7", "de+f1", "de+f3", "de+f4")
        + ("de+linda", "de+Alex", "de+steph", "de+edward", "de+Andrea")
    ),
}
"""The voices of training; those of the panel twice as often."""

Sound = NDArray[np.int16]


@dataclass(frozen=True, kw_only=True, slots=True)
class Utterance:
    """One spoken sentence; times count from the beginning of its sound.

    Attributes:
        words: each word's place in the text and its start in seconds.
        start_s, end_s: where it becomes audible, and where it is over.
    """

    language: str
    text: str
    voice: str
    words: tuple[tuple[int, float], ...]
    start_s: float
    end_s: float


def speak(espeak: Espeak, language: str, text: str, voice: str, chance: Random) -> tuple[Utterance, Sound]:
    """Say one sentence, at a rate and a pitch by chance."""
    raw, marks = espeak.say(text, voice=voice, rate_wpm=chance.randint(140, 190), pitch=chance.randint(30, 70))
    sound = _resample(raw, espeak.rate_hz)
    loud = np.flatnonzero(np.abs(sound) > AUDIBLE)
    words, at = [], 0
    for word, start_ms in marks:
        at = text.index(word, at)
        words.append((at, start_ms / 1000))
        at += len(word)
    spoken = Utterance(
        language=language,
        text=text,
        voice=voice,
        words=tuple(words),
        start_s=int(loud[0]) / RATE_HZ,
        end_s=(int(loud[-1]) + 1) / RATE_HZ,
    )
    return spoken, sound


def _resample(samples: NDArray[np.float32], from_hz: int) -> Sound:
    frame = av.AudioFrame.from_ndarray((samples[None, :] * 32_767).astype(np.int16), format="s16", layout="mono")
    frame.sample_rate = from_hz
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
    return np.concatenate([part.to_ndarray()[0] for part in [*resampler.resample(frame), *resampler.resample(None)]])


def speak_shard(folder: Path, number: int, *, held_out: bool = False) -> Path:
    """Say as many sentences as a shard holds, half of them German, and keep them; a shard that is there is kept."""
    path = folder / f"{'held' if held_out else 'taught'}_{number:03}.npy"
    if path.with_suffix(".json").exists():
        return path
    chance, espeak = Random(f"{path.stem}"), Espeak()
    spoken: list[Utterance] = []
    sounds: list[Sound] = []
    while len(spoken) < SHARD:
        language = ("de", "en")[len(spoken) % 2]
        text = GRAMMARS[language].make(chance)
        if is_held_out(text, GRAMMARS[language]) != held_out:
            continue
        utterance, sound = speak(espeak, language, text, chance.choice(VOICES[language]), chance)
        spoken.append(utterance)
        sounds.append(sound)
    edges = np.cumsum([0, *map(len, sounds)]).tolist()
    np.save(path, np.concatenate(sounds))
    path.with_suffix(".json").write_text(
        json.dumps({"edges": edges, "utterances": [asdict(u) for u in spoken]}, ensure_ascii=False), "utf-8"
    )
    return path


def speak_all(folder: Path, shards: int) -> None:
    """Say all shards of training and one of held-out sentences, two at a time; what is there is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn"), max_tasks_per_child=1) as fresh:
        waiting = [fresh.submit(speak_shard, folder, 0, held_out=True)]
        waiting += [fresh.submit(speak_shard, folder, number) for number in range(shards)]
        for done in waiting:
            print(f"spoken: {done.result().name}", flush=True)


def load_shard(path: Path) -> list[tuple[Utterance, Sound]]:
    """The utterances of a shard with their sounds, which stay on disk until they are used."""
    told = json.loads(path.with_suffix(".json").read_text("utf-8"))
    samples = np.load(path, mmap_mode="r")
    edges: list[int] = told["edges"]
    return [
        (Utterance(**{**u, "words": tuple(tuple(w) for w in u["words"])}), samples[start:end])
        for u, start, end in zip(told["utterances"], edges, edges[1:], strict=False)
    ]


def speak_round_table(folder: Path, language: str, seed: int) -> Path:
    """Write a round table of six minutes, four voices, and held-out sentences wherever they are made from slots.

    Returns:
        The sound (WAV, 16 kHz); the truth lies beside it as JSON, in the form of the demo's round tables.
    """
    path = folder / f"table_{language}_{seed}.wav"
    if path.exists():
        return path
    chance, grammar, espeak = Random(seed), GRAMMARS[language], Espeak()
    host, *experts = PANEL[language]
    mix = np.random.default_rng(seed).normal(0, 20, ROUND_TABLE_S * RATE_HZ).astype(np.float32)
    segments: list[dict[str, Any]] = []
    at_s = 1.0
    for kind, voice in _turns(chance, host, experts):
        text = grammar.patterns["moderation"][0] if not segments else grammar.make_held_out(chance, kind)
        utterance, sound = speak(espeak, language, text, voice, chance)
        start = int(at_s * RATE_HZ)
        if start + len(sound) > len(mix):
            break
        mix[start : start + len(sound)] += sound * 0.7
        start_ms, end_ms = int((at_s + utterance.start_s) * 1000), int((at_s + utterance.end_s) * 1000)
        segments.append({"speaker": voice, "text": text, "start_ms": start_ms, "end_ms": end_ms})
        at_s += utterance.end_s + chance.uniform(*GAP_S)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.clip(mix, -32_768, 32_767).astype(np.int16).tobytes())
    path.with_suffix(".json").write_text(
        json.dumps({"language": language, "segments": segments}, ensure_ascii=False, indent=0), "utf-8"
    )
    return path


def _turns(chance: Random, host: str, experts: Sequence[str]) -> Any:
    """Who speaks and what kind of sentence, without end."""
    yield "moderation", host
    while True:
        yield "moderation", host
        yield "question", host
        for expert in chance.sample(experts, chance.randint(1, len(experts))):
            for _ in range(chance.randint(1, 2)):
                yield "answer", expert
