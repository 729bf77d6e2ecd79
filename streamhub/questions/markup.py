"""Text from markup: what a reader of an HTML mail, post or comment sees, as lines; quoted blocks begin with ``>``.

Pure. The markup is made whole by a real HTML parser first, so that what follows meets no surprises.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

import nh3

MAX_DEPTH = 200
"""Markup that is nested deeper costs the parser time by the square of its depth; nobody writes such."""
MAX_MARKUP = 400_000
"""Longer markup is cut: nobody reads a question of that length."""

_BLOCKS = frozenset({"p", "div", "li", "tr", "table", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "pre"})
_PARAGRAPHS = frozenset({"p", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "pre"})
_KEPT = {*_BLOCKS, "br", "td", "th", "tbody", "thead", "blockquote", "span", "a", "b", "i", "em", "strong", "font", "u"}
_SILENT = {"script", "style", "head", "title", "template", "svg", "math"}
_NESTED = frozenset({"div", "blockquote", "ul", "ol", "table", "pre", "template", "svg", "math"})
"""Tags that may stand within themselves; the others end the one before."""
_STRUCTURE = frozenset({*_BLOCKS, *_SILENT, "br", "td", "th", "tbody", "thead", "blockquote", "html", "body"})
_TAG = re.compile(r"""<(/?)([a-z][a-z0-9:-]*+)(?:"[^"]*+"|'[^']*+'|[^"'<>])*+>""", re.IGNORECASE)


def plan_text(markup: str) -> str:
    """The text of markup, one line per block; blockquotes as mails quote, with ``>``."""
    whole = nh3.clean(
        _flatten(markup[:MAX_MARKUP]),
        tags=_KEPT,
        attributes={},
        clean_content_tags=_SILENT,
        strip_comments=True,
        link_rel=None,
    )
    reader = _Reader()
    reader.feed(whole)
    reader.close()
    return re.sub(r"\n{3,}", "\n\n", reader.text()).strip("\n")


def _flatten(markup: str) -> str:
    """The markup without tags that say nothing about lines, and with those that nest only so deep."""
    depth = dropped = 0

    def keep(tag: re.Match[str]) -> str:
        nonlocal depth, dropped
        closes, name = tag[1] == "/", tag[2].lower()
        if name not in _STRUCTURE:
            return ""
        if name not in _NESTED:
            return tag[0]
        if closes and dropped:
            dropped -= 1
            return ""
        if not closes and depth >= MAX_DEPTH:
            dropped += 1
            return ""
        depth = max(0, depth - 1) if closes else depth + 1
        return tag[0]

    return _TAG.sub(keep, markup)


class _Reader(HTMLParser):
    """Collects lines of text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line: list[str] = []
        self._depth = 0
        self._preformatted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._break(keep_empty=True)
        elif tag == "blockquote":
            self._break()
            self._depth += 1
        elif tag in _BLOCKS:
            self._break()
            self._preformatted += tag == "pre"
            if tag in _PARAGRAPHS:
                self._blank()
            if tag == "li":
                self._line.append("- ")
        elif tag in {"td", "th"}:
            self._line.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag == "blockquote":
            self._break()
            self._depth = max(0, self._depth - 1)
        elif tag in _BLOCKS:
            self._break()
            self._preformatted -= tag == "pre" and self._preformatted > 0
            if tag in _PARAGRAPHS:
                self._blank()

    def handle_data(self, data: str) -> None:
        if not self._preformatted:
            self._line.append(data)
            return
        first, *others = data.split("\n")
        self._line.append(first)
        for line in others:
            self._break(keep_empty=True)
            self._line.append(line)

    def text(self) -> str:
        """Everything read."""
        self._break()
        return "\n".join(self._lines)

    def _break(self, *, keep_empty: bool = False) -> None:
        line = " ".join("".join(self._line).split())
        self._line = []
        if line or keep_empty:
            self._lines.append("> " * min(self._depth, 9) + line)

    def _blank(self) -> None:
        if self._lines and self._lines[-1].strip("> "):
            self._lines.append("> " * min(self._depth, 9))
