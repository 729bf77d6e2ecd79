"""Invitations from asking to the studio: both sides say yes, all are told once, consent is given and taken back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from typing import TYPE_CHECKING, Any

import pytest
import vobject
from icalendar import Calendar

from streamhub.keepers.inviter import Inviter, InviterParts, is_current
from streamhub.keepers.postman import Postman, PostmanParts
from streamhub.outbox.letter import POLICY, build_letter
from streamhub.outbox.mail import Letterhead, Mail, MailState
from streamhub.schedule.invitation import CONSENT_VERSION, Purpose, Reply
from streamhub.schedule.people import Person
from streamhub.schedule.show import Role, SessionState
from streamhub.store import consents, mails, shows
from streamhub.store import invitations as rows
from streamhub.store import people as people_rows
from streamhub.store.agreements import list_voices
from streamhub.web.links import Links, make_me
from streamhub.web.stage_view import read_show_state
from tests.outbox.conftest import Postbox, sender_to, serve_mail

if TYPE_CHECKING:
    from streamhub.schedule.invitation import Invitation
    from streamhub.schedule.show import Session
    from tests.web.conftest import World

HEAD = Letterhead(address="hub@streamhub.example", name="Frag die Runde", links=("https://hub.example.org",))
HOSTILE_NAME = 'Eve"\r\nATTENDEE:mailto:x@evil.example\r\nBcc: y@evil.example;CN=<script>'
EVERY = list(MailState)


@dataclass
class Guests:
    """A session with three people who can be invited, and the keeper that tells them."""

    world: World
    session_id: str
    inviter: Inviter
    browser: Any

    async def invite(self, *people: str) -> None:
        await self.post("invitations", **{f"p-{one}": "1" for one in people})
        await self.inviter.sync()

    async def post(self, path: str, **fields: str) -> tuple[int, str]:
        async with await self.browser.post(f"/host/s/{self.session_id}/{path}", **fields) as page:
            return page.status, await page.text()

    async def answer(self, person: str, **fields: str) -> int:
        path = f"/me/{make_me(self.world.hub.secret, person, 1)}/s/{self.session_id}"
        async with self.world.client.post(path, data=fields, allow_redirects=False) as page:
            return page.status

    async def page_of(self, person: str, suffix: str = "") -> str:
        path = f"/me/{make_me(self.world.hub.secret, person, 1)}{suffix}"
        async with self.world.client.get(path) as page:
            assert page.status == 200
            return await page.text()

    async def invitation(self, person: str) -> Invitation:
        return await self.world.hub.store.read(lambda db: rows.load_invitation(db, self.session_id, person))

    async def session(self) -> Session:
        return await self.world.hub.store.read(lambda db: shows.load_session(db, self.session_id))

    async def move(self, **changes: Any) -> None:
        def save(db: Any) -> None:
            shows.save_session(db, replace(shows.load_session(db, self.session_id), **changes))

        await self.world.hub.store.write(save)
        await self.inviter.sync()

    async def mails(self, recipient: str = "") -> list[Mail]:
        found = await self.world.hub.store.read(lambda db: mails.list_mails(db, states=EVERY))
        return sorted((one for one in found if recipient in one.recipient), key=lambda one: int(one.version))

    async def send_all(self) -> None:
        """As if every draft was sent."""

        def send(db: Any) -> None:
            for mail in mails.list_mails(db, states={MailState.DRAFT, MailState.QUEUED}):
                db.execute("update mails set state = 'sent', sent_at = made_at where id = ?", (mail.id,))

        await self.world.hub.store.write(send)


@pytest.fixture
async def guests(world: World) -> AsyncIterator[Guests]:
    session_id = await world.plan()
    people = (
        Person(id="ada", name="Ada Weber", email="ada@example.org", organisation="Netz AG"),
        Person(id="bob", name="Bob Stone", email="bob@example.org", language="en", zone="America/New_York"),
        Person(id="eve", name=HOSTILE_NAME.replace("\r\n", " "), email="eve@example.org", role=Role.CUSTOMER),
    )
    await world.hub.store.write(lambda db: [people_rows.save_person(db, one) for one in people])
    inviter = Inviter(
        InviterParts(
            store=world.hub.store,
            links=Links(hub_url="https://hub.example.org", secret=world.hub.secret),
            hub_name="Frag die Runde",
            address=HEAD.address,
            by_rule=False,
            secret=world.hub.secret,
            now=world.clock,
        )
    )
    browser = await world.sign_in()
    made = Guests(world, session_id, inviter, browser)
    yield made
    await made.browser.close()


def letter_of(mail: Mail) -> EmailMessage:
    built = build_letter(mail, HEAD, at=datetime(2027, 3, 1, tzinfo=UTC))
    letter = message_from_bytes(built.as_bytes(policy=POLICY), policy=modern)
    assert isinstance(letter, EmailMessage)
    return letter


def parts_of(letter: EmailMessage, kind: str) -> list[Any]:
    return [part for part in letter.walk() if part.get_content_type() == kind]


async def test_an_invitation_as_a_mail(guests: Guests) -> None:
    """It is a draft in the person's language that names both times, and a request that two calendar libraries read."""
    await guests.invite("ada", "bob")
    (to_ada,), (to_bob,) = await guests.mails("ada@"), await guests.mails("bob@")
    assert (to_ada.state, to_ada.kind, to_ada.language) == (MailState.DRAFT, "invitation", "de")
    assert to_ada.subject == "Einladung: Netz, 02.03.2027"
    assert "Dienstag, 2. März 2027, 20:15\N{NO-BREAK SPACE}Uhr (MEZ, UTC+1, Europe/Berlin), 60 Minuten" in to_ada.body
    assert "Bei Ihnen" not in to_ada.body
    assert "Your time: Tuesday 2 March 2027, 14:15" in to_bob.body.replace("Tuesday, ", "Tuesday ")
    assert "America/New_York" in to_bob.body
    for mail, other in ((to_ada, "bob@"), (to_bob, "ada@")):
        assert other not in mail.body + mail.calendar + mail.subject
        letter = letter_of(mail)
        assert letter.get_content_type() == "multipart/mixed"
        (part,) = parts_of(letter, "text/calendar")
        assert part.get_param("method") == "REQUEST"
        (file,) = parts_of(letter, "application/ics")
        assert file.get_filename() == "invite.ics"
        for text in (part.get_payload(decode=True).decode(), file.get_payload(decode=True).decode()):
            read, other_read = Calendar.from_ical(text), vobject.readOne(text)
            assert read["method"] == "REQUEST"
            (event,) = read.walk("VEVENT")
            assert event.decoded("dtstart") == datetime(2027, 3, 2, 19, 15, tzinfo=UTC)
            assert event.decoded("dtend") == datetime(2027, 3, 2, 20, 15, tzinfo=UTC)
            assert event["sequence"] == 0
            assert event["organizer"] == "mailto:hub@streamhub.example"
            assert event["attendee"] == f"mailto:{mail.recipient}"
            assert other_read.vevent.dtstart.value.astimezone(UTC) == datetime(2027, 3, 2, 19, 15, tzinfo=UTC)
            assert other_read.vevent.status.value == "TENTATIVE"
    assert await guests.inviter.sync() == 0, "everybody is told once"


