"""Participants without an account: their personal link, and what of a session waits for their answer.

``/s/<session>/as`` shows a button to whoever brings a link, and afterwards the questions that wait. Hosts make the
links (`streamhub.web.answer_links`). What a link is worth stands in `streamhub.web.proving`.
"""

from __future__ import annotations

import logging
from typing import Any

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import NotSignedIn
from streamhub.questions.question import Question
from streamhub.questions.rules import VOTABLE_STATES, plan_order
from streamhub.schedule.public import PublicSession
from streamhub.schedule.show import Participant
from streamhub.store import public as public_rows
from streamhub.web import access, desk
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.budget import Spending
from streamhub.web.hub import hub_of
from streamhub.web.pages import keep_language, render_page, see_other, words_of
from streamhub.web.proving import keep_participant, known_participant, read_answer_link
from streamhub.web.security import read_form

LOG = logging.getLogger("streamhub.web")

routes = web.RouteTableDef()


async def _load(request: web.Request) -> tuple[PublicSession, list[Question]]:
    session_id = request.match_info["session_id"]

    def read(db: Database) -> tuple[PublicSession, list[Question]]:
        session = public_rows.load_session(db, session_id)
        return session, public_rows.list_questions(db, session, states=VOTABLE_STATES)

    return await hub_of(request).store.read(read)


@routes.get("/s/{session_id}/as")
@allow(Action.SEE_PUBLIC)
async def show_link(request: web.Request) -> web.StreamResponse:
    """Show a button to whoever brings a link, and the questions that wait to whoever pressed it."""
    hub = hub_of(request)
    session, waiting = await _load(request)
    token = request.query.get("token", "")

    def find(db: Database) -> Participant | None:
        known = known_participant(request, db, session.id)
        return read_answer_link(hub, db, session.id, token) if token else known

    person = await hub.store.read(find)
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
    hub, (session, _) = hub_of(request), await _load(request)
    token = (await read_form(request)).get("token", "")
    person = await hub.store.read(lambda db: read_answer_link(hub, db, session.id, token))
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
