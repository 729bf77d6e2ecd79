"""A day of shows on a platform, from planning to captions: what does it cost of the day's quota?

    python bench/quota_day.py [--shows 1 3 5] [--minutes 90] [--later 20]

The whole of a hub's outside runs: reconciler, chat and videos, with the real client, against the counterpart of
YouTube, which counts by its own list of costs. Time is warped: the loop's clock jumps to the next timer whenever
nothing is under way, and the hub and the counterpart read the same clock. Each show is opened three hours before its
start, rehearsed, live with a chat, ended, published and captioned in one language; other sessions are planned on the
same day for later weeks. Prints units by call, what the ledger counted, and how often the chat was read. Beside it,
the peer: the same day with a chat that is polled as often as YouTube allows, each 5 s, by the published cost alone.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import itertools
import os
import selectors
import statistics
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

from streamhub.answers.answer import Answer, AnswerState  # noqa: E402
from streamhub.archive.archived import ArchivedSession  # noqa: E402
from streamhub.archive.folder import save_session as save_archived  # noqa: E402
from streamhub.config import Secret, YoutubeSettings  # noqa: E402
from streamhub.keepers.chatter import Chatter, ChatterParts  # noqa: E402
from streamhub.keepers.reconciler import Reconciler, ReconcilerParts  # noqa: E402
from streamhub.keepers.videos import Videos, VideosParts  # noqa: E402
from streamhub.live.quota import Priority  # noqa: E402
from streamhub.live.youtube.client import Api  # noqa: E402
from streamhub.live.youtube.kit import Place, YouTubeFront  # noqa: E402
from streamhub.live.youtube.sign_in import SCOPE, Account  # noqa: E402
from streamhub.live.youtube.token import Grant, OAuthClient  # noqa: E402
from streamhub.questions.picking import parse_words  # noqa: E402
from streamhub.schedule.show import Session, SessionState, Show  # noqa: E402
from streamhub.store.effects import approve  # noqa: E402
from streamhub.store.shows import load_session, save_session, save_show, step_session  # noqa: E402
from streamhub.store.spending import sum_spending  # noqa: E402
from streamhub.store.store import Store  # noqa: E402
from streamhub.timecode import Span  # noqa: E402
from streamhub.transcript.transcript import Cue, Transcript  # noqa: E402
from streamhub.workspace import write_private  # noqa: E402
from tests.fakes.youtube.fake import FakeYouTube  # noqa: E402

DAY_BEGINS = datetime(2027, 3, 2, 8, 0, tzinfo=UTC)  # midnight Pacific
S = SessionState


class WarpLoop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to its next timer when nothing is under way."""

    def __init__(self) -> None:
        super().__init__(_WarpSelector(self))
        self.ahead_s = 0.0
        self.under_way = 0

    def time(self) -> float:
        return super().time() + getattr(self, "ahead_s", 0.0)


