"""The sessions of one person: what his own page tells of them, what he answers there, and his calendar. Mostly pure.

Of others a person sees names of who is certain, never an address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from streamhub.schedule.invitation import (
    CONSENT_VERSION,
    PUBLISHING,
    ConsentWord,
    Invitation,
    Purpose,
    Reply,
    decide_reply,
)
from streamhub.schedule.itip import Appointment
from streamhub.schedule.people import Person
from streamhub.schedule.show import Session, SessionState
from streamhub.store import invitations as rows
from streamhub.store import shows as show_rows
from streamhub.store.announcements import load_revisions
from streamhub.web.rooms import plan_room_url, plan_uid

SHOWN_AFTER = timedelta(days=3 * 365)
"""So long after a session consent to it can be taken back on the page; later by writing to the host."""

_OPEN = frozenset(
    {
        SessionState.DRAFT,
        SessionState.SCHEDULED,
        SessionState.OPEN,
        SessionState.REHEARSAL,
        SessionState.MOVED,
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class MyDate:
    """One session of a person.

    Attributes:
        session: which.
        show_title: of its show.
        invitation: his.
        room_url: his own way into the studio; empty unless he is certain.
        instructions: for the green room; empty unless he is certain.
        others: names of who else takes part.
        words: what he consents to.
        open: whether he can still answer.
        revision: rises with each change of session or invitation.
    """

    session: Session
    show_title: str
    invitation: Invitation
    room_url: str
    instructions: str
    others: tuple[str, ...]
    words: Mapping[Purpose, ConsentWord]
    open: bool
    revision: int


def list_my_dates(db: Database, secret: bytes, person: Person, *, now: datetime) -> list[MyDate]:
    """A person's sessions: those to come first, the next one at the top, then those that are over."""
    titles = {show.id: show.title for show in show_rows.list_shows(db)}
    found = []
    for invitation in rows.list_invitations(db, person_id=person.id):
        session = show_rows.load_session(db, invitation.session_id)
        if not invitation.stands or session.starts_at < now - SHOWN_AFTER:
            continue
        room = rows.load_room(db, session.id)
        found.append(
            MyDate(
                session=session,
                show_title=titles[session.show_id],
                invitation=invitation,
                room_url=plan_room_url(secret, room, person) if invitation.certain else "",
                instructions=room.instructions if invitation.certain else "",
                others=tuple(one.name for one in session.participants if one.name != person.name),
                words=rows.list_words(db, session.id, person.id),
                open=session.state in _OPEN and _ends_at(session) > now,
                revision=invitation.sequence + load_revisions(db, session.id).count,
            )
        )
    return sorted(found, key=lambda one: _order(one.session, now))


def _order(session: Session, now: datetime) -> tuple[bool, float]:
    over = _ends_at(session) <= now
    return over, -session.starts_at.timestamp() if over else session.starts_at.timestamp()


def _ends_at(session: Session) -> datetime:
    return session.starts_at + timedelta(minutes=session.planned_minutes)


def parse_words(form: Mapping[str, str], *, at: datetime) -> list[ConsentWord]:
    """What was said about purposes; what was not touched is not in it."""
    return [
        ConsentWord(purpose=one, given=form[f"for_{one}"] == "yes", text_version=CONSENT_VERSION, at=at)
        for one in Purpose
        if form.get(f"for_{one}") in {"yes", "no"}
    ]


def save_answer(
    db: Database, person: Person, session_id: str, form: Mapping[str, str], *, at: datetime, still_open: bool
) -> bool | None:
    """Keep what a person answered; returns what it means for publishing, None for nothing new.

    Args:
        db: the database.
        person: who.
        session_id: which session.
        form: what was sent.
        at: now, UTC.
        still_open: whether the answer itself may still change; consent always may.

    Raises:
        NotFound: he is not invited.
    """
    before = rows.load_invitation(db, session_id, person.id)
    wanted = form.get("reply", "")
    if still_open and before.stands and wanted in {Reply.ACCEPTED, Reply.TENTATIVE, Reply.DECLINED}:
        after = decide_reply(before, Reply(wanted), at=at)
        if after is not before:
            rows.change_invitation(db, after, f"invitation.reply.{after.reply}", at=at, author="")
    known = rows.list_words(db, session_id, person.id)
    said = [
        one for one in parse_words(form, at=at) if one.purpose not in known or known[one.purpose].given != one.given
    ]
    rows.save_words(db, session_id, person, said)
    return decide_publishing({**known, **{one.purpose: one for one in said}}) if said else None


def decide_publishing(words: Mapping[Purpose, ConsentWord]) -> bool | None:
    """Whether what somebody says may be published: a single no forbids it; None where he has not said it all."""
    needed = [words.get(one) for one in PUBLISHING]
    if any(word is not None and not word.given for word in needed):
        return False
    return True if all(word is not None for word in needed) else None


def plan_appointment(secret: bytes, person: Person, one: MyDate, *, page_url: str) -> Appointment:
    """A session in the person's own calendar."""
    session = one.session
    return Appointment(
        uid=plan_uid(secret, session.id, person.id),
        sequence=one.revision,
        stamp=one.invitation.replied_at or one.invitation.made_at,
        starts_at=session.starts_at,
        zone=session.zone,
        minutes=session.planned_minutes,
        title=f"{session.title} – {one.show_title}",
        text="\n\n".join(text for text in (one.instructions, page_url) if text),
        place=one.room_url,
        url=page_url,
        certain=one.invitation.certain,
        off=session.state is SessionState.CANCELLED,
    )
