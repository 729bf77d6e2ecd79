"""Dates and people in a real browser: on a phone's width and a desk's, in both languages, without JavaScript too."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from streamhub.schedule.event import Event, PreShow
from streamhub.schedule.invitation import ConsentWord, Purpose, Reply, Room
from streamhub.schedule.people import Person
from streamhub.schedule.poll import Poll, Suits
from streamhub.schedule.series import Series
from streamhub.schedule.show import Role
from streamhub.store import events, invitations, people, polls, rooms, series, shows, techchecks
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
    """A session with a series, an invitation and a poll; returns its id and the guest's own page."""
    session_id = await world.plan(title="Netz")
    now: datetime = world.clock()

    def save(db: Any) -> None:
        ada = Person(id="ada", name="Ada Weber", email="ada@example.org", topics=("Netz",), zone="America/New_York")
        people.save_person(db, ada)
        people.save_person(db, Person(id="eve", name=HOSTILE[:70], organisation="Sehr lange Organisation " * 4))
        rule = Series(
            show_id="runde",
            title="Netz",
            weekdays=frozenset({2}),
            at=time(20, 15),
            first_day=date(2027, 3, 1),
            region="DE",
        )
        series.save_series(db, rule)
        invitations.invite(db, session_id, "ada", Role.EXPERT, at=now, author="")
        event = Event(id="tage", show_id="runde", title=f"Netztage {HOSTILE}", about="Zwei Tage, viele Fragen. " * 9)
        events.save_event(db, event)
        before = shows.load_session(db, session_id)
        second = replace(before, id="2027-03-03-leitung", title="Die lange Leitung", starts_at=now + timedelta(days=3))
        same = replace(before, id="2027-03-02-zugleich", title="Zugleich " * 12)
        pre_show = replace(before, id="2027-03-01-vorab", title="Warm werden", starts_at=now + timedelta(days=1))
        for one in (second, same, pre_show):
            shows.save_session(db, one)
        for one in (before, second, same):
            events.put_session(db, "tage", one.id)
        events.save_pre_show(db, PreShow(session_id=pre_show.id, for_session=session_id))
        left = invitations.invite(db, session_id, "eve", Role.EXPERT, at=now, author="")
        gone = replace(left, reply=Reply.DECLINED, replied_at=now, left_at=now)
        invitations.save_invitation(db, gone)
        options = tuple(now + timedelta(days=n) for n in (9, 10, 11))
        polls.save_poll(
            db,
            Poll(
                session_id=session_id,
                options=options,
                people=("ada",),
                needed=1,
                made_at=now,
                ends_at=now + timedelta(days=5),
            ),
        )

    await world.hub.store.write(save)
    return session_id, f"/me/{make_me(world.hub.secret, 'ada', 1)}"


async def enliven(world: World, session_id: str) -> None:
    """A second guest who is confirmed and refuses some of it, a studio, and the first one's answer to the poll."""
    at = world.clock()

    def save(db: Any) -> None:
        bob = Person(id="bob", name="Bob Ölschläger-Zwieback", organisation="Netz AG", about="Leiter Netzbetrieb")
        people.save_person(db, bob)
        asked = invitations.invite(db, session_id, "bob", Role.EXPERT, at=at, author="")
        certain = replace(asked, reply=Reply.ACCEPTED, replied_at=at, confirmed_at=at)
        invitations.change_invitation(db, certain, "invitation.confirm", at=at, author="")
        said = {Purpose.LIVE: False, Purpose.RECORDING: True, Purpose.CLIPS: False}
        words = [ConsentWord(purpose=one, given=given, text_version="1", at=at) for one, given in said.items()]
        invitations.save_words(db, session_id, bob, words)
        techchecks.save_check(db, techchecks.TechCheck(person_id="bob", verdict=techchecks.Verdict.HELP, at=at))
        room = Room(
            session_id=session_id,
            url="https://vdo.ninja/?room={room}&push={key}&label={name}",
            view_url="https://vdo.ninja/?view={key}&solo&room={room}",
            instructions="Bitte Kopfhörer tragen.",
        )
        rooms.save_room(db, room)
        poll = polls.list_polls(db, person_id="ada", open_only=True)[0]
        suits = dict(zip(poll.options, (Suits.YES, Suits.IF_NEEDED, Suits.NO), strict=True))
        polls.save_answers(db, session_id, "ada", suits)

    await world.hub.store.write(save)


