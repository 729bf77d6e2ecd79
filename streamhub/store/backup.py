"""Backups: a whole workspace in one file, taken while the hub runs, and back into a folder on any machine.

Owns what is taken along and in which order. Works from any process, for it opens connections of its own. A backup holds
everything that the workspace holds, stream keys and askers' names included, so it is readable by its owner alone; but
no sign-in to a platform, because backups travel and two hubs must not act on one channel.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from sqlite_utils import Database

from streamhub.config import SETTINGS_FILE
from streamhub.errors import BadInput, Conflict, DiskFull, Environment, NotFound, Unavailable
from streamhub.store.backup_format import (
    MANIFEST_FILE,
    MAX_MANIFEST_BYTES,
    Entry,
    Manifest,
    Meter,
    Progress,
    is_safe_name,
    parse_manifest,
    private_opener,
    render_manifest,
    require_room,
    sync_folder,
    translate_os,
)
from streamhub.store.erased import ERASED_FILE
from streamhub.store.library import connect, sqlite3, translate
from streamhub.store.migration import applied_numbers, require_known
from streamhub.store.store import DATABASE_FILE, MIGRATIONS
from streamhub.timecode import Now, format_instant

ENGINE_FILE = "engine.sqlite3"
# With the secret voters keep their identities, with the list of erased questions those stay erased.
_SINGLE_FILES = ("secret", "README.md", ".gitignore", ERASED_FILE)
_FOLDERS = ("transcripts", "site", "portraits")
_CHUNK_BYTES = 1 << 20
_SCRATCH = ".streamhub-"


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupReport:
    """What a backup or a restore did.

    Attributes:
        path: the backup, or the restored workspace.
        created_at: when the backup was made, as an ISO 8601 instant.
        files: how many files it holds.
        size_bytes: their sizes together.
        left_out: files that were left out, each with the reason: recordings that were not wanted, links, odd names.
    """

    path: Path
    created_at: str
    files: int
    size_bytes: int
    left_out: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """A file to take along: where it lies now, its path in the workspace, and how much of it is taken."""

    file: Path
    name: str
    size_bytes: int


def write_backup(
    workspace: Path,
    target: Path,
    *,
    now: Now,
    media_dir: str = "media",
    include_media: bool = False,
    progress: Progress | None = None,
) -> BackupReport:
    """Write a workspace into one new ``.tar`` file while its hub runs; it appears whole or not at all.

    The databases come first and as one moment, then the files that they speak of. Of a file that grows meanwhile the
    part is taken that was there at first. The archive, the site's overrides and the settings are taken always, the
    recordings only when wanted; ``public/`` is made from the rest and never taken.

    Raises:
        NotFound: the folder is no workspace.
        Conflict: the target exists.
        BadInput: recordings are wanted, but lie outside of the workspace.
        DiskFull: no room for the backup.
        Environment: a database is damaged, or a file cannot be read.
    """
    if not (workspace / DATABASE_FILE).is_file():
        raise NotFound(f"{workspace}: no {DATABASE_FILE} in it", hint="name the folder of a workspace")
    if target.exists():
        raise Conflict(f"{target}: exists already", hint="name a new file")
    inside = _is_inside(workspace, media_dir)
    if include_media and not inside:
        raise BadInput(
            f"recordings in {media_dir}: lie outside of the workspace, so they cannot be restored with it",
            hint="back that folder up by itself",
        )
    manifest = Manifest(created_at=format_instant(now()), migrations=(), left_out=(), files={})
    try:
        with tempfile.TemporaryDirectory(prefix=f"{_SCRATCH}backup-", dir=target.parent) as scratch:
            databases, migrations = _copy_databases(workspace, Path(scratch))
            sources, left_out = _find_sources(workspace, media_dir if include_media else "")
            if not include_media:
                left_out += _name_recordings(workspace, media_dir) if inside else [f"{media_dir}: elsewhere"]
            sources = [*databases, *sources]
            manifest = replace(manifest, migrations=tuple(sorted(migrations)), left_out=tuple(left_out))
            return _write_tar(Path(scratch) / f"{target.name}.part", target, sources, manifest, progress)
    except OSError as error:
        raise translate_os(error, f"backup of {workspace} to {target}") from error


def restore_backup(archive: Path, target: Path, *, progress: Progress | None = None) -> BackupReport:
    """Put a backup back into a new or empty folder; every sum is checked before anything is in its place.

    Raises:
        NotFound: there is no such backup.
        Conflict: the folder is not empty.
        BadInput: it is no backup, is damaged, or holds names that lead elsewhere.
        NewerWorkspace: a newer streamhub wrote it.
        DiskFull: no room for what it holds.
    """
    if not archive.is_file():
        raise NotFound(f"{archive}: there is no such backup")
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise Conflict(f"{target}: exists and is not empty, nothing is overwritten", hint="name a new folder")
    parent = target.absolute().parent
    try:
        size_bytes = archive.stat().st_size
        require_room(parent, size_bytes)
        with _scratch_beside(parent) as place:
            manifest = _unpack(archive, place, Meter(progress, size_bytes))
            for root, _, _ in os.walk(place):
                sync_folder(Path(root))
            place.rename(target)  # over an empty folder too; refused by the system if it got something meanwhile
        sync_folder(parent)
    except tarfile.TarError as error:
        raise BadInput(f"{archive}: is no backup, or a cut one ({error})", hint="use another backup") from error
    except OSError as error:
        raise translate_os(error, f"restore of {archive} to {target}") from error
    return _report(target, manifest)


def _report(path: Path, manifest: Manifest) -> BackupReport:
    return BackupReport(
        path=path,
        created_at=manifest.created_at,
        files=len(manifest.files),
        size_bytes=sum(entry.size_bytes for entry in manifest.files.values()),
        left_out=manifest.left_out,
    )


class _HashingReader(io.RawIOBase):
    """Reads exactly so many bytes of a file, hashing them; a file that is shorter by now is an error."""

    def __init__(self, stream: IO[bytes], source: _Source, meter: Meter) -> None:
        self._stream = stream
        self._source = source
        self._left = source.size_bytes
        self._meter = meter
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next bytes, all that were asked for until the end."""
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._stream.read(wanted)
        if len(data) < wanted:
            raise Unavailable(f"{self._source.name}: became shorter while it was being copied", hint="try again")
        self._left -= len(data)
        self.digest.update(data)
        self._meter.add(len(data))
        return data


