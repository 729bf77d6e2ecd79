"""Text: slugs, ids, folding and the cleaning of what strangers typed.

Owns what a name looks like in a path and what a stranger's text may contain.
Refuses to know what the text is about; language analysis for search lives with the search index.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from streamhub.errors import BadInput

LANGUAGES = ("de", "en")
"""The languages that streamhub speaks."""

_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ẞ": "SS"})
_ID_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u, so no misreading and no words
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_EMAIL = re.compile(
    rf"[a-z0-9!#$%&'*+/=?^_`{{|}}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{{|}}~-]+)*@(?:{_LABEL}\.)+(?!\d+$){_LABEL}"
)
_SENTENCE_END = re.compile(r"""(?:(?<=[.!?…])|(?<=[.!?…]["“”»«')\]]))\s+(?=["„“»«'(\[]*[A-ZÄÖÜ0-9])""")
_ABBREVIATIONS = frozenset(
    [
        "z.b",
        "d.h",
        "u.a",
        "u.u",
        "o.ä",
        "i.d.r",
        "s.o",
        "s.u",
        "bzw",
        "ca",
        "evtl",
        "ggf",
        "inkl",
        "exkl",
        "max",
        "min",
        "nr",
        "vgl",
        "tel",
        "bzgl",
        "geb",
        "mio",
        "mrd",
        "sog",
        "dr",
        "prof",
        "hr",
        "fr",
        "dipl",
        "ing",
        "mr",
        "mrs",
        "ms",
        "vs",
        "e.g",
        "i.e",
        "approx",
    ]
)
_MONTHS = frozenset(
    [
        "januar",
        "februar",
        "marz",
        "april",
        "mai",
        "juni",
        "juli",
        "august",
        "september",
        "oktober",
        "november",
        "dezember",
        "january",
        "february",
        "march",
        "may",
        "june",
        "july",
        "october",
        "december",
    ]
)
_WINDOWS_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10))})

# Characters that reorder or hide text: bidi embeddings, overrides and isolates, zero-width ones, line separators.
_HIDDEN = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\u2028\u2029\ufeff]")

Random = Callable[[int], bytes]
"""A source of randomness: returns that many random bytes."""


def slugify(text: str, *, max_length: int = 60) -> str:
    """Make a lower-case ASCII path part from any text; umlauts become ``ae oe ue ss``; ``x`` if nothing is left."""
    spelled = text.translate(_GERMAN)
    ascii_text = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")
    if len(slug) > max_length:
        cut = slug[: max_length + 1]
        slug = (cut.rsplit("-", 1)[0] if "-" in cut else cut[:max_length]).strip("-")
    return f"{slug}-x" if slug in _WINDOWS_DEVICES else slug or "x"


def require_slug(text: str, *, what: str) -> str:
    """Return the text if it can stand in a path and an address as it is.

    Raises:
        BadInput: anything but lower-case letters, digits and single hyphens.
    """
    if len(text) > 120 or not _SLUG.fullmatch(text) or text in _WINDOWS_DEVICES:
        raise BadInput(f"{what} {text!r}: not usable in an address", hint=f"use {slugify(text)!r}")
    return text


def new_id(random: Random, *, length: int = 10) -> str:
    """Draw an id of ``length`` characters (5 bits each) that is safe in paths, addresses and speech."""
    bits = int.from_bytes(random((length * 5 + 7) // 8), "big")
    return "".join(_ID_ALPHABET[(bits >> (5 * n)) & 31] for n in range(length))


def clean_line(text: str, *, max_length: int, what: str) -> str:
    """Clean one line that a stranger typed: NFC, no control or hidden characters, single spaces.

    Raises:
        BadInput: nothing is left, or more than ``max_length`` characters.
    """
    return _require_length(" ".join(_strip_hidden(text).split()), max_length=max_length, what=what)


def clean_text(text: str, *, max_length: int, what: str) -> str:
    """Clean a text of several lines that a stranger typed; line breaks stay, at most one blank line in a row.

    Raises:
        BadInput: nothing is left, or more than ``max_length`` characters.
    """
    lines = (" ".join(line.split()) for line in _strip_hidden(text, keep="\n").split("\n"))
    return _require_length(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip(), max_length=max_length, what=what)


def _strip_hidden(text: str, *, keep: str = "") -> str:
    unified = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    visible = _HIDDEN.sub("", unified)
    return "".join(c if c in keep or unicodedata.category(c) not in {"Cc", "Cs", "Co", "Cn"} else " " for c in visible)


def _require_length(text: str, *, max_length: int, what: str) -> str:
    if not text:
        raise BadInput(f"{what}: empty", hint="write something")
    if len(text) > max_length:
        raise BadInput(f"{what}: {len(text)} characters, at most {max_length} allowed", hint="shorten it")
    return text


def clean_email(text: str) -> str:
    """An address for mail as we keep it: lower case, the domain in ASCII (IDNA), nothing but the bare address.

    Raises:
        BadInput: it is none that mail servers in general deliver to.
    """
    local, at, domain = text.strip().rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        ascii_domain = ""
    address = f"{local.lower()}@{ascii_domain}"
    if not at or len(address) > 254 or len(local) > 64 or not _EMAIL.fullmatch(address):
        raise BadInput("e-mail: this is no address for mail", hint="write it as name@example.org")
    return address


def fold(text: str) -> str:
    """Fold for comparison: lower case, no accents, ``ß`` as ``ss``, umlauts without dots, single spaces."""
    # Twice, because some letters get their plain form, capital or accented, only from the decomposition.
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text.casefold()).casefold())
    return " ".join("".join(c for c in decomposed if not unicodedata.combining(c)).split())


def words_of(text: str) -> list[str]:
    """The folded words of a text, in order; punctuation dropped, hyphens and apostrophes inside words kept."""
    return re.findall(r"\w+(?:[-'’]\w+)*", fold(text))


def split_sentences(text: str) -> list[str]:
    """Split running text at sentence ends that are followed by a capital, a digit or an opening quote."""
    return [part.strip() for part in _SENTENCE_END.split(text.strip()) if part.strip()]


def ends_sentence(word: str, following: str = "") -> bool:
    """Whether a sentence ends after this word (with its punctuation), seen together with the word that follows.

    Abbreviations (``z. B.``, ``Dr.``, ``e.g.``), single letters, German ordinals (``3. Oktober``) and a full stop
    before a small letter end nothing.
    """
    bare = word.rstrip("\"“”»«')]’")
    if not bare or bare[-1] not in ".!?…":
        return False
    if bare[-1] in "!?":
        return True
    stem = bare.lower().lstrip("(\"„“»«'[").rstrip(".…")
    if bare[-1] == "." and (stem in _ABBREVIATIONS or (len(stem) == 1 and stem.isalpha())):
        return False
    if stem.isdigit() and len(stem) <= 2 and fold(following).rstrip(".,") in _MONTHS:
        return False
    return not following[:1].islower()


def require_language(language: str, *, what: str) -> str:
    """Return the language if streamhub speaks it.

    Raises:
        BadInput: neither ``de`` nor ``en``.
    """
    if language not in LANGUAGES:
        raise BadInput(f"{what}: language {language!r}", hint=f"use one of {', '.join(LANGUAGES)}")
    return language
