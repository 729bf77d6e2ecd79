"""Chapters of a video as lines of its description, by the rules of the platform that reads them there. Pure.

Owns the cleaning of titles, the sums that make chapters long enough, and a check that knows nothing of how they are
made. The rules: the first at 0:00, at least three, ascending, each at least ten seconds, one a line with its time
first. One bad line and all of them are ignored there, without a word; so nothing that fails the check is written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from streamhub.live.video import Chapter
from streamhub.timecode import format_clock

LEAST_CHAPTERS = 3
LEAST_LENGTH_S = 10
TITLE_LENGTH = 100
DESCRIPTION_BYTES = 5_000
"""Counted in UTF-8, which is the stricter reading of the limit."""

_LOOKALIKES = str.maketrans({"<": "‹", ">": "›"})
_JOINERS = "\u200c\u200d"
_TIME = re.compile(r"(?<!\d)(\d{1,3}):(?=\d{2}(?!\d))")
_BLANK = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})


class ChapterRule(StrEnum):
    """A rule that a description can break."""

    FIRST = "first not at 0:00"
    FEW = "fewer than 3"
    ORDER = "not after the one before"
    SHORT = "shorter than 10 s"
    TIME = "no time"
    TITLE = "no title"
    LONG_TITLE = "title over 100 characters"
    SECOND_TIME = "a second time"
    CHARACTER = "forbidden character"
    LENGTH = "over 5000 bytes"


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokenRule:
    """A rule that a line breaks.

    Attributes:
        line: number of the line, from 1; 0 for the whole text.
        rule: which.
        text: the line.
    """

    line: int
    rule: ChapterRule
    text: str = ""


def clean_title(text: str, *, max_length: int = TITLE_LENGTH) -> str:
    """A title that can stand in a chapter's line: plain, one line, no hidden characters; empty if nothing is left.

    Times inside it lose their colon, because a second time in a line is one too many; and what a viewer typed must not
    pass for the marker by which a broadcast is found.
    """
    plain = "".join(_plain(character) for character in unicodedata.normalize("NFC", text))
    flat = " ".join(plain.translate(_LOOKALIKES).split()).strip(_JOINERS + " ").replace("[sh:", "(sh:")
    while (undone := _TIME.sub(r"\1.", flat)) != flat:
        flat = undone
    return cut_title(flat, max_length=max_length)


def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf":
        return character if character in _JOINERS else ""
    return " " if category in _BLANK else character


def cut_title(text: str, *, max_length: int) -> str:
    """The beginning of a title, cut between words, with an ellipsis where something is missing."""
    if len(text) <= max_length:
        return text
    head = text[: max_length - 1]
    if text[max_length - 1] != " " and " " in head:
        head = head.rsplit(" ", 1)[0]
    return head.rstrip(" ,;:–-" + _JOINERS) + "…"


def plan_chapters(points: Iterable[Chapter], *, duration_ms: int, opening: str) -> tuple[Chapter, ...]:
    """Chapters that last long enough: what is too short is joined to the one before it.

    Args:
        points: where something begins, in any order, titles as they come.
        duration_ms: of the video; 0 while unknown.
        opening: title of what lies before the first point.

    Returns:
        Chapters in whole seconds, the first at 0; perhaps too few to be of use.
    """
    last_s = duration_ms // 1000 - LEAST_LENGTH_S if duration_ms else None
    chapters: list[Chapter] = []
    for point in sorted(points, key=lambda point: (point.at_ms, point.title)):
        title, at_s = clean_title(point.title), max(0, point.at_ms) // 1000
        if not title:
            continue
        if not chapters and at_s >= LEAST_LENGTH_S:
            chapters.append(Chapter(at_ms=0, title=clean_title(opening)))
        too_late = last_s is not None and at_s > last_s
        if not chapters:
            chapters.append(Chapter(at_ms=0, title=title))
        elif too_late or at_s - chapters[-1].at_ms // 1000 < LEAST_LENGTH_S:
            chapters[-1] = _join(chapters[-1], title)
        else:
            chapters.append(Chapter(at_ms=at_s * 1000, title=title))
    return tuple(chapters)


def _join(chapter: Chapter, title: str) -> Chapter:
    both = f"{chapter.title} · {title}"
    return Chapter(at_ms=chapter.at_ms, title=both) if len(both) <= TITLE_LENGTH else chapter


def format_chapter(chapter: Chapter) -> str:
    """The line of a chapter: ``2:10 Title`` or ``1:02:10 Title``."""
    return f"{format_clock(chapter.at_ms)} {chapter.title}"


# --- the check; it shares nothing with the above but the numbers

_STAMP = re.compile(r"\s*(?P<time>\d+(?::\d+)+)(?P<rest>.*)", re.DOTALL)
_WELL_FORMED = re.compile(r"(?:[1-9]\d?:[0-5]\d|[0-5]?\d):[0-5]\d")


def check_chapters(text: str, *, duration_ms: int = 0) -> list[BrokenRule]:
    """What is wrong with the chapters in a whole description; a text without any line that begins with a time is fine.

    Args:
        text: the whole description, for a line elsewhere that begins with a time spoils the chapters too.
        duration_ms: of the video; 0: not known, so that the last chapter's length is not looked at.
    """
    broken = []
    if len(text.encode("utf-8", "surrogatepass")) > DESCRIPTION_BYTES:
        broken.append(BrokenRule(line=0, rule=ChapterRule.LENGTH))
    found: list[tuple[int, int, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if match := _STAMP.match(line):
            broken += [
                BrokenRule(line=number, rule=rule, text=line) for rule in _check_line(match["time"], match["rest"])
            ]
            found.append((number, _seconds(match["time"]), line))
    return sorted([*broken, *_check_order(found, duration_ms)], key=lambda one: one.line) if found else broken


def _seconds(time: str) -> int:
    total = 0
    for part in time.split(":"):
        total = total * 60 + int(part)
    return total


def _check_line(time: str, rest: str) -> list[ChapterRule]:
    title = rest.strip()
    checks = [
        (ChapterRule.TIME, not _WELL_FORMED.fullmatch(time) or not rest.startswith(" ")),
        (ChapterRule.TITLE, not title),
        (ChapterRule.LONG_TITLE, len(title) > TITLE_LENGTH),
        (ChapterRule.SECOND_TIME, bool(re.search(r"\d:\d\d", title))),
        (ChapterRule.CHARACTER, any(_is_forbidden(character) for character in rest)),
    ]
    return [rule for rule, breaks in checks if breaks]


def _is_forbidden(character: str) -> bool:
    kind = unicodedata.category(character)
    hidden = kind in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} and character not in "\u200c\u200d"
    return hidden or character in "<>"


def _check_order(found: Sequence[tuple[int, int, str]], duration_ms: int) -> list[BrokenRule]:
    broken = []
    if found[0][1] != 0:
        broken.append(BrokenRule(line=found[0][0], rule=ChapterRule.FIRST, text=found[0][2]))
    if len(found) < 3:
        broken.append(BrokenRule(line=0, rule=ChapterRule.FEW))
    for before, after in pairwise(found):
        if after[1] <= before[1]:
            broken.append(BrokenRule(line=after[0], rule=ChapterRule.ORDER, text=after[2]))
        elif after[1] - before[1] < 10:
            broken.append(BrokenRule(line=before[0], rule=ChapterRule.SHORT, text=before[2]))
    if duration_ms and duration_ms / 1000 - found[-1][1] < 10:
        broken.append(BrokenRule(line=found[-1][0], rule=ChapterRule.SHORT, text=found[-1][2]))
    return broken
