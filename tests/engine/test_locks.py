"""Locks of executors on files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from streamhub.engine.locks import FolderLocks

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
