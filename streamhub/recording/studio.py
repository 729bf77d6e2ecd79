"""The studio: who may publish into which session, and what becomes of the media meanwhile.

The gatekeeper of every ingest door. Owns one recorder per session, the grace time of an encoder that dropped out, the
watch over the disk and the signal that the host sees. Knows nothing of doors, platforms or pages; what happens is
reported as events.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from streamhub.config import LiveSettings, Secret
from streamhub.errors import Conflict, DiskFull, Forbidden, TooMany
from streamhub.live.ingest import MediaSink, MediaTap, Publisher, TapSource
from streamhub.live.platform import Signal
from streamhub.recording.media import Container
from streamhub.recording.recorder import Recorder, recover_segments
from streamhub.recording.room import RecordingRoom, end_playlist, measure_free_bytes
from streamhub.recording.rules import QUIET_S, TAKES_PUBLISHERS, WrongKeys, container_of, judge_signal
from streamhub.schedule.show import Session, SessionState
from streamhub.store.access import find_session_by_stream_key
from streamhub.store.shows import list_sessions, list_shows, load_session

_LOG = logging.getLogger(__name__)


class Happening(StrEnum):
    """What can happen in the studio."""

    PUBLISHER_ON = "publisher_on"
    PUBLISHER_OFF = "publisher_off"
    GRACE_OVER = "grace_over"
    DISK_LOW = "disk_low"
    RECORDER_FAILED = "recorder_failed"
    WRONG_KEY = "wrong_key"


@dataclass(frozen=True, kw_only=True, slots=True)
class StudioEvent:
    """One happening.

    Attributes:
        kind: what happened.
        session_id: in which session; empty for a wrong key.
        at: the instant, UTC.
        message: one sentence for the host's log; holds no secret.
    """

    kind: Happening
    session_id: str
    at: datetime
    message: str


OnEvent = Callable[[StudioEvent], Awaitable[None]]


@dataclass(slots=True)
class _Desk:
    """One session's place in the studio."""

    lock: asyncio.Lock
    recorder: Recorder | None = None
    grace: asyncio.Task[None] | None = None
    disk_low: bool = False
    closing: bool = False


class _TappedSink:
    """A recorder with a tap beside it: the recorder comes first, and a tap that fails is left out from then on."""

    def __init__(self, recorder: Recorder, taps: TapSource, container: Container) -> None:
        self._recorder = recorder
        self._tap: MediaTap | None = None
        with self._guard():
            self._tap = taps.tap(recorder.session_id, container.value)

    async def write(self, chunk: bytes) -> None:
        """Record the next bytes, then let the tap see them; raises what the recorder raises."""
        await self._recorder.write(chunk)
        if self._tap is not None:
            with self._guard():
                self._tap.offer(chunk)

    async def close(self, *, reason: str) -> None:
        """End the segment; the tap is told first, and not waited for."""
        tap, self._tap = self._tap, None
        if tap is not None:
            with self._guard():
                tap.close()
        await self._recorder.close(reason=reason)

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except Exception:  # the job's boundary: the recording goes on, whatever happens beside it
            _LOG.exception("tap_failed session=%s", self._recorder.session_id)
            self._tap = None


