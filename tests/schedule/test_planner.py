"""The planner's plans: they keep every rule, are the best there is, and are never worse than the greedy one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamhub.errors import BadInput
from streamhub.schedule.board import Board
from streamhub.schedule.columns import adapt_columns, plan_columns
from streamhub.schedule.demand import Customer, Expert, Wanted
from streamhub.schedule.greedy import plan_greedily
from streamhub.schedule.proposing import Exclusion, Pin, Problem, Rules
from streamhub.schedule.usage import find_violations
from tests.schedule.planning import draw_problem, make_slot, make_wanted, solve, try_everything, worth

SEEDS = st.integers(0, 10**9)


@settings(deadline=None, max_examples=60)
@given(SEEDS)
def test_plans_keep_every_rule_and_the_solver_never_loses(seed: int) -> None:
    """Load limits, free times, panels, customers, the host's time and exclusions hold in both plans."""
    problem = draw_problem(seed)
    board = Board(problem)
    greedy, best, found = solve(problem)
    assert find_violations(board, greedy) == []
    assert find_violations(board, best) == []
    assert found.optimal
    assert worth(best) >= worth(greedy)


@settings(deadline=None, max_examples=25)
@given(SEEDS)
def test_the_best_of_everything(seed: int) -> None:
    """On a tiny problem, where every panel is a column, the solver's plan is what trying everything finds."""
    problem = draw_problem(seed, sessions=2)
    _, best, found = solve(problem)
    assert worth(best) == worth(try_everything(problem))
    assert found.bound >= best.value - 2 * 10**6 * len(best.unmet) - 1e-4


@settings(deadline=None, max_examples=40)
@given(SEEDS)
def test_other_wishes_are_as_good_as_asking_anew(seed: int) -> None:
    """The board and columns of a problem, adapted to other wishes, are those of the problem with these wishes."""
    problem = draw_problem(seed)
    plain = Board(replace(problem, pins=(), exclusions=()))
    columns = plan_columns(plain)
    adapted = plain.wish(problem.pins, problem.exclusions)
    anew = Board(problem)
    assert worth(plan_greedily(adapted)) == worth(plan_greedily(anew))
    assert {one.choice for one in adapt_columns(adapted, columns)} == {one.choice for one in plan_columns(anew)}


def small(**changes: object) -> Problem:
    """Two themes, two experts who know both, a customer for each, two evenings."""
    slots = (make_slot("s0"), make_slot("s1", days=8))
    both = frozenset({"s0", "s1"})
    problem = Problem(
        themes=(make_wanted("t0", 30, 20), make_wanted("t1", 5)),
        slots=slots,
        experts=tuple(Expert(id=key, name=key, knows={"t0": 2, "t1": 2}, free=both) for key in ("e0", "e1", "e2")),
        customers=tuple(Customer(id=f"k{one}", name="Kim", asked=frozenset({"t0", "t1"})) for one in range(4)),
        rules=Rules(sessions=2),
    )
    return replace(problem, **changes)  # type: ignore[arg-type]


def test_a_pin_is_honoured_though_it_costs() -> None:
    """A theme that is pinned to the first evening is there, although another one weighs more."""
    _, best, _ = solve(replace(small(), rules=Rules(sessions=1), pins=(Pin(theme_id="t1", slot_id="s0"),)))
    assert [(one.theme_id, one.slot_id) for one in best.proposals] == [("t1", "s0")]
    assert best.unmet == ()


def test_pins_that_cannot_be_are_said_and_the_rest_is_planned() -> None:
    """Two pins on one evening cannot both be met: one is, the other is named, and the plan keeps its rules."""
    pins = (Pin(theme_id="t0", slot_id="s0"), Pin(theme_id="t1", slot_id="s0"))
    greedy, best, found = solve(replace(small(), pins=pins))
    assert len(best.unmet) == len(greedy.unmet) == 1
    assert len(best.proposals) == 2
    assert found.optimal


def test_exclusions_hold() -> None:
    """An expert, an evening and a theme that the host does not want are in no plan."""
    for exclusion in (Exclusion(expert_id="e0"), Exclusion(slot_id="s0"), Exclusion(theme_id="t0")):
        _, best, _ = solve(replace(small(), exclusions=(exclusion,)))
        assert best.proposals
        for one in best.proposals:
            assert not exclusion.forbids(one.theme_id, one.slot_id)
            assert exclusion.expert_id not in one.expert_ids


def test_a_limit_over_weeks_is_kept() -> None:
    """Somebody who takes one session in four weeks is not planned on the last day of one and the first of the next."""
    slots = (make_slot("s0", days=6), make_slot("s1", days=6 + 27.5), make_slot("s2", days=6 + 28))
    experts = tuple(
        Expert(id=key, name=key, knows={"t0": 1, "t1": 1}, free=frozenset({"s0", "s1", "s2"}), most=1)
        for key in ("e0", "e1")
    )
    greedy, best, _ = solve(replace(small(), slots=slots, experts=experts))
    assert [one.slot_id for one in best.proposals] == ["s0", "s2"]
    assert worth(best) >= worth(greedy)


def test_what_is_booked_counts() -> None:
    """A session that somebody is in already keeps him from another one in the same week."""
    experts = tuple(replace(one, booked=(make_slot("x", days=2).starts_at,)) for one in small().experts)
    _, best, _ = solve(replace(small(), experts=experts))
    assert [one.slot_id for one in best.proposals] == ["s1"]


@pytest.mark.parametrize("empty", ["themes", "slots", "experts", "customers"])
def test_nothing_to_plan_with(empty: str) -> None:
    """Without questions, times, experts or customers the plan is empty, and proven so."""
    greedy, best, found = solve(replace(small(), **{empty: ()}))
    assert greedy.proposals == best.proposals == ()
    assert found.optimal


def test_absurd_problems_are_refused_in_words() -> None:
    """What cannot be is refused with a hint."""
    for make in (
        lambda: Rules(sessions=0),
        lambda: Rules(experts_least=5, experts_most=2),
        lambda: Rules(customers_least=-1),
        Exclusion,
        lambda: Wanted(id="q", people=1, age_days=float("nan")),
        lambda: small(slots=(make_slot("s0"), make_slot("s0"))),
        lambda: small(zone="Mars/Olympus"),
        lambda: Expert(id="e", name="E", knows={"t": 9}),
    ):
        with pytest.raises(BadInput) as caught:
            make()
        assert caught.value.hint
