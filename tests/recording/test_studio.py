"""The studio, with real encoders, a real store and a real media tool."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import pytest

import streamhub
from streamhub import process
from streamhub.config import LiveSettings
from streamhub.errors import Conflict, DiskFull, Forbidden, TooMany
from streamhub.live.ingest import Publisher, RelayPhase
from streamhub.live.link import DEFAULT_LIMITS
from streamhub.live.platform import Ingest
from streamhub.live.relay import Relay
from streamhub.live.rtmp import RtmpDoor
from streamhub.live.srt import SrtDoor
from streamhub.process import Command
from streamhub.recording.recording import SegmentState
from streamhub.recording.room import drop_hls
from streamhub.recording.rules import ISSUE_DISK_LOW
from streamhub.recording.studio import Happening, Studio
from streamhub.recording.workflow import finish_recording
from streamhub.schedule.show import SessionState, Show
from streamhub.store.recordings import list_segments
from streamhub.store.shows import save_show


async def test_right_key_records_and_plays(open_studio, start_push, until):
    """What an encoder pushes with the right key is a whole segment, and HLS beside it, when it has gone."""
    one = await open_studio()
    before = one.clock()
    child = await start_push(one.url)
    assert await child.wait(timeout_s=20) == 0
    await until(lambda: not one.studio.open_sessions())
    await one.studio.close_session(one.session_id)
    (segment,) = await one.segments()
    assert segment.state is SegmentState.CLOSED
    assert abs(segment.duration_ms - 3000) <= 60
    assert before - timedelta(milliseconds=1) <= segment.started_at <= one.clock()
    info = one.room.scanner.scan(one.room.path_of(segment.path))
    assert (info.video_codec, info.audio_codec, info.width) == ("h264", "aac", 320)
    playlist = (one.room.hls_dir(one.session_id) / "index.m3u8").read_text()
    assert playlist.rstrip().endswith("#EXT-X-ENDLIST")
    assert "#EXT-X-PROGRAM-DATE-TIME" in playlist
    piece = one.room.scanner.scan(one.room.hls_dir(one.session_id) / "index0.ts")
    assert (piece.video_codec, piece.audio_codec) == ("h264", "aac")
    assert one.studio.hls_folder(one.session_id) == one.room.hls_dir(one.session_id)


async def test_wrong_key_is_refused_and_logged_without_the_key(open_studio, start_push, caplog):
    """A wrong key records nothing; the log has the address and four characters of it, not more."""
    one = await open_studio()
    child = await start_push(f"{one.door.url}/wrong-secret-key")
    assert await child.wait(timeout_s=20) != 0
    assert await one.segments() == []
    assert "address=127.0.0.1 key='wron'…" in caplog.text
    assert "wrong-secret" not in caplog.text
    assert [event.session_id for event in one.seen(Happening.WRONG_KEY)] == [""]


async def test_many_wrong_keys_lock_an_address_for_a_minute(open_studio):
    """After ten wrong keys in a minute an address is refused with the right one too; others, and later, it is not."""
    one = await open_studio()
    for n in range(10):
        with pytest.raises(Forbidden):
            await one.studio.admit(Publisher(door="rtmp", key=f"guess-{n}", address="192.0.2.1"))
    right = Publisher(door="rtmp", key=one.key, address="192.0.2.1")
    with pytest.raises(TooMany) as caught:
        await one.studio.admit(right)
    assert caught.value.retry_after_s == 60
    other = await one.studio.admit(Publisher(door="rtmp", key=one.key, address="192.0.2.2"))
    await other.close(reason="done")
    one.clock.skip(61)
    late = await one.studio.admit(right)
    await late.close(reason="done")
    assert await one.segments() == []


async def test_second_publisher_is_refused_while_the_first_goes_on(open_studio, start_push, until):
    """Somebody else with the same key gets an error; the running recording does not notice."""
    one = await open_studio()
    first = await start_push(one.url, "-re")
    await until(one.studio.open_sessions)
    second = await start_push(one.url)
    assert await second.wait(timeout_s=20) != 0
    signal_now = await one.studio.signal(one.session_id)
    assert signal_now.receiving
    assert await first.wait(timeout_s=20) == 0
    await until(lambda: not one.studio.open_sessions())
    await one.studio.close_session(one.session_id)
    (segment,) = await one.segments()
    assert abs(segment.duration_ms - 3000) <= 60


async def test_silent_publisher_loses_its_place(open_studio, start_push, until):
    """An encoder that comes back after its network broke need not wait until its dead connection is noticed."""
    one = await open_studio()
    dead = await start_push(one.url, "-re")
    await until(lambda: one.studio.open_sessions() and len(list(one.room.media_dir.rglob("seg-0001.mkv"))) == 1)
    os.kill(dead.pid, signal.SIGSTOP)
    one.clock.skip(6)
    back = await start_push(one.url)
    assert await back.wait(timeout_s=20) == 0
    await until(lambda: not one.studio.open_sessions())
    await one.studio.close_session(one.session_id)
    assert [segment.number for segment in await one.segments()] == [1, 2]
    assert all(segment.state is not SegmentState.OPEN for segment in await one.segments())


async def test_drop_out_makes_a_second_segment_and_one_playlist(open_studio, start_push, until):
    """Inside the grace time the session goes on in a new segment, and its playlist goes on with a discontinuity."""
    one = await open_studio(grace_s=60)
    for _ in range(2):
        child = await start_push(one.url)
        assert await child.wait(timeout_s=20) == 0
        await until(lambda: not one.studio.open_sessions())
    assert one.seen(Happening.GRACE_OVER) == []
    await one.studio.close_session(one.session_id)
    segments = await one.segments()
    assert [(segment.number, segment.state) for segment in segments] == [
        (1, SegmentState.CLOSED),
        (2, SegmentState.CLOSED),
    ]
    playlist = (one.room.hls_dir(one.session_id) / "index.m3u8").read_text()
    pieces = [line for line in playlist.splitlines() if line.endswith(".ts")]
    assert len(pieces) == len(set(pieces)) >= 4
    second_half = playlist.split(pieces[len(pieces) // 2 - 1])[1]
    assert "#EXT-X-DISCONTINUITY" in second_half
    assert playlist.count("#EXT-X-ENDLIST") == 1


@pytest.mark.parametrize(("state", "told"), [(SessionState.LIVE, 1), (SessionState.REHEARSAL, 0)])
async def test_grace_over_is_told_for_live_sessions(open_studio, start_push, until, state, told):
    """When the encoder of a live session stays away longer than the grace time, that is told once; else never."""
    one = await open_studio(grace_s=0)
    await one.step(state)
    child = await start_push(one.url)
    assert await child.wait(timeout_s=20) == 0
    await until(lambda: one.seen(Happening.PUBLISHER_OFF))
    if told:
        await until(lambda: one.seen(Happening.GRACE_OVER))
    await asyncio.sleep(0.2)
    assert len(one.seen(Happening.GRACE_OVER)) == told


async def test_grace_begins_anew_when_the_session_goes_live(open_studio, until):
    """An encoder that left in rehearsal does not end the session moments after it went live without one."""
    one = await open_studio(grace_s=1)
    await one.step(SessionState.REHEARSAL)
    sink = await one.studio.admit(Publisher(door="rtmp", key=one.key, address="127.0.0.1"))
    await sink.close(reason="left the rehearsal")
    await asyncio.sleep(0.7)
    began = (await one.step(SessionState.LIVE)).started_at
    await until(lambda: one.seen(Happening.GRACE_OVER))
    (over,) = one.seen(Happening.GRACE_OVER)
    assert over.at - began >= timedelta(seconds=0.99)


@pytest.mark.parametrize("state", [SessionState.ENDED, SessionState.CANCELLED])
async def test_ended_session_takes_no_media(open_studio, state):
    """A key of a session that is over opens nothing."""
    one = await open_studio()
    if state is SessionState.ENDED:
        await one.step(SessionState.LIVE)
    await one.step(state)
    with pytest.raises(Conflict, match=str(state)):
        await one.studio.admit(Publisher(door="rtmp", key=one.key, address="127.0.0.1"))


async def test_killed_recorder_loses_little_and_is_followed_by_the_next(open_studio, start_push, until):
    """When the media tool is killed, what it had written is kept and counted, and the encoder can come back."""
    one = await open_studio()
    child = await start_push(one.url, "-re", "-stream_loop", "3")
    await until(one.studio.open_sessions)
    await asyncio.sleep(4)
    recorder = one.studio._desks[one.session_id].recorder
    os.kill(recorder.pid, signal.SIGKILL)
    assert await child.wait(timeout_s=20) != 0
    await until(lambda: one.seen(Happening.RECORDER_FAILED))
    again = await start_push(one.url)
    assert await again.wait(timeout_s=20) == 0
    await until(lambda: not one.studio.open_sessions())
    await one.studio.close_session(one.session_id)
    first, second = await one.segments()
    assert first.state is SegmentState.RECOVERED
    assert 1500 <= first.duration_ms <= 5000
    assert second.state is SegmentState.CLOSED


async def test_killed_hub_takes_its_recorder_along_and_loses_little(room, clock, start_push, until):
    """Kill the whole hub while it records: nothing goes on writing, and the next start makes the recording of it."""
    script, folder = Path(__file__).with_name("hub_process.py"), room.media_dir.parent
    environ = {"PYTHONPATH": str(Path(streamhub.__file__).parents[1])}
    command = Command(argv=[sys.executable, str(script), str(folder), str(room.media_dir)], env=environ)
    async with await process.start(command, stdout=True) as hub:
        url = (await asyncio.wait_for(hub.process.stdout.readline(), 30)).decode().strip()
        await start_push(f"{url}/k7w2right0key9for8this7session66", "-re", "-stream_loop", "9")
        file = room.session_dir("2027-03-02-netz") / "seg-0001.mkv"
        await until(lambda: file.exists() and file.stat().st_size > 200_000)
        hub.kill()
        await hub.wait()
    size_bytes = -1
    async with asyncio.timeout(10):
        while size_bytes != file.stat().st_size:
            size_bytes = file.stat().st_size
            await asyncio.sleep(0.5)
    studio = Studio(room, LiveSettings(min_free_mb=1))
    await studio.resume()
    (segment,) = await room.store.read(lambda db: list_segments(db, "2027-03-02-netz"))
    assert segment.state is SegmentState.RECOVERED
    assert segment.duration_ms >= 1500
    recording = await finish_recording(room, "2027-03-02-netz")
    assert abs(recording.info.duration_ms - segment.duration_ms) <= 100
    await studio.close()


async def test_live_session_gets_its_grace_again_after_a_start(open_studio, until):
    """A hub that comes back in the middle of a live session waits for the encoder as if it had just dropped out."""
    one = await open_studio(grace_s=0)
    await one.step(SessionState.LIVE)
    await one.studio.resume()
    await until(lambda: one.seen(Happening.GRACE_OVER))


@pytest.mark.parametrize("comes", [False, True])
async def test_session_that_no_encoder_ever_came_to_ends_after_its_planned_end(open_studio, comes):
    """A live session without any encoder is given up when its planned end and the grace time are over, not before."""
    one = await open_studio(grace_s=1)
    session = await one.step(SessionState.LIVE)
    planned = replace(session, started_at=session.started_at - timedelta(minutes=session.planned_minutes))
    one.studio.expect_encoder(planned)
    if comes:
        sink = await one.studio.admit(Publisher(door="rtmp", key=one.key, address="127.0.0.1"))
    await asyncio.sleep(0.5)
    assert one.seen(Happening.GRACE_OVER) == []
    await asyncio.sleep(1.0)
    assert len(one.seen(Happening.GRACE_OVER)) == (0 if comes else 1)
    if comes:
        await sink.close(reason="the test is over")


async def test_encoder_that_did_not_reset_its_clock_is_recorded_from_its_beginning(open_studio, start_push, until):
    """Times of five hours and more, as after a reconnect, are read right and do not end up in the recording."""
    one = await open_studio()
    child = await start_push(one.url, "-copyts", "-itsoffset", "20000")
    assert await child.wait(timeout_s=20) == 0
    await until(lambda: not one.studio.open_sessions())
    (segment,) = await one.segments()
    assert segment.state is SegmentState.CLOSED
    assert abs(segment.duration_ms - 3000) <= 60
    info = one.room.scanner.scan(one.room.path_of(segment.path))
    assert info.start_ms <= 50


async def test_encoder_by_srt_is_recorded_likewise(open_studio, start_push, until, program):
    """What comes by SRT, as MPEG-TS, becomes a segment that joins with others: the sound in the form that MP4 wants."""
    one = await open_studio()
    door = SrtDoor("127.0.0.1", 0, program=program)
    await door.open(one.studio)
    try:
        ingest = await door.expect(one.key)
        port = int(ingest.url.split(":")[2].split("?")[0])
        async with asyncio.timeout(10):
            while f":{port:04X} " not in Path("/proc/net/udp").read_text():
                await asyncio.sleep(0.05)
        address = f"{ingest.url}&passphrase={ingest.key}"
        child = await start_push(address, "-re", container="mpegts")
        assert await child.wait(timeout_s=20) == 0
        await until(lambda: not one.studio.open_sessions())
    finally:
        await door.close()
    (segment,) = await one.segments()
    assert segment.state is SegmentState.CLOSED
    assert 2300 <= segment.duration_ms <= 3100
    recording = await finish_recording(one.room, one.session_id)
    assert (recording.info.audio_codec, recording.info.video_codec) == ("aac", "h264")
    said = subprocess.run(  # noqa: ASYNC221
        [program, "-v", "error", "-i", one.room.path_of(recording.path), "-f", "null", "-"],
        check=True,
        capture_output=True,
    )
    assert said.stderr == b""


async def test_low_disk_drops_hls_and_never_the_recording(open_studio, start_push, until):
    """Where the disk gets low, local viewing is given up and the host is told; the recording is whole."""
    free = [10**12]
    one = await open_studio(min_free_mb=1000, free_bytes=lambda folder: free[0], disk_watch_s=0.1)
    child = await start_push(one.url, "-re", "-stream_loop", "1")
    await until(lambda: one.studio.hls_folder(one.session_id))
    free[0] = 10**8
    await until(lambda: one.seen(Happening.DISK_LOW))
    assert ISSUE_DISK_LOW in (await one.studio.signal(one.session_id)).issues
    assert one.studio.hls_folder(one.session_id) is None
    assert await child.wait(timeout_s=20) == 0
    await until(lambda: not one.studio.open_sessions())
    await one.studio.close_session(one.session_id)
    (segment,) = await one.segments()
    assert segment.state is SegmentState.CLOSED
    assert abs(segment.duration_ms - 6000) <= 100
    with pytest.raises(DiskFull, match="1000 MB needed"):
        await one.studio.admit(Publisher(door="rtmp", key=one.key, address="127.0.0.1"))


async def test_full_disk_ends_the_recording_and_keeps_what_was_written(room, clock, start_push, until, tmp_path):
    """When the disk is full while recording, the host is told, and what was written counts to its true length."""
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", small], check=False).returncode:  # noqa: ASYNC221
        pytest.skip("cannot mount a small tmpfs here")
    events = []

    async def keep(event):
        events.append(event)

    tiny = replace(room, media_dir=small)
    studio = Studio(tiny, LiveSettings(min_free_mb=1), on_event=keep, free_bytes=lambda folder: 10**12)
    door = RtmpDoor("127.0.0.1", 0)
    try:
        await door.open(studio)
        child = await start_push(f"{door.url}/k7w2right0key9for8this7session66", "-stream_loop", "9")
        await child.wait(timeout_s=20)
        await until(lambda: not studio.open_sessions())
        await until(lambda: any(event.kind is Happening.RECORDER_FAILED for event in events))
        (segment,) = await room.store.read(lambda db: list_segments(db, "2027-03-02-netz"))
        assert segment.state is SegmentState.RECOVERED
        assert 1000 < segment.duration_ms < 29_000
        assert ["no space left" in e.message for e in events if e.kind is Happening.RECORDER_FAILED] == [True]
    finally:
        await door.close()
        await studio.close()
        subprocess.run(["umount", "-l", small], check=False)  # noqa: ASYNC221


async def test_hls_can_be_switched_off(open_studio, start_push, until):
    """Without local viewing there is a recording and no HLS."""
    one = await open_studio(hls=False)
    child = await start_push(one.url)
    assert await child.wait(timeout_s=20) == 0
    await until(lambda: not one.studio.open_sessions())
    await one.studio.close_session(one.session_id)
    assert len(await one.segments()) == 1
    assert not one.room.hls_dir(one.session_id).exists()


async def test_signal_tells_what_arrives(open_studio, start_push, until):
    """The host sees whether media arrives and how much of it per second."""
    one = await open_studio()
    assert not (await one.studio.signal(one.session_id)).receiving
    await start_push(one.url, "-re")
    await until(one.studio.open_sessions)
    await asyncio.sleep(1.5)
    now = await one.studio.signal(one.session_id)
    assert now.receiving
    assert now.quality == "good"
    assert 200 < now.bitrate_kbit_s < 5000


async def test_failing_listener_does_not_stop_the_studio(room, until, caplog):
    """An event that its listener cannot take is logged, and publishing goes on."""

    async def fail(event):
        raise RuntimeError("listener")

    studio = Studio(room, LiveSettings(min_free_mb=0), on_event=fail)
    with pytest.raises(Forbidden):
        await studio.admit(Publisher(door="rtmp", key="wrong", address="127.0.0.1"))
    await until(lambda: "studio_event" in caplog.text)
    await studio.close()
    assert "studio_event_failed kind=wrong_key" in caplog.text


async def test_live_session_that_goes_straight_to_its_platform_waits_for_no_encoder(open_studio):
    """A hub that comes back does not end a session whose encoder never pushed here."""
    one = await open_studio(grace_s=0)
    direct = Show(id="netz", title="Das Netz", platform="elsewhere", direct=True)
    await one.room.store.write(lambda db: save_show(db, direct))
    await one.step(SessionState.LIVE)
    await one.studio.resume()
    await asyncio.sleep(0.3)
    assert one.seen(Happening.GRACE_OVER) == []


class _Taps:
    """Opens taps that keep what they see, or fail at it."""

    def __init__(self, *, fails=""):
        self.fails, self.opened, self.seen, self.closed = fails, [], bytearray(), 0

    def tap(self, session_id, container):
        self._maybe("tap")
        self.opened.append((session_id, container))
        return self

    def offer(self, chunk):
        self._maybe("offer")
        self.seen += chunk

    def close(self):
        self.closed += 1
        self._maybe("close")

    def _maybe(self, what):
        if what == self.fails:
            raise RuntimeError(what)


async def test_tap_sees_what_the_recorder_gets(open_studio, start_push, until):
    """A tap gets the very bytes of the stream beside the recorder, and is closed with its encoder."""
    taps = _Taps()
    one = await open_studio(taps=taps)
    child = await start_push(one.url)
    assert await child.wait(timeout_s=20) == 0
    await until(lambda: not one.studio.open_sessions())
    (segment,) = await one.segments()
    assert abs(segment.duration_ms - 3000) <= 60
    assert taps.opened == [(one.session_id, "flv")]
    assert taps.closed == 1
    copy = one.room.media_dir / "copy.flv"
    copy.write_bytes(taps.seen)
    recorded = one.room.scanner.scan(one.room.path_of(segment.path))
    assert one.room.scanner.scan(copy).duration_ms == pytest.approx(recorded.duration_ms, abs=50)


@pytest.mark.parametrize("fails", ["tap", "offer", "close"])
async def test_failing_tap_costs_the_recording_nothing(open_studio, start_push, until, caplog, fails):
    """A tap that raises is named once in the log and left out; the recording is whole."""
    one = await open_studio(taps=_Taps(fails=fails))
    child = await start_push(one.url)
    assert await child.wait(timeout_s=20) == 0
    await until(lambda: not one.studio.open_sessions())
    (segment,) = await one.segments()
    assert segment.state is SegmentState.CLOSED
    assert abs(segment.duration_ms - 3000) <= 60
    assert caplog.text.count("tap_failed") == 1


def _packets(path):
    """Number of packets of picture and of sound."""
    with av.open(str(path)) as media:
        kinds = [packet.stream.type for packet in media.demux() if packet.size]
    return kinds.count("video"), kinds.count("audio")


class _Platform:
    """Where a relay pushes to; takes one key, counts what comes."""

    def __init__(self, key):
        self.key, self.size = key, 0
        self.door = RtmpDoor("127.0.0.1", 0)

    async def admit(self, publisher):
        if publisher.key != self.key:
            raise Forbidden("stream key: wrong")
        return self

    async def write(self, chunk):
        self.size += len(chunk)

    async def close(self, *, reason):
        pass


@contextlib.asynccontextmanager
async def _hanging():
    """A port that takes connections and says nothing."""
    hung = []

    async def hang(reader, writer):
        hung.append(writer)

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    for writer in hung:
        writer.transport.abort()


@pytest.mark.parametrize("kind", ["taking", "hanging", "refused", "wrong key", "dying"])
async def test_recording_is_whole_whatever_the_relay_meets(open_studio, start_push, until, program, kind, clip):
    """Whether the platform takes, hangs, refuses or dies and comes back: not one packet of the recording is missing."""
    limits = replace(DEFAULT_LIMITS, first_pause_s=0.1, last_pause_s=0.3, stall_s=1.0, farewell_s=1.0)
    relay = Relay(program, now=lambda: datetime.now(UTC), random=os.urandom, limits=limits)
    one = await open_studio(taps=relay)
    platform = _Platform("another-key" if kind == "wrong key" else "platform-key")
    await platform.door.open(platform)
    if kind == "refused":
        await platform.door.close()
    async with _hanging() as hanging_port:
        port = hanging_port if kind == "hanging" else platform.door.port
        await relay.aim(one.session_id, Ingest(url=f"rtmp://127.0.0.1:{port}/live", key="platform-key"))
        child = await start_push(one.url, "-re", "-stream_loop", "2")
        if kind in ("taking", "dying"):
            await until(lambda: platform.size > 50_000)
            before = platform.size
        if kind == "dying":
            await platform.door.close()
            await until(lambda: relay.state(one.session_id).phase is RelayPhase.FAILING)
            await platform.door.open(platform)
            await until(lambda: platform.size > before + 50_000)
        elif kind != "taking":
            await until(lambda: relay.state(one.session_id).phase is RelayPhase.FAILING)
        assert await child.wait(timeout_s=30) == 0
        await until(lambda: not one.studio.open_sessions())
        await relay.close()
    await platform.door.close()
    (segment,) = await one.segments()
    assert segment.state is SegmentState.CLOSED
    video, audio = _packets(clip)
    assert _packets(one.room.path_of(segment.path)) == (3 * video, 3 * audio)


async def test_srt_is_recorded_and_relayed(open_studio, start_push, until, program):
    """What comes by SRT reaches the platform too, whose connection it enters at a key frame."""
    relay = Relay(program, now=lambda: datetime.now(UTC), random=os.urandom)
    platform = _Platform("platform-key")
    await platform.door.open(platform)
    one = await open_studio(taps=relay)
    door = SrtDoor("127.0.0.1", 0, program=program)
    await door.open(one.studio)
    try:
        ingest = await door.expect(one.key)
        port = int(ingest.url.split(":")[2].split("?")[0])
        async with asyncio.timeout(10):
            while f":{port:04X} " not in Path("/proc/net/udp").read_text():
                await asyncio.sleep(0.05)
        await relay.aim(one.session_id, Ingest(url=platform.door.url, key="platform-key"))
        address = f"{ingest.url}&passphrase={ingest.key}"
        child = await start_push(address, "-re", "-stream_loop", "1", container="mpegts")
        await until(lambda: relay.state(one.session_id).phase is RelayPhase.SENDING)
        assert await child.wait(timeout_s=20) == 0
        await until(lambda: not one.studio.open_sessions())
    finally:
        await relay.close()
        await door.close()
        await platform.door.close()
    (segment,) = await one.segments()
    assert 5000 <= segment.duration_ms <= 6200
    assert platform.size > 100_000


def test_dropping_hls_twice_is_no_fault(tmp_path):
    """HLS that is gone already can be dropped again."""
    (tmp_path / "hls").mkdir()
    (tmp_path / "hls" / "index0.ts").write_bytes(b"x")
    drop_hls(tmp_path / "hls")
    drop_hls(tmp_path / "hls")
    assert (tmp_path / "hls").is_file()