def _is_inside(workspace: Path, media_dir: str) -> bool:
    root, folder = workspace.resolve(), (workspace / media_dir).resolve()
    return folder != root and folder.is_relative_to(root) and not (workspace / media_dir).is_symlink()


def _copy_databases(workspace: Path, scratch: Path) -> tuple[list[_Source], frozenset[int]]:
    """Copy both databases as they were at one moment; says which migrations the hub's has seen.

    The hub's writers are held up only until a reading transaction is open on both, then both are copied from those. So
    the engine's copy never believes to have done what the hub's copy does not hold, nor the other way round.
    """
    names = [name for name in (DATABASE_FILE, ENGINE_FILE) if (workspace / name).is_file()]
    path = workspace / DATABASE_FILE
    with contextlib.ExitStack() as stack:
        try:
            guard = stack.enter_context(contextlib.closing(connect(path)))
            readers = {}
            for name in names:
                path = workspace / name
                readers[name] = stack.enter_context(contextlib.closing(connect(path, read_only=True)))
            guard.execute("begin immediate")
            for name, reader in readers.items():
                path = workspace / name
                reader.execute("begin")
                reader.execute("select count(*) from sqlite_schema").fetchone()  # opens the reading transaction
            guard.execute("rollback")
            copies = []
            for name, reader in readers.items():
                path = workspace / name
                copies.append(_copy_database(reader, scratch / name, path))
            return copies, applied_numbers(Database(readers[DATABASE_FILE], recursive_triggers=False))
        except sqlite3.Error as error:
            failure = translate(error, path)
            full = isinstance(failure, DiskFull)  # then it is the copy's disk that is meant, not the original's
            raise translate(error, scratch.parent) if full else failure from error


def _copy_database(reader: sqlite3.Connection, copy: Path, original: Path) -> _Source:
    copy.touch(mode=0o600)
    with contextlib.closing(connect(copy)) as writer:
        reader.backup(writer)  # in one step, within the reader's transaction, so foreign writes never restart it
        writer.execute("pragma journal_mode = delete")  # a single file, without a log beside it
        result = writer.execute("pragma quick_check").fetchone()[0]
        if result != "ok":
            raise Environment(f"{original}: is damaged ({result})", hint="restore an earlier backup")
        writer.execute("vacuum")
    return _Source(file=copy, name=original.name, size_bytes=copy.stat().st_size)


def _find_sources(workspace: Path, media_dir: str) -> tuple[list[_Source], list[str]]:
    sources: list[_Source] = []
    left_out = [f"{path.name}: a sign-in; sign in again where the backup goes" for path in workspace.glob("*.token")]
    names = [name for name in (SETTINGS_FILE, *_SINGLE_FILES) if (workspace / name).exists()]
    for folder in (*_FOLDERS, media_dir):
        names += _names_under(workspace, folder) if folder else []
    for name in dict.fromkeys(names):
        file = workspace / name
        if file.is_symlink() or not file.is_file():
            left_out.append(f"{name}: a link, or no plain file")
        elif not is_safe_name(name):
            left_out.append(f"{name!a}: a name that not every system takes")
        else:
            sources.append(_Source(file=file, name=name, size_bytes=file.stat().st_size))
    return sources, left_out


