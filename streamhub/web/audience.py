"""The audience: pages and forms that work without JavaScript, and the public API beside them.

``/s/<session>`` is the one permanent address of a session: announcement before, broadcast during, answers after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from aiohttp import web
from sqlite_utils import Database

from streamhub.answers.answer import Answer, AnswerState
from streamhub.errors import StreamhubError
from streamhub.questions.hiding import hide_in_question
from streamhub.questions.question import Question, QuestionState
from streamhub.questions.rules import PUBLIC_STATES, plan_order
from streamhub.questions.verdict import Verdict
from streamhub.questions.writing import Proposal, Story, StoryState
from streamhub.schedule.public import PublicEvent, PublicSession, is_public
from streamhub.schedule.rules import ACCEPTS_QUESTIONS, accepts_asking
from streamhub.schedule.show import LOCAL, Privacy, SessionState, SessionTimes
from streamhub.store import public as public_rows
from streamhub.store import questions as question_rows
from streamhub.store import stories as story_rows
from streamhub.store import votes as vote_rows
from streamhub.store.announcements import load_revisions
from streamhub.store.carrying import list_carries
from streamhub.store.verdicts import find_verdicts
from streamhub.web import access, desk
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.answer_lines import AnswerLine, line_json, plan_lines
from streamhub.web.aside import spare
from streamhub.web.captions import along_context
from streamhub.web.deflecting import Looked
from streamhub.web.events import BROADCASTER, Reader
from streamhub.web.hub import HUB, Hub, hub_of
from streamhub.web.media import has_stream
from streamhub.web.pages import keep_language, language_of, only_web_link, render_page, words_of
from streamhub.web.platform_views import WatchPlace
from streamhub.web.signing import make_form_stamp
from streamhub.web.source_views import Ways
from streamhub.web.ties import Ties, list_coming_events, read_ties
from streamhub.web.views import (
    AFTER,
    FINISHING,
    Json,
    plan_public_state,
    public_state,
    session_json,
    told_question_json,
)
from streamhub.web.voter import keep_voter, known_voter, voter_of
from streamhub.web.ways import find_ways

HONEYPOT = "website"
POLL_S = 5.0
SAID_ON_PAGE = frozenset({400, 409, 429})
"""Statuses of what is wrong with a question itself: these are said beside what was typed."""
MAX_BROUGHT = 1000
"""Characters of a question that an address may bring along."""
_SAID = frozenset({"asked", "held", "flood", "voted", "doubted", "unvoted"})

Carried = Sequence[tuple[Question, PublicSession]]
Told = Mapping[str, Sequence[Story]]
"""By question, what others tell of their own case."""

routes = web.RouteTableDef()


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What the public sees of a session.

    Attributes:
        session: it, with its show.
        questions: the public ones, in the audience's order.
        voted: ids of those that this reader voted for.
        answers: the published ones.
        lines: the same, and what was answered in writing and is not in the archive yet, in one list.
        stories: by question, what others tell of their own case.
        told: by question, how many do; none is not named.
        watch: where else it is shown; None: on the hub alone.
        doubted: ids of those for which this reader's vote waits for a host.
        moved_from: the start that was announced before; None: it was never moved.
        verdicts: what this reader said about answers, by question.
        carried: public questions that went to another session, and that session.
        ways: how else one can ask now.
        ties: its event and its pre-shows.
    """

    session: PublicSession
    questions: Sequence[Question]
    voted: frozenset[str]
    answers: Sequence[Answer]
    lines: Sequence[AnswerLine]
    watch: WatchPlace | None
    stories: Mapping[str, Sequence[Story]] = field(default_factory=dict)
    told: Mapping[str, int] = field(default_factory=dict)
    doubted: frozenset[str] = frozenset()
    moved_from: datetime | None = None
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    carried: Carried = ()
    ways: Ways = Ways()
    ties: Ties = Ties()