class _WarpSelector(selectors.DefaultSelector):
    def __init__(self, loop: WarpLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        events = super().select(min(timeout, 0.004))
        if not events and not self._loop.under_way:
            self._loop.ahead_s += timeout
        return events


class Clock:
    """Wall time on the warped clock."""

    def __init__(self) -> None:
        self._loop: WarpLoop | None = None
        self._began_s = 0.0

    def begin(self, loop: WarpLoop) -> None:
        self._loop, self._began_s = loop, loop.time()

    def __call__(self) -> datetime:
        gone_s = self._loop.time() - self._began_s if self._loop else 0.0
        return DAY_BEGINS + timedelta(seconds=gone_s)


def count_under_way(loop: WarpLoop) -> None:
    """Stop the clock while a call or a write is under way."""
    for owner, name in ((Api, "read"), (Api, "write"), (Api, "upload"), (Store, "read"), (Store, "write")):
        plain = getattr(owner, name)

        async def counted(*given: Any, _plain: Any = plain, **named: Any) -> Any:
            loop.under_way += 1
            try:
                return await _plain(*given, **named)
            finally:
                loop.under_way -= 1

        setattr(owner, name, counted)


async def live_day(folder: Path, clock: Clock, shows: int, minutes: int, later: int) -> dict[str, Any]:
    """A day with so many shows, one after the other from 9 in the morning on."""
    settings = YoutubeSettings(client_file="client.json")
    with FakeYouTube(now=clock, processing_polls=2, polling_interval_ms=5000, token_life_s=10**6) as fake:
        settings = replace(settings, api_url=fake.url)
        place = Place(folder=folder, secret=os.urandom(32), write=write_private, settings=settings)
        client = fake.client_config["installed"]
        grant = Grant(
            account=Account(channel_id=fake.channel.id, channel_title="Kanal", granted_at=clock(), scopes=(SCOPE,)),
            refresh_token=Secret(fake.refresh_token),
            client=OAuthClient(**{key: client[key] for key in ("client_id", "client_secret", "auth_uri", "token_uri")}),
        )
        place.keeper().save(grant)
        async with Store.open(folder / "hub.sqlite3", now=clock) as store:
            kit = YouTubeFront(place).open(store, describe=lambda _, show: show.about, now=clock, random=os.urandom)
            gaps = await _live_through(folder, store, kit, fake, clock, shows=shows, minutes=minutes, later=later)
            day = kit.budget.day(DAY_BEGINS + timedelta(hours=1))
            counted = await store.read(lambda db: sum_spending(db, "youtube", day=day))
            await kit.close()
        calls = collections.Counter(call.method for call in fake.calls)
        refused = collections.Counter(call.method for call in fake.calls if call.status >= 400)
        return {
            "units": {call: n * kit.budget.cost(call) for call, n in calls.items()},
            "counted": counted,
            "there": fake.units_used,
            "refused": dict(refused),
            "gaps": gaps,
            "captions": len(fake.captions),
            "violations": len(fake.violations),
        }


class _NoRelay:
    async def aim(self, session_id: str, ingest: Any) -> None:
        """The picture comes from the counterpart's own switch."""


async def _live_through(
    folder: Path, store: Store, kit: Any, fake: FakeYouTube, clock: Clock, *, shows: int, minutes: int, later: int
) -> list[float]:
    await store.write(lambda db: save_show(db, Show(id="netz", title="Netz", platform="youtube")))
    sessions = [_session(n, DAY_BEGINS + timedelta(hours=9, minutes=n * (minutes + 60)), minutes) for n in range(shows)]
    ahead = [_session(100 + n, DAY_BEGINS + timedelta(days=7 * (n + 1)), minutes) for n in range(later)]
    for session in (*sessions, *ahead):
        await store.write(lambda db, session=session: save_session(db, session))
    reads: list[datetime] = []

    async def end(session_id: str) -> None:
        """Nobody forgets to end here."""

    async def left() -> int:
        day = kit.budget.day(clock())
        return kit.budget.left(await store.read(lambda db: sum_spending(db, "youtube", day=day)), Priority.CHAT)

    class Timed:
        async def read(self, ref: str, cursor: str) -> Any:
            reads.append(clock())
            return await kit.chat.read(ref, cursor)

        async def write(self, ref: str, text: str) -> None:
            await kit.chat.write(ref, text)

    timed = Timed()
    reconciler = Reconciler(
        ReconcilerParts(
            store=store, platforms={"youtube": kit.platform}, relay=_NoRelay(), end=end, watchdog_s=600, part_s=42_300,
            now=clock,
        ),
        pass_s=5.0,
    )  # fmt: skip
    chatter = Chatter(
        ChatterParts(
            store=store, source_of=lambda _: timed, words=parse_words(YoutubeSettings().chat_words), left=left,
            cost=kit.chat_costs[0], reply_cost=kit.chat_costs[1], upkeep_units=kit.session_units,
            day_ends=kit.budget.next_day_at, secret=b"x" * 32, now=clock, random=os.urandom,
        )
    )  # fmt: skip
    videos = Videos(
        VideosParts(
            store=store, shelf_of=lambda _: kit.shelf, transcripts=folder / "transcripts",
            site_url="https://a.example.org", now=clock,
        )
    )  # fmt: skip
    async with reconciler:
        await chatter.start()
        watching = asyncio.create_task(videos.watch(10.0))
        await asyncio.gather(*(_live(folder, store, fake, clock, session) for session in sessions))
        await asyncio.sleep(1800)
        watching.cancel()
        await chatter.close()
    return [(after - before).total_seconds() for before, after in itertools.pairwise(reads)]


def _session(number: int, starts_at: datetime, minutes: int) -> Session:
    return Session(
        id=f"show-{number}", show_id="netz", title=f"Runde {number}", starts_at=starts_at, planned_minutes=minutes,
        state=S.SCHEDULED,
    )  # fmt: skip


async def _live(folder: Path, store: Store, fake: FakeYouTube, clock: Clock, session: Session) -> None:
    """One show, as a host leads it."""

    async def step(to: SessionState, at: datetime) -> None:
        await asyncio.sleep(max(0.0, (at - clock()).total_seconds()))
        await store.write(lambda db: step_session(db, session.id, to, at=clock()))

    start = session.starts_at
    await step(S.OPEN, start - timedelta(hours=3))
    await asyncio.sleep((start - timedelta(minutes=20) - clock()).total_seconds())
    broadcast = next(one for one in fake.broadcasts.values() if one.title == session.title)
    fake.push(broadcast.stream_id)
    await step(S.REHEARSAL, start - timedelta(minutes=15))
    await step(S.LIVE, start)
    for number in range(20):
        fake.say(broadcast.id, f"Gast {number}", f"!frage Was kostet Tarif {number} im Monat?")
    await step(S.ENDED, start + timedelta(minutes=session.planned_minutes))
    fake.stop(broadcast.stream_id)
    for state in (S.PROCESSING, S.IN_REVIEW, S.PUBLISHED):
        await step(state, clock())
    ended = await store.read(lambda db: load_session(db, session.id))
    await asyncio.to_thread(save_archived, folder / "transcripts", _archived(ended))
    await store.write(lambda db: approve(db, session.id, at=clock(), author="bench"))


def _archived(session: Session) -> ArchivedSession:
    spans = [Span(n * 300_000, n * 300_000 + 60_000) for n in range(1, 8)]
    answers = tuple(
        Answer(
            id=f"a{n}{session.id[5:]}", slug=f"frage-{n}", session_id=session.id, question=f"Frage {n}?",
            ranges=(span,), state=AnswerState.PUBLISHED, language="de",
        )
        for n, span in enumerate(spans)
    )  # fmt: skip
    cues = tuple(Cue(id=f"c{n}", span=span, text=f"Antwort {n}.") for n, span in enumerate(spans))
    return ArchivedSession(
        id=session.id, show_id="netz", show_title="Netz", title=session.title,
        starts_at=session.started_at or session.starts_at,
        transcripts=(Transcript(language="de", cues=cues),), answers=answers,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shows", type=int, nargs="+", default=[1, 3, 5])
    parser.add_argument("--minutes", type=int, default=90)
    parser.add_argument("--later", type=int, default=20, help="sessions that are planned on that day for later weeks")
    given = parser.parse_args()
    for shows in given.shows:
        loop, clock = WarpLoop(), Clock()
        asyncio.set_event_loop(loop)
        count_under_way(loop)
        clock.begin(loop)
        with tempfile.TemporaryDirectory() as folder:
            told = loop.run_until_complete(live_day(Path(folder), clock, shows, given.minutes, given.later))
        loop.close()
        print(f"\n{shows} show(s) of {given.minutes} min, and {given.later} planned for later")
        for call, units in sorted(told["units"].items(), key=lambda entry: -entry[1]):
            print(f"  {units:>6}  {call}")
        gaps = [gap for gap in told["gaps"] if gap < 600]
        naive = told["counted"] - told["units"].get("liveChatMessages.list", 0) + shows * given.minutes * 60 // 5 * 5
        print(f"  {told['counted']:>6}  counted by the ledger, {told['there']} by the counterpart, of 10000")
        print(f"          chat: read {len(told['gaps']) + 1} times, median gap {statistics.median(gaps or [0]):.0f} s")
        print(f"          a chat polled each 5 s: {naive} units, {naive / max(1, told['counted']):.2f} times as much")
        print(f"          captions {told['captions']}, refused {told['refused']}, violations {told['violations']}")


if __name__ == "__main__":
    main()
