"""The nouns of transcription: word, cue, transcript.

Times are media milliseconds while a recogniser speaks and session milliseconds once mapped; a transcript says which
in the name of the function that made it. Cue ids never change once written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from streamhub.timecode import Span

TRANSLATED = "en"
"""The language into which recognisers translate."""


class Maker(StrEnum):
    """Who made the text."""

    MACHINE = "machine"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken word with its punctuation.

    Attributes:
        text: as written, without surrounding space.
        span: when it was spoken.
        probability: the recogniser's, 0 to 1; 1 when unknown.
        heard: what the recogniser wrote, where a name was put right by the show's vocabulary; else empty.
    """

    text: str
    span: Span
    probability: float = 1.0
    heard: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cue:
    """One caption: a sentence or part of one, by one speaker.

    Attributes:
        id: stable name of the cue in its transcript (``c1``, ``c2`` ...).
        span: when it is spoken.
        text: plain text, never markup.
        speaker: name, or empty when unknown.
        words: word times, where the recogniser gave them; else empty.
        language: in which it is spoken, where that is not its transcript's; else empty.
    """

    id: str
    span: Span
    text: str
    speaker: str = ""
    words: tuple[Word, ...] = ()
    language: str = ""


@dataclass(frozen=True, slots=True)
class LanguageCheck:
    """What one window of the sound is most like, whatever language it was said to be in.

    Attributes:
        language: any code that the recogniser knows.
        chance: how sure it is, 0 to 1.
    """

    language: str
    chance: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Transcript:
    """The words of a session in one language.

    Attributes:
        language: ``de``, ``en`` or another code that captions brought.
        cues: in order of their start.
        made_by: machine or person.
        made_with: what made it, for the reader (``faster-whisper small``, ``captions talk.vtt``).
        moved_ms: by how much captions that were out of step were moved as a whole; the cues' times have it already.
        language_chance: how sure a recogniser is of the language that it heard, 0 to 1; 1 when it was told.
        language_checks: what windows of the sound are most like, where a recogniser was told the language and listened
            whether that is true; else empty.
    """

    language: str
    cues: tuple[Cue, ...] = field(default=())
    made_by: Maker = Maker.MACHINE
    made_with: str = ""
    moved_ms: int = 0
    language_chance: float = 1.0
    language_checks: tuple[LanguageCheck, ...] = ()

    @property
    def text(self) -> str:
        """All cues' text, joined by spaces."""
        return " ".join(cue.text for cue in self.cues)
