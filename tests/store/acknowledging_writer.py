"""A hub in small, to be killed: writes without pause and says on standard output what was acknowledged."""

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from streamhub.questions.question import Question, QuestionState
from streamhub.schedule.show import Session, Show
from streamhub.store import questions, shows
from streamhub.store.store import Store


def now() -> datetime:
    return datetime.now(UTC)


def prepare(db) -> None:
    shows.save_show(db, Show(id="s", title="S"))
    shows.save_session(db, Session(id="s-1", show_id="s", title="S", starts_at=now()))


async def client(store: Store, run: str, number: int) -> None:
    count = 0
    while True:
        name = f"{run}-{number}-{count}"
        question = Question(id=name, session_id="s-1", text=name, state=QuestionState.OPEN, asked_at=now())

        def write(db, question=question):
            questions.insert_question(db, question)
            return questions.add_vote(db, question.id, "v", at=question.asked_at)

        await store.write(write, key=name if count % 2 else None)
        os.write(1, f"{name}\n".encode())
        count += 1


async def main(path: Path, run: str) -> None:
    async with Store.open(path, now=now) as store:
        await store.write(prepare)
        await asyncio.gather(*(client(store, run, number) for number in range(32)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
