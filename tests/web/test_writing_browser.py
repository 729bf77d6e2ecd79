"""Suggestions, stories and written answers in a real browser: by keyboard, without JavaScript, on phone and desk."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from streamhub.answers.answer import Answer, AnswerState
from streamhub.questions.question import QuestionState, Shown
from streamhub.questions.writing import Proposal, Writer, digest_of
from streamhub.schedule.show import Moderation, Role
from streamhub.store import deflections as deflection_rows
from streamhub.store import proposals as proposal_rows
from streamhub.store import questions as question_rows
from streamhub.timecode import Span
from tests.web.browsing import CHROMIUM, HOSTILE, async_api, open_browser, open_tab, sign_in
from tests.web.test_writing import FakeSuggestions, add_people, suggestion, suggestions

if TYPE_CHECKING:
    from tests.web.conftest import World

try:
    from axe_playwright_python import async_playwright as axe
except ImportError:
    axe = None

__all__ = ["suggestions"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no playwright with Chromium on this machine"),
]

PAGE = """<!doctype html><title>Antwort</title>
<div class="player" data-player data-kind="audio" data-src="../../media/clip.wav" data-start="1" data-end="2"></div>"""


async def answered(world: World, session: str) -> str:
    """A question that is answered in writing, as far as the hub knows."""
    asked = await world.ask(session, "Was kostet ein Router?")
    step, at = question_rows.step_question, world.clock()
    goal = QuestionState.ANSWERED_IN_WRITING
    await world.hub.store.write(lambda db: step(db, asked, goal, at=at, author="host"))
    return asked


async def propose(world: World, question: str, text: str, *, role: Role | None = None) -> str:
    """Somebody proposes an answer."""
    key = f"p{len(text)}"
    proposal = Proposal(
        id=key,
        question_id=question,
        voter=key,
        writer=Writer(name="Bernd Bach", shown=Shown.NAME, role=role),
        text=text,
        digest=digest_of(text),
        language="de",
        at=world.clock(),
    )
    await world.hub.store.write(lambda db: proposal_rows.insert_proposal(db, proposal))
    return key


async def helped(world: World, answer: str) -> int:
    return int(await world.hub.store.read(lambda db: deflection_rows.count_helped(db, answer)))


async def test_suggestions_while_typing(world: World, suggestions: FakeSuggestions) -> None:
    """What is typed brings what was answered, by keyboard alone: noted, taken back, and asking anyway is one click."""
    session = await world.plan()
    asked = await answered(world, session)
    still_open = await world.ask(session, "Wann kommt die Rechnung?")
    suggestions.found = [
        suggestion(world, asked, session),
        suggestion(
            world, still_open, session, kind="open", text="Wann kommt die Rechnung?", start_ms=None, duration_ms=None
        ),
    ]
    async with open_browser() as browser:
        tab = await open_tab(browser, width=390)
        page = tab.page
        await page.goto(f"{world.url}/s/{session}")
        await page.get_by_role("textbox", name="Ihre Frage").press_sequentially("Was kostet denn der Router?", delay=5)
        await async_api.expect(page.locator("#suggest-found")).to_be_visible()
        await async_api.expect(page.locator("#suggest-said")).to_have_text("2 ähnliche Fragen darunter")
        assert len(suggestions.asked) < 5, "one look for a pause in typing, not one for a letter"
        item = page.locator(f'.suggested[data-id="{asked}"]')
        there = f"/archive/a/{asked}-was-kostet-ein-router/?t=745"
        await async_api.expect(item.locator("a").first).to_have_attribute("href", there)
        await tab.shoot("suggest-390")
        button = item.get_by_role("button", name="Das hilft mir")
        await button.focus()
        await page.keyboard.press("Enter")
        await async_api.expect(item.locator('button[aria-pressed="true"]')).to_have_text(
            "Vermerkt: Das hilft mir. Rückgängig"
        )
        async with page.expect_response(lambda response: "deflections" in response.url) as gone:
            await page.keyboard.press("Enter")
        assert (await gone.value).status == 200
        assert await helped(world, asked) == 0
        async with page.expect_response(lambda response: "/vote" in response.url):
            await page.locator(f'.suggested[data-id="{still_open}"]').get_by_role("button", name="Ich auch").click()
        await async_api.expect(page.get_by_role("link", name="Ihren Fall schildern")).to_be_visible()
        await page.get_by_label("Ich bin einverstanden", exact=False).check()
        await page.get_by_role("button", name="Frage senden").click()
        await async_api.expect(page.locator("#ask-said")).to_contain_text("Danke.")
        await async_api.expect(page.locator("#suggest-found")).to_be_hidden()
        assert tab.complaints == []


async def test_looking_first_puts_nothing_into_the_address(world: World, suggestions: FakeSuggestions) -> None:
    """Without JavaScript neither the question nor name and address of who looks first stand in any address."""
    session = await world.plan()
    asked = await answered(world, session)
    suggestions.found = [suggestion(world, asked, session)]
    addresses: list[str] = []
    async with open_browser() as browser:
        tab = await open_tab(browser, width=390, java_script_enabled=False)
        page = tab.page
        page.on("request", lambda request: addresses.extend([request.url, request.headers.get("referer", "")]))
        await page.goto(f"{world.url}/s/{session}")
        await page.get_by_role("textbox", name="Ihre Frage").fill("Geheimnis im Router?")
        await page.get_by_label("Name oder Pseudonym", exact=False).fill("Geheimnis Ada")
        await page.get_by_role("button", name="Erst nachsehen").click()
        for label, count in (("Das hilft mir", 1), ("Rückgängig", 0)):
            await page.locator(f'.suggested[data-id="{asked}"]').get_by_role("button", name=label).click()
            await page.wait_for_load_state()
            assert await helped(world, asked) == count
            assert await page.get_by_role("textbox", name="Ihre Frage").input_value() == "Geheimnis im Router?"
            assert await page.get_by_label("Name oder Pseudonym", exact=False).input_value() == "Geheimnis Ada"
        assert suggestions.asked == ["Geheimnis im Router?"] * 3
        assert await page.evaluate("location.pathname + location.search") == f"/s/{session}"
    assert [address for address in addresses if "Geheimnis" in address] == []
    assert len(addresses) > 6


def write_silence(path: Path) -> None:
    """Four seconds of nothing."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(4 * 8000 * 2))


