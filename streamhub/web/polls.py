"""Finding a date: hosts ask several people about several dates, and see how each stands.

Answers come from personal pages (`streamhub.web.me`); a keeper asks, reminds and closes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import BadInput, StreamhubError
from streamhub.schedule.people import Fit, Person, check_fit
from streamhub.schedule.poll import MAX_OPTIONS, Poll, Suits, count_answers, list_silent
from streamhub.store import people as people_rows
from streamhub.store import polls as rows
from streamhub.store import shows as show_rows
from streamhub.store.log import log_action
from streamhub.timecode import format_instant
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.host import person_context
from streamhub.web.hub import hub_of
from streamhub.web.pages import keep_language, render_page, see_other, words_of
from streamhub.web.security import read_form
from streamhub.web.wall import read_instant

LOG = logging.getLogger("streamhub.web")
ROWS = 8
"""So many dates can be typed at once."""

routes = web.RouteTableDef()


@routes.get("/host/s/{session_id}/poll")
@allow(Action.PLAN)
async def show_poll(request: web.Request) -> web.StreamResponse:
    """How the dates stand, and the form to ask about others."""
    response = await _render(request)
    keep_language(request, response)
    return response


@routes.post("/host/s/{session_id}/poll")
@allow(Action.PLAN)
async def change_poll(request: web.Request) -> web.StreamResponse:
    """Begin a poll, or end the one that goes on without a date."""
    hub, session_id, form = hub_of(request), request.match_info["session_id"], await read_form(request)
    at, author, say = hub.now(), actor_of(request).person, words_of(request)

    def save(db: Database) -> None:
        session = show_rows.load_session(db, session_id)
        if form.get("deed") == "end":
            rows.close_poll(db, session_id, at=at, chosen=None)
        else:
            people = tuple(one.id for one in people_rows.list_people(db, active=True) if form.get(f"p-{one.id}"))
            rows.save_poll(db, parse_poll_form(form, session_id, people, zone=session.zone, at=at, say=say))
        action = "poll.end" if form.get("deed") == "end" else "poll.begin"
        log_action(db, at=at, author=author, action=action, object_kind="session", object_id=session_id, details={})

    try:
        await hub.store.write(save)
    except BadInput as error:
        return await _render(request, form=form, error=error)
    LOG.info("web.poll session_id=%s person=%s", session_id, author)
    return see_other(f"{request.path}?said=saved#said")


def parse_poll_form(
    form: Mapping[str, str],
    session_id: str,
    people: tuple[str, ...],
    *,
    zone: str,
    at: datetime,
    say: Callable[[str], str],
) -> Poll:
    """The poll that a form describes; its times are those of the session's zone.

    Raises:
        BadInput: no people, no dates, a date that is past, or an end behind all dates.
    """

    def instant(text: str) -> datetime:
        return read_instant(text, zone, say)

    typed = [form.get(f"date{row}", "").strip() for row in range(MAX_OPTIONS)]
    options = sorted({instant(one) for one in typed if one})
    if not people:
        raise BadInput(say("Nobody is ticked."), hint=say("Tick the people whom you want to ask."))
    if not options:
        raise BadInput(say("No date is asked about."), hint=say("Write at least one date."))
    if options[0] <= at:
        raise BadInput(say("A date is past."), hint=say("Ask about dates that are still to come."))
    ends_at = instant(form.get("ends_at", ""))
    if not at < ends_at < options[-1]:
        raise BadInput(say("The poll must end from now on, and before its last date."), hint=say("Choose another end."))
    needed = form.get("needed", "").strip() or "1"
    if not needed.isdecimal() or not 1 <= int(needed[:6]) <= len(people):
        raise BadInput(
            say("More people are needed than are asked."), hint=say("Write a number from 1 to how many are asked.")
        )
    return Poll(
        session_id=session_id,
        options=tuple(options),
        people=people,
        needed=int(needed),
        made_at=at,
        ends_at=ends_at,
    )


def parse_poll_answer(form: Mapping[str, str], poll: Poll) -> dict[datetime, Suits]:
    """What somebody said about the dates of a poll; what was not touched is not in it."""
    typed = {option: form.get(format_instant(option), "") for option in poll.options}
    return {option: Suits(text) for option, text in typed.items() if text in set(Suits)}


def list_clashes(
    db: Database, options: Iterable[datetime], people: Iterable[Person], *, minutes: int
) -> dict[datetime, list[tuple[Person, Fit]]]:
    """Who cannot at which date, and why, as far as it is known; dates without such people have an empty list."""
    asked = list(people)
    known = people_rows.list_availability(db, asked)
    return {
        option: [
            (person, fit)
            for person in asked
            if not (fit := check_fit(known[person.id], option, option + timedelta(minutes=minutes))).possible
        ]
        for option in options
    }


async def _render(
    request: web.Request, *, form: Mapping[str, str] | None = None, error: StreamhubError | None = None
) -> web.Response:
    hub, session_id = hub_of(request), request.match_info["session_id"]

    def read(db: Database) -> dict[str, Any]:
        poll, session = rows.find_poll(db, session_id), show_rows.load_session(db, session_id)
        answers = rows.list_answers(db, session_id)
        silent = list_silent(poll, answers) if poll else ()
        waited_for = [one for one in people_rows.list_people(db) if one.id in silent]
        return {
            "session": session,
            "poll": poll,
            "clashes": list_clashes(db, poll.options if poll else (), waited_for, minutes=session.planned_minutes),
            "tallies": count_answers(poll, answers) if poll else [],
            "silent": silent,
            "people": people_rows.list_people(db, active=True),
            "names": {one.id: one.name for one in people_rows.list_people(db)},
        }

    return render_page(
        request,
        "poll.html",
        status=error.http_status if error else 200,
        form=form or {},
        rows=ROWS,
        said=request.query.get("said", ""),
        error=error,
        zone=hub.settings.zone,
        **await hub.store.read(read),
        **person_context(hub, actor_of(request)),
    )
