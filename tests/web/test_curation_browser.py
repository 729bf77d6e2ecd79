"""The console in a real browser: by keys, by touch, two hosts at once, offline and back; seen at three widths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from streamhub.questions.question import QuestionState
from streamhub.store import questions
from tests.web.browsing import CHROMIUM, Tab, async_api, open_browser, open_tab, sign_in

if TYPE_CHECKING:
    from streamhub.questions.question import Question
    from tests.web.conftest import World

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no playwright with Chromium on this machine"),
]
WAIT_MS = 20_000


def expect(locator: Any) -> Any:
    """An expectation with patience for a busy machine."""
    return async_api.expect(locator)


async def load(world: World, question_id: str) -> Question:
    return await world.hub.store.read(lambda db: questions.load_question(db, question_id))


async def ask_several(world: World, session: str, *texts: str) -> list[str]:
    ids = []
    for text in texts:
        world.clock.forward(seconds=1)
        ids.append(await world.ask(session, text))
    return ids


async def open_console(world: World, browser: Any, session: str, **options: Any) -> Tab:
    tab = await open_tab(browser, **options)
    tab.page.set_default_timeout(WAIT_MS)
    await sign_in(world, tab)
    await tab.page.goto(f"{world.url}/host/s/{session}")
    return tab


async def test_merge_edit_and_undo_by_keys(world: World) -> None:
    """Two questions are ticked and merged, a third is edited in the panel, and u takes each back, all by keys."""
    async_api.expect.set_options(timeout=WAIT_MS)
    session = await world.plan()
    first, second, third = await ask_several(world, session, "Was kostet es?", "Wie teuer ist es?", "wann kommts??")
    async with open_browser() as browser:
        tab = await open_console(world, browser, session)
        page = tab.page
        for key in ("j", "v", "j", "v"):
            await page.keyboard.press(key)
        await expect(page.locator("#chosen")).to_have_text("2 ausgewählt")
        await page.keyboard.press("m")
        await expect(page.locator("#inbox [data-item]")).to_have_count(2)
        await expect(page.locator(f"#q-{second}")).to_contain_text("2 Fragen in einer")
        await page.locator(f"#q-{third}").focus()
        await page.keyboard.press("e")
        await page.locator("#panel-text").fill("Wann kommt der Anschluss?")
        await page.get_by_role("button", name="so übernehmen").click()
        await expect(page.locator(f"#q-{third} .text").first).to_have_text("Wann kommt der Anschluss?")
        await expect(page.locator(f"#q-{third} .typed")).to_be_visible()
        await page.keyboard.press("u")
        await expect(page.locator(f"#q-{third} .text").first).to_have_text("wann kommts??")
        await page.keyboard.press("u")
        await expect(page.locator("#inbox [data-item]")).to_have_count(3)
        await page.locator("#happened > summary").click()
        await expect(page.locator("#happened .deed")).to_have_count(4)
        await page.keyboard.press("?")
        await expect(page.locator("#help")).to_be_visible()
        await tab.shoot("console-help-1280")
        await page.keyboard.press("Escape")
        await expect(page.locator("#help")).to_be_hidden()
        assert (await load(world, first)).merged_into == ""
        assert tab.complaints == []


async def test_drag_by_pointer_and_by_buttons(world: World) -> None:
    """A queued question is dragged to the top; buttons and capital keys move it as well; the order is the hub's."""
    async_api.expect.set_options(timeout=WAIT_MS)
    session = await world.plan()
    a, b, c = await ask_several(world, session, "Eins?", "Zwei?", "Drei?")
    for one in (a, b, c):
        await world.act(one, "queue")
    async with open_browser() as browser:
        tab = await open_console(world, browser, session)
        page = tab.page
        texts = page.locator("#queue [data-item] .line .text")
        await expect(texts).to_have_text(["Eins?", "Zwei?", "Drei?"])
        await page.locator(f"#q-{c} [data-handle]").hover()
        await page.mouse.down()  # from here on the board stands still
        handle = await page.locator(f"#q-{c} [data-handle]").bounding_box()
        top = await page.locator(f"#q-{a}").bounding_box()
        await page.mouse.move(handle["x"] + 5, top["y"] + 20, steps=8)
        await page.mouse.move(handle["x"] + 5, top["y"] + 4, steps=3)
        await page.mouse.up()
        await expect(texts).to_have_text(["Drei?", "Eins?", "Zwei?"])
        await page.locator(f"#q-{a}").get_by_role("button", name="tiefer").click()
        await expect(texts).to_have_text(["Drei?", "Zwei?", "Eins?"])
        await page.locator(f"#q-{a}").focus()
        await page.keyboard.press("K")
        await expect(texts).to_have_text(["Drei?", "Eins?", "Zwei?"])
        await page.reload()
        await expect(texts).to_have_text(["Drei?", "Eins?", "Zwei?"])
        assert tab.complaints == []


