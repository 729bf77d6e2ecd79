"""Direction: what hosts do with sessions on their way, with answers and held work, for forms and programs alike.

Who may call it was decided before. Knows nothing of forms, JSON and pages; planning stands in `plans`.
"""

from __future__ import annotations

import logging
from datetime import datetime

from aiohttp import web
from sqlite_utils import Database

from streamhub.answers.answer import Answer, AnswerState
from streamhub.errors import BadInput, Conflict, NoConsent, NotFound
from streamhub.questions.question import QuestionState
from streamhub.schedule.rules import decide_step
from streamhub.schedule.show import Session, SessionState
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.store.handover import gather, hand_over
from streamhub.store.log import log_action
from streamhub.web.access import Action, Actor, actor_of, require
from streamhub.web.bodies import DecisionBody
from streamhub.web.consents import read_consents, require_live
from streamhub.web.desk import notify, tell
from streamhub.web.gate import tell_consent
from streamhub.web.hub import Hub, hub_of
from streamhub.web.pages import words_of

LOG = logging.getLogger("streamhub.web")

_BY_PEOPLE = frozenset(SessionState) - {SessionState.PROCESSING, SessionState.DRAFT}
_TECHNIQUE = frozenset({SessionState.REHEARSAL, SessionState.LIVE, SessionState.ENDED})
OPEN_WORK = frozenset({"queued", "running", "held"})


async def step_session(request: web.Request, session_id: str, to: str, *, anyway: bool = False) -> Session:
    """Take a session a step on in its life; a question left on air at the end counts as answered.

    Args:
        request: who asks.
        session_id: the session.
        to: the state that it is to have.
        anyway: whether it goes live without the consent of everybody who was asked.

    Raises:
        NoConsent: somebody did not agree to be broadcast live.
        NotFound: no such session.
        BadInput: no such state.
        Forbidden: a step that is a host's alone.
        Conflict: the step is not allowed from here, or not a person's to take.
    """
    hub, author, say = hub_of(request), actor_of(request).person, words_of(request)
    if to not in set(SessionState):
        raise BadInput(f"state {to!r}: there is none", hint=f"use one of {', '.join(sorted(_BY_PEOPLE))}")
    goal, at = SessionState(to), hub.now()
    before = await hub.store.read(lambda db: show_rows.load_session(db, session_id))
    decide_step(before, goal, at=at)
    if not may_step(actor_of(request), before.state, goal):
        require(request, Action.PLAN)
    if goal is not before.state:
        if goal not in _BY_PEOPLE or (before.state is SessionState.PROCESSING and await _is_worked_on(hub, session_id)):
            raise Conflict(
                say("The hub itself takes this step when its work is done."),
                hint=say("Look at the work on the console."),
            )
        if goal is SessionState.LIVE:
            if not anyway:
                await _require_live(request, before)
            await hub.broadcasting.go_live(session_id)
        elif goal is SessionState.ENDED:
            await hub.store.write(lambda db: _clear_air(db, session_id, at=at, author=author))
            await hub.broadcasting.end(session_id)
        elif goal is SessionState.PUBLISHED or before.state is SessionState.PUBLISHED:
            await hub.answers.show_session(session_id, public=goal is SessionState.PUBLISHED, author=author)
        else:
            await hub.store.write(lambda db: step_with_questions(db, session_id, goal, at=at, author=author))
        LOG.info("web.stepped session_id=%s to=%s person=%s", session_id, goal, author)
    tell(request, session_id)
    return await hub.store.read(lambda db: show_rows.load_session(db, session_id))


def may_step(actor: Actor, before: SessionState, goal: SessionState) -> bool:
    """Whether a step is for this person: a producer rehearses, goes live and ends; the rest is for hosts."""
    return actor.may(Action.PLAN) or (goal in _TECHNIQUE and before is not SessionState.PUBLISHED)


