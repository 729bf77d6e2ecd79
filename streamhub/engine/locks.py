"""Who is alive: each process of the engine holds a lock that bears its executor id.

The kernel or the database server lets go of it when that process dies, however it dies. Owns the locks, on files for
one machine and in PostgreSQL for many. No clock and no heartbeat takes part. Refuses to know what an executor does.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import threading
from pathlib import Path
from typing import Protocol

import psycopg

from streamhub.errors import BadInput, Conflict, Environment, Unavailable

_PREFIX = "x-"


class Locks(Protocol):
    """The locks of all executors that share one engine database.

    Methods block; call them in a thread. After `close` they do nothing, for a thread that was on its way cannot be
    stopped.
    """

    def own(self, executor_id: str) -> None:
        """Hold the lock of this process, and take it again if the connection that held it was lost."""
        ...

    def try_take(self, executor_id: str) -> bool:
        """Take the lock of another executor; True means that it is dead."""
        ...

    def release(self, executor_id: str) -> None:
        """Let go of a lock taken with `try_take`."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class FolderLocks:
    """Locks on files in a folder, for processes of one machine.

    Args:
        folder: where the files lie; made if need be. Only files that begin with ``x-`` are touched.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, int] = {}
        self._guard = threading.RLock()
        self._closed = False

    def own(self, executor_id: str) -> None:
        """Hold the lock of this process; on the first call, remove what dead ones left.

        Raises:
            Environment: the folder cannot be written.
            Conflict: somebody holds a lock of that name.
        """
        try:
            with self._guard:
                if self._closed or executor_id in self._held:
                    return
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._sweep()
                taken = self._lock(executor_id, os.O_CREAT)
        except OSError as error:
            raise Environment(
                f"{self._folder}: cannot be locked ({error})", hint="check the folder's rights"
            ) from error
        if not taken:
            raise Conflict(f"executor {executor_id}: is locked by another process")

    def try_take(self, executor_id: str) -> bool:
        """True when its file is gone, or is locked by nobody."""
        with self._guard:
            if self._closed or executor_id in self._held:
                return False
            try:
                return self._lock(executor_id, 0)
            except FileNotFoundError:
                return True
            except OSError:
                return False

    def release(self, executor_id: str) -> None:
        """Let go, and remove the file of the dead."""
        with self._guard:
            descriptor = self._held.pop(executor_id, None)
            if descriptor is not None:
                with contextlib.suppress(OSError):
                    (self._folder / executor_id).unlink()
                os.close(descriptor)

    def close(self) -> None:
        """Let go of all locks and remove their files."""
        with self._guard:
            self._closed = True
            for executor_id in list(self._held):
                self.release(executor_id)

    def _lock(self, executor_id: str, flags: int) -> bool:
        path = self._folder / executor_id
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # A sweeper may have removed the file between our opening and locking it: then we hold a ghost.
                same = os.path.samestat(path.stat(), os.fstat(descriptor))
            except BlockingIOError:
                os.close(descriptor)
                return False
            except FileNotFoundError:
                same = False
            if same:
                self._held[executor_id] = descriptor
                return True
            os.close(descriptor)

    def _sweep(self) -> None:
        for path in self._folder.glob(f"{_PREFIX}*"):
            if path.name not in self._held and self.try_take(path.name):
                self.release(path.name)


class PostgresLocks:
    """Advisory locks on one connection to PostgreSQL, kept open; for processes on many machines.

    The server notices a dead client within about 11 seconds, by TCP keep-alive, where its system allows.

    Args:
        url: address of the database; a pooler in front of it must be in session mode.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[tuple[bool]] | None = None
        self._owned = ""
        self._guard = threading.Lock()
        self._closed = False

    def own(self, executor_id: str) -> None:
        """Hold the lock of this process; connects again where the connection was lost.

        Raises:
            Unavailable: the server does not answer, or somebody holds the lock.
        """
        with self._guard:
            self._owned = executor_id
            if self._closed or self._is_alive():
                return
            self._drop()
            self._connection = _connect(self._url, timeout_s=10)
            if not self._ask("select pg_try_advisory_lock(%s)", executor_id):
                self._drop()
                raise Unavailable(f"executor {executor_id}: its lock is still held on the server")

    def try_take(self, executor_id: str) -> bool:
        """True when no session on the server holds it."""
        with self._guard:
            return executor_id != self._owned and self._ask("select pg_try_advisory_lock(%s)", executor_id)

    def release(self, executor_id: str) -> None:
        """Let go of a lock taken with `try_take`."""
        with self._guard:
            self._ask("select pg_advisory_unlock(%s)", executor_id)

    def close(self) -> None:
        """Close the connection, and with it all locks."""
        with self._guard:
            self._closed = True
            self._drop()

    def _is_alive(self) -> bool:
        if self._connection is None:
            return False
        try:
            self._connection.execute("select true")
        except psycopg.Error:
            return False
        return True

    def _drop(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def _ask(self, question: str, executor_id: str) -> bool:
        """Ask the server about a lock; a lost connection is a no, and `own` makes a new one."""
        if self._connection is None:
            return False
        try:
            row = self._connection.execute(question, (_number(executor_id),)).fetchone()
        except psycopg.Error:
            self._drop()
            return False
        return bool(row and row[0])


def probe_database(url: str, *, timeout_s: int = 5) -> None:
    """Ask the server for one row and go away again, for the doctor; writes nothing.

    Raises:
        BadInput: this is no address of PostgreSQL.
        Unavailable: the server does not answer in time, or does not let us in.
    """
    with _connect(url, timeout_s=timeout_s) as connection:
        try:
            connection.execute("select true")
        except psycopg.Error as error:
            raise Unavailable(f"PostgreSQL of the engine: lets us in but answers nothing ({_reason(error)})") from error


def _connect(url: str, *, timeout_s: int) -> psycopg.Connection[tuple[bool]]:
    """Connect, with errors that never show the address: it may hold a password, also where it is written wrongly."""
    address = url.replace("postgresql+psycopg://", "postgresql://", 1)
    advice = "write it as postgresql://user:password@host/database, with %40 for an @ and %2F for a / in the password"
    if not address.startswith("postgresql://"):
        raise BadInput("engine.database_url: is no address of PostgreSQL", hint=advice)
    try:
        return psycopg.connect(address, autocommit=True, connect_timeout=timeout_s, options=_KEEP_ALIVE)
    except psycopg.ProgrammingError:
        raise BadInput("engine.database_url: cannot be read as an address", hint=advice) from None
    except psycopg.Error as error:
        raise Unavailable(
            f"PostgreSQL of the engine: does not answer ({_reason(error)})",
            hint="check that it runs, that this machine may reach it, and STREAMHUB_ENGINE_DATABASE_URL",
        ) from error


def _reason(error: psycopg.Error) -> str:
    """What the server or the network said, without the parts of the address that the library repeats."""
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        return "not in time"
    text = str(error)
    if text.startswith("failed to resolve host"):
        return "no such host"
    said = text.rpartition(" failed: ")[2].partition("\n")[0]
    return said if " failed: " in text else type(error).__name__


_KEEP_ALIVE = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"


def _number(executor_id: str) -> int:
    """The 64-bit key of an advisory lock."""
    return int.from_bytes(hashlib.sha256(f"streamhub:{executor_id}".encode()).digest()[:8], "big", signed=True)
