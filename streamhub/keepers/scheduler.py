"""The keeper of series: the next dates of a show become draft sessions in time, and drafts follow when rules change.

How a draft is made of a date stands in `streamhub.schedule.drafting`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from streamhub.errors import StreamhubError
from streamhub.keepers.rounds import repeat
from streamhub.schedule.drafting import make_drafts
from streamhub.store import series as series_rows
from streamhub.store.store import Store
from streamhub.timecode import Now

LOG = logging.getLogger("streamhub.keepers.scheduler")
EVERY_S = 60.0


class Scheduler:
    """Makes drafts.

    Args:
        store: the hub's data.
        now: the clock.
    """

    def __init__(self, store: Store, *, now: Now) -> None:
        self._store = store
        self._now = now

    async def keep(self, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Look for ever; what goes wrong with one series is logged and tried again, and stops no other."""
        await repeat(self.sync, name="series", log=LOG, pause_s=EVERY_S, sleep=sleep)

    async def sync(self) -> list[str]:
        """Make what is due; returns the ids of new sessions."""
        made: list[str] = []
        for series in await self._store.read(series_rows.list_series):
            show_id, at = series.show_id, self._now()
            try:
                made += await self._store.write(lambda db, show_id=show_id, at=at: make_drafts(db, show_id, at=at))  # type: ignore[misc]
            except StreamhubError as error:
                LOG.warning("series_failed show=%s error=%s", show_id, error)
        return made
