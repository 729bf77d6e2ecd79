"""How marks and words lie to each other in time: how late the host presses, how regularly, and captions out of step.

Pure. Owns one offset between marks and words and its spread, learned from the session itself: the offset under which
all marks together meet most of what sounds like their questions being read. A small offset is the host's lag; one that
no host has is a shift of the captions. Refuses to know which sentence a question is read at in the end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

REACH_S = 150.0
"""How far a mark may be from its question, captions out of step included."""
LAG_AT_MOST_S = 30.0
"""How far from the usual lag an offset is still the host's."""
_LAG_SPREAD_S = 8.0
_SPREAD_WEIGHT = 2.0
_SPREADS_S = (2.5, 20.0)
_STRAY = 0.05  # share of marks that say nothing: pressed for another question, or much too late
_HOSTS_SPREAD_S = 8.0
_OUT_OF_STEP = 0.02  # share of sessions whose captions are out of step
_ROUNDS = 8
_LEAST_WITNESSES = 3
_SURE = 6.0  # nats


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """What was learned.

    Attributes:
        offset_s: a mark comes so many seconds after the first word of its question, on the transcript's clock.
        spread_s: its standard deviation.
        shift_ms: so much later than on the marks' clock are the words; 0 unless captions are out of step.
    """

    offset_s: float
    spread_s: float
    shift_ms: int = 0

    def worth(self, mark_ms: int, start_ms: int) -> float:
        """Logarithm of the density of a mark at one instant for a question at another."""
        return float(np.log(_density(np.array([(mark_ms - start_ms) / 1000 - self.offset_s]), self.spread_s))[0])


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One mark and the sentences that may be its question: seconds from their start to the mark, and their odds."""

    apart_s: Sequence[float]
    odds: Sequence[float]


def learn_timing(columns: Sequence[Column], lag_s: float) -> Timing:
    """Learn offset and spread by the marks of a session; near the usual lag where they say little."""
    told = [(np.array(column.apart_s), np.array(column.odds)) for column in columns]
    if not told:
        return Timing(offset_s=lag_s, spread_s=_HOSTS_SPREAD_S)
    grid = np.arange(-REACH_S, REACH_S + 0.5, 1.0)
    evidence = sum((_evidence(apart, odds, grid) for apart, odds in told), start=np.zeros(len(grid)))
    near = np.abs(grid - lag_s) <= LAG_AT_MOST_S
    as_host = evidence - (grid - lag_s) ** 2 / (2 * _HOSTS_SPREAD_S**2)
    host_s = float(grid[near][np.argmax(as_host[near])])
    host = _refine(told, host_s, lag_s)
    away_s = float(grid[~near][np.argmax(evidence[~near])])
    gain = float(evidence[~near].max() - evidence[near].max()) + math.log(_OUT_OF_STEP)
    if gain < _SURE or _witnesses(told, away_s) < min(_LEAST_WITNESSES, len(told)) or len(told) < 2:
        return host
    away = _refine(told, away_s, away_s)
    return Timing(offset_s=away.offset_s, spread_s=away.spread_s, shift_ms=round((lag_s - away.offset_s) * 1000))


def _evidence(apart: np.ndarray, odds: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """For each offset, how well one mark meets a question; a mark that meets none says the same everywhere."""
    density = _density(apart[None, :] - grid[:, None], _LAG_SPREAD_S)
    told: np.ndarray = np.log(1 / (2 * REACH_S) + density @ odds)
    return told


def _density(away_s: np.ndarray, spread_s: float) -> np.ndarray:
    bell: np.ndarray = np.exp(-0.5 * (away_s / spread_s) ** 2) / (spread_s * math.sqrt(2 * math.pi))
    return (1 - _STRAY) * bell + _STRAY / (2 * REACH_S)


def _refine(told: Sequence[tuple[np.ndarray, np.ndarray]], offset_s: float, prior_s: float) -> Timing:
    """Offset and spread by expectation and maximisation, held near what is usual."""
    spread_s = _LAG_SPREAD_S
    for _ in range(_ROUNDS):
        mass = total = square = 0.0
        for apart, odds in told:
            bell = np.exp(-0.5 * ((apart - offset_s) / spread_s) ** 2) / spread_s
            shares = odds * bell / (float(odds @ bell) + 1 / (2 * REACH_S))
            mass += float(shares.sum())
            total += float(shares @ apart)
            square += float(shares @ (apart - offset_s) ** 2)
        offset_s = (total + 0.5 * prior_s) / (mass + 0.5)
        spread_s = math.sqrt((square + _SPREAD_WEIGHT * _HOSTS_SPREAD_S**2) / (mass + _SPREAD_WEIGHT))
        spread_s = min(_SPREADS_S[1], max(_SPREADS_S[0], spread_s))
    return Timing(offset_s=offset_s, spread_s=spread_s)


def _witnesses(told: Sequence[tuple[np.ndarray, np.ndarray]], offset_s: float) -> int:
    """How many marks meet what is surely their question within two spreads of the offset."""
    return sum(bool(np.any((np.abs(apart - offset_s) <= 2 * _LAG_SPREAD_S) & (odds >= math.e))) for apart, odds in told)
