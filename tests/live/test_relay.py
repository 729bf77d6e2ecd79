"""The relay, with real encoders, a real ffmpeg and real targets that take, refuse, hang, die and come back."""

import asyncio
import contextlib
import io
import logging
import os
import re
import socket
import ssl
import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import av
import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from streamhub.errors import BadInput, Conflict, Forbidden
from streamhub.live.ingest import RelayPhase
from streamhub.live.link import DEFAULT_LIMITS, plan_failures, plan_pause_s
from streamhub.live.platform import Ingest
from streamhub.live.pushing import excerpt
from streamhub.live.relay import Relay
from streamhub.live.rtmp import RtmpDoor

KEY = "canary-stream-key-9f3b"
SESSION = "2027-03-02-netz"
QUICK = replace(DEFAULT_LIMITS, first_pause_s=0.1, last_pause_s=0.4, steady_s=0.3, stall_s=2.0, idle_s=2.0)


class Take:
    """One connection's media, as a sink."""

    def __init__(self):
        self.media = bytearray()
        self.began_s = None
        self.ended = asyncio.Event()

    async def write(self, chunk):
        self.began_s = self.began_s or time.monotonic()
        self.media += chunk

    async def close(self, *, reason):
        self.ended.set()

    def packets(self):
        """(stream type, time in ms, key) of every packet."""
        with av.open(io.BytesIO(bytes(self.media)), format="flv") as media:
            return [
                (packet.stream.type, int(packet.dts * packet.time_base * 1000), packet.is_keyframe)
                for packet in media.demux()
                if packet.dts is not None
            ]

    def decode(self, *, cut=False):
        """Number of pictures and of sounds that a decoder makes of it without an error; of cut media, but the last."""
        counts = {"video": 0, "audio": 0}
        with av.open(io.BytesIO(bytes(self.media)), format="flv") as media:
            for stream in media.streams:
                stream.codec_context.options = {"err_detect": "explode"}
            packets = [packet for packet in media.demux() if packet.size]
            for packet in packets[: -4 if cut else None]:
                counts[packet.stream.type] += len(packet.decode())
            for stream in media.streams:
                counts[stream.type] += len(stream.codec_context.decode(None))
        return counts["video"], counts["audio"]


class Target:
    """A platform's ingest: our own RTMP door with a gatekeeper of its own; can die and come back at its port."""

    def __init__(self):
        self.door = RtmpDoor("127.0.0.1", 0)
        self.takes = []

    async def admit(self, publisher):
        if publisher.key != KEY:
            raise Forbidden("stream key: wrong")
        self.takes.append(Take())
        return self.takes[-1]

    async def open(self):
        await self.door.open(self)

    async def close(self):
        await self.door.close()

    def narrow(self):
        """Let the kernel hold little of what was not read yet; else it may swallow a whole film and nobody is slow."""
        self.door._server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)

    @property
    def ingest(self):
        return Ingest(url=self.door.url, key=KEY)

    @property
    def size(self):
        return sum(len(take.media) for take in self.takes)


@pytest.fixture
async def target():
    target = Target()
    await target.open()
    yield target
    await target.close()


@pytest.fixture
async def open_relay(program):
    opened = []

    def open_one(**limits):
        relay = Relay(program, now=lambda: datetime.now(UTC), random=os.urandom, limits=replace(QUICK, **limits))
        opened.append(relay)
        return relay

    yield open_one
    for relay in opened:
        await relay.close()


@pytest.fixture
def relay(open_relay):
    return open_relay()


@pytest.fixture(scope="session")
def make_media(program, tmp_path_factory):
    """Half a minute at most of picture and tone, as bytes of a container."""
    folder = tmp_path_factory.mktemp("relay")

    def make(container="flv", *, seconds=8, video=True, audio=True, size="320x180", codec="libx264"):
        target = folder / f"{container}-{seconds}-{video}-{audio}-{size}-{codec}"
        if not target.exists():
            argv = [str(program), "-v", "error"]
            if video:
                argv += ["-f", "lavfi", "-i", f"testsrc2=s={size}:r=25:d={seconds}"]
            if audio:
                argv += ["-f", "lavfi", "-i", f"sine=f=440:r=48000:d={seconds}"]
            argv += ["-c:v", codec, "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", "-c:a", "aac"]
            subprocess.run([*argv, "-f", container, str(target)], check=True)
        return target.read_bytes()

    return make


