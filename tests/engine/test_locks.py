"""Locks of executors on files."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streamhub.engine.locks import FolderLocks, probe_database
from streamhub.errors import BadInput, StreamhubError, Unavailable

ROOT = Path(__file__).resolve().parents[2]
HOLDER = """
import sys
from pathlib import Path
from streamhub.engine.locks import FolderLocks
FolderLocks(Path(sys.argv[1])).own("x-other")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_living_executor_is_not_taken_for_dead_and_a_killed_one_is(tmp_path: Path) -> None:
    """The lock of another process can be taken as soon as that process is killed, and not before."""
    locks = FolderLocks(tmp_path)
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert not locks.try_take("x-other")
        other.kill()
        other.wait()
        assert locks.try_take("x-other")
    locks.release("x-other")
    assert not (tmp_path / "x-other").exists()


def test_an_executor_without_a_file_is_dead(tmp_path: Path) -> None:
    """Work of an executor of which nothing is left may be taken up."""
    assert FolderLocks(tmp_path).try_take("x-nobody")


def test_own_locks_sweep_dead_files_and_spare_the_rest(tmp_path: Path) -> None:
    """What dead executors left is removed at the start; other files of the folder are not touched."""
    (tmp_path / "x-dead").touch()
    (tmp_path / "hub.lock").touch()
    locks = FolderLocks(tmp_path)
    locks.own("x-me")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hub.lock", "x-me"]
    assert not locks.try_take("x-me")
    locks.close()
    assert [path.name for path in tmp_path.iterdir()] == ["hub.lock"]


@pytest.mark.parametrize(
    ("url", "kind", "told"),
    [
        ("postgresql://u:geheim@127.0.0.1:1/db", Unavailable, "Connection refused"),
        ("postgresql+psycopg://u:geheim@127.0.0.1:1/db", Unavailable, "Connection refused"),
        ("postgresql://u:ge@geheim@127.0.0.1:1/db", Unavailable, "no such host"),
        ("postgresql://u:geheim%zz@127.0.0.1/db", BadInput, "cannot be read"),
        ("postgresql://u:x@127.0.0.1/db?geheim=1", BadInput, "cannot be read"),
        ("mysql://u:geheim@127.0.0.1/db", BadInput, "no address of PostgreSQL"),
    ],
)
def test_a_database_that_cannot_be_reached_is_told_without_its_password(
    url: str, kind: type[StreamhubError], told: str
) -> None:
    """Whatever is wrong with the address, the message says what to do and shows no part of a password."""
    with pytest.raises(kind, match=told) as caught:
        probe_database(url, timeout_s=2)
    assert caught.value.hint
    assert "geheim" not in str(caught.value)


def test_a_server_that_never_answers_does_not_hold_up_the_probe() -> None:
    """Somebody who takes the connection and stays silent is given up after the time limit."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        before = time.monotonic()
        with pytest.raises(Unavailable, match="not in time"):
            probe_database(f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/db", timeout_s=2)
        assert time.monotonic() - before < 10
