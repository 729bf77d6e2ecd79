"""What the reconciler has to follow: a session as it is wanted, beside what is known of its broadcast on a platform.

Owns which sessions and broadcasts those are. Refuses to know what is done about them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from streamhub.live.platform import Phase
from streamhub.live.rules import FOLLOWED
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store import broadcasts as rows
from streamhub.store import shows as show_rows
from streamhub.store.broadcasts import BroadcastRow

FINAL = frozenset({Phase.ENDED, Phase.LOST})
"""Phases of a broadcast that nothing follows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A session with all that is known of it on one platform.

    Attributes:
        session, show: as they are wanted.
        platform: the name that shows carry; not this show's where its broadcast was left behind.
        row: what is known of the broadcast; None before it was planned.
    """

    session: Session
    show: Show
    platform: str
    row: BroadcastRow | None

    @property
    def key(self) -> tuple[str, str]:
        """What it is told apart by."""
        return self.session.id, self.platform

    @property
    def is_left(self) -> bool:
        """Whether its show is shown elsewhere by now."""
        return self.show.platform != self.platform

    @property
    def phase(self) -> Phase | None:
        """Where its broadcast is, as seen last; one that may have been made counts as planned.

        So does the next part of one that is on air: both have to end with the session.
        """
        row = self.row
        if row is None:
            return None
        return row.phase if row.ref or row.pending or row.part > 1 or row.phase in FINAL else None

    @property
    def is_there(self) -> bool:
        """Whether there is a broadcast to look at."""
        return self.row is not None and bool(self.row.ref) and self.phase not in FINAL

    @property
    def urgent(self) -> bool:
        """Whether people wait for it right now."""
        return self.session.state is SessionState.LIVE or self.phase is Phase.LIVE

    def until_start_s(self, at: datetime) -> float:
        """Seconds until the planned start; negative afterwards."""
        return (self.session.starts_at - at).total_seconds()


def load_case(db: Database, session_id: str, platform: str = "") -> Case:
    """A session with its show and the last part of its broadcast, on its show's platform or on that one.

    Raises:
        NotFound: there is no such session.
    """
    session = show_rows.load_session(db, session_id)
    show = show_rows.load_show(db, session.show_id)
    where = platform or show.platform
    return Case(session=session, show=show, platform=where, row=rows.find_broadcast(db, session_id, where))


def load_cases(db: Database, platforms: Collection[str]) -> list[Case]:
    """What platforms have to follow: planned and running sessions, and every broadcast that is not finished there."""
    shows = {show.id: show for show in show_rows.list_shows(db)}
    last = {(row.session_id, row.platform): row for row in rows.list_broadcasts(db)}
    sessions = {session.id: session for session in show_rows.list_sessions(db, states=FOLLOWED)}
    keys = {(session.id, shows[session.show_id].platform) for session in sessions.values()}
    for key, row in last.items():
        if row.phase not in FINAL and key not in keys:
            keys.add(key)
            if row.session_id not in sessions:
                sessions[row.session_id] = show_rows.load_session(db, row.session_id)
    return [
        Case(session=session, show=shows[session.show_id], platform=platform, row=last.get((session.id, platform)))
        for session, platform in ((sessions[session_id], platform) for session_id, platform in sorted(keys))
        if platform in platforms
    ]