async def _require_live(request: web.Request, session: Session) -> None:
    lines, say = await hub_of(request).store.read(lambda db: read_consents(db, session)), words_of(request)
    try:
        require_live(lines)
    except NoConsent as error:
        message = say("Not live yet: %(names)s did not agree to be broadcast live.") % {"names": ", ".join(error.names)}
        hint = say("Ask first. If you go live anyway, tick that you know it.")
        raise NoConsent(message, hint=hint, names=error.names) from error


def step_with_questions(db: Database, session_id: str, to: SessionState, *, at: datetime, author: str) -> Session:
    """Step a session; one that is announced gathers what earlier ones left open, one that is called off hands it on.

    Raises:
        NotFound: no such session.
        Conflict: the step is not allowed from here.
    """
    session = show_rows.step_session(db, session_id, to, at=at, author=author)
    if to is SessionState.CANCELLED:
        hand_over(db, session_id, at=at, author=author)
    else:
        gather(db, session_id, at=at, author=author)
    return session


async def _is_worked_on(hub: Hub, session_id: str) -> bool:
    """Whether the hub will go on by itself or after a decision; a session whose work was given up is a host's again."""
    return any(str(work.state) in OPEN_WORK for work in await hub.work.status(about=session_id))


def _clear_air(db: Database, session_id: str, *, at: datetime, author: str) -> None:
    for question in question_rows.list_questions(db, session_id, states={QuestionState.ON_AIR}):
        question_rows.finish_on_air(db, question.id, at=at, author=author, to=QuestionState.ANSWERED_LIVE)


async def publish(request: web.Request, session_id: str, answer_id: str, *, public: bool) -> Answer:
    """Make an answer public, or take it out of the public.

    Raises:
        NotFound: no such answer.
    """
    hub, author = hub_of(request), actor_of(request).person
    await hub.store.read(lambda db: show_rows.load_session(db, session_id))
    try:
        await (hub.answers.publish if public else hub.answers.withdraw)(session_id, answer_id, author=author)
    except NoConsent as error:
        raise tell_consent(request, error) from error
    await _log_answer(request, answer_id, "answer.publish" if public else "answer.withdraw")
    LOG.info("web.published answer_id=%s public=%s person=%s", answer_id, public, author)
    notify(request.app, session_id)
    for answer in await hub.answers.list(session_id):
        if answer.id == answer_id:
            return answer
    raise NotFound(f"answer {answer_id}: there is no such answer in session {session_id}")


async def publish_all(request: web.Request, session_id: str) -> int:
    """Publish every draft of a session; returns how many there were.

    What somebody else withdraws at the same moment is no draft any more and stays withdrawn.
    """
    hub, author = hub_of(request), actor_of(request).person
    drafts = [a.id for a in await hub.answers.list(session_id) if a.state is AnswerState.DRAFT]
    try:
        published = await hub.answers.publish_drafts(session_id, drafts, author=author)
    except NoConsent as error:
        raise tell_consent(request, error) from error
    for answer_id in published:
        await _log_answer(request, answer_id, "answer.publish")
    LOG.info("web.published_all session_id=%s answers=%d person=%s", session_id, len(published), author)
    notify(request.app, session_id)
    return len(published)


async def _log_answer(request: web.Request, answer_id: str, action: str) -> None:
    hub, author = hub_of(request), actor_of(request).person
    at = hub.now()
    await hub.store.write(
        lambda db: log_action(
            db, at=at, author=author, action=action, object_kind="answer", object_id=answer_id, details={}
        )
    )


async def decide_work(request: web.Request, body: DecisionBody) -> None:
    """Decide about a held step.

    Raises:
        BadInput: no such decision.
        NotFound, Conflict: no such step, or it is not held.
    """
    if body.decision not in {"retry", "skip", "give_up"}:
        raise BadInput(f"decision {body.decision!r}: there is none", hint="use retry, skip or give_up")
    hub, author = hub_of(request), actor_of(request).person
    await hub.work.decide(body.workflow_id, body.step, body.decision)
    at, details = hub.now(), {"step": body.step, "decision": body.decision}
    await hub.store.write(
        lambda db: log_action(
            db,
            at=at,
            author=author,
            action="work.decide",
            object_kind="work",
            object_id=body.workflow_id,
            details=details,
        )
    )
