"""Clips: cut to the frame out of real recordings, with the middle taken over packet by packet."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from streamhub.recording.clip import CutMethod
from streamhub.recording.clipping import ClipOrder, ClipTools, CutClip, cut_clip
from streamhub.recording.ffmpeg import Ffmpeg
from streamhub.recording.pyav import PyavScanner, scan_media
from streamhub.recording.pyav_splice import PyavSplicer
from streamhub.recording.smartcut import split_config
from streamhub.timecode import Span

FRAME_MS = 40
H264 = ("-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-pix_fmt", "yuv420p", "-g", "75")
AAC = ("-c:a", "aac")
CAPTIONS = "WEBVTT\n\n00:00.500 --> 00:01.500\n<v Jürgen Weiß>Größe und Maß\n\n00:02.000 --> 00:03.000\nzwei\n"


@pytest.fixture
def tools(program: Path) -> ClipTools:
    return ClipTools(tool=Ffmpeg(program), splicer=PyavSplicer(), scanner=PyavScanner())


@pytest.fixture
def cut(tools: ClipTools, tmp_path: Path):
    """Cut a recording; returns what was made."""

    async def make(media: Path, *spans: tuple[int, int], captions: str = "", language: str = "de") -> CutClip:
        folder = tmp_path / f"cut-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        order = ClipOrder(
            media=media,
            info=scan_media(media),
            spans=tuple(Span(*span) for span in spans),
            captions=captions,
            title="Wie groß ist die Maß?",
            language=language,
            folder=folder,
        )
        return await cut_clip(tools, order)

    return make


def pictures(path: Path, *spans: tuple[int, int]) -> list[np.ndarray]:
    """The decoded grey pictures of a file, all or those that begin in some stretches."""
    with av.open(str(path)) as container:
        frames = [(frame.time, frame.to_ndarray(format="gray")) for frame in container.decode(video=0)]
    return [
        picture
        for time, picture in frames
        if not spans or any(start <= round(time * 1000) < end for start, end in spans)
    ]


def packets(path: Path, kind: str) -> list[bytes]:
    with av.open(str(path)) as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        return [hashlib.sha256(bytes(packet)).digest() for packet in container.demux(stream) if packet.size]


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


def assert_same_pictures(made: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> None:
    """Each picture is the wanted one and not its neighbour, which differs by much more."""
    assert len(made) == len(wanted)
    assert min(difference(one, after) for one, after in pairwise(wanted)) > 2
    for number, (one, other) in enumerate(zip(made, wanted, strict=True)):
        assert difference(one, other) < 1.3, f"frame {number} is another"


@pytest.mark.parametrize("span", [(4_100, 10_330), (3_000, 9_000), (5_960, 6_040), (0, 12_000), (100, 2_500)])
async def test_a_clip_holds_exactly_the_frames_of_its_stretch(make_clip, cut, span):
    """Edges are right to the frame wherever key frames lie, and sound is as long as the picture within a frame."""
    media = make_clip("exact.mp4", *H264, *AAC, seconds=12)
    made = await cut(media, span)
    assert_same_pictures(pictures(made.video), pictures(media, span))
    length_ms = span[1] - span[0]
    assert abs(made.duration_ms - length_ms) <= FRAME_MS
    sound = scan_media(made.audio)
    assert abs(sound.duration_ms - sound.start_ms - length_ms) <= FRAME_MS
    assert (sound.audio_codec, sound.video_codec) == ("aac", "")


async def test_the_middle_is_taken_over_packet_by_packet(make_clip, cut):
    """Between the first key frame and the end every packet is the recording's own; only the head was encoded."""
    media = make_clip("middle.mp4", *H264, *AAC, seconds=12)
    made = await cut(media, (4_100, 10_330))
    assert made.method is CutMethod.EDGES
    assert made.reason == ""
    own, theirs = set(packets(media, "video")), packets(made.video, "video")
    taken = [packet in own for packet in theirs]
    assert taken == [False] * made.encoded_frames + [True] * made.copied_frames
    assert (made.encoded_frames, made.copied_frames) == (47, 109)
    assert set(packets(made.video, "audio")) <= set(packets(media, "audio"))
    with av.open(str(made.video)) as container:
        sequences, parameters, _ = split_config(container.streams.video[0].codec_context.extradata)
        assert len(sequences) == len(parameters) == 2


