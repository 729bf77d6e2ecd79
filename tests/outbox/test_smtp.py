"""The mail server as it is: it takes, refuses, delays, hangs up, and wants to be trusted."""

import asyncio
import time

import pytest

from streamhub.errors import MailDeferred, MailRefused, Unavailable
from streamhub.outbox.letter import build_letter
from streamhub.outbox.sender import Pigeonhole
from tests.outbox.conftest import HEAD, MADE, Postbox, accept_only, make_mail, sender_to, serve_mail


async def send(sender, mail=None):
    mail = mail or make_mail()
    await sender.send(build_letter(mail, HEAD, at=MADE), sender=HEAD.address, recipient=mail.recipient)


async def test_a_mail_arrives(box):
    """A mail arrives whole, for one recipient."""
    await send(sender_to(box), make_mail(subject="Größe", body=".\n.Punkt am Anfang\n"))
    assert box.letters[0]["Subject"] == "Größe"
    assert box.letters[0].get_body(("plain",)).get_content().splitlines() == [".", ".Punkt am Anfang"]
    assert box.envelopes[0].rcpt_tos == ["ada@example.org"]


@pytest.mark.parametrize(
    ("command", "answer", "kind"),
    [
        ("RCPT", "550 5.1.1 <ada@example.org>: no such user", MailRefused),
        ("RCPT", "450 4.2.0 greylisted, ada@example.org", MailDeferred),
        ("DATA", "554 5.7.1 spam from ada@example.org", MailRefused),
        ("DATA", "452 4.3.1 full", MailDeferred),
        ("MAIL", "550 5.7.1 sender not allowed", Unavailable),
        ("MAIL", "421 4.3.0 too busy", Unavailable),
    ],
)
async def test_answers_of_the_server(box, command, answer, kind):
    """Refused for good, refused for now, and a server in trouble are three things; no error names the recipient."""
    box.answers[command] = [answer]
    with pytest.raises(kind) as caught:
        await send(sender_to(box))
    assert type(caught.value) is kind
    assert answer[:3] in str(caught.value)
    assert "ada" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert box.letters == []


async def test_nobody_listens(box):
    """A server that is down is unavailable, and says what to check."""
    async with serve_mail(Postbox()) as gone:
        pass
    with pytest.raises(Unavailable, match=r"mail\.host"):
        await send(sender_to(gone))
    with pytest.raises(Unavailable):
        await sender_to(gone).probe()


async def test_a_server_that_thinks_too_long(box):
    """A server that does not answer in time is given up for now."""
    box.slow_s = 2.0
    with pytest.raises(Unavailable, match="in time"):
        await send(sender_to(box, timeout_s=0.3))


async def test_hanging_up_after_the_mail(box):
    """A server that takes a mail and hangs up without a word counts as trouble, so that the mail is sent again."""
    box.drop_after_data = 1
    with pytest.raises(Unavailable):
        await send(sender_to(box))
    await send(sender_to(box))
    assert [letter["Message-ID"] for letter in box.letters] == ["<abc234@streamhub.example>"] * 2


async def test_a_server_that_does_not_say_goodbye():
    """A mail that was taken is out, even when the server hangs at the goodbye."""

    async def talk(reader, writer):
        writer.write(b"220 x\r\n")
        while line := await reader.readline():
            command = line[:4].upper()
            if command == b"QUIT":
                break
            if command == b"DATA":
                writer.write(b"354 go\r\n")
                await reader.readuntil(b"\r\n.\r\n")
            writer.write(b"250 ok\r\n")
        await asyncio.wait_for(over.wait(), 60)
        writer.close()

    over = asyncio.Event()
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    before = time.monotonic()
    await send(sender_to(Postbox(port=server.sockets[0].getsockname()[1])))
    assert time.monotonic() - before < 20
    over.set()
    server.close()
    await server.wait_closed()
    await asyncio.sleep(0.05)


async def test_starttls_with_a_certificate_of_our_own(certificate):
    """With STARTTLS the password travels encrypted; a certificate that nobody vouches for is not trusted."""
    options = {
        "tls_context": certificate.context, "require_starttls": True, "auth_required": True,
        "authenticator": accept_only(b"hub", b"geheim"),
    }  # fmt: skip
    async with serve_mail(Postbox(), **options) as box:
        signed_in = {"security": "starttls", "user": "hub", "password": "geheim"}
        await send(sender_to(box, **signed_in, ca_file=certificate.file))
        assert len(box.letters) == 1
        assert "takes our sign-in" in await sender_to(box, **signed_in, ca_file=certificate.file).probe()
        with pytest.raises(Unavailable, match="encrypted"):
            await send(sender_to(box, **signed_in))
        with pytest.raises(Unavailable, match="sign-in") as caught:
            await send(sender_to(box, **{**signed_in, "password": "falsch"}, ca_file=certificate.file))
        assert "falsch" not in repr(caught.value)
        assert len(box.letters) == 1


async def test_tls_from_the_first_byte(certificate):
    """With TLS from the beginning a mail arrives as well; plain text there is trouble and not a hang."""
    async with serve_mail(Postbox(), tls=certificate.context) as box:
        await send(sender_to(box, security="tls", ca_file=certificate.file))
        assert len(box.letters) == 1
        with pytest.raises(Unavailable):
            await send(sender_to(box, timeout_s=2.0))


async def test_no_encryption_where_some_is_wanted(box):
    """A server that offers no STARTTLS gets neither mail nor password."""
    with pytest.raises(Unavailable):
        await send(sender_to(box, security="starttls", user="hub", password="geheim"))
    assert box.letters == []


def test_the_password_shows_itself_nowhere(box):
    """What describes the access leaves the password out."""
    assert "geheim" not in repr(sender_to(box, user="hub", password="geheim")._access)


async def test_the_fake_keeps_the_contract():
    """The fake of the role keeps what it is given and fails as it is told."""
    pigeonhole = Pigeonhole(failures=[Unavailable("weg")])
    with pytest.raises(Unavailable):
        await send(pigeonhole)
    await send(pigeonhole)
    assert len(pigeonhole.letters) == 1
    assert await pigeonhole.probe()
