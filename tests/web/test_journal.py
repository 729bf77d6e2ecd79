"""Deeds on cases, written answers and topics stand in what happened, with their author, and each is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from streamhub.questions.question import QuestionState
from streamhub.store import changes, erasing
from streamhub.store import proposals as proposal_rows
from streamhub.store import questions as question_rows
from streamhub.store import stories as story_rows
from tests.web.test_topics import grouping, plan

if TYPE_CHECKING:
    from tests.web.conftest import World

__all__ = ["grouping"]


async def happened(world: World, session: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await world.host("GET", f"/sessions/{session}/changes"))["changes"]
    return found


async def undo(world: World, session: str, change: int | None = None) -> None:
    await world.host("POST", f"/sessions/{session}/undo", **({"change": change} if change else {}))


async def refused(world: World, session: str, change: int) -> str:
    path = f"/api/v1/host/sessions/{session}/undo"
    async with world.client.post(path, json={"change": change}, headers=world.bearer) as answer:
        assert answer.status == 409
        return str((await answer.json())["error"]["message"])


async def write(world: World, question: str, kind: str, text: str) -> str:
    world.client.session.cookie_jar.clear()
    async with world.client.post(f"/api/v1/questions/{question}/{kind}", json={"text": text}) as answer:
        assert answer.status == 201
        return str((await answer.json())["id"])


async def state_of(world: World, kind: str, id_: str) -> str:
    read = story_rows.load_story if kind == "stories" else proposal_rows.load_proposal
    return str((await world.hub.store.read(lambda db: read(db, id_))).state.value)


@pytest.mark.parametrize(("deed", "state"), [("decline", "declined"), ("hold", "held")])
async def test_what_is_decided_about_a_case_is_taken_back(world: World, deed: str, state: str) -> None:
    """A case that was declined or held by mistake is shown again by one undo, and the undo itself is undone."""
    session = await world.plan()
    asked = await world.ask(session)
    case = await write(world, asked, "stories", "Bei mir auch.")
    await world.host("POST", f"/stories/{case}/{deed}", note="Grund")
    assert await state_of(world, "stories", case) == state
    [latest, *_] = await happened(world, session)
    assert (latest["action"], latest["author"], latest["questions"]) == (f"story-{deed}", "script", [asked])
    await undo(world, session)
    assert await state_of(world, "stories", case) == "shown"
    [latest, *_] = await happened(world, session)
    await undo(world, session, latest["id"])
    assert await state_of(world, "stories", case) == state


async def test_an_accepted_answer_is_taken_back_and_the_archive_follows(world: World) -> None:
    """Undoing an acceptance opens the question again; accepting another and undoing it brings the first one back."""
    session = await world.plan()
    asked = await world.ask(session)
    one, two = [await write(world, asked, "answers", text) for text in ("Stecker ziehen.", "Neu starten.")]
    await world.host("POST", f"/proposals/{one}/accept")
    await undo(world, session)
    question = await world.hub.store.read(lambda db: question_rows.load_question(db, asked))
    assert (question.state, await state_of(world, "answers", one)) == (QuestionState.OPEN, "held")
    await world.host("POST", f"/proposals/{one}/accept")
    await world.host("POST", f"/proposals/{two}/accept")
    assert [await state_of(world, "answers", id_) for id_ in (one, two)] == ["also", "accepted"]
    world.answers.ordered.clear()
    await undo(world, session)
    assert [await state_of(world, "answers", id_) for id_ in (one, two)] == ["accepted", "held"]
    question = await world.hub.store.read(lambda db: question_rows.load_question(db, asked))
    assert question.state is QuestionState.ANSWERED_IN_WRITING
    assert world.answers.ordered == [(session, asked)]
    await world.host("POST", f"/proposals/{one}/undo")
    assert (await happened(world, session))[0]["action"] == "answer-undo"
    await undo(world, session)
    assert await state_of(world, "answers", one) == "accepted"


async def test_an_answer_that_was_published_meanwhile_is_withdrawn(world: World) -> None:
    """Undoing an acceptance after the archive showed the answer withdraws it."""
    session = await world.plan()
    asked = await world.ask(session)
    one = await write(world, asked, "answers", "Stecker ziehen.")
    await world.host("POST", f"/proposals/{one}/accept")
    step, at = question_rows.step_question, world.clock()
    await world.hub.store.write(lambda db: step(db, asked, QuestionState.PUBLISHED, at=at, author=""))
    await undo(world, session)
    question = await world.hub.store.read(lambda db: question_rows.load_question(db, asked))
    assert question.state is QuestionState.WITHDRAWN


async def test_an_undo_never_overwrites_a_later_decision(world: World) -> None:
    """What somebody else decided since, or its writer took back, is not undone; the refusal names who was later."""
    session = await world.plan()
    asked = await world.ask(session)
    case, gone = (
        await write(world, asked, "stories", "Bei mir auch."),
        await write(world, asked, "stories", "Hier auch."),
    )
    for id_ in (case, gone):
        await world.host("POST", f"/stories/{id_}/decline")
    second, first = [one["id"] for one in (await happened(world, session))[:2]]
    await world.host("POST", f"/stories/{case}/hold")
    assert "script" in await refused(world, session, first)
    voter = (await world.hub.store.read(lambda db: story_rows.load_story(db, gone))).voter
    await world.hub.store.write(lambda db: story_rows.erase_story(db, gone, voter=voter, at=world.clock()))
    await refused(world, session, second)
    assert await state_of(world, "stories", case) == "held"


async def topics_of(world: World, session: str) -> dict[str, tuple[str, bool, frozenset[str]]]:
    found = (await world.host("GET", f"/sessions/{session}/topics"))["topics"]
    return {one["id"]: (one["title"], one["pinned"], frozenset(q["id"] for q in one["questions"])) for one in found}


async def test_every_deed_on_topics_is_taken_back(grouping: World) -> None:
    """Naming, pinning, moving, splitting and merging are undone one after the other, back to the very beginning."""
    session, moving, blinking = await plan(grouping)
    await grouping.host("POST", f"/sessions/{session}/topics/regroup")
    first, second = list(await topics_of(grouping, session))
    root, seen = f"/sessions/{session}/topics", [await topics_of(grouping, session)]
    deeds = [
        (f"{root}/{first}/rename", {"name": "Umziehen"}),
        (f"{root}/{first}/pin", {}),
        (f"{root}/{first}/unpin", {}),
        (f"{root}/move", {"question": blinking[1], "topic": first}),
        (f"{root}/move", {"question": moving[0]}),
        (f"{root}/{first}/split", {"questions": [blinking[1]]}),
        (f"{root}/{second}/merge", {"into": first}),
    ]
    for path, body in deeds:
        await grouping.host("POST", path, **body)
        seen.append(await topics_of(grouping, session))
    actions = [one["action"] for one in await happened(grouping, session)]
    assert actions == [f"topic-{name}" for name in ("merge", "split", "move", "move", "unpin", "pin", "rename")]
    assert {one["author"] for one in await happened(grouping, session)} == {"script"}
    for before in reversed(seen[:-1]):
        await undo(grouping, session)
        assert await topics_of(grouping, session) == before
    [last, *_] = await happened(grouping, session)
    await undo(grouping, session, last["id"])
    assert (await topics_of(grouping, session))[first][0] == "Umziehen"


async def test_erasing_a_question_takes_names_out_of_the_journal(grouping: World) -> None:
    """A topic may be named after an asker's words; once these are erased, the journal does not hold them either."""
    session, moving, _ = await plan(grouping)
    await grouping.host("POST", f"/sessions/{session}/topics/regroup")
    first = next(iter(await topics_of(grouping, session)))
    for name in ("Umzug der Frau Weber", "Anders"):
        await grouping.host("POST", f"/sessions/{session}/topics/{first}/rename", name=name)
    await grouping.hub.store.write(lambda db: erasing.erase_question(db, moving[0], at=grouping.clock()))
    kept = await grouping.hub.store.read(lambda db: changes.list_changes(db, session))
    assert "Weber" not in str(kept)
    await undo(grouping, session, kept[0].id)


async def test_hosts_read_them_in_what_happened(world: World) -> None:
    """The console names the deed in the host's language, and its button takes it back."""
    session = await world.plan()
    asked = await world.ask(session)
    case = await write(world, asked, "stories", "Bei mir auch.")
    browser = await world.sign_in()
    async with await browser.post(f"/host/s/{session}/stories/{case}/decline") as page:
        assert page.status == 303
    async with await browser.get(f"/host/s/{session}") as page:
        text = await page.text()
    assert "Fall abgelehnt" in text
    async with await browser.post(f"/host/s/{session}/undo") as page:
        assert page.status == 303
    assert await state_of(world, "stories", case) == "shown"
    await browser.close()
