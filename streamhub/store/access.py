"""Who may come in: signed links and API tokens, logins, stream keys.

Owns the tables ``tokens``, ``logins`` and ``stream_keys``. Tokens and logins are kept as SHA-256 digests only; looking
a digest up takes no longer for a near miss than for a far one, so no comparison can be timed.

A stream key has to be shown to the host again, for an encoder is set up on another day and another machine, so its
digest alone will not do. It is kept as it is in the column ``key`` of the 0600 database. Encryption would need a key
that lies beside the database with the same rights, so it would guard against nobody who can read one of the two, and
Python's standard library has no cipher. Therefore: keys are drawn per session, are looked up by digest, are forgotten
after it (`forget_stream_key`; deleted bytes are overwritten), and a backup, which holds them, is written 0600.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlite_utils import Database

from streamhub.config import Secret
from streamhub.errors import Conflict, NotFound, NotSignedIn
from streamhub.store.rows import change, fetch_one, insert, upsert
from streamhub.timecode import format_instant, parse_instant


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """Somebody who is signed in.

    Attributes:
        person: who, as the link named them.
        role: what they may do.
        created_at: instant of signing in, UTC.
        expires_at: instant at which it ends by itself, UTC.
    """

    person: str
    role: str
    created_at: datetime
    expires_at: datetime


def digest_of(secret: str) -> str:
    """SHA-256 of a secret, hexadecimal: what is kept in its place."""
    return sha256(secret.encode("utf-8")).hexdigest()


def save_token(
    db: Database, digest: str, scope: str, *, expires_at: datetime, created_at: datetime, one_use: bool
) -> None:
    """Keep a token by its digest.

    Raises:
        Conflict: the same token exists.
    """
    if fetch_one(db, "select 1 from tokens where digest = ?", digest):
        raise Conflict("token: exists already", hint="draw a new one")
    row = {
        "digest": digest,
        "scope": scope,
        "created_at": format_instant(created_at),
        "expires_at": format_instant(expires_at),
        "one_use": int(one_use),
    }
    insert(db, "tokens", row)


def check_token(db: Database, digest: str, *, at: datetime) -> str:
    """The scope of a token that is valid at that instant; uses nothing up, so it may run on a reading connection.

    Raises:
        NotSignedIn: unknown, expired or used up; which of the three is not told.
    """
    row = fetch_one(
        db,
        "select scope from tokens where digest = ? and expires_at > ? and (one_use = 0 or used_at is null)",
        digest,
        format_instant(at),
    )
    if row is None:
        raise NotSignedIn("this link or token is not valid, or no longer", hint="ask for a new one")
    return str(row["scope"])


def use_token(db: Database, digest: str, *, at: datetime) -> str:
    """The scope of a valid token; one that is for one use is used up by this.

    Raises:
        NotSignedIn: unknown, expired or used up; which of the three is not told.
    """
    scope = check_token(db, digest, at=at)
    change(db, "update tokens set used_at = ? where digest = ? and one_use = 1", format_instant(at), digest)
    return scope


def revoke_token(db: Database, digest: str) -> bool:
    """Delete a token; says whether there was one."""
    return bool(change(db, "delete from tokens where digest = ?", digest))


def create_login(db: Database, digest: str, person: str, role: str, *, at: datetime, expires_at: datetime) -> Login:
    """Sign somebody in under the digest of a fresh cookie.

    Raises:
        Conflict: a login of this digest exists.
    """
    if fetch_one(db, "select 1 from logins where digest = ?", digest):
        raise Conflict("login: exists already", hint="draw a new cookie")
    row = {
        "digest": digest,
        "person": person,
        "role": role,
        "created_at": format_instant(at),
        "expires_at": format_instant(expires_at),
    }
    insert(db, "logins", row)
    return Login(person=person, role=role, created_at=at, expires_at=expires_at)


def find_login(db: Database, digest: str, *, at: datetime) -> Login | None:
    """Who is signed in under that digest at that instant, or None."""
    row = fetch_one(db, "select * from logins where digest = ? and expires_at > ?", digest, format_instant(at))
    if row is None:
        return None
    instants = {name: parse_instant(row[name]) for name in ("created_at", "expires_at")}
    return Login(person=row["person"], role=row["role"], **instants)


def renew_login(db: Database, digest: str, *, expires_at: datetime) -> None:
    """Let a login in use end later; nothing happens when nobody is signed in under that digest."""
    change(db, "update logins set expires_at = ? where digest = ?", format_instant(expires_at), digest)


def end_login(db: Database, digest: str) -> None:
    """Sign somebody out; nothing happens when nobody is signed in under that digest."""
    change(db, "delete from logins where digest = ?", digest)


def end_role(db: Database, role: str) -> int:
    """Sign everybody of a role out, and make the links worthless that nobody used; returns how many logins ended."""
    change(db, "delete from tokens where one_use = 1 and scope like ?", f"link:{role}:%")
    return change(db, "delete from logins where role = ?", role)


def drop_expired(db: Database, *, at: datetime) -> int:
    """Delete tokens and logins that have ended; returns how many."""
    moment = format_instant(at)
    return change(db, "delete from tokens where expires_at <= ?", moment) + change(
        db, "delete from logins where expires_at <= ?", moment
    )


def save_stream_key(db: Database, session_id: str, key: Secret) -> None:
    """Give a session its stream key, in place of an earlier one.

    Raises:
        NotFound: there is no such session.
        Conflict: another session has this key.
    """
    if fetch_one(db, "select 1 from sessions where id = ?", session_id) is None:
        raise NotFound(f"session {session_id}: there is no such session")
    holder = find_session_by_stream_key(db, key)
    if holder not in {None, session_id}:
        raise Conflict(f"session {session_id}: its stream key belongs to session {holder}", hint="draw a new key")
    row = {"session_id": session_id, "digest": digest_of(key), "key": str(key)}
    upsert(db, "stream_keys", row, key=("session_id",))


def load_stream_key(db: Database, session_id: str) -> Secret | None:
    """A session's stream key, to show to its host; None while it has none."""
    row = fetch_one(db, "select key from stream_keys where session_id = ?", session_id)
    return None if row is None else Secret(row["key"])


def forget_stream_key(db: Database, session_id: str) -> None:
    """Delete a session's stream key; whoever has it can no longer publish."""
    change(db, "delete from stream_keys where session_id = ?", session_id)


def find_session_by_stream_key(db: Database, key: str) -> str | None:
    """The session that a presented stream key belongs to, or None."""
    row = fetch_one(db, "select session_id from stream_keys where digest = ?", digest_of(key))
    return None if row is None else str(row["session_id"])
