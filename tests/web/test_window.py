"""The sliding window that guards votes and questions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streamhub.web.window import Windows


@given(
    limit=st.integers(1, 20),
    gaps_s=st.lists(st.floats(0.0, 90.0, allow_nan=False), max_size=60),
)
def test_never_more_than_two_limits_in_any_minute(limit: int, gaps_s: list[float]) -> None:
    """Whatever the rhythm, a key gets its limit in a quiet minute and never twice as much in any; others are apart."""
    at_s = 7.0
    windows = Windows(lambda: at_s)
    taken: list[float] = []
    for number, gap_s in enumerate(gaps_s):
        at_s += gap_s
        if windows.hit("a", limit):
            taken.append(at_s)
        recent = [one for one in taken if at_s - one < 60.0]
        assert len(recent) < 2 * limit or limit == 1
        assert windows.hit(("b", number), 1)
    at_s += 120.0
    assert [windows.hit("a", limit) for _ in range(limit + 1)] == [True] * limit + [False]


@given(limit=st.integers(1, 10), start_s=st.floats(0.0, 120.0), hits=st.integers(1, 40), pause_s=st.floats(0.0, 70.0))
def test_the_wait_is_true(limit: int, start_s: float, hits: int, pause_s: float) -> None:
    """Whoever waits as long as he is told gets in, and is told to wait at most a minute."""
    at_s = start_s
    windows = Windows(lambda: at_s)
    for _ in range(hits):
        windows.hit("a", limit)
    at_s += pause_s
    while windows.hit("a", limit):
        pass
    wait_s = windows.wait_s("a", limit)
    assert 0 < wait_s <= 60
    at_s += wait_s
    before = windows.wait_s("a", limit)
    at_s += before
    assert windows.hit("a", limit)
    assert before == 0 or wait_s == 60
