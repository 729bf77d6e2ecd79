"""What a workflow function is given: durable steps, queues, timers and signals.

Owns how a step is tried, repeated, held and remembered. The operations of one workflow run one after another, because
the engine recognises them by their order when it takes a workflow up again. Refuses to know what the steps do.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from dbos import DBOS, EnqueueOptions, PortableWorkflowError, WorkflowHandleAsync
from dbos import error as library_errors

from streamhub.engine.ledger import Ledger, Parked
from streamhub.engine.policy import (
    DEFAULT_POLICY,
    Decision,
    Failure,
    Json,
    Policy,
    Verdict,
    backoff_s,
    decide_after_failure,
    decide_before_attempt,
    describe,
    parse_failure,
    rebuild,
    require_json,
)
from streamhub.errors import BadInput, StreamhubError
from streamhub.store import work
from streamhub.store.work import StepState, WorkState
from streamhub.timecode import Now, format_instant, require_utc

APPLICATION_VERSION = "pipeline-1"
"""Pinned, so that a new release of streamhub takes up the work of the last one. Change it only after a drain."""

_FOR_EVER_S = 10 * 365 * 86_400.0
_NAP_S = 5.0
_log = logging.getLogger("streamhub.engine")


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What all contexts of one engine share.

    Attributes:
        ledger: where attempts and states are noted.
        now: the clock.
        attempts: for policies that name no number.
        poll_s: how often a child's end is looked for.
        dispatches: how often the engine has handed out a workflow, by its id.
    """

    ledger: Ledger
    now: Now
    attempts: int
    poll_s: float
    dispatches: Callable[[str], Awaitable[int]]


