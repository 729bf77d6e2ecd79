"""Broadcasts on platforms as rows: what was planned there, what is under way, and what was seen last.

Owns the tables ``broadcasts`` and ``streams``. A row is written before anything is done on the platform, with a marker
that is written there too, so that whatever crashes in between is found again. Refuses to know which platforms there
are and what their states mean.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlite_utils import Database

from streamhub.live.platform import Broadcast, Phase
from streamhub.live.problem import Problem
from streamhub.store.problems import problem_columns, take_problem
from streamhub.store.rows import Row, change, fetch_all, fetch_one, instant_or_none, text_or_none, upsert


@dataclass(frozen=True, kw_only=True, slots=True)
class BroadcastRow:
    """What the hub knows of one broadcast.

    Attributes:
        session_id, platform, part: whose it is; parts count from 1.
        marker: drawn once, written on the platform, never shown to anybody.
        ref: the platform's id; empty until it is known.
        stream_ref: the platform's id of the ingestion point that it is bound to; empty until it is bound.
        chat_ref: the platform's id of the live chat; empty when there is none.
        watch_url: where viewers watch; empty until it is known.
        phase: as seen last.
        native_state: the platform's word for it, as seen last.
        pending: the effect that was begun and whose outcome is not known yet, such as ``insert``; empty: none.
        pending_at: when it was begun, UTC.
        applied: what was written there last, as the platform's brand encodes it; empty: nothing yet.
        started_at, ended_at: when it was live there, UTC.
        seen_at: when it was looked at last, UTC.
        problem: what keeps it from being as it should be; None when nothing does.
        tries: failed tries since the last success.
    """

    session_id: str
    platform: str
    part: int = 1
    marker: str
    ref: str = ""
    stream_ref: str = ""
    chat_ref: str = ""
    watch_url: str = ""
    phase: Phase = Phase.SCHEDULED
    native_state: str = ""
    pending: str = ""
    pending_at: datetime | None = None
    applied: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    seen_at: datetime | None = None
    problem: Problem | None = None
    tries: int = 0

    @property
    def broadcast(self) -> Broadcast:
        """As the role shows it."""
        return Broadcast(
            ref=self.ref,
            session_id=self.session_id,
            phase=self.phase,
            watch_url=self.watch_url,
            started_at=self.started_at,
            ended_at=self.ended_at,
            part=self.part,
            native_state=self.native_state,
            chat_ref=self.chat_ref,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamRow:
    """An ingestion point of a platform, used again and again; two at once need two rooms.

    Attributes:
        platform: whose it is.
        room: from 1.
        marker: written on the platform in its title.
        ref: the platform's id; empty until it is known.
        pending_at: when making it was begun, UTC; None: it is there.
    """

    platform: str
    room: int
    marker: str
    ref: str = ""
    pending_at: datetime | None = None


def save_broadcast(db: Database, row: BroadcastRow) -> BroadcastRow:
    """Insert a broadcast, or replace what is known of it; returns it."""
    values = {
        "session_id": row.session_id,
        "platform": row.platform,
        "part": row.part,
        "marker": row.marker,
        "ref": row.ref,
        "stream_ref": row.stream_ref,
        "chat_ref": row.chat_ref,
        "watch_url": row.watch_url,
        "phase": row.phase.value,
        "native_state": row.native_state,
        "pending": row.pending,
        "pending_at": text_or_none(row.pending_at),
        "applied": row.applied,
        "started_at": text_or_none(row.started_at),
        "ended_at": text_or_none(row.ended_at),
        "seen_at": text_or_none(row.seen_at),
        **problem_columns(row.problem),
        "tries": row.tries,
    }
    upsert(db, "broadcasts", values, key=("session_id", "platform", "part"))
    return row


def find_broadcast(db: Database, session_id: str, platform: str, *, part: int | None = None) -> BroadcastRow | None:
    """The broadcast of a session on a platform: that part of it, or its last part; None when there is none."""
    row = fetch_one(
        db,
        "select * from broadcasts where session_id = ?1 and platform = ?2 and (?3 is null or part = ?3) "
        "order by part desc limit 1",
        session_id,
        platform,
        part,
    )
    return _broadcast(row) if row else None


def list_broadcasts(db: Database, *, session_id: str | None = None, platform: str | None = None) -> list[BroadcastRow]:
    """Broadcasts in order of session and part; of one session or platform, or all."""
    rows = fetch_all(
        db,
        "select * from broadcasts where (?1 is null or session_id = ?1) and (?2 is null or platform = ?2) "
        "order by session_id, platform, part",
        session_id,
        platform,
    )
    return [_broadcast(row) for row in rows]


def note_problem(db: Database, row: BroadcastRow, problem: Problem | None) -> BroadcastRow:
    """Keep what keeps a broadcast from being as it should be, on the row as it is now; None: all is well."""
    now = find_broadcast(db, row.session_id, row.platform, part=row.part) or row
    return save_broadcast(db, replace(now, problem=problem, tries=0 if problem is None else now.tries + 1))


def delete_broadcast(db: Database, session_id: str, platform: str, part: int) -> None:
    """Forget a broadcast that is gone on its platform."""
    change(
        db,
        "delete from broadcasts where session_id = ? and platform = ? and part = ?",
        session_id,
        platform,
        part,
    )


def save_stream(db: Database, row: StreamRow) -> StreamRow:
    """Insert an ingestion point, or replace what is known of it; returns it."""
    values = {
        "platform": row.platform,
        "room": row.room,
        "marker": row.marker,
        "ref": row.ref,
        "pending_at": text_or_none(row.pending_at),
    }
    upsert(db, "streams", values, key=("platform", "room"))
    return row


def list_streams(db: Database, platform: str) -> list[StreamRow]:
    """Ingestion points of a platform by room."""
    rows = fetch_all(db, "select * from streams where platform = ? order by room", platform)
    return [StreamRow(**{**row, "pending_at": instant_or_none(row["pending_at"])}) for row in rows]


def _broadcast(row: Row) -> BroadcastRow:
    values = dict(row)
    problem = take_problem(values)
    instants = {name: instant_or_none(values[name]) for name in ("pending_at", "started_at", "ended_at", "seen_at")}
    return BroadcastRow(**{**values, **instants, "phase": Phase(row["phase"]), "problem": problem})
