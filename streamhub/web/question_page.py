"""A question's own page and the API beside it: its answers, its stories, and the forms to add to both.

``/s/<session>/q/<question>`` is permanent: a question that was merged leads to the one that stands for it, and one that
moved to another session leads there. Everything works by forms, without JavaScript and without an account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from aiohttp import web
from sqlite_utils import Database

from streamhub.answers.answer import Answer, AnswerState
from streamhub.archive.markdown import render_markdown
from streamhub.errors import BadInput, StreamhubError
from streamhub.live.mark import MarkKind
from streamhub.questions.answering import plan_proposals
from streamhub.questions.question import Question, Shown
from streamhub.questions.rules import VOTABLE_STATES
from streamhub.questions.writing import (
    MAX_PROPOSAL_LENGTH,
    MAX_STORY_LENGTH,
    SEEN_STATES,
    Proposal,
    ProposalState,
    Story,
    StoryState,
)
from streamhub.schedule.public import PublicSession
from streamhub.schedule.rules import ACCEPTS_QUESTIONS
from streamhub.schedule.show import Participant
from streamhub.store import deflections as deflection_rows
from streamhub.store import marks as mark_rows
from streamhub.store import public as public_rows
from streamhub.store import questions as question_rows
from streamhub.timecode import format_instant, ms_between
from streamhub.web import access, desk, writing
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.answer_lines import line_json, plan_line
from streamhub.web.bodies import WritingBody, read_body
from streamhub.web.hub import hub_of
from streamhub.web.pages import keep_language, render_page, see_other, words_of
from streamhub.web.proving import known_participant
from streamhub.web.security import read_form
from streamhub.web.signing import make_form_stamp, read_form_stamp
from streamhub.web.views import AFTER, Json, question_json
from streamhub.web.voter import keep_voter, known_voter, voter_of

FORM_AT_LEAST = timedelta(seconds=2)
FORM_AT_MOST = timedelta(hours=12)
HONEYPOT = "website"
_SAID = frozenset({"voted", "unvoted", "doubted", "told", "told_held", "story_erased", "proposed", "proposal_erased"})
_MAX_KEY = 80

routes = web.RouteTableDef()


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenQuestion:
    """What a reader sees of a question.

    Attributes:
        question, session: it and where it was asked.
        person: the participant as whom this reader answers; None for everybody else.
        voted: whether this reader wants it answered.
        stories: the shown ones, and the reader's own whatever its state.
        proposals: the accepted one first, then those beside it, and the reader's own whatever their state.
        published: the archive's answer; None while there is none.
        on_air_ms: when on the session clock it was on air last; None when it never was.
        helped: how many people its answer helped before they asked.
    """

    question: Question
    session: PublicSession
    person: Participant | None
    voted: bool
    stories: Sequence[Story]
    proposals: Sequence[Proposal]
    published: Answer | None
    on_air_ms: int | None
    helped: int


async def see_question(request: web.Request, question_id: str, voter: str) -> SeenQuestion:
    """Read all that a question's page shows a reader.

    Raises:
        NotFound: there is no such question, or it is not public.
    """
    hub = hub_of(request)

    def read(db: Database) -> tuple[Any, ...]:
        question, session = public_rows.load_question(db, question_id)
        stories = public_rows.list_stories(db, session, [question.id]).get(question.id, [])
        proposals = public_rows.list_proposals(db, session, [question.id]).get(question.id, [])
        voted = question.id in question_rows.list_votes(db, session.id, voter) if voter else False
        marks = mark_rows.list_marks(db, session.id)
        on_air = [mark.at for mark in marks if mark.question_id == question.id and mark.kind is MarkKind.ON_AIR]
        helped = deflection_rows.count_helped(db, question.id)
        person = known_participant(request, db, session.id)
        return question, session, person, voted, stories, proposals, on_air, helped

    question, session, person, voted, stories, proposals, on_air, helped = await hub.store.read(read)
    answers = await hub.answers.list(session.id) if session.state in AFTER else ()
    published = (one for one in answers if one.id == question.id and one.state is AnswerState.PUBLISHED)
    return SeenQuestion(
        question=question,
        session=session,
        person=person,
        voted=voted,
        stories=[one for one in stories if one.state is StoryState.SHOWN or (voter and one.voter == voter)],
        proposals=plan_proposals(
            one for one in proposals if one.state in SEEN_STATES or (voter and one.voter == voter)
        ),
        published=next(published, None),
        on_air_ms=ms_between(session.started_at, on_air[-1]) if session.started_at and on_air else None,
        helped=helped,
    )


@routes.get("/s/{session_id}/q/{question_id}")
@allow(Action.SEE_PUBLIC)
async def question_page(request: web.Request) -> web.StreamResponse:
    """The question's permanent address."""
    seen = await see_question(request, request.match_info["question_id"], known_voter(request))
    if page_of(seen.question) != request.path:
        return see_other(page_of(seen.question))
    voter_of(request)
    response = render_question(request, seen, form={}, error=None, status=200)
    keep_language(request, response)
    keep_voter(request, response)
    return response


