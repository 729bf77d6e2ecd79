"""The recorder: one publisher's media into one segment, from its first byte to its last.

Owns the segment's row and its file. Knows nothing of keys, doors or grace times.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from sqlite_utils import Database

from streamhub.errors import BadMedia, Conflict, StreamhubError
from streamhub.recording.media import Container, RecordPlan, RunningRecording
from streamhub.recording.recording import Segment, SegmentState
from streamhub.recording.room import RecordingRoom, drop_hls, prepare_playlist, reopen_playlist
from streamhub.recording.rules import Meter, media_ms
from streamhub.store.recordings import insert_segment, list_segments, update_segment

_LOG = logging.getLogger(__name__)

OnEnd = Callable[["Recorder", str], Awaitable[None]]
"""Told once, after the segment is closed, with the reason of the end."""


class Recorder:
    """The sink of one publisher.

    Nothing is made before the first byte, so a publisher that sends nothing leaves nothing.

    Args:
        room: the recording room.
        session_id: whose media it is.
        container: what the publisher sends.
        hls: whether to write HLS for local viewers too.
        on_end: told after the end.
    """

    def __init__(self, room: RecordingRoom, session_id: str, *, container: Container, hls: bool, on_end: OnEnd) -> None:
        self.session_id = session_id
        self.meter = Meter()
        self.error: StreamhubError | None = None
        self.segment: Segment | None = None
        self._room = room
        self._container = container
        self._hls = hls
        self._on_end = on_end
        self._opened_at = room.now()
        self._running: RunningRecording | None = None
        self._begun = asyncio.Lock()
        self._ending: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the program that writes the segment; None before the first byte."""
        return self._running.pid if self._running else None

    def quiet_s(self, at: datetime) -> float:
        """Seconds without media."""
        if self.meter.last_at is None:
            return (at - self._opened_at).total_seconds()
        return self.meter.quiet_s(at)

    async def write(self, chunk: bytes) -> None:
        """Record the next bytes; waits while the disk is behind.

        Raises:
            Conflict: the recorder was closed by the hub; the publisher should go.
            DiskFull, ToolFailed, TimedOut: it cannot go on; what was written is kept.
        """
        if self._ending is not None:
            raise Conflict(f"session {self.session_id}: takes no more media", hint="stop the encoder")
        at = self._room.now()
        try:
            if self._running is None:
                await self._begin(at)
            self.meter.add(len(chunk), at)
            if self._running is not None:
                await self._running.write(chunk)
        except StreamhubError as error:
            if self._ending is None:
                self.error = error
            raise

    async def close(self, *, reason: str) -> None:
        """End the segment and wait until it is on the disk and in the data; a second call waits for the first."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(reason))
        await asyncio.shield(self._ending)

    async def drop_hls(self) -> None:
        """Stop writing HLS and free its space; the recording goes on."""
        await asyncio.to_thread(drop_hls, self._room.hls_dir(self.session_id))

    async def _begin(self, at: datetime) -> None:
        async with self._begun:
            if self._running is not None or self._ending is not None:
                return
            room = self._room
            folder = room.session_dir(self.session_id)
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
            playlist = None
            if self._hls:
                playlist = await asyncio.to_thread(prepare_playlist, room.hls_dir(self.session_id))
                await asyncio.to_thread(reopen_playlist, playlist.parent)
            self.segment = await room.store.write(lambda db: self._reserve(db, at))
            plan = RecordPlan(container=self._container, segment=room.path_of(self.segment.path), playlist=playlist)
            self._running = await room.tool.record(plan)
            _LOG.info("segment_begun session=%s number=%d", self.session_id, self.segment.number)

    def _reserve(self, db: Database, at: datetime) -> Segment:
        number = max((s.number for s in list_segments(db, self.session_id)), default=0) + 1
        while (path := self._room.session_dir(self.session_id) / f"seg-{number:04d}.mkv").exists():
            number += 1
        segment = Segment(session_id=self.session_id, number=number, path=self._room.relative(path), started_at=at)
        insert_segment(db, segment)
        return segment

    async def _end(self, reason: str) -> None:
        try:
            async with self._begun:  # a beginning that is under way has to come to its end first
                if self.segment is not None:
                    well = await self._running.finish() if self._running is not None else False
                    state = SegmentState.CLOSED if well else SegmentState.RECOVERED
                    self.segment = await seal_segment(self._room, self.segment, state=state)
        finally:
            await self._on_end(self, reason)


async def seal_segment(room: RecordingRoom, segment: Segment, *, state: SegmentState) -> Segment:
    """Close a segment's row with what a packet scan finds; a segment without usable media gets a length of 0."""
    path = room.path_of(segment.path)
    try:
        info = await asyncio.to_thread(room.scanner.scan, path)
        sealed = replace(segment, duration_ms=media_ms(info), size_bytes=info.size_bytes, state=state)
    except BadMedia as error:
        _LOG.warning("segment_unusable session=%s number=%d error=%s", segment.session_id, segment.number, error)
        size_bytes = path.stat().st_size if path.exists() else 0
        sealed = replace(segment, duration_ms=0, size_bytes=size_bytes, state=SegmentState.RECOVERED)
    await room.store.write(lambda db: update_segment(db, sealed))
    _LOG.info(
        "segment_sealed session=%s number=%d state=%s duration_ms=%d",
        sealed.session_id,
        sealed.number,
        sealed.state,
        sealed.duration_ms,
    )
    return sealed


async def recover_segments(room: RecordingRoom, session_id: str) -> None:
    """Close the rows of segments that a crash left open, with what a packet scan finds in their files."""
    segments = await room.store.read(lambda db: list_segments(db, session_id))
    for segment in segments:
        if segment.state is SegmentState.OPEN:
            await seal_segment(room, segment, state=SegmentState.RECOVERED)
