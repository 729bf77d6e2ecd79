"""The reconciler: platforms follow the sessions, whatever crashes, drops or changes in between.

The session's row is what is wanted, the broadcast's row is what is known; this loop brings the one to the other, one
session apart from the other, so that one that hangs holds up nobody. Owns when a platform is asked for what, how often
after a failure, the watch over broadcasts that nobody ended, and the relay's aim. The hub's own broadcast and recording
never wait for it. Refuses to know brands: a platform is a role.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from sqlite_utils import Database

from streamhub.errors import Fault, PlatformError, StreamhubError
from streamhub.keepers.cases import Case, load_case, load_cases
from streamhub.live.platform import Broadcast, Ingest, LivePlatform, Phase, Signal
from streamhub.live.problem import Problem, ProblemCode, problem_of, say_problem
from streamhub.live.rules import (
    FOLLOWED,
    ON_AIR,
    Step,
    plan_leave,
    plan_look_s,
    plan_retry_s,
    plan_signal_s,
    plan_step,
    relays,
)
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store import broadcasts as rows
from streamhub.store.broadcasts import BroadcastRow
from streamhub.store.store import Store
from streamhub.timecode import Now, format_instant

LOG = logging.getLogger("streamhub.keepers.reconciler")

_PASS_S = 2.0
_CHECK_S = 3600.0
_WAIT_SIGNAL_S = 60.0
_LOST_LOOK_S = 300.0
"""How often a broadcast that seems gone in the middle of its session is looked for: nothing may stay live unseen."""
_LATE_TRY = 10
"""Counts as so many tries what is not urgent."""
_WARN_BEFORE = timedelta(minutes=45)
_NOTES = frozenset(
    {
        ProblemCode.CHANGED_THERE,
        ProblemCode.START_MOVED,
        ProblemCode.LIMIT_NEAR,
        ProblemCode.ROLLED_OVER,
        ProblemCode.BROADCAST_GONE,
        ProblemCode.REVOKED,
        ProblemCode.OVER,
    }
)
"""What is told and stays told though the last step went well."""


_OF_THE_ACCOUNT = frozenset({Fault.AUTH, Fault.NOT_ALLOWED, Fault.QUOTA})
"""Faults that concern more than one session, so that the account is looked at again, and hosts see it at once."""


class RemotePlatform(LivePlatform, Protocol):
    """A platform that is not the hub itself."""

    async def rehearse(self, session_id: str, *, wait_signal_s: float = 60.0) -> Broadcast:
        """Show it to hosts only; waits so long for a picture."""

    async def go_live(self, session_id: str, *, wait_signal_s: float = 60.0) -> Broadcast:
        """Show it to the public; waits so long for a picture."""

    async def roll_over(self, session: Session) -> Broadcast:
        """End this part and go on in a new one on the same ingestion point."""

    async def remake(self, session_id: str) -> Broadcast:
        """Make a broadcast again that was deleted or ended there, on a host's word; it is only planned then."""

    async def check(self) -> Sequence[Problem]:
        """What is wrong with the account or this machine, days ahead if possible."""


