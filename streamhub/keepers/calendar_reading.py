"""One look at one person's calendar: fetched under guard, understood in a process of its own, titles never kept.

An address alone is fetched as it is. With a sign-in it is asked as a CalDAV server first: what is there, then the
entries of the calendar or of all that are found, else their busy times; it is fetched as it is where it is none.
Refuses to know people and rows.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from urllib.parse import urljoin

from yarl import URL

from streamhub.calendar_access import CalendarAccess
from streamhub.errors import PlatformError
from streamhub.questions.guarded import Ask, Fetched, Guard
from streamhub.questions.trouble import SourceCode
from streamhub.schedule.busy import Asked, CalendarTrouble, Stretch, TooMuch, is_calendar
from streamhub.schedule.busy_reckoning import reckon_busy
from streamhub.schedule.caldav import (
    Place,
    parse_entries,
    parse_places,
    render_busy_query,
    render_entries_query,
    render_places_query,
)

MAX_BYTES = 60_000_000
MAX_PLACES_BYTES = 1 << 20
MAX_ANSWER_BYTES = 15_000_000
"""The longest answer of a CalDAV server about half a year."""
MAX_CALENDARS = 20
MOST_S = 180.0
"""For all the calendars of one person together."""
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
_XML = {"Content-Type": "application/xml; charset=utf-8"}


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
            async with asyncio.timeout(MOST_S):
                texts = await (self._query(access, asked) if access.user else self._fetch(access, Ask()))
            return await self.reckon(texts, asked)
        except TimeoutError as error:
            raise CalendarFailed(CalendarTrouble.UNREACHABLE) from error
        except PlatformError as error:
            raise CalendarFailed(_TROUBLES.get(error.code, CalendarTrouble.UNREADABLE)) from error
        except TooMuch as error:
            raise CalendarFailed(CalendarTrouble.TOO_MUCH) from error
        except ValueError as error:
            raise CalendarFailed(CalendarTrouble.UNREADABLE) from error

    async def _query(self, access: CalendarAccess, asked: Asked) -> list[bytes]:
        """The calendars that a sign-in opens: the one at the address, or all that are found from there."""
        auth = f"Basic {base64.b64encode(f'{access.user}:{access.password}'.encode()).decode()}"
        urls = await self._find_calendars(access.url, auth)
        if urls is None:
            return await self._fetch(access, Ask(auth=auth))
        if not urls:
            raise CalendarFailed(CalendarTrouble.NO_CALENDAR)
        texts: list[bytes] = []
        for url in urls:
            texts += await self._report(url, auth, asked)
            if sum(map(len, texts)) > MAX_BYTES:
                raise CalendarFailed(CalendarTrouble.TOO_LARGE)
        return texts

    async def _find_calendars(self, url: str, auth: str) -> list[str] | None:
        """Addresses of the calendars at or behind an address; None where no CalDAV server answers."""
        try:
            here = await self._places(url, auth, depth="0")
        except PlatformError as error:
            if error.code in _HOPELESS or error.reason == _UNAUTHORISED:
                raise
            return None
        except ValueError:
            return None
        if any(place.calendar for place in here):
            return [url]
        home = next((place.home for place in here if place.home), "")
        principal = next((place.principal for place in here if place.principal), "")
        if not home and principal and (target := _same_origin(url, principal)):
            home = next((place.home for place in await self._places(target, auth, depth="0") if place.home), "")
        start = _same_origin(url, home) if home else ""
        if not start:
            return []
        found = [place.href for place in await self._places(start, auth, depth="1") if place.calendar]
        return [one for href in found[:MAX_CALENDARS] if (one := _same_origin(start, href))]

    async def _places(self, url: str, auth: str, *, depth: str) -> list[Place]:
        ask = Ask(method="PROPFIND", body=render_places_query(), headers={**_XML, "Depth": depth}, auth=auth)
        body = (await self._at_most(MAX_PLACES_BYTES).fetch(url, ask=ask)).body
        return await asyncio.to_thread(parse_places, body)

    def _at_most(self, size_bytes: int) -> Guard:
        return replace(self.guard, max_bytes=min(self.guard.max_bytes, size_bytes))

    async def _report(self, url: str, auth: str, asked: Asked) -> list[bytes]:
        """What a calendar holds: its entries, or its busy times where it tells no more."""
        first: PlatformError | ValueError | None = None
        for query in (render_entries_query(asked.begin, asked.end), render_busy_query(asked.begin, asked.end)):
            ask = Ask(method="REPORT", body=query, headers={**_XML, "Depth": "1"}, auth=auth)
            try:
                body = (await self._at_most(MAX_ANSWER_BYTES).fetch(url, ask=ask)).body
                return [body] if is_calendar(body) else await asyncio.to_thread(parse_entries, body)
            except PlatformError as error:
                if error.code in _HOPELESS or error.reason == _UNAUTHORISED:
                    raise
                first = first or error
            except ValueError as error:
                first = first or error
        raise first or ValueError("calendar: no way leads there")

    async def _fetch(self, access: CalendarAccess, ask: Ask) -> list[bytes]:
        answer: Fetched = await self.guard.fetch(access.url, accept="text/calendar, */*;q=0.5", ask=ask)
        if not is_calendar(answer.body):
            raise CalendarFailed(CalendarTrouble.NO_CALENDAR)
        return [answer.body]


def _same_origin(base: str, href: str) -> str:
    """An address that a server names, whole; empty where it leads to another server, which gets no sign-in of ours."""
    try:
        url = URL(urljoin(base, href))
        return str(url) if url.origin() == URL(base).origin() else ""
    except ValueError:
        return ""
