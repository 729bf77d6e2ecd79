"""A lock on a file, held by one process at a time, whatever hub it belongs to.

The kernel lets go of it when its holder dies, however it dies. Refuses to know what the holder does.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streamhub.errors import Conflict, Environment


@contextmanager
def hold_file(path: Path, *, what: str) -> Iterator[Path]:
    """Hold a lock file, made where it is missing, while the block runs; its folder must exist.

    Two holders in one process exclude each other too.

    Raises:
        Conflict: somebody else holds it.
        Environment: it cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise Environment(f"{path}: cannot be made ({error.strerror})", hint="check the folder") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(f"{what}: somebody else is at it already", hint="wait until that is done") from error
        except OSError as error:
            raise Environment(f"{path}: cannot be locked ({error.strerror})", hint="use a local disk") from error
        yield path
    finally:
        os.close(descriptor)  # lets go; the file stays, for removing it would let two processes lock two files
