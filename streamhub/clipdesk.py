"""The desk for clips: what hosts and commands order, see and stop. The making is `streamhub.clipping`'s."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from streamhub.archive.archived import ArchivedSession
from streamhub.archive.clips import clip_source, clips_folder, find_clip
from streamhub.archive.folder import load_session
from streamhub.archive.masking import mask_archived
from streamhub.clipping import CLIPS, order_clips
from streamhub.engine import Engine, WorkState, WorkStatus
from streamhub.errors import NotFound
from streamhub.pipeline import Pipeline
from streamhub.recording.clip import Clip
from streamhub.store import shows as show_rows
from streamhub.store.log import log_action
from streamhub.store.store import Store
from streamhub.timecode import Now
from streamhub.web.services import ClipsView

_OPEN = frozenset({WorkState.QUEUED, WorkState.RUNNING, WorkState.HELD})


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipDesk:
    """The role `streamhub.web.services.Clips`.

    Attributes:
        store: the hub's data.
        engine: runs the orders.
        pipeline: makes the clips.
        media: folder of recordings.
        transcripts: folder of the archive.
        title: of the archive.
        now: the clock.
    """

    store: Store
    engine: Engine
    pipeline: Pipeline
    media: Path
    transcripts: Path
    title: str
    now: Now

    async def view(self, session_id: str, archived: ArchivedSession | None = None) -> ClipsView:
        """The clips of a session that are right, and what is being made."""
        if archived is None:
            session = await self.store.read(lambda db: show_rows.load_session(db, session_id))
            archived = await asyncio.to_thread(self._load, session.show_id, session_id)
        clips, offered = await asyncio.to_thread(self._find, archived) if archived else ({}, False)
        work = next((one for one in await self.engine.status(about=session_id) if _is_open(one)), None)
        done, total = self.pipeline.clip_progress.get(session_id, (0, 0))
        return ClipsView(
            offered=offered,
            clips=clips,
            state=str(work.state) if work else "",
            trouble=next((step.message for step in work.steps if str(step.state) == "held"), "") if work else "",
            done=done,
            total=total,
        )

    async def order(self, session_id: str, answer_ids: Sequence[str], *, author: str) -> str:
        """Order clips of these answers, or of all published ones; returns the order's id.

        Raises:
            NotFound: no such session or answer.
            Conflict: the answers are not cut yet, or there is no recording to cut from.
        """
        await self.pipeline.clipper.plan(session_id, answer_ids)
        at = self.now()

        def order(db: Database) -> str:
            log_action(
                db,
                at=at,
                author=author,
                action="clips.order",
                object_kind="session",
                object_id=session_id,
                details={"answers": len(answer_ids)},
            )
            return order_clips(db, session_id, answer_ids, at=at)

        return await self.store.write(order)

    async def cancel(self, session_id: str, *, author: str) -> None:
        """Stop what is being made; clips that are whole stay."""
        for work in await self.engine.status(about=session_id):
            if _is_open(work):
                await self.engine.cancel(work.workflow_id)
        at = self.now()
        await self.store.write(
            lambda db: log_action(
                db,
                at=at,
                author=author,
                action="clips.cancel",
                object_kind="session",
                object_id=session_id,
                details={},
            )
        )

    async def progress(self, session_id: str, order_id: str) -> dict[str, object]:
        """How far an order is, for a command that waits for it."""
        found = await self.engine.status(about=session_id)
        work = next((one for one in found if one.workflow_id == order_id), None)
        if work is None:
            raise NotFound(f"order {order_id}: there is none", hint="order the clips again")
        done, total = self.pipeline.clip_progress.get(session_id, (0, 0))
        held = next((step.message for step in work.steps if str(step.state) == "held"), "")
        return {
            "state": str(work.state),
            "message": held or work.message,
            "done": done,
            "total": total,
            "ended": work.state not in _OPEN or work.state is WorkState.HELD,
        }

    async def report(self, session_id: str) -> dict[str, object]:
        """The clips of a session, for a command: where they are, and how they were cut."""
        view = await self.view(session_id)
        return {
            "session": session_id,
            "folder": str(clips_folder(self.media, session_id)),
            "clips": [clip.to_json() for clip in view.clips.values()],
            "count": len(view.clips),
        }

    async def find_file(self, session_id: str, name: str) -> Path:
        """A file of a clip that is right, drafts included.

        Raises:
            NotFound: there is none of that name.
        """
        view = await self.view(session_id)
        if not any(name in clip.files for clip in view.clips.values()):
            raise NotFound(f"clip {name}: there is none in session {session_id}")
        return clips_folder(self.media, session_id) / name

    def _load(self, show_id: str, session_id: str) -> ArchivedSession | None:
        try:
            return load_session(self.transcripts, show_id, session_id)
        except NotFound:
            return None

    def _find(self, archived: ArchivedSession) -> tuple[dict[str, Clip], bool]:
        masked = mask_archived(archived)
        found = ((one.id, find_clip(self.media, masked, one, title=self.title)) for one in masked.answers)
        source = clip_source(archived)
        return {key: clip for key, clip in found if clip}, bool(source and (self.media / source.url).is_file())


def _is_open(work: WorkStatus) -> bool:
    return work.kind == CLIPS and work.state in _OPEN
