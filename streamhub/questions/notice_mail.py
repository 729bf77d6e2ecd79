"""Mails that programs write about ours, as bytes: answers of calendars, and mails that came back. Pure.

A calendar's answer stands among the alternatives, as a file, or as the whole mail, in any charset (RFC 6047). A mail
came back for good where a delivery report says ``failed`` (RFC 3464); a report of a delay means nothing yet, and one
that does not name our mail means nothing at all. Whatever the bytes are, a notice comes out or None.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from email import policy
from email.message import Message
from email.parser import BytesParser, Parser

from streamhub.questions.mail_parts import list_leaves, message_ids, part_text, ref_of
from streamhub.questions.notice import Notice, Returned
from streamhub.schedule.calendar_reply import CalendarReply, parse_calendar_reply

MAX_REPLIES = 2
MAX_CALENDAR_CHARACTERS = 50_000
"""An answer has one entry and a time zone; whoever sends more wants the hub to work."""
MAX_RETURNED = 20

_MAYBE = re.compile(rb"text/calendar|application/ics|\.ics|delivery-status", re.IGNORECASE)
_ANSWERS = re.compile(r"^METHOD:\s*(?:REPLY|COUNTER)\s*$", re.MULTILINE | re.IGNORECASE)
_STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
_CALENDAR_TYPES = frozenset({"text/calendar", "application/ics"})


def parse_notice(raw: bytes) -> Notice | None:
    """What a mail says about one of ours; None where it is a mail like others.

    Args:
        raw: as the server gave it.
    """
    if not _MAYBE.search(raw):
        return None
    mail = BytesParser(policy=policy.compat32).parsebytes(raw)
    replies, returned = _find_replies(mail), _find_returned(mail)
    if not replies and not returned:
        return None
    own = message_ids(mail, "Message-ID")
    ref = ref_of(own[0]) if own else ref_of(hashlib.sha256(raw).hexdigest())
    return Notice(ref=ref, replies=replies, returned=returned)


def _find_replies(mail: Message) -> tuple[CalendarReply, ...]:
    """Answers of calendars, each once; requests and whatever else somebody sends along are none."""
    found: dict[str, None] = {}
    for part in list_leaves(mail):
        named = str(part.get_filename(failobj="")).lower().endswith(".ics")
        if part.get_content_type() not in _CALENDAR_TYPES and not named:
            continue
        text = part_text(part)[:MAX_CALENDAR_CHARACTERS].replace("\r\n", "\n").strip()
        if _ANSWERS.search(text):
            found[text] = None
    texts = [text for text in found if len(text) < MAX_CALENDAR_CHARACTERS][:MAX_REPLIES]
    return tuple(reply for text in texts if (reply := parse_calendar_reply(text)))


def _find_returned(mail: Message) -> tuple[Returned, ...]:
    """Our mails that a delivery report calls lost; it may name ours in what it returns, or in what it replies to."""
    statuses = [status for block in _report_blocks(mail) if (status := _failure_of(block))]
    if not statuses:
        return ()
    ids = [*_returned_ids(mail), *message_ids(mail, "In-Reply-To"), *message_ids(mail, "References")]
    found = [Returned(message_id=one, status=statuses[0]) for one in dict.fromkeys(ids)]
    return tuple(found[:MAX_RETURNED])


def _report_blocks(mail: Message) -> Iterator[Message]:
    """The groups of fields of a delivery report: one about the report, then one for each recipient."""
    for part in mail.walk():
        if part.get_content_type() == "message/delivery-status":
            inner: object = part.get_payload()
            yield from (one for one in (inner if isinstance(inner, list) else []) if isinstance(one, Message))


def _failure_of(block: Message) -> str:
    """The status code with which a recipient was given up; empty where he was not."""
    if str(block.get("Action") or "").strip().lower() != "failed":
        return ""
    found = _STATUS.search(str(block.get("Status") or "")) or _STATUS.search(str(block.get("Diagnostic-Code") or ""))
    return found[0] if found else "5.0.0"


def _returned_ids(mail: Message) -> list[str]:
    """Message-IDs of what a report returns: the mail itself, or its headers alone."""
    ids: list[str] = []
    for part in mail.walk():
        kind = part.get_content_type()
        inner: object = part.get_payload()
        if kind == "message/rfc822" and isinstance(inner, list) and inner and isinstance(inner[0], Message):
            ids += message_ids(inner[0], "Message-ID")
        elif kind == "text/rfc822-headers":
            ids += message_ids(Parser(policy=policy.compat32).parsestr(part_text(part), headersonly=True), "Message-ID")
    return ids
