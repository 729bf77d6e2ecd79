"""Taking a file of the inbox: from a settled job to a kept recording and to work that goes on.

Owns the effects, in an order that a crash at any moment leaves whole: the slip first, then the recording, then the
session's work, and the file is put aside last. Refuses to know how files and sessions find each other.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlite_utils import Database

from streamhub.errors import Cancelled, Conflict, StreamhubError
from streamhub.keepers import inbox_folder as disk
from streamhub.keepers.inbox_folder import Entry, Slip
from streamhub.keepers.inbox_plan import Job, make_slip, plan_slots
from streamhub.ordering import SESSION, Source, order_session
from streamhub.recording.matching import Slot
from streamhub.recording.recording import Recording, Segment, SegmentState
from streamhub.recording.room import RecordingRoom
from streamhub.recording.rules import media_ms
from streamhub.recording.workflow import import_media, import_parts
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store import shows as show_rows
from streamhub.store.broadcasts import BroadcastRow, list_broadcasts
from streamhub.store.log import log_action
from streamhub.store.recordings import find_recording, list_segments
from streamhub.store.work import StepState, WorkState, WorkStatus, list_work, put_outbox

LOG = logging.getLogger(__name__)
_STEP = "recording"  # the pipeline's step that is held where nothing was recorded here
_HAPPENED = frozenset(
    {
        SessionState.LIVE,
        SessionState.ENDED,
        SessionState.PROCESSING,
        SessionState.IN_REVIEW,
        SessionState.PUBLISHED,
    }
)

Advance = Callable[[float], None]
"""Told how much is done, 0 to 1."""


class Work(Protocol):
    """What the inbox needs of the engine."""

    async def decide(self, workflow_id: str, step: str, decision: str) -> None:
        """Decide about a held step."""


class Taker:
    """Makes files of the inbox recordings.

    Args:
        folder: the inbox.
        room: the recording room.
        work: the engine.
    """

    def __init__(self, folder: Path, room: RecordingRoom, work: Work) -> None:
        self.folder = folder
        self._room = room
        self._work = work

    async def take(self, job: Job, advance: Advance) -> None:
        """Make the files of a job the recording of their session, let its work go on, and put them aside.

        Raises:
            StreamhubError: it did not work; the files stay where they are.
        """
        await self._claim(job)
        recording = await self._find_taken(job)
        if recording is None:
            recording = await self._import(job, advance)
        await self._go_on(job, recording)
        for ready, _ in job.files:
            await asyncio.to_thread(disk.move_to_done, self.folder, ready.entry)
        details = {"files": len(job.files), "duration_ms": recording.info.duration_ms}
        await self.log("recording.take", job.session_id, job.author, details)
        LOG.info("inbox_taken session=%s files=%d", job.session_id, len(job.files))

    async def _claim(self, job: Job) -> None:
        """Say on each file's slip what is done with it, before it is done."""
        for ready, slot in job.files:
            if not await asyncio.to_thread(disk.is_same, ready.entry):
                raise Conflict(f"{ready.entry.name}: changed while it was looked at", hint="it is looked at again")
            if ready.slip is None or not ready.slip.session_id:
                slip = make_slip(ready.entry, ready.slip, session_id=slot.session_id, part=slot.part)
                await asyncio.to_thread(disk.save_slip, self.folder, slip)

    async def _find_taken(self, job: Job) -> Recording | None:
        """The recording that an earlier try made of these files before it was cut off; None when there is none."""
        if job.replaces:
            return None
        # Read again: what the job was planned with may be a round old.
        recording = await self._room.store.read(lambda db: find_recording(db, job.session_id))
        if recording is None or not await asyncio.to_thread(self._is_whole, recording):
            return None
        total_ms = sum(ready.facts.duration_ms for ready, _ in job.files)
        if recording.source != "import" or abs(media_ms(recording.info) - total_ms) > 1000:
            await asyncio.to_thread(self._drop_slips, job)
            raise Conflict(f"session {job.session_id}: has its recording already", hint="choose to replace it")
        return recording

    def _drop_slips(self, job: Job) -> None:
        for ready, _ in job.files:
            disk.drop_slip(self.folder, ready.entry.name)

    async def _import(self, job: Job, advance: Advance) -> Recording:
        if len(job.files) > 1:
            parts = [(ready.entry.path, slot.started_at) for ready, slot in job.files]
            return await import_parts(self._room, parts, job.session_id, progress=advance)
        ready, slot = job.files[0]
        return await import_media(
            self._room, ready.entry.path, slot.session_id, progress=advance, started_at=slot.started_at
        )

    async def unpack(self, entry: Entry, notes: Mapping[int, tuple[str, ...]], advance: Advance) -> None:
        """Unpack the videos that sessions wait for, each with a slip that says what stood about it.

        Raises:
            StreamhubError: it did not work; the archive stays where it is.
        """
        done_bytes = 0
        stop = threading.Event()

        def count(size_bytes: int) -> None:
            nonlocal done_bytes
            if stop.is_set():
                raise Cancelled(f"{entry.name}: unpacking was stopped")
            done_bytes += size_bytes
            advance(min(1.0, done_bytes / max(1, entry.size_bytes)))

        for number, said in notes.items():
            unpacking = asyncio.ensure_future(
                asyncio.to_thread(disk.unpack_video, self.folder, entry.path, number, advance=count)
            )
            try:
                path = await asyncio.shield(unpacking)
            except asyncio.CancelledError:  # a thread does not end with its task: tell it, and wait until it has
                stop.set()
                await asyncio.gather(unpacking, return_exceptions=True)
                raise
            found = await asyncio.to_thread(path.stat)
            slip = Slip(name=path.name, size_bytes=found.st_size, mtime_ns=found.st_mtime_ns, notes=said)
            await asyncio.to_thread(disk.save_slip, self.folder, slip)
        await asyncio.to_thread(disk.move_to_done, self.folder, entry)
        LOG.info("inbox_unpacked file=%r videos=%d", entry.name, len(notes))

    async def load_slots(self) -> Sequence[Slot]:
        """The videos of every session that was live."""
        found = await self._room.store.read(_load_happened)
        return await asyncio.to_thread(lambda: [slot for one in found for slot in self._slots_of(one)])

    def _slots_of(self, one: _Happened) -> Sequence[Slot]:
        whole = one.recording is not None and self._is_whole(one.recording)
        return plan_slots(one.session, one.show, one.rows, has_recording=whole or one.records_itself)

    def _is_whole(self, recording: Recording) -> bool:
        path = self._room.path_of(recording.path)
        return path.is_file() and path.stat().st_size == recording.info.size_bytes

    # The session's work.

    async def _go_on(self, job: Job, recording: Recording) -> None:
        """Let the session's work use the recording: order it, order it anew, or decide what is held."""
        held: list[str] = []

        def order(db: Database) -> None:
            works = [status for status in list_work(db, about=job.session_id) if status.kind == SESSION]
            if not works:
                order_session(db, job.session_id, Source(), at=self._room.now())
                return
            latest = max(works, key=lambda status: status.created_at)
            if _is_held(latest):
                held.append(latest.workflow_id)
            elif _went_past(latest, replaces=job.replaces):
                key = f"{job.session_id}:{recording.sha256[:16]}"
                put_outbox(db, SESSION, key, [job.session_id, "", "", True], at=self._room.now())

        await self._room.store.write(order)
        for workflow_id in held:
            await self._retry(workflow_id)

    async def release_held(self) -> None:
        """Let go on what is held for want of a recording, where an imported one is there by now."""
        waiting = await self._room.store.read(_load_held)
        for workflow_id, recording in waiting:
            if await asyncio.to_thread(self._is_whole, recording):
                await self._retry(workflow_id)

    async def _retry(self, workflow_id: str) -> None:
        try:
            await self._work.decide(workflow_id, _STEP, "retry")
        except StreamhubError as error:  # decided meanwhile, or the engine is away: the next round looks again
            LOG.info("inbox_retry_refused work=%s %s", workflow_id, error)

    async def log(self, action: str, session_id: str, author: str, details: Mapping[str, object]) -> None:
        """Append to the log of actions."""
        at = self._room.now()
        await self._room.store.write(
            lambda db: log_action(
                db, at=at, author=author, action=action, object_kind="session", object_id=session_id, details=details
            )
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Happened:
    """A session that was live, and what there is of it.

    Attributes:
        session, show: which.
        rows: its broadcasts.
        recording: its recording, if there is a row of one.
        records_itself: whether the hub recorded it and may still make the recording of that.
    """

    session: Session
    show: Show
    rows: tuple[BroadcastRow, ...]
    recording: Recording | None
    records_itself: bool


def _load_happened(db: Database) -> list[_Happened]:
    shows = {show.id: show for show in show_rows.list_shows(db)}
    rows: dict[str, list[BroadcastRow]] = {}
    for row in list_broadcasts(db):
        rows.setdefault(row.session_id, []).append(row)
    held = {status.key.split(":")[0] for status in list_work(db) if status.kind == SESSION and _is_held(status)}
    return [
        _Happened(
            session=session,
            show=shows[session.show_id],
            rows=tuple(rows.get(session.id, ())),
            recording=find_recording(db, session.id),
            records_itself=session.id not in held and any(map(_has_media, list_segments(db, session.id))),
        )
        for session in show_rows.list_sessions(db, states=_HAPPENED)
    ]


def _has_media(segment: Segment) -> bool:
    return segment.duration_ms > 0 or segment.state is SegmentState.OPEN


def _load_held(db: Database) -> list[tuple[str, Recording]]:
    found = []
    for status in list_work(db):
        if status.kind == SESSION and _is_held(status):
            recording = find_recording(db, status.key.split(":")[0])
            if recording is not None and recording.source == "import":
                found.append((status.workflow_id, recording))
    return found


def _is_held(status: WorkStatus) -> bool:
    return any(step.name == _STEP and step.state is StepState.HELD for step in status.steps)


def _went_past(status: WorkStatus, *, replaces: bool) -> bool:
    """Whether a session's work will not look at its recording again by itself."""
    state = next((step.state for step in status.steps if step.name == _STEP), None)
    if state is StepState.SKIPPED or status.state in {WorkState.FAILED, WorkState.CANCELLED}:
        return True
    return state is StepState.DONE and replaces
