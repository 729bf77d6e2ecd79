"""The announcer on a real store: what is planned, moved and over is told, and the site built only when it must be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streamhub.archive.coming import load_coming
from streamhub.errors import Unavailable
from streamhub.event_files import write_events
from streamhub.keepers.announcer import Announcer, AnnouncerParts
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store import shows as show_rows
from streamhub.store.store import Store

AT = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)
SESSION = Session(
    id="2027-03-09-netz", show_id="netz", title="Netz", starts_at=AT, state=SessionState.OPEN, call="Fragen Sie!"
)


class Hub:
    """A store, an archive, and how often the site was built."""

    def __init__(self, store: Store, transcripts: Path) -> None:
        self.store, self.transcripts = store, transcripts
        self.builds = 0
        self.broken = False
        parts = AnnouncerParts(
            store=store,
            transcripts=transcripts,
            url="https://hub.example.org/",
            build=self.build,
            follow_events=self.follow_events,
        )
        self.announcer = Announcer(parts)

    async def build(self) -> None:
        if self.broken:
            raise Unavailable("busy")
        self.builds += 1

    async def follow_events(self) -> bool:
        return await write_events(self.store, self.transcripts)

    async def put(self, session: Session) -> None:
        await self.store.write(lambda db: show_rows.save_session(db, session))


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    """A hub with one show."""
    async with Store.open(tmp_path / "hub.sqlite3", now=lambda: AT) as store:
        await store.write(lambda db: show_rows.save_show(db, Show(id="netz", title="Das Netz")))
        yield Hub(store, tmp_path / "transcripts")


async def test_every_change_is_told_once(hub: Hub) -> None:
    """Planned, moved, live, ended: the list follows, and the site is built once for each."""
    assert not await hub.announcer.announce()
    await hub.put(replace(SESSION, state=SessionState.DRAFT))
    assert not await hub.announcer.announce()
    for session in (
        SESSION,
        replace(SESSION, starts_at=AT + timedelta(hours=1)),
        replace(SESSION, starts_at=AT + timedelta(hours=1), state=SessionState.LIVE),
    ):
        await hub.put(session)
        assert await hub.announcer.announce()
        assert not await hub.announcer.announce()
        (told,) = load_coming(hub.transcripts)
        assert (told.starts_at, told.live) == (session.starts_at, session.state is SessionState.LIVE)
    assert (told.url, told.text) == ("https://hub.example.org/s/2027-03-09-netz", "Fragen Sie!")
    await hub.put(replace(SESSION, state=SessionState.ENDED))
    assert await hub.announcer.announce()
    assert load_coming(hub.transcripts) == ()
    assert hub.builds == 4


async def test_a_failed_build_is_owed(hub: Hub) -> None:
    """A build that failed is made up for, though the list itself has not changed since."""
    await hub.put(SESSION)
    hub.broken = True
    with pytest.raises(Unavailable):
        await hub.announcer.announce()
    hub.broken = False
    assert await hub.announcer.announce()
    assert hub.builds == 1


async def test_announcing_goes_on_after_trouble(hub: Hub) -> None:
    """The loop survives what goes wrong and looks again."""
    await hub.put(SESSION)
    hub.broken = True
    looks = 0

    class Enough(Exception):
        pass

    async def sleep(_: float) -> None:
        nonlocal looks
        looks += 1
        hub.broken = False
        if looks == 2:
            raise Enough

    with pytest.raises(Enough):
        await hub.announcer.keep(sleep=sleep)
    assert hub.builds == 1