async def test_a_customer_is_invited_with_his_question(guests: Guests) -> None:
    """The mail to a customer quotes what he wants to ask, hostile or not, and nobody else's does."""
    hostile = "Warum <b>blinkt</b> es?\n\nBcc: x@evil.example"

    def save(db: Any) -> None:
        for one in ("ada", "eve"):
            people_rows.save_person(db, replace(people_rows.load_person(db, one), question=hostile))

    await guests.world.hub.store.write(save)
    await guests.invite("ada", "eve")
    (to_eve,) = await guests.mails("eve@")
    (to_ada,) = await guests.mails("ada@")
    assert "„Warum <b>blinkt</b> es?" in to_eve.body
    assert "blinkt" not in to_ada.body, "she is asked in as an expert"
    letter = letter_of(to_eve)
    assert letter["Bcc"] is None
    (page,) = parts_of(letter, "text/html")
    assert "&lt;b&gt;blinkt" in page.get_content()


async def test_the_outbox_says_who_reads_an_invitation(guests: Guests) -> None:
    """Hosts see by name to whom an invitation goes; whoever asked a question stays a masked address, known or not."""
    await guests.invite("ada", "bob")
    async with await guests.browser.get("/host/outbox") as page:
        text = await page.text()
    assert "Ada Weber" in text
    assert "Bob Stone" in text
    for path, said in (("/host", "2 E-Mails warten"), (f"/host/s/{guests.session_id}", "2 E-Mails zu dieser Sendung")):
        async with await guests.browser.get(path) as page:
            assert said in await page.text()
    (mail,) = await guests.mails("ada@")
    async with await guests.browser.get(f"/host/outbox/{mail.id}") as page:
        assert "<strong>Ada Weber</strong> a…@example.org" in await page.text()
    asked = replace(mail, id="asked", kind="answered", subject="Beantwortet", body="Guten Tag")
    await guests.world.hub.store.write(lambda db: mails.put_mail(db, asked))
    async with await guests.browser.get("/host/outbox/asked") as page:
        assert "Ada Weber" not in await page.text()


