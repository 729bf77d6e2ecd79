"""Series in the browser: the rule by which a show recurs, its next dates, and what is done with single ones.

Saves rules and notes, and makes the drafts that are due; those of later dates are a keeper's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import BadInput, Conflict, NotFound, StreamhubError
from streamhub.schedule.drafting import make_drafts
from streamhub.schedule.recurrence import list_next, resolve_wall
from streamhub.schedule.series import Jump, Series, SeriesDate
from streamhub.schedule.show import Session, SessionState
from streamhub.store import series as rows
from streamhub.store import shows as show_rows
from streamhub.store.log import log_action
from streamhub.web import desk
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.host import person_context
from streamhub.web.hub import hub_of
from streamhub.web.pages import keep_language, language_of, render_page, see_other, words_of
from streamhub.web.plans import CHANGEABLE
from streamhub.web.security import read_form
from streamhub.web.series_form import (
    REGIONS,
    format_series_form,
    name_days,
    name_months,
    parse_day,
    parse_series_form,
    parse_wall,
)

LOG = logging.getLogger("streamhub.web")
SHOWN = 12
"""So many of the next dates are shown."""

routes = web.RouteTableDef()


@routes.get("/host/shows/{show_id}/series")
@allow(Action.PLAN)
async def show_series(request: web.Request) -> web.StreamResponse:
    """The rule of a show, and its next dates."""
    response = await _render(request)
    keep_language(request, response)
    return response


@routes.post("/host/shows/{show_id}/series")
@allow(Action.PLAN)
async def change_series(request: web.Request) -> web.StreamResponse:
    """Show the dates of what was typed, save it, or take the rule away."""
    hub, show_id, form = hub_of(request), request.match_info["show_id"], await read_form(request)
    show = await hub.store.read(lambda db: show_rows.load_show(db, show_id))
    at, author, deed = hub.now(), actor_of(request).person, form.get("deed", "")
    if deed == "end":
        await hub.store.write(lambda db: _end(db, show_id, at=at, author=author))
        return see_other(f"{request.path}?said=ended#said")
    try:
        series = parse_series_form({"title": show.title, **form}, show_id=show_id, say=words_of(request), now=at)
    except BadInput as error:
        return await _render(request, form=form, error=error)
    if deed != "save":
        return await _render(request, form=form, tried=series)
    for made in await hub.store.write(lambda db: _save(db, series, at=at, author=author)):
        desk.tell(request, made)
    LOG.info("web.series show_id=%s person=%s", show_id, author)
    return see_other(f"{request.path}?said=saved#said")


def _save(db: Database, series: Series, *, at: datetime, author: str) -> list[str]:
    """Keep the rule and make the drafts that it wants by now, so that the host sees them at once."""
    rows.save_series(db, series)
    _note(db, series.show_id, "series.save", at=at, author=author)
    return make_drafts(db, series.show_id, at=at)


def _end(db: Database, show_id: str, *, at: datetime, author: str) -> None:
    if rows.end_series(db, show_id):
        _note(db, show_id, "series.end", at=at, author=author)


def _note(db: Database, show_id: str, action: str, *, at: datetime, author: str, **details: str) -> None:
    log_action(db, at=at, author=author, action=action, object_kind="show", object_id=show_id, details=details)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Deed:
    """What is to be done with a date, by whom and when, and how he reads it."""

    day: date
    deed: str
    wall: datetime | None
    at: datetime
    author: str
    say: Callable[[str], str]


@routes.post("/host/shows/{show_id}/series/dates")
@allow(Action.PLAN)
async def change_date(request: web.Request) -> web.StreamResponse:
    """Cancel, move or restore a single date; the draft that was made of it goes along."""
    hub, show_id, form = hub_of(request), request.match_info["show_id"], await read_form(request)
    say, deed = words_of(request), form.get("deed", "")
    try:
        wanted = _Deed(
            day=parse_day(form.get("day", ""), say),
            deed=deed,
            wall=parse_wall(form.get("to", ""), say) if deed == "move" else None,
            at=hub.now(),
            author=actor_of(request).person,
            say=say,
        )
        session_id = await hub.store.write(lambda db: _change_date(db, show_id, wanted))
    except (BadInput, Conflict) as error:
        return await _render(request, error=error)
    if session_id:
        desk.tell(request, session_id)
    return see_other(f"/host/shows/{show_id}/series?said=date#said")


def _change_date(db: Database, show_id: str, wanted: _Deed) -> str:
    """Do it; returns the session that went along, or nothing."""
    series = rows.find_series(db, show_id)
    if series is None:
        raise NotFound(f"show {show_id}: has no rule")
    before = next((one for one in rows.list_dates(db, show_id) if one.day == wanted.day), SeriesDate(day=wanted.day))
    after = _decide_date(series, before, wanted)
    if after.session_id:
        after = _take_along(db, after, series, wanted)
    rows.save_date(db, show_id, after)
    details = {"day": wanted.day.isoformat(), "deed": wanted.deed}
    _note(db, show_id, "series.date", at=wanted.at, author=wanted.author, **details)
    return after.session_id


def _decide_date(series: Series, before: SeriesDate, wanted: _Deed) -> SeriesDate:
    if wanted.deed == "cancel":
        return replace(before, cancelled=True)
    if wanted.deed == "restore":
        return replace(before, cancelled=False, moved_to=None)
    if wanted.deed != "move" or wanted.wall is None:
        raise BadInput(f"deed {wanted.deed!r}: there is none", hint="use cancel, move or restore")
    moved_to, _ = resolve_wall(wanted.wall.date(), wanted.wall.time(), series.zone)
    if moved_to <= wanted.at:
        raise BadInput(wanted.say("This date is past."), hint=wanted.say("Choose one that is still to come."))
    return replace(before, cancelled=False, moved_to=moved_to)


def _take_along(db: Database, done: SeriesDate, series: Series, wanted: _Deed) -> SeriesDate:
    """Let the session of a date follow what was decided, as long as it is a draft."""
    session, say = show_rows.load_session(db, done.session_id), wanted.say
    if session.unseen:  # nobody but hosts knew of it, so it can be a draft again
        session = replace(session, state=SessionState.DRAFT, unseen=False)
    if session.state is not SessionState.DRAFT:
        raise Conflict(
            say("The session of this date is no draft any more."),
            hint=say("Move, cancel or announce it on its own page, so that all who were invited are told."),
        )
    if done.cancelled:
        show_rows.step_session(db, session.id, SessionState.CANCELLED, at=wanted.at, author=wanted.author)
        return done
    starts_at = done.moved_to or resolve_wall(done.day, series.at, series.zone)[0]
    show_rows.save_session(db, replace(session, starts_at=starts_at, zone=series.zone))
    return replace(done, made_for=starts_at)


async def _render(
    request: web.Request,
    *,
    form: Mapping[str, str] | None = None,
    tried: Series | None = None,
    error: StreamhubError | None = None,
) -> web.Response:
    hub, show_id, language = hub_of(request), request.match_info["show_id"], language_of(request)
    now = hub.now()
    show, kept, dates, sessions = await hub.store.read(
        lambda db: (
            show_rows.load_show(db, show_id),
            rows.find_series(db, show_id),
            rows.list_dates(db, show_id),
            {one.id: one for one in show_rows.list_sessions(db, show_id=show_id)},
        )
    )
    shown = tried or kept
    made = {one.day: sessions[one.session_id] for one in dates if one.session_id in sessions}
    today = now.astimezone(ZoneInfo(hub.settings.zone)).date()
    fresh = {"title": show.title, "zone": hub.settings.zone, "first_day": today.isoformat(), "at": "20:15"}
    filled = dict(form) if form is not None else format_series_form(kept) if kept else fresh
    found = list_next(shown, dates, now=now, count=SHOWN, language=language) if shown else []
    return render_page(
        request,
        "series.html",
        status=error.http_status if error else 200,
        show=show,
        kept=kept,
        tried=tried,
        form=filled,
        dates=[(one, made.get(one.day)) for one in found],
        strays=_find_strays(kept, dates, made, now) if kept and not tried else [],
        zone=shown.zone if shown else hub.settings.zone,
        regions=REGIONS,
        days=name_days(language),
        months=name_months(language),
        gap=Jump.GAP,
        fold=Jump.FOLD,
        said=request.query.get("said", ""),
        error=error,
        **person_context(hub, actor_of(request)),
    )


def _find_strays(series: Series, dates: list[SeriesDate], made: Mapping[date, Session], now: datetime) -> list[Session]:
    """Coming sessions that were made of dates which the rule does not give any more."""
    waiting = [one for one in dates if one.day in made and made[one.day].starts_at > now]
    if not waiting:
        return []
    known = {one.day for one in list_next(series, dates, now=now, count=10 * SHOWN) if one.fate.happens}
    return [made[one.day] for one in waiting if one.day not in known and made[one.day].state in CHANGEABLE]
