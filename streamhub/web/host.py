"""Hosts in the browser: entering, and the console of a session; every button is a form.

The console's board is one piece of HTML that the server renders; a small script fetches it anew when it changed, so
that there is one way only in which it looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from aiohttp import web
from sqlite_utils import Database

from streamhub.answers.answer import Answer, AnswerState
from streamhub.archive.review import is_unsure
from streamhub.errors import StreamhubError
from streamhub.live.mark import Mark, MarkKind
from streamhub.live.platform import Ingest, Signal
from streamhub.live.problem import Problem
from streamhub.outbox.mail import MailState
from streamhub.questions.question import Question
from streamhub.schedule.rules import NEXT_STATES
from streamhub.schedule.show import LOCAL, Moderation, Session, SessionState, Show
from streamhub.store import mails as mail_rows
from streamhub.store import marks as mark_rows
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.web import access, desk, direction
from streamhub.web.access import Action, Actor, actor_of, allow
from streamhub.web.aside import UNKNOWN, Aside, Told, plan_text_diff, read_aside, tell_problem
from streamhub.web.board_questions import plan_columns, plan_latest, read_curation, read_filter
from streamhub.web.bodies import DecisionBody
from streamhub.web.budget import Spending
from streamhub.web.captions import read_ear
from streamhub.web.happened import tell_action
from streamhub.web.histories import read_histories
from streamhub.web.hub import Hub, hub_of
from streamhub.web.listening import read_listening, tell_source
from streamhub.web.media import has_stream
from streamhub.web.misheard import read_misheard
from streamhub.web.overheard import hints_context, read_hints
from streamhub.web.pages import keep_language, language_of, render_page, see_other, words_of
from streamhub.web.plans import CHANGEABLE
from streamhub.web.security import read_form
from streamhub.web.services import WorkStatus
from streamhub.web.sharing import read_sharing
from streamhub.web.stage_view import stage_context
from streamhub.web.topic_views import read_topics
from streamhub.web.views import AFTER
from streamhub.web.writing_board import WritingBoard, read_writing

STATE_BUTTONS = (
    SessionState.SCHEDULED,
    SessionState.OPEN,
    SessionState.REHEARSAL,
    SessionState.LIVE,
    SessionState.ENDED,
    SessionState.CANCELLED,
    SessionState.PUBLISHED,
    SessionState.IN_REVIEW,
)
"""The steps that the console offers, in the order of its buttons."""

_SIGNAL_TIMEOUT_S = 2.0
_UNSENT = frozenset({MailState.DRAFT, MailState.FAILED})

routes = web.RouteTableDef()


@routes.get("/host/enter")
@allow(Action.ENTER)
async def show_door(request: web.Request) -> web.StreamResponse:
    """Show a button; looking at the link uses nothing up, because mail scanners look at links."""
    person = person_context(hub_of(request), actor_of(request))
    response = render_page(request, "enter.html", token=request.query.get("token", ""), **person)
    keep_language(request, response)
    return response


@routes.post("/host/enter")
@allow(Action.ENTER)
async def enter(request: web.Request) -> web.StreamResponse:
    """Use up a link and sign its person in."""
    say = words_of(request)
    await request.app[desk.BUDGET].spend(request, Spending.ENTRY, say("Too many attempts. Please wait a moment."))
    form = await read_form(request)
    cookie, _ = await access.enter(hub_of(request), form.get("token", ""), name=form.get("name", ""))
    response = see_other("/host")
    access.set_login_cookie(request, response, cookie)
    return response


@routes.post("/host/leave")
@allow(Action.LEAVE)
async def leave(request: web.Request) -> web.StreamResponse:
    """Sign out."""
    await access.leave(hub_of(request), actor_of(request))
    response = see_other("/")
    access.set_login_cookie(request, response, "")
    return response


def person_context(hub: Hub, actor: Actor) -> dict[str, Any]:
    """What every page of a signed-in person shows: who it is, what he may, and his forms' token."""
    return {"actor": actor, "form_token": access.form_token(hub, actor), "may": {a.value: actor.may(a) for a in Action}}


