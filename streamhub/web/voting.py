"""Voting: buttons and API of the audience, votes in doubt for the hosts, and the page that explains all of it."""

from __future__ import annotations

import logging

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import BadInput, NotFound
from streamhub.store import votes as vote_rows
from streamhub.store.votes import Cast, Suspects, Verdict
from streamhub.web import desk
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.bodies import VerdictBody, read_body
from streamhub.web.budget import NEW_VOTERS_PER_MINUTE
from streamhub.web.hub import hub_of
from streamhub.web.pages import keep_language, render_page, see_other
from streamhub.web.security import read_form
from streamhub.web.views import Json
from streamhub.web.voter import keep_voter, voter_of

LOG = logging.getLogger("streamhub.web")

routes = web.RouteTableDef()


@routes.post("/s/{session_id}/questions/{question_id}/{wish:vote|unvote}")
@allow(Action.VOTE)
async def vote_by_form(request: web.Request) -> web.StreamResponse:
    """Count a vote from a button without JavaScript, or take it back."""
    session_id, question_id = request.match_info["session_id"], request.match_info["question_id"]
    wanted = request.match_info["wish"] == "vote"
    cast = await desk.vote(request, question_id, voter_of(request), wanted=wanted, session_id=session_id)
    said = "doubted" if cast.doubt else "voted" if wanted else "unvoted"
    response = see_other(f"/s/{session_id}?said={said}#q-{question_id}")
    keep_voter(request, response)
    return response


async def _vote_by_api(request: web.Request, *, wanted: bool) -> web.StreamResponse:
    cast = await desk.vote(request, request.match_info["question_id"], voter_of(request), wanted=wanted)
    response = web.json_response(cast_json(cast))
    keep_voter(request, response)
    return response


def cast_json(cast: Cast) -> Json:
    """What became of a vote; ``doubt`` says why it waits for a host, and is left out when it counts."""
    return {"votes": cast.votes, **({"doubt": cast.doubt.value} if cast.doubt else {})}


@routes.post("/api/v1/questions/{question_id}/vote")
@allow(Action.VOTE)
async def add_vote(request: web.Request) -> web.StreamResponse:
    """Count this voter's wish, once."""
    return await _vote_by_api(request, wanted=True)


@routes.delete("/api/v1/questions/{question_id}/vote")
@allow(Action.VOTE)
async def remove_vote(request: web.Request) -> web.StreamResponse:
    """Take this voter's wish back."""
    return await _vote_by_api(request, wanted=False)


@routes.get("/help/votes")
@allow(Action.SEE_PUBLIC)
async def explain_votes(request: web.Request) -> web.StreamResponse:
    """How votes are counted, in plain words and with this hub's own numbers."""
    most = hub_of(request).settings.votes_per_address
    response = render_page(request, "votes_help.html", most=most, newcomers=NEW_VOTERS_PER_MINUTE)
    keep_language(request, response)
    return response


async def settle(request: web.Request, question_id: str, verdict: str, *, session_id: str = "") -> int:
    """Do with the votes in doubt of a question what a host says; returns the counted votes.

    Raises:
        BadInput: no such verdict.
        NotFound: no such question, or not in that session.
    """
    hub, author, at = hub_of(request), actor_of(request).person, hub_of(request).now()
    if verdict not in set(Verdict):
        raise BadInput(f"verdict: {verdict!r}", hint="use counted, discarded, or nothing to let them wait again")

    def write(db: Database) -> tuple[str, int]:
        standing = vote_rows.load_standing(db, question_id)
        if session_id and standing.session_id != session_id:
            raise NotFound(f"question {question_id}: there is no such question")
        votes = vote_rows.settle_suspects(db, question_id, Verdict(verdict), at=at, author=author)
        return standing.session_id, votes

    found_session, votes = await hub.store.write(write)
    LOG.info("web.votes_settled question_id=%s verdict=%s person=%s", question_id, verdict, author)
    desk.notify(request.app, found_session)
    return votes


@routes.post("/host/s/{session_id}/suspects/{question_id}")
@allow(Action.CURATE)
async def settle_by_form(request: web.Request) -> web.StreamResponse:
    """Count or discard the votes in doubt of a question, from the console."""
    session_id, question_id = request.match_info["session_id"], request.match_info["question_id"]
    await settle(request, question_id, (await read_form(request)).get("verdict", ""), session_id=session_id)
    return see_other(f"/host/s/{session_id}#suspects")


@routes.get("/api/v1/host/sessions/{session_id}/suspects")
@allow(Action.CURATE)
async def list_suspects(request: web.Request) -> web.StreamResponse:
    """The votes in doubt of a session, by question, with their reasons."""
    session_id = request.match_info["session_id"]
    found = await hub_of(request).store.read(lambda db: vote_rows.list_suspects(db, session_id))
    return web.json_response({"suspects": [suspects_json(one) for one in found]})


@routes.post("/api/v1/host/questions/{question_id}/suspects")
@allow(Action.CURATE)
async def settle_by_api(request: web.Request) -> web.StreamResponse:
    """Count or discard the votes in doubt of a question."""
    body = await read_body(request, VerdictBody)
    return web.json_response({"votes": await settle(request, request.match_info["question_id"], body.verdict)})


def suspects_json(suspects: Suspects) -> Json:
    """The votes in doubt of one question."""
    return {
        "question_id": suspects.question_id,
        "votes": suspects.votes,
        "reasons": {reason.value: count for reason, count in suspects.reasons.items()},
        "waiting": suspects.waiting,
        "counted": suspects.counted,
        "discarded": suspects.discarded,
    }
