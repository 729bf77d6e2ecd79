"""Voices that a machine tells apart: their numbers, and the process that hears them."""

import asyncio
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from streamhub.config import TranscriptSettings
from streamhub.errors import BadMedia, ModelMissing, ToolMissing
from streamhub.timecode import Span
from streamhub.transcript.sherpa_onnx import SherpaOnnx
from streamhub.transcript.speakers import VoiceTurn, join_turns, label_turns, remembered_name
from tests.transcript.small_models import HIGH, LOW, save_models, write_voices


def test_voices_are_numbered_as_they_are_first_heard_and_pauses_part_nothing() -> None:
    """The first voice is number one whatever the machine called it; it goes on after a breath, and beside another."""
    said = [(7, 3000, 5000), (2, 0, 1000), (2, 1300, 2000), (2, 4000, 4500), (7, 5100, 6000)]
    turns = join_turns(VoiceTurn(voice, Span(start, end)) for voice, start, end in said)
    assert [(turn.speaker, turn.span.start_ms, turn.span.end_ms) for turn in label_turns(turns, "de")] == [
        ("Stimme 1", 0, 2000),
        ("Stimme 2", 3000, 6000),
        ("Stimme 1", 4000, 4500),
    ]


def test_a_name_given_to_a_voice_stays_in_its_session() -> None:
    """Tracks keep their numbers from session to session, voices do not: nobody is proposed for those."""
    known = {"Spur 2": "Anna", "Stimme 2": "Bert"}
    assert [remembered_name(label, known) for label in ("Spur 2", "Stimme 2", "Spur 3")] == ["Anna", "", ""]


def test_what_is_missing_is_said_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra its installation is named, without models their files and folder."""
    diariser = SherpaOnnx(settings=TranscriptSettings(), folder=tmp_path)
    monkeypatch.setitem(sys.modules, "sherpa_onnx", None)
    with pytest.raises(ToolMissing, match="not installed") as missing:
        asyncio.run(diariser.version())
    assert "streamhub[diarisation]" in missing.value.hint
    module = ModuleType("sherpa_onnx")
    module.__spec__ = ModuleSpec("sherpa_onnx", None)
    monkeypatch.setitem(sys.modules, "sherpa_onnx", module)
    (tmp_path / "segmentation.onnx").touch()
    with pytest.raises(ModelMissing, match=r"embedding\.onnx not there"):
        asyncio.run(diariser.tell_apart(tmp_path / "a.wav", 1000))


# Below, the library itself hears sound in its process, with models made by hand.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    if importlib.util.find_spec("sherpa_onnx") is None:
        pytest.skip("the extra 'diarisation' is not installed")
    target = tmp_path / "models"
    target.mkdir()
    save_models(target)
    return target


@pytest.mark.engines
def test_a_voice_is_known_again_in_every_window(folder: Path, tmp_path: Path) -> None:
    """Of a recording that is heard in windows each voice has one number throughout, and nothing of it is kept."""
    said = [(HIGH, 1.0, 5.0), (LOW, 6.0, 9.0), (LOW, 13.0, 18.0), (HIGH, 27.0, 30.0), (LOW, 31.0, 35.0)]
    media = write_voices(tmp_path / "zwei.wav", said, 40.0)
    before = set(tmp_path.rglob("*"))
    diariser = SherpaOnnx(settings=TranscriptSettings(), folder=folder, window_ms=12_000)
    turns = asyncio.run(diariser.tell_apart(media, 40_000))
    assert [(turn.voice, *near(turn.span)) for turn in turns] == [
        (0, 1.0, 5.0), (1, 6.0, 9.0), (1, 13.0, 18.0), (0, 27.0, 30.0), (1, 31.0, 35.0),
    ]  # fmt: skip
    assert set(tmp_path.rglob("*")) == before


def near(span: Span) -> tuple[float, float]:
    """Its edges to half a second."""
    return round(span.start_ms / 500) / 2, round(span.end_ms / 500) / 2


@pytest.mark.engines
def test_silence_is_nobody_and_bad_files_are_named(folder: Path, tmp_path: Path) -> None:
    """Silence has no voices; what is no media, and a damaged model, end in a sentence of their own."""
    diariser = SherpaOnnx(settings=TranscriptSettings(), folder=folder)
    assert asyncio.run(diariser.tell_apart(write_voices(tmp_path / "still.wav", [(LOW, 9.0, 9.0)], 3.0), 3000)) == ()
    broken = tmp_path / "kaputt.wav"
    broken.write_bytes(b"RIFF")
    with pytest.raises(BadMedia, match=r"kaputt\.wav"):
        asyncio.run(diariser.tell_apart(broken, 3000))
    (folder / "segmentation.onnx").write_bytes(b"damaged")
    with pytest.raises(ModelMissing, match="cannot be loaded"):
        asyncio.run(diariser.tell_apart(broken, 3000))
