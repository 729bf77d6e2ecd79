"""An integer programme as numbers that only grow: a solver that knows its beginning is told the rest. Pure.

Refuses to know what the numbers mean.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

INFINITE = 1e30


@dataclass(kw_only=True, slots=True, eq=False)
class Programme:
    """Maximise ``gain * v`` where ``lower <= row * v <= upper`` for each row and ``0 <= v <= most``.

    Variables, rows and entries are only ever added; limits change.

    Attributes:
        gain, most: of each variable.
        whole: variables that take whole values.
        lower, upper: of each row.
        rows, variables, factors: the entries, three lists of one length.
        start: variables that are 1 in a solution that is known; may be empty.
        start_value: what that solution is worth; minus infinity for none.
    """

    gain: list[float] = field(default_factory=list)
    most: list[float] = field(default_factory=list)
    whole: list[int] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    variables: list[int] = field(default_factory=list)
    factors: list[float] = field(default_factory=list)
    start: list[int] = field(default_factory=list)
    start_value: float = -INFINITE

    def add_variable(self, gain: float, *, most: float = 1.0, whole: bool = False) -> int:
        """Add a variable; returns its number."""
        self.gain.append(gain)
        self.most.append(most)
        if whole:
            self.whole.append(len(self.gain) - 1)
        return len(self.gain) - 1

    def add_row(self, *, lower: float = -INFINITE, upper: float = INFINITE) -> int:
        """Add a row without entries; returns its number."""
        self.lower.append(lower)
        self.upper.append(upper)
        return len(self.lower) - 1

    def add_entries(self, row: int, variables: Iterable[int], factor: float = 1.0) -> None:
        """Let variables count in a row."""
        for variable in variables:
            self.rows.append(row)
            self.variables.append(variable)
            self.factors.append(factor)


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a solver found.

    Attributes:
        picked: whole variables that are 1 in the best solution that was found.
        bound: nothing is worth more.
        optimal: whether that solution is proven to be worth most.
    """

    picked: tuple[int, ...]
    bound: float
    optimal: bool
