"""The nouns of proposing sessions: the rules of a plan, what a host wishes, the plan and what it is worth.

A plan is some proposals, each a theme at a slot with a panel. Refuses to know how a plan is found.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from streamhub.errors import BadInput
from streamhub.schedule.demand import Customer, Expert, Slot, Theme
from streamhub.timecode import require_zone

MAX_SESSIONS = 30
MAX_SLOTS = 2_000
MAX_PANEL = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """What counts how much in a plan, in the unit of `streamhub.schedule.demand.Wanted.weight`.

    Attributes:
        skill: each step of an expert's skill.
        customer: each customer who comes.
        unsure: taken off for each expert who has not said whether he can.
        recent: taken off for each session that an expert was in lately.
        again: taken off for each further session of an expert in the same plan.
        delay: share of a session's demand that is lost with each week of waiting.
    """

    skill: float = 15.0
    customer: float = 10.0
    unsure: float = 5.0
    recent: float = 3.0
    again: float = 5.0
    delay: float = 0.01


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What must hold of a plan.

    Attributes:
        sessions: so many at most.
        questions: that one session answers.
        per_week: sessions in a calendar week at most.
        per_day: sessions on a day at most.
        per_theme: sessions about one theme at most.
        experts_least, experts_most: in a panel.
        customers_least, customers_most: in a panel.
        diverse: whether no two experts of a panel may be of one house.
        expert_per_week: sessions of one expert in a calendar week at most; 0: no limit.
        load_days: the window in which an expert's own limit counts.
        prices: what counts how much.
    """

    sessions: int = 8
    questions: int = 10
    per_week: int = 2
    per_day: int = 1
    per_theme: int = 2
    experts_least: int = 2
    experts_most: int = 4
    customers_least: int = 1
    customers_most: int = 2
    diverse: bool = True
    expert_per_week: int = 1
    load_days: int = 28
    prices: Prices = field(default_factory=Prices)

    def __post_init__(self) -> None:
        numbers = (self.questions, self.per_week, self.per_day, self.per_theme, self.load_days)
        if not 1 <= self.sessions <= MAX_SESSIONS or min(numbers) < 1 or self.expert_per_week < 0:
            raise BadInput(
                f"plan: {self.sessions} sessions, and limits of {numbers}",
                hint=f"plan 1 to {MAX_SESSIONS} sessions, with limits of 1 or more",
            )
        for what, least, most, floor in (
            ("experts", self.experts_least, self.experts_most, 1),
            ("customers", self.customers_least, self.customers_most, 0),
        ):
            if not floor <= least <= most <= MAX_PANEL:
                raise BadInput(f"plan: {least} to {most} {what}", hint=f"write {floor} to {MAX_PANEL}, fewest first")

    @property
    def load_window(self) -> timedelta:
        """The window in which an expert's own limit counts."""
        return timedelta(days=self.load_days)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """Something that a host wants in the plan.

    Attributes:
        theme_id: the theme; empty: any.
        slot_id: when; empty: any time.
        expert_ids: who is to be in that session; may be empty.
    """

    theme_id: str = ""
    slot_id: str = ""
    expert_ids: frozenset[str] = frozenset()

    def is_met_by(self, theme_id: str, slot_id: str, expert_ids: frozenset[str]) -> bool:
        """Whether a session is what is wanted."""
        fits = self.theme_id in {"", theme_id} and self.slot_id in {"", slot_id}
        return fits and self.expert_ids <= expert_ids


@dataclass(frozen=True, kw_only=True, slots=True)
class Exclusion:
    """Something that a host does not want: sessions that fit everything named here; at least one thing is named."""

    theme_id: str = ""
    slot_id: str = ""
    expert_id: str = ""

    def __post_init__(self) -> None:
        if not (self.theme_id or self.slot_id or self.expert_id):
            raise BadInput("exclusion: names nothing", hint="name a theme, a slot or an expert")

    def forbids(self, theme_id: str, slot_id: str) -> bool:
        """Whether it forbids a theme at a slot, whoever comes."""
        return not self.expert_id and self.theme_id in {"", theme_id} and self.slot_id in {"", slot_id}

    def keeps_out(self, theme_id: str, slot_id: str, expert_id: str) -> bool:
        """Whether it keeps an expert out of a theme at a slot."""
        fits = self.theme_id in {"", theme_id} and self.slot_id in {"", slot_id}
        return fits and self.expert_id == expert_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Everything that a plan is made from.

    Attributes:
        themes, slots, experts, customers: what there is; ids are unique in each.
        rules: what must hold.
        pins: what the host wants; as many of them as possible are met.
        exclusions: what the host does not want; they always hold.
        zone: in which weeks and days are counted.
    """

    themes: tuple[Theme, ...]
    slots: tuple[Slot, ...]
    experts: tuple[Expert, ...]
    customers: tuple[Customer, ...] = ()
    rules: Rules = field(default_factory=Rules)
    pins: tuple[Pin, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    zone: str = "Europe/Berlin"

    def __post_init__(self) -> None:
        require_zone(self.zone, what="plan")
        if len(self.slots) > MAX_SLOTS:
            raise BadInput(
                f"plan: {len(self.slots)} times to choose from", hint=f"offer at most {MAX_SLOTS}: fewer weeks or hours"
            )
        for what, things in (
            ("theme", self.themes),
            ("slot", self.slots),
            ("expert", self.experts),
            ("customer", self.customers),
        ):
            ids = [thing.id for thing in things]
            if len(set(ids)) < len(ids):
                raise BadInput(f"plan: a {what} stands twice in it", hint="use each id once")


@dataclass(frozen=True, kw_only=True, slots=True)
class Worth:
    """What a session of a plan is worth, in parts that add up.

    Attributes:
        demand: what its questions weigh.
        skill: what its experts know.
        customers: customers who come.
        unsure, fairness, delay: taken off: experts who have not said that they can; those who are in many sessions;
            waiting.
    """

    demand: float = 0.0
    skill: float = 0.0
    customers: float = 0.0
    unsure: float = 0.0
    fairness: float = 0.0
    delay: float = 0.0

    @property
    def total(self) -> float:
        """All of it."""
        return self.demand + self.skill + self.customers - self.unsure - self.fairness - self.delay


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """One session of a plan.

    Attributes:
        theme_id, slot_id: what and when.
        expert_ids, customer_ids: who, in order of their ids.
        question_ids: which questions it would answer.
        worth: what it is worth.
    """

    theme_id: str
    slot_id: str
    expert_ids: tuple[str, ...]
    customer_ids: tuple[str, ...]
    question_ids: tuple[str, ...]
    worth: Worth


class Proof(StrEnum):
    """How much is known about a plan's quality."""

    GREEDY = "greedy"
    FEASIBLE = "feasible"
    OPTIMAL = "optimal"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Some sessions.

    Attributes:
        proposals: in order of time.
        unmet: pins that it does not meet.
        proof: how good it is known to be.
        bound: no plan over the same columns is worth more; None: nobody knows.
        columns: how many sessions were weighed against each other; 0 for a greedy plan.
    """

    proposals: tuple[Proposal, ...] = ()
    unmet: tuple[Pin, ...] = ()
    proof: Proof = Proof.GREEDY
    bound: float | None = None
    columns: int = 0

    @property
    def value(self) -> float:
        """What it is worth."""
        return sum(one.worth.total for one in self.proposals)

    @property
    def gap(self) -> float | None:
        """By which share a better plan over the same columns could be worth more at most; None: nobody knows."""
        if self.bound is None:
            return None
        return max(0.0, self.bound - self.value) / max(1.0, abs(self.value))
