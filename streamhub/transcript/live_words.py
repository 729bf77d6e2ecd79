"""The words of a session that is still running, and how they become those of its recording.

Pure. Owns how what was heard of a stream piece by piece becomes captions whose ids never change, and which stretches of
the finished recording were heard already. Refuses to know who listens and where files lie.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from streamhub.recording.recording import ClockMap
from streamhub.timecode import Span, merge_spans, ms_between
from streamhub.transcript.piece import Piece
from streamhub.transcript.rules import cues_from_words, join_words
from streamhub.transcript.stitching import NEAR_MS, HeardPiece, change, stitch
from streamhub.transcript.transcript import Cue, Transcript, Word

NOW = "now"
"""Id of the caption that is still being said; its text changes, and a settled one takes its place."""

LEAST_HOLE_MS = 700
_REST_REACH_MS = 2_000


class Listening(StrEnum):
    """Whether somebody hears what is said."""

    OFF = "off"
    """Nobody listens: it is switched off, there is no model, or no encoder."""
    HEARING = "hearing"
    BEHIND = "behind"
    """The machine is too slow for what is said; what it cannot hear now is heard afterwards."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveCaptions:
    """What was said so far, on the session clock.

    Attributes:
        listening: whether somebody hears it.
        cues: settled; their ids stay.
        now: what is being said, as far as it is understood; None in a pause.
    """

    listening: Listening = Listening.OFF
    cues: tuple[Cue, ...] = ()
    now: Cue | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class HeardItem:
    """What was heard at one time: a piece of a stream, or several in a row.

    Attributes:
        first, last: numbers of the pieces.
        piece: the stretch, in milliseconds of the stream; its number is ``first``.
        transcript: its words, in milliseconds of the stream.
    """

    first: int
    last: int
    piece: Piece
    transcript: Transcript


@dataclass(frozen=True, kw_only=True, slots=True)
class HeardStream:
    """What was heard of one publisher's stream.

    Attributes:
        segment: number of the segment that recorded it.
        started_at: the instant of its beginning, UTC.
        items: in order.
        pieces: how many there are, heard or not; None while it runs, or when that was never written down.
        end_ms: to where nothing follows the last piece; 0 when ``pieces`` is None.
    """

    segment: int
    started_at: datetime
    items: tuple[HeardItem, ...]
    pieces: int | None = None
    end_ms: int = 0


@dataclass(slots=True)
class CaptionLine:
    """The captions of one stream as they settle, in its milliseconds; each piece costs the same, however long it runs.

    Attributes:
        segment: number of the segment, for the ids.
        cues: those that have settled, and then those of the newest piece.
    """

    segment: int
    cues: list[Cue] = field(default_factory=list)
    _closed: int = 0
    _begins_ms: list[int] = field(default_factory=list)  # where the captions that are not closed began when first shown
    _words: list[Word] = field(default_factory=list)
    _last: HeardPiece | None = None
    _newest: list[Word] = field(default_factory=list)

    @property
    def closed(self) -> int:
        """How many of the captions no later piece can change."""
        return self._closed

    def add(self, item: HeardItem) -> None:
        """Take what was heard next."""
        heard = HeardPiece(piece=item.piece, words=join_words(item.transcript))
        begin = 0
        if self._last is not None:
            end, begin = change(self._last, heard)
            dropped = len(self._last.words) - end
            self._words += self._newest[: len(self._newest) - dropped] if dropped else self._newest
        self._last, self._newest = heard, list(heard.words[begin:])
        cues = self._cut([*self._words, *self._newest])
        self.cues[self._closed :] = cues
        self._close(cues)

    def growing(self, item: HeardItem) -> list[Cue]:
        """What is being said after the last cut, as one caption; nothing where that is no word."""
        words = [word for word in join_words(item.transcript) if _middle_ms(word) >= item.piece.span.start_ms]
        if not words:
            return []
        span = Span(words[0].span.start_ms, max(words[0].span.start_ms + 1, words[-1].span.end_ms))
        return [Cue(id=NOW, span=span, text=" ".join(word.text for word in words), words=tuple(words))]

    def _cut(self, words: Sequence[Word]) -> list[Cue]:
        """Cut what may still change into captions: where one began when it was shown, one begins, and by the same id.

        A sentence that grows is cut where that is best for all of it, which would move edges that people have seen.
        """
        shown_ms = self._find_shown(words)
        begins_ms, cues = list[int](), list[Cue]()
        for first, end in pairwise(sorted({0, *shown_ms, len(words)})):
            for number, cue in enumerate(cues_from_words(words[first:end])):
                begins_ms.append(cue.span.start_ms if number else shown_ms.get(first, cue.span.start_ms))
                cues.append(cue)
        self._begins_ms = begins_ms
        return [replace(cue, id=f"s{self.segment}-{ms}") for cue, ms in zip(cues, begins_ms, strict=True)]

    def _find_shown(self, words: Sequence[Word]) -> dict[int, int]:
        """Where each caption that was shown began, by the word that begins it now; times differ when heard again."""
        found: dict[int, int] = {}
        free = 0
        for begin_ms in self._begins_ms:
            near = [at for at in range(free, len(words)) if abs(words[at].span.start_ms - begin_ms) < NEAR_MS]
            if near:
                first = min(near, key=lambda at: abs(words[at].span.start_ms - begin_ms))
                found[first], free = begin_ms, first + 1
        return found

    def _close(self, cues: Sequence[Cue]) -> None:
        """Set aside what no later piece can change."""
        settled = closed = 0
        for cue in cues[:-1]:
            if settled + len(cue.words) > len(self._words):
                break
            settled += len(cue.words)
            closed += 1
        self._closed += closed
        del self._words[:settled], self._begins_ms[:closed]


