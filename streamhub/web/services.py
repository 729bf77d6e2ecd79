"""The roles that the web face asks for: broadcasting, work, answers, the workshop, and live platforms around them.

The composition root hands in something that fulfils each; the web face knows nothing of platforms, engines or files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from sqlite_utils import Database

from streamhub.answers.answer import Answer
from streamhub.answers.asked import AskedAloud
from streamhub.answers.consent import Consent
from streamhub.answers.overheard import LiveHints
from streamhub.answers.spoken import FoundSpoken, SpokenAnswer
from streamhub.archive.archived import ArchivedSession
from streamhub.archive.review import Edit, Patch
from streamhub.live.platform import Ingest, Signal
from streamhub.questions.follower import FollowerKind
from streamhub.questions.question import QuestionState
from streamhub.recording.clip import Clip
from streamhub.recording.matching import InboxCode, InboxItem
from streamhub.schedule.agreement import Voice
from streamhub.schedule.frame import Frame
from streamhub.store.consents import Successor
from streamhub.store.reviews import Made
from streamhub.transcript.live_words import LiveCaptions
from streamhub.transcript.recognised import PieceTask
from streamhub.transcript.transcript import Transcript
from streamhub.web.planner_views import Planned, PlannerView, Wishes
from streamhub.web.platform_views import (
    AccountView,
    ChatView,
    Offer,
    PlatformView,
    VideosView,
    WatchPlace,
)
from streamhub.web.source_views import SourceOffer, SourcesView, Ways


class Broadcasting(Protocol):
    """Takes a session on air and off again.

    `go_live` and `end` own the session's step to ``live`` and to ``ended`` in the store, because the instants taken
    there are zero and end of the session clock; the web face steps a session to every other state itself.
    """

    async def go_live(self, session_id: str) -> None:
        """Show it to the public; when this returns, the session is live. Already live is a success."""

    async def end(self, session_id: str) -> None:
        """End it for good and begin to finish it; when this returns, the session is live no more."""

    async def ingest(self, session_id: str) -> Ingest:
        """Where the encoder pushes to; the key is secret."""

    async def signal(self, session_id: str) -> Signal:
        """What arrives from the encoder right now."""

    def hls_folder(self, session_id: str) -> Path | None:
        """The folder with ``index.m3u8`` and its segments; None while there is none."""


class WorkStep(Protocol):
    """One named step of a piece of work."""

    @property
    def name(self) -> str:
        """The step's name."""

    @property
    def state(self) -> str:
        """Such as ``running``, ``held``, ``done``, ``failed``."""

    @property
    def attempts(self) -> int:
        """How often it was tried."""

    @property
    def message(self) -> str:
        """What went wrong last; may be empty."""

    @property
    def started_at(self) -> datetime | None:
        """Begin of the first attempt."""

    @property
    def ended_at(self) -> datetime | None:
        """End of the last attempt; None while it runs."""


class WorkStatus(Protocol):
    """One durable piece of work."""

    @property
    def workflow_id(self) -> str:
        """Its id."""

    @property
    def kind(self) -> str:
        """What kind of work."""

    @property
    def key(self) -> str:
        """What it is about; a session's id for a session's work."""

    @property
    def state(self) -> str:
        """``queued``, ``running``, ``held``, ``done``, ``failed`` or ``cancelled``."""

    @property
    def steps(self) -> Sequence[WorkStep]:
        """Its steps in order."""


class LiveWords(Protocol):
    """Hears what is said while a session runs."""

    @property
    def recogniser(self) -> str:
        """Engine and model that listen; empty where nobody listens at all."""

    async def is_ready(self) -> bool:
        """Whether that model is on this machine."""

    def captions(self, session_id: str) -> LiveCaptions:
        """What was said so far in a session that runs, or that has just ended; nothing for any other."""


class LiveAnswers(Protocol):
    """Finds answers in what was heard so far, provisional ones; may be asked often."""

    async def spoken(self, session_id: str) -> Sequence[SpokenAnswer]:
        """What was said for each question that was on air, in order of time."""

    async def hints(self, session_id: str) -> LiveHints:
        """What may be proposed to the host of a live session now; nothing for any other."""

    async def search(self, session_id: str, query: str) -> Sequence[FoundSpoken]:
        """The answers with any word of a query, best first; all in order of time for an empty one."""


