"""The outbox for hosts: every mail can be read, a draft edited, sent or discarded, a failed one tried again.

Addresses are shown by their first letter and their domain. Sending happens behind `streamhub.web.services.Post`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import BadInput, Conflict, NotFound, StreamhubError
from streamhub.outbox.mail import MAX_BODY_LENGTH, MAX_SUBJECT_LENGTH, TO_ASKERS, Mail, MailState
from streamhub.outbox.rules import EDITABLE, explain_return, list_steps, mask_address
from streamhub.store import mails as mail_rows
from streamhub.store.people import list_people
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.host import person_context
from streamhub.web.hub import hub_of
from streamhub.web.pages import keep_language, render_page, see_other
from streamhub.web.security import read_form

LOG = logging.getLogger("streamhub.web")

BOXES: Mapping[str, frozenset[MailState]] = MappingProxyType(
    {
        "waiting": frozenset({MailState.DRAFT, MailState.FAILED, MailState.QUEUED, MailState.SENDING}),
        "sent": frozenset({MailState.SENT}),
        "discarded": frozenset({MailState.DISCARDED}),
    }
)
"""What the list shows, by the name of its tab."""
RETURNED = "returned"
"""The tab of what came back."""

_DEEDS: Mapping[str, MailState] = MappingProxyType(
    {"send": MailState.QUEUED, "hold": MailState.DRAFT, "discard": MailState.DISCARDED}
)

_BACK = re.compile(r"/host/(s/[a-z0-9-]{1,200}/invitations|people/[A-Za-z0-9_-]{1,80})")
"""The other pages on which a mail can be sent."""

routes = web.RouteTableDef()


@routes.get("/host/outbox")
@allow(Action.SEE_OUTBOX)
async def show_outbox(request: web.Request) -> web.StreamResponse:
    """What waits, what is out, what was discarded; and whether the mail server takes anything."""
    hub = hub_of(request)
    box = request.query.get("box", "waiting")
    if box not in {*BOXES, RETURNED}:
        raise NotFound(f"outbox: no box {box!r}", hint=f"use {', '.join(BOXES)}, {RETURNED}")

    def read(db: Database) -> tuple[list[Mail], Mapping[MailState, int], int, Mapping[str, str]]:
        mails = mail_rows.list_returned_mails(db) if box == RETURNED else mail_rows.list_mails(db, states=BOXES[box])
        return mails, mail_rows.count_mails(db), mail_rows.count_returned_mails(db), _name_readers(db, mails)

    mails, counts, returned, names = await hub.store.read(read)
    response = render_page(
        request,
        "outbox.html",
        mails=mails,
        box=box,
        counts={
            **{name: sum(counts[state] for state in states) for name, states in BOXES.items()},
            RETURNED: returned,
        },
        drafts=counts[MailState.DRAFT],
        post=hub.post,
        mask=mask_address,
        names=names,
        explain=explain_return,
        zone=hub.settings.zone,
        now=hub.now(),
        **person_context(hub, actor_of(request)),
    )
    keep_language(request, response)
    return response


def _name_readers(db: Database, mails: Iterable[Mail]) -> dict[str, str]:
    """Who gets a mail, by its id, where it is somebody whom hosts wrote to by name."""
    known = {one.email: one.name for one in list_people(db) if one.email}
    return {mail.id: known[mail.recipient] for mail in mails if mail.kind != TO_ASKERS and mail.recipient in known}


@routes.post("/host/outbox/send-all")
@allow(Action.SEND_MAIL)
async def send_all(request: web.Request) -> web.StreamResponse:
    """Send every draft that the host was shown."""
    hub, at, author = hub_of(request), hub_of(request).now(), actor_of(request).person

    def queue(db: Database) -> int:
        drafts = mail_rows.list_mails(db, states={MailState.DRAFT})
        for mail in drafts:
            mail_rows.step_mail(db, mail.id, MailState.QUEUED, at=at, author=author)
        return len(drafts)

    sent = await hub.store.write(queue)
    LOG.info("web.mails_queued count=%d person=%s", sent, author)
    return see_other("/host/outbox")


@routes.get("/host/outbox/{mail_id}")
@allow(Action.SEE_OUTBOX)
async def show_mail(request: web.Request) -> web.StreamResponse:
    """One mail as its reader gets it."""
    return await _render_mail(request, form={}, error=None, status=200)


async def _render_mail(
    request: web.Request, *, form: Mapping[str, str], error: StreamhubError | None, status: int
) -> web.StreamResponse:
    hub, mail_id = hub_of(request), request.match_info["mail_id"]

    def read(db: Database) -> tuple[Mail, str]:
        mail = mail_rows.load_mail(db, mail_id)
        return mail, _name_readers(db, [mail]).get(mail.id, "")

    mail, name = await hub.store.read(read)
    response = render_page(
        request,
        "mail.html",
        status=status,
        mail=mail,
        form=form,
        error=error,
        editable=mail.state in EDITABLE and bool(mail.recipient),
        deeds=[deed for deed, state in _DEEDS.items() if state in list_steps(mail) and mail.recipient],
        recipient=mask_address(mail.recipient),
        name=name,
        explain=explain_return,
        post=hub.post,
        zone=hub.settings.zone,
        now=hub.now(),
        longest=(MAX_SUBJECT_LENGTH, MAX_BODY_LENGTH),
        **person_context(hub, actor_of(request)),
    )
    keep_language(request, response)
    return response


@routes.post("/host/outbox/{mail_id}/edit")
@allow(Action.SEND_MAIL)
async def edit(request: web.Request) -> web.StreamResponse:
    """Give a draft another text; what was typed stays on the page when somebody else was quicker."""
    hub, mail_id, form = hub_of(request), request.match_info["mail_id"], await read_form(request)
    edition = form.get("edition", "")
    at, author = hub.now(), actor_of(request).person
    try:
        await hub.store.write(
            lambda db: mail_rows.edit_mail(
                db,
                mail_id,
                subject=form.get("subject", ""),
                body=form.get("body", ""),
                edition=int(edition) if edition.isascii() and edition.isdecimal() and len(edition) < 9 else 0,
                at=at,
                author=author,
            )
        )
    except (BadInput, Conflict) as refused:
        return await _render_mail(request, form=form, error=refused, status=refused.http_status)
    return see_other(f"/host/outbox/{mail_id}")


@routes.post("/host/outbox/{mail_id}/{errand:send|hold|discard}")
@allow(Action.SEND_MAIL)
async def step(request: web.Request) -> web.StreamResponse:
    """Send a mail, hold it back, or discard it."""
    hub, mail_id, deed = hub_of(request), request.match_info["mail_id"], request.match_info["errand"]
    back = (await read_form(request)).get("back", "")
    at, author = hub.now(), actor_of(request).person
    try:
        await hub.store.write(lambda db: mail_rows.step_mail(db, mail_id, _DEEDS[deed], at=at, author=author))
    except Conflict as conflict:
        return await _render_mail(request, form={}, error=conflict, status=409)
    LOG.info("web.mail_stepped mail=%s deed=%s person=%s", mail_id, deed, author)
    return see_other(f"{back}?said=sent#said" if _BACK.fullmatch(back) else "/host/outbox")
