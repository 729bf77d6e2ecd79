"""Answers in writing on their way into the archive and the site, beside spoken ones and alone, and out of it again."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlite_utils import Database

from streamhub.answers.answer import Answer, AnswerState
from streamhub.app import Parts
from streamhub.archive.folder import load_session, save_session
from streamhub.archive.search.query import SearchIndex, search
from streamhub.questions.question import Question, QuestionState, Shown
from streamhub.questions.writing import Proposal, Writer, digest_of
from streamhub.schedule.show import Publishing, Role, Show
from streamhub.store import proposals as proposal_rows
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
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

__all__ = ["folder"]

TEXT = "Im **Zählerschrank** den Überspannungsableiter tauschen.\n\n- erst Strom aus\n- dann messen"


async def propose(
    parts: Parts, key: str, *, question: str = "surge", text: str = TEXT, role: Role | None = None
) -> None:
    """Somebody proposes an answer to a question, which is asked first where it is not there."""

    def save(db: Database) -> None:
        if not any(one.id == question for one in question_rows.list_questions(db, SESSION.id)):
            asked = Question(
                id=question,
                session_id=SESSION.id,
                text="Wer schützt meinen Wechselrichter vor Blitzen?",
                asked_at=START,
                state=QuestionState.OPEN,
            )
            question_rows.insert_question(db, asked)
        proposal = Proposal(
            id=key,
            question_id=question,
            voter=f"voter-{key}",
            writer=Writer(name="Bernd Bach", shown=Shown.NAME, role=role),
            text=text,
            digest=digest_of(text),
            language="de",
            at=START,
        )
        proposal_rows.insert_proposal(db, proposal)

    await parts.store.write(save)


async def accept(parts: Parts, key: str, *, undo: bool = False) -> None:
    """The host accepts a proposal, or takes that back."""
    answers, at = answers_of(parts), datetime.now(UTC)
    decide = proposal_rows.undo_acceptance if undo else proposal_rows.accept_proposal

    def run(db: Database) -> None:
        _, question = decide(db, key, at=at, author="host")
        answers.order(db, question.session_id, question.id, at=at)

    await parts.store.write(run)
    await settle(parts)


async def erase(parts: Parts, key: str) -> None:
    """The writer takes his words back."""
    answers, at = answers_of(parts), datetime.now(UTC)

    def run(db: Database) -> None:
        _, question = proposal_rows.erase_proposal(db, key, voter=f"voter-{key}", at=at)
        answers.order(db, question.session_id, question.id, at=at)

    await parts.store.write(run)
    await settle(parts)


def archived(parts: Parts) -> dict[str, Answer]:
    session = load_session(parts.workspace.transcripts, SESSION.show_id, SESSION.id)
    return {answer.id: answer for answer in session.answers}


def found_in_site(parts: Parts, words: str) -> list[str]:
    """Files of the site that hold these words."""
    public, wanted = parts.workspace.public, words.encode()
    return sorted(
        path.relative_to(public).as_posix()
        for path in public.rglob("*")
        if path.is_file() and wanted in path.read_bytes()
    )


def search_site(parts: Parts, query: str) -> list[str]:
    """Ids of the answers that the site's own index finds."""
    index = SearchIndex(lambda path: (parts.workspace.public / path).read_bytes(), "de")
    return [hit.id for hit in search([index], query).hits]


