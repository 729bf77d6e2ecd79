"""Floods: honest people get in while a thousand others pour; puzzles are fresh, ours, and good for one question."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.questions.question import Question, QuestionState
from streamhub.store import questions
from streamhub.web.flood import (
    EASIEST_BITS,
    ECHOES_OF_ADDRESS,
    ECHOES_OF_ALL,
    HARDEST_BITS,
    FloodWatch,
    count_zero_bits,
    make_puzzle,
    read_proof,
    solve_puzzle,
)

if TYPE_CHECKING:
    from tests.web.conftest import MakeWorld, World

AT = datetime(2027, 3, 2, 19, 15, tzinfo=UTC)
SECRET = b"k" * 32


def puzzle(bits: int = 8, at: datetime = AT, session: str = "s") -> str:
    return make_puzzle(SECRET, os.urandom, session_id=session, bits=bits, at=at)


def test_a_proof_is_worth_its_puzzle() -> None:
    """A solution names its puzzle; another session, a late hour, another key, a wrong number name none."""
    proof = solve_puzzle(puzzle())
    token, _, answer = proof.rpartition(":")
    assert read_proof(SECRET, proof, session_id="s", at=AT)
    assert read_proof(SECRET, proof, session_id="s", at=AT + timedelta(minutes=9))
    assert not read_proof(SECRET, proof, session_id="s", at=AT + timedelta(minutes=11))
    assert not read_proof(SECRET, proof, session_id="s", at=AT - timedelta(minutes=1))
    assert not read_proof(SECRET, proof, session_id="t", at=AT)
    assert not read_proof(b"x" * 32, proof, session_id="s", at=AT)
    wrong = next(n for n in range(int(answer) + 1, 10**6) if count_zero_bits(token, n) < 8)
    assert not read_proof(SECRET, f"{token}:{wrong}", session_id="s", at=AT)
    easier = token.replace("-8.", "-0.")
    assert easier != token
    assert not read_proof(SECRET, f"{easier}:1", session_id="s", at=AT)


@given(st.text(max_size=80))
def test_rubbish_is_no_proof(text: str) -> None:
    """Whatever somebody sends as a proof is none, and breaks nothing."""
    assert read_proof(SECRET, text, session_id="s", at=AT) == ""
    assert read_proof(SECRET, f"{puzzle()}:{text}", session_id="s", at=AT) == "" or text.isdecimal()


def test_when_it_is_a_flood() -> None:
    """More than the limit within a minute is a flood, for two minutes after the last of it; sessions are apart."""
    watch = FloodWatch(10)
    assert [watch.note("s", at=AT + timedelta(seconds=n)) for n in range(12)] == [False] * 10 + [True] * 2
    assert not watch.is_flooded("t", at=AT)
    assert watch.is_flooded("s", at=AT + timedelta(seconds=130))
    assert not watch.is_flooded("s", at=AT + timedelta(seconds=132))
    slow = FloodWatch(10)
    assert not any(slow.note("s", at=AT + timedelta(seconds=6 * n)) for n in range(100))


def test_harder_with_the_flood() -> None:
    """Each doubling costs the flood one bit more, up to what a phone can bear."""
    watch = FloodWatch(10)
    found = set()
    for _ in range(1000):
        watch.note("s", at=AT)
        found.add(watch.bits("s"))
    assert found == set(range(EASIEST_BITS, HARDEST_BITS + 1))


def test_texts_that_come_again() -> None:
    """The same text, however it is written, is an echo when it comes too often from one address or from all."""
    watch = FloodWatch(10)
    texts = ["Kauft Gold!", "kauft  GOLD!", "Kauft Göld!".replace("ö", "o"), "Kauft Gold!"]
    assert [watch.is_echo("s", text, "a", at=AT) for text in texts] == [False] * ECHOES_OF_ADDRESS + [True]
    assert not watch.is_echo("s", "Kauft Gold!", "a", at=AT + timedelta(minutes=11))
    crowd = [watch.is_echo("s", "Wann geht es los?", f"a{n}", at=AT) for n in range(12)]
    assert crowd == [False] * ECHOES_OF_ALL + [True] * 2


async def kept(world: World, session: str) -> list[Question]:
    return await world.hub.store.read(lambda db: questions.list_questions(db, session))


async def pour(world: World, session: str, count: int, **more: Any) -> list[int]:
    """So many questions at once, each from an address of its own."""

    async def one(number: int) -> int:
        headers = {"X-Forwarded-For": f"10.{number // 65536}.{number // 256 % 256}.{number % 256}"}
        path = f"/api/v1/sessions/{session}/questions"
        async with world.client.post(path, json={"text": f"Flut {number}?", **more}, headers=headers) as answer:
            return answer.status

    statuses = []
    for first in range(0, count, 50):
        statuses += await asyncio.gather(*(one(n) for n in range(first, min(first + 50, count))))
    return statuses


async def ask_honestly(world: World, session: str, text: str, *, solve: bool) -> dict[str, Any]:
    """As a browser does: look whether there is a puzzle, solve it, send."""
    headers = {"X-Forwarded-For": "198.51.100.7"}
    async with world.client.get(f"/api/v1/sessions/{session}/puzzle", headers=headers) as answer:
        found = (await answer.json())["puzzle"]
    proof = await asyncio.to_thread(solve_puzzle, found["token"]) if found and solve else ""
    path = f"/api/v1/sessions/{session}/questions"
    async with world.client.post(path, json={"text": text, "proof": proof}, headers=headers) as answer:
        body: dict[str, Any] = await answer.json()
        return {**body, "proof": proof}


async def test_a_thousand_floods(make_world: MakeWorld) -> None:
    """A thousand floods from as many addresses are held for the hosts; honest people get in, by script and without."""
    world = await make_world(trust_proxy=True, flood_per_minute=60)
    session = await world.plan()
    before = await ask_honestly(world, session, "Vor der Flut?", solve=True)
    assert (before["proof"], before["said"]) == ("", "asked")
    statuses = await pour(world, session, 1000)
    assert set(statuses) == {201}
    honest = await ask_honestly(world, session, "Mitten in der Flut?", solve=True)
    assert (honest["state"], honest["said"]) == ("open", "asked")
    replayed = await ask_honestly(world, session, "x", solve=False)
    assert (replayed["state"], replayed["said"]) == ("held", "flood")
    path = f"/api/v1/sessions/{session}/questions"
    async with world.client.post(path, json={"text": "Noch eine?", "proof": honest["proof"]}) as answer:
        assert (await answer.json())["state"] == "held"
    async with world.client.get(f"/s/{session}") as page:
        stamp = world.find_field(await page.text(), "stamp")
    world.clock.forward(seconds=20)
    form = {"text": "Ohne Skript?", "shown": "anonymous", "consent": "yes", "stamp": stamp}
    async with world.client.post(f"/s/{session}/questions", data=form) as page:
        html = await page.text()
        assert page.status == 200
    assert "Gerade treffen sehr viele Fragen ein" in html
    held = [q for q in await kept(world, session) if q.state is QuestionState.HELD]
    assert {q.doubt for q in held} == {"flood"}
    assert 930 <= len(held) <= 945  # all but the first sixty, the honest one, and the one before
    world.clock.forward(minutes=5)
    after = await ask_honestly(world, session, "Nach der Flut?", solve=False)
    assert (after["proof"], after["said"]) == ("", "asked")


async def test_a_flood_in_one_session_alone(make_world: MakeWorld) -> None:
    """Another session of the hub is not bothered."""
    world = await make_world(trust_proxy=True, flood_per_minute=5)
    flooded, calm = await world.plan(), await world.plan(title="Ruhig")
    await pour(world, flooded, 20)
    assert (await ask_honestly(world, calm, "Hier?", solve=False))["said"] == "asked"


@pytest.mark.parametrize(
    ("text", "name", "doubt"),
    [
        ("Kauft https://a.example https://b.example https://c.example", "", "links"),
        ("Gute Frage?", "www.spam.example", "links"),
        ("Siehe https://a.example: warum?", "Ada", ""),
    ],
)
async def test_advertising_is_held(world: World, text: str, name: str, doubt: str) -> None:
    """Texts full of links wait for a host, who sees why; one link is fine."""
    session = await world.plan()
    asked = await world.ask(session, text, **({"name": name, "shown": "name"} if name else {}))
    [question] = await kept(world, session)
    assert (question.doubt, question.state.value) == (doubt, "held" if doubt else "open")
    async with world.client.get(f"/host/s/{session}", headers=world.bearer) as answer:
        page = await answer.text()
    assert ("Sie enthält viele Links" in page) is bool(doubt)
    assert asked in page


async def test_repeated_texts_are_held(world: World) -> None:
    """The fourth time within ten minutes the same text waits for a host."""
    session = await world.plan()
    for _ in range(5):
        await world.ask(session, "Kauft Gold!")
    assert sorted(q.doubt for q in await kept(world, session)) == [""] * 3 + ["repeated"] * 2