async def until(condition, *, timeout_s=60.0):
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.02)


async def offer(tap, media, *, seconds, rate=1.0):
    """Offer media in about real time, in pieces that fall anywhere."""
    slices = max(1, int(seconds * 20))
    step = len(media) // slices + 1
    for at in range(0, len(media), step):
        tap.offer(media[at : at + step])
        await asyncio.sleep(0.05 / rate)


@contextlib.asynccontextmanager
async def mute_server(*, on_connect=None):
    """Accepts connections and never reads a byte."""
    writers = []

    async def mute(reader, writer):
        reader._transport.pause_reading()
        writers.append(writer)

    server = await asyncio.start_server(mute, "127.0.0.1", 0, limit=1024)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()


async def _free_port():
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


async def test_everything_arrives_as_it_was(relay, target, make_media):
    """What the encoder sends arrives whole and not encoded anew, and the state tells what was sent."""
    media = make_media(seconds=4)
    await relay.aim(SESSION, target.ingest)
    assert relay.state(SESSION).phase is RelayPhase.WAITING
    tap = relay.tap(SESSION, "flv")
    await offer(tap, media, seconds=4, rate=2)
    await until(lambda: relay.state(SESSION).phase is RelayPhase.SENDING)
    tap.close()
    await relay.aim(SESSION, None)
    (take,) = target.takes
    await asyncio.wait_for(take.ended.wait(), 5)
    sent = Take()
    sent.media += media
    packets = sent.packets()
    key = next(at for at, (kind, _, is_key) in enumerate(packets) if kind == "video" and is_key)
    assert key <= 1
    zero_ms = packets[key][1]
    assert take.packets() == [(kind, ms - zero_ms, is_key) for kind, ms, is_key in packets[key:]]
    assert take.decode()[0] == 100
    state = relay.state(SESSION)
    assert (state.phase, state.restarts, state.dropped_ms) == (RelayPhase.OFF, 0, 0)


async def test_aim_may_come_long_after_the_encoder(relay, target, make_media):
    """Relaying that is asked for in the middle of a stream begins with setup and the next key frame, at time 0."""
    tap = relay.tap(SESSION, "flv")
    media = make_media(seconds=6)
    sending = asyncio.create_task(offer(tap, media, seconds=6, rate=2))
    await asyncio.sleep(1.2)
    assert relay.state(SESSION).phase is RelayPhase.OFF
    await relay.aim(SESSION, target.ingest)
    await sending
    await until(lambda: target.size > 20_000)
    await relay.aim(SESSION, None)
    (take,) = target.takes
    video = [packet for packet in take.packets() if packet[0] == "video"]
    assert video[0] == ("video", 0, True)
    assert 25 <= len(video) < 125
    assert take.decode()[0] == len(video)


async def test_sound_alone_is_relayed(relay, target, make_media):
    """A stream without a picture gets through, soon and whole from where it begins."""
    tap = relay.tap(SESSION, "flv")
    await relay.aim(SESSION, target.ingest)
    await offer(tap, make_media(seconds=8, video=False), seconds=8, rate=2)
    await until(lambda: target.takes and target.takes[0].media)
    tap.close()
    await relay.aim(SESSION, None)
    pictures, sounds = target.takes[0].decode()
    assert pictures == 0
    assert sounds > 6.2 * 48000 / 1024
    assert target.takes[0].packets()[0][1] == 0


async def test_picture_alone_is_relayed(relay, target, make_media):
    """A stream without sound gets through from the key frame at which it is clear that none will come."""
    tap = relay.tap(SESSION, "flv")
    await relay.aim(SESSION, target.ingest)
    await offer(tap, make_media(seconds=4, audio=False), seconds=4, rate=2)
    await until(lambda: target.takes and target.takes[0].media)
    tap.close()
    await relay.aim(SESSION, None)
    assert target.takes[0].decode() == (75, 0)
    assert target.takes[0].packets()[0] == ("video", 0, True)


