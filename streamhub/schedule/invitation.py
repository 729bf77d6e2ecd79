"""The noun of an invitation: one person asked into one session, what he said, what hosts said, and what he was told.

An accepted invitation is not confirmed: the person says that he can, and hosts say that he is in. Whoever is certain
stands among the session's participants. What changed in time, place or status is told once, with a sequence that
rises; words that change are not. Pure; refuses to know mails and calendars.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from streamhub.schedule.people import Person
from streamhub.schedule.show import Participant, Role, Session, SessionState
from streamhub.timecode import format_instant

INVITATION = "invitation"
"""The kind of mails that invite, and tell what follows."""
CONSENT_VERSION = "2026-11-28"
"""The version of the words with which consent is asked; a new one wherever they change in meaning."""


class Reply(StrEnum):
    """What the invited person said."""

    NONE = "none"
    ACCEPTED = "accepted"
    TENTATIVE = "tentative"
    DECLINED = "declined"


class Purpose(StrEnum):
    """What somebody consents to."""

    LIVE = "live"
    RECORDING = "recording"
    TRANSCRIPT = "transcript"
    CLIPS = "clips"
    NAME = "name"


def list_purposes(role: Role) -> tuple[Purpose, ...]:
    """What somebody in a role is asked to consent to; nothing where nobody sees or hears him."""
    return tuple(Purpose) if role.on_air else ()


PUBLISHING = frozenset({Purpose.RECORDING, Purpose.TRANSCRIPT})
"""Without these nothing that somebody says is published."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentWord:
    """What somebody said about one purpose.

    Attributes:
        purpose: for what.
        given: whether it is a yes.
        text_version: of the words with which it was asked.
        at: when, UTC.
        again_at: when he said so again before going live, UTC; None: not yet.
    """

    purpose: Purpose
    given: bool
    text_version: str
    at: datetime
    again_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """Where the people of a session meet.

    Attributes:
        session_id: the session.
        url: of the studio; ``{key}`` in it becomes a key of each person's own, ``{name}`` his name, ``{room}`` a key
            of the session that all share; may be empty.
        view_url: where producers get one person's picture, with the same places to fill; may be empty.
        instructions: for the green room, plain text; may be empty.
    """

    session_id: str
    url: str = ""
    view_url: str = ""
    instructions: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Invitation:
    """One person asked into one session.

    Attributes:
        session_id: the session.
        person_id: the person.
        role: in the session.
        made_at: when he was asked, UTC.
        reply: what he said.
        replied_at: when, UTC; None: not yet.
        confirmed_at: when hosts said that he is in, UTC; None: not yet.
        left_at: when he took his yes back although he was confirmed, UTC; None: he did not, or is confirmed again.
        withdrawn_at: when hosts took the invitation back, UTC; None: it stands.
        sequence: of the last thing that he was told.
        told: that thing, as `plan_told` writes it; empty: nothing, or that it is off.
        note: from hosts to him alone, plain text; may be empty.
        shown_as: his name in this session, which tells two guests of one name apart; empty: his own.
        asked_sequence: of the version with which he was asked last; an answer to an older one means another time.
        name_version: of his personal links when he was asked; part of the entry's name in his calendar.
        link_version: of his personal links in what he was told last.
        renewed_sequence: from which on he was told of his present links, if those before were called worthless; an
            answer to less may come from whoever has an old mail. 0: they were not.
    """

    session_id: str
    person_id: str
    role: Role
    made_at: datetime
    reply: Reply = Reply.NONE
    replied_at: datetime | None = None
    confirmed_at: datetime | None = None
    left_at: datetime | None = None
    withdrawn_at: datetime | None = None
    sequence: int = 0
    told: str = ""
    note: str = ""
    shown_as: str = ""
    asked_sequence: int = 0
    name_version: int = 1
    link_version: int = 1
    renewed_sequence: int = 0

    @property
    def stands(self) -> bool:
        """Whether hosts have not taken it back."""
        return self.withdrawn_at is None

    @property
    def certain(self) -> bool:
        """Whether both sides said yes."""
        return self.stands and self.reply is Reply.ACCEPTED and self.confirmed_at is not None

    @property
    def missing(self) -> bool:
        """Whether hosts had counted on him and he does not come."""
        return self.stands and self.left_at is not None and not self.certain


_OFF = frozenset({SessionState.CANCELLED, SessionState.MOVED})
_BEFORE = frozenset(
    {SessionState.DRAFT, SessionState.SCHEDULED, SessionState.OPEN, SessionState.REHEARSAL, *_OFF},
)


class Telling(StrEnum):
    """What an invited person is to be told."""

    ASKED = "asked"
    NEW_TIME = "new_time"
    CONFIRMED = "confirmed"
    CHANGED = "changed"
    RENEWED = "renewed"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"
    POSTPONED = "postponed"

    @property
    def calls_off(self) -> bool:
        """Whether it takes the date out of calendars."""
        return self in {Telling.WITHDRAWN, Telling.CANCELLED, Telling.POSTPONED}


