"""The noun of the outbox: one mail to one person, for one reason.

Refuses to know what the reasons are and how mail travels.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MAX_SUBJECT_LENGTH = 200
MAX_BODY_LENGTH = 10_000
TO_ASKERS = "answered"
"""The kind of mails to people who asked; their names stay apart from their addresses, whoever they are."""


class MailState(StrEnum):
    """Where a mail is on its way; allowed steps stand in `streamhub.outbox.rules.NEXT_STATES`."""

    DRAFT = "draft"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    DISCARDED = "discarded"


class ReturnReason(StrEnum):
    """Why a mail came back, as far as hosts can do something about it."""

    UNKNOWN = "unknown"
    FULL = "full"
    REFUSED = "refused"
    TOO_LARGE = "too_large"
    UNREACHABLE = "unreachable"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """One mail to one person.

    Attributes:
        id: made of kind, recipient, object and version, so that there are never two mails for one reason.
        kind: the reason, such as ``answered``.
        object: id of what it is about.
        version: of that; a new one is a new reason.
        followed: id of what its reader had asked to hear about, of which it may hold words too; empty: of nothing else.
        recipient: the address; empty once it was deleted.
        language: ``de`` or ``en``.
        subject: one line.
        body: plain text; paragraphs are separated by blank lines.
        leave_url: where the recipient says that he wants no more of these; empty for none.
        calendar: an iCalendar text with a method that goes along, so that calendars understand it; empty for none.
        state: where it is.
        made_at: when, UTC.
        sent_at: when the mail server took it, UTC; None before.
        message_id: the header, without brackets; drawn up before the first attempt and kept from then on.
        tries: attempts that failed.
        retry_at: not before, UTC; None: at once.
        problem: what went wrong last; names no address.
        edition: rises with each change, so that two hosts never overwrite each other.
        returned: the status code with which it came back after it was sent (RFC 3463); empty: it did not.
    """

    id: str
    kind: str
    object: str
    version: str = "1"
    followed: str = ""
    recipient: str
    language: str
    subject: str
    body: str
    leave_url: str = ""
    calendar: str = ""
    state: MailState = MailState.DRAFT
    made_at: datetime
    sent_at: datetime | None = None
    message_id: str = ""
    tries: int = 0
    retry_at: datetime | None = None
    problem: str = ""
    edition: int = 1
    returned: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Letterhead:
    """Who writes.

    Attributes:
        address: of the sender.
        name: shown beside it; may be empty.
        links: beginnings of the addresses that may become links in a mail; every other address stays text.
        return_address: where mail servers send what cannot be delivered; empty: to the sender's address.
    """

    address: str
    name: str = ""
    links: tuple[str, ...] = ()
    return_address: str = ""

    @property
    def envelope(self) -> str:
        """The address that travels beside the letter, to which it comes back."""
        return self.return_address or self.address

    @property
    def domain(self) -> str:
        """The sender's domain, in which Message-IDs are drawn up."""
        return self.address.rpartition("@")[2]
