"""One connection of a relay: an ffmpeg that pushes, how it is doing, and what hosts are told of that.

Owns progress, the look for a platform that hangs or is too slow, the tidy end, and the pauses between tries. Knows
nothing of containers or of where media comes from.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from streamhub.errors import TimedOut, ToolFailed
from streamhub.live.backlog import Backlog
from streamhub.live.ingest import RelayPhase, RelayState
from streamhub.live.pushing import excerpt
from streamhub.process import Child
from streamhub.text import Random

_LOG = logging.getLogger(__name__)

_LOOK_S = 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class RelayLimits:
    """What a relay may hold, and how long it waits.

    Attributes:
        max_bytes: held in memory per session.
        max_ms: media that may wait before the relay goes on at the newest key frame.
        stall_s: seconds without progress at the platform after which a connection is given up.
        jumps: how often in a minute it may fall behind before the connection is given up.
        idle_s: seconds for which a connection is kept while the encoder is away.
        first_pause_s, last_pause_s: between two tries; doubled each time, and jittered.
        forgive_s: each so many seconds of sending make one earlier failure forgotten; a minute all of them.
        steady_s: a connection after a failure counts as sending when it held so long.
        farewell_s: seconds for ending a connection tidily.
    """

    max_bytes: int = 32 * 2**20
    max_ms: int = 10_000
    stall_s: float = 10.0
    jumps: int = 3
    idle_s: float = 30.0
    first_pause_s: float = 0.5
    last_pause_s: float = 15.0
    forgive_s: float = 5.0
    steady_s: float = 2.0
    farewell_s: float = 3.0


DEFAULT_LIMITS = RelayLimits()


def plan_pause_s(failures: int, *, chance: float, limits: RelayLimits = DEFAULT_LIMITS) -> float:
    """Seconds to wait after so many failures in a row (1 or more); ``chance``, 0 to 1, spreads them by a quarter."""
    doubled = limits.first_pause_s * 2.0 ** min(failures - 1, 20)
    return min(limits.last_pause_s, max(limits.first_pause_s, doubled * (0.75 + 0.5 * chance)))


def plan_failures(failures: int, *, sent_s: float, limits: RelayLimits = DEFAULT_LIMITS) -> int:
    """How many failures in a row count still, after a connection that sent for so many seconds."""
    return 0 if sent_s >= 60 else max(0, failures - int(sent_s / limits.forgive_s))


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """What a relay works with; see `streamhub.live.relay.Relay`."""

    program: Path
    now: Callable[[], datetime]
    random: Random
    monotonic: Callable[[], float]
    limits: RelayLimits
    ca_file: Path | None

    def chance(self) -> float:
        """A random number from 0 to 1."""
        return int.from_bytes(self.random(4), "big") / 2**32


@dataclass(slots=True)
class Status:
    """What hosts see of a session's relaying."""

    session_id: str
    now: Callable[[], datetime]
    phase: RelayPhase = RelayPhase.OFF
    since: datetime | None = None
    starts: int = 0
    sent_bytes: int = 0
    reason: str = ""

    def enter(self, phase: RelayPhase) -> None:
        """Be in a phase from now on, if not already."""
        if phase is not self.phase:
            self.phase, self.since = phase, self.now()
            _LOG.info("relay_phase session=%s phase=%s", self.session_id, phase)

    def connect(self) -> None:
        """A connection is begun; one after a failure is failing until it holds."""
        self.starts += 1
        if self.phase is not RelayPhase.FAILING:
            self.enter(RelayPhase.CONNECTING)

    def fail(self, reason: str) -> None:
        """It broke off, or did not come about."""
        self.reason = reason
        self.enter(RelayPhase.FAILING)

    def pause(self) -> None:
        """A connection ended tidily."""
        self.enter(RelayPhase.WAITING)

    def hold(self, held_s: float, *, steady_s: float) -> None:
        """The platform takes media, for so long already."""
        if self.phase is not RelayPhase.FAILING or held_s >= steady_s:
            self.enter(RelayPhase.SENDING)

    def read(self, dropped_ms: int) -> RelayState:
        """All of it in one record."""
        return RelayState(
            phase=self.phase,
            since=self.since,
            restarts=max(0, self.starts - 1),
            sent_bytes=self.sent_bytes,
            dropped_ms=dropped_ms,
            reason=self.reason,
        )


