"""Voters: a random id in a signed cookie, so that nobody needs an account and nobody votes twice by accident."""

from __future__ import annotations

from aiohttp import web

from streamhub.text import new_id
from streamhub.web.access import cookie_name, set_cookie
from streamhub.web.hub import hub_of
from streamhub.web.signing import sign, unsign

_COOKIE = "streamhub_voter"
_KEPT_S = 365 * 24 * 3600
_KNOWN = web.RequestKey("known_voter", str)
_FRESH = web.RequestKey("fresh_voter", str)


def known_voter(request: web.Request) -> str:
    """The voter's id from a cookie that we signed; empty for a newcomer or a forged cookie."""
    known = request.get(_KNOWN)
    if known is None:
        value = request.cookies.get(cookie_name(request, _COOKIE), "")
        known = request[_KNOWN] = unsign(hub_of(request).secret, "voter", value) or ""
    return known


def is_forged(request: web.Request) -> bool:
    """Whether a request carries a voter's cookie that we did not sign."""
    return bool(request.cookies.get(cookie_name(request, _COOKIE), "")) and not known_voter(request)


def voter_of(request: web.Request) -> str:
    """The voter's id; a newcomer gets one, and `keep_voter` hands it over with the response."""
    voter = known_voter(request) or request.get(_FRESH, "")
    if not voter:
        voter = request[_FRESH] = new_id(hub_of(request).random, length=26)
    return voter


def keep_voter(request: web.Request, response: web.StreamResponse) -> None:
    """Give a newcomer his cookie."""
    if _FRESH in request:
        value = sign(hub_of(request).secret, "voter", request[_FRESH])
        set_cookie(request, response, _COOKIE, value, max_age_s=_KEPT_S)
