"""Workflows on the real engine and the real store."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from streamhub.config import EngineSettings
from streamhub.engine import Context, Engine, Policy, StepState, WorkState, WorkStatus
from streamhub.errors import BadInput, BadMedia, Cancelled, Conflict, NotFound, StreamhubError, TimedOut, Unavailable
from streamhub.store import work
from streamhub.store.library import connect
from streamhub.store.store import Store

from .conftest import Launch, now

QUICK = Policy(attempts=3, backoff_s=0.01)


class Counter:
    """A step that counts its runs and fails the first so many times."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.runs = 0

    async def __call__(self) -> int:
        self.runs += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.runs


async def until(engine: Engine, workflow_id: str, state: WorkState) -> WorkStatus:
    """Wait until a workflow is in a state, and return it."""
    async with asyncio.timeout(20):
        while True:
            found = {status.workflow_id: status for status in await engine.status()}
            if workflow_id in found and found[workflow_id].state is state:
                return found[workflow_id]
            await asyncio.sleep(0.02)


def _sql(statement: str) -> Callable[[Database], None]:
    def run(db: Database) -> None:
        db.execute(statement)

    return run


async def test_starting_twice_runs_once(launch: Launch) -> None:
    """A kind and a key name one workflow for ever; a second start returns the first one's result."""
    step = Counter()

    async def show(context: Context, word: str) -> str:
        return f"{word} {await context.step('count', step)}"

    engine = await launch({"show": show})
    first, second = await asyncio.gather(engine.start("show", "a", "ja"), engine.start("show", "a", "nein"))
    assert first == second == "show:a"
    assert await engine.result("show:a", timeout_s=20) in {"ja 1", "nein 1"}
    await engine.start("show", "a", "again")
    await engine.result("show:a", timeout_s=20)
    assert step.runs == 1


async def test_transient_errors_are_tried_again(launch: Launch) -> None:
    """A step that fails twice with errors that time mends ends well, and the ledger shows three attempts."""
    step = Counter(OSError("no route"), Unavailable("away"))

    async def show(context: Context) -> int:
        return await context.step("fetch", step, policy=QUICK)

    engine = await launch({"show": show})
    assert await engine.result(await engine.start("show", "a"), timeout_s=20) == 3
    status = await until(engine, "show:a", WorkState.DONE)
    assert [(item.name, item.state, item.attempts) for item in status.steps] == [("fetch", StepState.DONE, 3)]


async def test_a_held_step_waits_and_runs_again_when_a_person_says_so(launch: Launch) -> None:
    """A failure that time does not mend holds the workflow with its reason; "retry" goes on from there."""
    before, broken = Counter(), Counter(BadMedia("segment 3: empty"))

    async def show(context: Context) -> int:
        await context.step("before", before)
        return await context.step("join", broken)

    engine = await launch({"show": show})
    await engine.start("show", "a")
    held = await until(engine, "show:a", WorkState.HELD)
    assert held.message == "join: segment 3: empty"
    await engine.decide("show:a", "join", "retry")
    assert await engine.result("show:a", timeout_s=20) == 2
    assert before.runs == 1


async def test_a_held_step_survives_a_restart_and_can_be_skipped(launch: Launch) -> None:
    """The decision may come days later and to another process; a skipped step counts as None."""

    async def show(context: Context) -> list[object]:
        return [await context.step("join", Counter(BadMedia("empty")))]

    engine = await launch({"show": show})
    await engine.start("show", "a")
    await until(engine, "show:a", WorkState.HELD)
    await engine.close()
    engine = await launch({"show": show})
    await until(engine, "show:a", WorkState.HELD)
    await engine.decide("show:a", "join", "skip")
    assert await engine.result("show:a", timeout_s=20) == [None]
    assert (await until(engine, "show:a", WorkState.DONE)).steps[0].state is StepState.SKIPPED


