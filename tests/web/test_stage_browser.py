"""Overlay, stage view, run of show in a real browser: what is drawn, what fits, what comes back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp.test_utils import TestServer

from streamhub.live.mark import Witness
from streamhub.store import marks
from streamhub.web.application import make_app
from tests.web.browsing import CHROMIUM, Tab, async_api, open_browser, open_tab, sign_in
from tests.web.test_stage import make_overlay, press

if TYPE_CHECKING:
    from tests.web.conftest import World

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no playwright with Chromium on this machine"),
]

FORMATS = [(1920, 1080), (1080, 1920)]
LONG_WORDS = ("Donaudampfschifffahrtsgesellschaft & Glasfaser <b>im</b> Altbau: " * 20)[:1000]
TEXTS = [
    LONG_WORDS,
    "W" * 1000,
    ("👩‍🔧📡 Wann kommt das Netz? " * 60)[:1000],
    ("متى يصل الألياف الضوئية إلى قريتنا؟ " * 40)[:1000],
    "Kurz?",
]
BOARD = "repeating-conic-gradient(#777 0 25%, #bbb 0 50%) 0 0 / 40px 40px"


async def open_overlay(browser: Any, address: str, *, size: tuple[int, int] = (1920, 1080), **options: Any) -> Tab:
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]}, **{"locale": "de-DE", **options}
    )
    tab = Tab(await context.new_page())
    await tab.page.goto(address)
    return tab


async def shoot_on_board(tab: Tab, name: str) -> None:
    """A picture on a chequerboard, to see what is transparent."""
    await tab.page.evaluate(f"document.documentElement.style.background = '{BOARD}'")
    await tab.shoot(name)
    await tab.page.evaluate("document.documentElement.style.background = ''")


async def phase(tab: Tab, wanted: str) -> None:
    await async_api.expect(tab.page.locator("#card")).to_have_attribute("data-phase", wanted, timeout=20_000)


async def test_the_overlay_draws_what_is_on_air(world: World) -> None:
    """Transparent, with an entry that ends and an exit; what was really drawn becomes a mark of the overlay's own."""
    session = await world.plan(to="live")
    host = await world.sign_in()
    address = world.url + await make_overlay(world, host, session)
    first = await world.ask(session, "Was kostet ein Anschluss?", name="Ada Lovelace", shown="name")
    second = await world.ask(session, "Und wie lange dauert es?")
    async with open_browser() as browser:
        tab = await open_overlay(browser, address)
        for element in ("html", "body", "#stage"):
            colour = await tab.page.evaluate(f"getComputedStyle(document.querySelector('{element}')).backgroundColor")
            assert colour == "rgba(0, 0, 0, 0)", element
        await async_api.expect(tab.page.locator("#card")).to_be_hidden()
        await world.act(first, "on-air")
        await phase(tab, "shown")
        await async_api.expect(tab.page.locator("#text")).to_have_text("Was kostet ein Anschluss?")
        await async_api.expect(tab.page.locator(".label")).to_have_text("Frage von Ada Lovelace")
        assert await tab.page.evaluate("document.querySelector('#card').getAnimations().length") == 0
        axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="axe is not installed")
        results = await axe.Axe().run(tab.page)
        assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in results.response["violations"]] == []
        await shoot_on_board(tab, "overlay-1920")
        await world.act(second, "on-air")
        await async_api.expect(tab.page.locator("#text")).to_have_text("Und wie lange dauert es?", timeout=20_000)
        await phase(tab, "shown")
        await async_api.expect(tab.page.locator(".label")).to_have_text("Frage aus dem Publikum")
        await world.act(second, "done")
        await async_api.expect(tab.page.locator("#card")).to_be_hidden(timeout=20_000)
        assert tab.complaints == []
    seen = [mark.question_id for mark in await all_marks(world, session) if mark.witness is Witness.OVERLAY]
    assert seen == [first, second]
    await host.close()


async def all_marks(world: World, session: str) -> Any:
    return await world.hub.store.read(lambda db: marks.list_marks(db, session))


