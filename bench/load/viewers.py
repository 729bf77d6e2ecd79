"""Viewers of the load benchmark: thousands of listening sockets in a process of their own, without an event loop.

    python bench/load/viewers.py PORT PATH COUNT TARGET

Connects, prints ``ready`` with what it holds, then notes when which count of votes of the question TARGET reached each
viewer. A line of JSON on standard input, the instants (CLOCK_MONOTONIC) at which vote 1, 2, ... were sent, ends it: it
prints how long each vote took to each viewer, as percentiles. Reads raw bytes and parses nothing but what it looks for,
so that it takes as little of the shared processors as it can; connects to 127.0.0.1 only.
"""

from __future__ import annotations

import contextlib
import json
import re
import select
import socket
import sys
import time

AT_ONCE = 100
HEADERS = "Host: 127.0.0.1\r\nAccept: text/event-stream\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
CONNECT_S = 120
PER_ADDRESS = 500


def connect_all(port: int, path: str, count: int, poller: select.epoll) -> dict[int, socket.socket]:
    """Open the connections, a few at a time, and wait until each has got the first bytes of its stream."""
    viewers: dict[int, socket.socket] = {}
    waiting: set[int] = set()
    end_s = time.monotonic() + CONNECT_S
    opened = 0
    while (opened < count or waiting) and time.monotonic() < end_s:
        while opened < count and len(waiting) < AT_ONCE:
            viewer = socket.socket()
            viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
            viewer.bind((f"127.0.{opened // PER_ADDRESS + 1}.1", 0))
            viewer.connect(("127.0.0.1", port))
            viewer.setblocking(False)
            viewer.send(f"GET {path} HTTP/1.1\r\n{HEADERS}\r\n".encode())
            poller.register(viewer.fileno(), select.EPOLLIN)
            viewers[viewer.fileno()] = viewer
            waiting.add(viewer.fileno())
            opened += 1
        for number, _ in poller.poll(0.2):
            data = viewers[number].recv(1 << 16)
            if b"event:" in data or not data:
                waiting.discard(number)
            if not data:
                poller.unregister(number)
                viewers.pop(number).close()
    return viewers


def listen(
    viewers: dict[int, socket.socket], target: bytes, poller: select.epoll
) -> tuple[list[list[float]], int, str]:
    """Note for each viewer when he first knew of at least vote 1, 2, ...; until a line comes on standard input."""
    pattern = re.compile(rb'"%s":\{"votes":(\d+)' % re.escape(target))
    known: dict[int, list[float]] = {number: [] for number in viewers}
    lost = 0
    keyboard = sys.stdin.fileno()
    poller.register(keyboard, select.EPOLLIN)
    while True:
        for number, _ in poller.poll(1.0):
            if number == keyboard:
                return list(known.values()), lost, sys.stdin.readline()
            try:
                data = viewers[number].recv(1 << 16)
            except OSError:
                data = b""
            if not data:
                lost += 1
                poller.unregister(number)
                continue
            found = pattern.findall(data)
            if found:
                at_s, mine = time.monotonic(), known[number]
                mine.extend([at_s] * (int(found[-1]) - len(mine)))


def main() -> None:
    port, path, count, target = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
    poller = select.epoll()
    begun_s = time.monotonic()
    viewers = connect_all(port, path, count, poller)
    print(json.dumps({"connected": len(viewers), "connect_s": time.monotonic() - begun_s}), flush=True)
    before_s = time.process_time()
    known, lost, line = listen(viewers, target.encode(), poller)
    used_s = time.process_time() - before_s
    sent_s = json.loads(line)
    took_s = sorted(at_s - sent_s[vote] for mine in known for vote, at_s in enumerate(mine[: len(sent_s)]))
    missing = sum(max(0, len(sent_s) - len(mine)) for mine in known)
    told = {"lost": lost, "missing": missing, "heard": len(took_s), "cpu_s": used_s}
    if took_s:
        told |= {f"p{p}_ms": took_s[min(len(took_s) - 1, len(took_s) * p // 100)] * 1000 for p in (50, 90, 99)}
        told["max_ms"] = took_s[-1] * 1000
    print(json.dumps(told), flush=True)
    for viewer in viewers.values():
        with contextlib.suppress(OSError):
            viewer.close()


if __name__ == "__main__":
    main()
