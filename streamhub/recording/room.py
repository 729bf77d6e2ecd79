"""The recording room: what recorder, studio and workflow share, and where media lies on the disk.

Owns the layout of the media folder: ``<session>/seg-0001.mkv``, ``<session>/hls/index.m3u8``,
``<session>/recording.mp4``, beside it ``tracks.mka`` where the signal brought several sound tracks, and
``<session>/clips/``. Refuses to know how media is written or read.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from streamhub.errors import DiskFull
from streamhub.recording.media import MediaTool, Scanner
from streamhub.store.store import Store
from streamhub.timecode import Now

TRACKS_FILE = "tracks.mka"
"""Beside a recording: its separate sound tracks, for telling who speaks. It is never published: a track may hold what
the mix leaves out."""

_PLAYLIST_END = "#EXT-X-ENDLIST"


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordingRoom:
    """Everything that a recording needs.

    Attributes:
        store: the hub's data.
        tool: writes media.
        scanner: reads media.
        media_dir: absolute folder of all media.
        now: the clock.
    """

    store: Store
    tool: MediaTool
    scanner: Scanner
    media_dir: Path
    now: Now

    def session_dir(self, session_id: str) -> Path:
        """Folder of one session's media."""
        return self.media_dir / session_id

    def hls_dir(self, session_id: str) -> Path:
        """Folder of one session's HLS."""
        return self.session_dir(session_id) / "hls"

    def path_of(self, relative: str) -> Path:
        """Absolute path of a file that a row names."""
        return self.media_dir / relative

    def relative(self, path: Path) -> str:
        """The path as rows keep it, so that a workspace may move."""
        return path.relative_to(self.media_dir).as_posix()


def measure_free_bytes(folder: Path) -> int:
    """Free space of the disk that holds a folder; the folder itself need not exist yet."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def require_space(folder: Path, needed_bytes: int, *, what: str) -> None:
    """Insist on free space.

    Raises:
        DiskFull: there is less.
    """
    free_bytes = measure_free_bytes(folder)
    if free_bytes < needed_bytes:
        raise DiskFull(
            f"{what}: {free_bytes // 10**6} MB free on the disk of {folder.name}/, {needed_bytes // 10**6} MB needed",
            hint="free some space, then try again",
        )


def prepare_playlist(hls_dir: Path) -> Path:
    """Make the HLS folder where it is missing or was dropped, and say where its playlist goes."""
    if hls_dir.is_file():
        hls_dir.unlink()
    hls_dir.mkdir(parents=True, exist_ok=True)
    return hls_dir / "index.m3u8"


def drop_hls(hls_dir: Path) -> None:
    """Delete a session's HLS and make its folder unusable, so that a running recorder stops writing it.

    A file takes the folder's place: the recorder's HLS leg fails on the next piece and is left out, the recording
    itself goes on untouched.
    """
    if hls_dir.is_dir():
        shutil.rmtree(hls_dir, ignore_errors=True)
    with contextlib.suppress(OSError):
        hls_dir.touch()


def end_playlist(hls_dir: Path) -> None:
    """Mark a session's playlist as complete, so that players stop asking for more."""
    playlist = hls_dir / "index.m3u8"
    try:
        text = playlist.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return
    if _PLAYLIST_END not in text:
        part = playlist.with_name("index.m3u8.part")
        part.write_text(f"{text.rstrip()}\n{_PLAYLIST_END}\n", "utf-8")
        part.replace(playlist)


def reopen_playlist(hls_dir: Path) -> None:
    """Take the end mark out of a playlist that goes on after all."""
    playlist = hls_dir / "index.m3u8"
    with contextlib.suppress(FileNotFoundError):
        text = playlist.read_text("utf-8")
        if _PLAYLIST_END in text:
            playlist.write_text(text.replace(_PLAYLIST_END + "\n", ""), "utf-8")


def publish_file(part: Path, target: Path) -> None:
    """Move a finished file to its name so that it is there whole or not at all, even after a power cut."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(target)
    if os.name == "posix":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def discard_media(paths: Iterable[Path], hls_dir: Path) -> int:
    """Delete files and an HLS folder; what is gone already is no fault. Returns how many bytes that freed."""
    freed_bytes = 0
    pieces = hls_dir.iterdir() if hls_dir.is_dir() else [hls_dir]
    for path in [*paths, *pieces]:
        with contextlib.suppress(FileNotFoundError):
            freed_bytes += path.stat().st_size
            path.unlink()
    if hls_dir.is_dir():
        hls_dir.rmdir()
    return freed_bytes


def drop_clips(folder: Path) -> None:
    """Delete the files of all clips; their notes stay, and say for which answers somebody wanted one."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_file() and path.suffix != ".json":
            path.unlink(missing_ok=True)
