"""What a recogniser heard, kept so that no audio is ever transcribed twice.

Owns the files and their names, which are made of the media's hash, the model and whatever else decides about the
words: other media or another model is another file. Times in them are media milliseconds. It is working data, not the
archive.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from streamhub.errors import BadInput, Conflict, NotFound
from streamhub.text import slugify
from streamhub.transcript.piece import Hearing, Piece
from streamhub.transcript.transcript import Transcript

HEARD_FOLDER = "heard"
"""In the media folder: what was heard of recordings, whichever session they belong to."""

CHECKED_PIECES = 2
"""So many pieces at the beginning tell whether the language was set right."""

_PLAN_FILE = "plan.json"
_VERSION_FILE = "version"
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class PieceTask:
    """A piece of a recording that is to be heard.

    Attributes:
        session_id: the session.
        media: the recording.
        hearing: how all of it is heard.
        piece: the piece.
        language: ``de``, ``en``, or empty to hear it.
        recogniser: engine and model that are to hear it.
        version: of that model on this machine; empty where it is not.
        folder: where results are kept.
        translate: whether it is translated; its words are other ones then, and kept apart.
    """

    session_id: str
    media: Path
    hearing: Hearing
    piece: Piece
    language: str
    recogniser: str
    version: str
    folder: Path
    translate: bool = False

    def target(self, version: str) -> Path:
        """Where the words of a model of that version are kept."""
        language = (self.language or "auto") + ("-translated" if self.translate else "")
        parts = (f"{self.piece.number:04d}", language, slugify(self.recogniser, max_length=80), version)
        return self.folder / f"{'-'.join(part for part in parts if part)}.json"

    def done(self, version: str) -> bool:
        """Whether a model of that version has heard it already."""
        return self.target(version).exists()

    @property
    def checks_language(self) -> bool:
        """Whether to listen if the language that was told is the one that is spoken: the first pieces tell enough."""
        return bool(self.language) and not self.translate and self.piece.number < CHECKED_PIECES

    def require_version(self, version: str) -> None:
        """Insist that words of a model of that version fit the others: the hub's own, else the first that came.

        Raises:
            Conflict: it is another one.
        """
        wanted = self.version or _read_version(self.folder, self.recogniser)
        if wanted and version != wanted:
            raise Conflict(
                f"{self.recogniser}: the model or its settings are of version {version or 'unknown'}, "
                f"this recording is heard with version {wanted}",
                hint="copy the hub's model folder to this worker, and give it the hub's transcript.beam_size and "
                "transcript.compute_type",
            )


def hearing_name(sha256: str, vocabulary: Sequence[str], piece_ms: int) -> str:
    """Name of the folder for a recording that is heard with that vocabulary in pieces of that length."""
    decided = json.dumps([list(vocabulary), piece_ms], ensure_ascii=False)
    return f"{sha256[:32]}-{hashlib.sha256(decided.encode()).hexdigest()[:8]}"


def recognised_name(sha256: str, recogniser: str, version: str, language: str, hearing: str) -> str:
    """Name of the file for a whole recording; empty parts are left out."""
    decided = hearing.partition("-")[2]
    parts = ("recognised", sha256[:16], slugify(recogniser, max_length=80), version, language, decided)
    return f"{'-'.join(part for part in parts if part)}.json"


def save_hearing(folder: Path, hearing: Hearing) -> None:
    """Write how a recording is heard."""
    _save(folder / _PLAN_FILE, msgspec.json.encode(hearing))


def find_hearing(folder: Path) -> Hearing | None:
    """How a recording is heard; None when that was not decided yet.

    Raises:
        BadInput: the file is not what `save_hearing` wrote.
    """
    path = folder / _PLAN_FILE
    return _load(path, Hearing) if path.exists() else None


def load_hearing(folder: Path) -> Hearing:
    """How a recording is heard.

    Raises:
        NotFound: that was not decided, or what was decided has been deleted.
        BadInput: as `find_hearing`.
    """
    found = find_hearing(folder)
    if found is None:
        raise NotFound(f"{folder.name}: nobody decided how to hear it", hint="import the recording again")
    return found


def pin_version(folder: Path, recogniser: str, version: str) -> None:
    """Let all pieces be heard by models of the version that came first."""
    path = _version_file(folder, recogniser)
    if not path.exists():
        _save(path, version.encode())


def _read_version(folder: Path, recogniser: str) -> str:
    path = _version_file(folder, recogniser)
    return path.read_text("utf-8") if path.exists() else ""


def _version_file(folder: Path, recogniser: str) -> Path:
    return folder / f"{_VERSION_FILE}-{slugify(recogniser, max_length=80)}"


def save_recognised(path: Path, transcript: Transcript) -> None:
    """Write it in one step: after a crash the file is either whole or not there."""
    _save(path, msgspec.json.encode(transcript))


def load_recognised(path: Path) -> Transcript:
    """Read it back.

    Raises:
        BadInput: the file is not what `save_recognised` wrote.
    """
    return _load(path, Transcript)


def save_record(path: Path, record: object) -> None:
    """Write a record as JSON, in one step."""
    _save(path, msgspec.json.encode(record))


def load_record(path: Path, kind: type[T]) -> T:
    """Read it back.

    Raises:
        BadInput: the file is not there, or not what `save_record` wrote of that kind.
    """
    return _load(path, kind)


def _save(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _load(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (msgspec.MsgspecError, OSError) as error:
        raise BadInput(
            f"{path}: not a recogniser's result ({error})", hint="delete it and run the step again"
        ) from error
