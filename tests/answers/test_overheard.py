"""What is heard of questions while a session runs: proposed when sure enough, and not for another one's words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamhub.answers.overheard import find_hints, find_overheard
from streamhub.questions.question import QuestionState
from streamhub.timecode import Span
from streamhub.transcript.transcript import Cue, Transcript
from tests.answers.test_spoken import MOVE, NOTICE, STEP_MS, mark, question, session

ON_AIR = replace(NOTICE, state=QuestionState.ON_AIR)
OPEN = replace(MOVE, state=QuestionState.OPEN)
TWIN = question("q9", "Was kostet ein Umzug des Telefons?", QuestionState.OPEN)
NEVER = question("q8", "Gibt es den Router auch in Blau?", QuestionState.OPEN)
SCRIPT = [
    "Guten Abend und herzlich willkommen.",
    NOTICE.text,
    "Der Vertrag läuft zwei Jahre.",
    "Danach können Sie ihn jeden Monat kündigen.",
    MOVE.text,
    "Das macht siebzig Euro.",
    "Ein Techniker kommt dafür zu Ihnen nach Hause.",
    "Er bringt alles mit und schließt es an.",
    "Danach läuft es wie vorher.",
]


def heard(sentences: int) -> Transcript:
    spans = [Span(place * STEP_MS, place * STEP_MS + STEP_MS - 300) for place in range(sentences)]
    cues = (Cue(id=f"s1-{span.start_ms}", span=span, text=text) for span, text in zip(spans, SCRIPT, strict=False))
    return Transcript(language="de", cues=tuple(cues))


def test_an_open_question_that_was_answered_is_proposed() -> None:
    """It is proposed where it was read, once somebody has answered it for a while; what nobody read is not."""
    hints = find_hints(session(), [ON_AIR, OPEN, NEVER], [mark("q1", 10_000)], heard(9))
    (one,) = hints.answered
    assert (one.question.id, one.span.start_ms, one.heard) == ("q2", 24_000, MOVE.text)
    assert hints.over is not None
    assert (hints.over.question.id, hints.over.following.id) == ("q1", "q2")


@pytest.mark.parametrize(("sentences", "answered", "over"), [(4, 0, False), (5, 0, False), (7, 0, True), (9, 1, True)])
def test_nothing_is_proposed_too_early(sentences: int, answered: int, over: bool) -> None:
    """A host who is about to press is not interrupted: first comes the hint that it goes on, then the proposal."""
    hints = find_hints(session(), [ON_AIR, OPEN, NEVER], [mark("q1", 10_000)], heard(sentences))
    assert len(hints.answered) == answered
    assert (hints.over is not None) is over


def test_of_questions_that_are_nearly_the_same_the_likest_counts() -> None:
    """A question that differs by a word from the one that was read is not proposed, whether that is open or on air."""
    assert [one.question.id for one in find_overheard(session(), [TWIN, OPEN], [], heard(9))] == ["q2"]
    aired = replace(MOVE, state=QuestionState.ON_AIR)
    assert find_overheard(session(), [TWIN, aired], [mark("q2", 28_000)], heard(9)) == ()


def test_nothing_comes_of_nothing() -> None:
    """Without words, or without open questions, nothing is proposed."""
    assert find_hints(session(), [ON_AIR, OPEN], [mark("q1", 10_000)], heard(0)).answered == ()
    hints = find_hints(session(), [ON_AIR], [mark("q1", 10_000)], heard(9))
    assert (hints.answered, hints.over) == ((), None)
