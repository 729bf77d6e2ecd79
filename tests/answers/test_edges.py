"""The edges of answers on a fixed set: no change may make them worse, whatever hosts press and captions do."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamhub.answers.answer import Answer
from streamhub.answers.rules import find_shift, plan_answers
from streamhub.answers.sentences import sentences_of
from streamhub.live.mark import Mark
from streamhub.questions.question import Asker, Shown
from streamhub.timecode import Span, add_ms, ms_between
from streamhub.transcript.rules import move_captions
from streamhub.transcript.transcript import Transcript

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from bench.answer_cases import Case, load_round_table, read_case  # noqa: E402
from bench.answer_noise import MARKINGS, Marking, misheard, out_of_step, simulate_marks, without_speakers  # noqa: E402
from bench.answers import iou  # noqa: E402

REAL = [read_case(path) for path in sorted((ROOT / "tests" / "data" / "answers").glob("*.json"))]
DEMO = [load_round_table(path) for path in sorted((ROOT / "streamhub" / "demo").glob("roundtable_*.json"))]
CASES = REAL + DEMO
QUIET = next(one for one in MARKINGS if one.name.startswith("marks: lag 6 s"))


def plan(case: Case, marks: Sequence[Mark], transcript: Transcript | None = None) -> dict[str, Answer]:
    answers = plan_answers(case.session, case.questions, marks, transcript or case.transcript)
    return {answer.id: answer for answer in answers}


def scored(
    cases: Sequence[Case], marking: Marking, change: Callable[[Transcript], Transcript]
) -> tuple[list[float], float]:
    """Start errors in seconds and the mean IoU."""
    errors_s, overlaps = [], []
    for case in cases:
        marks = simulate_marks(case, marking, Random(case.name))
        heard = out_of_step(change(case.transcript), marking.shift_ms)
        if shift_ms := find_shift(case.session, case.questions, marks, heard):
            heard = move_captions(heard, shift_ms)
        found = plan(case, marks, heard)
        for key, (start_ms, end_ms) in case.truth.items():
            span = found[key].ranges[0] if found[key].ranges else None
            errors_s.append(abs(span.start_ms - start_ms) / 1000 if span else float("inf"))
            if end_ms is not None:
                overlaps.append(iou(span, Span(start_ms, end_ms)))
    return errors_s, statistics.fmean(overlaps)


@pytest.mark.parametrize("marking", [one for one in MARKINGS if not one.shift_ms], ids=lambda one: one.name)
def test_edges_are_right_on_the_fixed_set(marking: Marking) -> None:
    """Marks late, early, missing, doubled, in the wrong order or none: questions spoken as asked are found."""
    errors_s, overlap = scored(REAL, marking, lambda transcript: transcript)
    assert statistics.median(errors_s) <= 0.5
    assert max(errors_s) <= 30
    assert overlap >= 0.8


@pytest.mark.parametrize("marking", [one for one in MARKINGS if one.shift_ms], ids=lambda one: one.name)
def test_captions_out_of_step_are_moved(marking: Marking) -> None:
    """Captions a minute late or nearly two early are put in step with the marks, to within the host's own spread."""
    for case in REAL:
        marks = simulate_marks(case, marking, Random(1))
        heard = out_of_step(case.transcript, marking.shift_ms)
        shift_ms = find_shift(case.session, case.questions, marks, heard)
        assert abs(shift_ms + marking.shift_ms) <= 10_000
        moved = move_captions(heard, shift_ms)
        assert moved.moved_ms == shift_ms
        answer = plan(case, marks, moved)[case.questions[0].id]
        assert (
            f"{abs(shift_ms) / 1000:.0f} s nach {'hinten' if shift_ms > 0 else 'vorn'} verschoben"
            in answer.evidence[-1]
        )


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=15)
def test_captions_in_step_stay_where_they_are(seed: int) -> None:
    """No spread of a host's presses makes captions move that are in step."""
    for case in REAL:
        marks = simulate_marks(case, QUIET, Random(seed))
        assert find_shift(case.session, case.questions, marks, case.transcript) == 0


def test_questions_that_are_read_in_quite_other_words_are_found_by_their_marks() -> None:
    """The demo's hosts read what nobody typed: with their marks every question begins within 30 s, half at once."""
    errors_s, overlap = scored(DEMO, QUIET, lambda transcript: transcript)
    assert statistics.median(errors_s) <= 0.5
    assert max(errors_s) <= 30
    assert overlap >= 0.75