@pytest.mark.parametrize("size", FORMATS, ids=["landscape", "portrait"])
async def test_every_question_fits(world: World, size: tuple[int, int]) -> None:
    """A thousand characters in any script stand whole inside the safe area, drawn at one size from the first moment."""
    session = await world.plan(to="live")
    host = await world.sign_in()
    address = world.url + await make_overlay(world, host, session)
    ids = [await world.ask(session, text, name="Ada", shown="name") for text in TEXTS]
    safe = 0.05 * min(size)
    async with open_browser() as browser:
        tab = await open_overlay(browser, address, size=size)
        await tab.page.evaluate(
            """() => {
              window.sizes = {};
              new MutationObserver(() => {
                const card = document.getElementById("card");
                if (card.hidden || card.classList.contains("measuring")) return;
                const words = document.getElementById("text").textContent.slice(0, 40);
                (window.sizes[words] ??= new Set()).add(card.style.fontSize);
              }).observe(document.getElementById("card"), { attributes: true });
            }"""
        )
        for number, (one, text) in enumerate(zip(ids, TEXTS, strict=True)):
            await world.act(one, "on-air")
            await async_api.expect(tab.page.locator("#text")).to_contain_text(text.split()[0][:20], timeout=20_000)
            await phase(tab, "shown")
            box = await tab.page.locator("#card").bounding_box()
            assert box["x"] >= safe - 1, text[:20]
            assert box["y"] >= safe - 1, text[:20]
            assert box["x"] + box["width"] <= size[0] - safe + 1, text[:20]
            assert box["y"] + box["height"] <= size[1] - safe + 1, text[:20]
            hidden = await tab.page.evaluate(
                "[document.getElementById('card')]"
                ".map(c => [c.scrollHeight - c.clientHeight, c.scrollWidth - c.clientWidth])[0]"
            )
            assert max(hidden) <= 1, (text[:20], hidden)
            await shoot_on_board(tab, f"overlay-{size[0]}-{number}")
        drawn = await tab.page.evaluate("Object.values(window.sizes).map(found => found.size)")
        assert drawn == [1] * len(TEXTS)
        assert tab.complaints == []
    await host.close()


async def test_the_overlay_survives_a_restart_of_the_hub(world: World) -> None:
    """While the hub is away the last question stays, or goes where that is wanted; then all is as the hub says."""
    session = await world.plan(to="live")
    host = await world.sign_in()
    address = world.url + await make_overlay(world, host, session)
    first, second = await world.ask(session, "Vor dem Neustart?"), await world.ask(session, "Nach dem Neustart?")
    await world.act(first, "on-air")
    async with open_browser() as browser:
        holding, hiding = await open_overlay(browser, address), await open_overlay(browser, f"{address}&hide=1")
        for tab in (holding, hiding):
            await phase(tab, "shown")
        port = world.client.server.port
        await world.client.close()
        await async_api.expect(hiding.page.locator("#card")).to_be_hidden(timeout=20_000)
        await async_api.expect(holding.page.locator("#text")).to_be_visible()
        await async_api.expect(holding.page.locator("#text")).to_have_text("Vor dem Neustart?")
        from streamhub.store import questions

        await world.hub.store.write(lambda db: questions.put_on_air(db, second, at=world.clock(), author="anderswo"))
        async with TestServer(make_app(world.hub), port=port):
            for tab in (holding, hiding):
                await async_api.expect(tab.page.locator("#text")).to_have_text("Nach dem Neustart?", timeout=30_000)
                await async_api.expect(tab.page.locator("#text")).to_be_visible(timeout=30_000)
    await host.close()


async def test_looks_by_the_address(world: World) -> None:
    """Colours, size and place can be set by the address, to values of the right shape only; without motion it fades."""
    session = await world.plan(to="live")
    host = await world.sign_in()
    address = world.url + await make_overlay(world, host, session)
    async with open_browser() as browser:
        plain = await open_overlay(browser, f"{address}&sample=1")
        await phase(plain, "shown")
        await shoot_on_board(plain, "overlay-sample")
        wishes = "&sample=1&ink=ff0000&paper=00000080&size=200&pos=top&align=right&accent=url(x)&radius=9999&font=x"
        tab = await open_overlay(browser, address + wishes, reduced_motion="reduce")
        await phase(tab, "shown")
        look = await tab.page.evaluate(
            """() => { const s = getComputedStyle(document.body), c = getComputedStyle(document.querySelector("#card"));
              return [s.color, c.backgroundColor, c.borderInlineStartColor, c.borderRadius]; }"""
        )
        assert look[0] == "rgb(255, 0, 0)"
        assert look[1].startswith("rgba(0, 0, 0, 0.5")
        assert look[2] == "rgb(127, 208, 203)"
        assert "9999" not in look[3]
        box, other = [await one.page.locator("#card").bounding_box() for one in (tab, plain)]
        assert box["y"] < 100 < other["y"]
        assert box["x"] + box["width"] > 1800
        names = await tab.page.evaluate("getComputedStyle(document.querySelector('#card')).animationName")
        assert names in {"none", "overlay-fade"}
        assert tab.complaints == plain.complaints == []
    await host.close()