async def test_giving_up_fails_the_workflow_with_the_error(launch: Launch) -> None:
    """After "give up" the result is the error of the step, as its class."""

    async def show(context: Context) -> None:
        await context.step("join", Counter(BadMedia("segment 3: empty", hint="import it")))

    engine = await launch({"show": show})
    await engine.start("show", "a")
    await until(engine, "show:a", WorkState.HELD)
    await engine.decide("show:a", "join", "give_up")
    with pytest.raises(BadMedia, match="segment 3: empty; import it"):
        await engine.result("show:a", timeout_s=20)
    assert (await until(engine, "show:a", WorkState.FAILED)).steps[0].state is StepState.FAILED


async def test_a_policy_may_give_up_by_itself_and_the_workflow_may_go_another_way(launch: Launch) -> None:
    """A step whose policy gives up raises its error into the workflow, which may catch it."""

    async def show(context: Context) -> str:
        try:
            await context.step("best", Counter(BadMedia("odd")), policy=Policy(on_failure="give_up"))
        except BadMedia:
            await context.step("second best", Counter())
            return "second best"
        return "best"

    engine = await launch({"show": show})
    assert await engine.result(await engine.start("show", "a"), timeout_s=20) == "second best"


async def test_decisions_that_make_no_sense_are_refused(launch: Launch) -> None:
    """An unknown word, an unknown workflow, and a step that is not held are refused."""

    async def show(context: Context) -> None:
        await context.step("one", Counter())

    engine = await launch({"show": show})
    await engine.result(await engine.start("show", "a"), timeout_s=20)
    with pytest.raises(BadInput):
        await engine.decide("show:a", "one", "perhaps")
    with pytest.raises(Conflict):
        await engine.decide("show:a", "one", "retry")
    with pytest.raises(NotFound):
        await engine.decide("show:b", "one", "retry")


async def test_a_shutdown_is_no_failure(launch: Launch) -> None:
    """A step that a tidy shutdown cuts off has used no attempt, and runs again in the next process."""
    begun, gate, cut = asyncio.Event(), asyncio.Event(), []

    async def slow() -> str:
        begun.set()
        try:
            await gate.wait()
        except asyncio.CancelledError:
            cut.append(1)
            raise
        return "slept"

    async def show(context: Context) -> str:
        return await context.step("sleep", slow, policy=Policy(attempts=1))

    engine = await launch({"show": show})
    await engine.start("show", "a")
    await asyncio.wait_for(begun.wait(), 10)
    began = time.monotonic()
    await engine.close()
    assert time.monotonic() - began < 3
    assert cut == [1]
    gate.set()
    engine = await launch({"show": show})
    assert await engine.result("show:a", timeout_s=20) == "slept"
    assert (await until(engine, "show:a", WorkState.DONE)).steps[0].attempts == 1


async def test_the_queue_keeps_its_limit(launch: Launch) -> None:
    """Of five children on a queue with a limit of one, never two run at a time, and results keep their order."""
    inside, most = 0, 0

    async def piece(context: Context, number: int) -> int:
        async def recognise() -> int:
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.02)
            inside -= 1
            return number * 10

        return await context.step("recognise", recognise)

    async def show(context: Context) -> list[int]:
        return await context.queued_all("transcription", "piece", [(str(n), [n]) for n in range(5)])

    engine = await launch({"show": show, "piece": piece})
    assert await engine.result(await engine.start("show", "a"), timeout_s=30) == [0, 10, 20, 30, 40]
    assert most == 1
    status = await until(engine, "show:a", WorkState.DONE)
    assert [(step.name, step.state) for step in status.steps] == [(f"piece:{n}", StepState.DONE) for n in range(5)]
    child = await until(engine, "piece:3", WorkState.DONE)
    assert child.parent_id == "show:a"


