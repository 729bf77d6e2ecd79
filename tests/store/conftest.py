"""What the store's tests share: a clock, an open store, and a show with a session."""

import os
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

import streamhub
from streamhub.questions.question import Question, QuestionState
from streamhub.schedule.show import Participant, Role, Session, SessionState, Show
from streamhub.store.questions import insert_question
from streamhub.store.shows import save_session, save_show
from streamhub.store.store import Store


@pytest.fixture
def child_environ() -> dict[str, str]:
    """Environment in which a child process finds the package that is tested, installed or not."""
    return {**os.environ, "PYTHONPATH": str(Path(streamhub.__file__).parents[1])}


class Clock:
    """A clock that moves on by a second at each look."""

    def __init__(self) -> None:
        self.instant = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.instant += timedelta(seconds=1)
        return self.instant


class Sample:
    """A show, its session and questions to ask in it."""

    start = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)
    show = Show(id="netz", title="Das Netz")
    session = Session(
        id="2027-03-02-netz",
        show_id="netz",
        title="Warum es ruckelt",
        starts_at=start,
        state=SessionState.OPEN,
        participants=(
            Participant(name="Anna Acker", role=Role.HOST, about="Redaktion"),
            Participant(name="Bernd Bach", role=Role.EXPERT),
        ),
    )

    def question(self, name: str, *, state: QuestionState = QuestionState.OPEN, session_id: str = "") -> Question:
        return Question(
            id=name,
            session_id=session_id or self.session.id,
            text=f"Was ist {name}?",
            state=state,
            asked_at=self.start,
        )

    def fill(self, *names: str) -> Callable[[Database], None]:
        """A write that makes the show, its session and some open questions."""

        def run(db: Database) -> None:
            save_show(db, self.show)
            save_session(db, self.session)
            for name in names:
                insert_question(db, self.question(name))

        return run


@pytest.fixture
def sample() -> Sample:
    return Sample()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    async with Store.open(tmp_path / "hub.sqlite3", now=clock) as opened:
        yield opened
