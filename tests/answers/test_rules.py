"""Answers from marks and wording: where they begin and end, who answers, and why."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streamhub.answers.answer import AnswerState
from streamhub.answers.rules import find_airings, plan_answers
from streamhub.answers.sentences import sentences_of
from streamhub.answers.wording import Window, alignment, overlap, stems_of, weigh_stems
from streamhub.live.mark import Mark, MarkKind, Witness
from streamhub.questions.question import Asker, Question, QuestionState, Shown
from streamhub.schedule.show import Participant, Role, Session
from streamhub.timecode import Span, add_ms
from streamhub.transcript.transcript import Cue, Transcript

ZERO = datetime(2027, 3, 2, 19, 15, tzinfo=UTC)
DEMO = Path(__file__).resolve().parents[2] / "streamhub" / "demo"
PANEL = (
    Participant(name="Martin", role=Role.HOST),
    Participant(name="Anna", role=Role.EXPERT),
    Participant(name="Peter", role=Role.CUSTOMER),
)

SCRIPT = (
    (0, "Martin", "Willkommen zur Expertenrunde."),
    (4, "Martin", "Die erste Frage kommt von Julia aus Wien."),
    (8, "Martin", "Wie kann ich meine Rechnung herunterladen?"),
    (12, "Anna", "Das geht im Kundenportal."),
    (20, "Anna", "Dort klicken Sie auf Speichern."),
    (40, "Martin", "Danke Anna."),
    (43, "Martin", "Kommen wir zur nächsten Frage."),
    (46, "Martin", "Was kostet die Lieferung nach Österreich?"),
    (50, "Peter", "Bei mir waren es fünf Euro."),
    (60, "Anna", "Fünf Euro im Monat."),
    (75, "Martin", "Vielen Dank und bis nächste Woche."),
)


def session(language: str = "de") -> Session:
    return Session(
        id="2027-03-02-runde", show_id="runde", title="Runde", starts_at=ZERO, started_at=ZERO,
        language=language, participants=PANEL,
    )  # fmt: skip


def transcript(script: Sequence[tuple[int, str, str]] = SCRIPT, *, speakers: bool = True) -> Transcript:
    cues = [
        Cue(id=f"c{n}", span=Span(start * 1000, start * 1000 + 2500), text=text, speaker=name if speakers else "")
        for n, (start, name, text) in enumerate(script, start=1)
    ]
    return Transcript(language="de", cues=tuple(cues))


def question(key: str, text: str, state: QuestionState = QuestionState.ANSWERED_LIVE) -> Question:
    asker = Asker(name="Julia", shown=Shown.NAME)
    return Question(
        id=key, session_id="2027-03-02-runde", text=text, asker=asker, state=state, asked_at=ZERO, votes=3,
        topics=("Rechnung",),
    )  # fmt: skip


def mark(key: str, at_s: float, kind: MarkKind = MarkKind.ON_AIR) -> Mark:
    return Mark(session_id="2027-03-02-runde", question_id=key, kind=kind, at=add_ms(ZERO, round(at_s * 1000)))


BILL = question("q1", "Wie lade ich meine Rechnung herunter?")
COST = question("q2", "Wie viel kostet eine Lieferung nach Österreich?")
MARKS = (mark("q1", 14), mark("q1", 52, MarkKind.DONE), mark("q2", 52), mark("q2", 80, MarkKind.DONE))


@pytest.mark.parametrize("speakers", [True, False])
def test_marks_and_wording_give_the_range(speakers: bool) -> None:
    """A range begins with the question being read and ends before the host leads on, with or without speakers."""
    first, second = plan_answers(session(), [BILL, COST], MARKS, transcript(speakers=speakers))
    assert first.ranges[0].start_ms == 8_000
    assert first.ranges[0].end_ms == 22_500
    assert second.ranges == (Span(46_000, 62_500),)
    assert first.answerers == (("Anna",) if speakers else ())
    assert second.answerers == (("Peter", "Anna") if speakers else ())
    assert {first.state, second.state} == {AnswerState.DRAFT}
    assert first.confidence > 0.6


def test_where_only_the_host_is_known_he_is_not_named_for_the_one_who_answers() -> None:
    """Marks often tell the host's voice and no other: what he leads on with stays out, and he has not answered."""
    script = tuple((start, name if name == "Martin" else "", text) for start, name, text in SCRIPT if start != 40)
    first, second = plan_answers(session(), [BILL, COST], MARKS, transcript(script))
    assert first.ranges == (Span(8_000, 22_500),)
    assert (first.answerers, second.answerers) == ((), ())


