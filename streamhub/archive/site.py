"""The site: from the archive to the plan of every file under `public/`.

Owns which pages there are and where they lie. Addresses never change: ``/a/<id>-<slug>/``, ``/s/<session>/``,
``/topics/<slug>/``, ``/products/<slug>/``, ``/people/<slug>/``, ``/shows/<show>/`` exist once, in the language of what
they show; ``/``, ``/search/``, ``/sessions/`` and the lists exist in the site's language, and under ``/de/`` or
``/en/`` in the other.
Looks at the media folder to see which recordings are there; writes nothing (`streamhub.archive.writer` does).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from streamhub.archive.archived import ArchivedSession
from streamhub.archive.brand import BRAND_CSS, CUSTOM_CSS, brand_theme
from streamhub.archive.clips import place_clips
from streamhub.archive.coming import ComingSession
from streamhub.archive.embedding import BuilderView, Embedder, choose_labels
from streamhub.archive.embeds import Licence, ListedAnswer
from streamhub.archive.exports import ExportView, render_data, render_srt, render_table, render_text
from streamhub.archive.feeds import render_answer_markdown
from streamhub.archive.legal import LEGAL_PAGES, plan_legal
from streamhub.archive.library import Label, Library, PublicAnswer, PublicSession, plan_library
from streamhub.archive.media import MediaSettings, PlacedMedia, place_recording, player_kind, to_media_time
from streamhub.archive.outlets import COVER, Outlets
from streamhub.archive.pages import NOT_FOUND, Frame, Printer, load_phrases, plan_csp, view_digest
from streamhub.archive.plan import Content, MediaLink, Part, SitePlan, digest_of
from streamhub.archive.search.index import plan_index
from streamhub.archive.search.synonyms import parse_synonyms
from streamhub.archive.searchable import plan_documents
from streamhub.archive.structured import (
    Crumb,
    absolute,
    describe_answer,
    describe_label,
    describe_session,
    describe_show,
    describe_site,
)
from streamhub.archive.theme import Theme
from streamhub.archive.viewing import (
    refer_answer,
    refer_label,
    refer_session,
    translation_path,
    view_answer,
    view_coming,
    view_replaced,
    view_session,
)
from streamhub.archive.views import (
    AnswerView,
    ClipView,
    ComingView,
    Head,
    HomeView,
    LabelRef,
    LabelsView,
    LabelView,
    Named,
    PlainView,
    SessionsView,
    SessionView,
)
from streamhub.config import LegalSettings, SiteSettings, parse_origins
from streamhub.text import LANGUAGES
from streamhub.transcript.transcript import Transcript
from streamhub.transcript.vtt import format_vtt

HOME_ANSWERS = 8
HOME_SESSIONS = 6
HOME_TOPICS = 24
SEARCH_EXAMPLES = 6
KINDS = ("topics", "products", "people")
NOTHING_LEGAL = LegalSettings()


def plan_site(
    archive: Sequence[ArchivedSession],
    settings: SiteSettings,
    theme: Theme,
    *,
    media_root: Path | None,
    hub_url: str = "",
    legal: LegalSettings = NOTHING_LEGAL,
    coming: Iterable[ComingSession] = (),
) -> SitePlan:
    """Plan every file of the site.

    Args:
        archive: all sessions, drafts included; what is not public stays out.
        settings: title, language, address, how recordings get in.
        theme: what the pages are made with.
        media_root: the media folder, or None when there is none here.
        hub_url: where visitors can ask the next question; empty for nowhere.
        legal: what the legal pages say.
        coming: sessions that are planned or run; those that the archive has already are left out.

    Raises:
        BadArchive: a recording leads out of the media folder.
        BadInput: a colour or a file of the looks cannot be used.
    """
    theme = brand_theme(theme, settings)
    duties = plan_legal(legal, theme.templates)
    library = plan_library(archive)
    media = MediaSettings(root=media_root, prefix=settings.media_url, link=settings.media == "link")
    placed, links, missing = _place_media(library.sessions, media)
    clips: dict[str, ClipView] = {}
    for found in library.sessions:
        views, files = place_clips(found, media, title=settings.title)
        clips |= views
        links |= files
    frame = Frame(
        title=settings.title,
        language=settings.language,
        url=settings.url,
        hub_url=hub_url,
        csp=plan_csp([one.origin for one in placed.values() if one.kind != "link"]),
        has_products=bool(library.products),
        has_people=bool(library.people),
        has_topics=bool(library.topics),
        ai_crawlers=settings.ai_crawlers,
        legal=duties.pages,
        styles=tuple(name for name in (BRAND_CSS, CUSTOM_CSS) if name in theme.static),
        logo=settings.logo,
        licence=Licence(name=settings.licence, url=settings.licence_url),
        framers=parse_origins(settings.embed_origins),
    )
    printer = Printer(theme, frame)
    outlets = Outlets(
        settings.title,
        settings.language,
        settings.url,
        code=printer.digest,
        size_of=lambda path: links[path].source.stat().st_size if path in links else 0,
        cover=COVER if COVER.removeprefix("static/") in theme.static else "",
    )
    planner = _Planner(library, placed, clips, frame, printer, theme, outlets)
    for session in coming:
        if session.id not in library.by_id:
            planner.add_coming(view_coming(session))
    parts = [*planner.plan_legal(legal), *planner.plan_parts()]
    parts += (_media_part(path, source) for path, source in sorted(links.items()))
    return SitePlan(parts=tuple(parts), missing_media=missing, advice=duties.advice)


def _place_media(
    sessions: Iterable[PublicSession], settings: MediaSettings
) -> tuple[dict[str, PlacedMedia], dict[str, MediaLink], tuple[str, ...]]:
    placed: dict[str, PlacedMedia] = {}
    links: dict[str, MediaLink] = {}
    missing: list[str] = []
    for found in sessions:
        recording = found.recording
        if recording is None:
            continue
        what = f"{found.session.show_id}/{found.session.id}/session.md"
        place = place_recording(recording.url, recording.kind, settings, what=what)
        if place is None:
            missing.append(recording.url)
            continue
        links |= place[1]
        placed[found.session.id] = PlacedMedia(
            url=place[0],
            kind=player_kind(recording.kind, has_video=recording.has_video),
            mime=recording.mime,
            clock=recording.clock,
            duration_ms=recording.duration_ms,
        )
    return placed, links, tuple(missing)


def _media_part(path: str, link: MediaLink) -> Part:
    state = link.source.stat()
    return Part(
        name=f"recording {path}",
        digest=digest_of(path, str(link.source), state.st_size, state.st_mtime_ns),
        make=lambda: {path: link},
    )


class _Planner:
    """Makes the parts of one site."""

    def __init__(
        self,
        library: Library,
        media: Mapping[str, PlacedMedia],
        clips: Mapping[str, ClipView],
        frame: Frame,
        printer: Printer,
        theme: Theme,
        outlets: Outlets,
    ) -> None:
        self._outlets = outlets
        self._coming: list[ComingView] = []
        self._library = library
        self._media = media
        self._frame = frame
        self._printer = printer
        self._theme = theme
        self._embedder = Embedder(printer, frame)
        self._gettext = {language: load_phrases(theme, language).gettext for language in LANGUAGES}
        self._answers = {
            answer_id: view_answer(answer, library, media.get(answer.session_id), clips.get(answer_id))
            for answer_id, answer in library.answers.items()
        }

    def plan_parts(self) -> list[Part]:
        """Every part but the recordings."""
        sessions = [
            (found, view_session(found, self._library, self._media.get(found.session.id)))
            for found in self._library.sessions
        ]
        pages = [
            *self._start_pages(),
            *(self._session_page(view) for _, view in sessions),
            *(self._answer_page(view) for view in self._answers.values()),
            *(
                self._page("replaced.html", view_replaced(answer, self._library))
                for found, _ in sessions
                for answer in found.replaced
            ),
            *(page for kind in KINDS for page in self._label_pages(kind)),
            *self._machine_files(sessions),
        ]
        files = [
            *(self._successor_file(answer) for found, _ in sessions for answer in found.replaced),
            *self._lists(),
            *(self._answer_files(answer) for answer in self._library.answers.values()),
            *(self._captions(found) for found, _ in sessions if found.transcript and found.transcript.cues),
            *(self._exports(found, view) for found, view in sessions if view.downloads),
            *self._translations(),
            *self._static_files(),
            self._search_index(),
        ]
        return [*pages, *files]

    def add_coming(self, view: ComingView) -> None:
        """Take a session that is planned or runs; the next one first."""
        self._coming.append(view)
        self._outlets.add_coming(view)

    def plan_legal(self, legal: LegalSettings) -> list[Part]:
        """The legal pages that there are, in both languages."""
        parts = []
        checked = date.fromisoformat(legal.accessibility_checked) if legal.accessibility_checked else None
        for name in self._frame.legal:
            for language in LANGUAGES:
                head = self._head(f"{name}/", language, LEGAL_PAGES[name], section=name)
                self._outlets.add_page(head.path)
                view = PlainView(head=head, total_answers=len(self._library.answers))
                parts.append(self._page("legal.html", view, name=name, legal=legal, checked=checked))
        return parts

    # --- pages

    def _page(self, template: str, view: Any, **more: Any) -> Part:
        def make() -> Mapping[str, Content]:
            return {view.head.path: self._printer.print_page(template, view, **more)}

        digest = digest_of(self._printer.digest, view_digest(template, view, more))
        return Part(name=f"page {view.head.path}", digest=digest, make=make)

    def _answer_page(self, view: AnswerView) -> Part:
        return self._page("answer.html", view, data=describe_answer(view, self._address))

    def _session_page(self, view: SessionView) -> Part:
        above = self._above("sessions", view.head.language)
        clips = (self._answers[ref.id].clip for ref in view.answers)
        still = next((clip.share for clip in clips if clip and clip.share), "")
        return self._page("session.html", view, data=describe_session(view, self._address, above=above, still=still))

    def _above(self, section: str, language: str) -> Crumb:
        """Name and path of a list, in a language."""
        return self._gettext[language](section.capitalize()), f"{self._root(language)}{section}/"

    def _address(self, path: str) -> str:
        return absolute(self._frame.url, path)

    def _start_pages(self) -> list[Part]:
        parts = []
        topics = sorted(
            (refer_label(label) for label in self._library.topics.values()),
            key=lambda ref: (-ref.answers, ref.title.casefold()),
        )
        data = describe_site(self._frame.title, self._frame.language, self._address, self._coming[:HOME_SESSIONS])
        for language in LANGUAGES:
            parts += [
                self._page("home.html", self._home(language, _of_language(topics, language)[:HOME_TOPICS]), data=data),
                self._page(
                    "search.html", self._search_page(language, _of_language(topics, language)[:SEARCH_EXAMPLES])
                ),
                self._page("sessions.html", self._sessions_page(language)),
                self._page("builder.html", self._builder(language)),
            ]
        not_found = Head(
            path=NOT_FOUND,
            language=self._frame.language,
            title=self._gettext[self._frame.language]("Page not found"),
            indexed=False,
        )
        parts.append(self._page("404.html", PlainView(head=not_found, total_answers=len(self._library.answers))))
        return parts

    def _head(self, folder: str, language: str, title: str, *, section: str = "", description: str = "") -> Head:
        """The head of a page that exists in both languages."""
        other = next(one for one in LANGUAGES if one != language)
        return Head(
            path=f"{self._root(language)}{folder}index.html",
            twin=f"{self._root(other)}{folder}",
            language=language,
            title=self._gettext[language](title) if title else "",
            description=self._gettext[language](description) if description else "",
            section=section,
        )

    def _root(self, language: str) -> str:
        return "" if language == self._frame.language else f"{language}/"

    def _home(self, language: str, topics: list[LabelRef]) -> HomeView:
        own_first = sorted(self._library.answers.values(), key=lambda answer: answer.answer.language != language)
        newest = own_first[:HOME_ANSWERS]
        return HomeView(
            head=self._head(
                "", language, "", description="Answers from live round tables, word for word, to the second"
            ),
            answers=tuple(refer_answer(answer, self._library) for answer in newest),
            sessions=tuple(refer_session(found) for found in self._library.sessions[:HOME_SESSIONS]),
            topics=tuple(topics),
            total_answers=len(self._library.answers),
            total_sessions=len(self._library.sessions),
            coming=tuple(self._coming[:HOME_SESSIONS]),
        )

    def _search_page(self, language: str, topics: list[LabelRef]) -> PlainView:
        return PlainView(
            head=self._head("search/", language, "Search", section="search"),
            total_answers=len(self._library.answers),
            examples=tuple(Named(title=ref.title, url=ref.url) for ref in topics),
        )

    def _builder(self, language: str) -> BuilderView:
        topics, products, people = (
            choose_labels([refer_label(label) for label in getattr(self._library, kind).values()]) for kind in KINDS
        )
        head = self._head("embed/", language, "Embed", section="embed")
        return BuilderView(head=head, topics=topics, products=products, people=people)

    def _sessions_page(self, language: str) -> SessionsView:
        def year(found: PublicSession) -> int:
            return found.session.starts_at.astimezone(ZoneInfo(found.session.zone)).year

        ordered = sorted(self._library.sessions, key=year, reverse=True)
        return SessionsView(
            head=self._head("sessions/", language, "Sessions", section="sessions"),
            years=tuple(
                (number, tuple(refer_session(found) for found in members)) for number, members in groupby(ordered, year)
            ),
        )

    def _label_pages(self, kind: str) -> list[Part]:
        labels: Mapping[str, Label] = getattr(self._library, kind)
        if not labels:
            return []
        parts = []
        ordered = sorted(labels.values(), key=lambda label: (_letter(label.title), label.title.casefold()))
        letters = tuple(
            (letter, tuple(refer_label(label) for label in members))
            for letter, members in groupby(ordered, key=lambda label: _letter(label.title))
        )
        for language in LANGUAGES:
            head = self._head(f"{kind}/", language, kind.capitalize(), section=kind)
            parts.append(self._page("labels.html", LabelsView(head=head, kind=kind, letters=letters)))
        for label in ordered:
            view = self._label_page(kind, label)
            data = describe_label(view, self._address, above=self._above(kind, label.language))
            parts += [self._page("label.html", view, data=data), self._outlets.plan_label(view)]
        return parts

    def _label_page(self, kind: str, label: Label) -> LabelView:
        return LabelView(
            head=Head(
                path=f"{label.url}index.html",
                language=label.language,
                title=label.title,
                section=kind,
                feed=label.url,
            ),
            kind=kind,
            label=refer_label(label),
            answers=tuple(refer_answer(self._library.answers[one], self._library) for one in label.answers),
            sessions=tuple(refer_session(self._library.by_id[one]) for one in label.sessions),
        )

    # --- files

    def _answer_files(self, answer: PublicAnswer) -> Part:
        view = self._answers[answer.answer.id]
        media = self._media.get(answer.session_id)

        def make() -> Mapping[str, Content]:
            files: dict[str, Content] = {f"{answer.url}answer.md": render_answer_markdown(view, self._frame.url)}
            files |= self._embedder.answer_files(view)
            if answer.speech:
                files[f"{answer.url}answer.vtt"] = _caption_bytes(answer.speech, media)
            return files

        clock = media.clock if media else None
        return Part(
            name=f"downloads of answer {answer.answer.id}",
            digest=digest_of(self._printer.digest, view, answer.speech, clock),
            make=make,
        )

    def _successor_file(self, answer: PublicAnswer) -> Part:
        view = view_replaced(answer, self._library)
        return Part(
            name=f"successor of answer {answer.answer.id}",
            digest=digest_of(self._printer.digest, view),
            make=lambda: self._embedder.replaced_files(view),
        )

    def _lists(self) -> Iterator[Part]:
        """The lists that embeds show: all answers, and those of each topic, product and person."""
        yield self._list("", self._frame.title, self._frame.language, self._library.answers)
        for kind in KINDS:
            for label in getattr(self._library, kind).values():
                if label.answers:
                    yield self._list(label.url, label.title, label.language, label.answers)

    def _list(self, folder: str, title: str, language: str, ids: Iterable[str]) -> Part:
        listed = [self._listed(answer_id) for answer_id in ids]
        return Part(
            name=f"list {folder}answers.json",
            digest=digest_of(self._printer.digest, title, language, listed),
            make=lambda: self._embedder.list_files(folder, title, language, listed),
        )

    def _listed(self, answer_id: str) -> ListedAnswer:
        view = self._answers[answer_id]
        return ListedAnswer(ref=view.answer, people=view.answerers, topics=view.topics, products=view.products)

    def _captions(self, found: PublicSession) -> Part:
        transcript = found.transcript
        assert transcript is not None
        media = self._media.get(found.session.id)
        path = f"{found.url}captions.{transcript.language}.vtt"
        return Part(
            name=f"captions of session {found.session.id}",
            digest=digest_of(self._printer.digest, path, transcript, media.clock if media else None),
            make=lambda: {path: _caption_bytes(transcript, media)},
        )

    def _translations(self) -> Iterator[Part]:
        """The captions of machines' translations."""
        found = [(one.session.id, one.url, one.translation) for one in self._library.sessions]
        found += [(one.session_id, one.url, one.translation) for one in self._library.answers.values()]
        for session_id, url, translation in found:
            if translation and translation.cues:
                yield self._translation(session_id, translation_path(translation, url), translation)

    def _translation(self, session_id: str, path: str, translation: Transcript) -> Part:
        media = self._media.get(session_id)
        return Part(
            name=f"translation {path}",
            digest=digest_of(self._printer.digest, path, translation, media.clock if media else None),
            make=lambda: {path: _caption_bytes(translation, media)},
        )

    def _exports(self, found: PublicSession, view: SessionView) -> Part:
        """What of a session can be taken along, beside its captions."""
        answers = tuple(self._answers[answer.answer.id] for answer in found.answers)
        topics = tuple(dict.fromkeys(topic.title for answer in answers for topic in answer.topics))
        head = Head(path=f"{found.url}export/index.html", language=view.head.language, title=view.head.title)
        export = ExportView(head=head, session=view, answers=answers, topics=topics)
        transcript, media = found.transcript, self._media.get(found.session.id)

        def make() -> Mapping[str, Content]:
            renderers: Mapping[str, Callable[[], bytes]] = {
                "recap": lambda: self._printer.print_page("recap.md", export),
                "post": lambda: self._printer.print_page("post.html", export),
                "post-markdown": lambda: self._printer.print_page("post.md", export),
                "table": lambda: render_table(answers, view.head.language, self._address),
                "text": lambda: render_text(view),
                "srt": lambda: render_srt(_in_media_time(transcript, media)) if transcript else b"",
                "data": lambda: render_data(export, transcript, self._address),
            }
            return {file.url: renderers[file.title]() for file in view.downloads if file.title in renderers}

        clock = media.clock if media else None
        return Part(
            name=f"exports of session {found.session.id}",
            digest=digest_of(self._printer.digest, export, transcript, clock),
            make=make,
        )

    def _machine_files(self, sessions: Sequence[tuple[PublicSession, SessionView]]) -> list[Part]:
        """Feeds, calendars, sitemap and their like, and the pages of shows."""
        outlets, frame = self._outlets, self._frame
        parts: list[Part] = []
        for view in self._answers.values():
            outlets.add_answer(view)
        for _, session in sessions:
            parts += outlets.add_session(session)
        for language in LANGUAGES:
            root, say = self._root(language), self._gettext[language]
            for folder in ("", "search/", "sessions/", *(f"{kind}/" for kind in KINDS if getattr(self._library, kind))):
                outlets.add_page(f"{root}{folder}index.html")
            description = say("Answers from live round tables, word for word, to the second")
            parts += outlets.plan_search(language, f"{root}search/", description)
        for kind in KINDS:
            for label in getattr(self._library, kind).values():
                outlets.add_page(f"{label.url}index.html")
        for show in outlets.list_shows():
            outlets.add_page(show.head.path)
            data = describe_show(show, self._address, above=self._above("sessions", show.head.language))
            parts.append(self._page("show.html", show, data=data))
        return [*parts, *outlets.plan_parts(), *outlets.plan_hosting(frame.csp, frame.ai_crawlers, frame.framers)]

    def _static_files(self) -> list[Part]:
        return [
            Part(name=f"static file {name}", digest=digest_of(content), make=_constant(f"static/{name}", content))
            for name, content in sorted(self._theme.static.items())
        ]

    def _search_index(self) -> Part:
        documents = plan_documents(self._library)
        return Part(
            name="search index",
            digest=digest_of(self._theme.digest, self._theme.synonyms, documents),
            make=lambda: plan_index(documents, synonyms=parse_synonyms(self._theme.synonyms)),
        )


def _of_language(labels: list[LabelRef], language: str) -> list[LabelRef]:
    """Those of a language; all when it has none."""
    return [ref for ref in labels if ref.language == language] or labels


def _caption_bytes(transcript: Transcript, media: PlacedMedia | None) -> bytes:
    return format_vtt(_in_media_time(transcript, media)).encode("utf-8", "replace")


def _in_media_time(transcript: Transcript, media: PlacedMedia | None) -> Transcript:
    """Captions for players: in media time where there is a recording, else on the session clock."""
    return replace(transcript, cues=to_media_time(transcript.cues, media.clock)) if media else transcript


def _constant(path: str, content: bytes) -> Callable[[], Mapping[str, Content]]:
    return lambda: {path: content}


def _letter(title: str) -> str:
    """Under which letter a title is listed: umlauts with their vowels, everything else under ``#``."""
    first = unicodedata.normalize("NFKD", title.strip()[:1].upper())[:1]
    return first if "A" <= first <= "Z" else "#"
