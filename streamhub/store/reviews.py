"""The journal of the review as rows: who corrected what in an archived session, and what stood there before.

Owns the table ``review_edits``. It holds words of transcripts, so `streamhub.store.erasing` can blank it; the log
beside it (`streamhub.store.log`) holds none and lasts. What is true stands in the archive's files alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from streamhub.archive.learned import Pair
from streamhub.archive.review import Edit
from streamhub.errors import NotFound
from streamhub.store.log import log_action
from streamhub.store.rows import Row, change, fetch_all, fetch_one, insert
from streamhub.store.voices import keep_voice_name
from streamhub.timecode import format_instant, parse_instant


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """An edit that was made.

    Attributes:
        id: its number.
        session_id: the session.
        at: when, UTC.
        author: by whom.
        edit: what.
        undoes: number of the edit that this one takes back; None for none.
        undone_by: number of the edit that took this one back; None while it stands.
    """

    id: int
    session_id: str
    at: datetime
    author: str
    edit: Edit
    undoes: int | None = None
    undone_by: int | None = None

    @property
    def stands(self) -> bool:
        """Nobody took it back, and what it changed is still known."""
        return self.undone_by is None and bool(self.edit.after)


def record_edit(
    db: Database,
    session_id: str,
    edit: Edit,
    *,
    at: datetime,
    author: str,
    undoes: int | None = None,
    learned: Sequence[Pair] = (),
) -> Made:
    """Note an edit in the journal with the names that it teaches, and in the log without its words."""
    number = insert(
        db,
        "review_edits",
        {
            "session_id": session_id,
            "at": format_instant(at),
            "author": author,
            "action": edit.action,
            "answer_id": edit.answer_id,
            "before": json.dumps(edit.before, ensure_ascii=False),
            "after": json.dumps(edit.after, ensure_ascii=False),
            "undoes": undoes,
            "undone_by": None,
        },
    )
    renamed = _renamed(edit)
    if renamed is not None and undoes is None:
        keep_voice_name(db, session_id, number, old=renamed[0], new=renamed[1])
    for heard, said in learned:
        insert(db, "learned_names", {"edit_id": number, "heard": heard, "said": said})
    if undoes is not None:
        undone = load_edit(db, session_id, undoes)
        change(db, "update review_edits set undone_by = ? where id = ?", number, undoes)
        if undone.undoes is not None:  # what had been taken back stands again
            change(db, "update review_edits set undone_by = null where id = ?", undone.undoes)
    details = {"session": session_id, "edit": number}
    log_action(
        db,
        at=at,
        author=author,
        action=f"review.{edit.action}",
        object_kind="answer",
        object_id=edit.answer_id,
        details=details,
    )
    return load_edit(db, session_id, number)


def _renamed(edit: Edit) -> tuple[str, str] | None:
    """Who is called what from now on, where an edit says so."""
    if edit.action != "rename":
        return None
    for key, before in edit.before.items():
        after = edit.after.get(key)
        if before and after and "speaker" in before:
            return str(before["speaker"]), str(after["speaker"])
    return None


def load_edit(db: Database, session_id: str, number: int) -> Made:
    """The edit of that number.

    Raises:
        NotFound: the session has none.
    """
    row = fetch_one(db, "select * from review_edits where id = ? and session_id = ?", number, session_id)
    if row is None:
        raise NotFound(f"edit {number}: there is no such edit in session {session_id}")
    return _made(row)


def list_edits(db: Database, session_id: str, *, limit: int = 20) -> list[Made]:
    """The latest edits of a session, newest first."""
    sql = "select * from review_edits where session_id = ? order by id desc limit ?"
    return [_made(row) for row in fetch_all(db, sql, session_id, limit)]


def list_corrected(db: Database, session_id: str) -> frozenset[str]:
    """The pieces of transcripts whose words or speaker a person corrected, as an edit names them."""
    rows = fetch_all(
        db,
        "select distinct key from review_edits, json_each(review_edits.after) "
        "where session_id = ? and undone_by is null and action in ('words', 'speaker', 'rename') and key like 'cue:%'",
        session_id,
    )
    return frozenset(str(row["key"]) for row in rows)


def find_last_of(db: Database, session_id: str, key: str) -> Made | None:
    """The latest edit that changed a piece of the session; None when nobody did."""
    row = fetch_one(
        db,
        "select review_edits.* from review_edits, json_each(review_edits.after) "
        "where session_id = ? and key = ? order by review_edits.id desc limit 1",
        session_id,
        key,
    )
    return _made(row) if row else None


def latest_edit(db: Database, session_id: str) -> int:
    """Number of the latest edit in a session; 0 while there is none."""
    row = fetch_one(db, "select max(id) as latest from review_edits where session_id = ?", session_id)
    return int(row["latest"] or 0) if row else 0


def _made(row: Row) -> Made:
    edit = Edit(
        action=row["action"],
        answer_id=row["answer_id"],
        before=json.loads(row["before"]),
        after=json.loads(row["after"]),
    )
    return Made(
        id=row["id"],
        session_id=row["session_id"],
        at=parse_instant(row["at"]),
        author=row["author"],
        edit=edit,
        undoes=row["undoes"],
        undone_by=row["undone_by"],
    )
