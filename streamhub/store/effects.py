"""What was put beside a video on a platform: captions, description, thumbnail, playlist.

Owns the tables ``effects`` and ``approvals``. An effect's row says what it was made of (a digest), so that only what
changed is sent again, and that it is under way before it is begun. An approval is a host's word that a session's
description may follow the archive. Refuses to know what the effects are made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from streamhub.live.problem import Problem
from streamhub.store.problems import problem_columns, take_problem
from streamhub.store.rows import Row, change, fetch_all, fetch_one, upsert
from streamhub.timecode import format_instant, parse_instant


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """One thing beside a video.

    Attributes:
        session_id, platform, part: whose video.
        kind: ``captions``, ``description``, ``thumbnail`` or ``playlist``; ``video`` is what is known of the video
            itself, ``recording`` its entry in the archive.
        name: which of its kind, such as the language of captions; may be empty.
        applied: digest of what is there, and what else its keeper wants to know of it; empty: nothing yet.
        ref: the platform's id of it; may be empty.
        pending: digest of what is being put there; empty: nothing under way.
        problem: why it is not as it should be; None when it is.
        tries: failed tries since the last success.
        at: when the row was changed, UTC.
    """

    session_id: str
    platform: str
    part: int = 1
    kind: str
    name: str = ""
    applied: str = ""
    ref: str = ""
    pending: str = ""
    problem: Problem | None = None
    tries: int = 0
    at: datetime


def save_effect(db: Database, effect: Effect) -> Effect:
    """Insert an effect, or replace what is known of it; returns it."""
    values = {
        "session_id": effect.session_id,
        "platform": effect.platform,
        "part": effect.part,
        "kind": effect.kind,
        "name": effect.name,
        "applied": effect.applied,
        "ref": effect.ref,
        "pending": effect.pending,
        **problem_columns(effect.problem),
        "tries": effect.tries,
        "at": format_instant(effect.at),
    }
    upsert(db, "effects", values, key=("session_id", "platform", "part", "kind", "name"))
    return effect


def list_effects(db: Database, session_id: str, platform: str) -> list[Effect]:
    """The effects of a session on a platform, by part, kind and name."""
    rows = fetch_all(
        db,
        "select * from effects where session_id = ? and platform = ? order by part, kind, name",
        session_id,
        platform,
    )
    return [_effect(row) for row in rows]


def find_effect_ref(db: Database, show_id: str, platform: str, kind: str) -> str:
    """The platform's id of what the newest session of a show has of this kind there; empty when none has any."""
    row = fetch_one(
        db,
        "select e.ref from effects e join sessions s on s.id = e.session_id "
        "where s.show_id = ? and e.platform = ? and e.kind = ? and e.ref <> '' order by e.at desc limit 1",
        show_id,
        platform,
        kind,
    )
    return str(row["ref"]) if row else ""


def approve(db: Database, session_id: str, *, at: datetime, author: str) -> None:
    """Let the description of a session's videos follow the archive from now on."""
    values = {"session_id": session_id, "at": format_instant(at), "author": author}
    upsert(db, "approvals", values, key=("session_id",))


def disapprove(db: Database, session_id: str) -> None:
    """Let the description of a session's videos be."""
    change(db, "delete from approvals where session_id = ?", session_id)


def is_approved(db: Database, session_id: str) -> bool:
    """Whether a host has let the description follow the archive."""
    return fetch_one(db, "select 1 as yes from approvals where session_id = ?", session_id) is not None


def _effect(row: Row) -> Effect:
    values = dict(row)
    problem = take_problem(values)
    return Effect(**{**values, "at": parse_instant(row["at"]), "problem": problem})
