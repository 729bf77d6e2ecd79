"""What the web face shows of live platforms: their state, the videos they keep, their chat, and accounts.

Owns the records that the roles of `streamhub.web.services` return; every word of a platform in them is text, whatever
it holds. Knows no platform, and carries no key and no token.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from streamhub.live.platform import Phase, Signal
from streamhub.live.problem import Problem
from streamhub.live.video import Chapter, VideoState
from streamhub.questions.intake import Standing


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """A platform that a show may choose.

    Attributes:
        slug: as it stands in `streamhub.schedule.show.Show.platform`.
        name: as people know it.
    """

    slug: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchPlace:
    """Where the public watches a session beside the hub.

    Attributes:
        name: the platform's, as people know it.
        url: an absolute address; only ``https`` and ``http`` become links.
    """

    name: str
    url: str


class RelayState(StrEnum):
    """Whether the encoder's signal goes on to the platform."""

    OFF = "off"
    CONNECTING = "connecting"
    SENDING = "sending"
    FAILING = "failing"


@dataclass(frozen=True, kw_only=True, slots=True)
class RelayView:
    """The relay of a session.

    Attributes:
        state: what it does now.
        since: since when, UTC; None: unknown.
        restarts: how often it began anew in this session.
    """

    state: RelayState
    since: datetime | None = None
    restarts: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class PlatformView:
    """A session on the platform of its show, as it was seen last; reading it asks the platform nothing.

    Attributes:
        name: the platform's, as people know it.
        phase: where the broadcast is; None: none was made yet.
        native_state: the platform's own word for it; may be empty.
        watch_url: where viewers watch; empty until it is known.
        part: the last part of it, from 1.
        direct: whether the encoder pushes straight to it.
        signal: what the platform says that it receives; None: it was not asked.
        relay: what the hub's relay does; None: there is none, as for direct shows.
        seen_at: when the platform was looked at last, UTC; None: never.
        problem: what keeps it from being as it should be; its ``retry_at`` is the next try. None: all is well.
    """

    name: str
    phase: Phase | None = None
    native_state: str = ""
    watch_url: str = ""
    part: int = 1
    direct: bool = False
    signal: Signal | None = None
    relay: RelayView | None = None
    seen_at: datetime | None = None
    problem: Problem | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class QuotaLine:
    """One line of what a day cost.

    Attributes:
        call: as the platform calls it.
        calls: how often it was made.
        units: what that cost.
    """

    call: str
    calls: int
    units: int


@dataclass(frozen=True, kw_only=True, slots=True)
class QuotaView:
    """A day's quota.

    Attributes:
        spent: units so far.
        units: of the whole day.
        reserved: units that are kept for starting and ending broadcasts.
        resets_at: when the next day begins, UTC.
        lines: what was spent on, the dearest first.
    """

    spent: int
    units: int
    reserved: int
    resets_at: datetime
    lines: tuple[QuotaLine, ...] = ()


NEAR_END = (timedelta(days=5), timedelta(days=8))
"""An age of a sign-in at which one of an app left in testing, which ends after seven days, is near its end.

One that is older than that did not end, so its app is not in testing.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountView:
    """The account of a platform that the hub is signed in with; one for each platform that is offered.

    Attributes:
        platform: its slug.
        name: the platform's, as people know it.
        account: name of the account or channel there; empty: nothing is connected.
        signed_in_at: when somebody signed in, UTC; None: nobody has.
        scopes: what that allows, in the platform's words.
        quota: what today cost; None: it has none.
        problems: what is wrong with account or platform as a whole, such as a sign-in that ended.
    """

    platform: str
    name: str
    account: str = ""
    signed_in_at: datetime | None = None
    scopes: tuple[str, ...] = ()
    quota: QuotaView | None = None
    problems: tuple[Problem, ...] = ()

    def age(self, now: datetime) -> timedelta:
        """How old the sign-in is; nothing when there is none."""
        return max(timedelta(0), now - self.signed_in_at) if self.signed_in_at else timedelta(0)

    def is_young(self, now: datetime) -> bool:
        """Whether the sign-in may still end by its app being left in testing."""
        return self.signed_in_at is not None and self.age(now) < NEAR_END[1]

    def is_near_end(self, now: datetime) -> bool:
        """Whether the sign-in will end soon if its app was left in testing."""
        return self.signed_in_at is not None and NEAR_END[0] <= self.age(now) < NEAR_END[1]


class EffectState(StrEnum):
    """Whether something stands beside a video."""

    WAITING = "waiting"
    THERE = "there"
    OUTDATED = "outdated"
    """It is there, and what it was made of changed since; the new one is on its way."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EffectView:
    """Captions of one language, the thumbnail, or the place on a playlist.

    Attributes:
        name: language of captions (``de``, ``en``); title of the playlist; else empty.
        state: whether it is there.
        problem: why it is not; None when nothing is in its way.
    """

    name: str = ""
    state: EffectState = EffectState.WAITING
    problem: Problem | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoView:
    """A video of a session on a platform; a long session has several.

    Attributes:
        part: which part it shows, from 1.
        state: what became of it.
        watch_url: where to watch it; may be empty.
        duration_ms: its length; 0 while unknown.
        captions: by language.
        thumbnail, playlist: None: not wanted.
        before: the description as it stands there.
        after: the description as the hub would write it; the same when nothing is to be written.
        chapters: those in ``after``; empty when there are too few.
        problems: what is wrong with the video or its description.
    """

    part: int = 1
    state: VideoState
    watch_url: str = ""
    duration_ms: int = 0
    captions: tuple[EffectView, ...] = ()
    thumbnail: EffectView | None = None
    playlist: EffectView | None = None
    before: str = ""
    after: str = ""
    chapters: tuple[Chapter, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether the hub would write another description than the one that stands there."""
        return self.before != self.after


class Wish(StrEnum):
    """What a host said about the descriptions of a session's videos."""

    OPEN = "open"
    FOLLOW = "follow"
    LEAVE = "leave"


@dataclass(frozen=True, kw_only=True, slots=True)
class VideosView:
    """The videos of a session.

    Attributes:
        name: the platform's, as people know it.
        wish: whether their descriptions follow the archive, are left alone, or nobody has said yet.
        videos: by part.
    """

    name: str
    wish: Wish = Wish.OPEN
    videos: tuple[VideoView, ...] = ()


class ChatState(StrEnum):
    """Whether the chat is read."""

    READING = "reading"
    WAITING = "waiting"
    """It is not there yet, or could not be read just now."""
    NO_QUOTA = "no_quota"
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatLine:
    """A line of the chat, kept in memory only.

    Attributes:
        ref: the source's id of it.
        author: name as shown there.
        standing: what the author is there.
        text: as written.
        at: when, UTC.
        taken: whether it is a question already.
    """

    ref: str
    author: str
    standing: Standing = Standing.ANYBODY
    text: str
    at: datetime
    taken: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatView:
    """The chat of a live session.

    Attributes:
        state: whether it is read.
        interval_s: how often, while it is read.
        lines: the last ones, newest first.
        problem: what keeps it from being read; its ``retry_at`` is the next try.
    """

    state: ChatState
    interval_s: float = 0.0
    lines: tuple[ChatLine, ...] = ()
    problem: Problem | None = None
