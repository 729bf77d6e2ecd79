"""Questions that are like another one: for whoever types one, and for hosts who look for doubles. Offers, never merges.

What people type comes in the address and goes nowhere: it is not logged, kept or cached.
"""

from __future__ import annotations

from aiohttp import web

from streamhub.errors import BadInput
from streamhub.store import public as public_rows
from streamhub.text import LANGUAGES
from streamhub.timecode import format_instant
from streamhub.web.access import Action, allow
from streamhub.web.budget import Spending
from streamhub.web.desk import BUDGET
from streamhub.web.hub import hub_of
from streamhub.web.pages import words_of
from streamhub.web.services import Lookalike, Suggestion
from streamhub.web.views import Json

MIN_LETTERS = 3
MAX_SUGGESTED = 10
_USUAL = 5

routes = web.RouteTableDef()


@routes.get("/api/v1/sessions/{session_id}/suggestions")
@allow(Action.SEE_PUBLIC)
async def suggest(request: web.Request) -> web.StreamResponse:
    """Questions like ``text``, answered or open: ``language`` is the session's when left out, ``limit`` 5."""
    hub, say = hub_of(request), words_of(request)
    await request.app[BUDGET].spend(
        request, Spending.SUGGESTION, say("Many look-ups came from your connection. Please wait a moment.")
    )
    session_id, text = request.match_info["session_id"], request.query.get("text", "")
    session = await hub.store.read(lambda db: public_rows.load_session(db, session_id))
    language = request.query.get("language") or session.language
    if language not in LANGUAGES:
        raise BadInput("language: not one that the hub speaks", hint=f"use one of {', '.join(LANGUAGES)}")
    found, limit = [], _limit(request)
    if sum(letter.isalnum() for letter in text) >= MIN_LETTERS:
        found = list(await hub.suggestions.suggest(text, language=language, session_id=session_id, limit=limit))
    response = web.json_response({"suggestions": [suggestion_json(one) for one in found]})
    response.headers["Cache-Control"] = "no-store"
    return response


@routes.get("/api/v1/host/questions/{question_id}/similar")
@allow(Action.SEE_CONSOLE)
async def similar(request: web.Request) -> web.StreamResponse:
    """Questions of the same show that look like this one, whatever their state; merging them is a deed of its own."""
    found = await hub_of(request).lookalikes.similar(request.match_info["question_id"], limit=_limit(request))
    response = web.json_response({"similar": [lookalike_json(one) for one in found]})
    response.headers["Cache-Control"] = "no-store"
    return response


def _limit(request: web.Request) -> int:
    given = request.query.get("limit", str(_USUAL))
    if not (given.isascii() and given.isdecimal() and 1 <= int(given) <= MAX_SUGGESTED):
        raise BadInput("limit: not a number that is allowed here", hint=f"use 1 to {MAX_SUGGESTED}")
    return int(given)


def suggestion_json(one: Suggestion) -> Json:
    """A suggestion as everybody may see it."""
    return {
        "kind": one.kind,
        "id": one.id,
        "text": one.text,
        "language": one.language,
        "score": one.score,
        "session_id": one.session_id,
        "session_title": one.session_title,
        "page": one.page,
        "start_ms": one.start_ms,
        "duration_ms": one.duration_ms,
        "answerers": list(one.answerers),
        "at": format_instant(one.at),
        "votes": one.votes,
    }


def lookalike_json(one: Lookalike) -> Json:
    """A question that looks like another one, as hosts see it."""
    return {
        "id": one.id,
        "text": one.text,
        "language": one.language,
        "score": one.score,
        "session_id": one.session_id,
        "state": one.state.value,
        "votes": one.votes,
    }
