"""Curation: what hosts do with questions, once, for forms and for programs alike.

Who may call it was decided before. Knows nothing of forms, JSON and pages.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import Conflict, NotFound
from streamhub.questions.question import Question, QuestionState
from streamhub.schedule.show import SessionState
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.text import clean_line
from streamhub.web.access import actor_of
from streamhub.web.bodies import TagBody
from streamhub.web.desk import clean_or_empty, notify
from streamhub.web.hub import hub_of

LOG = logging.getLogger("streamhub.web")

_MAX_NOTE = 500

QUESTION_ACTIONS: Mapping[str, QuestionState | bool] = MappingProxyType(
    {
        "star": True,
        "unstar": False,
        "queue": QuestionState.QUEUED,
        "open": QuestionState.OPEN,
        "approve": QuestionState.OPEN,
        "hold": QuestionState.HELD,
        "decline": QuestionState.DECLINED,
        "on-air": QuestionState.ON_AIR,
        "done": QuestionState.ANSWERED_LIVE,
        "back": QuestionState.QUEUED,
    }
)
"""What a host does with a question: set or take its star, or step it to a state."""


async def act(request: web.Request, question_id: str, action: str, *, note: str = "", session_id: str = "") -> Question:
    """Do one of `QUESTION_ACTIONS` to a question.

    Raises:
        NotFound: no such action or question, or not in that session.
        Conflict: it cannot be done from where the question or the session is.
    """
    hub, author = hub_of(request), actor_of(request).person
    if action not in QUESTION_ACTIONS:
        raise NotFound(f"action {action!r}: there is none", hint=f"use {', '.join(QUESTION_ACTIONS)}")
    reason = clean_line(note, max_length=_MAX_NOTE, what="note") if clean_or_empty(note) else ""
    at = hub.now()

    def do(db: Database) -> Question:
        before = question_rows.load_question(db, question_id)
        if session_id and before.session_id != session_id:
            raise NotFound(f"question {question_id}: there is no such question in session {session_id}")
        return _do(db, before, action, at=at, author=author, note=reason)

    question = await hub.store.write(do)
    LOG.info("web.curated question_id=%s action=%s person=%s", question_id, action, author)
    notify(request.app, question.session_id)
    return question


def _do(db: Database, before: Question, action: str, *, at: datetime, author: str, note: str) -> Question:
    goal = QUESTION_ACTIONS[action]
    if isinstance(goal, bool):
        return question_rows.star_question(db, before.id, goal, at=at, author=author)
    if goal is QuestionState.ON_AIR:
        session = show_rows.load_session(db, before.session_id)
        if session.state is not SessionState.LIVE:
            raise Conflict(f"session {session.id}: is {session.state}, not live", hint="go live first")
        question_rows.put_on_air(db, before.id, at=at, author=author)
        return question_rows.load_question(db, before.id)
    if action in {"done", "back"}:
        return question_rows.finish_on_air(db, before.id, at=at, author=author, to=goal)
    return question_rows.step_question(db, before.id, goal, at=at, author=author, note=note)


async def tag(request: web.Request, question_id: str, body: TagBody) -> Question:
    """Set a question's topics and products.

    Raises:
        NotFound: no such question.
        BadInput: a tag is empty or too long.
    """
    hub, author = hub_of(request), actor_of(request).person
    topics = tuple(clean_line(one, max_length=60, what="topic") for one in body.topics)
    products = tuple(clean_line(one, max_length=60, what="product") for one in body.products)
    at = hub.now()
    question = await hub.store.write(
        lambda db: question_rows.tag_question(db, question_id, topics=topics, products=products, at=at, author=author)
    )
    notify(request.app, question.session_id)
    return question
