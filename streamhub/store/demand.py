"""What people want answered, as the planner reads it; and what was planned for it.

Reads questions with their topics, and owns the tables ``planner_frame`` (what hosts said last) and
``planned_questions`` (which questions a session is meant to answer, so that no second one is planned for them).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from streamhub.questions.question import Asker, QuestionState, Shown
from streamhub.schedule.show import SessionState
from streamhub.store.log import log_action
from streamhub.store.rows import Row, change, fetch_all, fetch_one, insert, json_list
from streamhub.timecode import format_instant, parse_instant

WAITING = frozenset({QuestionState.OPEN, QuestionState.QUEUED, QuestionState.CARRIED_OVER})
"""States of questions that the planner plans for: let in by hosts, not answered."""
AHEAD = frozenset(
    {SessionState.DRAFT, SessionState.SCHEDULED, SessionState.OPEN, SessionState.REHEARSAL, SessionState.LIVE}
)
"""States of sessions that are still to come, or on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedFor:
    """A question that waits.

    Attributes:
        id, text, language, asked_at: the question's.
        people: how many want it answered, the asker counted, merged questions included.
        topics, products: as hosts set them.
        cluster: title of the topic that the hub found, or a host named; may be empty.
        cluster_id: its id; may be empty.
        asker: the name that may be shown; may be empty.
    """

    id: str
    text: str
    language: str
    asked_at: datetime
    people: int
    topics: tuple[str, ...]
    products: tuple[str, ...]
    cluster: str
    cluster_id: str
    asker: str


def list_asked_for(db: Database) -> list[AskedFor]:
    """The questions that wait for an answer and that no session is planned for, oldest first."""
    rows = fetch_all(
        db,
        "select q.id, q.text, q.language, q.asked_at, q.votes, q.topics, q.products, q.asker_name, q.asker_shown, "
        "coalesce(c.id, '') as cluster_id, case when coalesce(c.name, '') <> '' then c.name else coalesce(c.label, '') "
        "end as cluster from questions q join sessions s on s.id = q.session_id "
        "left join cluster_members m on m.question_id = q.id left join clusters c on c.id = m.cluster_id "
        "where q.state in (select value from json_each(?1)) and q.merged_into is null and q.for_writing = 0 "
        "and s.state <> 'live' "
        "and not exists (select 1 from planned_questions p join sessions t on t.id = p.session_id "
        "where p.question_id = q.id and t.state in (select value from json_each(?2))) order by q.asked_at, q.id",
        json_list(sorted(WAITING)),
        json_list(sorted(AHEAD)),
    )
    return [
        AskedFor(
            id=row["id"],
            text=row["text"],
            language=row["language"],
            asked_at=parse_instant(row["asked_at"]),
            people=row["votes"] + 1,
            topics=tuple(json.loads(row["topics"])),
            products=tuple(json.loads(row["products"])),
            cluster=row["cluster"],
            cluster_id=row["cluster_id"],
            asker=Asker(name=row["asker_name"], shown=Shown(row["asker_shown"])).public_name,
        )
        for row in rows
    ]


def count_askers(db: Database, question_ids: Iterable[str]) -> int:
    """How many people want some questions answered: who asked, voted or told a case, each once as far as is known."""
    row = fetch_one(
        db,
        "with recursive family(id) as (select value from json_each(?1) union "
        "select q.id from questions q join family on q.merged_into = family.id), people(person) as ("
        "select voter from votes join family on family.id = votes.question_id union "
        "select voter from stories join family on family.id = stories.question_id union "
        "select coalesce(claims.voter, 'of ' || family.id) from family "
        "left join claims on claims.question_id = family.id) select count(*) as people from people",
        json_list(question_ids),
    )
    return int(row["people"]) if row else 0


def list_names(db: Database, *, since: datetime) -> list[tuple[str, datetime, datetime]]:
    """Who is in which session from an instant on: name, start and end, sessions that are called off left out."""
    rows = fetch_all(
        db,
        "select p.name, s.starts_at, s.planned_minutes from participants p join sessions s on s.id = p.session_id "
        "where s.starts_at >= ? and s.state not in ('cancelled', 'moved') order by s.starts_at, s.id, p.position",
        format_instant(since),
    )
    return [(str(row["name"]), *_stretch(row)) for row in rows]


def list_invited(db: Database, *, since: datetime) -> list[tuple[str, datetime, datetime]]:
    """Who is asked into which session from an instant on and has not declined: person's id, start and end."""
    rows = fetch_all(
        db,
        "select i.person_id, s.starts_at, s.planned_minutes from invitations i join sessions s on s.id = i.session_id "
        "where s.starts_at >= ? and s.state not in ('cancelled', 'moved') and i.withdrawn_at is null "
        "and i.reply <> 'declined' order by s.starts_at, s.id, i.person_id",
        format_instant(since),
    )
    return [(str(row["person_id"]), *_stretch(row)) for row in rows]


def list_taken(db: Database, *, since: datetime) -> list[tuple[datetime, datetime]]:
    """When sessions are held from an instant on, those that are called off left out."""
    rows = fetch_all(
        db,
        "select starts_at, planned_minutes from sessions where starts_at >= ? and state not in ('cancelled', 'moved') "
        "order by starts_at, id",
        format_instant(since - timedelta(days=1)),
    )
    return [_stretch(row) for row in rows]


def _stretch(row: Row) -> tuple[datetime, datetime]:
    begin = parse_instant(row["starts_at"])
    return begin, begin + timedelta(minutes=row["planned_minutes"])


def save_planned(db: Database, session_id: str, question_ids: Iterable[str], *, at: datetime, author: str) -> None:
    """Note which questions a session is planned for."""
    ids = sorted(set(question_ids))
    change(db, "delete from planned_questions where session_id = ?", session_id)
    for question_id in ids:
        insert(db, "planned_questions", {"session_id": session_id, "question_id": question_id})
    log_action(
        db,
        at=at,
        author=author,
        action="session.planned_for",
        object_kind="session",
        object_id=session_id,
        details={"questions": len(ids)},
    )


def list_planned(db: Database, session_id: str) -> list[str]:
    """Ids of the questions that a session is planned for."""
    rows = fetch_all(db, "select question_id from planned_questions where session_id = ? order by 1", session_id)
    return [str(row["question_id"]) for row in rows]


def load_frame(db: Database) -> str:
    """What hosts said last of how to plan; empty where nobody did."""
    row = fetch_one(db, "select frame from planner_frame where id = 1")
    return str(row["frame"]) if row else ""


def save_frame(db: Database, frame: str, *, at: datetime, author: str) -> None:
    """Keep what a host says of how to plan."""
    change(db, "delete from planner_frame")
    insert(db, "planner_frame", {"id": 1, "frame": frame, "at": format_instant(at), "author": author})
    log_action(db, at=at, author=author, action="planner.frame", object_kind="planner", object_id="frame", details={})
