"""Snapshots: the public state of a session as one JSON document, for a CDN and for pages that get no live updates.

``/s/<session>/live.json`` is what a new listener of the session's events would be told, word for word. Shared caches
may keep it for two seconds, so that a CDN in front of it asks the hub once every two seconds, however many look, and
may go on showing it for a minute when the hub does not answer. The same document is written to
``<folder>/<session>.json``, whole or not at all, for web servers and CDNs that serve a folder; a file goes ten minutes
after its session has ended, so that nothing is shown for ever that was taken back since. Knows nothing of what the
states say.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

from aiohttp import web

from streamhub.errors import NotFound, StreamhubError
from streamhub.schedule.rules import ACCEPTS_QUESTIONS
from streamhub.store import public as public_rows
from streamhub.web.access import Action, allow
from streamhub.web.audience import POLL_S, public_reader
from streamhub.web.events import BROADCASTER
from streamhub.web.hub import HUB

LOG = logging.getLogger("streamhub.web")

EVERY_S = 2.0
LOOK_AGAIN_S = 10.0
KEPT_S = 600.0
CACHED = "public, max-age=1, s-maxage=2, stale-while-revalidate=10, stale-if-error=60"
_GZIP_FROM_BYTES = 1024

Take = Callable[[str], Awaitable[tuple[str, bytes]]]
Names = Callable[[], Awaitable[set[str]]]

routes = web.RouteTableDef()


async def take_snapshot(app: web.Application, session_id: str) -> tuple[str, bytes]:
    """The newest public state of a session as JSON, and a tag that changes with it.

    Raises:
        NotFound: there is no such session, or the public may not know of it.
    """
    return await app[BROADCASTER].snapshot(session_id, public_reader(app, session_id), poll_s=POLL_S)


@routes.get("/s/{session_id}/live.json")
@allow(Action.SEE_PUBLIC)
async def live_json(request: web.Request) -> web.StreamResponse:
    """The session's state, to be asked for every two seconds."""
    tag, body = await take_snapshot(request.app, request.match_info["session_id"])
    headers = {
        "ETag": f'W/"{tag}"',
        "Cache-Control": CACHED,
        "Vary": "Accept-Encoding",
        "Access-Control-Allow-Origin": "*",
    }
    if f'"{tag}"' in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    if len(body) >= _GZIP_FROM_BYTES and "gzip" in request.headers.get("Accept-Encoding", ""):
        body = request.app[SNAPSHOTS].zip(tag, body)
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=body, headers=headers, content_type="application/json")


class Snapshots:
    """The folder of snapshots, kept like the sessions.

    Args:
        folder: where they are written; None: nowhere.
        take: gives a session's newest state and its tag.
        names: ids of the sessions that the public may ask and vote in now.
    """

    def __init__(self, folder: Path | None, take: Take, names: Names) -> None:
        self._folder = folder
        self._take = take
        self._names = names
        self._due: set[str] = set()
        self._written: dict[str, str] = {}
        self._zipped: dict[str, bytes] = {}

    def notify(self, channel: str) -> None:
        """Something changed in a channel; those of sessions have their names, all others have a colon in theirs."""
        if ":" not in channel:
            self._due.add(channel)

    def zip(self, tag: str, body: bytes) -> bytes:
        """A state compressed, once for all who ask for it."""
        if tag not in self._zipped:
            if len(self._zipped) >= 16:
                self._zipped.clear()
            self._zipped[tag] = gzip.compress(body, 5, mtime=0)
        return self._zipped[tag]

    async def run(self) -> None:
        """Write what changed every two seconds, until cancelled; changes made elsewhere are found a little later."""
        rounds = 0
        while self._folder is not None:
            if rounds % round(LOOK_AGAIN_S / EVERY_S) == 0:
                await self._look_again(self._folder)
            rounds += 1
            due, self._due = self._due, set()
            for session_id in sorted(due):
                await self._write(self._folder, session_id)
            await asyncio.sleep(EVERY_S)

    async def _look_again(self, folder: Path) -> None:
        try:
            names = await self._names()
            self._due |= names
            await asyncio.to_thread(remove_old, folder, names, before_s=time.time() - KEPT_S)
        except (OSError, StreamhubError) as error:
            LOG.warning("web.snapshots_behind error=%s", error)

    async def _write(self, folder: Path, session_id: str) -> None:
        try:
            tag, body = await self._take(session_id)
            if self._written.get(session_id) != tag:
                await asyncio.to_thread(write_snapshot, folder, session_id, body)
                self._written[session_id] = tag
        except NotFound:
            await asyncio.to_thread((folder / f"{session_id}.json").unlink, missing_ok=True)
        except (OSError, StreamhubError) as error:
            LOG.warning("web.snapshot_failed session_id=%s error=%s", session_id, error)


SNAPSHOTS: web.AppKey[Snapshots] = web.AppKey("snapshots", Snapshots)


def make_snapshots(app: web.Application, folder: Path | None) -> Snapshots:
    """The snapshots of a hub's application."""

    async def names() -> set[str]:
        sessions = await app[HUB].store.read(lambda db: public_rows.list_sessions(db, states=ACCEPTS_QUESTIONS))
        return {one.id for one in sessions}

    return Snapshots(folder, lambda session_id: take_snapshot(app, session_id), names)


def write_snapshot(folder: Path, session_id: str, body: bytes) -> None:
    """Put a snapshot into the folder, whole or not at all; readable for a web server.

    Not flushed to the disk: after a power cut the next one comes within seconds.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(exist_ok=True)
    handle, part = tempfile.mkstemp(dir=folder, prefix=f".{session_id}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            os.fchmod(file.fileno(), 0o644)
        Path(part).replace(folder / f"{session_id}.json")
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def remove_old(folder: Path, names: Collection[str], *, before_s: float) -> None:
    """Remove snapshots of sessions that are not among the names and were not written since; others' files stay."""
    for path in folder.glob("*.json") if folder.is_dir() else ():
        if path.stem not in names and path.stat().st_mtime < before_s:
            path.unlink(missing_ok=True)
