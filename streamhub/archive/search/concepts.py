"""How a query is read: what it asks for, before any look at an index.

Owns concepts, synonyms' place in them, and phrases. Refuses to know indexes and ranking. The browser's twin is in
`site/static/search-engine.js`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from streamhub.wordforms.analysis import (
    INFINITIVE_WEIGHT,
    Analyzer,
    Language,
    Word,
    spell_umlauts_plainly,
    split_words,
)
from streamhub.wordforms.separable import find_parted

MAX_QUERY_WORDS = 64
MAX_CONCEPTS = 16
MIN_PREFIX_LENGTH = 3
SYNONYM_WEIGHT = 0.8
QUOTES = frozenset('"“”„«»')
NO_SYNONYMS: Mapping[str, Sequence[str]] = MappingProxyType({})

_ENDINGS: Mapping[Language, tuple[str, ...]] = MappingProxyType(
    {
        "de": ("ung", "ungen", "en", "ern", "keit", "igkeit", "lich"),
        "en": ("ing", "ings", "ed", "ation", "ations", "ment", "ness"),
    }
)
_MIN_COMPLETED_LENGTH = 4
_LOANED = re.compile(r"([a-z]{2,}[aiouy])(s?)")
_DOING = re.compile(r"([a-z]{3,})end(?:e[mnrs]?)?")
_NUMBERED = re.compile(r"([a-z]+)([0-9][0-9a-z]*)")
_MAX_LETTERS_BEFORE_NUMBER = 2
_QUOTED = re.compile(r'["“”„«»]([^"“”„«»]+)["“”„«»]')


@dataclass(frozen=True, kw_only=True, slots=True)
class Concept:
    """One thing that the query asks for.

    Attributes:
        word: as typed, folded.
        terms: what counts as a match, with weights up to 1.
        prefix: what a term may begin with instead; empty unless this is the last word.
        corrected: true when the terms are guesses for an unknown word.
        halves: terms of a rare compound's two parts; an answer that has both has the concept, one alone counts half.
    """

    word: str
    terms: Mapping[str, float]
    prefix: str = ""
    corrected: bool = False
    halves: tuple[str, ...] = ()


def plan_concepts(
    analyzer: Analyzer, query: str, stop_words: frozenset[str], synonyms: Mapping[str, Sequence[str]] = NO_SYNONYMS
) -> list[Concept]:
    """The concepts of a query before any look at the index; stop words only when there is nothing else."""
    pieces = [(piece, word) for word in split_words(query) for piece in word.pieces]
    pieces = pieces[:MAX_QUERY_WORDS]
    meaning = [(at, piece, word) for at, (piece, word) in enumerate(pieces) if piece not in stop_words]
    meaning = meaning or [(at, piece, word) for at, (piece, word) in enumerate(pieces)]
    is_quoted = query.rstrip()[-1:] in QUOTES
    parted = find_parted(query, pieces, [at for at, _, _ in meaning]) if analyzer.language == "de" else {}
    concepts: list[Concept] = []
    for n, (at, piece, word) in enumerate(meaning):
        terms = analyzer.piece_terms(piece)
        for other, weight in other_forms(analyzer.language, piece).items():
            terms.setdefault(analyzer.stem(other), weight)
        for term, weight in analyzer.piece_terms(parted[at]).items() if at in parted else ():
            terms.setdefault(term, weight)
        if len(word.pieces) > 1:
            terms.setdefault(analyzer.stem("".join(word.pieces)), 1.0)
        for neighbour_at, joined in _joined_neighbours(meaning, n):
            if abs(neighbour_at - at) == 1:
                terms.setdefault(analyzer.stem(joined), 1.0)
        halves = _add_synonyms(terms, _synonyms_of(analyzer, meaning, n, synonyms))
        is_last = at == len(pieces) - 1 and len(piece) >= MIN_PREFIX_LENGTH and not is_quoted
        prefix = _prefix_of(analyzer, piece) if is_last else ""
        concepts.append(Concept(word=piece, terms=terms, prefix=prefix, halves=halves))
    return concepts[:MAX_CONCEPTS]


def read_phrases(query: str) -> tuple[tuple[str, ...], ...]:
    """The folded pieces of what stands in quotation marks, each phrase by itself."""
    phrases = (_pieces_of(match[1]) for match in _QUOTED.finditer(query))
    return tuple(phrase[:MAX_QUERY_WORDS] for phrase in phrases if phrase)


def holds_phrase(fragment: Mapping[str, Any], phrase: Sequence[str]) -> bool:
    """Whether an answer's question, its written answer or its speech, from cue to cue, has a phrase as it is."""
    speech = tuple(piece for turn in fragment["turns"] for piece in _pieces_of(turn["text"]))
    texts = (_pieces_of(fragment["question"]), _pieces_of(fragment["answer"]), speech)
    wanted = f" {' '.join(phrase)} "
    return any(wanted in f" {' '.join(pieces)} " for pieces in texts)


