"""Answers of a session that still runs: whose words are whose so far, and what is found in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.answers.spoken import SpokenAnswer, cut_cues, plan_spoken, search_spoken
from streamhub.live.mark import Mark, MarkKind
from streamhub.questions.question import Asker, Question, QuestionState
from streamhub.schedule.show import Session, SessionState
from streamhub.timecode import Span, add_ms
from streamhub.transcript.rules import interpolate_words
from streamhub.transcript.transcript import Cue, Transcript
from streamhub.wordforms.analysis import Analyzer

ZERO = datetime(2027, 3, 2, 19, 15, tzinfo=UTC)
SCRIPT = [
    "Guten Abend und herzlich willkommen.",
    "Die erste Frage: Wie lange ist die Kündigungsfrist beim Internetvertrag?",
    "Der Vertrag läuft zwei Jahre.",
    "Danach können Sie ihn jeden Monat kündigen.",
    "Kommen wir zur nächsten Frage: Was kostet ein Umzug des Anschlusses?",
    "Der Umzug kostet siebzig Euro.",
    "Ein Techniker kommt dafür zu Ihnen.",
]
STEP_MS = 6_000


def session() -> Session:
    return Session(
        id="s", show_id="runde", title="Netz", starts_at=ZERO, language="de",
        state=SessionState.LIVE, started_at=ZERO,
    )  # fmt: skip


def question(key: str, text: str, state: QuestionState) -> Question:
    return Question(id=key, session_id="s", text=text, asker=Asker(), language="de", state=state, asked_at=ZERO)


NOTICE = question("q1", "Wie lange ist die Kündigungsfrist beim Internetvertrag?", QuestionState.ANSWERED_LIVE)
MOVE = question("q2", "Was kostet ein Umzug des Anschlusses?", QuestionState.ON_AIR)
OPEN = question("q3", "Gibt es Glasfaser auf dem Land?", QuestionState.OPEN)


def mark(key: str, at_ms: int, kind: MarkKind = MarkKind.ON_AIR) -> Mark:
    return Mark(session_id="s", question_id=key, kind=kind, at=add_ms(ZERO, at_ms))


def heard(sentences: int) -> Transcript:
    cues = []
    for place, text in enumerate(SCRIPT[:sentences]):
        span = Span(place * STEP_MS, place * STEP_MS + STEP_MS - 300)
        cues.append(Cue(id=f"s1-{span.start_ms}", span=span, text=text, words=interpolate_words(text, span)))
    return Transcript(language="de", cues=tuple(cues))


MARKS = [mark("q1", 10_000), mark("q1", 27_000, MarkKind.DONE), mark("q2", 27_000)]


def text_of(answer: SpokenAnswer) -> str:
    return " ".join(cue.text for cue in answer.cues)


def test_each_question_that_was_on_air_has_its_words_so_far() -> None:
    """An answer that is over ends before the next question, the one on air with what was said last."""
    first, second = plan_spoken(session(), [NOTICE, MOVE, OPEN], MARKS, heard(6), lag_s=4)
    assert (first.question.id, second.question.id) == ("q1", "q2")
    assert "jeden Monat kündigen" in text_of(first)
    assert "Umzug" not in text_of(first)
    assert text_of(second).endswith("siebzig Euro.")
    assert (first.going_on, second.going_on) == (False, True)


def test_a_question_that_just_went_on_air_has_no_words_yet() -> None:
    """What was said before it went on air is not its answer."""
    first, second = plan_spoken(session(), [NOTICE, MOVE], MARKS, heard(4), lag_s=4)
    assert "jeden Monat kündigen" in text_of(first)
    assert (second.cues, second.start_ms, second.going_on) == ((), 27_000, True)


def test_nothing_is_made_up_of_nothing() -> None:
    """Without words, or without a question that was on air, there is no answer with words."""
    (only,) = plan_spoken(session(), [replace(NOTICE, state=QuestionState.ON_AIR)], MARKS[:1], heard(0), lag_s=4)
    assert only.cues == ()
    assert plan_spoken(session(), [OPEN], [], heard(7), lag_s=4) == ()


@given(st.lists(st.integers(0, len(SCRIPT) * STEP_MS), min_size=2, max_size=6, unique=True))
def test_cutting_loses_and_doubles_no_word(edges: list[int]) -> None:
    """Stretches that lie side by side share out the words between them, each to one, in order."""
    cues = heard(7).cues
    bounds = [0, *sorted(edges), len(SCRIPT) * STEP_MS]
    parts = [cut_cues(cues, [Span(start, end)]) for start, end in pairwise(bounds) if start < end]
    said = [word.text for part in parts for cue in part for word in cue.words]
    assert said == [word.text for cue in cues for word in cue.words]
    assert all(cue.text == " ".join(word.text for word in cue.words) for part in parts for cue in part)


@pytest.mark.parametrize(
    ("query", "wanted", "marked"),
    [
        ("kündigt", ["q1"], {"kündigen"}),
        ("Frist", ["q1"], {"Kündigungsfrist"}),
        ("Was kostet der Umzug", ["q2"], {"Umzug", "kostet"}),
        ("und der", ["q1", "q2"], None),
        ("Wetter", [], set()),
        ("", ["q1", "q2"], set()),
    ],
)
def test_answers_are_found_by_words_and_their_forms(query: str, wanted: list[str], marked: set[str] | None) -> None:
    """Other forms, and words within compounds, are found and marked; stop words count alone."""
    spoken = plan_spoken(session(), [NOTICE, MOVE], MARKS, heard(7), lag_s=4)
    found = search_spoken(spoken, query, (Analyzer("de"), Analyzer("en")))
    assert [one.answer.question.id for one in found] == wanted
    for one in found:
        assert "".join(text for text, _ in one.question) == one.answer.question.text
        assert [("".join(text for text, _ in cue)) for cue in one.cues] == [cue.text for cue in one.answer.cues]
    if marked:
        assert marked <= {text for one in found for cue in (one.question, *one.cues) for text, hit in cue if hit}
