"""faster-whisper: Whisper models on CTranslate2, the default recogniser.

Owns how the library is called and where its models lie. The library is imported in the process
``python -m streamhub.transcript.faster_whisper`` alone, never in the hub.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from streamhub.config import TranscriptSettings
from streamhub.errors import ModelMissing, ToolMissing
from streamhub.transcript.child import Wire, serve
from streamhub.transcript.models import Model, Shelf, stamp_of
from streamhub.transcript.recogniser import RecogniserProcess, sound_of, task_of
from streamhub.transcript.rules import plan_vocabulary
from streamhub.transcript.sound import RATE_HZ, Samples, duration_ms, is_silent, requested_sound, windows_of
from streamhub.transcript.transcriber import TranscriptionJob

NAME = "faster-whisper"

_LANGUAGES = ("de", "en")
_GATE_S = 30
_PIECE_S = 8.0
_LEAST_SPEECH_S = 5
_BATCH = 8
"""Windows that are decoded at once: twice as fast as one after the other on a processor, for some 200 MB."""

_REHEARSAL_BATCH = 4
_HUB = "https://huggingface.co"
_REPOSITORIES: Mapping[str, str] = {
    **{
        size: f"Systran/faster-whisper-{size}"
        for size in ("tiny", "base", "small", "medium", "large-v1", "large-v2", "large-v3")
    },
    **{size: f"Systran/faster-whisper-{size}" for size in ("tiny.en", "base.en", "small.en", "medium.en")},
    "large": "Systran/faster-whisper-large-v3",
    "large-v3-turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
    "turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
}


def _cached(name: str, environ: Mapping[str, str]) -> Path | None:
    """A model in the model hub's cache of this user, looked up without the network.

    The layout is documented at https://huggingface.co/docs/huggingface_hub/guides/manage-cache.
    """
    repository = _REPOSITORIES.get(name, name if name.count("/") == 1 else "")
    if not repository:
        return None
    home = environ.get("HF_HOME") or os.path.join(  # noqa: PTH118 - pure text until here
        environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),  # noqa: PTH111
        "huggingface",
    )
    hub = Path(environ.get("HF_HUB_CACHE") or Path(home) / "hub")
    folder = hub / f"models--{repository.replace('/', '--')}"
    try:
        snapshot = folder / "snapshots" / (folder / "refs" / "main").read_text("utf-8").strip()
    except OSError:
        return None
    return snapshot if snapshot.is_dir() else None


def _source(name: str, environ: Mapping[str, str]) -> str:
    repository = _REPOSITORIES.get(name, name if name.count("/") == 1 else "")
    return f"{environ.get('HF_ENDPOINT') or _HUB}/{repository}/resolve/main" if repository else ""


SHELF = Shelf(
    engine=NAME,
    rehearsal="ct2-int8",
    required=("config.json", "model.bin", "tokenizer.json"),
    one_of=("vocabulary.json", "vocabulary.txt"),
    optional=("preprocessor_config.json",),
    names=tuple(_REPOSITORIES),
    cached=_cached,
    source=_source,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class FasterWhisper(RecogniserProcess):
    """The transcriber."""

    shelf: ClassVar[Shelf] = SHELF
    module: ClassVar[str] = __name__

    def plan(self, job: TranscriptionJob, model: Model) -> dict[str, Any]:
        """What the process is asked."""
        return plan_request(job, model, self.settings)


def plan_request(job: TranscriptionJob, model: Model, settings: TranscriptSettings) -> dict[str, Any]:
    """What the process is asked: file, model, and how to decode with that model.

    Real models are given what voice activity leaves, several windows at once, and names as hot words. The rehearsal
    model knows no hot words and is lost in long windows: it gets pieces of a sentence or two, cut at pauses (what that
    gains is measured in ``rehearsal/README.md``). A ``streamhub.json`` beside a model overrides how it decodes.
    """
    decode: dict[str, Any] = {"beam_size": settings.beam_size, "vad_filter": True, "batch_size": _BATCH}
    if vocabulary := plan_vocabulary(job.vocabulary):
        decode["hotwords"] = vocabulary
    if model.rehearsal:
        decode = {"beam_size": 1, "temperature": 0.0, "vad_filter": False, "batch_size": _REHEARSAL_BATCH}
    return {
        **sound_of(job),
        "language": job.language,
        "check_language": bool(job.language and job.check_language),
        "model": str(model.path),
        "device": settings.device,
        "compute_type": settings.compute_type,
        "piece_s": _PIECE_S if model.rehearsal else 0.0,
        "decode": {**decode, "word_timestamps": True, **model.decode, "task": task_of(job)},
    }


def _run(request: Mapping[str, Any], wire: Wire) -> None:
    """In the process: decode the sound, then hear it stretch by stretch."""
    try:
        import faster_whisper
    except ImportError as error:
        raise ToolMissing(f"{NAME}: cannot be imported ({error})", hint="pip install faster-whisper") from error

    samples = requested_sound(request)
    if is_silent(samples) or not _has_speech(samples):
        wire.started(language=request["language"], duration_ms=duration_ms(samples))
        return
    model = _load(
        request["model"],
        *(request["device"], request["compute_type"], request["threads"]),
        stamp_of(Path(request["model"])),
    )
    language, chance = (request["language"], 1.0) if request["language"] else _detect(model, samples)
    checks = _check(model, samples) if request["check_language"] else []
    wire.started(language=language, duration_ms=duration_ms(samples), chance=chance, checks=checks)
    options = {"language": language, **request["decode"]}
    if request["piece_s"]:
        options |= {"clip_timestamps": _cut(samples, request["piece_s"]), "without_timestamps": False}
    segments, _ = faster_whisper.BatchedInferencePipeline(model).transcribe(samples, **options)
    for segment in segments:  # the library works while it is iterated
        words = [(w.word, float(w.start), float(w.end), float(w.probability)) for w in segment.words or ()]
        wire.heard(float(segment.start), float(segment.end), segment.text, words)


@lru_cache(maxsize=1)
def _load(path: str, wanted: str, kind: str, threads: int, stamp: int) -> Any:
    """The model; another one, or one whose files have changed since, takes the place of the last one."""
    import ctranslate2
    import faster_whisper

    wants_gpu = wanted == "cuda" or (wanted == "auto" and ctranslate2.get_cuda_device_count() > 0)
    attempts = [("cuda", "float16")] if wants_gpu else []
    if wanted != "cuda":
        attempts.append(("cpu", "int8"))
    for place, usual in attempts:
        try:
            return faster_whisper.WhisperModel(
                path,
                device=place,
                compute_type=usual if kind == "auto" else kind,
                cpu_threads=threads,
                local_files_only=True,
            )
        except Exception as error:  # the tokenizer's library raises nothing narrower for a damaged file
            if (place, usual) == attempts[-1]:
                said = str(error).splitlines()[0] if str(error) else type(error).__name__
                raise ModelMissing(
                    f"model {path}: cannot be loaded on {place} ({said})",
                    hint="its files may be damaged: copy or fetch the model again, or check transcript.device and "
                    "transcript.compute_type",
                ) from error
    raise AssertionError  # there is always one attempt, and the last one returns or raises


def _detect(model: Any, samples: Samples) -> tuple[str, float]:
    """The likelier of the languages that streamhub speaks, heard where somebody speaks, and how sure that is."""
    _, _, chances = model.detect_language(samples, vad_filter=True, language_detection_segments=2)
    likely = dict(chances)
    language = max(_LANGUAGES, key=lambda language: float(likely.get(language, 0.0)))
    return language, float(likely.get(language, 0.0))


def _check(model: Any, samples: Samples) -> list[tuple[str, float]]:
    """What windows of the sound in which somebody speaks are most like, and how sure that is."""
    from faster_whisper.vad import get_speech_timestamps

    found = []
    for window in windows_of(samples):
        spoken = sum(part["end"] - part["start"] for part in get_speech_timestamps(window))
        if spoken >= _LEAST_SPEECH_S * RATE_HZ:
            language, chance, _ = model.detect_language(window, vad_filter=True)
            found.append((str(language), float(chance)))
    return found


def _cut(samples: Samples, piece_s: float) -> list[dict[str, float]]:
    """Stretches of speech of at most ``piece_s`` seconds, in seconds, cut at pauses; one sentence may be longer."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    pieces: list[dict[str, float]] = []
    options = VadOptions(min_silence_duration_ms=250, speech_pad_ms=120)
    for spoken in get_speech_timestamps(samples, options):
        start_s, end_s = spoken["start"] / RATE_HZ, spoken["end"] / RATE_HZ
        if pieces and end_s - pieces[-1]["start"] <= piece_s:
            pieces[-1]["end"] = end_s
        else:
            pieces.append({"start": start_s, "end": end_s})
    return pieces


def _has_speech(samples: Samples) -> bool:
    """Whether there is a voice; looks no further than the first one."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(min_speech_duration_ms=250)
    step = _GATE_S * RATE_HZ
    return any(get_speech_timestamps(samples[at : at + step], options) for at in range(0, len(samples), step))


if __name__ == "__main__":
    raise SystemExit(serve(_run))
