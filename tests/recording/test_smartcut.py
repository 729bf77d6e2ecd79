"""Which frames a clip takes over: whatever the order of decoding, each frame is there once, in whole runs."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.errors import BadMedia
from streamhub.recording.smartcut import Frame, Frames, merge_configs, plan_cut, plan_dts, split_config
from streamhub.timecode import Span

STEP = 40


@st.composite
def recordings(draw: st.DrawFn) -> Frames:
    """Groups of pictures with B-frames: each pair or triple is decoded last first; some groups are open."""
    frames: list[Frame] = []
    shown = 0
    for _ in range(draw(st.integers(1, 5))):
        opens = draw(st.booleans()) or not frames
        frames.append(Frame(shown * STEP, opens))
        shown += 1
        for _ in range(draw(st.integers(0, 5))):
            size = draw(st.integers(1, 3))
            group = [(shown + n) * STEP for n in range(size)]
            frames += [Frame(pts, False) for pts in (group[-1], *group[:-1])]
            shown += size
    return Frames(unit=Fraction(1, 1000), zero=0, codec="h264", config=b"", frames=tuple(frames))


@given(recordings(), st.integers(0, 3000), st.integers(1, 3000))
def test_every_frame_of_a_stretch_is_in_it_once(found: Frames, start: int, length: int) -> None:
    """The pieces hold exactly the frames that begin in the stretch; what is taken over is a run in decoding order."""
    span = Span(start, start + length)
    inside = sorted(frame.pts for frame in found.frames if start <= frame.pts < start + length)
    if not inside:
        with pytest.raises(BadMedia):
            plan_cut(found, span)
        return
    cut = plan_cut(found, span)
    assert sorted(pts for piece in cut.pieces for pts in piece.times) == inside
    assert (cut.start, cut.end) == (inside[0], inside[-1] + (STEP if len(found.frames) > 1 else 1))
    order = [frame.pts for frame in found.frames]
    opening = {frame.pts for frame in found.frames if frame.opens}
    for piece in cut.pieces:
        assert piece.decode_from <= min(piece.times)
        if piece.copied:
            first = order.index(piece.times[0])
            assert piece.times[0] in opening
            assert list(piece.times) == order[first : first + len(piece.times)]
            ran = sorted(piece.times)
            assert ran == [pts for pts in inside if ran[0] <= pts <= ran[-1]]


@given(st.lists(st.integers(0, 10_000), unique=True, min_size=1))
def test_nothing_is_decoded_after_it_is_shown(times: list[int]) -> None:
    """Times of decoding go up, and none is later than its frame is shown."""
    decoded = plan_dts(times)
    assert decoded == sorted(set(decoded))
    assert all(early <= late for early, late in zip(decoded, times, strict=True))


def test_parameter_sets_are_added_and_what_follows_stays() -> None:
    """Sets of another encoder stand behind the recording's own; the rest of the configuration is untouched."""
    own = bytes.fromhex("0164000cffe10004aabbccdd01000211 22fdf8f800".replace(" ", ""))
    other = bytes.fromhex("0164000cffe10003010203010001 09".replace(" ", ""))
    merged = merge_configs(own, [other])
    assert split_config(merged) == (
        [bytes.fromhex("aabbccdd"), b"\x01\x02\x03"],
        [b"\x11\x22", b"\x09"],
        bytes.fromhex("fdf8f800"),
    )
    assert merged[:5] == own[:5]
