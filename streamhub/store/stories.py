"""Stories as rows: one's own case under a question, one per person and question.

Owns the table ``stories``. A story stays with the question that it was written under; the question that this one is
merged into shows it too, so that taking the two apart again needs nothing. What its writer erases is deleted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from sqlite_utils import Database

from streamhub.errors import NotFound
from streamhub.questions.question import Shown
from streamhub.questions.writing import Story, StoryState, Writer
from streamhub.schedule.show import Role
from streamhub.store.log import log_action
from streamhub.store.rows import Row, change, fetch_all, fetch_one, json_list, upsert
from streamhub.timecode import format_instant, parse_instant

FAMILY = (
    "with recursive family(root, id) as (select id, id from questions where id in (select value from json_each(?1)) "
    "union select family.root, questions.id from questions join family on questions.merged_into = family.id) "
)
"""Questions of a JSON list (``root``), each with itself and all that was merged into it (``id``)."""


def save_story(db: Database, story: Story) -> Story:
    """Keep a story; the one that its writer told under this question before is replaced."""
    sql = "select id from stories where question_id = ? and voter = ?"
    row = fetch_one(db, sql, story.question_id, story.voter)
    story = replace(story, id=str(row["id"])) if row else story
    upsert(db, "stories", _row(story), key=("id",))
    kept = load_story(db, story.id)
    _log(db, kept, "story.tell", at=story.at, author="", state=kept.state.value)
    return kept


def load_story(db: Database, story_id: str) -> Story:
    """The story of that id.

    Raises:
        NotFound: there is none.
    """
    row = fetch_one(db, "select * from stories where id = ?", story_id)
    if row is None:
        raise NotFound(f"story {story_id}: there is no such story")
    return _story(row)


def list_stories(
    db: Database, question_ids: Collection[str], *, states: Collection[StoryState] | None = None
) -> dict[str, list[Story]]:
    """Stories of questions and of what was merged into them, by question, oldest first."""
    rows = fetch_all(
        db,
        f"{FAMILY} select root, stories.* from family join stories on stories.question_id = family.id "  # noqa: S608
        "where state in (select value from json_each(?2)) order by stories.at, stories.id",
        json_list(question_ids),
        json_list(StoryState if states is None else states),
    )
    found: dict[str, list[Story]] = {}
    for row in rows:
        found.setdefault(str(row.pop("root")), []).append(_story(row))
    return found


def count_told(db: Database, session_id: str) -> dict[str, int]:
    """How many people's cases are shown under each question of a session, merged ones counted where they went."""
    rows = fetch_all(
        db,
        "with recursive up(story, question) as (select stories.id, stories.question_id from questions "
        "join stories on stories.question_id = questions.id where questions.session_id = ? and stories.state = 'shown' "
        "union select story, merged_into from up join questions on questions.id = up.question "
        "where merged_into is not null) select question, count(*) as told from up group by question",
        session_id,
    )
    return {str(row["question"]): int(row["told"]) for row in rows}


def describe_written(db: Database, session_id: str) -> str:
    """Something that is another one whenever a story or proposed answer of a session came, went or was decided."""
    digest = hashlib.sha256()
    for table in ("stories", "proposals"):
        sql = (
            f"select {table}.id as id, {table}.state as state, {table}.at as at from questions "  # noqa: S608  our own
            f"join {table} on {table}.question_id = questions.id where questions.session_id = ? order by {table}.id"
        )
        for row in fetch_all(db, sql, session_id):
            digest.update(f"{row['id']} {row['state']} {row['at']}\n".encode())
    return digest.hexdigest()[:12]


def list_stories_of(db: Database, voter: str) -> list[Story]:
    """All stories of one person, newest first."""
    return [_story(row) for row in fetch_all(db, "select * from stories where voter = ? order by at desc, id", voter)]


def decide_story_state(
    db: Database, story_id: str, to: StoryState, *, at: datetime, author: str, note: str = ""
) -> Story:
    """Show a story, hold it, or decline it with a reason; to where it is already changes nothing.

    Raises:
        NotFound: there is no such story.
    """
    before = load_story(db, story_id)
    if before.state is to:
        return before
    kept = note if to is StoryState.DECLINED else ""
    change(db, "update stories set state = ?, note = ? where id = ?", to.value, kept, story_id)
    after = load_story(db, story_id)
    _log(db, after, "story.decide", at=at, author=author, **{"from": before.state.value, "to": to.value})
    return after


def erase_story(db: Database, story_id: str, *, voter: str, at: datetime) -> Story:
    """Delete a story for the one whose it is; returns what it was.

    Raises:
        NotFound: there is no such story, or it is somebody else's.
    """
    story = load_story(db, story_id)
    if not voter or story.voter != voter:
        raise NotFound(f"story {story_id}: there is no such story of yours")
    change(db, "delete from stories where id = ?", story_id)
    _log(db, story, "story.erase", at=at, author="")
    return story


def _log(db: Database, story: Story, action: str, *, at: datetime, author: str, **details: object) -> None:
    everything = {"question": story.question_id, **details}
    log_action(db, at=at, author=author, action=action, object_kind="story", object_id=story.id, details=everything)


def writer_row(writer: Writer) -> Row:
    """The columns of a writer."""
    return {
        "writer_name": writer.name,
        "writer_shown": writer.shown.value,
        "writer_role": writer.role.value if writer.role else None,
    }


def writer_of(row: Row) -> Writer:
    """The writer out of its columns, which leave the row."""
    name, shown, role = row.pop("writer_name"), row.pop("writer_shown"), row.pop("writer_role")
    return Writer(name=name, shown=Shown(shown), role=Role(role) if role else None)


def _row(story: Story) -> Row:
    return {
        "id": story.id,
        "question_id": story.question_id,
        "voter": story.voter,
        **writer_row(story.writer),
        "text": story.text,
        "language": story.language,
        "state": story.state.value,
        "note": story.note,
        "at": format_instant(story.at),
    }


def _story(row: Row) -> Story:
    writer = writer_of(row)
    return Story(**{**row, "state": StoryState(row["state"]), "at": parse_instant(row["at"])}, writer=writer)