async def test_hostile_names_stay_names(guests: Guests) -> None:
    """A name with quotes, line ends and headers in it adds no attendee, no header and no node."""
    await guests.invite("eve")
    (mail,) = await guests.mails("eve@")
    hostile = replace(mail, calendar=mail.calendar, subject=f"{mail.subject} {HOSTILE_NAME}")
    letter = letter_of(hostile)
    assert letter["Bcc"] is None
    assert letter["To"] == "eve@example.org"
    (part,) = parts_of(letter, "text/calendar")
    (event,) = Calendar.from_ical(part.get_payload(decode=True).decode()).walk("VEVENT")
    assert event["attendee"] == "mailto:eve@example.org"
    status, text = await guests.post("invitations")
    assert status == 400
    assert "<script>" not in text
    assert "<script>" not in await guests.page_of("eve")


async def test_accepted_is_not_confirmed(guests: Guests) -> None:
    """A person accepts, a host confirms: only then he is in the session, sees the studio, and is told so."""
    await guests.invite("ada")
    await guests.send_all()
    room = "https://vdo.ninja/?room=runde&push={key}&label={name}"
    assert (await guests.post("room", url=room, instructions="Kopfhörer bitte."))[0] == 303
    assert await guests.inviter.sync() == 0, "the studio is nobody's business before he is confirmed"
    status, text = await guests.post("invitations/ada", deed="confirm")
    assert status == 409
    assert "hat nicht zugesagt" in text
    assert await guests.answer("ada", reply="accepted") == 303
    assert "noch nicht bestätigt" in await guests.page_of("ada")
    assert [one.name for one in (await guests.session()).participants] == ["Jana Weber"]
    assert (await guests.post("invitations/ada", deed="confirm"))[0] == 303
    session = await guests.session()
    assert [(one.name, one.role, one.about) for one in session.participants][-1] == (
        "Ada Weber",
        Role.EXPERT,
        "Netz AG",
    )
    assert await guests.inviter.sync() == 1
    mail = (await guests.mails("ada@"))[-1]
    assert mail.subject == "Bestätigt: Netz, 02.03.2027"
    assert f"/s/{guests.session_id}/studio" in mail.body
    assert "vdo.ninja" not in mail.body + mail.calendar, "mails lead to the door"
    assert "Kopfhörer bitte." in mail.body
    (event,) = Calendar.from_ical(mail.calendar).walk("VEVENT")
    assert (event["status"], event["sequence"]) == ("CONFIRMED", 1)
    assert len(event.walk("VALARM")) == 4
    page = await guests.page_of("ada")
    assert "Zum Studio" in page
    assert "vdo.ninja" not in page
    assert "ada@example.org" not in page


