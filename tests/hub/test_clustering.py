"""Topics on a real store: found beside the work, kept while questions come, overruled by hosts."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from streamhub.clustering import Clusterer
from streamhub.questions.clusters import Cluster
from streamhub.questions.question import Question, QuestionState
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store import clusters as rows
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.store.erasing import erase_question, wish_erasure
from streamhub.store.store import Store

AT = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)
MOVING = [
    "Was kostet der Umzug des Anschlusses?",
    "Wie teuer ist der Umzug vom Anschluss in die neue Wohnung?",
    "Umzug: welche Kosten gibt es für den Anschluss?",
]
BLINKING = ["Warum blinkt mein Router rot?", "Der Router blinkt ständig rot", "Mein Router blinkt rot, was tun?"]


class Desk:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.clusterer = Clusterer(store, now=lambda: AT, random=os.urandom)
        self.told: list[str] = []
        self.clusterer.changed = self.told.append

    async def ask(self, *texts: str) -> list[str]:
        def insert(db: Database) -> list[str]:
            ids = []
            for text in texts:
                question = Question(
                    id=f"q{os.urandom(4).hex()}", session_id="s", text=text, state=QuestionState.OPEN, asked_at=AT
                )
                ids.append(question_rows.insert_question(db, question).id)
            return ids

        return await self.store.write(insert)

    async def topics(self) -> list[Cluster]:
        return await self.store.read(lambda db: rows.list_clusters(db, "s"))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with Store.open(tmp_path / "hub.sqlite3", now=lambda: AT) as store:

        def fill(db: Database) -> None:
            show_rows.save_show(db, Show(id="netz", title="Netz"))
            session = Session(id="s", show_id="netz", title="Runde", starts_at=AT, state=SessionState.OPEN)
            show_rows.save_session(db, session)

        await store.write(fill)
        made = Desk(store)
        yield made
        made.clusterer.close()


async def test_questions_become_topics(desk: Desk) -> None:
    """Questions that ask for the same become topics with labels, and listeners are told."""
    moving, blinking = await desk.ask(*MOVING), await desk.ask(*BLINKING)
    await desk.ask("Gibt es Rabatt für Schüler?")
    await desk.clusterer.regroup("s")
    assert {one.members for one in await desk.topics()} == {frozenset(moving), frozenset(blinking)}
    assert all(one.label and one.central in one.members for one in await desk.topics())
    assert desk.told == ["s"]
    await desk.clusterer.regroup("s")
    assert desk.told == ["s"]


async def test_a_question_erased_meanwhile_names_no_topic(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question that is erased while its session is grouped is in no topic and no label afterwards."""
    erased, *_ = await desk.ask("Kanarie: was kostet der Umzug?", "Kanarie: wie teuer ist der Umzug?", *BLINKING)
    plan = desk.clusterer._work
    steps: list[str] = []

    async def erase_before_the_plan(fn: Any) -> Any:
        found = await plan(fn)
        steps.append("done")
        if len(steps) == 2:  # compared and planned, not saved yet
            await desk.store.write(lambda db: wish_erasure(db, erased, at=AT))
            await desk.store.write(lambda db: erase_question(db, erased, at=AT))
        return found

    monkeypatch.setattr(desk.clusterer, "_work", erase_before_the_plan)
    await desk.clusterer.regroup("s")
    topics = await desk.topics()
    assert len(steps) > 2
    assert [one.title for one in topics if "kanarie" in one.title.lower()] == []
    assert all(erased not in one.members for one in topics)
    assert len(topics) == 1


async def test_new_question_joins_its_topic(desk: Desk) -> None:
    """A question that comes later joins the topic it belongs to by itself; one about something else stays single."""
    moving = await desk.ask(*MOVING)
    await desk.clusterer.catch_up()
    await desk.clusterer.regroup("s")
    before = (await desk.topics())[0]
    new = (await desk.ask("Kosten für Umzug mit Anschluss?"))[0]
    await desk.ask("Darf mein Hund mit ins Studio?")
    await desk.clusterer.catch_up()
    (after,) = await desk.topics()
    assert (after.id, after.members) == (before.id, {*moving, new})


async def test_hosts_topics_survive_a_regrouping(desk: Desk) -> None:
    """Names, pins and placings of hosts stay when many questions come and all are grouped anew."""
    moving, blinking = await desk.ask(*MOVING), await desk.ask(*BLINKING)
    await desk.clusterer.regroup("s")
    by_member = {member: one.id for one in await desk.topics() for member in one.members}

    def decide(db: Database) -> None:
        rows.name_cluster(db, "s", by_member[moving[0]], "Umziehen", at=AT, author="Jana")
        rows.pin_cluster(db, "s", by_member[blinking[0]], True, at=AT, author="Jana")
        rows.move_question(db, "s", moving[2], by_member[blinking[0]], at=AT, author="Jana")
        rows.move_question(db, "s", moving[1], "", at=AT, author="Jana")

    await desk.store.write(decide)
    await desk.ask(*(f"{text} Bitte um Antwort" for text in MOVING * 3))
    await desk.clusterer.regroup("s")
    after = {one.id: one for one in await desk.topics()}
    assert after[by_member[moving[0]]].name == "Umziehen"
    assert after[by_member[moving[0]]].members > {moving[0]}
    assert after[by_member[blinking[0]]].members == {*blinking, moving[2]}
    assert not any(moving[1] in one.members for one in after.values())


async def test_it_follows_by_itself(desk: Desk) -> None:
    """While it is kept, questions become topics without anybody asking for it."""
    async with desk.clusterer.keep():
        await asyncio.sleep(0)
        await desk.ask(*MOVING)
        async with asyncio.timeout(60):
            while not await desk.topics():
                await desk.ask("Noch eine Frage dazwischen")
                await asyncio.sleep(0.2)


async def test_what_was_there_before_a_start_becomes_topics(desk: Desk) -> None:
    """A hub that starts groups what was asked before, though nobody asks anything more."""
    moving = await desk.ask(*MOVING)
    await desk.clusterer.catch_up()
    assert {one.members for one in await desk.topics()} == {frozenset(moving)}


async def test_it_outlives_what_it_does_not_know(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw, such as an encoder's, ends the grouping of no later question."""
    failures = iter([RuntimeError("broken encoder")])
    real = desk.clusterer.catch_up

    async def stumble() -> None:
        for error in failures:
            raise error
        await real()

    monkeypatch.setattr(desk.clusterer, "catch_up", stumble)
    await desk.ask(*MOVING)
    async with desk.clusterer.keep(), asyncio.timeout(60):
        while not await desk.topics():
            await asyncio.sleep(0.1)
    assert list(failures) == []


async def test_nothing_to_group_is_no_trouble(desk: Desk) -> None:
    """A session without questions, or with one alone, has no topics."""
    await desk.clusterer.regroup("s")
    await desk.ask("Nur eine Frage?")
    await desk.clusterer.regroup("s")
    assert await desk.topics() == []
