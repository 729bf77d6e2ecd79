"""Topics in a real browser: on the console and on their own page, on phone and desk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.browsing import CHROMIUM, async_api, open_browser, open_tab, sign_in
from tests.web.test_topics import grouping, plan

if TYPE_CHECKING:
    from tests.web.conftest import World

__all__ = ["grouping"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no playwright with Chromium on this machine"),
]


@pytest.mark.parametrize(("width", "language"), [(390, "de"), (1280, "de"), (390, "en"), (1280, "en")])
async def test_topics_fit_and_work(grouping: World, width: int, language: str) -> None:
    """A host finds a topic on the console, renames it on its page, and nothing sticks out or is inaccessible."""
    axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="axe is not installed")
    session, _, _ = await plan(grouping)
    await grouping.host("POST", f"/sessions/{session}/topics/regroup")
    async with open_browser() as browser:
        tab = await open_tab(browser, width=width)
        await sign_in(grouping, tab)
        await tab.page.goto(f"{grouping.url}/host/s/{session}?lang={language}")
        await tab.shoot(f"topics-console-{width}-{language}")
        item = tab.page.locator("#topics .item").first
        assert await item.evaluate("one => getComputedStyle(one).borderRadius") != "16px"  # a card, no label
        await tab.page.locator("#topics .panel-head a").click()
        await tab.page.wait_for_url("**/topics*")
        await tab.page.locator("details", has_text="umbenennen" if language == "de" else "rename").first.click()
        await tab.page.locator("input[name=name]").first.fill("Umziehen")
        await tab.page.keyboard.press("Enter")
        await async_api.expect(tab.page.get_by_role("heading", name="Umziehen")).to_be_visible()
        await tab.shoot(f"topics-{width}-{language}")
        assert await tab.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        results = await axe.Axe().run(tab.page)
        assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in results.response["violations"]] == []
        assert tab.complaints == []
