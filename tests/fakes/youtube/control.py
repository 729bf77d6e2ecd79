"""The back door for benches that run the counterpart as a process: state, knobs, faults and verbs over HTTP."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import datetime
from typing import Any

from aiohttp import web

from tests.fakes.youtube.faults import from_fault, to_fault
from tests.fakes.youtube.knobs import Knobs
from tests.fakes.youtube.world import World

VERBS = {
    "push",
    "stop",
    "set_health",
    "go_offline_for",
    "kill_rtmp",
    "restore_rtmp",
    "stall_rtmp",
    "resume_rtmp",
    "new_day",
    "tick",
    "complete",
    "revoke",
    "delete",
    "go_live_in_studio",
    "unschedule",
    "fail_processing",
    "say",
    "disable_chat",
    "expire_tokens",
    "revoke_grants",
}
"""What may be done from outside, by the name of the world's method."""


class Control:
    """Routes under ``/_fake/``."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/_fake/state", self._state)
        app.router.add_post("/_fake/set", self._set)
        app.router.add_post("/_fake/fail", self._fail)
        app.router.add_post("/_fake/do", self._do)

    async def _state(self, _request: web.Request) -> web.Response:
        with self._world.lock:
            return web.json_response(snapshot(self._world))

    async def _set(self, request: web.Request) -> web.Response:
        names = {field.name for field in dataclasses.fields(Knobs)}
        for name, value in (await request.json()).items():
            if name not in names or name == "consent":
                return web.json_response({"error": f"no such knob: {name}"}, status=400)
            setattr(self._world, name, value)
        return web.json_response({})

    async def _fail(self, request: web.Request) -> web.Response:
        order = await request.json()
        self._world.fail(order["method"], *(to_fault(fault) for fault in order["faults"]))
        return web.json_response({})

    async def _do(self, request: web.Request) -> web.Response:
        order = await request.json()
        if order["verb"] not in VERBS:
            return web.json_response({"error": f"no such verb: {order['verb']}"}, status=400)
        try:
            # In a thread, because some verbs wait for this loop.
            verb = getattr(self._world, order["verb"])
            await asyncio.to_thread(verb, *order.get("args", []), **order.get("kwargs", {}))
        except KeyError as error:
            return web.json_response({"error": f"no such thing: {error}"}, status=404)
        return web.json_response({})


def snapshot(world: World) -> dict[str, Any]:
    """Everything a bench may want to look at, as JSON."""
    return {
        "units_used": world.units_used,
        "violations": list(world.violations),
        "calls": [list(call) for call in world.calls],
        "faults": {name: [from_fault(fault) for fault in queue] for name, queue in world.faults.items() if queue},
        "broadcasts": [_plain(broadcast) for broadcast in world.broadcasts.values()],
        "streams": [_plain(stream) for stream in world.streams.values()],
        "captions": [_plain(caption) for caption in world.captions.values()],
        "playlists": [_plain(playlist) for playlist in world.playlists.values()],
        "chats": [_plain(chat) for chat in world.chats.values()],
    }


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return {"bytes": len(value)}
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    return value
