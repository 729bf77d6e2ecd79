"""From segments and from foreign files to one verified recording."""

import asyncio
import hashlib
import shutil
import subprocess
from dataclasses import replace

import pytest

from streamhub.errors import BadMedia, Conflict, DiskFull, NotFound, StreamhubError, ToolFailed
from streamhub.recording.recording import Segment, SegmentState
from streamhub.recording.workflow import discard_segments, finish_recording, import_media
from streamhub.schedule.show import SessionState
from streamhub.store.recordings import insert_segment

H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25")
SID = "2027-03-02-netz"


async def _push(one, start_push, until, **kwargs):
    child = await start_push(one.url, **kwargs)
    assert await child.wait(timeout_s=20) == 0
    await until(lambda: not one.studio.open_sessions())


def _run(*argv):
    return subprocess.run(argv, check=False, capture_output=True).returncode


def _run_text(*argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True).stderr


async def _put(room, source, *, number=1, state=SegmentState.CLOSED, at=None, duration_ms=None):
    """A segment as a studio leaves it, from a clip."""
    path = room.session_dir(SID) / f"seg-{number:04d}.mkv"
    path.parent.mkdir(parents=True, exist_ok=True)
    if source is not None:
        shutil.copy(source, path)
    info = None
    if duration_ms is None:
        info = room.scanner.scan(path)
        duration_ms = info.duration_ms - info.start_ms
    segment = Segment(
        session_id=SID,
        number=number,
        path=room.relative(path),
        started_at=at or room.now(),
        duration_ms=0 if state is SegmentState.OPEN else duration_ms,
        state=state,
    )
    await room.store.write(lambda db: insert_segment(db, segment))
    return segment


async def test_drop_out_becomes_one_recording_with_a_gap(open_studio, start_push, until):
    """Two segments with a minute between them are one MP4, and the clock map says where the gap is."""
    one = await open_studio()
    live = await one.step(SessionState.LIVE)
    await _push(one, start_push, until)
    one.clock.skip(60)
    await _push(one, start_push, until)
    one.clock.skip(10)
    await one.step(SessionState.ENDED)
    await one.studio.close_session(SID)
    done = []
    recording = await finish_recording(one.room, SID, progress=done.append)
    path = one.room.path_of(recording.path)
    assert recording.info == one.room.scanner.scan(path)
    assert (recording.info.video_codec, recording.info.audio_codec) == ("h264", "aac")
    assert abs(recording.info.duration_ms - 6000) <= 150
    assert recording.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert b"moov" in path.read_bytes()[:200]  # plays while it loads
    first, second = recording.clock.pieces
    segments = await one.segments()
    assert abs(first.session.start_ms - (segments[0].started_at - live.started_at).total_seconds() * 1000) <= 1
    assert 57_000 <= second.session.start_ms - first.session.end_ms <= 62_000
    assert first.media.end_ms == second.media.start_ms
    # what came back 1 s after the gap is where the map says: the test picture of the second segment at 1 s
    assert recording.clock.media_ms(second.session.start_ms + 1000) == first.media.duration_ms + 1000
    assert recording.lost_ms >= 60_000
    assert sorted(done) == done
    assert not list(path.parent.glob("*.part*"))
    assert all(one.room.path_of(segment.path).exists() for segment in segments)


async def test_second_call_returns_the_same_and_does_no_work(room, clip):
    """A recording that is whole is found, not made again."""
    await _put(room, clip)
    first = await finish_recording(room, SID)
    stamp = room.path_of(first.path).stat().st_mtime_ns
    assert await finish_recording(room, SID) == first
    assert room.path_of(first.path).stat().st_mtime_ns == stamp


async def test_two_calls_at_once_make_one_recording(room, clip):
    """Two callers at once get the same recording."""
    await _put(room, clip)
    first, second = await asyncio.gather(finish_recording(room, SID), finish_recording(room, SID))
    assert first == second


async def test_lost_file_is_made_again_from_the_segments(room, clip):
    """A recording whose file is gone is made again while its segments are there."""
    await _put(room, clip)
    first = await finish_recording(room, SID)
    room.path_of(first.path).unlink()
    again = await finish_recording(room, SID)
    assert room.path_of(again.path).exists()
    assert again.clock == first.clock


