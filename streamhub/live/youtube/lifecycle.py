"""YouTube's life of a broadcast: its states, what they are to us, and which step leads on.

Owns the mapping and the decision. Pure. Refuses to know how a step is taken.

created -> ready -> (testStarting -> testing ->) (liveStarting ->) live -> complete; ``revoked`` from anywhere. With the
monitor stream on, a ready broadcast has to be tested before it goes live; with it off, it goes live at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from streamhub.live.platform import Phase

CREATED, READY, TEST_STARTING, TESTING = "created", "ready", "testStarting", "testing"
LIVE_STARTING, LIVE, COMPLETE, REVOKED = "liveStarting", "live", "complete", "revoked"

PLANNED = frozenset({CREATED, READY})
ON_AIR = frozenset({TEST_STARTING, TESTING, LIVE_STARTING, LIVE})

_PHASES: Mapping[str, Phase] = {
    CREATED: Phase.SCHEDULED,
    READY: Phase.SCHEDULED,
    TEST_STARTING: Phase.TESTING,
    TESTING: Phase.TESTING,
    LIVE_STARTING: Phase.LIVE,
    LIVE: Phase.LIVE,
    COMPLETE: Phase.ENDED,
    REVOKED: Phase.LOST,
}


class Goal(StrEnum):
    """Where a broadcast is to be brought; the value is YouTube's word for the transition."""

    TESTING = TESTING
    LIVE = LIVE
    COMPLETE = COMPLETE


class Move(StrEnum):
    """What leads a broadcast on."""

    DONE = "done"
    WAIT = "wait"
    BIND = "bind"
    MONITOR_ON = "monitor_on"
    TEST = TESTING
    GO_LIVE = LIVE
    END = COMPLETE
    OVER = "over"
    REVOKED = "revoked"
    NEVER_LIVE = "never_live"


SENT = frozenset({Move.TEST, Move.GO_LIVE, Move.END})
"""Moves that are transitions; their value is what is asked for."""


def phase_of(state: str, *, receiving: bool) -> Phase:
    """Our phase of a state; a state that nobody has heard of is taken for a planned one, and shown as it is."""
    phase = _PHASES.get(state, Phase.SCHEDULED)
    return Phase.WAITING if phase is Phase.SCHEDULED and receiving else phase


def decide_move(state: str, goal: Goal, *, monitor: bool) -> Move:
    """What leads a broadcast from its state to a goal; what is beyond the goal already is done.

    Args:
        state: YouTube's word.
        goal: where to.
        monitor: whether its monitor stream is on.
    """
    if state == REVOKED:
        return Move.REVOKED
    if goal is Goal.COMPLETE:
        ends = {COMPLETE: Move.DONE, LIVE: Move.END, TESTING: Move.END, CREATED: Move.NEVER_LIVE}
        return {**ends, READY: Move.NEVER_LIVE}.get(state, Move.WAIT)
    if state == COMPLETE:
        return Move.OVER
    if state == CREATED:
        return Move.BIND
    if goal is Goal.TESTING:
        tests = dict.fromkeys((TESTING, LIVE_STARTING, LIVE), Move.DONE)
        return {**tests, READY: Move.TEST if monitor else Move.MONITOR_ON}.get(state, Move.WAIT)
    starts = {READY: Move.TEST if monitor else Move.GO_LIVE, TESTING: Move.GO_LIVE, LIVE: Move.DONE}
    return starts.get(state, Move.WAIT)
