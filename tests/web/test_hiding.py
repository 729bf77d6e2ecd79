"""Nothing that everybody can fetch holds a name that its bearer refuses, or what only hosts may know: every address.

The hub has a session that is announced, one that runs, one in the archive, one called off and a draft, with an event
and pre-shows; the refused name stands in titles, descriptions, captions, questions and answers, as people write it.
"""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientTimeout
from aiohttp.test_utils import TestClient, TestServer

from streamhub.web.access import ACTION_OF, Action
from streamhub.web.application import make_app
from tests.web.hiding import SECRETS, TRACES, build, fill, fillings, make_hub, refuse
from tests.web.test_access import routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from tests.web.conftest import MakeWorld, World

PUBLIC = {Action.SEE_PUBLIC, Action.USE_OVERLAY}
QUERIES = ("", "lang=en", "text=Netz%20bauen", "q=Netz", "clock=player")
"""What may stand behind an address and changes what it shows."""
NOTHING_THERE = {"live_file", "show_photo", "show_link"}
"""What answers only with what this hub does not have: a picture, a photo, somebody's own link."""


FRAMED = {"Referer": "https://anderswo.example/", "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "cross-site"}


@pytest.fixture
async def filled(make_world: MakeWorld, tmp_path: Path) -> AsyncIterator[World]:
    """A hub in which the name stands everywhere and nobody has refused anything yet."""
    world = await make_world(embed_origins="https://firma.example")
    await fill(world, tmp_path)
    hub = make_hub(world, tmp_path)
    client: TestClient[Any, Any] = TestClient(TestServer(make_app(hub)))
    await client.start_server()
    yield replace(world, client=client, hub=hub)
    await client.close()
    hub.suggestions.close()  # type: ignore[attr-defined]


async def fetch(world: World, address: str, headers: Mapping[str, str] = MappingProxyType({})) -> tuple[int, str]:
    """What an address answers; of a stream, what it says first."""
    patience = ClientTimeout(total=40)
    async with world.client.get(address, allow_redirects=False, timeout=patience, headers=headers) as answer:
        if not address.partition("?")[0].endswith("/events") or answer.status != 200:
            return answer.status, (await answer.read()).decode("utf-8", "replace")
        told = b""
        while b"\n\n" not in told.partition(b"data:")[2]:
            told += await answer.content.readany()
        return answer.status, told.decode()


async def fetch_everything(world: World) -> dict[str, str]:
    """What everybody can fetch, by address: every public route for every session, and every file of the archive."""
    assert world.client.app is not None
    found: dict[str, str] = {}
    public, answered = set(), set()
    for filling in fillings(world.hub):
        for method, path, handler in routes(world.client.app, **filling):
            if method != "GET" or ACTION_OF[handler] not in PUBLIC:
                continue
            public.add(handler.__name__)
            for query in QUERIES:
                address = f"{path}?{query}&key={filling['key']}"
                if address not in found:
                    status, found[address] = await fetch(world, address)
                    assert status < 500, address
                    answered |= {handler.__name__} if status < 400 else set()
            if path.endswith("/embed"):
                found[f"{path} on a page that may not show it"] = (await fetch(world, path, FRAMED))[1]
    assert public - answered == NOTHING_THERE, "every other public address shows something of this hub"
    for file in sorted(world.hub.public_dir.rglob("*")):
        if file.is_file():
            data = file.read_bytes()
            name = f"/archive/{file.relative_to(world.hub.public_dir)}"
            found[name] = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8", "replace")
    return found


def find_traces(found: dict[str, str], traces: tuple[str, ...]) -> list[str]:
    """Where any of these words stands, with what is around it; an address counts, and lines that were folded."""
    told, wanted = [], re.compile("|".join(map(re.escape, traces)))
    for address, text in found.items():
        seen = f"{address} {text}".replace("\r\n ", "").lower()
        if (match := wanted.search(seen)) is not None:
            told.append(f"{address}: …{seen[max(0, match.start() - 60) : match.end() + 40]}…")
    return told


async def test_a_refused_name_is_in_nothing_that_everybody_can_fetch(filled: World, tmp_path: Path) -> None:
    """Before she refuses, her name stands at many addresses; afterwards at none, however it is written."""
    await build(filled, tmp_path)
    before = find_traces(await fetch_everything(filled), TRACES)
    assert len(before) > 100
    await refuse(filled, tmp_path)
    await build(filled, tmp_path)
    found = await fetch_everything(filled)
    assert "\n".join(find_traces(found, TRACES)) == ""
    assert any("Fachperson" in text for text in found.values())


async def test_what_hosts_alone_may_know_is_in_nothing_that_everybody_can_fetch(filled: World, tmp_path: Path) -> None:
    """Mail addresses, who was asked and has not come, rooms, notes, drafts and held questions stand at no address."""
    await build(filled, tmp_path)
    assert "\n".join(find_traces(await fetch_everything(filled), SECRETS)) == ""
