"""The workflow of recording: from segments, or from a foreign file, to one verified recording with its clock map.

Every step may be done again: what is finished is found and left alone. Segments are kept until somebody discards them.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import weakref
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from streamhub.errors import BadMedia, Conflict, TimedOut, ToolFailed
from streamhub.recording.clip import FOLDER
from streamhub.recording.listening import listen
from streamhub.recording.media import AudioPlan, JoinPart, Progress
from streamhub.recording.recorder import recover_segments
from streamhub.recording.recording import ClockMap, MediaInfo, Recording, Segment, plan_clock
from streamhub.recording.room import (
    TRACKS_FILE,
    RecordingRoom,
    discard_media,
    drop_clips,
    publish_file,
    require_space,
)
from streamhub.recording.rules import (
    check_result,
    cut_head,
    describe_shape,
    is_alike,
    media_ms,
    plan_head_cut,
    plan_import,
    plan_lost_ms,
)
from streamhub.schedule.show import Session
from streamhub.store.recordings import find_recording, list_segments, save_recording
from streamhub.store.shows import load_session
from streamhub.timecode import ms_between

_LOG = logging.getLogger(__name__)

Report = Callable[[str], None]
"""Told, in one sentence, what could not be used or was left out."""

_locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Piece:
    """A usable segment, already without what came before going live."""

    segment: Segment
    part: JoinPart
    info: MediaInfo


async def finish_recording(
    room: RecordingRoom,
    session_id: str,
    *,
    progress: Progress = lambda done: None,
    report: Report = lambda message: None,
) -> Recording:
    """Join a session's segments into one verified MP4 and keep it with its clock map.

    The session should have ended, and the studio should have closed it. A second call returns the same recording and
    does no work. What was said before going live is left out, to the key frame before it.

    Args:
        room: the recording room.
        session_id: the session.
        progress: told how much is joined, 0 to 1.
        report: told about segments that could not be used or were left out; each is logged too.

    Raises:
        NotFound: there is no such session.
        BadMedia: nothing usable was recorded, or the result does not hold what went in.
        DiskFull: too little space to join.
        ToolFailed, ToolMissing: the media tool failed.
    """
    async with _lock_of(session_id):
        if (done := await _find_whole(room, session_id)) is not None:
            return done
        await recover_segments(room, session_id)
        session = await room.store.read(lambda db: load_session(db, session_id))
        segments = await room.store.read(lambda db: list_segments(db, session_id))
        say = _reporter(session_id, report)
        pieces = await _choose_pieces(room, segments, live_at=session.started_at, say=say)
        if not pieces:
            raise BadMedia(
                f"session {session_id}: nothing usable was recorded in {len(segments)} segment(s)",
                hint="import a recording that the encoder or another program made",
            )
        return await _join(room, session, pieces, progress=progress, say=say)


async def import_media(
    room: RecordingRoom,
    path: Path,
    session_id: str,
    *,
    progress: Progress = lambda done: None,
    needs_sound: bool = True,
    started_at: datetime | None = None,
) -> Recording:
    """Make any media file the recording of a session, in place of an earlier one; the file itself stays as it is.

    The picture is copied, the sound copied where a browser plays it, else made AAC.

    Args:
        room: the recording room.
        path: the file.
        session_id: the session.
        progress: told how much is done, 0 to 1.
        needs_sound: whether a silent film is refused.
        started_at: the instant of the file's first frame, UTC; None: session time is media time.

    Raises:
        NotFound: there is no such session.
        BadMedia: no media, no sound, nothing of the session in it, or the result does not hold what went in.
        DiskFull: too little space.
        ToolFailed, ToolMissing: the media tool failed.
    """
    async with _lock_of(session_id):
        session = await room.store.read(lambda db: load_session(db, session_id))
        info = await asyncio.to_thread(room.scanner.scan, path)
        plan = plan_import(info, name=path.name, needs_sound=needs_sound)
        clock = _plan_file_clock(session, path.name, [(started_at, media_ms(info))])
        folder = room.session_dir(session_id)
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        await asyncio.to_thread(require_space, folder, info.size_bytes, what=f"import of {path.name}")
        target = folder / f"recording{plan.suffix}"
        if path.name == target.name and path.parent.name == session_id:
            raise Conflict(f"{path.name}: is this session's recording already", hint="nothing to do")
        part = target.with_name(target.name + ".part")

        async def write(tracks: Path) -> None:
            await room.tool.copy_tracks(path, tracks, container=info.container)

        try:
            mixed = await _keep_tracks(room, session_id, info, write, say=_reporter(session_id, lambda message: None))
            if mixed:
                plan = replace(plan, mixed=mixed, audio=AudioPlan.AAC if plan.suffix != ".webm" else AudioPlan.OPUS)
            await room.tool.convert(path, part, plan, progress=progress)
            result = await asyncio.to_thread(room.scanner.scan, part)
            check_result(
                result, name=path.name, expected_ms=media_ms(info), audio=bool(info.audio_codec), video=plan.video
            )
            if started_at is None:
                clock = ClockMap.identity(media_ms(result))
            return await _publish_import(room, session, part, result, clock)
        finally:
            await asyncio.to_thread(part.unlink, missing_ok=True)


async def _keep_tracks(
    room: RecordingRoom, session_id: str, info: MediaInfo, write: Callable[[Path], Awaitable[None]], *, say: Report
) -> int:
    """Keep the sound tracks of a session where each holds one voice; returns how many of them viewers need mixed.

    Without them nobody knows who speaks, and nothing else is lost: what fails is told.
    """
    target = room.session_dir(session_id) / TRACKS_FILE
    await asyncio.to_thread(target.unlink, missing_ok=True)
    if info.tracks < 2:
        return 0
    part = target.with_name(target.name + ".part")
    try:
        await write(part)
        plan = (await listen(part, media_ms(info), turns=False)).plan
        if plan.voices:
            await asyncio.to_thread(publish_file, part, target)
    except (ToolFailed, TimedOut, BadMedia) as error:
        say(f"{info.tracks} sound tracks: the first is taken, who speaks in the others is not known ({error.message})")
        return 0
    finally:
        await asyncio.to_thread(part.unlink, missing_ok=True)
    _LOG.info("tracks_heard session=%s tracks=%d voices=%d", session_id, info.tracks, len(plan.voices))
    return info.tracks if plan.needs_mix else 0


async def import_parts(
    room: RecordingRoom,
    parts: Sequence[tuple[Path, datetime]],
    session_id: str,
    *,
    progress: Progress = lambda done: None,
) -> Recording:
    """Join files that each hold a stretch of a session into its recording, in place of an earlier one.

    Args:
        room: the recording room.
        parts: each file with the instant of its first frame, UTC, in order.
        session_id: the session.
        progress: told how much is joined, 0 to 1.

    Raises:
        NotFound: there is no such session.
        BadMedia: a file is no media, differs from the others in codecs or size, or the result is not whole.
        DiskFull: too little space.
        ToolFailed, ToolMissing: the media tool failed.
    """
    async with _lock_of(session_id):
        session = await room.store.read(lambda db: load_session(db, session_id))
        infos = [await asyncio.to_thread(room.scanner.scan, path) for path, _ in parts]
        _require_alike([path for path, _ in parts], infos)
        started = [(at, media_ms(info)) for (_, at), info in zip(parts, infos, strict=True)]
        clock = _plan_file_clock(session, f"parts of {session_id}", started)
        folder = room.session_dir(session_id)
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        size_bytes = sum(info.size_bytes for info in infos)
        await asyncio.to_thread(require_space, folder, size_bytes, what=f"import into {session_id}")
        target = folder / "recording.mp4"
        part = target.with_name(target.name + ".part")
        pieces = [
            JoinPart(
                path=path,
                duration_ms=media_ms(info),
                has_video=bool(info.video_codec),
                has_audio=bool(info.audio_codec),
            )
            for (path, _), info in zip(parts, infos, strict=True)
        ]
        try:
            await asyncio.to_thread((folder / TRACKS_FILE).unlink, missing_ok=True)
            await room.tool.join(pieces, part, progress=progress)
            first, expected_ms = infos[0], sum(piece.duration_ms for piece in pieces)
            result = await asyncio.to_thread(room.scanner.scan, part)
            check_result(
                result,
                name=f"parts of {session_id}",
                expected_ms=expected_ms,
                audio=bool(first.audio_codec),
                video=bool(first.video_codec),
            )
            return await _publish_import(room, session, part, result, clock)
        finally:
            await asyncio.to_thread(part.unlink, missing_ok=True)


def _require_alike(paths: Sequence[Path], infos: Sequence[MediaInfo]) -> None:
    for path, info in zip(paths, infos, strict=True):
        if not is_alike(info, infos[0]):
            raise BadMedia(
                f"{path.name}: holds {describe_shape(info)}, {paths[0].name} holds {describe_shape(infos[0])}",
                hint="download all parts in the same quality, or join them in an editor",
            )


def _plan_file_clock(session: Session, name: str, parts: Sequence[tuple[datetime | None, int]]) -> ClockMap:
    """The clock of files that are joined end to end, each with its first frame's instant and its length."""
    zero = session.started_at
    segments = [
        Segment(session_id=session.id, number=number, path=name, started_at=at or zero, duration_ms=duration_ms)
        for number, (at, duration_ms) in enumerate(parts, 1)
        if at is not None and zero is not None
    ]
    if zero is None or not segments:
        return ClockMap.identity(sum(duration_ms for _, duration_ms in parts))
    clock = plan_clock(segments, session_started_at=zero)
    if not clock.pieces:
        raise BadMedia(f"{name}: ended before session {session.id} began", hint="choose the session that it shows")
    return clock


