"""The desk: what the audience does, once, for forms and for programs alike.

Each function checks, changes the store in one transaction, and tells the listeners. Who may call it was decided before.
Knows nothing of forms, JSON and pages; what hosts do stands in `curation` and `direction`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import BadInput, Conflict, NotFound
from streamhub.questions.question import MAX_NAME_LENGTH, MAX_QUESTION_LENGTH, Asker, Question, QuestionState, Shown
from streamhub.questions.rules import PUBLIC_STATES, VOTABLE_STATES, decide_intake
from streamhub.schedule.rules import ACCEPTS_QUESTIONS
from streamhub.schedule.show import Session, SessionState
from streamhub.store import followers as follower_rows
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.store.log import log_action
from streamhub.text import clean_line, clean_text, new_id, require_language
from streamhub.web.bodies import AskBody
from streamhub.web.budget import Budget, Spending
from streamhub.web.events import BROADCASTER
from streamhub.web.hub import hub_of
from streamhub.web.pages import words_of
from streamhub.web.views import is_public

LOG = logging.getLogger("streamhub.web")
BUDGET: web.AppKey[Budget] = web.AppKey("budget", Budget)

CONSENT_TEXT = "2026-11"
"""Version of the consent sentence on the ask form; changes with its wording."""


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


def tell(request: web.Request, session_id: str) -> None:
    """Tell those who watch a session, and its platform, that the session itself changed."""
    notify(request.app, session_id)
    hub_of(request).platforms.wake(session_id)


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
        follower_rows.claim_question(db, question_id, asked.voter, at=at)
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
        request, Spending.VOTE, lambda: say("Many votes came from your connection. Please try again in a moment.")
    )
    at = hub.now()

    def count(db: Database) -> tuple[str, int]:
        question_in, state, session_state = question_rows.load_standing(db, question_id)
        hidden = state not in PUBLIC_STATES or session_state is SessionState.DRAFT
        if hidden or (session_id and question_in != session_id):
            raise NotFound(f"question {question_id}: there is no such question")
        if state not in VOTABLE_STATES or session_state not in ACCEPTS_QUESTIONS:
            raise Conflict(say("This question takes no more votes."))
        if wanted:
            return question_in, question_rows.add_vote(db, question_id, voter, at=at)
        return question_in, question_rows.remove_vote(db, question_id, voter)

    found_session, votes = await hub.store.write(count)
    notify(request.app, found_session)
    return votes
