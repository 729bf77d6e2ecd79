"""The SQLite library of this process: exactly one, chosen in one place.

Owns which library is loaded, how a connection is opened, and what its errors mean in our words. Two SQLite libraries
that open one file in one process can corrupt it (POSIX locks belong to the process, see
https://www.sqlite.org/howtocorrupt.html, part 2.2.1), so everybody who opens a workspace's database takes it from here.
Refuses to know any table.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from streamhub.errors import Conflict, DiskFull, Environment, StreamhubError, Unavailable

if TYPE_CHECKING:
    import sqlite3 as sqlite3  # noqa: PLC0414  so that the type checker sees the re-export
else:  # sqlite-utils takes pysqlite3 where it is installed, Python's own sqlite3 otherwise; its choice is the only one
    from sqlite_utils.utils import sqlite3

BUSY_TIMEOUT_MS = 30_000
_KINDS: Mapping[int, tuple[type[StreamhubError], str, str]] = MappingProxyType(
    {
        5: (Unavailable, "another program holds the database", "close it, then try again"),  # SQLITE_BUSY
        6: (Unavailable, "another program holds a table", "close it, then try again"),  # SQLITE_LOCKED
        8: (Environment, "cannot be written", "check the folder and its rights"),  # SQLITE_READONLY
        10: (Unavailable, "the disk reports an error", "check the disk, then try again"),  # SQLITE_IOERR
        11: (Environment, "is damaged", "restore a backup"),  # SQLITE_CORRUPT
        13: (DiskFull, "no room left to write", "free some disk space; nothing was half-written"),  # SQLITE_FULL
        14: (Environment, "cannot be opened", "check the folder and its rights"),  # SQLITE_CANTOPEN
        19: (Conflict, "the data forbid it", ""),  # SQLITE_CONSTRAINT
        26: (Environment, "is no database", "restore a backup, or name another file"),  # SQLITE_NOTADB
    }
)
"""Kinds of SQLite's errors (https://www.sqlite.org/rescode.html): class, what was seen, what to do."""


def dbapi() -> Any:
    """The DB-API module of this process's SQLite, for a library that opens a workspace's database by itself."""
    return sqlite3


def sqlite_version() -> str:
    """Version of the SQLite library, such as ``3.53.4``."""
    return str(sqlite3.sqlite_version)


def has_wal_reset_fix(version: str = "") -> bool:
    """Whether that version (empty: ours) is free of the WAL-reset bug, by which a checkpoint could lose commits.

    Fixed in 3.51.3, and on the older lines in 3.50.7 and 3.44.6.
    """
    numbers = tuple(int(part) for part in (version or sqlite_version()).split(".")[:3])
    return numbers >= (3, 51, 3) or (3, 50, 7) <= numbers < (3, 51) or (3, 44, 6) <= numbers < (3, 45)


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open a connection that begins no transaction by itself and waits for locks.

    Raises:
        StreamhubError: the file cannot be opened or is no database.
    """
    uri = f"{path.resolve().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    try:
        connection = sqlite3.connect(
            uri, uri=True, isolation_level=None, check_same_thread=False, cached_statements=512
        )
    except sqlite3.Error as error:
        raise translate(error, path) from error
    try:
        connection.execute(f"pragma busy_timeout = {BUSY_TIMEOUT_MS}")
        if read_only:
            connection.execute("pragma query_only = on")
        connection.execute("select count(*) from sqlite_schema").fetchone()  # reads the header: is this a database?
    except sqlite3.Error as error:
        connection.close()
        raise translate(error, path) from error
    return connection


def prepare_writer(connection: sqlite3.Connection, path: Path) -> None:
    """Set what every writing connection has: WAL, full durability, foreign keys, deleted bytes overwritten.

    Raises:
        Environment: the file system does not carry a write-ahead log.
    """
    mode = connection.execute("pragma journal_mode = wal").fetchone()[0]
    if mode != "wal":
        raise Environment(f"{path}: SQLite's write-ahead log cannot be used here (mode is {mode})")
    for pragma in ("synchronous = full", "foreign_keys = on", "secure_delete = on"):
        connection.execute(f"pragma {pragma}").fetchall()


def translate(error: Exception, path: Path) -> StreamhubError:
    """SQLite's error in our words; the caller raises it from the original."""
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF  # the low byte is the kind, the rest the detail
    kind, seen, hint = _KINDS.get(code, (StreamhubError, "the database refuses", ""))
    return kind(f"{path}: {seen} ({error})", hint=hint)
