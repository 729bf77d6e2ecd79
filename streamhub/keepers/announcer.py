"""The announcer: keeps what the archive tells of coming sessions and of events in step with the hub.

Looks every minute; whenever the list of what is coming has changed (planned, moved, cancelled, begun, ended), or an
event (renamed, called off, another session in it), the site is built again. Of coming sessions only public ones, and
only where the hub has a public address that people can be sent to.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from streamhub.archive.coming import ComingSession, save_coming
from streamhub.errors import StreamhubError
from streamhub.schedule.show import SessionState
from streamhub.store import public as public_rows
from streamhub.store.store import Store

LOG = logging.getLogger("streamhub.keepers.announcer")

EVERY_S = 60.0
_COMING = (SessionState.SCHEDULED, SessionState.OPEN, SessionState.REHEARSAL, SessionState.LIVE)


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnouncerParts:
    """What the announcer works with.

    Attributes:
        store: the hub's data.
        transcripts: the archive's folder.
        url: the hub's public address; empty: what is coming is nobody's business here.
        build: builds the site.
        follow_events: has the archive's events follow the hub; says whether anything has changed.
    """

    store: Store
    transcripts: Path
    url: str
    build: Callable[[], Awaitable[object]]
    follow_events: Callable[[], Awaitable[bool]]


class Announcer:
    """Keeps the list.

    Args:
        parts: what it works with.
    """

    def __init__(self, parts: AnnouncerParts) -> None:
        self._parts = parts
        self._owed = False

    async def keep(self, *, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Announce for ever; what goes wrong is logged and tried again."""
        while True:
            try:
                await self.announce()
            except StreamhubError as error:
                LOG.warning("coming_sessions_not_announced %s", error.message)
            await sleep(EVERY_S)

    async def announce(self) -> bool:
        """Bring list and site up to date; says whether there was anything to do.

        Raises:
            StreamhubError: the list cannot be written or the site not be built; the next call builds it.
        """
        url = self._parts.url.rstrip("/")
        if url:
            found = await self._parts.store.read(lambda db: _list_coming(db, url))
            self._owed = await asyncio.to_thread(save_coming, self._parts.transcripts, found) or self._owed
        self._owed = await self._parts.follow_events() or self._owed
        if not self._owed:
            return False
        await self._parts.build()
        self._owed = False
        return True


def _list_coming(db: Database, url: str) -> list[ComingSession]:
    found = []
    for one in public_rows.list_sessions(db, states=_COMING):
        event = public_rows.find_event_of(db, one.id)
        found.append(
            ComingSession(
                id=one.id,
                show_id=one.show_id,
                show_title=one.show.title,
                title=one.title,
                text=one.call,
                starts_at=one.starts_at,
                minutes=one.planned_minutes,
                zone=one.zone,
                language=one.language,
                url=f"{url}/s/{one.id}",
                live=one.state is SessionState.LIVE,
                event_title=event.title if event else "",
                event_url=f"{url}/e/{event.id}" if event else "",
            )
        )
    return found
