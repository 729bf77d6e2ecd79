"""The nouns of recording: segment, recording, clock map.

A clock map turns session time into media time piece by piece, so that a broken stream, a trimmed head or a replaced
video moves no answer. Session time is milliseconds since the session went live; media time is milliseconds since the
first frame of the recording.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from streamhub.errors import BadInput
from streamhub.timecode import Span, require_utc


@dataclass(frozen=True, slots=True, order=True)
class ClockPiece:
    """A stretch in which session time and media time run together, at a constant rate (1 but for drift).

    Attributes:
        session: the stretch on the session clock.
        media: the same stretch in the recording.
    """

    session: Span
    media: Span

    def to_media_ms(self, session_ms: int) -> int:
        """Media time of a session time; linear, clamped to the piece, rounded half up."""
        return _project(session_ms, self.session, self.media)

    def to_session_ms(self, media_ms: int) -> int:
        """Session time of a media time; linear, clamped to the piece, rounded half up."""
        return _project(media_ms, self.media, self.session)


def _project(at_ms: int, source: Span, target: Span) -> int:
    offset = min(max(at_ms, source.start_ms), source.end_ms) - source.start_ms
    if source.duration_ms == 0:
        return target.start_ms
    return target.start_ms + (2 * offset * target.duration_ms + source.duration_ms) // (2 * source.duration_ms)


@dataclass(frozen=True, slots=True)
class ClockMap:
    """Session clock to media clock, piece by piece.

    Pieces are sorted and overlap in neither clock; what lies between two pieces was not recorded.
    """

    pieces: tuple[ClockPiece, ...]

    def __post_init__(self) -> None:
        for before, after in zip(self.pieces, self.pieces[1:], strict=False):
            if after.session.start_ms < before.session.end_ms or after.media.start_ms < before.media.end_ms:
                raise BadInput(f"clock map: piece {after} overlaps or precedes {before}")

    @classmethod
    def identity(cls, duration_ms: int) -> ClockMap:
        """Session time is media time: an imported recording."""
        return cls((ClockPiece(Span(0, duration_ms), Span(0, duration_ms)),))

    def media_ms(self, session_ms: int) -> int | None:
        """Media time of a session time, or None where nothing was recorded."""
        for piece in self.pieces:
            if piece.session.start_ms <= session_ms <= piece.session.end_ms:
                return piece.to_media_ms(session_ms)
        return None

    def nearest_media_ms(self, session_ms: int) -> int:
        """Media time of a session time; inside a gap, the start of the next piece; outside, the nearest edge.

        Raises:
            BadInput: the map is empty.
        """
        if not self.pieces:
            raise BadInput("clock map: empty, nothing was recorded")
        for piece in self.pieces:
            if session_ms <= piece.session.end_ms:
                return piece.to_media_ms(session_ms)
        return self.pieces[-1].media.end_ms

    def session_ms(self, media_ms: int) -> int | None:
        """Session time of a media time, or None outside the recording."""
        for piece in self.pieces:
            if piece.media.start_ms <= media_ms <= piece.media.end_ms:
                return piece.to_session_ms(media_ms)
        return None

    def media_spans(self, session: Span) -> tuple[Span, ...]:
        """The stretches of the recording that hold a stretch of the session; empty where nothing was recorded."""
        spans = []
        for piece in self.pieces:
            if piece.session.overlap_ms(session):
                start_ms = max(piece.session.start_ms, session.start_ms)
                end_ms = min(piece.session.end_ms, session.end_ms)
                spans.append(Span(piece.to_media_ms(start_ms), piece.to_media_ms(end_ms)))
        return tuple(spans)

    def media_span(self, session: Span) -> Span | None:
        """From where to where in the recording a stretch of the session lies; None where nothing of it was recorded.

        Where session time is media time, that is the very span that was given.
        """
        start_ms, end_ms = session.start_ms, session.end_ms
        for piece in self.pieces:
            own, media = piece.session, piece.media
            if own.start_ms <= start_ms < end_ms <= own.end_ms:  # nearly always: all in one piece
                if own.duration_ms != media.duration_ms:
                    return Span(piece.to_media_ms(start_ms), piece.to_media_ms(end_ms))
                by_ms = media.start_ms - own.start_ms
                return Span(start_ms + by_ms, end_ms + by_ms) if by_ms else session
        spans = self.media_spans(session)
        return Span(spans[0].start_ms, spans[-1].end_ms) if spans else None


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaInfo:
    """What a packet scan found in a media file; the header is not believed.

    Attributes:
        duration_ms: end of the last packet.
        start_ms: start of the first packet.
        size_bytes: of the file.
        audio_codec: empty when there is no sound.
        video_codec: empty when there is no picture.
        width, height: of the picture in pixels, 0 without one.
        sample_rate_hz, channels: of the sound, 0 without it.
        container: the demuxer's name.
        tracks: how many sound tracks there are; those of the first are told above. 0 also where nobody counted.
    """

    duration_ms: int
    start_ms: int = 0
    size_bytes: int
    audio_codec: str = ""
    video_codec: str = ""
    width: int = 0
    height: int = 0
    sample_rate_hz: int = 0
    channels: int = 0
    container: str = ""
    tracks: int = 0


class SegmentState(StrEnum):
    """Whether a segment is still being written, whole, or saved after a crash."""

    OPEN = "open"
    CLOSED = "closed"
    RECOVERED = "recovered"


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """One uninterrupted stretch of an encoder's signal, recorded to one file.

    Attributes:
        session_id: the session.
        number: 1, 2, 3 ... within the session.
        path: relative to the media folder.
        started_at: instant of its first media byte, UTC.
        duration_ms: by packet scan; 0 while open.
        size_bytes: 0 while open.
        state: whether it is finished.
    """

    session_id: str
    number: int
    path: str
    started_at: datetime
    duration_ms: int = 0
    size_bytes: int = 0
    state: SegmentState = SegmentState.OPEN

    def __post_init__(self) -> None:
        require_utc(self.started_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """The finished, verified media of a session.

    Attributes:
        session_id: the session.
        path: relative to the media folder.
        sha256: of the file, hexadecimal.
        info: what the packet scan found.
        clock: session clock to media clock.
        lost_ms: session time that is in no segment (encoder gone), for the report.
        source: ``live`` or ``import``.
    """

    session_id: str
    path: str
    sha256: str
    info: MediaInfo
    clock: ClockMap
    lost_ms: int = 0
    source: str = "live"


def plan_clock(segments: Iterable[Segment], *, session_started_at: datetime) -> ClockMap:
    """The clock map of segments that are joined end to end in order of their numbers.

    What was recorded before the session went live stays in the media and has no session time. Where clocks disagree by
    a little, so that a segment seems to begin before its predecessor ended, it is moved to that end.
    """
    zero = require_utc(session_started_at)
    pieces: list[ClockPiece] = []
    media_ms = 0
    floor_ms = 0
    for segment in sorted(segments, key=lambda s: s.number):
        start_ms = round((segment.started_at - zero).total_seconds() * 1000)
        head_ms = max(0, floor_ms - start_ms) if not pieces else 0
        session_start_ms = max(start_ms + head_ms, floor_ms)
        kept_ms = segment.duration_ms - head_ms
        if kept_ms > 0:
            session = Span(session_start_ms, session_start_ms + kept_ms)
            pieces.append(ClockPiece(session, Span(media_ms + head_ms, media_ms + segment.duration_ms)))
            floor_ms = session.end_ms
        media_ms += segment.duration_ms
    return ClockMap(tuple(pieces))
