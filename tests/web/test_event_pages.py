"""Events in the browser and in calendars: made, filled, announced, moved, called off; and pre-shows with questions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import vobject
from icalendar import Calendar

from streamhub.keepers.inviter import Inviter, InviterParts
from streamhub.outbox.mail import MailState
from streamhub.schedule.people import Person
from streamhub.schedule.show import Role, SessionState
from streamhub.store import events as rows
from streamhub.store import invitations, mails, people, questions, shows
from streamhub.web.links import Links
from tests.web.browsing import HOSTILE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from streamhub.schedule.show import Session
    from tests.web.conftest import World


class Planned:
    """A host with an event of two days."""

    def __init__(self, world: World, browser: Any) -> None:
        self.world, self.browser = world, browser

    async def post(self, path: str, **fields: str) -> tuple[int, str]:
        async with await self.browser.post(path, **fields) as page:
            return page.status, await page.text() if page.status != 303 else page.headers["Location"]

    async def get(self, path: str) -> tuple[int, str]:
        async with self.world.client.get(path) as page:
            return page.status, await page.text()

    async def deed(self, deed: str, **fields: str) -> tuple[int, str]:
        return await self.post("/host/events/netztage", deed=deed, **fields)

    async def sessions(self) -> list[Session]:
        return await self.world.hub.store.read(lambda db: rows.list_event_sessions(db, "netztage"))


@pytest.fixture
async def planned(world: World) -> AsyncIterator[Planned]:
    await world.plan(title="Anderes")
    browser = await world.sign_in()
    one = Planned(world, browser)
    made = await one.post(
        "/host/events", show_id="runde", title="Netztage", about="Zwei Tage.", zone="Europe/Berlin", language="de"
    )
    assert made == (303, "/host/events/netztage?said=saved#said")
    for title, at in (
        ("Eröffnung", "2027-03-10T18:00"),
        ("Werkstatt", "2027-03-10T20:00"),
        ("Ende", "2027-03-11T18:00"),
    ):
        assert (await one.deed("add", title=title, starts_at=at, minutes="90"))[0] == 303
    yield one
    await browser.close()


async def calendar_of(planned: Planned) -> dict[str, Any]:
    _, text = await planned.get("/e/netztage/event.ics")
    assert len(vobject.readOne(text).contents["vevent"]) == len(Calendar.from_ical(text).walk("VEVENT"))
    return {str(one["summary"]).partition(" – ")[0]: one for one in Calendar.from_ical(text).walk("VEVENT")}


async def test_an_event_from_draft_to_public(planned: Planned) -> None:
    """Nobody sees it while all is draft; announced it has a page by day with the zone, and a calendar."""
    assert (await planned.get("/e/netztage"))[0] == 404
    assert (await planned.get("/e/netztage/event.ics"))[0] == 404
    assert {one.state for one in await planned.sessions()} == {SessionState.DRAFT}
    assert (await planned.deed("announce"))[0] == 303
    status, text = await planned.get("/e/netztage")
    assert status == 200
    assert text.count("<section") == 2
    assert "Mittwoch, 10. März 2027" in text
    assert "Donnerstag, 11. März 2027" in text
    assert "(MEZ, UTC+1, Europe/Berlin)" in text
    assert "data-local" in text
    assert "90 Minuten" in text
    entries = await calendar_of(planned)
    assert set(entries) == {"Eröffnung", "Werkstatt", "Ende"}
    session = (await planned.sessions())[0]
    _, alone = await planned.get(f"/s/{session.id}/session.ics")
    (same,) = Calendar.from_ical(alone).walk("VEVENT")
    assert (same["uid"], same["sequence"]) == (entries["Eröffnung"]["uid"], entries["Eröffnung"]["sequence"])
    assert len(same.walk("VALARM")) == 4
    assert 'href="/e/netztage"' in (await planned.get(f"/s/{session.id}"))[1]
    assert 'href="/e/netztage"' in (await planned.get("/"))[1]
    assert (await planned.deed("announce"))[0] == 409


async def test_moving_within_and_as_a_whole(planned: Planned) -> None:
    """One session is moved on the programme; all of it by days, at the same time of day over a change of clocks."""
    await planned.deed("announce")
    before = {one.id: one for one in await planned.sessions()}
    first = min(before.values(), key=lambda one: one.starts_at)
    numbers = await calendar_of(planned)
    path = f"/host/events/netztage/sessions/{first.id}"
    assert (await planned.post(path, starts_at="2027-03-10T17:30", minutes="60"))[0] == 303
    entries = await calendar_of(planned)
    assert entries["Eröffnung"].decoded("dtstart") == datetime(2027, 3, 10, 16, 30, tzinfo=UTC)
    assert entries["Eröffnung"]["sequence"] > numbers["Eröffnung"]["sequence"]
    assert entries["Ende"]["sequence"] == numbers["Ende"]["sequence"]
    assert (await planned.deed("shift", days="21"))[0] == 303
    moved = {one.id: one for one in await planned.sessions()}
    assert moved[first.id].starts_at == datetime(2027, 3, 31, 15, 30, tzinfo=UTC), "17:30 in summer time"
    others = [(moved[one].starts_at - before[one].starts_at) for one in before if one != first.id]
    assert set(others) == {timedelta(days=21) - timedelta(hours=1)}
    assert "Bitte beachten Sie die neue Zeit" in (await planned.get(f"/s/{first.id}"))[1]
    for days, sentence in (("", "um wie viele Tage"), ("viele", "um wie viele Tage"), ("-60", "Vergangenheit")):
        status, text = await planned.deed("shift", days=days)
        assert status == 400
        assert sentence in text
    assert {one.starts_at for one in await planned.sessions()} == {one.starts_at for one in moved.values()}


async def test_calling_all_of_it_off(planned: Planned) -> None:
    """Every session that has not begun is cancelled, guests hear of each of their dates once, and all say so."""
    await planned.deed("announce")
    first, second, _ = await planned.sessions()
    store = planned.world.hub.store

    def invite(db: Any) -> None:
        people.save_person(db, Person(id="ada", name="Ada", email="ada@example.org"))
        people.save_person(db, Person(id="bob", name="Bob", email="bob@example.org"))
        for one, who in ((first, "ada"), (second, "ada"), (second, "bob")):
            invitations.invite(db, one.id, who, Role.EXPERT, at=planned.world.clock(), author="")

    await store.write(invite)
    inviter = Inviter(
        InviterParts(
            store=store,
            links=Links(hub_url="https://hub.example.org", secret=planned.world.hub.secret),
            hub_name="Runde",
            address="hub@example.org",
            by_rule=False,
            secret=planned.world.hub.secret,
            now=planned.world.clock,
        )
    )
    assert await inviter.sync() == 3
    await store.write(lambda db: db.execute("update mails set state = 'sent', sent_at = made_at") and None)
    await planned.world.host("POST", f"/sessions/{first.id}/state", to="live")
    status, text = await planned.deed("cancel")
    assert status == 400
    assert "Bitte bestätigen Sie" in text
    assert (await planned.deed("cancel", sure="yes"))[0] == 303
    states = [one.state for one in await planned.sessions()]
    assert states == [SessionState.LIVE, SessionState.CANCELLED, SessionState.CANCELLED]
    assert await inviter.sync() == 2
    assert await inviter.sync() == 0
    fresh = await store.read(lambda db: mails.list_mails(db, states={MailState.DRAFT}))
    assert sorted((one.recipient, one.subject) for one in fresh) == [
        ("ada@example.org", "Abgesagt: Werkstatt"),
        ("bob@example.org", "Abgesagt: Werkstatt"),
    ]
    status, text = await planned.get("/e/netztage")
    assert status == 200
    assert "Diese Veranstaltung wurde abgesagt." in text
    entries = await calendar_of(planned)
    assert [str(entries[one]["status"]) for one in ("Werkstatt", "Ende")] == ["CANCELLED", "CANCELLED"]


async def test_sessions_come_and_go(planned: Planned) -> None:
    """A session that is planned already joins, one is taken out and stays planned; both at once is a warning."""
    other = next(one.id for one in await planned.world.hub.store.read(shows.list_sessions) if one.title == "Anderes")
    assert (await planned.deed("include", session_id=other))[0] == 303
    assert (await planned.deed("include", session_id="nirgends"))[0] == 400
    assert (await planned.get("/e/netztage"))[0] == 200, "it was announced already"
    assert (await planned.deed("exclude", session_id=other))[0] == 303
    assert (await planned.get(f"/s/{other}"))[0] == 200
    assert (await planned.deed("add", title="Gleichzeitig", starts_at="2027-03-10T18:30"))[0] == 303
    async with await planned.browser.get("/host/events/netztage") as page:
        assert "Zur selben Zeit: „Eröffnung“ und „Gleichzeitig“." in await page.text()


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize(
    ("fields", "german", "english"),
    [
        ({"starts_at": "2020-03-10T18:00"}, "Dieser Termin liegt in der Vergangenheit.", "This date is past."),
        ({"starts_at": "bald"}, "Das ist kein gültiger Zeitpunkt.", "This is no date and time."),
        ({"starts_at": "2027-03-28T02:30"}, "Die Uhr wird umgestellt", "the clock leaves it out"),
        ({"minutes": "0"}, "Diese Länge ist nicht möglich.", "This length cannot be."),
        ({"title": " "}, "Der Titel fehlt.", "The title is missing."),
    ],
    ids=str,
)
async def test_what_cannot_be(
    planned: Planned, fields: dict[str, str], german: str, english: str, language: str
) -> None:
    """What cannot be is refused with a sentence in the reader's language, what was typed stays, nothing is planned."""
    typed = {"title": HOSTILE, "starts_at": "2027-03-12T18:00", "minutes": "60", **fields}
    status, text = await planned.post(f"/host/events/netztage?lang={language}", deed="add", **typed)
    assert status == 400
    assert (german if language == "de" else english) in text
    assert "<script>window" not in text
    assert len(await planned.sessions()) == 3


