"""The words of a session that runs, as readers get them: lines with ids, and what changed of them.

Pure. Owns where a paragraph begins, the JSON of a line, and the smallest thing that readers must be told. Refuses to
know who listens and how it is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from streamhub.timecode import Span
from streamhub.transcript.live_words import LiveCaptions
from streamhub.transcript.transcript import Cue, Transcript
from streamhub.transcript.vtt import format_vtt
from streamhub.web.views import Json

PAUSE_MS = 1_500
PARAGRAPH_MS = 25_000
LONGEST_PARAGRAPH_MS = 60_000
Clock = tuple[tuple[int, int], ...]
"""How a player's time goes with the session's: for each stretch where it begins on the session clock and on his."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A settled caption with its place in the text.

    Attributes:
        cue: the caption, on the session clock.
        paragraph_ms: when its paragraph began; its own beginning where it is the first of one.
    """

    cue: Cue
    paragraph_ms: int

    @property
    def begins(self) -> bool:
        """Whether a paragraph begins with it."""
        return self.paragraph_ms == self.cue.span.start_ms


def plan_lines(before: Sequence[Line], cues: Sequence[Cue]) -> list[Line]:
    """The captions as lines; those that are the same as before are the very same objects."""
    same = 0
    for line, cue in zip(before, cues, strict=False):
        if line.cue is not cue and line.cue != cue:
            break
        same += 1
    lines = list(before[:same])
    for cue in cues[same:]:
        lines.append(Line(cue=cue, paragraph_ms=_paragraph_ms(lines[-1] if lines else None, cue)))
    return lines


def _paragraph_ms(last: Line | None, cue: Cue) -> int:
    """Where the paragraph of a caption began: after a pause, another speaker or a good while a new one begins."""
    if last is None:
        return cue.span.start_ms
    long_ms = cue.span.start_ms - last.paragraph_ms
    ended = last.cue.text.rstrip('"”“«»’)').endswith((".", "?", "!", "…"))
    fresh = (
        cue.speaker != last.cue.speaker
        or cue.span.start_ms - last.cue.span.end_ms >= PAUSE_MS
        or long_ms >= LONGEST_PARAGRAPH_MS
        or (ended and long_ms >= PARAGRAPH_MS)
    )
    return cue.span.start_ms if fresh else last.paragraph_ms


def split_paragraphs(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """The lines, paragraph by paragraph; the first one may have lost its beginning."""
    paragraph: list[Line] = []
    for line in lines:
        if line.begins and paragraph:
            yield paragraph
            paragraph = []
        paragraph.append(line)
    if paragraph:
        yield paragraph


def line_json(line: Line) -> Json:
    """A line as readers get it."""
    span, cue = line.cue.span, line.cue
    speaker = {"speaker": cue.speaker} if cue.speaker else {}
    begins = {"begins": True} if line.begins else {}
    return {"id": cue.id, "start_ms": span.start_ms, "end_ms": span.end_ms, "text": cue.text, **speaker, **begins}


def plan_change(before: Sequence[Line], after: Sequence[Line]) -> tuple[list[Line], list[str]]:
    """What somebody who has the lines before must be told: lines that are new or different, and ids that are gone."""
    same = 0
    for old, new in zip(before, after, strict=False):
        if old is not new:
            break
        same += 1
    kept = {line.cue.id for line in after[same:]}
    known = {line.cue.id: line for line in before[same:]}
    changed = [line for line in after[same:] if known.get(line.cue.id) != line]
    return changed, [name for name in known if name not in kept]


def now_json(captions: LiveCaptions) -> Json | None:
    """What is being said, as readers get it; None in a pause."""
    now = captions.now
    return {"start_ms": now.span.start_ms, "text": now.text} if now is not None and now.text else None


def find_since(lines: Sequence[Line], cue_id: str) -> Sequence[Line]:
    """The lines from one on, itself included, for it may have changed; all where there is none of that id."""
    for place in range(len(lines) - 1, -1, -1):
        if lines[place].cue.id == cue_id:
            return lines[place:]
    return lines


def format_captions(lines: Sequence[Line], *, language: str, clock: Clock = ()) -> str:
    """The lines as WebVTT, on the session clock or, with a clock, in the times of its player."""
    cues = [line.cue for line in lines]
    if clock:
        cues = [placed for cue in cues if (placed := place_cue(cue, clock)) is not None]
    cues = [replace(cue, span=Span(cue.span.start_ms, max(cue.span.start_ms + 1, cue.span.end_ms))) for cue in cues]
    return format_vtt(Transcript(language=language, cues=tuple(cues), made_with="live captions"))


def place_cue(cue: Cue, clock: Clock) -> Cue | None:
    """A caption in a player's times; None where the player has nothing of it."""
    start_ms, end_ms = (find_player_ms(edge, clock) for edge in (cue.span.start_ms, cue.span.end_ms))
    if end_ms <= 0:
        return None
    start_ms = max(0, start_ms)
    return replace(cue, span=Span(start_ms, max(start_ms + 1, end_ms)), words=())


def find_player_ms(session_ms: int, clock: Clock) -> int:
    """A session time on the player's clock; negative before the player begins."""
    session_zero_ms, player_zero_ms = next((one for one in reversed(clock) if one[0] <= session_ms), clock[0])
    return player_zero_ms + session_ms - session_zero_ms
