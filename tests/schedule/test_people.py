"""When somebody can, how much he takes on, and what is kept of what was typed about him."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from streamhub.errors import BadInput, Conflict, NotFound
from streamhub.schedule.people import Availability, Fit, Load, Person, check_fit, check_load, clean_person
from streamhub.schedule.show import Role
from streamhub.store import people as rows
from streamhub.store.people import CalendarState
from streamhub.store.store import Store

WEDNESDAY = datetime(2027, 3, 3, 19, 15, tzinfo=UTC)  # 20:15 in Berlin
HOUR = timedelta(hours=1)


@pytest.fixture
async def store(tmp_path):
    async with Store.open(tmp_path / "hub.sqlite3", now=lambda: WEDNESDAY) as opened:
        yield opened


def can(**changes):
    usual = frozenset({(2, 20), (2, 21)})
    return Availability(**{"person_id": "p", "zone": "Europe/Berlin", "hours": usual, **changes})


@pytest.mark.parametrize(
    ("availability", "fit"),
    [
        (can(), Fit.FREE),
        (can(hours=frozenset()), Fit.UNKNOWN),
        (can(zone="America/New_York"), Fit.OUTSIDE),
        (can(hours=frozenset({(2, 20)})), Fit.OUTSIDE),
        (can(away=((date(2027, 3, 1), date(2027, 3, 3)),)), Fit.AWAY),
        (can(away=((date(2027, 3, 4), date(2027, 3, 4)),)), Fit.FREE),
        (can(busy=((WEDNESDAY + HOUR, WEDNESDAY + 2 * HOUR),)), Fit.FREE),
        (can(busy=((WEDNESDAY - HOUR, WEDNESDAY + HOUR / 60),)), Fit.BUSY),
        (can(hours=frozenset(), busy=((WEDNESDAY, WEDNESDAY + HOUR),)), Fit.BUSY),
    ],
)
def test_whether_somebody_can(availability, fit):
    """What the calendar says counts before days away, and those before the usual week; silence is no refusal."""
    assert check_fit(availability, WEDNESDAY, WEDNESDAY + HOUR) is fit


def test_hours_are_those_of_the_wall_clock():
    """A usual hour stays the same on the wall when the clocks change."""
    summer = datetime(2027, 4, 7, 18, 15, tzinfo=UTC)
    assert check_fit(can(), summer, summer + HOUR) is Fit.FREE
    assert check_fit(can(), summer + 3 * HOUR, summer + 4 * HOUR) is Fit.OUTSIDE


def test_how_much_somebody_takes_on():
    """No more sessions than he said in any four weeks, and as many days between two as he said."""
    person = Person(id="p", name="Ada", most_sessions=2, rest_days=3)
    week = timedelta(days=7)
    assert check_load(person, [], WEDNESDAY) is Load.FINE
    assert check_load(person, [WEDNESDAY - 2 * HOUR * 24], WEDNESDAY) is Load.TOO_SOON
    assert check_load(person, [WEDNESDAY - week, WEDNESDAY + week], WEDNESDAY) is Load.FULL
    assert check_load(person, [WEDNESDAY - 4 * week, WEDNESDAY + week], WEDNESDAY) is Load.FINE
    assert (
        check_load(replace(person, most_sessions=0), [WEDNESDAY - n * week for n in range(1, 9)], WEDNESDAY)
        is Load.FINE
    )


def test_what_was_typed_is_cleaned():
    """Lists lose doubles however they are written, texts their hidden characters, addresses their capitals."""
    typed = Person(
        id="p", name=" Ada\u202e  Weber ", email=" Ada@Example.ORG", topics=("Netz", "netz ", "", "Strom"), zone="UTC"
    )
    cleaned = clean_person(typed)
    assert (cleaned.name, cleaned.email, cleaned.topics) == ("Ada Weber", "ada@example.org", ("Netz", "Strom"))
    assert cleaned.knows("STROM")
    assert not cleaned.knows("Gas")
    for wrong in ({"name": " "}, {"email": "ada@"}, {"email": "a@b.de\r\nBcc: c@d.de"}, {"topics": ("x" * 81,)}):
        with pytest.raises(BadInput):
            clean_person(replace(cleaned, **wrong) if wrong.get("name") != " " else Person(id="p", name=" "))


async def test_people_come_back(store):
    """A person comes back with everything that is known, and goes with everything that only he told."""
    ada = Person(id="ada", name="Ada", email="ada@example.org", topics=("Netz",), speaks=("de", "en"), most_sessions=2)
    bob = Person(id="bob", name="bob", role=Role.CUSTOMER, active=False, question="Warum blinkt es?")

    def fill(db):
        rows.save_person(db, bob)
        rows.save_person(db, ada)
        rows.save_week(db, "ada", {(0, 9), (6, 22)})
        rows.save_absences(db, "ada", [(date(2027, 8, 1), date(2027, 8, 14))])
        rows.save_calendar(db, "ada", "https://example.org/cal.ics")

    await store.write(fill)
    assert await store.read(rows.list_people) == [ada, bob]
    assert await store.read(lambda db: rows.list_people(db, role=Role.EXPERT, active=True)) == [ada]
    state = CalendarState(person_id="ada", access="https://example.org/cal.ics", read_at=WEDNESDAY)
    assert await store.write(lambda db: rows.save_busy(db, state, [(WEDNESDAY, WEDNESDAY + HOUR)]))
    found = await store.read(lambda db: rows.load_availability(db, "ada"))
    assert found.hours == {(0, 9), (6, 22)}
    assert found.away == ((date(2027, 8, 1), date(2027, 8, 14)),)
    assert found.busy == ((WEDNESDAY, WEDNESDAY + HOUR),)
    stale = CalendarState(person_id="ada", access="https://example.org/old.ics", read_at=WEDNESDAY)
    assert not await store.write(lambda db: rows.save_busy(db, stale, [])), "another calendar by now"
    await store.write(lambda db: rows.save_calendar(db, "ada", ""))
    assert (await store.read(lambda db: rows.load_availability(db, "ada"))).busy == ()
    await store.write(lambda db: rows.delete_person(db, "ada"))
    with pytest.raises(NotFound):
        await store.read(lambda db: rows.load_person(db, "ada"))
    left = await store.read(lambda db: db.execute("select count(*) from person_hours").fetchone()[0])
    assert left == 0


async def test_an_address_belongs_to_one(store):
    """A second person with the same address is refused by name; without an address there may be many."""
    await store.write(lambda db: rows.save_person(db, Person(id="a", name="Ada", email="ada@example.org")))
    with pytest.raises(Conflict, match="Ada has this address"):
        await store.write(lambda db: rows.save_person(db, Person(id="b", name="Eva", email="ada@example.org")))
    await store.write(lambda db: [rows.save_person(db, Person(id=one, name="x")) for one in "cd"])