async def test_a_confirmation_is_not_lost_in_a_change(guests: Guests) -> None:
    """Whoever is confirmed hears that he is, also when the studio was named before that mail went out."""
    await guests.invite("ada")
    await guests.send_all()
    await guests.answer("ada", reply="accepted")
    assert (await guests.post("invitations/ada", deed="confirm"))[0] == 303
    await guests.inviter.sync()
    await guests.post("room", url="https://meet.example/{room}")
    await guests.inviter.sync()
    (waiting,) = [one for one in await guests.mails("ada@") if one.state is MailState.DRAFT]
    assert waiting.subject.startswith("Bestätigt:")
    assert "/studio" in waiting.body
    await guests.send_all()
    await guests.move(zone="Europe/London")
    (changed,) = [one for one in await guests.mails("ada@") if one.state is MailState.DRAFT]
    assert changed.subject.startswith("Geändert:"), "she knows that she is in"


async def test_answering_twice_and_late(guests: Guests) -> None:
    """The last answer counts, sending one twice changes nothing, and a no ten minutes before takes him out at once."""
    await guests.invite("ada")
    await guests.answer("ada", reply="accepted")
    await guests.post("invitations/ada", deed="confirm")
    assert await guests.answer("ada", reply="accepted") == 303
    assert (await guests.invitation("ada")).certain
    guests.world.clock.at = datetime(2027, 3, 2, 19, 5, tzinfo=UTC)
    assert await guests.answer("ada", reply="declined") == 303
    invitation, session = await guests.invitation("ada"), await guests.session()
    assert (invitation.reply, invitation.certain) == (Reply.DECLINED, False)
    assert "Ada Weber" not in [one.name for one in session.participants]
    assert await guests.answer("ada", reply="nonsense") == 303
    guests.world.clock.forward(hours=3)
    await guests.answer("ada", reply="accepted")
    assert (await guests.invitation("ada")).reply is Reply.DECLINED, "it is over"


async def test_a_new_time_asks_anew(guests: Guests) -> None:
    """After a move everybody is asked again, also who declined; who had got no mail yet gets one invitation only."""
    await guests.invite("ada", "bob")
    await guests.send_all()
    await guests.answer("ada", reply="accepted")
    await guests.post("invitations/ada", deed="confirm")
    await guests.answer("bob", reply="declined")
    await guests.inviter.sync()
    await guests.invite("eve")
    await guests.move(starts_at=datetime(2027, 3, 4, 19, 15, tzinfo=UTC))
    ada, bob, eve = [(await guests.mails(one))[-1] for one in ("ada@", "bob@", "eve@")]
    assert ada.subject == "Neuer Termin: Netz, 04.03.2027"
    assert "\nBisher: Dienstag, 2. März 2027, 20:15" in ada.body
    assert bob.subject == "New date: Netz, 2027-03-04"
    assert "\nBefore: " in bob.body
    assert eve.subject == "Einladung: Netz, 04.03.2027"
    assert len(await guests.mails("eve@")) == 1
    assert "Bisher" not in eve.body
    assert [m.version for m in await guests.mails("ada@")] == ["0", "2"], "the confirmation that nobody sent gave way"
    invitation = await guests.invitation("ada")
    assert (invitation.reply, invitation.certain) == (Reply.NONE, False)
    assert "Ada Weber" not in [one.name for one in (await guests.session()).participants]
    await guests.move(title="Netze und Leitungen")
    assert len(await guests.mails()) == 5, "words that change are not worth a mail"


async def test_calling_off_reaches_everybody_once(guests: Guests) -> None:
    """A cancelled session is called off to who was told and had not declined; nobody else hears of it."""
    await guests.invite("ada", "bob")
    await guests.send_all()
    await guests.answer("bob", reply="declined")
    await guests.invite("eve")

    async def step(to: SessionState) -> int:
        store, at = guests.world.hub.store, guests.world.clock()
        await store.write(lambda db: shows.step_session(db, guests.session_id, to, at=at))
        return await guests.inviter.sync()

    assert await step(SessionState.CANCELLED) == 1
    cancelled = (await guests.mails("ada@"))[-1]
    assert cancelled.subject == "Abgesagt: Netz"
    read = Calendar.from_ical(cancelled.calendar)
    (event,) = read.walk("VEVENT")
    (first,) = Calendar.from_ical((await guests.mails("ada@"))[0].calendar).walk("VEVENT")
    assert (read["method"], event["status"], event["sequence"]) == ("CANCEL", "CANCELLED", 1)
    second = vobject.readOne(cancelled.calendar)
    assert (second.method.value, second.vevent.status.value, second.vevent.sequence.value) == (
        "CANCEL",
        "CANCELLED",
        "1",
    )
    assert (event["uid"], event["attendee"]) == (first["uid"], first["attendee"])
    assert await guests.mails("eve@") == [], "of what was never sent nothing is called off"
    assert len(await guests.mails("bob@")) == 1
    assert await guests.inviter.sync() == 0
    await guests.send_all()
    assert await step(SessionState.SCHEDULED) >= 1
    again = (await guests.mails("ada@"))[-1]
    assert (again.subject, again.version) == ("Einladung: Netz, 02.03.2027", "2")


