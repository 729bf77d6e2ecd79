"""The noun of a cut: a clip, the files of one answer that can be taken along.

Owns what is noted of a clip beside its files. A clip whose note is missing is none: the note is written last.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from streamhub.errors import BadInput

FOLDER = "clips"
"""Folder of a session's clips, inside the session's media."""
MAKING = 1
"""Counted up when clips are made otherwise, so that they are made anew."""


class CutMethod(StrEnum):
    """How a picture was cut: taken over, its edges encoded anew, or all of it; none where there is no picture."""

    NONE = "none"
    COPIED = "copied"
    EDGES = "edges"
    WHOLE = "whole"


@dataclass(frozen=True, kw_only=True, slots=True)
class Clip:
    """The clip of an answer.

    Attributes:
        answer_id: the answer.
        key: digest of all that it was made from; another one means that it is out of date.
        recording: SHA-256 of the recording; empty where nothing was cut.
        method: how the picture was cut.
        reason: why all of the picture was encoded anew; else empty.
        duration_ms: of picture and sound.
        copied_frames, encoded_frames: of the picture.
        video, audio, captions, poster, share: names of the files in the session's folder of clips; empty for none.
    """

    answer_id: str
    key: str
    recording: str = ""
    method: CutMethod = CutMethod.NONE
    reason: str = ""
    duration_ms: int = 0
    copied_frames: int = 0
    encoded_frames: int = 0
    video: str = ""
    audio: str = ""
    captions: str = ""
    poster: str = ""
    share: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        """The names of its files."""
        return tuple(name for name in (self.video, self.audio, self.captions, self.poster, self.share) if name)

    def to_json(self) -> dict[str, Any]:
        """As it is noted."""
        return asdict(self)

    @classmethod
    def from_json(cls, given: Any) -> Clip:
        """Read a note.

        Raises:
            BadInput: it is none of ours.
        """
        kinds = {field.name: int if field.type == "int" else str for field in fields(cls)}
        if not isinstance(given, dict) or any(not isinstance(given.get(name), kind) for name, kind in kinds.items()):
            raise BadInput("clip: its note is none of ours", hint="delete it and make the clip again")
        try:
            clip = cls(**{name: given[name] for name in kinds} | {"method": CutMethod(given["method"])})
        except ValueError as error:
            raise BadInput(
                "clip: its note names an unknown method", hint="delete it and make the clip again"
            ) from error
        if any("/" in name or "\\" in name or name.startswith(".") for name in clip.files):
            raise BadInput("clip: its note names a file elsewhere", hint="delete it and make the clip again")
        return clip


def note_name(answer_id: str) -> str:
    """Name of the note of an answer's clip."""
    return f"{answer_id}.json"


def file_stem(answer_id: str, key: str) -> str:
    """What the names of a clip's files begin with."""
    return f"{answer_id}-{key[:16]}"
