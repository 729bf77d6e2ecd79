"""Exports: a session to take along, as subtitles, text, data and table. Pure.

Recap and blog post are templates (`recap.md`, `post.md`, `post.html`), so that an operator can word them; what stands
here needs no words of ours. Refuses to know what is public: everything comes from views.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from streamhub.archive.embeds import Licence
from streamhub.archive.markdown import plain_paragraphs
from streamhub.archive.structured import absolute
from streamhub.archive.views import AnswerView, Head, SessionView, TranscriptView
from streamhub.archive.xml import xml_text
from streamhub.spreadsheet import Cell, render_csv
from streamhub.timecode import format_clock, format_ms
from streamhub.transcript.transcript import Transcript

FORMAT = "streamhub session 1"
"""Says in the data what it is; another number where a program that reads it would have to change."""

NO_LICENCE = Licence()

COLUMNS = (
    "id",
    "address",
    "question",
    "asker",
    "answered_by",
    "start",
    "seconds",
    "votes",
    "topics",
    "products",
    "answer",
)

_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~])")
_OPENING = re.compile(r"^([-+=]|\d+(?=[.)]))")


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportView:
    """A session with its answers, for a template.

    Attributes:
        head: path and language of the file.
        session: the session's page.
        answers: the pages of its answers, as they were given.
        topics: of the answers, each once.
    """

    head: Head
    session: SessionView
    answers: tuple[AnswerView, ...]
    topics: tuple[str, ...]


def escape_markdown(text: str) -> str:
    """A text that stays itself wherever it stands in Markdown, HTML in it included; in one line."""
    flat = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _OPENING.sub(_escape_opening, _SPECIAL.sub(r"\\\1", flat))


def _escape_opening(match: re.Match[str]) -> str:
    return f"{match[1]}\\" if match[1].isdecimal() else f"\\{match[1]}"


def render_srt(transcript: Transcript) -> bytes:
    """Captions as SubRip; a speaker is named where he begins."""
    blocks = []
    speaker = ""
    for number, cue in enumerate(transcript.cues, 1):
        name = f"{cue.speaker}: " if cue.speaker and cue.speaker != speaker else ""
        speaker = cue.speaker
        times = f"{format_ms(cue.span.start_ms)} --> {format_ms(cue.span.end_ms)}".replace(".", ",")
        blocks.append(f"{number}\n{times}\n{_flat(name + cue.text).replace('-->', '→')}\n")
    return "\n".join(blocks).encode("utf-8", "replace")


def render_text(view: SessionView) -> bytes:
    """What was said, as plain text: who, when, a line for each paragraph."""
    return "\n".join(_said(view.transcript)).encode("utf-8", "replace")


def render_answer_text(view: AnswerView, base: str) -> bytes:
    """An answer as plain text: question, source, address, the writing, what was said."""
    ref = view.answer
    names = ", ".join(person.title for person in view.answerers)
    day = f"{ref.starts_at.astimezone(ZoneInfo(ref.zone)):%Y-%m-%d}"
    source = " · ".join(_flat(part) for part in (view.show_title, view.session.title, day, names) if part)
    lines = [_flat(ref.question), "", source]
    lines += [absolute(base, ref.url), ""] if base else [""]
    if view.body_html:
        lines += [xml_text(plain_paragraphs(view.body_markdown)), ""]
    return ("\n".join([*lines, *_said(view.transcript)]).rstrip() + "\n").encode("utf-8", "replace")


def _said(transcript: TranscriptView | None) -> list[str]:
    lines: list[str] = []
    for turn in transcript.turns if transcript else ():
        at = format_clock(turn.paragraphs[0][0].at_ms)
        lines += [f"[{at}] {_flat(turn.speaker.title)}".rstrip()]
        lines += [" ".join(_flat(cue.text) for cue in paragraph) for paragraph in turn.paragraphs]
        lines.append("")
    return lines


def render_data(
    view: ExportView, transcript: Transcript | None, address: Callable[[str], str], licence: Licence = NO_LICENCE
) -> bytes:
    """A session as JSON: times in milliseconds of the session's clock, instants in ISO 8601."""
    session = view.session
    event = session.tie.event if session.tie else None
    data: dict[str, Any] = {
        "format": FORMAT,
        "address": address(session.session.url),
        "title": session.session.title,
        "show": session.session.show_title,
        "language": session.session.language,
        "starts_at": session.session.starts_at.isoformat(),
        "zone": session.session.zone,
        "event": {"title": event.title, "address": address(event.url)} if event else None,
        "duration_ms": session.duration_ms,
        "licence": {"name": licence.name, "url": licence.url} if licence.name else None,
        "topics": list(view.topics),
        "participants": [
            {"name": person.title, "role": role, "about": about} for person, role, about in session.participants
        ],
        "answers": [_answer_data(answer, address) for answer in view.answers],
        "transcript": [
            {"start_ms": cue.span.start_ms, "end_ms": cue.span.end_ms, "speaker": cue.speaker, "text": cue.text}
            | ({"language": cue.language} if cue.language else {})
            for cue in (transcript.cues if transcript else ())
        ],
    }
    return msgspec.json.format(msgspec.json.encode(data), indent=1) + b"\n"


def _answer_data(view: AnswerView, address: Callable[[str], str]) -> dict[str, Any]:
    ref = view.answer
    return {
        "id": ref.id,
        "address": address(ref.url),
        "question": ref.question,
        "asker": view.asker,
        "answered_by": list(ref.answerers),
        "language": ref.language,
        "start_ms": ref.start_ms,
        "duration_ms": ref.duration_ms,
        "votes": ref.votes,
        "topics": [topic.title for topic in view.topics],
        "products": [product.title for product in view.products],
        "text": view.text,
        "written": view.body_markdown.strip(),
        "valid_until": view.valid_until.isoformat() if view.valid_until else None,
    }


def render_table(answers: Sequence[AnswerView], language: str, address: Callable[[str], str]) -> bytes:
    """The answers as a table that a spreadsheet of that language opens: a line each, nothing in it a formula."""
    table: list[Sequence[Cell]] = [COLUMNS, *(_line(view, address) for view in answers)]
    return render_csv(table, language=language).encode("utf-8-sig", "replace")


def _line(view: AnswerView, address: Callable[[str], str]) -> tuple[Cell, ...]:
    ref = view.answer
    return (
        ref.id,
        address(ref.url),
        ref.question,
        view.asker,
        ", ".join(ref.answerers),
        format_clock(ref.start_ms) if ref.start_ms is not None else None,
        round(ref.duration_ms / 1000) if ref.start_ms is not None else None,
        ref.votes,
        ", ".join(topic.title for topic in view.topics),
        ", ".join(product.title for product in view.products),
        view.text,
    )


def _flat(text: str) -> str:
    return " ".join(xml_text(text).split())
