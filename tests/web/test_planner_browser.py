"""The planner in a real browser: on phone and desk, in both languages, with and without scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.browsing import CHROMIUM, async_api, open_browser, open_tab, sign_in
from tests.web.test_planner import LateSolver, fill, planned, planning

if TYPE_CHECKING:
    from tests.web.conftest import World

__all__ = ["planned"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no playwright with Chromium on this machine"),
]


@pytest.mark.parametrize(("width", "language"), [(390, "de"), (1280, "de"), (390, "en"), (1280, "en")])
async def test_the_planner_fits_and_works(planned: World, width: int, language: str) -> None:
    """A host tries a wish without scripts and makes a draft; nothing sticks out or is inaccessible."""
    axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="axe is not installed")
    await fill(planned)
    async with open_browser() as browser:
        tab = await open_tab(browser, width=width)
        await sign_in(planned, tab)
        await tab.page.goto(f"{planned.url}/host/planner?lang={language}")
        await tab.page.locator("summary").first.click()
        await tab.shoot(f"planner-{width}-{language}")
        assert await tab.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        results = await axe.Axe().run(tab.page)
        assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in results.response["violations"]] == []
        await tab.page.locator("input[name=no]").first.check()
        await tab.page.locator("#wishes button").click()
        await tab.page.wait_for_url("**no=*")
        await tab.shoot(f"planner-wish-{width}-{language}")
        await async_api.expect(tab.page.locator("#wishes input[name=no]")).to_be_checked()
        await tab.page.locator("#wishes a").click()
        await tab.page.locator("button.primary").first.click()
        await tab.page.wait_for_url("**/host/s/*-router/invitations?said=planned*")
        assert tab.complaints == []


async def test_the_better_plan_appears_by_itself(world: World) -> None:
    """While a better plan is looked for the page says so, and no longer once that has ended, without a click."""
    solver = LateSolver()
    async with planning(world, solver, patience_s=0.0) as hub:
        await fill(hub)
        async with open_browser() as browser:
            tab = await open_tab(browser, width=390)
            await sign_in(hub, tab)
            await tab.page.goto(f"{hub.url}/host/planner")
            await async_api.expect(tab.page.locator("#working")).to_be_visible()
            solver.gone.set()
            await async_api.expect(tab.page.locator("#working")).to_have_count(0, timeout=60_000)
            assert tab.complaints == []
