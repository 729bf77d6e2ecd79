"""People for hosts: who can be invited, what they know, when they can, and their personal links.

Addresses and links are shown to hosts alone; what a person sees himself stands in `streamhub.web.me`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import BadInput, Conflict, StreamhubError
from streamhub.outbox.mail import Mail
from streamhub.schedule.invitation import INVITATION, Reply, is_answerable
from streamhub.schedule.people import Availability, Person
from streamhub.schedule.show import Role
from streamhub.store import invitations as invitation_rows
from streamhub.store import mails as mail_rows
from streamhub.store import people as rows
from streamhub.store import shows as show_rows
from streamhub.store.access import end_role
from streamhub.store.log import log_action
from streamhub.store.questions import load_question
from streamhub.text import clean_email, new_id
from streamhub.web.access import AccessRole, Action, actor_of, allow, is_https, make_host_link
from streamhub.web.calendar_form import CalendarView, keep_typed, load_calendar_view, save_calendar_form
from streamhub.web.host import person_context
from streamhub.web.hub import hub_of
from streamhub.web.links import Links, make_me
from streamhub.web.pages import keep_language, language_of, render_page, see_other, words_of
from streamhub.web.people_form import HOURS, format_person_form, parse_person_form
from streamhub.web.security import read_form
from streamhub.web.series_form import name_days

LOG = logging.getLogger("streamhub.web")

routes = web.RouteTableDef()


def links_of(request: web.Request) -> Links:
    """Makes addresses that are good outside: the public one where the settings know it."""
    hub = hub_of(request)
    own = f"{'https' if is_https(request) else 'http'}://{request.host}"
    return Links(hub_url=hub.settings.url.rstrip("/") or own, secret=hub.secret)


@routes.get("/host/people")
@allow(Action.PLAN)
async def list_people(request: web.Request) -> web.StreamResponse:
    """Everybody who can be invited, and a form for one more, filled with who asks a question where one is named."""
    asks = request.query.get("asks", "")
    form = await hub_of(request).store.read(lambda db: _plan_asker(db, asks)) if asks else {}
    response = await _render_list(request, form=form, error=None)
    keep_language(request, response)
    return response


def _plan_asker(db: Database, question_id: str) -> dict[str, str]:
    """The fields of a customer who asks a question; his address is not taken, since he left it for another purpose."""
    asked = load_question(db, question_id)
    return {
        "name": asked.asker.name,
        "role": Role.CUSTOMER.value,
        "language": asked.language,
        f"speaks_{asked.language}": "1",
        "topics": "\n".join(asked.topics),
        "products": "\n".join(asked.products),
        "question": asked.text,
    }


@routes.post("/host/people")
@allow(Action.PLAN)
async def add_person(request: web.Request) -> web.StreamResponse:
    """Add a person from the form."""
    hub, form = hub_of(request), await read_form(request)
    fresh = Person(id=new_id(hub.random), name="?", language=hub.settings.language, zone=hub.settings.zone)
    try:
        person = parse_person_form({**form, "active": "1"}, fresh, say=words_of(request))
        await _save(request, person, "person.add")
    except (BadInput, Conflict) as error:
        return await _render_list(request, form=form, error=await _tell(request, error, form))
    return see_other(f"/host/people/{person.id}")


@routes.get("/host/people/{person_id}")
@allow(Action.PLAN)
async def show_person(request: web.Request) -> web.StreamResponse:
    """What is known of a person, and the form to change it."""
    response = await _render(request)
    keep_language(request, response)
    return response


@routes.post("/host/people/{person_id}")
@allow(Action.PLAN)
async def change_person(request: web.Request) -> web.StreamResponse:
    """Change a person, make his links worthless, or delete him."""
    hub, person_id, form = hub_of(request), request.match_info["person_id"], await read_form(request)
    before = await hub.store.read(lambda db: rows.load_person(db, person_id))
    deed, at, author = form.get("deed", ""), hub.now(), actor_of(request).person
    if deed == "link":
        return await _render(request, url=links_of(request).me(before.id, before.link_version))
    if deed == "delete":
        if form.get("sure") != "yes":
            say = words_of(request)
            error = BadInput(say("Nothing was deleted."), hint=say("Please tick the box that says that you are sure."))
            return await _render(request, error=error)

        def delete(db: Database) -> None:
            rows.delete_person(db, person_id)
            log_action(
                db, at=at, author=author, action="person.delete", object_kind="person", object_id=person_id, details={}
            )

        await hub.store.write(delete)
        return see_other("/host/people")
    try:
        after = parse_person_form(form, before, say=words_of(request)) if deed != "relink" else _renew(before)
        await _save(request, after, f"person.{deed or 'change'}")
    except (BadInput, Conflict) as error:
        return await _render(request, form=form, error=await _tell(request, error, form))
    return see_other(f"/host/people/{person_id}?said={'relinked' if deed == 'relink' else 'saved'}#said")


@routes.post("/host/people/{person_id}/calendar")
@allow(Action.PLAN)
async def change_calendar(request: web.Request) -> web.StreamResponse:
    """Keep where a person's own calendar is, or forget it."""
    hub, person_id, form = hub_of(request), request.match_info["person_id"], await read_form(request)
    at, author, say = hub.now(), actor_of(request).person, words_of(request)

    def save(db: Database) -> None:
        rows.load_person(db, person_id)
        save_calendar_form(db, hub.secret, person_id, form, say=say)
        log_action(
            db, at=at, author=author, action="person.calendar", object_kind="person", object_id=person_id, details={}
        )

    try:
        await hub.store.write(save)
    except BadInput as error:
        return await _render(request, error=error, calendar_form=form)
    return see_other(f"/host/people/{person_id}?said=saved#said")


