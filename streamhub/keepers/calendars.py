"""The keeper of calendars: reads when people are busy, again and again, from the calendars that they named.

What was read last stays when a calendar cannot be read, with its age; its person and hosts see why. A calendar that
wants a person's help is looked at more rarely. Neither an address nor a sign-in gets into the log.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlite_utils import Database

from streamhub.calendar_access import unseal_access
from streamhub.errors import NotFound, StreamhubError
from streamhub.keepers.calendar_reading import CalendarFailed, CalendarReader
from streamhub.keepers.rounds import repeat
from streamhub.schedule.busy import Asked, CalendarTrouble, Stretch
from streamhub.schedule.people import Person
from streamhub.store import invitations as invitation_rows
from streamhub.store import people as rows
from streamhub.store import shows as show_rows
from streamhub.store.people import CalendarState
from streamhub.store.store import Store
from streamhub.timecode import Now
from streamhub.web.rooms import plan_uid

LOG = logging.getLogger("streamhub.keepers.calendars")
AHEAD = timedelta(weeks=26)
"""So far ahead it is read when somebody is busy."""
AT_ONCE = 2

_PAUSE_S = 5.0
_RARELY = timedelta(hours=6)
_WANTS_A_PERSON = frozenset(CalendarTrouble) - {CalendarTrouble.UNREACHABLE, CalendarTrouble.UNREADABLE}


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarsParts:
    """What the keeper works with.

    Attributes:
        store: the hub's data.
        reader: reads one calendar.
        every: how long what was read holds.
        secret: the hub's key.
        now: the clock.
    """

    store: Store
    reader: CalendarReader
    every: timedelta = timedelta(minutes=30)
    secret: bytes = field(repr=False)
    now: Now


class Calendars:
    """Reads calendars."""

    def __init__(self, parts: CalendarsParts) -> None:
        self._parts = parts
        self._places = asyncio.Semaphore(AT_ONCE)

    async def watch(self, pause_s: float = _PAUSE_S) -> None:
        """Read whatever is due, again and again; ends by being cancelled."""
        await repeat(self.sync, name="calendars", log=LOG, pause_s=pause_s)

    async def sync(self) -> int:
        """Read every calendar that is due; returns how many were."""
        now = self._parts.now()
        due = [one for one in await self._parts.store.read(rows.list_calendars) if self._is_due(one, now)]
        await asyncio.gather(*(self._look(state) for state in due))
        return len(due)

    def _is_due(self, state: CalendarState, now: datetime) -> bool:
        if state.read_at is None:
            return True
        rarely = state.problem in _WANTS_A_PERSON
        return abs(now - state.read_at) >= (max(_RARELY, self._parts.every) if rarely else self._parts.every)

    async def _look(self, state: CalendarState) -> None:
        async with self._places:
            try:
                busy, problem = await self._read(state)
            except NotFound:  # the person was deleted meanwhile
                return
            except StreamhubError as error:
                LOG.warning("calendar_failed person=%s error=%s", state.person_id, type(error).__name__)
                busy, problem = None, CalendarTrouble.UNREADABLE.value
        at = self._parts.now()
        after = replace(state, read_at=at, good_at=state.good_at if busy is None else at, problem=problem)
        kept = await self._parts.store.write(lambda db: rows.save_busy(db, after, busy))
        if kept and problem != state.problem:
            LOG.info("calendar_read person=%s problem=%s", state.person_id, problem or "none")

    async def _read(self, state: CalendarState) -> tuple[list[Stretch] | None, str]:
        """When the person is busy, or None and why it is not known."""
        access = unseal_access(self._parts.secret, state.access)
        if access is None:  # the workspace's secret is another one than when it was named
            return None, CalendarTrouble.SIGN_IN.value
        now = self._parts.now()
        person, own = await self._parts.store.read(lambda db: self._load_own(db, state.person_id))
        asked = Asked(
            begin=now - timedelta(days=1),
            end=now + AHEAD,
            zone=person.zone,
            address=person.email,
            own=frozenset(own),
        )
        try:
            found = await self._parts.reader.read(access, asked)
        except CalendarFailed as failed:
            return None, failed.trouble.value
        sessions = set(own.values())
        return [one for one in found if one not in sessions], ""

    def _load_own(self, db: Database, person_id: str) -> tuple[Person, dict[str, Stretch]]:
        """The person, and his own sessions by their names in his calendar: they are no reason not to come to them."""
        own: dict[str, Stretch] = {}
        for one in invitation_rows.list_invitations(db, person_id=person_id):
            session = show_rows.load_session(db, one.session_id)
            own[plan_uid(self._parts.secret, one)] = (session.starts_at, session.ends_at)
        return rows.load_person(db, person_id), own