async def test_segment_that_a_crash_left_open_is_recovered(room, clip, tmp_path, program):
    """A segment that was cut off in the middle and never closed is joined with its true length."""
    whole = tmp_path / "whole.mkv"
    _run(program, "-v", "error", "-i", clip, "-c", "copy", whole)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    await _put(room, cut, number=1, state=SegmentState.OPEN)
    await _put(room, whole, number=2)
    recording = await finish_recording(room, SID)
    cut_ms = room.scanner.scan(cut).duration_ms
    assert 1000 < cut_ms < 2900
    assert abs(recording.info.duration_ms - cut_ms - 3000) <= 200


@pytest.mark.parametrize("content", [b"", b"rubbish" * 1000, None])
async def test_unusable_segment_is_reported_and_skipped(room, clip, content):
    """An empty, broken or missing segment is named in the report; the others make the recording."""
    await _put(room, clip, number=1)
    bad = room.session_dir(SID) / "seg-0002.mkv"
    if content is not None:
        bad.write_bytes(content)
    await _put(room, None, number=2, state=SegmentState.OPEN, duration_ms=0)
    said = []
    recording = await finish_recording(room, SID, report=said.append)
    assert abs(recording.info.duration_ms - 3000) <= 100
    assert len(said) == 1
    assert "segment 2" in said[0]


async def test_nothing_usable_is_an_error_that_says_so(room):
    """A session of empty segments, or of none, has no recording, and the error says what to do."""
    with pytest.raises(BadMedia, match="0 segment"):
        await finish_recording(room, SID)
    (room.session_dir(SID)).mkdir(parents=True)
    (room.session_dir(SID) / "seg-0001.mkv").touch()
    await _put(room, None, state=SegmentState.OPEN, duration_ms=0)
    with pytest.raises(BadMedia, match="nothing usable was recorded in 1 segment") as caught:
        await finish_recording(room, SID)
    assert "import" in caught.value.hint


async def test_unknown_session_is_named(room):
    """A session that does not exist has no recording."""
    with pytest.raises(NotFound, match="nowhere"):
        await finish_recording(room, "nowhere")


async def test_head_of_a_segment_without_an_index_is_cut_too(open_studio, make_clip, room, tmp_path):
    """Also where a crash left the segment without index and length, what came before going live is left out."""
    one = await open_studio()
    whole = make_clip("indexless.mkv", *H264, "-c:a", "aac", seconds=8)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 3 // 4])
    segment = await _put(room, cut, state=SegmentState.OPEN, at=one.clock())
    one.clock.skip(2.5)
    live = await one.step(SessionState.LIVE)
    recording = await finish_recording(room, SID)
    cut_ms = room.scanner.scan(cut).duration_ms
    kept_ms = cut_ms - (live.started_at - segment.started_at).total_seconds() * 1000
    assert cut_ms > 4000
    assert kept_ms - 50 <= recording.info.duration_ms - recording.info.start_ms <= kept_ms + 1100
    (piece,) = recording.clock.pieces
    assert piece.session.start_ms == 0
    keys = _run_text(
        room.tool.program, "-v", "info", "-skip_frame", "nokey", "-i", room.path_of(recording.path), "-vf", "showinfo",
        "-an", "-frames:v", "1", "-f", "null", "-",
    )  # fmt: skip
    assert "pts_time:0" in keys


async def test_talk_before_going_live_is_left_out(open_studio, make_clip, until, room):
    """What was recorded before going live is not in the recording, to the key frame; the clock map knows."""
    one = await open_studio()
    rehearsal = make_clip("rehearsal.mkv", *H264, "-c:a", "aac", seconds=2)
    spanning = make_clip("spanning.mkv", *H264, "-c:a", "aac", seconds=6)
    at = one.clock()
    await _put(room, rehearsal, number=1, at=at)
    one.clock.skip(10)
    second = await _put(room, spanning, number=2, at=one.clock())
    one.clock.skip(3.5)
    live = await one.step(SessionState.LIVE)
    one.clock.skip(3)
    await one.step(SessionState.ENDED)
    said = []
    recording = await finish_recording(room, SID, report=said.append)
    head_ms = (live.started_at - second.started_at).total_seconds() * 1000
    kept_ms = second.duration_ms - head_ms
    assert kept_ms <= recording.info.duration_ms - recording.info.start_ms <= kept_ms + 1100
    (piece,) = recording.clock.pieces
    assert piece.session.start_ms == 0
    assert 0 <= piece.media.start_ms <= 1100
    assert len(said) == 1
    assert "before the session went live" in said[0]
    assert all(room.path_of(s.path).exists() for s in await one.segments())


