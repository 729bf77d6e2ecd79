"""Events and pre-shows as rows.

Owns the tables ``events``, ``event_sessions`` and ``pre_shows``. A session is in one event at most, and goes before one
thing at most.
"""

from __future__ import annotations

from sqlite_utils import Database

from streamhub.errors import NotFound
from streamhub.schedule.event import Event, PreShow
from streamhub.schedule.show import Session
from streamhub.store import shows as show_rows
from streamhub.store.rows import Row, change, fetch_all, fetch_one, instant_or_none, text_or_none, upsert


def save_event(db: Database, event: Event) -> None:
    """Insert an event, or replace what is known of it."""
    row = {
        "id": event.id,
        "show_id": event.show_id,
        "title": event.title,
        "about": event.about,
        "zone": event.zone,
        "language": event.language,
        "cancelled_at": text_or_none(event.cancelled_at),
    }
    upsert(db, "events", row, key=("id",))


def find_event(db: Database, event_id: str) -> Event | None:
    """The event of that id; None: there is none."""
    row = fetch_one(db, "select * from events where id = ?", event_id)
    return None if row is None else _event(row)


def load_event(db: Database, event_id: str) -> Event:
    """The event of that id.

    Raises:
        NotFound: there is none.
    """
    found = find_event(db, event_id)
    if found is None:
        raise NotFound(f"event {event_id}: there is no such event")
    return found


def list_events(db: Database) -> list[Event]:
    """All events by title."""
    return [_event(row) for row in fetch_all(db, "select * from events order by title collate nocase, id")]


def put_session(db: Database, event_id: str, session_id: str) -> None:
    """Let a session belong to an event; another one that it belonged to loses it."""
    upsert(db, "event_sessions", {"session_id": session_id, "event_id": event_id}, key=("session_id",))


def take_session(db: Database, event_id: str, session_id: str) -> bool:
    """Let a session belong to an event no more; it stays as it is. Says whether it did."""
    sql = "delete from event_sessions where event_id = ? and session_id = ?"
    return bool(change(db, sql, event_id, session_id))


def list_event_sessions(db: Database, event_id: str) -> list[Session]:
    """The sessions of an event, the first one first."""
    rows = fetch_all(
        db,
        "select session_id from event_sessions join sessions on sessions.id = session_id where event_id = ? "
        "order by starts_at, session_id",
        event_id,
    )
    return [show_rows.load_session(db, row["session_id"]) for row in rows]


def list_members(db: Database) -> dict[str, list[str]]:
    """By event, the ids of its sessions, the first one first."""
    rows = fetch_all(
        db,
        "select event_id, session_id from event_sessions join sessions on sessions.id = session_id "
        "order by starts_at, session_id",
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["event_id"], []).append(row["session_id"])
    return found


def find_event_of(db: Database, session_id: str) -> Event | None:
    """The event that a session belongs to; None: it stands alone."""
    sql = "select events.* from events join event_sessions on event_id = events.id where session_id = ?"
    row = fetch_one(db, sql, session_id)
    return None if row is None else _event(row)


def save_pre_show(db: Database, one: PreShow) -> None:
    """Let a session go before another one or before an event; before nothing where neither is named."""
    if not one.for_session and not one.for_event:
        change(db, "delete from pre_shows where session_id = ?", one.session_id)
        return
    row = {
        "session_id": one.session_id,
        "for_session": one.for_session or None,
        "for_event": one.for_event or None,
    }
    upsert(db, "pre_shows", row, key=("session_id",))


def find_pre_show(db: Database, session_id: str) -> PreShow | None:
    """What a session goes before; None: it is no pre-show."""
    row = fetch_one(db, "select * from pre_shows where session_id = ?", session_id)
    return None if row is None else _pre_show(row)


def list_pre_shows(db: Database, *, for_session: str = "", for_event: str = "") -> list[PreShow]:
    """The pre-shows of a session, of an event, or all."""
    rows = fetch_all(
        db,
        "select pre_shows.* from pre_shows join sessions on sessions.id = session_id "
        "where (?1 = '' or for_session = ?1) and (?2 = '' or for_event = ?2) order by starts_at, session_id",
        for_session,
        for_event,
    )
    return [_pre_show(row) for row in rows]


def _event(row: Row) -> Event:
    return Event(**{**row, "cancelled_at": instant_or_none(row["cancelled_at"])})


def _pre_show(row: Row) -> PreShow:
    return PreShow(session_id=row["session_id"], for_session=row["for_session"] or "", for_event=row["for_event"] or "")