async def test_a_failed_child_holds_its_parent_and_retry_makes_a_new_child(launch: Launch) -> None:
    """A child gives up after its attempts; the person decides at the parent, and "retry" queues another child."""
    step = Counter(OSError("1"), OSError("2"), OSError("3"))

    async def piece(context: Context) -> int:
        return await context.step("recognise", step, policy=QUICK)

    async def show(context: Context) -> int:
        return await context.queued("transcription", "piece", "p")

    engine = await launch({"show": show, "piece": piece})
    await engine.start("show", "a")
    held = await until(engine, "show:a", WorkState.HELD)
    assert held.message == "piece:p: OSError: 3"
    await engine.decide("show:a", "piece:p", "retry")
    assert await engine.result("show:a", timeout_s=20) == 4
    assert (await until(engine, "piece:p", WorkState.FAILED)).parent_id == "show:a"
    await until(engine, "piece:p~2", WorkState.DONE)


async def test_timers_are_never_early_and_survive_a_downtime(launch: Launch) -> None:
    """Work that is put off begins at its instant; if that passes while the hub is down, right after the next start."""
    woke = []

    async def show(context: Context) -> str:
        async def note() -> str:
            woke.append(now())
            return context.workflow_id

        return await context.step("note", note)

    engine = await launch({"show": show})
    soon, later = now() + timedelta(seconds=0.3), now() + timedelta(seconds=1.0)
    await engine.start_at("show", "soon", soon)
    await engine.start_at("show", "later", later)
    assert (await until(engine, "show:later", WorkState.QUEUED)).due_at is not None
    await engine.result("show:soon", timeout_s=10)
    assert timedelta(0) <= woke[0] - soon < timedelta(seconds=1)
    await engine.close()
    await asyncio.sleep(1.0)
    assert len(woke) == 1
    back = now()
    engine = await launch({"show": show})
    await engine.result("show:later", timeout_s=10)
    assert woke[1] - back < timedelta(seconds=3)
    assert len(woke) == 2


async def test_signals_reach_a_workflow_that_waits_now_or_later(launch: Launch) -> None:
    """A signal is kept until the workflow asks for it; a wait may also end by itself."""

    async def show(context: Context) -> list[object]:
        first = await context.wait_signal("go")
        return [first, await context.wait_signal("stop", timeout_s=0.1)]

    engine = await launch({"show": show})
    await engine.start("show", "a")
    await engine.signal("show:a", "go", {"at": 5})
    assert await engine.result("show:a", timeout_s=20) == [{"at": 5}, None]
    with pytest.raises(NotFound):
        await engine.signal("show:nobody", "go", 1)


async def test_the_outbox_starts_what_the_hubs_data_asked_for(launch: Launch, store: Store) -> None:
    """A row written with the hub's own data becomes a workflow, once; a kind that nobody knows hinders no other."""
    step = Counter()

    async def show(context: Context, word: str) -> str:
        await context.step("count", step)
        return word

    await store.write(lambda db: work.put_outbox(db, "unknown", "x", at=now()))
    await store.write(lambda db: work.put_outbox(db, "show", "a", ["hallo"], at=now()))
    engine = await launch({"show": show})
    await until(engine, "show:a", WorkState.DONE)
    assert await engine.result("show:a", timeout_s=20) == "hallo"
    async with asyncio.timeout(10):
        while await store.read(work.list_unsent):
            await asyncio.sleep(0.02)
    assert step.runs == 1


async def test_cancelling_stops_a_workflow_and_its_children_for_good(launch: Launch) -> None:
    """A cancelled workflow stops in the middle of a step, its children too, and stays so after a restart."""
    begun, cut = asyncio.Event(), []

    async def forever() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cut.append(1)
            raise

    async def piece(context: Context) -> None:
        await context.step("recognise", forever)

    async def show(context: Context) -> None:
        await context.queued("transcription", "piece", "p")

    engine = await launch({"show": show, "piece": piece})
    await engine.start("show", "a")
    await asyncio.wait_for(begun.wait(), 10)
    await engine.cancel("show:a")
    with pytest.raises(Cancelled):
        await engine.result("show:a", timeout_s=10)
    for workflow_id in ("show:a", "piece:p"):
        await until(engine, workflow_id, WorkState.CANCELLED)
    await asyncio.sleep(0.05)
    assert cut == [1]
    await engine.close()
    begun.clear()
    engine = await launch({"show": show, "piece": piece})
    await asyncio.sleep(1.5)
    assert not begun.is_set()
    with pytest.raises(NotFound):
        await engine.cancel("show:nobody")


