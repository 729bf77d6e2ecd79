"""Which photos are wanted: the column ``photo`` of questions, looked at as a whole.

Owns no table; the files are the business of whoever keeps them.
"""

from __future__ import annotations

from datetime import datetime

from sqlite_utils import Database

from streamhub.questions.question import QuestionState
from streamhub.store.rows import change, fetch_all, json_list
from streamhub.timecode import format_instant


def list_photos(db: Database) -> frozenset[str]:
    """Names of all photos that a question has."""
    return frozenset(str(row["photo"]) for row in fetch_all(db, "select photo from questions where photo <> ''"))


def forget_photos(db: Database, *, before: datetime) -> int:
    """Take the photos from questions that nobody answers and that were asked before an instant; returns how many."""
    return change(
        db,
        "update questions set photo = '' where photo <> '' and asked_at < ? "
        "and state in (select value from json_each(?))",
        format_instant(before),
        json_list((QuestionState.DECLINED, QuestionState.WITHDRAWN)),
    )
