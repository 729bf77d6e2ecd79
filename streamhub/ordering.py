"""Ordering what is made of a session after its end: each order is written with what caused it, in one transaction.

Owns the kinds of work and their keys, so that an order that is given twice is carried out once. What is ordered here is
carried out by `streamhub.pipeline`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from streamhub.errors import Conflict, NotFound
from streamhub.questions.question import QuestionState
from streamhub.schedule.show import Publishing, SessionState
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.store.log import log_action
from streamhub.store.work import put_outbox

SESSION = "session"
TRANSCRIBE = "transcribe"
TRANSLATE = "translate"
PUBLISH = "publish"
RECUT = "recut"

AUTHOR = "pipeline"
CUT_STATES = frozenset({SessionState.IN_REVIEW, SessionState.PUBLISHED})
"""States of a session whose answers are cut."""

Q = QuestionState
_READY = frozenset({Q.ANSWERED_LIVE, Q.ANSWERED_IN_WRITING})


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where the media and the words of a session come from.

    Attributes:
        media: a file to take as the recording; empty: the segments of the live session, or nothing.
        captions: a caption file to take the words from; empty: the recogniser hears them.
        live: whether segments of a live session are expected.
    """

    media: str = ""
    captions: str = ""
    live: bool = True


def publish_answered(
    db: Database,
    session_id: str,
    ids: Sequence[str] | None,
    *,
    at: datetime,
    author: str,
    withheld: Collection[str] = (),
) -> list[str]:
    """Publish answered questions and order the pages, in one transaction.

    When ``ids`` is None, all that was answered and is not withheld, and the session itself, even if there was no
    question in it.

    Raises:
        NotFound: an id is no question of this session.
        Conflict: a question was not answered, or the answers are not cut yet.
    """
    session = show_rows.load_session(db, session_id)
    if session.state not in CUT_STATES:
        raise Conflict(
            f"session {session_id}: is {session.state}, its answers are not cut yet", hint="publish them in review"
        )
    questions = {question.id: question for question in question_rows.list_questions(db, session_id)}
    if missing := [one for one in ids or () if one not in questions]:
        raise NotFound(f"session {session_id}: no question {missing[0]}")
    ready = [q.id for q in questions.values() if q.state in _READY and q.id not in withheld]
    chosen = ready if ids is None else list(ids)
    for one in chosen:
        question_rows.step_question(db, one, Q.PUBLISHED, at=at, author=author)
    if session.state is SessionState.IN_REVIEW and (chosen or ids is None):
        show_rows.step_session(db, session_id, SessionState.PUBLISHED, at=at)
    order_publication(db, session_id, chosen, at=at)
    return chosen


def order_publication(db: Database, session_id: str, ids: Sequence[str], *, at: datetime) -> None:
    """Order the archive and the site to follow the states of a session and of these answers, whatever crashes."""
    revision = f"{at:%Y%m%dT%H%M%S%f}-{ids[0] if len(ids) == 1 else len(ids)}"
    put_outbox(db, PUBLISH, f"{session_id}:{revision}", [session_id, list(ids)], at=at)


def order_recut(db: Database, session_id: str, *, at: datetime, author: str) -> None:
    """Order a session's answers to be cut anew.

    Raises:
        Conflict: they are not cut yet.
    """
    session = show_rows.load_session(db, session_id)
    if session.state not in CUT_STATES:
        raise Conflict(
            f"session {session_id}: is {session.state}, its answers are not cut yet", hint="wait until it is in review"
        )
    put_outbox(db, RECUT, f"{session_id}:{at:%Y%m%dT%H%M%S%f}", [session_id], at=at)
    details = {"state": session.state.value}
    log_action(
        db, at=at, author=author, action="answers.recut", object_kind="session", object_id=session_id, details=details
    )


def order_answer(db: Database, session_id: str, answer_id: str, *, at: datetime) -> None:
    """Order the archive to follow what was decided about an answer in writing; before the end there is nothing to do.

    Where the show publishes by itself, and its session is public, the answer is published with it.
    """
    session = show_rows.load_session(db, session_id)
    if session.state not in CUT_STATES | {SessionState.ENDED, SessionState.PROCESSING}:
        return
    question = question_rows.load_question(db, answer_id)
    auto = show_rows.load_show(db, session.show_id).publishing is Publishing.AUTO
    if auto and session.state is SessionState.PUBLISHED and question.state is Q.ANSWERED_IN_WRITING:
        publish_answered(db, session_id, [answer_id], at=at, author=AUTHOR)
    else:
        order_publication(db, session_id, [answer_id], at=at)


def order_session(db: Database, session_id: str, source: Source, *, at: datetime) -> None:
    """Order the pipeline of an ended session, once only."""
    put_outbox(db, SESSION, session_id, [session_id, source.media, source.captions, source.live], at=at)
