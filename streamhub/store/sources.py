"""The sources that sessions listen to, how reading them goes, and what belongs to a question beside its text.

Owns the tables ``sources``, ``additions``, ``waiting_contributions`` and ``gone_contributions``. A source without a
session is one of the whole hub, such as its mailbox. Refuses to know which kinds of sources there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from streamhub.errors import NotFound, WrongState
from streamhub.questions.intake import Contribution, Skip, Standing
from streamhub.questions.refusal import Refusal
from streamhub.schedule.rules import ACCEPTS_QUESTIONS
from streamhub.store.library import connect, sqlite3
from streamhub.store.rows import Row, change, fetch_all, fetch_one, insert, instant_or_none, json_list, text_or_none
from streamhub.timecode import format_instant, parse_instant

MAX_WAITING = 1000
"""More than that do not wait for a session."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceRow:
    """A source that a session, or the whole hub, listens to.

    Attributes:
        id: drawn when it was added.
        session_id: the session; empty for the whole hub.
        kind: what kind of source, by its slug.
        address: what is read there: a hashtag, an address.
        active: whether it is to be read.
        added_at: when, UTC.
        read_at: when it was last read to its end, UTC.
        taken: how many questions came from there.
        skipped: how much was passed over, by reason.
        problem: code of what keeps it from being read; empty when nothing does.
        problem_details: what the sentence is filled with.
        failing_since, retry_at: since when, and when it is tried again, UTC.
        tries: failed looks since the last good one.
    """

    id: str
    session_id: str = ""
    kind: str
    address: str
    active: bool = True
    added_at: datetime
    read_at: datetime | None = None
    taken: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""
    problem_details: Mapping[str, str] = field(default_factory=dict)
    failing_since: datetime | None = None
    retry_at: datetime | None = None
    tries: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Addition:
    """What came in for a question later, or did not fit into its text.

    Attributes:
        question_id: the question.
        whole: whether it is the whole text of a question that was too long, and not a reply.
        text: cleaned.
        at: when it was written, UTC.
        author: something that tells two authors apart; empty: unknown.
    """

    question_id: str
    whole: bool
    text: str
    at: datetime
    author: str = ""


def add_source(db: Database, source: SourceRow) -> SourceRow:
    """Listen to one more source.

    Raises:
        NotFound: there is no such session.
        Conflict: the session listens to it already.
    """
    if source.session_id and fetch_one(db, "select 1 from sessions where id = ?", source.session_id) is None:
        raise NotFound(f"session {source.session_id}: there is no such session")
    sql = "select 1 from sources where session_id = ? and kind = ? and address = ?"
    if fetch_one(db, sql, source.session_id, source.kind, source.address):
        message = f"source {source.address}: is listened to already"
        raise WrongState(message, hint="switch it on if it is off", code=Refusal.SOURCE_THERE)
    insert(db, "sources", _row(source))
    return source


def save_source(db: Database, source: SourceRow) -> None:
    """Keep how reading a source goes; one that was removed meanwhile stays removed."""
    row = _row(source)
    names = [name for name in row if name not in {"id", "session_id", "kind", "address", "added_at", "active"}]
    sql = f"update sources set {', '.join(f'{name} = ?' for name in names)} where id = ?"  # noqa: S608  our own names
    change(db, sql, *(row[name] for name in names), source.id)


def load_source(db: Database, source_id: str) -> SourceRow:
    """The source of that id.

    Raises:
        NotFound: there is none.
    """
    row = fetch_one(db, "select * from sources where id = ?", source_id)
    if row is None:
        raise NotFound(f"source {source_id}: there is no such source")
    return _source(row)


def list_sources(db: Database, session_id: str | None = None) -> list[SourceRow]:
    """Sources of a session in the order in which they were added; or all, those of the hub among them."""
    sql = "select * from sources where ?1 is null or session_id = ?1 order by added_at, id"
    return [_source(row) for row in fetch_all(db, sql, session_id)]


