"""What it costs the hub to take and record one encoder: processor and memory of the hub process, beside ffmpeg's own.

Pushes a 720p signal of 4 Mbit/s in real time to a hub-like process (door, studio, recorder, store) and measures it.
Targets: under 15 % of a core and under 200 MB of memory, besides ffmpeg.

    python bench/ingest.py [seconds]
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil

from streamhub.config import LiveSettings, Secret
from streamhub.live.rtmp import RtmpDoor
from streamhub.recording.ffmpeg import Ffmpeg, find_ffmpeg
from streamhub.recording.pyav import PyavScanner
from streamhub.recording.room import RecordingRoom
from streamhub.recording.studio import Studio
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store.access import save_stream_key
from streamhub.store.recordings import list_segments
from streamhub.store.shows import save_session, save_show
from streamhub.store.store import Store

SESSION = "2027-03-02-bench"
KEY = Secret("benchmark-stream-key")
WARM_UP_S = 4


async def serve(folder: Path) -> None:
    """The hub-like process: says its address, records until its input ends, says what was recorded."""

    def now() -> datetime:
        return datetime.now(UTC)

    async with Store.open(folder / "hub.sqlite3", now=now) as store:
        session = Session(id=SESSION, show_id="bench", title="Bench", starts_at=now(), state=SessionState.OPEN)
        await store.write(lambda db: save_show(db, Show(id="bench", title="Bench")))
        await store.write(lambda db: save_session(db, session))
        await store.write(lambda db: save_stream_key(db, SESSION, KEY))
        tool, media_dir = Ffmpeg(find_ffmpeg()), folder / "media"
        room = RecordingRoom(store=store, tool=tool, scanner=PyavScanner(), media_dir=media_dir, now=now)
        studio = Studio(room, LiveSettings(min_free_mb=1))
        door = RtmpDoor("127.0.0.1", 0)
        await door.open(studio)
        print(f"{door.url}/{KEY}", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await studio.close_session(SESSION)
        await door.close()
        for segment in await store.read(lambda db: list_segments(db, SESSION)):
            print(f"recorded {segment.duration_ms / 1000:.2f} s, {segment.size_bytes / 1e6:.1f} MB, {segment.state}")
        await studio.close()


def make_clip(program: Path, target: Path) -> None:
    """Ten seconds of 720p at 30 pictures a second, 4 Mbit/s, a key frame every 2 s."""
    picture = "testsrc2=s=1280x720:r=30:d=10,noise=alls=20:allf=t"
    source = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=f=440:r=48000:d=10"]
    rate = ["-b:v", "3900k", "-minrate", "3900k", "-maxrate", "3900k", "-bufsize", "3900k"]
    video = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "60", *rate]
    argv = [program, "-v", "error", *source, *video, "-c:a", "aac", "-b:a", "128k", target]
    subprocess.run(argv, check=True)


def cpu_s(process: psutil.Process) -> float:
    """Processor seconds of a process so far."""
    times = process.cpu_times()
    return times.user + times.system


def measure(hub: subprocess.Popen[str], seconds: float) -> None:
    """Print what the hub and its ffmpeg used while a signal was taken."""
    hub_process = psutil.Process(hub.pid)
    time.sleep(WARM_UP_S)
    recorders = hub_process.children(recursive=True)
    began, hub_s, recorder_s = time.monotonic(), cpu_s(hub_process), sum(map(cpu_s, recorders))
    peak_bytes = 0
    while time.monotonic() - began < seconds - WARM_UP_S - 1:
        peak_bytes = max(peak_bytes, hub_process.memory_info().rss)
        time.sleep(0.5)
    wall_s = time.monotonic() - began
    hub_share = (cpu_s(hub_process) - hub_s) / wall_s
    recorder_share = (sum(map(cpu_s, recorders)) - recorder_s) / wall_s
    recorder_bytes = sum(recorder.memory_info().rss for recorder in recorders)
    print(f"hub:    {hub_share:6.1%} of a core, {peak_bytes / 1e6:6.1f} MB (targets: 15 %, 200 MB)")
    print(f"ffmpeg: {recorder_share:6.1%} of a core, {recorder_bytes / 1e6:6.1f} MB, {len(recorders)} process(es)")
    print(f"measured over {wall_s:.0f} s of real time; load of the machine {psutil.getloadavg()[0]:.1f}")


def main(seconds: float) -> None:
    """Push and measure."""
    program = find_ffmpeg()
    with tempfile.TemporaryDirectory() as name:
        clip = Path(name) / "clip.flv"
        make_clip(program, clip)
        print(f"signal: {clip.stat().st_size * 8 / 10 / 1e6:.2f} Mbit/s")
        argv = [sys.executable, __file__, "--hub", name]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as hub:
            assert hub.stdout is not None
            url = hub.stdout.readline().strip()
            push = [program, "-v", "error", "-re", "-stream_loop", "-1", "-t", str(seconds), "-i", clip, "-c", "copy"]
            with subprocess.Popen([*push, "-f", "flv", url]) as encoder:
                measure(hub, seconds)
                encoder.wait()
            time.sleep(0.5)
            said, _ = hub.communicate("end\n")
            print(said, end="")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--hub"]:
        asyncio.run(serve(Path(sys.argv[2])))
    else:
        main(float(sys.argv[1]) if len(sys.argv) > 1 else 25.0)