async def _save(request: web.Request, person: Person, action: str) -> None:
    hub = hub_of(request)
    at, author = hub.now(), actor_of(request).person

    def save(db: Database) -> None:
        before = next((one for one in rows.list_people(db) if one.id == person.id), None)
        rows.save_person(db, person)
        if before is not None and person.email not in {"", before.email}:
            invitation_rows.ask_again(db, person.id)
        if before is not None and person.link_version != before.link_version:
            old, new = (make_me(hub.secret, one.id, one.link_version) for one in (before, person))
            mail_rows.put_words(db, person.email, old, new)
        log_action(db, at=at, author=author, action=action, object_kind="person", object_id=person.id, details={})

    await hub.store.write(save)
    LOG.info("web.person person_id=%s action=%s by=%s", person.id, action, author)


def _renew(person: Person) -> Person:
    return replace(person, link_version=person.link_version + 1)


def list_anew(db: Database, person: Person, *, now: datetime) -> list[str]:
    """Titles of the sessions to which a person was invited with links that work no more, and is invited anew."""
    found = []
    for one in invitation_rows.list_invitations(db, person_id=person.id):
        session = show_rows.load_session(db, one.session_id)
        knows_old = one.told and one.link_version != person.link_version
        if knows_old and one.stands and one.reply is not Reply.DECLINED and is_answerable(session, now=now):
            found.append(session.title)
    return found


async def _tell(request: web.Request, error: StreamhubError, form: Mapping[str, str]) -> StreamhubError:
    """A refusal in the reader's language, where it is one that hosts meet."""
    say = words_of(request)
    if isinstance(error, Conflict):
        address = clean_email(form.get("email", ""))
        other = await hub_of(request).store.read(lambda db: rows.find_by_email(db, address))
        message = say("%(name)s has this address already.") % {"name": other.name if other else "?"}
        return Conflict(message, hint=say("Change that person instead."))
    if error.message.startswith("e-mail:"):
        return BadInput(say("This is no address for mail."), hint=say("Write it as name@example.org."))
    return error


@routes.post("/host/producers")
@allow(Action.PLAN)
async def let_producers(request: web.Request) -> web.StreamResponse:
    """Make a link to enter for a producer or another host, shown once, or sign all producers out."""
    hub, form, author = hub_of(request), await read_form(request), actor_of(request).person
    if form.get("deed") == "end":
        await hub.store.write(lambda db: end_role(db, AccessRole.PRODUCER))
        LOG.info("web.producers_ended by=%s", author)
        return see_other("/host/people?said=ended#producers")
    url, name = links_of(request).hub_url, form.get("producer", "")
    role = AccessRole.HOST if form.get("deed") == "host" else AccessRole.PRODUCER
    try:
        link = await make_host_link(hub.store, hub.now, hub.random, url, person=name, role=role)
    except BadInput as error:
        return await _render_list(request, form={}, error=error)
    LOG.info("web.link_to_enter role=%s by=%s", role, author)
    return await _render_list(request, form={}, error=None, link=link, link_role=role.value)


async def _render_list(
    request: web.Request,
    *,
    form: Mapping[str, str],
    error: StreamhubError | None,
    link: str = "",
    link_role: str = "",
) -> web.Response:
    hub = hub_of(request)
    people = await hub.store.read(rows.list_people)
    return render_page(
        request,
        "people.html",
        status=error.http_status if error else 200,
        people=people,
        form={"zone": hub.settings.zone, "language": hub.settings.language, "speaks_de": "1", **form},
        roles=list(Role),
        link=link,
        link_role=link_role,
        said=request.query.get("said", ""),
        error=error,
        **person_context(hub, actor_of(request)),
    )


async def _render(
    request: web.Request,
    *,
    form: Mapping[str, str] | None = None,
    calendar_form: Mapping[str, str] | None = None,
    error: StreamhubError | None = None,
    url: str = "",
) -> web.Response:
    hub, person_id = hub_of(request), request.match_info["person_id"]

    def read(db: Database) -> tuple[Person, Availability, CalendarView, list[str], list[Mail]]:
        person = rows.load_person(db, person_id)
        return (
            person,
            rows.load_availability(db, person_id),
            load_calendar_view(db, hub.secret, person_id),
            list_anew(db, person, now=hub.now()),
            mail_rows.list_waiting(db, INVITATION, recipient=person.email) if person.email else [],
        )

    person, availability, calendar, anew, waiting = await hub.store.read(read)
    return render_page(
        request,
        "person.html",
        status=error.http_status if error else 200,
        person=person,
        availability=availability,
        calendar=calendar,
        anew=anew if person.email else [],
        waiting=waiting,
        typed_calendar=keep_typed(calendar_form),
        now=hub.now(),
        form=dict(form) if form is not None else format_person_form(person),
        roles=list(Role),
        hours=HOURS,
        days=name_days(language_of(request)),
        url=url,
        said=request.query.get("said", ""),
        error=error,
        zone=hub.settings.zone,
        **person_context(hub, actor_of(request)),
    )
