"""The audience of the load benchmarks: many small HTTP/1.1 connections in a process of their own.

    python bench/voters.py PLAN.json

The plan names the port, the requests and how long; the result goes to standard output as one line of JSON. Each
connection has one request under way at a time, like a browser's; every answer's status is read and counted. Raw
sockets on the event loop's protocols, so that this client takes as little of the shared processors as it can.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any


class Visitor(asyncio.Protocol):
    """One connection that sends request after request."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.buffer = b""
        self.sent_at_s = 0.0
        self.name = ""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.next()

    def next(self) -> None:
        assert self.transport
        found = self.crowd.take()
        if found is None:
            self.transport.close()
            return
        self.name, request = found
        self.sent_at_s = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return
        at = head.find(b"Content-Length: ")
        if len(body) < int(head[at + 16 : head.find(b"\r", at) if head.find(b"\r", at) > 0 else None]):
            return
        self.buffer = b""
        self.crowd.note(self.name, int(head[9:12]), time.perf_counter() - self.sent_at_s)
        self.next()

    def connection_lost(self, error: Exception | None) -> None:
        self.crowd.lost += bool(error)
        self.crowd.open -= 1
        if not self.crowd.open:
            self.crowd.all_gone.set()


class Crowd:
    """All visitors, and what they were told."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.number = 0
        self.statuses: Counter[int] = Counter()
        self.took_s: list[float] = []
        self.acknowledged: list[str] = []
        self.lost = 0
        self.open = 0
        self.all_gone = asyncio.Event()
        self.end_s = 0.0
        self.cookies: list[str] = plan["cookies"]
        self.questions: list[str] = plan["questions"]

    def take(self) -> tuple[str, bytes] | None:
        """The next request: a vote of somebody for something, every so often a question."""
        if time.perf_counter() > self.end_s:
            return None
        number, self.number = self.number, self.number + 1
        voter = number % len(self.cookies)
        every = self.plan["ask_every"]
        if every and number % every == every - 1:
            text = f"{self.plan['run']} {number}"
            body = json.dumps({"text": f"Frage {text}?"}).encode()
            return f"q {text}", self._request(
                f"/api/v1/sessions/{self.plan['session']}/questions", voter, b"application/json", body
            )
        question = self.questions[number // len(self.cookies) % len(self.questions)]
        name = f"v {question} {self.cookies[voter].partition('=')[2].rpartition('.')[0]}"
        return name, self._request(f"/api/v1/questions/{question}/vote", voter, b"", b"")

    def _request(self, path: str, voter: int, kind: bytes, body: bytes) -> bytes:
        head = f"POST {path} HTTP/1.1\r\n{self.plan['headers']}Cookie: {self.cookies[voter]}\r\n"
        if kind:
            head += f"Content-Type: {kind.decode()}\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def note(self, name: str, status: int, took_s: float) -> None:
        self.statuses[status] += 1
        self.took_s.append(took_s)
        if status < 300:
            self.acknowledged.append(name)

    async def run(self) -> dict[str, Any]:
        loop, plan = asyncio.get_running_loop(), self.plan
        begun_s = time.perf_counter()
        self.end_s = begun_s + plan["seconds"]
        for number in range(plan["connections"]):
            source = (f"127.0.{number % 8 + 1}.{number % 200 + 1}", 0)
            try:
                self.open += 1
                await loop.create_connection(lambda: Visitor(self), "127.0.0.1", plan["port"], local_addr=source)
            except OSError:
                self.lost += 1
                self.open -= 1
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(plan["seconds"] + 15):
                await self.all_gone.wait()
        elapsed_s = min(time.perf_counter(), self.end_s) - begun_s
        ordered = sorted(self.took_s) or [0.0]
        return {
            "statuses": dict(self.statuses),
            "elapsed_s": elapsed_s,
            "p50_ms": ordered[len(ordered) // 2] * 1000,
            "p99_ms": ordered[len(ordered) * 99 // 100] * 1000,
            "lost": self.lost,
            "cpu_s": time.process_time(),
        }


def main() -> None:
    plan = json.loads(Path(sys.argv[1]).read_text())
    crowd = Crowd(plan)
    told = asyncio.run(crowd.run())
    Path(plan["acknowledged"]).write_text("".join(f"{name}\n" for name in crowd.acknowledged))
    print(json.dumps(told))


if __name__ == "__main__":
    main()
