"""Events for the public: the programme by day, and a calendar of all its sessions."""

from __future__ import annotations

from dataclasses import dataclass, replace

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import NotFound
from streamhub.schedule.event import ProgrammeDay, plan_programme
from streamhub.schedule.public import PublicEvent, PublicSession
from streamhub.schedule.show import SessionState
from streamhub.store import public as public_rows
from streamhub.web.access import Action, allow
from streamhub.web.agenda import calendar_response, make_calendar, read_entries
from streamhub.web.hub import hub_of
from streamhub.web.pages import PAGES, keep_language, language_of, render_page

routes = web.RouteTableDef()

_COMING = frozenset({SessionState.SCHEDULED, SessionState.OPEN, SessionState.REHEARSAL})


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenEvent:
    """What the public sees of an event.

    Attributes:
        event: the event.
        days: its programme.
        pre_shows: sessions that go before all of it.
    """

    event: PublicEvent
    days: tuple[ProgrammeDay[PublicSession], ...]
    pre_shows: tuple[PublicSession, ...]


def see_event(db: Database, event_id: str) -> SeenEvent:
    """What the public sees of an event.

    Raises:
        NotFound: there is none of that id, or none of its sessions is announced.
    """
    event = public_rows.find_event(db, event_id)
    if event is None:
        raise NotFound(f"event {event_id}: there is no such event")
    sessions = public_rows.list_event_sessions(db, event_id)
    if any(one.state in _COMING for one in sessions):  # announced again, one by one
        event = replace(event, cancelled_at=None)
    return SeenEvent(
        event=event,
        days=tuple(plan_programme(event.zone, sessions)),
        pre_shows=public_rows.list_pre_shows(db, for_event=event_id),
    )


@routes.get("/e/{event_id}")
@allow(Action.SEE_PUBLIC)
async def event_page(request: web.Request) -> web.StreamResponse:
    """The programme of an event."""
    event_id = request.match_info["event_id"]
    seen = await hub_of(request).store.read(lambda db: see_event(db, event_id))
    response = render_page(request, "event.html", default_language=seen.event.language, seen=seen)
    keep_language(request, response)
    return response


@routes.get("/e/{event_id}/event.ics")
@allow(Action.SEE_PUBLIC)
async def event_calendar(request: web.Request) -> web.StreamResponse:
    """All sessions of an event as a calendar; each is the same entry as in the session's own file."""
    event_id = request.match_info["event_id"]
    seen = await hub_of(request).store.read(lambda db: see_event(db, event_id))
    entries = await read_entries(request, [one.id for day in seen.days for one in day.sessions])
    language = language_of(request, default=seen.event.language)
    say = request.app[PAGES].words(language).gettext
    return calendar_response(make_calendar(entries, say, language, title=seen.event.title), event_id)
