"""What a session's page says of its event and its pre-shows. Reads only.

The public hears of announced sessions alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlite_utils import Database

from streamhub.schedule.public import PublicEvent, PublicSession, is_public
from streamhub.schedule.show import SessionState
from streamhub.store import events as rows
from streamhub.store import public as public_rows
from streamhub.store.carrying import TAKES_OVER

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

    event: PublicEvent | None = None
    pre_shows: tuple[PublicSession, ...] = ()
    goal: PublicSession | None = None
    goal_event: PublicEvent | None = None


def read_ties(db: Database, session_id: str) -> Ties:
    """What the public may know of what a session belongs to."""
    pre_show = rows.find_pre_show(db, session_id)
    goal = public_rows.preview_session(db, pre_show.for_session) if pre_show and pre_show.for_session else None
    return Ties(
        event=public_rows.find_event_of(db, session_id),
        pre_shows=public_rows.list_pre_shows(db, for_session=session_id),
        goal=goal if goal and is_public(goal) else None,
        goal_event=public_rows.find_event(db, pre_show.for_event) if pre_show and pre_show.for_event else None,
    )


def list_coming_events(
    db: Database, sessions: Iterable[PublicSession]
) -> list[tuple[PublicEvent, PublicSession, PublicSession]]:
    """Announced events that are not over, the next one first, each with its first and last session.

    Args:
        db: the database.
        sessions: those that the public may know of.
    """
    known, found = {one.id: one for one in sessions}, []
    for event_id, members in rows.list_members(db).items():
        public = [known[one] for one in members if one in known]
        if any(one.state in _COMING for one in public) and (event := public_rows.find_event(db, event_id)):
            found.append((event, public[0], public[-1]))
    return sorted(found, key=lambda one: (one[1].starts_at, one[0].id))
