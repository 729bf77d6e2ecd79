"""What words, stems and runs of letters weigh among the texts of an index.

Owns the weights that everything is compared by: inverse document frequencies and lengths. Refuses to know who asks.
Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from streamhub.questions.vocabulary import Floats, Ints, Lexicon, sum_stretches
from streamhub.questions.wordbag import Token


@dataclass(frozen=True, kw_only=True, slots=True)
class Weighing:
    """What everything weighs; as of a moment ago, since a few texts more or less change it little.

    Attributes:
        texts: how many there were.
        gram_idf, term_idf: inverse document frequency of each gram and term.
        new_idf: that of a term that no text has.
        word_norms: square of the length of each word's vector of letter runs.
        norms, lengths: length of each text's vector of letter runs, and its length in words.
        mean_norm, mean_length: of these.
    """

    texts: int
    gram_idf: Floats
    term_idf: Floats
    new_idf: float
    word_norms: Floats
    norms: Floats
    lengths: Floats
    mean_norm: float
    mean_length: float


def weigh_grams(tokens: list[tuple[Token, int]], idf: Floats) -> tuple[Ints, Floats, float]:
    """The grams of a text, each once; what they are worth to a word that has them; and the length of their vector."""
    if not tokens:
        return np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32), 0.0
    sizes = [len(token.grams) for token, _ in tokens]
    grams = np.fromiter((gram for token, _ in tokens for gram in token.grams), dtype=np.int32, count=sum(sizes))
    weights = np.array([token.weight * (1 + np.log(count)) for token, count in tokens], dtype=np.float32)
    vector = np.repeat(weights, sizes) * idf[grams]
    distinct, where = np.unique(grams, return_inverse=True)
    values = np.bincount(where, weights=vector).astype(np.float32) * idf[distinct]
    return distinct, values, float(np.sqrt((vector * vector).sum()))


def weigh_terms(tokens: Iterable[Token]) -> dict[str, float]:
    """The terms of a text, each with what it counts in the word where it counts most."""
    terms: dict[str, float] = {}
    for token in tokens:
        for term, weight in token.terms:
            terms[term] = max(terms.get(term, 0.0), weight * token.weight)
    return terms


def damp(counts: Floats) -> Floats:
    """What a word counts that stands in a text so often: the second time less than the first."""
    damped: Floats = 1 + np.log(counts)
    return damped


def weigh(lexicon: Lexicon, ends: npt.NDArray[np.int64], words: Ints, counts: Floats, terms: int) -> Weighing:
    """Weigh everything anew; texts that were removed a moment ago still count."""
    texts = len(ends)
    having = np.bincount(words, minlength=len(lexicon.weights))
    grams_in = np.minimum(lexicon.count_grams(having), texts)
    terms_in = np.minimum(lexicon.count_terms(having, terms), texts)
    gram_idf = (np.log((1 + texts) / (1 + grams_in)) + 1).astype(np.float32)
    term_idf = np.log(1 + (texts - terms_in + 0.5) / (terms_in + 0.5)).astype(np.float32)
    bare = Weighing(
        texts=texts,
        gram_idf=gram_idf,
        term_idf=term_idf,
        new_idf=float(np.log(1 + (texts + 0.5) / 0.5)),
        word_norms=np.zeros(0, dtype=np.float32),
        norms=np.zeros(0, dtype=np.float32),
        lengths=np.zeros(0, dtype=np.float32),
        mean_norm=1.0,
        mean_length=1.0,
    )
    full = weigh_new(bare, lexicon, ends, words, counts)
    mean_norm, mean_length = (float(each.mean()) if texts else 1.0 for each in (full.norms, full.lengths))
    return replace(full, mean_norm=mean_norm or 1.0, mean_length=mean_length or 1.0)


def weigh_new(known: Weighing, lexicon: Lexicon, ends: npt.NDArray[np.int64], words: Ints, counts: Floats) -> Weighing:
    """Measure the words and texts that were not there when everything was weighed last."""
    weighed, measured = len(known.word_norms), len(known.norms)
    start = int(lexicon.gram_ends[weighed - 1]) if weighed else 0
    squares = known.gram_idf[lexicon.grams[start:]] ** 2
    fresh = sum_stretches(squares, lexicon.gram_ends[weighed:] - start) * lexicon.weights[weighed:] ** 2
    word_norms = np.concatenate([known.word_norms, fresh])
    start = int(ends[measured - 1]) if measured else 0
    newer, newer_counts = words[start:], counts[start:]
    norms = np.sqrt(sum_stretches(damp(newer_counts) ** 2 * word_norms[newer], ends[measured:] - start))
    lengths = sum_stretches(newer_counts * lexicon.weights[newer], ends[measured:] - start)
    return replace(
        known,
        word_norms=word_norms,
        norms=np.concatenate([known.norms, norms]),
        lengths=np.concatenate([known.lengths, lengths]),
    )
