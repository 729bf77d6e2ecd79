"""The noun of an event in the archive, and its file: several sessions under one title, and what goes before what. Pure.

``events/<id>.md``: front matter with title, zone, language and the ids of its sessions in their order; the text below
is what it is about, plain. The file keeps every name, as those of sessions do; `mask_event` puts roles in the place of
those that must not be read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from streamhub.archive.fields import Fields
from streamhub.archive.sheet import Given, clean_body, parse_sheet, render_sheet
from streamhub.schedule.masks import Masker
from streamhub.schedule.show import ON_AIR, Participant, Role
from streamhub.text import require_language, require_slug
from streamhub.timecode import require_zone

EVENTS_FOLDER = "events"


@dataclass(frozen=True, kw_only=True, slots=True)
class Before:
    """That a session goes before another one of the event; ``goal`` is empty where it goes before all of it."""

    session: str
    goal: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unnamed:
    """A name that the public must not read, and the role of its person where that is known."""

    name: str
    role: Role | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchivedEvent:
    """An event in the archive.

    Attributes:
        id: slug; its page is ``e/<id>/``.
        title: as shown.
        about: what it is, plain text; may be empty.
        zone: IANA name; its programme is told in it.
        language: ``de`` or ``en``.
        sessions: ids, in their order; those that the archive does not have are passed over.
        pre_shows: what goes before what.
        unnamed: names that must not be shown in title and text.
        cancelled: whether all of it was called off.
    """

    id: str
    title: str
    about: str = ""
    zone: str = "Europe/Berlin"
    language: str = "de"
    sessions: tuple[str, ...] = ()
    pre_shows: tuple[Before, ...] = ()
    unnamed: tuple[Unnamed, ...] = ()
    cancelled: bool = False


def event_name(event_id: str) -> str:
    """File name of an event, inside `EVENTS_FOLDER`.

    Raises:
        BadInput: the id cannot stand in a path.
    """
    return f"{require_slug(event_id, what='event id')}.md"


def render_event(event: ArchivedEvent) -> str:
    """The file of an event."""
    values: dict[str, Given] = {
        "id": event.id,
        "title": event.title,
        "zone": event.zone,
        "language": event.language,
        "sessions": list(event.sessions),
    }
    if event.pre_shows:
        values["pre_shows"] = [
            {"session": one.session} | ({"before": one.goal} if one.goal else {}) for one in event.pre_shows
        ]
    if event.unnamed:
        values["unnamed"] = [
            {"name": one.name} | ({"role": str(one.role)} if one.role else {}) for one in event.unnamed
        ]
    if event.cancelled:
        values["cancelled"] = True
    return render_sheet(values, event.about)


def parse_event(text: str, file: str) -> ArchivedEvent:
    """Read an event from its file.

    Raises:
        BadArchive: with file, line and reason.
    """
    sheet = parse_sheet(text, file)
    fields = Fields(sheet, sheet.values)
    event_id = fields.parsed("id", lambda one: require_slug(one, what="it"))
    if file.rpartition("/")[2] != event_name(event_id):
        raise fields.bad("id", f"is {event_id!r}, but the file is named otherwise", hint=f"name it {event_id}.md")
    return ArchivedEvent(
        id=event_id,
        title=fields.text("title"),
        about=clean_body(sheet.body),
        zone=fields.parsed("zone", lambda text: require_zone(text, what="it").key, "Europe/Berlin"),
        language=fields.parsed("language", lambda one: require_language(one, what="it")),
        sessions=fields.texts("sessions"),
        pre_shows=tuple(
            Before(session=one.text("session"), goal=one.text("before", "")) for one in fields.children("pre_shows")
        ),
        unnamed=tuple(
            Unnamed(name=one.text("name"), role=one.choice("role", ON_AIR) if one.text("role", "") else None)
            for one in fields.children("unnamed")
        ),
        cancelled=fields.truth("cancelled", default=False),
    )


def mask_event(event: ArchivedEvent) -> ArchivedEvent:
    """The event as the public may see it; doing it twice changes nothing."""
    if not event.unnamed:
        return event
    people = [Participant(name=one.name, role=one.role) for one in event.unnamed if one.role]
    masker = Masker(people, tuple(one.name for one in event.unnamed), event.language)
    return replace(event, title=masker.text(event.title), about=masker.text(event.about), unnamed=())
