"""When a series takes place: against a plain count of days, over thirty years and twenty zones, jumps included."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamhub.schedule.recurrence import find_fault, list_next, list_occurrences, plan_due, resolve_wall
from streamhub.schedule.series import Fate, Jump, Rhythm, Series, SeriesDate, SeriesFault

ZONES = (
    "Europe/Berlin", "Europe/London", "Europe/Lisbon", "Europe/Kyiv", "Atlantic/Azores", "America/New_York",
    "America/Sao_Paulo", "America/St_Johns", "America/Santiago", "America/Phoenix", "Africa/Casablanca", "Africa/Cairo",
    "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tokyo", "Asia/Gaza", "Australia/Lord_Howe", "Australia/Sydney",
    "Pacific/Chatham", "UTC",
)  # fmt: skip
NOW = datetime(2027, 1, 1, tzinfo=UTC)
DAYS = timedelta(days=1)


def make_series(**changes):
    given_ = {
        "show_id": "runde",
        "title": "Runde",
        "weekdays": frozenset({2}),
        "at": time(20, 15),
        "first_day": date(2027, 1, 1),
    }
    return Series(**{**given_, **changes})


def count_days(series, first, last):
    """The days of a rule by looking at each day there is: nothing of the code under test, and no calendar library."""
    monday = series.first_day - series.first_day.weekday() * DAYS
    day = first
    while day <= last:
        weeks = (day - monday).days // 7
        months = (day.year - series.first_day.year) * 12 + day.month - series.first_day.month
        nth = (day.day - 1) // 7 + 1
        is_last = (day + 7 * DAYS).month != day.month
        fits = (
            weeks % series.every == 0
            if series.rhythm is Rhythm.WEEKLY
            else months % series.every == 0 and (is_last if series.nth == -1 else nth == series.nth)
        )
        ends = series.last_day is not None and day > series.last_day
        if day >= series.first_day and not ends and day.weekday() in series.weekdays and fits:
            yield day
        day += DAYS


def search_instant(day, at, zone):
    """The instant of a wall clock's time, by asking the world's clock what the zone's shows then; never the reverse."""
    place, wall = ZoneInfo(zone), datetime.combine(day, at)
    around = wall.replace(tzinfo=UTC)
    offsets = {(around + hours * timedelta(hours=1)).astimezone(place).utcoffset() for hours in range(-30, 31, 6)}
    shown = [around - offset for offset in offsets]
    shown = sorted(one for one in shown if one.astimezone(place).replace(tzinfo=None) == wall)
    if shown:
        return shown[0], Jump.FOLD if len(shown) > 1 else Jump.NONE
    step, at_once = timedelta(minutes=1), around - timedelta(hours=16)
    while (
        at_once.astimezone(place).replace(tzinfo=None) < wall
    ):  # the first minute that is not before it: behind the gap
        at_once += step
    before = (at_once - step).astimezone(place).replace(tzinfo=None) + step
    return at_once + (wall - before), Jump.GAP


RULES = st.builds(
    make_series,
    rhythm=st.sampled_from(Rhythm),
    every=st.integers(1, 6),
    weekdays=st.frozensets(st.integers(0, 6), min_size=1, max_size=3),
    nth=st.sampled_from([-1, 1, 2, 3, 4]),
    at=st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45])),
    zone=st.sampled_from(ZONES),
    first_day=st.dates(date(2027, 1, 1), date(2030, 12, 31)),
    last_day=st.none() | st.dates(date(2031, 1, 1), date(2056, 12, 31)),
    pauses=st.frozensets(st.integers(1, 12), max_size=3),
)


