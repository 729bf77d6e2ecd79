"""Reminders as rows: which rungs are planned for which start, what became of each, and who wants none.

Owns the tables ``reminders`` and ``reminders_off``. What becomes of a rung is `streamhub.schedule.reminder`.
"""

from __future__ import annotations

from datetime import datetime

from sqlite_utils import Database

from streamhub.schedule.reminder import REMINDED, Outcome, Reminder, Rung
from streamhub.store.log import log_action
from streamhub.store.rows import Row, change, fetch_all, fetch_one, instant_or_none, json_list, text_or_none, upsert
from streamhub.timecode import format_instant, parse_instant


def list_unplanned(db: Database, *, at: datetime) -> list[str]:
    """Ids of coming sessions with guests, whose present start has no reminders yet."""
    rows = fetch_all(
        db,
        "select id from sessions where starts_at > ?1 and state in (select value from json_each(?2)) "
        "and exists (select 1 from invitations where session_id = sessions.id and withdrawn_at is null) "
        "and not exists (select 1 from reminders where session_id = sessions.id "
        "and reminders.starts_at = sessions.starts_at) order by starts_at, id",
        format_instant(at),
        json_list(REMINDED),
    )
    return [row["id"] for row in rows]


def save_reminder(db: Database, one: Reminder) -> None:
    """Plan a rung, or keep what became of it."""
    row = {
        "session_id": one.session_id,
        "starts_at": format_instant(one.starts_at),
        "rung": one.rung.value,
        "outcome": one.outcome.value,
        "at": text_or_none(one.at),
        "people": one.people,
    }
    upsert(db, "reminders", row, key=("session_id", "starts_at", "rung"))


def find_reminder(db: Database, session_id: str, starts_at: datetime, rung: Rung) -> Reminder | None:
    """A rung of a start; None: it was not planned."""
    sql = "select * from reminders where session_id = ? and starts_at = ? and rung = ?"
    row = fetch_one(db, sql, session_id, format_instant(starts_at), rung.value)
    return None if row is None else _reminder(row)


def list_reminders(db: Database, session_id: str) -> list[Reminder]:
    """The rungs of all starts that a session has had, the earliest moment first."""
    rows = fetch_all(db, "select * from reminders where session_id = ?", session_id)
    return sorted((_reminder(row) for row in rows), key=lambda one: one.due_at)


def are_off(db: Database, session_id: str) -> bool:
    """Whether hosts want no reminders for a session."""
    return fetch_one(db, "select 1 as yes from reminders_off where session_id = ?", session_id) is not None


def switch_reminders(db: Database, session_id: str, *, off: bool, at: datetime, author: str) -> None:
    """Switch a session's reminders off, or on again; what its moment passed meanwhile is not made up for."""
    if off is are_off(db, session_id):
        return
    if off:
        upsert(db, "reminders_off", {"session_id": session_id, "at": format_instant(at)}, key=("session_id",))
    else:
        change(db, "delete from reminders_off where session_id = ?", session_id)
    action = "reminders.off" if off else "reminders.on"
    log_action(db, at=at, author=author, action=action, object_kind="session", object_id=session_id, details={})


def _reminder(row: Row) -> Reminder:
    return Reminder(
        session_id=row["session_id"],
        starts_at=parse_instant(row["starts_at"]),
        rung=Rung(row["rung"]),
        outcome=Outcome(row["outcome"]),
        at=instant_or_none(row["at"]),
        people=row["people"],
    )
