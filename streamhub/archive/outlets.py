"""Outlets: everything that machines read beside the pages, gathered one answer and one session at a time. Pure.

Keeps of each answer and session only what lists of them say, so that memory does not grow with what was said. Owns
where these files lie:

- ``feed.xml``, ``feed.json``, ``calendar.ics`` of the whole site, ``feed.xml`` and ``feed.json`` beside the page of
  each topic, product, person and show, ``podcast.xml`` and ``calendar.ics`` beside that of a show;
- ``s/<session>/chapters.json``, ``opensearch.xml``, ``sitemap.xml``, ``robots.txt``, ``_headers``.

What is useless without whole addresses (JSON Feed, podcast, OpenSearch, sitemap) needs the site's public address.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import nlargest
from itertools import islice

from streamhub.archive import hosting
from streamhub.archive.agenda import PAST_APPOINTMENTS, Appointment, plan_appointment, plan_coming, render_calendar
from streamhub.archive.embeds import COMING_PATH, render_next
from streamhub.archive.feeds import (
    FEED_ENTRIES,
    Entry,
    Feed,
    enter_answer,
    enter_reference,
    render_atom,
    render_json_feed,
)
from streamhub.archive.opensearch import render_opensearch
from streamhub.archive.plan import Content, Part, digest_of
from streamhub.archive.podcast import (
    EPISODES,
    Episode,
    Podcast,
    chapters_path,
    plan_episode,
    plan_marks,
    render_chapters,
    render_podcast,
)
from streamhub.archive.sitemap import SitemapPage, map_answer, render_sitemaps
from streamhub.archive.structured import absolute
from streamhub.archive.views import (
    AnswerRef,
    AnswerView,
    ClipView,
    ComingView,
    Head,
    LabelRef,
    SessionRef,
    SessionView,
    ShowView,
)

COVER = "static/cover.jpg"
"""A square picture for podcasts that an owner may lay into the theme."""


@dataclass(slots=True)
class _Show:
    """What is gathered of a show, newest session first."""

    title: str
    folder: str
    languages: Counter[str] = field(default_factory=Counter)
    sessions: list[SessionRef] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)
    appointments: list[Appointment] = field(default_factory=list)

    @property
    def language(self) -> str:
        return min(self.languages, key=lambda name: (-self.languages[name], name))


class Outlets:
    """Gathers what machines read.

    Args:
        title, language, base: the site's title, language and public address.
        code: digest of what renders; it goes into every part's.
        size_of: size of the file at a path of the site, in bytes; 0 where it is not known.
        cover: path of a picture for podcasts; empty for none.
    """

    def __init__(
        self, title: str, language: str, base: str, *, code: str, size_of: Callable[[str], int], cover: str = ""
    ) -> None:
        self._title, self._language, self._base, self._code = title, language, base, code
        self._size_of = size_of
        self._cover = cover
        self._shows: dict[str, _Show] = {}
        self._pages: list[SitemapPage] = []
        self._coming: list[ComingView] = []

    def add_answer(self, ref: AnswerRef, clip: ClipView | None) -> None:
        """Take an answer; the newest come first."""
        self._pages.append(map_answer(ref, clip))

    def add_session(self, view: SessionView) -> None:
        """Take a session, what was said may be left out; the newest come first."""
        ref = view.session
        show = self._shows.setdefault(ref.show_url, _Show(title=ref.show_title, folder=ref.show_url))
        show.languages[ref.language] += 1
        show.sessions.append(ref)
        if len(show.appointments) < PAST_APPOINTMENTS:
            show.appointments.append(plan_appointment(view))
        show.entries += [enter_reference(one) for one in view.answers[: FEED_ENTRIES - len(show.entries)]]
        if len(show.episodes) < EPISODES:
            show.episodes.append(plan_episode(view, self._size_of))
        self._pages.append(SitemapPage(path=view.head.path, changed=ref.starts_at))

    def render_session(self, view: SessionView) -> dict[str, Content]:
        """The files of a session alone."""
        path, marks = chapters_path(view), plan_marks(view)
        return {path: render_chapters(marks, self._address)} if path else {}

    def add_coming(self, view: ComingView) -> None:
        """Take a coming session; it appears in the calendars, and on its show's page when there is one."""
        self._coming.append(view)

    def add_page(self, path: str) -> None:
        """Take a page that search engines may list."""
        self._pages.append(SitemapPage(path=path))

    def list_shows(self) -> Iterator[ShowView]:
        """The page of each show that was gathered."""
        for _, show in sorted(self._shows.items()):
            yield ShowView(
                head=Head(
                    path=f"{show.folder}index.html",
                    language=show.language,
                    title=show.title,
                    section="sessions",
                    feed=show.folder,
                ),
                sessions=tuple(show.sessions),
                has_podcast=bool(self._base) and any(one.enclosure for one in show.episodes),
                coming=tuple(one for one in self._coming if one.show_url == show.folder),
            )

    def plan_label(self, label: LabelRef, newest: Iterable[AnswerRef]) -> Part:
        """The feeds of a topic, product or person, from its newest answers."""
        entries = tuple(map(enter_reference, islice(newest, FEED_ENTRIES)))
        return self._feed(f"{label.title} – {self._title}", label.language, label.url, f"feed:{label.url}", entries)

    def plan_newest(self, made_from: object, views: Callable[[], Iterable[AnswerView]]) -> Part:
        """The feeds of the whole site.

        Args:
            made_from: all that goes into the views.
            views: makes the pages of the newest answers, asked only where the feeds have to be made.
        """

        def make() -> Mapping[str, Content]:
            entries = tuple(map(enter_answer, islice(views(), FEED_ENTRIES)))
            return self._render_feed(self._title, self._language, "", f"site:{self._title}", entries)

        return self._part("feed ", made_from, make)

    def plan_parts(self) -> Iterator[Part]:
        """The feeds of shows, all calendars, and the sitemap, from what was gathered."""
        found = (one for show in self._shows.values() for one in show.appointments)
        past = nlargest(PAST_APPOINTMENTS, found, key=lambda one: (one.starts_at, one.path))
        everything = [*past, *map(plan_coming, self._coming)]
        yield self._calendar(self._title, self._language, "", everything)
        for show in self._shows.values():
            title = f"{show.title} – {self._title}"
            coming = [plan_coming(one) for one in self._coming if one.show_url == show.folder]
            yield self._feed(title, show.language, show.folder, f"feed:{show.folder}", tuple(show.entries))
            yield self._calendar(title, show.language, show.folder, [*show.appointments, *coming])
            if self._base and any(one.enclosure for one in show.episodes):
                yield self._podcast(show)
        views = tuple(self._coming)
        yield self._part("coming", views, lambda: {COMING_PATH: render_next(views)})
        if self._base:
            pages = sorted(self._pages, key=lambda page: page.path)
            yield self._part("sitemap", pages, lambda: dict(render_sitemaps(self._base, pages)))

    def plan_hosting(self, csp: str, ai_crawlers: str, framers: tuple[str, ...] = ()) -> Iterator[Part]:
        """What web hosts and robots are told."""
        rules = hosting.plan_headers(csp, reserved=ai_crawlers != "allow", framers=framers)
        yield self._part("headers", rules, lambda: {"_headers": hosting.render_headers(rules)})
        yield self._part("robots", ai_crawlers, lambda: {"robots.txt": hosting.render_robots(self._base, ai_crawlers)})

    def plan_search(self, language: str, search: str, description: str) -> Iterator[Part]:
        """The description of the search, beside its page."""
        path = f"{search}opensearch.xml"
        if self._base:
            yield self._part(
                f"description {path}",
                (language, description),
                lambda: {path: render_opensearch(self._title, language, description, base=self._base, search=search)},
            )

    def _feed(self, title: str, language: str, folder: str, name: str, entries: tuple[Entry, ...]) -> Part:
        made_from = (title, language, name, entries)
        return self._part(
            f"feed {folder}", made_from, lambda: self._render_feed(title, language, folder, name, entries)
        )

    def _render_feed(
        self, title: str, language: str, folder: str, name: str, entries: tuple[Entry, ...]
    ) -> dict[str, Content]:
        feed = Feed(title=title, language=language, folder=folder, name=name, entries=entries)
        files: dict[str, Content] = {f"{folder}feed.xml": render_atom(feed, self._base)}
        if self._base:
            files[f"{folder}feed.json"] = render_json_feed(feed, self._base)
        return files

    def _calendar(self, title: str, language: str, folder: str, found: Iterable[Appointment]) -> Part:
        path, entries = f"{folder}calendar.ics", list(found)
        return self._part(
            f"calendar {folder}",
            (title, language, entries),
            lambda: {path: render_calendar(title, language, entries, base=self._base, path=path)},
        )

    def _podcast(self, show: _Show) -> Part:
        podcast = Podcast(
            title=show.title,
            language=show.language,
            text=f"{show.title} – {self._title}",
            owner=self._title,
            folder=show.folder,
            cover=self._cover,
            episodes=tuple(show.episodes),
        )
        path = f"{show.folder}podcast.xml"
        return self._part(f"podcast {show.folder}", podcast, lambda: {path: render_podcast(podcast, self._base)})

    def _part(self, name: str, made_from: object, make: Callable[[], Mapping[str, Content]]) -> Part:
        return Part(name=name, digest=digest_of(self._code, made_from), make=lambda present: make())

    def _address(self, path: str) -> str:
        return absolute(self._base, path)
