"""Proposals by ear while a session runs: confirmed with marks, taken back, dismissed for good."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from streamhub.live.mark import MarkKind, Witness
from streamhub.questions.question import QuestionState
from streamhub.store import marks, questions, shows
from streamhub.timecode import ms_between
from tests.web.browsing import CHROMIUM, async_api, open_browser, open_tab, sign_in
from tests.web.test_captions import PATIENT_MS

if TYPE_CHECKING:
    from tests.web.conftest import Browser, World

NOTICE = "Wie lange ist die Kündigungsfrist beim Internetvertrag?"
MOVE = "Was kostet ein Umzug des Anschlusses?"
NEVER = "Gibt es den Router auch in Blau?"


async def heard_session(world: World) -> tuple[str, dict[str, str]]:
    """A live session in which the first question is on air and a queued one was read and answered since."""
    session = await world.plan(to="live")
    ids = {text: await world.ask(session, text) for text in (NOTICE, MOVE, NEVER)}
    world.clock.forward(seconds=10)
    await world.act(ids[NOTICE], "on-air")
    world.words.say(
        session,
        (0, "Guten Abend und herzlich willkommen."),
        (6, NOTICE),
        (12, "Der Vertrag läuft zwei Jahre."),
        (18, "Danach können Sie ihn jeden Monat kündigen."),
        (24, MOVE),
        (30, "Das macht siebzig Euro."),
        (36, "Ein Techniker kommt dafür zu Ihnen nach Hause."),
        (42, "Er bringt alles mit und schließt es an."),
        (48, "Danach läuft es wie vorher."),
    )
    return session, ids


async def board(host: Browser, session: str) -> str:
    """The console's board, as soon as a look at the newest words was taken."""
    text = ""
    for _ in range(2):  # the first one may be of the look before
        async with await host.get(f"/host/s/{session}/board") as page:
            text = await page.text()
        await asyncio.sleep(0.4)
    return text


async def test_a_yes_sets_marks_and_can_be_taken_back(world: World) -> None:
    """Confirmed, a question is answered with marks by ear where it was heard; taken back, all is as it was."""
    session, ids = await heard_session(world)
    host = await world.sign_in()
    text = await board(host, session)
    assert f'id="heard-{ids[MOVE]}"' in text
    assert f'id="heard-{ids[NEVER]}"' not in text
    assert f'id="heard-{ids[NOTICE]}"' not in text
    for _ in range(2):  # the second press is the same wish
        async with await host.post(f"/host/s/{session}/overheard/{ids[MOVE]}/yes") as done:
            assert done.status == 303
    zero = (await world.hub.store.read(lambda db: shows.load_session(db, session))).started_at
    assert zero is not None

    async def look() -> tuple[QuestionState, list[tuple[MarkKind, int]]]:
        question = await world.hub.store.read(lambda db: questions.load_question(db, ids[MOVE]))
        found = await world.hub.store.read(lambda db: marks.list_kept_marks(db, session, Witness.EAR))
        return question.state, [(mark.kind, ms_between(zero, mark.at)) for _, mark in found]

    assert await look() == (QuestionState.ANSWERED_LIVE, [(MarkKind.ON_AIR, 24_000), (MarkKind.DONE, 51_900)])
    assert f'id="heard-{ids[MOVE]}"' not in await board(host, session)
    async with await host.post(f"/host/s/{session}/overheard/{ids[MOVE]}/undo") as done:
        assert done.status == 303
    assert await look() == (QuestionState.OPEN, [])
    assert f'id="heard-{ids[MOVE]}"' in await board(host, session)
    await host.close()


async def test_a_no_stays_a_no(world: World) -> None:
    """What a host dismissed is proposed no more; a question of nobody's is refused."""
    session, ids = await heard_session(world)
    host = await world.sign_in()
    assert f'id="heard-{ids[MOVE]}"' in await board(host, session)
    async with await host.post(f"/host/s/{session}/overheard/{ids[MOVE]}/no") as done:
        assert done.status == 303
    assert f'id="heard-{ids[MOVE]}"' not in await board(host, session)
    async with await host.post(f"/host/s/{session}/overheard/{ids[NEVER]}/yes") as gone:
        assert gone.status == 404
    async with await host.post(f"/host/s/{session}/overheard/nobody/no") as gone:
        assert gone.status == 404
    await host.close()


async def test_the_question_on_air_seems_over(world: World) -> None:
    """Once another question is being answered, the one on air can be marked as done with one click, or is left."""
    session, ids = await heard_session(world)
    host = await world.sign_in()
    assert f'id="over-{ids[NOTICE]}"' in await board(host, session)
    async with await host.post(f"/host/s/{session}/overheard/{ids[NOTICE]}/not-over") as done:
        assert done.status == 303
    assert f'id="over-{ids[NOTICE]}"' not in await board(host, session)
    await host.close()


async def test_what_was_asked_aloud_is_taken_while_live(world: World) -> None:
    """A question that nobody submitted can be taken while the session runs; nothing is cut anew then."""
    session, _ = await heard_session(world)
    at = [(60, "Und noch etwas aus dem Saal: Wer bezahlt eigentlich die Leitung bis ins Haus?")]
    at += [(66 + 6 * n, f"Das ist je nach Ort verschieden, und zwar Fall {n}.") for n in range(14)]
    world.words.say(session, *at)
    host = await world.sign_in()
    await board(host, session)
    async with await host.get(f"/host/s/{session}/aloud") as page:
        text = await page.text()
    if 'name="start_ms" value="60' in text:
        start = text.partition('name="start_ms" value="')[2].partition('"')[0]
        form = {"start_ms": start, "text": "Wer bezahlt die Leitung?"}
        async with await host.post(f"/host/s/{session}/aloud/take", **form) as taken:
            assert taken.status == 303
        kept = await world.hub.store.read(lambda db: questions.list_questions(db, session))
        assert [one.state for one in kept if one.source == "aloud"] == [QuestionState.ANSWERED_LIVE]
    assert world.answers.recuts == []
    await host.close()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no playwright with Chromium on this machine")
@pytest.mark.parametrize("width", [390, 1280])
async def test_proposals_appear_by_themselves(world: World, width: int) -> None:
    """The console shows a proposal without being reloaded, and a click decides it."""
    session, ids = await heard_session(world)
    async with open_browser() as browser:
        tab = await open_tab(browser, width=width)
        await sign_in(world, tab)
        await tab.page.goto(f"{world.url}/host/s/{session}")
        place = tab.page.locator(f"#heard-{ids[MOVE]}")
        await async_api.expect(place).to_be_visible(timeout=PATIENT_MS)
        await tab.shoot(f"overheard-{width}-de")
        await place.get_by_role("button", name="Ja, beantwortet").click()
        await async_api.expect(place).to_have_count(0, timeout=PATIENT_MS)
        await async_api.expect(tab.page.locator("#overheard")).to_contain_text("als beantwortet markiert")
        await tab.page.locator(f"#over-{ids[NOTICE]}").get_by_role("button", name="erledigt").click()
        await async_api.expect(tab.page.locator(f"#over-{ids[NOTICE]}")).to_have_count(0, timeout=PATIENT_MS)
        assert tab.complaints == []
