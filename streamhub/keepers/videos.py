"""The keeper of videos: what stands beside a session's videos on platforms follows the session and the archive.

It is told nothing and looks at everything: the session's row, the broadcasts' rows and the archive say what is wanted,
the rows of effects what is there. So it may be called at any time and after any crash; what is so already costs no
request. Every write is preceded by a row that says that it is under way, and what was left open is looked at before it
is done again, by the shelf. Refuses to know brands: a shelf is a role.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlite_utils import Database

from streamhub.archive.blurb import DescriptionPlan, plan_blurb
from streamhub.archive.companion import Companion
from streamhub.archive.format import session_folder
from streamhub.errors import Conflict, StreamhubError
from streamhub.keepers.video_facts import AGAIN, Facts, Kind, decode_video, load_facts
from streamhub.keepers.video_keeping import Job, Keeping, VideosParts
from streamhub.live.platform import Phase
from streamhub.live.video import Video, VideoState
from streamhub.store import effects as effect_rows
from streamhub.store.broadcasts import BroadcastRow, list_broadcasts
from streamhub.store.effects import Effect

LOG = logging.getLogger("streamhub.keepers.videos")
_PAUSE_S = 10.0
_BROKEN_S = 60.0
_MOST_PAUSE_S = 3_600.0

__all__ = ["Preview", "Videos", "VideosParts"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """What would be written below one video.

    Attributes:
        row: the broadcast.
        video: as it was seen last.
        plan: the change and its problem.
        companion: what should stand beside it.
    """

    row: BroadcastRow
    video: Video
    plan: DescriptionPlan
    companion: Companion


@dataclass(slots=True)
class _Desk:
    """What is remembered of a session between two passes; all of it may be lost."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    seen: object = None
    wake_at: datetime | None = None
    breaks: int = 0


