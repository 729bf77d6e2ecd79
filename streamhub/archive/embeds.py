"""Embeds: what other people's pages read of the archive, as small files beside its own pages. Pure.

``<page of an answer>/answer.json`` is an answer in short, or says what took its place; ``answers.json`` in the root and
beside every topic, product and person is a list of answers, newest first, in pages. Addresses in them are relative to
the root of the site. ``coming.json`` in the root is what is planned or runs, the next session first.
``site/static/embed.js`` reads them all. Where an answer is withdrawn, its file is gone.
Refuses to know what is public: everything comes from views.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from streamhub.archive.markdown import cut_text, plain_text
from streamhub.archive.paging import count_older, cut_page
from streamhub.archive.views import AnswerRef, AnswerView, ComingView, Named, ReplacedView
from streamhub.timecode import format_instant

ANSWER_FORMAT = "streamhub answer 1"
LIST_FORMAT = "streamhub answers 1"
COMING_FORMAT = "streamhub coming 1"
"""Say in the files what they are; another number where a program that reads them would have to change."""
WRITTEN_LENGTH = 600
SPOKEN_LENGTH = 300
COMING_PATH = "coming.json"
_NEWEST = "answers.json"


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


@dataclass(frozen=True, kw_only=True, slots=True)
class ListView:
    """A list of answers.

    Attributes:
        folder: of the page that it belongs to, empty or ending in ``/``.
        title, language: of the list.
        total: how many answers it has.
    """

    folder: str
    title: str
    language: str
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ListPage:
    """A page of a list: its file's name, that of the one with older answers, and the ids of its own, newest first."""

    name: str
    older: str | None
    members: Sequence[str]

    @property
    def is_newest(self) -> bool:
        """Whether it is the page that programs ask for first."""
        return self.name == _NEWEST


def render_list_page(about: ListView, page: ListPage, answers: Iterable[ListedAnswer], licence: Licence) -> bytes:
    """A page of a list; of the newest, ``answers.json``, the ``next`` names the page with older ones."""
    return encode(
        {
            "format": LIST_FORMAT,
            "title": about.title,
            "url": about.folder,
            "total": about.total if page.is_newest else None,
            "next": page.older,
            "licence": _describe_licence(licence),
            "answers": [_describe_listed(one) for one in answers],
        }
    )


def render_next(coming: Iterable[ComingView]) -> bytes:
    """``coming.json``: what is planned or runs, with the whole address of the page where people ask."""
    return encode(
        {
            "format": COMING_FORMAT,
            "sessions": [
                {
                    "title": one.title,
                    "show": one.show_url.split("/")[1],
                    "show_title": one.show_title,
                    "text": one.text,
                    "language": one.language,
                    "starts_at": format_instant(one.starts_at),
                    "ends_at": format_instant(one.ends_at),
                    "zone": one.zone,
                    "url": one.url,
                    "live": one.live,
                }
                for one in sorted(coming, key=lambda one: (one.starts_at, one.path))
            ],
        }
    )


def plan_pages(ids: Sequence[str]) -> Iterator[ListPage]:
    """The pages of a list, newest first."""
    older = count_older(len(ids))
    for number in (0, *range(older, 0, -1)):
        below = older if number == 0 else number - 1
        yield ListPage(
            name=f"answers-{number}.json" if number else _NEWEST,
            older=f"answers-{below}.json" if below else None,
            members=cut_page(ids, number),
        )


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
    return msgspec.json.encode(data) + b"\n"
