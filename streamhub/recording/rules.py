"""Rules of recording: who may publish when, how wrong keys are counted, what fits where, what counts as whole.

Pure functions and small pure records; times come in as arguments.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from streamhub.errors import BadMedia, Conflict
from streamhub.live.platform import Signal
from streamhub.recording.media import AudioPlan, Container, ConvertPlan
from streamhub.recording.recording import ClockMap, MediaInfo, Segment
from streamhub.schedule.show import SessionState
from streamhub.timecode import Span, add_ms, merge_spans, ms_between, parse_instant

TAKES_PUBLISHERS = frozenset({SessionState.SCHEDULED, SessionState.OPEN, SessionState.REHEARSAL, SessionState.LIVE})
"""States of a session in which an encoder may push."""

WRONG_KEYS_PER_MINUTE = 10
"""Wrong keys that one address may present in a minute."""

QUIET_S = 5.0
"""A publisher that sent nothing for so long is gone: its place may be taken."""

LOW_BITRATE_KBIT_S = 100
"""Below this a signal with a picture is hardly one."""

ISSUE_LOW_BITRATE = "The signal is very thin; check the encoder's bitrate and its network."
ISSUE_QUIET = "The encoder is connected but sends nothing."
ISSUE_DISK_LOW = "The disk is nearly full; the recording goes on without local viewing."
ISSUES = (ISSUE_LOW_BITRATE, ISSUE_QUIET, ISSUE_DISK_LOW)
"""Every issue of a signal, for the message catalogues."""

_CONTAINERS = {"rtmp": Container.FLV, "srt": Container.MPEGTS}
_MP4_VIDEO = frozenset({"h264", "hevc", "av1"})
_MP4_AUDIO = frozenset({"aac", "mp3"})
_WEBM_VIDEO = frozenset({"vp8", "vp9", "av1"})
_WEBM_AUDIO = frozenset({"opus", "vorbis"})


def container_of(door: str) -> Container:
    """The container in which a door hands over media.

    Raises:
        Conflict: no door of that name is known.
    """
    try:
        return _CONTAINERS[door]
    except KeyError as error:
        raise Conflict(f"door {door!r}: nobody knows what it sends", hint=f"use {', '.join(_CONTAINERS)}") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class WrongKeys:
    """Wrong keys of the last minute, by address.

    Attributes:
        seen: address and instant of each, oldest first.
    """

    seen: tuple[tuple[str, datetime], ...] = ()

    def noted(self, address: str, at: datetime) -> WrongKeys:
        """With one more; what is older than a minute is forgotten, and of very many only the newest are kept."""
        return WrongKeys(seen=(*self._recent(at), (address, at))[-10_000:])

    def is_locked(self, address: str, at: datetime) -> bool:
        """Whether this address has used up its tries."""
        return sum(1 for seen, _ in self._recent(at) if seen == address) >= WRONG_KEYS_PER_MINUTE

    def _recent(self, at: datetime) -> Sequence[tuple[str, datetime]]:
        return [entry for entry in self.seen if at - entry[1] < timedelta(minutes=1)]


class Meter:
    """Bytes of the last seconds."""

    def __init__(self, *, window_s: float = 5.0) -> None:
        self._window = timedelta(seconds=window_s)
        self._entries: deque[tuple[datetime, int]] = deque()

    @property
    def last_at(self) -> datetime | None:
        """When the last bytes came; None before the first."""
        return self._entries[-1][0] if self._entries else None

    def add(self, size_bytes: int, at: datetime) -> None:
        """Count bytes that came at an instant."""
        self._entries.append((at, size_bytes))
        while len(self._entries) > 1 and at - self._entries[0][0] > self._window:
            self._entries.popleft()

    def quiet_s(self, at: datetime) -> float:
        """Seconds since the last bytes; 0 before the first."""
        return (at - self._entries[-1][0]).total_seconds() if self._entries else 0.0

    def kbit_s(self, at: datetime) -> int:
        """Kilobits per second over the window, or over the time since the first byte where that is shorter."""
        recent = [(seen, size) for seen, size in self._entries if at - seen <= self._window]
        if not recent:
            return 0
        span_s = max(1.0, (at - recent[0][0]).total_seconds())
        return round(sum(size for _, size in recent) * 8 / 1000 / span_s)


def judge_signal(meter: Meter | None, *, at: datetime, disk_low: bool) -> Signal:
    """What to tell the host about the signal; None where nobody publishes."""
    issues = (ISSUE_DISK_LOW,) if disk_low else ()
    if meter is None:
        return Signal(receiving=False, quality="none", issues=issues)
    if meter.last_at is None or meter.quiet_s(at) > QUIET_S / 2:
        return Signal(receiving=False, quality="none", issues=(*issues, ISSUE_QUIET))
    kbit_s = meter.kbit_s(at)
    if kbit_s < LOW_BITRATE_KBIT_S:
        return Signal(receiving=True, quality="bad", issues=(*issues, ISSUE_LOW_BITRATE), bitrate_kbit_s=kbit_s)
    return Signal(receiving=True, quality="good", issues=issues, bitrate_kbit_s=kbit_s)


def media_ms(info: MediaInfo) -> int:
    """Length of what is in a file, from its first packet to the end of its last one."""
    return max(0, info.duration_ms - info.start_ms)


def is_alike(first: MediaInfo, second: MediaInfo) -> bool:
    """Whether two segments can be joined without encoding anew."""
    return _shape(first) == _shape(second)


def _shape(info: MediaInfo) -> tuple[str | int, ...]:
    sound = (info.audio_codec, info.sample_rate_hz, info.channels, info.tracks)
    return (*sound, info.video_codec, info.width, info.height)


def describe_shape(info: MediaInfo) -> str:
    """What a file holds, in a few words for a report."""
    picture = f"{info.video_codec} {info.width}x{info.height}" if info.video_codec else "no picture"
    sound = f"{info.audio_codec} {info.sample_rate_hz} Hz" if info.audio_codec else "no sound"
    sound += f" in {info.tracks} tracks" if info.tracks > 1 else ""
    return f"{picture}, {sound}"


def plan_import(info: MediaInfo, *, name: str, needs_sound: bool = True) -> ConvertPlan:
    """How a foreign file becomes a recording: the picture is never encoded anew, the sound only where it must be.

    Raises:
        BadMedia: there is no sound in it, so there is nothing to transcribe.
    """
    if not info.audio_codec and needs_sound:
        raise BadMedia(
            f"{name}: has a picture ({info.video_codec}) but no sound", hint="export it again with its sound track"
        )
    audio = AudioPlan.COPY if info.audio_codec in _MP4_AUDIO else AudioPlan.AAC
    if not info.audio_codec:
        audio = AudioPlan.NONE
    plan = ConvertPlan(
        container=info.container,
        suffix=".mp4",
        audio=audio,
        video=bool(info.video_codec),
        duration_ms=media_ms(info),
    )
    if not info.video_codec or info.video_codec in _MP4_VIDEO:
        return plan
    if info.video_codec in _WEBM_VIDEO and info.audio_codec in _WEBM_AUDIO:
        return replace(plan, suffix=".webm", audio=AudioPlan.COPY)
    return replace(plan, suffix=".mkv")


def check_result(info: MediaInfo, *, name: str, expected_ms: int, audio: bool, video: bool) -> None:
    """Insist that a finished file holds what went into it: both streams, and its length within 2 % or 1 s.

    Raises:
        BadMedia: it does not.
    """
    if audio and not info.audio_codec:
        raise BadMedia(f"{name}: the sound is missing in the finished file", hint="try again; the segments are kept")
    if video and not info.video_codec:
        raise BadMedia(f"{name}: the picture is missing in the finished file", hint="try again; the segments are kept")
    allowed_ms = max(1000, expected_ms // 50)
    if abs(media_ms(info) - expected_ms) > allowed_ms:
        raise BadMedia(
            f"{name}: the finished file is {media_ms(info) / 1000:.1f} s, {expected_ms / 1000:.1f} s expected",
            hint="try again; the segments are kept",
        )


def plan_head_cut(segments: Iterable[Segment], *, live_at: datetime | None) -> dict[int, int]:
    """Where each segment begins to belong to the public session: number to milliseconds within the segment.

    What was said before going live is not for the archive. Segments that ended before are not in the result.
    """
    cuts: dict[int, int] = {}
    for segment in sorted(segments, key=lambda s: s.number):
        head_ms = 0 if live_at is None else int((live_at - segment.started_at) / timedelta(milliseconds=1))
        if head_ms < segment.duration_ms:
            cuts[segment.number] = max(0, head_ms)
    return cuts


def cut_head(segment: Segment, cut_ms: int) -> Segment:
    """The segment without its first milliseconds."""
    return replace(
        segment, started_at=add_ms(segment.started_at, cut_ms), duration_ms=max(0, segment.duration_ms - cut_ms)
    )


def plan_lost_ms(clock: ClockMap, *, session_ms: int | None) -> int:
    """Session time that is in no piece: up to the session's end where that is known, else up to the last piece's."""
    end_ms = max((p.session.end_ms for p in clock.pieces), default=0) if session_ms is None else session_ms
    covered = merge_spans(piece.session for piece in clock.pieces)
    return max(0, end_ms) - sum(span.overlap_ms(Span(0, max(0, end_ms))) for span in covered)


_SEQUENCE = re.compile(r"#EXT-X-MEDIA-SEQUENCE:(\d+)")
_DURATION = re.compile(r"#EXTINF:(\d+(?:\.\d+)?)")
_JUMP_MS = 500  # so much less than an encoder needs to come back, and more than durations are rounded by
_DATE = "#EXT-X-PROGRAM-DATE-TIME:"
_HEAD = ("#EXTM3U", "#EXT-X-VERSION", "#EXT-X-TARGETDURATION", "#EXT-X-MEDIA-SEQUENCE", "#EXT-X-PLAYLIST-TYPE")


def trim_playlist(text: str, *, since: datetime) -> str:
    """An HLS playlist without the media segments that began before an instant, so that a rehearsal stays private.

    The media sequence counts on from the segments left out; a segment without a date is left out.
    """
    sequence = int(match[1]) if (match := _SEQUENCE.search(text)) else 0
    head: list[str] = []
    kept: list[str] = []
    block: list[str] = []
    tail: list[str] = []
    for line in text.splitlines():
        if line.startswith(_HEAD):
            head.append(line)
        elif line == "#EXT-X-ENDLIST":
            tail.append(line)
        elif line.startswith("#") or not line.strip():
            block.append(line)
        else:
            if _begins_since([*block], since):
                kept += [*block, line]
            elif not kept:
                sequence += 1
            block = []
    head = [f"#EXT-X-MEDIA-SEQUENCE:{sequence}" if _SEQUENCE.match(line) else line for line in head]
    return "\n".join([*head, *kept, *tail]) + "\n"


def find_playlist_start(text: str) -> datetime | None:
    """The instant at which an HLS playlist begins, by its first date; None where it has none."""
    dates = [line.removeprefix(_DATE) for line in text.splitlines() if line.startswith(_DATE)]
    return parse_instant(dates[0]) if dates else None


def map_playlist(text: str, *, zero: datetime) -> tuple[tuple[int, int], ...]:
    """How a player's time in an HLS playlist goes with the session clock, from its dates and durations.

    A player's time runs on where the broadcast was interrupted; there a new stretch begins.

    Args:
        text: the playlist as the player gets it.
        zero: of the session clock.

    Returns:
        For each stretch, in order, the session time and the player's time at which it begins, in ms.
    """
    stretches: list[tuple[int, int]] = []
    player_ms, length_ms, date = 0.0, 0.0, None
    for line in text.splitlines():
        if line.startswith(_DATE):
            date = parse_instant(line.removeprefix(_DATE))
        elif match := _DURATION.match(line):
            length_ms = float(match[1]) * 1000
        elif line.strip() and not line.startswith("#"):
            if date is not None:
                session_ms = ms_between(zero, date)
                if not stretches or abs(session_ms - stretches[-1][0] - (player_ms - stretches[-1][1])) > _JUMP_MS:
                    stretches.append((session_ms, round(player_ms)))
            player_ms, length_ms, date = player_ms + length_ms, 0.0, None
    return tuple(stretches)


def _begins_since(block: Sequence[str], since: datetime) -> bool:
    dates = [line.removeprefix(_DATE) for line in block if line.startswith(_DATE)]
    return bool(dates) and parse_instant(dates[0]) >= since
