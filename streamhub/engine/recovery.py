"""Taking up work that nobody runs: what dead processes left, and what this one has lost.

Owns the look at the engine's table of running work, once a second. A dead process is known by its lock alone, see
`streamhub.engine.locks`. Refuses to know what the work is.

This file uses inner parts of the library (pinned to one minor version), because its public `resume_workflow` forgets
how often work was handed out, and takes work even from a living process that has just claimed it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy

from streamhub.engine.locks import Locks

TICK_S = 1.0
LOST_TICKS = 5
"""Work is lost when it is ours by the database and yet has not run for so many looks in a row."""

_log = logging.getLogger("streamhub.engine")


class Reaper:
    """Looks for work without a runner.

    Args:
        database: the library's system database.
        locks: of all executors.
        executor_id: ours.
        queue: where work goes that was on no queue.
        kinds: those that this process can run.
        running: ids of the work that it runs.
    """

    def __init__(
        self,
        database: Any,
        locks: Locks,
        *,
        executor_id: str,
        queue: str,
        kinds: Collection[str],
        running: Collection[str],
    ) -> None:
        self._database = database
        self._locks = locks
        self._executor_id = executor_id
        self._queue = queue
        self._kinds = kinds
        self._running = running
        self._missed: dict[str, int] = {}

    async def reap(self) -> None:
        """One look: put work without a runner back on its queue."""
        await asyncio.to_thread(self._locks.own, self._executor_id)
        left: dict[str, list[str]] = {}
        for executor_id, workflow_id, kind in await asyncio.to_thread(self._list_pending):
            if executor_id != self._executor_id or (kind in self._kinds and workflow_id not in self._running):
                left.setdefault(executor_id, []).append(workflow_id)
        await self._take_up_lost(left.pop(self._executor_id, []))
        for executor_id, workflow_ids in left.items():
            if await asyncio.to_thread(self._locks.try_take, executor_id):
                try:
                    await self._take_up(executor_id, workflow_ids)
                finally:
                    await asyncio.to_thread(self._locks.release, executor_id)

    async def _take_up_lost(self, workflow_ids: Sequence[str]) -> None:
        self._missed = {workflow_id: self._missed.get(workflow_id, 0) + 1 for workflow_id in workflow_ids}
        ripe = [workflow_id for workflow_id, ticks in self._missed.items() if ticks >= LOST_TICKS]
        if ripe:
            await self._take_up(self._executor_id, ripe)

    async def _take_up(self, executor_id: str, workflow_ids: Sequence[str]) -> None:
        for workflow_id in workflow_ids:  # a row is changed only while it still belongs to that executor
            await asyncio.to_thread(self._database.reenqueue_for_recovery, workflow_id, [executor_id], self._queue)
        _log.info("work_taken_up executor=%s works=%d", executor_id, len(workflow_ids))

    def _list_pending(self) -> list[tuple[str, str, str]]:
        table = self._database.tables.workflow_status
        query = sqlalchemy.select(table.c.executor_id, table.c.workflow_uuid, table.c.name)
        with self._database.engine.begin() as connection:
            rows = connection.execute(query.where(table.c.status == "PENDING")).fetchall()
        return [(str(executor_id), str(workflow_id), str(kind)) for executor_id, workflow_id, kind in rows]
