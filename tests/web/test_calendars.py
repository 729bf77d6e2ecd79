"""A person's own calendar, from the form to the warning: over real sockets, kept as busy times and nothing else."""

from __future__ import annotations

import asyncio
import base64
import logging
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from streamhub.calendar_access import CalendarAccess, seal_access, unseal_access
from streamhub.keepers.calendar_reading import CalendarReader
from streamhub.keepers.calendars import Calendars, CalendarsParts
from streamhub.questions.guarded import Guard
from streamhub.schedule.people import Person
from streamhub.schedule.show import Role
from streamhub.store import invitations, polls, shows
from streamhub.store import people as rows
from streamhub.web.links import make_me
from streamhub.web.rooms import plan_uid
from tests.fakes.calendars import CALENDAR, NINE, FakeCalendars, listing, place, serve_calendars
from tests.outbox.conftest import certificate  # noqa: F401

if TYPE_CHECKING:
    from tests.outbox.conftest import Certificate
    from tests.web.conftest import World

EVENING = (datetime(2027, 3, 2, 19, tzinfo=UTC), datetime(2027, 3, 2, 21, tzinfo=UTC))


@dataclass
class Desk:
    """Ada's page, a server of calendars, and the keeper that reads them."""

    world: World
    server: FakeCalendars
    keeper: Calendars
    me: str

    async def name(self, url: str = "", *, path: str = "", **fields: str) -> tuple[int, str]:
        data = {"address": url or self.server.url, "deed": "keep", **fields}
        async with self.world.client.post(path or f"{self.me}/calendar", data=data) as page:
            return page.status, await page.text()

    async def page(self) -> str:
        async with self.world.client.get(self.me) as page:
            return await page.text()

    async def busy(self) -> tuple[tuple[datetime, datetime], ...]:
        return (await self.world.hub.store.read(lambda db: rows.load_availability(db, "ada"))).busy

    async def problem(self) -> str:
        return (await self.world.hub.store.read(lambda db: rows.load_calendar(db, "ada"))).problem


def dump_data(db: Any) -> str:
    """Everything that is kept, as text."""
    return "\n".join(str(row) for name in db.table_names() for row in db.execute(f"select * from [{name}]").fetchall())


def make_keeper(world: World, **changes: Any) -> Calendars:
    guard = Guard(now=world.clock, private=True, timeout_s=20, max_bytes=2_000_000)
    reader = CalendarReader(guard=replace(guard, **changes))
    return Calendars(CalendarsParts(store=world.hub.store, reader=reader, secret=world.hub.secret, now=world.clock))


@pytest.fixture
async def desk(world: World) -> AsyncIterator[Desk]:
    person = Person(id="ada", name="Ada Weber", email="ada@example.org", zone="Europe/Berlin")
    await world.hub.store.write(lambda db: rows.save_person(db, person))
    async with serve_calendars() as server:
        yield Desk(world, server, make_keeper(world), f"/me/{make_me(world.hub.secret, 'ada', 1)}")


