"""One chat being read: how far, how often, how it stands, and its last lines, which are kept in memory only.

Owns the plan of a day's chats, and what follows from a failure. Pure but for the record of the reading itself, which
changes; refuses to know how a chat is read and where questions are kept: `streamhub.keepers.chatter` does.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from streamhub.errors import Fault, PlatformError
from streamhub.live.problem import Problem, ProblemCode, problem_of
from streamhub.live.quota import plan_interval_s
from streamhub.questions.intake import Contribution
from streamhub.schedule.show import Session, SessionState

KEPT_LINES = 50
LEAST_S = 15.0
REHEARSAL_S = 30.0
SLOW_S = 300.0
"""How often a closed chat is looked at again, and one that is refused to us."""
MOST_BACKOFF_S = 120.0
"""A failure that passes is waited out at most that long: a session does not wait."""
OVERRUN = timedelta(minutes=30)
"""What a session is expected to go on at least, however long it runs already."""


class ChatPhase(StrEnum):
    """How it stands with a chat."""

    READING = "reading"
    WAITING = "waiting"
    """Not read yet, or it could not be read just now; the next try comes by itself."""
    NO_QUOTA = "no_quota"
    CLOSED = "closed"
    """Over or switched off there; it is looked at now and then, as long as the session goes on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatState:
    """How it stands with the chat of a session, for the host.

    Attributes:
        phase: whether it is read.
        problem: what keeps it from being read, with the next try in ``retry_at``; None when nothing does.
        interval_s: how often it is read; 0 before the first look.
        read_at: when it was read last, UTC.
        part: of the broadcast whose chat it is.
        taken: refs of lines that are questions.
    """

    phase: ChatPhase
    problem: Problem | None
    interval_s: float
    read_at: datetime | None
    part: int
    taken: frozenset[str]


