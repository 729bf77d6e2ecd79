"""Deploying: which files go out in which order, so that a half-done deploy never breaks the live site.

Owns the order and the comparison; where files go is a `Target`. What pages need goes first, then what lists it, then
the pages, the manifest of the search and the start page last; what is gone is removed at the very end. Asks the target
what it has, so a deploy that was cut off goes on where it was. Dotfiles, the build's manifest among them, stay here.
"""

from __future__ import annotations

import mimetypes
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import groupby
from pathlib import Path
from typing import Protocol

from streamhub.archive.folder import translate_os_error
from streamhub.archive.hosting import INDEXES, HeaderRule
from streamhub.archive.pages import GENERATOR
from streamhub.errors import BadInput, Conflict

START = "index.html"
_TYPES = {
    ".atom": "application/atom+xml",
    ".html": "text/html; charset=utf-8",
    ".ics": "text/calendar; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".m4a": "audio/mp4",
    ".m4s": "video/iso.segment",
    ".md": "text/markdown; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".vtt": "text/vtt; charset=utf-8",
    ".xml": "application/xml",
}
_NAMES = {
    "feed.xml": "application/atom+xml",
    "feed.json": "application/feed+json",
    "podcast.xml": "application/rss+xml",
    "chapters.json": "application/json+chapters",
    "opensearch.xml": "application/opensearchdescription+xml",
}
_LAST = frozenset({"404.html", "_headers", "robots.txt", "sitemap.xml"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """A file on its way.

    Attributes:
        path: in the site.
        source: the file here.
        mime: its kind, as the web names it.
        cache: what ``Cache-Control`` says of it; empty for nothing.
    """

    path: str
    source: Path
    mime: str
    cache: str = ""


class Target(Protocol):
    """Where a site goes."""

    workers: int
    """How many files may be under way at once."""

    def list_files(self) -> Mapping[str, str]:
        """What is there: path to a mark of the content that `mark_of` makes too.

        Raises:
            StreamhubError: it cannot be reached or read.
        """

    def mark_of(self, source: Path, mark: str) -> str:
        """The mark that a file here would have there; ``mark`` is that of the file that lies there."""

    def read(self, path: str) -> bytes:
        """A small file that is there."""

    def put(self, upload: Upload) -> None:
        """Put a file there, whole or not at all."""

    def remove(self, path: str) -> None:
        """Remove a file that is there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeployPlan:
    """What a deploy does: files in their order, by stages that wait for each other; and what is removed at the end."""

    stages: tuple[tuple[Upload, ...], ...]
    removed: tuple[str, ...]
    unchanged: int

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """Every file that goes out, in order."""
        return tuple(upload for stage in self.stages for upload in stage)


def find_files(public: Path) -> dict[str, Path]:
    """Every file that may leave: path in the site, to file; no dotfile, nothing half-written, no link.

    Raises:
        BadInput: there is no site.
        Conflict: a symbolic link lies in the site.
    """
    if not (public / START).is_file():
        raise BadInput(f"{public}: holds no site", hint="run `streamhub build` first")
    found = {}
    for file in sorted(public.rglob("*")):
        path = file.relative_to(public)
        if any(part.startswith(".") for part in path.parts) or file.name.endswith(".part"):
            continue
        if file.is_symlink():
            raise Conflict(f"{file}: is a symbolic link, and what it points to would go out", hint="remove it")
        if file.is_file():
            found[path.as_posix()] = file
    return found


def plan_deploy(
    files: Mapping[str, Path], target: Target, there: Mapping[str, str], rules: Sequence[HeaderRule] = ()
) -> DeployPlan:
    """Compare what is here with what is there.

    Args:
        files: what `find_files` found.
        target: makes marks of files; nothing is changed there.
        there: what it holds.
        rules: the site's headers, from which ``Cache-Control`` is taken.
    """
    changed = [path for path in files if path not in there or target.mark_of(files[path], there[path]) != there[path]]
    ordered = sorted(changed, key=lambda path: (rank_of(path), path == START, path))
    stages = groupby(ordered, key=lambda path: (rank_of(path), path == START))
    return DeployPlan(
        stages=tuple(
            tuple(
                Upload(path=path, source=files[path], mime=mime_of(path), cache=cache_of(path, rules))
                for path in members
            )
            for _, members in stages
        ),
        removed=tuple(sorted(there.keys() - files.keys(), key=lambda path: (-rank_of(path), path))),
        unchanged=len(files) - len(changed),
    )


def rank_of(path: str) -> int:
    """In which turn a file goes out; a file never needs one of a later turn."""
    name = path.rpartition("/")[2]
    if path in _LAST:
        return 4
    if name.endswith(".html") and "/export/" not in path:
        return 3
    if any(fnmatchcase(path, f"{folder}/*/m.json") for folder in INDEXES):
        return 2  # names the pieces of the index, and is asked for before each search
    return 1 if name.endswith((".css", ".js", ".json", ".xml", ".ics")) else 0


def mime_of(path: str) -> str:
    """What the web calls such a file."""
    name = path.rpartition("/")[2]
    suffix = Path(name).suffix.lower()
    return _NAMES.get(name) or _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def cache_of(path: str, rules: Iterable[HeaderRule]) -> str:
    """What the site's headers say about keeping a file; the last rule that speaks of it counts."""
    said = ""
    for rule in rules:
        if fnmatchcase(f"/{path}", rule.pattern):
            said = next((value for name, value in rule.headers if name.lower() == "cache-control"), said)
    return said


def require_ours(target: Target, there: Mapping[str, str], name: str, *, take_over: bool) -> None:
    """Nothing is overwritten or removed where something else than a site of ours lies.

    Raises:
        Conflict: something else lies there.
    """
    if take_over or not there or (START in there and is_ours(target.read(START))):
        return
    raise Conflict(
        f"{name}: holds {len(there)} files and no site of streamhub",
        hint="name an empty place; or, if everything there may go, repeat with --take-over",
    )


def is_ours(start_page: bytes) -> bool:
    """Whether a start page was made by us."""
    return f'name="generator" content="{GENERATOR}"'.encode() in start_page


def run_deploy(plan: DeployPlan, target: Target, say: Callable[[str], None]) -> None:
    """Carry a plan out; a stage begins when the one before is there.

    Args:
        plan: what to do.
        target: where to.
        say: is told each file.

    Raises:
        StreamhubError: a file cannot be put or removed; what is there until then is whole, and the next run goes on.
    """
    total = len(plan.uploads) + len(plan.removed)
    done = 0
    with ThreadPoolExecutor(max_workers=target.workers) as pool:
        for stage in plan.stages:
            for upload, _ in zip(stage, pool.map(target.put, stage), strict=True):
                done += 1
                say(f"[{done}/{total}] {upload.path}")
    for path in plan.removed:
        target.remove(path)
        done += 1
        say(f"[{done}/{total}] removed {path}")


class FolderTarget:
    """A folder on this machine or a mounted one.

    Args:
        root: the folder; made if it is missing.
    """

    workers = 1

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def list_files(self) -> Mapping[str, str]:
        """Every file but dotfiles, with size and time of its last change."""
        if not self._root.exists():
            return {}
        if not self._root.is_dir():
            raise BadInput(f"{self._root}: is a file", hint="name a folder")
        found = {}
        for file in self._root.rglob("*"):
            path = file.relative_to(self._root)
            if file.is_symlink() or (file.is_file() and not any(part.startswith(".") for part in path.parts)):
                found[path.as_posix()] = "link" if file.is_symlink() else _state(file)
        return found

    def mark_of(self, source: Path, mark: str) -> str:
        """Size and time of the file here."""
        return _state(source)

    def read(self, path: str) -> bytes:
        """A file of it."""
        return (self._root / path).read_bytes()

    def put(self, upload: Upload) -> None:
        """Copy a file beside its place, then move it there."""
        place = self._root / upload.path
        part = place.with_name(f"{place.name}.part")
        try:
            self._require_folders(place)
            place.parent.mkdir(parents=True, exist_ok=True)
            part.unlink(missing_ok=True)
            shutil.copy2(upload.source, part)
            part.replace(place)
        except OSError as error:
            raise translate_os_error(place, error) from error

    def remove(self, path: str) -> None:
        """Remove a file, and folders that are empty then."""
        place = self._root / path
        try:
            place.unlink(missing_ok=True)
            for folder in place.parents:
                if folder == self._root or any(folder.iterdir()):
                    break
                folder.rmdir()
        except OSError as error:
            raise translate_os_error(place, error) from error

    def _require_folders(self, place: Path) -> None:
        for folder in place.parents:
            if folder == self._root:
                return
            if folder.is_symlink():
                raise Conflict(f"{folder}: is a symbolic link", hint="remove it; the site needs a folder there")


def _state(file: Path) -> str:
    state = file.stat()
    return f"{state.st_size} {state.st_mtime_ns}"
