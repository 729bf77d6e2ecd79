"""Voters: a random id in a signed cookie, so that nobody needs an account and nobody votes twice by accident.

In a frame on somebody else's page there is no cookie of ours: there the form carries the signed id of its asker, and
the frame's script says it in a header.
"""

from __future__ import annotations

from aiohttp import web

from streamhub.text import new_id
from streamhub.web.access import cookie_name, set_cookie
from streamhub.web.hub import hub_of
from streamhub.web.signing import sign, unsign

ASKER_HEADER = "Streamhub-Asker"
_COOKIE = "streamhub_voter"
_KEPT_S = 365 * 24 * 3600
_KNOWN = web.RequestKey("known_voter", str)
_FRESH = web.RequestKey("fresh_voter", str)


def known_voter(request: web.Request) -> str:
    """The voter's id from a header or cookie that we signed; empty for a newcomer or a forged one."""
    known = request.get(_KNOWN)
    if known is None:
        secret = hub_of(request).secret
        if ASKER_HEADER in request.headers:
            known = read_asker(secret, request.headers[ASKER_HEADER])
        else:
            known = unsign(secret, "voter", request.cookies.get(cookie_name(request, _COOKIE), "")) or ""
        request[_KNOWN] = known
    return known


def sign_asker(secret: bytes, asker: str) -> str:
    """What the form in a frame carries of its asker."""
    return sign(secret, "embedded-asker", asker)


def read_asker(secret: bytes, token: str) -> str:
    """The asker's id; empty when the form carries none of ours."""
    return unsign(secret, "embedded-asker", token) or ""


def is_forged(request: web.Request) -> bool:
    """Whether a request carries a voter's cookie or an asker's header that we did not sign."""
    carried = request.headers.get(ASKER_HEADER) or request.cookies.get(cookie_name(request, _COOKIE), "")
    return bool(carried) and not known_voter(request)


def voter_of(request: web.Request) -> str:
    """The voter's id; a newcomer gets one, and `keep_voter` hands it over with the response."""
    voter = known_voter(request) or request.get(_FRESH, "")
    if not voter:
        voter = request[_FRESH] = new_id(hub_of(request).random, length=26)
    return voter


def keep_voter(request: web.Request, response: web.StreamResponse) -> None:
    """Give a newcomer his cookie; none in a frame."""
    if _FRESH in request and ASKER_HEADER not in request.headers:
        value = sign(hub_of(request).secret, "voter", request[_FRESH])
        set_cookie(request, response, _COOKIE, value, max_age_s=_KEPT_S)
