"""The worker: transcribes for a hub on another machine.

It shares nothing with the hub but the engine's PostgreSQL database, from which it takes work, and HTTP, by which it
fetches media and hands over what was heard. It has no store, no archive and no inbound port.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import aiohttp
import msgspec

from streamhub import errors
from streamhub.engine import Context, Engine, Json
from streamhub.errors import Environment, StreamhubError, Unavailable
from streamhub.ordering import TRANSCRIBE
from streamhub.transcript.transcriber import Transcriber, TranscriptionJob
from streamhub.transcript.transcript import Transcript

T = TypeVar("T")
_CHUNK_BYTES = 1 << 20
_SUFFIX = ".media"
_MAX_NAP_S = 30.0
_KINDS: dict[int, type[StreamhubError]] = {
    400: errors.BadInput,
    401: errors.NotSignedIn,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    429: errors.TooMany,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteHub:
    """The hub that the worker works for.

    Attributes:
        url: its public address.
        key: the worker's key.
        cache: folder for media on their way through, held with `hold_cache`.
        transcriber: hears the words.
        speed_limit: seconds per second of media after which a job is given up.
        say: tells the person at the terminal.
        patience_s: how long a hub may be away in the middle of a job, such as for a restart.
    """

    url: str
    key: str = field(repr=False)
    cache: Path
    transcriber: Transcriber
    speed_limit: float
    say: Callable[[str], None]
    patience_s: float = 600.0

    def register(self, engine: Engine) -> None:
        """Make the one kind of work that it does known to the engine."""
        engine.workflow(TRANSCRIBE, self._run)

    async def greet(self) -> None:
        """Make sure that the hub wants this worker, before it takes work away from those that can do it.

        Raises:
            NotSignedIn, Forbidden: the key is not the hub's.
            Conflict: the hub wants another recogniser, or another version of its model.
            ModelMissing, ToolMissing: the model is not on this machine and cannot be fetched.
            Unavailable: it does not answer.
        """
        async with self._http() as http:
            await self._ask(http, "GET", self._root)
            await self.transcriber.prepare()
            await self._ask(http, "GET", self._root)

    async def _run(
        self, ctx: Context, session_id: str, hearing: str, number: int, language: str, translate: bool = False
    ) -> Json:
        return await ctx.step("hear", lambda: self.hear(session_id, hearing, number, language, translate=translate))

    async def hear(self, session_id: str, hearing: str, number: int, language: str, *, translate: bool = False) -> Json:
        """Fetch the sound of a piece, hear it, hand over the words; what the hub has already is not heard again."""
        path = f"{self._root}/sessions/{quote(session_id, safe='')}/hearings/{quote(hearing, safe='')}/{number}"
        given = {"language": language, "task": "translate" if translate else "transcribe"}
        async with self._http() as http:
            job = await self._patiently(lambda: self._ask(http, "GET", path, params=given))
            if not job["done"]:
                sound = await self._patiently(lambda: self._fetch(http, f"{path}/sound", given))
                transcript = await self._hear(sound, job)
                content = msgspec.json.encode(transcript)
                await self._patiently(lambda: self._ask(http, "PUT", f"{path}/words", params=given, data=content))
                self.say(f"handed over {_title(job)}: {len(transcript.cues)} cues")
        return {"file": job["file"]}

    async def _hear(self, sound: Path, job: Json) -> Transcript:
        self.say(f"transcribing {_title(job)} ({job['duration_ms'] // 1000} s)")
        request = TranscriptionJob(
            media=sound,
            start_ms=job["start_ms"],
            language=job["language"],
            check_language=job.get("check_language", False),
            translate=job.get("translate", False),
            vocabulary=tuple(job["vocabulary"]),
            time_limit_s=60 + job["duration_ms"] / 1000 * self.speed_limit,
        )
        try:
            return await self.transcriber.transcribe(request, lambda done, total: None)
        finally:
            await asyncio.to_thread(sound.unlink, missing_ok=True)

    @property
    def _root(self) -> str:
        return f"{self.url.rstrip('/')}/api/v1/worker"

    def _http(self) -> aiohttp.ClientSession:
        headers = {"Authorization": f"Bearer {self.key}"}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)
        return aiohttp.ClientSession(headers=headers, timeout=timeout)

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask again while the hub is away: what was heard is not thrown away for a restart."""
        clock = asyncio.get_running_loop().time
        deadline_s, nap_s = clock() + self.patience_s, 1.0
        while True:
            try:
                return await ask()
            except StreamhubError as error:
                if not error.transient or clock() + nap_s > deadline_s:
                    raise
                self.say(f"{error.message}; asking again in {nap_s:.0f} s")
            await asyncio.sleep(nap_s)
            nap_s = min(nap_s * 2, _MAX_NAP_S)

    async def _ask(
        self,
        http: aiohttp.ClientSession,
        method: str,
        url: str,
        *,
        params: dict[str, str] | None = None,
        data: bytes | None = None,
    ) -> Json:
        with self._border():
            given = {**await self._model(), **(params or {})}
            async with http.request(method, url, params=given, data=data) as response:
                return await _answer(response)

    async def _model(self) -> dict[str, str]:
        return {"recogniser": self.transcriber.name, "version": await self.transcriber.version()}

    async def _fetch(self, http: aiohttp.ClientSession, url: str, given: dict[str, str]) -> Path:
        descriptor, name = tempfile.mkstemp(suffix=_SUFFIX, dir=self.cache)
        target, whole = Path(name), False
        try:
            with os.fdopen(descriptor, "wb") as file, self._border():
                async with http.get(url, params={**await self._model(), **given}) as response:
                    if response.status >= 400:
                        await _answer(response)
                    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
                        file.write(chunk)
            whole = True  # the library raises when fewer bytes come than were announced
        finally:
            if not whole:
                await asyncio.to_thread(target.unlink)
        return target

    @contextlib.contextmanager
    def _border(self) -> Iterator[None]:
        try:
            yield
        except aiohttp.ClientError as error:
            raise Unavailable(
                f"hub {self.url}: does not answer ({error})", hint="check its address and yours"
            ) from error


@contextlib.contextmanager
def hold_cache(folder: Path) -> Iterator[None]:
    """Share the folder with the workers that use it already; the first one removes what killed ones have left.

    Raises:
        Environment: the folder cannot be made or written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / "lock").open("wb")
    except OSError as error:
        raise Environment(f"{folder}: cannot be written ({error})", hint="name another with --cache") from error
    with lock:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for left in folder.glob(f"*{_SUFFIX}"):
                left.unlink()
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def _title(job: Json) -> str:
    """A job for the reader."""
    number = f", piece {job['piece'] + 1} of {job['pieces']}" if job["pieces"] > 1 else ""
    return f"{job['session']}{number}"


async def _answer(response: aiohttp.ClientResponse) -> Json:
    """The hub's JSON answer, or its error as one of ours."""
    body = await response.json()
    if response.status < 400:
        return body
    told = body.get("error", {})
    message, hint = str(told.get("message", response.status)), str(told.get("hint", ""))
    if response.status in {401, 403}:
        message = f"hub: does not know this worker's key ({message})"
        hint = "set STREAMHUB_WORKER_KEY to what `streamhub status --worker-key` prints on the hub's machine"
    raise _KINDS.get(response.status, Unavailable if response.status >= 500 else StreamhubError)(message, hint=hint)
