"""YouTube as a live platform: the role's methods, put together from placing and course.

Owns that one session is worked on by one task at a time, what a plan is made of, parts of long sessions, and what is
looked at together. Refuses to know when anything is due: the reconciler does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from weakref import WeakValueDictionary

from sqlite_utils import Database

from streamhub.config import YoutubeSettings
from streamhub.errors import Conflict, PlatformError
from streamhub.live.platform import Broadcast, Capability, Ingest, Phase, Signal
from streamhub.live.problem import Problem, ProblemCode, problem_of
from streamhub.live.quota import Priority
from streamhub.live.youtube.channel import Channel, Sleep
from streamhub.live.youtube.client import CLOCK_TOLERANCE_MINUTES, Api
from streamhub.live.youtube.course import Course, Wanted
from streamhub.live.youtube.failures import NAMES
from streamhub.live.youtube.lifecycle import ON_AIR, PLANNED, REVOKED, Goal
from streamhub.live.youtube.placing import Parts, Placing
from streamhub.live.youtube.records import SLUG, Records
from streamhub.live.youtube.rooms import Rooms
from streamhub.live.youtube.texts import clean_title, compose_description, find_markers
from streamhub.live.youtube.wire import Applied, Plan, Seen
from streamhub.schedule.public import PublicSession
from streamhub.schedule.show import Session
from streamhub.store.broadcasts import BroadcastRow, find_broadcast, list_broadcasts, save_broadcast
from streamhub.store.public import preview_session
from streamhub.store.shows import load_session, load_show
from streamhub.store.store import Store
from streamhub.text import Random, new_id
from streamhub.timecode import Now

Describe = Callable[[PublicSession], str]
"""The text of a broadcast's description: what it is about, and where questions are asked."""

_OVER = frozenset({Phase.ENDED, Phase.LOST})
_STEPS = frozenset({"rehearse", "go_live", "end", "delete"})
"""Effects on a broadcast that is there; making, binding and updating find out by themselves what became of them."""
_RARELY = timedelta(hours=6)


