"""Merging and splitting as rows: questions that stand for others.

Votes stay with the question that they were given to; a question counts everybody who voted for it or for one that was
merged into it, each person once. So taking a question out again gives both what they had, and what came since stays
where it was given. Refuses to know the rules: they are `streamhub.questions.curating`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlite_utils import Database

from streamhub.errors import NotFound, WrongState
from streamhub.questions.curating import decide_merge, decide_split, decide_unmerge
from streamhub.questions.question import Question, QuestionState
from streamhub.questions.refusal import Refusal
from streamhub.store.questions import TREE, insert_question, load_question, log_question, save_curated
from streamhub.store.rows import change, fetch_all, fetch_one


def list_tree(db: Database, question_id: str) -> list[str]:
    """Ids of a question and of all that were merged into it, however often; itself first."""
    rows = fetch_all(db, f"{TREE} select id from tree", question_id)  # noqa: S608  our own
    return [str(row["id"]) for row in rows]


def merge_question(db: Database, question_id: str, into: str, *, at: datetime, author: str) -> Question:
    """Have another question stand for this one; returns the merged one. Merged into it already changes nothing.

    Raises:
        NotFound: there is no such question.
        Conflict: the two cannot be merged.
    """
    source, target = load_question(db, question_id), load_question(db, into)
    after = decide_merge(source, target)
    if after is source:
        return source
    attach(db, source.id, target.id)
    kept = save_curated(db, after)
    log_question(db, source, "question.merge", at=at, author=author, into=target.id)
    return kept


def unmerge_question(db: Database, question_id: str, *, to: QuestionState, at: datetime, author: str) -> Question:
    """Take a question out of the one that stands for it; not merged any more changes nothing.

    Args:
        db: the database.
        question_id: the merged one.
        to: the state that it had before; open where it cannot go there.
        at: when.
        author: who does it.

    Raises:
        NotFound: there is no such question.
        Conflict: it is somewhere else than merged or open.
    """
    question = load_question(db, question_id)
    if question.state in {QuestionState.OPEN, to} and not question.merged_into:
        return question
    after = decide_unmerge(question, to=to)
    detach(db, question.id)
    kept = save_curated(db, after)
    log_question(db, question, "question.unmerge", at=at, author=author, out_of=question.merged_into)
    return kept


def split_question(
    db: Database, question_id: str, texts: Sequence[str], ids: Sequence[str], *, at: datetime, author: str
) -> tuple[Question, ...]:
    """Split a question: it keeps its id for the first part; the others are new and get the votes of its voters.

    Raises:
        NotFound: there is no such question.
        BadInput: too few or too many parts.
        Conflict: it cannot be split from where it is.
    """
    question = load_question(db, question_id)
    kept, *parts = decide_split(question, texts, ids)
    for part in parts:
        insert_question(db, part)
        copied = change(
            db,
            f"insert into votes (question_id, voter, at) {TREE} "  # noqa: S608  our own
            "select ?2, voter, min(at) from tree join votes on question_id = id group by voter",
            question.id,
            part.id,
        )
        change(db, "update questions set votes = ? where id = ?", copied, part.id)
    first = save_curated(db, kept)
    log_question(db, question, "question.split", at=at, author=author, into=[part.id for part in parts])
    return (first, *(load_question(db, part.id) for part in parts))


def attach(db: Database, source_id: str, target_id: str) -> None:
    """Count the source's votes at the target, and at whatever stands for that; the source's own row stays as it is.

    Raises:
        NotFound: there is no such target.
        Conflict: the target is merged into the source.
    """
    votes = load_question(db, source_id).votes
    upward = _list_upward(db, target_id)
    if source_id in upward:
        message = f"question {target_id}: is merged into {source_id} now"
        raise WrongState(message, hint="take it out of there first", code=Refusal.MERGE_CIRCLE)
    for above in upward:
        gain = votes - _count_shared(db, source_id, above)
        change(db, "update questions set votes = votes + ? where id = ?", gain, above)
    change(db, "update questions set merged_into = ? where id = ?", target_id, source_id)


def detach(db: Database, source_id: str) -> None:
    """Take the source's votes out of the question that stands for it; a vote that was given there too stays there."""
    source = load_question(db, source_id)
    if not source.merged_into:
        return
    change(db, "update questions set merged_into = null where id = ?", source_id)
    for above in _list_upward(db, source.merged_into):
        loss = source.votes - _count_shared(db, source_id, above)
        change(db, "update questions set votes = votes - ? where id = ?", loss, above)


def count_voters(db: Database, question_id: str) -> dict[str, int]:
    """How many people voted for a question, and for each that stands for it, before their votes are changed by hand."""
    return {above: _count_shared(db, above, above) for above in _list_upward(db, question_id)}


def follow_voters(db: Database, before: Mapping[str, int]) -> dict[str, int]:
    """Have the sums of votes follow what was changed since `count_voters`; returns by how much each moved."""
    moved = {id_: _count_shared(db, id_, id_) - count for id_, count in before.items()}
    for id_, by in moved.items():
        change(db, "update questions set votes = votes + ? where id = ?", by, id_)
    return moved


def absorb_part(db: Database, part: Question) -> Question:
    """Take back a part that a split made: it is merged into the question that it was split from."""
    attach(db, part.id, part.split_from)
    return replace(part, state=QuestionState.MERGED, merged_into=part.split_from, place=None)


def _list_upward(db: Database, question_id: str) -> list[str]:
    ids: list[str] = []
    while question_id:
        row = fetch_one(db, "select id, merged_into from questions where id = ?", question_id)
        if row is None:
            raise NotFound(f"question {question_id}: there is no such question")
        ids.append(question_id)
        question_id = row["merged_into"] or ""
    return ids


def _count_shared(db: Database, one: str, other: str) -> int:
    """How many people voted for both, or for what was merged into them."""
    row = fetch_one(
        db,
        "with recursive "
        "ones(id) as (select ?1 union select questions.id from questions join ones on merged_into = ones.id), "
        "others(id) as (select ?2 union select questions.id from questions join others on merged_into = others.id) "
        "select count(*) as shared from (select voter from ones join votes on question_id = id intersect "
        "select voter from others join votes on question_id = id)",
        one,
        other,
    )
    return int(row["shared"]) if row else 0
