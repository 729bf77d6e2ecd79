"""Invitations as rows: who is asked into which session, and what he consents to.

Owns the tables ``invitations`` and ``consent_words``. What is told and decided is
`streamhub.schedule.invitation`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlite_utils import Database

from streamhub.errors import NotFound
from streamhub.schedule.agreement import plan_shown
from streamhub.schedule.invitation import ConsentWord, Invitation, Purpose, Reply, place_person
from streamhub.schedule.people import Person
from streamhub.schedule.show import Role, Session, SessionState
from streamhub.store import people as people_rows
from streamhub.store import shows as show_rows
from streamhub.store.agreements import read_word
from streamhub.store.log import log_action
from streamhub.store.rows import Row, change, fetch_all, fetch_one, instant_or_none, text_or_none, upsert
from streamhub.timecode import format_instant, parse_instant

_PLACEABLE = frozenset(
    {SessionState.DRAFT, SessionState.SCHEDULED, SessionState.OPEN, SessionState.REHEARSAL, SessionState.MOVED}
)


def invite(db: Database, session_id: str, person_id: str, role: Role, *, at: datetime, author: str) -> Invitation:
    """Ask a person into a session; whoever was asked and taken back is asked again. Tells him nothing by itself.

    Raises:
        NotFound: no such session or person.
    """
    show_rows.load_session(db, session_id)
    version = people_rows.load_person(db, person_id).link_version
    before = find_invitation(db, session_id, person_id)
    if before is not None and before.stands:
        return before
    fresh = Invitation(
        session_id=session_id,
        person_id=person_id,
        role=role,
        made_at=at,
        name_version=version,
        link_version=version,
    )
    if before is not None:
        # Who heard of it, and was not told yet that he is not asked any more, must hear of it anew, by another mail.
        sequence = before.sequence + bool(before.told)
        fresh = replace(
            fresh,
            sequence=sequence,
            asked_sequence=sequence,
            name_version=before.name_version,
            link_version=before.link_version,
            renewed_sequence=before.renewed_sequence,
        )
    save_invitation(db, fresh)
    _tell_apart(db, session_id)
    _log(db, fresh, "invitation.make", at=at, author=author)
    return load_invitation(db, session_id, person_id)


def _tell_apart(db: Database, session_id: str) -> None:
    """Give guests who share a name different ones in a session; one that is on air or over keeps its names."""
    session = show_rows.load_session(db, session_id)
    asked = list_invitations(db, session_id=session_id)
    people = {one.person_id: people_rows.load_person(db, one.person_id) for one in asked}
    public = [people[one.person_id] for one in asked if one.role.on_air]
    told_apart = plan_shown([(one.id, one.name, one.organisation) for one in public])
    renamed: dict[tuple[str, Role], str] = {}
    for one in asked:
        if one.shown_as and session.state not in _PLACEABLE:
            continue
        shown = told_apart.get(one.person_id, people[one.person_id].name)
        if one.shown_as != shown:
            save_invitation(db, replace(one, shown_as=shown))
            if one.certain:
                renamed[one.shown_as, one.role] = shown
    if renamed:
        people_now = tuple(replace(p, name=renamed.get((p.name, p.role), p.name)) for p in session.participants)
        show_rows.save_session(db, replace(session, participants=people_now))


def change_invitation(db: Database, after: Invitation, action: str, *, at: datetime, author: str) -> Session:
    """Keep an invitation as it was decided, and the person among the session's participants or not; returns that.

    A session that is on air or over keeps its participants.

    Raises:
        NotFound: no such session or person.
    """
    save_invitation(db, after)
    _log(db, after, action, at=at, author=author)
    session = show_rows.load_session(db, after.session_id)
    if session.state in _PLACEABLE:
        placed = place_person(session, people_rows.load_person(db, after.person_id), after)
        if placed is not session:
            show_rows.save_session(db, placed)
            return placed
    return session


def save_invitation(db: Database, one: Invitation) -> None:
    """Insert an invitation, or replace what is known of it."""
    row = {
        "session_id": one.session_id,
        "person_id": one.person_id,
        "role": one.role.value,
        "made_at": format_instant(one.made_at),
        "reply": one.reply.value,
        "replied_at": text_or_none(one.replied_at),
        "confirmed_at": text_or_none(one.confirmed_at),
        "left_at": text_or_none(one.left_at),
        "withdrawn_at": text_or_none(one.withdrawn_at),
        "sequence": one.sequence,
        "told": one.told,
        "note": one.note,
        "shown_as": one.shown_as,
        "asked_sequence": one.asked_sequence,
        "name_version": one.name_version,
        "link_version": one.link_version,
        "renewed_sequence": one.renewed_sequence,
    }
    upsert(db, "invitations", row, key=("session_id", "person_id"))


def find_invitation(db: Database, session_id: str, person_id: str) -> Invitation | None:
    """The invitation of a person into a session; None: he was not asked."""
    sql = "select * from invitations where session_id = ? and person_id = ?"
    row = fetch_one(db, sql, session_id, person_id)
    return None if row is None else _invitation(row)


def load_invitation(db: Database, session_id: str, person_id: str) -> Invitation:
    """The invitation of a person into a session.

    Raises:
        NotFound: he was not asked.
    """
    found = find_invitation(db, session_id, person_id)
    if found is None:
        raise NotFound(f"invitation into {session_id}: there is none for this person")
    return found


def list_invitations(db: Database, *, session_id: str = "", person_id: str = "") -> list[Invitation]:
    """Invitations by when they were made: into a session, of a person, or all."""
    rows = fetch_all(
        db,
        "select * from invitations where (?1 = '' or session_id = ?1) and (?2 = '' or person_id = ?2) "
        "order by made_at, session_id, person_id",
        session_id,
        person_id,
    )
    return [_invitation(row) for row in rows]


def ask_again(db: Database, person_id: str) -> None:
    """Forget what a person was told of dates that stand, because it went to another address than he has now."""
    change(db, "update invitations set told = '' where person_id = ? and withdrawn_at is null", person_id)


def list_unanswered(db: Database, *, at: datetime) -> list[Invitation]:
    """Invitations into sessions to come that stand, were told and have no answer."""
    rows = fetch_all(
        db,
        "select invitations.* from invitations join sessions on sessions.id = session_id where reply = 'none' "
        "and withdrawn_at is null and told <> '' and starts_at > ? order by starts_at, session_id, person_id",
        format_instant(at),
    )
    return [_invitation(row) for row in rows]


def list_starts(db: Database, person_id: str, *, but: str = "") -> list[datetime]:
    """Starts of the sessions that a person was asked into and did not decline, except one."""
    rows = fetch_all(
        db,
        "select starts_at from invitations join sessions on sessions.id = session_id where person_id = ? "
        "and withdrawn_at is null and reply <> 'declined' and state <> 'cancelled' and session_id <> ? "
        "order by starts_at",
        person_id,
        but,
    )
    return [parse_instant(row["starts_at"]) for row in rows]


def list_clashes(db: Database, person_id: str, session: Session) -> list[Session]:
    """Other sessions at the time of one that a person was asked into and did not decline."""
    rows = fetch_all(
        db,
        "select sessions.id from invitations join sessions on sessions.id = session_id where person_id = ? "
        "and withdrawn_at is null and reply <> 'declined' and session_id <> ? and state not in ('cancelled', 'moved') "
        "and starts_at between ? and ? order by starts_at, sessions.id",
        person_id,
        session.id,
        format_instant(session.starts_at - timedelta(days=1)),
        format_instant(session.ends_at),
    )
    found = [show_rows.load_session(db, row["id"]) for row in rows]
    return [one for one in found if one.starts_at < session.ends_at and session.starts_at < one.ends_at]


def save_words(db: Database, session_id: str, person: Person, words: Iterable[ConsentWord]) -> None:
    """Keep what a person said about purposes; the log keeps that he did, with version and time."""
    for word in words:
        row = {
            "session_id": session_id,
            "person_id": person.id,
            "purpose": word.purpose.value,
            "given": int(word.given),
            "text_version": word.text_version,
            "at": format_instant(word.at),
            "again_at": text_or_none(word.again_at),
        }
        upsert(db, "consent_words", row, key=("session_id", "person_id", "purpose"))
        log_action(
            db,
            at=word.at,
            author="",
            action="consent.word",
            object_kind="session",
            object_id=session_id,
            details={
                "person": person.id,
                "purpose": word.purpose.value,
                "given": word.given,
                "version": word.text_version,
            },
        )


def list_words(db: Database, session_id: str, person_id: str) -> dict[Purpose, ConsentWord]:
    """What a person said about purposes."""
    sql = "select * from consent_words where session_id = ? and person_id = ? order by purpose"
    return {Purpose(row["purpose"]): read_word(row) for row in fetch_all(db, sql, session_id, person_id)}


def _log(db: Database, one: Invitation, action: str, *, at: datetime, author: str) -> None:
    details = {"person": one.person_id, "role": one.role.value, "reply": one.reply.value, "certain": one.certain}
    log_action(
        db, at=at, author=author, action=action, object_kind="session", object_id=one.session_id, details=details
    )


def _invitation(row: Row) -> Invitation:
    values = {
        **row,
        "role": Role(row["role"]),
        "reply": Reply(row["reply"]),
        "made_at": parse_instant(row["made_at"]),
        **{name: instant_or_none(row[name]) for name in ("replied_at", "confirmed_at", "left_at", "withdrawn_at")},
    }
    return Invitation(**values)
