"""The rules of recording."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.errors import BadMedia, Conflict
from streamhub.recording.media import AudioPlan, Container
from streamhub.recording.recording import MediaInfo
from streamhub.recording.rules import (
    ISSUE_LOW_BITRATE,
    ISSUE_QUIET,
    WRONG_KEYS_PER_MINUTE,
    Meter,
    WrongKeys,
    check_result,
    container_of,
    is_alike,
    judge_signal,
    plan_import,
    trim_playlist,
)

AT = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)


def _info(**changes):
    values = {"duration_ms": 60_000, "size_bytes": 1, "audio_codec": "aac", "video_codec": "h264", "container": "mov"}
    return MediaInfo(**{**values, **changes})


def _later(seconds):
    return AT + timedelta(seconds=seconds)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 10)), max_size=60))
def test_an_address_is_locked_by_its_own_last_minute_alone(tries):
    """Locked means ten or more wrong keys from this address in the last sixty seconds, whatever others do."""
    wrong, at_s, log = WrongKeys(), 0, []
    for address, pause_s in tries:
        at_s += pause_s
        log.append((address, at_s))
        wrong = wrong.noted(address, _later(at_s))
        for one in "ab":
            recent = sum(1 for who, when in log if who == one and at_s - when < 60)
            assert wrong.is_locked(one, _later(at_s)) is (recent >= WRONG_KEYS_PER_MINUTE)
    assert not wrong.is_locked("a", _later(at_s + 61))


def test_meter_tells_the_last_seconds():
    """The bitrate is that of the last five seconds, and falls to nothing when nothing comes."""
    meter = Meter()
    for second in range(20):
        meter.add(125_000, _later(second))
    assert 1000 <= meter.kbit_s(_later(19)) <= 1250
    assert meter.quiet_s(_later(22)) == 3
    assert meter.kbit_s(_later(60)) == 0


def test_signal_is_judged():
    """No publisher, a silent one, a thin one and a good one are told apart."""
    nobody = judge_signal(None, at=AT, disk_low=False)
    assert (nobody.receiving, nobody.quality, nobody.issues) == (False, "none", ())
    meter = Meter()
    assert judge_signal(meter, at=AT, disk_low=False).issues == (ISSUE_QUIET,)
    meter.add(100, AT)
    thin = judge_signal(meter, at=AT, disk_low=False)
    assert (thin.receiving, thin.quality, thin.issues) == (True, "bad", (ISSUE_LOW_BITRATE,))
    meter.add(500_000, _later(1))
    assert judge_signal(meter, at=_later(1), disk_low=False).quality == "good"
    assert not judge_signal(meter, at=_later(10), disk_low=False).receiving


def test_doors_have_containers():
    """Each door's media has its container; an unknown door is an error."""
    assert (container_of("rtmp"), container_of("srt")) == (Container.FLV, Container.MPEGTS)
    with pytest.raises(Conflict, match="carrier pigeon"):
        container_of("carrier pigeon")


@pytest.mark.parametrize(
    ("video", "audio", "suffix", "plan"),
    [
        ("h264", "aac", ".mp4", AudioPlan.COPY),
        ("hevc", "mp3", ".mp4", AudioPlan.COPY),
        ("h264", "opus", ".mp4", AudioPlan.AAC),
        ("vp9", "opus", ".webm", AudioPlan.COPY),
        ("vp9", "aac", ".mkv", AudioPlan.COPY),
        ("prores", "pcm_s16le", ".mkv", AudioPlan.AAC),
        ("", "flac", ".mp4", AudioPlan.AAC),
    ],
)
def test_imports_are_copied_where_they_fit(video, audio, suffix, plan):
    """What an MP4 or WebM holds and browsers play is copied; only sound is ever made anew."""
    made = plan_import(_info(video_codec=video, audio_codec=audio), name="x")
    assert (made.suffix, made.audio, made.video) == (suffix, plan, bool(video))


@pytest.mark.parametrize("found_ms", [58_700, 61_300])
def test_length_may_differ_a_little_only(found_ms):
    """More than 2 % (or 1 s) off the expected length, or a missing stream, is no finished recording."""
    check_result(_info(duration_ms=59_000), name="x", expected_ms=60_000, audio=True, video=True)
    with pytest.raises(BadMedia, match=r"60\.0 s expected"):
        check_result(_info(duration_ms=found_ms), name="x", expected_ms=60_000, audio=True, video=True)
    with pytest.raises(BadMedia, match="sound is missing"):
        check_result(_info(audio_codec=""), name="x", expected_ms=60_000, audio=True, video=True)
    with pytest.raises(BadMedia, match="picture is missing"):
        check_result(_info(video_codec=""), name="x", expected_ms=60_000, audio=True, video=True)


def test_segments_are_alike_by_codecs_and_size():
    """Another length is alike, another picture size or codec is not."""
    assert is_alike(_info(), _info(duration_ms=5))
    assert not is_alike(_info(width=640), _info(width=320))
    assert not is_alike(_info(), _info(audio_codec=""))


PLAYLIST = """#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:EVENT
#EXT-X-DISCONTINUITY
#EXTINF:2.000000,
#EXT-X-PROGRAM-DATE-TIME:2027-03-02T18:59:56.000+0000
index0.ts
#EXTINF:2.000000,
#EXT-X-PROGRAM-DATE-TIME:2027-03-02T18:59:58.000+0000
index1.ts
#EXT-X-DISCONTINUITY
#EXTINF:2.000000,
#EXT-X-PROGRAM-DATE-TIME:2027-03-02T19:00:00.000+0000
index2.ts
#EXTINF:2.000000,
#EXT-X-PROGRAM-DATE-TIME:2027-03-02T19:00:02.000+0000
index3.ts
#EXT-X-ENDLIST
"""


def test_rehearsal_is_trimmed_from_a_playlist():
    """Pieces from before an instant are gone, the sequence counts on, and the rest is as it was."""
    trimmed = trim_playlist(PLAYLIST, since=AT)
    assert "index0.ts" not in trimmed
    assert "index1.ts" not in trimmed
    assert "#EXT-X-MEDIA-SEQUENCE:2" in trimmed
    assert trimmed.endswith(
        PLAYLIST[PLAYLIST.index("#EXT-X-DISCONTINUITY\n#EXTINF:2.000000,\n#EXT-X-PROGRAM-DATE-TIME:2027-03-02T19") :]
    )
    assert trim_playlist(PLAYLIST, since=AT - timedelta(hours=1)).splitlines() == PLAYLIST.splitlines()
    nothing = trim_playlist(PLAYLIST, since=AT + timedelta(hours=1))
    assert ".ts" not in nothing
    assert "#EXT-X-MEDIA-SEQUENCE:4" in nothing
