"""Guards around every request: headers, errors as pages, whose request it is, and whether another site sent it.

The broad ``except`` of the web face lives here, and nowhere else. Log lines carry a stable event name, the path and
ids; never a query string, a body or a token.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import cast
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

from streamhub.errors import BadInput, Forbidden, OldLink, PlatformError, StreamhubError, TooMany, WrongState
from streamhub.live.problem import problem_of
from streamhub.web import access
from streamhub.web.access import ACTION_OF, ACTOR, PUBLIC, Action, actor_of, find_actor, is_https
from streamhub.web.aside import tell_problem
from streamhub.web.hub import hub_of
from streamhub.web.pages import language_of, render_page, wants_json, words_of
from streamhub.web.refusals import tell_refusal

LOG = logging.getLogger("streamhub.web")

MAX_BODY_BYTES = 64 * 1024
MAX_TRANSCRIPT_BYTES = 64 * 2**20
MAX_UPLOAD_BYTES = 32 * 2**20
"""Of a form with a photo; far more than a photo may have, so that what was typed beside it is read and kept."""
MAX_LIST_BYTES = 2**20
"""Of a pasted list of questions, as it is sent."""
MAX_BLOCK_BYTES = 2**20
"""Of a block that times the line of a guest."""
BODY_TIMEOUT_S = 15
FORM_TOKEN_FIELD = "form_token"  # noqa: S105 - the name of a field
FORM_TOKEN_HEADER = "X-Form-Token"  # noqa: S105 - the name of a header

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ARCHIVE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "media-src 'self' https:; connect-src 'self' https:; frame-src https:; form-action 'self'; base-uri 'none'"
)
"""Each page of the archive names in a policy of its own which hosts it means; both hold."""
FRAMED_BY = web.RequestKey("framed_by", str)
"""Set by a handler whose page may be shown in frames: the origins of the pages that may show it."""

CAPTURES = web.RequestKey("captures", bool)
"""Set by a handler whose page may ask for camera and microphone."""

_BLOCKS = re.compile(r"/me/[^/]+/check/up")
_UPLOADS = re.compile(r"/(?:s|api/v1/sessions)/[^/]+/(?:questions|embed)")
_LISTS = re.compile(r"/host/s/[^/]+/bring|/api/v1/host/sessions/[^/]+/questions/csv")
_FOR_ANYBODY = frozenset({Action.ASK, Action.VOTE})
_SECRET_PATH = re.compile(r"^(/(?:f|helped|leave|me)/).*", re.DOTALL)
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put the security headers on a response just before it leaves; runs for every route and every error."""
    archive = request.path.startswith("/archive/")
    headers = response.headers
    policy = ARCHIVE_POLICY if archive else page_policy(hub_of(request).settings.snapshot_url)
    if framed_by := request.get(FRAMED_BY, ""):
        policy = policy.replace("frame-ancestors 'none'", f"frame-ancestors {framed_by}")
    headers["Content-Security-Policy"] = policy
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "strict-origin-when-cross-origin" if archive else "same-origin"
    who = "(self)" if request.get(CAPTURES) else "()"
    headers["Permissions-Policy"] = f"camera={who}, microphone={who}, geolocation=()"
    if archive:
        headers["Access-Control-Allow-Origin"] = "*"  # embeds read it from other pages, what is not there any more too
    else:
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if is_https(request):
        headers["Strict-Transport-Security"] = "max-age=31536000"
    if request.path.startswith(("/host", "/api/v1/host")):
        headers["Cache-Control"] = "no-store"
    else:
        headers.setdefault("Cache-Control", "no-cache")
    headers.popall("Server", None)


@lru_cache(maxsize=16)
def page_policy(snapshot_url: str) -> str:
    """The policy of our pages; their scripts may look at snapshots where the settings say that they are shown."""
    if not snapshot_url:
        return PAGE_POLICY
    place = urlsplit(snapshot_url)
    return PAGE_POLICY.replace("connect-src 'self'", f"connect-src 'self' {place.scheme}://{place.netloc}")


