"""Looking first, without JavaScript: the ask form comes back as it was typed, with what was answered already below it.

It is sent and answered in one, and never by an address: a question, a name and a mail address that somebody typed
stand in no history, no referrer and no log of a proxy.
"""

from __future__ import annotations

from aiohttp import web

from streamhub.errors import StreamhubError
from streamhub.web import writing
from streamhub.web.access import Action, allow
from streamhub.web.audience import SAID_ON_PAGE, render_session, see_page
from streamhub.web.deflecting import look_first
from streamhub.web.hub import hub_of
from streamhub.web.pages import keep_language
from streamhub.web.security import read_form
from streamhub.web.voter import keep_voter, voter_of

_HELPED = "helped"
_NOT_HELPED = "not_helped"
_KEPT_FIELDS = ("text", "name", "shown", "consent", "tell", "email")

routes = web.RouteTableDef()


@routes.post("/s/{session_id}")
@allow(Action.ASK)
async def look_by_form(request: web.Request) -> web.StreamResponse:
    """The session's page with what there is for a typed question, after counting what its reader says of an answer."""
    hub, session_id, voter = hub_of(request), request.match_info["session_id"], voter_of(request)
    form = await read_form(request)
    error: StreamhubError | None = None
    try:
        for name in (_HELPED, _NOT_HELPED):
            if answer_id := form.get(name):
                await writing.deflect(request, session_id, answer_id, voter, helped=name == _HELPED)
    except StreamhubError as refused:
        if refused.http_status not in SAID_ON_PAGE:
            raise
        error = refused
    seen = await see_page(hub, session_id, voter)
    looked = await look_first(request, seen.session, form)
    kept = {name: form[name] for name in _KEPT_FIELDS if name in form}
    status = error.http_status if error else 200
    response = render_session(request, seen, form=kept, error=error, status=status, looked=looked)
    keep_language(request, response)
    keep_voter(request, response)
    return response
