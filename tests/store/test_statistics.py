"""Figures against plain counting: whatever was asked, answered, spared and judged, the sums are right."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from streamhub.live.mark import Mark, MarkKind
from streamhub.questions.question import Question, QuestionState
from streamhub.schedule.show import Session, Show
from streamhub.store import marks, questions, shows
from streamhub.store.migrations import STORE_MIGRATIONS
from streamhub.store.rows import insert
from streamhub.store.statistics import ANSWERED, Figures, Grouping, Scope, count_figures
from streamhub.timecode import format_instant

Q = QuestionState
START = datetime(2027, 2, 27, 12, 0, tzinfo=UTC)
SESSIONS = {"s-1": "netz", "s-2": "netz", "s-3": "strom"}
TOPICS = ("Ausbau", "Verträge", "Größe & Maß")


@dataclass
class Asked:
    """A question of the model."""

    session: str
    day: int
    state: QuestionState
    topics: tuple[str, ...]
    votes: int
    wait_s: int | None
    verdicts: tuple[str, ...]
    deflected: int
    stories: int
    name: str = field(default="")

    @property
    def answered_s(self) -> int | None:
        return self.wait_s if self.state in ANSWERED and self.wait_s is not None and self.wait_s >= 0 else None


asked = st.builds(
    Asked,
    session=st.sampled_from(sorted(SESSIONS)),
    day=st.integers(0, 9),
    state=st.sampled_from([state for state in Q if state is not Q.ON_AIR]),
    topics=st.lists(st.sampled_from(TOPICS), unique=True, max_size=3).map(tuple),
    votes=st.integers(0, 5),
    wait_s=st.none() | st.integers(-100, 500_000),
    verdicts=st.lists(st.sampled_from(["yes", "partly", "no"]), max_size=3).map(tuple),
    deflected=st.integers(0, 3),
    stories=st.integers(0, 2),
)


def fill(everything: list[Asked]) -> Database:
    db = Database(memory=True)
    for migration in STORE_MIGRATIONS:
        db.executescript(migration.sql)
    for show in sorted(set(SESSIONS.values())):
        shows.save_show(db, Show(id=show, title=show.title()))
    for session, show in SESSIONS.items():
        shows.save_session(db, Session(id=session, show_id=show, title=session.upper(), starts_at=START))
    for number, one in enumerate(everything):
        one.name, at = f"q{number}", START + timedelta(days=one.day)
        questions.insert_question(
            db,
            Question(
                id=one.name,
                session_id=one.session,
                text="?",
                state=one.state,
                asked_at=at,
                votes=one.votes,
                topics=one.topics,
                products=one.topics[:1],
            ),
        )
        if one.wait_s is not None:
            aired = Mark(
                session_id=one.session,
                question_id=one.name,
                kind=MarkKind.ON_AIR,
                at=at + timedelta(seconds=one.wait_s),
            )
            marks.insert_mark(db, aired)
        for person, helped in enumerate(one.verdicts):
            row = {"question_id": one.name, "person": str(person), "helped": helped, "reason": ""}
            insert(db, "verdicts", {**row, "at": format_instant(at)})
        for person in range(one.deflected):
            row = {"answer_id": one.name, "session_id": one.session, "voter": str(person)}
            insert(db, "deflections", {**row, "at": format_instant(at)})
        for person in range(one.stories):
            insert(db, "stories", story(one.name, number, person, at))
    return db


def story(question: str, number: int, person: int, at: datetime) -> dict[str, object]:
    return {
        "id": f"{number}-{person}", "question_id": question, "voter": str(person), "writer_name": "",
        "writer_shown": "anonymous", "writer_role": None, "text": "so", "language": "de", "state": "open", "note": "",
        "at": format_instant(at),
    }  # fmt: skip


def count(key: str, label: str, chosen: list[Asked]) -> Figures:
    """The same figures by plain counting."""
    waits = sorted(one.answered_s for one in chosen if one.answered_s is not None)
    said = Counter(verdict for one in chosen for verdict in one.verdicts)
    return Figures(
        key=key,
        label=label,
        states=Counter(one.state for one in chosen),
        me_too=sum(one.votes for one in chosen),
        stories=sum(one.stories for one in chosen),
        median_s=waits[math.ceil(len(waits) * 0.5) - 1] if waits else None,
        p90_s=waits[math.ceil(len(waits) * 9 / 10) - 1] if waits else None,
        deflected=sum(one.deflected for one in chosen),
        helped=said["yes"],
        partly=said["partly"],
        not_helped=said["no"],
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(asked, max_size=14), st.sampled_from(["", "netz", "strom"]), st.integers(-1, 10), st.integers(-1, 10))
def test_figures_equal_plain_counting(everything: list[Asked], show: str, first: int, last: int) -> None:
    """By every grouping and in every scope, each figure is what somebody would count by hand."""
    db = fill(everything)
    since = None if first < 0 else START + timedelta(days=first)
    until = None if last < 0 else START + timedelta(days=last)
    scope = Scope(show_id=show, since=since, until=until)
    inside = [
        one
        for one in everything
        if (not show or SESSIONS[one.session] == show)
        and (since is None or START + timedelta(days=one.day) >= since)
        and (until is None or START + timedelta(days=one.day) < until)
    ]
    assert count_figures(db, scope)[Grouping.ALL] == [count("", "", inside)]
    by_topic = {topic: [one for one in inside if topic in one.topics] for topic in TOPICS}
    expected = [count(topic, topic, chosen) for topic, chosen in by_topic.items() if chosen]
    assert count_figures(db, scope)[Grouping.TOPIC] == sorted(expected, key=lambda one: one.label.casefold())
    by_session = {session: [one for one in inside if one.session == session] for session in SESSIONS}
    expected = [count(session, session.upper(), chosen) for session, chosen in by_session.items() if chosen]
    assert count_figures(db, scope)[Grouping.SESSION] == expected
    months = {month: [one for one in inside if one.day in days] for month, days in
              {"2027-02": range(2), "2027-03": range(2, 10)}.items()}  # fmt: skip
    expected = [count(month, month, chosen) for month, chosen in months.items() if chosen]
    assert count_figures(db, scope)[Grouping.MONTH] == expected
    assert sum(one.asked for one in count_figures(db, scope)[Grouping.SHOW]) == len(inside)
    db.close()


@pytest.mark.parametrize("grouping", list(Grouping))
def test_nothing_asked(grouping: Grouping) -> None:
    """A fresh hub has zeros and no averages of nothing."""
    db = fill([])
    found = count_figures(db, Scope())[grouping]
    assert found == ([Figures()] if grouping is Grouping.ALL else [])
    db.close()


def test_a_written_answer_ends_the_wait() -> None:
    """Without having been on air, a question waits until its written answer was accepted."""
    one = Asked("s-1", 0, Q.OPEN, (), 0, None, (), 0, 0)
    db = fill([one])
    at = START + timedelta(hours=5)
    questions.step_question(db, one.name, Q.ANSWERED_IN_WRITING, at=at, author="host")
    assert count_figures(db, Scope())[Grouping.ALL][0].median_s == 5 * 3600
    db.close()