async def test_an_answer_written_before_the_show_enters_the_archive_with_it(folder: Path) -> None:
    """It waits for the session's archive, comes as a draft, and is on the site and in its index once published."""
    async with open_parts(folder) as parts:
        await hold_session(parts)
        await propose(parts, "p1", role=Role.EXPERT)
        await accept(parts, "p1")
        assert not (parts.workspace.transcripts / "runde").exists()
        await finish(parts, write_captions(folder))
        answer = archived(parts)["surge"]
        assert (answer.state, answer.ranges, answer.body) == (AnswerState.DRAFT, (), TEXT)
        assert (answer.answerers, answer.writer, answer.writer_role) == (("Bernd Bach",), "Bernd Bach", Role.EXPERT)
        answers = answers_of(parts)
        assert [one.id for one in await answers.list(SESSION.id)] == ["router", "bill", "surge"]
        await answers.publish(SESSION.id, "router", author="host")
        await settle(parts)
        assert found_in_site(parts, "berspannungsableiter") == []
        assert "surge" in await answers.publish_drafts(SESSION.id, ["surge", "bill"], author="host")
        await settle(parts)
        page = next(path for path in found_in_site(parts, "Überspannungsableiter") if path.endswith("index.html"))
        html = (parts.workspace.public / page).read_text()
        assert "<strong>Zählerschrank</strong>" in html
        assert "Bernd Bach, Fachperson" in html
        assert search_site(parts, "Überspannungsableiter tauschen") == ["surge"]


async def test_an_answer_written_after_the_show_is_added_at_once(folder: Path) -> None:
    """Accepted for an archived session it is a draft there; publishing and withdrawing move it like every other."""
    async with open_parts(folder) as parts:
        await hold_session(parts)
        await propose(parts, "p1")
        await finish(parts, write_captions(folder))
        answers = answers_of(parts)
        await answers.publish_drafts(SESSION.id, ["router", "bill"], author="host")
        await settle(parts)
        await accept(parts, "p1")
        answer = archived(parts)["surge"]
        assert (answer.state, answer.answerers, answer.writer) == (AnswerState.DRAFT, (), "Bernd Bach")
        await answers.publish(SESSION.id, "surge", author="host")
        await settle(parts)
        assert found_in_site(parts, "Überspannungsableiter")
        await answers.withdraw(SESSION.id, "surge", author="host")
        await settle(parts)
        assert archived(parts)["surge"].state is AnswerState.WITHDRAWN
        assert found_in_site(parts, "berspannungsableiter") == []
        await answers.publish(SESSION.id, "surge", author="host")
        await settle(parts)
        assert found_in_site(parts, "Überspannungsableiter")


async def test_a_question_answered_live_and_in_writing_keeps_both(folder: Path) -> None:
    """What is written is the addendum of what was said; taking it back leaves the spoken answer as it was."""
    async with open_parts(folder) as parts:
        await hold_session(parts)
        await propose(parts, "p1", question="router")
        await propose(parts, "p2", question="bill", text="Am Ersten.")
        await accept(parts, "p1")
        await finish(parts, write_captions(folder))
        both = archived(parts)["router"]
        assert (both.body, both.writer, bool(both.ranges)) == (TEXT, "Bernd Bach", True)
        await answers_of(parts).publish_drafts(SESSION.id, ["router", "bill"], author="host")
        await settle(parts)
        await accept(parts, "p2")
        later = archived(parts)["bill"]
        assert (later.body, later.state, bool(later.ranges)) == ("Am Ersten.", AnswerState.PUBLISHED, True)
        assert found_in_site(parts, "Am Ersten.")
        await accept(parts, "p2", undo=True)
        alone = archived(parts)["bill"]
        assert (alone.body, alone.writer, alone.state) == ("", "", AnswerState.PUBLISHED)
        assert alone.ranges == later.ranges
        assert found_in_site(parts, "Am Ersten.") == []


async def test_what_its_writer_erases_leaves_archive_site_and_index(folder: Path) -> None:
    """Taken back, a published answer in writing is nowhere: no file, no page, no fragment, no index."""
    async with open_parts(folder) as parts:
        await hold_session(parts)
        await propose(parts, "p1")
        await accept(parts, "p1")
        await finish(parts, write_captions(folder))
        await answers_of(parts).publish_drafts(SESSION.id, ["surge", "bill"], author="host")
        await settle(parts)
        assert search_site(parts, "Zählerschrank") == ["surge"]
        await erase(parts, "p1")
        assert search_site(parts, "Zählerschrank") == []
        assert "surge" not in archived(parts)
        assert found_in_site(parts, "berspannungsableiter") == []
        files = [path for path in parts.workspace.transcripts.rglob("*") if path.is_file()]
        assert not any(b"berspannungsableiter" in path.read_bytes() for path in files)


