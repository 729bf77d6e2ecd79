"""A hub's inbox in a process of its own, to be killed: takes one dropped file and says what became of it."""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from streamhub.app import open_hub
from streamhub.keepers.inbox import Inbox
from streamhub.recording.ffmpeg import Ffmpeg
from streamhub.recording.matching import InboxState
from streamhub.recording.pyav import PyavScanner
from streamhub.recording.room import RecordingRoom
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store.recordings import find_recording
from streamhub.store.shows import save_session, save_show

START = datetime(2027, 3, 2, 19, 15, tzinfo=UTC)


def now() -> datetime:
    return datetime.now(UTC)


async def main(folder: Path, name: str, program: Path) -> None:
    session = Session(
        id=f"2027-03-02-{name}",
        show_id="runde",
        title=name,
        starts_at=START,
        state=SessionState.ENDED,
        started_at=START,
        ended_at=START + timedelta(seconds=60),
    )
    async with open_hub(folder, {}, now=now, random=os.urandom) as parts:

        def save(db: object) -> None:
            save_show(db, Show(id="runde", title="Runde"))
            save_session(db, session)

        await parts.store.write(save)
        media = parts.workspace.media(parts.settings)
        room = RecordingRoom(store=parts.store, tool=Ffmpeg(program), scanner=PyavScanner(), media_dir=media, now=now)
        inbox = Inbox(folder / "inbox", room, parts.engine, quiet_s=0.1, poll_s=0.05)
        await inbox.start()
        async with asyncio.timeout(60):
            while (folder / "inbox" / f"{name}.mp4").exists():
                if any(item.state is InboxState.TAKING for item in inbox.list()):
                    print("taking", flush=True)
                await asyncio.sleep(0.01)
        await inbox.close()
        recording = await parts.store.read(lambda db: find_recording(db, session.id))
        print(json.dumps({"source": recording.source, "duration_ms": recording.info.duration_ms}), flush=True)


asyncio.run(main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
