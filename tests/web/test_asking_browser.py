"""Asking in a real browser: photo, draft, deadline, puzzle, and the form in a frame on somebody else's page."""

from __future__ import annotations

import io
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from PIL import Image

from streamhub.answers.answer import Answer, AnswerState
from streamhub.questions.question import QuestionState
from streamhub.schedule.show import SessionState
from streamhub.store import deflections as deflection_rows
from streamhub.store import questions, shows
from streamhub.timecode import Span
from tests.web.browsing import CHROMIUM, async_api, open_browser, open_tab, sign_in
from tests.web.test_writing import FakeSuggestions, suggestion

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.web.conftest import MakeWorld, World

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no playwright with Chromium on this machine"),
]

LONG = "Mein Router blinkt seit gestern rot.\nIch habe ihn schon neu gestartet. Was kann ich noch tun?"


def picture(size: tuple[int, int] = (2400, 1800)) -> dict[str, Any]:
    image = Image.effect_noise(size, 60).convert("RGB")
    written = io.BytesIO()
    image.save(written, "JPEG", quality=92)
    return {"name": "IMG_4711.JPG", "mimeType": "image/jpeg", "buffer": written.getvalue()}


async def fill(page: Any, text: str = LONG, *, consent: bool = True) -> None:
    await page.locator("#ask-text").fill(text)
    if consent:
        await page.locator("[name=consent]").check()


async def test_photo_and_pseudonym(world: World) -> None:
    """A photo of four megapixels is made small before it travels, and stands beside the question on other screens."""
    session = await world.plan()
    async with open_browser() as browser:
        asker, other = [await open_tab(browser, width=width) for width in (390, 1280)]
        for tab in (asker, other):
            await tab.page.goto(f"{world.url}/s/{session}")
        sizes: list[int] = []
        asker.page.on("request", lambda sent: sent.method == "POST" and sizes.append(len(sent.post_data_buffer or b"")))
        await fill(asker.page)
        await asker.page.get_by_label("Mit einem Pseudonym", exact=False).check()
        await asker.page.locator("#ask-name").fill("routerfreund")
        sent = picture()
        await asker.page.locator("#ask-photo").set_input_files(sent)
        await asker.page.get_by_role("button", name="Frage senden").click()
        await async_api.expect(asker.page.locator("#ask-said")).to_contain_text("Ihre Frage steht in der Liste")
        item = other.page.locator(".question", has_text="blinkt seit gestern rot")
        await async_api.expect(item.locator(".asker")).to_have_text("routerfreund")
        await async_api.expect(item.get_by_role("img", name="Foto zur Frage")).to_be_visible()
        await item.scroll_into_view_if_needed()
        await other.page.wait_for_function("document.querySelector('.photo img')?.naturalWidth > 0")
        assert await other.page.evaluate("document.querySelector('.photo img').naturalWidth") == 1600
        assert sizes[0] < len(sent["buffer"])
        await asker.shoot("ask-photo-390")
        await other.shoot("ask-photo-1280")
        for tab in (asker, other):
            assert tab.complaints == []


async def test_what_was_typed_survives_a_reload_and_an_error(world: World) -> None:
    """Reloading keeps the draft, an error keeps it too, success lets it go."""
    session = await world.plan()
    async with open_browser() as browser:
        tab = await open_tab(browser, width=390)
        await tab.page.goto(f"{world.url}/s/{session}")
        await fill(tab.page)
        await tab.page.get_by_label("Mit meinem Namen", exact=False).check()
        await tab.page.reload()
        await async_api.expect(tab.page.locator("#ask-text")).to_have_value(LONG)
        await async_api.expect(tab.page.locator("[name=shown][value=name]")).to_be_checked()
        await tab.page.locator("[name=consent]").check()
        await tab.page.get_by_role("button", name="Frage senden").click()
        await async_api.expect(tab.page.locator("#ask-said")).to_contain_text("Ihr Name soll gezeigt werden")
        await async_api.expect(tab.page.locator("#ask-text")).to_have_value(LONG)
        await tab.shoot("ask-error-390")
        await tab.page.locator("#ask-name").fill("Ada")
        await tab.page.get_by_role("button", name="Frage senden").click()
        await async_api.expect(tab.page.locator("#ask-said")).to_contain_text("Danke")
        await tab.page.reload()
        await async_api.expect(tab.page.locator("#ask-text")).to_have_value("")


