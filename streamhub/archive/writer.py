"""The writer: from the plan to the files under `public/`, and nothing more than has changed.

Gather, then move: every part that changed is made into a hidden folder before the first file takes its place, so a page
that fails leaves the site as it was, and a large site needs little memory. Each file appears whole or not at all. A
manifest remembers which files are ours and what each was made from; only those are ever overwritten or removed.
Refuses to know what the files say.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from streamhub.archive.folder import translate_os_error
from streamhub.archive.plan import Claims, Content, MediaLink, Part, SitePlan
from streamhub.errors import BadInput, Conflict

MANIFEST = ".streamhub-site.json"
STAGING = ".streamhub-new"
_VERSION = 1
_UNKNOWN = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteReport:
    """What a build did.

    Attributes:
        written: files that are new or have new content.
        unchanged: files that were left alone.
        removed: files that the site no longer has.
        size_bytes: what was written, recordings that were linked not counted.
        missing_media: recordings that the archive names and that are not there.
    """

    written: int
    unchanged: int
    removed: int
    size_bytes: int
    missing_media: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the manifest knows of a file: digest of its content, and its state on disk after it was written."""

    digest: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class _Manifest:
    """Ours: files with what is known of them, and parts with their digest and files."""

    files: Mapping[str, _Entry]
    parts: Mapping[str, tuple[str, tuple[str, ...]]]


def write_site(plan: SitePlan, public: Path) -> SiteReport:
    """Bring a folder to the state of the plan.

    Args:
        plan: what the site should be.
        public: its folder; made if it is missing. Files in it that are not ours stay.

    Raises:
        Conflict: two parts claim one path, or a path is taken by a file that is not ours.
        BadInput: a part cannot be made (nothing was changed), or the folder cannot be written.
        DiskFull: no room.
    """
    root = public.resolve()
    known = _read_manifest(root)
    _tidy(root, known)
    staging = _Staging(root, known)
    try:
        parts = _gather(plan, staging)
        return _settle(staging, parts, plan.missing_media)
    finally:
        staging.drop()


