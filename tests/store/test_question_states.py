"""The life of questions against a plain model: any sequence of presses keeps rows, votes, marks and log in step."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from sqlite_utils import Database

from streamhub.errors import Conflict
from streamhub.live.mark import MarkKind
from streamhub.questions.question import Question, QuestionState
from streamhub.questions.rules import NEXT_STATES, VOTABLE_STATES
from streamhub.schedule.show import Session, Show
from streamhub.store import log, marks, questions, shows
from streamhub.store.migrations import STORE_MIGRATIONS

Q = QuestionState
START = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)
SESSIONS = ("s-1", "s-2")


@dataclass
class Model:
    """What a question should be."""

    session_id: str
    state: QuestionState
    voters: set[str] = field(default_factory=set)
    starred: bool = False
    steps: int = 0


class QuestionLife(RuleBasedStateMachine):
    """Presses buttons in any order, as a host and an audience might."""

    asked = Bundle("asked")

    def __init__(self) -> None:
        super().__init__()
        self.db = Database(memory=True)
        self.db.execute("pragma foreign_keys = on")
        for migration in STORE_MIGRATIONS:
            self.db.executescript(migration.sql)
        shows.save_show(self.db, Show(id="s", title="S"))
        for session_id in SESSIONS:
            shows.save_session(self.db, Session(id=session_id, show_id="s", title="S", starts_at=START))
        self.model: dict[str, Model] = {}
        self.marks: dict[str, list[tuple[str, MarkKind]]] = {session_id: [] for session_id in SESSIONS}
        self.at = START

    def teardown(self) -> None:
        self.db.close()

    def press(self, allowed: bool, action) -> None:
        """Run an action as the writer would; it succeeds exactly when the model allows it."""
        self.at += timedelta(seconds=1)
        try:
            with self.db.atomic():
                action(self.at)
        except Conflict:
            assert not allowed
        else:
            assert allowed

    def go(self, name: str, to: QuestionState) -> None:
        """What a step does to the model, marks included."""
        question = self.model[name]
        if question.state is to:
            return
        log_of_marks = self.marks[question.session_id]
        if to is Q.ON_AIR:
            for other, its in self.model.items():
                if its.state is Q.ON_AIR and its.session_id == question.session_id:
                    self.go(other, Q.ANSWERED_LIVE)
            log_of_marks.append((name, MarkKind.ON_AIR))
        if question.state is Q.ON_AIR:
            log_of_marks.append((name, MarkKind.DONE if to is Q.ANSWERED_LIVE else MarkKind.BACK))
        question.state = to
        question.steps += 1

    @rule(target=asked, session_id=st.sampled_from(SESSIONS), state=st.sampled_from([Q.OPEN, Q.HELD, Q.RECEIVED]))
    def ask(self, session_id: str, state: QuestionState) -> str:
        name = f"q{len(self.model)}"
        question = Question(id=name, session_id=session_id, text=name, state=state, asked_at=START)
        self.press(True, lambda at: questions.insert_question(self.db, question))
        self.model[name] = Model(session_id, state)
        return name

    @rule(name=asked, to=st.sampled_from(Q))
    def step(self, name: str, to: QuestionState) -> None:
        state = self.model[name].state
        allowed = to is state or (to in NEXT_STATES[state] and to is not Q.MERGED)
        self.press(allowed, lambda at: questions.step_question(self.db, name, to, at=at, author="h"))
        if allowed:
            self.go(name, to)

    @rule(name=asked)
    def put_on_air(self, name: str) -> None:
        state = self.model[name].state
        allowed = state is Q.ON_AIR or Q.ON_AIR in NEXT_STATES[state]
        self.press(allowed, lambda at: questions.put_on_air(self.db, name, at=at, author="h"))
        if allowed:
            self.go(name, Q.ON_AIR)

    @rule(name=asked, to=st.sampled_from([Q.ANSWERED_LIVE, Q.QUEUED, Q.OPEN]))
    def finish(self, name: str, to: QuestionState) -> None:
        allowed = self.model[name].state in {Q.ON_AIR, to}
        self.press(allowed, lambda at: questions.finish_on_air(self.db, name, at=at, author="h", to=to))
        if allowed:
            self.go(name, to)

    @rule(name=asked, voter=st.sampled_from("abc"))
    def vote(self, name: str, voter: str) -> None:
        allowed = self.model[name].state in VOTABLE_STATES
        self.press(allowed, lambda at: questions.add_vote(self.db, name, voter, at=at))
        if allowed:
            self.model[name].voters.add(voter)

    @rule(name=asked, voter=st.sampled_from("abc"))
    def take_vote_back(self, name: str, voter: str) -> None:
        self.press(True, lambda at: questions.remove_vote(self.db, name, voter))
        self.model[name].voters.discard(voter)

    @rule(name=asked, starred=st.booleans())
    def star(self, name: str, starred: bool) -> None:
        self.press(True, lambda at: questions.star_question(self.db, name, starred, at=at, author="h"))
        self.model[name].starred = starred

    @invariant()
    def rows_equal_model(self) -> None:
        for session_id in SESSIONS:
            kept = questions.list_questions(self.db, session_id)
            expected = {name: its for name, its in self.model.items() if its.session_id == session_id}
            assert {q.id: (q.state, q.votes, q.starred) for q in kept} == {
                name: (its.state, len(its.voters), its.starred) for name, its in expected.items()
            }
            assert sum(q.state is Q.ON_AIR for q in kept) <= 1
            assert [(m.question_id, m.kind) for m in marks.list_marks(self.db, session_id)] == self.marks[session_id]

    @invariant()
    def every_step_is_logged(self) -> None:
        for name, its in self.model.items():
            entries = log.list_actions(self.db, limit=10_000, object_id=name)
            assert sum(entry.action == "question.step" for entry in entries) == its.steps


QuestionLife.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestQuestionLife = QuestionLife.TestCase
