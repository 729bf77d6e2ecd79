"""SMTP: hands mail to a mail server (aiosmtplib).

Owns the connection, its encryption and the meaning of the server's answers. Neither the password nor an address gets
into an error or a log.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib

from streamhub.errors import MailDeferred, MailRefused, StreamhubError, Unavailable
from streamhub.outbox.letter import POLICY

TIMEOUT_S = 30.0
_GOODBYE_S = 3.0
_LOOK = "check mail.host and mail.port, and the network"
_TROUBLES: tuple[tuple[type[Exception], str, str], ...] = (
    (aiosmtplib.SMTPAuthenticationError, "does not take our sign-in", "check mail.user and the password"),
    (
        aiosmtplib.SMTPSenderRefused,
        "takes no mail from our address",
        "check mail.from_address: the server must allow us to write in its name",
    ),
    (TimeoutError, "did not answer in time", _LOOK),
    (
        aiosmtplib.SMTPNotSupported,
        "offers no such encryption or sign-in",
        "check mail.security, mail.port and mail.user",
    ),
    (aiosmtplib.SMTPResponseException, "answers with an error", "ask whoever runs the mail server"),
)
"""What is wrong with a server that takes nothing: kind of error, what was seen, what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SmtpAccess:
    """How to reach a mail server.

    Attributes:
        host, port: where it listens.
        security: ``starttls``, ``tls`` or ``none``.
        user, password: to sign in; empty for none.
        own_name: what we call ourselves to it.
        ca_file: certificates to believe instead of the system's; None for those.
        timeout_s: the longest that one of its answers may take.
    """

    host: str
    port: int
    security: str = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    own_name: str = "localhost"
    ca_file: Path | None = None
    timeout_s: float = TIMEOUT_S


class SmtpSender:
    """Fulfils `streamhub.outbox.sender.Sender`; one connection for each mail."""

    def __init__(self, access: SmtpAccess) -> None:
        self._access = access

    async def send(self, letter: EmailMessage, *, sender: str, recipient: str) -> None:
        """Hand a mail over.

        Raises:
            MailRefused: the server will never take it.
            MailDeferred: the server takes it later, perhaps.
            Unavailable: the server takes none now.
        """
        server = self._server()
        try:
            await server.connect()
            await server.sendmail(sender, [recipient], letter.as_bytes(policy=POLICY))
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise self._translate(error) from None  # the server's words may name the address
        finally:
            await _leave(server)

    async def probe(self) -> str:
        """Connect, sign in, and leave again.

        Raises:
            Unavailable: the server does not answer, or does not take our sign-in.
        """
        server = self._server()
        try:
            await server.connect()
            await server.noop()
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise self._translate(error) from None
        finally:
            await _leave(server)
        return f"{self._place} answers" + (" and takes our sign-in" if self._access.user else "")

    @property
    def _place(self) -> str:
        return f"mail server {self._access.host}:{self._access.port}"

    def _server(self) -> aiosmtplib.SMTP:
        access = self._access
        wanted: dict[str, Any] = {}
        if access.security != "none":
            trusted = str(access.ca_file) if access.ca_file else None
            wanted["tls_context"] = ssl.create_default_context(cafile=trusted)
        return aiosmtplib.SMTP(
            hostname=access.host,
            port=access.port,
            use_tls=access.security == "tls",
            start_tls=access.security == "starttls",
            username=access.user or None,
            password=access.password or None,
            timeout=access.timeout_s,
            local_hostname=access.own_name,  # else the library asks the DNS, and waits for it
            **wanted,
        )

    def _translate(self, error: Exception) -> StreamhubError:
        """The server's trouble in our words: the code is kept, its sentence is not."""
        place = self._place
        if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
            error = error.recipients[0]
        if isinstance(error, aiosmtplib.SMTPRecipientRefused | aiosmtplib.SMTPDataError):
            return _refusal(place, error.code)
        for kind, seen, hint in _TROUBLES:
            if isinstance(error, kind):
                code = f" ({error.code})" if isinstance(error, aiosmtplib.SMTPResponseException) else ""
                return Unavailable(f"{place}: {seen}{code}", hint=hint)
        if isinstance(error.__cause__, ssl.SSLError) or isinstance(error, ssl.SSLError):
            hint = "check mail.host, mail.security and the certificate; mail.ca_file names one of your own"
            return Unavailable(f"{place}: makes no encrypted connection that we can trust", hint=hint)
        return Unavailable(f"{place}: cannot be reached ({type(error).__name__})", hint=_LOOK)


async def _leave(server: aiosmtplib.SMTP) -> None:
    """Say goodbye; whatever goes wrong now changes nothing about a mail that was taken."""
    try:
        if server.is_connected:
            await server.quit(timeout=_GOODBYE_S)
    except (aiosmtplib.SMTPException, OSError):
        pass
    finally:
        server.close()


def _refusal(place: str, code: int) -> StreamhubError:
    if code >= 500:
        return MailRefused(f"{place}: refuses this mail ({code})", hint="see whether the address is right")
    return MailDeferred(f"{place}: does not take this mail at the moment ({code})", hint="it is tried again")