async def test_an_update_takes_no_button_from_under_a_press(world: World) -> None:
    """What others do while a host's finger is on a button waits until he lets go, so that his click counts."""
    async_api.expect.set_options(timeout=WAIT_MS)
    session = await world.plan()
    mine, other = await ask_several(world, session, "Eins?", "Zwei?")
    async with open_browser() as browser:
        page = (await open_console(world, browser, session)).page
        await page.locator(f"#q-{mine} [data-key=q]").hover()
        await page.mouse.down()
        async with page.expect_response(lambda response: "/board" in response.url) as fetched:
            await world.act(other, "queue")
        await (await fetched.value).finished()
        await page.wait_for_timeout(300)
        await expect(page.locator(f"#inbox #q-{other}")).to_be_attached()
        await page.mouse.up()
        await expect(page.locator("#queue [data-item]")).to_have_count(2)
        assert (await load(world, mine)).state is QuestionState.QUEUED


async def test_two_hosts_see_each_other_and_overwrite_nothing(world: World) -> None:
    """What one host does stands on the other's console; an edit of what was changed meanwhile is refused, and kept."""
    async_api.expect.set_options(timeout=WAIT_MS)
    session = await world.plan()
    (asked,) = await ask_several(world, session, "was kostets?")
    async with open_browser() as browser:
        one = await open_console(world, browser, session)
        other = await open_console(world, browser, session)
        await one.page.locator(f"#q-{asked}").focus()
        await one.page.keyboard.press("e")
        await one.page.locator("#panel-text").fill("Was kostet der Anschluss?")
        await other.page.locator(f"#q-{asked}").focus()
        await other.page.keyboard.press("s")
        await expect(one.page.locator(f"#q-{asked} .star")).to_be_attached()
        await one.page.get_by_role("button", name="so übernehmen").click()
        refusal = one.page.locator(".refusal")
        await expect(refusal).to_contain_text("inzwischen geändert")
        await expect(refusal.locator("textarea")).to_have_value("Was kostet der Anschluss?")
        assert (await load(world, asked)).text == "was kostets?"
        await one.shoot("console-refused-1280")
        await refusal.get_by_role("button", name="trotzdem tun").click()
        await expect(other.page.locator(f"#q-{asked} .text").first).to_contain_text("Was kostet der Anschluss?")
        await expect(refusal).to_have_count(0)


