"""How hosts let a show recur: the rule by form, its dates, single ones moved and cancelled, and the drafts it makes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

import pytest

from streamhub.keepers.scheduler import Scheduler
from streamhub.schedule.series import Series
from streamhub.schedule.show import SessionState
from streamhub.store import series as rows
from streamhub.store import shows

if TYPE_CHECKING:
    from streamhub.schedule.show import Session
    from tests.web.conftest import World

RULE = {
    "title": "Frag die Runde", "rhythm": "weekly", "every": "1", "nth": "1", "day2": "1", "at": "20:15",
    "zone": "Europe/Berlin", "minutes": "60", "first_day": "2027-03-01", "last_day": "", "region": "DE-BY",
    "month8": "1", "ahead_weeks": "5",
}  # fmt: skip
PAGE = "/host/shows/runde/series"


async def sessions_of(world: World) -> list[Session]:
    found = await world.hub.store.read(lambda db: shows.list_sessions(db, show_id="runde"))
    return sorted((one for one in found if one.title == RULE["title"]), key=lambda one: one.starts_at)


async def post(browser: Any, path: str, **fields: str) -> tuple[int, str]:
    async with await browser.post(path, **fields) as page:
        return page.status, await page.text() if page.status != 303 else page.headers["Location"]


async def test_a_rule_is_looked_at_saved_and_becomes_drafts(world: World) -> None:
    """A host sees the dates of what he typed, saves it, and the next dates become drafts once, with the zone named."""
    await world.plan()
    browser = await world.sign_in()
    status, text = await post(browser, PAGE, **RULE, deed="look")
    assert status == 200
    assert "Noch ist nichts gespeichert." in text
    assert "Mittwoch, 3. März 2027, 20:15\N{NO-BREAK SPACE}Uhr (MEZ, UTC+1, Europe/Berlin)" in text
    assert "Mittwoch, 31. März 2027, 20:15\N{NO-BREAK SPACE}Uhr (MESZ, UTC+2, Europe/Berlin)" in text
    assert await world.hub.store.read(rows.list_series) == []
    status, place = await post(browser, PAGE, **RULE, deed="save")
    assert (status, place) == (303, f"{PAGE}?said=saved#said")
    scheduler = Scheduler(world.hub.store, now=world.clock)
    found = await sessions_of(world)
    made = [one.id for one in found]
    assert made == [f"2027-{day}-frag-die-runde" for day in ("03-03", "03-10", "03-17", "03-24", "03-31")]
    assert await scheduler.sync() == []
    assert [one.starts_at.hour for one in found] == [19, 19, 19, 19, 18]
    assert {(one.state, one.zone, one.planned_minutes) for one in found} == {(SessionState.DRAFT, "Europe/Berlin", 60)}
    async with await browser.get(PAGE) as page:
        text = await page.text()
    assert f'href="/host/s/{made[0]}"' in text
    assert 'name="day2" value="1" checked' in text
    world.clock.forward(days=7)
    assert await scheduler.sync() == ["2027-04-07-frag-die-runde"]
    await browser.close()


async def test_drafts_follow_their_rule_until_somebody_touches_them(world: World) -> None:
    """Another time of day moves drafts; what a person moved, announced or cancelled stays, none comes twice."""
    await world.plan()
    browser = await world.sign_in()
    await post(browser, PAGE, **RULE, deed="save")
    scheduler = Scheduler(world.hub.store, now=world.clock)
    made = [one.id for one in await sessions_of(world)]
    by_hand = datetime(2027, 3, 11, 18, tzinfo=UTC)

    def touch(db: Any) -> None:
        shows.save_session(db, replace(shows.load_session(db, made[1]), starts_at=by_hand))
        shows.step_session(db, made[2], SessionState.SCHEDULED, at=world.clock())
        shows.step_session(db, made[3], SessionState.CANCELLED, at=world.clock())

    await world.hub.store.write(touch)
    await post(browser, PAGE, **{**RULE, "at": "19:00"}, deed="save")
    assert await scheduler.sync() == []
    times = {one.id: one.starts_at for one in await sessions_of(world)}
    assert [times[one] for one in made] == [
        datetime(2027, 3, 3, 18, tzinfo=UTC),
        by_hand,
        datetime(2027, 3, 17, 19, 15, tzinfo=UTC),
        datetime(2027, 3, 24, 19, 15, tzinfo=UTC),
        datetime(2027, 3, 31, 17, tzinfo=UTC),
    ]
    await browser.close()


async def test_single_dates(world: World) -> None:
    """A date is cancelled or moved before it has a session, and as a draft with it; others on their own page."""
    await world.plan()
    browser = await world.sign_in()
    await post(browser, PAGE, **{**RULE, "ahead_weeks": "1"}, deed="save")
    dates = f"{PAGE}/dates"
    assert (await post(browser, dates, day="2027-03-10", deed="cancel"))[0] == 303
    assert (await post(browser, dates, day="2027-03-17", deed="move", to="2027-03-18T18:00"))[0] == 303
    scheduler = Scheduler(world.hub.store, now=world.clock)
    await post(browser, PAGE, **RULE, deed="save")
    found = await sessions_of(world)
    assert [f"{one.starts_at:%m-%d %H:%M}" for one in found] == [
        "03-03 19:15",
        "03-18 17:00",
        "03-24 19:15",
        "03-31 18:15",
    ]
    async with await browser.get(PAGE) as page:
        text = await page.text()
    assert "verschoben" in text
    assert "Zurück zur Regel" in text
    assert (await post(browser, dates, day="2027-03-10", deed="restore"))[0] == 303
    assert await scheduler.sync() == ["2027-03-10-frag-die-runde"]
    assert (await post(browser, dates, day="2027-03-24", deed="move", to="2027-03-25T20:15"))[0] == 303
    assert (await post(browser, dates, day="2027-03-31", deed="cancel"))[0] == 303
    found = await sessions_of(world)
    assert [(one.starts_at.day, one.state) for one in found][-2:] == [
        (25, SessionState.DRAFT),
        (31, SessionState.CANCELLED),
    ]
    await world.hub.store.write(lambda db: shows.step_session(db, found[0].id, SessionState.OPEN, at=world.clock()))
    status, text = await post(browser, dates, day="2027-03-03", deed="cancel")
    assert status == 409
    assert "ist kein Entwurf mehr" in text
    for wrong in ({"to": "2020-03-18T18:00"}, {"to": "morgen"}, {"to": ""}, {"to": "2027-03-18T18:00+05:00"}):
        status, text = await post(browser, dates, day="2027-04-14", deed="move", **wrong)
        assert status == 400, wrong
    await browser.close()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"day2": ""}, "Es ist kein Wochentag gewählt."),
        ({"zone": "Berlin"}, "Die Zeitzone „Berlin“ ist unbekannt."),
        ({"at": "25:99"}, "Die Uhrzeit fehlt oder ist ungültig."),
        ({"first_day": "gestern"}, "Ein Datum fehlt oder ist ungültig."),
        ({"first_day": ""}, "Ein Datum fehlt oder ist ungültig."),
        ({"every": "0"}, "Eine Zahl in der Regel ist nicht möglich."),
        ({"every": "-1"}, "„-1“ ist keine Zahl."),
        ({"every": "9" * 50}, "ist keine Zahl."),
        ({"region": "Burgund"}, "Für „BURGUND“ sind keine Feiertage bekannt."),
        ({"last_day": "2027-02-28"}, "Der letzte Tag liegt vor dem ersten."),
        ({"first_day": "2020-01-01", "last_day": "2020-12-31"}, "Der letzte Tag der Regel ist schon vorbei."),
        ({f"month{month}": "1" for month in range(1, 13)}, "Diese Regel ergibt keinen einzigen Termin."),
        ({"zone": "<script>alert(1)</script>"}, "&lt;script&gt;alert(1)&lt;/script&gt;"),
    ],
    ids=str,
)  # fmt: skip
async def test_bad_rules_are_refused_with_a_sentence(world: World, wrong: dict[str, str], said: str) -> None:
    """A rule that cannot be is refused in the host's language, what he typed stays, and nothing is saved."""
    await world.plan()
    browser = await world.sign_in()
    status, text = await post(browser, PAGE, **{**RULE, **wrong}, deed="save")
    assert status == 400
    assert said in text
    assert "Frag die Runde" in text
    assert "<script>alert" not in text
    assert await world.hub.store.read(rows.list_series) == []
    await browser.close()


