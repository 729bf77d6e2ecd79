"""The session in calendars: one entry for ever, with zone, alarms and the page's address."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from icalendar import Calendar

from streamhub.archive.agenda import plan_uid

if TYPE_CHECKING:
    from tests.web.conftest import MakeWorld, World


async def read_entry(world: World, session: str, language: str = "de") -> tuple[Calendar, Any]:
    async with world.client.get(f"/s/{session}/session.ics", headers={"Accept-Language": language}) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/calendar"
        assert f'filename="{session}.ics"' in answer.headers["Content-Disposition"]
        body = await answer.read()
    assert b"\r\n" in body
    assert max(len(line) for line in body.split(b"\r\n")) <= 75
    calendar = Calendar.from_ical(body)
    assert isinstance(calendar, Calendar)
    [event] = calendar.events
    return calendar, event


async def test_an_entry(make_world: MakeWorld) -> None:
    """Start and end stand in the host's zone, which the file explains; alarms come on the ladder of reminders."""
    world = await make_world(url="https://hub.example.org")
    session = await world.plan(title="Netz, Strom; und mehr")
    until = "2027-03-01T13:00:00Z"
    await world.host("POST", f"/sessions/{session}", call="Fotos, bitte!", call_until=until)
    calendar, event = await read_entry(world, session)
    assert event["summary"] == "Netz, Strom; und mehr – Runde"
    assert event.start.isoformat() == "2027-03-02T20:15:00+01:00"
    assert event["dtstart"].params["TZID"] == "Europe/Berlin"
    assert [str(zone["tzid"]) for zone in calendar.timezones] == ["Europe/Berlin"]
    assert event.end - event.start == timedelta(minutes=60)
    assert [alarm["trigger"].dt for alarm in event.walk("VALARM")] == [
        timedelta(days=-7),
        timedelta(days=-1),
        timedelta(hours=-1),
        timedelta(minutes=-5),
    ]
    assert event["url"] == f"https://hub.example.org/s/{session}"
    assert event["status"] == "CONFIRMED"
    assert "Fotos, bitte!" in event["description"]
    assert "Montag, 1. März 2027, 14:00" in event["description"]
    assert "can be sent in until" in (await read_entry(world, session, "en"))[1]["description"]


async def test_it_stays_the_same_entry(world: World) -> None:
    """Moved, renamed and cancelled it keeps its UID, its number rises, and calendars are told what happened."""
    session = await world.plan()
    _, first = await read_entry(world, session)
    await world.host("POST", f"/sessions/{session}", starts_at="2027-03-05T19:15:00Z", title="Neu")
    _, moved = await read_entry(world, session)
    await world.host("POST", f"/sessions/{session}/state", to="cancelled")
    _, gone = await read_entry(world, session)
    assert first["uid"] == moved["uid"] == gone["uid"] == plan_uid(f"s/{session}/")  # as in the archive's calendars
    assert first["sequence"] < moved["sequence"] < gone["sequence"]
    assert (moved.start - first.start) == timedelta(days=3)
    assert (gone["status"], len(gone.walk("VALARM"))) == ("CANCELLED", 0)
    assert "abgesagt" in gone["description"]


async def test_same_file_until_something_changes(world: World) -> None:
    """Looked at twice, the file is the same byte for byte, so that calendars see no change where there is none."""
    session = await world.plan()
    bodies = set()
    for _ in range(2):
        async with world.client.get(f"/s/{session}/session.ics") as answer:
            bodies.add(await answer.read())
        world.clock.forward(hours=5)
    assert len(bodies) == 1


async def test_sessions_never_share_an_entry(world: World) -> None:
    """Sessions have entries of their own, and drafts have none."""
    one, other = await world.plan(), await world.plan(title="Anderes")
    assert (await read_entry(world, one))[1]["uid"] != (await read_entry(world, other))[1]["uid"]
    draft = await world.plan(title="Entwurf", to="draft")
    async with world.client.get(f"/s/{draft}/session.ics") as answer:
        assert answer.status == 404


async def test_hostile_titles(world: World) -> None:
    """A title cannot add a line to the file."""
    session = await world.plan(title="a\r\nATTENDEE:mailto:x@evil.example\\n;,")
    calendar, event = await read_entry(world, session)
    assert "attendee" not in event
    assert "ATTENDEE" in event["summary"]
    assert len(calendar.events) == 1
