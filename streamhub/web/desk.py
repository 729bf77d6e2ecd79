"""The desk: everything that audience and hosts do, once, for forms and for programs alike.

Each function checks, changes the store in one transaction, and tells the listeners. Who may call it was decided before.
Knows nothing of forms, JSON and pages.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from aiohttp import web
from sqlite_utils import Database

from streamhub.answers.answer import Answer, AnswerState
from streamhub.errors import BadInput, Conflict, NotFound
from streamhub.questions.question import MAX_NAME_LENGTH, MAX_QUESTION_LENGTH, Asker, Question, QuestionState, Shown
from streamhub.questions.rules import PUBLIC_STATES, VOTABLE_STATES, decide_intake
from streamhub.schedule.rules import ACCEPTS_QUESTIONS, decide_step, plan_session_id
from streamhub.schedule.show import Participant, Session, SessionState, Show
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.store.log import log_action
from streamhub.text import clean_line, clean_text, new_id, require_language, slugify
from streamhub.timecode import format_instant, parse_instant
from streamhub.web.access import actor_of
from streamhub.web.bodies import AskBody, DecisionBody, SessionBody, ShowBody, TagBody
from streamhub.web.budget import Budget, Spending
from streamhub.web.events import BROADCASTER
from streamhub.web.hub import hub_of
from streamhub.web.pages import words_of
from streamhub.web.views import is_public

LOG = logging.getLogger("streamhub.web")
BUDGET: web.AppKey[Budget] = web.AppKey("budget", Budget)

CONSENT_TEXT = "2026-11"
"""Version of the consent sentence on the ask form; changes with its wording."""

_BY_PEOPLE = frozenset(SessionState) - {SessionState.PROCESSING, SessionState.DRAFT}
_MAX_NOTE = 500
_MAX_TITLE = 200
_MAX_ABOUT = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A question as it came in.

    Attributes:
        text, name, shown, place, language: as typed; language may be empty.
        source: the door it came through.
        suspect: whether it looks like a machine's, so that a person looks first.
        once: id of the showing of the form, or of the request; sending it twice asks once. Empty for none.
        voter: who sends it.
    """

    text: str
    name: str = ""
    shown: str = Shown.ANONYMOUS.value
    place: str = ""
    language: str = ""
    source: str = "web"
    suspect: bool = False
    once: str = ""
    voter: str = ""

    @classmethod
    def from_body(cls, body: AskBody, *, once: str, voter: str) -> Asked:
        """A question that came by the API."""
        return cls(
            text=body.text,
            name=body.name,
            shown=body.shown,
            place=body.place,
            language=body.language,
            source="api",
            once=once,
            voter=voter,
        )


def notify(app: web.Application, session_id: str) -> None:
    """Tell everybody who watches a session that something about it changed."""
    app[BROADCASTER].notify(session_id)
    app[BROADCASTER].notify(f"host:{session_id}")


async def ask(request: web.Request, session_id: str, asked: Asked) -> Question:
    """Take a question in.

    Raises:
        BadInput: empty or too long.
        NotFound: no such session, or the public may not know of it.
        Conflict: the session takes no questions now.
        TooMany: this address asked too much.
    """
    hub, say = hub_of(request), words_of(request)
    text, asker = check_asked(asked, say)
    await request.app[BUDGET].spend(
        request, Spending.QUESTION, say("Many questions came from your connection. Please try again in a moment.")
    )
    at, question_id = hub.now(), new_id(hub.random)

    def keep(db: Database) -> str:
        session = require_public(db, session_id)
        if session.state not in ACCEPTS_QUESTIONS:
            raise Conflict(say("This session takes no more questions."))
        state = decide_intake(show_rows.load_show(db, session.show_id).moderation)
        question = Question(
            id=question_id,
            session_id=session_id,
            text=text,
            asker=asker,
            language=require_language(asked.language or session.language, what="question"),
            state=QuestionState.HELD if asked.suspect else state,
            source=asked.source,
            asked_at=at,
        )
        question_rows.insert_question(db, question)
        _log_consent(db, question, at=at)
        return question_id

    key = f"ask:{session_id}:{asked.voter}:{asked.once}" if asked.once else None
    kept_id = await hub.store.write(keep, key=key)
    LOG.info("web.asked session_id=%s question_id=%s source=%s", session_id, kept_id, asked.source)
    notify(request.app, session_id)
    return await hub.store.read(lambda db: question_rows.load_question(db, kept_id))


