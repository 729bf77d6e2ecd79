"""The solver's process: it is kept for the next programme, and whatever happens to it is said in time."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from streamhub.errors import TimedOut
from streamhub.schedule.board import Board
from streamhub.schedule.columns import plan_columns
from streamhub.schedule.highs import Highs
from streamhub.schedule.master import Master
from streamhub.schedule.programme import Programme
from streamhub.schedule.proposing import Pin
from tests.schedule.planning import draw_problem, solve


@pytest.fixture
async def highs() -> AsyncIterator[Highs]:
    """A solver that is closed in the end."""
    solver = Highs()
    yield solver
    await solver.close()


def make_programme() -> Programme:
    """The best two of three things."""
    programme = Programme()
    row = programme.add_row(upper=2.0)
    programme.add_entries(row, [programme.add_variable(gain, whole=True) for gain in (3.0, 1.0, 2.0)])
    return programme


async def test_a_programme_is_solved_with_proof(highs: Highs) -> None:
    """The process says which variables, and that no plan is worth more."""
    found = await highs.solve(make_programme(), limit_s=20)
    assert (sorted(found.picked), found.bound, found.optimal) == ([0, 2], 5.0, True)


async def test_a_grown_programme_is_told_as_what_is_new(highs: Highs) -> None:
    """The same process solves a programme again after it grew and its limits changed, and another one after it."""
    programme = make_programme()
    await highs.solve(programme, limit_s=20)
    assert highs.pid is not None
    before = highs.pid
    programme.add_entries(0, [programme.add_variable(9.0, whole=True)])
    programme.most[0] = 0.0
    assert sorted((await highs.solve(programme, limit_s=20)).picked) == [2, 3]
    assert sorted((await highs.solve(make_programme(), limit_s=20)).picked) == [0, 2]
    assert highs.pid == before


async def test_wishes_in_one_process_are_as_good_as_asking_anew(highs: Highs) -> None:
    """What a kept process finds for one wish after another is what a fresh one finds for each."""
    problem = draw_problem(7)
    board = Board(problem)
    master = Master(board, plan_columns(board))
    for theme in ("t0", "t1", "t2"):
        pins = (Pin(theme_id=theme),)
        wished = board.wish(pins, ())
        master.wish(wished, plan_columns(wished))
        found = await highs.solve(master.programme, limit_s=20)
        _, _, fresh = solve(wished.problem)
        assert found.bound == pytest.approx(fresh.bound)


async def test_a_killed_process_is_said_and_replaced(highs: Highs) -> None:
    """Somebody kills the process that waits: the next programme is solved by another one."""
    await highs.solve(make_programme(), limit_s=20)
    assert highs.pid is not None
    os.kill(highs.pid, signal.SIGKILL)
    await highs.solve(make_programme(), limit_s=20)
    assert (await highs.solve(make_programme(), limit_s=20)).optimal


async def test_a_process_that_says_nothing_is_stopped_at_the_deadline() -> None:
    """A process that never answers is killed when its time is over."""
    highs = Highs(module="tests.schedule.silent_process", grace_s=0.2, start_s=0.0)
    with pytest.raises(TimedOut):
        await highs.solve(make_programme(), limit_s=0.1)
    assert highs.pid is None


async def test_nobody_waits_any_more() -> None:
    """A cancelled question stops the process."""
    highs = Highs(module="tests.schedule.silent_process")
    asking = asyncio.create_task(highs.solve(make_programme(), limit_s=60))
    while not highs.busy:
        await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert highs.pid is None
    assert not highs.busy


async def test_an_idle_process_is_let_go() -> None:
    """After a while without a question there is no process."""
    highs = Highs(keep_s=0.05)
    await highs.solve(make_programme(), limit_s=20)
    while highs.pid is not None:
        await asyncio.sleep(0.01)
    await highs.close()
