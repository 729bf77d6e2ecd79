"""The keeper of reminders: plans the ladder of each session with guests as timers, and writes what they are to send.

A rung is a row and a timer of the engine, made in one transaction; when the timer ends, the row says what became of the
rung, in one transaction with its mails. So neither a crash nor a timer that ends twice tells anybody twice. A timer is
never called back: after a move, a cancellation or a switch it finds that it has nothing to say. Who has not answered an
invitation is reminded once as well. Mails that have become wrong before they were sent go.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

from sqlite_utils import Database

from streamhub.engine.context import Context
from streamhub.engine.engine import Engine
from streamhub.engine.policy import Json, Policy
from streamhub.errors import Unavailable
from streamhub.keepers import inviter
from streamhub.keepers.inviter import InviterParts
from streamhub.keepers.reminder_mail import ReminderFacts, plan_reminder_mail
from streamhub.keepers.rounds import repeat
from streamhub.keepers.stale_mails import drop_stale
from streamhub.outbox.mail import Mail, MailState
from streamhub.outbox.rules import plan_mail_id
from streamhub.schedule.invitation import Invitation, Reply
from streamhub.schedule.people import Person
from streamhub.schedule.reminder import (
    REMINDED,
    REMINDER,
    Outcome,
    Reminder,
    Rung,
    decide_outcome,
    plan_ladder,
    plan_nudge,
)
from streamhub.schedule.show import Session
from streamhub.store import invitations as invitation_rows
from streamhub.store import mails as mail_rows
from streamhub.store import people as people_rows
from streamhub.store import reminders as rows
from streamhub.store import rooms as room_rows
from streamhub.store import shows as show_rows
from streamhub.store.work import put_outbox
from streamhub.timecode import format_instant, parse_instant

LOG = logging.getLogger("streamhub.keepers.reminding")
KIND = REMINDER
"""The kind of these mails, and of their timers."""

_ANSWER = "answer"
_PAUSE_S = 5.0
_POLICY = Policy(attempts=20, on_failure="give_up")  # a person could decide nothing: the next rung is more use


class Reminding:
    """Reminds guests.

    Args:
        parts: what it works with; without an address of the hub nothing is written.
    """

    def __init__(self, parts: InviterParts) -> None:
        self._parts = parts

    def register(self, engine: Engine) -> None:
        """Let the engine know what its timers end in; before its launch."""
        engine.workflow(KIND, self.run)

    async def run(self, context: Context, session_id: str, starts_at: str, rung: str) -> Json:
        """A timer's end: decide about the rung and write its mails, once."""

        async def remind() -> str:
            return await self.remind(session_id, parse_instant(starts_at), Rung(rung))

        return await context.step("remind", remind, policy=_POLICY)

    async def watch(self, pause_s: float = _PAUSE_S) -> None:
        """Look again and again; ends by being cancelled."""
        await repeat(self.sync, name="reminding", log=LOG, pause_s=pause_s)

    async def sync(self) -> None:
        """Plan new ladders, remind who is silent, and take away mails that nobody wants any more."""
        store, now = self._parts.store, self._parts.now
        for session_id in await store.read(lambda db: rows.list_unplanned(db, at=now())):
            await store.write(lambda db, one=session_id: self._plan(db, one))  # type: ignore[misc]
        for silent in await store.read(self._list_silent):
            await store.write(lambda db, one=silent: self._nudge(db, one))  # type: ignore[misc]
        await drop_stale(store, KIND, lambda db, one: is_wanted(db, one, now=now()))

    def _plan(self, db: Database, session_id: str) -> None:
        session, now = show_rows.load_session(db, session_id), self._parts.now()
        if session_id not in rows.list_unplanned(db, at=now):
            return
        for one in plan_ladder(session, now=now):
            rows.save_reminder(db, one)
            if one.outcome is Outcome.WAITING:
                start = format_instant(one.starts_at)
                # The session's id stands last: what begins with it is shown as the session's own work.
                key, args = f"{one.rung} {start} {session_id}", (session_id, start, one.rung.value)
                put_outbox(db, KIND, key, args, at=now, due_at=one.due_at)

    async def remind(self, session_id: str, starts_at: datetime, rung: Rung) -> str:
        """Decide about a rung whose moment has come, and write its mails; a second time nothing is left to do.

        Raises:
            Unavailable: its moment has not come.
        """
        return await self._parts.store.write(lambda db: self._remind(db, session_id, starts_at, rung))

    def _remind(self, db: Database, session_id: str, starts_at: datetime, rung: Rung) -> str:
        reminder, now = rows.find_reminder(db, session_id, starts_at, rung), self._parts.now()
        if reminder is None or reminder.outcome is not Outcome.WAITING:
            return reminder.outcome.value if reminder else Outcome.OVERTAKEN.value
        session = show_rows.load_session(db, session_id)
        off = rows.are_off(db, session_id) or not self._parts.links.hub_url
        outcome = decide_outcome(reminder, session, now=now, off=off)
        if outcome is Outcome.WAITING:
            raise Unavailable(f"reminder of {session_id}: its moment has not come")
        people = self._write_rung(db, session, reminder) if outcome is Outcome.TOLD else 0
        rows.save_reminder(db, replace(reminder, outcome=outcome, at=now, people=people))
        LOG.info("reminder session_id=%s rung=%s outcome=%s people=%d", session_id, rung, outcome, people)
        return outcome.value

    def _write_rung(self, db: Database, session: Session, reminder: Reminder) -> int:
        written = 0
        for invitation in invitation_rows.list_invitations(db, session_id=session.id):
            person = people_rows.load_person(db, invitation.person_id)
            if invitation.certain and person.email:
                written += mail_rows.put_mail(db, self._write(db, session, person, reminder.version, reminder.rung))
        return written

    def _list_silent(self, db: Database) -> list[Invitation]:
        unanswered = invitation_rows.list_unanswered(db, at=self._parts.now())
        return [one for one in unanswered if self._is_nudge_due(db, one)]

    def _is_nudge_due(self, db: Database, seen: Invitation) -> bool:
        session = show_rows.load_session(db, seen.session_id)
        person, now = people_rows.load_person(db, seen.person_id), self._parts.now()
        if not self._parts.links.hub_url or not person.email or not _is_silent(db, seen, session, now=now):
            return False
        if mail_rows.has_mail(db, self._mail_id(person, session, _nudge_version(seen))):
            return False
        sent = [
            mail.sent_at
            for mail in mail_rows.list_about(db, inviter.KIND, session.id, person.email)
            if mail.sent_at and mail.version == str(seen.sequence)
        ]
        return bool(sent) and now >= plan_nudge(max(sent), session.starts_at)

    def _nudge(self, db: Database, seen: Invitation) -> None:
        fresh = invitation_rows.find_invitation(db, seen.session_id, seen.person_id)
        if fresh is None or not self._is_nudge_due(db, fresh):
            return
        session, person = show_rows.load_session(db, fresh.session_id), people_rows.load_person(db, fresh.person_id)
        mail_rows.put_mail(db, self._write(db, session, person, _nudge_version(fresh), None))

    def _mail_id(self, person: Person, session: Session, version: str) -> str:
        secret = self._parts.secret
        return plan_mail_id(secret, kind=KIND, recipient=person.email, object=session.id, version=version)

    def _write(self, db: Database, session: Session, person: Person, version: str, rung: Rung | None) -> Mail:
        parts, room = self._parts, room_rows.load_room(db, session.id)
        facts = ReminderFacts(
            rung=rung,
            name=person.name,
            title=session.title,
            starts_at=session.starts_at,
            zone=session.zone,
            own_zone=person.zone,
            minutes=session.planned_minutes,
            instructions=room.instructions if rung else "",
            room_url=parts.links.studio(person.id, person.link_version, session.id) if rung and room.url else "",
            page_url=parts.links.me(person.id, person.link_version),
            hub_name=parts.hub_name,
        )
        subject, body = plan_reminder_mail(facts, person.language)
        return Mail(
            id=self._mail_id(person, session, version),
            kind=KIND,
            object=session.id,
            version=version,
            recipient=person.email,
            language=person.language,
            subject=subject,
            body=body,
            state=MailState.QUEUED if parts.by_rule else MailState.DRAFT,
            made_at=parts.now(),
        )


def _nudge_version(invitation: Invitation) -> str:
    return f"{_ANSWER} {invitation.sequence}"


def _is_silent(db: Database, one: Invitation, session: Session, *, now: datetime) -> bool:
    """Whether somebody was asked, has not answered, and still can."""
    asked = one.stands and bool(one.told) and one.reply is Reply.NONE
    return asked and session.state in REMINDED and now < session.starts_at and not rows.are_off(db, session.id)


def is_wanted(db: Database, mail: Mail, *, now: datetime) -> bool:
    """Whether a mail may go out: a reminder only while it is true for its reader, and before the next one's moment."""
    if mail.kind != KIND:
        return True
    person = people_rows.find_by_email(db, mail.recipient)
    found = invitation_rows.find_invitation(db, mail.object, person.id) if person else None
    if found is None:
        return False
    session = show_rows.load_session(db, mail.object)
    about, _, version = mail.version.partition(" ")
    if about == _ANSWER:
        return version == str(found.sequence) and _is_silent(db, found, session, now=now)
    planned = Reminder(session_id=session.id, starts_at=parse_instant(version), rung=Rung(about))
    off = rows.are_off(db, session.id)
    return found.certain and decide_outcome(planned, session, now=now, off=off) is Outcome.TOLD
