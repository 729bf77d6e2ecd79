"""The archive's file format: an archived session as plain texts, and back. Pure.

Writing and reading are inverse to each other. A bad file is reported by name, line and reason. Owns the names and
places of files and keys; the transcript's notation is `streamhub.transcript.vtt`'s. Refuses to know disks.

Files of one session, relative to the archive's root::

    <show>/<session>/session.md              front matter: who, when, recordings with clock maps; body: recap
    <show>/<session>/transcript.<lang>.vtt   one per language, on the session clock
    <show>/<session>/translation.<lang>.vtt  a machine's translation of what was said, on the session clock
    <show>/<session>/words.<lang>.json       word times, where the recogniser gave them
    <show>/<session>/answers/<id>-<slug>.md  front matter: question, ranges, state; body: the written answer
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from itertools import pairwise
from zoneinfo import ZoneInfo

from streamhub.answers.answer import Answer, AnswerState
from streamhub.archive.archived import ArchivedRecording, ArchivedSession
from streamhub.archive.fields import Fields
from streamhub.archive.sheet import Given, Sheet, clean_body, parse_sheet, render_sheet
from streamhub.archive.wordtimes import parse_words, render_words
from streamhub.errors import BadArchive, BadCaptions, BadInput
from streamhub.recording.recording import ClockMap, ClockPiece
from streamhub.schedule.show import ON_AIR, Participant
from streamhub.text import require_language, require_slug
from streamhub.timecode import Span, format_ms, parse_instant, parse_ms, require_zone
from streamhub.transcript.transcript import Transcript, Word
from streamhub.transcript.vtt import format_vtt, parse_vtt

SESSION_FILE = "session.md"
ANSWERS_FOLDER = "answers"
END_TOLERANCE_MS = 5_000
"""How far an answer may reach beyond the last recorded or spoken moment: encoders stop before hosts press buttons."""

_TRANSCRIPT_NAME = re.compile(r"transcript\.([a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\.vtt")
_TRANSLATION_NAME = re.compile(r"translation\.([a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\.vtt")
_WORDS_NAME = re.compile(r"words\.([a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\.json")
_ARROW = re.compile(r"\s*-->\s*")


def session_folder(show_id: str, session_id: str) -> str:
    """Folder of a session, relative to the archive's root."""
    require_slug(show_id, what="show id")
    return f"{show_id}/{require_slug(session_id, what='session id')}"


def answer_name(answer: Answer) -> str:
    """File name of an answer, and its part of the address: ``<id>-<slug>``."""
    require_slug(answer.id, what="answer id")
    return f"{answer.id}-{require_slug(answer.slug, what=f'answer {answer.id}: slug')}"


def translation_name(language: str) -> str:
    """File name of a translation into that language."""
    return f"translation.{language}.vtt"


def render_session(session: ArchivedSession) -> dict[str, str]:
    """All files of a session: path relative to the archive's root, to content.

    Raises:
        BadInput: an id or slug cannot stand in a path, or two answers or transcripts claim one file.
    """
    folder = session_folder(session.show_id, session.id)
    files = {f"{folder}/{SESSION_FILE}": render_sheet(_session_values(session), session.recap)}

    def claim(name: str, text: str) -> None:
        if f"{folder}/{name}" in files:
            raise BadInput(f"session {session.id}: two things claim {name}", hint="give each its own id or language")
        files[f"{folder}/{name}"] = text

    for transcript in session.transcripts:
        claim(f"transcript.{transcript.language}.vtt", format_vtt(transcript))
        if any(cue.words for cue in transcript.cues):
            claim(f"words.{transcript.language}.json", render_words(transcript))
    for translation in session.translations:
        claim(translation_name(translation.language), format_vtt(translation))
    for answer in session.answers:
        claim(f"{ANSWERS_FOLDER}/{answer_name(answer)}.md", render_sheet(_answer_values(answer), answer.body))
    return files


