"""The workspace: the folder that is a hub, readable without us.

Owns where everything lies in it and how a new one is made. Refuses to know what is in the files.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from streamhub.config import SETTINGS_FILE, Settings, render_settings_file
from streamhub.errors import BadInput, Conflict, Environment
from streamhub.text import Random

_README = """# A streamhub workspace

    streamhub.toml    settings; secrets come from STREAMHUB_* variables
    hub.sqlite3       the hub's data: shows, questions, votes, marks
    engine.sqlite3    the state of running work
    erased.txt        ids of questions that were erased, so that no older backup brings them back; no words in it
    media/            recordings
    inbox/            drop downloaded recordings here; the hub finds their session
    portraits/        pictures of people for thumbnails, such as anna-berg.jpg; may be missing
    transcripts/      the archive: plain text, made for git, correctable by hand
    site/             overrides of the theme, file by file
    public/           the generated site; upload it anywhere
    live/             a snapshot of each running session, for a CDN; made anew all the time
    run/, secret, *.token  locks and keys of this machine; keep them to yourself
"""


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where everything lies in a hub's folder.

    Attributes:
        folder: the workspace, absolute.
    """

    folder: Path

    @property
    def settings_file(self) -> Path:
        """Settings."""
        return self.folder / SETTINGS_FILE

    @property
    def database(self) -> Path:
        """The hub's data."""
        return self.folder / "hub.sqlite3"

    @property
    def transcripts(self) -> Path:
        """The archive."""
        return self.folder / "transcripts"

    @property
    def theme_overrides(self) -> Path:
        """Files that replace files of the theme."""
        return self.folder / "site"

    @property
    def public(self) -> Path:
        """The generated site."""
        return self.folder / "public"

    @property
    def snapshots(self) -> Path:
        """Snapshots of running sessions, for a CDN."""
        return self.folder / "live"

    @property
    def run(self) -> Path:
        """Locks and the control file of the running hub."""
        return self.folder / "run"

    @property
    def control_file(self) -> Path:
        """Address and key of the running hub, for commands on this machine; 0600."""
        return self.run / "control.json"

    def media(self, settings: Settings) -> Path:
        """Recordings."""
        return (self.folder / settings.recording.media_dir).resolve()

    def inbox(self, settings: Settings) -> Path:
        """Where downloaded recordings are dropped."""
        return (self.folder / settings.recording.inbox_dir).resolve()

    def secret(self) -> bytes:
        """The key that signs cookies and encrypts sign-ins.

        Raises:
            Environment: it is missing or others can read it.
        """
        path = self.folder / "secret"
        try:
            mode = path.stat().st_mode
            secret = path.read_bytes()
        except OSError as error:
            raise Environment(
                f"{path}: cannot be read ({error.strerror})", hint="make the workspace with `streamhub init`"
            ) from error
        if mode & 0o077:
            raise Environment(f"{path}: others can read it", hint=f"run chmod 600 {path}")
        return secret


def open_workspace(folder: Path) -> Workspace:
    """The workspace in that folder.

    Raises:
        BadInput: the folder is no workspace.
    """
    workspace = Workspace(folder.resolve())
    if not workspace.settings_file.is_file():
        raise BadInput(
            f"{workspace.folder}: not a workspace, no {SETTINGS_FILE} in it",
            hint="make one with `streamhub init`, or name one with --workspace",
        )
    return workspace


def create_workspace(folder: Path, settings: Settings, *, random: Random) -> Workspace:
    """Make a new workspace in an empty or missing folder.

    Raises:
        Conflict: there is something in the folder already.
        Environment: the folder cannot be made.
    """
    workspace = Workspace(folder.resolve())
    if workspace.folder.exists() and (not workspace.folder.is_dir() or any(workspace.folder.iterdir())):
        raise Conflict(f"{workspace.folder}: not empty", hint="name an empty or a new folder")
    try:
        workspace.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        complete_workspace(workspace, settings)
        write_private(workspace.folder / "secret", random(32))
        (workspace.folder / "README.md").write_text(_README, "utf-8")
        (workspace.folder / ".gitignore").write_text(
            "hub.sqlite3*\nengine.sqlite3*\nmedia/\ninbox/\npublic/\nlive/\nrun/\nsecret\n*.token\n", "utf-8"
        )
        workspace.settings_file.write_text(render_settings_file(settings), "utf-8")
    except OSError as error:
        raise Environment(
            f"{workspace.folder}: cannot be made ({error.strerror})", hint="check rights and disk"
        ) from error
    return workspace


def complete_workspace(workspace: Workspace, settings: Settings) -> None:
    """Make the folders that are missing, as after a restore."""
    for part in (workspace.transcripts, workspace.theme_overrides, workspace.public):
        part.mkdir(parents=True, exist_ok=True)
    for private in (workspace.media(settings), workspace.inbox(settings)):  # rehearsals and what is not published
        private.mkdir(mode=0o700, parents=True, exist_ok=True)
    workspace.run.mkdir(mode=0o700, exist_ok=True)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, in one step."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
