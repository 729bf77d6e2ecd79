"""One pass over one video of a session: whatever is due of its picture, state, recording, captions, playlist and text.

Owns the order of the steps, and the row that is written before each of them and after it. Refuses to know when it is
called, and brands.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlite_utils import Database

from streamhub.archive.archived import ArchivedRecording, ArchivedSession
from streamhub.archive.blurb import DescriptionPlan, plan_blurb, plan_takeout
from streamhub.archive.companion import Companion, choose_recordings, find_cut, plan_companion, plan_recording
from streamhub.archive.folder import are_recordings_ours, load_session, save_recordings
from streamhub.archive.masking import mask_archived
from streamhub.errors import Fault, NotFound, PlatformError
from streamhub.keepers.video_facts import (
    LOOK_AFTER_S,
    NOTHING,
    Facts,
    Kind,
    decode_video,
    due_at,
    encode_video,
    failed,
    is_over,
    make_mark,
    mark_captions,
    mark_description,
    mark_playlist,
    mark_recording,
    mark_thumbnail,
    plan_gone_look,
    plan_look,
    plan_plate,
    shown_in,
    was_written,
)
from streamhub.live.problem import Problem, ProblemCode, problem_of
from streamhub.live.thumbnail import draw_thumbnail
from streamhub.live.video import Video, VideoShelf, VideoState
from streamhub.ordering import order_publication
from streamhub.schedule.show import Privacy, SessionState
from streamhub.store import effects as effect_rows
from streamhub.store.broadcasts import BroadcastRow
from streamhub.store.effects import Effect
from streamhub.store.store import Store
from streamhub.timecode import Now

LOG = logging.getLogger("streamhub.keepers.videos")
_SETTLED = frozenset({VideoState.READY, VideoState.FAILED, VideoState.GONE})


@dataclass(frozen=True, kw_only=True, slots=True)
class VideosParts:
    """What the keeper works with.

    Attributes:
        store: the hub's data.
        shelf_of: the shelf of a platform, by the name that shows carry; None: it keeps no videos, or is not connected.
        transcripts: folder of the archive.
        site_url: public address of the archive's site; empty: it has none.
        now: the clock.
        portraits: pictures of people by name.
        archive_lock: held while the archive is changed; the pipeline's.
    """

    store: Store
    shelf_of: Callable[[str], VideoShelf | None]
    transcripts: Path
    site_url: str
    now: Now
    portraits: Mapping[str, bytes] = field(default_factory=dict)
    archive_lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(slots=True)
class Job:
    """One pass over one video."""

    facts: Facts
    row: BroadcastRow
    shelf: VideoShelf
    wake: list[datetime]

    @property
    def details(self) -> dict[str, str]:
        """What problems are filled with."""
        return {"platform": self.shelf.name, "command": self.row.platform}

    def effect(self, kind: Kind, name: str = "") -> Effect | None:
        """What is known of one thing."""
        return self.facts.effect(self.row, kind, name)

    def blank(self, kind: Kind, name: str, at: datetime) -> Effect:
        """What is known of it, or nothing yet."""
        row = self.row
        return self.effect(kind, name) or Effect(
            session_id=row.session_id, platform=row.platform, part=row.part, kind=kind.value, name=name, at=at
        )


class Keeping:
    """Keeps what stands beside one video at a time."""

    def __init__(self, parts: VideosParts) -> None:
        self._parts = parts

    async def keep(self, job: Job) -> None:
        """Do what is due; what fails is kept with the time of its next try."""
        try:
            if job.facts.session.state is not SessionState.CANCELLED:
                await self._keep_thumbnail(job)
            if not is_over(job.row, job.facts.session):
                return
            video = await self._find_video(job)
            if video is not None and video.state is VideoState.GONE:
                await self._drop_recording(job, video)
                return
            await self._keep_playlist(job)
            if video is None or video.state is not VideoState.READY:
                return
            archived = await asyncio.to_thread(self.load_archived, job.facts)
            if archived is None:
                return
            archived = await self._keep_recording(job, archived, video)
            companion = self.companion(job, archived, video)
            await self._keep_captions(job, companion)
            await self._keep_description(job, companion)
        except _Silent:
            return

    async def _keep_thumbnail(self, job: Job) -> None:
        plate = plan_plate(job.facts.session, self._parts.portraits)

        async def put() -> str:
            image = await asyncio.to_thread(draw_thumbnail, plate)
            await job.shelf.save_thumbnail(job.row.ref, image)
            return ""

        await self._apply(job, Kind.THUMBNAIL, "", mark_thumbnail(job.row, plate), put)

    async def _keep_playlist(self, job: Job) -> None:
        show = job.facts.show

        async def put() -> str:
            return await job.shelf.add_to_playlist(job.row.ref, show_id=show.id, title=show.title)

        await self._apply(job, Kind.PLAYLIST, "", mark_playlist(job.row, show), put)

    async def _keep_captions(self, job: Job, companion: Companion) -> None:
        for language in {**companion.captions, **dict.fromkeys(job.facts.named(job.row, Kind.CAPTIONS))}:
            text = companion.captions.get(language)
            known = job.effect(Kind.CAPTIONS, language)
            ours = known is not None and was_written(known) and known.ref != NOTHING
            if text is None and not ours:
                continue

            async def put(language: str = language, text: str | None = text, ours: bool = ours) -> str:
                if text is None:
                    await job.shelf.remove_captions(job.row.ref, language)
                    return ""
                return await job.shelf.save_captions(job.row.ref, language, text, ours=ours)

            wanted = NOTHING if text is None else mark_captions(job.row, text, companion.shown)
            await self._apply(job, Kind.CAPTIONS, language, wanted, put, shown=frozenset(companion.shown))

    async def _keep_description(self, job: Job, companion: Companion) -> None:
        """Follow the archive if a host said so; else only take out what is not to be shown any more."""
        effect, shown = job.effect(Kind.DESCRIPTION), frozenset(companion.shown)
        blurb = companion.blurb
        there = shown_in(effect)
        if job.facts.approved:
            if not (blurb.link or blurb.chapters or was_written(effect)):
                return
            wanted = mark_description(job.row, blurb, shown)
        elif there <= shown:
            return
        else:
            wanted = make_mark(NOTHING, there & shown)
        plan: list[DescriptionPlan] = []

        async def put() -> str:
            video = await job.shelf.look(job.row.ref)
            await self.see(job, video)
            if video.state is VideoState.GONE:
                raise _Silent
            if job.facts.approved:
                plan.append(plan_blurb(video.description, blurb, job.details))
            else:
                plan.append(DescriptionPlan(change=plan_takeout(video.description, blurb)))
            change = plan[0].change
            if change.changes:
                await job.shelf.save_description(job.row.ref, change.after)
                await self.see(job, replace(video, description=change.after))
            return ""

        done = await self._apply(job, Kind.DESCRIPTION, "", wanted, put, shown=shown)
        if done is not None and plan and plan[0].problem is not None:
            await self._save(replace(done, problem=plan[0].problem))

    # --- the video itself

    async def _find_video(self, job: Job) -> Video | None:
        """The video as it is known; looked at until it is processed, or the time for that is over."""
        effect = job.effect(Kind.VIDEO)
        kept = decode_video(job.row, effect)
        now = self._parts.now()
        if kept is not None and kept.state in _SETTLED:
            again = effect.problem.retry_at if effect and effect.problem and kept.state is VideoState.GONE else None
            if again is None or now < again:
                job.wake += [again] if again else []
                return kept
        ended_at = job.row.ended_at or job.facts.session.ended_at or now
        due = ended_at + timedelta(seconds=LOOK_AFTER_S)
        if effect is not None:
            due = effect.problem.retry_at if effect.problem and effect.problem.retry_at else now
        if now < due:
            job.wake.append(due)
            return kept
        blank = job.blank(Kind.VIDEO, "", now)
        try:
            return await self.see(job, await job.shelf.look(job.row.ref))
        except PlatformError as error:
            problem = await self._save(failed(blank, error, now))
            job.wake.append(problem.problem.retry_at if problem.problem and problem.problem.retry_at else now)
            return kept

    async def see(self, job: Job, video: Video) -> Video:
        """Keep what was seen of a video, with what is wrong with it; a problem that is told stays told."""
        now = self._parts.now()
        blank = job.blank(Kind.VIDEO, "", now)
        before = decode_video(job.row, blank)
        if (before.state if before else None) is not video.state and video.state is VideoState.GONE:
            blank = replace(blank, tries=0)  # it is counted how often in a row it was not found
        ended_at = job.row.ended_at or job.facts.session.ended_at or now
        problem: Problem | None = None
        if video.state is VideoState.READY:
            problem = find_cut(video, job.details)
        elif video.state is VideoState.GONE:
            again = plan_gone_look(blank.tries + 1, now)
            job.wake += [again] if again else []
            problem = Problem(code=ProblemCode.BROADCAST_GONE, details=job.details, retry_at=again)
        elif video.state is VideoState.FAILED:
            problem = Problem(code=ProblemCode.PROCESSING_FAILED, details={**job.details, "reason": video.reason})
        else:
            again = plan_look(ended_at, blank.tries, now)
            problem = Problem(code=ProblemCode.VIDEO_NOT_READY, details=job.details, retry_at=again)
            if again is None:
                video = replace(video, state=VideoState.FAILED, reason="48 h")
                problem = Problem(code=ProblemCode.PROCESSING_FAILED, details={**job.details, "reason": video.reason})
            else:
                job.wake.append(again)
        tries = 0 if video.state in {VideoState.READY, VideoState.FAILED} else blank.tries + 1
        effect = replace(blank, applied=encode_video(video), ref=video.ref, problem=problem, tries=tries, at=now)
        await self._save(effect)
        return decode_video(job.row, effect) or video

    def companion(self, job: Job, archived: ArchivedSession, video: Video) -> Companion:
        """What should stand beside a video as the archive is now."""
        planned = self._recording(job, video)
        # The archive's word counts: a person may have corrected the clock of a video that was cut.
        recording = next((one for one in archived.recordings if one.url == planned.url), planned)
        return plan_companion(mask_archived(archived), recording, site_url=self._parts.site_url)

    def _recording(self, job: Job, video: Video) -> ArchivedRecording:
        started_at = job.facts.session.started_at
        assert started_at is not None  # `is_over` has looked
        known = replace(video, started_at=video.started_at or started_at)
        return plan_recording(known, platform=job.row.platform, label=job.shelf.name, session_started_at=started_at)

    async def _keep_recording(self, job: Job, archived: ArchivedSession, video: Video) -> ArchivedSession:
        """Make the video a recording of the archived session, unless a person corrected it or took it out.

        What the platform shows to nobody is not linked to.
        """
        if job.facts.show.privacy is Privacy.PRIVATE:
            return archived
        wanted = self._recording(job, video)
        there = next((one for one in archived.recordings if one.url == wanted.url), None)
        mark, effect = mark_recording(wanted), job.effect(Kind.RECORDING)
        known = {effect.applied, effect.pending} - {""} if effect else set()
        if there == wanted or (there is not None and mark_recording(there) not in known):
            return archived
        root = self._parts.transcripts

        def change(fresh: ArchivedSession) -> tuple[ArchivedRecording, ...]:
            if there is None and known and not are_recordings_ours(root, fresh):
                return fresh.recordings  # a person took it out
            return choose_recordings(fresh.recordings, wanted)

        return await self._change_recordings(job, archived, mark, change)

    async def _drop_recording(self, job: Job, video: Video) -> None:
        """Take the video out of the archive when it was not found twice, unless a person changed its entry."""
        known, effect = job.effect(Kind.VIDEO), job.effect(Kind.RECORDING)
        archived = await asyncio.to_thread(self.load_archived, job.facts)
        if archived is None or known is None or known.tries < 2 or effect is None or not effect.applied:
            return

        def change(fresh: ArchivedSession) -> tuple[ArchivedRecording, ...]:
            return tuple(
                one for one in fresh.recordings if one.url != video.watch_url or mark_recording(one) != effect.applied
            )

        await self._change_recordings(job, archived, "", change)

    async def _change_recordings(
        self,
        job: Job,
        archived: ArchivedSession,
        mark: str,
        change: Callable[[ArchivedSession], tuple[ArchivedRecording, ...]],
    ) -> ArchivedSession:
        """Change the recordings in the archive as they are by then, and order the site to follow."""
        now = self._parts.now()
        root = self._parts.transcripts

        def run() -> ArchivedSession:
            fresh = load_session(root, archived.show_id, archived.id)
            recordings = change(fresh)
            if recordings != fresh.recordings:
                save_recordings(root, fresh, recordings)
            return replace(fresh, recordings=recordings)

        pending = replace(job.blank(Kind.RECORDING, "", now), pending=mark, at=now)
        await self._save(pending)
        async with self._parts.archive_lock:
            changed = await asyncio.to_thread(run)

        def done(db: Database) -> None:
            effect_rows.save_effect(db, replace(pending, applied=mark, pending="", at=now))
            if changed.recordings != archived.recordings:
                order_publication(db, archived.id, [], at=now)

        await self._parts.store.write(done)
        return changed

    # --- effects

    async def _apply(
        self,
        job: Job,
        kind: Kind,
        name: str,
        wanted: str,
        put: Callable[[], Awaitable[str]],
        *,
        shown: frozenset[str] = frozenset(),
    ) -> Effect | None:
        """Do what is wanted if it is due; returns the row when it was done just now.

        Raises:
            _Silent: the platform does not answer at all, so nothing else is tried in this pass.
        """
        now = self._parts.now()
        due = due_at(job.effect(kind, name), wanted, shown=shown, now=now)
        if due is None or due > now:
            job.wake += [due] if due else []
            return None
        pending = await self._save(replace(job.blank(kind, name, now), pending=wanted, at=now))
        try:
            ref = await put()
        except PlatformError as error:
            LOG.warning(
                "video_%s_failed session=%s part=%s %s error=%s", kind, job.row.session_id, job.row.part, name, error
            )
            after = failed(pending, error, self._parts.now())
            if error.code == ProblemCode.CAPTIONS_TAKEN:
                after = replace(after, ref=NOTHING)  # what stands there is not ours, whatever fails later
            after = await self._save(after)
            retry_at = after.problem.retry_at if after.problem else None
            job.wake += [retry_at] if retry_at else []
            if error.fault is Fault.NOT_FOUND:
                await self._look_whether_gone(job)
            if error.fault in {Fault.UNREACHABLE, Fault.AUTH}:
                raise _Silent from error
            return None
        LOG.info("video_%s_written session=%s part=%s %s", kind, job.row.session_id, job.row.part, name)
        return await self._save(
            replace(pending, applied=wanted, ref=ref, pending="", problem=None, tries=0, at=self._parts.now())
        )

    async def _look_whether_gone(self, job: Job) -> None:
        """What is not found may be a video that somebody deleted."""
        try:
            video = await job.shelf.look(job.row.ref)
        except PlatformError as error:
            LOG.info("video_look_failed session=%s problem=%s", job.row.session_id, problem_of(error).code)
            return
        if video.state is VideoState.GONE:
            await self.see(job, video)
            raise _Silent

    async def _save(self, effect: Effect) -> Effect:
        return await self._parts.store.write(lambda db: effect_rows.save_effect(db, effect))

    # --- what is there

    def load_archived(self, facts: Facts) -> ArchivedSession | None:
        """The session as it stands in the archive; None: not yet."""
        try:
            return load_session(self._parts.transcripts, facts.show.id, facts.session.id)
        except NotFound:
            return None


class _Silent(Exception):
    """There is no use in going on with this video in this pass."""
