"""Votes as rows: counted at once, or kept in doubt until a host decides.

Owns the table ``suspects`` and the addresses' digests in ``votes``; a digest is keyed, differs from question to
question, and is forgotten after a week. The sum at a question counts no vote in doubt.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlite_utils import Database

from streamhub.errors import NotFound
from streamhub.questions.doubt import VoteDoubt
from streamhub.questions.question import QuestionState
from streamhub.schedule.show import SessionState
from streamhub.store.log import log_action
from streamhub.store.merging import count_voters, follow_voters
from streamhub.store.questions import remove_vote, voted_below
from streamhub.store.rows import change, fetch_all, fetch_one
from streamhub.timecode import format_instant


class Verdict(StrEnum):
    """What a host says of votes in doubt."""

    NONE = ""
    COUNTED = "counted"
    DISCARDED = "discarded"


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Where a question and its session are.

    Attributes:
        question_id: the question itself, or the one that it was merged into.
        session_id: the question's session.
        state: of the question.
        session_state: of the session.
        votes: counted ones.
    """

    question_id: str
    session_id: str
    state: QuestionState
    session_state: SessionState
    votes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Cast:
    """What became of a vote.

    Attributes:
        session_id: the question's session.
        votes: the counted ones, after it.
        doubt: why it is not among them; empty when it is.
    """

    session_id: str
    votes: int
    doubt: VoteDoubt = VoteDoubt.NONE


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspects:
    """The votes in doubt of one question.

    Attributes:
        question_id, text: the question.
        votes: the counted ones, those among them that a host let count.
        reasons: how many came for which reason.
        waiting, counted, discarded: how many of them are in which hand.
    """

    question_id: str
    text: str
    votes: int
    reasons: dict[VoteDoubt, int]
    waiting: int
    counted: int
    discarded: int


def load_standing(db: Database, question_id: str) -> Standing:
    """Where a question is, in one look; of a merged one, where the one is that it was merged into.

    Raises:
        NotFound: there is none.
    """
    sql = (
        "select questions.id, merged_into, session_id, questions.state, votes, sessions.state as session_state "
        "from questions join sessions on sessions.id = session_id where questions.id = ?"
    )
    row = fetch_one(db, sql, question_id)
    while row is not None and row["merged_into"]:
        row = fetch_one(db, sql, row["merged_into"])
    if row is None:
        raise NotFound(f"question {question_id}: there is no such question")
    return Standing(
        question_id=row["id"],
        session_id=row["session_id"],
        state=QuestionState(row["state"]),
        session_state=SessionState(row["session_state"]),
        votes=row["votes"],
    )


def count_address(db: Database, question_id: str, address: str) -> int:
    """How many counted votes for a question came from the address of that digest."""
    sql = "select count(*) as n from votes where question_id = ? and address = ? and address <> ''"
    row = fetch_one(db, sql, question_id, address)
    return int(row["n"]) if row else 0


def cast_vote(
    db: Database,
    standing: Standing,
    voter: str,
    *,
    at: datetime,
    address: str = "",
    doubt: VoteDoubt = VoteDoubt.NONE,
) -> Cast:
    """Keep a voter's wish once, however often it is given: counted, or in doubt; what was counted stays so."""
    question_id = standing.question_id
    sql = "insert into votes (question_id, voter, at, address) values (?, ?, ?, ?) on conflict do nothing"
    if not doubt:
        fresh = change(db, sql, question_id, voter, format_instant(at), address)
        if fresh and voted_below(db, question_id, voter):
            fresh = 0  # counted already, because of a question that was merged into this one
        elif fresh:
            change(db, "update questions set votes = votes + 1 where id = ?", question_id)
            change(db, "delete from suspects where question_id = ? and voter = ?", question_id, voter)
        return Cast(session_id=standing.session_id, votes=standing.votes + fresh)
    known = fetch_one(db, "select 1 from votes where question_id = ? and voter = ?", question_id, voter)
    if known is None:
        change(
            db,
            "insert into suspects (question_id, voter, at, address, reason, verdict) values (?, ?, ?, ?, ?, '') "
            "on conflict do nothing",
            question_id,
            voter,
            format_instant(at),
            address,
            doubt.value,
        )
    return Cast(
        session_id=standing.session_id, votes=standing.votes, doubt=VoteDoubt.NONE if known is not None else doubt
    )


