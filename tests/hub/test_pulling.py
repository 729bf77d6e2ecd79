"""The keeper that fetches recordings: only what is missing and ready, and never against a refusal."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streamhub.errors import Fault, PlatformError, StreamhubError, ToolFailed, Unavailable
from streamhub.keepers.pulling import Puller, PullerParts
from streamhub.live.problem import ProblemCode, make_error
from streamhub.live.video import Video, VideoState
from streamhub.recording.matching import Slot
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store.broadcasts import BroadcastRow, save_broadcast
from streamhub.store.shows import save_session, save_show
from streamhub.store.store import Store

START = datetime(2027, 3, 2, 19, 15, tzinfo=UTC)
END = START + timedelta(hours=1)
SLOT = Slot(
    session_id="2027-03-02-netz",
    title="Netz",
    ids=frozenset({"ref-1"}),
    started_at=START,
    ended_at=END,
    waits=True,
)


@dataclass
class Shelf:
    """Calls a video what the test says."""

    state: VideoState = VideoState.READY
    error: PlatformError | None = None
    looked: int = 0

    async def look(self, ref: str) -> Video:
        self.looked += 1
        if self.error:
            raise self.error
        return Video(ref=ref, state=self.state, watch_url=f"https://watch/{ref}", title="", description="")


@dataclass
class FakeFetcher:
    """Brings a file, or fails as the test says."""

    error: StreamhubError | None = None
    asked: list[tuple[str, int]] = field(default_factory=list)

    async def fetch(self, url: str, folder: Path, *, expected_ms: int, progress: object) -> Path:
        self.asked.append((url, expected_ms))
        if self.error:
            raise self.error
        path = folder / f"{url.rpartition('/')[2]}.mp4"
        path.write_bytes(b"film")
        return path


@dataclass
class Pulling:
    puller: Puller
    shelf: Shelf
    fetcher: FakeFetcher
    folder: Path
    slots: list[Slot]
    at: datetime = END + timedelta(minutes=11)
    signed_in: bool = True


@pytest.fixture
async def pulling(tmp_path: Path) -> AsyncIterator[Pulling]:
    """A session that ended on a platform, and a keeper whose fetcher is switched on."""
    async with Store.open(tmp_path / "hub.sqlite3", now=lambda: START) as store:
        session = Session(id=SLOT.session_id, show_id="runde", title="Netz", starts_at=START, state=SessionState.ENDED)
        row = BroadcastRow(session_id=session.id, platform="there", marker="m", ref="ref-1")
        await store.write(lambda db: save_show(db, Show(id="runde", title="Runde")))
        await store.write(lambda db: save_session(db, session))
        await store.write(lambda db: save_broadcast(db, row))
        folder = tmp_path / "inbox"
        folder.mkdir()
        made: list[Pulling] = []

        async def load_slots() -> Sequence[Slot]:
            return made[0].slots

        shelf, fetcher = Shelf(), FakeFetcher()
        parts = PullerParts(
            store=store,
            fetchers={"there": fetcher},
            shelf_of=lambda platform: shelf if made[0].signed_in else None,  # type: ignore[arg-type,return-value]
            load_slots=load_slots,
            folder=folder,
            now=lambda: made[0].at,
        )
        made.append(Pulling(puller=Puller(parts), shelf=shelf, fetcher=fetcher, folder=folder, slots=[SLOT]))
        yield made[0]


async def test_what_is_missing_is_fetched_once(pulling: Pulling) -> None:
    """A ready video of a session without a recording lands in the inbox; while it lies there nothing is asked."""
    for _ in range(3):
        await pulling.puller.look()
        pulling.at += timedelta(minutes=16)
    assert pulling.fetcher.asked == [("https://watch/ref-1", 3_600_000)]
    assert (pulling.folder / "ref-1.mp4").exists()
    assert pulling.shelf.looked == 1


@pytest.mark.parametrize("change", ["has it", "live", "too early", "signed out", "processing", "gone"])
async def test_what_is_not_fetched(pulling: Pulling, change: str) -> None:
    """Nothing is fetched that is there, still runs, has just ended, or is not ready."""
    if change == "has it":
        pulling.slots = []
    elif change == "live":
        pulling.slots = [Slot(session_id=SLOT.session_id, title="", ids=SLOT.ids, started_at=START, waits=True)]
    elif change == "too early":
        pulling.at = END + timedelta(minutes=9)
    elif change == "signed out":
        pulling.signed_in = False
    else:
        pulling.shelf.state = VideoState(change)
    await pulling.puller.look()
    assert pulling.fetcher.asked == []


async def test_a_refusal_silences_for_its_time(pulling: Pulling) -> None:
    """After a refusal neither the shelf nor the fetcher is asked until its time is over, and the host is told."""
    until = pulling.at + timedelta(hours=24)
    details = {"platform": "There", "command": "there"}
    pulling.fetcher.error = make_error(Fault.AUTH, ProblemCode.PULL_COOKIES, details, retry_at=until)
    for _ in range(20):
        await pulling.puller.look()
        pulling.at += timedelta(hours=1)
    assert (len(pulling.fetcher.asked), pulling.shelf.looked) == (1, 1)
    problem = pulling.puller.problem(SLOT.session_id)
    assert problem is not None
    assert (problem.code, problem.retry_at) == (ProblemCode.PULL_COOKIES, until)
    pulling.fetcher.error = None
    pulling.at = until
    await pulling.puller.look()
    assert len(pulling.fetcher.asked) == 2
    assert pulling.puller.problem(SLOT.session_id) is None


async def test_other_failures_are_tried_again_with_pauses(pulling: Pulling) -> None:
    """A network that is away is asked four times an hour at most, a platform in trouble as well."""
    pulling.fetcher.error = Unavailable("away")
    for _ in range(60):
        await pulling.puller.look()
        pulling.at += timedelta(minutes=1)
    assert len(pulling.fetcher.asked) == 4
    assert pulling.puller.progress(SLOT.session_id) is None


async def test_a_failure_that_nobody_understands_is_tried_ever_less_often(pulling: Pulling) -> None:
    """A program that fails for a reason of its own is not run every quarter of an hour for days."""
    pulling.fetcher.error = ToolFailed("yt-dlp: ended with exit code 1: Unable to extract something")
    for _ in range(4 * 48):
        await pulling.puller.look()
        pulling.at += timedelta(minutes=15)
    assert 6 <= len(pulling.fetcher.asked) <= 10
