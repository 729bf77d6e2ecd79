"""Google's documented rules for structured data, strict: what is required, what is forbidden, what must differ.

Written from the documentation of Search Central (VideoObject, Clip, BreadcrumbList, QAPage, ProfilePage, Event); knows
nothing of how the data is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

_LENGTH = re.compile(r"PT(?=\d)(\d+H)?(\d+M)?(\d+S)?")
_FORBIDDEN = {"QAPage", "FAQPage"}


def broken_rules(page: str, data: list[dict[str, Any]], canonical: str) -> list[str]:
    """Every rule that a page breaks.

    Args:
        page: its path, for the message.
        data: its JSON-LD, as an independent reader found it.
        canonical: its address for search engines.
    """
    problems = []
    for node in (found for item in data for found in _nodes(item)):
        kind = node.get("@type")
        if kind in _FORBIDDEN:
            problems.append(f"{kind} is not for pages on which visitors cannot answer")
        rule = _RULES.get(str(kind))
        problems += rule(node) if rule else []
    for one in (item for item in data if item.get("@type") in {"WebPage", "ProfilePage", "CollectionPage"}):
        if one.get("url") != canonical:
            problems.append(f"url {one.get('url')} is not the canonical {canonical}")
        if "breadcrumb" not in one:
            problems.append("no breadcrumb")
        for clip in (found for found in _nodes(one) if found.get("@type") == "Clip"):
            if urlsplit(clip["url"])._replace(query="").geturl() != canonical:
                problems.append(f"clip {clip['url']} is not on this page")
    return [f"{page}: {problem}" for problem in problems]


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _nodes(inner)


def _is_whole(url: Any) -> bool:
    return isinstance(url, str) and urlsplit(url).scheme in {"http", "https"} and bool(urlsplit(url).netloc)


def _missing(node: dict[str, Any], *names: str) -> list[str]:
    return [f"{node['@type']} without {name}" for name in names if node.get(name) in (None, "", [])]


def _check_video(node: dict[str, Any]) -> list[str]:
    problems = _missing(node, "name", "thumbnailUrl", "uploadDate", "description", "duration")
    if not (_is_whole(node.get("contentUrl")) or _is_whole(node.get("embedUrl"))):
        problems.append("VideoObject with neither contentUrl nor embedUrl")
    if not _is_whole(node.get("thumbnailUrl")):
        problems.append("thumbnailUrl is no whole address")
    if not problems and datetime.fromisoformat(node["uploadDate"]).tzinfo is None:
        problems.append("uploadDate without time zone")
    if not _LENGTH.fullmatch(str(node.get("duration"))):
        problems.append(f"duration {node.get('duration')}")
    starts = [clip.get("startOffset") for clip in node.get("hasPart", [])]
    if len(set(starts)) != len(starts):
        problems.append("two clips share a start")
    if starts and seconds_of(str(node.get("duration"))) < 30:
        problems.append("clips of a video under 30 s")
    return problems


def seconds_of(length: str) -> int:
    """Seconds of a length such as ``PT2M10S``."""
    return sum(int(n) * {"H": 3600, "M": 60, "S": 1}[unit] for n, unit in re.findall(r"(\d+)([HMS])", length))


def _check_clip(node: dict[str, Any]) -> list[str]:
    problems = _missing(node, "name", "url") + ([] if isinstance(node.get("startOffset"), int) else ["clip: no start"])
    if not problems and node["endOffset"] <= node["startOffset"]:
        problems.append("clip ends before it begins")
    if not re.fullmatch(r"t=\d+", urlsplit(str(node.get("url"))).query) or urlsplit(str(node.get("url"))).fragment:
        problems.append(f"clip {node.get('url')}: needs a query, no fragment")
    return problems


def _check_crumbs(node: dict[str, Any]) -> list[str]:
    items = node.get("itemListElement", [])
    problems = [] if len(items) >= 2 else ["fewer than two crumbs"]
    problems += [f"crumb {n} has position {i.get('position')}" for n, i in enumerate(items, 1) if i["position"] != n]
    problems += [f"crumb {item} says nothing" for item in items if not item.get("name") or not _is_whole(item["item"])]
    return problems


def _check_question(node: dict[str, Any]) -> list[str]:
    answer = node.get("acceptedAnswer") or {"@type": "Answer"}
    return _missing(node, "name", "text", "answerCount", "acceptedAnswer") + _missing(answer, "text", "url")


def _check_person(node: dict[str, Any]) -> list[str]:
    return _missing(node, "name")


def _check_site(node: dict[str, Any]) -> list[str]:
    return _missing(node, "name", "url")


def _check_event(node: dict[str, Any]) -> list[str]:
    """By the documentation of Event: name, startDate and location; times with their zone, in their order."""
    problems = _missing(node, "name", "startDate", "location", "eventStatus", "eventAttendanceMode")
    place = node.get("location") or {}
    if place.get("@type") != "VirtualLocation" or not _is_whole(place.get("url")):
        problems.append("Event online without the address of its place")
    if not problems:
        start, end = (datetime.fromisoformat(node.get(key) or node["startDate"]) for key in ("startDate", "endDate"))
        if start.tzinfo is None or end.tzinfo is None or end < start:
            problems.append(f"Event from {start} to {end}")
    return problems


_RULES = {
    "Event": _check_event,
    "VideoObject": _check_video,
    "Clip": _check_clip,
    "BreadcrumbList": _check_crumbs,
    "Question": _check_question,
    "Person": _check_person,
    "WebSite": _check_site,
}
