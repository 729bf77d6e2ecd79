"""Whether an answer helped: the page behind a mail's link, the same by the browser's cookie, and what follows from it.

Looking at a link changes nothing, because mail scanners look at links. "No" of somebody who asked puts the question
back on the list with its whole history; "no" of others is counted.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from aiohttp import web
from sqlite_utils import Database

from streamhub.answers.answer import Answer, AnswerState
from streamhub.errors import BadInput, NotFound
from streamhub.questions.follower import Follower
from streamhub.questions.question import Question, QuestionState
from streamhub.questions.verdict import MAX_REASON_LENGTH, Helped, Verdict
from streamhub.store import followers as follower_rows
from streamhub.store import public as public_rows
from streamhub.store import questions as question_rows
from streamhub.store import verdicts as verdict_rows
from streamhub.text import clean_text, new_id
from streamhub.web import access, desk
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.budget import Spending
from streamhub.web.hub import Hub, hub_of
from streamhub.web.links import read_helped, read_leave
from streamhub.web.pages import keep_language, render_page, see_other, words_of
from streamhub.web.security import read_form
from streamhub.web.voter import keep_voter, known_voter, voter_of

LOG = logging.getLogger("streamhub.web")
_ID_LENGTH = 26

routes = web.RouteTableDef()


@dataclass(frozen=True, kw_only=True, slots=True)
class Judge:
    """Who says whether an answer helped.

    Attributes:
        person: as in `streamhub.questions.verdict.Verdict`.
        concerned: whether the question is this person's own, so that "no" asks it anew.
    """

    person: str
    concerned: bool


def judge_by_cookie(db: Database, question_id: str, voter: str) -> Judge:
    """The browser's owner."""
    return Judge(person=f"v:{voter}", concerned=follower_rows.is_concerned(db, question_id, voter))


def judge_by_link(follower: Follower) -> Judge:
    """The reader of a mail; one person with the browser that the promise was given to."""
    return Judge(person=f"v:{follower.voter}" if follower.voter else f"f:{follower.id}", concerned=True)


async def say_helped(request: web.Request, question_id: str, judge: Judge, form: dict[str, str]) -> Question | None:
    """Keep what somebody says; returns the question that is asked anew because of it, if one is.

    Raises:
        BadInput: nothing was chosen, or the reason is too long.
        NotFound: there is no public answer.
        TooMany: this address said too much.
    """
    hub, say = hub_of(request), words_of(request)
    helped, reason = form.get("helped", ""), form.get("reason", "")
    if helped not in set(Helped):
        raise BadInput(say("Nothing is chosen yet."), hint=say("Please choose whether it helped."))
    if len(reason) > MAX_REASON_LENGTH:
        raise BadInput(say("This is too long: at most 1000 characters fit."), hint=say("Please shorten it."))
    await request.app[desk.BUDGET].spend(
        request, Spending.VOTE, say("Many answers came from your connection. Please try again in a moment.")
    )
    at, fresh_id = hub.now(), new_id(hub.random)
    verdict = Verdict(
        question_id=question_id,
        person=judge.person,
        helped=Helped(helped),
        reason=clean_text(reason, max_length=MAX_REASON_LENGTH, what="reason") if desk.clean_or_empty(reason) else "",
        at=at,
    )

    def keep(db: Database) -> Question | None:
        question = question_rows.load_question(db, question_id)
        if question.state not in {QuestionState.PUBLISHED, QuestionState.SUPERSEDED} or not question.text:
            raise NotFound(f"answer {question_id}: there is no such answer")
        verdict_rows.save_verdict(db, verdict)
        if verdict.helped is not Helped.NO:
            return None
        reopened = verdict_rows.find_reopening(db, question_id)
        if reopened is None and judge.concerned:
            reopened = verdict_rows.reopen_question(db, question_id, new_id=fresh_id, at=at)
        if reopened is not None:
            verdict_rows.join_reopening(
                db, reopened, judge.person, make_id=lambda: new_id(hub.random, length=_ID_LENGTH), at=at
            )
        return reopened

    reopened = await hub.store.write(keep)
    LOG.info("web.helped question_id=%s helped=%s reopened=%s", question_id, helped, reopened is not None)
    if reopened is not None:
        desk.notify(request.app, reopened.session_id)
    return reopened


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What somebody is asked about: a mail's reader, or who comes from the archive.

    Attributes:
        question: the answered one.
        answer: the answer; None when its pages are gone.
        verdict: what he said before.
        follower: a mail's reader; None for anybody else.
    """

    question: Question
    answer: Answer | None
    verdict: Verdict | None
    follower: Follower | None = None

    @property
    def language(self) -> str:
        """In which it is asked."""
        return self.follower.language if self.follower else self.question.language


async def _read_told(request: web.Request) -> tuple[Told, Follower]:
    """What the link in the address is about, and its reader.

    Raises:
        NotFound: we made no such link, or what it is about is gone.
    """
    hub = hub_of(request)
    follower_id = read_helped(hub.secret, request.match_info["token"])

    def read(db: Database) -> tuple[Follower, Question, Verdict | None]:
        follower = follower_rows.find_follower(db, follower_id) if follower_id else None
        if follower is None or not follower.told_about:
            raise NotFound("link: leads to nothing")
        question = question_rows.load_question(db, follower.told_about)
        person = judge_by_link(follower).person
        return follower, question, verdict_rows.find_verdicts(db, [question.id], person).get(question.id)

    follower, question, verdict = await hub.store.read(read)
    answer = await find_answer(hub, question)
    return Told(follower=follower, question=question, answer=answer, verdict=verdict), follower


async def find_answer(hub: Hub, question: Question) -> Answer | None:
    """The published answer of a question; None where there is none."""
    if question.state is not QuestionState.PUBLISHED:
        return None
    answers = await hub.answers.list(question.session_id)
    return next((one for one in answers if one.id == question.id and one.state is AnswerState.PUBLISHED), None)


@routes.get("/helped/{token}")
@allow(Action.SEE_OWN)
async def show_helped(request: web.Request) -> web.StreamResponse:
    """Ask whether an answer helped."""
    told, _ = await _read_told(request)
    return await _render_helped(request, told, error=None, form={}, status=200)


async def _render_helped(
    request: web.Request, told: Told, *, error: BadInput | None, form: dict[str, str], status: int
) -> web.StreamResponse:
    hub = hub_of(request)
    if told.answer is None:
        raise NotFound(f"answer {told.question.id}: is not public any more")
    response = render_page(
        request,
        "helped.html",
        status=status,
        default_language=told.language,
        told=told,
        page=hub.answers.page(told.answer),
        at_ms=told.answer.start_ms,
        said=request.query.get("said", "") if request.query.get("said") in {"thanks", "reopened"} else "",
        error=error,
        form=form,
        form_token=access.form_token(hub, actor_of(request)),
    )
    keep_language(request, response)
    response.headers["Cache-Control"] = "no-store"
    return response


@routes.post("/helped/{token}")
@allow(Action.CHANGE_OWN)
async def helped(request: web.Request) -> web.StreamResponse:
    """Keep what the reader of a mail says."""
    (told, follower), form = await _read_told(request), await read_form(request)
    try:
        reopened = await say_helped(request, told.question.id, judge_by_link(follower), form)
    except BadInput as error:
        return await _render_helped(request, told, error=error, form=form, status=400)
    return see_other(f"{request.path}?said={'reopened' if reopened else 'thanks'}#said")


@routes.get("/s/{session_id}/answers/{question_id}/helped")
@allow(Action.SEE_PUBLIC)
async def show_helped_on_page(request: web.Request) -> web.StreamResponse:
    """Ask whether an answer helped; ``?helped=`` of the archive's page is chosen already, and nothing is kept by it."""
    session_id, question_id = request.match_info["session_id"], request.match_info["question_id"]
    hub, voter = hub_of(request), known_voter(request)

    def read(db: Database) -> tuple[Question, Verdict | None]:
        question, _ = public_rows.load_question(db, question_id)
        if question.session_id != session_id:
            raise NotFound(f"answer {question_id}: there is no such answer in session {session_id}")
        found = verdict_rows.find_verdicts(db, [question.id], f"v:{voter}") if voter else {}
        return question, found.get(question.id)

    question, verdict = await hub.store.read(read)
    told = Told(question=question, answer=await find_answer(hub, question), verdict=verdict)
    form = {"helped": chosen} if (chosen := request.query.get("helped", "")) in set(Helped) else {}
    return await _render_helped(request, told, error=None, form=form, status=200)