class Relaying(Protocol):
    """Passes the encoder's signal on to a platform."""

    async def aim(self, session_id: str, ingest: Ingest | None) -> None:
        """Relay a session there from now on; None: not any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReconcilerParts:
    """What the reconciler works with.

    Attributes:
        store: the hub's data.
        platforms: by the name that shows carry.
        relay: passes signals on.
        end: ends a session for good, as a host would.
        watchdog_s: without a signal for so long after the planned end, a session is ended.
        part_s: after so long a broadcast goes on in a new part; 0: never.
        now: the clock.
    """

    store: Store
    platforms: Mapping[str, RemotePlatform]
    relay: Relaying
    end: Callable[[str], Awaitable[None]]
    watchdog_s: float
    part_s: float
    now: Now


@dataclass(slots=True)
class _Desk:
    """What is remembered of a session between two looks; all of it may be lost.

    Attributes:
        task: what is being done.
        woken: whether to look again at once.
        ensured: for what it was last seen to that the broadcast is like the session.
        retry_at, tries, problem: of the step that failed last.
        refusal, keep_at: why a broadcast on air could not be made like its session, and when that is tried again.
        looked_at: when the broadcast was looked at.
        signal, signal_at: what arrives there, and when that was looked at.
        silent_since: since when nothing arrives.
        ingest, stream_ref: where the relay may aim, and which stream that is.
        claim: how strong its claim to that place is; the smallest wins.
    """

    task: asyncio.Task[None] | None = None
    woken: bool = True
    ensured: tuple[Session, Show] | None = None
    retry_at: datetime | None = None
    tries: int = 0
    problem: Problem | None = None
    refusal: Problem | None = None
    keep_at: datetime | None = None
    looked_at: datetime | None = None
    signal: Signal | None = None
    signal_at: datetime | None = None
    silent_since: datetime | None = None
    ingest: Ingest | None = None
    stream_ref: str = ""
    claim: tuple[int, datetime, str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Following:
    """How a platform follows a session, for people.

    Attributes:
        platform: the name that the show carries.
        name: of the platform, as hosts know it.
        row: what is known of the broadcast; None before it was planned.
        signal: what the platform receives; None while nobody needs to know.
        problem: what keeps it from following.
        looked_at: when it was looked at last, UTC.
    """

    platform: str
    name: str
    row: BroadcastRow | None
    signal: Signal | None
    problem: Problem | None
    looked_at: datetime | None


@dataclass(slots=True)
class _Account:
    problems: tuple[Problem, ...] = ()
    checked_at: datetime | None = None
    task: asyncio.Task[None] | None = None


class Reconciler:
    """Keeps platforms like the sessions; use it as an async context manager."""

    def __init__(self, parts: ReconcilerParts, *, pass_s: float = _PASS_S) -> None:
        self._parts = parts
        self._pass_s = pass_s
        self._desks: dict[tuple[str, str], _Desk] = {}
        self._accounts = {slug: _Account() for slug in parts.platforms}
        self._woken = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Reconciler:
        self._loop = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = [desk.task for desk in self._desks.values()] + [one.task for one in self._accounts.values()]
        running = [task for task in (self._loop, *tasks) if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def wake(self, session_id: str = "") -> None:
        """Look again at once: at a session that changed, or at all of them after a new sign-in."""
        for (known, _), desk in self._desks.items():
            if session_id in {"", known}:
                desk.woken = True
                desk.keep_at = self._parts.now() if desk.refusal else desk.keep_at
        if not session_id:
            for account in self._accounts.values():
                account.checked_at = None
        self._woken.set()

    def problems(self, platform: str) -> tuple[Problem, ...]:
        """What is wrong with the account of a platform, as the last check found."""
        account = self._accounts.get(platform)
        return account.problems if account else ()

    async def view(self, session_id: str) -> Following | None:
        """How a platform follows a session; None when the hub alone shows it."""
        case = await self._parts.store.read(lambda db: load_case(db, session_id))
        platform = self._parts.platforms.get(case.show.platform)
        if platform is None:
            return None
        desk = self._desks.get(case.key, _Desk())
        problem = case.row.problem if case.row and case.row.problem else desk.problem or desk.refusal
        return Following(
            platform=case.show.platform,
            name=platform.name,
            row=case.row,
            signal=desk.signal,
            problem=problem,
            looked_at=desk.looked_at or (case.row.seen_at if case.row else None),
        )

    async def remake(self, session_id: str) -> None:
        """On a host's word: make a deleted broadcast again, or a new one after one that was ended there.

        Whether it goes live is the session's business, and follows at once.

        Raises:
            PlatformError: the platform refuses.
        """
        case = await self._parts.store.read(lambda db: load_case(db, session_id))
        await self._parts.platforms[case.show.platform].remake(session_id)
        await self._note(case, None)
        self.wake(session_id)

    # The loop.

    async def _run(self) -> None:
        while True:
            try:
                await self._pass()
            except StreamhubError as error:
                LOG.warning("reconciler_pass_failed %s", error)
            except Exception:  # the job's boundary: the loop must go on
                LOG.exception("reconciler_pass_failed")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pass_s):  # not wait_for, which may swallow the end of this task
                    await self._woken.wait()
            self._woken.clear()

    async def _pass(self) -> None:
        cases = await self._parts.store.read(lambda db: load_cases(db, self._parts.platforms))
        followed = {case.session.id for case in cases if not case.is_left}
        for gone in self._desks.keys() - {case.key for case in cases}:
            if (task := self._desks[gone].task) is None or task.done():
                if gone[0] not in followed:
                    await self._parts.relay.aim(gone[0], None)
                del self._desks[gone]
        for case in cases:
            desk = self._desks.setdefault(case.key, _Desk())
            if (desk.task is None or desk.task.done()) and self._is_due(case, desk):
                desk.woken = False
                desk.task = asyncio.create_task(self._drive(case, desk))
        for slug, account in self._accounts.items():
            wanted = any(case.platform == slug for case in cases)
            if wanted and (account.task is None or account.task.done()) and self._older(account.checked_at, _CHECK_S):
                account.checked_at = self._parts.now()
                account.task = asyncio.create_task(self._check(slug, account))

    def _older(self, at: datetime | None, seconds: float | None) -> bool:
        if seconds is None:
            return False
        return at is None or (self._parts.now() - at).total_seconds() >= seconds

    def _is_due(self, case: Case, desk: _Desk) -> bool:
        if desk.woken:
            return True
        waits = desk.problem is not None if desk.retry_at is None else self._parts.now() < desk.retry_at
        if waits:
            return False
        if self._wanted_step(case) is not Step.NOTHING and not self._is_ensured(case, desk):
            return True
        if self._wants_relay(case) is not (desk.ingest is not None):
            return True
        return self._wants_look(case, desk) or self._wants_signal(case, desk)

    def _wants_relay(self, case: Case) -> bool:
        until_s = case.until_start_s(self._parts.now())
        wanted = not case.show.direct and not case.is_left and case.is_there
        return wanted and relays(case.session.state, until_start_s=until_s)

    def _is_ensured(self, case: Case, desk: _Desk) -> bool:
        """Whether only keeping it planned is wanted, and it was seen to for this very session."""
        if desk.ensured != (case.session, case.show) or self._wanted_step(case) is not Step.ENSURE:
            return False
        if case.phase in ON_AIR:
            return desk.keep_at is None or self._parts.now() < desk.keep_at
        return case.row is not None and not case.row.pending

    def _wanted_step(self, case: Case) -> Step:
        if case.is_left:
            return plan_leave(case.phase)
        row = case.row
        live_s = 0.0
        if row is not None and row.phase is Phase.LIVE and row.started_at is not None:
            live_s = (self._parts.now() - row.started_at).total_seconds()
        return plan_step(
            case.session.state, case.phase, part_due=bool(self._parts.part_s and live_s >= self._parts.part_s)
        )

    def _wants_look(self, case: Case, desk: _Desk) -> bool:
        if case.phase is Phase.LOST and case.session.state is SessionState.LIVE and case.row and case.row.ref:
            return self._older(desk.looked_at, _LOST_LOOK_S)
        if not case.is_there or case.phase is None:
            return False
        until_s = case.until_start_s(self._parts.now())
        seen_at = desk.looked_at or (case.row.seen_at if case.row else None)  # a restart is no reason to look
        return self._older(seen_at, plan_look_s(case.session.state, case.phase, until_start_s=until_s))

    def _wants_signal(self, case: Case, desk: _Desk) -> bool:
        if not case.is_there or case.phase is None:
            return False
        until_s = case.until_start_s(self._parts.now())
        return self._older(desk.signal_at, plan_signal_s(case.session.state, case.phase, until_start_s=until_s))

    # One session.

    async def _drive(self, case: Case, desk: _Desk) -> None:
        session_id = case.session.id
        try:
            case = await self._reload(case)
            try:
                await self._follow(case, desk)
            except PlatformError as error:
                await self._note_failure(case, desk, error)
            else:
                desk.tries, desk.retry_at, desk.problem = 0, None, None
                await self._settle(case)
        except StreamhubError as error:
            LOG.warning("platform_step_refused session=%s %s", session_id, error)
            desk.retry_at = self._parts.now() + timedelta(seconds=60)
        except Exception:  # the job's boundary: one session's trouble stays its own
            LOG.exception("platform_step_failed session=%s", session_id)
            desk.problem = self._broken(case)
            desk.retry_at = self._parts.now() + timedelta(seconds=60)

    async def _follow(self, case: Case, desk: _Desk) -> None:
        platform = self._parts.platforms[case.platform]
        step = self._wanted_step(case)
        if step in {Step.GO_LIVE, Step.REHEARSE} and not case.is_there:
            await platform.ensure(case.session)
            case = await self._reload(case)
        await self._aim(case, desk, platform, anew=step in {Step.GO_LIVE, Step.REHEARSE})
        if step is not Step.NOTHING and not self._is_ensured(case, desk):
            await self._take(step, case, desk, platform)
        if self._wants_look(case, desk) and step in {Step.NOTHING, Step.ENSURE}:
            desk.looked_at = self._parts.now()
            seen = await platform.get(case.session.id)
            await self._mind(case, seen)
        if self._wants_signal(case, desk):
            desk.signal_at = self._parts.now()
            desk.signal = await platform.signal(case.session.id)
        await self._tell_over(case)
        await self._watch(case, desk)

    async def _take(self, step: Step, case: Case, desk: _Desk, platform: RemotePlatform) -> None:
        session = case.session
        LOG.info("platform_step session=%s platform=%s step=%s", session.id, case.platform, step)
        wait_signal_s = 0.0 if desk.tries else _WAIT_SIGNAL_S
        if step is Step.ENSURE and case.phase in ON_AIR:
            await self._keep(case, desk, platform)
        elif step is Step.ENSURE:
            await platform.ensure(session)
        elif step is Step.REHEARSE:
            await platform.rehearse(session.id, wait_signal_s=wait_signal_s)
        elif step is Step.GO_LIVE:
            await platform.go_live(session.id, wait_signal_s=wait_signal_s)
        elif step is Step.END:
            await platform.end(session.id)
        elif step is Step.CANCEL:
            await platform.cancel(session.id)
        elif step is Step.ROLL_OVER:
            after = await platform.roll_over(session)
            await self._note(case, self._told(case, ProblemCode.ROLLED_OVER, part=str(after.part)))
        desk.ensured = (session, case.show) if step is Step.ENSURE else None

    async def _keep(self, case: Case, desk: _Desk, platform: RemotePlatform) -> None:
        """Let a broadcast on air follow what was changed here; what is refused keeps nobody from watching over it."""
        desk.refusal = desk.keep_at = None
        try:
            await platform.ensure(case.session)
        except PlatformError as error:
            wait_s = plan_retry_s(error.fault, _LATE_TRY, urgent=False)
            desk.keep_at = self._parts.now() + timedelta(seconds=wait_s) if wait_s is not None else None
            desk.refusal = replace(problem_of(error), retry_at=desk.keep_at)
            LOG.warning("platform_problem session=%s code=%s %s", case.session.id, error.code, error)

    async def _aim(self, case: Case, desk: _Desk, platform: RemotePlatform, *, anew: bool) -> None:
        """Point the relay to where the session is shown; a stream that somebody else is live on is left alone.

        Args:
            case: the session.
            desk: what is remembered of it.
            platform: where it is shown.
            anew: whether to ask for the place again, because another session may have kept it longer than planned.
        """
        if case.is_left:
            return
        stream_ref = case.row.stream_ref if case.row else ""
        if not self._wants_relay(case):
            desk.ingest = desk.claim = None
        elif desk.ingest is None or anew or desk.stream_ref != stream_ref:
            desk.ingest = await platform.ingest(case.session.id)
            row = (await self._reload(case)).row
            desk.stream_ref = row.stream_ref if row else ""
        if desk.ingest is not None:
            strength = {SessionState.LIVE: 0, SessionState.REHEARSAL: 1}.get(case.session.state, 2)
            desk.claim = (strength, case.session.starts_at, case.session.id)
        await self._parts.relay.aim(case.session.id, None if self._is_taken(case, desk) else desk.ingest)

    def _is_taken(self, case: Case, desk: _Desk) -> bool:
        """Whether another session with the better claim is relayed to the same place: live, in rehearsal, or first."""
        if desk.ingest is None or desk.claim is None:
            return False
        others = (other for known, other in self._desks.items() if known != case.key)
        same = [other for other in others if other.ingest is not None and other.ingest.key == desk.ingest.key]
        return any(other.claim is not None and other.claim < desk.claim for other in same)

    async def _mind(self, case: Case, seen: Broadcast) -> None:
        """What a look at the broadcast means for a live session: it was ended there, or lasts long."""
        if case.session.state is not SessionState.LIVE:
            return
        if seen.phase is Phase.ENDED and case.show.direct:
            LOG.info("platform_ended_there session=%s", case.session.id)
            await self._parts.end(case.session.id)
        elif seen.phase is Phase.LIVE and seen.started_at is not None and self._parts.part_s:
            due_at = seen.started_at + timedelta(seconds=self._parts.part_s)
            if due_at - _WARN_BEFORE <= self._parts.now() < due_at:
                at = format_instant(due_at)
                await self._note(case, self._told(case, ProblemCode.LIMIT_NEAR, at=at))

    async def _tell_over(self, case: Case) -> None:
        """Say that a broadcast is over though its session is not; a new one is made on a host's word."""
        case = await self._reload(case)
        standing = case.row is not None and case.row.problem is not None
        if case.phase is Phase.ENDED and case.session.state in FOLLOWED and not standing:
            await self._note(case, self._told(case, ProblemCode.OVER))

    async def _reload(self, case: Case) -> Case:
        return await self._parts.store.read(lambda db: load_case(db, case.session.id, case.platform))

    async def _watch(self, case: Case, desk: _Desk) -> None:
        """End a forgotten session whose encoder pushes straight to the platform; the studio minds the others."""
        session, at = case.session, self._parts.now()
        if desk.signal is None or desk.signal.receiving:
            desk.silent_since = None
        elif desk.silent_since is None:
            desk.silent_since = desk.signal_at
        if session.state is not SessionState.LIVE or not case.show.direct or desk.silent_since is None:
            return
        planned_end = (session.started_at or session.starts_at) + timedelta(minutes=session.planned_minutes)
        silent_s = (at - max(desk.silent_since, planned_end)).total_seconds()
        if silent_s >= self._parts.watchdog_s:
            LOG.warning("watchdog_ends session=%s silent_s=%d", session.id, silent_s)
            await self._parts.end(session.id)

    # Problems.

    def _told(self, case: Case, code: ProblemCode, **details: str) -> Problem:
        name = self._parts.platforms[case.platform].name
        return Problem(code=code, details={"platform": name, "command": case.platform, **details})

    def _broken(self, case: Case) -> Problem:
        return self._told(case, ProblemCode.BROKEN, reason="internal")

    async def _note_failure(self, case: Case, desk: _Desk, error: PlatformError) -> None:
        desk.tries += 1
        if error.fault is Fault.NOT_FOUND:
            desk.ensured = None
        wait_s = plan_retry_s(error.fault, desk.tries, urgent=case.urgent)
        retry_at = error.retry_at
        if retry_at is None and wait_s is not None:
            retry_at = self._parts.now() + timedelta(seconds=wait_s)
        desk.retry_at = retry_at
        problem = replace(problem_of(error), retry_at=retry_at)
        if desk.problem is None or desk.problem.code is not problem.code:
            LOG.warning(
                "platform_problem session=%s code=%s reason=%s %s", case.session.id, error.code, error.reason, error
            )
            if error.fault in _OF_THE_ACCOUNT:
                self._accounts[case.platform].checked_at = None
        desk.problem = problem
        await self._note(case, problem)
        if error.fault is Fault.NO_SIGNAL:
            desk.signal, desk.signal_at = Signal(receiving=False, quality="none"), self._parts.now()
            await self._watch(case, desk)

    async def _note(self, case: Case, problem: Problem | None) -> None:
        def note(db: Database) -> None:
            row = rows.find_broadcast(db, case.session.id, case.platform)
            if row is not None and row.problem != problem:
                rows.note_problem(db, row, problem)

        await self._parts.store.write(note)

    async def _settle(self, case: Case) -> None:
        """Forget what kept a broadcast from following, now that it follows; what is only told stays."""

        def settle(db: Database) -> None:
            row = rows.find_broadcast(db, case.session.id, case.platform)
            if row is not None and row.problem is not None and row.problem.code not in _NOTES:
                rows.note_problem(db, row, None)

        await self._parts.store.write(settle)

    async def _check(self, slug: str, account: _Account) -> None:
        try:
            problems = tuple(await self._parts.platforms[slug].check())
        except PlatformError as error:
            problems = (problem_of(error),)
        except StreamhubError as error:
            LOG.warning("platform_check_failed platform=%s %s", slug, error)
            return
        except Exception:  # the job's boundary: the next check comes in its time
            LOG.exception("platform_check_failed platform=%s", slug)
            return
        for problem in problems:
            if problem not in account.problems:
                LOG.warning(
                    "platform_problem platform=%s code=%s %s", slug, problem.code, " ".join(say_problem(problem))
                )
        mended = bool(account.problems) and not problems
        account.problems = problems
        if mended:  # sessions that were refused need not wait for their next try
            self._wake_platform(slug)

    def _wake_platform(self, slug: str) -> None:
        for (_, platform), desk in self._desks.items():
            if platform == slug and desk.problem is not None:
                desk.woken = True
        self._woken.set()