async def test_offline_and_back(world: World) -> None:
    """Without a connection deeds wait in sight, and are done once and in order when it is back."""
    async_api.expect.set_options(timeout=WAIT_MS)
    session = await world.plan(to="live")
    first, _ = await ask_several(world, session, "Eins?", "Zwei?")
    async with open_browser() as browser:
        tab = await open_console(world, browser, session)
        page = tab.page
        await expect(page.locator(f"#q-{first}")).to_be_visible()
        await page.context.set_offline(True)
        await page.locator(f"#q-{first}").focus()
        await page.keyboard.press("s")
        await page.keyboard.press("q")
        await page.locator("#bring-phone > summary").click()
        await page.locator("#bring-text").fill("Vom Telefon, mitten im Funkloch?")
        await page.get_by_role("button", name="Frage übernehmen").click()
        await expect(page.locator("#outbox li")).to_have_count(3)
        await expect(page.locator("#outbox")).to_contain_text("Vom Telefon, mitten im Funkloch?")
        await expect(page.locator(f"#q-{first}")).to_have_attribute("data-pending", "noch nicht gesendet")
        await tab.shoot("console-offline-1280")
        kept = await world.hub.store.read(lambda db: questions.list_questions(db, session))
        assert len(kept) == 2
        await page.context.set_offline(False)
        await expect(page.locator("#queue")).to_contain_text("Eins?")
        await expect(page.locator("#inbox")).to_contain_text("mitten im Funkloch?")
        await expect(page.locator("#outbox")).to_be_hidden()
        found = await load(world, first)
        assert (found.state, found.starred) == (QuestionState.QUEUED, True)
        changes = (await world.host("GET", f"/sessions/{session}/changes"))["changes"]
        assert [one["action"] for one in changes] == ["phone", "queue", "star"]


async def test_what_waits_survives_a_reload(world: World) -> None:
    """What could not be sent is still there after the page is loaded anew, and is done once and in order."""
    async_api.expect.set_options(timeout=WAIT_MS)
    session = await world.plan(to="live")
    (first,) = await ask_several(world, session, "Eins?")
    async with open_browser() as browser:
        tab = await open_console(world, browser, session)
        page = tab.page

        async def refuse(route: Any) -> None:
            await (route.abort() if route.request.method == "POST" else route.continue_())

        await page.route("**/questions/**", refuse)
        await page.locator(f"#q-{first}").focus()
        await page.keyboard.press("s")
        await page.keyboard.press("q")
        await expect(page.locator("#outbox li")).to_have_count(2)
        await page.reload()
        await expect(page.locator("#outbox li")).to_have_count(2)
        await expect(page.locator(f"#q-{first}")).to_have_attribute("data-pending", "noch nicht gesendet")
        assert (await load(world, first)).state is QuestionState.OPEN
        await page.unroute("**/questions/**", refuse)
        await expect(page.locator("#queue")).to_contain_text("Eins?")
        await expect(page.locator("#outbox")).to_be_hidden()
        await page.reload()
        await expect(page.locator("#queue")).to_contain_text("Eins?")
        found = await load(world, first)
        assert (found.state, found.starred) == (QuestionState.QUEUED, True)
        changes = (await world.host("GET", f"/sessions/{session}/changes"))["changes"]
        assert [one["action"] for one in changes] == ["queue", "star"]


async def test_answers_stay_unfolded_while_a_host_decides(world: World) -> None:
    """Whoever shows one answer and accepts the next still sees both, wherever the question stands afterwards."""
    async_api.expect.set_options(timeout=WAIT_MS)
    session = await world.plan()
    asked, gone = await ask_several(world, session, "Welcher Knopf?", "Weg damit?")
    await world.act(gone, "decline")
    for text in ("Der rote.", "Der blaue."):
        path = f"/api/v1/questions/{asked}/answers"
        async with world.client.post(path, json={"text": text}) as answer:
            assert answer.status == 201
    async with open_browser() as browser:
        tab = await open_console(world, browser, session)
        page = tab.page
        await page.locator("#behind > summary").click()
        fold = page.locator(f"#proposals-{asked}")
        await fold.locator("summary").first.click()
        await fold.get_by_role("button", name="daneben zeigen").first.click()
        await expect(fold.locator(".proposal.also")).to_be_visible()
        await fold.get_by_role("button", name="als Antwort annehmen").last.click()
        await expect(page.locator(f"#behind #proposals-{asked} .proposal.accepted")).to_be_visible()
        await expect(fold.locator(".proposal.also")).to_be_visible()
        assert tab.complaints == []