class Studio:
    """Admits publishers and records what they send.

    Args:
        room: the recording room.
        settings: the live section.
        on_event: told what happens; a failing one is logged and changes nothing.
        free_bytes: measures free disk space of a folder.
        disk_watch_s: seconds between two looks at the disk.
        taps: sees the same media beside the recorder, which nothing that happens there can hold up or harm.
    """

    def __init__(
        self,
        room: RecordingRoom,
        settings: LiveSettings,
        *,
        on_event: OnEvent | None = None,
        free_bytes: Callable[[Path], int] = measure_free_bytes,
        disk_watch_s: float = 10.0,
        taps: TapSource | None = None,
    ) -> None:
        self._room = room
        self._settings = settings
        self._on_event = on_event
        self._free_bytes = free_bytes
        self._disk_watch_s = disk_watch_s
        self._taps = taps
        self._desks: dict[str, _Desk] = {}
        self._wrong_keys = WrongKeys()
        self._tasks: set[asyncio.Task[None]] = set()
        self._watch: asyncio.Task[None] | None = None

    async def admit(self, publisher: Publisher) -> MediaSink:
        """Open a recorder for this publisher.

        A publisher that has fallen silent loses its place to the next one with the right key.

        Raises:
            Forbidden: wrong key.
            Conflict: the session has a publisher already, or is not taking any.
            TooMany: too many wrong keys from this address.
            DiskFull: no room to record.
        """
        session_id = await self._check_key(publisher)
        session = await self._room.store.read(lambda db: load_session(db, session_id))
        if session.state not in TAKES_PUBLISHERS:
            raise Conflict(f"session {session_id}: is {session.state}, takes no media", hint="choose another session")
        desk = self._desk(session_id)
        if desk.closing:
            raise Conflict(f"session {session_id}: is just ending", hint="choose another session")
        async with desk.lock:
            await self._make_way(session_id, desk)
            await self.require_disk()
            recorder = Recorder(
                self._room,
                session_id,
                container=container_of(publisher.door),
                hls=self._settings.hls and not desk.disk_low,
                on_end=self._on_end,
            )
            desk.recorder = recorder
        if desk.grace is not None:
            desk.grace.cancel()
            desk.grace = None
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._watch_disk())
        self._tell(
            Happening.PUBLISHER_ON, session_id, f"encoder connected by {publisher.door} from {publisher.address}"
        )
        return recorder if self._taps is None else _TappedSink(recorder, self._taps, container_of(publisher.door))

    async def signal(self, session_id: str) -> Signal:
        """What arrives right now."""
        desk = self._desks.get(session_id)
        meter = desk.recorder.meter if desk and desk.recorder else None
        return judge_signal(meter, at=self._room.now(), disk_low=bool(desk and desk.disk_low))

    async def require_disk(self) -> None:
        """Insist on the free space that going live needs.

        Raises:
            DiskFull: there is less than the settings ask for.
        """
        free_mb = await asyncio.to_thread(self._free_bytes, self._room.media_dir) // 10**6
        if free_mb < self._settings.min_free_mb:
            raise DiskFull(
                f"recording: {free_mb} MB free on the disk, {self._settings.min_free_mb} MB needed",
                hint="free some space, or lower live.min_free_mb",
            )

    def open_sessions(self) -> tuple[str, ...]:
        """Sessions that have a publisher now."""
        return tuple(session_id for session_id, desk in self._desks.items() if desk.recorder is not None)

    def hls_folder(self, session_id: str) -> Path | None:
        """Folder of a session's HLS, or None while there is none to watch."""
        folder = self._room.hls_dir(session_id)
        return folder if (folder / "index.m3u8").is_file() else None

    async def close_session(self, session_id: str) -> None:
        """Stop taking media for a session; returns when every segment is on the disk and in the data."""
        desk = self._desk(session_id)
        desk.closing = True
        try:
            async with desk.lock:
                if desk.grace is not None:
                    desk.grace.cancel()
                if desk.recorder is not None:
                    await desk.recorder.close(reason="the session ended")
                await asyncio.to_thread(end_playlist, self._room.hls_dir(session_id))
        finally:
            self._desks.pop(session_id, None)

    async def resume(self) -> None:
        """After a start: close what a crash left open, and wait for the encoders of live sessions again.

        The encoder of a show that goes straight to its platform never comes here, so nobody waits for it.
        """
        sessions = await self._room.store.read(lambda db: list_sessions(db, states=TAKES_PUBLISHERS))
        direct = {show.id for show in await self._room.store.read(list_shows) if show.direct}
        for session in sessions:
            await recover_segments(self._room, session.id)
            if session.state is SessionState.LIVE and session.show_id not in direct:
                self._begin_grace(session.id, self._desk(session.id))

    async def close(self) -> None:
        """End every recorder tidily, without ending any session."""
        for desk in list(self._desks.values()):
            desk.closing = True
            if desk.recorder is not None:
                await desk.recorder.close(reason="the hub stops")
        tasks = [*self._tasks, *(d.grace for d in self._desks.values() if d.grace)]
        tasks += [self._watch] if self._watch else []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._desks.clear()

    def _desk(self, session_id: str) -> _Desk:
        return self._desks.setdefault(session_id, _Desk(lock=asyncio.Lock()))

    async def _check_key(self, publisher: Publisher) -> str:
        at = self._room.now()
        if self._wrong_keys.is_locked(publisher.address, at):
            raise TooMany(
                f"address {publisher.address}: too many wrong stream keys",
                hint="wait a minute, then copy the key again from the host's page",
                retry_after_s=60,
            )
        key = Secret(publisher.key)
        session_id = await self._room.store.read(lambda db: find_session_by_stream_key(db, key)) if key else None
        if session_id is None:
            self._wrong_keys = self._wrong_keys.noted(publisher.address, at)
            _LOG.warning("stream_key_wrong door=%s address=%s key=%r…", publisher.door, publisher.address, str(key)[:4])
            self._tell(Happening.WRONG_KEY, "", f"wrong stream key by {publisher.door} from {publisher.address}")
            raise Forbidden("stream key: wrong", hint="copy it again from the host's page")
        return session_id

    async def _make_way(self, session_id: str, desk: _Desk) -> None:
        if desk.recorder is None:
            return
        if desk.recorder.quiet_s(self._room.now()) < QUIET_S:
            raise Conflict(f"session {session_id}: has an encoder already", hint="stop the other encoder first")
        await desk.recorder.close(reason="it fell silent and another encoder came")

    async def _on_end(self, recorder: Recorder, reason: str) -> None:
        session_id = recorder.session_id
        desk = self._desks.get(session_id)
        if desk is None or desk.recorder is not recorder:
            return
        desk.recorder = None
        if recorder.error is not None:
            _LOG.error("recorder_failed session=%s error=%s", session_id, recorder.error)
            self._tell(Happening.RECORDER_FAILED, session_id, str(recorder.error))
        self._tell(Happening.PUBLISHER_OFF, session_id, f"encoder gone: {reason}")
        if not desk.closing:
            self._begin_grace(session_id, desk)

    def expect_encoder(self, session: Session) -> None:
        """A session went live: when no encoder ever comes, its planned end and the grace time are the end of it."""
        desk = self._desk(session.id)
        if desk.recorder is None and desk.grace is None:
            desk.grace = asyncio.create_task(self._wait_for_first(session))

    async def _wait_for_first(self, session: Session) -> None:
        planned_end = (session.started_at or session.starts_at) + timedelta(minutes=session.planned_minutes)
        await asyncio.sleep(max(0.0, (planned_end - self._room.now()).total_seconds()) + self._settings.grace_s)
        now = await self._room.store.read(lambda db: load_session(db, session.id))
        if now.state is SessionState.LIVE:
            self._tell(Happening.GRACE_OVER, session.id, "no encoder ever came, and the planned end is long over")

    def _begin_grace(self, session_id: str, desk: _Desk) -> None:
        if desk.grace is not None:
            desk.grace.cancel()
        desk.grace = asyncio.create_task(self._wait_grace(session_id))

    async def _wait_grace(self, session_id: str) -> None:
        """Wait for the encoder; one that left in rehearsal has its whole grace time from going live on."""
        await asyncio.sleep(self._settings.grace_s)
        session = await self._room.store.read(lambda db: load_session(db, session_id))
        if session.state is SessionState.LIVE and session.started_at is not None:
            live_s = (self._room.now() - session.started_at).total_seconds()
            if live_s < self._settings.grace_s:
                await asyncio.sleep(self._settings.grace_s - live_s)
                session = await self._room.store.read(lambda db: load_session(db, session_id))
        if session.state is SessionState.LIVE:
            gone = f"no encoder for {self._settings.grace_s} s"
            self._tell(Happening.GRACE_OVER, session_id, gone)

    async def _watch_disk(self) -> None:
        """While anybody publishes, drop HLS where the disk gets low; the recording itself is never touched."""
        while any(desk.recorder is not None for desk in self._desks.values()):
            await asyncio.sleep(self._disk_watch_s)
            free_mb = await asyncio.to_thread(self._free_bytes, self._room.media_dir) // 10**6
            low = free_mb < self._settings.min_free_mb / 2
            for session_id, desk in list(self._desks.items()):
                if low and desk.recorder is not None and not desk.disk_low:
                    await desk.recorder.drop_hls()
                    _LOG.warning("disk_low session=%s free_mb=%d", session_id, free_mb)
                    self._tell(Happening.DISK_LOW, session_id, f"{free_mb} MB left; local viewing was switched off")
                desk.disk_low = low

    def _tell(self, kind: Happening, session_id: str, message: str) -> None:
        if self._on_event is None:
            return
        event = StudioEvent(kind=kind, session_id=session_id, at=self._room.now(), message=message)
        task = asyncio.create_task(self._deliver(self._on_event, event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, on_event: OnEvent, event: StudioEvent) -> None:
        try:
            await on_event(event)
        except Exception:  # the job's boundary: nobody else would see it
            _LOG.exception("studio_event_failed kind=%s session=%s", event.kind, event.session_id)
