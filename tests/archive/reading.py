"""Reading generated pages back: a strict little HTML reader for the tests of the site."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
SVG_LEAVES = {"path"}


@dataclass
class Element:
    """A start tag as it stood in the page."""

    name: str
    attributes: dict[str, str]
    line: int


@dataclass
class Page(HTMLParser):
    """A page taken apart; `problems` says what a strict reader would reject."""

    html: str
    elements: list[Element] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    text: str = ""
    scripts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        HTMLParser.__init__(self, convert_charrefs=True)
        self._open: list[str] = []
        self.feed(self.html)
        self.close()
        self.problems += [f"<{name}> is not closed" for name in self._open]
        ids = [element.attributes["id"] for element in self.elements if "id" in element.attributes]
        self.problems += [f"id {one} is there twice" for one in {one for one in ids if ids.count(one) > 1}]
        self.ids = set(ids)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(set(names)) != len(names):
            self.problems.append(f"<{tag}> line {self.getpos()[0]}: an attribute is there twice")
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}, self.getpos()[0]))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()
            if tag not in SVG_LEAVES:
                self.problems.append(f"<{tag}/> is no element of HTML that closes itself")

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.problems.append(f"</{tag}> line {self.getpos()[0]} closes {self._open[-1:]}")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open[-1:] == ["script"]:
            self.scripts.append(data)
        else:
            self.text += data

    def all(self, name: str) -> list[Element]:
        """Every element of that name."""
        return [element for element in self.elements if element.name == name]

    def links(self) -> list[str]:
        """Every address that the page points to."""
        found = []
        for element in self.elements:
            for attribute in ("href", "src", "action", "data-src", "data-captions"):
                if attribute in element.attributes:
                    found.append(element.attributes[attribute])
        return found


def resolve(page: str, address: str) -> tuple[str, str] | None:
    """Path in the site and fragment that a relative address leads to; None for one that leads elsewhere."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None
    if not parts.path:
        return page, unquote(parts.fragment)
    steps = page.split("/")[:-1]
    for step in parts.path.split("/"):
        if step == "..":
            steps.pop()
        elif step not in {"", "."}:
            steps.append(unquote(step))
    path = "/".join(steps)
    if parts.path.endswith(("/", ".", "..")):
        path = f"{path}/index.html".lstrip("/")
    return path, unquote(parts.fragment)
