"""Events for hosts: made, filled with sessions, moved within and called off, and which session goes before what.

An event's sessions are ordinary ones: each has its console, its guests and its own page. Guests are told by a keeper,
of each of their dates once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import BadInput, Conflict, NotFound, StreamhubError
from streamhub.schedule.event import MAX_SESSIONS, Event, PreShow, find_overlaps, leads_back, plan_programme
from streamhub.schedule.show import Session, SessionState
from streamhub.store import events as rows
from streamhub.store import shows as show_rows
from streamhub.store.log import log_action
from streamhub.text import slugify
from streamhub.timecode import format_instant
from streamhub.web import desk, plans
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.bodies import SessionBody, SessionChangeBody
from streamhub.web.direction import step_with_questions
from streamhub.web.event_form import parse_days, parse_event_form
from streamhub.web.host import person_context
from streamhub.web.hub import hub_of
from streamhub.web.pages import keep_language, render_page, see_other, words_of
from streamhub.web.plans import CHANGEABLE
from streamhub.web.security import read_form
from streamhub.web.wall import parse_minutes, read_coming

LOG = logging.getLogger("streamhub.web")
Say = Callable[[str], str]

routes = web.RouteTableDef()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Deed:
    """What a host does with an event, and when."""

    event_id: str
    form: Mapping[str, str]
    at: datetime
    author: str
    say: Say


@routes.get("/host/events")
@allow(Action.PLAN)
async def show_events(request: web.Request) -> web.StreamResponse:
    """All events, and the form of a new one."""
    response = await _render_list(request)
    keep_language(request, response)
    return response


@routes.post("/host/events")
@allow(Action.PLAN)
async def make_event(request: web.Request) -> web.StreamResponse:
    """Make an event."""
    hub, form, say = hub_of(request), await read_form(request), words_of(request)
    at, author = hub.now(), actor_of(request).person

    def save(db: Database) -> Event:
        shows = {show.id: show for show in show_rows.list_shows(db)}
        show = shows.get(form.get("show_id", ""))
        if show is None:
            raise BadInput(say("No show is chosen."), hint=say("Choose the show to which its sessions belong."))
        fresh = Event(id="x", show_id=show.id, title="x", language=show.language)
        event = parse_event_form(form, fresh, say)
        event = replace(event, id=_free_id(db, event.title))
        rows.save_event(db, event)
        _log(db, "event.make", event.id, at=at, author=author)
        return event

    try:
        event = await hub.store.write(save)
    except BadInput as error:
        return await _render_list(request, form=form, error=error)
    LOG.info("web.event_made event_id=%s person=%s", event.id, author)
    return see_other(f"/host/events/{event.id}?said=saved#said")


def _free_id(db: Database, title: str) -> str:
    taken, wanted, number = {one.id for one in rows.list_events(db)}, slugify(title), 2
    event_id = wanted
    while event_id in taken:
        event_id, number = f"{wanted}-{number}", number + 1
    return event_id


@routes.get("/host/events/{event_id}")
@allow(Action.PLAN)
async def show_event(request: web.Request) -> web.StreamResponse:
    """An event's programme, and all that can be done with it."""
    response = await _render(request)
    keep_language(request, response)
    return response


@routes.post("/host/events/{event_id}")
@allow(Action.PLAN)
async def change_event(request: web.Request) -> web.StreamResponse:
    """Change an event: its words, its sessions, their days; announce it, or call it off."""
    form, deed = await _read_deed(request)
    name = form.get("deed", "")
    try:
        if name == "add":
            session = await _plan_session(request, deed)
            await hub_of(request).store.write(lambda db: rows.put_session(db, deed.event_id, session.id))
            touched = [session.id]
        else:
            touched = await hub_of(request).store.write(lambda db: _do(db, name, deed))
    except (BadInput, Conflict) as error:
        return await _render(request, form=form, error=error)
    for session_id in touched:
        desk.tell(request, session_id)
    LOG.info("web.event event_id=%s deed=%s person=%s", deed.event_id, name, deed.author)
    return see_other(f"/host/events/{deed.event_id}?said={name}#said")


async def _read_deed(request: web.Request) -> tuple[dict[str, str], _Deed]:
    form = dict(await read_form(request))
    hub, event_id = hub_of(request), request.match_info["event_id"]
    await hub.store.read(lambda db: rows.load_event(db, event_id))
    author = actor_of(request).person
    return form, _Deed(event_id=event_id, form=form, at=hub.now(), author=author, say=words_of(request))


async def _plan_session(request: web.Request, deed: _Deed) -> Session:
    """Plan a new session of an event: a draft, in the event's show, zone and language."""
    say, form = deed.say, deed.form
    event, count = await hub_of(request).store.read(
        lambda db: (rows.load_event(db, deed.event_id), len(rows.list_event_sessions(db, deed.event_id)))
    )
    if count >= MAX_SESSIONS:
        raise BadInput(say("This event is full."), hint=say("Make another one."))
    if not form.get("title", "").strip():
        raise BadInput(say("The title is missing."), hint=say("Write one."))
    body = SessionBody(
        show_id=event.show_id,
        title=form["title"],
        starts_at=format_instant(read_coming(form.get("starts_at", ""), event.zone, say, now=deed.at)),
        zone=event.zone,
        language=event.language,
        planned_minutes=parse_minutes(form.get("minutes", ""), say),
    )
    return await plans.plan_session(request, body)


