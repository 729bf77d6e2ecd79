"""What a guest's calendar program answers to an invitation (RFC 5546, 3.2.3 and 3.2.7), read and weighed. Pure.

Whose answer it is is told by the entry's name, which the hub draws for one guest of one session with its own key and
sends to him alone. A sender's address proves nothing and is not looked at. What is not sure to be the guest's own word
about the date as it stands changes nothing and is shown to hosts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from icalendar import Calendar, Component

from streamhub.errors import BadInput
from streamhub.schedule.invitation import Invitation, Reply
from streamhub.text import clean_text

MAX_COMMENT = 500
_MAX_SEQUENCE = 2**31
_SAID = {
    "ACCEPTED": Reply.ACCEPTED,
    "TENTATIVE": Reply.TENTATIVE,
    "DECLINED": Reply.DECLINED,
    "DELEGATED": Reply.DECLINED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Attendee:
    """Somebody in a calendar's answer.

    Attributes:
        address: lower case.
        state: his PARTSTAT, upper case; empty where there is none.
    """

    address: str
    state: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarReply:
    """What a calendar program answered.

    Attributes:
        uid: of the entry.
        sequence: of the version that is answered.
        attendees: who answers; mostly one.
        stamp: when it was written, UTC; None where it does not say so.
        counters: whether another time is proposed.
        proposed_at: that time, UTC; None where none is proposed or understood.
        comment: what the guest wrote along, cleaned; may be empty.
    """

    uid: str
    sequence: int
    attendees: tuple[Attendee, ...]
    stamp: datetime | None = None
    counters: bool = False
    proposed_at: datetime | None = None
    comment: str = ""


class Weight(StrEnum):
    """What an answer is worth."""

    COUNTS = "counts"
    REPEATED = "repeated"
    COUNTERED = "countered"
    DELEGATED = "delegated"
    STALE = "stale"
    OTHER = "other"
    RENEWED = "renewed"
    LATE = "late"
    UNCLEAR = "unclear"

    @property
    def decides(self) -> bool:
        """Whether it changes what the guest said."""
        return self in {Weight.COUNTS, Weight.COUNTERED, Weight.DELEGATED}


@dataclass(frozen=True, kw_only=True, slots=True)
class Weighed:
    """An answer with what it is worth.

    Attributes:
        weight: that.
        reply: what it says.
        at: when it was said, UTC; never later than it arrived.
    """

    weight: Weight
    reply: Reply
    at: datetime


def parse_calendar_reply(text: str) -> CalendarReply | None:
    """What a calendar program answered; None where the text is no answer, whatever is wrong with it."""
    try:
        calendar = Calendar.from_ical(text)
        method = str(calendar.get("method", "")).strip().upper()
        events = calendar.walk("VEVENT")
        if method not in {"REPLY", "COUNTER"} or len(events) != 1:
            return None
        return _read(events[0], counters=method == "COUNTER")
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return None


def _read(event: Component, *, counters: bool) -> CalendarReply | None:
    uid, sequence = str(event.get("uid", "")).strip(), int(event.get("sequence", 0))
    attendees = tuple(_attendees(event.get("attendee", [])))
    if not uid or not attendees or not 0 <= sequence < _MAX_SEQUENCE:
        return None
    return CalendarReply(
        uid=uid[:200],
        sequence=sequence,
        attendees=attendees,
        stamp=_instant(event, "dtstamp"),
        counters=counters,
        proposed_at=_instant(event, "dtstart") if counters else None,
        comment=_comment(event.get("comment") or _noted_beside(event.get("attendee"))),
    )


def _attendees(value: object) -> Iterable[Attendee]:
    found: list[Any] = value if isinstance(value, list) else [value]
    for one in found:
        address = str(one).strip().lower().removeprefix("mailto:").strip()
        if address:
            yield Attendee(address=address, state=str(one.params.get("PARTSTAT", "")).strip().upper())


def _noted_beside(attendees: object) -> str:
    """What a guest wrote along where his program writes it beside his address."""
    params = getattr(attendees, "params", {})
    return str(params.get("X-RESPONSE-COMMENT", ""))


def _instant(event: Component, name: str) -> datetime | None:
    found = event.decoded(name, None)
    if not isinstance(found, datetime):
        return None
    if found.tzinfo is None:  # RFC 5545 wants the stamp in UTC; a floating start means nothing to anybody else
        return found.replace(tzinfo=UTC) if name == "dtstamp" else None
    return found.astimezone(UTC)


def _comment(value: object) -> str:
    text = "\n".join(str(one) for one in value) if isinstance(value, list) else str(value)
    try:
        cleaned = clean_text(text[: 4 * MAX_COMMENT], max_length=4 * MAX_COMMENT, what="comment")
    except BadInput:
        return ""
    return cleaned if len(cleaned) <= MAX_COMMENT else cleaned[: MAX_COMMENT - 1].rstrip() + "…"


def weigh_reply(
    invitation: Invitation, reply: CalendarReply, *, address: str, link_version: int, still_open: bool, at: datetime
) -> Weighed:
    """What an answer to an invitation is worth.

    Args:
        invitation: that has the entry's name.
        reply: the answer.
        address: of the guest as hosts know it, lower case.
        link_version: of the guest's personal links; an entry that he was sent before the newest one proves nothing.
        still_open: whether the date may still be answered.
        at: when it arrived, UTC.
    """
    mine = next((one for one in reply.attendees if one.address == address and address), None)
    said_at = min(reply.stamp or at, at)
    said = _SAID.get((mine or reply.attendees[0]).state, Reply.TENTATIVE if reply.counters else Reply.NONE)
    weight = _decide_weight(invitation, reply, mine, said, link_version=link_version)
    overtaken = said_at < (invitation.replied_at or said_at) or reply.sequence < invitation.asked_sequence
    if weight.decides and (not still_open or not invitation.stands):
        weight = Weight.LATE
    if weight.decides and (overtaken or not invitation.told):
        weight = Weight.STALE
    if weight is Weight.COUNTS and said is invitation.reply:
        weight = Weight.REPEATED
    return Weighed(weight=weight, reply=said, at=said_at)


def _decide_weight(
    invitation: Invitation, reply: CalendarReply, mine: Attendee | None, said: Reply, *, link_version: int
) -> Weight:
    if not _is_told(invitation, reply, link_version=link_version):
        return Weight.RENEWED
    if mine is None:
        return Weight.OTHER
    if mine.state == "DELEGATED":
        return Weight.DELEGATED
    if reply.counters:
        return Weight.COUNTERED
    return Weight.UNCLEAR if said is Reply.NONE else Weight.COUNTS


def _is_told(invitation: Invitation, reply: CalendarReply, *, link_version: int) -> bool:
    """Whether an answer comes from somebody who got a mail with the present links, as far as there were others."""
    if invitation.link_version != link_version:
        return False
    return not invitation.renewed_sequence or invitation.renewed_sequence <= reply.sequence <= invitation.sequence
