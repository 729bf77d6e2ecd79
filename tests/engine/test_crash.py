"""Kill -9: nothing is lost, nothing is done twice, and what kills the process again and again is held."""

from __future__ import annotations

import asyncio
import importlib.util
import random
import signal
import sys
from pathlib import Path
from types import ModuleType

import pytest

from streamhub.store import work
from streamhub.store.store import Store
from streamhub.store.work import StepState, WorkState

from .conftest import now

ROOT = Path(__file__).resolve().parents[2]
DEADLY = """
import asyncio, os, signal, sys
from pathlib import Path
from streamhub.config import EngineSettings
from streamhub.engine import Engine, Policy
from streamhub.store.store import Store
from streamhub.timecode import datetime, UTC

now = lambda: datetime.now(UTC)

async def deadly():
    os.kill(os.getpid(), signal.SIGKILL)

async def show(context):
    await context.step("deadly", deadly, policy=Policy(attempts=2))

async def main():
    folder = Path(sys.argv[1])
    async with Store.open(folder / "hub.sqlite3", now=now) as store:
        engine = Engine(EngineSettings(poll_s=0.02), folder, store, now=now)
        engine.workflow("show", show)
        await engine.launch()
        await engine.start("show", "a")
        async with asyncio.timeout(20):
            while (await engine.status())[0].state != "held":
                await asyncio.sleep(0.02)
        await engine.close()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def kill_loop() -> ModuleType:
    """The harness that the benchmark uses too."""
    spec = importlib.util.spec_from_file_location("kill_loop", ROOT / "bench" / "kill_loop.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["kill_loop"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.timeout(240)
def test_eight_kills_lose_nothing_and_double_nothing(kill_loop: ModuleType, tmp_path: Path) -> None:
    """Killed in the launch and in each kind of step, the pipeline ends with every effect there once."""
    seed, kills = random.randrange(10**6), 0
    rng = random.Random(seed)
    for trial in range(4):
        folder = tmp_path / str(trial)
        folder.mkdir()
        hit, tally = kill_loop.run_trial(folder, kill_loop.plan_moments(rng))
        assert tally == kill_loop.Tally(lost=0, doubled=0, early=0), f"seed {seed}, trial {trial}"
        kills += hit
        if kills >= 8:
            break
    assert kills >= 8, f"seed {seed}"


@pytest.mark.timeout(120)
def test_the_count_sees_what_a_careless_step_doubles(kill_loop: ModuleType, tmp_path: Path) -> None:
    """Without looking before inserting, a kill right after the effect makes it twice, and the harness says so."""
    moments = [kill_loop.Moment(text="begin broadcast\n", delay_s=0.2)]
    kills, tally = kill_loop.run_trial(tmp_path, moments, careless=True)
    assert kills == 1
    assert tally.doubled >= 1


@pytest.mark.timeout(120)
async def test_a_step_that_kills_the_process_every_time_is_held(tmp_path: Path) -> None:
    """After as many crashes as it has attempts, the step is not tried again but held for a person."""
    codes = []
    for _ in range(3):
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", DEADLY, str(tmp_path), cwd=ROOT)
        codes.append(await asyncio.wait_for(process.wait(), 60))
    assert codes == [-signal.SIGKILL, -signal.SIGKILL, 0]
    async with Store.open(tmp_path / "hub.sqlite3", now=now) as store:
        (status,) = await store.read(work.list_work)
    assert (status.state, status.steps[0].state) == (WorkState.HELD, StepState.HELD)
    assert "the process ended in the middle of it 2 time(s)" in status.message


FULL = """
import asyncio, resource, sys
from pathlib import Path
from streamhub.config import EngineSettings
from streamhub.engine import Engine
from streamhub.store.store import Store
from streamhub.timecode import datetime, UTC

now = lambda: datetime.now(UTC)
runs = []

async def show(context):
    for number in range(20):
        async def fill():
            runs.append(number)
            return "x" * 30_000
        await context.step(f"fill {number}", fill)
    return "done"

async def main():
    folder = Path(sys.argv[1])
    async with Store.open(folder / "hub.sqlite3", now=now) as store:
        engine = Engine(EngineSettings(poll_s=0.02), folder, store, now=now)
        engine.workflow("show", show)
        await engine.launch()
        limit = max(path.stat().st_size for path in folder.iterdir()) + int(sys.argv[2])
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        await engine.start("show", "a")
        seen = -1
        while len(runs) != seen:
            seen = len(runs)
            await asyncio.sleep(1.5)
        stuck = len(runs) < 20 and (await engine.status())[0].state
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        result = await engine.result("show:a", timeout_s=60)
        print(stuck, result, sorted(set(runs)) == list(range(20)), (await engine.status())[0].state)
        await engine.close()

asyncio.run(main())
"""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("room_bytes", [130_000, 180_000])
async def test_a_disk_without_room_pauses_work_and_fails_nothing(tmp_path: Path, room_bytes: int) -> None:
    """When files cannot grow any more the work stands still, and goes on by itself when they can."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FULL, str(tmp_path), str(room_bytes), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asyncio.wait_for(process.communicate(), 100)
    assert said.decode().split() == ["running", "done", "True", "done"]
