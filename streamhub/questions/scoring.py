"""How like a text is to those of an index, and whether enough of it is the same to say so.

Owns the measure and the search. The measure is the mean of two: the cosine of TF-IDF vectors of letter runs of three to
five, which forgives inflection, compounds and typing errors, and BM25 of stems, which sees words; both say 1 for equal
texts and 0 for texts that share nothing. Reads a snapshot that nobody changes. Refuses to know how texts come into an
index (`streamhub.questions.likeness`). Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streamhub.questions.vocabulary import Floats, Ints, Lexicon, gather, sum_stretches
from streamhub.questions.weighing import Weighing, damp
from streamhub.questions.wordbag import STOP_WEIGHT

LETTER_SHARE = 0.55
"""Share of the letter runs in the measure; the rest is the stems'."""

SATURATION, LENGTH_SHARE = 1.2, 0.75  # BM25's k1 and b, as everywhere
MAX_POSTINGS = 150_000
COVERED = 0.5
"""A word that has this share of its letter runs in a text counts as standing there: other forms, errors, half typed."""

FIRM_WORDS = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """A text that is like another.

    Attributes:
        key: of its `Entry`.
        score: 0 to 1.
        firm: whether the two share two telling words, or all where one of them has fewer; one word that happens to
            stand in both makes no like questions. Only a search looks at this.
    """

    key: str
    score: float
    firm: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Postings:
    """The way from words to texts, for the first texts.

    Attributes:
        texts: how many it covers.
        starts: where a word's texts begin in ``having``.
        having: numbers of texts.
    """

    texts: int
    starts: Ints
    having: Ints


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """Everything that a search reads: never changed, only replaced.

    Attributes:
        lexicon, weighing, postings: the words, what they weigh, and where they stand.
        keys: of the texts; may be longer than the rest.
        ends, words, counts: the words of each text and how often each stands there.
        alive: whether each text is still to be found.
    """

    lexicon: Lexicon
    weighing: Weighing
    postings: Postings
    keys: list[str]
    ends: npt.NDArray[np.int64]
    words: Ints
    counts: Floats
    alive: npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A text to find others for.

    Attributes:
        letters: what each word of the index adds to the cosine, before division by the other text's length.
        stems: what each word adds to BM25, roughly, for finding candidates.
        words, terms, weights: for each word that has a term of the text: the word, which term, its weight; rising.
        worth: share of each term in the text.
        telling: for each term the number of the text's word that it is of; -1 for a small word's.
        norm: length of the text's vector of letter runs.
        size: how many telling words the text has.
    """

    letters: Floats
    stems: Floats
    words: Ints
    terms: Ints
    weights: Floats
    worth: Floats
    telling: Ints
    norm: float
    size: int


def rank(
    snapshot: Snapshot,
    asked: Asked,
    texts: npt.NDArray[np.int64],
    *,
    limit: int,
    floor: float,
    where: Callable[[str], bool] | None,
) -> list[Match]:
    """The best of these texts, best first: so many, above the floor, and only keys that may be found."""
    scores = _score(snapshot, asked, texts)
    order = np.argsort(-scores, kind="stable")
    found: list[tuple[int, float]] = []
    for place, score in zip(texts[order].tolist(), scores[order].tolist(), strict=True):
        if score <= max(floor, 0.0) or len(found) == limit:
            break
        if where is None or where(snapshot.keys[place]):
            found.append((place, min(score, 1.0)))
    firm = _is_firm(snapshot, asked, np.array([place for place, _ in found], dtype=np.int64))
    return [
        Match(key=snapshot.keys[place], score=score, firm=bool(holds))
        for (place, score), holds in zip(found, firm, strict=True)
    ]


def _is_firm(snapshot: Snapshot, asked: Asked, texts: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether each text has enough telling words in common, by its own letters or by the other's stems."""
    lexicon = snapshot.lexicon
    starts = np.where(texts > 0, snapshot.ends[texts - 1], 0)
    lengths = snapshot.ends[texts] - starts
    words, owners = snapshot.words[gather(starts, lengths)], np.repeat(np.arange(len(texts)), lengths)
    telling = lexicon.weights[words] > STOP_WEIGHT
    covered = asked.letters[words] * asked.norm >= COVERED * snapshot.weighing.word_norms[words]
    by_letters = np.bincount(owners, weights=telling & covered, minlength=len(texts))
    sizes = np.bincount(owners, weights=telling, minlength=len(texts))
    cells, _ = _hit(asked, words, owners)
    width = int(asked.telling.max(initial=0)) + 1
    whose = asked.telling[cells % max(1, len(asked.telling))]
    pairs = np.unique((cells // max(1, len(asked.telling)) * width + whose)[whose >= 0])
    by_stems = np.bincount(pairs // width, minlength=len(texts))
    return np.maximum(by_letters, by_stems) >= np.minimum(FIRM_WORDS, np.minimum(sizes, asked.size))


def find_candidates(snapshot: Snapshot, asked: Asked, most: int) -> npt.NDArray[np.int64]:
    """Numbers of the texts that are worth a closer look: the newest, and those with the words that are worth most.

    The words are taken from the most telling one down until they stand in so many texts that looking at all would take
    too long; what is left over then are words that nearly every question has.
    """
    postings, weighing = snapshot.postings, snapshot.weighing
    size = len(postings.starts) - 1
    worth = LETTER_SHARE / weighing.mean_norm * asked.letters[:size] + (1 - LETTER_SHARE) * asked.stems[:size]
    telling = np.flatnonzero(worth > 0)
    telling = telling[np.argsort(-worth[telling])]
    lengths = postings.starts[telling + 1] - postings.starts[telling]
    taken = max(1, int(np.searchsorted(np.cumsum(lengths), MAX_POSTINGS)))
    telling, lengths = telling[:taken], lengths[:taken]
    texts = postings.having[gather(postings.starts[telling], lengths)]
    sums = np.bincount(texts, weights=np.repeat(worth[telling], lengths), minlength=postings.texts)
    sums *= snapshot.alive[: postings.texts]
    found = np.flatnonzero(sums > 0)
    if len(found) > most:
        found = found[np.argpartition(-sums[found], most)[:most]]
    loose = postings.texts + np.flatnonzero(snapshot.alive[postings.texts :])
    return np.concatenate([np.sort(found), loose])


def _score(snapshot: Snapshot, asked: Asked, texts: npt.NDArray[np.int64]) -> Floats:
    """How like each of these texts is."""
    weighing = snapshot.weighing
    starts = np.where(texts > 0, snapshot.ends[texts - 1], 0)
    lengths = snapshot.ends[texts] - starts
    places = gather(starts, lengths)
    words, counts = snapshot.words[places], snapshot.counts[places]
    ends = np.cumsum(lengths)
    letters = sum_stretches(damp(counts) * asked.letters[words], ends) / np.maximum(weighing.norms[texts], 1e-6)
    slowness = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * weighing.lengths[texts] / weighing.mean_length)
    stems = _score_stems(asked, words, counts, np.repeat(np.arange(len(texts)), lengths), slowness)
    score = LETTER_SHARE * np.minimum(letters, 1) + (1 - LETTER_SHARE) * np.minimum(stems, 1)
    return score.astype(np.float32)


def _score_stems(asked: Asked, words: Ints, counts: Floats, owners: npt.NDArray[np.int64], slowness: Floats) -> Floats:
    """BM25 of texts, given as words with their counts and owners, as a share of the most that is possible."""
    cells, (hits, sizes, places) = _hit(asked, words, owners)
    weights = np.repeat(counts[hits], sizes) * asked.weights[places]
    often = np.bincount(cells, weights=weights, minlength=len(slowness) * len(asked.worth))
    often = often.reshape(len(slowness), len(asked.worth))
    saturated = often * (SATURATION + 1) / (often + slowness[:, None])
    return (saturated @ asked.worth).astype(np.float32)


def _hit(
    asked: Asked, words: Ints, owners: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], tuple[npt.NDArray[np.int64], ...]]:
    """Where words have terms of the asked text: owner and term as one number; which word, how many terms, and which."""
    hits = np.flatnonzero(asked.stems[words] > 0)
    first = np.searchsorted(asked.words, words[hits])
    sizes = np.searchsorted(asked.words, words[hits], side="right") - first
    places = gather(first, sizes)
    return np.repeat(owners[hits], sizes) * len(asked.worth) + asked.terms[places], (hits, sizes, places)
