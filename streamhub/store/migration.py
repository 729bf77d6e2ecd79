"""The noun of schema change: one numbered migration, and how pending ones are applied.

Owns the table ``migrations`` and the order. Refuses to know what a migration contains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from sqlite_utils import Database

from streamhub.errors import BadInput, NewerWorkspace
from streamhub.timecode import Now, format_instant

APPLICATION_ID = 0x53484231  # "SHB1": marks the file as a hub's database, see `file` and PRAGMA application_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    """One step of the schema.

    Attributes:
        number: unique, never reused; 1xx the store's families, 2xx the engine's work. Applied in this order.
        name: a few words, for the log.
        sql: statements, each ended by a semicolon; they run in one transaction with all other pending ones.
    """

    number: int
    name: str
    sql: str


def applied_numbers(db: Database) -> frozenset[int]:
    """Numbers of the migrations that this database has seen; empty for a fresh one."""
    known = db.execute("select 1 from sqlite_schema where type = 'table' and name = 'migrations'").fetchone()
    rows = db.execute("select number from migrations").fetchall() if known else []
    return frozenset(int(row[0]) for row in rows)


def require_known(numbers: frozenset[int], migrations: Sequence[Migration], *, what: str) -> None:
    """Refuse a database that a newer streamhub has changed.

    Raises:
        NewerWorkspace: it has migrations that are unknown here.
    """
    unknown = sorted(numbers - {migration.number for migration in migrations})
    if unknown:
        raise NewerWorkspace(
            f"{what}: written by a newer streamhub (unknown migrations {', '.join(map(str, unknown))})",
            hint="install that version or a later one",
        )


def apply_migrations(db: Database, migrations: Sequence[Migration], path: Path, *, now: Now) -> tuple[int, ...]:
    """Bring a database up to date in one transaction; a copy of existing data is made before. Returns the new numbers.

    Raises:
        NewerWorkspace: the database has migrations that are unknown here.
        BadInput: the file is a database, but not a hub's.
    """
    _require_ours(db, path)
    seen = applied_numbers(db)
    require_known(seen, migrations, what=str(path))
    if seen.issuperset(migration.number for migration in migrations):
        return ()
    copy = _save_copy(db, path, now=now) if seen else None
    try:
        return _apply_pending(db, migrations, now=now)
    except BaseException:
        if copy:  # nothing was changed, so nobody needs it; a hub that is restarted for ever must not fill the disk
            copy.unlink(missing_ok=True)
        raise


def _apply_pending(db: Database, migrations: Sequence[Migration], *, now: Now) -> tuple[int, ...]:
    db.execute("begin immediate")
    try:
        pending = plan_pending(migrations, applied_numbers(db))  # again, now that nobody else can write
        db.execute(f"pragma application_id = {APPLICATION_ID}")
        db.execute(
            "create table if not exists migrations (number integer primary key, name text not null, "
            "applied_at text not null) strict"
        )
        for migration in pending:
            db.executescript(migration.sql)
            db.execute(
                "insert into migrations (number, name, applied_at) values (?, ?, ?)",
                (migration.number, migration.name, format_instant(now())),
            )
        db.execute("commit")
    except BaseException:
        db.rollback()
        raise
    return tuple(migration.number for migration in pending)


def plan_pending(migrations: Sequence[Migration], seen: frozenset[int]) -> list[Migration]:
    """What is still to be applied, in order of the numbers.

    Raises:
        BadInput: two migrations claim one number.
    """
    ordered = sorted(migrations, key=lambda migration: migration.number)
    for before, after in pairwise(ordered):
        if before.number == after.number:
            raise BadInput(f"migration {after.number}: claimed by both {before.name!r} and {after.name!r}")
    return [migration for migration in ordered if migration.number not in seen]


def _require_ours(db: Database, path: Path) -> None:
    mark = db.execute("pragma application_id").fetchone()[0]
    if mark != APPLICATION_ID and db.execute("select 1 from sqlite_schema limit 1").fetchone():
        raise BadInput(f"{path}: is a database, but not a hub's", hint="name the folder of a workspace")


def _save_copy(db: Database, path: Path, *, now: Now) -> Path:
    folder = path.parent / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    stamp = format_instant(now()).replace(":", "").replace(".", "-")
    copy = folder / f"{path.stem}-before-migration-{stamp}.sqlite3"
    part = copy.with_suffix(".part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)  # VACUUM INTO takes an empty file as it is, rights included
    try:
        db.execute("vacuum into ?", (str(part),))
        part.replace(copy)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return copy
