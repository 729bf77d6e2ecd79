"""Questions that were asked aloud and that nobody had submitted: a host takes them as questions, or dismisses them.

What is taken becomes a question with an id of its own, answered live, with marks by ear at its beginning and end, and
the answers are cut anew. Works by forms alone. Knows nothing of how such questions are found.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web
from sqlite_utils import Database

from streamhub.answers.asked import AskedAloud
from streamhub.errors import BadInput, Conflict, NotFound, StreamhubError
from streamhub.live.mark import Mark, MarkKind, Witness
from streamhub.questions.question import Question, QuestionState
from streamhub.schedule.show import SessionState
from streamhub.store import aloud as aloud_rows
from streamhub.store import marks as mark_rows
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.text import new_id
from streamhub.timecode import add_ms, format_clock
from streamhub.web import desk
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.desk import Asked, check_asked
from streamhub.web.host import person_context
from streamhub.web.hub import Hub, hub_of
from streamhub.web.marking import read_sheet
from streamhub.web.pages import keep_language, render_page, see_other, words_of
from streamhub.web.security import read_form

LOG = logging.getLogger("streamhub.web")
ALOUD = "aloud"

routes = web.RouteTableDef()


@routes.get("/host/s/{session_id}/aloud")
@allow(Action.PUBLISH)
async def aloud_page(request: web.Request) -> web.StreamResponse:
    """The list: what was asked when, why it is proposed, and what was dismissed."""
    return await _render(request)


async def _render(
    request: web.Request, *, error: StreamhubError | None = None, form: Mapping[str, str] | None = None
) -> web.StreamResponse:
    hub, session_id = hub_of(request), request.match_info["session_id"]
    sheet = await read_sheet(hub, session_id)
    found = await _list(hub, session_id)
    dismissed = set(await hub.store.read(lambda db: aloud_rows.list_dismissed(db, session_id)))

    def shown(session_ms: int) -> str:
        return format_clock(sheet.clock.shown_ms(add_ms(sheet.clock.started_at, session_ms)))

    context: dict[str, Any] = {"error": error, "form": form or {}, "said": request.query.get("said", "")}
    response = render_page(
        request,
        "aloud.html",
        status=error.http_status if error else 200,
        session=sheet.session,
        proposed=[one for one in found if one.span.start_ms not in dismissed],
        dismissed=[one for one in found if one.span.start_ms in dismissed],
        shown=shown,
        **context,
        **person_context(hub, actor_of(request)),
    )
    keep_language(request, response)
    return response


@routes.post("/host/s/{session_id}/aloud/take")
@allow(Action.PUBLISH)
async def take(request: web.Request) -> web.StreamResponse:
    """Take what was asked as a question, in the host's words, and have the answers cut anew."""
    hub, session_id = hub_of(request), request.match_info["session_id"]
    form = await read_form(request)
    author, at = actor_of(request).person, hub.now()
    try:
        proposed = await _find(request, form)
        text, asker = check_asked(Asked(text=form.get("text", "")), words_of(request))
    except (BadInput, NotFound) as error:
        return await _render(request, error=error, form=form)
    question_id = new_id(hub.random)
    session = await hub.store.read(lambda db: show_rows.load_session(db, session_id))

    def keep(db: Database) -> None:
        session = show_rows.load_session(db, session_id)
        if session.started_at is None:
            raise Conflict(f"session {session_id}: was never live")
        asked_at = add_ms(session.started_at, proposed.span.start_ms)
        there = question_rows.list_questions(db, session_id)
        if any(one.source == ALOUD and one.asked_at == asked_at for one in there):  # the button was pressed twice
            return
        question = Question(
            id=question_id,
            session_id=session_id,
            text=text,
            asker=asker,
            language=session.language,
            state=QuestionState.ANSWERED_LIVE,
            source=ALOUD,
            asked_at=asked_at,
            seen=True,
        )
        question_rows.insert_question(db, question)
        for kind, ms in ((MarkKind.ON_AIR, proposed.span.start_ms), (MarkKind.DONE, proposed.span.end_ms)):
            mark = Mark(
                session_id=session_id,
                question_id=question_id,
                kind=kind,
                at=add_ms(session.started_at, ms),
                witness=Witness.EAR,
                author=author,
            )
            mark_rows.insert_mark(db, mark)

    await hub.store.write(keep)
    if session.state is not SessionState.LIVE:  # while it is, nothing was cut yet
        await hub.answers.recut(session_id, author=author)
    LOG.info("web.aloud_taken session_id=%s question_id=%s person=%s at=%s", session_id, question_id, author, at)
    desk.notify(request.app, session_id)
    return see_other(f"/host/s/{session_id}/aloud?said=taken#said")


@routes.post("/host/s/{session_id}/aloud/{aloud_deed:dismiss|restore}")
@allow(Action.PUBLISH)
async def dismiss(request: web.Request) -> web.StreamResponse:
    """Propose a question no more, or again."""
    hub, session_id = hub_of(request), request.match_info["session_id"]
    form = await read_form(request)
    author, at = actor_of(request).person, hub.now()
    try:
        start_ms = (await _find(request, form)).span.start_ms
    except (BadInput, NotFound) as error:
        return await _render(request, error=error, form=form)
    deed = aloud_rows.dismiss if request.match_info["aloud_deed"] == "dismiss" else aloud_rows.restore
    await hub.store.write(lambda db: deed(db, session_id, start_ms, at=at, author=author))
    return see_other(f"/host/s/{session_id}/aloud")


async def _list(hub: Hub, session_id: str) -> Sequence[AskedAloud]:
    """What is proposed: while the session is live by what was heard so far, afterwards by the archive's words."""
    session = await hub.store.read(lambda db: show_rows.load_session(db, session_id))
    if session.state is SessionState.LIVE:
        return (await hub.live_answers.hints(session_id)).aloud
    return await hub.answers.asked_aloud(session_id)


async def _find(request: web.Request, form: Mapping[str, str]) -> AskedAloud:
    """The proposal that a form means.

    Raises:
        NotFound: it is proposed no more.
    """
    found = await _list(hub_of(request), request.match_info["session_id"])
    for one in found:
        if str(one.span.start_ms) == form.get("start_ms"):
            return one
    say = words_of(request)
    raise NotFound(say("This question is not proposed any more."), hint=say("Somebody may have taken it already."))
