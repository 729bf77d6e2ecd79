"""Carrying questions over as rows: what was left open moves to the next session of its show.

Owns the table ``carries``. A question keeps its id and its votes; questions that were merged into it move along. Where
there is no next session yet it waits as carried over, and moves as soon as one is announced.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlite_utils import Database

from streamhub.errors import WrongState
from streamhub.questions.change import Deed
from streamhub.questions.curating import LEFT_OPEN
from streamhub.questions.question import Question, QuestionState
from streamhub.questions.refusal import Refusal
from streamhub.schedule.event import PreShow
from streamhub.schedule.show import Session, SessionState
from streamhub.store import events as event_rows
from streamhub.store import shows as show_rows
from streamhub.store.merging import list_tree
from streamhub.store.questions import list_questions, load_question, log_question, save_curated
from streamhub.store.rows import change, fetch_all, upsert
from streamhub.timecode import format_instant, parse_instant

TAKES_OVER = frozenset({SessionState.SCHEDULED, SessionState.OPEN, SessionState.REHEARSAL, SessionState.LIVE})
"""States of a session that takes over what an earlier one left open."""

_MAY_TAKE_PLACE = TAKES_OVER | {SessionState.DRAFT, SessionState.MOVED}


@dataclass(frozen=True, kw_only=True, slots=True)
class Carry:
    """A question that moved on.

    Attributes:
        question: as it is now.
        from_session, to_session: where from, and where to at that time.
        at: when, UTC.
        author: who did it; empty for the hub itself.
    """

    question: Question
    from_session: str
    to_session: str
    at: datetime
    author: str


def find_next(db: Database, session_id: str) -> Session | None:
    """The session that is announced and not over, to which questions move; None while there is none.

    A pre-show's is the one that it goes before; every other one's is the next session of the same show.
    """
    session = show_rows.load_session(db, session_id)
    if goals := _list_goals(db, session):
        taking = [one for one in goals if one.state in TAKES_OVER]
        return min(taking, key=lambda one: (one.starts_at, one.id), default=None)
    later = [
        one
        for one in show_rows.list_sessions(db, show_id=session.show_id, states=TAKES_OVER)
        if one.id != session.id and one.starts_at >= session.starts_at
    ]
    return min(later, key=lambda one: (one.starts_at, one.id), default=None)


def _list_goals(db: Database, session: Session) -> list[Session]:
    """What a session goes before as a pre-show and what may still take place; empty for any other session."""
    pre_show = event_rows.find_pre_show(db, session.id)
    if pre_show is None:
        return []
    if pre_show.for_session:
        goals = [show_rows.load_session(db, pre_show.for_session)]
    else:
        goals = [one for one in event_rows.list_event_sessions(db, pre_show.for_event) if one.id != session.id]
    return [one for one in goals if one.state in _MAY_TAKE_PLACE]


def carry_question(db: Database, question_id: str, deed: Deed, *, for_writing: bool = False) -> Question:
    """Carry one question over: to the next session, or, where there is none yet, to wait for it.

    With ``for_writing`` it stays in its session, as one that somebody answers in writing. Doing it twice changes
    nothing.

    Raises:
        NotFound: there is no such question.
        Conflict: it is not open any more.
    """
    question = load_question(db, question_id)
    if question.state not in {*LEFT_OPEN, QuestionState.CARRIED_OVER}:
        message = f"question {question_id}: is {question.state}, cannot be carried over"
        raise WrongState(message, hint="open it first", code=Refusal.NOT_CARRIED, state=question.state.value)
    goal = None if for_writing else find_next(db, question.session_id)
    if goal is None:
        after = replace(question, state=QuestionState.CARRIED_OVER, for_writing=for_writing, place=None)
        if after == question:
            return question
        kept = save_curated(db, after, seen=bool(deed.author))
    else:
        move_question(db, question, goal.id, at=deed.at, author=deed.author)
        after = replace(question, session_id=goal.id, state=QuestionState.OPEN, for_writing=False, place=None)
        kept = save_curated(db, after, seen=bool(deed.author))
    steps = {"from": question.state.value, "to": kept.state.value, "to_session": kept.session_id}
    log_question(db, question, "question.carry", at=deed.at, author=deed.author, **steps)
    return kept


def move_question(db: Database, question: Question, session_id: str, *, at: datetime, author: str) -> None:
    """Note that a question and what was merged into it leave for a session, and move the merged ones.

    Back to the session that it came from, the note of its leaving goes instead.
    """
    for moved in (load_question(db, id_) for id_ in list_tree(db, question.id)):
        came = "delete from carries where question_id = ? and from_session = ? and to_session = ?"
        if not change(db, came, moved.id, session_id, moved.session_id):
            row = {
                "question_id": moved.id,
                "from_session": moved.session_id,
                "to_session": session_id,
                "at": format_instant(at),
                "author": author,
            }
            upsert(db, "carries", row, key=("question_id", "from_session"))
        if moved.id != question.id:
            save_curated(db, replace(moved, session_id=session_id), seen=False)


def list_left_open(db: Database, session_id: str) -> list[Question]:
    """What a session that is over or off has left open for the next one; empty when its show does not carry over.

    A pre-show's questions always go on to what it goes before.
    """
    session = show_rows.load_session(db, session_id)
    if not show_rows.load_show(db, session.show_id).carries_over and not _list_goals(db, session):
        return []
    left = list_questions(db, session_id, states={*LEFT_OPEN, QuestionState.CARRIED_OVER})
    return [question for question in left if not question.for_writing]


def list_waiting(db: Database, session: Session) -> list[Question]:
    """What earlier sessions of the show, and its pre-shows of whatever show, left to wait for one like this."""
    if session.state not in TAKES_OVER:
        return []
    before = [show_rows.load_session(db, one.session_id) for one in _list_pre_shows_of(db, session.id)]
    if show_rows.load_show(db, session.show_id).carries_over:
        before += [
            one
            for one in show_rows.list_sessions(db, show_id=session.show_id)
            if one.starts_at <= session.starts_at and not _list_goals(db, one)
        ]
    earlier = {one.id: one for one in before if one.id != session.id and one.state not in TAKES_OVER}
    waiting: list[Question] = []
    for one in sorted(earlier.values(), key=lambda other: other.starts_at):
        waiting += [q for q in list_questions(db, one.id, states={QuestionState.CARRIED_OVER}) if not q.for_writing]
    return waiting


def _list_pre_shows_of(db: Database, session_id: str) -> list[PreShow]:
    """The pre-shows of a session, and those of its event."""
    event = event_rows.find_event_of(db, session_id)
    found = event_rows.list_pre_shows(db, for_session=session_id)
    found += event_rows.list_pre_shows(db, for_event=event.id) if event else []
    return [one for one in found if one.session_id != session_id]


def list_carries(db: Database, session_id: str) -> list[Carry]:
    """What was carried over from a session, in the order of asking; questions that were merged into others are not."""
    rows = fetch_all(db, "select * from carries where from_session = ? order by at", session_id)
    carries = [
        Carry(
            question=load_question(db, row["question_id"]),
            from_session=row["from_session"],
            to_session=row["to_session"],
            at=parse_instant(row["at"]),
            author=row["author"],
        )
        for row in rows
    ]
    alone = [carry for carry in carries if not carry.question.merged_into]
    return sorted(alone, key=lambda carry: (carry.question.asked_at, carry.question.id))
