"""Sounds, models and the role of a listener for the tests of transcription."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from streamhub.config import TranscriptSettings
from streamhub.transcript.models import REHEARSAL_FOLDER

RATE_HZ = 16_000
DEMO = Path(__file__).resolve().parents[2] / "streamhub" / "demo"


@pytest.fixture
def shared() -> Path:
    folder = Path(__file__).resolve().parents[3] / "shared"
    if not folder.is_dir():
        pytest.skip("the folder of shared material is not beside this checkout")
    return folder


@pytest.fixture
def rehearsal() -> TranscriptSettings:
    if not (REHEARSAL_FOLDER / "ct2-int8" / "model.bin").is_file():
        pytest.skip("the rehearsal model is not in this checkout")
    return TranscriptSettings(model="rehearsal", threads=2)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Variables of a user without any cached model, whose model hub is a closed door on this machine."""
    return {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "HF_ENDPOINT": "http://127.0.0.1:9"}


Write = Callable[..., Path]


@pytest.fixture
def write_sound(tmp_path: Path) -> Write:
    """Writes samples as a media file; ``video`` adds a picture."""

    def write(name: str, samples: np.ndarray, *, video: bool = False) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            picture = container.add_stream("mpeg4", rate=5) if video else None
            if picture is not None:
                picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
            sound = container.add_stream("aac" if path.suffix == ".mp4" else "pcm_s16le", rate=RATE_HZ)
            sound.layout = "mono"
            if picture is not None:
                for _ in range(max(1, len(samples) * 5 // RATE_HZ)):
                    container.mux(picture.encode(av.VideoFrame(64, 48, "yuv420p")))
                container.mux(picture.encode(None))
            for at in range(0, len(samples), 1024):
                block = np.ascontiguousarray((samples[at : at + 1024] * 32767).astype(np.int16).reshape(1, -1))
                frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
                frame.sample_rate, frame.pts = RATE_HZ, at
                container.mux(sound.encode(frame))
            container.mux(sound.encode(None))
        return path

    return write


@pytest.fixture
def silent_picture(tmp_path: Path) -> Path:
    """A film without any sound track."""
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=5)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        for _ in range(10):
            container.mux(picture.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(picture.encode(None))
    return path


@pytest.fixture
def round_table(request: pytest.FixtureRequest) -> Path:
    """The demo's round table of the language that the test asks for."""
    path = DEMO / f"roundtable_{request.param}.opus"
    if not path.is_file():
        pytest.skip("the demo's audio is not in this checkout")
    return path


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    """A folder that looks like a model from outside."""
    folder = tmp_path / "given"
    folder.mkdir()
    for name in ("config.json", "model.bin", "tokenizer.json", "vocabulary.json"):
        (folder / name).write_text(f'{{"file": "{name}"}}')
    return folder
