"""The ballot box: votes wait here while those before them are written, and are then written together.

An idle hub writes each vote at once; a busy one writes as many as came during the last write. Nobody hears of success
before his vote is on the disk. Knows nothing of what a vote counts.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from aiohttp import web

from streamhub.errors import StreamhubError, Unavailable
from streamhub.store.ballots import Ballot, Outcome, count_ballots
from streamhub.store.store import Store

LOG = logging.getLogger("streamhub.web")

MAX_TOGETHER = 500
MAX_WAITING = 5_000


class BallotBox:
    """The waiting votes of one hub.

    Args:
        store: where they are counted.
        most: votes for one question that count by themselves from one address; 0: no limit.
    """

    def __init__(self, store: Store, *, most: int) -> None:
        self._store = store
        self._most = most
        self._waiting: list[tuple[Ballot, asyncio.Future[Outcome]]] = []
        self._counting: asyncio.Task[None] | None = None

    async def cast(self, ballot: Ballot) -> Outcome:
        """Have a ballot counted; returns what became of it once that is on the disk.

        Raises:
            Unavailable: too many wait, or the hub is closing.
            DiskFull: there is no room.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise Unavailable(f"{MAX_WAITING} votes are waiting, no more are taken", hint="try again in a few seconds")
        told: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((ballot, told))
        if self._counting is None or self._counting.done():
            self._counting = asyncio.create_task(self._count())
        return await told

    async def _count(self) -> None:
        while self._waiting:
            together, self._waiting = self._waiting[:MAX_TOGETHER], self._waiting[MAX_TOGETHER:]
            write = partial(count_ballots, ballots=[ballot for ballot, _ in together], most=self._most)
            try:
                outcomes = await self._store.write(write)
            except Exception as error:  # a job's boundary: whatever it was, everybody who waits hears of it
                LOG.warning("web.ballots_failed votes=%d error=%r", len(together), error)
                for _, told in together:
                    if not told.done():
                        told.set_exception(_same(error))
            else:
                for (_, told), outcome in zip(together, outcomes, strict=True):
                    if not told.done():
                        told.set_result(outcome)


def _same(error: Exception) -> Exception:
    """An error of its own for everybody, because raising one adds to it."""
    return type(error)(error.message, hint=error.hint) if isinstance(error, StreamhubError) else error


BALLOT_BOX: web.AppKey[BallotBox] = web.AppKey("ballot_box", BallotBox)
