"""Where a sign-in is kept: sealed with a key made from the workspace's secret, in a private file or in the keyring.

Owns the sealed form and the two places. Refuses to know how one signs in and what the credentials are used for.
"""

from __future__ import annotations

import base64
import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from google.auth.credentials import Credentials

from streamhub.config import Secret
from streamhub.errors import Environment, Fault, StreamhubError, ToolMissing
from streamhub.live.problem import ProblemCode, make_error
from streamhub.live.youtube.failures import NAMES
from streamhub.live.youtube.sign_in import Account, not_connected
from streamhub.timecode import format_instant, parse_instant

FILE_NAME = "youtube.token"
"""Its name in the workspace."""

_SERVICE = "streamhub youtube"
_AGAIN = "sign in again: streamhub youtube connect"
_KEYRING_LOOK_S = 15.0

_log = logging.getLogger(__name__)

WritePrivate = Callable[[Path, bytes], None]
"""Writes a file that only its owner can read, in one step."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OAuthClient:
    """The app as Google knows it.

    Attributes:
        client_id: its name.
        client_secret: what Google calls its secret.
        auth_uri: where a person allows it.
        token_uri: where codes and refresh tokens are turned into access tokens.
    """

    client_id: str
    client_secret: Secret
    auth_uri: str
    token_uri: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """What a person has allowed.

    Attributes:
        account: whose channel, when, and what.
        refresh_token: turns into access tokens for as long as it lasts; secret.
        client: the app that it was granted to; with another one it is worth nothing.
    """

    account: Account
    refresh_token: Secret
    client: OAuthClient

    def credentials(self, access_token: str | None = None) -> Credentials:
        """New credentials."""
        from google.oauth2.credentials import Credentials as UserCredentials

        return UserCredentials(  # type: ignore[no-untyped-call]
            token=access_token,
            refresh_token=str(self.refresh_token),
            token_uri=self.client.token_uri,
            client_id=self.client.client_id,
            client_secret=str(self.client.client_secret),
        )


class UnreadableGrant(Environment):
    """Something is kept, but it cannot be used; ``reason`` says why in a few words."""

    def __init__(self, place: str, reason: str, *, hint: str = _AGAIN) -> None:
        super().__init__(f"{place}: {reason}", hint=hint)
        self.reason = reason


class TokenKeeper(Protocol):
    """A place that keeps one grant."""

    @property
    def place(self) -> str:
        """Where it is, for people."""

    @property
    def quick(self) -> bool:
        """Whether looking there keeps nobody waiting."""

    def load(self) -> Grant | None:
        """The grant; None when there is none.

        Raises:
            UnreadableGrant: there is something, but it cannot be used.
            ToolMissing: the place needs something that is not installed.
        """

    def save(self, grant: Grant) -> None:
        """Keep a grant instead of the one before."""

    def forget(self) -> bool:
        """Remove it; says whether there was something."""

    def version(self) -> object:
        """Something that is different after every `save`, by whomever; None when nothing is kept."""


class TokenFile:
    """A grant in a file of the workspace, 0600.

    Args:
        path: the file.
        secret: the workspace's secret.
        write: how private files are written.
    """

    quick = True

    def __init__(self, path: Path, secret: bytes, write: WritePrivate) -> None:
        self._path = path
        self._secret = secret
        self._write = write

    @property
    def place(self) -> str:
        """The file's path."""
        return str(self._path)

    def load(self) -> Grant | None:
        """See `TokenKeeper`."""
        try:
            mode = self._path.stat().st_mode
            sealed = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnreadableGrant(self.place, f"cannot be read ({error.strerror})") from error
        if mode & 0o077:
            raise UnreadableGrant(
                self.place,
                "others can read it",
                hint=f"run chmod 600 {self._path}, and if others work on this machine, sign in again",
            )
        return unseal(sealed, self._secret, place=self.place)

    def save(self, grant: Grant) -> None:
        """See `TokenKeeper`.

        Raises:
            Environment: the file cannot be written.
        """
        try:
            self._write(self._path, seal(grant, self._secret))
        except OSError as error:
            raise Environment(
                f"{self._path}: cannot be written ({error.strerror})", hint="check rights and disk"
            ) from error

    def forget(self) -> bool:
        """See `TokenKeeper`.

        Raises:
            Environment: the file cannot be removed.
        """
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise Environment(
                f"{self._path}: cannot be removed ({error.strerror})", hint="check the folder's rights"
            ) from error
        return True

    def version(self) -> object:
        """Inode and time of the file."""
        try:
            seen = self._path.stat()
        except OSError:
            return None
        return seen.st_ino, seen.st_mtime_ns, seen.st_mode


