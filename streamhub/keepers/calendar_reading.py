"""One look at one person's calendar: fetched under guard, understood in a process of its own, titles never kept.

An address alone is fetched as it is. With a sign-in it is asked as a CalDAV server first, for entries and then for
busy times, and fetched as it is where it is none. Refuses to know people and rows.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from streamhub.calendar_access import CalendarAccess
from streamhub.errors import PlatformError
from streamhub.questions.guarded import Ask, Fetched, Guard
from streamhub.questions.trouble import SourceCode
from streamhub.schedule.busy import Asked, CalendarTrouble, Stretch, TooMuch, is_calendar
from streamhub.schedule.busy_reckoning import reckon_busy
from streamhub.schedule.caldav import parse_entries, render_busy_query, render_entries_query

MAX_BYTES = 60_000_000
TIMEOUT_S = 60.0
AGENT = "streamhub (reads when people are busy)"

_TROUBLES: Mapping[str, CalendarTrouble] = MappingProxyType(
    {
        SourceCode.SIGN_IN: CalendarTrouble.SIGN_IN,
        SourceCode.UNREACHABLE: CalendarTrouble.UNREACHABLE,
        SourceCode.PAUSE: CalendarTrouble.UNREACHABLE,
        SourceCode.NOT_TRUSTED: CalendarTrouble.NOT_TRUSTED,
        SourceCode.GONE: CalendarTrouble.GONE,
        SourceCode.TOO_LARGE: CalendarTrouble.TOO_LARGE,
        SourceCode.PRIVATE: CalendarTrouble.PRIVATE,
        SourceCode.BROKEN: CalendarTrouble.NO_CALENDAR,
    }
)
_HOPELESS = frozenset(
    {SourceCode.UNREACHABLE, SourceCode.NOT_TRUSTED, SourceCode.PRIVATE, SourceCode.PAUSE, SourceCode.TOO_LARGE}
)
_UNAUTHORISED = "401"


class CalendarFailed(Exception):
    """A calendar could not be read; says why."""

    def __init__(self, trouble: CalendarTrouble) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble


Reckon = Callable[[Sequence[bytes], Asked], Awaitable[tuple[Stretch, ...]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarReader:
    """Reads calendars.

    Attributes:
        guard: fetches.
        reckon: understands what was fetched.
    """

    guard: Guard
    reckon: Reckon = reckon_busy

    async def read(self, access: CalendarAccess, asked: Asked) -> tuple[Stretch, ...]:
        """When somebody is busy.

        Raises:
            CalendarFailed: the calendar could not be fetched or understood.
        """
        try:
            texts = await (self._query(access, asked) if access.user else self._fetch(access, Ask()))
            return await self.reckon(texts, asked)
        except PlatformError as error:
            raise CalendarFailed(_TROUBLES.get(error.code, CalendarTrouble.UNREADABLE)) from error
        except TooMuch as error:
            raise CalendarFailed(CalendarTrouble.TOO_MUCH) from error
        except ValueError as error:
            raise CalendarFailed(CalendarTrouble.UNREADABLE) from error

    async def _query(self, access: CalendarAccess, asked: Asked) -> list[bytes]:
        """The calendars of a server with a sign-in; a wrong one is tried once and not three times."""
        auth = f"Basic {base64.b64encode(f'{access.user}:{access.password}'.encode()).decode()}"
        first: PlatformError | ValueError | None = None
        for query in (render_entries_query(asked.begin, asked.end), render_busy_query(asked.begin, asked.end), b""):
            try:
                return await (self._report(access, auth, query) if query else self._fetch(access, Ask(auth=auth)))
            except PlatformError as error:
                if error.code in _HOPELESS or error.reason == _UNAUTHORISED:
                    raise
                first = first or error
            except ValueError as error:
                first = first or error
        raise first or ValueError("calendar: no way leads there")

    async def _report(self, access: CalendarAccess, auth: str, query: bytes) -> list[bytes]:
        headers = {"Depth": "1", "Content-Type": "application/xml; charset=utf-8"}
        answer = await self.guard.fetch(access.url, ask=Ask(method="REPORT", body=query, headers=headers, auth=auth))
        return [answer.body] if is_calendar(answer.body) else parse_entries(answer.body)

    async def _fetch(self, access: CalendarAccess, ask: Ask) -> list[bytes]:
        answer: Fetched = await self.guard.fetch(access.url, accept="text/calendar, */*;q=0.5", ask=ask)
        if not is_calendar(answer.body):
            raise CalendarFailed(CalendarTrouble.NO_CALENDAR)
        return [answer.body]