def test_a_draft_carries_what_the_asker_gave() -> None:
    """Id, wording, asker, votes and topics of the question are the answer's."""
    (answer,) = plan_answers(session(), [BILL], MARKS[:1], transcript())
    assert (answer.id, answer.slug) == ("q1", "wie-lade-ich-meine-rechnung-herunter")
    assert (answer.question, answer.asker, answer.votes, answer.topics) == (BILL.text, "Julia", 3, ("Rechnung",))


@pytest.mark.parametrize(
    ("language", "says"),
    [("de", "Auf Sendung um 0:14, Wortlaut gefunden bei 0:08"), ("en", "On air at 0:14, wording found at 0:08")],
)
def test_the_evidence_is_in_the_sessions_language(language: str, says: str) -> None:
    """An editor reads why the range is where it is, in German and in English."""
    answers = plan_answers(session(language), [BILL, COST], MARKS, transcript())
    assert answers[0].evidence[0].startswith(says)


@pytest.mark.parametrize("lag_s", [-1.5, 0.0, 6.0, 14.0])
def test_early_and_late_hosts_are_understood(lag_s: float) -> None:
    """Whether the host presses before the question or well after it, the ranges are the same."""
    marks = [mark("q1", 8 + lag_s), mark("q2", 46 + lag_s)]
    answers = plan_answers(session(), [BILL, COST], marks, transcript())
    assert [answer.start_ms for answer in answers] == [8_000, 46_000]


def test_other_words_than_typed_are_found_by_the_host_reading_a_question() -> None:
    """A question that is read in other words begins where the host, after announcing one, reads a question."""
    other = question("q1", "Ich suche den Beleg vom letzten Monat, wo liegt der?")
    (answer,) = plan_answers(session(), [other], [mark("q1", 7)], transcript(), lag_s=-1)
    assert answer.start_ms == 8_000
    assert "anders formuliert" in answer.evidence[0]


def test_without_marks_the_wording_makes_a_proposal_of_low_confidence() -> None:
    """Found by its wording alone, an answer is a proposal; what is not found has no range and says so."""
    lost = question("q3", "Gibt es am Wochenende Unterstützung am Telefon?")
    answers = {answer.id: answer for answer in plan_answers(session(), [BILL, COST, lost], [], transcript())}
    assert [answers[key].start_ms for key in ("q1", "q2", "q3")] == [8_000, 46_000, None]
    assert max(answer.confidence for answer in answers.values()) <= 0.6
    assert answers["q3"].confidence == 0.0
    assert "nicht gefunden" in answers["q3"].evidence[0]


def test_without_words_the_marks_alone_count() -> None:
    """When nothing was heard, a range goes from mark to mark, with little confidence."""
    answers = plan_answers(session(), [BILL, COST], MARKS, Transcript(language="de"), lag_s=6)
    assert [answer.ranges[0] for answer in answers] == [Span(8_000, 46_000), Span(46_000, 80_000)]
    assert all(answer.confidence <= 0.3 for answer in answers)


def test_what_was_not_answered_on_air_is_no_answer() -> None:
    """Declined questions and questions that were taken back get no draft of a range."""
    declined = question("q2", COST.text, QuestionState.DECLINED)
    back = [mark("q1", 14), mark("q1", 20, MarkKind.BACK)]
    assert find_airings(session(), back) == []
    assert [answer.id for answer in plan_answers(session(), [BILL, declined], MARKS, transcript())] == ["q1"]


