"""The keeper of polls: asks for dates, reminds who has not answered, and closes a poll as soon as a date works.

When a date was found the session gets it, and whoever can is invited; both are one transaction with the closing, so
that it happens once. Mails wait in the outbox like all others.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from sqlite_utils import Database

from streamhub.keepers.inviter import InviterParts
from streamhub.keepers.rounds import repeat
from streamhub.keepers.stale_mails import drop_stale
from streamhub.outbox.mail import Mail, MailState
from streamhub.outbox.rules import plan_mail_id
from streamhub.schedule.people import Person
from streamhub.schedule.poll import Poll, decide_closing, is_reminder_due, list_silent
from streamhub.schedule.show import Session, SessionState
from streamhub.store import invitations as invitation_rows
from streamhub.store import mails as mail_rows
from streamhub.store import people as people_rows
from streamhub.store import polls as rows
from streamhub.store import shows as show_rows
from streamhub.store.log import log_action
from streamhub.store.moving import change_plan
from streamhub.timecode import format_instant
from streamhub.web.pages import format_moment

LOG = logging.getLogger("streamhub.keepers.pollster")
KIND = "poll"
"""The kind of these mails."""

_PAUSE_S = 5.0
_MOVABLE = frozenset({SessionState.DRAFT, SessionState.SCHEDULED, SessionState.OPEN, SessionState.MOVED})
_WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "de": {
            "asked": "Terminsuche: {title}",
            "reminded": "Erinnerung an die Terminsuche: {title}",
            "hello": "Guten Tag {name},",
            "lead": "wir suchen einen Termin für „{title}“. Welcher passt Ihnen: ja, zur Not, oder nein?",
            "again": "für „{title}“ fehlt uns noch Ihre Antwort. Es dauert eine Minute.",
            "until": "Bitte antworten Sie bis {moment}, auf Ihrer Seite:\n{url}",
            "private": "Bitte geben Sie diese Nachricht nicht weiter: Wer die Adresse hat, handelt in Ihrem Namen.",
        },
        "en": {
            "asked": "Finding a date: {title}",
            "reminded": "Reminder, finding a date: {title}",
            "hello": "Hello {name},",
            "lead": "we are looking for a date for “{title}”. Which suits you: yes, if need be, or no?",
            "again": "we still miss your answer about “{title}”. It takes a minute.",
            "until": "Please answer by {moment}, on your page:\n{url}",
            "private": "Please do not pass this message on: whoever has the address acts in your name.",
        },
    }
)


class Pollster:
    """Finds dates.

    Args:
        parts: what it works with.
    """

    def __init__(self, parts: InviterParts) -> None:
        self._parts = parts

    async def watch(self, pause_s: float = _PAUSE_S) -> None:
        """Look again and again; ends by being cancelled."""
        await repeat(self.sync, name="pollster", log=LOG, pause_s=pause_s)

    async def sync(self) -> None:
        """Ask, remind and close whatever is due."""
        store = self._parts.store
        for poll in await store.read(lambda db: rows.list_polls(db, open_only=True)):
            await store.write(lambda db, one=poll.session_id: self._step(db, one))  # type: ignore[misc]
        await drop_stale(store, KIND, is_open)

    def _step(self, db: Database, session_id: str) -> None:
        poll, now = rows.find_poll(db, session_id), self._parts.now()
        if poll is None:
            return
        session, answers = show_rows.load_session(db, session_id), rows.list_answers(db, session_id)
        closing = decide_closing(poll, answers, now=now)
        if closing is None:
            silent = list_silent(poll, answers)
            self._write_all(db, poll, session, silent, reminding=False)
            if is_reminder_due(poll, now=now):
                self._write_all(db, poll, session, silent, reminding=True)
            return
        chosen = closing.tally.option if closing.tally else None
        if not rows.close_poll(db, session_id, at=now, chosen=chosen):
            return
        details = {"chosen": format_instant(chosen) if chosen else ""}
        log_action(
            db, at=now, author="", action="poll.close", object_kind="session", object_id=session_id, details=details
        )
        if closing.tally and session.state in _MOVABLE:
            change_plan(db, session, replace(session, starts_at=closing.tally.option), at=now, author="")
            for person_id in closing.tally.able:
                role = people_rows.load_person(db, person_id).role
                invitation_rows.invite(db, session_id, person_id, role, at=now, author="")
        LOG.info("poll_closed session_id=%s found=%s", session_id, chosen is not None)

    def _write_all(
        self, db: Database, poll: Poll, session: Session, people: tuple[str, ...], *, reminding: bool
    ) -> None:
        for person_id in people:
            person = people_rows.load_person(db, person_id)
            sent = mail_rows.list_about(db, KIND, session.id, person.email) if reminding else []
            if reminding and not any(mail.state is MailState.SENT for mail in sent):
                continue  # nobody is reminded of what he was never sent
            if person.email and person.active:
                mail_rows.put_mail(db, self._write(poll, session, person, reminding=reminding))

    def _write(self, poll: Poll, session: Session, person: Person, *, reminding: bool) -> Mail:
        parts, words = self._parts, _WORDS[person.language]
        version = _version(poll, person, reminding=reminding)
        until = format_moment(poll.ends_at, person.zone, person.language)
        blocks = [
            words["hello"].format(name=person.name),
            words["again" if reminding else "lead"].format(title=session.title),
            words["until"].format(moment=until, url=parts.links.me(person.id, person.link_version)),
            words["private"],
            parts.hub_name,
        ]
        return Mail(
            id=plan_mail_id(parts.secret, kind=KIND, recipient=person.email, object=session.id, version=version),
            kind=KIND,
            object=session.id,
            version=version,
            recipient=person.email,
            language=person.language,
            subject=words["reminded" if reminding else "asked"].format(title=session.title),
            body="\n\n".join(blocks) + "\n",
            state=MailState.QUEUED if parts.by_rule else MailState.DRAFT,
            made_at=parts.now(),
        )


def _version(poll: Poll, person: Person, *, reminding: bool) -> str:
    """What tells a mail of a poll from its others; who gets new personal links is asked anew."""
    links = f" {person.link_version}" if person.link_version > 1 and not reminding else ""
    return f"{format_instant(poll.made_at)} {'reminded' if reminding else 'asked'}{links}"


def is_open(db: Database, mail: Mail) -> bool:
    """Whether a mail may go out: one of these only while its poll goes on and its reader has not answered."""
    if mail.kind != KIND:
        return True
    poll, person = rows.find_poll(db, mail.object), people_rows.find_by_email(db, mail.recipient)
    if poll is None or person is None or poll.closed_at is not None:
        return False
    versions = {_version(poll, person, reminding=reminding) for reminding in (False, True)}
    return mail.version in versions and person.id in list_silent(poll, rows.list_answers(db, poll.session_id))
