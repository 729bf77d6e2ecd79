"""The inbox as a folder: what lies in it, the slips that say what is to become of each file, and dropped archives.

Owns the disk side of the inbox: ``.slips/`` holds one small file per dropped file that was assigned, begun or unpacked,
so that a crash forgets nothing; ``done/`` holds what was taken, and nothing is ever deleted. Names that come from
outside are never used as paths. Everything here blocks: call it in a thread. Refuses to know sessions.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import io
import json
import os
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from streamhub.errors import BadInput, BadMedia, DiskFull
from streamhub.recording.matching import InboxCode
from streamhub.recording.room import measure_free_bytes

DONE = "done"
LOCK = ".lock"
_SLIPS = ".slips"
_IGNORED = frozenset({DONE, "thumbs.db", "desktop.ini"})
_UNFINISHED = frozenset({".part", ".partial", ".crdownload", ".tmp", ".temp", ".download", ".opdownload", ".ytdl"})
_DESCRIPTIONS = frozenset({".csv", ".json"})
_VIDEOS = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".flv", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".3gp"})
_MAX_DESCRIPTION_BYTES = 20 * 2**20
_MAX_DESCRIPTIONS = 2_000
_MAX_DESCRIBED_BYTES = 100 * 2**20  # of all descriptions in one archive
_MAX_ROWS = 100_000  # of one file, and of one archive
_MAX_MEMBERS = 100_000
_MAX_RATIO = 100  # pictures and sound are compressed already; what shrinks more is no video
_CHUNK_BYTES = 2**20
_KEPT_FREE_BYTES = 200 * 2**20

Row = tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """Something in the inbox.

    Attributes:
        name: harmless to show; the file's own name unless that is refused.
        path: the file.
        size_bytes, mtime_ns: as seen; with the path they say whether it is still the same file.
        code: why it is not looked into; None when it is.
    """

    name: str
    path: Path
    size_bytes: int
    mtime_ns: int
    code: InboxCode | None = None

    @property
    def mark(self) -> tuple[str, int, int]:
        """Changes when the file changes."""
        return self.name, self.size_bytes, self.mtime_ns

    @property
    def is_description(self) -> bool:
        """Whether it is text about videos."""
        return self.path.suffix.lower() in _DESCRIPTIONS

    @property
    def is_zip(self) -> bool:
        """Whether it is an archive, by its name."""
        return self.path.suffix.lower() == ".zip"


@dataclass(frozen=True, kw_only=True, slots=True)
class Slip:
    """What is to become of a file; it counts only while the file is the same.

    Attributes:
        name, size_bytes, mtime_ns: which file.
        session_id, part: where it belongs; empty and 0 while nobody said.
        author: who said so; empty for the hub itself.
        replace: whether it takes the place of a recording.
        stopped: whether a person stopped it.
        notes: what stood about it in an archive.
    """

    name: str
    size_bytes: int
    mtime_ns: int
    session_id: str = ""
    part: int = 0
    author: str = ""
    replace: bool = False
    stopped: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ZipContent:
    """What is in an archive, without unpacking it.

    Attributes:
        videos: member of each video, by its place in the archive's own list.
        rows: what its descriptions say.
    """

    videos: Mapping[int, str] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()


def list_folder(folder: Path) -> list[Entry]:
    """What lies in the inbox, by name; hidden files and what was taken are left out.

    Raises:
        OSError: the folder cannot be read.
    """
    entries = []
    with os.scandir(folder) as found:
        for item in found:
            if item.name.startswith(".") or item.name.lower() in _IGNORED:
                continue
            with contextlib.suppress(FileNotFoundError):  # taken away at this moment
                entries.append(_entry(Path(item.path), item.stat(follow_symlinks=False)))
    return sorted(entries, key=lambda entry: entry.name)


def is_same(entry: Entry) -> bool:
    """Whether a file is still the one that was looked at, and a plain file."""
    try:
        found = entry.path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and (found.st_size, found.st_mtime_ns) == (entry.size_bytes, entry.mtime_ns)


def _entry(path: Path, found: os.stat_result) -> Entry:
    shown = "".join(c if _is_plain(c) else f"\\x{ord(c):02x}" for c in path.name)
    code: InboxCode | None = None
    if stat.S_ISDIR(found.st_mode):
        code = InboxCode.FOLDER
    elif not stat.S_ISREG(found.st_mode):
        code = InboxCode.LINK
    elif shown != path.name:
        code = InboxCode.BAD_NAME
    elif path.suffix.lower() in _UNFINISHED:
        code = InboxCode.UNFINISHED
    return Entry(name=shown, path=path, size_bytes=found.st_size, mtime_ns=found.st_mtime_ns, code=code)


def _is_plain(char: str) -> bool:
    return unicodedata.category(char) not in {"Cc", "Cs"}


# Slips.


def prepare_folder(folder: Path) -> None:
    """Make the inbox, its owner's alone, with its folders, and remove what a killed unpacking has left half done.

    Raises:
        OSError: it cannot be made.
    """
    for place in (folder, folder / _SLIPS):  # what was not published, and who decided what
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / DONE).mkdir(exist_ok=True)
    for part in (folder / _SLIPS).glob("*.part"):
        part.unlink(missing_ok=True)


def save_slip(folder: Path, slip: Slip) -> None:
    """Write a slip, whole or not at all."""
    path = _slip_path(folder, slip.name)
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        json.dump(asdict(slip), file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def load_slip(folder: Path, entry: Entry) -> Slip | None:
    """The slip of a file; None when there is none, or the file is another one by now."""
    try:
        given = json.loads(_slip_path(folder, entry.name).read_text("utf-8"))
        slip = Slip(**{**given, "notes": tuple(given["notes"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return slip if (slip.name, slip.size_bytes, slip.mtime_ns) == entry.mark else None


def drop_slip(folder: Path, name: str) -> None:
    """Forget what was to become of a file."""
    _slip_path(folder, name).unlink(missing_ok=True)


def _slip_path(folder: Path, name: str) -> Path:
    return folder / _SLIPS / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.json"


def move_to_done(folder: Path, entry: Entry) -> Path:
    """Put a file that was taken aside, under a name that is free there, and forget its slip."""
    target = _free_name(folder / DONE, entry.path.name)
    with contextlib.suppress(FileNotFoundError):
        entry.path.rename(target)
    drop_slip(folder, entry.name)
    return target


def _free_name(folder: Path, name: str) -> Path:
    path = folder / name
    number = 2
    while path.exists() or path.is_symlink():
        stem, suffix = Path(name).stem, Path(name).suffix
        while len(f"{stem} ({number}){suffix}".encode()) > 255:
            stem, suffix = (stem[:-1], suffix) if stem else (stem, suffix[:-1])
        path = folder / f"{stem} ({number}){suffix}"
        number += 1
    return path


# Descriptions.


def load_rows(path: Path) -> tuple[Row, ...]:
    """What a CSV or JSON file says about videos; empty where it cannot be read as one."""
    try:
        if path.stat().st_size > _MAX_DESCRIPTION_BYTES:
            return ()
        return parse_rows(path.name, path.read_bytes())
    except OSError:
        return ()


def parse_rows(name: str, raw: bytes) -> tuple[Row, ...]:
    """The rows of a CSV, or the objects of a JSON, as their texts; columns may be called anything in any language.

    The name of a JSON file counts as a cell of each of its objects, for it often stands beside the video of that name.
    """
    text = raw.decode("utf-8-sig", "replace")
    if name.lower().endswith(".csv"):
        try:
            return tuple(tuple(row) for row, _ in zip(csv.reader(io.StringIO(text)), range(_MAX_ROWS), strict=False))
        except csv.Error:
            return ()
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    stem = name[: -len(".json")].removesuffix(".info")
    objects = given if isinstance(given, list) else [given]
    return tuple((stem, Path(stem).stem, *_texts(one, 0)) for one in objects[:_MAX_ROWS])


def _texts(given: Any, depth: int) -> Iterator[str]:
    if isinstance(given, str):
        yield given
    elif isinstance(given, Mapping | list) and depth < 8:
        for one in list(given.values() if isinstance(given, Mapping) else given)[:1000]:
            yield from _texts(one, depth + 1)


# Archives.


def read_zip(path: Path) -> ZipContent:
    """What videos an archive holds and what its descriptions say; nothing is unpacked.

    Raises:
        BadInput: it is broken, locked or hostile; the message is the code of its sentence.
        BadMedia: it is broken; the message says how.
    """
    videos: dict[int, str] = {}
    rows: list[Row] = []
    descriptions = described_bytes = 0
    with _opened(path) as archive:
        for number, member in enumerate(archive.infolist()[:_MAX_MEMBERS]):
            name = _base_name(member.filename)
            if member.is_dir() or stat.S_ISLNK(member.external_attr >> 16) or not name:
                continue
            suffix = Path(name).suffix.lower()
            if suffix in _VIDEOS:
                require_honest(member, path.stat().st_size)
                videos[number] = name
            elif suffix in _DESCRIPTIONS and descriptions < _MAX_DESCRIPTIONS:
                descriptions += 1
                described_bytes += member.file_size
                if described_bytes <= _MAX_DESCRIBED_BYTES:
                    rows += _read_description(archive, member, name)[: _MAX_ROWS - len(rows)]
    return ZipContent(videos=videos, rows=tuple(rows))


def require_honest(member: zipfile.ZipInfo, archive_bytes: int) -> None:
    """Insist that a member can be unpacked and is about as large as it says.

    Raises:
        BadInput: it is locked, or claims more than videos shrink; the message is the code of its sentence.
    """
    if member.flag_bits & 1:
        raise BadInput(InboxCode.ZIP_LOCKED)
    if member.file_size > _MAX_RATIO * max(1, min(member.compress_size, archive_bytes)):
        raise BadInput(InboxCode.ZIP_BOMB)


def unpack_video(folder: Path, path: Path, number: int, *, advance: Callable[[int], None]) -> Path:
    """Unpack one member into the inbox and return the file; one of that name and size that is there is kept.

    Args:
        folder: the inbox.
        path: the archive.
        number: place of the member in the archive's own list.
        advance: told of each piece, in bytes.

    Raises:
        BadInput: locked or hostile; the message is the code of its sentence.
        BadMedia: it is broken; the message says how.
        DiskFull: no room for it.
    """
    with _opened(path) as archive:
        member = archive.infolist()[number]
        require_honest(member, path.stat().st_size)
        wanted = folder / _base_name(member.filename)
        if wanted.is_file() and not wanted.is_symlink() and wanted.stat().st_size == member.file_size:
            return wanted
        free_bytes = measure_free_bytes(folder) - _KEPT_FREE_BYTES
        if member.file_size > free_bytes:
            raise DiskFull(
                f"{path.name}: {free_bytes // 10**6} MB free, {member.file_size // 10**6} MB needed to unpack",
                hint="free some space",
            )
        part = folder / _SLIPS / f"{hashlib.sha256(wanted.name.encode()).hexdigest()[:32]}.part"
        try:
            with archive.open(member) as source, part.open("wb") as target:
                while chunk := source.read(_CHUNK_BYTES):
                    target.write(chunk)
                    advance(len(chunk))
                target.flush()
                os.fsync(target.fileno())
            final = _free_name(folder, wanted.name)
            part.rename(final)
            return final
        finally:
            part.unlink(missing_ok=True)


def _read_description(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> Sequence[Row]:
    if member.flag_bits & 1 or member.file_size > _MAX_DESCRIPTION_BYTES:
        return ()
    with archive.open(member) as file:
        return parse_rows(name, file.read(_MAX_DESCRIPTION_BYTES))


def _base_name(member: str) -> str:
    """The last part of a member's path, harmless as a file name; empty when nothing is left."""
    name = member.replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(c for c in name if _is_plain(c)).strip().lstrip(".")
    while len(name.encode()) > 240:
        name = Path(name).stem[:-1] + Path(name).suffix
    return name


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError) as error:
        raise BadMedia(str(error)[:120] or type(error).__name__) from error
    except RuntimeError as error:  # what zipfile says to a member that needs a password
        raise BadInput(InboxCode.ZIP_LOCKED) from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull(f"{path.name}: no space left to unpack", hint="free some space") from error
        raise BadMedia(error.strerror or str(error)) from error
