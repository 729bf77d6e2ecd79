"""The keeper of the outbox: each mail goes out, whatever the server or the power does, and under one Message-ID."""

import asyncio
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

import streamhub
from streamhub.errors import Conflict, MailDeferred, MailRefused, Unavailable
from streamhub.keepers.postman import Postman, PostmanParts
from streamhub.outbox.mail import MailState
from streamhub.outbox.sender import Pigeonhole
from streamhub.store import mails
from streamhub.store.store import Store
from tests.outbox.conftest import HEAD, MADE, Postbox, make_mail, sender_to, serve_mail


class Clock:
    def __init__(self):
        self.at = MADE

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def store(tmp_path, clock):
    async with Store.open(tmp_path / "hub.sqlite3", now=clock) as opened:
        yield opened


def make_postman(store, sender, clock, wanted=lambda db, mail: True):
    return Postman(PostmanParts(store=store, sender=sender, head=HEAD, wanted=wanted, now=clock))


async def put(store, *ids, **changes):
    for number, name in enumerate(ids):
        mail = make_mail(id=name, made_at=MADE + timedelta(seconds=number), **changes)
        await store.write(lambda db, mail=mail: mails.put_mail(db, mail))


async def state_of(store, name):
    return (await store.read(lambda db: mails.load_mail(db, name))).state


async def test_queued_mail_goes_out_and_drafts_stay(store, box, clock):
    """What is queued is sent once, oldest first; a draft waits for a person."""
    await put(store, "a", "b")
    await put(store, "c", state=MailState.DRAFT)
    postman = make_postman(store, sender_to(box), clock)
    assert await postman.send_due() == 2
    assert await postman.send_due() == 0
    assert [letter["Message-ID"] for letter in box.letters] == ["<a@streamhub.example>", "<b@streamhub.example>"]
    counts = await store.read(mails.count_mails)
    assert (counts[MailState.SENT], counts[MailState.DRAFT]) == (2, 1)


async def test_two_mails_for_one_reason_are_one(store, clock):
    """A second mail of the same id is not kept, whatever state the first one is in."""
    await put(store, "a")
    assert not await store.write(lambda db: mails.put_mail(db, make_mail(id="a", subject="Noch einmal")))
    await make_postman(store, Pigeonhole(), clock).send_due()
    assert not await store.write(lambda db: mails.put_mail(db, make_mail(id="a")))


async def test_a_server_that_is_down_for_a_day(store, box, clock):
    """While the server is down, the pauses grow and hosts are told; when it is back, everything goes out, once."""
    await put(store, *(f"m{n}" for n in range(20)))
    async with serve_mail(Postbox()) as gone:
        pass
    postman = make_postman(store, sender_to(gone), clock)
    attempts, ends = 0, clock.at + timedelta(days=1)
    while clock.at < ends:
        before = postman._breaks
        assert await postman.send_due() == 0
        attempts += postman._breaks - before
        assert "mail server" in postman.trouble
        clock.at += timedelta(minutes=1)
    assert 10 < attempts < 30
    seen = await store.read(lambda db: mails.list_mails(db, states={MailState.QUEUED}))
    assert len(seen) == 20
    assert any("cannot be reached" in mail.problem for mail in seen)
    async with serve_mail(Postbox(), port=gone.port) as back:
        clock.at += timedelta(hours=2)
        postman = make_postman(store, sender_to(back), clock)
        assert await postman.send_due() == 20
        assert postman.trouble == ""
        assert sorted(letter["Message-ID"] for letter in back.letters) == sorted(
            f"<m{n}@streamhub.example>" for n in range(20)
        )


async def test_one_bad_address_holds_up_nobody(store, clock):
    """A mail that is refused waits for a person, one that is delayed for its time; the others go out meanwhile."""
    await put(store, "bad", "later", "good")
    sender = Pigeonhole(failures=[MailRefused("m: refused (550)"), MailDeferred("m: greylisted (450)")])
    postman = make_postman(store, sender, clock)
    assert await postman.send_due() == 1
    assert [await state_of(store, name) for name in ("bad", "later", "good")] == ["failed", "queued", "sent"]
    assert (await store.read(lambda db: mails.load_mail(db, "bad"))).problem == "m: refused (550)"
    assert postman.trouble == ""
    clock.at += timedelta(minutes=2)
    assert await postman.send_due() == 1


