"""A whole evening in real browsers: asked, voted, merged, on air, in the overlay, offline and back, ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from streamhub.web.events import BROADCASTER
from tests.web.browsing import CHROMIUM, Tab, async_api, open_browser, open_tab, sign_in
from tests.web.test_my import answer

if TYPE_CHECKING:
    from tests.web.conftest import World

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no playwright with Chromium on this machine"),
]
PATIENT_MS = 45_000
NARROW, WIDE = 390, 1280


def expect(what: Any) -> Any:
    """Wait for what a page shows, as long as a busy machine may take."""
    return async_api.expect(what)


async def see(locator: Any, text: str = "") -> None:
    """Wait until something is there, with a text."""
    await expect(locator).to_be_visible(timeout=PATIENT_MS)
    if text:
        await expect(locator).to_contain_text(text, timeout=PATIENT_MS)


def question(tab: Tab, text: str) -> Any:
    """A question in the audience's list."""
    return tab.page.locator("#questions > .question", has_text=text)


def card(tab: Tab, text: str, place: str = "") -> Any:
    """A question on the host's board."""
    return tab.page.locator(f"{place} [data-item]".strip(), has_text=text).first


async def ask(tab: Tab, text: str) -> None:
    """Fill the form and send it, as a person does."""
    await tab.page.get_by_role("textbox", name="Ihre Frage").fill(text)
    await tab.page.get_by_label("Ich bin einverstanden", exact=False).check()
    await tab.page.get_by_role("button", name="Frage senden").click()
    await see(tab.page.get_by_text("Danke. Ihre Frage steht in der Liste.").locator("visible=true").first)


async def press(tab: Tab, item: Any, key: str) -> None:
    """Press a button of a card by the key that it carries."""
    await see(item)
    await item.locator(f'[data-key="{key}"]').first.click()


async def open_overlay(world: World, host: Tab, browser: Any) -> Tab:
    """Have an address made for the overlay and open it as OBS does."""
    await host.page.locator("#overlay > summary").click()
    await host.page.get_by_role("button", name="Adresse für das Overlay").click()
    address = host.page.locator("#overlay .address")
    await expect(address).to_contain_text("/overlay/", timeout=PATIENT_MS)
    overlay = await open_tab(browser, width=WIDE)
    await overlay.page.goto(str(await address.text_content()).strip())
    return overlay


def drop_all_lines(world: World) -> None:
    """Cut every live line of the hub, as a dead router does."""
    assert world.client.app is not None
    broadcaster = world.client.app[BROADCASTER]
    for channel in list(broadcaster._channels.values()):
        for listener in list(channel.listeners):
            listener.transport.abort()


async def test_a_whole_evening(world: World) -> None:  # noqa: PLR0915  an evening is long
    """Two viewers, one of them without JavaScript, and two hosts live through a session from the first question on."""
    session = await world.plan(title="Glasfaser, Störungen und Verträge")
    async with open_browser() as browser:
        viewer = await open_tab(browser, width=NARROW)
        plain = await open_tab(browser, width=NARROW, java_script_enabled=False)
        anna, bernd = await open_tab(browser), await open_tab(browser)
        for tab in (viewer, plain):
            await tab.page.goto(f"{world.url}/s/{session}")
        for tab in (anna, bernd):
            await sign_in(world, tab)
            await tab.page.goto(f"{world.url}/host/s/{session}")
        world.clock.forward(seconds=20)

        # asked with JavaScript and without, seen by everybody
        await ask(viewer, "Wie lange dauert es, bis Glasfaser liegt?")
        await see(card(anna, "bis Glasfaser liegt", "#inbox"))
        await ask(plain, "Wann kommt bei uns das Glasfaserkabel?")
        await see(question(viewer, "Glasfaserkabel"))
        await viewer.shoot("show-asked-390")

        # voted with JavaScript and without
        await question(viewer, "Glasfaserkabel").get_by_role("button").first.click()
        await plain.page.reload()
        await question(plain, "bis Glasfaser liegt").get_by_role("button").first.click()
        await expect(question(viewer, "bis Glasfaser liegt").locator(".count")).to_have_text("1", timeout=PATIENT_MS)
        await expect(question(viewer, "Glasfaserkabel").locator(".count")).to_have_text("1", timeout=PATIENT_MS)

        # two hosts at once: each sees what the other does
        await press(anna, card(anna, "bis Glasfaser liegt", "#inbox"), "s")
        await see(card(bernd, "★"), "bis Glasfaser liegt")
        await press(bernd, card(bernd, "bis Glasfaser liegt", "#inbox"), "q")
        await see(card(anna, "bis Glasfaser liegt", "#queue"))

        # two questions become one, with the votes of both
        kept, other = [
            str(await card(anna, text).get_attribute("id")).removeprefix("q-")
            for text in ("bis Glasfaser liegt", "Glasfaserkabel")
        ]
        await world.act(other, "merge", into=kept)
        await expect(question(viewer, "Glasfaserkabel")).to_have_count(0, timeout=PATIENT_MS)
        await expect(question(viewer, "bis Glasfaser liegt").locator(".count")).to_have_text("2", timeout=PATIENT_MS)

        # live, with the question on air on every page and in the overlay
        overlay = await open_overlay(world, anna, browser)
        await anna.page.get_by_text("Auf Sendung gehen …").click()
        await anna.page.get_by_role("button", name="Jetzt auf Sendung gehen").click()
        await see(viewer.page.locator(".badge.live"))
        await press(anna, card(anna, "bis Glasfaser liegt", "#queue"), "a")
        await see(viewer.page.locator("#on-air"), "bis Glasfaser liegt")
        await see(overlay.page.locator("#text"), "bis Glasfaser liegt")
        await see(bernd.page.locator("#air"), "bis Glasfaser liegt")
        await plain.page.reload()
        await see(plain.page.locator("#on-air"), "bis Glasfaser liegt")
        await overlay.page.wait_for_timeout(1500)
        for tab, name in [(viewer, "show-on-air-390"), (anna, "show-console-1280"), (overlay, "show-overlay-1280")]:
            await tab.shoot(name)

        # a dead router: the viewer and a host are away while things happen, and know everything when they are back
        for tab in (viewer, bernd):
            await tab.page.context.set_offline(True)
        drop_all_lines(world)
        await press(anna, anna.page.locator("#air [data-item]"), "d")
        await world.ask(session, "Inzwischen gefragt?")
        await expect(overlay.page.locator("#card")).to_be_hidden(timeout=PATIENT_MS)
        for tab in (viewer, bernd):
            await tab.page.context.set_offline(False)
        await expect(viewer.page.locator("#on-air")).to_be_hidden(timeout=PATIENT_MS)
        await see(question(viewer, "Inzwischen gefragt?"))
        await see(card(bernd, "Inzwischen gefragt?", "#inbox"))
        await see(question(viewer, "bis Glasfaser liegt").locator(".state"), "in der Sendung beantwortet")

        # over: nobody can ask any more, and everybody is told
        await anna.page.get_by_text("Sendung beenden …").click()
        await anna.page.get_by_role("button", name="Jetzt beenden").click()
        await see(viewer.page.get_by_text("Die Sendung ist zu Ende."))
        await expect(viewer.page.locator("#ask-form")).to_have_count(0, timeout=PATIENT_MS)
        await plain.page.reload()
        await see(plain.page.get_by_text("Die Sendung ist zu Ende."))
        await viewer.shoot("show-over-390")
        for tab in (viewer, anna, bernd, overlay):
            ours = [line for line in tab.complaints if "ERR_" not in line and "m3u8" not in line]
            assert ours == [], ours