class Work(Protocol):
    """The durable work behind the pages."""

    async def status(self, *, about: str = "") -> Sequence[WorkStatus]:
        """The newest pieces of work; or those about a session, whose key is its id, alone or before a colon."""

    async def decide(self, workflow_id: str, step: str, decision: str) -> None:
        """Decide about a held step: ``retry``, ``skip`` or ``give_up``.

        Raises:
            NotFound: no such work.
            Conflict: the step is not held.
        """


class Answers(Protocol):
    """The answers of a session, drafts included; what is decided here reaches the pages by itself."""

    async def list(self, session_id: str) -> Sequence[Answer]:
        """All answers of a session in order of their time; empty before they were cut."""

    async def publish(self, session_id: str, answer_id: str, *, author: str) -> None:
        """Make an answer public; already public is a success.

        Raises:
            NotFound: no such answer.
        """

    async def publish_drafts(self, session_id: str, answer_ids: Sequence[str], *, author: str) -> Sequence[str]:
        """Make those of these answers public that are drafts at that moment, all at once; returns their ids."""

    async def withdraw(self, session_id: str, answer_id: str, *, author: str) -> None:
        """Take an answer out of the public; already out is a success.

        Raises:
            NotFound: no such answer.
        """

    def order(self, db: Database, session_id: str, answer_id: str, *, at: datetime) -> None:
        """Within a write: have the archive follow what was decided about an answer in writing, whatever crashes."""

    async def show_session(self, session_id: str, *, public: bool, author: str) -> None:
        """Make the session's own page public, or take it back into review.

        Raises:
            Conflict: the session cannot be shown from where it is.
        """

    async def asked_aloud(self, session_id: str) -> Sequence[AskedAloud]:
        """Questions that were asked aloud and that nobody had submitted, in order of time; empty before the cut."""

    async def recut(self, session_id: str, *, author: str) -> None:
        """Have a session's answers cut anew, because its marks changed; what people wrote stays. Happens by itself.

        Raises:
            Conflict: the answers are not cut yet.
        """

    async def hear_again(self, session_id: str, language: str, *, author: str) -> None:
        """Set the language of a session, and have its recording heard again in it; happens by itself.

        What people corrected stays. In the language that the session has already, nothing happens.

        Raises:
            BadInput: no language of ours.
            Conflict: its answers are not cut yet, or its words were not heard here.
        """

    def page(self, answer: Answer) -> str:
        """Path of the answer's page within the archive site, without a leading slash."""


class Review(Protocol):
    """The archived session as people correct it; what they change is theirs, no machine overwrites it."""

    async def load(self, session_id: str) -> ArchivedSession:
        """The session as it stands in the archive.

        Raises:
            NotFound: no such session.
            Conflict: its answers are not cut yet.
        """

    async def states(self, archived: ArchivedSession) -> ArchivedSession:
        """The same with the states that its answers have by now; the archive follows them within seconds."""

    async def edit(
        self, session_id: str, plan: Callable[[ArchivedSession], Edit], seen: Patch, *, author: str
    ) -> Made | None:
        """Make a correction; None when nothing is different afterwards. Public pages follow by themselves.

        Args:
            session_id: the session.
            plan: makes the edit of what stands in the archive; what it raises is raised.
            seen: what its author saw of the pieces that he changes.
            author: who corrects.

        Raises:
            Conflict: the answers are not cut yet.
            Overtaken: somebody changed one of the pieces after its author saw it; nothing was overwritten.
        """

    async def undo(self, session_id: str, number: int, *, author: str) -> Made | None:
        """Take a correction back; None when somebody did already.

        Raises:
            NotFound: no such correction.
            Overtaken: what it changed was changed again since.
        """

    async def edits(self, session_id: str, *, limit: int = 20) -> Sequence[Made]:
        """The latest corrections, newest first."""

    async def corrected(self, session_id: str) -> frozenset[str]:
        """The pieces of transcripts that a person corrected, as a `streamhub.archive.review.Patch` names them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentView:
    """Who is to be heard in an answer, and what each said about being published.

    Attributes:
        needed: whether the show publishes nothing without consent.
        people: each with the last word, None where nothing was said.
        missing: names of those who keep it from being published.
        voices: by name, the invited people whom it may mean, with what each said behind his link.
    """

    needed: bool
    people: tuple[tuple[str, Consent | None], ...]
    missing: tuple[str, ...]
    voices: Mapping[str, tuple[Voice, ...]] = field(default_factory=dict)


class Gate(Protocol):
    """What stands before the public: consents, and answers that take the place of others."""

    async def consents(self, archived: ArchivedSession, answer_id: str) -> ConsentView:
        """Who speaks in an answer, and what each said."""

    async def note_consent(
        self, session_id: str, name: str, answer_id: str, *, given: bool, author: str
    ) -> Sequence[str]:
        """Note what a person said; a no withdraws what is public and has her voice, and returns that.

        Raises:
            NotFound: no such session.
            BadInput: no name.
        """

    async def follow_words(self, session_id: str) -> Sequence[str]:
        """Have all that is public follow what an invited person said behind his link; returns what was withdrawn.

        Raises:
            NotFound: no such session.
        """

    async def successors(self, session_id: str, answer_id: str) -> Sequence[Successor]:
        """The public answers of the show that could take the place of one."""

    async def supersede(self, session_id: str, answer_id: str, successor_id: str, *, author: str) -> None:
        """Let another public answer take the place of one.

        Raises:
            NotFound: no such answers.
            Conflict: one of them is not public, or they are one.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipsView:
    """The clips of a session.

    Attributes:
        offered: whether there is a recording to cut from.
        clips: by answer, those that are right.
        state: of what is being made, ``queued``, ``running`` or ``held``; empty when nothing is.
        trouble: why it is held; else empty.
        done, total: how far it is; both 0 while nobody knows.
    """

    offered: bool
    clips: Mapping[str, Clip]
    state: str = ""
    trouble: str = ""
    done: int = 0
    total: int = 0


