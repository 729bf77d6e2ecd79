"""German compounds: which parts a long word is made of.

Owns the learning of parts from an archive's own texts and the splitting. Refuses to know terms, weights and indexes.

A part is a noun that the archive uses (capitalised inside a sentence), one of our list of service nouns, or a first
part that at least three compounds of the archive share. Linking elements may stand between parts.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from streamhub.wordforms.analysis import MAX_REMEMBERED, fold, split_words

LINKS = ("", "s", "es", "n", "en", "er", "e", "ns")
MIN_COMPOUND_LENGTH = 7
MAX_COMPOUND_LENGTH = 60
MIN_PART_LENGTH = 3
MIN_LEARNED_LENGTH = 4
MIN_SHARED_BY = 3

_SENTENCE_START = re.compile(r"(?:^|[.!?…:;\"„“”»«(\[–—-])\s*$")
_LOOK_BACK = 4

# They begin words without being their own part: Auftrag is no "auf" and "trag".
_NO_FIRST = """
ab aber alle an auf aus auss ausser bei beim da dar durch ein einer er ent fort ge gegen hin hinter her herum heraus
hinaus im in ihr los miss mit mitt nach neben nicht nieder ober ohne selbst so um un unter uber ver vor voran voraus
vorbei weg weiter wider wieder zer zu zuruck zusammen zwischen
"""
# Endings that happen to be nouns, too: Mannschaft is no "Schaft".
_NO_LAST = """
schaft heit keit chen lein lich tum ling ung ungen innen erin barkeit igkeit ieren ismus
"""
_BARRED_FIRST = frozenset(_NO_FIRST.split())
_BARRED_LAST = frozenset(_NO_LAST.split())


@dataclass(frozen=True, kw_only=True, slots=True)
class CompoundSplitter:
    """Splits folded German words by a dictionary of parts.

    Attributes:
        nouns: folded forms that may stand anywhere.
        noun_stems: their stems, so that an inflected last part is known, too.
        beginnings: the nouns' first three letters; nearly all cuts of a word fail here already, cheaply.
        modifiers: folded forms that may stand first only.
        stem: of a folded word.
    """

    nouns: frozenset[str]
    noun_stems: frozenset[str]
    beginnings: frozenset[str]
    modifiers: frozenset[str]
    stem: Callable[[str], str]
    _memory: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)

    def split(self, word: str) -> tuple[str, ...]:
        """The folded parts of a word, those of its parts included, in no order that matters; empty if it is simple."""
        if not MIN_COMPOUND_LENGTH <= len(word) <= MAX_COMPOUND_LENGTH or not word.isalpha():
            return ()
        found = self._memory.get(word)
        if found is None:
            if len(self._memory) >= MAX_REMEMBERED:  # parts are shorter than their word, so splitting ends all the same
                self._memory.clear()
            self._memory[word] = ()  # a word is no part of itself
            found = self._memory[word] = self._split_once(word)
        return found

    def _split_once(self, word: str) -> tuple[str, ...]:
        best: tuple[int, str, str] | None = None
        for at in range(MIN_PART_LENGTH, len(word) - MIN_PART_LENGTH + 1):
            last = word[at:]
            if last[:MIN_PART_LENGTH] not in self.beginnings or last in _BARRED_LAST:
                continue
            first = self._find_first(word[:at])
            if first and self._is_last(last):  # in this order, since stemming every ending would be slow
                # Balanced halves are the likelier reading; a single linking letter must not become a part's own.
                rank = min(len(first), len(last)) * 2 - (at - len(first))
                best = max(best or (rank, first, last), (rank, first, last), key=lambda choice: choice[0])
        if best is None:
            return ()
        _, first, last = best
        parts = (first, *self.split(first), last, *self.split(last))
        return tuple(dict.fromkeys(parts))

    def _is_last(self, part: str) -> bool:
        return part in self.nouns or (len(part) > MIN_LEARNED_LENGTH and self.stem(part) in self.noun_stems)

    def _find_first(self, head: str) -> str:
        """The noun or modifier that the head consists of, its linking element taken off; or ``""``."""
        for link in LINKS:
            part = head[: len(head) - len(link)] if head.endswith(link) else ""
            if len(part) < MIN_PART_LENGTH or part in _BARRED_FIRST:
                continue
            if part in self.nouns or (not link and part in self.modifiers):
                return part
        for part in (head, head.removesuffix("s")):
            if len(part) >= MIN_LEARNED_LENGTH and part not in _BARRED_FIRST and part + "e" in self.nouns:
                return part + "e"  # Miete, Mietvertrag; Hilfe, Hilfsprogramm
        longer = [head[: len(head) - len(link)] for link in ("", "s", "n") if head.endswith(link)]
        return next((part for part in longer if self.split(part)), "")


def learn_nouns(texts: Iterable[str]) -> tuple[frozenset[str], Counter[str]]:
    """Find the nouns of running German text and count all its words.

    Returns:
        Folded words that are written with a capital inside a sentence more often than small, and how often each
        folded word of one piece occurs at all.
    """
    capital: Counter[str] = Counter()
    small: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for text in texts:
        for word in split_words(text):
            if len(word.pieces) != 1:
                continue
            piece = word.pieces[0]
            total[piece] += 1
            first, second = text[word.start], text[word.start + 1 : word.start + 2]
            if first.islower():
                small[piece] += 1
            elif second.islower() and not _SENTENCE_START.search(text[max(0, word.start - _LOOK_BACK) : word.start]):
                capital[piece] += 1
    nouns = (w for w, n in capital.items() if n > small[w] and len(w) >= MIN_LEARNED_LENGTH and w.isalpha())
    return frozenset(nouns), total


def learn_splitter(
    texts: Iterable[str], *, stem: Callable[[str], str], service_nouns: Collection[str]
) -> CompoundSplitter:
    """Learn the parts of compounds from an archive's texts, beside a given list of nouns."""
    learned, counts = learn_nouns(texts)
    nouns = (learned | {fold(noun) for noun in service_nouns}) - _BARRED_LAST - _BARRED_FIRST
    return CompoundSplitter(
        nouns=nouns,
        noun_stems=frozenset(map(stem, nouns)),
        beginnings=frozenset(noun[:MIN_PART_LENGTH] for noun in nouns),
        modifiers=_learn_modifiers(counts, nouns),
        stem=stem,
    )


def _learn_modifiers(words: Iterable[str], nouns: frozenset[str]) -> frozenset[str]:
    """First parts that are no nouns (``Mobil-``, ``Fest-``) but stand before three nouns or more."""
    followed_by: defaultdict[str, set[str]] = defaultdict(set)
    for word in words:
        if MIN_COMPOUND_LENGTH <= len(word) <= MAX_COMPOUND_LENGTH:
            for at in range(MIN_LEARNED_LENGTH, len(word) - MIN_LEARNED_LENGTH + 1):
                if word[at:] in nouns:
                    followed_by[word[:at]].add(word[at:])
    return frozenset(
        part
        for part, lasts in followed_by.items()
        if len(lasts) >= MIN_SHARED_BY and part not in nouns and part not in _BARRED_FIRST
    )
