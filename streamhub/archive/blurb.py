"""The description of a video: our block between two marker lines, and nothing else of it. Pure.

Owns the marker lines, where the block stands, and what may be in it. Everything outside the block is a person's and
stays byte for byte; a last line like ``[sh:…]`` belongs to whoever plans the broadcasts and stays the last.
Refuses to know who reads and writes descriptions.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from streamhub.archive.chapters import (
    DESCRIPTION_BYTES,
    LEAST_CHAPTERS,
    TITLE_LENGTH,
    ChapterRule,
    check_chapters,
    cut_title,
    format_chapter,
)
from streamhub.live.problem import Problem, ProblemCode
from streamhub.live.video import Chapter

OPEN_LINE = "— streamhub —"
CLOSE_LINE = "— /streamhub —"
_TITLE_LENGTHS = (TITLE_LENGTH, 80, 60, 45, 30)
_MARKER = re.compile(r"\[sh:[^\]\n]*\]\s*")
_TIMED = re.compile(r"\d+:\d\d")
_LINK_WORDS: Mapping[str, str] = {
    "de": "Alle Fragen und Antworten zum Nachlesen:",
    "en": "All questions and answers, to read:",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class DescriptionChange:
    """What becomes of a description.

    Attributes:
        before, after: the whole text.
        added, removed: lines, as a host is shown them.
    """

    before: str
    after: str
    added: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def changes(self) -> bool:
        """Whether anything is to be written."""
        return self.before != self.after


@dataclass(frozen=True, kw_only=True, slots=True)
class DescriptionPlan:
    """A change and what keeps it from being more.

    Attributes:
        change: what is to be written.
        problem: why there are no chapters, or nothing of ours at all; None when all is well.
    """

    change: DescriptionChange
    problem: Problem | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Blurb:
    """What we want to say below a video.

    Attributes:
        link: address of the session's page; empty: there is none.
        chapters: of the video; perhaps too few.
        language: of the words around them.
        duration_ms: of the video; 0 while unknown.
    """

    link: str = ""
    chapters: tuple[Chapter, ...] = ()
    language: str = "de"
    duration_ms: int = 0


def plan_description(there: str, block: str) -> DescriptionChange:
    """Put a block into a description, in place of ours if there is one; an empty block takes ours out."""
    head, tail = _split(there)
    if head is None:
        head, tail = _place(there)
        after = there if not block else _insert(head, block, tail)
    elif block:
        after = head + block + tail
    else:
        after = _close_gap(head, tail)
    before_lines, after_lines = there.split("\n"), after.split("\n")
    diff = list(difflib.ndiff(before_lines, after_lines))
    return DescriptionChange(
        before=there,
        after=after,
        added=tuple(line[2:] for line in diff if line.startswith("+ ")),
        removed=tuple(line[2:] for line in diff if line.startswith("- ")),
    )


def plan_blurb(there: str, blurb: Blurb, details: Mapping[str, str]) -> DescriptionPlan:
    """The description with our block as it should be: titles are shortened first, then chapters are left out.

    Args:
        there: the whole description as it is there.
        blurb: what we want to say.
        details: what problems are filled with.
    """
    bare = plan_description(there, _block(replace(blurb, chapters=())))
    if len(blurb.chapters) < LEAST_CHAPTERS:
        reason = f"{len(blurb.chapters)} < {LEAST_CHAPTERS}"
        few = Problem(code=ProblemCode.CHAPTERS_INVALID, details={**details, "reason": reason})
        return _fitting(bare, few, there, details)
    for length in _TITLE_LENGTHS:
        change = plan_description(there, _block(replace(blurb, chapters=_shortened(blurb.chapters, length))))
        broken = check_chapters(change.after, duration_ms=blurb.duration_ms)
        if not broken:
            return DescriptionPlan(change=change)
        if any(one.rule is not ChapterRule.LENGTH for one in broken):
            return _fitting(bare, _clash(there, broken[0].text, details), there, details)
    return _fitting(bare, Problem(code=ProblemCode.DESCRIPTION_FULL, details=details), there, details)


def plan_takeout(there: str, blurb: Blurb) -> DescriptionChange:
    """The description with nothing new in our block, and without what we do not want to say any more."""
    head, tail = _split(there)
    if head is None:
        return plan_description(there, "")
    wanted = {line for length in _TITLE_LENGTHS for line in _lines(blurb, length)}
    kept = [line for line in there[len(head) : len(there) - len(tail)].split("\n")[1:-1] if line in wanted]
    change = plan_description(there, _wrap(kept))
    if not check_chapters(change.after, duration_ms=blurb.duration_ms):
        return change
    return plan_description(there, _wrap([line for line in kept if not _TIMED.match(line)]))


def _fitting(change: DescriptionChange, problem: Problem, there: str, details: Mapping[str, str]) -> DescriptionPlan:
    """The change if it fits; else nothing of ours."""
    if len(change.after.encode("utf-8", "surrogatepass")) <= DESCRIPTION_BYTES:
        return DescriptionPlan(change=change, problem=problem)
    full = Problem(code=ProblemCode.DESCRIPTION_FULL, details=details)
    return DescriptionPlan(change=plan_description(there, ""), problem=full)


def _clash(there: str, line: str, details: Mapping[str, str]) -> Problem:
    """A line of the person's begins with a time."""
    own = plan_description(there, "").after
    clashing = next((one for one in own.split("\n") if _TIMED.match(one.strip())), line)
    return Problem(code=ProblemCode.CHAPTERS_CLASH, details={**details, "line": cut_title(clashing, max_length=60)})