class Clips(Protocol):
    """Films and sound of single answers, to take along."""

    async def view(self, session_id: str, archived: ArchivedSession | None = None) -> ClipsView:
        """The clips of a session that are right, and what is being made; spares a reading where it is loaded already.

        Raises:
            NotFound: no such session.
        """

    async def order(self, session_id: str, answer_ids: Sequence[str], *, author: str) -> str:
        """Have clips of these answers made, or of all published ones; those that are right are left alone.

        Raises:
            NotFound: no such session or answer.
            Conflict: the answers are not cut yet.
        """

    async def cancel(self, session_id: str, *, author: str) -> None:
        """Stop what is being made; clips that are whole stay."""

    async def find_file(self, session_id: str, name: str) -> Path:
        """A file of a clip that is right, those of drafts included.

        Raises:
            NotFound: there is none of that name.
        """


class Workshop(Protocol):
    """Where workers on other machines get recordings and bring words."""

    @property
    def recogniser(self) -> str:
        """Engine and model that the hub wants."""

    async def version(self) -> str:
        """The version of that model on the hub's machine; empty where it is not."""

    async def plan_piece(
        self, session_id: str, hearing: str, number: int, language: str, *, translate: bool = False
    ) -> PieceTask:
        """A piece of a recording that is to be heard.

        Raises:
            NotFound: no such session, recording or piece.
        """

    async def write_sound(self, task: PieceTask) -> Path:
        """Write the sound of a piece as a WAV file, which the caller deletes.

        Raises:
            BadMedia: it cannot be decoded.
        """

    async def take_piece(self, task: PieceTask, transcript: Transcript, version: str) -> None:
        """Keep what was heard; taking it again changes nothing.

        Raises:
            Conflict: another version of the model heard it than the other pieces.
        """


class PlatformSights(Protocol):
    """What there is to see of live platforms; asked every few seconds, so it reads what is known and asks nobody."""

    def offered(self) -> Sequence[Offer]:
        """The platforms that a show may choose beside the hub itself."""

    async def view(self, session_id: str) -> PlatformView | None:
        """A session on its show's platform; None when the show has none, and for a draft."""

    async def public(self, session_id: str) -> WatchPlace | None:
        """Where the public may watch it; None when there is no such place, or only invited people may know it."""

    async def accounts(self) -> Sequence[AccountView]:
        """Whom the hub is signed in as, for each platform that is offered."""


