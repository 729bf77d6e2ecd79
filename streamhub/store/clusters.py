"""Clusters of questions as rows: what the machine proposed and what hosts made of it.

Owns the tables ``clusters`` and ``cluster_members``. A question stands in one cluster at most; a row without a cluster
means that a host took it out of all of them. The log knows ids alone, never names.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlite_utils import Database

from streamhub.errors import BadInput, NotFound, WrongState
from streamhub.questions.clusters import Cluster
from streamhub.questions.question import QuestionState
from streamhub.questions.refusal import Refusal
from streamhub.store.log import log_action
from streamhub.store.rows import change, fetch_all, fetch_one, insert, json_list, upsert

GROUPED_STATES = frozenset(
    {
        QuestionState.RECEIVED,
        QuestionState.HELD,
        QuestionState.OPEN,
        QuestionState.QUEUED,
        QuestionState.ON_AIR,
        QuestionState.CARRIED_OVER,
    }
)
"""States of questions that wait for an answer: the only ones that belong to a topic."""


def list_clusters(db: Database, session_id: str) -> list[Cluster]:
    """The clusters of a session with the questions that still wait; those of most questions first."""
    members: dict[str, dict[str, bool]] = {}
    for row in fetch_all(
        db,
        "select m.question_id, m.cluster_id, m.placed from cluster_members m join questions q on q.id = m.question_id "
        "where q.session_id = ? and m.cluster_id is not null and q.state in (select value from json_each(?))",
        session_id,
        json_list(GROUPED_STATES),
    ):
        members.setdefault(str(row["cluster_id"]), {})[str(row["question_id"])] = bool(row["placed"])
    rows = fetch_all(db, "select * from clusters where session_id = ? order by id", session_id)
    clusters = [
        Cluster(
            id=row["id"],
            session_id=session_id,
            label=row["label"],
            name=row["name"],
            central=row["central"],
            pinned=bool(row["pinned"]),
            members=frozenset(members.get(row["id"], {})),
            placed=frozenset(member for member, placed in members.get(row["id"], {}).items() if placed),
        )
        for row in rows
    ]
    return sorted(clusters, key=lambda one: (-len(one.members), one.id))


def load_cluster(db: Database, session_id: str, cluster_id: str) -> Cluster:
    """A cluster of a session.

    Raises:
        NotFound: it has none of that id.
    """
    for cluster in list_clusters(db, session_id):
        if cluster.id == cluster_id:
            return cluster
    raise NotFound(f"topic {cluster_id}: session {session_id} has no such topic", hint="look at the session's topics")


def list_alone(db: Database, session_id: str) -> frozenset[str]:
    """Questions that a host took out of all clusters."""
    rows = fetch_all(
        db,
        "select question_id from cluster_members join questions on questions.id = question_id "
        "where session_id = ? and cluster_id is null",
        session_id,
    )
    return frozenset(str(row["question_id"]) for row in rows)


def save_clusters(
    db: Database, session_id: str, before: Sequence[Cluster], after: Sequence[Cluster], *, at: datetime
) -> None:
    """Keep a new grouping; whatever hosts placed, named or pinned has to be in it.

    Raises:
        Conflict: the clusters are not any more what the grouping was made from, or a question of theirs was erased.
    """
    members = json_list(sorted(member for one in after for member in one.members))
    sql = "select 1 from erasures where question_id in (select value from json_each(?))"
    erased = fetch_one(db, sql, members) is not None  # then its words may stand in a label
    if erased or {one.id: one for one in list_clusters(db, session_id)} != {one.id: one for one in before}:
        message = f"topics of session {session_id}: changed meanwhile"
        raise WrongState(message, hint="group them again", code=Refusal.TOPICS_CHANGED)
    for cluster_id in {one.id for one in before} - {one.id for one in after}:
        change(db, "delete from clusters where id = ?", cluster_id)
    change(
        db,
        "delete from cluster_members where placed = 0 "
        "and question_id in (select id from questions where session_id = ?)",
        session_id,
    )
    for cluster in after:
        upsert(
            db,
            "clusters",
            {
                "id": cluster.id,
                "session_id": session_id,
                "label": cluster.label,
                "name": cluster.name,
                "central": cluster.central,
                "pinned": int(cluster.pinned),
            },
            key=["id"],
        )
        for member in sorted(cluster.members - cluster.placed):
            _put(db, member, cluster.id, placed=False)
    _log(db, session_id, "topics.group", at=at, author="", object_id=session_id, clusters=len(after))


def join_cluster(db: Database, session_id: str, cluster_id: str, question_id: str) -> None:
    """Let a new question into a cluster, unless it is somewhere already.

    Raises:
        NotFound: there is no such cluster.
    """
    load_cluster(db, session_id, cluster_id)
    if fetch_one(db, "select 1 from cluster_members where question_id = ?", question_id) is None:
        _put(db, question_id, cluster_id, placed=False)


def name_cluster(db: Database, session_id: str, cluster_id: str, name: str, *, at: datetime, author: str) -> None:
    """Give a cluster a name, or take it back with an empty one.

    Raises:
        NotFound: there is no such cluster.
    """
    load_cluster(db, session_id, cluster_id)
    change(db, "update clusters set name = ? where id = ?", name, cluster_id)
    _log(db, session_id, "topic.name", at=at, author=author, object_id=cluster_id)


def pin_cluster(db: Database, session_id: str, cluster_id: str, pinned: bool, *, at: datetime, author: str) -> None:
    """Keep a cluster as it is whatever the machine finds, or give it back to the machine.

    Raises:
        NotFound: there is no such cluster.
    """
    load_cluster(db, session_id, cluster_id)
    change(db, "update clusters set pinned = ? where id = ?", int(pinned), cluster_id)
    _log(db, session_id, "topic.pin", at=at, author=author, object_id=cluster_id, pinned=pinned)


def merge_clusters(db: Database, session_id: str, cluster_id: str, into: str, *, at: datetime, author: str) -> None:
    """Make one cluster of two; the other one's id and name stay.

    Raises:
        NotFound: there is no such cluster.
        BadInput: they are one and the same.
    """
    if cluster_id == into:
        raise BadInput(f"topic {cluster_id}: cannot be merged with itself", hint="choose another topic")
    source = load_cluster(db, session_id, cluster_id)
    load_cluster(db, session_id, into)
    for member in source.members:
        _put(db, member, into, placed=True)
    change(db, "delete from clusters where id = ?", cluster_id)
    _log(db, session_id, "topic.merge", at=at, author=author, object_id=cluster_id, into=into)


def split_cluster(
    db: Database,
    session_id: str,
    cluster_id: str,
    question_ids: Collection[str],
    *,
    new_id: str,
    at: datetime,
    author: str,
) -> None:
    """Make a cluster of its own out of some questions of one.

    Raises:
        NotFound: there is no such cluster.
        BadInput: none of its questions were named, or all of them.
    """
    source = load_cluster(db, session_id, cluster_id)
    chosen = source.members & frozenset(question_ids)
    if not chosen or chosen == source.members:
        raise BadInput(f"topic {cluster_id}: no part of it was chosen", hint="choose some of its questions, not all")
    insert(
        db,
        "clusters",
        {"id": new_id, "session_id": session_id, "label": source.label, "name": "", "central": "", "pinned": 0},
    )
    change(
        db,
        "update clusters set central = '' where id = ? and central in (select value from json_each(?))",
        cluster_id,
        json_list(chosen),
    )
    for member in source.members:
        _put(db, member, new_id if member in chosen else cluster_id, placed=True)
    _log(db, session_id, "topic.split", at=at, author=author, object_id=cluster_id, into=new_id)


def move_question(
    db: Database, session_id: str, question_id: str, cluster_id: str, *, at: datetime, author: str
) -> None:
    """Put a question into a cluster, or into none with an empty id; the machine leaves it there.

    Raises:
        NotFound: there is no such cluster, or no such question in the session.
    """
    if fetch_one(db, "select 1 from questions where id = ? and session_id = ?", question_id, session_id) is None:
        raise NotFound(f"question {question_id}: there is no such question in session {session_id}")
    if cluster_id:
        load_cluster(db, session_id, cluster_id)
    _put(db, question_id, cluster_id or None, placed=True)
    _log(db, session_id, "topic.move", at=at, author=author, object_id=question_id, into=cluster_id)


def count_people(db: Database, session_id: str) -> dict[str, int]:
    """How many people ask for each cluster: who voted, told a case or asked, each once, merged questions included.

    Somebody who asked and voted elsewhere in the cluster is one person where the hub knows whose question it is.
    """
    rows = fetch_all(
        db,
        "with recursive family(cluster, id) as ("
        " select m.cluster_id, q.id from cluster_members m join questions q on q.id = m.question_id"
        " where q.session_id = ?1 and m.cluster_id is not null and q.state in (select value from json_each(?2))"
        " union select family.cluster, q.id from questions q join family on q.merged_into = family.id),"
        " people(cluster, person) as ("
        " select family.cluster, votes.voter from votes join family on family.id = votes.question_id"
        " union select family.cluster, stories.voter from stories join family on family.id = stories.question_id"
        " union select family.cluster, coalesce(claims.voter, 'of ' || family.id) from family"
        " left join claims on claims.question_id = family.id)"
        " select cluster, count(*) as people from people group by cluster",
        session_id,
        json_list(GROUPED_STATES),
    )
    return {str(row["cluster"]): int(row["people"]) for row in rows}


def _put(db: Database, question_id: str, cluster_id: str | None, *, placed: bool) -> None:
    row = {"question_id": question_id, "cluster_id": cluster_id, "placed": int(placed)}
    upsert(db, "cluster_members", row, key=["question_id"])


def _log(
    db: Database, session_id: str, action: str, *, at: datetime, author: str, object_id: str, **details: object
) -> None:
    everything = {"session": session_id, **details}
    log_action(db, at=at, author=author, action=action, object_kind="topic", object_id=object_id, details=everything)
