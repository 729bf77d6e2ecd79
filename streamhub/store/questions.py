"""Questions and votes as rows.

Owns the tables ``questions`` and ``votes``. Every step goes through `streamhub.questions.rules`, is logged, and leaves
a mark whenever a question goes on air or comes off it. At most one question of a session is on air; an index holds
that.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from sqlite_utils import Database

from streamhub.errors import BadInput, Conflict, NotFound, WrongState
from streamhub.live.mark import Mark, MarkKind, Witness
from streamhub.questions.change import FIELDS
from streamhub.questions.question import Asker, Question, QuestionState, Shown
from streamhub.questions.refusal import Refusal
from streamhub.questions.rules import VOTABLE_STATES, decide_step
from streamhub.store.log import log_action
from streamhub.store.marks import insert_mark
from streamhub.store.rows import Row, change, fetch_all, fetch_one, insert, json_list
from streamhub.store.stage import follow_on_air
from streamhub.timecode import format_instant, parse_instant

TREE = (
    "with recursive tree(id) as (select ?1 union "
    "select questions.id from questions join tree on questions.merged_into = tree.id)"
)
"""A question (the statement's first value) and all that were merged into it, however often."""

_CURATED = frozenset({"id", *FIELDS, "version"})
_OFF_AIR = {
    QuestionState.ANSWERED_LIVE: MarkKind.DONE,
    QuestionState.QUEUED: MarkKind.BACK,
    QuestionState.OPEN: MarkKind.BACK,
    QuestionState.ANSWERED_IN_WRITING: MarkKind.BACK,
}


def insert_question(db: Database, question: Question) -> Question:
    """Keep a fresh question and log its intake; returns it as kept (instants in whole milliseconds).

    Raises:
        NotFound: there is no such session.
        Conflict: a question with this id exists.
    """
    if fetch_one(db, "select 1 from sessions where id = ?", question.session_id) is None:
        raise NotFound(f"session {question.session_id}: there is no such session")
    if fetch_one(db, "select 1 from questions where id = ?", question.id):
        raise Conflict(f"question {question.id}: exists already", hint="draw a new id")
    insert(db, "questions", _row(question))
    log_question(
        db, question, "question.intake", at=question.asked_at, author=question.source, state=question.state.value
    )
    return load_question(db, question.id)


def load_question(db: Database, question_id: str) -> Question:
    """The question of that id.

    Raises:
        NotFound: there is none.
    """
    row = fetch_one(db, "select * from questions where id = ?", question_id)
    if row is None:
        raise NotFound(f"question {question_id}: there is no such question")
    return _question(row)


def list_questions(db: Database, session_id: str, *, states: Collection[QuestionState] | None = None) -> list[Question]:
    """Questions of a session, oldest first; in some states, or all."""
    cursor = db.execute(
        "select * from questions where session_id = ? and state in (select value from json_each(?)) "
        "order by asked_at, id",
        (session_id, json_list(QuestionState if states is None else states)),
    )
    names = tuple(column[0] for column in cursor.description)
    return [_remember(names, row) for row in cursor.fetchall()]


def step_question(
    db: Database, question_id: str, to: QuestionState, *, at: datetime, author: str, note: str = ""
) -> Question:
    """Take a question one step on its way; a step to where it is already changes nothing.

    A step on air is `put_on_air`, a step off it leaves its mark, so that no stretch on air is ever without an end.
    Questions are merged and unmerged by `streamhub.store.merging`.

    Raises:
        NotFound: there is no such question.
        Conflict: the step is not allowed from here.
    """
    if to is QuestionState.ON_AIR:
        put_on_air(db, question_id, at=at, author=author)
        return load_question(db, question_id)
    before = load_question(db, question_id)
    after = decide_step(before, to, note=note)
    if after is before:
        return before
    if QuestionState.MERGED in {before.state, to}:
        hint = "unmerge it first" if to is not QuestionState.MERGED else "merge it into another question"
        message = f"question {question_id}: is {before.state}, cannot become {to} by a step"
        code = Refusal.MERGED_ALREADY if before.state is QuestionState.MERGED else Refusal.QUESTION_STEP
        raise WrongState(message, hint=hint, code=code, state=before.state.value)
    if before.state is QuestionState.ON_AIR:
        return _take_off_air(db, before, to, at=at, author=author)
    return _save_step(db, before, after, at=at, author=author)


def star_question(db: Database, question_id: str, starred: bool, *, at: datetime, author: str) -> Question:
    """Mark a question as one to take, or take that back.

    Raises:
        NotFound: there is no such question.
    """
    before = load_question(db, question_id)
    if before.starred is starred:
        return before
    after = save_curated(db, replace(before, starred=starred))
    log_question(db, before, "question.star", at=at, author=author, starred=starred)
    return after


def tag_question(
    db: Database, question_id: str, *, topics: Iterable[str], products: Iterable[str], at: datetime, author: str
) -> Question:
    """Set the topics and products of a question.

    Raises:
        NotFound: there is no such question.
    """
    before = load_question(db, question_id)
    given_topics, given_products = list(topics), list(products)
    after = save_curated(db, replace(before, topics=tuple(given_topics), products=tuple(given_products)))
    log_question(db, before, "question.tag", at=at, author=author, topics=given_topics, products=given_products)
    return after


def add_vote(db: Database, question_id: str, voter: str, *, at: datetime) -> int:
    """Count a voter's wish once, however often it is given; returns the votes.

    A vote for a merged question is one for the question that stands for it.

    Raises:
        NotFound: there is no such question.
        Conflict: the question is not open for votes.
    """
    question_id, state, votes = _standing(db, question_id)
    if state not in VOTABLE_STATES:
        message = f"question {question_id}: is {state}, takes no votes"
        raise WrongState(message, code=Refusal.NO_VOTES, state=state.value)
    fresh = change(
        db,
        "insert into votes (question_id, voter, at) values (?, ?, ?) on conflict do nothing",
        question_id,
        voter,
        format_instant(at),
    )
    if not fresh or voted_below(db, question_id, voter):
        return votes
    change(db, "update questions set votes = votes + 1 where id = ?", question_id)
    return votes + 1


def remove_vote(db: Database, question_id: str, voter: str) -> int:
    """Take a voter's wish back, if there is one; returns the votes.

    Raises:
        NotFound: there is no such question.
    """
    question_id, _, votes = _standing(db, question_id)
    given = [
        str(row["question_id"])
        for row in fetch_all(
            db,
            f"{TREE} select question_id from tree join votes on question_id = id where voter = ?2",  # noqa: S608  our own
            question_id,
            voter,
        )
    ]
    if not given:
        return votes
    ids = json_list(given)
    change(db, "delete from votes where voter = ? and question_id in (select value from json_each(?))", voter, ids)
    change(  # each question on the way from there to the top counted this voter once
        db,
        "with recursive up(id) as (select value from json_each(?) union "
        "select merged_into from questions join up using (id) where merged_into is not null) "
        "update questions set votes = votes - 1 where id in (select id from up)",
        ids,
    )
    return votes - 1


def list_votes(db: Database, session_id: str, voter: str) -> frozenset[str]:
    """Ids of the questions of a session that a voter voted for, and of those that they were merged into."""
    rows = fetch_all(
        db,
        "with recursive voted(id) as (select questions.id from questions "
        "join votes on question_id = questions.id and voter = ?1 where session_id = ?2 union "
        "select merged_into from questions join voted using (id) where merged_into is not null) select id from voted",
        voter,
        session_id,
    )
    return frozenset(str(row["id"]) for row in rows)


def resolve_question(db: Database, question_id: str) -> Question:
    """The question of that id, or the one that it was merged into, however often.

    Raises:
        NotFound: there is none.
    """
    question = load_question(db, question_id)
    while question.merged_into:
        question = load_question(db, question.merged_into)
    return question


def put_on_air(
    db: Database, question_id: str, *, at: datetime, author: str, witness: Witness = Witness.HOST
) -> tuple[Question, ...]:
    """Put a question on air with its mark; what was on air in this session counts as answered live and is marked done.

    Returns the changed questions, the one that is on air now first; empty when it was on air already.

    Raises:
        NotFound: there is no such question.
        Conflict: the question cannot go on air from where it is.
    """
    before = load_question(db, question_id)
    after = decide_step(before, QuestionState.ON_AIR)
    if after is before:
        return ()
    displaced = tuple(
        _take_off_air(db, other, QuestionState.ANSWERED_LIVE, at=at, author=author, witness=witness)
        for other in list_questions(db, before.session_id, states={QuestionState.ON_AIR})
    )
    on_air = _save_step(db, before, after, at=at, author=author)
    mark_question(db, on_air, MarkKind.ON_AIR, at=at, author=author, witness=witness)
    follow_on_air(db, on_air, at=at, author=author)
    return (on_air, *displaced)


def finish_on_air(
    db: Database,
    question_id: str,
    *,
    at: datetime,
    author: str,
    to: QuestionState,
    witness: Witness = Witness.HOST,
) -> Question:
    """Take a question off air: answered live (marked done), or back to where it can wait (marked back).

    Nothing happens when it is in that state already, so that a button pressed twice does no harm.

    Raises:
        NotFound: there is no such question.
        Conflict: the question is not on air.
        BadInput: no such way off air.
    """
    if to not in _OFF_AIR:
        raise BadInput(f"question {question_id}: cannot leave the air as {to}", hint=f"use {', '.join(_OFF_AIR)}")
    question = load_question(db, question_id)
    if question.state is to:
        return question
    if question.state is not QuestionState.ON_AIR:
        message = f"question {question_id}: is {question.state}, not on air"
        raise WrongState(message, code=Refusal.NOT_ON_AIR, state=question.state.value)
    return _take_off_air(db, question, to, at=at, author=author, witness=witness)


def _take_off_air(
    db: Database,
    question: Question,
    to: QuestionState,
    *,
    at: datetime,
    author: str,
    witness: Witness = Witness.HOST,
) -> Question:
    after = _save_step(db, question, decide_step(question, to), at=at, author=author)
    mark_question(db, after, _OFF_AIR[to], at=at, author=author, witness=witness)
    return after


def save_curated(db: Database, question: Question, *, seen: bool = True) -> Question:
    """Keep what a host changed of a question, with the next version; returns it as kept. Logs nothing."""
    after = replace(question, version=question.version + 1, seen=question.seen or seen)
    row = {name: value for name, value in _row(after).items() if name in _CURATED}
    changes = ", ".join(f"{name} = :{name}" for name in row if name != "id")
    db.execute(f"update questions set {changes} where id = :id", row)  # noqa: S608  our own names
    return load_question(db, after.id)


def _save_step(db: Database, before: Question, after: Question, *, at: datetime, author: str) -> Question:
    after = save_curated(db, after)
    steps = {"from": before.state.value, "to": after.state.value}
    log_question(db, before, "question.step", at=at, author=author, **steps)
    return after


def mark_question(
    db: Database, question: Question, kind: MarkKind, *, at: datetime, author: str, witness: Witness = Witness.HOST
) -> None:
    """Note that a question went on air or came off it."""
    mark = Mark(
        session_id=question.session_id, question_id=question.id, kind=kind, at=at, witness=witness, author=author
    )
    insert_mark(db, mark)


def log_question(
    db: Database, question: Question, action: str, *, at: datetime, author: str, **details: object
) -> None:
    """Log what was done to a question; details are ids, states and numbers."""
    everything = {"session": question.session_id, **details}
    log_action(
        db,
        at=at,
        author=author,
        action=action,
        object_kind="question",
        object_id=question.id,
        details=everything,
    )


def _standing(db: Database, question_id: str) -> tuple[str, QuestionState, int]:
    """Id, state and votes of the question that votes for this one go to."""
    sql = "select id, state, votes, merged_into from questions where id = ?"
    row = fetch_one(db, sql, question_id)
    while row is not None and row["merged_into"]:
        row = fetch_one(db, sql, row["merged_into"])
    if row is None:
        raise NotFound(f"question {question_id}: there is no such question")
    return str(row["id"]), QuestionState(row["state"]), int(row["votes"])


def voted_below(db: Database, question_id: str, voter: str) -> bool:
    """Whether a voter is counted at a question already, because of a question that was merged into this one."""
    if fetch_one(db, "select 1 from questions where merged_into = ? limit 1", question_id) is None:
        return False
    sql = f"{TREE} select 1 from tree join votes on question_id = id where voter = ?2 and id <> ?1 limit 1"  # noqa: S608  our own
    return fetch_one(db, sql, question_id, voter) is not None


def _row(question: Question) -> Row:
    return {
        "id": question.id,
        "session_id": question.session_id,
        "text": question.text,
        "asker_name": question.asker.name,
        "asker_shown": question.asker.shown.value,
        "asker_place": question.asker.place,
        "language": question.language,
        "state": question.state.value,
        "source": question.source,
        "asked_at": format_instant(question.asked_at),
        "votes": question.votes,
        "starred": int(question.starred),
        "topics": json_list(question.topics),
        "products": json_list(question.products),
        "note": question.note,
        "original": question.original,
        "merged_into": question.merged_into or None,
        "place": question.place,
        "origin_url": question.origin_url,
        "photo": question.photo,
        "split_from": question.split_from or None,
        "seen": int(question.seen),
        "for_writing": int(question.for_writing),
        "version": question.version,
        "doubt": question.doubt,
    }


@lru_cache(maxsize=16_384)
def _remember(names: tuple[str, ...], values: tuple[object, ...]) -> Question:
    """A question from a row; an equal row gives the same record again, for a full house is read four times a second."""
    return _question(dict(zip(names, values, strict=True)))


def _question(row: Row) -> Question:
    return Question(
        id=row["id"],
        session_id=row["session_id"],
        text=row["text"],
        asker=Asker(name=row["asker_name"], shown=Shown(row["asker_shown"]), place=row["asker_place"]),
        language=row["language"],
        state=QuestionState(row["state"]),
        source=row["source"],
        asked_at=parse_instant(row["asked_at"]),
        votes=row["votes"],
        starred=bool(row["starred"]),
        topics=tuple(json.loads(row["topics"])),
        products=tuple(json.loads(row["products"])),
        note=row["note"],
        original=row["original"],
        merged_into=row["merged_into"] or "",
        place=row["place"],
        origin_url=row["origin_url"],
        photo=row["photo"],
        split_from=row["split_from"] or "",
        seen=bool(row["seen"]),
        for_writing=bool(row["for_writing"]),
        version=row["version"],
        doubt=row["doubt"],
    )
