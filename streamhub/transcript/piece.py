"""Pieces: the stretches of a recording that are heard one by one, by whoever is free.

Owns where a recording is cut and how far a piece is read beyond its edges. The cuts follow from the sound alone, never
from who hears it or when, so that results are the same whatever the number of workers. Refuses to know what is said;
`streamhub.transcript.stitching` joins the words again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from streamhub.timecode import Span

PIECE_MS = 600_000
"""About as long is a piece: what a kill costs at most."""

MIXED_PIECE_MS = 120_000
"""About as long is a piece where the language may change from one to the next."""

SLACK_MS = 30_000
FRAME_MS = 20
SILENT_DB = -60.0

_MIN_PAUSE_MS = 300
_ENOUGH_PAUSE_MS = 1_500  # a longer pause is no better, the one nearer to the middle is
_MIN_CONTRAST_DB = 12.0
_PAUSE_SHARE = 0.25
_PAUSE_MARGIN_MS = 500
_HARD_MARGIN_MS = 4_000
_GUARD_MS = 40
_SMOOTH_FRAMES = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """Where a recording is cut.

    Attributes:
        at_ms: media milliseconds.
        pause_ms: how long nobody speaks around it; 0 when somebody may be cut off.
    """

    at_ms: int
    pause_ms: int

    @property
    def margin_ms(self) -> int:
        """How far both pieces are read beyond the cut: to where somebody speaks, or far enough to hear him twice.

        A recogniser that begins with the end of somebody else's word is misled for a sentence.
        """
        if not self.pause_ms:
            return _HARD_MARGIN_MS
        return min(_PAUSE_MARGIN_MS, max(0, self.pause_ms // 2 - _GUARD_MS))


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """One stretch of a recording.

    Attributes:
        number: 0 for the first.
        span: what it answers for; the spans of all pieces cover the recording without a gap. Media milliseconds.
        read: what is listened to; it reaches over into the neighbours.
    """

    number: int
    span: Span
    read: Span


@dataclass(frozen=True, kw_only=True, slots=True)
class Hearing:
    """How a recording is heard: decided once, and the same for whoever hears a piece of it.

    Attributes:
        sha256: of the recording.
        duration_ms: of the recording.
        vocabulary: names and products that are likely to be heard.
        pieces: in order.
    """

    sha256: str
    duration_ms: int
    vocabulary: tuple[str, ...]
    pieces: tuple[Piece, ...]


def plan_windows(duration_ms: int, *, piece_ms: int = PIECE_MS) -> tuple[Span, ...]:
    """The stretches within which a recording is to be cut; none for a recording of little more than one piece."""
    count = max(1, round(duration_ms / piece_ms))
    middles = [duration_ms * number // count for number in range(1, count)]
    slack_ms = min(SLACK_MS, piece_ms // 4)
    return tuple(Span(middle - slack_ms, middle + slack_ms) for middle in middles)


def find_cut(levels_db: Sequence[float], window: Span) -> Cut:
    """The best place to cut within a window: the longest pause, of long ones the one nearest to the middle.

    Where nobody pauses (music, applause, several at once) it is the quietest moment, and no pause.

    Args:
        levels_db: loudness of each `FRAME_MS` from the start of the window, in dB of full scale; sound may end early.
        window: where the levels were taken.
    """
    middle_ms = (window.start_ms + window.end_ms) // 2
    if not levels_db or max(levels_db) < SILENT_DB:
        return Cut(at_ms=middle_ms, pause_ms=window.duration_ms)
    ranked = sorted(levels_db)
    quiet = min(_MIN_PAUSE_MS // FRAME_MS, len(ranked)) - 1  # as loud is the shortest pause, if there is one
    floor_db, loud_db = max(SILENT_DB, ranked[quiet]), ranked[len(ranked) * 9 // 10]
    pauses: list[tuple[int, int]] = []
    if loud_db - floor_db >= _MIN_CONTRAST_DB:
        pauses = _pauses(levels_db, floor_db + _PAUSE_SHARE * (loud_db - floor_db))
    if not pauses:
        return Cut(at_ms=_quietest_ms(levels_db, window), pause_ms=0)

    def worth(pause: tuple[int, int]) -> tuple[int, int]:
        start, end = pause
        at_ms = window.start_ms + (start + end) * FRAME_MS // 2
        return min((end - start) * FRAME_MS, _ENOUGH_PAUSE_MS), -abs(at_ms - middle_ms)

    start, end = max(pauses, key=worth)
    return Cut(at_ms=window.start_ms + (start + end) * FRAME_MS // 2, pause_ms=(end - start) * FRAME_MS)


def _pauses(levels_db: Sequence[float], below_db: float) -> list[tuple[int, int]]:
    """Runs of quiet frames that are long enough, as frame numbers."""
    pauses = []
    for quiet, run in groupby(enumerate(levels_db), key=lambda pair: pair[1] < below_db):
        frames = [number for number, _ in run]
        if quiet and len(frames) * FRAME_MS >= _MIN_PAUSE_MS:
            pauses.append((frames[0], frames[-1] + 1))
    return pauses


def _quietest_ms(levels_db: Sequence[float], window: Span) -> int:
    """The middle of the quietest fifth of a second."""
    size = min(_SMOOTH_FRAMES, len(levels_db))
    start = min(range(len(levels_db) - size + 1), key=lambda at: sum(levels_db[at : at + size]))
    return window.start_ms + (2 * start + size) * FRAME_MS // 2


def plan_pieces(duration_ms: int, cuts: Sequence[Cut]) -> tuple[Piece, ...]:
    """The pieces between the cuts, in order."""
    inner = sorted((cut for cut in cuts if 0 < cut.at_ms < duration_ms), key=lambda cut: cut.at_ms)
    edges = [Cut(at_ms=0, pause_ms=0), *inner, Cut(at_ms=duration_ms, pause_ms=0)]
    return tuple(
        Piece(
            number=number,
            span=Span(left.at_ms, right.at_ms),
            read=Span(max(0, left.at_ms - left.margin_ms), min(duration_ms, right.at_ms + right.margin_ms)),
        )
        for number, (left, right) in enumerate(pairwise(edges))
    )
