"""The run of show: what the clock says, whatever was started, finished, moved or forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.errors import BadInput, Conflict, NotFound
from streamhub.schedule.rundown import (
    MAX_TOPICS,
    Rundown,
    Topic,
    add_topic,
    advance,
    change_topic,
    finish_topic,
    follow_topics,
    make_topic,
    move_topic,
    plan_times,
    remove_topic,
    reset_topic,
    start_topic,
)
from streamhub.schedule.show import Session

START = datetime(2027, 3, 2, 19, 15, tzinfo=UTC)
SESSION = Session(id="2027-03-02-netz", show_id="netz", title="Netz", starts_at=START)
LIVE = replace(SESSION, started_at=START)

minutes = st.lists(st.integers(1, 60), min_size=1, max_size=8)
seconds = st.integers(0, 7200)


def rundown_of(planned: list[int]) -> Rundown:
    topics = tuple(Topic(id=f"t{n}", title=f"Thema {n}", planned_minutes=m) for n, m in enumerate(planned))
    return Rundown(session_id=SESSION.id, topics=topics)


def after(whole_s: int) -> datetime:
    return START + timedelta(seconds=whole_s)


def pressed(planned: list[int], presses: list[int]) -> tuple[Rundown, datetime]:
    """A run of show on which the one key was pressed, so many seconds apart each time."""
    rundown, at = rundown_of(planned), START
    for wait_s in presses[: len(planned)]:
        at += timedelta(seconds=wait_s)
        rundown = advance(rundown, at=at)
    return rundown, at


pressings = st.tuples(minutes, st.lists(st.integers(0, 4000), max_size=8))


@given(minutes)
def test_to_the_minute_is_on_time(planned: list[int]) -> None:
    """Whoever starts each topic when the last one's time is up is never late and ends as planned."""
    rundown, at = rundown_of(planned), START
    for topic in rundown.topics:
        rundown = advance(rundown, at=at)
        assert plan_times(rundown, LIVE, now=at).late_ms == 0
        at += topic.planned
    times = plan_times(advance(rundown, at=at), LIVE, now=at)
    assert (times.late_ms, times.end_at) == (0, START + timedelta(minutes=sum(planned)))
    assert {one.late_ms for one in times.topics} == {0}


@given(pressings, seconds)
def test_nothing_ends_before_now_while_something_is_left(pressing: tuple[list[int], list[int]], wait_s: int) -> None:
    """The projected end is not in the past as long as a topic runs or waits."""
    rundown, at = pressed(*pressing)
    now = at + timedelta(seconds=wait_s)
    if rundown.running or rundown.upcoming:
        assert plan_times(rundown, LIVE, now=now).end_at >= now


@given(pressings, seconds, seconds)
def test_waiting_never_makes_it_earlier(pressing: tuple[list[int], list[int]], first_s: int, more_s: int) -> None:
    """As time goes by with no key pressed, the projected end and the lateness never shrink."""
    rundown, at = pressed(*pressing)
    early = plan_times(rundown, LIVE, now=at + timedelta(seconds=first_s))
    late = plan_times(rundown, LIVE, now=at + timedelta(seconds=first_s + more_s))
    assert late.end_at >= early.end_at
    assert late.late_ms >= early.late_ms


@given(pressings, seconds, st.integers(1, 60))
def test_one_more_topic_costs_its_minutes(pressing: tuple[list[int], list[int]], wait_s: int, more: int) -> None:
    """A topic added at the end moves projected and planned end by its minutes, while something runs or waits."""
    rundown, at = pressed(*pressing)
    now = at + timedelta(seconds=wait_s)
    before = plan_times(rundown, LIVE, now=now)
    times = plan_times(add_topic(rundown, Topic(id="new", title="Neu", planned_minutes=more)), LIVE, now=now)
    assert times.planned_end_at - before.planned_end_at == timedelta(minutes=more)
    if rundown.running or rundown.upcoming:
        assert times.end_at - before.end_at == timedelta(minutes=more)


@given(pressings, seconds, st.integers(0, 7), st.integers(-8, 8))
def test_order_of_what_waits_changes_no_end(
    pressing: tuple[list[int], list[int]], wait_s: int, place: int, by: int
) -> None:
    """Moving a topic loses and doubles none, and the projected end stays."""
    rundown, at = pressed(*pressing)
    now = at + timedelta(seconds=wait_s)
    chosen = rundown.topics[place % len(rundown.topics)]
    moved = move_topic(rundown, chosen.id, by=by)
    assert sorted(moved.topics, key=lambda t: t.id) == sorted(rundown.topics, key=lambda t: t.id)
    assert plan_times(moved, LIVE, now=now).end_at == plan_times(rundown, LIVE, now=now).end_at


