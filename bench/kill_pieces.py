"""Kill -9 while a recording is heard in pieces: is a finished piece heard again, is a word lost, doubled or changed?

    python -m bench.kill_pieces FILE [--language de] [--kills 50] [--piece-s 10] [--seed 1]

The file is imported twice, with the rehearsal recogniser: once in peace, once killed after a random part of a second
whenever another piece was finished (and, where pieces run out, in between), and started again. Every file of a finished
piece must keep its inode and its time, and the words that are kept in the end must be the same, byte by byte.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def heard(workspace: Path) -> dict[str, tuple[int, int]]:
    """Files of finished pieces, each with what tells it from a second writing."""
    files = [(path.name, path.stat()) for path in (workspace / "media" / "heard").glob("*/[0-9]*.json")]
    return {name: (facts.st_ino, facts.st_mtime_ns) for name, facts in files}


def whole(workspace: Path) -> bytes:
    """The words that were kept in the end."""
    (path,) = (workspace / "media").rglob("recognised-*.json")
    return path.read_bytes()


def start(options: argparse.Namespace, workspace: Path) -> subprocess.Popen[bytes]:
    """Begin the import, or go on with it."""
    given = ["import", options.file, "--show", "s", "--title", "t", "--start", "2026-03-02T19:15:00Z"]
    command = [*given, "--language", options.language, "-w", workspace]
    env = {**os.environ, "STREAMHUB_TRANSCRIPT_MODEL": "rehearsal", "STREAMHUB_TRANSCRIPT_PIECE_S": options.piece_s}
    return subprocess.Popen([sys.executable, "-m", "streamhub", *map(str, command)], env=env, stdout=subprocess.DEVNULL)


def run_killed(options: argparse.Namespace, workspace: Path) -> tuple[int, int]:
    """Import with kills; returns how many there were, and how many finished pieces changed or went."""
    lots, kills, harmed, known = random.Random(options.seed), 0, 0, heard(workspace)
    while True:
        process = start(options, workspace)
        while kills < options.kills and process.poll() is None and len(heard(workspace)) <= len(known):
            time.sleep(0.02)
        if kills < options.kills and process.poll() is None:
            time.sleep(lots.random())
            process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        now = heard(workspace)
        harmed += sum(now.get(name) != facts for name, facts in known.items())
        known = now
        if process.returncode == 0:
            return kills, harmed
        if process.returncode != -signal.SIGKILL:
            raise SystemExit(f"the import failed by itself with exit code {process.returncode}")


def main() -> None:
    """Read the command line, run both, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--language", default="de")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--piece-s", default="10")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        calm, wild = Path(folder) / "calm", Path(folder) / "wild"
        for workspace in (calm, wild):
            subprocess.run([sys.executable, "-m", "streamhub", "init", str(workspace)], check=True, capture_output=True)
        if start(options, calm).wait():
            raise SystemExit("the import in peace failed")
        kills, harmed = run_killed(options, wild)
        same = whole(calm) == whole(wild)
        print(f"pieces: {len(heard(wild))}, kills: {kills}, finished pieces heard again or lost: {harmed}")
        print(f"words after the kills: {'the same, byte by byte' if same else 'DIFFERENT'}")
    raise SystemExit(0 if same and not harmed else 1)


if __name__ == "__main__":
    main()
