"""Tracks that hold one voice each: found by their levels, and told by real sound."""

import asyncio
import subprocess

import numpy as np
import pytest

from streamhub.recording.listening import listen
from streamhub.recording.media import Container, RecordPlan
from streamhub.recording.room import TRACKS_FILE
from streamhub.recording.track import FRAME_MS, TrackPlan, TrackTurn, find_turns, plan_tracks
from streamhub.recording.workflow import import_media
from streamhub.timecode import Span

SID = "2027-03-02-netz"


def talk(*, tracks=3, turns=30, frames=30, bleed_db=-15.0, noise_db=-60.0, gains=(0, 0, 0), seed=1):
    """Levels of people who take turns of some seconds, each heard by all microphones, and who spoke when."""
    random = np.random.default_rng(seed)
    spoke = np.repeat([(n * 7 + n // 3) % tracks for n in range(turns)], frames)
    levels = np.full((tracks, len(spoke)), noise_db) + random.normal(0, 1, (tracks, len(spoke)))
    voice = -20 + random.normal(0, 4, len(spoke))
    pauses = np.arange(len(spoke)) % frames < 4
    for track in range(tracks):
        heard = np.where(spoke == track, voice, voice + bleed_db)
        levels[track] = np.where(pauses, levels[track], np.maximum(levels[track], heard)) + gains[track]
    return levels.astype(np.float32), spoke, ~pauses


def share_right(levels, spoke, sounding):
    turns = find_turns(levels, plan_tracks(levels))
    told = np.full(len(spoke), -1)
    for turn in turns:
        told[turn.span.start_ms // FRAME_MS : turn.span.end_ms // FRAME_MS] = turn.track
    return float((told == spoke)[sounding].mean()), len(turns)


@pytest.mark.parametrize(
    ("bleed_db", "gains"),
    [(-40, (0, 0, 0)), (-40, (-12, 0, 4)), (-15, (0, 0, 0)), (-15, (-12, 0, 4)), (-9, (0, 0, 0)), (-12, (-4, 0, 3))],
)
def test_turns_are_told_whatever_microphones_hear_of_each_other(bleed_db, gains):
    """Every turn is told once and by its own speaker, with bleeding microphones and with one that is set too low."""
    levels, spoke, sounding = talk(bleed_db=bleed_db, gains=gains)
    right, turns = share_right(levels, spoke, sounding)
    assert right > 0.97
    assert turns <= 31


def test_somebody_who_never_speaks_is_never_heard():
    """A track that only hears the others gets no turn, however soft it is set."""
    levels, spoke, sounding = talk(tracks=2, gains=(0, 0))
    quiet = levels.max(axis=0) - 18
    right, _ = share_right(np.vstack([levels, quiet]), spoke, sounding)
    assert right > 0.97


def test_a_short_interjection_does_not_part_a_turn():
    """A fifth of a second of somebody else is no turn; a second is one."""
    levels = np.full((2, 200), -60, np.float32)
    levels[0] = -20
    levels[0, 50:52], levels[1, 50:52] = -60, -20
    levels[0, 100:110], levels[1, 100:110] = -60, -20
    turns = find_turns(levels, TrackPlan(voices=(0, 1)))
    assert turns == (
        TrackTurn(0, Span(0, 10_000)),
        TrackTurn(1, Span(10_000, 11_000)),
        TrackTurn(0, Span(11_000, 20_000)),
    )


def test_two_channels_of_a_room_tell_nothing():
    """Where both channels hear the same, or one hears it a little softer, no channel is a person."""
    one, _, _ = talk(tracks=1)
    assert plan_tracks(np.vstack([one, one])).voices == ()
    assert plan_tracks(np.vstack([one, one - 5])).voices == ()
    assert plan_tracks(one).voices == ()
    assert plan_tracks(np.full((2, 500), -90, np.float32)).voices == ()


def test_a_mix_among_the_tracks_is_found():
    """A track that plays everybody is the mix, wherever it stands, and is nobody's voice."""
    levels, _, _ = talk(bleed_db=-30)
    mix = levels.max(axis=0)
    assert plan_tracks(np.vstack([mix, levels])) == TrackPlan(voices=(1, 2, 3), mixes=(0,))
    assert plan_tracks(np.vstack([levels, mix])) == TrackPlan(voices=(0, 1, 2), mixes=(3,))
    assert plan_tracks(np.vstack([levels, mix])).needs_mix
    assert not plan_tracks(np.vstack([mix, levels])).needs_mix


def test_beside_one_voice_and_the_mix_nobody_else_is_told():
    """With the mix and the host's track alone, the host is named and the others are nobody."""
    levels, spoke, sounding = talk(bleed_db=-30)
    pair = np.vstack([levels.max(axis=0), levels[0]])
    turns = find_turns(pair, plan_tracks(pair))
    told = np.zeros(len(spoke), bool)
    for turn in turns:
        assert turn.track == 1
        told[turn.span.start_ms // FRAME_MS : turn.span.end_ms // FRAME_MS] = True
    assert (told == (spoke == 0))[sounding].mean() > 0.97


def test_a_translation_beside_the_original_is_no_conversation():
    """Two tracks that mostly speak at the same time are not told apart as two people."""
    one, _, _ = talk(tracks=1, seed=1)
    other, _, _ = talk(tracks=1, seed=2)
    assert plan_tracks(np.vstack([one, np.roll(other, 7)])).voices == ()


def run(program, *argv):
    subprocess.run([str(program), "-v", "error", "-y", *map(str, argv)], check=True)


def voice(pitch_hz, begin_s, every_s=6):
    """A tone that sounds for two of every six seconds."""
    return f"aevalsrc='0.4*sin({pitch_hz}*2*PI*t)*between(mod(t,{every_s}),{begin_s},{begin_s + 2})':s=48000:d=18"


@pytest.fixture
def three_tracks(program, tmp_path):
    """A film of 18 seconds with three sound tracks, two of which have titles."""
    target = tmp_path / "drei.mkv"
    inputs = [part for n in range(3) for part in ("-f", "lavfi", "-i", voice(300 + 200 * n, 2 * n))]
    picture = ("-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=18")
    maps = [part for n in range(4) for part in ("-map", n)]
    codecs = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p", "-c:a", "aac")
    titles = ("-metadata:s:a:0", "title=Anna", "-metadata:s:a:2", "title=Peter")
    run(program, *picture, *inputs, *maps, *codecs, *titles, target)
    return target


async def test_an_imported_film_keeps_its_tracks_and_plays_their_mix(room, three_tracks):
    """Viewers get one sound with everybody in it; the tracks stay beside it, and tell who is heard when."""
    recording = await import_media(room, three_tracks, SID)
    path = room.path_of(recording.path)
    assert recording.info.tracks == 1
    tracks = path.with_name(TRACKS_FILE)
    assert room.scanner.scan(tracks).tracks == 3
    heard = await listen(tracks, 18_000, turns=True)
    assert heard.titles == ("Anna", "", "Peter")
    assert [turn.track for turn in heard.turns] == [0, 1, 2] * 3
    for number, turn in enumerate(heard.turns):
        assert abs(turn.span.start_ms - number * 2000) <= 200
        assert abs(turn.span.end_ms - (number + 1) * 2000) <= 200
    assert (await listen(path, 18_000, turns=True)).plan.voices == ()
    loudest = await _levels(room.tool.program, path)
    assert loudest.min() > -30  # nobody is missing in what viewers hear


async def _levels(program, path):
    """Loudness of the first sound track, of each second's middle."""
    argv = [
        str(program),
        "-v",
        "error",
        "-i",
        str(path),
        "-map",
        "0:a:0",
        "-ac",
        "1",
        "-ar",
        "8000",
        "-f",
        "f32le",
        "-",
    ]
    finished = await asyncio.to_thread(subprocess.run, argv, check=True, capture_output=True)
    samples = np.frombuffer(finished.stdout, np.float32)[: 17 * 8000].reshape(17, 8000)[:, 2000:6000]
    return 20 * np.log10(np.sqrt((samples**2).mean(axis=1)) + 1e-9)


async def test_an_import_with_one_track_forgets_the_tracks_before(room, three_tracks, make_clip):
    """Another recording of the session takes the tracks of the first one away."""
    first = await import_media(room, three_tracks, SID)
    tracks = room.path_of(first.path).with_name(TRACKS_FILE)
    assert tracks.exists()
    await import_media(room, make_clip("one.mp4"), SID)
    assert not tracks.exists()


async def test_stereo_with_one_speaker_per_channel_is_told(program, tmp_path):
    """The two channels of one track are two people where they differ."""
    target = tmp_path / "stereo.m4a"
    inputs = ("-f", "lavfi", "-i", voice(300, 0, 4), "-f", "lavfi", "-i", voice(500, 2, 4))
    run(program, *inputs, "-filter_complex", "[0][1]join=inputs=2:channel_layout=stereo", "-c:a", "aac", target)
    heard = await listen(target, 18_000, turns=True)
    assert [turn.track for turn in heard.turns] == [0, 1, 0, 1, 0, 1, 0, 1, 0]


async def test_a_signal_with_several_tracks_is_recorded_with_all_of_them(program, three_tracks, tmp_path, room):
    """MPEG-TS, as SRT brings it, gives a segment with every track, and viewers at once the first one alone."""
    stream = tmp_path / "signal.ts"
    run(program, "-i", three_tracks, "-map", "0", "-c", "copy", "-f", "mpegts", stream)
    segment, hls = tmp_path / "seg-0001.mkv", tmp_path / "hls"
    hls.mkdir()
    plan = RecordPlan(container=Container.MPEGTS, segment=segment, playlist=hls / "index.m3u8")
    recording = await room.tool.record(plan)
    await recording.write(stream.read_bytes())
    assert await recording.finish()
    assert room.scanner.scan(segment).tracks == 3
    assert room.scanner.scan(next(hls.glob("*.ts"))).tracks == 1
