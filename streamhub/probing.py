"""Asking the outside sources that the settings name whether they answer, for the doctor.

Owns what an operator is told to do about each refusal. Refuses to know which sources there are: `streamhub.app` says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from streamhub.doctor import Check, Finding, Verdict
from streamhub.errors import PlatformError
from streamhub.questions.trouble import SourceCode

TIMEOUT_S = 5.0
"""So long a source may take for each of its answers."""

_ADVICE: Mapping[str, str] = MappingProxyType(
    {
        SourceCode.SIGN_IN: "check {sign_in} in [{section}]",
        SourceCode.UNREACHABLE: "check {place} in [{section}], and whether this machine may connect to it",
        SourceCode.NOT_TRUSTED: "have its certificate put in order, or correct {place} in [{section}]",
        SourceCode.NO_FOLDER: "correct folder in [{section}]",
        SourceCode.PAUSE: "wait some minutes and look again; the hub goes on by itself",
        SourceCode.GONE: "correct {place} in [{section}]",
        SourceCode.BROKEN: "correct {place} in [{section}]: something else answers there",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """One source to ask.

    Attributes:
        check: name of the check.
        ask: looks, and says what was seen; raises what keeps it from answering.
        section: of the settings, where an operator mends it; empty for what hosts chose.
        place, sign_in: the settings there that name the address, and with which the hub signs in.
    """

    check: str
    ask: Callable[[], Awaitable[str]]
    section: str = ""
    place: str = ""
    sign_in: str = ""


def source_checks(probes: Iterable[Probe]) -> list[tuple[str, Check]]:
    """One check for each source."""
    return [(probe.check, partial(_check, probe)) for probe in probes]


def _check(probe: Probe) -> Finding:
    """Ask a source. What the operator set up has to answer; what a host chose is a warning at most."""
    try:
        seen = asyncio.run(_ask(probe))
    except PlatformError as error:
        waits = error.code == SourceCode.PAUSE or not probe.section
        advice = _ADVICE.get(error.code, "") if probe.section else ""
        return Finding(
            check=probe.check,
            verdict=Verdict.WARN if waits else Verdict.FAIL,
            seen=error.message.rstrip("."),
            advice=advice.format(section=probe.section, place=probe.place, sign_in=probe.sign_in) or error.hint,
        )
    return Finding(check=probe.check, verdict=Verdict.OK, seen=seen)


async def _ask(probe: Probe) -> str:
    return await probe.ask()
