"""The clock map: what holds for every recording, however broken."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.errors import BadInput
from streamhub.recording.recording import ClockMap, ClockPiece, Segment, plan_clock
from streamhub.recording.rules import cut_head, plan_head_cut, plan_lost_ms
from streamhub.timecode import Span

ZERO = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)


def _segments(entries):
    """Segments from pairs of (pause before in ms, may be negative; length in ms)."""
    at, segments = ZERO, []
    for number, (pause_ms, length_ms) in enumerate(entries, start=1):
        at += timedelta(milliseconds=pause_ms)
        segments.append(Segment(session_id="s", number=number, path="p", started_at=at, duration_ms=length_ms))
        at += timedelta(milliseconds=length_ms)
    return segments


@st.composite
def maps(draw):
    """Clock maps with gaps in both clocks and up to half a percent of drift."""
    session_ms = media_ms = 0
    pieces = []
    for _ in range(draw(st.integers(1, 6))):
        session_ms += draw(st.integers(0, 600_000))
        media_ms += draw(st.integers(0, 60_000))
        length_ms = draw(st.integers(1, 7_200_000))
        drift = draw(st.integers(-length_ms // 200, length_ms // 200))
        session = Span(session_ms, session_ms + length_ms)
        media = Span(media_ms, media_ms + max(1, length_ms + drift))
        pieces.append(ClockPiece(session, media))
        session_ms, media_ms = session.end_ms, media.end_ms
    return ClockMap(tuple(pieces))


PAUSES = st.lists(st.tuples(st.integers(-2_000, 600_000), st.integers(0, 7_200_000)), max_size=8)
HEADS = st.integers(-3_600_000, 3_600_000)


@given(maps(), st.data())
def test_there_and_back_is_within_a_millisecond(clock, data):
    """Session time to media time and back is the same time, within 1 ms and the drift's rounding."""
    piece = data.draw(st.sampled_from(clock.pieces))
    # Away from the shared edge of two pieces, where both answers are right.
    session_ms = data.draw(st.integers(piece.session.start_ms, piece.session.end_ms))
    media_ms = piece.to_media_ms(session_ms)
    assert abs(piece.to_session_ms(media_ms) - session_ms) <= 1
    assert clock.media_ms(session_ms) is not None


@given(maps(), st.lists(st.integers(0, 60_000_000), min_size=2))
def test_later_in_the_session_is_never_earlier_in_the_recording(clock, times):
    """Media time never runs backwards while session time goes on, gaps included."""
    media = [clock.nearest_media_ms(at_ms) for at_ms in sorted(times)]
    assert media == sorted(media)


@given(PAUSES, HEADS)
def test_every_recorded_stretch_after_going_live_is_mapped(entries, head_ms):
    """Of each segment, what lies after going live is in the map at its place in the joined media; the rest is not."""
    segments = _segments([(head_ms if n == 0 else pause, length) for n, (pause, length) in enumerate(entries)])
    clock = plan_clock(segments, session_started_at=ZERO)
    total_ms = sum(segment.duration_ms for segment in segments)
    assert all(piece.media.end_ms <= total_ms for piece in clock.pieces)
    assert all(piece.session.duration_ms == piece.media.duration_ms > 0 for piece in clock.pieces)
    if clock.pieces:
        assert clock.pieces[-1].media.end_ms <= total_ms
        assert clock.pieces[0].session.start_ms >= 0


