"""Producers who are invited into a session: asked and reminded like all others, and unknown to the public."""

# ruff: noqa: F811 - a fixture that another file has is an argument here

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from icalendar import Calendar

from streamhub.keepers.notices import NoticeTaker
from streamhub.keepers.reminding import Reminding
from streamhub.questions.notice_mail import parse_notice
from streamhub.schedule.invitation import Purpose, Reply, place_person
from streamhub.schedule.people import Person
from streamhub.schedule.reminder import Rung
from streamhub.schedule.show import Publishing, Role
from streamhub.store import consents, mails
from streamhub.store import invitations as rows
from streamhub.store import people as people_rows
from streamhub.store.agreements import list_lacking_names, list_voices
from streamhub.web.access import AccessRole
from streamhub.web.links import make_me
from streamhub.web.rooms import plan_uid
from streamhub.web.stage_view import read_stage
from tests.web.test_calendar_replies import plain_answer
from tests.web.test_invitations import Guests, guests  # noqa: F401

if TYPE_CHECKING:
    from streamhub.web.stage_view import StageView

STUDIO = "https://vdo.ninja/?room={room}&push={key}"
PIA = Person(id="pia", name="Pia Regler", email="pia@example.org", role=Role.PRODUCER, organisation="Sendewerk")


@pytest.fixture
async def crew(guests: Guests) -> Guests:
    """The invited of `Guests`, and a producer."""
    await guests.world.hub.store.write(lambda db: people_rows.save_person(db, PIA))
    return guests


async def let_in(crew: Guests) -> None:
    await crew.invite("pia")
    await crew.send_all()
    assert await crew.answer("pia", reply="accepted") == 303
    assert (await crew.post("invitations/pia", deed="confirm"))[0] == 303
    await crew.inviter.sync()


async def stage_of(crew: Guests) -> StageView:
    return await crew.world.hub.store.read(lambda db: read_stage(db, crew.session_id, now=crew.world.clock()))


async def test_a_producer_is_asked_as_what_he_is(crew: Guests) -> None:
    """His invitation is a draft with a request for calendars, names the work, and asks for no consent."""
    await crew.invite("pia")
    (mail,) = await crew.mails("pia@")
    assert mail.subject == "Einladung: Netz, 02.03.2027"
    assert "Sie führen Technik und Ablauf und sind weder zu sehen noch zu hören" in mail.body
    assert "willigen" not in mail.body
    calendar = Calendar.from_ical(mail.calendar)
    assert calendar["method"] == "REQUEST"
    assert calendar.walk("VEVENT")[0]["attendee"] == "mailto:pia@example.org"
    page = await crew.page_of("pia")
    assert "Sendetechnik" in page
    assert "Wozu willigen Sie ein" not in page
    assert 'name="for_' not in page
    _, text = await crew.post("invitations")
    assert "steht auf keiner öffentlichen Seite" in text


async def test_what_a_confirmed_producer_sees(crew: Guests) -> None:
    """Studio without questions at the door, and the run of show to read; experts have none there."""
    await crew.post("room", url=STUDIO)
    await crew.post("rundown", deed="add", title="Die Leitung", speaker="Ada Weber", minutes="10", version="0")
    await let_in(crew)
    assert "/studio" in (await crew.mails("pia@"))[-1].body
    crew.world.clock.at = datetime(2027, 3, 2, 18, 45, tzinfo=UTC)
    door = await crew.page_of("pia", f"/s/{crew.session_id}/studio")
    assert "vdo.ninja/?room=" in door
    assert 'name="for_' not in door
    assert f"/s/{crew.session_id}/rundown" in await crew.page_of("pia")
    rundown = await crew.page_of("pia", f"/s/{crew.session_id}/rundown")
    assert "Die Leitung" in rundown
    assert "<form" not in rundown.partition("<main")[2].partition("</main")[0]
    assert "@example.org" not in rundown
    await crew.browser.close()
    crew.browser = await crew.world.sign_in()
    await crew.invite("ada")
    await crew.answer("ada", reply="accepted")
    await crew.post("invitations/ada", deed="confirm")
    secret = crew.world.hub.secret
    for person in ("ada", "bob"):
        path = f"/me/{make_me(secret, person, 1)}/s/{crew.session_id}/rundown"
        async with crew.world.client.get(path) as page:
            assert page.status == 404


async def test_hosts_see_who_works_behind_the_camera(crew: Guests) -> None:
    """Run of show and technique name him with where it stands; who was confirmed and declines is missed."""
    await crew.invite("pia")
    assert [(one.name, one.certain) for one in (await stage_of(crew)).crew] == [("Pia Regler", False)]
    await let_in(crew)
    assert [(one.name, one.certain) for one in (await stage_of(crew)).crew] == [("Pia Regler", True)]
    for page in ("rundown", "technique"):
        async with await crew.browser.get(f"/host/s/{crew.session_id}/{page}") as answer:
            text = await answer.text()
        assert "Pia Regler" in text
        assert "Sendetechnik" in text
    await crew.answer("pia", reply="declined")
    view = await stage_of(crew)
    assert view.crew == []
    assert [(one.name, one.role) for one in view.missing] == [("Pia Regler", Role.PRODUCER)]


