"""Links that last: a question's own address, wherever the question stands today.

``/q/<question>`` follows a question that was merged to the one that stands for it, and one that was carried over to the
session that it moved to. Held and declined questions have none.
"""

from __future__ import annotations

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import NotFound
from streamhub.questions.question import Question
from streamhub.questions.rules import PUBLIC_STATES
from streamhub.store import public as public_rows
from streamhub.store import questions as question_rows
from streamhub.web.access import Action, allow
from streamhub.web.hub import hub_of
from streamhub.web.pages import see_other

routes = web.RouteTableDef()


@routes.get("/q/{question_id}")
@allow(Action.SEE_PUBLIC)
async def show_question(request: web.Request) -> web.StreamResponse:
    """Lead to where a question stands."""
    question_id = request.match_info["question_id"]

    def find(db: Database) -> Question:
        question = question_rows.resolve_question(db, question_id)
        public_rows.load_session(db, question.session_id)
        if question.state not in PUBLIC_STATES:
            raise NotFound(f"question {question_id}: there is no such question")
        return question

    question = await hub_of(request).store.read(find)
    return see_other(f"/s/{question.session_id}#q-{question.id}")