async def _publish_import(
    room: RecordingRoom, session: Session, part: Path, info: MediaInfo, clock: ClockMap
) -> Recording:
    """Give a finished ``.part`` its name and keep it as the session's recording."""
    target = part.with_name(part.name.removesuffix(".part"))
    sha256 = await asyncio.to_thread(_digest, part)
    await asyncio.to_thread(publish_file, part, target)
    recording = Recording(
        session_id=session.id,
        path=room.relative(target),
        sha256=sha256,
        info=info,
        clock=clock,
        lost_ms=plan_lost_ms(clock, session_ms=_session_ms(session)),
        source="import",
    )
    return await _keep(room, recording)


def _session_ms(session: Session) -> int | None:
    if session.started_at is None or session.ended_at is None:
        return None
    return ms_between(session.started_at, session.ended_at)


async def discard_segments(room: RecordingRoom, session_id: str) -> int:
    """Delete a session's segments and HLS once its recording is whole; returns how many bytes that freed.

    Raises:
        Conflict: there is no whole recording yet.
    """
    async with _lock_of(session_id):
        if await _find_whole(room, session_id) is None:
            raise Conflict(f"session {session_id}: has no whole recording yet", hint="finish the recording first")
        segments = await room.store.read(lambda db: list_segments(db, session_id))
        paths = [room.path_of(segment.path) for segment in segments]
        return await asyncio.to_thread(discard_media, paths, room.hls_dir(session_id))