def shift_cues(cues: Iterable[Cue], offset_ms: int) -> list[Cue]:
    """Captions of a stream on the session clock; what was said before the session began is left out.

    Args:
        cues: in milliseconds of the stream.
        offset_ms: session time of the stream's beginning; negative where it began before the session.
    """
    return [_shifted(cue, offset_ms) for cue in cues if cue.span.start_ms + offset_ms >= 0]


def _shifted(cue: Cue, offset_ms: int) -> Cue:
    words = tuple(replace(word, span=word.span.shifted(offset_ms)) for word in cue.words)
    return replace(cue, span=cue.span.shifted(offset_ms), words=words)


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """A stretch of a recording whose words are there already; times are milliseconds of the recording.

    Attributes:
        span: the stretch.
        words: in order.
    """

    span: Span
    words: tuple[Word, ...]


def place_streams(streams: Sequence[HeardStream], clock: ClockMap, *, session_started_at: datetime) -> list[Known]:
    """What the live streams of a session tell of its recording, in order; stretches do not overlap."""
    known: list[Known] = []
    for stream in sorted(streams, key=lambda one: one.segment):
        offset_ms = ms_between(session_started_at, stream.started_at)
        words = stitch([HeardPiece(piece=item.piece, words=join_words(item.transcript)) for item in stream.items])
        for covered in heard_spans(stream):
            for piece in clock.pieces:
                session = Span(*(max(0, edge + offset_ms) for edge in (covered.start_ms, covered.end_ms)))
                if not piece.session.overlap_ms(session):
                    continue
                span = Span(piece.to_media_ms(session.start_ms), piece.to_media_ms(session.end_ms))
                floor_ms = known[-1].span.end_ms if known else 0
                span = Span(max(floor_ms, span.start_ms), max(floor_ms, span.end_ms))
                moved = (
                    replace(word, span=Span(*(piece.to_media_ms(max(0, edge + offset_ms)) for edge in _edges(word))))
                    for word in words
                    if covered.start_ms <= _middle_ms(word) < covered.end_ms
                    and piece.session.start_ms <= _middle_ms(word) + offset_ms <= piece.session.end_ms
                )
                known.append(Known(span=span, words=tuple(moved)))
    return [one for one in known if one.span.duration_ms]


def heard_spans(stream: HeardStream) -> tuple[Span, ...]:
    """The stretches of a stream of which everything that was said is known, in its milliseconds."""
    spans, before, end_ms = [], -1, 0
    for item in stream.items:
        if item.first == before + 1:  # between two pieces that follow each other nobody speaks
            spans.append(Span(end_ms, item.piece.span.end_ms))
        else:
            spans.append(item.piece.span)
        before, end_ms = item.last, item.piece.span.end_ms
    if stream.pieces is not None and before == stream.pieces - 1 and stream.end_ms > end_ms:
        spans.append(Span(end_ms, stream.end_ms))
    return merge_spans(spans)


def find_holes(known: Sequence[Known], clock: ClockMap, *, duration_ms: int) -> tuple[Span, ...]:
    """What of a recording nobody has heard yet, without what belongs to no session time."""
    holes = []
    for piece in clock.pieces:
        at_ms = piece.media.start_ms
        stop_ms = min(piece.media.end_ms, duration_ms)
        for one in known:
            if one.span.end_ms <= at_ms or one.span.start_ms >= stop_ms:
                continue
            if one.span.start_ms - at_ms >= LEAST_HOLE_MS:
                holes.append(Span(at_ms, one.span.start_ms))
            at_ms = max(at_ms, one.span.end_ms)
        if stop_ms - at_ms >= LEAST_HOLE_MS:
            holes.append(Span(at_ms, stop_ms))
    return merge_spans(holes, gap_ms=LEAST_HOLE_MS)


def plan_rest(
    known: Sequence[Known], holes: Sequence[Span], *, duration_ms: int
) -> list[tuple[Piece, tuple[Word, ...] | None]]:
    """A recording as pieces whose words are known, and pieces that are to be heard, in order.

    A piece to be heard reaches over into what is known on both sides, so that no word is lost where they meet.

    Returns:
        Each piece with its words; None for those that are to be heard.
    """
    parts: list[tuple[Span, tuple[Word, ...] | None]] = [(hole, None) for hole in holes]
    at_ms = 0
    for hole in (*holes, Span(duration_ms, duration_ms)):
        words = [w for one in known for w in one.words if at_ms <= _middle_ms(w) < max(hole.start_ms, at_ms)]
        if hole.start_ms > at_ms:
            parts.append((Span(at_ms, hole.start_ms), tuple(words)))
        at_ms = hole.end_ms
    planned = []
    for number, (span, said) in enumerate(sorted(parts, key=lambda part: part[0])):
        reach_ms = 0 if said is not None else _REST_REACH_MS
        read = Span(max(0, span.start_ms - reach_ms), min(duration_ms, span.end_ms + reach_ms))
        planned.append((Piece(number=number, span=span, read=read), said))
    return planned


def _edges(word: Word) -> tuple[int, int]:
    return word.span.start_ms, word.span.end_ms


def _middle_ms(word: Word) -> int:
    return (word.span.start_ms + word.span.end_ms) // 2