@routes.get("/host/s/{session_id}")
@allow(Action.SEE_CONSOLE)
async def console(request: web.Request) -> web.StreamResponse:
    """The console of a session."""
    response = render_page(request, "console.html", **await read_board(request))
    keep_language(request, response)
    return response


@routes.get("/host/s/{session_id}/board")
@allow(Action.SEE_CONSOLE)
async def board(request: web.Request) -> web.StreamResponse:
    """The changing part of the console, for the script that keeps it fresh."""
    response = render_page(request, "board.html", **await read_board(request))
    response.enable_compression()  # on a bad line it comes often, and most of it is the same
    return response


async def read_board(request: web.Request) -> dict[str, Any]:
    """Everything that the console shows of a session."""
    hub, actor, session_id = hub_of(request), actor_of(request), request.match_info["session_id"]

    def read(db: Database) -> tuple[Session, Show, list[Question], list[Mark], WritingBoard, dict[str, Any]]:
        session = show_rows.load_session(db, session_id)
        show, questions = show_rows.load_show(db, session.show_id), question_rows.list_questions(db, session_id)
        mails = sum(one.state in _UNSENT for one in mail_rows.list_about_object(db, session_id))
        written, curated = read_writing(db, session, questions), {**read_curation(db, session_id), "mails": mails}
        return session, show, questions, mark_rows.list_marks(db, session_id), written, curated

    session, show, questions, marks, written, curated = await hub.store.read(read)
    say = words_of(request)
    after = session.state in AFTER
    aside = await read_aside(hub, session)
    histories = await read_histories(hub, session_id)
    wants_key = actor.may(Action.SEE_STREAM_KEY) and not after and session.state is not SessionState.CANCELLED
    answers = await hub.answers.list(session_id) if after else ()
    work = await session_work(hub, session_id)
    return {
        "session": session,
        "now": hub.now(),
        "after": after,
        "player": session.state in {SessionState.REHEARSAL, SessionState.LIVE} and has_stream(hub, session_id),
        "steps": [
            step
            for step in plan_steps(session.state, busy=any(str(one.state) in direction.OPEN_WORK for one in work))
            if direction.may_step(actor, session.state, step)
        ],
        "ingest": await read_ingest(hub, session_id) if wants_key and not aside.direct else None,
        "changeable": session.state in CHANGEABLE and actor.may(Action.PLAN),
        "direct_key": wants_key and aside.direct,
        "signal": await read_signal(hub, session_id, aside),
        "work": work,
        "written": written,
        **plan_columns(questions, read_filter(request.query), everything="all" in request.query),
        **curated,
        "latest": plan_latest(curated["happened"]),
        "texts": {question.id: question for question in questions},
        "looks": show.moderation is not Moderation.NONE,
        "moderation": show.moderation,
        "action_name": lambda action: tell_action(action, say),
        "form": {},
        "error": None,
        "on_air_since": plan_on_air_since(marks),
        **plan_review(answers),
        "site_page": hub.answers.page,
        "language_now": language_of(request),
        "aside": aside,
        "histories": histories,
        "listening": await read_listening(hub, session_id),
        "tell_source": partial(tell_source, say=words_of(request)),
        "unknown_platform": plan_unknown_platform(hub, show, aside),
        "tell": teller(request),
        "text_diff": plan_text_diff,
        **await read_sharing(request, session),
        **await stage_context(request, session_id),
        "topics": (await read_topics(hub, session_id))[1] if not after else (),
        **await read_ear(request, session),
        **hints_context(await read_hints(hub, session)),
        **await read_misheard(hub, session_id),
        **person_context(hub, actor),
    }


def teller(request: web.Request) -> Callable[[Problem, str], Told]:
    """A function that says a problem in the reader's language, with times in a zone."""
    say, language, now = words_of(request), language_of(request), hub_of(request).now()
    return lambda problem, zone: tell_problem(problem, say, language=language, zone=zone, now=now)