async def test_work_whose_machinery_failed_is_taken_up_in_the_same_process(launch: Launch, store: Store) -> None:
    """When the hub's database refuses a note, the workflow is not failed: it goes on some seconds later."""
    step = Counter()

    async def show(context: Context) -> int:
        return await context.step("count", step)

    await store.write(_sql("create trigger full before insert on work_steps begin select raise(abort, 'full'); end"))
    engine = await launch({"show": show})
    await engine.start("show", "a")
    await asyncio.sleep(0.5)
    assert step.runs == 0
    await store.write(_sql("drop trigger full"))
    assert await engine.result("show:a", timeout_s=20) == 1
    assert (await until(engine, "show:a", WorkState.DONE)).message == ""


async def test_operations_of_one_workflow_run_one_after_another_under_different_names(launch: Launch) -> None:
    """Two steps at a time, or two of one name, would confuse a restart, so both are refused."""

    async def twice(context: Context) -> None:
        await context.step("one", Counter())
        await context.step("one", Counter())

    async def together(context: Context) -> None:
        await asyncio.gather(context.step("one", Counter()), context.step("two", Counter()))

    engine = await launch({"twice": twice, "together": together})
    for kind, words in (("twice", "a second step 'one'"), ("together", "while one is under way")):
        with pytest.raises(BadInput, match=words):
            await engine.result(await engine.start(kind, "a"), timeout_s=20)


async def test_errors_outside_of_steps_fail_the_workflow_with_their_words(launch: Launch) -> None:
    """An error of the workflow function itself is its end, told as it was."""

    async def show(context: Context) -> None:
        raise ValueError("odd thing")

    engine = await launch({"show": show})
    await engine.start("show", "a")
    with pytest.raises(StreamhubError, match="ValueError: odd thing"):
        await engine.result("show:a", timeout_s=20)
    assert (await until(engine, "show:a", WorkState.FAILED)).message == "ValueError: odd thing"


async def test_a_result_that_cannot_be_stored_fails_the_work_with_the_reason(launch: Launch) -> None:
    """A workflow that returns no JSON fails by name; a step that does so is held."""

    async def show(context: Context) -> object:
        return object()

    async def step(context: Context) -> object:
        async def odd() -> object:
            return object()

        return await context.step("odd", odd)

    engine = await launch({"show": show, "step": step})
    with pytest.raises(BadInput, match="show:a: its result: is no JSON"):
        await engine.result(await engine.start("show", "a"), timeout_s=20)
    await engine.start("step", "a")
    assert "result of step 'odd'" in (await until(engine, "step:a", WorkState.HELD)).message


async def test_a_step_may_start_other_work_without_becoming_its_parent(launch: Launch) -> None:
    """Starting from inside a step is an independent start, and idempotent as ever."""
    engines: list[Engine] = []

    async def mail(context: Context) -> str:
        return "sent"

    async def show(context: Context) -> str:
        return await context.step("ask for mail", lambda: engines[0].start("mail", "m"))

    engines.append(await launch({"show": show, "mail": mail}))
    assert await engines[0].result(await engines[0].start("show", "a"), timeout_s=20) == "mail:m"
    assert await engines[0].result("mail:m", timeout_s=20) == "sent"
    assert (await until(engines[0], "mail:m", WorkState.DONE)).parent_id == ""


async def test_waiting_for_a_result_has_an_end(launch: Launch) -> None:
    """A result that does not come in time, or of no workflow at all, is an error."""

    async def show(context: Context) -> None:
        await context.wait_signal("never")

    engine = await launch({"show": show})
    await engine.start("show", "a")
    with pytest.raises(TimedOut):
        await engine.result("show:a", timeout_s=0.2)
    with pytest.raises(NotFound):
        await engine.result("show:b")
    with pytest.raises(NotFound):
        await engine.start("concert", "a")


