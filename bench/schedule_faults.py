"""Schedule sessions on a platform in bad weather: is any broadcast missing, is any there twice?

    python bench/schedule_faults.py [--runs 200] [--seed 1] [--careless]

The counterpart of YouTube runs as a process of its own; the hub's side runs in a child process with a real store, the
real client and the real platform, and is killed (SIGKILL) at random moments and started again. Before each run random
faults are queued on every call of the course: answers dropped or cut before and after the effect, late answers, 5xx,
pages of HTML; lists lag; one or two tasks ensure the same session at once. Sessions overlap in groups that grow, so
that streams are made in the same weather. Time runs fifty times as fast, the same for waiting, time-outs and lags.

With `--careless` the child does not look before it writes again: a contrast, which shows that the count sees doubles.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import json
import logging
import os
import random
import select
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
SPEED = 50.0
TIMEOUT_S = 20.0 / SPEED
LAGS_S = (0.0, 0.0, 3.0 / SPEED, 15.0 / SPEED)
CALLS = ("liveBroadcasts.insert", "liveBroadcasts.insert", "liveBroadcasts.bind", "liveStreams.insert",
         "liveBroadcasts.list", "liveStreams.list")  # fmt: skip
UNCLEAR: tuple[dict[str, Any], ...] = (
    {"kind": "drop", "after_effect": False},
    {"kind": "drop", "after_effect": True},
    {"kind": "cut"},
    {"kind": "refuse", "status": 503, "reason": "backendError"},
    {"kind": "refuse", "status": 500, "reason": "internalError", "after_effect": True},
    {"kind": "html502"},
    {"kind": "html502", "after_effect": True},
    {"kind": "slow", "seconds": TIMEOUT_S * 1.3, "after_effect": True},
    {"kind": "slow", "seconds": TIMEOUT_S * 1.3, "after_effect": False},
)
READING = tuple(fault for fault in UNCLEAR if fault["kind"] in {"refuse", "html502"} and "after_effect" not in fault)

# -- the child: a hub that schedules what it is told ------------------------------------------------------------------


async def serve(folder: Path, addresses: dict[str, Any], began_s: float, *, careless: bool) -> None:
    """Read orders from the standard input, one JSON a line, and answer each when it is done."""
    from google.oauth2.credentials import Credentials

    from streamhub.config import YoutubeSettings
    from streamhub.live.youtube.channel import Channel
    from streamhub.live.youtube.client import Api, Pace
    from streamhub.live.youtube.ledger import Ledger, make_budget
    from streamhub.live.youtube.platform import YouTubePlatform
    from streamhub.live.youtube.sign_in import GivenSignIn
    from streamhub.schedule.show import Show
    from streamhub.store.shows import save_show
    from streamhub.store.store import Store

    def now() -> datetime:
        passed_s = (time.time() - began_s) * SPEED
        return datetime.fromtimestamp(began_s, UTC) + timedelta(seconds=passed_s)

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / SPEED)

    async def look_nowhere(*_: object, **__: object) -> None:
        return None

    if careless:
        Channel.look_after = look_nowhere  # type: ignore[method-assign, assignment]
    settings = YoutubeSettings(daily_units=10**9)
    async with Store.open(folder / "hub.sqlite3", now=now) as store:
        await store.write(lambda db: save_show(db, Show(id="netz", title="Netz", platform="youtube")))
        sign_in = GivenSignIn(Credentials(token=addresses["token"]))
        ledger = Ledger(store, make_budget(settings), now)
        api = Api(sign_in, ledger, url=addresses["url"], now=now, timeout_s=TIMEOUT_S, pace=Pace(sleep=sleep))
        platform = YouTubePlatform(
            api, store, settings, describe=lambda session, _: session.id, now=now, random=os.urandom, sleep=sleep
        )
        print("ready", flush=True)
        while order := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(await schedule(platform, store, json.loads(order), sleep)), flush=True)
        await api.close()


async def schedule(platform: Any, store: Any, order: dict[str, Any], sleep: Any) -> dict[str, Any]:
    """Ensure one session as the reconciler does: again after each failure, until it is as it should be."""
    from streamhub.errors import PlatformError
    from streamhub.schedule.show import Session, SessionState
    from streamhub.store.shows import save_session

    session = Session(
        id=order["session"],
        show_id="netz",
        title=order["session"],
        starts_at=datetime.fromisoformat(order["starts_at"]),
        state=SessionState.OPEN,
    )
    await store.write(lambda db: save_session(db, session))
    failures = 0
    for _ in range(30):
        steps = [platform.ensure(session) for _ in range(order["at_once"])]
        results = await asyncio.gather(*steps, return_exceptions=True)
        failed = [result for result in results if isinstance(result, BaseException)]
        if not failed:
            return {"ref": results[0].ref, "failures": failures}
        for error in failed:
            if not isinstance(error, PlatformError):
                raise error
        failures += len(failed)
        await sleep(5.0)
    return {"ref": "", "failures": failures}


# -- the parent: weather, kills, and the count ------------------------------------------------------------------------


@dataclass(kw_only=True)
class Hub:
    """The child process, started again when it was killed."""

    folder: Path
    port_file: Path
    began_s: float
    careless: bool
    process: subprocess.Popen[str] | None = None
    log: TextIO = field(default=sys.stderr)

    def tell(self, order: dict[str, Any], *, kill_after_s: float | None) -> dict[str, Any] | None:
        """Have an order done; None: the hub was killed meanwhile."""
        process = self._running()
        assert process.stdin is not None
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        answer = self._answer(process, 120.0 if kill_after_s is None else kill_after_s)
        if answer is None:
            self.kill()
        return json.loads(answer) if answer else None

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def _running(self) -> subprocess.Popen[str]:
        if self.process is None:
            options = ["--folder", str(self.folder), "--port-file", str(self.port_file), "--began", str(self.began_s)]
            careless = ["--careless"] if self.careless else []
            command = [sys.executable, __file__, "--child", *options, *careless]
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, cwd=ROOT
            )
            if (self._answer(self.process, 60.0) or "").strip() != "ready":
                raise RuntimeError("the hub did not start")
        return self.process

    def _answer(self, process: subprocess.Popen[str], timeout_s: float) -> str | None:
        assert process.stdout is not None
        readable, _, _ = select.select([process.stdout], [], [], timeout_s)
        if not readable:
            return None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the hub ended by itself with {process.wait()}")
        return line


def ask(url: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """The counterpart's back door."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}_fake/{path}", data=data, headers={"content-type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
        return json.load(answer)