@pytest.mark.parametrize(
    ("options", "kwargs"),
    [
        ((*H264, "-c:a", "aac"), {"size": "640x360"}),
        ((*H264, "-c:a", "aac", "-ar", "44100", "-ac", "2"), {}),
        ((*H264,), {"sound": False}),
        (("-vn", "-c:a", "aac"), {}),
    ],
    ids=["size", "sound", "silent", "dark"],
)
async def test_segment_of_another_format_is_encoded_anew(room, clip, make_clip, options, kwargs, request):
    """An encoder that came back with another format is fitted in and reported, the rest is copied; nothing is lost."""
    other = make_clip(f"other-{request.node.callspec.id}.mkv", *options, seconds=1, **kwargs)
    await _put(room, clip, number=1)
    await _put(room, other, number=2)
    await _put(room, clip, number=3)
    said = []
    recording = await finish_recording(room, SID, report=said.append)
    info = recording.info
    assert (info.width, info.sample_rate_hz, info.channels) == (320, 48000, 1)
    assert abs(info.duration_ms - 7000) <= 200
    assert len(recording.clock.pieces) == 3
    assert len(said) == 1
    assert "segment 2: another format" in said[0]
    assert "encoded anew" in said[0]
    decoded = _run_text(room.tool.program, "-v", "error", "-i", room.path_of(recording.path), "-f", "null", "-")
    assert "Error" not in decoded
    assert "Invalid" not in decoded
    assert sorted(p.name for p in room.session_dir(SID).iterdir())[:2] == ["recording.mp4", "seg-0001.mkv"]


async def test_segment_that_cannot_be_fitted_in_is_reported(room, clip, make_clip):
    """Where encoding anew fails, the segment is left out by name and its file is kept."""

    class Unable:
        def __init__(self, tool):
            self.join = tool.join

        async def conform(self, part, target, like, *, progress):
            raise ToolFailed("no such encoder")

    other = make_clip("unable.mkv", *H264, "-c:a", "aac", seconds=1, size="640x360")
    await _put(room, clip, number=1)
    await _put(room, other, number=2)
    said = []
    recording = await finish_recording(replace(room, tool=Unable(room.tool)), SID, report=said.append)
    assert abs(recording.info.duration_ms - 3000) <= 100
    assert "640x360" in said[0]
    assert "left out" in said[0]
    assert (room.session_dir(SID) / "seg-0002.mkv").exists()


async def test_result_that_is_too_short_is_not_kept(room, clip):
    """When the joined file lacks what went in, there is no recording and the segments stay."""

    class Forgetful:
        def __init__(self, tool):
            self._tool = tool

        async def join(self, parts, target, *, progress, mixed):
            await self._tool.join(parts[:1], target, progress=progress, mixed=mixed)

    await _put(room, clip, number=1)
    await _put(room, clip, number=2)
    broken = replace(room, tool=Forgetful(room.tool))
    with pytest.raises(BadMedia, match=r"is 3\.0 s, 6\.\d s expected"):
        await finish_recording(broken, SID)
    assert not list(room.session_dir(SID).glob("recording*"))
    assert abs((await finish_recording(room, SID)).info.duration_ms - 6000) <= 150


async def test_full_disk_is_said_and_leaves_nothing_half(room, clip, tmp_path):
    """Joining on a full disk fails as such, and the next try with room succeeds."""
    small = tmp_path / "small"
    small.mkdir()
    if _run("mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", small):
        pytest.skip("cannot mount a small tmpfs here")
    try:
        tiny = replace(room, media_dir=small)
        await _put(tiny, clip)
        with pytest.raises(DiskFull):
            await finish_recording(tiny, SID)
        assert not list(tiny.session_dir(SID).glob("recording*"))
    finally:
        _run("umount", "-l", small)


async def test_segments_are_discarded_only_when_the_recording_is_whole(room, clip):
    """Segments and HLS go when the recording is there, and not before."""
    await _put(room, clip)
    hls = room.hls_dir(SID)
    hls.mkdir()
    (hls / "index.m3u8").write_text("#EXTM3U\n")
    with pytest.raises(Conflict, match="no whole recording"):
        await discard_segments(room, SID)
    recording = await finish_recording(room, SID)
    assert await discard_segments(room, SID) > 10_000
    assert await discard_segments(room, SID) == 0
    assert sorted(p.name for p in room.session_dir(SID).iterdir()) == ["recording.mp4"]
    assert await finish_recording(room, SID) == recording


