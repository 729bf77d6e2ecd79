"""Platforms follow the sessions: over a real store and a platform that does what a test wants."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.errors import Conflict, Fault
from streamhub.keepers.reconciler import Reconciler, ReconcilerParts
from streamhub.live.platform import Ingest, Phase, Signal
from streamhub.live.problem import Problem, ProblemCode, make_error
from streamhub.live.rules import ON_AIR, Step, plan_look_s, plan_retry_s, plan_signal_s, plan_step, relays
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store.broadcasts import BroadcastRow, delete_broadcast, find_broadcast, save_broadcast
from streamhub.store.shows import load_session, save_session, save_show, step_session
from streamhub.store.store import Store

START = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)
SESSION = Session(
    id="2027-03-02-netz", show_id="netz", title="Netz", starts_at=START, state=SessionState.OPEN, planned_minutes=60
)
S = SessionState


class Clock:
    """A clock that a test moves."""

    def __init__(self, at):
        self.at = at

    def __call__(self):
        return self.at

    def forward(self, **by):
        self.at += timedelta(**by)


class Stage:
    """A platform that does what it is asked or fails when told to, and a relay that remembers its aim."""

    name = "Stage"
    capabilities = frozenset()

    def __init__(self, store, now):
        self.store, self.now = store, now
        self.calls = Counter()
        self.fail = {}
        self.hang = {}
        self.phase_there = {}
        self.signal_there = Signal(receiving=True, quality="good")
        self.aims = {}
        self.found = ()
        self.waits = []

    async def _do(self, name, session_id, phase=None, **changes):
        self.calls[name] += 1
        if (gate := self.hang.get(session_id)) is not None:
            await gate.wait()
        if (fault := self.fail.get(name)) is not None:
            raise make_error(fault, ProblemCode.UNREACHABLE, {"platform": self.name})

        def save(db):
            row = find_broadcast(db, session_id, "stage") or BroadcastRow(
                session_id=session_id, platform="stage", marker=f"m-{session_id}", ref=f"ref-{session_id}"
            )
            return save_broadcast(db, replace(row, **({"phase": phase} if phase else {}), **changes)).broadcast

        return await self.store.write(save)

    async def ensure(self, session):
        return await self._do("ensure", session.id)

    async def get(self, session_id):
        return await self._do("get", session_id, self.phase_there.get(session_id))

    async def ingest(self, session_id):
        self.calls["ingest"] += 1
        return Ingest(url="rtmp://stage/live", key=f"key-{session_id}")

    async def signal(self, session_id):
        self.calls["signal"] += 1
        return self.signal_there

    async def rehearse(self, session_id, *, wait_signal_s=60.0):
        return await self._do("rehearse", session_id, Phase.TESTING)

    async def go_live(self, session_id, *, wait_signal_s=60.0):
        self.waits.append(wait_signal_s)
        return await self._do("go_live", session_id, Phase.LIVE, started_at=self.now())

    async def end(self, session_id):
        return await self._do("end", session_id, Phase.ENDED)

    async def cancel(self, session_id):
        await self._do("cancel", session_id, Phase.LOST)

    async def roll_over(self, session):
        self.calls["roll_over"] += 1

        def roll(db):
            before = find_broadcast(db, session.id, "stage")
            save_broadcast(db, replace(before, phase=Phase.ENDED))
            after = replace(
                before, part=before.part + 1, marker="m2", ref="ref2", phase=Phase.LIVE, started_at=self.now()
            )
            return save_broadcast(db, after).broadcast

        return await self.store.write(roll)

    async def remake(self, session_id):
        part = (await self.store.read(lambda db: find_broadcast(db, session_id, "stage"))).part + 1
        return await self._do("remake", session_id, Phase.SCHEDULED, part=part, marker=f"m{part}", started_at=None)

    async def check(self):
        self.calls["check"] += 1
        return self.found

    async def aim(self, session_id, ingest):
        self.aims[session_id] = ingest


@pytest.fixture
def clock():
    return Clock(START - timedelta(days=3))


@pytest.fixture
async def store(tmp_path, clock):
    async with Store.open(tmp_path / "hub.sqlite3", now=clock) as store:
        await store.write(lambda db: save_show(db, Show(id="netz", title="Netz", platform="stage")))
        await store.write(lambda db: save_session(db, SESSION))
        yield store


@pytest.fixture
def stage(store, clock):
    return Stage(store, clock)


@pytest.fixture
def ended():
    return []


@pytest.fixture
async def reconciler(store, stage, clock, ended):
    async def end(session_id):
        ended.append(session_id)
        await store.write(lambda db: step_session(db, session_id, S.ENDED, at=clock()))

    parts = ReconcilerParts(
        store=store, platforms={"stage": stage}, relay=stage, end=end, watchdog_s=600, part_s=11.75 * 3600, now=clock
    )
    async with Reconciler(parts, pass_s=0.01) as running:
        yield running


async def row_of(store, session_id=SESSION.id):
    return await store.read(lambda db: find_broadcast(db, session_id, "stage"))


async def until(condition, timeout_s=30.0):
    async with asyncio.timeout(timeout_s):
        while True:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.01)


async def change(store, reconciler, **fields):
    session = await store.read(lambda db: load_session(db, SESSION.id))
    await store.write(lambda db: save_session(db, replace(session, **fields)))
    reconciler.wake(SESSION.id)


async def phase_is(store, phase):
    row = await row_of(store)
    return row is not None and row.phase is phase


async def test_a_planned_session_is_planned_there_once(store, stage, reconciler):
    """A planned session gets its broadcast, and as long as nothing changes nothing more is asked."""
    await until(lambda: row_of(store))
    await asyncio.sleep(0.2)
    assert stage.calls["ensure"] == 1
    assert stage.calls["get"] <= 1
    assert stage.aims[SESSION.id] is None


async def test_a_restart_is_no_reason_to_look(store, stage, reconciler, clock):
    """What was looked at a moment ago, by whichever run of the hub, is looked at again when it is time."""
    await until(lambda: row_of(store))
    row = await row_of(store)
    await until(lambda: _quiet(reconciler))
    await store.write(lambda db: save_broadcast(db, replace(row, seen_at=clock())))
    before = stage.calls["get"]
    async with Reconciler(reconciler._parts, pass_s=0.01):
        await asyncio.sleep(0.2)
        assert stage.calls["get"] == before
        clock.forward(hours=7)
        await until(lambda: stage.calls["get"] > before)


async def test_a_change_follows_through(store, stage, reconciler):
    """Moving or renaming a session reaches the platform at once."""
    await until(lambda: row_of(store))
    await change(store, reconciler, title="Netz und Strom", starts_at=START + timedelta(days=1))
    await until(lambda: stage.calls["ensure"] == 2)


async def test_the_life_of_a_session_is_followed(store, stage, reconciler, clock):
    """Rehearsal, live and end are followed; the relay has its aim before the platform is asked to go live."""
    clock.at = START - timedelta(minutes=30)
    await until(lambda: stage.aims.get(SESSION.id))
    await change(store, reconciler, state=S.REHEARSAL)
    await until(lambda: phase_is(store, Phase.TESTING))
    await change(store, reconciler, state=S.LIVE, started_at=clock())
    await until(lambda: phase_is(store, Phase.LIVE))
    assert stage.aims[SESSION.id].key == f"key-{SESSION.id}"
    await change(store, reconciler, state=S.ENDED, ended_at=clock())
    await until(lambda: phase_is(store, Phase.ENDED))
    await until(lambda: stage.aims[SESSION.id] is None)
    assert stage.calls["ingest"] <= 3, "asked again on stage, where the place may have changed, and not at each pass"


async def test_a_cancelled_session_is_taken_back_there(store, stage, reconciler):
    """Cancelling takes the broadcast back."""
    await until(lambda: row_of(store))
    await change(store, reconciler, state=S.CANCELLED)
    await until(lambda: stage.calls["cancel"])


async def test_a_failure_is_told_and_tried_again(store, stage, reconciler, clock):
    """A platform that does not answer becomes one problem with a next try; when it answers, the problem is gone."""
    await until(lambda: row_of(store))
    stage.fail["go_live"] = Fault.UNREACHABLE
    await change(store, reconciler, state=S.LIVE, started_at=clock())

    async def told():
        row = await row_of(store)
        return row.problem

    problem = await until(told)
    await asyncio.sleep(0.1)  # a pass may have seen the change before it was told of it
    assert problem.code is ProblemCode.UNREACHABLE
    assert timedelta(0) < problem.retry_at - clock() <= timedelta(seconds=30)
    tries = stage.calls["go_live"]
    await asyncio.sleep(0.1)
    assert stage.calls["go_live"] == tries, "it must wait for its next try"
    stage.fail.clear()
    clock.forward(seconds=31)
    await until(lambda: phase_is(store, Phase.LIVE))
    row = await until(lambda: row_of(store))
    await until(lambda: _settled(store))
    assert row.session_id == SESSION.id


async def _settled(store):
    return (await row_of(store)).problem is None


async def test_one_that_hangs_holds_up_nobody(store, stage, reconciler):
    """A session whose platform call hangs does not keep another from being planned."""
    await until(lambda: row_of(store))
    stage.hang[SESSION.id] = asyncio.Event()
    await change(store, reconciler, title="Anders")
    other = replace(SESSION, id="2027-03-03-gas", title="Gas")
    await store.write(lambda db: save_session(db, other))
    await until(lambda: row_of(store, other.id))
    stage.hang[SESSION.id].set()


async def test_the_watchdog_ends_what_nobody_ended(store, stage, reconciler, clock, ended):
    """A session streamed straight to the platform ends ten minutes after its planned end without a signal."""
    await store.write(lambda db: save_show(db, Show(id="netz", title="Netz", platform="stage", direct=True)))
    clock.at = START
    await change(store, reconciler, state=S.LIVE, started_at=START)
    await until(lambda: phase_is(store, Phase.LIVE))
    stage.signal_there = Signal(receiving=False, quality="none")
    clock.at = START + timedelta(minutes=50)
    await until(lambda: stage.calls["signal"] >= 2)
    clock.at = START + timedelta(minutes=69)
    before = stage.calls["signal"]
    await until(lambda: stage.calls["signal"] > before)
    assert ended == []
    clock.at = START + timedelta(minutes=71)
    await until(lambda: ended)
    await until(lambda: phase_is(store, Phase.ENDED))


async def test_a_signal_in_between_puts_the_watchdog_off(store, stage, reconciler, clock, ended):
    """An encoder that came back is not silent any more."""
    await store.write(lambda db: save_show(db, Show(id="netz", title="Netz", platform="stage", direct=True)))
    clock.at = START
    await change(store, reconciler, state=S.LIVE, started_at=START)
    await until(lambda: phase_is(store, Phase.LIVE))
    for minute, receiving in ((61, False), (65, True), (69, False), (74, False)):
        stage.signal_there = Signal(receiving=receiving, quality="good" if receiving else "none")
        before = stage.calls["signal"]
        clock.at = START + timedelta(minutes=minute)
        await until(lambda before=before: stage.calls["signal"] > before)
    assert ended == []


async def test_a_direct_show_ended_there_ends_here(store, stage, reconciler, clock, ended):
    """Who streams straight to the platform may end it there; the session ends with it."""
    await store.write(lambda db: save_show(db, Show(id="netz", title="Netz", platform="stage", direct=True)))
    await change(store, reconciler, state=S.LIVE, started_at=clock())
    await until(lambda: phase_is(store, Phase.LIVE))
    stage.phase_there[SESSION.id] = Phase.ENDED
    clock.forward(minutes=2)
    await until(lambda: ended)


async def test_a_broadcast_ended_there_ends_no_session_of_the_hub(store, stage, reconciler, clock, ended):
    """A broadcast that somebody ended there is told; the hub goes on, and a new part is one word away."""
    await change(store, reconciler, state=S.LIVE, started_at=clock())
    await until(lambda: phase_is(store, Phase.LIVE))
    stage.phase_there[SESSION.id] = Phase.ENDED
    clock.forward(minutes=2)
    await until(lambda: _told(store, ProblemCode.OVER))
    assert ended == []
    stage.phase_there.clear()
    await reconciler.remake(SESSION.id)
    await until(lambda: phase_is(store, Phase.LIVE))
    assert (await row_of(store)).part == 2


async def test_what_was_only_not_to_be_seen_is_live_again(store, stage, reconciler, clock):
    """A list that did not show a live broadcast for a while loses it for minutes, and it ends with its session."""
    await change(store, reconciler, state=S.LIVE, started_at=clock())
    await until(lambda: phase_is(store, Phase.LIVE))
    stage.phase_there[SESSION.id] = Phase.LOST
    clock.forward(seconds=61)
    await until(lambda: phase_is(store, Phase.LOST))
    stage.phase_there.clear()
    stage.phase_there[SESSION.id] = Phase.LIVE
    clock.forward(seconds=301)
    await until(lambda: phase_is(store, Phase.LIVE))
    await change(store, reconciler, state=S.ENDED, ended_at=clock())
    await until(lambda: stage.calls["end"])


async def _told(store, code):
    row = await row_of(store)
    return row.problem is not None and row.problem.code is code


async def test_long_sessions_are_warned_and_roll_over(store, stage, reconciler, clock):
    """At eleven hours the host is warned, at a quarter to twelve the broadcast goes on in a new one."""
    await change(store, reconciler, state=S.LIVE, started_at=clock())
    await until(lambda: phase_is(store, Phase.LIVE))
    clock.forward(hours=11, minutes=1)
    await until(lambda: _told(store, ProblemCode.LIMIT_NEAR))
    assert stage.calls["roll_over"] == 0
    clock.forward(minutes=45)
    await until(lambda: stage.calls["roll_over"])
    await until(lambda: _told(store, ProblemCode.ROLLED_OVER))
    assert (await row_of(store)).part == 2
    await asyncio.sleep(0.1)
    assert stage.calls["roll_over"] == 1


async def test_two_sessions_on_one_stream_are_not_mixed(store, stage, reconciler, clock):
    """A session that is only near its start is not relayed onto the stream that another one is relayed to."""
    stage.ingest = _same_ingest
    other = replace(SESSION, id="2027-03-02-gas", title="Gas", state=S.LIVE, started_at=clock())
    await store.write(lambda db: save_session(db, other))
    reconciler.wake()
    await until(lambda: stage.aims.get(other.id))
    clock.at = START - timedelta(minutes=30)  # only now is the first one near its start
    reconciler.wake()
    await until(lambda: SESSION.id in stage.aims)
    assert sum(aim is not None for aim in stage.aims.values()) == 1


async def _same_ingest(session_id):
    return Ingest(url="rtmp://stage/live", key="one-key")


async def test_what_the_account_lacks_is_found_ahead(store, stage, reconciler, clock):
    """The account is checked at once and then hourly, not at every pass."""
    stage.found = ()
    await until(lambda: stage.calls["check"] == 1)
    await asyncio.sleep(0.1)
    assert stage.calls["check"] == 1
    clock.forward(hours=1, seconds=1)
    await until(lambda: stage.calls["check"] == 2)


async def test_a_check_that_breaks_is_logged_and_made_again(store, stage, reconciler, clock, caplog):
    """A check that fails for a reason nobody foresaw is in the log, and the next one comes in its time."""

    async def check():
        stage.calls["check"] += 1
        raise ValueError("odd")

    stage.check = check
    reconciler.wake()
    await until(lambda: "platform_check_failed" in caplog.text)
    before = stage.calls["check"]
    clock.forward(hours=1, seconds=1)
    await until(lambda: stage.calls["check"] > before)


async def test_local_shows_are_nobodys_business(store, stage, reconciler):
    """A show on the hub alone is never asked about."""
    await store.write(lambda db: save_show(db, Show(id="still", title="Still")))
    quiet = replace(SESSION, id="2027-03-09-still", show_id="still")
    await store.write(lambda db: save_session(db, quiet))
    reconciler.wake()
    await asyncio.sleep(0.1)
    assert await row_of(store, quiet.id) is None
    assert await reconciler.view(quiet.id) is None


_AFTER = {
    Step.ENSURE: Phase.SCHEDULED,
    Step.REHEARSE: Phase.TESTING,
    Step.GO_LIVE: Phase.LIVE,
    Step.END: Phase.ENDED,
    Step.CANCEL: Phase.LOST,
    Step.ROLL_OVER: Phase.LIVE,
}


@given(st.sampled_from(SessionState), st.none() | st.sampled_from(Phase), st.booleans())
def test_every_step_leads_to_rest(state, phase, part_due):
    """From wherever a broadcast is, at most two steps bring it to where it stays."""
    step = plan_step(state, phase, part_due=part_due)
    for _ in range(2):
        if step is Step.NOTHING:
            break
        if not (step is Step.ENSURE and phase in ON_AIR):
            phase = _AFTER[step]
        step = plan_step(state, phase)
    assert step in {Step.NOTHING, Step.ENSURE}


@given(st.sampled_from(sorted({S.ENDED, S.PROCESSING, S.IN_REVIEW, S.PUBLISHED})), st.sampled_from(Phase))
def test_nothing_stays_live_after_the_session(state, phase):
    """After a session nothing is live or announced on its platform."""
    after = _AFTER.get(plan_step(SessionState(state), phase), phase)
    assert after in {Phase.ENDED, Phase.LOST}


@given(st.sampled_from(Fault), st.integers(1, 50), st.booleans())
def test_waits_grow_and_stay_bounded(fault, tries, urgent):
    """The wait before the next try never shrinks with the number of tries; it is a second to some hours."""
    wait_s = plan_retry_s(fault, tries, urgent=urgent)
    if wait_s is not None:
        assert 1 <= wait_s <= 6 * 3600
        assert plan_retry_s(fault, tries + 1, urgent=urgent) >= wait_s


async def test_what_is_on_air_follows_a_new_name(store, stage, reconciler, clock):
    """A name changed in rehearsal, or a visibility changed while live, reaches the platform, and is asked for once."""
    await change(store, reconciler, state=S.REHEARSAL)
    await until(lambda: phase_is(store, Phase.TESTING))
    await until(lambda: _quiet(reconciler))
    before = stage.calls["ensure"]
    await change(store, reconciler, title="Netz und Strom")
    await until(lambda: stage.calls["ensure"] == before + 1)
    await asyncio.sleep(0.1)
    assert stage.calls["ensure"] == before + 1


async def test_a_refused_name_keeps_nobody_from_watching_over_what_is_live(store, stage, reconciler, clock):
    """What the platform refuses of a change on air is told, not asked again at each pass, and looks go on."""
    await change(store, reconciler, state=S.LIVE, started_at=clock())
    await until(lambda: phase_is(store, Phase.LIVE))
    await until(lambda: _quiet(reconciler))
    before = stage.calls["ensure"]
    stage.fail["ensure"] = Fault.BAD_INPUT
    await change(store, reconciler, title="<b>")
    await until(lambda: stage.calls["ensure"] > before)
    looks = stage.calls["get"]
    clock.forward(seconds=61)
    await until(lambda: stage.calls["get"] > looks)
    assert (await reconciler.view(SESSION.id)).problem is not None
    assert stage.calls["ensure"] <= before + 2, "once for the change, and once for being told of it"


async def _quiet(reconciler):
    before = [(desk.task, desk.ensured) for desk in reconciler._desks.values()]
    await asyncio.sleep(0.05)
    after = [(desk.task, desk.ensured) for desk in reconciler._desks.values()]
    return before == after and all(task.done() and ensured for task, ensured in after)


async def test_a_show_that_moves_to_another_place_takes_its_broadcast_back(store, stage, reconciler):
    """A planned broadcast whose show is shown by the hub alone from now on is taken back."""
    await until(lambda: row_of(store))
    await store.write(lambda db: save_show(db, Show(id="netz", title="Netz")))
    reconciler.wake(SESSION.id)
    await until(lambda: stage.calls["cancel"])
    assert await reconciler.view(SESSION.id) is None


async def test_a_show_that_moves_while_it_is_still_live_there_ends_there(store, stage, reconciler, clock):
    """A broadcast that is still live there when its show has gone elsewhere is ended."""
    await change(store, reconciler, state=S.LIVE, started_at=clock())
    await until(lambda: phase_is(store, Phase.LIVE))
    stage.fail["end"] = Fault.UNREACHABLE
    await change(store, reconciler, state=S.ENDED, ended_at=clock())
    await until(lambda: stage.calls["end"])
    await store.write(lambda db: save_show(db, Show(id="netz", title="Netz")))
    stage.fail.clear()
    clock.forward(seconds=31)
    await until(lambda: phase_is(store, Phase.ENDED))


async def test_a_part_that_could_not_be_made_keeps_the_part_before_from_nothing(store, stage, reconciler, clock):
    """A session that ends while its next part could not be made ends there too, in every part."""

    async def cancel(session_id):
        stage.calls["cancel"] += 1

        def forget(db):
            delete_broadcast(db, session_id, "stage", 2)

        await store.write(forget)

    stage.cancel = cancel
    await change(store, reconciler, state=S.LIVE, started_at=clock())
    await until(lambda: phase_is(store, Phase.LIVE))
    stage.fail["ensure"] = Fault.LIMIT
    unmade = BroadcastRow(session_id=SESSION.id, platform="stage", part=2, marker="m2")
    await store.write(lambda db: save_broadcast(db, unmade))
    await change(store, reconciler, state=S.ENDED, ended_at=clock())
    await until(lambda: stage.calls["end"])
    await until(lambda: phase_is(store, Phase.ENDED))


async def test_a_session_whose_broadcast_is_over_is_told_before_it_begins(store, stage, reconciler, clock):
    """Somebody ended the rehearsal there: told before anybody goes live, with the way on."""
    await change(store, reconciler, state=S.REHEARSAL)
    await until(lambda: phase_is(store, Phase.TESTING))
    stage.phase_there[SESSION.id] = Phase.ENDED
    clock.forward(minutes=5)
    await until(lambda: _told(store, ProblemCode.OVER))


async def test_the_watchdog_ends_what_never_had_a_picture(store, stage, reconciler, clock, ended):
    """A direct show that somebody took live and whose encoder never came ends too, and costs little until then."""
    await store.write(lambda db: save_show(db, Show(id="netz", title="Netz", platform="stage", direct=True)))
    clock.at = START
    stage.fail["go_live"] = Fault.NO_SIGNAL
    await until(lambda: row_of(store))
    await change(store, reconciler, state=S.LIVE, started_at=START)
    for _ in range(1000):
        tries = stage.calls["go_live"]
        clock.forward(seconds=15)
        await asyncio.sleep(0.02)
        if ended:
            break
    assert ended == [SESSION.id]
    assert timedelta(minutes=70) <= clock() - START <= timedelta(minutes=80)
    assert stage.waits[0] == 60
    assert set(stage.waits[1:]) == {0}, "later tries look once"
    assert tries < 70


async def test_what_our_own_rules_forbid_is_not_tried_at_each_pass(store, stage, reconciler, clock):
    """A conflict waits a minute for the next try."""
    await until(lambda: row_of(store))

    async def go_live(session_id, *, wait_signal_s):
        stage.calls["go_live"] += 1
        raise Conflict(f"session {session_id}: not now")

    stage.go_live = go_live
    await change(store, reconciler, state=S.LIVE, started_at=clock())
    await until(lambda: stage.calls["go_live"])
    await asyncio.sleep(0.1)
    tries = stage.calls["go_live"]
    await asyncio.sleep(0.2)
    assert stage.calls["go_live"] == tries
    clock.forward(seconds=61)
    await until(lambda: stage.calls["go_live"] == tries + 1)


async def test_a_rehearsal_comes_before_a_session_that_only_waits(store, stage, reconciler, clock):
    """Two sessions on one stream within an hour: the one in rehearsal is relayed, the other one waits."""
    stage.ingest = _same_ingest
    clock.at = START - timedelta(minutes=20)
    soon = START + timedelta(minutes=9)
    other = replace(SESSION, id="2027-03-02-gas", title="Gas", state=S.REHEARSAL, starts_at=soon)
    await store.write(lambda db: save_session(db, other))
    reconciler.wake()
    await until(lambda: stage.aims.get(other.id))
    reconciler.wake()
    await until(lambda: _quiet(reconciler))
    assert stage.aims[SESSION.id] is None
    assert stage.aims[other.id] is not None


@pytest.mark.parametrize(
    ("state", "phase", "hours"),
    [(S.OPEN, Phase.SCHEDULED, -240), (S.OPEN, Phase.SCHEDULED, 400), (S.REHEARSAL, Phase.TESTING, 30)],
)
def test_what_is_forgotten_does_not_eat_the_day(state, phase, hours):
    """A session that never took place, one far ahead and a rehearsal that nobody left leave most of the quota."""
    day_s, until_start_s = 24 * 3600, hours * 3600.0
    signal_s = plan_signal_s(state, phase, until_start_s=until_start_s)
    units = 2 * day_s / plan_look_s(state, phase, until_start_s=until_start_s) + (day_s / signal_s if signal_s else 0)
    assert units <= (10 if state is S.OPEN else 4500)


@pytest.mark.parametrize("fault", sorted(set(Fault) - {Fault.AUTH, Fault.NO_SIGNAL}))
def test_twenty_sessions_that_are_refused_for_a_day_leave_quota(fault):
    """Whatever keeps twenty planned sessions from being planned there, trying on the second day leaves quota."""
    passed_s, tries, first_day = 0.0, 0, 0
    while passed_s < 2 * 86_400:
        tries += 1
        first_day = tries if passed_s < 86_400 else first_day
        passed_s += plan_retry_s(fault, tries, urgent=False) or 2 * 86_400
    if fault in {Fault.NOT_ALLOWED, Fault.LIMIT}:
        assert (tries - first_day) * 20 * 50 <= 5_000
    elif fault is not Fault.UNREACHABLE:  # nothing arrives there, so nothing is counted there
        assert (tries - first_day) * 50 <= 1_500


async def test_an_account_that_is_mended_lets_refused_sessions_try_at_once(store, stage, reconciler, clock):
    """What was not allowed days ago is tried again as soon as the hourly check finds that it is."""
    await until(lambda: row_of(store))
    stage.found = (Problem(code=ProblemCode.LIVE_NOT_ENABLED),)
    stage.fail["ensure"] = Fault.NOT_ALLOWED
    reconciler.wake()
    await change(store, reconciler, title="Anders")
    await until(lambda: reconciler.problems("stage"))
    await until(lambda: _told(store, ProblemCode.UNREACHABLE))
    while (again_at := await _tries_again(reconciler)) - clock() < timedelta(hours=6):
        tries = stage.calls["ensure"]
        clock.at = again_at
        await until(lambda tries=tries: stage.calls["ensure"] > tries)
    stage.found = ()
    stage.fail.clear()
    clock.forward(hours=1, minutes=1)
    await until(lambda: _settled(store))


async def _tries_again(reconciler):
    """When the session is tried next, once nothing is being done and nothing is about to be."""
    desk = reconciler._desks[SESSION.id, "stage"]
    await until(lambda: desk.task.done() and not desk.woken)
    return desk.retry_at


@pytest.mark.parametrize(
    ("fault", "units", "took_s"),
    [(Fault.BAD_STATE, 54, 1), (Fault.RATE, 54, 1), (Fault.BROKEN, 206, 65), (Fault.UNKNOWN_OUTCOME, 206, 65)],
)
def test_a_platform_that_stumbles_for_hours_leaves_quota_for_the_end(fault, units, took_s):
    """Three hours of refused or unclear transitions in a live session cost less than a day's quota."""
    passed_s, tries = 0.0, 0
    while passed_s < 3 * 3600:
        tries += 1
        passed_s += took_s + plan_retry_s(fault, tries, urgent=True)
    assert tries * units < 7_500


def test_looks_are_cheap_while_nothing_happens():
    """A week of waiting costs less than two hundred looks, and nobody asks for the signal."""
    week_s = 7 * 24 * 3600
    assert week_s / plan_look_s(S.OPEN, Phase.SCHEDULED, until_start_s=week_s) < 200
    assert plan_signal_s(S.OPEN, Phase.SCHEDULED, until_start_s=week_s) is None
    assert not relays(S.OPEN, until_start_s=week_s)