def page_of(question: Question) -> str:
    """Path of a question's own page."""
    return f"/s/{question.session_id}/q/{question.id}"


def render_question(
    request: web.Request, seen: SeenQuestion, *, form: Mapping[str, str], error: StreamhubError | None, status: int
) -> web.Response:
    """The question's page, with a form as it was typed and what is wrong with it."""
    hub, question, session = hub_of(request), seen.question, seen.session
    said = request.query.get("said", "")
    actor, voter = actor_of(request), known_voter(request)
    stamp = make_form_stamp(hub.secret, hub.random, form=f"write:{question.id}", at=hub.now())
    context = {
        "question": question,
        "session": session,
        "show": session.show,
        "voted": seen.voted,
        "votable": question.state in VOTABLE_STATES and session.state in ACCEPTS_QUESTIONS,
        "stories": seen.stories,
        "proposals": seen.proposals,
        "voter": voter,
        "line": plan_line(seen.published, hub.answers.page(seen.published)) if seen.published else None,
        "on_air_ms": seen.on_air_ms,
        "helped": seen.helped,
        "person": seen.person,
        "is_host": actor.may(Action.CURATE),
        "form_token": access.form_token(hub, actor),
        "stamp": stamp,
        "honeypot": HONEYPOT,
        "markdown": lambda text: render_markdown(text, under=3),
        "max_story": MAX_STORY_LENGTH,
        "max_proposal": MAX_PROPOSAL_LENGTH,
        "form": form,
        "error": error,
        "said": said if said in _SAID else "",
    }
    response = render_page(request, "one_question.html", status=status, default_language=session.language, **context)
    response.headers["Cache-Control"] = "no-store"  # the reader's own vote and texts are on it
    return response


def typed_by_form(request: web.Request, question_id: str, form: Mapping[str, str], voter: str) -> writing.Typed:
    """What somebody typed into a form of ours, if the form is fresh and consent was given.

    Raises:
        BadInput: the form is old, forged or came back at once, or consent is missing.
    """
    hub, say = hub_of(request), words_of(request)
    stamp = read_form_stamp(hub.secret, form.get("stamp", ""), form=f"write:{question_id}", at=hub.now())
    if stamp is None or stamp[0] > FORM_AT_MOST:
        raise BadInput(say("The form was open for a long time."), hint=say("Please check it and send it again."))
    if stamp[0] < FORM_AT_LEAST:
        raise BadInput(say("That was very fast."), hint=say("Please check your text and send it again."))
    if form.get("consent") != "yes":
        raise BadInput(
            say("We may not show your text without your consent."), hint=say("Please tick the box below it.")
        )
    return writing.Typed(
        text=form.get("text", ""),
        name=form.get("name", ""),
        shown=form.get("shown", Shown.ANONYMOUS.value),
        suspect=bool(form.get(HONEYPOT, "")),
        once=stamp[1],
        voter=voter,
    )


