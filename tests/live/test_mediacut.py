"""Readers of container streams and the backlog behind them: pure, so tried with anything."""

import io
import itertools
import subprocess

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamhub.errors import BadInput
from streamhub.live.backlog import Backlog
from streamhub.live.flv import FlvReader, Part, classify_tag
from streamhub.live.mediacut import Piece
from streamhub.live.mpegts import PACKET_BYTES, TsReader
from streamhub.live.rtmp_wire import FLV_HEADER, Kind, Message, render_tag

AVC_KEY = b"\x17\x01\x00\x00\x00key"
AVC_DELTA = b"\x27\x01\x00\x00\x00delta"
AVC_SETUP = b"\x17\x00\x00\x00\x00setup"
AAC_SETUP = b"\xaf\x00\x12\x10"
AAC_SOUND = b"\xaf\x01sound"


def flv(*tags):
    """An FLV stream of (kind, time, payload)."""
    return FLV_HEADER + b"".join(
        render_tag(Message(kind, time & 0xFFFFFFFF, 1, 4, payload)) for kind, time, payload in tags
    )


def feed(reader, data, cuts=()):
    """All pieces of a stream that comes cut at these places."""
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [piece for a, b in itertools.pairwise(places) for piece in reader.feed(data[a:b])]


@pytest.fixture(scope="module")
def make(program):
    def make_one(container, *, video=True, audio=True, seconds=4):
        argv = [str(program), "-v", "error"]
        if video:
            argv += ["-f", "lavfi", "-i", f"testsrc2=s=160x90:r=25:d={seconds}"]
        if audio:
            argv += ["-f", "lavfi", "-i", f"sine=f=440:r=48000:d={seconds}"]
        argv += [
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-bf",
            "2",
            "-pix_fmt",
            "yuv420p",
            "-g",
            "25",
            "-c:a",
            "aac",
        ]
        return subprocess.run([*argv, "-f", container, "pipe:1"], check=True, stdout=subprocess.PIPE).stdout

    return make_one


@pytest.mark.parametrize(
    ("kind", "payload", "part"),
    [
        (Kind.VIDEO, AVC_SETUP, Part.SETUP),
        (Kind.VIDEO, AVC_KEY, Part.KEY),
        (Kind.VIDEO, AVC_DELTA, Part.MEDIA),
        (Kind.VIDEO, b"\x17\x02\x00\x00\x00", Part.NOTHING),
        (Kind.VIDEO, b"\x12xx", Part.KEY),
        (Kind.VIDEO, b"\x22xx", Part.MEDIA),
        (Kind.VIDEO, b"\x90hvc1setup", Part.SETUP),
        (Kind.VIDEO, b"\x91hvc1key", Part.KEY),
        (Kind.VIDEO, b"\x93av01key", Part.KEY),
        (Kind.VIDEO, b"\xa1hvc1delta", Part.MEDIA),
        (Kind.VIDEO, b"\x92hvc1", Part.NOTHING),
        (Kind.VIDEO, b"\x94hdr", Part.MEDIA),
        (Kind.VIDEO, b"\x96\x00hvc1setup", Part.SETUP),
        (Kind.VIDEO, b"\x96\x01hvc1key", Part.KEY),
        (Kind.VIDEO, b"\x97\x02abc\x01hvc1key", Part.KEY),
        (Kind.VIDEO, b"\x97\x02abc\x00hvc1setup", Part.SETUP),
        (Kind.VIDEO, b"\x17", Part.NOTHING),
        (Kind.AUDIO, AAC_SETUP, Part.SETUP),
        (Kind.AUDIO, AAC_SOUND, Part.MEDIA),
        (Kind.AUDIO, b"\x2fmp3", Part.MEDIA),
        (Kind.AUDIO, b"\x90OpusHead", Part.SETUP),
        (Kind.AUDIO, b"\x91Opussound", Part.MEDIA),
        (Kind.DATA, b"\x02\x00\x0aonMetaData\x08", Part.METADATA),
        (Kind.DATA, b"\x02\x00\x0aonTextData\x08", Part.NOTHING),
    ],
)
def test_tags_are_told_apart(kind, payload, part):
    """Setup, key frame, other media and what is none of them, in the old tags and in the enhanced ones."""
    assert classify_tag(kind, payload) is part