def plan_told(invitation: Invitation, session: Session, room: Room) -> str:
    """What matters of a session to somebody invited: time, place, and whether it is certain."""
    facts = {
        "starts_at": format_instant(session.starts_at),
        "minutes": session.planned_minutes,
        "zone": session.zone,
        "certain": invitation.certain,
        "room": room.url if invitation.certain else "",
    }
    return json.dumps(facts, sort_keys=True)


def decide_telling(
    invitation: Invitation, session: Session, room: Room, *, link_version: int, now: datetime
) -> Telling | None:
    """What an invited person is to be told now that he has not been told; None for nothing.

    Whoever declined hears again only when the time is another one. Who knows only links that are worthless by now gets
    the invitation anew, with those that work.
    """
    if session.state not in _BEFORE or session.ends_at < now:
        return None
    if not invitation.stands or session.state in _OFF:
        return _decide_off(invitation, session)
    if not invitation.told:
        return Telling.ASKED
    change = _decide_change(invitation, plan_told(invitation, session, room))
    if change is None and invitation.link_version != link_version and invitation.reply is not Reply.DECLINED:
        return Telling.RENEWED
    return change


def renew_links(invitation: Invitation, link_version: int, *, leap: int) -> Invitation:
    """The invitation with the personal links that its person is about to be told; what he said stays.

    Where he knew others the sequence leaps by a number that nobody can guess: calendar programs name it in what they
    answer (RFC 5546, 3.2.3), so that an answer with it comes from whoever got the new mail, while the entry in the
    calendar stays the same one.
    """
    if invitation.link_version == link_version:
        return invitation
    renewed = invitation.sequence + leap if invitation.sequence or invitation.told else 0
    return replace(
        invitation,
        link_version=link_version,
        sequence=max(renewed, invitation.sequence),
        renewed_sequence=renewed,
        asked_sequence=max(renewed, invitation.asked_sequence),
    )


def _decide_change(invitation: Invitation, wanted: str) -> Telling | None:
    before, after = json.loads(invitation.told), json.loads(wanted)
    # Mails lead to the door, which knows the way: another address of the studio is no news.
    before["room"], after["room"] = bool(before["room"]), bool(after["room"])
    if (before["starts_at"], before["minutes"]) != (after["starts_at"], after["minutes"]):
        return Telling.NEW_TIME
    if before == after or invitation.reply is Reply.DECLINED:
        return None
    return Telling.CONFIRMED if after["certain"] and not before["certain"] else Telling.CHANGED


def _decide_off(invitation: Invitation, session: Session) -> Telling | None:
    if not invitation.told or invitation.reply is Reply.DECLINED:
        return None
    if not invitation.stands:
        return Telling.WITHDRAWN
    return Telling.CANCELLED if session.state is SessionState.CANCELLED else Telling.POSTPONED


def decide_told(invitation: Invitation, telling: Telling, session: Session, room: Room) -> Invitation:
    """The invitation after its person was told; a new time asks him anew, and so does a date that is off."""
    if telling is Telling.WITHDRAWN:
        return replace(invitation, sequence=invitation.sequence + 1, told="")
    if telling.calls_off:
        return replace(_ask_anew(invitation), sequence=invitation.sequence + 1, told="")
    if telling is Telling.NEW_TIME:
        invitation = _ask_anew(invitation)
    sequence = invitation.sequence if not invitation.told and not invitation.sequence else invitation.sequence + 1
    asks = telling in {Telling.ASKED, Telling.NEW_TIME}
    return replace(
        invitation,
        sequence=sequence,
        told=plan_told(invitation, session, room),
        asked_sequence=sequence if asks else invitation.asked_sequence,
    )


def is_answerable(session: Session, *, now: datetime) -> bool:
    """Whether who is invited into a session may still say whether he comes."""
    return session.state in _BEFORE - {SessionState.CANCELLED} and session.ends_at > now


def _ask_anew(invitation: Invitation) -> Invitation:
    return replace(invitation, reply=Reply.NONE, replied_at=None, confirmed_at=None, left_at=None)


def decide_reply(invitation: Invitation, reply: Reply, *, at: datetime) -> Invitation:
    """The invitation after its person answered; whoever does not come any more is not confirmed any more."""
    if reply is invitation.reply:
        return invitation
    if reply is Reply.ACCEPTED:
        return replace(invitation, reply=reply, replied_at=at)
    left_at = at if invitation.certain else invitation.left_at
    return replace(invitation, reply=reply, replied_at=at, confirmed_at=None, left_at=left_at)


def place_person(session: Session, person: Person, invitation: Invitation) -> Session:
    """The session with a person among its participants if he is certain, and without him if not.

    Who is not on air never stands there.
    """
    if not invitation.role.on_air:
        return session
    name = invitation.shown_as or person.name
    mine = [one for one in session.participants if one.name == name and one.role is invitation.role]
    if invitation.certain and not mine:
        about = person.about or person.organisation
        fresh = Participant(name=name, role=invitation.role, about=about)
        return replace(session, participants=(*session.participants, fresh))
    if not invitation.certain and mine:
        return replace(session, participants=tuple(one for one in session.participants if one not in mine))
    return session
