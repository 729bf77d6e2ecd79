"""Marks as rows: which witness saw which question on air when.

Owns the table ``marks``; what they prove is weighed in `streamhub.answers`.
"""

from __future__ import annotations

from sqlite_utils import Database

from streamhub.errors import NotFound
from streamhub.live.mark import Mark, MarkKind, Witness
from streamhub.store.rows import Row, fetch_all, fetch_one, insert
from streamhub.timecode import format_instant, parse_instant


def insert_mark(db: Database, mark: Mark) -> None:
    """Keep a mark.

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
    insert(db, "marks", row)


def list_marks(db: Database, session_id: str) -> list[Mark]:
    """All marks of a session by time; those of one instant in the order in which they came in."""
    return [_mark(row) for row in fetch_all(db, "select * from marks where session_id = ? order by at, id", session_id)]


def _mark(row: Row) -> Mark:
    return Mark(
        session_id=row["session_id"],
        question_id=row["question_id"],
        kind=MarkKind(row["kind"]),
        at=parse_instant(row["at"]),
        witness=Witness(row["witness"]),
        author=row["author"],
    )
