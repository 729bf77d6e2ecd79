"""The planner: which pages and files the site has, and where they lie. Pure but for reading sessions when it has to.

Addresses never change: ``/a/<id>-<slug>/``, ``/s/<session>/``, ``/topics/<slug>/``, ``/products/<slug>/``,
``/people/<slug>/``, ``/shows/<show>/`` exist once, in the language of what they show; ``/``, ``/search/``,
``/sessions/`` and the lists exist in the site's language, and under ``/de/`` or ``/en/`` in the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from itertools import islice

from streamhub.archive.embed_lists import EmbedLists
from streamhub.archive.embedding import BuilderView, Embedder, choose_labels
from streamhub.archive.event import ArchivedEvent
from streamhub.archive.event_pages import EventPages
from streamhub.archive.exporting import FOLDER as EXPORT
from streamhub.archive.exporting import (
    ExportedSession,
    ExportPageView,
    list_event,
    list_session,
    render_index,
    render_schema,
)
from streamhub.archive.exports import ExportView, render_answer_text, render_data, render_srt, render_table, render_text
from streamhub.archive.feeds import FEED_ENTRIES, render_answer_markdown
from streamhub.archive.gist import AnswerGist, SessionGist
from streamhub.archive.heads import Heads, phrase
from streamhub.archive.legal import LEGAL_PAGES
from streamhub.archive.library import Library
from streamhub.archive.listing import KINDS, Listing
from streamhub.archive.media import PlacedMedia, to_media_time
from streamhub.archive.outlets import Outlets
from streamhub.archive.pages import NOT_FOUND, Printer
from streamhub.archive.plan import Content, Files, Part, Present, digest_of
from streamhub.archive.public import PublicAnswer, PublicSession
from streamhub.archive.search.assembly import IndexBuilder
from streamhub.archive.search.index import fragment_path, render_fragment
from streamhub.archive.search.synonyms import parse_synonyms
from streamhub.archive.searchable import plan_document, plan_rest
from streamhub.archive.shortening import shorten_answer
from streamhub.archive.sources import Readings
from streamhub.archive.structured import (
    absolute,
    describe_answer,
    describe_session,
    describe_site,
)
from streamhub.archive.viewing import (
    outline_session,
    refer_label,
    translation_path,
    view_answer,
    view_replaced,
    view_session,
)
from streamhub.archive.views import (
    AnswerRef,
    AnswerView,
    ClipView,
    ComingView,
    EventTie,
    Head,
    HomeView,
    LabelRef,
    Named,
    PlainView,
    ReplacedView,
    SessionView,
)
from streamhub.config import LegalSettings
from streamhub.errors import Conflict
from streamhub.text import LANGUAGES
from streamhub.transcript.transcript import Transcript
from streamhub.transcript.vtt import format_vtt

OPEN_SESSIONS = 4
"""How many sessions are held in memory at once."""
OPEN_VIEWS = 64
"""How many views of answers are; they are made for the session's page and for their own."""

