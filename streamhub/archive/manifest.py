"""The manifest of a built site: which files are ours, what each part was made from, and how it left them.

A line of JSON per part, so that a large site is looked through without being held in memory. Owns this form; refuses to
know how files are made.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Self

import msgspec

from streamhub.errors import BadInput

MANIFEST = ".streamhub-site.json"
VERSION = 2
UNKNOWN = -1
"""Size of a file that is about to be put there, or of which a manifest of another version tells."""


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A file: its path, and its state on the disk after it was written."""

    path: str
    size: int
    mtime_ns: int


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A part: its name, what it was made from, its files. One without a name tells of files that are ours, no more."""

    name: str
    digest: str
    entries: tuple[Entry, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of its files."""
        return tuple(entry.path for entry in self.entries)


class _Name(msgspec.Struct, frozen=True, array_like=True, gc=False):
    name: str


class _Head(msgspec.Struct, frozen=True):
    version: int
    files: dict[str, Any] = {}


_row = msgspec.json.Decoder(Row)
_name = msgspec.json.Decoder(_Name)
_head = msgspec.json.Decoder(_Head)
_encoder = msgspec.json.Encoder()


class Manifest:
    """What is known of a site's last build; a context that closes its file at the end.

    Args:
        root: of the site.

    Attributes:
        unsettled: files that a build which was killed may have put there, or of which another version tells.

    Raises:
        BadInput: it is damaged.
    """

    def __init__(self, root: Path) -> None:
        self._path = root / MANIFEST
        self._places: dict[str, int] = {}
        self._file: IO[bytes] | None = None
        self.unsettled: list[str] = []
        try:
            self._file = self._path.open("rb")
            self._look_through(self._file)
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            self.close()
            hint = "build into an empty folder, or remove this one"
            raise BadInput(f"{self._path}: is damaged ({error})", hint=hint) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._places)

    def close(self) -> None:
        """Close its file."""
        if self._file:
            self._file.close()

    def names(self) -> Iterable[str]:
        """The names of all parts."""
        return self._places.keys()

    def find(self, name: str) -> Row | None:
        """What is known of a part."""
        if name not in self._places or self._file is None:
            return None
        self._file.seek(self._places[name])
        return _row.decode(self._file.readline())

    @cached_property
    def paths(self) -> frozenset[str]:
        """Every file that is ours; of a large site that is much, and rarely needed."""
        rows = filter(None, map(self.find, self._places))
        return frozenset([*self.unsettled, *(path for row in rows for path in row.paths)])

    def add_unsettled(self, rows: Path) -> None:
        """Tell of files that are about to be put there, so that they count as ours whatever happens.

        Args:
            rows: a file with their rows.
        """
        part = self._path.with_name(f"{MANIFEST}.part")
        if self._file:
            shutil.copyfile(self._path, part)
        else:
            part.write_bytes(encode_head())
        with part.open("ab") as file, rows.open("rb") as more:
            shutil.copyfileobj(more, file)
        part.replace(self._path)

    def _look_through(self, file: IO[bytes]) -> None:
        head = _head.decode(file.readline())
        if head.version != VERSION:
            self.unsettled += head.files
            return
        at = file.tell()
        for line in file:
            name = _name.decode(line).name
            if name:
                self._places[name] = at
            else:
                self.unsettled += _row.decode(line).paths
            at += len(line)


def encode_head() -> bytes:
    """The first line of a manifest."""
    return encode_line({"version": VERSION})


def encode_line(value: object) -> bytes:
    """Another line of it."""
    return _encoder.encode(value) + b"\n"


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a file, one after the other; a head is passed over."""
    with path.open("rb") as file:
        yield from (_row.decode(line) for line in file if line.startswith(b"["))


def require_inside(paths: Iterable[str], root: Path) -> None:
    """See that paths which a manifest names lie in the site.

    Raises:
        BadInput: one does not.
    """
    for path in paths:
        if path.startswith("/") or ".." in path.split("/"):
            raise BadInput(f"{root / MANIFEST}: names {path!r}, which is outside", hint="build into an empty folder")
