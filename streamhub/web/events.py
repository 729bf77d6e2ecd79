"""Live updates by server-sent events: one writer for thousands of listeners.

A *channel* is one stream of states that many listen to. Its state is a JSON object; the entry ``questions`` is an
object by question id, every other entry is taken whole. A listener gets, in the notation of server-sent events::

    retry: 3120                how long to wait before coming back, in ms; another number for everybody

    id: 3f2a90-17              the channel's run, and the number of the state within it
    event: state               on connecting: the whole state
    data: {"session": {...}, "on_air": "k3...", "questions": {"k3...": {...}, ...}}

    id: 3f2a90-18
    event: diff                what changed since the state before: entries whole, questions one by one, null for gone;
    data: {"on_air": null, "questions": {"k3...": {...}, "m7...": null}, "counts": {"p2...": {"votes": 7}}}

    : ping                     every 25 s

Between the states something may be said that is no state, to whoever listens at that moment::

    event: words               an event of its own name, without an id: it is never repeated for those who come back;
    data: {...}                what it says stands where it is said (`streamhub.web.captions`)

``counts`` holds, of questions of which nothing but numbers changed, these numbers alone, so that a thousand votes are a
few kilobytes. Who comes back with ``Last-Event-ID`` gets the diffs that he missed, if they are still held, else the
whole state; a channel lives on for a minute after its last listener for that.

Each message is encoded once and given to every transport as it is; there is no task per listener and message. At most
four diffs a second leave a channel, fewer when they are large. Many listeners are served in slices, so that requests in
between are answered. A listener with more than 64 KB unsent when the next message comes is dropped and comes back by
himself; what waits for him in the kernel is bounded too. Knows nothing of what the states say.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import socket
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import HttpVersion11, web

from streamhub.errors import StreamhubError, Unavailable

LOG = logging.getLogger("streamhub.web")

DIFFS_PER_SECOND = 4
BYTES_PER_SECOND = 32 * 1024
MAX_GAP_S = 2.0
PING_S = 25.0
MAX_UNSENT_BYTES = 64 * 1024
KERNEL_BYTES = 64 * 1024
GONE_AFTER_S = 70
RETRY_MS = range(2000, 7000)
HELD_DIFFS = 240
HELD_BYTES = 256 * 1024
KEPT_S = 60.0
FEED_S = 20.0
SETTLE_S = 1.0
PIECE_BYTES = 32 * 1024
SLICE = 200
WORDS = ("text", "asker", "photo")
"""What of a question is somebody's own, and may be taken back."""

State = Mapping[str, Any]
Reader = Callable[[], Awaitable[State]]
Gone = Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Message:
    """One message in both forms that connections carry, encoded once for all of them."""

    plain: bytes
    chunked: bytes

    @classmethod
    def make(cls, text: bytes) -> _Message:
        return cls(text, b"%x\r\n%b\r\n" % (len(text), text))


PING = _Message.make(b": ping\n\n")


class _Listener(asyncio.Protocol):
    """A connection on which nothing is said any more but what the channel says.

    It has left its HTTP handler: request, task and parser of a listener would be three times as large as all the rest.
    """

    __slots__ = ("channel", "chunked", "gone", "transport")

    def __init__(self, channel: _Channel, transport: asyncio.Transport, *, chunked: bool, gone: Gone) -> None:
        self.channel = channel
        self.transport = transport
        self.chunked = chunked
        self.gone = gone

    def send(self, message: _Message) -> None:
        """Hand bytes to the socket; a listener that is far behind is dropped."""
        transport = self.transport
        if transport.get_write_buffer_size() > MAX_UNSENT_BYTES:  # of messages before this one
            transport.abort()
        elif not transport.is_closing():
            transport.write(message.chunked if self.chunked else message.plain)

    def end(self) -> None:
        """Say that this was all, and close."""
        if self.chunked and not self.transport.is_closing():
            self.transport.write(b"0\r\n\r\n")
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Whoever listens has nothing to say."""
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone, for whatever reason."""
        self.channel.listeners.discard(self)
        self.channel.left_at_s = time.monotonic()
        self.gone()


