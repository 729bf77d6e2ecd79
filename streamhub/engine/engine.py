"""The engine: launch, start, decide, status, close.

Owns the life of the durable engine in one process: its database, its executor id, the recovery of what dead processes
left, the outbox. At most one runs in a process, inside a running event loop. Refuses to know what workflows do.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import uuid
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID, WorkflowHandleAsync
from sqlite_utils import Database

from streamhub.config import EngineSettings
from streamhub.engine.border import apart, border, cancel_all, prepare_sqlite, quiet_library, wait_for_disk
from streamhub.engine.context import APPLICATION_VERSION, Context, Surroundings, decision_topic, pack
from streamhub.engine.ledger import Ledger, Parked
from streamhub.engine.locks import FolderLocks, Locks, PostgresLocks
from streamhub.engine.policy import Decision, Failure, Json, describe, require_json
from streamhub.engine.recovery import TICK_S, Reaper
from streamhub.errors import BadInput, Conflict, NotFound, StreamhubError, TimedOut, Unavailable
from streamhub.store import library, work
from streamhub.store.store import Store
from streamhub.store.work import WorkState, WorkStatus
from streamhub.timecode import Now, parse_instant, require_utc

DATABASE_FILE = "engine.sqlite3"
TRANSCRIPTION = "transcription"
"""The queue of recognisers."""

_HUB = "hub"
_THREADS = 32
_log = logging.getLogger("streamhub.engine")
_in_process = threading.Lock()

Workflow = Callable[..., Awaitable[Json]]
"""``async def (context, *args)``."""


class Engine:
    """Runs workflows that survive any crash of the process.

    Args:
        settings: database, limits, attempts.
        folder: the workspace; the engine writes ``engine.sqlite3`` and ``run/`` in it, nothing else.
        store: the hub's database; None in a worker on another machine.
        now: the clock.
    """

    def __init__(self, settings: EngineSettings, folder: Path, store: Store | None, *, now: Now) -> None:
        self._settings = settings
        self._folder = folder
        self._store = store
        self._now = now
        self._ledger = Ledger(store, now)
        self._executor_id = f"x-{uuid.uuid4().hex}"  # fresh at every start, or two processes would share their work
        self._kinds: dict[str, Workflow] = {}
        self._entries: dict[str, Any] = {}
        self._queues: dict[str, int | None] = {_HUB: None, TRANSCRIPTION: max(settings.transcriptions, 1)}
        self._running: dict[str, asyncio.Task[Any]] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._locks: Locks | None = None
        self._dbos: Any = None
        self._is_hub = True
        self._launched = False
        self._closing = False

    def workflow(self, kind: str, fn: Workflow) -> None:
        """Register a kind of workflow, before the launch; ``fn`` is called with a `Context` and the arguments.

        Raises:
            Conflict: the kind is taken, or the engine runs already.
        """
        if self._dbos is not None or kind in self._kinds:
            raise Conflict(f"workflow {kind!r}: registered twice, or after the engine was launched")
        self._kinds[kind] = fn

    def queue(self, name: str, *, limit: int | None) -> None:
        """Add a queue, before the launch; at most ``limit`` of its workflows run at a time in each process."""
        self._queues[name] = limit

    async def launch(self, *, listen_queues: Sequence[str] | None = None, hub: bool = True) -> None:
        """Begin to run: take up what was left, listen to queues, hand over the outbox.

        Args:
            listen_queues: take work from these only; None means all, or none when the settings leave transcription to
                workers. The hub listens to its own queue besides.
            hub: False in a worker, which runs queued workflows only.

        Raises:
            Conflict: another engine runs in this process.
            BadInput: a worker without a PostgreSQL database or without a queue.
            Environment, Unavailable: the database cannot be opened, or does not answer.
        """
        if listen_queues is None and not self._settings.transcriptions:
            listen_queues = []
        if not hub and not (self._settings.database_url and listen_queues):
            raise BadInput("engine: a worker needs engine.database_url (PostgreSQL) and at least one queue")
        if not _in_process.acquire(blocking=False):
            raise Conflict("engine: another one runs in this process", hint="close that one first")
        self._is_hub, self._launched = hub, True
        try:
            with border("engine"):
                await self._open(listen_queues)
        except BaseException:
            await self.close()
            raise
        assert self._locks is not None
        reaper = Reaper(
            self._dbos._sys_db,
            self._locks,
            executor_id=self._executor_id,
            queue=_HUB,
            kinds=self._kinds,
            running=self._running,
        )
        self._keepers.append(asyncio.create_task(self._keep(reaper.reap, TICK_S), name="engine-reaper"))
        if hub and self._store is not None:
            await self._store.write(work.retry_refused)
            self._keepers.append(asyncio.create_task(self._keep(self._pump, self._settings.poll_s), name="engine-pump"))

    async def close(self) -> None:
        """Stop tidily: what runs is interrupted and goes on after the next launch. Does nothing the second time."""
        if self._closing or not self._launched:
            return
        self._closing = True
        await cancel_all(self._keepers)
        if self._dbos is not None:
            for event in self._dbos.background_thread_stop_events:  # first, so that nothing new is taken
                event.set()
            if self._dbos._sys_db_field is not None:  # a server that is away must not hold up the end of the process
                self._dbos._sys_db_field._retry_connection_errors = False
            await cancel_all(self._dbos._workflow_tasks)
            with ThreadPoolExecutor(1, "engine-close") as pool:  # the default pool is the engine's own, and ends here
                await asyncio.get_running_loop().run_in_executor(pool, _destroy)
            await cancel_all(self._dbos._workflow_tasks)
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(thread_name_prefix="asyncio"))
        if self._locks is not None:
            await asyncio.to_thread(self._locks.close)
        _in_process.release()

    async def __aenter__(self) -> Engine:
        await self.launch()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self, kind: str, key: str, *args: Json) -> str:
        """Start a workflow, or do nothing when ``kind:key`` was started before; returns its id.

        Raises:
            NotFound: no such kind.
        """
        return await self._start(kind, key, args, None)

    async def start_at(self, kind: str, key: str, instant: datetime, *args: Json) -> str:
        """Start a workflow that begins at an instant, never before it; late after a downtime. Returns its id."""
        return await self._start(kind, key, args, require_utc(instant))

    async def signal(self, workflow_id: str, topic: str, value: Json) -> None:
        """Send a value to a workflow that waits, or will wait, for that topic.

        Raises:
            NotFound: no such workflow.
        """
        await self._send(workflow_id, f"signal:{topic}", value)

    async def decide(self, workflow_id: str, step: str, decision: str) -> None:
        """Decide about a held step: ``retry``, ``skip`` or ``give_up``. Only the first decision counts.

        Raises:
            BadInput: another word.
            NotFound: no such workflow or step.
            Conflict: the step is not held.
        """
        if decision not in {choice.value for choice in Decision}:
            raise BadInput(f"decision {decision!r}: unknown", hint="use retry, skip or give_up")
        held = await self._require_store().read(lambda db: work.require_held(db, workflow_id, step))
        topic = decision_topic(step, held.turn)
        await self._send(workflow_id, topic, decision, once=f"{workflow_id}:{topic}")

    async def cancel(self, workflow_id: str) -> None:
        """Stop a workflow and those that it queued, for good; one that has ended stays as it is.

        Raises:
            NotFound: no such workflow.
        """
        with border(f"work {workflow_id}"):
            await apart(DBOS.retrieve_workflow_async(workflow_id))
            await apart(DBOS.cancel_workflow_async(workflow_id, cancel_children=True))
        family = [workflow_id]
        if self._store is not None:
            family = await self._store.write(partial(_cancel_family, workflow_id=workflow_id, now=self._now))
        for member in family:
            if member in self._running:
                self._running[member].cancel()

    async def status(self, *, limit: int = 100, about: str = "") -> list[WorkStatus]:
        """What runs, waits, is held and has ended; held work first, then by last change.

        All of it, or what has ``about`` as its key, alone or before a colon.
        """
        found = await self._require_store().read(lambda db: work.list_work(db, limit=limit, about=about))
        if not self._settings.database_url:
            return found
        queued = [status.workflow_id for status in found if status.state is WorkState.QUEUED and not status.due_at]
        if not queued:
            return found
        # Workers cannot write the hub's rows; what they have begun is known to the engine's database alone.
        with border("engine"):
            begun = await apart(
                DBOS.list_workflows_async(
                    workflow_ids=queued, status="PENDING", load_input=False, load_output=False,
                ),
            )  # fmt: skip
        ids = {status.workflow_id for status in begun}
        return [replace(item, state=WorkState.RUNNING) if item.workflow_id in ids else item for item in found]

    async def result(self, workflow_id: str, *, timeout_s: float | None = None) -> Json:
        """Wait for a workflow's end and return its result.

        Raises:
            NotFound: no such workflow.
            TimedOut: it has not ended after ``timeout_s``.
            Cancelled: it was cancelled.
            StreamhubError: it failed, with the error that made it fail.
        """
        with border(f"work {workflow_id}"):
            handle: WorkflowHandleAsync[Json] = await apart(DBOS.retrieve_workflow_async(workflow_id))
            poll_s = min(self._settings.poll_s, 0.25)
            try:
                return await asyncio.wait_for(
                    apart(handle.get_result(polling_interval_sec=poll_s), timeout_s=None), timeout_s
                )
            except TimeoutError as error:
                raise TimedOut(f"work {workflow_id}: has not ended after {timeout_s:g} s") from error

    # -- starting and running -----------------------------------------------------------------------------------

    async def _start(self, kind: str, key: str, args: Sequence[Json], due_at: datetime | None) -> str:
        if kind not in self._kinds:
            raise NotFound(f"workflow {kind!r}: no such kind", hint=f"there are {', '.join(sorted(self._kinds))}")
        if self._dbos is None or self._closing or not self._is_hub:
            raise Unavailable(f"work {kind}:{key}: cannot be started", hint="only a hub that runs starts work")
        workflow_id = f"{kind}:{key}"
        envelope = pack(args, due_at=due_at)

        async def begin() -> None:
            with SetWorkflowID(workflow_id):
                await DBOS.start_workflow_async(self._entries[kind], envelope)

        with border(f"work {workflow_id}"):
            await apart(begin())
        if self._store is not None:
            await self._store.write(
                lambda db: work.save_queued(db, workflow_id, kind, key, at=self._now(), due_at=due_at),
            )
        return workflow_id

    async def _send(self, workflow_id: str, topic: str, value: Json, *, once: str | None = None) -> None:
        with border(f"work {workflow_id}"):
            await apart(DBOS.send_async(workflow_id, value, topic, idempotency_key=once))

    def _entry(self, kind: str, fn: Workflow) -> Any:
        """The function that the engine's library calls; its name in the database is the kind."""

        async def run(envelope: dict[str, Json]) -> Json:
            return await self._run(kind, fn, envelope)

        run.__qualname__ = f"streamhub.{kind}"
        return DBOS.workflow(name=kind, max_recovery_attempts=None)(run)

    async def _run(self, kind: str, fn: Workflow, envelope: dict[str, Json]) -> Json:
        """One execution of a workflow, from its beginning or from where the last one ended."""
        workflow_id = str(DBOS.workflow_id)
        task = asyncio.current_task()
        if self._closing or task is None:
            raise Parked(workflow_id)
        self._running[workflow_id] = task
        around = Surroundings(
            ledger=self._ledger,
            now=self._now,
            attempts=self._settings.attempts,
            poll_s=self._settings.poll_s,
            dispatches=self._dispatches,
        )
        context = Context(workflow_id, around, parent_id=envelope["parent_id"])
        try:
            await self._begin(workflow_id, kind, envelope, context)
            result = require_json(await fn(context, *envelope["args"]), what=f"work {workflow_id}: its result")
            await self._ledger.note(lambda db, at: work.mark_ended(db, workflow_id, WorkState.DONE, at=at))
        except sqlalchemy.exc.SQLAlchemyError as error:
            _log.exception("work_parked work=%s: the engine's database failed", workflow_id)
            raise Parked(workflow_id) from error
        except Exception as error:  # a job's boundary
            raise await self._failed(workflow_id, error) from error
        finally:
            if self._running.get(workflow_id) is task:
                del self._running[workflow_id]
        return result

    async def _begin(self, workflow_id: str, kind: str, envelope: dict[str, Json], context: Context) -> None:
        due_at = parse_instant(envelope["due_at"]) if envelope["due_at"] else None
        key = workflow_id.removeprefix(f"{kind}:")
        parent_id = envelope["parent_id"]
        await self._ledger.note(
            lambda db, at: work.save_queued(db, workflow_id, kind, key, at=at, parent_id=parent_id, due_at=due_at),
        )
        if due_at is not None:
            await context.sleep_until(due_at)
        await self._ledger.note(lambda db, at: work.mark_running(db, workflow_id, at=at))

    async def _failed(self, workflow_id: str, error: Exception) -> BaseException:
        """What to raise for an error that left a workflow's function."""
        if self._closing:
            return Parked(workflow_id)
        failure = describe(error)
        known = isinstance(error, StreamhubError)
        _log.warning("work_failed work=%s: %s", workflow_id, failure.text, exc_info=None if known else error)
        await self._ledger.note(
            lambda db, at: work.mark_ended(db, workflow_id, WorkState.FAILED, at=at, message=failure.text),
        )
        return _Failed(failure)

    async def _dispatches(self, workflow_id: str) -> int:
        found = await asyncio.to_thread(self._dbos._sys_db.get_workflow_status, workflow_id)
        return int(found["recovery_attempts"] or 1) if found else 1

    # -- opening ------------------------------------------------------------------------------------------------

    async def _open(self, listen_queues: Sequence[str] | None) -> None:
        url = str(self._settings.database_url)
        self._locks = PostgresLocks(url) if url else FolderLocks(self._folder / "run")
        await asyncio.to_thread(self._locks.own, self._executor_id)
        quiet_library()
        wait_for_disk(lambda: self._closing)
        config: DBOSConfig = {
            "name": "streamhub",
            "system_database_url": url or await asyncio.to_thread(prepare_sqlite, self._folder / DATABASE_FILE),
            "db_engine_kwargs": {} if url else {"module": library.dbapi()},
            "sys_db_pool_size": 10,
            "application_version": APPLICATION_VERSION,
            "executor_id": self._executor_id,
            "serializer": DBOSPortableJSONSerializer(),
            "notification_listener_polling_interval_sec": self._settings.poll_s,
            "max_executor_threads": _THREADS,
            "run_migrations": self._is_hub,
            "log_level": "WARNING",
        }
        self._dbos = DBOS(config=config)
        self._entries = {kind: self._entry(kind, fn) for kind, fn in self._kinds.items()}
        if listen_queues is not None:
            DBOS.listen_queues([*([_HUB] if self._is_hub else []), *listen_queues])
        DBOS.launch()  # here on the loop, so that workflows run on it
        for name, limit in self._queues.items():
            await DBOS.register_queue_async(
                name,
                worker_concurrency=limit,
                polling_interval_sec=self._settings.poll_s,
                on_conflict="always_update" if self._is_hub else "never_update",
            )

    # -- keeping ------------------------------------------------------------------------------------------------

    async def _keep(self, fn: Callable[[], Awaitable[None]], every_s: float) -> None:
        """Call a function again and again; an error is logged when it first appears, the next call may do better."""
        last = ""
        while True:
            try:
                await fn()
                last = ""
            except Exception as error:  # a job's boundary
                if str(error) != last:
                    trace = None if isinstance(error, StreamhubError) else error
                    _log.warning("keeper_failed job=%s: %s", fn.__name__, error, exc_info=trace)
                last = str(error)
            await asyncio.sleep(every_s)

    async def _pump(self) -> None:
        """Hand over the outbox: start, then mark as sent; a crash between starts again, which does nothing."""
        store = self._require_store()
        for parcel in await store.read(work.list_unsent):
            try:
                await self._start(parcel.kind, parcel.key, parcel.args, parcel.due_at)
            except (NotFound, BadInput, Conflict) as error:
                _log.warning("outbox_refused kind=%s key=%s: %s", parcel.kind, parcel.key, error)
                await store.write(partial(work.mark_refused, parcel_id=parcel.id, message=str(error)))
            else:
                await store.write(partial(work.mark_sent, parcel_id=parcel.id, at=self._now()))

    def _require_store(self) -> Store:
        if self._store is None:
            raise Unavailable("engine: a worker knows nothing of the hub's work", hint="ask the hub")
        return self._store


class _Failed(Exception):
    """A workflow's failure on its way into the engine's database, which keeps ``data``."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.data = failure.to_json()


def _cancel_family(db: Database, workflow_id: str, now: Now) -> list[str]:
    family = [workflow_id]
    for member in family:  # grows while it is walked
        family += work.list_children(db, member)
        work.mark_ended(db, member, WorkState.CANCELLED, at=now())
    return family


def _destroy() -> None:
    DBOS.destroy(destroy_registry=True)
