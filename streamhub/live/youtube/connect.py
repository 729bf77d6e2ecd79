"""Signing in: the OAuth course of an installed app, with a loopback address and PKCE (RFC 8252, RFC 7636).

Owns the course: the client file, the address to open, the answer of the browser, the code's exchange, the account's
name, and what makes a sign-in unfit to be kept. Refuses to know where sign-ins are kept.
"""

from __future__ import annotations

import html
import json
import os
import queue
import signal
import sys
import threading
import urllib.parse
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from streamhub.config import Secret
from streamhub.errors import BadInput, Fault, Forbidden, PortInUse, TimedOut
from streamhub.live.problem import ProblemCode, make_error
from streamhub.live.quota import Priority
from streamhub.live.youtube.client import Api, quiet_libraries
from streamhub.live.youtube.failures import NAMES, Silence, decide_silence
from streamhub.live.youtube.ledger import Ledger
from streamhub.live.youtube.sign_in import SCOPE, Account, GivenSignIn
from streamhub.live.youtube.texts import clean_line
from streamhub.live.youtube.token import Grant, OAuthClient, TokenKeeper, UnreadableGrant
from streamhub.timecode import Now

PASTE_PORT = 8976
"""Stands in the address of the page that fails to load, when nobody listens on purpose."""

_PASTE_TRIES = 3
_MAKE_CLIENT = (
    "make an OAuth client of the type 'Desktop app' in the Google Cloud console, download its JSON, "
    "and name that file in youtube.client_file"
)
_DONE = "Signed in. You may close this page. / Angemeldet. Sie können diese Seite schließen."
_NOT_DONE = "Not signed in. Look at the terminal. / Nicht angemeldet. Sehen Sie im Terminal nach."

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """How a person wants to sign in.

    Attributes:
        client_file: the OAuth client.
        port: of this machine, where the browser's answer is awaited; 0: a free one.
        open_browser: whether to open one here.
        paste: asks the person for a line; with it nobody listens, and the address of the page that failed to load is
            pasted instead. None: listen.
        wait_s: how long the person may take.
    """

    client_file: Path
    port: int = 0
    open_browser: bool = True
    paste: Callable[[str], str] | None = None
    wait_s: float = 600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Permission:
    """What the course brings, before the account has a name.

    Attributes:
        refresh_token: secret.
        access_token: secret; good for the first hour.
        scopes: what was allowed.
        client: to which app.
        granted_at: when, UTC.
        ends_at: when it ends by itself, where the platform says so, UTC.
    """

    refresh_token: Secret
    access_token: Secret
    scopes: tuple[str, ...]
    client: OAuthClient
    granted_at: datetime
    ends_at: datetime | None = None


