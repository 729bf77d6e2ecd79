"""What the whole way from a recording to its pages costs over the recogniser alone.

    python bench/pipeline.py [--minutes 30] [--model rehearsal]

Makes a long recording out of the demo's German round table, hears it once with the recogniser's own process alone, and
once through the whole of `streamhub import`: taking the media in, hearing it, cutting answers, writing archive and
site. Both in one run, on the same audio and model. Prints processor and wall seconds and their ratio; processor time is
what to look at on a busy machine. The rehearsal model is far faster than any real one, so its ratio is the worst case.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from streamhub.config import TranscriptSettings  # noqa: E402
from streamhub.demo.script import load_roundtable  # noqa: E402
from streamhub.recording.ffmpeg import find_ffmpeg  # noqa: E402
from streamhub.transcript.faster_whisper import FasterWhisper  # noqa: E402
from streamhub.transcript.transcriber import TranscriptionJob  # noqa: E402

STREAMHUB = [sys.executable, "-m", "streamhub"]


@dataclass(frozen=True)
class Cost:
    """Seconds of processor (children included) and of the wall."""

    cpu_s: float
    wall_s: float


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=int, default=30)
    options.add_argument("--model", default="rehearsal")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-pipeline-") as scratch:
        folder = Path(scratch)
        audio = make_audio(folder, given.minutes)
        write_tables(folder, given.minutes)
        subprocess.run([*STREAMHUB, "init", str(folder / "hub")], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
        alone = measured(lambda: hear(audio, given.model))
        whole = measured(lambda: take_in(audio, folder, given.model))
    print(f"{given.minutes} min of audio, model {given.model}, one run")
    print(f"{'':<24}{'cpu s':>8}{'wall s':>8}")
    print(f"{'recogniser alone':<24}{alone.cpu_s:8.1f}{alone.wall_s:8.1f}")
    print(f"{'recording to pages':<24}{whole.cpu_s:8.1f}{whole.wall_s:8.1f}")
    print(f"{'ratio':<24}{whole.cpu_s / alone.cpu_s:8.3f}{whole.wall_s / alone.wall_s:8.3f}")
    print(f"overhead {whole.cpu_s - alone.cpu_s:.1f} cpu s, {whole.wall_s - alone.wall_s:.1f} wall s")
    return 0


def make_audio(folder: Path, minutes: int) -> Path:
    """The round table again and again, as one file with its own sound codec, so that nothing is encoded anew later."""
    table = load_roundtable("de")
    repeats = minutes * 60_000 // table.duration_ms + 1
    target = folder / "long.m4a"
    argv = [str(find_ffmpeg()), "-nostdin", "-loglevel", "error", "-stream_loop", str(repeats - 1)]
    subprocess.run(
        [*argv, "-i", str(table.audio_file), "-t", str(minutes * 60), "-c:a", "aac", str(target)], check=True
    )
    return target


def write_tables(folder: Path, minutes: int) -> None:
    """One question with its mark for every repetition of the round table, so about one a minute: a lively show."""
    table = load_roundtable("de")
    questions, marks = ["id,question"], ["question,start"]
    for repeat in range(minutes * 60_000 // table.duration_ms):
        asked = table.aired[repeat % len(table.aired)]
        at_s = (repeat * table.duration_ms + (asked.on_air_ms or 0)) // 1000
        questions.append(f'{asked.id}-{repeat},"{asked.text}"')
        marks.append(f"{asked.id}-{repeat},{at_s // 3600}:{at_s // 60 % 60:02d}:{at_s % 60:02d}")
    (folder / "questions.csv").write_text("\n".join(questions), "utf-8")
    (folder / "marks.csv").write_text("\n".join(marks), "utf-8")


def hear(audio: Path, model: str) -> None:
    recogniser = FasterWhisper(settings=TranscriptSettings(model=model), cache=audio.parent, environ=os.environ)
    asyncio.run(recogniser.transcribe(TranscriptionJob(media=audio, language="de"), lambda done, total: None))


def take_in(audio: Path, folder: Path, model: str) -> None:
    tables = ["--questions", str(folder / "questions.csv"), "--marks", str(folder / "marks.csv")]
    subprocess.run(
        [*STREAMHUB, "import", str(audio), "--show", "s", *tables, "--publish", "-w", str(folder / "hub")],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=ROOT,
        env={**os.environ, "STREAMHUB_TRANSCRIPT_MODEL": model},
    )


def measured(job: Callable[[], None]) -> Cost:
    def cpu_s() -> float:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(usage.ru_utime + usage.ru_stime for usage in used)

    before, cpu_before = time.monotonic(), cpu_s()
    job()
    return Cost(cpu_s=cpu_s() - cpu_before, wall_s=time.monotonic() - before)


if __name__ == "__main__":
    raise SystemExit(main())
