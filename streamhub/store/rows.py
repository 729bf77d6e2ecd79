"""Rows: the few statements that every family shares.

Owns how a mapping becomes an insert and how a query becomes dictionaries. Column and table names come from our own
code, never from outside; values are always bound. Plain statements instead of ``table.insert()``, which looks the
schema up at each call and would make a missing table.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from streamhub.timecode import format_instant, parse_instant

Row = dict[str, Any]


def insert(db: Database, table: str, row: Mapping[str, Any]) -> int:
    """Insert a row; returns its rowid."""
    cursor = db.execute(_insert_sql(table, row), dict(row))
    return int(cursor.lastrowid or 0)


def upsert(db: Database, table: str, row: Mapping[str, Any], *, key: Sequence[str]) -> None:
    """Insert a row, or update the one with that key in place, so that rows that refer to it stay."""
    changes = ", ".join(f"{name} = excluded.{name}" for name in row if name not in key)
    db.execute(f"{_insert_sql(table, row)} on conflict ({', '.join(key)}) do update set {changes}", dict(row))


def fetch_all(db: Database, sql: str, *values: object) -> list[Row]:
    """Every row of a query."""
    cursor = db.execute(sql, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def fetch_one(db: Database, sql: str, *values: object) -> Row | None:
    """The first row of a query, or None."""
    found = fetch_all(db, sql, *values)
    return found[0] if found else None


def change(db: Database, sql: str, *values: object) -> int:
    """Run an update or delete; returns how many rows it touched."""
    return int(db.execute(sql, values).rowcount)


def marks_for(values: Sequence[object]) -> str:
    """Placeholders for a list of values: ``?, ?, ?``."""
    return ", ".join("?" * len(values))


def json_list(values: Iterable[str]) -> str:
    """A list of texts as JSON: for a column, or for ``in (select value from json_each(?))``."""
    return json.dumps(list(values), ensure_ascii=False)


def instant_or_none(text: str | None) -> datetime | None:
    """Read an instant from a column that may be empty."""
    return None if text is None else parse_instant(text)


def text_or_none(instant: datetime | None) -> str | None:
    """Write an instant for a column that may be empty."""
    return None if instant is None else format_instant(instant)


def _insert_sql(table: str, row: Mapping[str, Any]) -> str:
    names = ", ".join(row)
    return f"insert into {table} ({names}) values ({', '.join(f':{name}' for name in row)})"  # noqa: S608  our own names
