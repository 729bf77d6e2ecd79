"""What a recogniser heard, kept beside the recording so that no audio is ever transcribed twice.

Owns the file and its name, which is made of the media's hash, the model and the language: other media or another model
is another file. Times in it are media milliseconds. It is working data, not the archive.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from streamhub.errors import BadInput
from streamhub.text import slugify
from streamhub.transcript.transcript import Transcript


@dataclass(frozen=True, kw_only=True, slots=True)
class TranscriptionTask:
    """A recording that is to be transcribed.

    Attributes:
        session_id: the session.
        media: the recording.
        sha256: of the recording.
        duration_ms: of the recording.
        language: ``de``, ``en``, or empty to detect it.
        vocabulary: names and products that are likely to be heard.
        recogniser: engine and model that are to hear it.
        target: where the result is kept.
    """

    session_id: str
    media: Path
    sha256: str
    duration_ms: int
    language: str
    vocabulary: tuple[str, ...]
    recogniser: str
    target: Path

    @property
    def done(self) -> bool:
        """Whether the result is there already."""
        return self.target.exists()


def recognised_name(sha256: str, recogniser: str, language: str) -> str:
    """Name (without ending) of the file for that media, recogniser and language; empty parts are left out."""
    parts = ("recognised", sha256[:16], slugify(recogniser, max_length=80), language)
    return "-".join(part for part in parts if part)


def save_recognised(path: Path, transcript: Transcript) -> None:
    """Write it in one step: after a crash the file is either whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(msgspec.json.encode(transcript))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def load_recognised(path: Path) -> Transcript:
    """Read it back.

    Raises:
        BadInput: the file is not what `save_recognised` wrote.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Transcript)
    except (msgspec.MsgspecError, OSError) as error:
        raise BadInput(
            f"{path}: not a recogniser's result ({error})", hint="delete it and run the step again"
        ) from error
