"""Where recordings are cut."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamhub.timecode import Span
from streamhub.transcript.piece import FRAME_MS, PIECE_MS, SLACK_MS, Cut, find_cut, plan_pieces, plan_windows

HOUR_MS = 3_600_000
WINDOW = Span(570_000, 630_000)
FRAMES = WINDOW.duration_ms // FRAME_MS


def speech(*pauses: tuple[int, int]) -> list[float]:
    """Levels of a window in which somebody speaks but for these pauses, in milliseconds from its start."""
    levels = [-20.0 - 6 * (at % 7 == 0) for at in range(FRAMES)]
    for start_ms, end_ms in pauses:
        levels[start_ms // FRAME_MS : end_ms // FRAME_MS] = [-55.0] * ((end_ms - start_ms) // FRAME_MS)
    return levels


@pytest.mark.parametrize(
    ("duration_ms", "windows"),
    [(0, 0), (60_000, 0), (14 * 60_000, 0), (16 * 60_000, 1), (HOUR_MS, 5), (12 * HOUR_MS, 71)],
)
def test_long_recordings_are_cut_every_ten_minutes(duration_ms: int, windows: int) -> None:
    """A recording of little more than a piece stays whole; twelve hours are 72 pieces."""
    planned = plan_windows(duration_ms)
    assert len(planned) == windows
    assert all(window.duration_ms == 2 * SLACK_MS for window in planned)
    assert all(one.end_ms < other.start_ms for one, other in pairwise(planned))


def test_the_cut_lies_in_the_middle_of_the_longest_pause() -> None:
    """Of all pauses the longest one is taken, wherever it is in the window."""
    cut = find_cut(speech((2_000, 2_400), (50_000, 51_000), (29_000, 29_400)), WINDOW)
    assert cut == Cut(at_ms=WINDOW.start_ms + 50_500, pause_ms=1_000)


def test_of_long_pauses_the_one_near_the_middle_is_taken() -> None:
    """Pauses of more than a second and a half are as good as each other."""
    cut = find_cut(speech((1_000, 9_000), (31_000, 33_000)), WINDOW)
    assert cut == Cut(at_ms=WINDOW.start_ms + 32_000, pause_ms=2_000)


@pytest.mark.parametrize("level_db", [-20.0, -40.0])
def test_steady_noise_has_no_pause(level_db: float) -> None:
    """Music and applause are cut at their quietest moment, and the pieces overlap more there."""
    levels = [level_db + at % 3 for at in range(FRAMES)]
    levels[1000:1010] = [level_db - 5] * 10
    cut = find_cut(levels, WINDOW)
    assert not cut.pause_ms
    assert cut.at_ms == WINDOW.start_ms + 1005 * FRAME_MS
    assert cut.margin_ms > Cut(at_ms=0, pause_ms=9_000).margin_ms


@pytest.mark.parametrize("levels", [[], [-90.0] * FRAMES], ids=["ended", "silent"])
def test_silence_is_cut_in_the_middle(levels: list[float]) -> None:
    """Where nothing is heard at all, any place will do."""
    assert find_cut(levels, WINDOW) == Cut(at_ms=600_000, pause_ms=60_000)


@settings(deadline=None)
@given(levels=st.lists(st.integers(-100, 0), max_size=60), start_ms=st.integers(0, HOUR_MS))
def test_a_cut_is_always_in_its_window(levels: list[float], start_ms: int) -> None:
    """Whatever the sound is, the cut is where it was looked for, and the same every time."""
    window = Span(start_ms, start_ms + 60 * FRAME_MS)
    cut = find_cut(levels, window)
    assert window.start_ms <= cut.at_ms <= window.end_ms
    assert cut == find_cut(list(levels), window)


@settings(deadline=None)
@given(duration_ms=st.integers(1, 12 * HOUR_MS), seed=st.integers(0, 10_000))
def test_pieces_cover_the_recording_once(duration_ms: int, seed: int) -> None:
    """Every millisecond belongs to one piece, none is much too long, and each reads beyond its edges."""
    lots = random.Random(seed)
    cuts = [
        Cut(at_ms=lots.randint(window.start_ms, window.end_ms), pause_ms=lots.choice((0, 300, 2_000)))
        for window in plan_windows(duration_ms)
    ]
    pieces = plan_pieces(duration_ms, cuts)
    assert [piece.number for piece in pieces] == list(range(len(pieces)))
    assert pieces[0].span.start_ms == pieces[0].read.start_ms == 0
    assert pieces[-1].span.end_ms == pieces[-1].read.end_ms == duration_ms
    assert all(piece.read.duration_ms <= 1.6 * PIECE_MS for piece in pieces)
    for left, right in pairwise(pieces):
        assert left.span.end_ms == right.span.start_ms
        assert right.read.start_ms < left.span.end_ms < left.read.end_ms


@pytest.mark.parametrize(("pause_ms", "margin_ms"), [(300, 110), (600, 260), (5_000, 500)])
def test_no_piece_reads_into_a_word_beyond_a_pause(pause_ms: int, margin_ms: int) -> None:
    """Around a cut in a pause both pieces are read as far as the pause goes, and no farther."""
    assert Cut(at_ms=0, pause_ms=pause_ms).margin_ms == margin_ms
