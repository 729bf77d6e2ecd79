"""Sitemaps with the extension for videos, split where the protocol wants it. Pure.

By https://www.sitemaps.org/protocol.html and Google's sitemap-video/1.1. Pages are written one after the other, so that
memory does not grow with the archive. Refuses to know what pages say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from streamhub.archive.structured import absolute
from streamhub.archive.views import AnswerRef, ClipView
from streamhub.archive.xml import format_utc, xml_text

SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
VIDEO = "http://www.google.com/schemas/sitemap-video/1.1"
MAX_PAGES = 50_000
MAX_BYTES = 50 * 1024 * 1024
_TITLE_LENGTH = 100
_DESCRIPTION_LENGTH = 2048
_LONGEST_VIDEO_S = 28_800


@dataclass(frozen=True, kw_only=True, slots=True)
class SitemapVideo:
    """A video on a page: paths or addresses of its picture and itself, and what it is about."""

    thumbnail: str
    title: str
    description: str
    content: str
    duration_ms: int
    published: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class SitemapPage:
    """A page that search engines may list.

    Attributes:
        path: of its file.
        changed: the day of what it shows; None where it shows lists.
        video: on it; None without one that has a picture of its own.
    """

    path: str
    changed: datetime | None = None
    video: SitemapVideo | None = None


def map_answer(ref: AnswerRef, clip: ClipView | None) -> SitemapPage:
    """The page of an answer, with its film where there is one with a still of its own."""
    video = None
    if clip and clip.video and clip.poster:
        video = SitemapVideo(
            thumbnail=clip.poster,
            title=ref.question,
            description=ref.excerpt or ref.question,
            content=clip.video,
            duration_ms=clip.duration_ms,
            published=ref.starts_at,
        )
    return SitemapPage(path=f"{ref.url}index.html", changed=ref.starts_at, video=video)


def render_sitemaps(
    base: str, pages: Iterable[SitemapPage], *, max_pages: int = MAX_PAGES, max_bytes: int = MAX_BYTES
) -> Iterator[tuple[str, bytes]]:
    """Every file: ``sitemap.xml`` alone, or as the index of ``sitemap-1.xml`` and so on.

    Args:
        base: public address of the site.
        pages: all of them; their order is kept.
        max_pages: of one file.
        max_bytes: of one file.
    """
    first: bytes | None = None
    newest: list[datetime | None] = []
    for number, (content, changed) in enumerate(_split(base, pages, max_pages, max_bytes), 1):
        newest.append(changed)
        if number == 1:
            first = content
            continue
        if number == 2 and first is not None:
            yield "sitemap-1.xml", first
        yield f"sitemap-{number}.xml", content
    if len(newest) > 1:
        yield "sitemap.xml", _render_index(base, newest)
    elif first is not None:
        yield "sitemap.xml", first


def _split(
    base: str, pages: Iterable[SitemapPage], max_pages: int, max_bytes: int
) -> Iterator[tuple[bytes, datetime | None]]:
    sheet = _Sheet()
    for page in pages:
        if sheet.pages and (sheet.pages >= max_pages or sheet.size + _bound(base, page) > max_bytes):
            yield sheet.close(), sheet.changed
            sheet = _Sheet()
        sheet.add(base, page)
    yield sheet.close(), sheet.changed


def _bound(base: str, page: SitemapPage) -> int:
    """More bytes than a page can take: every letter may be written as a reference."""
    texts = [base, page.path]
    if page.video:
        texts += [base, base, page.video.thumbnail, page.video.content, page.video.title, page.video.description]
    return 1024 + 6 * sum(len(text.encode("utf-8", "replace")) for text in texts)


class _Sheet:
    """One file in the making."""

    def __init__(self, root: str = "urlset") -> None:
        self._buffer = BytesIO()
        self._root = root
        self._writer = XMLGenerator(self._buffer, encoding="utf-8", short_empty_elements=True)
        self._writer.startDocument()
        names = {"xmlns": SITEMAP, **({"xmlns:video": VIDEO} if root == "urlset" else {})}
        self._writer.startElement(root, AttributesImpl(names))
        self.pages = 0
        self.changed: datetime | None = None

    @property
    def size(self) -> int:
        return self._buffer.tell()

    def add(self, base: str, page: SitemapPage) -> None:
        self.pages += 1
        if page.changed and (self.changed is None or page.changed > self.changed):
            self.changed = page.changed
        self._writer.characters("\n")
        self._writer.startElement("url", AttributesImpl({}))
        self._text("loc", absolute(base, page.path.removesuffix("index.html")))
        if page.changed:
            self._text("lastmod", format_utc(page.changed))
        if page.video:
            self._video(base, page.video)
        self._writer.endElement("url")

    def point(self, address: str, changed: datetime | None) -> None:
        """Add a file to an index."""
        self._writer.characters("\n")
        self._writer.startElement("sitemap", AttributesImpl({}))
        self._text("loc", address)
        if changed:
            self._text("lastmod", format_utc(changed))
        self._writer.endElement("sitemap")

    def close(self) -> bytes:
        self._writer.characters("\n")
        self._writer.endElement(self._root)
        self._writer.characters("\n")
        self._writer.endDocument()
        return self._buffer.getvalue()

    def _video(self, base: str, video: SitemapVideo) -> None:
        self._writer.startElement("video:video", AttributesImpl({}))
        self._text("video:thumbnail_loc", absolute(base, video.thumbnail))
        self._text("video:title", video.title[:_TITLE_LENGTH])
        self._text("video:description", video.description[:_DESCRIPTION_LENGTH])
        self._text("video:content_loc", absolute(base, video.content))
        seconds = round(video.duration_ms / 1000)
        if 1 <= seconds <= _LONGEST_VIDEO_S:
            self._text("video:duration", str(seconds))
        self._text("video:publication_date", format_utc(video.published))
        self._writer.endElement("video:video")

    def _text(self, name: str, text: str) -> None:
        self._writer.startElement(name, AttributesImpl({}))
        self._writer.characters(xml_text(text))
        self._writer.endElement(name)


def _render_index(base: str, newest: list[datetime | None]) -> bytes:
    sheet = _Sheet("sitemapindex")
    for number, changed in enumerate(newest, 1):
        sheet.point(absolute(base, f"sitemap-{number}.xml"), changed)
    return sheet.close()
