"""From a fresh hub to a confirmed and moved session through its pages alone: a real hub, mail server and browser.

What each page does in detail is tested beside it; here the whole has to stay whole, as a new host meets it.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import vobject

from tests.outbox.conftest import Postbox, serve_mail
from tests.web.browsing import CHROMIUM, Tab, open_browser, open_tab

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no browser"),
    pytest.mark.timeout(300),
]

WAIT_S = 40.0
HUB = "runde@nordwerk.example"


@dataclass
class Walk:
    """A running hub, its mail server, and the host's tab.

    Attributes:
        url: of the hub.
        box: what its mail server took.
        tab: the host's.
        session: path of the session's console.
    """

    url: str
    box: Postbox
    tab: Tab
    session: str = ""

    async def see(self, path: str, text: str | re.Pattern[str]) -> None:
        """Open a page anew until something stands on it; keepers need a moment."""
        deadline = asyncio.get_running_loop().time() + WAIT_S
        while True:
            await self.tab.page.goto(f"{self.url}{path}")
            if await self.tab.page.get_by_text(text).count():
                return
            assert asyncio.get_running_loop().time() < deadline, (path, text, await self.said())
            await asyncio.sleep(0.5)

    async def press(self, name: str | re.Pattern[str], *, within: Any = None) -> None:
        """Press a button, and wait for the page that answers."""
        async with self.tab.page.expect_navigation():
            await (within or self.tab.page).get_by_role("button", name=name, exact=isinstance(name, str)).click()

    async def said(self) -> str:
        return str(await self.tab.page.locator("main").inner_text())

    async def send(self, count: int, subject: str) -> list[Any]:
        """Send so many drafts by the outbox; returns the letters whose subject begins so, once they are all there."""
        before = len(self.box.letters)
        await self.see("/host/outbox", re.compile(rf"^{count} Entw(urf|ürfe) senden$"))
        await self.press(re.compile("senden$"))
        deadline = asyncio.get_running_loop().time() + WAIT_S
        while len(self.box.letters) < before + count:
            assert asyncio.get_running_loop().time() < deadline, [one["Subject"] for one in self.box.letters]
            await asyncio.sleep(0.2)
        fresh = self.box.letters[before:]
        assert all(one["Subject"].startswith(subject) for one in fresh), [one["Subject"] for one in fresh]
        return fresh


@asynccontextmanager
async def serve_hub(folder: Path, box: Postbox) -> AsyncIterator[tuple[str, str]]:
    """A fresh hub as the README makes it, in a process of its own; its address and the host's link."""
    with socket.create_server(("127.0.0.1", 0)) as free:  # mails name the address, so it is chosen before
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    env = {
        **os.environ,
        "STREAMHUB_HUB_PORT": str(port),
        "STREAMHUB_HUB_URL": url,
        "STREAMHUB_LIVE_RTMP_PORT": "0",
        "STREAMHUB_TRANSCRIPT_MODEL": "rehearsal",
        "STREAMHUB_MAIL_HOST": "127.0.0.1",
        "STREAMHUB_MAIL_PORT": str(box.port),
        "STREAMHUB_MAIL_SECURITY": "none",
        "STREAMHUB_MAIL_FROM_ADDRESS": HUB,
    }
    command = [sys.executable, "-m", "streamhub"]
    made = await asyncio.create_subprocess_exec(*command, "init", str(folder), env=env, stdout=asyncio.subprocess.PIPE)
    await made.communicate()
    assert made.returncode == 0
    serve = [*command, "serve", "-w", str(folder)]
    hub = await asyncio.create_subprocess_exec(*serve, env=env, stdout=asyncio.subprocess.PIPE, stderr=2)
    assert hub.stdout is not None
    link = ""
    while line := (await hub.stdout.readline()).decode():
        link = line.split()[1] if line.startswith("host ") else link
        if line.startswith("stop with"):
            break
    drain = asyncio.create_task(hub.stdout.read())
    try:
        assert link, "the hub did not start"
        yield url, link
    finally:
        hub.terminate()
        await hub.wait()
        await drain


def entry_of(letter: Any) -> Any:
    """The calendar entry of a letter, as a parser of somebody else's reads it."""
    (part,) = [one for one in letter.walk() if one.get_content_type() == "text/calendar"]
    return vobject.readOne(part.get_content())