def list_read_addresses(path: Path, kind: str) -> list[str]:
    """What sessions that take questions listen to, of one kind, whether the hub runs or not."""
    if not path.is_file():
        return []
    sql = (
        "select distinct address from sources join sessions on sessions.id = session_id "
        "where active and kind = ? and sessions.state in (select value from json_each(?)) order by address"
    )
    connection = connect(path, read_only=True)
    try:
        return [str(row[0]) for row in connection.execute(sql, (kind, json_list(ACCEPTS_QUESTIONS)))]
    except sqlite3.Error:  # a database that no hub of this version has opened yet
        return []
    finally:
        connection.close()


def find_hub_source(db: Database, kind: str) -> SourceRow | None:
    """The hub's own source of a kind; None while there is none."""
    row = fetch_one(db, "select * from sources where session_id is null and kind = ?", kind)
    return _source(row) if row else None


def switch_source(db: Database, source_id: str, active: bool) -> SourceRow:
    """Read a source from now on, or leave it alone; forgets what kept it from being read.

    Raises:
        NotFound: there is none.
    """
    load_source(db, source_id)
    sql = (
        "update sources set active = ?, problem = '', problem_details = '{}', failing_since = null, retry_at = null, "
        "tries = 0 where id = ?"
    )
    change(db, sql, int(active), source_id)
    return load_source(db, source_id)


def remove_source(db: Database, source_id: str) -> None:
    """Listen to it no more; its questions stay. Removing it twice changes nothing."""
    change(db, "delete from sources where id = ?", source_id)


def find_question_of(db: Database, source: str, refs: Iterable[str]) -> str:
    """The question that one of these contributions became or was added to; empty when there is none."""
    for ref in refs:
        row = fetch_one(
            db,
            "select question_id from contributions where source = ?1 and ref = ?2 "
            "union all select question_id from additions where source = ?1 and ref = ?2",
            source,
            ref,
        )
        if row is not None:
            return str(row["question_id"])
    return ""


def add_addition(db: Database, source: str, ref: str, addition: Addition) -> None:
    """Keep what belongs to a question beside its text."""
    row = {
        "source": source,
        "ref": ref,
        "question_id": addition.question_id,
        "whole": int(addition.whole),
        "text": addition.text,
        "at": format_instant(addition.at),
        "author": addition.author,
    }
    insert(db, "additions", row)


def count_replies(db: Database, question_id: str, author: str, *, since: datetime) -> tuple[int, int]:
    """How many replies a question has in all, and how many of one author since an instant."""
    row = fetch_one(
        db,
        "select count(*) as n, sum(author = ? and at >= ?) as own from additions where question_id = ? and whole = 0",
        author,
        format_instant(since),
        question_id,
    )
    return (int(row["n"]), int(row["own"] or 0)) if row else (0, 0)


def count_recent_replies(db: Database, source: str, session_id: str, *, since: datetime) -> int:
    """How many replies to a session's questions came from a kind of source since an instant."""
    row = fetch_one(
        db,
        "select count(*) as n from additions join questions on questions.id = question_id "
        "where session_id = ? and additions.source = ? and whole = 0 and at >= ?",
        session_id,
        source,
        format_instant(since),
    )
    return int(row["n"]) if row else 0


def list_additions(db: Database, session_id: str) -> list[Addition]:
    """What was added to the questions of a session, oldest first."""
    rows = fetch_all(
        db,
        "select question_id, whole, additions.text as text, at from additions "
        "join questions on questions.id = question_id where session_id = ? order by at, ref",
        session_id,
    )
    return [Addition(**{**row, "whole": bool(row["whole"]), "at": parse_instant(row["at"])}) for row in rows]


def keep_waiting(db: Database, contribution: Contribution, *, at: datetime) -> bool:
    """Keep a contribution until there is a session for it; says False when too many wait already."""
    if fetch_one(db, "select count(*) as n from waiting_contributions") == {"n": MAX_WAITING}:
        return False
    row = {
        "source": contribution.source,
        "ref": contribution.ref,
        "contribution": json.dumps({**asdict(contribution), "at": format_instant(contribution.at)}),
        "at": format_instant(at),
    }
    if not is_waiting(db, contribution.source, contribution.ref):
        insert(db, "waiting_contributions", row)
    return True


def is_waiting(db: Database, source: str, ref: str) -> bool:
    """Whether a contribution waits for a session."""
    sql = "select 1 as yes from waiting_contributions where source = ? and ref = ?"
    return fetch_one(db, sql, source, ref) is not None