@dataclass(kw_only=True, slots=True)
class _Channel:
    """One stream of states.

    Attributes:
        name, read, poll_s: as `Broadcaster.serve` got them.
        run: drawn for this channel, so that numbers of one that was given up mean nothing here.
        state, number: the newest state and its number.
        held: the newest diffs in order, the last of them led to `state`; ``held_bytes`` in all.
        whole, encoded: the newest state as an event and as JSON; None until somebody needs it.
        listeners: those who know `state` or are being told the diff to it.
        feeding: how many are on their way to become listeners.
        dirty, reading, reads, turn: whether something changed since the newest read began, whether one is under way,
            how many have ended, and what is set when the next one ends.
        left_at_s: when the last listener went.
    """

    name: str
    read: Reader
    poll_s: float
    state: State
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    number: int = 0
    held: deque[bytes] = field(default_factory=deque)
    held_bytes: int = 0
    whole: bytes | None = None
    encoded: bytes | None = None
    listeners: set[_Listener] = field(default_factory=set)
    feeding: int = 0
    flushing: asyncio.Task[None] | None = None
    dirty: bool = False
    reading: bool = False
    reads: int = 0
    turn: asyncio.Event = field(default_factory=asyncio.Event)
    next_at_s: float = 0.0
    polled_at_s: float = field(default_factory=time.monotonic)
    left_at_s: float = field(default_factory=time.monotonic)

    async def reread(self) -> bytes | None:
        """Read the state anew; returns the diff to it, encoded, or None when nothing changed."""
        self.dirty, self.reading = False, True
        try:
            return self.take(await self.read())
        finally:
            self.reading = False
            self.reads += 1
            ended, self.turn = self.turn, asyncio.Event()
            ended.set()

    async def settle(self) -> None:
        """Wait, but not for long, until whatever was notified before now is in the state."""
        wanted = self.reads + self.dirty + self.reading
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                while self.reads < wanted:
                    await self.turn.wait()

    def take(self, state: State) -> bytes | None:
        """Make a state the newest; returns the diff to it, encoded, or None when nothing changed."""
        diff, before = plan_diff(self.state, state), self.state
        self.state = state
        if not diff:
            return None
        if takes_back(before, diff):  # nobody is told again what may not be seen any more
            self.held.clear()
            self.held_bytes = 0
        self.number += 1
        self.whole = self.encoded = None
        message = self._encode("diff", msgspec.json.encode(diff))
        self.held.append(message)
        self.held_bytes += len(message)
        while len(self.held) > HELD_DIFFS or self.held_bytes > HELD_BYTES:
            self.held_bytes -= len(self.held.popleft())
        self.next_at_s = time.monotonic() + max(1 / DIFFS_PER_SECOND, min(MAX_GAP_S, len(message) / BYTES_PER_SECOND))
        return message

    def since(self, number: int | None) -> bytes:
        """What somebody must be told who knows the state of that number: the diffs after it, or the whole state."""
        if number is not None and 0 <= self.number - number <= len(self.held):
            return b"".join(list(self.held)[len(self.held) - (self.number - number) :])
        if self.whole is None:
            self.whole = self._encode("state", self.json())
        return self.whole

    def json(self) -> bytes:
        """The newest state, encoded once."""
        if self.encoded is None:
            self.encoded = msgspec.json.encode(self.state)
        return self.encoded

    def number_of(self, last_event_id: str) -> int | None:
        """The number in an event's id, if it is one of this channel's."""
        run, _, number = last_event_id.partition("-")
        if run != self.run or not number.isdecimal() or len(number) > 12 or not number.isascii():
            return None
        return int(number)

    def _encode(self, event: str, json: bytes) -> bytes:
        return b"id: %b-%d\nevent: %b\ndata: %b\n\n" % (self.run.encode(), self.number, event.encode(), json)


class Broadcaster:
    """All channels of one hub.

    Args:
        most: how many may listen at once; more are refused, and their pages look at the snapshot instead.
        heard: told the name of whatever is notified.
    """

    def __init__(self, *, most: int, heard: Callable[[str], None]) -> None:
        self._most = most
        self._heard = heard
        self._channels: dict[str, _Channel] = {}
        self._opening: dict[str, asyncio.Lock] = {}
        self._closed = False

    def notify(self, name: str) -> None:
        """Something changed in a channel; its listeners will hear of it within a quarter of a second."""
        self._heard(name)
        channel = self._channels.get(name)
        if channel is None or self._closed:
            return
        channel.dirty = True
        if channel.listeners or channel.feeding:
            self._wake(channel)  # else whoever comes next has it read

    def notify_under(self, beginning: str) -> None:
        """Something changed in every channel whose name begins like this."""
        for name in [name for name in self._channels if name.startswith(beginning)]:
            self.notify(name)

    async def say(self, name: str, event: str, json: bytes) -> None:
        """Say something to those who listen to a channel now, once; who reads too slowly for it is dropped.

        It changes no state and is not held: whoever needs what he missed asks for it elsewhere. How often something
        is said is the caller's to bound.

        Args:
            name: of the channel.
            event: name of the event, none of the channel's own.
            json: what is said, encoded, in one line.
        """
        channel = self._channels.get(name)
        if channel is not None and channel.listeners and not self._closed:
            await _send(channel.listeners, _Message.make(b"event: %b\ndata: %b\n\n" % (event.encode(), json)))

    def count_in(self, name: str) -> int:
        """How many listen to a channel now."""
        channel = self._channels.get(name)
        return len(channel.listeners) if channel is not None else 0

    async def serve(
        self, request: web.Request, name: str, read: Reader, *, poll_s: float, gone: Gone = lambda: None
    ) -> web.StreamResponse:
        """Make a request's connection a listener of a channel until it goes or the hub closes.

        Returns when the listener is up to date; its connection is not the request's any more then.

        Args:
            request: the listener's.
            name: of the channel.
            read: reads the channel's state; asked again after each `notify`, and every ``poll_s`` seconds while
                somebody listens, because other processes change things too.
            poll_s: seconds.
            gone: called once when the listener is gone, or was never taken.

        Raises:
            Unavailable: too many listen already, or the hub is closing.
        """
        taken = False
        try:
            if self._closed or self.count() >= self._most:
                hint = "look at the snapshot every few seconds"
                raise Unavailable("live updates: too many listen already", hint=hint)
            channel = await self._open(name, read, poll_s)
            channel.feeding += 1
            try:
                response = web.StreamResponse(headers=_HEADERS)
                await response.prepare(request)
                if await self._feed(request, response, channel) and not self._closed:
                    taken = _take_over(request, channel, gone)
            finally:
                channel.feeding -= 1
                channel.left_at_s = time.monotonic()
        finally:
            if not taken:
                gone()
        return response

    async def snapshot(self, name: str, read: Reader, *, poll_s: float) -> tuple[str, bytes]:
        """The newest state of a channel as JSON, and a tag that changes with it; arguments as for `serve`."""
        channel = await self._open(name, read, poll_s)
        channel.left_at_s = time.monotonic()
        return f"{channel.run}-{channel.number}", channel.json()

    async def run(self) -> None:
        """Ping listeners, look for changes made elsewhere and give up channels that nobody needs, until cancelled."""
        pinged_at_s = time.monotonic()
        while True:
            await asyncio.sleep(0.5)
            at_s = time.monotonic()
            for channel in list(self._channels.values()):
                if not channel.listeners and not channel.feeding and at_s - channel.left_at_s >= KEPT_S:
                    del self._channels[channel.name]
                    self._opening.pop(channel.name, None)
                elif at_s - channel.polled_at_s >= channel.poll_s:
                    channel.polled_at_s = at_s
                    self.notify(channel.name)
            if at_s - pinged_at_s >= PING_S:
                pinged_at_s = at_s
                for channel in list(self._channels.values()):
                    await _send(channel.listeners, PING)

    async def close(self) -> None:
        """Let every listener go; their browsers come back to the next run."""
        self._closed = True
        for channel in list(self._channels.values()):
            if channel.flushing is not None:
                channel.flushing.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await channel.flushing
            for listener in list(channel.listeners):
                listener.end()

    def count(self) -> int:
        """How many listen now."""
        return sum(len(channel.listeners) + channel.feeding for channel in self._channels.values())

    async def _open(self, name: str, read: Reader, poll_s: float) -> _Channel:
        async with self._opening.setdefault(name, asyncio.Lock()):
            channel = self._channels.get(name)
            if channel is None:
                try:
                    state = await read()
                except BaseException:
                    self._opening.pop(name, None)  # or every address that leads nowhere would be remembered for ever
                    raise
                channel = self._channels[name] = _Channel(name=name, read=read, poll_s=poll_s, state=state)
                return channel
        if channel.dirty:
            self._wake(channel)
        await channel.settle()
        return channel

    def _wake(self, channel: _Channel) -> None:
        if channel.flushing is None or channel.flushing.done():
            channel.flushing = asyncio.create_task(self._flush(channel))

    async def _feed(self, request: web.Request, response: web.StreamResponse, channel: _Channel) -> bool:
        """Tell a newcomer what he does not know, as fast as he reads; returns whether he knows everything now."""
        transport = request.transport
        await response.write(b"retry: %d\n\n" % secrets.choice(RETRY_MS))
        if transport is None:
            return False
        _bound_waiting(transport)
        known = channel.number_of(request.headers.get("Last-Event-ID", ""))
        while known != channel.number and not self._closed:
            missed, known = channel.since(known), channel.number
            try:
                for start in range(0, len(missed), PIECE_BYTES):
                    async with asyncio.timeout(FEED_S):
                        await response.write(memoryview(missed)[start : start + PIECE_BYTES])
            except TimeoutError:
                transport.abort()
                return False
        return True

    async def _flush(self, channel: _Channel) -> None:
        while channel.dirty:
            wait_s = channel.next_at_s - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            try:
                diff = await channel.reread()
            except StreamhubError as error:
                LOG.warning("web.events_failed channel=%s error=%s", channel.name, error)
                return
            if diff is not None:
                await _send(channel.listeners, _Message.make(diff))


BROADCASTER: web.AppKey[Broadcaster] = web.AppKey("broadcaster", Broadcaster)

_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}


async def _send(listeners: Iterable[_Listener], message: _Message) -> None:
    """Give a message to many; after each slice of them whatever else waits on the event loop has its turn."""
    for number, listener in enumerate(tuple(listeners), start=1):
        listener.send(message)
        if number % SLICE == 0:
            await asyncio.sleep(0)


def _take_over(request: web.Request, channel: _Channel, gone: Gone) -> bool:
    """Make a request's connection a listener; its HTTP handler is told that the connection is gone, and forgets it."""
    handler, transport = request.protocol, request.transport
    if transport is None or transport.is_closing():
        return False
    listener = _Listener(channel, transport, chunked=request.version >= HttpVersion11, gone=gone)
    transport.set_protocol(listener)
    if not transport.is_reading():
        transport.resume_reading()  # or nobody would notice that he goes
    handler.transport = None  # else the handler closes it
    handler.connection_lost(None)
    channel.listeners.add(listener)
    return True


def _bound_waiting(transport: asyncio.Transport) -> None:
    """Bound what waits for a listener here and in the kernel, and let the kernel notice that he is gone for good."""
    transport.set_write_buffer_limits(high=PIECE_BYTES)
    connection = transport.get_extra_info("socket")
    if connection is None:
        return
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; elsewhere the pings' own retries end it later
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, GONE_AFTER_S * 1000)


def plan_diff(before: State, after: State) -> dict[str, Any]:
    """What a listener who knows ``before`` must be told to know ``after``; empty when nothing changed."""
    diff = {name: value for name, value in after.items() if name != "questions" and before.get(name) != value}
    diff |= {name: None for name in before.keys() - after.keys() if name != "questions"}
    old, new = before.get("questions", {}), after.get("questions", {})
    changed: dict[str, Any] = dict.fromkeys(old.keys() - new.keys())
    counts: dict[str, Any] = {}
    for key, value in new.items():
        known = old.get(key)
        if known is not value and known != value:  # most are the very same object, which is quickly seen
            numbers = plan_counts(known, value)
            if numbers:
                counts[key] = numbers
            else:
                changed[key] = value
    return diff | ({"questions": changed} if changed else {}) | ({"counts": counts} if counts else {})


def takes_back(before: State, diff: Mapping[str, Any]) -> bool:
    """Whether a diff takes something out of sight: a question that is gone, or whose words, asker or photo changed."""
    old = before.get("questions", {})
    for key, value in diff.get("questions", {}).items():
        known = old.get(key)
        if value is None or (known is not None and any(known.get(name) != value.get(name) for name in WORDS)):
            return True
    return False


def plan_counts(before: Any, after: Any) -> dict[str, int]:
    """The numbers that changed of a question, where nothing else did; empty otherwise."""
    if not isinstance(before, Mapping) or not isinstance(after, Mapping) or before.keys() != after.keys():
        return {}
    changed = {name: value for name, value in after.items() if before[name] != value}
    numbers = all(type(value) is int and type(before[name]) is int for name, value in changed.items())
    return changed if numbers else {}