@routes.post("/s/{session_id}/answers/{question_id}/helped")
@allow(Action.CHANGE_OWN)
async def helped_on_page(request: web.Request) -> web.StreamResponse:
    """Keep what somebody says on the session's page."""
    session_id, question_id = request.match_info["session_id"], request.match_info["question_id"]
    voter, form, hub = voter_of(request), await read_form(request), hub_of(request)

    def judge(db: Database) -> Judge:
        if question_rows.load_question(db, question_id).session_id != session_id:
            raise NotFound(f"answer {question_id}: there is no such answer in session {session_id}")
        return judge_by_cookie(db, question_id, voter)

    await say_helped(request, question_id, await hub.store.read(judge), form)
    response = see_other(f"/s/{session_id}#helped-{question_id}")
    keep_voter(request, response)
    return response


@routes.get("/leave/{token}")
@allow(Action.SEE_OWN)
async def show_leave(request: web.Request) -> web.StreamResponse:
    """Show a button; looking at the link deletes nothing."""
    follower = await _read_leaver(request)
    done = request.query.get("said") == "gone" or not follower.email
    token = access.form_token(hub_of(request), actor_of(request))
    response = render_page(request, "leave.html", default_language=follower.language, done=done, form_token=token)
    keep_language(request, response)
    response.headers["Cache-Control"] = "no-store"
    return response


async def _read_leaver(request: web.Request) -> Follower:
    hub = hub_of(request)
    follower_id = read_leave(hub.secret, request.match_info["token"])
    follower = await hub.store.read(lambda db: follower_rows.find_follower(db, follower_id or ""))
    if follower is None:
        raise NotFound("link: leads to nothing")
    return follower


@routes.post("/leave/{token}")
@allow(Action.CHANGE_OWN)
async def leave(request: web.Request) -> web.StreamResponse:
    """Delete the address, from the button or from a mail program's one click (RFC 8058)."""
    follower = await _read_leaver(request)
    await hub_of(request).store.write(lambda db: follower_rows.unfollow(db, follower.id))
    LOG.info("web.left follower=%s", follower.id)
    return see_other(f"{request.path}?said=gone")
