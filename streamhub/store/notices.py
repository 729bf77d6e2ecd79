"""What programs wrote about our mails, as rows: answers of calendars, and mails that came back.

Owns the tables ``calendar_replies`` and ``returned_mails``. Each mail counts once, however often it is read. What an
answer is worth is `streamhub.schedule.calendar_reply`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from streamhub.outbox.mail import Mail
from streamhub.questions.notice import Returned
from streamhub.schedule.calendar_reply import Weight
from streamhub.schedule.invitation import Reply
from streamhub.store.mails import find_by_message_id, list_about_object
from streamhub.store.rows import Row, fetch_all, fetch_one, insert, instant_or_none, text_or_none
from streamhub.timecode import format_instant, parse_instant

MAX_REPLIES = 30
"""So many answers to one invitation are kept; nobody changes his mind more often than that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptReply:
    """An answer of a calendar as it is kept.

    Attributes:
        ref: of the mail that brought it.
        session_id, person_id: whose invitation it is about.
        at: when it was read, UTC.
        weight: what it is worth.
        reply: what it says.
        proposed_at: another time that is proposed, UTC; None: none.
        comment: what the guest wrote along; may be empty.
    """

    ref: str
    session_id: str
    person_id: str
    at: datetime
    weight: Weight
    reply: Reply
    proposed_at: datetime | None = None
    comment: str = ""


def keep_reply(db: Database, kept: KeptReply) -> bool:
    """Keep an answer; says False and changes nothing where its mail was read before, or there are too many."""
    sql = "select count(*) as n, coalesce(sum(ref = ?), 0) as known from calendar_replies "
    row = fetch_one(db, f"{sql} where session_id = ? and person_id = ?", kept.ref, kept.session_id, kept.person_id)
    if row is None or row["known"] or row["n"] >= MAX_REPLIES:
        return False
    insert(
        db,
        "calendar_replies",
        {
            "ref": kept.ref,
            "session_id": kept.session_id,
            "person_id": kept.person_id,
            "at": format_instant(kept.at),
            "weight": kept.weight.value,
            "reply": kept.reply.value,
            "proposed_at": text_or_none(kept.proposed_at),
            "comment": kept.comment,
        },
    )
    return True


def list_replies(db: Database, session_id: str) -> dict[str, list[KeptReply]]:
    """The answers to a session's invitations by person, the newest first."""
    found: dict[str, list[KeptReply]] = {}
    sql = "select * from calendar_replies where session_id = ? order by at desc, ref"
    for row in fetch_all(db, sql, session_id):
        found.setdefault(row["person_id"], []).append(_reply(row))
    return found


def keep_returned(db: Database, ref: str, returned: Returned, *, at: datetime) -> Mail | None:
    """Note that a mail of ours came back; None where it is none of ours, or its report was read before."""
    mail = find_by_message_id(db, returned.message_id)
    if mail is None or fetch_one(db, "select 1 as yes from returned_mails where ref = ? and mail_id = ?", ref, mail.id):
        return None
    row = {"ref": ref, "mail_id": mail.id, "status": returned.status, "at": format_instant(at)}
    insert(db, "returned_mails", row)
    return mail


def list_returned(db: Database, object_id: str) -> Mapping[str, str]:
    """Status codes of mails about something that came back, by address; who got a later mail about it is not in it."""
    newest = {mail.recipient: mail for mail in list_about_object(db, object_id) if mail.sent_at and mail.recipient}
    return {recipient: mail.returned for recipient, mail in newest.items() if mail.returned}


def _reply(row: Row) -> KeptReply:
    return KeptReply(
        **{
            **row,
            "at": parse_instant(row["at"]),
            "weight": Weight(row["weight"]),
            "reply": Reply(row["reply"]),
            "proposed_at": instant_or_none(row["proposed_at"]),
        }
    )