async def test_the_clip_plays_here_on_click_only(world: World, suggestions: FakeSuggestions) -> None:
    """Nothing of a clip is loaded before the click; then the hub's own media plays at its second."""
    session = await world.plan()
    asked = await answered(world, session)
    found = suggestion(world, asked, session)
    suggestions.found = [found]
    folder = world.hub.public_dir / found.page.removeprefix("/archive/")
    folder.mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    media = world.hub.public_dir / "media"
    media.mkdir()
    write_silence(media / "clip.wav")
    async with open_browser() as browser:
        tab = await open_tab(browser)
        loaded: list[str] = []
        tab.page.on("request", lambda request: loaded.append(request.url))
        await tab.page.goto(f"{world.url}/s/{session}")
        await tab.page.get_by_role("textbox", name="Ihre Frage").fill("Was kostet denn der Router?")
        play = tab.page.get_by_role("button", name="Hier abspielen")
        await async_api.expect(play).to_be_visible()
        assert not [url for url in loaded if "/archive/" in url]
        await play.click()
        clip = tab.page.locator("audio.clip")
        await async_api.expect(clip).to_have_attribute("src", f"{world.url}/archive/media/clip.wav#t=1,2")
        await tab.page.wait_for_function("() => document.querySelector('audio.clip').currentTime >= 1")
        assert {url.split("/")[2] for url in loaded} == {world.url.split("/")[2]}
        assert tab.complaints == []