def _save_words(db: Database, deed: _Deed) -> list[str]:
    before = rows.load_event(db, deed.event_id)
    rows.save_event(db, parse_event_form(deed.form, before, deed.say))
    _log(db, "event.save", deed.event_id, at=deed.at, author=deed.author)
    return []


def _include(db: Database, deed: _Deed) -> list[str]:
    """Let a session that is planned already belong to the event."""
    session_id = deed.form.get("session_id", "")
    if session_id not in {one.id for one in show_rows.list_sessions(db, states=CHANGEABLE)}:
        raise BadInput(deed.say("No session is chosen."), hint=deed.say("Choose one that is still to come."))
    rows.put_session(db, deed.event_id, session_id)
    _log(db, "event.include", deed.event_id, at=deed.at, author=deed.author, session=session_id)
    return [session_id]


def _exclude(db: Database, deed: _Deed) -> list[str]:
    session_id = deed.form.get("session_id", "")
    rows.take_session(db, deed.event_id, session_id)
    _log(db, "event.exclude", deed.event_id, at=deed.at, author=deed.author, session=session_id)
    return []


def _announce(db: Database, deed: _Deed) -> list[str]:
    """Announce all drafts of the event."""
    drafts = [one for one in rows.list_event_sessions(db, deed.event_id) if one.state is SessionState.DRAFT]
    if not drafts:
        raise Conflict(deed.say("There is no draft to announce."), hint=deed.say("Add sessions first."))
    for one in drafts:
        step_with_questions(db, one.id, SessionState.SCHEDULED, at=deed.at, author=deed.author)
    rows.save_event(db, replace(rows.load_event(db, deed.event_id), cancelled_at=None))
    _log(db, "event.announce", deed.event_id, at=deed.at, author=deed.author)
    return [one.id for one in drafts]


def _cancel(db: Database, deed: _Deed) -> list[str]:
    """Call off whatever has not begun; what is on air or over stays."""
    if deed.form.get("sure") != "yes":
        raise BadInput(
            deed.say("Calling off an event needs your confirmation."), hint=deed.say("Tick the box beside the button.")
        )
    off = [one for one in rows.list_event_sessions(db, deed.event_id) if one.state in CHANGEABLE]
    # The last one first, so that no question goes on to a session that is called off a moment later.
    for one in reversed(off):
        step_with_questions(db, one.id, SessionState.CANCELLED, at=deed.at, author=deed.author)
    rows.save_event(db, replace(rows.load_event(db, deed.event_id), cancelled_at=deed.at))
    _log(db, "event.cancel", deed.event_id, at=deed.at, author=deed.author)
    return [one.id for one in off]


def _shift(db: Database, deed: _Deed) -> list[str]:
    """Move all that has not begun by so many days; the time of day stays, also where clocks change."""
    event, days = rows.load_event(db, deed.event_id), parse_days(deed.form.get("days", ""), deed.say)
    moving = [one for one in rows.list_event_sessions(db, deed.event_id) if one.state in CHANGEABLE]
    if not moving:
        raise Conflict(deed.say("There is nothing to move."), hint=deed.say("Add sessions first."))
    for one in moving:
        starts_at = plans.shift_days(one.starts_at, days, event.zone)
        if starts_at <= deed.at:
            raise BadInput(deed.say("This date is past."), hint=deed.say("Choose one that is still to come."))
        until = format_instant(plans.shift_days(one.call_until, days, event.zone)) if one.call_until else None
        change = SessionChangeBody(starts_at=format_instant(starts_at), call_until=until)
        plans.save_change(db, one.id, change, at=deed.at, author=deed.author, say=deed.say)
    _log(db, "event.shift", deed.event_id, at=deed.at, author=deed.author, days=days)
    return [one.id for one in moving]


_DEEDS: Mapping[str, Callable[[Database, _Deed], list[str]]] = {
    "save": _save_words,
    "include": _include,
    "exclude": _exclude,
    "announce": _announce,
    "cancel": _cancel,
    "shift": _shift,
}


def _do(db: Database, name: str, deed: _Deed) -> list[str]:
    """Do it; returns ids of the sessions that it touched."""
    if name not in _DEEDS:
        raise BadInput(f"deed {name!r}: there is none", hint=f"use add, {', '.join(_DEEDS)}")
    return _DEEDS[name](db, deed)


