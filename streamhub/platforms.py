"""Live platforms beside the hub: what a brand brings along, as roles.

Owns the front of a platform, which the command line and the doctor talk to, and the remote, which a running hub works
with. The composition root knows which brands there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from streamhub.keepers.reconciler import RemotePlatform
from streamhub.live.quota import Budget
from streamhub.live.video import VideoShelf
from streamhub.questions.intake import ContributionSource
from streamhub.schedule.public import PublicSession
from streamhub.schedule.show import Session
from streamhub.store.store import Store
from streamhub.text import Random
from streamhub.timecode import Now

Say = Callable[[str], None]
Describe = Callable[[PublicSession], str]
Json = Any


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInWish:
    """How a person wants to sign in to a platform.

    Attributes:
        port: of this machine, where the browser's answer is awaited; 0: a free one.
        open_browser: whether to open one here.
        paste: asks for the address where the browser ended; None: listen for it.
        change_account: whether another account than before may be taken.
    """

    port: int = 0
    open_browser: bool = True
    paste: Callable[[str], str] | None = None
    change_account: bool = False


class SignedIn(Protocol):
    """Whose account the hub acts on."""

    @property
    def name(self) -> str:
        """Of the account, as its viewers know it."""

    @property
    def at(self) -> datetime:
        """When somebody signed in, UTC."""

    @property
    def scopes(self) -> tuple[str, ...]:
        """What that allows, in the platform's words."""


class Remote(Protocol):
    """A platform in a running hub."""

    @property
    def platform(self) -> RemotePlatform:
        """Where viewers watch."""

    @property
    def chat(self) -> ContributionSource:
        """Where they write."""

    @property
    def chat_costs(self) -> tuple[int, int]:
        """Units of a look at the chat, and of a line written there."""

    @property
    def session_units(self) -> int:
        """Units of a session of usual length beside its chat."""

    @property
    def shelf(self) -> VideoShelf:
        """Where the videos stay."""

    @property
    def budget(self) -> Budget:
        """What a day may cost."""

    def account(self) -> SignedIn | None:
        """Whose account it is; None when nobody is signed in."""

    async def close(self) -> None:
        """End what runs."""


class Front(Protocol):
    """A platform from the command line."""

    async def connect(self, store: Store, wish: SignInWish, *, say: Say, now: Now) -> Sequence[str]:
        """Have a person sign in, keep it, and return what to tell; blocks until it is done.

        Raises:
            StreamhubError: whatever keeps it from being done, in one sentence.
        """

    def disconnect(self) -> Sequence[str]:
        """Forget the sign-in here and take it back there; returns what to tell."""

    def describe(self, now: Now) -> tuple[bool, str, str]:
        """Whether the sign-in can be used, what was seen, and what to do or to know; asks nobody."""

    async def read_day(
        self, store: Store, sessions: Sequence[Session], there: frozenset[str], *, now: Now
    ) -> tuple[Sequence[str], Mapping[str, Json]]:
        """What today cost and will cost, for people and for programs; ``there``: sessions that are planned there."""

    def open(self, store: Store, *, describe: Describe, now: Now, random: Random) -> Remote:
        """The platform for a running hub."""