async def test_from_the_form_to_the_warning(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """A person names a calendar; its busy times warn hosts in invitations and polls; no title or address is kept."""
    caplog.set_level(logging.DEBUG)
    session_id = await desk.world.plan()
    status, text = await desk.name()
    assert status == 200
    assert "wird in wenigen Sekunden gelesen" in text
    assert await desk.keeper.sync() == 1
    assert await desk.busy() == (EVENING,)
    page = await desk.page()
    assert "Kalender bei 127.0.0.1" in page
    assert "1 belegte Zeit im nächsten halben Jahr" in page
    store, now = desk.world.hub.store, desk.world.clock()
    options = (datetime(2027, 3, 2, 19, 15, tzinfo=UTC), datetime(2027, 3, 3, 19, 15, tzinfo=UTC))
    poll = polls.Poll(
        session_id=session_id, options=options, people=("ada",), needed=1, made_at=now, ends_at=now + timedelta(hours=1)
    )
    await store.write(lambda db: polls.save_poll(db, poll))
    browser = await desk.world.sign_in()
    for path in (f"/host/s/{session_id}/invitations", f"/host/s/{session_id}/poll", desk.me):
        async with await browser.get(path) as answer:
            assert (await answer.text()).count("Achtung: laut Kalender belegt.") == 1, path
    async with await browser.get("/host/people/ada") as answer:
        assert desk.server.url not in await answer.text()
    await browser.close()
    assert desk.server.url not in page
    dumped = await store.read(dump_data)
    for secret in ("mondstein", desk.server.url):
        assert secret not in dumped
        assert secret not in caplog.text


async def test_it_is_read_again_and_what_was_read_last_stays(desk: Desk) -> None:
    """It is read every half hour; when it cannot be, the last good reading stays with its age and the reason."""
    await desk.name()
    await desk.keeper.sync()
    assert await desk.keeper.sync() == 0
    desk.server.status = 500
    desk.world.clock.forward(minutes=31)
    assert await desk.keeper.sync() == 1
    assert await desk.busy() == (EVENING,)
    page = await desk.page()
    assert "Der Server des Kalenders antwortet nicht." in page
    assert "Was zuletzt gelesen wurde, gilt weiter." in page
    assert "gelesen" in page
    desk.server.status = 410
    desk.world.clock.forward(minutes=31)
    await desk.keeper.sync()
    assert "Unter dieser Adresse ist nichts mehr." in await desk.page()
    desk.world.clock.forward(hours=1)
    assert await desk.keeper.sync() == 0, "what wants a person is looked at rarely"
    desk.world.clock.forward(hours=-9)
    assert await desk.keeper.sync() == 1, "also when the clock jumps back"
    desk.server.status, desk.server.body = 200, b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
    await desk.name()
    await desk.keeper.sync()
    assert (await desk.busy(), await desk.problem()) == ((), "")
    await desk.name(deed="forget")
    assert await desk.keeper.sync() == 0
    assert "Kalender bei" not in await desk.page()


async def test_the_hub_s_own_session_is_no_conflict(desk: Desk) -> None:
    """Who has accepted and so has the session in his calendar is not called busy because of it, named or as a table."""
    session_id = await desk.world.plan()
    store, hub = desk.world.hub.store, desk.world.hub
    one = await store.write(lambda db: invitations.invite(db, session_id, "ada", Role.EXPERT, at=hub.now(), author=""))
    session = await store.read(lambda db: shows.load_session(db, session_id))
    ends_at = session.starts_at + timedelta(minutes=session.planned_minutes)
    times = f"{session.starts_at:%Y%m%dT%H%M%SZ}", f"{ends_at:%Y%m%dT%H%M%SZ}"
    entry = f"BEGIN:VEVENT\nUID:{plan_uid(hub.secret, one)}\nDTSTART:{times[0]}\nDTEND:{times[1]}\nEND:VEVENT"
    table = f"BEGIN:VFREEBUSY\nFREEBUSY:{times[0]}/{times[1]}\nEND:VFREEBUSY"
    for inside in (entry, table):
        desk.server.body = f"BEGIN:VCALENDAR\n{inside}\nEND:VCALENDAR\n".encode()
        await desk.name()
        await desk.keeper.sync()
        assert (await desk.busy(), await desk.problem()) == ((), "")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"<!doctype html><title>Anmelden</title>", "no_calendar"),
        (b"", "no_calendar"),
        (NINE.replace("SUMMARY", "RRULE:FREQ=SECONDLY\nSUMMARY").encode(), "too_much"),
        (b"BEGIN:VCALENDAR\nX:" + b"x" * 2_100_000, "too_large"),
    ],
)
async def test_what_is_no_calendar(desk: Desk, body: bytes, problem: str) -> None:
    """A page, nothing, a bomb and something huge are each said in a sentence of their own, on both pages."""
    desk.server.body = body
    await desk.name()
    await desk.keeper.sync()
    assert await desk.problem() == problem
    assert "notice bad" in await desk.page()


