"""While somebody types: what was answered already, what others want answered too, and whether that helped.

The suggestions come from the role of that name; here stand what the page looks up without JavaScript
(`streamhub.web.looking` shows it), and the count of "this answers me". What is typed is neither kept nor logged.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from streamhub.errors import StreamhubError
from streamhub.schedule.show import SessionTimes
from streamhub.store import deflections as deflection_rows
from streamhub.web import writing
from streamhub.web.access import Action, allow
from streamhub.web.budget import Spending
from streamhub.web.desk import BUDGET, clean_or_empty
from streamhub.web.hub import hub_of
from streamhub.web.services import Suggestion
from streamhub.web.voter import keep_voter, known_voter, voter_of

LOG = logging.getLogger("streamhub.web")

MAX_LOOKED = 1000
SUGGESTED = 5

routes = web.RouteTableDef()


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """What somebody sees who asked to look first whether his question was answered.

    Attributes:
        asked: whether he asked.
        suggested: what there is.
        helped: ids of the answers that helped him before he asked.
    """

    asked: bool = False
    suggested: Sequence[Suggestion] = ()
    helped: frozenset[str] = frozenset()


async def look_first(request: web.Request, session: SessionTimes, form: Mapping[str, str]) -> Looked:
    """Look up what was typed into the ask form."""
    voter = known_voter(request)
    store = hub_of(request).store
    helped = await store.read(lambda db: deflection_rows.list_helped(db, session.id, voter)) if voter else frozenset()
    spared = await request.app[BUDGET].has_left(request, Spending.SUGGESTION)
    suggested = await suggest(request, session, form.get("text", "")) if spared else ()
    return Looked(asked=True, suggested=suggested, helped=helped)


async def suggest(request: web.Request, session: SessionTimes, text: str) -> Sequence[Suggestion]:
    """What there is for a text; nothing when the service fails, because nobody may be kept from asking."""
    typed = clean_or_empty(text[:MAX_LOOKED])
    if not typed:
        return ()
    try:
        return await hub_of(request).suggestions.suggest(
            typed, language=session.language, session_id=session.id, limit=SUGGESTED
        )
    except StreamhubError as error:
        LOG.warning("web.suggest_failed session_id=%s error=%s", session.id, type(error).__name__)
        return ()


async def _deflect_by_api(request: web.Request, *, helped: bool) -> web.StreamResponse:
    session_id, answer_id = request.match_info["session_id"], request.match_info["answer_id"]
    people = await writing.deflect(request, session_id, answer_id, voter_of(request), helped=helped)
    response = web.json_response({"helped": helped, "people": people})
    keep_voter(request, response)
    return response


@routes.post("/api/v1/sessions/{session_id}/deflections/{answer_id}")
@allow(Action.VOTE)
async def add_deflection(request: web.Request) -> web.StreamResponse:
    """Count that an answer helped this voter before he asked, once."""
    return await _deflect_by_api(request, helped=True)


@routes.delete("/api/v1/sessions/{session_id}/deflections/{answer_id}")
@allow(Action.VOTE)
async def remove_deflection(request: web.Request) -> web.StreamResponse:
    """Take that back."""
    return await _deflect_by_api(request, helped=False)
