"""The role of a sign-in: whose account the hub acts on, and the credentials for it.

Owns the record of an account and the sign-in of tests and rehearsals. Refuses to know where sign-ins are kept:
`streamhub.live.youtube.token` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from google.auth.credentials import Credentials

from streamhub.errors import Fault, PlatformError
from streamhub.live.problem import ProblemCode, make_error
from streamhub.live.youtube.failures import NAMES
from streamhub.timecode import Now

SCOPE = "https://www.googleapis.com/auth/youtube.force-ssl"
"""Covers all that we call; the plain scope ``youtube`` would not do for captions."""

_TESTING_DAYS = range(6, 9)  # sign-ins of apps left in "Testing" end after 7 days; clocks and habits blur that


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """The account that is signed in.

    Attributes:
        channel_id: the platform's id of the channel.
        channel_title: as viewers know it.
        granted_at: when a person allowed it, UTC.
        scopes: what was allowed.
        ends_at: when it ends by itself, where the platform has said so (it does for apps in "Testing"), UTC.
    """

    channel_id: str
    channel_title: str
    granted_at: datetime
    scopes: tuple[str, ...]
    ends_at: datetime | None = None


class SignIn(Protocol):
    """Where the credentials come from."""

    def credentials(self) -> Credentials:
        """The credentials; the same object as long as nobody signs in anew. Called from several threads.

        Raises:
            PlatformError: AUTH: nobody is signed in.
        """

    def note_refreshed(self, credentials: Credentials) -> None:
        """Keep what has to be kept after the credentials were refreshed."""

    @property
    def account(self) -> Account | None:
        """Whose they are; None when nobody is signed in."""


class GivenSignIn:
    """A sign-in with credentials that are given, as tests and rehearsals have them; keeps nothing."""

    def __init__(self, credentials: Credentials, account: Account | None = None) -> None:
        self._credentials = credentials
        self.account = account

    def credentials(self) -> Credentials:
        """The given ones."""
        return self._credentials

    def note_refreshed(self, credentials: Credentials) -> None:
        """Nothing is kept."""


def not_connected() -> PlatformError:
    """Nobody is signed in."""
    return make_error(Fault.AUTH, ProblemCode.NOT_CONNECTED, NAMES)


def signed_out(account: Account | None, now: Now, *, reason: str) -> PlatformError:
    """The sign-in ended; after about seven days it is said that the app is probably still in "Testing"."""
    days = (now() - account.granted_at).days if account else -1
    told = account is not None and account.ends_at is not None and account.ends_at <= now()
    if told or days in _TESTING_DAYS:
        details = {**NAMES, "days": str(days)}
        return make_error(Fault.AUTH, ProblemCode.SIGNED_OUT_TESTING, details, reason=reason)
    return make_error(Fault.AUTH, ProblemCode.SIGNED_OUT, NAMES, reason=reason)
