"""How words sound: whether something heard could be a name that was said.

Owns the comparison, by letters and by sound: Kölner Phonetik (Hans Joachim Postel, 1969) for German ears and Metaphone
(Lawrence Philips, 1990) for English ones, since either may have to write the other's names. Pure; refuses to know which
words may be replaced.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import cologne_phonetics
import jellyfish

from streamhub.wordforms.analysis import MAX_REMEMBERED

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


@dataclass(frozen=True, slots=True)
class Sound:
    """A word or several, as heard in one go.

    Attributes:
        letters: small, without accents, spaces and punctuation; umlauts as ``ae oe ue``.
        german, english: codes of its sound; empty where nothing can be spoken.
    """

    letters: str
    german: str
    english: str


@lru_cache(maxsize=MAX_REMEMBERED)
def sound_of(text: str) -> Sound:
    """How a text sounds, whatever its spaces and hyphens."""
    letters = squash(text)
    plain = "".join(one for one in letters if "a" <= one <= "z")
    german = "".join(code for _, code in cologne_phonetics.encode(plain)) if plain else ""
    return Sound(letters, german, jellyfish.metaphone(plain))


def squash(text: str) -> str:
    """Letters and digits alone, small, without accents; umlauts as ``ae oe ue``."""
    spelled = unicodedata.normalize("NFC", text).lower().translate(_UMLAUTS)
    return "".join(one for one in unicodedata.normalize("NFKD", spelled) if one.isalnum())


def likeness_of_letters(left: Sound, right: Sound) -> float:
    """How alike they are written, 0 to 1."""
    return likeness(left.letters, right.letters)


def likeness_of_sounds(left: Sound, right: Sound) -> float:
    """The same for how they sound, to the ear to which they are more alike."""
    return max(likeness(left.german, right.german), likeness(left.english, right.english))


def likeness(left: str, right: str) -> float:
    """1 for the same letters, 0 for none in common: Damerau and Levenshtein's distance over the longer one."""
    longer = max(len(left), len(right))
    return 1 - jellyfish.damerau_levenshtein_distance(left, right) / longer if left and right else 0.0
