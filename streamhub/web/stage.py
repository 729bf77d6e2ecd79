"""The stage: what people on camera see, the run of show behind it, and the producer's notes to them.

The stage view is made to be read from three metres, and no key on it changes anything but "seen". The run of show and
the notes are changed by forms; two hosts at once are told apart by the version that each of them saw.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from aiohttp import web

from streamhub.errors import BadInput, Conflict, NotFound
from streamhub.schedule.rundown import (
    Rundown,
    add_topic,
    advance,
    change_topic,
    finish_topic,
    make_topic,
    move_topic,
    remove_topic,
    reset_topic,
    start_topic,
)
from streamhub.schedule.show import SessionState
from streamhub.store import stage as stage_rows
from streamhub.store.stage import ProducerNote
from streamhub.text import clean_line, new_id
from streamhub.web import desk
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.host import person_context
from streamhub.web.hub import hub_of
from streamhub.web.pages import keep_language, render_page, see_other
from streamhub.web.security import read_form
from streamhub.web.stage_view import read_stage, rundown_json, stage_context

LOG = logging.getLogger("streamhub.web")
MAX_NOTE = 300

routes = web.RouteTableDef()


@routes.get("/host/s/{session_id}/stage")
@allow(Action.SEE_STAGE)
async def stage(request: web.Request) -> web.StreamResponse:
    """The view for the people on camera."""
    response = render_page(request, "stage.html", **await _context(request))
    keep_language(request, response)
    return response


@routes.get("/host/s/{session_id}/stage/board")
@allow(Action.SEE_STAGE)
async def stage_board(request: web.Request) -> web.StreamResponse:
    """The changing part of the stage view, for the script that keeps it fresh."""
    return render_page(request, "stage_board.html", **await _context(request))


@routes.get("/host/s/{session_id}/rundown")
@allow(Action.SEE_CONSOLE)
async def rundown_page(request: web.Request) -> web.StreamResponse:
    """The run of show, to look at and to change."""
    return await _render_rundown(request)


async def _render_rundown(
    request: web.Request, *, error: BadInput | Conflict | NotFound | None = None, form: dict[str, str] | None = None
) -> web.StreamResponse:
    status, typed = error.http_status if error else 200, form or {}
    response = render_page(request, "rundown.html", status=status, error=error, form=typed, **await _context(request))
    keep_language(request, response)
    return response


async def _context(request: web.Request) -> dict[str, Any]:
    hub, session_id = hub_of(request), request.match_info["session_id"]
    return {
        "now": hub.now(),
        "live_state": SessionState.LIVE,
        **await stage_context(request, session_id),
        **person_context(hub, actor_of(request)),
    }


@routes.get("/api/v1/host/sessions/{session_id}/rundown")
@allow(Action.SEE_CONSOLE)
async def get_rundown(request: web.Request) -> web.StreamResponse:
    """The run of show with its clock, for programs."""
    hub, session_id = hub_of(request), request.match_info["session_id"]
    view = await hub.store.read(lambda db: read_stage(db, session_id, now=hub.now()))
    return web.json_response(rundown_json(view.rundown, view.times))


@routes.post("/host/s/{session_id}/rundown")
@allow(Action.RUN_SHOW)
async def change_rundown(request: web.Request) -> web.StreamResponse:
    """Change the run of show: ``deed`` says what, ``version`` what the host had before his eyes."""
    hub, session_id = hub_of(request), request.match_info["session_id"]
    form = await read_form(request)
    author, at, topic_id = actor_of(request).person, hub.now(), new_id(hub.random)
    deed = form.get("deed", "")
    try:
        version = _number(form.get("version", ""), what="version")
        change = plan_change(form, topic_id=topic_id, at=at)
        await hub.store.write(
            lambda db: stage_rows.change_rundown(
                db, session_id, change, version=version, at=at, author=author, action=f"rundown.{deed}"
            )
        )
    except (BadInput, Conflict, NotFound) as error:
        if form.get("back") == "console":
            raise
        return await _render_rundown(request, error=error, form=form)
    LOG.info("web.rundown session_id=%s deed=%s person=%s", session_id, deed, author)
    desk.notify(request.app, session_id)
    back = f"/host/s/{session_id}#show" if form.get("back") == "console" else f"/host/s/{session_id}/rundown#rundown"
    return see_other(back)


def plan_change(form: dict[str, str], *, topic_id: str, at: datetime) -> Callable[[Rundown], Rundown]:
    """What a form wants done to a run of show.

    Raises:
        BadInput: no such deed, or fields that cannot be used.
    """
    deed, topic = form.get("deed", ""), form.get("topic", "")
    plain: dict[str, Callable[[Rundown], Rundown]] = {
        "advance": lambda rundown: advance(rundown, at=at),
        "start": lambda rundown: start_topic(rundown, topic, at=at),
        "finish": lambda rundown: finish_topic(rundown, topic, at=at),
        "reset": lambda rundown: reset_topic(rundown, topic),
        "remove": lambda rundown: remove_topic(rundown, topic),
        "up": lambda rundown: move_topic(rundown, topic, by=-1),
        "down": lambda rundown: move_topic(rundown, topic, by=1),
        "automatic": lambda rundown: replace(rundown, automatic=True),
        "by_hand": lambda rundown: replace(rundown, automatic=False),
    }
    if deed in plain:
        return plain[deed]
    if deed not in {"add", "change"}:
        raise BadInput(f"deed {deed!r}: there is none", hint=f"use add, change, {', '.join(plain)}")
    typed = make_topic(
        topic_id if deed == "add" else topic,
        title=form.get("title", ""),
        planned_minutes=_number(form.get("minutes", ""), what="minutes"),
        speaker=form.get("speaker", ""),
    )
    if deed == "add":
        return lambda rundown: add_topic(rundown, typed)
    return lambda rundown: change_topic(rundown, typed)


def _number(text: str, *, what: str) -> int:
    typed = text.strip()
    if not typed.isascii() or not typed.isdigit() or len(typed) > 9:
        raise BadInput(f"{what}: {typed[:20]!r} is no whole number", hint="write a number such as 10")
    return int(typed)


@routes.post("/host/s/{session_id}/stage/notes")
@allow(Action.RUN_SHOW)
async def write_note(request: web.Request) -> web.StreamResponse:
    """Write a note to those on camera; it takes the place of the last one."""
    hub, session_id = hub_of(request), request.match_info["session_id"]
    form = await read_form(request)
    note = ProducerNote(
        id=new_id(hub.random),
        session_id=session_id,
        text=clean_line(form.get("text", ""), max_length=MAX_NOTE, what="note"),
        author=actor_of(request).person,
        at=hub.now(),
    )
    await hub.store.write(lambda db: stage_rows.insert_note(db, note))
    LOG.info("web.note session_id=%s note_id=%s person=%s", session_id, note.id, note.author)
    desk.notify(request.app, session_id)
    return see_other(f"/host/s/{session_id}#show")


@routes.post("/host/s/{session_id}/stage/notes/{note_id}/seen")
@allow(Action.SEE_STAGE)
async def see_note(request: web.Request) -> web.StreamResponse:
    """Say that a note was seen; saying it twice changes nothing."""
    hub, session_id, note_id = hub_of(request), request.match_info["session_id"], request.match_info["note_id"]
    form = await read_form(request)
    at, person = hub.now(), actor_of(request).person
    await hub.store.write(lambda db: stage_rows.see_note(db, session_id, note_id, at=at, person=person))
    desk.notify(request.app, session_id)
    return see_other(f"/host/s/{session_id}" + ("#show" if form.get("back") == "console" else "/stage"))


@routes.post("/host/s/{session_id}/stage/notes/{note_id}/delete")
@allow(Action.RUN_SHOW)
async def delete_note(request: web.Request) -> web.StreamResponse:
    """Delete a note for good, from the stage and from the history."""
    hub, session_id, note_id = hub_of(request), request.match_info["session_id"], request.match_info["note_id"]
    await read_form(request)
    await hub.store.write(lambda db: stage_rows.delete_note(db, session_id, note_id))
    desk.notify(request.app, session_id)
    return see_other(f"/host/s/{session_id}#show")
