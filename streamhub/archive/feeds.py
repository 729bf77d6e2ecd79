"""What machines read beside the pages: Atom feed, sitemap, robots.txt, headers, and answers as Markdown. Pure.

Refuses to know pages and disks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree as ET

from streamhub.archive.structured import absolute
from streamhub.archive.views import AnswerView
from streamhub.timecode import format_clock

FEED_ENTRIES = 50
ATOM = "http://www.w3.org/2005/Atom"
SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_NO_ANSWERS_YET = datetime(1970, 1, 1, tzinfo=UTC)


def xml_text(text: str) -> str:
    """The text without characters that XML cannot hold."""
    return "".join(c for c in text if c in "\t\n" or (c >= " " and c not in "\x7f\ufffe\uffff"))


def render_feed(title: str, language: str, base: str, entries: Sequence[AnswerView]) -> bytes:
    """The newest answers as Atom (RFC 4287); ids do not depend on where the site lies."""
    feed = ET.Element(f"{{{ATOM}}}feed", {_XML_LANG: language})
    newest = entries[:FEED_ENTRIES]
    updated = max((view.answer.starts_at for view in newest), default=_NO_ANSWERS_YET)
    _add(feed, "title", title)
    _add(feed, "id", _urn(f"site:{title}"))
    _add(feed, "updated", _instant(updated))
    _add(feed, "link", rel="self", type="application/atom+xml", href=absolute(base, "feed.xml"))
    _add(feed, "link", rel="alternate", type="text/html", href=absolute(base, "index.html" if not base else ""))
    for view in newest:
        _add_entry(feed, view, base, title)
    return _serialise(feed, ATOM)


def _add_entry(feed: ET.Element, view: AnswerView, base: str, site_title: str) -> None:
    ref = view.answer
    entry = ET.SubElement(feed, f"{{{ATOM}}}entry", {_XML_LANG: ref.language})
    _add(entry, "title", ref.question)
    _add(entry, "id", _urn(f"answer:{ref.id}"))
    _add(entry, "link", rel="alternate", type="text/html", href=absolute(base, ref.url if base else view.head.path))
    _add(entry, "published", _instant(ref.starts_at))
    _add(entry, "updated", _instant(ref.starts_at))
    for name in [person.title for person in view.answerers] or [view.show_title or site_title]:
        _add(ET.SubElement(entry, f"{{{ATOM}}}author"), "name", name)
    for topic in (*view.topics, *view.products):
        _add(entry, "category", term=topic.title)
    _add(entry, "summary", view.text or ref.question, type="text")


def _add(parent: ET.Element, name: str, text: str = "", **attributes: str) -> None:
    element = ET.SubElement(parent, f"{{{ATOM}}}{name}", {key: xml_text(value) for key, value in attributes.items()})
    element.text = xml_text(text) or None


def _urn(name: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'streamhub:{name}')}"


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _serialise(root: ET.Element, namespace: str) -> bytes:
    ET.register_namespace("", namespace)
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + text + b"\n"


def render_sitemap(base: str, pages: Iterable[tuple[str, datetime | None]]) -> bytes:
    """All pages that search engines may list, with the day of what they show."""
    root = ET.Element(f"{{{SITEMAP}}}urlset")
    for path, changed in sorted(pages, key=lambda page: page[0]):
        url = ET.SubElement(root, f"{{{SITEMAP}}}url")
        ET.SubElement(url, f"{{{SITEMAP}}}loc").text = absolute(base, path.removesuffix("index.html"))
        if changed:
            ET.SubElement(url, f"{{{SITEMAP}}}lastmod").text = _instant(changed)
    return _serialise(root, SITEMAP)


def render_robots(base: str) -> bytes:
    """Everybody may read everything; the sitemap is named where there is one."""
    lines = ["User-agent: *", "Allow: /"]
    if base:
        lines += ["", f"Sitemap: {absolute(base, 'sitemap.xml')}"]
    return ("\n".join(lines) + "\n").encode()


def render_headers(csp: str) -> bytes:
    """Headers for web hosts that read a file ``_headers``."""
    return (
        "/*\n"
        f"  Content-Security-Policy: {csp}; frame-ancestors 'self'\n"
        "  X-Content-Type-Options: nosniff\n"
        "  Referrer-Policy: strict-origin-when-cross-origin\n"
        "  Permissions-Policy: camera=(), microphone=(), geolocation=()\n"
        "/static/*\n"
        "  Cache-Control: public, max-age=86400\n"
        "/search/*/*.idx\n"
        "  Cache-Control: public, max-age=31536000, immutable\n"
        "/search/*/m.json\n"
        "  Cache-Control: no-cache\n"
    ).encode()


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
        lines += [view.body_markdown, ""]
    for turn in view.transcript.turns if view.transcript else ():
        first = turn.paragraphs[0][0]
        speaker = f"**{_flat(turn.speaker.title)}** " if turn.speaker.title else ""
        lines += [f"{speaker}({format_clock(first.at_ms)})", ""]
        for paragraph in turn.paragraphs:
            lines += [" ".join(_flat(cue.text) for cue in paragraph), ""]
    return ("\n".join(lines).rstrip() + "\n").encode("utf-8", "replace")


def _flat(text: str) -> str:
    return " ".join(text.split())
