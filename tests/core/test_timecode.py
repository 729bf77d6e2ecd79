"""Times: notation and arithmetic."""

import itertools
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.errors import BadInput
from streamhub.timecode import (
    Span,
    add_ms,
    format_clock,
    format_instant,
    format_ms,
    merge_spans,
    ms_between,
    parse_instant,
    parse_ms,
    require_zone,
)  # fmt: skip

milliseconds = st.integers(min_value=0, max_value=100 * 3600 * 1000)
instants = st.datetimes(
    min_value=datetime(1971, 1, 1),
    max_value=datetime(2100, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)


@given(milliseconds)
def test_notation_and_reading_are_inverse(ms: int) -> None:
    """Any time that is written can be read back to the millisecond."""
    assert parse_ms(format_ms(ms)) == ms


@pytest.mark.parametrize(
    ("text", "ms"),
    [("0:05", 5000), ("01:02.5", 62500), ("1:00:00,25", 3600250), (" 12:03 ", 723000), ("99:59", 5999000)],
)
def test_people_may_write_times_in_several_ways(text: str, ms: int) -> None:
    """Hours and fractions may be left out, and a comma stands for the point."""
    assert parse_ms(text) == ms


@pytest.mark.parametrize("text", ["", "5", "1:60", "1:60:00", "-0:05", "0:05.1234", "a:b", "1:2:3:4"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """A text that is no time is refused with the notation that is wanted."""
    with pytest.raises(BadInput, match="MM:SS"):
        parse_ms(text)


def test_times_for_people_are_short() -> None:
    """People see no milliseconds and no empty hours."""
    assert [format_clock(ms) for ms in (0, 65_999, 3_725_000)] == ["0:00", "1:05", "1:02:05"]


@given(instants)
def test_instants_survive_to_the_millisecond(instant: datetime) -> None:
    """An instant written and read back differs by less than a millisecond, and is in UTC."""
    back = parse_instant(format_instant(instant))
    assert abs(back - instant) < timedelta(milliseconds=1)
    assert back.tzinfo is UTC


@given(instants, st.integers(min_value=-(10**9), max_value=10**9))
def test_adding_and_measuring_agree(instant: datetime, ms: int) -> None:
    """What is added is what lies between, daylight saving or not."""
    assert ms_between(instant, add_ms(instant, ms)) == ms


def test_an_instant_without_a_zone_is_refused() -> None:
    """Nobody knows which instant a time without a zone is."""
    with pytest.raises(BadInput, match="zone"):
        parse_instant("2027-03-02T20:15:00")


@given(st.lists(st.tuples(milliseconds, st.integers(min_value=0, max_value=10_000))))
def test_merged_spans_cover_the_same_and_touch_not(pairs: list[tuple[int, int]]) -> None:
    """Merging keeps every covered millisecond and leaves no two spans that touch."""
    spans = [Span(start, start + length) for start, length in pairs]
    merged = merge_spans(spans)
    assert all(any(big.start_ms <= s.start_ms and s.end_ms <= big.end_ms for big in merged) for s in spans)
    assert all(a.end_ms < b.start_ms for a, b in itertools.pairwise(merged))


def test_a_span_never_runs_backwards() -> None:
    """An end before its start is refused."""
    with pytest.raises(BadInput):
        Span(5, 4)


def test_an_unknown_zone_is_refused() -> None:
    """A zone that does not exist is refused with an example of one that does."""
    with pytest.raises(BadInput, match="Europe/Berlin"):
        require_zone("Mars/Olympus", what="session x")