async def test_without_javascript_and_with_a_photo(world: World) -> None:
    """With JavaScript off a person asks with a photo; a broken one is said, and nothing typed is lost."""
    session = await world.plan(language="en")
    async with open_browser() as browser:
        tab = await open_tab(browser, width=390, java_script_enabled=False)
        await tab.page.goto(f"{world.url}/s/{session}?lang=en")
        world.clock.forward(seconds=10)
        await fill(tab.page)
        broken = {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": b"\xff\xd8\xff broken"}
        await tab.page.locator("#ask-photo").set_input_files(broken)
        await tab.page.get_by_role("button", name="Send the question").click()
        await async_api.expect(tab.page.get_by_role("alert")).to_contain_text("The photo is none that we can read.")
        await async_api.expect(tab.page.locator("#ask-text")).to_have_value(LONG)
        await tab.shoot("ask-noscript-error-390")
        world.clock.forward(seconds=10)
        await tab.page.locator("#ask-photo").set_input_files(picture((900, 700)))
        await tab.page.get_by_role("button", name="Send the question").click()
        await async_api.expect(tab.page.get_by_role("status").first).to_contain_text("Your question is in the list")
        await async_api.expect(tab.page.locator(".question .photo img")).to_be_visible()
        await tab.shoot("ask-noscript-390")


async def test_a_flooded_session_is_a_small_puzzle(make_world: MakeWorld) -> None:
    """In a flooded session the browser solves the puzzle by itself and the question is in; without, it is held."""
    world = await make_world(flood_per_minute=3, trust_proxy=True)
    session = await world.plan()
    async with open_browser() as browser:
        tab = await open_tab(browser, width=390)
        plain = await open_tab(browser, width=390, java_script_enabled=False)
        for one in (tab, plain):
            await one.page.goto(f"{world.url}/s/{session}")
        for number in range(6):
            await world.ask(session, f"Flut {number}?")
        await fill(tab.page, "Mitten in der Flut, ehrlich?")
        await tab.page.get_by_role("button", name="Frage senden").click()
        await async_api.expect(tab.page.locator("#ask-said")).to_contain_text(
            "Ihre Frage steht in der Liste", timeout=60_000
        )
        assert tab.complaints == []
        world.clock.forward(seconds=10)
        await fill(plain.page, "Ohne Skript in der Flut?")
        await plain.page.get_by_role("button", name="Frage senden").click()
        await async_api.expect(plain.page.get_by_role("status").first).to_contain_text("sehr viele Fragen")
        await plain.shoot("ask-flood-noscript-390")
    kept = await world.hub.store.read(lambda db: questions.list_questions(db, session))
    states = {q.text: q.state.value for q in kept}
    assert states["Mitten in der Flut, ehrlich?"] == "open"
    assert states["Ohne Skript in der Flut?"] == "held"


@asynccontextmanager
async def foreign_page(frame: str) -> AsyncIterator[str]:
    """A company's page on another site, with the hub's form in a frame; yields its origin."""
    app = web.Application()
    head = '<!doctype html><title>Firma</title><link rel="icon" href="data:,"><h1>Firma</h1>'
    html = f'{head}<iframe id="f" src="{frame}" height="900"></iframe>'

    async def show(request: web.Request) -> web.Response:
        return web.Response(text=html, content_type="text/html")

    app.router.add_get("/", show)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    try:
        yield f"http://localhost:{server.port}"
    finally:
        await server.close()


async def test_in_a_frame_on_a_foreign_page(make_world: MakeWorld) -> None:
    """A company's page shows the form; a question goes in without cookies; the asker stays one; other pages may not."""
    world = await make_world(embed_origins="http://firma.example")
    session = await world.plan()
    async with open_browser() as browser, foreign_page(f"{world.url}/s/{session}/embed") as origin:
        refused = await open_tab(browser, width=1280)
        await refused.page.goto(origin)
        text = refused.page.frame_locator("#f").get_by_role("heading", level=1)
        await async_api.expect(text).to_have_text("Diese Seite darf das Formular nicht zeigen")
        await refused.shoot("embed-refused-1280")
    world = await make_world(embed_origins="http://firma.example")
    session = await world.plan()
    async with open_browser() as browser, foreign_page(f"{world.url}/s/{session}/embed") as origin:
        object.__setattr__(world.hub.settings, "embed_origins", origin)  # its port is known only now
        for scripts in (True, False):
            tab = await open_tab(browser, width=1280 if scripts else 390, java_script_enabled=scripts)
            await tab.page.goto(origin)
            frame = tab.page.frame_locator("#f")
            await async_api.expect(frame.locator("#ask-form")).to_be_visible()
            asker = await frame.locator("[name=asker]").input_value()
            world.clock.forward(seconds=10)
            await fill(frame, f"Aus dem Rahmen, Skript {scripts}?")
            await frame.get_by_role("button", name="Frage senden").click()
            await async_api.expect(frame.locator("#said")).to_contain_text("Ihre Frage steht in der Liste")
            await tab.shoot(f"embed-{scripts}")
            assert tab.complaints == []
            cookies = await tab.page.context.cookies()
            assert [c["name"] for c in cookies if "voter" in c["name"] or "login" in c["name"]] == []
            assert await frame.locator("[name=asker]").input_value() == asker
    kept = await world.hub.store.read(lambda db: questions.list_questions(db, session))
    assert [q.source for q in kept] == ["embed", "embed"]


@pytest.mark.parametrize("width", [390, 1280])
async def test_what_was_asked_before_appears_in_the_frame(make_world: MakeWorld, width: int) -> None:
    """While somebody types in the frame, answers and open questions appear; wishes count once and without cookies."""
    axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="axe is not installed")
    world = await make_world(embed_origins="http://firma.example")
    expect, session = async_api.expect, await world.plan()
    one, two = await world.ask(session, "Was kostet ein Router?"), await world.ask(session, "Wann kommt die Rechnung?")
    goal, at = QuestionState.ANSWERED_IN_WRITING, world.clock()
    await world.hub.store.write(lambda db: questions.step_question(db, one, goal, at=at, author="host"))
    still = {"kind": "open", "text": "Wann kommt die Rechnung?", "start_ms": None, "duration_ms": None}
    fake = FakeSuggestions()
    fake.found = [suggestion(world, one, session), suggestion(world, two, session, **still)]
    object.__setattr__(world.hub, "suggestions", fake)
    async with open_browser() as browser, foreign_page(f"{world.url}/s/{session}/embed") as origin:
        object.__setattr__(world.hub.settings, "embed_origins", origin)  # its port is known only now
        tab = await open_tab(browser, width=width)
        await tab.page.goto(origin)
        frame = tab.page.frame_locator("#f")
        await frame.locator("#ask-text").fill("Was kostet eigentlich ein Router?")
        await expect(frame.locator("#suggest-list li")).to_have_count(2)
        answers_me = frame.get_by_role("button", name="Das hilft mir")
        await answers_me.click()
        await expect(frame.get_by_role("button", name="Vermerkt", exact=False)).to_have_count(1)
        await frame.get_by_role("button", name="Ich auch").click()
        await expect(frame.get_by_role("button", name="Vermerkt", exact=False)).to_have_count(2)
        helped = await world.hub.store.read(lambda db: deflection_rows.count_helped(db, one))
        wanted = await world.hub.store.read(lambda db: questions.load_question(db, two))
        assert (helped, wanted.votes) == (1, 1)
        assert await tab.page.context.cookies() == []
        await tab.shoot(f"embed-suggest-{width}")
        results = await axe.Axe().run(tab.page.frames[1])
        assert [found["id"] for found in results.response["violations"]] == []
        assert tab.complaints == []


