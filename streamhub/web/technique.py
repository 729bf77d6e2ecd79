"""Studio and technique of a session, for hosts and producers: where all meet, whose picture comes from where.

Shows names, keys and what people told of their tech check; never an address for mail and never a personal page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import BadInput, StreamhubError
from streamhub.schedule.invitation import Room
from streamhub.schedule.people import Person
from streamhub.schedule.show import Role, Session
from streamhub.store import invitations as rows
from streamhub.store import people as people_rows
from streamhub.store import rooms as room_rows
from streamhub.store import shows as show_rows
from streamhub.store.log import log_action
from streamhub.store.techchecks import TechCheck, list_checks
from streamhub.text import clean_text
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.consents import ConsentLine, read_consents
from streamhub.web.host import person_context
from streamhub.web.hub import hub_of
from streamhub.web.pages import keep_language, render_page, see_other, words_of
from streamhub.web.rooms import MAX_INSTRUCTIONS, clean_room_url, fill_address, plan_view_url
from streamhub.web.security import read_form

routes = web.RouteTableDef()


@dataclass(frozen=True, kw_only=True, slots=True)
class Seat:
    """One invited person in the studio.

    Attributes:
        name: in this session.
        person: who.
        role: as what.
        certain: whether both sides said yes.
        view_url: where the picture comes from; may be empty.
        check: what was told of the tech check; None for nothing.
    """

    name: str
    person: Person
    role: Role
    certain: bool
    view_url: str
    check: TechCheck | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """All that the page shows."""

    session: Session
    room: Room
    shared: bool
    seats: tuple[Seat, ...]
    consents: tuple[ConsentLine, ...]


def read_technique(db: Database, secret: bytes, session_id: str) -> _Seen:
    """Read it all in one transaction.

    Raises:
        NotFound: no such session.
    """
    session, room, checks = show_rows.load_session(db, session_id), room_rows.load_room(db, session_id), list_checks(db)
    seats = []
    for one in rows.list_invitations(db, session_id=session_id):
        person = people_rows.load_person(db, one.person_id)
        if one.stands:
            seats.append(
                Seat(
                    name=one.shown_as or person.name,
                    person=person,
                    role=one.role,
                    certain=one.certain,
                    view_url=plan_view_url(secret, room, person) if one.role.on_air else "",
                    check=checks.get(person.id),
                )
            )
    return _Seen(
        session=session,
        room=room,
        shared=room_rows.is_shared(db, session_id),
        seats=tuple(seats),
        consents=tuple(read_consents(db, session)),
    )


@routes.get("/host/s/{session_id}/technique")
@allow(Action.RUN_SHOW)
async def show_technique(request: web.Request) -> web.StreamResponse:
    """The page."""
    response = await _render(request)
    keep_language(request, response)
    return response


@routes.post("/host/s/{session_id}/room")
@allow(Action.RUN_SHOW)
async def change_room(request: web.Request) -> web.StreamResponse:
    """Say where the people of the session, or of all sessions of its show, meet."""
    hub, session_id, form = hub_of(request), request.match_info["session_id"], await read_form(request)
    at, author, say = hub.now(), actor_of(request).person, words_of(request)
    shared = form.get("for") == "show"
    try:
        room = Room(
            session_id=session_id,
            url=clean_room_url(form.get("url", "")),
            view_url=clean_room_url(form.get("view_url", "")),
            instructions=_clean(form.get("instructions", "")),
        )
    except BadInput:
        error = BadInput(
            say("This is no address of a studio."),
            hint=say("Write it as https://…; {key}, {room} and {name} are filled in for each person."),
        )
        return await _render(request, form=form, error=error)

    def save(db: Database) -> None:
        session = show_rows.load_session(db, session_id)
        if shared:
            room_rows.save_show_room(db, session.show_id, room)
        else:
            room_rows.save_room(db, room)
        details = {"shared": shared}
        log_action(
            db, at=at, author=author, action="room.save", object_kind="session", object_id=session_id, details=details
        )

    await hub.store.write(save)
    return see_other(f"/host/s/{session_id}/technique?said=saved#said")


def _clean(text: str) -> str:
    return clean_text(text, max_length=MAX_INSTRUCTIONS, what="instructions") if text.strip() else ""


async def _render(
    request: web.Request, *, form: Mapping[str, str] | None = None, error: StreamhubError | None = None
) -> web.Response:
    hub, actor, session_id = hub_of(request), actor_of(request), request.match_info["session_id"]
    seen = await hub.store.read(lambda db: read_technique(db, hub.secret, session_id))
    room = seen.room
    known = {"url": room.url, "view_url": room.view_url, "instructions": room.instructions}
    return render_page(
        request,
        "technique.html",
        status=error.http_status if error else 200,
        session=seen.session,
        seats=seen.seats,
        view=seen,
        now=hub.now(),
        own_url=fill_address(hub.secret, room, room.url, f"team {actor.person}", actor.person),
        room={**known, "for": "show" if seen.shared else "session", **(form or {})},
        said=request.query.get("said", ""),
        error=error,
        **person_context(hub, actor),
    )
