"""The pages of an archive, made by this program and by Hugo from the same data: CPU seconds of both in one run.

    python -m bench.hugo [--answers 1000] [--hugo PATH] [--rounds 3] [--folder /dev/shm] [--json]

Both begin with files: this program with the archive's, sessions and transcripts, from which it also finds out what is
like what; Hugo with a file of front matter for each page (`bench.hugo_data`) and the templates in `bench/hugo_site/`.
Both make the same pages twice: those of answers alone, and all. A sample of them is compared before anything is told.
`bench/build.md` has results.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.build import make_archive, measured, write_archive
from bench.build_pages import write_pages
from bench.hugo_agreement import FIELDS, compare
from bench.hugo_data import write_site
from streamhub.archive.archived import ArchivedRecording, ArchivedSession
from streamhub.recording.recording import ClockMap, ClockPiece
from streamhub.timecode import Span

LEAD_MS = 2000
"""The recording begins so long before the session."""
SAMPLE = 200
SETS = {"answers alone": False, "all pages": True}


def record(session: ArchivedSession) -> ArchivedSession:
    """The session with a recording, which is served elsewhere: pages have a player."""
    end_ms = session.transcripts[0].cues[-1].span.end_ms
    piece = ClockPiece(Span(0, end_ms), Span(LEAD_MS, LEAD_MS + end_ms))
    recording = ArchivedRecording(
        url=f"https://media.example/{session.id}.mp4", duration_ms=LEAD_MS + end_ms, clock=ClockMap((piece,))
    )
    return replace(session, recordings=(recording,))


def run_hugo(hugo: str, site: Path) -> dict[str, Any]:
    """Let Hugo build a site; CPU seconds and memory are the child's."""
    shutil.rmtree(site / "public", ignore_errors=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [hugo, "--source", str(site), "--quiet", "--noBuildLock", "--cacheDir", str(site / "cache")]
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    files = [path for path in (site / "public").rglob("*") if path.is_file()]
    return {
        "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "written": len(files),
        "size_bytes": sum(path.stat().st_size for path in files),
        "child_mb": after.ru_maxrss / 1024,
    }


def measure(folder: Path, hugo: str, *, everything: bool) -> dict[str, dict[str, Any]]:
    """One round: our pages, and Hugo's."""
    shutil.rmtree(folder / "pages", ignore_errors=True)
    row = measured(_write_pages, folder / "transcripts", folder / "pages", everything)
    return {"ours": row, **({"Hugo": measured(run_hugo, hugo, folder / "hugo")} if hugo else {})}


def _write_pages(root: Path, target: Path, everything: bool) -> dict[str, Any]:
    return write_pages(root, target, everything=everything)


def find_agreement(folder: Path) -> tuple[Counter[str], list[str]]:
    """How far pages agree, a sample of each kind."""
    ours, theirs = folder / "pages", folder / "hugo" / "public"
    found = sorted(path.relative_to(ours).as_posix() for path in ours.rglob("index.html"))
    made = sorted(path.relative_to(theirs).as_posix() for path in theirs.rglob("index.html"))
    if found != made:
        raise SystemExit(f"the pages are not the same: {sorted({*found} ^ {*made})[:10]}")
    kinds: dict[str, list[str]] = {}
    for path in found:
        kinds.setdefault(path.split("/")[0], []).append(path)
    draw = random.Random(5)
    sample = [path for paths in kinds.values() for path in draw.sample(paths, min(SAMPLE, len(paths)))]
    return compare(ours, theirs, sample)


def print_agreement(counts: Counter[str], differences: list[str]) -> None:
    """What of the sample agrees, and the first pages that do not."""
    same = ", ".join(f"{name} {counts[name]}" for name in FIELDS)
    print(f"of {counts['pages']} pages with {counts['letters']} visible letters, the same in: {same}")
    for name in ("links", "cues", "nodes"):
        print(f"  {name}: ours {counts[f'{name} of ours']}, Hugo {counts[f'{name} of Hugo']}")
    for line in differences[:5]:
        print(f"  {line[:400]}")


def median(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The round in the middle, by CPU seconds."""
    middle = statistics.median_low([row["cpu_s"] for row in rows])
    return next(row for row in rows if row["cpu_s"] == middle)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--answers", type=int, default=1000)
    parser.add_argument("--hugo", default="", help="Hugo's program")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", default=None, help="where to work: a file system in memory")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="streamhub-bench-", dir=options.folder))
    results: dict[str, dict[str, dict[str, Any]]] = {}
    load = os.getloadavg()
    try:
        write_archive(folder / "transcripts", [record(one) for one in make_archive(options.answers)])
        for name, everything in SETS.items():
            if options.hugo:
                shutil.rmtree(folder / "hugo", ignore_errors=True)
                write_site(folder / "transcripts", folder / "hugo", everything=everything)
            rounds = [measure(folder, options.hugo, everything=everything) for _ in range(options.rounds)]
            results[name] = {who: median([one[who] for one in rounds]) for who in rounds[0]}
            if options.hugo:
                print(name, end=": ")
                print_agreement(*find_agreement(folder))
    finally:
        shutil.rmtree(folder)
    if options.json:
        print(json.dumps(results, indent=1))
        return
    words = ", ".join(f"{before:.1f}" for before in load)
    print(f"{options.answers} answers, {os.cpu_count()} cores, load before {words}, Python {sys.version.split()[0]}")
    columns = f"{'CPU s':>8}{'wall s':>8}{'peak MB':>9}{'files':>8}{'MB':>7}{'ms each':>9}"
    print(f"{'':24}{columns}{'ours to Hugo':>14}{'our printing to it':>20}")
    for name, row in ((f"{name}, {who}", row) for name, rows in results.items() for who, row in rows.items()):
        print(format_row(name, row, results))


def format_row(name: str, row: dict[str, Any], results: dict[str, dict[str, dict[str, Any]]]) -> str:
    """A line of the table."""
    rows = results[name.rpartition(", ")[0]]
    peak = row.get("child_mb", row["peak_mb"])
    ratio = ""
    if row is rows.get("Hugo"):
        ours, theirs = rows["ours"], row["cpu_s"]
        ratio = f"{ours['cpu_s'] / theirs:14.2f}{ours['print_s'] / theirs:20.2f}"
    size = row["size_bytes"] / 1e6
    each = 1000 * row["cpu_s"] / row["written"]
    return (
        f"{name:24}{row['cpu_s']:8.2f}{row['wall_s']:8.2f}{peak:9.0f}{row['written']:8d}{size:7.1f}{each:9.2f}{ratio}"
    )


if __name__ == "__main__":
    main()
