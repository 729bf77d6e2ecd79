"""The engine's notes in the hub's database: what people see, and how often a step was begun.

Owns how notes are written from workflows. A worker on another machine has no hub's database: it writes none and counts
the engine's own dispatches instead. Refuses to know how workflows are run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlite_utils import Database

from streamhub.errors import StreamhubError
from streamhub.store import work
from streamhub.store.store import Store
from streamhub.store.work import Begun
from streamhub.timecode import Now

Note = Callable[[Database, datetime], object]
"""Writes something at an instant."""


class Parked(asyncio.CancelledError):
    """The machinery under a workflow failed, not the workflow: it stops here unrecorded and is taken up again."""


class Ledger:
    """Notes of workflows and steps.

    Args:
        store: the hub's database; None in a worker.
        now: the clock.
    """

    def __init__(self, store: Store | None, now: Now) -> None:
        self._store = store
        self._now = now

    async def note(self, fn: Note) -> None:
        """Write; returns after it is durable. A worker without the hub's database writes nothing.

        Raises:
            Parked: the database refuses, such as when the disk is full.
        """
        if self._store is None:
            return
        try:
            await self._store.write(lambda db: void(fn(db, self._now())))
        except StreamhubError as error:
            raise Parked(str(error)) from error

    async def begin(self, workflow_id: str, step: str, turn: int, dispatches: Callable[[], Awaitable[int]]) -> Begun:
        """Count an attempt before it is made; see `streamhub.store.work.begin_attempt`.

        Raises:
            Parked: the database refuses.
        """
        if self._store is None:
            return Begun(attempts=await dispatches(), message="", done=False, result=None)
        try:
            return await self._store.write(
                lambda db: work.begin_attempt(db, workflow_id, step, turn, at=self._now()),
            )
        except StreamhubError as error:
            raise Parked(str(error)) from error


def void(_: object) -> None:
    """Forget a value: what is written through the store should not be kept as a result."""