@settings(max_examples=25, deadline=None)
@given(series=RULES)
def test_thirty_years_against_a_plain_count(series):
    """Over thirty years every date of a rule is there, in order, at the instant at which the zone's clock shows it."""
    since, until = datetime(2027, 1, 1, tzinfo=UTC), datetime(2057, 1, 1, tzinfo=UTC)
    found = list_occurrences(series, since=since, until=until)
    days = list(count_days(series, date(2026, 12, 30), date(2057, 1, 3)))
    expected = [(search_instant(day, series.at, series.zone), day) for day in days[:3] + days[-3:]]
    by_day = {one.day: one for one in found}
    inside = [day for day in days if date(2027, 1, 3) <= day <= date(2056, 12, 29)]
    assert [one.day for one in found if date(2027, 1, 3) <= one.day <= date(2056, 12, 29)] == inside
    for (instant, jump), day in expected:
        if since <= instant < until:
            assert (by_day[day].starts_at, by_day[day].jump) == (instant, jump)
    assert all((one.fate is Fate.PAUSE) is (one.day.month in series.pauses) for one in found)


@pytest.mark.parametrize("zone", ZONES)
def test_every_hour_around_every_jump(zone):
    """In every zone, around each jump of the clock in thirty years, half hours are told as a search tells them."""
    place, at = ZoneInfo(zone), datetime(2027, 1, 1, tzinfo=UTC)
    jumps = []
    while at.year < 2057:
        if at.astimezone(place).utcoffset() != (at + DAYS).astimezone(place).utcoffset():
            jumps.append(at.astimezone(place).date())
        at += DAYS
    for day in jumps[:6] + jumps[-6:]:
        for minutes in range(0, 2 * 24 * 60, 30):
            wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
            expected = search_instant(wall.date(), wall.time(), zone)
            assert resolve_wall(wall.date(), wall.time(), zone) == expected, wall


@pytest.mark.parametrize(
    ("day", "at", "zone", "instant", "jump"),
    [
        (date(2027, 3, 28), time(2, 30), "Europe/Berlin", datetime(2027, 3, 28, 1, 30, tzinfo=UTC), Jump.GAP),
        (date(2027, 10, 31), time(2, 30), "Europe/Berlin", datetime(2027, 10, 31, 0, 30, tzinfo=UTC), Jump.FOLD),
        (date(2027, 10, 3), time(2, 15), "Australia/Lord_Howe", datetime(2027, 10, 2, 15, 45, tzinfo=UTC), Jump.GAP),
        (date(2027, 4, 4), time(1, 45), "Australia/Lord_Howe", datetime(2027, 4, 3, 14, 45, tzinfo=UTC), Jump.FOLD),
        (date(2027, 2, 7), time(2, 30), "Africa/Casablanca", datetime(2027, 2, 7, 1, 30, tzinfo=UTC), Jump.FOLD),
        (date(2027, 3, 14), time(2, 30), "Africa/Casablanca", datetime(2027, 3, 14, 2, 30, tzinfo=UTC), Jump.GAP),
    ],
)  # fmt: skip
def test_gaps_and_folds_that_are_known(day, at, zone, instant, jump):
    """What the clock leaves out moves on by as much, and of what it shows twice the first is meant."""
    assert resolve_wall(day, at, zone) == (instant, jump)


def test_the_wall_clock_is_kept():
    """A show on Wednesdays at 20:15 in Berlin stays there when the clocks change, and its instant moves."""
    found = list_occurrences(
        make_series(), since=datetime(2027, 3, 20, tzinfo=UTC), until=datetime(2027, 4, 2, tzinfo=UTC)
    )
    assert [one.starts_at for one in found] == [
        datetime(2027, 3, 24, 19, 15, tzinfo=UTC),
        datetime(2027, 3, 31, 18, 15, tzinfo=UTC),
    ]


def test_holidays_and_pauses_are_left_out_by_name():
    """Public holidays are left out and named in the reader's language, paused months too, and both stay in the list."""
    series = make_series(weekdays=frozenset({3}), region="DE-BY", pauses=frozenset({6}))
    since, until = datetime(2027, 5, 1, tzinfo=UTC), datetime(2027, 7, 2, tzinfo=UTC)
    found = list_occurrences(series, since=since, until=until, language="de")
    told = {one.day: (one.fate, one.holiday) for one in found}
    assert told[date(2027, 5, 6)] == (Fate.HOLIDAY, "Christi Himmelfahrt")
    assert told[date(2027, 5, 27)] == (Fate.HOLIDAY, "Fronleichnam")
    assert told[date(2027, 6, 10)] == (Fate.PAUSE, "")
    assert told[date(2027, 7, 1)] == (Fate.RUNS, "")


