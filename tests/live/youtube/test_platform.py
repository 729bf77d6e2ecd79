"""YouTube as a platform, against the strict counterpart: planned once, changed, live, ended, and every trap."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from streamhub.errors import Conflict, Fault, PlatformError
from streamhub.live.platform import Phase
from streamhub.live.problem import ProblemCode
from streamhub.live.youtube.texts import find_markers
from streamhub.schedule.show import Privacy, SessionState
from streamhub.store.broadcasts import list_broadcasts, list_streams, save_broadcast
from streamhub.store.shows import save_show
from tests.fakes.youtube import Cut, Drop, Html502, Refuse, Slow
from tests.live.youtube_desk import SHOW, Desk, open_desk

OUTCOMES = {
    "dropped before": Drop(after_effect=False),
    "dropped after": Drop(after_effect=True),
    "cut": Cut(),
    "503 before": Refuse(503, "backendError"),
    "503 after": Refuse(503, "backendError", after_effect=True),
    "html 502 before": Html502(after_effect=False),
    "html 502 after": Html502(after_effect=True),
}
"""Ways in which nobody knows whether a write has happened."""


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as desk:
        yield desk


async def follow(step: Callable[[], Awaitable[Any]], *, times: int = 6) -> Any:
    """As the reconciler does: again after every failure that may pass."""
    for left in range(times, 0, -1):
        try:
            return await step()
        except PlatformError as error:
            if left == 1 or error.fault not in {Fault.UNKNOWN_OUTCOME, Fault.UNREACHABLE, Fault.RATE}:
                raise
    return None


# Planning.


async def test_scheduling_makes_one_bound_broadcast(desk: Desk) -> None:
    """Insert, a stream, bind: three writes and no look; the texts, the times and our marker are there."""
    broadcast = await desk.platform.ensure(desk.session)
    assert desk.calls() == ["liveBroadcasts.insert", "liveStreams.insert", "liveBroadcasts.bind"]
    there = desk.only
    assert (there.id, there.title, there.privacy) == (broadcast.ref, "Netz im Wandel", "unlisted")
    assert there.starts_at == desk.session.starts_at
    assert there.ends_at == desk.session.starts_at + timedelta(hours=1)
    assert there.state == broadcast.native_state == "ready"
    assert there.description.split("\n")[-1] == f"[sh:{(await desk.row()).marker}]"
    assert "https://hub.example.org/s/" in there.description
    assert broadcast.watch_url.endswith(broadcast.ref)
    assert broadcast.chat_ref == there.chat_id
    (stream,) = desk.fake.streams.values()
    assert stream.reusable
    assert (await desk.row()).pending == ""


async def test_an_unchanged_session_costs_no_call(desk: Desk) -> None:
    """Ensuring again, also by a hub that has just started, asks YouTube nothing."""
    await desk.platform.ensure(desk.session)
    before = len(desk.fake.calls)
    await desk.platform.ensure(desk.session)
    await desk.restarted().ensure(desk.session)
    assert desk.calls(before) == []


@pytest.mark.parametrize("fault", OUTCOMES.values(), ids=OUTCOMES.keys())
@pytest.mark.parametrize("call", ["liveBroadcasts.insert", "liveStreams.insert", "liveBroadcasts.bind"])
@pytest.mark.parametrize("lag_s", [0.0, 4.0])
async def test_one_broadcast_whatever_becomes_of_an_answer(desk: Desk, call: str, fault: Any, lag_s: float) -> None:
    """Trap: no idempotency key, and lists that lag. A write with an unknown outcome never leads to a second of it."""
    desk.fake.list_lag_s = lag_s
    desk.fake.fail(call, fault)
    await follow(lambda: desk.platform.ensure(desk.session))
    assert desk.only.state == "ready"
    assert len(desk.fake.streams) == 1
    row = await desk.row()
    assert (row.ref, row.stream_ref, row.pending) == (desk.only.id, desk.only.stream_id, "")


@pytest.mark.parametrize("after_effect", [True, False])
async def test_a_late_answer_is_looked_for(tmp_path: Path, after_effect: bool) -> None:
    """Trap: a time-out may come before or after the effect; the broadcast that appears late is found."""
    async with open_desk(tmp_path, timeout_s=0.3) as desk:
        desk.fake.fail("liveBroadcasts.insert", Slow(0.6, after_effect=after_effect))

        async def sleep(seconds: float) -> None:
            await asyncio.sleep(seconds / 10)
            desk.fake.tick(seconds)

        desk.sleep = sleep  # type: ignore[method-assign]
        desk.restarted()
        await follow(lambda: desk.platform.ensure(desk.session))
        assert desk.only.state == "ready"
        assert desk.writes().count("liveBroadcasts.insert") == 1


async def test_no_second_insert_in_the_same_breath(desk: Desk) -> None:
    """After an unknown outcome and complete lists without the marker, the error goes up; a later call inserts."""
    desk.fake.fail("liveBroadcasts.insert", Drop(after_effect=False))
    with pytest.raises(PlatformError) as error:
        await desk.platform.ensure(desk.session)
    assert error.value.fault is Fault.UNKNOWN_OUTCOME
    assert desk.writes() == ["liveBroadcasts.insert"]
    assert desk.slept_s == 25
    assert (await desk.row()).pending == "insert"
    before = len(desk.fake.calls)
    await desk.platform.ensure(desk.session)
    assert desk.calls(before)[:3] == ["liveBroadcasts.list", "liveBroadcasts.list", "liveBroadcasts.insert"]
    assert desk.slept_s == pytest.approx(60, abs=1)


async def test_a_certain_refusal_needs_no_look(desk: Desk) -> None:
    """What was certainly not done is simply done again when its time has come."""
    desk.fake.fail("liveBroadcasts.insert", Refuse(403, "userRequestsExceedRateLimit"))
    with pytest.raises(PlatformError) as error:
        await desk.platform.ensure(desk.session)
    assert error.value.fault is Fault.RATE
    assert (await desk.row()).pending == ""
    await desk.platform.ensure(desk.session)
    assert desk.calls().count("liveBroadcasts.list") == 0
    assert desk.only.state == "ready"


async def test_a_hub_killed_after_the_insert_adopts_what_it_made(desk: Desk) -> None:
    """Trap: a crash between the write and its row. A restarted hub looks for its marker, over all pages, first."""
    for number in range(65):  # two pages of broadcasts that are not ours
        other = await desk.add(f"2027-04-01-s{number}")
        await desk.platform.ensure(other)
    await desk.platform.ensure(desk.session)
    row = await desk.row()
    killed = replace(row, ref="", stream_ref="", pending="insert", pending_at=desk.fake.now() - timedelta(minutes=5))
    await desk.store.write(lambda db: save_broadcast(db, killed))
    desk.fake.broadcasts[row.ref].state, desk.fake.broadcasts[row.ref].stream_id = "created", ""
    before = len(desk.fake.calls)
    adopted = await desk.restarted().ensure(desk.session)
    assert adopted.ref == row.ref
    assert desk.calls(before) == ["liveBroadcasts.list", "liveBroadcasts.list", "liveBroadcasts.bind"]
    lists = [call for call in desk.fake.calls[before:] if call.method.endswith("liveBroadcasts.list")]
    assert all(call.params["broadcastType"] == "all" and "id" not in call.params for call in lists)


async def test_a_hub_killed_just_now_waits_for_the_list(desk: Desk) -> None:
    """Trap: a list that lags behind a write of the killed hub is not believed before a minute has passed."""
    desk.fake.list_lag_s = 40
    await desk.platform.ensure(desk.session)
    row = await desk.row()
    killed = replace(row, ref="", stream_ref="", pending="insert", pending_at=desk.fake.now())
    await desk.store.write(lambda db: save_broadcast(db, killed))
    assert (await desk.restarted().ensure(desk.session)).ref == row.ref
    assert len(desk.fake.broadcasts) == 1


async def test_two_at_once_make_one(desk: Desk) -> None:
    """Coroutines that ensure one session at the same time make one broadcast, and those of two make two."""
    other = await desk.add("2027-03-02-solar")
    desk.fake.fail("liveBroadcasts.insert", Drop(after_effect=True))
    steps = [desk.platform.ensure(one) for one in (desk.session, other, desk.session, other, desk.session)]
    await asyncio.gather(*steps)
    assert len(desk.fake.broadcasts) == 2
    assert len(desk.fake.streams) == 2


async def test_nothing_is_adopted_by_title_or_time(desk: Desk) -> None:
    """A broadcast with the same title and time, without our marker, is somebody else's."""
    await desk.platform.ensure(desk.session)
    foreign = desk.only
    foreign.description = "[sh:zzzzzzzzzz]"
    await desk.forget(desk.session.id)
    await desk.restarted().ensure(desk.session)
    assert len(desk.fake.broadcasts) == 2