async def test_the_stage_hears_the_producer(world: World, fakes: Any) -> None:
    """A note and a question reach the stage by themselves; g says seen, which the console shows; no other key acts."""
    axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="axe is not installed")
    world.clock.forward(days=2, hours=3, minutes=4)
    session = await world.plan(to="live", title="Glasfaser und Verträge")
    by_hand = await world.sign_in()
    for title, minutes, speaker in (
        ("Ausbau", "10", "Ole Brandt"),
        ("Verträge", "15", "Jana Weber"),
        ("Fazit", "5", ""),
    ):
        await press(by_hand, session, "add", title=title, minutes=minutes, speaker=speaker)
    await press(by_hand, session, "advance")
    ids = [await world.ask(session, text, name="Ada L.", shown="name") for text in ("Wann Glasfaser?", "W" * 300)]
    await world.act(ids[1], "queue")
    async with open_browser() as browser:
        host, camera = await open_tab(browser), await open_tab(browser)
        for tab in (host, camera):
            await sign_in(world, tab)
        await host.page.goto(f"{world.url}/host/s/{session}")
        await camera.page.goto(f"{world.url}/host/s/{session}/stage")
        await host.page.get_by_label("Hinweis an alle vor der Kamera").fill("Bitte kürzer fassen")
        await host.page.get_by_role("button", name="Hinweis zeigen").click()
        await async_api.expect(camera.page.locator(".note .words")).to_have_text("Bitte kürzer fassen", timeout=20_000)
        await world.act(ids[0], "on-air")
        await async_api.expect(camera.page.locator(".now .words")).to_have_text("Wann Glasfaser?", timeout=20_000)
        await host.shoot("console-stage-1280")
        before = [one.id for one in await all_actions(world)]
        for key in "adbqsohxnrjk":
            await camera.page.keyboard.press(key)
        assert [one.id for one in await all_actions(world)] == before
        await camera.page.keyboard.press("g")
        await async_api.expect(host.page.locator(".producer-note")).to_contain_text("gesehen von Jana", timeout=20_000)
        await host.page.keyboard.press("r")
        await async_api.expect(camera.page.locator(".topics")).to_contain_text("Fazit", timeout=20_000)
        world.clock.forward(minutes=21)
        for language in ("de", "en"):
            for width, height in ((390, 844), (820, 1180), (1280, 800)):
                await camera.page.set_viewport_size({"width": width, "height": height})
                for path, name in ((f"/host/s/{session}/stage", "stage"), (f"/host/s/{session}/rundown", "rundown")):
                    await camera.page.goto(f"{world.url}{path}?lang={language}")
                    await camera.page.wait_for_timeout(200)
                    await camera.shoot(f"{name}-{width}-{language}")
                    sideways = await camera.page.evaluate("document.documentElement.scrollWidth - innerWidth")
                    assert sideways <= 0, (path, width, sideways)
                    results = await axe.Axe().run(camera.page)
                    found = [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in results.response["violations"]]
                    assert found == [], (path, width)
        assert host.complaints == camera.complaints == []
    await by_hand.close()


async def all_actions(world: World) -> Any:
    from streamhub.store.log import list_actions

    await asyncio.sleep(0.5)
    return await world.hub.store.read(lambda db: list_actions(db, limit=500))


async def test_the_stage_without_javascript(world: World) -> None:
    """With JavaScript off the stage shows all the same, and "seen" is a button."""
    session = await world.plan(to="live")
    by_hand = await world.sign_in()
    await by_hand.post(f"/host/s/{session}/stage/notes", text="Zum Schluss kommen")
    async with open_browser() as browser:
        tab = await open_tab(browser, width=390, java_script_enabled=False)
        await sign_in(world, tab)
        await tab.page.goto(f"{world.url}/host/s/{session}/stage")
        await tab.page.get_by_role("button", name="Gesehen").click()
        await async_api.expect(tab.page.locator(".note")).to_contain_text("gesehen")
    await by_hand.close()