def test_single_dates_are_moved_and_cancelled():
    """A moved date keeps its name and takes place elsewhere, even from beyond the stretch; a cancelled one does not."""
    moved = SeriesDate(day=date(2027, 2, 3), moved_to=datetime(2027, 1, 8, 18, tzinfo=UTC))
    cancelled = SeriesDate(day=date(2027, 1, 13), cancelled=True)
    stranger = SeriesDate(day=date(2027, 2, 4), moved_to=datetime(2027, 1, 9, 18, tzinfo=UTC))
    found = list_occurrences(
        make_series(), [moved, cancelled, stranger], since=NOW, until=datetime(2027, 1, 20, tzinfo=UTC)
    )
    assert [(one.day, one.fate) for one in found] == [
        (date(2027, 1, 6), Fate.RUNS),
        (date(2027, 2, 3), Fate.MOVED),
        (date(2027, 1, 13), Fate.CANCELLED),
    ]
    since, until = datetime(2027, 2, 1, tzinfo=UTC), datetime(2027, 2, 9, tzinfo=UTC)
    assert list_occurrences(make_series(), [moved], since=since, until=until) == []


def test_drafts_are_due_so_many_weeks_ahead():
    """What is due lies within the weeks of the rule, and what does not happen is not due."""
    series = make_series(ahead_weeks=2, region="DE")
    due = plan_due(series, [SeriesDate(day=date(2027, 1, 13), cancelled=True)], now=NOW)
    assert [one.day for one in due] == [date(2027, 1, 6)]


def test_next_dates_stop_at_the_last_that_happens():
    """So many dates that happen are listed, with what is left out between them, and nothing behind."""
    found = list_next(make_series(pauses=frozenset({1})), now=NOW, count=2)
    assert [one.fate for one in found] == [Fate.PAUSE] * 4 + [Fate.RUNS] * 2


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"weekdays": frozenset()}, SeriesFault.NO_WEEKDAY),
        ({"weekdays": frozenset({7})}, SeriesFault.NO_WEEKDAY),
        ({"every": 0}, SeriesFault.BAD_NUMBER),
        ({"nth": 5}, SeriesFault.BAD_NUMBER),
        ({"minutes": 0}, SeriesFault.BAD_NUMBER),
        ({"first_day": date(1, 1, 1)}, SeriesFault.BAD_NUMBER),
        ({"zone": "Mars/Base"}, SeriesFault.BAD_ZONE),
        ({"zone": "../etc/passwd"}, SeriesFault.BAD_ZONE),
        ({"zone": ""}, SeriesFault.BAD_ZONE),
        ({"region": "DE-XX"}, SeriesFault.BAD_REGION),
        ({"region": "Bayern"}, SeriesFault.BAD_REGION),
        ({"region": "DE-"}, SeriesFault.BAD_REGION),
        ({"last_day": date(2026, 12, 31)}, SeriesFault.ENDS_EARLY),
        ({"first_day": date(2026, 1, 1), "last_day": date(2026, 12, 1)}, SeriesFault.OVER),
        ({"pauses": frozenset(range(1, 13))}, SeriesFault.NEVER),
        ({"last_day": date(2027, 1, 2)}, SeriesFault.NEVER),
        ({}, None),
        ({"rhythm": Rhythm.MONTHLY, "nth": -1, "region": "DE-BY"}, None),
        ({"first_day": date(2099, 1, 1)}, None),
    ],
)  # fmt: skip
def test_rules_that_cannot_be(changes, fault):
    """A rule without a date, or of values that cannot be, is named for what is wrong with it."""
    assert find_fault(make_series(**changes), now=NOW) is fault
