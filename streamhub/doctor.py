"""What a hub needs from its machine, checked, with what to do about each lack.

Owns the checks that any hub needs: settings, folders, disk, ports, clock, database library, archive. Checks of the
outside things (programs, models) are given to it by `streamhub.app`.
"""

from __future__ import annotations

import errno
import shutil
import socket
import sys
import time
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from streamhub.config import Secret, Settings, load_settings, read_secret, secret_files
from streamhub.errors import StreamhubError
from streamhub.store.library import has_wal_reset_fix, sqlite_version
from streamhub.timecode import Now, require_zone
from streamhub.workspace import Workspace

_BUILT = datetime(2026, 11, 1, tzinfo=UTC)  # no honest clock can be before the day this was written


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one check saw.

    Attributes:
        check: name of the check.
        verdict: how it came out.
        seen: what was seen.
        advice: what to do; empty when all is well.
    """

    check: str
    verdict: Verdict
    seen: str
    advice: str = ""


Check = Callable[[], Finding]


def run_checks(checks: Iterable[tuple[str, Check]]) -> list[Finding]:
    """Run checks; an error of ours becomes a finding of its own."""
    findings = []
    for name, check in checks:
        try:
            findings.append(check())
        except StreamhubError as error:
            findings.append(Finding(check=name, verdict=Verdict.FAIL, seen=error.message, advice=error.hint))
    return findings


def machine_checks(now: Now) -> list[tuple[str, Check]]:
    """Checks that need no workspace."""
    return [("python", _check_python), ("sqlite", _check_sqlite), ("clock", lambda: _check_clock(now))]


def workspace_checks(
    workspace: Workspace, environ: Mapping[str, str], *, listening: bool
) -> tuple[Settings | None, list[tuple[str, Check]]]:
    """Checks of a workspace, and its settings when they can be read.

    Args:
        workspace: the workspace.
        environ: variables that override settings.
        listening: whether its hub runs, so that its ports are its own.
    """
    try:
        settings = load_settings(workspace.folder, environ)
    except StreamhubError as error:
        text, advice = error.message, error.hint or "mend the lines named above"
        return None, [
            ("settings", lambda: Finding(check="settings", verdict=Verdict.FAIL, seen=text, advice=advice)),
        ]
    seen = Finding(check="settings", verdict=Verdict.OK, seen=str(workspace.settings_file))
    checks: list[tuple[str, Check]] = [
        ("settings", lambda: seen),
        ("permissions", lambda: _check_permissions(workspace)),
        ("credentials", lambda: _check_credentials(workspace, settings)),
        ("disk", lambda: _check_disk(workspace.media(settings), settings.live.min_free_mb)),
        ("time zone", lambda: _check_zone(settings.hub.zone)),
        ("legal pages", lambda: _check_legal(settings, workspace)),
    ]
    if settings.mail.host and settings.mailbox.host:
        checks.append(("returned mail", lambda: check_return(settings)))
    if not listening:
        checks += [
            ("web port", lambda: _check_port("web port", settings.hub.host, settings.hub.port, "hub.port")),
            (
                "rtmp port",
                lambda: _check_port("rtmp port", settings.live.host, settings.live.rtmp_port, "live.rtmp_port"),
            ),
        ]
        if settings.live.srt_port:
            place = (settings.live.host, settings.live.srt_port, "live.srt_port")
            checks.append(("srt port", lambda: _check_port("srt port", *place, kind=socket.SOCK_DGRAM)))
    return settings, checks


def _check_python() -> Finding:
    version = sys.version.split()[0]
    return Finding(check="python", verdict=Verdict.OK, seen=version)


def _check_sqlite() -> Finding:
    version = sqlite_version()
    if has_wal_reset_fix():
        return Finding(check="sqlite", verdict=Verdict.OK, seen=version)
    return Finding(
        check="sqlite",
        verdict=Verdict.WARN,
        seen=f"{version}, which may lose commits in rare moments (fixed in 3.51.3, 3.50.7 and 3.44.6)",
        advice="install the package pysqlite3, 0.6.1 or newer",
    )


def _check_clock(now: Now) -> Finding:
    moment = now()
    if moment < _BUILT:
        return Finding(
            check="clock",
            verdict=Verdict.FAIL,
            seen=f"{moment:%Y-%m-%d %H:%M} UTC, before this program was written",
            advice="set the clock, better switch on time synchronisation (timedatectl set-ntp true)",
        )
    before = time.monotonic()
    wall = now()
    time.sleep(0.05)
    drift_s = abs((now() - wall).total_seconds() - (time.monotonic() - before))
    if drift_s > 0.5:
        return Finding(
            check="clock", verdict=Verdict.WARN, seen=f"jumped by {drift_s:.1f} s", advice="see who sets the clock"
        )
    return Finding(check="clock", verdict=Verdict.OK, seen=f"{moment:%Y-%m-%d %H:%M:%S} UTC")


def _check_zone(name: str) -> Finding:
    zone = require_zone(name, what="hub.zone")
    return Finding(check="time zone", verdict=Verdict.OK, seen=f"{name}, now UTC{datetime.now(zone):%z}")


def check_return(settings: Settings) -> Finding:
    """Whether mail that cannot be delivered comes back to the mailbox that is read, so that hosts hear of it."""
    mail, mailbox = settings.mail, settings.mailbox
    back = (mail.return_address or mail.from_address).strip().lower()
    read = (mailbox.address or mailbox.user).strip().lower()
    if back == read:
        return Finding(check="returned mail", verdict=Verdict.OK, seen=f"comes back to {back}, which is read")
    return Finding(
        check="returned mail",
        verdict=Verdict.WARN,
        seen=f"comes back to {back}, but the mailbox that is read is {read}",
        advice="set mail.return_address to the mailbox's address, if the mail server allows it",
    )


def _check_legal(settings: Settings, workspace: Workspace) -> Finding:
    """Imprint, privacy and the statement on accessibility: which of them the site does not have, and why."""
    from streamhub.archive.legal import plan_legal
    from streamhub.archive.theme import load_theme

    plan = plan_legal(settings.legal, load_theme(workspace.theme_overrides).templates)
    if not plan.missing:
        return Finding(check="legal pages", verdict=Verdict.OK, seen=", ".join(plan.pages))
    return Finding(
        check="legal pages",
        verdict=Verdict.WARN,
        seen=f"the site has no {' and no '.join(plan.missing)}",
        advice="; ".join(plan.advice),
    )


def _check_credentials(workspace: Workspace, settings: Settings) -> Finding:
    """The key that signs cookies and all other secrets are private; no password stands in a file that goes around."""
    workspace.secret()
    for file in secret_files(settings):
        read_secret(workspace.folder, Secret(""), file)
    given = tomllib.loads(workspace.settings_file.read_text("utf-8"))
    if urlsplit(given.get("engine", {}).get("database_url", "")).password:
        return Finding(
            check="credentials",
            verdict=Verdict.WARN,
            seen=f"{workspace.settings_file}: holds the password of the engine's database",
            advice="move engine.database_url to the variable STREAMHUB_ENGINE_DATABASE_URL",
        )
    if given.get("mail", {}).get("password"):
        return Finding(
            check="credentials",
            verdict=Verdict.WARN,
            seen=f"{workspace.settings_file}: holds the password of the mail server",
            advice="move it to the variable STREAMHUB_MAIL_PASSWORD, or into a file that mail.password_file names",
        )
    return Finding(
        check="credentials", verdict=Verdict.OK, seen="the hub's key is private, no password in the settings"
    )


def _check_permissions(workspace: Workspace) -> Finding:
    for folder in (workspace.folder, workspace.transcripts, workspace.public, workspace.run):
        probe = folder / ".doctor"
        try:
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            return Finding(
                check="permissions",
                verdict=Verdict.FAIL,
                seen=f"{folder}: cannot write ({error.strerror})",
                advice="give this user the right to write there",
            )
    database = workspace.database
    if database.exists() and database.stat().st_mode & 0o077:
        return Finding(
            check="permissions",
            verdict=Verdict.WARN,
            seen=f"{database}: others can read it",
            advice=f"run chmod 600 {database}",
        )
    return Finding(check="permissions", verdict=Verdict.OK, seen=str(workspace.folder))


def _check_disk(folder: Path, min_free_mb: int) -> Finding:
    place = folder if folder.exists() else folder.parent
    free_mb = shutil.disk_usage(place).free // 2**20
    if free_mb < min_free_mb:
        return Finding(
            check="disk",
            verdict=Verdict.FAIL,
            seen=f"{free_mb} MB free in {place}, {min_free_mb} MB wanted to go live",
            advice="free some space, or lower live.min_free_mb",
        )
    hours = free_mb / 1800  # 4 Mbit/s are 1.8 GB an hour
    return Finding(
        check="disk", verdict=Verdict.OK, seen=f"{free_mb} MB free, about {hours:.0f} h of recording at 4 Mbit/s"
    )


def _check_port(
    check: str, host: str, port: int, setting: str, *, kind: socket.SocketKind = socket.SOCK_STREAM
) -> Finding:
    if port == 0:
        return Finding(check=check, verdict=Verdict.OK, seen="a free one is picked at the start")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            return Finding(
                check=check,
                verdict=Verdict.FAIL,
                seen=f"{host}:{port}: {'in use by another program' if taken else error.strerror}",
                advice=f"stop that program, or set another {setting}",
            )
    return Finding(check=check, verdict=Verdict.OK, seen=f"{host}:{port} is free")