async def test_taking_an_invitation_back(guests: Guests) -> None:
    """It vanishes from the person's page, he is told, his mails that were not sent go, and he can be asked again."""
    await guests.invite("ada", "bob")
    await guests.send_all()
    assert (await guests.post("invitations/ada", deed="withdraw"))[0] == 303
    assert await guests.inviter.sync() == 1
    assert (await guests.mails("ada@"))[-1].subject == "Einladung zurückgenommen: Netz"
    assert "Ihre Sendungen" not in await guests.page_of("ada")
    assert await guests.answer("ada", reply="accepted") == 404
    assert (await guests.post("invitations/ada", deed="confirm"))[0] == 409
    await guests.invite("ada")
    fresh = (await guests.mails("ada@"))[-1]
    assert (fresh.subject, fresh.version) == ("Einladung: Netz, 02.03.2027", "2")
    await guests.world.hub.store.write(lambda db: people_rows.delete_person(db, "ada"))
    await guests.inviter.sync()
    assert all(one.state is MailState.SENT for one in await guests.mails("ada@")), "nothing goes to who was deleted"


async def test_asking_again_in_the_same_moment(guests: Guests) -> None:
    """Who is taken back and asked again before anybody could tell him gets a new mail: his answer is gone."""
    await guests.invite("ada")
    await guests.send_all()
    await guests.answer("ada", reply="accepted")
    await guests.post("invitations/ada", deed="withdraw")
    await guests.invite("ada")
    first, again = await guests.mails("ada@")
    assert again.subject == first.subject == "Einladung: Netz, 02.03.2027"
    assert (first.state, again.state) == (MailState.SENT, MailState.DRAFT)
    assert (await guests.invitation("ada")).reply is Reply.NONE


async def test_consent_by_purpose(guests: Guests) -> None:
    """Each purpose is asked for itself, kept with version and time, reaches the gate, and is taken back by the link."""
    await guests.invite("ada")
    yes = {f"for_{one}": "yes" for one in Purpose}
    await guests.answer("ada", reply="accepted", **{**yes, "for_clips": "no"})
    store, session_id = guests.world.hub.store, guests.session_id
    words = await store.read(lambda db: rows.list_words(db, session_id, "ada"))
    assert {one: word.given for one, word in words.items()} == {one: one is not Purpose.CLIPS for one in Purpose}
    assert {(word.text_version, word.at) for word in words.values()} == {(CONSENT_VERSION, guests.world.clock())}
    assert await store.read(lambda db: consents.list_consents(db, session_id)) == [], "hosts noted nothing"
    (voice,) = await store.read(lambda db: list_voices(db, session_id))
    assert (voice.publishing, voice.refused) == (True, (Purpose.CLIPS,))
    guests.world.clock.forward(days=30)
    await guests.answer("ada", reply="", for_transcript="no")
    (voice,) = await store.read(lambda db: list_voices(db, session_id))
    assert voice.publishing is False
    words = await store.read(lambda db: rows.list_words(db, session_id, "ada"))
    assert words[Purpose.TRANSCRIPT].at == guests.world.clock()
    assert words[Purpose.LIVE].at < guests.world.clock(), "what was not touched stays as it was said"
    logged = await store.read(lambda db: db.execute("select details from log where action = 'consent.word'").fetchall())
    assert len(logged) == 6
    assert all("Ada" not in details for (details,) in logged)
    assert json.loads(logged[-1][0])["version"] == CONSENT_VERSION


