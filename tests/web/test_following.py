"""What follows when a session is moved, postponed, called off and announced again: every output, each told once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from icalendar import Calendar

from streamhub.archive.coming import load_coming
from streamhub.archive.plan import MediaLink
from streamhub.archive.site import plan_site
from streamhub.archive.theme import load_theme
from streamhub.config import SiteSettings
from streamhub.event_files import write_events
from streamhub.keepers.announcer import Announcer, AnnouncerParts
from streamhub.keepers.inviter import Inviter, InviterParts
from streamhub.keepers.pollster import Pollster
from streamhub.keepers.reminding import KIND, Reminding
from streamhub.outbox.mail import Mail, MailState
from streamhub.schedule.event import Event
from streamhub.schedule.invitation import Reply
from streamhub.schedule.people import Person
from streamhub.schedule.poll import Poll, Suits
from streamhub.schedule.reminder import Rung
from streamhub.schedule.show import Role, SessionState
from streamhub.store import events, invitations, mails, people, polls, shows
from streamhub.timecode import format_instant
from streamhub.web.links import Links, make_me

if TYPE_CHECKING:
    from pathlib import Path

    from tests.web.conftest import MakeWorld, World

OLD, NEW = datetime(2027, 3, 2, 19, 15, tzinfo=UTC), datetime(2027, 3, 20, 17, 0, tzinfo=UTC)
OLD_WORDS, NEW_WORDS = "Dienstag, 2. März 2027, 20:15", "Samstag, 20. März 2027, 18:00"
HUB = "https://hub.example.org"
THEME = load_theme()


@dataclass(frozen=True)
class Outputs:
    """Everything that tells of the session."""

    page: str
    home: str
    embed: str
    event_page: str
    own_page: str
    file: Any
    event_file: Any
    feed: Any
    site: dict[str, bytes]
    atom: str
    announcement: str
    picture: bytes


class Followed:
    """An announced session of an event, with guests, and all keepers that follow it."""

    def __init__(self, world: World, session_id: str, folder: Path) -> None:
        self.world, self.id, self.folder = world, session_id, folder
        parts = InviterParts(
            store=world.hub.store,
            links=Links(hub_url=HUB, secret=world.hub.secret),
            hub_name="Runde",
            address="hub@example.org",
            by_rule=True,
            secret=world.hub.secret,
            now=world.clock,
        )
        self.inviter, self.pollster, self.reminding = Inviter(parts), Pollster(parts), Reminding(parts)
        self.builds = 0
        self.announcer = Announcer(
            AnnouncerParts(
                store=world.hub.store, transcripts=folder, url=HUB, build=self.build, follow_events=self.follow_events
            )
        )

    async def build(self) -> None:
        self.builds += 1

    async def follow_events(self) -> bool:
        return await write_events(self.world.hub.store, self.folder)

    async def keep(self) -> None:
        """A round of every keeper; whatever is written goes out."""
        for _ in range(2):
            await self.inviter.sync()
            await self.reminding.sync()
            await self.announcer.announce()
        await self.world.hub.store.write(
            lambda db: db.execute("update mails set state = 'sent', sent_at = made_at where state = 'queued'") and None
        )

    async def text(self, path: str) -> str:
        async with self.world.client.get(path, headers={"Accept-Language": "de"}) as page:
            return await page.text() if page.status == 200 else ""

    async def entry(self, path: str) -> Any:
        found = Calendar.from_ical(await self.text(path)).walk("VEVENT")
        return found[0] if found else None

    async def announcement(self) -> str:
        host = await self.world.sign_in()
        async with await host.get(f"/host/s/{self.id}/announcement") as page:
            text = await page.text()
        await host.close()
        return text

    async def picture(self) -> bytes:
        async with self.world.client.get(f"/s/{self.id}/share.jpg") as picture:
            return await picture.read()

    async def look(self) -> Outputs:
        own = f"/me/{make_me(self.world.hub.secret, 'ada', 1)}"
        settings = SiteSettings(title="Antworten", url="https://antworten.example.org")
        plan = plan_site((), settings, THEME, media_root=None, coming=load_coming(self.folder))
        site = {path: one for path, one in plan.render().items() if not isinstance(one, MediaLink)}
        return Outputs(
            page=await self.text(f"/s/{self.id}"),
            home=await self.text("/"),
            embed=await self.text(f"/s/{self.id}/embed"),
            event_page=await self.text("/e/tage"),
            own_page=await self.text(own),
            file=await self.entry(f"/s/{self.id}/session.ics"),
            event_file=await self.entry("/e/tage/event.ics"),
            feed=await self.entry(f"{own}/sessions.ics"),
            site=site,
            atom=await self.text("/sessions.atom"),
            announcement=await self.announcement(),
            picture=await self.picture(),
        )

    async def mails(self, who: str = "") -> list[Mail]:
        found = await self.world.hub.store.read(lambda db: mails.list_mails(db, states=list(MailState)))
        return sorted((one for one in found if who in one.recipient), key=lambda one: (one.made_at, one.version))

    async def subjects(self, who: str) -> list[str]:
        return [one.subject for one in await self.mails(who)]

    async def confirm(self) -> None:
        at = self.world.clock()

        def save(db: Any) -> None:
            before = invitations.load_invitation(db, self.id, "ada")
            said = replace(before, reply=Reply.ACCEPTED, replied_at=at, confirmed_at=at)
            invitations.change_invitation(db, said, "invitation.confirm", at=at, author="")

        await self.world.hub.store.write(save)


@pytest.fixture
async def followed(make_world: MakeWorld, tmp_path: Path) -> Followed:
    world = await make_world(embed_origins="https://firma.example")
    session_id = await world.plan()
    one = Followed(world, session_id, tmp_path / "transcripts")
    (tmp_path / "transcripts").mkdir()

    def save(db: Any) -> None:
        events.save_event(db, Event(id="tage", show_id="runde", title="Netztage"))
        events.put_session(db, "tage", session_id)
        people.save_person(db, Person(id="ada", name="Ada Weber", email="ada@example.org"))
        people.save_person(db, Person(id="bob", name="Bob", email="bob@example.org", language="en"))
        for who in ("ada", "bob"):
            invitations.invite(db, session_id, who, Role.EXPERT, at=world.clock(), author="")

    await world.hub.store.write(save)
    await one.keep()
    await one.confirm()
    await one.keep()
    return one


def alarms(entry: Any) -> int:
    return len(entry.walk("VALARM"))


async def test_a_move_reaches_every_output(followed: Followed) -> None:
    """Page, start page, embed, event, calendars with a higher number, site, mails once each; old reminders are void."""
    before = await followed.look()
    for text in (before.page, before.home, before.embed, before.event_page, before.own_page):
        assert OLD_WORDS in text.replace("\N{NO-BREAK SPACE}", " ")
    followed.world.platforms.woken.clear()
    builds = followed.builds
    await followed.world.host("POST", f"/sessions/{followed.id}", starts_at=format_instant(NEW))
    await followed.keep()
    after = await followed.look()
    for text in (after.home, after.embed, after.event_page, after.own_page):
        assert NEW_WORDS in text
        assert OLD_WORDS not in text
    assert "Bitte beachten Sie die neue Zeit" in after.page
    assert NEW_WORDS in after.page
    for old, new in ((before.file, after.file), (before.event_file, after.event_file), (before.feed, after.feed)):
        assert (old.decoded("dtstart"), new.decoded("dtstart")) == (OLD, NEW)
        assert old["uid"] == new["uid"]
        assert new["sequence"] > old["sequence"]
    assert (alarms(before.feed), alarms(after.feed), alarms(after.file)) == (4, 0, 4), "who is asked anew has no alarm"
    assert followed.world.platforms.woken == [followed.id]
    assert followed.builds == builds + 1
    for text in (after.atom, after.announcement):
        assert NEW_WORDS in text.replace("\N{NO-BREAK SPACE}", " ")
    assert before.atom.count("</entry>") == after.atom.count("</entry>") == 1
    assert before.picture != after.picture
    assert b"2027-03-20T17:00:00" in after.site["coming.json"]
    assert f'<a href="{HUB}/e/tage">Netztage</a>' in after.site["index.html"].decode()
    calendar = after.site["calendar.ics"].decode()
    assert "DTSTART;TZID=Europe/Berlin:20270320T180000" in calendar
    assert "20270302T" not in calendar.partition("BEGIN:VEVENT")[2].replace("DTSTAMP", "")
    assert await followed.subjects("ada@") == [
        "Einladung: Netz, 02.03.2027",
        "Bestätigt: Netz, 02.03.2027",
        "Neuer Termin: Netz, 20.03.2027",
    ]
    assert await followed.subjects("bob@") == ["Invitation: Netz, 2027-03-02", "New date: Netz, 2027-03-20"]
    numbers = [
        int(Calendar.from_ical(one.calendar).walk("VEVENT")[0]["sequence"]) for one in await followed.mails("ada@")
    ]
    assert numbers == sorted(set(numbers))
    followed.world.clock.at = OLD - timedelta(hours=1)
    assert await followed.reminding.remind(followed.id, OLD, Rung.HOUR) == "overtaken"
    await followed.confirm()
    await followed.keep()
    followed.world.clock.at = NEW - timedelta(hours=1)
    assert await followed.reminding.remind(followed.id, NEW, Rung.HOUR) == "told"
    assert [one.subject for one in await followed.mails("ada@")][-1] == "Erinnerung: Netz, 20.03.2027, 18:00 Uhr"


@pytest.mark.parametrize(
    ("to", "word", "status"), [("cancelled", "Abgesagt", "CANCELLED"), ("moved", "Verschoben", "TENTATIVE")]
)
async def test_calling_off_reaches_every_output(followed: Followed, to: str, word: str, status: str) -> None:
    """Cancelled or postponed: pages say so, calendars drop it, the site forgets it, guests hear once; then anew."""
    before = await followed.look()
    followed.world.platforms.woken.clear()
    await followed.world.host("POST", f"/sessions/{followed.id}/state", to=to)
    await followed.keep()
    after = await followed.look()
    for text in (after.page, after.embed):
        assert ("abgesagt" if to == "cancelled" else "verschoben") in text
    for text in (after.home, after.event_page):
        assert OLD_WORDS not in text.replace("\N{NO-BREAK SPACE}", " ") or "abgesagt" in text
    for old, new in ((before.file, after.file), (before.event_file, after.event_file)):
        assert (str(new["status"]), alarms(new)) == (status, 0)
        assert new["sequence"] > old["sequence"]
    assert (str(after.feed["status"]), alarms(after.feed)) == ("CANCELLED", 0)
    assert after.feed["sequence"] > before.feed["sequence"]
    assert followed.world.platforms.woken == [followed.id]
    for text in (after.atom, after.announcement):
        assert ("Fällt aus: Netz" if to == "cancelled" else "Verschoben: Netz") in text
    assert before.picture != after.picture
    assert b"2027-03-02" not in after.site["coming.json"]
    assert load_coming(followed.folder) == ()
    assert b"BEGIN:VEVENT" not in after.site.get("calendar.ics", b"")
    assert [one for one in await followed.subjects("ada@") if word in one] == [f"{word}: Netz"]
    off = (await followed.mails("ada@"))[-1]
    assert Calendar.from_ical(off.calendar)["method"] == "CANCEL"
    assert len(await followed.mails("bob@")) == 2
    followed.world.clock.at = OLD - timedelta(hours=1)
    assert await followed.reminding.remind(followed.id, OLD, Rung.HOUR) == "overtaken"
    followed.world.clock.at = OLD - timedelta(days=2)
    if to == "cancelled":
        await followed.world.host("POST", f"/sessions/{followed.id}/state", to="scheduled")
    await followed.world.host("POST", f"/sessions/{followed.id}", starts_at=format_instant(NEW))
    await followed.keep()
    again = await followed.look()
    assert NEW_WORDS in again.page
    assert (str(again.file["status"]), again.file.decoded("dtstart")) == ("CONFIRMED", NEW)
    assert again.file["sequence"] > after.file["sequence"]
    assert (await followed.subjects("ada@"))[-1] == "Einladung: Netz, 20.03.2027"
    assert len(load_coming(followed.folder)) == 1
    assert not [one for one in await followed.mails() if one.kind == KIND]


async def test_a_poll_that_moves_an_announced_session_is_a_move(followed: Followed) -> None:
    """The date that a poll finds reaches the page and the calendars' numbers as one typed by a host does."""
    before = await followed.look()
    await followed.world.host("POST", f"/sessions/{followed.id}/state", to="moved")
    now = followed.world.clock()

    def ask(db: Any) -> None:
        poll = Poll(
            session_id=followed.id,
            options=(NEW,),
            people=("ada",),
            needed=1,
            made_at=now,
            ends_at=now + timedelta(days=1),
        )
        polls.save_poll(db, poll)
        polls.save_answers(db, followed.id, "ada", {NEW: Suits.YES})

    await followed.world.hub.store.write(ask)
    await followed.pollster.sync()
    await followed.keep()
    session = await followed.world.hub.store.read(lambda db: shows.load_session(db, followed.id))
    assert (session.starts_at, session.state) == (NEW, SessionState.SCHEDULED)
    after = await followed.look()
    assert NEW_WORDS in after.page
    assert "Bitte beachten Sie die neue Zeit" in after.page
    assert after.file["sequence"] >= before.file["sequence"] + 3
    assert str(after.file["status"]) == "CONFIRMED"
