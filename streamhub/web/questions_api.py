"""The host's API for questions: the same deeds as in `streamhub.web.host_questions`, for scripts with a token.

A request says which version of a question it has seen, in its body or as ``If-Match``; the header ``Idempotency-Key``
makes sending it twice harmless.
"""

from __future__ import annotations

from aiohttp import web

from streamhub.errors import BadInput
from streamhub.questions.change import Change
from streamhub.store import changes
from streamhub.store import shows as show_rows
from streamhub.timecode import format_instant
from streamhub.web import bringing, curation
from streamhub.web.access import Action, allow
from streamhub.web.bodies import BringBody, ListBody, MergeBody, NoteBody, TagBody, UndoBody, read_body
from streamhub.web.curation import Wish, read_version
from streamhub.web.desk import Asked
from streamhub.web.hub import hub_of
from streamhub.web.views import Json, host_question_json

_ROOT = "/api/v1/host"
_MAX_KEY = 80

routes = web.RouteTableDef()


@routes.post(f"{_ROOT}/questions/{{question_id}}/tag")
@allow(Action.CURATE)
async def tag(request: web.Request) -> web.StreamResponse:
    """Set a question's topics and products."""
    body = await read_body(request, TagBody)
    if body.version is None:
        body = TagBody(topics=body.topics, products=body.products, version=_if_match(request))
    question = await curation.tag(request, request.match_info["question_id"], body, once=_once(request))
    return web.json_response(host_question_json(question))


@routes.post(f"{_ROOT}/questions/{{question_id}}/{{action}}")
@allow(Action.CURATE)
async def act(request: web.Request) -> web.StreamResponse:
    """Do something to a question: the actions of `streamhub.web.curation.ACTIONS`."""
    body = await read_body(request, NoteBody, optional=True)
    wish = Wish(
        question_id=request.match_info["question_id"],
        action=request.match_info["action"],
        note=body.note,
        text=body.text or "\n\n".join(body.parts),
        into=body.into,
        before=body.before,
        version=body.version if body.version is not None else _if_match(request),
        once=_once(request),
    )
    return web.json_response(host_question_json(await curation.act(request, wish)))


def _if_match(request: web.Request) -> int | None:
    return read_version(request.headers.get("If-Match", ""))


def _once(request: web.Request) -> str:
    once = request.headers.get("Idempotency-Key", "")
    if len(once) > _MAX_KEY or not once.isascii():
        raise BadInput("Idempotency-Key: too long, or not ASCII", hint=f"use at most {_MAX_KEY} letters and digits")
    return once


@routes.post(f"{_ROOT}/sessions/{{session_id}}/merge")
@allow(Action.CURATE)
async def merge(request: web.Request) -> web.StreamResponse:
    """Merge several questions into one of them; answers with the one that stands for all."""
    body, session_id = await read_body(request, MergeBody), request.match_info["session_id"]
    question = await curation.merge_several(
        request, session_id, body.ids, into=body.into, versions=body.versions, once=_once(request)
    )
    return web.json_response(host_question_json(question))


@routes.get(f"{_ROOT}/sessions/{{session_id}}/changes")
@allow(Action.SEE_CONSOLE)
async def list_changes(request: web.Request) -> web.StreamResponse:
    """What hosts did in a session, newest first."""
    hub, session_id = hub_of(request), request.match_info["session_id"]
    await hub.store.read(lambda db: show_rows.load_session(db, session_id))
    listed = await hub.store.read(lambda db: changes.list_changes(db, session_id, limit=200))
    return web.json_response({"changes": [change_json(change) for change in listed]})


@routes.post(f"{_ROOT}/sessions/{{session_id}}/undo")
@allow(Action.CURATE)
async def undo(request: web.Request) -> web.StreamResponse:
    """Take back a change, or the caller's latest; ``change`` is null when there was nothing to take back."""
    body, session_id = await read_body(request, UndoBody, optional=True), request.match_info["session_id"]
    made = await curation.undo(request, session_id, change_id=body.change, once=_once(request))
    return web.json_response({"change": change_json(made) if made else None})


@routes.post(f"{_ROOT}/sessions/{{session_id}}/questions")
@allow(Action.CURATE)
async def bring(request: web.Request) -> web.StreamResponse:
    """Take a question that was heard on the phone."""
    body = await read_body(request, BringBody)
    asked = Asked(
        text=body.text,
        name=body.name,
        shown=body.shown,
        place=body.place,
        language=body.language,
        source=bringing.PHONE,
    )
    session_id = request.match_info["session_id"]
    question = await bringing.bring(request, session_id, asked, queued=body.queued, once=_once(request))
    return web.json_response(host_question_json(question), status=201)


@routes.post(f"{_ROOT}/sessions/{{session_id}}/questions/csv")
@allow(Action.CURATE)
async def bring_list(request: web.Request) -> web.StreamResponse:
    """Take a list of questions, all or none."""
    body, session_id = await read_body(request, ListBody), request.match_info["session_id"]
    ids = await bringing.bring_csv(request, session_id, body.csv, queued=body.queued, once=_once(request))
    return web.json_response({"ids": ids}, status=201)


def change_json(change: Change) -> Json:
    """A change as hosts see it."""
    return {
        "id": change.id,
        "at": format_instant(change.at),
        "author": change.author,
        "action": change.action,
        "questions": list(change.question_ids),
        "before": {id_: dict(shot) for id_, shot in change.before.items()},
        "after": {id_: dict(shot) for id_, shot in change.after.items()},
        "things_before": dict(change.things_before),
        "things_after": dict(change.things_after),
        "undoes": change.undoes,
        "undone_by": change.undone_by,
    }
