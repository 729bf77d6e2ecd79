"""What our transcription path costs over the recogniser alone, on the same audio and model, in one run.

Alone: a bare process that loads the model, decodes the file and iterates the segments, with the same options. Ours:
the transcriber as the hub uses it: process, time limit, JSON lines, progress, sentences, captions. Both include the
start of Python and the loading of the model. Runs alternate; the medians are compared, wall clock and processor time,
and the words: ours in pieces, if the file is long enough for more than one, beside the recogniser's in one go.

    python -m bench.transcription FILE --language de [--runs 3] [--model rehearsal] [--piece-s 600]
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
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import av

from streamhub.config import TranscriptSettings
from streamhub.hearing import join_parts
from streamhub.process import Command, run_checked
from streamhub.text import words_of
from streamhub.transcript.child import ChildJob, Recognisers, thread_count
from streamhub.transcript.cutting import cut_recording
from streamhub.transcript.faster_whisper import SHELF, FasterWhisper, plan_request
from streamhub.transcript.models import find_model
from streamhub.transcript.piece import Hearing
from streamhub.transcript.transcriber import TranscriptionJob
from streamhub.transcript.transcript import Transcript
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
words = [word.word.strip() for segment in segments for word in segment.words or ()]
print(json.dumps({"words": words, "peak_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One run: seconds on the wall, processor seconds of the children and of ourselves, peak memory of the child."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    words: tuple[str, ...]


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
    return Run(wall_s=wall_s, cpu_s=spent_s() - before_s, peak_mb=said["peak_kb"] / 1024, words=tuple(said["words"]))


async def run_ours(job: TranscriptionJob, settings: TranscriptSettings, cache: Path) -> Run:
    """The whole path, up to the caption file."""
    kept = Recognisers(keep_s=60)
    engine = FasterWhisper(settings=settings, cache=cache, environ=os.environ, recognisers=kept)
    began_s, before_s = time.perf_counter(), spent_s()
    transcript = await hear_in_pieces(engine, job, piece_ms=settings.piece_s * 1000)
    format_vtt(transcript)
    await engine.close()  # its processor time counts once it has ended
    wall_s, cpu_s = time.perf_counter() - began_s, spent_s() - before_s
    words = tuple(word.text for cue in transcript.cues for word in cue.words)
    return Run(wall_s=wall_s, cpu_s=cpu_s, peak_mb=0.0, words=words)


async def hear_in_pieces(engine: FasterWhisper, job: TranscriptionJob, *, piece_ms: int) -> Transcript:
    """What the hub does with a recording, one piece after the other."""
    with av.open(str(job.media)) as container:
        duration_ms = (container.duration or 0) // 1000
    pieces = await cut_recording(job.media, duration_ms, piece_ms=piece_ms)
    spans = [piece.read if len(pieces) > 1 else None for piece in pieces]
    parts = [await engine.transcribe(replace(job, span=span), lambda done, total: None) for span in spans]
    return join_parts(Hearing(sha256="", duration_ms=duration_ms, vocabulary=job.vocabulary, pieces=pieces), parts)


def different(one: Sequence[str], other: Sequence[str]) -> int:
    """Words to change, leave out or put in between two hearings, case and punctuation aside (Levenshtein)."""
    wanted, got = words_of(" ".join(one)), words_of(" ".join(other))
    row = list(range(len(got) + 1))
    for number, word in enumerate(wanted, start=1):
        diagonal, row[0] = row[0], number
        for at, also in enumerate(got, start=1):
            diagonal, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, diagonal + (word != also))
    return row[-1]


async def peak_of_ours(job: TranscriptionJob, settings: TranscriptSettings, cache: Path) -> float:
    """Peak memory of the recogniser's process as it reports it, in MB."""
    model = await find_model(SHELF, settings, cache=cache, environ=os.environ)
    child = ChildJob(
        module="streamhub.transcript.faster_whisper",
        name="peak",
        request=plan_request(job, model, settings),
        threads=settings.threads,
    )
    return (await Recognisers().recognise(child, lambda done, total: None)).peak_bytes / 2**20


async def measure(options: argparse.Namespace) -> None:
    """Alternate both, print each run and the ratios."""
    settings = TranscriptSettings(model=options.model, threads=options.threads, piece_s=options.piece_s)
    job = TranscriptionJob(media=options.file, language=options.language)
    alone: list[Run] = []
    ours: list[Run] = []
    with tempfile.TemporaryDirectory() as folder:
        await run_alone(job, settings, Path(folder))  # warms the file cache for both
        for _ in range(options.runs):
            for name, runs, way in (("alone", alone, run_alone), ("ours", ours, run_ours)):
                runs.append(await way(job, settings, Path(folder)))
                print(
                    f"{name:6} wall {runs[-1].wall_s:7.2f} s  cpu {runs[-1].cpu_s:7.2f} s  {len(runs[-1].words)} words",
                    flush=True,
                )
        peak_mb = await peak_of_ours(job, settings, Path(folder))
    apart = different(alone[-1].words, ours[-1].words)
    print(f"words that differ: {apart} of {len(alone[-1].words)} ({100 * apart / max(1, len(alone[-1].words)):.2f} %)")
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
    parser.add_argument("--piece-s", type=int, default=TranscriptSettings().piece_s)
    parser.add_argument("--runs", type=int, default=3)
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