@pytest.mark.parametrize(("width", "look"), [(390, "light"), (1280, "light"), (390, "dark")])
async def test_pages_fit_and_complain_of_nothing(world: World, width: int, look: str) -> None:
    """No page of dates and people is wider than its screen, breaks a policy, or lets a hostile name act."""
    session_id, me = await fill(world)
    await enliven(world, session_id)
    bob = f"/me/{make_me(world.hub.secret, 'bob', 1)}"
    paths = {
        "series": "/host/shows/runde/series",
        "people": "/host/people",
        "person": "/host/people/ada",
        "invitations": f"/host/s/{session_id}/invitations",
        "poll": f"/host/s/{session_id}/poll",
        "me": me,
        "door": f"{bob}/s/{session_id}/studio",
        "check": f"{me}/check",
        "console": f"/host/s/{session_id}",
        "technique": f"/host/s/{session_id}/technique",
        "announcement": f"/host/s/{session_id}/announcement",
        "rundown": f"/host/s/{session_id}/rundown",
        "planner": "/host/planner",
        "outbox": "/host/outbox",
        "host": "/host",
        "events": "/host/events",
        "event-host": "/host/events/tage",
        "change": f"/host/s/{session_id}/change",
        "event": "/e/tage",
        "session": f"/s/{session_id}",
        "pre-show": "/s/2027-03-01-vorab",
        "home": "/",
    }
    async with open_browser() as browser:
        tab = await open_tab(browser, width=width, color_scheme=look)
        await sign_in(world, tab)
        for language in ("de", "en"):
            for name, path in paths.items():
                await tab.page.goto(f"{world.url}{path}?lang={language}")
                over = await tab.page.evaluate("document.documentElement.scrollWidth - innerWidth")
                await tab.shoot(f"dates-{name}-{language}-{width}-{look}")
                wide = (
                    "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth)"
                )
                culprits = await tab.page.evaluate(f"{wide}.slice(0, 5).map(e => e.outerHTML.slice(0, 120))")
                assert over <= 0, f"{name} {language}: {over} px too wide: {culprits}"
                assert await tab.page.evaluate("window.hacked") is None
        assert tab.complaints == []


async def test_a_guest_answers_without_scripts(world: World) -> None:
    """Without JavaScript a guest ticks a week by keyboard, accepts, consents and answers a poll."""
    session_id, me = await fill(world)
    async with open_browser() as browser:
        tab = await open_tab(browser, width=390, java_script_enabled=False)
        await tab.page.goto(f"{world.url}{me}?lang=de")
        await tab.page.get_by_label("Montag 9–10").focus()
        await tab.page.keyboard.press("Space")
        await tab.page.get_by_role("button", name="Woche speichern").press("Enter")
        await tab.page.wait_for_url("**said=week**")
        dates = tab.page.locator(f"#s-{session_id}")
        for purpose in ("live", "recording", "transcript", "clips", "name"):
            await dates.locator(f'input[name="for_{purpose}"][value="yes"]').check()
        await dates.get_by_role("button", name="Zusagen").click()
        await tab.page.wait_for_url("**said=answered**")
        poll = tab.page.locator(f"#poll-{session_id}")
        await poll.get_by_label("zur Not").first.check()
        await poll.get_by_role("button", name="Meine Antwort speichern").click()
        await tab.page.wait_for_url("**said=polled**")
    found = await world.hub.store.read(lambda db: people.load_availability(db, "ada"))
    assert found.hours == {(0, 9)}
    invitation = await world.hub.store.read(lambda db: invitations.load_invitation(db, session_id, "ada"))
    assert invitation.reply.value == "accepted"
    assert len(await world.hub.store.read(lambda db: invitations.list_words(db, session_id, "ada"))) == 5
    answers = await world.hub.store.read(lambda db: polls.list_answers(db, session_id))
    assert len(answers["ada"]) == 1


async def test_an_event_is_made_without_scripts_and_read_in_ones_own_time(world: World) -> None:
    """By keyboard and forms a host makes, fills and announces an event; a viewer elsewhere reads his own time."""
    await world.plan(title="Netz")
    async with open_browser() as browser:
        tab = await open_tab(browser, width=390, java_script_enabled=False)
        await sign_in(world, tab)
        await tab.page.goto(f"{world.url}/host/events?lang=de")
        await tab.page.get_by_label("Titel").fill("Netztage")
        await tab.page.get_by_role("button", name="Veranstaltung anlegen").press("Enter")
        await tab.page.wait_for_url("**/host/events/netztage**")
        await tab.page.locator("#add-session-title").fill("Eröffnung")
        await tab.page.locator("#add-start").fill("2027-03-10T18:00")
        await tab.page.get_by_role("button", name="Als Entwurf hinzufügen").click()
        await tab.page.wait_for_url("**said=add**")
        await tab.page.get_by_role("button", name="Alle Entwürfe ankündigen").click()
        await tab.page.wait_for_url("**said=announce**")
        elsewhere = await open_tab(browser, timezone_id="America/New_York")
        await elsewhere.page.goto(f"{world.url}/e/netztage?lang=de")
        line = elsewhere.page.locator("time[datetime]").first
        await elsewhere.page.get_by_text("bei Ihnen:").first.wait_for(timeout=40_000)
        text = await line.inner_text()
        assert "18:00" in text
        assert "12:00" in text
        assert elsewhere.complaints == []
