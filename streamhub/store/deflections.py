"""Deflections as rows: people whom an answer that was there already helped, so that they did not have to ask.

Owns the table ``deflections``: one row per person, answer and session, and never what the person typed.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlite_utils import Database

from streamhub.store.rows import change, fetch_all, fetch_one, json_list
from streamhub.timecode import format_instant


def add_deflection(db: Database, answer_id: str, session_id: str, voter: str, *, at: datetime) -> int:
    """Count once, however often it is said; returns how many people the answer helped in all."""
    change(
        db,
        "insert into deflections (answer_id, session_id, voter, at) values (?, ?, ?, ?) on conflict do nothing",
        answer_id,
        session_id,
        voter,
        format_instant(at),
    )
    return count_helped(db, answer_id)


def remove_deflection(db: Database, answer_id: str, session_id: str, voter: str) -> int:
    """Take it back, if it was said; returns how many people the answer helped in all."""
    sql = "delete from deflections where answer_id = ? and session_id = ? and voter = ?"
    change(db, sql, answer_id, session_id, voter)
    return count_helped(db, answer_id)


def list_helped(db: Database, session_id: str, voter: str) -> frozenset[str]:
    """Ids of the answers that helped a person who was about to ask in a session."""
    rows = fetch_all(db, "select answer_id from deflections where session_id = ? and voter = ?", session_id, voter)
    return frozenset(str(row["answer_id"]) for row in rows)


def count_helped(db: Database, answer_id: str) -> int:
    """How many people an answer helped, wherever they were about to ask."""
    row = fetch_one(db, "select count(distinct voter) as n from deflections where answer_id = ?", answer_id)
    return int(row["n"]) if row else 0


def count_deflected(db: Database, session_ids: Collection[str]) -> dict[str, int]:
    """How many times somebody did not have to ask, by session in which it was about to happen."""
    rows = fetch_all(
        db,
        "select session_id, count(*) as n from deflections where session_id in (select value from json_each(?)) "
        "group by session_id",
        json_list(session_ids),
    )
    return {str(row["session_id"]): int(row["n"]) for row in rows}
