"""How an announced session changed, read from the log: how often, when last, and from where it was moved.

Owns no table. A calendar's entry needs the number to know which of two versions is the newer one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from streamhub.schedule.show import SessionState
from streamhub.store.rows import fetch_all
from streamhub.timecode import parse_instant


@dataclass(frozen=True, kw_only=True, slots=True)
class Revisions:
    """The changes of a session so far.

    Attributes:
        count: how many; rises for ever.
        changed_at: when the last one was; None: never.
        moved_from: the start that was announced before the present one; None: it was never moved.
    """

    count: int = 0
    changed_at: datetime | None = None
    moved_from: datetime | None = None


def load_revisions(db: Database, session_id: str) -> Revisions:
    """The changes of a session; none where there is no such session."""
    rows = fetch_all(
        db,
        "select action, at, details from log where object_id = ? and object_kind = 'session' "
        "and action in ('session.change', 'session.step') order by id",
        session_id,
    )
    public, moved_from = False, None
    for row in rows:
        details = json.loads(row["details"])
        if row["action"] == "session.step":
            public = public or details["from"] == SessionState.DRAFT.value
        elif public and details["before"]["starts_at"] != details["after"]["starts_at"]:
            moved_from = parse_instant(details["before"]["starts_at"])
    changed_at = parse_instant(rows[-1]["at"]) if rows else None
    return Revisions(count=len(rows), changed_at=changed_at, moved_from=moved_from)
