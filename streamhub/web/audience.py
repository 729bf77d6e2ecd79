"""The audience: pages and forms that work without JavaScript, and the public API beside them.

``/s/<session>`` is the one permanent address of a session: announcement before, broadcast during, answers after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiohttp import web
from sqlite_utils import Database

from streamhub.answers.answer import Answer, AnswerState
from streamhub.errors import BadInput, StreamhubError
from streamhub.questions.question import Question, QuestionState
from streamhub.questions.rules import PUBLIC_STATES, plan_order
from streamhub.schedule.rules import ACCEPTS_QUESTIONS
from streamhub.schedule.show import LOCAL, Privacy, Session, SessionState, Show
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.web import desk
from streamhub.web.access import Action, allow
from streamhub.web.aside import spare
from streamhub.web.bodies import AskBody, read_body
from streamhub.web.events import BROADCASTER
from streamhub.web.hub import Hub, hub_of
from streamhub.web.media import has_stream
from streamhub.web.pages import keep_language, only_web_link, render_page, see_other, words_of
from streamhub.web.platform_views import WatchPlace
from streamhub.web.security import read_form
from streamhub.web.signing import make_form_stamp, read_form_stamp
from streamhub.web.views import AFTER, FINISHING, Json, is_public, plan_public_state, question_json, session_json
from streamhub.web.voter import keep_voter, known_voter, voter_of

FORM_AT_LEAST = timedelta(seconds=2)
FORM_AT_MOST = timedelta(hours=2)
HONEYPOT = "website"
POLL_S = 5.0
_SAID = frozenset({"asked", "held", "voted", "unvoted"})
_MAX_KEY = 80

routes = web.RouteTableDef()


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What the public sees of a session.

    Attributes:
        session, show: it and its show.
        questions: the public ones, in the audience's order.
        voted: ids of those that this reader voted for.
        answers: the published ones.
        watch: where else it is shown; None: on the hub alone.
    """

    session: Session
    show: Show
    questions: Sequence[Question]
    voted: frozenset[str]
    answers: Sequence[Answer]
    watch: WatchPlace | None


async def _see(hub: Hub, session_id: str, voter: str = "") -> Seen:
    def read(db: Database) -> tuple[Session, Show, list[Question], frozenset[str]]:
        session = desk.require_public(db, session_id)
        questions = question_rows.list_questions(db, session_id, states=PUBLIC_STATES)
        voted = question_rows.list_votes(db, session_id, voter) if voter else frozenset()
        return session, show_rows.load_show(db, session.show_id), plan_order(questions), voted

    session, show, questions, voted = await hub.store.read(read)
    answers = await hub.answers.list(session_id) if session.state in AFTER else ()
    published = [answer for answer in answers if answer.state is AnswerState.PUBLISHED]
    watch = await _watch(hub, session, show)
    return Seen(session=session, show=show, questions=questions, voted=voted, answers=published, watch=watch)


async def _watch(hub: Hub, session: Session, show: Show) -> WatchPlace | None:
    """Where else than here it is shown: while it is live, and before that too when it is not shown here."""
    states = {SessionState.LIVE} | (ACCEPTS_QUESTIONS if show.direct else set())
    if session.state not in states or show.platform == LOCAL or show.privacy is Privacy.PRIVATE:
        return None
    place = await spare(hub.platforms.public(session.id), session.id)
    return place if place and only_web_link(place.url) else None


@routes.get("/")
@allow(Action.SEE_PUBLIC)
async def home(request: web.Request) -> web.StreamResponse:
    """Sessions on air, to come and past."""
    hub = hub_of(request)
    sessions = [s for s in await hub.store.read(show_rows.list_sessions) if is_public(s)]
    live = [s for s in sessions if s.state is SessionState.LIVE]
    coming = [s for s in sessions if s.state in ACCEPTS_QUESTIONS and s.state is not SessionState.LIVE]
    past = [s for s in sessions if s.state in AFTER]
    response = render_page(
        request, "home.html", live=live, coming=sorted(coming, key=lambda s: s.starts_at), past=past[:50]
    )
    keep_language(request, response)
    return response


