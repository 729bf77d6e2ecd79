"""Feeds: the newest answers of the whole site, a topic, a product, a person or a show, as Atom and as JSON Feed. Pure.

Refuses to know pages and disks. Also writes an answer as Markdown, to take along.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree as ET

from streamhub.archive.structured import absolute
from streamhub.archive.views import AnswerRef, AnswerView
from streamhub.archive.xml import LANGUAGE, add, format_utc, serialise, xml_text
from streamhub.timecode import format_clock

FEED_ENTRIES = 50
ATOM = "http://www.w3.org/2005/Atom"
JSON_FEED = "https://jsonfeed.org/version/1.1"
_NO_ANSWERS_YET = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """A file of an entry: its path or address, its kind, how long it plays."""

    path: str
    mime: str
    duration_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """An answer in a feed.

    Attributes:
        id: of the answer; the entry's name for ever is made from it, so that it survives a move of the site.
        path: of its page, a folder.
        title: the question.
        language: of the answer.
        at: when it was given.
        authors: who answered.
        tags: topics and products.
        text: what was answered, plain; only its beginning in the feeds of lists.
        image: path of a picture; empty for none.
        attachments: its clip, as film and as sound.
    """

    id: str
    path: str
    title: str
    language: str
    at: datetime
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    text: str = ""
    image: str = ""
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Feed:
    """A feed.

    Attributes:
        title: as readers show it.
        language: of most of its entries.
        folder: path of the folder that it lies in, empty or ending in ``/``; it is the page's that it belongs to.
        name: what its id is made from; it stays when the site moves.
        entries: newest first, at most `FEED_ENTRIES`.
    """

    title: str
    language: str
    folder: str
    name: str
    entries: tuple[Entry, ...]


def enter_answer(view: AnswerView) -> Entry:
    """An answer with all that is known of it."""
    ref, clip = view.answer, view.clip
    files = [(clip.video, "video/mp4"), (clip.audio, "audio/mp4")] if clip else []
    return Entry(
        id=ref.id,
        path=ref.url,
        title=ref.question,
        language=ref.language,
        at=ref.starts_at,
        authors=_named(person.title for person in view.answerers) or _named([view.show_title]),
        tags=tuple(dict.fromkeys(topic.title for topic in (*view.topics, *view.products))),
        text=view.text or ref.question,
        image=clip.share if clip else "",
        attachments=tuple(
            Attachment(path=path, mime=mime, duration_ms=clip.duration_ms) for path, mime in files if path and clip
        ),
    )


def enter_reference(ref: AnswerRef) -> Entry:
    """An answer with what a list knows of it."""
    return Entry(
        id=ref.id,
        path=ref.url,
        title=ref.question,
        language=ref.language,
        at=ref.starts_at,
        authors=_named(ref.answerers),
        text=ref.excerpt or ref.question,
    )


def _named(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name.strip())


def render_atom(feed: Feed, base: str) -> bytes:
    """The feed as Atom (RFC 4287); with no public address its links are relative to the feed."""
    up = "" if base else "../" * feed.folder.count("/")
    root = ET.Element(_atom("feed"), {LANGUAGE: feed.language})
    add(root, _atom("title"), feed.title)
    add(root, _atom("id"), plan_urn(feed.name))
    add(root, _atom("updated"), format_utc(max((entry.at for entry in feed.entries), default=_NO_ANSWERS_YET)))
    own, page = absolute(base, f"{feed.folder}feed.xml"), absolute(base, feed.folder)
    add(
        root,
        _atom("link"),
        attributes={"rel": "self", "type": "application/atom+xml", "href": own if base else "feed.xml"},
    )
    add(
        root,
        _atom("link"),
        attributes={"rel": "alternate", "type": "text/html", "href": page if base else "index.html"},
    )
    for entry in feed.entries[:FEED_ENTRIES]:
        element = add(root, _atom("entry"), attributes={LANGUAGE: entry.language})
        add(element, _atom("title"), entry.title)
        add(element, _atom("id"), plan_urn(f"answer:{entry.id}"))
        href = absolute(base, entry.path) if base else f"{up}{entry.path}index.html"
        add(element, _atom("link"), attributes={"rel": "alternate", "type": "text/html", "href": href})
        add(element, _atom("published"), format_utc(entry.at))
        add(element, _atom("updated"), format_utc(entry.at))
        for name in entry.authors or (feed.title,):
            add(add(element, _atom("author")), _atom("name"), name)
        for tag in entry.tags:
            add(element, _atom("category"), attributes={"term": tag})
        add(element, _atom("summary"), entry.text, {"type": "text"})
    return serialise(root, {"": ATOM})


def render_json_feed(feed: Feed, base: str) -> bytes:
    """The feed as JSON Feed 1.1, for a site with a public address."""
    items = [_item(entry, base) for entry in feed.entries[:FEED_ENTRIES]]
    data = {
        "version": JSON_FEED,
        "title": feed.title,
        "home_page_url": absolute(base, feed.folder),
        "feed_url": absolute(base, f"{feed.folder}feed.json"),
        "language": feed.language,
        "items": items,
    }
    return (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace")


def _item(entry: Entry, base: str) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": plan_urn(f"answer:{entry.id}"),
        "url": absolute(base, entry.path),
        "title": entry.title,
        "content_text": entry.text,
        "date_published": format_utc(entry.at),
        "authors": [{"name": name} for name in entry.authors],
        "tags": list(entry.tags),
        "language": entry.language,
        "image": absolute(base, entry.image) if entry.image else "",
        "attachments": [
            {
                "url": absolute(base, one.path),
                "mime_type": one.mime,
                "duration_in_seconds": round(one.duration_ms / 1000),
            }
            for one in entry.attachments
        ],
    }
    return {key: value for key, value in item.items() if value}


def _atom(name: str) -> str:
    return f"{{{ATOM}}}{name}"


def plan_urn(name: str) -> str:
    """A name for ever that does not depend on where the site lies."""
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'streamhub:{name}')}"


def render_answer_markdown(view: AnswerView, base: str) -> bytes:
    """An answer to take along: question, source, text with speakers and times."""
    ref = view.answer
    lines = [f"# {_flat(ref.question)}", ""]
    names = ", ".join(person.title for person in view.answerers)
    source = " · ".join(
        part for part in (view.show_title, view.session.title, f"{ref.starts_at:%Y-%m-%d}", names) if part
    )
    lines += [_flat(source), ""]
    if base:
        lines += [f"<{absolute(base, ref.url)}>", ""]
    if view.body_html and view.body_markdown:
        lines += [xml_text(view.body_markdown), ""]
    for turn in view.transcript.turns if view.transcript else ():
        first = turn.paragraphs[0][0]
        speaker = f"**{_flat(turn.speaker.title)}** " if turn.speaker.title else ""
        lines += [f"{speaker}({format_clock(first.at_ms)})", ""]
        for paragraph in turn.paragraphs:
            lines += [" ".join(_flat(cue.text) for cue in paragraph), ""]
    return ("\n".join(lines).rstrip() + "\n").encode("utf-8", "replace")


def _flat(text: str) -> str:
    return " ".join(xml_text(text).split())
