"""The ledger of YouTube's quota: noted before each call, so that a crash never makes a day look cheaper than it was.

Owns what the calls cost and the refusal when a day is used up. Refuses to know how calls are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sqlite_utils import Database

from streamhub.config import YoutubeSettings
from streamhub.errors import PlatformError
from streamhub.live.quota import Budget, Priority
from streamhub.live.youtube.failures import quota_error
from streamhub.store.rows import Row
from streamhub.store.spending import add_spending, is_used_up, list_spending, note_used_up, sum_spending
from streamhub.store.store import Store
from streamhub.timecode import Now

PLATFORM = "youtube"

DEFAULT_COSTS: Mapping[str, int] = MappingProxyType(
    {
        "liveBroadcasts.list": 1,
        "liveBroadcasts.insert": 50,
        "liveBroadcasts.update": 50,
        "liveBroadcasts.bind": 50,
        "liveBroadcasts.transition": 50,
        "liveBroadcasts.delete": 50,
        "liveStreams.list": 1,
        "liveStreams.insert": 50,
        "liveStreams.update": 50,
        "liveStreams.delete": 50,
        "liveChatMessages.list": 5,
        "liveChatMessages.insert": 20,
        "channels.list": 1,
        "videos.list": 1,
        "videos.update": 50,
        "thumbnails.set": 50,
        "captions.list": 50,
        "captions.insert": 400,
        "captions.update": 450,
        "captions.delete": 50,
        "captions.download": 200,
        "playlists.list": 1,
        "playlists.insert": 50,
        "playlistItems.list": 1,
        "playlistItems.insert": 50,
    }
)
"""Units by call. Of ``liveBroadcasts`` and ``liveStreams`` no number is published; those are the usual guess."""


def parse_costs(text: str) -> dict[str, int]:
    """Costs as written in the settings: ``captions.insert=400 videos.list=1``."""
    return {call: int(units) for call, _, units in (entry.partition("=") for entry in text.split())}


def make_budget(settings: YoutubeSettings) -> Budget:
    """What a day may cost by these settings."""
    return Budget(
        units=settings.daily_units,
        reserve=settings.reserve_units,
        costs={**DEFAULT_COSTS, **parse_costs(settings.costs)},
    )


class Ledger:
    """The day's spending, kept in the store.

    Args:
        store: where it is kept.
        budget: what a day may cost.
        now: the clock; the quota's day begins at midnight Pacific.
    """

    def __init__(self, store: Store, budget: Budget, now: Now) -> None:
        self.budget = budget
        self._store = store
        self._now = now

    async def spend(self, call: str, priority: Priority) -> None:
        """Note one call, on the disk, before it is made.

        Our count is a guess for calls of which no cost is published, so it never keeps a broadcast from being started
        or ended: only the platform's own word does.

        Raises:
            PlatformError: QUOTA: today has nothing left for this priority; says when the next day begins.
        """
        day = self.budget.day(self._now())
        units = self.budget.cost(call)

        def note(db: Database) -> bool:
            if priority is Priority.TRANSITION:
                allowed = not is_used_up(db, PLATFORM, day=day)
            else:
                allowed = self.budget.allows(call, sum_spending(db, PLATFORM, day=day), priority)
            if allowed:
                add_spending(db, PLATFORM, day=day, call=call, units=units)
            return allowed

        if not await self._store.write(note):
            raise self.refusal()

    async def used_up(self) -> None:
        """Believe the platform that today's quota is used up, whatever we counted."""
        day = self.budget.day(self._now())
        await self._store.write(lambda db: note_used_up(db, PLATFORM, day=day, units=self.budget.units))

    async def left(self, priority: Priority) -> int:
        """Units that calls of this priority may still spend today."""
        return self.budget.left(await self.used(), priority)

    async def used(self) -> int:
        """Units spent today."""
        day = self.budget.day(self._now())
        return await self._store.read(lambda db: sum_spending(db, PLATFORM, day=day))

    async def spent(self) -> list[Row]:
        """Rows ``call``, ``calls``, ``units`` of today, the dearest first."""
        day = self.budget.day(self._now())
        return await self._store.read(lambda db: list_spending(db, PLATFORM, day=day))

    def refusal(self) -> PlatformError:
        """The error for a day that is used up."""
        return quota_error(self.budget.next_day_at(self._now()))