async def see_page(hub: Hub, session_id: str, voter: str = "") -> Seen:
    """Read all that a session's page shows a reader.

    Raises:
        NotFound: there is none of that id, or it is a draft.
    """
    seen = await see(hub, session_id, voter)

    def read(db: Database) -> tuple[frozenset[str], datetime | None, dict[str, Verdict], Carried, Told, Ties]:
        doubted = vote_rows.list_doubtful(db, session_id, voter) if voter else frozenset()
        verdicts = find_verdicts(db, [answer.id for answer in seen.answers], f"v:{voter}") if voter else {}
        ids = [question.id for question in seen.questions]
        stories = public_rows.list_stories(db, seen.session, ids, states={StoryState.SHOWN})
        moved_from, ties = load_revisions(db, session_id).moved_from, read_ties(db, session_id)
        return doubted, moved_from, verdicts, _list_carried(db, session_id), stories, ties

    doubted, moved_from, verdicts, carried, stories, ties = await hub.store.read(read)
    return replace(
        seen,
        verdicts=verdicts,
        voted=seen.voted | doubted,
        doubted=doubted,
        stories=stories,
        moved_from=None if moved_from == seen.session.starts_at else moved_from,
        carried=carried,
        ties=ties,
        ways=await find_ways(hub, seen.session, at=hub.now()),
    )


def _list_carried(db: Database, session_id: str) -> Carried:
    """Public questions that went on to another public session, with that session as it is now."""
    gone = [carry.question for carry in list_carries(db, session_id) if carry.question.session_id != session_id]
    shown = [question for question in gone if question.state in PUBLIC_STATES]
    found = [(question, public_rows.preview_session(db, question.session_id)) for question in shown]
    return [(hide_in_question(question, session.masker), session) for question, session in found if is_public(session)]


async def see(hub: Hub, session_id: str, voter: str = "") -> Seen:
    """Read what the public sees of a session, and what a reader voted for.

    Raises:
        NotFound: there is none of that id, or it is a draft.
    """

    def read(db: Database) -> tuple[PublicSession, list[Question], frozenset[str], dict[str, Proposal], dict[str, int]]:
        session = public_rows.load_session(db, session_id)
        questions = public_rows.list_questions(db, session)
        voted = question_rows.list_votes(db, session_id, voter) if voter else frozenset()
        accepted = public_rows.list_accepted(db, session)
        told = story_rows.count_told(db, session_id)
        return session, plan_order(questions), voted, accepted, told

    session, questions, voted, accepted, told = await hub.store.read(read)
    answers = await hub.answers.list(session_id) if session.state in AFTER else ()
    published = [answer for answer in answers if answer.state is AnswerState.PUBLISHED]
    return Seen(
        session=session,
        questions=questions,
        voted=voted,
        answers=published,
        lines=plan_lines(published, questions, accepted, hub.answers.page),
        told=told,
        watch=await _watch(hub, session),
    )


async def _watch(hub: Hub, session: PublicSession) -> WatchPlace | None:
    """Where else than here it is shown: while it is live, and before that too when it is not shown here."""
    show = session.show
    states = {SessionState.LIVE} | (ACCEPTS_QUESTIONS if show.direct else set())
    if session.state not in states or show.platform == LOCAL or show.privacy is Privacy.PRIVATE:
        return None
    place = await spare(hub.platforms.public(session.id), session.id)
    return place if place and only_web_link(place.url) else None


@routes.get("/")
@allow(Action.SEE_PUBLIC)
async def home(request: web.Request) -> web.StreamResponse:
    """Sessions on air, to come and past; a question that came along goes on to the session that one chooses."""
    hub = hub_of(request)

    def read(db: Database) -> tuple[list[PublicSession], list[tuple[PublicEvent, PublicSession, PublicSession]]]:
        public = public_rows.list_sessions(db)
        return public, list_coming_events(db, public)

    sessions, events = await hub.store.read(read)
    live = [s for s in sessions if s.state is SessionState.LIVE]
    coming = [s for s in sessions if s.state in ACCEPTS_QUESTIONS and s.state is not SessionState.LIVE]
    past = [s for s in sessions if s.state in AFTER]
    response = render_page(
        request,
        "home.html",
        live=live,
        coming=sorted(coming, key=lambda s: s.starts_at),
        past=past[:50],
        events=events,
        brought=brought_question(request),
    )
    keep_language(request, response)
    return response