def test_a_question_on_air_twice_has_two_ranges() -> None:
    """A question that the host takes up again later has a range for each time."""
    script = (
        *SCRIPT[:-1],
        (70, "Martin", "Noch einmal: Wie kann ich meine Rechnung herunterladen?"),
        (80, "Anna", "So."),
    )
    marks = [
        mark("q1", 9),
        mark("q1", 30, MarkKind.DONE),
        mark("q2", 47),
        mark("q2", 66, MarkKind.DONE),
        mark("q1", 71),
    ]
    answers = {answer.id: answer for answer in plan_answers(session(), [BILL, COST], marks, transcript(script))}
    assert [span.start_ms for span in answers["q1"].ranges] == [8_000, 70_000]
    assert len(answers["q2"].ranges) == 1


def test_done_ends_an_answer_before_chatter() -> None:
    """A host's "done" long before the next question ends the range near it."""
    marks = [mark("q1", 9), mark("q1", 16, MarkKind.DONE), mark("q2", 47)]
    answers = plan_answers(session(), [BILL, COST], marks, transcript())
    assert answers[0].ranges[0].end_ms == 22_500


@example([("q1", 0, MarkKind.ON_AIR), ("q1", 0, MarkKind.DONE), ("q1", 0, MarkKind.ON_AIR), ("q2", 0, MarkKind.ON_AIR)])
@given(st.lists(st.tuples(st.sampled_from(["q1", "q2"]), st.integers(0, 90), st.sampled_from(MarkKind)), max_size=8))
def test_whatever_hosts_press_ranges_are_sound(presses: list[tuple[str, int, MarkKind]]) -> None:
    """Any marks give ranges that begin and end at sentences, are not empty and do not overlap each other."""
    marks = [mark(key, at, kind) for key, at, kind in presses]
    answers = plan_answers(session(), [BILL, COST], marks, transcript())
    spans = sorted(span for answer in answers for span in answer.ranges)
    starts = {cue.span.start_ms for cue in transcript().cues}
    assert all(span.start_ms in starts and span.duration_ms > 0 for span in spans)
    for one, other in itertools.pairwise(spans):
        assert one == other or one.end_ms <= other.start_ms


def test_sentences_are_cut_and_joined_from_captions() -> None:
    """Captions that hold several sentences are cut, sentences over several captions are joined."""
    cues = (
        Cue(id="c1", span=Span(0, 4000), text="Das geht. Nehmen Sie z. B."),
        Cue(id="c2", span=Span(4000, 6000), text="die App."),
    )
    sentences = sentences_of(session(), Transcript(language="de", cues=cues))
    assert [sentence.text for sentence in sentences] == ["Das geht.", "Nehmen Sie z. B. die App."]
    assert sentences[0].span.end_ms == sentences[1].span.start_ms


def test_likeness_counts_rare_words_and_endings() -> None:
    """The same question in other endings is alike, another question is not."""
    spoken = [stems_of(text, "de") for _, _, text in SCRIPT]
    weights = weigh_stems(spoken)
    asked = stems_of("Wie lade ich meine Rechnungen herunter?", "de")
    aligned = [alignment(asked, one, weights) for one in spoken]
    shared = [overlap(asked, Window(one), weights) for one in spoken]
    for like in (aligned, shared):
        assert 1 >= like[2] > 2 * like[7] >= 0


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_demos_answers_are_found(language: str) -> None:
    """With the demo's marks and its true words, every range begins with its question and covers its answer."""
    path = DEMO / f"roundtable_{language}.json"
    if not path.is_file():
        pytest.skip("the demo's script is not in this checkout")
    data = json.loads(path.read_text("utf-8"))
    asked = [entry for entry in data["questions"] if entry["answered"]]
    questions = [question(entry["id"], entry["text"]) for entry in asked]
    random = Random(1)
    marks = [mark(entry["id"], entry["on_air_ms"] / 1000 + random.random()) for entry in asked]
    cues = [
        Cue(id=f"c{n}", span=Span(part["start_ms"], part["end_ms"]), text=part["text"])
        for n, part in enumerate(data["segments"], start=1)
    ]
    answers = plan_answers(session(language), questions, marks, Transcript(language=language, cues=tuple(cues)))
    found = {answer.id: answer.ranges[0] for answer in answers}
    for entry in asked:
        true = Span(entry["question_start_ms"], entry["answer_end_ms"])
        assert abs(found[entry["id"]].start_ms - true.start_ms) < 1_500
        assert found[entry["id"]].overlap_ms(true) > 0.7 * max(true.duration_ms, found[entry["id"]].duration_ms)