def test_words_that_were_misheard_are_found_with_marks() -> None:
    """One word in eight wrong, no speakers, a third of the punctuation gone: the starts are still within 30 s."""
    errors_s, overlap = scored(REAL, QUIET, lambda transcript: misheard(transcript, Random(3)))
    assert sum(error <= 30 for error in errors_s) >= 0.95 * len(errors_s)
    assert overlap >= 0.65


def test_nobody_needs_speakers() -> None:
    """Without any speaker's name the edges stay nearly as good."""
    errors_s, overlap = scored(REAL, QUIET, without_speakers)
    assert max(errors_s) <= 30
    assert overlap >= 0.65


@given(st.sampled_from(MARKINGS), st.integers(0, 10_000))
@settings(deadline=None, max_examples=30)
def test_ranges_are_in_order_at_sentences_and_inside(marking: Marking, seed: int) -> None:
    """Whatever is pressed: ranges begin and end at sentences, lie inside what was said, and never overlap."""
    case = CASES[seed % len(CASES)]
    answers = plan(case, simulate_marks(case, marking, Random(seed)))
    sentences = sentences_of(case.session, case.transcript)
    starts, ends = {one.span.start_ms for one in sentences}, {one.span.end_ms for one in sentences}
    spans = sorted(span for answer in answers.values() for span in answer.ranges)
    assert {span.start_ms for span in spans} <= starts
    assert {span.end_ms for span in spans} <= ends
    for one, other in pairwise(spans):
        assert one == other or one.end_ms <= other.start_ms
    assert all(0 <= answer.confidence <= 1 for answer in answers.values())


@given(st.integers(0, 3), st.integers(0, 1_500_000), st.integers(1_000, 600_000))
@settings(deadline=None, max_examples=20)
def test_added_silence_moves_what_comes_after_it_alone(which: int, at_ms: int, gap_ms: int) -> None:
    """Silence between two captions leaves the answers before it and moves those after it by its length."""
    case = CASES[which % len(CASES)]
    edges = [cue.span.start_ms for cue in case.transcript.cues]
    at_ms = min(edges, key=lambda edge: abs(edge - at_ms))

    def later(span: Span) -> Span:
        return Span(span.start_ms + gap_ms, span.end_ms + gap_ms) if span.start_ms >= at_ms else span

    cues = tuple(
        replace(cue, span=later(cue.span), words=tuple(replace(w, span=later(w.span)) for w in cue.words))
        for cue in case.transcript.cues
    )
    marks = simulate_marks(case, replace(QUIET, lag_s=1, sd_s=0), Random(which))
    zero = case.session.started_at
    assert zero is not None
    moved = [replace(m, at=add_ms(m.at, gap_ms)) if ms_between(zero, m.at) >= at_ms else m for m in marks]
    before, after = plan(case, marks), plan(case, moved, replace(case.transcript, cues=cues))
    for key, answer in before.items():
        start_ms = answer.ranges[0].start_ms
        assert after[key].ranges[0].start_ms == start_ms + (gap_ms if start_ms >= at_ms else 0)


def test_the_askers_name_is_a_witness_that_stays_unnamed() -> None:
    """A question in quite other words is found where its asker is named; the evidence tells no name."""
    case = REAL[0]
    cue = next(cue for cue in case.transcript.cues if cue.span.start_ms > 400_000 and cue.speaker)
    named = replace(cue, text="Die nächste Frage kommt von Melusine Quitterich. Wie verhält es sich damit?", words=())
    cues = tuple(named if one is cue else one for one in case.transcript.cues)
    asker = Asker(name="Melusine Quitterich", shown=Shown.ANONYMOUS)
    question = replace(case.questions[0], text="Wäre eine Antwort in dieser Sache möglich?", asker=asker)
    marking = replace(QUIET, sd_s=0)
    case = replace(case, questions=(question,), truth={question.id: (cue.span.start_ms, None)})
    answer = plan(case, simulate_marks(case, marking, Random(1)), replace(case.transcript, cues=cues))[question.id]
    assert answer.start_ms is not None
    assert abs(answer.start_ms - cue.span.start_ms) < 8_000
    assert any("Name" in sentence for sentence in answer.evidence)
    assert "Quitterich" not in json.dumps(answer.evidence)
