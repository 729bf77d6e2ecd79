"""Segments and recordings as rows.

Owns the tables ``segments`` and ``recordings``; the files themselves are the recording stage's. Paths are relative to
the media folder, so that a workspace may move. A clock map is kept as JSON: a list of
``[session start, session end, media start, media end]`` in milliseconds.
"""

from __future__ import annotations

import dataclasses
import json

from sqlite_utils import Database

from streamhub.errors import Conflict, NotFound
from streamhub.recording.recording import ClockMap, ClockPiece, MediaInfo, Recording, Segment, SegmentState
from streamhub.store.rows import Row, change, fetch_all, fetch_one, insert, upsert
from streamhub.timecode import Span, format_instant, parse_instant


def insert_segment(db: Database, segment: Segment) -> None:
    """Keep a fresh segment.

    Raises:
        NotFound: there is no such session.
        Conflict: the session has a segment of this number.
    """
    _require_session(db, segment.session_id)
    name = (segment.session_id, segment.number)
    if fetch_one(db, "select 1 from segments where session_id = ? and number = ?", *name):
        raise Conflict(f"session {segment.session_id}: has a segment {segment.number} already")
    insert(db, "segments", _segment_row(segment))


def update_segment(db: Database, segment: Segment) -> None:
    """Replace what is known of a segment.

    Raises:
        NotFound: the session has no segment of this number.
    """
    found = change(
        db,
        "update segments set path = ?, started_at = ?, duration_ms = ?, size_bytes = ?, state = ? "
        "where session_id = ? and number = ?",
        segment.path,
        format_instant(segment.started_at),
        segment.duration_ms,
        segment.size_bytes,
        segment.state.value,
        segment.session_id,
        segment.number,
    )
    if not found:
        raise NotFound(f"session {segment.session_id}: has no segment {segment.number}")


def list_segments(db: Database, session_id: str) -> list[Segment]:
    """Segments of a session by number."""
    rows = fetch_all(db, "select * from segments where session_id = ? order by number", session_id)
    return [_segment(row) for row in rows]


def save_recording(db: Database, recording: Recording) -> None:
    """Keep a session's recording, in place of an earlier one.

    Raises:
        NotFound: there is no such session.
    """
    _require_session(db, recording.session_id)
    row = {
        "session_id": recording.session_id,
        "path": recording.path,
        "sha256": recording.sha256,
        "info": json.dumps(dataclasses.asdict(recording.info)),
        "clock": render_clock(recording.clock),
        "lost_ms": recording.lost_ms,
        "source": recording.source,
    }
    upsert(db, "recordings", row, key=("session_id",))


def find_recording(db: Database, session_id: str) -> Recording | None:
    """A session's recording, or None while there is none."""
    row = fetch_one(db, "select * from recordings where session_id = ?", session_id)
    if row is None:
        return None
    return Recording(**{**row, "info": MediaInfo(**json.loads(row["info"])), "clock": parse_clock(row["clock"])})


def render_clock(clock: ClockMap) -> str:
    """A clock map as JSON."""
    return json.dumps([[p.session.start_ms, p.session.end_ms, p.media.start_ms, p.media.end_ms] for p in clock.pieces])


def parse_clock(text: str) -> ClockMap:
    """A clock map from the JSON of `render_clock`."""
    return ClockMap(tuple(ClockPiece(Span(a, b), Span(c, d)) for a, b, c, d in json.loads(text)))


def _require_session(db: Database, session_id: str) -> None:
    if fetch_one(db, "select 1 from sessions where id = ?", session_id) is None:
        raise NotFound(f"session {session_id}: there is no such session")


def _segment_row(segment: Segment) -> Row:
    return {
        "session_id": segment.session_id,
        "number": segment.number,
        "path": segment.path,
        "started_at": format_instant(segment.started_at),
        "duration_ms": segment.duration_ms,
        "size_bytes": segment.size_bytes,
        "state": segment.state.value,
    }


def _segment(row: Row) -> Segment:
    return Segment(**{**row, "started_at": parse_instant(row["started_at"]), "state": SegmentState(row["state"])})
