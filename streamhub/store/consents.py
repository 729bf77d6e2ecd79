"""Consents and successions as rows: who agrees to be published, and which answer took the place of which.

Owns the tables ``consents`` and ``successions``. A later word of a person about the same replaces the one before; the
log keeps that there was one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from streamhub.answers.consent import Consent
from streamhub.schedule.agreement import person_key
from streamhub.store.log import log_action
from streamhub.store.rows import change, fetch_all, json_list
from streamhub.timecode import format_instant, parse_instant


@dataclass(frozen=True, kw_only=True, slots=True)
class Successor:
    """An answer that could take the place of another one: a public one of the same show."""

    answer_id: str
    question: str
    language: str
    session_id: str
    session_title: str


def save_consent(db: Database, session_id: str, consent: Consent) -> None:
    """Note what a person said; the log does not name her."""
    change(
        db,
        "insert into consents (session_id, person, answer_id, name, given, at, author) values (?, ?, ?, ?, ?, ?, ?) "
        "on conflict (session_id, person, answer_id) do update set "
        "name = excluded.name, given = excluded.given, at = excluded.at, author = excluded.author",
        session_id,
        person_key(consent.name),
        consent.answer_id,
        consent.name,
        int(consent.given),
        format_instant(consent.at),
        consent.author,
    )
    log_action(
        db,
        at=consent.at,
        author=consent.author,
        action="consent.note",
        object_kind="session",
        object_id=session_id,
        details={"answer": consent.answer_id, "given": consent.given},
    )


def list_consents(db: Database, session_id: str) -> list[Consent]:
    """All that was said about a session and its answers."""
    rows = fetch_all(db, "select * from consents where session_id = ? order by person, answer_id", session_id)
    return [
        Consent(
            name=row["name"],
            answer_id=row["answer_id"],
            given=bool(row["given"]),
            at=parse_instant(row["at"]),
            author=row["author"],
        )
        for row in rows
    ]


def save_succession(db: Database, question_id: str, successor_id: str, *, at: datetime, author: str) -> None:
    """Note which answer took the place of which."""
    change(
        db,
        "insert into successions (question_id, successor_id, at, author) values (?, ?, ?, ?) "
        "on conflict (question_id) do update set "
        "successor_id = excluded.successor_id, at = excluded.at, author = excluded.author",
        question_id,
        successor_id,
        format_instant(at),
        author,
    )
    log_action(
        db,
        at=at,
        author=author,
        action="answer.supersede",
        object_kind="answer",
        object_id=question_id,
        details={"by": successor_id},
    )


def find_successions(db: Database, question_ids: Collection[str]) -> dict[str, str]:
    """By answer, the one that took its place."""
    rows = fetch_all(
        db,
        "select question_id, successor_id from successions where question_id in (select value from json_each(?))",
        json_list(question_ids),
    )
    return {str(row["question_id"]): str(row["successor_id"]) for row in rows}


def list_successors(db: Database, session_id: str, *, limit: int = 300) -> list[Successor]:
    """The public answers of a session's show, those of the newest session first."""
    rows = fetch_all(
        db,
        "select questions.id, questions.text, questions.language, sessions.id as session_id, sessions.title "
        "from questions join sessions on sessions.id = questions.session_id "
        "where questions.state = 'published' and questions.text <> '' "
        "and sessions.show_id = (select show_id from sessions where id = ?) "
        "order by sessions.starts_at desc, sessions.id, questions.asked_at, questions.id limit ?",
        session_id,
        limit,
    )
    return [
        Successor(
            answer_id=row["id"],
            question=row["text"],
            language=row["language"],
            session_id=row["session_id"],
            session_title=row["title"],
        )
        for row in rows
    ]