class TokenKeyring:
    """A grant in the keyring of the system's user.

    Args:
        name: whose it is there; the workspace's path.
        secret: the workspace's secret.
        monotonic: seconds of a clock that never jumps: the keyring is asked again after a while only.
    """

    quick = False

    def __init__(self, name: str, secret: bytes, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._secret = secret
        self._monotonic = monotonic
        self._seen: tuple[float, str | None] | None = None

    @property
    def place(self) -> str:
        """As people find it."""
        return f"keyring, entry {_SERVICE!r} of {self._name}"

    def load(self) -> Grant | None:
        """See `TokenKeeper`."""
        sealed = self._ask()
        return unseal(sealed.encode(), self._secret, place=self.place) if sealed else None

    def save(self, grant: Grant) -> None:
        """See `TokenKeeper`."""
        self._seen = None
        self._call("set_password", _SERVICE, self._name, seal(grant, self._secret).decode())

    def forget(self) -> bool:
        """See `TokenKeeper`."""
        if not self._ask():
            return False
        self._seen = None
        self._call("delete_password", _SERVICE, self._name)
        return True

    def version(self) -> object:
        """The sealed text, at most some seconds old."""
        if self._seen is None or self._monotonic() - self._seen[0] > _KEYRING_LOOK_S:
            self._ask()
        return self._seen[1] if self._seen else None

    def _ask(self) -> str | None:
        sealed = self._call("get_password", _SERVICE, self._name)
        self._seen = (self._monotonic(), sealed)
        return sealed

    def _call(self, method: str, *values: str) -> str | None:
        try:
            import keyring
            from keyring.errors import KeyringError, NoKeyringError
        except ImportError as error:
            raise ToolMissing(
                "keyring: is not installed", hint="pip install 'streamhub[keyring]', or set youtube.keep_token = file"
            ) from error
        try:
            answer: str | None = getattr(keyring, method)(*values)
        except NoKeyringError as error:
            raise ToolMissing(
                "keyring: this machine has none that can be used",
                hint="install one (such as GNOME Keyring or KWallet), or set youtube.keep_token = file",
            ) from error
        except KeyringError as error:
            raise Environment(
                f"keyring: does not answer ({type(error).__name__})", hint="unlock it, or set youtube.keep_token = file"
            ) from error
        return answer


class KeptSignIn:
    """The sign-in that is kept; notices when a person signs in anew while the hub runs.

    Args:
        keeper: where it is kept.
    """

    def __init__(self, keeper: TokenKeeper) -> None:
        self._keeper = keeper
        self._version: object = None
        self._grant: Grant | None = None
        self._credentials: Credentials | None = None
        self._problem: StreamhubError | None = None
        self._looked = False
        self._lock = threading.RLock()

    @property
    def account(self) -> Account | None:
        """See `streamhub.live.youtube.sign_in.SignIn`; as of the last call where looking may keep one waiting."""
        if self._keeper.quick or not self._looked:
            with self._lock:
                self._look()
        return self._grant.account if self._grant else None

    def credentials(self) -> Credentials:
        """See `streamhub.live.youtube.sign_in.SignIn`."""
        with self._lock:
            return self._require()

    def _require(self) -> Credentials:
        self._look()
        if self._problem:
            reason = self._problem.reason if isinstance(self._problem, UnreadableGrant) else self._problem.message
            raise make_error(
                Fault.AUTH, ProblemCode.SIGN_IN_UNREADABLE, NAMES, reason=reason
            ) from self._problem.with_traceback(None)
        if self._credentials is None:
            raise not_connected()
        return self._credentials

    def note_refreshed(self, credentials: Credentials) -> None:
        """Keep a refresh token that was exchanged for a new one; access tokens are not worth it."""
        with self._lock:
            self._keep(credentials)

    def _keep(self, credentials: Credentials) -> None:
        fresh = getattr(credentials, "refresh_token", None)
        if credentials is not self._credentials or self._grant is None or not fresh:
            return
        if fresh == str(self._grant.refresh_token):
            return
        rotated = replace(self._grant, refresh_token=Secret(fresh))
        try:
            self._keeper.save(rotated)
        except StreamhubError as error:
            _log.error("platform.token_not_kept place=%s why=%s", self._keeper.place, error.message)
        self._grant = rotated
        self._version = self._keeper.version()

    def _look(self) -> None:
        self._looked = True
        try:
            version = self._keeper.version()
            if version == self._version:
                return
            self._version, self._problem = version, None
            self._grant = self._keeper.load()
            self._credentials = self._grant.credentials() if self._grant else None
        except StreamhubError as error:
            self._grant, self._credentials, self._problem = None, None, error


def seal(grant: Grant, secret: bytes) -> bytes:
    """A grant as unreadable text."""
    account, client = grant.account, grant.client
    content = {
        "version": 1,
        "refresh_token": str(grant.refresh_token),
        "channel_id": account.channel_id,
        "channel_title": account.channel_title,
        "granted_at": format_instant(account.granted_at),
        "scopes": list(account.scopes),
        "ends_at": format_instant(account.ends_at) if account.ends_at else None,
        "client_id": client.client_id,
        "client_secret": str(client.client_secret),
        "auth_uri": client.auth_uri,
        "token_uri": client.token_uri,
    }
    return _fernet(secret).encrypt(json.dumps(content, ensure_ascii=False).encode())


def unseal(sealed: bytes, secret: bytes, *, place: str) -> Grant:
    """The grant again.

    Raises:
        UnreadableGrant: it was sealed with another key, is damaged, or was written by a newer streamhub.
    """
    try:
        content = json.loads(_fernet(secret).decrypt(sealed.strip()))
    except (InvalidToken, ValueError) as error:
        raise UnreadableGrant(place, "damaged, or made with the secret of another workspace") from error
    try:
        return _parse(content)
    except (KeyError, TypeError, AttributeError, StreamhubError) as error:
        raise UnreadableGrant(place, "made by another version of streamhub") from error


def _parse(content: dict[str, Any]) -> Grant:
    return Grant(
        account=Account(
            channel_id=content["channel_id"],
            channel_title=content["channel_title"],
            granted_at=parse_instant(content["granted_at"]),
            scopes=tuple(content["scopes"]),
            ends_at=parse_instant(content["ends_at"]) if content.get("ends_at") else None,
        ),
        refresh_token=Secret(content["refresh_token"]),
        client=OAuthClient(
            client_id=content["client_id"],
            client_secret=Secret(content["client_secret"]),
            auth_uri=content["auth_uri"],
            token_uri=content["token_uri"],
        ),
    )


def _fernet(secret: bytes) -> Fernet:
    """A key for this purpose alone (HKDF, RFC 5869), so that the workspace's secret serves several."""
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"streamhub youtube token v1").derive(secret)
    return Fernet(base64.urlsafe_b64encode(key))
