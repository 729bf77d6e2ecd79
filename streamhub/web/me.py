"""A person's own page, behind a personal link: when it suits, and what he is asked. No account, no cookie.

Looking at the page changes nothing, because mail scanners look at links; each form posts to an address under the same
link. A link is worthless once hosts made a new one, or deleted the person. Other people's addresses are never here.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import BadInput, Conflict, NotFound, OldLink, StreamhubError
from streamhub.schedule.invitation import Reply
from streamhub.schedule.itip import render_feed
from streamhub.schedule.people import Fit, Person
from streamhub.schedule.poll import Poll, Suits
from streamhub.schedule.show import Session
from streamhub.store import people as rows
from streamhub.store import polls as poll_rows
from streamhub.store import shows as show_rows
from streamhub.web import access, desk
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.calendar_form import keep_typed, load_calendar_view, save_calendar_form
from streamhub.web.hub import hub_of
from streamhub.web.links import read_me
from streamhub.web.my_dates import list_my_dates, plan_appointment, save_answer
from streamhub.web.pages import keep_language, keep_private, language_of, render_page, see_other, words_of
from streamhub.web.people import links_of
from streamhub.web.people_form import HOURS, parse_away, parse_week, plan_away_rows, read_away_rows
from streamhub.web.polls import list_clashes, parse_poll_answer
from streamhub.web.security import read_form
from streamhub.web.series_form import name_days

LOG = logging.getLogger("streamhub.web")
_SAID = frozenset({"week", "away", "answered", "polled", "calendar"})

routes = web.RouteTableDef()


def require_person(db: Database, secret: bytes, token: str) -> Person:
    """The person whose link this is.

    Raises:
        NotFound: we made no such link, or its person was deleted.
        OldLink: hosts made a new one since.
    """
    found = read_me(secret, token)
    person = rows.find_person(db, found[0]) if found else None
    if person is None or found is None:
        raise NotFound("personal page: no valid link", hint="ask the host for a new one")
    if person.link_version != found[1]:
        raise OldLink("personal page: this link was replaced by a new one", language=person.language)
    return person


async def load_me(request: web.Request) -> Person:
    """The person whose page a request is about.

    Raises:
        NotFound: the link is worthless.
    """
    hub, token = hub_of(request), request.match_info["token"]
    return await hub.store.read(lambda db: require_person(db, hub.secret, token))


@routes.get("/me/{token}")
@allow(Action.SEE_OWN)
async def show_me(request: web.Request) -> web.StreamResponse:
    """The page."""
    response = await render_me(request, await load_me(request))
    keep_language(request, response)
    return response


@routes.post("/me/{token}/week")
@allow(Action.CHANGE_OWN)
async def keep_week(request: web.Request) -> web.StreamResponse:
    """Keep the hours that were ticked."""
    person, hours = await load_me(request), parse_week(await read_form(request))
    await hub_of(request).store.write(lambda db: rows.save_week(db, person.id, hours))
    return _back(request, "week")


@routes.post("/me/{token}/away")
@allow(Action.CHANGE_OWN)
async def keep_away(request: web.Request) -> web.StreamResponse:
    """Keep the days away."""
    person, form = await load_me(request), await read_form(request)
    try:
        away = parse_away(form, say=_words(request, person))
    except BadInput as error:
        return await render_me(request, person, error=error, form=form)
    await hub_of(request).store.write(lambda db: rows.save_absences(db, person.id, away))
    return _back(request, "away")


@routes.post("/me/{token}/calendar")
@allow(Action.CHANGE_OWN)
async def keep_calendar(request: web.Request) -> web.StreamResponse:
    """Keep where a person's own calendar is, or forget it."""
    hub, person, form = hub_of(request), await load_me(request), await read_form(request)
    say = _words(request, person)
    try:
        await hub.store.write(lambda db: save_calendar_form(db, hub.secret, person.id, form, say=say))
    except BadInput as error:
        return await render_me(request, person, error=error, form=form)
    return _back(request, "calendar")


@routes.post("/me/{token}/s/{session_id}")
@allow(Action.CHANGE_OWN)
async def answer_invitation(request: web.Request) -> web.StreamResponse:
    """Keep what a person answers to an invitation, and what he consents to; a no works at once."""
    hub, person, form = hub_of(request), await load_me(request), await read_form(request)
    session_id, now = request.match_info["session_id"], hub.now()

    def save(db: Database) -> bool:
        mine = {one.session.id: one for one in list_my_dates(db, hub.secret, person, now=now)}
        if session_id not in mine:
            raise NotFound(f"personal page: no invitation into {session_id}")
        return save_answer(db, person, session_id, form, at=now, still_open=mine[session_id].open)

    if await hub.store.write(save):
        await hub.gate.follow_words(session_id)
    desk.tell(request, session_id)
    return _back(request, "answered")


