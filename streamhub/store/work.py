"""Work of the durable engine as people see it: workflows, their steps, and the outbox.

Owns the tables ``work``, ``work_steps`` and ``outbox``: who runs what, how often a step was begun, why it is held, and
what is still to be handed to the engine. The engine keeps its own truth about progress elsewhere; these rows are what
another process may read, and what survives a crash in the middle of a step. Refuses to know what the work is about.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlite_utils import Database

from streamhub.errors import NotFound, WrongState
from streamhub.questions.refusal import Refusal
from streamhub.store.rows import Row, change, fetch_all, fetch_one, instant_or_none, marks_for, text_or_none
from streamhub.timecode import format_instant, parse_instant

Json = Any
"""What `json.dumps` takes: None, bool, int, float, str, and lists and string-keyed mappings of them."""


class WorkState(StrEnum):
    """Where a workflow stands. ``HELD`` means that at least one of its steps waits for a person."""

    QUEUED = "queued"
    RUNNING = "running"
    HELD = "held"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepState(StrEnum):
    """Where a step stands. ``WAITING``: for a child on a queue; ``INTERRUPTED``: by a shutdown, it will go on."""

    RUNNING = "running"
    WAITING = "waiting"
    INTERRUPTED = "interrupted"
    HELD = "held"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True, slots=True)
class StepStatus:
    """One step of a workflow.

    Attributes:
        name: unique in its workflow.
        state: see `StepState`.
        turn: 1 for the first, one more for each time that a person said "retry".
        attempts: how often it was begun in this turn; a crash counts, a tidy shutdown does not.
        message: why it failed or is held; empty otherwise.
        started_at: when the first attempt began.
        ended_at: when it ended; None while it has not.
    """

    name: str
    state: StepState
    turn: int
    attempts: int
    message: str
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkStatus:
    """One workflow and its steps, in the order in which they began.

    Attributes:
        workflow_id: ``kind:key``.
        kind: what sort of work.
        key: what it is about.
        parent_id: the workflow that queued it; empty when it was started by itself.
        state: see `WorkState`.
        message: why it failed or is held; empty otherwise.
        due_at: when it is to begin, for work that was put off.
        created_at: when it was asked for.
        updated_at: last change of the workflow or a step.
        ended_at: when it ended; None while it has not.
        steps: see `StepStatus`.
    """

    workflow_id: str
    kind: str
    key: str
    parent_id: str
    state: WorkState
    message: str
    due_at: datetime | None
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    steps: tuple[StepStatus, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """What the ledger says about a step that is about to be tried.

    Attributes:
        attempts: this attempt included.
        message: of the last failure, empty if there was none.
        done: whether it was finished before, so that it need not run again.
        result: its result then.
    """

    attempts: int
    message: str
    done: bool
    result: Json


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """A workflow that the hub's data asks for, on its way to the engine.

    Attributes:
        id: number of the row.
        kind, key, args: what to start.
        due_at: when it is to begin; None for at once.
    """

    id: int
    kind: str
    key: str
    args: tuple[Json, ...]
    due_at: datetime | None


def save_queued(
    db: Database,
    workflow_id: str,
    kind: str,
    key: str,
    *,
    at: datetime,
    parent_id: str = "",
    due_at: datetime | None = None,
) -> None:
    """Note that a workflow was asked for; does nothing when it is known already."""
    now = format_instant(at)
    db.execute(
        "insert into work (workflow_id, kind, key, parent_id, state, message, due_at, created_at, updated_at) "
        "values (?, ?, ?, ?, 'queued', '', ?, ?, ?) on conflict (workflow_id) do nothing",
        (workflow_id, kind, key, parent_id, text_or_none(due_at), now, now),
    )


def mark_running(db: Database, workflow_id: str, *, at: datetime) -> None:
    """Note that a workflow runs; finished ones stay as they are."""
    change(
        db,
        "update work set state = 'running', updated_at = ? where workflow_id = ? and state = 'queued'",
        format_instant(at),
        workflow_id,
    )


def mark_ended(db: Database, workflow_id: str, state: WorkState, *, at: datetime, message: str = "") -> None:
    """Note how a workflow ended; only the first ending counts. A cancelled one takes its open steps along."""
    now = format_instant(at)
    touched = change(
        db,
        "update work set state = ?, message = ?, updated_at = ?, ended_at = ? "
        "where workflow_id = ? and state in ('queued', 'running')",
        state.value,
        message,
        now,
        now,
        workflow_id,
    )
    if touched and state is WorkState.CANCELLED:
        change(
            db,
            "update work_steps set state = 'cancelled', ended_at = ? "
            "where workflow_id = ? and state in ('running', 'waiting', 'interrupted', 'held')",
            now,
            workflow_id,
        )


def begin_attempt(db: Database, workflow_id: str, step: str, turn: int, *, at: datetime) -> Begun:
    """Count one more attempt of a step before it is made, so that an attempt that kills the process counts too."""
    row = fetch_one(
        db, "select turn, state, attempts, message, result from work_steps where workflow_id = ? and step = ?",
        workflow_id, step,
    )  # fmt: skip
    if row is not None and row["turn"] == turn and row["state"] in {StepState.DONE, StepState.SKIPPED}:
        return Begun(attempts=row["attempts"], message="", done=True, result=json.loads(row["result"] or "null"))
    again = row is not None and row["turn"] == turn
    attempts = row["attempts"] + 1 if row is not None and again else 1
    now = format_instant(at)
    db.execute(
        "insert into work_steps (workflow_id, step, turn, state, attempts, message, started_at) "
        "values (?, ?, ?, 'running', ?, '', ?) on conflict (workflow_id, step) do update set turn = excluded.turn, "
        "state = excluded.state, attempts = excluded.attempts, ended_at = null, "
        "message = case when turn = excluded.turn then message else '' end",
        (workflow_id, step, turn, attempts, now),
    )
    _touch(db, workflow_id, now)
    return Begun(attempts=attempts, message=str(row["message"]) if row and again else "", done=False, result=None)


def note_failure(db: Database, workflow_id: str, step: str, turn: int, message: str, *, at: datetime) -> None:
    """Note why an attempt failed that will be followed by another."""
    _change_step(db, (workflow_id, step, turn), "message = ?", message, at=at)


def undo_attempt(db: Database, workflow_id: str, step: str, turn: int, *, at: datetime) -> None:
    """Take back an attempt that a tidy shutdown cut off."""
    _change_step(db, (workflow_id, step, turn), "state = 'interrupted', attempts = max(0, attempts - 1)", at=at)


def end_step(
    db: Database, place: tuple[str, str, int], state: StepState, *, at: datetime, message: str = "", result: Json = None
) -> None:
    """Note how a step ended, or that it is held; ``place`` is workflow id, step and turn.

    A step that has ended stays as it is, and so does one that is in a later turn: a workflow that is taken up again
    after a crash passes by here once more.
    """
    ended = None if state is StepState.HELD else format_instant(at)
    stored = json.dumps(result, ensure_ascii=False) if state is StepState.DONE else None
    changes = "state = ?, message = ?, result = ?, ended_at = ?"
    _change_step(db, place, changes, state.value, message, stored, ended, at=at)


def save_waiting(db: Database, workflow_id: str, step: str, turn: int, *, at: datetime) -> None:
    """Note that a step waits for a child on a queue; a later turn of it, or its end, stays as it is."""
    now = format_instant(at)
    db.execute(
        "insert into work_steps (workflow_id, step, turn, state, attempts, message, started_at) "
        "values (?, ?, ?, 'waiting', 1, '', ?) on conflict (workflow_id, step) do update set turn = excluded.turn, "
        "state = excluded.state, message = '', ended_at = null where excluded.turn > turn",
        (workflow_id, step, turn, now),
    )
    _touch(db, workflow_id, now)


def load_work(db: Database, workflow_id: str) -> WorkStatus:
    """One workflow with its steps.

    Raises:
        NotFound: there is none of that id.
    """
    row = fetch_one(db, "select * from work where workflow_id = ?", workflow_id)
    if row is None:
        raise NotFound(f"work {workflow_id}: there is no such work")
    return _with_steps(db, [row])[0]


def list_work(db: Database, *, limit: int = 100, about: str = "") -> list[WorkStatus]:
    """Workflows with their steps, the one that changed last first; held ones before all others.

    All of them, or those whose key is ``about``, alone or before a colon: a session's work, however old it is.
    What was ordered and is not handed to the engine yet counts as queued, and stands at the end.
    """
    rows = fetch_all(
        db,
        "select * from work where ?1 = '' or key = ?1 or substr(key, 1, length(?1) + 1) = ?1 || ':' "
        "order by exists (select 1 from work_steps s where s.workflow_id = work.workflow_id "
        "and s.state = 'held') desc, updated_at desc, rowid desc limit ?2",
        about,
        limit,
    )
    known = {row["workflow_id"] for row in rows}
    return _with_steps(db, rows) + [status for status in _list_ordered(db, about) if status.workflow_id not in known]


def _list_ordered(db: Database, about: str) -> list[WorkStatus]:
    rows = fetch_all(
        db,
        "select * from outbox where sent_at is null and message = '' "
        "and (?1 = '' or key = ?1 or substr(key, 1, length(?1) + 1) = ?1 || ':') order by id",
        about,
    )
    return [
        WorkStatus(
            workflow_id=f"{row['kind']}:{row['key']}",
            kind=row["kind"],
            key=row["key"],
            parent_id="",
            state=WorkState.QUEUED,
            message="",
            due_at=instant_or_none(row["due_at"]),
            created_at=parse_instant(row["created_at"]),
            updated_at=parse_instant(row["created_at"]),
            ended_at=None,
            steps=(),
        )
        for row in rows
    ]


def list_children(db: Database, workflow_id: str) -> list[str]:
    """Ids of the workflows that this one queued."""
    rows = fetch_all(db, "select workflow_id from work where parent_id = ? order by rowid", workflow_id)
    return [row["workflow_id"] for row in rows]


def require_held(db: Database, workflow_id: str, step: str) -> StepStatus:
    """The step, if it waits for a person's decision.

    Raises:
        NotFound: there is no such workflow or step.
        Conflict: it does not wait for anybody.
    """
    steps = {status.name: status for status in load_work(db, workflow_id).steps}
    if step not in steps:
        raise NotFound(f"work {workflow_id}: no step {step!r}", hint=f"its steps are {', '.join(steps) or 'none yet'}")
    if steps[step].state is not StepState.HELD:
        message = f"work {workflow_id}: step {step!r} is {steps[step].state}, nothing is to be decided"
        raise WrongState(message, code=Refusal.STEP_NOT_WAITING)
    return steps[step]


def prune_work(db: Database, *, before: datetime) -> int:
    """Forget workflows that ended before an instant, and outbox rows that were sent; returns how many workflows."""
    limit = format_instant(before)
    change(db, "delete from outbox where sent_at < ?", limit)
    return change(db, "delete from work where ended_at < ?", limit)


def put_outbox(
    db: Database,
    kind: str,
    key: str,
    args: Sequence[Json] = (),
    *,
    at: datetime,
    due_at: datetime | None = None,
) -> None:
    """Ask for a workflow in the same transaction as the rows that need it; once per kind and key, ever."""
    db.execute(
        "insert into outbox (kind, key, args, due_at, message, created_at) values (?, ?, ?, ?, '', ?) "
        "on conflict (kind, key) do nothing",
        (kind, key, json.dumps(list(args), ensure_ascii=False), text_or_none(due_at), format_instant(at)),
    )


def list_unsent(db: Database, *, limit: int = 50) -> list[Parcel]:
    """What is still to be handed to the engine, oldest first; what was refused is left out."""
    rows = fetch_all(
        db,
        "select id, kind, key, args, due_at from outbox where sent_at is null and message = '' order by id limit ?",
        limit,
    )
    return [
        Parcel(
            id=row["id"],
            kind=row["kind"],
            key=row["key"],
            args=tuple(json.loads(row["args"])),
            due_at=instant_or_none(row["due_at"]),
        )
        for row in rows
    ]


def mark_sent(db: Database, parcel_id: int, *, at: datetime) -> None:
    """Note that the engine has it."""
    change(db, "update outbox set sent_at = ?, message = '' where id = ?", format_instant(at), parcel_id)


def mark_refused(db: Database, parcel_id: int, message: str) -> None:
    """Note why the engine does not take it; it is tried again after the next start of the hub."""
    change(db, "update outbox set message = ? where id = ?", message, parcel_id)


def retry_refused(db: Database) -> None:
    """Give every refused row another chance."""
    change(db, "update outbox set message = '' where sent_at is null")


def _change_step(db: Database, place: tuple[str, str, int], changes: str, *values: object, at: datetime) -> None:
    change(
        db,
        f"update work_steps set {changes} where workflow_id = ? and step = ? and turn = ? "  # noqa: S608  our columns
        "and state in ('running', 'waiting', 'interrupted', 'held')",
        *values,
        *place,
    )
    _touch(db, place[0], format_instant(at))


def _touch(db: Database, workflow_id: str, now: str) -> None:
    change(db, "update work set updated_at = ? where workflow_id = ?", now, workflow_id)


def _with_steps(db: Database, rows: Sequence[Row]) -> list[WorkStatus]:
    ids = [row["workflow_id"] for row in rows]
    steps: dict[str, list[StepStatus]] = {workflow_id: [] for workflow_id in ids}
    for row in fetch_all(
        db,
        f"select * from work_steps where workflow_id in ({marks_for(ids)}) order by started_at, rowid",  # noqa: S608
        *ids,
    ):
        steps[row["workflow_id"]].append(_step(row))
    return [_status(row, tuple(steps[row["workflow_id"]])) for row in rows]


def _step(row: Row) -> StepStatus:
    return StepStatus(
        name=row["step"],
        state=StepState(row["state"]),
        turn=row["turn"],
        attempts=row["attempts"],
        message=row["message"],
        started_at=parse_instant(row["started_at"]),
        ended_at=instant_or_none(row["ended_at"]),
    )


def _status(row: Row, steps: tuple[StepStatus, ...]) -> WorkStatus:
    held = next((step for step in steps if step.state is StepState.HELD), None)
    return WorkStatus(
        workflow_id=row["workflow_id"],
        kind=row["kind"],
        key=row["key"],
        parent_id=row["parent_id"],
        state=WorkState.HELD if held else WorkState(row["state"]),
        message=f"{held.name}: {held.message}" if held else row["message"],
        due_at=instant_or_none(row["due_at"]),
        created_at=parse_instant(row["created_at"]),
        updated_at=parse_instant(row["updated_at"]),
        ended_at=instant_or_none(row["ended_at"]),
        steps=steps,
    )
