"""The worker: transcribes for a hub on another machine.

It shares nothing with the hub but the engine's PostgreSQL database, from which it takes work, and HTTP, by which it
fetches media and hands over what was heard. It has no store, no archive and no inbound port.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec

from streamhub import errors
from streamhub.engine import Context, Engine
from streamhub.errors import BadMedia, StreamhubError, Unavailable
from streamhub.pipeline import TRANSCRIBE
from streamhub.transcript.transcriber import Transcriber, TranscriptionJob

Json = Any
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteHub:
    """The hub that the worker works for.

    Attributes:
        url: its public address.
        key: the worker's key.
        cache: folder for media on their way through.
        transcriber: hears the words.
        speed_limit: seconds per second of media after which a job is given up.
        say: tells the person at the terminal.
    """

    url: str
    key: str = field(repr=False)
    cache: Path
    transcriber: Transcriber
    speed_limit: float
    say: Callable[[str], None]

    def register(self, engine: Engine) -> None:
        """Make the one kind of work that it does known to the engine."""
        engine.workflow(TRANSCRIBE, self._run)

    async def _run(self, ctx: Context, session_id: str) -> Json:
        return await ctx.step("transcript", lambda: self.transcribe(session_id))

    async def transcribe(self, session_id: str) -> Json:
        """Fetch the media, hear it, hand over the words; what the hub has already is not heard again."""
        headers = {"Authorization": f"Bearer {self.key}"}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)
        path = f"{self.url.rstrip('/')}/api/v1/worker/sessions/{quote(session_id)}"
        try:
            async with aiohttp.ClientSession(headers=headers, timeout=timeout) as http:
                async with http.get(path, params={"recogniser": self.transcriber.name}) as response:
                    job = await _answer(response)
                if not job["done"]:
                    media = await self._fetch(http, f"{path}/media", job["sha256"])
                    await self._hear(http, path, media, job)
        except aiohttp.ClientError as error:
            raise Unavailable(
                f"hub {self.url}: does not answer ({error})", hint="check its address and yours"
            ) from error
        return {"file": job["file"]}

    async def _hear(self, http: aiohttp.ClientSession, path: str, media: Path, job: Json) -> None:
        self.say(f"transcribing {job['session']} ({job['duration_ms'] // 1000} s)")
        request = TranscriptionJob(
            media=media,
            language=job["language"],
            vocabulary=tuple(job["vocabulary"]),
            time_limit_s=60 + job["duration_ms"] / 1000 * self.speed_limit,
        )
        try:
            transcript = await self.transcriber.transcribe(request, lambda done, total: None)
        finally:
            await asyncio.to_thread(media.unlink, missing_ok=True)
        params = {"recogniser": self.transcriber.name, "sha256": job["sha256"]}
        async with http.put(f"{path}/transcript", params=params, data=msgspec.json.encode(transcript)) as response:
            await _answer(response)
        self.say(f"handed over {job['session']}: {len(transcript.cues)} cues")

    async def _fetch(self, http: aiohttp.ClientSession, url: str, sha256: str) -> Path:
        self.cache.mkdir(parents=True, exist_ok=True)
        target = self.cache / f"{sha256}.media"
        seen = hashlib.sha256()
        async with http.get(url) as response:
            if response.status >= 400:
                await _answer(response)
            with target.open("wb") as file:
                async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
                    seen.update(chunk)
                    file.write(chunk)
        if seen.hexdigest() != sha256:
            target.unlink()
            raise BadMedia(f"media from {self.url}: arrived changed or cut", hint="the step is tried again")
        return target


async def _answer(response: aiohttp.ClientResponse) -> Json:
    """The hub's JSON answer, or its error as one of ours."""
    body = await response.json()
    if response.status < 400:
        return body
    told = body.get("error", {})
    kinds: dict[int, type[StreamhubError]] = {401: errors.NotSignedIn, 404: errors.NotFound, 409: errors.Conflict}
    kind = kinds.get(response.status, Unavailable if response.status >= 500 else StreamhubError)
    raise kind(str(told.get("message", response.status)), hint=str(told.get("hint", "")))
