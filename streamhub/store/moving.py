"""A session's plan changed: kept, logged with what stood before, and announced again where it waited for a new time.

The log is what calendars count versions by (`streamhub.store.announcements`), so every way to change an announced
session ends here.
"""

from __future__ import annotations

from datetime import datetime

from sqlite_utils import Database

from streamhub.schedule.show import Session, SessionState
from streamhub.store import shows as show_rows
from streamhub.store.handover import gather
from streamhub.store.log import log_action
from streamhub.timecode import format_instant


def change_plan(db: Database, before: Session, after: Session, *, at: datetime, author: str) -> Session:
    """Keep a session's new plan; returns it as it is then. One that was taken off the calendar is announced again."""
    if after == before:
        return before
    show_rows.save_session(db, after)
    details = {"before": _describe(before), "after": _describe(after)}
    log_action(
        db, at=at, author=author, action="session.change", object_kind="session", object_id=after.id, details=details
    )
    if after.state is not SessionState.MOVED or after.starts_at == before.starts_at:
        return after
    session = show_rows.step_session(db, after.id, SessionState.SCHEDULED, at=at, author=author)
    gather(db, after.id, at=at, author=author)
    return session


def _describe(session: Session) -> dict[str, object]:
    """What the log keeps of a plan; of people only how many they are."""
    return {
        "title": session.title,
        "starts_at": format_instant(session.starts_at),
        "zone": session.zone,
        "planned_minutes": session.planned_minutes,
        "participants": len(session.participants),
        "call": len(session.call),
        "call_until": format_instant(session.call_until) if session.call_until else None,
    }
