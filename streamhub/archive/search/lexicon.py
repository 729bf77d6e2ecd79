"""The words of an archive and the terms that each stands for.

Owns the numbering of words and of terms, and which terms a word has; in German those include the parts of compounds,
which the archive itself teaches. Refuses to know documents and files.

Stemming and splitting every word is what building an index costs. What was found out can be kept as a memory and handed
to the next build, which then looks only at new words and at those whose parts may have changed; the result is the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from streamhub.wordforms.analysis import Analyzer, Language
from streamhub.wordforms.compounds import (
    CompoundSplitter,
    find_trigger,
    gather_nouns,
    is_learnable,
    learn_modifiers,
    make_splitter,
)

MEMORY_VERSION = 3
"""Goes up with every change of how words become terms."""

STEM, INFINITIVE, PART = range(3)
"""How a word comes to a term."""
HALVES = np.array([2, 1, 1])
"""The weight of each way, in halves."""

_OPENING_BYTES = 4
_MANY_CHANGES = 20

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Numbering(dict[str, int]):
    """Numbers for texts in the order in which they are first asked for."""

    def __missing__(self, text: str) -> int:
        number = self[text] = len(self)
        return number


@dataclass(frozen=True, kw_only=True, slots=True)
class TermTable:
    """Which terms the words have.

    Attributes:
        terms: sorted.
        starts: by a word's number, where its terms begin in the other two; one more for the end.
        places: of terms in `terms`.
        halves: weight of each, in halves.
    """

    terms: tuple[str, ...]
    starts: Integers
    places: Integers
    halves: Integers


class _Memory(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of a build.

    Attributes:
        version: of this form.
        words, terms: a line each.
        nouns, modifiers: that the parts were found with.
        rows: of 32-bit numbers: word, term, way.
    """

    version: int = MEMORY_VERSION
    words: str = ""
    terms: str = ""
    nouns: str = ""
    modifiers: str = ""
    rows: bytes = b""


