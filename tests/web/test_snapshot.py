"""Snapshots: the live state as a document that caches may keep, and as a file for a web server."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession

from streamhub.config import HubSettings, Settings, parse_settings
from streamhub.errors import BadConfig
from streamhub.schedule.show import SessionState
from streamhub.store import shows
from streamhub.web import page_head, snapshot
from streamhub.web.audience import plan_crowd
from streamhub.web.security import page_policy
from streamhub.web.snapshot import remove_old, write_snapshot
from tests.web.test_events import read_event

if TYPE_CHECKING:
    from pathlib import Path

    from tests.web.conftest import MakeWorld, World


async def test_it_is_what_a_new_listener_hears(world: World) -> None:
    """The snapshot says word for word what the events' first message says, and changes with it."""
    session = await world.plan(to="live")
    await world.ask(session, "Erste?")
    for _ in range(2):
        async with world.client.get(f"/api/v1/sessions/{session}/events") as stream:
            state = (await read_event(stream))["data"]
        async with world.client.get(f"/s/{session}/live.json") as answer:
            assert answer.status == 200
            assert answer.content_type == "application/json"
            assert await answer.json() == state
        await world.ask(session, "Zweite?")


async def test_caches_are_told_how_long(world: World) -> None:
    """Shared caches may keep it for two seconds; who has the newest gets 304; no cookie makes it somebody's own."""
    session = await world.plan()
    async with ClientSession() as cache:
        async with cache.get(f"{world.url}/s/{session}/live.json") as answer:
            assert "s-maxage=2" in answer.headers["Cache-Control"]
            assert answer.headers["Cache-Control"].startswith("public")
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert "Set-Cookie" not in answer.headers
            tag = answer.headers["ETag"]
        async with cache.get(f"{world.url}/s/{session}/live.json", headers={"If-None-Match": tag}) as answer:
            assert (answer.status, await answer.read()) == (304, b"")
            assert answer.headers["ETag"] == tag
        await world.ask(session)
        async with cache.get(f"{world.url}/s/{session}/live.json", headers={"If-None-Match": tag}) as answer:
            assert answer.status == 200


async def test_large_ones_are_compressed(world: World) -> None:
    """Who takes gzip gets gzip; others get it plain, and caches are told the difference."""
    session = await world.plan()
    for number in range(5):
        await world.ask(session, f"{number} " + "Wie lange dauert das? " * 20)
    async with ClientSession(auto_decompress=False) as cache:
        sizes: dict[str, int] = {}
        for wanted in ("gzip", "identity"):
            headers = {"Accept-Encoding": wanted}
            async with cache.get(f"{world.url}/s/{session}/live.json", headers=headers) as answer:
                body = await answer.read()
                assert answer.headers["Vary"] == "Accept-Encoding"
                assert answer.headers.get("Content-Encoding", "identity") == wanted
                sizes[wanted] = len(body)
                assert len(json.loads(gzip.decompress(body) if wanted == "gzip" else body)["questions"]) == 5
    assert sizes["gzip"] < sizes["identity"] / 3


async def test_nobody_learns_of_a_draft(world: World) -> None:
    """There is no snapshot of a draft or of nothing."""
    draft = await world.plan(to="draft")
    for session in (draft, "2027-01-01-nichts"):
        async with world.client.get(f"/s/{session}/live.json") as answer:
            assert answer.status == 404


async def read_file(path: Path, wanted: Any) -> dict[str, Any]:
    """The file's content as soon as it is as wanted; it must be whole whenever it is there."""
    async with asyncio.timeout(60):
        while True:
            if path.exists() and wanted(state := json.loads(path.read_bytes())):
                return dict(state)
            await asyncio.sleep(0.02)


