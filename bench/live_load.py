"""Thousands of viewers on one hub: how long a vote takes to their screens, what one costs, and the plain way beside.

    python bench/live_load.py [--viewers 10000,5000] [--votes 40] [--per-second 10] [--questions 50] [--rounds 1]

A real hub (`streamhub serve`, with its engine and its doors) and, in the same run, a plain aiohttp server with a task
per viewer serve the same viewers, who sit in a process of their own on the same processors. Votes go to the hub over
HTTP and are on its disk before they are told; the peer counts in memory. Prints for each: vote to screen (p50, p99,
slowest), memory a viewer in user space, processor time of server and viewers, how late the event loop was. Everything
is on 127.0.0.1 and ends by itself.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from bench.load.hub import LoadedHub  # noqa: E402

SETTLE_S = 3.0
Figures = dict[str, float]
Send = Callable[[int], None]


@contextlib.contextmanager
def viewers(port: int, path: str, count: int, target: str) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, str(HERE / "load" / "viewers.py"), str(port), path, str(count), target]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def read_line(process: subprocess.Popen[str]) -> Any:
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        raise SystemExit("a process of the benchmark ended early")
    return json.loads(line)


def measure(
    stats: Callable[[], Figures], send: Send, votes: int, per_second: float, place: tuple[int, str, int, str]
) -> Figures:
    """One round: connect, vote at an even pace, ask everybody what he saw when."""
    count = place[2]
    before = stats()
    with viewers(*place) as watching:
        connected = read_line(watching)
        time.sleep(SETTLE_S)
        idle = stats()
        sent_s: list[float] = []
        begun_s = time.monotonic()
        for vote in range(votes):
            time.sleep(max(0.0, begun_s + vote / per_second - time.monotonic()))
            sent_s.append(time.monotonic())
            send(vote)
        time.sleep(1.5)
        elapsed_s = time.monotonic() - begun_s
        after = stats()
        assert watching.stdin
        watching.stdin.write(json.dumps(sent_s) + "\n")
        watching.stdin.flush()
        seen = read_line(watching)
    return {
        **seen,
        "connected": connected["connected"],
        "connect_s": connected["connect_s"],
        "kb_per_viewer": (idle["rss_mb"] - before["rss_mb"]) * 1024 / count,
        "rss_mb": after["rss_mb"],
        "server_cpu": (after["cpu_s"] - idle["cpu_s"]) / elapsed_s * 100,
        "viewers_cpu": seen["cpu_s"] / elapsed_s * 100,
        **{name: after[name] for name in ("lag_p50_ms", "lag_p99_ms", "lag_max_ms")},
    }


def measure_hub(count: int, votes: int, per_second: float, questions: int) -> Figures:
    with tempfile.TemporaryDirectory(prefix="live-load-") as scratch:
        hub = LoadedHub(Path(scratch) / "hub")
        try:
            hub.start()
            session, ids = hub.plan(questions)
            line = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=30)

            def send(vote: int) -> None:
                cookie = hub.voter_cookie(f"v{vote:025d}")
                line.request("POST", f"/api/v1/questions/{ids[0]}/vote", headers={"Cookie": cookie})
                answer = line.getresponse()
                answer.read()
                assert answer.status == 200, answer.status

            path = f"/api/v1/sessions/{session}/events"
            return measure(hub.stats, send, votes, per_second, (hub.port, path, count, ids[0]))
        finally:
            hub.kill()


def measure_peer(count: int, votes: int, per_second: float) -> Figures:
    argv = [sys.executable, str(HERE / "load" / "plain_server.py")]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        port = read_line(process)["port"]
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

        def stats() -> Figures:
            assert process.stdin
            process.stdin.write("stats\n")
            process.stdin.flush()
            return dict(read_line(process))

        def send(_: int) -> None:
            line.request("POST", "/vote")
            line.getresponse().read()

        stats()
        return measure(stats, send, votes, per_second, (port, "/events", count, "q"))
    finally:
        process.kill()
        process.wait()


def medians(rounds: list[Figures]) -> Figures:
    return {name: statistics.median(one.get(name, 0.0) for one in rounds) for name in rounds[0]}


def show(name: str, seen: Figures) -> None:
    print(
        f"{name:22} {seen['connected']:6.0f} viewers   vote to screen p50 {seen.get('p50_ms', 0):6.0f} ms  "
        f"p99 {seen.get('p99_ms', 0):6.0f} ms  slowest {seen.get('max_ms', 0):6.0f} ms   "
        f"{seen['kb_per_viewer']:5.1f} KB a viewer (RSS {seen['rss_mb']:.0f} MB)\n"
        f"{'':22} connected in {seen['connect_s']:.1f} s, lost {seen['lost']:.0f}, not told {seen['missing']:.0f}; "
        f"processor: server {seen['server_cpu']:.0f} %, viewers {seen['viewers_cpu']:.0f} %; event loop late by "
        f"p50 {seen['lag_p50_ms']:.1f}, p99 {seen['lag_p99_ms']:.0f}, at most {seen['lag_max_ms']:.0f} ms",
        flush=True,
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--viewers", default="10000,5000")
    options.add_argument("--votes", type=int, default=40)
    options.add_argument("--per-second", type=float, default=10.0)
    options.add_argument("--questions", type=int, default=50)
    options.add_argument("--rounds", type=int, default=1)
    options.add_argument("--alone", action="store_true", help="leave the peer out")
    given = options.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print(
        f"{os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f} at the beginning; {given.votes} votes, "
        f"{given.per_second:g} a second, {given.questions} questions, median of {given.rounds}",
        flush=True,
    )
    for count in (int(text) for text in given.viewers.split(",")):
        if count + 200 > most:
            print(f"{count} viewers: skipped, this user may open {most} files only")
            continue
        hubs, peers = [], []
        for _ in range(given.rounds):
            hubs.append(measure_hub(count, given.votes, given.per_second, given.questions))
            if not given.alone:
                peers.append(measure_peer(count, given.votes, given.per_second))
        hub = medians(hubs)
        show("hub", hub)
        if peers:
            peer = medians(peers)
            show("task per viewer", peer)
            print(
                f"ratio hub : task per viewer   p50 {hub['p50_ms'] / peer['p50_ms']:.2f}, p99 "
                f"{hub['p99_ms'] / peer['p99_ms']:.2f}, memory {hub['kb_per_viewer'] / peer['kb_per_viewer']:.2f}, "
                f"processor {hub['server_cpu'] / peer['server_cpu']:.2f}",
                flush=True,
            )
    print(f"load average {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
