"""Live updates by server-sent events: one writer for thousands of listeners.

A *channel* is one stream of states that many listen to. Its state is a JSON object; the entry ``questions`` is an
object by question id, every other entry is taken whole. A listener gets, in the notation of server-sent events::

    id: 3f2a-17                the hub's run, and the number of the state within it
    event: state               on connecting and on every reconnecting, Last-Event-ID or not: the whole state
    data: {"session": {...}, "on_air": "k3...", "questions": {"k3...": {...}, ...}}

    id: 3f2a-18
    event: diff                what changed since the state before: entries whole, questions one by one, null for gone
    data: {"on_air": null, "questions": {"k3...": {...}, "m7...": null}}

    : ping                     every 25 s

Each message is encoded once and given to every transport as it is; there is no task per listener and message. At most
four diffs a second leave a channel. A listener with more than 64 KB unsent, his first state not counted, is dropped:
his browser comes back after a few seconds (``retry``) and starts from the whole state. Knows nothing of what the
states say.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import HttpVersion11, web

from streamhub.errors import StreamhubError

LOG = logging.getLogger("streamhub.web")

DIFFS_PER_SECOND = 4
PING_S = 25.0
MAX_UNSENT_BYTES = 64 * 1024
RETRY_MS = range(2000, 7000)

State = Mapping[str, Any]
Reader = Callable[[], Awaitable[State]]


@dataclass(kw_only=True, slots=True, eq=False)
class _Listener:
    transport: asyncio.Transport
    chunked: bool
    gone: asyncio.Future[None]
    allowance_bytes: int = MAX_UNSENT_BYTES

    def send(self, message: bytes) -> None:
        """Hand bytes to the socket; a listener that is gone or far behind is let go."""
        if self.transport.is_closing():
            self.let_go()
            return
        self.transport.write(_chunk(message) if self.chunked else message)
        if self.transport.get_write_buffer_size() > self.allowance_bytes:
            self.transport.abort()
            self.let_go()

    def let_go(self) -> None:
        if not self.gone.done():
            self.gone.set_result(None)


@dataclass(kw_only=True, slots=True)
class _Channel:
    name: str
    read: Reader
    poll_s: float
    state: State
    number: int = 0
    whole: bytes = b""
    listeners: set[_Listener] = field(default_factory=set)
    flushing: asyncio.Task[None] | None = None
    dirty: bool = False
    sent_at_s: float = 0.0
    polled_at_s: float = field(default_factory=time.monotonic)


class Broadcaster:
    """All channels of one hub."""

    def __init__(self) -> None:
        self._run = secrets.token_hex(4)
        self._channels: dict[str, _Channel] = {}
        self._opening: dict[str, asyncio.Lock] = {}
        self._closed = False

    def notify(self, name: str) -> None:
        """Something changed in a channel; its listeners will hear of it within a quarter of a second."""
        channel = self._channels.get(name)
        if channel is None or self._closed:
            return
        channel.dirty = True
        if channel.flushing is None or channel.flushing.done():
            channel.flushing = asyncio.create_task(self._flush(channel))

    async def serve(self, request: web.Request, name: str, read: Reader, *, poll_s: float) -> web.StreamResponse:
        """Let a request listen to a channel until it goes or the hub closes.

        Args:
            request: the listener's.
            name: of the channel.
            read: reads the channel's state; asked again after each `notify`, and every ``poll_s`` seconds while
                somebody listens, because other processes change things too.
            poll_s: seconds.
        """
        channel = await self._open(name, read, poll_s)
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        await response.prepare(request)
        retry_ms = secrets.choice(RETRY_MS)
        await response.write(f"retry: {retry_ms}\n\n".encode())
        transport = request.transport
        if transport is None or self._closed:
            return response
        listener = _Listener(
            transport=transport,
            chunked=request.version >= HttpVersion11,
            gone=asyncio.get_running_loop().create_future(),
            allowance_bytes=MAX_UNSENT_BYTES + len(channel.whole),
        )
        listener.send(channel.whole)
        channel.listeners.add(listener)
        try:
            await listener.gone
        finally:
            channel.listeners.discard(listener)
            if not channel.listeners and self._channels.get(name) is channel:
                del self._channels[name]
        return response

    async def run(self) -> None:
        """Ping listeners and look for changes made elsewhere, until cancelled."""
        pinged_at_s = time.monotonic()
        while True:
            await asyncio.sleep(0.5)
            at_s = time.monotonic()
            for channel in list(self._channels.values()):
                if at_s - channel.polled_at_s >= channel.poll_s:
                    channel.polled_at_s = at_s
                    self.notify(channel.name)
            if at_s - pinged_at_s >= PING_S:
                pinged_at_s = at_s
                self._send_all(b": ping\n\n")

    async def close(self) -> None:
        """Let every listener go; their browsers come back to the next run."""
        self._closed = True
        for channel in list(self._channels.values()):
            if channel.flushing is not None:
                channel.flushing.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await channel.flushing
            for listener in list(channel.listeners):
                listener.let_go()

    def count(self) -> int:
        """How many listen now."""
        return sum(len(channel.listeners) for channel in self._channels.values())

    async def _open(self, name: str, read: Reader, poll_s: float) -> _Channel:
        async with self._opening.setdefault(name, asyncio.Lock()):
            channel = self._channels.get(name)
            if channel is None:
                channel = _Channel(name=name, read=read, poll_s=poll_s, state=await read())
                channel.whole = self._encode(channel, "state", channel.state)
                self._channels[name] = channel
        return channel

    async def _flush(self, channel: _Channel) -> None:
        while channel.dirty:
            wait_s = channel.sent_at_s + 1 / DIFFS_PER_SECOND - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            channel.dirty = False
            try:
                state = await channel.read()
            except StreamhubError as error:
                LOG.warning("web.events_failed channel=%s error=%s", channel.name, error)
                return
            diff = plan_diff(channel.state, state)
            channel.state = state
            if diff:
                channel.number += 1
                channel.sent_at_s = time.monotonic()
                channel.whole = self._encode(channel, "state", state)
                message = self._encode(channel, "diff", diff)
                for listener in list(channel.listeners):
                    listener.send(message)

    def _encode(self, channel: _Channel, event: str, data: State) -> bytes:
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        return f"id: {self._run}-{channel.number}\nevent: {event}\ndata: {text}\n\n".encode()

    def _send_all(self, message: bytes) -> None:
        for channel in list(self._channels.values()):
            for listener in list(channel.listeners):
                listener.send(message)


BROADCASTER: web.AppKey[Broadcaster] = web.AppKey("broadcaster", Broadcaster)


def plan_diff(before: State, after: State) -> dict[str, Any]:
    """What a listener who knows ``before`` must be told to know ``after``; empty when nothing changed."""
    diff = {name: value for name, value in after.items() if name != "questions" and before.get(name) != value}
    diff |= {name: None for name in before.keys() - after.keys() if name != "questions"}
    old, new = before.get("questions", {}), after.get("questions", {})
    changed = {key: value for key, value in new.items() if old.get(key) != value}
    changed |= dict.fromkeys(old.keys() - new.keys())
    return diff | ({"questions": changed} if changed else {})


def _chunk(message: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(message), message)
