"""Curation: what hosts do with questions, once, for forms and for programs alike.

Each deed is one transaction with its entry in the journal of changes, so that it can be undone; a deed that was meant
for an older version of a question is refused, and nothing is overwritten. Who may call it was decided before. Knows
nothing of forms, JSON and pages.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import BadInput, NotFound, Overtaken, WrongState
from streamhub.questions.change import UNDO, Change, Deed
from streamhub.questions.curating import MAX_PARTS, decide_edit, find_meanwhile, plan_places
from streamhub.questions.question import MAX_QUESTION_LENGTH, Question, QuestionState
from streamhub.questions.refusal import Refusal
from streamhub.questions.rules import plan_queue
from streamhub.questions.writing import ProposalState
from streamhub.schedule.show import SessionState
from streamhub.store import carrying, changes, merging, placing
from streamhub.store import proposals as proposal_rows
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.text import clean_line, clean_text, new_id
from streamhub.web.access import actor_of
from streamhub.web.bodies import TagBody
from streamhub.web.desk import clean_or_empty, notify
from streamhub.web.happened import tell_overtaken
from streamhub.web.hub import hub_of
from streamhub.web.pages import words_of

LOG = logging.getLogger("streamhub.web")

_MAX_NOTE = 500
MAX_MERGED = 50

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
"""What a host does with a question by one press: set or take its star, or step it to a state."""

WORDED_ACTIONS = frozenset({"edit", "reset", "split"})
"""Actions that replace words; they need the version that their author saw."""

ACTIONS = (*QUESTION_ACTIONS, "merge", "unmerge", *sorted(WORDED_ACTIONS), "place", "up", "down", "carry", "to-writing")
"""Everything that a host does with one question, tags apart."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a host wants done to a question.

    Attributes:
        question_id: the question.
        action: one of `ACTIONS`, or ``tag``.
        session_id: the session that the question must belong to; empty when any will do.
        note: the reason for declining.
        text: the clearer words, or the parts of a split, one a line.
        into: the question to merge into.
        before: the queued question to place it before; empty for the end.
        topics, products: of ``tag``.
        version: the version that its author saw; None: does not say, which is refused where words are replaced.
        once: id of the press; sent twice it is done once. Empty for none.
    """

    question_id: str
    action: str
    session_id: str = ""
    note: str = ""
    text: str = ""
    into: str = ""
    before: str = ""
    topics: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    version: int | None = None
    once: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Act:
    """A wish on its way into the store, cleaned."""

    wish: Wish
    author: str
    say: Callable[[str], str]
    parts: tuple[str, ...] = ()
    part_ids: tuple[str, ...] = ()


async def act(request: web.Request, wish: Wish) -> Question:
    """Do one of `ACTIONS` to a question; what is done already is a success and changes nothing.

    Raises:
        NotFound: no such action or question, or not in that session.
        BadInput: words that cannot be, or none.
        Overtaken: somebody changed the question after its version was seen.
        Conflict: it cannot be done from where the question or the session is.
    """
    hub, author, say = hub_of(request), actor_of(request).person, words_of(request)
    cleaned = _clean(wish, say)
    parts = _parts(cleaned, say) if wish.action == "split" else ()
    ids = tuple(new_id(hub.random) for _ in parts[1:])
    plan, at = _Act(wish=cleaned, author=author, say=say, parts=parts, part_ids=ids), hub.now()

    def do(db: Database) -> list[str]:
        before = question_rows.load_question(db, wish.question_id)
        if wish.session_id and before.session_id != wish.session_id:
            raise NotFound(f"question {before.id}: there is no such question in session {wish.session_id}")
        if not _is_done(before, cleaned):
            require_version(db, before, cleaned.version, cleaned.action)
            deed = Deed(session_id=before.session_id, action=cleaned.action, author=author, at=at)
            changes.record_change(db, deed, _affected(db, before, cleaned), lambda: _do(db, before, plan, deed))
        return [before.session_id, question_rows.load_question(db, before.id).session_id]

    try:
        sessions = await hub.store.write(do, key=_key(author, wish.once))
    except Overtaken as error:
        raise await tell_overtaken(request, error) from error
    LOG.info("web.curated question_id=%s action=%s person=%s", wish.question_id, wish.action, author)
    for session_id in dict.fromkeys(sessions):
        notify(request.app, session_id)
    return await hub.store.read(lambda db: question_rows.load_question(db, wish.question_id))


def _key(author: str, once: str) -> str | None:
    return f"curate:{author}:{once}" if once else None


def read_version(text: str) -> int | None:
    """The version that a form or header names; None for none.

    Raises:
        BadInput: not a number.
    """
    number = text.strip().removeprefix("W/").strip('"')
    if not number or number == "*":
        return None
    if not number.isdecimal() or len(number) > 9:
        raise BadInput(f"version {number[:20]!r}: not a number", hint="reload and try again")
    return int(number)


def _clean(wish: Wish, say: Callable[[str], str]) -> Wish:
    if wish.action not in ACTIONS and wish.action != "tag":
        raise NotFound(f"action {wish.action!r}: there is none", hint=f"use {', '.join(ACTIONS)}")
    note = clean_line(wish.note, max_length=_MAX_NOTE, what="note") if clean_or_empty(wish.note) else ""
    text = wish.text
    if wish.action == "edit":
        if not clean_or_empty(text):
            raise BadInput(say("There are no words left."), hint=say("Write the question, or decline it."))
        if len(clean_or_empty(text)) > MAX_QUESTION_LENGTH:
            raise BadInput(
                say("The question is too long: at most 1000 characters fit."), hint=say("Please shorten it.")
            )
        text = clean_text(text, max_length=MAX_QUESTION_LENGTH, what="question")
    if wish.action in WORDED_ACTIONS and wish.version is None:
        raise BadInput(
            f"question {wish.question_id}: {wish.action} without a version",
            hint='send the version that you saw, as "version" or as If-Match',
        )
    return replace(wish, note=note, text=text)


def _parts(wish: Wish, say: Callable[[str], str]) -> tuple[str, ...]:
    """The parts of a split: paragraphs where there is a blank line, lines otherwise."""
    text = clean_or_empty(wish.text)
    pieces = text.split("\n\n") if "\n\n" in text else text.split("\n")
    parts = tuple(piece.strip() for piece in pieces if piece.strip())
    if not 2 <= len(parts) <= MAX_PARTS:
        message = say("A question is split into 2 to %(count)s parts.") % {"count": MAX_PARTS}
        raise BadInput(message, hint=say("Write one part per line."))
    if max(map(len, parts)) > MAX_QUESTION_LENGTH:
        raise BadInput(say("A part is too long: at most 1000 characters fit."), hint=say("Please shorten it."))
    return tuple(clean_text(one, max_length=MAX_QUESTION_LENGTH, what="part") for one in parts)


def _is_done(question: Question, wish: Wish) -> bool:
    """Whether a question is already as somebody wants it, so that a press again does no harm."""
    goal = QUESTION_ACTIONS.get(wish.action)
    if isinstance(goal, bool):
        return question.starred is goal
    if goal is not None:
        return question.state is goal and not (wish.action == "approve" and not question.seen)
    if wish.action == "merge":
        return bool(wish.into) and question.merged_into == wish.into
    if wish.action == "edit":
        return question.text == wish.text
    if wish.action == "reset":
        return not question.original
    return wish.action == "unmerge" and not question.merged_into and question.state is QuestionState.OPEN


def require_version(db: Database, question: Question, version: int | None, action: str = "") -> None:
    """Refuse what was meant for an older version of a question; None passes.

    Raises:
        Overtaken: it was changed since; says by whom and how.
    """
    if version is None or version == question.version:
        return
    by = find_meanwhile(changes.list_changes_of(db, [question.id]), question.id, version)
    raise Overtaken(
        f"question {question.id}: was changed meanwhile (version {question.version}, seen {version})",
        hint="look at it again",
        author=by.author if by else "",
        action=by.action if by else "",
        at=by.at if by else None,
        version=question.version,
    )


def _affected(db: Database, question: Question, wish: Wish) -> list[str]:
    """Ids of the questions that an action may change, the one that is meant first."""
    others: Iterable[str] = ()
    if wish.action == "on-air":
        on_air = question_rows.list_questions(db, question.session_id, states={QuestionState.ON_AIR})
        others = [one.id for one in on_air]
    elif wish.action == "merge" and wish.into:
        others = [wish.into]
    elif wish.action == "carry":
        others = merging.list_tree(db, question.id)
    elif wish.action in {"place", "up", "down"}:
        others = [one.id for one in _queue(db, question.session_id)]
    return list(dict.fromkeys((question.id, *others)))


def _do(db: Database, before: Question, plan: _Act, deed: Deed) -> tuple[str, ...]:
    """Do it; returns ids of questions that were made."""
    wish = plan.wish
    if wish.action in QUESTION_ACTIONS:
        _press(db, before, wish, deed)
    elif wish.action == "merge":
        if not wish.into:
            raise BadInput(plan.say("Merge it with which question?"), hint=plan.say("Choose another question."))
        merging.merge_question(db, before.id, wish.into, at=deed.at, author=deed.author)
    elif wish.action == "unmerge":
        goal = changes.find_state_before(db, before.id)
        merging.unmerge_question(db, before.id, to=goal, at=deed.at, author=deed.author)
    elif wish.action == "split":
        parts = merging.split_question(db, before.id, plan.parts, plan.part_ids, at=deed.at, author=deed.author)
        return tuple(part.id for part in parts[1:])
    elif wish.action in {"edit", "reset"}:
        question_rows.save_curated(db, decide_edit(before, wish.text if wish.action == "edit" else before.original))
        question_rows.log_question(db, before, f"question.{wish.action}", at=deed.at, author=deed.author)
    elif wish.action in {"carry", "to-writing"}:
        carrying.carry_question(db, before.id, deed, for_writing=wish.action == "to-writing")
    elif wish.action == "tag":
        question_rows.tag_question(
            db, before.id, topics=wish.topics, products=wish.products, at=deed.at, author=deed.author
        )
    else:
        _drag(db, before, wish)
    return ()


def _press(db: Database, before: Question, wish: Wish, deed: Deed) -> None:
    goal, at, author = QUESTION_ACTIONS[wish.action], deed.at, deed.author
    if isinstance(goal, bool):
        question_rows.star_question(db, before.id, goal, at=at, author=author)
    elif goal is QuestionState.ON_AIR:
        session = show_rows.load_session(db, before.session_id)
        if session.state is not SessionState.LIVE:
            message = f"session {session.id}: is {session.state}, not live"
            raise WrongState(message, hint="go live first", code=Refusal.NOT_LIVE)
        question_rows.put_on_air(db, before.id, at=at, author=author)
    elif wish.action in {"done", "back"}:
        if wish.action == "back" and proposal_rows.list_accepted(db, [before.id]):
            goal = QuestionState.ANSWERED_IN_WRITING  # its answer stands, spoken about or not
        question_rows.finish_on_air(db, before.id, at=at, author=author, to=goal)
    elif before.state is goal:  # approved where it stands: a host has looked at it
        question_rows.save_curated(db, before)
    else:
        question_rows.step_question(db, before.id, goal, at=at, author=author, note=wish.note)


def _queue(db: Database, session_id: str) -> list[Question]:
    return plan_queue(question_rows.list_questions(db, session_id, states={QuestionState.QUEUED}))


def _drag(db: Database, question: Question, wish: Wish) -> None:
    queue = _queue(db, question.session_id)
    order = [one.id for one in queue]
    if question.id not in order:
        message = f"question {question.id}: is {question.state}, not in the queue"
        raise WrongState(message, hint="queue it first", code=Refusal.NOT_QUEUED, state=question.state.value)
    before = wish.before
    if wish.action != "place":
        rest = [id_ for id_ in order if id_ != question.id]
        goal = max(0, order.index(question.id) + (-1 if wish.action == "up" else 1))
        before = rest[goal] if goal < len(rest) else ""
    elif before and before not in order:
        message = f"question {before}: is not in the queue any more"
        raise WrongState(message, hint="drag it again", code=Refusal.NEIGHBOUR_GONE)
    if before != question.id:
        placing.place_questions(db, question, plan_places(queue, question.id, before))


async def tag(
    request: web.Request, question_id: str, body: TagBody, *, session_id: str = "", once: str = ""
) -> Question:
    """Set a question's topics and products.

    Raises:
        NotFound: no such question.
        BadInput: a tag is empty or too long.
        Overtaken: somebody changed the question after the body's version was seen.
    """
    topics = tuple(clean_line(one, max_length=60, what="topic") for one in body.topics)
    products = tuple(clean_line(one, max_length=60, what="product") for one in body.products)
    wish = Wish(
        question_id=question_id,
        action="tag",
        session_id=session_id,
        topics=topics,
        products=products,
        version=body.version,
        once=once,
    )
    return await act(request, wish)


async def merge_several(
    request: web.Request,
    session_id: str,
    ids: Sequence[str],
    *,
    into: str = "",
    versions: Mapping[str, int] | None = None,
    once: str = "",
) -> Question:
    """Merge questions into one of them, all or none; the most wanted one stands for them where nobody says which.

    Raises:
        NotFound: no such question in that session.
        BadInput: fewer than two, or too many.
        Overtaken: somebody changed one of them after its version was seen.
        Conflict: one of them cannot be merged.
    """
    hub, author, say = hub_of(request), actor_of(request).person, words_of(request)
    wanted = list(dict.fromkeys((*ids, *([into] if into else []))))
    if not 2 <= len(wanted) <= MAX_MERGED:
        raise BadInput(say("Choose the questions that are to be merged, two at least."))
    at, seen = hub.now(), versions or {}

    def do(db: Database) -> str:
        questions = [question_rows.load_question(db, id_) for id_ in wanted]
        for question in questions:
            if question.session_id != session_id:
                raise NotFound(f"question {question.id}: there is no such question in session {session_id}")
            if question.merged_into != into or not into:
                require_version(db, question, seen.get(question.id), "merge")
        target = into or plan_queue(questions)[0].id

        def merge() -> tuple[str, ...]:
            for question in questions:
                if question.id != target:
                    merging.merge_question(db, question.id, target, at=at, author=author)
            return ()

        sources = [question.id for question in questions if question.id != target]
        deed = Deed(session_id=session_id, action="merge", author=author, at=at)
        changes.record_change(db, deed, [*sources, target], merge)
        return target

    try:
        target = await hub.store.write(do, key=_key(author, once))
    except Overtaken as error:
        raise await tell_overtaken(request, error) from error
    LOG.info("web.merged session_id=%s questions=%d person=%s", session_id, len(wanted), author)
    notify(request.app, session_id)
    return await hub.store.read(lambda db: question_rows.load_question(db, target))


async def undo(request: web.Request, session_id: str, *, change_id: int | None = None, once: str = "") -> Change | None:
    """Take a change back; the latest of this host's own where none is named. None when there is nothing to take back.

    Raises:
        NotFound: no such change in that session.
        Overtaken: what it changed was changed again since.
        Conflict: it cannot be as it was.
    """
    hub, author = hub_of(request), actor_of(request).person
    at = hub.now()

    def do(db: Database) -> list[object]:
        show_rows.load_session(db, session_id)
        latest = changes.find_latest(db, session_id, author) if change_id is None else None
        number = change_id if change_id is not None else latest.id if latest else None
        if number is None:
            return []
        deed = Deed(session_id=session_id, action=UNDO, author=author, at=at, undoes=number)
        made = changes.undo_change(db, number, deed)
        for answered in _list_answered(db, made):  # what an accepted answer says stands in the archive
            hub.answers.order(db, answered.session_id, answered.id, at=at)
        ids = made.question_ids if made else ()
        moved = [question_rows.load_question(db, id_).session_id for id_ in ids]
        return [made.id if made else None, *moved]

    try:
        done = await hub.store.write(do, key=_key(author, once))
    except Overtaken as error:
        raise await tell_overtaken(request, error, undoing=True) from error
    for one in dict.fromkeys((session_id, *(str(name) for name in done[1:]))):
        notify(request.app, one)
    number = done[0] if done else None
    LOG.info("web.undone session_id=%s change=%s person=%s", session_id, number, author)
    return await hub.store.read(lambda db: changes.load_change(db, int(str(number)))) if number is not None else None


def _list_answered(db: Database, made: Change | None) -> list[Question]:
    """The questions whose accepted answer a change changed."""
    accepted = {"state": ProposalState.ACCEPTED.value}
    if made is None or accepted not in (*made.things_before.values(), *made.things_after.values()):
        return []
    return [question_rows.load_question(db, id_) for id_ in made.question_ids]