@given(st.lists(st.tuples(st.integers(0, 600_000), st.integers(1, 7_200_000)), min_size=1, max_size=8))
def test_gaps_are_gaps(entries):
    """Where the encoder was away there is no media time, and the nearest one is where it came back."""
    segments = _segments(entries)
    clock = plan_clock(segments, session_started_at=ZERO)
    media_ms = 0
    for piece, segment in zip(clock.pieces, segments, strict=True):
        assert piece.session.start_ms == (segment.started_at - ZERO) // timedelta(milliseconds=1)
        assert piece.media == Span(media_ms, media_ms + segment.duration_ms)
        media_ms += segment.duration_ms
    for before, after in zip(clock.pieces, clock.pieces[1:], strict=False):
        gap = Span(before.session.end_ms, after.session.start_ms)
        if gap.duration_ms > 1:
            middle_ms = (gap.start_ms + gap.end_ms) // 2
            assert clock.media_ms(middle_ms) is None or middle_ms in (gap.start_ms, gap.end_ms)
            assert clock.nearest_media_ms(gap.start_ms + 1) == after.media.start_ms
            assert clock.media_spans(gap) == ()


@given(PAUSES)
def test_lost_and_recorded_time_make_the_session(entries):
    """What was lost and what was recorded add up to the length of the session."""
    segments = _segments([(abs(pause), length) for pause, length in entries])
    clock = plan_clock(segments, session_started_at=ZERO)
    end_ms = max((piece.session.end_ms for piece in clock.pieces), default=0) + 1234
    recorded_ms = sum(piece.session.duration_ms for piece in clock.pieces)
    assert plan_lost_ms(clock, session_ms=end_ms) + recorded_ms == end_ms
    assert plan_lost_ms(clock, session_ms=None) + recorded_ms == end_ms - 1234


@given(PAUSES, HEADS)
def test_cut_recordings_begin_with_the_session(entries, head_ms):
    """Without what came before going live, no segment begins earlier, and what came after is all there."""
    segments = _segments([(head_ms if n == 0 else abs(pause), length) for n, (pause, length) in enumerate(entries)])
    cuts = plan_head_cut(segments, live_at=ZERO)
    kept = [cut_head(segment, cuts[segment.number]) for segment in segments if segment.number in cuts]
    assert all(segment.started_at >= ZERO for segment in kept)
    whole = plan_clock(segments, session_started_at=ZERO)
    cut = plan_clock(kept, session_started_at=ZERO)
    assert [piece.session for piece in cut.pieces] == [piece.session for piece in whole.pieces]


def test_example_with_a_drop_out():
    """A session of two segments with a pause of a minute: the answer after the pause is found where it is."""
    clock = plan_clock(_segments([(-10_000, 70_000), (60_000, 30_000)]), session_started_at=ZERO)
    assert clock.media_ms(0) == 10_000
    assert clock.media_ms(60_000) == 70_000
    assert clock.media_ms(90_000) is None
    assert clock.nearest_media_ms(90_000) == 70_000
    assert clock.media_ms(125_000) == 75_000
    assert clock.session_ms(5_000) is None
    assert clock.media_spans(Span(50_000, 130_000)) == (Span(60_000, 70_000), Span(70_000, 80_000))
    assert plan_lost_ms(clock, session_ms=150_000) == 60_000


@given(maps(), st.integers(0, 60_000_000), st.integers(0, 7_200_000))
def test_a_stretch_lies_from_the_first_to_the_last_of_its_parts_in_the_recording(clock, start_ms, length_ms):
    """Whether it lies in one piece or in several: the shorter way to the answer says the same."""
    span = Span(start_ms, start_ms + length_ms)
    parts = clock.media_spans(span)
    assert clock.media_span(span) == (Span(parts[0].start_ms, parts[-1].end_ms) if parts else None)


def test_overlapping_pieces_are_refused():
    """A clock on which two pieces claim one time is no clock."""
    piece = ClockPiece(Span(0, 1000), Span(0, 1000))
    with pytest.raises(BadInput, match="overlaps"):
        ClockMap((piece, ClockPiece(Span(999, 2000), Span(1000, 2000))))


def test_empty_map_has_no_nearest_time():
    """Where nothing was recorded there is nothing near."""
    assert ClockMap(()).media_ms(0) is None
    with pytest.raises(BadInput, match="nothing was recorded"):
        ClockMap(()).nearest_media_ms(0)
