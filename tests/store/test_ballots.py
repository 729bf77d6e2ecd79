"""Votes that come at the same time are counted together, and each as if it had come alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from streamhub.questions.question import Question, QuestionState
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store import questions, shows
from streamhub.store.ballots import Ballot, Refusal, count_ballot, count_ballots
from streamhub.store.library import connect, prepare_writer
from streamhub.store.migration import apply_migrations
from streamhub.store.store import MIGRATIONS
from streamhub.store.votes import Cast, load_standing

AT = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)
QUESTIONS = {
    "open": ("s-open", QuestionState.OPEN),
    "other": ("s-open", QuestionState.QUEUED),
    "held": ("s-open", QuestionState.HELD),
    "done": ("s-open", QuestionState.ANSWERED_LIVE),
    "draft": ("s-draft", QuestionState.OPEN),
    "ended": ("s-ended", QuestionState.OPEN),
    "top": ("s-open", QuestionState.OPEN),
    "below": ("s-open", QuestionState.OPEN),
}
BALLOTS = st.builds(
    Ballot,
    question_id=st.sampled_from([*QUESTIONS, "open", "open", "other", "nothing"]),
    voter=st.sampled_from("abcdefgh"),
    at=st.just(AT),
    wanted=st.sampled_from([True, True, True, False]),
    session_id=st.sampled_from(["", "", "", "s-open", "s-draft"]),
    address=st.sampled_from(["", "x", "y"]),
    newcomers_over=st.sampled_from([False, False, False, True]),
    forged=st.booleans(),
)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    path: Path = tmp_path_factory.mktemp("ballots") / "hub.sqlite3"
    db = Database(connect(path), execute_plugins=False)
    prepare_writer(db.conn, path)
    apply_migrations(db, MIGRATIONS, path, now=lambda: AT)
    shows.save_show(db, Show(id="s", title="S"))
    for name, state in [("open", "open"), ("draft", "draft"), ("ended", "ended")]:
        session = Session(id=f"s-{name}", show_id="s", title="S", starts_at=AT, state=SessionState(state))
        shows.save_session(db, session)
    for name, (session_id, state) in QUESTIONS.items():
        question = Question(id=name, session_id=session_id, text="?", state=state, asked_at=AT)
        questions.insert_question(db, question)
    db.execute("update questions set state = 'merged', merged_into = 'top' where id = 'below'")
    yield db
    db.close()


def tables(db: Database) -> list[Any]:
    rows = [
        *db.execute("select question_id, voter, address from votes").fetchall(),
        *db.execute("select * from suspects").fetchall(),
        *db.execute("select id, votes from questions").fetchall(),
    ]
    return sorted(rows, key=repr)


@settings(max_examples=120, deadline=None)
@given(
    before=st.lists(BALLOTS, max_size=12),
    ballots=st.lists(BALLOTS, min_size=1, max_size=25),
    most=st.sampled_from([0, 1, 2, 5]),
)
def test_together_is_like_alone(db: Database, before: list[Ballot], ballots: list[Ballot], most: int) -> None:
    """Whoever votes for what, with whatever doubts: sums, rows and who is told what do not depend on who else came."""
    db.execute("begin immediate")
    try:
        for ballot in before:
            count_ballot(db, ballot, most=most)
        db.execute("savepoint alone")
        alone = [count_ballot(db, ballot, most=most) for ballot in ballots]
        rows = tables(db)
        db.execute("rollback to alone")
        together = count_ballots(db, ballots, most=most)
        if most == 0:  # with a limit, who of several that came at once from one address comes first is open
            assert tables(db) == rows
        for one, other in zip(alone, together, strict=True):
            assert isinstance(one, Cast) == isinstance(other, Cast)
            if isinstance(one, Refusal):
                assert one is other
        for question_id in QUESTIONS:
            voters = {
                row[0]
                for row in db.execute(
                    "select voter from votes where question_id = ?1 or (?1 = 'top' and question_id = 'below') ",
                    (question_id,),
                ).fetchall()
            }
            assert load_standing(db, question_id).votes >= 0
            votes = db.execute("select votes from questions where id = ?", (question_id,)).fetchone()[0]
            assert votes == len(voters)
            for address in ("x", "y"):
                sql = "select count(*) from votes where question_id = ? and address = ?"
                assert not most or db.execute(sql, (question_id, address)).fetchone()[0] <= most
    finally:
        db.execute("rollback")


def test_one_vote_each_adds_up(db: Database) -> None:
    """A thousand first votes are a thousand, told in the order in which they came; sent again they change nothing."""
    ballots = [Ballot(question_id="open", voter=f"v{n}", at=AT, address=f"a{n % 100}") for n in range(1000)]
    db.execute("begin immediate")
    try:
        outcomes = count_ballots(db, ballots, most=30)
        assert [one.votes for one in outcomes if isinstance(one, Cast)] == list(range(1, 1001))
        again = count_ballots(db, ballots, most=30)
        assert {one.votes for one in again if isinstance(one, Cast)} == {1000}
        assert load_standing(db, "open").votes == 1000
        assert not db.execute("select 1 from suspects").fetchall()
    finally:
        db.execute("rollback")


def test_an_address_counts_exactly_as_often_as_it_may(db: Database) -> None:
    """Fifty voters of one address at once: thirty are counted, twenty wait for a host."""
    ballots = [Ballot(question_id="open", voter=f"v{n}", at=AT, address="x") for n in range(50)]
    db.execute("begin immediate")
    try:
        outcomes = count_ballots(db, ballots, most=30)
        assert sum(isinstance(one, Cast) and not one.doubt for one in outcomes) == 30
        assert db.execute("select count(*) from suspects").fetchone()[0] == 20
        assert load_standing(db, "open").votes == 30
    finally:
        db.execute("rollback")
