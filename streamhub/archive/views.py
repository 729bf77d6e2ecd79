"""Views: what each page says, as plain records that a template prints. Pure.

A view holds all that goes into its page and nothing else, so its digest tells whether the page has to be made again.
Times stand in milliseconds and instants; how they are written is the template's and the phrases' business.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """What every page has.

    Attributes:
        path: of the file, relative to the root of the site.
        language: of the page.
        title: of the page, without the site's.
        description: one or two sentences, plain.
        twin: path of the same page in the other language; None without one.
        canonical: path whose address counts for search engines; empty for the page's own.
        indexed: whether search engines may list it.
        section: which entry of the navigation it belongs to.
        image: path of the picture that networks show beside a link to it; empty for none.
        feed: path of the folder with feeds of its own; empty for none.
    """

    path: str
    language: str
    title: str
    description: str = ""
    twin: str | None = None
    canonical: str = ""
    indexed: bool = True
    section: str = ""
    image: str = ""
    feed: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """A name with its page, if it has one."""

    title: str
    url: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerRef:
    """An answer in a list; ``session_cue`` is where it begins in the session's own transcript, if it is there."""

    id: str
    url: str
    question: str
    language: str
    answerers: tuple[str, ...]
    excerpt: str
    starts_at: datetime
    zone: str
    session_title: str
    session_url: str
    session_language: str
    start_ms: int | None
    duration_ms: int
    votes: int
    session_cue: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionRef:
    """A session in a list."""

    url: str
    title: str
    show_title: str
    language: str
    starts_at: datetime
    zone: str
    answers: int
    people: tuple[str, ...]
    has_recording: bool
    show_url: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ComingView:
    """A session that is planned or runs: what it is, when, and the whole address of the page where people ask."""

    title: str
    show_title: str
    show_url: str
    path: str
    text: str
    language: str
    starts_at: datetime
    ends_at: datetime
    zone: str
    url: str
    live: bool
    event_title: str = ""
    event_url: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelRef:
    """A topic, product or person in a list."""

    title: str
    url: str
    language: str
    about: str
    answers: int
    sessions: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CueView:
    """A cue: its id, its text, where it lies on the session clock and in the recording (None where there is none).

    ``language`` is that of its words, where it is not the transcript's.
    """

    id: str
    text: str
    language: str
    at_ms: int
    media_start_ms: int | None
    media_end_ms: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnView:
    """What one person says without being interrupted.

    Attributes:
        speaker: who; empty when unknown.
        tone: number of the speaker's colour.
        paragraphs: the cues, broken at pauses.
        opens: the answer that begins here, on the page of a session.
        cut: something before this was left out.
    """

    speaker: Named
    tone: int
    paragraphs: tuple[tuple[CueView, ...], ...]
    opens: AnswerRef | None = None
    cut: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayerView:
    """A recording, from where to where, and how session time maps onto it (``start, end, start, end`` in ms).

    ``page`` is where it can be seen without our player: a platform's own page; empty for a file, which opens by itself.
    """

    url: str
    kind: str
    mime: str
    start_ms: int
    end_ms: int
    whole: bool
    clock: tuple[tuple[int, int, int, int], ...]
    captions: str
    captions_language: str
    origin: str
    page: str = ""
    label: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipView:
    """An answer to take along.

    Attributes:
        video, audio, captions: addresses, relative to the root of the site or absolute; empty for none.
        poster, share: paths of its pictures; empty for none.
        duration_ms: of film and sound.
    """

    video: str = ""
    audio: str = ""
    captions: str = ""
    poster: str = ""
    share: str = ""
    duration_ms: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoLink:
    """A link to a platform's video; nothing of it is loaded before somebody follows it.

    Attributes:
        url: opens it at the second that is meant.
        label: the platform's name, or its host.
        host: where the link leads.
        at_ms: where it begins to play.
        part: number of the video where a session has several; else 0.
    """

    url: str
    label: str
    host: str
    at_ms: int
    part: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RestView:
    """The rest of a long text, on another page: the place there, and when it was said.

    Attributes:
        url: of the page, with the cue from which on it goes on.
        at_ms: that cue on the session clock.
        media_start_ms, media_end_ms: the rest in the recording; None where there is none.
    """

    url: str
    at_ms: int
    media_start_ms: int | None
    media_end_ms: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TranscriptView:
    """Speech as text; ``rest`` is where it goes on, when it is too long for its page."""

    language: str
    by_machine: bool
    made_with: str
    turns: tuple[TurnView, ...]
    cut_at_end: bool = False
    rest: RestView | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TranslationView:
    """A machine's translation of what was said: paragraphs, and its captions relative to the root of the site.

    ``rest`` is where it goes on, when it is too long for its page.
    """

    language: str
    made_with: str
    paragraphs: tuple[str, ...]
    captions: str
    rest: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerView:
    """The page of an answer."""

    head: Head
    answer: AnswerRef
    asker: str
    answerers: tuple[Named, ...]
    topics: tuple[Named, ...]
    products: tuple[Named, ...]
    session: Named
    show_title: str
    valid_until: date | None
    body_html: str
    body_markdown: str
    writer: str
    writer_role: str
    text: str
    player: PlayerView | None
    videos: tuple[VideoLink, ...]
    recording_missing: bool
    transcript: TranscriptView | None
    related: tuple[AnswerRef, ...]
    before: AnswerRef | None
    after: AnswerRef | None
    downloads: tuple[str, ...]
    clip: ClipView | None
    replaces: tuple[AnswerRef, ...]
    translation: TranslationView | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplacedView:
    """The page of a superseded answer."""

    head: Head
    answer: AnswerRef
    session: Named
    successor: AnswerRef | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EventTie:
    """What a session's page says of its event.

    Attributes:
        event: that, with its page.
        language: of the event.
        goes_before: the session that it is the pre-show of; None: of none.
        opens: whether it goes before all of the event.
        pre_shows: what goes before it.
    """

    event: Named
    language: str
    goes_before: Named | None = None
    opens: bool = False
    pre_shows: tuple[Named, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionView:
    """The page of a session; downloads by kind, in the order in which they are offered.

    ``voices`` are those who speak in it, where nobody said who takes part.
    """

    head: Head
    session: SessionRef
    participants: tuple[tuple[Named, str, str], ...]
    recap_html: str
    recap_markdown: str
    player: PlayerView | None
    videos: tuple[VideoLink, ...]
    recording_missing: bool
    duration_ms: int
    answers: tuple[AnswerRef, ...]
    transcript: TranscriptView | None
    downloads: tuple[Named, ...]
    translation: TranslationView | None = None
    voices: tuple[Named, ...] = ()
    tie: EventTie | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class HomeView:
    """The start page."""

    head: Head
    answers: tuple[AnswerRef, ...]
    sessions: tuple[SessionRef, ...]
    topics: tuple[LabelRef, ...]
    total_answers: int
    total_sessions: int
    coming: tuple[ComingView, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class WayView:
    """A page among many that a list is spread over: a year, a letter; and how much is there."""

    title: str
    url: str
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StepsView:
    """Addresses of the pages beside one of a long list, and of its first; each empty where there is none."""

    newest: str = ""
    newer: str = ""
    older: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionsView:
    """Sessions, by year; and the pages of all years, where one page cannot hold them."""

    head: Head
    years: tuple[tuple[int, tuple[SessionRef, ...]], ...]
    ways: tuple[WayView, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelsView:
    """Topics, products or people, by first letter; and the pages of all letters, where one page cannot hold them.

    A letter that is empty stands for those that are used most.
    """

    head: Head
    kind: str
    letters: tuple[tuple[str, tuple[LabelRef, ...]], ...]
    ways: tuple[WayView, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelView:
    """One topic, product or person; or a page of its older answers and sessions, which does not know how many."""

    head: Head
    kind: str
    label: LabelRef
    answers: tuple[AnswerRef, ...] = ()
    sessions: tuple[SessionRef, ...] = ()
    steps: StepsView = StepsView()


@dataclass(frozen=True, kw_only=True, slots=True)
class ShowView:
    """The page of a show: its sessions, newest first, whether they can be heard as a podcast, and what is coming.

    ``total`` counts all its sessions; 0 on pages of older ones.
    """

    head: Head
    sessions: tuple[SessionRef, ...]
    has_podcast: bool
    coming: tuple[ComingView, ...] = ()
    total: int = 0
    steps: StepsView = StepsView()


@dataclass(frozen=True, kw_only=True, slots=True)
class EventItem:
    """A session on the page of its event: one with answers, or one that is to come.

    Attributes:
        session: the session, where it is shown already.
        coming: the session, where it is to come.
        ends_at: when it is over, UTC; its start where that is not known.
        answers: the first ones.
        more: how many others there are.
        goes_before: the session that it is the pre-show of; None: of none.
    """

    session: SessionRef | None = None
    coming: ComingView | None = None
    ends_at: datetime
    answers: tuple[AnswerRef, ...] = ()
    more: int = 0
    goes_before: Named | None = None

    @property
    def starts_at(self) -> datetime:
        """When it begins, UTC."""
        return self.session.starts_at if self.session else self.coming.starts_at if self.coming else self.ends_at

    @property
    def url(self) -> str:
        """Its page: a path of the site, or a whole address."""
        return self.session.url if self.session else self.coming.url if self.coming else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class EventDay:
    """One day of an event: when its first session begins, UTC, and its sessions in their order."""

    starts_at: datetime
    items: tuple[EventItem, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class EventView:
    """The page of an event; ``opening`` is what goes before all of it, ``cancelled`` whether it was called off."""

    head: Head
    title: str
    about: str
    zone: str
    cancelled: bool
    opening: tuple[EventItem, ...]
    days: tuple[EventDay, ...]
    total_answers: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PlainView:
    """The search page and the page for addresses that lead nowhere."""

    head: Head
    total_answers: int
    examples: tuple[Named, ...] = ()