async def test_one_engine_at_a_time_runs_in_a_process(launch: Launch, tmp_path: Path, store: Store) -> None:
    """A second engine is refused, and its closing does not disturb the first."""

    async def show(context: Context) -> str:
        return "ok"

    engine = await launch({"show": show})
    other = Engine(EngineSettings(), tmp_path, store, now=now)
    with pytest.raises(Conflict):
        await other.launch()
    await other.close()
    assert await engine.result(await engine.start("show", "a"), timeout_s=20) == "ok"
    with pytest.raises(Conflict):
        engine.workflow("late", show)


async def test_a_worker_needs_a_server_and_a_queue(tmp_path: Path) -> None:
    """Without PostgreSQL nobody can share work, so such a worker is refused with the reason."""
    with pytest.raises(BadInput, match="database_url"):
        await Engine(EngineSettings(), tmp_path, None, now=now).launch(listen_queues=["transcription"], hub=False)


async def test_an_engine_file_that_is_no_database_is_refused(launch: Launch, tmp_path: Path) -> None:
    """A damaged engine database is one clear error, and a later engine of the process is not hindered."""
    (tmp_path / "engine.sqlite3").write_bytes(b"this is no database, " * 100)
    with pytest.raises(StreamhubError, match=r"engine\.sqlite3"):
        await launch({})
    (tmp_path / "engine.sqlite3").unlink()
    await launch({})


async def test_the_engine_stores_json_and_never_pickles(launch: Launch, tmp_path: Path) -> None:
    """Whoever can write the engine's database must not be able to run code in the hub."""

    async def show(context: Context, word: str) -> str:
        return await context.step("echo", Counter())

    engine = await launch({"show": show})
    await engine.result(await engine.start("show", "a", "grün"), timeout_s=20)
    await engine.close()
    connection = connect(tmp_path / "engine.sqlite3", read_only=True)
    kinds = connection.execute("select distinct serialization from workflow_status").fetchall()
    kinds += connection.execute("select distinct serialization from operation_outputs").fetchall()
    mode = connection.execute("pragma journal_mode").fetchone()
    connection.close()
    assert {kind for (kind,) in kinds} == {"portable_json"}
    assert mode == ("wal",)


async def test_the_engine_keeps_to_its_folder_and_calls_nobody(
    launch: Launch, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No connection leaves the process, and no file appears in the home, the temporary or the current folder."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    for variable in ("HOME", "TMPDIR", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(elsewhere))

    async def show(context: Context) -> int:
        return await context.step("count", Counter())

    with _watching() as connections:
        engine = await launch({"show": show})
        await engine.result(await engine.start("show", "a"), timeout_s=20)
        await engine.close()
        assert connections == []
        with socket.socket() as one, pytest.raises(ConnectionRefusedError):
            one.connect(("127.0.0.1", 1))
        assert len(connections) == 1  # so the watch does see
    assert list(elsewhere.iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {
        "engine.sqlite3", "hub.sqlite3", "hub.sqlite3-shm", "hub.sqlite3-wal", "run",
    }  # fmt: skip
    assert (tmp_path / "engine.sqlite3").stat().st_mode & 0o077 == 0


_connections: list[str] = []
_watched = False


def _watch(event: str, args: tuple[object, ...]) -> None:
    if _watched and event == "socket.connect" and isinstance(args[0], socket.socket):
        _connections.append(str(args[1]))


@contextlib.contextmanager
def _watching() -> Iterator[list[str]]:
    global _watched  # noqa: PLW0603  a hook cannot be taken away again, so it is switched
    if not getattr(sys, "_streamhub_watch", False):
        sys.addaudithook(_watch)
        sys._streamhub_watch = True  # type: ignore[attr-defined]
    _connections.clear()
    _watched = True
    try:
        yield _connections
    finally:
        _watched = False