class YouTubePlatform:
    """Viewers watch on YouTube.

    Args:
        api: the client.
        store: the hub's data.
        settings: of this platform.
        describe: gives the description's text.
        now: the clock.
        random: the source of markers.
        sleep: waits; injected so that tests need not.
    """

    slug = SLUG

    def __init__(
        self,
        api: Api,
        store: Store,
        settings: YoutubeSettings,
        *,
        describe: Describe,
        now: Now,
        random: Random,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._store = store
        self._settings = settings
        self._describe = describe
        self._now = now
        self._random = random
        self._channel = Channel(api, now=now, sleep=sleep)
        self._records = Records(store, now=now)
        self._rooms = Rooms(self._channel, store, now=now, random=random)
        self._placing = Placing(
            Parts(
                channel=self._channel, records=self._records, rooms=self._rooms, settings=settings, now=now, sleep=sleep
            )
        )
        self._course = Course(self._channel, self._records, self._placing, sleep=sleep)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def name(self) -> str:
        """As hosts know it."""
        return NAMES["platform"]

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Hosts can rehearse, viewers can chat, and a video stays."""
        return frozenset({Capability.REHEARSAL, Capability.CHAT, Capability.VIDEO})

    async def ensure(self, session: Session) -> Broadcast:
        """Bring about the one broadcast of this session, bound to a stream and like the session.

        An unchanged session costs no call. A broadcast that is lost or over is left as it is.

        Raises:
            PlatformError: it is not, or not yet, as it should be.
        """
        async with self._lock(session.id):
            return (await self._ensure(session)).broadcast

    async def get(self, session_id: str) -> Broadcast:
        """Look at the broadcast and at its stream as they are now.

        Raises:
            Conflict: there is none yet.
            PlatformError: YouTube does not tell.
        """
        row = await self._records.placed(session_id)
        seen = await self._placing.look(row)
        row = await self._records.reread(row)
        if seen is not None and row.stream_ref and row.phase not in _OVER:
            streams = await self._channel.streams([row.stream_ref], priority=Priority.TRANSITION)
            word = streams[row.stream_ref].status if row.stream_ref in streams else "gone"
            row = await self._records.see(row, seen, stream_word=word)
            if word == "gone":
                row = await self._lose_stream(row)
        return row.broadcast

    async def look(
        self, session_ids: Collection[str], *, priority: Priority = Priority.STATISTICS
    ) -> dict[str, Broadcast]:
        """Look at the last parts of many sessions at once, one call for every fifty; those that are there."""
        rows = [row for row in await self._all_rows() if row.ref and row.session_id in session_ids]
        last = {row.session_id: row for row in rows}
        seen = await self._channel.broadcasts([row.ref for row in last.values()], priority=priority)
        there = {row.session_id: row for row in last.values() if row.ref in seen}
        return {of: (await self._records.see(row, seen[row.ref])).broadcast for of, row in there.items()}

    async def ingest(self, session_id: str) -> Ingest:
        """Where to push: the address and secret key of the bound stream, fetched now and kept nowhere.

        A broadcast that lost its stream in Studio is bound again, and so is one whose stream another session keeps
        longer than planned.

        Raises:
            Conflict: there is no broadcast, or no stream to be seen yet.
            PlatformError: YouTube does not tell.
        """
        row = await self._records.placed(session_id)
        for _ in range(2):
            if not row.stream_ref or row.pending == "bind" or await self._is_crowded(row):
                row = await self._bind(session_id)
            if ingest := await self._channel.ingest(row.stream_ref):
                return ingest
            row = await self._lose_stream(row)
        raise Conflict(f"session {session_id}: its stream is not to be seen there yet", hint="wait a moment")

    async def signal(self, session_id: str, *, priority: Priority = Priority.STATISTICS) -> Signal:
        """What arrives there right now; unknown while there is no stream.

        Raises:
            PlatformError: YouTube does not tell.
        """
        row = await self._store.read(lambda db: find_broadcast(db, session_id, SLUG))
        if row is None or not row.stream_ref:
            return Signal(receiving=False, quality="unknown")
        stream = (await self._channel.streams([row.stream_ref], priority=priority)).get(row.stream_ref)
        return stream.signal if stream else Signal(receiving=False, quality="unknown")

    async def rehearse(self, session_id: str, *, wait_signal_s: float = 60.0) -> Broadcast:
        """Show it to hosts only, by the monitor stream, which is switched on for that.

        Raises:
            Conflict: there is no broadcast yet.
            PlatformError: no picture arrives, or YouTube refuses.
        """
        return await self._drive(session_id, Goal.TESTING, wait_signal_s=wait_signal_s)

    async def go_live(self, session_id: str, *, wait_signal_s: float = 60.0) -> Broadcast:
        """Show it to the public; earlier parts end first. Already live is a success.

        Raises:
            Conflict: there is no broadcast yet.
            PlatformError: no picture arrives, it is over, or YouTube refuses.
        """
        return await self._drive(session_id, Goal.LIVE, wait_signal_s=wait_signal_s)

    async def end(self, session_id: str) -> Broadcast:
        """End it for good, every part of it; already ended is a success, and a part that never began is deleted.

        Raises:
            Conflict: it was never live.
            PlatformError: YouTube refuses.
        """
        async with self._lock(session_id):
            session = await self._session(session_id)
            first, *later = await self._records.parts(session_id) or [await self._records.placed(session_id)]
            for row in reversed(later):
                if row.phase not in _OVER and (left := await self._withdraw(row)) is not None:
                    await self._course.drive(left, session, Goal.COMPLETE, wait_signal_s=0)
            if first.phase not in _OVER:
                if not first.ref:
                    raise Conflict(f"session {session_id}: its broadcast was never made", hint="cancel it instead")
                await self._finish(first, session)
            return (await self._records.last(session_id)).broadcast

    async def cancel(self, session_id: str) -> None:
        """Delete what was planned; what was shown to hosts only is ended, what was live stays.

        Raises:
            PlatformError: YouTube refuses.
        """
        async with self._lock(session_id):
            session = await self._session(session_id)
            for row in reversed(await self._records.parts(session_id)):
                left = await self._withdraw(row) if row.phase not in _OVER else None
                if left is not None and left.phase is Phase.TESTING:
                    await self._finish(left, session)

    async def roll_over(self, session: Session) -> Broadcast:
        """Go on in a new broadcast on the same stream: make part n + 1, end part n, take part n + 1 live.

        After a crash anywhere in between, this again, or ensuring and going live, finishes it.

        Raises:
            Conflict: there is no broadcast yet.
            PlatformError: YouTube refuses.
        """
        async with self._lock(session.id):
            row = await self._records.placed(session.id)
            if row.phase in {Phase.LIVE, Phase.ENDED}:
                await self._add_part(row)
            await self._ensure(session)
            return (await self._go_live(session, wait_signal_s=60.0)).broadcast

    async def remake(self, session_id: str) -> Broadcast:
        """Make a broadcast again that was deleted or taken down there, or is over; on a host's word only.

        Raises:
            Conflict: there is none yet, or it is there and can be used.
            PlatformError: YouTube refuses.
        """
        async with self._lock(session_id):
            session = await self._session(session_id)
            row = await self._records.last(session_id)
            if row.phase not in _OVER:
                raise Conflict(f"session {session_id}: its broadcast is {row.phase}", hint="use the one that is there")
            seen = await self._channel.broadcast(row.ref) if row.phase is Phase.LOST else None
            if seen is not None and seen.state != REVOKED:
                return (await self._records.see(row, seen)).broadcast  # it had only not been listed
            if row.started_at is not None:
                await self._add_part(row)
            else:
                await self._blank(row)
            return (await self._ensure(session)).broadcast

    async def check(self) -> list[Problem]:
        """What is wrong with the account, this machine's clock or the channel; never raises a `PlatformError`.

        Listing broadcasts is what a channel without live streaming is refused, days before the first session.
        """
        problems: list[Problem] = []
        try:
            if await self.find_foreign():
                problems.append(Problem(code=ProblemCode.OTHER_HUB, details=NAMES))
        except PlatformError as error:
            problems.append(problem_of(error))
        minutes = self._channel.clock_off_minutes
        if abs(minutes) > CLOCK_TOLERANCE_MINUTES:
            problems.append(Problem(code=ProblemCode.CLOCK_WRONG, details={**NAMES, "minutes": str(minutes)}))
        return problems

    async def find_foreign(self) -> Sequence[Seen]:
        """Broadcasts on this channel that are planned or on air and carry a hub's marker, but not one of ours.

        Raises:
            PlatformError: YouTube does not tell.
        """
        rows = await self._all_rows()
        markers, refs = {row.marker for row in rows}, {row.ref for row in rows}
        return [
            seen
            for seen in await self._channel.standing_broadcasts()
            if seen.state in PLANNED | ON_AIR
            and seen.ref not in refs
            and (found := find_markers(seen.description))
            and not markers & set(found)
        ]

    # One session at a time.

    def _lock(self, session_id: str) -> asyncio.Lock:
        lock = self._locks.get(session_id)
        if lock is None:
            lock = self._locks[session_id] = asyncio.Lock()
        return lock

    async def _ensure(self, session: Session) -> BroadcastRow:
        row = await self._store.write(lambda db: self._begin(db, session))
        if row.pending in _STEPS and row.phase not in _OVER:
            row = await self._take_stock(row)
        shown = await self._store.read(lambda db: preview_session(db, session.id))
        return await self._placing.place(row, session, self._plan(row, shown))

    def _begin(self, db: Database, session: Session) -> BroadcastRow:
        """The intent: a row with a marker, of which nothing is on YouTube yet."""
        row = find_broadcast(db, session.id, SLUG)
        if row is None:
            row = save_broadcast(db, BroadcastRow(session_id=session.id, platform=SLUG, marker=new_id(self._random)))
        return row

    async def _take_stock(self, row: BroadcastRow) -> BroadcastRow:
        """What became of a step whose outcome is unknown and that is not wanted any more.

        A broadcast that was deleted so is made again: announcing a cancelled session again is a host's word.
        """
        if row.pending != "delete":
            await self._placing.look(row)
            return await self._records.clear(row)

        async def is_gone() -> bool | None:
            return await self._channel.broadcast(row.ref) is None or None

        if await self._channel.look_after(is_gone, since=row.pending_at) is None:
            return await self._records.clear(row)
        return await self._blank(row)

    async def _blank(self, row: BroadcastRow) -> BroadcastRow:
        """The row as before anything was made."""
        marker = new_id(self._random)
        blank = BroadcastRow(session_id=row.session_id, platform=SLUG, part=row.part, marker=marker)
        return await self._records.change(row, lambda _: blank)

    def _plan(self, row: BroadcastRow, session: PublicSession) -> Plan:
        return Plan(
            title=clean_title(session.title, fallback=session.id, part=row.part),
            description=compose_description(self._describe(session), row.marker),
            starts_at=session.starts_at,
            ends_at=session.ends_at,
            privacy=session.show.privacy.value,
            made_for_kids=self._settings.made_for_kids,
        )

    async def _drive(self, session_id: str, goal: Goal, *, wait_signal_s: float) -> Broadcast:
        async with self._lock(session_id):
            session = await self._session(session_id)
            if goal is Goal.LIVE:
                return (await self._go_live(session, wait_signal_s=wait_signal_s)).broadcast
            row, wanted = await self._records.placed(session_id), self._still(session)
            driven = await self._course.drive(row, session, goal, wait_signal_s=wait_signal_s, wanted=wanted)
            return driven.broadcast

    async def _go_live(self, session: Session, *, wait_signal_s: float) -> BroadcastRow:
        row = await self._records.placed(session.id)
        for earlier in await self._records.parts(session.id):
            if earlier.part < row.part and earlier.phase not in _OVER:
                await self._course.drive(earlier, session, Goal.COMPLETE, wait_signal_s=0)
        wanted = self._still(session)
        row = await self._course.drive(row, session, Goal.LIVE, wait_signal_s=wait_signal_s, wanted=wanted)
        if row.part == 1 or row.problem is not None:
            return row
        told = Problem(code=ProblemCode.ROLLED_OVER, details={**NAMES, "part": str(row.part)})
        return await self._records.change(row, lambda now: replace(now, problem=told))

    def _still(self, session: Session) -> Wanted:
        """Whether a session is still where it was when it was begun to follow it."""

        async def wanted() -> bool:
            return (await self._session(session.id)).state is session.state

        return wanted

    async def _bind(self, session_id: str) -> BroadcastRow:
        """Bind a planned broadcast that is not bound."""
        async with self._lock(session_id):
            session, row = await self._session(session_id), await self._records.placed(session_id)
            if row.phase not in {Phase.SCHEDULED, Phase.WAITING}:
                raise Conflict(
                    f"session {session_id}: its broadcast is {row.phase}, without a stream", hint="look there"
                )
            bound = row.stream_ref and row.pending != "bind" and not await self._is_crowded(row)
            return row if bound else await self._placing.bind(row, session)

    async def _is_crowded(self, row: BroadcastRow) -> bool:
        """Whether a planned broadcast has to leave its stream to another session.

        An encoder that pushes straight to it has the key already, so that one stays.
        """
        if row.phase not in {Phase.SCHEDULED, Phase.WAITING}:
            return False
        session = await self._session(row.session_id)
        show = await self._store.read(lambda db: load_show(db, session.show_id))
        return not show.direct and await self._rooms.is_taken(row, session)

    async def _lose_stream(self, row: BroadcastRow) -> BroadcastRow:
        """A stream that is not there any more is forgotten, unless it was bound so short ago that lists may lag."""
        if Applied.decode(row.applied).is_fresh(self._now()):
            return row
        await self._rooms.forget(row.stream_ref)
        return await self._records.change(row, lambda now: replace(now, stream_ref=""))

    async def _add_part(self, row: BroadcastRow) -> None:
        """The intent of the next part, on the same stream."""
        marker = new_id(self._random)

        def write(db: Database) -> None:
            if find_broadcast(db, row.session_id, SLUG, part=row.part + 1) is None:
                save_broadcast(
                    db, BroadcastRow(session_id=row.session_id, platform=SLUG, part=row.part + 1, marker=marker)
                )

        await self._store.write(write)

    async def _withdraw(self, row: BroadcastRow) -> BroadcastRow | None:
        """Delete a planned broadcast and forget its row: None; one that is on air or over stays and is returned."""
        if not row.ref:
            found = await self._placing.find(row) if row.pending == "insert" else None
            if found is None:
                await self._records.forget(row)
                return None
            row = await self._records.see(row, found)
        seen = await self._placing.look(row)
        if seen is not None and seen.state not in PLANNED:
            return await self._records.see(row, seen)
        if seen is not None:
            await self._records.intend(row, "delete")
            await self._channel.delete(row.ref)
        await self._records.forget(row)
        return None

    async def _finish(self, row: BroadcastRow, session: Session) -> BroadcastRow:
        """End a broadcast; whether one that was only tested can be ended is not documented, so that is asked rarely."""
        try:
            return await self._course.drive(row, session, Goal.COMPLETE, wait_signal_s=0)
        except PlatformError as error:
            if error.code != ProblemCode.WRONG_STATE:
                raise
            error.retry_at = self._now() + _RARELY
            raise

    async def _session(self, session_id: str) -> Session:
        return await self._store.read(lambda db: load_session(db, session_id))

    async def _all_rows(self) -> list[BroadcastRow]:
        return await self._store.read(lambda db: list_broadcasts(db, platform=SLUG))
