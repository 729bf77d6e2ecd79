"""Whose a question is, and who is told when it is answered.

Owns the tables ``claims`` and ``followers``. An address stands in ``followers`` alone until a mail is made for it, and
is deleted when it has done its duty. Refuses to know how people are told.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlite_utils import Database

from streamhub.errors import Conflict, TooMany
from streamhub.questions.follower import MOST_A_DAY, Follower, FollowerKind
from streamhub.questions.question import Question
from streamhub.store.questions import load_question
from streamhub.store.rows import Row, change, fetch_all, fetch_one, insert, instant_or_none, text_or_none
from streamhub.timecode import format_instant, parse_instant

_DAY = timedelta(days=1)
_LONGEST_MERGE = 50


def claim_question(db: Database, question_id: str, voter: str, *, at: datetime) -> None:
    """Keep which browser asked a question, so that it finds it again; the first claim stays."""
    if voter:
        change(
            db,
            "insert into claims (question_id, voter, at) values (?, ?, ?) on conflict do nothing",
            question_id,
            voter,
            format_instant(at),
        )


def find_claimant(db: Database, question_id: str) -> str:
    """The browser that asked a question; empty when none is known."""
    row = fetch_one(db, "select voter from claims where question_id = ?", question_id)
    return str(row["voter"]) if row else ""


def list_claimed(db: Database, voter: str, *, limit: int = 200) -> list[Question]:
    """The questions that a browser asked, newest first."""
    rows = fetch_all(
        db, "select question_id from claims where voter = ? order by at desc, question_id limit ?", voter, limit
    )
    return [load_question(db, row["question_id"]) for row in rows]


def is_concerned(db: Database, question_id: str, voter: str) -> bool:
    """Whether a question, or one that was merged into it, was asked or is followed by this browser."""
    row = fetch_one(
        db,
        "select 1 as yes from questions left join claims on claims.question_id = questions.id "
        "left join followers on followers.question_id = questions.id "
        "where (questions.id = ?1 or questions.merged_into = ?1) and (claims.voter = ?2 or followers.voter = ?2)",
        question_id,
        voter,
    )
    return bool(voter) and row is not None


def list_followed(db: Database, voter: str) -> list[Follower]:
    """Whom a browser had promised to be told and who still is to be, newest first."""
    sql = "select * from followers where voter = ? and voter <> '' and email <> '' order by at desc, id limit 200"
    return [_follower(row) for row in fetch_all(db, sql, voter)]


def follow_question(db: Database, follower: Follower) -> bool:
    """Keep a promise to tell; says False and changes nothing when the address follows the question already.

    Raises:
        NotFound: there is no such question.
        Conflict: the question was erased.
        TooMany: the address was given too many promises in a day.
    """
    if not load_question(db, follower.question_id).text:
        raise Conflict(f"question {follower.question_id}: was erased by its asker")
    if fetch_one(
        db,
        "select 1 as yes from followers where question_id = ? and email = ?",
        follower.question_id,
        follower.email,
    ):
        return False
    since = format_instant(follower.at - _DAY)
    row = fetch_one(db, "select count(*) as n from followers where email = ? and at > ?", follower.email, since)
    if row and row["n"] >= MOST_A_DAY:
        raise TooMany(f"follower: the address follows {row['n']} questions since yesterday", retry_after_s=3600)
    insert(db, "followers", _row(follower))
    return True


def find_follower(db: Database, follower_id: str) -> Follower | None:
    """The follower of that id; None when there is none any more."""
    row = fetch_one(db, "select * from followers where id = ?", follower_id)
    return _follower(row) if row else None


def list_followers(db: Database, question_id: str) -> list[Follower]:
    """Everybody who follows a question itself, oldest first; those whose address is deleted too."""
    return [
        _follower(row)
        for row in fetch_all(db, "select * from followers where question_id = ? order by at, id", question_id)
    ]


def list_untold(db: Database, *, due: bool = False) -> list[Follower]:
    """Everybody who was promised to be told and was not yet, oldest first; with ``due``, who may have to be now."""
    rows = fetch_all(
        db,
        "select followers.* from followers join questions on questions.id = question_id "
        "where told_at is null and email <> '' and (not ? or state in ('published', 'merged')) "
        "order by followers.at, followers.id",
        int(due),
    )
    return [_follower(row) for row in rows]


def mark_told(db: Database, follower_id: str, *, about: str, at: datetime | None) -> None:
    """Note that somebody was told about an answer; None takes it back, as when the mail never went out."""
    change(db, "update followers set told_at = ?, told_about = ? where id = ?", text_or_none(at), about, follower_id)


def untell(db: Database, *, about: str, email: str) -> None:
    """Take back that an address was told about an answer: its mail never went out."""
    sql = "update followers set told_at = null, told_about = '' where told_about = ? and email = ?"
    change(db, sql, about, email)


def is_wanted(db: Database, *, about: str, email: str) -> bool:
    """Whether an address still wants to hear about an answer."""
    sql = "select 1 as yes from followers where told_about = ? and email = ?"
    return fetch_one(db, sql, about, email) is not None


def unfollow(db: Database, follower_id: str) -> None:
    """Delete an address; nothing more is sent to it for this question. Again changes nothing."""
    change(db, "update followers set email = '' where id = ?", follower_id)


def forget_addresses(db: Database, *, told_before: datetime, made_before: datetime) -> int:
    """Delete the addresses that did their duty, and those that never will; returns how many."""
    return change(
        db,
        "update followers set email = '' where email <> '' and (told_at < ? or at < ?)",
        format_instant(told_before),
        format_instant(made_before),
    )


def resolve_merged(db: Database, question: Question) -> Question:
    """The question that stands for this one: itself, or whatever it was merged into in the end."""
    seen = question
    for _ in range(_LONGEST_MERGE):
        if not seen.merged_into or seen.merged_into == seen.id:
            return seen
        seen = load_question(db, seen.merged_into)
    return seen


def _row(follower: Follower) -> Row:
    return {
        "id": follower.id,
        "question_id": follower.question_id,
        "email": follower.email,
        "language": follower.language,
        "kind": follower.kind.value,
        "voter": follower.voter,
        "consent": follower.consent,
        "at": format_instant(follower.at),
        "told_at": text_or_none(follower.told_at),
        "told_about": follower.told_about,
    }


def _follower(row: Row) -> Follower:
    values = {
        **row,
        "kind": FollowerKind(row["kind"]),
        "at": parse_instant(row["at"]),
        "told_at": instant_or_none(row["told_at"]),
    }
    return Follower(**values)
