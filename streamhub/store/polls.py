"""Polls as rows: which dates are asked about, who is asked, and what each said.

Owns the tables ``polls``, ``poll_options``, ``poll_people`` and ``poll_answers``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlite_utils import Database

from streamhub.schedule.poll import Poll, Suits
from streamhub.store.rows import Row, change, fetch_all, fetch_one, insert, instant_or_none, text_or_none, upsert
from streamhub.timecode import format_instant, parse_instant


def save_poll(db: Database, poll: Poll) -> None:
    """Begin a poll of a session; one before it goes, with its answers."""
    change(db, "delete from polls where session_id = ?", poll.session_id)
    row = {
        "session_id": poll.session_id,
        "needed": poll.needed,
        "made_at": format_instant(poll.made_at),
        "ends_at": format_instant(poll.ends_at),
        "closed_at": text_or_none(poll.closed_at),
        "chosen": text_or_none(poll.chosen),
    }
    insert(db, "polls", row)
    for option in poll.options:
        insert(db, "poll_options", {"session_id": poll.session_id, "starts_at": format_instant(option)})
    for person_id in poll.people:
        insert(db, "poll_people", {"session_id": poll.session_id, "person_id": person_id})


def close_poll(db: Database, session_id: str, *, at: datetime, chosen: datetime | None) -> bool:
    """Note how a poll ended; says False where it had ended before."""
    sql = "update polls set closed_at = ?, chosen = ? where session_id = ? and closed_at is null"
    return bool(change(db, sql, format_instant(at), text_or_none(chosen), session_id))


def find_poll(db: Database, session_id: str) -> Poll | None:
    """The poll of a session; None: there is none."""
    row = fetch_one(db, "select * from polls where session_id = ?", session_id)
    return None if row is None else _poll(db, row)


def list_polls(db: Database, *, person_id: str = "", open_only: bool = False) -> list[Poll]:
    """Polls by when they end: those in which a person is asked, those that go on, or all."""
    rows = fetch_all(
        db,
        "select * from polls where (?1 = '' or session_id in "
        "(select session_id from poll_people where person_id = ?1)) and (?2 = 0 or closed_at is null) "
        "order by ends_at, session_id",
        person_id,
        int(open_only),
    )
    return [_poll(db, row) for row in rows]


def save_answers(db: Database, session_id: str, person_id: str, said: Mapping[datetime, Suits]) -> None:
    """Keep what a person said about dates; a later word replaces the one before."""
    for option, suits in said.items():
        row = {
            "session_id": session_id,
            "person_id": person_id,
            "starts_at": format_instant(option),
            "suits": suits.value,
        }
        upsert(db, "poll_answers", row, key=("session_id", "person_id", "starts_at"))


def list_answers(db: Database, session_id: str) -> dict[str, dict[datetime, Suits]]:
    """By person, what he said about each date."""
    found: dict[str, dict[datetime, Suits]] = {}
    for row in fetch_all(db, "select * from poll_answers where session_id = ?", session_id):
        found.setdefault(row["person_id"], {})[parse_instant(row["starts_at"])] = Suits(row["suits"])
    return found


def _poll(db: Database, row: Row) -> Poll:
    options = fetch_all(db, "select * from poll_options where session_id = ? order by starts_at", row["session_id"])
    people = fetch_all(db, "select * from poll_people where session_id = ? order by person_id", row["session_id"])
    return Poll(
        session_id=row["session_id"],
        options=tuple(parse_instant(one["starts_at"]) for one in options),
        people=tuple(one["person_id"] for one in people),
        needed=row["needed"],
        made_at=parse_instant(row["made_at"]),
        ends_at=parse_instant(row["ends_at"]),
        closed_at=instant_or_none(row["closed_at"]),
        chosen=instant_or_none(row["chosen"]),
    )
