"""Plans: what hosts do with shows and with sessions before they are on air, for forms and for programs alike.

Who may call it was decided before. Knows nothing of forms, JSON and pages; the evening itself stands in `direction`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import BadInput, Conflict
from streamhub.schedule.recurrence import resolve_wall
from streamhub.schedule.rules import plan_session_id
from streamhub.schedule.show import LOCAL, Participant, Privacy, Session, SessionState, Show
from streamhub.store import shows as show_rows
from streamhub.store.log import log_action
from streamhub.store.moving import change_plan
from streamhub.text import clean_line, clean_text, slugify
from streamhub.timecode import format_instant, parse_instant, require_zone
from streamhub.web.access import actor_of
from streamhub.web.bodies import ParticipantBody, SessionBody, SessionChangeBody, ShowBody
from streamhub.web.desk import clean_or_empty, tell
from streamhub.web.hub import hub_of
from streamhub.web.pages import words_of
from streamhub.web.views import AFTER

LOG = logging.getLogger("streamhub.web")

CHANGEABLE = frozenset(
    {SessionState.DRAFT, SessionState.SCHEDULED, SessionState.OPEN, SessionState.REHEARSAL, SessionState.MOVED}
)
"""States in which a session may be moved and renamed; its id and its address stay."""

_ON_STAGE = frozenset({SessionState.REHEARSAL, SessionState.LIVE})
_MAX_TITLE = 200
_MAX_ABOUT = 1000
_MAX_PEOPLE = 100


async def save_show(request: web.Request, body: ShowBody, *, new: bool = False) -> Show:
    """Make a show, or change the one of that id; its sessions follow.

    Args:
        request: of who does it.
        body: the show.
        new: whether there must be none of that id yet.

    Raises:
        BadInput: a title, id or platform that cannot be.
        Conflict: one of its sessions is on stage and it is to move to another place; or there is one and it was new.
    """
    hub, author, say = hub_of(request), actor_of(request).person, words_of(request)
    title = clean_line(body.title, max_length=_MAX_TITLE, what="title")
    about = clean_text(body.about, max_length=_MAX_ABOUT, what="about") if clean_or_empty(body.about) else ""
    show_id, at = body.id or slugify(title), hub.now()
    offered = {LOCAL, *(offer.slug for offer in hub.platforms.offered())}

    def save(db: Database) -> tuple[Show, list[Session]]:
        before = next((show for show in show_rows.list_shows(db) if show.id == show_id), None)
        if before is not None and new:
            raise Conflict(say("There is a show of this title already."), hint=say("Please choose another title."))
        show = _show_of(body, before, show_id=show_id, title=title, about=about)
        if show.platform not in offered and (before is None or before.platform != show.platform):
            raise BadInput(f"platform {show.platform!r}: the hub has none", hint=f"use {', '.join(sorted(offered))}")
        sessions = show_rows.list_sessions(db, show_id=show_id)
        moves = before is not None and (before.platform, before.direct) != (show.platform, show.direct)
        if moves and any(session.state in _ON_STAGE for session in sessions):
            raise Conflict(say("A session of this show is on stage just now."), hint=say("Change it afterwards."))
        show_rows.save_show(db, show)
        details = {"platform": show.platform, "privacy": show.privacy.value, "direct": show.direct}
        log_action(db, at=at, author=author, action="show.save", object_kind="show", object_id=show.id, details=details)
        return show, sessions

    show, sessions = await hub.store.write(save)
    for session in sessions:
        if session.state not in AFTER:
            tell(request, session.id)
    return show


def _show_of(body: ShowBody, before: Show | None, *, show_id: str, title: str, about: str) -> Show:
    """The show that a body describes; where viewers watch stays as it was, where the body does not say."""
    privacy, direct = (before.privacy, before.direct) if before else (Privacy.UNLISTED, False)
    platform = body.platform or (before.platform if before else LOCAL)
    return Show(
        id=show_id,
        title=title,
        language=body.language,
        about=about,
        moderation=body.moderation,
        publishing=body.publishing,
        platform=platform,
        privacy=body.privacy or privacy,
        direct=body.direct if body.direct is not None else direct and platform != LOCAL,
        carries_over=body.carries_over if body.carries_over is not None else before is None or before.carries_over,
    )


async def plan_session(request: web.Request, body: SessionBody) -> Session:
    """Plan a session of a show; its id is made from date and title.

    Raises:
        BadInput: a value that cannot be.
        NotFound: no such show.
        Conflict: there is a session of that date and title.
    """
    hub, author, say = hub_of(request), actor_of(request).person, words_of(request)
    title = clean_line(body.title, max_length=_MAX_TITLE, what="title")
    starts_at, zone = parse_instant(body.starts_at), body.zone or hub.settings.zone
    require_zone(zone, what="zone")
    people, at = _people(body.participants), hub.now()

    def save(db: Database) -> Session:
        show = show_rows.load_show(db, body.show_id)
        session = Session(
            id=plan_session_id(title, starts_at, zone),
            show_id=show.id,
            title=title,
            starts_at=starts_at,
            zone=zone,
            language=body.language or show.language,
            planned_minutes=body.planned_minutes,
            participants=people,
            call=_clean_call(body.call),
            call_until=_read_until(body.call_until),
        )
        if any(one.id == session.id for one in show_rows.list_sessions(db)):
            raise Conflict(
                say("There is a session of this title on this day already."),
                hint=say("Please choose another title or date."),
            )
        show_rows.save_session(db, session)
        details = {"show": show.id, "starts_at": format_instant(starts_at)}
        log_action(
            db,
            at=at,
            author=author,
            action="session.plan",
            object_kind="session",
            object_id=session.id,
            details=details,
        )
        return session

    session = await hub.store.write(save)
    tell(request, session.id)
    return session


def _people(people: Sequence[ParticipantBody]) -> tuple[Participant, ...]:
    return tuple(
        Participant(
            name=clean_line(person.name, max_length=80, what="participant"),
            role=person.role,
            about=clean_line(person.about, max_length=200, what="about") if clean_or_empty(person.about) else "",
        )
        for person in people[:_MAX_PEOPLE]
    )


async def change_session(request: web.Request, session_id: str, body: SessionChangeBody) -> Session:
    """Move or rename a session, or change its people, before it is on air; its id and address stay for ever.

    A session that was taken off the calendar (`SessionState.MOVED`) is announced again once it has a new start.

    Raises:
        NotFound: no such session.
        BadInput: a value that cannot be.
        Conflict: it is live, over, or cancelled.
    """
    hub, author, say, at = hub_of(request), actor_of(request).person, words_of(request), hub_of(request).now()

    session = await hub.store.write(lambda db: save_change(db, session_id, body, at=at, author=author, say=say))
    LOG.info("web.changed session_id=%s person=%s", session_id, author)
    tell(request, session_id)
    return session


def save_change(
    db: Database, session_id: str, body: SessionChangeBody, *, at: datetime, author: str, say: Callable[[str], str]
) -> Session:
    """Move or rename a session, within a transaction; raises as `change_session` does."""
    before = show_rows.load_session(db, session_id)
    if before.state not in CHANGEABLE:
        raise Conflict(
            say("The session is on air or over, or was cancelled, so it is not changed any more."),
            hint=say("Plan another one, or announce it again first."),
        )
    return change_plan(db, before, _changed(before, body), at=at, author=author)


def shift_days(starts_at: datetime, days: int, zone: str) -> datetime:
    """A start so many days later, at the same time of day in a zone; UTC."""
    local = starts_at.astimezone(ZoneInfo(zone))
    return resolve_wall(local.date() + timedelta(days=days), local.time(), zone)[0]


def _changed(before: Session, body: SessionChangeBody) -> Session:
    zone = before.zone if body.zone is None else body.zone
    require_zone(zone, what="zone")
    return replace(
        before,
        title=before.title if body.title is None else clean_line(body.title, max_length=_MAX_TITLE, what="title"),
        starts_at=before.starts_at if body.starts_at is None else parse_instant(body.starts_at),
        zone=zone,
        planned_minutes=before.planned_minutes if body.planned_minutes is None else body.planned_minutes,
        participants=before.participants if body.participants is None else _people(body.participants),
        call=before.call if body.call is None else _clean_call(body.call),
        call_until=before.call_until if body.call_until is None else _read_until(body.call_until),
    )


def _clean_call(text: str) -> str:
    return clean_text(text, max_length=_MAX_ABOUT, what="call") if clean_or_empty(text) else ""


def _read_until(text: str) -> datetime | None:
    return parse_instant(text) if text else None
