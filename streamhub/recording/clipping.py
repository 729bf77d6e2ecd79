"""The workflow of a clip: stretches of a recording, cut to the frame, with captions and a poster.

Takes over what it can: packets of the picture between key frames, packets of AAC sound. Refuses to know answers; gets
stretches of the media and a folder to work in, which is the caller's to clear.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from streamhub.errors import BadMedia, ToolFailed
from streamhub.recording.clip import CutMethod
from streamhub.recording.media import ClipTool, EdgePlan, Progress, Scanner, Splicer, WrapPlan
from streamhub.recording.recording import MediaInfo
from streamhub.recording.rules import media_ms
from streamhub.recording.smartcut import Cut, Frames, find_obstacle, free_ids, plan_cut, profile_of
from streamhub.timecode import Span

_LOG = logging.getLogger(__name__)
_ALLOWED_MS = 500
_POSTER_MS = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipTools:
    """What cuts: a program that encodes, a library that puts packets together, and one that looks at the result."""

    tool: ClipTool
    splicer: Splicer
    scanner: Scanner


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipOrder:
    """What is cut.

    Attributes:
        media: the recording.
        info: what is in it.
        spans: stretches of the media, in order.
        captions: WebVTT in the clip's time; empty for none.
        title, language: of the clip.
        folder: where to work; exists, and is empty.
    """

    media: Path
    info: MediaInfo
    spans: tuple[Span, ...]
    captions: str
    title: str
    language: str
    folder: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class CutClip:
    """What was cut: files in the folder, None for what is not there, and how it was done."""

    video: Path | None
    audio: Path | None
    captions: Path | None
    poster: Path | None
    method: CutMethod
    reason: str
    duration_ms: int
    copied_frames: int
    encoded_frames: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Picture:
    path: Path
    method: CutMethod
    reason: str
    stretches: tuple[tuple[Fraction, Fraction], ...]
    copied_frames: int = 0
    encoded_frames: int = 0


async def cut_clip(tools: ClipTools, order: ClipOrder, *, progress: Progress = lambda done: None) -> CutClip:
    """Cut stretches of a recording into one clip.

    Raises:
        BadMedia: there is nothing in these stretches, or the result is not as long as they are.
        ToolFailed, ToolMissing, DiskFull: a tool failed.
    """
    picture = await _make_picture(tools, order, progress) if order.info.video_codec else None
    stretches = picture.stretches if picture else tuple(_seconds(span) for span in order.spans)
    sound = await _make_sound(tools, order, stretches, progress) if order.info.audio_codec else None
    captions = order.folder / "captions.vtt" if order.captions else None
    if captions is not None:
        await asyncio.to_thread(captions.write_text, order.captions, "utf-8")
    video = await _wrap(tools, order, picture.path, sound, captions) if picture else None
    audio = await _wrap(tools, order, None, sound, None) if sound else None
    if (whole := video or audio) is None:
        raise BadMedia(f"{order.media.name}: has neither sound nor picture")
    duration_ms = await _check(tools, whole, sum((end - start for start, end in stretches), Fraction(0)))
    poster = order.folder / "poster.jpg" if video else None
    if video and poster:
        await tools.tool.extract_still(video, min(_POSTER_MS, duration_ms // 3), poster)
    progress(1.0)
    return CutClip(
        video=video,
        audio=audio,
        captions=captions,
        poster=poster,
        method=picture.method if picture else CutMethod.NONE,
        reason=picture.reason if picture else "",
        duration_ms=duration_ms,
        copied_frames=picture.copied_frames if picture else 0,
        encoded_frames=picture.encoded_frames if picture else 0,
    )


async def _make_picture(tools: ClipTools, order: ClipOrder, progress: Progress) -> _Picture:
    target = order.folder / "picture.mp4"
    found = [await asyncio.to_thread(tools.splicer.read_frames, order.media, span) for span in order.spans]
    cuts = [plan_cut(frames, span) for frames, span in zip(found, order.spans, strict=True)]
    reason = find_obstacle(found[0], cuts)
    copied = sum(len(piece.times) for cut in cuts for piece in cut.pieces if piece.copied)
    frames = sum(len(piece.times) for cut in cuts for piece in cut.pieces)
    if not reason and not copied:
        reason = "no key frame lies inside"
    if not reason:
        try:
            await _splice(tools, order, found[0], cuts, target)
        except (BadMedia, ToolFailed) as error:
            reason = error.message
            _LOG.warning("clip_edges_failed media=%s reason=%s", order.media.name, reason)
    if reason:
        await tools.tool.encode_picture(order.media, order.spans, target, progress=lambda done: progress(done * 0.9))
        copied = 0
    method = CutMethod.COPIED if copied == frames else CutMethod.EDGES
    unit, zero = found[0].unit, found[0].zero
    return _Picture(
        path=target,
        method=CutMethod.WHOLE if reason else method,
        reason=reason,
        stretches=tuple(((cut.start - zero) * unit, (cut.end - zero) * unit) for cut in cuts),
        copied_frames=copied,
        encoded_frames=frames - copied,
    )


async def _splice(tools: ClipTools, order: ClipOrder, found: Frames, cuts: Sequence[Cut], target: Path) -> None:
    pieces = [piece for cut in cuts for piece in cut.pieces if not piece.copied]
    edges = [order.folder / f"edge-{number}.mp4" for number, _ in enumerate(pieces)]
    for piece, edge, number in zip(pieces, edges, free_ids(found.config) if pieces else [], strict=False):
        plan = EdgePlan(
            from_s=piece.decode_from * found.unit,
            first=piece.times[0],
            last=piece.times[-1],
            unit=found.unit,
            profile=profile_of(found.config),
            number=number,
        )
        await tools.tool.encode_edge(order.media, plan, edge)
    await asyncio.to_thread(tools.splicer.splice_picture, order.media, cuts, edges, target)


async def _make_sound(
    tools: ClipTools, order: ClipOrder, stretches: Sequence[tuple[Fraction, Fraction]], progress: Progress
) -> Path:
    target = order.folder / "sound.mp4"
    if order.info.audio_codec == "aac":
        await asyncio.to_thread(tools.splicer.splice_sound, order.media, stretches, target)
    else:
        await tools.tool.encode_sound(order.media, order.spans, target, progress=lambda done: progress(done * 0.9))
    return target


async def _wrap(
    tools: ClipTools, order: ClipOrder, video: Path | None, audio: Path | None, captions: Path | None
) -> Path:
    target = order.folder / ("clip.mp4" if video else "clip.m4a")
    plan = WrapPlan(video=video, audio=audio, captions=captions, title=order.title, language=order.language)
    await tools.tool.wrap(plan, target)
    return target


async def _check(tools: ClipTools, made: Path, expected_s: Fraction) -> int:
    """Insist that a clip is as long as what it was cut from; returns its length."""
    info = await asyncio.to_thread(tools.scanner.scan, made)
    expected_ms = round(expected_s * 1000)
    if abs(media_ms(info) - expected_ms) > max(_ALLOWED_MS, expected_ms // 50):
        raise BadMedia(
            f"{made.name}: is {media_ms(info) / 1000:.1f} s, {expected_ms / 1000:.1f} s expected",
            hint="look at the recording there; it may be damaged",
        )
    return media_ms(info)


def _seconds(span: Span) -> tuple[Fraction, Fraction]:
    return Fraction(span.start_ms, 1000), Fraction(span.end_ms, 1000)
