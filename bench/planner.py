"""How long the planner takes, and what its best plan is worth beside the greedy one.

    python -m bench.planner [--seeds 3]

Companies are made up (`bench/planner_cases.py`), each seed another one. Everything runs as in the hub: looking up, the
greedy plan and the programme's numbers in this process, HiGHS in a process of its own that is kept. For each company:
the time to the greedy plan, to the optimum that is proven over the listed columns (the solver's process started before,
its start is told apart), and to the proven optimum again under wishes that a host may have: a session pinned at another
time, another theme pinned, one of the plan's sessions pinned, a theme, an expert and a slot excluded. Seconds of the
clock and of the processor (both processes together); on a busy machine the latter say more. Covered demand is that of
the plan's questions (`Wanted.weight`). "Full panels" is the plain greedy plan that always takes the largest panel.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import psutil

from bench.planner_cases import ABUNDANT, SCARCE, VERY_SCARCE, Shape, make_problem
from streamhub.schedule.board import Board
from streamhub.schedule.greedy import _Search, plan_greedily
from streamhub.schedule.highs import Highs
from streamhub.schedule.programme import Programme
from streamhub.schedule.proposing import Exclusion, Pin, Plan, Proof
from streamhub.schedule.usage import find_violations
from streamhub.session_planner import find_best, plan_at_once, prepare

T = TypeVar("T")


@dataclass(kw_only=True)
class Watch:
    """Seconds of the clock and of the processor, both processes."""

    highs: Highs
    wall: float = 0.0
    cpu: float = 0.0

    def begin(self) -> None:
        self.wall, self.cpu = time.perf_counter(), self._cpu()

    def read(self) -> tuple[float, float]:
        return time.perf_counter() - self.wall, self._cpu() - self.cpu

    def _cpu(self) -> float:
        assert self.highs.pid is not None
        times = psutil.Process(self.highs.pid).cpu_times()
        return time.process_time() + times.user + times.system


async def here(fn: Callable[[], T]) -> T:
    """There is no event loop to spare."""
    return fn()


def demand(plan: Plan) -> float:
    return sum(one.worth.demand for one in plan.proposals)


def draw_wishes(
    board: Board, plan: Plan, lot: random.Random
) -> list[tuple[str, tuple[Pin, ...], tuple[Exclusion, ...]]]:
    pairs = [pair for theme in board.themes for pair in board.pairs(theme)]
    other, first = lot.choice(pairs), plan.proposals[0]
    missing = sorted({pair.theme_id for pair in pairs} - {one.theme_id for one in plan.proposals}) or [other.theme_id]
    return [
        ("session pinned at any time", (Pin(theme_id=other.theme_id, slot_id=other.slot_id),), ()),
        ("missing theme pinned", (Pin(theme_id=lot.choice(missing)),), ()),
        ("own session pinned", (Pin(theme_id=first.theme_id, slot_id=first.slot_id),), ()),
        ("theme excluded", (), (Exclusion(theme_id=first.theme_id),)),
        ("expert excluded", (), (Exclusion(expert_id=first.expert_ids[0]),)),
        ("slot excluded", (), (Exclusion(slot_id=first.slot_id),)),
    ]


async def measure(shape: Shape, seed: int, highs: Highs, again: dict[str, list[tuple[float, float]]]) -> None:
    problem, watch = make_problem(shape, seed), Watch(highs=highs)
    watch.begin()
    base = Board(problem)
    greedy = plan_greedily(base)
    quick = watch.read()
    master = prepare(None, base, base, greedy)
    best = await find_best(base, master, highs, limit_s=60, work=here)
    whole = watch.read()
    full = _Search(base, most=problem.rules.experts_most).run()
    assert not find_violations(base, best)
    assert best.proof is Proof.OPTIMAL
    print(
        f"| {shape.name} {seed} | {best.columns:,} | {quick[0]:.2f} / {quick[1]:.2f} | {whole[0]:.2f} / {whole[1]:.2f} "
        f"| {demand(full):,.0f} | {demand(greedy):,.0f} | {demand(best):,.0f} "
        f"| {100 * (demand(best) / demand(full) - 1):+.1f} % | {100 * (best.value / full.value - 1):+.1f} % "
        f"| {100 * (best.value / greedy.value - 1):+.1f} % |",
        flush=True,
    )
    for name, pins, exclusions in draw_wishes(base, best, random.Random(seed)):
        watch.begin()
        board = base.wish(pins, exclusions)
        known = plan_at_once(board, [best])
        master = prepare(master, base, board, known)
        plan = await find_best(board, master, highs, limit_s=60, work=here)
        again.setdefault(f"{shape.name}: {name}", []).append(watch.read())
        assert not find_violations(board, plan)
        assert plan.proof is Proof.OPTIMAL
        assert plan.unmet or (-len(plan.unmet), plan.value) >= (-len(known.unmet), known.value - 1e-6)


async def main(seeds: int) -> None:
    highs, again = Highs(), dict[str, list[tuple[float, float]]]()
    begun = time.perf_counter()
    await highs.solve(Programme(), limit_s=60)
    print(
        f"load average {os.getloadavg()[0]:.1f}; the solver's process starts in {time.perf_counter() - begun:.2f} s\n"
    )
    print(
        "| company, seed | columns | greedy plan: s / cpu s | proven optimum: s / cpu s | demand, full panels "
        "| demand, greedy | demand, optimum | demand over full panels | worth over full panels | worth over greedy |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for shape in (ABUNDANT, SCARCE, VERY_SCARCE):
        for seed in range(1, seeds + 1):
            await measure(shape, seed, highs, again)
    print("\n| again, under a wish | median s / cpu s | most s / cpu s |\n|---|---|---|")
    for name, times in again.items():
        walls, cpus = [wall for wall, _ in times], [cpu for _, cpu in times]
        middle = f"{statistics.median(walls):.2f} / {statistics.median(cpus):.2f}"
        print(f"| {name} | {middle} | {max(walls):.2f} / {max(cpus):.2f} |")
    print(f"\nload average {os.getloadavg()[0]:.1f}")
    await highs.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    asyncio.run(main(parser.parse_args().seeds))
