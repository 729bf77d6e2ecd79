"""The rows of this platform's broadcasts: read, changed one step at a time, and made like what was seen.

Owns how a look changes a row. A change is made on the row as it is in its own transaction, so that a look and a step at
the same time lose nothing of each other. Refuses to know how it was looked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from sqlite_utils import Database

from streamhub.errors import Conflict
from streamhub.live.platform import Phase
from streamhub.live.problem import Problem, ProblemCode
from streamhub.live.youtube.failures import NAMES
from streamhub.live.youtube.lifecycle import PLANNED, REVOKED, phase_of
from streamhub.live.youtube.wire import WATCH_URL, Applied, Seen
from streamhub.store.broadcasts import BroadcastRow, delete_broadcast, find_broadcast, list_broadcasts, save_broadcast
from streamhub.store.store import Store
from streamhub.timecode import Now

SLUG = "youtube"
DELETED = "deleted"
"""Our word for the state of a broadcast that is not there any more."""

_STANDING = frozenset({ProblemCode.START_MOVED, ProblemCode.ROLLED_OVER, ProblemCode.LIMIT_NEAR})
"""What stays told though a look finds all well."""
_WORDS: Mapping[str, str] = {
    "title": "title",
    "description": "description",
    "start": "start",
    "end": "planned end",
    "privacy": "visibility",
}


class Records:
    """The rows, by session and part.

    Args:
        store: the hub's data.
        now: the clock.
    """

    def __init__(self, store: Store, *, now: Now) -> None:
        self._store = store
        self._now = now

    async def parts(self, session_id: str) -> list[BroadcastRow]:
        """Every part of a session's broadcast, in order."""
        return await self._store.read(lambda db: list_broadcasts(db, session_id=session_id, platform=SLUG))

    async def last(self, session_id: str) -> BroadcastRow:
        """The last part of a session's broadcast.

        Raises:
            Conflict: there is none yet.
        """
        row = await self._store.read(lambda db: find_broadcast(db, session_id, SLUG))
        if row is None:
            raise Conflict(f"session {session_id}: no broadcast is planned there yet", hint="schedule the session")
        return row

    async def placed(self, session_id: str) -> BroadcastRow:
        """The last part, whose broadcast is known.

        Raises:
            Conflict: there is none yet, or it is only being made.
        """
        row = await self.last(session_id)
        if not row.ref:
            raise Conflict(f"session {session_id}: its broadcast is not made yet", hint="wait a moment")
        return row

    async def change(self, row: BroadcastRow, decide: Callable[[BroadcastRow], BroadcastRow]) -> BroadcastRow:
        """Change a row as it is now; returns it, committed.

        Raises:
            Conflict: it was forgotten in between.
        """

        def write(db: Database) -> BroadcastRow:
            now = find_broadcast(db, row.session_id, SLUG, part=row.part)
            if now is None:
                raise Conflict(f"session {row.session_id}: its broadcast was cancelled", hint="schedule it again")
            return save_broadcast(db, decide(now))

        return await self._store.write(write)

    async def intend(self, row: BroadcastRow, effect: str) -> BroadcastRow:
        """Note an effect before it is begun."""
        at = self._now()
        return await self.change(row, lambda now: replace(now, pending=effect, pending_at=at))

    async def clear(self, row: BroadcastRow) -> BroadcastRow:
        """Note that the effect is done, or certainly not."""
        return await self.change(row, lambda now: replace(now, pending="", pending_at=None))

    async def see(self, row: BroadcastRow, seen: Seen | None, *, stream_word: str | None = None) -> BroadcastRow:
        """Make a row like what was seen.

        Args:
            row: which.
            seen: what the list shows; None: it is gone there.
            stream_word: the stream's state, where it was looked at.
        """
        at = self._now()

        def decide(now: BroadcastRow) -> BroadcastRow:
            if now.ref != row.ref:
                return now  # made again meanwhile: what was seen is no longer it
            return with_seen(now, seen, at=at, stream_word=stream_word) if seen else without_it(now, at=at)

        return await self.change(row, decide)

    async def reread(self, row: BroadcastRow) -> BroadcastRow:
        """A row as it is now.

        Raises:
            Conflict: it was forgotten in between.
        """
        return await self.change(row, lambda now: now)

    async def forget(self, row: BroadcastRow) -> None:
        """Drop the row of a broadcast that is gone."""
        await self._store.write(lambda db: delete_broadcast(db, row.session_id, SLUG, row.part))


def with_seen(row: BroadcastRow, seen: Seen, *, at: datetime, stream_word: str | None = None) -> BroadcastRow:
    """The row of a broadcast after a look at it."""
    applied = Applied.decode(row.applied)
    # Before it is on air, what the list shows counts, unless it may lag behind what we have just bound.
    ours = seen.state not in PLANNED or row.pending == "bind" or applied.is_fresh(at)
    phase = phase_of(seen.state, receiving=stream_word == "active")
    if stream_word is None and row.phase is Phase.WAITING and phase is Phase.SCHEDULED:
        phase = Phase.WAITING
    word = f"{seen.state}, stream {stream_word}" if stream_word else seen.state
    return replace(
        row,
        ref=seen.ref,
        stream_ref=(row.stream_ref or seen.stream_ref) if ours else seen.stream_ref,
        pending="" if row.pending == "bind" and seen.state not in PLANNED else row.pending,
        chat_ref=seen.chat_ref or row.chat_ref,
        watch_url=f"{WATCH_URL}{seen.ref}",
        phase=phase,
        native_state=word,
        # Of one broadcast the first word counts: the hub's clock may be set in between.
        started_at=(row.started_at if row.ref in ("", seen.ref) else None) or seen.actual_start,
        ended_at=(row.ended_at if row.ref in ("", seen.ref) else None) or seen.actual_end,
        seen_at=at,
        problem=_find_problem(row, seen, at=at),
        tries=0,
    )


def without_it(row: BroadcastRow, *, at: datetime) -> BroadcastRow:
    """The row of a broadcast that is gone there; one that was over stays over."""
    phase = Phase.ENDED if row.phase is Phase.ENDED else Phase.LOST
    problem = Problem(code=ProblemCode.BROADCAST_GONE, details=NAMES)
    return replace(row, phase=phase, native_state=DELETED, pending="", pending_at=None, seen_at=at, problem=problem)


def find_changes(row: BroadcastRow, seen: Seen, *, at: datetime) -> tuple[str, ...]:
    """The fields that somebody changed on YouTube since we wrote there, in words; only while it is still planned.

    Afterwards the description is the video's, and times are what they are.
    """
    applied = Applied.decode(row.applied)
    if seen.state not in PLANNED or applied.is_fresh(at):
        return ()
    there = applied.there
    return tuple(word for name, word in _WORDS.items() if name in there and there[name] != seen.fields[name])


def _find_problem(row: BroadcastRow, seen: Seen, *, at: datetime) -> Problem | None:
    if seen.state == REVOKED:
        return Problem(code=ProblemCode.REVOKED, details=NAMES)
    changes = find_changes(row, seen, at=at) if not row.pending else ()
    if changes:
        return Problem(code=ProblemCode.CHANGED_THERE, details={**NAMES, "fields": ", ".join(changes)})
    standing = row.problem is not None and row.problem.code in _STANDING and seen.state != "complete"
    return row.problem if standing else None
