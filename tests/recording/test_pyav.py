"""The scanner, on real files, broken ones too."""

import pytest

from streamhub.errors import BadMedia
from streamhub.recording.pyav import find_key_frame_ms, scan_media

H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25")


@pytest.mark.parametrize(
    ("name", "options", "audio", "video"),
    [
        ("a.mp4", (*H264, "-c:a", "aac"), "aac", "h264"),
        ("a.mkv", (*H264, "-c:a", "libopus"), "opus", "h264"),
        (
            "a.webm",
            ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "16", "-c:a", "libvorbis"),
            "vorbis",
            "vp8",
        ),
        ("a.mp3", ("-vn", "-c:a", "libmp3lame"), "mp3", ""),
        ("a.wav", ("-vn",), "pcm_s16le", ""),
        ("a.flac", ("-vn",), "flac", ""),
        ("a.opus", ("-vn",), "opus", ""),
        ("a.ts", (*H264, "-c:a", "aac"), "aac", "h264"),
    ],
)
def test_every_usual_kind_is_understood(make_clip, name, options, audio, video):
    """Codecs by their own names, length within a frame or two, size of the picture."""
    info = scan_media(make_clip(name, *options, seconds=2))
    assert (info.audio_codec, info.video_codec) == (audio, video)
    assert abs(info.duration_ms - info.start_ms - 2000) <= 80
    assert (info.width, info.height) == ((320, 180) if video else (0, 0))


def test_cover_of_an_audio_file_is_no_picture(make_clip, program, tmp_path):
    """A podcast with a cover is sound, not a video of one picture."""
    import asyncio

    from streamhub import process
    from streamhub.process import Command

    sound = make_clip("cover.mp3", "-vn", "-c:a", "libmp3lame", seconds=2)
    cover = make_clip("cover.jpg", "-frames:v", "1", seconds=1, sound=False)
    both = tmp_path / "both.mp3"
    argv = [str(program), "-v", "error", "-i", str(sound), "-i", str(cover), "-map", "0", "-map", "1", "-c", "copy"]
    asyncio.run(process.run_checked(Command(argv=[*argv, "-disposition:v", "attached_pic", str(both)])))
    info = scan_media(both)
    assert (info.audio_codec, info.video_codec, info.width) == ("mp3", "", 0)


def test_header_that_lies_is_not_believed(make_clip, tmp_path):
    """Of a file that was cut off, the length of what is there is found, not the length that its header tells."""
    whole = make_clip("whole.mkv", *H264, "-c:a", "aac", seconds=3)
    cut = tmp_path / "cut.mkv"
    data = whole.read_bytes()
    cut.write_bytes(data[: len(data) // 2])
    assert 600 < scan_media(cut).duration_ms < 2400


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.mkv", b"", "is empty, 0 bytes"),
        ("text.mp4", b"this is no film\n" * 100, "no media file that can be read"),
        ("header.mkv", b"\x1a\x45\xdf\xa3" + b"\x00" * 40, "no media file that can be read"),
        ("list.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n", "no media file"),
        ("list.ffconcat", b"ffconcat version 1.0\nfile /etc/passwd\n", "no media file"),
        ("text.srt", b"1\n00:00:01,000 --> 00:00:02,000\nhello\n", "no media file"),
        ("flv.flv", b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00", "no media file that can be read"),
    ],
)
def test_what_is_no_media_is_refused_with_a_hint(tmp_path, name, content, said):
    """Empty files, texts, bare headers, and lists that point at other files are refused by name."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadMedia, match=said) as caught:
        scan_media(path)
    assert name in caught.value.message
    assert caught.value.hint


def test_mp4_without_its_index_is_refused(make_clip, tmp_path):
    """An MP4 whose end is missing cannot be read at all, and that is said."""
    data = make_clip("index.mp4", *H264, "-c:a", "aac", seconds=2).read_bytes()
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(data[: len(data) // 2])
    with pytest.raises(BadMedia, match=r"broken\.mp4: is no media file that can be read"):
        scan_media(broken)


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_what_is_no_file_is_refused(tmp_path, kind):
    """A path that leads nowhere, or to a folder, is named."""
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
    with pytest.raises(BadMedia, match=kind):
        scan_media(path)


def test_key_frames_are_found(clip, make_clip):
    """The last key frame at or before a time; 0 before the second one, and for sound alone."""
    assert find_key_frame_ms(clip, before_ms=0) == 0
    assert find_key_frame_ms(clip, before_ms=900) <= 50  # the sound begins a little earlier
    assert 1000 <= find_key_frame_ms(clip, before_ms=1500) <= 1050
    assert 2000 <= find_key_frame_ms(clip, before_ms=99_000) <= 2050
    assert find_key_frame_ms(make_clip("keys.wav", "-vn", seconds=2), before_ms=1500) == 0
