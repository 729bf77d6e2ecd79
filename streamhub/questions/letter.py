"""A mail as bytes, read into what matters of it: who wrote, to which session, in reply to what, and in which words.

Pure. Whatever is wrong with the bytes, a `Letter` comes out: mails are the most damaged data there is. Refuses to know
where mails come from and what a question is. No address of a person leaves this file but in `Letter.author_ref`,
which is kept as a keyed digest alone, and a `Letter.author` that is nothing but a name.

Source: RFC 5322, RFC 2045-2047, RFC 3834 (automatic answers), RFC 2919 (lists), RFC 5233 (plus-addressing).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import Message
from email.parser import BytesParser
from email.utils import getaddresses, parsedate_to_datetime

from streamhub.questions.mail_parts import (
    MAX_HEADER,
    MAX_REFS,
    MAX_TEXT,
    header_text,
    is_attached,
    list_leaves,
    message_ids,
    part_text,
    ref_of,
)
from streamhub.questions.markup import plan_text
from streamhub.questions.own_words import find_own_words

_RECIPIENTS = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To", "Cc")
_REPLY = re.compile(r"\A(?:\s*(?:re|aw|antw|antwort|sv|rif)(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE)
_FORWARDED = re.compile(r"\s*(?:fwd?|wg|wtr|i)\s*:", re.IGNORECASE)
_PREFIXES = re.compile(r"\A(?:\s*(?:re|aw|antw|antwort|fwd?|wg|wtr|sv)(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE)
_NO_SUBJECT = re.compile(
    r"\s*(?:(?:meine?|eine?|my|a|die|the|noch eine)?\s*(?:frage|fragen|question|questions)"
    r"(?:\s+(?:zur|zum|an die|für die|an das|about the|for the|zu der)\s+[\w-]+(?:\s+[\w-]+)?)?"
    r"|\(?kein betreff\)?|\(?no subject\)?|hallo|hi|hello|anfrage|request|mail|e-mail|test)?[\s.!:]*",
    re.IGNORECASE,
)
_AUTOMATIC_SUBJECT = re.compile(
    r"\s*(?:automatische antwort|automatic reply|auto(?:matic)?[- ]?(?:reply|response)|abwesenheits(?:notiz|nachricht)"
    r"|abwesend\b|out of (?:the )?office|undeliver(?:ed|able)|unzustellbar|delivery (?:status|failure)"
    r"|mail delivery (?:failed|system)|returned mail|gelesen:|read:|nicht gelesen:|zugesagt:|accepted:|abgelehnt:"
    r"|declined:|mit vorbehalt:|tentative:|lesebestätigung|übermittlungsstatus|fehler bei der zustellung)",
    re.IGNORECASE,
)
_MACHINES = re.compile(
    r"(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|donotreply|noreply[\w.-]*|bounces?|bounce[+-].*|notifications?)",
    re.IGNORECASE,
)
_MACHINE_TYPES = frozenset({"multipart/report", "message/delivery-status", "text/calendar"})
_ENCRYPTED = frozenset({"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """A mail, read.

    Attributes:
        ref: digest of its Message-ID, or of the whole mail where it has none.
        reply_to: refs of the mails that it replies to, the nearest first.
        author: name of the sender; may be empty.
        author_ref: address of the sender, lower case; may be empty.
        addressed_to: what stands behind the plus in the address that it was sent to; empty: nothing.
        text: what was asked, subject included where it says something of its own; may be empty.
        at: when it says it was written, UTC; None when it does not say so.
        automatic: whether a machine wrote it: an absence note, a bounce, a list, a calendar.
        unreadable: whether it is encrypted.
        suspect: whether the mail server took it for spam.
    """

    ref: str
    reply_to: tuple[str, ...] = ()
    author: str = ""
    author_ref: str = ""
    addressed_to: str = ""
    text: str = ""
    at: datetime | None = None
    automatic: bool = False
    unreadable: bool = False
    suspect: bool = False


def parse_letter(raw: bytes, *, address: str = "") -> Letter:
    """Read a mail.

    Args:
        raw: as the server gave it.
        address: that people write to; what stands behind a plus in it says which session is meant. Mail from this
            address is our own and counts as automatic.
    """
    mail = BytesParser(policy=policy.compat32).parsebytes(raw)
    subject = header_text(mail, "Subject")
    name, sender = _sender(mail)
    reply_to = [ref_of(one) for one in message_ids(mail, "In-Reply-To")[:1]]
    reply_to += [ref_of(one) for one in reversed(message_ids(mail, "References"))]
    own = message_ids(mail, "Message-ID")
    return Letter(
        ref=ref_of(own[0]) if own else ref_of(hashlib.sha256(raw).hexdigest()),
        reply_to=tuple(dict.fromkeys(reply_to))[:MAX_REFS],
        author=name,
        author_ref=sender,
        addressed_to=_addressed_to(mail, address),
        text=_text(mail, subject),
        at=_written_at(mail),
        automatic=_is_automatic(mail, subject, sender) or bool(address and sender == address.lower()),
        unreadable=mail.get_content_type() in _ENCRYPTED,
        suspect=header_text(mail, "X-Spam-Flag").strip().lower() == "yes",
    )


def session_address(address: str, session_id: str) -> str:
    """The address of a session: ``fragen+<session>@firma.de``; empty where mails have no address."""
    local, at, domain = address.partition("@")
    return f"{local}+{session_id}@{domain}" if at else ""


def is_automatic_subject(subject: str) -> bool:
    """Whether a subject is one that machines write."""
    return bool(_AUTOMATIC_SUBJECT.match(_PREFIXES.sub("", subject, count=1) if _REPLY.match(subject) else subject))


# Headers.


def _sender(mail: Message) -> tuple[str, str]:
    """Name and address of whoever wrote it; the name is empty when it is an address."""
    found = getaddresses([header_text(mail, "From") or header_text(mail, "Sender")])
    name, address = found[0] if found else ("", "")
    if not address and "@" in name:
        name, address = "", name
    plain = name.strip(" \"'")
    if "@" in plain:
        plain = ""
    surname, comma, first = plain.partition(",")
    if comma and first.strip() and len(plain.split()) <= 4:  # "Berg, Anna", as Outlook writes it
        plain = f"{first.strip()} {surname.strip()}"
    return plain, address.strip().lower()


def _addressed_to(mail: Message, address: str) -> str:
    local, at, domain = address.lower().partition("@")
    if not at:
        return ""
    values = [str(value)[:MAX_HEADER] for name in _RECIPIENTS for value in mail.get_all(name, [])]
    for _, found in getaddresses(values):
        to, _, its_domain = found.lower().rpartition("@")
        if its_domain == domain and to.startswith(f"{local}+"):
            return to.removeprefix(f"{local}+")[:120]
    return ""


def _written_at(mail: Message) -> datetime | None:
    try:
        at = parsedate_to_datetime(header_text(mail, "Date"))
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def _is_automatic(mail: Message, subject: str, sender: str) -> bool:
    auto = header_text(mail, "Auto-Submitted").lower().partition(";")[0].strip()
    precedence = header_text(mail, "Precedence").lower()
    return (
        auto not in {"", "no"}
        or precedence in {"bulk", "junk", "list", "auto_reply"}
        or any(mail.get(name) for name in ("List-Id", "List-Unsubscribe", "X-Autoreply", "X-Autorespond"))
        or header_text(mail, "X-Auto-Response-Suppress").lower() == "all"
        or header_text(mail, "Return-Path").strip() == "<>"
        or mail.get_content_type() in _MACHINE_TYPES
        or any(part.get_content_type() == "text/calendar" for part in list_leaves(mail))
        or bool(_MACHINES.fullmatch(sender.partition("@")[0]))
        or is_automatic_subject(subject)
    )


# Text.


def _text(mail: Message, subject: str) -> str:
    forwarded = bool(_FORWARDED.match(subject))
    own = find_own_words(_body(mail), forwarded=forwarded)
    said = _PREFIXES.sub("", subject, count=1).strip()
    if not said or _NO_SUBJECT.fullmatch(said) or (own and _REPLY.match(subject)):
        return own
    plain, body = _letters(said), _letters(own)
    if plain and plain in body:
        return own
    return f"{said}\n\n{own}".strip()


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _body(mail: Message) -> str:
    """The text of a mail; that of its HTML where the plain text says nothing or much less."""
    plain, markup = _gather(mail)
    if not markup:
        return plain
    rendered = plan_text(markup)
    return plain if len(_letters(plain)) * 3 >= len(_letters(rendered)) and plain.strip() else rendered


def _gather(mail: Message) -> tuple[str, str]:
    plain: list[str] = []
    markup: list[str] = []
    for part in list_leaves(mail):
        kind = part.get_content_type()
        if kind in {"text/plain", "text/html"} and not is_attached(part):
            (plain if kind == "text/plain" else markup).append(part_text(part))
    return "\n".join(plain)[:MAX_TEXT], "\n".join(markup)[:MAX_TEXT]
