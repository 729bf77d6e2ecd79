"""New personal links: invitations go out anew, what was said stays, and whoever has an old mail can do nothing."""

# ruff: noqa: F811 - a fixture that another file has is an argument here

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from streamhub.keepers.inviter import is_current
from streamhub.keepers.pollster import Pollster
from streamhub.keepers.reminding import Reminding
from streamhub.outbox.mail import MailState
from streamhub.schedule.invitation import Invitation, Purpose, Reply, renew_links
from streamhub.schedule.poll import Poll
from streamhub.schedule.reminder import Rung
from streamhub.schedule.show import Role
from streamhub.store import mails, polls
from streamhub.store import people as people_rows
from streamhub.web.links import make_me
from streamhub.web.rooms import MAX_LEAP, plan_leap, plan_uid
from tests.web.test_calendar_replies import Postroom, plain_answer, room  # noqa: F401
from tests.web.test_invitations import Guests, guests  # noqa: F401

if TYPE_CHECKING:
    from streamhub.outbox.mail import Mail

NO = {"ATTENDEE;PARTSTAT=ACCEPTED": "", "ATTENDEE;PARTSTAT=DECLINED": "mailto:ada@example.org"}
AT = datetime(2027, 2, 28, 18, tzinfo=UTC)


async def renew(guests: Guests, person: str = "ada") -> None:
    """A host makes the links of somebody anew, with one click, and the keeper looks."""
    async with await guests.browser.post(f"/host/people/{person}", deed="relink") as page:
        assert page.status == 303
    await guests.inviter.sync()


def me(guests: Guests, version: int, suffix: str = "") -> str:
    return f"/me/{make_me(guests.world.hub.secret, 'ada', version)}{suffix}"


async def newest(guests: Guests, recipient: str = "ada@") -> Mail:
    return (await guests.mails(recipient))[-1]


async def test_new_links_bring_a_new_invitation(guests: Guests) -> None:
    """One draft with the new links, the same entry with a higher sequence and what he said; nobody else gets one."""
    await guests.invite("ada", "bob")
    await guests.send_all()
    await guests.answer("ada", reply="accepted", for_live="yes")
    (first,) = await guests.mails("ada@")
    await renew(guests)
    mail = await newest(guests)
    assert (mail.state, mail.subject) == (MailState.DRAFT, "Neue persönliche Links: Netz, 02.03.2027")
    assert me(guests, 2) in mail.body
    assert me(guests, 1) not in mail.body + mail.calendar.replace("\r\n ", "")
    assert "Wir haben von Ihnen eine Zusage" in mail.body
    assert "Antworten auf diese Nachrichten zählen nicht" in mail.body
    (before,), (after,) = (Calendar.from_ical(one.calendar).walk("VEVENT") for one in (first, mail))
    assert before["uid"] == after["uid"], "his calendar has one entry"
    assert after["sequence"] > before["sequence"]
    assert after["attendee"].params["PARTSTAT"] == "ACCEPTED"
    assert Calendar.from_ical(mail.calendar)["method"] == "REQUEST"
    invitation = await guests.invitation("ada")
    assert invitation.reply is Reply.ACCEPTED, "what he said stays"
    assert await guests.inviter.sync() == 0
    assert len(await guests.mails("bob@")) == 1


async def test_a_confirmed_guest_stays_confirmed(guests: Guests) -> None:
    """New links take nobody out of a session; the mail is no new question."""
    await guests.invite("ada")
    await guests.send_all()
    await guests.answer("ada", reply="accepted")
    await guests.post("invitations/ada", deed="confirm")
    await guests.inviter.sync()
    await guests.send_all()
    await renew(guests)
    mail = await newest(guests)
    assert mail.subject == "Neue persönliche Links: Netz, 02.03.2027"
    (event,) = Calendar.from_ical(mail.calendar).walk("VEVENT")
    assert (event["status"], event["attendee"].params["PARTSTAT"]) == ("CONFIRMED", "ACCEPTED")
    assert (await guests.invitation("ada")).certain
    assert "Ada Weber" in [one.name for one in (await guests.session()).participants]


