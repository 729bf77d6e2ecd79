"""Finding questions: by their words alone, or by their words and what they mean where there is an encoder for it.

Owns how the two are weighed and what is like enough to be shown. A model that was not made for a language misleads in
it, and one that was made for sentences misleads about long texts; so an encoder compares short texts in its own
languages with each other, and nothing else. Where they stand among texts that it does not know is for the words to say:
these keep the very places that they have without one. Pure; threads as in `streamhub.questions.likeness`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from streamhub.questions.encoder import Encoder
from streamhub.questions.likeness import Entry, LikenessIndex
from streamhub.questions.scoring import Match
from streamhub.wordforms.analysis import Language
from streamhub.wordforms.compounds import CompoundSplitter

MEANING_SHARE = 0.9
"""Share of the encoder's cosine; the words have the rest. This and all below were chosen on the choosing parts of
`bench/question_likeness.py`, which prints how."""

MEANING_WORDS = 40
"""Texts of more words are passages, and compared by words alone."""

FLOORS: Mapping[Language, float] = MappingProxyType({"de": 0.2, "en": 0.29})
"""Below these nothing is shown that was found by words."""

LOOSE_SHARE = 0.7
"""What the score of a text counts before the floor when it shares a single telling word."""

MEANING_FLOOR = 0.38
"""The floor for what an encoder has compared."""

CANDIDATES = 64
Vectors = npt.NDArray[np.float32]


class QuestionFinder:
    """An index of questions.

    Args:
        splitter: takes German compounds apart; None leaves them whole.
        encoder: compares meanings; None: words alone.
    """

    def __init__(self, splitter: CompoundSplitter | None = None, encoder: Encoder | None = None) -> None:
        self._words = LikenessIndex(splitter)
        self._encoder = encoder
        self._memory = _Memory(vectors=np.zeros((0, 0), dtype=np.float32), keys=[], rows={})

    def __len__(self) -> int:
        return len(self._words)

    def change(self, *, add: Iterable[Entry] = (), remove: Iterable[str] = ()) -> None:
        """Add texts and remove others; a key that is there gets its new text."""
        entries, gone = list(add), list(remove)
        self._words.change(add=entries, remove=gone)
        for key in (*gone, *(entry.key for entry in entries)):
            self._memory.rows.pop(key, None)
        if self._encoder is not None:
            self._remember(self._encoder, [entry for entry in entries if _is_short(entry.text)])

    def _remember(self, encoder: Encoder, entries: Sequence[Entry]) -> None:
        entries = [entry for entry in entries if entry.language in encoder.languages]
        if not entries:
            return
        fresh, memory = encoder.encode([entry.text for entry in entries]), self._memory
        start = len(memory.keys)
        if start + len(fresh) > len(memory.vectors):
            kept = [key for row, key in enumerate(memory.keys) if memory.rows.get(key) == row]
            start = len(kept)
            vectors = np.zeros((2 * (start + len(fresh)), fresh.shape[1]), dtype=np.float32)
            if kept:
                vectors[:start] = memory.vectors[[memory.rows[key] for key in kept]]
            memory = _Memory(vectors=vectors, keys=kept, rows={key: row for row, key in enumerate(kept)})
        memory.vectors[start : start + len(fresh)] = fresh
        for row, entry in enumerate(entries, start):
            memory.keys.append(entry.key)
            memory.rows[entry.key] = row
        self._memory = memory

    def search(
        self, text: str, language: Language, *, limit: int, where: Callable[[str], bool] | None = None
    ) -> list[Match]:
        """The texts most like this one that are like it enough to be shown, best first."""
        likely = partial(_is_likely, floor=FLOORS[language])
        found = partial(self._words.search, text, language, where=where)
        if self._encoder is None or language not in self._encoder.languages or not _is_short(text):
            return [match for match in found(limit=CANDIDATES, floor=FLOORS[language]) if likely(match)][:limit]
        vector, memory = self._encoder.encode([text])[0], self._memory
        near = memory.near(vector)
        by_words = found(limit=2 * CANDIDATES, also=near)
        meant = _weigh_meaning(by_words, near, vector, memory, where)
        meant = [match for match in meant if match.score >= MEANING_FLOOR]
        return _merge(filter(likely, by_words), meant, memory.rows)[:limit]

    def find_like(self, key: str, *, limit: int) -> list[Match]:
        """The texts most like one that is here, itself left out, best first and however unlike."""
        memory = self._memory
        row = memory.rows.get(key)
        if row is None:
            return self._words.find_like(key, limit=limit)
        vector = memory.vectors[row]
        near = {other: score for other, score in memory.near(vector).items() if other != key}
        by_words = self._words.find_like(key, limit=CANDIDATES)
        return _merge(by_words, _weigh_meaning(by_words, near, vector, memory, None), memory.rows)[:limit]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Memory:
    """Vectors with room at the end; replaced as a whole when the room is used up.

    Attributes:
        vectors: one row each.
        keys: whose each row is, or was.
        rows: the row of each key that has one now.
    """

    vectors: Vectors
    keys: list[str]
    rows: dict[str, int]

    def near(self, vector: Vectors) -> dict[str, float]:
        """The keys whose vectors are nearest, with their cosines."""
        count = len(self.keys)
        if not count:
            return {}
        cosines = self.vectors[:count] @ vector
        best = np.argpartition(-cosines, min(CANDIDATES, count - 1))[:CANDIDATES]
        return {self.keys[at]: float(cosines[at]) for at in best if self.rows.get(self.keys[at]) == at}


def _is_likely(match: Match, floor: float) -> bool:
    return match.score * (1 if match.firm else LOOSE_SHARE) >= floor


def _weigh_meaning(
    by_words: Sequence[Match],
    near: Mapping[str, float],
    vector: Vectors,
    memory: _Memory,
    where: Callable[[str], bool] | None,
) -> list[Match]:
    """The texts that have a vector, by their cosines and their words, best first."""
    words = {match.key: match.score for match in by_words if match.key in memory.rows}
    words |= {key: 0.0 for key in near if key not in words and (where is None or where(key))}
    matches = []
    for key, score in words.items():
        cosine = near[key] if key in near else float(memory.vectors[memory.rows[key]] @ vector)
        matches.append(Match(key=key, score=MEANING_SHARE * max(0.0, cosine) + (1 - MEANING_SHARE) * score))
    return sorted(matches, key=lambda match: -match.score)


def _merge(by_words: Iterable[Match], meant: Sequence[Match], compared: Container[str]) -> list[Match]:
    """Both in one list: what was compared by meaning takes, in that order, the places that words gave it, then the end.

    Scores of words and of cosines are no common scale, places are; so no factor has to be chosen between them.
    """
    order = iter(meant)
    merged = [next(order, None) if match.key in compared else match for match in by_words]
    return [match for match in (*merged, *order) if match is not None]


def _is_short(text: str) -> bool:
    return text.count(" ") < MEANING_WORDS