def parse_session(files: Mapping[str, str], *, known: tuple[Transcript, ...] | None = None) -> ArchivedSession:
    """Read a session from its files; files that are not the archive's are passed over.

    Args:
        files: path relative to the archive's root, to content; all of one session.
        known: the transcripts, where somebody has read them already; None: they are read.

    Raises:
        BadArchive: with file, line and reason.
    """
    heads = [path for path in files if path.endswith(f"/{SESSION_FILE}")]
    if len(heads) != 1:
        raise BadArchive(min(files, default="archive"), 0, f"{len(heads)} files {SESSION_FILE}, should be one")
    path = heads[0]
    folder = path.removesuffix(f"/{SESSION_FILE}")
    session = _parse_head(parse_sheet(files[path], path), folder)
    session = replace(
        session,
        transcripts=_parse_transcripts(files, folder) if known is None else known,
        translations=_parse_translations(files, folder),
    )
    answers = []
    for name in sorted(files):
        if name.startswith(f"{folder}/{ANSWERS_FOLDER}/") and name.endswith(".md"):
            answers.append(_parse_answer(parse_sheet(files[name], name), session))
    _require_distinct(answers, folder)
    return replace(session, answers=tuple(sorted(answers, key=order_of)))


def order_of(answer: Answer) -> tuple[int, str]:
    """Sorts answers as they were given, answers in writing last."""
    return (answer.start_ms if answer.start_ms is not None else 1 << 60, answer.id)


def extent_ms(session: ArchivedSession) -> int | None:
    """The last moment of the session clock of which anything is kept; None when nothing tells."""
    ends = [piece.session.end_ms for recording in session.recordings for piece in recording.clock.pieces]
    ends += [cue.span.end_ms for transcript in session.transcripts for cue in transcript.cues]
    return max(ends, default=None)


def format_span(span: Span) -> str:
    """Write a stretch as WebVTT does: ``00:01:02.000 --> 00:02:03.500``."""
    return f"{format_ms(span.start_ms)} --> {format_ms(span.end_ms)}"


def parse_span(text: str) -> Span:
    """Read such a stretch.

    Raises:
        BadInput: no two times, or they run backwards.
    """
    parts = _ARROW.split(text.strip())
    if len(parts) != 2:
        raise BadInput(f"{text!r} is no range", hint="write it as 00:01:02.000 --> 00:02:03.500")
    start_ms, end_ms = parse_ms(parts[0]), parse_ms(parts[1])
    if end_ms < start_ms:
        raise BadInput(f"{text!r} ends before it starts", hint="write the earlier time first")
    return Span(start_ms, end_ms)


# --- session.md


def _session_values(session: ArchivedSession) -> dict[str, Given]:
    values: dict[str, Given] = {
        "id": session.id,
        "show": session.show_id,
        "show_title": session.show_title,
        "title": session.title,
        "starts": session.starts_at.astimezone(ZoneInfo(session.zone)).isoformat(),
        "zone": session.zone,
        "language": session.language,
        "participants": [
            {"name": person.name, "role": str(person.role)} | ({"about": person.about} if person.about else {})
            for person in session.participants
        ],
        "recordings": [_recording_values(recording) for recording in session.recordings],
    }
    if session.unnamed:
        values["unnamed"] = list(session.unnamed)
    if session.unclipped:
        values["unclipped"] = list(session.unclipped)
    return values if session.public else values | {"public": False}


def _recording_values(recording: ArchivedRecording) -> dict[str, Given]:
    label: dict[str, Given] = {"label": recording.label} if recording.label else {}
    return {
        "url": recording.url,
        "kind": recording.kind,
        **label,
        "mime": recording.mime,
        "duration": format_ms(recording.duration_ms),
        "video": recording.has_video,
        "clock": [
            {"session": format_span(piece.session), "media": format_span(piece.media)}
            for piece in recording.clock.pieces
        ],
    }