def page_of(letter: Any) -> str:
    """The reader's own page."""
    found = re.search(r"http://\S+/me/[\w.-]+", letter.get_body(("plain",)).get_content())
    assert found
    return found[0]


def letter_to(letters: list[Any], name: str) -> Any:
    (found,) = [one for one in letters if one["To"].startswith(name)]
    return found


async def answer(browser: Any, page_url: str, session: str, *, scripts: bool) -> None:
    """A guest consents to everything and accepts, behind his link, on a phone."""
    tab = await open_tab(browser, width=390, java_script_enabled=scripts)
    await tab.page.goto(page_url)
    dates = tab.page.locator(f"#s-{session.rpartition('/')[2]}")
    for purpose in ("live", "recording", "transcript", "clips", "name"):
        await dates.locator(f'input[name="for_{purpose}"][value="yes"]').check()
    await dates.get_by_role("button", name="Zusagen").click()
    await tab.page.wait_for_url("**said=answered**")
    await tab.shoot(f"walk-guest-{'scripts' if scripts else 'plain'}")
    if scripts:
        await paint(tab)
    assert tab.complaints == []
    await tab.page.context.close()


async def paint(tab: Tab) -> None:
    """Paint some hours of a week by dragging, and keep them."""
    week = tab.page.locator("table.week")
    await tab.page.evaluate("document.querySelector('table.week').scrollIntoView({block: 'center'})")
    for number, name in enumerate(["h0-14", "h1-14", "h1-15", "h0-15"]):
        await week.locator(f"input[name={name}]").hover(force=True)
        if not number:
            await tab.page.mouse.down()
    await tab.page.mouse.up()
    assert await week.locator("input:checked").count() == 4
    await tab.page.get_by_role("button", name="Woche speichern").click()
    await tab.page.wait_for_url("**said=week**")
    assert await week.locator("input:checked").count() == 4


async def begin(walk: Walk, link: str) -> None:
    """Sign in, make a show, and a series of it by a rule of which one date is moved and one cancelled."""
    page = walk.tab.page
    await page.goto(link)
    await page.get_by_label("Ihr Name").fill("Jana")
    await walk.press("Anmelden")
    assert "So geht es los" in await walk.said()
    await page.locator("#show-name").fill("Netzfragen")
    await page.locator("#show-about").fill("Kunden fragen, Fachleute antworten.")
    await walk.press("Sendereihe anlegen")
    await page.get_by_role("link", name="Termine").click()
    first_day = datetime.fromisoformat(await page.locator("#series-first").input_value()) + timedelta(days=9)
    await page.locator("#series-first").fill(f"{first_day:%F}")  # later than any reminder, whenever the test runs
    await page.get_by_label("Mittwoch").check()
    await page.locator("#series-at").fill("20:15")
    await page.locator("#series-region").fill("Nordrhein-Westfalen")
    await page.get_by_label("August", exact=True).check()
    await walk.press("Termine zeigen")
    assert "Noch ist nichts gespeichert." in await walk.said()
    await walk.press("Speichern")
    dates = page.locator("#dates tbody tr", has_text="findet statt")
    await dates.nth(2).locator("summary").click()
    await walk.press("Diesen Termin absagen", within=dates.nth(2))
    await dates.nth(1).locator("summary").click()
    day = await dates.nth(1).locator('input[name="day"]').get_attribute("value")
    await dates.nth(1).locator('input[name="to"]').fill(f"{datetime.fromisoformat(day) + timedelta(days=1):%F}T18:00")
    await walk.press("Diesen Termin verschieben", within=dates.nth(1))
    said = await walk.said()
    assert "verschoben" in said
    assert "abgesagt" in said
    await walk.tab.shoot("walk-series")
    walk.session = str(await dates.first.get_by_role("link").get_attribute("href"))


async def ask_in(walk: Walk) -> None:
    """Enter an expert and a customer with her question, and invite both."""
    page = walk.tab.page
    for fields in (
        {"name": "Ada Weber", "email": "ada@example.org", "topics": "Router"},
        {"name": "Kim Kundig", "email": "kim@example.org", "question": "Warum blinkt mein Router?"},
    ):
        await page.goto(f"{walk.url}/host/people")
        for name, value in fields.items():
            await page.locator(f"#person-{name}").fill(value)
        await page.locator("#person-role").select_option("customer" if "question" in fields else "expert")
        await walk.press("Hinzufügen")
    await page.goto(f"{walk.url}{walk.session}")
    await page.get_by_role("link", name="Einladungen").click()
    for name in ("Ada Weber", "Kim Kundig"):
        await page.get_by_role("checkbox", name=name).check()
    await walk.press("Einladen")
    await walk.tab.shoot("walk-invited")


