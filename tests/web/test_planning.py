"""Where viewers watch, and how a session is moved and renamed, by forms and by the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from streamhub.errors import BadInput
from streamhub.schedule.show import Participant, Privacy, Role, SessionState
from streamhub.store import log, shows
from streamhub.store.shows import step_session
from streamhub.web.access import AccessRole
from streamhub.web.forms import format_people, format_session_form, parse_change_form, parse_people

if TYPE_CHECKING:
    from streamhub.schedule.show import Session, Show
    from tests.web.conftest import World


async def load_show(world: World, show_id: str = "runde") -> Show:
    return await world.hub.store.read(lambda db: shows.load_show(db, show_id))


async def load_session(world: World, session_id: str) -> Session:
    return await world.hub.store.read(lambda db: shows.load_session(db, session_id))


async def test_a_show_chooses_its_platform(world: World) -> None:
    """The form offers the platforms that the hub has; what was chosen stands in the show, its list and its form."""
    browser = await world.sign_in()
    async with await browser.get("/host") as page:
        text = await page.text()
    assert "Wo sehen die Zuschauer zu?" in text
    assert "auf Tube &amp; Co, mit den Fragen hier" in text
    fields = {"title": "Draußen", "language": "de", "moderation": "after", "publishing": "review"}
    async with await browser.post("/host/shows", **fields, platform="tube", privacy="public", push="direct") as page:
        assert page.headers["Location"] == "/host#shows"
    show = await load_show(world, "draussen")
    assert (show.platform, show.privacy, show.direct) == ("tube", Privacy.PUBLIC, True)
    async with await browser.get("/host") as page:
        assert "Tube &amp; Co, öffentlich, direkt vom Encoder" in await page.text()
    async with await browser.get("/host/shows/draussen") as page:
        text = await page.text()
    for checked in ('value="tube" checked', 'value="direct" checked', 'value="public" selected'):
        assert checked in text
    async with await browser.post("/host/shows/draussen", **fields, platform="local", push="direct") as page:
        assert page.status == 303
    show = await load_show(world, "draussen")
    assert (show.platform, show.direct) == ("local", False), "without a platform there is nothing to push to directly"
    await browser.close()


async def test_a_hub_without_platforms_asks_nothing(world: World) -> None:
    """Where no platform is offered the forms do not speak of any."""
    world.platforms.offers = []
    await world.plan()
    browser = await world.sign_in()
    for path in ("/host", "/host/shows/runde"):
        async with await browser.get(path) as page:
            text = await page.text()
        assert 'name="platform"' not in text
        assert "Wo sehen die Zuschauer zu?" not in text
    async with await browser.post("/host/shows/runde", title="Andere", language="de") as page:
        assert page.status == 303
    assert (await load_show(world)).title == "Andere"
    await browser.close()


async def test_a_platform_that_went_away_stays_chosen(world: World) -> None:
    """A show keeps a platform that the hub has no more, and form and console say so; no other show can take it."""
    session = await world.plan(platform="tube")
    world.platforms.offers = []
    browser = await world.sign_in()
    async with await browser.get("/host/shows/runde") as page:
        assert "zurzeit nicht eingerichtet" in await page.text()
    async with await browser.get(f"/host/s/{session}") as page:
        assert "das auf diesem Hub nicht eingerichtet ist" in await page.text()
    async with await browser.post("/host/shows/runde", title="Runde", language="de", platform="tube") as page:
        assert page.status == 303
    async with await browser.post("/host/shows", title="Neu", language="de", platform="tube") as page:
        assert page.status == 400
        assert "data-error" in await page.text()
    await browser.close()


async def test_programs_choose_too_and_forget_nothing(world: World) -> None:
    """The API takes and shows platform, privacy and the way of the encoder; what it leaves out stays as it was."""
    made = await world.host("POST", "/shows", title="Runde", platform="tube", privacy="private", direct=True)
    assert (made["platform"], made["privacy"], made["direct"]) == ("tube", "private", True)
    kept = await world.host("POST", "/shows", title="Runde", about="Neu")
    assert (kept["platform"], kept["privacy"], kept["direct"]) == ("tube", "private", True)
    for wrong in ({"platform": "vhs"}, {"privacy": "secret"}, {"platform": "local", "direct": True}):
        async with world.client.post(
            "/api/v1/host/shows", json={"title": "R", **wrong}, headers=world.bearer
        ) as answer:
            assert answer.status == 400, wrong


async def test_a_show_on_stage_stays_where_it_is(world: World) -> None:
    """While one of its sessions is on stage a show keeps its platform; its words may change at any time."""
    session = await world.plan(to="live", platform="tube")
    browser = await world.sign_in()
    async with await browser.post("/host/shows/runde", title="Runde", language="de", platform="local") as page:
        assert page.status == 409
        assert "läuft oder probt gerade" in await page.text()
    async with await browser.post("/host/shows/runde", title="Runde zwei", language="de", platform="tube") as page:
        assert page.status == 303
    assert (await load_session(world, session)).state is SessionState.LIVE
    assert (await load_show(world)).title == "Runde zwei"
    await browser.close()


async def test_a_second_show_of_the_same_title_is_refused(world: World) -> None:
    """Making a show never changes one that is there; what was typed stays on the form."""
    await world.plan()
    browser = await world.sign_in()
    async with await browser.post("/host/shows", title="Runde", language="de", moderation="none", about="<b>") as page:
        assert page.status == 409
        text = await page.text()
    assert "gibt es schon" in text
    assert "&lt;b&gt;" in text
    assert (await load_show(world)).about == ""
    await browser.close()


async def test_a_session_is_moved_and_renamed(world: World) -> None:
    """The filled form moves, renames and re-casts a session; its id stays, the log keeps both, the platform wakes."""
    session = await world.plan()
    browser = await world.sign_in()
    async with await browser.get(f"/host/s/{session}/change") as page:
        text = await page.text()
    assert 'value="2027-03-02T20:15"' in text
    assert "Moderation: Jana Weber, Jana Weber" in text
    world.platforms.woken.clear()
    async with await browser.post(
        f"/host/s/{session}/change",
        title="Netz und Strom",
        starts_at="2027-07-05T09:30",
        zone="America/New_York",
        planned_minutes="90",
        people="host: Jana Weber\r\nOle Brandt, Netzplaner",
    ) as page:
        assert page.headers["Location"] == f"/host/s/{session}"
    after = await load_session(world, session)
    assert (after.id, after.title, after.planned_minutes) == (session, "Netz und Strom", 90)
    assert (after.starts_at, after.zone) == (datetime(2027, 7, 5, 13, 30, tzinfo=UTC), "America/New_York")
    assert [(one.name, one.role) for one in after.participants] == [
        ("Jana Weber", Role.HOST),
        ("Ole Brandt", Role.EXPERT),
    ]
    assert world.platforms.woken == [session]
    entry = (await world.hub.store.read(lambda db: log.list_actions(db, limit=1, object_id=session)))[0]
    assert (entry.action, entry.author) == ("session.change", "Jana")
    details: Any = entry.details
    assert (details["before"]["title"], details["after"]["title"]) == ("Netz", "Netz und Strom")
    assert details["after"]["participants"] == 2
    assert "Brandt" not in str(details), "of people the log keeps only how many they are"
    async with await browser.get(f"/s/{session}") as page:
        assert "Montag, 5. Juli 2027, 09:30" in await page.text()
    await browser.close()


async def test_untouched_fields_are_not_read_again(world: World) -> None:
    """Seconds of a start and commas in a name, which the form cannot show, survive a change of the title."""
    await world.plan()
    person = {"name": "Weber, Jana", "role": "host", "about": "Redaktion"}
    made = await world.host(
        "POST",
        "/sessions",
        show_id="runde",
        title="Genau",
        starts_at="2027-03-03T20:15:42+01:00",
        participants=[person],
    )
    session = await load_session(world, made["id"])
    body = parse_change_form(
        {**format_session_form(session), "title": "Ganz genau"}, session, say=str, now=world.clock()
    )
    assert (body.title, body.starts_at, body.zone, body.participants) == ("Ganz genau", None, None, None)
    browser = await world.sign_in()
    fields = {**format_session_form(session), "title": "Ganz genau"}
    async with await browser.post(f"/host/s/{session.id}/change", **fields) as page:
        assert page.status == 303
    after = await load_session(world, session.id)
    assert (after.starts_at, after.participants) == (session.starts_at, session.participants)
    await browser.close()


@pytest.mark.parametrize(
    ("language", "sentence"), [("de", "Die Sendung läuft schon"), ("en", "The session is on air or over")]
)
@pytest.mark.parametrize("state", ["live", "ended", "cancelled"])
async def test_a_session_on_air_is_changed_no_more(world: World, state: str, language: str, sentence: str) -> None:
    """Live, over or cancelled: the form and the API say in words that it is too late, and nothing changes."""
    session = await world.plan(to="cancelled" if state == "cancelled" else "live")
    if state == "ended":
        await world.host("POST", f"/sessions/{session}/state", to="ended")
    browser = await world.sign_in()
    async with await browser.post(f"/host/s/{session}/change?lang={language}", title="Zu spät") as page:
        assert page.status == 409
        assert sentence in await page.text()
    async with await browser.get(f"/host/s/{session}") as page:
        assert f"/host/s/{session}/change" not in await page.text()
    path = f"/api/v1/host/sessions/{session}"
    async with world.client.patch(path, json={"title": "Zu spät"}, headers=world.bearer) as answer:
        assert answer.status == 409
    assert (await load_session(world, session)).title == "Netz"
    await browser.close()


async def test_programs_change_only_what_they_name(world: World) -> None:
    """PATCH and POST change what the body names; a new zone alone moves no instant; an empty body changes nothing."""
    session = await world.plan()
    before = await load_session(world, session)
    for method in ("PATCH", "POST"):
        changed = await world.host(method, f"/sessions/{session}", title=f"Netz {method}", zone="Asia/Tokyo")
        assert (changed["id"], changed["title"]) == (session, f"Netz {method}")
    after = await load_session(world, session)
    assert (after.starts_at, after.participants, after.zone) == (before.starts_at, before.participants, "Asia/Tokyo")
    entries = await world.hub.store.read(lambda db: log.list_actions(db, limit=50, object_id=session))
    count = sum(entry.action == "session.change" for entry in entries)
    async with world.client.patch(f"/api/v1/host/sessions/{session}", json={}, headers=world.bearer) as answer:
        assert answer.status == 200
    entries = await world.hub.store.read(lambda db: log.list_actions(db, limit=50, object_id=session))
    assert sum(entry.action == "session.change" for entry in entries) == count == 2
    for wrong in ({"title": " "}, {"zone": "Mars/Nord"}, {"starts_at": "morgen"}, {"planned_minutes": 0}, {"id": "x"}):
        async with world.client.patch(f"/api/v1/host/sessions/{session}", json=wrong, headers=world.bearer) as answer:
            assert answer.status == 400, wrong


async def test_mistakes_in_the_change_form_are_said(world: World) -> None:
    """What cannot be is said on the form, and what was typed stays there."""
    session = await world.plan()
    browser = await world.sign_in()
    for wrong in ({"title": " "}, {"zone": "Mars/Nord"}, {"starts_at": "gestern"}, {"planned_minutes": "viele"}):
        fields = {"people": "<i>wer", **wrong}
        async with await browser.post(f"/host/s/{session}/change", **fields) as page:
            assert page.status == 400, wrong
            text = await page.text()
        assert "data-error" in text
        assert "&lt;i&gt;wer" in text
    await browser.close()


async def test_a_moved_session_is_announced_again_with_its_new_start(world: World) -> None:
    """A session that was taken off the calendar comes back to it when it gets a new start, not when it is renamed."""
    session = await world.plan()
    await world.hub.store.write(lambda db: step_session(db, session, SessionState.MOVED, at=world.clock()))
    await world.host("PATCH", f"/sessions/{session}", title="Netz, verschoben")
    assert (await load_session(world, session)).state is SessionState.MOVED
    await world.host("PATCH", f"/sessions/{session}", starts_at="2027-04-02T20:15:00+02:00")
    assert (await load_session(world, session)).state is SessionState.SCHEDULED


async def test_every_change_wakes_the_platform(world: World) -> None:
    """Planning, each step, and a change of the show tell the platform, and a show's past sessions are left alone."""
    over = await world.plan(title="Vorbei", to="live", platform="tube")
    await world.host("POST", f"/sessions/{over}/state", to="ended")
    session = await world.plan(platform="tube")
    assert session in world.platforms.woken
    world.platforms.woken.clear()
    await world.host("POST", f"/sessions/{session}/state", to="live")
    assert world.platforms.woken == [session]
    world.platforms.woken.clear()
    await world.host("POST", "/shows", title="Runde", about="Neu")
    assert world.platforms.woken == [session]