async def test_warnings_are_no_walls(guests: Guests) -> None:
    """What speaks against somebody is said with its reason, and he can be invited all the same."""
    busy = (datetime(2027, 3, 2, 19, 30, tzinfo=UTC), datetime(2027, 3, 2, 20, tzinfo=UTC))
    state = people_rows.CalendarState(person_id="bob", access="https://example.org/c.ics", read_at=guests.world.clock())

    def fill(db: Any) -> None:
        people_rows.save_week(db, "ada", {(0, 9)})
        people_rows.save_calendar(db, "bob", state.access)
        people_rows.save_busy(db, state, [busy])
        people_rows.save_person(db, replace(people_rows.load_person(db, "ada"), rest_days=5))
        other = replace(shows.load_session(db, guests.session_id), id="2027-03-01-x", title="x")
        shows.save_session(db, replace(other, starts_at=other.starts_at - timedelta(days=1)))
        rows.invite(db, "2027-03-01-x", "ada", Role.EXPERT, at=guests.world.clock(), author="")

    await guests.world.hub.store.write(fill)
    _, text = await guests.post("invitations")
    assert "Achtung: außerhalb der üblichen Zeiten." in text
    assert "Achtung: zu nah an einer anderen Sendung." in text
    assert "Achtung: laut Kalender belegt." in text
    await guests.invite("ada", "bob")
    assert (await guests.invitation("bob")).stands


async def test_two_hosts_invite_at_once(guests: Guests) -> None:
    """The same person invited twice at the same moment has one invitation and one mail."""
    await guests.invite("ada")
    await guests.invite("ada")
    assert len(await guests.mails("ada@")) == 1
    assert len(await guests.world.hub.store.read(rows.list_invitations)) == 1


async def test_a_confirmed_expert_withdraws_ten_minutes_before(guests: Guests) -> None:
    """Run of show and console say at once who is missing and about what; nobody else gets a mail, nothing breaks."""
    await guests.invite("ada", "bob")
    await guests.send_all()
    for one in ("ada", "bob"):
        await guests.answer(one, reply="accepted")
        await guests.post(f"invitations/{one}", deed="confirm")
    await guests.inviter.sync()
    await guests.send_all()
    for title, speaker in (("Die Leitung", "Ada Weber"), ("Der Router", "Bob Stone")):
        fields = {"title": title, "speaker": speaker, "minutes": "10", "version": "0" if "L" in title else "1"}
        assert (await guests.post("rundown", deed="add", **fields))[0] == 303
    guests.world.clock.at = datetime(2027, 3, 2, 19, 5, tzinfo=UTC)
    await guests.browser.close()
    guests.browser = await guests.world.sign_in()
    before = await read_show_state(guests.world.hub, guests.session_id)
    sent = len(await guests.mails())
    assert await guests.answer("ada", reply="declined") == 303
    after = await read_show_state(guests.world.hub, guests.session_id)
    assert before != after, "consoles that are open are told"
    for path in ("rundown", "board"):
        async with await guests.browser.get(f"/host/s/{guests.session_id}/{path}") as page:
            text = await page.text()
        assert "Ada Weber kommt nicht: Absage (20:05\N{NO-BREAK SPACE}Uhr)" in text
        assert "Die Leitung" in text
        assert "Bob Stone kommt nicht" not in text
    assert await guests.inviter.sync() == 0
    assert len(await guests.mails()) == sent, "neither she nor anybody else is mailed"
    for path in ("stage", "stage/board", "invitations", "poll", ""):
        async with await guests.browser.get(f"/host/s/{guests.session_id}/{path}".rstrip("/")) as page:
            assert page.status == 200, path
    await guests.world.host("POST", f"/sessions/{guests.session_id}/state", to="live", anyway=True)
    async with await guests.browser.get(f"/host/s/{guests.session_id}/rundown") as page:
        assert "Ada Weber kommt nicht" in await page.text(), "also while the show runs"


