"""What a question is made of when questions are compared: words, their stems and parts, their runs of letters.

Owns how one word becomes *terms* (stems, parts of compounds) and *grams* (runs of three to five letters, which survive
inflection and typing errors). Refuses to know other questions: weights come from `streamhub.questions.likeness`.
Pure; not safe for two threads at once, since the stemmers are not.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from streamhub.wordforms.analysis import Analyzer, Language, Word, fold_stop_words, split_words
from streamhub.wordforms.compounds import CompoundSplitter, learn_splitter
from streamhub.wordforms.nouns_de import SERVICE_NOUNS
from streamhub.wordforms.stopwords import STOP_WORDS

GRAM_BUCKETS = 1 << 20
"""Grams are known by a hash of 20 bits: no vocabulary of them is kept."""

GRAM_LENGTHS = (3, 4, 5)
STOP_WEIGHT = 0.3
"""What a word such as "how" or "nicht" counts: little, but where two questions differ in nothing else, it decides."""

PART_WEIGHT = 0.5
MAX_PIECE_LENGTH = 40
_LANGUAGES: tuple[Language, ...] = ("de", "en")
_STOP: Mapping[Language, frozenset[str]] = MappingProxyType(
    {language: frozenset(fold_stop_words(STOP_WORDS[language])) for language in _LANGUAGES}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """One word as it counts.

    Attributes:
        key: its folded pieces, with the language before them; two words of one key are the same.
        weight: what it counts, 0 to 1.
        grams: hashes of its runs of letters, each once.
        terms: its stems and parts, the language before each, with their weights.
    """

    key: str
    weight: float
    grams: tuple[int, ...]
    terms: tuple[tuple[str, float], ...]


class TextReader:
    """Reads texts into words.

    Args:
        splitter: takes German compounds apart; None leaves them whole.
    """

    def __init__(self, splitter: CompoundSplitter | None = None) -> None:
        self._splitter = splitter
        self._analyzers = {language: Analyzer(language) for language in _LANGUAGES}

    def guess(self, text: str, default: Language) -> Language:
        """The language of a text by its small words; the given one where they do not tell."""
        pieces = [word.pieces[0] for word in split_words(text)]
        found = {language: sum(piece in _STOP[language] for piece in pieces) for language in _LANGUAGES}
        best = max(found, key=lambda language: found[language])
        return best if found[best] > found[default] else default

    def read(self, text: str, language: Language) -> dict[str, tuple[Word, int]]:
        """The words of a text by key, each with how often it stands there."""
        counts: Counter[str] = Counter()
        words: dict[str, Word] = {}
        for word in split_words(text):
            key = f"{language}:{'-'.join(piece[:MAX_PIECE_LENGTH] for piece in word.pieces)}"
            counts[key] += 1
            words.setdefault(key, word)
        return {key: (words[key], count) for key, count in counts.items()}

    def analyse(self, key: str, word: Word, language: Language, *, grams: bool = True) -> Token:
        """What a word consists of; its runs of letters, which no language changes, may be left out."""
        stop = len(word.pieces) == 1 and word.pieces[0] in _STOP[language]
        return Token(
            key=key,
            weight=STOP_WEIGHT if stop else 1.0,
            grams=_grams(word.pieces) if grams else (),
            terms=tuple(self._terms(word, language).items()),
        )

    def _terms(self, word: Word, language: Language) -> dict[str, float]:
        analyzer = self._analyzers[language]
        terms = {f"{language}:{term}": weight for term, weight in analyzer.word_terms(word).items()}
        if language == "de" and self._splitter is not None:
            for piece in word.pieces:
                if len(piece) > MAX_PIECE_LENGTH:  # no word of any language, and long ones take long
                    continue
                for part in self._splitter.split(piece):
                    terms.setdefault(f"de:{analyzer.stem(part)}", PART_WEIGHT)
        return terms


def learn_parts(texts: Iterable[str]) -> CompoundSplitter:
    """Learn the parts of German compounds from texts, beside the nouns that are known anyway."""
    return learn_splitter(texts, stem=Analyzer("de").stem, service_nouns=SERVICE_NOUNS)


def _grams(pieces: Iterable[str]) -> tuple[int, ...]:
    found: dict[int, None] = {}
    for piece in pieces:
        padded = f" {piece[:MAX_PIECE_LENGTH]} "
        for length in GRAM_LENGTHS:
            for start in range(max(1, len(padded) - length + 1)):
                gram = padded[start : start + length]
                found[zlib.crc32(gram.encode("utf-8", "surrogatepass")) % GRAM_BUCKETS] = None
    return tuple(found)
