"""Addresses that leave the hub: in mails and feeds, whole and signed where they open something. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from streamhub.web.signing import sign, unsign

_HELPED = "helped"
_LEAVE = "leave"
_FEED = "feed"
_ME = "me"


@dataclass(frozen=True, kw_only=True, slots=True)
class Links:
    """Makes addresses.

    Attributes:
        hub_url: public address of the hub, without a slash at its end.
        site_url: public address of the archive site; empty: the hub serves it.
        secret: the hub's key.
    """

    hub_url: str
    site_url: str = ""
    secret: bytes = field(repr=False)

    @property
    def site(self) -> str:
        """Address of the archive site, without a slash at its end."""
        return self.site_url.rstrip("/") or f"{self.hub_url}/archive"

    def answer(self, page: str, start_ms: int | None) -> str:
        """An answer's page, at the second where it begins.

        Args:
            page: path within the site.
            start_ms: on the session clock; None for an answer in writing.
        """
        return f"{self.site}/{page}" + (f"?t={start_ms // 1000}" if start_ms is not None else "")

    def helped(self, follower_id: str) -> str:
        """Where a follower says whether the answer helped."""
        return f"{self.hub_url}/helped/{sign(self.secret, _HELPED, follower_id)}"

    def leave(self, follower_id: str) -> str:
        """Where a follower has the address deleted."""
        return f"{self.hub_url}/leave/{sign(self.secret, _LEAVE, follower_id)}"

    def me(self, person_id: str, version: int) -> str:
        """A person's own page, where he answers invitations and says when he can."""
        return f"{self.hub_url}/me/{make_me(self.secret, person_id, version)}"

    def studio(self, person_id: str, version: int, session_id: str) -> str:
        """The door of the studio: where a person is asked again before going live, and gets in."""
        return f"{self.me(person_id, version)}/s/{session_id}/studio"

    def my_dates(self, person_id: str, version: int) -> str:
        """A person's sessions as a calendar to subscribe to."""
        return f"{self.me(person_id, version)}/sessions.ics"

    def feed(self, voter: str) -> str:
        """The secret address of a browser's own questions as a feed."""
        return f"{self.hub_url}/f/{sign(self.secret, _FEED, voter)}.atom"


def make_me(secret: bytes, person_id: str, version: int) -> str:
    """The token of a person's own page; a higher version makes the ones before worthless."""
    return sign(secret, _ME, f"{person_id}-{version}")


def read_me(secret: bytes, token: str) -> tuple[str, int] | None:
    """The person and version that a token of `make_me` was made for; None when we made no such token."""
    payload = unsign(secret, _ME, token)
    if payload is None:
        return None
    person_id, _, version = payload.rpartition("-")
    return person_id, int(version)


def read_helped(secret: bytes, token: str) -> str | None:
    """The follower that a link of `Links.helped` was made for; None when we made no such link."""
    return unsign(secret, _HELPED, token)


def read_leave(secret: bytes, token: str) -> str | None:
    """The follower that a link of `Links.leave` was made for."""
    return unsign(secret, _LEAVE, token)


def read_feed(secret: bytes, token: str) -> str | None:
    """The browser that a link of `Links.feed` was made for."""
    return unsign(secret, _FEED, token)
