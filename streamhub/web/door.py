"""The door of the studio: a person's own last page before the broadcast, behind his personal link.

Here consent is asked again, shortly before going live; the way into the studio opens once all of it is answered. Mails
and calendars lead here and never into the studio itself, so that nobody gets in who is not in the session any more.
"""

from __future__ import annotations

import logging

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import NotFound
from streamhub.schedule.agreement import Voice
from streamhub.schedule.people import Person
from streamhub.web import access, desk
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.consents import AGAIN_WITHIN, is_asked_again
from streamhub.web.hub import hub_of
from streamhub.web.me import load_me
from streamhub.web.my_dates import MyDate, list_my_dates, save_again
from streamhub.web.pages import keep_language, keep_private, render_page, see_other
from streamhub.web.security import read_form

LOG = logging.getLogger("streamhub.web")

routes = web.RouteTableDef()


async def load_my_date(request: web.Request, person: Person) -> MyDate:
    """The session of a person that a request is about.

    Raises:
        NotFound: he is not asked into it.
    """
    hub, session_id = hub_of(request), request.match_info["session_id"]
    dates = await hub.store.read(lambda db: list_my_dates(db, hub.secret, person, now=hub.now()))
    found = next((one for one in dates if one.session.id == session_id), None)
    if found is None:
        raise NotFound(f"studio: no invitation into {session_id}", hint="ask the host for a new one")
    return found


@routes.get("/me/{token}/s/{session_id}/studio")
@allow(Action.SEE_OWN)
async def show_door(request: web.Request) -> web.StreamResponse:
    """The page: when it is, what to do before, consent, and the way in."""
    person = await load_me(request)
    date = await load_my_date(request, person)
    hub, voice = hub_of(request), Voice(person_id=person.id, name=person.name, shown_as=person.name, words=date.words)
    asked = not date.purposes or is_asked_again(voice, date.session)
    response = render_page(
        request,
        "door.html",
        default_language=person.language,
        person=person,
        at=f"/me/{request.match_info['token']}",
        date=date,
        purposes=date.purposes,
        asked=asked,
        opens=asked or hub.now() < date.session.starts_at - AGAIN_WITHIN,
        missing=bool(date.purposes and voice.silent),
        form_token=access.form_token(hub, actor_of(request)),
    )
    keep_language(request, response)
    keep_private(response)
    return response


@routes.post("/me/{token}/s/{session_id}/studio")
@allow(Action.CHANGE_OWN)
async def answer_again(request: web.Request) -> web.StreamResponse:
    """Keep what was answered at the door, and that it was asked again; a no works at once."""
    person = await load_me(request)
    date = await load_my_date(request, person)
    hub, form, at = hub_of(request), await read_form(request), hub_of(request).now()

    def save(db: Database) -> bool:
        return save_again(db, person, date.session.id, form, at=at)

    if await hub.store.write(save):
        await hub.gate.follow_words(date.session.id)
    LOG.info("web.asked_again session_id=%s", date.session.id)
    desk.tell(request, date.session.id)
    return see_other(f"{request.path}?said=1#said")