async def test_who_comes_after_all_is_not_missing(guests: Guests) -> None:
    """After another yes and another confirmation nobody is missing; who was never confirmed is missed by nobody."""
    await guests.invite("ada", "bob")
    await guests.answer("bob", reply="declined")
    await guests.answer("ada", reply="accepted")
    await guests.post("invitations/ada", deed="confirm")
    await guests.answer("ada", reply="declined")
    await guests.answer("ada", reply="accepted")
    assert (await guests.invitation("ada")).missing, "not before hosts count on her again"
    assert not (await guests.invitation("bob")).missing
    await guests.post("invitations/ada", deed="confirm")
    assert not (await guests.invitation("ada")).missing


async def test_two_hosts_want_the_same_expert_at_the_same_time(guests: Guests) -> None:
    """Asked into two sessions at once, both hosts read it with the other's title; it is a warning and no wall."""
    made = await guests.world.host(
        "POST", "/sessions", show_id="runde", title="Strom", starts_at="2027-03-02T20:45:00+01:00"
    )
    later = await guests.world.host(
        "POST", "/sessions", show_id="runde", title="Danach", starts_at="2027-03-02T21:15:00+01:00"
    )
    at, other = guests.world.clock(), str(made["id"])

    async def invite_elsewhere(session_id: str) -> None:
        path = f"/host/s/{session_id}/invitations"
        async with await guests.browser.post(path, **{"p-ada": "1"}) as page:
            assert page.status == 303

    await asyncio.gather(invite_elsewhere(other), guests.post("invitations", **{"p-ada": "1"}))
    await invite_elsewhere(str(later["id"]))
    for session_id, title in ((guests.session_id, "Strom"), (other, "Netz")):
        async with await guests.browser.get(f"/host/s/{session_id}/invitations") as page:
            text = await page.text()
        assert f"Achtung: zur selben Zeit in „{title}“ eingeladen." in text
        if session_id == guests.session_id:
            assert "„Danach“" not in text, "one begins when the other ends"
    assert (await guests.invitation("ada")).stands
    await guests.answer("ada", reply="declined")
    async with await guests.browser.get(f"/host/s/{other}/invitations") as page:
        assert "„Netz“ eingeladen" not in await page.text(), "who declined is not taken"
    assert at == guests.world.clock()


async def test_a_personal_calendar(guests: Guests) -> None:
    """The feed behind the link holds the person's sessions but those he declined, and two libraries read it."""
    await guests.invite("bob")
    text = await guests.page_of("bob", "/sessions.ics")
    (event,) = Calendar.from_ical(text).walk("VEVENT")
    assert event.decoded("dtstart") == datetime(2027, 3, 2, 19, 15, tzinfo=UTC)
    assert vobject.readOne(text).vevent.summary.value == "Netz – Runde"
    await guests.answer("bob", reply="declined")
    assert "VEVENT" not in await guests.page_of("bob", "/sessions.ics")
    async with guests.world.client.get("/me/forged/sessions.ics") as page:
        assert page.status == 404


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://x.example/{raum}", "https://x.example/ a", "x", "https://"]
)
async def test_studios_that_are_none(guests: Guests, url: str) -> None:
    """An address that is none, or with places that nobody fills, is refused in words."""
    status, text = await guests.post("room", url=url)
    assert status == 400
    assert "Das ist keine Adresse eines Studios." in text


async def test_through_a_real_mail_server(guests: Guests) -> None:
    """Over a real connection the invitation arrives whole, once; one that is overtaken while it waits does not."""
    await guests.invite("ada", "bob")
    store = guests.world.hub.store

    def queue(db: Any) -> None:
        for mail in mails.list_mails(db, states={MailState.DRAFT}):
            mails.step_mail(db, mail.id, MailState.QUEUED, at=guests.world.clock(), author="x")
        db.execute("update invitations set sequence = 7 where person_id = 'bob'")

    await store.write(queue)
    async with serve_mail(Postbox()) as box:
        parts = PostmanParts(store=store, sender=sender_to(box), head=HEAD, wanted=is_current, now=guests.world.clock)
        assert await Postman(parts).send_due() == 1
        assert await Postman(parts).send_due() == 0
    (letter,) = box.letters
    assert letter["To"] == "ada@example.org"
    (part,) = parts_of(letter, "text/calendar")
    assert part.get_param("method") == "REQUEST"
    assert vobject.readOne(part.get_payload(decode=True).decode()).vevent.uid.value.endswith("@streamhub")