@given(pressings)
def test_topics_follow_each_other(pressing: tuple[list[int], list[int]]) -> None:
    """At most one topic runs, and each ends when the next one begins."""
    rundown, _ = pressed(*pressing)
    assert sum(topic.running for topic in rundown.topics) <= 1
    begun = [topic for topic in rundown.topics if topic.started_at]
    for one, following in pairwise(begun):
        assert one.finished_at == following.started_at


@given(pressings, st.integers(0, 7))
def test_a_mistake_can_be_taken_back(pressing: tuple[list[int], list[int]], place: int) -> None:
    """A topic that was started by mistake waits again; starting it then is starting it for the first time."""
    rundown, at = pressed(*pressing)
    chosen = rundown.topics[place % len(rundown.topics)]
    reset = reset_topic(rundown, chosen.id)
    assert reset.topic(chosen.id).waiting
    assert start_topic(reset, chosen.id, at=at).topic(chosen.id).started_at == at


def test_late_and_early_are_told() -> None:
    """Three minutes over are three minutes late, and a short topic wins them back."""
    rundown = advance(rundown_of([10, 10, 5]), at=START)
    times = plan_times(rundown, LIVE, now=after(13 * 60))
    assert (times.late_ms, times.running_left_ms) == (180_000, -180_000)
    rundown = advance(rundown, at=after(13 * 60))
    assert plan_times(rundown, LIVE, now=after(13 * 60)).late_ms == 180_000
    rundown = advance(rundown, at=after(18 * 60))
    times = plan_times(rundown, LIVE, now=after(18 * 60))
    assert times.late_ms == -120_000
    assert [one.late_ms for one in times.topics] == [180_000, -120_000, -120_000]


def test_a_late_start_is_late() -> None:
    """Going live four minutes after the announced time is four minutes late; a trial run the day before is not."""
    live = replace(SESSION, started_at=after(240))
    assert plan_times(rundown_of([10]), live, now=after(240)).late_ms == 240_000
    trial = replace(SESSION, started_at=START - timedelta(days=1))
    assert plan_times(rundown_of([10]), trial, now=START - timedelta(days=1)).late_ms == 0


def test_before_the_show_all_is_as_planned() -> None:
    """Before the session everything waits for its announced start; once that is past, for now."""
    times = plan_times(rundown_of([10, 5]), SESSION, now=START - timedelta(hours=3))
    assert [one.start_at for one in times.topics] == [START, after(600)]
    assert times.late_ms == 0
    assert plan_times(rundown_of([10, 5]), SESSION, now=after(300)).late_ms == 300_000


def test_a_question_starts_its_topic() -> None:
    """With the switch on, a question on a topic that waits starts it; what runs, is done or is unknown stays."""
    by_hand = rundown_of([10, 10])
    assert follow_topics(by_hand, ["Thema 1"], at=START) is by_hand
    rundown = replace(by_hand, automatic=True)
    assert follow_topics(rundown, ["Anderes"], at=START) is rundown
    first = follow_topics(rundown, ["etwas", "thema 0"], at=START)
    assert first.running is not None
    assert first.running.id == "t0"
    assert follow_topics(first, ["Thema 0"], at=after(60)) is first
    second = follow_topics(first, ["Thema 1"], at=after(60))
    assert second.topic("t0").finished_at == after(60)
    assert follow_topics(second, ["Thema 0"], at=after(90)) is second


def test_what_cannot_be_done_is_said() -> None:
    """A topic that somebody took out, a list that is full, minutes that cannot be, and a key with nothing left."""
    rundown = rundown_of([10])
    done = finish_topic(advance(rundown, at=START), "t0", at=after(5))
    for deed in (
        lambda: advance(done, at=after(9)),
        lambda: add_topic(rundown_of([1] * MAX_TOPICS), rundown.topics[0]),
    ):
        with pytest.raises(Conflict):
            deed()
    with pytest.raises(NotFound):
        start_topic(remove_topic(rundown, "t0"), "t0", at=START)
    for title, planned in (("", 5), ("x" * 200, 5), ("Netz", 0), ("Netz", 10_000)):
        with pytest.raises(BadInput):
            make_topic("t9", title=title, planned_minutes=planned, speaker="")


def test_changing_keeps_what_was() -> None:
    """A new title, length and speaker leave untouched when a topic began; a finished one goes on when started again."""
    rundown = finish_topic(advance(rundown_of([10]), at=START), "t0", at=after(60))
    typed = make_topic("t0", title=" Neues  Netz ", planned_minutes=20, speaker="Ada")
    changed = change_topic(rundown, typed).topic("t0")
    assert (changed.title, changed.planned_minutes, changed.speaker) == ("Neues Netz", 20, "Ada")
    assert (changed.started_at, changed.finished_at) == (START, after(60))
    again = start_topic(rundown, "t0", at=after(90)).topic("t0")
    assert (again.started_at, again.finished_at) == (START, None)
