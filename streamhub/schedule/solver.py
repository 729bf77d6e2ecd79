"""The role of whoever solves integer programmes for the planner, and one who never does, for a hub without."""

from __future__ import annotations

from typing import Protocol

from streamhub.errors import ToolMissing
from streamhub.schedule.programme import Found, Programme


class Solver(Protocol):
    """Solves integer programmes beside the hub's work; a cancelled task stops it."""

    async def solve(self, programme: Programme, *, limit_s: float) -> Found:
        """The best solution that is found in time, with what is proven of it.

        Raises:
            StreamhubError: there is no solution in time, or the solver failed.
        """


class NoSolver:
    """Whoever plans without one keeps the greedy plan."""

    async def solve(self, programme: Programme, *, limit_s: float) -> Found:
        """Say that there is none."""
        raise ToolMissing("planner: there is no solver", hint="install streamhub with all its dependencies")