async def test_enhanced_tags_are_relayed(relay, target, make_media):
    """HEVC in enhanced RTMP tags heals and begins with its own setup like any other."""
    try:
        media = make_media(seconds=6, codec="libx265")
    except subprocess.CalledProcessError:
        pytest.skip("this ffmpeg writes no HEVC into FLV; 6.1 and newer ones do")
    tap = relay.tap(SESSION, "flv")
    sending = asyncio.create_task(offer(tap, media, seconds=6, rate=2))
    await asyncio.sleep(1)
    await relay.aim(SESSION, target.ingest)
    await sending
    await until(lambda: target.takes and target.takes[0].media)
    tap.close()
    await relay.aim(SESSION, None)
    video = [packet for packet in target.takes[0].packets() if packet[0] == "video"]
    assert video[0][2]
    assert target.takes[0].decode()[0] == len(video) > 40


async def test_srt_media_is_relayed_and_heals(relay, target, make_media):
    """MPEG-TS is taken up in mid-stream, twice, and what arrives can be decoded from its first picture."""
    tap = relay.tap(SESSION, "mpegts")
    sending = asyncio.create_task(offer(tap, make_media("mpegts", seconds=20), seconds=20, rate=2))
    await asyncio.sleep(0.7)
    await relay.aim(SESSION, target.ingest)
    await until(lambda: target.size > 40_000)
    await target.close()
    await until(lambda: relay.state(SESSION).phase is RelayPhase.FAILING)
    await target.open()
    await until(lambda: len(target.takes) == 2 and len(target.takes[1].media) > 40_000)
    sending.cancel()
    tap.close()
    await relay.aim(SESSION, None)
    for take in target.takes:
        video = [packet for packet in take.packets() if packet[0] == "video"]
        assert video[0][2]
        assert take.decode(cut=True)[0] >= len(video) - 4


async def test_killed_target_is_found_again(relay, target, make_media):
    """A target that dies and comes back gets the stream again, from a key frame and time 0; the state tells of it."""
    tap = relay.tap(SESSION, "flv")
    await relay.aim(SESSION, target.ingest)
    sending = asyncio.create_task(offer(tap, make_media(seconds=20), seconds=20, rate=2))
    await until(lambda: target.size > 40_000)
    before = datetime.now(UTC)
    await target.close()
    await until(lambda: relay.state(SESSION).phase is RelayPhase.FAILING)
    assert relay.state(SESSION).since >= before
    since = relay.state(SESSION).since
    await asyncio.sleep(1)
    assert relay.state(SESSION).since == since  # failing on and on counts from the first failure
    assert relay.state(SESSION).reason
    await target.open()
    await until(lambda: relay.state(SESSION).phase is RelayPhase.SENDING)
    await until(lambda: len(target.takes[-1].media) > 40_000)
    sending.cancel()
    tap.close()
    await relay.aim(SESSION, None)
    video = [packet for packet in target.takes[-1].packets() if packet[0] == "video"]
    assert video[0] == ("video", 0, True)
    assert target.takes[-1].decode()[0] == len(video)
    assert relay.state(SESSION).phase is RelayPhase.OFF


async def test_killed_ffmpeg_is_followed_by_the_next(relay, target, make_media):
    """When the relay's own program is killed, the next one goes on at once."""
    tap = relay.tap(SESSION, "flv")
    await relay.aim(SESSION, target.ingest)
    sending = asyncio.create_task(offer(tap, make_media(seconds=12), seconds=12, rate=2))
    await until(lambda: target.size > 40_000)
    (child,) = _pushers()
    child.kill()
    killed_s = time.monotonic()
    await until(lambda: len(target.takes) == 2 and target.takes[1].media)
    assert target.takes[1].began_s - killed_s < 3
    assert relay.state(SESSION).restarts == 1
    sending.cancel()