async def test_experts_plan_nothing(world: World) -> None:
    """An expert sees no form to change anything, and none works for him."""
    session = await world.plan(platform="tube")
    browser = await world.sign_in(person="Ole", role=AccessRole.EXPERT)
    async with await browser.get("/host") as page:
        text = await page.text()
    assert "Tube &amp; Co" in text
    assert "/host/shows/runde" not in text
    for path in ("/host/shows/runde", f"/host/s/{session}/change"):
        async with await browser.get(path) as page:
            assert page.status == 403
        async with await browser.post(path, title="x") as page:
            assert page.status == 403
    await browser.close()


async def test_the_next_session_stands_first(world: World) -> None:
    """What is to come stands in its order, what is over below it; what a new host has to do goes once it is public."""
    sooner, later = await world.plan(title="Früher"), "2027-03-09-spaeter"
    browser = await world.sign_in()
    async with await browser.post(
        "/host/sessions", show_id="runde", title="Später", starts_at="2027-03-09T20:15"
    ) as page:
        assert page.status == 303
    async with await browser.get("/host") as page:
        text = await page.text()
    assert text.index(f'href="/host/s/{sooner}"') < text.index(f'href="/host/s/{later}"')
    assert "So geht es los" not in text, "they are announced"
    await browser.close()
    world.clock.forward(days=5)
    browser = await world.sign_in()
    async with await browser.get("/host") as page:
        text = await page.text()
    assert text.index(f'href="/host/s/{later}"') < text.index("Frühere Sendungen") < text.index(f"/host/s/{sooner}")
    await browser.close()


