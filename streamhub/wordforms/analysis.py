"""How text becomes search terms: words, folding, stems.

Owns the analysis that the archive's search, the likeness of questions and every query share; `site/static/analysis.js`
is its twin, and a test holds the two equal. Refuses to know documents, weights of fields, and compounds (those are
learned from texts).

The stemmers are Snowball 3.0.1 on both sides: PyStemmer 3.0.0 here, the scripts of Sphinx 9.0.4 in the browser. Another
release of either stems some words differently, and then a query would miss what the index holds.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from Stemmer import Stemmer

from streamhub.wordforms.particles import VERB_PREFIXES
from streamhub.wordforms.strong_verbs import undo_strong

Language = Literal["de", "en"]
"""The languages whose words are known here."""

INFINITIVE_WEIGHT = 0.5
MAX_TERM_LENGTH = 40
MAX_JOINED_PIECES = 4
MAX_REMEMBERED = 1 << 16
"""Words whose stems and parts are kept in memory; what strangers type must not fill it."""
_LONG_WORD = 100

# Accents, soft hyphens, zero-width and bidi controls: part of a word, and removed from it.
_INVISIBLE = "\u00ad\u0300-\u036f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
_PIECE = rf"(?:[^\W_]|[{_INVISIBLE}])+"
# What may stand inside a word: FRITZ!Box, Amts-Leitung, AT&T, geht's, Kund:innen; a point only within a number.
_JOINER = r"(?:[-‐‑'’!&:*_]|(?<=[0-9])[.,](?=[0-9]))"
WORD_PATTERN = rf"{_PIECE}(?:{_JOINER}{_PIECE})*"
"""What a word is, as a regular expression without groups."""
_WORD = re.compile(WORD_PATTERN)
_SPLIT = re.compile(r"[-‐‑!&:*_.,]")
_POSSESSIVE = re.compile(r"['’][sS]$")
_SIMPLE = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "ss", "é": "e", "è": "e", "à": "a"})
_DROPPED = re.compile(rf"[{_INVISIBLE}]|[^\w]|_|[^\u0000-\uffff]")
_STEMMABLE = re.compile(r"[a-z]+")
_INFINITIVE = re.compile(rf"({VERB_PREFIXES})zu([a-z]{{3,}}n)")
_PARTICIPLE = re.compile(rf"((?:{VERB_PREFIXES})?)ge([a-z]{{3,}}t)")
_ADJECTIVE = re.compile(rf"({_PARTICIPLE.pattern}|[a-z]{{3,}}iert)e[mnrs]?")
_INFLECTED = re.compile(r"[a-z]{3,}(?:[bfghklmnprsz]|[dtmn]e)t")
_NO_VERB = re.compile(r".*(?:heit|keit|schaft|[^s]st|ent|ant|tat)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """A word where it stands in a text.

    Attributes:
        start: index of its first character.
        end: index after its last one.
        pieces: folded parts, more than one for ``Amts-Leitung``; at least one, none empty.
    """

    start: int
    end: int
    pieces: tuple[str, ...]


def fold(text: str) -> str:
    """Fold a word: compatibility forms unified, lower case, no accents, ``ß`` as ``ss``, letters and digits only."""
    lower = unicodedata.normalize("NFKD", text).lower().replace("ß", "ss")
    return _DROPPED.sub("", lower)


def split_words(text: str) -> Iterator[Word]:
    """Find the words of a text in order, with their places."""
    for match in _WORD.finditer(text):
        pieces = fold_word(match[0])
        if pieces:
            yield Word(start=match.start(), end=match.end(), pieces=pieces)


def find_words(text: str) -> list[str]:
    """The words of a text in order, as they are written; `fold_word` folds one."""
    return _WORD.findall(text)


def fold_word(word: str) -> tuple[str, ...]:
    """The folded pieces of a word that `find_words` found; empty where nothing of it is a letter or digit."""
    if word.isalpha():  # nearly all words, and what folding them comes to
        simple = word.lower()
        if simple.isascii() or (simple := simple.translate(_SIMPLE)).isascii():
            return (simple,)
    return _fold_pieces(word) if len(word) <= _LONG_WORD else _fold_anew(word)


def _fold_anew(word: str) -> tuple[str, ...]:
    bare = _POSSESSIVE.sub("", word).replace("'", "").replace("’", "")
    return tuple(piece for piece in map(fold, _SPLIT.split(bare)) if piece)


_fold_pieces = lru_cache(maxsize=MAX_REMEMBERED)(_fold_anew)  # texts repeat their words, but no long ones


def derive_infinitive(piece: str) -> str:
    """Undo a German participle, a third person, or ``zu`` within a verb, which stemmers leave alone; or ``""``.

    ``gekundigt`` to ``kundigen``, ``abgeschaltet`` to ``abschalten``, ``repariert`` to ``reparieren``, ``umgezogen`` to
    ``umziehen``; so with an adjective's endings, ``gekundigter``, ``reparierten``. ``einzurichten`` to ``einrichten``.
    """
    if apart := _INFINITIVE.fullmatch(piece):
        return apart[1] + apart[2]
    if verb := undo_strong(piece):
        return verb
    if ended := _ADJECTIVE.fullmatch(piece):
        piece = ended[1]
    match = _PARTICIPLE.fullmatch(piece)
    if match is not None:
        prefix, base = match[1], match[2]
    elif _INFLECTED.fullmatch(piece) and not _NO_VERB.fullmatch(piece):
        prefix, base = "", piece
    else:
        return ""
    return prefix + (base[:-2] if base[-2] == "e" and base[-3] in "dtmn" else base[:-1]) + "en"


def spell_umlauts_plainly(piece: str) -> str:
    """Bring ``ae oe ue`` to the form that stems have, as Snowball does: ``kuend`` to ``kund``, ``neue`` untouched."""
    return re.sub(r"(?<![aeiouyq])ue", "u", piece.replace("ae", "a").replace("oe", "o"))


class Analyzer:
    """Analysis in one language, with a memory of the words it has seen. Not safe for two threads at once."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._stemmer = Stemmer("german" if language == "de" else "english", 0)  # 0: the memory is below
        self._stems: dict[str, str] = {}

    def stem(self, piece: str) -> str:
        """Stem a folded piece; whatever is not plain letters stays as it is. At most 40 characters."""
        cut = piece[:MAX_TERM_LENGTH]
        found = self._stems.get(cut)
        if found is None:
            found = str(self._stemmer.stemWord(cut)) if _STEMMABLE.fullmatch(cut) else cut
            if len(self._stems) >= MAX_REMEMBERED:
                self._stems.clear()
            self._stems[cut] = found
        return found

    def piece_terms(self, piece: str) -> dict[str, float]:
        """The terms of a folded piece with their weights: its stem, and a verb's infinitive."""
        terms = {self.stem(piece): 1.0}
        infinitive = derive_infinitive(piece) if self.language == "de" else ""
        if infinitive:
            terms.setdefault(self.stem(infinitive), INFINITIVE_WEIGHT)
        return terms

    def word_terms(self, word: Word) -> dict[str, float]:
        """The terms of a word: those of its pieces, and of all of them joined (``Amts-Leitung``, ``amtsleitung``)."""
        return self.pieces_terms(word.pieces)

    def pieces_terms(self, pieces: tuple[str, ...]) -> dict[str, float]:
        """The terms of a word of these folded pieces."""
        terms: dict[str, float] = {}
        joined = ("".join(pieces),) if 1 < len(pieces) <= MAX_JOINED_PIECES else ()
        for piece in (*pieces, *joined):
            for term, weight in self.piece_terms(piece).items():
                terms[term] = max(weight, terms.get(term, 0.0))
        return terms


def fold_stop_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """Fold a list of stop words, with ``ae oe ue`` beside the plain form; sorted."""
    digraphs = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
    return tuple(sorted({fold(w) for w in words} | {fold(w.translate(digraphs)) for w in words}))
