"""A real channel for the contract of live platforms: opt in, and only for a person who has one.

    export STREAMHUB_YOUTUBE_LIVE=1 STREAMHUB_YOUTUBE_WORKSPACE=/path/to/hub
    pytest tests/live/test_platform_contract.py -k channel

The workspace is one in which `streamhub youtube connect` was run; nothing in it is changed. Broadcasts are private, a
test picture is pushed for some seconds, and everything that was made is deleted afterwards. One run costs about
3,100 units of the day's quota (3,069 against the counterpart).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streamhub import process
from streamhub.config import load_settings
from streamhub.errors import StreamhubError
from streamhub.live.youtube.channel import Channel
from streamhub.live.youtube.client import Api
from streamhub.live.youtube.kit import Place
from streamhub.live.youtube.ledger import Ledger, make_budget
from streamhub.live.youtube.platform import YouTubePlatform
from streamhub.live.youtube.token import KeptSignIn
from streamhub.process import Child, Command
from streamhub.recording.ffmpeg import find_ffmpeg
from streamhub.schedule.show import Privacy, Session, SessionState, Show
from streamhub.store.broadcasts import list_broadcasts, list_streams
from streamhub.store.shows import save_session, save_show
from streamhub.store.store import Store
from streamhub.workspace import open_workspace, write_private
from tests.live.platform_case import Case

WANTED = os.environ.get("STREAMHUB_YOUTUBE_LIVE") == "1"
ONLY_WHEN_WANTED = [
    pytest.mark.skipif(not WANTED, reason="needs a real channel: STREAMHUB_YOUTUBE_LIVE=1"),
    pytest.mark.timeout(600),
]
_PICTURE_S = 90


def _now() -> datetime:
    return datetime.now(UTC)


async def start_encoder(url: str) -> Child:
    """A moving picture and a tone, as an encoder sends them."""
    sources = ["-re", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=25", "-f", "lavfi", "-i", "sine=f=440:r=48000"]
    video = ["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", "50"]
    sound = ["-b:v", "800k", "-c:a", "aac", "-t", "600", "-f", "flv"]
    argv = [str(find_ffmpeg()), "-v", "error", *sources, *video, *sound, url]
    return await process.start(Command(argv=argv, name="encoder"))


@contextlib.asynccontextmanager
async def channel_case(folder: Path) -> AsyncIterator[Case]:
    """The contract's case on the channel of a workspace."""
    workspace = open_workspace(Path(os.environ["STREAMHUB_YOUTUBE_WORKSPACE"]))
    settings = load_settings(workspace.folder, os.environ).youtube
    place = Place(folder=workspace.folder, secret=workspace.secret(), write=write_private, settings=settings)
    session = Session(
        id="2027-03-02-contract",
        show_id="contract",
        title="streamhub contract test, please ignore",
        starts_at=_now() + timedelta(hours=1),
        state=SessionState.OPEN,
    )
    encoders: list[Child] = []
    async with Store.open(folder / "hub.sqlite3", now=_now) as store:
        show = Show(id="contract", title="Contract", platform="youtube", privacy=Privacy.PRIVATE)
        await store.write(lambda db: save_show(db, show))
        await store.write(lambda db: save_session(db, session))
        api = Api(
            KeptSignIn(place.keeper()), Ledger(store, make_budget(settings), _now), url=settings.api_url, now=_now
        )
        platform = YouTubePlatform(
            api, store, settings, describe=lambda *_: "A test of streamhub.", now=_now, random=os.urandom
        )

        async def plug_in() -> None:
            ingest = await platform.ingest(session.id)
            encoders.append(await start_encoder(f"{ingest.url}/{ingest.key}"))
            for _ in range(_PICTURE_S):
                if (await platform.signal(session.id)).receiving:
                    return
                await asyncio.sleep(1)
            pytest.fail("no picture arrived on the channel")

        async def add(session_id: str) -> Session:
            other = replace(session, id=session_id)
            await store.write(lambda db: save_session(db, other))
            return other

        try:
            yield Case(platform=platform, session=session, plug_in=plug_in, add=add)
        finally:
            await _clean_up(Channel(api, now=_now, sleep=asyncio.sleep), platform, store)
            for encoder in encoders:
                encoder.kill()
                await encoder.wait()
            await api.close()


async def _clean_up(channel: Channel, platform: YouTubePlatform, store: Store) -> None:
    for row in await store.read(lambda db: list_broadcasts(db, platform="youtube")):
        with contextlib.suppress(StreamhubError):
            await platform.end(row.session_id)
        with contextlib.suppress(StreamhubError):
            await channel.delete(row.ref)
    for stream in await store.read(lambda db: list_streams(db, "youtube")):
        with contextlib.suppress(StreamhubError):
            await channel.delete_stream(stream.ref)
