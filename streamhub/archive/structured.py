"""Structured data (schema.org as JSON-LD) of the pages. Pure.

Follows Google's documented rules: answers are ``Question`` with ``acceptedAnswer`` on a ``WebPage``, never ``QAPage``
(visitors cannot answer); ``Clip`` stands on the page of the session, with a query and not a fragment.
Refuses to know templates; what goes into a page is escaped here, once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from streamhub.archive.catalogue import format_iso_length
from streamhub.archive.views import AnswerRef, AnswerView, PlayerView, SessionView

SHORTEST_VIDEO_MS = 30_000
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def render_json_ld(data: Mapping[str, Any]) -> str:
    """JSON that can stand in a script element whatever its texts say."""
    text = json.dumps({"@context": "https://schema.org", **data}, ensure_ascii=False, sort_keys=True)
    for character, escape in _ESCAPES.items():
        text = text.replace(character, escape)
    return text


def describe_answer(view: AnswerView, address: Callable[[str], str]) -> dict[str, Any]:
    """The data of an answer's page; ``address`` makes an absolute address, or a relative one without a public site."""
    ref = view.answer
    page = address(ref.url)
    question: dict[str, Any] = {
        "@type": "Question",
        "name": ref.question,
        "text": ref.question,
        "inLanguage": ref.language,
        "answerCount": 1,
        "acceptedAnswer": {
            "@type": "Answer",
            "text": view.text or ref.question,
            "inLanguage": ref.language,
            "url": page,
            "author": [{"@type": "Person", "name": person.title} for person in view.answerers],
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
    video = _video(view.player, ref.question, view.head.description, ref, address)
    if video and view.clip and urlsplit(page).scheme:
        if view.clip.poster:
            video["thumbnailUrl"] = address(view.clip.poster)
        if view.clip.video:
            video |= {"contentUrl": address(view.clip.video), "duration": format_iso_length(view.clip.duration_ms)}
    return data | ({"video": video} if video else {})


def describe_session(view: SessionView, address: Callable[[str], str]) -> dict[str, Any]:
    """The data of a session's page, its answers as clips."""
    page = address(view.session.url)
    data: dict[str, Any] = {
        "@type": "WebPage",
        "url": page,
        "name": view.session.title,
        "inLanguage": view.session.language,
        "datePublished": view.session.starts_at.isoformat(),
        "breadcrumb": _crumbs([(view.session.title, page)]),
    }
    video = _video(view.player, view.session.title, view.head.description, view.session, address)
    if video and view.player and view.player.end_ms >= SHORTEST_VIDEO_MS:
        clips: dict[int, dict[str, Any]] = {}
        for answer in view.answers:
            start_s = _media_s(view.player, answer.start_ms)
            if start_s is not None and answer.start_ms is not None:
                clips.setdefault(start_s, _clip(answer, start_s, f"{page}?t={answer.start_ms // 1000}"))
        if clips:
            video["hasPart"] = [clips[start_s] for start_s in sorted(clips)]
    return data | ({"video": video} if video else {})


def _clip(answer: AnswerRef, start_s: int, url: str) -> dict[str, Any]:
    end_s = start_s + max(1, answer.duration_ms // 1000)
    return {"@type": "Clip", "name": answer.question, "startOffset": start_s, "endOffset": end_s, "url": url}


def _media_s(player: PlayerView, session_ms: int | None) -> int | None:
    for start, end, media_start, _ in player.clock:
        if session_ms is not None and start <= session_ms <= end:
            return (media_start + session_ms - start) // 1000
    return None


def _video(
    player: PlayerView | None, name: str, description: str, when: Any, address: Callable[[str], str]
) -> dict[str, Any] | None:
    """The video, when its address is public; the page's maker adds a picture where there is one."""
    if player is None or player.kind == "audio":
        return None
    url = player.url if player.origin else address(player.url)
    if not urlsplit(url).scheme:
        return None
    return {
        "@type": "VideoObject",
        "name": name,
        "description": description or name,
        "uploadDate": when.starts_at.isoformat(),
        "duration": format_iso_length(player.end_ms - player.start_ms),
        "embedUrl" if player.kind == "link" else "contentUrl": url,
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
    return urljoin(base.rstrip("/") + "/", path) if base else path
