"""The RTMP door, with real encoders and real strangers on real sockets."""

import asyncio
import contextlib
import os
import signal
import sys

import pytest

from streamhub import process
from streamhub.errors import PortInUse
from streamhub.live.rtmp import RtmpDoor
from streamhub.live.rtmp_wire import HANDSHAKE_BYTES
from streamhub.process import Command


@pytest.fixture
async def door(gatekeeper):
    door = RtmpDoor("127.0.0.1", 0, hello_s=1.0, quiet_s=1.0)
    await door.open(gatekeeper)
    yield door
    await door.close()


async def _until(condition, *, timeout_s=10.0):
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)


def _media_tags(flv):
    """Everything behind the file's header and the metadata, which tells length and size where they are known."""
    assert flv[:4] == b"FLV\x01"
    assert flv[13] == 18
    return bytes(flv[13 + 11 + int.from_bytes(flv[14:17], "big") + 4 :])


async def test_media_arrives_byte_for_byte(door, gatekeeper, key, clip, start_push):
    """What the encoder sends is, as FLV, the very file that it would have written itself."""
    child = await start_push(f"{door.url}/{key}")
    assert await child.wait(timeout_s=20) == 0
    sink = gatekeeper.sinks[0]
    await asyncio.wait_for(sink.ended.wait(), 5)
    assert _media_tags(sink.media) == _media_tags(clip.read_bytes())
    assert sink.reason == "the encoder ended the stream"


async def test_sound_of_equal_packets_keeps_its_time(door, gatekeeper, key, program, start_push, tmp_path):
    """Silence, whose packets are all of one size and go without headers of their own, does not run ahead or behind."""
    silence = tmp_path / "silence.flv"
    argv = [
        str(program),
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "anullsrc=r=48000",
        "-t",
        "3",
        "-c:a",
        "aac",
        str(silence),
    ]
    await process.run_checked(Command(argv=argv))
    child = await start_push(f"{door.url}/{key}", source=silence)
    assert await child.wait(timeout_s=20) == 0
    await asyncio.wait_for(gatekeeper.sinks[0].ended.wait(), 5)
    assert _media_tags(gatekeeper.sinks[0].media) == _media_tags(silence.read_bytes())


@pytest.mark.parametrize("path", ["/wrong-key", "x/right-key-0123456789"])
async def test_wrong_key_or_application_is_refused(door, gatekeeper, start_push, path):
    """An encoder with a wrong key or application gets an error, and no sink is opened."""
    child = await start_push(f"{door.url}{path}")
    assert await child.wait(timeout_s=20) != 0
    assert not gatekeeper.sinks


async def test_strangers_do_no_harm(door, gatekeeper, key, start_push):
    """Bare connects, other protocols, broken and half handshakes end by themselves while an encoder publishes."""
    rubbish = [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x03",
        b"\x03" + os.urandom(HANDSHAKE_BYTES),
        b"\x03" + os.urandom(2 * HANDSHAKE_BYTES) + os.urandom(5000),
        # a whole handshake, then a message that claims 16 MB before any key was shown
        b"\x03" + bytes(2 * HANDSHAKE_BYTES) + b"\x03\x00\x00\x00\xff\xff\xff\x14\x00\x00\x00\x00",
    ]
    writers = []
    readers = []
    for data in rubbish * 2:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(data)
        writers.append(writer)
        readers.append(reader)
    child = await start_push(f"{door.url}/{key}")
    assert await child.wait(timeout_s=20) == 0
    async with asyncio.timeout(30):
        for reader in readers:
            try:
                while await reader.read(65536):
                    pass
            except ConnectionError:
                pass
    for writer in writers:
        writer.close()
    assert len(gatekeeper.sinks) == 1


async def test_one_address_cannot_take_every_place(door, gatekeeper, caplog):
    """Of very many connections from one address only some are held, and those only as long as the key may take."""
    connections = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(20)]
    async with asyncio.timeout(10):
        for reader, writer in connections:
            assert await reader.read() == b""
            writer.close()
    assert caplog.text.count("reason=too_many_connections") >= 4


