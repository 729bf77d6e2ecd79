"""The desk: what the audience does, once, for forms and for programs alike.

Each function checks, changes the store in one transaction, and tells the listeners. Who may call it was decided before.
Knows nothing of forms, JSON and pages; what hosts do stands in `curation` and `direction`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import BadInput, Conflict, NotFound, StreamhubError, TooMany
from streamhub.questions.doubt import decide_doubt
from streamhub.questions.follower import FollowerKind
from streamhub.questions.photo import BadPhoto, PhotoFault
from streamhub.questions.question import MAX_NAME_LENGTH, MAX_QUESTION_LENGTH, Asker, Question, QuestionState, Shown
from streamhub.questions.rules import decide_intake
from streamhub.schedule.rules import ACCEPTS_QUESTIONS, accepts_asking
from streamhub.schedule.show import SessionTimes
from streamhub.store import followers as follower_rows
from streamhub.store import public as public_rows
from streamhub.store import puzzles as puzzle_rows
from streamhub.store import questions as question_rows
from streamhub.store.ballots import Ballot, Refusal
from streamhub.store.log import log_action
from streamhub.store.votes import Cast
from streamhub.text import clean_line, clean_text, new_id, require_language
from streamhub.web.ballot_box import BALLOT_BOX
from streamhub.web.bodies import AskBody
from streamhub.web.budget import Budget, Spending
from streamhub.web.captions import CAPTIONS
from streamhub.web.events import BROADCASTER
from streamhub.web.flood import FLOOD, read_proof
from streamhub.web.hub import Hub, hub_of
from streamhub.web.pages import language_of, words_of
from streamhub.web.photos import drop_photo, explain, keep_photo
from streamhub.web.signing import digest_for
from streamhub.web.voter import is_forged, known_voter

LOG = logging.getLogger("streamhub.web")
BUDGET: web.AppKey[Budget] = web.AppKey("budget", Budget)

CONSENT_TEXT = "2026-12"
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
        photo: a picture of the defect, as sent; empty for none.
        oversized: whether a picture was sent that is larger than pictures may be.
        email: where its asker wants to be told of the answer; empty: nowhere.
        proof: the solution of the puzzle that is asked for while the session is flooded.
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
    photo: bytes = b""
    oversized: bool = False
    email: str = ""
    proof: str = ""

    @classmethod
    def from_body(cls, body: AskBody, *, once: str, voter: str, photo: bytes = b"", oversized: bool = False) -> Asked:
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
            email=body.email if body.tell else "",
            proof=body.proof,
            photo=photo,
            oversized=oversized,
        )


def overlay_channel(session_id: str) -> str:
    """How the names of the channels of a session's overlay begin; what follows is the nonce of its key."""
    return f"overlay:{session_id}:"


def notify(app: web.Application, session_id: str) -> None:
    """Tell everybody who watches a session that something about it changed."""
    app[BROADCASTER].notify(session_id)
    app[BROADCASTER].notify(f"host:{session_id}")
    app[BROADCASTER].notify_under(overlay_channel(session_id))


def tell(request: web.Request, session_id: str) -> None:
    """Tell those who watch a session, and its platform, that the session itself changed."""
    notify(request.app, session_id)
    request.app[CAPTIONS].look_again(session_id)
    hub_of(request).platforms.wake(session_id)


