"""What people on camera see, as rows: the run of show, the producer's notes, and the keys of overlays.

Owns the tables ``rundowns``, ``rundown_topics``, ``producer_notes`` and ``overlays``. The run of show is saved
whole, and only by whoever saw its last version. What a producer wrote can be deleted, and stands nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlite_utils import Database

from streamhub.errors import NotFound, WrongState
from streamhub.questions.question import Question
from streamhub.questions.refusal import Refusal
from streamhub.schedule.rundown import Rundown, Topic, follow_topics
from streamhub.store.log import log_action
from streamhub.store.rows import Row, change, fetch_all, fetch_one, insert, instant_or_none, text_or_none, upsert
from streamhub.timecode import format_instant, parse_instant

KEPT_NOTES = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class ProducerNote:
    """What a producer wrote to those on camera; the latest one of a session is the current one.

    Attributes:
        id: drawn when it was written.
        session_id: the session.
        text: a few words.
        author: who wrote it.
        at: when, UTC.
        seen_at: when somebody on camera said that he saw it, UTC; None before.
        seen_by: who that was; may be empty.
    """

    id: str
    session_id: str
    text: str
    author: str
    at: datetime
    seen_at: datetime | None = None
    seen_by: str = ""


def load_rundown(db: Database, session_id: str) -> Rundown:
    """The run of show of a session; an empty one of version 0 while nobody made one."""
    row = fetch_one(db, "select * from rundowns where session_id = ?", session_id)
    if row is None:
        return Rundown(session_id=session_id)
    topics = fetch_all(db, "select * from rundown_topics where session_id = ? order by position", session_id)
    return Rundown(
        session_id=session_id,
        topics=tuple(_topic(one) for one in topics),
        version=row["version"],
        automatic=bool(row["automatic"]),
    )


def change_rundown(
    db: Database,
    session_id: str,
    fn: Callable[[Rundown], Rundown],
    *,
    version: int,
    at: datetime,
    author: str,
    action: str,
) -> Rundown:
    """Change a run of show that nobody else has changed since ``version``; what changes nothing is not counted.

    Raises:
        NotFound: there is no such session.
        Conflict: somebody else changed it in the meantime, or ``fn`` says so.
    """
    before = load_rundown(db, session_id)
    if before.version != version:
        message = f"run of show of {session_id}: somebody else changed it a moment ago"
        raise WrongState(message, hint="look at it again, then press again", code=Refusal.RUNDOWN_CHANGED)
    return _save(db, before, fn(before), at=at, author=author, action=action)


def follow_on_air(db: Database, question: Question, *, at: datetime, author: str) -> Rundown:
    """Let the run of show follow a question that went on air, where that is wanted."""
    before = load_rundown(db, question.session_id)
    after = follow_topics(before, question.topics, at=at)
    return _save(db, before, after, at=at, author=author, action="rundown.follow")


def _save(db: Database, before: Rundown, after: Rundown, *, at: datetime, author: str, action: str) -> Rundown:
    if after == before:
        return before
    if fetch_one(db, "select 1 from sessions where id = ?", after.session_id) is None:
        raise NotFound(f"session {after.session_id}: there is no such session")
    saved = replace(after, version=before.version + 1)
    row = {"session_id": saved.session_id, "version": saved.version, "automatic": int(saved.automatic)}
    upsert(db, "rundowns", row, key=("session_id",))
    change(db, "delete from rundown_topics where session_id = ?", saved.session_id)
    for position, topic in enumerate(saved.topics):
        insert(db, "rundown_topics", {"session_id": saved.session_id, "position": position, **_topic_row(topic)})
    running = saved.running
    log_action(
        db,
        at=at,
        author=author,
        action=action,
        object_kind="session",
        object_id=saved.session_id,
        details={"version": saved.version, "topics": len(saved.topics), "running": running.id if running else ""},
    )
    return load_rundown(db, saved.session_id)


def _topic_row(topic: Topic) -> Row:
    return {
        "id": topic.id,
        "title": topic.title,
        "planned_minutes": topic.planned_minutes,
        "speaker": topic.speaker,
        "started_at": text_or_none(topic.started_at),
        "finished_at": text_or_none(topic.finished_at),
    }


def _topic(row: Row) -> Topic:
    return Topic(
        id=row["id"],
        title=row["title"],
        planned_minutes=row["planned_minutes"],
        speaker=row["speaker"],
        started_at=instant_or_none(row["started_at"]),
        finished_at=instant_or_none(row["finished_at"]),
    )


def insert_note(db: Database, note: ProducerNote) -> None:
    """Keep a note; it is the current one from now on. The oldest of very many are forgotten.

    Raises:
        NotFound: there is no such session.
    """
    if fetch_one(db, "select 1 from sessions where id = ?", note.session_id) is None:
        raise NotFound(f"session {note.session_id}: there is no such session")
    insert(
        db,
        "producer_notes",
        {
            "id": note.id,
            "session_id": note.session_id,
            "text": note.text,
            "author": note.author,
            "at": format_instant(note.at),
            "seen_at": text_or_none(note.seen_at),
            "seen_by": note.seen_by,
        },
    )
    sql = (
        "delete from producer_notes where session_id = ?1 and rowid not in "
        "(select rowid from producer_notes where session_id = ?1 order by at desc, rowid desc limit ?2)"
    )
    change(db, sql, note.session_id, KEPT_NOTES)


def list_notes(db: Database, session_id: str) -> list[ProducerNote]:
    """The notes of a session, the current one first."""
    sql = "select * from producer_notes where session_id = ? order by at desc, rowid desc"
    return [
        ProducerNote(**{**row, "at": parse_instant(row["at"]), "seen_at": instant_or_none(row["seen_at"])})
        for row in fetch_all(db, sql, session_id)
    ]


def see_note(db: Database, session_id: str, note_id: str, *, at: datetime, person: str) -> None:
    """Note that somebody on camera saw a note; the first time counts.

    Raises:
        NotFound: there is no such note; it may have been deleted.
    """
    _require_note(db, session_id, note_id)
    sql = "update producer_notes set seen_at = ?, seen_by = ? where id = ? and seen_at is null"
    change(db, sql, format_instant(at), person, note_id)


def delete_note(db: Database, session_id: str, note_id: str) -> None:
    """Delete a note; one that is gone already is fine."""
    change(db, "delete from producer_notes where id = ? and session_id = ?", note_id, session_id)


def _require_note(db: Database, session_id: str, note_id: str) -> None:
    if fetch_one(db, "select 1 from producer_notes where id = ? and session_id = ?", note_id, session_id) is None:
        raise NotFound(f"note {note_id}: there is none in session {session_id}", hint="it may have been deleted")


def load_overlay_nonce(db: Database, session_id: str) -> str:
    """What the overlay's address of a session is made of; empty while it has none."""
    row = fetch_one(db, "select nonce from overlays where session_id = ?", session_id)
    return "" if row is None else str(row["nonce"])


def save_overlay_nonce(db: Database, session_id: str, nonce: str, *, at: datetime, author: str) -> None:
    """Give a session's overlay a new address, in place of the one that it had.

    Raises:
        NotFound: there is no such session.
    """
    if fetch_one(db, "select 1 from sessions where id = ?", session_id) is None:
        raise NotFound(f"session {session_id}: there is no such session")
    row = {"session_id": session_id, "nonce": nonce, "made_at": format_instant(at)}
    upsert(db, "overlays", row, key=("session_id",))
    log_action(db, at=at, author=author, action="overlay.key", object_kind="session", object_id=session_id, details={})


def delete_overlay_nonce(db: Database, session_id: str, *, at: datetime, author: str) -> None:
    """Take a session's overlay its address; whoever has it sees nothing any more."""
    if change(db, "delete from overlays where session_id = ?", session_id):
        log_action(
            db, at=at, author=author, action="overlay.revoke", object_kind="session", object_id=session_id, details={}
        )