def _name_recordings(workspace: Path, media_dir: str) -> list[str]:
    return [f"{name}: a recording" for name in _names_under(workspace, media_dir)]


def _names_under(workspace: Path, folder: str) -> list[str]:
    """Paths of all files under a folder of the workspace, sorted; links to folders are named, not followed."""
    found: list[str] = []
    for root, folders, files in os.walk(workspace / folder):
        here = Path(root)
        folders[:] = [name for name in folders if not name.startswith(_SCRATCH)]
        links = [name for name in folders if (here / name).is_symlink()]
        found += [(here / name).relative_to(workspace).as_posix() for name in (*files, *links)]
    return sorted(found)


def _write_tar(
    part: Path, target: Path, sources: list[_Source], manifest: Manifest, progress: Progress | None
) -> BackupReport:
    size_bytes = sum(source.size_bytes for source in sources)
    require_room(target.parent, size_bytes)
    meter = Meter(progress, size_bytes)
    files: dict[str, Entry] = {}
    with open(part, "xb", opener=private_opener) as stream:
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for source in sources:
                with source.file.open("rb") as file:
                    reader = _HashingReader(file, source, meter)
                    tar.addfile(_member(source.name, source.size_bytes, source.file.stat().st_mtime), reader)
                files[source.name] = Entry(size_bytes=source.size_bytes, sha256=reader.digest.hexdigest())
            manifest = replace(manifest, files=files)
            content = render_manifest(manifest)
            tar.addfile(_member(MANIFEST_FILE, len(content), 0), io.BytesIO(content))
        stream.flush()
        os.fsync(stream.fileno())
    try:
        os.link(part, target)  # unlike a rename, never replaces what somebody put there meanwhile
    except FileExistsError as error:
        raise Conflict(f"{target}: exists already", hint="name a new file") from error
    except OSError:  # a disk without hard links
        part.rename(target)
    sync_folder(target.parent)
    return _report(target, manifest)


def _member(name: str, size_bytes: int, mtime: float) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = size_bytes, int(mtime), 0o600
    return member


@contextlib.contextmanager
def _scratch_beside(parent: Path) -> Iterator[Path]:
    """A fresh folder on the same disk, gone afterwards unless it was renamed."""
    parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f"{_SCRATCH}restore-", dir=parent))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _unpack(archive: Path, place: Path, meter: Meter) -> Manifest:
    """Unpack into a fresh folder and check it against the manifest, which is returned."""
    found: dict[str, Entry] = {}
    manifest: Manifest | None = None
    with tarfile.open(archive, mode="r:") as tar:
        for member in tar:
            plain = member.type in {tarfile.REGTYPE, tarfile.AREGTYPE} and not member.issparse()
            stream = tar.extractfile(member) if plain else None
            if stream is None or manifest or not is_safe_name(member.name):
                raise BadInput(f"{archive}: holds {member.name!a}, which no backup holds", hint="use another backup")
            if member.name == MANIFEST_FILE:
                manifest = parse_manifest(stream.read(MAX_MANIFEST_BYTES), what=str(archive))
                require_known(frozenset(manifest.migrations), MIGRATIONS, what=str(archive))
            else:
                found[member.name] = _save_member(stream, place, member, meter, what=str(archive))
    if manifest is None or DATABASE_FILE not in manifest.files:
        missing = DATABASE_FILE if manifest else MANIFEST_FILE
        raise BadInput(f"{archive}: is no backup, or a cut one (no {missing})", hint="use another backup")
    differ = sorted(
        name for name in found.keys() | manifest.files.keys() if found.get(name) != manifest.files.get(name)
    )
    if differ:
        raise BadInput(
            f"{archive}: damaged, {len(differ)} file(s) differ from the manifest, the first is {differ[0]}",
            hint="use another backup",
        )
    return manifest


def _save_member(stream: IO[bytes], place: Path, member: tarfile.TarInfo, meter: Meter, *, what: str) -> Entry:
    file = place / member.name
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        out = open(file, "xb", opener=private_opener)  # noqa: SIM115  Path.open takes no opener; closed below
    except (FileExistsError, NotADirectoryError) as error:
        raise BadInput(
            f"{what}: holds {member.name!a} twice, which no backup does", hint="use another backup"
        ) from error
    digest = hashlib.sha256()
    size_bytes = 0
    with out:
        while chunk := stream.read(_CHUNK_BYTES):
            out.write(chunk)
            digest.update(chunk)
            size_bytes += len(chunk)
            meter.add(len(chunk))
        out.flush()
        os.fsync(out.fileno())
    if 0 <= member.mtime < 1 << 33:  # whatever a stranger wrote there
        os.utime(file, (member.mtime, member.mtime))
    return Entry(size_bytes=size_bytes, sha256=digest.hexdigest())
