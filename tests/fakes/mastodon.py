"""A small Mastodon server on a loopback socket, as far as hashtags go: pages, ids, refusals, deletions, late posts.

Faithful in what a reader depends on: ids are snowflakes of the time of writing, ``min_id`` gives the page immediately
above it, ``max_id`` the newest below it, both newest first; private posts are not shown; a deleted post is a 404.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

START = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)


@dataclass
class FakeMastodon:
    """Posts, and what to refuse."""

    posts: dict[str, dict[str, Any]] = field(default_factory=dict)
    refusals: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    token: str = ""
    calls: list[str] = field(default_factory=list)
    mass: bool = True
    body: bytes | None = None
    url: str = ""
    _serial: Any = field(default_factory=itertools.count)

    def post(
        self, content: str, *, acct: str = "ada", tags: tuple[str, ...] = ("netz",), at: datetime = START, **more: Any
    ) -> str:
        """Write a post; returns its id."""
        post_id = str((int(at.timestamp() * 1000) << 16) | (next(self._serial) & 0xFFFF))
        host = "https://social.example"
        account = {"id": acct, "username": acct, "acct": acct, "display_name": acct.title(), "url": f"{host}/@{acct}"}
        account["bot"] = more.pop("bot", False)
        self.posts[post_id] = {
            "id": post_id,
            "created_at": at.isoformat().replace("+00:00", "Z"),
            "content": f"<p>{content}</p>",
            "visibility": "public",
            "spoiler_text": "",
            "sensitive": False,
            "language": "de",
            "uri": f"{host}/users/{acct}/statuses/{post_id}",
            "url": f"{host}/@{acct}/{post_id}",
            "in_reply_to_id": None,
            "reblog": None,
            "account": account,
            "tags": [{"name": tag.lower()} for tag in tags],
            **more,
        }
        return post_id

    def delete(self, post_id: str) -> None:
        del self.posts[post_id]

    def _refuse(self, request: web.Request) -> web.Response | None:
        self.calls.append(str(request.rel_url))
        if self.refusals:
            status, headers = self.refusals.pop(0)
            return web.json_response({"error": "no"}, status=status, headers=headers)
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"error": "This method requires an authenticated user"}, status=422)
        return web.Response(body=self.body, content_type="application/json") if self.body is not None else None

    async def timeline(self, request: web.Request) -> web.Response:
        if refusal := self._refuse(request):
            return refusal
        query, tag = request.query, request.match_info["tag"].lower()
        limit = min(int(query.get("limit", "20")), 40)
        found = [
            post
            for post in self.posts.values()
            if post["visibility"] == "public" and any(one["name"] == tag for one in post["tags"])
        ]
        if "max_id" in query:
            found = [post for post in found if int(post["id"]) < int(query["max_id"])]
        found.sort(key=lambda post: int(post["id"]))
        if "min_id" in query:
            found = [post for post in found if int(post["id"]) > int(query["min_id"])][:limit]
        return web.json_response(found[::-1][:limit])

    async def statuses(self, request: web.Request) -> web.Response:
        if refusal := self._refuse(request):
            return refusal
        ids = request.query.getall("id[]", [])
        if not self.mass or len(ids) > 20:
            return web.json_response({"error": "no"}, status=422 if self.mass else 404)
        return web.json_response([self.posts[one] for one in ids if one in self.posts])

    async def status(self, request: web.Request) -> web.Response:
        if refusal := self._refuse(request):
            return refusal
        post = self.posts.get(request.match_info["id"])
        return web.json_response(post or {"error": "Record not found"}, status=200 if post else 404)


@asynccontextmanager
async def serve_mastodon() -> AsyncIterator[FakeMastodon]:
    fake = FakeMastodon()
    app = web.Application()
    app.add_routes(
        [
            web.get("/api/v1/timelines/tag/{tag}", fake.timeline),
            web.get("/api/v1/statuses", fake.statuses),
            web.get("/api/v1/statuses/{id}", fake.status),
        ]
    )
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        await runner.cleanup()
