"""Markdown as it comes from people: safe HTML for pages, plain text for search, feeds and descriptions.

Owns what of it may reach a page: text and links, nothing that loads, runs or reorders. Refuses to know pages.
"""

from __future__ import annotations

from collections.abc import Sequence

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

_PARSER = MarkdownIt("commonmark", {"html": False, "breaks": False}).enable("table").disable("image")
_TAGS = {
    *("p", "br", "hr", "em", "strong", "code", "pre", "blockquote", "ul", "ol", "li", "a"),
    *("h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
_LOWEST_HEADING = 6
_ENDS = frozenset(".!?…:;,–—-")


def render_markdown(text: str, *, under: int = 2) -> str:
    """Safe HTML of a Markdown text.

    Args:
        text: as a person wrote it.
        under: level of the heading that the text stands under; its own begin one below.
    """
    tokens = _PARSER.parse(text)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1]) + under, _LOWEST_HEADING)}"
    html = _PARSER.renderer.render(tokens, _PARSER.options, {})
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener nofollow",
    ).strip()


def plain_text(text: str) -> str:
    """The words of a Markdown text, in one line; where a block ends without a mark of its own it gets one."""
    blocks = [flat for block in _words(_PARSER.parse(text)) if (flat := " ".join(block.split()))]
    return "".join(one + (" " if one[-1] in _ENDS else "; ") for one in blocks[:-1]) + (blocks[-1] if blocks else "")


def plain_paragraphs(text: str) -> str:
    """The words of a Markdown text, its blocks apart by an empty line."""
    blocks = (" ".join(block.split()) for block in _words(_PARSER.parse(text)))
    return "\n\n".join(block for block in blocks if block)


def _words(tokens: Sequence[Token]) -> list[str]:
    found: list[str] = []
    for token in tokens:
        if token.type == "inline":
            found.append("".join(_inline(child) for child in token.children or []))
        elif token.type in {"code_block", "fence"}:
            found.append(token.content)
    return found


def _inline(token: Token) -> str:
    return " " if token.type in {"softbreak", "hardbreak"} else token.content


def cut_text(text: str, *, max_length: int) -> str:
    """The beginning of a text, cut between words, with an ellipsis where something is missing."""
    flat = " ".join(text[: 2 * max_length].split())  # nearly always enough of a long text
    if len(flat) <= max_length < len(text):
        flat = " ".join(text.split())
    if len(flat) <= max_length:
        return flat
    head = flat[: max_length - 1]
    return (head.rsplit(" ", 1)[0] if " " in head else head).rstrip(" ,;:–-") + "\u00a0…"
