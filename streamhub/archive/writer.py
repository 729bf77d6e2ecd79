"""The writer: from the plan to the files under `public/`, and nothing more than has changed.

Gather, then move: every part that changed is made into a hidden folder before the first file takes its place, so a page
that fails leaves the site as it was, and a large site needs little memory. Each file appears whole or not at all. A
manifest remembers which files are ours and what each was made from; only those are ever overwritten or removed.
Refuses to know what the files say.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Self

from streamhub.archive.claims import Crowd, require_site_path
from streamhub.archive.folder import translate_os_error
from streamhub.archive.manifest import (
    MANIFEST,
    UNKNOWN,
    Entry,
    Manifest,
    Row,
    encode_head,
    encode_line,
    read_rows,
    require_inside,
)
from streamhub.archive.plan import Content, MediaLink, Part, SitePlan
from streamhub.errors import Conflict

STAGING = ".streamhub-new"
_FOLDERS_KNOWN = 4096


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
    with Manifest(root) as known:
        _tidy(root, known)
        with _Staging(root, known) as staging:
            for part in plan.parts:
                staging.add(part)
            gone = staging.finish()
            removed = _settle(staging, gone)
    return SiteReport(
        written=staging.made,
        unchanged=staging.files - staging.made,
        removed=removed,
        size_bytes=staging.size_bytes,
        missing_media=plan.missing_media,
    )


def _settle(staging: _Staging, gone: list[str]) -> int:
    """Move what was made to its places and remove what is no longer wanted; returns how many files went."""
    if not staging.differs and not gone:
        return 0
    require_inside(gone, staging.root)
    # What is about to be put there is ours from now on, also if this process dies half-way.
    staging.known.add_unsettled(staging.unsettled)
    staging.move()
    removed = sum(_remove(staging.root, path) for path in gone)
    staging.manifest.replace(staging.root / MANIFEST)
    return removed


class _Staging:
    """What a build made, in a hidden folder of the site, until all of it is made.

    A context that removes what was put aside and is not needed.

    Attributes:
        root: the site.
        known: what is there of the last build.
        manifest: what will be known of this one, once it is through.
        unsettled: names what is about to be moved, in the order in which it was made.
        made, files: how many files are new or have new content, and how many there are.
        size_bytes: of what was made, links not counted.
        differs: whether a part was made, or files are there of a build that was killed.
    """

    def __init__(self, root: Path, known: Manifest) -> None:
        self.root = root
        self.known = known
        self.made = self.files = self.size_bytes = 0
        self.differs = bool(known.unsettled)
        self._base = f"{root}/"
        self._folder = root / STAGING
        self._is_new = not root.exists()
        self.manifest, self.unsettled = self._folder / "manifest", self._folder / "unsettled"
        self._is_settled = True  # no path is there that was not there before
        self._names: set[str] = set()
        self._gone: list[str] = []
        self._is_folder = lru_cache(maxsize=_FOLDERS_KNOWN)(self._look_for_folder)

    def __enter__(self) -> Self:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise translate_os_error(self._folder, error) from error
        self._lines: IO[bytes] = self.manifest.open("wb")
        self._moves: IO[bytes] = self.unsettled.open("wb")
        self._lines.write(encode_head())
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._moves.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._is_new:
            with contextlib.suppress(OSError):  # it holds a site now
                self.root.rmdir()

    def add(self, part: Part) -> None:
        """Make a part, unless its files are as they were left.

        Raises:
            Conflict: it is there already, or a place is somebody else's.
            BadInput, DiskFull: it cannot be made or written.
        """
        if part.name in self._names:
            raise Conflict(f"{part.name}: planned twice", hint="give one of the two another name")
        self._names.add(part.name)
        row = self.known.find(part.name)
        if row is None or row.digest != part.digest or not self._is_untouched(*row.entries):
            row = self._make(part, row)
            self.differs = True
        self.files += len(row.entries)
        self._lines.write(encode_line(row))

    def finish(self) -> list[str]:
        """Close what lists the files; returns those that the site no longer has.

        Raises:
            Conflict: two parts claim one path.
        """
        self._lines.close()
        self._moves.close()
        rows = (self.known.find(name) for name in self.known.names() if name not in self._names)
        gone = [*self._gone, *self.known.unsettled, *(path for row in rows if row for path in row.paths)]
        if self._is_settled and not gone:  # the paths are those of the last build, which were looked at then
            return []
        crowd = Crowd()
        for _, paths in self._owners():
            crowd.add(paths)
        crowd.require_distinct(self._owners())
        return sorted(set(crowd.find_absent(gone))) if gone else []

    def move(self) -> None:
        """Move everything that was put aside to its place."""
        make_folder = lru_cache(maxsize=_FOLDERS_KNOWN)(self._make_folder)
        number = 0
        for row in read_rows(self.unsettled):
            for path in row.paths:
                target = self._base + path
                try:
                    make_folder(path.rpartition("/")[0])
                    os.replace(f"{self._folder}/{number}", target)  # noqa: PTH105 - thousands of files: pathlib costs much
                except OSError as error:
                    raise translate_os_error(Path(target), error) from error
                number += 1

    def _owners(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        yield "the manifest", (MANIFEST,)
        yield from ((row.name, row.paths) for row in read_rows(self.manifest))

    def _make(self, part: Part, row: Row | None) -> Row:
        old = {entry.path: entry for entry in row.entries} if row else {}
        files = part.render(lambda path: path in old and self._is_untouched(old[path]))
        entries: list[Entry] = []
        moves: list[Entry] = []
        for path in sorted(files):
            content = files[path]
            entry = old[path] if content is None else self._find(path, content, path in old)
            if entry is None and content is not None:
                entry = self._put_aside(path, content)
                moves.append(Entry(path, UNKNOWN, UNKNOWN))
            if entry:
                entries.append(entry)
        if moves:
            self._moves.write(encode_line(Row("", "", tuple(moves))))
        self._gone += [path for path in old if path not in files]
        self._is_settled = self._is_settled and files.keys() <= old.keys()
        return Row(part.name, part.digest, tuple(entries))

    def _find(self, path: str, content: Content, is_ours: bool) -> Entry | None:
        """What is known of a file that is there just so; None where it has to be put there."""
        target = self._base + require_site_path(path)
        state = _state_of(target) if self._is_folder(path.rpartition("/")[0]) else None
        if state is None:
            return None
        if _is_same(target, state, content):
            return Entry(path, state.st_size, state.st_mtime_ns)
        if not is_ours and path not in self.known.paths:
            if stat.S_ISREG(state.st_mode):
                reason, hint = "is there already and was not written by streamhub", "build into another folder"
                raise Conflict(f"{target}: {reason}", hint=f"move it away or {hint}")
            raise Conflict(f"{target}: is a link or a folder, the site needs a file there", hint="move it away")
        return None

    def _put_aside(self, path: str, content: Content) -> Entry:
        place = f"{self._folder}/{self.made}"
        try:
            if isinstance(content, MediaLink):
                state = _link_or_copy(content.source, place)
            else:
                state = _write(place, content)
                self.size_bytes += len(content)
        except OSError as error:
            raise translate_os_error(self.root / path, error) from error
        self.made += 1
        return Entry(path, state.st_size, state.st_mtime_ns)

    def _look_for_folder(self, folder: str) -> bool:
        """Whether a folder is there; no link is followed out of the site."""
        if folder and not self._is_folder(folder.rpartition("/")[0]):
            return False
        above = f"{self.root}/{folder}"
        state = _state_of(above)
        if state and not stat.S_ISDIR(state.st_mode):
            raise Conflict(f"{above}: is a link or a file, the site needs a folder there", hint="move it away")
        return state is not None

    def _make_folder(self, folder: str) -> None:
        os.makedirs(f"{self.root}/{folder}", exist_ok=True)  # noqa: PTH103 - as above

    def _is_untouched(self, *entries: Entry) -> bool:
        """Whether files are there as they were left; of a large site that is most of what a build asks the disk."""
        base, look = self._base, os.lstat
        try:
            for entry in entries:
                state = look(base + entry.path)
                if state.st_size != entry.size or state.st_mtime_ns != entry.mtime_ns:
                    return False
        except OSError:
            return False
        return True


def _state_of(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError:
        return None


def _is_same(path: str, state: os.stat_result, content: Content) -> bool:
    """Whether the file on the disk is the wanted one already."""
    try:
        if isinstance(content, MediaLink):
            theirs = content.source.stat()
            copied = (state.st_size, state.st_mtime_ns) == (theirs.st_size, theirs.st_mtime_ns)
            return state.st_ino == theirs.st_ino or copied
        same_size = stat.S_ISREG(state.st_mode) and state.st_size == len(content)
        return same_size and Path(path).read_bytes() == content
    except OSError:
        return False


def _write(place: str, content: bytes) -> os.stat_result:
    """Write a file; returns its state, which a move does not change."""
    with open(place, "wb", buffering=0) as file:  # noqa: PTH123 - thousands of files: pathlib costs as much as the disk
        at = file.write(content)
        while at < len(content):
            at += file.write(content[at:])
        return os.fstat(file.fileno())


def _link_or_copy(source: Path, target: str) -> os.stat_result:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another disk, or one without links
        shutil.copy2(source, target, follow_symlinks=False)
    return os.lstat(target)


def _tidy(root: Path, known: Manifest) -> None:
    """Remove what a killed build left: nobody would ever ask whether it may still be public."""
    left = root / STAGING
    if left.is_symlink() or (left.exists() and not left.is_dir()):
        raise Conflict(f"{left}: is a link or a file, the site needs a folder there", hint="move it away")
    shutil.rmtree(left, ignore_errors=True)
    require_inside(known.unsettled, root)
    for path in [root / name for name in known.unsettled]:
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
