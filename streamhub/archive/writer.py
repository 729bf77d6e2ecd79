"""The writer: from the plan to the files under `public/`, and nothing more than has changed.

Gather, then write: every part that changed is made before the first byte is written, so a page that fails leaves the
site as it was. Each file is written whole or not at all. A manifest in the folder remembers which files are ours and
what each was made from; only those are ever overwritten or removed. Refuses to know what the files say.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from streamhub.archive.folder import translate_os_error
from streamhub.archive.plan import Claims, Content, MediaLink, Part, SitePlan
from streamhub.errors import BadInput, Conflict

MANIFEST = ".streamhub-site.json"
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
        BadInput: a part cannot be made (nothing was written), or the folder cannot be written.
        DiskFull: no room.
    """
    root = public.resolve()
    known = _read_manifest(root)
    _drop_parts(root, known)
    made, parts = _gather(plan, known, root)
    wanted = {path for _, paths in parts.values() for path in paths}
    _require_ours(root, made, known)
    writes = {path: content for path, content in made.items() if not _same(root / path, content, known.files.get(path))}
    gone = [path for path in known.files if path not in wanted]
    if not writes and not gone and parts == known.parts and made.keys() <= known.files.keys():
        return SiteReport(written=0, unchanged=len(wanted), removed=0, size_bytes=0, missing_media=plan.missing_media)
    # What is about to be written is ours from now on, also if this process dies half-way.
    pending = {path: _Entry("", _UNKNOWN, _UNKNOWN) for path in writes}
    _write_manifest(root, _Manifest({**known.files, **pending}, {}))
    size_bytes = sum(_write(root, path, content) for path, content in writes.items())
    removed = sum(_remove(root, path) for path in gone)
    files = {path: _entry(root / path, made.get(path), known.files.get(path)) for path in sorted(wanted)}
    _write_manifest(root, _Manifest(files, parts))
    return SiteReport(
        written=len(writes),
        unchanged=len(wanted) - len(writes),
        removed=removed,
        size_bytes=size_bytes,
        missing_media=plan.missing_media,
    )


def _gather(
    plan: SitePlan, known: _Manifest, root: Path
) -> tuple[dict[str, Content], dict[str, tuple[str, tuple[str, ...]]]]:
    """Make what has to be made; parts whose files are as they were left are not made again."""
    claims = Claims()
    claims.add("the manifest", [MANIFEST])
    made: dict[str, Content] = {}
    parts: dict[str, tuple[str, tuple[str, ...]]] = {}
    for part in plan.parts:
        if part.name in parts:
            raise Conflict(f"{part.name}: planned twice", hint="give one of the two another name")
        paths = _kept(part, known, root)
        if paths is None:
            files = part.render()
            paths = tuple(sorted(files))
            made.update(files)
        claims.add(part.name, paths)
        parts[part.name] = (part.digest, paths)
    return made, parts


def _kept(part: Part, known: _Manifest, root: Path) -> tuple[str, ...] | None:
    digest, paths = known.parts.get(part.name, ("", ()))
    if digest != part.digest or not all(_untouched(root / path, known.files.get(path)) for path in paths):
        return None
    return paths


def _untouched(path: Path, entry: _Entry | None) -> bool:
    if entry is None:
        return False
    try:
        state = path.lstat()
    except OSError:
        return False
    return (state.st_size, state.st_mtime_ns) == (entry.size, entry.mtime_ns)


def _require_ours(root: Path, made: Mapping[str, Content], known: _Manifest) -> None:
    """No file of somebody else is overwritten, no link is followed out of the folder."""
    checked: set[Path] = set()
    for name, content in made.items():
        path = root / name
        for folder in path.parents:
            if folder == root or folder in checked:
                break
            checked.add(folder)
            if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
                raise Conflict(f"{folder}: is a link or a file, the site needs a folder there", hint="move it away")
        if path.is_symlink() or path.is_dir():
            raise Conflict(f"{path}: is a link or a folder, the site needs a file there", hint="move it away")
        if name not in known.files and path.exists() and not _same(path, content, None):
            raise Conflict(
                f"{path}: is there already and was not written by streamhub",
                hint="move it away or build into another folder",
            )


def _same(path: Path, content: Content, entry: _Entry | None) -> bool:
    """Whether the file on the disk is the wanted one already."""
    try:
        if isinstance(content, MediaLink):
            ours, theirs = path.stat(), content.source.stat()
            copied = (ours.st_size, ours.st_mtime_ns) == (theirs.st_size, theirs.st_mtime_ns)
            return ours.st_ino == theirs.st_ino or copied
        if entry and entry.size == len(content) and entry.digest == _digest(content) and _untouched(path, entry):
            return True
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False


def _write(root: Path, name: str, content: Content) -> int:
    path = root / name
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        if isinstance(content, MediaLink):
            _link_or_copy(content.source, part)
        else:
            part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise translate_os_error(path, error) from error
    return 0 if isinstance(content, MediaLink) else len(content)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another disk, or one without links
        shutil.copy2(source, target, follow_symlinks=False)


def _drop_parts(root: Path, known: _Manifest) -> None:
    """Remove what a killed build left half-written: nobody would ever ask whether it may still be public."""
    for name, entry in known.files.items():
        path = root / name
        if entry.size == _UNKNOWN and not any(folder.is_symlink() for folder in _folders(root, path)):
            try:
                path.with_name(f"{path.name}.part").unlink(missing_ok=True)
                _drop_folders(root, path)
            except NotADirectoryError:  # somebody put a file there; the build says so
                continue
            except OSError as error:
                raise translate_os_error(path, error) from error


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


def _entry(path: Path, content: Content | None, before: _Entry | None) -> _Entry:
    if content is None and before:
        return before
    state = path.stat()
    digest = _digest(content) if isinstance(content, bytes) else ""
    return _Entry(digest, state.st_size, state.st_mtime_ns)


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
    data = {
        "version": _VERSION,
        "files": {path: [entry.digest, entry.size, entry.mtime_ns] for path, entry in sorted(manifest.files.items())},
        "parts": {name: [digest, list(paths)] for name, (digest, paths) in sorted(manifest.parts.items())},
    }
    _write(root, MANIFEST, json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
