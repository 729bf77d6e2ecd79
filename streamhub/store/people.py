"""People as rows: who can be invited, and when they can.

Owns the tables ``people``, ``person_hours``, ``absences`` and ``busy_times``. What a person is, and how it is checked
whether he can, is `streamhub.schedule.people`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlite_utils import Database

from streamhub.errors import Conflict, NotFound
from streamhub.schedule.people import Availability, Person
from streamhub.schedule.show import Role
from streamhub.store.agreements import keep_words
from streamhub.store.rows import (
    Row,
    change,
    fetch_all,
    fetch_one,
    insert,
    instant_or_none,
    json_list,
    text_or_none,
    upsert,
)
from streamhub.timecode import format_instant, parse_instant


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarState:
    """What is known of a person's calendar.

    Attributes:
        person_id: whose.
        access: how it is reached, sealed; empty: there is none.
        read_at: when it was looked at last, UTC; None: not yet.
        good_at: when it could be read last, UTC; None: never.
        problem: why it could not be read; empty when all is well.
    """

    person_id: str
    access: str = field(repr=False)
    read_at: datetime | None = None
    good_at: datetime | None = None
    problem: str = ""


def save_person(db: Database, person: Person) -> None:
    """Insert a person, or replace what is known of him.

    Raises:
        Conflict: somebody else has this address.
    """
    other = find_by_email(db, person.email)
    if other is not None and other.id != person.id:
        message = f"person {person.id}: {other.name} has this address already"
        raise Conflict(message, hint="change that person, or use another address")
    row = {
        "id": person.id,
        "name": person.name,
        "role": person.role.value,
        "email": person.email,
        "about": person.about,
        "organisation": person.organisation,
        "language": person.language,
        "zone": person.zone,
        "topics": json_list(person.topics),
        "products": json_list(person.products),
        "speaks": json_list(person.speaks),
        "most_sessions": person.most_sessions,
        "rest_days": person.rest_days,
        "active": int(person.active),
        "link_version": person.link_version,
        "question": person.question,
    }
    upsert(db, "people", row, key=("id",))


def load_person(db: Database, person_id: str) -> Person:
    """The person of that id.

    Raises:
        NotFound: there is none.
    """
    found = find_person(db, person_id)
    if found is None:
        raise NotFound(f"person {person_id}: there is no such person")
    return found


def find_person(db: Database, person_id: str) -> Person | None:
    """The person of that id; None: there is none."""
    row = fetch_one(db, f"{_PEOPLE} where id = ?", person_id)
    return None if row is None else _person(row)


def find_by_email(db: Database, email: str) -> Person | None:
    """Whoever has this address; None: nobody has, or it is empty."""
    row = fetch_one(db, f"{_PEOPLE} where email = ? and email <> ''", email)
    return None if row is None else _person(row)


def list_people(db: Database, *, role: Role | None = None, active: bool | None = None) -> list[Person]:
    """People by name; of one role, active or not, or all."""
    rows = fetch_all(
        db,
        f"{_PEOPLE} where (?1 is null or role = ?1) and (?2 is null or active = ?2) order by name collate nocase, id",
        None if role is None else role.value,
        None if active is None else int(active),
    )
    return [_person(row) for row in rows]


def delete_person(db: Database, person_id: str) -> None:
    """Delete a person with everything that only he told; what he consented to stays with his sessions."""
    keep_words(db, person_id)
    change(db, "delete from people where id = ?", person_id)


def load_availability(db: Database, person_id: str) -> Availability:
    """When a person can.

    Raises:
        NotFound: there is no such person.
    """
    found = list_availability(db, [load_person(db, person_id)])
    return found[person_id]


def list_availability(db: Database, people: Iterable[Person]) -> dict[str, Availability]:
    """When people can, by their ids."""
    wanted = {person.id: person.zone for person in people}
    chosen = json_list(wanted)
    hours: dict[str, set[tuple[int, int]]] = {}
    for row in _of(db, "person_hours", chosen):
        hours.setdefault(row["person_id"], set()).add((row["weekday"], row["hour"]))
    away: dict[str, list[tuple[date, date]]] = {}
    for row in _of(db, "absences", chosen):
        days = (date.fromisoformat(row["first_day"]), date.fromisoformat(row["last_day"]))
        away.setdefault(row["person_id"], []).append(days)
    busy: dict[str, list[tuple[datetime, datetime]]] = {}
    for row in _of(db, "busy_times", chosen):
        stretch = (parse_instant(row["starts_at"]), parse_instant(row["ends_at"]))
        busy.setdefault(row["person_id"], []).append(stretch)
    return {
        person_id: Availability(
            person_id=person_id,
            zone=zone,
            hours=frozenset(hours.get(person_id, ())),
            away=tuple(away.get(person_id, ())),
            busy=tuple(busy.get(person_id, ())),
        )
        for person_id, zone in wanted.items()
    }


def save_week(db: Database, person_id: str, hours: Iterable[tuple[int, int]]) -> None:
    """Replace the hours of a person's usual week."""
    change(db, "delete from person_hours where person_id = ?", person_id)
    for weekday, hour in sorted(set(hours)):
        insert(db, "person_hours", {"person_id": person_id, "weekday": weekday, "hour": hour})


