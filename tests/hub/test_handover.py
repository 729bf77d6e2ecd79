"""A session ends, whoever ends it, and what was left open is in the next one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from streamhub.broadcasting import end_session
from streamhub.questions.question import Question, QuestionState
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store import carrying, changes, marks, questions, shows
from streamhub.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)
Q = QuestionState


async def test_what_is_open_at_the_end_is_asked_in_the_next_session(tmp_path: Path) -> None:
    """Open and queued questions move as the broadcast ends, answered ones stay, and a second end moves nothing."""
    session = Session(id="s-1", show_id="s", title="Eins", starts_at=START, state=SessionState.LIVE, started_at=START)
    following = replace(
        session, id="s-2", title="Zwei", starts_at=START + timedelta(days=7), state=SessionState.OPEN, started_at=None
    )
    asked = {
        name: Question(id=name, session_id="s-1", text=f"{name}?", state=state, asked_at=START)
        for name, state in [("open", Q.OPEN), ("queued", Q.QUEUED), ("held", Q.HELD), ("answered", Q.ANSWERED_LIVE)]
    }
    async with Store.open(tmp_path / "hub.sqlite3", now=lambda: START) as store:
        await store.write(lambda db: shows.save_show(db, Show(id="s", title="S")))
        for one in (session, following):
            await store.write(lambda db, one=one: shows.save_session(db, one))
        for question in asked.values():
            await store.write(lambda db, question=question: questions.insert_question(db, question))
        await store.write(lambda db: questions.add_vote(db, "open", "ann", at=START))
        await store.write(lambda db: questions.put_on_air(db, "queued", at=START, author="h"))
        later = START + timedelta(minutes=1)
        await store.write(lambda db: questions.finish_on_air(db, "queued", at=later, author="h", to=Q.QUEUED))
        for _ in range(2):
            await end_session(store, "s-1", now=lambda: START + timedelta(hours=1))
        moved = await store.read(lambda db: questions.list_questions(db, "s-2"))
        assert {(q.id, q.state, q.votes) for q in moved} == {("open", Q.OPEN, 1), ("queued", Q.OPEN, 0)}
        stayed = await store.read(lambda db: questions.list_questions(db, "s-1"))
        assert {q.id for q in stayed} == {"held", "answered"}
        assert (
            len(await store.read(lambda db: marks.list_marks(db, "s-1"))) == 2
        )  # what was seen on air stays seen there
        carries = await store.read(lambda db: carrying.list_carries(db, "s-1"))
        assert {(c.question.id, c.to_session, c.author) for c in carries} == {
            ("open", "s-2", ""),
            ("queued", "s-2", ""),
        }
        assert len(await store.read(lambda db: changes.list_changes(db, "s-1"))) == 2
