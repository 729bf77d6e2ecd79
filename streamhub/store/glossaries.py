"""Glossaries as rows: one of the whole hub, one per show, each with the text that stood there before.

Owns the table ``glossaries``. The log knows numbers alone, never names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from streamhub.errors import Conflict
from streamhub.store.log import log_action
from streamhub.store.rows import fetch_one, upsert
from streamhub.timecode import format_instant, parse_instant

HUB_SCOPE = ""
"""Stands where a show's id would, for the glossary of the whole hub."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Glossary:
    """A glossary as it stands.

    Attributes:
        text: as somebody wrote it.
        text_before: what stood there before.
        version: rises with each change; 0: nobody has written anything yet.
        at: when it was changed; None for never.
        author: by whom.
    """

    text: str = ""
    text_before: str = ""
    version: int = 0
    at: datetime | None = None
    author: str = ""


def load_glossary(db: Database, scope: str) -> Glossary:
    """The glossary of a show, or with `HUB_SCOPE` of the hub; an empty one where nobody has written any."""
    row = fetch_one(db, "select * from glossaries where scope = ?", scope)
    if row is None:
        return Glossary()
    return Glossary(
        text=row["text"],
        text_before=row["text_before"],
        version=row["version"],
        at=parse_instant(row["at"]),
        author=row["author"],
    )


def save_glossary(
    db: Database, scope: str, text: str, *, seen: int, at: datetime, author: str, action: str = "save"
) -> Glossary:
    """Write a glossary and keep what stood there; the same text changes nothing.

    Args:
        db: the database.
        scope: id of the show; `HUB_SCOPE` for the hub's.
        text: the new one.
        seen: the version that its author saw.
        at: the instant.
        author: who writes.
        action: ``save``, or ``undo`` where the text before is put back.

    Raises:
        Conflict: somebody else changed it since.
    """
    before = load_glossary(db, scope)
    if before.text == text:
        return before
    if before.version != seen:
        raise Conflict(f"glossary of {scope or 'the hub'}: {before.author} changed it meanwhile")
    row = {
        "scope": scope,
        "text": text,
        "text_before": before.text,
        "version": before.version + 1,
        "at": format_instant(at),
        "author": author,
    }
    upsert(db, "glossaries", row, key=("scope",))
    log_action(
        db,
        at=at,
        author=author,
        action=f"glossary.{action}",
        object_kind="show" if scope else "hub",
        object_id=scope,
        details={"version": before.version + 1, "lines": len(text.splitlines())},
    )
    return load_glossary(db, scope)


def undo_glossary(db: Database, scope: str, *, seen: int, at: datetime, author: str) -> Glossary:
    """Put back what stood there before the last change; doing it twice puts the change back.

    Raises:
        Conflict: somebody changed it since, or nobody has written any.
    """
    text = load_glossary(db, scope).text_before
    return save_glossary(db, scope, text, seen=seen, at=at, author=author, action="undo")