async def test_the_public_never_hears_of_a_producer(crew: Guests) -> None:
    """A confirmed producer is no participant and on no public page, in no feed and no name that tells others apart."""
    await crew.world.hub.store.write(
        lambda db: people_rows.save_person(db, Person(id="two", name="Pia Regler", email="two@example.org"))
    )
    await let_in(crew)
    session = await crew.session()
    assert [one.name for one in session.participants] == ["Jana Weber"]
    invitation = await crew.invitation("pia")
    assert invitation.certain
    assert place_person(session, PIA, invitation) is session
    await crew.invite("two")
    await crew.answer("two", reply="accepted")
    await crew.post("invitations/two", deed="confirm")
    names = [one.name for one in (await crew.session()).participants]
    assert names == ["Jana Weber", "Pia Regler"], "a guest of the same name needs no mark"
    await crew.answer("two", reply="declined")
    assert [one.name for one in (await crew.session()).participants] == ["Jana Weber"]
    for path in (
        f"/s/{crew.session_id}",
        f"/s/{crew.session_id}/session.ics",
        "/",
        f"/api/v1/sessions/{crew.session_id}",
    ):
        async with crew.world.client.get(path) as page:
            assert page.status == 200, path
            text = await page.text()
        assert "Pia" not in text, path


async def test_a_producer_has_no_say_in_what_is_published(crew: Guests) -> None:
    """Where consent is needed his silence forbids nothing and hides no name, also once he is deleted."""
    store, session_id = crew.world.hub.store, crew.session_id

    def needs_consent(db: Any) -> None:
        db.execute("update shows set publishing = ?", (Publishing.CONSENT.value,))

    await store.write(needs_consent)
    await let_in(crew)
    assert await crew.answer("pia", **{f"for_{one}": "no" for one in Purpose}) == 303
    assert await store.read(lambda db: rows.list_words(db, session_id, "pia")) == {}, "he is not asked"
    assert await store.read(lambda db: list_voices(db, session_id)) == []
    assert await store.read(lambda db: list_lacking_names(db, session_id, Purpose.NAME)) == ()
    await store.write(lambda db: people_rows.delete_person(db, "pia"))
    assert await store.read(lambda db: list_voices(db, session_id)) == []
    assert await store.read(lambda db: consents.list_consents(db, session_id)) == []


async def test_what_an_expert_said_counts_when_he_turns_producer(crew: Guests) -> None:
    """Who said no as an expert and is then asked as a producer keeps his no, and is asked nothing more."""
    await crew.invite("ada")
    await crew.answer("ada", for_recording="no")
    await crew.post("invitations/ada", deed="withdraw")
    await crew.inviter.sync()
    await crew.post("invitations", **{"p-ada": "1", "role-ada": "producer"})
    store = crew.world.hub.store
    (voice,) = await store.read(lambda db: list_voices(db, crew.session_id))
    assert voice.refused == (Purpose.RECORDING,)
    assert not voice.lacks(Purpose.LIVE, needed=True), "of what he was not asked his silence is no no"
    assert (await crew.invitation("ada")).role is Role.PRODUCER


async def test_a_producer_is_warned_reminded_and_answers_by_calendar(crew: Guests) -> None:
    """His clashes are shown to hosts, his calendar's answer counts, and the ladder reminds him."""
    made = await crew.world.host(
        "POST", "/sessions", show_id="runde", title="Strom", starts_at="2027-03-02T20:45:00+01:00"
    )
    at = crew.world.clock()
    await crew.world.hub.store.write(
        lambda db: rows.invite(db, str(made["id"]), "pia", Role.PRODUCER, at=at, author="")
    )
    await crew.invite("pia")
    await crew.send_all()
    _, text = await crew.post("invitations")
    assert "Achtung: zur selben Zeit in „Strom“ eingeladen." in text
    secret, store = crew.world.hub.secret, crew.world.hub.store
    uid = plan_uid(secret, await crew.invitation("pia"))
    who = {"ATTENDEE;PARTSTAT=ACCEPTED": "mailto:pia@example.org", "DTSTAMP": f"{at:%Y%m%dT%H%M%SZ}"}
    notice = parse_notice(plain_answer(uid, **who))
    assert notice is not None
    await store.write(lambda db: NoticeTaker(secret=secret).take(db, [notice], at + timedelta(minutes=1)))
    assert (await crew.invitation("pia")).reply is Reply.ACCEPTED
    await crew.post("invitations/pia", deed="confirm")
    reminding = Reminding(crew.inviter._parts)
    await reminding.sync()
    session = await crew.session()
    crew.world.clock.at = session.starts_at - timedelta(days=1)
    assert await reminding.remind(session.id, session.starts_at, Rung.DAY) == "told"
    reminders = await store.read(lambda db: mails.list_of(db, "reminder", session.id))
    assert [one.recipient for one in reminders] == ["pia@example.org"]


async def test_a_second_host_is_invited_and_shown(crew: Guests) -> None:
    """A host who is asked into a session is on air: named among its people once both sides said yes, and asked."""
    await crew.post("invitations", **{"p-bob": "1", "role-bob": "host"})
    await crew.inviter.sync()
    assert "to host our session" in (await crew.mails("bob@"))[0].body
    assert 'name="for_live"' in await crew.page_of("bob")
    await crew.answer("bob", reply="accepted")
    await crew.post("invitations/bob", deed="confirm")
    people = [(one.name, one.role) for one in (await crew.session()).participants]
    assert people == [("Jana Weber", Role.HOST), ("Bob Stone", Role.HOST)]
    assert "Run of show" in await crew.page_of("bob", f"/s/{crew.session_id}/rundown")


async def test_only_hosts_invite_and_make_links(crew: Guests) -> None:
    """A signed-in producer invites nobody; a host makes the link to sign in beside the invitation."""
    await crew.invite("pia")
    producer = await crew.world.sign_in(person="Pia", role=AccessRole.PRODUCER)
    async with await producer.post(f"/host/s/{crew.session_id}/invitations", **{"p-ada": "1"}) as page:
        assert page.status == 403
    await producer.close()
    _, text = await crew.post("invitations")
    assert 'action="/host/producers"' in text
    assert 'name="producer" value="Pia Regler"' in text
