"""The control socket: how commands on the same machine talk to the running hub.

Owns a Unix socket in the workspace's ``run/`` folder, which only the hub's user can open: no key lies in a file.
What can be asked is given to it by the composition root.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from streamhub import errors
from streamhub.errors import Conflict, StreamhubError, Unavailable
from streamhub.workspace import Workspace

Json = Any
Handler = Callable[[Mapping[str, Json]], Awaitable[Json]]

_SOCKET = "control.sock"
_MAX_PATH = 100  # a Unix socket's address holds 108 bytes
_PATIENCE = aiohttp.ClientTimeout(total=None)  # a long film is scanned for minutes; a hub that ends closes its socket


@contextlib.asynccontextmanager
async def open_control(workspace: Workspace, handlers: Mapping[str, Handler]) -> AsyncIterator[None]:
    """Answer commands while the block runs; each handler takes and returns a JSON object under its name."""
    app = web.Application()
    for name, handler in handlers.items():
        app.router.add_post(f"/{name}", _serve(handler))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    path = workspace.run / _SOCKET
    path.unlink(missing_ok=True)
    workspace.run.chmod(0o700)
    with _short_address(workspace.run) as address:
        await web.SockSite(runner, _bind(address)).start()
        try:
            yield
        finally:
            await runner.cleanup()
            path.unlink(missing_ok=True)


def _bind(address: str) -> socket.socket:
    """A socket that only its owner can open; the process's umask is left alone, for other threads make folders."""
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with contextlib.suppress(OSError):  # Linux knows the mode of a socket that has no name yet, others do not
            os.fchmod(door.fileno(), 0o600)
        door.bind(address)
        Path(address).chmod(0o600)
    except OSError:
        door.close()
        raise
    return door


async def ask_hub(workspace: Workspace, name: str, body: Mapping[str, Json] | None = None) -> Json:
    """Ask the running hub.

    Raises:
        Unavailable: no hub runs on this workspace.
        StreamhubError: what the hub answers with, as the class it had there.
    """
    try:
        with _short_address(workspace.run) as address:
            connector = aiohttp.UnixConnector(path=address)
            async with (
                aiohttp.ClientSession(connector=connector, timeout=_PATIENCE) as http,
                http.post(f"http://hub/{name}", json=dict(body or {})) as response,
            ):
                answer = await response.json() if response.content_type == "application/json" else None
    except (aiohttp.ClientError, OSError) as error:
        raise Unavailable(
            f"workspace {workspace.folder}: no hub runs on it",
            hint=f"start it: streamhub serve -w {workspace.folder}",
        ) from error
    if answer is None:
        raise StreamhubError(f"hub: could not do {name!r} (status {response.status})", hint="look at the hub's log")
    if response.status >= 400:
        kind = getattr(errors, str(answer.get("error")), StreamhubError)
        raise _rebuild(kind, str(answer.get("message")), str(answer.get("hint")))
    return answer


def _serve(handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            return web.json_response(await handler(await request.json()))
        except StreamhubError as error:
            body = {"error": type(error).__name__, "message": error.message, "hint": error.hint}
            return web.json_response(body, status=error.http_status)

    return handle


def _rebuild(kind: Any, message: str, hint: str) -> StreamhubError:
    error: StreamhubError = kind.__new__(kind)
    StreamhubError.__init__(error, message, hint=hint)
    return error


@contextlib.contextmanager
def _short_address(folder: Path) -> Any:
    """An address of the socket that fits, however deep the workspace lies."""
    if len(os.fsencode(folder / _SOCKET)) <= _MAX_PATH:
        yield str(folder / _SOCKET)
        return
    if not Path("/proc/self/fd").is_dir():
        raise Conflict(f"workspace {folder}: its path is too long for a socket", hint="move it to a shorter path")
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{_SOCKET}"
    finally:
        os.close(descriptor)
