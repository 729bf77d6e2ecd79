"""The client of YouTube's Data API: each call one request that is counted, made off the event loop, and understood.

Owns the threads, the connections (one per thread: httplib2 is not made for sharing), the sign-in on the wire, and what
is tried again: reads are, after a pause; writes never are, because nobody knows what became of the first.

Refuses to know what is asked and why. Source: googleapis.github.io/google-api-python-client/docs/thread_safety.html.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import random as randomness
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError, RefreshError

from streamhub.errors import Fault, PlatformError
from streamhub.live.problem import ProblemCode
from streamhub.live.quota import Priority
from streamhub.live.youtube.failures import (
    Answer,
    Silence,
    decide_bug,
    decide_refusal,
    decide_silence,
    parse_reason,
    plan_pause_s,
)
from streamhub.live.youtube.ledger import Ledger
from streamhub.live.youtube.shape import Misshapen, Schemas, shape_answer
from streamhub.live.youtube.sign_in import SignIn, signed_out
from streamhub.live.youtube.transport import LateAnswer, LostAnswer, NotConnected, OneShotHttp, silence_of
from streamhub.timecode import Now, require_utc

Json = dict[str, Any]

FAREWELL_S = 3.0
"""How long a hub that stops waits for the answers to its writes."""
CLOCK_TOLERANCE_MINUTES = 5
"""A clock that is further off is a problem for the host."""

_log = logging.getLogger(__name__)


_BLUR_S = 2.0
"""Clocks that differ by less are taken for the same: that is as well as a header and the way to it can tell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Request:
    """A call on its way to a thread.

    Attributes:
        call: which, such as ``liveBroadcasts.list``.
        params: its parameters, ``body`` among them.
        writing: whether it changes something there.
        media: a file that goes with it.
        mime: its kind.
    """

    call: str
    params: Mapping[str, Any]
    writing: bool
    media: bytes | None = None
    mime: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How the client waits.

    Attributes:
        random: a number in [0, 1), for the jitter of pauses.
        sleep: waits so many seconds.
    """

    random: Callable[[], float] = randomness.random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Api:
    """The calls. Make one for each account, end it with `close`.

    Args:
        sign_in: where the credentials come from.
        ledger: where the quota is counted.
        url: address of the API, ends with ``/``.
        now: the clock.
        timeout_s: how long one answer may take.
        threads: how many calls may run at once.
        pace: how it waits between tries.
    """

    def __init__(
        self,
        sign_in: SignIn,
        ledger: Ledger,
        *,
        url: str,
        now: Now,
        timeout_s: float = 20.0,
        threads: int = 4,
        pace: Pace | None = None,
    ) -> None:
        quiet_libraries()
        self.sign_in = sign_in
        self.ledger = ledger
        self.clock_off_minutes = 0
        self.clock_off_s = 0.0
        self._document = rewrite_document(url)
        self._now = now
        self._timeout_s = timeout_s
        self._pace = pace or Pace()
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="platform api")
        self._own = threading.local()
        self._https: list[OneShotHttp] = []
        self._refreshing = threading.Lock()
        self._refused: tuple[Credentials, str] | None = None
        self._writes: set[asyncio.Task[Json]] = set()
        self._closing = False

    async def read(self, call: str, *, priority: Priority, **params: Any) -> Json:
        """Ask; tried again after a pause when the platform is busy or stumbles.

        Raises:
            PlatformError: as told by `streamhub.live.youtube.failures`.
        """
        request = _Request(call=call, params=params, writing=False)
        tries = 0
        while True:
            await self.ledger.spend(call, priority)
            try:
                return await self._in_thread(request)
            except PlatformError as error:
                await self._believe(error)
                tries += 1
                pause_s = plan_pause_s(error, tries, now=self._now(), random=self._pace.random)
                if pause_s is None:
                    raise
            await self._pace.sleep(pause_s)

    async def write(self, call: str, *, priority: Priority, **params: Any) -> Json:
        """Change something; exactly one request, unless its certain refusal was about an old sign-in.

        Cancelling the caller does not call it back: it is finished, and how it ended is logged.

        Raises:
            PlatformError: UNKNOWN_OUTCOME: it may have happened, look; anything else: it did not happen.
        """
        return await self._write(_Request(call=call, params=params, writing=True), priority)

    async def upload(self, call: str, *, priority: Priority, media: bytes, mime: str, **params: Any) -> Json:
        """Change something by a file, in one request; like `write`."""
        return await self._write(_Request(call=call, params=params, writing=True, media=media, mime=mime), priority)

    async def close(self) -> None:
        """Break off reads, let writes end for some seconds, then close the connections.

        A write that has no answer by then is left alone: its intent is on the disk, and the next start looks.
        """
        self._closing = True
        self._abort(writing=False)
        if self._writes:
            await asyncio.wait(self._writes, timeout=FAREWELL_S)
        ending = asyncio.create_task(asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True))
        while not ending.done():
            self._abort(writing=True)
            await asyncio.wait([ending], timeout=0.1)
        if self._writes:
            await asyncio.wait(self._writes)
        for http in self._https:
            http.close()

    def _abort(self, *, writing: bool) -> None:
        for http in list(self._https):
            if writing or not http.writing:
                http.abort()

    async def _write(self, request: _Request, priority: Priority) -> Json:
        await self.ledger.spend(request.call, priority)
        running = asyncio.create_task(self._write_once(request))
        self._writes.add(running)
        running.add_done_callback(self._writes.discard)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            running.add_done_callback(functools.partial(_log_left_alone, request.call))
            raise

    async def _write_once(self, request: _Request) -> Json:
        try:
            return await self._in_thread(request)
        except PlatformError as error:
            await self._believe(error)
            raise

    async def _believe(self, error: PlatformError) -> None:
        if error.fault is Fault.QUOTA:
            await self.ledger.used_up()

    async def _in_thread(self, request: _Request) -> Json:
        try:
            running = self._pool.submit(self._run, request)
        except RuntimeError as error:
            raise decide_silence(Silence.CLOSED, writing=False, now=self._now()) from error
        return await asyncio.wrap_future(running)

    def _run(self, request: _Request) -> Json:
        """On a thread: sign, send, understand; an old sign-in is renewed once."""
        if self._closing and not request.writing:
            raise decide_silence(Silence.CLOSED, writing=False, now=self._now())
        token = self._sign()
        try:
            return self._send(request, token)
        except PlatformError as error:
            if error.fault is not Fault.AUTH or error.code != ProblemCode.SIGNED_OUT:
                raise
        return self._send(request, self._sign(stale=token))

    def _send(self, request: _Request, token: str) -> Json:
        from googleapiclient.errors import HttpError

        http = self._http()
        if request.writing:
            http.close()  # a kept connection may be dead already, and then nobody would know whether the write arrived
        prepared = self._prepare(request)
        prepared.headers["authorization"] = f"Bearer {token}"
        quota_back_at = self.ledger.budget.next_day_at(self._now())
        began = self._now()
        http.writing = request.writing
        try:
            answer = prepared.execute(num_retries=0)
        except HttpError as error:
            reason = parse_reason(error.content)
            refused = Answer(
                status=error.resp.status, reason=reason, retry_after=str(error.resp.get("retry-after", ""))
            )
            raise decide_refusal(
                refused, call=request.call, writing=request.writing, now=self._now(), quota_back_at=quota_back_at
            ) from error
        except (NotConnected, LostAnswer, LateAnswer) as error:
            raise decide_silence(silence_of(error), writing=request.writing, now=self._now()) from error
        except (ValueError, RecursionError) as error:  # no UTF-8, or nested to make us fall
            raise decide_silence(Silence.GARBLED, writing=request.writing, now=self._now()) from error
        finally:
            http.writing = False
            self._compare_clocks(http.last_date, began)
            took_ms = round((self._now() - began).total_seconds() * 1000)
            _log.debug("platform.called call=%s status=%s took_ms=%d", request.call, http.last_status, took_ms)
        if answer and not isinstance(answer, dict):  # the library hands out as it is what is no JSON
            raise decide_silence(Silence.GARBLED, writing=request.writing, now=self._now())
        try:
            return shape_answer(answer or {}, *_answer_schema(request.call))
        except Misshapen as error:
            _log.warning("platform.answer_misshapen call=%s %s", request.call, error)
            raise decide_silence(Silence.GARBLED, writing=request.writing, now=self._now()) from error

    def _prepare(self, request: _Request) -> Any:
        from googleapiclient.http import MediaInMemoryUpload

        params = dict(request.params)
        if request.media is not None:
            params["media_body"] = MediaInMemoryUpload(request.media, mimetype=request.mime, resumable=False)
        family, _, method = request.call.partition(".")
        try:
            return getattr(getattr(self._own.service, family)(), method)(**params)
        except (TypeError, AttributeError) as error:  # refused by the library, before anything is sent: our mistake
            raise decide_bug(f"{request.call}: {error}") from error

    def _http(self) -> OneShotHttp:
        """This thread's connection and, beside it, its service."""
        if not hasattr(self._own, "http"):
            from googleapiclient.discovery import build_from_document

            http = OneShotHttp(timeout_s=self._timeout_s)
            self._own.service = build_from_document(
                self._document, http=http, client_options={"universe_domain": "googleapis.com"}
            )
            self._own.http = http
            self._https.append(http)
        kept: OneShotHttp = self._own.http
        return kept

    def _sign(self, stale: str | None = None) -> str:
        """A token that is good as far as we know; renewed under one lock.

        Args:
            stale: a token that was refused; whoever comes second with it gets what the first one renewed.
        """
        from google_auth_httplib2 import Request

        credentials = self.sign_in.credentials()
        with self._refreshing:
            if self._refused and self._refused[0] is credentials:
                raise signed_out(self.sign_in.account, self._now, reason=self._refused[1])
            if credentials.token and not credentials.expired and credentials.token != stale:
                return str(credentials.token)
            try:
                credentials.refresh(Request(self._http()))  # type: ignore[no-untyped-call]
            except (GoogleAuthError, NotConnected, LostAnswer, LateAnswer) as error:
                raise self._understand(credentials, error) from error
            except (ValueError, TypeError, AttributeError, RecursionError) as error:  # the library did not look
                raise decide_silence(Silence.GARBLED, writing=False, now=self._now()) from error
            self.sign_in.note_refreshed(credentials)
            return str(credentials.token)

    def _understand(self, credentials: Credentials, error: Exception) -> PlatformError:
        """Why credentials could not be renewed; what is final is remembered, so that nobody asks again and again."""
        if not isinstance(error, RefreshError) or error.retryable:
            silence = silence_of(error) if isinstance(error, OSError) else Silence.LOST
            return decide_silence(silence, writing=False, now=self._now())
        word = parse_grant_error(error)
        error.args = (word,)  # the library keeps the whole answer in there
        if not word:
            return decide_silence(Silence.GARBLED, writing=False, now=self._now())
        self._refused = (credentials, word)
        return signed_out(self.sign_in.account, self._now, reason=word)

    def _compare_clocks(self, date: str, began: datetime) -> None:
        try:
            theirs = require_utc(parsedate_to_datetime(date))
        except (ValueError, TypeError):
            return
        took = self._now() - began
        off_s = (began + took / 2 - theirs).total_seconds() - 0.5  # the header knows whole seconds only
        self.clock_off_minutes = round(off_s / 60)
        if took.total_seconds() <= _BLUR_S:  # within a slow answer nobody knows when it was written
            self.clock_off_s = off_s if abs(off_s) > _BLUR_S else 0.0


