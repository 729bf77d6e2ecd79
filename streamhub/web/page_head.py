"""The head of a session's page, the same for all readers of one language: made once a second, however many ask.

When a session goes live or ends, every open page fetches its head anew, thousands within seconds. What is made for one
of them serves all: it holds no reader's own votes, and none of the questions, which the pages have already.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace

from aiohttp import web

from streamhub.web.access import Action, allow
from streamhub.web.audience import render_session, see_page
from streamhub.web.hub import hub_of
from streamhub.web.pages import language_of

FRESH_S = 1.0
_MOST = 200

routes = web.RouteTableDef()


@dataclass(frozen=True, slots=True)
class _Head:
    made_at_s: float
    body: asyncio.Task[bytes]


HEADS: web.AppKey[dict[tuple[str, str], _Head]] = web.AppKey("heads", dict)


@routes.get("/s/{session_id}/head")
@allow(Action.SEE_PUBLIC)
async def head(request: web.Request) -> web.StreamResponse:
    """The session's page without its questions, for the script that keeps an open page fresh."""
    heads, key = request.app[HEADS], (request.match_info["session_id"], language_of(request))
    known = heads.get(key)
    if known is None or time.monotonic() - known.made_at_s >= FRESH_S:
        if len(heads) >= _MOST:
            heads.clear()
        known = heads[key] = _Head(time.monotonic(), asyncio.create_task(_make(request)))
    body = await asyncio.shield(known.body)
    headers = {"Cache-Control": "public, max-age=1", "Vary": "Accept-Language, Cookie"}
    return web.Response(body=body, content_type="text/html", charset="utf-8", headers=headers)


async def _make(request: web.Request) -> bytes:
    seen = await see_page(hub_of(request), request.match_info["session_id"])
    page = render_session(request, replace(seen, questions=()), form={}, error=None, status=200, shared=True)
    return bytes(page.body) if isinstance(page.body, bytes) else str(page.text).encode()


def prepare(app: web.Application) -> None:
    """Give the application a place to keep heads in."""
    app[HEADS] = {}