def _parse_head(sheet: Sheet, folder: str) -> ArchivedSession:
    fields = Fields(sheet, sheet.values)
    show_id, _, session_id = folder.rpartition("/")
    for key, expected in (("id", session_id), ("show", show_id)):
        if fields.text(key) != expected:
            reason = f"is {fields.text(key)!r}, but the folder says {expected!r}"
            raise fields.bad(key, reason, hint="rename one of the two")
        fields.parsed(key, lambda text: require_slug(text, what="it"))
    return ArchivedSession(
        id=session_id,
        show_id=show_id,
        show_title=fields.text("show_title"),
        title=fields.text("title"),
        starts_at=fields.parsed("starts", parse_instant),
        zone=fields.parsed("zone", lambda text: require_zone(text, what="it").key, "Europe/Berlin"),
        language=_parse_language(fields),
        participants=tuple(
            Participant(name=person.text("name"), role=person.choice("role", ON_AIR), about=person.text("about", ""))
            for person in fields.children("participants")
        ),
        unnamed=fields.texts("unnamed"),
        unclipped=fields.texts("unclipped"),
        recordings=tuple(_parse_recording(recording) for recording in fields.children("recordings")),
        recap=sheet.body,
        public=fields.truth("public", default=True),
    )


def _parse_recording(fields: Fields) -> ArchivedRecording:
    pieces = tuple(
        ClockPiece(piece.parsed("session", parse_span), piece.parsed("media", parse_span))
        for piece in fields.children("clock")
    )
    try:
        clock = ClockMap(pieces)
    except BadInput as error:
        raise fields.bad("clock", str(error)) from error
    return ArchivedRecording(
        url=fields.text("url"),
        kind=fields.text("kind", "file"),
        label=fields.text("label", ""),
        mime=fields.text("mime", "video/mp4"),
        duration_ms=fields.parsed("duration", parse_ms),
        clock=clock,
        has_video=fields.truth("video", default=True),
    )


def _parse_language(fields: Fields) -> str:
    return fields.parsed("language", lambda text: require_language(text, what="it"))


# --- answers


def _answer_values(answer: Answer) -> dict[str, Given]:
    values: dict[str, Given] = {"id": answer.id, "question": answer.question}
    if answer.asker:
        values["asker"] = answer.asker
    values |= {
        "answerers": list(answer.answerers),
        "ranges": [format_span(span) for span in answer.ranges],
        "language": answer.language,
        "topics": list(answer.topics),
        "products": list(answer.products),
        "state": str(answer.state),
    }
    if answer.superseded_by:
        values["superseded_by"] = answer.superseded_by
    if answer.valid_until:
        values["valid_until"] = answer.valid_until.isoformat()
    values["votes"] = answer.votes
    values["confidence"] = answer.confidence
    if answer.evidence:
        values["evidence"] = list(answer.evidence)
    if answer.writer:
        values["writer"] = answer.writer
    if answer.writer_role:
        values["writer_role"] = str(answer.writer_role)
    return values


def _parse_answer(sheet: Sheet, session: ArchivedSession) -> Answer:
    fields = Fields(sheet, sheet.values)
    answer_id = fields.parsed("id", lambda text: require_slug(text, what="it"))
    name = sheet.file.rpartition("/")[2].removesuffix(".md")
    slug = name.removeprefix(f"{answer_id}-")
    if slug == name or not slug:
        raise fields.bad("id", f"is {answer_id!r}, but the file is named {name!r}", hint=f"name it {answer_id}-….md")
    fields.parsed("id", lambda _: require_slug(slug, what="the rest of the file's name"))
    state = fields.choice("state", AnswerState)
    superseded_by = fields.text("superseded_by", "")
    if superseded_by == answer_id:
        raise fields.bad("superseded_by", "an answer cannot take its own place")
    until = fields.text("valid_until", "")
    return Answer(
        id=answer_id,
        slug=slug,
        session_id=session.id,
        question=fields.text("question"),
        asker=fields.text("asker", ""),
        answerers=fields.texts("answerers"),
        ranges=_parse_ranges(fields, session),
        language=_parse_language(fields),
        topics=fields.texts("topics"),
        products=fields.texts("products"),
        state=state,
        superseded_by=superseded_by,
        valid_until=fields.parsed("valid_until", date.fromisoformat) if until else None,
        confidence=fields.parsed("confidence", _parse_share, "1"),
        evidence=fields.texts("evidence"),
        votes=fields.parsed("votes", _parse_count, "0"),
        body=sheet.body,
        writer=fields.text("writer", ""),
        writer_role=fields.choice("writer_role", ON_AIR) if fields.text("writer_role", "") else None,
    )