async def test_hosts_send_it_with_one_click(guests: Guests) -> None:
    """The person's page and the page of invitations say what happened; a button there sends the mail and comes back."""
    await guests.invite("ada")
    await guests.send_all()
    async with await guests.browser.post("/host/people/ada", deed="relink") as page:
        place = page.headers["Location"]
    async with await guests.browser.get(place) as page:
        text = await page.text()
    assert "Die bisherigen Links gelten nicht mehr" in text
    assert "Offene Einladungen werden mit den neuen Links neu geschrieben" in text
    assert "Die Einladung zu „Netz“ wird mit den neuen Links neu geschrieben." in text
    await guests.inviter.sync()
    mail = await newest(guests)
    for path in ("/host/people/ada", f"/host/s/{guests.session_id}/invitations"):
        async with await guests.browser.get(path) as page:
            text = await page.text()
        assert f'action="/host/outbox/{mail.id}/send"' in text
        assert "wird mit den neuen Links neu geschrieben" not in text
    back = f"/host/s/{guests.session_id}/invitations"
    async with await guests.browser.post(f"/host/outbox/{mail.id}/send", back=back) as page:
        assert page.headers["Location"] == f"{back}?said=sent#said"
    assert (await newest(guests)).state is MailState.QUEUED
    async with await guests.browser.get(f"{back}?said=sent") as page:
        assert "Die Nachricht ist unterwegs." in await page.text()


@pytest.mark.parametrize("back", ["https://evil.example", "//evil.example", "/host/people/../../x", "/host/s/x/y"])
async def test_the_way_back_is_one_of_ours(guests: Guests, back: str) -> None:
    """A form that names another place leads to the outbox."""
    await guests.invite("ada")
    (mail,) = await guests.mails("ada@")
    async with await guests.browser.post(f"/host/outbox/{mail.id}/send", back=back) as page:
        assert page.headers["Location"] == "/host/outbox"


async def test_a_forwarded_link_is_worth_nothing(guests: Guests) -> None:
    """After new links every page behind the old one is closed, to look at and to act, and says so in plain words."""
    await guests.invite("ada")
    await guests.send_all()
    await renew(guests)
    at = f"/s/{guests.session_id}"
    for suffix in ("", f"{at}/studio", f"{at}/rundown", "/check", "/check/down", "/sessions.ics"):
        async with guests.world.client.get(me(guests, 1, suffix)) as page:
            assert page.status == 404, suffix
            assert "Sie haben neue persönliche Links." in await page.text()
    for suffix in (at, f"{at}/studio", "/week", "/away", "/calendar", "/check", f"/polls/{guests.session_id}"):
        fields = {"reply": "declined", "for_live": "no", "h0-9": "1"}
        async with guests.world.client.post(me(guests, 1, suffix), data=fields) as page:
            assert page.status == 404, suffix
    invitation = await guests.invitation("ada")
    assert invitation.reply is Reply.NONE
    async with guests.world.client.get(me(guests, 2)) as page:
        assert page.status == 200
    async with guests.world.client.get(f"/me/{make_me(b'another secret of 32 bytes and more', 'ada', 1)}") as page:
        assert "neue persönliche Links" not in await page.text(), "a link that is none says nothing of anybody"


async def test_a_forwarded_entry_never_counts(room: Postroom) -> None:
    """Whoever was sent the old mail answers in vain, whatever sequence he guesses."""
    guests, old = room.guests, plan_uid(room.guests.world.hub.secret, await room.guests.invitation("ada"))
    await guests.answer("ada", reply="accepted")
    await renew(guests)
    await room.bring(plain_answer(old, DTSTAMP="20270228T181000Z", **NO))
    await guests.send_all()
    sequence = (await guests.invitation("ada")).sequence
    for number, guess in enumerate((0, 1, 2, 3, 500_000, sequence - 2, sequence + 1, 2**31 - 1), 2):
        await room.bring(plain_answer(old, number=number, SEQUENCE=str(guess), DTSTAMP="20270228T190000Z", **NO))
    assert await room.reply() is Reply.ACCEPTED
    assert {one.weight.value for one in await room.kept()} == {"renewed"}
    _, text = await guests.post("invitations")
    assert "Die Antwort auf die Einladung mit den neuen Links zählt." in text
    stamp = f"{guests.world.clock():%Y%m%dT%H%M%SZ}"
    await room.bring(plain_answer(old, number=20, SEQUENCE=str(sequence), DTSTAMP=stamp, **NO))
    assert await room.reply() is Reply.DECLINED, "the answer to the new mail counts at once"


