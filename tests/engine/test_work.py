"""The ledger of work and the outbox, on a real database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlite_utils import Database

from streamhub.errors import Conflict, NotFound
from streamhub.store import work
from streamhub.store.store import Store
from streamhub.store.work import StepState, WorkState

AT = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)


def begin(db: Database, turn: int = 1) -> work.Begun:
    work.save_queued(db, "show:a", "show", "a", at=AT)
    return work.begin_attempt(db, "show:a", "cut", turn, at=AT)


async def test_every_attempt_is_counted_before_it_is_made(store: Store) -> None:
    """A step begun three times without an end counts three attempts."""
    assert [(await store.write(begin)).attempts for _ in range(3)] == [1, 2, 3]


async def test_an_attempt_that_a_shutdown_cut_off_is_taken_back(store: Store) -> None:
    """A tidy shutdown costs no attempt."""
    await store.write(begin)
    await store.write(lambda db: work.undo_attempt(db, "show:a", "cut", 1, at=AT))
    status = await store.read(lambda db: work.load_work(db, "show:a"))
    assert (status.steps[0].state, status.steps[0].attempts) == (StepState.INTERRUPTED, 0)
    assert (await store.write(begin)).attempts == 1


async def test_a_finished_step_hands_out_its_result_instead_of_running_again(store: Store) -> None:
    """When the process died after the ledger's note, the next attempt finds the result."""
    await store.write(begin)
    place = ("show:a", "cut", 1)
    await store.write(lambda db: work.end_step(db, place, StepState.DONE, at=AT, result={"sha256": "ä"}))
    begun = await store.write(begin)
    assert begun.done
    assert begun.result == {"sha256": "ä"}


async def test_a_new_turn_counts_from_one_and_an_old_turn_cannot_end_it(store: Store) -> None:
    """After "retry" the attempts begin anew, and a note that comes late from before changes nothing."""
    await store.write(begin)
    await store.write(begin)
    assert (await store.write(lambda db: begin(db, turn=2))).attempts == 1
    await store.write(lambda db: work.end_step(db, ("show:a", "cut", 1), StepState.HELD, at=AT, message="old"))
    status = await store.read(lambda db: work.load_work(db, "show:a"))
    assert status.steps[0].state is StepState.RUNNING


async def test_held_work_comes_first_and_says_why(store: Store) -> None:
    """A held step makes its workflow held, with the reason, at the top of the list."""
    await store.write(begin)
    await store.write(lambda db: work.end_step(db, ("show:a", "cut", 1), StepState.HELD, at=AT, message="no disk"))
    await store.write(lambda db: work.save_queued(db, "show:b", "show", "b", at=AT + timedelta(hours=1)))
    listed = await store.read(work.list_work)
    assert [(status.workflow_id, status.state) for status in listed] == [
        ("show:a", WorkState.HELD),
        ("show:b", WorkState.QUEUED),
    ]
    assert listed[0].message == "cut: no disk"


async def test_only_held_steps_can_be_decided(store: Store) -> None:
    """A decision on work, a step or a state that is not there is refused."""
    await store.write(begin)
    with pytest.raises(Conflict, match="nothing is to be decided"):
        await store.read(lambda db: work.require_held(db, "show:a", "cut"))
    with pytest.raises(NotFound):
        await store.read(lambda db: work.require_held(db, "show:a", "other"))
    with pytest.raises(NotFound):
        await store.read(lambda db: work.require_held(db, "show:z", "cut"))


async def test_only_the_first_ending_counts_and_cancelling_takes_open_steps_along(store: Store) -> None:
    """Work that was cancelled stays cancelled, and none of its steps looks busy."""
    await store.write(begin)
    await store.write(lambda db: work.mark_ended(db, "show:a", WorkState.CANCELLED, at=AT))
    await store.write(lambda db: work.mark_ended(db, "show:a", WorkState.DONE, at=AT))
    status = await store.read(lambda db: work.load_work(db, "show:a"))
    assert status.state is WorkState.CANCELLED
    assert status.steps[0].state is StepState.CANCELLED


async def test_the_outbox_takes_each_key_once(store: Store) -> None:
    """Asking twice for the same work, before or after it was sent, leaves one parcel."""

    def ask(db: Database) -> None:
        work.put_outbox(db, "show", "a", [1, "ü"], at=AT, due_at=AT)

    await store.write(ask)
    await store.write(ask)
    (parcel,) = await store.read(work.list_unsent)
    assert (parcel.kind, parcel.key, parcel.args, parcel.due_at) == ("show", "a", (1, "ü"), AT)
    await store.write(lambda db: work.mark_sent(db, parcel.id, at=AT))
    await store.write(ask)
    assert await store.read(work.list_unsent) == []


async def test_a_refused_parcel_waits_for_the_next_start(store: Store) -> None:
    """What the engine refuses is not offered again at once, and not lost."""
    await store.write(lambda db: work.put_outbox(db, "show", "a", at=AT))
    (parcel,) = await store.read(work.list_unsent)
    await store.write(lambda db: work.mark_refused(db, parcel.id, "no such kind"))
    assert await store.read(work.list_unsent) == []
    await store.write(work.retry_refused)
    assert await store.read(work.list_unsent) == [parcel]


async def test_pruning_forgets_what_ended_long_ago_and_nothing_else(store: Store) -> None:
    """Old finished work goes with its steps; open work stays however old it is."""
    await store.write(begin)
    await store.write(lambda db: work.save_queued(db, "show:b", "show", "b", at=AT))
    await store.write(lambda db: work.mark_ended(db, "show:a", WorkState.DONE, at=AT))
    assert await store.write(lambda db: work.prune_work(db, before=AT + timedelta(days=1))) == 1
    assert [status.workflow_id for status in await store.read(work.list_work)] == ["show:b"]


async def test_work_about_a_session_is_found_however_much_came_after_it(store: Store) -> None:
    """An old session's work is not hidden by the newest hundred pieces, and no other session's is taken for it."""

    def fill(db: Database) -> None:
        for key in ("a", "a:1", "ab", "ab:1", "b:a", *(f"later-{n}" for n in range(150))):
            work.save_queued(db, f"show:{key}", "show", key, at=AT)
        work.put_outbox(db, "publish", "a:2", at=AT)
        work.put_outbox(db, "publish", "ab:2", at=AT)

    await store.write(fill)
    found = await store.read(lambda db: work.list_work(db, about="a"))
    assert {status.workflow_id for status in found} == {"show:a", "show:a:1", "publish:a:2"}


async def test_what_is_ordered_counts_as_queued_before_the_engine_has_it(store: Store) -> None:
    """Between the order and its start nobody who looks may think that there is nothing to do."""
    await store.write(lambda db: work.put_outbox(db, "publish", "a:1", ["a"], at=AT))
    (status,) = await store.read(work.list_work)
    assert (status.workflow_id, status.state, status.steps) == ("publish:a:1", WorkState.QUEUED, ())
    await store.write(lambda db: work.save_queued(db, "publish:a:1", "publish", "a:1", at=AT))
    assert len(await store.read(work.list_work)) == 1
