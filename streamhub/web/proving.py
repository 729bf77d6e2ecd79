"""Personal links: how a participant of a session proves who he is, without an account, to answer in writing.

A host makes the link and hands it on. Looking at it shows a button; the button sets a cookie that counts for this
session alone. Both are signed, for different purposes, and both are worth nothing once the person is no participant of
the session any more, or has another role. Nothing of it lets anybody into the console.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta

from aiohttp import web
from sqlite_utils import Database

from streamhub.schedule.show import Participant, Role, SessionTimes
from streamhub.store import shows as show_rows
from streamhub.timecode import format_instant, parse_instant
from streamhub.web.access import cookie_name, is_https, set_cookie
from streamhub.web.hub import Hub, hub_of
from streamhub.web.signing import sign, unsign

LINK_VALID = timedelta(days=180)
_COOKIE = "streamhub_as"
_LINK = "answer-link"
_KNOWN = "answers-as"


def make_answer_link(request: web.Request, session: SessionTimes, person: Participant) -> str:
    """A personal link of a participant, valid for half a year; whoever has it can answer in his name."""
    hub = hub_of(request)
    base = hub.settings.url.rstrip("/") or f"{'https' if is_https(request) else 'http'}://{request.host}"
    token = _seal(hub, _LINK, session, person, until=hub.now() + LINK_VALID)
    return f"{base}/s/{session.id}/as?token={token}"


def read_answer_link(hub: Hub, db: Database, session_id: str, token: str) -> Participant | None:
    """The participant whom a link's token names; None when it is not ours, too old, or not his any more."""
    return _open(hub, db, _LINK, session_id, token)


def known_participant(request: web.Request, db: Database, session_id: str) -> Participant | None:
    """The participant as whom this reader uses the session's pages; None for everybody else."""
    cookie = request.cookies.get(cookie_name(request, f"{_COOKIE}_{session_id}"), "")
    return _open(hub_of(request), db, _KNOWN, session_id, cookie) if cookie else None


def keep_participant(
    request: web.Request, response: web.StreamResponse, session: SessionTimes, person: Participant | None
) -> None:
    """Remember in the browser who this is, for this session; None forgets it."""
    hub = hub_of(request)
    value = _seal(hub, _KNOWN, session, person, until=hub.now() + LINK_VALID) if person else ""
    max_age_s = int(LINK_VALID.total_seconds()) if person else 0
    set_cookie(request, response, f"{_COOKIE}_{session.id}", value, max_age_s=max_age_s)


def _seal(hub: Hub, purpose: str, session: SessionTimes, person: Participant, *, until: datetime) -> str:
    payload = json.dumps([person.role.value, person.name, format_instant(until)]).encode()
    text = base64.urlsafe_b64encode(payload).decode().rstrip("=")
    return sign(hub.secret, f"{purpose}:{session.id}", text)


def _open(hub: Hub, db: Database, purpose: str, session_id: str, value: str) -> Participant | None:
    text = unsign(hub.secret, f"{purpose}:{session_id}", value)
    if text is None:
        return None
    role, name, until = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))  # ours: it was signed
    if parse_instant(until) < hub.now():
        return None
    known = show_rows.load_session(db, session_id).participants
    people = (person for person in known if person.name == name and person.role is Role(role))
    return next(people, None)
