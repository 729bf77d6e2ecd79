"""HiGHS: the solver of integer programmes, in a process of its own that is kept for the next question.

Owns both ends of the wire. The hub's end sends a programme as one line of JSON and reads one back; whatever the
library prints goes to standard error. The process is stopped when it is late, when nobody waits for it any more, and
when it has had nothing to do for a while. Refuses to know sessions.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streamhub.errors import TimedOut, ToolFailed
from streamhub.process import Child, Command, Limits, failed, start
from streamhub.schedule.programme import Found, Programme

KEEP_S = 300.0
"""So long a process without a question is kept: a host who tries this and that asks every few seconds."""
_MEMORY_BYTES = 4 * 2**30


class Highs:
    """The role `streamhub.schedule.solver.Solver`; close it in the end.

    Args:
        keep_s: seconds after which an idle process is let go.
        module: what the process runs.
        grace_s: so much longer than its limit it may take, to read and to write; then it is killed.
        start_s: so much longer when it has to start first.
    """

    def __init__(
        self, *, keep_s: float = KEEP_S, module: str = __name__, grace_s: float = 2.0, start_s: float = 20.0
    ) -> None:
        self._keep_s, self._module, self._grace_s, self._start_s = keep_s, module, grace_s, start_s
        self._child: Child | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._leaving: set[asyncio.Task[int]] = set()
        self._turn = asyncio.Lock()
        self._told: _Told | None = None

    @property
    def pid(self) -> int | None:
        """The process that waits for a question; None: there is none."""
        return self._child.pid if self._child is not None else None

    @property
    def busy(self) -> bool:
        """Whether a programme is being solved."""
        return self._turn.locked()

    async def solve(self, programme: Programme, *, limit_s: float) -> Found:
        """See the role; one programme at a time.

        Raises:
            TimedOut: there is no answer in time.
            ToolFailed: the process died, or the library failed.
        """
        async with self._turn:
            child, known = await self._take()
            try:
                return await self._solve(child, programme, known=known, limit_s=limit_s)
            except ToolFailed:
                if not known:
                    raise
            child, _ = await self._take()  # it had died while it waited
            return await self._solve(child, programme, known=False, limit_s=limit_s)

    async def _solve(self, child: Child, programme: Programme, *, known: bool, limit_s: float) -> Found:
        if self._told is None or self._told.programme is not programme or not known:
            self._told = _Told(programme=programme)
        try:
            async with asyncio.timeout(limit_s + self._grace_s + (0.0 if known else self._start_s)):
                found = await _ask(child, programme, self._told, limit_s=limit_s)
        except TimeoutError as error:
            await self._drop(child)
            raise TimedOut(f"{child.command.label}: no plan after {limit_s:g} s") from error
        except BaseException:
            await self._drop(child)
            raise
        self._keep(child)
        return found

    async def close(self) -> None:
        """Let the process go."""
        async with self._turn:
            child, known = self._child, self._child is not None
            self._forget()
            if known and child is not None:
                await self._drop(child)
        for task in list(self._leaving):
            await task

    async def _take(self) -> tuple[Child, bool]:
        """The process that waits, or a new one; and whether it was there already."""
        child = self._child
        self._forget()
        if child is not None and child.running:
            return child, True
        argv = [sys.executable, "-m", self._module]
        limits = Limits(memory_bytes=_MEMORY_BYTES)
        env = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        return await start(Command(argv=argv, env=env, limits=limits, name="planner"), stdin=True, stdout=True), False

    def _keep(self, child: Child) -> None:
        self._child = child
        self._timer = asyncio.get_running_loop().call_later(self._keep_s, self._let_go)

    def _let_go(self) -> None:
        child = self._child
        self._forget()
        if child is not None:
            task = asyncio.create_task(child.stop())
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._child = self._timer = None

    async def _drop(self, child: Child) -> None:
        child.kill()
        await asyncio.shield(child.wait())


async def _ask(child: Child, programme: Programme, told: _Told, *, limit_s: float) -> Found:
    stdin, stdout = child.process.stdin, child.process.stdout
    assert stdin is not None
    assert stdout is not None
    try:
        stdin.write(json.dumps(_request(programme, told, limit_s)).encode() + b"\n")
        await stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        pass  # then it has ended, and its exit code says more
    line = await stdout.readline()
    if not line:
        code = await child.wait()
        raise failed(child.command, code, child.stderr_tail)
    answer = json.loads(line)
    if answer["failed"]:
        raise ToolFailed(f"{child.command.label}: {answer['failed']}")
    return Found(picked=tuple(answer["picked"]), bound=answer["bound"], optimal=answer["optimal"])


@dataclass(kw_only=True, slots=True)
class _Told:
    """How much of a programme a process knows already."""

    programme: Programme
    variables: int = 0
    rows: int = 0
    entries: int = 0
    whole: int = 0


def _request(programme: Programme, told: _Told, limit_s: float) -> Mapping[str, Any]:
    """What a process has to be told of a programme: everything that is new, and all limits."""
    request = {
        "anew": told.variables == 0,
        "gain": programme.gain[told.variables :],
        "whole": programme.whole[told.whole :],
        "rows": programme.rows[told.entries :],
        "variables": programme.variables[told.entries :],
        "factors": programme.factors[told.entries :],
        "most": programme.most,
        "lower": programme.lower,
        "upper": programme.upper,
        "start": programme.start,
        "start_value": programme.start_value,
        "limit_s": limit_s,
    }
    told.variables, told.rows, told.entries = len(programme.gain), len(programme.lower), len(programme.rows)
    told.whole = len(programme.whole)
    return request


def serve() -> int:
    """Be the process: solve programmes one after the other until nobody asks any more; returns the exit code."""
    from streamhub.schedule.highs_solving import Bench

    wire = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    os.nice(5)  # a plan can wait, a broadcast cannot
    bench = Bench()
    for line in sys.stdin:
        try:
            answer = bench.solve(json.loads(line))
        except Exception as error:  # the process's boundary: the hub shall hear of everything
            answer = {"failed": f"{type(error).__name__}: {error}"}
        wire.write(json.dumps({"failed": "", **answer}) + "\n")
        wire.flush()
    return 0


if __name__ == "__main__":
    sys.exit(serve())
