"""The mailbox, against a real IMAP server on a loopback socket."""

import re
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from streamhub.config import MailboxSettings
from streamhub.errors import PlatformError
from streamhub.questions.imap import PAGE, Mailbox
from streamhub.questions.intake import Batch, Skip
from streamhub.questions.trouble import SourceCode
from tests.fakes.imap import START, FakeImap, serve_imap

MAILS = Path(__file__).parents[1] / "data" / "mails"
NOW = START + timedelta(hours=1)


@pytest.fixture
async def server() -> AsyncIterator[FakeImap]:
    async with serve_imap() as fake:
        yield fake


def mailbox_of(server: FakeImap, *, password: str = "", trust: ssl.SSLContext | None = None, **more: object) -> Mailbox:
    values: dict[str, object] = {"security": "tls" if trust else "none", "address": "fragen@firma.de", **more}
    settings = MailboxSettings(host=server.host, port=server.port, user=server.user, **values)  # type: ignore[arg-type]
    return Mailbox(settings=settings, password=password or server.password, now=lambda: NOW, trust=trust)


def mail_of(text: str, *, number: int = 0, **headers: str) -> bytes:
    lines = {
        "From": f"Ada <ada{number}@kunde.example>",
        "To": "fragen@firma.de",
        "Subject": "Frage",
        "Message-ID": f"<{number}-{abs(hash(text))}@kunde.example>",
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n".encode()


async def read_all(mailbox: Mailbox, cursor: str = "") -> tuple[list[str], str]:
    """Texts until no more is there, and the cursor."""
    texts: list[str] = []
    while True:
        batch: Batch = await mailbox.read("", cursor)
        texts += [line.text for line in batch.contributions]
        cursor = batch.cursor
        if not batch.more:
            return texts, cursor


async def test_mails_become_contributions(server: FakeImap) -> None:
    """A mail's words, author, session, thread and time of arrival are read, and nothing in the mailbox is touched."""
    server.deliver((MAILS / "outlook-de.eml").read_bytes(), at=START)
    server.deliver((MAILS / "machine-absence-de.eml").read_bytes())
    server.deliver((MAILS / "machine-bounce.eml").read_bytes())
    batch = await mailbox_of(server).read("", "")
    (line,) = batch.contributions
    assert (line.author, line.addressed_to, line.at, line.named, line.url) == (
        "Anna Berg",
        "2027-03-02-netz",
        START,
        False,
        "",
    )
    assert line.text.startswith("unser Router")
    assert len(line.reply_to) == 1
    assert batch.skipped == {Skip.AUTOMATIC: 2}
    assert not batch.more
    verbs = {command.split(" ")[0] for command in server.commands}
    assert verbs <= {"CAPABILITY", "LOGIN", "EXAMINE", "UID", "LOGOUT"}
    assert not any(re.search(r"STORE|COPY|EXPUNGE|BODY\[", command) for command in server.commands)


async def test_pages_and_order(server: FakeImap) -> None:
    """Everything is read once, oldest first, a page at a time, and the next look begins behind it."""
    mailbox = mailbox_of(server)
    expected = [f"Frage Nummer {number}?" for number in range(2 * PAGE + 7)]
    for number, text in enumerate(expected):
        server.deliver(mail_of(text, number=number))
    first = await mailbox.read("", "")
    assert (len(first.contributions), first.more) == (PAGE, True)
    rest, cursor = await read_all(mailbox, first.cursor)
    assert [line.text for line in first.contributions] + rest == expected
    assert await read_all(mailbox, cursor) == ([], cursor)
    server.deliver(mail_of("Eine neue?", number=999))
    assert (await read_all(mailbox, cursor))[0] == ["Eine neue?"]
    assert len(server.fetched) == len(set(server.fetched))


async def test_an_old_mailbox(server: FakeImap) -> None:
    """A first look leaves what is older than a week alone; then everything new is read, from an empty mailbox too."""
    server.deliver(mail_of("Uralt?"), at=START - timedelta(days=400))
    server.deliver(mail_of("Von gestern?", number=1), at=START - timedelta(days=1))
    texts, cursor = await read_all(mailbox_of(server))
    assert texts == ["Von gestern?"]
    server.mails.clear()
    texts, cursor = await read_all(mailbox_of(server), cursor)
    server.deliver(mail_of("Danach?", number=2))
    assert (await read_all(mailbox_of(server), cursor))[0] == ["Danach?"]


async def test_nothing_but_old_mails(server: FakeImap) -> None:
    """A mailbox with old mails alone is read from its end on."""
    for number in range(5):
        server.deliver(mail_of("Uralt?", number=number), at=START - timedelta(days=400))
    texts, cursor = await read_all(mailbox_of(server))
    server.deliver(mail_of("Neu?", number=9), at=START - timedelta(days=400))
    assert (texts, (await read_all(mailbox_of(server), cursor))[0]) == ([], ["Neu?"])


async def test_other_uids(server: FakeImap) -> None:
    """When the server numbers its mails anew, they are read again with the same refs, and none is left out."""
    mailbox = mailbox_of(server)
    server.deliver(mail_of("Eins?"))
    before = await mailbox.read("", "")
    server.rebuild()
    server.deliver(mail_of("Zwei?", number=1))
    after = await mailbox.read("", before.cursor)
    assert [line.text for line in after.contributions] == ["Eins?", "Zwei?"]
    assert after.contributions[0].ref == before.contributions[0].ref
    assert await read_all(mailbox, after.cursor) == ([], after.cursor)


async def test_large_mails(server: FakeImap) -> None:
    """A mail of 30 MB is not fetched, is counted, and keeps nobody waiting."""
    large = server.deliver(mail_of("Groß?"))
    server.sizes[large] = 30_000_000
    server.deliver(mail_of("Klein?", number=1))
    batch = await mailbox_of(server).read("", "")
    assert [line.text for line in batch.contributions] == ["Klein?"]
    assert batch.skipped == {Skip.TOO_LARGE: 1}
    assert large not in server.fetched


async def test_a_deleted_mail(server: FakeImap) -> None:
    """A mail that is deleted before it was read is not read, and what follows is."""
    mailbox = mailbox_of(server)
    _, cursor = await read_all(mailbox)
    gone = server.deliver(mail_of("Gleich weg?"))
    server.deliver(mail_of("Bleibt?", number=1))
    del server.mails[gone]
    assert (await read_all(mailbox, cursor))[0] == ["Bleibt?"]


async def test_encrypted_and_empty_mails(server: FakeImap) -> None:
    """What nobody can read, and what says nothing, is counted."""
    server.deliver(b"From: a@b.example\r\nContent-Type: multipart/encrypted; boundary=x\r\n\r\n--x\r\n\r\n--x--\r\n")
    server.deliver(mail_of("", number=1))
    assert (await mailbox_of(server).read("", "")).skipped == {Skip.UNREADABLE: 1, Skip.EMPTY: 1}


async def read_fails(mailbox: Mailbox) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        await mailbox.read("", "")
    assert "geheim" not in f"{caught.value} {vars(caught.value)} {mailbox!r}"
    return caught.value


async def test_refusals(server: FakeImap) -> None:
    """A wrong password, a missing folder, a busy server and a dropped line each have their own sentence."""
    assert (await read_fails(mailbox_of(server, password="falsch"))).code == SourceCode.SIGN_IN
    missing = await read_fails(mailbox_of(server, folder="Fragen"))
    assert (missing.code, missing.details["folder"]) == (SourceCode.NO_FOLDER, "Fragen")
    server.refusal = "[UNAVAILABLE] try later"
    assert (await read_fails(mailbox_of(server))).code == SourceCode.UNREACHABLE
    server.refusal = ""
    server.deliver(mail_of("Kommt an?"))
    for place in ("LOGIN", "EXAMINE", "SEARCH", "SIZE", "PEEK"):
        server.drop_at = place
        assert (await read_fails(mailbox_of(server))).code == SourceCode.UNREACHABLE, place
    server.drop_at = ""
    assert (await read_all(mailbox_of(server)))[0] == ["Kommt an?"]


async def test_passwords_with_umlauts(server: FakeImap) -> None:
    """A password of any letters works."""
    server.password = 'gehe"im\\äöü'
    server.deliver(mail_of("Kommt an?"))
    assert (await read_all(mailbox_of(server)))[0] == ["Kommt an?"]
    server.password = 'gehe"im\\ x'
    assert (await read_all(mailbox_of(server)))[0] == ["Kommt an?"]


async def test_nobody_there() -> None:
    """A server that is not there is unreachable."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = FakeImap(port=free.getsockname()[1])
        assert (await read_fails(mailbox_of(server))).code == SourceCode.UNREACHABLE


async def test_tls(tmp_path: Path) -> None:
    """Over TLS a certificate that nobody vouches for is refused before any password is sent; a good one is taken."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(START - timedelta(days=9000))
    builder = builder.not_valid_after(START + timedelta(days=9000))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "both.pem").write_bytes(certificate + secret)
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(tmp_path / "both.pem")
    async with serve_imap(trust=own) as server:
        server.host = "localhost"
        server.deliver(mail_of("Kommt an?"))
        assert (await read_fails(mailbox_of(server, trust=ssl.create_default_context()))).code == SourceCode.NOT_TRUSTED
        assert not any("LOGIN" in command for command in server.commands)
        trust = ssl.create_default_context(cadata=certificate.decode())
        assert (await read_all(mailbox_of(server, trust=trust)))[0] == ["Kommt an?"]


async def test_a_probe(server: FakeImap) -> None:
    """A probe signs in, opens the folder, reads no mail, and says what keeps it from that."""
    server.deliver(mail_of("Kann ich das?"))
    assert await mailbox_of(server).probe() == "127.0.0.1 opens INBOX, 1 mails"
    assert server.fetched == []
    for mailbox, code in (
        (mailbox_of(server, password="falsch"), SourceCode.SIGN_IN),
        (mailbox_of(server, folder="Fragen"), SourceCode.NO_FOLDER),
    ):
        with pytest.raises(PlatformError) as refused:
            await mailbox.probe()
        assert refused.value.code == code


async def test_a_probe_does_not_wait_for_ever(server: FakeImap) -> None:
    """A server that takes the connection and says nothing is given up."""
    server.silent = True
    with pytest.raises(PlatformError) as refused:
        await replace(mailbox_of(server), timeout_s=0.2).probe()
    assert refused.value.code == SourceCode.UNREACHABLE