async def test_a_later_change_still_reaches_the_entry(room: Postroom) -> None:
    """After new links a move and a cancellation change the same entry, and answers to them count."""
    guests = room.guests
    await renew(guests)
    await guests.send_all()
    uid = plan_uid(guests.world.hub.secret, await guests.invitation("ada"))
    await guests.move(starts_at=datetime(2027, 3, 4, 19, 15, tzinfo=UTC))
    await guests.send_all()
    moved = await newest(guests)
    (event,) = Calendar.from_ical(moved.calendar).walk("VEVENT")
    assert (moved.subject, event["uid"]) == ("Neuer Termin: Netz, 04.03.2027", uid)
    assert "Die Links in früheren Nachrichten" not in moved.body, "that was told"
    stamp = f"{guests.world.clock():%Y%m%dT%H%M%SZ}"
    await room.bring(plain_answer(uid, SEQUENCE=str(event["sequence"]), DTSTAMP=stamp))
    assert await room.reply() is Reply.ACCEPTED
    await guests.post("invitations/ada", deed="withdraw")
    await guests.inviter.sync()
    off = await newest(guests)
    (event,) = Calendar.from_ical(off.calendar).walk("VEVENT")
    assert (Calendar.from_ical(off.calendar)["method"], event["uid"]) == ("CANCEL", uid)
    assert event["sequence"] > (await guests.invitation("ada")).renewed_sequence


async def test_a_move_in_the_same_moment(guests: Guests) -> None:
    """New links and a new time are one mail, which says both."""
    await guests.invite("ada")
    await guests.send_all()
    async with await guests.browser.post("/host/people/ada", deed="relink"):
        pass
    await guests.move(starts_at=datetime(2027, 3, 4, 19, 15, tzinfo=UTC))
    assert len(await guests.mails("ada@")) == 2
    mail = await newest(guests)
    assert mail.subject == "Neuer Termin: Netz, 04.03.2027"
    assert "Die Links in früheren Nachrichten gelten nicht mehr" in mail.body
    assert me(guests, 2) in mail.body


async def test_mails_that_wait_hold_the_new_links(guests: Guests) -> None:
    """A reminder that waits gets the new link in place of the old; an invitation nobody sent is written anew, once."""
    await guests.invite("ada")
    await guests.send_all()
    await guests.answer("ada", reply="accepted")
    await guests.post("invitations/ada", deed="confirm")
    await guests.inviter.sync()
    reminding = Reminding(guests.inviter._parts)
    await reminding.sync()
    session = await guests.session()
    guests.world.clock.at = session.starts_at - timedelta(days=1)
    await reminding.remind(session.id, session.starts_at, Rung.DAY)
    await guests.browser.close()
    guests.browser = await guests.world.sign_in()
    confirmation = await guests.world.hub.store.read(
        lambda db: mails.list_waiting(db, "invitation", recipient="ada@example.org")
    )
    await renew(guests)
    store = guests.world.hub.store
    (reminder,) = await store.read(lambda db: mails.list_of(db, "reminder", session.id))
    assert me(guests, 2) in reminder.body
    assert me(guests, 1) not in reminder.body
    waiting = await store.read(lambda db: mails.list_waiting(db, "invitation", recipient="ada@example.org"))
    assert len(confirmation) == len(waiting) == 1
    assert waiting[0].id != confirmation[0].id
    assert me(guests, 1) not in waiting[0].body
    assert await store.read(lambda db: is_current(db, waiting[0]))


async def test_who_declined_or_has_no_address_gets_no_mail(guests: Guests) -> None:
    """A no stays a no without another mail; where nothing goes out anew the host hands on the link."""
    await guests.invite("ada", "bob")
    await guests.send_all()
    await guests.answer("ada", reply="declined")
    await renew(guests)
    assert len(await guests.mails("ada@")) == 1
    async with await guests.browser.get("/host/people/ada") as page:
        assert "neu geschrieben" not in await page.text()
    async with await guests.browser.get("/host/people/ada?said=relinked") as page:
        assert "Geben Sie den neuen weiter." in await page.text()


