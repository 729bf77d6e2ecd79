"""The peer of the load benchmark: server-sent events as an aiohttp application usually has them, a task per viewer.

    python bench/load/plain_server.py

One handler per viewer waits for its own queue and writes each message with ``response.write``; messages are encoded
once and coalesced to four a second, as in the hub, and votes are counted in memory, without any database. Prints its
port as JSON, and answers ``stats`` on standard input like `hub.py`.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from pathlib import Path

from aiohttp import web

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.load.hub import Lag, answer_stats

EVERY_S = 0.25


class Show:
    """One question and everybody who watches it."""

    def __init__(self) -> None:
        self.votes = 0
        self.told = 0
        self.queues: set[asyncio.Queue[bytes]] = set()

    async def vote(self, request: web.Request) -> web.Response:
        self.votes += 1
        return web.json_response({"votes": self.votes})

    async def answer(self, request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"votes": 1})

    async def events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        self.queues.add(queue)
        try:
            await response.write(b"event: state\ndata: {}\n\n")
            while True:
                await response.write(await queue.get())
        finally:
            self.queues.discard(queue)
        return response

    async def tell(self) -> None:
        while True:
            if self.told != self.votes:
                self.told = self.votes
                text = json.dumps({"counts": {"q": {"votes": self.votes}}}, separators=(",", ":"))
                for queue in self.queues:
                    queue.put_nowait(f"event: diff\ndata: {text}\n\n".encode())
            await asyncio.sleep(EVERY_S)


async def main() -> None:
    show, lag = Show(), Lag()
    app = web.Application()
    app.router.add_get("/events", show.events)
    app.router.add_post("/vote", show.vote)
    app.router.add_post("/api/v1/questions/{question_id}/vote", show.answer)
    app.router.add_post("/api/v1/sessions/{session_id}/questions", show.answer)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    asyncio.get_running_loop().add_reader(sys.stdin, answer_stats, lag)
    await asyncio.gather(show.tell(), lag.run())


if __name__ == "__main__":
    asyncio.run(main())
