"""How well ranges of answers are found: round tables with known ranges, marks as hosts press them, and without marks.

Prints one table: start error (median, 90th percentile, share within 10 and 30 s) and mean IoU of the ranges, per
language, transcript (true words with and without speakers, or as recognised) and way of marking. Marks are simulated
with a fixed seed; the last question of a file has no known end and counts for its start only.

    python -m bench.answers --data ../shared/data/roundtable [--heard FOLDER_OF_VTT]
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from streamhub.answers.rules import plan_answers
from streamhub.live.mark import Mark, MarkKind
from streamhub.questions.question import Question, QuestionState
from streamhub.schedule.show import Participant, Role, Session
from streamhub.timecode import Span, add_ms
from streamhub.transcript.rules import interpolate_words
from streamhub.transcript.transcript import Cue, Transcript
from streamhub.transcript.vtt import parse_vtt

ZERO = datetime(2027, 3, 2, 19, 15, tzinfo=UTC)
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "roundtable"


@dataclass(frozen=True, kw_only=True, slots=True)
class Marking:
    """How a host presses "on air": so many seconds after the first word of the question, so regularly, so reliably."""

    name: str
    lag_s: float = 0.0
    sd_s: float = 0.0
    missing: float = 0.0


MARKINGS = (
    Marking(name="lag 6 s, sd 8 s", lag_s=6, sd_s=8),
    Marking(name="lag 6 s, sd 8 s, 20 % missing", lag_s=6, sd_s=8, missing=0.2),
    Marking(name="lag -1 s, sd 0.6 s (demo)", lag_s=-1, sd_s=0.6),
    Marking(name="no marks, order known", missing=1),
    Marking(name="no marks, order unknown", missing=1),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A round table with its truth."""

    session: Session
    questions: tuple[Question, ...]
    truth: dict[str, tuple[int, int | None]]
    transcript: Transcript


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One question: how far off the start, how good the range (None where the truth has no end)."""

    error_ms: float
    iou: float | None


def load_case(path: Path) -> Case:
    """A round table of the rehearsal kit as a session."""
    data: dict[str, Any] = json.loads(path.read_text("utf-8"))
    language = data.get("lang") or data["language"]
    names = dict.fromkeys(segment["speaker"] for segment in data["segments"])
    host = data["segments"][0]["speaker"]
    session = Session(
        id=f"2027-03-02-{language}",
        show_id="rounds",
        title="Round table",
        starts_at=ZERO,
        started_at=ZERO,
        language=language,
        participants=tuple(Participant(name=name, role=Role.HOST if name == host else Role.EXPERT) for name in names),
    )
    questions, truth = [], {}
    for number, entry in enumerate(data["questions"]):
        if entry.get("answered", True):
            key = f"q{number:02d}"
            state = QuestionState.ANSWERED_LIVE
            text = entry["text"]
            questions.append(
                Question(id=key, session_id=session.id, text=text, language=language, state=state, asked_at=ZERO)
            )
            truth[key] = _true_range(entry)
    cues = []
    for number, segment in enumerate(data["segments"], start=1):
        span = Span(_ms(segment, "start") or 0, _ms(segment, "end") or 0)
        words = interpolate_words(segment["text"], span)
        cues.append(Cue(id=f"c{number}", span=span, text=segment["text"], speaker=segment["speaker"], words=words))
    transcript = Transcript(language=language, cues=tuple(cues))
    truth = dict(sorted(truth.items(), key=lambda item: item[1][0]))
    return Case(session=session, questions=tuple(questions), truth=truth, transcript=transcript)


def _true_range(entry: dict[str, Any]) -> tuple[int, int | None]:
    if "question_start_ms" in entry:
        return entry["question_start_ms"], entry["answer_end_ms"]
    return _ms(entry, "start") or 0, _ms(entry, "end")


def _ms(entry: dict[str, Any], name: str) -> int | None:
    """A time of the rehearsal kit (seconds) or of the demo (milliseconds)."""
    if f"{name}_ms" in entry:
        return int(entry[f"{name}_ms"])
    return round(entry[name] * 1000) if name in entry else None


def simulate_marks(case: Case, marking: Marking, random: Random) -> list[Mark]:
    """Marks as the hub writes them: "on air" ends what was on air before; the last one is done at the end."""
    marks: list[Mark] = []
    on_air = ""
    pressed: list[tuple[int, str]] = []
    for key, (start_ms, _) in case.truth.items():
        lag_s = random.gauss(marking.lag_s, marking.sd_s)
        if random.random() >= marking.missing:
            pressed.append((max(0, start_ms + round(lag_s * 1000)), key))
    for at_ms, key in sorted(pressed):
        at = add_ms(ZERO, at_ms)
        if on_air:
            marks.append(Mark(session_id=case.session.id, question_id=on_air, kind=MarkKind.DONE, at=at))
        marks.append(Mark(session_id=case.session.id, question_id=key, kind=MarkKind.ON_AIR, at=at))
        on_air = key
    return marks


def measure(case: Case, marking: Marking, seeds: int, lag_s: float) -> Iterator[Outcome]:
    """Outcomes over all questions and seeds."""
    for seed in range(seeds if marking.missing < 1 or "unknown" in marking.name else 1):
        random = Random(seed)
        marks = simulate_marks(case, marking, random)
        questions = list(case.questions)
        if "unknown" in marking.name:
            random.shuffle(questions)
        found = {a.id: a for a in plan_answers(case.session, questions, marks, case.transcript, lag_s=lag_s)}
        for key, (start_ms, end_ms) in case.truth.items():
            span = found[key].ranges[0] if found[key].ranges else None
            error_ms = abs(span.start_ms - start_ms) if span else float("inf")
            yield Outcome(error_ms=error_ms, iou=None if end_ms is None else iou(span, Span(start_ms, end_ms)))


def iou(found: Span | None, true: Span) -> float:
    """Intersection over union of two stretches."""
    if found is None:
        return 0.0
    shared_ms = found.overlap_ms(true)
    return shared_ms / (found.duration_ms + true.duration_ms - shared_ms)


def row(name: str, outcomes: Sequence[Outcome]) -> str:
    """One line of the table."""
    errors_s = sorted(outcome.error_ms / 1000 for outcome in outcomes)
    ious = [outcome.iou for outcome in outcomes if outcome.iou is not None]
    p90 = errors_s[min(len(errors_s) - 1, int(0.9 * len(errors_s)))]
    within = [sum(error <= limit for error in errors_s) / len(errors_s) for limit in (10, 30)]
    return (
        f"{name:58} {statistics.median(errors_s):7.2f} {p90:7.2f} {within[0]:7.2f} {within[1]:7.2f}"
        f" {statistics.fmean(ious):7.3f} {sum(one >= 0.7 for one in ious) / len(ious):7.2f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED, help="folder with roundtable_*.json")
    parser.add_argument("--heard", type=Path, help="folder with <language>.vtt as a recogniser heard them")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--lag", type=float, default=6.0, help="configured lag of the host in seconds")
    options = parser.parse_args()
    head = ("median", "p90", "<=10 s", "<=30 s", "IoU", "IoU>=.7")
    print(f"{'language, transcript, marks (start error in s)':58} " + " ".join(f"{name:>7}" for name in head))
    for path in sorted(options.data.glob("roundtable_*.json")):
        case = load_case(path)
        plain = replace(case.transcript, cues=tuple(replace(cue, speaker="", words=()) for cue in case.transcript.cues))
        transcripts = {"speakers": case.transcript, "no speakers": plain}
        heard = options.heard / f"{case.session.language}.vtt" if options.heard else None
        if heard and heard.is_file():
            transcripts["recognised"] = parse_vtt(heard.read_text("utf-8"), heard.name)
        for kind, transcript in transcripts.items():
            for marking in MARKINGS:
                outcomes = list(measure(replace(case, transcript=transcript), marking, options.seeds, options.lag))
                print(row(f"{case.session.language}, {kind}, {marking.name}", outcomes), flush=True)


if __name__ == "__main__":
    main()
