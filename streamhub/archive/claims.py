"""Claims: which part of a site has which path, so that two never have one.

Owns what makes two paths the same on some disk, and which paths a site may have at all. Refuses to know disks.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from streamhub.errors import BadInput, Conflict

MAX_PATH_BYTES = 1024
MAX_NAME_BYTES = 255
_PLAIN_PATH = re.compile(r"(?:[\w-]+/)*[\w-]+(?:\.[\w-]+)*", re.ASCII)
_RECENT_FOLDERS = 10_000


class Claims:
    """Who claims which path; two claims on one are an error that names both."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}
        self._folders: dict[str, str] = {}

    def add(self, name: str, paths: Iterable[str]) -> None:
        """Claim paths for a part.

        Raises:
            Conflict: a path is taken, also in another case of letters, or is a folder of another's path.
            BadInput: a path leads out of the site or cannot exist on some disk.
        """
        for path in paths:
            key = _comparable(require_site_path(path))
            owner = self._owners.get(key) or self._folders.get(key)
            if owner:
                raise Conflict(f"{path}: claimed by {owner} and by {name}", hint="rename one of the two")
            self._owners[key] = name
            for above in _folders(key):
                if above in self._owners:
                    raise Conflict(f"{path} of {name}: {self._owners[above]} claims {above} as a file")
                self._folders.setdefault(above, name)


class Crowd:
    """The paths of a whole site as numbers: sees that two may be the same, in a fraction of the memory of claims.

    What it finds is looked at closely by `Claims`, since two paths may have one number by chance.
    """

    def __init__(self) -> None:
        self._files = array("q")
        self._above = array("q")
        self._recent: set[str] = set()

    def add(self, paths: Iterable[str]) -> None:
        """Take paths in."""
        for path in paths:
            key = _comparable(path)
            self._files.append(hash(key))
            for above in _folders(key):
                if above in self._recent:
                    break
                self._recent.add(above)
                self._above.append(hash(above))
        if len(self._recent) > _RECENT_FOLDERS:
            self._recent.clear()

    def find_absent(self, paths: Sequence[str]) -> list[str]:
        """Those of some paths that were not taken in."""
        numbers = np.array([hash(_comparable(path)) for path in paths], dtype=np.int64)
        absent = ~np.isin(numbers, np.frombuffer(self._files, dtype=np.int64))
        return [path for path, is_absent in zip(paths, absent.tolist(), strict=True) if is_absent]

    def require_distinct(self, owners: Iterable[tuple[str, Sequence[str]]]) -> None:
        """See that no two paths are the same and none is a folder of another.

        Args:
            owners: name and paths of each part; asked only where something looks wrong.

        Raises:
            Conflict: as `Claims`.
        """
        doubtful = self._doubtful()
        if not doubtful:
            return
        claims = Claims()
        for name, paths in owners:
            keys = ((path, _comparable(path)) for path in paths)
            near = [path for path, key in keys if not doubtful.isdisjoint(map(hash, (key, *_folders(key))))]
            claims.add(name, near)

    def _doubtful(self) -> set[int]:
        files = np.sort(np.frombuffer(self._files, dtype=np.int64))
        twice = files[1:][files[1:] == files[:-1]]
        below = np.intersect1d(files, np.frombuffer(self._above, dtype=np.int64))
        return {*twice.tolist(), *below.tolist()}


def _folders(path: str) -> Iterator[str]:
    """The folders of a path, the innermost first."""
    above = path.rpartition("/")[0]
    while above:
        yield above
        above = above.rpartition("/")[0]


def _comparable(path: str) -> str:
    """How disks that ignore case or the composition of letters see it."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def require_site_path(path: str) -> str:
    """Return the path if it stays inside the site and can exist everywhere.

    Raises:
        BadInput: absolute, with ``..``, backslashes, colons or control characters, or too long.
    """
    if _PLAIN_PATH.fullmatch(path) and len(path) <= MAX_NAME_BYTES:
        return path
    parts = path.split("/")
    if not path or any(part in {"", ".", ".."} or part.endswith((".", " ")) for part in parts):
        raise BadInput(f"path {path!r}: leads out of the site or is no file's")
    if any(ord(c) < 32 or c in '\\:*?"<>|\x7f' for c in path):
        raise BadInput(f"path {path!r}: has characters that not every disk can hold", hint="rename the source")
    if len(path.encode()) > MAX_PATH_BYTES or any(len(part.encode()) > MAX_NAME_BYTES for part in parts):
        raise BadInput(f"path {path[:80]!r}…: too long", hint="shorten the name")
    return path