def rewrite_document(url: str) -> str:
    """The API's description as bundled with the library, for another address.

    The library's own option for that, ``api_endpoint``, leaves uploads on https (measured), so the document is changed.
    """
    document = json.loads(_bundled_document())
    address = url if url.endswith("/") else f"{url}/"
    document.update(rootUrl=address, baseUrl=address, servicePath="", mtlsRootUrl=address)
    return json.dumps(document)


@functools.cache
def _bundled_document() -> str:
    from googleapiclient.discovery_cache import get_static_doc

    document: str = get_static_doc("youtube", "v3")
    return document


@functools.cache
def _described() -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads(_bundled_document())
    return document


@functools.cache
def _answer_schema(call: str) -> tuple[str, Schemas]:
    """Name of the schema of a call's answer, and all schemas; a call without an answer has an empty one."""
    family, _, method = call.partition(".")
    described = _described()
    name = described["resources"][family]["methods"][method].get("response", {}).get("$ref", "")
    return name, {"": {}, **described["schemas"]}


def parse_grant_error(error: RefreshError) -> str:
    """The word of the token endpoint, such as ``invalid_grant``; empty when it gave none."""
    answer = error.args[1] if len(error.args) > 1 else None
    if isinstance(answer, Mapping):
        word = answer.get("error")
        plain = isinstance(word, str) and word.isascii() and word.isprintable() and len(word) <= 40
        return str(word) if plain else ""
    return "incomplete" if "necessary fields" in str(error) else ""


def quiet_libraries() -> None:
    """Keep the libraries from logging: at DEBUG some of them write tokens, codes and secrets."""
    for name in ("google", "google_auth_httplib2", "google_auth_oauthlib", "googleapiclient", "oauthlib"):
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("requests_oauthlib").setLevel(logging.ERROR)


def _log_left_alone(call: str, done: asyncio.Task[Json]) -> None:
    """Say how a write ended whose caller was cancelled; the intent row is still there for whoever looks next."""
    if done.cancelled():
        return
    error = done.exception()
    outcome = getattr(error, "fault", type(error).__name__) if error else "done"
    _log.warning("platform.write_left_alone call=%s outcome=%s", call, outcome)
