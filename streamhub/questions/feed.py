"""Feeds of comments as a source of contributions: RSS and Atom, read by feedparser out of bytes that we fetched.

Owns what an entry is. Whatever is wrong with a feed, its good entries are read. Refuses to know when a feed is read
and what a question is. feedparser never opens an address itself.

Source: RFC 4287 (Atom), www.rssboard.org/rss-specification, feedparser.readthedocs.io.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import feedparser

from streamhub.questions.guarded import Fetched, Guard, parse_url
from streamhub.questions.intake import Batch, Contribution
from streamhub.questions.markup import plan_text
from streamhub.questions.tongue import guess_language
from streamhub.questions.trouble import SourceCode, make_source_error
from streamhub.text import fold
from streamhub.timecode import Now

SOURCE = "feed"
NAME = "Feed"
EXAMPLE = "https://firma.de/blog/comments/feed/"
MAX_ENTRIES = 200
"""The newest entries of a feed that are looked at: a feed of comments is short."""
MAX_ENTRY = 50_000
_ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"


class Feeds:
    """Comments feeds at public addresses.

    Args:
        guard: fetches.
        now: the clock, for entries that do not say when they were written.
    """

    def __init__(self, guard: Guard, *, now: Now) -> None:
        self._guard = guard
        self._now = now

    async def probe(self, ref: str) -> str:
        """Look whether there is a feed at an address, and say what was seen.

        Raises:
            PlatformError: it cannot be fetched, or is no feed.
        """
        batch = await self.read(ref, "")
        return f"{ref}: {len(batch.contributions)} comments"

    async def read(self, ref: str, cursor: str) -> Batch:
        """The entries of a feed that the cursor does not know.

        Args:
            ref: the feed's address.
            cursor: which entries were seen, and what to ask the server with; empty at first.

        Raises:
            PlatformError: it cannot be fetched, or is no feed.
        """
        seen = _parse_cursor(cursor)
        fetched = await self._guard.fetch(ref, etag=seen.etag, last_modified=seen.last_modified, accept=_ACCEPT)
        if fetched.status == 304:
            return Batch(contributions=(), cursor=cursor, wait_s=0.0)
        # feedparser may think for a second about a large feed; the hub goes on meanwhile.
        entries = await asyncio.to_thread(parse_feed, fetched, ref, self._now())
        fresh = [entry for entry in entries if _digest(entry.ref) not in seen.refs]
        known = [_digest(entry.ref) for entry in entries]
        # What is in the feed now has to stay known, or it would be brought again; what left it may be forgotten later.
        refs = tuple(dict.fromkeys([*known, *seen.refs]))[: 2 * MAX_ENTRIES]
        state = _Seen(etag=fetched.etag, last_modified=fetched.last_modified, refs=refs)
        return Batch(contributions=tuple(fresh), cursor=_format_cursor(state), wait_s=0.0)


def parse_address(typed: str) -> str:
    """The address of a feed as a host types it; ``feed:`` in front of it does no harm.

    Raises:
        BadInput: it is no web address.
    """
    text = typed.strip()
    if text.lower().startswith("feed:"):
        text = text[5:].removeprefix("//")
    return parse_url(text)


def parse_feed(fetched: Fetched, address: str, now: datetime) -> list[Contribution]:
    """The entries of a feed, oldest first; those that say nothing are left out.

    Raises:
        PlatformError: it is no feed.
    """
    headers = {"content-type": fetched.content_type}  # and no address: feedparser would make ids whole with it
    try:
        parsed = feedparser.parse(io.BytesIO(fetched.body), response_headers=headers, sanitize_html=False)
    except Exception as error:  # a parser of hostile bytes may stumble in many ways; all of them mean the same
        raise make_source_error(SourceCode.NO_FEED, _place(address), reason=type(error).__name__) from error
    if not parsed.get("version") and not parsed.entries:
        raise make_source_error(SourceCode.NO_FEED, _place(address))
    language = str(parsed.feed.get("language", "") or "")[:2].lower()
    entries: Sequence[Mapping[str, Any]] = parsed.entries[:MAX_ENTRIES]
    found = [line for entry in entries if (line := _parse_entry(entry, address, language, now)) is not None]
    return sorted({line.ref: line for line in reversed(found)}.values(), key=lambda line: (line.at, line.ref))


def _parse_entry(entry: Mapping[str, Any], address: str, language: str, now: datetime) -> Contribution | None:
    link = _link_of(entry, address)
    text = _text_of(entry)
    if not text:
        return None
    at = _instant_of(entry, now)
    author = str(entry.get("author", "") or "")[:200]
    return Contribution(
        source=SOURCE,
        ref=_ref_of(entry, link, text, address),
        author=author,
        author_ref=f"{_place(address)}/{fold(author)}",
        text=text,
        at=min(at, now),
        url=link if link.startswith(("http://", "https://")) else "",
        named=bool(author),
        language=guess_language(text) or language,
    )


def _text_of(entry: Mapping[str, Any]) -> str:
    """What the entry says: the longest of its contents and its summary, else its title."""
    bodies = [str(part.get("value", "")) for part in entry.get("content", ())] + [str(entry.get("summary", ""))]
    texts = [plan_text(body[:MAX_ENTRY]).strip() for body in bodies if body]
    text = max(texts, key=len, default="")
    title = plan_text(str(entry.get("title", "") or "")[:1000]).strip()
    return text or title


def _link_of(entry: Mapping[str, Any], address: str) -> str:
    try:
        return urljoin(address, str(entry.get("link", "") or "")) if entry.get("link") else ""
    except ValueError:
        return ""


def _ref_of(entry: Mapping[str, Any], link: str, text: str, address: str) -> str:
    """What tells an entry from all others: its own id, else its link, else what it says."""
    own = str(entry.get("id", "") or "") or link
    if not own:
        own = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    everywhere = own.startswith(("http://", "https://", "tag:", "urn:"))
    ref = own if everywhere else f"{address}#{own}"
    return ref if len(ref) <= 300 else hashlib.sha256(ref.encode("utf-8", "replace")).hexdigest()


def _instant_of(entry: Mapping[str, Any], now: datetime) -> datetime:
    for name in ("published_parsed", "updated_parsed"):
        parsed = entry.get(name)
        if isinstance(parsed, time.struct_time):
            try:
                return datetime(*parsed[:6], tzinfo=UTC)
            except ValueError:
                continue
    return now


def _place(address: str) -> str:
    return urlsplit(address).hostname or address


# The cursor.


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    etag: str = ""
    last_modified: str = ""
    refs: tuple[str, ...] = ()


def _digest(ref: str) -> str:
    return hashlib.sha256(ref.encode("utf-8", "replace")).hexdigest()[:16]


def _parse_cursor(cursor: str) -> _Seen:
    try:
        kept = json.loads(cursor) if cursor else {}
        return _Seen(etag=str(kept.get("e", "")), last_modified=str(kept.get("m", "")), refs=tuple(kept.get("s", ())))
    except (ValueError, AttributeError, TypeError):
        return _Seen()  # begin with what is there: nothing is taken twice


def _format_cursor(seen: _Seen) -> str:
    return json.dumps({"e": seen.etag, "m": seen.last_modified, "s": list(seen.refs)}, separators=(",", ":"))
