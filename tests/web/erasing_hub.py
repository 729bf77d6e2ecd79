"""A hub in small, to be killed: erases a question, and says so on standard output before its bytes are purged."""

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from sqlite_utils import Database

from streamhub.questions.question import Question, QuestionState
from streamhub.schedule.show import Session, Show
from streamhub.store import erasing, questions, shows
from streamhub.store.store import Store


def now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)


def prepare(db: Database) -> None:
    """A session with a question."""
    shows.save_show(db, Show(id="s", title="S"))
    shows.save_session(db, Session(id="s-1", show_id="s", title="S", starts_at=now()))
    text = "Kanarienfrage " * 20
    questions.insert_question(
        db, Question(id="q1", session_id="s-1", text=text, state=QuestionState.OPEN, asked_at=now())
    )


async def main(path: Path) -> None:
    """Erase as far as the database goes, and wait to be killed."""
    path.parent.mkdir()
    async with Store.open(path, now=now) as store:
        await store.write(prepare)
        await store.write(lambda db: erasing.wish_erasure(db, "q1", at=now()))
        await store.write(lambda db: erasing.erase_question(db, "q1", at=now()))
        os.write(1, b"erased\n")
        await asyncio.sleep(600)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
