"""rsync as the way of a site to another machine: the program that is there, in runs that keep the live site whole.

Two runs, in the order of `streamhub.archive.deploying`: first what pages need, then all, and what is gone goes after
it. The program compares by itself and goes on where it was cut off. Whoever needs a password has it in the environment
or in the files of ssh; none is ever an argument.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from streamhub.archive.deploying import START, find_files, is_ours
from streamhub.archive.hosting import INDEXES
from streamhub.errors import BadInput, Conflict, ToolMissing, Unavailable
from streamhub.process import Command, Finished, run

_MISSING = 23
"""How rsync ends when something that was asked for is not there."""
_SECONDS = 6 * 3600.0
# Dotfiles neither travel nor are removed there: a host keeps its own (.well-known, .htaccess).
_COMMON = ("--recursive", "--times", "--itemize-changes", "--exclude=.*", "--exclude=*.part")
_LATER = (
    "--exclude=*.html",
    *(f"--exclude=/{folder}/*/m.json" for folder in INDEXES),
    "--exclude=/sitemap.xml",
    "--exclude=/robots.txt",
)


async def deploy_by_rsync(
    public: Path, destination: str, *, dry: bool, take_over: bool, say: Callable[[str], None]
) -> dict[str, int]:
    """Bring another machine's folder to the state of the site.

    Args:
        public: the built site.
        destination: as rsync takes it: ``user@host:folder`` or ``rsync://host/module/folder``.
        dry: only say what would be done.
        take_over: whether something else than a site of ours may be replaced.
        say: is told each line of what is done.

    Returns:
        How many files were sent and removed.

    Raises:
        ToolMissing: there is no rsync here.
        BadInput: the destination cannot be one.
        Conflict: something else lies there.
        Unavailable: it cannot be reached, or broke off; the next run goes on.
    """
    if destination.startswith("-") or ":" not in destination:
        raise BadInput(f"{destination!r}: is no place of rsync", hint="write it as user@host:folder")
    if shutil.which("rsync") is None:
        raise ToolMissing("rsync: is not installed here", hint="install it (on Debian: apt install rsync)")
    find_files(public)
    goal = f"{destination.rstrip('/')}/"
    if not take_over:
        await _require_ours(goal)
    runs: list[tuple[str, ...]] = [("--delay-updates", "--delete-after")]
    if not dry:
        runs.insert(0, _LATER)
    sent = removed = 0
    for more in runs:
        preview = ("--dry-run",) if dry else ()
        done = _require_done(await _rsync(*_COMMON, *more, *preview, "--", f"{public}/", goal), destination)
        for line in done.stdout.decode("utf-8", "replace").splitlines():
            sent += line[1:2] == "f" and line[:1] in {"<", ">"}
            removed += line.startswith("*deleting")
            say(line)
    return {"sent": sent, "removed": removed}


async def _require_ours(goal: str) -> None:
    """Nothing is overwritten or removed where something else than a site of ours lies."""
    with tempfile.TemporaryDirectory() as folder:
        fetched = await _rsync("--", f"{goal}{START}", f"{folder}/")
        start = _read(Path(folder, START))
        if start is not None:
            if is_ours(start):
                return
        elif fetched.exit_code != _MISSING:
            _require_done(fetched, goal)
    listed = await _rsync("--list-only", "--exclude=.*", "--", goal)
    if listed.exit_code == _MISSING:
        return
    if len(_require_done(listed, goal).stdout.splitlines()) > 1:  # the folder itself is one
        raise Conflict(
            f"{goal}: holds something that is no site of streamhub",
            hint="name an empty place; or, if everything there may go, repeat with --take-over",
        )


def _require_done(finished: Finished, destination: str) -> Finished:
    if finished.exit_code:
        said = " | ".join(finished.stderr_tail.split("\n")[-3:]).strip(" |")
        raise Unavailable(
            f"{destination}: rsync ended with {finished.exit_code}: {said}",
            hint="check address and access with ssh; then deploy again, it goes on where it was",
        )
    return finished


def _read(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


async def _rsync(*arguments: str) -> Finished:
    return await run(Command(argv=["rsync", *arguments]), timeout_s=_SECONDS)
