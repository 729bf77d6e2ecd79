"""What came back and whose calendar is read, in a real browser: on a phone and a desk, in both languages, by night."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from streamhub.calendar_access import CalendarAccess, seal_access
from streamhub.outbox.mail import Mail, MailState
from streamhub.questions.notice import Returned
from streamhub.schedule.calendar_reply import Weight
from streamhub.schedule.invitation import Reply
from streamhub.schedule.people import Person
from streamhub.schedule.show import Role
from streamhub.store import invitations, mails, notices, people
from streamhub.store.people import CalendarState
from streamhub.web.links import make_me
from tests.web.browsing import CHROMIUM, HOSTILE, open_browser, open_tab, sign_in

if TYPE_CHECKING:
    from tests.web.conftest import World

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no browser"),
    pytest.mark.timeout(240),
]


async def fill(world: World) -> tuple[str, str]:
    """A guest whose answers came by calendar, whose mail came back and whose calendar cannot be read."""
    session_id, now = await world.plan(title="Netz"), world.clock()
    access = CalendarAccess(url=f"https://{'kalender.' * 9}example/x", user="ada", password="p")

    def save(db: Any) -> None:
        people.save_person(db, Person(id="ada", name="Ada Weber", email="ada@example.org"))
        invitations.invite(db, session_id, "ada", Role.EXPERT, at=now, author="")
        for number, weight in enumerate((Weight.COUNTERED, Weight.OTHER, Weight.DELEGATED, Weight.STALE)):
            kept = notices.KeptReply(
                ref=str(number),
                session_id=session_id,
                person_id="ada",
                at=now + timedelta(minutes=number),
                weight=weight,
                reply=Reply.TENTATIVE,
                proposed_at=datetime(2027, 3, 4, 17, 30, tzinfo=UTC) if weight is Weight.COUNTERED else None,
                comment=HOSTILE if weight is Weight.COUNTERED else "",
            )
            notices.keep_reply(db, kept)
        mail = Mail(
            id="abc",
            kind="invitation",
            object=session_id,
            recipient="ada@example.org",
            language="de",
            subject="Einladung: Netz",
            body="Guten Tag",
            state=MailState.SENT,
            made_at=now,
            sent_at=now,
            message_id="abc@x.example",
        )
        mails.put_mail(db, mail)
        notices.keep_returned(db, "r", Returned(message_id="abc@x.example", status="5.1.1"), at=now)
        people.save_calendar(db, "ada", seal_access(world.hub.secret, access))
        (state,) = people.list_calendars(db)
        read = CalendarState(person_id="ada", access=state.access, read_at=now, good_at=now)
        people.save_busy(db, read, [(now, now + timedelta(hours=1))])
        people.save_busy(db, replace(read, problem="no_calendar", read_at=now + timedelta(hours=1)), None)

    await world.hub.store.write(save)
    return session_id, f"/me/{make_me(world.hub.secret, 'ada', 1)}"


@pytest.mark.parametrize(("width", "look"), [(390, "light"), (1280, "light"), (390, "dark")])
async def test_pages_fit_and_complain_of_nothing(world: World, width: int, look: str) -> None:
    """No page is wider than its screen, breaks a policy, or lets what a stranger's calendar wrote act."""
    session_id, me = await fill(world)
    paths = {
        "invitations": f"/host/s/{session_id}/invitations",
        "person": "/host/people/ada",
        "me": me,
        "returned": "/host/outbox?box=returned",
        "mail": "/host/outbox/abc",
    }
    async with open_browser() as browser:
        tab = await open_tab(browser, width=width, color_scheme=look)
        await sign_in(world, tab)
        for language in ("de", "en"):
            for name, path in paths.items():
                await tab.page.goto(f"{world.url}{path}{'&' if '?' in path else '?'}lang={language}")
                await tab.shoot(f"replies-{name}-{language}-{width}-{look}")
                over = await tab.page.evaluate("document.documentElement.scrollWidth - innerWidth")
                assert over <= 0, (name, language)
        assert tab.complaints == []
        assert await tab.page.evaluate("window.hacked") is None


async def test_a_calendar_is_named_without_scripts(world: World) -> None:
    """On a phone, without JavaScript and by keyboard alone, a guest names his calendar and has it forgotten again."""
    _, me = await fill(world)
    async with open_browser() as browser:
        tab = await open_tab(browser, width=390, java_script_enabled=False)
        page = tab.page
        await page.goto(f"{world.url}{me}?lang=de")
        await page.get_by_role("button", name="Den Kalender vergessen").press("Enter")
        await page.wait_for_url("**said=calendar#said")
        await page.get_by_label("Adresse des Kalenders (iCal oder CalDAV)").fill("webcal://cal.example/ada.ics")
        await page.get_by_label("Adresse des Kalenders (iCal oder CalDAV)").press("Enter")
        await page.get_by_text("Kalender bei cal.example").wait_for()
        assert "ada.ics" not in await page.content()
