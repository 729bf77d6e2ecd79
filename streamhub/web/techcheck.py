"""The tech check: behind a personal link somebody sees whether camera, microphone, speaker and line will do.

Everything is measured in the browser, against this hub, and stays there; kept is one word, "fine" or "help", and only
when the person sends it. What is measured is bounded: a block of at most a mebibyte a time, some dozens a minute.
"""

from __future__ import annotations

import logging
import os
from functools import cache

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import BadInput
from streamhub.store import techchecks as rows
from streamhub.store.techchecks import TechCheck, Verdict
from streamhub.web import access, desk
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.budget import Spending
from streamhub.web.hub import hub_of
from streamhub.web.me import load_me
from streamhub.web.my_dates import list_my_dates
from streamhub.web.pages import keep_language, keep_private, render_page, see_other, words_of
from streamhub.web.security import CAPTURES, MAX_BLOCK_BYTES, read_form

LOG = logging.getLogger("streamhub.web")
_PIECE_BYTES = 64 * 1024

routes = web.RouteTableDef()


@cache
def _block() -> bytes:
    """Bytes that no line makes smaller; the same for everybody, for they mean nothing."""
    return os.urandom(MAX_BLOCK_BYTES)


@routes.get("/me/{token}/check")
@allow(Action.SEE_OWN)
async def show_check(request: web.Request) -> web.StreamResponse:
    """The page; it alone may ask for camera and microphone."""
    person, hub = await load_me(request), hub_of(request)
    request[CAPTURES] = True
    response = render_page(
        request,
        "check.html",
        default_language=person.language,
        person=person,
        at=f"/me/{request.match_info['token']}",
        block_bytes=MAX_BLOCK_BYTES,
        known=await hub.store.read(lambda db: rows.list_checks(db).get(person.id)),
        said=request.query.get("said", ""),
        form_token=access.form_token(hub, actor_of(request)),
    )
    keep_language(request, response)
    keep_private(response)
    return response


@routes.post("/me/{token}/check")
@allow(Action.CHANGE_OWN)
async def tell_check(request: web.Request) -> web.StreamResponse:
    """Tell the hosts that all is fine, or that somebody needs help."""
    person, hub, form = await load_me(request), hub_of(request), await read_form(request)
    word, at = form.get("verdict", ""), hub.now()
    if word not in set(Verdict):
        raise BadInput(f"verdict {word!r}: there is none", hint="use the buttons of the page")
    check = TechCheck(person_id=person.id, verdict=Verdict(word), at=at)

    def save(db: Database) -> list[str]:
        rows.save_check(db, check)
        return [one.session.id for one in list_my_dates(db, hub.secret, person, now=at) if one.open]

    for session_id in await hub.store.write(save):
        desk.tell(request, session_id)
    LOG.info("web.tech_check verdict=%s", check.verdict)
    return see_other(f"{request.path}?said={check.verdict}#said")


@routes.get("/me/{token}/check/down")
@allow(Action.SEE_OWN)
async def send_block(request: web.Request) -> web.StreamResponse:
    """Bytes to time; ``size`` says how many, at most a mebibyte."""
    await load_me(request)
    await _spend(request)
    wanted = request.query.get("size", "")
    size = min(int(wanted), MAX_BLOCK_BYTES) if wanted.isascii() and wanted.isdigit() and len(wanted) < 9 else 1
    headers = {"Cache-Control": "no-store", "Content-Encoding": "identity"}
    return web.Response(body=_block()[:size], content_type="application/octet-stream", headers=headers)


@routes.post("/me/{token}/check/up")
@allow(Action.CHANGE_OWN)
async def take_block(request: web.Request) -> web.StreamResponse:
    """Take bytes, count them, and keep none."""
    await load_me(request)
    await _spend(request)
    count = 0
    async for piece in request.content.iter_chunked(_PIECE_BYTES):
        count += len(piece)
        if count > MAX_BLOCK_BYTES:
            raise web.HTTPRequestEntityTooLarge(max_size=MAX_BLOCK_BYTES, actual_size=count)
    return web.json_response({"bytes": count})


async def _spend(request: web.Request) -> None:
    say = words_of(request)
    message = say("The line was measured very often. Please wait a minute.")
    await request.app[desk.BUDGET].spend(request, Spending.CHECK, message)
