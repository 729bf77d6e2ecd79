"""Companion: what should stand beside the video of a session on a platform. Pure.

Owns the clock of such a video, and which answers and which speech may be shown there: what the archive's site may show,
and nothing else. Refuses to know platforms, their limits (`chapters`, `blurb`) and when anything is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from streamhub.answers.answer import AnswerState
from streamhub.archive.archived import ArchivedRecording
from streamhub.archive.blurb import Blurb
from streamhub.archive.chapters import plan_chapters
from streamhub.archive.masking import MaskedSession
from streamhub.archive.media import to_media_time
from streamhub.archive.public import PublicAnswer, show_session
from streamhub.errors import BadInput
from streamhub.live.problem import Problem, ProblemCode
from streamhub.live.video import Chapter, Video
from streamhub.recording.recording import ClockMap, ClockPiece
from streamhub.text import clean_line
from streamhub.timecode import Span, ms_between
from streamhub.transcript.transcript import Cue, Transcript
from streamhub.transcript.vtt import format_vtt

TOLERANCE_MS = 5_000
"""How much shorter than its broadcast a video may be before somebody is thought to have cut it."""
LEAST_CUE_MS = 300
_LONGEST_CUE = 100_000
_OPENINGS: Mapping[str, str] = {"de": "Beginn", "en": "Start"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Companion:
    """What should stand beside one video.

    Attributes:
        blurb: for the description.
        captions: WebVTT by language, on the video's clock; nothing for a language of which nothing may be shown.
        shown: ids of the answers that are shown; when one of them goes, what was written has to follow at once.
    """

    blurb: Blurb
    captions: Mapping[str, str] = field(default_factory=dict)
    shown: tuple[str, ...] = ()


def plan_video_clock(
    session_started_at: datetime, *, started_at: datetime, ended_at: datetime | None, duration_ms: int
) -> ClockMap:
    """Session clock to the clock of a video, which begins when its broadcast began.

    What was broadcast before the session began has no session time; what is not in the video has no media time.

    Args:
        session_started_at: zero of the session clock.
        started_at: zero of the video's clock.
        ended_at: when the broadcast ended; counts only while the video's length is not known.
        duration_ms: of the video; 0 while unknown.
    """
    head_ms = ms_between(session_started_at, started_at)
    length_ms = duration_ms or (max(0, ms_between(started_at, ended_at)) if ended_at else 0)
    media = Span(min(max(0, -head_ms), length_ms), length_ms)
    if not media.duration_ms:
        return ClockMap(())
    session_ms = max(0, head_ms)
    return ClockMap((ClockPiece(Span(session_ms, session_ms + media.duration_ms), media),))


def find_cut(video: Video, details: Mapping[str, str]) -> Problem | None:
    """The problem of a video that is shorter than its broadcast was; None when it is as long."""
    if not (video.started_at and video.ended_at and video.duration_ms):
        return None
    missing_ms = ms_between(video.started_at, video.ended_at) - video.duration_ms
    if missing_ms <= TOLERANCE_MS:
        return None
    return Problem(code=ProblemCode.VIDEO_SHORTER, details={**details, "seconds": str(missing_ms // 1000)})


def plan_recording(video: Video, *, platform: str, label: str, session_started_at: datetime) -> ArchivedRecording:
    """The video as one more recording of its session.

    Raises:
        BadInput: nobody knows yet when it began.
    """
    if video.started_at is None:
        raise BadInput(f"video {video.ref}: no start known", hint="look again later")
    clock = plan_video_clock(
        session_started_at, started_at=video.started_at, ended_at=video.ended_at, duration_ms=video.duration_ms
    )
    duration_ms = video.duration_ms or max((piece.media.end_ms for piece in clock.pieces), default=0)
    return ArchivedRecording(
        url=video.watch_url, kind=platform, label=label, mime="", duration_ms=duration_ms, clock=clock
    )


def plan_companion(session: MaskedSession, recording: ArchivedRecording, *, site_url: str) -> Companion:
    """What should stand beside a video of a session, as the archive is now.

    Args:
        session: drafts and withdrawn answers included; they stay out.
        recording: the video.
        site_url: public address of the archive's site; empty: it has none, so nothing links to it.
    """
    found = show_session(session)
    blurb = Blurb(language=session.language, duration_ms=recording.duration_ms)
    if found is None:
        return Companion(blurb=blurb)
    points = [point for answer in found.answers if (point := _point(answer, recording.clock))]
    opening = _OPENINGS.get(session.language, _OPENINGS["en"])
    chapters = plan_chapters(points, duration_ms=recording.duration_ms, opening=opening)
    link = f"{site_url.rstrip('/')}/{found.url}" if site_url else ""
    return Companion(
        blurb=replace(blurb, link=link, chapters=chapters if points else ()),
        captions=_captions(session, recording.clock),
        shown=tuple(answer.answer.id for answer in found.answers if answer.answer.state is AnswerState.PUBLISHED),
    )


def _point(answer: PublicAnswer, clock: ClockMap) -> Chapter | None:
    """Where an answer begins in the video; None when it is not in it."""
    spans = [span for part in answer.answer.ranges for span in clock.media_spans(part)]
    return Chapter(at_ms=spans[0].start_ms, title=answer.answer.question) if spans else None


# --- captions


def _captions(session: MaskedSession, clock: ClockMap) -> dict[str, str]:
    captions = {}
    for transcript in session.transcripts:
        found = show_session(replace(session, transcripts=(transcript,)))
        if found and found.transcript and (text := format_captions(found.transcript, clock)):
            captions[transcript.language] = text
    return captions


def format_captions(transcript: Transcript, clock: ClockMap) -> str:
    """A transcript as captions of a video: in order, none on top of another, none empty; empty text without any."""
    spoken_ms = {cue.id: cue.span.duration_ms for cue in transcript.cues}
    # What the beginning or the end of the video cuts down to a flash cannot be read, and was hardly heard.
    heard = (
        cue
        for cue in to_media_time(transcript.cues, clock)
        if cue.span.duration_ms >= min(LEAST_CUE_MS, spoken_ms[cue.id])
    )
    cues = settle_captions(heard)
    return format_vtt(replace(transcript, cues=cues)) if cues else ""


def settle_captions(cues: Iterable[Cue]) -> tuple[Cue, ...]:
    """Cues one after the other: where two are spoken at once, the first is cut short, or both are shown as one."""
    settled: list[Cue] = []
    for cue in sorted(cues, key=lambda cue: cue.span):
        text = _plain(cue.text)
        if not text or not cue.span.duration_ms:
            continue
        here = replace(cue, text=text, speaker=_plain(cue.speaker), words=())
        before = settled[-1] if settled else None
        if before is None or before.span.end_ms <= here.span.start_ms:
            settled.append(here)
        elif here.span.start_ms - before.span.start_ms >= LEAST_CUE_MS:
            settled[-1] = replace(before, span=Span(before.span.start_ms, here.span.start_ms))
            settled.append(here)
        else:
            settled[-1] = _at_once(before, here)
    return tuple(replace(cue, id=str(number)) for number, cue in enumerate(settled, 1))


def _at_once(first: Cue, second: Cue) -> Cue:
    """Two cues as one; it names no speaker where there were two."""
    span = Span(first.span.start_ms, max(first.span.end_ms, second.span.end_ms))
    if first.speaker == second.speaker:
        return replace(first, span=span, text=f"{first.text} {second.text}")
    return replace(first, span=span, speaker="", text=" – ".join(map(_with_speaker, (first, second))))


def _with_speaker(cue: Cue) -> str:
    return f"{cue.speaker}: {cue.text}" if cue.speaker else cue.text


def _plain(text: str) -> str:
    """A line without control and hidden characters; empty when nothing is left."""
    try:
        return clean_line(text, max_length=_LONGEST_CUE, what="cue")
    except BadInput:
        return ""


def choose_recordings(
    recordings: Sequence[ArchivedRecording], wanted: ArchivedRecording
) -> tuple[ArchivedRecording, ...]:
    """The recordings with this one in place of the one at the same address, or after them."""
    if any(one.url == wanted.url for one in recordings):
        return tuple(wanted if one.url == wanted.url else one for one in recordings)
    return (*recordings, wanted)
