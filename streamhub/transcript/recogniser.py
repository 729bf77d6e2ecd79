"""What all recognisers have in common that run a Whisper model in a process of their own.

Owns the way of a job: find the model, ask the process, make a transcript of what it heard. Refuses to know engines:
each brand says what its models consist of, what its process is asked, and whether it is installed at all.
"""

from __future__ import annotations

import asyncio
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from streamhub.config import TranscriptSettings
from streamhub.errors import ModelMissing
from streamhub.transcript.child import ChildJob, Recognisers
from streamhub.transcript.models import Model, Shelf, find_local_model, find_model, fingerprint, model_title
from streamhub.transcript.rules import make_transcript
from streamhub.transcript.transcriber import Progress, TranscriptionJob
from streamhub.transcript.transcript import TRANSLATED, Transcript


def sound_of(job: TranscriptionJob) -> dict[str, Any]:
    """Which sound a process is asked to hear, and where it lies on the recording's clock."""
    start_ms = job.start_ms + (job.span.start_ms if job.span else 0)
    span = [job.span.start_ms, job.span.end_ms] if job.span else None
    return {"media": str(job.media), "span": span, "offset_ms": start_ms}


def task_of(job: TranscriptionJob) -> str:
    """What Whisper is to do with the words; its translations are English."""
    return "translate" if job.translate else "transcribe"


@dataclass(frozen=True, kw_only=True, slots=True)
class RecogniserProcess(ABC):
    """A `streamhub.transcript.transcriber.Transcriber` whose engine runs in a child process.

    Attributes:
        settings: of the transcription stage.
        cache: folder for models that had to be fetched.
        environ: variables of the process.
        recognisers: its processes.
    """

    shelf: ClassVar[Shelf]
    module: ClassVar[str]

    settings: TranscriptSettings
    cache: Path
    environ: Mapping[str, str]
    recognisers: Recognisers = field(default_factory=Recognisers, repr=False, compare=False)

    @property
    def name(self) -> str:
        """Engine and model for the reader."""
        return f"{self.shelf.engine} {model_title(self.settings.model)}"

    @abstractmethod
    def plan(self, job: TranscriptionJob, model: Model) -> dict[str, Any]:
        """What the process is asked: file, model, and how to decode with that model."""

    def require_installed(self) -> None:
        """Insist that the engine is installed; one that always is says nothing.

        Raises:
            ToolMissing: it is not.
        """
        return

    async def version(self) -> str:
        """A fingerprint of the model, as `streamhub.transcript.transcriber.Transcriber` says."""
        return await asyncio.to_thread(self._version)

    def _version(self) -> str:
        try:
            model = find_local_model(self.shelf, self.settings.model, cache=self.cache, environ=self.environ)
        except ModelMissing:
            return ""
        if model is None:
            return ""
        decides = f"{self.settings.beam_size} {self.settings.compute_type}".encode()
        return fingerprint(self.shelf, model)[:8] + hashlib.sha256(decides).hexdigest()[:4]

    async def prepare(self) -> None:
        """Have the model, as `streamhub.transcript.transcriber.Transcriber` says."""
        self.require_installed()
        await find_model(self.shelf, self.settings, cache=self.cache, environ=self.environ)

    async def transcribe(self, job: TranscriptionJob, progress: Progress) -> Transcript:
        """Transcribe, as `streamhub.transcript.transcriber.Transcriber` says."""
        self.require_installed()
        model = await find_model(self.shelf, self.settings, cache=self.cache, environ=self.environ)
        child = ChildJob(
            module=self.module,
            name=self.name,
            request=self.plan(job, model),
            threads=self.settings.threads,
            time_limit_s=job.time_limit_s,
            speed_limit=self.settings.speed_limit,
        )
        result = await self.recognisers.recognise(child, progress)
        return make_transcript(
            result.heard,
            language=TRANSLATED if job.translate else result.language,
            made_with=f"{self.name}, machine translation" if job.translate else self.name,
            language_chance=result.language_chance,
            language_checks=result.language_checks,
        )

    async def close(self) -> None:
        """Let processes go that wait for a job, as `streamhub.transcript.transcriber.Transcriber` says."""
        await self.recognisers.close()
