"""Names: what the hub knows of a session's words before anybody listens to it.

Owns where they are gathered from; their order stands in `streamhub.transcript.glossary`. Refuses to know recognisers.
"""

from __future__ import annotations

from sqlite_utils import Database

from streamhub.questions.question import QuestionState
from streamhub.schedule.show import Session
from streamhub.store.clusters import list_clusters
from streamhub.store.glossaries import HUB_SCOPE, list_learned, load_glossary
from streamhub.store.questions import list_questions
from streamhub.store.stage import load_rundown
from streamhub.transcript.glossary import Known, Vocabulary, parse_glossary, plan_names

_UNHEARD = frozenset({QuestionState.HELD, QuestionState.DECLINED, QuestionState.WITHDRAWN})


def load_vocabulary(db: Database, session: Session) -> Vocabulary:
    """The vocabulary of a session: its people and topics, glossaries, what was learned, and its questions' words."""
    questions = [one for one in list_questions(db, session.id) if one.state not in _UNHEARD]
    show, _ = parse_glossary(load_glossary(db, session.show_id).text)
    hub, _ = parse_glossary(load_glossary(db, HUB_SCOPE).text)
    titles = [topic.title for topic in load_rundown(db, session.id).topics]
    titles += [cluster.name for cluster in list_clusters(db, session.id)]
    titles += sorted({topic for question in questions for topic in question.topics})
    return plan_names(
        Known(
            language=session.language,
            people=[person.name for person in session.participants],
            products=sorted({product for question in questions for product in question.products}),
            show=show,
            hub=hub,
            learned=[(one.heard, one.said, one.times) for one in list_learned(db, session.show_id)],
            titles=titles,
            texts=[question.text for question in questions],
        )
    )
