"""The host's API, for the console's script and for scripts with a token: the same deeds as in `streamhub.web.host`."""

from __future__ import annotations

import time

from aiohttp import web
from sqlite_utils import Database

from streamhub.questions.question import Question
from streamhub.questions.rules import plan_queue
from streamhub.schedule.show import Session
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.store.changes import latest_change
from streamhub.store.stories import describe_written
from streamhub.web import direction, plans
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.aside import VideosMemory, aside_json, plan_aside_state, read_aside
from streamhub.web.bodies import (
    DecisionBody,
    SessionBody,
    SessionChangeBody,
    ShowBody,
    StateBody,
    read_body,
)
from streamhub.web.events import BROADCASTER
from streamhub.web.host import read_ingest, read_signal, session_work
from streamhub.web.hub import Hub, hub_of
from streamhub.web.listening import plan_listening_state, read_listening
from streamhub.web.overheard import hints_state, read_hints
from streamhub.web.stage_view import read_show_state
from streamhub.web.topic_views import read_topics, topics_state
from streamhub.web.views import (
    AFTER,
    Json,
    answer_json,
    host_question_json,
    host_session_json,
    show_json,
    signal_json,
    work_json,
)

POLL_S = 2.0
_ROOT = "/api/v1/host"

routes = web.RouteTableDef()


@routes.post(f"{_ROOT}/shows")
@allow(Action.PLAN)
async def save_show(request: web.Request) -> web.StreamResponse:
    """Make a show, or change it."""
    return web.json_response(show_json(await plans.save_show(request, await read_body(request, ShowBody))), status=201)


@routes.get(f"{_ROOT}/shows")
@allow(Action.SEE_CONSOLE)
async def list_shows(request: web.Request) -> web.StreamResponse:
    """All shows."""
    shows = await hub_of(request).store.read(show_rows.list_shows)
    return web.json_response({"shows": [show_json(show) for show in shows]})


@routes.post(f"{_ROOT}/sessions")
@allow(Action.PLAN)
async def plan_session(request: web.Request) -> web.StreamResponse:
    """Plan a session."""
    session = await plans.plan_session(request, await read_body(request, SessionBody))
    return web.json_response(host_session_json(session), status=201)


@routes.get(f"{_ROOT}/sessions")
@allow(Action.SEE_CONSOLE)
async def list_sessions(request: web.Request) -> web.StreamResponse:
    """All sessions, drafts included."""
    sessions = await hub_of(request).store.read(show_rows.list_sessions)
    return web.json_response({"sessions": [host_session_json(session) for session in sessions]})


@routes.get(f"{_ROOT}/sessions/{{session_id}}")
@allow(Action.SEE_CONSOLE)
async def get_session(request: web.Request) -> web.StreamResponse:
    """A session with its signal, the address to push to (without the key) and its work."""
    hub, session_id = hub_of(request), request.match_info["session_id"]
    session = await hub.store.read(lambda db: show_rows.load_session(db, session_id))
    aside = await read_aside(hub, session)
    may = actor_of(request).may(Action.SEE_STREAM_KEY)
    ingest = await read_ingest(hub, session_id) if may and not aside.direct else None
    return web.json_response(
        {
            **host_session_json(session),
            **aside_json(aside),
            "signal": signal_json(await read_signal(hub, session_id, aside)),
            "ingest_url": ingest.url if ingest else None,
            "work": [work_json(work) for work in await session_work(hub, session_id)],
        }
    )


@routes.patch(f"{_ROOT}/sessions/{{session_id}}")
@routes.post(f"{_ROOT}/sessions/{{session_id}}")
@allow(Action.PLAN)
async def change_session(request: web.Request) -> web.StreamResponse:
    """Move or rename a session, or change its people; what is left out stays as it is."""
    body = await read_body(request, SessionChangeBody)
    return web.json_response(
        host_session_json(await plans.change_session(request, request.match_info["session_id"], body))
    )


@routes.post(f"{_ROOT}/sessions/{{session_id}}/state")
@allow(Action.STEP_SESSION)
async def step_session(request: web.Request) -> web.StreamResponse:
    """Take a session a step on in its life."""
    body, session_id = await read_body(request, StateBody), request.match_info["session_id"]
    session = await direction.step_session(request, session_id, body.to, anyway=body.anyway)
    return web.json_response(host_session_json(session))


