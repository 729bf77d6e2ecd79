"""One source being read: how often, how it stands, and what follows from a failure.

Pure but for the record of the reading itself, which changes. Refuses to know how a source is read and where questions
are kept: `streamhub.keepers.sources` does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlite_utils import Database

from streamhub.errors import Fault, PlatformError
from streamhub.questions.intake import Batch, ReadableSource, Skip
from streamhub.questions.notice import Notice
from streamhub.questions.trouble import SourceCode
from streamhub.schedule.show import SessionState
from streamhub.store.sources import SourceRow

LIVE = frozenset({SessionState.REHEARSAL, SessionState.LIVE})
"""States in which sources are read as often as they may be."""
LEAST_RETRY_S = 15.0
MOST_RETRY_S = 900.0
"""A failure that passes is waited out at most that long; one that wants a person is tried as rarely."""
_WANTS_A_PERSON = frozenset({Fault.AUTH, Fault.NOT_ALLOWED, Fault.NOT_FOUND, Fault.BAD_INPUT})


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceKind:
    """A kind of source that this hub can read.

    Attributes:
        slug: the name that rows carry, and questions as their source.
        name: the name that people know.
        source: reads it.
        parse: an address as a host types it, made uniform; raises BadInput. None: there is one for the whole hub.
        example: an address as a host may type it.
        address: what is read for the whole hub, where there is one, as people know it.
        live_s: seconds between two looks while a session is live.
        calm_s: seconds between two looks before.
        reach: how far back a first look goes.
        invites: whether the public is told to ask there.
        default: session or show for what does not say itself where it belongs to.
        take: takes in what programs wrote about our mails there; returns the ids of sessions that changed.
    """

    slug: str
    name: str
    source: ReadableSource
    parse: Callable[[str], str] | None = None
    example: str = ""
    address: str = ""
    live_s: float = 60.0
    calm_s: float = 300.0
    reach: timedelta = timedelta(days=7)
    invites: bool = False
    default: str = ""
    take: Callable[[Database, Sequence[Notice], datetime], frozenset[str]] | None = None


@dataclass(kw_only=True, slots=True)
class Reading:
    """A source that is being read; it changes.

    Attributes:
        row: the source with how reading it goes.
        due_at: when it is to be read next, UTC.
        state: of its session; None for the whole hub.
        busy: whether a look is under way.
        checked_at: when it was last asked what is gone, UTC.
    """

    row: SourceRow
    due_at: datetime
    state: SessionState | None = None
    busy: bool = False
    checked_at: datetime | None = None

    def note_success(self, kind: SourceKind, batch: Batch, row: SourceRow, *, at: datetime) -> None:
        """It was read, and is to be read again after a while, or at once when more is there."""
        pace_s = kind.live_s if self.state is None or self.state in LIVE else kind.calm_s
        self.due_at = at if batch.more else at + timedelta(seconds=max(batch.wait_s, pace_s))
        self.row = row

    def note_failure(self, error: PlatformError, *, at: datetime, jitter: float) -> None:
        """It could not be read; decides when to try again.

        Args:
            error: why.
            at: the current instant, UTC.
            jitter: a number from 0 to 1.
        """
        tries = self.row.tries + 1
        self.due_at = at + timedelta(seconds=plan_retry_s(error, tries, at=at, jitter=jitter))
        code = error.code if error.code in set(SourceCode) else SourceCode.INTERNAL.value
        self.row = replace(
            self.row,
            problem=code,
            problem_details={"place": self.row.address, **error.details},
            failing_since=self.row.failing_since or at,
            retry_at=self.due_at,
            tries=tries,
        )


def plan_success(row: SourceRow, *, at: datetime, taken: int, skipped: Mapping[Skip, int]) -> SourceRow:
    """The row of a source after a good look."""
    counts = Counter(row.skipped) + Counter({reason.value: count for reason, count in skipped.items()})
    return replace(
        row,
        read_at=at,
        taken=row.taken + taken,
        skipped=dict(counts),
        problem="",
        problem_details={},
        failing_since=None,
        retry_at=None,
        tries=0,
    )


def plan_retry_s(error: PlatformError, tries: int, *, at: datetime, jitter: float) -> float:
    """Seconds until the next try: longer with each one, never before the source wants to be asked again."""
    spread = 0.75 + jitter / 2
    asked_s = (error.retry_at - at).total_seconds() if error.retry_at else 0.0
    if error.fault in _WANTS_A_PERSON:
        backoff_s = min(MOST_RETRY_S, 60.0 * 2.0 ** min(tries - 1, 10))
    else:
        backoff_s = min(MOST_RETRY_S, LEAST_RETRY_S * 2.0 ** min(tries - 1, 10))
    return max(backoff_s * spread, asked_s)


def describe_counts(skipped: Mapping[str, int]) -> Mapping[Skip, int]:
    """Counts of a row by reason; reasons of the future are left out."""
    return {Skip(name): count for name, count in skipped.items() if name in set(Skip) and count}