async def test_a_reason_that_is_gone(store, clock):
    """A mail whose reason is gone is not sent; those behind it are."""
    await put(store, "a", "b")
    sender = Pigeonhole()
    assert await make_postman(store, sender, clock, wanted=lambda db, mail: mail.id != "a").send_due() == 1
    assert [letter["Message-ID"] for letter in sender.letters] == ["<b@streamhub.example>"]
    assert await state_of(store, "a") is MailState.QUEUED


async def test_a_person_sends_edits_and_discards(store, clock):
    """A host's steps are taken once, logged without a word of the mail, and never touch what is out."""
    await put(store, "a", "b", state=MailState.DRAFT)
    who = {"at": MADE, "author": "Jana"}
    edit = {"subject": "Neu", "body": "Anders", "edition": 1}
    await store.write(lambda db: mails.edit_mail(db, "a", **edit, **who))
    await store.write(lambda db: mails.step_mail(db, "a", MailState.QUEUED, **who))
    await store.write(lambda db: mails.step_mail(db, "b", MailState.DISCARDED, **who))
    with pytest.raises(Conflict):
        await store.write(lambda db: mails.edit_mail(db, "a", **{**edit, "edition": 2}, **who))
    sender = Pigeonhole()
    await make_postman(store, sender, clock).send_due()
    assert [letter["Subject"] for letter in sender.letters] == ["Neu"]
    with pytest.raises(Conflict):
        await store.write(lambda db: mails.step_mail(db, "a", MailState.DRAFT, **who))
    log = await store.read(lambda db: db.execute("select action, details from log order by id").fetchall())
    assert log == [("mail.edit", "{}"), ("mail.step", '{"to": "queued"}'), ("mail.step", '{"to": "discarded"}')]


async def test_the_message_id_outlives_a_new_address(store, clock):
    """When the sender's domain changes between two attempts, the mail keeps the Message-ID that it had."""
    await put(store, "a")
    sender = Pigeonhole(failures=[Unavailable("weg")])
    await make_postman(store, sender, clock).send_due()
    clock.at += timedelta(hours=3)
    other = PostmanParts(
        store=store,
        sender=sender,
        head=type(HEAD)(address="x@other.example"),
        wanted=lambda db, mail: True,
        now=clock,
    )
    assert await Postman(other).send_due() == 1
    assert sender.letters[0]["Message-ID"] == "<a@streamhub.example>"


async def test_old_words_are_forgotten(store, clock):
    """Words and addresses of old mails go; the ids stay, so that nothing is written twice."""
    await put(store, "a", "b")
    await put(store, "c", state=MailState.DRAFT)
    await make_postman(store, Pigeonhole(), clock).send_due()
    later = MADE + timedelta(days=1)
    assert await store.write(lambda db: mails.forget_mails(db, made_before=later)) == 3
    for name, state in {"a": MailState.SENT, "c": MailState.DISCARDED}.items():
        mail = await store.read(lambda db, name=name: mails.load_mail(db, name))
        assert (mail.recipient, mail.subject, mail.body, mail.state) == ("", "", "", state)
        assert not await store.write(lambda db, name=name: mails.put_mail(db, make_mail(id=name)))


async def test_kill_9_in_the_middle_of_a_mail(tmp_path, clock):
    """A hub killed while the server already had the mail sends it again, under the same Message-ID, and then stops."""
    async with Store.open(tmp_path / "hub.sqlite3", now=clock) as store:
        await put(store, "a", "b")
    environ = {**os.environ, "PYTHONPATH": str(Path(streamhub.__file__).parents[1])}
    async with serve_mail(Postbox(slow_s=60)) as box:
        argv = [sys.executable, str(Path(__file__).with_name("sending_hub.py")), str(tmp_path), str(box.port)]
        child = await asyncio.to_thread(subprocess.Popen, argv, env=environ)
        try:
            for _ in range(600):
                if box.letters:
                    break
                assert child.poll() is None
                await asyncio.sleep(0.1)
            assert len(box.letters) == 1
        finally:
            child.send_signal(signal.SIGKILL)
            await asyncio.to_thread(child.wait)
    async with serve_mail(Postbox()) as again, Store.open(tmp_path / "hub.sqlite3", now=clock) as store:
        assert await state_of(store, "a") is MailState.SENDING
        watching = asyncio.create_task(make_postman(store, sender_to(again), clock).watch(pause_s=0.05))
        for _ in range(600):
            if (await store.read(mails.count_mails))[MailState.SENT] == 2:
                break
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.3)
        watching.cancel()
        ids = [letter["Message-ID"] for letter in again.letters]
        assert ids == ["<a@streamhub.example>", "<b@streamhub.example>"]
        assert box.letters[0]["Message-ID"] == "<a@streamhub.example>"
