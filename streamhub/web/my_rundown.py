"""The run of show behind a personal link, to read: for who leads a session, in front of the camera or behind it.

Changing it, the stream key and the steps to live and back want a signed-in producer or host.
"""

from __future__ import annotations

from aiohttp import web

from streamhub.errors import NotFound
from streamhub.web.access import Action, allow
from streamhub.web.door import load_my_date
from streamhub.web.hub import hub_of
from streamhub.web.me import load_me
from streamhub.web.pages import keep_language, keep_private, render_page, words_of
from streamhub.web.stage_view import read_stage, tell_lateness

routes = web.RouteTableDef()


@routes.get("/me/{token}/s/{session_id}/rundown")
@allow(Action.SEE_OWN)
async def show_my_rundown(request: web.Request) -> web.StreamResponse:
    """The page: topics with their times, who speaks, and who is missing."""
    hub, person = hub_of(request), await load_me(request)
    date = await load_my_date(request, person)
    if not date.runs_show:
        raise NotFound(f"run of show of {date.session.id}: not for this person", hint="ask the host")
    view = await hub.store.read(lambda db: read_stage(db, date.session.id, now=hub.now()))
    say = words_of(request, default=person.language)
    response = render_page(
        request,
        "my_rundown.html",
        default_language=person.language,
        person=person,
        at=f"/me/{request.match_info['token']}",
        date=date,
        view=view,
        now=hub.now(),
        lateness=lambda late_ms: tell_lateness(late_ms, say),
    )
    keep_language(request, response)
    keep_private(response)
    return response
