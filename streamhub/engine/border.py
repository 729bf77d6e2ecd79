"""The border to the engine's library: its errors in our words, its log in our log, its file as we want it.

Owns the translation. Refuses to know workflows.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
from collections.abc import Collection, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy
from dbos import PortableWorkflowError
from dbos import error as library_errors

from streamhub.engine.policy import parse_failure, rebuild
from streamhub.errors import Cancelled, Environment, NotFound, Unavailable
from streamhub.store import library

_T = TypeVar("_T")


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
        raise Unavailable(f"{what}: the engine's database does not answer ({error})") from error
    except library_errors.DBOSInitializationError as error:
        raise Unavailable(
            f"{what}: its database is not set up, or by an older streamhub", hint="start the hub first"
        ) from error
    except library_errors.DBOSException as error:
        raise Environment(f"{what}: the engine refuses ({error})") from error


async def apart(work_to_do: Coroutine[Any, Any, _T]) -> _T:
    """Run outside of the workflow or step in which the caller may be, so that it becomes no part of it."""
    return await asyncio.get_running_loop().create_task(work_to_do, context=contextvars.Context())


async def cancel_all(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended, however they end."""
    waiting = list(tasks)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


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


def quiet_library() -> None:
    """Send the library's warnings to our log instead of the console; what we log or raise ourselves is dropped."""
    logger = logging.getLogger("dbos")
    if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
        logger.addHandler(logging.NullHandler())  # with a handler present, the library adds none of its own
        logger.addFilter(_is_news)
    logger.propagate = True


_TOLD_BY_US = (
    "Asyncio task cancelled",
    "DBOS failed to launch",
    "Exception encountered in asynchronous workflow",
    "Workflow already exists in queue",
)


def _is_news(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(_TOLD_BY_US)
