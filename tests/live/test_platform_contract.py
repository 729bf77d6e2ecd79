"""One contract for every live platform: the hub itself, YouTube against its strict counterpart, and a real channel."""

import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streamhub.errors import Conflict, PlatformError, StreamhubError
from streamhub.live.local import LocalPlatform
from streamhub.live.platform import Capability, Ingest, Phase, Signal
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store.shows import save_session, save_show
from streamhub.store.store import Store
from tests.live.platform_case import Case
from tests.live.youtube_channel import ONLY_WHEN_WANTED, channel_case
from tests.live.youtube_desk import open_desk


class Studio:
    """What the hub's own platform asks for."""

    receiving = False

    async def signal(self, session_id: str) -> Signal:
        return Signal(receiving=self.receiving, quality="good" if self.receiving else "none")

    async def require_disk(self) -> None:
        """There is room."""

    async def close_session(self, session_id: str) -> None:
        """Nothing is open."""


@contextlib.asynccontextmanager
async def local_case(folder: Path) -> AsyncIterator[Case]:
    session = Session(
        id="2027-03-02-netz",
        show_id="netz",
        title="Netz",
        starts_at=datetime.now(UTC) + timedelta(hours=1),
        state=SessionState.OPEN,
    )
    studio = Studio()

    async def plug_in() -> None:
        studio.receiving = True

    async with Store.open(folder / "hub.sqlite3", now=lambda: datetime.now(UTC)) as store:
        await store.write(lambda db: save_show(db, Show(id="netz", title="Netz")))

        async def add(session_id: str) -> Session:
            other = replace(session, id=session_id)
            await store.write(lambda db: save_session(db, other))
            return other

        await store.write(lambda db: save_session(db, session))
        platform = LocalPlatform(
            store, studio, url="rtmp://127.0.0.1:1935/live", now=lambda: datetime.now(UTC), random=os.urandom
        )
        yield Case(platform=platform, session=session, plug_in=plug_in, add=add)


@contextlib.asynccontextmanager
async def youtube_case(folder: Path) -> AsyncIterator[Case]:
    async with open_desk(folder) as desk:

        async def plug_in() -> None:
            row = await desk.row()
            assert row is not None
            desk.fake.push(row.stream_ref)

        yield Case(platform=desk.platform, session=desk.session, plug_in=plug_in, add=desk.add)


CASES = [
    pytest.param(local_case, id="local"),
    pytest.param(youtube_case, id="youtube"),
    pytest.param(channel_case, id="channel", marks=ONLY_WHEN_WANTED),
]


@pytest.fixture(params=CASES)
async def case(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Case]:
    async with request.param(tmp_path) as case:
        yield case


async def test_a_platform_says_who_it_is(case: Case) -> None:
    """A platform has a name for hosts and says what it can do."""
    assert case.platform.name
    assert Capability.REHEARSAL in case.platform.capabilities
    assert case.platform.capabilities <= set(Capability)


async def test_before_it_is_planned_there_is_nothing(case: Case) -> None:
    """Without a broadcast there is no place to push to and nothing to look at."""
    with pytest.raises(Conflict):
        await case.platform.ingest(case.session.id)
    with pytest.raises(Conflict):
        await case.platform.get(case.session.id)
    assert not (await case.platform.signal(case.session.id)).receiving


async def test_ensuring_twice_is_ensuring_once(case: Case) -> None:
    """The same session has one broadcast and one key, however often it is ensured."""
    first = await case.platform.ensure(case.session)
    ingest = await case.platform.ingest(case.session.id)
    assert first.phase is Phase.SCHEDULED
    assert first.session_id == case.session.id
    assert first.ref
    assert first.watch_url
    again = await case.platform.ensure(case.session)
    assert (again.ref, again.watch_url, again.phase) == (first.ref, first.watch_url, first.phase)
    assert await case.platform.ingest(case.session.id) == ingest
    assert (await case.platform.get(case.session.id)).ref == first.ref


async def test_the_key_is_shown_to_nobody_by_accident(case: Case) -> None:
    """A place to push to does not show its key when it is printed."""
    await case.platform.ensure(case.session)
    ingest = await case.platform.ingest(case.session.id)
    assert isinstance(ingest, Ingest)
    assert len(ingest.key) >= 16
    assert ingest.key not in repr(ingest)
    assert all(ingest.key not in repr(other) for other in ingest.alternatives)


async def test_two_sessions_at_once_have_two_places(case: Case) -> None:
    """Sessions that overlap do not share a key."""
    other = await case.add("2027-03-02-solar")
    await case.platform.ensure(case.session)
    await case.platform.ensure(other)
    one, two = await case.platform.ingest(case.session.id), await case.platform.ingest(other.id)
    assert one.key != two.key
    assert (await case.platform.get(case.session.id)).ref != (await case.platform.get(other.id)).ref


async def test_the_life_of_a_broadcast(case: Case) -> None:
    """Planned, waiting, rehearsed, live, ended; each step twice is a success and changes nothing."""
    await case.platform.ensure(case.session)
    await case.plug_in()
    assert (await case.platform.signal(case.session.id)).receiving
    assert (await case.platform.get(case.session.id)).phase is Phase.WAITING
    for _ in range(2):
        assert (await case.platform.rehearse(case.session.id)).phase is Phase.TESTING
    live = await case.platform.go_live(case.session.id)
    assert live.phase is Phase.LIVE
    assert live.started_at is not None
    assert live.ended_at is None
    again = await case.platform.go_live(case.session.id)
    assert (again.ref, again.phase, again.started_at) == (live.ref, live.phase, live.started_at)
    ended = await case.platform.end(case.session.id)
    assert ended.phase is Phase.ENDED
    assert ended.ended_at is not None
    assert ended.ended_at >= live.started_at
    assert (await case.platform.end(case.session.id)).ended_at == ended.ended_at
    assert (await case.platform.get(case.session.id)).phase is Phase.ENDED


async def test_it_may_go_live_without_a_rehearsal(case: Case) -> None:
    """The rehearsal may be left out."""
    await case.platform.ensure(case.session)
    await case.plug_in()
    assert (await case.platform.go_live(case.session.id)).phase is Phase.LIVE


async def test_over_is_over(case: Case) -> None:
    """What has ended does not go live again, and says so in words."""
    await case.platform.ensure(case.session)
    await case.plug_in()
    await case.platform.go_live(case.session.id)
    await case.platform.end(case.session.id)
    with pytest.raises(StreamhubError) as caught:
        await case.platform.go_live(case.session.id)
    assert isinstance(caught.value, Conflict | PlatformError)
    assert caught.value.message
    assert caught.value.hint


async def test_what_was_never_live_cannot_end(case: Case) -> None:
    """Ending what was only planned is refused."""
    await case.platform.ensure(case.session)
    with pytest.raises(Conflict):
        await case.platform.end(case.session.id)


async def test_cancelling_takes_back_what_was_planned(case: Case) -> None:
    """A planned broadcast is not planned any more after it was cancelled, and cancelling again is a success."""
    await case.platform.ensure(case.session)
    await case.platform.cancel(case.session.id)
    await case.platform.cancel(case.session.id)
    with pytest.raises(StreamhubError):
        await case.platform.go_live(case.session.id)


async def test_cancelling_leaves_what_is_live(case: Case) -> None:
    """Cancelling does not end what people watch."""
    await case.platform.ensure(case.session)
    await case.plug_in()
    await case.platform.go_live(case.session.id)
    await case.platform.cancel(case.session.id)
    assert (await case.platform.get(case.session.id)).phase is Phase.LIVE
