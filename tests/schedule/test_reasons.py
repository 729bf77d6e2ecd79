"""Why a plan is as it is: reasons for sessions, for missing themes, and for plans that are too small; and the slots."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamhub.errors import BadInput
from streamhub.schedule.board import Board
from streamhub.schedule.demand import Customer, Expert
from streamhub.schedule.frame import Frame, plan_slots, read_frame, write_frame
from streamhub.schedule.greedy import plan_greedily
from streamhub.schedule.proposing import Exclusion, Pin, Problem, Rules
from streamhub.schedule.reasons import Family, Why, explain, find_hurting, list_missing, relax
from tests.schedule.planning import draw_problem, make_slot, make_wanted

BOTH = frozenset({"s0", "s1"})


def make_problem(**changes: object) -> Problem:
    """A theme with two experts and a customer, a Monday and a Tuesday eight days later."""
    experts = tuple(Expert(id=key, name=f"Dr. {key}", knows={"t0": 2}, free=BOTH) for key in ("e0", "e1"))
    problem = Problem(
        themes=(make_wanted("t0", 30, 20),),
        slots=(make_slot("s0"), make_slot("s1", days=8)),
        experts=experts,
        customers=(Customer(id="k0", name="Kim", asked=frozenset({"t0"})),),
        rules=Rules(sessions=1),
    )
    return replace(problem, **changes)  # type: ignore[arg-type]


def test_a_session_says_who_alone_knows_it_and_what_other_days_lose() -> None:
    """Two experts are named where a panel needs two, and a later Tuesday loses the share that waiting costs."""
    board = Board(make_problem())
    plan = plan_greedily(board)
    (reasons,) = explain(board, plan)
    assert set(reasons.only) == {"Dr. e0", "Dr. e1"}
    (day,) = reasons.days
    assert day.weekday == 1
    assert day.share is not None
    assert 0.005 < day.share < 0.02
    assert set(reasons.first) == {"Dr. e0", "Dr. e1"}


def test_a_day_on_which_it_cannot_be_is_said() -> None:
    """Where an expert cannot on the Tuesday, the session is not possible then."""
    experts = tuple(replace(one, free=frozenset({"s0"})) for one in make_problem().experts)
    board = Board(make_problem(experts=experts))
    (reasons,) = explain(board, plan_greedily(board))
    assert [(day.weekday, day.share) for day in reasons.days] == [(1, None)]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"experts": ()}, Why.NO_EXPERT),
        ({"experts": make_problem().experts[:1]}, Why.FEW_EXPERTS),
        ({"experts": tuple(replace(one, house="w") for one in make_problem().experts)}, Why.ONE_HOUSE),
        ({"customers": ()}, Why.NO_CUSTOMER),
        ({"exclusions": (Exclusion(theme_id="t0"),)}, Why.EXCLUDED),
        ({"exclusions": (Exclusion(expert_id="e0"),)}, Why.KEPT_OUT),
        ({"experts": tuple(replace(one, free=frozenset()) for one in make_problem().experts)}, Why.NO_TIME),
    ],
)
def test_a_theme_that_is_missing_says_what_is_in_its_way(changes: dict[str, object], why: Why) -> None:
    """The first obstacle is named; who should be won is a matter of experts alone."""
    board = Board(make_problem(**changes))
    (missing,) = list_missing(board, plan_greedily(board))
    assert missing.why is why
    assert why.recruits is (why in {Why.NO_EXPERT, Why.FEW_EXPERTS, Why.ONE_HOUSE})


def test_crowded_out_or_worth_less() -> None:
    """A second theme with the same experts is crowded out in their week, and worth less where there is room."""
    themes = (*make_problem().themes, make_wanted("t1", 1))
    experts = tuple(replace(one, knows={"t0": 2, "t1": 2}) for one in make_problem().experts)
    customers = (Customer(id="k0", name="Kim", asked=frozenset({"t0", "t1"})),)
    roomy = Board(make_problem(themes=themes, experts=experts, customers=customers))
    assert [one.why for one in list_missing(roomy, plan_greedily(roomy))] == [Why.LESS]
    narrow = Board(make_problem(themes=themes, experts=experts, customers=customers, slots=(make_slot("s0"),)))
    assert [one.why for one in list_missing(narrow, plan_greedily(narrow))] == [Why.CROWDED]


@pytest.mark.parametrize(
    ("changes", "family"),
    [
        ({"experts": tuple(replace(one, house="w") for one in make_problem().experts)}, Family.HOUSES),
        ({"customers": ()}, Family.CUSTOMERS),
        ({"experts": make_problem().experts[:1]}, Family.PANEL),
        ({"experts": tuple(replace(one, free=frozenset()) for one in make_problem().experts)}, Family.FREE),
        (
            {
                "rules": Rules(sessions=2, questions=1),
                "customers": tuple(Customer(id=f"k{n}", name="K", asked=frozenset({"t0"})) for n in range(2)),
                "experts": tuple(replace(one, most=1) for one in make_problem().experts),
            },
            Family.LOAD,
        ),
    ],
)
def test_the_rule_that_hurts_is_named(changes: dict[str, object], family: Family) -> None:
    """Without that rule there is a session more."""
    board = Board(make_problem(**changes))
    hurting = find_hurting(board, plan_greedily(board))
    assert (family, 1) in [(one.family, one.sessions) for one in hurting]


def test_a_pin_that_cannot_be_names_its_rule() -> None:
    """A pinned theme with one expert: a smaller panel would meet the wish."""
    board = Board(make_problem(experts=make_problem().experts[:1], pins=(Pin(theme_id="t0"),)))
    plan = plan_greedily(board)
    assert len(plan.unmet) == 1
    assert [(one.family, one.pins) for one in find_hurting(board, plan)] == [(Family.PANEL, 1)]


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**9))
def test_everything_is_explained_whatever_the_problem(seed: int) -> None:
    """Reasons exist for each session, a theme is planned or missing, and relaxing a rule only makes room."""
    problem = draw_problem(seed)
    board = Board(problem)
    plan = plan_greedily(board)
    assert len(explain(board, plan)) == len(plan.proposals)
    planned = {one.theme_id for one in plan.proposals}
    missing = {one.theme_id for one in list_missing(board, plan)}
    assert planned | missing == {theme.id for theme in problem.themes if theme.wanted}
    assert not planned & missing
    assert all(one.sessions > 0 or one.pins > 0 for one in find_hurting(board, plan))
    for family in Family:
        relaxed = relax(problem, family)
        assert {one.id for one in relaxed.experts} == {one.id for one in problem.experts}


def test_slots_follow_the_wall_clock() -> None:
    """A time that the clock leaps over is left out, one after it keeps its hour, what is taken is not offered."""
    now = datetime(2027, 3, 24, 12, tzinfo=UTC)
    frame = Frame(weekdays=(6, 0), times=("02:30", "20:15"), lead_days=0, weeks=1)
    slots = plan_slots(frame, now=now)
    assert [one.id for one in slots] == [
        "2027-03-28T18:15:00.000Z",
        "2027-03-29T00:30:00.000Z",
        "2027-03-29T18:15:00.000Z",
    ]
    taken = [(slots[0].starts_at + timedelta(minutes=59), slots[0].ends_at + timedelta(hours=1))]
    assert [one.id for one in plan_slots(frame, now=now, taken=taken)] == [one.id for one in slots[1:]]
    assert read_frame(write_frame(frame)) == frame


@pytest.mark.parametrize(
    "wrong",
    [
        {"weekdays": ()}, {"weekdays": (7,)}, {"times": ()}, {"times": ("24:00",)}, {"times": ("x",)}, {"weeks": 0},
        {"lead_days": -1}, {"minutes": 0}, {"zone": "Mars/Olympus"}, {"sessions": 0}, {"experts_least": 5},
        {"weekdays": tuple(range(7)), "times": tuple(f"{hour:02d}:00" for hour in range(24)), "weeks": 52},
    ],
)  # fmt: skip
def test_impossible_frames_are_refused(wrong: dict[str, object]) -> None:
    """What cannot be planned with is refused with a hint."""
    with pytest.raises(BadInput) as caught:
        Frame(**wrong)  # type: ignore[arg-type]
    assert caught.value.hint
    with pytest.raises(BadInput):
        read_frame('{"weekdays": 3}')
