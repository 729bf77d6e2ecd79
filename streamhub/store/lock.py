"""The lock of a workspace: one hub process at a time.

Owns ``run/hub.lock``. The kernel lets go of the lock when its holder dies, however it dies, so a stale file is no
obstacle. Refuses to know what the holder does.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streamhub.errors import Conflict, Environment

LOCK_FILE = Path("run") / "hub.lock"


@contextmanager
def hold_workspace(folder: Path) -> Iterator[Path]:
    """Hold a workspace for this process while the block runs; yields the lock file.

    Raises:
        Conflict: another process holds it; names its process id.
        Environment: the lock file cannot be made.
    """
    path = folder / LOCK_FILE
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Environment(f"{path}: cannot be made ({error})", hint="check the folder and its rights") from error
    try:
        _take(descriptor, folder)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield path
    finally:
        os.close(descriptor)  # lets go; the file stays, for removing it would let two processes lock two files


def _take(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
        raise Conflict(
            f"workspace {folder}: in use by another hub, process {holder}", hint="stop that one first"
        ) from error
    except OSError as error:
        raise Environment(f"workspace {folder}: cannot be locked ({error})", hint="use a local disk") from error