async def test_a_case_and_an_answer_without_javascript(world: World) -> None:
    """On a phone with JavaScript off: tell a case, propose an answer, have it accepted on the console, read it."""
    session = await world.plan()
    asked = await world.ask(session, "Warum blinkt mein Router rot?")
    async with open_browser() as browser:
        tab = await open_tab(browser, width=390, java_script_enabled=False)
        page = tab.page
        await page.goto(f"{world.url}/s/{session}")
        await page.get_by_role("link", name="Fälle und Antworten").click()
        world.clock.forward(seconds=20)
        await page.get_by_text("Den eigenen Fall dazu schildern").click()
        await page.get_by_label("Ihr Fall, in wenigen Worten").fill("Bei mir seit dem Gewitter.")
        await page.locator("#me-too").get_by_label("Ich bin einverstanden", exact=False).check()
        await page.get_by_role("button", name="Meinen Fall absenden").click()
        await async_api.expect(page.get_by_text("Ihr Fall steht unten")).to_be_visible()
        world.clock.forward(seconds=20)
        await page.locator("#answer summary").click()
        await page.get_by_label("Ihre Antwort").fill("**Stecker** ziehen.")
        await page.locator("#answer").get_by_label("Ich bin einverstanden", exact=False).check()
        await page.get_by_role("button", name="Antwort absenden").click()
        await async_api.expect(page.get_by_text("bevor sie hier erscheint")).to_be_visible()
        await tab.shoot("question-own-390")
        host = await open_tab(browser, java_script_enabled=False)
        await sign_in(world, host)
        await host.page.goto(f"{world.url}/host/s/{session}")
        await host.page.locator(f"#proposals-{asked} > summary").click()
        await host.shoot("console-proposals-1280")
        await host.page.get_by_role("button", name="als Antwort annehmen").click()
        await page.goto(f"{world.url}/s/{session}")
        await async_api.expect(page.locator("#answer-list")).to_contain_text("schriftlich")
        await page.locator("#answer-list a").click()
        await async_api.expect(page.locator("article.written strong")).to_have_text("Stecker")
        await page.get_by_role("button", name="löschen").last.click()
        await async_api.expect(page.get_by_text("Ihre Antwort wurde gelöscht.")).to_be_visible()
        await async_api.expect(page.locator("article.written")).to_have_count(0)


async def fill(world: World) -> tuple[str, str, str, str, str]:
    """A session with two questions, three proposals under the first, and three cases: ids of all but the last."""
    session = await world.plan(to="live", title="Glasfaser und Verträge", moderation=Moderation.AFTER)
    await add_people(world, session)
    asked = await world.ask(session, "Wie lange dauert es, bis Glasfaser liegt?", name="Ada L.", shown="name")
    spoken = await world.ask(session, "Was tun bei Störungen?")
    text = "Meist **zwei Wochen**.\n\n- erst der Antrag\n- dann der Bagger\n\n" + "W" * 80
    first = await propose(world, asked, text, role=Role.EXPERT)
    second = await propose(world, asked, "Bei mir waren es drei.")
    await propose(world, asked, "Nie.")
    for number in range(3):
        await world.client.post(f"/api/v1/questions/{asked}/stories", json={"text": f"Fall {number} in der Gasse."})
        world.client.session.cookie_jar.clear()
    await world.act(spoken, "on-air")
    await world.act(spoken, "done")
    return session, asked, spoken, first, second


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("width", [390, 1280])
async def test_pages_fit_and_are_accessible(
    world: World, suggestions: FakeSuggestions, width: int, language: str
) -> None:
    """In both languages, on phone and desk: nothing sticks out sideways, and the accessibility rules hold."""
    axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="axe is not installed")
    session, asked, spoken, first, second = await fill(world)
    made = await world.host("POST", f"/sessions/{session}/people/1/link")
    suggestions.found = [
        suggestion(world, asked, session),
        suggestion(world, spoken, session, kind="open", start_ms=None),
    ]
    async with open_browser() as browser:
        tab = await open_tab(browser, width=width)
        page = tab.page

        async def check(name: str) -> None:
            await page.wait_for_timeout(200)
            await tab.shoot(f"{name}-{width}-{language}")
            sideways = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert sideways <= 0, (name, sideways)
            results = await axe.Axe().run(page)
            found = [(v["id"], [n["html"][:160] for n in v["nodes"]]) for v in results.response["violations"]]
            assert found == [], name

        await page.goto(f"{world.url}/s/{session}?lang={language}")
        await page.locator("#ask-text").press_sequentially("Wie lange dauert das?", delay=5)
        await async_api.expect(page.locator("#suggest-found")).to_be_visible()
        await check("session-suggest")
        await world.host("POST", f"/proposals/{first}/accept")
        await world.host("POST", f"/proposals/{second}/also")
        await page.goto(f"{world.url}/s/{session}/q/{asked}?lang={language}")
        for summary in await page.locator("summary").all():
            if not await summary.evaluate("one => one.parentElement.open"):
                await summary.click()
        await check("question")
        await page.goto(f"{made['url']}&lang={language}")
        await check("as-link")
        await page.locator("main button.primary").click()
        await check("as-waiting")
        await sign_in_as(world, tab, language)
        await page.goto(f"{world.url}/host/s/{session}?lang={language}")
        for place in ("behind", f"proposals-{asked}", f"stories-{asked}"):
            await page.locator(f"#{place} > summary").click()
        await check("console-written")
        await page.locator("#written a").last.click()
        await page.get_by_role("button", name="Bernd Bach").click()
        await async_api.expect(page.locator("#link code")).to_contain_text(f"/s/{session}/as?token=")
        await check("answer-link")
        await world.host("POST", f"/sessions/{session}/state", to="ended")
        answer = Answer(
            id=spoken,
            slug="x",
            session_id=session,
            question="Was tun bei Störungen?",
            ranges=(Span(60_000, 190_000),),
            answerers=("Bernd Bach",),
            state=AnswerState.PUBLISHED,
            body="Und messen.",
            writer="Cora Uhl",
            writer_role=Role.SUPER_USER,
        )
        world.answers.answers[session] = [answer]
        await page.goto(f"{world.url}/s/{session}?lang={language}")
        await check("session-answers")
        assert tab.complaints == []