async def test_of_several_the_oldest_in_use_is_kept(desk: Desk) -> None:
    """Doubles with our marker are deleted when they are only planned; one that is bound or live is kept."""
    await desk.platform.ensure(desk.session)
    row = await desk.row()
    for number in range(2):
        other = await desk.add(f"2027-04-01-s{number}")
        ref = (await desk.platform.ensure(other)).ref
        desk.fake.broadcasts[ref].description = f"[sh:{row.marker}]"
        desk.fake.broadcasts[ref].state, desk.fake.broadcasts[ref].stream_id = "created", ""
    killed = replace(row, ref="", pending="insert", pending_at=desk.fake.now() - timedelta(minutes=5))
    await desk.store.write(lambda db: save_broadcast(db, killed))
    assert (await desk.restarted().ensure(desk.session)).ref == row.ref
    assert list(desk.fake.broadcasts) == [row.ref]


async def test_an_unknown_outcome_and_a_change_meanwhile_end_well(desk: Desk) -> None:
    """A broadcast found later with the texts of then gets the texts of now."""
    desk.fake.fail("liveBroadcasts.insert", Drop(after_effect=True))
    desk.fake.fail("liveBroadcasts.list", *[Refuse(503, "backendError")] * 20)
    with pytest.raises(PlatformError):
        await desk.platform.ensure(desk.session)
    desk.fake.faults.clear()
    await desk.restarted().ensure(await desk.change(title="Ganz anders"))
    assert desk.only.title == "Ganz anders"


SEEDS = range(40)
COURSE_CALLS = ["liveBroadcasts.insert", "liveStreams.insert", "liveBroadcasts.bind", "liveBroadcasts.list"]


@pytest.mark.parametrize("seed", SEEDS)
async def test_exactly_one_broadcast_in_any_weather(tmp_path: Path, seed: int) -> None:
    """Random faults on random calls, lag, restarts and two at once: exactly one broadcast, bound, and known."""
    dice = random.Random(seed)
    async with open_desk(tmp_path, list_lag_s=dice.choice([0, 0, 3, 20])) as desk:
        for _ in range(dice.randint(1, 4)):
            call = dice.choice(COURSE_CALLS)
            faults = [Refuse(503, "backendError"), Html502(), Drop(after_effect=False)]
            if call != "liveBroadcasts.list":
                faults = list(OUTCOMES.values())
            desk.fake.fail(call, dice.choice(faults))
        done = False
        for _ in range(12):
            steps = [desk.platform.ensure(desk.session) for _ in range(dice.randint(1, 2))]
            tasks = [asyncio.ensure_future(step) for step in steps]
            if dice.random() < 0.4:  # killed somewhere in between
                await asyncio.sleep(dice.random() * 0.02)
                for task in tasks:
                    task.cancel()
                await asyncio.sleep(0.05)  # what was sent arrives all the same
            results = await asyncio.gather(*tasks, return_exceptions=True)
            done = not any(isinstance(result, BaseException) for result in results)
            if done:
                break
            assert all(not isinstance(r, Exception) or isinstance(r, PlatformError) for r in results), results
            desk.restarted()
            desk.fake.tick(dice.choice([0.0, 5.0, 60.0]))
        assert done
        assert desk.only.state == "ready"
        assert len(desk.fake.streams) == 1
        row = await desk.row()
        assert (row.ref, row.stream_ref, row.pending) == (desk.only.id, desk.only.stream_id, "")


# Starts.


async def test_a_start_that_has_passed_is_moved_and_told(desk: Desk) -> None:
    """A session whose start passed while the hub was offline starts in two minutes there, and the host is told."""
    session = await desk.change(starts_at=desk.fake.now() - timedelta(minutes=30))
    await desk.platform.ensure(session)
    ahead = desk.only.starts_at - desk.fake.now()
    assert timedelta(minutes=1) < ahead <= timedelta(minutes=2)
    assert desk.only.ends_at > desk.only.starts_at
    problem = (await desk.row()).problem
    assert problem.code is ProblemCode.START_MOVED
    assert problem.details["start"].startswith(desk.only.starts_at.strftime("%Y-%m-%dT%H:%M"))
    before = len(desk.fake.calls)
    await desk.platform.ensure(session)
    assert desk.calls(before) == []


async def test_a_start_refused_because_the_clock_is_slow_is_moved(desk: Desk) -> None:
    """YouTube's clock decides: a start that is ahead here and past there is tried once more, two minutes later."""
    desk.clock_off = timedelta(seconds=-50)
    session = await desk.change(starts_at=(desk.fake.now() - timedelta(seconds=20)).replace(microsecond=0))
    await desk.platform.ensure(session)
    assert desk.writes().count("liveBroadcasts.insert") == 2
    assert (await desk.row()).problem.code is ProblemCode.START_MOVED


async def test_too_far_ahead_is_planned_later(desk: Desk) -> None:
    """Beyond the horizon of the settings nothing is asked; the next try is when it comes into sight."""
    session = await desk.change(starts_at=desk.fake.now() + timedelta(days=200))
    with pytest.raises(PlatformError) as error:
        await desk.platform.ensure(session)
    assert error.value.code == ProblemCode.START_TOO_FAR
    ahead = error.value.retry_at - desk.fake.now()
    assert timedelta(days=19) < ahead < timedelta(days=21)
    assert desk.calls() == []
    assert (await desk.row()).ref == ""


