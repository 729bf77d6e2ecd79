"""What the contract of live platforms needs of each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from streamhub.live.platform import LivePlatform
from streamhub.schedule.show import Session


@dataclass(kw_only=True)
class Case:
    """A platform with one session.

    Attributes:
        platform: the one that is tested.
        session: open for questions, an hour ahead.
        plug_in: connects an encoder to it; returns once its picture arrives.
        add: makes another session at the same time.
    """

    platform: LivePlatform
    session: Session
    plug_in: Callable[[], Awaitable[None]]
    add: Callable[[str], Awaitable[Session]]