def take_back(db: Database, standing: Standing, voter: str) -> Cast:
    """Take a voter's wish back, if there is one, counted or in doubt."""
    votes = remove_vote(db, standing.question_id, voter)
    change(db, "delete from suspects where question_id = ? and voter = ?", standing.question_id, voter)
    return Cast(session_id=standing.session_id, votes=votes)


def list_doubtful(db: Database, session_id: str, voter: str) -> frozenset[str]:
    """Ids of the questions of a session for which a voter's wish is kept in doubt."""
    rows = fetch_all(
        db,
        "select question_id from suspects join questions on questions.id = question_id "
        "where voter = ? and session_id = ? and verdict <> 'counted'",
        voter,
        session_id,
    )
    return frozenset(str(row["question_id"]) for row in rows)


def list_suspects(db: Database, session_id: str) -> list[Suspects]:
    """The votes in doubt of a session by question, most waiting first."""
    rows = fetch_all(
        db,
        "select question_id, text, votes, reason, verdict, count(*) as n "
        "from questions join suspects on question_id = questions.id where session_id = ? "
        "group by question_id, reason, verdict order by question_id, reason",
        session_id,
    )
    found: dict[str, list[dict[str, object]]] = {}
    for row in rows:
        found.setdefault(row["question_id"], []).append(row)
    kept = [_suspects(question_id, group) for question_id, group in found.items()]
    return sorted(kept, key=lambda one: (-one.waiting, one.question_id))


def settle_suspects(db: Database, question_id: str, verdict: Verdict, *, at: datetime, author: str) -> int:
    """Let the votes in doubt of a question count, or discard them, or take that back; returns the counted votes.

    Raises:
        NotFound: there is no such question.
    """
    standing = load_standing(db, question_id)
    before = count_voters(db, question_id)
    if verdict is Verdict.COUNTED:
        change(
            db,
            "insert into votes (question_id, voter, at, address) "
            "select question_id, voter, at, '' from suspects where question_id = ? on conflict do nothing",
            question_id,
        )
    else:
        change(
            db,
            "delete from votes where question_id = ?1 and voter in "
            "(select voter from suspects where question_id = ?1 and verdict = 'counted')",
            question_id,
        )
    moved = follow_voters(db, before)
    changed = change(
        db, "update suspects set verdict = ?1 where question_id = ?2 and verdict <> ?1", verdict.value, question_id
    )
    if changed:
        log_action(
            db,
            at=at,
            author=author,
            action="votes.settle",
            object_kind="question",
            object_id=question_id,
            details={"session": standing.session_id, "verdict": verdict.value, "votes": changed},
        )
    return standing.votes + moved.get(standing.question_id, 0)


def forget_addresses(db: Database, *, before: datetime) -> int:
    """Forget the digests of addresses that voted before an instant; returns how many."""
    moment = format_instant(before)
    counted = change(db, "update votes set address = '' where address <> '' and at < ?", moment)
    return counted + change(db, "update suspects set address = '' where address <> '' and at < ?", moment)


def _suspects(question_id: str, rows: list[dict[str, object]]) -> Suspects:
    reasons: dict[VoteDoubt, int] = {}
    hands = dict.fromkeys(Verdict, 0)
    for row in rows:
        count = int(str(row["n"]))
        reason = VoteDoubt(str(row["reason"]))
        reasons[reason] = reasons.get(reason, 0) + count
        hands[Verdict(str(row["verdict"]))] += count
    return Suspects(
        question_id=question_id,
        text=str(rows[0]["text"]),
        votes=int(str(rows[0]["votes"])),
        reasons=reasons,
        waiting=hands[Verdict.NONE],
        counted=hands[Verdict.COUNTED],
        discarded=hands[Verdict.DISCARDED],
    )
