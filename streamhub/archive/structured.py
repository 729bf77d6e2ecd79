"""Structured data (schema.org as JSON-LD) of the pages. Pure.

Follows Google's documented rules: answers are ``Question`` with ``acceptedAnswer`` on a ``WebPage``, never ``QAPage``
(visitors cannot answer); a video has a still of its own, and two crumbs lead to each page; ``Clip`` stands on the page
of the session, with a query and not a fragment.
Refuses to know templates; what goes into a page is escaped here, once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo

import msgspec

from streamhub.archive.catalogue import format_iso_length
from streamhub.archive.views import (
    AnswerRef,
    AnswerView,
    ComingView,
    EventView,
    LabelView,
    Named,
    PlayerView,
    SessionView,
    ShowView,
)

SHORTEST_VIDEO_MS = 30_000
_PLAIN_PATH = re.compile(r"(?:[\w-]+(?:\.[\w-]+)*(?:/|$))*(?:\?t=\d+)?", re.ASCII)
Address = Callable[[str], str]
"""Makes a path's address."""
Crumb = tuple[str, str]
"""Name and path of a page above."""
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def render_json_ld(data: Mapping[str, Any]) -> str:
    """JSON that can stand in a script element whatever its texts say."""
    text = msgspec.json.encode({"@context": "https://schema.org", **data}, order="sorted").decode()
    for character, escape in _ESCAPES.items():
        text = text.replace(character, escape)
    return text


def describe_answer(view: AnswerView, address: Address) -> dict[str, Any]:
    """The data of an answer's page; ``address`` makes an absolute address, or a relative one without a public site."""
    ref = view.answer
    page = address(ref.url)
    question: dict[str, Any] = {
        "@type": "Question",
        "name": ref.question,
        "text": ref.question,
        "inLanguage": ref.language,
        "answerCount": 1,
        "upvoteCount": ref.votes,
        "datePublished": ref.starts_at.isoformat(),
        "acceptedAnswer": {
            "@type": "Answer",
            "text": view.text or ref.question,
            "inLanguage": ref.language,
            "url": page,
            "datePublished": ref.starts_at.isoformat(),
            "author": [_person(person, address) for person in view.answerers],
        },
    }
    if view.asker:
        question["author"] = {"@type": "Person", "name": view.asker}
    data: dict[str, Any] = {
        "@type": "WebPage",
        "url": page,
        "name": ref.question,
        "inLanguage": ref.language,
        "datePublished": ref.starts_at.isoformat(),
        "mainEntity": question,
        "breadcrumb": _crumbs([(view.session.title, address(view.session.url)), (ref.question, page)]),
    }
    video = _answer_video(view, address)
    return data | ({"video": video} if video else {})


def _answer_video(view: AnswerView, address: Address) -> dict[str, Any] | None:
    """The film of an answer; without a still of its own it is none for search engines."""
    if view.clip is None or not view.clip.poster:
        return None
    ref, player = view.answer, view.player
    about = (ref.question, view.head.description, ref.starts_at, address(view.clip.poster))
    if view.clip.video:
        return _video(about, "contentUrl", address(view.clip.video), view.clip.duration_ms)
    if player is None or player.kind == "audio":
        return None
    return _video(about, *_whereabouts(player, address), player.end_ms - player.start_ms)


def describe_session(view: SessionView, address: Address, *, above: Crumb, still: str = "") -> dict[str, Any]:
    """The data of a session's page, its answers as clips.

    Args:
        view: the page.
        address: makes an absolute address, or a relative one without a public site.
        above: name and path of the list that the page belongs to.
        still: path of a picture of the recording; without one there is no video for search engines.
    """
    page = address(view.session.url)
    data: dict[str, Any] = {
        "@type": "WebPage",
        "url": page,
        "name": view.session.title,
        "inLanguage": view.session.language,
        "datePublished": view.session.starts_at.isoformat(),
        "breadcrumb": _crumbs([(above[0], address(above[1])), (view.session.title, page)]),
    }
    player = view.player
    if player is None or player.kind == "audio" or not still:
        return data
    about = (view.session.title, view.head.description, view.session.starts_at, address(still))
    video = _video(about, *_whereabouts(player, address), player.end_ms - player.start_ms)
    if video and player.end_ms >= SHORTEST_VIDEO_MS:
        clips: dict[int, dict[str, Any]] = {}
        for answer in view.answers:
            media_ms = to_media_ms(player, answer.start_ms)
            if media_ms is not None and answer.start_ms is not None:
                start_s = media_ms // 1000
                clips.setdefault(start_s, _clip(answer, start_s, f"{page}?t={answer.start_ms // 1000}"))
        if clips:
            video["hasPart"] = [clips[start_s] for start_s in sorted(clips)]
    return data | ({"video": video} if video else {})


def describe_label(view: LabelView, address: Address, *, above: Crumb) -> dict[str, Any]:
    """The data of the page of a topic, a product or a person; ``above`` as with a session."""
    page = address(view.head.path.removesuffix("index.html"))
    is_profile = view.kind == "people" and not view.steps.newest
    data: dict[str, Any] = {
        "@type": "ProfilePage" if is_profile else "CollectionPage",
        "url": page,
        "name": view.head.title,
        "inLanguage": view.label.language,
        "breadcrumb": _crumbs([(above[0], address(above[1])), (view.head.title, page)]),
    }
    if is_profile:
        person = {"@type": "Person", "name": view.label.title, "url": page}
        data["mainEntity"] = person | ({"description": view.label.about} if view.label.about else {})
    return data