def save_absences(db: Database, person_id: str, away: Iterable[tuple[date, date]]) -> None:
    """Replace the days on which a person is away."""
    change(db, "delete from absences where person_id = ?", person_id)
    for first, last in sorted(set(away)):
        days = {"first_day": first.isoformat(), "last_day": last.isoformat()}
        insert(db, "absences", {"person_id": person_id, **days})


def save_calendar(db: Database, person_id: str, access: str) -> None:
    """Keep how a person's calendar is reached, sealed; an empty text forgets it with all that was read."""
    sql = (
        "update people set calendar_url = ?, calendar_read_at = null, calendar_good_at = null, calendar_problem = '' "
        "where id = ?"
    )
    change(db, sql, access, person_id)
    change(db, "delete from busy_times where person_id = ?", person_id)


def look_again(db: Database, person_id: str) -> None:
    """Have a person's calendar read soon; what is known of it stays."""
    change(db, "update people set calendar_read_at = null where id = ?", person_id)


def list_calendars(db: Database) -> list[CalendarState]:
    """The calendars that are read, those read longest ago first."""
    sql = f"{_CALENDARS} where calendar_url <> '' and active = 1 order by calendar_read_at nulls first, id"
    return [_calendar(row) for row in fetch_all(db, sql)]


def load_calendar(db: Database, person_id: str) -> CalendarState:
    """What is known of a person's calendar."""
    row = fetch_one(db, f"{_CALENDARS} where id = ?", person_id)
    return CalendarState(person_id=person_id, access="") if row is None else _calendar(row)


def save_busy(db: Database, state: CalendarState, busy: Iterable[tuple[datetime, datetime]] | None) -> bool:
    """Keep what was read of a calendar; None keeps what was known, because it could not be read.

    Says False and changes nothing where the person has another calendar, or none, by now.
    """
    sql = (
        "update people set calendar_read_at = ?, calendar_good_at = ?, calendar_problem = ? "
        "where id = ? and calendar_url = ?"
    )
    read_at, good_at = text_or_none(state.read_at), text_or_none(state.good_at)
    if not change(db, sql, read_at, good_at, state.problem, state.person_id, state.access):
        return False
    if busy is not None:
        change(db, "delete from busy_times where person_id = ?", state.person_id)
        for starts_at, ends_at in sorted(set(busy)):
            times = {"starts_at": format_instant(starts_at), "ends_at": format_instant(ends_at)}
            insert(db, "busy_times", {"person_id": state.person_id, **times})
    return True


def _of(db: Database, table: str, person_ids: str) -> list[Row]:
    """Rows of a table that belong to people, in the order of its key."""
    sql = f"select * from {table} where person_id in (select value from json_each(?)) order by 1, 2, 3"  # noqa: S608  our own names
    return fetch_all(db, sql, person_ids)


_PEOPLE = (
    "select id, name, role, email, about, organisation, language, zone, topics, products, speaks, most_sessions, "
    "rest_days, active, link_version, question from people"
)

_CALENDARS = (
    "select id as person_id, calendar_url as access, calendar_read_at as read_at, calendar_good_at as good_at, "
    "calendar_problem as problem from people"
)


def _person(row: Row) -> Person:
    lists = {name: tuple(json.loads(row[name])) for name in ("topics", "products", "speaks")}
    return Person(**{**row, **lists, "role": Role(row["role"]), "active": bool(row["active"])})


def _calendar(row: Row) -> CalendarState:
    return CalendarState(**{**row, **{name: instant_or_none(row[name]) for name in ("read_at", "good_at")}})
