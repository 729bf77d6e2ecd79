"""What comes back to the mailbox: answers of calendar programs and undeliverable mail, as real programs write them."""

# ruff: noqa: F811 - a fixture that another file has is an argument here

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from streamhub.config import MailboxSettings
from streamhub.keepers.notices import NoticeTaker
from streamhub.keepers.postman import Postman, PostmanParts
from streamhub.keepers.source_reading import SourceKind
from streamhub.keepers.sources import Sources, SourcesParts
from streamhub.outbox.mail import MailState
from streamhub.questions.imap import Mailbox
from streamhub.schedule.invitation import Reply
from streamhub.store import invitations as rows
from streamhub.store import mails, notices
from streamhub.store import people as people_rows
from streamhub.web.rooms import plan_uid
from tests.fakes.imap import FakeImap, serve_imap
from tests.outbox.conftest import Postbox, sender_to, serve_mail
from tests.web.test_invitations import HEAD, Guests, guests  # noqa: F401

if TYPE_CHECKING:
    from streamhub.store.notices import KeptReply

ANSWERS = Path(__file__).parents[1] / "data" / "calendar_replies"
RETURNED = Path(__file__).parents[1] / "data" / "returned_mails"


@dataclass
class Postroom:
    """The invited of `Guests`, and a mailbox on a real socket that the hub reads."""

    guests: Guests
    server: FakeImap
    reader: Sources
    changed: list[str]

    async def bring(self, *raw: bytes) -> None:
        """Mails arrive and the mailbox is read."""
        for one in raw:
            self.server.deliver(one, at=self.guests.world.clock())
        self.guests.world.clock.forward(minutes=5)
        await self.reader.look()

    async def kept(self, person: str = "ada") -> list[KeptReply]:
        found = await self.guests.world.hub.store.read(lambda db: notices.list_replies(db, self.guests.session_id))
        return found.get(person, [])

    async def reply(self) -> Reply:
        return (await self.guests.invitation("ada")).reply


@pytest.fixture
async def room(guests: Guests) -> AsyncIterator[Postroom]:
    """Ada's invitation is out; the clock stands an hour after that."""
    await guests.invite("ada", "bob")
    await guests.send_all()
    guests.world.clock.at = datetime(2027, 2, 28, 18, tzinfo=UTC)
    hub, changed = guests.world.hub, []
    async with serve_imap() as server:
        settings = MailboxSettings(host=server.host, port=server.port, user=server.user, security="none")
        mailbox = Mailbox(settings=settings, password=server.password, now=hub.now)
        kind = SourceKind(
            slug="mail", name="Mail", source=mailbox, address="x", take=NoticeTaker(secret=hub.secret).take
        )
        parts = SourcesParts(
            store=hub.store,
            kinds={"mail": kind},
            secret=hub.secret,
            now=hub.now,
            random=hub.random,
            changed=changed.append,
        )
        yield Postroom(guests, server, Sources(parts), changed)


def answer_of(name: str) -> bytes:
    return (ANSWERS / f"{name}.eml").read_bytes()


