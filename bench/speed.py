"""Speed of transcription beside the openai-whisper command and faster-whisper used plainly, in one run.

    python -m bench.speed [--minutes 3] [--size tiny] [--threads 2] [--runs 1] [--model FOLDER --checkpoint FILE.pt]

Needs the extra ``openai-whisper``. Each contestant gets the same audio file and as many threads, runs in a process of
its own by turns, and is timed from its start to its words on the wall and in processor seconds, with its peak memory:

- ``openai``: the command ``whisper`` at its defaults (beam 5), which writes a caption file
- ``openai beam 1``: the same with ``--beam_size 1 --best_of 1``
- ``plain``: faster-whisper, sequential, beam 5: its defaults
- ``plain fastest``: its batched pipeline, batch 8, beam 1, int8, without and with times of words
- ``streamhub``: our path as the hub runs it, at the defaults: cutting, process, words with times, captions

Without real weights the model has the real dimensions of a size and random weights that decode a fixed number of tokens
for every window, so nothing is said of words. With ``--model`` and ``--checkpoint`` (one model in both forms) the real
thing is measured, word error rates included, if a JSON file of the truth lies beside the audio (``--audio``).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.rehearsal.convert import convert
from bench.transcription import different
from streamhub.demo.script import load_roundtable
from streamhub.recording.ffmpeg import find_ffmpeg
from streamhub.text import words_of

DIMS = {"tiny": (384, 6, 4), "base": (512, 8, 6), "small": (768, 12, 12)}
TOKENS = 100
"""Per window of 30 s: about what people say."""

NO_THRESHOLDS = {"compression_ratio_threshold": None, "no_speech_threshold": None}
FIXED_OPENAI = {**NO_THRESHOLDS, "sample_len": TOKENS, "logprob_threshold": None, "without_timestamps": True}
FIXED = {
    **NO_THRESHOLDS,
    "max_new_tokens": 2 * TOKENS - 4,  # the library halves what it adds to the prompt
    "log_prob_threshold": None,
    "without_timestamps": True,
    "temperature": 0.0,
}
"""Random weights are never sure of anything: nobody shall try again for that."""

MEASURED = """
import json, resource, subprocess, sys, time
began_s = time.perf_counter()
done = subprocess.run(sys.argv[1:])
wall_s, used = time.perf_counter() - began_s, resource.getrusage(resource.RUSAGE_CHILDREN)
told = {"wall_s": wall_s, "cpu_s": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / 1024}
sys.stdout.write("\\n@" + json.dumps(told))
raise SystemExit(done.returncode)
"""

OPENAI = """
import json, sys
from functools import partial
from whisper import transcribe
command = sys.modules["whisper.transcribe"]
command.transcribe = partial(transcribe, **json.loads(sys.argv[4]))
sys.argv = ["whisper", sys.argv[1], "--model", sys.argv[2], *json.loads(sys.argv[3])]
command.cli()
"""

PLAIN = """
import json, sys
job = json.loads(sys.argv[1])
from faster_whisper import BatchedInferencePipeline, WhisperModel
model = WhisperModel(job["model"], device="cpu", compute_type="int8", cpu_threads=job["threads"])
if job["batch"]:
    model, job["options"]["batch_size"] = BatchedInferencePipeline(model), job["batch"]
segments, info = model.transcribe(job["audio"], language=job["language"], **job["options"])
print(json.dumps([segment.text for segment in segments]))
"""

OURS = """
import asyncio, json, sys
from pathlib import Path
from bench.transcription import hear_in_pieces
from streamhub.config import TranscriptSettings
from streamhub.transcript.child import Recognisers
from streamhub.transcript.faster_whisper import FasterWhisper
from streamhub.transcript.transcriber import TranscriptionJob
from streamhub.transcript.vtt import format_vtt
job = json.loads(sys.argv[1])
async def main():
    settings = TranscriptSettings(model=job["model"], threads=job["threads"])
    engine = FasterWhisper(settings=settings, cache=Path(job["cache"]), environ={}, recognisers=Recognisers(keep_s=60))
    asked = TranscriptionJob(media=Path(job["audio"]), language=job["language"])
    transcript = await hear_in_pieces(engine, asked, piece_ms=settings.piece_s * 1000)
    format_vtt(transcript)
    print(json.dumps([cue.text for cue in transcript.cues]))
    await engine.close()
