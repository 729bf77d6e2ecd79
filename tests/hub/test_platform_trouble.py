"""Trouble with YouTube, as a host meets it: one clear sentence each, and the hub's own side goes on."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streamhub.config import Secret, YoutubeSettings
from streamhub.errors import Conflict
from streamhub.keepers.platform_sights import HubPlatforms
from streamhub.keepers.reconciler import Reconciler, ReconcilerParts
from streamhub.live.ingest import RelayState
from streamhub.live.local import LocalPlatform
from streamhub.live.platform import Ingest, Phase, Signal
from streamhub.live.problem import Problem, ProblemCode, say_problem
from streamhub.live.youtube.kit import Place, YouTubeFront, YouTubeKit
from streamhub.live.youtube.sign_in import SCOPE, Account
from streamhub.live.youtube.token import Grant, OAuthClient
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store.broadcasts import find_broadcast
from streamhub.store.shows import load_session, save_session, save_show
from streamhub.store.store import Store
from streamhub.workspace import write_private
from tests.fakes.youtube.fake import FakeYouTube
from tests.fakes.youtube.faults import Refuse

P = ProblemCode


class Clock:
    """The wall clock, which a test may move on, for the hub and for the counterpart alike."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


now = Clock()


class Studio:
    """What arrives, and a relay that goes nowhere."""

    async def signal(self, session_id: str) -> Signal:
        return Signal(receiving=True, quality="good")

    async def require_disk(self) -> None:
        """There is room."""

    async def close_session(self, session_id: str) -> None:
        """Nothing is open."""

    async def aim(self, session_id: str, ingest: Ingest | None) -> None:
        """Nothing is sent."""


@dataclass
class Desk:
    """A hub without its web face."""

    fake: FakeYouTube
    store: Store
    kit: YouTubeKit
    reconciler: Reconciler
    local: LocalPlatform
    session: Session

    async def problem(self, *codes: ProblemCode) -> Problem:
        """Wait until the host is told one of these."""
        seen: Problem | None = None
        try:
            async with asyncio.timeout(20):
                while True:
                    following = await self.reconciler.view(self.session.id)
                    told = (following.problem if following else None, *self.reconciler.problems("youtube"))
                    for seen in told:
                        if seen is not None and seen.code in codes:
                            return seen
                    await asyncio.sleep(0.02)
        except TimeoutError:
            pytest.fail(f"waited for {codes}, last seen {seen}, calls {self.fake.calls[-5:]}")

    async def planned(self) -> None:
        async with asyncio.timeout(20):
            while not any(broadcast.stream_id for broadcast in self.fake.broadcasts.values()):
                await asyncio.sleep(0.02)

    async def wait_a_while(self) -> None:
        """Until nothing is under way any more; then ten minutes pass."""
        desks = self.reconciler._desks
        while not desks or any(one.task is None or not one.task.done() for one in desks.values()):
            await asyncio.sleep(0.02)
        now.ahead += timedelta(minutes=10)

    async def change(self, **fields: object) -> None:
        session = await self.store.read(lambda db: load_session(db, self.session.id))
        await self.store.write(lambda db: save_session(db, replace(session, **fields)))  # type: ignore[arg-type]
        self.reconciler.wake(self.session.id)

    async def go_live_here(self) -> None:
        """The hub's own side."""
        session = await self.store.read(lambda db: load_session(db, self.session.id))
        await self.local.ensure(session)
        assert (await self.local.go_live(self.session.id)).phase is Phase.LIVE
        self.reconciler.wake(self.session.id)


@pytest.fixture
async def fake_youtube(no_proxies: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeYouTube]:
    monkeypatch.setattr(now, "ahead", timedelta(0))
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    async with FakeYouTube(now=now) as fake:
        yield fake