def _pushers():
    """The relays' programs that run now."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if "-rtmp_playpath" in child.cmdline():
                found.append(child)
    return found


async def test_target_that_answers_nothing_is_given_up_and_tried_again(relay, make_media):
    """A target that accepts and says nothing is noticed within the time limit, again and again."""
    async with mute_server() as port:
        tap = relay.tap(SESSION, "flv")
        await relay.aim(SESSION, Ingest(url=f"rtmp://127.0.0.1:{port}/live2", key=KEY))
        sending = asyncio.create_task(offer(tap, make_media(seconds=20), seconds=20))
        await until(lambda: relay.state(SESSION).phase is RelayPhase.FAILING)
        await until(lambda: relay.state(SESSION).restarts >= 2)
        sending.cancel()
        started_s = time.monotonic()
        await relay.aim(SESSION, None)
        assert time.monotonic() - started_s < 4


async def test_target_that_stops_reading_is_given_up(relay, target, make_media, monkeypatch):
    """A target that takes a while and then hangs is noticed, though its connection stands."""
    target.narrow()
    tap = relay.tap(SESSION, "flv")
    await relay.aim(SESSION, target.ingest)
    gate = asyncio.Event()

    async def stuck(self, chunk):
        self.media += chunk
        if len(self.media) > 100_000:
            await gate.wait()

    monkeypatch.setattr(Take, "write", stuck)
    media = make_media(seconds=20, size="1280x720")
    sending = asyncio.create_task(offer(tap, media, seconds=20, rate=5))
    await until(lambda: re.search("took nothing|timed out", relay.state(SESSION).reason))
    monkeypatch.undo()
    gate.set()
    again = relay.tap(SESSION, "flv")
    sending.cancel()
    sending = asyncio.create_task(offer(again, media, seconds=20, rate=2))
    await until(lambda: len(target.takes) > 1 and target.takes[-1].media)
    sending.cancel()


async def test_slow_target_loses_whole_groups_and_no_more(open_relay, target, make_media, monkeypatch):
    """A target that takes less than what comes gets later key frames; everything that it gets can be decoded."""
    target.narrow()
    relay = open_relay(max_ms=2000, stall_s=5.0, jumps=1000)
    tap = relay.tap(SESSION, "flv")
    await relay.aim(SESSION, target.ingest)

    async def slow(self, chunk):
        self.media += chunk
        await asyncio.sleep(len(chunk) / 400_000)

    monkeypatch.setattr(Take, "write", slow)
    await offer(tap, make_media(seconds=20, size="1280x720"), seconds=20, rate=2)
    await until(lambda: relay.state(SESSION).dropped_ms > 2000)
    assert relay.state(SESSION).phase is RelayPhase.SENDING
    monkeypatch.undo()
    tap.close()
    await relay.aim(SESSION, None)
    (take,) = target.takes
    video = [packet for packet in take.packets() if packet[0] == "video"]
    assert len(video) < 500
    pictures, _ = take.decode()
    assert abs(pictures - len(video)) <= 1


async def test_target_that_is_too_slow_for_long_gets_a_new_connection(open_relay, target, make_media, monkeypatch):
    """Falling behind again and again ends the connection, and the next one begins at the newest key frame."""
    target.narrow()
    relay = open_relay(max_ms=1500, stall_s=30.0, jumps=2)
    tap = relay.tap(SESSION, "flv")
    await relay.aim(SESSION, target.ingest)

    async def slow(self, chunk):
        self.media += chunk
        await asyncio.sleep(len(chunk) / 100_000)

    monkeypatch.setattr(Take, "write", slow)
    sending = asyncio.create_task(offer(tap, make_media(seconds=20, size="1280x720"), seconds=20, rate=3))
    await until(lambda: "behind 2 times" in relay.state(SESSION).reason)
    monkeypatch.undo()
    await until(lambda: len(target.takes) > 1 and target.takes[-1].media)
    sending.cancel()
    assert relay.state(SESSION).dropped_ms > 1000


async def test_wrong_key_is_tried_again_and_never_said(relay, target, make_media, caplog):
    """A refused key is failing, and stands in no log, no state and no repr; a changed one is used at once."""
    caplog.set_level(logging.DEBUG)
    tap = relay.tap(SESSION, "flv")
    wrong = Ingest(url=target.door.url, key="canary-of-another-key")
    await relay.aim(SESSION, wrong)
    sending = asyncio.create_task(offer(tap, make_media(seconds=20), seconds=20))
    await until(lambda: relay.state(SESSION).phase is RelayPhase.FAILING and relay.state(SESSION).restarts >= 1)
    said = f"{relay.state(SESSION)} {wrong!r} {relay._legs!r} {vars(relay._legs[SESSION])!r}"
    await relay.aim(SESSION, target.ingest)
    await until(lambda: relay.state(SESSION).phase is RelayPhase.SENDING)
    sending.cancel()
    await relay.close()
    ours = [record for record in caplog.records if record.name.startswith(("streamhub.live.re", "streamhub.live.li"))]
    assert any("relay_failed" in record.getMessage() for record in ours)
    everything = caplog.text + said + "".join(repr(vars(record)) for record in ours)
    assert "another-key" not in everything
    assert KEY not in everything


async def test_target_that_repeats_the_key_does_not_bring_it_into_the_log(relay, make_media, caplog):
    """What a target says about a key in its refusal is redacted."""
    caplog.set_level(logging.DEBUG)

    class Gossip:
        async def admit(self, publisher):
            raise type(publisher.key, (Conflict,), {})("no")  # the door tells the encoder the error's name

    door = RtmpDoor("127.0.0.1", 0)
    await door.open(Gossip())
    await relay.aim(SESSION, Ingest(url=door.url, key=KEY))
    tap = relay.tap(SESSION, "flv")
    sending = asyncio.create_task(offer(tap, make_media(seconds=8), seconds=8))
    await until(lambda: relay.state(SESSION).reason)
    sending.cancel()
    await door.close()
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("streamhub.live.re")]
    assert any("relay_failed" in line and "…" in line for line in ours)
    assert KEY not in "".join(ours) + str(relay.state(SESSION))


def test_excerpts_hold_no_piece_of_the_key():
    """Neither the key nor its form in an address nor a half of it, cut off by who collected, is repeated."""
    key = "ab/c d-" + "9" * 20
    said = f"Error opening rtmp://x/live/{key}: refused\nfor {quote(key, safe='')} and {quote(key)}"
    assert "9999" not in excerpt(said, key)
    assert "refused" in excerpt(said, key)
    cut = key[9:] + "\n" + "x" * 16_380 + "\nlast words"
    assert "9999" not in excerpt(cut, key)
    assert "last words" in excerpt(cut, key)


def _write_certificate(folder, host="localhost"):
    """A certificate for a machine, by default this one, and its key, vouched for by itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    names = x509.SubjectAlternativeName([x509.DNSName(host)])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(names, False).add_extension(x509.BasicConstraints(True, None), True)
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "certificate.pem").write_bytes(certificate)
    (folder / "key.pem").write_bytes(key.private_bytes(*pem))
    return folder / "certificate.pem", folder / "key.pem"


