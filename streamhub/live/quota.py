"""The quota of a platform's programming interface: what a day may cost, and what is given up first.

Owns the day (it begins at midnight of the platform's zone), the order of importance and the sums. Refuses to know
where the spending is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

from streamhub.timecode import require_utc


class Priority(IntEnum):
    """What is paid first; the lower the number, the more important."""

    TRANSITION = 1
    """Planning, going live, ending."""
    CAPTIONS = 2
    """What follows a session: captions, chapters, thumbnail, playlist."""
    CHAT = 3
    STATISTICS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """What a day may cost.

    Attributes:
        units: of a whole day.
        reserve: units that are kept for each more important priority: chat leaves two reserves, statistics three.
        zone: in which the day begins.
        costs: units by call, such as ``liveBroadcasts.insert``.
        default_cost: units of a call that is not named.
    """

    units: int = 10_000
    reserve: int = 300
    zone: str = "America/Los_Angeles"
    costs: Mapping[str, int] = field(default_factory=dict)
    default_cost: int = 1

    def cost(self, call: str) -> int:
        """Units of one call."""
        return self.costs.get(call, self.default_cost)

    def day(self, at: datetime) -> date:
        """The quota's day at an instant."""
        return require_utc(at).astimezone(ZoneInfo(self.zone)).date()

    def next_day_at(self, at: datetime) -> datetime:
        """When the next day of the quota begins, UTC."""
        tomorrow = self.day(at) + timedelta(days=1)
        return require_utc(datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=ZoneInfo(self.zone)))

    def left(self, used: int, priority: Priority) -> int:
        """Units that a call of this priority may still spend today; 0 or more."""
        return max(0, self.units - used - self.reserve * (priority - 1))

    def allows(self, call: str, used: int, priority: Priority) -> bool:
        """Whether a call may be made."""
        return self.cost(call) <= self.left(used, priority)


def plan_interval_s(left_units: int, cost: int, remaining_s: float, *, least_s: float, most_s: float = 300.0) -> float:
    """Seconds between two polls so that what is left lasts for the rest, within bounds.

    Args:
        left_units: what polling may still spend.
        cost: units of one poll.
        remaining_s: how long polling is to last.
        least_s: as often as it may poll at most.
        most_s: slower makes no sense; when even that is too dear, the budget itself says no.
    """
    polls = left_units // cost if cost else 0
    if polls <= 0:
        return most_s
    return min(most_s, max(least_s, remaining_s / polls))
