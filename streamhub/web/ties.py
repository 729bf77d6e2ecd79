"""What a session's page says of its event and its pre-shows. Reads only.

The public hears of announced sessions alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlite_utils import Database

from streamhub.schedule.event import Event, PreShow
from streamhub.schedule.masks import mask_event, mask_session
from streamhub.schedule.show import Session, SessionState
from streamhub.store import events as rows
from streamhub.store import shows as show_rows
from streamhub.store.carrying import TAKES_OVER
from streamhub.web.views import is_public

_COMING = TAKES_OVER | {SessionState.MOVED}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ties:
    """What a session belongs to.

    Attributes:
        event: that it is part of; None: none.
        pre_shows: sessions that go before it.
        goal: the session that it goes before; None: none.
        goal_event: the event that it goes before; None: none.
    """

    event: Event | None = None
    pre_shows: tuple[Session, ...] = ()
    goal: Session | None = None
    goal_event: Event | None = None


def read_ties(db: Database, session_id: str) -> Ties:
    """What the public may know of what a session belongs to."""
    event, pre_show = rows.find_event_of(db, session_id), rows.find_pre_show(db, session_id)
    goal = show_rows.load_session(db, pre_show.for_session) if pre_show and pre_show.for_session else None
    goal_event = rows.find_event(db, pre_show.for_event) if pre_show and pre_show.for_event else None
    return Ties(
        event=_show_event(db, event),
        pre_shows=load_public(db, rows.list_pre_shows(db, for_session=session_id)),
        goal=mask_session(goal) if goal and is_public(goal) else None,
        goal_event=_show_event(db, goal_event),
    )


def _show_event(db: Database, event: Event | None) -> Event | None:
    """An event as the public may see it; None where it may not, or where there is none."""
    if event is None or not rows.is_announced(db, event.id):
        return None
    return mask_event(event, rows.list_event_sessions(db, event.id))


def load_public(db: Database, pre_shows: list[PreShow]) -> tuple[Session, ...]:
    """The announced ones of some pre-shows."""
    found = [show_rows.load_session(db, one.session_id) for one in pre_shows]
    return tuple(mask_session(one) for one in found if is_public(one))


def list_coming_events(db: Database, sessions: Iterable[Session]) -> list[tuple[Event, Session, Session]]:
    """Announced events that are not over, the next one first, each with its first and last session.

    Args:
        db: the database.
        sessions: those that the public may know of.
    """
    known, members, found = {one.id: one for one in sessions}, rows.list_members(db), []
    for event in rows.list_events(db):
        public = [known[one] for one in members.get(event.id, ()) if one in known]
        if any(one.state in _COMING for one in public):
            shown = mask_event(event, rows.list_event_sessions(db, event.id))
            found.append((shown, public[0], public[-1]))
    return sorted(found, key=lambda one: (one[1].starts_at, one[0].id))
