"""The border to the engine's library: its errors in our words, its log in our log, its file as we want it.

Owns the translation. Refuses to know workflows.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
from collections.abc import Callable, Collection, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy
from dbos import PortableWorkflowError
from dbos import _sys_db as library_database
from dbos import error as library_errors
from dbos._utils import retriable_sqlite_exception as _locked_or_not

from streamhub.engine.policy import parse_failure, rebuild
from streamhub.errors import Cancelled, Environment, NotFound, TimedOut, Unavailable
from streamhub.store import library

_T = TypeVar("_T")
_log = logging.getLogger("streamhub.engine")


@contextlib.contextmanager
def border(what: str) -> Iterator[None]:
    """Translate the library's errors into ours.

    Raises:
        NotFound, Cancelled, Unavailable, Environment: as the library says.
        StreamhubError: the stored failure of a workflow, rebuilt.
    """
    try:
        yield
    except library_errors.DBOSNonExistentWorkflowError as error:
        raise NotFound(f"{what}: there is no such work") from error
    except library_errors.DBOSAwaitedWorkflowCancelledError as error:
        raise Cancelled(f"{what}: was cancelled") from error
    except PortableWorkflowError as error:
        raise rebuild(parse_failure(error.data, message=str(error))) from error
    except sqlalchemy.exc.SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).partition("\n")[0]  # without statement and values
        raise Unavailable(f"{what}: the engine's database does not answer ({reason})") from error
    except library_errors.DBOSInitializationError as error:
        raise Unavailable(
            f"{what}: its database is not set up, or by an older streamhub", hint="start the hub first"
        ) from error
    except library_errors.DBOSException as error:
        raise Environment(f"{what}: the engine refuses ({error})") from error


async def apart(work_to_do: Coroutine[Any, Any, _T], *, timeout_s: float | None = 30.0) -> _T:
    """Run outside of the workflow or step in which the caller may be, so that it becomes no part of it.

    Raises:
        TimedOut: the engine's database has not taken or given it in time, such as when the disk is full.
    """
    task = asyncio.get_running_loop().create_task(work_to_do, context=contextvars.Context())
    try:
        return await asyncio.wait_for(task, timeout_s)
    except TimeoutError as error:
        raise TimedOut(f"engine: no answer of its database in {timeout_s:g} s", hint="check disk and server") from error


async def cancel_all(tasks: Collection[asyncio.Task[Any]], *, grace_s: float = 10.0) -> None:
    """Cancel tasks and wait until they have ended, however they end; what does not end in time is left behind."""
    waiting = list(tasks)
    for task in waiting:
        task.cancel()
    if not waiting:
        return
    ended, stuck = await asyncio.wait(waiting, timeout=grace_s)
    for task in ended:
        if not task.cancelled():
            task.exception()  # looked at, so that nobody complains
    if stuck:
        _log.warning("close_left_behind tasks=%d: they ignore their cancellation", len(stuck))


def prepare_sqlite(path: Path) -> str:
    """Make the engine's file, readable for us alone, with a write-ahead log where that is safe; returns its address.

    Raises:
        Environment: it cannot be made, or is no database.
    """
    try:
        path.touch(mode=0o600)
    except OSError as error:
        raise Environment(f"{path}: cannot be made ({error})", hint="check the folder and its rights") from error
    connection = library.connect(path)
    try:
        if library.has_wal_reset_fix():
            library.prepare_writer(connection, path)
        else:
            connection.execute("pragma journal_mode = delete")
    finally:
        connection.close()
    return f"sqlite:///{path.resolve()}"


def wait_for_disk(stopping: Callable[[], bool]) -> None:
    """Let the library wait until a full or failing disk takes its notes again, instead of failing the work.

    It waits out a locked SQLite file and a PostgreSQL server that is away, but takes a full disk for the outcome of the
    step or workflow that it was about to note, and stores that once a small note fits again.

    Args:
        stopping: when this becomes true it waits no longer.
    """

    def retriable(error: Exception) -> bool:
        if _locked_or_not(error):
            return True
        reason = str(getattr(error, "orig", None) or error)
        return not stopping() and ("database or disk is full" in reason or "disk I/O error" in reason)

    library_database.retriable_sqlite_exception = retriable  # type: ignore[assignment, attr-defined]


def quiet_library() -> None:
    """Send the library's warnings to our log instead of the console; what we log or raise ourselves is dropped."""
    logger = logging.getLogger("dbos")
    if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
        logger.addHandler(logging.NullHandler())  # with a handler present, the library adds none of its own
        logger.addFilter(_News())
    logger.propagate = True


class _News(logging.Filter):
    """Drops what we tell ourselves, and what was said a minute ago."""

    told_by_us = (
        "Asyncio task cancelled",
        "DBOS failed to launch",
        "Exception encountered in asynchronous workflow",
        "Workflow already exists in queue",
    )

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        key = text.partition(":")[0]
        if text.startswith(self.told_by_us) or record.created - self._last.get(key, 0.0) < 60.0:
            return False
        self._last[key] = record.created
        return True