def load_client(path: Path) -> OAuthClient:
    """Read an OAuth client as Google lets one download it.

    Raises:
        BadInput: the file is missing, is no JSON, or belongs to another kind of client.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no such file", hint=_MAKE_CLIENT) from error
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})", hint="check the file's rights") from error
    except ValueError as error:
        raise BadInput(f"{path}: not JSON", hint=_MAKE_CLIENT) from error
    if not isinstance(content, dict) or not isinstance(content.get("installed"), dict):
        kind = next((name for name in ("web", "type") if isinstance(content, dict) and name in content), "")
        seen = {"web": "a client of the type 'Web application'", "type": "a service account or another kind of key"}
        raise BadInput(f"{path}: {seen.get(kind, 'not an OAuth client')}", hint=_MAKE_CLIENT)
    return _parse_client(path, content["installed"])


def _parse_client(path: Path, fields: Mapping[str, Any]) -> OAuthClient:
    values = {}
    for name in ("client_id", "client_secret", "auth_uri", "token_uri"):
        value = fields.get(name)
        if not isinstance(value, str) or not value:
            raise BadInput(f"{path}: has no {name}", hint=_MAKE_CLIENT)
        values[name] = value
    for name in ("auth_uri", "token_uri"):
        address = urllib.parse.urlsplit(values[name])
        if address.scheme != "https" and address.hostname not in {"127.0.0.1", "::1", "localhost"}:
            raise BadInput(f"{path}: {name} is not an https address", hint="download the file again")
    return OAuthClient(
        client_id=values["client_id"],
        client_secret=Secret(values["client_secret"]),
        auth_uri=values["auth_uri"],
        token_uri=values["token_uri"],
    )


def open_graphical(address: str) -> bool:
    """Open an address in a browser, unless that would be one of text, which takes the terminal away."""
    graphical = sys.platform in {"darwin", "win32"} or any(os.environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY"))
    return graphical and webbrowser.open(address)


def authorise(wish: Wish, *, say: Say, now: Now, open_page: Callable[[str], bool] = open_graphical) -> Permission:
    """Have a person allow the hub to act on a channel; blocks until done, and cleans up when interrupted.

    Args:
        wish: how.
        say: shows a line to the person.
        now: the clock.
        open_page: opens an address in a browser.

    Raises:
        BadInput: the client file, or what was pasted, cannot be used.
        Forbidden: the person said no, or the platform did not accept the answer.
        TimedOut: nobody answered.
        PortInUse: the port is taken.
        PlatformError: the platform does not answer, or less was allowed than is needed.
    """
    quiet_libraries()
    client = load_client(wish.client_file)
    with _interruptible():
        return _walk(wish, client, say, now, open_page)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end the waiting also within `asyncio.run`, which by itself only notes it until the loop goes on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _walk(wish: Wish, client: OAuthClient, say: Say, now: Now, open_page: Callable[[str], bool]) -> Permission:
    if wish.paste is not None:
        redirect = f"http://127.0.0.1:{wish.port or PASTE_PORT}/"
        flow, address, state = _begin(client, redirect)
        say("Open this address in a browser, on any machine, and sign in with the channel's account:")
        say(address)
        say(f"At the end the browser shows an error: it finds no page at {redirect} - that is as it should be.")
        return _finish(flow, client, _ask_for_page(wish.paste, state, say), now)
    with _listening(wish.port) as (server, answers):
        flow, address, state = _begin(client, f"http://127.0.0.1:{server.server_port}/")
        server.expected_state = state
        if not (wish.open_browser and open_page(address)):
            say("If this machine has no browser, run this on the machine that has one, and leave it running:")
            say(f"  ssh -N -L {server.server_port}:127.0.0.1:{server.server_port} <this machine>")
        say("Open this address in a browser, and sign in with the channel's account:")
        say(address)
        try:
            answer = answers.get(timeout=wish.wait_s)
        except queue.Empty as error:
            raise TimedOut(
                f"sign-in: nobody answered within {wish.wait_s:.0f} s",
                hint="run the command again; without a browser here use --paste",
            ) from error
        return _finish(flow, client, answer, now)


async def accept(
    permission: Permission, keeper: TokenKeeper, ledger: Ledger, *, api_url: str, now: Now, change_account: bool = False
) -> Account:
    """Ask the platform whose channel it is, and keep the sign-in if it is fit.

    Raises:
        PlatformError: WRONG_ACCOUNT: another channel than before; NOT_ALLOWED: the account has no channel; others.
    """
    before = _account_before(keeper)
    nameless = Account(
        channel_id="",
        channel_title="",
        granted_at=permission.granted_at,
        scopes=permission.scopes,
        ends_at=permission.ends_at,
    )
    grant = Grant(account=nameless, refresh_token=permission.refresh_token, client=permission.client)
    sign_in = GivenSignIn(grant.credentials(str(permission.access_token)))
    api = Api(sign_in, ledger, url=api_url, now=now, threads=1)
    try:
        found = await api.read("channels.list", priority=Priority.TRANSITION, part="id,snippet", mine=True)
    finally:
        await api.close()
    items = found.get("items") or []
    if not items:
        raise make_error(Fault.NOT_ALLOWED, ProblemCode.NOT_ALLOWED, NAMES, reason="this account has no channel")
    title = clean_line(items[0].get("snippet", {}).get("title", ""))  # it is printed, and shown to hosts
    account = replace(nameless, channel_id=items[0]["id"], channel_title=title)
    if before and before.channel_id != account.channel_id and not change_account:
        details = {**NAMES, "seen": account.channel_title, "expected": before.channel_title}
        raise make_error(Fault.AUTH, ProblemCode.WRONG_ACCOUNT, details)
    keeper.save(replace(grant, account=account))
    return account


def parse_answer(text: str, state: str) -> Mapping[str, str] | None:
    """The answer of the browser in an address or its query; None when it is not the one that is awaited."""
    try:
        query = urllib.parse.urlsplit(text.strip()).query or text.strip().lstrip("?/")
        fields = {name: values[0] for name, values in urllib.parse.parse_qs(query).items()}
    except ValueError:  # no address, such as one with half an IPv6 host, or far too many fields
        return None
    same = compare_digest(fields.get("state", "").encode(errors="replace"), state.encode())
    if not same or not (fields.get("code") or fields.get("error")):
        return None
    return fields


def _account_before(keeper: TokenKeeper) -> Account | None:
    try:
        grant = keeper.load()
    except UnreadableGrant:
        return None  # signing in again is what it needs
    return grant.account if grant else None


def _begin(client: OAuthClient, redirect: str) -> tuple[Any, str, str]:
    from google_auth_oauthlib.flow import InstalledAppFlow

    config = {
        "client_id": client.client_id,
        "client_secret": str(client.client_secret),
        "auth_uri": client.auth_uri,
        "token_uri": client.token_uri,
    }
    flow = InstalledAppFlow.from_client_config({"installed": config}, [SCOPE], autogenerate_code_verifier=True)
    flow.redirect_uri = redirect
    # without prompt=consent a second sign-in brings no refresh token
    address, state = flow.authorization_url(access_type="offline", prompt="consent")
    flow.oauth2session.scope = None  # oauthlib takes fewer scopes than asked for as an accident; we look ourselves
    return flow, address, state


def _finish(flow: Any, client: OAuthClient, answer: Mapping[str, str], now: Now) -> Permission:
    """Exchange the code for tokens."""
    if "code" not in answer:
        raise Forbidden(
            f"sign-in: was refused in the browser ({_plain(answer['error'])})",
            hint="run the command again and allow it",
        )
    token = _exchange(flow, answer["code"], now)
    allowed = token.get("scope") or SCOPE
    scopes = tuple(allowed.split() if isinstance(allowed, str) else allowed)
    if SCOPE not in scopes:
        raise make_error(Fault.AUTH, ProblemCode.SCOPE_MISSING, NAMES, reason="scope")
    if not token.get("refresh_token"):
        raise Forbidden(
            "sign-in: Google sent no refresh token, so it would end within the hour",
            hint="remove the app at myaccount.google.com/permissions, then run the command again",
        )
    return Permission(
        refresh_token=Secret(token["refresh_token"]),
        access_token=Secret(token["access_token"]),
        scopes=scopes,
        client=client,
        granted_at=now(),
        ends_at=_parse_end(token, now()),
    )


def _parse_end(token: Mapping[str, Any], at: datetime) -> datetime | None:
    """When the sign-in ends by itself: the token endpoint says it for apps in "Testing"."""
    seconds = token.get("refresh_token_expires_in")
    return at + timedelta(seconds=seconds) if isinstance(seconds, int) and 0 < seconds < 10**9 else None


def _exchange(flow: Any, code: str, now: Now) -> Mapping[str, Any]:
    from oauthlib.oauth2 import OAuth2Error  # type: ignore[import-untyped]
    from requests import RequestException

    try:
        token: Mapping[str, Any] = flow.fetch_token(code=code, timeout=20)
    except OAuth2Error as error:
        word = _plain(error.error or type(error).__name__)
        hint = "download the client file again" if "client" in word else "run the command again"
        raise Forbidden(f"sign-in: Google did not accept it ({word})", hint=hint) from None  # it may quote the answer
    except RequestException:
        raise decide_silence(Silence.NOT_CONNECTED, writing=False, now=now()) from None
    except (ValueError, TypeError, AttributeError):
        raise decide_silence(Silence.GARBLED, writing=False, now=now()) from None
    finally:
        flow.oauth2session.close()
    return token


def _ask_for_page(paste: Callable[[str], str], state: str, say: Say) -> Mapping[str, str]:
    for _ in range(_PASTE_TRIES):
        answer = parse_answer(paste("Paste the whole address of that page here: "), state)
        if answer:
            return answer
        say("That is not the address of the page after this sign-in; copy all of it from the browser's address bar.")
    raise BadInput("sign-in: what was pasted is not the answer to this sign-in", hint="run the command again")


class _Server(ThreadingHTTPServer):
    """Waits for the browser's answer; strangers, favicons and early connections do not end it."""

    daemon_threads = True
    allow_reuse_address = False
    expected_state = ""

    def __init__(self, port: int, answers: queue.SimpleQueue[Mapping[str, str]]) -> None:
        self.answers = answers
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    timeout = 10
    server: _Server

    def do_GET(self) -> None:
        state = self.server.expected_state
        answer = parse_answer(self.path, state) if state else None
        if answer is None:
            self._reply(404, "Not the page that is awaited here.")
            return
        self._reply(200, _DONE if "code" in answer else _NOT_DONE)
        self.server.answers.put(answer)

    def _reply(self, status: int, text: str) -> None:
        page = f"<!doctype html><meta charset=utf-8><title>streamhub</title><p>{html.escape(text)}</p>".encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Length": str(len(page)),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "Content-Security-Policy": "default-src 'none'",
            "Connection": "close",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: Any) -> None:
        """The request line holds the code, so it is not logged."""


@contextmanager
def _listening(port: int) -> Iterator[tuple[_Server, queue.SimpleQueue[Mapping[str, str]]]]:
    answers: queue.SimpleQueue[Mapping[str, str]] = queue.SimpleQueue()
    try:
        server = _Server(port, answers)
    except OSError as error:
        raise PortInUse(
            f"127.0.0.1:{port}: cannot listen ({error.strerror})", hint="name another one with --port"
        ) from error
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield server, answers
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _plain(word: object) -> str:
    """A word of theirs, as far as it is one."""
    plain = isinstance(word, str) and word.replace("_", "").isalnum() and word.isascii() and len(word) <= 40
    return str(word) if plain else "?"
