"""How alike a question as typed and a stretch as spoken are, word by word.

Pure. Owns stems, the weight of rare words, and the two measures that are blended: the best local alignment
(Smith-Waterman over stems) and the overlap of words. Refuses to know marks, times and questions' states.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from Stemmer import Stemmer

from streamhub.text import words_of

_GAP = 0.35
_HALF_MATCH = 0.6
_PREFIX = 5

Stems = tuple[str, ...]


@cache
def _stemmer(language: str) -> Stemmer:
    return Stemmer("german" if language == "de" else "english")


@lru_cache(maxsize=65_536)
def _stem(word: str, language: str) -> str:
    return str(_stemmer(language).stemWord(word))


def stems_of(text: str, language: str) -> Stems:
    """The stems of a text's words, in order."""
    return tuple(_stem(word, language) for word in words_of(text))


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each stem says: the rarer among the sentences, the more.

    Attributes:
        by_stem: of the stems that were heard.
        unheard: of a stem that was never heard; no more than that of a rare one, for a recogniser may have missed it.
    """

    by_stem: Mapping[str, float]
    unheard: float

    def of(self, stem: str) -> float:
        """The weight of one stem."""
        return self.by_stem.get(stem, self.unheard)

    def mass(self, stems: Iterable[str]) -> float:
        """The weight of all stems together."""
        return sum(self.of(stem) for stem in stems)


def weigh_stems(sentences: Sequence[Stems]) -> Weights:
    """Inverse document frequency with sentences as documents."""
    counts = Counter(stem for sentence in sentences for stem in set(sentence))
    total = len(sentences) + 1
    by_stem = {stem: math.log(1 + total / count) for stem, count in counts.items()}
    return Weights(by_stem, math.log(1 + total / 2))


class Window:
    """A stretch of speech to compare questions with: its stems, in order and as sets."""

    __slots__ = ("_beginnings", "_heard", "stems")

    def __init__(self, stems: Stems) -> None:
        self.stems = stems
        self._heard = frozenset(stems)
        self._beginnings = frozenset(stem[:_PREFIX] for stem in stems if len(stem) >= _PREFIX)

    def match(self, stem: str) -> float:
        """1 if the stem is heard, 0.6 if one with the same beginning is, else 0."""
        if stem in self._heard:
            return 1.0
        return _HALF_MATCH if len(stem) >= _PREFIX and stem[:_PREFIX] in self._beginnings else 0.0


def overlap(question: Stems, window: Window, weights: Weights) -> float:
    """Share of the question's weight that the window has too; half a match for a common beginning; 0 to 1."""
    if not question:
        return 0.0
    return sum(weights.of(stem) * window.match(stem) for stem in question) / weights.mass(question)


@lru_cache(maxsize=262_144)
def _likeness(one: str, other: str) -> float:
    """1 for the same stem, 0.6 when one begins with the other or they share a long beginning (compounds, endings)."""
    if one == other:
        return 1.0
    if len(one) < _PREFIX or len(other) < _PREFIX or one[:_PREFIX] != other[:_PREFIX]:
        return 0.0
    return _HALF_MATCH


def alignment(question: Stems, window: Stems, weights: Weights) -> float:
    """Weight of the best local alignment (Smith-Waterman) over the question's weight; 0 to 1.

    A match counts the stem's weight, a gap or a mismatch costs 0.35 of it.
    """
    if not question:
        return 0.0
    best = 0.0
    above = [0.0] * (len(window) + 1)
    costs = [_GAP * weights.of(stem) for stem in window]
    for stem in question:
        weight = weights.of(stem)
        cost = _GAP * weight
        row = [0.0]
        for at, other in enumerate(window):
            like = _likeness(stem, other)
            diagonal = above[at] + (weight * like if like else -max(cost, costs[at]))
            row.append(max(0.0, diagonal, above[at + 1] - cost, row[at] - costs[at]))
        best = max(best, *row)
        above = row
    return best / weights.mass(question)
