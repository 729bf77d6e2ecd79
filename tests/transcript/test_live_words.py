"""Words of a session that is still running: pieces of flowing sound, turns, captions that settle, and what is left."""

from __future__ import annotations

import random
import wave
from array import array
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streamhub.recording.recording import ClockMap, ClockPiece
from streamhub.timecode import Span
from streamhub.transcript.flow import MOST_MS, PAUSE_MS, Flow
from streamhub.transcript.live_turns import MOST_WAITING_MS, WINDOW_MS, Turns
from streamhub.transcript.live_words import (
    CaptionLine,
    HeardItem,
    HeardStream,
    find_holes,
    heard_spans,
    place_streams,
    plan_rest,
    shift_cues,
)
from streamhub.transcript.piece import FRAME_MS, Piece
from streamhub.transcript.rules import cues_from_words
from streamhub.transcript.stitching import HeardPiece, stitch
from streamhub.transcript.transcript import Transcript, Word
from tests.transcript.test_stitching import spoken

BEGAN = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)


def levels_of(words: tuple[Word, ...], *, tail_ms: int = 3_000) -> list[float]:
    """Loudness while these words are spoken, with the rests between them."""
    frames = [-58.0] * ((words[-1].span.end_ms + tail_ms) // FRAME_MS)
    for word in words:
        for at in range(word.span.start_ms // FRAME_MS, -(-word.span.end_ms // FRAME_MS)):
            frames[at] = -22.0 - at % 5
    return frames


def flowing(words: tuple[Word, ...], step: int = 37) -> list[Piece]:
    """The pieces that the sound of these words is cut into while it flows."""
    flow, levels, pieces = Flow(), levels_of(words), list[Piece]()
    for at in range(0, len(levels), step):
        pieces += flow.take(levels[at : at + step])
    return pieces + flow.finish()


def hear(words: tuple[Word, ...], piece: Piece) -> HeardItem:
    """What a perfect recogniser hears in a piece: every word that it holds whole."""
    inside = [w for w in words if piece.read.start_ms <= w.span.start_ms and w.span.end_ms <= piece.read.end_ms]
    transcript = Transcript(language="de", cues=cues_from_words(inside), made_with="perfect")
    return HeardItem(first=piece.number, last=piece.number, piece=piece, transcript=transcript)


@given(seed=st.integers(0, 2**20), step=st.integers(1, 90))
@settings(max_examples=40)
def test_every_word_is_in_one_piece_soon_after_it_was_spoken(seed: int, step: int) -> None:
    """Pieces follow each other, hold each word whole, and end in pauses or before they are too long."""
    words = spoken("de", seed, count=120)
    pieces = flowing(words, step)
    assert [piece.number for piece in pieces] == list(range(len(pieces)))
    assert all(one.span.end_ms <= other.span.start_ms for one, other in pairwise(pieces))
    assert all(piece.span.duration_ms <= MOST_MS + 2_000 for piece in pieces)
    for word in words:
        assert any(
            piece.read.start_ms <= word.span.start_ms and word.span.end_ms <= piece.read.end_ms for piece in pieces
        ), word
    heard = stitch(
        [
            HeardPiece(
                piece=piece,
                words=hear(words, piece).transcript.cues
                and tuple(word for cue in hear(words, piece).transcript.cues for word in cue.words),
            )
            for piece in pieces
        ]
    )
    assert [word.text for word in heard] == [word.text for word in words]


def test_a_sentence_is_complete_half_a_second_after_its_last_word() -> None:
    """The piece is there as soon as the pause is long enough, not when the next sentence begins."""
    flow = Flow()
    said = [-20.0] * (3_000 // FRAME_MS)
    assert not flow.take(said)
    assert flow.growing() == Span(0, 3_000)
    (piece,) = flow.take([-58.0] * (PAUSE_MS // FRAME_MS))
    assert piece.span.start_ms == 0
    assert 3_000 < piece.span.end_ms < 3_000 + PAUSE_MS
    assert flow.growing() is None


def test_silence_and_room_tone_are_no_pieces() -> None:
    """Ten minutes in which nobody says anything cost no turn of the recogniser, and no memory."""
    flow, lots = Flow(), random.Random(3)
    assert not flow.take([lots.uniform(-60.0, -52.0) for _ in range(30_000)])
    assert not flow.finish()
    assert len(flow.levels_db) * FRAME_MS < 5_000


def test_a_short_word_after_silence_is_not_cut_off() -> None:
    """Who says no more than "yes" is heard, with a little silence before it and not seconds of it."""
    flow = Flow()
    flow.take([-58.0] * 600)
    pieces = flow.take([-24.0] * 20) + flow.take([-58.0] * 100)
    (piece,) = pieces
    assert piece.read.start_ms <= 12_000 - 100
    assert piece.read.start_ms >= 12_000 - 700
    assert piece.read.end_ms >= 12_400


def jittered(words: tuple[Word, ...], most_ms: int, lots: random.Random) -> tuple[Word, ...]:
    """The same words as heard another time: each may begin a little earlier or later."""
    shifts = (lots.randint(-most_ms, most_ms) for _ in words)
    return tuple(
        replace(w, span=w.span.shifted(max(by, -w.span.start_ms))) for w, by in zip(words, shifts, strict=True)
    )


@given(seed=st.integers(0, 2**20), jitter_ms=st.sampled_from([0, 20, 70]))
@example(seed=356, jitter_ms=0)  # a sentence that grew by a third piece was cut anew where its second half had begun
@settings(max_examples=25)
def test_captions_settle_and_their_ids_stay(seed: int, jitter_ms: int) -> None:
    """However the sound is cut: no word lost, none twice, and a caption keeps its id while its sentence grows."""
    words, lots = spoken("en", seed, count=150), random.Random(seed)
    line, ids = CaptionLine(3), list[str]()
    settled: dict[str, str] = {}
    for piece in flowing(words):
        line.add(hear(jittered(words, jitter_ms, lots), piece))
        now = [cue.id for cue in line.cues]
        assert now[: len(ids)] == ids, "an id changed that somebody may have linked"
        for cue in line.cues[:-3]:
            assert settled.setdefault(cue.id, cue.text) == cue.text
        ids = now
    assert " ".join(cue.text for cue in line.cues) == " ".join(word.text for word in words)
    assert len(set(ids)) == len(ids)


def test_what_was_said_before_the_session_is_nobodys_business() -> None:
    """Captions that begin before the session went live are left out; the others stand on its clock."""
    words = spoken("de", 5, count=80)
    cues = cues_from_words(words)
    offset_ms = -cues[2].span.start_ms + 100
    shown = shift_cues(cues, offset_ms)
    assert [cue.text for cue in shown] == [cue.text for cue in cues[2:]]
    assert shown[0].span.start_ms == 100


def stream(words: tuple[Word, ...], *, lost: set[int], ended: bool = True) -> HeardStream:
    """A stream in which some pieces were left out."""
    pieces = flowing(words)
    items = tuple(hear(words, piece) for piece in pieces if piece.number not in lost)
    end_ms = (words[-1].span.end_ms + 3_000) // FRAME_MS * FRAME_MS
    return HeardStream(
        segment=1,
        started_at=BEGAN,
        items=items,
        pieces=len(pieces) if ended else None,
        end_ms=end_ms if ended else 0,
    )


@given(seed=st.integers(0, 2**20), lost=st.sets(st.integers(0, 30), max_size=4), ended=st.booleans())
@settings(max_examples=25)
def test_live_words_and_the_rest_are_the_whole_recording(seed: int, lost: set[int], ended: bool) -> None:
    """What was not heard live is heard afterwards, and nothing else; together every word is there once."""
    words = spoken("de", seed, count=150)
    live = stream(words, lost=lost, ended=ended)
    duration_ms = words[-1].span.end_ms + 3_000
    clock = ClockMap.identity(duration_ms)
    known = place_streams([live], clock, session_started_at=BEGAN)
    holes = find_holes(known, clock, duration_ms=duration_ms)
    plan = plan_rest(known, holes, duration_ms=duration_ms)
    assert [piece.number for piece, _ in plan] == list(range(len(plan)))
    assert plan[0][0].span.start_ms == 0
    assert plan[-1][0].span.end_ms == duration_ms
    assert all(one.span.end_ms == other.span.start_ms for (one, _), (other, _) in pairwise(plan))
    if not lost and ended:
        assert not holes, "everything was heard, and something would be heard again"
    parts = [
        HeardPiece(
            piece=piece,
            words=said
            if said is not None
            else tuple(w for cue in hear(words, piece).transcript.cues for w in cue.words),
        )
        for piece, said in plan
    ]
    assert [word.text for word in stitch(parts)] == [word.text for word in words]


def test_a_stream_that_began_before_the_session_and_one_after_a_break_find_their_places() -> None:
    """Words of two streams stand where the joined recording has them; what came before the session is not there."""
    words = spoken("de", 9, count=60)
    length_ms = words[-1].span.end_ms + 3_000
    first = stream(words, lost=set())
    second = HeardStream(
        segment=2,
        started_at=BEGAN + timedelta(milliseconds=length_ms + 20_000),
        items=first.items,
        pieces=first.pieces,
        end_ms=first.end_ms,
    )
    live_at = BEGAN + timedelta(seconds=10)
    clock = ClockMap(
        (
            ClockPiece(Span(0, length_ms - 10_000), Span(10_000, length_ms)),
            ClockPiece(Span(length_ms + 10_000, 2 * length_ms + 10_000), Span(length_ms, 2 * length_ms)),
        )
    )
    known = place_streams([second, first], clock, session_started_at=live_at)
    said = [word for one in known for word in one.words]
    late = [word for word in words if (word.span.start_ms + word.span.end_ms) // 2 >= 10_000]
    assert [word.text for word in said] == [word.text for word in (*late, *words)]
    assert said[1].span == late[1].span, "the first stream's media clock is the recording's"
    assert said[len(late)].span.start_ms == words[0].span.start_ms + length_ms
    assert all(one.span.end_ms <= other.span.start_ms for one, other in pairwise(known))
    assert not find_holes(known, clock, duration_ms=2 * length_ms)


def test_between_pieces_that_follow_each_other_nobody_speaks() -> None:
    """A gap between heard pieces is silence; one where a piece is missing is a hole; the end has to be known."""
    words = spoken("en", 4, count=80)
    whole = stream(words, lost=set())
    assert heard_spans(whole) == (Span(0, whole.end_ms),)
    assert len(heard_spans(stream(words, lost={1}))) == 2
    assert heard_spans(stream(words, lost=set(), ended=False)) == (Span(0, whole.items[-1].piece.span.end_ms),)


def piece_of(number: int, start_ms: int, length_ms: int = 4_000) -> Piece:
    span = Span(start_ms, start_ms + length_ms)
    return Piece(number=number, span=span, read=Span(max(0, start_ms - 200), start_ms + length_ms + 200))


def test_complete_pieces_come_first_and_sessions_take_turns() -> None:
    """What is being said waits for what was said; two shows are heard by turns."""
    turns = Turns()
    turns.grow("a", 1, Span(0, 900), Span(0, 900))
    turns.add("b", 1, piece_of(0, 0))
    turns.add("a", 1, piece_of(0, 0))
    turns.add("b", 1, piece_of(1, 9_000))
    turns.grow("b", 1, Span(20_000, 21_000), Span(20_000, 21_000))
    order = []
    while turn := turns.next():
        order.append((turn.session_id, [piece.number for piece in turn.pieces], turn.growing is not None))
    assert order == [("b", [0], False), ("a", [0], False), ("b", [1], False), ("b", [], True)]


def test_pieces_that_wait_are_heard_together_within_one_window() -> None:
    """A recogniser that is behind hears what follows on each other at once, never over a gap or beyond its window."""
    turns = Turns()
    for number in range(10):
        turns.add("a", 1, piece_of(number, number * 4_000))
    turns.add("a", 1, piece_of(10, 60_000))
    turns.add("a", 2, piece_of(0, 0))
    batches = []
    while turn := turns.next():
        batches.append((turn.stream, [piece.number for piece in turn.pieces]))
        assert turn.pieces[-1].read.end_ms - turn.pieces[0].read.start_ms <= WINDOW_MS
    assert batches == [(1, [0, 1, 2, 3, 4, 5]), (1, [6, 7, 8, 9]), (1, [10]), (2, [0])]


@given(lengths=st.lists(st.integers(500, 14_000), min_size=1, max_size=60), seed=st.integers(0, 999))
def test_nothing_is_lost_but_the_oldest_of_what_waits_too_long(lengths: list[int], seed: int) -> None:
    """Each piece is heard once or left out once, and never more waits than can be made up for."""
    lots, turns, at_ms = random.Random(seed), Turns(), 0
    heard, left = list[int](), list[int]()
    for number, length_ms in enumerate(lengths):
        left += [piece.number for _, _, piece in turns.add("a", 1, piece_of(number, at_ms, length_ms))]
        at_ms += length_ms
        assert turns.waiting_ms("a") <= MOST_WAITING_MS
        if lots.random() < 0.2 and (turn := turns.next()):
            heard += [piece.number for piece in turn.pieces]
    while turn := turns.next():
        heard += [piece.number for piece in turn.pieces]
    assert heard == sorted(heard)
    assert sorted([*heard, *left]) == list(range(len(lengths)))
    assert not turns.waiting_ms("a")


def test_joined_sound_keeps_every_sample_in_its_place(tmp_path: Path) -> None:
    """Sound of pieces that overlap, touch or have a gap between them is as long as it is, each sample once."""
    from streamhub.transcript.live_files import join_sound, piece_file

    reads = [Span(1_000, 2_000), Span(1_600, 3_000), Span(3_000, 3_500), Span(4_000, 5_000)]
    pieces = [Piece(number=number, span=read, read=read) for number, read in enumerate(reads)]
    for piece in pieces:
        with wave.open(str(tmp_path / piece_file(piece.number)), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            span = range(piece.read.start_ms * 16, piece.read.end_ms * 16)
            file.writeframes(array("h", [at % 30_000 + 1 for at in span]).tobytes())
    with wave.open(str(join_sound(tmp_path, pieces)), "rb") as file:
        samples = array("h", file.readframes(file.getnframes()))
    wanted = [at % 30_000 + 1 if not 3_500 * 16 <= at < 4_000 * 16 else 0 for at in range(16_000, 80_000)]
    assert list(samples) == wanted


@pytest.mark.parametrize("missing", ["stream.json", "ended.json", "00000.json"])
def test_files_that_a_crash_damaged_count_as_never_written(missing: str, tmp_path: Path) -> None:
    """A damaged file of what was heard makes a hole at most, and never an error at the end of a show."""
    from streamhub.transcript.live_files import load_streams, open_stream, save_end, save_item

    words = spoken("de", 2, count=60)
    folder = open_stream(tmp_path, 1, BEGAN)
    pieces = flowing(words)
    for piece in pieces:
        save_item(folder, hear(words, piece))
    save_end(folder, pieces=len(pieces), end_ms=90_000)
    (whole,) = load_streams(tmp_path)
    assert whole.pieces == len(whole.items) == len(pieces)
    (folder / missing).write_bytes(b'{"half": ')
    after = load_streams(tmp_path)
    if missing == "stream.json":
        assert after == []
    else:
        assert after[0].pieces is None or len(after[0].items) == len(pieces) - 1
