"""The sessions of one person: what his own page tells of them, what he answers there, and his calendar. Mostly pure.

Of others a person sees names of who is certain, never an address.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlite_utils import Database

from streamhub.schedule.invitation import (
    CONSENT_VERSION,
    ConsentWord,
    Invitation,
    Purpose,
    Reply,
    decide_reply,
    is_answerable,
    list_purposes,
)
from streamhub.schedule.itip import Appointment
from streamhub.schedule.people import Person
from streamhub.schedule.show import Role, Session, SessionState
from streamhub.store import invitations as rows
from streamhub.store import rooms as room_rows
from streamhub.store import shows as show_rows
from streamhub.store.announcements import load_revisions
from streamhub.web.rooms import plan_room_url, plan_uid

_LEADING = frozenset({Role.HOST, Role.PRODUCER})
SHOWN_AFTER = timedelta(days=3 * 365)
"""So long after a session consent to it can be taken back on the page; later by writing to the host."""


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
        purposes: what he is asked to consent to.
        runs_show: whether he sees the run of show: who leads the session, in front of the camera or behind it.
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
    purposes: tuple[Purpose, ...]
    runs_show: bool


def list_my_dates(db: Database, secret: bytes, person: Person, *, now: datetime) -> list[MyDate]:
    """A person's sessions: those to come first, the next one at the top, then those that are over."""
    titles = {show.id: show.title for show in show_rows.list_shows(db)}
    found = []
    for invitation in rows.list_invitations(db, person_id=person.id):
        session = show_rows.load_session(db, invitation.session_id)
        if not invitation.stands or session.starts_at < now - SHOWN_AFTER:
            continue
        room, shown = room_rows.load_room(db, session.id), invitation.shown_as or person.name
        found.append(
            MyDate(
                session=session,
                show_title=titles[session.show_id],
                invitation=invitation,
                room_url=plan_room_url(secret, room, person) if invitation.certain else "",
                instructions=room.instructions if invitation.certain else "",
                others=tuple(
                    one.name for one in session.participants if not invitation.role.on_air or one.name != shown
                ),
                words=rows.list_words(db, session.id, person.id),
                open=is_answerable(session, now=now),
                revision=invitation.sequence + load_revisions(db, session.id).count,
                purposes=list_purposes(invitation.role),
                runs_show=invitation.certain and invitation.role in _LEADING,
            )
        )
    return sorted(found, key=lambda one: _order(one.session, now))


def _order(session: Session, now: datetime) -> tuple[bool, float]:
    over = session.ends_at <= now
    return over, -session.starts_at.timestamp() if over else session.starts_at.timestamp()


def parse_words(form: Mapping[str, str], purposes: Iterable[Purpose], *, at: datetime) -> list[ConsentWord]:
    """What was said about purposes; what was not touched is not in it."""
    return [
        ConsentWord(purpose=one, given=form[f"for_{one}"] == "yes", text_version=CONSENT_VERSION, at=at)
        for one in purposes
        if form.get(f"for_{one}") in {"yes", "no"}
    ]


def save_answer(
    db: Database, person: Person, session_id: str, form: Mapping[str, str], *, at: datetime, still_open: bool
) -> bool:
    """Keep what a person answered; says whether he consents to anything else than before.

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
        one for one in parse_words(form, list_purposes(before.role), at=at) if _is_other(one, known.get(one.purpose))
    ]
    rows.save_words(db, session_id, person, said)
    return bool(said)


def save_again(db: Database, person: Person, session_id: str, form: Mapping[str, str], *, at: datetime) -> bool:
    """Keep what a person answered when he was asked again before going live; says whether anything is another answer.

    A word that stays keeps its time; when it was said again stands beside it.
    """
    known = rows.list_words(db, session_id, person.id)
    role = rows.load_invitation(db, session_id, person.id).role
    said = parse_words(form, list_purposes(role), at=at)
    kept = [one if _is_other(one, known.get(one.purpose)) else known[one.purpose] for one in said]
    rows.save_words(db, session_id, person, [replace(one, again_at=at) for one in kept])
    return any(_is_other(one, known.get(one.purpose)) for one in said)


def _is_other(word: ConsentWord, before: ConsentWord | None) -> bool:
    """Whether a word says something else than the one before, or to other words."""
    return before is None or (before.given, before.text_version) != (word.given, word.text_version)


def plan_appointment(secret: bytes, person: Person, one: MyDate, *, page_url: str) -> Appointment:
    """A session in the person's own calendar."""
    session = one.session
    return Appointment(
        uid=plan_uid(secret, one.invitation),
        sequence=one.revision,
        stamp=one.invitation.replied_at or one.invitation.made_at,
        starts_at=session.starts_at,
        zone=session.zone,
        minutes=session.planned_minutes,
        title=session.title if one.show_title == session.title else f"{session.title} – {one.show_title}",
        text="\n\n".join(text for text in (one.instructions, page_url) if text),
        place=f"{page_url}/s/{session.id}/studio" if one.room_url else "",
        url=page_url,
        certain=one.invitation.certain,
        off=session.state in {SessionState.CANCELLED, SessionState.MOVED},
    )