class PlatformDeeds(Protocol):
    """What hosts and the pages ask of live platforms; the rest follows the session by itself."""

    def wake(self, session_id: str) -> None:
        """A session changed: have its platform follow soon; returns at once and never fails."""

    async def retry(self, session_id: str) -> None:
        """Try again now what failed.

        Raises:
            Conflict: the session is on no platform.
        """

    async def remake(self, session_id: str) -> None:
        """Make a broadcast again that was deleted on the platform.

        Raises:
            Conflict: the session is on no platform, or its broadcast is not gone.
        """

    async def ingest(self, session_id: str) -> Ingest:
        """Where the encoder of a direct show pushes to, on the platform; the key is secret.

        Raises:
            Conflict: there is no such place, or not yet.
            PlatformError: the platform does not tell.
        """


class Platforms(PlatformSights, PlatformDeeds, Protocol):
    """Live platforms beside the hub."""


class Videos(Protocol):
    """The videos that platforms keep of a session, and what stands beside them."""

    async def view(self, session_id: str) -> VideosView | None:
        """What is known of a session's videos; None while there are none. Asks no platform."""

    async def approve(self, session_id: str, *, author: str) -> None:
        """Write the descriptions, and let them follow the archive from now on; already so is a success.

        Raises:
            Conflict: the session has no videos.
        """

    async def decline(self, session_id: str, *, author: str) -> None:
        """Leave the descriptions alone from now on; already so is a success.

        Raises:
            Conflict: the session has no videos.
        """


class Chat(Protocol):
    """The chat beside a live session."""

    async def view(self, session_id: str) -> ChatView | None:
        """Its state and last lines; None when the session has no chat. Asks no platform."""

    async def take(self, session_id: str, ref: str, *, author: str) -> str:
        """Make a line a question; returns the question's id, also when it was one already.

        Raises:
            NotFound: the line is not kept any more.
            Conflict: the session takes no more questions.
        """


class Inbox(Protocol):
    """Recordings that somebody dropped into the inbox folder."""

    @property
    def problem(self) -> tuple[InboxCode, Mapping[str, str]] | None:
        """Why nothing in the folder is looked at: code and details; None when all is well."""

    def list(self) -> Sequence[InboxItem]:
        """What lies there and where it stands, as seen last."""

    async def assign(self, name: str, session_id: str, author: str, *, replace: bool = False, part: int = 0) -> None:
        """Make a file the recording of a session, whatever its length and name say; it is taken soon, and logged.

        Args:
            name: of an item of the list.
            session_id: the session.
            author: who says so.
            replace: take the place of the recording that the session has.
            part: which part of a session of several; 0: the one whose length is nearest.

        Raises:
            NotFound: no such file, session or part.
            Conflict: the session has not ended, or has its recording and it may not be replaced; it is being taken.
            BadInput: the file cannot be a recording.
        """

    async def cancel(self, name: str, author: str) -> None:
        """Stop taking a file; it stays in the inbox until somebody assigns it.

        Raises:
            NotFound: no such file.
            Conflict: it was taken at this moment.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """A question that was asked before and is like a text that somebody types.

    Attributes:
        kind: ``answered`` with a published answer, or ``open`` for a question that still takes votes.
        id: the question's id; an answer carries its question's.
        text: the question.
        language: ``de`` or ``en``.
        score: 0 to 1, how like it is; says nothing beside the others of one call.
        session_id, session_title: where it was asked.
        page: path on the hub, with its leading slash: the answer's page, or the question's place in its session.
        start_ms: where on the session clock the answer begins; None for an open question or a written answer.
        duration_ms: how long the answer is; None as above.
        answerers: names of those who answered.
        at: when the session of the answer began, or when the question was asked, UTC.
        votes: how many people want or wanted it answered.
    """

    kind: Literal["answered", "open"]
    id: str
    text: str
    language: str
    score: float
    session_id: str
    session_title: str
    page: str
    start_ms: int | None
    duration_ms: int | None
    answerers: tuple[str, ...]
    at: datetime
    votes: int


class Suggestions(Protocol):
    """Questions like one that somebody is about to ask."""

    async def suggest(self, text: str, *, language: str, session_id: str, limit: int = 5) -> Sequence[Suggestion]:
        """The likest public questions, best first; nothing where nothing is like it. Never fails for odd texts.

        Args:
            text: as typed so far; it is neither kept nor logged.
            language: of the text, ``de`` or ``en``.
            session_id: where it is typed: its show decides which open questions are offered.
            limit: at most so many.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookalike:
    """A question that a host may want to merge with another one.

    Attributes:
        id, text, language, session_id, state, votes: the question's.
        score: 0 to 1, how like it is.
    """

    id: str
    text: str
    language: str
    score: float
    session_id: str
    state: QuestionState
    votes: int


