"""Doors, a gatekeeper that keeps what it gets, and an encoder."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from streamhub import process
from streamhub.errors import Forbidden
from streamhub.live.ingest import Publisher
from streamhub.process import Child, Command

KEY = "right-key-0123456789"


class KeepingSink:
    """Keeps every byte; waits in `write` while `gate` is shut."""

    def __init__(self) -> None:
        self.media = bytearray()
        self.writes = 0
        self.reason: str | None = None
        self.ended = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def write(self, chunk: bytes) -> None:
        self.writes += 1
        self.media += chunk
        await self.gate.wait()

    async def close(self, *, reason: str) -> None:
        self.reason = reason
        self.ended.set()


class KeepingGatekeeper:
    """Admits one key, keeps its sinks and who knocked."""

    def __init__(self) -> None:
        self.sinks: list[KeepingSink] = []
        self.knocked: list[Publisher] = []
        self.shut_gates = False

    async def admit(self, publisher: Publisher) -> KeepingSink:
        self.knocked.append(publisher)
        if publisher.key != KEY:
            raise Forbidden("stream key: wrong")
        sink = KeepingSink()
        if self.shut_gates:
            sink.gate.clear()
        self.sinks.append(sink)
        return sink


@pytest.fixture
def gatekeeper() -> KeepingGatekeeper:
    return KeepingGatekeeper()


@pytest.fixture
def key() -> str:
    return KEY


@pytest.fixture(scope="session")
def clip(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of test picture and a tone, as an encoder makes them."""
    target = tmp_path_factory.mktemp("clip") / "clip.flv"
    source = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=3", "-f", "lavfi", "-i", "sine=f=440:r=48000:d=3"]
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", "-c:a", "aac"]
    asyncio.run(process.run_checked(Command(argv=[str(program), "-v", "error", *source, *codecs, str(target)])))
    return target


@pytest.fixture
async def start_push(program: Path, clip: Path) -> AsyncIterator[Callable[..., Awaitable[Child]]]:
    """Start an encoder that pushes a clip to an address, as fast as it is taken or in its own time."""
    children: list[Child] = []

    async def start(url: str, *, source: Path = clip, container: str = "flv", options: tuple[str, ...] = ()) -> Child:
        argv = [str(program), "-v", "error", *options, "-i", str(source), "-c", "copy", "-f", container, url]
        children.append(await process.start(Command(argv=argv, name="encoder")))
        return children[-1]

    yield start
    for child in children:
        child.kill()
        await child.wait()