@web.middleware
async def log_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Write a line per request: method, path without its query, status, milliseconds; what went well, only to debug."""
    begun = time.monotonic()
    response = await handler(request)
    level = logging.DEBUG if response.status < 400 else logging.INFO
    if LOG.isEnabledFor(level):
        took_ms = round((time.monotonic() - begun) * 1000)
        line = "web.request method=%s path=%s status=%d ms=%d"
        LOG.log(level, line, request.method, plan_logged_path(request.path), response.status, took_ms)
    return response


def plan_logged_path(path: str) -> str:
    """A path as it may stand in the log: without the secrets of feeds and of links in mails."""
    return _SECRET_PATH.sub(r"\1…", path)


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into something readable: JSON for programs, a page for people."""
    try:
        return await handler(request)
    except OldLink as error:
        _ = words_of(request, default=error.language)
        return render_page(
            request,
            "error.html",
            status=error.http_status,
            default_language=error.language,
            title=_("This link works no more"),
            message=_("You got new personal links. They are in the newest mail to you."),
            hint=_("If you do not find it, ask whoever invited you."),
        )
    except StreamhubError as error:
        if error.http_status >= 500:
            path = plan_logged_path(request.path)
            LOG.warning("web.failed path=%s error=%s message=%s", path, type(error).__name__, error.message)
        response = await render_error(request, error.http_status, *_words_of_error(request, error))
        if isinstance(error, TooMany):
            response.headers["Retry-After"] = str(error.retry_after_s)
        return response
    except web.HTTPException as error:
        if error.status < 400:
            raise
        response = await render_error(request, error.status, "", "")
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except (asyncio.CancelledError, ConnectionResetError):
        raise
    except Exception:
        LOG.exception("web.crashed method=%s path=%s", request.method, plan_logged_path(request.path))
        return await render_error(request, 500, "", "")


def _words_of_error(request: web.Request, error: StreamhubError) -> tuple[str, str]:
    """What happened and what to do; a platform's problem in the reader's language, unless he is a program."""
    if isinstance(error, WrongState) and not wants_json(request):
        refused = tell_refusal(error, words_of(request))
        return refused.message, refused.hint
    if not isinstance(error, PlatformError) or wants_json(request):
        return error.message, error.hint
    hub = hub_of(request)
    told = tell_problem(
        problem_of(error),
        words_of(request),
        language=language_of(request),
        zone=hub.settings.zone,
        now=hub.now(),
    )
    return told.what, told.advice


async def render_error(request: web.Request, status: int, message: str, hint: str) -> web.Response:
    """An error for whoever asked; never says more than the message."""
    _ = words_of(request)
    titles = {
        400: _("This cannot be used as it is"),
        401: _("Please sign in first"),
        403: _("This is not allowed"),
        404: _("There is nothing here"),
        405: _("This address does not do that"),
        409: _("This does not fit just now"),
        413: _("This is too large"),
        429: _("That was a little too much at once"),
        502: _("The platform did not do this"),
        503: _("Not available at the moment"),
    }
    title = titles.get(status) or (_("Something went wrong here") if status >= 500 else _("This cannot be done"))
    explanation = _explain(status, _)
    if status == 413 and plan_most_bytes(request) == MAX_LIST_BYTES:
        message = _("The list is too long: at most 1000 KB can be read at once.")
        hint, explanation = _("Split it and send the parts one after the other."), ""
    if wants_json(request):
        return web.json_response({"error": {"message": message or title, "hint": hint}}, status=status)
    if status == 413 and plan_most_bytes(request) == MAX_UPLOAD_BYTES:
        explanation = _("The photo is too large: at most 8 MB fit.")
    if explanation and actor_of(request) is PUBLIC:  # in the reader's language, instead of what helps a host or script
        message, hint = explanation, ""
    return render_page(request, "error.html", status=status, title=title, message=message or explanation, hint=hint)


