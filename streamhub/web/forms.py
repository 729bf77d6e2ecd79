"""What hosts type into the planning forms, read into bodies, and records written back into fields; all pure.

A session's start is a local date and time beside its zone; its people stand one per line, as ``role: name, about``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

import msgspec

from streamhub.errors import BadInput
from streamhub.schedule.show import LOCAL, Participant, Role, Session, Show
from streamhub.text import LANGUAGES, fold
from streamhub.timecode import format_instant
from streamhub.web.bodies import ParticipantBody, SessionBody, SessionChangeBody, ShowBody
from streamhub.web.wall import Say, parse_minutes, read_coming, read_instant

_SHOW_FIELDS = ("title", "language", "about", "moderation", "publishing", "platform", "privacy")
_DIRECT = "direct"
ROLE_WORDS: Mapping[str, Mapping[Role, str]] = MappingProxyType(
    {
        "de": {
            Role.HOST: "Moderation",
            Role.EXPERT: "Fachperson",
            Role.CUSTOMER: "Kunde",
            Role.SUPER_USER: "Super-User",
        },
        "en": {Role.HOST: "host", Role.EXPERT: "expert", Role.CUSTOMER: "customer", Role.SUPER_USER: "super-user"},
    }
)
"""What roles are called before a name."""
_READ_ROLES: Mapping[str, Role] = MappingProxyType(
    {
        **{fold(word): role for words in ROLE_WORDS.values() for role, word in words.items()},
        **{role.value: role for role in Role},
        **{fold(word): Role.EXPERT for word in ("Experte", "Expertin")},
        **{fold(word): Role.HOST for word in ("Moderator", "Moderatorin")},
        **{fold(word): Role.CUSTOMER for word in ("Kundin", "Kundin oder Kunde")},
        **{fold(word): Role.PRODUCER for word in ("Sendetechnik", "Technik")},
        "super user": Role.SUPER_USER,
    }
)


def parse_show_form(form: Mapping[str, str], *, show_id: str = "") -> ShowBody:
    """A show's body; where the encoder pushes to means nothing as long as the hub is the only place to watch.

    Raises:
        BadInput: a value that is none of those that the form offers.
    """
    fields: dict[str, object] = {name: form[name] for name in _SHOW_FIELDS if name in form}
    if "platform" in form:
        fields["direct"] = form["platform"] != LOCAL and form.get("push") == _DIRECT
    if "left_open" in form:
        fields["carries_over"] = form["left_open"] != "stay"
    try:
        return msgspec.convert({**fields, "id": show_id}, ShowBody)
    except msgspec.ValidationError as error:
        raise BadInput(f"show: {error}", hint="go back, reload and try again") from error


def format_show_form(show: Show) -> dict[str, str]:
    """The fields of a show, as `parse_show_form` reads them."""
    return {
        "title": show.title,
        "language": show.language,
        "about": show.about,
        "moderation": show.moderation.value,
        "publishing": show.publishing.value,
        "platform": show.platform,
        "privacy": show.privacy.value,
        "push": _DIRECT if show.direct else "hub",
        "left_open": "carry" if show.carries_over else "stay",
    }


def parse_session_form(form: Mapping[str, str], *, zone: str, say: Say, now: datetime) -> SessionBody:
    """A session's body; ``zone`` is meant where the form names none.

    Raises:
        BadInput: a start that is none or past, a zone or number that is none; in the reader's language.
    """
    used_zone = form.get("zone", "").strip() or zone
    return SessionBody(
        show_id=form.get("show_id", ""),
        title=form.get("title", ""),
        starts_at=format_instant(read_coming(form.get("starts_at", ""), used_zone, say, now=now)),
        zone=used_zone,
        planned_minutes=parse_minutes(form.get("planned_minutes", ""), say),
        participants=parse_people(form.get("people", ""), say),
        call=form.get("call", ""),
        call_until=_parse_optional(form.get("call_until", ""), used_zone, say),
    )


def parse_change_form(form: Mapping[str, str], before: Session, *, say: Say, now: datetime) -> SessionChangeBody:
    """What is to change of a session: the fields that differ from what the form was filled with.

    What was not touched is not read again, so that seconds of a start and commas in a name survive.

    Raises:
        BadInput: a start that is none or past, a zone or number that is none; in the reader's language.
    """
    filled = format_session_form(before)
    typed = {name: "\n".join(form.get(name, value).splitlines()) for name, value in filled.items()}
    changed = {name for name, value in filled.items() if typed[name] != value}
    if typed["people"] in {format_people(before.participants, language) for language in LANGUAGES}:
        changed.discard("people")
    zone = typed["zone"].strip()
    return SessionChangeBody(
        title=typed["title"] if "title" in changed else None,
        starts_at=format_instant(read_coming(typed["starts_at"], zone, say, now=now))
        if {"starts_at", "zone"} & changed
        else None,
        zone=zone if "zone" in changed else None,
        planned_minutes=parse_minutes(typed["planned_minutes"], say) if "planned_minutes" in changed else None,
        participants=parse_people(typed["people"], say) if "people" in changed else None,
        call=typed["call"] if "call" in changed else None,
        call_until=_parse_optional(typed["call_until"], zone, say) if {"call_until", "zone"} & changed else None,
    )


def format_session_form(session: Session, language: str = "en") -> dict[str, str]:
    """The fields of a session, as `parse_change_form` reads them, with roles in a language."""
    return {
        "title": session.title,
        "starts_at": _format_local(session.starts_at, session.zone),
        "zone": session.zone,
        "planned_minutes": str(session.planned_minutes),
        "people": format_people(session.participants, language),
        "call": session.call,
        "call_until": _format_local(session.call_until, session.zone) if session.call_until else "",
    }


def parse_people(text: str, say: Say) -> tuple[ParticipantBody, ...]:
    """People from lines; a line without a role is an expert's.

    Raises:
        BadInput: a line names somebody who is not on air.
    """
    people = tuple(_parse_person(line) for line in text.splitlines() if line.strip())
    if hidden := [one.name for one in people if not one.role.on_air]:
        raise BadInput(
            say("%(names)s: a producer works behind the camera and stands on no public page.")
            % {"names": ", ".join(hidden)},
            hint=say("Take the line out here and invite the producer on the page “Invitations”."),
        )
    return people


def format_people(people: tuple[Participant, ...], language: str = "en") -> str:
    """Lines from people, as `parse_people` reads them."""
    words = ROLE_WORDS[language]
    return "\n".join(f"{words[one.role]}: {one.name}" + (f", {one.about}" if one.about else "") for one in people)


def _format_local(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M}"


def _parse_optional(text: str, zone: str, say: Say) -> str:
    return format_instant(read_instant(text, zone, say)) if text.strip() else ""


def _parse_person(line: str) -> ParticipantBody:
    role, colon, rest = line.partition(":")
    wanted = _READ_ROLES.get(fold(role))
    if not colon or wanted is None:
        wanted, rest = Role.EXPERT, line
    name, _, about = rest.partition(",")
    return ParticipantBody(name=name.strip(), role=wanted, about=about.strip())
