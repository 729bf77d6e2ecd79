"""Topics of a session's questions: what the machine proposes, and what hosts make of it, as page and as API.

"42 people, one problem": a topic counts everybody who asked or voted within it, once. Hosts rename, pin, merge and
split topics, move questions and act on all of a topic; the machine never acts on a question by itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import msgspec
from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import BadInput, NotFound, StreamhubError
from streamhub.questions.change import Deed
from streamhub.questions.clusters import MAX_NAME
from streamhub.questions.question import Question, QuestionState
from streamhub.store import changes
from streamhub.store import clusters as rows
from streamhub.store import shows as show_rows
from streamhub.store.things import name_thing
from streamhub.text import clean_line, new_id
from streamhub.web import curation
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.bodies import Body, read_body
from streamhub.web.desk import clean_or_empty, notify
from streamhub.web.host import person_context
from streamhub.web.hub import hub_of
from streamhub.web.pages import keep_language, render_page, see_other, words_of
from streamhub.web.security import read_form
from streamhub.web.topic_views import read_topics, topic_json

LOG = logging.getLogger("streamhub.web")

_PAGE = "/host/s/{session_id}/topics"
_API = "/api/v1/host/sessions/{session_id}/topics"
_DEEDS = "rename|pin|unpin|merge|split|queue|unite"
_CHOSEN = "q-"

routes = web.RouteTableDef()


class TopicBody(Body, frozen=True, kw_only=True):
    """What a deed on a topic needs: a name, the topic to merge into, or the questions to split off."""

    name: str = ""
    into: str = ""
    questions: tuple[str, ...] = ()


class MoveBody(Body, frozen=True, kw_only=True):
    """Where a question goes; an empty topic takes it out of all."""

    question: str
    topic: str = msgspec.field(default="")


@routes.get(_PAGE)
@allow(Action.SEE_CONSOLE)
async def show_topics(request: web.Request) -> web.StreamResponse:
    """All topics with their questions; with ``?topic=…`` that one alone."""
    hub = hub_of(request)
    session, topics, single = await read_topics(hub, request.match_info["session_id"])
    wanted = request.query.get("topic", "")
    shown = [topic for topic in topics if topic.cluster.id == wanted] if wanted else topics
    if wanted and not shown:
        raise NotFound(f"topic {wanted}: there is no such topic", hint="it was merged or dissolved; look at all topics")
    response = render_page(
        request,
        "topics.html",
        session=session,
        topics=shown,
        others=topics,
        single=() if wanted else single,
        wanted=wanted,
        **person_context(hub, actor_of(request)),
    )
    keep_language(request, response)
    return response


@routes.post(f"{_PAGE}/regroup")
@allow(Action.CURATE)
async def regroup(request: web.Request) -> web.StreamResponse:
    """Group the questions anew; what hosts decided stays."""
    session_id = request.match_info["session_id"]
    await _regroup(request, session_id)
    return see_other(f"/host/s/{session_id}/topics")


@routes.post(f"{_PAGE}/move")
@allow(Action.CURATE)
async def move_by_form(request: web.Request) -> web.StreamResponse:
    """Put a question into a topic, or out of all."""
    session_id, form = request.match_info["session_id"], await read_form(request)
    await _move(request, session_id, form.get("question", ""), form.get("topic", ""))
    return see_other(f"/host/s/{session_id}/topics")


@routes.post(f"{_PAGE}/{{topic_id}}/{{topic_deed:{_DEEDS}}}")
@allow(Action.CURATE)
async def do_by_form(request: web.Request) -> web.StreamResponse:
    """Do something to a topic; the questions that a split takes come as ticked boxes."""
    session_id, form = request.match_info["session_id"], await read_form(request)
    chosen = tuple(name.removeprefix(_CHOSEN) for name in form if name.startswith(_CHOSEN))
    await _do(request, TopicBody(name=form.get("name", ""), into=form.get("into", ""), questions=chosen))
    return see_other(f"/host/s/{session_id}/topics")


@routes.get(_API)
@allow(Action.SEE_CONSOLE)
async def list_topics(request: web.Request) -> web.StreamResponse:
    """The topics of a session."""
    _, topics, single = await read_topics(hub_of(request), request.match_info["session_id"])
    return web.json_response({"topics": [topic_json(topic) for topic in topics], "single": [one.id for one in single]})


@routes.post(f"{_API}/regroup")
@allow(Action.CURATE)
async def regroup_by_api(request: web.Request) -> web.StreamResponse:
    """Group the questions anew."""
    await _regroup(request, request.match_info["session_id"])
    return await _answer(request)


@routes.post(f"{_API}/move")
@allow(Action.CURATE)
async def move_by_api(request: web.Request) -> web.StreamResponse:
    """Put a question into a topic, or out of all."""
    body = await read_body(request, MoveBody)
    await _move(request, request.match_info["session_id"], body.question, body.topic)
    return await _answer(request)


@routes.post(f"{_API}/{{topic_id}}/{{topic_deed:{_DEEDS}}}")
@allow(Action.CURATE)
async def do_by_api(request: web.Request) -> web.StreamResponse:
    """Do something to a topic."""
    await _do(request, await read_body(request, TopicBody, optional=True))
    return await _answer(request)


async def _answer(request: web.Request) -> web.StreamResponse:
    _, topics, single = await read_topics(hub_of(request), request.match_info["session_id"])
    return web.json_response({"topics": [topic_json(topic) for topic in topics], "single": [one.id for one in single]})


async def _regroup(request: web.Request, session_id: str) -> None:
    hub = hub_of(request)
    await hub.store.read(lambda db: show_rows.load_session(db, session_id))
    await hub.topics.regroup(session_id)
    notify(request.app, session_id)


async def _move(request: web.Request, session_id: str, question_id: str, topic_id: str) -> None:
    hub, author, at = hub_of(request), actor_of(request).person, hub_of(request).now()
    deed = Deed(session_id=session_id, action="topic-move", author=author, at=at)

    def move(db: Database) -> None:
        def do() -> tuple[str, ...]:
            rows.move_question(db, session_id, question_id, topic_id, at=at, author=author)
            return ()

        changes.record_change(db, deed, [], do, things=[name_thing("member", question_id)], about=[question_id])

    await hub.store.write(move)
    LOG.info("web.topic session_id=%s question_id=%s deed=move person=%s", session_id, question_id, author)
    notify(request.app, session_id)


async def _do(request: web.Request, body: TopicBody) -> None:
    """One of the deeds on the topic that the address names.

    Raises:
        NotFound: there is no such topic.
        BadInput: the name is too long, or a split splits nothing.
    """
    hub, author, at = hub_of(request), actor_of(request).person, hub_of(request).now()
    session_id, topic_id, deed = (request.match_info[part] for part in ("session_id", "topic_id", "topic_deed"))
    if deed == "queue":
        await _queue_all(request, session_id, topic_id)
        return
    if deed == "unite":
        await _unite_all(request, session_id, topic_id)
        return
    name = clean_line(body.name, max_length=MAX_NAME, what="name") if clean_or_empty(body.name) else ""
    fresh = new_id(hub.random)

    def do(db: Database) -> tuple[str, ...]:
        if deed == "rename":
            rows.name_cluster(db, session_id, topic_id, name, at=at, author=author)
        elif deed == "merge":
            rows.merge_clusters(db, session_id, topic_id, body.into, at=at, author=author)
        elif deed == "split":
            rows.split_cluster(db, session_id, topic_id, body.questions, new_id=fresh, at=at, author=author)
        else:
            rows.pin_cluster(db, session_id, topic_id, deed == "pin", at=at, author=author)
        return ()

    def record(db: Database) -> None:
        members = sorted(rows.load_cluster(db, session_id, topic_id).members)
        topics = [name_thing("topic", one) for one in (topic_id, *([fresh] if deed == "split" else ()))]
        moved = [name_thing("member", one) for one in members] if deed in {"merge", "split"} else []
        plan = Deed(session_id=session_id, action=f"topic-{deed}", author=author, at=at)
        changes.record_change(db, plan, [], lambda: do(db), things=[*topics, *moved], about=members)

    try:
        await hub.store.write(record)
    except BadInput as error:
        raise _tell_misfit(deed, error, words_of(request)) from error
    LOG.info("web.topic session_id=%s topic_id=%s deed=%s person=%s", session_id, topic_id, deed, author)
    notify(request.app, session_id)


def _tell_misfit(deed: str, error: BadInput, say: Callable[[str], str]) -> BadInput:
    """The same in the reader's language, for the deeds whose input can be wrong."""
    if deed == "merge":
        return BadInput(say("A topic cannot be merged with itself."), hint=say("Choose another topic."))
    if deed == "split":
        return BadInput(say("No part of the topic was chosen."), hint=say("Choose some of its questions, not all."))
    return error