def other_forms(language: Language, piece: str) -> dict[str, float]:
    """German forms that stemming leaves apart: ``handys`` and ``handy``, and ``klemmen`` of ``klemmende``."""
    if language != "de":
        return {}
    forms: dict[str, float] = {}
    if match := _LOANED.fullmatch(piece):
        forms[match[1] if match[2] else f"{piece}s"] = 1.0
    if match := _DOING.fullmatch(piece):
        forms[f"{match[1]}en"] = INFINITIVE_WEIGHT
    return forms


def complete_stems(analyzer: Analyzer, piece: str) -> tuple[str, ...]:
    """Stems of words that a piece may begin though they are shorter than it: ``porti`` to ``port``, of porting."""
    own = analyzer.stem(piece)
    stems = (
        analyzer.stem(piece + ending[cut:])
        for ending in _ENDINGS[analyzer.language]
        for cut in range(len(ending))
        if piece.endswith(ending[:cut])
    )
    found = dict.fromkeys(stem for stem in stems if _MIN_COMPLETED_LENGTH <= len(stem) < len(piece) and stem != own)
    return tuple(found)


def split_at_number(word: str) -> tuple[tuple[str, str], ...]:
    """The ways to read letters and a number that are written together: ``snomd785`` as that of ``d785``, too."""
    match = _NUMBERED.fullmatch(word)
    if not match:
        return ()
    border = len(match[1])
    cuts = range(border, max(1, border - _MAX_LETTERS_BEFORE_NUMBER - 1), -1)
    return tuple((word[:cut], word[cut:]) for cut in cuts)


def _pieces_of(text: str) -> tuple[str, ...]:
    return tuple(piece for word in split_words(text) for piece in word.pieces)


def _synonyms_of(
    analyzer: Analyzer, meaning: Sequence[tuple[int, str, Word]], n: int, synonyms: Mapping[str, Sequence[str]]
) -> list[str]:
    """What means the same as a word of a query, or as it and a neighbour together."""
    at, piece, word = meaning[n]
    stem = analyzer.stem(piece)
    others = [analyzer.stem(one) for one, weight in other_forms(analyzer.language, piece).items() if weight == 1]
    keys = list(dict.fromkeys([stem, *others]))
    if len(word.pieces) > 1:
        keys.append(analyzer.stem("".join(word.pieces)))
    if n > 0 and at - meaning[n - 1][0] == 1:
        keys.append(f"{analyzer.stem(meaning[n - 1][1])} {stem}")
    if n + 1 < len(meaning) and meaning[n + 1][0] - at == 1:
        keys.append(f"{stem} {analyzer.stem(meaning[n + 1][1])}")
    return [found for key in keys for found in synonyms.get(key, ())]


def _add_synonyms(terms: dict[str, float], synonyms: Sequence[str]) -> tuple[str, ...]:
    """Add synonyms of one word to terms; the first one of several words stands as halves."""
    for one in synonyms:
        if " " not in one:
            terms.setdefault(one, SYNONYM_WEIGHT)
    return next((tuple(one.split(" ")) for one in synonyms if " " in one), ())


def _joined_neighbours(meaning: Sequence[tuple[int, str, Word]], n: int) -> list[tuple[int, str]]:
    """The word before and the one after, written together with this one."""
    _, piece, _ = meaning[n]
    joined: list[tuple[int, str]] = []
    if n > 0:
        joined.append((meaning[n - 1][0], meaning[n - 1][1] + piece))
    if n + 1 < len(meaning):
        joined.append((meaning[n + 1][0], piece + meaning[n + 1][1]))
    return [(at, text) for at, text in joined if min(len(piece), len(text) - len(piece)) >= MIN_PREFIX_LENGTH]


def _prefix_of(analyzer: Analyzer, piece: str) -> str:
    return spell_umlauts_plainly(piece) if analyzer.language == "de" else piece
