"""Acknowledged votes and questions a second through real HTTP, durable, with kill -9 in the middle.

    python bench/vote_writes.py [--seconds 6] [--connections 128] [--kills 5] [--rounds 3] [--ask-every 10]

A real hub (`streamhub serve`) takes votes of 5,000 visitors, each with his signed cookie and a browser's headers, and
every tenth request is a question. Beside it in the same run: a plain aiohttp handler that answers the same requests and
keeps nothing, which is what HTTP alone costs on this machine, and the store alone, which is what SQLite alone costs
(WAL, synchronous=FULL). Then the hub is killed with SIGKILL in the middle of the load, again and again, and every
request that was acknowledged must be on the disk. The visitors sit in a process of their own on the same processors.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from bench.load.hub import LoadedHub  # noqa: E402
from bench.store_writes import measure_store  # noqa: E402

VISITORS = 5000
QUESTIONS = 200
HEADERS = (
    "Host: 127.0.0.1\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/138.0.0.0 Safari/537.36\r\n"
    "Accept: */*\r\nAccept-Language: de-DE,de;q=0.9,en;q=0.8\r\nAccept-Encoding: gzip, deflate, br\r\n"
    "Referer: http://127.0.0.1/s/x\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n"
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the visitors do."""

    scratch: Path
    seconds: float
    connections: int
    ask_every: int


def visitors(plan: Plan, *, port: int, run: str, session: str, questions: list[str], cookies: list[str]) -> list[str]:
    given = {
        "port": port,
        "session": session,
        "questions": questions,
        "cookies": cookies,
        "seconds": plan.seconds,
        "connections": plan.connections,
        "ask_every": plan.ask_every,
        "headers": HEADERS,
        "acknowledged": str(plan.scratch / f"acknowledged-{run}"),
        "run": run,
    }
    path = plan.scratch / f"plan-{run}.json"
    path.write_text(json.dumps(given))
    return [sys.executable, str(HERE / "load" / "voters.py"), str(path)]


def rate(seen: dict[str, Any]) -> float:
    return sum(count for status, count in seen["statuses"].items() if int(status) < 300) / seen["elapsed_s"]


def show(name: str, seen: dict[str, Any], cpu: float) -> None:
    refused = {status: count for status, count in seen["statuses"].items() if int(status) >= 300}
    print(
        f"{name:34} {rate(seen):7.0f} acknowledged/s   p50 {seen['p50_ms']:6.1f} ms   p99 {seen['p99_ms']:6.1f} ms   "
        f"processor: server {cpu:.0f} %, visitors {seen['cpu_s'] / seen['elapsed_s'] * 100:.0f} %"
        f"{f'   refused {refused}' if refused else ''}",
        flush=True,
    )


def measure_plain(plan: Plan) -> dict[str, Any]:
    argv = [sys.executable, str(HERE / "load" / "plain_server.py")]
    server = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        port = json.loads(server.stdout.readline())["port"]
        questions, cookies = [f"q{n}" for n in range(QUESTIONS)], ["streamhub_voter=" + "x" * 52] * VISITORS
        argv = visitors(plan, port=port, run="plain", session="s", questions=questions, cookies=cookies)
        before = cpu_of(server.pid)
        seen: dict[str, Any] = json.loads(subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout)
        return {**seen, "server_cpu": (cpu_of(server.pid) - before) / seen["elapsed_s"] * 100}
    finally:
        server.kill()
        server.wait()


