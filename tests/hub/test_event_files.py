"""Events of the hub as files of the archive: written once a session is public, following it from then on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streamhub.archive.event import ArchivedEvent, Before, Unnamed
from streamhub.archive.event_folder import load_events
from streamhub.event_files import write_events
from streamhub.keepers.announcer import Announcer, AnnouncerParts
from streamhub.schedule.event import Event, PreShow
from streamhub.schedule.invitation import ConsentWord, Purpose
from streamhub.schedule.people import Person
from streamhub.schedule.show import Participant, Role, Session, SessionState, Show
from streamhub.store import events as event_rows
from streamhub.store import invitations as invitation_rows
from streamhub.store import people as people_rows
from streamhub.store import shows as show_rows
from streamhub.store.store import Store
from tests.hub.test_consent_purposes import folder, held, say
from tests.hub.test_gate import everywhere
from tests.hub.test_gate import publish as publish_answer
from tests.hub.test_seams import SESSION

__all__ = ["folder"]  # a fixture

AT = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)
EVENT = Event(id="netztage", show_id="netz", title="Netztage mit Ada Weber", about="Drei Abende.")
NETZ = Session(
    id="2027-03-02-netz",
    show_id="netz",
    title="Netz",
    starts_at=AT,
    state=SessionState.PUBLISHED,
    participants=(Participant(name="Jana", role=Role.HOST), Participant(name="Ada Weber", role=Role.EXPERT)),
)
STROM = replace(NETZ, id="2027-03-03-strom", title="Strom", starts_at=AT + timedelta(days=1), state=SessionState.OPEN)
VORAB = replace(NETZ, id="2027-03-01-vorab", title="Vorab", starts_at=AT - timedelta(days=1))
DRAFT = replace(NETZ, id="2027-03-05-geheim", title="Geheim", state=SessionState.DRAFT)
OFF = replace(NETZ, id="2027-03-06-aus", title="Aus", state=SessionState.CANCELLED)


class Hub:
    """A store with an event, an archive, and how often the site was built."""

    def __init__(self, store: Store, transcripts: Path) -> None:
        self.store, self.transcripts, self.builds = store, transcripts, 0
        self.announcer = Announcer(
            AnnouncerParts(
                store=store, transcripts=transcripts, url="", build=self.build, follow_events=self.follow_events
            )
        )

    async def build(self) -> None:
        self.builds += 1

    async def follow_events(self) -> bool:
        return await write_events(self.store, self.transcripts)

    async def change(self, save: Any) -> list[ArchivedEvent]:
        """The events of the archive after a change of the hub."""
        await self.store.write(save)
        await self.announcer.announce()
        return list(load_events(self.transcripts))


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    """An event of four sessions and a pre-show, none of it public yet."""

    def fill(db: Any) -> None:
        show_rows.save_show(db, Show(id="netz", title="Das Netz"))
        for one in (replace(NETZ, state=SessionState.IN_REVIEW), STROM, VORAB, DRAFT, OFF):
            show_rows.save_session(db, one)
        event_rows.save_event(db, EVENT)
        for one in (NETZ, STROM, DRAFT, OFF):
            event_rows.put_session(db, EVENT.id, one.id)
        event_rows.save_pre_show(db, PreShow(session_id=VORAB.id, for_event=EVENT.id))
        event_rows.save_pre_show(db, PreShow(session_id=NETZ.id, for_session=STROM.id))

    async with Store.open(tmp_path / "hub.sqlite3", now=lambda: AT) as store:
        await store.write(fill)
        yield Hub(store, tmp_path / "transcripts")


async def publish(hub: Hub) -> ArchivedEvent:
    (event,) = await hub.change(lambda db: show_rows.save_session(db, NETZ))
    return event


async def test_an_event_is_written_once_a_session_is_public(hub: Hub) -> None:
    """Before that the archive knows nothing of it; then it names what is announced, in order, and no draft."""
    assert not await hub.announcer.announce()
    assert load_events(hub.transcripts) == ()
    event = await publish(hub)
    assert event == ArchivedEvent(
        id="netztage",
        title="Netztage mit Ada Weber",
        about="Drei Abende.",
        sessions=(NETZ.id, STROM.id),
        pre_shows=(Before(session=VORAB.id), Before(session=NETZ.id, goal=STROM.id)),
    )
    assert "geheim" not in "".join(one.read_text() for one in hub.transcripts.rglob("*.md"))
    assert hub.builds == 1
    assert not await hub.announcer.announce(), "nothing has changed since"
    assert hub.builds == 1


async def test_the_file_follows_the_hub(hub: Hub) -> None:
    """Renamed, moved, called off, a session taken out: the file follows, and the site is built once for each."""
    await publish(hub)
    (event,) = await hub.change(lambda db: event_rows.save_event(db, replace(EVENT, title="Leitungstage")))
    assert event.title == "Leitungstage"
    later = replace(STROM, starts_at=AT - timedelta(hours=5))
    (event,) = await hub.change(lambda db: show_rows.save_session(db, later))
    assert event.sessions == (STROM.id, NETZ.id)
    off = replace(EVENT, title="Leitungstage", cancelled_at=AT)
    (event,) = await hub.change(lambda db: event_rows.save_event(db, off))
    assert not event.cancelled, "a session of it is still to come"
    (event,) = await hub.change(lambda db: show_rows.save_session(db, replace(later, state=SessionState.CANCELLED)))
    assert (event.cancelled, event.sessions) == (True, (NETZ.id,))
    await hub.change(lambda db: event_rows.take_session(db, EVENT.id, STROM.id) and None)
    assert hub.builds == 4, "what was not told is no news"


async def test_a_name_that_is_refused(hub: Hub) -> None:
    """Who does not want to be named is noted with his role, so that every page can leave the name out."""
    await publish(hub)
    ada = Person(id="ada", name="Ada Weber")
    no = ConsentWord(purpose=Purpose.NAME, given=False, text_version="x", at=AT)

    def refuse(db: Any) -> None:
        people_rows.save_person(db, ada)
        invitation_rows.invite(db, NETZ.id, "ada", Role.EXPERT, at=AT, author="")
        invitation_rows.save_words(db, NETZ.id, ada, [no])

    (event,) = await hub.change(refuse)
    assert event.unnamed == (Unnamed(name="Ada Weber", role=Role.EXPERT),)
    assert event.title == "Netztage mit Ada Weber", "the file keeps every name"
    (event,) = await hub.change(lambda db: invitation_rows.save_words(db, NETZ.id, ada, [replace(no, given=True)]))
    assert event.unnamed == (), "a no can be taken back"


async def test_a_hub_without_an_address_leaves_the_list_of_what_is_coming_alone(hub: Hub) -> None:
    """A person may keep that file where no hub does."""
    await publish(hub)
    (hub.transcripts / "coming.json").write_text("[]  \n")
    await hub.announcer.announce()
    assert (hub.transcripts / "coming.json").read_text() == "[]  \n"


async def test_an_event_reaches_the_site_with_its_session(folder: Path) -> None:
    """Publishing writes file and page in one go; who refuses the name is named on neither page, file excepted."""
    event = Event(id="abende", show_id="runde", title="Abende mit Ada Grünkohl")

    def gather(db: Any) -> None:
        event_rows.save_event(db, event)
        event_rows.put_session(db, event.id, SESSION.id)

    async with held(folder) as parts:
        await parts.store.write(gather)
        page = folder / "public" / "e" / "abende" / "index.html"
        assert load_events(folder / "transcripts") == ()
        await publish_answer(parts, "router")
        assert [one.sessions for one in load_events(folder / "transcripts")] == [(SESSION.id,)]
        assert "Abende mit Ada Grünkohl" in page.read_text("utf-8")
        await say(parts, "ada", name=False)
        assert "Grünkohl".encode() not in everywhere(folder)
        assert "Abende mit Fachperson" in page.read_text("utf-8")
        assert "Grünkohl" in (folder / "transcripts" / "events" / "abende.md").read_text("utf-8")
