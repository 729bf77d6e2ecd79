"""The pages in a real browser: ask, vote, put on air, see it; nothing a stranger types is ever run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.web.browsing import CHROMIUM, HOSTILE, async_api, open_browser, open_tab, sign_in

if TYPE_CHECKING:
    from tests.web.conftest import World

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no playwright with Chromium on this machine"),
]


async def test_an_evening(world: World) -> None:
    """One asks, another sees and votes without reloading; the host puts it on air by keys; the audience sees it."""
    session = await world.plan(to="live", title="Glasfaser, Störungen und was im Vertrag steht")
    folder = world.broadcasting.folder / session
    folder.mkdir(parents=True)
    (folder / "index.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:4\n")
    for text, name in [("Wie lange dauert es, bis bei uns Glasfaser liegt?", "Ada L."), ("Was tun bei Störungen?", "")]:
        await world.ask(session, text, **({"name": name, "shown": "name"} if name else {}))
    async with open_browser() as browser:
        asker, voter, host = [await open_tab(browser, width=width) for width in (390, 1280, 1280)]
        for tab in (asker, voter):
            await tab.page.goto(f"{world.url}/s/{session}")
        await sign_in(world, host)
        await host.page.goto(f"{world.url}/host/s/{session}")

        await asker.page.get_by_role("textbox", name="Ihre Frage").fill("Warum ist mein Netz abends langsam?")
        await asker.page.get_by_label("Ich bin einverstanden", exact=False).check()
        await asker.page.get_by_role("button", name="Frage senden").click()
        await async_api.expect(asker.page.get_by_text("Danke. Ihre Frage steht in der Liste.")).to_be_visible()

        item = voter.page.locator(".question", has_text="abends langsam")
        await async_api.expect(item).to_be_visible()
        await item.get_by_role("button").click()
        await async_api.expect(item.get_by_role("button")).to_have_attribute("aria-pressed", "true")
        await async_api.expect(
            asker.page.locator(".question", has_text="abends langsam").locator(".count")
        ).to_have_text("1")

        await async_api.expect(host.page.locator("#inbox [data-item]").first).to_contain_text("abends langsam")
        for key in ("j", "s", "q", "j", "j"):
            await host.page.keyboard.press(key)
            await host.page.wait_for_timeout(150)
        await async_api.expect(host.page.locator("#queue [data-item]")).to_contain_text("abends langsam")
        await host.page.keyboard.press("n")
        await async_api.expect(host.page.locator("#air")).to_contain_text("abends langsam")
        for tab in (asker, voter):
            await async_api.expect(tab.page.locator("#on-air")).to_contain_text("abends langsam")
        await asker.shoot("session-live-390")
        await voter.shoot("session-live-1280")
        await host.shoot("console-1280")

        await host.page.keyboard.press("d")
        await async_api.expect(voter.page.locator("#on-air")).to_be_hidden()
        await async_api.expect(item.locator(".state")).to_have_text("in der Sendung beantwortet")

        await host.page.get_by_text("Sendung beenden …").click()
        await host.page.get_by_role("button", name="Jetzt beenden").click()
        await async_api.expect(voter.page.get_by_text("Die Sendung ist zu Ende.")).to_be_visible(timeout=30_000)
        await async_api.expect(voter.page.locator("#ask-form")).to_have_count(0)
        # An empty playlist is all that this test's stream holds; every other complaint is ours.
        for tab in (asker, voter, host):
            assert [c for c in tab.complaints if "m3u8" not in c] == []


async def test_strangers_cannot_run_code(world: World) -> None:
    """A question made of markup is text on the audience's page and on the console, rendered or updated."""
    session = await world.plan()
    await world.ask(session, HOSTILE, name=HOSTILE[:50], shown="name")
    async with open_browser() as browser:
        audience, host = await open_tab(browser), await open_tab(browser)
        await audience.page.goto(f"{world.url}/s/{session}")
        await sign_in(world, host)
        await host.page.goto(f"{world.url}/host/s/{session}")
        await world.ask(session, f"Live: {HOSTILE}", name=HOSTILE[:50], shown="name")
        for tab in (audience, host):
            await async_api.expect(tab.page.locator(".text", has_text="Live: <img")).to_be_visible()
            assert await tab.page.evaluate("window.hacked") is None
            assert tab.complaints == []


