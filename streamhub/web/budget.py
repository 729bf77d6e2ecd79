"""Budgets per address: how much one place may ask, vote, knock and listen before others would suffer.

An address is what the socket says, or, behind a trusted proxy on this machine, what the proxy says; IPv6 counts by its
/64, which is what one household has. Nothing is written down: the counters live in memory and vanish.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache, partial
from ipaddress import IPv6Address, ip_address

from aiohttp import web
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from streamhub.config import HubSettings
from streamhub.errors import TooMany

ENTRIES_PER_MINUTE = 20
OVERLAYS_PER_MINUTE = 120
STREAMS_PER_ADDRESS = 1000
CHECKS_PER_MINUTE = 90
"""Blocks of the tech check, at most a mebibyte each: three measurements, so that a company's guests may share."""
NEW_VOTERS_PER_MINUTE = 10
SUGGESTIONS_PER_MINUTE = 300
"""Somebody who types asks about once a second, and a company's people share an address."""


class Spending(StrEnum):
    """What an address spends."""

    QUESTION = "question"
    VOTE = "vote"
    NEW_VOTER = "new_voter"
    ENTRY = "entry"
    SUGGESTION = "suggestion"
    OVERLAY = "overlay"
    CHECK = "check"


class Budget:
    """The counters of one hub."""

    def __init__(self, settings: HubSettings) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        per_minute = {
            Spending.QUESTION: settings.questions_per_minute,
            Spending.VOTE: settings.votes_per_minute,
            Spending.NEW_VOTER: NEW_VOTERS_PER_MINUTE,
            Spending.ENTRY: ENTRIES_PER_MINUTE,
            Spending.SUGGESTION: SUGGESTIONS_PER_MINUTE,
            Spending.OVERLAY: OVERLAYS_PER_MINUTE,
            Spending.CHECK: CHECKS_PER_MINUTE,
        }
        self._limits: dict[Spending, RateLimitItem] = {
            what: RateLimitItemPerMinute(times) for what, times in per_minute.items()
        }
        self._trust_proxy = settings.trust_proxy
        self._streams: Counter[str] = Counter()

    async def spend(self, request: web.Request, what: Spending, message: str | Callable[[], str]) -> None:
        """Take one from an address's budget.

        Raises:
            TooMany: nothing is left; carries the message and the seconds to wait.
        """
        if not await self.has_left(request, what):
            stats = await self._limiter.get_window_stats(self._limits[what], what, self.address(request))
            told = message if isinstance(message, str) else message()
            raise TooMany(told, retry_after_s=max(1, min(60, int(stats.reset_time - time.time()) + 1)))

    async def has_left(self, request: web.Request, what: Spending) -> bool:
        """Take one from an address's budget if there is one left; says whether there was."""
        return await self._limiter.hit(self._limits[what], what, self.address(request))

    def open_stream(self, request: web.Request, message: Callable[[], str]) -> Callable[[], None]:
        """Count one open stream of an address; returns what is to be called once when it ends.

        Raises:
            TooMany: the address has too many open already.
        """
        address = self.address(request)
        if self._streams[address] >= STREAMS_PER_ADDRESS:
            raise TooMany(message(), retry_after_s=30)
        self._streams[address] += 1
        return partial(self._close_stream, address)

    def _close_stream(self, address: str) -> None:
        self._streams[address] -= 1
        if not self._streams[address]:
            del self._streams[address]

    def address(self, request: web.Request) -> str:
        """The address that a request counts for."""
        peer = request.transport.get_extra_info("peername") if request.transport else None
        socket_address = str(peer[0]) if isinstance(peer, tuple) else "local"
        return plan_address(socket_address, request.headers.get("X-Forwarded-For", "") if self._trust_proxy else "")


@lru_cache(maxsize=16_384)
def plan_address(peer: str, forwarded_for: str) -> str:
    """The address to count: the last hop that a proxy on this machine names, else the peer; IPv6 by its /64."""
    try:
        address = ip_address(peer)
        if forwarded_for and address.is_loopback:
            address = ip_address(forwarded_for.rpartition(",")[2].strip())
    except ValueError:
        return peer
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(IPv6Address(int(address) >> 64 << 64)) + "/64"
    return str(address)
