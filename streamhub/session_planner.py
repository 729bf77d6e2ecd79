"""The planner at work: reads what the hub knows, has a plan at once and a better one soon, and says why.

Owns what is computed where: looking things up and the greedy plan in a thread, the programme in the solver's process,
with a deadline; the page never waits long. What was worked out stays for the next look, so that another wish of the
same host is a small question. A solver's answer is checked against every rule before anybody sees it. Refuses to know
pages.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

from sqlite_utils import Database

from streamhub.errors import BadInput, Conflict, StreamhubError
from streamhub.planning_inputs import ASKER, LATELY, Engagement, Inputs, Known, make_inputs, with_wishes
from streamhub.schedule.appraising import Choice, appraise
from streamhub.schedule.board import Board
from streamhub.schedule.columns import adapt_columns, plan_columns
from streamhub.schedule.frame import Frame, read_frame, write_frame
from streamhub.schedule.greedy import plan_greedily
from streamhub.schedule.master import Master
from streamhub.schedule.people import LOAD_WINDOW
from streamhub.schedule.proposing import Plan, Problem, Proof
from streamhub.schedule.reasons import Hurting, Missing, Reasons, explain, find_hurting, list_missing
from streamhub.schedule.solver import Solver
from streamhub.schedule.usage import find_violations
from streamhub.store import demand as rows
from streamhub.store import invitations
from streamhub.store import people as people_rows
from streamhub.store.store import Store
from streamhub.timecode import Now
from streamhub.web.planner_views import Missed, Planned, PlannerView, Wishes

T = TypeVar("T")


class Work(Protocol):
    """Computes something elsewhere than on the event loop."""

    def __call__(self, fn: Callable[[], T], /) -> Awaitable[T]:
        """What the function returns."""


LOG = logging.getLogger(__name__)

LIMIT_S = 10.0
"""So long the solver looks for a better plan."""
PATIENCE_S = 1.0
"""So long a page waits for it before it shows the greedy plan."""
ROUNDS = 12
MOST_COLUMNS = 40_000
"""When wishes have let the columns grow to so many, the master is made anew."""


@dataclass(kw_only=True, slots=True, eq=False)
class _Base:
    """What is worked out of one problem without wishes.

    Attributes:
        inputs: the problem and what stands beside it.
        board: looked up.
        master: the programme, once somebody solved it.
        plans: by wishes: the best plan so far.
        working: by wishes: what improves it.
    """

    inputs: Inputs
    board: Board
    master: Master | None = None
    plans: dict[Wishes, Plan] = field(default_factory=dict)
    working: dict[Wishes, asyncio.Task[None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Why:
    """What is said beside a plan."""

    reasons: Sequence[Reasons]
    missing: Sequence[Missing]
    hurting: Sequence[Hurting]


class SessionPlanner:
    """The role `streamhub.web.services.Planner`; close it in the end.

    Args:
        store: the hub's data.
        solver: finds the best plan.
        now: the clock.
        zone: in which a host plans who has said nothing yet.
        limit_s, patience_s: see `LIMIT_S` and `PATIENCE_S`.
    """

    def __init__(
        self,
        store: Store,
        solver: Solver,
        *,
        now: Now,
        zone: str = "Europe/Berlin",
        limit_s: float = LIMIT_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._store, self._solver, self._now, self._zone = store, solver, now, zone
        self._limit_s, self._patience_s = limit_s, patience_s
        self._base: _Base | None = None
        self._turn, self._solving = asyncio.Lock(), asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="planner")

    @contextlib.asynccontextmanager
    async def keep(self) -> AsyncIterator[None]:
        """Be there while the block runs."""
        try:
            yield
        finally:
            await self.close()

    async def close(self) -> None:
        """Stop whatever is being worked out."""
        if self._base is not None:
            await _stop(self._base)
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def frame(self) -> Frame:
        """What hosts said last of how to plan; see the role."""
        text = await self._store.read(rows.load_frame)
        try:
            return read_frame(text) if text else Frame(zone=self._zone)
        except BadInput as error:
            LOG.warning("planner.frame_lost error=%s", error)
            return Frame(zone=self._zone)

    async def save_frame(self, frame: Frame, *, author: str) -> None:
        """Keep what a host says of how to plan; see the role."""
        at, text = self._now(), write_frame(frame)
        await self._store.write(lambda db: rows.save_frame(db, text, at=at, author=author))

    async def propose(self, wishes: Wishes) -> PlannerView:
        """The plan as it is by now, a better one being looked for; see the role."""
        frame = await self.frame()
        base, wishes = await self._find_base(frame, wishes)
        board = base.board.wish(wishes.pins, wishes.exclusions)
        if wishes not in base.plans:
            base.plans[wishes] = await self._work(partial(plan_at_once, board, list(base.plans.values())))
            base.working[wishes] = asyncio.create_task(self._improve(base, board, wishes), name="planner")
        working = base.working.get(wishes)
        if working is not None:
            await asyncio.wait([working], timeout=self._patience_s)
        plan = base.plans[wishes]
        why = await self._work(partial(_explain, board, plan))
        said = await self._store.read(partial(_describe, base=base, board=board, plan=plan, why=why))
        still = working is not None and not working.done()
        before = base.plans.get(Wishes()) if wishes != Wishes() else None
        return replace(said, frame=frame, wishes=wishes, working=still, before=before)

    async def find(self, wishes: Wishes, theme_id: str, slot_id: str) -> tuple[Frame, Planned]:
        """A session of the plan; see the role."""
        view = await self.propose(wishes)
        for one in view.planned:
            if (one.proposal.theme_id, one.proposal.slot_id) == (theme_id, slot_id):
                return view.frame, one
        raise Conflict(f"plan: no session about {theme_id} at {slot_id} any more", hint="look at the plan again")

    async def follow_up(self, session_id: str, one: Planned, *, author: str) -> None:
        """Keep which questions a session is planned for, and ask its people into it; see the role."""
        at = self._now()

        def save(db: Database) -> None:
            rows.save_planned(db, session_id, one.proposal.question_ids, at=at, author=author)
            known = {person.id: person for person in people_rows.list_people(db)}
            for key in (*one.proposal.expert_ids, *one.proposal.customer_ids):
                if key in known:
                    invitations.invite(db, session_id, key, known[key].role, at=at, author=author)

        await self._store.write(save)

    async def _find_base(self, frame: Frame, wishes: Wishes) -> tuple[_Base, Wishes]:
        """What is worked out of the problem as it is now, and the wishes that still mean something in it."""
        now = self._now()
        async with self._turn:
            known = await self._store.read(partial(_read, now=now))
            inputs = await self._work(partial(make_inputs, known, frame, now=now))
            if self._base is None or self._base.inputs != inputs:
                if self._base is not None:
                    await _stop(self._base)
                self._base = _Base(inputs=inputs, board=await self._work(partial(Board, inputs.problem)))
            pins, exclusions = with_wishes(inputs.problem, wishes.pins, wishes.exclusions)
            return self._base, Wishes(pins=tuple(pins), exclusions=tuple(exclusions))

    async def _improve(self, base: _Base, board: Board, wishes: Wishes) -> None:
        """Replace the greedy plan by a better one, if there is one; what goes wrong is logged and leaves it there."""
        async with self._solving:
            greedy = base.plans[wishes]
            try:
                plan = await self._solve(base, board, greedy)
            except StreamhubError as error:
                LOG.warning("planner.kept_greedy error=%s", error)
                return
            except Exception:  # a job's boundary: the greedy plan stays, whatever it was
                LOG.exception("planner.broke")
                base.master = None
                return
            if wrong := find_violations(board, plan):
                LOG.error("planner.wrong_plan violations=%s", len(wrong))
            elif (-len(plan.unmet), plan.value) >= (-len(greedy.unmet), greedy.value - 1e-6):
                base.plans[wishes] = plan

    async def _solve(self, base: _Base, board: Board, greedy: Plan) -> Plan:
        base.master = await self._work(partial(prepare, base.master, base.board, board, greedy))
        if not base.master.columns:
            return replace(greedy, proof=Proof.OPTIMAL, bound=greedy.value)
        return await find_best(board, base.master, self._solver, limit_s=self._limit_s, work=self._work)

    async def _work(self, fn: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, fn)


async def _stop(base: _Base) -> None:
    for task in base.working.values():
        task.cancel()
    await asyncio.gather(*base.working.values(), return_exceptions=True)


def plan_at_once(board: Board, others: Iterable[Plan] = ()) -> Plan:
    """The greedy plan, or a plan made under other wishes that is right under these, too, and worth more."""
    best = plan_greedily(board)
    for other in others:
        if other.proof is not Proof.GREEDY:
            plan = appraise(board, choices_of(other))
            if not find_violations(board, plan) and _rank(plan) > _rank(best):
                best = plan
    return best


def _rank(plan: Plan) -> tuple[int, float]:
    return -len(plan.unmet), plan.value


def choices_of(plan: Plan) -> list[Choice]:
    """The sessions of a plan."""
    return [Choice(theme_id=one.theme_id, slot_id=one.slot_id, expert_ids=one.expert_ids) for one in plan.proposals]


def prepare(master: Master | None, base: Board, board: Board, greedy: Plan) -> Master:
    """The programme of a problem under a host's wishes; the one that there is follows them.

    Args:
        master: the programme as it was; None: there is none yet.
        base: the problem without wishes.
        board: under them.
        greedy: a plan to begin with.
    """
    known = choices_of(greedy)
    if master is None or len(master.columns) > MOST_COLUMNS:
        master = Master(base, plan_columns(base))
    master.wish(board, adapt_columns(board, master.columns.values(), known), greedy)
    return master


async def find_best(board: Board, master: Master, solver: Solver, *, limit_s: float, work: Work) -> Plan:
    """The best plan over the columns of a programme, as far as the solver finds and proves it in time.

    Limits of experts that a solution breaks are added, and it is solved again; a plan that broke one in the end would
    be found out by `streamhub.schedule.usage.find_violations`.

    Raises:
        StreamhubError: the solver failed, or found nothing in time.
    """
    loop = asyncio.get_running_loop()
    until_s = loop.time() + limit_s
    for _ in range(ROUNDS):
        found = await solver.solve(master.programme, limit_s=max(0.2, until_s - loop.time()))
        choices = master.choices(found)
        if not await work(partial(master.add_broken, choices)):
            break
    plan = await work(partial(appraise, board, choices))
    bound = found.bound + master.pin_price * len(plan.unmet)
    known = bound - plan.value < master.pin_price / 2  # else a better plan might meet a pin more
    return replace(
        plan,
        proof=Proof.OPTIMAL if found.optimal else Proof.FEASIBLE,
        bound=max(bound, plan.value) if known else None,
        columns=len(master.columns),
    )


def _explain(board: Board, plan: Plan) -> _Why:
    return _Why(explain(board, plan), list_missing(board, plan), find_hurting(board, plan))


def _read(db: Database, now: datetime) -> Known:
    people = people_rows.list_people(db, active=True)
    since = now - max(LATELY, LOAD_WINDOW)
    seen = [
        Engagement(name=name, starts_at=begin, ends_at=end) for name, begin, end in rows.list_names(db, since=since)
    ]
    asked = rows.list_invited(db, since=since)
    seen += [Engagement(name="", person_id=key, starts_at=begin, ends_at=end) for key, begin, end in asked]
    return Known(
        asked=rows.list_asked_for(db),
        people=people,
        availability=people_rows.list_availability(db, people),
        engagements=seen,
        taken=rows.list_taken(db, since=now),
    )


def _describe(db: Database, base: _Base, board: Board, plan: Plan, why: _Why) -> PlannerView:
    """A plan with names, and with people counted once each."""
    problem: Problem = base.inputs.problem
    waiting = [one.id for theme in problem.themes for one in theme.wanted]
    planned = [
        Planned(
            proposal=one,
            theme=board.themes[one.theme_id],
            slot=board.slot[one.slot_id],
            experts=tuple(board.experts[key] for key in one.expert_ids),
            customers=tuple(board.customers[key] for key in one.customer_ids),
            by_name=tuple(board.customers[key].name for key in one.customer_ids if key.startswith(ASKER)),
            reasons=reasons,
            people=rows.count_askers(db, one.question_ids),
            waiting=rows.count_askers(db, [wanted.id for wanted in board.themes[one.theme_id].wanted]),
        )
        for one, reasons in zip(plan.proposals, why.reasons, strict=True)
    ]
    missed = [
        Missed(missing=one, theme=board.themes[one.theme_id], people=rows.count_askers(db, one.question_ids))
        for one in why.missing
    ]
    return PlannerView(
        plan=plan,
        problem=problem,
        planned=planned,
        missed=missed,
        hurting=[(one, rows.count_askers(db, one.question_ids)) for one in why.hurting],
        answered=rows.count_askers(db, [key for one in plan.proposals for key in one.question_ids]),
        waiting=rows.count_askers(db, [*waiting, *base.inputs.alone]),
        alone=len(base.inputs.alone),
    )
