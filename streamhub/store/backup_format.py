"""The format of a backup: a plain ``.tar`` with paths relative to the workspace and, last, ``manifest.json``.

Owns the manifest, the names that a backup may hold, and what a failing disk means. Refuses to know what is in a
workspace.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from streamhub.errors import BadInput, Conflict, DiskFull, Environment, NewerWorkspace

Progress = Callable[[int, int], None]
"""Told how many bytes of how many are done."""

MANIFEST_FILE = "manifest.json"
MANIFEST_VERSION = 1
MAX_MANIFEST_BYTES = 256 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What the manifest says of a file: its size and its SHA-256, hexadecimal."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What a backup says of itself.

    Attributes:
        created_at: when it was made, as an ISO 8601 instant.
        migrations: numbers of the migrations that the hub's database had seen.
        left_out: files that were left out, each with the reason.
        files: every file by its path in the workspace.
    """

    created_at: str
    migrations: tuple[int, ...]
    left_out: tuple[str, ...]
    files: Mapping[str, Entry]


class Meter:
    """Counts bytes and tells the progress."""

    def __init__(self, progress: Progress | None, total_bytes: int) -> None:
        self._progress = progress
        self._total_bytes = total_bytes
        self._done_bytes = 0

    def add(self, size_bytes: int) -> None:
        """So many bytes more are done."""
        self._done_bytes += size_bytes
        if self._progress:
            self._progress(min(self._done_bytes, self._total_bytes), self._total_bytes)


def render_manifest(manifest: Manifest) -> bytes:
    """A manifest as JSON."""
    content = {
        "version": MANIFEST_VERSION,
        "created_at": manifest.created_at,
        "migrations": list(manifest.migrations),
        "left_out": list(manifest.left_out),
        "files": {
            name: {"size_bytes": entry.size_bytes, "sha256": entry.sha256} for name, entry in manifest.files.items()
        },
    }
    return json.dumps(content, indent=1).encode("ascii")


def parse_manifest(content: bytes, *, what: str) -> Manifest:
    """A manifest from JSON.

    Raises:
        NewerWorkspace: a newer streamhub wrote it.
        BadInput: it makes no sense.
    """
    try:
        given = json.loads(content)
        version = int(given["version"])
        if version > MANIFEST_VERSION:  # its other fields may mean anything, so they are not looked at
            raise NewerWorkspace(
                f"{what}: written by a newer streamhub (backup version {version}, known is {MANIFEST_VERSION})",
                hint="install that version or a later one",
            )
        return Manifest(
            created_at=str(given["created_at"]),
            migrations=tuple(int(number) for number in given["migrations"]),
            left_out=tuple(str(line) for line in given["left_out"]),
            files={
                str(name): Entry(size_bytes=int(entry["size_bytes"]), sha256=str(entry["sha256"]))
                for name, entry in given["files"].items()
            },
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput(f"{what}: its {MANIFEST_FILE} makes no sense ({error})", hint="use another backup") from error


def is_safe_name(name: str) -> bool:
    """Whether a name is a plain relative path that leads nowhere else and can be written as UTF-8."""
    if PurePosixPath(name).is_absolute() or any(part in {"", ".", ".."} for part in name.split("/")):
        return False
    return not any(char == "\\" or ord(char) < 32 or 0xD800 <= ord(char) < 0xE000 for char in name)


def require_room(folder: Path, size_bytes: int) -> None:
    """Refuse to begin when a disk has less room than that.

    Raises:
        DiskFull: with what is free and what is needed.
    """
    while not folder.exists():
        folder = folder.parent
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < size_bytes:
        raise DiskFull(
            f"{folder}: {free_bytes >> 20} MB free, {(size_bytes >> 20) + 1} MB needed", hint="free some disk space"
        )


def private_opener(path: str, flags: int) -> int:
    """Opens files for their owner alone; for the ``opener`` of ``open``."""
    return os.open(path, flags, 0o600)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def translate_os(error: OSError, what: str) -> Environment | Conflict:
    """The system's error in our words; the caller raises it from the original."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskFull(f"{what}: no room left ({error})", hint="free some disk space; nothing was half-written")
    if error.errno in {errno.EEXIST, errno.ENOTEMPTY}:
        return Conflict(f"{what}: something is in the way ({error})", hint="name another place")
    return Environment(f"{what}: {error}", hint="check the folder and its rights")
