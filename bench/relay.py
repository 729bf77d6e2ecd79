"""What a relay to a platform costs the recording when the platform dies again and again: nothing, it shall be.

Pushes 720p of 4 Mbit/s in real time to a hub-like process (door, studio, recorder, relay), whose relay goes on to a
platform-like process that is killed again and again and comes back two seconds later. Then the recording is compared
with what was sent, packet by packet. In a second, short part of the same run the relay is off, for comparing the cost.
Targets: 0 s of the recording lost; the relay heals each time.

    python bench/relay.py [--seconds 300] [--kills 10]
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes

import av
import psutil
from ingest import KEY, SESSION, cpu_s, make_clip

from streamhub.config import LiveSettings
from streamhub.live.platform import Ingest
from streamhub.live.relay import Relay
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

TARGET_KEY = "benchmark-platform-key"
AWAY_S = 2.0
ALONE_S = 40.0


async def serve_hub(folder: Path, target_port: int) -> None:
    """The hub-like process: relays if there is a port to relay to, records until its input ends, says what came."""

    def now() -> datetime:
        return datetime.now(UTC)

    program = find_ffmpeg()
    relay = Relay(program, now=now, random=token_bytes)
    async with Store.open(folder / "hub.sqlite3", now=now) as store:
        session = Session(id=SESSION, show_id="bench", title="Bench", starts_at=now(), state=SessionState.OPEN)
        await store.write(lambda db: save_show(db, Show(id="bench", title="Bench")))
        await store.write(lambda db: save_session(db, session))
        await store.write(lambda db: save_stream_key(db, SESSION, KEY))
        room = RecordingRoom(
            store=store, tool=Ffmpeg(program), scanner=PyavScanner(), media_dir=folder / "media", now=now
        )
        studio = Studio(room, LiveSettings(min_free_mb=1), taps=relay if target_port else None)
        if target_port:
            await relay.aim(SESSION, Ingest(url=f"rtmp://127.0.0.1:{target_port}/live", key=TARGET_KEY))
        door = RtmpDoor("127.0.0.1", 0)
        await door.open(studio)
        print(f"{door.url}/{KEY}", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await studio.close_session(SESSION)
        await door.close()
        state = relay.state(SESSION)
        await relay.close()
        segments = await store.read(lambda db: list_segments(db, SESSION))
        said = {
            "segments": [str(room.path_of(segment.path)) for segment in segments],
            "restarts": state.restarts,
            "dropped_ms": state.dropped_ms,
            "sent_bytes": state.sent_bytes,
        }
        print(json.dumps(said), flush=True)
        await studio.close()


class _Times:
    """Keeps nothing but the instant of the first byte of each connection."""

    async def admit(self, publisher):
        self.told = False
        return self

    async def write(self, chunk):
        if not self.told:
            self.told = True
            print(time.time(), flush=True)

    async def close(self, *, reason):
        pass


async def serve_target(port: int) -> None:
    """The platform-like process: says the instant at which media begins to come, until it is killed."""
    door = RtmpDoor("127.0.0.1", port)
    await door.open(_Times())
    print(door.port, flush=True)
    await asyncio.Event().wait()


class Hub:
    """A hub-like process with an encoder that pushes to it."""

    def __init__(self, folder: Path, clip: Path, seconds: float, target_port: int) -> None:
        argv = [sys.executable, __file__, "--hub", str(folder), "--port", str(target_port)]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        url = self.process.stdout.readline().strip()
        push = [find_ffmpeg(), "-v", "error", "-re", "-stream_loop", "-1", "-t", str(seconds), "-i", clip, "-c", "copy"]
        self.copy = folder / "sent.flv"
        self.encoder = subprocess.Popen([*push, "-f", "flv", url])
        self._reference = [*push[:3], *push[4:], "-y", "-f", "flv", self.copy]
        self._used: dict[str, float] = {}
        self._gone: dict[str, float] = {}
        self._children: dict[int, tuple[str, float]] = {}

    def sample(self) -> None:
        """Note the processor seconds of each part so far; a relay's programs come and go."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                name = "relay's ffmpeg" if "-rtmp_playpath" in child.cmdline() else "recorder's ffmpeg"
                self._children[child.pid] = (name, cpu_s(child))
            except psutil.Error:
                continue
        self._used = {"hub process": cpu_s(psutil.Process(self.process.pid))}
        for name, used_s in self._children.values():
            self._used[name] = self._used.get(name, 0.0) + used_s

    def finish(self) -> tuple[dict, float]:
        """Wait for the encoder and the hub; what the hub said, and the seconds that its recording lacks."""
        self.encoder.wait()
        self.sample()
        time.sleep(0.5)
        said = json.loads(self.process.communicate("end\n")[0].strip().splitlines()[-1])
        subprocess.run(self._reference, check=True)
        lacking = max(
            packets_ms([str(self.copy)], kind) - packets_ms(said["segments"], kind) for kind in ("video", "audio")
        )
        return said, lacking / 1000

    def shares(self, wall_s: float) -> dict[str, float]:
        """Share of a core that each part used."""
        return {name: used_s / wall_s for name, used_s in self._used.items()}