async def test_slow_and_endless_servers(desk: Desk) -> None:
    """A server that never answers, and one that never stops, are given up; the other calendars are read meanwhile."""
    desk.keeper = make_keeper(desk.world, timeout_s=1.0)
    await desk.name()
    desk.server.slow = asyncio.Event()
    await desk.keeper.sync()
    assert await desk.problem() == "unreachable"
    desk.server.slow.set()
    desk.server.slow, desk.server.endless = None, True
    desk.keeper = make_keeper(desk.world, timeout_s=30.0)
    desk.world.clock.forward(hours=7)
    await desk.keeper.sync()
    assert await desk.problem() == "too_large"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/ada", "http://localhost:{port}/ada", "http://[::1]:{port}/ada", "http://2130706433:{port}/",
        "http://169.254.169.254/latest/meta-data", "http://10.0.0.1/cal.ics", "http://[::ffff:127.0.0.1]:{port}/ada",
    ],
)  # fmt: skip
async def test_private_networks_are_not_looked_into(desk: Desk, url: str) -> None:
    """However an address of a private network is written, nobody is asked there unless the operator allows it."""
    port = desk.server.url.rsplit(":", 1)[1].split("/")[0]
    desk.keeper = make_keeper(desk.world, private=False, timeout_s=5.0)
    await desk.name(url.format(port=port))
    await desk.keeper.sync()
    assert await desk.problem() == "private"
    assert desk.server.asked == []
    assert "Diese Adresse liegt in einem privaten Netz" in await desk.page()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"address": ""}, "Das ist keine Adresse eines Kalenders."),
        ({"address": "file:///etc/passwd"}, "Das ist keine Adresse eines Kalenders."),
        ({"address": "https://ada:mondstein@cal.example/x"}, "Das ist keine Adresse eines Kalenders."),
        ({"address": "http://cal.example/x", "user": "ada", "password": "p"}, "verschlüsselte Verbindung"),
        ({"address": "https://cal.example/x", "user": "ada"}, "Das Passwort fehlt."),
        ({"address": "https://cal.example/x", "user": "a:b", "password": "p"}, "Diese Anmeldung ist nicht brauchbar."),
        (
            {"address": "https://cal.example/x", "user": "a", "password": "p\r\nX: y"},
            "Diese Anmeldung ist nicht brauchbar.",
        ),
    ],
)
async def test_what_cannot_be_named(desk: Desk, fields: dict[str, str], said: str) -> None:
    """No address, a sign-in in the open and half of one are refused in words, and nothing typed comes back."""
    status, text = await desk.name(**{"url": "x", **fields})  # type: ignore[arg-type]
    assert status == 400
    assert said in text
    assert "mondstein" not in text
    assert ('value="https://cal.example/x"' in text) == (fields["address"] == "https://cal.example/x"), "it stays typed"
    assert await desk.keeper.sync() == 0


async def test_addresses_as_programs_copy_them(desk: Desk) -> None:
    """The webcal address that programs copy is a https one."""
    await desk.name("webcal://cal.example/x.ics")
    state = await desk.world.hub.store.read(lambda db: rows.load_calendar(db, "ada"))
    assert unseal_access(desk.world.hub.secret, state.access) == CalendarAccess(url="https://cal.example/x.ics")
    assert unseal_access(b"another secret" * 3, state.access) is None


async def test_a_calendar_that_was_changed_meanwhile(desk: Desk) -> None:
    """What was read of an old address says nothing about the new one."""
    await desk.name()
    (state,) = await desk.world.hub.store.read(rows.list_calendars)
    await desk.name(f"{desk.server.url}/other")
    assert not await desk.world.hub.store.write(lambda db: rows.save_busy(db, state, [EVENING]))
    assert await desk.busy() == ()


async def test_a_host_names_it_too(desk: Desk) -> None:
    """A host can name a person's calendar; the log knows that, and not which."""
    browser = await desk.world.sign_in()
    async with await browser.post("/host/people/ada/calendar", address=desk.server.url, deed="keep") as page:
        assert page.status == 303
    async with await browser.post("/host/people/ada/calendar", address="x y", deed="keep") as page:
        assert page.status == 400
    await desk.keeper.sync()
    async with await browser.get("/host/people/ada") as page:
        assert "1 belegte Zeit" in await page.text()
    await browser.close()
    logged = await desk.world.hub.store.read(
        lambda db: db.execute("select details from log where action = 'person.calendar'").fetchall()
    )
    assert logged == [("{}",)]


# With a sign-in.


@pytest.fixture
async def signed(world: World, certificate: Certificate) -> AsyncIterator[Desk]:  # noqa: F811
    """The same with TLS, trusted by the keeper."""
    person = Person(id="ada", name="Ada Weber", email="ada@example.org", zone="Europe/Berlin")
    await world.hub.store.write(lambda db: rows.save_person(db, person))
    trust = ssl.create_default_context(cafile=str(certificate.file))
    async with serve_calendars(tls=certificate.context) as server:
        yield Desk(world, server, make_keeper(world, trust=trust), f"/me/{make_me(world.hub.secret, 'ada', 1)}")


