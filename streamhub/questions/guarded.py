"""Fetching an address that a person typed, without ever reaching into the hub's own network.

Owns the one guarded fetch: http and https alone, no private address however it is written or resolved, each redirect
checked anew, a connection to the very address that was checked, caps on size and time. Refuses to know what is fetched.

See OWASP's sheet on server-side request forgery; redirects and second look-ups are where guards are usually forgotten.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from streamhub.errors import BadInput
from streamhub.questions.trouble import SourceCode, make_source_error
from streamhub.timecode import Now

MAX_REDIRECTS = 3
MAX_BYTES = 4_000_000
TIMEOUT_S = 30.0
MAX_URL_LENGTH = 1000
MAX_PAUSE = timedelta(hours=6)
"""A source that asks for a longer pause is asked again after this one."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_AGENT = "streamhub (reads questions from feeds)"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """What was at an address.

    Attributes:
        status: 200, or 304 when nothing changed; 207 where several things were asked for.
        body: the bytes; empty when nothing changed.
        url: where it was found in the end.
        etag, last_modified: to ask with the next time; may be empty.
        content_type: as the server says it.
    """

    status: int
    body: bytes
    url: str
    etag: str = ""
    last_modified: str = ""
    content_type: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """How an address is asked, where a plain look is not enough.

    Attributes:
        method: of the request.
        body: sent along; may be empty.
        headers: sent along.
        auth: the header that signs in; never sent without encryption, nor to another place than the one that was meant.
    """

    method: str = "GET"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    auth: str = field(default="", repr=False)


_LOOK = Ask()


class _Forbidden(OSError):
    """A name leads into a private network."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """Decides what may be fetched.

    Attributes:
        private: whether private addresses may be fetched too, such as those of an intranet.
        max_bytes: the largest body, unpacked.
        timeout_s: for everything together.
        now: the clock.
        agent: what the hub calls itself.
        trust: certificates to trust; None: those of the system.
    """

    now: Now
    private: bool = False
    max_bytes: int = MAX_BYTES
    timeout_s: float = TIMEOUT_S
    agent: str = _AGENT
    trust: ssl.SSLContext | None = None

    async def fetch(
        self, url: str, *, etag: str = "", last_modified: str = "", accept: str = "*/*", ask: Ask = _LOOK
    ) -> Fetched:
        """What is at an address now, or that nothing changed since.

        Raises:
            PlatformError: it may not or could not be fetched; says why.
        """
        place = urlsplit(url).hostname or url
        asked = {"User-Agent": self.agent, "Accept": accept, **ask.headers}
        conditions = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        try:
            async with asyncio.timeout(self.timeout_s), self._session() as session:
                return await self._follow(session, url, ask, {**asked, **{k: v for k, v in conditions.items() if v}})
        except (aiohttp.ClientConnectorCertificateError, ssl.SSLError) as error:
            raise make_source_error(SourceCode.NOT_TRUSTED, place) from error
        except (aiohttp.ClientError, OSError, TimeoutError, UnicodeError, ValueError) as error:
            code = SourceCode.PRIVATE if _is_forbidden(error) else SourceCode.UNREACHABLE
            raise make_source_error(code, place, reason=type(error).__name__) from error

    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            resolver=_Resolver(private=self.private), use_dns_cache=False, limit=2, ssl=self.trust or True
        )
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)

    async def _follow(self, session: aiohttp.ClientSession, url: str, ask: Ask, headers: Mapping[str, str]) -> Fetched:
        home = URL(url).origin() if ask.auth else None
        for _ in range(MAX_REDIRECTS + 1):
            place = self._require_fetchable(url)
            here = URL(url)
            if ask.auth and (here.origin() != home or here.scheme != "https"):  # nobody else gets the sign-in
                raise make_source_error(SourceCode.BROKEN, place, reason="redirect")
            signed = {**headers, "Authorization": ask.auth} if ask.auth else headers
            request = session.request(ask.method, url, data=ask.body or None, headers=signed, allow_redirects=False)
            async with request as answer:
                if answer.status not in _REDIRECTS:
                    return await self._take(answer, place)
                target = answer.headers.get("Location", "")
                if not target:
                    raise make_source_error(SourceCode.BROKEN, place, reason=str(answer.status))
                url = urljoin(url, target)
        raise make_source_error(SourceCode.BROKEN, urlsplit(url).hostname or url, reason="redirects")

    def _require_fetchable(self, url: str) -> str:
        """The host of an address that may be fetched; a name is checked again when it is resolved."""
        parts = URL(
            url
        )  # as the client reads it: another parser would see another host in "http://\uff11\uff12\uff17.0.0.1/"
        host = parts.host or ""
        if parts.scheme not in {"http", "https"} or not host or parts.user or parts.password:
            raise make_source_error(SourceCode.PRIVATE, host or url)
        try:
            literal = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            if (
                ":" in host or host.replace(".", "").isdigit()
            ):  # the client takes it for an address and resolves nothing
                raise make_source_error(SourceCode.PRIVATE, host) from None
            return host
        if not self.private and not is_public(literal):
            raise make_source_error(SourceCode.PRIVATE, host)
        return host

    async def _take(self, answer: aiohttp.ClientResponse, place: str) -> Fetched:
        if answer.status not in {200, 207, 304}:
            raise self._refusal(answer, place)
        body = bytearray()
        if answer.status != 304:
            async for chunk in answer.content.iter_chunked(65536):
                body += chunk
                if len(body) > self.max_bytes:
                    limit = str(self.max_bytes // 1_000_000)
                    raise make_source_error(SourceCode.TOO_LARGE, place, limit=limit)
        return Fetched(
            status=answer.status,
            body=bytes(body),
            url=str(answer.url),
            etag=answer.headers.get("ETag", "")[:500],
            last_modified=answer.headers.get("Last-Modified", "")[:100],
            content_type=answer.headers.get("Content-Type", "")[:200],
        )

    def _refusal(self, answer: aiohttp.ClientResponse, place: str) -> Exception:
        retry_at = plan_retry_at(answer.headers.get("Retry-After", ""), self.now())
        code = {
            401: SourceCode.SIGN_IN,
            403: SourceCode.SIGN_IN,
            404: SourceCode.GONE,
            410: SourceCode.GONE,
            429: SourceCode.PAUSE,
        }.get(answer.status, SourceCode.UNREACHABLE if answer.status >= 500 else SourceCode.BROKEN)
        if answer.status == 503 and retry_at:
            code = SourceCode.PAUSE
        return make_source_error(code, place, retry_at=retry_at, reason=str(answer.status))


def parse_url(typed: str) -> str:
    """A web address as somebody typed it, made uniform.

    Raises:
        BadInput: it is none.
    """
    url = typed.strip()
    if url and "://" not in url:
        url = f"https://{url}"
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        known = False
    blank = any(character.isspace() or not character.isprintable() for character in url)
    if not known or blank or len(url) > MAX_URL_LENGTH or parts.username or parts.password:
        raise BadInput(
            f"address {typed[:100]!r}: no web address", hint="write it as https://firma.de/blog/comments.xml"
        )
    return parts._replace(fragment="").geturl()


def plan_retry_at(header: str, now: datetime) -> datetime | None:
    """The instant that a ``Retry-After`` names, in seconds or as a date (RFC 9110, 10.2.3); None when it names none."""
    text = header.strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return now + min(timedelta(seconds=int(text)), MAX_PAUSE)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return min(at, now + MAX_PAUSE) if at > now else None


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, also when it wraps another one."""
    if isinstance(address, ipaddress.IPv6Address):
        wrapped = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in _NAT64 or address in _COMPATIBLE:
            wrapped = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if wrapped is not None:
            return is_public(wrapped)
    return address.is_global and not address.is_multicast


def _is_forbidden(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _Forbidden):
            return True
        cause = getattr(cause, "os_error", None) or cause.__cause__
    return False


@dataclass(kw_only=True, slots=True)
class _Resolver(AbstractResolver):
    """Resolves once, and hands out the checked addresses alone, so that what was checked is what is connected to."""

    private: bool
    timeout_s: float = field(default=10.0)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        results: list[ResolveResult] = []
        for kind, _, proto, _, place in found:
            address = str(place[0])
            if not self.private and not is_public(ipaddress.ip_address(address.partition("%")[0])):
                raise _Forbidden(f"{host}: leads to {address}")
            results.append(
                ResolveResult(
                    hostname=host, host=address, port=port, family=kind, proto=proto, flags=socket.AI_NUMERICHOST
                )
            )
        return results

    async def close(self) -> None:
        """Nothing is kept open."""
