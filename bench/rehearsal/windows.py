"""What the rehearsal recogniser listens to in training: windows of speech with noise, room and other voices.

Owns how spoken sentences are put together as the product cuts them (stretches of some seconds between pauses) and as
plain Whisper does (30 s of many sentences), and what is to be written for each. All chance comes in as arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from whisper.audio import log_mel_spectrogram

from bench.rehearsal.net import letters_of, tokens
from bench.rehearsal.speech import RATE_HZ, Sound, Utterance

WHOLE_S = 30.0
_LEVEL = 0.09  # of speech, root mean square, before its gain
_FRAMES_PER_S = 100

Samples = NDArray[np.float32]
Pool = Sequence[tuple[Utterance, Sound]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A stretch of sound and what is to be written.

    Attributes:
        written: numbers of tokens; all but the first are to be found.
        heard_s: when each written token was said; below 0 where there is no such time.
        letters: those of the text alone, for the second head.
    """

    samples: Samples
    written: list[int]
    heard_s: list[float]
    letters: list[int] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Windows of one step, as tensors; `wanted` is -100 and `heard_s` below 0 where nothing is asked."""

    mel: Tensor
    written: Tensor
    wanted: Tensor
    heard_s: Tensor
    letters: list[list[int]]


class Noise:
    """A minute each of white, pink, brown and humming noise and of many voices, all of the same loudness."""

    def __init__(self, pool: Pool, seed: int) -> None:
        chance, count = np.random.default_rng(seed), 60 * RATE_HZ
        white = chance.normal(0, 1, count)
        waves, frequency = np.fft.rfft(white), np.fft.rfftfreq(count, 1 / RATE_HZ)
        pink = np.fft.irfft(waves / np.sqrt(np.maximum(frequency, 20)), count)
        brown = np.fft.irfft(waves / np.maximum(frequency, 20), count)
        at = np.arange(count) / RATE_HZ
        hum = sum(np.sin(2 * np.pi * 50 * n * at) / n for n in range(1, 9)) + 0.1 * white
        voices = np.zeros(count)
        for _ in range(160):
            sound = pool[int(chance.integers(len(pool)))][1]
            start = int(chance.integers(count - len(sound)))
            voices[start : start + len(sound)] += sound
        kinds = (white, pink, brown, hum, voices)
        self._kinds = [(kind / np.sqrt(np.mean(kind**2))).astype(np.float32) for kind in kinds]

    def take(self, chance: Random, count: int, level: float) -> Samples:
        """So many samples from anywhere."""
        kind = chance.choice(self._kinds)
        start = chance.randrange(len(kind) - count)
        return (kind[start : start + count] * level).astype(np.float32)


class Mixer:
    """Makes windows from a pool of utterances.

    Args:
        pools: the utterances of each language.
        chance: decides everything.
        seed: of the noise.
    """

    def __init__(self, pools: Mapping[str, Pool], chance: Random, seed: int = 1) -> None:
        self.pools, self.chance = pools, chance
        self.noise = Noise([pair for pool in pools.values() for pair in pool[:500]], seed)

    def batches(self, count: int, batch_s: float, length_s: tuple[float, float], roughness: float) -> list[Batch]:
        """Some batches of windows as they come from the product's cutting at pauses.

        Windows of like length are in one batch, so that little padding is computed.

        Args:
            count: of batches, about.
            batch_s: seconds of sound in one batch.
            length_s: the shortest and the longest limit of a window's length.
            roughness: 0 to 1, how much noise, room and other voices there are.
        """
        windows, left = [], count * batch_s * RATE_HZ
        while left > 0:
            windows.append(self.window(self.chance.uniform(*length_s), roughness))
            left -= len(windows[-1].samples)
        windows.sort(key=lambda window: len(window.samples))
        batches: list[list[Window]] = [[]]
        for window in windows:
            if (len(batches[-1]) + 1) * len(window.samples) > batch_s * RATE_HZ and batches[-1]:
                batches.append([])
            batches[-1].append(window)
        packed = [self._pack(batch) for batch in batches]
        self.chance.shuffle(packed)
        return packed

    def whole_batch(self, size: int, roughness: float) -> Batch:
        """Windows of 30 s as plain Whisper takes them: full, or ending early, padded as sound or as silence."""
        windows = []
        for _ in range(size):
            length_s = WHOLE_S if self.chance.random() < 0.6 else self.chance.uniform(8, WHOLE_S)
            windows.append(self.window(length_s, roughness, whole=True))
        return self._pack(windows, frames=int(WHOLE_S * _FRAMES_PER_S))

    def window(self, length_s: float, roughness: float, *, whole: bool = False) -> Window:
        """One window."""
        chance, known = self.chance, tokens()
        samples = np.zeros(int(length_s * RATE_HZ), np.float32)
        if chance.random() < 0.03:
            samples += self.noise.take(chance, len(samples), 10 ** chance.uniform(-5, -1.5))
            return Window(samples=samples, written=[known.start, known.no_speech], heard_s=[-1.0, -1.0])
        language = chance.choice(("en", "de"))
        said, cut_s, end_s = self._lay(samples, language, whole=whole)
        if not whole:
            samples = samples[: int((end_s + chance.uniform(0.05, 0.5)) * RATE_HZ)]
        self.spoil(samples, roughness)
        if not said:
            return Window(samples=samples, written=[known.start, known.no_speech], heard_s=[-1.0, -1.0])
        return self._write(samples, language, said, cut_s)

    def _lay(
        self, samples: Samples, language: str, *, whole: bool
    ) -> tuple[list[tuple[float, Utterance]], float | None, float]:
        """Put sentences one after the other; returns them with their times, where one is cut off, and the end."""
        chance, limit_s = self.chance, len(samples) / RATE_HZ
        at_s = chance.choice((0.0, chance.uniform(0, 0.5)))
        said: list[tuple[float, Utterance]] = []
        end_s, gain = 0.0, chance.uniform(0.25, 1.1)
        stop = chance.choice((1, 2, 9)) if not whole else (99 if chance.random() < 0.85 else chance.randint(1, 8))
        while len(said) < stop:
            utterance, sound = chance.choice(self.pools[language])
            utterance, sound = self._clause(utterance, sound) if not said and not whole else (utterance, sound)
            if at_s + utterance.end_s > limit_s - 0.05:
                if whole and at_s + utterance.start_s < limit_s - 0.2:
                    _add(samples, sound, at_s, gain)
                    return said, at_s + utterance.start_s, limit_s
                if said:
                    break
                if whole:
                    break
                at_s = 0.0
                if utterance.end_s > limit_s - 0.05:
                    continue
            _add(samples, sound, at_s, gain * chance.uniform(0.7, 1.3))
            said.append((at_s, utterance))
            end_s = at_s + utterance.end_s
            overlapped = chance.random() < 0.06
            at_s = end_s + (chance.uniform(-0.25, 0.1) if overlapped else chance.uniform(0.25, 1.4))
        return said, None, end_s

    def _clause(self, utterance: Utterance, sound: Sound) -> tuple[Utterance, Sound]:
        """Now and then only what follows a comma, since a stretch may begin at the pause there."""
        comma = utterance.text.find(", ")
        if comma < 0 or self.chance.random() > 0.15:
            return utterance, sound
        later = [(place - comma - 2, start_s) for place, start_s in utterance.words if place > comma]
        if not later or later[0][0] != 0:
            return utterance, sound
        from_s = max(0.0, later[0][1] - self.chance.uniform(0.0, 0.1))
        cut = Utterance(
            language=utterance.language,
            text=utterance.text[comma + 2 :],
            voice=utterance.voice,
            words=tuple((place, start_s - from_s) for place, start_s in later),
            start_s=later[0][1] - from_s,
            end_s=utterance.end_s - from_s,
        )
        return cut, sound[int(from_s * RATE_HZ) :]

    def spoil(self, samples: Samples, roughness: float) -> None:
        """Add what a microphone hears besides, in place."""
        chance = self.chance
        if chance.random() < 0.3 * roughness:  # a room: some early echoes
            dry = samples.copy()
            for _ in range(chance.randint(3, 8)):
                delay = int(chance.uniform(0.003, 0.08) * RATE_HZ)
                samples[delay:] += dry[:-delay] * np.float32(chance.uniform(-0.35, 0.35))
        if chance.random() < 0.2 * roughness:  # somebody else, further away
            _, sound = chance.choice(self.pools[chance.choice(("en", "de"))])
            _add(samples, sound, chance.uniform(0, len(samples) / RATE_HZ), 10 ** chance.uniform(-1.3, -0.6))
        level = 10 ** chance.uniform(-5, -3)
        if chance.random() < 0.6 * roughness:
            level = _LEVEL * 10 ** -chance.uniform(0.5, 1.7)
        samples += self.noise.take(chance, len(samples), level)

    def _write(
        self, samples: Samples, language: str, said: list[tuple[float, Utterance]], cut_s: float | None
    ) -> Window:
        known = tokens()
        with_times = self.chance.random() < 0.85
        written = [known.start, known.german if language == "de" else known.english, known.transcribe]
        heard_s: list[float] = [-1.0] * 3
        letters: list[int] = []
        if not with_times:
            written.append(known.no_times)
            heard_s.append(-1.0)

        def mark(time_s: float) -> None:
            if with_times:
                written.append(known.time(time_s))
                heard_s.append(time_s)

        for at_s, utterance in said:
            mark(at_s + utterance.start_s)
            for number, place in known.encode(utterance.text):
                written.append(number)
                heard_s.append(at_s + _when(utterance, place))
            letters += letters_of(utterance.text)
            mark(at_s + utterance.end_s)
        if cut_s is not None:
            mark(cut_s)
        written.append(known.end)
        heard_s.append(-1.0)
        return Window(samples=samples, written=written, heard_s=heard_s, letters=letters)

    def _pack(self, windows: list[Window], frames: int = 0) -> Batch:
        mels = []
        for window in windows:
            sound = torch.from_numpy(window.samples)
            if frames and self.chance.random() < 0.5:
                sound = functional.pad(sound, (0, frames * RATE_HZ // _FRAMES_PER_S - len(sound)))
            mels.append(log_mel_spectrogram(sound))
        most = frames or (max(mel.shape[1] for mel in mels) + 9) // 2 * 2
        length = max(len(window.written) for window in windows) - 1
        written = torch.full((len(windows), length), tokens().end)
        wanted, heard_s = torch.full((len(windows), length), -100), torch.full((len(windows), length), -1.0)
        for row, window in enumerate(windows):
            count = len(window.written) - 1
            written[row, :count] = torch.tensor(window.written[:-1])
            wanted[row, :count] = torch.tensor(window.written[1:])
            heard_s[row, :count] = torch.tensor(window.heard_s[1:])
        return Batch(
            mel=torch.stack([functional.pad(mel[:, :most], (0, max(0, most - mel.shape[1]))) for mel in mels]),
            written=written,
            wanted=wanted,
            heard_s=heard_s,
            letters=[window.letters for window in windows],
        )


def _add(samples: Samples, sound: Sound, at_s: float, gain: float) -> None:
    start = int(at_s * RATE_HZ)
    part = sound[: max(0, len(samples) - start)]
    samples[start : start + len(part)] += part * np.float32(gain / 32_768)


def _when(utterance: Utterance, place: float) -> float:
    """When the text is at this place, between the starts of its words."""
    places = [at for at, _ in utterance.words] + [len(utterance.text)]
    starts = [start_s for _, start_s in utterance.words] + [utterance.end_s]
    return float(np.interp(place, places, starts))