async def _standing_for(request: web.Request, question_id: str) -> str:
    """Id of the question that stands for this one."""
    return (await hub_of(request).store.read(lambda db: public_rows.load_question(db, question_id)))[0].id


async def _shown_again(request: web.Request, form: Mapping[str, str], error: StreamhubError) -> web.Response:
    if error.http_status not in {400, 409, 429}:
        raise error
    seen = await see_question(request, request.match_info["question_id"], voter_of(request))
    page = render_question(request, seen, form=form, error=error, status=error.http_status)
    if (retry_after_s := getattr(error, "retry_after_s", None)) is not None:
        page.headers["Retry-After"] = str(retry_after_s)
    keep_voter(request, page)
    return page


@routes.post("/s/{session_id}/q/{question_id}/me-too")
@allow(Action.VOTE)
async def me_too(request: web.Request) -> web.StreamResponse:
    """Count a wish, and keep the story that came with it, if there is one; or take the wish back."""
    question_id = request.match_info["question_id"]
    form, voter = await read_form(request), voter_of(request)
    try:
        typed = typed_by_form(request, question_id, form, voter) if form.get("text", "").strip() else None
        question_id = await _standing_for(request, question_id)
        if typed is not None:
            writing.check_text(typed.text, max_length=MAX_STORY_LENGTH, say=words_of(request))
        wanted = form.get("wish") != "unvote"
        cast = await desk.vote(request, question_id, voter, wanted=wanted)
        said = "doubted" if cast.doubt else "voted" if wanted else "unvoted"
        if typed is not None and wanted:
            typed = replace(typed, suspect=typed.suspect or bool(cast.doubt))
            story = await writing.tell_story(request, question_id, typed)
            said = "told" if story.state is StoryState.SHOWN else "told_held"
    except StreamhubError as error:
        return await _shown_again(request, {**form, "which": "story"}, error)
    return _back(request, request.match_info["session_id"], question_id, said)


@routes.post("/s/{session_id}/q/{question_id}/answers")
@allow(Action.ASK)
async def propose_by_form(request: web.Request) -> web.StreamResponse:
    """Take in a proposed answer; what is wrong with it is said on the page, with the text kept."""
    question_id = request.match_info["question_id"]
    form, voter = await read_form(request), voter_of(request)
    try:
        await writing.propose(request, question_id, typed_by_form(request, question_id, form, voter))
    except StreamhubError as error:
        return await _shown_again(request, {**form, "which": "answer"}, error)
    return _back(request, request.match_info["session_id"], question_id, "proposed")


@routes.post("/s/{session_id}/q/{question_id}/{kind:stories|answers}/{text_id}/erase")
@allow(Action.ASK)
async def erase_by_form(request: web.Request) -> web.StreamResponse:
    """Delete what somebody wrote, for himself."""
    kind, text_id, voter = request.match_info["kind"], request.match_info["text_id"], known_voter(request)
    erase = writing.erase_story if kind == "stories" else writing.erase_proposal
    await erase(request, text_id, voter)
    said = "story_erased" if kind == "stories" else "proposal_erased"
    return _back(request, request.match_info["session_id"], request.match_info["question_id"], said)


def _back(request: web.Request, session_id: str, question_id: str, said: str) -> web.Response:
    place = "/".join(quote(part, safe="") for part in ("s", session_id, "q", question_id))  # a path may hold anything
    response = see_other(f"/{place}?said={said}#said")
    keep_voter(request, response)
    return response


# --- the API


def story_json(story: Story) -> Json:
    """A story as everybody may see it."""
    return {
        "id": story.id,
        "text": story.text,
        "name": story.writer.public_name,
        "role": story.writer.role.value if story.writer.role else None,
        "language": story.language,
        "state": story.state.value,
        "at": format_instant(story.at),
    }