def describe_show(view: ShowView, address: Address, *, above: Crumb) -> dict[str, Any]:
    """The data of a show's page; ``above`` as with a session."""
    folder = view.head.path.removesuffix("index.html")
    series: dict[str, Any] = {"@type": "CreativeWorkSeries", "name": view.head.title, "inLanguage": view.head.language}
    if view.has_podcast:
        series |= {"@type": "PodcastSeries", "webFeed": address(f"{view.head.feed}podcast.xml")}
    return {
        "@type": "CollectionPage",
        "url": address(folder),
        "name": view.head.title,
        "inLanguage": view.head.language,
        "breadcrumb": _crumbs([(above[0], address(above[1])), (view.head.title, address(folder))]),
        "mainEntity": series,
    }


def describe_event(view: EventView, address: Address, *, above: Crumb, organizer: str) -> dict[str, Any]:
    """The data of the page of an event, its sessions as parts of it; ``above`` as with a session."""
    page, zone = address(view.head.path.removesuffix("index.html")), ZoneInfo(view.zone)
    items = [*view.opening, *(item for day in view.days for item in day.items)]
    shared = {
        "eventAttendanceMode": "https://schema.org/OnlineEventAttendanceMode",
        "eventStatus": f"https://schema.org/{'EventCancelled' if view.cancelled else 'EventScheduled'}",
        "organizer": {"@type": "Organization", "name": organizer},
    }

    def tell(name: str, language: str, url: str, starts_at: datetime, ends_at: datetime) -> dict[str, Any]:
        ends = {"endDate": ends_at.astimezone(zone).isoformat()} if ends_at > starts_at else {}
        where = {"@type": "VirtualLocation", "url": url}
        when = {"startDate": starts_at.astimezone(zone).isoformat(), **ends}
        return {"@type": "Event", "name": name, "inLanguage": language, "url": url, "location": where, **when, **shared}

    first, last = min(one.starts_at for one in items), max(one.ends_at for one in items)
    whole = tell(view.title, view.head.language, page, first, last) | {"description": view.head.description}
    parts = [(one.session or one.coming, one) for one in items]
    whole["subEvent"] = [
        tell(part.title, part.language, address(one.url), one.starts_at, one.ends_at) for part, one in parts if part
    ]
    return {
        "@type": "CollectionPage",
        "url": page,
        "name": view.title,
        "inLanguage": view.head.language,
        "breadcrumb": _crumbs([(above[0], address(above[1])), (view.title, page)]),
        "mainEntity": whole,
    }


def describe_coming(view: ComingView, organizer: str) -> dict[str, Any]:
    """A coming or running session: the broadcast, and the event that it is of."""
    zone = ZoneInfo(view.zone)
    when = {
        "startDate": view.starts_at.astimezone(zone).isoformat(),
        "endDate": view.ends_at.astimezone(zone).isoformat(),
    }
    event = {
        "@type": "Event",
        "name": view.title,
        "description": view.text or view.show_title,
        "eventAttendanceMode": "https://schema.org/OnlineEventAttendanceMode",
        "eventStatus": "https://schema.org/EventScheduled",
        "location": {"@type": "VirtualLocation", "url": view.url},
        "organizer": {"@type": "Organization", "name": organizer},
        "inLanguage": view.language,
        "url": view.url,
        **when,
    }
    broadcast = {"@type": "BroadcastEvent", "name": view.title, "isLiveBroadcast": True, "url": view.url}
    return {**broadcast, **when, "broadcastOfEvent": event}


def describe_site(title: str, language: str, address: Address, coming: Iterable[ComingView] = ()) -> dict[str, Any]:
    """The data of the start page: what the site is called, and what is coming."""
    site = {"@type": "WebSite", "name": title, "url": address(""), "inLanguage": language}
    events = [describe_coming(view, title) for view in coming]
    return {"@graph": [site, *events]} if events else site


def _person(person: Named, address: Address) -> dict[str, Any]:
    url = {"url": address(person.url)} if person.url else {}
    return {"@type": "Person", "name": person.title, **url}


def _clip(answer: AnswerRef, start_s: int, url: str) -> dict[str, Any]:
    end_s = start_s + max(1, answer.duration_ms // 1000)
    return {"@type": "Clip", "name": answer.question, "startOffset": start_s, "endOffset": end_s, "url": url}


def to_media_ms(player: PlayerView, session_ms: int | None) -> int | None:
    """Where a moment of the session lies in the recording; None where it was not recorded."""
    for start, end, media_start, _ in player.clock:
        if session_ms is not None and start <= session_ms <= end:
            return media_start + session_ms - start
    return None


def _whereabouts(player: PlayerView, address: Address) -> tuple[str, str]:
    """Under which key a recording's address stands, and the address."""
    url = player.url if player.origin else address(player.url)
    return "embedUrl" if player.kind in {"frame", "link"} else "contentUrl", url


def _video(about: tuple[str, str, datetime, str], key: str, url: str, duration_ms: int) -> dict[str, Any] | None:
    """The video, when its address and its picture's are public."""
    name, description, uploaded_at, still = about
    if not (urlsplit(url).scheme and urlsplit(still).scheme):
        return None
    return {
        "@type": "VideoObject",
        "name": name,
        "description": description or name,
        "uploadDate": uploaded_at.isoformat(),
        "duration": format_iso_length(duration_ms),
        "thumbnailUrl": still,
        key: url,
    }


def _crumbs(steps: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": number, "name": name, "item": url}
            for number, (name, url) in enumerate(steps, 1)
        ],
    }


def absolute(base: str, path: str) -> str:
    """The public address of a path; the path itself when the site has no public address."""
    if not base:
        return path
    root = base.rstrip("/") + "/"
    return root + path if _PLAIN_PATH.fullmatch(path) else urljoin(root, path)