@pytest.mark.parametrize(
    ("name", "options", "result"),
    [
        ("i.mp4", (*H264, "-c:a", "aac"), (".mp4", "aac", "h264")),
        ("i.mkv", (*H264, "-c:a", "libopus"), (".mp4", "aac", "h264")),
        ("i.mov", (*H264, "-c:a", "pcm_s16le"), (".mp4", "aac", "h264")),
        (
            "i.webm",
            ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "16", "-c:a", "libopus"),
            (".webm", "opus", "vp8"),
        ),
        ("i.mpg", ("-c:v", "mpeg2video", "-c:a", "mp2"), (".mkv", "aac", "mpeg2video")),
        ("i.mp3", ("-vn", "-c:a", "libmp3lame"), (".mp4", "mp3", "")),
        ("i.wav", ("-vn",), (".mp4", "aac", "")),
        ("i.flac", ("-vn",), (".mp4", "aac", "")),
        ("i.ogg", ("-vn", "-c:a", "libvorbis"), (".mp4", "aac", "")),
        ("-i.opus", ("-vn",), (".mp4", "aac", "")),
    ],
)
async def test_any_media_file_becomes_a_recording(room, make_clip, tmp_path, name, options, result):
    """Sound and video files of every usual kind are imported; what fits is copied, session time is media time."""
    made = make_clip(name.lstrip("-"), *options, seconds=2)
    source = shutil.copy(made, tmp_path / name)
    recording = await import_media(room, source, SID)
    suffix = recording.path.removeprefix(f"{SID}/recording")
    assert (suffix, recording.info.audio_codec, recording.info.video_codec) == result
    assert abs(recording.info.duration_ms - recording.info.start_ms - 2000) <= 100
    assert recording.clock.media_ms(1234) == 1234
    assert recording.source == "import"
    assert source.exists()


async def test_import_takes_the_place_of_an_earlier_recording(room, make_clip):
    """A second import replaces the first one; no file of the first is left."""
    first = make_clip("r.webm", "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "16", seconds=1)
    second = make_clip("r.mp4", *H264, "-c:a", "aac", seconds=2)
    await import_media(room, first, SID)
    recording = await import_media(room, second, SID)
    assert [path.name for path in room.session_dir(SID).iterdir()] == ["recording.mp4"]
    assert await finish_recording(room, SID) == recording


async def test_import_without_sound_is_refused_clearly(room, make_clip):
    """A video without sound cannot be transcribed, and the error says that the sound is what is missing."""
    silent = make_clip("silent.mp4", *H264, seconds=1, sound=False)
    with pytest.raises(BadMedia, match=r"silent\.mp4: has a picture \(h264\) but no sound") as caught:
        await import_media(room, silent, SID)
    assert "sound track" in caught.value.hint
    assert not list(room.session_dir(SID).glob("*"))


@pytest.mark.parametrize("content", [b"", b"no media at all" * 50])
async def test_import_of_no_media_is_refused(room, tmp_path, content):
    """Empty and foreign files are refused before anything is written."""
    path = tmp_path / "file.mp4"
    path.write_bytes(content)
    with pytest.raises(BadMedia, match=r"file\.mp4"):
        await import_media(room, path, SID)
    assert not room.session_dir(SID).exists()


async def test_stills_are_taken(room, clip, tmp_path):
    """A picture at a time is saved as JPEG; behind the end, and of sound alone, there is none, and that is said."""
    target = tmp_path / "still.jpg"
    await room.tool.extract_still(clip, 1500, target)
    assert target.read_bytes()[:3] == b"\xff\xd8\xff"
    with pytest.raises(StreamhubError):
        await room.tool.extract_still(clip, 60_000, tmp_path / "none.jpg")
    assert not (tmp_path / "none.jpg").exists()


async def test_joined_parts_keep_their_places(room, clip, tmp_path):
    """In the joined file, the second part begins exactly where the clock map says that it does."""
    import av

    await _put(room, clip, number=1)
    second = await _put(room, clip, number=2)
    recording = await finish_recording(room, SID)
    with av.open(str(room.path_of(recording.path))) as container:
        keys = [
            float(packet.pts * packet.time_base) * 1000
            for packet in container.demux(video=0)
            if packet.pts is not None and packet.is_keyframe
        ]
    begins_ms = second.duration_ms  # both parts are the same clip
    assert min(abs(key_ms - begins_ms) for key_ms in keys) <= 45
