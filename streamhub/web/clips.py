"""Clips on the hosts' pages: ordered, stopped, and fetched, those of drafts too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from streamhub.web.access import Action, allow
from streamhub.web.hub import hub_of

if TYPE_CHECKING:
    from streamhub.web.review import Desk

routes = web.RouteTableDef()


async def order_clip(at: Desk) -> str:
    """Have a clip of the answer made; it is looked at further."""
    await at.hub.clips.order(at.session_id, [at.answer_id], author=at.author)
    return at.answer_id


async def order_clips(at: Desk) -> str:
    """Have clips of all published answers made."""
    await at.hub.clips.order(at.session_id, [], author=at.author)
    return at.answer_id


async def stop_clips(at: Desk) -> str:
    """Stop the making of clips."""
    await at.hub.clips.cancel(at.session_id, author=at.author)
    return at.answer_id


@routes.get("/host/s/{session_id}/clips/{name}")
@allow(Action.PUBLISH)
async def clip_file(request: web.Request) -> web.StreamResponse:
    """A file of a clip; nobody keeps a copy on the way, for it may be a draft's."""
    session_id, name = request.match_info["session_id"], request.match_info["name"]
    path = await hub_of(request).clips.find_file(session_id, name)
    return web.FileResponse(path, headers={"Cache-Control": "private, no-store"})
