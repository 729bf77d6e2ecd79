"""What the commands of live platforms do: sign in, sign out, and the quota's day.

Each takes plain values and returns or says plain lines; they work while the hub runs and while it does not.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from streamhub.config import load_settings
from streamhub.control import ask_hub
from streamhub.errors import Unavailable
from streamhub.live.rules import FOLLOWED
from streamhub.platforms import SignInWish
from streamhub.store import broadcasts as broadcast_rows
from streamhub.store import shows as show_rows
from streamhub.store.store import Store
from streamhub.timecode import Now
from streamhub.workspace import Workspace, open_workspace

Say = Callable[[str], None]
Environ = Mapping[str, str]
Report = dict[str, Any]


async def connect_platform(slug: str, folder: Path, environ: Environ, wish: SignInWish, *, now: Now, say: Say) -> None:
    """Sign in to a live platform, and tell the hub if it runs."""
    from streamhub import app

    workspace = open_workspace(folder)
    front = app.platform_front(slug, workspace, load_settings(workspace.folder, environ))
    async with Store.open(workspace.database, now=now) as store:
        for line in await front.connect(store, wish, say=say, now=now):
            say(line)
    await _wake_platforms(workspace)


async def disconnect_platform(slug: str, folder: Path, environ: Environ, *, say: Say) -> None:
    """Sign out of a live platform, and tell the hub if it runs."""
    from streamhub import app

    workspace = open_workspace(folder)
    for line in app.platform_front(slug, workspace, load_settings(workspace.folder, environ)).disconnect():
        say(line)
    await _wake_platforms(workspace)


async def _wake_platforms(workspace: Workspace) -> None:
    with contextlib.suppress(Unavailable):
        await ask_hub(workspace, "platforms-wake")


async def read_quota(slug: str, folder: Path, environ: Environ, *, now: Now) -> Report:
    """The quota's day of a live platform; works while the hub runs and while it does not."""
    from streamhub import app

    workspace = open_workspace(folder)
    front = app.platform_front(slug, workspace, load_settings(workspace.folder, environ))
    async with Store.open(workspace.database, now=now) as store:
        shows, sessions, rows = await store.read(
            lambda db: (
                show_rows.list_shows(db),
                show_rows.list_sessions(db, states=FOLLOWED),
                broadcast_rows.list_broadcasts(db, platform=slug),
            )
        )
        on_it = {show.id for show in shows if show.platform == slug}
        there = frozenset(row.session_id for row in rows if row.ref)
        wanted = [session for session in sessions if session.show_id in on_it]
        lines, values = await front.read_day(store, wanted, there, now=now)
    return {**values, "text": "\n".join(lines)}
