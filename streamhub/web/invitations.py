"""Invitations for hosts: who is asked into a session, who can, who said what, and who is confirmed.

What speaks against a person is told as a warning with its reason and forbids nothing. Mails are written by a keeper.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import BadInput, Conflict, StreamhubError
from streamhub.outbox.mail import Mail
from streamhub.outbox.rules import explain_return
from streamhub.schedule.calendar_reply import Weight
from streamhub.schedule.invitation import INVITATION, ConsentWord, Invitation, Purpose, Reply
from streamhub.schedule.people import Fit, Load, Person, check_fit, check_load
from streamhub.schedule.show import Role, Session
from streamhub.store import invitations as rows
from streamhub.store import mails as mail_rows
from streamhub.store import notices as notice_rows
from streamhub.store import people as people_rows
from streamhub.store import shows as show_rows
from streamhub.store.notices import KeptReply
from streamhub.text import clean_text
from streamhub.web import desk
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.host import person_context
from streamhub.web.hub import hub_of
from streamhub.web.pages import keep_language, render_page, see_other, words_of
from streamhub.web.people import links_of
from streamhub.web.reminders import Ladder, read_ladder
from streamhub.web.rooms import MAX_INSTRUCTIONS
from streamhub.web.security import read_form

LOG = logging.getLogger("streamhub.web")
SHOWN_REPLIES = 5

routes = web.RouteTableDef()


@dataclass(frozen=True, kw_only=True, slots=True)
class Guest:
    """Somebody who is or could be asked.

    Attributes:
        person: who.
        fit: whether he can at the session's time.
        load: whether it is too much for him.
        clashes: titles of other sessions at the same time that he was asked into.
        invitation: into this session; None: he is not asked.
        words: what he consents to.
        replies: what his calendar answered, where hosts should look at it, the newest first.
        waiting: the mail to him that waits in the outbox; None: none does.
        returned: the status code with which the last mail to him about this session came back; empty: it did not.
    """

    person: Person
    fit: Fit
    load: Load
    clashes: tuple[str, ...]
    invitation: Invitation | None
    words: Mapping[Purpose, ConsentWord]
    replies: tuple[KeptReply, ...] = ()
    returned: str = ""
    waiting: Mail | None = None


def list_guests(db: Database, session: Session) -> list[Guest]:
    """Everybody who is asked into a session, and everybody active who could be."""
    people, ends_at = people_rows.list_people(db), session.ends_at
    availability = people_rows.list_availability(db, people)
    replies, returned = notice_rows.list_replies(db, session.id), notice_rows.list_returned(db, session.id)
    waiting = {one.recipient: one for one in mail_rows.list_waiting(db, INVITATION, object_id=session.id)}
    found = []
    for person in people:
        invitation = rows.find_invitation(db, session.id, person.id)
        if not person.active and invitation is None:
            continue
        found.append(
            Guest(
                person=person,
                fit=check_fit(availability[person.id], session.starts_at, ends_at),
                load=check_load(person, rows.list_starts(db, person.id, but=session.id), session.starts_at),
                clashes=tuple(one.title for one in rows.list_clashes(db, person.id, session)),
                invitation=invitation,
                words=rows.list_words(db, session.id, person.id),
                replies=choose_replies(replies.get(person.id, [])),
                returned=returned.get(person.email, ""),
                waiting=waiting.get(person.email),
            )
        )
    return found


def choose_replies(replies: Iterable[KeptReply]) -> tuple[KeptReply, ...]:
    """The answers of a calendar at which hosts should look: the newest with words, a wish, or without effect."""
    plain = {Weight.COUNTS, Weight.REPEATED}
    return tuple(one for one in replies if one.weight not in plain or one.comment)[:SHOWN_REPLIES]


@routes.get("/host/s/{session_id}/invitations")
@allow(Action.PLAN)
async def show_invitations(request: web.Request) -> web.StreamResponse:
    """Who is asked, and who could be."""
    response = await _render(request)
    keep_language(request, response)
    return response


@routes.post("/host/s/{session_id}/invitations")
@allow(Action.PLAN)
async def invite(request: web.Request) -> web.StreamResponse:
    """Ask everybody who was ticked."""
    hub, session_id, form = hub_of(request), request.match_info["session_id"], await read_form(request)
    at, author, say = hub.now(), actor_of(request).person, words_of(request)

    def save(db: Database) -> int:
        known = {person.id: person for person in people_rows.list_people(db, active=True)}
        chosen = [known[one] for one in known if form.get(f"p-{one}")]
        for person in chosen:
            wanted = form.get(f"role-{person.id}", "")
            role = Role(wanted) if wanted in set(Role) else person.role
            rows.invite(db, session_id, person.id, role, at=at, author=author)
        return len(chosen)

    count = await hub.store.write(save)
    if not count:
        error = BadInput(say("Nobody is ticked."), hint=say("Tick the people whom you want to ask."))
        return await _render(request, error=error)
    LOG.info("web.invited session_id=%s count=%d person=%s", session_id, count, author)
    return see_other(f"{request.path}?said=invited#said")


@routes.post("/host/s/{session_id}/invitations/{person_id}")
@allow(Action.PLAN)
async def decide(request: web.Request) -> web.StreamResponse:
    """Confirm a person, take that or the invitation back, note what he said by other means, or write to him."""
    hub, session_id, form = hub_of(request), request.match_info["session_id"], await read_form(request)
    person_id, at, author, say = request.match_info["person_id"], hub.now(), actor_of(request).person, words_of(request)
    deed = form.get("deed", "")

    def save(db: Database) -> Session:
        before = rows.load_invitation(db, session_id, person_id)
        changes = {
            "confirm": replace(before, confirmed_at=at, left_at=None),
            "unconfirm": replace(before, confirmed_at=None),
            "withdraw": replace(before, withdrawn_at=at, confirmed_at=None),
            "accepted": replace(before, reply=Reply.ACCEPTED, replied_at=at),
            "note": replace(before, note=_clean_note(form.get("note", ""))),
        }
        if deed not in changes:
            raise BadInput(f"deed {deed!r}: there is none", hint=f"use {', '.join(changes)}")
        if not before.stands:
            raise Conflict(
                say("This invitation was taken back."), hint=say("Invite the person again if that was a mistake.")
            )
        if deed == "confirm" and before.reply is not Reply.ACCEPTED:
            raise Conflict(
                say("This person has not accepted."),
                hint=say("Wait for the answer, or note it if you got it otherwise."),
            )
        return rows.change_invitation(db, changes[deed], f"invitation.{deed}", at=at, author=author)

    try:
        await hub.store.write(save)
    except (BadInput, Conflict) as error:
        return await _render(request, error=error)
    desk.tell(request, session_id)
    return see_other(f"/host/s/{session_id}/invitations?said=saved#said")


def _clean_note(text: str) -> str:
    return clean_text(text, max_length=MAX_INSTRUCTIONS, what="note") if text.strip() else ""


async def _render(request: web.Request, *, error: StreamhubError | None = None) -> web.Response:
    hub, session_id, links = hub_of(request), request.match_info["session_id"], links_of(request)

    def read(db: Database) -> tuple[Session, list[Guest], Ladder]:
        session = show_rows.load_session(db, session_id)
        return session, list_guests(db, session), read_ladder(db, session, now=hub.now())

    session, guests, ladder = await hub.store.read(read)
    asked = [one for one in guests if one.invitation and one.invitation.stands]
    return render_page(
        request,
        "invitations.html",
        status=error.http_status if error else 200,
        session=session,
        asked=asked,
        others=[one for one in guests if one not in asked and one.person.active],
        urls={one.person.id: links.me(one.person.id, one.person.link_version) for one in asked},
        roles=list(Role),
        purposes=list(Purpose),
        explain=explain_return,
        offered=hub.post.configured,
        ladder=ladder,
        said=request.query.get("said", ""),
        zone=hub.settings.zone,
        error=error,
        **person_context(hub, actor_of(request)),
    )
