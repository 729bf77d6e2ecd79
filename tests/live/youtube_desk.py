"""A platform at its desk: a real store, the real client, and the strict counterpart on the loopback.

Time is the counterpart's: waiting lets it pass at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import random
import tempfile
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from google.oauth2.credentials import Credentials

from streamhub.config import YoutubeSettings
from streamhub.live.youtube.client import Api, Pace
from streamhub.live.youtube.ledger import Ledger, make_budget
from streamhub.live.youtube.platform import YouTubePlatform
from streamhub.live.youtube.sign_in import GivenSignIn
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store.broadcasts import BroadcastRow, delete_broadcast, find_broadcast
from streamhub.store.shows import save_session, save_show
from streamhub.store.store import Store
from tests.fakes.youtube import FakeYouTube

SETTINGS = YoutubeSettings(daily_units=1_000_000)
SHOW = Show(id="netz", title="Netz", platform="youtube")
WRITES = {"insert", "update", "bind", "transition", "delete"}


def draw(seed: int) -> Any:
    """Random bytes that come out the same each time."""
    return random.Random(seed).randbytes


@dataclass(kw_only=True)
class Desk:
    """Everything that a test touches."""

    fake: FakeYouTube
    store: Store
    api: Api
    platform: YouTubePlatform
    session: Session
    settings: YoutubeSettings = SETTINGS
    slept_s: float = 0.0
    clock_off: timedelta = timedelta()

    def now(self) -> datetime:
        """The hub's clock."""
        return self.fake.now() + self.clock_off

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept_s += seconds
        self.fake.tick(seconds)
        await asyncio.sleep(0)

    def restarted(self) -> YouTubePlatform:
        """Another hub on the same store, as after a crash: nothing is remembered but the rows."""
        self.platform = YouTubePlatform(
            self.api,
            self.store,
            self.settings,
            describe=lambda session: f"{session.title}. Fragen: https://hub.example.org/s/{session.id}",
            now=self.now,
            random=draw(len(self.fake.calls)),
            sleep=self.sleep,
        )
        return self.platform

    async def add(self, session_id: str, **changes: Any) -> Session:
        """Another session."""
        session = replace(self.session, id=session_id, **changes)
        await self.store.write(lambda db: save_session(db, session))
        return session

    async def change(self, **changes: Any) -> Session:
        """Change the session in the hub."""
        self.session = replace(self.session, **changes)
        await self.store.write(lambda db: save_session(db, self.session))
        return self.session

    async def row(self, session_id: str = "", part: int | None = None) -> BroadcastRow | None:
        """What the hub knows."""
        return await self.store.read(lambda db: find_broadcast(db, session_id or self.session.id, "youtube", part=part))

    async def forget(self, session_id: str) -> None:
        """The hub forgets a broadcast, as one with another database would not know it."""
        await self.store.write(lambda db: delete_broadcast(db, session_id, "youtube", 1))

    async def live(self, session_id: str = "") -> None:
        """Planned, with a picture, and live."""
        session_id = session_id or self.session.id
        row = await self.row(session_id)
        if row is None:
            await self.platform.ensure(self.session)
        self.fake.push((await self.row(session_id)).stream_ref)
        await self.platform.go_live(session_id)

    def calls(self, since: int = 0) -> list[str]:
        """Names of the calls that arrived."""
        return [call.method.removeprefix("youtube.") for call in self.fake.calls[since:]]

    def writes(self, since: int = 0) -> list[str]:
        """Names of the calls that change something."""
        return [call for call in self.calls(since) if call.partition(".")[2] in WRITES]

    @property
    def only(self) -> Any:
        """The one broadcast that there is."""
        (broadcast,) = self.fake.broadcasts.values()
        return broadcast


@functools.cache
def blank_database() -> bytes:
    """A new database, made once: its migrations are most of what a test would wait for."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "hub.sqlite3"

        async def make() -> None:
            await Store.open(path, now=lambda: datetime.now(UTC)).close()

        thread = threading.Thread(target=asyncio.run, args=(make(),))
        thread.start()
        thread.join()
        return path.read_bytes()


@contextlib.asynccontextmanager
async def open_desk(folder: Path, *, timeout_s: float = 5.0, **knobs: Any) -> AsyncIterator[Desk]:
    """A desk with one session an hour ahead."""
    async with FakeYouTube(seed=7, **knobs) as fake:
        session = Session(
            id="2027-03-02-netz",
            show_id="netz",
            title="Netz im Wandel",
            starts_at=(datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0),
            state=SessionState.OPEN,
        )
        (folder / "hub.sqlite3").write_bytes(blank_database())
        async with Store.open(folder / "hub.sqlite3", now=fake.now) as store:
            await store.write(lambda db: save_show(db, SHOW))
            await store.write(lambda db: save_session(db, session))

            def now() -> datetime:
                return desk.now()

            async def sleep(seconds: float) -> None:
                fake.tick(seconds)
                await asyncio.sleep(0)

            ledger = Ledger(store, make_budget(SETTINGS), now)
            api = Api(
                GivenSignIn(Credentials(token=fake.token)),
                ledger,
                url=fake.url,
                now=now,
                timeout_s=timeout_s,
                pace=Pace(random=lambda: 0.0, sleep=sleep),
            )
            desk = Desk(fake=fake, store=store, api=api, platform=None, session=session)  # type: ignore[arg-type]
            desk.restarted()
            try:
                yield desk
                assert fake.violations == []
            finally:
                await api.close()
