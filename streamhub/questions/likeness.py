"""Which questions are like a text: an index of questions by their words, word stems and runs of letters.

Owns the measure and the search. The measure is the mean of two: the cosine of TF-IDF vectors of letter runs of three to
five, which forgives inflection, compounds and typing errors, and BM25 of stems, which sees words; both say 1 for equal
texts and 0 for texts that share nothing. Runs of letters belong to words, so a text is kept as a row of word numbers
and nothing else.

Refuses to know where questions come from and who may see them. Pure. One thread may change the index while another one
searches; two may not change it, nor two search it, at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from streamhub.questions.vocabulary import Column, Floats, Ints, Lexicon, Vocabulary, gather, sum_stretches
from streamhub.questions.wordbag import STOP_WEIGHT, TextReader, Token
from streamhub.wordforms.analysis import Language
from streamhub.wordforms.compounds import CompoundSplitter

LETTER_SHARE = 0.55
"""Share of the letter runs in the measure; the rest is the stems'."""

SATURATION, LENGTH_SHARE = 1.2, 0.75  # BM25's k1 and b, as everywhere
MAX_POSTINGS = 150_000
MAX_CANDIDATES = 256
CANDIDATES_PER_NEIGHBOUR = 4
MAX_LOOSE_TEXTS = 1024
MAX_QUERY_LETTERS = 1000
COVERED = 0.5
"""A word that has this share of its letter runs in a text counts as standing there: other forms, errors, half typed."""