@routes.get(f"{_ROOT}/sessions/{{session_id}}/ingest")
@allow(Action.SEE_STREAM_KEY)
async def get_ingest(request: web.Request) -> web.StreamResponse:
    """Address and key for the encoder, and other doors to the same session; of a direct show, on its platform."""
    hub, session_id = hub_of(request), request.match_info["session_id"]
    await hub.store.read(lambda db: show_rows.load_session(db, session_id))
    view = await hub.platforms.view(session_id)
    ingest = await (hub.platforms if view and view.direct else hub.broadcasting).ingest(session_id)
    others = [{"url": other.url, "key": other.key} for other in ingest.alternatives]
    return web.json_response({"url": ingest.url, "key": ingest.key, "alternatives": others})


@routes.get(f"{_ROOT}/sessions/{{session_id}}/questions")
@allow(Action.SEE_CONSOLE)
async def list_questions(request: web.Request) -> web.StreamResponse:
    """All questions of a session in the host's order."""
    _, questions = await _read(hub_of(request), request.match_info["session_id"])
    return web.json_response({"questions": [host_question_json(question) for question in plan_queue(questions)]})


async def _read(hub: Hub, session_id: str) -> tuple[Session, list[Question]]:
    def read(db: Database) -> tuple[Session, list[Question]]:
        return show_rows.load_session(db, session_id), question_rows.list_questions(db, session_id)

    return await hub.store.read(read)


@routes.get(f"{_ROOT}/sessions/{{session_id}}/answers")
@allow(Action.SEE_CONSOLE)
async def list_answers(request: web.Request) -> web.StreamResponse:
    """The answers of a session, drafts included."""
    hub, session_id = hub_of(request), request.match_info["session_id"]
    await hub.store.read(lambda db: show_rows.load_session(db, session_id))
    return web.json_response({"answers": [answer_json(answer) for answer in await hub.answers.list(session_id)]})


@routes.post(f"{_ROOT}/sessions/{{session_id}}/answers/{{answer_id}}/{{verb:publish|withdraw}}")
@allow(Action.PUBLISH)
async def publish(request: web.Request) -> web.StreamResponse:
    """Publish an answer, or withdraw it."""
    session_id, answer_id = request.match_info["session_id"], request.match_info["answer_id"]
    public = request.match_info["verb"] == "publish"
    return web.json_response(answer_json(await direction.publish(request, session_id, answer_id, public=public)))


@routes.get(f"{_ROOT}/work")
@allow(Action.SEE_CONSOLE)
async def list_work(request: web.Request) -> web.StreamResponse:
    """The newest pieces of work."""
    return web.json_response({"work": [work_json(work) for work in await hub_of(request).work.status()]})


@routes.post(f"{_ROOT}/work/decide")
@allow(Action.DECIDE_WORK)
async def decide_work(request: web.Request) -> web.StreamResponse:
    """Decide about a held step."""
    body = await read_body(request, DecisionBody)
    await direction.decide_work(request, body)
    return web.json_response({"workflow_id": body.workflow_id, "step": body.step, "decision": body.decision})


@routes.get(f"{_ROOT}/sessions/{{session_id}}/events")
@allow(Action.SEE_CONSOLE)
async def events(request: web.Request) -> web.StreamResponse:
    """Live updates for hosts: session, platform, chat, signal, questions in all states, answers and work."""
    hub, session_id = hub_of(request), request.match_info["session_id"]
    memory = VideosMemory(seconds=time.monotonic)

    async def read() -> Json:
        session, questions = await _read(hub, session_id)
        answers = await hub.answers.list(session_id) if session.state in AFTER else ()
        aside = await read_aside(hub, session, memory)
        return {
            "session": host_session_json(session),
            **plan_aside_state(aside),
            "questions": {question.id: host_question_json(question) for question in questions},
            "topics": topics_state((await read_topics(hub, session_id))[1]),
            "signal": signal_json(await read_signal(hub, session_id, aside)),
            "show": await read_show_state(hub, session_id),
            "answers": {answer.id: answer_json(answer) for answer in answers},
            "work": [work_json(work) for work in await session_work(hub, session_id)],
            "changed": await hub.store.read(lambda db: latest_change(db, session_id)),
            "written": await hub.store.read(lambda db: describe_written(db, session_id)),
            "sources": plan_listening_state(await read_listening(hub, session_id)),
            "overheard": hints_state(await read_hints(hub, session)),
        }

    return await request.app[BROADCASTER].serve(request, f"host:{session_id}", read, poll_s=POLL_S)
