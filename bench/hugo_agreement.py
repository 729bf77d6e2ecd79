"""How far two pages agree that are meant to say the same: their words, links, cues, data, and in the end all elements.

White space counts as one space or none, addresses as what they lead to from the page, JSON as its values.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from bench.build_pages import ADDRESS

_ADDRESSES = frozenset({"href", "src", "action", "data-src", "data-captions"})
_SILENT = frozenset({"script", "style", "title", "textarea"})
_SPACE = re.compile(r"\s+")
_LD_JSON = "application/ld+json"

Element = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(kw_only=True, slots=True)
class Said:
    """What a page says.

    Attributes:
        words: visible text, without any space, since browsers show none where elements of their own line meet.
        head: of everything before the body: elements with their texts.
        links: what each link leads to, in order.
        cues: id, time and text of each cue.
        data: the values of its JSON-LD.
        elements: each element with its attributes, in order.
    """

    words: str = ""
    head: str = ""
    links: list[str] = field(default_factory=list)
    cues: list[str] = field(default_factory=list)
    data: list[Any] = field(default_factory=list)
    elements: list[Element] = field(default_factory=list)

    @property
    def nodes(self) -> int:
        """How many things its JSON-LD tells about."""
        return sum(map(_count_nodes, self.data))


def _count_nodes(value: Any) -> int:
    if isinstance(value, list):
        return sum(map(_count_nodes, value))
    if isinstance(value, dict):
        return ("@type" in value) + sum(map(_count_nodes, value.values()))
    return 0


class _Reader(HTMLParser):
    def __init__(self, address: str) -> None:
        super().__init__()
        self.said = Said()
        self._address = address
        self._open: list[str] = []
        self._is_data = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: self._plain(name, value or "") for name, value in attrs}
        self._is_data = named.get("type") == _LD_JSON
        self.said.elements.append((tag, tuple(sorted(named.items()))))
        if tag == "a" and "href" in named:
            self.said.links.append(named["href"])
        if named.get("class") == "cue":
            self.said.cues.append(f"{named['id']} {named['data-at']}")
        if tag in _SILENT or tag == "body":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._open[-1:] == [tag]:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        silent = self._open[-1:] and self._open[-1] in _SILENT
        if self._is_data and silent:
            self.said.data.append(json.loads(data))
        elif silent:
            self.said.head += _SPACE.sub(" ", data).strip()
        elif "body" in self._open:
            self.said.words += _SPACE.sub("", data)

    def _plain(self, name: str, value: str) -> str:
        if name in _ADDRESSES:
            return urljoin(self._address, value)
        return json.dumps(json.loads(value)) if name == "data-clock" else value


def read_page(root: Path, path: str) -> Said:
    """What the page at a path below a folder says."""
    reader = _Reader(f"{ADDRESS}/{path.removesuffix('index.html')}")
    reader.feed((root / path).read_text("utf-8"))
    reader.close()
    return reader.said


FIELDS = ("words", "head", "links", "cues", "data", "elements")


def compare(ours: Path, theirs: Path, paths: Iterable[str]) -> tuple[Counter[str], list[str]]:
    """Of pages at these paths, how many agree in each respect, counts of what they hold, and what differs."""
    counts: Counter[str] = Counter()
    differences: list[str] = []
    for path in paths:
        one, other = read_page(ours, path), read_page(theirs, path)
        counts["pages"] += 1
        counts["letters"] += len(one.words)
        counts["links of ours"] += len(one.links)
        counts["links of Hugo"] += len(other.links)
        counts["cues of ours"] += len(one.cues)
        counts["cues of Hugo"] += len(other.cues)
        counts["nodes of ours"] += one.nodes
        counts["nodes of Hugo"] += other.nodes
        for name in FIELDS:
            same = getattr(one, name) == getattr(other, name)
            counts[name] += same
            if not same:
                differences.append(f"{path} {name}: {_first(getattr(one, name), getattr(other, name))}")
    return counts, differences


def _first(one: Any, other: Any) -> str:
    """The first place where two texts or lists differ."""
    at = next(
        (i for i, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other))
    )
    near = slice(max(0, at - 20), at + 60) if isinstance(one, str) else slice(at, at + 1)
    return f"ours {one[near]!r}, Hugo's {other[near]!r}"