TABLE = b"BEGIN:VCALENDAR\r\nBEGIN:VFREEBUSY\r\nFREEBUSY:20270302T190000Z/PT2H\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n"
LIST = (
    '<?xml version="1.0"?><multistatus xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
    "<response><href>/1.ics</href>"
    f"<propstat><prop><C:calendar-data><![CDATA[{NINE}]]></C:calendar-data></prop></propstat></response></multistatus>"
).encode()
SIGN_IN = {"user": "ada", "password": "pässwort mondstein"}


@pytest.mark.parametrize(
    "reports",
    [
        {"calendar-query": (207, LIST)},
        {"calendar-query": (403, b""), "free-busy-query": (200, TABLE)},
        {"calendar-query": (200, b"<html>"), "free-busy-query": (200, TABLE)},
        {},
    ],
)
async def test_servers_of_every_kind(signed: Desk, reports: dict[str, tuple[int, bytes]]) -> None:
    """A server is asked for entries, else for busy times, else its calendar is fetched; the sign-in goes along."""
    signed.server.reports = reports
    signed.server.places = {"/ada": listing(place("/ada", CALENDAR))} if reports else {}
    await signed.name(**SIGN_IN)
    await signed.keeper.sync()
    assert (await signed.busy(), await signed.problem()) == ((EVENING,), "")
    expected = "Basic " + base64.b64encode("ada:pässwort mondstein".encode()).decode()
    assert set(signed.server.signs) == {expected}


async def test_calendars_are_found_from_where_a_server_begins(signed: Desk) -> None:
    """From the address of a server or person all calendars that make him busy are found, and none on another server."""
    home = "<C:calendar-home-set><D:href>/home/</D:href></C:calendar-home-set>"
    free = "<C:schedule-calendar-transp><C:transparent/></C:schedule-calendar-transp>"
    tasks = '<C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set>'
    signed.server.places = {
        "/ada": listing(place("/ada", "<D:current-user-principal><D:href>/p/ada</D:href></D:current-user-principal>")),
        "/p/ada": listing(place("/p/ada", home)),
        "/home/": listing(
            place("/home/", "<D:resourcetype><D:collection/></D:resourcetype>"),
            place("/home/work/", CALENDAR),
            place("/home/birthdays/", CALENDAR + free),
            place("/home/tasks/", CALENDAR + tasks),
            place("https://evil.example/home/", CALENDAR),
        ),
    }
    signed.server.reports = {"calendar-query": (207, LIST)}
    await signed.name(**SIGN_IN)
    await signed.keeper.sync()
    assert (await signed.busy(), await signed.problem()) == ((EVENING,), "")
    assert [method for method, _ in signed.server.asked] == ["PROPFIND", "PROPFIND", "PROPFIND", "REPORT"]
    signed.server.places["/p/ada"] = listing(place("/p/ada", home.replace("/home/", "https://evil.example/home/")))
    signed.world.clock.forward(minutes=31)
    await signed.keeper.sync()
    assert (await signed.busy(), await signed.problem()) == ((EVENING,), "no_calendar")


