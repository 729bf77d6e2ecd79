"""Made-up companies for the planner: experts, customers, questions and slots, drawn with a seed.

The shape is that of `planner.md`: themes are asked for by Zipf's law, votes are Pareto, experts know one to four
themes and can on some hours of the week. Where experts are scarce, there are few of them and they can less often.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from streamhub.schedule.demand import Customer, Expert, Slot, Theme, Wanted, make_theme
from streamhub.schedule.proposing import Problem, Rules

BEGIN = datetime(2027, 3, 1, 8, tzinfo=UTC)  # a Monday
HOURS_A_DAY = 10


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A company's size."""

    name: str
    experts: int
    sessions: int
    share_free: float = 0.35
    themes: int = 60
    questions: int = 2_000
    customers: int = 300
    weeks: int = 10
    houses: int = 40


ABUNDANT = Shape(name="abundant", experts=200, sessions=8)
SCARCE = Shape(name="scarce", experts=60, sessions=16, share_free=0.09)
VERY_SCARCE = Shape(name="very scarce", experts=40, sessions=12, share_free=0.12)


def make_problem(shape: Shape, seed: int) -> Problem:
    """A company of a shape."""
    lot = random.Random(f"{shape.name} {seed}")
    slots = _slots(shape)
    customers = {f"k{number:03}": set[str]() for number in range(shape.customers)}
    return Problem(
        themes=_themes(shape, lot, customers),
        slots=slots,
        experts=_experts(shape, lot, slots),
        customers=tuple(
            Customer(
                id=key,
                name=f"Customer {key}",
                asked=frozenset(asked),
                free=frozenset(slot.id for slot in slots if lot.random() < 0.4),
            )
            for key, asked in customers.items()
        ),
        rules=Rules(sessions=shape.sessions),
    )


def _slots(shape: Shape) -> tuple[Slot, ...]:
    """Full hours of the working days of so many weeks."""
    hours = [
        BEGIN + timedelta(days=7 * week + day, hours=hour)
        for week in range(shape.weeks)
        for day in range(5)
        for hour in range(HOURS_A_DAY)
    ]
    return tuple(Slot(id=f"{at:%m-%dT%H}", starts_at=at) for at in hours)


def _themes(shape: Shape, lot: random.Random, customers: dict[str, set[str]]) -> tuple[Theme, ...]:
    odds = [1 / (rank + 1) for rank in range(shape.themes)]
    wanted: dict[int, list[Wanted]] = defaultdict(list)
    names = sorted(customers)
    for number in range(shape.questions):
        theme = lot.choices(range(shape.themes), odds)[0]
        votes = min(500, int(lot.paretovariate(1.2)) - 1)
        wanted[theme].append(Wanted(id=f"q{number:05}", people=1 + votes, age_days=lot.uniform(0, 120)))
        customers[lot.choice(names)].add(f"t{theme:02}")
    return tuple(
        make_theme(f"t{theme:02}", title=f"Theme {theme}", wanted=wanted[theme]) for theme in range(shape.themes)
    )


def _experts(shape: Shape, lot: random.Random, slots: tuple[Slot, ...]) -> tuple[Expert, ...]:
    experts = []
    for number in range(shape.experts):
        week = {(day, hour) for day in range(5) for hour in range(HOURS_A_DAY) if lot.random() < shape.share_free}
        away = {week_number for week_number in range(shape.weeks) if lot.random() < 0.2}
        free = [
            slot.id
            for slot in slots
            if (slot.starts_at - BEGIN).days // 7 not in away
            and (slot.starts_at.weekday(), slot.starts_at.hour - BEGIN.hour) in week
        ]
        known = lot.sample(range(shape.themes), lot.randint(1, 4))
        experts.append(
            Expert(
                id=f"e{number:03}",
                name=f"Expert {number}",
                house=f"h{lot.randrange(shape.houses):02}",
                knows={f"t{theme:02}": lot.randint(1, 3) for theme in known},
                free=frozenset(free),
                unsure=frozenset(key for key in free if lot.random() < 0.1),
                most=lot.randint(1, 3),
                rest_days=lot.choice((0, 0, 0, 3, 7)),
                recent=lot.randint(0, 3),
            )
        )
    return tuple(experts)
