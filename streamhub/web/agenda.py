"""A session in people's calendars: a file that stays the same entry while the session is moved or cancelled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from aiohttp import web
from icalendar import Alarm, Calendar, Event
from sqlite_utils import Database

from streamhub.archive.agenda import plan_uid
from streamhub.schedule.public import PublicSession
from streamhub.schedule.reminder import ALARMS
from streamhub.schedule.show import SessionState
from streamhub.store import public as public_rows
from streamhub.store.announcements import Revisions, load_revisions
from streamhub.web.access import Action, allow, is_https
from streamhub.web.hub import hub_of
from streamhub.web.pages import PAGES, format_moment, language_of
from streamhub.web.source_views import Ways
from streamhub.web.ways import find_ways, tell_ways

_STATUS = {SessionState.CANCELLED: "CANCELLED", SessionState.MOVED: "TENTATIVE"}

Say = Callable[[str], str]

routes = web.RouteTableDef()


@routes.get("/s/{session_id}/session.ics")
@allow(Action.SEE_PUBLIC)
async def calendar_file(request: web.Request) -> web.StreamResponse:
    """The session as a calendar's entry, for a download or a subscription."""
    entries = await read_entries(request, [request.match_info["session_id"]])
    session = entries[0].session
    language = language_of(request, default=session.language)
    calendar = make_calendar(entries, request.app[PAGES].words(language).gettext, language)
    return calendar_response(calendar, session.id)


def calendar_response(calendar: Calendar, name: str) -> web.Response:
    """A calendar as a file to download or to subscribe to."""
    return web.Response(
        body=calendar.to_ical(),
        content_type="text/calendar",
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.ics"'},
    )


async def read_entries(request: web.Request, session_ids: Sequence[str]) -> list[Entry]:
    """What calendars are told of sessions.

    Raises:
        NotFound: there is none of an id, or it is a draft.
    """
    hub = hub_of(request)

    def read(db: Database) -> list[tuple[PublicSession, Revisions]]:
        return [(public_rows.load_session(db, one), load_revisions(db, one)) for one in session_ids]

    return [
        Entry(
            session=session,
            revisions=revisions,
            uid=plan_uid(f"s/{session.id}/"),
            url=page_address(request, session.id),
            ways=await find_ways(hub, session, at=hub.now()),
            now=hub.now(),
        )
        for session, revisions in await hub.store.read(read)
    ]


def page_address(request: web.Request, session_id: str) -> str:
    """The session's one address, whole."""
    base = hub_of(request).settings.url.rstrip("/")
    own = f"{'https' if is_https(request) else 'http'}://{request.host}"
    return f"{base or own}/s/{session_id}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What a calendar is told.

    Attributes:
        session, revisions: what is announced, and how it changed.
        uid: the entry's name for ever.
        url: of the session's page.
        ways: how else one can ask.
        now: stands in the entry where it never changed.
    """

    session: PublicSession
    revisions: Revisions
    uid: str
    url: str
    ways: Ways = Ways()
    now: datetime


def make_calendar(entries: Iterable[Entry], say: Say, language: str, *, title: str = "") -> Calendar:
    """A calendar with an entry for each session, in a language; with a title it is one to subscribe to."""
    calendar = Calendar()
    calendar.add("prodid", "-//streamhub//session//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    if title:
        calendar.add("name", " ".join(title.split()))
        calendar.add("x-wr-calname", " ".join(title.split()))
    calendar.add("x-published-ttl", "PT6H")
    calendar.add("refresh-interval", timedelta(hours=6), parameters={"value": "DURATION"})
    for entry in entries:
        calendar.add_component(_make_event(entry, say, language))
    calendar.add_missing_timezones()
    return calendar


def _make_event(entry: Entry, say: Say, language: str) -> Event:
    session, revisions, url = entry.session, entry.revisions, entry.url
    starts_at = session.starts_at.astimezone(ZoneInfo(session.zone))
    event = Event()
    event.add("uid", entry.uid)
    event.add("sequence", revisions.count)
    event.add("dtstamp", revisions.changed_at or entry.now)
    event.add("last-modified", revisions.changed_at or entry.now)
    event.add("dtstart", starts_at)
    event.add("dtend", session.ends_at.astimezone(starts_at.tzinfo))
    title = session.title if session.title == session.show.title else f"{session.title} – {session.show.title}"
    event.add("summary", title)
    event.add("url", url)
    event.add("location", url)
    event.add("status", _STATUS.get(session.state, "CONFIRMED"))
    here = f"{say('Ask, watch and read the answers here:')} {url}"
    lines = [session.show.about, *_plan_lines(session, say, language), here, tell_ways(entry.ways, say)]
    event.add("description", "\n\n".join(line for line in lines if line))
    if session.state not in _STATUS:
        for before in ALARMS:
            alarm = Alarm()
            alarm.add("action", "DISPLAY")
            alarm.add("trigger", -before)
            alarm.add("description", f"{session.title}: {url}")
            event.add_component(alarm)
    return event


def _plan_lines(session: PublicSession, say: Say, language: str) -> list[str]:
    lines = []
    if session.state is SessionState.CANCELLED:
        lines.append(say("This session was cancelled."))
    if session.state is SessionState.MOVED:
        lines.append(say("This session was moved. The new time will stand at the address below."))
    if session.call:
        lines.append(session.call)
    if session.call_until is not None:
        until = format_moment(session.call_until, session.zone, language)
        lines.append(say("Questions can be sent in until %(time)s.") % {"time": until})
    return lines
