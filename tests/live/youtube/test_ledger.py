"""The ledger of the quota: days of California, priorities, restarts."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streamhub.config import YoutubeSettings
from streamhub.errors import Fault, PlatformError
from streamhub.live.problem import ProblemCode
from streamhub.live.quota import Budget, Priority
from streamhub.live.youtube.ledger import DEFAULT_COSTS, Ledger, make_budget, parse_costs
from streamhub.live.youtube.report import Line, day_json, plan_day, plan_today, say_day
from streamhub.schedule.show import Session
from streamhub.store.store import Store

PACIFIC = ZoneInfo("America/Los_Angeles")
NOON = datetime(2027, 3, 2, 20, 0, tzinfo=UTC)  # noon in California
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC))
SPRING = datetime(2027, 3, 14, 9, 59, 59, tzinfo=UTC)  # clocks go forward in California a second later
AUTUMN = datetime(2027, 11, 7, 8, 59, 59, tzinfo=UTC)  # and back, a second after this


class Clock:
    """A clock that a test sets."""

    def __init__(self, instant=NOON):
        self.instant = instant

    def __call__(self):
        return self.instant


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def store(tmp_path):
    async with Store.open(tmp_path / "hub.sqlite3", now=lambda: datetime.now(UTC)) as store:
        yield store


def session(hours, minutes=60, name="netz"):
    return Session(
        id=f"2027-03-02-{name}",
        show_id="netz",
        title="Netz",
        starts_at=NOON + timedelta(hours=hours),
        planned_minutes=minutes,
    )


async def spend_all(ledger, priority):
    for _ in range(101):
        await ledger.spend("x", priority)


async def test_calls_are_counted_by_their_costs(store, clock):
    """Each call adds its units to the day; the sums can be read by call."""
    ledger = Ledger(store, make_budget(YoutubeSettings()), clock)
    await ledger.spend("liveBroadcasts.insert", Priority.TRANSITION)
    await ledger.spend("liveChatMessages.list", Priority.CHAT)
    await ledger.spend("liveChatMessages.list", Priority.CHAT)
    assert await ledger.used() == 60
    assert await ledger.spent() == [
        {"call": "liveBroadcasts.insert", "calls": 1, "units": 50},
        {"call": "liveChatMessages.list", "calls": 2, "units": 10},
    ]
    assert await ledger.left(Priority.TRANSITION) == 9940
    assert await ledger.left(Priority.CHAT) == 9340


async def test_the_unimportant_is_refused_first(store, clock):
    """Statistics stop before chat, chat before captions, captions before going live; each says when to come back."""
    ledger = Ledger(store, Budget(units=1000, reserve=300, costs={"x": 10}), clock)
    stopped_at = {}
    for priority in (Priority.STATISTICS, Priority.CHAT, Priority.CAPTIONS):
        with pytest.raises(PlatformError) as refused:
            await spend_all(ledger, priority)
        stopped_at[priority] = await ledger.used()
        assert refused.value.fault is Fault.QUOTA
        assert refused.value.code == ProblemCode.QUOTA_USED_UP
        assert refused.value.retry_at == datetime(2027, 3, 3, 8, 0, tzinfo=UTC)
    assert stopped_at == {
        Priority.STATISTICS: 100,
        Priority.CHAT: 400,
        Priority.CAPTIONS: 700,
    }


async def test_our_own_count_keeps_nobody_from_going_live(store, clock):
    """The costs of going live are a guess, so a day that we count as spent still lets a broadcast start and end."""
    ledger = Ledger(store, Budget(units=100, reserve=10, costs={"x": 50}), clock)
    for _ in range(5):
        await ledger.spend("x", Priority.TRANSITION)
    assert await ledger.used() == 250
    with pytest.raises(PlatformError):
        await ledger.spend("x", Priority.CAPTIONS)


async def test_a_restart_forgets_nothing(tmp_path, clock):
    """What was spent stands after the store was closed and opened again."""
    path = tmp_path / "hub.sqlite3"
    budget = make_budget(YoutubeSettings())
    async with Store.open(path, now=clock) as store:
        await Ledger(store, budget, clock).spend("captions.insert", Priority.CAPTIONS)
    async with Store.open(path, now=clock) as store:
        assert await Ledger(store, budget, clock).used() == 400


async def test_many_at_once_cannot_overspend(store, clock):
    """Calls that are counted at the same time share what is left, to the unit."""
    ledger = Ledger(store, Budget(units=100, reserve=0, costs={"x": 7}), clock)
    results = await asyncio.gather(*(ledger.spend("x", Priority.CHAT) for _ in range(40)), return_exceptions=True)
    assert sum(result is None for result in results) == 14
    assert await ledger.used() == 98


async def test_the_platform_is_believed(store, clock):
    """When the platform says that the day is over, nothing goes any more, until the next day."""
    ledger = Ledger(store, make_budget(YoutubeSettings()), clock)
    await ledger.spend("videos.list", Priority.STATISTICS)
    await ledger.used_up()
    assert await ledger.left(Priority.TRANSITION) == 0
    with pytest.raises(PlatformError):
        await ledger.spend("liveBroadcasts.transition", Priority.TRANSITION)
    clock.instant = NOON + timedelta(hours=12, seconds=1)
    await ledger.spend("liveBroadcasts.transition", Priority.TRANSITION)
    assert await ledger.used() == 50


async def test_the_day_changes_at_midnight_in_california(store, clock):
    """A second before midnight there belongs to the old day, midnight to the new one."""
    ledger = Ledger(store, make_budget(YoutubeSettings()), clock)
    clock.instant = datetime(2027, 3, 3, 7, 59, 59, tzinfo=UTC)
    await ledger.spend("captions.insert", Priority.CAPTIONS)
    assert ledger.refusal().retry_at == datetime(2027, 3, 3, 8, 0, tzinfo=UTC)
    clock.instant = datetime(2027, 3, 3, 8, 0, tzinfo=UTC)
    assert await ledger.used() == 0


@given(INSTANTS)
@example(SPRING)
@example(SPRING + timedelta(seconds=1))
@example(AUTUMN)
@example(AUTUMN + timedelta(seconds=1))
@example(AUTUMN + timedelta(hours=1))
def test_the_next_day_is_the_first_moment_of_it(at):
    """Until the next day there are at most 25 hours; a moment before it is still today, it itself is tomorrow."""
    budget = Budget()
    next_at = budget.next_day_at(at)
    today = budget.day(at)
    assert timedelta(0) < next_at - at <= timedelta(hours=25)
    assert budget.day(next_at - timedelta(microseconds=1)) == today
    assert budget.day(next_at) == today + timedelta(days=1)
    assert next_at.astimezone(PACIFIC).strftime("%H:%M:%S") == "00:00:00"


@given(INSTANTS, st.integers(0, 10_000), st.sampled_from(list(Priority)))
def test_what_is_left_never_grows_with_unimportance(at, used, priority):
    """A less important call never may spend more than a more important one."""
    budget = Budget()
    assert 0 <= budget.left(used, priority) <= budget.left(used, Priority.TRANSITION) <= budget.units
    assert budget.day(at) in {at.date(), at.date() - timedelta(days=1)}


def test_the_days_of_changing_clocks():
    """The day on which clocks go forward has 23 hours, the one on which they go back 25."""
    budget = Budget()
    for day, hours in ((date(2027, 3, 14), 23), (date(2027, 11, 7), 25), (date(2027, 6, 1), 24)):
        begin = datetime(day.year, day.month, day.day, tzinfo=PACIFIC).astimezone(UTC)
        assert budget.next_day_at(begin) - begin == timedelta(hours=hours)


def test_settings_override_costs():
    """Costs in the settings stand over ours, call by call."""
    assert parse_costs("captions.insert=450  videos.list=2") == {"captions.insert": 450, "videos.list": 2}
    budget = make_budget(YoutubeSettings(costs="liveBroadcasts.insert=100", daily_units=20_000, reserve_units=500))
    assert budget.cost("liveBroadcasts.insert") == 100
    assert budget.cost("liveBroadcasts.bind") == 50
    assert budget.cost("somethingNew.list") == 1
    assert (budget.units, budget.reserve) == (20_000, 500)


def test_a_day_of_weekly_shows_with_chat_fits(clock):
    """Three sessions of an hour and a half with chat and two caption tracks stay inside 10,000 units."""
    budget = make_budget(YoutubeSettings())
    sessions = [session(hours, 90, name) for hours, name in ((1, "a"), (4, "b"), (8, "c"))]
    plan = plan_day(budget, (), sessions, at=NOON, languages=2)
    assert plan.left >= 0
    assert plan.used + sum(line.units for line in plan.planned) + plan.chat_units + plan.left == 10_000
    assert plan.chat_minutes == 3 * 120
    assert plan.chat_interval_s >= 15.0
    assert plan.chat_units <= budget.left(0, Priority.CHAT)


def test_the_plan_leaves_out_what_is_done_and_what_is_another_day(clock):
    """Sessions of tomorrow and those that are over cost today nothing; planned broadcasts are not planned again."""
    budget = make_budget(YoutubeSettings())
    sessions = [session(-5, 60, "over"), session(30, 60, "tomorrow"), session(2, 60, "today")]
    plan = plan_day(budget, (), sessions, at=NOON, there=frozenset({"2027-03-02-today"}))
    assert {line.session_id for line in plan.planned} == {"2027-03-02-today"}
    assert "plan" not in {line.what for line in plan.planned}
    assert plan.chat_minutes == 90


def test_looking_costs_what_the_rules_of_looking_say():
    """Ten minutes before the start and for the whole hour: 80 looks at broadcast and stream, 180 at the signal."""
    plan = plan_day(make_budget(YoutubeSettings()), (), [session(1)], at=NOON)
    looking = next(line for line in plan.planned if line.what == "looking at state and signal")
    assert (looking.calls, looking.units) == (340, 340)


def test_a_day_that_does_not_suffice_says_so(clock):
    """When the sessions to come cost more than is left, the plan shows it and the chat gets nothing."""
    spent = (Line(what="captions.insert", units=9_800, calls=24),)
    plan = plan_day(make_budget(YoutubeSettings()), spent, [session(1)], at=NOON)
    assert plan.left < 0
    assert plan.chat_units == 0
    assert "does not suffice" in say_day(plan)[-1]


async def test_today_is_read_from_the_ledger(store, clock):
    """The printed plan shows what was spent by call, what is to come by session, and when the day ends."""
    ledger = Ledger(store, make_budget(YoutubeSettings()), clock)
    await ledger.spend("liveBroadcasts.insert", Priority.TRANSITION)
    plan = await plan_today(ledger, [session(1)], now=clock)
    text = "\n".join(say_day(plan))
    assert "50 of 10000 units are spent; the day ends at 2027-03-03 08:00 UTC" in text
    assert "liveBroadcasts.insert (1 calls)" in text
    assert "still to come: 2027-03-02-netz" in text
    assert "chat: 90 min, a look every 15 s" in text
    report = day_json(plan)
    assert report["left"] == plan.left
    assert report["ends_at"] == "2027-03-03T08:00:00.000Z"
    assert sum(line["units"] for line in report["planned"]) == sum(line.units for line in plan.planned)


def test_every_cost_is_of_a_call_that_exists():
    """The table of costs names calls of the bundled description alone."""
    import json

    from streamhub.live.youtube.client import rewrite_document

    resources = json.loads(rewrite_document("http://127.0.0.1:1/"))["resources"]
    for call in DEFAULT_COSTS:
        family, _, method = call.partition(".")
        assert method in resources[family]["methods"], call
