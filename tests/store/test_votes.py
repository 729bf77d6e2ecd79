"""Votes: counted once, kept apart when in doubt, settled by a host and unsettled again; addresses are forgotten."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from streamhub.questions.doubt import VoteDoubt
from streamhub.schedule.show import SessionState
from streamhub.store import log, votes
from streamhub.store.questions import load_question
from streamhub.store.rows import fetch_all, fetch_one
from streamhub.store.votes import Verdict

if TYPE_CHECKING:
    from sqlite_utils import Database

    from streamhub.store.store import Store
    from tests.store.conftest import Sample


def cast(db: Database, sample: Sample, voter: str, **more: object) -> votes.Cast:
    standing = votes.load_standing(db, "a")
    return votes.cast_vote(db, standing, voter, at=sample.start, **more)  # type: ignore[arg-type]


def back(db: Database, voter: str) -> votes.Cast:
    return votes.take_back(db, votes.load_standing(db, "a"), voter)


async def test_a_vote_counts_once(store: Store, sample: Sample) -> None:
    """However often it is given, a voter's wish counts once, and one press takes it back."""
    await store.write(sample.fill("a"))
    for voter, wanted in [("x", 1), ("x", 1), ("y", 2)]:
        assert (await store.write(lambda db, voter=voter: cast(db, sample, voter))).votes == wanted
    assert (await store.write(lambda db: back(db, "x"))).votes == 1
    assert (await store.write(lambda db: back(db, "x"))).votes == 1
    standing = await store.read(lambda db: votes.load_standing(db, "a"))
    assert (standing.votes, standing.session_state) == (1, SessionState.OPEN)


async def test_a_vote_in_doubt_waits(store: Store, sample: Sample) -> None:
    """A vote in doubt changes no sum, shows its reason, counts when a host says so, and goes when he does not."""
    await store.write(sample.fill("a"))
    for number, doubt in enumerate([VoteDoubt.ADDRESS, VoteDoubt.ADDRESS, VoteDoubt.FORGED]):
        kept = await store.write(lambda db, n=number, doubt=doubt: cast(db, sample, f"v{n}", address="d", doubt=doubt))
        assert (kept.votes, kept.doubt) == (0, doubt)
    [found] = await store.read(lambda db: votes.list_suspects(db, sample.session.id))
    assert found.reasons == {VoteDoubt.ADDRESS: 2, VoteDoubt.FORGED: 1}
    assert (found.waiting, found.counted, found.discarded) == (3, 0, 0)
    for verdict, sum_after in [
        (Verdict.COUNTED, 3), (Verdict.COUNTED, 3), (Verdict.DISCARDED, 0), (Verdict.NONE, 0), (Verdict.COUNTED, 3),
    ]:  # fmt: skip
        settle = lambda db, verdict=verdict: votes.settle_suspects(db, "a", verdict, at=sample.start, author="Jana")  # noqa: E731
        assert await store.write(settle) == sum_after
        assert (await store.read(lambda db: load_question(db, "a"))).votes == sum_after
    actions = await store.read(lambda db: log.list_actions(db, limit=9, object_id="a"))
    settled = [(one.author, one.details["verdict"]) for one in actions if one.action == "votes.settle"]
    assert settled == [("Jana", "counted"), ("Jana", ""), ("Jana", "discarded"), ("Jana", "counted")]


async def test_what_counts_is_never_doubted_later(store: Store, sample: Sample) -> None:
    """A voter whose vote counts presses again over the budget: it still counts, and nothing is kept in doubt."""
    await store.write(sample.fill("a"))
    await store.write(lambda db: cast(db, sample, "x", address="d"))
    again = await store.write(lambda db: cast(db, sample, "x", address="d", doubt=VoteDoubt.ADDRESS))
    assert (again.votes, again.doubt) == (1, VoteDoubt.NONE)
    assert await store.read(lambda db: votes.list_suspects(db, sample.session.id)) == []


async def test_voters_take_back_what_is_in_doubt(store: Store, sample: Sample) -> None:
    """Taking back a vote in doubt removes it, before a host let it count and afterwards."""
    await store.write(sample.fill("a"))
    for voter in ("x", "y"):
        await store.write(lambda db, voter=voter: cast(db, sample, voter, doubt=VoteDoubt.NEWCOMERS))
    assert await store.read(lambda db: votes.list_doubtful(db, sample.session.id, "x")) == {"a"}
    await store.write(lambda db: back(db, "x"))
    await store.write(lambda db: votes.settle_suspects(db, "a", Verdict.COUNTED, at=sample.start, author="J"))
    assert (await store.write(lambda db: back(db, "y"))).votes == 0
    assert await store.read(lambda db: votes.list_suspects(db, sample.session.id)) == []


async def test_addresses_are_forgotten(store: Store, sample: Sample) -> None:
    """After a week no digest of an address is left, the votes are; younger ones stay."""
    await store.write(sample.fill("a"))
    await store.write(lambda db: cast(db, sample, "x", address="old"))
    await store.write(lambda db: cast(db, sample, "s", address="old", doubt=VoteDoubt.ADDRESS))
    later = sample.start + timedelta(days=5)
    standing = await store.read(lambda db: votes.load_standing(db, "a"))
    await store.write(lambda db: votes.cast_vote(db, standing, "y", at=later, address="young"))
    gone = await store.write(lambda db: votes.forget_addresses(db, before=sample.start + timedelta(days=1)))
    assert gone == 2
    left = await store.read(lambda db: fetch_all(db, "select voter, address from votes order by voter"))
    assert left == [{"voter": "x", "address": ""}, {"voter": "y", "address": "young"}]
    assert await store.read(lambda db: votes.count_address(db, "a", "old")) == 0
    assert await store.read(lambda db: votes.count_address(db, "a", "young")) == 1
    assert await store.read(lambda db: votes.count_address(db, "a", "")) == 0


@pytest.mark.parametrize("seed", range(8))
async def test_the_sum_is_always_the_rows(store: Store, sample: Sample, seed: int) -> None:
    """Whatever voters and hosts do in whatever order, the sum at the question is the number of counted votes."""
    await store.write(sample.fill("a"))
    dice = random.Random(seed)

    def step(db: Database) -> None:
        voter = f"v{dice.randrange(6)}"
        deed = dice.randrange(4)
        if deed == 0:
            cast(db, sample, voter, address=dice.choice(["p", "q"]))
        elif deed == 1:
            cast(db, sample, voter, doubt=dice.choice([VoteDoubt.ADDRESS, VoteDoubt.FORGED]))
        elif deed == 2:
            back(db, voter)
        else:
            votes.settle_suspects(db, "a", dice.choice(list(Verdict)), at=sample.start, author="J")
        kept = fetch_one(db, "select count(*) as n from votes where question_id = 'a'")
        assert kept is not None
        assert kept["n"] == load_question(db, "a").votes
        both = "select 1 from votes join suspects using (question_id, voter) where verdict <> 'counted'"
        assert fetch_all(db, both) == []

    for _ in range(120):
        await store.write(step)
