"""What the archive gets of events: a file for each of which a session is public, following the hub from then on.

Told are the sessions that are announced and not called off, in their order. Refuses to know pages and who works when.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from sqlite_utils import Database

from streamhub.archive.event import ArchivedEvent, Before, Unnamed
from streamhub.archive.event_folder import save_event
from streamhub.schedule.event import Event, PreShow
from streamhub.schedule.public import list_unnamed
from streamhub.schedule.show import Role, Session, SessionState
from streamhub.store import events as rows
from streamhub.store import shows as show_rows
from streamhub.store.store import Store

_UNTOLD = frozenset({SessionState.DRAFT, SessionState.CANCELLED})
_COMING = frozenset({SessionState.SCHEDULED, SessionState.OPEN, SessionState.REHEARSAL})


def list_event_files(db: Database) -> list[ArchivedEvent]:
    """Every event that the archive gets."""
    members, pre_shows = rows.list_members(db), rows.list_pre_shows(db)
    found = []
    for event in rows.list_events(db):
        sessions = [show_rows.load_session(db, one) for one in members.get(event.id, ())]
        if any(one.state is SessionState.PUBLISHED for one in sessions):
            own = [one for one in pre_shows if one.for_event == event.id]
            before = [show_rows.load_session(db, one.session_id) for one in own]
            found.append(plan_event_file(event, sessions, before, pre_shows))
    return found


def plan_event_file(
    event: Event, sessions: Iterable[Session], before: Iterable[Session], pre_shows: Iterable[PreShow]
) -> ArchivedEvent:
    """An event as the archive gets it.

    Args:
        event: the event.
        sessions: its sessions, in their order.
        before: sessions that go before all of it.
        pre_shows: all that goes before anything.
    """
    told = [one for one in sessions if one.state not in _UNTOLD]
    known, first = {one.id for one in told}, [one for one in before if one.state not in _UNTOLD]
    goals = [one for one in pre_shows if one.for_session in known and one.session_id in known]
    return ArchivedEvent(
        id=event.id,
        title=event.title,
        about=event.about.strip(),
        zone=event.zone,
        language=event.language,
        sessions=tuple(one.id for one in told),
        pre_shows=(
            *(Before(session=one.id) for one in first),
            *(Before(session=one.session_id, goal=one.for_session) for one in goals),
        ),
        unnamed=_list_unnamed([*sessions, *first]),
        cancelled=event.cancelled_at is not None and not any(one.state in _COMING for one in told),
    )


def _list_unnamed(sessions: Iterable[Session]) -> tuple[Unnamed, ...]:
    """Every name that a session hides, with the role in which somebody stands under it."""
    roles: dict[str, Role | None] = {}
    for session in sessions:
        people = {one.name: one.role for one in session.participants}
        for name in list_unnamed(session):
            roles[name] = roles.get(name) or people.get(name)
    return tuple(Unnamed(name=name, role=role) for name, role in roles.items())


async def write_events(store: Store, transcripts: Path) -> bool:
    """Have the archive's events follow the hub; says whether any file has changed.

    Nobody else may write to the archive meanwhile.

    Raises:
        BadArchive: a file that is there cannot be read.
    """
    events = await store.read(list_event_files)

    def write() -> list[bool]:
        return [save_event(transcripts, event) for event in events]

    return any(await asyncio.to_thread(write)) if events else False
