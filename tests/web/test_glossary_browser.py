"""The glossary in a real browser: from the show's page to a saved entry, wide and narrow, without a complaint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.browsing import CHROMIUM, HOSTILE, open_browser, open_tab, sign_in

if TYPE_CHECKING:
    from tests.web.conftest import World

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium and playwright"),
]


@pytest.mark.parametrize("width", [1280, 390])
async def test_a_host_writes_a_glossary(world: World, width: int) -> None:
    """From the show's page a host writes entries, is told of a bad line, and saves; nothing is wider than the page."""
    await world.plan()
    entries = f"Streamhub: Stream Hub, Strihm Hab\nJulia Weber\n{HOSTILE[:60]}"
    async with open_browser() as browser:
        tab = await open_tab(browser, width=width)
        await sign_in(world, tab)
        page = tab.page
        await page.goto(f"{world.url}/host/shows/runde")
        await tab.shoot(f"show-{width}")
        await page.click("a[href='/host/shows/runde/glossary']")
        await page.fill(
            "#glossary-text", f"Streamhub: Stream Hub, Strihm Hab\nJulia Weber\n{HOSTILE[:60]}\nUnd AG: und"
        )
        await page.click("button.primary")
        assert "Zeile 4" in await page.inner_text("#said")
        await tab.shoot(f"glossary-refused-{width}")
        await page.fill("#glossary-text", entries)
        await page.click("button.primary")
        assert "Gespeichert" in await page.inner_text("#said")
        assert "3 Einträge" in await page.inner_text("main")
        assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        await tab.shoot(f"glossary-{width}")
        assert [one for one in tab.complaints if "400" not in one] == []
