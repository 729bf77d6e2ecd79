"""Small problems for the planner's tests, and the best plan of a problem by trying everything."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

from streamhub.schedule.appraising import Choice, appraise
from streamhub.schedule.board import Board
from streamhub.schedule.columns import plan_columns
from streamhub.schedule.demand import Customer, Expert, Slot, Theme, Wanted, make_theme
from streamhub.schedule.greedy import plan_greedily
from streamhub.schedule.highs import _request, _Told
from streamhub.schedule.highs_solving import Bench
from streamhub.schedule.master import Master
from streamhub.schedule.programme import Found
from streamhub.schedule.proposing import Exclusion, Pin, Plan, Problem, Rules
from streamhub.schedule.usage import find_violations

MONDAY = datetime(2027, 3, 1, 8, tzinfo=UTC)


def make_slot(name: str, *, days: float = 0, hours: float = 0) -> Slot:
    return Slot(id=name, starts_at=MONDAY + timedelta(days=days, hours=hours))


def make_wanted(theme: str, *people: int) -> Theme:
    wanted = [Wanted(id=f"{theme}-{number}", people=count) for number, count in enumerate(people)]
    return make_theme(theme, title=f"Theme {theme}", wanted=wanted)


def draw_problem(seed: int, **rules: Any) -> Problem:
    """A tiny problem: few of everything, so that limits bite."""
    lot = random.Random(seed)
    slots = [make_slot(f"s{number}", days=lot.choice((0, 1, 3, 7, 8, 20, 29)), hours=number) for number in range(4)]
    themes = [make_wanted(f"t{one}", *(lot.randint(1, 40) for _ in range(lot.randint(0, 5)))) for one in range(3)]
    experts = []
    for number in range(5):
        free = frozenset(slot.id for slot in slots if lot.random() < 0.8)
        experts.append(
            Expert(
                id=f"e{number}",
                name=f"Expert {number}",
                house=lot.choice(("", "a", "b", "c")),
                knows={f"t{one}": lot.randint(1, 3) for one in range(3) if lot.random() < 0.7},
                free=free,
                unsure=frozenset(key for key in free if lot.random() < 0.2),
                booked=tuple(MONDAY + timedelta(days=day) for day in lot.sample((-20, -3, 2, 9), lot.randint(0, 1))),
                most=lot.randint(0, 2),
                rest_days=lot.choice((0, 0, 2, 8)),
                recent=lot.randint(0, 2),
            )
        )
    customers = [
        Customer(
            id=f"k{number}",
            name=f"Customer {number}",
            asked=frozenset(f"t{one}" for one in range(3) if lot.random() < 0.6),
            free=None if lot.random() < 0.3 else frozenset(slot.id for slot in slots if lot.random() < 0.7),
        )
        for number in range(3)
    ]
    chosen = {"sessions": lot.randint(1, 3), "questions": 2, "experts_most": 3, "per_day": lot.randint(1, 2), **rules}
    return Problem(
        themes=tuple(themes),
        slots=tuple(slots),
        experts=tuple(experts),
        customers=tuple(customers),
        rules=Rules(**chosen),
        pins=tuple(_draw_pins(lot)),
        exclusions=tuple(_draw_exclusions(lot)),
        zone=lot.choice(("Europe/Berlin", "Pacific/Auckland")),
    )


def _draw_pins(lot: random.Random) -> Iterator[Pin]:
    if lot.random() < 0.3:
        yield Pin(theme_id=f"t{lot.randrange(3)}", slot_id=lot.choice(("", f"s{lot.randrange(4)}")))
    if lot.random() < 0.2:
        yield Pin(theme_id=f"t{lot.randrange(3)}", expert_ids=frozenset({f"e{lot.randrange(5)}"}))


def _draw_exclusions(lot: random.Random) -> Iterator[Exclusion]:
    if lot.random() < 0.2:
        yield Exclusion(theme_id=f"t{lot.randrange(3)}", slot_id=lot.choice(("", f"s{lot.randrange(4)}")))
    if lot.random() < 0.2:
        yield Exclusion(expert_id=f"e{lot.randrange(5)}", theme_id=lot.choice(("", f"t{lot.randrange(3)}")))


def worth(plan: Plan) -> tuple[int, float]:
    """What plans are compared by: pins met first, then value."""
    return -len(plan.unmet), round(plan.value, 6)


def solve(problem: Problem) -> tuple[Plan, Plan, Found]:
    """The greedy plan, the solver's plan, and what the solver said of it; solved in this process."""
    board = Board(problem)
    greedy = plan_greedily(board)
    known = [Choice(theme_id=p.theme_id, slot_id=p.slot_id, expert_ids=p.expert_ids) for p in greedy.proposals]
    master, bench = Master(board, plan_columns(board, known)), Bench()
    master.wish(board, (), greedy)
    told = _Told(programme=master.programme)
    while True:
        answer = bench.solve(_request(master.programme, told, 30.0))
        assert not answer.get("failed"), answer
        found = Found(picked=tuple(answer["picked"]), bound=answer["bound"], optimal=answer["optimal"])
        choices = master.choices(found)
        if not master.add_broken(choices):
            return greedy, appraise(board, choices), found


def try_everything(problem: Problem) -> Plan:
    """The best plan, found by looking at every set of sessions with every panel there is."""
    board = Board(problem)
    sessions = [
        Choice(theme_id=theme.id, slot_id=slot.id, expert_ids=tuple(expert.id for expert in panel))
        for theme in problem.themes
        for slot in problem.slots
        for size in range(problem.rules.experts_least, problem.rules.experts_most + 1)
        for panel in combinations(sorted(problem.experts, key=lambda one: one.id), size)
        if theme.wanted and all(theme.id in expert.knows for expert in panel)
    ]
    possible = [one for one in sessions if _is_possible(board, [one])]
    best = appraise(board, [])
    grown: list[list[Choice]] = [[]]
    for _ in range(problem.rules.sessions):
        grown = [
            [*some, one]
            for some in grown
            for one in possible
            if (not some or possible.index(some[-1]) < possible.index(one)) and _is_possible(board, [*some, one])
        ]
        for some in grown:
            plan = appraise(board, some)
            if all(one.question_ids for one in plan.proposals) and worth(plan) > worth(best):
                best = plan
    return best


def _is_possible(board: Board, choices: list[Choice]) -> bool:
    plan = appraise(board, choices)
    return not find_violations(board, plan)
