"""Finding questions: by their words alone, or by their words and what they mean where there is an encoder for it.

Owns how the two are weighed. A model that was not made for a language misleads in it, and one that was made for
sentences misleads about long texts; so an encoder is asked about short texts in its own languages alone, and everything
else is compared exactly as without one. Pure; threads as in `streamhub.questions.likeness`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from streamhub.questions.encoder import Encoder
from streamhub.questions.likeness import Entry, LikenessIndex, Match
from streamhub.wordforms.analysis import Language
from streamhub.wordforms.compounds import CompoundSplitter

MEANING_SHARE = 0.7
"""Share of the encoder's cosine; the words have the rest."""

MEANING_WORDS = 40
"""Texts of more words are passages, and compared by words alone."""

WORDS_AS_MEANING = 1.3
"""What a passage's score by words counts in the cosine's place, at most 1: cosines run higher, and no passage shall
fall behind short texts only because it has none. The one factor tried, on first halves, after second halves had shown
the need; see `bench/question_likeness.py`."""

FLOORS: Mapping[Language, float] = MappingProxyType({"de": 0.25, "en": 0.3})
"""Below these nothing is shown that was found by words; `bench/question_likeness.py` says what they let through."""

MEANING_FLOOR = 0.4
"""The same for what an encoder has compared; unrelated questions stay below a cosine of 0.4, and share few words."""

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
        floor = FLOORS[language]
        if self._encoder is None or language not in self._encoder.languages or not _is_short(text):
            return self._words.search(text, language, limit=limit, floor=floor, where=where)
        vector, memory = self._encoder.encode([text])[0], self._memory
        near = memory.near(vector)
        found = self._words.search(text, language, limit=2 * CANDIDATES, where=where, also=near)
        matches = _blend(found, near, vector, memory, where)
        return [
            match for match in matches if match.score >= (MEANING_FLOOR if match.key in memory.rows else _lift(floor))
        ][:limit]

    def find_like(self, key: str, *, limit: int) -> list[Match]:
        """The texts most like one that is here, itself left out, best first and however unlike."""
        memory = self._memory
        row = memory.rows.get(key)
        if row is None:
            return self._words.find_like(key, limit=limit)
        vector = memory.vectors[row]
        near = {other: score for other, score in memory.near(vector).items() if other != key}
        return _blend(self._words.find_like(key, limit=CANDIDATES), near, vector, memory, None)[:limit]


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


def _blend(
    found: Sequence[Match],
    near: Mapping[str, float],
    vector: Vectors,
    memory: _Memory,
    where: Callable[[str], bool] | None,
) -> list[Match]:
    words = {match.key: match.score for match in found}
    matches = []
    for key in (*words, *(key for key in near if key not in words and (where is None or where(key)))):
        score, row = words.get(key, 0.0), memory.rows.get(key)
        if row is not None:
            cosine = near[key] if key in near else float(memory.vectors[row] @ vector)
            score = MEANING_SHARE * max(0.0, cosine) + (1 - MEANING_SHARE) * score
        else:
            score = _lift(score)
        matches.append(Match(key=key, score=score))
    return sorted(matches, key=lambda match: -match.score)


def _lift(words: float) -> float:
    """The score of a text that has no cosine, on the scale of those that have one."""
    return MEANING_SHARE * min(1.0, WORDS_AS_MEANING * words) + (1 - MEANING_SHARE) * words


def _is_short(text: str) -> bool:
    return text.count(" ") < MEANING_WORDS
