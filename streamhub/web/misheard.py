"""A session that was heard in a language that nobody speaks in it: hosts are told, and have it heard again.

Nothing is changed by itself. Works by a form alone. Knows nothing of how a language is heard.
"""

from __future__ import annotations

import logging
from typing import Any

from aiohttp import web

from streamhub.store.spoken_languages import find_misheard
from streamhub.web import desk
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.hub import Hub, hub_of
from streamhub.web.pages import see_other
from streamhub.web.security import read_form

LOG = logging.getLogger("streamhub.web")

routes = web.RouteTableDef()


async def read_misheard(hub: Hub, session_id: str) -> dict[str, Any]:
    """What pages of a session need to say that its language was set wrong."""
    return {"misheard": await hub.store.read(lambda db: find_misheard(db, session_id))}


@routes.post("/host/s/{session_id}/hear-again")
@allow(Action.PUBLISH)
async def hear_again(request: web.Request) -> web.StreamResponse:
    """Set the session's language, and have its recording heard again in it."""
    hub, session_id = hub_of(request), request.match_info["session_id"]
    language, author = (await read_form(request)).get("language", ""), actor_of(request).person
    await hub.answers.hear_again(session_id, language, author=author)
    LOG.info("web.hear_again session_id=%s language=%s person=%s", session_id, language, author)
    desk.notify(request.app, session_id)
    return see_other(f"/host/s/{session_id}")
