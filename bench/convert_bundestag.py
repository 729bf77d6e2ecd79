"""The minutes of a question time in the Bundestag (JSON of OpenParliamentTV) as WebVTT with speakers.

    python -m bench.convert_bundestag bundestag_19010_fragestunde.json folder

The source is a list of speeches, each with ``duration`` in seconds and ``turns`` of ``sp`` (speaker) and ``text``. The
turns of a whole agenda item stand with its first speech; those after it have only durations, and the last may repeat
turns that were there. So turns are spread by their words over the durations up to the next speech with new turns.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.turns import Turn, plain_line, plan_transcript, time_turns
from streamhub.transcript.vtt import format_vtt


def parse_bundestag(speeches: Sequence[Mapping[str, Any]]) -> tuple[list[Turn], int]:
    """Turns, those that begin an agenda item with their time, and the end of all in milliseconds."""
    turns: list[Turn] = []
    seen: set[tuple[str, str]] = set()
    start_s = 0.0
    for speech in speeches:
        said = [(plain_line(turn["sp"]), plain_line(turn["text"])) for turn in speech["turns"]]
        fresh = [Turn(speaker=who, text=text) for who, text in said if text]
        if fresh and not _is_repeated(said, seen):
            turns += [replace(fresh[0], start_ms=round(start_s * 1000)), *fresh[1:]]
            seen.update(said)
        start_s += speech["duration"]
    return turns, round(start_s * 1000)


def _is_repeated(said: Sequence[tuple[str, str]], seen: set[tuple[str, str]]) -> bool:
    return 2 * sum(one in seen for one in said) > len(said)


def convert_bundestag(source: Path, folder: Path) -> Path:
    """Write the captions and return their file."""
    turns, end_ms = parse_bundestag(json.loads(source.read_text("utf-8")))
    transcript = plan_transcript(turns, time_turns(turns, end_ms=end_ms), language="de", source=source.name)
    captions = folder / f"{source.stem}.vtt"
    captions.write_text(format_vtt(transcript), "utf-8")
    return captions


if __name__ == "__main__":
    print(convert_bundestag(Path(sys.argv[1]), Path(sys.argv[2])) if len(sys.argv) == 3 else __doc__)
