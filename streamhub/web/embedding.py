"""The ask form on a company's own page, in a frame: which pages may show it, and how its asker is known there.

A browser sends a frame from elsewhere no cookie of ours, or keeps one for that page alone. So the form itself carries
a signed id of its asker, and everything works without cookies. Where the browser allows it, the id is kept for the next
showing on the same page: in a cookie that is cut off for that page (over TLS), and by the frame's script.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from streamhub.config import parse_origins
from streamhub.errors import StreamhubError, TooMany
from streamhub.store import public as public_rows
from streamhub.text import new_id
from streamhub.web import desk
from streamhub.web.access import Action, allow, is_https
from streamhub.web.agenda import page_address
from streamhub.web.asking import asked_by_form, tell_when_to_retry, what_was_done
from streamhub.web.audience import SAID_ON_PAGE, ask_context
from streamhub.web.deflecting import Looked, look_first
from streamhub.web.hub import Hub, hub_of
from streamhub.web.pages import keep_language, render_page
from streamhub.web.security import FRAMED_BY
from streamhub.web.uploads import SentForm, open_sent_form
from streamhub.web.voter import read_asker, sign_asker
from streamhub.web.ways import find_ways

_ASKER = "asker"
_LOOK = "look"
_ANYBODY = "*"
_COOKIE = "__Host-streamhub_asker"
_KEPT_S = 90 * 24 * 3600

routes = web.RouteTableDef()


@routes.get("/s/{session_id}/embed")
@allow(Action.SEE_PUBLIC)
async def embedded_form(request: web.Request) -> web.StreamResponse:
    """The ask form without anything around it, for a frame on an allowed page; ``look`` looks first, as elsewhere."""
    asker = request.query.get(_ASKER, "")
    form = {_ASKER: asker} if read_asker(hub_of(request).secret, asker) else {}
    response = await _render(request, form=form, error=None, said="", status=200)
    keep_language(request, response)
    return response


@routes.post("/s/{session_id}/embed")
@allow(Action.ASK)
async def ask_in_frame(request: web.Request) -> web.StreamResponse:
    """Take a question from the frame; sending the form again, or reloading, asks once."""
    session_id = request.match_info["session_id"]
    if not parse_origins(hub_of(request).settings.embed_origins):
        return await _render(request, form={}, error=None, said="", status=403)
    try:
        async with open_sent_form(request) as sent:
            return await _ask_in_frame(request, session_id, sent)
    except TooMany as error:  # too many uploads: said in the frame, which shows no other page
        page = await _render(request, form={}, error=error, said="", status=error.http_status)
        tell_when_to_retry(page, error)
        return page


async def _ask_in_frame(request: web.Request, session_id: str, sent: SentForm) -> web.StreamResponse:
    hub = hub_of(request)
    asker = read_asker(hub.secret, sent.fields.get(_ASKER, "")) or new_asker(hub)
    typed = {**sent.fields, _ASKER: sign_asker(hub.secret, asker)}
    if _LOOK in typed:  # sent, not asked by address: nothing typed stands in one
        session = await hub.store.read(lambda db: public_rows.load_session(db, session_id))
        looked = await look_first(request, session, typed)
        return await _render(request, form=typed, error=None, said="", status=200, looked=looked)
    try:
        asked = asked_by_form(request, session_id, sent, asker, source="embed")
        kept = await desk.ask(request, session_id, asked)
    except StreamhubError as error:
        if error.http_status not in SAID_ON_PAGE:
            raise
        page = await _render(request, form=typed, error=error, said="", status=error.http_status)
        tell_when_to_retry(page, error)
        return page
    said, asker_alone = what_was_done(kept.question), {_ASKER: typed[_ASKER]}
    return await _render(request, form=asker_alone, error=None, said=said, status=200, untold=kept.untold)


async def _render(
    request: web.Request,
    *,
    form: Mapping[str, str],
    error: StreamhubError | None,
    said: str,
    status: int,
    untold: str = "",
    looked: Looked | None = None,
) -> web.Response:
    hub, session_id = hub_of(request), request.match_info["session_id"]
    session = await hub.store.read(lambda db: public_rows.load_session(db, session_id))
    origins = parse_origins(hub.settings.embed_origins)
    address = page_address(request, session_id)
    context: dict[str, Any] = {"session": session, "address": address, "default_language": session.language}
    framing = framing_page(request)
    if not origins or (framing and framing not in origins):
        request[FRAMED_BY] = _ANYBODY  # nothing can be done on this page, so it may be read anywhere
        return render_page(request, "embed_refused.html", status=403, origin=framing, **context)
    request[FRAMED_BY] = " ".join(origins)
    kept = read_asker(hub.secret, request.cookies.get(_COOKIE, ""))
    token = form.get(_ASKER) or sign_asker(hub.secret, kept or new_asker(hub))
    context |= {**ask_context(request, session), "form": form, "error": error, "said": said, "untold": untold}
    context |= {"asker": token, "looked": looked or Looked(), "framed": True}
    context["ways"] = await find_ways(hub, session, at=hub.now())
    response = render_page(request, "embed.html", status=status, **context)
    response.headers["Cache-Control"] = "no-store"
    if is_https(request):
        _keep_asker(response, token)
    return response


def _keep_asker(response: web.Response, token: str) -> None:
    """Let the browser keep the asker for this hub on this one page of others; no other page ever gets it."""
    # Written by hand: the library's own cookies know ``Partitioned`` from Python 3.14 on only.
    flags = f"Max-Age={_KEPT_S}; Path=/; HttpOnly; SameSite=None; Secure; Partitioned"
    response.headers.add("Set-Cookie", f"{_COOKIE}={token}; {flags}")


def framing_page(request: web.Request) -> str:
    """The origin of the page that shows the frame, as far as the browser says; empty when it does not."""
    if request.method != "GET" or request.headers.get("Sec-Fetch-Site") in {"same-origin", "none"}:
        return ""
    parts = urlsplit(request.headers.get("Referer", ""))
    own = request.headers.get("Sec-Fetch-Dest") not in {"iframe", "frame"}
    return "" if own or not parts.netloc else f"{parts.scheme}://{parts.netloc}".lower()


def new_asker(hub: Hub) -> str:
    """An id for somebody who is not known yet."""
    return new_id(hub.random, length=26)
