"""The live line in a real browser: gone and back, full, and a hub that is away while a CDN still shows the snapshot."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from streamhub.web import page_head
from streamhub.web.events import BROADCASTER
from tests.web.browsing import CHROMIUM, async_api, open_browser, open_tab

if TYPE_CHECKING:
    from tests.web.conftest import MakeWorld, World

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no playwright with Chromium on this machine"),
]
PATIENT_MS = 40_000


async def test_offline_and_back(world: World) -> None:
    """A page that was offline says so, and shows what it missed soon after it is back, without being reloaded."""
    session = await world.plan()
    await world.ask(session, "Vorher?")
    async with open_browser() as browser:
        tab = await open_tab(browser)
        await tab.page.goto(f"{world.url}/s/{session}")
        await async_api.expect(tab.page.locator(".question")).to_have_count(1)
        await tab.page.evaluate("window.stayed = true")
        await tab.page.context.set_offline(True)
        assert world.client.app is not None
        broadcaster = world.client.app[BROADCASTER]
        for channel in list(broadcaster._channels.values()):
            for listener in list(channel.listeners):
                listener.transport.abort()
        lost = tab.page.locator("#connection")
        await async_api.expect(lost).to_contain_text("Verbindung", timeout=PATIENT_MS)
        await world.ask(session, "Inzwischen?")
        await tab.page.context.set_offline(False)
        await async_api.expect(tab.page.locator(".question", has_text="Inzwischen?")).to_be_visible(timeout=PATIENT_MS)
        await async_api.expect(lost).to_have_text("")
        assert await tab.page.evaluate("window.stayed") is True


async def test_a_full_hub_is_followed_by_its_snapshot(make_world: MakeWorld) -> None:
    """Where the hub has no room for one more listener, the page follows the snapshot and says nothing of it."""
    world = await make_world(viewers=1)
    session = await world.plan()
    path = f"/api/v1/sessions/{session}/events"
    async with world.client.get(path) as listening, open_browser() as browser:
        await listening.content.readline()
        tab = await open_tab(browser)
        await tab.page.goto(f"{world.url}/s/{session}")
        for text in ("Erste?", "Zweite?"):
            asked = await world.ask(session, text)
            item = tab.page.locator(".question", has_text=text)
            await async_api.expect(item).to_be_visible(timeout=PATIENT_MS)
        async with world.client.post(f"/api/v1/questions/{asked}/vote"):
            pass
        await async_api.expect(item.locator(".count")).to_have_text("1", timeout=PATIENT_MS)
        await world.act(asked, "decline")
        await async_api.expect(item).to_have_count(0, timeout=PATIENT_MS)
        await async_api.expect(tab.page.locator("#connection")).to_have_text("")


async def test_a_cdn_shows_on_while_the_hub_is_away(world: World) -> None:
    """While the hub refuses every listener, what the snapshot's address gives is shown."""
    session = await world.plan()
    asked = await world.ask(session, "Steht im Zwischenspeicher?")
    async with world.client.get(f"/s/{session}/live.json") as answer:
        state = await answer.json()
    state["questions"][asked]["votes"] = 77
    served = asyncio.Event()
    async with open_browser() as browser:
        tab = await open_tab(browser)

        async def cdn(route: object) -> None:
            served.set()
            await route.fulfill(json=state)  # type: ignore[attr-defined]

        await tab.page.route("**/events", lambda route: route.abort())
        await tab.page.route("**/live.json", cdn)
        await tab.page.goto(f"{world.url}/s/{session}")
        await async_api.expect(tab.page.locator(".count").first).to_have_text("77", timeout=PATIENT_MS)
        assert served.is_set()


async def test_a_head_from_just_before_is_fetched_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub makes a page's head once for all; who got one from before the session went live gets the next one too."""
    monkeypatch.setattr(page_head, "FRESH_S", 4.0)
    session = await world.plan()
    async with open_browser() as browser:
        tab = await open_tab(browser)
        await tab.page.goto(f"{world.url}/s/{session}?lang=de")
        await tab.page.evaluate("window.stayed = true")
        async with world.client.get(f"/s/{session}/head?lang=de") as answer:
            assert "badge live" not in await answer.text()
        await world.host("POST", f"/sessions/{session}/state", to="live")
        await async_api.expect(tab.page.locator(".badge.live")).to_be_visible(timeout=PATIENT_MS)
        assert await tab.page.evaluate("window.stayed") is True
        assert tab.complaints == []