async def test_a_password_stays_secret(signed: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """It is nowhere in the data, the log or a page, stays for the same sign-in, and is asked again for another one."""
    caplog.set_level(logging.DEBUG)
    await signed.name(**SIGN_IN)
    assert "mondstein" not in await signed.page()
    status, _ = await signed.name(user="ada")
    assert status == 200
    await signed.keeper.sync()
    assert await signed.busy() == (EVENING,)
    assert (await signed.name(user="eve"))[0] == 400
    dumped = await signed.world.hub.store.read(dump_data)
    assert "mondstein" not in dumped
    assert "mondstein" not in caplog.text
    assert "mondstein" not in repr(CalendarAccess(url="https://x.example", **SIGN_IN))


async def test_a_wrong_sign_in_is_tried_once(signed: Desk) -> None:
    """A server that refuses the sign-in is not asked three times in a row, which would look like an attack."""
    signed.server.places = {"/ada": listing(place("/ada", CALENDAR))}
    signed.server.reports = {"calendar-query": (401, b"")}
    await signed.name(**SIGN_IN)
    await signed.keeper.sync()
    assert await signed.problem() == "sign_in"
    assert [method for method, _ in signed.server.asked] == ["PROPFIND", "REPORT"]
    assert "nimmt diese Anmeldung nicht" in await signed.page()


async def test_a_sign_in_goes_nowhere_else(signed: Desk) -> None:
    """A server that sends the hub on to another one, or to an open connection, does not get the sign-in there."""
    async with serve_calendars() as other:
        await signed.name(**SIGN_IN)
        for target in (
            other.url,
            signed.server.url.replace("https", "http"),
            signed.server.url.replace("127.0.0.1", "localhost"),
        ):
            signed.server.redirect = target
            signed.world.clock.forward(hours=7)
            await signed.keeper.sync()
            assert await signed.problem() == "no_calendar"
        assert other.asked == []


async def test_a_certificate_that_nobody_vouches_for(signed: Desk) -> None:
    """Before a sign-in is sent the server shows a certificate that is to be trusted."""
    signed.keeper = make_keeper(signed.world)
    await signed.name(**SIGN_IN)
    await signed.keeper.sync()
    assert await signed.problem() == "not_trusted"
    assert signed.server.asked == []


class Quiet(WSGIRequestHandler):
    """Writes no line for each request."""

    def log_message(self, *arguments: Any) -> None:
        """Nothing."""


@contextmanager
def serve_radicale(folder: Path, tls: ssl.SSLContext) -> Iterator[str]:
    """A real CalDAV server of another project; yields its address."""
    from radicale import config
    from radicale.app import Application

    (folder / "users").write_text("ada:mondstein\n")
    settings = config.load()
    settings.update(
        {
            "auth": {
                "type": "htpasswd",
                "htpasswd_filename": str(folder / "users"),
                "htpasswd_encryption": "plain",
                "delay": "0",
            },
            "storage": {"filesystem_folder": str(folder / "collections")},
            "logging": {"level": "critical"},
        },
        "test",
        privileged=True,
    )
    server = make_server("127.0.0.1", 0, Application(settings), handler_class=Quiet)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_a_real_caldav_server(signed: Desk, certificate: Certificate, tmp_path: Path) -> None:  # noqa: F811
    """Radicale's answers are understood: a series in winter and summer, what is free, and a wrong password."""
    weekly = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t//EN\r\nBEGIN:VEVENT\r\nUID:w\r\nDTSTAMP:20270101T000000Z\r\n"
        "SUMMARY:Arzt mondstein\r\nDTSTART;TZID=Europe/Berlin:20270324T200000\r\nDURATION:PT1H\r\n"
        "RRULE:FREQ=WEEKLY;COUNT=2\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    free = weekly.replace("UID:w", "UID:f\r\nTRANSP:TRANSPARENT").replace("20270324", "20270310")
    trust = ssl.create_default_context(cafile=str(certificate.file))
    with serve_radicale(tmp_path, certificate.context) as root:
        url = f"{root}ada/work/"
        from aiohttp import ClientSession

        sign = {"Authorization": "Basic " + base64.b64encode(b"ada:mondstein").decode()}
        async with ClientSession(headers=sign) as session:
            async with session.request("MKCALENDAR", url, ssl=trust) as made:
                assert made.status == 201
            for name, text in (("w", weekly), ("f", free)):
                async with session.put(f"{url}{name}.ics", data=text.encode(), ssl=trust) as put:
                    assert put.status == 201
        for where in (url, root, f"{root}ada/"):
            await signed.name(where, user="ada", password="mondstein")
            await signed.keeper.sync()
            assert await signed.problem() == "", where
            assert [begin for begin, _ in await signed.busy()] == [
                datetime(2027, 3, 24, 19, tzinfo=UTC),
                datetime(2027, 3, 31, 18, tzinfo=UTC),
            ], where
        await signed.name(url, user="ada", password="falsch")
        await signed.keeper.sync()
        assert await signed.problem() == "sign_in"


def test_sealing() -> None:
    """The same access is never sealed to the same text, and what was changed on the way opens nothing."""
    access = CalendarAccess(url="https://cal.example/x", user="ada", password="p")
    sealed = seal_access(b"s" * 32, access)
    assert sealed != seal_access(b"s" * 32, access)
    assert unseal_access(b"s" * 32, sealed) == access
    assert unseal_access(b"s" * 32, sealed[:-2]) is None
    assert unseal_access(b"s" * 32, "ä") is None
