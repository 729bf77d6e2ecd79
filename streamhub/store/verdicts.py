"""What people say about answers, and the questions that are asked anew because an answer did not help.

Owns the tables ``verdicts`` and ``reopenings``. A question keeps its id and its published answer for ever; what is
asked anew is a question of its own that knows which one it reopens, so that nobody explains anything twice.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Literal

from sqlite_utils import Database

from streamhub.questions.follower import FollowerKind
from streamhub.questions.question import Question, QuestionState
from streamhub.questions.rules import VOTABLE_STATES, decide_reopening
from streamhub.questions.verdict import Helped, Reopened, Verdict, VerdictCounts
from streamhub.schedule.rules import ACCEPTS_QUESTIONS
from streamhub.store import shows as show_rows
from streamhub.store.followers import claim_question, find_claimant, list_followers
from streamhub.store.questions import add_vote, insert_question, load_question
from streamhub.store.rows import Row, change, fetch_all, fetch_one, insert, json_list, upsert
from streamhub.timecode import format_instant, parse_instant

By = Literal["answer", "topic", "product"]
_LONGEST_HISTORY = 20


def save_verdict(db: Database, verdict: Verdict) -> None:
    """Keep what somebody says; it takes the place of what the same person said before.

    Raises:
        NotFound: there is no such question.
    """
    load_question(db, verdict.question_id)
    row = {
        "question_id": verdict.question_id,
        "person": verdict.person,
        "helped": verdict.helped.value,
        "reason": verdict.reason,
        "at": format_instant(verdict.at),
    }
    upsert(db, "verdicts", row, key=("question_id", "person"))


def list_verdicts(db: Database, question_id: str) -> list[Verdict]:
    """What everybody says about an answer, oldest first."""
    rows = fetch_all(db, "select * from verdicts where question_id = ? order by at, person", question_id)
    return [_verdict(row) for row in rows]


def find_verdicts(db: Database, question_ids: Iterable[str], person: str) -> dict[str, Verdict]:
    """What one person says about some answers, by question."""
    sql = "select * from verdicts where person = ? and question_id in (select value from json_each(?))"
    return {row["question_id"]: _verdict(row) for row in fetch_all(db, sql, person, json_list(question_ids))}


def count_verdicts(
    db: Database, *, by: By = "answer", session_id: str = "", show_id: str = ""
) -> dict[str, VerdictCounts]:
    """How many people said what, by answer (its question's id), topic or product; all, or of one session or show.

    A question with two topics counts for both; one without any counts for none.
    """
    rows = fetch_all(
        db,
        "select questions.id as answer, topics, products, helped, count(*) as n from verdicts "
        "join questions on questions.id = question_id join sessions on sessions.id = questions.session_id "
        "where (?1 = '' or questions.session_id = ?1) and (?2 = '' or sessions.show_id = ?2) "
        "group by questions.id, helped",
        session_id,
        show_id,
    )
    counted: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        names = [row["answer"]] if by == "answer" else json.loads(row["topics" if by == "topic" else "products"])
        for name in names:
            counted[name][row["helped"]] += int(row["n"])
    return {name: VerdictCounts(**numbers) for name, numbers in sorted(counted.items())}


def reopen_question(db: Database, question_id: str, *, new_id: str, at: datetime) -> Question:
    """Ask an answered question anew; where that was done already, the one that was made then.

    It is open in the session where it was asked while that takes questions, else in the next session of its show; where
    there is none yet, it waits to be carried over.

    Raises:
        NotFound: there is no such question.
        Conflict: it has no published answer, or was erased.
    """
    known = find_reopening(db, question_id)
    if known is not None:
        return known
    before = load_question(db, question_id)
    home, state = _find_home(db, before)
    fresh = insert_question(db, decide_reopening(before, new_id=new_id, session_id=home, state=state, at=at))
    insert(db, "reopenings", {"question_id": fresh.id, "reopens": before.id, "at": format_instant(at)})
    claim_question(db, fresh.id, find_claimant(db, before.id), at=at)
    return fresh


def find_reopening(db: Database, question_id: str) -> Question | None:
    """The question that reopened this one; None when none did."""
    row = fetch_one(db, "select question_id from reopenings where reopens = ?", question_id)
    return load_question(db, row["question_id"]) if row else None


def join_reopening(db: Database, reopened: Question, person: str, *, make_id: Callable[[], str], at: datetime) -> None:
    """Count somebody for a reopened question, and promise to tell him again if he was promised to be told before.

    Args:
        db: the database.
        reopened: the question that stands open.
        person: as in `Verdict.person`.
        make_id: draws the id of a promise.
        at: now, UTC.
    """
    kind, _, name = person.partition(":")
    if reopened.state in VOTABLE_STATES and name != find_claimant(db, reopened.id):
        add_vote(db, reopened.id, name if kind == "v" else person, at=at)
    row = fetch_one(db, "select reopens from reopenings where question_id = ?", reopened.id)
    for follower in list_followers(db, row["reopens"]) if row else ():
        if follower.email and name in {follower.id, follower.voter}:
            again = replace(follower, id=make_id(), question_id=reopened.id, at=at, told_at=None, told_about="")
            change(
                db,
                "insert into followers select ?, ?, email, language, ?, voter, consent, ?, null, '' from followers "
                "where id = ? on conflict do nothing",
                again.id,
                again.question_id,
                FollowerKind.ASKER.value,
                format_instant(at),
                follower.id,
            )


def list_histories(db: Database, session_id: str) -> dict[str, tuple[Reopened, ...]]:
    """For each reopened question of a session what happened before, the latest first."""
    rows = fetch_all(
        db,
        "select reopenings.question_id as id from reopenings join questions on questions.id = reopenings.question_id "
        "where session_id = ?",
        session_id,
    )
    return {row["id"]: load_history(db, row["id"]) for row in rows}


def load_history(db: Database, question_id: str) -> tuple[Reopened, ...]:
    """What happened before a question was asked anew, the latest first; empty for one that reopens nothing."""
    found: list[Reopened] = []
    current = question_id
    while len(found) < _LONGEST_HISTORY:
        row = fetch_one(db, "select reopens from reopenings where question_id = ?", current)
        if row is None:
            break
        before = load_question(db, row["reopens"])
        said = [one.reason for one in list_verdicts(db, before.id) if one.helped is not Helped.YES and one.reason]
        found.append(
            Reopened(
                question_id=current,
                reopens=before.id,
                session_id=before.session_id,
                asked_at=before.asked_at,
                answered_at=find_answered_at(db, before.id),
                reasons=tuple(said),
            )
        )
        current = before.id
    return tuple(found)


def _find_home(db: Database, question: Question) -> tuple[str, QuestionState]:
    session = show_rows.load_session(db, question.session_id)
    if session.state in ACCEPTS_QUESTIONS:
        return session.id, QuestionState.OPEN
    coming = [one for one in show_rows.list_sessions(db, show_id=session.show_id) if one.state in ACCEPTS_QUESTIONS]
    if coming:
        return min(coming, key=lambda one: (one.starts_at, one.id)).id, QuestionState.OPEN
    return session.id, QuestionState.CARRIED_OVER


def find_answered_at(db: Database, question_id: str) -> datetime | None:
    """When a question's answer became public last; None when it never did."""
    row = fetch_one(
        db,
        "select max(at) as at from log where object_id = ? and action = 'question.step' "
        "and json_extract(details, '$.to') = 'published'",
        question_id,
    )
    return parse_instant(row["at"]) if row and row["at"] else None


def _verdict(row: Row) -> Verdict:
    return Verdict(**{**row, "helped": Helped(row["helped"]), "at": parse_instant(row["at"])})