def cpu_of(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure_hub(plan: Plan, number: int) -> dict[str, Any]:
    hub = LoadedHub(plan.scratch / f"hub-{number}")
    try:
        hub.start()
        session, questions = hub.plan(QUESTIONS)
        cookies = [hub.voter_cookie(f"v{n:025d}") for n in range(VISITORS)]
        argv = visitors(plan, port=hub.port, run=f"r{number}", session=session, questions=questions, cookies=cookies)
        before = hub.stats()
        seen: dict[str, Any] = json.loads(subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout)
        after = hub.stats()
        lost = count_lost(hub.folder, [plan.scratch / f"acknowledged-r{number}"], cookies)
        assert lost == 0, f"{lost} acknowledged requests are not on the disk"
        return {
            **seen,
            "server_cpu": (after["cpu_s"] - before["cpu_s"]) / seen["elapsed_s"] * 100,
            "lag_p99_ms": after["lag_p99_ms"],
            "lag_max_ms": after["lag_max_ms"],
        }
    finally:
        hub.kill()


def kill_under_load(plan: Plan, kills: int, seed: int) -> tuple[int, int]:
    """Kill the hub again and again while visitors vote; returns what was acknowledged and how much of it is lost."""
    dice = random.Random(seed)
    hub = LoadedHub(plan.scratch / "hub-killed")
    session, questions, cookies = "", [], []
    runs = []
    try:
        for number in range(kills):
            hub.start()
            if not session:
                session, questions = hub.plan(QUESTIONS)
                cookies = [hub.voter_cookie(f"v{n:025d}") for n in range(VISITORS)]
            run = f"k{number}"
            runs.append(plan.scratch / f"acknowledged-{run}")
            voting = cookies[number * VISITORS // kills :][
                : VISITORS // kills
            ]  # others vote each time, so that each vote is new
            argv = visitors(plan, port=hub.port, run=run, session=session, questions=questions, cookies=voting)
            crowd = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
            time.sleep(dice.uniform(1.0, max(1.5, plan.seconds - 1)))
            hub.kill()
            crowd.wait()
            lost = count_lost(hub.folder, runs, cookies)
            acknowledged = sum(len(path.read_text().splitlines()) for path in runs)
            print(f"kill {number + 1}: {acknowledged} acknowledged so far, lost {lost}", flush=True)
            if lost:
                break
    finally:
        hub.kill()
    return sum(len(path.read_text().splitlines()) for path in runs), count_lost(hub.folder, runs, cookies)


def count_lost(folder: Path, acknowledged: list[Path], cookies: list[str]) -> int:
    """How many acknowledged votes and questions are not in the database; looks at its integrity as well."""
    with contextlib.closing(sqlite3.connect(f"file:{folder / 'hub.sqlite3'}?mode=ro", uri=True)) as db:
        assert db.execute("pragma integrity_check").fetchone()[0] == "ok"
        kept = {f"v {question} {voter}" for question, voter in db.execute("select question_id, voter from votes")}
        kept |= {f"q {text[6:-1]}" for (text,) in db.execute("select text from questions where text like 'Frage %'")}
        counted = db.execute("select coalesce(sum(votes), 0) from questions").fetchone()[0]
        assert counted == db.execute("select count(*) from votes").fetchone()[0], "sums and votes differ"
    names = {line for path in acknowledged for line in path.read_text().splitlines()}
    return len(names - kept)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=6.0)
    options.add_argument("--connections", type=int, default=128)
    options.add_argument("--ask-every", type=int, default=10)
    options.add_argument("--kills", type=int, default=5)
    options.add_argument("--rounds", type=int, default=1)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--folder", type=Path, default=None, help="where the hubs are made; default: a temporary one")
    given = options.parse_args()
    print(
        f"{os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f}; {given.connections} connections, "
        f"every {given.ask_every}th request a question",
        flush=True,
    )
    with tempfile.TemporaryDirectory(prefix="vote-writes-", dir=given.folder) as folder:
        plan = Plan(
            scratch=Path(folder), seconds=given.seconds, connections=given.connections, ask_every=given.ask_every
        )
        store_path = plan.scratch / "store.sqlite3"
        store, _ = asyncio.run(measure_store(store_path, given.connections, given.seconds / 2))
        print(
            f"{'store alone (no HTTP)':34} {store.per_s:7.0f} acknowledged/s   p50 {store.p50_ms:6.1f} ms   "
            f"p99 {store.p99_ms:6.1f} ms"
        )
        hubs, plains = [], []
        for number in range(given.rounds):
            plains.append(measure_plain(plan))
            show("plain aiohttp (keeps nothing)", plains[-1], plains[-1]["server_cpu"])
            hubs.append(measure_hub(plan, number))
            show("hub, durable, all on the disk", hubs[-1], hubs[-1]["server_cpu"])
            print(
                f"{'':34} event loop late by p99 {hubs[-1]['lag_p99_ms']:.0f}, at most {hubs[-1]['lag_max_ms']:.0f} ms"
            )
        ratio = statistics.median(map(rate, hubs)) / statistics.median(map(rate, plains))
        print(f"median {statistics.median(map(rate, hubs)):.0f}/s; ratio hub : plain aiohttp {ratio:.2f}")
        acknowledged, lost = kill_under_load(plan, given.kills, given.seed) if given.kills else (0, 0)
        if given.kills:
            print(f"{given.kills} kills -9 under load: {acknowledged} acknowledged, {lost} lost (seed {given.seed})")
    print(f"load average {os.getloadavg()[0]:.1f} at the end")
    return 1 if lost else 0


if __name__ == "__main__":
    raise SystemExit(main())
