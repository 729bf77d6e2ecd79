"""Embeds: what other people's pages read of the archive, as small files beside its own pages. Pure.

``<page of an answer>/answer.json`` is an answer in short, or says what took its place; ``answers.json`` in the root and
beside every topic, product and person is a list of answers, newest first, in pages. Addresses in them are relative to
the root of the site. ``site/static/embed.js`` reads both. Where an answer is withdrawn, its file is gone.
Refuses to know what is public: everything comes from views.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from streamhub.archive.markdown import cut_text, plain_text
from streamhub.archive.views import AnswerRef, AnswerView, Named, ReplacedView

ANSWER_FORMAT = "streamhub answer 1"
LIST_FORMAT = "streamhub answers 1"
"""Say in the files what they are; another number where a program that reads them would have to change."""
WRITTEN_LENGTH = 600
SPOKEN_LENGTH = 300
LIST_PAGE = 50
"""Answers in a page of a list; the newest page has up to twice as many, so that a full page is never written again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Licence:
    """Under what the answers may be used; both empty where the owner says nothing."""

    name: str = ""
    url: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedAnswer:
    """An answer in a list, with what the list can be narrowed by."""

    ref: AnswerRef
    people: tuple[Named, ...] = ()
    topics: tuple[Named, ...] = ()
    products: tuple[Named, ...] = ()


def render_answer(view: AnswerView, licence: Licence) -> bytes:
    """``answer.json`` of a published answer."""
    data: dict[str, Any] = {"format": ANSWER_FORMAT, "state": "published"}
    data |= _describe(view.answer, view.answerers, view.topics, view.products)
    data |= {
        "text": short_text(view),
        "asker": view.asker,
        "session": {
            "title": view.session.title,
            "url": view.session.url,
            "show": view.show_title,
            "language": view.answer.session_language,
        },
        "valid_until": view.valid_until.isoformat() if view.valid_until else None,
        "replaces": [{"id": old.id, "url": old.url} for old in view.replaces],
        "media": _describe_media(view),
        "licence": _describe_licence(licence),
    }
    return encode(data)


def render_replaced(view: ReplacedView) -> bytes:
    """``answer.json`` of a superseded answer: its question, and what took its place."""
    successor = view.successor
    return encode(
        {
            "format": ANSWER_FORMAT,
            "state": "superseded",
            "id": view.answer.id,
            "url": view.answer.url,
            "language": view.answer.language,
            "question": view.answer.question,
            "successor": successor
            and {
                "id": successor.id,
                "url": successor.url,
                "language": successor.language,
                "question": successor.question,
            },
        }
    )


def short_text(view: AnswerView) -> str:
    """The written answer where there is one, else the first words that were said."""
    written = plain_text(view.body_markdown)
    return cut_text(written or view.text, max_length=WRITTEN_LENGTH if written else SPOKEN_LENGTH)


def render_list(folder: str, title: str, answers: Sequence[ListedAnswer], licence: Licence) -> dict[str, bytes]:
    """The pages of a list: ``answers.json`` with the newest, whose ``next`` names the page with older ones.

    Args:
        folder: of the page that the list belongs to, empty or ending in ``/``.
        title: of the list.
        answers: newest first.
        licence: of all of them.
    """
    files = {}
    for name, older, members in plan_pages(answers):
        files[f"{folder}{name}"] = encode(
            {
                "format": LIST_FORMAT,
                "title": title,
                "url": folder,
                "total": len(answers) if name == "answers.json" else None,
                "next": older,
                "licence": _describe_licence(licence),
                "answers": [_describe_listed(one) for one in members],
            }
        )
    return files


def plan_pages(answers: Sequence[ListedAnswer]) -> Iterator[tuple[str, str | None, Sequence[ListedAnswer]]]:
    """Name, next name and members of each page, newest first.

    Pages are counted from the oldest answer, so that a new one changes the newest page alone.
    """
    full = max(0, len(answers) // LIST_PAGE - 1)
    for number in range(full, -1, -1):
        end = len(answers) - number * LIST_PAGE
        start = 0 if number == full else end - LIST_PAGE
        name = "answers.json" if number == full else f"answers-{number + 1}.json"
        yield name, f"answers-{number}.json" if number else None, answers[start:end]


def _describe_listed(one: ListedAnswer) -> dict[str, Any]:
    return _describe(one.ref, one.people, one.topics, one.products) | {
        "text": one.ref.excerpt,
        "session": {"title": one.ref.session_title, "language": one.ref.session_language},
    }


def _describe(
    ref: AnswerRef, people: Iterable[Named], topics: Iterable[Named], products: Iterable[Named]
) -> dict[str, Any]:
    return {
        "id": ref.id,
        "url": ref.url,
        "language": ref.language,
        "question": ref.question,
        "answered_by": [{"name": person.title, "url": person.url} for person in people],
        "date": ref.starts_at.astimezone(ZoneInfo(ref.zone)).date().isoformat(),
        "start_ms": ref.start_ms,
        "duration_ms": ref.duration_ms,
        "votes": ref.votes,
        "topics": [_describe_label(label) for label in topics],
        "products": [_describe_label(label) for label in products],
    }


def _describe_label(label: Named) -> dict[str, str]:
    return {"title": label.title, "url": label.url}


def _describe_licence(licence: Licence) -> dict[str, str] | None:
    return {"name": licence.name, "url": licence.url} if licence.name else None


def _describe_media(view: AnswerView) -> dict[str, Any] | None:
    """What a page can play after a click: the clip, else the recording from the answer's second to its end."""
    if view.clip and view.clip.video:
        return {"kind": "video", "url": view.clip.video, "start_ms": 0, "end_ms": 0}
    player = view.player
    if player is None or player.kind not in {"video", "audio"}:
        return None
    return {"kind": player.kind, "url": player.url, "start_ms": player.start_ms, "end_ms": player.end_ms}


def encode(data: Mapping[str, Any]) -> bytes:
    """JSON as it is published."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"