@pytest.fixture
async def desk(fake_youtube: FakeYouTube, tmp_path: Path) -> AsyncIterator[Desk]:
    settings = YoutubeSettings(client_file="client.json", api_url=fake_youtube.url)
    place = Place(folder=tmp_path, secret=os.urandom(32), write=write_private, settings=settings)
    installed = fake_youtube.client_config["installed"]
    client = OAuthClient(
        client_id=installed["client_id"],
        client_secret=Secret(installed["client_secret"]),
        auth_uri=installed["auth_uri"],
        token_uri=installed["token_uri"],
    )
    account = Account(channel_id=fake_youtube.channel.id, channel_title="Kanal", granted_at=now(), scopes=(SCOPE,))
    place.keeper().save(Grant(account=account, refresh_token=Secret(fake_youtube.refresh_token), client=client))
    session = Session(
        id="2027-03-02-netz", show_id="netz", title="Netz", starts_at=now() + timedelta(days=2), state=SessionState.OPEN
    )
    async with Store.open(tmp_path / "hub.sqlite3", now=now) as store:
        await store.write(lambda db: save_show(db, Show(id="netz", title="Netz", platform="youtube")))
        kit = YouTubeFront(place).open(store, describe=lambda session: session.show.about, now=now, random=os.urandom)
        studio = Studio()
        local = LocalPlatform(store, studio, url="rtmp://hub/live", now=now, random=os.urandom)

        async def end(session_id: str) -> None:
            await local.end(session_id)

        parts = ReconcilerParts(
            store=store, platforms={"youtube": kit.platform}, relay=studio, end=end, watchdog_s=600, part_s=0, now=now
        )
        async with Reconciler(parts, pass_s=0.02) as reconciler:
            desk = Desk(fake_youtube, store, kit, reconciler, local, session)
            yield desk
        await kit.close()


async def schedule(desk: Desk, **fields: object) -> None:
    desk.session = replace(desk.session, **fields)  # type: ignore[arg-type]
    await desk.store.write(lambda db: save_session(db, desk.session))
    desk.reconciler.wake()


def sentence_of(problem: Problem) -> str:
    what, advice = say_problem(problem)
    assert "?" not in what, "every detail of the sentence is there"
    assert what.endswith(".")
    assert advice.endswith(".")
    return what


async def check_local_and_log(desk: Desk, problem: Problem, caplog: pytest.LogCaptureFixture) -> None:
    sentence = sentence_of(problem)
    await desk.go_live_here()
    assert any(sentence.rstrip(".") in record.getMessage() for record in caplog.records), sentence


@pytest.fixture(autouse=True)
def log_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