def check_asked(asked: Asked, say: Callable[[str], str]) -> tuple[str, Asker]:
    """The cleaned text and the asker, or what is wrong, said in the reader's language.

    Raises:
        BadInput: empty, too long, or an unknown way to be shown.
    """
    if len(asked.text) > 20 * MAX_QUESTION_LENGTH or len(clean_or_empty(asked.text)) > MAX_QUESTION_LENGTH:
        raise BadInput(say("Your question is too long: at most 1000 characters fit."), hint=say("Please shorten it."))
    text = clean_or_empty(asked.text)
    if not text:
        raise BadInput(say("There is no question yet."), hint=say("Please write your question."))
    if asked.shown not in set(Shown):
        raise BadInput(f"shown: {asked.shown!r}", hint="use name or anonymous")
    for typed in (asked.name, asked.place):
        if len(typed.strip()) > MAX_NAME_LENGTH:
            raise BadInput(say("The name is too long: at most 60 characters fit."), hint=say("Please shorten it."))
    name, place = (
        clean_line(typed, max_length=MAX_NAME_LENGTH, what="name") if clean_or_empty(typed) else ""
        for typed in (asked.name, asked.place)
    )
    shown = Shown(asked.shown)
    if shown is Shown.NAME and not name:
        raise BadInput(say("You want your name shown, but none is given."), hint=say("Write a name or stay anonymous."))
    return text, Asker(name=name, shown=shown, place=place)


def clean_or_empty(text: str) -> str:
    """The cleaned text; empty when nothing visible is in it."""
    if not text.strip():
        return ""
    try:
        return clean_text(text, max_length=len(text) * 4, what="text")
    except BadInput:
        return ""


def require_public(db: Database, session_id: str) -> Session:
    """A session that the public may know of.

    Raises:
        NotFound: there is none of that id, or it is a draft.
    """
    session = show_rows.load_session(db, session_id)
    if not is_public(session):
        raise NotFound(f"session {session_id}: there is no such session")
    return session


def _log_consent(db: Database, question: Question, *, at: datetime) -> None:
    log_action(
        db,
        at=at,
        author=question.source,
        action="consent.given",
        object_kind="question",
        object_id=question.id,
        details={"text": CONSENT_TEXT, "shown": question.asker.shown.value},
    )


async def vote(request: web.Request, question_id: str, voter: str, *, wanted: bool, session_id: str = "") -> int:
    """Count a voter's wish, or take it back; returns the votes.

    Raises:
        NotFound: no such public question, or not in that session.
        Conflict: it takes no votes now.
        TooMany: this address voted too much.
    """
    hub, say = hub_of(request), words_of(request)
    await request.app[BUDGET].spend(
        request, Spending.VOTE, say("Many votes came from your connection. Please try again in a moment.")
    )
    at = hub.now()

    def count(db: Database) -> tuple[str, int]:
        question = question_rows.load_question(db, question_id)
        if question.state not in PUBLIC_STATES or (session_id and question.session_id != session_id):
            raise NotFound(f"question {question_id}: there is no such question")
        session = require_public(db, question.session_id)
        if question.state not in VOTABLE_STATES or session.state not in ACCEPTS_QUESTIONS:
            raise Conflict(say("This question takes no more votes."))
        if wanted:
            return question.session_id, question_rows.add_vote(db, question_id, voter, at=at)
        return question.session_id, question_rows.remove_vote(db, question_id, voter)

    found_session, votes = await hub.store.write(count)
    notify(request.app, found_session)
    return votes


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


async def save_show(request: web.Request, body: ShowBody) -> Show:
    """Make a show, or change the one of that id.

    Raises:
        BadInput: a title or id that cannot be.
    """
    hub, author = hub_of(request), actor_of(request).person
    title = clean_line(body.title, max_length=_MAX_TITLE, what="title")
    show = Show(
        id=body.id or slugify(title),
        title=title,
        language=body.language,
        about=clean_text(body.about, max_length=_MAX_ABOUT, what="about") if clean_or_empty(body.about) else "",
        moderation=body.moderation,
        publishing=body.publishing,
    )
    at = hub.now()

    def save(db: Database) -> None:
        show_rows.save_show(db, show)
        log_action(db, at=at, author=author, action="show.save", object_kind="show", object_id=show.id, details={})

    await hub.store.write(save)
    return show