def proposal_json(proposal: Proposal) -> Json:
    """A proposed answer as everybody may see it; ``html`` is safe to show."""
    return {
        "id": proposal.id,
        "text": proposal.text,
        "html": render_markdown(proposal.text, under=3),
        "name": proposal.writer.public_name,
        "role": proposal.writer.role.value if proposal.writer.role else None,
        "language": proposal.language,
        "state": proposal.state.value,
        "accepted": proposal.state is ProposalState.ACCEPTED,
        "at": format_instant(proposal.at),
    }


@routes.get("/api/v1/questions/{question_id}")
@allow(Action.SEE_PUBLIC)
async def get_question(request: web.Request) -> web.StreamResponse:
    """A question with its stories and answers; a merged one tells of the one that stands for it."""
    hub = hub_of(request)
    seen = await see_question(request, request.match_info["question_id"], "")
    line = plan_line(seen.published, hub.answers.page(seen.published)) if seen.published else None
    return web.json_response(
        {
            **question_json(seen.question),
            "page": page_of(seen.question),
            "stories": [story_json(one) for one in seen.stories],
            "answers": [proposal_json(one) for one in seen.proposals],
            "archived": line_json(line) if line else None,
            "on_air_ms": seen.on_air_ms,
            "helped": seen.helped,
        }
    )


async def _typed_by_api(request: web.Request, voter: str) -> writing.Typed:
    body = await read_body(request, WritingBody)
    once = request.headers.get("Idempotency-Key", "")
    if len(once) > _MAX_KEY or not once.isascii():
        raise BadInput("Idempotency-Key: too long, or not ASCII", hint=f"use at most {_MAX_KEY} letters and digits")
    return writing.Typed(text=body.text, name=body.name, shown=body.shown, once=once, voter=voter)


@routes.post("/api/v1/questions/{question_id}/stories")
@allow(Action.VOTE)
async def tell_story_by_api(request: web.Request) -> web.StreamResponse:
    """Count this voter's wish and keep his own story."""
    question_id, voter = request.match_info["question_id"], voter_of(request)
    typed = await _typed_by_api(request, voter)
    writing.check_text(typed.text, max_length=MAX_STORY_LENGTH, say=words_of(request))
    question_id = await _standing_for(request, question_id)
    cast = await desk.vote(request, question_id, voter, wanted=True)
    story = await writing.tell_story(request, question_id, replace(typed, suspect=bool(cast.doubt)))
    return _with_voter(request, story_json(story), status=201)


@routes.post("/api/v1/questions/{question_id}/answers")
@allow(Action.ASK)
async def propose_by_api(request: web.Request) -> web.StreamResponse:
    """Take in a proposed answer; the header ``Idempotency-Key`` makes sending it twice harmless."""
    voter = voter_of(request)
    proposal = await writing.propose(request, request.match_info["question_id"], await _typed_by_api(request, voter))
    return _with_voter(request, proposal_json(proposal), status=201)


@routes.delete("/api/v1/stories/{story_id}")
@allow(Action.ASK)
async def erase_story_by_api(request: web.Request) -> web.StreamResponse:
    """Delete this voter's own story."""
    await writing.erase_story(request, request.match_info["story_id"], known_voter(request))
    return web.json_response({"erased": True})


@routes.delete("/api/v1/answers/{proposal_id}")
@allow(Action.ASK)
async def erase_proposal_by_api(request: web.Request) -> web.StreamResponse:
    """Delete this voter's own proposed answer."""
    await writing.erase_proposal(request, request.match_info["proposal_id"], known_voter(request))
    return web.json_response({"erased": True})


def _with_voter(request: web.Request, body: Json, *, status: int = 200) -> web.Response:
    response = web.json_response(body, status=status)
    keep_voter(request, response)
    return response