HOME_ANSWERS = 8
HOME_SESSIONS = 6
HOME_TOPICS = 24
SEARCH_EXAMPLES = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Shelf:
    """What a site is made from.

    Attributes:
        library: what is shown.
        reader: has read it.
        media: recordings, by session.
        clips: by answer.
        events: what several sessions belong to.
    """

    library: Library
    reader: Readings
    media: Mapping[str, PlacedMedia]
    clips: Mapping[str, ClipView]
    events: Sequence[ArchivedEvent] = ()


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
        self._lists = EmbedLists(shelf.library, printer, self._embedder)
        self._exported: list[ExportedSession] = []
        self._coming: list[ComingView] = []
        self._heads = Heads(printer)
        self._events = EventPages(shelf.events, _Titles(shelf.library), printer, self._heads)
        self._listing = Listing(shelf.library, printer, self._heads, outlets)
        self._open = lru_cache(maxsize=OPEN_SESSIONS)(self._show)
        self._view = lru_cache(maxsize=OPEN_VIEWS)(self._view_answer)

    def plan_parts(self) -> Iterator[Part]:
        """Every part but the recordings."""
        yield from self._start_pages()
        for gist in self._library.sessions:
            yield from self._session_parts(gist)
        yield from self._listing.plan_sessions()
        for kind in KINDS:
            yield from self._listing.plan_labels(kind)
        yield from self._event_pages()
        yield self._export_index()
        yield from self._lists.plan_lists()
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
                title = LEGAL_PAGES[name]
                head = self._heads.make(f"{name}/", language, title, section=name, description=title)
                self._outlets.add_page(head.path)
                view = PlainView(head=head, total_answers=len(self._library.answers))
                parts.append(self._printer.plan_page("legal.html", view, name=name, legal=legal, checked=checked))
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
        tie = self._events.find_tie(gist.id)
        self._events.see(gist, media.duration_ms if media else gist.spoken_ms)
        digest = digest_of(own, [*foreign.values()], tie)
        self._exported += list_session(gist, digest)
        yield Part(name=f"session {gist.id}", digest=digest, make=lambda present: self._session_files(gist, tie))
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
            list(map(library.digest_of, library.related[answer.id])),
            [old.digest for old in library.replaced.get(answer.id, ())],
            self._lists.digest_of_answer(answer.id),
            self._shelf.clips.get(answer.id),
        )

    def _answer_part(self, answer: AnswerGist, gist: SessionGist, digest: str) -> Part:
        return Part(
            name=f"answer {answer.id}",
            digest=digest,
            make=lambda present: self._answer_files(answer.id, gist.id),
        )

    def _view_answer(self, answer_id: str, session_id: str) -> AnswerView:
        answer, found = self._find(answer_id, session_id)
        media, clip = self._shelf.media.get(session_id), self._shelf.clips.get(answer_id)
        return view_answer(answer, found, self._library, media, clip)

    def _answer_files(self, answer_id: str, session_id: str) -> dict[str, Content]:
        (answer, found), media = self._find(answer_id, session_id), self._shelf.media.get(session_id)
        view = self._view(answer_id, session_id)
        shown = shorten_answer(view, answer, found)
        files: dict[str, Content] = {
            view.head.path: self._printer.print_page("answer.html", shown, data=describe_answer(shown, self._address)),
            f"{answer.url}answer.md": render_answer_markdown(view, self._frame.url),
            f"{answer.url}answer.txt": render_answer_text(view, self._frame.url),
            fragment_path(answer_id): render_fragment(plan_document(answer, found)),
        }
        if answer.speech:
            files[f"{answer.url}answer.vtt"] = _caption_bytes(answer.speech, media)
        files |= self._embedder.answer_files(view)
        return files | _translation(answer.translation, answer.url, media)

    def _session_files(self, gist: SessionGist, tie: EventTie | None) -> dict[str, Content]:
        found, media = self._open(gist.id), self._shelf.media.get(gist.id)
        view = replace(view_session(found, self._library, media), tie=tie)
        above = self._heads.above("sessions", view.head.language)
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
        answers = tuple(self._view(answer.answer.id, found.session.id) for answer in found.answers)
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

    def _event_pages(self) -> Iterator[Part]:
        """The pages of events; planned after the sessions."""
        for path, part in self._events.plan_pages(self._coming):
            self._outlets.add_page(path)
            yield part

    # --- pages

    def _address(self, path: str) -> str:
        return absolute(self._frame.url, path)

    def _start_pages(self) -> list[Part]:
        parts = []
        topics = sorted(
            (refer_label(label) for label in self._library.topics.values()),
            key=lambda ref: (-ref.answers, ref.title.casefold()),
        )
        data = describe_site(self._frame.title, self._frame.language, self._address, self._coming[:HOME_SESSIONS])
        plan = self._printer.plan_page
        for language in LANGUAGES:
            own = _of_language(topics, language)
            parts += [
                plan("home.html", self._home(language, own[:HOME_TOPICS]), data=data),
                plan("search.html", self._search_page(language, own[:SEARCH_EXAMPLES])),
                plan("builder.html", self._builder(language)),
                plan("export.html", self._export_page(language)),
            ]
        not_found = Head(
            path=NOT_FOUND,
            language=self._frame.language,
            title=self._heads.say(self._frame.language, "Page not found"),
            indexed=False,
        )
        parts.append(plan("404.html", PlainView(head=not_found, total_answers=len(self._library.answers))))
        return parts

    def _home(self, language: str, topics: list[LabelRef]) -> HomeView:
        return HomeView(
            head=self._heads.make(
                "", language, "", description="Answers from live round tables, word for word, to the second"
            ),
            answers=self._newest_in(language),
            sessions=tuple(gist.ref for gist in self._library.sessions[:HOME_SESSIONS]),
            topics=tuple(topics),
            total_answers=len(self._library.answers),
            total_sessions=len(self._library.sessions),
            coming=tuple(self._coming[:HOME_SESSIONS]),
        )

    def _newest_in(self, language: str) -> tuple[AnswerRef, ...]:
        """The newest answers in a language; after them others, where they are few."""
        own: list[AnswerRef] = []
        others: list[AnswerRef] = []
        for answer in self._library.answers.values():
            found = own if answer.ref.language == language else others
            if len(found) < HOME_ANSWERS:
                found.append(answer.ref)
            if len(own) == HOME_ANSWERS:
                break
        return (*own, *others)[:HOME_ANSWERS]

    def _search_page(self, language: str, topics: list[LabelRef]) -> PlainView:
        about = phrase("Find it in all answers, and in everything that was said")
        return PlainView(
            head=self._heads.make("search/", language, "Search", section="search", description=about),
            total_answers=len(self._library.answers),
            examples=tuple(Named(title=ref.title, url=ref.url) for ref in topics),
        )

    def _builder(self, language: str) -> BuilderView:
        topics, products, people = (
            choose_labels([refer_label(label) for label in getattr(self._library, kind).values()]) for kind in KINDS
        )
        about = phrase("Show answers in your own pages, with one line of HTML")
        head = self._heads.make("embed/", language, "Embed", section="embed", description=about)
        return BuilderView(head=head, topics=topics, products=products, people=people)

    # --- files

    def _newest(self) -> Part:
        """The feeds of the newest answers, which tell all that is known of each."""
        newest = list(islice(self._library.answers, FEED_ENTRIES))
        sessions = {
            one: gist for gist in self._newest_sessions(newest) for one in (answer.id for answer in gist.answers)
        }

        def views() -> Iterator[AnswerView]:
            for one in newest:
                yield self._view(one, sessions[one].id)

        made_from = [(sessions[one].digest, self._foreign(self._library.answers[one])) for one in newest]
        return self._outlets.plan_newest(made_from, views)

    def _newest_sessions(self, answer_ids: list[str]) -> Iterator[SessionGist]:
        """The sessions of the newest answers."""
        left = len(answer_ids)
        for gist in self._library.sessions:
            if left <= 0:
                break
            left -= len(gist.answers)
            yield gist

    def _export_index(self) -> Part:
        """The index of the export; planned after the sessions."""
        frame, sessions = self._frame, tuple(self._exported)
        events = tuple(list_event(event, members) for event, members in self._events.list_shown())
        return Part(
            name="export",
            digest=digest_of(self._printer.digest, sessions, events),
            make=lambda present: {
                f"{EXPORT}index.json": render_index(
                    frame.title, frame.language, sessions, frame.licence, self._address, events
                ),
                f"{EXPORT}schema.json": render_schema(),
            },
        )

    def _export_page(self, language: str) -> ExportPageView:
        about = phrase("All answers as files that programs can read")
        head = self._heads.make("export/", language, "Data for programs", section="export", description=about)
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
            root = self._heads.root(language)
            for folder in ("", "search/"):
                outlets.add_page(f"{root}{folder}index.html")
            description = self._heads.say(language, "Answers from live round tables, word for word, to the second")
            yield from outlets.plan_search(language, f"{root}search/", description)
        yield from self._listing.plan_shows()
        yield from outlets.plan_parts()
        yield from outlets.plan_hosting(frame.csp, frame.ai_crawlers, frame.framers)

    def _static_files(self) -> list[Part]:
        return [
            Part(name=f"static file {name}", digest=digest_of(content), make=_constant(f"static/{name}", content))
            for name, content in sorted(self._theme.static.items())
        ]

    def _search_index(self) -> Part:
        def make(present: Present) -> Files:
            synonyms = parse_synonyms(self._theme.synonyms)
            memory = self._shelf.reader.recall("index")
            with IndexBuilder(synonyms=synonyms, memory=memory) as builder:
                for gist in self._library.sessions:
                    builder.add(*self._shelf.reader.words_of(gist))
                files = dict(builder.files(present))
                self._shelf.reader.keep("index", builder.keep())
            return files

        return Part(
            name="search index",
            digest=digest_of(
                self._theme.code, self._theme.synonyms, [(gist.id, gist.digest) for gist in self._library.sessions]
            ),
            make=make,
        )


class _Titles(Mapping[str, Named]):
    """Title and page of each session that is shown, looked up when somebody asks."""

    def __init__(self, library: Library) -> None:
        self._by_id = library.by_id

    def __getitem__(self, session_id: str) -> Named:
        ref = self._by_id[session_id].ref
        return Named(title=ref.title, url=ref.url)

    def __contains__(self, session_id: object) -> bool:
        return session_id in self._by_id

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)


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