async def test_a_deadline_passes_on_an_open_page(world: World) -> None:
    """When the time is over while somebody types, the page says so and the text stays to be copied."""
    session = await world.plan()
    until = datetime.now(UTC) + timedelta(seconds=12)
    ahead = until - timedelta(seconds=5)
    await world.host("POST", f"/sessions/{session}", call="Bitte Fotos!", call_until=f"{until:%Y-%m-%dT%H:%M:%SZ}")
    world.clock.at = ahead
    async with open_browser() as browser:
        tab = await open_tab(browser, width=390)
        await tab.page.goto(f"{world.url}/s/{session}")
        await tab.page.locator("#ask-text").fill(LONG)
        world.clock.at = until + timedelta(seconds=5)
        await async_api.expect(tab.page.locator(".deadline")).to_contain_text("ist vorbei", timeout=60_000)
        await async_api.expect(tab.page.locator("#ask-text")).to_have_value(LONG)
        await async_api.expect(tab.page.get_by_role("button", name="Frage senden")).to_be_disabled()
        await tab.shoot("deadline-passed-390")
        await world.host("POST", f"/sessions/{session}/state", to="live")
        await async_api.expect(tab.page.locator(".badge.live")).to_be_visible(timeout=20_000)


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("language", ["de", "en"])
async def test_all_its_faces(make_world: MakeWorld, width: int, language: str) -> None:
    """Before, moved, live, over, replayed and cancelled, the page fits, is accessible, and says plainly what it is."""
    axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="axe is not installed")
    world = await make_world(votes_per_address=2, embed_origins="https://www.firma.example")
    session = await world.plan(title="Glasfaser, Störungen und was im Vertrag steht", language=language)
    call = {"de": "Schicken Sie uns ein Foto Ihres Routers.", "en": "Send us a photo of your router."}[language]
    await world.host(
        "POST",
        f"/sessions/{session}",
        call=call,
        call_until=f"{world.clock() + timedelta(hours=18):%Y-%m-%dT%H:%M:%SZ}",
    )
    asked = await world.ask(session, "Wie lange dauert es, bis Glasfaser liegt?", name="Ada", shown="name")
    async with open_browser() as browser:
        tab = await open_tab(browser, width=width)
        host = await open_tab(browser, width=width)
        await sign_in(world, host)

        async def look(name: str, path: str = f"/s/{session}", who: Any = tab) -> None:
            await who.page.goto(f"{world.url}{path}?lang={language}")
            await who.page.wait_for_timeout(200)
            await who.shoot(f"face-{name}-{width}-{language}")
            assert await who.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
            results = await axe.Axe().run(who.page)
            found = [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in results.response["violations"]]
            assert found == [], name

        await look("before")
        for _ in range(4):
            stranger = await open_tab(browser)
            await stranger.page.goto(f"{world.url}/s/{session}")
            await stranger.page.locator(".question .vote").click()
            await async_api.expect(stranger.page.locator(".question .vote")).to_have_attribute("aria-pressed", "true")
        await look("suspects", f"/host/s/{session}", host)
        await look("help", "/help/votes")
        await look("embed", f"/s/{session}/embed")
        await world.host("POST", f"/sessions/{session}", starts_at="2027-03-05T19:15:00Z")
        await look("moved")
        await world.host("POST", f"/sessions/{session}/state", to="live")
        await world.act(asked, "on-air")
        await look("live")
        await world.host("POST", f"/sessions/{session}/state", to="ended")
        await look("over")
        answer = Answer(
            id=asked,
            slug="glasfaser",
            session_id=session,
            question="Wie lange dauert es, bis Glasfaser liegt?",
            answerers=("Jana Weber",),
            ranges=(Span(754_000, 815_000),),
            state=AnswerState.PUBLISHED,
        )
        world.answers.answers[session] = [answer]
        (world.hub.public_dir / "s" / session).mkdir(parents=True)
        (world.hub.public_dir / "s" / session / "index.html").write_text("<p>x</p>")
        for state in (SessionState.PROCESSING, SessionState.IN_REVIEW, SessionState.PUBLISHED):
            await world.hub.store.write(lambda db, to=state: shows.step_session(db, session, to, at=world.clock()))
        await look("replay")
        second = tab.page.locator("a.second")
        assert await second.get_attribute("href") == f"/archive/de/a/{asked}-glasfaser/?t=754"
        await async_api.expect(second).to_contain_text("12:34")
        other = await world.plan(title="Abgesagte Runde", language=language)
        await world.host("POST", f"/sessions/{other}/state", to="cancelled")
        await look("cancelled", f"/s/{other}")