asyncio.run(main())
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One contestant once.

    Attributes:
        wall_s, cpu_s: from its start to its words; processor seconds of all of its processes.
        peak_mb: of the largest of its processes.
        text: what it heard; empty where it was not read.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float
    text: str


def run(argv: Sequence[str], threads: int, read: Callable[[str], str], *, tools: Path) -> Run:
    """Run a contestant in a process of its own; the peak is that of the largest process under it.

    Args:
        argv: the contestant.
        threads: as many as it may use.
        read: takes the words out of what it printed.
        tools: a folder with the program ``ffmpeg``, which one of them looks for by that name.
    """
    measured = [sys.executable, "-c", MEASURED, *argv]
    env = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    env["PATH"] = f"{tools}{os.pathsep}{env.get('PATH', '')}"
    done = subprocess.run(measured, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{argv[:3]}: {done.stderr[-2000:]}")
    out, _, facts = done.stdout.rpartition("\n@")
    told = json.loads(facts)
    return Run(wall_s=told["wall_s"], cpu_s=told["cpu_s"], peak_mb=told["peak_mb"], text=read(out))


def make_model(folder: Path, size: str) -> tuple[Path, Path]:
    """A model of the real dimensions whose random weights decode the same number of tokens in every window."""
    import torch
    from whisper.model import ModelDimensions, Whisper

    width, heads, layers = DIMS[size]
    torch.manual_seed(7)
    dims = ModelDimensions(80, 1500, width, heads, layers, 51865, 448, width, heads, layers)
    model = Whisper(dims)
    with torch.no_grad():
        for weights in model.parameters():
            if weights.dim() > 1:
                weights.normal_(0, 0.02)
        model.decoder.token_embedding.weight[50257:] = 0  # neither an end nor times
    checkpoint = folder / f"{size}.pt"
    state = {name: value.half() for name, value in model.state_dict().items()}
    torch.save({"dims": vars(dims), "model_state_dict": state}, checkpoint)
    convert(checkpoint, folder / size)
    return checkpoint, folder / size


def make_audio(folder: Path, minutes: float) -> tuple[Path, str]:
    """The demo's round tables again and again, without their pauses being longer than a speaker's."""
    table = load_roundtable("de")
    target = folder / "audio.wav"
    argv = [
        str(find_ffmpeg()),
        "-v",
        "error",
        "-stream_loop",
        "-1",
        "-i",
        str(table.audio_file),
        "-t",
        str(minutes * 60),
    ]
    subprocess.run([*argv, "-ac", "1", "-ar", "16000", str(target)], check=True)
    return target, "de"


def contestants(
    audio: Path, language: str, checkpoint: Path, model: Path, threads: int, folder: Path, *, fixed: bool
) -> dict[str, Callable[[], Run]]:
    """Everybody who takes part; with random weights all decode the same number of tokens."""
    limit = FIXED if fixed else {}
    openai = ["--language", language, "--output_format", "vtt", "--output_dir", str(folder), "--fp16", "False"]
    openai += ["--threads", str(threads), "--verbose", "False"]
    openai += ["--temperature_increment_on_fallback", "None"] if fixed else []

    def plain(batch: int, **options: object) -> Callable[[], Run]:
        job = {"audio": str(audio), "language": language, "model": str(model), "threads": threads, "batch": batch}
        job["options"] = {**options, **limit}
        return lambda: run([sys.executable, "-c", PLAIN, json.dumps(job)], threads, said, tools=folder)

    def command(*more: str) -> Callable[[], Run]:
        given = [sys.executable, "-c", OPENAI, str(audio), str(checkpoint), json.dumps([*openai, *more])]
        given.append(json.dumps(FIXED_OPENAI if fixed else {}))
        return lambda: run(given, threads, lambda _: captions(folder / f"{audio.stem}.vtt"), tools=folder)

    ours = {"audio": str(audio), "language": language, "model": str(model), "threads": threads, "cache": str(folder)}
    return {
        "openai (beam 5)": command(),
        "openai beam 1": command("--beam_size", "1", "--best_of", "1"),
        "plain (beam 5)": plain(0),
        "plain fastest": plain(8, beam_size=1),
        "plain fastest, words": plain(8, beam_size=1, word_timestamps=True),
        "streamhub": lambda: run([sys.executable, "-c", OURS, json.dumps(ours)], threads, said, tools=folder),
    }


def said(out: str) -> str:
    """What a contestant printed."""
    return " ".join(json.loads(out.strip().splitlines()[-1]))


def captions(path: Path) -> str:
    """The words of a caption file."""
    lines = path.read_text("utf-8").splitlines()
    return " ".join(line for line in lines if line and "-->" not in line and line != "WEBVTT")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=3.0)
    options.add_argument("--size", default="tiny", choices=sorted(DIMS))
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--runs", type=int, default=1)
    options.add_argument(
        "--audio", type=Path, help="a file of speech instead of the demo's; truth in a .json beside it"
    )
    options.add_argument("--language", default="de")
    options.add_argument("--model", type=Path, help="a folder for faster-whisper with real weights")
    options.add_argument("--checkpoint", type=Path, help="the same model for openai-whisper")
    options.add_argument("--only", default="", help="contestants whose names begin like one of these, comma between")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-speed-") as scratch:
        folder = Path(scratch)
        (folder / "ffmpeg").symlink_to(find_ffmpeg())
        fixed = given.model is None
        checkpoint, model = make_model(folder, given.size) if fixed else (given.checkpoint, given.model)
        if fixed:  # ours reads it there, like everything else that a model wants to be decoded with
            card = {"decode": FIXED}
            (model / "streamhub.json").write_text(json.dumps(card), "utf-8")
        audio, language = (given.audio, given.language) if given.audio else make_audio(folder, given.minutes)
        everybody = contestants(audio, language, checkpoint, model, given.threads, folder, fixed=fixed)
        chosen = [name for name in everybody if name.startswith(tuple(given.only.split(",")))]
        runs: dict[str, list[Run]] = {name: [] for name in chosen}
        for _ in range(given.runs):
            for name in chosen:
                runs[name].append(everybody[name]())
        show(runs, given, audio, fixed=fixed)
    return 0


