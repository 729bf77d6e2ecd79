"""The inbox of recordings, for hosts and their programs: what was dropped, and which session it belongs to.

Looking, matching and taking happen behind `streamhub.web.services.Inbox`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from aiohttp import web

from streamhub.errors import BadInput, Conflict, StreamhubError
from streamhub.live.problem import fill
from streamhub.recording.matching import REASONS, SENTENCES, InboxCode, InboxItem, InboxState, Reason, say_inbox
from streamhub.schedule.show import Session
from streamhub.store import shows as show_rows
from streamhub.timecode import format_instant
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.bodies import AssignBody, DroppedBody, read_body
from streamhub.web.desk import notify
from streamhub.web.host import person_context
from streamhub.web.hub import hub_of
from streamhub.web.pages import keep_language, render_page, see_other, words_of
from streamhub.web.security import read_form
from streamhub.web.views import AFTER, Json

LOG = logging.getLogger("streamhub.web")

WAITS_FOR_A_PERSON = frozenset(
    {
        InboxCode.NO_PICTURE,
        InboxCode.NOTHING_FITS,
        InboxCode.SEVERAL_FIT,
        InboxCode.SEVERAL_FILES,
        InboxCode.OTHER_LENGTH,
        InboxCode.HAS_RECORDING,
        InboxCode.STOPPED,
    }
)
"""What a host must decide about before anything happens."""

ASSIGNABLE = WAITS_FOR_A_PERSON | {InboxCode.PART_WAITS, InboxCode.TRY_LATER}
"""What a host may decide about."""

_API = "/api/v1/host/inbox"
_MAX_CHOICES = 200

routes = web.RouteTableDef()


@routes.get("/host/inbox")
@allow(Action.SEE_CONSOLE)
async def show_inbox(request: web.Request) -> web.StreamResponse:
    """What was dropped, with a button for each session that it may belong to."""
    return await _render(request, form={}, error=None, status=200)


async def _render(
    request: web.Request, *, form: dict[str, str], error: StreamhubError | None, status: int
) -> web.StreamResponse:
    hub, say = hub_of(request), words_of(request)
    sessions = await hub.store.read(show_rows.list_sessions)
    problem = hub.inbox.problem
    response = render_page(
        request,
        "inbox.html",
        status=status,
        items=[(item, tell_inbox(item.code, item.details, say)) for item in hub.inbox.list()],
        problem=tell_inbox(*problem, say) if problem else None,
        waits=WAITS_FOR_A_PERSON,
        assignable=ASSIGNABLE,
        taking=InboxState.TAKING,
        occupied=Reason.HAS_RECORDING,
        reason=lambda reason: say(REASONS[reason]),
        zones={session.id: session.zone for session in sessions},
        choices=_choices(sessions),
        form=form,
        error=error,
        zone=hub.settings.zone,
        **person_context(hub, actor_of(request)),
    )
    keep_language(request, response)
    return response


def tell_inbox(code: InboxCode, details: Mapping[str, str], say: Callable[[str], str]) -> tuple[str, str]:
    """What is the matter with a dropped file and what to do, in the reader's language."""
    what, advice = SENTENCES[code]
    return fill(say(what), details), fill(say(advice), details)


def _choices(sessions: list[Session]) -> list[Session]:
    """The sessions that a recording may belong to: those that are over, the newest first."""
    return [session for session in sessions if session.state in AFTER][:_MAX_CHOICES]


@routes.post("/host/inbox/assign")
@allow(Action.ASSIGN_RECORDING)
async def assign(request: web.Request) -> web.StreamResponse:
    """Give a file to a session, from a button; to replace another recording, the box beside it must be ticked."""
    form, say = await read_form(request), words_of(request)
    session_id, part = form.get("session_id", ""), form.get("part", "")
    if not session_id:
        error = BadInput(say("No session is chosen."), hint=say("Please choose the session that it belongs to."))
        return await _render(request, form=form, error=error, status=400)
    body = AssignBody(
        name=form.get("name", ""),
        session_id=session_id,
        replace=form.get("replace") == "yes",
        part=int(part) if part.isascii() and part.isdecimal() and len(part) < 4 else 0,
    )
    try:
        await _assign(request, body)
    except (BadInput, Conflict) as refused:
        return await _render(request, form=form, error=refused, status=refused.http_status)
    return see_other("/host/inbox")


async def _assign(request: web.Request, body: AssignBody) -> None:
    hub, author = hub_of(request), actor_of(request).person
    await hub.store.read(lambda db: show_rows.load_session(db, body.session_id))
    await hub.inbox.assign(body.name, body.session_id, author, replace=body.replace, part=body.part)
    LOG.info("web.recording_assigned session_id=%s person=%s", body.session_id, author)
    notify(request.app, body.session_id)


@routes.post("/host/inbox/stop")
@allow(Action.ASSIGN_RECORDING)
async def stop(request: web.Request) -> web.StreamResponse:
    """Stop taking a file, from its button."""
    form = await read_form(request)
    try:
        await hub_of(request).inbox.cancel(form.get("name", ""), actor_of(request).person)
    except Conflict as conflict:
        return await _render(request, form=form, error=conflict, status=409)
    return see_other("/host/inbox")


@routes.get(_API)
@allow(Action.SEE_CONSOLE)
async def list_inbox(request: web.Request) -> web.StreamResponse:
    """What was dropped."""
    inbox = hub_of(request).inbox
    problem = say_inbox(*inbox.problem)[0] if inbox.problem else None
    return web.json_response({"recordings": [_item_json(item) for item in inbox.list()], "problem": problem})


def _item_json(item: InboxItem) -> Json:
    message, hint = say_inbox(item.code, item.details)
    return {
        "name": item.name,
        "size_bytes": item.size_bytes,
        "duration_ms": item.duration_ms,
        "state": item.state.value,
        "code": item.code.value,
        "message": message,
        "hint": hint,
        "details": dict(item.details),
        "progress": item.progress,
        "candidates": [
            {
                "session_id": one.session_id,
                "title": one.title,
                "part": one.part,
                "parts": one.parts,
                "started_at": format_instant(one.started_at),
                "reasons": [reason.value for reason in one.reasons],
            }
            for one in item.candidates
        ],
    }


@routes.post(f"{_API}/assign")
@allow(Action.ASSIGN_RECORDING)
async def assign_by_api(request: web.Request) -> web.StreamResponse:
    """Give a file to a session."""
    body = await read_body(request, AssignBody)
    await _assign(request, body)
    return web.json_response({"name": body.name, "session_id": body.session_id})


@routes.post(f"{_API}/stop")
@allow(Action.ASSIGN_RECORDING)
async def stop_by_api(request: web.Request) -> web.StreamResponse:
    """Stop taking a file."""
    body = await read_body(request, DroppedBody)
    await hub_of(request).inbox.cancel(body.name, actor_of(request).person)
    return web.json_response({"name": body.name})