async def _find_questions(request: web.Request, session_id: str, topic_id: str) -> Sequence[Question]:
    _, topics, _ = await read_topics(hub_of(request), session_id)
    for topic in topics:
        if topic.cluster.id == topic_id:
            return topic.questions
    raise NotFound(f"topic {topic_id}: there is no such topic", hint="look at the session's topics")


async def _unite_all(request: web.Request, session_id: str, topic_id: str) -> None:
    """Merge the open and queued questions of a topic into one, all or none; the hosts' journal can take it back.

    Raises:
        NotFound: there is no such topic.
        BadInput: it has fewer than two such questions.
        Conflict: one of them cannot be merged.
    """
    mergeable = {QuestionState.OPEN, QuestionState.QUEUED}
    found = await _find_questions(request, session_id, topic_id)
    await curation.merge_several(request, session_id, [one.id for one in found if one.state in mergeable])


async def _queue_all(request: web.Request, session_id: str, topic_id: str) -> None:
    """Queue the open questions of a topic, most wanted first; one that changed meanwhile is passed over."""
    queueable = {QuestionState.OPEN, QuestionState.CARRIED_OVER}
    waiting = [one for one in await _find_questions(request, session_id, topic_id) if one.state in queueable]
    if not waiting:
        say = words_of(request)
        raise BadInput(say("None of the questions of this topic is open."), hint=say("Let questions in first."))
    for question in waiting:
        try:
            await curation.act(request, curation.Wish(question_id=question.id, action="queue", session_id=session_id))
        except StreamhubError as error:
            LOG.info("web.topic_passed_over question_id=%s error=%s", question.id, type(error).__name__)
