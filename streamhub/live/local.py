"""The hub itself as a live platform: the default, the rehearsal room and the fallback.

Owns the mapping of a session's states onto phases. The media comes from the studio, which is known here by its role
only; the session's life is in the store.
"""

from __future__ import annotations

from typing import Protocol

from sqlite_utils import Database

from streamhub.config import Secret
from streamhub.errors import Conflict
from streamhub.live.platform import Broadcast, Capability, Ingest, Phase, Signal
from streamhub.live.rules import phase_of
from streamhub.schedule.show import Session, SessionState
from streamhub.store.access import load_stream_key, save_stream_key
from streamhub.store.shows import load_session, step_session
from streamhub.store.store import Store
from streamhub.text import Random, new_id
from streamhub.timecode import Now

_KEY_LENGTH = 32


class MediaSource(Protocol):
    """What the platform needs of the studio."""

    async def signal(self, session_id: str) -> Signal:
        """What arrives right now."""

    async def require_disk(self) -> None:
        """Insist on the disk space that going live needs."""

    async def close_session(self, session_id: str) -> None:
        """Stop taking media; returns when every segment is on the disk."""


class LocalPlatform:
    """Viewers watch in the hub's own pages.

    Args:
        store: the hub's data.
        source: the studio.
        url: address of the ingest door, without the key.
        now: the clock.
        random: the source of stream keys.
    """

    def __init__(self, store: Store, source: MediaSource, *, url: str, now: Now, random: Random) -> None:
        self._store = store
        self._source = source
        self._url = url
        self._now = now
        self._random = random

    @property
    def name(self) -> str:
        """As hosts know it."""
        return "streamhub"

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Hosts can rehearse; there is no video beside the hub's own recording."""
        return frozenset({Capability.REHEARSAL})

    async def get(self, session_id: str) -> Broadcast:
        """The broadcast as it is now.

        Raises:
            Conflict: the session has no stream key yet.
        """
        await self.ingest(session_id)
        return await self._broadcast(session_id)

    async def rehearse(self, session_id: str) -> Broadcast:
        """Show it to hosts only.

        Raises:
            Conflict: the session cannot rehearse from where it is.
        """
        return await self._step(session_id, SessionState.REHEARSAL)

    async def cancel(self, session_id: str) -> None:
        """Cancel what was planned; what was live stays."""
        session = await self._store.read(lambda db: load_session(db, session_id))
        if phase_of(session.state, receiving=False) in {Phase.SCHEDULED, Phase.TESTING}:
            await self._step(session_id, SessionState.CANCELLED)

    async def ensure(self, session: Session) -> Broadcast:
        """Give the session a stream key where it has none yet.

        Raises:
            Conflict: the session is over; it gets no key any more.
        """
        fresh = Secret(new_id(self._random, length=_KEY_LENGTH))

        def give_key(db: Database) -> None:
            state = load_session(db, session.id).state
            if phase_of(state, receiving=False) is Phase.ENDED:
                raise Conflict(f"session {session.id}: is {state}, takes no stream", hint="choose another session")
            if load_stream_key(db, session.id) is None:
                save_stream_key(db, session.id, fresh)

        await self._store.write(give_key)
        return await self._broadcast(session.id)

    async def ingest(self, session_id: str) -> Ingest:
        """Where to push.

        Raises:
            Conflict: the session has no stream key yet.
        """
        key = await self._store.read(lambda db: load_stream_key(db, session_id))
        if key is None:
            raise Conflict(f"session {session_id}: has no stream key yet", hint="schedule the session first")
        return Ingest(url=self._url, key=key)

    async def signal(self, session_id: str) -> Signal:
        """What arrives right now."""
        return await self._source.signal(session_id)

    async def go_live(self, session_id: str) -> Broadcast:
        """Take the session live; the session clock begins. Already live is a success.

        Raises:
            Conflict: the session cannot go live from where it is.
            DiskFull: there is no room to record.
        """
        session = await self._store.read(lambda db: load_session(db, session_id))
        if session.state is not SessionState.LIVE:
            await self._source.require_disk()
            at = self._now()
            await self._store.write(lambda db: step_session(db, session_id, SessionState.LIVE, at=at))
        return await self._broadcast(session_id)

    async def end(self, session_id: str) -> Broadcast:
        """End the session and wait until all its media is on the disk. Already ended is a success.

        Raises:
            Conflict: the session was never live.
        """
        session = await self._store.read(lambda db: load_session(db, session_id))
        if phase_of(session.state, receiving=False) is not Phase.ENDED:
            at = self._now()
            await self._store.write(lambda db: step_session(db, session_id, SessionState.ENDED, at=at))
        await self._source.close_session(session_id)
        return await self._broadcast(session_id)

    async def _step(self, session_id: str, to: SessionState) -> Broadcast:
        at = self._now()
        await self._store.write(lambda db: step_session(db, session_id, to, at=at))
        return await self._broadcast(session_id)

    async def _broadcast(self, session_id: str) -> Broadcast:
        session = await self._store.read(lambda db: load_session(db, session_id))
        signal = await self._source.signal(session_id)
        return Broadcast(
            ref=session.id,
            session_id=session.id,
            phase=phase_of(session.state, receiving=signal.receiving),
            watch_url=f"/s/{session.id}",
            started_at=session.started_at,
            ended_at=session.ended_at,
        )
