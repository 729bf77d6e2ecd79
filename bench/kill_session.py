"""Kill -9 the real pipeline of a session again and again: is anything lost, is anything done twice?

    python bench/kill_session.py [--kills 100] [--seed 1]

Imports the German round table of the demo (recording, recogniser, answers, pages: every step after a show) in a fresh
workspace per round, kills the process at random moments spread over the whole run, starts it again, and lets it finish
after the last kill of the round. What is there in the end must be byte for byte what a run without a kill leaves: the
archive's files and the site. Prints kills by the step that was hit, what was lost, what was doubled.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from streamhub.demo.script import Roundtable, load_roundtable  # noqa: E402
from streamhub.timecode import format_clock  # noqa: E402

KILLS_A_ROUND = 6
ENV = {**os.environ, "STREAMHUB_TRANSCRIPT_MODEL": "rehearsal", "STREAMHUB_ENGINE_ATTEMPTS": "100"}


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    dice = random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="kill-session-") as scratch:
        folder = Path(scratch)
        table = load_roundtable("de")
        write_tables(table, folder)
        before = time.monotonic()
        run_to_end(table, folder, folder / "reference")
        whole_s = time.monotonic() - before
        wanted = contents(folder / "reference")
        print(f"one run without a kill: {whole_s:.1f} s, {len(wanted)} files", flush=True)
        hit: collections.Counter[str] = collections.Counter()
        lost = changed = doubled = 0
        number = 0
        while hit.total() < given.kills:
            number += 1
            hub = folder / f"hub-{number}"
            hit += kill_round(table, folder, hub, [dice.uniform(0.2, whole_s) for _ in range(KILLS_A_ROUND)])
            seen = contents(hub)
            lost += len(wanted.keys() - seen.keys())
            changed += sum(seen[name] != wanted[name] for name in wanted.keys() & seen.keys())
            doubled += len(seen.keys() - wanted.keys()) + count_doubles(hub, table)
            print(
                f"round {number}: {hit.total()} kills so far, lost {lost}, changed {changed}, doubled {doubled}",
                flush=True,
            )
    for step, count in hit.most_common():
        print(f"  {count:4} kills in {step}")
    print(f"kills {hit.total()}, lost {lost}, changed {changed}, doubled {doubled} (seed {given.seed})")
    return 1 if lost or changed or doubled else 0


def write_tables(table: Roundtable, folder: Path) -> None:
    """The questions and marks that go with the recording."""
    questions = ["id,question,asker,votes", *(f'{q.id},"{q.text}",{q.asker},{q.votes}' for q in table.aired)]
    marks = ["question,start", *(f"{q.id},{format_clock(q.on_air_ms or 0)}" for q in table.aired)]
    (folder / "questions.csv").write_text("\n".join(questions), "utf-8")
    (folder / "marks.csv").write_text("\n".join(marks), "utf-8")


def command(table: Roundtable, folder: Path, hub: Path) -> list[str]:
    given = ["--show", "s", "--title", "t", "--start", "2026-11-01T10:00:00Z", "--publish", "--workspace", str(hub)]
    tables = ["--questions", str(folder / "questions.csv"), "--marks", str(folder / "marks.csv")]
    return [sys.executable, "-m", "streamhub", "import", str(table.audio_file), *given, *tables]


def init(hub: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "streamhub", "init", str(hub)], check=True, stdout=subprocess.DEVNULL, cwd=ROOT
    )


def run_to_end(table: Roundtable, folder: Path, hub: Path) -> None:
    if not hub.exists():
        init(hub)
    done = subprocess.run(command(table, folder, hub), env=ENV, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode != 0:
        raise SystemExit(f"the run after the kills failed:\n{done.stdout}\n{done.stderr}")


def kill_round(table: Roundtable, folder: Path, hub: Path, delays_s: list[float]) -> collections.Counter[str]:
    """Kill the import after each delay, then let it finish; counts the kills by the step that was hit."""
    init(hub)
    hit: collections.Counter[str] = collections.Counter()
    for delay_s in delays_s:
        process = subprocess.Popen(
            command(table, folder, hub), env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT
        )
        try:
            process.wait(timeout=delay_s)
            break  # it was done before the kill came
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            hit[running_step(hub)] += 1
    run_to_end(table, folder, hub)
    return hit


def running_step(hub: Path) -> str:
    """The step that was under way when the process died."""
    if not (hub / "hub.sqlite3").exists():
        return "start of the process"
    with contextlib.closing(sqlite3.connect(f"file:{hub / 'hub.sqlite3'}?mode=ro", uri=True)) as db:
        try:
            rows = db.execute("select step from work_steps where state = 'running' order by started_at").fetchall()
            begun = db.execute("select count(*) from work_steps").fetchone()[0]
        except sqlite3.OperationalError:
            return "start of the process"
    return str(rows[-1][0]) if rows else "between two steps" if begun else "start of the process"


def contents(hub: Path) -> dict[str, bytes]:
    """Every file of archive and site, without their bookkeeping."""
    files = [path for part in ("transcripts", "public") for path in (hub / part).rglob("*") if path.is_file()]
    return {str(path.relative_to(hub)): path.read_bytes() for path in files if not path.name.startswith(".")}


def count_doubles(hub: Path, table: Roundtable) -> int:
    """Rows and results that are there more than once."""
    with contextlib.closing(sqlite3.connect(f"file:{hub / 'hub.sqlite3'}?mode=ro", uri=True)) as db:
        rows = {
            name: db.execute(f"select count(*) from {name}").fetchone()[0]
            for name in ("sessions", "questions", "marks")
        }
    expected = {"sessions": 1, "questions": len(table.aired), "marks": len(table.aired)}
    heard = len(list((hub / "media").rglob("recognised-*.json"))) - 1
    return heard + sum(rows[name] - expected[name] for name in expected)


if __name__ == "__main__":
    raise SystemExit(main())
