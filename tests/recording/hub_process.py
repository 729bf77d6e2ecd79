"""A hub that takes encoders and records them, until somebody kills it; says the door's address."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from streamhub.config import LiveSettings
from streamhub.live.rtmp import RtmpDoor
from streamhub.recording.ffmpeg import Ffmpeg, find_ffmpeg
from streamhub.recording.pyav import PyavScanner
from streamhub.recording.room import RecordingRoom
from streamhub.recording.studio import Studio
from streamhub.store.store import Store


def now() -> datetime:
    return datetime.now(UTC)


async def serve(folder: Path, media_dir: Path) -> None:
    async with Store.open(folder / "hub.sqlite3", now=now) as store:
        tool = Ffmpeg(find_ffmpeg())
        room = RecordingRoom(store=store, tool=tool, scanner=PyavScanner(), media_dir=media_dir, now=now)
        door = RtmpDoor("127.0.0.1", 0)
        await door.open(Studio(room, LiveSettings(min_free_mb=1)))
        print(door.url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), Path(sys.argv[2])))
