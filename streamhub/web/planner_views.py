"""What hosts see of the planner: the plan with names and numbers, and what they wish of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from streamhub.schedule.demand import Customer, Expert, Slot, Theme
from streamhub.schedule.frame import Frame
from streamhub.schedule.proposing import Exclusion, Pin, Plan, Problem, Proposal
from streamhub.schedule.reasons import Hurting, Missing, Reasons


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """What a host wants and does not want in a plan."""

    pins: tuple[Pin, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """A proposed session.

    Attributes:
        proposal: the session.
        theme, slot, experts, customers: what, when and who.
        by_name: names of those customers whom the hub knows by a question alone, so that hosts ask them.
        reasons: why.
        people: who want the questions answered that it would answer.
        waiting: who want any question of its theme answered.
    """

    proposal: Proposal
    theme: Theme
    slot: Slot
    experts: Sequence[Expert]
    customers: Sequence[Customer]
    by_name: Sequence[str]
    reasons: Reasons
    people: int
    waiting: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Missed:
    """A theme in demand without a session, and how many people want its questions answered."""

    missing: Missing
    theme: Theme
    people: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannerView:
    """The plan as hosts see it.

    Attributes:
        plan: the plan.
        problem: what it was made from, wishes apart.
        planned, missed: its sessions, and themes that are in none.
        hurting: rules that keep it from more, with the people whose questions would be answered in addition.
        answered: people whose questions it answers.
        waiting: people who wait.
        alone: questions that belong to no theme.
        frame: what hosts said of how to plan.
        wishes: those that mean something by now.
        working: whether a better plan is being looked for.
        before: the plan without wishes, where there are some and it is known.
    """

    plan: Plan
    problem: Problem
    planned: Sequence[Planned] = ()
    missed: Sequence[Missed] = ()
    hurting: Sequence[tuple[Hurting, int]] = ()
    answered: int = 0
    waiting: int = 0
    alone: int = 0
    frame: Frame = field(default_factory=Frame)
    wishes: Wishes = field(default_factory=Wishes)
    working: bool = False
    before: Plan | None = None
