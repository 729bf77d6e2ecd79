"""Clips of answers: what one is cut from, whether the one that is there is still right, and where pages find it.

Looks at the notes beside the clips in the media folder; writes nothing. A clip counts only while everything that it was
made from is as it was: a moved edge, a corrected word or another question makes it a clip of something else.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path, PurePosixPath
from urllib.parse import quote, urlsplit

from streamhub.answers.answer import Answer
from streamhub.archive.archived import ArchivedRecording, ArchivedSession
from streamhub.archive.gist import SessionGist
from streamhub.archive.masking import MaskedSession
from streamhub.archive.media import MediaSettings, inside
from streamhub.archive.plan import MediaLink, digest_of
from streamhub.archive.public import cut_speech, speakers_of
from streamhub.archive.views import ClipView
from streamhub.errors import BadInput
from streamhub.recording.clip import FOLDER, MAKING, Clip, note_name
from streamhub.schedule.agreement import person_key
from streamhub.text import require_slug
from streamhub.timecode import Span, merge_spans
from streamhub.transcript.transcript import Cue, Transcript
from streamhub.transcript.vtt import format_vtt

_HEAVY = frozenset({"video", "audio"})


def clips_folder(media_root: Path, session_id: str) -> Path:
    """The folder of a session's clips."""
    return media_root / require_slug(session_id, what="session id") / FOLDER


def clip_source(session: ArchivedSession) -> ArchivedRecording | None:
    """The recording that clips are cut from: the first file in the media folder; None where there is none."""
    files = (one for one in session.recordings if one.kind == "file" and not urlsplit(one.url).scheme)
    return next(files, None)


def list_unclipped(session: ArchivedSession, answer: Answer) -> tuple[str, ...]:
    """Who is to be heard in an answer and agrees to no clip; nobody when a clip may be made."""
    refusing = {person_key(name) for name in session.unclipped}
    return tuple(name for name in speakers_of(answer, session) if person_key(name) in refusing) if refusing else ()


def clip_spans(session: ArchivedSession, answer: Answer) -> tuple[Span, ...]:
    """Where an answer lies in the recording; what was not recorded is left out, what touches is one stretch."""
    source = clip_source(session)
    if source is None:
        return ()
    return merge_spans(span for part in answer.ranges for span in source.clock.media_spans(part) if span.duration_ms)


def clip_captions(session: MaskedSession, answer: Answer) -> Transcript | None:
    """What is said in an answer, in the time of its clip; None where nothing is."""
    source, speech = clip_source(session), cut_speech(answer, session)
    if source is None or speech is None:
        return None
    spans = clip_spans(session, answer)
    cues = []
    for cue in speech.cues:
        media = source.clock.media_spans(cue.span)
        cues += _moved(cue, Span(media[0].start_ms, media[-1].end_ms), spans) if media else []
    return replace(speech, cues=tuple(cues)) if cues else None


def _moved(cue: Cue, place: Span, spans: tuple[Span, ...]) -> list[Cue]:
    """A cue in the time of a clip, in the first of its stretches that it lies in."""
    begun_ms = 0
    for span in spans:
        if place.overlap_ms(span):
            start_ms = max(place.start_ms, span.start_ms) - span.start_ms + begun_ms
            end_ms = min(place.end_ms, span.end_ms) - span.start_ms + begun_ms
            return [replace(cue, span=Span(start_ms, end_ms), words=())]
        begun_ms += span.duration_ms
    return []


def plan_key(session: MaskedSession, answer: Answer, *, title: str) -> str:
    """A digest of everything that a clip is made from; ``title`` is that of the archive."""
    # Plain values alone: a record that gets one more field in a later release must not make every clip anew.
    source, captions = clip_source(session) if answer.ranges else None, clip_captions(session, answer)
    pieces = [
        (piece.session.start_ms, piece.session.end_ms, piece.media.start_ms, piece.media.end_ms)
        for piece in (source.clock.pieces if source else ())
    ]
    cut_from = (source.url, source.duration_ms, pieces) if source else ()
    spans = [(span.start_ms, span.end_ms) for span in clip_spans(session, answer)]
    said = (session.show_title, answer.id, answer.question, answer.answerers, answer.language, answer.writer)
    return digest_of(MAKING, title, said, cut_from, spans, format_vtt(captions) if captions else "")


def load_note(folder: Path, answer_id: str) -> Clip | None:
    """The note of an answer's clip, whether or not it is still right; None where there is none that can be read."""
    try:
        clip = Clip.from_json(json.loads((folder / note_name(answer_id)).read_text("utf-8")))
    except (OSError, ValueError, BadInput, RecursionError):
        return None
    return clip if clip.answer_id == answer_id else None


def find_clip(media_root: Path | None, session: MaskedSession, answer: Answer, *, title: str) -> Clip | None:
    """The clip of an answer as it is now; None where there is none, it is out of date, or a file of it is missing."""
    if media_root is None or list_unclipped(session, answer):
        return None
    return _find(clips_folder(media_root, session.id), answer.id, plan_key(session, answer, title=title))


def _find(folder: Path, answer_id: str, key: str) -> Clip | None:
    clip = load_note(folder, answer_id)
    if clip is None or clip.key != key:
        return None
    return clip if all((folder / name).is_file() for name in clip.files) else None


def place_clips(gist: SessionGist, settings: MediaSettings) -> tuple[dict[str, ClipView], dict[str, MediaLink]]:
    """The clips of a session's published answers, by answer, and which files the site needs for them.

    Films and sound go the way of recordings; pictures and captions are always the site's own.

    Raises:
        BadArchive: a file is, or passes, a symbolic link.
    """
    views: dict[str, ClipView] = {}
    links: dict[str, MediaLink] = {}
    if settings.root is None or not (folder := clips_folder(settings.root, gist.id)).is_dir():
        return views, links
    for answer in gist.answers:
        clip = _find(folder, answer.id, answer.clip_key)
        if clip is None:
            continue
        places: dict[str, str] = {}
        for kind, name in (
            ("video", "clip.mp4"),
            ("audio", "clip.m4a"),
            ("captions", "clip.vtt"),
            ("poster", "poster.jpg"),
            ("share", "share.jpg"),
        ):
            file = getattr(clip, kind)
            path = PurePosixPath(gist.id, FOLDER, file)
            if not file or (kind in _HEAVY and not (settings.prefix or settings.link)):
                continue
            if kind in _HEAVY and settings.prefix:
                places[kind] = f"{settings.prefix.rstrip('/')}/{quote(path.as_posix())}"
            else:
                places[kind] = f"{answer.ref.url}{name}"
                links[places[kind]] = MediaLink(inside(settings.root, path, f"clip of answer {answer.id}"))
        views[answer.id] = ClipView(**places, duration_ms=clip.duration_ms)
    return views, links