def plan_groups(runs: int, began_s: float) -> list[tuple[str, datetime]]:
    """Sessions with their starts: one alone on the first day, two at once on the next, and so on up to twelve."""
    sessions: list[tuple[str, datetime]] = []
    day = 1
    while len(sessions) < runs:
        starts_at = (datetime.fromtimestamp(began_s, UTC) + timedelta(days=day)).replace(microsecond=0)
        for _ in range(min((day - 1) % 12 + 1, runs - len(sessions))):
            sessions.append((f"s{len(sessions):04}", starts_at))
        day += 1
    return sessions


def run(options: argparse.Namespace) -> dict[str, Any]:
    """All runs; returns the tally."""
    dice = random.Random(options.seed)
    tally: collections.Counter[str] = collections.Counter()
    refs: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name, (Path(name) / "hub.log").open("w") as log:
        folder, port_file = Path(name), Path(name) / "ports.json"
        fake = subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.youtube", "--port-file", str(port_file)],
            cwd=ROOT, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        hub: Hub | None = None
        try:
            url = wait_for(port_file)["url"]
            began_s = time.time()
            hub = Hub(folder=folder, port_file=port_file, began_s=began_s, careless=options.careless, log=log)
            for session, starts_at in plan_groups(options.runs, began_s):
                order = {"session": session, "starts_at": starts_at.isoformat(), "at_once": dice.choice([1, 2])}
                refs[session] = run_once(hub, url, order, dice, tally)
            time.sleep(2 * TIMEOUT_S)  # whatever is still on its way arrives
            state = ask(url, "state")
        except BaseException:
            print((folder / "hub.log").read_text("utf-8")[-4000:], file=sys.stderr)
            raise
        finally:
            if hub is not None:
                hub.kill()
            fake.terminate()
            fake.wait()
    return count(state, refs, tally)


