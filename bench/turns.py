"""Turns of a text transcript, put on a clock: what the converters share.

Owns how times that a source does not have are made up: evenly by words between the times that it has, at the rate of
the rest where it has none. Refuses to know the sources' formats. Not a benchmark: run by itself it does nothing.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from streamhub.text import split_sentences
from streamhub.timecode import Span, format_ms
from streamhub.transcript.transcript import Cue, Maker, Transcript

MS_PER_WORD = 375
"""160 words a minute, a lively conversation; counts only where the source has no time at all."""
MAX_CUE_WORDS = 40
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)\s]*\)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """Somebody speaks.

    Attributes:
        speaker: name, or empty.
        text: plain text in one line.
        start_ms: where the source says it; else None.
    """

    speaker: str
    text: str
    start_ms: int | None = None

    @property
    def words(self) -> int:
        """How long it takes to say, in words."""
        return max(1, len(self.text.split()))


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedQuestion:
    """A question with where it is on air; ``end_ms`` is None when the next one ends it."""

    id: str
    text: str
    asker: str = ""
    spans: tuple[tuple[int, int | None], ...]


def plain_line(text: str) -> str:
    """Markdown's links as their words, in one line without escapes."""
    return " ".join(_LINK.sub(r"\1", text).replace("\\", "").replace("*", "").split())


def time_turns(turns: Sequence[Turn], *, end_ms: int | None = None) -> list[Span]:
    """Give every turn a span: by words between the known times, which must not run backwards."""
    before = [0]
    for turn in turns:
        before.append(before[-1] + turn.words)
    known = {0: 0} | {before[n]: turn.start_ms for n, turn in enumerate(turns) if turn.start_ms is not None}
    words, ms = max(known.items())
    rate = ms / words if words else MS_PER_WORD
    known.setdefault(before[-1], end_ms if end_ms is not None else ms + round((before[-1] - words) * rate))
    anchors = sorted(known.items())
    if [at for _, at in anchors] != sorted(at for _, at in anchors):
        raise ValueError(f"times run backwards: {anchors}")
    edges: list[int] = []
    at = 0
    for place in before:
        while at < len(anchors) - 2 and anchors[at + 1][0] <= place:
            at += 1
        (words, ms), (next_words, next_ms) = anchors[at], anchors[at + 1]
        edges.append(ms + (next_ms - ms) * (place - words) // (next_words - words))
    return [Span(start, end) for start, end in pairwise(edges)]


def place_in(turn: Turn, span: Span, characters: int) -> int:
    """When the word at that character of a turn is said, in milliseconds."""
    return span.start_ms + span.duration_ms * len(turn.text[:characters].split()) // turn.words


def plan_transcript(turns: Sequence[Turn], spans: Sequence[Span], *, language: str, source: str) -> Transcript:
    """Sentences as cues, each by one speaker; very long ones in parts."""
    cues: list[Cue] = []
    for turn, span in zip(turns, spans, strict=True):
        said = 0
        for part in _parts(turn.text):
            start_ms = span.start_ms + span.duration_ms * said // turn.words
            said += len(part.split())
            end_ms = span.start_ms + span.duration_ms * said // turn.words
            cue = Cue(id=f"c{len(cues) + 1}", span=Span(start_ms, end_ms), text=part, speaker=turn.speaker)
            cues.append(cue)
    return Transcript(language=language, cues=tuple(cues), made_by=Maker.PERSON, made_with=source)


def write_questions(questions: Iterable[AskedQuestion], folder: Path) -> tuple[Path, Path]:
    """Write ``questions.csv`` and ``marks.csv`` as `streamhub import` reads them."""
    asked = list(questions)
    names = folder / "questions.csv", folder / "marks.csv"
    with names[0].open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "question", "asker"), *((q.id, q.text, q.asker) for q in asked)])
    with names[1].open("w", encoding="utf-8", newline="") as file:
        rows = [(q.id, format_ms(a), format_ms(b) if b is not None else "") for q in asked for a, b in q.spans]
        csv.writer(file).writerows([("question", "start", "end"), *rows])
    return names


def _parts(text: str) -> list[str]:
    sentences = (sentence.split() for sentence in split_sentences(text))
    return [" ".join(s[n : n + MAX_CUE_WORDS]) for s in sentences for n in range(0, len(s), MAX_CUE_WORDS)]