async def test_a_revoked_sign_in(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """A sign-in that was taken back is told with what to do, and a new one mends it without a restart."""
    desk.fake.revoke_grants()
    await schedule(desk)
    problem = await desk.problem(P.SIGNED_OUT)
    assert desk.fake.broadcasts == {}
    await check_local_and_log(desk, problem, caplog)


async def test_a_sign_in_that_ends_in_between_shows_at_the_account_at_once(desk: Desk) -> None:
    """When a session is refused because the sign-in has ended, the account says so without waiting for its look."""
    await schedule(desk)
    await desk.planned()
    await desk.wait_a_while()
    assert desk.reconciler.problems("youtube") == ()
    desk.fake.revoke_grants()
    desk.fake.expire_tokens()
    await desk.change(title="Neuer Titel")
    async with asyncio.timeout(10):
        while [problem.code for problem in desk.reconciler.problems("youtube")] != [P.SIGNED_OUT]:
            await asyncio.sleep(0.02)


async def test_live_streaming_that_is_not_enabled(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """A channel that may not stream live is told days ahead, with the 24 hours that it may take."""
    desk.fake.channel.live_enabled = False
    await schedule(desk)
    problem = await desk.problem(P.LIVE_NOT_ENABLED)
    assert "24 hours" in say_problem(problem)[1]
    await check_local_and_log(desk, problem, caplog)


async def test_a_quota_that_is_used_up(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """The platform's word that the day is over is believed; the next try is at midnight Pacific."""
    desk.fake.day_units = 0
    await schedule(desk)
    problem = await desk.problem(P.QUOTA_USED_UP)
    assert problem.retry_at == desk.kit.budget.next_day_at(now())
    await asyncio.sleep(0.3)  # what was under way at the same time
    calls = len(desk.fake.calls)
    await asyncio.sleep(0.3)
    assert len(desk.fake.calls) == calls, "nothing more is asked today"
    await check_local_and_log(desk, problem, caplog)


async def test_a_clock_that_is_wrong_by_an_hour(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """The platform's clock tells that this machine's is an hour off."""
    desk.fake.clock_shift_s = 3600
    await schedule(desk)
    problem = await desk.problem(P.CLOCK_WRONG)
    assert problem.details["minutes"].lstrip("-") in {"59", "60", "61"}
    await check_local_and_log(desk, problem, caplog)


async def test_a_start_in_the_past(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """A start that passed while the platform was away is moved a little there, and told."""
    await schedule(desk, starts_at=now() - timedelta(minutes=30))
    problem = await desk.problem(P.START_MOVED)
    (broadcast,) = desk.fake.broadcasts.values()
    assert now() < broadcast.starts_at < now() + timedelta(minutes=5)
    sentence_of(problem)
    await desk.go_live_here()


async def test_a_broadcast_that_was_deleted_there(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """A broadcast that somebody deleted in Studio is told and not made again, until a host says so."""
    await schedule(desk)
    await desk.planned()
    await desk.wait_a_while()
    (broadcast_id,) = desk.fake.broadcasts
    desk.fake.delete(broadcast_id)
    await desk.change(title="Neuer Titel")
    problem = await desk.problem(P.BROADCAST_GONE)
    assert desk.fake.broadcasts == {}
    sentence_of(problem)
    await desk.reconciler.remake(desk.session.id)
    assert [one.title for one in desk.fake.broadcasts.values()] == ["Neuer Titel"]
    await desk.go_live_here()


async def test_a_change_that_was_made_there(desk: Desk) -> None:
    """A title that somebody changed in Studio is told and left alone."""
    await schedule(desk, starts_at=now() + timedelta(minutes=15))
    await desk.planned()
    (broadcast,) = desk.fake.broadcasts.values()
    broadcast.title = "Von Hand"
    await desk.wait_a_while()
    problem = await desk.problem(P.CHANGED_THERE)
    assert "title" in problem.details["fields"]
    assert broadcast.title == "Von Hand"


async def test_two_hubs_on_one_channel(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """A second hub's broadcasts on the channel are told, and never touched."""
    await schedule(desk)
    await desk.planned()
    (mine,) = desk.fake.broadcasts.values()
    other = await desk.kit._api.write(
        "liveBroadcasts.insert",
        priority=1,
        part="snippet,status,contentDetails",
        body={
            "snippet": {
                "title": "Anderer Hub",
                "description": "[sh:zzzzzzzzzz]",
                "scheduledStartTime": (now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
            "status": {"privacyStatus": "unlisted", "selfDeclaredMadeForKids": False},
            "contentDetails": {"enableAutoStart": False},
        },
    )
    desk.reconciler.wake()
    problem = await desk.problem(P.OTHER_HUB)
    assert set(desk.fake.broadcasts) == {mine.id, other["id"]}
    await check_local_and_log(desk, problem, caplog)


async def test_a_platform_that_is_away(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """A platform that does not answer is told once; when it is back, the session is planned there, once."""
    desk.fake.go_offline()
    await schedule(desk)
    problem = await desk.problem(P.UNREACHABLE, P.OUTCOME_UNKNOWN)
    await check_local_and_log(desk, problem, caplog)
    desk.fake.come_back()
    desk.reconciler.wake()
    await desk.planned()
    assert len(desk.fake.broadcasts) == 1


async def test_another_refusal_is_told_with_its_reason(desk: Desk) -> None:
    """A reason that nobody foresaw is told with the platform's own word."""
    desk.fake.fail("liveBroadcasts.insert", *[Refuse(403, "somethingNew")] * 5)
    await schedule(desk)
    problem = await desk.problem(P.NOT_ALLOWED, P.BROKEN)
    assert "somethingNew" in sentence_of(problem)


async def test_the_row_survives_whatever_was_told(desk: Desk) -> None:
    """What is told stands at the broadcast's row too, so that a restart does not forget it."""
    desk.fake.channel.live_enabled = False
    await schedule(desk)
    await desk.problem(P.LIVE_NOT_ENABLED)
    await desk.wait_a_while()
    row = await desk.store.read(lambda db: find_broadcast(db, desk.session.id, "youtube"))
    assert row is not None
    assert row.problem is not None
    assert row.problem.code is P.LIVE_NOT_ENABLED


async def test_a_session_that_is_over_gets_no_new_broadcast(desk: Desk) -> None:
    """A video deleted there after its session is not made again: there is nothing to be shown any more."""
    await schedule(desk)
    await desk.planned()
    await desk.wait_a_while()
    (broadcast_id,) = desk.fake.broadcasts
    desk.fake.delete(broadcast_id)
    await desk.change(title="Neuer Titel")
    await desk.problem(P.BROADCAST_GONE)
    await desk.change(state=SessionState.PUBLISHED)
    sights = HubPlatforms(
        store=desk.store,
        reconciler=desk.reconciler,
        remotes={"youtube": desk.kit},
        relay_state=lambda _: RelayState(),
        now=now,
    )
    with pytest.raises(Conflict, match="published"):
        await sights.remake(desk.session.id)
    assert desk.fake.broadcasts == {}