class Context:
    """The hands of one running workflow.

    A workflow function must do the same operations in the same order whenever it is run with the same arguments:
    whatever it learns from clocks, chance, files or databases it learns inside a step.

    Attributes:
        workflow_id: ``kind:key``.
    """

    def __init__(self, workflow_id: str, around: Surroundings, *, parent_id: str = "") -> None:
        self.workflow_id = workflow_id
        self._around = around
        self._is_child = bool(parent_id)
        self._names: set[str] = set()
        self._busy = ""
        self._retries = 0

    async def step(self, name: str, fn: Callable[[], Awaitable[Json]], *, policy: Policy = DEFAULT_POLICY) -> Json:
        """Run a step, or return what it returned when it ran before a crash.

        A step runs at least once: when the process dies between its effect and our note of it, it runs again, so it
        looks before it makes something. Its result is small JSON, ids and hashes. In a workflow that was queued by
        another one nothing is held: the failure goes to the parent, which holds.

        Args:
            name: unique in the workflow; people read it.
            fn: the effect.
            policy: what to do when it fails.

        Returns:
            Its result; None when a person skipped it.

        Raises:
            StreamhubError: it failed, and policy or a person gave up.
        """
        with self._alone(name):
            for turn in itertools.count(1):
                outcome = await self._recorded(name, turn, fn, policy)
                if "failure" not in outcome:
                    return outcome["result"]
                if await self._settle(name, turn, parse_failure(outcome["failure"]), policy) is Decision.SKIP:
                    return None
        raise AssertionError

    async def queued(self, queue: str, kind: str, key: str, *args: Json, policy: Policy = DEFAULT_POLICY) -> Json:
        """Run another workflow by way of a queue and return its result; see `queued_all`."""
        return (await self.queued_all(queue, kind, [(key, args)], policy=policy))[0]

    async def queued_all(
        self, queue: str, kind: str, jobs: Sequence[tuple[str, Sequence[Json]]], *, policy: Policy = DEFAULT_POLICY
    ) -> list[Json]:
        """Put workflows of one kind on a queue and wait for all; the queue's limit says how many run at a time.

        A workflow that exists already under ``kind:key`` is waited for instead of run again.

        Args:
            queue: name of the queue.
            kind: a registered kind.
            jobs: key and arguments of each; keys are unique.
            policy: ``on_failure`` alone counts; attempts are the child's own business.

        Returns:
            The results in the order of the jobs; None for those that a person skipped.

        Raises:
            StreamhubError: a child failed, and policy or a person gave up.
        """
        with self._alone(*(f"{kind}:{key}" for key, _ in jobs)):
            children = [_Child(queue=queue, kind=kind, key=key, args=tuple(args), turn=1) for key, args in jobs]
            handles = [await self._enqueue(child) for child in children]
            return [await self._collect(*pair, policy) for pair in zip(children, handles, strict=True)]

    async def sleep_until(self, instant: datetime) -> None:
        """Wait until an instant, never shorter; after a downtime that outlasted it, not at all.

        The instant comes from the workflow's arguments or from a step, never from the clock directly, or a restart
        would move it.
        """
        wake = require_utc(instant)
        with self._alone():
            # Asked again every few seconds: the machine may sleep, and the world's clock may be set.
            while (left_s := (wake - self._around.now()).total_seconds()) > 0:  # noqa: ASYNC110
                await asyncio.sleep(min(left_s, _NAP_S))

    async def wait_signal(self, topic: str, *, timeout_s: float | None = None) -> Json:
        """Wait for a signal on a topic; each signal is received once. None when ``timeout_s`` passes first."""
        with self._alone():
            return await DBOS.recv_async(f"signal:{topic}", _FOR_EVER_S if timeout_s is None else timeout_s)

    @contextlib.contextmanager
    def _alone(self, *names: str) -> Iterator[None]:
        """Keep operations one after another, and names unique.

        Raises:
            BadInput: another operation of this workflow is under way, or a name was used before.
        """
        what = ", ".join(names) or "a wait"
        if self._busy:
            raise BadInput(
                f"work {self.workflow_id}: {what} begins while {self._busy} is under way",
                hint="run operations one after another; use queued_all to run many at a time",
            )
        for name in names:
            if name in self._names:
                raise BadInput(f"work {self.workflow_id}: a second step {name!r}", hint="name every step differently")
            self._names.add(name)
        self._busy = what
        try:
            yield
        finally:
            self._busy = ""

    async def _recorded(
        self, name: str, turn: int, fn: Callable[[], Awaitable[Json]], policy: Policy
    ) -> Mapping[str, Json]:
        options: Any = {"name": name, "preemptible": True}
        while True:
            # What we hand over never raises an error of its own. A stored one is the library's: it could not note the
            # outcome and noted that instead. The ledger knows whether the step was done, so asking once more is safe.
            with contextlib.suppress(PortableWorkflowError):
                return await DBOS.run_step_async(options, self._attempts, name, turn, fn, policy)

    async def _attempts(
        self, name: str, turn: int, fn: Callable[[], Awaitable[Json]], policy: Policy
    ) -> Mapping[str, Json]:
        """Try until it works or the policy says stop; never raises the step's own error, so that it can be stored."""
        limit = self._around.attempts
        while True:
            begun = await self._around.ledger.begin(self.workflow_id, name, turn, self._dispatches)
            if begun.done:  # the process died between the ledger's note and the engine's
                return {"result": begun.result}
            failure = decide_before_attempt(policy, begun.attempts, begun.message, limit=limit)
            if failure is not None:
                return {"failure": failure.to_json()}
            result, failure = await self._try(name, turn, fn, begun.attempts)
            if failure is None:
                await self._end(name, turn, StepState.DONE, result=result)
                return {"result": result}
            if decide_after_failure(failure, self._bounded(policy), begun.attempts, limit=limit) is not Verdict.AGAIN:
                return {"failure": failure.to_json()}
            await self._note_failure(name, turn, failure.text)
            self._retries += 1
            await asyncio.sleep(backoff_s(policy, begun.attempts))

    async def _try(
        self, name: str, turn: int, fn: Callable[[], Awaitable[Json]], attempt: int
    ) -> tuple[Json, Failure | None]:
        try:
            return require_json(await fn(), what=f"work {self.workflow_id}: result of step {name!r}"), None
        except asyncio.CancelledError:
            with contextlib.suppress(Parked):
                await asyncio.shield(self._undo(name, turn))
            raise
        except Exception as error:  # a job's boundary: whatever a step raises is an outcome of the step
            failure = describe(error)
            trace = None if isinstance(error, StreamhubError | OSError) else error
            _log.warning(
                "step_failed work=%s step=%s attempt=%d: %s",
                self.workflow_id, name, attempt, failure.text,
                exc_info=trace,
            )  # fmt: skip
            return None, failure

    async def _settle(self, name: str, turn: int, failure: Failure, policy: Policy) -> Decision:
        """Hold for a decision or give up.

        Raises:
            StreamhubError: given up.
        """
        if self._bounded(policy).on_failure == "give_up":
            await self._end(name, turn, StepState.FAILED, message=failure.text)
            raise rebuild(failure)
        await self._end(name, turn, StepState.HELD, message=failure.text)
        answer = None
        while answer is None:
            answer = await DBOS.recv_async(decision_topic(name, turn), _FOR_EVER_S)
        decision = Decision(answer)
        if decision is Decision.SKIP:
            await self._end(name, turn, StepState.SKIPPED, message=failure.text)
        if decision is Decision.GIVE_UP:
            await self._end(name, turn, StepState.FAILED, message=failure.text)
            raise rebuild(failure)
        return decision

    async def _enqueue(self, child: _Child) -> WorkflowHandleAsync[Json]:
        options: EnqueueOptions = {
            "workflow_name": child.kind,
            "queue_name": child.queue,
            "workflow_id": child.workflow_id,
            "app_version": APPLICATION_VERSION,
        }
        envelope = pack(child.args, parent_id=self.workflow_id)
        handle = await DBOS.enqueue_workflow_with_options_async(options, envelope)

        def note(db: Any, at: datetime) -> None:
            work.save_queued(db, child.workflow_id, child.kind, child.key, at=at, parent_id=self.workflow_id)
            work.save_waiting(db, self.workflow_id, child.step, child.turn, at=at)

        await self._around.ledger.note(note)
        return handle

    async def _collect(self, child: _Child, handle: WorkflowHandleAsync[Json], policy: Policy) -> Json:
        while True:
            failure = None
            try:
                result = await handle.get_result(polling_interval_sec=self._around.poll_s)
            except library_errors.DBOSAwaitedWorkflowCancelledError:
                failure = Failure(
                    error="Cancelled", message=f"{child.workflow_id}: cancelled", hint="", transient=False
                )
            except PortableWorkflowError as error:
                failure = parse_failure(error.data, message=str(error))
            if failure is None:
                await self._end_child(child, WorkState.DONE)
                await self._end(child.step, child.turn, StepState.DONE, result=result)
                return result
            await self._end_child(child, WorkState.FAILED, failure.text)
            if await self._settle(child.step, child.turn, failure, policy) is Decision.SKIP:
                return None
            child = replace(child, turn=child.turn + 1)
            handle = await self._enqueue(child)

    def _bounded(self, policy: Policy) -> Policy:
        return replace(policy, on_failure="give_up") if self._is_child else policy

    async def _dispatches(self) -> int:
        return await self._around.dispatches(self.workflow_id) + self._retries

    async def _undo(self, name: str, turn: int) -> None:
        await self._around.ledger.note(lambda db, at: work.undo_attempt(db, self.workflow_id, name, turn, at=at))

    async def _note_failure(self, name: str, turn: int, message: str) -> None:
        await self._around.ledger.note(
            lambda db, at: work.note_failure(db, self.workflow_id, name, turn, message, at=at),
        )

    async def _end(self, name: str, turn: int, state: StepState, *, message: str = "", result: Json = None) -> None:
        place = (self.workflow_id, name, turn)
        await self._around.ledger.note(
            lambda db, at: work.end_step(db, place, state, at=at, message=message, result=result),
        )

    async def _end_child(self, child: _Child, state: WorkState, message: str = "") -> None:
        await self._around.ledger.note(
            lambda db, at: work.mark_ended(db, child.workflow_id, state, at=at, message=message),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Child:
    """A workflow on a queue, as its parent sees it."""

    queue: str
    kind: str
    key: str
    args: tuple[Json, ...]
    turn: int

    @property
    def step(self) -> str:
        """Its name among the parent's steps."""
        return f"{self.kind}:{self.key}"

    @property
    def workflow_id(self) -> str:
        """A new one for each turn: a workflow that has failed stays failed."""
        return self.step if self.turn == 1 else f"{self.step}~{self.turn}"


def decision_topic(step: str, turn: int) -> str:
    """Where the decision on a held step is sent; a turn of its own, so that a stale click decides nothing."""
    return f"decide:{step}:{turn}"


def pack(args: Sequence[Json], *, parent_id: str = "", due_at: datetime | None = None) -> dict[str, Json]:
    """What is stored as a workflow's argument."""
    return {
        "args": require_json(list(args), what="arguments of a workflow"),
        "parent_id": parent_id,
        "due_at": None if due_at is None else format_instant(due_at),
    }
