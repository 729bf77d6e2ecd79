"""Podcasts: the recordings of a show as RSS 2.0, with what players of the podcast namespace know more. Pure.

Written by https://podcastindex.org/namespace/1.0 (transcript, chapters, person, guid, medium) and Apple's rules for
``itunes`` tags. Refuses to know pages and disks: how big a recording is, it is told.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import unquote
from uuid import UUID, uuid5
from xml.etree import ElementTree as ET

from streamhub.archive.feeds import ATOM, plan_urn
from streamhub.archive.structured import absolute, to_media_ms
from streamhub.archive.views import SessionView
from streamhub.archive.xml import add, serialise

EPISODES = 100
"""The newest that a feed lists."""
ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
PODCAST = "https://podcastindex.org/namespace/1.0"
CHAPTERS_TYPE = "application/json+chapters"
CATEGORY = "Business"
_GUIDS = UUID("ead4c236-bf58-58c6-a2c6-a6b28d128cb6")
"""The namespace that the podcast namespace's specification names for guids of feeds."""
_GUEST = "guest"


@dataclass(frozen=True, kw_only=True, slots=True)
class Enclosure:
    """The recording of an episode: path or address, kind, and size as far as it is known (else 0)."""

    path: str
    mime: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Seat:
    """Somebody at the table: name, ``host`` or ``guest``, path of the person's page (empty for none)."""

    name: str
    role: str
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A chapter: where it begins and ends in the recording, its title, path of its page."""

    start_ms: int
    end_ms: int
    title: str
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Episode:
    """A session in a podcast.

    Attributes:
        path: of its page, a folder; the episode's name for ever is made from it.
        title, language, text, at, duration_ms: what it is.
        enclosure: its recording; None where none can be fetched.
        captions, captions_language: path of its captions and their language; empty for none.
        chapters: path of its chapters; empty for none.
        seats: who was there.
    """

    path: str
    title: str
    language: str
    text: str
    at: datetime
    duration_ms: int
    enclosure: Enclosure | None
    captions: str
    captions_language: str
    chapters: str
    seats: tuple[Seat, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Podcast:
    """A show as a podcast.

    Attributes:
        title, language, text: what it is.
        owner: who publishes it.
        folder: path of the show's page and of this feed.
        cover: path of its picture; empty for none.
        episodes: newest first.
    """

    title: str
    language: str
    text: str
    owner: str
    folder: str
    cover: str
    episodes: tuple[Episode, ...]


def chapters_path(view: SessionView) -> str:
    """Where a session's chapters lie; empty where it has no recording or no answer in it."""
    return f"{view.session.url}chapters.json" if plan_marks(view) else ""


