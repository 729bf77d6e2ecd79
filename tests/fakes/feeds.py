"""A server of feeds on a loopback socket: conditional answers, redirects, and everything that a hostile one does."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from xml.sax.saxutils import escape

from aiohttp import web

START = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)


@dataclass
class FakeFeeds:
    """Comments, and how to answer."""

    entries: list[dict[str, str]] = field(default_factory=list)
    kind: str = "rss"
    shown: int = 20
    body: bytes | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    redirect: str = ""
    slow: asyncio.Event | None = None
    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    not_modified: int = 0
    failures: int = 0

    def comment(self, text: str, *, author: str = "Ada", at: datetime | None = None, guid: str = "") -> str:
        number = len(self.entries)
        when = at or START + timedelta(seconds=number)
        guid = guid or f"https://blog.example/?c={number}"
        entry = {"guid": guid, "text": text, "author": author, "at": when.isoformat(), "rfc": format_datetime(when)}
        self.entries.append(entry)
        return guid

    def render(self) -> bytes:
        if self.body is not None:
            return self.body
        newest = self.entries[::-1][: self.shown]
        return (_atom if self.kind == "atom" else _rss)(newest).encode()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(dict(request.headers))
        if self.slow is not None:
            await self.slow.wait()
        if self.failures:
            self.failures -= 1
            return web.Response(status=502)
        if self.redirect:
            return web.Response(status=302, headers={"Location": self.redirect})
        if self.status != 200:
            return web.Response(status=self.status, headers=self.headers)
        body = self.render()
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if request.headers.get("If-None-Match") == etag:
            self.not_modified += 1
            return web.Response(status=304, headers={"ETag": etag})
        return web.Response(body=body, headers={"ETag": etag, "Content-Type": "application/xml", **self.headers})


def _rss(entries: list[dict[str, str]]) -> str:
    items = "".join(
        f"<item><title>Kommentar von {escape(one['author'])}</title><link>{escape(one['guid'])}</link>"
        f"<guid>{escape(one['guid'])}</guid><dc:creator>{escape(one['author'])}</dc:creator>"
        f"<pubDate>{one['rfc']}</pubDate><description>{escape(one['text'])}</description>"
        f"<content:encoded><![CDATA[<p>{one['text']}</p>]]></content:encoded></item>"
        for one in entries
    )
    spaces = 'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    return f'<?xml version="1.0"?><rss version="2.0" {spaces}><channel><title>Kommentare</title>{items}</channel></rss>'


def _atom(entries: list[dict[str, str]]) -> str:
    items = "".join(
        f'<entry><id>{escape(one["guid"])}</id><title>Re</title><link href="{escape(one["guid"])}"/>'
        f"<author><name>{escape(one['author'])}</name></author><published>{one['at']}</published>"
        f'<updated>{one["at"]}</updated><content type="html">{escape(one["text"])}</content></entry>'
        for one in entries
    )
    return f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>K</title>{items}</feed>'


@asynccontextmanager
async def serve_feeds() -> AsyncIterator[FakeFeeds]:
    fake = FakeFeeds()
    app = web.Application()
    app.add_routes([web.get("/{path:.*}", fake.serve)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}/comments"
    try:
        yield fake
    finally:
        await runner.cleanup()
