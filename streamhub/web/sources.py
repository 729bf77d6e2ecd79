"""The sources of a session, for hosts and their programs: what it listens to elsewhere, added, switched and removed.

Reading them happens behind `streamhub.web.services.Sources`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from aiohttp import web

from streamhub.errors import BadInput, Conflict, StreamhubError
from streamhub.store import shows as show_rows
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.bodies import SourceBody, read_body
from streamhub.web.desk import notify
from streamhub.web.host import person_context
from streamhub.web.hub import hub_of
from streamhub.web.listening import offer_json, sources_json, tell_source
from streamhub.web.pages import keep_language, language_of, render_page, see_other, words_of
from streamhub.web.security import read_form

LOG = logging.getLogger("streamhub.web")
_API = "/api/v1/host/sessions/{session_id}/sources"

routes = web.RouteTableDef()


@routes.get("/host/s/{session_id}/sources")
@allow(Action.SEE_CONSOLE)
async def show_sources(request: web.Request) -> web.StreamResponse:
    """What the session listens to, and a form for one more."""
    return await _render(request, form={}, error=None, status=200)


async def _render(
    request: web.Request, *, form: Mapping[str, str], error: StreamhubError | None, status: int
) -> web.StreamResponse:
    hub, session_id, say = hub_of(request), request.match_info["session_id"], words_of(request)
    session = await hub.store.read(lambda db: show_rows.load_session(db, session_id))
    response = render_page(
        request,
        "sources.html",
        status=status,
        session=session,
        listening=await hub.sources.view(session_id),
        offers=hub.sources.offered(),
        tell_source=lambda source: tell_source(source, say),
        form=form,
        error=error,
        now=hub.now(),
        language_now=language_of(request),
        **person_context(hub, actor_of(request)),
    )
    keep_language(request, response)
    return response


@routes.post("/host/s/{session_id}/sources")
@allow(Action.PLAN)
async def add_source(request: web.Request) -> web.StreamResponse:
    """Listen to one more source, from the form."""
    form = await read_form(request)
    body = SourceBody(kind=form.get("kind", ""), address=form.get("address", ""))
    try:
        await _add(request, body)
    except (BadInput, Conflict) as error:
        return await _render(request, form=form, error=error, status=error.http_status)
    return see_other(f"/host/s/{request.match_info['session_id']}/sources")


async def _add(request: web.Request, body: SourceBody) -> str:
    hub, session_id, author = hub_of(request), request.match_info["session_id"], actor_of(request).person
    source_id = await hub.sources.add(session_id, body.kind, body.address, author=author)
    LOG.info("web.source_added session_id=%s source=%s person=%s", session_id, source_id, author)
    notify(request.app, session_id)
    return source_id


@routes.post("/host/s/{session_id}/sources/{source_id}/{turn:on|off|read|remove}")
@allow(Action.PLAN)
async def change_source(request: web.Request) -> web.StreamResponse:
    """Switch a source, read it now, or remove it, from a button."""
    await _change(request)
    return see_other(f"/host/s/{request.match_info['session_id']}/sources")


async def _change(request: web.Request) -> None:
    hub, author = hub_of(request), actor_of(request).person
    session_id, source_id, turn = (request.match_info[name] for name in ("session_id", "source_id", "turn"))
    if turn == "read":
        await hub.sources.read_now(session_id, source_id)
        return
    if turn == "remove":
        await hub.sources.remove(session_id, source_id, author=author)
    else:
        await hub.sources.switch(session_id, source_id, on=turn == "on", author=author)
    LOG.info("web.source_changed session_id=%s source=%s turn=%s person=%s", session_id, source_id, turn, author)
    notify(request.app, session_id)


@routes.get(_API)
@allow(Action.SEE_CONSOLE)
async def list_sources(request: web.Request) -> web.StreamResponse:
    """A session's sources with their states, what came in beside questions, and the kinds that it may listen to."""
    return await _answer(request)


async def _answer(request: web.Request, *, status: int = 200) -> web.Response:
    sources = hub_of(request).sources
    view = await sources.view(request.match_info["session_id"])
    kinds = [offer_json(offer) for offer in sources.offered()]
    return web.json_response({**sources_json(view), "kinds": kinds}, status=status)


@routes.post(_API)
@allow(Action.PLAN)
async def add_source_by_api(request: web.Request) -> web.StreamResponse:
    """Listen to one more source."""
    await _add(request, await read_body(request, SourceBody))
    return await _answer(request, status=201)


@routes.post(_API + "/{source_id}/{turn:on|off|read|remove}")
@allow(Action.PLAN)
async def change_source_by_api(request: web.Request) -> web.StreamResponse:
    """Switch a source, read it now, or remove it."""
    await _change(request)
    return await _answer(request)
