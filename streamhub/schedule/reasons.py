"""Why a plan is as it is: for each session, for each theme that is not in it, and which rule hurts most. Pure.

Reasons are values; the words are the page's. Other plans that are asked for here are greedy ones: they are there at
once, and what they gain is at least what could be gained.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from streamhub.schedule.board import Board, Pair
from streamhub.schedule.demand import Theme
from streamhub.schedule.greedy import plan_greedily
from streamhub.schedule.proposing import Plan, Problem, Proposal
from streamhub.schedule.usage import Usage

MOST_MISSING = 8
MOST_HURTING = 3
_NOTHING = 0.005


@dataclass(frozen=True, kw_only=True, slots=True)
class DayLoss:
    """What a session would lose on another day of the week.

    Attributes:
        weekday: 0 is Monday.
        share: of its worth; None: on that day it cannot be at all.
    """

    weekday: int
    share: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reasons:
    """Why a session is proposed.

    Attributes:
        only: experts who know its theme, where there is hardly a choice; empty where there is one.
        days: what it would lose on other days of the week that the host offers, least first.
        oldest_days: how long the oldest of its questions has waited.
        unsure: experts in it who have not said that they can.
        first: experts in it who were in no session lately.
    """

    only: tuple[str, ...]
    days: tuple[DayLoss, ...]
    oldest_days: int
    unsure: tuple[str, ...]
    first: tuple[str, ...]


class Why(StrEnum):
    """Why a theme in demand is not in a plan."""

    NO_EXPERT = "no_expert"
    FEW_EXPERTS = "few_experts"
    ONE_HOUSE = "one_house"
    NO_CUSTOMER = "no_customer"
    EXCLUDED = "excluded"
    KEPT_OUT = "kept_out"
    NO_TIME = "no_time"
    CROWDED = "crowded"
    LESS = "less"

    @property
    def recruits(self) -> bool:
        """Whether somebody who knows it should be won."""
        return self in {Why.NO_EXPERT, Why.FEW_EXPERTS, Why.ONE_HOUSE}


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """A theme in demand that a plan has no session about.

    Attributes:
        theme_id: which.
        why: the first thing that is in its way.
        question_ids: that its next session would answer.
        experts: names of those who know it, best first.
    """

    theme_id: str
    why: Why
    question_ids: tuple[str, ...]
    experts: tuple[str, ...]


class Family(StrEnum):
    """A family of rules that a plan keeps."""

    PER_WEEK = "per_week"
    PER_DAY = "per_day"
    PER_THEME = "per_theme"
    EXPERT_PER_WEEK = "expert_per_week"
    LOAD = "load"
    REST = "rest"
    HOUSES = "houses"
    PANEL = "panel"
    CUSTOMERS = "customers"
    FREE = "free"


@dataclass(frozen=True, kw_only=True, slots=True)
class Hurting:
    """A family of rules without which there would be more.

    Attributes:
        family: which.
        sessions: so many more.
        pins: so many more pins met.
        question_ids: answered in addition.
    """

    family: Family
    sessions: int
    pins: int
    question_ids: tuple[str, ...]


def explain(board: Board, plan: Plan) -> list[Reasons]:
    """The reasons for each session of a plan, in its order."""
    return [_explain(board, plan, one) for one in plan.proposals]


def _explain(board: Board, plan: Plan, one: Proposal) -> Reasons:
    knowers, experts = board.knowers[one.theme_id], [board.experts[key] for key in one.expert_ids]
    scarce = len(knowers) <= board.rules.experts_least
    ages = {wanted.id: wanted.age_days for wanted in board.themes[one.theme_id].wanted}
    return Reasons(
        only=tuple(expert.name for expert in knowers) if scarce else (),
        days=tuple(_list_days(board, plan, one)),
        oldest_days=int(max((ages[key] for key in one.question_ids), default=0)),
        unsure=tuple(expert.name for expert in experts if one.slot_id in expert.unsure),
        first=tuple(expert.name for expert in experts if not expert.recent),
    )


def _list_days(board: Board, plan: Plan, one: Proposal) -> list[DayLoss]:
    """What a session would lose on other days, everything else left as it is; what loses nothing is left out."""
    usage = _usage_of(board, [other for other in plan.proposals if other is not one])
    best: dict[int, float] = {}
    own_day, own = board.day[one.slot_id].weekday(), one.worth.demand + one.worth.skill - one.worth.delay
    own -= one.worth.unsure + board.rules.prices.recent * sum(board.experts[key].recent for key in one.expert_ids)
    less = board.gain(one.theme_id, 0) - one.worth.demand
    for pair in board.pairs(one.theme_id):
        weekday = board.day[pair.slot_id].weekday()
        if weekday != own_day and usage.fits_slot(pair.slot_id) and pair.value - less > best.get(weekday, 0.0):
            panel = _panel(board, usage, pair)
            if panel is not None:
                value = pair.value - less - sum(seat.points for seat in pair.panel) + panel
                best[weekday] = max(best.get(weekday, 0.0), value)
    offered = {board.day[slot.id].weekday() for slot in board.slots} - {own_day}
    days = [DayLoss(weekday=day, share=1 - best[day] / own if day in best else None) for day in sorted(offered)]
    kept = [day for day in days if day.share is None or day.share > _NOTHING]
    return sorted(kept, key=lambda day: (day.share is None, day.share or 0.0))


def _panel(board: Board, usage: Usage, pair: Pair) -> float | None:
    """The points of the best panel of those who still can; None where there is none."""
    seats = [seat for seat in pair.seats if usage.fits_expert(seat.expert, pair.slot_id)]
    panel = board.best_panel(seats, most=board.rules.experts_most)
    return sum(seat.points for seat in panel) if panel else None


def _usage_of(board: Board, proposals: Iterable[Proposal]) -> Usage:
    usage = Usage(board)
    for one in proposals:
        experts = [board.experts[key] for key in one.expert_ids]
        usage.add(one.theme_id, one.slot_id, experts, one.customer_ids)
    return usage


def list_missing(board: Board, plan: Plan) -> list[Missing]:
    """The themes in demand that a plan has no session about, those first that most hangs on."""
    planned = {one.theme_id for one in plan.proposals}
    usage = _usage_of(board, plan.proposals)
    themes = [theme for theme in board.themes.values() if theme.id not in planned and theme.wanted]
    themes.sort(key=lambda theme: (-board.gain(theme.id, 0), theme.id))
    return [
        Missing(
            theme_id=theme.id,
            why=_find_why(board, usage, theme),
            question_ids=board.question_ids(theme.id, 0),
            experts=tuple(expert.name for expert in board.knowers[theme.id]),
        )
        for theme in themes[:MOST_MISSING]
    ]


def _find_why(board: Board, usage: Usage, theme: Theme) -> Why:
    return _find_people_missing(board, theme) or _find_times_missing(board, usage, theme)


def _find_people_missing(board: Board, theme: Theme) -> Why | None:
    """What is in a theme's way whatever the time; None: nothing."""
    rules, knowers = board.rules, board.knowers[theme.id]
    if not knowers:
        return Why.NO_EXPERT
    if len(knowers) < rules.experts_least:
        return Why.FEW_EXPERTS
    houses = {expert.house or expert.id for expert in knowers}
    return Why.ONE_HOUSE if rules.diverse and len(houses) < rules.experts_least else None


