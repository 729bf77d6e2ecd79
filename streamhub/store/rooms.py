"""Studios as rows: where the people of a session meet, and what holds for all sessions of a show.

Owns the tables ``rooms`` and ``show_rooms``. What a session says itself counts before what its show says, field by
field.
"""

from __future__ import annotations

from sqlite_utils import Database

from streamhub.schedule.invitation import Room
from streamhub.store.rows import change, fetch_one, upsert

_FIELDS = ("url", "view_url", "instructions")


def save_room(db: Database, room: Room) -> None:
    """Say where the people of a session meet."""
    upsert(db, "rooms", {"session_id": room.session_id, **_values(room)}, key=("session_id",))


def save_show_room(db: Database, show_id: str, room: Room) -> None:
    """Say where the people of all sessions of a show meet; the session that it was written in says nothing else."""
    upsert(db, "show_rooms", {"show_id": show_id, **_values(room)}, key=("show_id",))
    change(db, "delete from rooms where session_id = ?", room.session_id)


def load_room(db: Database, session_id: str) -> Room:
    """Where the people of a session meet; an empty one where nobody said so."""
    own = fetch_one(db, "select * from rooms where session_id = ?", session_id)
    shared = fetch_one(
        db,
        "select show_rooms.* from show_rooms join sessions using (show_id) where sessions.id = ?",
        session_id,
    )
    values = {name: (own[name] if own else "") or (shared[name] if shared else "") for name in _FIELDS}
    return Room(session_id=session_id, **values)


def is_shared(db: Database, session_id: str) -> bool:
    """Whether a session has its studio from its show."""
    sql = (
        "select 1 from show_rooms join sessions using (show_id) "
        "where sessions.id = ?1 and not exists (select 1 from rooms where session_id = ?1)"
    )
    return fetch_one(db, sql, session_id) is not None


def _values(room: Room) -> dict[str, str]:
    return {name: getattr(room, name) for name in _FIELDS}