async def test_a_poll_that_is_open_is_asked_anew(guests: Guests) -> None:
    """Who has not answered a poll gets its mail once more with the new link, once, and is reminded no sooner."""
    store, at = guests.world.hub.store, guests.world.clock()
    options = tuple(at + timedelta(days=days) for days in (20, 21))
    poll = Poll(
        session_id=guests.session_id,
        people=("ada", "bob"),
        options=options,
        needed=2,
        made_at=at,
        ends_at=at + timedelta(days=7),
    )
    await store.write(lambda db: polls.save_poll(db, poll))
    pollster = Pollster(guests.inviter._parts)
    await pollster.sync()
    first = await store.read(lambda db: mails.list_of(db, "poll", guests.session_id))
    assert len(first) == 2
    await guests.send_all()
    await renew(guests)
    await pollster.sync()
    await pollster.sync()
    again = await store.read(lambda db: mails.list_about(db, "poll", guests.session_id, "ada@example.org"))
    assert len(again) == 2
    assert [any(me(guests, version) in one.body for one in again) for version in (1, 2)] == [True, True]
    assert len(await store.read(lambda db: mails.list_about(db, "poll", guests.session_id, "bob@example.org"))) == 1


async def test_a_guest_who_was_asked_again(guests: Guests) -> None:
    """Who is taken back and asked anew after new links has the same entry, and old mails open nothing."""
    await guests.invite("ada")
    await guests.send_all()
    uid = plan_uid(guests.world.hub.secret, await guests.invitation("ada"))
    await renew(guests)
    renewed = (await guests.invitation("ada")).renewed_sequence
    await guests.post("invitations/ada", deed="withdraw")
    await guests.inviter.sync()
    await guests.invite("ada")
    invitation = await guests.invitation("ada")
    assert plan_uid(guests.world.hub.secret, invitation) == uid
    assert invitation.renewed_sequence == renewed > 0
    assert invitation.reply is Reply.NONE


async def test_consent_stays(guests: Guests) -> None:
    """What was consented to behind the old link is a word of its time, and stays until it is taken back."""
    await guests.invite("ada")
    await guests.answer("ada", **{f"for_{one}": "yes" for one in Purpose})
    await renew(guests)
    async with guests.world.client.get(me(guests, 2)) as page:
        assert (await page.text()).count("checked") == len(Purpose)


async def test_the_upgrade_heals_who_waits(guests: Guests) -> None:
    """Somebody whose links were made anew by an older hub, and who was told of none, is invited anew."""
    await guests.invite("ada")
    await guests.send_all()

    def older(db: Any) -> None:
        people_rows.save_person(db, people_rows.load_person(db, "ada"))
        db.execute("update people set link_version = 3 where id = 'ada'")

    await guests.world.hub.store.write(older)
    assert await guests.inviter.sync() == 1
    assert me(guests, 3) in (await newest(guests)).body


MADE = Invitation(session_id="s", person_id="ada", role=Role.EXPERT, made_at=AT)


@given(
    versions=st.lists(st.integers(1, 9), min_size=1, max_size=8),
    secret=st.binary(min_size=32, max_size=32),
    told=st.booleans(),
)
def test_the_sequence_only_rises(versions: list[int], secret: bytes, told: bool) -> None:
    """However often links are made anew the sequence rises, and the same links change nothing."""
    one = MADE if not told else Invitation(session_id="s", person_id="ada", role=Role.EXPERT, made_at=AT, told="{}")
    for version in versions:
        leap = plan_leap(secret, one, version)
        assert 1 <= leap <= MAX_LEAP
        after = renew_links(one, version, leap=leap)
        if version == one.link_version:
            assert after is one
        elif told:
            assert after.sequence == after.renewed_sequence == one.sequence + leap
        else:
            assert (after.sequence, after.renewed_sequence) == (0, 0), "he never heard of other links"
        one = after
