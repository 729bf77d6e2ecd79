"""Corrections of an archived session: whatever is made can be taken back, and what cannot be is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamhub.answers.answer import Answer
from streamhub.archive.archived import ArchivedSession
from streamhub.archive.corrections import (
    plan_acceptance,
    plan_answerers,
    plan_gift,
    plan_ranges,
    plan_removal,
    plan_renaming,
    plan_speaker,
    plan_split,
    plan_words,
)
from streamhub.archive.format import canonical, extent_ms, parse_session, render_session
from streamhub.archive.review import Edit, apply_patch, find_clash, plan_undo
from streamhub.archive.wordfit import fit_words
from streamhub.errors import BadInput, NotFound
from streamhub.timecode import Span, merge_spans
from streamhub.transcript.transcript import Cue, Word
from tests.archive.records import texts, transcripts

names = st.sampled_from(["Ali", "Jana", "", "  Eva   Roth ", "x" * 81, "<b>"]) | texts


@st.composite
def reviewed(draw: st.DrawFn) -> ArchivedSession:
    """A session with a transcript and up to three answers that lie somewhere in it."""
    transcript = draw(transcripts("de"))
    last_ms = max((cue.span.end_ms for cue in transcript.cues), default=0)
    answers = tuple(
        Answer(
            id=f"q{n}",
            slug="x",
            session_id="s",
            question="Was?",
            answerers=("Ali",) * n,
            ranges=(Span(last_ms * n // 3, last_ms * (n + 1) // 3),) if last_ms >= 9_000 else (),
            confidence=n / 3,
        )
        for n in range(draw(st.integers(0, 3)))
    )
    at = datetime(2027, 3, 2, tzinfo=UTC)
    head = ArchivedSession(id="s", show_id="runde", show_title="Runde", title="Netz", starts_at=at)
    return canonical(replace(head, transcripts=(transcript,), answers=answers))


@st.composite
def edits(draw: st.DrawFn, session: ArchivedSession) -> Edit | None:
    """Any correction of a session; None for one that is refused."""
    ids = st.sampled_from(["q0", "q1", "q2", "q0"])
    one, other, number = draw(ids), draw(ids), draw(st.integers(0, 2))
    cues = session.transcripts[0].cues
    cue = draw(st.sampled_from(cues)) if cues else Cue(id="c1", span=Span(0, 1), text="x")
    at, length = draw(st.integers(0, (extent_ms(session) or 0) + 6_000)), draw(st.integers(0, 60_000))
    plans: tuple[Callable[[], Edit], ...] = (
        lambda: plan_ranges(session, one, [Span(at, at + length)]),
        lambda: plan_split(session, one, at),
        lambda: plan_removal(session, one, number),
        lambda: plan_gift(session, one, [number], other),
        lambda: plan_answerers(session, one, draw(st.lists(names, max_size=3))),
        lambda: plan_acceptance(session, one),
        lambda: plan_words(session, one, "de", cue.id, draw(texts)),
        lambda: plan_speaker(session, one, "de", cue.id, draw(names), onwards=draw(st.booleans())),
        lambda: plan_renaming(session, one, cue.speaker, draw(names)),
    )
    try:
        return draw(st.sampled_from(plans))()
    except (BadInput, NotFound):
        return None


@settings(deadline=None)
@given(st.data())
def test_every_correction_can_be_taken_back(data: st.DataObject) -> None:
    """One correction after the other, then back in turn: all is as it was; the files can hold each state."""
    first = session = data.draw(reviewed())
    made: list[tuple[ArchivedSession, Edit]] = []
    for _ in range(data.draw(st.integers(1, 5))):
        edit = data.draw(edits(session))
        if edit is None:
            continue
        assert find_clash(session, edit.before) == ""
        before, session = session, canonical(apply_patch(session, edit.after))
        made.append((before, edit))
        assert find_clash(session, edit.after) == ""
        assert bool(find_clash(session, edit.before)) == edit.changes
        files = render_session(session)
        assert render_session(parse_session(files)) == files
    for before, edit in reversed(made):
        session = canonical(apply_patch(session, plan_undo(edit).after))
        assert without_makers(session) == without_makers(before)
    assert without_makers(session) == without_makers(first)


def without_makers(session: ArchivedSession) -> ArchivedSession:
    """That a hand was there once stays said."""
    return replace(session, transcripts=tuple(replace(one, made_with="") for one in session.transcripts))


@settings(deadline=None)
@given(st.data())
def test_nothing_is_lost_by_giving(data: st.DataObject) -> None:
    """What is given away is with the other one afterwards: together they cover what they covered before."""
    session = data.draw(reviewed())
    if len(session.answers) < 2 or not session.answers[0].ranges:
        return
    giver, taker = session.answers[:2]
    edit = plan_gift(session, giver.id, [0], taker.id)
    after = {one.id: one for one in apply_patch(session, edit.after).answers}
    covered = merge_spans([*giver.ranges, *taker.ranges])
    assert merge_spans([*after[giver.id].ranges, *after[taker.id].ranges]) == covered
    assert after[giver.id].ranges == ()


said = st.lists(st.text("abcdeü.,", min_size=1, max_size=6), min_size=1, max_size=12)


@settings(deadline=None)
@given(said, said, st.integers(0, 10_000), st.lists(st.integers(0, 900), min_size=24, max_size=24))
def test_corrected_words_keep_order_and_times(old: list[str], new: list[str], start_ms: int, steps: list[int]) -> None:
    """All words of the correction are there, one after the other, inside the cue; without a correction none moves."""
    words, at = [], start_ms
    for text, (gap, length) in zip(old, pairwise(steps), strict=False):
        words.append(Word(text, Span(at + gap, at + gap + length), 0.5))
        at += gap + length
    cue = Span(start_ms, at + 100)
    fitted = fit_words(words, cue, " ".join(new))
    assert [word.text for word in fitted] == new
    assert all(cue.start_ms <= word.span.start_ms <= word.span.end_ms <= cue.end_ms for word in fitted)
    assert all(one.span.end_ms <= two.span.start_ms for one, two in pairwise(fitted))
    assert fit_words(words, cue, " ".join(old)) == tuple(words)
    assert fit_words((), cue, " ".join(new)) == ()


def test_one_word_takes_the_place_of_another() -> None:
    """The others stay to the millisecond; two words for one share its time by letters."""
    words = [Word("Der", Span(0, 100), 0.9), Word("Tarif", Span(150, 400), 0.4), Word("gilt.", Span(400, 700), 0.8)]
    fitted = fit_words(words, Span(0, 800), "Der neue Tarif3 gilt.")
    assert fitted[0] == words[0]
    assert fitted[3] == words[2]
    assert [(word.text, word.span) for word in fitted[1:3]] == [("neue", Span(150, 250)), ("Tarif3", Span(250, 400))]
    assert [word.probability for word in fitted[1:3]] == [1.0, 1.0]


@settings(deadline=None)
@given(reviewed())
def test_what_cannot_be_is_refused(session: ArchivedSession) -> None:
    """Strangers, stretches that overlap, and moments outside are refused; nothing is half done."""
    with pytest.raises(NotFound):
        plan_acceptance(session, "nobody-knows-it")
    if not session.answers:
        return
    one = session.answers[0].id
    with pytest.raises(BadInput):
        plan_ranges(session, one, [Span(0, 5_000), Span(4_000, 9_000)])
    with pytest.raises(BadInput):
        plan_ranges(session, one, [Span(10, 20)])
    with pytest.raises(BadInput):
        plan_gift(session, one, [], one)
    with pytest.raises(NotFound):
        plan_renaming(session, one, "", "Ali")
