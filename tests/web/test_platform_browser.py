"""The platform's pages in a real browser: they fit, the accessibility rules hold, and they work without JavaScript."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streamhub.schedule.show import SessionState
from streamhub.store.shows import step_session
from tests.web import staging
from tests.web.test_browser import CHROMIUM, open_browser, open_tab, sign_in

if TYPE_CHECKING:
    from tests.web.conftest import World

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]


async def stage(world: World) -> list[tuple[str, str]]:
    """Four sessions of two shows in all sorts of trouble; returns the pages to look at with their names."""
    world.clock.forward(days=2, hours=3, minutes=20)
    now = world.clock()
    over = await world.plan(to="live", title="Verträge, die man versteht", platform="tube")
    for state in ("ended", "processing", "in_review"):
        goal = SessionState(state)
        await world.hub.store.write(lambda db, goal=goal: step_session(db, over, goal, at=now))
    calm = await world.plan(to="live", title="Glasfaser und Störungen", platform="tube")
    troubled = await world.plan(title="Was im Kleingedruckten steht", platform="tube")
    direct = await world.plan(title="Unterwegs", id="draussen", platform="tube", direct=True, privacy="public")
    world.platforms.views = {
        over: staging.calm_platform(now),
        calm: staging.calm_platform(now),
        troubled: staging.troubled_platform(now),
        direct: staging.direct_platform(now),
    }
    world.platforms.places = {calm: staging.watch_place(), direct: staging.watch_place()}
    world.platforms.signed_in = [staging.signed_in(now)]
    world.videos.views = {over: staging.kept_videos()}
    world.chat.views = {calm: staging.busy_chat(now)}
    await world.chat.take(calm, "l3", author="Jana")
    await world.ask(calm, "Was tun bei Störungen?")
    world.chat.views = {calm: staging.busy_chat(now, text="Und was ist mit dem Router?")}
    world.inbox.items = staging.dropped(now, over)
    return [
        ("/host", "host"),
        ("/host/shows/runde", "show"),
        (f"/host/s/{calm}", "console-live"),
        (f"/host/s/{troubled}", "console-trouble"),
        (f"/host/s/{direct}", "console-direct"),
        (f"/host/s/{direct}/key", "key"),
        (f"/host/s/{direct}/change", "change"),
        (f"/host/s/{over}", "console-video"),
        ("/host/inbox", "inbox"),
        (f"/s/{calm}", "session-live"),
        (f"/s/{direct}", "session-direct"),
    ]


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "light"), (820, "dark")])
async def test_platform_pages_fit_and_are_accessible(world: World, width: int, scheme: str) -> None:
    """On phone, tablet and desk, light and dark: nothing sticks out sideways, and the accessibility rules hold."""
    axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="axe is not installed")
    pages = await stage(world)
    async with open_browser() as browser:
        tab = await open_tab(browser, width=width, color_scheme=scheme)
        await sign_in(world, tab)
        for path, name in pages:
            await tab.page.goto(f"{world.url}{path}")
            await tab.page.wait_for_timeout(200)
            await tab.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
            await tab.shoot(f"platform-{name}-{width}-{scheme}")
            sideways = await tab.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert sideways <= 0, (path, sideways)
            results = await axe.Axe().run(tab.page)
            found = [(v["id"], [n["html"][:160] for n in v["nodes"]]) for v in results.response["violations"]]
            assert found == [], path
        assert tab.complaints == []
