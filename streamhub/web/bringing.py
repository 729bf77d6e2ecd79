"""Bringing questions in: what a producer types in from the phone, or pastes as a CSV, into a session that runs.

A person has looked at what comes this way, so it is open at once. A list is taken whole or not at all. Knows nothing of
forms, JSON and pages.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import BadInput, Conflict
from streamhub.importing import parse_questions
from streamhub.questions.change import Deed
from streamhub.questions.question import Question, QuestionState
from streamhub.schedule.rules import ACCEPTS_QUESTIONS
from streamhub.schedule.show import Session, SessionState
from streamhub.store import changes
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.text import new_id
from streamhub.web.access import actor_of
from streamhub.web.desk import Asked, check_asked, notify
from streamhub.web.hub import hub_of
from streamhub.web.pages import words_of

LOG = logging.getLogger("streamhub.web")

PHONE = "phone"
CSV = "csv"
MAX_ROWS = 1000

_TAKES = ACCEPTS_QUESTIONS | {SessionState.DRAFT}


async def bring(
    request: web.Request, session_id: str, asked: Asked, *, queued: bool = False, once: str = ""
) -> Question:
    """Take a question that somebody heard on the phone.

    Raises:
        BadInput: empty or too long.
        NotFound: no such session.
        Conflict: the session takes no questions now.
    """
    hub, say = hub_of(request), words_of(request)
    text, asker = check_asked(asked, say)
    session = await hub.store.read(lambda db: show_rows.load_session(db, session_id))
    question = Question(
        id=new_id(hub.random),
        session_id=session_id,
        text=text,
        asker=asker,
        language=asked.language or session.language,
        state=_state(queued=queued),
        source=PHONE,
        asked_at=hub.now(),
        seen=True,
    )
    ids = await _keep(request, session_id, [question], action=PHONE, once=once)
    return await hub.store.read(lambda db: question_rows.load_question(db, ids[0]))


async def bring_csv(
    request: web.Request, session_id: str, text: str, *, queued: bool = False, once: str = ""
) -> list[str]:
    """Take a list of questions, all or none; returns their ids. What begins like a formula is text like any other.

    Raises:
        BadInput: with every bad line.
        NotFound: no such session.
        Conflict: the session takes no questions now, or one of the ids exists.
    """
    hub, say = hub_of(request), words_of(request)
    session = await hub.store.read(lambda db: show_rows.load_session(db, session_id))
    read = parse_questions(
        text,
        name="CSV",
        session_id=session_id,
        language=session.language,
        asked_at=hub.now(),
        new_id=lambda: new_id(hub.random),
    )
    questions = [replace(question, state=_state(queued=queued), seen=True) for question in read]
    if not questions:
        raise BadInput(
            say("There is no question in it."), hint=say("Name the columns in the first line, such as: question;asker")
        )
    if len(questions) > MAX_ROWS:
        raise BadInput(f"CSV: {len(questions)} questions, at most {MAX_ROWS} at once", hint="bring them in parts")
    return await _keep(request, session_id, questions, action=CSV, once=once)


def _state(*, queued: bool) -> QuestionState:
    return QuestionState.QUEUED if queued else QuestionState.OPEN


async def _keep(
    request: web.Request, session_id: str, questions: Sequence[Question], *, action: str, once: str
) -> list[str]:
    hub, author, say = hub_of(request), actor_of(request).person, words_of(request)
    at = hub.now()

    def keep(db: Database) -> list[str]:
        session: Session = show_rows.load_session(db, session_id)
        if session.state not in _TAKES:
            raise Conflict(say("This session takes no more questions."))

        def insert() -> list[str]:
            return [question_rows.insert_question(db, question).id for question in questions]

        deed = Deed(session_id=session_id, action=action, author=author, at=at)
        made = changes.record_change(db, deed, [], insert)
        return list(made.question_ids) if made else []

    ids = await hub.store.write(keep, key=f"bring:{author}:{session_id}:{once}" if once else None)
    LOG.info("web.brought session_id=%s questions=%d source=%s person=%s", session_id, len(ids), action, author)
    notify(request.app, session_id)
    return ids
