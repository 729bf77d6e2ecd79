"""What our transcription path costs over the recogniser alone, on the same audio and model, in one run.

Alone: a bare process that loads the model, decodes the file and iterates the segments, with the same options. Ours:
the transcriber as the hub uses it: process, time limit, JSON lines, progress, sentences, captions. Both include the
start of Python and the loading of the model. Runs alternate; the medians are compared, wall clock and processor time.

    python -m bench.transcription FILE --language de [--runs 3] [--model rehearsal]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from streamhub.config import TranscriptSettings
from streamhub.process import Command, run_checked
from streamhub.transcript.child import ChildJob, recognise, thread_count
from streamhub.transcript.faster_whisper import SHELF, FasterWhisper, plan_request
from streamhub.transcript.models import find_model
from streamhub.transcript.transcriber import TranscriptionJob
from streamhub.transcript.vtt import format_vtt

ALONE = """
import json, os, resource, sys
job = json.loads(sys.argv[1])
os.nice(5)
from faster_whisper import BatchedInferencePipeline, WhisperModel, decode_audio
from faster_whisper.vad import get_speech_timestamps
model = WhisperModel(job["model"], device="cpu", compute_type="int8", cpu_threads=job["threads"])
samples, options = decode_audio(job["media"]), {"language": job["language"], **job["decode"]}
if job["piece_s"]:  # the same pieces as ours: what is compared is the path, not the way of decoding
    pieces = []
    for part in get_speech_timestamps(samples, min_silence_duration_ms=250, speech_pad_ms=120):
        start, end = part["start"] / 16000, part["end"] / 16000
        if pieces and end - pieces[-1]["start"] <= job["piece_s"]:
            pieces[-1]["end"] = end
        else:
            pieces.append({"start": start, "end": end})
    options |= {"clip_timestamps": pieces, "batch_size": 4, "without_timestamps": False}
    model = BatchedInferencePipeline(model)
segments, info = model.transcribe(samples, **options)
count = sum(len(segment.words or ()) for segment in segments)
print(json.dumps({"words": count, "peak_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One run: seconds on the wall, processor seconds of the children and of ourselves, peak memory of the child."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    words: int


def spent_s() -> float:
    """Processor seconds of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


async def run_alone(job: TranscriptionJob, settings: TranscriptSettings, cache: Path) -> Run:
    """The recogniser without us."""
    model = await find_model(SHELF, settings, cache=cache, environ=os.environ)
    request = {**plan_request(job, model, settings), "threads": thread_count(settings.threads)}
    threads = {"OMP_NUM_THREADS": str(request["threads"])}
    began_s, before_s = time.perf_counter(), spent_s()
    done = await run_checked(Command(argv=[sys.executable, "-c", ALONE, json.dumps(request)], env=threads))
    said = json.loads(done.stdout)
    wall_s = time.perf_counter() - began_s
    return Run(wall_s=wall_s, cpu_s=spent_s() - before_s, peak_mb=said["peak_kb"] / 1024, words=said["words"])


async def run_ours(job: TranscriptionJob, settings: TranscriptSettings, cache: Path) -> Run:
    """The whole path, up to the caption file."""
    engine = FasterWhisper(settings=settings, cache=cache, environ=os.environ)
    began_s, before_s = time.perf_counter(), spent_s()
    transcript = await engine.transcribe(job, lambda done, total: None)
    format_vtt(transcript)
    wall_s, cpu_s = time.perf_counter() - began_s, spent_s() - before_s
    words = sum(len(cue.words) for cue in transcript.cues)
    return Run(wall_s=wall_s, cpu_s=cpu_s, peak_mb=0.0, words=words)


async def peak_of_ours(job: TranscriptionJob, settings: TranscriptSettings, cache: Path) -> float:
    """Peak memory of the recogniser's process as it reports it, in MB."""
    model = await find_model(SHELF, settings, cache=cache, environ=os.environ)
    child = ChildJob(
        module="streamhub.transcript.faster_whisper",
        name="peak",
        request=plan_request(job, model, settings),
        threads=settings.threads,
    )
    return (await recognise(child, lambda done, total: None)).peak_bytes / 2**20


async def measure(options: argparse.Namespace) -> None:
    """Alternate both, print each run and the ratios."""
    settings = TranscriptSettings(model=options.model, threads=options.threads)
    job = TranscriptionJob(media=options.file, language=options.language)
    alone: list[Run] = []
    ours: list[Run] = []
    with tempfile.TemporaryDirectory() as folder:
        await run_alone(job, settings, Path(folder))  # warms the file cache for both
        for _ in range(options.runs):
            for name, runs, way in (("alone", alone, run_alone), ("ours", ours, run_ours)):
                runs.append(await way(job, settings, Path(folder)))
                print(
                    f"{name:6} wall {runs[-1].wall_s:7.2f} s  cpu {runs[-1].cpu_s:7.2f} s  {runs[-1].words} words",
                    flush=True,
                )
        peak_mb = await peak_of_ours(job, settings, Path(folder))
    for what in ("wall_s", "cpu_s"):
        ratio = statistics.median(getattr(r, what) for r in ours) / statistics.median(getattr(r, what) for r in alone)
        print(f"ratio of medians, {what}: {ratio:.3f}")
    print(f"peak memory of the process: {peak_mb:.0f} MB, alone {max(one.peak_mb for one in alone):.0f} MB")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--language", default="de")
    parser.add_argument("--model", default="rehearsal")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
