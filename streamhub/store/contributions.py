"""Where questions came from that were not asked on the hub's own pages, and how far each source was read.

Owns the tables ``contributions`` and ``chat_cursors``: the same contribution never becomes two questions, whatever
crashes between reading and noting. Refuses to know which sources there are.
"""

from __future__ import annotations

from datetime import datetime

from sqlite_utils import Database

from streamhub.questions.intake import Contribution
from streamhub.questions.question import Question
from streamhub.store.questions import insert_question
from streamhub.store.rows import Row, fetch_all, fetch_one, insert, upsert
from streamhub.timecode import format_instant, parse_instant


def take_contribution(db: Database, contribution: Contribution, question: Question) -> bool:
    """Make a contribution a question; says False and changes nothing when it was taken before."""
    if is_taken(db, contribution.source, contribution.ref):
        return False
    insert_question(db, question)
    row = {
        "source": contribution.source,
        "ref": contribution.ref,
        "session_id": question.session_id,
        "question_id": question.id,
        "author": contribution.author_ref,
        "at": format_instant(contribution.at),
    }
    insert(db, "contributions", row)
    return True


def is_taken(db: Database, source: str, ref: str) -> bool:
    """Whether a contribution became a question."""
    return fetch_one(db, "select 1 as yes from contributions where source = ? and ref = ?", source, ref) is not None


def list_contributions(db: Database, session_id: str) -> list[Row]:
    """Rows ``source``, ``ref``, ``question_id``, ``author``, ``at`` of a session, oldest first."""
    return fetch_all(
        db,
        "select source, ref, question_id, author, at from contributions where session_id = ? order by at, ref",
        session_id,
    )


def list_asked(db: Database, session_id: str, author: str) -> list[tuple[str, datetime]]:
    """What one author asked in a session by contributions: text and instant, oldest first."""
    rows = fetch_all(
        db,
        "select questions.text as text, contributions.at as at from contributions "
        "join questions on questions.id = contributions.question_id "
        "where contributions.session_id = ? and contributions.author = ? order by contributions.at",
        session_id,
        author,
    )
    return [(str(row["text"]), parse_instant(row["at"])) for row in rows]


def save_cursor(db: Database, source: str, ref: str, cursor: str, *, at: datetime) -> None:
    """Keep how far a source was read."""
    row = {"source": source, "ref": ref, "cursor": cursor, "at": format_instant(at)}
    upsert(db, "chat_cursors", row, key=("source", "ref"))


def load_cursor(db: Database, source: str, ref: str) -> str:
    """How far a source was read; empty at first."""
    row = fetch_one(db, "select cursor from chat_cursors where source = ? and ref = ?", source, ref)
    return str(row["cursor"]) if row else ""
