"""The platform's pages in a real browser: they fit, the accessibility rules hold, and they work without JavaScript."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from streamhub.schedule.show import SessionState
from streamhub.store.shows import step_session
from tests.web import staging

pytest.importorskip("playwright.async_api", reason="playwright is not installed")

from tests.web.browsing import CHROMIUM, HOSTILE, async_api, open_browser, open_tab, sign_in

if TYPE_CHECKING:
    from tests.web.conftest import World

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no playwright with Chromium on this machine"),
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


async def test_the_console_follows_the_platform(world: World) -> None:
    """Trouble, its end and new chat lines appear by themselves; a line is taken with a click; scrolling survives."""
    session = await world.plan(to="live", platform="tube")
    now = world.clock()
    world.platforms.views[session] = staging.calm_platform(now)
    busy = staging.busy_chat(now)
    old = tuple(replace(busy.lines[2], ref=f"old{n}", text=f"Zeile {n}", taken=False) for n in range(40))
    world.chat.views[session] = replace(busy, lines=busy.lines + old)
    async with open_browser() as browser:
        host = await open_tab(browser)
        await host.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await sign_in(world, host)
        await host.page.goto(f"{world.url}/host/s/{session}")
        await host.page.get_by_role("button", name="kopieren").click()
        await async_api.expect(host.page.get_by_role("button", name="kopiert")).to_be_visible()
        assert await host.page.evaluate("navigator.clipboard.readText()") == staging.URL

        await host.page.evaluate("document.querySelector('.lines').scrollTop = 300")
        world.platforms.views[session] = staging.troubled_platform(now, text=HOSTILE)
        gone = host.page.get_by_text("Die Übertragung wurde dort gelöscht.")
        await async_api.expect(gone).to_be_visible(timeout=30_000)
        assert await host.page.evaluate("document.querySelector('.lines').scrollTop") == 300
        await host.page.get_by_role("button", name="neu anlegen").click()
        await async_api.expect(host.page.locator("#board")).to_contain_text("Teil 2")
        assert world.platforms.remade == [session]
        world.platforms.views[session] = staging.calm_platform(now)
        await async_api.expect(gone).to_have_count(0, timeout=30_000)

        line = host.page.locator("#chat li", has_text="Gilt das auch für Mieter?")
        await line.get_by_role("button", name="als Frage nehmen").click()
        await async_api.expect(host.page.locator("#inbox [data-item]")).to_contain_text("Chat")
        await async_api.expect(line).to_contain_text("ist eine Frage")
        assert await host.page.evaluate("window.hacked") is None
        assert host.complaints == []


async def test_the_link_appears_without_reloading(world: World) -> None:
    """A viewer of a direct show sees the link as soon as the platform has an address, and questions from the chat."""
    session = await world.plan(to="live", platform="tube", direct=True)
    async with open_browser() as browser:
        viewer = await open_tab(browser, width=390)
        await viewer.page.goto(f"{world.url}/s/{session}")
        await async_api.expect(viewer.page.get_by_text("der Link dorthin erscheint hier")).to_be_visible()
        world.platforms.places[session] = staging.watch_place()
        link = viewer.page.get_by_role("link", name="Auf Tube & Co ansehen")
        await async_api.expect(link).to_have_attribute("href", staging.URL, timeout=12000)
        world.chat.views[session] = staging.busy_chat(world.clock())
        await world.host("POST", f"/sessions/{session}/chat/take", line="l3")
        await async_api.expect(viewer.page.locator(".question .source")).to_have_text("Chat")
        assert viewer.complaints == []


async def test_hosts_need_no_javascript(world: World) -> None:
    """With JavaScript off a show is made and changed, a session moved, a broadcast made again, a file assigned."""
    pages = {name: path for path, name in await stage(world)}
    async with open_browser() as browser:
        tab = await open_tab(browser, width=390, java_script_enabled=False)
        await sign_in(world, tab)
        await tab.page.goto(f"{world.url}{pages['show']}")
        await tab.page.get_by_label("nur auf diesem Hub").check()
        await async_api.expect(tab.page.get_by_text("Wer findet die Übertragung dort?")).to_be_hidden()
        await tab.page.get_by_label("auf Tube & Co").check()
        await async_api.expect(tab.page.get_by_text("Wer findet die Übertragung dort?")).to_be_visible()
        await tab.page.get_by_label("Titel").fill("Runde der Fachleute")
        await tab.page.get_by_role("button", name="Speichern").click()
        await async_api.expect(tab.page.locator("#shows")).to_contain_text("Runde der Fachleute")

        await tab.page.goto(f"{world.url}{pages['console-trouble']}")
        await async_api.expect(tab.page.get_by_role("button", name="kopieren")).to_be_hidden()
        await tab.page.get_by_role("button", name="neu anlegen").click()
        assert len(world.platforms.remade) == 1
        await tab.page.get_by_role("link", name="Sendung ändern").click()
        await tab.page.get_by_label("Titel").fill("Das Kleingedruckte")
        await tab.page.get_by_label("Beginn").fill("2027-04-02T19:00")
        await tab.page.get_by_role("button", name="Speichern").click()
        await async_api.expect(tab.page.get_by_role("heading", level=1)).to_have_text("Das Kleingedruckte")
        assert tab.page.url == f"{world.url}{pages['console-trouble']}"

        await tab.page.goto(f"{world.url}{pages['inbox']}")
        await tab.page.get_by_role("button", name="Gehört zu dieser Sendung").first.click()
        assert len(world.inbox.assigned) == 1
