"""What the solver's process does: integer programmes by HiGHS, quickly where the relaxation is tight.

A programme of columns has a relaxation that is hardly worth more than the best plan. So the relaxation comes first,
from the basis of the one before; then columns that cannot be in any better plan are dropped, by their reduced costs
(Dantzig, Fulkerson, Johnson 1954), and the small rest is solved with proof. Refuses to know sessions and the wire.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

TOLERANCE = 1e-6
_FIRST_SHARE = 0.25
"""The first small programme has the columns within this share of the distance between relaxation and known plan."""
_HALF = 0.5


@dataclass(slots=True)
class _Numbers:
    """A programme as arrays; see `streamhub.schedule.programme.Programme`."""

    gain: Floats
    whole: Ints
    rows: Ints
    variables: Ints
    factors: Floats
    most: Floats
    lower: Floats
    upper: Floats


@dataclass(slots=True)
class _Solved:
    """A solution: what it is worth, what bounds it, and which variables are 1."""

    value: float
    bound: float
    ones: Ints
    optimal: bool


class Bench:
    """Solves programmes, remembering the last one with the basis of its relaxation."""

    def __init__(self) -> None:
        self._numbers: _Numbers | None = None
        self._basis: highspy.HighsBasis | None = None

    def solve(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Solve a programme, told anew or as what is new in the last one.

        Returns:
            ``picked``, ``bound`` and ``optimal``; or ``failed`` with what the library says.
        """
        until_s = time.monotonic() + float(request["limit_s"])
        numbers = self._numbers = _take(request, None if request["anew"] else self._numbers)
        if request["anew"]:
            self._basis = None
        if not len(numbers.gain):
            return _answer(_Solved(0.0, 0.0, np.zeros(0, dtype=np.int32), optimal=True))
        start, start_value = np.array(request["start"], dtype=np.int32), float(request["start_value"])
        relaxed = self._relax(numbers, until_s)
        if relaxed is None:
            return {"failed": "no relaxation in time"}
        value, costs, values = relaxed
        whole = values[numbers.whole]
        if np.all(np.minimum(whole, 1.0 - whole) < TOLERANCE):
            return _answer(_Solved(value, value, numbers.whole[whole > _HALF], optimal=True))
        best = _Solved(start_value, value, start, optimal=False)
        for floor in (value - _FIRST_SHARE * (value - start_value), None):
            reach = value + costs[numbers.whole]
            kept = reach >= (best.value if floor is None else max(floor, start_value)) - TOLERANCE
            found = _solve_part(numbers, _mask(numbers, kept, best.ones), best.ones, until_s)
            if found is None:
                break
            if found.value > best.value + TOLERANCE or not len(best.ones):
                best = _Solved(found.value, value, found.ones, optimal=False)
            proven = found.optimal and np.all(kept | (reach < best.value - TOLERANCE))
            if proven:
                return _answer(_Solved(best.value, max(best.value, found.bound), best.ones, optimal=True))
            if floor is None:
                best.bound = min(value, max(found.bound, best.value))
        return _answer(best) if len(best.ones) or best.value > -TOLERANCE else {"failed": "no plan in time"}

    def _relax(self, numbers: _Numbers, until_s: float) -> tuple[float, Floats, Floats] | None:
        """The relaxation: its worth, the reduced costs and the values of variables; None when it is late."""
        solver = _make_solver(until_s)
        solver.setOptionValue("presolve", "off")  # it has few rows for its columns, and the basis of the last one helps
        solver.passModel(_model(numbers, whole=False))
        if self._basis is not None:
            solver.setBasis(_grown(self._basis, len(numbers.gain), len(numbers.lower)))
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        self._basis = solver.getBasis()
        solution = solver.getSolution()
        return solver.getInfo().objective_function_value, np.array(solution.col_dual), np.array(solution.col_value)


def _answer(solved: _Solved) -> Mapping[str, Any]:
    return {"picked": [int(one) for one in solved.ones], "bound": solved.bound, "optimal": solved.optimal}


