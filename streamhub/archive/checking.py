"""Checking a built site: what would be wrong for readers, found in its files alone.

Knows the rules of the web and nothing of how pages are made: HTML is read by a parser that knows the standard's own
errors, links are followed to files and fragments, data and feeds are parsed. Reads; writes nothing.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import html5lib
from html5lib.constants import E as HTML_ERRORS
from icalendar import Calendar

from streamhub.archive.deploying import find_files
from streamhub.errors import StreamhubError
from streamhub.transcript.vtt import parse_vtt

PAGE_BUDGET_BYTES = 40_000
"""Of an answer's page, its styles and its scripts, compressed; the player comes on top."""
_LINKS = ("href", "src", "action", "poster", "data-src", "data-captions", "data-track")
_FEEDS = {
    "feed.xml": "{http://www.w3.org/2005/Atom}feed",
    "podcast.xml": "rss",
    "opensearch.xml": "{http://a9.com/-/spec/opensearch/1.1/}OpenSearchDescription",
}
_LEAF = re.compile(
    r"""<(span|time|a)((?: [a-z-]+="[^"<>&\0]*")*)>((?=[^<]*[^<\s])(?:[^<&\0]|&(?:amp|lt|gt|#3[49]);)+)</\1>"""
)
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')
_LINK_TURNS = re.compile(r"<(/?)a[\s>]")
_ID = re.compile(rb"""\sid=(?:"([^"]*)"|'([^']*)')""")


@dataclass(frozen=True, kw_only=True, slots=True)
class Flaw:
    """Something that is wrong: in which file, in which line (0 for the whole), and what."""

    path: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}{f':{self.line}' if self.line else ''}: {self.reason}"


class SiteCheck:
    """Checks one built site.

    Args:
        public: its folder.
        base: its public address; links to it are its own. Empty for none.

    Raises:
        BadInput: there is no site.
    """

    def __init__(self, public: Path, base: str = "") -> None:
        self._files = find_files(public)
        self._base = f"{base.rstrip('/')}/" if base else ""
        self._fragments: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._sizes = lru_cache(maxsize=None)(lambda path: packed_size(self._files[path].read_bytes()))

    def __len__(self) -> int:
        return len(self._files)

    def find_flaws(self) -> Iterator[Flaw]:
        """Everything that is wrong, file by file; fragments at the end."""
        for path, file in self._files.items():
            if path.endswith(".html"):
                yield from self._check_page(path, file.read_bytes())
            else:
                yield from _check_data(path, file)
        for target, wanted in sorted(self._fragments.items()):
            ids = {(one or other).decode() for one, other in _ID.findall(self._files[target].read_bytes())}
            for fragment, source in sorted(wanted.items()):
                if fragment not in ids:
                    yield Flaw(path=source, line=0, reason=f"leads to {target}#{fragment}, and there is no such place")

    def _check_page(self, path: str, content: bytes) -> Iterator[Flaw]:
        whole = content.lstrip()[:15].lower() == b"<!doctype html>"
        text, leaves = _take_leaves(content.decode("utf-8", "replace"))
        parser = html5lib.HTMLParser(namespaceHTMLElements=False)
        tree = parser.parse(text) if whole else parser.parseFragment(text)
        for (line, _), code, facts in parser.errors:
            if whole or code != "expected-doctype-but-got-start-tag":
                yield Flaw(path=path, line=line, reason=_say(code, facts))
        elements = [*(one for one in tree.iter() if isinstance(one.tag, str)), *leaves]
        yield from _check_elements(path, elements, whole=whole)
        for element in elements:
            for address in (element.get(name) for name in _LINKS):
                if address is not None:
                    yield from self._follow(path, address)
        if re.fullmatch(r"a/[^/]+/index\.html", path):
            size = packed_size(content) + sum(self._sizes(one) for one in self._needs(path, elements))
            if size > PAGE_BUDGET_BYTES:
                reason = f"is {size} bytes compressed with styles and scripts, the budget is {PAGE_BUDGET_BYTES}"
                yield Flaw(path=path, line=0, reason=reason)

    def _needs(self, path: str, elements: Iterable[Any]) -> set[str]:
        """Styles and scripts that a page loads, without the player."""
        found = set()
        for element in elements:
            address = element.get("src") if element.tag == "script" else None
            if element.tag == "link" and element.get("rel") == "stylesheet":
                address = element.get("href")
            target = self._resolve(path, address) if address else None
            if target and target[0] in self._files and not target[0].startswith("static/player"):
                found.add(target[0])
        return found

    def _follow(self, page: str, address: str) -> Iterator[Flaw]:
        target = self._resolve(page, address)
        if target is None:
            return
        path, fragment = target
        if path not in self._files:
            yield Flaw(path=page, line=0, reason=f"leads to {address}, and there is no file {path}")
        elif fragment and path.endswith(".html"):
            self._fragments[path].setdefault(fragment, page)

    def _resolve(self, page: str, address: str) -> tuple[str, str] | None:
        """File and fragment that an address inside the site leads to; None for one that leads elsewhere."""
        inside = address
        if self._base and address.startswith((self._base, self._base.rstrip("/") + "#")):
            inside, page = address[len(self._base) :] or "./", "index.html"
        parts = urlsplit(inside)
        if parts.scheme or parts.netloc:
            return None
        if not parts.path:
            return page, unquote(parts.fragment)
        steps = page.split("/")[:-1]
        for step in parts.path.split("/"):
            if step == "..":
                steps = steps[:-1] if steps else ["..", *steps]
            elif step not in {"", "."}:
                steps.append(unquote(step))
        path = "/".join(steps)
        if parts.path.endswith(("/", ".", "..")):
            path = f"{path}/index.html".lstrip("/")
        return path, unquote(parts.fragment)


