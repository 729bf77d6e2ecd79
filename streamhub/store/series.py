"""Series as rows: by which rule shows recur, and what became of single dates.

Owns the tables ``series`` and ``series_dates``. Which dates a rule has is `streamhub.schedule.recurrence`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, time

from sqlite_utils import Database

from streamhub.schedule.series import Rhythm, Series, SeriesDate
from streamhub.store.rows import Row, change, fetch_all, fetch_one, instant_or_none, text_or_none, upsert


def save_series(db: Database, series: Series) -> None:
    """Give a show a rule, or another one; what became of its dates stays."""
    row = {
        "show_id": series.show_id,
        "title": series.title,
        "rhythm": series.rhythm.value,
        "every": series.every,
        "weekdays": _numbers(series.weekdays),
        "nth": series.nth,
        "at": f"{series.at:%H:%M}",
        "zone": series.zone,
        "minutes": series.minutes,
        "first_day": series.first_day.isoformat(),
        "last_day": series.last_day.isoformat() if series.last_day else None,
        "region": series.region,
        "pauses": _numbers(series.pauses),
        "ahead_weeks": series.ahead_weeks,
    }
    upsert(db, "series", row, key=("show_id",))


def find_series(db: Database, show_id: str) -> Series | None:
    """The rule of a show; None: it has none."""
    row = fetch_one(db, "select * from series where show_id = ?", show_id)
    return None if row is None else _series(row)


def list_series(db: Database) -> list[Series]:
    """The rules of all shows."""
    return [_series(row) for row in fetch_all(db, "select * from series order by show_id")]


def end_series(db: Database, show_id: str) -> bool:
    """Take a show's rule away; sessions that were made stay. Says whether there was one."""
    return bool(change(db, "delete from series where show_id = ?", show_id))


def list_dates(db: Database, show_id: str) -> list[SeriesDate]:
    """What was done with single dates of a show, by day."""
    rows = fetch_all(db, "select * from series_dates where show_id = ? order by day", show_id)
    return [
        SeriesDate(
            day=date.fromisoformat(row["day"]),
            cancelled=bool(row["cancelled"]),
            moved_to=instant_or_none(row["moved_to"]),
            session_id=row["session_id"] or "",
            made_for=instant_or_none(row["made_for"]),
        )
        for row in rows
    ]


def save_date(db: Database, show_id: str, one: SeriesDate) -> None:
    """Keep what was done with a date."""
    row = {
        "show_id": show_id,
        "day": one.day.isoformat(),
        "cancelled": int(one.cancelled),
        "moved_to": text_or_none(one.moved_to),
        "session_id": one.session_id or None,
        "made_for": text_or_none(one.made_for),
    }
    upsert(db, "series_dates", row, key=("show_id", "day"))


def _numbers(numbers: Iterable[int]) -> str:
    return json.dumps(sorted(numbers))


def _series(row: Row) -> Series:
    values = {
        **row,
        "rhythm": Rhythm(row["rhythm"]),
        "weekdays": frozenset(json.loads(row["weekdays"])),
        "pauses": frozenset(json.loads(row["pauses"])),
        "at": time.fromisoformat(row["at"]),
        "first_day": date.fromisoformat(row["first_day"]),
        "last_day": date.fromisoformat(row["last_day"]) if row["last_day"] else None,
    }
    return Series(**values)
