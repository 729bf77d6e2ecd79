"""Places in the queue as rows: what a drag writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlite_utils import Database

from streamhub.questions.question import Question
from streamhub.store.questions import save_curated
from streamhub.store.rows import change


def place_questions(db: Database, moved: Question, places: Mapping[str, float]) -> None:
    """Write places of queued questions; only the one that was moved gets a new version.

    The others kept their order among themselves, so nobody has overtaken what a host saw of them.
    """
    for question_id, place in places.items():
        if question_id == moved.id:
            save_curated(db, replace(moved, place=place))
        else:
            change(db, "update questions set place = ? where id = ?", place, question_id)
