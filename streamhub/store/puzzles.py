"""Spent puzzles as rows: each solution is good for one question, also after a restart.

Owns the table ``spent_puzzles``. Refuses to know what a puzzle is.
"""

from __future__ import annotations

from datetime import datetime

from sqlite_utils import Database

from streamhub.store.rows import change
from streamhub.timecode import format_instant


def spend_puzzle(db: Database, puzzle_id: str, *, at: datetime) -> bool:
    """Use a puzzle up; False when that was done before."""
    sql = "insert into spent_puzzles (id, at) values (?, ?) on conflict do nothing"
    return bool(change(db, sql, puzzle_id, format_instant(at)))


def forget_puzzles(db: Database, *, before: datetime) -> int:
    """Forget what was spent before an instant, when no such puzzle is valid any more; returns how many."""
    return change(db, "delete from spent_puzzles where at < ?", format_instant(before))