def _shortened(chapters: Sequence[Chapter], length: int) -> tuple[Chapter, ...]:
    return tuple(replace(chapter, title=cut_title(chapter.title, max_length=length)) for chapter in chapters)


def _lines(blurb: Blurb, length: int = TITLE_LENGTH) -> list[str]:
    link = [f"{_LINK_WORDS.get(blurb.language, _LINK_WORDS['en'])} {blurb.link}"] if blurb.link else []
    return [*link, *map(format_chapter, _shortened(blurb.chapters, length))]


def _block(blurb: Blurb) -> str:
    return _wrap(_lines(blurb))


def _wrap(lines: Sequence[str]) -> str:
    return "\n".join([OPEN_LINE, *lines, CLOSE_LINE]) if lines else ""


# --- where the block is


def _split(text: str) -> tuple[str | None, str]:
    """What stands before and after our block; None when there is none.

    Without its last line, of which somebody may have thought nothing, the block ends before the next empty line.
    """
    lines = text.split("\n")
    plain = [line.strip() for line in lines]
    if OPEN_LINE not in plain:
        return None, text
    first = plain.index(OPEN_LINE)
    if CLOSE_LINE in plain[first:]:
        last = plain.index(CLOSE_LINE, first)
    else:
        ends = (n for n in range(first + 1, len(lines)) if not plain[n] or _MARKER.fullmatch(lines[n]))
        last = next(ends, len(lines)) - 1
    head = "".join(f"{line}\n" for line in lines[:first])
    return head, "".join(f"\n{line}" for line in lines[last + 1 :])


def _place(text: str) -> tuple[str, str]:
    """Cut a description where our block goes: before the last line if that is a marker, else at the end."""
    lines = text.rstrip().split("\n")
    if not _MARKER.fullmatch(lines[-1]):
        return text, ""
    at = sum(len(line) + 1 for line in lines[:-1])
    return text[:at], text[at:]


def _insert(head: str, block: str, tail: str) -> str:
    if tail:
        return f"{head}{block}\n\n{tail}"
    return f"{head}\n\n{block}" if head else block


def _close_gap(head: str, tail: str) -> str:
    """Take the empty line away that came with the block."""
    if tail:
        return head + tail.removeprefix("\n").removeprefix("\n")
    return head.removesuffix("\n").removesuffix("\n")