@routes.get("/s/{session_id}")
@allow(Action.SEE_PUBLIC)
async def session_page(request: web.Request) -> web.StreamResponse:
    """The session's permanent address."""
    seen = await _see(hub_of(request), request.match_info["session_id"], known_voter(request))
    voter_of(request)
    response = _render_session(request, seen, form={}, error=None, status=200)
    keep_language(request, response)
    keep_voter(request, response)
    return response


def _render_session(
    request: web.Request, seen: Seen, *, form: Mapping[str, str], error: StreamhubError | None, status: int
) -> web.Response:
    hub, session = hub_of(request), seen.session
    said = request.query.get("said", "")
    context: dict[str, Any] = {
        "session": session,
        "show": seen.show,
        "questions": seen.questions,
        "on_air": next((q for q in seen.questions if q.state is QuestionState.ON_AIR), None),
        "voted": seen.voted,
        "answers": [(answer, hub.answers.page(answer)) for answer in seen.answers],
        "phase": plan_phase(session.state),
        "accepts": session.state in ACCEPTS_QUESTIONS,
        "left": session.starts_at - hub.now(),
        "watch": seen.watch,
        "player": session.state is SessionState.LIVE and has_stream(hub, session.id),
        "stamp": make_form_stamp(hub.secret, hub.random, form=f"ask:{session.id}", at=hub.now()),
        "honeypot": HONEYPOT,
        "form": form,
        "error": error,
        "said": said if said in _SAID else "",
    }
    response = render_page(request, "session.html", status=status, default_language=session.language, **context)
    response.headers["Cache-Control"] = "no-store"  # the reader's own votes are on it
    return response


def plan_phase(state: SessionState) -> str:
    """Which of its faces a session's page shows: before, live, after, published or off."""
    if state is SessionState.LIVE:
        return "live"
    if state in FINISHING:
        return "after"
    if state is SessionState.PUBLISHED:
        return "published"
    return "off" if state is SessionState.CANCELLED else "before"


@routes.post("/s/{session_id}/questions")
@allow(Action.ASK)
async def ask_by_form(request: web.Request) -> web.StreamResponse:
    """Take a question from the form; what is wrong with it is said on the page, with the text kept."""
    hub, session_id = hub_of(request), request.match_info["session_id"]
    form = await read_form(request)
    voter = voter_of(request)
    try:
        question = await desk.ask(request, session_id, _asked_by_form(request, session_id, form, voter))
    except StreamhubError as error:
        if error.http_status not in {400, 409, 429}:
            raise
        seen = await _see(hub, session_id, voter)
        page = _render_session(request, seen, form=form, error=error, status=error.http_status)
        if (retry_after_s := getattr(error, "retry_after_s", None)) is not None:
            page.headers["Retry-After"] = str(retry_after_s)
        return page
    said = "held" if question.state is QuestionState.HELD else "asked"
    response = see_other(f"/s/{session_id}?said={said}#said")
    keep_voter(request, response)
    return response


def _asked_by_form(request: web.Request, session_id: str, form: Mapping[str, str], voter: str) -> desk.Asked:
    hub, say = hub_of(request), words_of(request)
    stamp = read_form_stamp(hub.secret, form.get("stamp", ""), form=f"ask:{session_id}", at=hub.now())
    if stamp is None or stamp[0] > FORM_AT_MOST:
        raise BadInput(say("The form was open for a long time."), hint=say("Please check it and send it again."))
    if stamp[0] < FORM_AT_LEAST:
        raise BadInput(say("That was very fast."), hint=say("Please check your question and send it again."))
    if form.get("consent") != "yes":
        raise BadInput(
            say("We may not show your question without your consent."), hint=say("Please tick the box below it.")
        )
    return desk.Asked(
        text=form.get("text", ""),
        name=form.get("name", ""),
        shown=form.get("shown", "anonymous"),
        suspect=bool(form.get(HONEYPOT, "")),
        once=stamp[1],
        voter=voter,
    )