@given(payload=st.binary(max_size=40), kind=st.sampled_from([8, 9, 18, 3]))
def test_any_tag_is_something(payload, kind):
    """No payload, however broken, makes the reader fail."""
    assert classify_tag(kind, payload) in Part


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(0, 2**20), max_size=30))
@pytest.mark.parametrize("container", ["flv", "mpegts"])
def test_cutting_does_not_depend_on_how_the_bytes_come(make, container, cuts):
    """The same media comes out whole and begins groups at the same times, wherever the network cut it."""
    media = _cache.setdefault(container, make(container) if container not in _cache else b"")
    whole, cut = (FlvReader(), FlvReader()) if container == "flv" else (TsReader(take=1), TsReader(take=1))
    expected, found = feed(whole, media), feed(cut, media, cuts)
    assert b"".join(piece.data for piece in found) == b"".join(piece.data for piece in expected)
    assert [piece.time_ms for piece in found if piece.opens] == [piece.time_ms for piece in expected if piece.opens]
    assert sum(piece.opens for piece in expected) == 4
    if container == "mpegts":
        assert b"".join(piece.data for piece in expected) == media


_cache = {}


def test_what_comes_out_is_the_same_flv(make):
    """Head and pieces, rendered at their times, are a file with the packets of the first."""
    media = make("flv")
    reader = FlvReader()
    pieces = reader.feed(media)
    again = reader.render_head() + b"".join(reader.render(piece, piece.time_ms) for piece in pieces)

    def packets(data):
        with av.open(io.BytesIO(data), format="flv") as file:
            return [(p.stream.type, p.dts, p.pts, bytes(p)) for p in file.demux() if p.size]

    assert packets(again) == packets(media)


def test_header_says_what_is_there():
    """A stream of sound alone is not announced as having a picture, for which a reader would wait."""
    reader = FlvReader()
    reader.feed(flv((Kind.AUDIO, 0, AAC_SETUP), *((Kind.AUDIO, t, AAC_SOUND) for t in range(0, 1400, 20))))
    assert not reader.settled
    pieces = reader.feed(b"".join(render_tag(Message(8, t, 1, 4, AAC_SOUND)) for t in range(1400, 4000, 20)))
    assert reader.settled
    assert reader.render_head()[4] == 4
    assert [piece.time_ms for piece in pieces if piece.opens] == [1500, 2500, 3500]


def test_times_run_on_over_their_wrapping():
    """After 49 days the 32 bits of FLV begin anew, and after 26 hours the 33 of MPEG-TS; a reader does not notice."""
    reader = FlvReader()
    times = [2**32 - 60, 2**32 - 20, 2**32 + 20, 2**32 + 10, 2**32 + 60]
    pieces = reader.feed(flv((Kind.VIDEO, 2**32 - 60, AVC_SETUP), *((Kind.VIDEO, t, AVC_KEY) for t in times)))
    assert [piece.time_ms for piece in pieces] == times


def test_sound_in_mpegts_opens_groups_where_there_is_no_picture(make):
    """MPEG-TS without a picture begins a group about every second, once it is clear that none will come."""
    reader = TsReader(take=1)
    opened = [piece.time_ms for piece in feed(reader, make("mpegts", video=False, seconds=6)) if piece.opens]
    assert len(opened) in (4, 5)
    assert all(900 < b - a < 1600 for a, b in itertools.pairwise(opened))


