"""Which words everybody knows, so that nobody takes them for a name or a slip.

Owns the way to the word lists of `spellchecker` (from film subtitles, with what people say). Refuses to know who asks.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from spellchecker import SpellChecker

from streamhub.wordforms.analysis import Language, fold
from streamhub.wordforms.stopwords import STOP_WORDS

_PARTS = re.compile(r"[-/]")


def is_common(word: str, language: str) -> bool:
    """Whether a word, or each part of one with hyphens, stands in the dictionary of a language; numbers do.

    In a language that has none here, every word is common: nobody could say which is not.
    """
    if language not in STOP_WORDS:
        return True
    known = _load_known("de" if language == "de" else "en")
    parts = (unicodedata.normalize("NFC", part).lower() for part in _PARTS.split(word))
    return all(part in known or not any(map(str.isalpha, part)) for part in parts)


def is_stop_word(word: str) -> bool:
    """Whether a folded word carries no meaning in one of our languages."""
    return fold(word) in _stop_words()


@lru_cache(maxsize=1)
def _stop_words() -> frozenset[str]:
    return frozenset(fold(word) for words in STOP_WORDS.values() for word in words)


@lru_cache(maxsize=2)
def _load_known(language: Language) -> frozenset[str]:
    """As the list writes them, in small letters; German takes half a second and 40 MB."""
    return frozenset(SpellChecker(language=language, distance=1).word_frequency.words()) | set(STOP_WORDS[language])