def _take(request: Mapping[str, Any], before: _Numbers | None) -> _Numbers:
    def grown(name: str, kind: type) -> Any:
        new: Any = np.array(request[name], dtype=kind)
        return new if before is None else np.concatenate([getattr(before, name), new])

    return _Numbers(
        gain=grown("gain", np.float64),
        whole=grown("whole", np.int32),
        rows=grown("rows", np.int32),
        variables=grown("variables", np.int32),
        factors=grown("factors", np.float64),
        most=np.array(request["most"], dtype=np.float64),
        lower=np.array(request["lower"], dtype=np.float64),
        upper=np.array(request["upper"], dtype=np.float64),
    )


def _make_solver(until_s: float) -> highspy.Highs:
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("random_seed", 0)
    solver.setOptionValue("time_limit", max(0.05, until_s - time.monotonic()))
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.setOptionValue("mip_abs_gap", TOLERANCE)
    return solver


def _model(numbers: _Numbers, *, whole: bool) -> highspy.HighsLp:
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(numbers.gain), len(numbers.lower)
    model.sense_ = highspy.ObjSense.kMaximize
    model.col_cost_, model.col_lower_, model.col_upper_ = numbers.gain, np.zeros(len(numbers.gain)), numbers.most
    model.row_lower_, model.row_upper_ = numbers.lower, numbers.upper
    order = np.argsort(numbers.rows, kind="stable")
    counts = np.bincount(numbers.rows, minlength=len(numbers.lower))
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    model.a_matrix_.index_ = numbers.variables[order]
    model.a_matrix_.value_ = numbers.factors[order]
    if whole:
        kinds = [highspy.HighsVarType.kContinuous] * len(numbers.gain)
        for number in numbers.whole:
            kinds[number] = highspy.HighsVarType.kInteger
        model.integrality_ = kinds
    return model


def _grown(basis: highspy.HighsBasis, variables: int, rows: int) -> highspy.HighsBasis:
    """A basis for a programme that has grown: new variables are 0, new rows hold nothing back."""
    status = highspy.HighsBasisStatus
    columns, slacks = list(basis.col_status), list(basis.row_status)
    grown = highspy.HighsBasis()
    grown.col_status = columns + [status.kLower] * (variables - len(columns))
    grown.row_status = slacks + [status.kBasic] * (rows - len(slacks))
    grown.valid = True
    return grown


def _mask(numbers: _Numbers, kept: Mask, ones: Ints) -> Mask:
    """Which variables stay: kept whole ones, those of the known plan, and all that are not whole."""
    mask = np.ones(len(numbers.gain), dtype=bool)
    mask[numbers.whole] = kept & (numbers.most[numbers.whole] > 0)
    mask[ones] = True
    return mask


def _solve_part(numbers: _Numbers, mask: Mask, known: Ints, until_s: float) -> _Solved | None:
    """Solve the programme of some variables, the others being 0; None when nothing is found in time."""
    entries = mask[numbers.variables]
    used = np.zeros(len(numbers.lower), dtype=bool)
    used[numbers.rows[entries]] = True
    places, row_places = np.cumsum(mask) - 1, np.cumsum(used) - 1
    names = np.flatnonzero(mask)
    part = _Numbers(
        gain=numbers.gain[mask],
        whole=places[numbers.whole[mask[numbers.whole]]].astype(np.int32),
        rows=row_places[numbers.rows[entries]].astype(np.int32),
        variables=places[numbers.variables[entries]].astype(np.int32),
        factors=numbers.factors[entries],
        most=numbers.most[mask],
        lower=numbers.lower[used],
        upper=numbers.upper[used],
    )
    solver = _make_solver(until_s)
    solver.passModel(_model(part, whole=True))
    if len(known):
        at = places[known].astype(np.int32)
        solver.setSolution(len(at), at, np.ones(len(at)))
    solver.run()
    info = solver.getInfo()
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    values = np.array(solver.getSolution().col_value)
    ones = names[part.whole[values[part.whole] > _HALF]].astype(np.int32)
    optimal = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return _Solved(info.objective_function_value, info.mip_dual_bound, ones, optimal)
