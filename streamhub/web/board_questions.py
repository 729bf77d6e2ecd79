"""What the console shows of questions: columns, the inbox as it was asked for, who did what, what can be chosen.

Reads the store in one look; the pages around it are `streamhub.web.host`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlite_utils import Database

from streamhub.questions.change import Change
from streamhub.questions.curating import InboxFilter, InboxOrder, plan_inbox
from streamhub.questions.question import Question, QuestionState
from streamhub.questions.rules import plan_queue
from streamhub.store import carrying, changes

INBOX = frozenset({QuestionState.RECEIVED, QuestionState.HELD, QuestionState.OPEN, QuestionState.CARRIED_OVER})
SHOWN_AT_ONCE = 60
"""How many questions of the inbox are shown before somebody asks for all, so that a bad line carries the board."""

HAPPENED = 25


def read_filter(query: Mapping[str, str]) -> InboxFilter:
    """What an address asks of the inbox; what makes no sense counts as not said."""
    order = query.get("sort", "")
    return InboxFilter(
        order=InboxOrder(order) if order in set(InboxOrder) else InboxOrder.VOTES,
        source=query.get("source", "")[:40],
        topic=query.get("topic", "")[:80],
        state=query.get("state", "")[:20],
        text=query.get("text", "")[:200],
    )


def read_curation(db: Database, session_id: str) -> dict[str, Any]:
    """What hosts did in a session, and what left it."""
    return {
        "happened": changes.list_changes(db, session_id, limit=HAPPENED),
        "carries": carrying.list_carries(db, session_id),
        "following": carrying.find_next(db, session_id),
    }


def plan_columns(questions: Sequence[Question], wanted: InboxFilter, *, everything: bool = False) -> dict[str, Any]:
    """The columns of the board: on air, queue, inbox, and what is behind us."""
    ordered = plan_queue(questions)
    waiting = [q for q in ordered if q.state in INBOX]
    inbox = plan_inbox(waiting, wanted)
    shown = inbox if everything else inbox[:SHOWN_AT_ONCE]
    return {
        "on_air": next((q for q in ordered if q.state is QuestionState.ON_AIR), None),
        "queue": [q for q in ordered if q.state is QuestionState.QUEUED],
        "inbox": shown,
        "inbox_count": len(waiting),
        "inbox_found": len(inbox),
        "behind": [
            q
            for q in ordered
            if q.state not in INBOX | {QuestionState.QUEUED, QuestionState.ON_AIR, QuestionState.MERGED}
        ],
        "merged": plan_merged(questions),
        "filter": wanted,
        "sources": sorted({q.source for q in waiting}),
        "topics": sorted({topic for q in waiting for topic in q.topics}),
        "states": [state.value for state in QuestionState if any(q.state is state for q in waiting)],
        "unseen": sum(not q.seen for q in waiting),
    }


def plan_merged(questions: Iterable[Question]) -> dict[str, list[Question]]:
    """Merged questions by the one that stands for them."""
    known = {question.id: question for question in questions}
    merged: dict[str, list[Question]] = {}
    for question in known.values():
        top = question
        while top.merged_into in known:
            top = known[top.merged_into]
        if top is not question:
            merged.setdefault(top.id, []).append(question)
    return merged


def plan_latest(happened: Sequence[Change]) -> dict[str, Change]:
    """The latest change of each question among some, newest first, that stands."""
    latest: dict[str, Change] = {}
    for change in happened:
        for question_id in change.question_ids if change.stands and not change.action.startswith("topic-") else ():
            latest.setdefault(question_id, change)
    return latest
