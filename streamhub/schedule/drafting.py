"""Drafts of a series: the next dates of a show become draft sessions, each once.

A date is noted together with its session, in one transaction, so that neither a crash nor two who make drafts at once
make two. A draft that nobody touched follows its rule; a session that somebody moved, announced or cancelled is left
alone. Announces nothing: drafts are a person's to announce.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from sqlite_utils import Database

from streamhub.schedule.recurrence import list_occurrences, plan_due
from streamhub.schedule.rules import plan_session_id
from streamhub.schedule.series import Occurrence, Series, SeriesDate
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store import series as series_rows
from streamhub.store import shows as show_rows
from streamhub.store.log import log_action
from streamhub.timecode import format_instant

LOG = logging.getLogger("streamhub.schedule.drafting")
_REACH = timedelta(days=2)
"""A new rule may move a draft by so much; on another day it is another date."""


def make_drafts(db: Database, show_id: str, *, at: datetime) -> list[str]:
    """Make the drafts that a show's rule wants by now; returns their ids. Nothing where there is no rule any more."""
    series = series_rows.find_series(db, show_id)
    if series is None:
        return []
    show, dates = show_rows.load_show(db, show_id), {one.day: one for one in series_rows.list_dates(db, show_id)}
    _follow(db, series, list(dates.values()), at=at)
    made = []
    for due in plan_due(series, dates.values(), now=at):
        before = dates.get(due.day, SeriesDate(day=due.day))
        if not before.session_id and before.made_for is None:
            session = _make(db, series, show, due)
            done = replace(before, session_id=session.id, made_for=due.starts_at)
            series_rows.save_date(db, show_id, done)
            details = {"show": show_id, "day": due.day.isoformat(), "starts_at": format_instant(due.starts_at)}
            _log(db, session.id, "session.plan", details, at=at)
            made.append(session.id)
    if made:
        LOG.info("series_made show=%s count=%d", show_id, len(made))
    return made


def _make(db: Database, series: Series, show: Show, due: Occurrence) -> Session:
    taken = {one.id: one for one in show_rows.list_sessions(db)}
    wanted = plan_session_id(series.title, due.starts_at, series.zone)
    if wanted in taken and taken[wanted].show_id == show.id:
        return taken[wanted]  # somebody planned this date by hand
    session_id, number = wanted, 2
    while session_id in taken:
        session_id, number = f"{wanted}-{number}", number + 1
    session = Session(
        id=session_id,
        show_id=show.id,
        title=series.title,
        starts_at=due.starts_at,
        zone=series.zone,
        language=show.language,
        planned_minutes=series.minutes,
    )
    show_rows.save_session(db, session)
    return session


def _follow(db: Database, series: Series, dates: list[SeriesDate], *, at: datetime) -> None:
    """Let drafts that nobody touched follow their rule."""
    coming = [one for one in dates if one.session_id and one.made_for and one.made_for > at]
    if not coming:
        return
    until = max(one.made_for for one in coming if one.made_for) + _REACH
    found = {one.day: one for one in list_occurrences(series, dates, since=at, until=until)}
    for one in coming:
        due, session = found.get(one.day), show_rows.load_session(db, one.session_id)
        untouched = session.state is SessionState.DRAFT and session.starts_at == one.made_for
        if due is None or not due.fate.happens or not untouched or due.starts_at == one.made_for:
            continue
        show_rows.save_session(db, replace(session, starts_at=due.starts_at, zone=series.zone))
        series_rows.save_date(db, series.show_id, replace(one, made_for=due.starts_at))
        details = {"starts_at": format_instant(due.starts_at), "before": format_instant(session.starts_at)}
        _log(db, session.id, "session.follow_rule", details, at=at)


def _log(db: Database, session_id: str, action: str, details: dict[str, str], *, at: datetime) -> None:
    log_action(db, at=at, author="", action=action, object_kind="session", object_id=session_id, details=details)