class Lookalikes(Protocol):
    """Questions that look like another one; for hosts alone, since held ones are among them."""

    async def similar(self, question_id: str, *, limit: int = 5) -> Sequence[Lookalike]:
        """The questions of its show that are most like it, best first; nothing where none is like it.

        Raises:
            NotFound: there is no such question.
        """


class Topics(Protocol):
    """The machine that proposes which questions of a session belong together."""

    async def regroup(self, session_id: str) -> None:
        """Group a session's questions anew; what hosts named, pinned or placed stays."""


class Planner(Protocol):
    """Proposes the next sessions from what people ask."""

    async def frame(self) -> Frame:
        """What hosts said last of how to plan; a usual one where nobody did."""

    async def save_frame(self, frame: Frame, *, author: str) -> None:
        """Keep what a host says of how to plan."""

    async def propose(self, wishes: Wishes) -> PlannerView:
        """The best plan that is known by now; while it says ``working``, a later call may know a better one."""

    async def find(self, wishes: Wishes, theme_id: str, slot_id: str) -> tuple[Frame, Planned]:
        """A session of that plan, with the frame that it was made in.

        Raises:
            Conflict: the plan has no such session any more.
        """

    async def follow_up(self, session_id: str, one: Planned, *, author: str) -> None:
        """A proposal became a session: ask its people into it, and propose no other one for its questions meanwhile."""


class Telling(Protocol):
    """Tells people, once, when a question is answered."""

    @property
    def offered(self) -> bool:
        """Whether a mail can ever go out; pages promise none where this is False."""

    def check(self, email: str) -> str:
        """The address as it is kept; for a form, before anything is written.

        Raises:
            BadInput: it is none.
        """

    async def follow(self, question_id: str, email: str, language: str, kind: FollowerKind, *, voter: str = "") -> None:
        """Promise to tell an address once when a question is answered; promising it twice is promising it once.

        Args:
            question_id: the question; where it is merged into another one later, that one's answer counts.
            email: as typed.
            language: of the mail: that of the page on which it was typed.
            kind: whether it is the asker's, or that of somebody who has the same question.
            voter: id of the browser, from `streamhub.web.voter`; lets ``/my`` delete the address again.

        Raises:
            BadInput: no address, or no language of ours.
            NotFound: no such question.
            Conflict: the question was erased, or this hub tells nobody.
            TooMany: the address was given too many promises in a day.
        """


class Sources(Protocol):
    """What sessions listen to elsewhere: hashtags, feeds, a mailbox."""

    def offered(self) -> Sequence[SourceOffer]:
        """The kinds that a session may listen to."""

    async def view(self, session_id: str) -> SourcesView:
        """A session's sources and what came of them. Asks no source.

        Raises:
            NotFound: there is no such session.
        """

    async def ways(self, session_id: str) -> Ways:
        """How the public can ask in a session from elsewhere, cheap enough for every page. Asks no source."""

    async def add(self, session_id: str, kind: str, address: str, *, author: str) -> str:
        """Listen to one more source; returns its id.

        Raises:
            NotFound: there is no such session.
            BadInput: there is no such kind, or the address is none.
            Conflict: the session listens to it already, or to too many.
        """

    async def switch(self, session_id: str, source_id: str, *, on: bool, author: str) -> None:
        """Read a source from now on, or leave it alone; already so is a success.

        Raises:
            NotFound: the session has no such source.
        """

    async def remove(self, session_id: str, source_id: str, *, author: str) -> None:
        """Listen to it no more; its questions stay.

        Raises:
            NotFound: the session has no such source.
        """

    async def read_now(self, session_id: str, source_id: str) -> None:
        """Look at a source soon, whenever it is due.

        Raises:
            NotFound: the session has no such source.
        """


class Post(Protocol):
    """The outbox on its way out; its mails stand in the store."""

    @property
    def configured(self) -> bool:
        """Whether there is a mail server; without one every mail stays a draft."""

    @property
    def trouble(self) -> str:
        """Why nothing goes out at the moment; empty when all is well."""

    @property
    def rests_until(self) -> datetime | None:
        """When the mail server is asked again, UTC; None: at once."""