def seen(key: str, at_s: float, witness: Witness, kind: MarkKind = MarkKind.ON_AIR) -> Mark:
    """A mark of another witness than the host."""
    return replace(mark(key, at_s, kind), witness=witness)


def test_the_ear_is_believed_before_the_button() -> None:
    """Where somebody heard a question begin and end, it begins and ends there, however wrong the buttons were."""
    ear = (seen("q1", 8.3, Witness.EAR), seen("q1", 22.4, Witness.EAR, MarkKind.DONE))
    wrong = (mark("q1", 40), mark("q1", 90, MarkKind.DONE), mark("q2", 52))
    for kept in (ear, (*wrong, *ear), (*ear, *reversed(wrong))):
        first = next(a for a in plan_answers(session(), [BILL, COST], kept, transcript()) if a.id == "q1")
        assert first.ranges == (Span(8_000, 22_500),)
        assert first.confidence == 0.95
        assert "Gehör" in first.evidence[0]
        assert "Gehör" in first.evidence[1]


def test_an_ear_between_sentences_is_taken_at_its_word() -> None:
    """Where no sentence begins or ends near what was heard, the range has the very instants."""
    ear = (seen("q1", 30, Witness.EAR), seen("q1", 36, Witness.EAR, MarkKind.DONE))
    (first,) = plan_answers(session(), [BILL], ear, transcript())
    assert first.ranges == (Span(30_000, 36_000),)


def test_one_ear_mark_and_one_button_go_together() -> None:
    """An end by ear ends what a button began; a beginning by ear is ended by the button's mark or the wording."""
    marks = (mark("q1", 14), mark("q1", 52, MarkKind.DONE), seen("q1", 23, Witness.EAR, MarkKind.DONE))
    (airing,) = find_airings(session(), marks)
    assert (airing.on_air_ms, airing.done_ms, airing.heard, airing.heard_end) == (14_000, 23_000, False, True)
    marks = (mark("q1", 14), mark("q1", 40, MarkKind.BACK), seen("q1", 8, Witness.EAR))
    (airing,) = find_airings(session(), marks)
    assert (airing.on_air_ms, airing.done_ms, airing.heard) == (8_000, None, True)


def test_the_overlay_speaks_only_for_itself() -> None:
    """What the overlay saw changes nothing where a host pressed, and is a mark where nobody did."""
    assert find_airings(session(), (*MARKS, seen("q1", 14.4, Witness.OVERLAY))) == find_airings(session(), MARKS)
    late = (*MARKS, seen("q1", 60, Witness.OVERLAY))
    assert find_airings(session(), late) == find_airings(session(), MARKS)
    (airing,) = find_airings(session(), [seen("q1", 14, Witness.OVERLAY)])
    assert (airing.on_air_ms, airing.heard) == (14_000, False)


def test_without_words_an_ear_is_exact() -> None:
    """Without a transcript the range of what was heard is what was heard, without the host's lag."""
    ear = (seen("q1", 8.3, Witness.EAR), seen("q1", 22.4, Witness.EAR, MarkKind.DONE))
    (first,) = plan_answers(session(), [BILL], ear, Transcript(language="de"))
    assert first.ranges == (Span(8_300, 22_400),)
    assert first.confidence == 0.9