async def test_a_new_host_is_told_how_to_begin(world: World) -> None:
    """On a fresh hub the overview says what to do in which order, and what is done."""
    browser = await world.sign_in()
    async with await browser.get("/host") as page:
        text = await page.text()
    assert "So geht es los" in text
    assert "erledigt" not in text
    async with await browser.post("/host/shows", title="Runde") as page:
        assert page.status == 303
    async with await browser.get("/host") as page:
        assert (await page.text()).count("erledigt: ") == 1
    await browser.close()


@pytest.mark.parametrize("language", ["de", "en"])
def test_people_are_read_as_they_are_written(language: str) -> None:
    """What the form is filled with, in either language, is read back as the same people."""
    people = (
        Participant(name="Jana Weber", role=Role.HOST, about="Redaktion"),
        Participant(name="Ada", role=Role.SUPER_USER),
    )
    read = parse_people(format_people(people, language), str)
    assert [(one.name, one.role, one.about) for one in read] == [(one.name, one.role, one.about) for one in people]


def test_a_producer_is_typed_among_no_participants() -> None:
    """A line that names a producer is refused with what to do instead, and so is a participant in that role."""
    with pytest.raises(BadInput, match="Pia: a producer works behind the camera") as refused:
        parse_people("host: Jana\nproducer: Pia, Technik", str)
    assert "Invitations" in refused.value.hint
    with pytest.raises(BadInput, match="a producer is not on air"):
        Participant(name="Pia", role=Role.PRODUCER)