def plan_marks(view: SessionView) -> tuple[Mark, ...]:
    """The answers of a session as chapters of its recording, in its order; no two begin at once."""
    player = view.player
    if player is None or player.kind in {"frame", "link"}:
        return ()
    marks: dict[int, Mark] = {}
    for ref in view.answers:
        start_ms = to_media_ms(player, ref.start_ms)
        if start_ms is not None:
            end_ms = min(start_ms + max(1000, ref.duration_ms), max(player.end_ms, start_ms + 1000))
            mark = Mark(start_ms=start_ms, end_ms=end_ms, title=ref.question, path=ref.url)
            marks.setdefault(start_ms // 1000, mark)
    return tuple(marks[second] for second in sorted(marks))


def plan_episode(view: SessionView, size_of: Callable[[str], int]) -> Episode:
    """A session as an episode.

    Args:
        view: its page.
        size_of: size of the file at a path of the site, in bytes; 0 where it is not known.
    """
    player = view.player
    enclosure = None
    if player and player.kind in {"video", "audio"}:
        mime = player.mime or ("video/mp4" if player.kind == "video" else "audio/mp4")
        enclosure = Enclosure(path=player.url, mime=mime, size_bytes=size_of(unquote(player.url)))
    return Episode(
        path=view.session.url,
        title=view.session.title,
        language=view.session.language,
        text="\n".join(ref.question for ref in view.answers) or view.head.description or view.session.title,
        at=view.session.starts_at,
        duration_ms=view.duration_ms,
        enclosure=enclosure,
        captions=player.captions if player else "",
        captions_language=player.captions_language if player else "",
        chapters=chapters_path(view),
        seats=tuple(
            Seat(name=person.title, role="host" if role == "host" else _GUEST, path=person.url)
            for person, role, _ in view.participants
        ),
    )


def render_chapters(marks: Iterable[Mark], address: Callable[[str], str]) -> bytes:
    """Chapters as JSON Chapters 1.2.0."""
    chapters = [
        {
            "startTime": mark.start_ms / 1000,
            "endTime": mark.end_ms / 1000,
            "title": mark.title,
            "url": address(mark.path),
        }
        for mark in marks
    ]
    data = {"version": "1.2.0", "chapters": chapters}
    return (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace")


def render_podcast(podcast: Podcast, base: str) -> bytes:
    """The podcast as RSS 2.0, for a site with a public address."""
    own = absolute(base, f"{podcast.folder}podcast.xml")
    page = absolute(base, podcast.folder)
    root = ET.Element("rss", {"version": "2.0"})
    channel = add(root, "channel")
    add(channel, "title", podcast.title)
    add(channel, "link", page)
    add(channel, "description", podcast.text or podcast.title)
    add(channel, "language", podcast.language)
    if podcast.episodes:
        add(channel, "lastBuildDate", _rfc_2822(podcast.episodes[0].at))
    add(channel, f"{{{ATOM}}}link", attributes={"rel": "self", "type": "application/rss+xml", "href": own})
    add(channel, _itunes("author"), podcast.owner)
    add(channel, _itunes("explicit"), "false")
    add(channel, _itunes("type"), "episodic")
    add(channel, _itunes("category"), attributes={"text": CATEGORY})
    if podcast.cover:
        add(channel, _itunes("image"), attributes={"href": absolute(base, podcast.cover)})
        image = add(channel, "image")
        add(image, "url", absolute(base, podcast.cover))
        add(image, "title", podcast.title)
        add(image, "link", page)
    add(channel, _podcast("guid"), str(uuid5(_GUIDS, own.split("://", 1)[-1].rstrip("/"))))
    add(channel, _podcast("medium"), "podcast")
    for episode in podcast.episodes[:EPISODES]:
        _add_episode(channel, episode, base)
    return serialise(root, {"atom": ATOM, "itunes": ITUNES, "podcast": PODCAST})


def _add_episode(channel: ET.Element, episode: Episode, base: str) -> None:
    item = add(channel, "item")
    add(item, "title", episode.title)
    add(item, "link", absolute(base, episode.path))
    add(item, "guid", plan_urn(f"session:{episode.path}"), {"isPermaLink": "false"})
    add(item, "pubDate", _rfc_2822(episode.at))
    add(item, "description", episode.text)
    if episode.enclosure:
        one = episode.enclosure
        url, size = absolute(base, one.path), str(one.size_bytes)
        add(item, "enclosure", attributes={"url": url, "length": size, "type": one.mime})
    if episode.duration_ms:
        add(item, _itunes("duration"), str(round(episode.duration_ms / 1000)))
    add(item, _itunes("episodeType"), "full")
    add(item, _itunes("explicit"), "false")
    if episode.captions:
        facts = {"type": "text/vtt", "language": episode.captions_language, "rel": "captions"}
        add(item, _podcast("transcript"), attributes={"url": absolute(base, episode.captions), **facts})
    if episode.chapters:
        add(item, _podcast("chapters"), attributes={"url": absolute(base, episode.chapters), "type": CHAPTERS_TYPE})
    for seat in episode.seats:
        href = {"href": absolute(base, seat.path)} if seat.path else {}
        add(item, _podcast("person"), seat.name, {"role": seat.role, **href})


def _rfc_2822(instant: datetime) -> str:
    return format_datetime(instant.astimezone(UTC))


def _itunes(name: str) -> str:
    return f"{{{ITUNES}}}{name}"


def _podcast(name: str) -> str:
    return f"{{{PODCAST}}}{name}"