async def sign_in_as(world: World, tab: Any, language: str) -> None:
    await tab.page.goto(f"{await world.link()}&lang={language}")
    await tab.page.locator("main button").first.click()
    await tab.page.wait_for_url("**/host")


async def test_cases_appear_while_the_page_is_open(world: World) -> None:
    """A case that is told, and one that is taken back, show on the open page and on the console without a reload."""
    expect = async_api.expect
    session = await world.plan()
    asked = await world.ask(session, "Warum fällt der Router aus?")
    async with open_browser() as browser, aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as somebody:
        viewer, console = await open_tab(browser, width=390), await open_tab(browser)
        page = viewer.page
        await page.goto(f"{world.url}/s/{session}")
        fold = page.locator(f"#q-{asked} details.stories")
        await expect(page.locator(f"#q-{asked}")).to_be_visible()
        await expect(fold).to_be_hidden()
        await sign_in(world, console)
        await console.page.goto(f"{world.url}/host/s/{session}")
        await expect(console.page.locator(f"#stories-{asked}")).to_have_count(0)
        typed = {"text": f"Bei mir auch. {HOSTILE}", "name": "Ada", "shown": "name"}
        async with somebody.post(f"{world.url}/api/v1/questions/{asked}/stories", json=typed) as answer:
            told = await answer.json()
        await expect(fold.locator("summary")).to_have_text("1 Person schildert ihren Fall")
        await expect(console.page.locator(f"#stories-{asked} > summary")).to_contain_text(
            "1 Person schildert ihren Fall"
        )
        await fold.locator("summary").click()
        await expect(fold.locator("li")).to_contain_text("Bei mir auch. <img")
        await expect(fold.locator(".who")).to_have_text("Ada")
        for number in range(2):
            text = {"text": f"Fall {number} in der Gasse."}
            await world.client.post(f"/api/v1/questions/{asked}/stories", json=text)
            world.client.session.cookie_jar.clear()
        await expect(fold.locator("summary")).to_have_text("3 Personen schildern ihren Fall")
        await expect(fold.locator("li")).to_have_count(3)
        await viewer.shoot("cases-390")
        async with somebody.delete(f"{world.url}/api/v1/stories/{told['id']}") as gone:
            assert gone.status == 200
        await expect(fold.locator("li")).to_have_count(2)
        await expect(console.page.locator(f"#stories-{asked} > summary")).to_contain_text("2 Personen")
        if axe is not None:
            assert (await axe.Axe().run(page)).response["violations"] == []
        assert viewer.complaints == console.complaints == []


async def test_cases_of_what_is_offered_come_in_meanwhile(world: World, suggestions: FakeSuggestions) -> None:
    """An open question that is offered says how many tell their case, and follows while it is shown."""
    expect = async_api.expect
    session = await world.plan()
    asked = await world.ask(session, "Warum fällt der Router aus?")
    suggestions.found = [suggestion(world, asked, session, kind="open", text="Warum?", start_ms=None, duration_ms=None)]
    async with open_browser() as browser:
        tab = await open_tab(browser)
        page = tab.page
        await page.goto(f"{world.url}/s/{session}")
        await page.locator("#ask-text").fill("Der Router fällt dauernd aus")
        offered = page.locator(f"#suggest-list [data-id='{asked}']")
        await expect(offered).to_be_visible()
        await expect(offered.locator(".told")).to_be_hidden()
        await world.client.post(f"/api/v1/questions/{asked}/stories", json={"text": "Auch in der Gasse."})
        await expect(offered.locator(".told")).to_have_text("1 Person schildert ihren Fall")
        await expect(offered.locator(".votes")).to_have_text("1 Stimme")
        assert tab.complaints == []
