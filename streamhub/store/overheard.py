"""What hosts said to questions that were overheard while a session runs, as rows.

Owns the table ``overheard``: one verdict per question and kind of proposal. The marks that a yes leaves stand with all
others.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from streamhub.errors import NotFound
from streamhub.live.mark import Mark, MarkKind, Witness
from streamhub.questions.question import QuestionState
from streamhub.store.log import log_action
from streamhub.store.marks import delete_mark, insert_mark
from streamhub.store.questions import load_question, step_question
from streamhub.store.rows import change, fetch_all, fetch_one, upsert
from streamhub.timecode import format_instant

ANSWERED = "answered"
OVER = "over"
_KEY = ("session_id", "question_id", "kind")
_Key = tuple[str, str, str]


def list_verdicts(db: Database, session_id: str) -> Mapping[tuple[str, str], str]:
    """What was said in a session, ``yes`` or ``no``, by kind and question."""
    sql = "select kind, question_id, verdict from overheard where session_id = ?"
    return {(row["kind"], row["question_id"]): row["verdict"] for row in fetch_all(db, sql, session_id)}


def confirm_answered(
    db: Database, session_id: str, question_id: str, begin: datetime, end: datetime, *, at: datetime, author: str
) -> None:
    """An open question was answered from one instant to another; saying it twice says it once.

    Raises:
        NotFound: the session has no such question.
        Conflict: it cannot be answered from where it is.
    """
    question = load_question(db, question_id)
    if question.session_id != session_id:
        raise NotFound(f"question {question_id}: there is no such question in session {session_id}")
    if question.state is QuestionState.ANSWERED_LIVE:
        return
    before = question.state.value
    step_question(db, question_id, QuestionState.ANSWERED_LIVE, at=at, author=author)
    numbers = []
    for kind, instant in ((MarkKind.ON_AIR, begin), (MarkKind.DONE, end)):
        mark = Mark(
            session_id=session_id, question_id=question_id, kind=kind, at=instant, witness=Witness.EAR, author=author
        )
        numbers.append(insert_mark(db, mark))
    marks = " ".join(map(str, numbers))
    _keep(db, (session_id, question_id, ANSWERED), "yes", at=at, author=author, before=before, marks=marks)
    _log(db, question_id, "overheard.yes", {"session": session_id, "marks": numbers}, at=at, author=author)


def dismiss(db: Database, session_id: str, question_id: str, kind: str, *, at: datetime, author: str) -> None:
    """A proposal is wrong: it stays away from now on.

    Raises:
        NotFound: the session has no such question.
    """
    if load_question(db, question_id).session_id != session_id:
        raise NotFound(f"question {question_id}: there is no such question in session {session_id}")
    _keep(db, (session_id, question_id, kind), "no", at=at, author=author)


def take_back(db: Database, session_id: str, question_id: str, *, at: datetime, author: str) -> bool:
    """Take a yes back: its marks go, and the question waits where it waited; says whether there was one.

    Raises:
        Conflict: it went on to where it cannot come back from.
    """
    sql = "select * from overheard where session_id = ? and question_id = ? and kind = ? and verdict = 'yes'"
    row = fetch_one(db, sql, session_id, question_id, ANSWERED)
    if row is None:
        return False
    if load_question(db, question_id).state is QuestionState.ANSWERED_LIVE:
        step_question(db, question_id, QuestionState(row["before"]), at=at, author=author)
    for number in row["marks"].split():
        delete_mark(db, session_id, int(number), Witness.EAR)
    change(db, "delete from overheard where session_id = ? and question_id = ?", session_id, question_id)
    _log(db, question_id, "overheard.undo", {"session": session_id}, at=at, author=author)
    return True


def _keep(db: Database, key: _Key, verdict: str, *, at: datetime, author: str, **more: str) -> None:
    row = dict(zip(_KEY, key, strict=True)) | {"verdict": verdict, "at": format_instant(at), "author": author}
    upsert(db, "overheard", {"before": "", "marks": "", **row, **more}, key=_KEY)


def _log(db: Database, question_id: str, action: str, details: Mapping[str, Any], *, at: datetime, author: str) -> None:
    log_action(db, at=at, author=author, action=action, object_kind="question", object_id=question_id, details=details)