def _gather(plan: SitePlan, staging: _Staging) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Make what has to be made; parts whose files are as they were left are not made again."""
    claims = Claims()
    claims.add("the manifest", [MANIFEST])
    parts: dict[str, tuple[str, tuple[str, ...]]] = {}
    for part in plan.parts:
        if part.name in parts:
            raise Conflict(f"{part.name}: planned twice", hint="give one of the two another name")
        paths = staging.kept(part)
        if paths is None:
            files = part.render(staging.is_present)
            paths = tuple(sorted(files))
            claims.add(part.name, paths)
            for path in paths:
                content = files[path]
                if content is not None:
                    staging.put(path, content)
        else:
            claims.add(part.name, paths)
        parts[part.name] = (part.digest, paths)
    return parts


def _settle(
    staging: _Staging, parts: Mapping[str, tuple[str, tuple[str, ...]]], missing_media: tuple[str, ...]
) -> SiteReport:
    """Move what was made to its places, and remove what is no longer wanted."""
    root, known = staging.root, staging.known
    wanted = {path for _, paths in parts.values() for path in paths}
    gone = [path for path in known.files if path not in wanted]
    if not staging.made and not gone and parts == known.parts and staging.found.keys() <= known.files.keys():
        return SiteReport(written=0, unchanged=len(wanted), removed=0, size_bytes=0, missing_media=missing_media)
    # What is about to be put there is ours from now on, also if this process dies half-way.
    pending = {path: _Entry("", _UNKNOWN, _UNKNOWN) for path in staging.made}
    _write_manifest(root, _Manifest({**known.files, **pending}, {}))
    moved = {path: staging.move(path) for path in staging.made}
    removed = sum(_remove(root, path) for path in gone)
    files = {path: moved.get(path) or staging.found.get(path) or known.files[path] for path in sorted(wanted)}
    _write_manifest(root, _Manifest(files, parts))
    return SiteReport(
        written=len(moved),
        unchanged=len(wanted) - len(moved),
        removed=removed,
        size_bytes=staging.size_bytes,
        missing_media=missing_media,
    )


class _Staging:
    """What a build made, in a hidden folder of the site, until all of it is made.

    Attributes:
        root: the site.
        known: what is there of the last build.
        made: path to its digest, of files that are new or have new content.
        found: path to what is known of it, of files that were made and are there just so.
        size_bytes: of what was made, links not counted.
    """

    def __init__(self, root: Path, known: _Manifest) -> None:
        self.root = root
        self.known = known
        self.made: dict[str, str] = {}
        self.found: dict[str, _Entry] = {}
        self.size_bytes = 0
        self._folder = root / STAGING
        self._is_new = not root.exists()
        self._places: dict[str, Path] = {}
        self._checked: set[str] = {""}
        self._have: set[str] = set()

    def is_present(self, path: str) -> bool:
        """Whether a file is there as it was left."""
        return _untouched(self.root, path, self.known.files.get(path))

    def kept(self, part: Part) -> tuple[str, ...] | None:
        """The files of a part that need not be made again; None where it has to be."""
        digest, paths = self.known.parts.get(part.name, ("", ()))
        return paths if digest == part.digest and all(map(self.is_present, paths)) else None

    def put(self, path: str, content: Content) -> None:
        """Put a file aside, unless it is there already.

        Raises:
            Conflict: the place is somebody else's.
            BadInput, DiskFull: it cannot be written.
        """
        target = self.root / path
        entry = self.known.files.get(path)
        self._require_ours(path, target)
        if _same(self.root, path, content, entry):
            self.found[path] = _entry_of(target, content)
            return
        if entry is None and os.path.lexists(target):
            raise Conflict(
                f"{target}: is there already and was not written by streamhub",
                hint="move it away or build into another folder",
            )
        place = self._folder / str(len(self._places))
        try:
            if not self._places:
                self._folder.mkdir(parents=True, exist_ok=True)
            if isinstance(content, MediaLink):
                _link_or_copy(content.source, place)
            else:
                with open(place, "wb") as file:  # noqa: PTH123 - thousands of files: pathlib costs as much as the disk
                    file.write(content)
                self.size_bytes += len(content)
        except OSError as error:
            raise translate_os_error(target, error) from error
        self.made[path] = _digest(content) if isinstance(content, bytes) else ""
        self._places[path] = place

    def move(self, path: str) -> _Entry:
        """Move a file that was put aside to its place; what is known of it from now on."""
        folder, _, _ = path.rpartition("/")
        target = f"{self.root}/{path}"
        try:
            if folder not in self._have:
                os.makedirs(f"{self.root}/{folder}", exist_ok=True)  # noqa: PTH103 - as above
                self._have.add(folder)
            os.replace(self._places[path], target)  # noqa: PTH105 - as above
            state = os.lstat(target)
        except OSError as error:
            raise translate_os_error(Path(target), error) from error
        return _Entry(self.made[path], state.st_size, state.st_mtime_ns)

    def drop(self) -> None:
        """Remove what was put aside and is not needed."""
        if self._places:
            shutil.rmtree(self._folder, ignore_errors=True)
            if self._is_new:
                with contextlib.suppress(OSError):  # it holds a site now
                    self.root.rmdir()

    def _require_ours(self, path: str, target: Path) -> None:
        """No link is followed out of the folder, and nothing is put in the place of a folder."""
        folder = path.rpartition("/")[0]
        while folder not in self._checked:
            self._checked.add(folder)
            above = self.root / folder
            if above.is_symlink() or (above.exists() and not above.is_dir()):
                raise Conflict(f"{above}: is a link or a file, the site needs a folder there", hint="move it away")
            folder = folder.rpartition("/")[0]
        if path not in self.known.files and (target.is_symlink() or target.is_dir()):
            raise Conflict(f"{target}: is a link or a folder, the site needs a file there", hint="move it away")


def _untouched(root: Path, path: str, entry: _Entry | None) -> bool:
    if entry is None:
        return False
    try:
        state = os.lstat(f"{root}/{path}")
    except OSError:
        return False
    return (state.st_size, state.st_mtime_ns) == (entry.size, entry.mtime_ns)


def _same(root: Path, name: str, content: Content, entry: _Entry | None) -> bool:
    """Whether the file on the disk is the wanted one already."""
    path = f"{root}/{name}"
    try:
        ours = os.lstat(path)
        if isinstance(content, MediaLink):
            theirs = content.source.stat()
            copied = (ours.st_size, ours.st_mtime_ns) == (theirs.st_size, theirs.st_mtime_ns)
            return ours.st_ino == theirs.st_ino or copied
        if ours.st_size != len(content) or not stat.S_ISREG(ours.st_mode):
            return False
        if entry and entry.digest == _digest(content) and _untouched(root, name, entry):
            return True
        return Path(path).read_bytes() == content
    except OSError:
        return False


def _entry_of(path: Path, content: Content) -> _Entry:
    state = path.stat()
    return _Entry(_digest(content) if isinstance(content, bytes) else "", state.st_size, state.st_mtime_ns)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another disk, or one without links
        shutil.copy2(source, target, follow_symlinks=False)


def _tidy(root: Path, known: _Manifest) -> None:
    """Remove what a killed build left: nobody would ever ask whether it may still be public."""
    left = root / STAGING
    if left.is_symlink() or (left.exists() and not left.is_dir()):
        raise Conflict(f"{left}: is a link or a file, the site needs a folder there", hint="move it away")
    shutil.rmtree(left, ignore_errors=True)
    for path in [root / name for name, entry in known.files.items() if entry.size == _UNKNOWN]:
        if not any(folder.is_symlink() for folder in _folders(root, path)):
            with contextlib.suppress(OSError):  # somebody put a file there; the build says so
                _drop_folders(root, path)


def _folders(root: Path, path: Path) -> list[Path]:
    """The folders of a file inside the root, the innermost first."""
    return [folder for folder in path.parents if folder != root and folder.is_relative_to(root)]


def _drop_folders(root: Path, path: Path) -> None:
    for folder in _folders(root, path):
        try:
            folder.rmdir()
        except OSError:  # not empty, or gone
            break


def _remove(root: Path, name: str) -> bool:
    path = root / name
    if any(folder.is_symlink() for folder in _folders(root, path)):
        return False
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise translate_os_error(path, error) from error
    _drop_folders(root, path)
    return True


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()


def _read_manifest(root: Path) -> _Manifest:
    try:
        data: Any = json.loads((root / MANIFEST).read_bytes())
        if data["version"] != _VERSION:
            return _Manifest({path: _Entry("", _UNKNOWN, _UNKNOWN) for path in data["files"]}, {})
        files = {
            str(path): _Entry(str(entry[0]), int(entry[1]), int(entry[2])) for path, entry in data["files"].items()
        }
        parts = {str(name): (str(digest), tuple(map(str, paths))) for name, (digest, paths) in data["parts"].items()}
    except FileNotFoundError:
        return _Manifest({}, {})
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise BadInput(
            f"{root / MANIFEST}: is damaged ({error})", hint="build into an empty folder, or remove this one"
        ) from error
    for path in files:
        if path.startswith("/") or ".." in path.split("/"):
            raise BadInput(f"{root / MANIFEST}: names {path!r}, which is outside", hint="build into an empty folder")
    return _Manifest(files, parts)


def _write_manifest(root: Path, manifest: _Manifest) -> None:
    """Written whole or not at all."""
    data = {
        "version": _VERSION,
        "files": {path: [entry.digest, entry.size, entry.mtime_ns] for path, entry in sorted(manifest.files.items())},
        "parts": {name: [digest, list(paths)] for name, (digest, paths) in sorted(manifest.parts.items())},
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    part = root / f"{MANIFEST}.part"
    try:
        root.mkdir(parents=True, exist_ok=True)
        part.write_bytes(text.encode())
        part.replace(root / MANIFEST)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise translate_os_error(root / MANIFEST, error) from error