class Lexicon:
    """The words of one language, numbered as they come; then their terms.

    Args:
        language: of all words.
        memory: what `keep` gave after an earlier build; one that cannot be read counts as none.
    """

    def __init__(self, language: Language, memory: bytes = b"") -> None:
        self.language: Language = language
        self._analyzer = Analyzer(language)
        known = _read_memory(memory)
        self._nouns = frozenset(_lines(known.nouns))
        self._modifiers = frozenset(_lines(known.modifiers))
        self._terms = Numbering((term, n) for n, term in enumerate(_lines(known.terms)))
        self.words = Numbering((word, n) for n, word in enumerate(_lines(known.words)))
        self._rows = np.frombuffer(known.rows, dtype="<i4").reshape(-1, 3).astype(np.int64)

    def number(self, words: str) -> Integers:
        """The numbers of words, a line each."""
        lines = _lines(words)
        return np.fromiter(map(self.words.__getitem__, lines), dtype=np.int64, count=len(lines))

    def find_terms(self, present: Flags, noun_signs: Integers, nouns: Collection[str]) -> TermTable:
        """Find the terms of all words that are there.

        Args:
            present: by a word's number, whether any document has it.
            noun_signs: by a word's number, how much of its writing speaks for a noun; more than 0 makes it one.
            nouns: that may be parts of compounds whatever the archive says.
        """
        words = list(self.words)
        self._rows = self._rows[present[self._rows[:, 0]]]
        has_rows = np.zeros(len(words), dtype=bool)
        has_rows[self._rows[:, 0]] = True
        fresh = np.flatnonzero(present & ~has_rows).tolist()
        self._add((n, *row) for n in fresh for row in self._own_terms(words[n]))
        if self.language == "de":
            places = np.flatnonzero(present & (noun_signs > 0)).tolist()
            learned = gather_nouns([words[n] for n in places if is_learnable(words[n])], nouns)
            self._find_parts(words, np.flatnonzero(present).tolist(), fresh, learned)
        return self._tabulate(len(words))

    def keep(self) -> bytes:
        """What to hand to the next build; asked after `find_terms`."""
        words, terms = list(self.words), list(self._terms)
        used, rows = np.unique(self._rows[:, 0], return_inverse=True)
        used_terms, row_terms = np.unique(self._rows[:, 1], return_inverse=True)
        return msgspec.msgpack.encode(
            _Memory(
                words="\n".join(words[n] for n in used.tolist()),
                terms="\n".join(terms[n] for n in used_terms.tolist()),
                nouns="\n".join(sorted(self._nouns)),
                modifiers="\n".join(sorted(self._modifiers)),
                rows=np.stack([rows, row_terms, self._rows[:, 2]], axis=1).astype("<i4").tobytes(),
            )
        )

    def _own_terms(self, word: str) -> Iterable[tuple[str, int]]:
        terms = self._analyzer.pieces_terms(tuple(word.split("-")))
        return ((term, STEM if weight == 1 else INFINITIVE) for term, weight in terms.items())

    def _add(self, rows: Iterable[tuple[int, str, int]]) -> None:
        numbered = [(word, self._terms[term], way) for word, term, way in rows]
        if numbered:
            self._rows = np.concatenate([self._rows, np.array(numbered, dtype=np.int64)])

    def _find_parts(self, words: list[str], there: list[int], fresh: list[int], nouns: frozenset[str]) -> None:
        modifiers = learn_modifiers((words[n] for n in there), nouns)
        splitter = make_splitter(nouns, modifiers, stem=self._recall_stems(words))
        stale = set(fresh)
        changed = (nouns ^ self._nouns) | (modifiers ^ self._modifiers)
        known = [n for n in there if n not in stale]
        if len(changed) * _MANY_CHANGES > len(known):  # looking closely would cost more than splitting them all
            stale.update(known)
        else:
            triggers = {find_trigger(part, splitter.stem(part)) for part in changed}
            stale.update(known[place] for place in find_containing([words[n] for n in known], triggers))
        is_stale = np.zeros(len(words), dtype=bool)
        is_stale[list(stale)] = True
        self._rows = self._rows[~(is_stale[self._rows[:, 0]] & (self._rows[:, 2] == PART))]
        self._add((n, term, PART) for n in sorted(stale) for term in self._part_terms(words[n], splitter))
        self._nouns, self._modifiers = nouns, modifiers

    def _recall_stems(self, words: list[str]) -> Callable[[str], str]:
        """Stemming that looks the words of the archive up, since their stems are known by now."""
        terms = list(self._terms)
        places, firsts = np.unique(self._rows[:, 0], return_index=True)
        stems = {
            words[n]: terms[term]
            for n, term in zip(places.tolist(), self._rows[firsts, 1].tolist(), strict=True)
            if "-" not in words[n]
        }
        stem = self._analyzer.stem
        return lambda word: stems.get(word) or stem(word)

    def _part_terms(self, word: str, splitter: CompoundSplitter) -> list[str]:
        parts = [part for piece in word.split("-") for part in splitter.split(piece)]
        if not parts:
            return []
        own = {term for term, _ in self._own_terms(word)}
        return [term for term in dict.fromkeys(map(splitter.stem, parts)) if term not in own]

    def _tabulate(self, words: int) -> TermTable:
        terms = list(self._terms)
        used, rows_terms = np.unique(self._rows[:, 1], return_inverse=True)
        names = [terms[n] for n in used.tolist()]
        order = sorted(range(len(names)), key=names.__getitem__)
        places = np.empty(len(names), dtype=np.int64)
        places[order] = np.arange(len(names))
        by_word = np.argsort(self._rows[:, 0], kind="stable")
        return TermTable(
            terms=tuple(names[n] for n in order),
            starts=np.searchsorted(self._rows[by_word, 0], np.arange(words + 1)),
            places=places[rows_terms[by_word]],
            halves=HALVES[self._rows[by_word, 2]],
        )


def find_containing(words: Sequence[str], triggers: Collection[str]) -> set[int]:
    """The places of the words that contain any of some texts, or any of those without its last ``e``.

    Looks for the first letters of all at once, by arrays, since there are many words and many texts.
    """
    wanted = {text.removesuffix("e").encode() for text in triggers} - {b""}
    data = "\n".join(words).encode()
    letters = np.frombuffer(data, dtype=np.uint8).astype(np.uint32)
    starts = np.flatnonzero(np.concatenate([[True], letters == ord("\n")]))
    found: set[int] = set()
    for length in range(1, _OPENING_BYTES + 1):
        openings: defaultdict[int, list[bytes]] = defaultdict(list)
        for text in wanted:
            if min(len(text), _OPENING_BYTES) == length:
                openings[int.from_bytes(text[:length], "little")].append(text)
        if not openings or len(letters) < length:
            continue
        grams = np.zeros(len(letters) - length + 1, dtype=np.uint32)
        for n in range(length):
            grams |= letters[n : n + len(grams)] << np.uint32(8 * n)
        places = np.flatnonzero(np.isin(grams, np.array(list(openings), dtype=np.uint32)))
        holders = np.searchsorted(starts, places, side="right") - 1
        for place, gram, holder in zip(places.tolist(), grams[places].tolist(), holders.tolist(), strict=True):
            if any(data.startswith(text, place) for text in openings[gram]):
                found.add(holder)
    return found


def _read_memory(memory: bytes) -> _Memory:
    try:
        known = msgspec.msgpack.decode(memory, type=_Memory) if memory else _Memory()
    except msgspec.MsgspecError:
        return _Memory()
    return known if known.version == MEMORY_VERSION else _Memory()


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []
