"""Where encoders push to: a real RTMP door that ties what arrives to the state of a stream."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from streamhub.errors import Forbidden
from streamhub.live.ingest import Publisher
from streamhub.live.rtmp import RtmpDoor
from tests.fakes.youtube.records import Stream
from tests.fakes.youtube.world import World


class _Sink:
    """One publisher's media."""

    def __init__(self, entrance: Entrance, stream: Stream, path: Path | None) -> None:
        self._entrance = entrance
        self._stream = stream
        self._file = path.open("wb") if path else None

    async def write(self, chunk: bytes) -> None:
        await self._entrance.flowing.wait()
        if self._file:
            self._file.write(chunk)
            self._file.flush()
        with self._entrance.world.lock:
            self._stream.received_bytes += len(chunk)
            self._entrance.world.settle_signal(self._stream)

    async def close(self, *, reason: str) -> None:
        if self._file:
            self._file.close()
        with self._entrance.world.lock:
            self._stream.publishers -= 1
            self._entrance.world.settle_signal(self._stream)


class Entrance:
    """The door with its switches: dead (refuses connections) and stalled (takes nothing)."""

    def __init__(self, world: World, *, keep_in: Path | None) -> None:
        self.world = world
        self.flowing = asyncio.Event()
        self.flowing.set()
        self._keep_in = keep_in
        self._door = RtmpDoor("127.0.0.1", 0, hello_s=5.0, quiet_s=30.0)
        self._open = False

    async def open(self) -> str:
        """Start listening, on the same port as before; the address without the key."""
        if not self._open:
            await self._door.open(self)
            self._open = True
        return self._door.url

    async def close(self) -> None:
        """Drop every publisher and refuse new ones."""
        if self._open:
            self._open = False
            with contextlib.suppress(OSError):
                await self._door.close()

    async def admit(self, publisher: Publisher) -> _Sink:
        """Let a publisher in whose key is a stream's.

        Raises:
            Forbidden: it is not.
        """
        key = publisher.key.split("?", maxsplit=1)[0]
        with self.world.lock:
            stream = next((stream for stream in self.world.streams.values() if stream.key == key), None)
            if stream is None:
                raise Forbidden("no stream has this key", hint="fetch the key anew")
            stream.publishes += 1
            stream.publishers += 1
            path = self._keep_in / f"{stream.id}-{stream.publishes}.flv" if self._keep_in else None
        return _Sink(self, stream, path)
