"""Rules of scheduling: which step in a session's life may follow which, and how a session is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from streamhub.errors import WrongState
from streamhub.schedule.show import Session, SessionState, SessionTimes
from streamhub.text import slugify
from streamhub.timecode import require_utc

S = SessionState

NEXT_STATES: Mapping[SessionState, frozenset[SessionState]] = {
    S.DRAFT: frozenset({S.SCHEDULED, S.OPEN, S.CANCELLED}),
    S.SCHEDULED: frozenset({S.OPEN, S.REHEARSAL, S.LIVE, S.CANCELLED, S.MOVED}),
    S.OPEN: frozenset({S.REHEARSAL, S.LIVE, S.CANCELLED, S.MOVED}),
    S.REHEARSAL: frozenset({S.OPEN, S.LIVE, S.CANCELLED}),
    S.LIVE: frozenset({S.ENDED}),
    S.ENDED: frozenset({S.PROCESSING}),
    S.PROCESSING: frozenset({S.IN_REVIEW}),
    S.IN_REVIEW: frozenset({S.PUBLISHED, S.PROCESSING}),
    S.PUBLISHED: frozenset({S.IN_REVIEW, S.PROCESSING}),
    S.CANCELLED: frozenset({S.SCHEDULED}),
    S.MOVED: frozenset({S.SCHEDULED, S.CANCELLED}),
}

ACCEPTS_QUESTIONS = frozenset({S.SCHEDULED, S.OPEN, S.REHEARSAL, S.LIVE, S.MOVED})
"""States in which the public may ask and vote."""


def accepts_asking(session: SessionTimes, *, at: datetime) -> bool:
    """Whether the public may ask now: in time for the call for contributions, if there is one, and during the show."""
    if session.state not in ACCEPTS_QUESTIONS:
        return False
    return session.state is S.LIVE or session.call_until is None or at < session.call_until


def decide_step(session: Session, to: SessionState, *, at: datetime) -> Session:
    """The session after a step in its life; going live and ending set the instants that the session clock needs.

    A step to the state it is already in changes nothing.

    Raises:
        Conflict: the step is not allowed from here.
    """
    if to is session.state:
        return session
    allowed = NEXT_STATES[session.state]
    if to not in allowed:
        names = ", ".join(sorted(allowed)) or "nothing"
        message = f"session {session.id}: is {session.state}, cannot become {to}"
        raise WrongState(message, hint=f"from here: {names}", code="session_step", state=session.state.value)
    moment = require_utc(at)
    if to is S.LIVE:
        return replace(session, state=to, started_at=moment)
    if to is S.ENDED:
        return replace(session, state=to, ended_at=moment)
    return replace(session, state=to)


def plan_session_id(title: str, starts_at: datetime, zone: str) -> str:
    """Name a session by its local date and title: ``2027-03-02-netz``."""
    return f"{starts_at.astimezone(ZoneInfo(zone)):%Y-%m-%d}-{slugify(title)}"
