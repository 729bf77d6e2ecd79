"""The keeper of invitations: everybody invited is told once of what he is to know, as a mail that waits in the outbox.

It is told nothing and looks at everything: the invitation's row says what its person was told, the session says how
things stand. The mail and the note that he was told are one transaction, and a mail's id is made of its reason and the
sequence. A mail that nobody sent yet gives way to a newer one; of what was never sent nothing has to be called off.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlite_utils import Database

from streamhub.keepers.invitation_mail import InvitationFacts, plan_invitation_mail
from streamhub.keepers.rounds import repeat
from streamhub.keepers.stale_mails import drop_stale
from streamhub.outbox.mail import Mail, MailState
from streamhub.outbox.rules import plan_mail_id
from streamhub.schedule.invitation import (
    INVITATION,
    Invitation,
    Reply,
    Room,
    Telling,
    decide_telling,
    decide_told,
    renew_links,
)
from streamhub.schedule.itip import Appointment, Ends, find_start, render_itip
from streamhub.schedule.people import Person
from streamhub.schedule.show import Role, Session
from streamhub.store import invitations as rows
from streamhub.store import mails as mail_rows
from streamhub.store import people as people_rows
from streamhub.store import rooms as room_rows
from streamhub.store import shows as show_rows
from streamhub.store.store import Store
from streamhub.timecode import Now
from streamhub.web.links import Links
from streamhub.web.rooms import plan_leap, plan_uid

LOG = logging.getLogger("streamhub.keepers.inviter")
KIND = INVITATION
"""The kind of these mails."""

_PAUSE_S = 5.0
_CERTAIN = "STATUS:CONFIRMED"
_OUT = frozenset({MailState.SENT, MailState.SENDING})


@dataclass(frozen=True, kw_only=True, slots=True)
class InviterParts:
    """What the inviter works with.

    Attributes:
        store: the hub's data.
        links: addresses of the hub's pages.
        hub_name: who writes.
        address: of the hub's mail; empty where it has none, then no calendar text goes along.
        by_rule: whether mails go out by themselves.
        secret: the hub's key.
        now: the clock.
    """

    store: Store
    links: Links
    hub_name: str
    address: str
    by_rule: bool
    secret: bytes = field(repr=False)
    now: Now


@dataclass(frozen=True, kw_only=True, slots=True)
class _Case:
    """One invitation with all that it is about."""

    invitation: Invitation
    session: Session
    person: Person
    room: Room
    about: str


class Inviter:
    """Tells whoever is invited."""

    def __init__(self, parts: InviterParts) -> None:
        self._parts = parts

    async def watch(self, pause_s: float = _PAUSE_S) -> None:
        """Look again and again; ends by being cancelled."""
        await repeat(self.sync, name="inviter", log=LOG, pause_s=pause_s)

    async def sync(self) -> int:
        """Tell everybody who is to be told now; returns how many mails were written."""
        store = self._parts.store
        waiting = await store.read(lambda db: [one for one in _list_cases(db) if self._telling(one)])
        told = 0
        for case in waiting:
            told += await store.write(lambda db, case=case: self._tell(db, case.invitation))  # type: ignore[misc]
        await drop_stale(store, KIND, is_current)
        return told

    def _telling(self, case: _Case) -> Telling | None:
        version = case.person.link_version
        return decide_telling(case.invitation, case.session, case.room, link_version=version, now=self._parts.now())

    def _tell(self, db: Database, seen: Invitation) -> bool:
        """Write the mail and note it, in one transaction; says whether there is one."""
        case = _find_case(db, seen)
        telling = self._telling(case) if case else None
        if case is None or telling is None:
            return False
        before = mail_rows.list_about(db, KIND, case.session.id, case.person.email) if case.person.email else []
        for mail in before:
            if mail.state not in _OUT:
                mail_rows.delete_mail(db, mail.id)
        known = case.invitation if telling.calls_off else self._renew(case)
        invitation = decide_told(known, telling, case.session, case.room)
        at = self._parts.now()
        rows.change_invitation(db, invitation, f"invitation.tell.{telling}", at=at, author="")
        out = [mail for mail in before if mail.state in _OUT]
        heard = bool(out)
        telling = _catch_up(telling, case.invitation, out) if len(out) < len(before) else telling
        if not case.person.email or (telling.calls_off and not heard):
            return False
        renewed = heard and invitation.link_version != case.invitation.link_version
        fresh = self._write(
            replace(case, invitation=invitation),
            telling if heard else _first(telling),
            renewed=renewed,
            moved_from=find_start(out[-1].calendar) if heard and telling is Telling.NEW_TIME else None,
        )
        LOG.info("invited session_id=%s person=%s telling=%s", case.session.id, case.person.id, telling)
        return mail_rows.put_mail(db, fresh)

    def _renew(self, case: _Case) -> Invitation:
        """The invitation with the links that its person has now."""
        version = case.person.link_version
        return renew_links(case.invitation, version, leap=plan_leap(self._parts.secret, case.invitation, version))

    def _write(self, case: _Case, telling: Telling, *, renewed: bool, moved_from: datetime | None) -> Mail:
        parts, person, session, invitation = self._parts, case.person, case.session, case.invitation
        page_url = parts.links.me(person.id, person.link_version)
        has_door = invitation.certain and case.room.url
        room_url = parts.links.studio(person.id, person.link_version, session.id) if has_door else ""
        facts = InvitationFacts(
            telling=telling,
            name=person.name,
            role=invitation.role,
            title=session.title,
            starts_at=session.starts_at,
            zone=session.zone,
            own_zone=person.zone,
            minutes=session.planned_minutes,
            note=invitation.note,
            instructions=case.room.instructions if invitation.certain else "",
            room_url=room_url,
            page_url=page_url,
            certain=invitation.certain,
            reply=invitation.reply,
            renewed=renewed,
            hub_name=parts.hub_name,
            about=case.about,
            question=person.question if invitation.role is Role.CUSTOMER else "",
            moved_from=moved_from if moved_from != session.starts_at else None,
        )
        subject, body = plan_invitation_mail(facts, person.language)
        version = str(invitation.sequence)
        return Mail(
            id=plan_mail_id(parts.secret, kind=KIND, recipient=person.email, object=session.id, version=version),
            kind=KIND,
            object=session.id,
            version=version,
            recipient=person.email,
            language=person.language,
            subject=subject,
            body=body,
            calendar=self._calendar(facts, case) if parts.address else "",
            state=MailState.QUEUED if parts.by_rule else MailState.DRAFT,
            made_at=parts.now(),
        )

    def _calendar(self, facts: InvitationFacts, case: _Case) -> str:
        parts, session, person = self._parts, case.session, case.person
        entry = Appointment(
            uid=plan_uid(parts.secret, case.invitation),
            sequence=case.invitation.sequence,
            stamp=parts.now(),
            starts_at=session.starts_at,
            zone=session.zone,
            minutes=session.planned_minutes,
            title=session.title,
            text="\n\n".join(text for text in (facts.instructions, facts.page_url) if text),
            place=facts.room_url or f"{parts.links.hub_url}/s/{session.id}",
            url=facts.page_url,
            certain=facts.certain,
            reply=facts.reply,
            off=facts.telling.calls_off,
        )
        ends = Ends(
            organizer=parts.address,
            organizer_name=parts.hub_name,
            attendee=person.email,
            attendee_name=person.name,
        )
        return render_itip(entry, ends, person.language)


def _first(telling: Telling) -> Telling:
    """To somebody who has not got any mail yet everything is an invitation, unless he is confirmed by now."""
    return telling if telling is Telling.CONFIRMED else Telling.ASKED


def _catch_up(telling: Telling, invitation: Invitation, out: list[Mail]) -> Telling:
    """What is told instead of a change when a mail before it never went out: that he is in, or to answer anew."""
    if telling is not Telling.CHANGED:
        return telling
    if invitation.certain:
        return telling if any(_CERTAIN in mail.calendar for mail in out) else Telling.CONFIRMED
    return Telling.NEW_TIME if invitation.reply is Reply.NONE else telling


def _list_cases(db: Database) -> list[_Case]:
    return [case for one in rows.list_invitations(db) if (case := _find_case(db, one))]


def _find_case(db: Database, seen: Invitation) -> _Case | None:
    invitation = rows.find_invitation(db, seen.session_id, seen.person_id)
    if invitation is None:
        return None
    session = show_rows.load_session(db, seen.session_id)
    return _Case(
        invitation=invitation,
        session=session,
        person=people_rows.load_person(db, seen.person_id),
        room=room_rows.load_room(db, seen.session_id),
        about=show_rows.load_show(db, session.show_id).about,
    )


def is_current(db: Database, mail: Mail) -> bool:
    """Whether a mail may go out: one of these only while nothing newer is to be said and its person is still known."""
    if mail.kind != KIND:
        return True
    person = people_rows.find_by_email(db, mail.recipient)
    found = rows.find_invitation(db, mail.object, person.id) if person else None
    if person is None or found is None or str(found.sequence) != mail.version:
        return False
    return not found.told or found.link_version == person.link_version
