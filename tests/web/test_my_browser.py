"""My page, whether it helped, and the outbox in a real browser, at a phone's and a desk's width, in both languages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from streamhub.outbox.mail import Mail, MailState
from streamhub.store import mails
from tests.web.browsing import CHROMIUM, async_api, open_browser, open_tab, sign_in
from tests.web.test_my import Posting, answer, finish, put_mails, told

if TYPE_CHECKING:
    from tests.web.conftest import World

axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="axe is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no playwright with Chromium on this machine"),
]
QUESTION = "Warum bricht mein WLAN im Obergeschoss jeden Abend zusammen, obwohl der Router direkt darunter steht?"


async def check(tab: Any, name: str) -> None:
    """Nothing serious for axe, nothing wider than the screen, no complaint; and a picture for eyes."""
    found = await axe.Axe().run(tab.page)
    serious = [one["id"] for one in found.response["violations"] if one["impact"] in {"serious", "critical"}]
    assert serious == [], name
    assert await tab.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
    assert tab.complaints == [], name
    await tab.shoot(name)


@pytest.mark.parametrize(("width", "language"), [(390, "de"), (1280, "en")])
async def test_what_became_of_my_question(world: World, width: int, language: str) -> None:
    """One asks, finds it on the own page, says that it did not help, sees it asked anew, and takes it back, by keys."""
    session = await world.plan(title="WLAN ohne Aussetzer")
    de = language == "de"
    async with open_browser() as browser:
        tab = await open_tab(browser, width=width)
        page = tab.page
        await page.goto(f"{world.url}/s/{session}?lang={language}")
        asked = await page.evaluate(
            "async ([path, text]) => (await (await fetch(path, {method: 'POST', "
            "headers: {'Content-Type': 'application/json'}, body: JSON.stringify({text})})).json()).id",
            [f"/api/v1/sessions/{session}/questions", QUESTION],
        )
        await page.goto(f"{world.url}/my")
        await async_api.expect(page.get_by_role("heading", name=QUESTION)).to_be_visible()
        await check(tab, f"my-open-{width}-{language}")

        await answer(world, asked)
        await finish(world, session)
        await page.reload()
        await page.get_by_text("Hat es geholfen?" if de else "Did it help?").click()
        await page.get_by_label("nein" if de else "no", exact=True).check()
        await page.get_by_label("Was fehlt?" if de else "What is missing?", exact=False).fill(
            "Hilft nur bis Mitternacht."
        )
        await check(tab, f"my-answered-{width}-{language}")
        await page.get_by_role("button", name="Senden" if de else "Send", exact=True).press("Enter")
        again = "wieder auf der Liste" if de else "on the list again"
        await async_api.expect(page.get_by_role("status")).to_contain_text(again)
        await check(tab, f"my-reopened-{width}-{language}")

        await page.get_by_text("Diese Frage löschen" if de else "Erase this question").last.click()
        await page.get_by_role("checkbox", name="Ich bin sicher" if de else "I am sure").check()
        await page.get_by_role("button", name="Löschen" if de else "Erase it", exact=True).click()
        await async_api.expect(page.get_by_role("status")).to_be_visible()
        await async_api.expect(page.get_by_role("heading", name=QUESTION)).to_have_count(0)

        host = await open_tab(browser, width=width)
        await sign_in(world, host)
        await host.page.goto(f"{world.url}/host/s/{session}?lang={language}")
        assert QUESTION not in await host.page.content()


@pytest.mark.parametrize(("width", "language"), [(390, "en"), (1280, "de")])
async def test_from_the_mail_to_the_verdict_and_the_console(world: World, width: int, language: str) -> None:
    """The mail's link asks whether it helped; the host sees at the question's card what came before."""
    session = await world.plan(title="WLAN ohne Aussetzer")
    asked = await world.ask(session, QUESTION)
    await answer(world, asked)
    path = await told(world, asked)
    async with open_browser() as browser:
        tab = await open_tab(browser, width=width)
        await tab.page.goto(f"{world.url}{path}?lang={language}")
        await check(tab, f"helped-{width}-{language}")
        await tab.page.locator("input[value=no]").check()
        await tab.page.locator("textarea").fill("Nach dem Update fängt es von vorn an.")
        await tab.page.locator("button.primary").click()
        await async_api.expect(tab.page.get_by_role("status")).to_be_visible()
        await check(tab, f"helped-said-{width}-{language}")
        host = await open_tab(browser, width=width)
        await sign_in(world, host)
        await host.page.goto(f"{world.url}/host/s/{session}?lang={language}")
        await async_api.expect(host.page.locator(".history")).to_contain_text("Nach dem Update fängt es von vorn an.")
        await host.shoot(f"history-{width}-{language}")


@pytest.mark.parametrize(("width", "language"), [(390, "de"), (1280, "en")])
async def test_the_outbox(world: World, width: int, language: str) -> None:
    """A host reads the outbox, edits a draft and sends it."""
    object.__setattr__(world.hub, "post", Posting())
    await put_mails(world, MailState.DRAFT, MailState.DRAFT)
    failed = Mail(
        id="f0", kind="answered", object="q", recipient="bob@example.org", language="en", state=MailState.FAILED,
        subject="Your question was answered, 2 min 10 s", body="Hello", made_at=world.clock(),
        problem="mail server mail.example:587: refuses this mail (550); see whether the address is right",
    )  # fmt: skip
    await world.hub.store.write(lambda db: mails.put_mail(db, failed))
    async with open_browser() as browser:
        tab = await open_tab(browser, width=width)
        await sign_in(world, tab)
        await tab.page.goto(f"{world.url}/host/outbox?lang={language}")
        await check(tab, f"outbox-{width}-{language}")
        await tab.page.get_by_role("link", name="Betreff 0", exact=False).click()
        await tab.page.locator("details summary").click()
        await tab.page.locator("#mail-subject").fill("Neuer Betreff")
        await check(tab, f"mail-{width}-{language}")
        await tab.page.get_by_role("button", name="Text speichern" if language == "de" else "Keep the text").click()
        await async_api.expect(tab.page.get_by_role("heading", level=1)).to_have_text("Neuer Betreff")
        await tab.page.get_by_role("button", name="Absenden" if language == "de" else "Send it").click()
        await tab.page.wait_for_url("**/host/outbox")
        states = await world.hub.store.read(lambda db: mails.load_mail(db, "m0").state)
        assert states is MailState.QUEUED
