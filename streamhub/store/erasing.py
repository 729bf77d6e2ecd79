"""Erasing a question at its asker's wish: the words go from every table, ids and numbers stay.

Owns the table ``erasures``: the wish is written down first, so that a hub that dies in between goes on later, and is
marked as done when the bytes are out of the files (`streamhub.store.purging`). The words of archive files and the
answer's pages follow by the withdrawal, which is not done here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlite_utils import Database

from streamhub.questions.question import QuestionState
from streamhub.store.changes import erase_changes
from streamhub.store.glossaries import erase_name
from streamhub.store.log import log_action
from streamhub.store.questions import finish_on_air, load_question
from streamhub.store.rows import change, fetch_all, json_list
from streamhub.timecode import format_instant

_QUESTION = (
    "update questions set text = '', original = '', asker_name = '', asker_place = '', asker_shown = 'anonymous', "
    "note = '', origin_url = '', photo = '', starred = 0, version = version + 1, "
    "state = case state when 'merged' then 'merged' else 'withdrawn' end where id = ?"
)
# An unsent mail about the question that an erased one was merged into quotes the erased one; whoever follows that one
# by himself, at the same address, is written to anew.
_TELL_OTHERS_ANEW = (
    "update followers set told_at = null, told_about = '' where question_id <> ?1 and exists (select 1 from mails "
    "where followed = ?1 and object <> ?1 and object = told_about and recipient = email and sent_at is null "
    "and state in ('draft', 'queued', 'failed'))"
)
_DROP_UNSENT = (
    "delete from mails where followed = ?1 and object <> ?1 and sent_at is null "
    "and state in ('draft', 'queued', 'failed')"
)
_BLANK_MAILS = (
    "update mails set recipient = '', subject = '', body = '', leave_url = '', "
    "state = case state when 'sent' then 'sent' else 'discarded' end "
    "where (object = ?1 or followed = ?1) and state <> 'sending'"
)
_WORDS = (
    _TELL_OTHERS_ANEW,
    _DROP_UNSENT,
    _QUESTION,
    "update followers set email = '', voter = '' where question_id = ?",
    "update verdicts set reason = '' where question_id = ?",
    "update contributions set author = '' where question_id = ?",
    "delete from additions where question_id = ?",
    _BLANK_MAILS,
    "delete from claims where question_id = ?",
)
"""Every statement that takes words or people out of a question's rows; each has the question's id as its one value."""


_BESIDE = {
    "stories": "delete from stories where question_id = ?",
    "proposals": "update proposals set text = '', writer_name = '', note = '', state = 'erased' where question_id = ?",
    "clusters": "update clusters set label = '', name = '' "
    "where id in (select cluster_id from cluster_members where question_id = ?)",
    "learned_names": "delete from learned_names where edit_id in (select id from review_edits where answer_id = ?)",
    "review_edits": "update review_edits set before = '{}', after = '{}' where answer_id = ?",
    "cluster_members": "delete from cluster_members where question_id = ?",
    "waiting_contributions": "delete from waiting_contributions where exists (select 1 from contributions c "
    "where c.question_id = ? and c.source = waiting_contributions.source and (c.ref = waiting_contributions.ref "
    "or c.ref in (select value from json_each(waiting_contributions.contribution, '$.reply_to'))))",
}
"""The same for tables that only newer hubs have. Topics are named from their questions' words, and named anew later."""


def wish_erasure(db: Database, question_id: str, *, at: datetime) -> list[str]:
    """Write down that a question, what it was asked anew as, and what it was split into are to be erased; the ids.

    Raises:
        NotFound: there is no such question.
    """
    load_question(db, question_id)
    rows = fetch_all(
        db,
        "with recursive chain (id) as (select ?1 union select question_id from reopenings join chain on reopens = id "
        "union select reopens from reopenings join chain on question_id = chain.id "
        "union select questions.id from questions join chain on split_from = chain.id) "
        "select id from chain order by id",
        question_id,
    )
    ids = [str(row["id"]) for row in rows]
    for one in ids:
        sql = "insert into erasures (question_id, at) values (?, ?) on conflict do nothing"
        change(db, sql, one, format_instant(at))
    return ids


def wish_again(db: Database, question_ids: Iterable[str], *, at: datetime) -> list[str]:
    """Write down again what is not known as erased here, as in an older database; the ids of all that is."""
    missing = fetch_all(
        db,
        "select questions.id as id from json_each(?) join questions on questions.id = value "
        "where questions.id not in (select question_id from erasures)",
        json_list(question_ids),
    )
    for row in missing:
        wish_erasure(db, row["id"], at=at)
    return [str(row["question_id"]) for row in fetch_all(db, "select question_id from erasures order by at, 1")]


def list_unfinished(db: Database) -> list[str]:
    """Ids of questions whose erasure was wished and not finished."""
    rows = fetch_all(
        db, "select question_id from erasures join questions on questions.id = question_id where text <> '' order by 1"
    )
    return [str(row["question_id"]) for row in rows]


def list_unpurged(db: Database) -> list[str]:
    """Ids of erased questions whose bytes may still stand in the database's files."""
    rows = fetch_all(
        db,
        "select question_id from erasures left join questions on questions.id = question_id "
        "where purged_at is null and coalesce(text, '') = '' order by 1",
    )
    return [str(row["question_id"]) for row in rows]


def mark_purged(db: Database, question_ids: Iterable[str], *, at: datetime) -> None:
    """Note that nothing of these questions stands in the files any more."""
    sql = "update erasures set purged_at = ? where question_id in (select value from json_each(?))"
    change(db, sql, format_instant(at), json_list(question_ids))


def erase_question(db: Database, question_id: str, *, at: datetime) -> None:
    """Take the words out of a question and everything beside it; again changes nothing. It is withdrawn for good.

    A merged one stays merged, so that the other keeps its votes; what is erased takes no step any more.

    Raises:
        NotFound: there is no such question.
    """
    question = load_question(db, question_id)
    if not question.text:
        return
    author = "asker"
    if question.state is QuestionState.ON_AIR:
        question = finish_on_air(db, question_id, at=at, author=author, to=QuestionState.OPEN)
    erase_changes(db, question_id)
    tables = {row["name"] for row in fetch_all(db, "select name from sqlite_schema where type = 'table'")}
    for statement in (*_WORDS, *(sql for table, sql in _BESIDE.items() if table in tables)):
        change(db, statement, question_id)
    if "learned_names" in tables:
        erase_name(db, question.asker.name)
    details = {"session": question.session_id, "from": question.state.value}
    log_action(
        db,
        at=at,
        author=author,
        action="question.erase",
        object_kind="question",
        object_id=question_id,
        details=details,
    )
