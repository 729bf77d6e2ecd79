"""Writing: what people write under a question, once, for forms and for programs alike: stories and proposed answers.

Each function checks, changes the store in one transaction, and tells the listeners. Who may call it was decided before.
Knows nothing of forms, JSON and pages.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import BadInput, Conflict, NotFound
from streamhub.questions.answering import TAKES_PROPOSALS, decide_story
from streamhub.questions.change import Deed
from streamhub.questions.question import MAX_NAME_LENGTH, Question, QuestionState, Shown
from streamhub.questions.rules import VOTABLE_STATES
from streamhub.questions.writing import (
    MAX_PROPOSAL_LENGTH,
    MAX_PROPOSALS_EACH,
    MAX_STORY_LENGTH,
    Proposal,
    ProposalState,
    Story,
    StoryState,
    Writer,
    digest_of,
)
from streamhub.schedule.public import PublicSession
from streamhub.schedule.rules import ACCEPTS_QUESTIONS
from streamhub.schedule.show import Participant, Role
from streamhub.store import changes
from streamhub.store import deflections as deflection_rows
from streamhub.store import proposals as proposal_rows
from streamhub.store import public as public_rows
from streamhub.store import questions as question_rows
from streamhub.store import stories as story_rows
from streamhub.store.followers import resolve_merged
from streamhub.store.log import log_action
from streamhub.store.things import name_thing
from streamhub.text import clean_line, clean_text, new_id, require_slug
from streamhub.web import desk
from streamhub.web.access import Action, actor_of
from streamhub.web.budget import Spending
from streamhub.web.hub import Hub, hub_of
from streamhub.web.pages import words_of
from streamhub.web.proving import known_participant

LOG = logging.getLogger("streamhub.web")

Say = Callable[[str], str]

STORY_ACTIONS = {"show": StoryState.SHOWN, "hold": StoryState.HELD, "decline": StoryState.DECLINED}
PROPOSAL_ACTIONS = {
    "accept": ProposalState.ACCEPTED,
    "also": ProposalState.ALSO,
    "hold": ProposalState.HELD,
    "decline": ProposalState.DECLINED,
}
UNDO = "undo"

CONSENT_TEXT = "2026-11-writing"
"""Version of the consent sentence on the forms under a question; changes with its wording."""

_ANSWERED = frozenset({QuestionState.ANSWERED_IN_WRITING, QuestionState.ANSWERED_LIVE, QuestionState.PUBLISHED})
_MAX_NOTE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Typed:
    """What somebody typed under a question.

    Attributes:
        text, name, shown: as typed.
        suspect: whether it looks like a machine's, so that a person looks first.
        once: id of the showing of the form, or of the request; sending it twice counts once. Empty for none.
        voter: who sends it.
    """

    text: str
    name: str = ""
    shown: str = Shown.ANONYMOUS.value
    suspect: bool = False
    once: str = ""
    voter: str


async def tell_story(request: web.Request, question_id: str, typed: Typed) -> Story:
    """Keep somebody's own case under a question that he wants answered, too; telling it again replaces it.

    Raises:
        BadInput: empty or too long.
        NotFound: no such public question.
        Conflict: the question takes no more of it.
        TooMany: this address wrote too much.
    """
    hub, say = hub_of(request), words_of(request)
    text = check_text(typed.text, max_length=MAX_STORY_LENGTH, say=say)
    await _spend(request, say)
    at, story_id = hub.now(), new_id(hub.random)

    def keep(db: Database) -> tuple[Story, PublicSession]:
        question, session = public_rows.load_question(db, question_id)
        if question.state not in VOTABLE_STATES or session.state not in ACCEPTS_QUESTIONS:
            raise Conflict(say("This question takes no more votes and stories."))
        story = Story(
            id=story_id,
            question_id=question.id,
            voter=typed.voter,
            writer=plan_writer(request, typed, known_participant(request, db, session.id), say=say),
            text=text,
            language=question.language,
            state=decide_story(session.show.moderation, suspect=typed.suspect),
            at=at,
        )
        kept = story_rows.save_story(db, story)
        log_action(
            db,
            at=at,
            author="web",
            action="consent.given",
            object_kind="story",
            object_id=kept.id,
            details={"text": CONSENT_TEXT, "shown": kept.writer.shown.value},
        )
        return kept, session

    story, session = await hub.store.write(keep)
    LOG.info("web.story_told session_id=%s story_id=%s", session.id, story.id)
    desk.notify(request.app, session.id)
    return story


async def propose(request: web.Request, question_id: str, typed: Typed) -> Proposal:
    """Take in an answer that somebody proposes in writing; hosts look at it before others see it.

    Raises:
        BadInput: empty or too long.
        NotFound: no such public question.
        TooMany: this address wrote too much, or too many proposals of this person wait here.
    """
    hub, say = hub_of(request), words_of(request)
    text = check_text(typed.text, max_length=MAX_PROPOSAL_LENGTH, say=say)
    await _spend(request, say)
    at, proposal_id = hub.now(), new_id(hub.random)

    def keep(db: Database) -> str:
        question, session = public_rows.load_question(db, question_id)
        if question.state not in TAKES_PROPOSALS:
            raise Conflict(say("This question takes no more answers."))
        if proposal_rows.count_waiting(db, question.id, typed.voter) >= MAX_PROPOSALS_EACH:
            raise Conflict(say("Your earlier answers still wait for the hosts."), hint=say("Please wait for them."))
        proposal = Proposal(
            id=proposal_id,
            question_id=question.id,
            voter=typed.voter,
            writer=plan_writer(request, typed, known_participant(request, db, session.id), say=say),
            text=text,
            digest=digest_of(text),
            language=question.language,
            at=at,
        )
        proposal_rows.insert_proposal(db, proposal)
        log_action(
            db,
            at=at,
            author="web",
            action="consent.given",
            object_kind="proposal",
            object_id=proposal.id,
            details={"text": CONSENT_TEXT, "shown": proposal.writer.shown.value},
        )
        return proposal.id

    key = f"propose:{question_id}:{typed.voter}:{typed.once}" if typed.once else None
    kept_id = await hub.store.write(keep, key=key)
    proposal = await hub.store.read(lambda db: proposal_rows.load_proposal(db, kept_id))
    question = await hub.store.read(lambda db: question_rows.load_question(db, proposal.question_id))
    LOG.info("web.answer_proposed session_id=%s proposal_id=%s", question.session_id, proposal.id)
    desk.notify(request.app, question.session_id)
    return proposal


async def erase_story(request: web.Request, story_id: str, voter: str) -> Question:
    """Delete a story for the one who told it; returns its question.

    Raises:
        NotFound: no such story of his.
    """
    hub = hub_of(request)
    at = hub.now()

    def erase(db: Database) -> Question:
        return question_rows.load_question(db, story_rows.erase_story(db, story_id, voter=voter, at=at).question_id)

    question = await hub.store.write(erase)
    LOG.info("web.story_erased story_id=%s", story_id)
    desk.notify(request.app, question.session_id)
    return question


async def erase_proposal(request: web.Request, proposal_id: str, voter: str) -> Question:
    """Delete a proposed answer for the one who wrote it, from the archive too; returns its question.

    Raises:
        NotFound: no such proposal of his.
    """
    hub = hub_of(request)
    at = hub.now()

    def erase(db: Database) -> Question:
        proposal, question = proposal_rows.erase_proposal(db, proposal_id, voter=voter, at=at)
        if proposal.accepted_for:
            hub.answers.order(db, question.session_id, question.id, at=at)
        return question

    question = await hub.store.write(erase)
    LOG.info("web.proposal_erased proposal_id=%s", proposal_id)
    desk.notify(request.app, question.session_id)
    return question


async def deflect(request: web.Request, session_id: str, answer_id: str, voter: str, *, helped: bool) -> int:
    """Count that an answer helped somebody who was about to ask, once, or take it back; returns how many it helped.

    Raises:
        NotFound: no such session or answered question that the public may see.
        TooMany: this address said so too often.
    """
    hub, say = hub_of(request), words_of(request)
    await request.app[desk.BUDGET].spend(
        request, Spending.VOTE, lambda: say("Many votes came from your connection. Please try again in a moment.")
    )
    at, archived = hub.now(), is_archived(hub, answer_id)

    def count(db: Database) -> int:
        public_rows.load_session(db, session_id)
        if not archived and public_rows.load_question(db, answer_id)[0].state not in _ANSWERED:
            raise NotFound(f"answer {answer_id}: there is no such answer")
        if helped:
            return deflection_rows.add_deflection(db, answer_id, session_id, voter, at=at)
        return deflection_rows.remove_deflection(db, answer_id, session_id, voter)

    return await hub.store.write(count)


def is_archived(hub: Hub, answer_id: str) -> bool:
    """Whether the archive shows an answer of that id, also one that was never asked on this hub."""
    try:
        require_slug(answer_id, what="answer id")
    except BadInput:
        return False
    return (hub.public_dir / "answers" / f"{answer_id}.json").is_file()


async def decide_story_for(
    request: web.Request, story_id: str, action: str, *, note: str = "", session_id: str = ""
) -> Story:
    """Do one of `STORY_ACTIONS` to a story.

    Raises:
        NotFound: no such action or story, or not in that session.
    """
    hub, author, at = hub_of(request), actor_of(request).person, hub_of(request).now()
    if action not in STORY_ACTIONS:
        raise NotFound(f"action {action!r}: there is none", hint=f"use {', '.join(STORY_ACTIONS)}")
    reason = _clean_note(note)

    def decide(db: Database) -> tuple[Story, str]:
        story = story_rows.load_story(db, story_id)
        question = resolve_merged(db, question_rows.load_question(db, story.question_id))
        _require_in(question, session_id)
        deed = Deed(session_id=question.session_id, action=f"story-{action}", author=author, at=at)

        def do() -> tuple[str, ...]:
            story_rows.decide_story_state(db, story_id, STORY_ACTIONS[action], at=at, author=author, note=reason)
            return ()

        changes.record_change(db, deed, [], do, things=[name_thing("story", story_id)], about=[question.id])
        return story_rows.load_story(db, story_id), question.session_id

    story, found = await hub.store.write(decide)
    LOG.info("web.story_decided story_id=%s action=%s person=%s", story_id, action, author)
    desk.notify(request.app, found)
    return story


async def decide_proposal_for(
    request: web.Request, proposal_id: str, action: str, *, note: str = "", session_id: str = ""
) -> Proposal:
    """Do one of `PROPOSAL_ACTIONS` to a proposed answer, or undo its acceptance; the archive follows.

    Raises:
        NotFound: no such action or proposal, or not in that session.
        Conflict: it cannot be done from where the proposal or its question is.
    """
    hub, author, at = hub_of(request), actor_of(request).person, hub_of(request).now()
    if action not in PROPOSAL_ACTIONS and action != UNDO:
        raise NotFound(f"action {action!r}: there is none", hint=f"use {', '.join(PROPOSAL_ACTIONS)} or {UNDO}")
    reason = _clean_note(note)

    def decide(db: Database) -> tuple[Proposal, Question]:
        before = proposal_rows.load_proposal(db, proposal_id)
        question = resolve_merged(db, question_rows.load_question(db, before.accepted_for or before.question_id))
        _require_in(question, session_id)
        deed = Deed(session_id=question.session_id, action=f"answer-{action}", author=author, at=at)

        def do() -> tuple[str, ...]:
            if action == UNDO:
                proposal_rows.undo_acceptance(db, proposal_id, at=at, author=author)
            else:
                to = PROPOSAL_ACTIONS[action]
                proposal_rows.decide_proposal(db, proposal_id, to, at=at, author=author, note=reason)
            return ()

        accepted = proposal_rows.list_accepted(db, [question.id]).values()
        ids = dict.fromkeys((proposal_id, *(one.id for one in accepted)))
        things = [name_thing("proposal", id_) for id_ in ids]
        changes.record_change(db, deed, [], do, things=things, about=[question.id])
        after = proposal_rows.load_proposal(db, proposal_id)
        if ProposalState.ACCEPTED in {before.state, after.state}:
            hub.answers.order(db, question.session_id, question.id, at=at)
        return after, question_rows.load_question(db, question.id)

    proposal, question = await hub.store.write(decide)
    LOG.info("web.proposal_decided proposal_id=%s action=%s person=%s", proposal_id, action, author)
    desk.notify(request.app, question.session_id)
    return proposal


def check_text(typed: str, *, max_length: int, say: Say) -> str:
    """The cleaned text.

    Raises:
        BadInput: empty or too long, said in the reader's language.
    """
    text = desk.clean_or_empty(typed) if len(typed) <= 20 * max_length else typed
    if not text:
        raise BadInput(say("There is no text yet."), hint=say("Please write something."))
    if len(text) > max_length:
        message = say("Your text is too long: at most %(count)s characters fit.") % {"count": max_length}
        raise BadInput(message, hint=say("Please shorten it."))
    return clean_text(text, max_length=max_length, what="text")


def plan_writer(request: web.Request, typed: Typed, person: Participant | None, *, say: Say) -> Writer:
    """Who writes: as proved by a personal link or a login, else as typed.

    Raises:
        BadInput: a name too long, none where one should be shown, or an unknown way to be shown.
    """
    if typed.shown not in set(Shown):
        raise BadInput(f"shown: {typed.shown!r}", hint=f"use {', '.join(Shown)}")
    shown, role = Shown(typed.shown), None
    if person is not None:
        return Writer(name=person.name, shown=shown if person.named else Shown.ANONYMOUS, role=person.role)
    if len(typed.name.strip()) > MAX_NAME_LENGTH:
        raise BadInput(say("The name is too long: at most 60 characters fit."), hint=say("Please shorten it."))
    name = clean_line(typed.name, max_length=MAX_NAME_LENGTH, what="name") if desk.clean_or_empty(typed.name) else ""
    if shown is not Shown.ANONYMOUS and not name:
        raise BadInput(say("You want your name shown, but none is given."), hint=say("Write a name or stay anonymous."))
    if actor_of(request).may(Action.CURATE):
        role = Role.HOST
    return Writer(name=name, shown=shown, role=role)


async def _spend(request: web.Request, say: Say) -> None:
    await request.app[desk.BUDGET].spend(
        request, Spending.QUESTION, lambda: say("Much was written from your connection. Please try again in a moment.")
    )


def _clean_note(note: str) -> str:
    return clean_line(note, max_length=_MAX_NOTE, what="note") if desk.clean_or_empty(note) else ""


def _require_in(question: Question, session_id: str) -> None:
    if session_id and question.session_id != session_id:
        raise NotFound(f"question {question.id}: there is no such question in session {session_id}")
