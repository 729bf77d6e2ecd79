"""Topics in the console, on their page and in the API."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from streamhub.clustering import Clusterer
from streamhub.web.access import AccessRole
from streamhub.web.application import make_app

if TYPE_CHECKING:
    from tests.web.conftest import World

MOVING = ["Was kostet der Umzug des Anschlusses?", "Wie teuer ist der Umzug vom Anschluss?", "Umzug: Kosten Anschluss?"]
BLINKING = ["Warum blinkt mein Router rot?", "Der Router blinkt ständig rot"]


@pytest.fixture
async def grouping(world: World) -> AsyncIterator[World]:
    """A hub that groups questions."""
    clusterer = Clusterer(world.hub.store, now=world.clock, random=os.urandom)
    hub = replace(world.hub, topics=clusterer)
    client: TestClient[Any, Any] = TestClient(TestServer(make_app(hub)))
    await client.start_server()
    yield replace(world, client=client, hub=hub)
    await client.close()
    clusterer.close()


async def plan(world: World) -> tuple[str, list[str], list[str]]:
    session = await world.plan()
    moving = [await world.ask(session, text) for text in MOVING]
    return session, moving, [await world.ask(session, text) for text in BLINKING]


async def test_topics_by_program(grouping: World) -> None:
    """A program groups, names, pins, moves, splits, merges and queues topics."""
    session, moving, blinking = await plan(grouping)
    found = (await grouping.host("POST", f"/sessions/{session}/topics/regroup"))["topics"]
    assert [{q["id"] for q in one["questions"]} for one in found] == [set(moving), set(blinking)]
    assert [one["people"] for one in found] == [3, 2]
    first, second = (one["id"] for one in found)
    root = f"/sessions/{session}/topics"
    named = await grouping.host("POST", f"{root}/{first}/rename", name="Umziehen")
    assert next(one["title"] for one in named["topics"]) == "Umziehen"
    await grouping.host("POST", f"{root}/{first}/pin")
    moved = await grouping.host("POST", f"{root}/move", question=blinking[1], topic=first)
    assert moved["topics"][0]["people"] == 4
    await grouping.host("POST", f"{root}/{first}/split", questions=[blinking[1]])
    out = await grouping.host("POST", f"{root}/move", question=blinking[0])
    assert out["single"] == [blinking[0]]
    await grouping.host("POST", f"{root}/{second}/merge", into=first)
    await grouping.host("POST", f"{root}/{first}/queue")
    states = {q["id"]: q["state"] for q in (await grouping.host("GET", f"/sessions/{session}/questions"))["questions"]}
    assert {states[one] for one in moving} == {"queued"}
    assert states[blinking[0]] == "open"
    await grouping.host("POST", f"{root}/{first}/unite")
    states = {q["id"]: q["state"] for q in (await grouping.host("GET", f"/sessions/{session}/questions"))["questions"]}
    assert sorted(states[one] for one in moving) == ["merged", "merged", "queued"]


async def test_topics_by_form(grouping: World) -> None:
    """Everything is done by forms too, and the console shows people and topics."""
    session, moving, _ = await plan(grouping)
    browser = await grouping.sign_in()
    root = f"/host/s/{session}/topics"
    assert (await browser.post(f"{root}/regroup")).status == 303
    topics = (await grouping.host("GET", f"/sessions/{session}/topics"))["topics"]
    first, second = (one["id"] for one in topics)
    for path, fields in (
        (f"{root}/{first}/rename", {"name": "Umziehen & Co"}),
        (f"{root}/{first}/pin", {}),
        (f"{root}/{first}/split", {f"q-{moving[0]}": "on"}),
        (f"{root}/move", {"question": moving[0], "topic": first}),
        (f"{root}/{second}/merge", {"into": first}),
        (f"{root}/{first}/queue", {}),
    ):
        assert (await browser.post(path, **fields)).status == 303, path
    page = await (await browser.get(root)).text()
    assert "Umziehen &amp; Co" in page
    assert "5 Personen" in page
    only = await (await browser.get(f"{root}?topic={first}")).text()
    assert MOVING[0] in only
    assert (await browser.get(f"{root}?topic=x")).status == 404
    board = await (await browser.get(f"/host/s/{session}/board")).text()
    assert f"{root}?topic={first}" in board
    await browser.close()


async def test_topics_are_for_those_who_may(grouping: World) -> None:
    """The public sees no topics, an expert sees them and changes nothing."""
    session, _, _ = await plan(grouping)
    async with grouping.client.get(f"/api/v1/host/sessions/{session}/topics") as answer:
        assert answer.status == 401
    browser = await grouping.sign_in(role=AccessRole.EXPERT)
    assert (await browser.get(f"/host/s/{session}/topics")).status == 200
    assert (await browser.post(f"/host/s/{session}/topics/regroup")).status == 403
    await browser.close()


async def test_unknown_topics_are_said_to_be_unknown(grouping: World) -> None:
    """A deed on a topic that is not there, and a queueing of nothing, are refused with a sentence."""
    session, _, _ = await plan(grouping)
    for deed in ("rename", "pin", "merge", "split", "queue"):
        path = f"/api/v1/host/sessions/{session}/topics/x/{deed}"
        async with grouping.client.post(path, headers=grouping.bearer) as answer:
            assert answer.status == 404, deed
    async with grouping.client.get("/api/v1/host/sessions/nirgends/topics", headers=grouping.bearer) as answer:
        assert answer.status == 404