async def test_talkative_stranger_is_cut_off(door, gatekeeper):
    """Somebody who says very much without showing a key is not listened to for long."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    name = b"\x02\x00\x07connect" + b"\x00" + bytes(8)
    command = name + b"\x03" + b"\x00\x01a\x05" * 1000 + b"\x00\x00\x09"
    head = b"\x03" + bytes(3) + len(command).to_bytes(3, "big") + b"\x14" + bytes(4)
    chunks = b"\xc3".join(command[at : at + 128] for at in range(0, len(command), 128))
    writer.write(b"\x03" + bytes(2 * HANDSHAKE_BYTES) + (head + chunks) * 20)
    async with asyncio.timeout(30):
        with contextlib.suppress(ConnectionError):
            while await reader.read(4096):
                pass
    writer.close()
    assert not gatekeeper.knocked


async def test_who_asks_for_acknowledgements_gets_them(door, gatekeeper, key):
    """A publisher that announced a window is told how much has arrived."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(b"\x03" + bytes(2 * HANDSHAKE_BYTES))
    await reader.readexactly(1 + 2 * HANDSHAKE_BYTES)

    def message(kind, payload, stream=0):
        head = b"\x03" + bytes(3) + len(payload).to_bytes(3, "big") + bytes([kind]) + stream.to_bytes(4, "little")
        chunks = [payload[at : at + 128] for at in range(0, len(payload), 128)]
        return head + b"\xc3".join(chunks)

    def text(value):
        return b"\x02" + len(value).to_bytes(2, "big") + value.encode()

    number = b"\x00" + bytes(8)
    writer.write(message(20, text("connect") + number + b"\x03\x00\x03app" + text("live") + b"\x00\x00\x09"))
    writer.write(message(20, text("publish") + number + b"\x05" + text(key) + text("live"), stream=1))
    writer.write(message(5, (100_000).to_bytes(4, "big")))
    writer.write(message(8, b"\xaf\x01" + bytes(150_000), stream=1))
    async with asyncio.timeout(30):
        said = b""
        while b"\x00\x00\x04\x03\x00\x00\x00\x00" not in said:  # length 4, type 3, stream 0: an acknowledgement
            said += await reader.read(4096)
    arrived = int.from_bytes((said + await reader.read(4)).split(b"\x00\x00\x04\x03\x00\x00\x00\x00")[1][:4], "big")
    assert 100_000 <= arrived <= 160_000
    writer.close()
    await asyncio.wait_for(gatekeeper.sinks[0].ended.wait(), 5)


async def test_encoder_waits_while_the_sink_is_full(door, gatekeeper, key, clip, start_push, program, tmp_path):
    """While the sink takes nothing, the door reads no further; once it does, everything arrives."""
    long = tmp_path / "long.flv"
    argv = [str(program), "-v", "error", "-stream_loop", "60", "-i", str(clip), "-c", "copy", str(long)]
    await process.run_checked(Command(argv=argv))
    assert long.stat().st_size > 8_000_000
    gatekeeper.shut_gates = True
    child = await start_push(f"{door.url}/{key}", source=long)
    await _until(lambda: gatekeeper.sinks and gatekeeper.sinks[0].writes)
    await asyncio.sleep(1.3)  # longer than a publisher may be silent
    sink = gatekeeper.sinks[0]
    assert sink.writes == 1
    assert child.running
    sink.gate.set()
    assert await child.wait(timeout_s=20) == 0
    await asyncio.wait_for(sink.ended.wait(), 5)
    assert sink.reason == "the encoder ended the stream"
    assert _media_tags(sink.media) == _media_tags(long.read_bytes())


async def test_silent_publisher_is_ended(door, gatekeeper, key, start_push):
    """A publisher whose bytes stop coming is taken for gone, and its sink is closed with everything before."""
    child = await start_push(f"{door.url}/{key}", options=("-re",))
    await _until(lambda: gatekeeper.sinks and gatekeeper.sinks[0].media)
    os.kill(child.pid, signal.SIGSTOP)
    await asyncio.wait_for(gatekeeper.sinks[0].ended.wait(), 5)
    assert gatekeeper.sinks[0].reason == "the encoder fell silent"


async def test_closing_the_door_ends_streams_tidily(gatekeeper, key, start_push):
    """Closing the door closes the sink of a publisher that is still sending, and frees the port."""
    door = RtmpDoor("127.0.0.1", 0)
    await door.open(gatekeeper)
    port = door.port
    await start_push(f"{door.url}/{key}", options=("-re",))
    await _until(lambda: gatekeeper.sinks and gatekeeper.sinks[0].media)
    await door.close()
    assert gatekeeper.sinks[0].reason == "the hub closed the door"
    again = RtmpDoor("127.0.0.1", port)
    await again.open(gatekeeper)
    await again.close()


async def test_taken_port_is_named(door, gatekeeper):
    """A taken port is an error that names the place and what to do."""
    with pytest.raises(PortInUse, match=rf"127\.0\.0\.1:{door.port}.*live\.rtmp_port"):
        await RtmpDoor("127.0.0.1", door.port).open(gatekeeper)


async def test_import_leaves_logging_alone():
    """Importing the door changes neither the root logger nor lets the library write strangers' words into the log."""
    code = (
        "import logging, streamhub.live.rtmp\n"
        "assert logging.root.level == logging.WARNING and not logging.root.handlers\n"
        "assert not logging.getLogger('pyrtmp.messages.command').isEnabledFor(logging.WARNING)\n"
    )
    await process.run_checked(Command(argv=[sys.executable, "-c", code]), timeout_s=30)