async def confirm(walk: Walk) -> None:
    """Confirm everybody who accepted."""
    await walk.tab.page.goto(f"{walk.url}{walk.session}/invitations")
    for name in ("Ada Weber", "Kim Kundig"):
        await walk.press("Bestätigen", within=walk.tab.page.locator(".item", has_text=name))
    assert (await walk.said()).count("bestätigt\n") >= 2


async def move(walk: Walk) -> str:
    """Move the session by a day; returns its new day as people read it."""
    page = walk.tab.page
    await page.goto(f"{walk.url}{walk.session}/change")
    before = datetime.fromisoformat(await page.locator("#change-start").input_value())
    await page.locator("#change-start").fill("2020-01-01T20:15")
    await walk.press("Speichern", within=page.locator("form", has=page.locator("#change-start")))
    assert "Dieser Termin liegt in der Vergangenheit." in await walk.said()
    after = before + timedelta(days=1)
    await page.locator("#change-start").fill(f"{after:%FT%R}")
    await walk.press("Speichern", within=page.locator("form", has=page.locator("#change-start")))
    assert f"{after.day}. " in await walk.said()
    return f"{after:%d.%m.%Y}"


async def test_from_a_fresh_hub_to_a_session_that_is_confirmed_and_moved(tmp_path: Path) -> None:
    """A new host plans, invites, confirms, announces and moves a session; guests answer; all hear of all, in order."""
    async with serve_mail(Postbox()) as box, serve_hub(tmp_path / "hub", box) as (url, link), open_browser() as browser:
        walk = Walk(url=url, box=box, tab=await open_tab(browser))
        await begin(walk, link)
        await ask_in(walk)
        asked = await walk.send(2, "Einladung: Netzfragen")
        to_ada, to_kim = letter_to(asked, "ada"), letter_to(asked, "kim")
        assert "Warum blinkt mein Router?" in to_kim.get_body(("plain",)).get_content()
        first = entry_of(to_ada)
        assert (first.method.value, first.vevent.status.value) == ("REQUEST", "TENTATIVE")
        await answer(browser, page_of(to_ada), walk.session, scripts=False)
        await answer(browser, page_of(to_kim), walk.session, scripts=True)
        await confirm(walk)
        confirmed = await walk.send(2, "Bestätigt: Netzfragen")
        assert entry_of(letter_to(confirmed, "ada")).vevent.status.value == "CONFIRMED"

        await walk.tab.page.goto(f"{url}{walk.session}")
        await walk.tab.page.get_by_role("button", name="Ankündigen").click()
        await walk.tab.page.locator("#board-head .badge", has_text="angekündigt").wait_for()
        public = walk.session.replace("/host/s/", "/s/")
        guest = await open_tab(browser, width=390)
        await guest.page.goto(f"{url}{public}")
        await guest.page.get_by_text("Ada Weber").wait_for()

        day = await move(walk)
        moved = await walk.send(2, f"Neuer Termin: Netzfragen, {day}")
        second = entry_of(letter_to(moved, "ada"))
        assert second.vevent.uid.value == first.vevent.uid.value
        assert int(second.vevent.sequence.value) > int(first.vevent.sequence.value)
        assert second.vevent.dtstart.value - first.vevent.dtstart.value == timedelta(days=1)
        await guest.page.reload()
        await guest.page.get_by_text("Bitte beachten Sie die neue Zeit.").wait_for()
        await guest.shoot("walk-public")

        await answer(browser, page_of(letter_to(moved, "ada")), walk.session, scripts=False)
        await answer(browser, page_of(letter_to(moved, "kim")), walk.session, scripts=False)
        await confirm(walk)
        last = await walk.send(2, "Bestätigt: Netzfragen")
        assert entry_of(letter_to(last, "kim")).vevent.dtstart.value == second.vevent.dtstart.value
        await walk.tab.page.goto(f"{url}/host")
        assert "So geht es los" not in await walk.said()
        assert [one for one in walk.tab.complaints if "400" not in one] == []
        assert guest.complaints == []
