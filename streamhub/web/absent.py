"""The roles of `streamhub.web.services` for a hub without live platforms, an inbox or an index of questions.

Each does what is right when there is nothing: shows nothing, and says so when somebody asks for a deed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from streamhub.answers.overheard import LiveHints
from streamhub.answers.spoken import FoundSpoken, SpokenAnswer
from streamhub.archive.archived import ArchivedSession
from streamhub.archive.review import Edit, Patch
from streamhub.errors import BadInput, Conflict, NotFound
from streamhub.live.platform import Ingest
from streamhub.questions.follower import FollowerKind
from streamhub.recording.matching import InboxItem
from streamhub.schedule.frame import Frame
from streamhub.schedule.proposing import Plan, Problem
from streamhub.store.consents import Successor
from streamhub.store.reviews import Made
from streamhub.text import clean_email
from streamhub.transcript.live_words import LiveCaptions
from streamhub.web.planner_views import Planned, PlannerView, Wishes
from streamhub.web.platform_views import (
    AccountView,
    ChatView,
    Offer,
    PlatformView,
    VideosView,
    WatchPlace,
)
from streamhub.web.services import ClipsView, ConsentView, Lookalike, Suggestion
from streamhub.web.source_views import SourceOffer, SourcesView, Ways


class NoPlatforms:
    """A hub that is the only place to watch."""

    def offered(self) -> Sequence[Offer]:
        """None."""
        return ()

    async def view(self, session_id: str) -> PlatformView | None:
        """None."""
        return None

    async def public(self, session_id: str) -> WatchPlace | None:
        """None."""
        return None

    async def accounts(self) -> Sequence[AccountView]:
        """None."""
        return ()

    def wake(self, session_id: str) -> None:
        """There is nobody to follow."""

    async def retry(self, session_id: str) -> None:
        """Say that there is nothing to try."""
        raise _on_no_platform(session_id)

    async def remake(self, session_id: str) -> None:
        """Say that there is nothing to make."""
        raise _on_no_platform(session_id)

    async def ingest(self, session_id: str) -> Ingest:
        """Say that there is no such place."""
        raise _on_no_platform(session_id)


class NoVideos:
    """A hub whose sessions are on no platform that keeps videos."""

    async def view(self, session_id: str) -> VideosView | None:
        """None."""
        return None

    async def approve(self, session_id: str, *, author: str) -> None:
        """Say that there are none."""
        raise _without_videos(session_id)

    async def decline(self, session_id: str, *, author: str) -> None:
        """Say that there are none."""
        raise _without_videos(session_id)


class NoChat:
    """A hub whose sessions have no chat."""

    async def view(self, session_id: str) -> ChatView | None:
        """None."""
        return None

    async def take(self, session_id: str, ref: str, *, author: str) -> str:
        """Say that there is no such line."""
        raise NotFound(f"chat of session {session_id}: there is no such line")


class NoInbox:
    """A hub without an inbox."""

    @property
    def problem(self) -> None:
        """None."""
        return None

    def list(self) -> Sequence[InboxItem]:
        """Nothing."""
        return ()

    async def assign(self, name: str, session_id: str, author: str, *, replace: bool = False, part: int = 0) -> None:
        """Say that there is no such file."""
        raise _no_file(name)

    async def cancel(self, name: str, author: str) -> None:
        """Say that there is no such file."""
        raise _no_file(name)


class NoLiveWords:
    """A hub that does not listen."""

    @property
    def recogniser(self) -> str:
        """None."""
        return ""

    async def is_ready(self) -> bool:
        """It is not."""
        return False

    def captions(self, session_id: str) -> LiveCaptions:
        """None."""
        return LiveCaptions()


class NoLiveAnswers:
    """A hub that does not listen, and so finds no answers while a session runs."""

    async def spoken(self, session_id: str) -> Sequence[SpokenAnswer]:
        """None."""
        return ()

    async def hints(self, session_id: str) -> LiveHints:
        """None."""
        return LiveHints()

    async def search(self, session_id: str, query: str) -> Sequence[FoundSpoken]:
        """None."""
        return ()


class NoSuggestions:
    """A hub that compares no questions."""

    async def suggest(self, text: str, *, language: str, session_id: str, limit: int = 5) -> Sequence[Suggestion]:
        """None."""
        return ()


class NoLookalikes:
    """A hub that compares no questions for its hosts."""

    async def similar(self, question_id: str, *, limit: int = 5) -> Sequence[Lookalike]:
        """None."""
        return ()


class NoPost:
    """A hub without a mail server."""

    @property
    def configured(self) -> bool:
        """It has none."""
        return False

    @property
    def trouble(self) -> str:
        """None."""
        return ""

    @property
    def rests_until(self) -> None:
        """It does not wait for anything."""
        return None


class NoReview:
    """A hub without an archive to correct."""

    async def load(self, session_id: str) -> ArchivedSession:
        """Say that there is nothing to correct."""
        raise _not_cut(session_id)

    async def states(self, archived: ArchivedSession) -> ArchivedSession:
        """As it is."""
        return archived

    async def edit(
        self, session_id: str, plan: Callable[[ArchivedSession], Edit], seen: Patch, *, author: str
    ) -> Made | None:
        """Say that there is nothing to correct."""
        raise _not_cut(session_id)

    async def undo(self, session_id: str, number: int, *, author: str) -> Made | None:
        """Say that there is nothing to take back."""
        raise _not_cut(session_id)

    async def edits(self, session_id: str, *, limit: int = 20) -> Sequence[Made]:
        """None."""
        return ()

    async def corrected(self, session_id: str) -> frozenset[str]:
        """None."""
        return frozenset()


class NoTopics:
    """A hub that groups no questions."""

    async def regroup(self, session_id: str) -> None:
        """Leave them as hosts grouped them."""


class NoPlanner:
    """A hub that proposes no sessions."""

    async def frame(self) -> Frame:
        """A usual one."""
        return Frame()

    async def save_frame(self, frame: Frame, *, author: str) -> None:
        """Say that nobody plans with it."""
        raise Conflict("planner: this hub proposes no sessions", hint="plan them by hand")

    async def propose(self, wishes: Wishes) -> PlannerView:
        """Nothing."""
        return PlannerView(plan=Plan(), problem=Problem(themes=(), slots=(), experts=()), wishes=wishes)

    async def find(self, wishes: Wishes, theme_id: str, slot_id: str) -> tuple[Frame, Planned]:
        """Say that there is none."""
        raise Conflict(f"plan: no session about {theme_id} at {slot_id}", hint="plan sessions by hand")

    async def follow_up(self, session_id: str, one: Planned, *, author: str) -> None:
        """There was no proposal."""


class NoTelling:
    """A hub that sends no mail."""

    @property
    def offered(self) -> bool:
        """Never."""
        return False

    def check(self, email: str) -> str:
        """The address as it would be kept."""
        return clean_email(email)

    async def follow(self, question_id: str, email: str, language: str, kind: FollowerKind, *, voter: str = "") -> None:
        """Say that nobody is told."""
        raise Conflict(f"question {question_id}: this hub sends no mail", hint="ask its operator to set [mail] host")


class NoSources:
    """A hub whose sessions listen to nothing elsewhere."""

    def offered(self) -> Sequence[SourceOffer]:
        """None."""
        return ()

    async def view(self, session_id: str) -> SourcesView:
        """Nothing."""
        return SourcesView()

    async def ways(self, session_id: str) -> Ways:
        """None."""
        return Ways()

    async def add(self, session_id: str, kind: str, address: str, *, author: str) -> str:
        """Say that there is no such kind."""
        raise BadInput(f"source kind {kind!r}: there is none on this hub")

    async def switch(self, session_id: str, source_id: str, *, on: bool, author: str) -> None:
        """Say that there is no such source."""
        raise _no_source(session_id, source_id)

    async def remove(self, session_id: str, source_id: str, *, author: str) -> None:
        """Say that there is no such source."""
        raise _no_source(session_id, source_id)

    async def read_now(self, session_id: str, source_id: str) -> None:
        """Say that there is no such source."""
        raise _no_source(session_id, source_id)


def _no_source(session_id: str, source_id: str) -> NotFound:
    return NotFound(f"source {source_id}: session {session_id} has no such source")


def _not_cut(session_id: str) -> Conflict:
    return Conflict(f"session {session_id}: its answers are not cut yet", hint="come back when it is in review")


def _no_file(name: str) -> NotFound:
    return NotFound(f"inbox: no file {name!r}")


def _on_no_platform(session_id: str) -> Conflict:
    return Conflict(f"session {session_id}: is shown by the hub alone", hint="choose a platform for its show first")


def _without_videos(session_id: str) -> Conflict:
    return Conflict(f"session {session_id}: has no video on a platform")


class NoGate:
    """A hub without a gate: nobody is asked, nothing takes the place of anything."""

    async def consents(self, archived: ArchivedSession, answer_id: str) -> ConsentView:
        """Nobody."""
        return ConsentView(needed=False, people=(), missing=())

    async def note_consent(
        self, session_id: str, name: str, answer_id: str, *, given: bool, author: str
    ) -> Sequence[str]:
        """Say that it is kept nowhere."""
        raise Conflict(f"session {session_id}: this hub keeps no consents", hint="use one that publishes")

    async def follow_words(self, session_id: str) -> Sequence[str]:
        """There is nothing to follow."""
        return ()

    async def successors(self, session_id: str, answer_id: str) -> Sequence[Successor]:
        """None."""
        return ()

    async def supersede(self, session_id: str, answer_id: str, successor_id: str, *, author: str) -> None:
        """Say that it is kept nowhere."""
        raise Conflict(f"session {session_id}: this hub publishes nothing", hint="use one that publishes")


class NoClips:
    """A hub that cuts no media."""

    async def view(self, session_id: str, archived: ArchivedSession | None = None) -> ClipsView:
        """None, and none offered."""
        return ClipsView(offered=False, clips={})

    async def order(self, session_id: str, answer_ids: Sequence[str], *, author: str) -> str:
        """Say that there is nothing to cut with."""
        raise Conflict(f"session {session_id}: this hub makes no clips", hint="use one that records")

    async def cancel(self, session_id: str, *, author: str) -> None:
        """There is nothing to stop."""

    async def find_file(self, session_id: str, name: str) -> Path:
        """Say that there is none."""
        raise NotFound(f"clip {name}: there is none in session {session_id}")
