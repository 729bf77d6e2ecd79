"""Rules of the live stage: phases of sessions, how a platform follows them, and what an SRT door makes of a key."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum

from streamhub.errors import Fault
from streamhub.live.platform import Phase
from streamhub.schedule.show import SessionState

S = SessionState

_PHASES: Mapping[SessionState, Phase] = {
    S.DRAFT: Phase.SCHEDULED,
    S.SCHEDULED: Phase.SCHEDULED,
    S.OPEN: Phase.SCHEDULED,
    S.MOVED: Phase.SCHEDULED,
    S.REHEARSAL: Phase.TESTING,
    S.LIVE: Phase.LIVE,
    S.ENDED: Phase.ENDED,
    S.PROCESSING: Phase.ENDED,
    S.IN_REVIEW: Phase.ENDED,
    S.PUBLISHED: Phase.ENDED,
    S.CANCELLED: Phase.ENDED,
}


def phase_of(state: SessionState, *, receiving: bool) -> Phase:
    """The phase of the hub's own broadcast: waiting is scheduled with an encoder connected."""
    phase = _PHASES[state]
    return Phase.WAITING if phase is Phase.SCHEDULED and receiving else phase


def derive_passphrase(key: str) -> str:
    """The SRT passphrase that belongs to a stream key: 32 hexadecimal digits, from which the key cannot be found."""
    return hashlib.sha256(b"streamhub srt " + key.encode()).hexdigest()[:32]


class Step(StrEnum):
    """What the reconciler does next on a platform for a session."""

    NOTHING = "nothing"
    ENSURE = "ensure"
    REHEARSE = "rehearse"
    GO_LIVE = "go_live"
    END = "end"
    CANCEL = "cancel"
    ROLL_OVER = "roll_over"


_BEFORE = frozenset({S.SCHEDULED, S.OPEN, S.MOVED})
_PLANNED = frozenset({Phase.SCHEDULED, Phase.WAITING})
ON_AIR = frozenset({Phase.TESTING, Phase.LIVE})
"""Phases of a broadcast that somebody sees, hosts or everybody."""
FOLLOWED = _BEFORE | {S.REHEARSAL, S.LIVE}
"""States of a session in which a platform has something to follow."""


def plan_step(state: SessionState, phase: Phase | None, *, part_due: bool = False) -> Step:
    """What brings a platform from where its broadcast is to where the session is.

    Args:
        state: of the session: what is wanted.
        phase: of its broadcast, as seen last; None when there is none.
        part_due: whether the broadcast has been live for as long as one may be.
    """
    if state is S.DRAFT or phase is Phase.LOST:
        return Step.NOTHING
    if state not in FOLLOWED:
        return _plan_after(state, phase)
    if phase is Phase.ENDED:
        return Step.NOTHING
    if phase is not Phase.LIVE and state is S.LIVE:
        return Step.GO_LIVE
    if phase not in ON_AIR and state is S.REHEARSAL:
        return Step.REHEARSE
    return Step.ROLL_OVER if part_due and state is S.LIVE else Step.ENSURE


def _plan_after(state: SessionState, phase: Phase | None) -> Step:
    """After the session: nothing stays live there, and nothing stays announced that will not come."""
    if phase is None or phase is Phase.ENDED:
        return Step.NOTHING
    if state is S.CANCELLED or phase in _PLANNED:
        return Step.NOTHING if phase is Phase.LIVE else Step.CANCEL
    return Step.END


def plan_leave(phase: Phase | None) -> Step:
    """What becomes of a broadcast whose show is shown elsewhere by now: nobody must wait for it there."""
    if phase is None or phase in {Phase.ENDED, Phase.LOST}:
        return Step.NOTHING
    return Step.END if phase is Phase.LIVE else Step.CANCEL


_RETRIES_S: Mapping[Fault, tuple[float, ...]] = {
    Fault.AUTH: (60, 300),
    Fault.NOT_ALLOWED: (600, 3600, 6 * 3600),  # of each session; whether the account may again is checked hourly
    Fault.QUOTA: (3600,),
    Fault.RATE: (10, 30, *[60] * 10, 300, 900, 3600),
    Fault.LIMIT: (600, 1800, 3600, 6 * 3600),
    # Whoever switches the encoder on late is noticed soon; a stage that is forgotten does not cost the day's quota.
    Fault.NO_SIGNAL: (3, 10, *[30] * 20, *[60] * 30, 300),
    Fault.BAD_STATE: (15, 60, 300, 900, 3600),
    Fault.UNREACHABLE: (5, 10, 20, 40, 80, 160, 300),
    Fault.UNKNOWN_OUTCOME: (5, 20, 60, 300, 900, 3600),
    Fault.BROKEN: (15, 60, 300, 900, 3600),
}
_HOUR_S = 3600.0
_DAY_S = 24 * _HOUR_S
_URGENT_MOST_S = 30.0
_URGENT_TRIES = 6
_DEAR_MOST_S = 300.0
_DEAR = frozenset({Fault.BAD_STATE, Fault.RATE, Fault.UNKNOWN_OUTCOME, Fault.BROKEN})
"""Failures of writes, each of which costs quota: what goes on for hours must leave some for the end."""
_PATIENT = frozenset({Fault.AUTH, Fault.NOT_ALLOWED, Fault.QUOTA, Fault.LIMIT, Fault.NO_SIGNAL})


def plan_retry_s(fault: Fault, tries: int, *, urgent: bool) -> float | None:
    """Seconds until the next try after so many failed ones; None: only when a person or the platform changes something.

    Args:
        fault: what failed.
        tries: failed tries, this one included.
        urgent: whether people wait for it now, because the session is live or has just ended.
    """
    waits = _RETRIES_S.get(fault)
    if waits is None:
        return None
    wait_s = waits[min(max(tries, 1), len(waits)) - 1]
    if not urgent or fault in _PATIENT:
        return wait_s
    hurries = fault not in _DEAR or tries <= _URGENT_TRIES
    return min(wait_s, _URGENT_MOST_S if hurries else _DEAR_MOST_S)


def plan_look_s(state: SessionState, phase: Phase, *, until_start_s: float) -> float:
    """Seconds between two looks at a broadcast: often when it matters, a few times a day while it only waits.

    A rehearsal that nobody left, and a session that never took place, must not cost a day's quota.
    """
    if phase is Phase.LIVE:
        return 60.0
    if state is S.LIVE:
        return 30.0
    if state is S.REHEARSAL or phase is Phase.TESTING:
        return 30.0 if abs(until_start_s) <= _HOUR_S else 120.0
    if -_HOUR_S < until_start_s <= 600:
        return 30.0
    if -6 * _HOUR_S < until_start_s <= 0:
        return 600.0
    return _HOUR_S if abs(until_start_s) <= _DAY_S else 6 * _HOUR_S


def plan_signal_s(state: SessionState, phase: Phase, *, until_start_s: float) -> float | None:
    """Seconds between two looks at what the platform receives; None while nobody needs to know."""
    if phase is Phase.LIVE:
        return 30.0
    if state is S.LIVE:
        return 10.0
    if state is S.REHEARSAL:
        return 10.0 if abs(until_start_s) <= _HOUR_S else 30.0
    return 10.0 if state is S.OPEN and -_HOUR_S < until_start_s <= 600 else None


def relays(state: SessionState, *, until_start_s: float) -> bool:
    """Whether a session's signal goes on to its platform: from an hour before its start, or as soon as it rehearses."""
    return state in {S.REHEARSAL, S.LIVE} or (state is S.OPEN and until_start_s <= 3600)