async def test_the_horizon_is_learned_from_the_refusal(desk: Desk) -> None:
    """Trap: no number is published. A refused distance is remembered, and daily tried again."""
    desk.fake.horizon_days = 100
    far = await desk.change(starts_at=desk.fake.now() + timedelta(days=150))
    farther = await desk.add("2027-06-01-solar", starts_at=desk.fake.now() + timedelta(days=160))
    with pytest.raises(PlatformError) as error:
        await desk.platform.ensure(far)
    assert error.value.code == ProblemCode.START_TOO_FAR
    assert desk.writes() == ["liveBroadcasts.insert"]
    with pytest.raises(PlatformError):
        await desk.platform.ensure(farther)
    assert desk.writes() == ["liveBroadcasts.insert"]
    desk.fake.tick(86_400 * 51)
    await desk.platform.ensure(far)
    assert desk.only.state == "ready"


# Changes.


async def test_what_changes_here_is_written_there_once(desk: Desk) -> None:
    """Moving, renaming and another visibility follow through in one update of whole parts; what is not ours stays."""
    await desk.platform.ensure(desk.session)
    desk.only.video.category_id = "27"
    await desk.store.write(lambda db: save_show(db, replace(SHOW, privacy=Privacy.PUBLIC)))
    later = desk.session.starts_at + timedelta(days=1)
    session = await desk.change(title="Netz <neu> 🎤", starts_at=later)
    before = len(desk.fake.calls)
    await desk.platform.ensure(session)
    assert desk.calls(before) == ["liveBroadcasts.list", "liveBroadcasts.update"]
    assert (desk.only.title, desk.only.starts_at, desk.only.privacy) == ("Netz ‹neu› 🎤", later, "public")
    assert desk.only.ends_at == later + timedelta(hours=1)
    assert desk.only.video.category_id == "27"
    await desk.platform.ensure(session)
    assert len(desk.calls(before)) == 2


@pytest.mark.parametrize("fault", OUTCOMES.values(), ids=OUTCOMES.keys())
async def test_an_update_without_an_answer_is_looked_at_first(desk: Desk, fault: Any) -> None:
    """The next call reads, and writes only what is still missing."""
    await desk.platform.ensure(desk.session)
    desk.fake.fail("liveBroadcasts.update", fault)
    session = await desk.change(title="Neu")
    await follow(lambda: desk.platform.ensure(session))
    assert desk.only.title == "Neu"
    assert desk.writes().count("liveBroadcasts.update") == (1 if getattr(fault, "after_effect", False) else 2)
    assert (await desk.row()).pending == ""


async def test_a_change_taken_back_while_it_was_unclear_is_taken_back_there(desk: Desk) -> None:
    """An update without an answer went through, and meanwhile the session is as before: so is the broadcast then."""
    await desk.platform.ensure(desk.session)
    before = desk.session
    desk.fake.fail("liveBroadcasts.update", Drop(after_effect=True))
    with pytest.raises(PlatformError):
        await desk.platform.ensure(await desk.change(title="Neu"))
    assert desk.only.title == "Neu"
    await desk.platform.ensure(await desk.change(title=before.title))
    assert desk.only.title == before.title
    assert (await desk.row()).pending == ""
    desk.fake.tick(120)
    await desk.platform.get(before.id)
    assert (await desk.row()).problem is None


async def test_a_change_in_studio_is_told_and_left_alone(desk: Desk) -> None:
    """Title and start changed by hand are named; ensuring leaves them, and a change here writes that field only."""
    await desk.platform.ensure(desk.session)
    moved = desk.only.starts_at + timedelta(minutes=30)
    desk.only.title, desk.only.starts_at = "Von Hand", moved
    desk.fake.tick(120)
    await desk.platform.get(desk.session.id)
    problem = (await desk.row()).problem
    assert problem.code is ProblemCode.CHANGED_THERE
    assert problem.details["fields"] == "title, start"
    await desk.platform.ensure(desk.session)
    assert (await desk.row()).problem.code is ProblemCode.CHANGED_THERE
    assert desk.only.title == "Von Hand"
    await desk.store.write(lambda db: save_show(db, replace(SHOW, privacy=Privacy.PUBLIC)))
    await desk.platform.ensure(desk.session)
    assert (desk.only.title, desk.only.starts_at, desk.only.privacy) == ("Von Hand", moved, "public")
    await desk.platform.ensure(await desk.change(title="Von hier"))
    assert (desk.only.title, desk.only.starts_at) == ("Von hier", moved)
    desk.fake.tick(120)
    await desk.platform.get(desk.session.id)
    assert (await desk.row()).problem.details["fields"] == "start"


async def test_a_marker_deleted_in_studio_is_fine(desk: Desk) -> None:
    """The stored id wins over a missing marker, and nobody is bothered with it."""
    first = await desk.platform.ensure(desk.session)
    desk.only.description = desk.only.description.rpartition("\n\n")[0]
    desk.fake.tick(120)
    assert (await desk.restarted().get(desk.session.id)).ref == first.ref
    assert (await desk.row()).problem is None
    await desk.platform.ensure(await desk.change(title="Neu"))
    assert desk.only.title == "Neu"


async def test_a_broadcast_deleted_in_studio_is_lost_and_stays_so(desk: Desk) -> None:
    """It is told, never made again by itself, and made again on a host's word, with another marker."""
    first = await desk.platform.ensure(desk.session)
    marker = (await desk.row()).marker
    desk.fake.delete(first.ref)
    desk.fake.tick(120)
    lost = await desk.platform.get(desk.session.id)
    assert lost.phase is Phase.LOST
    assert (await desk.row()).problem.code is ProblemCode.BROADCAST_GONE
    assert (await desk.platform.ensure(desk.session)).phase is Phase.LOST
    with pytest.raises(PlatformError) as error:
        await desk.platform.go_live(desk.session.id)
    assert error.value.code == ProblemCode.BROADCAST_GONE
    assert desk.fake.broadcasts == {}
    again = await desk.platform.remake(desk.session.id)
    assert again.ref == desk.only.id != first.ref
    assert (await desk.row()).marker != marker
    assert (await desk.row()).problem is None
    with pytest.raises(Conflict):
        await desk.platform.remake(desk.session.id)


async def test_a_list_that_lags_is_no_loss(desk: Desk) -> None:
    """Trap: reads lag behind writes. A broadcast that is not listed yet is not taken for deleted."""
    desk.fake.list_lag_s = 20
    await desk.platform.ensure(desk.session)
    assert (await desk.platform.get(desk.session.id)).phase is Phase.SCHEDULED


async def test_a_deleted_broadcast_is_noticed_by_a_change_and_by_binding(desk: Desk) -> None:
    """Updating or binding what is gone says so as well."""
    await desk.platform.ensure(desk.session)
    desk.fake.delete(desk.only.id)
    desk.fake.tick(120)
    assert (await desk.platform.ensure(await desk.change(title="Neu"))).phase is Phase.LOST
    other = await desk.add("2027-03-03-solar")
    desk.fake.fail("liveBroadcasts.bind", Refuse(503, "backendError"))
    with pytest.raises(PlatformError):
        await desk.platform.ensure(other)
    desk.fake.delete(desk.only.id)
    desk.fake.tick(120)
    with pytest.raises(PlatformError) as error:
        await desk.platform.ensure(other)
    assert error.value.code == ProblemCode.BROADCAST_GONE
    assert (await desk.row(other.id)).phase is Phase.LOST


