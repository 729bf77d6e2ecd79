"""Questions that were asked aloud and that nobody had submitted are proposed, with where they stand and why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamhub.answers.answer import Answer
from streamhub.answers.asked import AT_MOST, find_asked_aloud
from streamhub.timecode import Span
from streamhub.transcript.transcript import Transcript
from tests.answers.test_edges import CASES
from tests.answers.test_rules import session, transcript

KNOWN = Answer(id="q1", slug="q1", session_id="s", question="Wie?", ranges=(Span(8_000, 22_500),))


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("de", "Bei 0:46 wird eine Frage gestellt, die niemand eingereicht hat."),
        ("en", "A question that nobody submitted is asked at 0:46."),
    ],
)
def test_a_question_that_nobody_submitted_is_proposed(language: str, says: str) -> None:
    """The question that is no answer's own is proposed with its range; the known one is not."""
    (found,) = find_asked_aloud(session(language), [KNOWN], transcript())
    assert found.text == "Was kostet die Lieferung nach Österreich?"
    assert found.span == Span(46_000, 62_500)
    assert found.evidence[0] == says
    assert 0.5 <= found.confidence <= 1


def test_without_answers_all_are_proposed_and_without_words_none() -> None:
    """A session without any mark or question yields proposals; one without words yields nothing."""
    assert [one.span.start_ms for one in find_asked_aloud(session(), [], transcript())] == [8_000, 46_000]
    assert find_asked_aloud(session(), [], Transcript(language="de")) == ()


def test_what_passes_the_word_on_is_no_question() -> None:
    """Asking whether anybody wants to add something is not proposed."""
    cues = transcript().cues
    asked = replace(cues[7], text="Möchte noch jemand etwas dazu sagen?")
    passed = replace(transcript(), cues=tuple(asked if cue is cues[7] else cue for cue in cues))
    assert find_asked_aloud(session(), [KNOWN], passed) == ()


def test_half_the_unsubmitted_questions_of_real_sessions_are_proposed() -> None:
    """Of questions that were answered on air and never submitted, at least half are among the proposals."""
    missed = total = 0
    for case in CASES:
        found = [one.span.start_ms for one in find_asked_aloud(case.session, [], case.transcript)]
        assert len(found) <= AT_MOST
        for start_ms, _ in case.truth.values():
            total += 1
            missed += not any(abs(start_ms - one) <= 10_000 for one in found)
    assert missed <= 0.5 * total


@given(st.integers(0, len(CASES) - 1), st.sets(st.integers(0, 9)))
@settings(deadline=None, max_examples=20)
def test_proposals_are_in_order_and_outside_known_beginnings(which: int, kept: set[int]) -> None:
    """Whatever is known: proposals are in order, begin outside the beginnings of answers, and last."""
    case = CASES[which]
    answers = [
        Answer(id=key, slug=key, session_id="s", question="?", ranges=(Span(start_ms, (end_ms or start_ms) + 1_000),))
        for number, (key, (start_ms, end_ms)) in enumerate(case.truth.items())
        if number in kept
    ]
    found = find_asked_aloud(case.session, answers, case.transcript)
    starts = [one.span.start_ms for one in found]
    assert starts == sorted(set(starts))
    assert all(one.span.duration_ms > 0 for one in found)
    assert not any(0 <= start - answer.ranges[0].start_ms <= 12_000 for start in starts for answer in answers)
