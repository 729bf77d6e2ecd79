r"""A Changelog transcript (Markdown) as WebVTT with speakers, and the questions that were read aloud in it.

    python -m bench.convert_changelog go-time-68.md folder

The source has paragraphs ``**Speaker:** text``, paragraphs without a name by the same speaker, and every few minutes a
time as ``\[mm:ss\]``. Writes ``go-time-68.vtt``, and where a listener's question was read aloud (``Jamie asks
"..."``) ``questions.csv`` and ``marks.csv`` beside it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.turns import AskedQuestion, Turn, place_in, plain_line, plan_transcript, time_turns, write_questions
from streamhub.timecode import Span, parse_ms
from streamhub.transcript.vtt import format_vtt

_SPEAKER = re.compile(r"\*\*([^*\n]+):\*\*\s*")
_TIME = re.compile(r"\\\[((?:\d{1,2}:)?\d{1,2}:\d{2})(?:\.\d+)?\\\]\s*")
_INNER_TIME = re.compile(r"(\\\[\w+) [\d:.]+(\\\])")
_ASKED = re.compile(
    r"(?:(?P<asker>[A-Z][\w.]+(?: [A-Z][\w.]+)?)(?:['’]s)?,? (?:(?:on Twitter|also|who),? )*)?"
    r"(?:\basks?|(?<=who )says|question\b(?:[^\"“?!]{0,60}\bsays)?)"
    r"(?: the next question)?[ ,:-]*[\"“](?P<text>[^\"“”]{20,500})[\"”]"
)


def parse_changelog(text: str) -> list[Turn]:
    """The turns of a transcript, with the times that stand in it."""
    turns: list[Turn] = []
    speaker = ""
    for paragraph in text.splitlines():
        if named := _SPEAKER.match(paragraph):
            speaker = plain_line(named[1])
            paragraph = paragraph[named.end() :]
        elif paragraph.startswith(("**Break", "#", "---")):
            continue
        pieces = _TIME.split(_INNER_TIME.sub(r"\1\2", paragraph))
        for start, piece in zip(["", *pieces[1::2]], pieces[::2], strict=True):
            if plain := plain_line(piece):
                turns.append(Turn(speaker=speaker, text=plain, start_ms=parse_ms(start) if start else None))
    return turns


def find_asked(turns: Sequence[Turn], spans: Sequence[Span], *, prefix: str) -> list[AskedQuestion]:
    """Listeners' questions that somebody reads aloud, with the time of their first word."""
    found = [
        (one, place_in(turn, span, one.start()))
        for turn, span in zip(turns, spans, strict=True)
        for one in _ASKED.finditer(turn.text)
        if "?" in one["text"] or "question" in turn.text
    ]
    return [
        AskedQuestion(id=f"{prefix}-{n}", text=one["text"], asker=one["asker"] or "", spans=((start_ms, None),))
        for n, (one, start_ms) in enumerate(found, 1)
    ]


def convert_changelog(source: Path, folder: Path) -> tuple[Path, int]:
    """Write the captions, and questions with marks where there are some; returns the captions and how many."""
    turns = parse_changelog(source.read_text("utf-8"))
    spans = time_turns(turns)
    captions = folder / f"{source.stem}.vtt"
    captions.write_text(format_vtt(plan_transcript(turns, spans, language="en", source=source.name)), "utf-8")
    if questions := find_asked(turns, spans, prefix=source.stem):
        write_questions(questions, folder)
    return captions, len(questions)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(*convert_changelog(Path(sys.argv[1]), Path(sys.argv[2])))
    else:
        print(__doc__)