def brought_question(request: web.Request) -> str:
    """What somebody searched the archive for and did not find, from ``?question=``; cut to what the form takes."""
    return request.query.get("question", "").strip()[:MAX_BROUGHT]


@routes.get("/s/{session_id}")
@allow(Action.SEE_PUBLIC)
async def session_page(request: web.Request) -> web.StreamResponse:
    """The session's permanent address; a question that came along from the archive's search stands in the form."""
    seen = await see_page(hub_of(request), request.match_info["session_id"], known_voter(request))
    voter_of(request)
    brought = brought_question(request)
    response = render_session(request, seen, form={"text": brought} if brought else {}, error=None, status=200)
    keep_language(request, response)
    keep_voter(request, response)
    return response


def render_session(
    request: web.Request,
    seen: Seen,
    *,
    form: Mapping[str, str],
    error: StreamhubError | None,
    status: int,
    looked: Looked | None = None,
    shared: bool = False,
) -> web.Response:
    """The session's page, with a form as it was typed, what is wrong with it, and what was looked up for it.

    A shared one is shown to others as well: it thanks nobody, and holds no token of whoever asked first.
    """
    hub, session = hub_of(request), seen.session
    said = "" if shared else request.query.get("said", "")
    untold = "" if shared else request.query.get("untold", "")
    context: dict[str, Any] = {
        "session": session,
        "address": f"{hub.settings.url.rstrip('/')}/s/{session.id}"
        if hub.settings.url
        else "",  # never what a request says
        "show": session.show,
        "questions": seen.questions,
        "on_air": next((q for q in seen.questions if q.state is QuestionState.ON_AIR), None),
        "voted": seen.voted,
        "doubted": seen.doubted,
        "moved_from": seen.moved_from,
        "carried": seen.carried,
        "ways": seen.ways,
        "ties": seen.ties,
        "verdicts": seen.verdicts,
        "answers": seen.lines,
        "stories": seen.stories,
        "looked": looked or Looked(),
        "recording": f"/archive/s/{session.id}/" if has_archive_page(hub, session.id) else "",
        "phase": plan_phase(session.state),
        "told_state": public_state(session.state).value,
        "left": session.starts_at - hub.now(),
        "watch": seen.watch,
        "player": session.state is SessionState.LIVE and has_stream(hub, session.id),
        **ask_context(request, session),
        **along_context(request, session, language=language_of(request, default=session.language)),
        "form": form,
        "error": error,
        "said": said if said in _SAID else "",
        "untold": untold if untold in set(desk.Untold) else "",
        "form_token": "" if shared else access.form_token(hub, actor_of(request)),
    }
    response = render_page(request, "session.html", status=status, default_language=session.language, **context)
    response.headers["Cache-Control"] = "no-store"  # the reader's own votes are on it
    return response


def ask_context(request: web.Request, session: SessionTimes) -> dict[str, Any]:
    """What the ask form shows of a session and its hub."""
    hub, at = hub_of(request), hub_of(request).now()
    return {
        "accepts": session.state in ACCEPTS_QUESTIONS,
        "asking": accepts_asking(session, at=at),
        "call_left": session.call_until - at if session.call_until is not None else None,
        "stamp": make_form_stamp(hub.secret, hub.random, form=f"ask:{session.id}", at=at),
        "honeypot": HONEYPOT,
        "mails": hub.telling.offered,
        "photos": hub.photos_dir is not None,
    }


