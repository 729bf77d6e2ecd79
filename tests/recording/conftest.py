"""A whole recording room: store, media tool, studio and door, with a clock that tests can move."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streamhub import process
from streamhub.config import LiveSettings, Secret
from streamhub.live.rtmp import RtmpDoor
from streamhub.process import Child, Command
from streamhub.recording.ffmpeg import Ffmpeg
from streamhub.recording.pyav import PyavScanner
from streamhub.recording.recording import Segment
from streamhub.recording.room import RecordingRoom
from streamhub.recording.studio import Happening, Studio, StudioEvent
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store.access import save_stream_key
from streamhub.store.recordings import list_segments
from streamhub.store.shows import load_session, save_session, save_show, step_session
from streamhub.store.store import Store

SESSION = "2027-03-02-netz"
KEY = Secret("k7w2right0key9for8this7session66")


class Clock:
    """The real time, moved by what a test likes."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def skip(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


@dataclass
class OpenStudio:
    """Everything that a test of the studio looks at."""

    room: RecordingRoom
    studio: Studio
    door: RtmpDoor
    clock: Clock
    events: list[StudioEvent]

    session_id = SESSION
    key = KEY

    @property
    def url(self) -> str:
        return f"{self.door.url}/{KEY}"

    async def step(self, to: SessionState) -> Session:
        at = self.clock()
        return await self.room.store.write(lambda db: step_session(db, SESSION, to, at=at))

    async def session(self) -> Session:
        return await self.room.store.read(lambda db: load_session(db, SESSION))

    async def segments(self) -> list[Segment]:
        return await self.room.store.read(lambda db: list_segments(db, SESSION))

    def seen(self, kind: Happening) -> list[StudioEvent]:
        return [event for event in self.events if event.kind is kind]


async def until(condition: Callable[[], object], *, timeout_s: float = 15.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.fixture(name="until")
def until_fixture() -> Callable[..., Awaitable[None]]:
    return until


@pytest.fixture(scope="session")
def make_clip(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a short clip: picture and tone, or what the options say."""
    folder = tmp_path_factory.mktemp("clips")

    def make(name: str, *options: str, seconds: float = 3, size: str = "320x180", sound: bool = True) -> Path:
        target = folder / name
        source = ["-f", "lavfi", "-i", f"testsrc2=s={size}:r=25:d={seconds}"]
        if sound:
            source += ["-f", "lavfi", "-i", f"sine=f=440:r=48000:d={seconds}"]
        codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", "-c:a", "aac"]
        argv = [str(program), "-v", "error", "-y", *source, *(options or codecs), str(target)]
        subprocess.run(argv, check=True)
        return target

    return make


@pytest.fixture(scope="session")
def clip(make_clip: Callable[..., Path]) -> Path:
    """Three seconds of H.264 and AAC, a key frame each second."""
    return make_clip("clip.flv")


@pytest.fixture
async def start_push(program: Path, clip: Path) -> AsyncIterator[Callable[..., Awaitable[Child]]]:
    """Start an encoder that pushes a clip to an address."""
    children: list[Child] = []

    async def start(url: str, *options: str, source: Path = clip, container: str = "flv") -> Child:
        argv = [str(program), "-v", "error", *options, "-i", str(source), "-c", "copy", "-f", container, url]
        children.append(await process.start(Command(argv=argv, name="encoder")))
        return children[-1]

    yield start
    for child in children:
        child.kill()
        await child.wait()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def room(tmp_path: Path, program: Path, clock: Clock) -> AsyncIterator[RecordingRoom]:
    """A room with one session that is open for questions and has a stream key."""
    media_dir = tmp_path / "Medien 'a' [b]|c"  # a folder that somebody could really have
    async with Store.open(tmp_path / "hub.sqlite3", now=clock) as store:
        session = Session(
            id=SESSION, show_id="netz", title="Netz", starts_at=datetime.now(UTC), state=SessionState.OPEN
        )
        await store.write(lambda db: save_show(db, Show(id="netz", title="Das Netz")))
        await store.write(lambda db: save_session(db, session))
        await store.write(lambda db: save_stream_key(db, SESSION, KEY))
        yield RecordingRoom(store=store, tool=Ffmpeg(program), scanner=PyavScanner(), media_dir=media_dir, now=clock)


@pytest.fixture
async def open_studio(room: RecordingRoom, clock: Clock) -> AsyncIterator[Callable[..., Awaitable[OpenStudio]]]:
    """Open a studio with an RTMP door on a free port."""
    opened: list[OpenStudio] = []

    async def open_one(**options: object) -> OpenStudio:
        events: list[StudioEvent] = []

        async def keep(event: StudioEvent) -> None:
            events.append(event)

        changes = {key: options.pop(key) for key in ("grace_s", "hls", "min_free_mb") if key in options}
        settings = replace(LiveSettings(min_free_mb=1), **changes)  # type: ignore[arg-type]
        studio = Studio(room, settings, on_event=keep, **options)  # type: ignore[arg-type]
        door = RtmpDoor("127.0.0.1", 0)
        await door.open(studio)
        opened.append(OpenStudio(room=room, studio=studio, door=door, clock=clock, events=events))
        return opened[-1]

    yield open_one
    for one in opened:
        await one.door.close()
        await one.studio.close()
