"""Files that are served as they are: live segments, the archive site, our own styles and scripts.

Every path is resolved, links included, and compared with its root; nothing hidden is served. The archive's files are
what a plain web server would serve; a proxy may take that over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from aiohttp import web

from streamhub.errors import NotFound
from streamhub.recording.rules import trim_playlist
from streamhub.schedule.show import SessionState
from streamhub.store import public as public_rows
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.events import BROADCASTER
from streamhub.web.hub import Hub, hub_of
from streamhub.web.pages import PAGES

_LIVE_TYPES: Mapping[str, str] = MappingProxyType(
    {
        ".m3u8": "application/vnd.apple.mpegurl",
        ".ts": "video/mp2t",
        ".m4s": "video/iso.segment",
        ".mp4": "video/mp4",
        ".vtt": "text/vtt; charset=utf-8",
    }
)
_ARCHIVE_TYPES: Mapping[str, str] = MappingProxyType(
    {
        **_LIVE_TYPES,
        ".html": "text/html; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".json": "application/json",
        ".txt": "text/plain; charset=utf-8",
        ".md": "text/markdown; charset=utf-8",
        ".xml": "application/xml",
        ".svg": "image/svg+xml",
        ".png": "image/png",
        ".jpg": "image/jpeg",
        ".webp": "image/webp",
        ".ico": "image/x-icon",
        ".m4a": "audio/mp4",
        ".mp3": "audio/mpeg",
        ".ogg": "audio/ogg",
        ".webm": "video/webm",
        ".webmanifest": "application/manifest+json",
    }
)
_FOREVER = "public, max-age=31536000, immutable"

routes = web.RouteTableDef()


def find_file(root: Path, path: str) -> Path | None:
    """The file of that path below a folder; None when there is none, or when it lies elsewhere or is hidden."""
    parts = path.split("/")
    if "\0" in path or "\\" in path or any(part in {"", ".."} or part.startswith(".") for part in parts):
        return None
    try:
        found = (root / path).resolve(strict=True)
        inside = found.is_relative_to(root.resolve(strict=True))
    except (OSError, RuntimeError):
        return None
    return found if inside and found.is_file() else None


def has_stream(hub: Hub, session_id: str) -> bool:
    """Whether there is something to play."""
    folder = hub.broadcasting.hls_folder(session_id)
    return folder is not None and (folder / "index.m3u8").is_file()


@routes.get("/live/{session_id}/{path:.+}")
@allow(Action.SEE_PUBLIC)
async def live_file(request: web.Request) -> web.StreamResponse:
    """A live playlist or segment: for all while live, for those who see the console in rehearsal, else for nobody."""
    hub, session_id, path = hub_of(request), request.match_info["session_id"], request.match_info["path"]
    session = await hub.store.read(lambda db: public_rows.load_session(db, session_id))
    rehearsing = session.state is SessionState.REHEARSAL and actor_of(request).may(Action.SEE_CONSOLE)
    folder = hub.broadcasting.hls_folder(session_id)
    mime = _LIVE_TYPES.get(Path(path).suffix)
    found = find_file(folder, path) if folder is not None and mime else None
    if found is None or mime is None or not (rehearsing or session.state is SessionState.LIVE):
        raise NotFound(f"session {session_id}: nothing to play under that name now")
    if rehearsing or session.started_at is None:
        return _segment(found, mime, cache="no-store")
    # The recorder's playlist reaches back into the rehearsal; the public gets what was live and no more.
    playlist = trim_playlist(await asyncio.to_thread(read_playlist, folder), since=session.started_at)
    if mime.endswith("mpegurl"):
        return web.Response(text=playlist, content_type=mime, headers={"Cache-Control": "no-store"})
    if found.name not in playlist.split():
        raise NotFound(f"session {session_id}: nothing to play under that name now")
    return _segment(found, mime, cache=_FOREVER)


def read_playlist(folder: Path | None) -> str:
    """The playlist of a folder as the recorder wrote it; empty where there is none."""
    index = find_file(folder, "index.m3u8") if folder is not None else None
    return index.read_text("utf-8") if index is not None else ""


def _segment(path: Path, mime: str, *, cache: str) -> web.StreamResponse:
    response = web.FileResponse(path)
    response.content_type = mime
    response.headers["Cache-Control"] = cache
    return response


@routes.get("/archive")
@allow(Action.SEE_PUBLIC)
async def archive_root(_request: web.Request) -> web.StreamResponse:
    """The archive's address with its slash, so that its relative links hold."""
    return web.Response(status=308, headers={"Location": "/archive/"})


@routes.get("/archive/{path:.*}")
@allow(Action.SEE_PUBLIC)
async def archive_file(request: web.Request) -> web.StreamResponse:
    """A file of the generated site; a folder is its ``index.html``; media can be had in ranges."""
    path, root = request.match_info["path"], hub_of(request).public_dir
    if path == "" or path.endswith("/"):
        path += "index.html"
    elif find_file(root, f"{path}/index.html"):
        return web.Response(status=308, headers={"Location": f"/archive/{request.rel_url.raw_path[9:]}/"})
    found = find_file(root, path)
    if found is None:
        raise NotFound("archive: there is no such page", hint="begin at /archive/")
    response = web.FileResponse(found)
    kind, _, charset = _ARCHIVE_TYPES.get(found.suffix.lower(), "application/octet-stream").partition("; charset=")
    response.content_type = kind
    if charset:
        response.charset = charset
    return response


@routes.get("/static/{name}")
@allow(Action.SEE_PUBLIC)
async def static_file(request: web.Request) -> web.StreamResponse:
    """One of our own styles or scripts."""
    name = request.match_info["name"]
    found = request.app[PAGES].static.get(name)
    if found is None:
        raise NotFound(f"static file {name}: there is none")
    headers = {"Content-Type": found.mime, "ETag": f'"{found.version}"'}
    headers["Cache-Control"] = _FOREVER if request.query.get("v") == found.version else "no-cache"
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers=headers)
    return web.Response(body=found.body, headers=headers)


@routes.get("/healthz")
@allow(Action.SEE_PUBLIC)
async def health(request: web.Request) -> web.StreamResponse:
    """Whether the hub answers and can read its data, and how many listen."""
    await hub_of(request).store.read(lambda db: db.execute("select 1").fetchone())
    return web.json_response({"status": "ok", "listeners": request.app[BROADCASTER].count()})
