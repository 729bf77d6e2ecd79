"""What tests of several rooms need."""

from pathlib import Path

import pytest

from streamhub.errors import ToolMissing
from streamhub.recording.ffmpeg import find_ffmpeg


@pytest.fixture(scope="session")
def program() -> Path:
    """The media program; tests that need it are skipped where there is none."""
    try:
        return find_ffmpeg()
    except ToolMissing as error:
        pytest.skip(str(error))