@contextlib.asynccontextmanager
async def _tls_in_front_of(port, certificate, key):
    """A TLS port that passes everything on to another port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def copy(reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def join(reader, writer):
        behind = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copy(reader, behind[1]), copy(behind[0], writer))

    server = await asyncio.start_server(join, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.mark.parametrize(("vouched", "host"), [(True, "localhost"), (False, "localhost"), (True, "other.example.org")])
async def test_certificates_are_checked(program, target, make_media, tmp_path, vouched, host):
    """RTMPS gets through to a platform whose certificate is vouched for and its own, and shows the key to no other."""
    certificate, key = _write_certificate(tmp_path, host)
    (tmp_path / "other").mkdir()
    ca_file = certificate if vouched else _write_certificate(tmp_path / "other")[0]
    relay = Relay(program, now=lambda: datetime.now(UTC), random=os.urandom, limits=QUICK, ca_file=ca_file)
    async with _tls_in_front_of(target.door.port, certificate, key) as port:
        await relay.aim(SESSION, Ingest(url=f"rtmps://localhost:{port}/live", key=KEY))
        tap = relay.tap(SESSION, "flv")
        sending = asyncio.create_task(offer(tap, make_media(seconds=8), seconds=8))
        good = vouched and host == "localhost"
        wanted = RelayPhase.SENDING if good else RelayPhase.FAILING
        await until(lambda: relay.state(SESSION).phase is wanted)
        sending.cancel()
        await relay.close()
    assert bool(target.takes) is good


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://example.org/live2", KEY),
        ("rtmp:///live2", KEY),
        ("rtmp://example.org", KEY),
        ("file:///etc/passwd", KEY),
        ("rtmp://example.org/live2 listen=1", KEY),
        ("rtmp://example.org/live2", f"{KEY} x"),
        ("rtmp://example.org/live2", ""),
        ("srt://example.org/" + KEY, KEY),
    ],
)
async def test_addresses_that_are_none_are_refused(relay, url, key):
    """Only RTMP and RTMPS are pushed to, and the refusal does not repeat the key."""
    with pytest.raises(BadInput) as caught:
        await relay.aim(SESSION, Ingest(url=url, key=key))
    assert KEY not in str(caught.value) + repr(caught.value)
    assert relay.state(SESSION).phase is RelayPhase.OFF


async def test_reconnecting_encoder_goes_on_in_the_same_connection(open_relay, target, make_media):
    """An encoder that drops out and comes back is one stream to the platform, whose times run on with the clock."""
    relay = open_relay(idle_s=10.0)
    await relay.aim(SESSION, target.ingest)
    media = make_media(seconds=3)
    first = relay.tap(SESSION, "flv")
    await offer(first, media, seconds=3)
    first.close()
    await asyncio.sleep(1)
    second = relay.tap(SESSION, "flv")
    await offer(second, media, seconds=3)
    second.close()
    await asyncio.sleep(0.3)
    await relay.aim(SESSION, None)
    (take,) = target.takes
    times = [ms for kind, ms, _ in take.packets() if kind == "video"]
    assert len(times) == 150
    assert times == sorted(times)
    assert 800 < times[75] - times[74] < 2500
    assert take.decode()[0] == 150


async def test_other_picture_size_begins_a_new_connection(relay, target, make_media):
    """An encoder that comes back with another format gets a connection of its own, without a failure in between."""
    await relay.aim(SESSION, target.ingest)
    for size in ("320x180", "640x360"):
        tap = relay.tap(SESSION, "flv")
        await offer(tap, make_media(seconds=3, size=size), seconds=3, rate=2)
        tap.close()
    await until(lambda: len(target.takes) == 2 and target.takes[1].media)
    assert not relay.state(SESSION).reason
    await relay.aim(SESSION, None)
    widths = []
    for take in target.takes:
        with av.open(io.BytesIO(bytes(take.media)), format="flv") as media:
            widths.append(media.streams.video[0].width)
        assert take.decode()[0] == 75
    assert widths == [320, 640]


async def test_connection_is_given_back_while_the_encoder_is_away(relay, target, make_media):
    """Without an encoder the connection ends after a while, nothing is sent twice, and a new encoder is relayed."""
    await relay.aim(SESSION, target.ingest)
    tap = relay.tap(SESSION, "flv")
    await offer(tap, make_media(seconds=3), seconds=3, rate=2)
    tap.close()
    await asyncio.wait_for(target.takes[0].ended.wait(), 10)
    await until(lambda: relay.state(SESSION).phase is RelayPhase.WAITING)
    await asyncio.sleep(0.5)
    assert len(target.takes) == 1
    again = relay.tap(SESSION, "flv")
    await offer(again, make_media(seconds=3), seconds=3, rate=2)
    await until(lambda: len(target.takes) == 2 and target.takes[1].media)
    assert not relay.state(SESSION).reason


async def test_dead_relay_holds_little(open_relay, make_media):
    """200 MB offered while the target is dead take no more memory than the limit, no time to speak of, no exception."""
    relay = open_relay(max_bytes=2**20)
    port = await _free_port()
    await relay.aim(SESSION, Ingest(url=f"rtmp://127.0.0.1:{port}/live2", key=KEY))
    media = make_media(seconds=20, size="1280x720")
    began_s, offered, most = time.monotonic(), 0, 0
    slowest_s = 0.0
    while offered < 200_000_000:
        tap = relay.tap(SESSION, "flv")
        for at in range(0, len(media), 65_536):
            before_s = time.perf_counter()
            tap.offer(media[at : at + 65_536])
            slowest_s = max(slowest_s, time.perf_counter() - before_s)
            leg = relay._legs[SESSION]
            held = sum(len(piece.data) for group in leg._backlog._groups for piece in group.pieces)
            assert held == leg._backlog.size_bytes
            most = max(most, held)
        offered += len(media)
        tap.close()
        await asyncio.sleep(0)
    assert 0 < most <= 2**20 + 2**18
    assert slowest_s < 0.5
    assert time.monotonic() - began_s < 60
    assert relay.state(SESSION).dropped_ms > 0


@pytest.mark.parametrize("container", ["flv", "mpegts"])
async def test_rubbish_ends_the_tap_and_nothing_else(relay, target, container, caplog):
    """A stream that is not what it should be is named once in the log; the tap takes the rest in silence."""
    await relay.aim(SESSION, target.ingest)
    tap = relay.tap(SESSION, container)
    for _ in range(4):
        tap.offer(b"\x00" * 100_000)
    assert relay.state(SESSION).phase is RelayPhase.FAILING
    tap.close()
    tap.offer(b"late")
    assert caplog.text.count("relay_tap_failed") == 1
    await until(lambda: relay.state(SESSION).phase is RelayPhase.WAITING)


async def test_rubbish_after_media_stays_told(relay, target, make_media):
    """As long as the encoder sends what nobody understands, the host is told so, also when the connection has ended."""
    tap = relay.tap(SESSION, "flv")
    await relay.aim(SESSION, target.ingest)
    await offer(tap, make_media(seconds=3), seconds=3)
    await until(lambda: relay.state(SESSION).phase is RelayPhase.SENDING)
    tap.offer(b"\x00" * 100_000)
    for _ in range(30):  # until well after the connection was given back
        assert relay.state(SESSION).phase is RelayPhase.FAILING
        assert "FLV tag" in relay.state(SESSION).reason
        await asyncio.sleep(0.1)
    tap.close()
    await until(lambda: relay.state(SESSION).phase is RelayPhase.WAITING)


async def test_nothing_is_failing_without_an_encoder(relay, make_media):
    """When the encoder leaves while the target is dead, there is nothing to be passed on, and nobody tries."""
    port = await _free_port()
    await relay.aim(SESSION, Ingest(url=f"rtmp://127.0.0.1:{port}/live2", key=KEY))
    tap = relay.tap(SESSION, "flv")
    await offer(tap, make_media(seconds=4), seconds=4, rate=4)
    await until(lambda: relay.state(SESSION).phase is RelayPhase.FAILING)
    tap.close()
    await until(lambda: relay.state(SESSION).phase is RelayPhase.WAITING)
    tries = relay.state(SESSION).restarts
    await asyncio.sleep(1)
    assert relay.state(SESSION).restarts == tries


async def test_unknown_container_has_no_tap(relay):
    """What nobody can cut is not tapped, and after the end nothing is."""
    assert relay.tap(SESSION, "ogg") is None
    await relay.close()
    assert relay.tap(SESSION, "flv") is None


async def test_sessions_without_a_relay_leave_nothing_behind(relay, make_media):
    """A tap that nobody wanted holds no media, and is forgotten with its encoder."""
    tap = relay.tap(SESSION, "flv")
    tap.offer(make_media(seconds=3))
    assert relay._legs[SESSION]._backlog.size_bytes == 0
    tap.close()
    assert not relay._legs


async def test_aims_at_once_end_at_the_last(relay, target, make_media):
    """Many changes at the same time leave one connection, to the last address."""
    tap = relay.tap(SESSION, "flv")
    sending = asyncio.create_task(offer(tap, make_media(seconds=8), seconds=8))
    port = await _free_port()
    other = Ingest(url=f"rtmp://127.0.0.1:{port}/live2", key=KEY)
    await asyncio.gather(*(relay.aim(SESSION, aim) for aim in (target.ingest, None, other, None, target.ingest)))
    await until(lambda: relay.state(SESSION).phase is RelayPhase.SENDING)
    assert len(_pushers()) == 1
    sending.cancel()


@given(failures=st.integers(1, 10_000), chance=st.floats(0, 1))
def test_pauses_stay_in_their_bounds(failures, chance):
    """Pauses lie between half a second and fifteen seconds, however many failures."""
    assert 0.5 <= plan_pause_s(failures, chance=chance) <= 15


def test_pauses_grow_and_are_forgiven():
    """Pauses double, differ by chance, and success makes them short again: after a minute, as if nothing had been."""
    assert [plan_pause_s(n, chance=0.5) for n in range(1, 7)] == [0.5, 1, 2, 4, 8, 15]
    assert plan_pause_s(3, chance=0) < plan_pause_s(3, chance=1)
    assert plan_failures(9, sent_s=60) == 0
    assert plan_failures(9, sent_s=25) == 4
    assert plan_failures(9, sent_s=0) == 9
