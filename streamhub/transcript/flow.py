"""Pieces of sound that is still flowing: where one ends and the next begins, while nobody knows what will be said.

Pure. A piece ends in the first pause that is long enough, so that what was said is heard a moment after its last word;
of somebody who never pauses it ends at the quietest place of the last seconds. Where nobody speaks there is no piece.
Refuses to know where the sound comes from and what hears it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from streamhub.timecode import Span
from streamhub.transcript.piece import FRAME_MS, SILENT_DB, Cut, Piece, find_cut

LEAST_MS = 2_500
"""A shorter piece is not worth a recogniser's turn, unless its speaker has fallen silent for good."""

MOST_MS = 14_000
PAUSE_MS = 480
SILENCE_MS = 1_200
"""Who says nothing for so long has said what he had to say, however short it was."""

LOOK_BACK_MS = 6_000
_HARD_REACH_MS = 1_500  # so much of what follows a hard cut is there already when it is made
_LOUD_MEMORY = 0.9997  # per frame: what counts as loud follows the room within a minute
_LEAST_LOUD_DB = -35.0
_CONTRAST_DB = 14.0
_HUSH_DB = 28.0  # the softest sounds of speech are so much softer than its loudest
_LEAD_MS = 250


@dataclass(slots=True)
class Flow:
    """What is known of the sound since the last cut; one for each stream.

    Attributes:
        cut: the last cut; the next piece begins there.
        levels_db: loudness of each `FRAME_MS` since that cut.
        count: pieces so far.
    """

    cut: Cut = field(default_factory=lambda: Cut(at_ms=0, pause_ms=PAUSE_MS))
    levels_db: list[float] = field(default_factory=list)
    count: int = 0
    _loud_db: float = _LEAST_LOUD_DB
    _quiet_frames: int = 0
    _voiced_frames: int = 0

    @property
    def end_ms(self) -> int:
        """How far the sound is known, in media milliseconds."""
        return self.cut.at_ms + len(self.levels_db) * FRAME_MS

    @property
    def speaks(self) -> bool:
        """Whether somebody has said something since the last cut."""
        return self._voiced_frames * FRAME_MS >= 200

    def take(self, levels_db: Sequence[float]) -> list[Piece]:
        """Know more of the sound; returns the pieces that are complete with it."""
        pieces = []
        for level in levels_db:
            if (piece := self._next(level)) is not None:
                pieces.append(piece)
        return pieces

    def finish(self) -> list[Piece]:
        """The sound has ended: the rest is the last piece, if somebody speaks in it."""
        piece = self._close(Cut(at_ms=self.end_ms, pause_ms=0), known_ms=self.end_ms)
        return [piece] if piece else []

    def growing(self) -> Span | None:
        """What to listen to for the words of now; None while nobody has said anything since the last cut."""
        if not self.speaks:
            return None
        begin_ms = self.cut.at_ms - self.cut.margin_ms
        if self.cut.pause_ms:
            first = next(at for at, level in enumerate(self.levels_db) if level > self._hush_db)
            begin_ms = max(begin_ms, self.cut.at_ms + first * FRAME_MS - _LEAD_MS)
        return Span(max(0, begin_ms), self.end_ms)

    @property
    def _floor_db(self) -> float:
        return max(SILENT_DB, self._loud_db - _CONTRAST_DB)

    @property
    def _hush_db(self) -> float:
        return max(SILENT_DB, self._loud_db - _HUSH_DB)

    def _next(self, level_db: float) -> Piece | None:
        self.levels_db.append(level_db)
        fading_db = level_db + (self._loud_db - level_db) * _LOUD_MEMORY
        self._loud_db = max(level_db, fading_db, _LEAST_LOUD_DB)
        if level_db > self._floor_db:
            self._voiced_frames += 1
            self._quiet_frames = 0
        else:
            self._quiet_frames += 1
        length_ms, quiet_ms = len(self.levels_db) * FRAME_MS, self._quiet_frames * FRAME_MS
        end_ms = self.end_ms
        if not self.speaks:
            return self._close(self._rest(), known_ms=end_ms) if length_ms >= LEAST_MS else None
        if quiet_ms >= SILENCE_MS or (quiet_ms >= PAUSE_MS and length_ms >= LEAST_MS):
            return self._close(Cut(at_ms=end_ms - quiet_ms // 2, pause_ms=quiet_ms), known_ms=end_ms)
        if length_ms >= MOST_MS:
            window = Span(end_ms - LOOK_BACK_MS, end_ms - _HARD_REACH_MS)
            frames = self.levels_db[-LOOK_BACK_MS // FRAME_MS : -_HARD_REACH_MS // FRAME_MS]
            return self._close(find_cut(frames, window), known_ms=end_ms)
        return None

    def _rest(self) -> Cut:
        """Where to cut while nobody speaks: just before the first sound, or behind one that was all there is."""
        first = next((at for at, level in enumerate(self.levels_db) if level > self._floor_db), None)
        silent_ms = len(self.levels_db) * FRAME_MS if first is None else first * FRAME_MS
        if silent_ms > PAUSE_MS:
            return Cut(at_ms=self.cut.at_ms + silent_ms - PAUSE_MS // 2, pause_ms=PAUSE_MS)
        return Cut(at_ms=self.end_ms - PAUSE_MS // 2, pause_ms=PAUSE_MS)

    def _close(self, cut: Cut, *, known_ms: int) -> Piece | None:
        """Cut on a frame's edge; the piece before the cut, if somebody speaks in it."""
        before = self.cut
        heard = [at for at, level in enumerate(self.levels_db) if level > self._hush_db]
        kept = (known_ms - cut.at_ms) // FRAME_MS
        self.levels_db = self.levels_db[len(self.levels_db) - kept :]
        self.cut = Cut(at_ms=known_ms - kept * FRAME_MS, pause_ms=cut.pause_ms)
        loud = [level > self._floor_db for level in self.levels_db]
        spoken = self._voiced_frames > sum(loud)
        self._voiced_frames = sum(loud)
        self._quiet_frames = next((at for at, one in enumerate(reversed(loud)) if one), len(loud))
        if not spoken:
            return None
        self.count += 1
        span = Span(before.at_ms, self.cut.at_ms)
        begin_ms, end_ms = span.start_ms - before.margin_ms, min(known_ms, span.end_ms + self.cut.margin_ms)
        if heard and before.pause_ms:  # recognisers are thrown by a second of silence before the first word
            begin_ms = max(begin_ms, before.at_ms + heard[0] * FRAME_MS - _LEAD_MS)
        if heard and self.cut.pause_ms:
            end_ms = min(end_ms, before.at_ms + (heard[-1] + 1) * FRAME_MS + _LEAD_MS)
        return Piece(number=self.count - 1, span=span, read=Span(max(0, begin_ms), max(0, begin_ms, end_ms)))
