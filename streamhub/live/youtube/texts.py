"""Texts as YouTube takes them: titles, descriptions, our marker.

Owns the limits, what a hostile title becomes, and where the marker stands. Pure. Refuses to know which broadcast a
text belongs to.

YouTube allows 1 to 100 characters in a title and 5000 in a description and no angle brackets in either. What it counts
as a character is not published, and `videos` limits the description in bytes; so titles are measured in UTF-16 units
and descriptions in bytes of UTF-8, the strictest reading of each.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

MOST_TITLE_UNITS = 100
MOST_STREAM_TITLE_UNITS = 128
MOST_DESCRIPTION_BYTES = 5000

_MARKER = re.compile(r"\[sh:([0-9a-z]{1,40})\]")
_MARKER_LINE = re.compile(r"\n*[ \t]*\[sh:[0-9a-z]{1,40}\][ \t]*(?=\n|\Z)")
_BRACKETS = str.maketrans({"<": "‹", ">": "›"})
_JOINER = "\u200d"
# Marks that reorder text, hide it or break lines; the joiners inside emoji and words stay.
_HIDDEN = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
_NO_CHARACTERS = re.compile("[\ufdd0-\ufdef\ufffe\uffff]|[\U0001fffe\U0001ffff]")
_MOST_MARKS = 4
"""Combining marks on one letter; what piles up higher is there to break a page."""


def clean_title(title: str, *, fallback: str, part: int = 1, most_units: int = MOST_TITLE_UNITS) -> str:
    """A title as YouTube takes it: one line, no angle brackets, nothing hidden, never longer than it may be.

    Args:
        title: as the host wrote it.
        fallback: what it is called when nothing is left; plain and short.
        part: from 2 on, its number stands behind the title.
        most_units: the limit, in UTF-16 units.
    """
    suffix = f" ({part})" if part > 1 else ""
    line = " ".join(_clean(title).split()).strip(_JOINER + " ")
    visible = any(unicodedata.category(character)[0] in "LNPS" for character in line)
    return _shorten(line if visible else "", most_units - len(suffix), _count_units, fallback=fallback) + suffix


def compose_description(text: str, marker: str) -> str:
    """A description as YouTube takes it, with our marker as its last line whatever the text's length."""
    last = f"[sh:{marker}]"
    plain = _clean(text, keep="\n")
    while (unmarked := _MARKER.sub("", plain)) != plain:  # what is left around one may be one again
        plain = unmarked
    lines = (line.strip() for line in plain.split("\n"))
    body = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    body = _shorten(body, MOST_DESCRIPTION_BYTES - len(last) - 2, _count_bytes, fallback="")
    return f"{body}\n\n{last}" if body else last


def find_markers(text: str) -> tuple[str, ...]:
    """The markers of hubs that stand in a text, in order."""
    return tuple(_MARKER.findall(text))


def strip_marker(text: str) -> str:
    """A text without markers and without the blanks around it: what a person sees of it."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    return "\n".join(line.rstrip() for line in _MARKER_LINE.sub("", unified).strip().split("\n"))


def clean_line(text: str) -> str:
    """One line of what YouTube says, safe to be shown."""
    return " ".join(_clean(text).split())


def _clean(text: str, *, keep: str = "") -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    plain = _NO_CHARACTERS.sub("", _HIDDEN.sub("", lines)).translate(_BRACKETS)
    shown = "".join(c if c in keep or unicodedata.category(c) not in {"Cc", "Cs", "Co"} else " " for c in plain)
    return "".join(_thin_marks(unicodedata.normalize("NFC", shown)))


def _thin_marks(text: str) -> Iterator[str]:
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        if marks <= _MOST_MARKS:
            yield character


def _shorten(text: str, most: int, count: Callable[[str], int], *, fallback: str) -> str:
    """The text, cut at the end of a word or at least of a visible character when it is too long."""
    if count(text) <= most and text:
        return text
    room = most - count("…")
    kept: list[str] = []
    for cluster in split_clusters(text):
        room -= count(cluster)
        if room < 0:
            break
        kept.append(cluster)
    whole = "".join(kept).rstrip()
    head, blank, tail = whole.rpartition(" ")
    if blank and len(tail) <= 20:
        whole = head.rstrip()
    return f"{whole}…" if whole else fallback


def split_clusters(text: str) -> list[str]:
    """Split a text into what a person sees as one character: a letter with its marks, an emoji with its parts.

    Simplified from Unicode's UAX 29: marks, joiners, skin tones, tags of flags, pairs of regional letters.
    """
    clusters: list[str] = []
    for character in text:
        if clusters and _continues(clusters[-1], character):
            clusters[-1] += character
        else:
            clusters.append(character)
    return clusters


def _continues(cluster: str, character: str) -> bool:
    if cluster.endswith("\n") or character == "\n":
        return False
    if cluster.endswith(_JOINER) and len(cluster) > 1:
        return True
    code = ord(character)
    if unicodedata.category(character) in {"Mn", "Me", "Mc"} or character in {_JOINER, "\u200c"}:
        return True
    if 0x1F3FB <= code <= 0x1F3FF or 0xE0020 <= code <= 0xE007F:
        return True
    return _is_regional(character) and len(cluster) == 1 and _is_regional(cluster)


def _is_regional(character: str) -> bool:
    return 0x1F1E6 <= ord(character) <= 0x1F1FF


def _count_units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _count_bytes(text: str) -> int:
    return len(text.encode())
