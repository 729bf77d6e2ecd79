"""A real hub in a process of its own for the benchmarks of load: started, asked for its figures, killed, started again.

Run as a program (``python bench/load/hub.py FOLDER``) it serves that workspace and answers lines on standard input:
``stats`` prints one line of JSON (processor seconds, memory, lag of the event loop since the line before).
Everything listens on 127.0.0.1 only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import resource
import secrets
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from streamhub.app import serve  # noqa: E402
from streamhub.control import ask_hub  # noqa: E402
from streamhub.web.signing import sign  # noqa: E402
from streamhub.workspace import open_workspace  # noqa: E402

READY_S = 60
LAG_EVERY_S = 0.01
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
MANY = "1000000000"
ENV = {
    "STREAMHUB_HUB_PORT": "0",
    "STREAMHUB_LIVE_RTMP_PORT": "0",
    "STREAMHUB_LIVE_MIN_FREE_MB": "1",
    "STREAMHUB_HUB_VOTES_PER_MINUTE": MANY,
    "STREAMHUB_HUB_QUESTIONS_PER_MINUTE": MANY,
    "STREAMHUB_HUB_VOTES_PER_ADDRESS": MANY,
    "STREAMHUB_HUB_FLOOD_PER_MINUTE": MANY,
    "STREAMHUB_TRANSCRIPT_MODEL": "rehearsal",
}

Json = Any


class LoadedHub:
    """The hub's process as seen from outside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = self.token = ""
        self._process: subprocess.Popen[str] | None = None

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def start(self) -> None:
        """Start the hub, making its workspace if there is none, and wait until it serves."""
        if not self.folder.exists():
            init = [sys.executable, "-m", "streamhub", "init", str(self.folder)]
            subprocess.run(init, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__)), str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if os.environ.get("BENCH_LOG") else subprocess.DEVNULL,
            text=True,
            env={**os.environ, **ENV},
            cwd=ROOT,
        )
        ready = json.loads(self._line())
        self.url, self.token = ready["url"], ready["token"]

    def stats(self) -> dict[str, float]:
        """Figures since the last call: cpu_s, rss_mb, lag_p50_ms, lag_p99_ms, lag_max_ms."""
        assert self._process
        assert self._process.stdin
        self._process.stdin.write("stats\n")
        self._process.stdin.flush()
        figures: dict[str, float] = json.loads(self._line())
        return figures

    def kill(self) -> None:
        """Kill -9."""
        if self._process:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()
            self._process = None

    def post(self, path: str, **body: Json) -> Json:
        """Ask the host's API."""
        request = urllib.request.Request(
            f"{self.url}/api/v1{path}",
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def plan(self, questions: int) -> tuple[str, list[str]]:
        """An open session with questions; returns its id and theirs."""
        self.post("/host/shows", id="s", title="S", language="de", moderation="after")
        made = self.post(
            "/host/sessions", show_id="s", title="S", starts_at="2027-03-02T20:15:00+01:00", participants=[]
        )
        session = str(made["id"])
        self.post(f"/host/sessions/{session}/state", to="open")
        path = f"/sessions/{session}/questions"
        text = "Wie lange dauert es, bis bei uns im Ort Glasfaser liegt, und was kostet der Anschluss?"
        return session, [self.post(path, text=f"{n}: {text}", name="Ada", shown="name")["id"] for n in range(questions)]

    def voter_cookie(self, voter: str) -> str:
        """The cookie of a visitor that the hub knows."""
        return "streamhub_voter=" + sign((self.folder / "secret").read_bytes(), "voter", voter)

    def _line(self) -> str:
        assert self._process
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the hub's process ended")
        return line


class Lag:
    """How late the event loop is."""

    def __init__(self) -> None:
        self.late_s: list[float] = []

    async def run(self) -> None:
        while True:
            due = time.perf_counter() + LAG_EVERY_S
            await asyncio.sleep(LAG_EVERY_S)
            self.late_s.append(time.perf_counter() - due)

    def take(self) -> dict[str, float]:
        ordered, self.late_s = sorted(self.late_s) or [0.0], []
        return {
            "lag_p50_ms": ordered[len(ordered) // 2] * 1000,
            "lag_p99_ms": ordered[len(ordered) * 99 // 100] * 1000,
            "lag_max_ms": ordered[-1] * 1000,
        }


def figures(lag: Lag) -> dict[str, float]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {"cpu_s": used.ru_utime + used.ru_stime, "rss_mb": pages * PAGE_BYTES / 2**20, **lag.take()}


def answer_stats(lag: Lag) -> None:
    if sys.stdin.readline():
        print(json.dumps(figures(lag)), flush=True)
    else:  # the benchmark is gone
        os._exit(1)


async def main(folder: Path) -> None:
    lag, told = Lag(), asyncio.Event()

    def say(line: str) -> None:
        if line.startswith("stop with"):
            told.set()

    async def greet() -> None:
        await told.wait()
        workspace = open_workspace(folder)
        hub, key = await ask_hub(workspace, "hub"), await ask_hub(workspace, "api-token", {"person": "bench"})
        print(json.dumps({"url": hub["url"], "token": key["token"]}), flush=True)
        asyncio.get_running_loop().add_reader(sys.stdin, answer_stats, lag)

    serving = serve(folder, os.environ, now=lambda: datetime.now(UTC), random=secrets.token_bytes, say=say)
    await asyncio.gather(serving, greet(), lag.run())


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(main(Path(sys.argv[1])))