@routes.post("/s/{session_id}/questions/{question_id}/{wish:vote|unvote}")
@allow(Action.VOTE)
async def vote_by_form(request: web.Request) -> web.StreamResponse:
    """Count a vote from a button without JavaScript, or take it back."""
    session_id, question_id = request.match_info["session_id"], request.match_info["question_id"]
    wanted = request.match_info["wish"] == "vote"
    await desk.vote(request, question_id, voter_of(request), wanted=wanted, session_id=session_id)
    response = see_other(f"/s/{session_id}?said={'voted' if wanted else 'unvoted'}#q-{question_id}")
    keep_voter(request, response)
    return response


@routes.get("/api/v1/sessions")
@allow(Action.SEE_PUBLIC)
async def list_sessions(request: web.Request) -> web.StreamResponse:
    """All sessions that the public may know of, newest start first."""
    sessions = await hub_of(request).store.read(show_rows.list_sessions)
    return web.json_response({"sessions": [session_json(s) for s in sessions if is_public(s)]})


@routes.get("/api/v1/sessions/{session_id}")
@allow(Action.SEE_PUBLIC)
async def get_session(request: web.Request) -> web.StreamResponse:
    """One session."""
    session_id = request.match_info["session_id"]
    session = await hub_of(request).store.read(lambda db: desk.require_public(db, session_id))
    response = web.json_response(session_json(session))
    voter_of(request)
    keep_voter(request, response)
    return response


@routes.get("/api/v1/sessions/{session_id}/questions")
@allow(Action.SEE_PUBLIC)
async def list_questions(request: web.Request) -> web.StreamResponse:
    """The session's public questions in the audience's order."""
    seen = await _see(hub_of(request), request.match_info["session_id"])
    return web.json_response({"questions": [question_json(question) for question in seen.questions]})


@routes.post("/api/v1/sessions/{session_id}/questions")
@allow(Action.ASK)
async def ask_by_api(request: web.Request) -> web.StreamResponse:
    """Take a question from a program; the header ``Idempotency-Key`` makes sending it twice harmless."""
    body = await read_body(request, AskBody)
    voter = voter_of(request)
    once = request.headers.get("Idempotency-Key", "")
    if len(once) > _MAX_KEY or not once.isascii():
        raise BadInput("Idempotency-Key: too long, or not ASCII", hint=f"use at most {_MAX_KEY} letters and digits")
    asked = desk.Asked.from_body(body, once=once, voter=voter)
    question = await desk.ask(request, request.match_info["session_id"], asked)
    response = web.json_response(question_json(question), status=201)
    keep_voter(request, response)
    return response


async def _vote_by_api(request: web.Request, *, wanted: bool) -> web.StreamResponse:
    votes = await desk.vote(request, request.match_info["question_id"], voter_of(request), wanted=wanted)
    response = web.json_response({"votes": votes})
    keep_voter(request, response)
    return response


@routes.post("/api/v1/questions/{question_id}/vote")
@allow(Action.VOTE)
async def add_vote(request: web.Request) -> web.StreamResponse:
    """Count this voter's wish, once."""
    return await _vote_by_api(request, wanted=True)


@routes.delete("/api/v1/questions/{question_id}/vote")
@allow(Action.VOTE)
async def remove_vote(request: web.Request) -> web.StreamResponse:
    """Take this voter's wish back."""
    return await _vote_by_api(request, wanted=False)


@routes.get("/api/v1/sessions/{session_id}/events")
@allow(Action.SEE_PUBLIC)
async def events(request: web.Request) -> web.StreamResponse:
    """Live updates of a session; the format stands in `streamhub.web.events`."""
    hub, session_id = hub_of(request), request.match_info["session_id"]

    async def read() -> Json:
        seen = await _see(hub, session_id)
        return plan_public_state(seen.session, seen.questions, seen.answers, seen.watch)

    say = words_of(request)
    with request.app[desk.BUDGET].stream(request, say("Too many pages are open from your connection.")):
        return await request.app[BROADCASTER].serve(request, session_id, read, poll_s=POLL_S)
