"""Who speaks, from the tracks of a file to the archive, and from one session to the next."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from streamhub.archive.folder import load_session
from tests.hub.conftest import Run

CAPTIONS = """WEBVTT

00:00.200 --> 00:01.900
Guten Abend zusammen.

00:02.100 --> 00:05.900
Schön hier zu sein danke ebenso gern.

00:06.100 --> 00:07.900
Fangen wir an.
"""


def voice(pitch_hz: int, begin_s: int) -> str:
    return f"aevalsrc='0.4*sin({pitch_hz}*2*PI*t)*between(mod(t,6),{begin_s},{begin_s + 2})':s=48000:d=12"


@pytest.fixture
def make_tracks(program: Path, tmp_path: Path) -> Callable[..., Path]:
    """A sound file with a track for each of three people, of whom the first says her name in the title."""

    def make(name: str) -> Path:
        target = tmp_path / name
        inputs = [part for n in range(3) for part in ("-f", "lavfi", "-i", voice(300 + 200 * n, 2 * n))]
        maps = [part for n in range(3) for part in ("-map", str(n))]
        title = ("-metadata:s:a:0", "title=Mikro Anna")
        argv = [str(program), "-v", "error", "-y", *inputs, *maps, "-c:a", "aac", *title, str(target)]
        subprocess.run(argv, check=True)
        return target

    return make


def test_tracks_name_who_speaks(run: Run, workspace: Path, tmp_path: Path, make_tracks: Callable[..., Path]) -> None:
    """A track's title names a person of the list, the others have labels, and a sentence of two people is parted."""
    captions = tmp_path / "worte.vtt"
    captions.write_text(CAPTIONS)
    given = ("--show", "s", "--title", "t", "--start", "2026-03-02T19:15:00Z", "--person", "Anna Berg, host")
    done = run("import", make_tracks("drei.mka"), *given, "--captions", captions, "--json", "-w", workspace)
    assert done.code == 0, done.err
    (transcript,) = load_session(workspace / "transcripts", "s", done.json["session"]).transcripts
    assert [(cue.speaker, cue.text) for cue in transcript.cues] == [
        ("Anna Berg", "Guten Abend zusammen."),
        ("Spur 2", "Schön hier zu sein"),
        ("Spur 3", "danke ebenso gern."),
        ("Anna Berg", "Fangen wir an."),
    ]