def _parse_ranges(fields: Fields, session: ArchivedSession) -> tuple[Span, ...]:
    ranges = fields.all_parsed("ranges", parse_span)
    for number, (before, after) in enumerate(pairwise(ranges), 1):
        if after.start_ms < before.end_ms:
            raise fields.bad(f"ranges.{number}", "begins before the range above it ends", hint="sort the ranges")
    end_ms = extent_ms(session)
    for number, span in enumerate(ranges):
        if end_ms is not None and (span.start_ms > end_ms or span.end_ms > end_ms + END_TOLERANCE_MS):
            reason = f"{format_span(span)} lies outside the session, which ends at {format_ms(end_ms)}"
            raise fields.bad(f"ranges.{number}", reason, hint="correct the times; they are on the session clock")
    return ranges


def _parse_share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise BadInput(f"{text} should lie between 0 and 1")
    return value


def _parse_count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise BadInput(f"{text} should not be negative")
    return value


def _require_distinct(answers: list[Answer], folder: str) -> None:
    seen: dict[str, Answer] = {}
    for answer in answers:
        if answer.id in seen:
            file = f"{folder}/{ANSWERS_FOLDER}/{answer_name(answer)}.md"
            first = f"{answer_name(seen[answer.id])}.md"
            raise BadArchive(file, 0, f"id {answer.id!r} is that of {first} too", hint="give one of them another id")
        seen[answer.id] = answer


# --- transcript and words


def _parse_transcripts(files: Mapping[str, str], folder: str) -> tuple[Transcript, ...]:
    found = []
    for path in sorted(files):
        if not (match := _name_match(_TRANSCRIPT_NAME, path, folder)):
            continue
        transcript = _parse_captions(files[path], path)
        words = f"{folder}/words.{match[1]}.json"
        if words in files:
            transcript = _with_words(transcript, parse_words(files[words], words))
        found.append(replace(transcript, language=match[1]))
    return tuple(found)


def _parse_translations(files: Mapping[str, str], folder: str) -> tuple[Transcript, ...]:
    found = ((path, _name_match(_TRANSLATION_NAME, path, folder)) for path in sorted(files))
    return tuple(replace(_parse_captions(files[path], path), language=match[1]) for path, match in found if match)


def _parse_captions(text: str, path: str) -> Transcript:
    try:
        return parse_vtt(text, path)
    except BadCaptions as error:
        raise _bad_captions(path, error) from error


def _bad_captions(path: str, error: BadCaptions) -> BadArchive:
    """The same error with its line as a number, where the message begins with one."""
    match = re.match(rf"{re.escape(path)}:(\d+): ", error.message)
    reason = error.message[match.end() :] if match else error.message.removeprefix(f"{path}: ")
    return BadArchive(path, int(match[1]) if match else 0, reason, hint=error.hint)


def _name_match(pattern: re.Pattern[str], path: str, folder: str) -> re.Match[str] | None:
    return pattern.fullmatch(path.removeprefix(f"{folder}/")) if path.startswith(f"{folder}/") else None


def _with_words(transcript: Transcript, words: Mapping[str, tuple[Word, ...]]) -> Transcript:
    # Words of a cue that a person took out are dropped with it.
    cues = tuple(replace(cue, words=words.get(cue.id, ())) for cue in transcript.cues)
    return replace(transcript, cues=cues)


def is_archive_file(name: str) -> bool:
    """Whether a path inside a session's folder is one that this format reads."""
    if name == SESSION_FILE or any(p.fullmatch(name) for p in (_TRANSCRIPT_NAME, _TRANSLATION_NAME, _WORDS_NAME)):
        return True
    return name.startswith(f"{ANSWERS_FOLDER}/") and name.count("/") == 1 and name.endswith(".md")


def canonical(session: ArchivedSession) -> ArchivedSession:
    """The session as it reads back: bodies without blank lines around them, answers in order, cues' words in place."""
    answers = tuple(replace(answer, body=clean_body(answer.body)) for answer in session.answers)
    return replace(
        session,
        recap=clean_body(session.recap),
        answers=tuple(sorted(answers, key=order_of)),
        transcripts=tuple(sorted(session.transcripts, key=lambda transcript: transcript.language)),
        translations=tuple(sorted(session.translations, key=lambda translation: translation.language)),
    )
