"""The keeper that fetches recordings from platforms, where an operator chose so: what it brings lands in the inbox.

Owns the question what is to be fetched now: the video of an ended session that has no recording, once its platform
calls it ready, and never while an earlier refusal says to keep still. One at a time. From the inbox on everything goes
the way of a file that a host drops there. Refuses to know brands: fetchers and shelves are roles.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from streamhub.errors import PlatformError, StreamhubError, Unavailable
from streamhub.live.problem import Problem, ProblemCode, problem_of
from streamhub.live.video import VideoShelf, VideoState
from streamhub.recording.fetcher import Fetcher
from streamhub.recording.matching import Slot, holds_id
from streamhub.store.broadcasts import BroadcastRow, list_broadcasts
from streamhub.store.store import Store
from streamhub.timecode import Now

LOG = logging.getLogger(__name__)

FIRST_LOOK = timedelta(minutes=10)
NEXT_LOOK = timedelta(minutes=15)
NO_HOPE = timedelta(hours=24)
_REFUSALS = frozenset({ProblemCode.PULL_COOKIES, ProblemCode.PULL_RUNTIME, ProblemCode.PULL_BLOCKED})


@dataclass(frozen=True, kw_only=True, slots=True)
class PullerParts:
    """What the keeper works with.

    Attributes:
        store: the hub's data.
        fetchers: by the platform's name; those that an operator switched on.
        shelf_of: the shelf of a platform; None while nobody is signed in.
        load_slots: the videos that sessions have or lack.
        folder: the inbox.
        now: the clock.
    """

    store: Store
    fetchers: Mapping[str, Fetcher]
    shelf_of: Callable[[str], VideoShelf | None]
    load_slots: Callable[[], Awaitable[Sequence[Slot]]]
    folder: Path
    now: Now


class Puller:
    """Fetches what is missing."""

    def __init__(self, parts: PullerParts) -> None:
        self._parts = parts
        self._next: dict[str, datetime] = {}
        self._failures: dict[str, int] = {}
        self._paused_until: dict[str, datetime] = {}
        self._problems: dict[str, Problem] = {}
        self._progress: dict[str, float] = {}

    def problem(self, session_id: str) -> Problem | None:
        """Why a session's recording could not be fetched; None when nothing stands in the way."""
        return self._problems.get(session_id)

    def progress(self, session_id: str) -> float | None:
        """How much of a session's recording is fetched, 0 to 1; None while it is not being fetched."""
        return self._progress.get(session_id)

    async def watch(self, pause_s: float = 60.0) -> None:
        """Look again and again; ends by being cancelled, and a download that runs then goes on after the next start."""
        while True:
            try:
                await self.look()
            except Exception:  # a job's boundary
                LOG.exception("pull_failed")
            await asyncio.sleep(pause_s)

    async def look(self) -> None:
        """Fetch what is missing and due, one after the other."""
        rows = await self._parts.store.read(list_broadcasts)
        slots = await self._parts.load_slots()
        lacking = {ident: slot for slot in slots if slot.waits for ident in slot.ids}
        for row in rows:
            slot = lacking.get(row.ref)
            if slot is not None and slot.ended_at is not None and self._is_due(row, slot.ended_at):
                await self._try(row, slot)

    def _is_due(self, row: BroadcastRow, ended_at: datetime) -> bool:
        now = self._parts.now()
        if row.platform not in self._parts.fetchers or now < self._paused_until.get(row.platform, now):
            return False
        return now >= self._next.get(row.ref, ended_at + FIRST_LOOK)

    async def _try(self, row: BroadcastRow, slot: Slot) -> None:
        """One try; whatever comes of it, the next one is not before its time."""
        self._next[row.ref] = self._parts.now() + NEXT_LOOK
        try:
            await self._fetch(row, slot)
        except PlatformError as error:
            problem = problem_of(error)
            self._problems[row.session_id] = problem
            self._next[row.ref] = max(self._next[row.ref], error.retry_at or self._next[row.ref])
            if problem.code in _REFUSALS and error.retry_at is not None:
                self._paused_until[row.platform] = error.retry_at
            LOG.warning("pull_refused session=%s retry_at=%s %s", row.session_id, error.retry_at, error)
        except StreamhubError as error:
            if not isinstance(error, Unavailable):  # nobody knows why: asking on as often would endanger the account
                failures = self._failures[row.ref] = self._failures.get(row.ref, -1) + 1
                self._next[row.ref] = self._parts.now() + min(NO_HOPE, NEXT_LOOK * 2 ** min(failures, 10))
            LOG.warning("pull_failed session=%s next=%s %s", row.session_id, self._next[row.ref], error)
        else:
            self._failures.pop(row.ref, None)
        finally:
            self._progress.pop(row.session_id, None)

    async def _fetch(self, row: BroadcastRow, slot: Slot) -> None:
        if await asyncio.to_thread(self._is_there, row.ref):
            return  # the inbox is at it, or waits for a person
        shelf = self._parts.shelf_of(row.platform)
        if shelf is None:
            return
        video = await shelf.look(row.ref)
        if video.state is VideoState.READY:
            path = await self._parts.fetchers[row.platform].fetch(
                video.watch_url,
                self._parts.folder,
                expected_ms=slot.expected_ms or 0,
                progress=lambda share: self._progress.__setitem__(row.session_id, share),
            )
            self._problems.pop(row.session_id, None)
            LOG.info("pulled session=%s part=%d file=%s", row.session_id, row.part, path.name)
        elif video.state is not VideoState.PROCESSING:
            self._next[row.ref] = self._parts.now() + NO_HOPE

    def _is_there(self, ref: str) -> bool:
        folder = self._parts.folder
        return folder.is_dir() and any(holds_id(path.stem, ref) for path in folder.iterdir() if path.is_file())
