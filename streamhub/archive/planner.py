"""The planner: which pages and files the site has, and where they lie. Pure but for reading sessions when it has to.

Addresses never change: ``/a/<id>-<slug>/``, ``/s/<session>/``, ``/topics/<slug>/``, ``/products/<slug>/``,
``/people/<slug>/``, ``/shows/<show>/`` exist once, in the language of what they show; ``/``, ``/search/``,
``/sessions/`` and the lists exist in the site's language, and under ``/de/`` or ``/en/`` in the other.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from itertools import groupby, islice
from typing import Any
from zoneinfo import ZoneInfo

from streamhub.archive.embedding import BuilderView, Embedder, choose_labels
from streamhub.archive.embeds import ListedAnswer
from streamhub.archive.exporting import FOLDER as EXPORT
from streamhub.archive.exporting import ExportedSession, ExportPageView, list_session, render_index, render_schema
from streamhub.archive.exports import ExportView, render_answer_text, render_data, render_srt, render_table, render_text
from streamhub.archive.feeds import FEED_ENTRIES, render_answer_markdown
from streamhub.archive.gist import AnswerGist, SessionGist
from streamhub.archive.legal import LEGAL_PAGES
from streamhub.archive.library import Label, Library
from streamhub.archive.media import PlacedMedia, to_media_time
from streamhub.archive.outlets import Outlets
from streamhub.archive.pages import NOT_FOUND, Printer, load_phrases, view_digest
from streamhub.archive.plan import Content, Files, Part, Present, digest_of
from streamhub.archive.public import PublicAnswer, PublicSession, key_of
from streamhub.archive.search.assembly import IndexBuilder
from streamhub.archive.search.index import fragment_path, render_fragment
from streamhub.archive.search.synonyms import parse_synonyms
from streamhub.archive.searchable import plan_document, plan_rest
from streamhub.archive.sources import Readings
from streamhub.archive.structured import (
    Crumb,
    absolute,
    describe_answer,
    describe_label,
    describe_session,
    describe_show,
    describe_site,
)
from streamhub.archive.viewing import (
    name_labels,
    name_person,
    outline_session,
    refer_label,
    translation_path,
    view_answer,
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
    ReplacedView,
    SessionRef,
    SessionsView,
    SessionView,
)
from streamhub.config import LegalSettings
from streamhub.errors import Conflict
from streamhub.text import LANGUAGES
from streamhub.transcript.transcript import Transcript
from streamhub.transcript.vtt import format_vtt

OPEN_SESSIONS = 4
"""How many sessions are held in memory at once."""

HOME_ANSWERS = 8
HOME_SESSIONS = 6
HOME_TOPICS = 24
SEARCH_EXAMPLES = 6
KINDS = ("topics", "products", "people")


@dataclass(frozen=True, kw_only=True, slots=True)
class Shelf:
    """What a site is made from.

    Attributes:
        library: what is shown.
        reader: has read it.
        media: recordings, by session.
        clips: by answer.
    """

    library: Library
    reader: Readings
    media: Mapping[str, PlacedMedia]
    clips: Mapping[str, ClipView]


class Planner:
    """Makes the parts of one site, session by session; a session is read only while its parts are made."""

    def __init__(self, shelf: Shelf, printer: Printer, outlets: Outlets) -> None:
        self._library = shelf.library
        self._shelf = shelf
        self._frame = printer.frame
        self._printer = printer
        self._theme = printer.theme
        self._outlets = outlets
        self._embedder = Embedder(printer, printer.frame)
        self._listed_digests: dict[str, str] = {}
        self._exported: list[ExportedSession] = []
        self._coming: list[ComingView] = []
        self._gettext = {language: load_phrases(printer.theme, language).gettext for language in LANGUAGES}
        self._open = lru_cache(maxsize=OPEN_SESSIONS)(self._show)

    def plan_parts(self) -> Iterator[Part]:
        """Every part but the recordings."""
        yield from self._start_pages()
        for gist in self._library.sessions:
            yield from self._session_parts(gist)
        for kind in KINDS:
            yield from self._label_pages(kind)
        yield self._export_index()
        yield from self._lists()
        yield from self._machine_files()
        yield from self._static_files()
        yield self._search_index()

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

    # --- sessions and answers

    def _show(self, session_id: str) -> PublicSession:
        found = self._shelf.reader.open(self._library.by_id[session_id])
        if found is None:
            raise _changed(session_id)
        return found

    def _find(self, answer_id: str, session_id: str) -> tuple[PublicAnswer, PublicSession]:
        """An answer, whole, with its session."""
        found = self._open(session_id)
        for answer in found.answers:
            if answer.answer.id == answer_id:
                return answer, found
        raise _changed(session_id)

    def _session_parts(self, gist: SessionGist) -> Iterator[Part]:
        """The pages and files of a session and of its answers.

        They are made from the session, and from what others say of whom and what it names; that is in the digests.
        """
        media = self._shelf.media.get(gist.id)
        people = {key: self._library.people[key].url for key in gist.speakers if key in self._library.people}
        own = digest_of(self._printer.digest, gist.digest, media, people)
        foreign = {answer.id: self._foreign(answer) for answer in gist.answers}
        digest = digest_of(own, [*foreign.values()])
        self._exported += list_session(gist, digest)
        yield Part(name=f"session {gist.id}", digest=digest, make=lambda present: self._session_files(gist))
        for answer in gist.answers:
            yield self._answer_part(answer, gist, digest_of(own, foreign[answer.id]))
        for old in gist.replaced:
            yield self._replaced_part(view_replaced(old, self._library))

    def _replaced_part(self, view: ReplacedView) -> Part:
        return Part(
            name=f"replaced answer {view.answer.id}",
            digest=digest_of(self._printer.digest, view),
            make=lambda present: {
                view.head.path: self._printer.print_page("replaced.html", view),
                **self._embedder.replaced_files(view),
            },
        )

    def _foreign(self, answer: AnswerGist) -> str:
        """Digest of what the page of an answer says that is not its session's."""
        library = self._library
        return digest_of(
            [library.answers[other].digest for other in library.related[answer.id]],
            [old.digest for old in library.replaced.get(answer.id, ())],
            self._listed_digest(answer),
            self._shelf.clips.get(answer.id),
        )

    def _answer_part(self, answer: AnswerGist, gist: SessionGist, digest: str) -> Part:
        return Part(
            name=f"answer {answer.id}",
            digest=digest,
            make=lambda present: self._answer_files(answer.id, gist.id),
        )

    def _view(self, answer: PublicAnswer, found: PublicSession) -> AnswerView:
        media, clip = self._shelf.media.get(found.session.id), self._shelf.clips.get(answer.answer.id)
        return view_answer(answer, found, self._library, media, clip)

    def _answer_files(self, answer_id: str, session_id: str) -> dict[str, Content]:
        (answer, found), media = self._find(answer_id, session_id), self._shelf.media.get(session_id)
        view = self._view(answer, found)
        files: dict[str, Content] = {
            view.head.path: self._printer.print_page("answer.html", view, data=describe_answer(view, self._address)),
            f"{answer.url}answer.md": render_answer_markdown(view, self._frame.url),
            f"{answer.url}answer.txt": render_answer_text(view, self._frame.url),
            fragment_path(answer_id): render_fragment(plan_document(answer, found)),
        }
        if answer.speech:
            files[f"{answer.url}answer.vtt"] = _caption_bytes(answer.speech, media)
        files |= self._embedder.answer_files(view)
        return files | _translation(answer.translation, answer.url, media)

    def _session_files(self, gist: SessionGist) -> dict[str, Content]:
        found, media = self._open(gist.id), self._shelf.media.get(gist.id)
        view = view_session(found, self._library, media)
        above = self._above("sessions", view.head.language)
        clips = (self._shelf.clips.get(ref.id) for ref in view.answers)
        still = next((clip.share for clip in clips if clip and clip.share), "")
        data = describe_session(view, self._address, above=above, still=still)
        files: dict[str, Content] = {view.head.path: self._printer.print_page("session.html", view, data=data)}
        files |= self._outlets.render_session(view)
        if found.transcript and found.transcript.cues:
            files[f"{found.url}captions.{found.transcript.language}.vtt"] = _caption_bytes(found.transcript, media)
        files |= {fragment_path(one.id, one.kind): render_fragment(one) for one in plan_rest(found)}
        files |= _translation(found.translation, found.url, media)
        return files | (self._exports(found, view) if view.downloads else {})

    def _exports(self, found: PublicSession, view: SessionView) -> dict[str, Content]:
        """What of a session can be taken along, beside its captions."""
        answers = tuple(self._view(answer, found) for answer in found.answers)
        topics = tuple(dict.fromkeys(topic.title for answer in answers for topic in answer.topics))
        head = Head(path=f"{found.url}export/index.html", language=view.head.language, title=view.head.title)
        export = ExportView(head=head, session=view, answers=answers, topics=topics)
        transcript, media = found.transcript, self._shelf.media.get(found.session.id)
        renderers: Mapping[str, Callable[[], bytes]] = {
            "recap": lambda: self._printer.print_page("recap.md", export),
            "post": lambda: self._printer.print_page("post.html", export),
            "post-markdown": lambda: self._printer.print_page("post.md", export),
            "table": lambda: render_table(answers, view.head.language, self._address),
            "text": lambda: render_text(view),
            "srt": lambda: render_srt(_in_media_time(transcript, media)) if transcript else b"",
            "data": lambda: render_data(export, transcript, self._address, self._frame.licence),
        }
        return {file.url: renderers[file.title]() for file in view.downloads if file.title in renderers}

    # --- pages

    def _page(self, template: str, view: Any, **more: Any) -> Part:
        return Part(
            name=f"page {view.head.path}",
            digest=digest_of(self._printer.digest, view_digest(template, view, more)),
            make=lambda present: {view.head.path: self._printer.print_page(template, view, **more)},
        )

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
                self._page("export.html", self._export_page(language)),
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
        refs = [answer.ref for answer in self._library.answers.values()]
        newest = sorted(refs, key=lambda ref: ref.language != language)[:HOME_ANSWERS]
        return HomeView(
            head=self._head(
                "", language, "", description="Answers from live round tables, word for word, to the second"
            ),
            answers=tuple(newest),
            sessions=tuple(gist.ref for gist in self._library.sessions[:HOME_SESSIONS]),
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
        def year(ref: SessionRef) -> int:
            return ref.starts_at.astimezone(ZoneInfo(ref.zone)).year

        ordered = sorted((gist.ref for gist in self._library.sessions), key=year, reverse=True)
        return SessionsView(
            head=self._head("sessions/", language, "Sessions", section="sessions"),
            years=tuple((number, tuple(members)) for number, members in groupby(ordered, year)),
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
            answers=tuple(self._library.answers[one].ref for one in label.answers),
            sessions=tuple(self._library.by_id[one].ref for one in label.sessions),
        )

    # --- files

    def _lists(self) -> Iterator[Part]:
        """The lists that embeds show: all answers, and those of each topic, product and person."""
        yield self._list("", self._frame.title, self._frame.language, self._library.answers)
        for kind in KINDS:
            for label in getattr(self._library, kind).values():
                if label.answers:
                    yield self._list(label.url, label.title, label.language, label.answers)

    def _list(self, folder: str, title: str, language: str, ids: Iterable[str]) -> Part:
        answers = [self._library.answers[answer_id] for answer_id in ids]
        return Part(
            name=f"list {folder}answers.json",
            digest=digest_of(self._printer.digest, title, language, list(map(self._listed_digest, answers))),
            make=lambda present: self._embedder.list_files(folder, title, language, list(map(self._listed, answers))),
        )

    def _listed_digest(self, answer: AnswerGist) -> str:
        """Digest of what lists say of an answer, with the addresses of its people, topics and products."""
        if answer.id not in self._listed_digests:
            library = self._library
            named = ((library.people, answer.ref.answerers), (library.topics, answer.topics))
            labels = (*named, (library.products, answer.products))
            urls = [there[key].url for there, titles in labels for title in titles if (key := key_of(title)) in there]
            self._listed_digests[answer.id] = digest_of(answer.digest, answer.topics, answer.products, urls)
        return self._listed_digests[answer.id]

    def _listed(self, answer: AnswerGist) -> ListedAnswer:
        library = self._library
        return ListedAnswer(
            ref=answer.ref,
            people=tuple(name_person(name, library) for name in answer.ref.answerers),
            topics=name_labels(answer.topics, library.topics),
            products=name_labels(answer.products, library.products),
        )

    def _newest(self) -> Part:
        """The feeds of the newest answers, which tell all that is known of each."""
        newest = list(islice(self._library.answers.values(), FEED_ENTRIES))
        sessions = {answer.id: gist for gist in self._library.sessions for answer in gist.answers}

        def views() -> Iterator[AnswerView]:
            for one in newest:
                yield self._view(*self._find(one.id, sessions[one.id].id))

        made_from = [(sessions[one.id].digest, self._foreign(one)) for one in newest]
        return self._outlets.plan_newest(made_from, views)

    def _export_index(self) -> Part:
        """The index of the export; planned after the sessions."""
        frame, sessions = self._frame, tuple(self._exported)
        return Part(
            name="export",
            digest=digest_of(self._printer.digest, sessions),
            make=lambda present: {
                f"{EXPORT}index.json": render_index(
                    frame.title, frame.language, sessions, frame.licence, self._address
                ),
                f"{EXPORT}schema.json": render_schema(),
            },
        )

    def _export_page(self, language: str) -> ExportPageView:
        head = self._head("export/", language, "Data for programs", section="export")
        return ExportPageView(head=head, sessions=len(self._library.sessions), answers=len(self._library.answers))

    def _machine_files(self) -> Iterator[Part]:
        """Feeds, calendars, sitemap and their like, and the pages of shows."""
        outlets, frame, library = self._outlets, self._frame, self._library
        for gist in library.sessions:
            for answer in gist.answers:
                outlets.add_answer(answer.ref, self._shelf.clips.get(answer.id))
            outlets.add_session(outline_session(gist, library, self._shelf.media.get(gist.id)))
        yield self._newest()
        for language in LANGUAGES:
            root, say = self._root(language), self._gettext[language]
            for folder in ("", "search/", "sessions/", *(f"{kind}/" for kind in KINDS if getattr(library, kind))):
                outlets.add_page(f"{root}{folder}index.html")
            description = say("Answers from live round tables, word for word, to the second")
            yield from outlets.plan_search(language, f"{root}search/", description)
        for kind in KINDS:
            for label in getattr(library, kind).values():
                outlets.add_page(f"{label.url}index.html")
        for show in outlets.list_shows():
            outlets.add_page(show.head.path)
            data = describe_show(show, self._address, above=self._above("sessions", show.head.language))
            yield self._page("show.html", show, data=data)
        yield from outlets.plan_parts()
        yield from outlets.plan_hosting(frame.csp, frame.ai_crawlers, frame.framers)

    def _static_files(self) -> list[Part]:
        return [
            Part(name=f"static file {name}", digest=digest_of(content), make=_constant(f"static/{name}", content))
            for name, content in sorted(self._theme.static.items())
        ]

    def _search_index(self) -> Part:
        gists = self._library.sessions

        def make(present: Present) -> Files:
            synonyms = parse_synonyms(self._theme.synonyms)
            memory = self._shelf.reader.recall_index()
            with IndexBuilder(synonyms=synonyms, memory=memory) as builder:
                for gist in gists:
                    for record in self._shelf.reader.words_of(gist):
                        builder.add(record)
                files = dict(builder.files(present))
                self._shelf.reader.keep_index(builder.keep())
            return files

        return Part(
            name="search index",
            digest=digest_of(self._theme.code, self._theme.synonyms, [(gist.id, gist.digest) for gist in gists]),
            make=make,
        )


def _changed(session_id: str) -> Conflict:
    return Conflict(f"session {session_id}: changed while the site was built", hint="build again")


def _of_language(labels: list[LabelRef], language: str) -> list[LabelRef]:
    """Those of a language; all when it has none."""
    return [ref for ref in labels if ref.language == language] or labels


def _caption_bytes(transcript: Transcript, media: PlacedMedia | None) -> bytes:
    return format_vtt(_in_media_time(transcript, media)).encode("utf-8", "replace")


def _in_media_time(transcript: Transcript, media: PlacedMedia | None) -> Transcript:
    """Captions for players: in media time where there is a recording, else on the session clock."""
    return replace(transcript, cues=to_media_time(transcript.cues, media.clock)) if media else transcript


def _translation(translation: Transcript | None, url: str, media: PlacedMedia | None) -> dict[str, Content]:
    """The captions of a machine's translation."""
    if not translation or not translation.cues:
        return {}
    return {translation_path(translation, url): _caption_bytes(translation, media)}


def _constant(path: str, content: bytes) -> Callable[[Present], Files]:
    return lambda present: {path: content}


def _letter(title: str) -> str:
    """Under which letter a title is listed: umlauts with their vowels, everything else under ``#``."""
    first = unicodedata.normalize("NFKD", title.strip()[:1].upper())[:1]
    return first if "A" <= first <= "Z" else "#"
