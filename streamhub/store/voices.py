"""What people called the speakers of a show, as rows.

Owns the table ``voice_names``: each renaming of a speaker in review, so that the same track, or a voice with the same
label, is known or proposed in the show's later sessions. Names only: nothing of anybody's voice. A renaming that was
taken back counts for nothing, and it goes with its session.
"""

from __future__ import annotations

from sqlite_utils import Database

from streamhub.store.rows import fetch_all, insert


def keep_voice_name(db: Database, session_id: str, edit: int, *, old: str, new: str) -> None:
    """Note that the review's edit of that number renamed a speaker."""
    insert(db, "voice_names", {"session_id": session_id, "edit_id": edit, "label": old, "name": new})


def list_voice_names(db: Database, show_id: str) -> dict[str, str]:
    """What speakers of the show were called, to what they are called by now; of two renamings the latest counts."""
    rows = fetch_all(
        db,
        "select label, name from voice_names join review_edits on review_edits.id = edit_id "
        "join sessions on sessions.id = voice_names.session_id "
        "where show_id = ? and undone_by is null order by edit_id",
        show_id,
    )
    names: dict[str, str] = {}
    for row in rows:
        old, new = str(row["label"]), str(row["name"])
        for label, name in names.items():
            if name == old:
                names[label] = new
        names[old] = new
    return {label: name for label, name in names.items() if label != name}