async def test_nothing_is_encoded_where_key_frames_allow(make_clip, cut):
    """A stretch that begins at a key frame and ends before one is taken over whole."""
    media = make_clip("keys.mp4", *H264, *AAC, seconds=12)
    made = await cut(media, (3_000, 9_000))
    assert (made.method, made.encoded_frames, made.copied_frames) == (CutMethod.COPIED, 0, 150)
    assert set(packets(made.video, "video")) <= set(packets(media, "video"))


async def test_several_stretches_are_joined(make_clip, cut):
    """Two stretches follow each other without a gap, each to the frame, with sound that never drifts."""
    media = make_clip("joined.mp4", *H264, *AAC, seconds=12)
    spans = [(1_020, 2_500), (4_100, 8_050), (9_990, 11_000)]
    made = await cut(media, *spans)
    assert_same_pictures(pictures(made.video), pictures(media, *spans))
    assert abs(made.duration_ms - sum(end - start for start, end in spans)) <= 3 * FRAME_MS
    picture, sound = (scan_media(path) for path in (made.video, made.audio))
    assert abs(picture.duration_ms - sound.duration_ms) <= FRAME_MS
    with av.open(str(made.video)) as container:
        times = sorted(packet.pts for packet in container.demux(video=0) if packet.size)
    assert len({after - before for before, after in pairwise(times)}) == 1


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("open.mp4", (*H264, "-x264-params", "open-gop=1", *AAC), "no key frame lies inside"),
        ("ten.mp4", ("-c:v", "libx264", "-pix_fmt", "yuv420p10le", "-g", "75", *AAC), "this kind of H.264"),
        ("hevc.mp4", ("-c:v", "libx265", "-x265-params", "log-level=none", "-g", "75", *AAC), "hevc cannot hold"),
        ("vp8.webm", ("-c:v", "libvpx", "-cpu-used", "16", "-g", "75", "-c:a", "libopus"), "vp8 does not play"),
    ],
)
async def test_what_cannot_be_mixed_is_encoded_whole_and_that_is_said(make_clip, cut, name, options, said):
    """Codecs whose edges cannot stand beside the rest are encoded as H.264 and AAC, to the frame, with the reason."""
    media = make_clip(name, *options, seconds=8)
    made = await cut(media, (4_100, 6_330))
    assert made.method is CutMethod.WHOLE
    assert said in made.reason
    assert_same_pictures(pictures(made.video), pictures(media, (4_100, 6_330)))
    info = scan_media(made.video)
    assert (info.video_codec, info.audio_codec) == ("h264", "aac")
    assert scan_media(made.audio).audio_codec == "aac"


async def test_sound_alone_gives_sound_alone(make_clip, cut):
    """Of a recording without a picture there is an audio file and neither film nor poster."""
    made = await cut(make_clip("sound.m4a", "-vn", *AAC, seconds=8), (1_500, 4_250))
    assert (made.video, made.poster, made.method) == (None, None, CutMethod.NONE)
    assert abs(scan_media(made.audio).duration_ms - 2_750) <= FRAME_MS


async def test_a_film_without_sound_gives_a_film(make_clip, cut):
    """Of a silent recording there is a film and no audio file."""
    made = await cut(make_clip("silent.mp4", *H264, seconds=5, sound=False), (1_500, 4_250))
    assert made.audio is None
    assert scan_media(made.video).audio_codec == ""


async def test_captions_and_poster_come_with_the_film(make_clip, cut):
    """The film has a text track in its language with umlauts, and the poster is a picture of its size."""
    made = await cut(make_clip("text.mp4", *H264, *AAC, seconds=12), (4_100, 10_330), captions=CAPTIONS)
    with av.open(str(made.video)) as container:
        track = container.streams.subtitles[0]
        said = [bytes(packet)[2:].decode() for packet in container.demux(track) if packet.size > 2]
        times = [round(float(p.pts * p.time_base) * 1000) for p in reopened(made.video) if p.size > 2]
        assert (track.codec_context.name, track.language) == ("mov_text", "deu")
        assert container.metadata["title"] == "Wie groß ist die Maß?"
    assert [text for text in said if text.strip()] == ["Größe und Maß", "zwei"]
    assert times == [500, 2_000]
    assert made.captions.read_text("utf-8") == CAPTIONS
    with av.open(str(made.poster)) as picture:
        assert (picture.streams.video[0].width, picture.streams.video[0].height) == (320, 180)


def reopened(path: Path):
    container = av.open(str(path))
    return list(container.demux(container.streams.subtitles[0]))
