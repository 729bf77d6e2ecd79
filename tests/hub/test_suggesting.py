"""Suggestions out of a real store and a real archive folder: what is offered, and what never is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from streamhub.answers.answer import AnswerState
from streamhub.archive.folder import load_session, save_session
from streamhub.errors import NotFound
from streamhub.questions.question import Question, QuestionState, Shown
from streamhub.questions.writing import Proposal, Writer, digest_of
from streamhub.schedule.show import Privacy, Session, SessionState, Show
from streamhub.store import proposals as proposal_rows
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.store.store import Store
from streamhub.suggesting import MAX_WAITING, Suggester
from tests.archive.records import make_session

AT = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)
Q = QuestionState


class Desk:
    """A store with two shows and what tests do to it."""

    def __init__(self, store: Store, archive: Path) -> None:
        self.store, self.archive = store, archive
        self.suggester = Suggester(store, archive, fresh_s=0)

    async def open(self) -> None:
        def fill(db: Database) -> None:
            for show_id, privacy in (
                ("netz", Privacy.UNLISTED),
                ("haus", Privacy.UNLISTED),
                ("geheim", Privacy.PRIVATE),
            ):
                show_rows.save_show(db, Show(id=show_id, title=show_id, privacy=privacy))
                session = Session(
                    id=f"s-{show_id}", show_id=show_id, title="Runde", starts_at=AT, state=SessionState.OPEN
                )
                show_rows.save_session(db, session)

        await self.store.write(fill)

    async def ask(self, question_id: str, text: str, *, session_id: str = "s-netz", state: Q = Q.OPEN) -> None:
        question = Question(id=question_id, session_id=session_id, text=text, state=state, asked_at=AT)
        await self.store.write(lambda db: question_rows.insert_question(db, question))

    async def step(self, question_id: str, to: Q) -> None:
        await self.store.write(lambda db: question_rows.step_question(db, question_id, to, at=AT, author="Jana"))

    async def find(self, text: str, *, session_id: str = "s-netz", limit: int = 5) -> list[str]:
        found = await self.suggester.suggest(text, language="de", session_id=session_id, limit=limit)
        return [one.id for one in found]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with Store.open(tmp_path / "hub.sqlite3", now=lambda: AT) as store:
        made = Desk(store, tmp_path / "transcripts")
        await made.open()
        yield made
        made.suggester.close()


async def test_open_question_is_suggested_as_it_is_now(desk: Desk) -> None:
    """An open question is offered with its place, its time and the votes of this moment; asked later, found later."""
    await desk.ask("q1", "Was kostet der Umzug meines Anschlusses?")
    assert await desk.find("Umzugskosten für den Anschluss") == ["q1"]
    await desk.store.write(lambda db: question_rows.add_vote(db, "q1", "v1", at=AT))
    one = (await desk.suggester.suggest("Kosten Umzug Anschluss", language="de", session_id="s-netz"))[0]
    assert (one.kind, one.votes, one.page, one.session_title) == ("open", 1, "/s/s-netz#q-q1", "Runde")
    assert (one.start_ms, one.duration_ms, one.answerers, one.at) == (None, None, (), AT)
    assert 0 < one.score <= 1
    await desk.ask("q2", "Was kostet ein Umzug nach Wien?")
    assert set(await desk.find("Was kostet der Umzug?")) == {"q1", "q2"}
    assert len(await desk.find("Was kostet der Umzug?", limit=1)) == 1


@pytest.mark.parametrize("state", [Q.RECEIVED, Q.HELD, Q.MERGED, Q.DECLINED, Q.WITHDRAWN, Q.ANSWERED_LIVE, Q.PUBLISHED])
async def test_what_is_not_open_is_not_suggested(desk: Desk, state: Q) -> None:
    """A question that is held, merged, declined, withdrawn or answered is no open question to the public."""
    await desk.ask("q1", "Was kostet der Umzug?", state=state)
    assert await desk.find("Was kostet der Umzug?") == []


@pytest.mark.parametrize("to", [Q.HELD, Q.DECLINED])
async def test_what_is_taken_back_is_gone_at_once(desk: Desk, to: Q) -> None:
    """A question that a host holds or declines is offered no more, even by an index that has not noticed."""
    await desk.ask("q1", "Was kostet der Umzug?")
    assert await desk.find("Was kostet der Umzug?") == ["q1"]
    desk.suggester._fresh_s = 1e9
    await desk.step("q1", to)
    assert await desk.find("Was kostet der Umzug?") == []
    desk.suggester._fresh_s = 0
    await desk.step("q1", Q.OPEN)
    assert await desk.find("Was kostet der Umzug?") == ["q1"]


async def test_other_shows_are_offered_unless_private(desk: Desk) -> None:
    """A question of another show is offered; one of a private show in that show alone."""
    await desk.ask("q1", "Was kostet der Umzug?", session_id="s-haus")
    await desk.ask("q2", "Was kostet der Umzug?", session_id="s-geheim")
    assert await desk.find("Was kostet der Umzug?") == ["q1"]
    assert set(await desk.find("Was kostet der Umzug?", session_id="s-geheim")) == {"q1", "q2"}


async def test_session_that_is_over_or_a_draft_offers_nothing(desk: Desk) -> None:
    """Where nobody can say "me too" any more, or not yet, no open question is offered."""
    await desk.ask("q1", "Was kostet der Umzug?")
    for state in (SessionState.ENDED, SessionState.DRAFT, SessionState.CANCELLED):
        session = Session(id="s-netz", show_id="netz", title="Runde", starts_at=AT, state=state)
        await desk.store.write(lambda db, session=session: show_rows.save_session(db, session))
        assert await desk.find("Was kostet der Umzug?") == []


async def test_published_answer_is_suggested_with_its_clip(desk: Desk) -> None:
    """An answer of the archive is offered with its page, its place, its length and who answered; drafts never are."""
    save_session(desk.archive, make_session())
    await desk.suggester.refresh()
    found = await desk.suggester.suggest("Mein Router blinkt rot", language="de", session_id="s-netz")
    assert [one.id for one in found] == ["q1"]
    one = found[0]
    assert (one.kind, one.page, one.votes) == ("answered", "/archive/a/q1-router-blinkt-rot/", 12)
    assert (one.start_ms, one.duration_ms, one.answerers) == (5000, 10_000, ("Anna Weber",))
    for hidden in (
        "Was wird aus dem Zebraprojekt?",
        "Was war der Fall Nilpferd?",
        "Wie starte ich den alten Router neu?",
    ):
        assert await desk.find(hidden) in ([], ["q1"])


async def test_answer_follows_its_file_and_its_question(desk: Desk) -> None:
    """An answer that is withdrawn in its file goes; one that is withdrawn in the hub goes before its file follows."""
    save_session(desk.archive, make_session())
    await desk.suggester.refresh()
    loaded = load_session(desk.archive, "service-runde", "2027-03-02-netz")
    gone = [replace(a, state=AnswerState.WITHDRAWN) if a.id == "q1" else a for a in loaded.answers]
    save_session(desk.archive, replace(loaded, answers=tuple(gone)), loaded=loaded)
    await desk.suggester.refresh()
    assert await desk.find("Warum blinkt mein Router rot?") == []
    back = load_session(desk.archive, "service-runde", "2027-03-02-netz")
    shown = [replace(a, state=AnswerState.PUBLISHED) if a.id == "q1" else a for a in back.answers]
    save_session(desk.archive, replace(back, answers=tuple(shown)), loaded=back)
    await desk.suggester.refresh()
    assert await desk.find("Warum blinkt mein Router rot?") == ["q1"]
    await desk.ask("q1", "Warum blinkt mein Router rot?", state=Q.WITHDRAWN)
    assert await desk.find("Warum blinkt mein Router rot?") == []


async def test_unreadable_session_offers_nothing_and_harms_no_other(desk: Desk) -> None:
    """A session with a broken file has no answers to offer; the others keep theirs."""
    save_session(desk.archive, make_session())
    save_session(desk.archive, make_session(id="2027-04-02-haus", answers=()))
    (desk.archive / "service-runde" / "2027-04-02-haus" / "session.md").write_text("kaputt")
    await desk.suggester.refresh()
    assert await desk.find("Warum blinkt mein Router rot?") == ["q1"]


async def test_unrelated_question_gets_nothing(desk: Desk) -> None:
    """A question about something else gets no suggestion at all."""
    await desk.ask("q1", "Was kostet der Umzug meines Anschlusses?")
    assert await desk.find("Wie backe ich ein Brot mit Sauerteig?") == []
    assert await desk.find("") == []


async def test_hosts_see_doubles_in_every_state(desk: Desk) -> None:
    """A host sees what looks like a question in its show, held ones too, but neither itself nor declined ones."""
    await desk.ask("q1", "Was kostet der Umzug meines Anschlusses?")
    await desk.ask("q2", "Umzug: was kostet das beim Anschluss?", state=Q.HELD)
    await desk.ask("q3", "Was kostet der Umzug vom Anschluss?", state=Q.DECLINED)
    await desk.ask("q4", "Was kostet der Umzug vom Anschluss?", session_id="s-haus")
    found = await desk.suggester.similar("q1")
    assert [(one.id, one.state) for one in found] == [("q2", Q.HELD)]
    with pytest.raises(NotFound):
        await desk.suggester.similar("nirgends")


async def test_it_follows_by_itself(desk: Desk) -> None:
    """While it is kept, the index is read and follows in the background."""
    await desk.ask("q1", "Was kostet der Umzug?")
    desk.suggester._fresh_s = 1e9
    async with desk.suggester.keep():
        async with asyncio.timeout(60):
            while not await desk.find("Was kostet der Umzug?"):
                await asyncio.sleep(0.05)
            await desk.ask("q2", "Wann kommt der Techniker?")
            while await desk.find("Wann kommt der Techniker?") != ["q2"]:
                await asyncio.sleep(0.05)


async def test_many_questions_are_read_in_turns(desk: Desk) -> None:
    """More questions than one turn takes are all found."""

    def many(db: Database) -> None:
        for n in range(2100):
            question = Question(
                id=f"m{n:04}",
                session_id="s-netz",
                text=f"Frage zu Thema{n}",
                state=Q.OPEN,
                asked_at=AT + timedelta(seconds=n),
            )
            question_rows.insert_question(db, question)

    await desk.ask("a", "Anfang")
    await desk.find("Anfang")
    await desk.store.write(many)
    assert await desk.find("Thema2099", limit=1) == ["m2099"]
    assert await desk.find("Thema7", limit=1) == ["m0007"]


async def test_an_accepted_answer_in_writing_is_offered_before_the_archive_has_it(desk: Desk) -> None:
    """What a host accepted before the show answers others at once; taken back, the question is open again."""
    await desk.ask("q1", "Was kostet der Umzug meines Anschlusses?")
    proposal = Proposal(
        id="p1",
        question_id="q1",
        voter="v",
        writer=Writer(name="Bernd Bach", shown=Shown.NAME),
        text="Nichts.",
        digest=digest_of("Nichts."),
        language="de",
        at=AT,
    )
    await desk.store.write(lambda db: proposal_rows.insert_proposal(db, proposal))
    await desk.store.write(lambda db: proposal_rows.accept_proposal(db, "p1", at=AT, author="host"))
    (one,) = await desk.suggester.suggest("Umzugskosten für den Anschluss", language="de", session_id="s-haus")
    assert (one.kind, one.page, one.answerers, one.start_ms) == ("answered", "/s/s-netz/q/q1", ("Bernd Bach",), None)
    await desk.store.write(lambda db: proposal_rows.undo_acceptance(db, "p1", at=AT, author="host"))
    (one,) = await desk.suggester.suggest("Umzugskosten für den Anschluss", language="de", session_id="s-netz")
    assert one.kind == "open"


async def test_a_crowd_of_look_ups_piles_nothing_up(desk: Desk) -> None:
    """While the searching thread is busy only so many look-ups wait; the rest finds nothing at once."""
    await desk.ask("router", "Warum blinkt mein Router rot?")
    await desk.suggester.refresh()
    going = threading.Event()
    desk.suggester._searcher.submit(going.wait)
    look = [asyncio.create_task(desk.find("Router blinkt rot")) for _ in range(MAX_WAITING + 40)]
    async with asyncio.timeout(60):
        while sum(one.done() for one in look) < 40:
            await asyncio.sleep(0.01)
    going.set()
    found = await asyncio.gather(*look)
    assert (found.count([]), found.count(["router"])) == (40, MAX_WAITING)
    assert await desk.find("Router blinkt rot") == ["router"]
