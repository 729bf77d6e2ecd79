"""Rooms: the reusable streams of a channel, so many as there are sessions at once.

Owns which session gets which room, and making a stream exactly once. A stream's marker stands in its title. Two
sessions whose times overlap need two rooms; a session keeps its room as long as nobody else needs it.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from sqlite_utils import Database

from streamhub.errors import PlatformError
from streamhub.live.platform import Phase
from streamhub.live.youtube.channel import Channel, is_uncertain
from streamhub.live.youtube.records import SLUG
from streamhub.live.youtube.texts import find_markers
from streamhub.live.youtube.wire import SeenStream, stream_body
from streamhub.schedule.show import Session, SessionState
from streamhub.store.broadcasts import (
    BroadcastRow,
    StreamRow,
    find_broadcast,
    list_broadcasts,
    list_streams,
    save_broadcast,
    save_stream,
)
from streamhub.store.shows import load_session
from streamhub.store.store import Store
from streamhub.text import Random, new_id
from streamhub.timecode import Now

_MARGIN = timedelta(minutes=15)
_ON_AIR = frozenset({Phase.TESTING, Phase.LIVE})
_ON_STAGE = frozenset({SessionState.REHEARSAL, SessionState.LIVE})
_COMING = frozenset(
    {SessionState.DRAFT, SessionState.SCHEDULED, SessionState.OPEN, SessionState.REHEARSAL, SessionState.LIVE}
    | {SessionState.MOVED}
)


class Rooms:
    """Gives sessions their streams.

    Args:
        channel: the calls.
        store: the hub's data.
        now: the clock.
        random: the source of markers.
    """

    def __init__(self, channel: Channel, store: Store, *, now: Now, random: Random) -> None:
        self._channel = channel
        self._store = store
        self._now = now
        self._random = random
        self._making = asyncio.Lock()

    async def is_taken(self, row: BroadcastRow, session: Session) -> bool:
        """Whether another session needs this broadcast's stream at the same time."""
        at = self._now()
        return await self._store.read(lambda db: row.stream_ref in find_taken(db, session, at=at))

    async def reserve(self, row: BroadcastRow, session: Session) -> BroadcastRow:
        """Give a broadcast a stream and note that it is being bound to it; makes a stream when there is none free.

        Raises:
            PlatformError: a stream is needed and cannot be made.
        """
        while True:
            given = await self._store.write(lambda db: self._give(db, row, session))
            if isinstance(given, BroadcastRow):
                return given
            async with self._making:
                await self._make(given)

    async def forget(self, ref: str) -> None:
        """A stream was deleted there: its room gets a new one when it is needed."""

        def write(db: Database) -> None:
            for stream in list_streams(db, SLUG):
                if stream.ref == ref:
                    save_stream(db, replace(stream, ref="", marker=new_id(self._random), pending_at=None))

        await self._store.write(write)

    def _give(self, db: Database, row: BroadcastRow, session: Session) -> BroadcastRow | StreamRow:
        """In one transaction: the broadcast with its stream, or the room whose stream has to be made first."""
        at = self._now()
        row = find_broadcast(db, row.session_id, SLUG, part=row.part) or row
        taken = find_taken(db, session, at=at)
        streams = list_streams(db, SLUG)
        known = {stream.ref for stream in streams if stream.ref}
        before = [part.stream_ref for part in list_broadcasts(db, session_id=session.id, platform=SLUG)]
        wanted = [ref for ref in (row.stream_ref, *before) if ref in known and ref not in taken]
        free = wanted or [stream.ref for stream in streams if stream.ref and stream.ref not in taken]
        if free:
            return save_broadcast(db, replace(row, stream_ref=free[0], pending="bind", pending_at=at))
        unmade = [stream for stream in streams if not stream.ref]
        room = max((stream.room for stream in streams), default=0) + 1
        return (
            unmade[0] if unmade else save_stream(db, StreamRow(platform=SLUG, room=room, marker=new_id(self._random)))
        )

    async def _make(self, stream: StreamRow) -> None:
        """Make a room's stream exactly once, like a broadcast: look for the marker, write, look again."""
        stream = await self._store.read(lambda db: next(s for s in list_streams(db, SLUG) if s.room == stream.room))
        if stream.ref:
            return  # somebody else has made it meanwhile
        ref = None
        if stream.pending_at is not None:
            ref = await self._channel.look_after(lambda: self._find(stream), since=stream.pending_at)
        if ref is None:
            ref = await self._insert(stream)
        await self._save(replace(stream, ref=ref, pending_at=None))

    async def _insert(self, stream: StreamRow) -> str:
        await self._save(replace(stream, pending_at=self._now()))
        try:
            return await self._channel.insert_stream(stream_body(stream.room, stream.marker))
        except PlatformError as error:
            if not is_uncertain(error):
                await self._save(replace(stream, pending_at=None))
                raise
            ref = await self._channel.look_after(lambda: self._find(stream))
            if ref is None:
                raise
            return ref

    async def _find(self, stream: StreamRow) -> str | None:
        found = [seen for seen in await self._channel.all_streams() if stream.marker in find_markers(seen.title)]
        if not found:
            return None

        def age(seen: SeenStream) -> tuple[datetime, str]:
            return seen.published_at, seen.ref

        keeper, *extra = sorted(found, key=age)
        for seen in extra:  # nothing was ever bound to them: only the one that a row names is
            await self._channel.delete_stream(seen.ref)
        return keeper.ref

    async def _save(self, stream: StreamRow) -> None:
        await self._store.write(lambda db: save_stream(db, stream))


def find_taken(db: Database, session: Session, *, at: datetime) -> set[str]:
    """The streams that other sessions need while this one runs."""
    return {
        row.stream_ref
        for row in list_broadcasts(db, platform=SLUG)
        if row.stream_ref
        and row.session_id != session.id
        and row.phase not in {Phase.ENDED, Phase.LOST}
        and _collides(row, load_session(db, row.session_id), session, at=at)
    }


def _collides(row: BroadcastRow, other: Session, session: Session, *, at: datetime) -> bool:
    """Whether another session needs its stream while this one runs.

    One on air needs it until it has ended, and one that rehearses ahead of its time needs one now.
    """
    if row.phase not in _ON_AIR and other.state not in _COMING:
        return False
    begins, ends = _span(session)
    if session.state in _ON_STAGE:
        begins, ends = min(begins, at), max(ends, at)
    other_begins, other_ends = _span(other)
    if row.phase in _ON_AIR:
        other_begins, other_ends = min(other_begins, at), max(other_ends, at)
    return begins < other_ends + _MARGIN and other_begins < ends + _MARGIN


def _span(session: Session) -> tuple[datetime, datetime]:
    begins = session.started_at or session.starts_at
    return begins, begins + timedelta(minutes=session.planned_minutes)