@dataclass(kw_only=True, slots=True)
class Reading:
    """A chat that is being read; it changes.

    Attributes:
        session_id, language, platform: whose chat it is.
        part, chat_ref: of the broadcast.
        cursor: how far it was read.
        due_at: when it is to be read next, UTC.
        at_ease: whether the session only rehearses, so that less often is enough.
        leaving: whether the session is over, so that one last look follows.
        next_chat: the chat of the next part, to be followed after one last look at this one.
        phase, problem, read_at, interval_s: as in `ChatState`.
        tries: failed looks since the last good one.
        recent: the last lines by ref, oldest first, cleaned, authors hashed.
        taken: question ids by the refs of their lines.
        to_reply: names of those who asked and were not replied to yet.
        replied_at: when the hub wrote there last, UTC.
        muted: whether the hub may not write there.
    """

    session_id: str
    language: str
    platform: str
    part: int
    chat_ref: str
    cursor: str
    due_at: datetime
    at_ease: bool = False
    leaving: bool = False
    next_chat: Reading | None = None
    phase: ChatPhase = ChatPhase.WAITING
    problem: Problem | None = None
    read_at: datetime | None = None
    interval_s: float = 0.0
    tries: int = 0
    recent: dict[str, Contribution] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)
    to_reply: list[str] = field(default_factory=list)
    replied_at: datetime | None = None
    muted: bool = False

    @property
    def state(self) -> ChatState:
        """How it stands."""
        return ChatState(
            phase=self.phase,
            problem=self.problem,
            interval_s=self.interval_s,
            read_at=self.read_at,
            part=self.part,
            taken=frozenset(self.taken),
        )

    def keep(self, line: Contribution) -> None:
        """Keep a line among the last ones; one that is there already stays where it is."""
        self.recent.setdefault(line.ref, line)
        while len(self.recent) > KEPT_LINES:
            del self.recent[next(iter(self.recent))]

    def forget(self, refs: Iterable[str], authors: Iterable[str]) -> None:
        """Drop lines that were taken back, and all lines of some authors."""
        gone, banned = frozenset(refs), frozenset(authors)
        if gone or banned:
            self.recent = {
                ref: line for ref, line in self.recent.items() if ref not in gone and line.author_ref not in banned
            }

    def move(self, fresh: Reading) -> None:
        """Go on with the chat of the next part; the last lines stay."""
        self.part, self.chat_ref, self.cursor = fresh.part, fresh.chat_ref, fresh.cursor
        self.at_ease, self.due_at = fresh.at_ease, fresh.due_at
        self.phase, self.problem, self.tries, self.muted, self.next_chat = ChatPhase.WAITING, None, 0, False, None

    def note_success(self, *, over: bool, at: datetime, wait_s: float) -> None:
        """It was read, and is to be read again after a while."""
        self.phase = ChatPhase.CLOSED if over else ChatPhase.READING
        self.problem, self.tries = None, 0
        self.read_at, self.interval_s, self.due_at = at, wait_s, at + timedelta(seconds=wait_s)

    def note_failure(self, error: PlatformError, *, at: datetime, day_ends: datetime, jitter: float) -> None:
        """It could not be read; decides when to try again.

        Args:
            error: why.
            at: the current instant, UTC.
            day_ends: when the quota's day ends, UTC.
            jitter: a number from 0 to 1.
        """
        self.tries += 1
        self.phase, code = _decide_phase(error)
        if error.fault is Fault.BAD_INPUT and self.cursor:
            self.cursor = ""  # too old for the platform: begin with what is there, nothing is taken twice
        self.due_at = at + timedelta(seconds=_plan_retry_s(error, self, at=at, day_ends=day_ends, jitter=jitter))
        self.problem = replace(problem_of(error), code=code, retry_at=self.due_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Day:
    """What the rest of the quota's day holds.

    Attributes:
        chat_s: seconds that chats are to be read, all sessions together.
        upkeep_units: what the sessions ahead will cost beside their chats.
    """

    chat_s: float = 0.0
    upkeep_units: int = 0

    def affords(self, left_units: int, *, cost: int, extra_units: int) -> bool:
        """Whether something extra leaves enough to read every chat as often as is any use."""
        return left_units - self.upkeep_units - extra_units >= cost * self.chat_s / LEAST_S

    def interval_s(self, left_units: int, *, cost: int, least_s: float) -> float:
        """Seconds between two looks at one chat, so that all chats of the day are read to their ends."""
        return plan_interval_s(
            max(0, left_units - self.upkeep_units), cost, self.chat_s, least_s=least_s, most_s=SLOW_S
        )


def plan_day(sessions: Iterable[Session], *, now: datetime, ends_at: datetime, upkeep_units: int) -> Day:
    """What the sessions with a chat will need until the quota's day ends.

    Args:
        sessions: those that are planned or under way.
        now: the current instant, UTC.
        ends_at: when the quota's day ends, UTC.
        upkeep_units: of one session.
    """
    lengths = [_remaining_s(session, now=now, ends_at=ends_at) for session in sessions]
    held = [length for length in lengths if length > 0]
    return Day(chat_s=sum(held), upkeep_units=upkeep_units * len(held))


def hash_author(secret: bytes, session_id: str, author_ref: str) -> str:
    """What tells the authors of a session's chat apart, and says nothing to whoever has not the key."""
    digest = hmac.new(secret, f"chat author\0{session_id}\0{author_ref}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:18]).decode()


def _remaining_s(session: Session, *, now: datetime, ends_at: datetime) -> float:
    """Seconds of this quota day during which a session's chat is still to be read."""
    planned = timedelta(minutes=session.planned_minutes)
    if session.state is SessionState.LIVE:
        begins, ends = now, max((session.started_at or now) + planned, now + OVERRUN)
    elif session.state is SessionState.REHEARSAL:
        begins, ends = now, max(session.starts_at, now) + planned
    else:
        begins, ends = session.starts_at, session.starts_at + planned
        if begins < now and ends + OVERRUN > now:  # late, and may begin any moment
            begins, ends = now, now + planned
    return max(0.0, (min(ends, ends_at) - max(begins, now)).total_seconds())


def _decide_phase(error: PlatformError) -> tuple[ChatPhase, ProblemCode]:
    if error.fault is Fault.QUOTA:
        return ChatPhase.NO_QUOTA, ProblemCode.CHAT_PAUSED
    if error.code == ProblemCode.CHAT_CLOSED:
        return ChatPhase.CLOSED, ProblemCode.CHAT_CLOSED
    return ChatPhase.WAITING, ProblemCode(error.code)


def _plan_retry_s(error: PlatformError, reading: Reading, *, at: datetime, day_ends: datetime, jitter: float) -> float:
    if error.fault is Fault.QUOTA:
        return max(SLOW_S, ((error.retry_at or day_ends) - at).total_seconds())
    if reading.phase is ChatPhase.CLOSED or error.fault in {Fault.AUTH, Fault.NOT_ALLOWED}:
        return SLOW_S
    backoff_s = min(MOST_BACKOFF_S, LEAST_S * 2.0 ** (reading.tries - 1)) * (0.75 + jitter / 2)
    asked_s = (error.retry_at - at).total_seconds() if error.retry_at else 0.0
    return max(backoff_s, asked_s, reading.interval_s)