async def plan_session(request: web.Request, body: SessionBody) -> Session:
    """Plan a session of a show; its id is made from date and title.

    Raises:
        BadInput: a value that cannot be.
        NotFound: no such show.
        Conflict: there is a session of that date and title.
    """
    hub, author = hub_of(request), actor_of(request).person
    title = clean_line(body.title, max_length=_MAX_TITLE, what="title")
    starts_at, zone = parse_instant(body.starts_at), body.zone or hub.settings.zone
    people = tuple(
        Participant(
            name=clean_line(person.name, max_length=80, what="participant"),
            role=person.role,
            about=clean_line(person.about, max_length=200, what="about") if clean_or_empty(person.about) else "",
        )
        for person in body.participants[:100]
    )
    at = hub.now()

    def save(db: Database) -> Session:
        show = show_rows.load_show(db, body.show_id)
        session = Session(
            id=plan_session_id(title, starts_at, zone),
            show_id=show.id,
            title=title,
            starts_at=starts_at,
            zone=zone,
            language=body.language or show.language,
            planned_minutes=body.planned_minutes,
            participants=people,
        )
        if any(one.id == session.id for one in show_rows.list_sessions(db)):
            raise Conflict(f"session {session.id}: exists already", hint="choose another title or date")
        show_rows.save_session(db, session)
        details = {"show": show.id, "starts_at": format_instant(starts_at)}
        log_action(
            db,
            at=at,
            author=author,
            action="session.plan",
            object_kind="session",
            object_id=session.id,
            details=details,
        )
        return session

    return await hub.store.write(save)


async def step_session(request: web.Request, session_id: str, to: str) -> Session:
    """Take a session a step on in its life; a question left on air at the end counts as answered.

    Raises:
        NotFound: no such session.
        BadInput: no such state.
        Conflict: the step is not allowed from here, or not a person's to take.
    """
    hub, author = hub_of(request), actor_of(request).person
    if to not in set(SessionState):
        raise BadInput(f"state {to!r}: there is none", hint=f"use one of {', '.join(sorted(_BY_PEOPLE))}")
    goal, at = SessionState(to), hub.now()
    before = await hub.store.read(lambda db: show_rows.load_session(db, session_id))
    decide_step(before, goal, at=at)
    if goal is not before.state:
        if goal not in _BY_PEOPLE:
            raise Conflict(f"session {session_id}: the hub itself decides when it is {goal}")
        if goal is SessionState.LIVE:
            await hub.broadcasting.go_live(session_id)
        elif goal is SessionState.ENDED:
            await hub.store.write(lambda db: _clear_air(db, session_id, at=at, author=author))
            await hub.broadcasting.end(session_id)
        else:
            await hub.store.write(lambda db: show_rows.step_session(db, session_id, goal, at=at, author=author))
        LOG.info("web.stepped session_id=%s to=%s person=%s", session_id, goal, author)
    notify(request.app, session_id)
    return await hub.store.read(lambda db: show_rows.load_session(db, session_id))


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
    await (hub.answers.publish if public else hub.answers.withdraw)(session_id, answer_id)
    await _log_answer(request, answer_id, "answer.publish" if public else "answer.withdraw")
    LOG.info("web.published answer_id=%s public=%s person=%s", answer_id, public, author)
    notify(request.app, session_id)
    for answer in await hub.answers.list(session_id):
        if answer.id == answer_id:
            return answer
    raise NotFound(f"answer {answer_id}: there is no such answer in session {session_id}")


async def publish_all(request: web.Request, session_id: str) -> int:
    """Publish every draft of a session; returns how many there were."""
    drafts = [a for a in await hub_of(request).answers.list(session_id) if a.state is AnswerState.DRAFT]
    for answer in drafts:
        await publish(request, session_id, answer.id, public=True)
    return len(drafts)


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
