"""Who speaks, from the tracks of a file to the archive, and from one session to the next."""

import importlib.util
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from streamhub.archive.folder import load_session
from tests.hub.conftest import Run
from tests.transcript.small_models import HIGH, LOW, save_models, write_voices

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


INTRODUCED = """WEBVTT

00:01.000 --> 00:04.900
Guten Abend, mein Name ist Anna Berg.

00:06.000 --> 00:08.900
Schön hier zu sein.

00:09.500 --> 00:12.900
Fangen wir an.
"""
ON = {"STREAMHUB_TRANSCRIPT_DIARISER": "sherpa-onnx"}


def import_one_track(run: Run, workspace: Path, tmp_path: Path) -> list[tuple[str, str]]:
    """Who said what by the archive, after the import of a file in which two voices share a track."""
    captions = tmp_path / "worte.vtt"
    captions.write_text(INTRODUCED)
    media = write_voices(tmp_path / "eine.wav", [(HIGH, 1, 5), (LOW, 6, 9), (HIGH, 9.5, 13)], 14)
    given = ("--show", "s", "--title", "t", "--start", "2026-03-02T19:15:00Z", "--person", "Anna Berg")
    done = run("import", media, *given, "--captions", captions, "--json", "-w", workspace, env=ON)
    assert done.code == 0, done.err
    (transcript,) = load_session(workspace / "transcripts", "s", done.json["session"]).transcripts
    return [(cue.speaker, cue.text) for cue in transcript.cues]


def test_a_diariser_without_models_stops_nothing(run: Run, workspace: Path, tmp_path: Path) -> None:
    """The archive is made with what words tell alone, and the doctor says what is missing and what to do."""
    assert [text for _, text in import_one_track(run, workspace, tmp_path)] == [
        "Guten Abend, mein Name ist Anna Berg.",
        "Schön hier zu sein.",
        "Fangen wir an.",
    ]
    found = run("doctor", "--json", "-w", workspace, env=ON)
    (finding,) = (one for one in found.json if one["check"] == "diariser")
    assert finding["verdict"] == "warn"
    assert "transcripts say less of who speaks" in finding["seen"]
    assert finding["advice"]


@pytest.mark.engines
@pytest.mark.skipif(importlib.util.find_spec("sherpa_onnx") is None, reason="the extra 'diarisation' is not installed")
def test_voices_of_one_track_are_told_apart_and_named_by_words(run: Run, workspace: Path, tmp_path: Path) -> None:
    """Whoever introduces herself is named wherever her voice is heard, the other has a label; only turns are kept."""
    models = workspace / "models" / "diariser"
    models.mkdir(parents=True)
    save_models(models)
    assert [speaker for speaker, _ in import_one_track(run, workspace, tmp_path)] == [
        "Anna Berg",
        "Stimme 2",
        "Anna Berg",
    ]
    (kept,) = workspace.rglob("voices-*-*.json")
    assert {key for turn in msgspec.json.decode(kept.read_bytes()) for key in turn} == {"voice", "span"}