def _take_leaves(text: str) -> tuple[str, list[ET.Element]]:
    """A page whose inline elements that hold words alone are replaced by these words, and those elements.

    Written as they are, they cannot be wrong where words may stand, and the parser takes long for each. Links within
    links would be, so that a page in which they do not take turns is left whole.
    """
    turns = _LINK_TURNS.findall(text)
    if turns != ["", "/"] * (len(turns) // 2):
        return text, []
    leaves: list[ET.Element] = []

    def take(match: re.Match[str]) -> str:
        attributes = dict(_ATTRIBUTE.findall(match[2]))
        if len(attributes) != match[2].count('="'):
            return match[0]
        leaves.append(ET.Element(match[1], attributes))
        return match[3]

    for _ in range(2):  # a link in a cue, then the cue
        text = _LEAF.sub(take, text)
    return text, leaves


def packed_size(content: bytes) -> int:
    """Bytes on the way, as web hosts compress."""
    return len(gzip.compress(content, 6, mtime=0))


def _say(code: str, facts: dict[str, Any]) -> str:
    """A parser's error in its own words."""
    try:
        return str(HTML_ERRORS[code] % facts)
    except (KeyError, TypeError, ValueError):
        return code


def _check_elements(path: str, elements: list[Any], *, whole: bool) -> Iterator[Flaw]:
    """What a page must have, and what the site's own policy would refuse to run."""
    ids: set[str] = set()
    headings = 0
    for one in elements:
        if (name := one.get("id")) is not None:
            if name in ids:
                yield Flaw(path=path, line=0, reason=f"id {name} is there twice")
            ids.add(name)
        headings += one.tag == "h1"
        if one.tag == "img" and one.get("alt") is None:
            yield Flaw(path=path, line=0, reason=f"picture {one.get('src')} has no alt text")
        if one.tag == "html" and whole and not (one.get("lang") or "").strip():
            yield Flaw(path=path, line=0, reason="the page does not say its language")
        if one.tag == "title" and whole and not (one.text or "").strip():
            yield Flaw(path=path, line=0, reason="the title is empty")
        if one.get("style") is not None or any(key.startswith("on") for key in one.attrib if isinstance(key, str)):
            yield Flaw(path=path, line=0, reason=f"<{one.tag}> has inline style or script, which the policy refuses")
        if one.tag == "script" and one.get("src") is None:
            yield from _check_script(path, one)
    if whole and headings != 1:
        yield Flaw(path=path, line=0, reason=f"has {headings} main headings (h1), should have one")


def _check_script(path: str, element: Any) -> Iterator[Flaw]:
    if element.get("type") not in {"application/ld+json", "application/json"}:
        yield Flaw(path=path, line=0, reason="has an inline script, which the policy refuses")
        return
    try:
        json.loads(element.text or "")
    except ValueError as error:
        yield Flaw(path=path, line=0, reason=f"structured data: {error}")


def _check_data(path: str, file: Path) -> Iterator[Flaw]:
    """Data and feeds: whether they can be read at all, and are what their name says."""
    name = path.rpartition("/")[2]
    try:
        if name.endswith(".xml"):
            root = ET.fromstring(file.read_bytes())  # noqa: S314 - our own files, written a moment ago
            if root.tag != _FEEDS.get(name, root.tag):
                yield Flaw(path=path, line=0, reason=f"is <{root.tag}>, should be <{_FEEDS[name]}>")
        elif name.endswith(".json"):
            json.loads(file.read_bytes())
        elif name.endswith(".ics"):
            Calendar.from_ical(file.read_bytes())
        elif name.endswith(".vtt"):
            parse_vtt(file.read_text("utf-8"), path)
    except ET.ParseError as error:
        yield Flaw(path=path, line=error.position[0], reason=str(error))
    except StreamhubError as error:
        yield Flaw(path=path, line=0, reason=error.message)
    except ValueError as error:
        yield Flaw(path=path, line=0, reason=str(error))
