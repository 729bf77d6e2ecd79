"""How long after they were spoken words are shown, how many shows one machine hears at once, and what the end takes.

    python bench/live_words.py [--minutes 2] [--shows 1] [--model rehearsal] [--language de] [--publish] [--speed 1]

Pushes the demo's round table by RTMP, in real time and again and again, into a hub without its web face: door, recorder
with HLS, live ear, store. Each show is a session of its own, begun a little later than the one before. For every word
that was spoken it is noted when the captions first reach it, settled or not; printed are median and 95th percentile of
that delay, once for the first sight and once for the settled text, the word error rate of what settled, and how late
the hub's event loop came round meanwhile. With ``--publish`` the first session ends then, and the seconds from its end
to the published site are printed; the second pass is switched off. ``--speed`` sends faster than real time, which says
nothing of delays, and lets the end of a long show be measured within minutes.

The rehearsal model is far faster than any real one. A folder with another model measures that one; of random weights
nothing is understood, so the word error rate says nothing there, and delays are those of the pieces.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.transcription import different  # noqa: E402
from streamhub.app import Parts, open_hub  # noqa: E402
from streamhub.config import Secret, Settings  # noqa: E402
from streamhub.demo.script import Roundtable, load_roundtable  # noqa: E402
from streamhub.live.rtmp import RtmpDoor  # noqa: E402
from streamhub.ordering import Source, order_session  # noqa: E402
from streamhub.recording.ffmpeg import find_ffmpeg  # noqa: E402
from streamhub.schedule.show import Publishing, Session, SessionState, Show  # noqa: E402
from streamhub.store import shows as show_rows  # noqa: E402
from streamhub.store.access import save_stream_key  # noqa: E402
from streamhub.text import words_of  # noqa: E402
from streamhub.transcript.live_words import LiveCaptions  # noqa: E402
from streamhub.workspace import create_workspace  # noqa: E402

LAG_EVERY_S = 0.01


@dataclass
class Seen:
    """What was shown of one show.

    Attributes:
        began_s: when it went live, on the monotonic clock; zero of the session clock.
        any_ms, settled_ms: how far captions of any kind, and settled ones, had come at which moment.
        captions: the last ones.
    """

    session_id: str
    began_s: float = 0.0
    any_ms: list[tuple[float, int]] = field(default_factory=list)
    settled_ms: list[tuple[float, int]] = field(default_factory=list)
    captions: LiveCaptions = LiveCaptions()

    def note(self, captions: LiveCaptions) -> None:
        """The captions as they are now."""
        at_s = time.monotonic() - self.began_s
        settled = captions.cues[-1].span.end_ms if captions.cues else 0
        self.settled_ms.append((at_s, settled))
        self.any_ms.append((at_s, max(settled, captions.now.span.end_ms if captions.now else 0)))
        self.captions = captions if captions.cues else self.captions


def delays_s(spoken_ms: list[int], reached: list[tuple[float, int]]) -> list[float]:
    """For each moment at which a sentence ended, how much later the captions reached it; unreached ones are out."""
    delays, at = [], 0
    for end_ms in spoken_ms:
        while at < len(reached) and reached[at][1] + 120 < end_ms:  # a recogniser's word ends a little early at times
            at += 1
        if at == len(reached):
            break
        delays.append(max(0.0, reached[at][0] - end_ms / 1000))
    return delays


def make_signal(folder: Path, table: Roundtable) -> Path:
    """The round table with a small picture, as an encoder sends it."""
    target = folder / "signal.flv"
    picture = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=15"]
    codecs = ["-c:v", "libx264", "-preset", "veryfast", "-g", "30", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "96k"]
    argv = [str(find_ffmpeg()), "-v", "error", *picture, "-i", str(table.audio_file), "-shortest", *codecs, str(target)]
    subprocess.run(argv, check=True)
    return target


async def watch_loop(lags_s: list[float]) -> None:
    """Note how late the event loop comes round."""
    while True:
        due_s = time.monotonic() + LAG_EVERY_S
        await asyncio.sleep(LAG_EVERY_S)
        lags_s.append(time.monotonic() - due_s)


async def hold_shows(parts: Parts, table: Roundtable, count: int) -> list[Seen]:
    """Sessions that wait for their encoders."""
    show = Show(id="bench", title="Bench", publishing=Publishing.AUTO)
    await parts.store.write(lambda db: show_rows.save_show(db, show))
    shows = [Seen(session_id=f"bench-{number}") for number in range(count)]
    for number, one in enumerate(shows):
        session = Session(
            id=one.session_id,
            show_id="bench",
            title=f"Bench {number}",
            starts_at=parts.now(),
            state=SessionState.OPEN,
            language=table.language,
        )
        key = Secret(f"benchmark-stream-key-number-{number:04d}")
        await parts.store.write(lambda db, session=session: show_rows.save_session(db, session))
        await parts.store.write(lambda db, one=one, key=key: save_stream_key(db, one.session_id, key))
    return shows


async def push(
    parts: Parts, door: RtmpDoor, signal: Path, one: Seen, number: int, seconds: float, speed: float
) -> None:
    """Go live, and send the signal."""
    argv = [str(find_ffmpeg()), "-v", "error", "-readrate", str(speed), "-stream_loop", "-1", "-t", str(seconds)]
    argv += ["-i", str(signal), "-c", "copy", "-f", "flv", f"{door.url}/benchmark-stream-key-number-{number:04d}"]
    await parts.store.write(lambda db: show_rows.step_session(db, one.session_id, SessionState.LIVE, at=parts.now()))
    encoder = await asyncio.create_subprocess_exec(*argv)
    one.began_s = time.monotonic()
    await encoder.wait()


async def run(options: argparse.Namespace, folder: Path) -> None:
    """Push, watch, print."""
    table = load_roundtable(options.language)
    signal = make_signal(folder, table)
    workspace = create_workspace(folder / "hub", Settings(), random=os.urandom)
    environ = {
        "STREAMHUB_TRANSCRIPT_MODEL": options.model,
        "STREAMHUB_TRANSCRIPT_SECOND_PASS": "false",
        "STREAMHUB_LIVE_MIN_FREE_MB": "1",
    }
    seconds, lags_s = options.minutes * 60, list[float]()
    async with open_hub(
        workspace.folder, {**os.environ, **environ}, now=lambda: datetime.now(UTC), random=os.urandom
    ) as parts:
        door = RtmpDoor("127.0.0.1", 0)
        await door.open(parts.studio)
        shows = await hold_shows(parts, table, options.shows)
        by_id = {one.session_id: one for one in shows}
        parts.live_ear.changed = lambda key: by_id[key].note(parts.live_ear.captions(key)) if key in by_id else None
        watching = asyncio.create_task(watch_loop(lags_s))

        async def later(number: int, one: Seen) -> None:
            await asyncio.sleep(number * 1.7)
            await push(parts, door, signal, one, number, seconds, options.speed)

        await asyncio.gather(*(later(number, one) for number, one in enumerate(shows)))
        if options.publish:
            await publish(parts, shows[0], seconds)
        for one in shows:
            await parts.live_ear.finish(one.session_id)
        report(table, shows, seconds, lags_s)
        watching.cancel()
        await door.close()


async def publish(parts: Parts, one: Seen, seconds: float) -> None:
    """End the session and wait for its pages."""
    began_s = time.monotonic()

    def end(db: object) -> None:
        at = parts.now()
        show_rows.step_session(db, one.session_id, SessionState.ENDED, at=at)
        order_session(db, one.session_id, Source(), at=at)

    await parts.store.write(end)
    works = await parts.engine.status()
    while not {"session", "publish"} <= {work.kind for work in works if work.state in {"done", "held", "failed"}}:
        await asyncio.sleep(0.05)
        works = await parts.engine.status()
    took_s = time.monotonic() - began_s
    print(f"end of a show of {seconds / 60:.0f} min to its published site: {took_s:.1f} s")
    for work in sorted(works, key=lambda one: one.kind, reverse=True):
        for step in work.steps:
            if step.started_at and step.ended_at:
                length_s = (step.ended_at - step.started_at).total_seconds()
                print(f"    {work.kind:<12}{step.name:<16}{length_s:6.1f} s  {work.state} {step.message}")


def report(table: Roundtable, shows: list[Seen], seconds: float, lags_s: list[float]) -> None:
    """Print what was seen."""
    length_ms = table.duration_ms
    rounds = int(seconds * 1000 // length_ms) + 1
    first, settled, errors, words = list[float](), list[float](), 0, 0
    for one in shows:
        spoken = [
            segment.end_ms + turn * length_ms
            for turn in range(rounds)
            for segment in table.segments
            if segment.end_ms + turn * length_ms < (seconds - 2) * 1000
        ]
        first += delays_s(spoken, one.any_ms)
        settled += delays_s(spoken, one.settled_ms)
        whole = [
            word
            for turn in range(rounds)
            for segment in table.segments
            if segment.end_ms + turn * length_ms < (seconds - 4) * 1000
            for word in words_of(segment.text)
        ]
        heard = [
            word for cue in one.captions.cues if cue.span.end_ms < (seconds - 3) * 1000 for word in words_of(cue.text)
        ]
        errors += different(whole, heard)
        words += len(whole)
    load = psutil.getloadavg()[0]
    print(f"{len(shows)} show(s) of {seconds / 60:.1f} min at once, {table.language}, load of the machine {load:.1f}")
    for name, found in (("first sight", first), ("settled", settled)):
        if len(found) > 1:
            p95 = quantiles(found, n=20)[-1]
            print(
                f"    end of a sentence to {name:<12} p50 {median(found):5.2f} s   p95 {p95:5.2f} s   of {len(found)}"
            )
    if words:
        print(f"    word error rate of what settled {100 * errors / words:.1f} % of {words} words")
    ranked = sorted(lags_s)
    late = [1000 * value for value in (median(ranked), ranked[len(ranked) * 99 // 100], ranked[-1])]
    print(f"    event loop late by p50 {late[0]:.1f} ms, p99 {late[1]:.1f} ms, at most {late[2]:.0f} ms")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=2.0)
    options.add_argument("--shows", type=int, default=1)
    options.add_argument("--model", default="rehearsal")
    options.add_argument("--language", default="de", choices=("de", "en"))
    options.add_argument("--publish", action="store_true")
    options.add_argument("--speed", type=float, default=1.0)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-live-") as scratch:
        asyncio.run(run(given, Path(scratch)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
