"""A workspace with the rehearsal recogniser, and the command line run as a person runs it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from streamhub.demo.script import Roundtable, load_roundtable


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def run() -> Run:
    """Run `streamhub` with arguments, in a process of its own."""

    def run_command(*arguments: str | Path, env: dict[str, str] | None = None, timeout_s: float = 300) -> Ran:
        done = subprocess.run(
            [sys.executable, "-W", "error::ResourceWarning", "-m", "streamhub", *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env={**os.environ, **(env or {})},
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run_command


@pytest.fixture
def workspace(run: Run, tmp_path: Path) -> Path:
    """A fresh workspace that listens on free ports and hears with the rehearsal recogniser."""
    folder = tmp_path / "hub"
    made = run("init", folder)
    assert made.code == 0, made.err
    settings = (folder / "streamhub.toml").read_text()
    settings = settings.replace('# model = "small"', 'model = "rehearsal"').replace("# port = 8420", "port = 0")
    (folder / "streamhub.toml").write_text(settings.replace("# rtmp_port = 1935", "rtmp_port = 0"))
    return folder


@pytest.fixture(scope="session")
def german_table() -> Roundtable:
    """The demo's German round table, with what was said when."""
    return load_roundtable("de")
