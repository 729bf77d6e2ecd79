"""Where the people of a session meet: each one's own way into the studio, the date's name in his calendar. Pure.

An address may hold ``{key}``, which becomes a key of each person's own that only the hub can make, ``{room}``, a key
that all of one session share, and ``{name}``.
Works for Jitsi, VDO.Ninja and every other studio that is an address.
"""

from __future__ import annotations

import base64
from urllib.parse import quote, urlsplit

from streamhub.errors import BadInput
from streamhub.schedule.invitation import Invitation, Room
from streamhub.schedule.people import Person
from streamhub.web.signing import digest_for

MAX_ROOM_URL = 500
MAX_INSTRUCTIONS = 2000
MAX_LEAP = 1_000_000
"""Too much to be guessed with the few answers to one invitation that are looked at, and small beside 2 to the 31."""
OWN_UID = "@streamhub"
"""What the names of our entries end with."""


def plan_room_url(secret: bytes, room: Room, person: Person) -> str:
    """A person's own way into the studio; empty where there is none."""
    return fill_address(secret, room, room.url, person.id, person.name)


def plan_view_url(secret: bytes, room: Room, person: Person) -> str:
    """Where producers get a person's picture; empty where there is no such place."""
    return fill_address(secret, room, room.view_url, person.id, person.name)


def fill_address(secret: bytes, room: Room, pattern: str, key: str, name: str) -> str:
    """An address with its places filled: keys that only the hub can make, and a name."""
    places = {
        "{key}": _plain(digest_for(secret, f"room:{room.session_id}", key)),
        "{room}": _plain(digest_for(secret, "room", room.session_id)),
        "{name}": quote(name, safe=""),
    }
    for place, value in places.items():
        pattern = pattern.replace(place, value)
    return pattern


def _plain(digest: str) -> str:
    """Letters and digits alone: studios differ in what else they take."""
    return digest.replace("_", "A").replace("-", "B")[:16]


def plan_uid(secret: bytes, invitation: Invitation) -> str:
    """The name of a session in a person's calendar, the same for life.

    Only the hub can make it and only this person gets it, so that an answer that carries it is his. After his links
    were made anew the answer must carry a sequence of `plan_leap` as well, of which the old mails say nothing.
    """
    version = f" {invitation.name_version}" if invitation.name_version > 1 else ""
    return f"{digest_for(secret, 'invitation', f'{invitation.session_id} {invitation.person_id}{version}')}{OWN_UID}"


def plan_leap(secret: bytes, invitation: Invitation, link_version: int) -> int:
    """By how much the sequence of an entry leaps when its person gets new links; only the hub can tell the number."""
    digest = digest_for(secret, "leap", f"{invitation.session_id} {invitation.person_id} {link_version}")
    return 1 + int.from_bytes(base64.urlsafe_b64decode(digest[:20]), "big") % MAX_LEAP


def clean_room_url(text: str) -> str:
    """An address of a studio as typed; may be empty.

    Raises:
        BadInput: no web address, or one with places that nobody fills.
    """
    url = text.strip()
    if not url:
        return ""
    filled = url.replace("{key}", "k").replace("{room}", "r").replace("{name}", "n")
    parts = urlsplit(filled)
    bad = any(not one.isprintable() or one.isspace() or one in '{}"<>' for one in filled)
    if bad or parts.scheme not in {"https", "http"} or not parts.netloc or len(url) > MAX_ROOM_URL:
        raise BadInput("studio: not an address", hint="write it as https://vdo.ninja/?room=show&push={key}")
    return url