async def test_a_draft_that_is_cancelled_was_never_public(world: World) -> None:
    """Cancelling a date that nobody was told of says nothing to the public, and the date can be a draft again."""
    await world.plan()
    browser = await world.sign_in()
    await post(browser, PAGE, **RULE, deed="save")
    session = (await sessions_of(world))[1]
    assert (await post(browser, f"{PAGE}/dates", day="2027-03-10", deed="cancel"))[0] == 303
    async with world.client.get(f"/s/{session.id}") as page:
        assert page.status == 404
    for path in ("/", "/sessions.atom", "/api/v1/sessions"):
        async with world.client.get(path) as page:
            assert session.id not in await page.text(), path
    assert (await post(browser, f"{PAGE}/dates", day="2027-03-10", deed="restore"))[0] == 303
    (again,) = [one for one in await sessions_of(world) if one.id == session.id]
    assert (again.state, again.unseen) == (SessionState.DRAFT, False)

    def announce_and_cancel(db: Any) -> None:
        shows.step_session(db, session.id, SessionState.SCHEDULED, at=world.clock())
        shows.step_session(db, session.id, SessionState.CANCELLED, at=world.clock())

    await world.hub.store.write(announce_and_cancel)
    async with world.client.get(f"/s/{session.id}") as page:
        assert "Diese Sendung wurde abgesagt." in await page.text()
    await browser.close()


