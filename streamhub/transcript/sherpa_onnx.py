"""sherpa-onnx: tells voices apart with a segmentation and an embedding model on ONNX, an extra.

Owns how the library is called and which files its models are. The library is imported in the process
``python -m streamhub.transcript.sherpa_onnx`` alone, never in the hub. A long recording is heard in windows of ten
minutes, so that memory does not grow with it; each voice of a window is compared with those of the others. What voices
are compared by lives in that process only and is written nowhere.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from streamhub.config import TranscriptSettings
from streamhub.errors import BadMedia, ModelMissing, StreamhubError, ToolMissing
from streamhub.process import Command, failed, run
from streamhub.timecode import Span
from streamhub.transcript.child import claim_stdout, thread_count
from streamhub.transcript.sound import RATE_HZ, Samples, is_silent, load_sound
from streamhub.transcript.speakers import VoiceTurn, join_turns

NAME = "sherpa-onnx"
SEGMENTATION = "segmentation.onnx"
EMBEDDING = "embedding.onnx"

_INSTALL = "pip install 'streamhub[diarisation]'"
_ENOUGH_S = 60  # of a voice, to compare it with others
_LEAST_LIMIT_S = 600.0
_EXITS: Mapping[int, type[StreamhubError]] = {3: BadMedia, 4: ModelMissing, 5: ToolMissing}


@dataclass(frozen=True, kw_only=True, slots=True)
class SherpaOnnx:
    """The diariser.

    Attributes:
        settings: of the transcription stage.
        folder: where its two models lie.
        window_ms: so much is heard at a time.
    """

    settings: TranscriptSettings
    folder: Path
    window_ms: int = 600_000

    @property
    def name(self) -> str:
        """Brand and models for the reader."""
        return f"{NAME} with the models in {self.folder}"

    async def version(self) -> str:
        """What decides its turns, as `streamhub.transcript.diariser.Diariser` says."""
        return await asyncio.to_thread(self._version)

    async def tell_apart(self, media: Path, duration_ms: int) -> Sequence[VoiceTurn]:
        """Who speaks when, as `streamhub.transcript.diariser.Diariser` says."""
        self._require_all()
        asked = {
            "media": str(media),
            "duration_ms": duration_ms,
            "window_ms": self.window_ms,
            "folder": str(self.folder),
            "threads": thread_count(self.settings.threads),
            "threshold": self.settings.diariser_threshold,
        }
        command = Command(argv=[sys.executable, "-m", __name__], name=NAME)
        limit_s = max(_LEAST_LIMIT_S, duration_ms / 1000 * self.settings.speed_limit)
        finished = await run(command, stdin=json.dumps(asked).encode(), timeout_s=limit_s)
        if kind := _EXITS.get(finished.exit_code):
            message, _, hint = finished.stderr_tail.strip().splitlines()[-1].partition("\t")
            raise kind(message, hint=hint)
        if finished.exit_code:
            raise failed(command, finished.exit_code, finished.stderr_tail)
        return msgspec.json.decode(finished.stdout, type=tuple[VoiceTurn, ...])

    def _version(self) -> str:
        self._require_all()
        known = hashlib.sha256(f"{NAME} {self.window_ms} {self.settings.diariser_threshold}".encode())
        for name in (SEGMENTATION, EMBEDDING):
            with (self.folder / name).open("rb") as file:
                known.update(hashlib.file_digest(file, "sha256").digest())
        return known.hexdigest()[:12]

    def _require_all(self) -> None:
        if importlib.util.find_spec("sherpa_onnx") is None:
            raise ToolMissing(f"{NAME}: is not installed", hint=_INSTALL)
        missing = [name for name in (SEGMENTATION, EMBEDDING) if not (self.folder / name).is_file()]
        if missing:
            raise ModelMissing(
                f"{self.folder}: {' and '.join(missing)} not there",
                hint="put the models there under these names, the README says which ('Who speaks'), or empty "
                "transcript.diariser",
            )


def _serve() -> int:
    """In the process: do what is asked, and say turns or, in the last line of errors, what is wrong."""
    out = claim_stdout()
    if hasattr(os, "nice"):
        os.nice(5)  # telling voices apart can wait, a signal that is being recorded cannot
    asked = json.loads(sys.stdin.read())
    try:
        turns = _tell_apart(asked)
    except StreamhubError as error:
        print(f"{' '.join(error.message.split())}\t{error.hint}", file=sys.stderr)
        return next(code for code, kind in _EXITS.items() if isinstance(error, kind))
    out.write(msgspec.json.encode(turns).decode())
    out.flush()
    return 0


def _tell_apart(asked: Mapping[str, Any]) -> tuple[VoiceTurn, ...]:
    library, diarise, extract = _load(asked)
    heard: list[tuple[int, VoiceTurn]] = []
    voices: list[tuple[int, int]] = []  # window and number in it
    traits: list[Any] = []
    for number, (start_ms, samples) in enumerate(_windows(asked)):
        turns = _window_turns(diarise, samples)
        heard += [(number, VoiceTurn(turn.voice, turn.span.shifted(start_ms))) for turn in turns]
        for voice in sorted({turn.voice for turn in turns}):
            found = _traits_of(extract, samples, [turn.span for turn in turns if turn.voice == voice])
            if found is not None:
                voices.append((number, voice))
                traits.append(found)
    linked = dict(zip(voices, _link(library, traits, asked["threshold"]), strict=True))
    # A voice too short to be compared is nobody.
    known = ((linked.get((number, turn.voice)), turn.span) for number, turn in heard)
    return join_turns(VoiceTurn(voice, span) for voice, span in known if voice is not None)


def _load(asked: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    """The library, what diarises, and what makes voices comparable."""
    try:
        import sherpa_onnx as library
    except ImportError as error:
        raise ToolMissing(f"{NAME}: cannot be imported ({error})", hint=_INSTALL) from error
    folder, threads = Path(asked["folder"]), asked["threads"]
    pyannote = library.OfflineSpeakerSegmentationPyannoteModelConfig(model=str(folder / SEGMENTATION))
    embedding = library.SpeakerEmbeddingExtractorConfig(model=str(folder / EMBEDDING), num_threads=threads)
    config = library.OfflineSpeakerDiarizationConfig(
        segmentation=library.OfflineSpeakerSegmentationModelConfig(pyannote=pyannote, num_threads=threads),
        embedding=embedding,
        clustering=library.FastClusteringConfig(num_clusters=-1, threshold=asked["threshold"]),
    )
    try:
        return library, library.OfflineSpeakerDiarization(config), library.SpeakerEmbeddingExtractor(embedding)
    except (RuntimeError, ValueError) as error:
        raise ModelMissing(
            f"{folder}: its models cannot be loaded ({error})",
            hint="their files may be damaged, or of another kind: fetch those that the README names ('Who speaks')",
        ) from error


def _windows(asked: Mapping[str, Any]) -> Iterator[tuple[int, Samples]]:
    """Stretches of a file in which there is something to hear, and where each begins."""
    duration_ms, window_ms = asked["duration_ms"], asked["window_ms"]
    for start_ms in range(0, duration_ms, window_ms):
        samples = load_sound(Path(asked["media"]), Span(start_ms, min(duration_ms, start_ms + window_ms)))
        if not is_silent(samples):
            yield start_ms, samples


def _window_turns(diarise: Any, samples: Samples) -> list[VoiceTurn]:
    found = diarise.process(samples).sort_by_start_time()
    length_ms = len(samples) * 1000 // RATE_HZ
    spans = ((one.speaker, round(one.start * 1000), min(length_ms, round(one.end * 1000))) for one in found)
    return [VoiceTurn(speaker, Span(start_ms, end_ms)) for speaker, start_ms, end_ms in spans if end_ms > start_ms]


def _traits_of(extract: Any, samples: Samples, spans: Sequence[Span]) -> Any:
    """What a voice is compared by, from its longest turns; None where it says too little."""
    import numpy as np

    stream, left = extract.create_stream(), _ENOUGH_S * RATE_HZ
    for span in sorted(spans, key=lambda span: -span.duration_ms):
        if left <= 0:
            break
        first = span.start_ms * RATE_HZ // 1000
        said = samples[first : min(span.end_ms * RATE_HZ // 1000, first + left)]
        stream.accept_waveform(sample_rate=RATE_HZ, waveform=said)
        left -= len(said)
    stream.input_finished()
    return np.array(extract.compute(stream), np.float32) if extract.is_ready(stream) else None


def _link(library: Any, traits: Sequence[Any], threshold: float) -> list[int]:
    """Which voices of all windows are one."""
    import numpy as np

    if len(traits) < 2:
        return list(range(len(traits)))
    cluster = library.FastClustering(library.FastClusteringConfig(num_clusters=-1, threshold=threshold))
    return [int(label) for label in cluster(np.stack(traits))]


if __name__ == "__main__":
    raise SystemExit(_serve())
