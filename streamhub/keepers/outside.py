"""The outside of a running hub: platforms that follow its sessions, their chats and videos, and the inbox.

Owns how their keepers are put together, started and stopped. Refuses to know brands: they come as remotes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from streamhub.keepers.chat_desk import ChatDesk
from streamhub.keepers.chatter import Chatter, ChatterParts
from streamhub.keepers.inbox import Inbox
from streamhub.keepers.inbox_taking import Work
from streamhub.keepers.platform_sights import HubPlatforms
from streamhub.keepers.portraits import Portraits
from streamhub.keepers.pulling import Puller, PullerParts
from streamhub.keepers.reconciler import Reconciler, ReconcilerParts
from streamhub.keepers.source_desk import SourceDesk
from streamhub.keepers.source_reading import SourceKind
from streamhub.keepers.sources import Sources, SourcesParts
from streamhub.keepers.video_sights import VideoSights
from streamhub.keepers.videos import Videos, VideosParts
from streamhub.live.platform import Signal
from streamhub.live.quota import Budget, Priority
from streamhub.live.relay import Relay
from streamhub.live.video import VideoShelf
from streamhub.platforms import Remote
from streamhub.questions.intake import ContributionSource
from streamhub.questions.picking import ChatWords
from streamhub.recording.fetcher import Fetcher
from streamhub.recording.room import RecordingRoom
from streamhub.store.spending import sum_spending
from streamhub.store.store import Store
from streamhub.text import Random
from streamhub.timecode import Now


@dataclass(frozen=True, kw_only=True, slots=True)
class OutsideSettings:
    """What the hub's settings say about the outside.

    Attributes:
        words: what marks a chat line as a question.
        read_chat: whether chats are read.
        reply: whether questions in a chat are answered with the address of the question page.
        page_url: a session's public address; empty where the public cannot reach the hub.
        site_url: the archive site's public address; empty: it has none.
        watchdog_s, part_s: see `streamhub.keepers.reconciler.ReconcilerParts`.
    """

    words: ChatWords
    read_chat: bool
    reply: bool
    page_url: Callable[[str], str]
    site_url: str
    watchdog_s: float
    part_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class OutsideParts:
    """What the outside works with.

    Attributes:
        store: the hub's data.
        room: the recording room.
        work: the engine.
        relay: passes signals on.
        remotes: platforms by the name that shows carry.
        fetchers: of recordings, by the same name, where an operator chose so.
        settings: what the hub's settings say.
        transcripts: folder of the archive.
        archive_lock: held while the archive is changed.
        inbox: folder of dropped recordings.
        portraits: folder of pictures of people; need not exist.
        secret: keys the hashes of chat authors.
        kinds: the kinds of sources that sessions may listen to, by slug.
        mail_to: the address that mails for a session go to; empty where mails are not read.
        now: the clock.
        random: the source of ids.
    """

    store: Store
    room: RecordingRoom
    work: Work
    relay: Relay
    remotes: Mapping[str, Remote]
    fetchers: Mapping[str, Fetcher]
    settings: OutsideSettings
    transcripts: Path
    archive_lock: asyncio.Lock
    inbox: Path
    portraits: Path
    secret: bytes = field(repr=False)
    kinds: Mapping[str, SourceKind] = field(default_factory=dict)
    mail_to: Callable[[str], str] = lambda session_id: ""
    now: Now
    random: Random


class Outside:
    """The keepers of everything outside. Use `keep` as a context; what it lacks before is set by then.

    Attributes:
        end: ends a session for good, as a host would.
        changed: told the id of a session whose questions or chat changed.
    """

    def __init__(self, parts: OutsideParts) -> None:
        self._parts = parts
        self.end: Callable[[str], Awaitable[None]] = _end_nothing
        self.changed: Callable[[str], None] = _tell_nobody
        settings = parts.settings
        self.reconciler = Reconciler(
            ReconcilerParts(
                store=parts.store,
                platforms={slug: remote.platform for slug, remote in parts.remotes.items()},
                relay=parts.relay,
                end=self._end_session,
                watchdog_s=settings.watchdog_s,
                part_s=settings.part_s,
                now=parts.now,
            )
        )
        self.platforms = HubPlatforms(
            store=parts.store,
            reconciler=self.reconciler,
            remotes=parts.remotes,
            relay_state=parts.relay.state,
            now=parts.now,
        )
        self.chatter = Chatter(self._chatter_parts())
        self.chat = ChatDesk(self.chatter)
        listening = SourcesParts(
            store=parts.store,
            kinds=parts.kinds,
            secret=parts.secret,
            now=parts.now,
            random=parts.random,
            changed=self._tell,
        )
        self.listener = Sources(listening)
        self.sources = SourceDesk(listening, self.listener, mail_to=parts.mail_to)
        videos = VideosParts(
            store=parts.store,
            shelf_of=self._shelf_of,
            transcripts=parts.transcripts,
            site_url=settings.site_url,
            now=parts.now,
            archive_lock=parts.archive_lock,
            portraits=Portraits(parts.portraits),
        )
        self.videos = Videos(videos)
        self.video_sights = VideoSights(self.videos, videos)
        self.inbox = Inbox(parts.inbox, parts.room, parts.work)
        self.puller = Puller(
            PullerParts(
                store=parts.store,
                fetchers=parts.fetchers,
                shelf_of=self._shelf_of,
                load_slots=self.inbox.load_slots,
                folder=parts.inbox,
                now=parts.now,
            )
        )

    @contextlib.asynccontextmanager
    async def keep(self) -> AsyncIterator[None]:
        """Let everything outside follow while the block runs."""
        async with contextlib.AsyncExitStack() as stack:
            for remote in self._parts.remotes.values():
                stack.push_async_callback(remote.close)
            stack.push_async_callback(self._parts.relay.close)
            await stack.enter_async_context(self.reconciler)
            if self._parts.remotes:
                watching = asyncio.create_task(self.videos.watch(), name="videos")
                stack.push_async_callback(_stop, watching)
                if self._parts.settings.read_chat:
                    stack.push_async_callback(self.chatter.close)
                    await self.chatter.start()
            if self._parts.kinds:
                stack.push_async_callback(self.listener.close)
                await self.listener.start()
            stack.push_async_callback(self.inbox.close)
            await self.inbox.start()
            if self._parts.fetchers:
                stack.push_async_callback(_stop, asyncio.create_task(self.puller.watch(), name="puller"))
            yield

    def wake(self, session_id: str) -> None:
        """A session changed."""
        self.reconciler.wake(session_id)

    async def direct_signal(self, session_id: str) -> Signal | None:
        """What a platform receives of a session that is streamed straight to it; None for others."""
        return await self.platforms.direct_signal(session_id)

    async def _end_session(self, session_id: str) -> None:
        await self.end(session_id)

    def _tell(self, session_id: str) -> None:
        self.changed(session_id)

    def _shelf_of(self, platform: str) -> VideoShelf | None:
        remote = self._parts.remotes.get(platform)
        return remote.shelf if remote and remote.account() else None

    def _source_of(self, platform: str) -> ContributionSource | None:
        remote = self._parts.remotes.get(platform)
        return remote.chat if remote else None

    def _chatter_parts(self) -> ChatterParts:
        parts, settings = self._parts, self._parts.settings
        # One account's budget for all chats: there is one platform with a chat. A second one needs one each.
        slug, remote = next(iter(parts.remotes.items()), ("", None))
        budget = remote.budget if remote else Budget()
        look, reply = remote.chat_costs if remote else (0, 0)

        async def left() -> int:
            day = budget.day(parts.now())
            used = await parts.store.read(lambda db: sum_spending(db, slug, day=day))
            return budget.left(used, Priority.CHAT)

        return ChatterParts(
            store=parts.store,
            source_of=self._source_of,
            words=settings.words,
            left=left,
            cost=look,
            reply_cost=reply,
            upkeep_units=remote.session_units if remote else 0,
            day_ends=budget.next_day_at,
            page_url=settings.page_url if settings.reply else None,
            secret=parts.secret,
            now=parts.now,
            random=parts.random,
            changed=self._tell,
        )


async def _end_nothing(session_id: str) -> None:
    """Nobody can end it yet."""


def _tell_nobody(session_id: str) -> None:
    """Nobody looks yet."""


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