def wait_for(port_file: Path) -> dict[str, Any]:
    """The counterpart's addresses, once it listens."""
    deadline = time.monotonic() + 30
    while not port_file.exists():
        if time.monotonic() > deadline:
            raise RuntimeError("the counterpart did not start")
        time.sleep(0.05)
    addresses: dict[str, Any] = json.loads(port_file.read_text("utf-8"))
    return addresses


def run_once(hub: Hub, url: str, order: dict[str, Any], dice: random.Random, tally: collections.Counter[str]) -> str:
    """One session, with its weather and its kills; returns the id that the hub knows in the end."""
    ask(url, "set", {"list_lag_s": dice.choice(LAGS_S)})
    for _ in range(dice.randint(1, 3)):
        call = dice.choice(CALLS)
        fault = dice.choice(UNCLEAR if call.endswith(("insert", "bind")) else READING)
        ask(url, "fail", {"method": call, "faults": [fault]})
        tally[f"fault {fault['kind']}"] += 1
    for _ in range(dice.choice([0, 0, 0, 1, 1, 2])):
        moment_s = dice.choice([0.01, 0.03, 0.1, 0.4, 0.9]) * (1 + dice.random())
        done = hub.tell(order, kill_after_s=moment_s)
        tally["kills"] += done is None
        tally["failures"] += done["failures"] if done else 0
    done = hub.tell(order, kill_after_s=None)
    if done is None or not done["ref"]:
        tally["given up"] += 1
        return ""
    tally["failures"] += done["failures"]
    return str(done["ref"])


def count(state: dict[str, Any], refs: dict[str, str], tally: collections.Counter[str]) -> dict[str, Any]:
    """What is there against what should be."""
    there: dict[str, list[dict[str, Any]]] = collections.defaultdict(list)
    for broadcast in state["broadcasts"]:
        there[broadcast["video"]["title"]].append(broadcast)
    rooms: collections.Counter[str] = collections.Counter()
    for stream in state["streams"]:
        rooms[stream["title"].split(" [")[0]] += 1
    starts: dict[str, set[str]] = collections.defaultdict(set)
    left = sum(len(queue) for queue in state["faults"].values())
    clashes = 0
    for broadcast in state["broadcasts"]:
        clashes += broadcast["stream_id"] in starts[broadcast["starts_at"]]
        starts[broadcast["starts_at"]].add(broadcast["stream_id"])
    return {
        "runs": len(refs),
        "broadcasts": len(state["broadcasts"]),
        "lost": sum(1 for session in refs if not there[session]),
        "doubled": sum(1 for session in refs if len(there[session]) > 1),
        "not the one that the hub knows": sum(1 for s, ref in refs.items() if ref not in {b["id"] for b in there[s]}),
        "unbound": sum(1 for found in there.values() for one in found if one["state"] != "ready"),
        "streams": len(state["streams"]),
        "streams doubled": sum(1 for number in rooms.values() if number > 1),
        "two at once on one stream": clashes,
        "violations": len(state["violations"]),
        "calls": len(state["calls"]),
        "faults that hit": sum(n for name, n in tally.items() if name.startswith("fault ")) - left,
        **dict(sorted(tally.items())),
    }


def main() -> None:
    """Run, print the tally, and fail when something is lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--careless", action="store_true", help="do not look before writing again: a contrast")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port-file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--began", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        logging.basicConfig(level=logging.WARNING)
        addresses = json.loads(options.port_file.read_text("utf-8"))
        asyncio.run(serve(options.folder, addresses, options.began, careless=options.careless))
        return
    began_s = time.monotonic()
    tally = run(options)
    for name, value in tally.items():
        print(f"{name}: {value}")
    print(f"seconds: {time.monotonic() - began_s:.0f}")
    bad = ("lost", "doubled", "not the one that the hub knows", "unbound", "streams doubled", "violations", "given up")
    if not options.careless and any(tally.get(name) for name in bad):
        sys.exit(1)


if __name__ == "__main__":
    main()
