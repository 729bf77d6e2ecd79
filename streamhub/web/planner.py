"""The planner's page: the next sessions proposed from what people ask, with the reasons, and what a host makes of them.

A host's wishes stand in the address, so that trying something changes nothing. One click makes a proposed session a
draft; the frame in which is planned is kept for all hosts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from aiohttp import web
from babel.dates import get_day_names

from streamhub.errors import BadInput, Conflict, StreamhubError
from streamhub.schedule.frame import Frame
from streamhub.schedule.show import Role, Show
from streamhub.store import shows as show_rows
from streamhub.timecode import format_instant
from streamhub.web import plans
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.bodies import ParticipantBody, SessionBody
from streamhub.web.host import person_context
from streamhub.web.hub import hub_of
from streamhub.web.pages import keep_language, language_of, render_page, see_other, words_of
from streamhub.web.planner_form import (
    NUMBERS,
    parse_frame_form,
    parse_wishes,
    read_wishes,
    write_exclusion,
    write_pin,
    write_wishes,
)
from streamhub.web.planner_views import Planned, PlannerView, Wishes
from streamhub.web.security import read_form

_PAGE = "/host/planner"

routes = web.RouteTableDef()


@routes.get(_PAGE)
@allow(Action.PLAN)
async def show_plan(request: web.Request) -> web.StreamResponse:
    """The plan under the wishes in the address."""
    return await _render(request, parse_wishes(request.query.items()), form={}, error=None, status=200)


@routes.post(f"{_PAGE}/frame")
@allow(Action.PLAN)
async def change_frame(request: web.Request) -> web.StreamResponse:
    """Keep how is planned, from its form."""
    hub, form = hub_of(request), await read_form(request)
    wishes = read_wishes(form.get("wishes", ""))
    try:
        frame = parse_frame_form(form, await hub.planner.frame(), words_of(request))
        await hub.planner.save_frame(frame, author=actor_of(request).person)
    except (BadInput, Conflict) as error:
        return await _render(request, wishes, form=form, error=error, status=error.http_status)
    return see_other(_address(wishes))


@routes.post(f"{_PAGE}/make")
@allow(Action.PLAN)
async def make_draft(request: web.Request) -> web.StreamResponse:
    """Make a proposed session a draft, invite its people, and keep which questions it is for."""
    hub, form = hub_of(request), await read_form(request)
    wishes = read_wishes(form.get("wishes", ""))
    try:
        frame, one = await hub.planner.find(wishes, form.get("theme", ""), form.get("slot", ""))
        show_id = choose_show(await hub.store.read(show_rows.list_shows), frame, words_of(request))
        session = await plans.plan_session(request, plan_body(frame, one, show_id))
    except (BadInput, Conflict) as error:
        return await _render(request, wishes, form={}, error=error, status=error.http_status)
    await hub.planner.follow_up(session.id, one, author=actor_of(request).person)
    return see_other(f"/host/s/{session.id}/invitations?said=planned#said")


def choose_show(shows: Sequence[Show], frame: Frame, say: Callable[[str], str]) -> str:
    """The id of the show whose sessions are planned.

    Raises:
        Conflict: there is no show yet.
    """
    if not shows:
        raise Conflict(say("There is no show yet."), hint=say("Make a show first; a session belongs to a show."))
    return frame.show_id if frame.show_id in {show.id for show in shows} else shows[0].id


def plan_body(frame: Frame, one: Planned, show_id: str) -> SessionBody:
    """The session that a proposal becomes; those who are invited are in it once both sides said yes."""
    customers = [ParticipantBody(name=name, role=Role.CUSTOMER) for name in one.by_name]
    return SessionBody(
        show_id=show_id,
        title=one.theme.title,
        starts_at=format_instant(one.slot.starts_at),
        zone=frame.zone,
        language=one.theme.language,
        planned_minutes=one.slot.minutes,
        participants=tuple(customers),
    )


async def _render(
    request: web.Request, wishes: Wishes, *, form: Mapping[str, str], error: StreamhubError | None, status: int
) -> web.StreamResponse:
    hub = hub_of(request)
    view = await hub.planner.propose(wishes)
    shows = await hub.store.read(show_rows.list_shows)
    response = render_page(
        request,
        "planner.html",
        status=status,
        view=view,
        shows=shows,
        form=form or _frame_fields(view.frame),
        numbers=NUMBERS,
        weekdays=get_day_names("wide", locale=language_of(request)),
        kept=frozenset(write_pin(pin) for pin in view.wishes.pins),
        unwanted=_name_exclusions(view),
        query=write_wishes(view.wishes),
        here=_address(view.wishes),
        loss=_loss(view),
        error=error,
        **person_context(hub, actor_of(request)),
    )
    keep_language(request, response)
    return response


def _address(wishes: Wishes) -> str:
    query = write_wishes(wishes)
    return f"{_PAGE}?{query}" if query else _PAGE


def _frame_fields(frame: Frame) -> dict[str, str]:
    return {
        **{name: str(getattr(frame, name)) for name in NUMBERS},
        **{f"day-{day}": "on" for day in frame.weekdays},
        "times": " ".join(frame.times),
        "diverse": "on" if frame.diverse else "",
        "show_id": frame.show_id,
    }


def _name_exclusions(view: PlannerView) -> list[dict[str, object]]:
    """What a host does not want, with the names of things."""
    problem = view.problem
    themes = {one.id: one.title for one in problem.themes}
    slots = {one.id: one.starts_at for one in problem.slots}
    experts = {one.id: one.name for one in problem.experts}
    return [
        {
            "value": write_exclusion(one),
            "theme": themes.get(one.theme_id, ""),
            "at": slots.get(one.slot_id),
            "expert": experts.get(one.expert_id, ""),
        }
        for one in view.wishes.exclusions
    ]


def _loss(view: PlannerView) -> float | None:
    """Which share of its worth the wishes cost the plan; None where nobody knows."""
    if view.before is None or view.before.value <= 0:
        return None
    return 1 - view.plan.value / view.before.value