@routes.post("/me/{token}/polls/{session_id}")
@allow(Action.CHANGE_OWN)
async def answer_poll(request: web.Request) -> web.StreamResponse:
    """Keep which dates suit a person; the last word counts, until the poll is closed."""
    hub, person, form = hub_of(request), await load_me(request), await read_form(request)
    session_id, say = request.match_info["session_id"], _words(request, person)

    def save(db: Database) -> None:
        poll = poll_rows.find_poll(db, session_id)
        if poll is None or person.id not in poll.people:
            raise NotFound(f"personal page: no poll about {session_id}")
        if poll.closed_at is not None:
            raise Conflict(say("This date is decided already."), hint=say("Write to the host if it does not suit you."))
        poll_rows.save_answers(db, session_id, person.id, parse_poll_answer(form, poll))

    try:
        await hub.store.write(save)
    except Conflict as error:
        return await render_me(request, person, error=error)
    return _back(request, "polled")


@routes.get("/me/{token}/sessions.ics")
@allow(Action.SEE_OWN)
async def my_calendar(request: web.Request) -> web.StreamResponse:
    """A person's sessions as a calendar to subscribe to; what he declined is not in it."""
    hub, person, now = hub_of(request), await load_me(request), hub_of(request).now()
    page_url = links_of(request).me(person.id, person.link_version)
    dates = await hub.store.read(lambda db: list_my_dates(db, hub.secret, person, now=now))
    wanted = [one for one in dates if one.invitation.reply is not Reply.DECLINED]
    body = render_feed(
        f"{hub.settings.name} – {person.name}",
        [plan_appointment(hub.secret, person, one, page_url=page_url) for one in wanted],
    )
    response = web.Response(body=body, content_type="text/calendar", charset="utf-8")
    keep_private(response)
    return response


def _words(request: web.Request, person: Person) -> Any:
    return words_of(request, default=person.language)


def _back(request: web.Request, said: str) -> web.Response:
    LOG.info("web.me_changed what=%s", said)
    return see_other(f"/me/{request.match_info['token']}?said={said}#said")


@dataclass(frozen=True, kw_only=True, slots=True)
class MyPoll:
    """A poll that asks a person and goes on.

    Attributes:
        poll: which.
        session: that it is about.
        said: what he said already.
        clashes: what speaks against a date by what he told before.
    """

    poll: Poll
    session: Session
    said: Mapping[datetime, Suits]
    clashes: Mapping[datetime, Fit]


def _list_my_polls(db: Database, person: Person) -> list[MyPoll]:
    found = []
    for poll in poll_rows.list_polls(db, person_id=person.id, open_only=True):
        session = show_rows.load_session(db, poll.session_id)
        clashes = list_clashes(db, poll.options, [person], minutes=session.planned_minutes)
        found.append(
            MyPoll(
                poll=poll,
                session=session,
                said=poll_rows.list_answers(db, poll.session_id).get(person.id, {}),
                clashes={option: fit for option, known in clashes.items() for _, fit in known},
            )
        )
    return found


async def render_me(
    request: web.Request,
    person: Person,
    *,
    error: StreamhubError | None = None,
    form: Mapping[str, str] | None = None,
) -> web.Response:
    """A person's page as it is now, with what went wrong and what was typed then."""
    hub, now = hub_of(request), hub_of(request).now()
    language = language_of(request, default=person.language)
    availability, calendar, dates, polls = await hub.store.read(
        lambda db: (
            rows.load_availability(db, person.id),
            load_calendar_view(db, hub.secret, person.id),
            list_my_dates(db, hub.secret, person, now=now),
            _list_my_polls(db, person),
        )
    )
    links = links_of(request)
    said = request.query.get("said", "")
    response = render_page(
        request,
        "me.html",
        status=error.http_status if error else 200,
        default_language=person.language,
        person=person,
        at=f"/me/{request.match_info['token']}",
        dates=dates,
        polls=polls,
        calendar_url=links.my_dates(person.id, person.link_version),
        availability=availability,
        calendar=calendar,
        away_rows=read_away_rows(form) if form and "first0" in form else plan_away_rows(availability),
        typed_calendar=keep_typed(form),
        hours=HOURS,
        days=name_days(language),
        said=said if said in _SAID else "",
        error=error,
        now=now,
        form_token=access.form_token(hub, actor_of(request)),
    )
    keep_private(response)
    return response