async def test_what_was_only_not_listed_is_not_made_again(desk: Desk) -> None:
    """A broadcast that shows up again after it was taken for deleted is used again instead of a second one."""
    first = await desk.platform.ensure(desk.session)
    there = desk.fake.broadcasts.pop(first.ref)
    desk.fake.tick(120)
    assert (await desk.platform.get(desk.session.id)).phase is Phase.LOST
    desk.fake.broadcasts[first.ref] = there
    again = await desk.platform.remake(desk.session.id)
    assert (again.ref, again.phase) == (first.ref, Phase.SCHEDULED)
    assert (await desk.row()).problem is None


async def test_an_answer_that_is_no_list_is_no_empty_list(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap: what a proxy answers with 200 must not make a broadcast look deleted, or an insert look undone."""
    await desk.platform.ensure(desk.session)
    desk.fake.tick(120)

    async def read(*_: Any, **__: Any) -> dict[str, Any]:
        return {}

    monkeypatch.setattr(desk.api, "read", read)
    with pytest.raises(PlatformError) as error:
        await desk.platform.get(desk.session.id)
    assert error.value.fault is Fault.UNREACHABLE
    assert (await desk.row()).phase is Phase.SCHEDULED


async def test_a_revoked_broadcast_is_lost_with_a_word(desk: Desk) -> None:
    """YouTube took it down: told, and nothing new by itself."""
    await desk.platform.ensure(desk.session)
    desk.fake.revoke(desk.only.id)
    assert (await desk.platform.get(desk.session.id)).phase is Phase.LOST
    assert (await desk.row()).problem.code is ProblemCode.REVOKED
    with pytest.raises(PlatformError) as error:
        await desk.platform.go_live(desk.session.id)
    assert error.value.code == ProblemCode.REVOKED
    await desk.platform.ensure(desk.session)
    assert len(desk.fake.broadcasts) == 1


async def test_what_is_on_air_is_renamed_but_not_moved(desk: Desk) -> None:
    """A live broadcast takes a new title; its start is what it was."""
    await desk.live()
    start = desk.only.starts_at
    session = await desk.change(title="Neu", starts_at=desk.session.starts_at + timedelta(hours=3))
    await desk.platform.ensure(session)
    assert (desk.only.title, desk.only.starts_at, desk.only.state) == ("Neu", start, "live")


async def test_a_session_moved_into_the_past_starts_soon(desk: Desk) -> None:
    """Moving to a start that has passed is told like one that passed by itself, and written once."""
    await desk.platform.ensure(desk.session)
    session = await desk.change(starts_at=desk.fake.now() - timedelta(hours=1))
    await desk.platform.ensure(session)
    await desk.platform.ensure(session)
    assert desk.writes().count("liveBroadcasts.update") == 1
    assert desk.only.starts_at > desk.fake.now()
    assert (await desk.row()).problem.code is ProblemCode.START_MOVED


async def test_a_change_after_the_planned_start_moves_it_along(desk: Desk) -> None:
    """Trap: writing a title means writing the start as well, and one that has passed may be refused."""
    await desk.platform.ensure(desk.session)
    desk.fake.fail("liveBroadcasts.update", Refuse(400, "invalidScheduledStartTime"))
    desk.fake.tick(2 * 3600)
    await desk.platform.ensure(await desk.change(title="Neu"))
    assert desk.only.title == "Neu"
    assert desk.only.starts_at > desk.fake.now()
    assert (await desk.row()).problem.code is ProblemCode.START_MOVED


async def test_a_refused_text_is_told_and_leaves_nothing_pending(desk: Desk) -> None:
    """A title that YouTube refuses all the same is named; the broadcast stays as it was."""
    await desk.platform.ensure(desk.session)
    desk.fake.fail("liveBroadcasts.update", Refuse(400, "invalidTitle"))
    session = await desk.change(title="Neu")
    with pytest.raises(PlatformError) as error:
        await desk.platform.ensure(session)
    assert (error.value.code, error.value.details["field"]) == (ProblemCode.BAD_TEXT, "title")
    assert (await desk.row()).pending == ""
    await desk.platform.ensure(session)
    assert desk.only.title == "Neu"


async def test_quota_that_is_used_up_stops_before_anything_is_written(desk: Desk) -> None:
    """A quota that is used up there is the truth: told with the next midnight in California, and certain."""
    desk.fake.fail("liveBroadcasts.insert", Refuse(403, "quotaExceeded"))
    for _ in range(2):
        with pytest.raises(PlatformError) as error:
            await desk.platform.ensure(desk.session)
        assert error.value.fault is Fault.QUOTA
        assert error.value.retry_at > desk.fake.now()
    assert desk.calls() == ["liveBroadcasts.insert"]
    assert (await desk.row()).pending == ""


async def test_an_unscheduled_start_is_set_right_by_a_change(desk: Desk) -> None:
    """Trap: Studio's “Go live now” leaves 1970 as the start; an update that has to send one sends a valid one."""
    await desk.platform.ensure(desk.session)
    desk.fake.unschedule(desk.only.id)
    desk.fake.tick(120)
    await desk.platform.ensure(await desk.change(title="Neu"))
    assert desk.only.title == "Neu"


async def test_made_for_kids_has_no_chat_and_that_is_no_fault(desk: Desk) -> None:
    """The declaration is always sent; with it there is no chat id, and nothing is wrong."""
    desk.settings = replace(desk.settings, made_for_kids=True)
    broadcast = await desk.restarted().ensure(desk.session)
    assert broadcast.chat_ref == ""
    assert desk.only.video.made_for_kids
    assert (await desk.row()).problem is None
    inserted = next(call for call in desk.fake.calls if call.method.endswith("liveBroadcasts.insert"))
    assert inserted.params["body"]["status"]["selfDeclaredMadeForKids"] is True


# Streams.


async def test_sessions_one_after_the_other_share_a_stream(desk: Desk) -> None:
    """One reusable stream per room, not one per session."""
    later = await desk.add("2027-03-09-netz", starts_at=desk.session.starts_at + timedelta(days=7))
    await desk.platform.ensure(desk.session)
    await desk.platform.ensure(later)
    assert len(desk.fake.streams) == 1
    overlapping = await desk.add("2027-03-02-solar", starts_at=desk.session.starts_at + timedelta(minutes=50))
    await desk.platform.ensure(overlapping)
    assert len(desk.fake.streams) == 2


async def test_a_session_moved_onto_another_gets_another_stream(desk: Desk) -> None:
    """Moving one session over another binds it anew; the other keeps what its encoder knows."""
    later = await desk.add("2027-03-09-netz", starts_at=desk.session.starts_at + timedelta(days=7))
    await desk.platform.ensure(desk.session)
    await desk.platform.ensure(later)
    before = (await desk.row()).stream_ref
    moved = await desk.add("2027-03-09-netz", starts_at=desk.session.starts_at)
    await desk.platform.ensure(moved)
    await desk.platform.ensure(desk.session)
    assert (await desk.row()).stream_ref == before
    assert (await desk.row(moved.id)).stream_ref != before
    assert desk.fake.broadcasts[(await desk.row(moved.id)).ref].stream_id == (await desk.row(moved.id)).stream_ref


async def test_a_stream_deleted_in_studio_is_made_again(desk: Desk) -> None:
    """The next time that somebody asks, the room gets a new stream."""
    first = await desk.platform.ensure(desk.session)
    old = desk.only.stream_id
    desk.only.stream_id, desk.only.state = "", "created"
    del desk.fake.streams[old]
    desk.fake.tick(120)
    assert (await desk.platform.ingest(desk.session.id)).key
    assert (desk.only.id, desk.only.state) == (first.ref, "ready")
    assert list(desk.fake.streams) == [desk.only.stream_id] != [old]


async def test_a_stream_that_is_gone_is_noticed_by_binding_and_by_looking(desk: Desk) -> None:
    """The next session gets a new stream, and a look at the one that was bound to it lets it go."""
    await desk.platform.ensure(desk.session)
    old = desk.only.stream_id
    del desk.fake.streams[old]
    later = await desk.add("2027-03-09-netz", starts_at=desk.session.starts_at + timedelta(days=7))
    await desk.platform.ensure(later)
    new = (await desk.row(later.id)).stream_ref
    assert new not in {"", old}
    desk.fake.tick(120)
    await desk.platform.get(desk.session.id)
    assert (await desk.row()).stream_ref == ""
    await desk.platform.ensure(desk.session)
    assert (await desk.row()).stream_ref == new


async def test_of_several_streams_the_oldest_is_kept(desk: Desk) -> None:
    """A stream made twice in bad weather is used once; what is not used is deleted."""
    desk.fake.fail("liveStreams.insert", Drop(after_effect=True))
    desk.fake.fail("liveStreams.list", *[Refuse(503, "backendError")] * 20)
    with pytest.raises(PlatformError):
        await desk.platform.ensure(desk.session)
    desk.fake.faults.clear()
    (first,) = desk.fake.streams.values()
    double = replace(first, id="double", published_at=first.published_at + timedelta(minutes=1))
    desk.fake.streams["double"] = double
    await desk.restarted().ensure(desk.session)
    assert list(desk.fake.streams) == [first.id] == [desk.only.stream_id]


async def test_a_stream_that_is_refused_is_made_later(desk: Desk) -> None:
    """A certain refusal leaves the room without a stream, and nothing to look for."""
    desk.fake.fail("liveStreams.insert", Refuse(403, "userRequestsExceedRateLimit"))
    with pytest.raises(PlatformError):
        await desk.platform.ensure(desk.session)
    await desk.platform.ensure(desk.session)
    assert desk.only.state == "ready"
    assert "liveStreams.list" not in desk.calls()


async def test_a_session_that_overruns_keeps_its_stream(desk: Desk) -> None:
    """Live beyond its planned end: the next session in its room gets another stream before it begins."""
    following = await desk.add("2027-03-02-solar", starts_at=desk.session.starts_at + timedelta(minutes=90))
    await desk.platform.ensure(following)
    await desk.live()
    assert len(desk.fake.streams) == 1
    desk.fake.tick(2.4 * 3600)
    await desk.platform.ensure(following)
    assert (await desk.row(following.id)).stream_ref != (await desk.row()).stream_ref


@pytest.mark.parametrize("state", [SessionState.REHEARSAL, SessionState.LIVE])
async def test_nobody_goes_on_stage_on_a_stream_that_somebody_else_is_on(desk: Desk, state: SessionState) -> None:
    """One session is still on air, the next one rehearses or begins: asked for its place, it gets one of its own."""
    following = await desk.add("2027-03-02-solar", starts_at=desk.session.starts_at + timedelta(minutes=90))
    await desk.platform.ensure(following)
    await desk.live()
    assert len(desk.fake.streams) == 1
    if state is SessionState.LIVE:
        desk.fake.tick(2.4 * 3600)
    await desk.add(following.id, starts_at=following.starts_at, state=state)
    key = (await desk.platform.ingest(desk.session.id)).key
    assert (await desk.platform.ingest(following.id)).key != key
    assert (await desk.row(following.id)).stream_ref != (await desk.row()).stream_ref
    await desk.store.write(lambda db: save_show(db, replace(SHOW, direct=True)))
    assert (await desk.platform.ingest(desk.session.id)).key == key


async def test_a_rehearsal_that_was_ended_there_is_made_again_as_it_was(desk: Desk) -> None:
    """What nobody but hosts has seen leaves no part behind: the new broadcast carries the name alone."""
    desk.fake.complete_from_testing = True
    await desk.platform.ensure(desk.session)
    desk.fake.push(desk.only.stream_id)
    await desk.platform.rehearse(desk.session.id)
    await desk.platform.cancel(desk.session.id)
    again = await desk.platform.remake(desk.session.id)
    assert (again.part, again.phase) == (1, Phase.SCHEDULED)
    assert desk.fake.broadcasts[again.ref].title == "Netz im Wandel"


async def test_a_refused_binding_is_told(desk: Desk) -> None:
    """Nothing stays reserved or pending, and the next try binds."""
    desk.fake.fail("liveBroadcasts.bind", Refuse(403, "liveBroadcastBindingNotAllowed"))
    with pytest.raises(PlatformError) as error:
        await desk.platform.ensure(desk.session)
    assert error.value.fault is Fault.BAD_STATE
    row = await desk.row()
    assert (row.stream_ref, row.pending) == ("", "")
    desk.fake.fail("liveBroadcasts.bind", Refuse(404, "liveBroadcastNotFound"))  # a lagging backend; it is there
    await desk.platform.ensure(desk.session)
    assert desk.only.state == "ready"


async def test_a_session_moved_out_of_sight_keeps_its_broadcast(desk: Desk) -> None:
    """Too far ahead for YouTube: told, tried later, and nothing is written until then."""
    await desk.platform.ensure(desk.session)
    desk.fake.horizon_days = 30
    session = await desk.change(starts_at=desk.session.starts_at + timedelta(days=60))
    for _ in range(2):
        with pytest.raises(PlatformError) as error:
            await desk.platform.ensure(session)
        assert error.value.code == ProblemCode.START_TOO_FAR
    assert desk.writes().count("liveBroadcasts.update") == 1
    assert (await desk.row()).pending == ""


async def test_an_unbound_broadcast_is_bound_again(desk: Desk) -> None:
    """Somebody unbound it in Studio: noticed by a look, set right by the next ensuring, or by going live."""
    await desk.platform.ensure(desk.session)
    stream = desk.only.stream_id
    desk.only.stream_id, desk.only.state = "", "created"
    desk.fake.tick(120)
    await desk.platform.get(desk.session.id)
    await desk.platform.ensure(desk.session)
    assert (desk.only.stream_id, desk.only.state) == (stream, "ready")
    desk.only.stream_id, desk.only.state = "", "created"
    desk.fake.push(stream)
    desk.fake.tick(120)
    assert (await desk.platform.go_live(desk.session.id)).phase is Phase.LIVE


async def test_the_key_is_in_no_row(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """The stream key is fetched when needed, and stands in no row and no log."""
    await desk.platform.ensure(desk.session)
    key = (await desk.platform.ingest(desk.session.id)).key
    rows = await desk.store.read(lambda db: [str(row) for table in db.tables for row in table.rows])
    assert not any(key in row for row in rows)
    assert key not in caplog.text


# Going live and ending.


async def test_going_live_without_rehearsal_takes_one_transition(desk: Desk) -> None:
    """The monitor stream is off by default, so that a ready broadcast goes live at once."""
    await desk.live()
    assert desk.writes().count("liveBroadcasts.transition") == 1
    row = await desk.row()
    assert (row.phase, row.native_state, row.pending) == (Phase.LIVE, "live", "")
    assert row.started_at == desk.only.started_at.replace(microsecond=0)


async def test_a_rehearsal_switches_the_monitor_on_and_leads_on_to_live(desk: Desk) -> None:
    """Trap: testing needs the monitor stream, and with it on, ready cannot go live directly."""
    await desk.platform.ensure(desk.session)
    desk.fake.push(desk.only.stream_id)
    assert (await desk.platform.rehearse(desk.session.id)).native_state == "testing"
    assert desk.only.monitor
    assert (await desk.platform.go_live(desk.session.id)).phase is Phase.LIVE
    transitions = [c.params["broadcastStatus"] for c in desk.fake.calls if c.method.endswith("transition")]
    assert transitions == ["testing", "live"]


async def test_with_the_monitor_on_going_live_tests_first(desk: Desk) -> None:
    """A ready broadcast whose monitor somebody switched on is tested on its way."""
    await desk.platform.ensure(desk.session)
    desk.only.content["monitorStream"]["enableMonitorStream"] = True
    desk.fake.push(desk.only.stream_id)
    desk.fake.async_polls = 3
    assert (await desk.platform.go_live(desk.session.id)).phase is Phase.LIVE


@pytest.mark.parametrize("fault", [*OUTCOMES.values(), Refuse(403, "errorExecutingTransition")])
@pytest.mark.parametrize("step", ["rehearse", "go_live", "end"])
async def test_transitions_are_taken_once_whatever_is_answered(desk: Desk, step: str, fault: Any) -> None:
    """After an unknown outcome the state is read before anything is asked again."""
    await desk.platform.ensure(desk.session)
    desk.fake.push(desk.only.stream_id)
    if step == "end":
        await desk.platform.go_live(desk.session.id)
    before = len(desk.fake.calls)
    desk.fake.fail("liveBroadcasts.transition", fault)
    await getattr(desk.platform, step)(desk.session.id)
    assert desk.only.state == {"rehearse": "testing", "go_live": "live", "end": "complete"}[step]
    sent = desk.writes(before).count("liveBroadcasts.transition")
    assert sent == (1 if getattr(fault, "after_effect", False) else 2)
    assert (await desk.row()).pending == ""


async def test_a_stumbling_platform_is_given_up_after_three_more_tries(desk: Desk) -> None:
    """5, 15 and 45 s later the same; then the error goes up and the row stays marked."""
    await desk.platform.ensure(desk.session)
    desk.fake.push(desk.only.stream_id)
    desk.fake.fail("liveBroadcasts.transition", *[Refuse(503, "backendError")] * 9)
    before_s = desk.slept_s
    with pytest.raises(PlatformError) as error:
        await desk.platform.go_live(desk.session.id)
    assert error.value.fault is Fault.UNKNOWN_OUTCOME
    assert desk.slept_s - before_s == 65
    assert desk.writes().count("liveBroadcasts.transition") == 4
    assert (await desk.row()).pending == "go_live"


async def test_without_a_picture_it_waits_and_says_so(desk: Desk) -> None:
    """Only an active stream permits going live; after the wait the host reads that no picture arrives."""
    await desk.platform.ensure(desk.session)
    with pytest.raises(PlatformError) as error:
        await desk.platform.go_live(desk.session.id, wait_signal_s=30)
    assert (error.value.fault, error.value.code) == (Fault.NO_SIGNAL, ProblemCode.NO_PICTURE)
    assert desk.slept_s == 30
    assert desk.writes().count("liveBroadcasts.transition") == 0


async def test_a_host_who_thinks_better_of_it_is_not_kept_waiting(desk: Desk) -> None:
    """Ended or cancelled while there is no picture yet: the broadcast never goes live, whatever arrives there later."""
    await desk.platform.ensure(desk.session)
    await desk.change(state=SessionState.LIVE)
    task = asyncio.ensure_future(desk.platform.go_live(desk.session.id))
    while "liveStreams.list" not in desk.calls():
        await asyncio.sleep(0)
    await desk.change(state=SessionState.ENDED)
    desk.fake.push(desk.only.stream_id)
    with pytest.raises(Conflict, match="changed meanwhile"):
        await task
    assert "liveBroadcasts.transition" not in desk.calls()
    row = await desk.row()
    assert (row.pending, desk.only.state) == ("", "ready")


async def test_a_picture_that_comes_late_is_enough(desk: Desk) -> None:
    """The wait ends as soon as the stream is active; a refusal for an inactive one is waited out as well."""
    await desk.platform.ensure(desk.session)
    stream, sleep = desk.only.stream_id, desk.sleep

    async def sleep_then_push(seconds: float) -> None:
        await sleep(seconds)
        if desk.slept_s >= 9:
            desk.fake.push(stream)

    desk.sleep = sleep_then_push  # type: ignore[method-assign]
    desk.fake.fail("liveBroadcasts.transition", Refuse(403, "errorStreamInactive"))
    assert (await desk.restarted().go_live(desk.session.id)).phase is Phase.LIVE
    assert desk.slept_s >= 12


async def test_what_was_done_in_studio_is_followed(desk: Desk) -> None:
    """Trap: opened, started or ended by hand before we come. The state is read first; nothing is asked twice."""
    await desk.platform.ensure(desk.session)
    desk.fake.go_live_in_studio(desk.only.id)
    before = len(desk.fake.calls)
    assert (await desk.platform.go_live(desk.session.id)).phase is Phase.LIVE
    assert (await desk.platform.rehearse(desk.session.id)).phase is Phase.LIVE
    assert desk.writes(before) == []
    desk.fake.complete(desk.only.id)
    assert (await desk.platform.end(desk.session.id)).phase is Phase.ENDED
    assert desk.writes(before) == []
    with pytest.raises(PlatformError) as error:
        await desk.platform.go_live(desk.session.id)
    assert error.value.code == ProblemCode.OVER


async def test_a_transition_that_is_not_valid_is_looked_at(desk: Desk) -> None:
    """InvalidTransition because somebody was faster is a success; in an unchanged state it is told with the state."""
    await desk.platform.ensure(desk.session)
    desk.fake.push(desk.only.stream_id)
    desk.fake.fail("liveBroadcasts.transition", Refuse(403, "invalidTransition"))
    with pytest.raises(PlatformError) as error:
        await desk.platform.go_live(desk.session.id)
    assert error.value.code == ProblemCode.WRONG_STATE
    assert error.value.details["state"] == "ready"
    desk.fake.fail("liveBroadcasts.transition", Refuse(403, "redundantTransition"))
    task = asyncio.ensure_future(desk.platform.go_live(desk.session.id))
    while not [call for call in desk.fake.calls if call.status == 403 and call.method.endswith("transition")][1:]:
        await asyncio.sleep(0.001)
    desk.fake.go_live_in_studio(desk.only.id)
    assert (await task).phase is Phase.LIVE


async def test_a_state_that_is_not_reached_is_told(desk: Desk) -> None:
    """Ninety seconds after it was asked for, a transition that stays on its way is an unknown outcome."""
    desk.fake.async_polls = 1000
    with pytest.raises(PlatformError) as error:
        await desk.live()
    assert error.value.code == ProblemCode.OUTCOME_UNKNOWN
    assert desk.slept_s == 90
    desk.fake.async_polls = 0
    desk.fake.go_live_in_studio(desk.only.id)
    assert (await desk.platform.go_live(desk.session.id)).phase is Phase.LIVE


async def test_refusals_of_transitions_are_told_as_they_are(desk: Desk) -> None:
    """Limits and rates are no reason to ask again at once, and leave nothing pending."""
    await desk.platform.ensure(desk.session)
    desk.fake.push(desk.only.stream_id)
    for reason, fault in [
        ("concurrentBroadcastsExceedLimit", Fault.LIMIT),
        ("userRequestsExceedRateLimit", Fault.RATE),
        ("liveStreamingNotEnabled", Fault.NOT_ALLOWED),
    ]:
        desk.fake.fail("liveBroadcasts.transition", Refuse(403, reason))
        before = len(desk.fake.calls)
        with pytest.raises(PlatformError) as error:
            await desk.platform.go_live(desk.session.id)
        assert error.value.fault is fault
        assert desk.writes(before) == ["liveBroadcasts.transition"]
        assert (await desk.row()).pending == ""


async def test_a_network_that_is_away_is_told_and_comes_back(desk: Desk) -> None:
    """Unreachable is certain: nothing was sent, nothing stays pending, and the next try works."""
    desk.fake.go_offline()
    with pytest.raises(PlatformError) as error:
        await desk.platform.ensure(desk.session)
    assert error.value.fault is Fault.UNREACHABLE
    assert (await desk.row()).pending == ""
    desk.fake.come_back()
    await desk.platform.ensure(desk.session)
    assert desk.only.state == "ready"


# Cancelling.


@pytest.mark.parametrize("fault", [None, *OUTCOMES.values()], ids=["clean", *OUTCOMES.keys()])
async def test_cancelling_deletes_what_was_planned(desk: Desk, fault: Any) -> None:
    """The broadcast is deleted once, whatever is answered; scheduling again makes a new one."""
    first = await desk.platform.ensure(desk.session)
    if fault is not None:
        desk.fake.fail("liveBroadcasts.delete", fault)
    await follow(lambda: desk.platform.cancel(desk.session.id))
    assert desk.fake.broadcasts == {}
    assert await desk.row() is None
    assert (await desk.platform.ensure(desk.session)).ref != first.ref


@pytest.mark.parametrize("after_effect", [True, False])
async def test_announced_again_while_the_cancelling_was_unclear(desk: Desk, after_effect: bool) -> None:
    """Whether the deletion got through or not: one broadcast is there, bound, and nothing stays pending."""
    first = await desk.platform.ensure(desk.session)
    desk.fake.fail("liveBroadcasts.delete", Drop(after_effect=after_effect))
    with pytest.raises(PlatformError):
        await desk.platform.cancel(desk.session.id)
    again = await desk.platform.ensure(desk.session)
    assert (again.ref == first.ref) is not after_effect
    assert (desk.only.id, desk.only.state) == (again.ref, "ready")
    assert (await desk.row()).pending == ""
    calls = len(desk.fake.calls)
    await desk.platform.ensure(desk.session)
    assert len(desk.fake.calls) == calls


async def test_a_rehearsal_taken_back_while_it_was_unclear(desk: Desk) -> None:
    """A step that is not wanted any more leaves nothing pending, and where it led is known."""
    await desk.platform.ensure(desk.session)
    desk.fake.push(desk.only.stream_id)
    await desk.platform.rehearse(desk.session.id)
    row = await desk.row()
    unclear = replace(row, phase=Phase.SCHEDULED, pending="rehearse", pending_at=desk.now())
    await desk.store.write(lambda db: save_broadcast(db, unclear))
    assert (await desk.platform.ensure(desk.session)).phase is Phase.TESTING
    assert (await desk.row()).pending == ""


async def test_cancelling_finds_what_was_made_without_an_answer(desk: Desk) -> None:
    """A session cancelled while its insert is unclear leaves nothing behind."""
    desk.fake.list_lag_s = 30
    desk.fake.fail("liveBroadcasts.insert", Drop(after_effect=True))
    with pytest.raises(PlatformError):
        await desk.platform.ensure(desk.session)
    desk.fake.tick(30)
    await desk.restarted().cancel(desk.session.id)
    assert desk.fake.broadcasts == {}


async def test_cancelling_after_a_rehearsal_ends_it(desk: Desk) -> None:
    """Only hosts have seen it: it is completed."""
    desk.fake.complete_from_testing = True
    await desk.platform.ensure(desk.session)
    desk.fake.push(desk.only.stream_id)
    await desk.platform.rehearse(desk.session.id)
    await desk.platform.cancel(desk.session.id)
    assert desk.only.state == "complete"


async def test_a_rehearsal_that_cannot_be_ended_is_told_and_rarely_tried(desk: Desk) -> None:
    """Whether testing can be completed is not documented: a refusal is told, and costs quota only every six hours."""
    await desk.platform.ensure(desk.session)
    desk.fake.push(desk.only.stream_id)
    await desk.platform.rehearse(desk.session.id)
    for step in (desk.platform.cancel, desk.platform.end):
        with pytest.raises(PlatformError) as error:
            await step(desk.session.id)
        assert error.value.code == ProblemCode.WRONG_STATE
        assert error.value.details["state"] == "testing"
        assert error.value.retry_at - desk.fake.now() > timedelta(hours=5)


# Long sessions.


async def test_a_long_session_goes_on_in_a_new_broadcast_on_the_same_stream(desk: Desk) -> None:
    """Trap: nothing over 12 hours is kept. Part one ends, part two is live, the encoder notices nothing."""
    await desk.live()
    first = await desk.row()
    desk.fake.tick(705 * 60)
    second = await desk.platform.roll_over(desk.session)
    assert (second.part, second.phase) == (2, Phase.LIVE)
    assert second.ref != first.ref
    assert (await desk.row()).stream_ref == first.stream_ref
    assert len(desk.fake.streams) == 1
    states = {b.id: (b.state, b.title) for b in desk.fake.broadcasts.values()}
    assert states == {first.ref: ("complete", "Netz im Wandel"), second.ref: ("live", "Netz im Wandel (2)")}
    assert (await desk.row()).problem.code is ProblemCode.ROLLED_OVER
    assert (await desk.row(part=1)).ended_at is not None
    await desk.platform.end(desk.session.id)
    assert {b.state for b in desk.fake.broadcasts.values()} == {"complete"}


async def test_the_next_part_waits_for_its_place(desk: Desk) -> None:
    """Trap: the stream's place may be free only a moment after the earlier part has ended."""
    await desk.live()
    task = asyncio.ensure_future(desk.platform.roll_over(desk.session))
    while not any(broadcast.state == "complete" for broadcast in desk.fake.broadcasts.values()):
        await asyncio.sleep(0)
    desk.fake.fail("liveBroadcasts.transition", Refuse(403, "sharedIngestionBroadcastsExceedLimit"))
    assert (await task).phase is Phase.LIVE
    assert desk.writes().count("liveBroadcasts.transition") == 4


async def test_a_look_that_is_overtaken_changes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look runs beside the steps: what it saw of the first part is not written to the second."""
    await desk.live()
    first = await desk.row()
    read, rolled = desk.api.read, []

    async def read_then_roll(call: str, **params: Any) -> dict[str, Any]:
        answer = await read(call, **params)
        if not rolled:
            rolled.append(True)
            await desk.platform.roll_over(desk.session)
        return answer

    monkeypatch.setattr(desk.api, "read", read_then_roll)
    await desk.platform.get(desk.session.id)
    second = await desk.row()
    assert (second.part, second.phase) == (2, Phase.LIVE)
    assert second.ref != first.ref


@pytest.mark.parametrize("killed_after", range(10))
async def test_a_crash_in_a_roll_over_is_finished(desk: Desk, killed_after: int) -> None:
    """Killed after any of its calls, ensuring and going live again leads to the same two broadcasts."""
    await desk.live()
    before = len(desk.fake.calls)
    task = asyncio.ensure_future(desk.platform.roll_over(desk.session))
    while len(desk.fake.calls) < before + killed_after and not task.done():
        await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.05)
    desk.restarted()
    row = await desk.row()
    if row.part == 1:
        await desk.platform.roll_over(desk.session)
    else:
        await desk.platform.ensure(desk.session)
        await desk.platform.go_live(desk.session.id)
    assert sorted(b.state for b in desk.fake.broadcasts.values()) == ["complete", "live"]
    assert [(r.part, r.phase) for r in await parts(desk)] == [(1, Phase.ENDED), (2, Phase.LIVE)]


async def parts(desk: Desk) -> list[Any]:
    return await desk.store.read(lambda db: list_broadcasts(db, session_id=desk.session.id, platform="youtube"))


async def test_ending_in_the_middle_of_a_roll_over_leaves_nothing_behind(desk: Desk) -> None:
    """A part that was planned and never began is deleted when the session ends."""
    await desk.live()
    desk.fake.fail("liveBroadcasts.transition", Refuse(403, "userRequestsExceedRateLimit"))
    with pytest.raises(PlatformError):
        await desk.platform.roll_over(desk.session)
    assert len(desk.fake.broadcasts) == 2
    assert (await desk.platform.end(desk.session.id)).phase is Phase.ENDED
    assert desk.only.state == "complete"


async def test_a_session_that_was_ended_there_goes_on_on_a_hosts_word(desk: Desk) -> None:
    """Over is over; a new part is made when a host says so."""
    await desk.live()
    desk.fake.complete(desk.only.id)
    assert (await desk.platform.get(desk.session.id)).phase is Phase.ENDED
    again = await desk.platform.remake(desk.session.id)
    assert (again.part, again.phase) == (2, Phase.SCHEDULED)
    assert (await desk.platform.go_live(desk.session.id)).phase is Phase.LIVE


# Looking.


async def test_many_are_looked_at_in_one_call(desk: Desk) -> None:
    """Up to fifty sessions cost one call; those that are not there are left out."""
    sessions = [desk.session, *[await desk.add(f"2027-04-0{n}-netz") for n in range(1, 5)]]
    for session in sessions:
        await desk.platform.ensure(session)
    desk.fake.revoke((await desk.row(sessions[1].id)).ref)
    before = len(desk.fake.calls)
    seen = await desk.platform.look([session.id for session in sessions] + ["nowhere"])
    assert desk.calls(before) == ["liveBroadcasts.list"]
    assert set(seen) == {session.id for session in sessions}
    assert seen[sessions[1].id].phase is Phase.LOST


async def test_what_arrives_there_is_told(desk: Desk) -> None:
    """The signal is polled without the key, and a bad one says what is wrong."""
    await desk.platform.ensure(desk.session)
    stream = desk.only.stream_id
    assert (await desk.platform.signal(desk.session.id)).quality == "none"
    desk.fake.push(stream)
    desk.fake.set_health(
        stream, "bad", {"type": "videoIngestionStarved", "severity": "error", "reason": "r", "description": "Too slow."}
    )
    before = len(desk.fake.calls)
    signal = await desk.platform.signal(desk.session.id)
    assert (signal.receiving, signal.quality, signal.issues) == (True, "bad", ("Too slow.",))
    assert desk.fake.calls[before].params["part"] in ("id,status", ["id", "status"])


async def test_the_check_finds_another_hub(desk: Desk) -> None:
    """A planned broadcast with a marker that is not ours means two hubs on one channel; an old one does not."""
    await desk.platform.ensure(desk.session)
    assert await desk.platform.check() == []
    row = await desk.row()
    other = await desk.add("2027-04-01-solar")
    ref = (await desk.platform.ensure(other)).ref
    await desk.forget(other.id)
    assert [problem.code for problem in await desk.platform.check()] == [ProblemCode.OTHER_HUB]
    desk.fake.complete(ref)
    assert await desk.platform.check() == []
    assert find_markers(desk.fake.broadcasts[row.ref].description) == (row.marker,)


async def test_the_check_finds_what_would_fail_later(desk: Desk) -> None:
    """A channel without live streaming and a wrong clock are known days ahead; nothing is raised."""
    desk.fake.live_enabled = False
    assert [problem.code for problem in await desk.platform.check()] == [ProblemCode.LIVE_NOT_ENABLED]
    desk.fake.live_enabled = True
    desk.clock_off = timedelta(hours=1)
    (problem,) = await desk.platform.check()
    assert (problem.code, problem.details["minutes"]) == (ProblemCode.CLOCK_WRONG, "60")
    desk.clock_off = timedelta()
    desk.fake.revoke_grants()
    assert (await desk.platform.check())[0].code is ProblemCode.SIGNED_OUT


async def test_ending_a_session_that_never_went_live_there_is_a_conflict(desk: Desk) -> None:
    """It was planned only: the caller cancels it."""
    await desk.platform.ensure(desk.session)
    with pytest.raises(Conflict, match="never live"):
        await desk.platform.end(desk.session.id)
    await desk.platform.cancel(desk.session.id)
    assert desk.fake.broadcasts == {}


async def test_a_session_that_is_not_coming_needs_no_room(desk: Desk) -> None:
    """A cancelled session's stream is free for others at that time."""
    await desk.platform.ensure(desk.session)
    await desk.change(state=SessionState.CANCELLED)
    other = await desk.add("2027-03-02-solar", state=SessionState.OPEN)
    await desk.platform.ensure(other)
    assert len(desk.fake.streams) == 1
    assert [stream.room for stream in await desk.store.read(lambda db: list_streams(db, "youtube"))] == [1]
