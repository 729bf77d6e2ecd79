"""Chunks and tags, with messages of every shape."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.errors import BadInput
from streamhub.live.rtmp_wire import ChunkParser, Kind, Message, is_setup, render_tag

MEDIA_KINDS = st.sampled_from([8, 9, 18, 20])
MESSAGES = st.lists(
    st.tuples(
        MEDIA_KINDS,
        st.integers(3, 6),
        st.sampled_from([0, 21, 21, 21, 40, 0xFFFFFE, 0xFFFFFF, 0x1000000]),
        st.sampled_from([b"", b"x" * 5, b"x" * 5, b"y" * 5, b"z" * 300, bytes(range(256)) * 2]),
    ),
    max_size=20,
)


def _encode(entries, chunk_bytes):
    """Write messages as ffmpeg does: the shortest header that the message before it on its chunk stream allows."""
    out = bytearray()
    if chunk_bytes != 128:
        out += b"\x02" + bytes(3) + (4).to_bytes(3, "big") + b"\x01" + bytes(4) + chunk_bytes.to_bytes(4, "big")
    previous, messages = {}, []
    for kind, chunk_id, step, payload in entries:
        before = previous.get(chunk_id)
        time = step if before is None else (before[0] + step) & 0xFFFFFFFF
        size = len(payload)
        shape = 0
        if before is not None:
            shape = 3 if before[1:] == (step, size, kind) else 2 if before[2:] == (size, kind) else 1
        field = min(step, 0xFFFFFF)
        head = field.to_bytes(3, "big") + size.to_bytes(3, "big") + bytes([kind]) + (1).to_bytes(4, "little")
        extended = step.to_bytes(4, "big") if field == 0xFFFFFF else b""
        out += bytes([shape << 6 | chunk_id]) + head[: (11, 7, 3, 0)[shape]] + extended + payload[:chunk_bytes]
        for start in range(chunk_bytes, size, chunk_bytes):
            out += bytes([3 << 6 | chunk_id]) + extended + payload[start : start + chunk_bytes]
        previous[chunk_id] = (time, step, size, kind)
        messages.append(Message(kind, time, 1, chunk_id, payload))
    return bytes(out), messages


@given(entries=MESSAGES, chunk_bytes=st.sampled_from([1, 7, 128, 4096]), cuts=st.lists(st.integers(1, 400)))
def test_messages_survive_chunks_and_packets(entries, chunk_bytes, cuts):
    """Whatever the chunk size, the header types and the packets of the network: the messages come out as sent."""
    data, messages = _encode(entries, chunk_bytes)
    parser = ChunkParser(max_message_bytes=1000)
    found = []
    for cut in [*cuts, len(data)]:
        found += list(parser.feed(data[:cut]))
        data = data[cut:]
    assert found == messages


@given(st.binary(max_size=3000))
def test_rubbish_ends_in_messages_or_a_refusal(data):
    """Any bytes are read as messages or refused; nothing else is raised and no more is kept than was sent."""
    parser = ChunkParser(max_message_bytes=500)
    try:
        for message in parser.feed(data):
            assert len(message.payload) <= 500
    except BadInput:
        pass


def test_interleaved_chunk_streams_are_put_together():
    """Sound that comes between the chunks of a picture does not end up in it."""
    video = b"\x04" + bytes(3) + (200).to_bytes(3, "big") + b"\x09" + bytes(4) + b"v" * 128
    audio = b"\x05" + bytes(3) + (3).to_bytes(3, "big") + b"\x08" + bytes(4) + b"aaa"
    parser = ChunkParser(max_message_bytes=1000)
    found = list(parser.feed(video + audio + b"\xc4" + b"v" * 72))
    assert [(m.kind, m.payload) for m in found] == [(8, b"aaa"), (9, b"v" * 200)]


@pytest.mark.parametrize(
    "data",
    [
        b"\x43" + bytes(7),  # a type 1 chunk on a stream that nobody began
        b"\x03" + bytes(3) + b"\xff\xff\xff\x14" + bytes(4),  # 16 MB
        b"\x02" + bytes(3) + b"\x00\x00\x04\x01" + bytes(4) + bytes(4),  # chunk size 0
        b"\x04" + bytes(3) + b"\x00\x01\x00\x09" + bytes(4) + bytes(128) + b"\x04" + bytes(11),  # begins twice
    ],
)
def test_nonsense_is_refused(data):
    """A chunk stream that contradicts itself is refused instead of guessed at."""
    with pytest.raises(BadInput, match="RTMP"):
        list(ChunkParser(max_message_bytes=65_536).feed(data))


def test_chunk_streams_are_limited():
    """Nobody fills the memory with begun messages on ever new chunk streams."""
    parser = ChunkParser(max_message_bytes=65_536)
    begun = b"".join(bytes([0, n]) + bytes(3) + b"\x00\x01\x00\x09" + bytes(4) + bytes(128) for n in range(70))
    with pytest.raises(BadInput, match="chunk streams"):
        list(parser.feed(begun))


@given(kind=st.sampled_from([8, 9]), time=st.integers(0, 2**32 - 1), payload=st.binary(max_size=100))
def test_tag_holds_time_and_payload(kind, time, payload):
    """A tag says its kind, size and 32 bits of time where FLV wants them, and is followed by its own size."""
    tag = render_tag(Message(kind, time, 1, 4, payload))
    assert tag[0] == kind
    assert int.from_bytes(tag[1:4], "big") == len(payload)
    assert int.from_bytes(tag[7:8] + tag[4:7], "big") == time
    assert tag[11:-4] == payload
    assert struct.unpack(">I", tag[-4:])[0] == len(tag) - 4


def test_metadata_goes_without_the_order_to_keep_it():
    """FLV's metadata begins with the event's name."""
    event = b"\x02\x00\x0aonMetaData"
    tag = render_tag(Message(Kind.DATA, 0, 1, 4, b"\x02\x00\x0d@setDataFrame" + event))
    assert tag[11:-4] == event


@pytest.mark.parametrize(
    ("kind", "payload", "setup"),
    [
        (Kind.DATA, b"\x02", True),
        (Kind.VIDEO, b"\x17\x00", True),
        (Kind.VIDEO, b"\x17\x01", False),
        (Kind.VIDEO, b"\x27\x01", False),
        (Kind.VIDEO, b"\x90hvc1", True),
        (Kind.VIDEO, b"\x93hvc1", False),
        (Kind.AUDIO, b"\xaf\x00", True),
        (Kind.AUDIO, b"\xaf\x01", False),
        (Kind.AUDIO, b"\x2f\xff", False),
        (Kind.AUDIO, b"", False),
        (Kind.VIDEO, b"", False),
    ],
)
def test_codec_setup_is_told_from_media(kind, payload, setup):
    """Configuration of a codec, also of the newer kind with a four-letter name, is no picture and no sound."""
    assert is_setup(Message(kind, 0, 1, 4, payload)) is setup
