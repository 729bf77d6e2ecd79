"""Rules of the live stage: phases of sessions, and what an SRT door makes of a stream key."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

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
