"""What is read to compare questions: their texts, what changed of them, and whether they may be offered.

Owns no table. Changes are found by the log, to which every deed on a question is added.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from streamhub.questions.question import QuestionState
from streamhub.schedule.show import Privacy, SessionState
from streamhub.store.rows import Row, fetch_all, fetch_one, json_list
from streamhub.timecode import parse_instant

COMPARED_STATES = frozenset(
    {
        QuestionState.RECEIVED,
        QuestionState.HELD,
        QuestionState.OPEN,
        QuestionState.QUEUED,
        QuestionState.ON_AIR,
        QuestionState.CARRIED_OVER,
        QuestionState.ANSWERED_LIVE,
        QuestionState.ANSWERED_IN_WRITING,
    }
)
"""States in which a question is worth comparing with: not those of one that is merged, declined or withdrawn."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A question with what decides who may see it.

    Attributes:
        id, text, language, state, votes: the question's.
        asked_at: when it came in, UTC.
        session_id, session_state: its session's.
        show_id, privacy: its show's.
    """

    id: str
    text: str
    language: str
    state: QuestionState
    votes: int
    asked_at: datetime
    session_id: str
    session_state: SessionState
    show_id: str
    privacy: Privacy


def last_change(db: Database) -> int:
    """A number that rises whenever something is done to a question or a session; votes alone do not count."""
    row = fetch_one(db, "select max(id) as last from log")
    return int(row["last"] or 0) if row else 0


def list_changed(db: Database, *, since: int, until: int) -> list[str]:
    """Ids of the questions to which something was done between two numbers of `last_change`."""
    rows = fetch_all(
        db,
        "select distinct object_id from log where id > ? and id <= ? and object_kind = 'question'",
        since,
        until,
    )
    return [str(row["object_id"]) for row in rows]


def list_compared(db: Database, *, after: str, limit: int) -> list[Asked]:
    """Questions in `COMPARED_STATES` in order of their ids, those after an id."""
    sql = "select id from questions where id > ? and state in (select value from json_each(?)) order by id limit ?"
    found = fetch_all(db, sql, after, json_list(COMPARED_STATES), limit)
    return sorted(load_asked(db, [str(row["id"]) for row in found]).values(), key=lambda one: one.id)


def load_asked(db: Database, ids: Collection[str]) -> dict[str, Asked]:
    """Questions by id, whatever their states; ids that are none are left out."""
    sql = (
        "select q.id, q.text, q.language, q.state, q.votes, q.asked_at, q.session_id, "
        "sessions.state as session_state, sessions.show_id, shows.privacy from questions q "
        "join sessions on sessions.id = q.session_id join shows on shows.id = sessions.show_id "
        "where q.id in (select value from json_each(?))"
    )
    return {str(row["id"]): _asked(row) for row in fetch_all(db, sql, json_list(ids))}


def list_settings(db: Database) -> dict[str, tuple[str, SessionState, Privacy]]:
    """For each session its show, its state and its show's privacy."""
    sql = "select sessions.id, show_id, state, privacy from sessions join shows on shows.id = show_id"
    return {
        str(row["id"]): (str(row["show_id"]), SessionState(row["state"]), Privacy(row["privacy"]))
        for row in fetch_all(db, sql)
    }


def _asked(row: Row) -> Asked:
    return Asked(
        id=row["id"],
        text=row["text"],
        language=row["language"],
        state=QuestionState(row["state"]),
        votes=row["votes"],
        asked_at=parse_instant(row["asked_at"]),
        session_id=row["session_id"],
        session_state=SessionState(row["session_state"]),
        show_id=row["show_id"],
        privacy=Privacy(row["privacy"]),
    )