def plan_unknown_platform(hub: Hub, show: Show, aside: Aside) -> str:
    """The platform that a show names and the hub does not have any more; empty when all is well."""
    known = {LOCAL, *(offer.slug for offer in hub.platforms.offered())}
    return "" if aside.platform or show.platform in known else show.platform


def plan_steps(state: SessionState, *, busy: bool) -> list[SessionState]:
    """The steps that the console offers from a state; while the hub works on a session it takes its steps itself."""
    if state is SessionState.PROCESSING and busy:
        return []
    return [step for step in STATE_BUTTONS if step in NEXT_STATES[state]]


def plan_on_air_since(marks: Sequence[Mark]) -> datetime | None:
    """Since when the question that is on air is on air; None when none is."""
    last = marks[-1] if marks else None
    return last.at if last is not None and last.kind is MarkKind.ON_AIR else None


def plan_review(answers: Sequence[Answer]) -> dict[str, Any]:
    """The answers to look at: drafts first to publish, then what is public."""
    return {
        "drafts": [answer for answer in answers if answer.state is AnswerState.DRAFT],
        "published": [answer for answer in answers if answer.state is AnswerState.PUBLISHED],
        "withdrawn": [answer for answer in answers if answer.state is AnswerState.WITHDRAWN],
        "is_unsure": is_unsure,
    }


async def read_signal(hub: Hub, session_id: str, aside: Aside) -> Signal:
    """What arrives from the encoder, here or on a direct show's platform; unknown when nobody can tell quickly."""
    if aside.platform is not None and aside.platform.direct:
        return aside.platform.signal or UNKNOWN
    try:
        async with asyncio.timeout(_SIGNAL_TIMEOUT_S):
            return await hub.broadcasting.signal(session_id)
    except (TimeoutError, StreamhubError) as error:
        return Signal(receiving=False, quality="unknown", issues=(str(error),) if str(error) else ())


async def read_ingest(hub: Hub, session_id: str) -> Ingest | None:
    """Where the encoder pushes to; None when the session has no such place now."""
    try:
        return await hub.broadcasting.ingest(session_id)
    except StreamhubError:
        return None


async def session_work(hub: Hub, session_id: str) -> list[WorkStatus]:
    """The work of a session, however much of others came after it."""
    return list(await hub.work.status(about=session_id))


@routes.post("/host/s/{session_id}/state")
@allow(Action.STEP_SESSION)
async def step(request: web.Request) -> web.StreamResponse:
    """Take the session a step on."""
    session_id, form = request.match_info["session_id"], await read_form(request)
    await direction.step_session(request, session_id, form.get("to", ""), anyway=bool(form.get("anyway")))
    return see_other(f"/host/s/{session_id}")


@routes.post("/host/s/{session_id}/answers/publish-all")
@allow(Action.PUBLISH)
async def publish_all(request: web.Request) -> web.StreamResponse:
    """Publish every draft."""
    session_id = request.match_info["session_id"]
    await direction.publish_all(request, session_id)
    return see_other(f"/host/s/{session_id}#answers")


@routes.post("/host/s/{session_id}/answers/{answer_id}/{verb:publish|withdraw}")
@allow(Action.PUBLISH)
async def publish(request: web.Request) -> web.StreamResponse:
    """Publish an answer, or withdraw it."""
    session_id, answer_id = request.match_info["session_id"], request.match_info["answer_id"]
    await direction.publish(request, session_id, answer_id, public=request.match_info["verb"] == "publish")
    return see_other(f"/host/s/{session_id}#answers")


@routes.post("/host/work/decide")
@allow(Action.DECIDE_WORK)
async def decide_work(request: web.Request) -> web.StreamResponse:
    """Decide about a held step."""
    form = await read_form(request)
    body = DecisionBody(
        workflow_id=form.get("workflow_id", ""), step=form.get("step", ""), decision=form.get("decision", "")
    )
    await direction.decide_work(request, body)
    session_id = form.get("session_id", "")
    known = {session.id for session in await hub_of(request).store.read(show_rows.list_sessions)}
    if session_id in known:
        desk.notify(request.app, session_id)
        return see_other(f"/host/s/{session_id}#work")
    return see_other("/host")
