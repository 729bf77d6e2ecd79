"""Clips of answers: made when somebody asks for them, or ahead; kept right, and taken away with their answers.

Owns the folder ``media/<session>/clips/``: what lies in it, what goes, and in which order, so that a crash at any
moment leaves either a whole clip or none. Refuses to know how media is cut and how pages look.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlite_utils import Database

from streamhub.answers.answer import Answer, AnswerState
from streamhub.archive.archived import ArchivedSession
from streamhub.archive.clips import (
    clip_captions,
    clip_source,
    clip_spans,
    clips_folder,
    find_clip,
    list_unclipped,
    load_note,
    plan_key,
)
from streamhub.archive.folder import load_session, write_atomically
from streamhub.archive.masking import MaskedSession, mask_archived
from streamhub.engine import Context, Json
from streamhub.errors import BadMedia, Conflict, NoConsent, NotFound
from streamhub.recording.clip import Clip, CutMethod, file_stem, note_name
from streamhub.recording.clipping import ClipOrder, ClipTools, CutClip, cut_clip
from streamhub.recording.recording import MediaInfo
from streamhub.recording.room import publish_file, require_space
from streamhub.share_picture import ShareCard, draw_share_picture
from streamhub.store import recordings as recording_rows
from streamhub.store import shows as show_rows
from streamhub.store.store import Store
from streamhub.store.work import put_outbox
from streamhub.transcript.vtt import format_vtt

CLIPS = "clips"
"""Kind of the workflow."""

_WORK = ".work-"
_ALIVE = frozenset({AnswerState.DRAFT, AnswerState.PUBLISHED})
_TRIES = 3

Advance = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Clipper:
    """Makes clips and keeps their folder.

    Attributes:
        store: the hub's data.
        tools: cut media.
        media: folder of recordings.
        transcripts: folder of the archive.
        archive_lock: held while the archive's files are read for a decision.
        title: of the archive, on pictures.
        ahead: whether every published answer gets a clip by itself.
    """

    store: Store
    tools: ClipTools
    media: Path
    transcripts: Path
    archive_lock: asyncio.Lock
    title: str
    ahead: bool
    cutting: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def plan(self, session_id: str, ids: Sequence[str]) -> Json:
        """The answers of an order that need a clip: those named, else all published ones.

        Raises:
            NotFound: one that is named is not in the archive.
            Conflict: the answers are not cut yet.
        """
        named = await self._load_named(session_id)
        known = {answer.id: answer for answer in named.answers}
        if missing := [one for one in ids if one not in known]:
            raise NotFound(f"answer {missing[0]}: there is no such answer in session {session_id}")
        for one in ids:
            require_clippable(named, known[one])
        archived = mask_archived(named)
        chosen = [one for one in archived.answers if one.id in ids] if ids else _published(archived)
        found = await asyncio.to_thread(lambda: [one.id for one in chosen if self._lacks(archived, one)])
        return {"answers": found}

    async def make(self, session_id: str, answer_id: str, advance: Advance = lambda done, total: None) -> Json:
        """Make the clip of one answer; one that is right already is left alone, one of an answer that is gone goes.

        Raises:
            NotFound: no such session or answer.
            BadMedia: there is nothing to cut, or the result is not whole.
            ToolFailed, ToolMissing, DiskFull: it could not be made.
        """
        async with self.cutting:
            for _ in range(_TRIES):
                archived = await self._load(session_id)
                answer = next((one for one in archived.answers if one.id == answer_id), None)
                if answer is None or answer.state not in _ALIVE or list_unclipped(archived, answer):
                    await self.sweep(session_id)
                    return {"made": ""}
                if await self._is_whole(archived, answer):
                    return {"made": "there"}
                if clip := await self._make(archived, answer, advance):
                    await self.sweep(session_id)
                    return {"made": str(clip.method), "public": answer.state is AnswerState.PUBLISHED}
        raise Conflict(
            f"answer {answer_id}: was changed again and again while its clip was made", hint="try again in a while"
        )

    async def follow(self, session_id: str, order_id: str, *, at: datetime) -> Json:
        """Have clips follow the archive: what is out of date or gone goes, what was there and is public is made anew.

        The order comes first, so that a crash in between forgets no clip.
        """
        try:
            archived = await self._load(session_id)
        except Conflict:  # not cut yet
            return {"ordered": 0, "swept": 0}
        wanted = await asyncio.to_thread(self._wanted, archived)
        if wanted:
            await self.store.write(lambda db: order_clips(db, session_id, wanted, at=at, order_id=order_id))
        return {"ordered": len(wanted), "swept": await self.sweep(session_id)}

    async def sweep(self, session_id: str) -> int:
        """Delete every file that belongs to no clip that is right; returns how many."""
        async with self.archive_lock:
            archived = await asyncio.to_thread(self._read, await self._show_of(session_id), session_id)
            return await asyncio.to_thread(self._sweep, session_id, archived)

    # --- making

    async def _make(self, archived: MaskedSession, answer: Answer, advance: Advance) -> Clip | None:
        """Make a clip beside the old one and put it into its place; None when the answer was changed meanwhile."""
        folder = clips_folder(self.media, archived.id)
        work = folder / f"{_WORK}{answer.id}"
        key = plan_key(archived, answer, title=self.title)
        try:
            await asyncio.to_thread(_renew, work)
            made, recording = await self._cut(archived, answer, work, advance)
            card = _plan_card(self.title, archived, answer)
            picture = await asyncio.to_thread(draw_share_picture, card)
            share = work / "share.jpg"
            await asyncio.to_thread(share.write_bytes, picture)
            stem = file_stem(answer.id, key)
            names = {
                "video": (made.video if made else None, f"{stem}.mp4"),
                "audio": (made.audio if made else None, f"{stem}.m4a"),
                "captions": (made.captions if made else None, f"{stem}.vtt"),
                "poster": (made.poster if made else None, f"{stem}.jpg"),
                "share": (share, f"{stem}-share.jpg"),
            }
            clip = Clip(
                answer_id=answer.id,
                key=key,
                recording=recording if made else "",
                method=made.method if made else CutMethod.NONE,
                reason=made.reason if made else "",
                duration_ms=made.duration_ms if made else 0,
                copied_frames=made.copied_frames if made else 0,
                encoded_frames=made.encoded_frames if made else 0,
                **{kind: name if path else "" for kind, (path, name) in names.items()},
            )
            async with self.archive_lock:  # whoever withdraws it from here on finds the note, and sweeps
                now = await asyncio.to_thread(self._read, archived.show_id, archived.id)
                same = next((one for one in now.answers if one.id == answer.id), None) if now else None
                if now is None or same is None or same.state not in _ALIVE or list_unclipped(now, same):
                    return None
                if plan_key(now, same, title=self.title) != key:
                    return None
                await asyncio.to_thread(_place, folder, clip, [pair for pair in names.values() if pair[0]])
            return clip
        finally:
            await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)

    async def _cut(
        self, archived: MaskedSession, answer: Answer, work: Path, advance: Advance
    ) -> tuple[CutClip | None, str]:
        """Cut picture and sound; nothing for an answer that is not in the recording."""
        source, spans = clip_source(archived), clip_spans(archived, answer)
        if source is None or not spans:
            return None, ""
        media = self.media / source.url
        info, sha256 = await self._look(archived.id, source.url)
        share = sum(span.duration_ms for span in spans) / max(1, info.duration_ms)
        needed = int(info.size_bytes * share * 4) + 20_000_000  # parts, the film, and room for what is encoded anew
        await asyncio.to_thread(require_space, work, needed, what=f"clip of answer {answer.id}")
        captions = clip_captions(archived, answer)
        order = ClipOrder(
            media=media,
            info=info,
            spans=spans,
            captions=format_vtt(captions) if captions else "",
            title=answer.question,
            language=answer.language,
            folder=work,
        )
        return await cut_clip(self.tools, order, progress=lambda done: advance(round(done * 100), 100)), sha256

    async def _look(self, session_id: str, url: str) -> tuple[MediaInfo, str]:
        """What is in a recording, and its hash: as they were noted, or found again where the archive names another."""
        known = await self.store.read(lambda db: recording_rows.find_recording(db, session_id))
        if known is not None and known.path == url:
            return known.info, known.sha256
        path = self.media / url
        if not await asyncio.to_thread(path.is_file):
            raise BadMedia(f"session {session_id}: its recording {url} is not there", hint="put it back, or import it")
        info = await asyncio.to_thread(self.tools.scanner.scan, path)
        return info, await asyncio.to_thread(_digest, path)

    async def _is_whole(self, archived: MaskedSession, answer: Answer) -> bool:
        clip = await asyncio.to_thread(find_clip, self.media, archived, answer, title=self.title)
        if clip is None or not clip.recording:
            return clip is not None
        known = await self.store.read(lambda db: recording_rows.find_recording(db, archived.id))
        return known is None or known.sha256 == clip.recording

    # --- keeping

    def _lacks(self, archived: MaskedSession, answer: Answer) -> bool:
        if answer.state not in _ALIVE or list_unclipped(archived, answer):
            return False
        return find_clip(self.media, archived, answer, title=self.title) is None

    def _wanted(self, archived: MaskedSession) -> list[str]:
        """Public answers without a clip that is right: those that had one, or all."""
        folder = clips_folder(self.media, archived.id)
        return [
            answer.id
            for answer in _published(archived)
            if self._lacks(archived, answer) and (self.ahead or load_note(folder, answer.id) is not None)
        ]

    def _sweep(self, session_id: str, archived: MaskedSession | None) -> int:
        folder = clips_folder(self.media, session_id)
        if not folder.is_dir():
            return 0
        kept: set[str] = set()
        for answer in archived.answers if archived else ():
            clip = find_clip(self.media, archived, answer, title=self.title) if archived else None
            if clip is not None and answer.state in _ALIVE:
                kept |= {note_name(answer.id), *clip.files}
        gone = [path for path in folder.iterdir() if path.name not in kept and not path.name.startswith(_WORK)]
        for path in sorted(gone, key=lambda path: path.suffix != ".json"):  # notes first: no note, no clip
            path.unlink(missing_ok=True)
        return len(gone)

    async def _load(self, session_id: str) -> MaskedSession:
        return mask_archived(await self._load_named(session_id))

    async def _load_named(self, session_id: str) -> ArchivedSession:
        """The session with all names, to tell hosts whom they have to ask."""
        show_id = await self._show_of(session_id)
        async with self.archive_lock:
            archived = await asyncio.to_thread(self._read_named, show_id, session_id)
        if archived is None:
            raise Conflict(f"session {session_id}: its answers are not cut yet", hint="come back when it is in review")
        return archived

    async def _show_of(self, session_id: str) -> str:
        return (await self.store.read(lambda db: show_rows.load_session(db, session_id))).show_id

    def _read(self, show_id: str, session_id: str) -> MaskedSession | None:
        named = self._read_named(show_id, session_id)
        return mask_archived(named) if named else None

    def _read_named(self, show_id: str, session_id: str) -> ArchivedSession | None:
        try:
            return load_session(self.transcripts, show_id, session_id)
        except NotFound:
            return None


async def run_clips(
    ctx: Context,
    clipper: Clipper,
    session_id: str,
    ids: Sequence[str],
    *,
    build: Callable[[], Awaitable[Json]],
    advance: Callable[[int, int], None],
) -> Json:
    """The workflow of an order: each clip a step of its own, then the site, where one of them is public."""
    plan = await ctx.step("plan", lambda: clipper.plan(session_id, ids))
    wanted: list[str] = plan["answers"] if plan else []
    made, public = 0, False
    for number, answer_id in enumerate(wanted):

        def show(done: int, total: int, number: int = number) -> None:
            advance(100 * number + 100 * done // max(1, total), 100 * len(wanted))

        show(0, 1)
        result = await ctx.step(f"clip {answer_id}", partial(clipper.make, session_id, answer_id, show))
        made += bool(result and result["made"])
        public = public or bool(result and result.get("public"))
    if public:
        await ctx.step("site", build)
    return {"clips": made}


def order_clips(db: Database, session_id: str, ids: Sequence[str], *, at: datetime, order_id: str = "") -> str:
    """Order clips of these answers, or of all published ones; returns the order's id, which is also its workflow's."""
    key = f"{session_id}:{order_id or f'{at:%Y%m%dT%H%M%S%f}'}"
    put_outbox(db, CLIPS, key, [session_id, list(ids)], at=at)
    return f"{CLIPS}:{key}"


def require_clippable(archived: ArchivedSession, answer: Answer) -> None:
    """Insist that everybody who is to be heard in an answer agrees to a clip.

    Raises:
        NoConsent: somebody does not.
    """
    if names := list_unclipped(archived, answer):
        raise NoConsent(
            f"answer {answer.id}: {', '.join(names)} did not agree to clips",
            hint="ask; it is said behind the personal link",
            names=names,
        )


def _plan_card(title: str, archived: MaskedSession, answer: Answer) -> ShareCard:
    """What the picture to share says; nobody on it who does not want to be named."""
    people = answer.answerers or tuple(name for name in (answer.writer,) if name)
    return ShareCard(archive_title=title, show_title=archived.show_title, question=answer.question, people=people)


def _published(archived: MaskedSession) -> list[Answer]:
    return [answer for answer in archived.answers if answer.state is AnswerState.PUBLISHED]


def _renew(folder: Path) -> None:
    """An empty folder, whatever a crash left in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)


def _place(folder: Path, clip: Clip, files: Sequence[tuple[Path | None, str]]) -> None:
    """Give the files their names, and note the clip last of all."""
    for path, name in files:
        if path is not None:
            publish_file(path, folder / name)
    content = json.dumps(clip.to_json(), ensure_ascii=False, indent=1)
    write_atomically(folder / note_name(clip.answer_id), content.encode("utf-8"))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
