"""The words of all questions, as rows of numbers: which grams and terms each has, and which words have a gram or term.

Owns growing arrays and the way from a query's grams and terms to a weight per word. Refuses to know questions.
Rows are only ever added, so that whoever holds an older `Lexicon` may go on reading while words are added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from streamhub.questions.wordbag import GRAM_BUCKETS, Token

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
MAX_LOOSE_WORDS = 512


class Column:
    """A growing array of numbers; what was handed out before stays as it was."""

    def __init__(self, kind: type[np.generic]) -> None:
        self._array: npt.NDArray[Any] = np.zeros(1024, dtype=kind)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def extend(self, values: Sequence[float] | npt.NDArray[Any]) -> None:
        """Add values at the end."""
        end = self._length + len(values)
        if end > len(self._array):
            longer = np.zeros(max(end, 2 * len(self._array)), dtype=self._array.dtype)
            longer[: self._length] = self._array[: self._length]
            self._array = longer
        self._array[self._length : end] = values
        self._length = end

    def view(self) -> npt.NDArray[Any]:
        """All values."""
        return self._array[: self._length]


def gather(starts: npt.NDArray[Any], lengths: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """The places ``start, start + 1, …`` of several stretches, one stretch after the other."""
    total = int(lengths.sum())
    if not total:
        return np.zeros(0, dtype=np.int64)
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(total)


@dataclass(frozen=True, kw_only=True, slots=True)
class Inverse:
    """From a feature to the words that have it, for the first ``words`` words.

    Attributes:
        words: how many words it covers.
        starts: where a feature's words begin in ``having``; one more entry than features.
        having: word numbers.
        places: where in the words' features each of these stands.
    """

    words: int
    starts: Ints
    having: Ints
    places: Ints

    @classmethod
    def of(cls, ends: npt.NDArray[np.int64], features: Ints, size: int) -> Inverse:
        """Turn words' features around."""
        owners = np.repeat(np.arange(len(ends), dtype=np.int32), np.diff(ends, prepend=0))
        order = np.argsort(features, kind="stable").astype(np.int32)
        starts = np.concatenate([[0], np.cumsum(np.bincount(features, minlength=size))]).astype(np.int32)
        return cls(words=len(ends), starts=starts, having=owners[order], places=order)

    def spread(self, features: Ints, values: Floats) -> Floats:
        """For each word, the sum of the values of those features that it has."""
        known = features < len(self.starts) - 1
        features, values = features[known], values[known]
        starts, lengths = self.starts[features], self.starts[features + 1] - self.starts[features]
        places = gather(starts, lengths)
        return np.bincount(self.having[places], weights=np.repeat(values, lengths), minlength=self.words).astype(
            np.float32
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Lexicon:
    """All words at one moment.

    Attributes:
        weights: what each word counts.
        gram_ends, grams: the grams of each word; its stretch ends at its entry in ``gram_ends``.
        term_ends, terms, term_weights: its terms, likewise.
        by_gram, by_term: the other way round, for the older words.
    """

    weights: Floats
    gram_ends: npt.NDArray[np.int64]
    grams: Ints
    term_ends: npt.NDArray[np.int64]
    terms: Ints
    term_weights: Floats
    by_gram: Inverse
    by_term: Inverse

    def spread_grams(self, grams: Ints, values: Floats) -> Floats:
        """For each word, the sum of the values of its grams; the grams given rise."""
        older = self.by_gram.spread(grams, values)
        known, ends = self.by_gram.words, self.gram_ends
        if known == len(ends) or not len(grams):
            return np.concatenate([older, np.zeros(len(ends) - known, dtype=np.float32)])
        start = int(ends[known - 1]) if known else 0
        loose = self.grams[start:]
        places = np.searchsorted(grams, loose).clip(max=len(grams) - 1)
        found = np.where(grams[places] == loose, values[places], 0).astype(np.float32)
        return np.concatenate([older, sum_stretches(found, ends[known:] - start)])

    def find_words(self, terms: Ints) -> tuple[Ints, Ints, Floats]:
        """The words that have any of these terms, rising: word, which of the terms, and its weight in the word."""
        inverse, which = self.by_term, np.arange(len(terms), dtype=np.int32)
        old = terms < len(inverse.starts) - 1
        starts, ends = inverse.starts[terms[old]], inverse.starts[terms[old] + 1]
        places = gather(starts, ends - starts)
        found = [
            (inverse.having[places], np.repeat(which[old], ends - starts), self.term_weights[inverse.places[places]])
        ]
        if inverse.words < len(self.term_ends):  # the youngest words, a few hundred at most
            start = int(self.term_ends[inverse.words - 1]) if inverse.words else 0
            sizes = np.diff(self.term_ends[inverse.words :], prepend=start)
            owners = np.repeat(np.arange(inverse.words, len(self.term_ends), dtype=np.int32), sizes)
            at, term = np.nonzero(self.terms[start:, None] == terms[None, :])
            found.append((owners[at], term.astype(np.int32), self.term_weights[start:][at]))
        words, index, weights = (np.concatenate(part) for part in zip(*found, strict=True))
        order = np.argsort(words, kind="stable")
        return words[order], index[order], weights[order]

    def count_grams(self, per_word: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """For each gram, the sum of a value over the words that have it."""
        lengths = np.diff(self.gram_ends, prepend=0)
        return np.bincount(self.grams, weights=np.repeat(per_word, lengths), minlength=GRAM_BUCKETS)

    def count_terms(self, per_word: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
        """For each term, the sum of a value over the words that have it."""
        lengths = np.diff(self.term_ends, prepend=0)
        return np.bincount(self.terms, weights=np.repeat(per_word, lengths), minlength=size)


def sum_stretches(values: Floats, ends: npt.NDArray[np.int64]) -> Floats:
    """The sum of each stretch of values; stretches may be empty."""
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
    found: Floats = (sums[ends] - sums[starts]).astype(np.float32)
    return found


class Vocabulary:
    """Words with their numbers; grows, never shrinks."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._terms: dict[str, int] = {}
        self._weights = Column(np.float32)
        self._gram_ends, self._grams = Column(np.int64), Column(np.int32)
        self._term_ends, self._term_ids, self._term_weights = Column(np.int64), Column(np.int32), Column(np.float32)
        self._inverses: tuple[Inverse, Inverse] | None = None

    def __len__(self) -> int:
        return len(self._weights)

    @property
    def term_count(self) -> int:
        """How many terms there are."""
        return len(self._terms)

    @property
    def numbers(self) -> Mapping[str, int]:
        """Number of each word, by key."""
        return self._numbers

    def find_terms(self, terms: Iterable[str]) -> list[int]:
        """Numbers of terms; -1 for one that no word has."""
        return [self._terms.get(term, -1) for term in terms]

    def add(self, tokens: Iterable[Token]) -> None:
        """Add words that are not there yet, many at once."""
        for token in tokens:
            self._grams.extend(token.grams)
            self._term_ids.extend([self._terms.setdefault(term, len(self._terms)) for term, _ in token.terms])
            self._term_weights.extend([weight for _, weight in token.terms])
            self._weights.extend([token.weight])
            self._gram_ends.extend([len(self._grams)])
            self._term_ends.extend([len(self._term_ids)])
            self._numbers[token.key] = len(self._weights) - 1  # last, for whoever looks in from another thread

    def freeze(self) -> Lexicon:
        """All words as they are now; the way back from features is made anew when many words came."""
        if self._inverses is None or len(self) - self._inverses[0].words > MAX_LOOSE_WORDS:
            by_gram = Inverse.of(self._gram_ends.view(), self._grams.view(), GRAM_BUCKETS)
            by_term = Inverse.of(self._term_ends.view(), self._term_ids.view(), len(self._terms))
            self._inverses = (by_gram, by_term)
        by_gram, by_term = self._inverses
        return Lexicon(
            weights=self._weights.view(),
            gram_ends=self._gram_ends.view(),
            grams=self._grams.view(),
            term_ends=self._term_ends.view(),
            terms=self._term_ids.view(),
            term_weights=self._term_weights.view(),
            by_gram=by_gram,
            by_term=by_term,
        )
