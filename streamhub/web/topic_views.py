"""What hosts see of topics: the clusters of a session with their questions and how many people ask for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from streamhub.questions.clusters import Cluster
from streamhub.questions.question import Question
from streamhub.questions.rules import plan_queue
from streamhub.schedule.show import Session
from streamhub.store import clusters as rows
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.web.hub import Hub
from streamhub.web.views import Json, host_question_json


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicView:
    """A topic as hosts see it.

    Attributes:
        cluster: the topic.
        questions: its questions, in the host's order.
        people: how many people ask for it.
    """

    cluster: Cluster
    questions: Sequence[Question]
    people: int

    @property
    def central(self) -> Question | None:
        """The question that says it best; None where there is none."""
        found = [question for question in self.questions if question.id == self.cluster.central]
        return found[0] if found else next(iter(self.questions), None)


def load_topics(db: Database, session_id: str, questions: Sequence[Question]) -> list[TopicView]:
    """The topics of a session that have questions or are kept anyway, those of most people first."""
    people = rows.count_people(db, session_id)
    ordered = plan_queue(questions)
    views = [
        TopicView(
            cluster=cluster,
            questions=[question for question in ordered if question.id in cluster.members],
            people=people.get(cluster.id, 0),
        )
        for cluster in rows.list_clusters(db, session_id)
        if cluster.members or cluster.kept
    ]
    return sorted(views, key=lambda view: (-view.people, -len(view.questions), view.cluster.id))


async def read_topics(hub: Hub, session_id: str) -> tuple[Session, list[TopicView], list[Question]]:
    """A session with its topics, and the waiting questions that are in none."""

    def read(db: Database) -> tuple[Session, list[TopicView], list[Question]]:
        session = show_rows.load_session(db, session_id)
        questions = question_rows.list_questions(db, session_id, states=rows.GROUPED_STATES)
        topics = load_topics(db, session_id, questions)
        grouped = {question.id for topic in topics for question in topic.questions}
        return session, topics, [question for question in plan_queue(questions) if question.id not in grouped]

    return await hub.store.read(read)


def topic_json(topic: TopicView) -> Json:
    """A topic as hosts' programs see it."""
    cluster = topic.cluster
    return {
        "id": cluster.id,
        "title": cluster.title,
        "label": cluster.label,
        "name": cluster.name,
        "pinned": cluster.pinned,
        "people": topic.people,
        "central": topic.central.id if topic.central else None,
        "questions": [host_question_json(question) for question in topic.questions],
    }


def topics_state(topics: Sequence[TopicView]) -> Mapping[str, Json]:
    """What live updates tell hosts of topics."""
    return {
        topic.cluster.id: {"title": topic.cluster.title, "people": topic.people, "questions": len(topic.questions)}
        for topic in topics
    }
