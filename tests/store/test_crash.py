"""Killed at any moment, the store loses nothing that it acknowledged."""

import random
import subprocess
import sys
import time
from pathlib import Path

from streamhub.store.library import sqlite3
from streamhub.store.store import Store

WRITER = Path(__file__).with_name("acknowledging_writer.py")
BALLOTS = Path(__file__).with_name("acknowledging_ballots.py")
KILLS = 6


def run_and_kill(
    database: Path, run: str, after_s: float, environ: dict[str, str], *, writer: Path = WRITER
) -> list[str]:
    """Start a writer, kill it that long after its first acknowledgement; returns what it acknowledged."""
    child = subprocess.Popen([sys.executable, str(writer), str(database), run], stdout=subprocess.PIPE, env=environ)
    first = child.stdout.readline()
    time.sleep(after_s)
    child.kill()
    rest = child.stdout.read()
    child.wait()
    child.stdout.close()
    whole = (first + rest).decode().split("\n")[:-1]  # a line without an end was not acknowledged whole
    return [line for line in whole if line]


async def test_kill_9_loses_nothing_acknowledged(tmp_path, clock, child_environ):
    """After each of several kill -9 every acknowledged write is there once and whole, and the database is sound."""
    chance = random.Random(20270302)
    database = tmp_path / "hub.sqlite3"
    acknowledged: list[str] = []
    for number in range(KILLS):
        acknowledged += run_and_kill(database, f"r{number}", chance.uniform(0.0, 0.15), child_environ)
        connection = sqlite3.connect(database)
        assert connection.execute("pragma integrity_check").fetchone()[0] == "ok"
        assert connection.execute("pragma foreign_key_check").fetchall() == []
        kept = dict(connection.execute("select id, votes from questions").fetchall())
        keys = {row[0] for row in connection.execute("select key from applied").fetchall()}
        connection.close()
        lost = [name for name in acknowledged if kept.get(name) != 1]
        assert lost == []
        assert keys == {name for name in kept if int(name.rsplit("-", 1)[1]) % 2}
    assert len(acknowledged) > KILLS * 30
    async with Store.open(database, now=clock) as store:
        rows = await store.read(lambda db: db.execute("select count(*) from log").fetchone()[0])
        assert rows == len(kept)


async def test_kill_9_loses_no_acknowledged_vote(tmp_path, child_environ):
    """After each of several kill -9 amid a hundred voters every acknowledged vote is there, and the sums are right."""
    chance = random.Random(20270303)
    database = tmp_path / "hub.sqlite3"
    acknowledged: set[str] = set()
    for number in range(4):
        acknowledged |= set(
            run_and_kill(database, f"r{number}", chance.uniform(0.0, 0.4), child_environ, writer=BALLOTS)
        )
        connection = sqlite3.connect(database)
        assert connection.execute("pragma integrity_check").fetchone()[0] == "ok"
        kept = {f"{question} {voter}" for question, voter in connection.execute("select question_id, voter from votes")}
        sums = dict(connection.execute("select id, votes from questions").fetchall())
        rows = dict(connection.execute("select question_id, count(*) from votes group by 1").fetchall())
        connection.close()
        assert acknowledged - kept == set()
        assert {name: rows.get(name, 0) for name in sums} == sums
    assert len(acknowledged) > 400
