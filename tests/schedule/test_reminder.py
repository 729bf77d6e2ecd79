"""The ladder of reminders: which rungs a start has, and what becomes of each whenever it is looked at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.schedule.reminder import (
    ALARMS,
    REMINDED,
    Outcome,
    Reminder,
    Rung,
    decide_outcome,
    plan_ladder,
    plan_nudge,
)
from streamhub.schedule.show import Session, SessionState

START = datetime(2027, 3, 28, 18, 15, tzinfo=UTC)  # the day on which Berlin's clocks go forward
SESSION = Session(id="2027-03-28-netz", show_id="netz", title="Netz", starts_at=START, state=SessionState.OPEN)
near = st.integers(-10 * 86_400, 2 * 86_400).map(lambda seconds: START + timedelta(seconds=seconds))


def test_the_ladder() -> None:
    """A week, a day, an hour and five minutes, counted in true time also where the wall clock jumps in between."""
    ladder = plan_ladder(SESSION, now=START - timedelta(days=30))
    assert [one.due_at for one in ladder] == [START - before for before in ALARMS]
    assert [one.stale_at for one in ladder] == [*(START - before for before in ALARMS[1:]), START]
    assert {one.outcome for one in ladder} == {Outcome.WAITING}


@pytest.mark.parametrize(
    ("before", "left_out"),
    [
        (timedelta(days=8), set()),
        (timedelta(days=7), {Rung.WEEK}),
        (timedelta(hours=23), {Rung.WEEK, Rung.DAY}),
        (timedelta(minutes=6), {Rung.WEEK, Rung.DAY, Rung.HOUR}),
        (timedelta(minutes=-6), set(Rung)),
    ],
)
def test_what_is_planned_late_leaves_out_what_has_passed(before: timedelta, left_out: set[Rung]) -> None:
    """A session that is planned for tomorrow reminds nobody of next week."""
    ladder = plan_ladder(SESSION, now=START - before)
    assert {one.rung for one in ladder if one.outcome is Outcome.LATE} == left_out
    assert {one.rung for one in ladder if one.outcome is Outcome.WAITING} == set(Rung) - left_out


@given(
    rung=st.sampled_from(Rung), now=near, state=st.sampled_from(SessionState), moved=st.booleans(), off=st.booleans()
)
def test_never_early_never_stale_never_untrue(
    rung: Rung, now: datetime, state: SessionState, moved: bool, off: bool
) -> None:
    """A rung tells between its moment and the next one's, about the start that it was planned for, and else nothing."""
    reminder = Reminder(session_id=SESSION.id, starts_at=START, rung=rung)
    session = replace(SESSION, state=state, starts_at=START + timedelta(hours=moved))
    outcome = decide_outcome(reminder, session, now=now, off=off)
    fits = reminder.due_at <= now < reminder.stale_at and state in REMINDED and not moved and not off
    assert (outcome is Outcome.TOLD) is fits
    assert (outcome is Outcome.WAITING) is (now < reminder.due_at)


@given(now=near)
def test_at_most_one_rung_tells_at_a_time(now: datetime) -> None:
    """After a downtime, however long, one reminder goes out and not all that were missed."""
    ladder = [Reminder(session_id=SESSION.id, starts_at=START, rung=rung) for rung in Rung]
    told = [one for one in ladder if decide_outcome(one, SESSION, now=now, off=False) is Outcome.TOLD]
    assert len(told) == (START - timedelta(weeks=1) <= now < START)


@given(outcome=st.sampled_from([one for one in Outcome if one is not Outcome.WAITING]), now=near, off=st.booleans())
def test_what_was_decided_stays(outcome: Outcome, now: datetime, off: bool) -> None:
    """However the clock is set afterwards, forward or back, a rung is decided once."""
    reminder = Reminder(session_id=SESSION.id, starts_at=START, rung=Rung.DAY, outcome=outcome, at=START)
    assert decide_outcome(reminder, SESSION, now=now, off=off) is outcome


@given(asked=near)
def test_who_is_silent_is_reminded_before_the_start(asked: datetime) -> None:
    """After three days at the latest, and always between the asking and the start."""
    if asked < START:
        due_at = plan_nudge(asked, START)
        assert asked < due_at < START
        assert due_at <= asked + timedelta(days=3)
