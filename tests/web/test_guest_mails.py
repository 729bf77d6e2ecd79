"""Mails to guests, whatever stands in names and titles: read by the standard library and two calendar libraries."""

# ruff: noqa: F811 - a fixture that another file has is an argument here

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import vobject
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from streamhub.keepers.invitation_mail import InvitationFacts, plan_invitation_mail
from streamhub.keepers.pollster import Pollster
from streamhub.outbox.mail import Mail, MailState
from streamhub.schedule.invitation import Reply, Telling
from streamhub.schedule.itip import Appointment, Ends, render_itip
from streamhub.schedule.people import Person
from streamhub.schedule.poll import Poll
from streamhub.schedule.show import Role, SessionState
from streamhub.store import mails, polls, shows
from streamhub.store import people as people_rows
from tests.web.test_invitations import Guests, guests, letter_of, parts_of  # noqa: F401

START = datetime(2027, 3, 2, 19, 15, tzinfo=UTC)
PAGE = "https://hub.example.org/me/x"
HOSTILE = st.text(
    st.one_of(
        st.sampled_from("\r\n\t\x0b\x0c\x85\u2028\u2029:;,<>\"'\\@=?%(){}&^ "),
        st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]),
    ),
    max_size=80,
)
OFTEN = [
    "Eve\r\nBcc: x@evil.example",
    'Eve"\r\nATTENDEE:mailto:x@evil.example',
    "Eve\nEND:VEVENT\nBEGIN:VEVENT\nUID:x",
    "=?utf-8?q?Eve=0D=0ABcc:_x=40evil.example?=",
    "Eve;CN=x:mailto:x@evil.example",
    "{title} {0} %s",
    "\u202egnp.exe",
    "Eve \\",
]
HEADERS = {
    "Message-ID", "Date", "From", "To", "Subject", "Auto-Submitted", "X-Auto-Response-Suppress", "Content-Language",
    "MIME-Version", "Content-Type",
}  # fmt: skip
KINDS = ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar", "application/ics"]


def mail_of(telling: Telling, *, name: str, title: str, note: str, language: str) -> Mail:
    """A mail as the inviter writes it, with what strangers typed in every place."""
    facts = InvitationFacts(
        telling=telling,
        name=name,
        role=Role.EXPERT,
        title=title,
        starts_at=START,
        zone="Europe/Berlin",
        own_zone="America/New_York",
        minutes=60,
        note=note,
        instructions=note,
        room_url="",
        page_url=PAGE,
        certain=False,
        reply=Reply.NONE,
        renewed=telling is Telling.RENEWED,
        hub_name="Runde",
    )
    subject, body = plan_invitation_mail(facts, language)
    entry = Appointment(
        uid="u@streamhub",
        sequence=1,
        stamp=START,
        starts_at=START,
        zone="Europe/Berlin",
        minutes=60,
        title=title,
        text=note,
        url=PAGE,
        off=telling.calls_off,
    )
    ends = Ends(organizer="hub@streamhub.example", organizer_name=title, attendee="eve@example.org", attendee_name=name)
    return Mail(
        id="abc",
        kind="invitation",
        object="s",
        recipient="eve@example.org",
        language=language,
        subject=subject,
        body=body,
        calendar=render_itip(entry, ends, language),
        made_at=START,
    )


@given(
    telling=st.sampled_from(list(Telling)),
    name=st.one_of(st.sampled_from(OFTEN), HOSTILE),
    title=st.one_of(st.sampled_from(OFTEN), HOSTILE),
    note=st.one_of(st.sampled_from(OFTEN), HOSTILE),
    language=st.sampled_from(["de", "en"]),
)
@settings(max_examples=150, deadline=None)
def test_nothing_typed_breaks_out(telling: Telling, name: str, title: str, note: str, language: str) -> None:
    """Whatever was typed, a mail has our headers, one recipient and our parts, its calendar one entry and one guest."""
    letter = letter_of(mail_of(telling, name=name, title=title, note=note, language=language))
    assert set(letter.keys()) == HEADERS
    assert [one.addr_spec for one in letter["To"].addresses] == ["eve@example.org"]
    assert not letter.defects
    assert [part.get_content_type() for part in letter.walk()] == KINDS
    (part,) = parts_of(letter, "text/calendar")
    text = part.get_payload(decode=True).decode()
    method = "CANCEL" if telling.calls_off else "REQUEST"
    assert part.get_param("method") == method
    read = Calendar.from_ical(text)
    (event,) = read.walk("VEVENT")
    assert (read["method"], event["uid"], event["attendee"]) == (method, "u@streamhub", "mailto:eve@example.org")
    assert event["organizer"] == "mailto:hub@streamhub.example"
    assert set(event) == {
        "UID", "SEQUENCE", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "URL", "STATUS", "ORGANIZER", "ATTENDEE",
        *(["DESCRIPTION"] if note else []),
    }  # fmt: skip
    second = vobject.readOne(text)
    assert second.vevent.uid.value == "u@streamhub"
    assert len(second.vevent.contents["attendee"]) == 1
    assert second.vevent.dtstart.value.astimezone(UTC) == START
    assert second.vevent.status.value == ("CANCELLED" if telling.calls_off else "TENTATIVE")
    assert second.method.value == method


@pytest.mark.parametrize("typed", OFTEN)
async def test_every_mail_is_a_draft_that_can_be_read_and_changed(guests: Guests, typed: str) -> None:
    """Invitations, cancellations and polls wait as drafts; what a host makes of them is a whole mail again."""
    store, now = guests.world.hub.store, guests.world.clock()
    name = " ".join(typed.split())

    def save(db: Any) -> None:
        people_rows.save_person(db, Person(id="eve", name=name[:80], email="eve@example.org", role=Role.CUSTOMER))
        shows.save_session(db, shows.load_session(db, guests.session_id))
        poll = Poll(
            session_id=guests.session_id,
            options=(START + timedelta(days=2),),
            people=("eve",),
            needed=1,
            made_at=now,
            ends_at=now + timedelta(days=1),
        )
        polls.save_poll(db, poll)

    await store.write(save)
    await guests.invite("ada")
    await guests.send_all()
    await guests.move(title=name)
    await guests.invite("eve")
    await Pollster(guests.inviter._parts).sync()
    await store.write(lambda db: shows.step_session(db, guests.session_id, SessionState.CANCELLED, at=now))
    await guests.inviter.sync()
    drafts = await store.read(lambda db: mails.list_mails(db, states={MailState.DRAFT}))
    assert {(one.kind, one.recipient) for one in drafts} >= {
        ("poll", "eve@example.org"),
        ("invitation", "ada@example.org"),
    }
    for mail in drafts:
        path = f"/host/outbox/{mail.id}"
        async with await guests.browser.get(path) as page:
            text = await page.text()
            assert page.status == 200
            assert "<textarea" in text
        fields = {"subject": f"Neu {typed}", "body": f"Anders\n\n{typed}", "edition": str(mail.edition)}
        async with await guests.browser.post(f"{path}/edit", **fields) as page:
            assert page.status == 303
        changed = await store.read(lambda db, mail=mail: mails.load_mail(db, mail.id))
        assert changed.subject.startswith("Neu")
        assert changed.calendar == mail.calendar
        letter = letter_of(changed)
        assert set(letter.keys()) == HEADERS
        assert [one.addr_spec for one in letter["To"].addresses] == [mail.recipient]
        assert not letter.defects