class Videos:
    """Keeps what stands beside videos."""

    def __init__(self, parts: VideosParts) -> None:
        self._parts = parts
        self._keeping = Keeping(parts)
        self._desks: defaultdict[str, _Desk] = defaultdict(_Desk)

    async def watch(self, pause_s: float = _PAUSE_S) -> None:
        """Look after every session again and again; ends by being cancelled."""
        while True:
            await self.sync_all()
            await asyncio.sleep(pause_s)

    async def sync_all(self) -> None:
        """Look after every session that is on a platform; one that fails holds up no other."""
        rows = await self._parts.store.read(list_broadcasts)
        for session_id in dict.fromkeys(row.session_id for row in rows if row.ref):
            try:
                await self.sync(session_id)
            except StreamhubError as error:
                LOG.warning("video_sync_failed session=%s error=%s", session_id, error)
            except Exception:
                LOG.exception("video_sync_broke session=%s", session_id)

    async def sync(self, session_id: str) -> None:
        """Bring what stands beside a session's videos to what it should be; without work it asks nobody.

        Raises:
            NotFound: there is no such session.
            BadArchive: its files cannot be read.
        """
        desk = self._desks[session_id]
        async with desk.lock:
            facts = await self._load(session_id)
            seen = (facts.fingerprint, await asyncio.to_thread(self._stat, facts))
            now = self._parts.now()
            if seen == desk.seen and (desk.wake_at is None or now < desk.wake_at):
                return
            # What breaks off is not begun again with every round: not before a while, or before something changes.
            pause_s = min(_MOST_PAUSE_S, _BROKEN_S * 2.0 ** min(desk.breaks, 10))
            desk.seen, desk.wake_at = seen, now + timedelta(seconds=pause_s)
            desk.breaks += 1
            wake = await self._keep_all(facts)
            desk.wake_at, desk.breaks = min(wake, default=None), 0

    async def _keep_all(self, facts: Facts) -> list[datetime]:
        """Look after each video of a session; returns when to look again."""
        wake: list[datetime] = []
        for row in facts.rows:
            shelf = self._parts.shelf_of(row.platform)
            if shelf is None:
                wake.append(self._parts.now())  # it may be connected any time
            elif row.ref and row.phase is not Phase.LOST:
                fresh = await self._load(facts.session.id)
                await self._keeping.keep(Job(facts=fresh, row=row, shelf=shelf, wake=wake))
        return wake

    async def preview(self, session_id: str) -> tuple[Preview, ...]:
        """Look at a session's videos and say what would be written below each, approved or not.

        Raises:
            Conflict: there is no video yet that could be written to.
            PlatformError: a platform does not answer.
        """
        async with self._desks[session_id].lock:
            facts = await self._load(session_id)
            for row in facts.rows:
                shelf = self._parts.shelf_of(row.platform)
                kept = decode_video(row, facts.effect(row, Kind.VIDEO))
                if shelf is not None and kept is not None and kept.state is VideoState.READY:
                    await self._keeping.see(Job(facts=facts, row=row, shelf=shelf, wake=[]), await shelf.look(row.ref))
        previews = await self.plan_previews(session_id)
        if not previews:
            raise _without_videos(session_id)
        return previews

    async def plan_previews(self, session_id: str) -> tuple[Preview, ...]:
        """The same by what was seen last; asks no platform.

        Raises:
            NotFound: there is no such session.
        """
        facts = await self._load(session_id)
        archived = await asyncio.to_thread(self._keeping.load_archived, facts)
        previews = []
        for row in facts.rows:
            shelf = self._parts.shelf_of(row.platform)
            video = decode_video(row, facts.effect(row, Kind.VIDEO))
            if shelf is None or archived is None or video is None or video.state is not VideoState.READY:
                continue
            job = Job(facts=facts, row=row, shelf=shelf, wake=[])
            companion = self._keeping.companion(job, archived, video)
            plan = plan_blurb(video.description, companion.blurb, job.details)
            previews.append(Preview(row=row, video=video, plan=plan, companion=companion))
        return tuple(previews)

    async def approve(self, session_id: str, *, author: str) -> None:
        """Let the descriptions follow the archive from now on; asked again, what could not be written is tried again.

        Raises:
            Conflict: the session has no videos.
        """
        await self._wish(session_id, "", lambda db: self._approve(db, session_id, author))

    async def decline(self, session_id: str, *, author: str) -> None:
        """Leave the descriptions alone from now on; withdrawn answers are still taken out of them.

        Raises:
            Conflict: the session has no videos.
        """
        LOG.info("video_descriptions_declined session=%s author=%s", session_id, author)
        await self._wish(session_id, "leave", lambda db: effect_rows.disapprove(db, session_id))

    async def _wish(self, session_id: str, wish: str, say: Callable[[Database], None]) -> None:
        facts = await self._load(session_id)
        if not facts.rows:
            raise _without_videos(session_id)
        row, at = facts.rows[0], self._parts.now()

        def run(db: Database) -> None:
            say(db)
            effect = Effect(
                session_id=session_id, platform=row.platform, part=row.part, kind=Kind.WISH.value, applied=wish, at=at
            )
            effect_rows.save_effect(db, effect)

        await self._parts.store.write(run)
        self._desks[session_id].seen = None

    def _approve(self, db: Database, session_id: str, author: str) -> None:
        effect_rows.approve(db, session_id, at=self._parts.now(), author=author)
        for effect in load_facts(db, session_id).effects.values():
            if effect.kind == Kind.DESCRIPTION and effect.problem is not None and effect.applied:
                again = " ".join((AGAIN, *effect.applied.split()[1:]))
                effect_rows.save_effect(db, replace(effect, applied=again, problem=None))

    # --- what is there

    async def _load(self, session_id: str) -> Facts:
        return await self._parts.store.read(lambda db: load_facts(db, session_id))

    def _stat(self, facts: Facts) -> object:
        """Changes when a file of the archived session does."""
        folder = self._parts.transcripts / session_folder(facts.show.id, facts.session.id)
        try:
            found = [(path.name, path.stat()) for path in sorted(folder.glob("**/*"))]
        except OSError:
            return None
        return [(name, state.st_mtime_ns, state.st_size) for name, state in found]


def _without_videos(session_id: str) -> Conflict:
    return Conflict(f"session {session_id}: has no video on a platform yet", hint="wait until it was processed there")
