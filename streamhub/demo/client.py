"""The people of the demo, as HTTP clients of the hub: members of the audience and a host.

Owns the requests and the reading of their answers. Each member of the audience has a cookie jar of his own, as in a
browser of his own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp

from streamhub.errors import TimedOut, ToolFailed, Unavailable

Json = Any


class Person:
    """Somebody with a browser: a cookie jar and, for a host, a key."""

    def __init__(self, url: str, *, token: str = "") -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._url = url
        self._http = aiohttp.ClientSession(
            headers=headers, cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=aiohttp.ClientTimeout(total=30)
        )

    async def get(self, path: str) -> Json:
        """GET as JSON."""
        return await self._ask("GET", path, None)

    async def post(self, path: str, body: Mapping[str, Json] | None = None) -> Json:
        """POST JSON, answer as JSON."""
        return await self._ask("POST", path, body)

    async def _ask(self, method: str, path: str, body: Mapping[str, Json] | None) -> Json:
        try:
            async with self._http.request(method, f"{self._url}{path}", json=body) as response:
                if response.status >= 400:
                    raise ToolFailed(f"{method} {path}: the hub answered {response.status}: {await response.text()}")
                return await response.json() if response.content_type == "application/json" else {}
        except aiohttp.ClientError as error:
            raise Unavailable(f"{method} {path}: {error}") from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()


class Host(Person):
    """The host: plans, puts questions on air, ends, publishes."""

    async def plan_session(self, show: Mapping[str, Json], session: Mapping[str, Json]) -> str:
        """Make a show and a session in it, open for questions; returns the session's id."""
        made_show = await self.post("/api/v1/host/shows", show)
        made = await self.post("/api/v1/host/sessions", {**session, "show_id": made_show["id"]})
        session_id = str(made["id"])
        if made.get("state") == "draft":
            await self.set_state(session_id, "open")
        return session_id

    async def set_state(self, session_id: str, state: str) -> None:
        """Take the session a step further in its life."""
        await self.post(f"/api/v1/host/sessions/{session_id}/state", {"to": state})

    async def act(self, question_id: str, action: str, body: Mapping[str, Json] | None = None) -> None:
        """Do something with a question: star, queue, on-air, done ..."""
        await self.post(f"/api/v1/host/questions/{question_id}/{action}", body or {})

    async def wait_for_signal(self, session_id: str, *, timeout_s: float) -> None:
        """Wait until the encoder's signal arrives.

        Raises:
            TimedOut: nothing arrived.
        """
        for _ in range(int(timeout_s / 0.05)):
            if (await self.get(f"/api/v1/host/sessions/{session_id}"))["signal"]["receiving"]:
                return
            await asyncio.sleep(0.05)
        raise TimedOut(f"session {session_id}: no signal from the encoder after {timeout_s:g} s")

    async def wait_for_state(self, session_id: str, states: set[str], *, timeout_s: float) -> str:
        """Wait until the session is in one of the states; returns it.

        Raises:
            TimedOut: it did not get there; the message carries what is held or failed.
        """
        state = ""
        for _ in range(int(timeout_s / 0.2)):
            state = str((await self.get(f"/api/v1/host/sessions/{session_id}"))["state"])
            if state in states:
                return state
            await asyncio.sleep(0.2)
        trouble = [w for w in (await self.get("/api/v1/host/work"))["work"] if w["state"] in {"held", "failed"}]
        raise TimedOut(f"session {session_id}: still {state} after {timeout_s:g} s; {trouble or 'nothing is held'}")