async def test_the_day_after(world: World) -> None:
    """Whoever asked finds the answer under his own questions, says that it did not help, and it is asked anew."""
    session = await world.plan(to="live")
    async with open_browser() as browser:
        asker = await open_tab(browser, width=NARROW)
        await asker.page.goto(f"{world.url}/s/{session}")
        world.clock.forward(seconds=20)
        await ask(asker, "Warum ist mein Netz abends langsam?")
        await see(question(asker, "abends langsam"))
        asked = str(await question(asker, "abends langsam").get_attribute("data-id"))
        await answer(world, asked)
        await asker.page.goto(f"{world.url}/my")
        mine = asker.page.locator(f"#q-{asked}")
        await see(mine.get_by_role("link", name="Zur Antwort"))
        await asker.shoot("show-my-390")
        await mine.get_by_text("Hat es geholfen?").click()
        await mine.get_by_label("nein", exact=True).check()
        await mine.get_by_label("Was fehlt?", exact=False).fill("Auch mit neuem Router.")
        await mine.get_by_role("button", name="Senden").click()
        await see(asker.page.get_by_text("Die Frage steht wieder auf der Liste", exact=False).first)
        await asker.shoot("show-reopened-390")
        assert asker.complaints == []


@pytest.mark.parametrize("width", [NARROW, WIDE])
async def test_every_page_of_a_show_is_accessible(world: World, width: int) -> None:
    """On a phone and on a desk, in German and English, axe finds nothing, and nothing sticks out sideways."""
    axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="axe is not installed")
    session = await world.plan(to="live", title="Glasfaser, Störungen und was im Vertrag steht")
    texts = [
        "Wie lange dauert es, bis Glasfaser liegt?",
        "Was tun bei Störungen?",
        "W" * 120,
        "Gilt das auch für Mieter?",
    ]
    ids = [await world.ask(session, text, name="Ada Lovelace-Byron", shown="name") for text in texts]
    await world.act(ids[0], "on-air")
    await world.act(ids[1], "queue")
    await world.act(ids[3], "star")
    ended = await world.plan(to="live", title="Die Woche davor")
    await world.ask(ended, "Wird das noch beantwortet?")
    await world.host("POST", f"/sessions/{ended}/state", to="ended")
    async with open_browser() as browser:
        tab = await open_tab(browser, width=width)
        await sign_in(world, tab)
        pages = {
            "home": "/",
            "session": f"/s/{session}",
            "session-en": f"/s/{session}?lang=en",
            "session-over": f"/s/{ended}?lang=de",
            "votes": "/help/votes",
            "my": "/my",
            "host": "/host",
            "console": f"/host/s/{session}",
            "console-over": f"/host/s/{ended}",
            "stage": f"/host/s/{session}/stage",
            "sources": f"/host/s/{session}/sources",
            "embed": f"/embed/{session}",
        }
        for name, path in pages.items():
            answer = await tab.page.goto(f"{world.url}{path}")
            if answer is None or answer.status == 404:
                continue
            await tab.page.wait_for_timeout(300)
            await tab.shoot(f"show-{name}-{width}")
            sideways = await tab.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert sideways <= 0, (path, sideways)
            results = await axe.Axe().run(tab.page)
            found = [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in results.response["violations"]]
            assert found == [], path
