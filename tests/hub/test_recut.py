"""Marks by ear move answers that were cut already, and nothing that a person touched."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from streamhub.answers.answer import AnswerState
from streamhub.archive.corrections import plan_acceptance, plan_words
from streamhub.archive.folder import load_session, save_session
from streamhub.errors import Conflict
from streamhub.live.mark import Mark, MarkKind, Witness
from streamhub.questions.question import QuestionState
from streamhub.reviewing import HubReview
from streamhub.schedule.show import SessionState
from streamhub.store import marks as mark_rows
from streamhub.store import questions as question_rows
from streamhub.store.work import list_unsent
from streamhub.timecode import Span
from tests.hub.test_seams import (
    SESSION,
    START,
    answers_of,
    finish,
    folder,
    hold_session,
    open_parts,
    settle,
    write_captions,
)

if TYPE_CHECKING:
    from pathlib import Path

    from streamhub.app import Parts

__all__ = ["folder"]  # a fixture


async def hear(parts: Parts, question: str, begin_s: float, end_s: float) -> None:
    for kind, at_s in ((MarkKind.ON_AIR, begin_s), (MarkKind.DONE, end_s)):
        mark = Mark(
            session_id=SESSION.id,
            question_id=question,
            kind=kind,
            at=START + timedelta(seconds=at_s),
            witness=Witness.EAR,
        )
        await parts.store.write(lambda db, mark=mark: mark_rows.insert_mark(db, mark))


async def test_answers_go_where_an_ear_heard_them(folder: Path) -> None:
    """After a new cut an answer lies where somebody heard it; one corrected by hand stays, and so do states."""
    async with open_parts(folder) as parts:
        await hold_session(parts)
        await finish(parts, write_captions(folder))
        root = folder / "transcripts"
        loaded = load_session(root, "runde", SESSION.id)
        by_hand = tuple(
            replace(one, ranges=(Span(2_000, 19_000),)) if one.id == "router" else one for one in loaded.answers
        )
        save_session(root, replace(loaded, answers=by_hand), loaded=loaded)
        await answers_of(parts).publish(SESSION.id, "bill", author="host")
        await settle(parts)
        await hear(parts, "bill", 41.2, 50.3)
        await hear(parts, "router", 11, 20)
        await answers_of(parts).recut(SESSION.id, author="host")
        await settle(parts)
        session = load_session(root, "runde", SESSION.id)
    found = {one.id: one for one in session.answers}
    assert found["bill"].ranges == (Span(41_000, 50_000),)
    assert found["bill"].state is AnswerState.PUBLISHED
    assert found["bill"].confidence == 0.95
    assert found["router"].ranges == (Span(2_000, 19_000),)
    assert session.transcripts == loaded.transcripts


async def test_a_question_that_was_forgotten_becomes_an_answer(folder: Path) -> None:
    """A question that nobody pressed is a draft after somebody heard it and the answers were cut anew."""
    async with open_parts(folder) as parts:
        await hold_session(parts)
        at = SESSION.ended_at
        assert at is not None
        await parts.store.write(
            lambda db: question_rows.step_question(db, "bill", QuestionState.OPEN, at=at, author="host")
        )
        await finish(parts, write_captions(folder))
        root = folder / "transcripts"
        assert [one.id for one in load_session(root, "runde", SESSION.id).answers] == ["router"]
        await hear(parts, "bill", 31, 50)
        await parts.store.write(
            lambda db: question_rows.step_question(db, "bill", QuestionState.ANSWERED_LIVE, at=at, author="host")
        )
        await answers_of(parts).recut(SESSION.id, author="host")
        await settle(parts)
        found = {one.id: one for one in load_session(root, "runde", SESSION.id).answers}
    assert found["bill"].ranges == (Span(31_000, 50_000),)
    assert found["bill"].state is AnswerState.DRAFT


async def test_there_must_be_a_cut_first(folder: Path) -> None:
    """Before the answers were cut there is nothing to cut anew, and that is said."""
    async with open_parts(folder) as parts:
        await hold_session(parts, replace(SESSION, state=SessionState.ENDED))
        with pytest.raises(Conflict):
            await answers_of(parts).recut(SESSION.id, author="host")


async def test_what_was_accepted_stays(folder: Path) -> None:
    """An answer that a reviewer accepted is where it was, whatever is heard and cut anew later."""
    async with open_parts(folder) as parts:
        await hold_session(parts)
        await finish(parts, write_captions(folder))
        root = folder / "transcripts"
        review = HubReview(parts.store, root, parts.pipeline.archive_lock, parts.now)
        before = {one.id: one for one in load_session(root, "runde", SESSION.id).answers}
        made = await review.edit(SESSION.id, lambda a: plan_acceptance(a, "bill"), {}, author="host")
        assert made is not None
        await hear(parts, "bill", 41.2, 50.3)
        await hear(parts, "router", 11, 20)
        await answers_of(parts).recut(SESSION.id, author="host")
        await settle(parts)
        found = {one.id: one for one in load_session(root, "runde", SESSION.id).answers}
        assert found["bill"] == replace(before["bill"], confidence=1.0)
        assert found["router"].ranges != before["router"].ranges
        await review.undo(SESSION.id, made.id, author="host")
        await answers_of(parts).recut(SESSION.id, author="host")
        await settle(parts)
        found = {one.id: one for one in load_session(root, "runde", SESSION.id).answers}
    assert found["bill"].ranges == (Span(41_000, 50_000),)


async def test_public_pages_follow_the_review(folder: Path) -> None:
    """A published answer whose words and edges are corrected is published again by itself, and so after undoing."""
    async with open_parts(folder) as parts:
        await hold_session(parts)
        await finish(parts, write_captions(folder))
        root = folder / "transcripts"
        review = HubReview(parts.store, root, parts.pipeline.archive_lock, parts.now)
        await answers_of(parts).publish(SESSION.id, "bill", author="host")
        await settle(parts)
        archived = await review.load(SESSION.id)
        bill = next(one for one in archived.answers if one.id == "bill")
        cue = next(c for c in archived.transcripts[0].cues if bill.ranges[0].overlap_ms(c.span))
        language = archived.transcripts[0].language

        def pages() -> str:
            return "".join(path.read_text() for path in (folder / "public" / "a").rglob("index.html"))

        assert "Zwetschgenmus" not in pages()
        made = await review.edit(
            SESSION.id, lambda a: plan_words(a, "bill", language, cue.id, "Zwetschgenmus, bitte."), {}, author="host"
        )
        assert made is not None
        await settle(parts)
        assert "Zwetschgenmus" in pages()
        await review.undo(SESSION.id, made.id, author="host")
        await settle(parts)
        assert "Zwetschgenmus" not in pages()
        draft = await review.edit(SESSION.id, lambda a: plan_acceptance(a, "router"), {}, author="host")
        assert draft is not None
        assert await parts.store.read(list_unsent) == []  # a draft concerns no page
