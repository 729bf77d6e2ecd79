"""Shows, sessions and participants as rows.

Owns the tables ``shows``, ``sessions`` and ``participants``; which step may follow which is `streamhub.schedule.rules`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlite_utils import Database

from streamhub.errors import NotFound
from streamhub.schedule.invitation import Purpose
from streamhub.schedule.rules import decide_step
from streamhub.schedule.show import Moderation, Participant, Privacy, Publishing, Role, Session, SessionState, Show
from streamhub.store.agreements import find_refusing
from streamhub.store.log import log_action
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


def save_show(db: Database, show: Show) -> None:
    """Insert a show, or replace what is known of it."""
    row = {
        "id": show.id,
        "title": show.title,
        "language": show.language,
        "about": show.about,
        "moderation": show.moderation.value,
        "publishing": show.publishing.value,
        "platform": show.platform,
        "privacy": show.privacy.value,
        "direct": int(show.direct),
        "carries_over": int(show.carries_over),
    }
    upsert(db, "shows", row, key=("id",))


def load_show(db: Database, show_id: str) -> Show:
    """The show of that id.

    Raises:
        NotFound: there is none.
    """
    row = fetch_one(db, "select * from shows where id = ?", show_id)
    if row is None:
        raise NotFound(f"show {show_id}: there is no such show")
    return _show(row)


def list_shows(db: Database) -> list[Show]:
    """All shows by title."""
    return [_show(row) for row in fetch_all(db, "select * from shows order by title collate nocase, id")]


def save_session(db: Database, session: Session) -> None:
    """Insert a session with its participants, or replace what is known of it.

    Raises:
        NotFound: there is no such show.
    """
    load_show(db, session.show_id)
    row = {
        "id": session.id,
        "show_id": session.show_id,
        "title": session.title,
        "starts_at": format_instant(session.starts_at),
        "zone": session.zone,
        "language": session.language,
        "planned_minutes": session.planned_minutes,
        "state": session.state.value,
        "started_at": text_or_none(session.started_at),
        "ended_at": text_or_none(session.ended_at),
        "call": session.call,
        "call_until": text_or_none(session.call_until),
        "unseen": int(session.unseen),
    }
    upsert(db, "sessions", row, key=("id",))
    change(db, "delete from participants where session_id = ?", session.id)
    for position, person in enumerate(session.participants):
        about = {"name": person.name, "role": person.role.value, "about": person.about}
        insert(db, "participants", {"session_id": session.id, "position": position, **about})


def load_session(db: Database, session_id: str) -> Session:
    """The session of that id, with its participants.

    Raises:
        NotFound: there is none.
    """
    row = fetch_one(db, "select * from sessions where id = ?", session_id)
    if row is None:
        raise NotFound(f"session {session_id}: there is no such session")
    people = fetch_all(db, "select * from participants where session_id = ? order by position", session_id)
    return _session(row, people, _find_hidden(db, [session_id]))


def list_sessions(
    db: Database, *, show_id: str | None = None, states: Collection[SessionState] | None = None
) -> list[Session]:
    """Sessions with the newest start first; of one show, or in some states, or all."""
    rows = fetch_all(
        db,
        "select * from sessions where (?1 is null or show_id = ?1) and state in (select value from json_each(?2)) "
        "order by starts_at desc, id",
        show_id,
        json_list(SessionState if states is None else states),
    )
    people: dict[str, list[Row]] = {}
    for person in fetch_all(
        db,
        "select participants.* from participants join sessions on sessions.id = session_id "
        "where ?1 is null or show_id = ?1 order by session_id, position",
        show_id,
    ):
        people.setdefault(person["session_id"], []).append(person)
    hidden = _find_hidden(db, [row["id"] for row in rows])
    return [_session(row, people.get(row["id"], []), hidden) for row in rows]


def step_session(db: Database, session_id: str, to: SessionState, *, at: datetime, author: str = "") -> Session:
    """Take a session one step on in its life and log it; a step to where it is already changes nothing.

    Raises:
        NotFound: there is no such session.
        Conflict: the step is not allowed from here.
    """
    before = load_session(db, session_id)
    after = decide_step(before, to, at=at)
    if after is before:
        return before
    change(
        db,
        "update sessions set state = ?, unseen = ?, started_at = ?, ended_at = ? where id = ?",
        after.state.value,
        int(before.state is SessionState.DRAFT and after.state is SessionState.CANCELLED),
        text_or_none(after.started_at),
        text_or_none(after.ended_at),
        session_id,
    )
    details = {"from": before.state.value, "to": after.state.value}
    log_action(
        db,
        at=at,
        author=author,
        action="session.step",
        object_kind="session",
        object_id=session_id,
        details=details,
    )
    return load_session(db, session_id)


def _show(row: Row) -> Show:
    kinds = {
        "moderation": Moderation(row["moderation"]),
        "publishing": Publishing(row["publishing"]),
        "privacy": Privacy(row["privacy"]),
        "direct": bool(row["direct"]),
        "carries_over": bool(row["carries_over"]),
    }
    return Show(**{**row, **kinds})


_Hidden = tuple[Mapping[str, frozenset[str]], Mapping[str, frozenset[str]]]
"""By session, who must not be named, and whose words must not be shown while it runs."""


def _find_hidden(db: Database, session_ids: list[str]) -> _Hidden:
    return find_refusing(db, session_ids, Purpose.NAME), find_refusing(db, session_ids, Purpose.TRANSCRIPT)


def _session(row: Row, people: list[Row], hidden: _Hidden) -> Session:
    unnamed, unwritten = (by_session.get(row["id"], frozenset()) for by_session in hidden)
    participants = tuple(
        Participant(
            name=person["name"],
            role=Role(person["role"]),
            about=person["about"],
            named=person["name"] not in unnamed,
            written=person["name"] not in unwritten,
        )
        for person in people
    )
    kinds = {
        "starts_at": parse_instant(row["starts_at"]),
        "started_at": instant_or_none(row["started_at"]),
        "ended_at": instant_or_none(row["ended_at"]),
        "call_until": instant_or_none(row["call_until"]),
        "state": SessionState(row["state"]),
        "unnamed": tuple(sorted(unnamed)),
        "unseen": bool(row["unseen"]),
    }
    return Session(**{**row, **kinds, "participants": participants})