FIRM_WORDS = 2
_OTHER: Mapping[Language, Language] = MappingProxyType({"de": "en", "en": "de"})
MIN_DEAD = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A text to be found.

    Attributes:
        key: what the finder knows it by; adding a key again replaces its text.
        text: the text.
        language: of the text.
    """

    key: str
    text: str
    language: Language


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
class _Weighing:
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Postings:
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
class _Snapshot:
    """Everything that a search reads: never changed, only replaced.

    Attributes:
        lexicon, weighing, postings: the words, what they weigh, and where they stand.
        keys: of the texts; may be longer than the rest.
        ends, words, counts: the words of each text and how often each stands there.
        alive: whether each text is still to be found.
    """

    lexicon: Lexicon
    weighing: _Weighing
    postings: _Postings
    keys: list[str]
    ends: npt.NDArray[np.int64]
    words: Ints
    counts: Floats
    alive: npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
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


class LikenessIndex:
    """The index.

    Args:
        splitter: takes German compounds apart; None leaves them whole.
    """

    def __init__(self, splitter: CompoundSplitter | None = None) -> None:
        self._reader, self._asking = TextReader(splitter), TextReader(splitter)
        self._vocabulary = Vocabulary()
        self._places: dict[str, int] = {}
        self._clear()
        self._snapshot: _Snapshot | None = None

    def _clear(self) -> None:
        self._keys: list[str] = []
        self._ends, self._words, self._counts = Column(np.int64), Column(np.int32), Column(np.float32)
        self._alive = np.zeros(0, dtype=np.bool_)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def change(self, *, add: Iterable[Entry] = (), remove: Iterable[str] = ()) -> None:
        """Add texts and remove others, all at once for those who search; unknown keys are nothing to remove."""
        entries = {entry.key: entry for entry in add}
        alive = self._alive.copy()
        for key in {*remove, *entries}:
            if (place := self._places.pop(key, None)) is not None:
                alive[place] = False
        self._append(list(entries.values()))
        self._alive = np.concatenate([alive, np.ones(len(entries), dtype=np.bool_)])
        if MIN_DEAD < len(self._keys) - len(self._places) > len(self._keys) // 4:
            self._compact()
        self._snapshot = self._freeze()

    def _append(self, entries: list[Entry]) -> None:
        for entry in entries:
            counted = self._reader.read(entry.text, entry.language)
            numbers = self._vocabulary.numbers
            fresh = [(key, word) for key, (word, _) in counted.items() if key not in numbers]
            self._vocabulary.add(self._reader.analyse(key, word, entry.language) for key, word in fresh)
            self._words.extend([numbers[key] for key in counted])
            self._counts.extend([count for _, count in counted.values()])
            self._ends.extend([len(self._words)])
            self._places[entry.key] = len(self._keys)
            self._keys.append(entry.key)

    def _compact(self) -> None:
        """Drop the texts that were removed; their words stay known."""
        keys, ends, words, counts = self._keys, self._ends.view(), self._words.view(), self._counts.view()
        kept = np.flatnonzero(self._alive)
        starts = np.concatenate([[0], ends[:-1]])
        lengths = (ends - starts)[kept]
        places = gather(starts[kept], lengths)
        self._clear()
        self._keys = [keys[place] for place in kept]
        self._words.extend(words[places])
        self._counts.extend(counts[places])
        self._ends.extend(np.cumsum(lengths))
        self._alive = np.ones(len(kept), dtype=np.bool_)
        self._places = {key: place for place, key in enumerate(self._keys)}
        self._snapshot = None

    def _freeze(self) -> _Snapshot:
        lexicon, before = self._vocabulary.freeze(), self._snapshot
        ends, words, counts = self._ends.view(), self._words.view(), self._counts.view()
        if before is None or len(ends) - before.postings.texts > MAX_LOOSE_TEXTS:
            postings = _post(ends, words, len(lexicon.weights))
        else:
            postings = before.postings
        known = before.weighing if before is not None else None
        if known is None or abs(len(ends) - known.texts) * 10 > known.texts:
            weighing = _weigh(lexicon, ends, words, counts, self._vocabulary.term_count)
        else:
            weighing = _weigh_new(known, lexicon, ends, words, counts)
        return _Snapshot(
            lexicon=lexicon,
            weighing=weighing,
            postings=postings,
            keys=self._keys,
            ends=ends,
            words=words,
            counts=counts,
            alive=self._alive,
        )

    def search(
        self,
        text: str,
        language: Language,
        *,
        limit: int,
        floor: float = 0.0,
        where: Callable[[str], bool] | None = None,
        also: Iterable[str] = (),
    ) -> list[Match]:
        """The texts most like this one, best first.

        Args:
            text: as typed; whatever is beyond its first thousand letters does not count.
            language: of the text; texts in the other language are found by what both write alike.
            limit: at most so many.
            floor: none that is less like it.
            where: which keys may be found; all, if left out.
            also: keys that are compared whatever their words promise.
        """
        snapshot = self._snapshot
        if snapshot is None or not len(snapshot.alive):
            return []
        asked = self._ask(snapshot, text[:MAX_QUERY_LETTERS], language)
        texts = _find_candidates(snapshot, asked, MAX_CANDIDATES)
        others = [place for key in also if (place := self._places.get(key, -1)) in range(len(snapshot.ends))]
        if others:
            texts = np.union1d(texts, others)
        return _rank(snapshot, asked, texts, limit=limit, floor=floor, where=where)

    def find_like(self, key: str, *, limit: int) -> list[Match]:
        """The texts most like one of the index, itself left out, best first; nothing for an unknown key."""
        snapshot, place = self._snapshot, self._places.get(key)
        if snapshot is None or place is None or place >= len(snapshot.ends):
            return []
        asked = _ask_own(snapshot, place)
        texts = _find_candidates(snapshot, asked, CANDIDATES_PER_NEIGHBOUR * (limit + 1))
        return _rank(snapshot, asked, texts, limit=limit, floor=0.0, where=lambda other: other != key)

    def _ask(self, snapshot: _Snapshot, text: str, language: Language) -> _Asked:
        """What each word of the index is worth for a text; 0 for nearly all."""
        weighing, lexicon = snapshot.weighing, snapshot.lexicon
        read = self._asking.read(text, language)
        tokens = [self._asking.analyse(key, word, language) for key, (word, _) in read.items()]
        counts = [count for _, count in read.values()]
        grams, values, norm = _weigh_grams(list(zip(tokens, counts, strict=True)), weighing.gram_idf)
        letters = lexicon.weights * lexicon.spread_grams(grams, values) / (norm or 1.0)
        other = _OTHER[language]
        others = [self._asking.analyse(key, word, other, grams=False) for key, (word, _) in read.items()]
        asked = _ask_stems(lexicon, letters, *self._find_terms(weighing, tokens, others))
        return replace(asked, norm=norm, size=sum(token.weight > STOP_WEIGHT for token in tokens))

    def _find_terms(self, weighing: _Weighing, *readings: Sequence[Token]) -> tuple[Ints, Floats, Ints]:
        """The terms of a text that the index has, read in both languages: number, share in that reading, whose."""
        numbers, shares, telling = [], [], []
        for tokens in readings:
            terms = _weigh_terms(tokens)
            owners = {
                term: at for at, token in enumerate(tokens) if token.weight > STOP_WEIGHT for term, _ in token.terms
            }
            found = np.array(self._vocabulary.find_terms(terms), dtype=np.int32)
            known = (found >= 0) & (found < len(weighing.term_idf))
            idf = np.full(len(found), weighing.new_idf, dtype=np.float32)
            idf[known] = weighing.term_idf[found[known]]
            worth = np.fromiter(terms.values(), dtype=np.float32, count=len(terms)) * idf
            numbers.append(found[found >= 0])
            shares.append(worth[found >= 0] / max(float(worth.sum()), 1e-6))
            telling.append(np.array([owners.get(term, -1) for term in terms], dtype=np.int32)[found >= 0])
        return np.concatenate(numbers), np.concatenate(shares).astype(np.float32), np.concatenate(telling)


def _ask_stems(lexicon: Lexicon, letters: Floats, numbers: Ints, worth: Floats, telling: Ints) -> _Asked:
    words, terms, weights = lexicon.find_words(numbers)
    stems = np.bincount(words, weights=weights * worth[terms], minlength=len(letters)).astype(np.float32)
    return _Asked(
        letters=letters,
        stems=stems,
        words=words,
        terms=terms,
        weights=weights,
        worth=worth,
        telling=telling,
        norm=0.0,
        size=0,
    )


def _ask_own(snapshot: _Snapshot, place: int) -> _Asked:
    """What each word is worth for a text of the index: the same without reading it again."""
    weighing, lexicon = snapshot.weighing, snapshot.lexicon
    start, end = int(snapshot.ends[place - 1]) if place else 0, int(snapshot.ends[place])
    words, counts = snapshot.words[start:end], snapshot.counts[start:end]
    weights = lexicon.weights[words]
    starts = np.where(words > 0, lexicon.gram_ends[words - 1], 0)
    sizes = lexicon.gram_ends[words] - starts
    grams = lexicon.grams[gather(starts, sizes)]
    vector = np.repeat(weights * _damp(counts), sizes) * weighing.gram_idf[grams]
    distinct, where = np.unique(grams, return_inverse=True)
    values = (
        np.bincount(where, weights=vector, minlength=len(distinct)).astype(np.float32) * weighing.gram_idf[distinct]
    )
    norm = float(np.sqrt((vector * vector).sum())) or 1.0
    letters = lexicon.weights * lexicon.spread_grams(distinct, values) / norm
    starts = np.where(words > 0, lexicon.term_ends[words - 1], 0)
    sizes = lexicon.term_ends[words] - starts
    places = gather(starts, sizes)
    terms, where = np.unique(lexicon.terms[places], return_inverse=True)
    worth = np.zeros(len(terms), dtype=np.float32)
    np.maximum.at(worth, where, lexicon.term_weights[places] * np.repeat(weights, sizes))
    known = terms < len(weighing.term_idf)
    worth *= np.where(known, weighing.term_idf[np.where(known, terms, 0)], weighing.new_idf) if len(terms) else 1
    nobody = np.full(len(terms), -1, dtype=np.int32)
    return _ask_stems(lexicon, letters, terms, worth / max(float(worth.sum()), 1e-6), nobody)


def _rank(
    snapshot: _Snapshot,
    asked: _Asked,
    texts: npt.NDArray[np.int64],
    *,
    limit: int,
    floor: float,
    where: Callable[[str], bool] | None,
) -> list[Match]:
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


def _is_firm(snapshot: _Snapshot, asked: _Asked, texts: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
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
    whose = asked.telling[cells % max(1, len(asked.telling))]
    pairs = np.unique((cells // max(1, len(asked.telling)) * MAX_QUERY_LETTERS + whose)[whose >= 0])
    by_stems = np.bincount(pairs // MAX_QUERY_LETTERS, minlength=len(texts))
    return np.maximum(by_letters, by_stems) >= np.minimum(FIRM_WORDS, np.minimum(sizes, asked.size))


def _weigh_grams(tokens: list[tuple[Token, int]], idf: Floats) -> tuple[Ints, Floats, float]:
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


def _weigh_terms(tokens: Iterable[Token]) -> dict[str, float]:
    terms: dict[str, float] = {}
    for token in tokens:
        for term, weight in token.terms:
            terms[term] = max(terms.get(term, 0.0), weight * token.weight)
    return terms


def _damp(counts: Floats) -> Floats:
    damped: Floats = 1 + np.log(counts)
    return damped


def _post(ends: npt.NDArray[np.int64], words: Ints, size: int) -> _Postings:
    owners = np.repeat(np.arange(len(ends), dtype=np.int32), np.diff(ends, prepend=0))
    starts = np.concatenate([[0], np.cumsum(np.bincount(words, minlength=size))]).astype(np.int32)
    return _Postings(texts=len(ends), starts=starts, having=owners[np.argsort(words, kind="stable")])


def _weigh(lexicon: Lexicon, ends: npt.NDArray[np.int64], words: Ints, counts: Floats, terms: int) -> _Weighing:
    """Weigh everything anew; texts that were removed a moment ago still count."""
    texts = len(ends)
    having = np.bincount(words, minlength=len(lexicon.weights))
    grams_in = np.minimum(lexicon.count_grams(having), texts)
    terms_in = np.minimum(lexicon.count_terms(having, terms), texts)
    gram_idf = (np.log((1 + texts) / (1 + grams_in)) + 1).astype(np.float32)
    term_idf = np.log(1 + (texts - terms_in + 0.5) / (terms_in + 0.5)).astype(np.float32)
    bare = _Weighing(
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
    full = _weigh_new(bare, lexicon, ends, words, counts)
    mean_norm, mean_length = (float(each.mean()) if texts else 1.0 for each in (full.norms, full.lengths))
    return replace(full, mean_norm=mean_norm or 1.0, mean_length=mean_length or 1.0)


def _weigh_new(
    known: _Weighing, lexicon: Lexicon, ends: npt.NDArray[np.int64], words: Ints, counts: Floats
) -> _Weighing:
    """Measure the words and texts that were not there when everything was weighed last."""
    weighed, measured = len(known.word_norms), len(known.norms)
    start = int(lexicon.gram_ends[weighed - 1]) if weighed else 0
    squares = known.gram_idf[lexicon.grams[start:]] ** 2
    fresh = sum_stretches(squares, lexicon.gram_ends[weighed:] - start) * lexicon.weights[weighed:] ** 2
    word_norms = np.concatenate([known.word_norms, fresh])
    start = int(ends[measured - 1]) if measured else 0
    newer, newer_counts = words[start:], counts[start:]
    norms = np.sqrt(sum_stretches(_damp(newer_counts) ** 2 * word_norms[newer], ends[measured:] - start))
    lengths = sum_stretches(newer_counts * lexicon.weights[newer], ends[measured:] - start)
    return replace(
        known,
        word_norms=word_norms,
        norms=np.concatenate([known.norms, norms]),
        lengths=np.concatenate([known.lengths, lengths]),
    )


def _find_candidates(snapshot: _Snapshot, asked: _Asked, most: int) -> npt.NDArray[np.int64]:
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


def _score(snapshot: _Snapshot, asked: _Asked, texts: npt.NDArray[np.int64]) -> Floats:
    """How like each of these texts is."""
    weighing = snapshot.weighing
    starts = np.where(texts > 0, snapshot.ends[texts - 1], 0)
    lengths = snapshot.ends[texts] - starts
    places = gather(starts, lengths)
    words, counts = snapshot.words[places], snapshot.counts[places]
    ends = np.cumsum(lengths)
    letters = sum_stretches(_damp(counts) * asked.letters[words], ends) / np.maximum(weighing.norms[texts], 1e-6)
    slowness = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * weighing.lengths[texts] / weighing.mean_length)
    stems = _score_stems(asked, words, counts, np.repeat(np.arange(len(texts)), lengths), slowness)
    score = LETTER_SHARE * np.minimum(letters, 1) + (1 - LETTER_SHARE) * np.minimum(stems, 1)
    return score.astype(np.float32)


def _score_stems(asked: _Asked, words: Ints, counts: Floats, owners: npt.NDArray[np.int64], slowness: Floats) -> Floats:
    """BM25 of texts, given as words with their counts and owners, as a share of the most that is possible."""
    cells, (hits, sizes, places) = _hit(asked, words, owners)
    weights = np.repeat(counts[hits], sizes) * asked.weights[places]
    often = np.bincount(cells, weights=weights, minlength=len(slowness) * len(asked.worth))
    often = often.reshape(len(slowness), len(asked.worth))
    saturated = often * (SATURATION + 1) / (often + slowness[:, None])
    return (saturated @ asked.worth).astype(np.float32)


def _hit(
    asked: _Asked, words: Ints, owners: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], tuple[npt.NDArray[np.int64], ...]]:
    """Where words have terms of the asked text: owner and term as one number; which word, how many terms, and which."""
    hits = np.flatnonzero(asked.stems[words] > 0)
    first = np.searchsorted(asked.words, words[hits])
    sizes = np.searchsorted(asked.words, words[hits], side="right") - first
    places = gather(first, sizes)
    return np.repeat(owners[hits], sizes) * len(asked.worth) + asked.terms[places], (hits, sizes, places)
