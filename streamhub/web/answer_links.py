"""The links with which participants answer in writing, as hosts make them on the console.

What a link is worth stands in `streamhub.web.proving`.
"""

from __future__ import annotations

import logging

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import NotFound
from streamhub.schedule.show import Participant, Role, Session
from streamhub.store import shows as show_rows
from streamhub.store.log import log_action
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.host import person_context
from streamhub.web.hub import hub_of
from streamhub.web.pages import keep_language, render_page
from streamhub.web.proving import make_answer_link

LOG = logging.getLogger("streamhub.web")

routes = web.RouteTableDef()


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