async def test_a_region_is_named_by_its_name_too(world: World) -> None:
    """Whoever types the name of a Land instead of its code is understood."""
    await world.plan()
    browser = await world.sign_in()
    assert (await post(browser, PAGE, **{**RULE, "region": " nordrhein-westfalen "}, deed="save"))[0] == 303
    (kept,) = await world.hub.store.read(rows.list_series)
    assert kept.region == "DE-NW"
    await browser.close()


async def test_ending_a_series_keeps_its_sessions(world: World) -> None:
    """After its end no draft is made, those that were made stay; one planned by hand is taken as the date's."""
    await world.plan()
    browser = await world.sign_in()
    series = Series(
        show_id="runde",
        title="Netz",
        weekdays=frozenset({1}),
        at=time(20, 15),
        first_day=date(2027, 3, 1),
        ahead_weeks=2,
    )
    await world.hub.store.write(lambda db: rows.save_series(db, series))
    scheduler = Scheduler(world.hub.store, now=world.clock)
    assert await scheduler.sync() == ["2027-03-02-netz", "2027-03-09-netz"]
    assert len(await world.hub.store.read(shows.list_sessions)) == 2, "2027-03-02-netz was planned by hand before"
    assert (await post(browser, PAGE, deed="end"))[0] == 303
    world.clock.forward(days=14)
    assert await scheduler.sync() == []
    assert len(await world.hub.store.read(shows.list_sessions)) == 2
    await browser.close()


async def test_dates_missed_while_the_hub_was_down(world: World) -> None:
    """After a long downtime only dates that are still to come become drafts."""
    await world.plan()
    browser = await world.sign_in()
    await post(browser, PAGE, **{**RULE, "ahead_weeks": "1"}, deed="save")
    world.clock.forward(days=60)
    made = await Scheduler(world.hub.store, now=world.clock).sync()
    assert made == ["2027-05-05-frag-die-runde"]
    await browser.close()
