"""Listing: the pages of topics, products, people, shows and sessions, none of which grows without end. Pure.

``/topics/<slug>/`` shows the newest answers, ``/topics/<slug>/3/`` older ones; likewise products, people and shows.
``/sessions/`` shows the newest sessions, and where that is not all, ``/sessions/2027/`` those of a year. ``/topics/``
lists all titles while they are few, else the most used, and ``/topics/a-z/m/`` those of a letter.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from zoneinfo import ZoneInfo

from streamhub.archive.heads import Heads, phrase
from streamhub.archive.library import Label, Library
from streamhub.archive.outlets import Outlets
from streamhub.archive.pages import Printer
from streamhub.archive.paging import PAGE, count_older, cut_page
from streamhub.archive.plan import Part, Present, digest_of
from streamhub.archive.structured import absolute, describe_label, describe_show
from streamhub.archive.viewing import refer_label
from streamhub.archive.views import (
    Head,
    LabelRef,
    LabelsView,
    LabelView,
    SessionRef,
    SessionsView,
    ShowView,
    StepsView,
    WayView,
)
from streamhub.text import LANGUAGES

KINDS = ("topics", "products", "people")
FEW_LABELS = 400
"""So many titles are listed on one page."""
MOST_USED = 100
_OTHER = "#"
_OF_LISTS = {
    "topics": phrase("All topics with questions answered live"),
    "products": phrase("All products with questions answered live"),
    "people": phrase("Everybody who answered live"),
}
_OF_LABELS = {
    "topics": phrase("Answers about {title}, given live: word for word, to the second"),
    "products": phrase("Answers about {title}, given live: word for word, to the second"),
    "people": phrase("Answers by {title}, given live: word for word, to the second"),
}
"""What search engines say of a list, and of one of its labels."""


class Listing:
    """Plans the pages of lists, and names each to the outlets, which make feeds and the sitemap."""

    def __init__(self, library: Library, printer: Printer, heads: Heads, outlets: Outlets) -> None:
        self._library = library
        self._printer = printer
        self._heads = heads
        self._outlets = outlets
        self._session_digests = {gist.id: digest_of(gist.ref) for gist in library.sessions}

    # --- topics, products, people

    def plan_labels(self, kind: str) -> Iterator[Part]:
        """The list of all topics, products or people, and the pages and feeds of each."""
        labels: Mapping[str, Label] = getattr(self._library, kind)
        if not labels:
            return
        ordered = sorted(labels.values(), key=lambda label: (_letter(label.title), label.title.casefold()))
        for language in LANGUAGES:
            yield from self._title_pages(kind, language, list(map(refer_label, ordered)))
        for label in ordered:
            yield from self._label_pages(kind, label)
            newest = [self._library.answers[one].ref for one in cut_page(label.answers, 0)]
            yield self._outlets.plan_label(refer_label(label), newest)

    def _title_pages(self, kind: str, language: str, refs: list[LabelRef]) -> Iterator[Part]:
        """The titles by letter, on one page or on many."""
        letters = [(letter, tuple(found)) for letter, found in groupby(refs, key=lambda ref: _letter(ref.title))]
        about = _OF_LISTS[kind]
        make = partial(self._heads.make, language=language, title=kind.capitalize(), section=kind, description=about)
        if len(refs) <= FEW_LABELS:
            yield self._page("labels.html", LabelsView(head=make(f"{kind}/"), kind=kind, letters=tuple(letters)))
            return
        folders = [f"{kind}/a-z/{letter.lower() if letter != _OTHER else 'other'}/" for letter, _ in letters]
        root = self._heads.root(language)
        ways = tuple(
            WayView(title=letter, url=root + folder, count=len(found))
            for folder, (letter, found) in zip(folders, letters, strict=True)
        )
        used = tuple(sorted(refs, key=lambda ref: (-ref.answers, ref.title.casefold(), ref.url))[:MOST_USED])
        yield self._page("labels.html", LabelsView(head=make(f"{kind}/"), kind=kind, letters=(("", used),), ways=ways))
        for folder, one in zip(folders, letters, strict=True):
            yield self._page("labels.html", LabelsView(head=make(folder), kind=kind, letters=(one,), ways=ways))

    def _label_pages(self, kind: str, label: Label) -> Iterator[Part]:
        pages = 1 + max(count_older(len(label.answers)), count_older(len(label.sessions)))
        first = Head(
            path=f"{label.url}index.html",
            language=label.language,
            title=label.title,
            description=self._heads.say(label.language, _OF_LABELS[kind]).replace("{title}", label.title),
            section=kind,
            feed=label.url,
        )
        for number in range(pages):
            answers, sessions = cut_page(label.answers, number), cut_page(label.sessions, number)
            head, steps = _number(first, label.url, number, pages)
            self._outlets.add_page(head.path)
            ref = refer_label(label) if number == 0 else replace(refer_label(label), answers=0, sessions=0)
            said = list(map(self._library.digest_of, answers))
            seen = [self._session_digests[one] for one in sessions]
            yield Part(
                name=f"page {head.path}",
                digest=digest_of(self._printer.digest, kind, head, steps, ref, said, seen),
                make=self._maker(LabelView(head=head, kind=kind, label=ref, steps=steps), answers, sessions),
            )

    def _maker(
        self, bare: LabelView, answers: Sequence[str], sessions: Sequence[str]
    ) -> Callable[[Present], dict[str, bytes]]:
        def make(present: Present) -> dict[str, bytes]:
            view = replace(
                bare,
                answers=tuple(self._library.answers[one].ref for one in answers),
                sessions=tuple(self._library.by_id[one].ref for one in sessions),
            )
            data = describe_label(view, self._address, above=self._heads.above(view.kind, view.head.language))
            return {view.head.path: self._printer.print_page("label.html", view, data=data)}

        return make

    # --- sessions and shows

    def plan_sessions(self) -> Iterator[Part]:
        """All sessions by year, on one page or on one for each year."""
        refs = [gist.ref for gist in self._library.sessions]
        years = _by_year(refs)
        shown = _by_year(refs[:PAGE]) if len(refs) >= 2 * PAGE else years
        for language in LANGUAGES:
            root = self._heads.root(language)
            ways = tuple(
                WayView(title=str(year), url=f"{root}sessions/{year}/", count=len(found)) for year, found in years
            )
            for folder, found in [("", shown), *((f"{year}/", ((year, some),)) for year, some in years)]:
                about = phrase("All live sessions with their recordings and answers")
                where = f"sessions/{folder}"
                head = self._heads.make(where, language, "Sessions", section="sessions", description=about)
                view = SessionsView(head=head, years=found, ways=ways if len(refs) >= 2 * PAGE else ())
                yield self._page("sessions.html", view)
                if not view.ways:
                    break

    def plan_shows(self) -> Iterator[Part]:
        """The pages of each show that the outlets have gathered."""
        for show in self._outlets.list_shows():
            pages = 1 + count_older(len(show.sessions))
            for number in range(pages):
                about = self._heads.say(
                    show.head.language, phrase("{title}: all sessions, and the answers given in them")
                )
                first = replace(show.head, description=about.replace("{title}", show.head.title))
                head, steps = _number(first, show.head.feed, number, pages)
                view = replace(
                    show,
                    head=head,
                    sessions=tuple(cut_page(show.sessions, number)),
                    coming=show.coming if number == 0 else (),
                    total=len(show.sessions) if number == 0 else 0,
                    steps=steps,
                )
                data = describe_show(view, self._address, above=self._heads.above("sessions", head.language))
                yield self._page("show.html", view, data=data)

    def _page(self, template: str, view: LabelsView | SessionsView | ShowView, **more: object) -> Part:
        self._outlets.add_page(view.head.path)
        return self._printer.plan_page(template, view, **more)

    def _address(self, path: str) -> str:
        return absolute(self._printer.frame.url, path)


def _number(first: Head, url: str, number: int, pages: int) -> tuple[Head, StepsView]:
    """The head of a page of a list whose first page is at that address, and the ways to those beside it.

    An older page does not know how many there are: it changes once more, when the next one is there, and never again.
    """

    def at(one: int) -> str:
        return f"{url}{one}/" if one else url

    newest = pages - 1
    if number == 0:
        return first, StepsView(older=at(newest) if newest else "")
    older = at(number - 1) if number > 1 else ""
    head = replace(first, path=f"{url}{number}/index.html", title=f"{first.title} ({number})")
    return head, StepsView(newest=url, newer=at(number + 1) if number < newest else url, older=older)


def _by_year(refs: Sequence[SessionRef]) -> tuple[tuple[int, tuple[SessionRef, ...]], ...]:
    return tuple((year, tuple(found)) for year, found in groupby(sorted(refs, key=_year, reverse=True), _year))


def _year(ref: SessionRef) -> int:
    return ref.starts_at.astimezone(ZoneInfo(ref.zone)).year


def _letter(title: str) -> str:
    """Under which letter a title is listed: umlauts with their vowels, everything else under ``#``."""
    first = unicodedata.normalize("NFKD", title.strip()[:1].upper())[:1]
    return first if "A" <= first <= "Z" else _OTHER