async def test_typing_survives_updates(world: World) -> None:
    """While a host types a reason, the board is exchanged under him and nothing typed is lost."""
    session = await world.plan()
    asked = await world.ask(session, "Wird abgelehnt?")
    async with open_browser() as browser:
        host = await open_tab(browser)
        await sign_in(world, host)
        await host.page.goto(f"{world.url}/host/s/{session}")
        await host.page.keyboard.press("j")
        await host.page.keyboard.press("x")
        await host.page.keyboard.type("steht schon ")
        await world.ask(session, "Dazwischen?")
        await async_api.expect(host.page.locator("#inbox")).to_contain_text("Dazwischen?")
        await host.page.keyboard.type("im Archiv")
        note = host.page.locator(f"#note-{asked}")
        await async_api.expect(note).to_have_value("steht schon im Archiv")
        await host.page.keyboard.press("Enter")
        await async_api.expect(host.page.locator("#behind > summary")).to_be_visible()
        await host.page.locator("#behind > summary").click()
        await async_api.expect(host.page.locator("#behind")).to_contain_text("steht schon im Archiv")
        assert host.complaints == []


async def test_without_javascript(world: World) -> None:
    """With JavaScript off people ask and vote by forms, and a host goes live."""
    session = await world.plan()
    async with open_browser() as browser:
        tab = await open_tab(browser, width=390, java_script_enabled=False)
        await tab.page.goto(f"{world.url}/s/{session}")
        await tab.shoot("session-before-390")
        world.clock.forward(seconds=20)
        await tab.page.get_by_role("textbox", name="Ihre Frage").fill("Geht das ohne Skript?")
        await tab.page.get_by_label("Ich bin einverstanden", exact=False).check()
        await tab.page.get_by_role("button", name="Frage senden").click()
        item = tab.page.locator(".question", has_text="ohne Skript")
        await item.get_by_role("button").click()
        await async_api.expect(item.locator(".count")).to_have_text("1")
        await sign_in(world, tab)
        await tab.page.goto(f"{world.url}/host/s/{session}")
        await tab.page.get_by_text("Auf Sendung gehen …").click()
        await tab.page.get_by_role("button", name="Jetzt auf Sendung gehen").click()
        await tab.page.locator("#inbox").get_by_role("button", name="auf Sendung").click()
        await async_api.expect(tab.page.locator("#air")).to_contain_text("Geht das ohne Skript?")
        await tab.shoot("console-390")


@pytest.mark.parametrize("width", [390, 820, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages_fit_and_are_accessible(world: World, fakes: Any, width: int, scheme: str) -> None:
    """On phone, tablet and desk, light and dark: nothing sticks out sideways, and the accessibility rules hold."""
    axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="axe is not installed")
    session = await world.plan(to="live", title="Glasfaser und Verträge")
    world.clock.forward(days=2, hours=3, minutes=20)
    texts = [
        "Wie lange dauert es, bis Glasfaser liegt?",
        "Was tun bei Störungen?",
        "W" * 90,
        "Gilt das auch für Mieter?",
    ]
    ids = [await world.ask(session, text, name="Ada Lovelace-Byron", shown="name") for text in texts]
    await world.act(ids[0], "on-air")
    await world.act(ids[1], "queue")
    await world.act(ids[2], "star")
    await world.act(ids[3], "hold")
    world.clock.forward(minutes=2, seconds=4)
    step = fakes.FakeStep(name="transcribe", state="held", message="model small: cannot be fetched")
    world.work.work = [fakes.FakeStatus("session:1", "session", session, "held", [step])]
    async with open_browser() as browser:
        tab = await open_tab(browser, width=width, color_scheme=scheme)
        await sign_in(world, tab)
        for path, name in [
            ("/", "home"),
            (f"/s/{session}", "session"),
            (f"/host/s/{session}", "console"),
            ("/host", "host"),
            ("/host/enter?token=link_x", "enter"),
            ("/nirgendwo", "error"),
        ]:
            await tab.page.goto(f"{world.url}{path}")
            await tab.page.wait_for_timeout(200)
            await tab.shoot(f"{name}-{width}-{scheme}")
            sideways = await tab.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert sideways <= 0, (path, sideways)
            results = await axe.Axe().run(tab.page)
            found = [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in results.response["violations"]]
            assert found == [], path