async def test_an_answer_that_got_lost_is_not_done_twice(world: World) -> None:
    """The hub does a deed and its answer never arrives: it is sent again, and the queue moves once only."""
    async_api.expect.set_options(timeout=WAIT_MS)
    session = await world.plan()
    a, b, c = await ask_several(world, session, "Eins?", "Zwei?", "Drei?")
    for one in (a, b, c):
        await world.act(one, "queue")
    lost: list[str] = []

    async def lose_first(route: Any) -> None:
        response = await route.fetch()
        if not lost:
            lost.append(route.request.url)
            await route.abort()
        else:
            await route.fulfill(response=response)

    async with open_browser() as browser:
        tab = await open_console(world, browser, session)
        await tab.page.route("**/up", lose_first)
        texts = tab.page.locator("#queue [data-item] .line .text")
        await expect(texts).to_have_text(["Eins?", "Zwei?", "Drei?"])
        await tab.page.locator(f"#q-{c}").get_by_role("button", name="höher").click()
        await expect(texts).to_have_text(["Eins?", "Drei?", "Zwei?"])
        await expect(tab.page.locator("#outbox")).to_be_hidden()
        await tab.page.wait_for_function(f"!localStorage.getItem('streamhub:{session}')?.includes('up')")
        await expect(texts).to_have_text(["Eins?", "Drei?", "Zwei?"])
        assert lost
        changes = (await world.host("GET", f"/sessions/{session}/changes"))["changes"]
        assert [one["action"] for one in changes].count("up") == 1


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (820, "light"), (1280, "light")])
@pytest.mark.parametrize("language", ["de", "en"])
async def test_console_fits_and_is_accessible(world: World, width: int, scheme: str, language: str) -> None:
    """Phone, tablet and desk, in both languages: console, panel and a question's page fit, and the rules hold."""
    axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="axe is not installed")
    session = await world.plan(to="live", title="Glasfaser und Verträge", language=language)
    ids = await ask_several(
        world, session, "Wie lange dauert es, bis Glasfaser liegt?", "Was tun bei Störungen?", "W" * 90, "Und Mieter?",
        "wann kommts??", "Wann kommt der Anschluss?", "Gilt das auch im Altbau?",
    )  # fmt: skip
    await world.act(ids[0], "on-air")
    await world.act(ids[1], "queue")
    await world.act(ids[6], "queue")
    await world.act(ids[2], "star")
    await world.act(ids[3], "hold")
    await world.act(ids[5], "tag", topics=["Glasfaser", "Termine"])
    await world.act(ids[4], "edit", text="Wann kommt es?", version=1)
    await world.act(ids[4], "merge", into=ids[5])
    await world.host("POST", f"/sessions/{session}/questions", text="Vom Telefon?", name="Frau Weber")
    async with open_browser() as browser:
        tab = await open_console(world, browser, session, width=width, color_scheme=scheme)
        for path, name in [
            (f"/host/s/{session}?lang={language}", "console"),
            (f"/host/s/{session}/q/{ids[5]}?lang={language}", "question"),
        ]:
            await tab.page.goto(f"{world.url}{path}")
            if name == "console":
                await tab.page.locator("#happened > summary").click()
            await tab.page.wait_for_timeout(300)
            await tab.shoot(f"curate-{name}-{width}-{language}")
            assert await tab.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
            results = await axe.Axe().run(tab.page)
            assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in results.response["violations"]] == []
        await tab.page.goto(f"{world.url}/host/s/{session}?lang={language}")
        await tab.page.locator(f"#q-{ids[5]} [data-panel]").click()
        await tab.page.locator("#panel-text").wait_for()
        await tab.shoot(f"curate-panel-{width}-{language}")
        results = await axe.Axe().run(tab.page)
        assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in results.response["violations"]] == []
        assert tab.complaints == []
