"""Participants without an account: their personal link, and what of a session waits for their answer.

``/s/<session>/as`` shows a button to whoever brings a link, and afterwards the questions that wait. Hosts make the
links on the console. What a link is worth stands in `streamhub.web.proving`.
"""

from __future__ import annotations

import logging
from typing import Any

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import NotFound, NotSignedIn
from streamhub.questions.question import Question
from streamhub.questions.rules import VOTABLE_STATES, plan_order
from streamhub.schedule.show import Participant, Role, Session
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.store.log import log_action
from streamhub.web import access, desk
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.budget import Spending
from streamhub.web.host import person_context
from streamhub.web.hub import hub_of
from streamhub.web.pages import keep_language, render_page, see_other, words_of
from streamhub.web.proving import keep_participant, known_participant, make_answer_link, read_answer_link
from streamhub.web.security import read_form

LOG = logging.getLogger("streamhub.web")

routes = web.RouteTableDef()


async def _load(request: web.Request) -> tuple[Session, list[Question]]:
    session_id = request.match_info["session_id"]

    def read(db: Database) -> tuple[Session, list[Question]]:
        session = desk.require_public(db, session_id)
        return session, question_rows.list_questions(db, session_id, states=VOTABLE_STATES)

    return await hub_of(request).store.read(read)


@routes.get("/s/{session_id}/as")
@allow(Action.SEE_PUBLIC)
async def show_link(request: web.Request) -> web.StreamResponse:
    """Show a button to whoever brings a link, and the questions that wait to whoever pressed it."""
    hub = hub_of(request)
    session, waiting = await _load(request)
    token = request.query.get("token", "")
    person = read_answer_link(hub, session, token) if token else known_participant(request, session)
    if person is None:
        raise NotSignedIn(f"session {session.id}: no valid personal link", hint="ask the host for a new one")
    context: dict[str, Any] = {
        "session": session,
        "person": person,
        "token": token,
        "questions": plan_order(waiting),
        "form_token": access.form_token(hub, actor_of(request)),
    }
    response = render_page(request, "as.html", default_language=session.language, **context)
    keep_language(request, response)
    response.headers["Cache-Control"] = "no-store"
    return response


@routes.post("/s/{session_id}/as")
@allow(Action.ENTER)
async def use_link(request: web.Request) -> web.StreamResponse:
    """Remember in this browser who uses the session's pages."""
    say = words_of(request)
    await request.app[desk.BUDGET].spend(request, Spending.ENTRY, say("Too many attempts. Please wait a moment."))
    session, _ = await _load(request)
    token = (await read_form(request)).get("token", "")
    person = read_answer_link(hub_of(request), session, token)
    if person is None:
        raise NotSignedIn(f"session {session.id}: no valid personal link", hint="ask the host for a new one")
    response = see_other(f"/s/{session.id}/as")
    keep_participant(request, response, session, person)
    LOG.info("web.link_used session_id=%s role=%s", session.id, person.role)
    return response


@routes.post("/s/{session_id}/as/leave")
@allow(Action.ENTER)
async def forget_link(request: web.Request) -> web.StreamResponse:
    """Forget in this browser who used the session's pages."""
    session, _ = await _load(request)
    response = see_other(f"/s/{session.id}")
    keep_participant(request, response, session, None)
    return response


async def _make_link(request: web.Request) -> tuple[Session, Participant, str]:
    hub, session_id, position = hub_of(request), request.match_info["session_id"], int(request.match_info["position"])
    at, author = hub.now(), actor_of(request).person

    def make(db: Database) -> tuple[Session, Participant]:
        session = show_rows.load_session(db, session_id)
        if position >= len(session.participants):
            raise NotFound(f"session {session_id}: no participant {position}", hint="reload the page")
        person = session.participants[position]
        log_action(
            db,
            at=at,
            author=author,
            action="answer_link.make",
            object_kind="session",
            object_id=session_id,
            details={"participant": position, "role": person.role.value},
        )
        return session, person

    session, person = await hub.store.write(make)
    LOG.info("web.link_made session_id=%s participant=%d person=%s", session_id, position, author)
    return session, person, make_answer_link(request, session, person)


@routes.get("/host/s/{session_id}/people")
@allow(Action.CURATE)
async def list_people(request: web.Request) -> web.StreamResponse:
    """The participants who may get a personal link."""
    session_id = request.match_info["session_id"]
    session = await hub_of(request).store.read(lambda db: show_rows.load_session(db, session_id))
    response = _render_people(request, session, person=None, url="")
    keep_language(request, response)
    return response


@routes.post(r"/host/s/{session_id}/people/{position:\d{1,3}}/link")
@allow(Action.CURATE)
async def make_link(request: web.Request) -> web.StreamResponse:
    """Make a participant's personal link and show it, once."""
    session, person, url = await _make_link(request)
    return _render_people(request, session, person=person, url=url)


def _render_people(request: web.Request, session: Session, *, person: Participant | None, url: str) -> web.Response:
    guests = [(at, one) for at, one in enumerate(session.participants) if one.role is not Role.HOST]
    host = person_context(hub_of(request), actor_of(request))
    return render_page(request, "answer_link.html", session=session, person=person, url=url, guests=guests, **host)


@routes.post(r"/api/v1/host/sessions/{session_id}/people/{position:\d{1,3}}/link")
@allow(Action.CURATE)
async def make_link_by_api(request: web.Request) -> web.StreamResponse:
    """Make a participant's personal link; ``position`` counts the session's participants from 0."""
    _, person, url = await _make_link(request)
    return web.json_response({"name": person.name, "role": person.role.value, "url": url}, status=201)
