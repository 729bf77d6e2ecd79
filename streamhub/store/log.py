"""The log of actions: who did what to which object, and when; append-only, held by triggers of the database.

Owns the rows of ``log``. Details are ids, states and numbers, never a person's words, so that erasing a question leaves
no trace here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlite_utils import Database

from streamhub.store.rows import fetch_all, insert
from streamhub.timecode import format_instant, parse_instant


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """One entry of the log.

    Attributes:
        id: rises with each entry.
        at: the instant, UTC.
        author: who did it; empty for the hub itself.
        action: a stable verb, such as ``question.step``.
        object_kind: ``question``, ``session`` ...
        object_id: id of the object.
        details: ids, states and numbers.
    """

    id: int
    at: datetime
    author: str
    action: str
    object_kind: str
    object_id: str
    details: Mapping[str, object] = field(default_factory=dict)


def log_action(
    db: Database,
    *,
    at: datetime,
    author: str,
    action: str,
    object_kind: str,
    object_id: str,
    details: Mapping[str, object],
) -> None:
    """Append an entry."""
    insert(
        db,
        "log",
        {
            "at": format_instant(at),
            "author": author,
            "action": action,
            "object_kind": object_kind,
            "object_id": object_id,
            "details": json.dumps(dict(details), ensure_ascii=False, sort_keys=True),
        },
    )


def list_actions(db: Database, *, limit: int, object_id: str | None = None) -> list[Action]:
    """The latest entries, newest first; of one object or of all."""
    rows = fetch_all(
        db, "select * from log where ?1 is null or object_id = ?1 order by id desc limit ?2", object_id, limit
    )
    return [Action(**{**row, "at": parse_instant(row["at"]), "details": json.loads(row["details"])}) for row in rows]
