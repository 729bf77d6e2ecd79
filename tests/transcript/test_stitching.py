"""Words of pieces become the words of the recording: random cuts of real transcripts."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamhub.timecode import Span
from streamhub.transcript.piece import Cut, Piece, plan_pieces
from streamhub.transcript.stitching import HeardPiece, stitch
from streamhub.transcript.transcript import Word

DATA = Path(__file__).parents[1] / "data" / "stitching"
MAX_JITTER_MS = 140  # a pause has 300 ms, half of it on each side of the cut


def spoken(language: str, seed: int, count: int = 400) -> tuple[Word, ...]:
    """A stretch of a real transcript as somebody may speak it: words by their letters, pauses here and there."""
    lots = random.Random(seed)
    text = (DATA / f"{language}.txt").read_text("utf-8").split()
    first = lots.randrange(len(text) - count)
    at_ms, words = lots.randrange(3000), []
    for one in text[first : first + count]:
        end_ms = at_ms + 90 + 55 * len(one)
        words.append(Word(one, Span(at_ms, end_ms)))
        pause_ms = lots.choice((300, 500, 900, 2500)) if lots.random() < 0.12 else lots.choice((0, 0, 20, 60))
        at_ms = end_ms + pause_ms
    return tuple(words)


def choose_cuts(words: tuple[Word, ...], seed: int, count: int) -> list[Cut]:
    """Cuts at random, at least 20 s apart: in pauses where they fall into one, else through whatever is said."""
    lots = random.Random(seed)
    cuts: list[Cut] = []
    for at_ms in sorted(lots.randrange(words[0].span.start_ms, words[-1].span.end_ms) for _ in range(count)):
        if cuts and at_ms - cuts[-1].at_ms < 20_000:
            continue
        pauses = [
            ((left.span.end_ms + right.span.start_ms) // 2, right.span.start_ms - left.span.end_ms)
            for left, right in pairwise(words)
            if right.span.start_ms - left.span.end_ms >= 300 and abs(left.span.end_ms - at_ms) < 1_000
        ]
        place_ms, pause_ms = pauses[0] if pauses else (at_ms, 0)
        cut = Cut(at_ms=place_ms, pause_ms=pause_ms)
        if not cuts or cut.at_ms - cuts[-1].at_ms >= 18_000:
            cuts.append(cut)
    return cuts


def hear(words: tuple[Word, ...], piece: Piece, lots: random.Random) -> HeardPiece:
    """What is heard in a piece: whole words, with times a little off; of those that are cut off nothing, or rubbish."""
    heard: list[Word] = []
    floor_ms = 0
    for word in words:
        shared_ms = word.span.overlap_ms(piece.read)
        if not shared_ms:
            continue
        text = word.text
        if shared_ms < word.span.duration_ms:
            if lots.random() < 0.5:
                continue
            text = "äh"
        start_ms = max(floor_ms, word.span.start_ms + lots.randint(-MAX_JITTER_MS, MAX_JITTER_MS))
        end_ms = max(start_ms + 20, word.span.end_ms + lots.randint(-MAX_JITTER_MS, MAX_JITTER_MS))
        heard.append(Word(text, Span(start_ms, end_ms)))
        floor_ms = start_ms
    return HeardPiece(piece=piece, words=tuple(heard))


@settings(deadline=None)
@given(
    language=st.sampled_from(["de", "en"]),
    speech_seed=st.integers(0, 10_000),
    cut_seed=st.integers(0, 10_000),
    hearing_seed=st.integers(0, 10_000),
    count=st.integers(0, 12),
)
def test_no_word_is_lost_none_is_doubled_and_time_runs_forwards(
    language: str, speech_seed: int, cut_seed: int, hearing_seed: int, count: int
) -> None:
    """However a real transcript is cut, and whatever is heard at the edges, it comes back word for word."""
    words = spoken(language, speech_seed)
    pieces = plan_pieces(words[-1].span.end_ms + 1_000, choose_cuts(words, cut_seed, count))
    lots = random.Random(hearing_seed)
    stitched = stitch([hear(words, piece, lots) for piece in pieces])
    assert [word.text for word in stitched] == [word.text for word in words]
    assert all(one.span.start_ms <= other.span.start_ms for one, other in pairwise(stitched))
    for word, truth in zip(stitched, words, strict=True):
        assert abs(word.span.start_ms - truth.span.start_ms) <= 3 * MAX_JITTER_MS


@settings(deadline=None)
@given(
    speech_seed=st.integers(0, 10_000),
    cut_seed=st.integers(0, 10_000),
    hearing_seed=st.integers(0, 10_000),
    misheard=st.floats(0, 0.3),
)
def test_words_that_are_heard_differently_cost_no_other_word(
    speech_seed: int, cut_seed: int, hearing_seed: int, misheard: float
) -> None:
    """Two hearings that disagree about some words of the overlap still make as many words as were spoken."""
    words = spoken("de", speech_seed)
    pieces = plan_pieces(words[-1].span.end_ms + 1_000, choose_cuts(words, cut_seed, 6))
    lots = random.Random(hearing_seed)
    parts = []
    for piece in pieces:
        part = hear(words, piece, lots)
        other = [replace(word, text=f"{word.text}x") if lots.random() < misheard else word for word in part.words]
        parts.append(replace(part, words=tuple(other)))
    stitched = stitch(parts)
    assert [word.text.removesuffix("x") for word in stitched] == [word.text.removesuffix("x") for word in words]


def test_one_piece_stays_as_it_was_heard() -> None:
    """A recording that was not cut is not touched."""
    words = spoken("en", 1)
    (piece,) = plan_pieces(words[-1].span.end_ms, [])
    assert stitch([HeardPiece(piece=piece, words=words)]) == words


def test_the_order_of_arrival_does_not_matter() -> None:
    """Pieces that were finished in another order make the same words."""
    words = spoken("de", 2)
    pieces = plan_pieces(words[-1].span.end_ms, choose_cuts(words, 3, 8))
    assert len(pieces) > 3
    parts = [hear(words, piece, random.Random(4)) for piece in pieces]
    assert stitch(parts) == stitch(parts[::-1])


@pytest.mark.parametrize("silent", [0, 1, 2])
def test_a_piece_in_which_nobody_speaks_costs_its_neighbours_nothing(silent: int) -> None:
    """A piece without words leaves the others' words as they are, up to its edges."""
    words = tuple(Word(f"w{n}", Span(n * 400, n * 400 + 300)) for n in range(300))
    pieces = plan_pieces(120_000, [Cut(at_ms=40_000, pause_ms=0), Cut(at_ms=80_000, pause_ms=0)])
    parts = [hear(words, piece, random.Random(5)) for piece in pieces]
    parts[silent] = replace(parts[silent], words=())
    said = [word.text for word in stitch(parts)]
    assert len(said) == len(set(said)) == 200


def test_a_piece_that_a_person_skipped_leaves_a_hole_and_no_twins() -> None:
    """Where a piece is missing altogether, what its neighbours heard beyond the cut stays."""
    words = tuple(Word(f"w{n}", Span(n * 400, n * 400 + 300)) for n in range(300))
    pieces = plan_pieces(120_000, [Cut(at_ms=40_000, pause_ms=0), Cut(at_ms=80_000, pause_ms=0)])
    first, _, last = (hear(words, piece, random.Random(6)) for piece in pieces)
    said = [word.text for word in stitch([first, last])]
    assert said == [word.text for word in (*first.words, *last.words)]
