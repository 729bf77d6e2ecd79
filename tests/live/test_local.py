"""The hub as its own platform, over a real store."""

import os
from datetime import UTC, datetime

import pytest

from streamhub.errors import Conflict, DiskFull, NotFound
from streamhub.live.local import LocalPlatform
from streamhub.live.platform import Phase, Signal
from streamhub.live.rules import phase_of
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store.access import find_session_by_stream_key
from streamhub.store.shows import load_session, save_session, save_show
from streamhub.store.store import Store

SESSION = Session(
    id="2027-03-02-netz",
    show_id="netz",
    title="Netz",
    starts_at=datetime(2027, 3, 2, 19, 0, tzinfo=UTC),
    state=SessionState.OPEN,
)


class QuietStudio:
    """A studio that says what a test wants and remembers what it closed."""

    def __init__(self):
        self.receiving = False
        self.full = False
        self.closed = []

    async def signal(self, session_id):
        return Signal(receiving=self.receiving, quality="good" if self.receiving else "none")

    async def require_disk(self):
        if self.full:
            raise DiskFull("recording: no room")

    async def close_session(self, session_id):
        self.closed.append(session_id)


@pytest.fixture
async def store(tmp_path):
    async with Store.open(tmp_path / "hub.sqlite3", now=lambda: datetime.now(UTC)) as store:
        await store.write(lambda db: save_show(db, Show(id="netz", title="Netz")))
        await store.write(lambda db: save_session(db, SESSION))
        yield store


@pytest.fixture
def studio():
    return QuietStudio()


@pytest.fixture
def platform(store, studio):
    return LocalPlatform(
        store, studio, url="rtmp://127.0.0.1:1935/live", now=lambda: datetime.now(UTC), random=os.urandom
    )


async def test_ensure_gives_one_key_and_keeps_it(platform, store):
    """A session gets a stream key once; asking again changes nothing, and the key leads back to the session."""
    with pytest.raises(Conflict, match="no stream key"):
        await platform.ingest(SESSION.id)
    first = await platform.ensure(SESSION)
    ingest = await platform.ingest(SESSION.id)
    assert await platform.ensure(SESSION) == first
    assert await platform.ingest(SESSION.id) == ingest
    assert ingest.url == "rtmp://127.0.0.1:1935/live"
    assert len(ingest.key) == 32
    assert ingest.key not in repr(ingest)
    assert await store.read(lambda db: find_session_by_stream_key(db, ingest.key)) == SESSION.id


async def test_life_of_a_broadcast(platform, studio, store):
    """Scheduled, waiting with an encoder, live, ended; each step twice is a success and changes nothing."""
    assert (await platform.ensure(SESSION)).phase is Phase.SCHEDULED
    studio.receiving = True
    assert (await platform.ensure(SESSION)).phase is Phase.WAITING
    live = await platform.go_live(SESSION.id)
    assert live.phase is Phase.LIVE
    assert live.started_at is not None
    assert await platform.go_live(SESSION.id) == live
    ended = await platform.end(SESSION.id)
    assert ended.phase is Phase.ENDED
    assert ended.ended_at is not None
    assert await platform.end(SESSION.id) == ended
    assert studio.closed == [SESSION.id, SESSION.id]
    assert (await store.read(lambda db: load_session(db, SESSION.id))).state is SessionState.ENDED
    with pytest.raises(Conflict):
        await platform.go_live(SESSION.id)


async def test_full_disk_forbids_going_live(platform, studio, store):
    """Without room to record, the session stays where it is."""
    studio.full = True
    with pytest.raises(DiskFull):
        await platform.go_live(SESSION.id)
    assert (await store.read(lambda db: load_session(db, SESSION.id))).state is SessionState.OPEN


async def test_what_was_never_live_cannot_end(platform):
    """Ending a session that is only open is refused, and an unknown one is named."""
    with pytest.raises(Conflict):
        await platform.end(SESSION.id)
    with pytest.raises(NotFound, match="nowhere"):
        await platform.go_live("nowhere")


@pytest.mark.parametrize("state", list(SessionState))
def test_every_state_has_a_phase(state):
    """No state of a session is without a phase, and only scheduled ones wait."""
    assert phase_of(state, receiving=False) in Phase
    assert (phase_of(state, receiving=True) is Phase.WAITING) is (phase_of(state, receiving=False) is Phase.SCHEDULED)