@routes.post("/host/events/{event_id}/sessions/{session_id}")
@allow(Action.PLAN)
async def move_session(request: web.Request) -> web.StreamResponse:
    """Give a session of the event another time or length; its guests are asked anew by the keeper."""
    form, deed = await _read_deed(request)
    session_id = request.match_info["session_id"]
    event, sessions = await hub_of(request).store.read(
        lambda db: (rows.load_event(db, deed.event_id), rows.list_event_sessions(db, deed.event_id))
    )
    if session_id not in {one.id for one in sessions}:
        raise NotFound(f"event {deed.event_id}: no session {session_id}")
    try:
        starts_at = read_coming(form.get("starts_at", ""), event.zone, deed.say, now=deed.at)
        minutes = parse_minutes(form.get("minutes", ""), deed.say)
        body = SessionChangeBody(starts_at=format_instant(starts_at), planned_minutes=minutes)
        await plans.change_session(request, session_id, body)
    except (BadInput, Conflict) as error:
        return await _render(request, error=error)
    return see_other(f"/host/events/{deed.event_id}?said=moved#said")


@routes.post("/host/s/{session_id}/pre-show")
@allow(Action.PLAN)
async def choose_goal(request: web.Request) -> web.StreamResponse:
    """Say what a session goes before: another session, an event, or nothing."""
    hub, session_id, form = hub_of(request), request.match_info["session_id"], await read_form(request)
    at, author, say = hub.now(), actor_of(request).person, words_of(request)
    kind, _, goal = form.get("goal", "").partition(":")

    def save(db: Database) -> None:
        show_rows.load_session(db, session_id)
        one = PreShow(
            session_id=session_id,
            for_session=show_rows.load_session(db, goal).id if kind == "session" else "",
            for_event=rows.load_event(db, goal).id if kind == "event" else "",
        )
        chain = {known.session_id: known.for_session for known in rows.list_pre_shows(db)}
        if leads_back(chain, session_id, one.for_session):
            raise Conflict(
                say("A session cannot go before itself."), hint=say("Choose another one, or take the other link away.")
            )
        rows.save_pre_show(db, one)
        details = {"for": one.for_session or one.for_event}
        log_action(
            db, at=at, author=author, action="session.pre_show", object_kind="session", object_id=session_id,
            details=details,
        )  # fmt: skip

    await hub.store.write(save)
    desk.tell(request, session_id)
    return see_other(f"/host/s/{session_id}/change?said=saved#said")


def read_goals(db: Database, session: Session) -> dict[str, Any]:
    """What a session can go before, for the form that chooses it."""
    known = rows.find_pre_show(db, session.id)
    chosen = f"session:{known.for_session}" if known and known.for_session else ""
    coming = [one for one in show_rows.list_sessions(db, states=CHANGEABLE) if one.id != session.id]
    kept = [show_rows.load_session(db, known.for_session)] if known and known.for_session else []
    return {
        "goal": f"event:{known.for_event}" if known and known.for_event else chosen,
        "goals": sorted({one.id: one for one in (*coming, *kept)}.values(), key=lambda one: (one.starts_at, one.id)),
        "goal_events": rows.list_events(db),
        "event": rows.find_event_of(db, session.id),
    }


def _log(db: Database, action: str, event_id: str, *, at: datetime, author: str, **details: object) -> None:
    log_action(db, at=at, author=author, action=action, object_kind="event", object_id=event_id, details=details)


async def _render_list(
    request: web.Request, *, form: Mapping[str, str] | None = None, error: StreamhubError | None = None
) -> web.Response:
    hub = hub_of(request)

    def read(db: Database) -> dict[str, Any]:
        events = rows.list_events(db)
        return {
            "events": [(one, rows.list_event_sessions(db, one.id)) for one in events],
            "shows": show_rows.list_shows(db),
        }

    return render_page(
        request,
        "events.html",
        status=error.http_status if error else 200,
        form=form or {"zone": hub.settings.zone},
        error=error,
        **await hub.store.read(read),
        **person_context(hub, actor_of(request)),
    )


async def _render(
    request: web.Request, *, form: Mapping[str, str] | None = None, error: StreamhubError | None = None
) -> web.Response:
    hub, event_id, now = hub_of(request), request.match_info["event_id"], hub_of(request).now()

    def read(db: Database) -> dict[str, Any]:
        event, sessions = rows.load_event(db, event_id), rows.list_event_sessions(db, event_id)
        mine = {one.id for one in sessions}
        coming = show_rows.list_sessions(db, states=CHANGEABLE)
        return {
            "event": event,
            "days": plan_programme(event.zone, sessions),
            "overlaps": find_overlaps(sessions),
            "drafts": any(one.state is SessionState.DRAFT for one in sessions),
            "changeable": [one.id for one in sessions if one.state in CHANGEABLE],
            "others": sorted((one for one in coming if one.id not in mine), key=lambda one: one.starts_at),
            "public": any(one.state is not SessionState.DRAFT for one in sessions),
        }

    return render_page(
        request,
        "event_host.html",
        status=error.http_status if error else 200,
        form=form or {},
        said=request.query.get("said", ""),
        error=error,
        now=now,
        **await hub.store.read(read),
        **person_context(hub, actor_of(request)),
    )