async def test_another_accepted_answer_takes_the_place_of_the_first(folder: Path) -> None:
    """The archive follows to the one that is accepted now, and back, and what a person wrote by hand stays."""
    async with open_parts(folder) as parts:
        await hold_session(parts)
        await propose(parts, "p1")
        await propose(parts, "p2", text="Einen Blitzableiter bauen.")
        await accept(parts, "p1")
        await finish(parts, write_captions(folder))
        await accept(parts, "p2")
        assert archived(parts)["surge"].body == "Einen Blitzableiter bauen."
        loaded = load_session(parts.workspace.transcripts, SESSION.show_id, SESSION.id)
        by_hand = tuple(replace(a, body="Von Hand verbessert.") if a.id == "surge" else a for a in loaded.answers)
        save_session(parts.workspace.transcripts, replace(loaded, answers=by_hand), loaded=loaded)
        await accept(parts, "p1")
        assert archived(parts)["surge"].body == "Von Hand verbessert."


async def test_undoing_before_publication_leaves_no_draft(folder: Path) -> None:
    """An acceptance that was a mistake leaves the archive as if it had never been."""
    async with open_parts(folder) as parts:
        await hold_session(parts)
        await propose(parts, "p1")
        await finish(parts, write_captions(folder))
        before = archived(parts)
        await accept(parts, "p1")
        assert "surge" in archived(parts)
        await accept(parts, "p1", undo=True)
        assert archived(parts) == before


@pytest.mark.parametrize("publishing", Publishing)
async def test_a_show_that_publishes_by_itself_publishes_written_answers(folder: Path, publishing: Publishing) -> None:
    """Where no person reviews, accepting is publishing; where one does, it is a draft."""
    async with open_parts(folder) as parts:
        await hold_session(parts)
        show = Show(id="runde", title="Runde", publishing=publishing)
        await parts.store.write(lambda db: show_rows.save_show(db, show))
        await propose(parts, "p1")
        await finish(parts, write_captions(folder))
        await accept(parts, "p1")
        auto = publishing is Publishing.AUTO
        assert archived(parts)["surge"].state is (AnswerState.PUBLISHED if auto else AnswerState.DRAFT)


async def test_a_superseded_written_answer_leaves_its_address_only(folder: Path) -> None:
    """An answer in writing that another took the place of keeps its page, and its words are gone from the site."""
    async with open_parts(folder) as parts:
        await hold_session(parts)
        await propose(parts, "p1")
        await accept(parts, "p1")
        await finish(parts, write_captions(folder))
        await answers_of(parts).publish_drafts(SESSION.id, ["surge", "bill"], author="host")
        await settle(parts)
        loaded = load_session(parts.workspace.transcripts, SESSION.show_id, SESSION.id)
        answers = tuple(
            replace(a, state=AnswerState.SUPERSEDED, superseded_by="bill") if a.id == "surge" else a
            for a in loaded.answers
        )
        save_session(parts.workspace.transcripts, replace(loaded, answers=answers), loaded=loaded)
        step = question_rows.step_question
        at = datetime.now(UTC)
        await parts.store.write(lambda db: step(db, "surge", QuestionState.SUPERSEDED, at=at, author="host"))
        await parts.store.write(lambda db: answers_of(parts).order(db, SESSION.id, "surge", at=at))
        await settle(parts)
        assert archived(parts)["surge"].state is AnswerState.SUPERSEDED
        assert found_in_site(parts, "berspannungsableiter") == []
        assert [path for path in found_in_site(parts, "Wechselrichter vor Blitzen") if path.startswith("a/surge-")]
