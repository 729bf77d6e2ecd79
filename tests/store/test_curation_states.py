"""Curation against a plain model: whatever hosts merge, split, edit, drag, carry and undo, no vote or id is lost."""

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, precondition, rule
from sqlite_utils import Database

from streamhub.errors import Conflict
from streamhub.live.mark import MarkKind
from streamhub.questions.change import UNDO, Deed
from streamhub.questions.curating import EDITABLE, SPLITTABLE, decide_edit, plan_places
from streamhub.questions.question import Question, QuestionState
from streamhub.questions.rules import NEXT_STATES, VOTABLE_STATES, plan_queue
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store import carrying, changes, marks, merging, questions, shows
from streamhub.store.migrations import STORE_MIGRATIONS

Q = QuestionState
START = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)
NOW, NEXT = "s-1", "s-2"


@dataclass
class Model:
    """What a question should be."""

    state: QuestionState
    text: str
    original: str = ""
    session: str = NOW
    starred: bool = False
    merged_into: str = ""
    voters: set[str] = field(default_factory=set)

    @property
    def fields(self) -> tuple[object, ...]:
        """What an undo puts back: everything but votes."""
        return (self.state, self.text, self.original, self.session, self.starred, self.merged_into)


class Curation(RuleBasedStateMachine):
    """Hosts and an audience press whatever they like."""

    asked = Bundle("asked")

    def __init__(self) -> None:
        super().__init__()
        self.db = Database(memory=True)
        self.db.execute("pragma foreign_keys = on")
        for migration in STORE_MIGRATIONS:
            self.db.executescript(migration.sql)
        shows.save_show(self.db, Show(id="s", title="S"))
        for number, name in enumerate((NOW, NEXT)):
            state = SessionState.LIVE if name == NOW else SessionState.OPEN
            starts = START + timedelta(days=number)
            shows.save_session(self.db, Session(id=name, show_id="s", title="S", starts_at=starts, state=state))
        self.model: dict[str, Model] = {}
        self.journal: dict[int, tuple[dict[str, Model], dict[str, Model]]] = {}
        self.standing: list[int] = []
        self.marks: list[tuple[str, MarkKind]] = []
        self.at = START

    def teardown(self) -> None:
        self.db.close()

    def deed(self, action: str, undoes: int | None = None) -> Deed:
        self.at += timedelta(seconds=1)
        return Deed(session_id=NOW, action=action, author="h", at=self.at, undoes=undoes)

    def change(
        self, action: str, ids: list[str], allowed: bool, do: Callable[[Deed], Iterable[str]], after: dict[str, Model]
    ) -> None:
        """Do something in the journal; it succeeds exactly when the model allows it, and leaves what the model says."""
        deed = self.deed(action)
        try:
            with self.db.atomic():
                made = changes.record_change(self.db, deed, ids, lambda: do(deed))
        except Conflict:
            assert not allowed
            return
        assert allowed
        before = deepcopy(self.model)
        self.model.update(after)
        if made is not None:
            touched = [name for name in self.model if name not in before or name in after]
            old = {name: before[name] for name in touched if name in before}
            self.journal[made.id] = (old, {name: deepcopy(self.model[name]) for name in touched})
            self.standing.append(made.id)

    def like(self, name: str, **changed: object) -> Model:
        """A copy of a question's model with some fields changed."""
        copy = deepcopy(self.model[name])
        for key, value in changed.items():
            setattr(copy, key, value)
        return copy

    def tree(self, name: str) -> list[str]:
        below = [other for other, its in self.model.items() if its.merged_into == name]
        return [name, *(one for other in below for one in self.tree(other))]

    @rule(target=asked, state=st.sampled_from([Q.OPEN, Q.HELD]))
    def ask(self, state: QuestionState) -> str:
        name = f"q{len(self.model)}"
        question = Question(id=name, session_id=NOW, text=name, state=state, asked_at=START)
        questions.insert_question(self.db, question)
        self.model[name] = Model(state, name)
        return name

    @rule(name=asked, voter=st.sampled_from("abcd"))
    def vote(self, name: str, voter: str) -> None:
        top = name
        while self.model[top].merged_into:
            top = self.model[top].merged_into
        allowed = self.model[top].state in VOTABLE_STATES
        try:
            questions.add_vote(self.db, name, voter, at=START)
        except Conflict:
            assert not allowed
        else:
            assert allowed
            self.model[top].voters.add(voter)

    @rule(name=asked, voter=st.sampled_from("abcd"))
    def take_vote_back(self, name: str, voter: str) -> None:
        top = name
        while self.model[top].merged_into:
            top = self.model[top].merged_into
        questions.remove_vote(self.db, name, voter)
        for one in self.tree(top):
            self.model[one].voters.discard(voter)

    @rule(source=asked, into=asked)
    def merge(self, source: str, into: str) -> None:
        one, other = self.model[source], self.model[into]
        again = one.state is Q.MERGED and one.merged_into == into
        allowed = again or (
            source != into
            and one.session == other.session
            and Q.MERGED in NEXT_STATES[one.state]
            and other.state not in {Q.MERGED, Q.DECLINED}
        )

        def do(deed: Deed) -> tuple[str, ...]:
            merging.merge_question(self.db, source, into, at=deed.at, author="h")
            return ()

        after = {} if again else {source: self.like(source, state=Q.MERGED, merged_into=into)}
        self.change("merge", [source, into], allowed, do, after)

    @rule(name=asked)
    def unmerge(self, name: str) -> None:
        its = self.model[name]
        allowed = its.state in {Q.MERGED, Q.OPEN}

        def do(deed: Deed) -> tuple[str, ...]:
            merging.unmerge_question(self.db, name, to=Q.OPEN, at=deed.at, author="h")
            return ()

        after = {name: self.like(name, state=Q.OPEN, merged_into="")} if its.state is Q.MERGED else {}
        self.change("unmerge", [name], allowed, do, after)

    @rule(target=asked, name=asked, count=st.integers(2, 3))
    def split(self, name: str, count: int) -> object:
        its = self.model[name]
        allowed = its.state in SPLITTABLE
        ids = [f"q{len(self.model) + n}" for n in range(count - 1)]
        texts = [f"{name} part {n} of {len(self.model)}" for n in range(count)]

        def do(deed: Deed) -> tuple[str, ...]:
            merging.split_question(self.db, name, texts, ids, at=deed.at, author="h")
            return tuple(ids)

        typed = its.original or its.text
        everybody = {voter for one in self.tree(name) for voter in self.model[one].voters}
        after = {name: self.like(name, text=texts[0], original=typed)}
        for part, text in zip(ids, texts[1:], strict=True):
            after[part] = self.like(name, text=text, original=typed, voters=set(everybody))
        self.change("split", [name], allowed, do, after)
        return multiple(*ids) if allowed else multiple()

    @rule(name=asked, text=st.sampled_from(["clear", "clearer"]))
    def edit(self, name: str, text: str) -> None:
        its = self.model[name]

        def do(deed: Deed) -> tuple[str, ...]:
            questions.save_curated(self.db, decide_edit(questions.load_question(self.db, name), text))
            return ()

        after = {name: self.like(name, text=text, original=its.original or its.text)}
        self.change("edit", [name], its.state in EDITABLE, do, after)

    @rule(name=asked, starred=st.booleans())
    def star(self, name: str, starred: bool) -> None:
        def do(deed: Deed) -> tuple[str, ...]:
            questions.star_question(self.db, name, starred, at=deed.at, author="h")
            return ()

        self.change("star", [name], True, do, {name: self.like(name, starred=starred)})

    @rule(name=asked, to=st.sampled_from([Q.QUEUED, Q.OPEN, Q.HELD, Q.DECLINED, Q.ON_AIR, Q.ANSWERED_LIVE]))
    def step(self, name: str, to: QuestionState) -> None:
        its = self.model[name]
        if its.session != NOW:
            return  # nothing is on air there, and this console is not theirs
        allowed = to is its.state or (to in NEXT_STATES[its.state] and its.state is not Q.MERGED)
        on_air = [other for other, one in self.model.items() if one.state is Q.ON_AIR and other != name]

        def do(deed: Deed) -> tuple[str, ...]:
            questions.step_question(self.db, name, to, at=deed.at, author="h")
            return ()

        after = {name: self.like(name, state=to)}
        fresh: list[tuple[str, MarkKind]] = []
        if allowed and to is Q.ON_AIR and its.state is not to:
            after |= {other: self.like(other, state=Q.ANSWERED_LIVE) for other in on_air}
            fresh = [*((other, MarkKind.DONE) for other in on_air), (name, MarkKind.ON_AIR)]
        elif allowed and its.state is Q.ON_AIR and to is not Q.ON_AIR:
            fresh = [(name, MarkKind.DONE if to is Q.ANSWERED_LIVE else MarkKind.BACK)]
        self.change(to.value, [name, *on_air], allowed, do, after)
        self.marks += fresh

    @rule(name=asked, before=asked)
    def drag(self, name: str, before: str) -> None:
        def queue() -> list[Question]:
            return plan_queue(questions.list_questions(self.db, NOW, states={Q.QUEUED}))

        order = queue()
        if self.model[name].state is not Q.QUEUED or self.model[before].state is not Q.QUEUED or name == before:
            return
        if {self.model[name].session, self.model[before].session} != {NOW}:
            return
        places = plan_places(order, name, before)

        def do(deed: Deed) -> tuple[str, ...]:
            for one, place in places.items():
                self.db.execute("update questions set place = ? where id = ?", (place, one))
            return ()

        self.change("place", [name, *(one for one in places if one != name)], True, do, {})
        expected = [q.id for q in order if q.id != name]
        expected.insert(expected.index(before), name)
        assert [q.id for q in queue()] == expected

    @rule(name=asked)
    def carry(self, name: str) -> None:
        its = self.model[name]
        if its.session != NOW:
            return
        allowed = its.state in {Q.OPEN, Q.QUEUED, Q.CARRIED_OVER}

        def do(deed: Deed) -> tuple[str, ...]:
            carrying.carry_question(self.db, name, deed)
            return ()

        after = {one: self.like(one, session=NEXT) for one in self.tree(name)}
        after[name].state = Q.OPEN
        self.change("carry", self.tree(name), allowed, do, after)

    def undo(self, number: int, *, must: bool) -> None:
        old, new = self.journal[number]
        deed = self.deed(UNDO, number)
        try:
            with self.db.atomic():
                made = changes.undo_change(self.db, number, deed)
        except Conflict:
            assert not must
            return
        if made is None:
            assert changes.load_change(self.db, number).undone_by is not None
            return
        was = deepcopy(self.model)
        for name, its in new.items():
            self.put_back(name, old.get(name), its)
        left = [name for name in new if was[name].state is Q.ON_AIR and self.model[name].state is not Q.ON_AIR]
        came = [name for name in new if was[name].state is not Q.ON_AIR and self.model[name].state is Q.ON_AIR]
        self.marks += [*((name, MarkKind.BACK) for name in left), *((name, MarkKind.ON_AIR) for name in came)]
        self.journal[made.id] = ({name: was[name] for name in new}, {name: deepcopy(self.model[name]) for name in new})
        undone = changes.load_change(self.db, number)
        assert undone.undone_by == made.id
        if number in self.standing:
            self.standing.remove(number)
        elif undone.undoes is not None:
            self.standing = sorted({*self.standing, undone.undoes})

    def put_back(self, name: str, old: Model | None, new: Model) -> None:
        """Give a question of the model what a change took; one that the change made goes back to its origin."""
        now = self.model[name]
        if old is None:
            now.state, now.merged_into = Q.MERGED, self.split_from(name)
        else:
            for field_name in ("state", "text", "original", "session", "starred", "merged_into"):
                if getattr(old, field_name) != getattr(new, field_name):
                    setattr(now, field_name, getattr(old, field_name))
        if now.merged_into:  # it lies where the one lies that stands for it
            now.session = self.model[now.merged_into].session
        for one in self.tree(name):  # and what was merged into it moves along
            self.model[one].session = now.session

    def split_from(self, name: str) -> str:
        return questions.load_question(self.db, name).split_from

    @precondition(lambda self: self.standing)
    @rule()
    def undo_latest(self) -> None:
        redone = any(one.undoes is not None and one.stands for one in changes.list_changes(self.db, NOW, limit=1))
        self.undo(self.standing[-1], must=not redone)

    @precondition(lambda self: self.journal)
    @rule(data=st.data())
    def undo_any(self, data: st.DataObject) -> None:
        self.undo(data.draw(st.sampled_from(sorted(self.journal))), must=False)

    @invariant()
    def rows_equal_model(self) -> None:
        kept = {q.id: q for name in (NOW, NEXT) for q in questions.list_questions(self.db, name)}
        assert kept.keys() == self.model.keys()
        for name, its in self.model.items():
            row = kept[name]
            seen = (row.state, row.text, row.original, row.session_id, row.starred, row.merged_into)
            assert seen == its.fields, name
            everybody = {voter for one in self.tree(name) for voter in self.model[one].voters}
            assert row.votes == len(everybody), name
            assert (row.state is Q.MERGED) == bool(row.merged_into)
            for voter in "abcd":
                listed = name in questions.list_votes(self.db, row.session_id, voter)
                assert listed == (voter in everybody)
        assert sum(q.state is Q.ON_AIR for q in kept.values()) <= 1

    @invariant()
    def merged_ones_move_along(self) -> None:
        for name in self.model:
            kept = questions.load_question(self.db, name)
            if kept.merged_into:
                assert kept.session_id == questions.load_question(self.db, kept.merged_into).session_id, name

    @invariant()
    def no_mark_is_lost(self) -> None:
        kept = [(m.question_id, m.kind) for m in marks.list_marks(self.db, NOW)]
        assert sorted(kept) == sorted(self.marks)
        assert [one for one in kept if one[1] is MarkKind.ON_AIR] == [
            one for one in self.marks if one[1] is MarkKind.ON_AIR
        ]

    @invariant()
    def every_id_leads_to_one_that_stands(self) -> None:
        for name in self.model:
            assert not questions.resolve_question(self.db, name).merged_into


Curation.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestCuration = Curation.TestCase
