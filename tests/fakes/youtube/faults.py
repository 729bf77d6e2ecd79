"""Faults that wait in a queue: each spoils one request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Refuse:
    """An error in Google's shape. After the effect only with 5xx does it make sense."""

    status: int
    reason: str
    headers: Mapping[str, str] = field(default_factory=dict)
    after_effect: bool = False
    message: str = ""


@dataclass(frozen=True)
class Drop:
    """The connection closes without an answer, before or after the effect."""

    after_effect: bool = True


@dataclass(frozen=True)
class Cut:
    """The connection closes in the middle of the answer, after the effect."""

    after_effect: bool = True


@dataclass(frozen=True)
class Slow:
    """The answer comes late. Before the effect means: it waits, then does it, though nobody listens any more."""

    seconds: float
    after_effect: bool = True


@dataclass(frozen=True)
class Html502:
    """A page of a proxy instead of JSON."""

    after_effect: bool = False


Fault = Refuse | Drop | Cut | Slow | Html502

_KINDS: Mapping[str, type[Any]] = {"refuse": Refuse, "drop": Drop, "cut": Cut, "slow": Slow, "html502": Html502}


def to_fault(data: Mapping[str, Any]) -> Fault:
    """A fault from JSON, such as ``{"kind": "drop", "after_effect": true}``."""
    fields = dict(data)
    fault: Fault = _KINDS[fields.pop("kind")](**fields)
    return fault


def from_fault(fault: Fault) -> dict[str, Any]:
    """The JSON of a fault."""
    kind = next(name for name, known in _KINDS.items() if isinstance(fault, known))
    return {"kind": kind, **vars(fault)}