def test_mpegts_without_marks_opens_all_the_same(make):
    """An encoder that never marks its key frames is relayed too: after ten seconds from any picture on."""
    media = bytearray(make("mpegts", seconds=25))
    for at in range(0, len(media), PACKET_BYTES):
        if media[at + 3] & 0x20 and media[at + 4]:
            media[at + 5] &= ~0x40
    opened = [piece.time_ms for piece in feed(TsReader(take=1), bytes(media)) if piece.opens]
    assert len(opened) == 2


def test_mpegts_finds_its_feet_again(make):
    """Bytes that were lost or do not belong cost what is around them and no more."""
    media = make("mpegts")
    broken = b"\x47rubbish" + media[:10_000] + b"noise" * 7 + media[10_100:]
    pieces = feed(TsReader(take=1), broken, cuts=range(0, len(broken), 1000))
    out = b"".join(piece.data for piece in pieces)
    assert len(out) % PACKET_BYTES == 0
    assert len(out) > len(media) - 4 * PACKET_BYTES
    assert sum(piece.opens for piece in pieces) >= 3


@pytest.mark.parametrize(
    ("reader", "data"),
    [
        (FlvReader(), b"GET / HTTP/1.1\r\n\r\n"),
        (FlvReader(), flv((15, 0, b"what"))),
        (FlvReader(), flv((Kind.VIDEO, 0, AVC_SETUP + bytes(70_000)))),
        (TsReader(take=1), bytes(200_000)),
    ],
)
def test_what_is_not_the_container_is_said(reader, data):
    """Other streams are refused with an error of ours."""
    with pytest.raises(BadInput, match="relay"):
        feed(reader, data, cuts=range(0, len(data), 5000))


actions = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.booleans(), st.integers(1, 400), st.integers(0, 900)),
        st.tuples(st.just("take"), st.integers(1, 1000)),
        st.tuples(st.sampled_from(["rewind", "clear", "forget", "drain", "rest"])),
    ),
    max_size=120,
)


def _numbered(number, time_ms, *, opens, size):
    return Piece(data=number.to_bytes(4, "big") + bytes(size), time_ms=time_ms, opens=opens)


def _take(backlog, size, last):
    """Take pieces and see that each opens a group or follows the one before; the last one's number."""
    for piece in backlog.take(size):
        number = int.from_bytes(piece.data[:4], "big")
        assert piece.opens or last == number - 1
        last = number
    return last


@given(actions=actions)
def test_backlog_is_bounded_and_sends_only_what_can_be_decoded(actions):
    """Whatever is done to it: it holds no more than it may, counts right, and sends no picture without its key."""
    backlog = Backlog(max_bytes=1000, max_ms=3000)
    now_ms, number, last, dropped = 0, 0, None, 0
    for name, *more in actions:
        if name == "add":
            opens, size, step_ms = more
            now_ms, number = now_ms + step_ms, number + 1
            backlog.add(_numbered(number, now_ms, opens=opens, size=size))
        elif name == "take":
            last = _take(backlog, more[0], last)
        elif name in ("drain", "rest"):
            backlog.draining = name == "drain"
        else:
            getattr(backlog, name)()
            last = None if name == "rewind" else last
        held = [piece for group in backlog._groups for piece in group.pieces]
        assert backlog.size_bytes == sum(len(piece.data) for piece in held) <= 1000
        assert backlog.dropped_ms >= dropped
        dropped = backlog.dropped_ms


def test_who_falls_behind_goes_on_at_the_newest_key_frame():
    """What waits too long is left out in whole groups and counted; a new connection gets the newest group again."""
    backlog = Backlog(max_bytes=10**6, max_ms=3000)
    backlog.draining = True
    for number in range(10):
        backlog.add(_numbered(number, number * 500, opens=number % 2 == 0, size=10))
    assert [piece.time_ms for piece in backlog.take(10**6)] == [3000, 3500, 4000, 4500]
    assert (backlog.dropped_ms, backlog.jumps) == (3000, 1)
    assert not backlog.has_pending
    backlog.rewind()
    assert [piece.time_ms for piece in backlog.take(10**6)] == [4000, 4500]
    assert backlog.dropped_ms == 3000
