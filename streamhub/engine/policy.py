"""What happens when a step fails: pure decisions.

Owns policies, the description of a failure as data, and the choice between another attempt, holding and giving up.
Refuses to know how steps are run or where anything is stored.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from streamhub import errors
from streamhub.errors import BadInput, StreamhubError

Json = Any
"""What `json.dumps` takes: None, bool, int, float, str, and lists and string-keyed mappings of them."""

MAX_RESULT_BYTES = 65_536
MAX_BACKOFF_S = 300.0
_MAX_MESSAGE_CHARACTERS = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What to do when a step fails.

    Attributes:
        attempts: how often it is begun before it counts as failed, crashes of the process included; None: as set in
            the settings.
        backoff_s: seconds before the second attempt; doubled for each further one.
        on_failure: ``hold`` waits for a person's decision, however long; ``give_up`` fails the workflow.
    """

    attempts: int | None = None
    backoff_s: float = 1.0
    on_failure: Literal["hold", "give_up"] = "hold"

    def __post_init__(self) -> None:
        if self.attempts is not None and self.attempts < 1:
            raise BadInput(f"policy: {self.attempts} attempts, at least 1 is needed")
        if self.backoff_s < 0:
            raise BadInput(f"policy: backoff of {self.backoff_s} s, cannot be negative")


DEFAULT_POLICY = Policy()
"""Attempts as in the settings, then hold."""


class Decision(StrEnum):
    """What a person decides about a held step. ``SKIP`` goes on as if it had returned None."""

    RETRY = "retry"
    SKIP = "skip"
    GIVE_UP = "give_up"


class Verdict(StrEnum):
    """What follows a failed attempt."""

    AGAIN = "again"
    HOLD = "hold"
    GIVE_UP = "give_up"


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """An error as data, so that it can be stored and rebuilt.

    Attributes:
        error: name of the error's class.
        message: what happened.
        hint: what can be done; may be empty.
        transient: whether another attempt may help without a person.
    """

    error: str
    message: str
    hint: str
    transient: bool

    @property
    def text(self) -> str:
        """Message and hint, for people."""
        return f"{self.message}; {self.hint}" if self.hint else self.message

    def to_json(self) -> dict[str, Json]:
        """As plain data."""
        return {"error": self.error, "message": self.message, "hint": self.hint, "transient": self.transient}


def parse_failure(data: Json, *, message: str = "failed without a word") -> Failure:
    """Read what `Failure.to_json` wrote; of anything else make a plain failure with that message."""
    if isinstance(data, dict) and isinstance(data.get("error"), str):
        return Failure(
            error=data["error"],
            message=str(data.get("message", message)),
            hint=str(data.get("hint", "")),
            transient=bool(data.get("transient", False)),
        )
    return Failure(error="StreamhubError", message=message, hint="", transient=False)


def describe(error: BaseException) -> Failure:
    """An error as data; only `OSError` and our own transient errors are worth another attempt."""
    if isinstance(error, StreamhubError):
        message, hint, transient = error.message, error.hint, error.transient
    else:
        message, hint, transient = f"{type(error).__name__}: {error}", "", isinstance(error, OSError)
    return Failure(
        error=type(error).__name__, message=message[:_MAX_MESSAGE_CHARACTERS], hint=hint, transient=transient
    )


def rebuild(failure: Failure) -> StreamhubError:
    """The error of our tree that a failure describes; the nearest base for those with further fields of their own."""
    found = getattr(errors, failure.error, StreamhubError)
    kind = found if isinstance(found, type) and issubclass(found, StreamhubError) else StreamhubError
    while kind.__init__ is not StreamhubError.__init__:
        kind = kind.__bases__[0]
    return kind(failure.message, hint=failure.hint)


def decide_after_failure(failure: Failure, policy: Policy, attempts: int, *, limit: int) -> Verdict:
    """What follows a failed attempt; ``attempts`` counts it, ``limit`` holds where the policy names no number."""
    if failure.transient and attempts < (policy.attempts or limit):
        return Verdict.AGAIN
    return Verdict(policy.on_failure)


def decide_before_attempt(policy: Policy, attempts: int, last: str, *, limit: int) -> Failure | None:
    """A failure when an attempt is one too many, because the process died in all the ones before; else None."""
    allowed = policy.attempts or limit
    if attempts <= allowed:
        return None
    return Failure(
        error="StreamhubError",
        message=f"the process ended in the middle of it {allowed} time(s)" + (f"; last error: {last}" if last else ""),
        hint="look at memory and at the log before you let it try again",
        transient=False,
    )


def backoff_s(policy: Policy, attempts: int) -> float:
    """Seconds to wait after so many failed attempts; five minutes at most."""
    return float(min(policy.backoff_s * 2 ** min(attempts - 1, 30), MAX_BACKOFF_S))


def require_json(value: Json, *, what: str) -> Json:
    """Return a value as it will come back from storage.

    Raises:
        BadInput: it is no JSON, or larger than 64 KiB; results are ids and hashes, the data itself lies elsewhere.
    """
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise BadInput(f"{what}: is no JSON ({error})") from error
    if len(text.encode()) > MAX_RESULT_BYTES:
        raise BadInput(f"{what}: {len(text.encode())} bytes, at most {MAX_RESULT_BYTES}", hint="return an id instead")
    return json.loads(text)
