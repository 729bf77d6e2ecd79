"""The demo's round table as records: who speaks what when, what was asked before, and what a viewer searches for.

Owns the reading of ``roundtable_<language>.json``. The recogniser never sees any of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parent


@dataclass(frozen=True, kw_only=True, slots=True)
class Speaker:
    """Somebody at the table; ``about`` is the line under the name."""

    name: str
    role: str
    about: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SpokenSegment:
    """One sentence of one speaker, times on the clock of the audio."""

    speaker: str
    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedQuestion:
    """A question as typed before the show.

    ``on_air_ms`` is when the host shows it, on the clock of the audio; None when the show has no time for it.
    """

    id: str
    text: str
    asker: str
    city: str
    votes: int
    topic: str
    product: str
    on_air_ms: int | None = None
    answer_start_ms: int | None = None
    answer_end_ms: int | None = None
    answerers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """Words that are spoken and never typed, and the question whose answer they belong to."""

    query: str
    question: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Roundtable:
    """A prepared round table."""

    language: str
    title: str
    slug: str
    duration_ms: int
    audio: str
    speakers: tuple[Speaker, ...]
    segments: tuple[SpokenSegment, ...]
    questions: tuple[AskedQuestion, ...]
    searches: tuple[Search, ...]

    @property
    def aired(self) -> list[AskedQuestion]:
        """The questions that come on air, in that order."""
        return sorted((q for q in self.questions if q.on_air_ms is not None), key=lambda q: q.on_air_ms or 0)

    @property
    def audio_file(self) -> Path:
        """The sound."""
        return FOLDER / self.audio


def load_roundtable(language: str) -> Roundtable:
    """The prepared round table in that language."""
    return msgspec.json.decode((FOLDER / f"roundtable_{language}.json").read_bytes(), type=Roundtable)
