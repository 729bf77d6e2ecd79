"""A personal feed as Atom (RFC 4287). Pure; knows nothing of questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree as ET

_ATOM = "http://www.w3.org/2005/Atom"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_EMPTY = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedEntry:
    """One entry.

    Attributes:
        id: anything that never changes for this piece of news.
        title, summary: plain text.
        url: where it stands, whole.
        language: of title and summary.
        updated: when it became so, UTC.
    """

    id: str
    title: str
    summary: str
    url: str
    language: str
    updated: datetime


def render_feed(title: str, language: str, own_url: str, page_url: str, entries: Sequence[FeedEntry]) -> bytes:
    """The feed; its id is its own address, which stays."""
    feed = ET.Element(f"{{{_ATOM}}}feed", {_XML_LANG: language})
    _add(feed, "title", title)
    _add(feed, "id", _urn(own_url))
    _add(feed, "updated", _instant(max((entry.updated for entry in entries), default=_EMPTY)))
    _add(feed, "link", rel="self", type="application/atom+xml", href=own_url)
    _add(feed, "link", rel="alternate", type="text/html", href=page_url)
    _add(ET.SubElement(feed, f"{{{_ATOM}}}author"), "name", title)
    for entry in entries:
        item = ET.SubElement(feed, f"{{{_ATOM}}}entry", {_XML_LANG: entry.language})
        _add(item, "title", entry.title)
        _add(item, "id", _urn(entry.id))
        _add(item, "link", rel="alternate", type="text/html", href=entry.url)
        _add(item, "updated", _instant(entry.updated))
        _add(item, "summary", entry.summary, type="text")
    ET.register_namespace("", _ATOM)
    text: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _add(parent: ET.Element, name: str, text: str = "", **attributes: str) -> None:
    element = ET.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
    element.text = "".join(c for c in text if c in "\t\n" or (c >= " " and c not in "\x7f\ufffe\uffff")) or None


def _urn(name: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'streamhub:{name}')}"


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
