"""Taking chat lines into the queue of questions: each at most once, under the rules that hold for everybody.

Owns what one transaction does with the lines of a look, and with a line that a host takes. Refuses to know how chats
are read and when: `streamhub.keepers.chatter` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from streamhub.errors import Conflict
from streamhub.questions.intake import Contribution, Standing
from streamhub.questions.picking import Earlier, find_surplus
from streamhub.questions.question import Asker, Question, QuestionState
from streamhub.questions.rules import decide_intake
from streamhub.schedule.rules import ACCEPTS_QUESTIONS, accepts_asking
from streamhub.schedule.show import Session, SessionState
from streamhub.store import contributions as contribution_rows
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.store.log import log_action
from streamhub.timecode import parse_instant

SOURCE = "chat"
"""The name under which chats are kept as a source."""

_JUST_ENDED = frozenset({SessionState.ENDED, SessionState.PROCESSING})


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A line that would be a question.

    Attributes:
        id: of the question that it would become.
        line: the line, its author hashed.
        text: the question's text.
        standing: of whoever wants it: a moderator may point at another's line.
    """

    id: str
    line: Contribution
    text: str
    standing: Standing


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """A line that is a question now.

    Attributes:
        line: the line, its author hashed.
        question_id: of the question.
        first: whether it is the first of its author in this session.
    """

    line: Contribution
    question_id: str
    first: bool


def take_candidates(
    db: Database, session_id: str, candidates: Sequence[Candidate], *, chat_ref: str, cursor: str, at: datetime
) -> list[Taken]:
    """Make questions of lines and note how far the chat was read, all or nothing; returns those that are questions now.

    Lines that were taken before count, repeated and flooding ones do not, nor do lines from after the session's end.
    """
    contribution_rows.save_cursor(db, SOURCE, chat_ref, cursor, at=at)
    if not candidates:
        return []
    session = show_rows.load_session(db, session_id)
    state = decide_intake(show_rows.load_show(db, session.show_id).moderation)
    known = _known(db, session_id)
    before = _before(db, session_id)
    taken: list[Taken] = []
    for candidate in candidates:
        line = candidate.line
        if (found := known.get((line.source, line.ref))) is not None:
            taken.append(Taken(line=line, question_id=found, first=False))
            continue
        asked = Earlier(author=line.author_ref, text=candidate.text, at=line.at)
        if not _is_open(session, line.at) or find_surplus(asked, candidate.standing, before):
            continue
        question = _question(candidate, session, state, now=at)
        if contribution_rows.take_contribution(db, line, question):
            first = all(earlier.author != line.author_ref for earlier in before)
            taken.append(Taken(line=line, question_id=question.id, first=first))
            known[(line.source, line.ref)] = question.id
            before.append(asked)
    return taken


def take_by_host(db: Database, session_id: str, candidate: Candidate, *, at: datetime, author: str) -> Question:
    """Make a line a question on a host's word: open at once, since a person has looked at it; again changes nothing.

    Raises:
        Conflict: the session takes no more questions.
    """
    session = show_rows.load_session(db, session_id)
    known = _known(db, session_id).get((candidate.line.source, candidate.line.ref))
    if known is not None:
        return question_rows.load_question(db, known)
    if session.state not in ACCEPTS_QUESTIONS:
        raise Conflict(f"session {session_id}: is {session.state}, takes no more questions")
    question = _question(candidate, session, QuestionState.OPEN, now=at)
    contribution_rows.take_contribution(db, candidate.line, question)
    log_action(
        db, at=at, author=author, action="question.take", object_kind="question", object_id=question.id, details={}
    )
    return question_rows.load_question(db, question.id)


def _is_open(session: Session, at: datetime) -> bool:
    """Whether a line written then still counts: while the session takes questions, or just before it ended."""
    if session.state in ACCEPTS_QUESTIONS:
        return accepts_asking(session, at=at)
    return session.state in _JUST_ENDED and session.ended_at is not None and at <= session.ended_at


def _known(db: Database, session_id: str) -> dict[tuple[str, str], str]:
    rows = contribution_rows.list_contributions(db, session_id)
    return {(row["source"], row["ref"]): row["question_id"] for row in rows}


def _before(db: Database, session_id: str) -> list[Earlier]:
    texts = {question.id: question.text for question in question_rows.list_questions(db, session_id)}
    return [
        # A question that was carried over to another session still counts against floods, no more against repeating.
        Earlier(author=row["author"], text=texts.get(row["question_id"], ""), at=parse_instant(row["at"]))
        for row in contribution_rows.list_contributions(db, session_id)
    ]


def _question(candidate: Candidate, session: Session, state: QuestionState, *, now: datetime) -> Question:
    name = candidate.line.author
    return Question(
        id=candidate.id,
        session_id=session.id,
        text=candidate.text,
        asker=Asker(name=name),  # hosts see the name; nobody asked the author whether the public may
        language=session.language,
        state=state,
        source=candidate.line.source,
        asked_at=min(candidate.line.at, now),  # the chat's clock may be ahead of ours
    )
