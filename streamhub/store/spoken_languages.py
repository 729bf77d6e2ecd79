"""In which language a session was heard, and in which one it is spoken, as rows.

Owns the table ``spoken_languages``: one row for each session whose words a recogniser heard, with the file of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from streamhub.store.rows import fetch_all, upsert
from streamhub.timecode import format_instant


@dataclass(frozen=True, kw_only=True, slots=True)
class SpokenLanguage:
    """How a session was heard last.

    Attributes:
        session_id: the session.
        file: of the words, beside its recording; the archive's were made of them.
        told: the language that the recogniser was told; empty when it was to hear that itself.
        spoken: the one in which the session is surely spoken instead; empty where nothing says so.
    """

    session_id: str
    file: str
    told: str
    spoken: str


def save_spoken(db: Database, spoken: SpokenLanguage, *, at: datetime) -> None:
    """Keep how a session was heard; it takes the place of what was known before."""
    row = {
        "session_id": spoken.session_id,
        "file": spoken.file,
        "told": spoken.told,
        "spoken": spoken.spoken,
        "at": format_instant(at),
    }
    upsert(db, "spoken_languages", row, key=("session_id",))


def find_spoken(db: Database, session_id: str) -> SpokenLanguage | None:
    """How a session was heard; None when no recogniser heard it."""
    found = fetch_all(db, "select * from spoken_languages where session_id = ?", session_id)
    return _from_row(found[0]) if found else None


def list_misheard(db: Database) -> dict[str, SpokenLanguage]:
    """The sessions that were heard in a wrong language, unless that was set right since."""
    sql = (
        "select spoken_languages.* from spoken_languages join sessions on sessions.id = session_id "
        "where spoken <> '' and sessions.language = told"
    )
    return {row["session_id"]: _from_row(row) for row in fetch_all(db, sql)}


def find_misheard(db: Database, session_id: str) -> SpokenLanguage | None:
    """How a session was heard, where that was in a wrong language which nobody has set right since."""
    return list_misheard(db).get(session_id)


def _from_row(row: dict[str, object]) -> SpokenLanguage:
    return SpokenLanguage(
        session_id=str(row["session_id"]), file=str(row["file"]), told=str(row["told"]), spoken=str(row["spoken"])
    )
