"""The store: the hub's one door to its data.

Owns one opened ``hub.sqlite3``: a writer with group commit and a few reading connections, both behind an asynchronous
face. What is read and written is decided by functions on a `sqlite_utils.Database`, such as those of the families
beside this file; several of them in one `Store.write` are one transaction. Refuses to know web, engine and brands.
"""

from __future__ import annotations

import asyncio
import os
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from sqlite_utils import Database

from streamhub.errors import Environment, Unavailable
from streamhub.store.library import connect, prepare_writer, sqlite3, translate
from streamhub.store.migration import Migration, apply_migrations
from streamhub.store.migrations import STORE_MIGRATIONS
from streamhub.store.place import require_local
from streamhub.store.work_migrations import WORK_MIGRATIONS
from streamhub.store.writer import MAX_WAITING, Writer, WriterCounts
from streamhub.timecode import Now

DATABASE_FILE = "hub.sqlite3"
MIGRATIONS: tuple[Migration, ...] = (*STORE_MIGRATIONS, *WORK_MIGRATIONS)
READERS = 3

T = TypeVar("T")


class Store:
    """One opened database. Make it with `Store.open`, end it with `close` or ``async with``."""

    def __init__(self, path: Path, writer: Writer, readers: Sequence[Database]) -> None:
        self.path = path
        self._writer = writer
        self._readers: queue.SimpleQueue[Database] = queue.SimpleQueue()
        for reader in readers:
            self._readers.put(reader)
        self._count = len(readers)
        self._pool = ThreadPoolExecutor(max_workers=self._count, thread_name_prefix="store reader")
        self._closed = False

    @classmethod
    def open(cls, path: Path, *, now: Now, max_waiting: int = MAX_WAITING) -> Store:
        """Open a database, making it or bringing it up to date as needed; a copy is kept before existing data change.

        Raises:
            NewerWorkspace: a newer streamhub wrote it.
            BadInput: it lies on a network file system, or is some other program's database.
            Environment: it cannot be opened, is damaged or is no database.
        """
        require_local(path.parent)
        _make_private(path)
        db = Database(connect(path), execute_plugins=False)
        readers: list[Database] = []
        try:
            prepare_writer(db.conn, path)
            apply_migrations(db, MIGRATIONS, path, now=now)
            for _ in range(READERS):
                reader = Database(connect(path, read_only=True), recursive_triggers=False, execute_plugins=False)
                readers.append(reader)
        except BaseException as error:
            for opened in (*readers, db):
                opened.close()
            if isinstance(error, sqlite3.Error):
                raise translate(error, path) from error
            raise
        writer = Writer(db=db, path=path, now=now, max_waiting=max_waiting)
        writer.start()
        return cls(path, writer, readers)

    @property
    def counts(self) -> WriterCounts:
        """What the writer has done since the store was opened."""
        return self._writer.counts

    async def write(self, fn: Callable[[Database], T], *, key: str | None = None) -> T:
        """Run ``fn`` on the writing connection and return its result once it is committed to the disk.

        ``fn`` runs on the writer's thread, inside a savepoint: whatever it raises undoes its own changes alone. It has
        to be quick, must not end the transaction, and must return values, not rows still to be fetched. With a
        ``key``, ``fn`` takes effect at most once ever for that key; its result, which must be JSON, is kept with its
        changes and returned from then on. Cancelling the caller does not call a write back that has begun.

        Raises:
            StreamhubError: what ``fn`` raises, errors of the database in our words among them.
            Unavailable: too many writes wait, or the store is closed.
            DiskFull: there is no room; the store works again once there is.
        """
        result: T = await self._writer.submit(lambda db: _require_values(fn(db)), key=key)
        return result

    async def read(self, fn: Callable[[Database], T]) -> T:
        """Run ``fn`` on a reading connection, on one unchanging state of the data, and return its result.

        Raises:
            StreamhubError: what ``fn`` raises, errors of the database in our words among them.
            Unavailable: the store is closed.
        """
        if self._closed:
            raise Unavailable(f"{self.path}: is closed", hint="the hub is stopping; try again when it runs")
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, fn)

    def _read(self, fn: Callable[[Database], T]) -> T:
        db = self._readers.get()
        try:
            db.execute("begin")
            try:
                return _require_values(fn(db))
            finally:
                db.rollback()
        except sqlite3.Error as error:
            raise translate(error, self.path) from error
        finally:
            self._readers.put(db)

    async def purge(self) -> bool:
        """Empty the write-ahead log into the database; says whether it came to that.

        What was deleted before then stands in neither, because the writer overwrites deleted bytes.
        """
        return await asyncio.to_thread(self._purge)

    def _purge(self) -> bool:
        connection = connect(self.path)
        try:
            busy, _, _ = connection.execute("pragma wal_checkpoint(truncate)").fetchone()
        except sqlite3.Error as error:
            raise translate(error, self.path) from error
        finally:
            connection.close()
        return not busy

    async def close(self) -> None:
        """Finish every write that was taken, then close all connections; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._pool.shutdown(wait=True)
        for _ in range(self._count):
            self._readers.get().close()
        self._writer.close()  # last of all, so that its closing folds the write-ahead log into the file

    async def __aenter__(self) -> Store:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _require_values(result: T) -> T:
    if isinstance(result, Iterator):
        raise TypeError(
            "a function on the store returned an iterator, whose rows nobody may fetch later; return a list"
        )
    return result


def _make_private(path: Path) -> None:
    """Make the file before SQLite does, so that only its owner may read it; the log beside it gets the same rights."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        pass  # never opened here: closing a descriptor of a database drops this process's locks on it
    except OSError as error:
        raise Environment(f"{path}: cannot be made ({error})", hint="check the folder and its rights") from error
