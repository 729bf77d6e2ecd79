"""Sliding windows: how often something happened in the last minute, counted cheaply.

Two counters per key stand for the minute that runs and the one before; the older one counts for the part of it that the
sliding minute still covers, which is exact for even traffic and never off by more than one minute's worth. An answer
takes a microsecond, because every vote of a full house asks. Knows nothing of addresses and requests.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

WINDOW_S = 60.0


class Windows:
    """Counters of many keys, forgotten by themselves.

    Args:
        seconds: a clock that never goes back.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._minute = 0
        self._counts: dict[Hashable, int] = {}
        self._before: dict[Hashable, int] = {}

    def hit(self, key: Hashable, limit: int) -> bool:
        """Count one more for a key, unless ``limit`` of them fell into the last minute already."""
        at_s = self._seconds()
        self._turn(int(at_s // WINDOW_S))
        count = self._counts.get(key, 0)
        if count + 1 + self._before.get(key, 0) * (1.0 - at_s % WINDOW_S / WINDOW_S) > limit:
            return False
        self._counts[key] = count + 1
        return True

    def wait_s(self, key: Hashable, limit: int) -> int:
        """Whole seconds until `hit` would count for this key again; 1 to 60, or 0 when it would now."""
        at_s = self._seconds()
        self._turn(int(at_s // WINDOW_S))
        count, before = self._counts.get(key, 0), self._before.get(key, 0)
        passed_s = at_s % WINDOW_S
        room = limit - count - 1
        if room >= 0 and before:
            wanted_s = (1.0 - room / before) * WINDOW_S
            wait_s = max(0.0, wanted_s - passed_s)
        elif room >= 0:
            wait_s = 0.0
        else:  # only the next minute has room: this one's count fades there
            fade_s = (1.0 - (limit - 1) / count) * WINDOW_S if count else 0.0
            wait_s = WINDOW_S - passed_s + max(0.0, fade_s)
        return min(60, -int(-wait_s // 1)) if wait_s > 0 else 0

    def _turn(self, minute: int) -> None:
        if minute != self._minute:
            self._before = self._counts if minute == self._minute + 1 else {}
            self._counts = {}
            self._minute = minute
