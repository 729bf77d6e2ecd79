"""The suggestions' API, on a real hub with a real index."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from streamhub.suggesting import Suggester
from streamhub.web import budget
from streamhub.web.application import make_app

if TYPE_CHECKING:
    from tests.web.conftest import World


@pytest.fixture
async def comparing(world: World, tmp_path: Path) -> AsyncIterator[World]:
    """A hub that compares questions."""
    suggester = Suggester(world.hub.store, tmp_path / "transcripts", fresh_s=0)
    hub = replace(world.hub, suggestions=suggester, lookalikes=suggester)
    client: TestClient[Any, Any] = TestClient(TestServer(make_app(hub)))
    await client.start_server()
    yield replace(world, client=client, hub=hub)
    await client.close()
    suggester.close()


async def test_suggestions_come_as_json_and_are_not_kept(comparing: World, caplog: pytest.LogCaptureFixture) -> None:
    """Suggestions are JSON that nobody may cache, and what was typed stands in no log."""
    caplog.set_level(logging.DEBUG)
    session = await comparing.plan()
    asked = await comparing.ask(session, "Was kostet der Umzug meines Anschlusses?", name="Ada", shown="name")
    path = f"/api/v1/sessions/{session}/suggestions"
    async with comparing.client.get(path, params={"text": "Umzugskosten beim Anschluss"}) as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        found = (await answer.json())["suggestions"]
    assert [(one["kind"], one["id"], one["page"]) for one in found] == [("open", asked, f"/s/{session}#q-{asked}")]
    assert "Ada" not in str(found)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("streamhub")]
    assert ours
    assert not any("mzugskosten" in line for line in ours)  # the hub runs without the server's own access log


@pytest.mark.parametrize("text", ["", "W", "??", "🎉🎉🎉🎉", "a\u202e"])
async def test_hardly_anything_typed_suggests_nothing(comparing: World, text: str) -> None:
    """Before a word is typed nothing is suggested, and nothing fails."""
    session = await comparing.plan()
    await comparing.ask(session, "Was kostet der Umzug?")
    async with comparing.client.get(f"/api/v1/sessions/{session}/suggestions", params={"text": text}) as answer:
        assert (await answer.json()) == {"suggestions": []}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"text": "Umzug", "limit": "0"}, 400), ({"text": "Umzug", "limit": "11"}, 400), ({"limit": "²"}, 400),
        ({"text": "Umzug", "language": "fr"}, 400), ({}, 200), ({"text": "x" * 6000}, 200),
    ],
)  # fmt: skip
async def test_odd_wishes_are_answered_plainly(comparing: World, query: dict[str, str], status: int) -> None:
    """Bad limits and languages are refused with a sentence; a long text is none."""
    session = await comparing.plan()
    async with comparing.client.get(f"/api/v1/sessions/{session}/suggestions", params=query) as answer:
        assert answer.status == status


async def test_drafts_are_nobodys_business(comparing: World) -> None:
    """A session that the public may not know of suggests nothing, and says that it is not there."""
    session = await comparing.plan(to="draft")
    async with comparing.client.get(f"/api/v1/sessions/{session}/suggestions", params={"text": "Umzug"}) as answer:
        assert answer.status == 404


async def test_budget_holds_back_who_asks_too_much(comparing: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who asks for suggestions without end is told to wait, and others' votes and questions go on."""
    session = await comparing.plan()
    path = f"/api/v1/sessions/{session}/suggestions"
    for _ in range(budget.SUGGESTIONS_PER_MINUTE):
        async with comparing.client.get(path) as answer:
            assert answer.status == 200
    async with comparing.client.get(path) as answer:
        assert answer.status == 429
        assert int(answer.headers["Retry-After"]) > 0
    await comparing.ask(session, "Geht das noch?")


async def test_hosts_see_what_looks_alike(comparing: World) -> None:
    """A host is shown what looks like a question; the public is not."""
    session = await comparing.plan()
    first = await comparing.ask(session, "Was kostet der Umzug meines Anschlusses?")
    second = await comparing.ask(session, "Umzug vom Anschluss: Kosten?")
    found = await comparing.host("GET", f"/questions/{first}/similar")
    assert [(one["id"], one["state"]) for one in found["similar"]] == [(second, "open")]
    async with comparing.client.get(f"/api/v1/host/questions/{first}/similar") as answer:
        assert answer.status == 401
    async with comparing.client.get("/api/v1/host/questions/x/similar", headers=comparing.bearer) as answer:
        assert answer.status == 404