def list_waiting(db: Database, source: str) -> list[Contribution]:
    """The contributions of a source that wait for a session, in the order in which they came."""
    sql = "select contribution from waiting_contributions where source = ? order by at, ref"
    return [_contribution(json.loads(row["contribution"])) for row in fetch_all(db, sql, source)]


def stop_waiting(db: Database, source: str, ref: str) -> None:
    """A contribution found its session, or is not wanted any more."""
    change(db, "delete from waiting_contributions where source = ? and ref = ?", source, ref)


def forget_waiting(db: Database, *, before: datetime) -> int:
    """Delete what found no session since an instant; returns how many."""
    return change(db, "delete from waiting_contributions where at < ?", format_instant(before))


def list_standing(
    db: Database, source: str, session_id: str, *, states: Iterable[str], limit: int
) -> Mapping[str, str]:
    """Question ids by the refs of the newest contributions that are not known to be gone, in some states."""
    rows = fetch_all(
        db,
        "select contributions.ref as ref, contributions.question_id as question_id from contributions "
        "join questions on questions.id = contributions.question_id "
        "left join gone_contributions on gone_contributions.source = contributions.source "
        "and gone_contributions.ref = contributions.ref "
        "where contributions.source = ? and contributions.session_id = ? and gone_contributions.ref is null "
        "and questions.state in (select value from json_each(?)) order by contributions.at desc limit ?",
        source,
        session_id,
        json_list(states),
        limit,
    )
    return {row["ref"]: row["question_id"] for row in rows}


def note_gone(db: Database, source: str, ref: str, question_id: str, *, at: datetime) -> None:
    """Note that what became a question was taken back where it was written; the question stays until a host decides."""
    row = {"source": source, "ref": ref, "question_id": question_id, "at": format_instant(at)}
    if not fetch_one(db, "select 1 from gone_contributions where source = ? and ref = ?", source, ref):
        insert(db, "gone_contributions", row)


def list_gone(db: Database, session_id: str) -> frozenset[str]:
    """Ids of a session's questions that were taken back where they were written."""
    sql = "select question_id from gone_contributions join questions on questions.id = question_id where session_id = ?"
    return frozenset(str(row["question_id"]) for row in fetch_all(db, sql, session_id))


def count_recent(db: Database, source: str, session_id: str, *, since: datetime) -> int:
    """How many questions of a session came from a kind of source since an instant."""
    sql = "select count(*) as n from questions where session_id = ? and source = ? and asked_at >= ?"
    row = fetch_one(db, sql, session_id, source, format_instant(since))
    return int(row["n"]) if row else 0


def _row(source: SourceRow) -> Row:
    return {
        "id": source.id,
        "session_id": source.session_id or None,
        "kind": source.kind,
        "address": source.address,
        "active": int(source.active),
        "added_at": format_instant(source.added_at),
        "read_at": text_or_none(source.read_at),
        "taken": source.taken,
        "skipped": json.dumps(dict(source.skipped)),
        "problem": source.problem,
        "problem_details": json.dumps(dict(source.problem_details), ensure_ascii=False),
        "failing_since": text_or_none(source.failing_since),
        "retry_at": text_or_none(source.retry_at),
        "tries": source.tries,
    }


def _source(row: Row) -> SourceRow:
    return SourceRow(
        id=row["id"],
        session_id=row["session_id"] or "",
        kind=row["kind"],
        address=row["address"],
        active=bool(row["active"]),
        added_at=parse_instant(row["added_at"]),
        read_at=instant_or_none(row["read_at"]),
        taken=row["taken"],
        skipped={str(Skip(name)): count for name, count in json.loads(row["skipped"]).items()},
        problem=row["problem"],
        problem_details=json.loads(row["problem_details"]),
        failing_since=instant_or_none(row["failing_since"]),
        retry_at=instant_or_none(row["retry_at"]),
        tries=row["tries"],
    )


def _contribution(values: Row) -> Contribution:
    return Contribution(
        **{
            **values,
            "at": parse_instant(values["at"]),
            "standing": Standing(values["standing"]),
            "reply_to": tuple(values["reply_to"]),
        }
    )
