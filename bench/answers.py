"""How well ranges of answers are found: sessions whose answers are known, with marks as hosts press them, and without.

Prints one table: start error (median, 90th percentile, share within 10 and 30 s), mean IoU of the ranges, F1 of found
questions (a range that begins within 30 s of the truth), for the labelled round tables and for sessions synthesised
from real transcripts. Marks, other words and recognisers' errors are simulated with fixed seeds. A question whose
answer has no known end counts for its start only.

Every session is by its hash in one of two halves (`bench.answer_cases`): weights and limits were chosen on one, the
table is of the other unless ``--half choosing`` is given.

    python -m bench.answers [--data ../shared/data] [--half scored|choosing] [--seeds 5] [--only TEXT]
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from bench.answer_cases import Case, load_cases
from bench.answer_noise import (
    MARKINGS,
    Marking,
    misheard,
    out_of_step,
    simulate_marks,
    with_other_words,
    without_speakers,
)
from streamhub.answers.rules import find_shift, plan_answers
from streamhub.timecode import Span
from streamhub.transcript.rules import move_captions

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
FOUND_MS = 30_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One question: how far off the start, how good the range (None where the truth has no end)."""

    error_ms: float
    iou: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """How the questions were typed and what was heard of them."""

    name: str
    change: Callable[[Case, Random], Case]


VARIANTS = (
    Variant(name="as asked", change=lambda case, _: case),
    Variant(
        name="as asked, no speakers", change=lambda case, _: replace(case, transcript=without_speakers(case.transcript))
    ),
    Variant(
        name="as asked, misheard",
        change=lambda case, random: replace(case, transcript=misheard(case.transcript, random)),
    ),
    Variant(name="other words", change=with_other_words),
)


def measure(case: Case, markings: Sequence[Marking], variant: Variant, seeds: int) -> Iterator[tuple[str, Outcome]]:
    """Outcomes over all questions and seeds, each with the name of its marking."""
    for seed in range(seeds):
        changed = variant.change(case, Random(f"{case.name} {seed}"))
        for marking in markings:
            random = Random(f"{case.name} {marking.name} {seed}")
            marks = simulate_marks(changed, marking, random)
            questions = list(changed.questions)
            if marking.shuffled:
                random.shuffle(questions)
            transcript = out_of_step(changed.transcript, marking.shift_ms)
            moved_ms = find_shift(changed.session, questions, marks, transcript)
            transcript = move_captions(transcript, moved_ms) if moved_ms else transcript  # as the pipeline does
            found = {answer.id: answer for answer in plan_answers(changed.session, questions, marks, transcript)}
            for key, (start_ms, end_ms) in case.truth.items():
                span = found[key].ranges[0] if found[key].ranges else None
                error_ms = abs(span.start_ms - start_ms) if span else float("inf")
                overlap = None if end_ms is None else iou(span, Span(start_ms, end_ms))
                yield marking.name, Outcome(error_ms=error_ms, iou=overlap)


def iou(found: Span | None, true: Span) -> float:
    """Intersection over union of two stretches."""
    if found is None:
        return 0.0
    shared_ms = found.overlap_ms(true)
    return shared_ms / (found.duration_ms + true.duration_ms - shared_ms)


def f1(outcomes: Sequence[Outcome]) -> float:
    """Of found questions: those that have a range against those that have the right one."""
    right = sum(one.error_ms <= FOUND_MS for one in outcomes)
    given = sum(one.error_ms != float("inf") for one in outcomes)
    return 2 * right / (given + len(outcomes)) if outcomes else 0.0


def row(name: str, outcomes: Sequence[Outcome]) -> str:
    """One line of the table."""
    errors_s = sorted(outcome.error_ms / 1000 for outcome in outcomes)
    ious = [outcome.iou for outcome in outcomes if outcome.iou is not None]
    p90 = errors_s[min(len(errors_s) - 1, int(0.9 * len(errors_s)))]
    within = [sum(error <= limit for error in errors_s) / len(errors_s) for limit in (10, 30)]
    return (
        f"{name:66} {len(outcomes):5d} {statistics.median(errors_s):7.2f} {p90:7.2f} {within[0]:7.3f} {within[1]:7.3f}"
        f" {statistics.fmean(ious):7.3f} {f1(outcomes):7.3f}"
    )


def table(cases: Iterable[Case], seeds: int, only: str = "") -> Iterator[str]:
    """The lines of the table: the labelled sessions and the real ones, by way of typing and of marking."""
    head = ("n", "median", "p90", "<=10 s", "<=30 s", "IoU", "F1")
    yield f"{'sessions, questions, marks (start error in s)':66} " + " ".join(
        f"{name:>{5 if name == 'n' else 7}}" for name in head
    )
    groups = {"labelled": [], "real": []}  # type: dict[str, list[Case]]
    for case in cases:
        groups["labelled" if case.kind == "labelled" else "real"].append(case)
    for group, members in groups.items():
        for variant in VARIANTS:
            names = {marking.name: f"{group}, {variant.name}, {marking.name}" for marking in MARKINGS}
            markings = [marking for marking in MARKINGS if only in names[marking.name]]
            outcomes = [one for case in members for one in measure(case, markings, variant, seeds)] if markings else []
            for marking in markings:
                yield row(names[marking.name], [outcome for name, outcome in outcomes if name == marking.name])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED, help="folder with roundtable and transcripts")
    parser.add_argument("--half", choices=("scored", "choosing"), default="scored")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", default="", help="only rows with this in their name")
    options = parser.parse_args()
    cases = [case for case in load_cases(options.data) if case.scored is (options.half == "scored")]
    print(f"{options.half} half: {', '.join(case.name for case in cases)}")
    for line in table(cases, options.seeds, options.only):
        print(line, flush=True)


if __name__ == "__main__":
    main()
