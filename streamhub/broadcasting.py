"""Taking sessions on air and off again: the hub's own broadcast first, platforms follow by themselves.

Owns what happens when a session goes live or ends, whoever says so: a host, a grace time that is over, a watchdog.
Refuses to know which platforms there are.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from sqlite_utils import Database

from streamhub.config import Secret
from streamhub.live.local import LocalPlatform
from streamhub.live.platform import Ingest, Signal
from streamhub.ordering import Source, order_session
from streamhub.recording.studio import Happening, StudioEvent
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store import shows as show_rows
from streamhub.store.access import forget_stream_key, load_stream_key
from streamhub.store.handover import hand_over
from streamhub.store.store import Store
from streamhub.timecode import Now

LOG = logging.getLogger("streamhub.broadcasting")


class SecondDoor(Protocol):
    """A door that listens for each session on a place of its own."""

    async def expect(self, key: str) -> Ingest:
        """Listen for the encoder that has this key."""

    async def forget(self, key: str) -> None:
        """Listen for it no more."""


class Studio(Protocol):
    """Where encoders come in, as far as broadcasting needs it."""

    def hls_folder(self, session_id: str) -> Path | None:
        """Where the hub's own viewers find the stream."""

    def expect_encoder(self, session: Session) -> None:
        """A session went live; end it if no encoder ever comes."""


def _tell_nobody(session_id: str) -> None:
    """There is no other platform."""


async def _hear_nothing(session_id: str) -> Signal | None:
    """Every session is streamed to the hub."""
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class BroadcastingParts:
    """What broadcasting works with.

    Attributes:
        store: the hub's data.
        local: the hub as a platform.
        studio: where encoders come in.
        now: the clock.
        second_door: another door beside the main one; None when there is none.
        shown: makes an address one that a person can type.
        wake: tells the platforms that a session changed.
        remote_signal: what a platform receives of a session that is streamed straight to it; None for others.
    """

    store: Store
    local: LocalPlatform
    studio: Studio
    now: Now
    second_door: SecondDoor | None = None
    shown: Callable[[str], str] = str
    wake: Callable[[str], None] = _tell_nobody
    remote_signal: Callable[[str], Awaitable[Signal | None]] = _hear_nothing


class StudioHandler:
    """Ends a session whose encoder stayed away longer than the grace time; how, depends on what else runs.

    Attributes:
        end: ends a session.
        wake: tells the platforms that an encoder came.
    """

    def __init__(self, end: Callable[[str], Awaitable[None]]) -> None:
        self.end = end
        self.wake: Callable[[str], None] = _tell_nobody

    async def __call__(self, event: StudioEvent) -> None:
        """Log what happened, and end the session when the grace time is over."""
        LOG.info("studio_%s session=%s %s", event.kind, event.session_id, event.message)
        if event.kind is Happening.PUBLISHER_ON:
            self.wake(event.session_id)
        if event.kind is Happening.GRACE_OVER:
            await self.end(event.session_id)


async def end_session(store: Store, session_id: str, *, now: Now) -> None:
    """End a session, forget its stream key, order its pipeline, all or nothing; already ended is a success.

    What is still open then moves to the next session of its show.
    """

    def end(db: Database) -> None:
        session = show_rows.load_session(db, session_id)
        if session.state is SessionState.LIVE:
            at = now()
            show_rows.step_session(db, session_id, SessionState.ENDED, at=at)
            forget_stream_key(db, session_id)
            order_session(db, session_id, Source(), at=at)
            hand_over(db, session_id, at=at)

    await store.write(end)


def _load(db: Database, session_id: str) -> tuple[Session, Show]:
    session = show_rows.load_session(db, session_id)
    return session, show_rows.load_show(db, session.show_id)


class HubBroadcasting:
    """Takes sessions on air and off again, on the hub itself as the platform; others are told and follow."""

    def __init__(self, parts: BroadcastingParts) -> None:
        self._parts = parts

    async def go_live(self, session_id: str) -> None:
        """Show it to the public."""
        await self._ensure(session_id)
        await self._parts.local.go_live(session_id)
        session, show = await self._parts.store.read(lambda db: _load(db, session_id))
        if not show.direct:
            self._parts.studio.expect_encoder(session)
        self._parts.wake(session_id)

    async def end(self, session_id: str) -> None:
        """End it for good and order what follows."""
        key = await self._key(session_id)
        await end_session(self._parts.store, session_id, now=self._parts.now)
        self._parts.wake(session_id)
        await self._parts.local.end(session_id)
        if self._parts.second_door and key:
            await self._parts.second_door.forget(key)

    async def ingest(self, session_id: str) -> Ingest:
        """Where the encoder pushes to; the second door is named beside the first."""
        await self._ensure(session_id)
        main = await self._parts.local.ingest(session_id)
        if self._parts.second_door is None:
            return main
        second = await self._parts.second_door.expect(main.key)
        return replace(main, alternatives=(replace(second, url=self._parts.shown(second.url)),))

    async def signal(self, session_id: str) -> Signal:
        """What arrives right now: here, or at the platform that the session is streamed to directly."""
        there = await self._parts.remote_signal(session_id)
        return there if there is not None else await self._parts.local.signal(session_id)

    def hls_folder(self, session_id: str) -> Path | None:
        """Where the hub's own viewers find the stream."""
        return self._parts.studio.hls_folder(session_id)

    async def expect_again(self) -> None:
        """After a start: listen again for the encoders of open sessions at the second door."""
        if self._parts.second_door is None:
            return
        waiting = {SessionState.OPEN, SessionState.REHEARSAL, SessionState.LIVE}
        for session in await self._parts.store.read(lambda db: show_rows.list_sessions(db, states=waiting)):
            if key := await self._key(session.id):
                await self._parts.second_door.expect(key)

    async def _ensure(self, session_id: str) -> None:
        session = await self._parts.store.read(lambda db: show_rows.load_session(db, session_id))
        await self._parts.local.ensure(session)

    async def _key(self, session_id: str) -> Secret | None:
        return await self._parts.store.read(lambda db: load_stream_key(db, session_id))
