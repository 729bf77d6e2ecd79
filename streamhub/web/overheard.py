"""Proposals to the host while a session runs, by what was heard: "was answered", "seems over", "was asked aloud".

A machine proposes, a host decides; what was dismissed stays away, and a yes can be taken back. Works by forms alone;
the console shows the proposals in its board. Knows nothing of how they are found.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from sqlite_utils import Database

from streamhub.answers.overheard import LiveHints, Overheard
from streamhub.errors import NotFound
from streamhub.questions.question import Question
from streamhub.schedule.show import Session, SessionState
from streamhub.store import aloud as aloud_rows
from streamhub.store import overheard as rows
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.store.overheard import ANSWERED, OVER
from streamhub.timecode import add_ms
from streamhub.web import desk
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.aside import spare
from streamhub.web.hub import Hub, hub_of
from streamhub.web.pages import see_other, words_of
from streamhub.web.security import read_form
from streamhub.web.views import Json

LOG = logging.getLogger("streamhub.web")
_TAKEN_BACK_AT_MOST = 5

routes = web.RouteTableDef()


@dataclass(frozen=True, kw_only=True, slots=True)
class HintsView:
    """What the console proposes now.

    Attributes:
        hints: those that nobody decided about.
        taken: questions that a host said were answered, and that can be taken back.
    """

    hints: LiveHints
    taken: tuple[Question, ...]


NOTHING = HintsView(hints=LiveHints(), taken=())


async def read_hints(hub: Hub, session: Session) -> HintsView:
    """The proposals of a live session; nothing for any other, or when they cannot be read."""
    if session.state is not SessionState.LIVE:
        return NOTHING
    hints = await spare(hub.live_answers.hints(session.id), session.id) or LiveHints()

    def read(db: Database) -> tuple[Mapping[tuple[str, str], str], set[int], list[Question]]:
        verdicts = rows.list_verdicts(db, session.id)
        taken = [key for (kind, key), verdict in verdicts.items() if kind == ANSWERED and verdict == "yes"]
        questions = [question_rows.load_question(db, key) for key in taken]
        return verdicts, set(aloud_rows.list_dismissed(db, session.id)), questions

    verdicts, dismissed, taken = await hub.store.read(read)
    over = hints.over if hints.over and (OVER, hints.over.question.id) not in verdicts else None
    return HintsView(
        hints=LiveHints(
            answered=tuple(one for one in hints.answered if (ANSWERED, one.question.id) not in verdicts),
            over=over,
            aloud=tuple(one for one in hints.aloud if one.span.start_ms not in dismissed),
        ),
        taken=tuple(taken[-_TAKEN_BACK_AT_MOST:]),
    )


def hints_state(view: HintsView) -> Json:
    """What a host's page has to hear of at once: which proposals there are."""
    over = view.hints.over
    return {
        "answered": [one.question.id for one in view.hints.answered],
        "over": over.question.id if over else None,
        "aloud": len(view.hints.aloud),
        "taken": [one.id for one in view.taken],
    }


@routes.post("/host/s/{session_id}/overheard/{question_id}/{overheard_deed:yes|no|undo|not-over}")
@allow(Action.CURATE)
async def decide(request: web.Request) -> web.StreamResponse:
    """Say that a question was answered or not, or is not over; or take a yes back."""
    hub, session_id, question_id = hub_of(request), request.match_info["session_id"], request.match_info["question_id"]
    deed = request.match_info["overheard_deed"]
    await read_form(request)
    author, at = actor_of(request).person, hub.now()
    session = await hub.store.read(lambda db: show_rows.load_session(db, session_id))
    if deed == "yes":
        begin_ms, end_ms = await _find_span(request, session, question_id)
        zero = session.started_at
        assert zero is not None  # live sessions have one, and others have no proposals
        begin, end = add_ms(zero, begin_ms), add_ms(zero, end_ms)
        await hub.store.write(
            lambda db: rows.confirm_answered(db, session_id, question_id, begin, end, at=at, author=author)
        )
    elif deed == "undo":
        await hub.store.write(lambda db: rows.take_back(db, session_id, question_id, at=at, author=author))
    else:
        kind = ANSWERED if deed == "no" else OVER
        await hub.store.write(lambda db: rows.dismiss(db, session_id, question_id, kind, at=at, author=author))
    LOG.info("web.overheard session_id=%s question_id=%s deed=%s person=%s", session_id, question_id, deed, author)
    desk.notify(request.app, session_id)
    return see_other(f"/host/s/{session_id}#overheard")


async def _find_span(request: web.Request, session: Session, question_id: str) -> tuple[int, int]:
    """Where the answer was heard.

    Raises:
        NotFound: nothing is proposed for that question.
    """
    say = words_of(request)
    hints = await hub_of(request).live_answers.hints(session.id) if session.state is SessionState.LIVE else LiveHints()
    found: Overheard | None = next((one for one in hints.answered if one.question.id == question_id), None)
    if found is not None:
        return found.span.start_ms, found.span.end_ms
    verdicts = await hub_of(request).store.read(lambda db: rows.list_verdicts(db, session.id))
    if verdicts.get((ANSWERED, question_id)) == "yes":  # the button was pressed twice
        return 0, 1
    raise NotFound(say("This is not proposed any more."), hint=say("Somebody may have decided already."))


def hints_context(view: HintsView) -> dict[str, Any]:
    """What the board shows."""
    return {"overheard": view.hints, "overheard_taken": view.taken}
