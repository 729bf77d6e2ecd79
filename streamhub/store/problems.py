"""A problem in the columns of a row: ``problem`` (its code), ``problem_details`` and ``retry_at``."""

from __future__ import annotations

import json

from streamhub.live.problem import Problem, ProblemCode
from streamhub.store.rows import Row, instant_or_none, text_or_none


def problem_columns(problem: Problem | None) -> Row:
    """The columns of a problem; an empty code when there is none."""
    return {
        "problem": problem.code.value if problem else "",
        "problem_details": json.dumps(dict(problem.details) if problem else {}, ensure_ascii=False),
        "retry_at": text_or_none(problem.retry_at if problem else None),
    }


def take_problem(values: Row) -> Problem | None:
    """Take a problem's columns out of a row and make the problem of them; None when there is none."""
    code, details, retry_at = (values.pop(name) for name in ("problem", "problem_details", "retry_at"))
    if not code:
        return None
    return Problem(code=ProblemCode(code), details=json.loads(details), retry_at=instant_or_none(retry_at))