def _lock_of(session_id: str) -> asyncio.Lock:
    return _locks.setdefault(session_id, asyncio.Lock())


async def _find_whole(room: RecordingRoom, session_id: str) -> Recording | None:
    recording = await room.store.read(lambda db: find_recording(db, session_id))
    if recording is None:
        return None
    path = room.path_of(recording.path)
    whole = path.is_file() and path.stat().st_size == recording.info.size_bytes
    return recording if whole else None


def _reporter(session_id: str, report: Report) -> Report:
    def say(message: str) -> None:
        _LOG.warning("segment_left_out session=%s %s", session_id, message)
        report(message)

    return say


async def _choose_pieces(
    room: RecordingRoom, segments: list[Segment], *, live_at: datetime | None, say: Report
) -> list[_Piece]:
    """The pieces to join, in order; every segment that is not among them is reported."""
    cuts = plan_head_cut((s for s in segments if s.duration_ms > 0), live_at=live_at)
    pieces: list[_Piece] = []
    for segment in segments:
        if segment.duration_ms <= 0:
            say(f"segment {segment.number}: {segment.size_bytes} bytes without usable media, skipped")
        elif segment.number not in cuts:
            say(f"segment {segment.number}: ended before the session went live, left out")
        elif (piece := await _load_piece(room, segment, cut_ms=cuts[segment.number], say=say)) is not None:
            pieces.append(piece)
    return await _make_alike(room, pieces, say)


async def _load_piece(room: RecordingRoom, segment: Segment, *, cut_ms: int, say: Report) -> _Piece | None:
    path = room.path_of(segment.path)
    try:
        info = await asyncio.to_thread(room.scanner.scan, path)
        from_ms = 0
        if cut_ms:
            from_ms = await asyncio.to_thread(room.scanner.key_frame_ms, path, before_ms=cut_ms)
    except BadMedia as error:
        say(f"segment {segment.number}: {error}, skipped")
        return None
    kept = cut_head(segment, from_ms)
    part = JoinPart(
        path=path,
        from_ms=info.start_ms + from_ms if from_ms else 0,
        duration_ms=kept.duration_ms,
        has_video=bool(info.video_codec),
        has_audio=bool(info.audio_codec),
        tracks=info.tracks,
    )
    return _Piece(segment=kept, part=part, info=info)