class Untold(StrEnum):
    """Why nobody will be told by mail, though he asked for it."""

    NO = ""
    MANY = "many"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A question that was taken in, and whether its asker will be told."""

    question: Question
    untold: Untold = Untold.NO


async def ask(request: web.Request, session_id: str, asked: Asked) -> Kept:
    """Take a question in. Once it is kept nothing makes that an error, not even an address that cannot be kept.

    Raises:
        BadInput: empty or too long, a photo that cannot be used, an address that is none.
        NotFound: no such session, or the public may not know of it.
        Conflict: the session takes no questions now.
        TooMany: this address asked too much.
    """
    hub, say = hub_of(request), words_of(request)
    text, asker = check_asked(asked, say)
    _check_email(hub, asked.email, say)
    if asked.oversized:
        raise explain(BadPhoto(PhotoFault.TOO_LARGE), say)
    await request.app[BUDGET].spend(
        request, Spending.QUESTION, say("Many questions came from your connection. Please try again in a moment.")
    )
    at, question_id = hub.now(), new_id(hub.random)
    flood = request.app[FLOOD]
    if asked.photo or not flood.knows(session_id):  # before a picture costs anything, and before anything is remembered
        require_asking(await hub.store.read(lambda db: public_rows.load_session(db, session_id)), at, say)
    flooded = flood.note(session_id, at=at)
    puzzle = read_proof(hub.secret, asked.proof, session_id=session_id, at=at) if flooded else ""
    address = request.app[BUDGET].address(request)
    repeated = flood.is_echo(session_id, text, address, at=at)
    photo = await _take_photo(request, asked.photo, question_id)
    taken: list[Question] = []

    def keep(db: Database) -> str:
        session = public_rows.load_session(db, session_id)
        require_asking(session, at, say)
        unsolved = flooded and not (puzzle and puzzle_rows.spend_puzzle(db, puzzle, at=at))
        doubt = decide_doubt(text, asker.public_name, trapped=asked.suspect, repeated=repeated, flooded=unsolved)
        state = decide_intake(session.show.moderation)
        question = Question(
            id=question_id,
            session_id=session_id,
            text=text,
            asker=asker,
            language=require_language(asked.language or session.language, what="question"),
            state=QuestionState.HELD if doubt else state,
            source=asked.source,
            asked_at=at,
            photo=photo,
            doubt=doubt.value,
        )
        question_rows.insert_question(db, question)
        follower_rows.claim_question(db, question_id, asked.voter, at=at)
        _log_consent(db, question, at=at)
        taken.append(question)
        return question_id

    key = f"ask:{session_id}:{asked.voter}:{asked.once}" if asked.once else None
    kept_id = ""
    try:
        kept_id = await hub.store.write(keep, key=key)
    finally:
        if photo and kept_id != question_id:
            drop_photo(hub.photos_dir, photo)
    LOG.info("web.asked session_id=%s question_id=%s source=%s", session_id, kept_id, asked.source)
    notify(request.app, session_id)
    untold = await _promise(request, kept_id, asked) if asked.email else Untold.NO
    if kept_id == question_id:
        return Kept(question=taken[0], untold=untold)
    return Kept(question=await hub.store.read(lambda db: question_rows.load_question(db, kept_id)), untold=untold)


async def _promise(request: web.Request, question_id: str, asked: Asked) -> Untold:
    """Promise the asker of a kept question to tell him; says why not, where that is refused."""
    language, kind = language_of(request), FollowerKind.ASKER
    try:
        await hub_of(request).telling.follow(question_id, asked.email, language, kind, voter=asked.voter)
    except TooMany:
        return Untold.MANY
    except StreamhubError as error:
        LOG.warning("web.not_followed question_id=%s error=%s", question_id, type(error).__name__)
        return Untold.FAILED
    return Untold.NO


def _check_email(hub: Hub, email: str, say: Callable[[str], str]) -> None:
    if not email:
        return
    try:
        hub.telling.check(email)
    except BadInput as error:
        hint = say("Please write it as name@example.org.")
        raise BadInput(say("The e-mail address is not complete."), hint=hint) from error


async def _take_photo(request: web.Request, data: bytes, question_id: str) -> str:
    if not data:
        return ""
    try:
        return await keep_photo(request, data, question_id)
    except BadPhoto as error:
        raise explain(error, words_of(request)) from error


def require_asking(session: SessionTimes, at: datetime, say: Callable[[str], str]) -> None:
    """Refuse a question that comes too late, and say what is still possible.

    Raises:
        Conflict: the session takes no questions, or the call for contributions is over and the show has not begun.
    """
    if accepts_asking(session, at=at):
        return
    if session.state in ACCEPTS_QUESTIONS:
        raise Conflict(
            say("The time for sending in questions is over."),
            hint=say("You can still vote for the questions below, and ask again as soon as the session is live."),
        )
    raise Conflict(say("This session takes no more questions."))


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
        raise BadInput(f"shown: {asked.shown!r}", hint="use name, pseudonym or anonymous")
    for typed in (asked.name, asked.place):
        if len(typed.strip()) > MAX_NAME_LENGTH:
            raise BadInput(say("The name is too long: at most 60 characters fit."), hint=say("Please shorten it."))
    name, place = (
        clean_line(typed, max_length=MAX_NAME_LENGTH, what="name") if clean_or_empty(typed) else ""
        for typed in (asked.name, asked.place)
    )
    shown = Shown(asked.shown)
    if shown is not Shown.ANONYMOUS and not name:
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


def _log_consent(db: Database, question: Question, *, at: datetime) -> None:
    log_action(
        db,
        at=at,
        author=question.source,
        action="consent.given",
        object_kind="question",
        object_id=question.id,
        details={"text": CONSENT_TEXT, "shown": question.asker.shown.value, "photo": bool(question.photo)},
    )


async def vote(request: web.Request, question_id: str, voter: str, *, wanted: bool, session_id: str = "") -> Cast:
    """Keep a voter's wish, counted or in doubt, or take it back.

    Raises:
        NotFound: no such public question, or not in that session.
        Conflict: it takes no votes now.
        TooMany: this address voted too much.
    """
    hub, say, budget = hub_of(request), words_of(request), request.app[BUDGET]
    await budget.spend(
        request, Spending.VOTE, lambda: say("Many votes came from your connection. Please try again in a moment.")
    )
    most, at, forged = hub.settings.votes_per_address, hub.now(), is_forged(request)
    newcomer = bool(most) and wanted and not known_voter(request)
    newcomers_over = newcomer and not await budget.has_left(request, Spending.NEW_VOTER)
    address = digest_for(hub.secret, f"vote:{question_id}", budget.address(request)) if most else ""

    ballot = Ballot(
        question_id=question_id,
        voter=voter,
        at=at,
        wanted=wanted,
        session_id=session_id,
        address=address,
        newcomers_over=newcomers_over,
        forged=forged,
    )
    cast = await request.app[BALLOT_BOX].cast(ballot)
    if cast is Refusal.UNKNOWN:
        raise NotFound(f"question {question_id}: there is no such question")
    if cast is Refusal.CLOSED:
        raise Conflict(say("This question takes no more votes."))
    if cast.doubt:
        LOG.info("web.vote_in_doubt question_id=%s reason=%s", question_id, cast.doubt.value)
    notify(request.app, cast.session_id)
    return cast
