"""Events: a programme by day in the event's zone, what overlaps, and pre-shows that never come round to themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.errors import BadInput
from streamhub.schedule.event import Event, find_overlaps, leads_back, plan_programme
from streamhub.schedule.show import Session, SessionState

EVENT = Event(id="tage", show_id="runde", title="Netztage", zone="Asia/Tokyo")
AT = datetime(2027, 3, 2, 12, tzinfo=UTC)


def session(number: int, after: timedelta = timedelta(), minutes: int = 60) -> Session:
    return Session(
        id=f"s-{number}",
        show_id="runde",
        title=f"S {number}",
        starts_at=AT + after,
        planned_minutes=minutes,
        state=SessionState.OPEN,
    )


def test_the_days_are_those_of_the_events_zone() -> None:
    """Late in Berlin is the next day in Tokyo, and the programme says so."""
    found = plan_programme(EVENT.zone, [session(3, timedelta(hours=4)), session(1), session(2, timedelta(hours=2))])
    assert [(one.day, [s.id for s in one.sessions]) for one in found] == [
        (date(2027, 3, 2), ["s-1", "s-2"]),
        (date(2027, 3, 3), ["s-3"]),
    ]


@given(st.lists(st.tuples(st.integers(0, 600), st.integers(1, 300)), max_size=8))
def test_overlaps_are_those_that_share_a_moment(plan: list[tuple[int, int]]) -> None:
    """A pair overlaps when some minute is in both; each pair is told once, and what is called off never."""
    sessions = [session(n, timedelta(minutes=begin), length) for n, (begin, length) in enumerate(plan)]
    minutes = {one.id: set(range(plan[n][0], plan[n][0] + plan[n][1])) for n, one in enumerate(sessions)}
    shared = {
        frozenset((one.id, other.id))
        for one in sessions
        for other in sessions
        if one.id != other.id and minutes[one.id] & minutes[other.id]
    }
    found = [frozenset((one.id, other.id)) for one, other in find_overlaps(sessions)]
    assert len(found) == len(set(found))
    assert set(found) == shared
    off = [replace(one, state=SessionState.CANCELLED) for one in sessions]
    assert find_overlaps(off) == []


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("abcdef"), max_size=6),
    st.sampled_from("abcdef"),
    st.sampled_from("abcdef"),
)
def test_no_pre_show_comes_round_to_itself(chain: dict[str, str], one: str, goal: str) -> None:
    """Following what goes before what from a goal never meets the pre-show, else it is told; it always ends."""
    at, met = goal, False
    for _ in range(10):
        met = met or at == one
        at = chain.get(at, "")
    assert leads_back(chain, one, goal) is met


@pytest.mark.parametrize("wrong", [{"title": " "}, {"zone": "Berlin"}, {"id": "a b"}, {"language": "fr"}])
def test_events_that_cannot_be(wrong: dict[str, str]) -> None:
    """An event without title, with an unknown zone or language is refused."""
    with pytest.raises(BadInput):
        replace(EVENT, **wrong)