async def test_events_that_cannot_be(planned: Planned) -> None:
    """No title, an unknown zone or an unknown show is told; an event of the same title gets an address of its own."""
    for wrong, told in (
        ({"title": ""}, "Der Titel fehlt."),
        ({"zone": "Berlin"}, "Die Zeitzone „Berlin“ ist unbekannt."),
        ({"show_id": "x"}, "Keine Sendereihe ist gewählt."),
    ):
        fields = {"show_id": "runde", "title": "Netztage", "zone": "Europe/Berlin", **wrong}
        status, text = await planned.post("/host/events", **fields)
        assert status == 400
        assert told in text
    assert (await planned.post("/host/events", show_id="runde", title="Netztage", zone="Europe/Berlin"))[1] == (
        "/host/events/netztage-2?said=saved#said"
    )
    assert (await planned.deed("save", title="Netzwoche", zone="Asia/Tokyo", language="en"))[0] == 303
    event = await planned.world.hub.store.read(lambda db: rows.load_event(db, "netztage"))
    assert (event.title, event.zone, event.language) == ("Netzwoche", "Asia/Tokyo", "en")


async def test_a_pre_show_hands_its_questions_on(planned: Planned) -> None:
    """Both pages link to each other, and what the pre-show leaves open is asked afterwards, whatever show."""
    world = planned.world
    await world.host("POST", "/shows", title="Vorher", carries_over=False)
    made = await world.host(
        "POST", "/sessions", show_id="vorher", title="Warm up", starts_at="2027-03-09T18:00:00+01:00"
    )
    pre_show = str(made["id"])
    await world.host("POST", f"/sessions/{pre_show}/state", to="open")
    last = (await planned.sessions())[-1].id
    assert (await planned.post(f"/host/s/{pre_show}/pre-show", goal=f"session:{last}"))[0] == 303
    assert "Vorabsendung. Danach" not in (await planned.get(f"/s/{pre_show}"))[1], "a draft is nobody's business"
    await planned.deed("announce")
    assert f'href="/s/{last}"' in (await planned.get(f"/s/{pre_show}"))[1]
    assert f'href="/s/{pre_show}"' in (await planned.get(f"/s/{last}"))[1]
    question = await world.ask(pre_show)
    await world.host("POST", f"/sessions/{pre_show}/state", to="cancelled")
    kept = await world.hub.store.read(lambda db: questions.load_question(db, question))
    assert kept.session_id == last
    status, _ = await planned.post(f"/host/s/{last}/pre-show", goal=f"session:{pre_show}")
    assert status == 409
    assert (await planned.post(f"/host/s/{pre_show}/pre-show", goal="session:nirgends"))[0] == 404
    assert (await planned.post(f"/host/s/{pre_show}/pre-show", goal=""))[0] == 303
    assert f'href="/s/{pre_show}"' not in (await planned.get(f"/s/{last}"))[1]


async def test_a_pre_show_of_an_event_waits_for_its_first_session(planned: Planned) -> None:
    """Its questions wait while the event is a draft and move to the first session once that is announced."""
    world = planned.world
    other = next(one.id for one in await world.hub.store.read(shows.list_sessions) if one.title == "Anderes")
    assert (await planned.post(f"/host/s/{other}/pre-show", goal="event:netztage"))[0] == 303
    question = await world.ask(other)
    await world.host("POST", f"/sessions/{other}/state", to="cancelled")
    assert (await world.hub.store.read(lambda db: questions.load_question(db, question))).session_id == other
    await planned.deed("announce")
    first = (await planned.sessions())[0].id
    assert (await world.hub.store.read(lambda db: questions.load_question(db, question))).session_id == first
    text = (await planned.get("/e/netztage"))[1]
    assert f'href="/s/{other}"' in text
    assert "(abgesagt)" in text
    assert 'href="/e/netztage"' in (await planned.get(f"/s/{other}"))[1]