def _find_times_missing(board: Board, usage: Usage, theme: Theme) -> Why:
    if board.slots and not any(board.is_open(theme.id, slot.id) for slot in board.slots):
        return Why.EXCLUDED
    if board.slots and not any(board.has_customers(theme.id, slot.id) for slot in board.slots):
        return Why.NO_CUSTOMER
    pairs = board.pairs(theme.id)
    if not pairs:
        return Why.KEPT_OUT if board.wish(board.problem.pins, ()).pairs(theme.id) else Why.NO_TIME
    open_pairs = [pair for pair in pairs if usage.fits_slot(pair.slot_id)]
    return Why.LESS if any(_panel(board, usage, pair) is not None for pair in open_pairs) else Why.CROWDED


def find_hurting(board: Board, plan: Plan) -> list[Hurting]:
    """Which rules, each for itself, keep a plan from more sessions or from pins; those that hurt most first.

    Nothing where the plan has as many sessions as were wanted and meets every pin.
    """
    if len(plan.proposals) >= board.rules.sessions and not plan.unmet:
        return []
    planned = {key for one in plan.proposals for key in one.question_ids}
    found = []
    for family in Family:
        relaxed = relax(board.problem, family)
        if relaxed == board.problem:
            continue
        other = plan_greedily(Board(relaxed))
        answered = [key for one in other.proposals for key in one.question_ids]
        more = Hurting(
            family=family,
            sessions=len(other.proposals) - len(plan.proposals),
            pins=len(plan.unmet) - len(other.unmet),
            question_ids=tuple(key for key in answered if key not in planned),
        )
        if more.pins > 0 or (more.pins == 0 and more.sessions > 0):
            found.append(more)
    found.sort(key=lambda one: (-one.pins, -one.sessions, -len(one.question_ids)))
    return found[:MOST_HURTING]


def relax(problem: Problem, family: Family) -> Problem:
    """The problem without a family of rules."""
    rules, experts = problem.rules, problem.experts
    everywhere = frozenset(slot.id for slot in problem.slots)
    changed: dict[Family, Problem] = {
        Family.PER_WEEK: replace(problem, rules=replace(rules, per_week=max(rules.per_week, 7))),
        Family.PER_DAY: replace(problem, rules=replace(rules, per_day=max(rules.per_day, 3))),
        Family.PER_THEME: replace(problem, rules=replace(rules, per_theme=max(rules.per_theme, rules.sessions))),
        Family.EXPERT_PER_WEEK: replace(problem, rules=replace(rules, expert_per_week=0)),
        Family.LOAD: replace(problem, experts=tuple(replace(one, most=0) for one in experts)),
        Family.REST: replace(problem, experts=tuple(replace(one, rest_days=0) for one in experts)),
        Family.HOUSES: replace(problem, rules=replace(rules, diverse=False)),
        Family.PANEL: replace(problem, rules=replace(rules, experts_least=1)),
        Family.CUSTOMERS: replace(problem, rules=replace(rules, customers_least=0)),
        Family.FREE: replace(problem, experts=tuple(replace(one, free=everywhere) for one in experts)),
    }
    return changed[family]
