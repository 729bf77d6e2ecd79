"""Handing over between sessions: what happens by itself to open questions when a session ends or one is announced.

Each question that moves is a change of its own in the journal, so that a host can take one back.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlite_utils import Database

from streamhub.questions.change import Deed
from streamhub.questions.question import Question, QuestionState
from streamhub.store.carrying import carry_question, list_left_open, list_waiting
from streamhub.store.changes import record_change
from streamhub.store.merging import list_tree
from streamhub.store.proposals import list_accepted
from streamhub.store.questions import step_question
from streamhub.store.shows import load_session

CARRY = "carry"
"""The action of a change that carries a question over."""


def hand_over(db: Database, session_id: str, *, at: datetime, author: str = "") -> list[str]:
    """Carry over what a session that is over or off left open; returns ids. A second time there is nothing left.

    What was queued to be spoken about although its answer stands in writing is answered again, and stays.

    Raises:
        NotFound: there is no such session.
    """
    left = list_left_open(db, session_id)
    answered = list_accepted(db, [question.id for question in left])
    for question in left:
        if question.id in answered:
            step_question(db, question.id, QuestionState.ANSWERED_IN_WRITING, at=at, author=author)
    return _carry(db, [one for one in left if one.id not in answered], at=at, author=author)


def gather(db: Database, session_id: str, *, at: datetime, author: str = "") -> list[str]:
    """Bring to a session that was announced what earlier ones of its show left for it; returns ids.

    Raises:
        NotFound: there is no such session.
    """
    return _carry(db, list_waiting(db, load_session(db, session_id)), at=at, author=author)


def _carry(db: Database, questions: Iterable[Question], *, at: datetime, author: str) -> list[str]:
    moved: list[str] = []
    for question in questions:
        deed = Deed(session_id=question.session_id, action=CARRY, author=author, at=at)

        def carry(question: Question = question, deed: Deed = deed) -> tuple[str, ...]:
            carry_question(db, question.id, deed)
            return ()

        if record_change(db, deed, list_tree(db, question.id), carry) is not None:
            moved.append(question.id)
    return moved
