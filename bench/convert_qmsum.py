"""Meetings of QMSum (JSON lines) as WebVTT with speakers, and their queries as questions with marks.

    python -m bench.convert_qmsum val.jsonl folder

Each line is a meeting: ``meeting_transcripts`` (turns of ``speaker`` and ``content``, without times) and
``specific_query_list`` (a query and the turns that answer it). Times are made up by counting words. Writes a folder per
meeting with ``captions.vtt``, ``questions.csv`` and ``marks.csv``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.turns import AskedQuestion, Turn, plain_line, plan_transcript, time_turns, write_questions
from streamhub.timecode import Span
from streamhub.transcript.vtt import format_vtt


def parse_turns(meeting: Mapping[str, Any]) -> list[Turn]:
    """One turn per entry, so that the queries' spans fit."""
    return [
        Turn(speaker=plain_line(turn["speaker"]), text=plain_line(turn["content"]) or "–")
        for turn in meeting["meeting_transcripts"]
    ]


def parse_queries(meeting: Mapping[str, Any], spans: Sequence[Span], *, prefix: str) -> list[AskedQuestion]:
    """The queries with the times of the turns that answer them, in order of the first."""
    asked = []
    for n, query in enumerate(meeting["specific_query_list"], 1):
        ranges = [(int(first), int(last)) for first, last in query["relevant_text_span"]]
        times = tuple((spans[a].start_ms, spans[min(b, len(spans) - 1)].end_ms) for a, b in ranges if a < len(spans))
        if times:
            asked.append(AskedQuestion(id=f"{prefix}-{n}", text=plain_line(query["query"]), spans=times))
    return sorted(asked, key=lambda one: one.spans)


def convert_qmsum(source: Path, folder: Path) -> list[tuple[Path, int]]:
    """Write every meeting; returns their folders and how many questions each has."""
    written = []
    for n, line in enumerate(source.read_text("utf-8").splitlines(), 1):
        meeting = json.loads(line)
        turns = parse_turns(meeting)
        spans = time_turns(turns)
        target = folder / f"qmsum-{source.stem}-{n}"
        target.mkdir()
        transcript = plan_transcript(turns, spans, language="en", source=f"{source.name}:{n}")
        (target / "captions.vtt").write_text(format_vtt(transcript), "utf-8")
        questions = parse_queries(meeting, spans, prefix=target.name)
        write_questions(questions, target)
        written.append((target, len(questions)))
    return written


if __name__ == "__main__":
    if len(sys.argv) == 3:
        for meeting_folder, count in convert_qmsum(Path(sys.argv[1]), Path(sys.argv[2])):
            print(meeting_folder, count)
    else:
        print(__doc__)
