"""Which questions are like a text: an index of questions by their words, word stems and runs of letters.

Owns what is in the index and keeps it while it changes: runs of letters belong to words, so a text is kept as a row of
word numbers and nothing else. What everything weighs stands in `streamhub.questions.weighing`, how like two texts are
in `streamhub.questions.scoring`.

Refuses to know where questions come from and who may see them. Pure. One thread may change the index while another one
searches; two may not change it, nor two search it, at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from streamhub.questions.scoring import Asked, Match, Postings, Snapshot, find_candidates, rank
from streamhub.questions.vocabulary import Column, Floats, Ints, Lexicon, Vocabulary, gather
from streamhub.questions.weighing import Weighing, damp, weigh, weigh_grams, weigh_new, weigh_terms
from streamhub.questions.wordbag import STOP_WEIGHT, TextReader, Token
from streamhub.wordforms.analysis import Language
from streamhub.wordforms.compounds import CompoundSplitter

MAX_CANDIDATES = 256
CANDIDATES_PER_NEIGHBOUR = 4
MAX_LOOSE_TEXTS = 1024
MAX_QUERY_LETTERS = 1000
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
        self._snapshot: Snapshot | None = None

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

    def _freeze(self) -> Snapshot:
        lexicon, before = self._vocabulary.freeze(), self._snapshot
        ends, words, counts = self._ends.view(), self._words.view(), self._counts.view()
        if before is None or len(ends) - before.postings.texts > MAX_LOOSE_TEXTS:
            postings = _post(ends, words, len(lexicon.weights))
        else:
            postings = before.postings
        known = before.weighing if before is not None else None
        if known is None or abs(len(ends) - known.texts) * 10 > known.texts:
            weighing = weigh(lexicon, ends, words, counts, self._vocabulary.term_count)
        else:
            weighing = weigh_new(known, lexicon, ends, words, counts)
        return Snapshot(
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
        texts = find_candidates(snapshot, asked, MAX_CANDIDATES)
        others = [place for key in also if (place := self._places.get(key, -1)) in range(len(snapshot.ends))]
        if others:
            texts = np.union1d(texts, others)
        return rank(snapshot, asked, texts, limit=limit, floor=floor, where=where)

    def find_like(self, key: str, *, limit: int) -> list[Match]:
        """The texts most like one of the index, itself left out, best first; nothing for an unknown key."""
        snapshot, place = self._snapshot, self._places.get(key)
        if snapshot is None or place is None or place >= len(snapshot.ends):
            return []
        asked = _ask_own(snapshot, place)
        texts = find_candidates(snapshot, asked, CANDIDATES_PER_NEIGHBOUR * (limit + 1))
        return rank(snapshot, asked, texts, limit=limit, floor=0.0, where=lambda other: other != key)

    def _ask(self, snapshot: Snapshot, text: str, language: Language) -> Asked:
        """What each word of the index is worth for a text; 0 for nearly all."""
        weighing, lexicon = snapshot.weighing, snapshot.lexicon
        read = self._asking.read(text, language)
        tokens = [self._asking.analyse(key, word, language) for key, (word, _) in read.items()]
        counts = [count for _, count in read.values()]
        grams, values, norm = weigh_grams(list(zip(tokens, counts, strict=True)), weighing.gram_idf)
        letters = lexicon.weights * lexicon.spread_grams(grams, values) / (norm or 1.0)
        other = _OTHER[language]
        others = [self._asking.analyse(key, word, other, grams=False) for key, (word, _) in read.items()]
        asked = _ask_stems(lexicon, letters, *self._find_terms(weighing, tokens, others))
        return replace(asked, norm=norm, size=sum(token.weight > STOP_WEIGHT for token in tokens))

    def _find_terms(self, weighing: Weighing, *readings: Sequence[Token]) -> tuple[Ints, Floats, Ints]:
        """The terms of a text that the index has, read in both languages: number, share in that reading, whose."""
        numbers, shares, telling = [], [], []
        for tokens in readings:
            terms = weigh_terms(tokens)
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


def _ask_stems(lexicon: Lexicon, letters: Floats, numbers: Ints, worth: Floats, telling: Ints) -> Asked:
    words, terms, weights = lexicon.find_words(numbers)
    stems = np.bincount(words, weights=weights * worth[terms], minlength=len(letters)).astype(np.float32)
    return Asked(
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


def _ask_own(snapshot: Snapshot, place: int) -> Asked:
    """What each word is worth for a text of the index: the same without reading it again."""
    weighing, lexicon = snapshot.weighing, snapshot.lexicon
    start, end = int(snapshot.ends[place - 1]) if place else 0, int(snapshot.ends[place])
    words, counts = snapshot.words[start:end], snapshot.counts[start:end]
    weights = lexicon.weights[words]
    starts = np.where(words > 0, lexicon.gram_ends[words - 1], 0)
    sizes = lexicon.gram_ends[words] - starts
    grams = lexicon.grams[gather(starts, sizes)]
    vector = np.repeat(weights * damp(counts), sizes) * weighing.gram_idf[grams]
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


def _post(ends: npt.NDArray[np.int64], words: Ints, size: int) -> Postings:
    owners = np.repeat(np.arange(len(ends), dtype=np.int32), np.diff(ends, prepend=0))
    starts = np.concatenate([[0], np.cumsum(np.bincount(words, minlength=size))]).astype(np.int32)
    return Postings(texts=len(ends), starts=starts, having=owners[np.argsort(words, kind="stable")])
