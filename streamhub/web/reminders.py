"""Reminders for hosts: which rung of a session's ladder goes out when, what became of it, and the switch.

What is written and when stands in the keeper of reminders.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web
from sqlite_utils import Database

from streamhub.outbox.mail import MailState
from streamhub.schedule.reminder import REMINDED, REMINDER, Outcome, Reminder, plan_ladder
from streamhub.schedule.show import Session
from streamhub.store import mails as mail_rows
from streamhub.store import reminders as rows
from streamhub.store import shows as show_rows
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.hub import hub_of
from streamhub.web.pages import see_other
from streamhub.web.security import read_form

LOG = logging.getLogger("streamhub.web")

routes = web.RouteTableDef()


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A rung as hosts see it.

    Attributes:
        reminder: the rung.
        sent: how many of its mails went out.
        waiting: how many wait in the outbox.
    """

    reminder: Reminder
    sent: int
    waiting: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Ladder:
    """The reminders of a session.

    Attributes:
        steps: of its present start, the earliest first.
        off: whether hosts want none.
        pending: whether any may still come.
    """

    steps: Sequence[Step]
    off: bool
    pending: bool


def read_ladder(db: Database, session: Session, *, now: datetime) -> Ladder:
    """The reminders of a session's present start; those that nobody planned yet as they will be."""
    known = [one for one in rows.list_reminders(db, session.id) if one.starts_at == session.starts_at]
    ladder = known or plan_ladder(session, now=now)
    mails = mail_rows.list_of(db, REMINDER, session.id)

    def count(one: Reminder, *states: MailState) -> int:
        return sum(mail.version == one.version and mail.state in states for mail in mails)

    steps = [
        Step(
            reminder=one,
            sent=count(one, MailState.SENT),
            waiting=count(one, MailState.DRAFT, MailState.QUEUED, MailState.SENDING, MailState.FAILED),
        )
        for one in ladder
    ]
    pending = session.state in REMINDED and any(one.outcome is Outcome.WAITING for one in ladder)
    return Ladder(steps=steps, off=rows.are_off(db, session.id), pending=pending)


@routes.post("/host/s/{session_id}/reminders")
@allow(Action.PLAN)
async def switch(request: web.Request) -> web.StreamResponse:
    """Switch a session's reminders off, or on again."""
    hub, session_id, form = hub_of(request), request.match_info["session_id"], await read_form(request)
    at, author, off = hub.now(), actor_of(request).person, form.get("deed") == "off"

    def save(db: Database) -> None:
        show_rows.load_session(db, session_id)
        rows.switch_reminders(db, session_id, off=off, at=at, author=author)

    await hub.store.write(save)
    LOG.info("web.reminders session_id=%s off=%s person=%s", session_id, off, author)
    return see_other(f"/host/s/{session_id}/invitations?said=saved#reminders")