def has_archive_page(hub: Hub, session_id: str) -> bool:
    """Whether the archive has a page of the whole session, with its recording."""
    return (hub.public_dir / "s" / session_id / "index.html").is_file()


def plan_phase(state: SessionState) -> str:
    """Which of its faces a session's page shows: before, live, after, published or off."""
    if state is SessionState.LIVE:
        return "live"
    if state in FINISHING:
        return "after"
    if state is SessionState.PUBLISHED:
        return "published"
    return "off" if state is SessionState.CANCELLED else "before"


@routes.get("/api/v1/sessions")
@allow(Action.SEE_PUBLIC)
async def list_sessions(request: web.Request) -> web.StreamResponse:
    """All sessions that the public may know of, newest start first."""
    sessions = await hub_of(request).store.read(public_rows.list_sessions)
    at = hub_of(request).now()
    return web.json_response({"sessions": [session_json(s, at=at) for s in sessions]})


@routes.get("/api/v1/sessions/{session_id}")
@allow(Action.SEE_PUBLIC)
async def get_session(request: web.Request) -> web.StreamResponse:
    """One session."""
    session_id = request.match_info["session_id"]
    session = await hub_of(request).store.read(lambda db: public_rows.load_session(db, session_id))
    response = web.json_response(session_json(session, at=hub_of(request).now()))
    voter_of(request)
    keep_voter(request, response)
    return response


@routes.get("/api/v1/sessions/{session_id}/questions")
@allow(Action.SEE_PUBLIC)
async def list_questions(request: web.Request) -> web.StreamResponse:
    """The session's public questions in the audience's order."""
    seen = await see(hub_of(request), request.match_info["session_id"])
    shown = [told_question_json(question, seen.told.get(question.id, 0)) for question in seen.questions]
    return web.json_response({"questions": shown})


def plan_crowd(listeners: int) -> int:
    """How many watch, in powers of ten, so that it seldom changes: pages of a large crowd take their time."""
    return int(10 ** (len(str(listeners)) - 1)) if listeners else 1


@routes.get("/api/v1/sessions/{session_id}/answers")
@allow(Action.SEE_PUBLIC)
async def list_answers(request: web.Request) -> web.StreamResponse:
    """The session's public answers, spoken and written ones in one list."""
    seen = await see(hub_of(request), request.match_info["session_id"])
    return web.json_response({"answers": [line_json(line) for line in seen.lines]})


def public_reader(app: web.Application, session_id: str) -> Reader:
    """Reads the state of a session's public channel."""
    hub = app[HUB]
    known: dict[str, tuple[Question, int, Json]] = {}

    def show(question: Question, told: int) -> Json:
        """The very object of the time before where the question is the same, so that it is quickly seen to be."""
        before = known.get(question.id)
        if before is None or before[0] is not question or before[1] != told:
            before = known[question.id] = (question, told, told_question_json(question, told))
        return before[2]

    async def read() -> Json:
        seen = await see(hub, session_id)
        at = hub.now()
        shown = {question.id: show(question, seen.told.get(question.id, 0)) for question in seen.questions}
        state = plan_public_state(
            seen.session, seen.questions, len(seen.lines), seen.watch, at=at, show=lambda question: shown[question.id]
        )
        return {**state, "crowd": plan_crowd(app[BROADCASTER].count())}

    return read


@routes.get("/api/v1/sessions/{session_id}/events")
@allow(Action.SEE_PUBLIC)
async def events(request: web.Request) -> web.StreamResponse:
    """Live updates of a session; the format stands in `streamhub.web.events`."""
    session_id, say = request.match_info["session_id"], words_of(request)
    gone = request.app[desk.BUDGET].open_stream(request, lambda: say("Too many pages are open from your connection."))
    read = public_reader(request.app, session_id)
    return await request.app[BROADCASTER].serve(request, session_id, read, poll_s=POLL_S, gone=gone)
