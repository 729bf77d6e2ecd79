"""The role of a transcriber: media in, words with times out.

Brands run their engine in a child process, so that the hub never blocks, memory comes back, and a job can be cancelled
or stopped by its time limit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from streamhub.timecode import Span
from streamhub.transcript.transcript import Transcript

Progress = Callable[[int, int], None]
"""Called with (done_ms, total_ms) of media, not more often than a few times a second."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TranscriptionJob:
    """What to transcribe.

    Attributes:
        media: a local file.
        span: listen to this stretch of the file alone, in its milliseconds; None for all of it.
        start_ms: what the file's beginning is on the recording's clock, where the file is a piece of it.
        language: ``de``, ``en``, or empty to detect it.
        check_language: whether to listen if the sound is in that language, and to tell what it is most like.
        translate: whether to write down what is said in English, whatever language it is said in.
        vocabulary: names and products that are likely to be heard.
        time_limit_s: the job is stopped after that many seconds; None for no limit.
    """

    media: Path
    span: Span | None = None
    start_ms: int = 0
    language: str = ""
    check_language: bool = False
    translate: bool = False
    vocabulary: tuple[str, ...] = field(default=())
    time_limit_s: float | None = None


class Transcriber(Protocol):
    """Turns speech into words with times."""

    @property
    def name(self) -> str:
        """Engine and model for the reader, such as ``faster-whisper small``."""

    async def version(self) -> str:
        """A short fingerprint of the model's files, equal wherever they are equal; empty while it is not here."""

    async def prepare(self) -> None:
        """Make sure that the model is here; fetch it where that is allowed.

        Raises:
            ModelMissing: it is not here and cannot be fetched.
            ToolMissing: the engine is not installed.
        """

    async def transcribe(self, job: TranscriptionJob, progress: Progress) -> Transcript:
        """Transcribe the file, or a stretch of it; times are milliseconds of the recording.

        Cancelling the task stops the engine's process.

        Raises:
            BadMedia: the file has no sound, or cannot be read.
            ModelMissing: the model is not here and cannot be fetched.
            TimedOut: the time limit was reached.
            ToolFailed: the engine died.
        """

    async def close(self) -> None:
        """Let go what is kept for the next job."""
