"""Embedding: per answer and per list, everything that another page can show of it.

Beside the data of `streamhub.archive.embeds` that is a small page for a frame, ``/embed/<address of the page>``, and an
oEmbed answer (https://oembed.com, found by the link in the page's head; a static host cannot answer questions).
Owns which of these files there are. Takes views one at a time, and refuses to know the archive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import escape

from streamhub.archive.embeds import (
    ListedAnswer,
    ListPage,
    ListView,
    encode,
    render_answer,
    render_list_page,
    render_replaced,
    short_text,
)
from streamhub.archive.pages import Frame, Printer
from streamhub.archive.structured import absolute
from streamhub.archive.views import AnswerRef, AnswerView, Head, LabelRef, Named, ReplacedView

FOLDER = "embed/"
ALL_ANSWERS = "answers/"
"""Where the frame with all answers lies below it: the folder itself is the builder's."""
FRAME_ANSWERS = 10
"""Answers in a frame with a list."""
BUILDER_LABELS = 300
"""Topics, products and people that the builder offers; others are named by the address of their page."""
FRAME_WIDTH = 640
FRAME_HEIGHT = 360
SHARE_SIZE = (1200, 630)
_CACHE_S = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameView:
    """A page for a frame.

    Attributes:
        head: its path, language and title.
        url: the page that it is made from.
        answers: one answer, or those of a list.
        text: of the one answer.
        people, session, show: of the one answer.
        is_list: whether it shows a list.
        state: ``published`` or ``superseded``.
        successor: what took the place of a superseded answer.
    """

    head: Head
    url: str
    answers: tuple[AnswerRef, ...]
    text: str = ""
    people: tuple[str, ...] = ()
    session: str = ""
    show: str = ""
    is_list: bool = False
    state: str = "published"
    successor: AnswerRef | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class BuilderView:
    """The page that makes the line to paste: what a list can be narrowed by, the most used first, sorted by title."""

    head: Head
    topics: tuple[Named, ...]
    products: tuple[Named, ...]
    people: tuple[Named, ...]


class Embedder:
    """Makes the files of embeds.

    Args:
        printer: prints the pages for frames.
        frame: what is around every page: title, address, licence.
    """

    def __init__(self, printer: Printer, frame: Frame) -> None:
        self._printer = printer
        self._frame = frame

    def answer_files(self, view: AnswerView) -> dict[str, bytes]:
        """The files of a published answer, by path."""
        ref = view.answer
        head = _head(ref.url, ref.language, view.head.title)
        page = FrameView(
            head=head,
            url=ref.url,
            answers=(ref,),
            text=short_text(view),
            people=tuple(person.title for person in view.answerers),
            session=view.session.title,
            show=view.show_title,
        )
        files = {
            f"{ref.url}answer.json": render_answer(view, self._frame.licence),
            head.path: self._printer.print_page("embed.html", page),
        }
        if self._frame.url:
            files[f"{ref.url}oembed.json"] = render_oembed(view, self._frame.title, self._address)
        return files

    def replaced_files(self, view: ReplacedView) -> dict[str, bytes]:
        """The files of a superseded answer, by path; whoever shows it learns what took its place."""
        ref = view.answer
        head = _head(ref.url, ref.language, view.head.title)
        page = FrameView(head=head, url=ref.url, answers=(ref,), state="superseded", successor=view.successor)
        return {
            f"{ref.url}answer.json": render_replaced(view),
            head.path: self._printer.print_page("embed.html", page),
        }

    def list_files(self, about: ListView, page: ListPage, answers: Sequence[ListedAnswer]) -> dict[str, bytes]:
        """The files of a page of a list, by path; the newest comes with a page for a frame."""
        files = {f"{about.folder}{page.name}": render_list_page(about, page, answers, self._frame.licence)}
        if not page.is_newest:
            return files
        head = _head(about.folder or ALL_ANSWERS, about.language, about.title, canonical=about.folder)
        refs = tuple(one.ref for one in answers[:FRAME_ANSWERS])
        view = FrameView(head=head, url=about.folder, answers=refs, is_list=True)
        return files | {head.path: self._printer.print_page("embed.html", view)}

    def _address(self, path: str) -> str:
        return absolute(self._frame.url, path)


def _head(folder: str, language: str, title: str, *, canonical: str | None = None) -> Head:
    path = f"{FOLDER}{folder}index.html"
    page = folder if canonical is None else canonical
    return Head(path=path, language=language, title=title, canonical=page, indexed=False)


def render_oembed(view: AnswerView, title: str, address: Callable[[str], str]) -> bytes:
    """The oEmbed answer of an answer's page: a frame with the answer, as ``rich``."""
    ref = view.answer
    data: dict[str, Any] = {
        "version": "1.0",
        "type": "rich",
        "title": ref.question,
        "author_name": ", ".join(ref.answerers),
        "provider_name": title,
        "provider_url": address(""),
        "cache_age": _CACHE_S,
        "html": plan_frame(address(FOLDER + ref.url), ref.question),
        "width": FRAME_WIDTH,
        "height": FRAME_HEIGHT,
    }
    if view.clip and view.clip.share:
        width, height = SHARE_SIZE
        data |= {
            "thumbnail_url": address(view.clip.share),
            "thumbnail_width": width,
            "thumbnail_height": height,
        }
    return encode({name: value for name, value in data.items() if value != ""})


def plan_frame(address: str, title: str) -> str:
    """The line of HTML with a frame; it may open links in new windows and run no script."""
    return (
        f'<iframe src="{escape(address)}" title="{escape(title)}" width="{FRAME_WIDTH}" height="{FRAME_HEIGHT}" '
        'loading="lazy" referrerpolicy="no-referrer" sandbox="allow-popups allow-popups-to-escape-sandbox"></iframe>'
    )


def choose_labels(labels: Sequence[LabelRef]) -> tuple[Named, ...]:
    """What the builder offers of topics, products or people."""
    used = sorted((ref for ref in labels if ref.answers), key=lambda ref: (-ref.answers, ref.title.casefold(), ref.url))
    chosen = sorted(used[:BUILDER_LABELS], key=lambda ref: (ref.title.casefold(), ref.url))
    return tuple(Named(title=ref.title, url=ref.url) for ref in chosen)
