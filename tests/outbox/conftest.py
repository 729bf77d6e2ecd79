"""A real mail server on the loopback, which fails as a test wants, and mails to send to it."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from streamhub.outbox.mail import Letterhead, Mail, MailState
from streamhub.outbox.smtp import SmtpAccess, SmtpSender

MADE = datetime(2027, 3, 3, 9, 0, tzinfo=UTC)
HEAD = Letterhead(address="hub@streamhub.example", name="Frag die Runde", links=("https://hub.example.org",))


def make_mail(**changes: Any) -> Mail:
    given: dict[str, Any] = {
        "id": "abc234",
        "kind": "answered",
        "object": "q1",
        "recipient": "ada@example.org",
        "language": "de",
        "subject": "Ihre Frage wurde beantwortet, 2 Min. 10 Sek.",
        "body": "Guten Tag,\n\nIhre Frage wurde beantwortet:\nhttps://hub.example.org/a/?t=130\n",
        "leave_url": "https://hub.example.org/u/token",
        "state": MailState.QUEUED,
        "made_at": MADE,
        **changes,
    }
    return Mail(**given)


@dataclass
class Postbox:
    """What a mail server keeps, and how it misbehaves.

    Attributes:
        letters: what it took.
        answers: its next answers to RCPT and DATA, by command; when none is left it says yes.
        slow_s: how long it thinks before it answers DATA.
        drop_after_data: so many times it takes a mail and hangs up without a word.
    """

    letters: list[EmailMessage] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)
    slow_s: float = 0.0
    drop_after_data: int = 0
    port: int = 0

    async def handle_MAIL(self, server: Any, session: Any, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802  aiosmtpd's name and shape
        envelope.mail_from = address
        return self._answer("MAIL")

    async def handle_RCPT(self, server: Any, session: Any, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802  aiosmtpd's name and shape
        answer = self._answer("RCPT")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        answer = self._answer("DATA")
        if answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            letter = message_from_bytes(envelope.content, policy=modern)
            assert isinstance(letter, EmailMessage)
            self.letters.append(letter)
            self.envelopes.append(envelope)
        await asyncio.sleep(self.slow_s)
        if self.drop_after_data:
            self.drop_after_data -= 1
            server.transport.abort()
        return answer

    def _answer(self, command: str) -> str:
        waiting = self.answers.get(command, [])
        return waiting.pop(0) if waiting else "250 OK"


@contextlib.asynccontextmanager
async def serve_mail(box: Postbox, *, port: int = 0, tls: ssl.SSLContext | None = None, **options: Any) -> Any:
    """A mail server on a free port."""
    loop = asyncio.get_running_loop()

    def make() -> SMTP:
        return SMTP(box, hostname="mail.example", loop=loop, **options)

    server = await loop.create_server(make, "127.0.0.1", port, ssl=tls)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
        await server.wait_closed()


def sender_to(box: Postbox, **changes: Any) -> SmtpSender:
    return SmtpSender(SmtpAccess(**{"host": "127.0.0.1", "port": box.port, "security": "none", **changes}))


@pytest.fixture
async def box() -> AsyncIterator[Postbox]:
    async with serve_mail(Postbox()) as opened:
        yield opened


@dataclass(frozen=True)
class Certificate:
    """A certificate of our own, and who believes it."""

    file: Path
    context: ssl.SSLContext


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "streamhub test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
                key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("tls")
    file, key_file = folder / "cert.pem", folder / "key.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key_file)
    return Certificate(file=file, context=context)


def accept_only(user: bytes, password: bytes) -> Callable[..., AuthResult]:
    """Takes one sign-in."""

    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        fine = (data.login, data.password) == (user, password)
        return AuthResult(success=fine, handled=False)

    return check
