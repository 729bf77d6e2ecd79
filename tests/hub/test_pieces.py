"""A recording that is heard in pieces: kills in the middle cost no piece that is there, and change no word."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from streamhub.demo.script import Roundtable
from streamhub.text import words_of
from streamhub.transcript.recognised import load_recognised
from tests.hub.conftest import Run

PIECES = {"STREAMHUB_TRANSCRIPT_PIECE_S": "22", "STREAMHUB_TRANSCRIPT_THREADS": "1"}
KILLS = 3
pytestmark = pytest.mark.timeout(900)


def heard(workspace: Path) -> dict[str, tuple[int, int]]:
    """Files of pieces that were heard, each with what tells it from a second writing."""
    found = {}
    for path in (workspace / "media" / "heard").glob("*/[0-9]*.json"):
        facts = path.stat()
        found[path.name] = (facts.st_ino, facts.st_mtime_ns)
    return found


def whole(workspace: Path) -> Path:
    (path,) = (workspace / "media").rglob("recognised-*.json")
    return path


def command(media: Path, workspace: Path) -> list[str]:
    given = ["import", media, "--show", "s", "--title", "t", "--start", "2026-03-02T19:15:00Z", "-w", workspace]
    return [sys.executable, "-m", "streamhub", *map(str, given)]


def test_the_words_are_those_of_the_whole(run: Run, workspace: Path, tmp_path: Path, german_table: Roundtable) -> None:
    """What is heard in pieces is what is heard at once, but for a word or two; pieces are kept and used again."""
    at_once = tmp_path / "at-once"
    assert run("init", at_once).code == 0
    model = {"STREAMHUB_TRANSCRIPT_MODEL": "rehearsal", "STREAMHUB_TRANSCRIPT_THREADS": "1"}
    for folder, env in ((at_once, model), (workspace, PIECES)):
        done = run(*command(german_table.audio_file, folder)[3:], env=env)
        assert done.code == 0, done.err
    assert len(heard(at_once)) == 1
    pieces = heard(workspace)
    assert len(pieces) >= 3
    one, other = (words_of(load_recognised(whole(folder)).text) for folder in (at_once, workspace))
    assert abs(len(one) - len(other)) <= 2
    assert (Counter(one) - Counter(other)).total() <= 2
    second = command(german_table.audio_file, workspace)
    second[second.index("t")] = "once more"
    assert run(*second[3:], env=PIECES).code == 0, "the same recording for another session"
    assert heard(workspace) == pieces, "nothing was heard twice"


def test_kills_in_the_middle_change_nothing(
    run: Run, workspace: Path, tmp_path: Path, german_table: Roundtable
) -> None:
    """After kill -9 again and again the same command goes on: finished pieces stay, and the words are the same."""
    calm = tmp_path / "calm"
    assert run("init", calm).code == 0
    told = run(
        *command(german_table.audio_file, calm)[3:],
        env={**PIECES, "STREAMHUB_TRANSCRIPT_MODEL": "rehearsal"},
        timeout_s=300,
    )
    assert told.code == 0, told.err
    killed = 0
    lots = random.Random(7)
    known: dict[str, tuple[int, int]] = {}
    for _ in range(KILLS):
        process = subprocess.Popen(
            command(german_table.audio_file, workspace),
            env={**os.environ, **PIECES},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and len(heard(workspace)) <= len(known):
            time.sleep(0.02)
        time.sleep(lots.random())
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        assert known.items() <= heard(workspace).items(), "a piece was heard a second time, or is gone"
        known = heard(workspace)
    assert killed >= KILLS - 1
    done = run(*command(german_table.audio_file, workspace)[3:], env=PIECES)
    assert done.code == 0, done.err
    assert known.items() <= heard(workspace).items()
    assert heard(workspace).keys() == heard(calm).keys()
    assert whole(workspace).read_bytes() == whole(calm).read_bytes()
