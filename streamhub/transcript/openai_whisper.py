"""openai-whisper: the reference implementation on PyTorch, an extra.

Owns how the library is called and where its models lie. The library is imported in the process
``python -m streamhub.transcript.openai_whisper`` alone, never in the hub.
"""

from __future__ import annotations

import ast
import importlib.util
import pickle
import warnings
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
from streamhub.transcript.sound import duration_ms, is_silent, requested_sound, windows_of
from streamhub.transcript.transcriber import TranscriptionJob

NAME = "openai-whisper"

_LANGUAGES = ("de", "en")
_NAMES = ("tiny", "base", "small", "medium", "large-v1", "large-v2", "large-v3", "large", "large-v3-turbo", "turbo")
_INSTALL = "pip install 'streamhub[openai-whisper]' (without a GPU first: pip install torch from its CPU index)"


def _cached(name: str, environ: Mapping[str, str]) -> Path | None:
    folder = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "whisper"
    name = Path(_source(name, environ)).name.removesuffix(".pt") or name  # "turbo" is stored as large-v3-turbo.pt
    file = folder / f"{name}.pt"
    return file if file.is_file() else None


def _source(name: str, environ: Mapping[str, str]) -> str:
    """The address that the library itself would fetch from, read from its text: importing it takes seconds."""
    spec = importlib.util.find_spec("whisper")
    if name not in _NAMES or spec is None or not spec.origin:
        return ""
    for node in ast.parse(Path(spec.origin).read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "_MODELS" for target in node.targets):
            return str(ast.literal_eval(node.value).get(name, ""))
    return ""


SHELF = Shelf(
    engine=NAME,
    rehearsal="rehearsal.pt",
    suffix=".pt",
    names=_NAMES,
    cached=_cached,
    source=_source,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenaiWhisper(RecogniserProcess):
    """The transcriber."""

    shelf: ClassVar[Shelf] = SHELF
    module: ClassVar[str] = __name__

    def plan(self, job: TranscriptionJob, model: Model) -> dict[str, Any]:
        """What the process is asked."""
        return plan_request(job, model, self.settings)

    def require_installed(self) -> None:
        """Insist on the extra.

        Raises:
            ToolMissing: it is not installed.
        """
        if importlib.util.find_spec("whisper") is None:
            raise ToolMissing(f"{NAME}: is not installed", hint=_INSTALL)


def plan_request(job: TranscriptionJob, model: Model, settings: TranscriptSettings) -> dict[str, Any]:
    """What the process is asked: file, model, and how to decode with that model."""
    decode: dict[str, Any] = {"condition_on_previous_text": False}
    if settings.beam_size > 1 and not model.rehearsal:
        decode["beam_size"] = settings.beam_size
    if (vocabulary := plan_vocabulary(job.vocabulary)) and not model.rehearsal:
        decode |= {"initial_prompt": vocabulary, "carry_initial_prompt": True}
    return {
        **sound_of(job),
        "language": job.language,
        "check_language": bool(job.language and job.check_language),
        "model": str(model.path),
        "device": settings.device,
        "compute_type": settings.compute_type,
        "decode": {**decode, "word_timestamps": True, **model.decode, "task": task_of(job)},
    }


def _run(request: Mapping[str, Any], wire: Wire) -> None:
    """In the process: decode the sound, hear it, report; this library reports all at its end."""
    try:
        import torch
        import whisper
    except ImportError as error:
        raise ToolMissing(f"{NAME}: cannot be imported ({error})", hint=_INSTALL) from error

    warnings.filterwarnings("ignore", module="whisper")
    torch.set_num_threads(request["threads"])
    samples = requested_sound(request)
    if is_silent(samples):
        wire.started(language=request["language"], duration_ms=duration_ms(samples))
        return
    model = _load(request["model"], request["device"], stamp_of(Path(request["model"])))
    language, chance = (request["language"], 1.0) if request["language"] else _detect(whisper, model, samples)
    checks = _check(whisper, model, samples) if request["check_language"] else []
    wire.started(language=language, duration_ms=duration_ms(samples), chance=chance, checks=checks)
    half = str(model.device) != "cpu" and request["compute_type"] in {"auto", "float16"}
    result = model.transcribe(samples, language=language, fp16=half, **request["decode"])
    for segment in result["segments"]:
        words = [(w["word"], w["start"], w["end"], w["probability"]) for w in segment.get("words", ())]
        wire.heard(segment["start"], segment["end"], segment["text"], words)


@lru_cache(maxsize=1)
def _load(path: str, device: str, stamp: int) -> Any:
    """The model; another one, or one whose file has changed since, takes the place of the last one."""
    import torch
    import whisper

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return whisper.load_model(path, device=device)
    except (RuntimeError, OSError, KeyError, EOFError, pickle.UnpicklingError) as error:
        raise ModelMissing(
            f"model {path}: cannot be loaded on {device} ({error})",
            hint="its file may be damaged: copy or fetch the model again, or check transcript.device",
        ) from error


def _detect(library: Any, model: Any, samples: Any) -> tuple[str, float]:
    """The likelier of the languages that streamhub speaks, in the first half minute, and how sure that is."""
    chances = _chances(library, model, samples)
    language = max(_LANGUAGES, key=lambda language: chances.get(language, 0.0))
    return language, chances.get(language, 0.0)


def _check(library: Any, model: Any, samples: Any) -> list[tuple[str, float]]:
    """What windows of the sound that are not silent are most like, and how sure that is."""
    windows = [window for window in windows_of(samples) if not is_silent(window)]
    return [max(_chances(library, model, window).items(), key=lambda pair: pair[1]) for window in windows]


def _chances(library: Any, model: Any, samples: Any) -> dict[str, float]:
    mel = library.log_mel_spectrogram(library.pad_or_trim(samples), n_mels=model.dims.n_mels).to(model.device)
    _, chances = model.detect_language(mel)
    return {str(language): float(chance) for language, chance in chances.items()}


if __name__ == "__main__":
    raise SystemExit(serve(_run))
