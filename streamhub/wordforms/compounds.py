"""German compounds: which parts a long word is made of.

Owns the learning of parts from an archive's own texts and the splitting. Refuses to know terms, weights and indexes.

A part is a noun that the archive uses (capitalised inside a sentence), one of our list of service nouns, or a first
part that at least three compounds of the archive share. Linking elements may stand between parts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

from streamhub.wordforms.analysis import MAX_REMEMBERED, WORD_PATTERN, fold, fold_word

LINKS = ("", "s", "es", "n", "en", "er", "e", "ns")
MIN_COMPOUND_LENGTH = 7
MAX_COMPOUND_LENGTH = 60
MIN_PART_LENGTH = 3
MIN_LEARNED_LENGTH = 4
MIN_SHARED_BY = 3

# A word, and before it, where a sentence begins there, its beginning. Few spaces, so that long gaps cost no time.
_WORD_IN_SENTENCE = re.compile(rf"([\n.!?…:;\"„“”»«(\[–—-]\s{{0,3}})?({WORD_PATTERN})")

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
        noun_stems: their stems, so that an inflected last part is known, too; only those that a noun begins with, since
            Snowball brings more together than inflection does.
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
            if last[:MIN_PART_LENGTH] not in self.beginnings or last in _BARRED_LAST or not self._is_last(last):
                continue
            first = self._find_first(word[:at])
            if first:
                # Balanced halves are the likelier reading; a single linking letter must not become a part's own.
                rank = min(len(first), len(last)) * 2 - (at - len(first))
                best = max(best or (rank, first, last), (rank, first, last), key=lambda choice: choice[0])
        if best is None:
            return ()
        _, first, last = best
        parts = (first, *self.split(first), last, *self.split(last))
        return tuple(dict.fromkeys(parts))

    def _is_last(self, part: str) -> bool:
        if part in self.nouns:
            return True
        if len(part) <= MIN_LEARNED_LENGTH:
            return False
        stem = self.stem(part)
        return stem in self.noun_stems and part.startswith(stem)

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


def find_spellings(text: str) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """How the words of a German text are written.

    Yields:
        The folded pieces of a written form, how often it stands there, and how much that speaks for a noun: once for
        each capital inside a sentence, once against for each small letter. A word may come in several forms.
    """
    for (opening, word), count in Counter(_WORD_IN_SENTENCE.findall("\n" + text)).items():
        pieces = fold_word(word)
        if pieces:
            is_noun = not opening and word[1:2].islower()
            yield pieces, count, -count if word[0].islower() else count * is_noun


def is_learnable(word: str) -> bool:
    """Whether a folded word that is written as a noun may become a part of compounds."""
    return len(word) >= MIN_LEARNED_LENGTH and word.isalpha()


def learn_nouns(texts: Iterable[str]) -> tuple[frozenset[str], Counter[str]]:
    """Find the nouns of running German text and count all its words.

    Returns:
        Folded words that are written with a capital inside a sentence more often than small, and how often each
        folded word of one piece occurs at all.
    """
    excess: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for text in texts:
        for pieces, count, noun_signs in find_spellings(text):
            if len(pieces) == 1:
                total[pieces[0]] += count
                excess[pieces[0]] += noun_signs
    return frozenset(word for word, n in excess.items() if n > 0 and is_learnable(word)), total


def learn_splitter(
    texts: Iterable[str], *, stem: Callable[[str], str], service_nouns: Collection[str]
) -> CompoundSplitter:
    """Learn the parts of compounds from an archive's texts, beside a given list of nouns."""
    learned, counts = learn_nouns(texts)
    nouns = gather_nouns(learned, service_nouns)
    return make_splitter(nouns, learn_modifiers(counts, nouns), stem=stem)


def gather_nouns(learned: Collection[str], service_nouns: Collection[str]) -> frozenset[str]:
    """All nouns that may be parts: those that an archive taught and those of a list, without what is barred."""
    return frozenset(learned).union(fold(noun) for noun in service_nouns) - _BARRED_LAST - _BARRED_FIRST


def make_splitter(nouns: frozenset[str], modifiers: frozenset[str], *, stem: Callable[[str], str]) -> CompoundSplitter:
    """The splitter of known nouns and modifiers."""
    return CompoundSplitter(
        nouns=nouns,
        noun_stems=frozenset(found for noun in nouns if noun.startswith(found := stem(noun))),
        beginnings=frozenset(noun[:MIN_PART_LENGTH] for noun in nouns),
        modifiers=modifiers,
        stem=stem,
    )


def learn_modifiers(words: Iterable[str], nouns: frozenset[str]) -> frozenset[str]:
    """First parts that are no nouns (``Mobil-``, ``Fest-``) but stand before three nouns or more; words come once."""
    nouns_after: Counter[str] = Counter()
    for word in words:
        if MIN_COMPOUND_LENGTH <= len(word) <= MAX_COMPOUND_LENGTH:
            for at in range(MIN_LEARNED_LENGTH, len(word) - MIN_LEARNED_LENGTH + 1):
                if word[at:] in nouns:
                    nouns_after[word[:at]] += 1
    return frozenset(
        part
        for part, count in nouns_after.items()
        if count >= MIN_SHARED_BY and part not in nouns and part not in _BARRED_FIRST
    )


def find_trigger(part: str, stem: str) -> str:
    """What every word contains whose split depends on whether this part is known, at least without its last ``e``."""
    return stem if part.startswith(stem) else part
