"""What calls to platforms cost, by day and call: the ledger of their quota.

Owns the table ``spending``. It is written before a call is made, so that a crash never makes a day look cheaper than it
was. Refuses to know what a day is and what a call costs: `streamhub.live.quota` does.
"""

from __future__ import annotations

from datetime import date

from sqlite_utils import Database

from streamhub.store.rows import Row, change, fetch_all, fetch_one

USED_UP = "used up"
"""The call under which a platform's own word that the day is over is kept."""


def add_spending(db: Database, platform: str, *, day: date, call: str, units: int) -> int:
    """Note a call before it is made; returns the units of the day with it."""
    change(
        db,
        "insert into spending (platform, day, call, calls, units) values (?, ?, ?, 1, ?) "
        "on conflict (platform, day, call) do update set calls = calls + 1, units = units + excluded.units",
        platform,
        day.isoformat(),
        call,
        units,
    )
    return sum_spending(db, platform, day=day)


def sum_spending(db: Database, platform: str, *, day: date) -> int:
    """Units of a day."""
    row = fetch_one(
        db,
        "select coalesce(sum(units), 0) as units from spending where platform = ? and day = ?",
        platform,
        day.isoformat(),
    )
    return int(row["units"]) if row else 0


def list_spending(db: Database, platform: str, *, day: date) -> list[Row]:
    """Rows ``call``, ``calls``, ``units`` of a day, the dearest first."""
    return fetch_all(
        db,
        "select call, calls, units from spending where platform = ? and day = ? order by units desc, call",
        platform,
        day.isoformat(),
    )


def note_used_up(db: Database, platform: str, *, day: date, units: int) -> None:
    """Believe the platform that the day's quota is used up: fill the day to ``units``."""
    missing = max(0, units - sum_spending(db, platform, day=day))
    add_spending(db, platform, day=day, call=USED_UP, units=missing)


def is_used_up(db: Database, platform: str, *, day: date) -> bool:
    """Whether the platform itself has said that the day's quota is used up."""
    found = fetch_one(
        db,
        "select 1 as yes from spending where platform = ? and day = ? and call = ?",
        platform,
        day.isoformat(),
        USED_UP,
    )
    return found is not None
