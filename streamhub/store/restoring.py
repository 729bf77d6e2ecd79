"""Putting questions back as they were: what an undo does to the rows of one question.

Keeps in step what hangs on a question's fields: marks when it goes on air or comes off it, votes when it is merged or
not, carries when it changes its session. Refuses to know which change is undone and whether it may be.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlite_utils import Database

from streamhub.errors import WrongState
from streamhub.live.mark import MarkKind
from streamhub.questions.change import Snapshot, fields_of
from streamhub.questions.question import Question, QuestionState
from streamhub.questions.refusal import Refusal
from streamhub.schedule.show import SessionState
from streamhub.store.carrying import move_question
from streamhub.store.merging import absorb_part, attach, detach
from streamhub.store.questions import (
    list_questions,
    load_question,
    log_question,
    mark_question,
    save_curated,
)
from streamhub.store.shows import load_session


def restore_question(db: Database, question_id: str, before: Snapshot, *, at: datetime, author: str) -> Question:
    """Give a question the fields that it had; one that had none, because it was made then, goes back to its origin.

    One that is merged then lies where the question lies that stands for it, wherever that was carried meanwhile.

    Raises:
        Conflict: it would be on air beside another, or in a session that is not live.
    """
    now = load_question(db, question_id)
    wanted = replace(now, **fields_of(before)) if before else _unmake(db, now)
    if before and wanted.merged_into != now.merged_into:
        detach(db, now.id)
        if wanted.merged_into:
            attach(db, now.id, wanted.merged_into)
    if wanted.merged_into:
        wanted = replace(wanted, session_id=load_question(db, wanted.merged_into).session_id)
    if wanted.session_id != now.session_id:
        move_question(db, now, wanted.session_id, at=at, author=author)
    _mark_way(db, now, wanted, at=at, author=author)
    kept = save_curated(db, wanted, seen=False)
    log_question(db, wanted, "question.restore", at=at, author=author, state=kept.state.value)
    return kept


def _unmake(db: Database, question: Question) -> Question:
    """A question that a change made: a part goes back to where it was split from, one brought in is declined."""
    if question.split_from:
        return absorb_part(db, question)
    return replace(question, state=QuestionState.DECLINED, place=None)


def _mark_way(db: Database, now: Question, wanted: Question, *, at: datetime, author: str) -> None:
    """Leave the mark of a question that goes on air again or is taken off it; none is ever deleted."""
    if now.state is QuestionState.ON_AIR and wanted.state is not QuestionState.ON_AIR:
        mark_question(db, now, MarkKind.BACK, at=at, author=author)
    if wanted.state is QuestionState.ON_AIR and now.state is not QuestionState.ON_AIR:
        session = load_session(db, wanted.session_id)
        if session.state is not SessionState.LIVE:
            message = f"session {session.id}: is {session.state}, not live"
            raise WrongState(message, hint="nothing can be on air now", code=Refusal.NOT_LIVE)
        others = list_questions(db, session.id, states={QuestionState.ON_AIR})
        if others:
            message = f"question {others[0].id}: is on air now"
            raise WrongState(message, hint="take it off first", code=Refusal.OTHER_ON_AIR)
        mark_question(db, wanted, MarkKind.ON_AIR, at=at, author=author)
