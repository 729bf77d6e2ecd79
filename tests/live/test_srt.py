"""The SRT door, with a real encoder."""

import asyncio
import socket
from pathlib import Path

import pytest

from streamhub.errors import Conflict, PortInUse
from streamhub.live.rules import derive_passphrase
from streamhub.live.srt import SrtDoor, listen_argv
from streamhub.recording.pyav import scan_media


async def _until_bound(port):
    """Wait until somebody has the UDP port, without sending it anything."""
    wanted = f":{port:04X} "
    async with asyncio.timeout(10):
        while wanted not in Path("/proc/net/udp").read_text():
            await asyncio.sleep(0.05)


@pytest.fixture
async def door(gatekeeper, program):
    door = SrtDoor("127.0.0.1", 0, program=program)
    await door.open(gatekeeper)
    yield door
    await door.close()


@pytest.mark.skipif(not Path("/proc/net/udp").exists(), reason="needs /proc/net/udp to see the listener")
async def test_media_arrives_and_wrong_passphrases_do_not(door, gatekeeper, key, start_push, tmp_path):
    """An encoder with another passphrase never gets in; the right one does, and after it the door listens again."""
    ingest = await door.expect(key)
    port = int(ingest.url.split(":")[2].split("?")[0])
    await _until_bound(port)
    intruder = await start_push(f"{ingest.url}&passphrase=0123456789-wrong", container="mpegts")
    assert await intruder.wait(timeout_s=20) != 0
    assert not gatekeeper.sinks
    child = await start_push(f"{ingest.url}&passphrase={ingest.key}", container="mpegts", options=("-re",))
    assert await child.wait(timeout_s=20) == 0
    await asyncio.wait_for(gatekeeper.sinks[0].ended.wait(), 10)
    media = tmp_path / "media.ts"
    media.write_bytes(gatekeeper.sinks[0].media)
    info = scan_media(media)
    assert (info.audio_codec, info.video_codec) == ("aac", "h264")
    assert 2400 < info.duration_ms - info.start_ms <= 3200
    assert gatekeeper.knocked[0].key == key
    await _until_bound(port)


async def test_port_and_passphrase_belong_to_the_key(door, key):
    """Each key has a port of its own; expecting a key again changes nothing, forgetting it ends its address."""
    first = await door.expect(key)
    assert await door.expect(key) == first
    other = await door.expect("another-key")
    assert other.url != first.url
    assert first.key == derive_passphrase(key)
    assert key not in first.key
    assert len(first.key) >= 10
    await door.forget(key)
    with pytest.raises(Conflict):
        door.ingest(key)


async def test_taken_port_is_named(gatekeeper, program, key):
    """Where every port of the door is taken, the error says so."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        door = SrtDoor("127.0.0.1", taken.getsockname()[1], program=program, ports=1)
        await door.open(gatekeeper)
        with pytest.raises(PortInUse, match=r"live\.srt_port"):
            await door.expect(key)


def test_listener_speaks_srt_alone():
    """The listener may use no protocol but srt and looks into nothing that it passes on."""
    argv = listen_argv("127.0.0.1", 9000, "p" * 32)
    assert argv[argv.index("-protocol_whitelist") + 1] == "srt"
    assert argv[argv.index("-f") + 1] == "data"
    assert "-nostdin" in argv
