"""One request is one request: HTTP connections that never send anything twice.

httplib2 by itself sends a request again when the connection breaks before the answer, a POST too, whatever
its ``RETRIES`` say: two broadcasts, and the caller sees success (measured). It does so on errors of ``http.client``;
connections that raise an `OSError` of ours instead are left alone. They are handed over by the public parameter
``connection_type``. Owns also the telling apart of "nothing was sent" and "nobody knows".

Refuses to know what is asked.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

import httplib2
from httplib2 import HTTPConnectionWithTimeout, HTTPSConnectionWithTimeout

from streamhub.live.youtube.failures import Silence

CONNECT_S = 8.0
"""A connection, TLS included, may take so long; where a network swallows one address, the next one is tried soon."""


class NotConnected(OSError):
    """No connection could be made: nothing was sent."""


class LostAnswer(OSError):
    """The connection broke after the request began."""


class LateAnswer(OSError):
    """No answer in time."""


class _OneShot:
    """What both kinds of connections have in common; mixed in before httplib2's class."""

    timeout: float
    sock: Any

    def connect(self) -> None:
        patience_s, self.timeout = self.timeout, min(self.timeout, CONNECT_S)  # for each address of the host
        try:
            super().connect()  # type: ignore[misc]
        except (OSError, http.client.HTTPException, httplib2.HttpLib2Error) as error:
            raise NotConnected(_say(error)) from error
        finally:
            self.timeout = patience_s
        self.sock.settimeout(patience_s)

    def request(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().request(*args, **kwargs)  # type: ignore[misc]
        except NotConnected:
            raise
        except (OSError, http.client.HTTPException) as error:
            raise _broken(error) from error

    def getresponse(self) -> http.client.HTTPResponse:
        try:
            response: http.client.HTTPResponse = super().getresponse()  # type: ignore[misc]
        except (OSError, http.client.HTTPException) as error:
            raise _broken(error) from error
        return response


class OneShotConnection(_OneShot, HTTPConnectionWithTimeout):  # type: ignore[misc]
    """A plain connection; for rehearsals and tests."""


class OneShotSecureConnection(_OneShot, HTTPSConnectionWithTimeout):  # type: ignore[misc]
    """A TLS connection."""


class OneShotHttp(httplib2.Http):  # type: ignore[misc]
    """httplib2 with those connections, no redirects, no cache; belongs to one thread.

    Attributes:
        last_date: the header ``Date`` of the last answer; empty when there was none.
        last_status: its HTTP status; 0 when there was none.
        writing: whether what runs on it now changes something there.
    """

    def __init__(self, *, timeout_s: float) -> None:
        super().__init__(timeout=timeout_s)
        self.follow_redirects = False
        self.last_date = ""
        self.last_status = 0
        self.writing = False

    def abort(self) -> None:
        """From another thread: break off what waits for an answer; the waiting side sees a broken connection."""
        for connection in list(self.connections.values()):
            if connection.sock is not None:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)  # also below TLS, without a farewell

    def request(
        self,
        uri: str,
        method: str = "GET",
        body: Any = None,
        headers: Any = None,
        redirections: int = httplib2.DEFAULT_MAX_REDIRECTS,
        connection_type: Any = None,
    ) -> Any:
        """One request on the wire.

        Raises:
            NotConnected: nothing was sent.
            LostAnswer: the connection broke; the other side may have acted.
            LateAnswer: no answer in time; the other side may have acted.
        """
        kind = OneShotSecureConnection if urlsplit(uri).scheme == "https" else OneShotConnection
        self.last_date, self.last_status = "", 0
        try:
            response, content = super().request(
                uri, method=method, body=body, headers=headers, redirections=redirections, connection_type=kind
            )
        except (NotConnected, LostAnswer, LateAnswer):
            self.close()
            raise
        except (OSError, http.client.HTTPException, httplib2.HttpLib2Error) as error:  # while the body was read
            self.close()
            raise _broken(error) from error
        self.last_date, self.last_status = response.get("date", ""), response.status
        return response, content


def silence_of(error: OSError) -> Silence:
    """Which kind of silence it was."""
    if isinstance(error, NotConnected):
        return Silence.NOT_CONNECTED
    return Silence.TIMED_OUT if isinstance(error, LateAnswer) else Silence.LOST


def _broken(error: BaseException) -> OSError:
    if isinstance(error, NotConnected | LostAnswer | LateAnswer):
        return error
    late = isinstance(error, TimeoutError) or (isinstance(error, ssl.SSLError) and "timed out" in str(error))
    return LateAnswer(_say(error)) if late else LostAnswer(_say(error))


def _say(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
