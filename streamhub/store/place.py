"""Where a database may lie: on a local disk.

Owns the look at the file system under a folder. SQLite's write-ahead log shares memory between processes and its locks
are POSIX locks; both break on network file systems (https://www.sqlite.org/wal.html, part 1). Refuses to open anything.
"""

from __future__ import annotations

from pathlib import Path

from streamhub.errors import BadInput

_MOUNTS = Path("/proc/self/mountinfo")
_REMOTE_PREFIXES = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "fuse.", "gluster", "lustre", "davfs", "ncpfs", "gpfs")
_LOCAL_FUSE = frozenset({"fuse.fuse-overlayfs"})


def require_local(folder: Path) -> None:
    """Refuse a folder on a network file system.

    Raises:
        BadInput: names the kind of file system.
    """
    try:
        mounts = _MOUNTS.read_text("utf-8", "replace")
    except OSError:
        return  # no such list on this system: nothing to judge by
    kind = find_filesystem(folder.resolve(), mounts)
    if kind.startswith(_REMOTE_PREFIXES) and kind not in _LOCAL_FUSE:
        raise BadInput(
            f"{folder}: lies on a network file system ({kind}), where SQLite's locks and log are not safe",
            hint="put the workspace on a local disk",
        )


def find_filesystem(folder: Path, mounts: str) -> str:
    """Kind of the file system that holds an absolute folder, by the text of ``mountinfo``; empty if unknown."""
    best, found = -1, ""
    for line in mounts.splitlines():
        left, dash, right = line.partition(" - ")
        fields = left.split(" ")
        if not dash or len(fields) < 5:
            continue
        point = Path(_unescape(fields[4]))
        # Of two mounts at one place the later one hides the earlier.
        if folder.is_relative_to(point) and len(point.parts) >= best:
            best, found = len(point.parts), right.split(" ")[0]
    return found


def _unescape(text: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text
