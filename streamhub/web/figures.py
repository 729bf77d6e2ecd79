"""The dashboard: what the hub did, in numbers, to look at and to take along as CSV or JSON.

Counts only; nobody is followed. The CSV is made for the spreadsheet of the reader's language: UTF-8 with a byte order
mark, which Excel needs to see umlauts; in German with semicolons and a decimal comma, in English with commas and a
point. A cell that a spreadsheet would run as a formula begins with an apostrophe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import BadInput
from streamhub.questions.question import QuestionState
from streamhub.schedule.show import Session, Show
from streamhub.spreadsheet import Cell, render_csv
from streamhub.store import shows as show_rows
from streamhub.store.statistics import Figures, Grouping, Scope, count_figures
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.host import person_context
from streamhub.web.hub import Hub, hub_of
from streamhub.web.pages import keep_language, language_of, render_page, words_of
from streamhub.web.views import Json

GROUPINGS = tuple(Grouping)

routes = web.RouteTableDef()


@dataclass(frozen=True, kw_only=True, slots=True)
class Dashboard:
    """Everything that the page shows.

    Attributes:
        scope: which questions count.
        groups: the figures by grouping.
        shows, sessions: to choose from.
    """

    scope: Scope
    groups: Mapping[Grouping, Sequence[Figures]]
    shows: Sequence[Show]
    sessions: Sequence[Session]

    @property
    def whole(self) -> Figures:
        """The figures of everything in the scope."""
        return self.groups[Grouping.ALL][0]


def parse_scope(query: Mapping[str, str], *, zone: str) -> Scope:
    """What a reader chose: ``show``, ``session``, ``from`` and ``to``, two days of the hub's zone, both included.

    Raises:
        BadInput: no such day.
    """
    since, until = (_day(query.get(name, ""), name) for name in ("from", "to"))
    return Scope(
        show_id=query.get("show", ""),
        session_id=query.get("session", ""),
        since=_midnight(since, zone) if since else None,
        until=_midnight(until + timedelta(days=1), zone) if until else None,
    )


def _day(text: str, name: str) -> date | None:
    if not text.strip():
        return None
    try:
        day = date.fromisoformat(text.strip())
    except ValueError as error:
        raise BadInput(f"{name}: {text[:20]!r} is no day", hint="write a day such as 2027-03-02") from error
    if not 1970 <= day.year < 9999:
        raise BadInput(f"{name}: {day} is too far away", hint="write a day such as 2027-03-02")
    return day


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), tzinfo=ZoneInfo(zone))


async def read_dashboard(hub: Hub, scope: Scope) -> Dashboard:
    """Read every figure in one transaction."""

    def read(db: Database) -> Dashboard:
        groups = count_figures(db, scope)
        return Dashboard(
            scope=scope, groups=groups, shows=show_rows.list_shows(db), sessions=show_rows.list_sessions(db)
        )

    return await hub.store.read(read)


@routes.get("/host/dashboard")
@allow(Action.SEE_FIGURES)
async def dashboard(request: web.Request) -> web.StreamResponse:
    """The page."""
    hub = hub_of(request)
    error: BadInput | None = None
    try:
        scope = parse_scope(request.query, zone=hub.settings.zone)
    except BadInput as found:
        scope, error = Scope(), found
    response = render_page(
        request,
        "dashboard.html",
        status=error.http_status if error else 200,
        board=await read_dashboard(hub, scope),
        error=error,
        chosen={name: request.query.get(name, "") for name in ("show", "session", "from", "to")},
        states=plan_state_names(words_of(request)),
        groupings=[one.value for one in GROUPINGS if one is not Grouping.ALL],
        query=request.rel_url.raw_query_string,
        **person_context(hub, actor_of(request)),
    )
    keep_language(request, response)
    return response


@routes.get("/host/dashboard.csv")
@allow(Action.SEE_FIGURES)
async def dashboard_csv(request: web.Request) -> web.StreamResponse:
    """All figures as one table."""
    hub = hub_of(request)
    board = await read_dashboard(hub, parse_scope(request.query, zone=hub.settings.zone))
    language = language_of(request)
    text = render_csv(plan_table(board, words_of(request)), language=language)
    headers = {"Content-Disposition": 'attachment; filename="streamhub-figures.csv"'}
    return web.Response(body=text.encode("utf-8-sig"), content_type="text/csv", charset="utf-8", headers=headers)


@routes.get("/api/v1/host/figures")
@allow(Action.SEE_FIGURES)
async def dashboard_json(request: web.Request) -> web.StreamResponse:
    """All figures, for programs."""
    hub = hub_of(request)
    board = await read_dashboard(hub, parse_scope(request.query, zone=hub.settings.zone))
    groups = {grouping.value: [figures_json(one) for one in figures] for grouping, figures in board.groups.items()}
    return web.json_response({"figures": groups})


def figures_json(figures: Figures) -> Json:
    """The figures of a group."""
    return {
        "key": figures.key,
        "label": figures.label,
        "asked": figures.asked,
        "answered": figures.answered,
        "states": {state.value: count for state, count in figures.states.items()},
        "me_too": figures.me_too,
        "stories": figures.stories,
        "median_s": figures.median_s,
        "p90_s": figures.p90_s,
        "deflected": figures.deflected,
        "helped": figures.helped,
        "partly": figures.partly,
        "not_helped": figures.not_helped,
        "reopened": figures.reopened,
    }


def plan_table(board: Dashboard, say: Callable[[str], str]) -> list[list[Cell]]:
    """The figures as a table with a head: a line for each group of each grouping."""
    names = {
        Grouping.ALL: say("everything"),
        Grouping.TOPIC: say("topic"),
        Grouping.PRODUCT: say("product"),
        Grouping.SESSION: say("session"),
        Grouping.SHOW: say("show"),
        Grouping.MONTH: say("month"),
    }
    states = plan_state_names(say)
    head: list[Cell] = [
        say("by"),
        say("key"),
        say("name"),
        say("questions"),
        say("answered"),
        *(states[state] for state in QuestionState),
        say("me too"),
        say("stories"),
        say("median hours to the answer"),
        say("hours within which nine tenths are answered"),
        say("spared questions"),
        say("helped"),
        say("helped partly"),
        say("did not help"),
        say("asked anew"),
    ]
    table = [head]
    for grouping, figures in board.groups.items():
        for one in figures:
            counts = [one.states.get(state, 0) for state in QuestionState]
            waits = [None if s is None else round(s / 3600, 2) for s in (one.median_s, one.p90_s)]
            tail = [one.deflected, one.helped, one.partly, one.not_helped, one.reopened]
            label = one.label or names[grouping]
            table.append(
                [
                    names[grouping],
                    one.key,
                    label,
                    one.asked,
                    one.answered,
                    *counts,
                    one.me_too,
                    one.stories,
                    *waits,
                    *tail,
                ]
            )
    return table


def plan_state_names(say: Callable[[str], str]) -> dict[QuestionState, str]:
    """Every state as people know it."""
    return {
        QuestionState.RECEIVED: say("new"),
        QuestionState.HELD: say("waits for approval"),
        QuestionState.OPEN: say("open"),
        QuestionState.MERGED: say("merged"),
        QuestionState.QUEUED: say("coming up"),
        QuestionState.ON_AIR: say("on air now"),
        QuestionState.ANSWERED_LIVE: say("answered in the broadcast"),
        QuestionState.ANSWERED_IN_WRITING: say("answered in writing"),
        QuestionState.CARRIED_OVER: say("carried over to the next session"),
        QuestionState.DECLINED: say("declined"),
        QuestionState.PUBLISHED: say("answer in the archive"),
        QuestionState.SUPERSEDED: say("superseded"),
        QuestionState.WITHDRAWN: say("withdrawn"),
    }
