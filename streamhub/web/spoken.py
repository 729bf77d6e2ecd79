"""Answers before the end: what was said for each question so far, readable and searchable while the session runs.

``/s/<session>/answers`` is such a page for as long as nothing better is there; in the end it leads on to the archive.
It is marked as a machine's and as provisional, and search engines are asked to leave it alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from streamhub.answers.spoken import FoundSpoken, Piece
from streamhub.questions.rules import PUBLIC_STATES
from streamhub.schedule.show import SessionState, SessionTimes
from streamhub.web import desk
from streamhub.web.access import Action, allow
from streamhub.web.audience import plan_phase, see
from streamhub.web.budget import Spending
from streamhub.web.caption_lines import plan_lines, split_paragraphs
from streamhub.web.captions import TOLD
from streamhub.web.hub import Hub, hub_of
from streamhub.web.media import has_stream
from streamhub.web.pages import keep_language, render_page, words_of

MAX_QUERY_LETTERS = 200
_CACHED = "public, max-age=2"

routes = web.RouteTableDef()


@dataclass(frozen=True, kw_only=True, slots=True)
class Paragraph:
    """A paragraph of an answer.

    Attributes:
        start_ms: when it begins, on the session clock.
        speaker: who speaks; empty when unknown.
        pieces: its text.
    """

    start_ms: int
    speaker: str
    pieces: tuple[Piece, ...]


@routes.get("/s/{session_id}/answers")
@allow(Action.SEE_PUBLIC)
async def answers_page(request: web.Request) -> web.StreamResponse:
    """What was answered so far, and where it says something about ``?q=``."""
    hub, session_id = hub_of(request), request.match_info["session_id"]
    query, say = request.query.get("q", "").strip()[:MAX_QUERY_LETTERS], words_of(request)
    seen = await see(hub, session_id)
    if query:
        await request.app[desk.BUDGET].spend(
            request, Spending.SUGGESTION, say("Many look-ups came from your connection. Please wait a moment.")
        )
    found = await _search(hub, seen.session, query)
    response = render_page(
        request,
        "spoken.html",
        default_language=seen.session.language,
        session=seen.session,
        show=seen.session.show,
        phase=plan_phase(seen.session.state),
        told=seen.session.state in TOLD,
        lines=seen.lines,
        found=[(one, plan_paragraphs(one)) for one in found],
        query=query,
        player=seen.session.state is SessionState.LIVE and has_stream(hub, session_id),
    )
    response.headers.update({"Cache-Control": _CACHED, "Vary": "Accept-Language, Cookie", "X-Robots-Tag": "noindex"})
    keep_language(request, response)
    return response


async def _search(hub: Hub, session: SessionTimes, query: str) -> Sequence[FoundSpoken]:
    if session.state not in TOLD:
        return ()
    found = await hub.live_answers.search(session.id, query)
    return [one for one in found if one.answer.question.state in PUBLIC_STATES]


def plan_paragraphs(found: FoundSpoken) -> list[Paragraph]:
    """The words of an answer as paragraphs."""
    pieces = dict(zip((cue.id for cue in found.answer.cues), found.cues, strict=True))
    paragraphs = []
    for lines in split_paragraphs(plan_lines([], found.answer.cues)):
        text: list[Piece] = []
        for line in lines:
            text += [*([(" ", False)] if text else []), *pieces[line.cue.id]]
        first = lines[0].cue
        paragraphs.append(Paragraph(start_ms=first.span.start_ms, speaker=first.speaker, pieces=tuple(text)))
    return paragraphs
