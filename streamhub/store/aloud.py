"""Questions asked aloud that a host does not want, as rows.

Owns the table ``aloud_dismissed``: where in a session the question stands. What was asked is in the transcript alone.
"""

from __future__ import annotations

from datetime import datetime

from sqlite_utils import Database

from streamhub.store.log import log_action
from streamhub.store.rows import fetch_all, upsert
from streamhub.timecode import format_instant


def list_dismissed(db: Database, session_id: str) -> list[int]:
    """Where the dismissed questions of a session begin, in session milliseconds, sorted."""
    sql = "select start_ms from aloud_dismissed where session_id = ? order by start_ms"
    return [int(row["start_ms"]) for row in fetch_all(db, sql, session_id)]


def dismiss(db: Database, session_id: str, start_ms: int, *, at: datetime, author: str) -> None:
    """Propose that question no more; doing it twice does no harm."""
    row = {"session_id": session_id, "start_ms": start_ms, "at": format_instant(at)}
    upsert(db, "aloud_dismissed", row, key=("session_id", "start_ms"))
    _log(db, session_id, "aloud.dismiss", start_ms, at=at, author=author)


def restore(db: Database, session_id: str, start_ms: int, *, at: datetime, author: str) -> None:
    """Propose that question again; doing it twice does no harm."""
    db.execute("delete from aloud_dismissed where session_id = ? and start_ms = ?", (session_id, start_ms))
    _log(db, session_id, "aloud.restore", start_ms, at=at, author=author)


def _log(db: Database, session_id: str, action: str, start_ms: int, *, at: datetime, author: str) -> None:
    details = {"start_ms": start_ms}
    log_action(db, at=at, author=author, action=action, object_kind="session", object_id=session_id, details=details)