async def _make_alike(room: RecordingRoom, pieces: list[_Piece], say: Report) -> list[_Piece]:
    """Encode anew what has another format than most of the session, for instance of an encoder that was exchanged."""
    if not pieces:
        return []
    lengths = [(sum(o.part.duration_ms for o in pieces if is_alike(o.info, p.info)), p) for p in pieces]
    model = max(lengths, key=lambda entry: entry[0])[1].info
    return [
        made
        for piece in pieces
        if (made := piece if is_alike(piece.info, model) else await _conform(room, piece, model, say)) is not None
    ]


async def _conform(room: RecordingRoom, piece: _Piece, model: MediaInfo, say: Report) -> _Piece | None:
    number = piece.segment.number
    target = piece.part.path.with_suffix(".conform.mkv")
    try:
        await room.tool.conform(piece.part, target, model, progress=lambda done: None)
        info = await asyncio.to_thread(room.scanner.scan, target)
        check_result(
            info,
            name=f"segment {number}",
            expected_ms=piece.part.duration_ms,
            audio=bool(model.audio_codec),
            video=bool(model.video_codec),
        )
    except (ToolFailed, BadMedia) as error:
        say(f"segment {number}: another format ({describe_shape(piece.info)}), left out, its file is kept: {error}")
        return None
    say(f"segment {number}: another format ({describe_shape(piece.info)}), encoded anew ({describe_shape(model)})")
    duration_ms = media_ms(info)
    part = JoinPart(path=target, duration_ms=duration_ms, tracks=info.tracks)
    return _Piece(segment=replace(piece.segment, duration_ms=duration_ms), part=part, info=info)


async def _join(
    room: RecordingRoom, session: Session, pieces: list[_Piece], *, progress: Progress, say: Report
) -> Recording:
    target = room.session_dir(session.id) / "recording.mp4"
    part = target.with_name(target.name + ".part")
    size_bytes = sum(piece.info.size_bytes for piece in pieces)
    await asyncio.to_thread(require_space, target.parent, size_bytes, what=f"session {session.id}: joining")
    parts = [piece.part for piece in pieces]
    whole = replace(pieces[0].info, start_ms=0, duration_ms=sum(one.duration_ms for one in parts))
    try:
        mixed = await _keep_tracks(
            room, session.id, whole, lambda tracks: room.tool.join_tracks(parts, tracks), say=say
        )
        await room.tool.join(parts, part, progress=progress, mixed=mixed)
        info = await asyncio.to_thread(room.scanner.scan, part)
        first = pieces[0].info
        check_result(
            info,
            name=f"session {session.id}",
            expected_ms=sum(piece.part.duration_ms for piece in pieces),
            audio=bool(first.audio_codec),
            video=bool(first.video_codec),
        )
        sha256 = await asyncio.to_thread(_digest, part)
        await asyncio.to_thread(publish_file, part, target)
    finally:
        for passing in (part, *(piece.part.path for piece in pieces if ".conform" in piece.part.path.suffixes)):
            await asyncio.to_thread(passing.unlink, missing_ok=True)
    used = [piece.segment for piece in pieces]
    clock = plan_clock(used, session_started_at=session.started_at or used[0].started_at)
    recording = Recording(
        session_id=session.id,
        path=room.relative(target),
        sha256=sha256,
        info=info,
        clock=clock,
        lost_ms=plan_lost_ms(clock, session_ms=_session_ms(session)),
    )
    return await _keep(room, recording)


async def _keep(room: RecordingRoom, recording: Recording) -> Recording:
    before = await room.store.read(lambda db: find_recording(db, recording.session_id))
    if before is not None and before.sha256 != recording.sha256:  # first, lest clips of the old one are shown
        await asyncio.to_thread(drop_clips, room.session_dir(recording.session_id) / FOLDER)
    await room.store.write(lambda db: save_recording(db, recording))
    if before is not None and before.path != recording.path:
        await asyncio.to_thread(room.path_of(before.path).unlink, missing_ok=True)
    _LOG.info(
        "recording_kept session=%s source=%s duration_ms=%d lost_ms=%d",
        recording.session_id,
        recording.source,
        recording.info.duration_ms,
        recording.lost_ms,
    )
    return recording


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
