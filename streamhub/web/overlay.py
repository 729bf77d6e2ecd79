"""The overlay: a page for a browser source of an encoder, which shows the question that is on air and nothing else.

It needs no login: whoever has the session's address with its key sees what viewers see anyway. A key is signed, belongs
to one session, and is worthless once a host makes a new one. The page says when it has really drawn a question; that is
a witness of its own beside the host's button.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import NotFound
from streamhub.live.mark import Mark, MarkKind, Witness
from streamhub.questions.question import Question, QuestionState
from streamhub.store import marks as mark_rows
from streamhub.store import public as public_rows
from streamhub.store import stage as stage_rows
from streamhub.text import new_id
from streamhub.timecode import format_instant
from streamhub.web import desk
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.bodies import ShownBody, read_body
from streamhub.web.budget import Spending
from streamhub.web.events import BROADCASTER
from streamhub.web.hub import Hub, hub_of
from streamhub.web.pages import language_of, render_page, see_other, words_of
from streamhub.web.security import read_form
from streamhub.web.signing import sign, unsign
from streamhub.web.views import Json

LOG = logging.getLogger("streamhub.web")
POLL_S = 5.0
STYLE_FILE = "overlay.css"
MAX_STYLE_BYTES = 256 * 1024
_NONCE_LENGTH = 26

routes = web.RouteTableDef()


@dataclass(frozen=True, kw_only=True, slots=True)
class OnAir:
    """What an overlay draws.

    Attributes:
        question: the question that is on air.
        since: since when, UTC; tells one airing of a question from the next.
    """

    question: Question
    since: datetime


def overlay_key(hub: Hub, session_id: str, nonce: str) -> str:
    """The key in the address of a session's overlay."""
    return sign(hub.secret, f"overlay:{session_id}", nonce)


def overlay_url(request: web.Request, session_id: str, nonce: str) -> str:
    """The address for the encoder's browser source; empty while there is none."""
    hub = hub_of(request)
    base = hub.settings.url.rstrip("/") or str(request.url.origin())
    return f"{base}/overlay/{session_id}?key={overlay_key(hub, session_id, nonce)}" if nonce else ""


async def _require_key(request: web.Request) -> tuple[str, str]:
    """The session's id and the key's nonce.

    Raises:
        NotFound: no such session, or the key is wrong or was revoked; which of them is not told.
    """
    hub, session_id = hub_of(request), request.match_info["session_id"]
    nonce = unsign(hub.secret, f"overlay:{session_id}", request.query.get("key", ""))
    known = await hub.store.read(lambda db: stage_rows.load_overlay_nonce(db, session_id)) if nonce else ""
    if not nonce or nonce != known:
        say = words_of(request)
        raise NotFound(say("This overlay's address is not valid any more."), hint=say("Copy it from the console anew."))
    return session_id, nonce


def find_on_air(db: Database, session_id: str) -> OnAir | None:
    """The question that is on air in a session, or None."""
    session = public_rows.preview_session(db, session_id)
    found = public_rows.list_questions(db, session, states={QuestionState.ON_AIR})
    if not found:
        return None
    since = mark_rows.find_on_air_since(db, found[0].id)
    return OnAir(question=found[0], since=since) if since is not None else None


def on_air_json(on_air: OnAir | None) -> Json | None:
    """What an overlay is told: the words, and the name only where its asker wants it shown."""
    if on_air is None:
        return None
    question = on_air.question
    return {
        "id": question.id,
        "since": format_instant(on_air.since),
        "text": question.text,
        "asker": question.asker.public_name,
        "language": question.language,
    }


async def _read(hub: Hub, session_id: str, nonce: str) -> Json:
    def read(db: Database) -> Json:
        if stage_rows.load_overlay_nonce(db, session_id) != nonce:
            return {"on_air": None, "revoked": True}
        return {"on_air": on_air_json(find_on_air(db, session_id)), "revoked": False}

    return await hub.store.read(read)


@routes.get("/overlay/style.css")
@allow(Action.USE_OVERLAY)
async def style(request: web.Request) -> web.StreamResponse:
    """The workspace's own style of overlays, ``site/overlay.css``; empty where there is none."""
    folder = hub_of(request).site_dir
    text = await asyncio.to_thread(_read_style, folder / STYLE_FILE) if folder else ""
    return web.Response(text=text, content_type="text/css", charset="utf-8", headers={"Cache-Control": "no-cache"})


