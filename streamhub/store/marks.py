"""Marks as rows: which witness saw which question on air when.

Owns the table ``marks``; what they prove is weighed in `streamhub.answers`.
"""

from __future__ import annotations

from datetime import datetime

from sqlite_utils import Database

from streamhub.errors import NotFound
from streamhub.live.mark import Mark, MarkKind, Witness
from streamhub.store.rows import Row, change, fetch_all, fetch_one, insert, instant_or_none
from streamhub.timecode import format_instant, parse_instant


def insert_mark(db: Database, mark: Mark) -> int:
    """Keep a mark; returns its number.

    Raises:
        NotFound: the question does not exist, or belongs to another session.
    """
    asked = fetch_one(db, "select session_id from questions where id = ?", mark.question_id)
    if asked is None or asked["session_id"] != mark.session_id:
        raise NotFound(f"question {mark.question_id}: there is no such question in session {mark.session_id}")
    row = {
        "session_id": mark.session_id,
        "question_id": mark.question_id,
        "kind": mark.kind.value,
        "at": format_instant(mark.at),
        "witness": mark.witness.value,
        "author": mark.author,
    }
    return insert(db, "marks", row)


def list_marks(db: Database, session_id: str) -> list[Mark]:
    """All marks of a session by time; those of one instant in the order in which they came in."""
    return [_mark(row) for row in fetch_all(db, "select * from marks where session_id = ? order by at, id", session_id)]


def find_on_air_since(db: Database, question_id: str) -> datetime | None:
    """When a question was last put on air; what an overlay or an ear adds to that says nothing of it."""
    row = fetch_one(
        db,
        "select max(at) as at from marks where question_id = ? and kind = ? and witness not in (?, ?)",
        question_id,
        MarkKind.ON_AIR.value,
        Witness.OVERLAY.value,
        Witness.EAR.value,
    )
    return None if row is None else instant_or_none(row["at"])


def was_shown(db: Database, question_id: str, *, since: datetime) -> bool:
    """Whether an overlay said since then that it drew the question."""
    sql = "select 1 from marks where question_id = ? and witness = ? and at >= ?"
    return fetch_one(db, sql, question_id, Witness.OVERLAY.value, format_instant(since)) is not None


def list_kept_marks(db: Database, session_id: str, witness: Witness) -> list[tuple[int, Mark]]:
    """The marks of one witness with their numbers, by time."""
    sql = "select * from marks where session_id = ? and witness = ? order by at, id"
    return [(int(row["id"]), _mark(row)) for row in fetch_all(db, sql, session_id, witness.value)]


def delete_mark(db: Database, session_id: str, number: int, witness: Witness) -> bool:
    """Take back a mark of this witness; says whether there was one."""
    sql = "delete from marks where id = ? and session_id = ? and witness = ?"
    return bool(change(db, sql, number, session_id, witness.value))


def _mark(row: Row) -> Mark:
    return Mark(
        session_id=row["session_id"],
        question_id=row["question_id"],
        kind=MarkKind(row["kind"]),
        at=parse_instant(row["at"]),
        witness=Witness(row["witness"]),
        author=row["author"],
    )