def plain_answer(uid: str, *, number: int = 1, method: str = "REPLY", **lines: str) -> bytes:
    """An answer as short as the standard allows."""
    values = {
        "UID": uid,
        "DTSTAMP": "20270228T170000Z",
        "SEQUENCE": "0",
        "ATTENDEE;PARTSTAT=ACCEPTED": "mailto:ada@example.org",
        **lines,
    }
    event = "".join(f"{name}:{value}\r\n" for name, value in values.items() if value)
    text = (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\n{event}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    head = (
        f"From: ada@example.org\r\nTo: hub@streamhub.example\r\nMessage-ID: <{number}@x>\r\n"
        f"Content-Type: text/calendar; method={method}; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    )
    return f"{head}{text}".encode()


async def uid_of(room: Postroom, person: str = "ada") -> str:
    return plan_uid(room.guests.world.hub.secret, await room.guests.invitation(person))


@pytest.mark.parametrize(
    ("name", "reply", "comment"),
    [
        ("exchange-de-accepted", Reply.ACCEPTED, "Ich komme gern, brauche aber einen Parkplatz für den"),
        ("outlook-en-tentative", Reply.TENTATIVE, ""),
        ("gmail-en-declined", Reply.DECLINED, "Bin im Urlaub, frag bitte Bob"),
        ("apple-de-accepted", Reply.ACCEPTED, ""),
        ("thunderbird-de-tentative", Reply.TENTATIVE, "Vielleicht – hängt vom Zug ab."),
        ("exchange-de-counter", Reply.TENTATIVE, "Später wäre mir lieber."),
        ("kontact-de-delegated", Reply.DECLINED, ""),
    ],
)
async def test_answers_of_real_programs(room: Postroom, name: str, reply: Reply, comment: str) -> None:
    """Each program's answer is the guest's, once, with what he wrote along; hosts see it, nobody is confirmed by it."""
    await room.bring(answer_of(name))
    invitation = await room.guests.invitation("ada")
    assert (invitation.reply, invitation.certain) == (reply, False)
    (kept,) = await room.kept()
    assert kept.comment.startswith(comment)
    assert bool(kept.comment) == bool(comment)
    assert room.guests.session_id in room.changed
    _, text = await room.guests.post("invitations")
    if comment:
        assert comment in text
    before = await room.kept()
    room.server.rebuild()
    await room.bring()
    assert await room.kept() == before, "read again it is the same answer"
    questions = await room.guests.world.hub.store.read(
        lambda db: db.execute("select count(*) from questions").fetchone()
    )
    assert questions == (0,), "no question is made of it"


def test_every_sample_is_looked_at() -> None:
    """No sample lies there unread."""
    known = {mark.args[1][row][0] for mark in test_answers_of_real_programs.pytestmark for row in range(7)}
    assert {path.stem for path in ANSWERS.glob("*.eml")} == known
    assert {path.stem for path in RETURNED.glob("*.eml")} == {*REASONS, "postfix-delayed"}


async def test_accepted_is_not_confirmed(room: Postroom) -> None:
    """A yes by calendar waits for the host's; a no by calendar takes a confirmed guest out again."""
    await room.bring(answer_of("apple-de-accepted"))
    assert "Ada Weber" not in [one.name for one in (await room.guests.session()).participants]
    assert (await room.guests.post("invitations/ada", deed="confirm"))[0] == 303
    assert (await room.guests.invitation("ada")).certain
    late = {"ATTENDEE;PARTSTAT=ACCEPTED": "", "ATTENDEE;PARTSTAT=DECLINED": "mailto:ada@example.org"}
    await room.bring(plain_answer(await uid_of(room), DTSTAMP="20270228T190000Z", **late))
    assert (await room.reply(), (await room.guests.invitation("ada")).certain) == (Reply.DECLINED, False)
    assert "Ada Weber" not in [one.name for one in (await room.guests.session()).participants]


async def test_another_time_is_proposed(room: Postroom) -> None:
    """A wish for another time is shown with that time in the host's zone, and moves nothing."""
    before = (await room.guests.session()).starts_at
    await room.bring(answer_of("exchange-de-counter"))
    _, text = await room.guests.post("invitations")
    assert "Schlägt eine andere Zeit vor: Donnerstag, 4. März 2027, 18:30" in text
    assert (await room.guests.session()).starts_at == before


async def test_somebody_else_is_to_come(room: Postroom) -> None:
    """Who sends somebody else does not come himself; the other one is in nothing until a host invites him."""
    await room.bring(answer_of("kontact-de-delegated"))
    _, text = await room.guests.post("invitations")
    assert "Es soll jemand anderes kommen." in text
    assert "carl@example.org" not in text
    carls = {
        "ATTENDEE;PARTSTAT=ACCEPTED": "",
        'ATTENDEE;PARTSTAT=ACCEPTED;DELEGATED-FROM="mailto:ada@example.org"': "mailto:carl@example.org",
    }
    await room.bring(plain_answer(await uid_of(room), number=2, DTSTAMP="20270228T180000Z", **carls))
    assert await room.reply() is Reply.DECLINED
    _, text = await room.guests.post("invitations")
    assert "Sie kommt von einer anderen Adresse" in text


@pytest.mark.parametrize("uid", ["x@streamhub", "", "h_CAsep_nzGPv5u5ldD5tiGe@STREAMHUB", "bob"])
async def test_an_address_alone_answers_for_nobody(room: Postroom, uid: str) -> None:
    """Without the name that only the guest's own invitation carries, a mail in his name changes nothing."""
    name = await uid_of(room, "bob") if uid == "bob" else uid
    await room.bring(plain_answer(name))
    assert await room.reply() is Reply.NONE
    assert (await room.guests.invitation("bob")).reply is Reply.NONE
    kept = await room.kept("bob")
    assert [one.weight.value for one in kept] == (["other"] if uid == "bob" else [])


async def test_a_host_who_makes_new_links_ends_the_old_names_too(room: Postroom) -> None:
    """After new links an answer to an old mail is shown and does not count, also once he was taken back and asked."""
    old = await uid_of(room)
    store = room.guests.world.hub.store
    await store.write(
        lambda db: people_rows.save_person(db, replace(people_rows.load_person(db, "ada"), link_version=2))
    )
    await room.bring(plain_answer(old))
    assert await room.reply() is Reply.NONE
    assert [one.weight.value for one in await room.kept()] == ["renewed"]
    await room.guests.post("invitations/ada", deed="withdraw")
    await room.guests.inviter.sync()
    await room.guests.invite("ada")
    await room.guests.send_all()
    assert await uid_of(room) == old, "his calendar has one entry"
    invitation = await room.guests.invitation("ada")
    for number, guess in enumerate((0, 1, 2, 3, invitation.sequence + 1), 2):
        await room.bring(plain_answer(old, number=number, SEQUENCE=str(guess), DTSTAMP="20270228T190000Z"))
    assert await room.reply() is Reply.NONE
    sequence = str(invitation.sequence)
    await room.bring(plain_answer(old, number=9, SEQUENCE=sequence, DTSTAMP="20270228T190000Z"))
    assert await room.reply() is Reply.ACCEPTED


async def test_answers_to_an_older_time(room: Postroom) -> None:
    """A yes to a time that was moved since does not count; one to the present time does, however its words changed."""
    uid = await uid_of(room)
    await room.guests.move(starts_at=datetime(2027, 3, 4, 19, 15, tzinfo=UTC))
    await room.guests.send_all()
    await room.bring(plain_answer(uid))
    assert await room.reply() is Reply.NONE
    _, text = await room.guests.post("invitations")
    assert "gilt einer früheren Zeit" in text
    await room.bring(plain_answer(uid, number=2, SEQUENCE="1", DTSTAMP="20270228T180500Z"))
    assert await room.reply() is Reply.ACCEPTED
    await room.guests.post("invitations/ada", deed="confirm")
    await room.guests.inviter.sync()
    assert (await room.guests.invitation("ada")).sequence == 2
    no = {"ATTENDEE;PARTSTAT=ACCEPTED": "", "ATTENDEE;PARTSTAT=DECLINED": "mailto:ada@example.org"}
    await room.bring(plain_answer(uid, number=3, SEQUENCE="1", DTSTAMP="20270228T190000Z", **no))
    assert await room.reply() is Reply.DECLINED, "who was confirmed since may still decline what he was asked"


async def test_answers_that_overtake_each_other(room: Postroom) -> None:
    """The word that was given last counts, in whatever order mails arrive, and also against one behind the link."""
    uid = await uid_of(room)
    no = {"ATTENDEE;PARTSTAT=ACCEPTED": "", "ATTENDEE;PARTSTAT=DECLINED": "mailto:ada@example.org"}
    await room.bring(plain_answer(uid, DTSTAMP="20270228T171000Z", **no), plain_answer(uid, number=2))
    assert await room.reply() is Reply.DECLINED
    assert sorted(one.weight.value for one in await room.kept()) == ["counts", "stale"]
    await room.bring(plain_answer(uid, number=3, DTSTAMP="20270228T171500Z"))
    assert await room.reply() is Reply.ACCEPTED
    await room.guests.answer("ada", reply="tentative")
    await room.bring(plain_answer(uid, number=4, DTSTAMP="20270228T172000Z", **no))
    assert await room.reply() is Reply.TENTATIVE
    ahead = room.guests.world.clock().replace(year=2031)
    await room.bring(plain_answer(uid, number=5, DTSTAMP=f"{ahead:%Y%m%dT%H%M%SZ}", **no))
    assert await room.reply() is Reply.DECLINED
    replied_at = (await room.guests.invitation("ada")).replied_at
    assert replied_at is not None
    assert replied_at <= room.guests.world.clock(), "a clock ahead holds up nobody's later word"


async def test_answers_that_come_too_late(room: Postroom) -> None:
    """Where a session is over or an invitation taken back, an answer is shown and changes nothing."""
    uid = await uid_of(room)
    await room.guests.post("invitations/ada", deed="withdraw")
    await room.bring(plain_answer(uid))
    assert (await room.reply(), [one.weight.value for one in await room.kept()]) == (Reply.NONE, ["late"])
    bob = await uid_of(room, "bob")
    room.guests.world.clock.at = datetime(2027, 3, 3, tzinfo=UTC)
    await room.bring(plain_answer(bob, number=2, **{"ATTENDEE;PARTSTAT=ACCEPTED": "mailto:bob@example.org"}))
    assert (await room.guests.invitation("bob")).reply is Reply.NONE


async def test_too_many_answers(room: Postroom) -> None:
    """Who floods the mailbox with one guest's answers fills no table."""
    uid = await uid_of(room)
    await room.bring(*(plain_answer(uid, number=number) for number in range(40)))
    assert len(await room.kept()) == notices.MAX_REPLIES


HOSTILE = "<script>alert(1)</script> \"' \\n BEGIN:VEVENT"


async def test_a_hostile_comment(room: Postroom) -> None:
    """What a stranger writes along stays text on the host's page."""
    await room.bring(plain_answer(await uid_of(room), COMMENT=HOSTILE + "x" * 3000))
    _, text = await room.guests.post("invitations")
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text
    (kept,) = await room.kept()
    assert len(kept.comment) <= 500


REASONS = {
    "postfix-unknown": ("5.1.1", "Dieses Postfach gibt es nicht."),
    "exchange-refused": ("5.7.133", "Die Gegenseite lehnt unsere Nachricht ab."),
    "gmail-full": ("5.2.2", "Das Postfach ist voll."),
}


@dataclass
class Outgoing:
    """A mail server for what the hub sends."""

    room: Postroom
    box: Postbox
    postman: Postman

    async def send(self) -> int:
        def queue(db: Any) -> None:
            for mail in mails.list_mails(db, states={MailState.DRAFT}):
                mails.step_mail(db, mail.id, MailState.QUEUED, at=self.room.guests.world.clock(), author="x")

        await self.room.guests.world.hub.store.write(queue)
        return await self.postman.send_due()


@pytest.fixture
async def outgoing(room: Postroom) -> AsyncIterator[Outgoing]:
    """Ada's invitation goes out over a real connection."""
    store = room.guests.world.hub.store

    def unsend(db: Any) -> None:
        db.execute("update mails set state = 'queued', sent_at = null")

    await store.write(unsend)
    async with serve_mail(Postbox()) as box:
        head = replace(HEAD, return_address="fragen@streamhub.example")
        parts = PostmanParts(
            store=store, sender=sender_to(box), head=head, wanted=lambda db, mail: True, now=room.guests.world.clock
        )
        out = Outgoing(room, box, Postman(parts))
        assert await out.send() == 2
        yield out


@pytest.mark.parametrize("name", REASONS)
async def test_a_mail_that_came_back(outgoing: Outgoing, name: str) -> None:
    """Hosts read in the outbox and beside the invitation that it came back and why; it can be sent again, once."""
    room, (status, reason) = outgoing.room, REASONS[name]
    assert {one.mail_from for one in outgoing.box.envelopes} == {"fragen@streamhub.example"}
    await room.bring((RETURNED / f"{name}.eml").read_bytes())
    (mail,) = await room.guests.mails("ada@")
    assert (mail.state, mail.returned) == (MailState.SENT, status)
    assert (await room.guests.mails("bob@"))[0].returned == ""
    browser = room.guests.browser
    for path in ("/host/outbox?box=returned", f"/host/outbox/{mail.id}"):
        async with await browser.get(path) as page:
            text = await page.text()
            assert reason in text
            assert "Diese Nachricht kam zurück." in text
    assert reason in (await room.guests.post("invitations"))[1]
    room.guests.world.clock.forward(minutes=5)
    async with await browser.post(f"/host/outbox/{mail.id}/send") as page:
        assert page.status == 303
    assert await outgoing.send() == 1
    room.server.rebuild()
    await room.bring()
    (mail,) = await room.guests.mails("ada@")
    assert mail.returned == "", "the old report says nothing about the second attempt"
    assert [one["Message-ID"] for one in outgoing.box.letters].count(f"<{mail.message_id}>") == 2
    async with await browser.post(f"/host/outbox/{mail.id}/send") as page:
        assert page.status == 409


async def test_a_mail_that_is_late_did_not_come_back(outgoing: Outgoing) -> None:
    """A report of a delay changes nothing, and neither does one about somebody else's mail."""
    strange = (RETURNED / "postfix-unknown.eml").read_bytes().replace(b"@streamhub.example>", b"@elsewhere.example>")
    await outgoing.room.bring((RETURNED / "postfix-delayed.eml").read_bytes(), strange)
    assert [one.returned for one in await outgoing.room.guests.mails()] == ["", ""]


async def test_a_corrected_address_is_invited(outgoing: Outgoing) -> None:
    """Once a host corrects the address the invitation goes there, once, and the old trouble is not shown any more."""
    room = outgoing.room
    await room.bring((RETURNED / "postfix-unknown.eml").read_bytes())
    fields = {"name": "Ada Weber", "email": "ada.weber@example.org", "zone": "Europe/Berlin", "active": "1"}
    async with await room.guests.browser.post("/host/people/ada", **fields) as page:
        assert page.status == 303
    assert await room.guests.inviter.sync() == 1
    assert await room.guests.inviter.sync() == 0
    room.guests.world.clock.forward(minutes=5)
    assert await outgoing.send() == 1
    assert outgoing.box.letters[-1]["To"] == "ada.weber@example.org"
    assert "kam zurück" not in (await room.guests.post("invitations"))[1]
    invitation = await room.guests.invitation("ada")
    assert invitation.asked_sequence == invitation.sequence
    assert len(await room.guests.world.hub.store.read(rows.list_invitations)) == 2
