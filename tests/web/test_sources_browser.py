"""The page of sources and its part of the console in a real browser, on phone and desk."""

from __future__ import annotations

import pytest

from tests.web.browsing import CHROMIUM, async_api, open_browser, open_tab, sign_in
from tests.web.conftest import World
from tests.web.test_sources import trouble

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no playwright with Chromium on this machine"),
]


@pytest.mark.parametrize("width", [390, 1280])
async def test_sources_fit_and_work(world: World, width: int) -> None:
    """A host reads what is wrong, adds a source by keyboard, and nothing sticks out or is inaccessible."""
    axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="axe is not installed")
    session = await world.plan(to="live")
    await trouble(world, session)
    async with open_browser() as browser:
        tab = await open_tab(browser, width=width)
        await sign_in(world, tab)
        await tab.page.goto(f"{world.url}/host/s/{session}")
        await async_api.expect(tab.page.locator("#sources .notice.bad")).to_contain_text("antwortet nicht")
        await tab.page.get_by_text("1 Nachtrag zu einer Frage").click()
        await tab.shoot(f"sources-console-{width}")
        await tab.page.get_by_role("link", name="Hashtags, Feeds, Mail").click()
        await tab.page.get_by_label("Hashtag oder Adresse").fill("#glasfaser")
        await tab.page.keyboard.press("Enter")
        await async_api.expect(tab.page.get_by_text("#glasfaser")).to_be_visible()
        await tab.shoot(f"sources-{width}")
        assert await tab.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert await tab.page.evaluate("window.hacked") is None
        results = await axe.Axe().run(tab.page)
        assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in results.response["violations"]] == []
        assert tab.complaints == []