def _read_style(path: Path) -> str:
    try:
        return path.read_bytes()[:MAX_STYLE_BYTES].decode("utf-8", "replace")
    except OSError:
        return ""


@routes.get("/overlay/{session_id}")
@allow(Action.USE_OVERLAY)
async def page(request: web.Request) -> web.StreamResponse:
    """The page; what it shows comes by events, so that it may stay open for days."""
    session_id, _ = await _require_key(request)
    session = await hub_of(request).store.read(lambda db: public_rows.preview_session(db, session_id))
    response = render_page(
        request,
        "overlay.html",
        default_language=session.language,
        language_now=language_of(request, default=session.language),
        session=session,
        key=request.query["key"],
        witness=not actor_of(request).login,  # a host who looks at it in his own browser is no broadcast
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@routes.get("/overlay/{session_id}/state")
@allow(Action.USE_OVERLAY)
async def state(request: web.Request) -> web.StreamResponse:
    """What is on air now, for an overlay whose line went silent."""
    session_id, nonce = await _require_key(request)
    return web.json_response(await _read(hub_of(request), session_id, nonce), headers={"Cache-Control": "no-store"})


@routes.get("/overlay/{session_id}/events")
@allow(Action.USE_OVERLAY)
async def events(request: web.Request) -> web.StreamResponse:
    """Live updates of what is on air; the format stands in `streamhub.web.events`."""
    session_id, nonce = await _require_key(request)
    hub, say = hub_of(request), words_of(request)
    gone = request.app[desk.BUDGET].open_stream(request, lambda: say("Too many pages are open from your connection."))
    name = f"{desk.overlay_channel(session_id)}{nonce}"
    return await request.app[BROADCASTER].serve(
        request, name, lambda: _read(hub, session_id, nonce), poll_s=POLL_S, gone=gone
    )


@routes.post("/overlay/{session_id}/shown")
@allow(Action.USE_OVERLAY)
async def shown(request: web.Request) -> web.StreamResponse:
    """Keep that the overlay has really drawn a question; saying it twice keeps it once, saying it late nothing."""
    session_id, _ = await _require_key(request)
    hub, say = hub_of(request), words_of(request)
    await request.app[desk.BUDGET].spend(request, Spending.OVERLAY, say("Too many attempts. Please wait a moment."))
    body = await read_body(request, ShownBody)
    at = hub.now()

    def keep(db: Database) -> bool:
        on_air = find_on_air(db, session_id)
        if on_air is None or (on_air.question.id, format_instant(on_air.since)) != (body.question, body.since):
            return False
        if mark_rows.was_shown(db, body.question, since=on_air.since):
            return True
        mark_rows.insert_mark(
            db,
            Mark(
                session_id=session_id,
                question_id=body.question,
                kind=MarkKind.ON_AIR,
                at=at,
                witness=Witness.OVERLAY,
                author="overlay",
            ),
        )
        return True

    counted = await hub.store.write(keep)
    LOG.info("web.overlay_shown session_id=%s question_id=%s counted=%s", session_id, body.question[:40], counted)
    return web.json_response({"counted": counted})


@routes.post("/host/s/{session_id}/overlay/{key_turn:make|revoke}")
@allow(Action.RUN_SHOW)
async def change_key(request: web.Request) -> web.StreamResponse:
    """Make a new address for the overlay, which ends the old one, or end it alone."""
    hub, session_id, verb = hub_of(request), request.match_info["session_id"], request.match_info["key_turn"]
    author, at, nonce = actor_of(request).person, hub.now(), new_id(hub.random, length=_NONCE_LENGTH)
    await read_form(request)

    def do(db: Database) -> None:
        public_rows.preview_session(db, session_id)
        if verb == "make":
            stage_rows.save_overlay_nonce(db, session_id, nonce, at=at, author=author)
        else:
            stage_rows.delete_overlay_nonce(db, session_id, at=at, author=author)

    await hub.store.write(do)
    LOG.info("web.overlay_key session_id=%s verb=%s person=%s", session_id, verb, author)
    desk.notify(request.app, session_id)
    return see_other(f"/host/s/{session_id}#overlay")
