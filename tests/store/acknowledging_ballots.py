"""A ballot box in a process of its own, to be killed: casts votes without pause and says which were acknowledged."""

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from streamhub.questions.question import Question, QuestionState
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store import questions, shows
from streamhub.store.ballots import Ballot
from streamhub.store.store import Store
from streamhub.store.votes import Cast
from streamhub.web.ballot_box import BallotBox


def now() -> datetime:
    return datetime.now(UTC)


def prepare(db) -> None:
    if db.execute("select 1 from questions").fetchone():
        return
    shows.save_show(db, Show(id="s", title="S"))
    shows.save_session(db, Session(id="s-1", show_id="s", title="S", starts_at=now(), state=SessionState.OPEN))
    for name in "abc":
        asked = Question(id=name, session_id="s-1", text="?", state=QuestionState.OPEN, asked_at=now())
        questions.insert_question(db, asked)


async def visitor(box: BallotBox, run: str, number: int) -> None:
    count = 0
    while True:
        name, question_id = f"{run}-{number}-{count}", "abc"[count % 3]
        cast = await box.cast(Ballot(question_id=question_id, voter=name, at=now(), address=str(number)))
        assert isinstance(cast, Cast)
        os.write(1, f"{question_id} {name}\n".encode())
        count += 1


async def main(path: Path, run: str) -> None:
    async with Store.open(path, now=now) as store:
        await store.write(prepare)
        box = BallotBox(store, most=1_000_000)
        await asyncio.gather(*(visitor(box, run, number) for number in range(100)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
