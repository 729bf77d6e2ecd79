"""Questions asked aloud: taken as questions with marks, dismissed, proposed again; all without JavaScript."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streamhub.answers.asked import AskedAloud
from streamhub.live.mark import MarkKind, Witness
from streamhub.questions.question import QuestionState
from streamhub.store import marks, questions, shows
from streamhub.timecode import Span, ms_between
from tests.web.browsing import CHROMIUM, async_api, open_browser, open_tab, sign_in
from tests.web.test_marking import ended_session

if TYPE_CHECKING:
    from tests.web.conftest import World

PRICE = AskedAloud(text="Was kostet das?", span=Span(20_000, 31_000), confidence=0.8, evidence=("Bei 0:20 gefragt.",))
LATER = AskedAloud(text="Und wann?", span=Span(40_000, 52_000), confidence=0.6, evidence=("Bei 0:40 gefragt.",))


async def test_what_was_asked_becomes_a_question(world: World) -> None:
    """Taken, it has an id, the host's words and marks at its beginning and end, and the answers are cut anew."""
    session, _ = await ended_session(world)
    world.answers.aloud[session] = [PRICE, LATER]
    host = await world.sign_in()
    async with await host.get(f"/host/s/{session}/aloud") as page:
        text = await page.text()
        assert page.status == 200
        assert text.index("Was kostet das?") < text.index("Und wann?")
        assert "Bei 0:20 gefragt." in text
    for _ in range(2):  # the second press is the same wish
        form = {"start_ms": "20000", "text": "Was kostet der Umzug?"}
        async with await host.post(f"/host/s/{session}/aloud/take", **form) as taken:
            assert taken.status == 303
    kept = await world.hub.store.read(lambda db: questions.list_questions(db, session))
    (question,) = [one for one in kept if one.source == "aloud"]
    assert (question.text, question.state) == ("Was kostet der Umzug?", QuestionState.ANSWERED_LIVE)
    zero = (await world.hub.store.read(lambda db: shows.load_session(db, session))).started_at
    assert zero is not None
    heard = await world.hub.store.read(lambda db: marks.list_marks(db, session))
    mine = [(mark.kind, ms_between(zero, mark.at)) for mark in heard if mark.question_id == question.id]
    assert mine == [(MarkKind.ON_AIR, 20_000), (MarkKind.DONE, 31_000)]
    assert {mark.witness for mark in heard if mark.question_id == question.id} == {Witness.EAR}
    assert session in world.answers.recuts
    await host.close()


async def test_dismissed_ones_come_back_on_demand(world: World) -> None:
    """A dismissed question is proposed no more, until somebody asks for it again."""
    session, _ = await ended_session(world)
    world.answers.aloud[session] = [PRICE, LATER]
    host = await world.sign_in()
    for deed, there in (("dismiss", False), ("dismiss", False), ("restore", True)):
        async with await host.post(f"/host/s/{session}/aloud/{deed}", start_ms="20000") as answer:
            assert answer.status == 303
        async with await host.get(f"/host/s/{session}/aloud") as page:
            text = await page.text()
        assert ('id="at-20000"' in text) is there
        assert ('id="dismissed"' in text) is not there
        assert 'id="at-40000"' in text
    await host.close()


async def test_what_is_gone_or_empty_is_said(world: World) -> None:
    """A question that is proposed no more, or one without words, is refused with what to do; nothing is kept."""
    session, _ = await ended_session(world)
    world.answers.aloud[session] = [PRICE]
    host = await world.sign_in()
    async with await host.post(f"/host/s/{session}/aloud/take", start_ms="99", text="Was?") as gone:
        assert gone.status == 404
        assert "nicht mehr vorgeschlagen" in await gone.text()
    async with await host.post(f"/host/s/{session}/aloud/take", start_ms="20000", text="  ") as empty:
        assert empty.status == 400
    kept = await world.hub.store.read(lambda db: questions.list_questions(db, session))
    assert not [one for one in kept if one.source == "aloud"]
    await host.close()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no playwright with Chromium on this machine")
async def test_taking_and_dismissing_in_a_browser(world: World) -> None:
    """On a phone or a desk, a host dismisses one question, takes the other, and reads what follows."""
    axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="axe is not installed")
    session, _ = await ended_session(world)
    world.answers.aloud[session] = [PRICE, LATER]
    async with open_browser() as browser:
        tab = await open_tab(browser)
        await sign_in(world, tab)
        for language, width in (("de", 390), ("en", 1280)):
            await tab.page.set_viewport_size({"width": width, "height": 900})
            await tab.page.goto(f"{world.url}/host/s/{session}/aloud?lang={language}")
            await tab.shoot(f"aloud-{width}-{language}")
            assert await tab.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            results = await axe.Axe().run(tab.page)
            assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in results.response["violations"]] == []
        await tab.page.locator("#at-40000").get_by_role("button", name="Dismiss").click()
        await async_api.expect(tab.page.locator("#dismissed")).to_contain_text("Und wann?")
        await tab.page.locator("#at-20000").get_by_role("textbox").fill("What does it cost?")
        await tab.page.locator("#at-20000").get_by_role("button", name="Take as a question").press("Enter")
        await async_api.expect(tab.page.locator("#said")).to_contain_text("It is a question now")
        assert tab.complaints == []
    kept = await world.hub.store.read(lambda db: questions.list_questions(db, session))
    assert "What does it cost?" in [one.text for one in kept]
