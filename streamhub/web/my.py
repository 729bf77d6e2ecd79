"""My questions: what this browser asked, what became of it, as a page and as a feed, and how it is erased.

The browser is known by its signed cookie alone; the feed's address is a secret that opens reading and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web
from sqlite_utils import Database

from streamhub.answers.answer import Answer
from streamhub.errors import BadInput, NotFound, StreamhubError
from streamhub.questions.follower import Follower
from streamhub.questions.hiding import hide_in_question
from streamhub.questions.question import Question, QuestionState
from streamhub.questions.rules import PUBLIC_STATES
from streamhub.questions.verdict import Verdict
from streamhub.schedule.public import PublicSession, is_public
from streamhub.store import followers as follower_rows
from streamhub.store import public as public_rows
from streamhub.store import questions as question_rows
from streamhub.store import verdicts as verdict_rows
from streamhub.web import access, erasing
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.feed import FeedEntry, render_feed
from streamhub.web.helping import find_answer, judge_by_cookie, say_helped
from streamhub.web.hub import HUB, Hub, hub_of
from streamhub.web.links import Links, read_feed
from streamhub.web.pages import PAGES, keep_language, keep_private, language_of, render_page, see_other, words_of
from streamhub.web.security import read_form
from streamhub.web.voter import keep_voter, known_voter, voter_of

LOG = logging.getLogger("streamhub.web")
ERASING_FIRST_S = 10.0
_SAID = frozenset({"thanks", "reopened", "erased", "left"})

routes = web.RouteTableDef()


@dataclass(frozen=True, kw_only=True, slots=True)
class Mine:
    """One of this browser's questions.

    Attributes:
        question: as it was asked.
        target: what stands for it: itself, or what it was merged into.
        session: where the target is.
        answer: its published answer; None: none yet.
        page: path of that on the site; empty: none yet.
        verdict: what this browser said about it.
        reopened: the question that asks it anew; None: none does.
        changed_at: when something happened to it last, UTC.
        told: whether a mail was promised.
    """

    question: Question
    target: Question
    session: PublicSession
    answer: Answer | None
    page: str
    verdict: Verdict | None
    reopened: Question | None
    changed_at: datetime
    told: bool


async def _read_mine(hub: Hub, voter: str) -> list[Mine]:
    """Everything that this browser asked and did not erase, newest first."""

    def read(
        db: Database,
    ) -> list[tuple[Question, Question, PublicSession, Verdict | None, Question | None, datetime, bool]]:
        found = []
        followed = {one.question_id for one in follower_rows.list_followed(db, voter)}
        for question in follower_rows.list_claimed(db, voter) if voter else ():
            if not question.text:
                continue
            target = follower_rows.resolve_merged(db, question)
            session = public_rows.preview_session(db, target.session_id)
            verdict = verdict_rows.find_verdicts(db, [target.id], f"v:{voter}").get(target.id)
            changed_at = verdict_rows.find_answered_at(db, target.id) or question.asked_at
            reopened = verdict_rows.find_reopening(db, target.id)
            found.append((question, target, session, verdict, reopened, changed_at, question.id in followed))
        return found

    mine = []
    for question, target, session, verdict, reopened, changed_at, told in await hub.store.read(read):
        answer = await find_answer(hub, target)
        mine.append(
            Mine(
                question=question,
                target=target,
                session=session,
                answer=answer,
                page=hub.answers.page(answer) if answer else "",
                verdict=verdict,
                reopened=reopened,
                changed_at=changed_at,
                told=told,
            )
        )
    return mine


@routes.get("/my")
@allow(Action.SEE_OWN)
async def show_mine(request: web.Request) -> web.StreamResponse:
    """The questions of this browser."""
    return await _render(request, error=None, form={}, status=200)


async def _render(
    request: web.Request, *, error: StreamhubError | None, form: dict[str, str], status: int
) -> web.StreamResponse:
    hub, voter = hub_of(request), known_voter(request)
    mine = await _read_mine(hub, voter)
    own = {one.question.id for one in mine}

    def read(db: Database) -> list[tuple[Follower, Question]]:
        followed = [one for one in follower_rows.list_followed(db, voter) if one.question_id not in own]
        found = [(one, question_rows.load_question(db, one.question_id)) for one in followed]
        return [
            (one, hide_in_question(question, public_rows.preview_session(db, question.session_id).masker))
            for one, question in found
        ]

    said = request.query.get("said", "")
    response = render_page(
        request,
        "my.html",
        status=status,
        mine=mine,
        followed=[(one, question) for one, question in await hub.store.read(read) if question.state in PUBLIC_STATES],
        public=PUBLIC_STATES,
        is_public=is_public,
        feed=Links(hub_url="", secret=hub.secret).feed(voter) if voter else "",
        said=said if said in _SAID else "",
        error=error,
        form=form,
        form_token=access.form_token(hub, actor_of(request)),
    )
    keep_language(request, response)
    response.headers["Cache-Control"] = "no-store"
    return response


@routes.post("/my/{question_id}/helped")
@allow(Action.CHANGE_OWN)
async def helped(request: web.Request) -> web.StreamResponse:
    """Keep what the asker says about an answer."""
    hub, voter, form = hub_of(request), voter_of(request), await read_form(request)
    question_id = request.match_info["question_id"]
    try:
        judge = await hub.store.read(lambda db: judge_by_cookie(db, question_id, voter))
        reopened = await say_helped(request, question_id, judge, form)
    except BadInput as error:
        return await _render(request, error=error, form={**form, "about": question_id}, status=400)
    response = see_other(f"/my?said={'reopened' if reopened else 'thanks'}#said")
    keep_voter(request, response)
    return response


@routes.post("/my/{question_id}/erase")
@allow(Action.CHANGE_OWN)
async def erase(request: web.Request) -> web.StreamResponse:
    """Erase a question of this browser, for good."""
    hub, say, form = hub_of(request), words_of(request), await read_form(request)
    question_id, voter = request.match_info["question_id"], known_voter(request)
    if not voter or await hub.store.read(lambda db: follower_rows.find_claimant(db, question_id)) != voter:
        raise NotFound(f"question {question_id}: there is no such question of this browser")
    if form.get("sure") != "yes":
        error = BadInput(say("Nothing was erased."), hint=say("Please tick the box that says that you are sure."))
        return await _render(request, error=error, form={}, status=400)
    await erasing.erase(request.app, hub, question_id)
    return see_other("/my?said=erased#said")


@routes.post("/my/leave/{follower_id}")
@allow(Action.CHANGE_OWN)
async def leave(request: web.Request) -> web.StreamResponse:
    """Delete an address that this browser gave."""
    hub, follower_id, voter = hub_of(request), request.match_info["follower_id"], known_voter(request)
    follower = await hub.store.read(lambda db: follower_rows.find_follower(db, follower_id))
    if follower is None or not voter or follower.voter != voter:
        raise NotFound("follower: there is no such promise of this browser")
    await hub.store.write(lambda db: follower_rows.unfollow(db, follower_id))
    return see_other("/my?said=left#said")


@routes.get("/f/{token}.atom")
@allow(Action.SEE_OWN)
async def feed(request: web.Request) -> web.StreamResponse:
    """The questions of one browser as Atom, for feed readers."""
    hub = hub_of(request)
    voter = read_feed(hub.secret, request.match_info["token"])
    if not voter:
        raise NotFound("feed: there is no such feed")
    language = language_of(request)
    words = request.app[PAGES].words(language)
    base = hub.settings.url.rstrip("/") or str(request.url.origin())
    entries = [_entry(one, base, words.gettext) for one in await _read_mine(hub, voter)]
    title = words.gettext("My questions")
    body = render_feed(f"{title} – {hub.settings.name}", language, f"{base}{request.path}", f"{base}/my", entries)
    response = web.Response(body=body, content_type="application/atom+xml", charset="utf-8")
    keep_private(response)
    return response


def _entry(one: Mine, base: str, say: Callable[[str], str]) -> FeedEntry:
    if one.answer is not None:
        second = f"?t={one.answer.start_ms // 1000}" if one.answer.start_ms is not None else ""
        url, told = f"{base}/archive/{one.page}{second}", say("Your question was answered.")
    else:
        url, told = f"{base}/s/{one.session.id}", _state_sentence(one.target.state, say)
    return FeedEntry(
        id=f"{one.question.id}:{'answered' if one.answer else 'asked'}",
        title=one.question.text,
        summary=told,
        url=url,
        language=one.question.language,
        updated=one.changed_at,
    )


def _state_sentence(state: QuestionState, say: Callable[[str], str]) -> str:
    if state in {QuestionState.RECEIVED, QuestionState.HELD}:
        return say("Your question waits for the hosts.")
    if state is QuestionState.DECLINED:
        return say("Your question was not taken.")
    if state is QuestionState.WITHDRAWN:
        return say("Your question was withdrawn.")
    return say("Your question is on the list.")


async def finish_erasures(app: web.Application) -> AsyncIterator[None]:
    """Go on with erasures that a crash or an older database left unfinished, before anybody looks if they are few."""
    task = asyncio.create_task(_finish_erasures(app), name="erasures")
    await asyncio.wait({task}, timeout=ERASING_FIRST_S)
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _finish_erasures(app: web.Application) -> None:
    try:
        await erasing.finish_erasures(app, app[HUB])
    except StreamhubError as error:
        LOG.warning("erasures_unfinished error=%s", error)
