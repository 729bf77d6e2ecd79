"""Answers before the end: readable and searchable on the hub while the session runs, provisional, and gone after."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from streamhub.schedule.show import SessionState
from streamhub.store import shows
from tests.web.browsing import CHROMIUM, HOSTILE, async_api, open_browser, open_tab
from tests.web.test_captions import PATIENT_MS, heard

if TYPE_CHECKING:
    from tests.web.conftest import World

NOTICE = "Wie lange ist die Kündigungsfrist beim Internetvertrag?"
MOVE = "Was kostet ein Umzug des Anschlusses?"


async def answered_session(world: World) -> tuple[str, str, str]:
    """A live session in which one question was answered and the next one is on air."""
    session = await world.plan(to="live")
    first, second = await world.ask(session, NOTICE), await world.ask(session, MOVE)
    world.clock.forward(seconds=10)
    await world.act(first, "on-air")
    world.clock.forward(seconds=17)
    await world.act(second, "on-air")
    world.words.say(
        session,
        (0, "Guten Abend und herzlich willkommen."),
        (6, f"Die erste Frage: {NOTICE}"),
        (12, f"Der Vertrag {HOSTILE} läuft zwei Jahre."),
        (18, "Danach können Sie ihn jeden Monat kündigen."),
        (24, f"Kommen wir zur nächsten Frage: {MOVE}"),
        (30, "Der Umzug kostet siebzig Euro."),
    )
    return session, first, second


async def read(world: World, session: str, query: str = "", language: str = "de") -> str:
    """The page, as soon as a look at the newest words was taken."""
    text = ""
    for _ in range(2):  # the first request may be answered from the look before
        async with world.client.get(f"/s/{session}/answers", params={"q": query, "lang": language}) as page:
            assert page.status == 200
            text = await page.text()
        await asyncio.sleep(0.3)
    return text


async def test_an_answer_is_readable_before_the_end(world: World) -> None:
    """Each question that was on air has its words under an address of its own; said to be provisional."""
    session, first, second = await answered_session(world)
    text = await read(world, session)
    assert text.index(f'id="a-{first}"') < text.index(f'id="a-{second}"')
    before, after = text.split(f'id="a-{second}"')
    assert "jeden Monat kündigen" in before
    assert "siebzig Euro" in after
    assert "Vorläufig" in text
    assert '<meta name="robots" content="noindex">' in text
    assert HOSTILE not in text
    assert "on air now" in await read(world, session, language="en")
    async with world.client.get(f"/s/{session}/answers") as page:
        assert page.headers["X-Robots-Tag"] == "noindex"


async def test_answers_are_searched(world: World) -> None:
    """Other forms and parts of compounds are found and marked; what is not found is said; what is typed stays text."""
    session, first, second = await answered_session(world)
    text = await read(world, session, "kündigt")
    assert f'id="a-{first}"' in text
    assert f'id="a-{second}"' not in text
    assert "<mark>kündigen</mark>" in text
    assert "1 Antwort gefunden" in text
    nothing = await read(world, session, 'Wetter"><b hidden>', "en")
    assert "0 answers found" in nothing
    assert "<b hidden" not in nothing


async def test_what_is_taken_back_is_not_shown(world: World) -> None:
    """A question that was taken off air unanswered has no answer here."""
    session, first, second = await answered_session(world)
    await world.act(second, "back")
    text = await read(world, session)
    assert f'id="a-{first}"' in text
    assert f'id="a-{second}"' not in text


async def test_before_and_after(world: World) -> None:
    """Before the session, and from its review on, nothing that was heard is shown; after it the archive's is."""
    session = await world.plan()
    assert "hat noch nicht begonnen" in await read(world, session)
    for state in (SessionState.LIVE, SessionState.ENDED, SessionState.PROCESSING, SessionState.IN_REVIEW):
        await world.hub.store.write(lambda db, to=state: shows.step_session(db, session, to, at=world.clock()))
    world.words.say(session, (1, "Eben gesagt."))
    text = await read(world, session)
    assert "werden geprüft" in text
    assert "Eben gesagt" not in text


async def test_a_hub_that_hears_nothing_says_so(world: World) -> None:
    """Without a word heard, a question on air stands there without an answer."""
    session = await world.plan(to="live")
    question = await world.ask(session, NOTICE)
    assert "noch keine Frage auf Sendung" in await read(world, session)
    await world.act(question, "on-air")
    assert "Davon wurde noch nichts gehört" in await read(world, session)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no playwright with Chromium on this machine")
@pytest.mark.parametrize("width", [390, 1280])
async def test_the_page_grows_by_itself(world: World, width: int) -> None:
    """Whoever reads the answers sees new words without reloading; the session page leads there."""
    session, _, second = await answered_session(world)
    async with open_browser() as browser:
        tab = await open_tab(browser, width=width)
        await tab.page.goto(f"{world.url}/s/{session}")
        await tab.page.get_by_role("link", name="Antworten bis jetzt").click()
        place = tab.page.locator(f"#a-{second}")
        await async_api.expect(place).to_contain_text("siebzig Euro", timeout=PATIENT_MS)
        await tab.shoot(f"spoken-{width}-de")
        world.words.say(session, (36, "Ein Techniker kommt dafür zu Ihnen."))
        heard(world, session)
        await async_api.expect(place).to_contain_text("Techniker", timeout=PATIENT_MS)
        await tab.page.goto(f"{world.url}/s/{session}/answers?q=Umzug&lang=en")
        await async_api.expect(place.locator("mark").first).to_be_visible()
        await tab.shoot(f"spoken-{width}-found-en")
        assert await tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert tab.complaints == []