def packets_ms(files: list[str], kind: str) -> float:
    """Length of all packets of a kind: their number times the length of one, so that no gap can hide."""
    total_ms = 0.0
    for file in files:
        with av.open(file) as media:
            stream = getattr(media.streams, kind)[0]
            one_ms = 1000 / 30 if kind == "video" else 1024 * 1000 / stream.rate
            total_ms += sum(one_ms for packet in media.demux(stream) if packet.size)
    return total_ms


def start_target(port: int) -> tuple[subprocess.Popen[str], int]:
    """Start the platform-like process; the port it listens on."""
    argv = [sys.executable, __file__, "--target", "--port", str(port)]
    target = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    return target, int(target.stdout.readline())


def kill_and_heal(hub: Hub, seconds: float, kills: int, target: subprocess.Popen[str], port: int) -> list[float]:
    """Kill the target again and again; seconds from its being back until media came again."""
    began, healed = time.monotonic(), []
    target.stdout.readline()
    for number in range(kills):
        while time.monotonic() - began < (number + 0.5) * (seconds - 10) / kills:
            hub.sample()
            time.sleep(0.5)
        target.kill()
        target.communicate()
        time.sleep(AWAY_S)
        target, _ = start_target(port)
        back = time.time()
        if line := target.stdout.readline():
            healed.append(float(line) - back)
        hub.sample()
    while hub.encoder.poll() is None:
        hub.sample()
        time.sleep(0.5)
    target.kill()
    target.communicate()
    return healed


def main(seconds: float, kills: int) -> None:
    """Measure both parts."""
    with tempfile.TemporaryDirectory() as name:
        clip = Path(name) / "clip.flv"
        make_clip(find_ffmpeg(), clip)
        shares = []
        for label, length_s, killed in (("recorder alone", min(ALONE_S, seconds), 0), ("with relay", seconds, kills)):
            folder = Path(name) / label.replace(" ", "-")
            folder.mkdir()
            target, port = start_target(0) if killed else (None, 0)
            began = time.monotonic()
            hub = Hub(folder, clip, length_s, port)
            healed = []
            if target is not None:
                healed = kill_and_heal(hub, length_s, killed, target, port)
            while hub.encoder.poll() is None:
                hub.sample()
                time.sleep(0.5)
            wall_s = time.monotonic() - began
            said, lacking_s = hub.finish()
            shares.append(hub.shares(wall_s))
            print(f"{label}: {length_s:.0f} s pushed, {len(said['segments'])} segment(s), {lacking_s:.3f} s lost")
            for part, share in shares[-1].items():
                print(f"    {part}: {share:.1%} of a core")
            if healed:
                print(f"    killed {killed} times, away {AWAY_S:.0f} s each; healed {len(healed)} times")
                print(f"    back to first media: median {statistics.median(healed):.2f} s, longest {max(healed):.2f} s")
                print(f"    platform got {said['sent_bytes'] / 1e6:.1f} MB; {said['dropped_ms'] / 1000:.1f} s left out")
                print(f"    connections begun anew: {said['restarts']}")
        alone, relayed = (sum(share.values()) for share in shares)
        print(f"recorder with relay / alone: {relayed / alone:.2f} times the processor")
        print(f"load of the machine {psutil.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--hub", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--target", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.hub:
        asyncio.run(serve_hub(options.hub, options.port))
    elif options.target:
        asyncio.run(serve_target(options.port))
    else:
        main(options.seconds, options.kills)
