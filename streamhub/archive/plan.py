"""The plan of a site: which files it has, what each is made from, and how to make it. Pure records.

A part knows the digest of everything that goes into it, so that a writer can tell without making it whether it would
come out as last time. Refuses to know disks and pages.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import msgspec

from streamhub.errors import BadInput, Conflict, StreamhubError

MAX_PATH_BYTES = 1024
MAX_NAME_BYTES = 255
_PLAIN_PATH = re.compile(r"(?:[\w-]+/)*[\w-]+(?:\.[\w-]+)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class MediaLink:
    """A file that is linked or copied into the site instead of being made.

    Attributes:
        source: the file.
    """

    source: Path


Content = bytes | MediaLink
Present = Callable[[str], bool]
"""Whether the site has a file of this path, as it was left there."""

Files = Mapping[str, Content | None]
"""Path relative to the root of the site, to content; None for a file that is present and stays."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One or several files that are made together.

    Attributes:
        name: what claims the files, for messages (``answer q7``, ``search index``).
        digest: of everything that goes in.
        make: makes the files; told which are present, it may leave out the content of one whose name tells it.
    """

    name: str
    digest: str
    make: Callable[[Present], Files] = field(repr=False, compare=False)

    def render(self, present: Present = lambda path: False) -> dict[str, Content | None]:
        """Make the files.

        Raises:
            StreamhubError: with the part's name, whatever went wrong.
        """
        try:
            return dict(self.make(present))
        except StreamhubError:
            raise
        except Exception as error:  # the job's boundary: a page that fails is named, never skipped
            raise BadInput(f"{self.name}: cannot be made ({type(error).__name__}: {error})") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class SitePlan:
    """All parts of a site.

    Attributes:
        parts: made one after the other while they are asked for, those of a session together; asked for once. The
            order does not matter to the result.
        answers: how many there are in the archive, drafts included.
        missing_media: recordings that the archive names and that are not there.
        advice: what the owner still has to say for pages that are missing, a line each.
    """

    parts: Iterable[Part]
    answers: int = 0
    missing_media: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()

    def render(self) -> dict[str, Content]:
        """Make every file.

        Raises:
            Conflict: two parts claim one path.
            StreamhubError: a part cannot be made; says which.
        """
        claims = Claims()
        files: dict[str, Content] = {}
        for part in self.parts:
            made = part.render()
            claims.add(part.name, made)
            files.update((path, content) for path, content in made.items() if content is not None)
        return files


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
            above = key.rpartition("/")[0]
            while above and above not in self._folders:  # those above a folder that is known are known, too
                if above in self._owners:
                    raise Conflict(f"{path} of {name}: {self._owners[above]} claims {above} as a file")
                self._folders[above] = name
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


def digest_of(*values: object) -> str:
    """A digest of records, texts and bytes; equal values give equal digests, run after run."""
    state = blake2b(digest_size=16)
    for value in values:
        state.update(value if isinstance(value, bytes) else msgspec.json.encode(value, order="deterministic"))
        state.update(b"\x00")
    return state.hexdigest()
