"""What the commands of the built site do: check it, rebuild it while somebody works on it, bring it to its host.

Each takes plain values and returns or says plain lines.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

from streamhub.config import DeploySettings, load_settings
from streamhub.errors import BadInput, StreamhubError
from streamhub.recording.clip import FOLDER as CLIPS
from streamhub.workspace import Workspace, open_workspace

Say = Callable[[str], None]
Environ = Mapping[str, str]
Report = dict[str, Any]


def check_site(folder: Path, environ: Environ) -> tuple[int, list[str]]:
    """How many files of the built site were looked at, and what is wrong in them, a line each.

    Raises:
        BadInput: there is no site.
    """
    from streamhub.archive.checking import SiteCheck
    from streamhub.commands import building_alone

    workspace = open_workspace(folder)
    settings = load_settings(workspace.folder, environ)
    with building_alone(workspace):
        check = SiteCheck(workspace.public, settings.site.url)
        return len(check), [str(flaw) for flaw in check.find_flaws()]


def watch_site(folder: Path, environ: Environ, build: Callable[[], str], say: Say, *, stop: Event) -> None:
    """Build now and whenever archive, theme or settings change, until told to stop; what is broken is said.

    Args:
        folder: the workspace.
        environ: variables over the settings.
        build: builds once and says how it went.
        say: is told each build and what is wrong.
        stop: ends it.
    """
    from watchfiles import watch

    workspace = open_workspace(folder)
    media = workspace.media(load_settings(workspace.folder, environ))
    watched = [workspace.transcripts, workspace.theme_overrides, workspace.settings_file, media]
    there = [path for path in watched if path.exists()]
    _build_once(build, say)
    say(f"watching {', '.join(path.name for path in there)}; stop with Ctrl-C")
    for changes in watch(*there, watch_filter=partial(_is_source, media), stop_event=stop, raise_interrupt=False):
        names = sorted({os.path.relpath(path, workspace.folder) for _, path in changes})
        say(f"changed: {', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}")
        _build_once(build, say)


def _build_once(build: Callable[[], str], say: Say) -> None:
    try:
        say(build())
    except StreamhubError as error:
        say(f"not built, the site stays as it was: {error.message}")
        if error.hint:
            say(f"  what to do: {error.hint}")


def _is_source(media: Path, _change: object, path: str) -> bool:
    """Editors write files of their own beside the one that is edited, and recordings grow while a show runs."""
    name, file = Path(path).name, Path(path)
    if name.startswith((".", "#")) or name.endswith(("~", ".part", ".swp", ".tmp", ".pyc")):
        return False
    return not file.is_relative_to(media) or file.parent.name == CLIPS


async def deploy_site(folder: Path, environ: Environ, target: str, *, dry: bool, take_over: bool, say: Say) -> Report:
    """Bring the built site to where its host reads it; only what changed travels.

    Args:
        folder: the workspace.
        environ: variables over the settings.
        target: a folder, ``s3://bucket/prefix`` or a place of rsync; empty for the settings'.
        dry: only say what would be done.
        take_over: whether something else than a site of ours may be replaced there.
        say: is told each file.

    Raises:
        BadInput: no target is named, or the site cannot go there.
        StreamhubError: as the target says.
    """
    from streamhub.archive.rsync import deploy_by_rsync
    from streamhub.commands import building_alone

    workspace = open_workspace(folder)
    settings = load_settings(workspace.folder, environ)
    goal = target or settings.deploy.to
    if not goal:
        raise BadInput("no place to deploy to", hint="name one, or set deploy.to in streamhub.toml")
    kind = _kind_of(goal)
    # A build meanwhile would send pages of one build with the index of another.
    with building_alone(workspace):
        if kind == "rsync":
            done = await deploy_by_rsync(workspace.public, goal, dry=dry, take_over=take_over, say=say)
            return {"target": goal, "dry_run": dry, **done}
        return _deploy_by_file(workspace, settings.deploy, goal, kind, dry=dry, take_over=take_over, say=say)


def _kind_of(goal: str) -> str:
    """Which way leads there: a colon before the first slash is another machine's, as rsync and scp have it."""
    scheme = urlsplit(goal).scheme
    if scheme == "s3":
        return "store"
    if "://" in goal and scheme != "rsync":
        raise BadInput(
            f"{goal}: no way to deploy there", hint="name a folder, user@host:folder (rsync) or s3://bucket/folder"
        )
    return "rsync" if scheme == "rsync" or ":" in goal.split("/", 1)[0] else "folder"


def _deploy_by_file(
    workspace: Workspace, settings: DeploySettings, goal: str, kind: str, *, dry: bool, take_over: bool, say: Say
) -> Report:
    from streamhub import app
    from streamhub.archive.deploying import FolderTarget, Target, find_files, plan_deploy, require_ours, run_deploy
    from streamhub.archive.hosting import parse_headers

    files = find_files(workspace.public)
    if kind == "store":
        # Objects have no headers but their own; the file that says them is of no use there.
        files.pop("_headers", None)
        made: Target = app.make_store_target(goal, settings, workspace.folder)
    else:
        place = (workspace.folder / Path(goal).expanduser() if goal == settings.to else Path(goal)).resolve()
        if place.is_relative_to(workspace.public) or workspace.public.is_relative_to(place):
            raise BadInput(f"{place}: is where the site is built", hint="name another folder")
        made = FolderTarget(place)
    headers = workspace.public / "_headers"
    rules = parse_headers(headers.read_text("utf-8")) if headers.is_file() else ()
    there = made.list_files()
    require_ours(made, there, goal, take_over=take_over)
    plan = plan_deploy(files, made, there, rules)
    if dry:
        _tell(say, (f"would send {upload.path}" for upload in plan.uploads))
        _tell(say, (f"would remove {path}" for path in plan.removed))
    else:
        run_deploy(plan, made, say)
    sent, removed = len(plan.uploads), len(plan.removed)
    return {"target": goal, "dry_run": dry, "sent": sent, "removed": removed, "unchanged": plan.unchanged}


def _tell(say: Say, lines: Iterable[str]) -> None:
    for line in lines:
        say(line)


def read_headers(folder: Path, environ: Environ, host: str, path: str | None) -> str:
    """The site's headers for a web server's own configuration.

    Args:
        folder: the workspace.
        environ: variables over the settings.
        host: ``nginx`` or ``apache``.
        path: under which the server shows the site; ``/`` for its root, None for the path of the site's address.

    Raises:
        BadInput: there is no site.
    """
    from streamhub.archive.hosting import parse_headers, render_for_host

    workspace = open_workspace(folder)
    file = workspace.public / "_headers"
    if path is None:
        path = urlsplit(load_settings(workspace.folder, environ).site.url).path
    if not file.is_file():
        raise BadInput(f"{file.parent}: holds no site", hint="run `streamhub build` first")
    place = f"/{path.strip('/')}" if path.strip("/") else ""
    return render_for_host(parse_headers(file.read_text("utf-8")), host, place)
