"""The inbox of recordings, for hosts and their programs: what was dropped, and which session it belongs to.

Looking, matching and taking happen behind `streamhub.web.services.Inbox`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import BadInput, Conflict, StreamhubError
from streamhub.live.problem import fill
from streamhub.recording.matching import REASONS, SENTENCES, InboxCode, say_inbox
from streamhub.schedule.show import Session
from streamhub.store import shows as show_rows
from streamhub.store.log import log_action
from streamhub.timecode import format_instant
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.bodies import AssignBody, read_body
from streamhub.web.desk import notify
from streamhub.web.host import person_context
from streamhub.web.hub import hub_of
from streamhub.web.pages import keep_language, render_page, see_other, words_of
from streamhub.web.platform_views import WAITS_FOR_A_PERSON, InboxItem
from streamhub.web.security import read_form
from streamhub.web.views import AFTER, Json

LOG = logging.getLogger("streamhub.web")

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
    response = render_page(
        request,
        "inbox.html",
        status=status,
        items=[(item, tell_inbox(item.details, say)) for item in await hub.inbox.list()],
        waits=WAITS_FOR_A_PERSON,
        reason=lambda reason: say(REASONS[reason]),
        sessions={session.id: session for session in sessions},
        choices=_choices(sessions),
        form=form,
        error=error,
        now=hub.now(),
        zone=hub.settings.zone,
        **person_context(hub, actor_of(request)),
    )
    keep_language(request, response)
    return response


def tell_inbox(details: Mapping[str, str], say: Callable[[str], str]) -> tuple[str, str]:
    """What is the matter with a dropped file and what to do, in the reader's language; empty for an unknown code."""
    code = details.get("code", "")
    if code not in set(InboxCode):
        return "", ""
    what, advice = SENTENCES[InboxCode(code)]
    return fill(say(what), details), fill(say(advice), details)


def _choices(sessions: list[Session]) -> list[Session]:
    """The sessions that a recording may belong to: those that are over, the newest first."""
    return [session for session in sessions if session.state in AFTER][:_MAX_CHOICES]


@routes.post("/host/inbox/assign")
@allow(Action.ASSIGN_RECORDING)
async def assign(request: web.Request) -> web.StreamResponse:
    """Give a file to a session, from a button; to replace another recording, the box beside it must be ticked."""
    form, say = await read_form(request), words_of(request)
    session_id = form.get("session_id", "")
    if not session_id:
        error = BadInput(say("No session is chosen."), hint=say("Please choose the session that it belongs to."))
        return await _render(request, form=form, error=error, status=400)
    try:
        body = AssignBody(item=form.get("item", ""), session_id=session_id, replace=form.get("replace") == "yes")
        await _assign(request, body)
    except (BadInput, Conflict) as refused:
        return await _render(request, form=form, error=refused, status=refused.http_status)
    return see_other("/host/inbox")


async def _assign(request: web.Request, body: AssignBody) -> None:
    hub, author = hub_of(request), actor_of(request).person
    await hub.store.read(lambda db: show_rows.load_session(db, body.session_id))
    await hub.inbox.assign(body.item, body.session_id, replace=body.replace, author=author)
    at = hub.now()

    def log(db: Database) -> None:
        log_action(
            db,
            at=at,
            author=author,
            action="recording.assign",
            object_kind="session",
            object_id=body.session_id,
            details={"item": body.item, "replace": body.replace},
        )

    await hub.store.write(log)
    LOG.info("web.recording_assigned session_id=%s person=%s", body.session_id, author)
    notify(request.app, body.session_id)


@routes.get(_API)
@allow(Action.SEE_CONSOLE)
async def list_inbox(request: web.Request) -> web.StreamResponse:
    """What was dropped."""
    return web.json_response({"recordings": [_item_json(item) for item in await hub_of(request).inbox.list()]})


def _item_json(item: InboxItem) -> Json:
    code = item.details.get("code", "")
    message, hint = say_inbox(InboxCode(code), item.details) if code in set(InboxCode) else ("", "")
    return {
        "id": item.id,
        "name": item.name,
        "size_bytes": item.size_bytes,
        "duration_ms": item.duration_ms,
        "found_at": format_instant(item.found_at),
        "state": item.state.value,
        "message": message,
        "hint": hint,
        "details": dict(item.details),
        "session_id": item.session_id,
        "progress": item.progress,
        "candidates": [
            {
                "session_id": one.session_id,
                "title": one.title,
                "occupied": one.occupied,
                "part": one.part,
                "parts": one.parts,
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
    return web.json_response({"item": body.item, "session_id": body.session_id})
