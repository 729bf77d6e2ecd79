"""What hosts do with stories and proposed answers: the console's buttons, and the API beside them."""

from __future__ import annotations

from aiohttp import web
from sqlite_utils import Database

from streamhub.questions.answering import plan_proposals
from streamhub.questions.writing import Proposal, Story
from streamhub.store import proposals as proposal_rows
from streamhub.store import questions as question_rows
from streamhub.store import stories as story_rows
from streamhub.web import writing
from streamhub.web.access import Action, allow
from streamhub.web.bodies import NoteBody, read_body
from streamhub.web.hub import hub_of
from streamhub.web.pages import see_other
from streamhub.web.question_page import proposal_json, story_json
from streamhub.web.security import read_form
from streamhub.web.views import Json

routes = web.RouteTableDef()


@routes.post("/host/s/{session_id}/stories/{story_id}/{action}")
@allow(Action.CURATE)
async def decide_story(request: web.Request) -> web.StreamResponse:
    """Show a story, hold it, or decline it."""
    session_id, note = request.match_info["session_id"], (await read_form(request)).get("note", "")
    story = await writing.decide_story_for(
        request, request.match_info["story_id"], request.match_info["action"], note=note, session_id=session_id
    )
    return see_other(f"/host/s/{session_id}#q-{story.question_id}")


@routes.post("/host/s/{session_id}/proposals/{proposal_id}/{action}")
@allow(Action.CURATE)
async def decide_proposal(request: web.Request) -> web.StreamResponse:
    """Accept a proposed answer, show it beside the accepted one, hold it, decline it, or undo its acceptance."""
    session_id, note = request.match_info["session_id"], (await read_form(request)).get("note", "")
    proposal = await writing.decide_proposal_for(
        request, request.match_info["proposal_id"], request.match_info["action"], note=note, session_id=session_id
    )
    return see_other(f"/host/s/{session_id}#q-{proposal.accepted_for or proposal.question_id}")


def _host_json(body: Json, note: str) -> Json:
    return {**body, "note": note}


@routes.get("/api/v1/host/questions/{question_id}/writing")
@allow(Action.SEE_CONSOLE)
async def list_writing(request: web.Request) -> web.StreamResponse:
    """All stories and proposed answers of a question, whatever their state."""
    question_id = request.match_info["question_id"]

    def read(db: Database) -> tuple[list[Story], list[Proposal]]:
        question_rows.load_question(db, question_id)
        stories = story_rows.list_stories(db, [question_id]).get(question_id, [])
        return stories, proposal_rows.list_proposals(db, [question_id]).get(question_id, [])

    stories, proposals = await hub_of(request).store.read(read)
    return web.json_response(
        {
            "stories": [_host_json(story_json(one), one.note) for one in stories],
            "answers": [_host_json(proposal_json(one), one.note) for one in plan_proposals(proposals)],
        }
    )


@routes.post("/api/v1/host/stories/{story_id}/{action}")
@allow(Action.CURATE)
async def decide_story_by_api(request: web.Request) -> web.StreamResponse:
    """Do one of `writing.STORY_ACTIONS` to a story."""
    note = (await read_body(request, NoteBody, optional=True)).note
    story = await writing.decide_story_for(
        request, request.match_info["story_id"], request.match_info["action"], note=note
    )
    return web.json_response(_host_json(story_json(story), story.note))


@routes.post("/api/v1/host/proposals/{proposal_id}/{action}")
@allow(Action.CURATE)
async def decide_proposal_by_api(request: web.Request) -> web.StreamResponse:
    """Do one of `writing.PROPOSAL_ACTIONS` to a proposed answer, or ``undo`` its acceptance."""
    note = (await read_body(request, NoteBody, optional=True)).note
    proposal = await writing.decide_proposal_for(
        request, request.match_info["proposal_id"], request.match_info["action"], note=note
    )
    return web.json_response(_host_json(proposal_json(proposal), proposal.note))