@pytest.mark.parametrize(
    ("typed", "role"),
    [
        ("Moderation: Ada", Role.HOST),
        ("moderatorin: Ada", Role.HOST),
        ("Expertin: Ada", Role.EXPERT),
        ("Kundin: Ada", Role.CUSTOMER),
        ("super_user: Ada", Role.SUPER_USER),
        ("Super User: Ada", Role.SUPER_USER),
        ("Ada", Role.EXPERT),
    ],
)
def test_roles_are_understood_as_people_call_them(typed: str, role: Role) -> None:
    """A role before a name is understood in German and English, however it is written."""
    (one,) = parse_people(typed, str)
    assert (one.name, one.role) == ("Ada", role)


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize(
    ("fields", "german", "english"),
    [
        ({"starts_at": "2026-01-01T20:15"}, "Dieser Termin liegt in der Vergangenheit.", "This date is past."),
        ({"starts_at": "2027-02-30T20:15"}, "Das ist kein gültiger Zeitpunkt.", "This is no date and time."),
        ({"starts_at": "2027-03-28T02:30"}, "Die Uhr wird umgestellt", "the clock leaves it out"),
        ({"zone": "Berlin"}, "Die Zeitzone „Berlin“ ist unbekannt.", "The time zone “Berlin” is unknown."),
        ({"planned_minutes": "-5"}, "Diese Länge ist nicht möglich.", "This length cannot be."),
        ({"call_until": "gestern"}, "Das ist kein gültiger Zeitpunkt.", "This is no date and time."),
    ],
    ids=str,
)
async def test_times_that_cannot_be(
    world: World, fields: dict[str, str], german: str, english: str, language: str
) -> None:
    """Planning and changing refuse them with a sentence in the reader's language; what was typed stays on the form."""
    session, browser = await world.plan(), await world.sign_in()
    typed = {"show_id": "runde", "title": "Getippt", "starts_at": "2027-03-09T20:15", "zone": "Europe/Berlin", **fields}
    before = await load_session(world, session)
    for path in ("/host/sessions", f"/host/s/{session}/change"):
        async with await browser.post(f"{path}?lang={language}", **typed) as page:
            text = await page.text()
            assert page.status == 400, path
        assert (german if language == "de" else english) in text
        assert "Getippt" in text
    assert await load_session(world, session) == before
    assert len(await world.hub.store.read(shows.list_sessions)) == 1
    await browser.close()


async def test_an_hour_that_comes_twice_is_the_first_one(world: World) -> None:
    """On the day when clocks go back the first of two like times is meant, in true time an hour before the other."""
    await world.plan()
    browser = await world.sign_in()
    typed = {"show_id": "runde", "title": "Nacht", "starts_at": "2027-10-31T02:30", "zone": "Europe/Berlin"}
    async with await browser.post("/host/sessions", **typed) as page:
        assert page.status == 303
    assert (await load_session(world, "2027-10-31-nacht")).starts_at == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    await browser.close()
