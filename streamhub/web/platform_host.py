"""Hosts and live platforms: try again, make again, the key of a direct show, the video's description, the chat.

Forms and programs alike; every form leads back to the console. What happens on the platform happens behind the roles
of `streamhub.web.services`. Whatever stands beside a session is read in `streamhub.web.aside`.
"""

from __future__ import annotations

import logging

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import Conflict
from streamhub.schedule.show import Session
from streamhub.store import shows as show_rows
from streamhub.store.log import log_action
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.aside import account_json, aside_json, read_aside
from streamhub.web.bodies import ChatLineBody, read_body
from streamhub.web.desk import notify
from streamhub.web.host import person_context
from streamhub.web.hub import Hub, hub_of
from streamhub.web.pages import keep_language, render_page, see_other, words_of
from streamhub.web.security import read_form

LOG = logging.getLogger("streamhub.web")
_API = "/api/v1/host"
_MAX_REF = 500

routes = web.RouteTableDef()


async def _load(request: web.Request) -> Session:
    session_id = request.match_info["session_id"]
    return await hub_of(request).store.read(lambda db: show_rows.load_session(db, session_id))


async def _log(request: web.Request, session: Session, action: str, **details: str) -> None:
    hub, author = hub_of(request), actor_of(request).person
    at = hub.now()

    def log(db: Database) -> None:
        log_action(
            db, at=at, author=author, action=action, object_kind="session", object_id=session.id, details=details
        )

    await hub.store.write(log)
    LOG.info("web.%s session_id=%s person=%s", action.replace(".", "_"), session.id, author)
    notify(request.app, session.id)


async def _steer(request: web.Request) -> Session:
    """Try again what failed on the platform, or make a deleted broadcast again."""
    hub, deed, session = hub_of(request), request.match_info["deed"], await _load(request)
    await (hub.platforms.retry if deed == "retry" else hub.platforms.remake)(session.id)
    await _log(request, session, f"platform.{deed}")
    return session


@routes.post("/host/s/{session_id}/platform/{deed:retry|remake}")
@allow(Action.STEP_SESSION)
async def steer(request: web.Request) -> web.StreamResponse:
    """Try again, or make again, from a button."""
    return see_other(f"/host/s/{(await _steer(request)).id}#platform")


@routes.post(f"{_API}/sessions/{{session_id}}/platform/{{deed:retry|remake}}")
@allow(Action.STEP_SESSION)
async def steer_by_api(request: web.Request) -> web.StreamResponse:
    """Try again, or make again."""
    return await _answer(hub_of(request), await _steer(request))


async def _answer(hub: Hub, session: Session) -> web.Response:
    return web.json_response(aside_json(await read_aside(hub, session)))


@routes.get(f"{_API}/sessions/{{session_id}}/platform")
@allow(Action.SEE_CONSOLE)
async def get_platform(request: web.Request) -> web.StreamResponse:
    """What stands beside a session: its platform, its videos, its chat."""
    return await _answer(hub_of(request), await _load(request))


@routes.get("/host/s/{session_id}/key")
@allow(Action.SEE_STREAM_KEY)
async def show_key(request: web.Request) -> web.StreamResponse:
    """Address and key of a direct show on its platform, asked for when somebody wants to see them."""
    hub, session, say = hub_of(request), await _load(request), words_of(request)
    view = await hub.platforms.view(session.id)
    if view is None or not view.direct:
        raise Conflict(say("The encoder of this session pushes to the hub; its key stands on the console."))
    ingest = await hub.platforms.ingest(session.id)
    person = person_context(hub, actor_of(request))
    response = render_page(request, "key.html", session=session, view=view, ingest=ingest, **person)
    keep_language(request, response)
    return response


async def _wish(request: web.Request) -> Session:
    """Let the descriptions of a session's videos follow the archive, or leave them alone."""
    hub, wanted, session = hub_of(request), request.match_info["wanted"], await _load(request)
    author = actor_of(request).person
    await (hub.videos.approve if wanted == "approve" else hub.videos.decline)(session.id, author=author)
    await _log(request, session, f"video.{wanted}")
    return session


@routes.post("/host/s/{session_id}/video/{wanted:approve|decline}")
@allow(Action.PUBLISH)
async def wish(request: web.Request) -> web.StreamResponse:
    """Write the description, or leave it alone, from a button."""
    return see_other(f"/host/s/{(await _wish(request)).id}#video")


@routes.post(f"{_API}/sessions/{{session_id}}/video/{{wanted:approve|decline}}")
@allow(Action.PUBLISH)
async def wish_by_api(request: web.Request) -> web.StreamResponse:
    """Write the description, or leave it alone."""
    return await _answer(hub_of(request), await _wish(request))


async def _take(request: web.Request, session: Session, ref: str) -> str:
    author = actor_of(request).person
    question_id = await hub_of(request).chat.take(session.id, ref[:_MAX_REF], author=author)
    LOG.info("web.chat_taken session_id=%s question_id=%s person=%s", session.id, question_id, author)
    notify(request.app, session.id)
    return question_id


@routes.post("/host/s/{session_id}/chat/take")
@allow(Action.CURATE)
async def take(request: web.Request) -> web.StreamResponse:
    """Make a line of the chat a question, from its button."""
    session = await _load(request)
    question_id = await _take(request, session, (await read_form(request)).get("line", ""))
    return see_other(f"/host/s/{session.id}#q-{question_id}")


@routes.post(f"{_API}/sessions/{{session_id}}/chat/take")
@allow(Action.CURATE)
async def take_by_api(request: web.Request) -> web.StreamResponse:
    """Make a line of the chat a question."""
    session = await _load(request)
    body = await read_body(request, ChatLineBody)
    return web.json_response({"question_id": await _take(request, session, body.line)}, status=201)


@routes.get(f"{_API}/accounts")
@allow(Action.SEE_CONSOLE)
async def list_accounts(request: web.Request) -> web.StreamResponse:
    """Whom the hub is signed in as, and what today cost."""
    accounts = await hub_of(request).platforms.accounts()
    return web.json_response({"accounts": [account_json(account) for account in accounts]})