@dataclass(slots=True)
class Link:
    """One connection: an ffmpeg, and what is known of its progress."""

    tools: Tools
    status: Status
    child: Child = field(init=False, repr=False)
    backlog: Backlog = field(init=False, repr=False)
    sent_bytes: int = 0
    began_s: float | None = None
    progress_s: float | None = None
    owed_since_s: float | None = None
    fed_s: float = 0.0
    writing: bool = False

    def open(self, child: Child, backlog: Backlog) -> None:
        """It runs, and takes from this backlog."""
        self.child, self.backlog = child, backlog

    def sent_s(self) -> float:
        """For how long the platform took media."""
        if self.began_s is None or self.progress_s is None:
            return 0.0
        return self.progress_s - self.began_s

    async def write(self, data: bytes) -> None:
        """Hand bytes over; waits while ffmpeg is behind."""
        stdin = self.child.process.stdin
        assert stdin is not None
        self.fed_s = self.tools.monotonic()
        if self.owed_since_s is None:
            self.owed_since_s = self.fed_s
        self.writing = True
        stdin.write(data)
        await stdin.drain()
        self.writing = False

    async def read_progress(self) -> None:
        """Follow what ffmpeg says about its output, until it ends."""
        stdout = self.child.process.stdout
        assert stdout is not None
        while line := await stdout.readline():
            name, _, value = line.decode("ascii", "replace").strip().partition("=")
            if name == "total_size" and value.isdigit() and int(value) > self.sent_bytes:
                self._note_progress(int(value))

    async def watch(self) -> None:
        """Look for a platform that takes nothing, or too little.

        Raises:
            TimedOut: it is so.
        """
        limits, jumps = self.tools.limits, list[float]()
        seen = self.backlog.jumps
        while True:
            await asyncio.sleep(min(_LOOK_S, limits.stall_s / 4))
            at = self.tools.monotonic()
            owes = self.owed_since_s is not None and at - self.owed_since_s > limits.stall_s
            if owes and (self.writing or at - self.fed_s < limits.stall_s / 2):
                raise TimedOut(f"relay: the platform took nothing for {limits.stall_s:g} s")
            jumps = [jump for jump in jumps if at - jump < 60] + [at] * (self.backlog.jumps - seen)
            seen = self.backlog.jumps
            if len(jumps) >= limits.jumps:
                raise TimedOut(f"relay: fell {limits.max_ms} ms behind {len(jumps)} times in a minute")

    async def part(self, farewell_s: float) -> None:
        """End the connection tidily: what was handed over is sent, and the platform is told."""
        stdin = self.child.process.stdin
        assert stdin is not None
        stdin.close()
        with contextlib.suppress(TimedOut):
            await self.child.wait(timeout_s=farewell_s * 0.8)

    async def explain(self, key: str, *ended: asyncio.Task[None]) -> None:
        """Raise what made the connection end, without the key.

        Raises:
            TimedOut, ToolFailed: always one of them.
        """
        for error in [error for task in ended if (error := task.exception()) is not None]:
            if not isinstance(error, ConnectionError):
                raise error
        with contextlib.suppress(TimedOut):  # a broken pipe: it ends, but may hang in doing so
            await self.child.wait(timeout_s=self.tools.limits.farewell_s)
        said = excerpt(self.child.stderr_tail, key) or "it said nothing"
        raise ToolFailed(f"ffmpeg (relay): ended with exit code {self.child.process.returncode}: {said}")

    def _note_progress(self, sent_bytes: int) -> None:
        at = self.tools.monotonic()
        self.status.sent_bytes += sent_bytes - self.sent_bytes
        self.sent_bytes = sent_bytes
        self.began_s = at if self.began_s is None else self.began_s
        self.progress_s, self.owed_since_s = at, None
        self.status.hold(self.sent_s(), steady_s=self.tools.limits.steady_s)
