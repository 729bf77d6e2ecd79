"""Rules of the outbox: which step may follow which, what may be edited, when to try again, and what a mail's id is."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from streamhub.errors import Conflict
from streamhub.outbox.mail import MAX_BODY_LENGTH, MAX_SUBJECT_LENGTH, Mail, MailState, ReturnReason
from streamhub.text import clean_line, clean_text

S = MailState

NEXT_STATES: Mapping[MailState, frozenset[MailState]] = {
    S.DRAFT: frozenset({S.QUEUED, S.DISCARDED}),
    S.QUEUED: frozenset({S.SENDING, S.DRAFT, S.DISCARDED}),
    S.SENDING: frozenset({S.SENT, S.QUEUED, S.FAILED}),
    S.SENT: frozenset(),
    S.FAILED: frozenset({S.QUEUED, S.DRAFT, S.DISCARDED}),
    S.DISCARDED: frozenset({S.DRAFT}),
}
"""Steps by name; `SENDING` is the intent that is written down before the mail server hears a word."""

EDITABLE = frozenset({S.DRAFT, S.FAILED})
"""What is on its way, or out, is not changed any more."""

_FIRST_PAUSE_S = 60
_LONGEST_PAUSE_S = 2 * 3600
_MOST_TRIES = 90
"""About a week: seven pauses that double up to an hour and more, then one of two hours each."""


def plan_mail_id(secret: bytes, *, kind: str, recipient: str, object: str, version: str = "1") -> str:  # noqa: A002  the noun's word
    """The id of the one mail that there can be for a reason; keyed, so that it does not tell the address."""
    reason = "\0".join((kind, recipient, object, version)).encode()
    digest = hmac.new(secret, b"mail\0" + reason, hashlib.sha256).digest()
    return base64.b32encode(digest[:15]).decode().lower()


def plan_message_id(mail: Mail, domain: str) -> str:
    """The Message-ID: the same at every attempt, whatever the sender's address has become meanwhile."""
    return mail.message_id or f"{mail.id}@{domain}"


def list_steps(mail: Mail) -> frozenset[MailState]:
    """The states that a mail can be brought to; one that came back can be sent again."""
    again = {S.QUEUED} if mail.state is S.SENT and mail.returned else set()
    return NEXT_STATES[mail.state] | again


def explain_return(status: str) -> ReturnReason:
    """What a status code of a delivery report means (RFC 3463 and IANA's registry of enhanced status codes)."""
    subject, _, detail = status.partition(".")[2].partition(".")
    if (subject, detail) in {("1", "8"), ("1", "7")} or subject == "7":
        return ReturnReason.REFUSED
    if (subject, detail) in {("1", "2"), ("1", "10")} or subject == "4":
        return ReturnReason.UNREACHABLE
    if subject == "1" or (subject, detail) in {("2", "0"), ("2", "1")}:
        return ReturnReason.UNKNOWN
    if (subject, detail) == ("2", "2"):
        return ReturnReason.FULL
    if (subject, detail) in {("2", "3"), ("3", "4")}:
        return ReturnReason.TOO_LARGE
    return ReturnReason.OTHER


def decide_step(mail: Mail, to: MailState) -> Mail:
    """The mail after a step; a step to where it is already changes nothing.

    Raises:
        Conflict: the step is not allowed from here, or the recipient's address was deleted.
    """
    if to is mail.state:
        return mail
    if to not in list_steps(mail):
        raise Conflict(f"mail {mail.id}: is {mail.state}, cannot become {to}", hint="reload the page and look again")
    if to is S.QUEUED and not mail.recipient:
        raise Conflict(f"mail {mail.id}: its address was deleted", hint="nothing more can be sent to this person")
    return replace(mail, state=to)


def decide_edit(mail: Mail, *, subject: str, body: str, edition: int) -> Mail:
    """The mail with another text.

    Raises:
        Conflict: it is on its way or out already, or somebody else changed it meanwhile.
        BadInput: nothing is left of subject or text, or it is too long.
    """
    if mail.state not in EDITABLE:
        raise Conflict(f"mail {mail.id}: is {mail.state}, is not changed any more")
    if mail.edition != edition:
        raise Conflict(f"mail {mail.id}: somebody else changed it meanwhile", hint="reload the page and look again")
    return replace(
        mail,
        subject=clean_line(subject, max_length=MAX_SUBJECT_LENGTH, what="subject"),
        body=clean_text(body, max_length=MAX_BODY_LENGTH, what="text"),
        edition=mail.edition + 1,
    )


def plan_pause(tries: int) -> timedelta | None:
    """How long to wait after so many failed attempts: longer each time; None: give up."""
    if tries >= _MOST_TRIES:
        return None
    return timedelta(seconds=min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(max(tries, 1) - 1, 16)))


def decide_retry(mail: Mail, problem: str, *, at: datetime) -> Mail:
    """The mail after an attempt that failed for now: waiting for the next one, or given up."""
    tries = mail.tries + 1
    pause = plan_pause(tries)
    if pause is None:
        return replace(mail, state=S.FAILED, tries=tries, retry_at=None, problem=problem)
    return replace(mail, state=S.QUEUED, tries=tries, retry_at=at + pause, problem=problem)


def mask_address(address: str) -> str:
    """An address as hosts may see it: its first letter and its domain."""
    local, _, domain = address.partition("@")
    return f"{local[:1]}…@{domain}" if domain else ""
