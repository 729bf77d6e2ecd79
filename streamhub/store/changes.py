"""The journal of changes as rows: what hosts did to questions, and how it is taken back.

Owns the tables ``changes`` and ``changed_questions``. A change holds words, so `erase_changes` can blank them; the log
beside it (`streamhub.store.log`) holds none and lasts. What stands against an undo is decided by
`streamhub.questions.curating`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlite_utils import Database

from streamhub.errors import NotFound, Overtaken
from streamhub.questions.change import UNDO, Change, Deed, Shots, Snapshot, snapshot
from streamhub.questions.curating import Clash, find_clash
from streamhub.questions.question import QuestionState
from streamhub.store.questions import load_question
from streamhub.store.restoring import restore_question
from streamhub.store.rows import Row, change, fetch_all, fetch_one, insert, json_list
from streamhub.store.things import restore_things, shoot_things
from streamhub.timecode import format_instant, parse_instant


def record_change(
    db: Database,
    deed: Deed,
    ids: Sequence[str],
    do: Callable[[], Iterable[str]],
    *,
    things: Sequence[str] = (),
    about: Sequence[str] = (),
) -> Change | None:
    """Do something to questions or to what hangs on them, and note in the journal what changed; None when nothing did.

    Args:
        db: the database.
        deed: who does what.
        ids: the questions that it may change, the one that is meant first.
        do: does it; returns ids of questions that it made.
        things: what it may change beside questions, by `streamhub.store.things.name_thing`.
        about: ids of questions that it is about, and whose own fields follow by themselves when it is undone.

    Raises:
        StreamhubError: whatever ``do`` raises.
    """
    questions = {id_: load_question(db, id_) for id_ in ids}
    versions = {id_: load_question(db, id_).version for id_ in about}
    old_things = shoot_things(db, things)
    made = tuple(do())
    new_things = {name: shot for name, shot in shoot_things(db, things).items() if shot != old_things[name]}
    before: dict[str, Snapshot] = {}
    after: dict[str, Snapshot] = {}
    for id_ in (*questions, *made):
        now = load_question(db, id_)
        old = snapshot(questions[id_]) if id_ in questions else {}
        changed = {name: value for name, value in snapshot(now).items() if name not in old or old[name] != value}
        if changed:
            before[id_] = {name: old[name] for name in changed if name in old}
            after[id_] = {**changed, "version": now.version}
    if not after and not new_things:
        return None
    followed = {id_: load_question(db, id_).version for id_ in versions}
    after |= {id_: {"version": version} for id_, version in followed.items() if version != versions[id_]}
    stand_for = [shot["merged_into"] for shot in (*after.values(), *before.values()) if shot.get("merged_into")]
    named = tuple(dict.fromkeys((*ids[:1], *about, *after, *stand_for)))
    number = insert(
        db,
        "changes",
        {
            "session_id": deed.session_id,
            "at": format_instant(deed.at),
            "author": deed.author,
            "action": deed.action,
            "question_ids": json_list(named),
            "before": _json(before),
            "after": _json(after),
            "undoes": deed.undoes,
            "undone_by": None,
            "things_before": _json({name: old_things[name] for name in new_things}),
            "things_after": _json(new_things),
        },
    )
    for id_ in named:
        insert(db, "changed_questions", {"question_id": id_, "change_id": number})
    return load_change(db, number)


def load_change(db: Database, change_id: int) -> Change:
    """The change of that id.

    Raises:
        NotFound: there is none.
    """
    row = fetch_one(db, "select * from changes where id = ?", change_id)
    if row is None:
        raise NotFound(f"change {change_id}: there is no such change")
    return _change(row)


def list_changes(db: Database, session_id: str, *, limit: int = 50) -> list[Change]:
    """The latest changes in a session, newest first."""
    rows = fetch_all(db, "select * from changes where session_id = ? order by id desc limit ?", session_id, limit)
    return [_change(row) for row in rows]


def latest_change(db: Database, session_id: str) -> int:
    """Number of the latest change in a session; 0 while there is none."""
    row = fetch_one(db, "select max(id) as latest from changes where session_id = ?", session_id)
    return int(row["latest"] or 0) if row else 0


def list_changes_of(db: Database, question_ids: Iterable[str]) -> list[Change]:
    """All changes of some questions, oldest first."""
    rows = fetch_all(
        db,
        "select * from changes where id in (select change_id from changed_questions "
        "where question_id in (select value from json_each(?))) order by id",
        json_list(question_ids),
    )
    return [_change(row) for row in rows]


def find_latest(db: Database, session_id: str, author: str) -> Change | None:
    """The latest change of an author in a session that stands and is no undo; None when there is none."""
    row = fetch_one(
        db,
        "select * from changes where session_id = ? and author = ? and undone_by is null and undoes is null "
        "order by id desc limit 1",
        session_id,
        author,
    )
    return _change(row) if row else None


def undo_change(db: Database, change_id: int, deed: Deed) -> Change | None:
    """Take a change back, as a change of its own; None when somebody took it back already or its words were erased.

    Marks are never deleted: what was put on air by mistake gets the mark that takes it back.

    Raises:
        NotFound: there is no such change in the deed's session.
        Overtaken: what it changed was changed again since.
        Conflict: it cannot be as it was, because something else is on air by now or the session is not live.
    """
    undone = load_change(db, change_id)
    if undone.session_id != deed.session_id:
        raise NotFound(f"change {change_id}: there is no such change in session {deed.session_id}")
    if not undone.stands:
        return None
    ids = [id_ for id_ in undone.question_ids if undone.touches(id_)]
    questions = {id_: load_question(db, id_) for id_ in ids}
    things = shoot_things(db, undone.things_after)
    later = [one for one in list_changes_of(db, undone.question_ids) if one.id > undone.id]
    clash = find_clash(undone, questions, later, things)
    if clash is not None:
        raise _overtaken(undone, clash)

    def restore() -> tuple[str, ...]:
        off_air_first = sorted(questions.values(), key=lambda q: q.state is not QuestionState.ON_AIR)
        for question in off_air_first:
            restore_question(db, question.id, undone.before.get(question.id, {}), at=deed.at, author=deed.author)
        restore_things(db, undone.things_before, at=deed.at, author=deed.author)
        return ()

    about = [id_ for id_ in undone.question_ids if id_ not in questions] if things else []
    made = record_change(db, deed, ids, restore, things=list(things), about=about)
    if made is None and not ids:
        return None  # its words were erased, so nobody knows what it did
    if made is None:  # what it changed follows another question by now, which one of them was merged into
        merged = [one for one in later if one.stands and any("merged_into" in one.touches(id_) for id_ in ids)]
        raise _overtaken(undone, Clash(question_id=ids[0], by=merged[-1] if merged else None))
    change(db, "update changes set undone_by = ? where id = ?", made.id, undone.id)
    if undone.action == UNDO and undone.undoes is not None:  # what had been taken back stands again
        change(db, "update changes set undone_by = null where id = ?", undone.undoes)
    return made


def find_state_before(db: Database, question_id: str) -> QuestionState:
    """The state that a merged question had before it was merged; open when nobody knows."""
    for one in reversed(list_changes_of(db, [question_id])):
        after, before = one.after.get(question_id, {}), one.before.get(question_id, {})
        if after.get("state") == QuestionState.MERGED.value and "state" in before:
            return QuestionState(before["state"])
    return QuestionState.OPEN


def erase_changes(db: Database, question_id: str) -> int:
    """Blank what the journal holds of a question, for its asker's sake; it can be undone no more. Returns how many."""
    changes = list_changes_of(db, [question_id])
    for one in changes:
        change(
            db,
            "update changes set before = ?, after = ? where id = ?",
            _json({id_: shot for id_, shot in one.before.items() if id_ != question_id}),
            _json({id_: shot for id_, shot in one.after.items() if id_ != question_id}),
            one.id,
        )
    # Names of topics may hold its words, whoever is in them by now.
    sql = (
        "update changes set things_before = '{}', things_after = '{}' "
        "where (session_id = (select session_id from questions where id = ?1) "
        "or id in (select change_id from changed_questions where question_id = ?1)) "
        "and things_before || things_after like '%\"topic:%'"
    )
    change(db, sql, question_id)
    return len(changes)


def _overtaken(undone: Change, clash: Clash) -> Overtaken:
    by = clash.by
    return Overtaken(
        f"change {undone.id}: {f'question {clash.question_id}' if clash.question_id else 'it'} was changed since",
        hint="undo what came after it first, or change the question as you want it",
        author=by.author if by else "",
        action=by.action if by else "",
        at=by.at if by else None,
    )


def _json(shots: Shots) -> str:
    plain = {id_: None if shot is None else dict(shot) for id_, shot in shots.items()}
    return json.dumps(plain, ensure_ascii=False)


def _change(row: Row) -> Change:
    kinds: dict[str, Any] = {
        "at": parse_instant(row["at"]),
        "question_ids": tuple(json.loads(row["question_ids"])),
        "before": json.loads(row["before"]),
        "after": json.loads(row["after"]),
        "things_before": json.loads(row["things_before"]),
        "things_after": json.loads(row["things_after"]),
    }
    return Change(**{**row, **kinds})
