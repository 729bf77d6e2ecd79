"""Which words everybody knows, so that nobody takes them for a name or a slip.

Owns the way to the word lists of `spellchecker` (of film subtitles: what people say, inflected forms and common names
included). Refuses to know who asks.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from spellchecker import SpellChecker

from streamhub.wordforms.analysis import MAX_REMEMBERED, Language, fold
from streamhub.wordforms.stopwords import STOP_WORDS

_PARTS = re.compile(r"[-/]")


@lru_cache(maxsize=MAX_REMEMBERED)
def is_common(word: str, language: str) -> bool:
    """Whether a word, or each part of one with hyphens, stands in the dictionary of a language; numbers do.

    In a language that has none here, every word is common: nobody could say which is not.
    """
    if language not in STOP_WORDS:
        return True
    known = _load_known("de" if language == "de" else "en")
    parts = (unicodedata.normalize("NFC", part).lower() for part in _PARTS.split(word))
    return all(_has(known, part) or not any(map(str.isalpha, part)) for part in parts)


def is_stop_word(word: str) -> bool:
    """Whether a folded word carries no meaning in one of our languages."""
    return fold(word) in _stop_words()


@lru_cache(maxsize=1)
def _stop_words() -> frozenset[str]:
    return frozenset(fold(word) for words in STOP_WORDS.values() for word in words)


@lru_cache(maxsize=2)
def _load_known(language: Language) -> npt.NDArray[np.uint32]:
    """Checksums of the words, sorted: a megabyte instead of forty, and one rare word of 12,000 is taken for common."""
    words = (*SpellChecker(language=language, distance=1).word_frequency.words(), *STOP_WORDS[language])
    return np.unique(np.fromiter(map(_sum, words), dtype=np.uint32))


def _has(known: npt.NDArray[np.uint32], word: str) -> bool:
    wanted = np.uint32(_sum(word))
    place = int(np.searchsorted(known, wanted))
    return place < len(known) and bool(known[place] == wanted)


def _sum(word: str) -> int:
    return zlib.crc32(word.encode())