def _explain(status: int, _: Callable[[str], str]) -> str:
    return {
        401: _("The link was used already, is too old, or is not whole. The operator of the hub can make a new one."),
        403: _("The request came from another page, or the form was too old. Please go back, reload and try again."),
        404: _("The address is wrong, or what was here is not public."),
        405: _("The address exists, but it is not meant for this kind of request."),
        413: _("At most 64 KB can be sent at once."),
        500: _("The hub could not do this. It has been noted; please try again in a moment."),
        503: _("Please try again in a moment."),
    }.get(status, "")


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who asks, and refuse what another site sends in his name."""
    most_bytes = plan_most_bytes(request)
    if (request.content_length or 0) > most_bytes:
        raise web.HTTPRequestEntityTooLarge(max_size=most_bytes, actual_size=request.content_length or 0)
    request[ACTOR] = PUBLIC
    request[ACTOR] = await find_actor(request)
    if most_bytes == MAX_LIST_BYTES and actor_of(request).may(Action.CURATE):
        request = request.clone(client_max_size=MAX_LIST_BYTES)
    if request.method not in _SAFE_METHODS:
        await refuse_foreign(request)
    response = await handler(request)
    if actor_of(request).renewed and not response.prepared:
        access.set_login_cookie(request, response, access.login_cookie(request))
    return response


def plan_most_bytes(request: web.Request) -> int:
    """How large a body may be: transcripts from workers, photos where questions are asked, lists, else little."""
    if request.path.startswith("/api/v1/worker/"):
        return MAX_TRANSCRIPT_BYTES
    if _LISTS.fullmatch(request.path):
        return MAX_LIST_BYTES
    if _BLOCKS.fullmatch(request.path):
        return MAX_BLOCK_BYTES
    is_upload = request.content_type == "multipart/form-data" and _UPLOADS.fullmatch(request.path)
    return MAX_UPLOAD_BYTES if is_upload else MAX_BODY_BYTES


async def refuse_foreign(request: web.Request) -> None:
    """Refuse a change that another site had a browser send.

    Scripts with a bearer token carry no cookies and pass. A browser says where a request comes from; a signed-in
    person's request must carry the login's form token besides, so an old browser that says nothing is refused too. What
    everybody may do, such as asking, uses no login and needs no such token.

    Raises:
        Forbidden: the request comes from another site, or the form token is missing or of another login.
    """
    if "Authorization" in request.headers:
        return
    if not is_same_origin(request):
        path = plan_logged_path(request.path)
        LOG.warning("web.foreign path=%s origin=%r host=%r", path, request.headers.get("Origin"), request.host)
        hint = "send it from the hub's own page; behind a proxy, hub.url must be the hub's public address"
        raise Forbidden("the request comes from another site", hint=hint)
    actor = actor_of(request)
    if actor.login and ACTION_OF.get(request.match_info.handler) not in _FOR_ANYBODY:
        token = request.headers.get(FORM_TOKEN_HEADER) or str((await read_form(request)).get(FORM_TOKEN_FIELD, ""))
        if not access.is_form_token(hub_of(request), actor, token):
            raise Forbidden("the form carries no valid token", hint="reload the page and send it again")


def is_same_origin(request: web.Request) -> bool:
    """Whether a request comes from our own pages or from no page at all."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    settings = hub_of(request).settings
    return origin in {f"{'https' if is_https(request) else 'http'}://{request.host}", settings.url.rstrip("/")}


async def read_form(request: web.Request) -> dict[str, str]:
    """The fields of a sent form; empty when no form was sent. Our forms carry no files.

    Raises:
        BadInput: a form with files, a slow one, or one that cannot be read.
    """
    if request.content_type == "multipart/form-data":
        raise BadInput("form: is made for files", hint="send it as application/x-www-form-urlencoded")
    if request.content_type != "application/x-www-form-urlencoded":
        return {}
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            sent = await request.post()
    except (TimeoutError, ValueError, LookupError) as error:
        raise BadInput(f"form: cannot be read ({type(error).__name__})", hint="send it again") from error
    return {name: cast("str", value) for name, value in sent.items()}


MIDDLEWARES: tuple[Middleware, ...] = (log_request, answer_errors, guard)