async def test_files_follow_the_session(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file per session that takes questions lies in the folder, whole at every moment, and follows what happens."""
    monkeypatch.setattr(snapshot, "EVERY_S", 0.05)
    monkeypatch.setattr(snapshot, "LOOK_AGAIN_S", 0.1)
    world = await make_world()
    assert world.hub.snapshots_dir is not None
    session, draft = await world.plan(title="Offen"), await world.plan(title="Entwurf", to="draft")
    path = world.hub.snapshots_dir / f"{session}.json"
    await read_file(path, lambda state: state["session"]["title"] == "Offen")
    assert path.stat().st_mode & 0o777 == 0o644
    asked = await world.ask(session)
    await read_file(path, lambda state: asked in state["questions"])
    await world.act(asked, "decline")
    await read_file(path, lambda state: asked not in state["questions"])
    await world.hub.store.write(lambda db: shows.step_session(db, session, SessionState.LIVE, at=world.clock()))
    await world.hub.store.write(lambda db: shows.step_session(db, session, SessionState.ENDED, at=world.clock()))
    async with world.client.get(f"/s/{session}") as page:
        assert page.status == 200
    assert not (world.hub.snapshots_dir / f"{draft}.json").exists()
    os.utime(path, (time.time() - 3600,) * 2)
    async with asyncio.timeout(60):
        while path.exists():
            await asyncio.sleep(0.02)


async def test_a_folder_that_cannot_be_written_harms_nobody(make_world: MakeWorld, tmp_path: Path) -> None:
    """Where a file lies in the folder's place, the hub says so in its log and goes on."""
    world = await make_world()
    assert world.hub.snapshots_dir is not None
    world.hub.snapshots_dir.write_text("a file")
    session = await world.plan()
    await world.ask(session)
    await asyncio.sleep(0.1)
    async with world.client.get(f"/s/{session}/live.json") as answer:
        assert answer.status == 200


def test_writing_leaves_no_crumbs(tmp_path: Path) -> None:
    """Only the snapshot lies in the folder after writing; old ones of others go, younger ones and other files stay."""
    folder = tmp_path / "live"
    for name in ("a", "b", "c"):
        write_snapshot(folder, name, b"{}")
    (folder / "mine.txt").write_text("stays")
    os.utime(folder / "a.json", (1, 1))
    os.utime(folder / "b.json", (1, 1))
    remove_old(folder, {"b"}, before_s=time.time() - 60)
    assert sorted(path.name for path in folder.iterdir()) == ["b.json", "c.json", "mine.txt"]


def test_the_page_may_look_where_the_settings_say() -> None:
    """A CDN that the settings name, and no other place, is one that the page's script may ask."""
    assert "connect-src 'self';" in page_policy("")
    assert "connect-src 'self' https://cdn.example.org;" in page_policy("https://cdn.example.org/live/")
    with pytest.raises(BadConfig, match="snapshot_url"):
        parse_settings('[hub]\nsnapshot_url = "cdn.example.org"\n', {})
    assert Settings().hub == HubSettings()


async def test_the_page_names_the_snapshot(make_world: MakeWorld) -> None:
    """The page tells its script where the snapshot is: here, or at the CDN."""
    for url, wanted in [
        ("", "/s/{}/live.json"),
        ("https://cdn.example.org/live/", "https://cdn.example.org/live/{}.json"),
    ]:
        world = await make_world(snapshot_url=url)
        session = await world.plan()
        async with world.client.get(f"/s/{session}") as page:
            assert f'data-snapshot="{wanted.format(session)}"' in await page.text()


async def test_the_head_of_a_page_is_made_once_for_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds who fetch the head of a page at once have it made once; it follows the session, and is nobody's own."""
    made = 0
    real = page_head.see_page

    async def count(hub: Any, session_id: str) -> Any:
        nonlocal made
        made += 1
        return await real(hub, session_id)

    monkeypatch.setattr(page_head, "see_page", count)
    session = await world.plan()
    await world.ask(session, "Steht nicht im Kopf?")

    async def fetch() -> str:
        async with ClientSession() as somebody, somebody.get(f"{world.url}/s/{session}/head?lang=de") as answer:
            assert (answer.status, "Set-Cookie" in answer.headers) == (200, False)
            return await answer.text()

    pages = await asyncio.gather(*(fetch() for _ in range(100)))
    assert made <= 5
    assert all('id="stage"' in page and "Steht nicht im Kopf?" not in page for page in pages)
    monkeypatch.setattr(page_head, "FRESH_S", 0.0)
    await world.host("POST", f"/sessions/{session}/state", to="live")
    assert "badge live" in await fetch()
    async with world.client.get("/s/2027-01-01-nichts/head") as answer:
        assert answer.status == 404


def test_a_crowd_is_told_in_powers_of_ten() -> None:
    """So the number changes a few times in an evening and not with each viewer."""
    assert [plan_crowd(n) for n in (0, 1, 9, 10, 99, 100, 9_999, 10_000)] == [1, 1, 1, 10, 10, 100, 1000, 10_000]


async def test_the_head_of_a_page_thanks_nobody(world: World) -> None:
    """What one reader did a moment ago is not told to all who fetch the same head."""
    session = await world.plan()
    for query in ("?said=held&lang=de", "?lang=de"):
        async with world.client.get(f"/s/{session}/head{query}") as answer:
            assert 'id="said"' not in await answer.text()


async def test_the_head_of_a_page_holds_nobodys_token(world: World) -> None:
    """Where a signed-in person fetches the head first, his forms' token goes to nobody else."""
    session = await world.plan()
    browser = await world.sign_in()
    try:
        async with browser.session.get(f"{world.url}/host/s/{session}") as page:
            token = re.search(r'name="form_token" value="([^"]+)"', await page.text())
        async with browser.session.get(f"{world.url}/s/{session}/head") as answer:
            assert answer.status == 200
            assert token
            assert token[1] not in await answer.text()
    finally:
        await browser.close()