def show(runs: dict[str, list[Run]], given: argparse.Namespace, audio: Path, *, fixed: bool) -> None:
    """Print medians, and ratios to ours."""
    what = (
        f"random weights of the dimensions of {given.size!r}, {TOKENS} tokens a window" if fixed else str(given.model)
    )
    print(f"{what}; {given.minutes} min, {given.threads} threads, {given.runs} run(s), load {os.getloadavg()[0]:.1f}")
    truth_file = audio.with_suffix(".json")
    truth = ""
    if not fixed and truth_file.exists():
        truth = " ".join(one["text"] for one in json.loads(truth_file.read_text("utf-8"))["segments"])
    medians = {
        name: (statistics.median(r.wall_s for r in many), statistics.median(r.cpu_s for r in many))
        for name, many in runs.items()
    }
    ours = medians.get("streamhub")
    for name, (wall_s, cpu_s) in medians.items():
        peak_mb = max(r.peak_mb for r in runs[name])
        ratio = f"{wall_s / ours[0]:6.2f}{cpu_s / ours[1]:6.2f}" if ours else ""
        line = f"    {name:<22}{wall_s:8.1f} s {cpu_s:8.1f} cpu s {peak_mb:7.0f} MB   times ours {ratio}"
        if truth:
            count = len(words_of(truth))
            line += f"   word error rate {100 * different(truth.split(), runs[name][0].text.split()) / count:.1f} %"
        print(line, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
