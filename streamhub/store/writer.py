"""The one writer: a thread that commits many writes at once.

Owns the only connection that writes. Each write runs in a savepoint of its own, so that a failing one harms no other;
all that wait are committed together with one flush to the disk, and nobody hears of success before that. Refuses to
know what is written.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from streamhub.errors import DiskFull, StreamhubError, Unavailable
from streamhub.store.library import sqlite3, translate
from streamhub.timecode import Now, format_instant

MAX_GROUP = 500
MAX_WAITING = 5_000


@dataclass(kw_only=True, slots=True)
class _Item:
    """One write on its way; changed by the writer's thread only, read by its loop after that."""

    fn: Callable[[Database], Any]
    key: str | None
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WriterCounts:
    """What the writer has done so far: commits, writes in them, and the largest group."""

    commits: int = 0
    writes: int = 0
    largest_group: int = 0


@dataclass(kw_only=True)
class Writer:
    """A writing connection with its thread.

    Attributes:
        db: the connection; nobody but the thread may use it once `start` was called.
        path: of the database, for messages.
        now: the clock for rows of ``applied``.
        max_waiting: how many writes may wait before more are refused.
    """

    db: Database
    path: Path
    now: Now
    max_waiting: int = MAX_WAITING
    counts: WriterCounts = WriterCounts()
    _queue: queue.Queue[_Item | None] = field(init=False)
    _thread: threading.Thread = field(init=False)
    _closed: bool = False
    _gate: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._queue = queue.Queue()
        self._thread = threading.Thread(target=self._run, name=f"writer of {self.path.name}", daemon=True)

    def start(self) -> None:
        """Begin to take writes."""
        self._thread.start()

    def submit(self, fn: Callable[[Database], Any], *, key: str | None) -> asyncio.Future[Any]:
        """Hand a write in; the future is done after its commit. To be called on a running event loop.

        Raises:
            Unavailable: the writer is closed, or too many writes wait.
        """
        loop = asyncio.get_running_loop()
        item = _Item(fn=fn, key=key, loop=loop, future=loop.create_future())
        with self._gate:  # so that nothing is queued behind the end
            if self._closed:
                raise Unavailable(f"{self.path}: is closed", hint="the hub is stopping; try again when it runs")
            if self._queue.qsize() >= self.max_waiting:
                raise Unavailable(
                    f"{self.path}: {self.max_waiting} writes are waiting, no more are taken",
                    hint="try again in a few seconds",
                )
            self._queue.put(item)
        return item.future

    def close(self) -> None:
        """Finish what was handed in, then close the connection; blocks until that is done."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        going = True
        while going:
            group, going = self._next_group()
            if group:
                self._write_group(group)
                _deliver(group)
        with contextlib.suppress(sqlite3.Error):
            self.db.execute("pragma optimize")
        self.db.close()

    def _next_group(self) -> tuple[list[_Item], bool]:
        first = self._queue.get()
        if first is None:
            return [], False
        group = [first]
        while len(group) < MAX_GROUP:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                return group, False
            group.append(item)
        return group, True

    def _write_group(self, group: Sequence[_Item]) -> None:
        done = 0
        while done < len(group):
            done += self._write_some(group[done:])

    def _write_some(self, group: Sequence[_Item]) -> int:
        """Run writes in one transaction and commit it; returns how many are settled, one way or the other.

        Stops short where SQLite gave the whole transaction up (full disk, I/O error): what was written before in it is
        lost and is told so; what comes after gets a transaction of its own.
        """
        ran = 0
        try:
            self.db.execute("begin immediate")
            ran = self._run_items(group)
            self._commit(group[ran - 1])
        except Exception as error:  # a job's boundary: whatever it was, the writer lives on and everybody hears of it
            ran = ran or len(group)  # none ran: the transaction could not even begin
            self._give_up(group[:ran], error)
        else:
            self.counts = WriterCounts(
                commits=self.counts.commits + 1,
                writes=self.counts.writes + ran,
                largest_group=max(self.counts.largest_group, ran),
            )
        return ran

    def _run_items(self, group: Sequence[_Item]) -> int:
        for ran, item in enumerate(group, start=1):
            if not item.future.cancelled():
                self._run_item(item)
            if not self.db.conn.in_transaction:
                return ran
        return len(group)

    def _commit(self, last: _Item) -> None:
        if not self.db.conn.in_transaction:
            raise self._reason_of_loss(last)
        self.db.execute("commit")

    def _run_item(self, item: _Item) -> None:
        try:
            self.db.execute("savepoint item")
            item.result = self._apply(item)
            self.db.execute("release item")
        except BaseException as error:  # a job's boundary: the error belongs to whoever handed the write in
            item.error = translate(error, self.path) if isinstance(error, sqlite3.Error) else error
            item.error.__cause__ = error if item.error is not error else error.__cause__
            with contextlib.suppress(sqlite3.Error):  # there is no savepoint left where the transaction is gone
                self.db.execute("rollback to item")
                self.db.execute("release item")

    def _apply(self, item: _Item) -> Any:
        if item.key is None:
            return item.fn(self.db)
        known = self.db.execute("select result from applied where key = ?", (item.key,)).fetchone()
        if known:
            return json.loads(known[0])
        text = json.dumps(item.fn(self.db), ensure_ascii=False)
        self.db.execute(
            "insert into applied (key, result, at) values (?, ?, ?)", (item.key, text, format_instant(self.now()))
        )
        return json.loads(text)  # as a repeated write would get it

    def _reason_of_loss(self, item: _Item) -> StreamhubError:
        if isinstance(item.error, DiskFull | Unavailable):
            return item.error
        return Unavailable(f"{self.path}: a write ended the transaction that it shared with others")

    def _give_up(self, lost: Sequence[_Item], error: Exception) -> None:
        with contextlib.suppress(sqlite3.Error):
            self.db.rollback()
        reason = translate(error, self.path) if isinstance(error, sqlite3.Error) else error
        for item in lost:
            item.result = None
            if isinstance(reason, StreamhubError):
                item.error = type(reason)(reason.message, hint=reason.hint)
                item.error.__cause__ = error
            else:
                item.error = reason


def _deliver(group: Sequence[_Item]) -> None:
    """Tell each event loop once about all its writes; a loop that is gone has nobody to tell."""
    loops = {id(item.loop): item.loop for item in group}
    for number, loop in loops.items():
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, [item for item in group if id(item.loop) == number])


def _settle(items: Sequence[_Item]) -> None:
    for item in items:
        if item.future.done():
            continue
        if item.error is not None:
            item.future.set_exception(item.error)
        else:
            item.future.set_result(item.result)
