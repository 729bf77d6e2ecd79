"""What deeds of hosts touch beside questions: stories, proposed answers, topics, and which topic a question is in.

A thing is named by its kind and id, such as ``story:k3…``. Its shot holds what hosts decide about it and no words of
those who wrote it, apart from a topic's name. Refuses to know which deed is undone and whether it may be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlite_utils import Database

from streamhub.errors import WrongState
from streamhub.questions.change import Shots, Snapshot
from streamhub.questions.refusal import Refusal
from streamhub.questions.writing import ProposalState, StoryState
from streamhub.store import proposals, stories
from streamhub.store.log import log_action
from streamhub.store.rows import change, fetch_one, insert, upsert

_READS: Mapping[str, str] = {
    "story": "select state from stories where id = ?",
    "proposal": "select state from proposals where id = ? and state <> 'erased'",
    "topic": "select session_id, name, label, pinned from clusters where id = ?",
    "member": "select cluster_id, placed from cluster_members where question_id = ?",
}


def name_thing(kind: str, id_: str) -> str:
    """The name of a thing."""
    return f"{kind}:{id_}"


def shoot_things(db: Database, names: Iterable[str]) -> dict[str, Snapshot | None]:
    """How things are now; None for one that is not there."""
    return {name: fetch_one(db, _READS[_kind(name)], _id(name)) for name in names}


def restore_things(db: Database, wanted: Shots, *, at: datetime, author: str) -> None:
    """Make things as they were. The archive is not told: whoever calls sees to that.

    Raises:
        WrongState: one was taken back by whoever wrote it, or a topic that a question was in is gone.
    """
    for name in _of_kind(wanted, "topic"):
        if wanted[name] is not None:
            _put_topic(db, _id(name), wanted[name] or {})
    for name in _of_kind(wanted, "member"):
        _put_member(db, _id(name), wanted[name])
    for name in _of_kind(wanted, "topic"):
        if wanted[name] is None:
            change(db, "delete from clusters where id = ?", _id(name))
    for name in (*_of_kind(wanted, "topic"), *_of_kind(wanted, "member")):
        log_action(
            db,
            at=at,
            author=author,
            action="topic.restore",
            object_kind="topic",
            object_id=_id(name),
            details={"kind": _kind(name)},
        )
    for name in _of_kind(wanted, "story"):
        shot = _require(db, name, wanted[name])
        stories.decide_story_state(db, _id(name), StoryState(shot["state"]), at=at, author=author)
    # The accepted one first: what was accepted until now steps aside for it, and the question stays answered.
    answers = [(name, _require(db, name, wanted[name])) for name in _of_kind(wanted, "proposal")]
    for name, shot in sorted(answers, key=lambda one: one[1]["state"] != ProposalState.ACCEPTED):
        proposals.decide_proposal(db, _id(name), ProposalState(shot["state"]), at=at, author=author)


def _put_topic(db: Database, cluster_id: str, shot: Snapshot) -> None:
    if fetch_one(db, "select 1 from clusters where id = ?", cluster_id):
        change(db, "update clusters set name = ?, pinned = ? where id = ?", shot["name"], shot["pinned"], cluster_id)
    else:
        insert(db, "clusters", {"id": cluster_id, "central": "", **shot})


def _put_member(db: Database, question_id: str, shot: Snapshot | None) -> None:
    if shot is None:
        change(db, "delete from cluster_members where question_id = ?", question_id)
        return
    cluster_id = shot["cluster_id"]
    if cluster_id and not fetch_one(db, "select 1 from clusters where id = ?", cluster_id):
        message = f"topic {cluster_id}: is not there any more"
        raise WrongState(message, hint="group the questions again", code=Refusal.TOPICS_CHANGED)
    upsert(db, "cluster_members", {"question_id": question_id, **shot}, key=["question_id"])


def _require(db: Database, name: str, shot: Snapshot | None) -> Snapshot:
    if shot is None or shoot_things(db, [name])[name] is None:
        raise WrongState(f"{name}: was taken back by its writer", code=Refusal.TAKEN_BACK)
    return shot


def _of_kind(names: Iterable[str], kind: str) -> list[str]:
    return [name for name in names if _kind(name) == kind]


def _kind(name: str) -> str:
    return name.partition(":")[0]


def _id(name: str) -> str:
    return name.partition(":")[2]
