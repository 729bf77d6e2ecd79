"""How ffmpeg is found, and what it is told."""

import stat
from pathlib import Path

import pytest

from streamhub.errors import ToolFailed, ToolMissing
from streamhub.recording.ffmpeg import (
    Ffmpeg,
    convert_argv,
    ffmpeg_version,
    find_ffmpeg,
    join_argv,
    record_argv,
    render_concat,
    still_argv,
)
from streamhub.recording.media import AudioPlan, Container, ConvertPlan, JoinPart, RecordPlan

CONVERT = ConvertPlan(
    container="mov,mp4,m4a,3gp,3g2,mj2", suffix=".mp4", audio=AudioPlan.COPY, video=True, duration_ms=1000
)


def _executable(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_configured_program_comes_first_then_the_systems(tmp_path, monkeypatch):
    """The settings win over the PATH, and the PATH over the one that came with a package."""
    system = _executable(tmp_path / "ffmpeg", "#!/bin/sh\n")
    mine = _executable(tmp_path / "mine", "#!/bin/sh\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_ffmpeg(str(mine)) == mine
    assert find_ffmpeg() == system
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    found = find_ffmpeg()
    assert found.is_file()
    assert found != system


def test_configured_program_that_is_not_there_is_an_error(tmp_path):
    """A wrong setting is not silently replaced by another program."""
    with pytest.raises(ToolMissing, match=r"recording\.ffmpeg"):
        find_ffmpeg(str(tmp_path / "ffmpeg"))


async def test_version_is_told(program, tmp_path):
    """The version is the program's own word for it; a program that fails is an error."""
    version = await ffmpeg_version(program)
    assert version != "unknown"
    assert " " not in version
    with pytest.raises(ToolFailed):
        await ffmpeg_version(_executable(tmp_path / "broken", "#!/bin/sh\nexit 3\n"))


@pytest.mark.parametrize(
    "argv",
    [
        record_argv(RecordPlan(container=Container.FLV, segment=Path("-s.mkv"), playlist=Path("h/index.m3u8"))),
        record_argv(RecordPlan(container=Container.MPEGTS, segment=Path("s.mkv"))),
        join_argv(Path("-list"), Path("-out.mp4")),
        convert_argv(Path("-in.mp4"), Path("-out.mp4"), CONVERT),
        still_argv(Path("-in.mp4"), 1500, Path("-still.jpg")),
    ],
    ids=["record", "record-ts", "join", "convert", "still"],
)
def test_ffmpeg_gets_local_files_only(argv):
    """Every command has the whitelist in front of its input, no standard input prompts, and no address or odd name."""
    first_input = argv.index("-i")
    assert argv[argv.index("-protocol_whitelist") + 1] == "file,pipe"
    assert argv.index("-protocol_whitelist") < first_input
    assert "-nostdin" in argv
    assert not any("://" in part for part in argv)
    for name in (argv[first_input + 1], *(part for part in argv if part.endswith((".mp4", ".jpg", ".mkv")))):
        assert name.startswith(("/", "pipe:", "[f="))


def test_demuxers_are_pinned_where_known():
    """The container is not guessed from bytes that a stranger sent."""
    recorded = record_argv(RecordPlan(container=Container.MPEGTS, segment=Path("s.mkv")))
    assert recorded[recorded.index("-f") + 1] == "mpegts"
    converted = convert_argv(Path("in.mp4"), Path("out.mp4"), CONVERT)
    assert converted[converted.index("-f") + 1] == "mov"
    assert join_argv(Path("list"), Path("out.mp4"))[:2] == ["-f", "concat"]


def test_failing_hls_never_stops_the_recording():
    """HLS is a leg of a tee that may fail, with another one that cannot; the file is an output of its own."""
    argv = record_argv(RecordPlan(container=Container.FLV, segment=Path("s.mkv"), playlist=Path("h/index.m3u8")))
    null_leg, hls_leg = next(part for part in argv if part.startswith("[f=null")).split("|")
    assert null_leg == "[f=null]-"
    assert "onfail=ignore" in hls_leg
    assert str(Path("s.mkv").absolute()) in argv


def test_listing_quotes_names_and_tells_lengths():
    """A quote in a folder's name does not end the name, and each part has the length that the packet scan found."""
    listing = render_concat([JoinPart(path=Path("/a b/it's.mkv"), from_ms=1500, duration_ms=2250)])
    assert listing.splitlines() == [
        "ffconcat version 1.0",
        "file '/a b/it'\\''s.mkv'",
        "duration 2.250",
        "inpoint 1.500",
    ]


async def test_failure_tells_what_ffmpeg_said(program, tmp_path):
    """When a conversion fails, the error has the end of what ffmpeg said."""
    source = tmp_path / "in.mp4"
    source.write_bytes(b"no film" * 100)
    with pytest.raises(ToolFailed, match=r"exit code \d+: .*Invalid data"):
        await Ffmpeg(program).convert(source, tmp_path / "out.mp4", CONVERT, progress=lambda done: None)
