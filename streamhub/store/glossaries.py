"""Glossaries as rows: one of the whole hub, one per show, each with the text that stood there before.

Owns the tables ``glossaries`` and ``learned_names``: what corrections in review taught, each as long as its correction
stands. The log knows numbers alone, never names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from streamhub.errors import Conflict
from streamhub.store.log import log_action
from streamhub.store.rows import change, fetch_all, fetch_one, upsert
from streamhub.text import words_of
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Learned:
    """A name that people put right in a show's sessions.

    Attributes:
        heard: what the recogniser had written.
        said: what they wrote.
        times: how many corrections say so.
    """

    heard: str
    said: str
    times: int


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


def list_learned(db: Database, show_id: str) -> list[Learned]:
    """What corrections in a show's sessions taught, most often first; what was undone counts no more."""
    sql = (
        "select heard, said, count(*) as times from learned_names join review_edits on review_edits.id = edit_id "
        "join sessions on sessions.id = review_edits.session_id where undone_by is null and show_id = ? "
        "group by heard, said order by times desc, heard, said"
    )
    return [Learned(heard=row["heard"], said=row["said"], times=row["times"]) for row in fetch_all(db, sql, show_id)]


def forget_learned(db: Database, show_id: str, heard: str, said: str, *, at: datetime, author: str) -> None:
    """Forget what was learned of a name, until somebody corrects it again; doing it twice does no harm."""
    sql = (
        "delete from learned_names where heard = ?1 and said = ?2 and edit_id in (select review_edits.id "
        "from review_edits join sessions on sessions.id = review_edits.session_id where show_id = ?3)"
    )
    if count := change(db, sql, heard, said, show_id):
        log_action(
            db,
            at=at,
            author=author,
            action="glossary.forget",
            object_kind="show",
            object_id=show_id,
            details={"times": count},
        )


def erase_name(db: Database, name: str) -> None:
    """Take a person out of all glossaries and of what was learned: at his wish, and nobody else's.

    A line goes with its variants where it has every word of his name, or, for a name of one word, where it is that
    word. Whoever has a page open with the old text is told that it changed.
    """
    wanted = set(words_of(name))
    if not wanted:
        return
    for row in fetch_all(db, "select * from glossaries"):
        texts = [_without_lines(row[column], wanted) for column in ("text", "text_before")]
        if texts != [row["text"], row["text_before"]]:
            sql = "update glossaries set text = ?, text_before = ?, version = version + 1 where scope = ?"
            change(db, sql, *texts, row["scope"])
    for row in fetch_all(db, "select distinct heard, said from learned_names"):
        if any(set(words_of(row[column])) <= wanted for column in ("heard", "said")):
            change(db, "delete from learned_names where heard = ? and said = ?", row["heard"], row["said"])


def _without_lines(text: str, wanted: set[str]) -> str:
    def about(line: str) -> bool:
        words = words_of(line)
        return wanted <= set(words) if len(wanted) > 1 else words_of(line.partition(":")[0]) == list(wanted)

    return "\n".join(line for line in text.split("\n") if not about(line))
