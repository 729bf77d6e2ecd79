"""A server of calendars on a loopback socket, with TLS on wish, and all that a hostile one does."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

NINE = """BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
UID:1
SUMMARY:Arzttermin mondstein
LOCATION:Praxis mondstein
DTSTART;TZID=Europe/Berlin:20270302T200000
DTEND;TZID=Europe/Berlin:20270302T220000
END:VEVENT
END:VCALENDAR
"""


def place(href: str, props: str) -> str:
    """One address in an answer of a CalDAV server."""
    return (
        f"<D:response><D:href>{href}</D:href><D:propstat><D:prop>{props}</D:prop>"
        "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
    )


def listing(*places: str) -> bytes:
    """An answer of a CalDAV server."""
    name = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
    return f'<?xml version="1.0"?><D:multistatus {name}>{"".join(places)}</D:multistatus>'.encode()


CALENDAR = "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>"


@dataclass
class FakeCalendars:
    """One calendar, and how to answer."""

    body: bytes = NINE.encode()
    status: int = 200
    redirect: str = ""
    slow: asyncio.Event | None = None
    endless: bool = False
    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    places: dict[str, bytes] = field(default_factory=dict)
    reports: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    @property
    def signs(self) -> list[str]:
        """What was sent to sign in, one for each request."""
        return [sign for _, sign in self.asked]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, request.headers.get("Authorization", "")))
        if self.slow is not None:
            await self.slow.wait()
        if self.redirect:
            return web.Response(status=307, headers={"Location": self.redirect})
        if self.endless:
            return await self._pour(request)
        if request.method == "PROPFIND":
            body = self.places.get(request.path)
            return web.Response(status=207, body=body) if body else web.Response(status=405)
        if request.method == "REPORT":
            text = await request.text()
            for name, (status, body) in self.reports.items():
                if f"<C:{name}" in text:
                    return web.Response(status=status, body=body)
            return web.Response(status=405)
        return web.Response(status=self.status, body=self.body, content_type="text/calendar")

    async def _pour(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"BEGIN:VCALENDAR\r\n")
        while True:
            await response.write(b"X-LANG:" + b"x" * 100_000 + b"\r\n")
            await asyncio.sleep(0)


@asynccontextmanager
async def serve_calendars(*, tls: ssl.SSLContext | None = None) -> AsyncIterator[FakeCalendars]:
    fake = FakeCalendars()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", fake.serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    fake.url = f"http{'s' if tls else ''}://127.0.0.1:{runner.addresses[0][1]}/ada"
    try:
        yield fake
    finally:
        await runner.cleanup()
