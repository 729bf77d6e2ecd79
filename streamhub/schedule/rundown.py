"""The noun of the run of show: topics with planned minutes, and the pure arithmetic of plan, actual and lateness.

Owns what may be changed when, and what the clock says at an instant. Refuses to know how it is stored or shown.

The plan counts from the announced start, because that is what viewers were promised; only where a session went live
more than an hour off it (a trial run, a show moved at short notice) does it count from the real start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from streamhub.errors import BadInput, NotFound, WrongState
from streamhub.schedule.show import Session
from streamhub.text import clean_line, fold
from streamhub.timecode import ms_between, require_utc

MAX_TOPICS = 60
MAX_MINUTES = 600
MAX_TITLE = 120
MAX_SPEAKER = 80
FAR_OFF = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """One line of a run of show.

    Attributes:
        id: drawn when it was added, never changed.
        title: as shown on the stage; a question with this topic can start it.
        planned_minutes: how long it is meant to take.
        speaker: who speaks; may be empty.
        started_at: when it began, UTC; None before.
        finished_at: when it ended, UTC; None before.
    """

    id: str
    title: str
    planned_minutes: int
    speaker: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.planned_minutes <= MAX_MINUTES:
            raise BadInput(f"topic: {self.planned_minutes} minutes planned", hint=f"plan 1 to {MAX_MINUTES} minutes")
        for instant in (self.started_at, self.finished_at):
            if instant is not None:
                require_utc(instant)

    @property
    def running(self) -> bool:
        """Whether it has begun and not ended."""
        return self.started_at is not None and self.finished_at is None

    @property
    def waiting(self) -> bool:
        """Whether it has not begun."""
        return self.started_at is None

    @property
    def planned(self) -> timedelta:
        """How long it is meant to take."""
        return timedelta(minutes=self.planned_minutes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rundown:
    """The run of show of one session.

    Attributes:
        session_id: the session.
        topics: in their order.
        version: rises with each change, so that two hosts never overwrite each other.
        automatic: whether a question with a topic's name starts that topic when it goes on air.
    """

    session_id: str
    topics: tuple[Topic, ...] = ()
    version: int = 0
    automatic: bool = False

    @property
    def running(self) -> Topic | None:
        """The topic that runs now."""
        return next((topic for topic in self.topics if topic.running), None)

    @property
    def upcoming(self) -> Topic | None:
        """The topic that comes next."""
        return next((topic for topic in self.topics if topic.waiting), None)

    def topic(self, topic_id: str) -> Topic:
        """The topic of that id.

        Raises:
            NotFound: there is none; somebody took it out.
        """
        for topic in self.topics:
            if topic.id == topic_id:
                return topic
        raise NotFound(f"run of show of {self.session_id}: no topic {topic_id}", hint="reload: somebody took it out")


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicTimes:
    """A topic on the clock.

    Attributes:
        topic: the topic.
        planned_start_at, planned_end_at: by the plan alone.
        start_at, end_at: as it was, or as it will be if everything from now on takes as long as planned.
        late_ms: how much later than planned it ends or will end; negative for earlier.
    """

    topic: Topic
    planned_start_at: datetime
    planned_end_at: datetime
    start_at: datetime
    end_at: datetime
    late_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RundownTimes:
    """The whole run of show on the clock.

    Attributes:
        topics: in their order.
        planned_end_at: where the plan ends.
        end_at: where it will end; where it ended, once nothing runs and nothing is left.
        late_ms: how much later than planned that is; negative for earlier.
        running_left_ms: what is left of the running topic's planned time, negative when it is over; None: none runs.
    """

    topics: tuple[TopicTimes, ...]
    planned_end_at: datetime
    end_at: datetime
    late_ms: int
    running_left_ms: int | None = None


def plan_times(rundown: Rundown, session: Session, *, now: datetime) -> RundownTimes:
    """What is late at an instant, by how much, and when it will end.

    What runs takes at least its planned time; what waits begins after it, in order, and takes its planned time. Before
    the session is live everything waits for its announced start, or for now if that is past.
    """
    zero = _zero(session)
    cursor = _first_free(rundown, session, zero=zero, now=now)
    planned_at, times = zero, list[TopicTimes]()
    for topic in rundown.topics:
        planned_end = planned_at + topic.planned
        if topic.started_at is None:
            start, end = cursor, cursor + topic.planned
            cursor = end
        else:
            start, end = topic.started_at, _end_of(topic, now=now)
        times.append(
            TopicTimes(
                topic=topic,
                planned_start_at=planned_at,
                planned_end_at=planned_end,
                start_at=start,
                end_at=end,
                late_ms=ms_between(planned_end, end),
            )
        )
        planned_at = planned_end
    ends = cursor if any(topic.waiting or topic.running for topic in rundown.topics) else _last_end(rundown, cursor)
    running = rundown.running
    left = None if running is None or running.started_at is None else running.started_at + running.planned
    return RundownTimes(
        topics=tuple(times),
        planned_end_at=planned_at,
        end_at=ends,
        late_ms=ms_between(planned_at, ends),
        running_left_ms=None if left is None else ms_between(now, left),
    )


def _zero(session: Session) -> datetime:
    started = session.started_at
    return started if started is not None and abs(started - session.starts_at) > FAR_OFF else session.starts_at


def _first_free(rundown: Rundown, session: Session, *, zero: datetime, now: datetime) -> datetime:
    """When the next topic that waits can begin."""
    running = rundown.running
    if running is not None:
        return _end_of(running, now=now)
    begun = session.started_at is not None or any(not topic.waiting for topic in rundown.topics)
    return now if begun else max(now, zero)


def _end_of(topic: Topic, *, now: datetime) -> datetime:
    assert topic.started_at is not None
    return topic.finished_at or max(now, topic.started_at + topic.planned)


def _last_end(rundown: Rundown, otherwise: datetime) -> datetime:
    return max((topic.finished_at for topic in rundown.topics if topic.finished_at), default=otherwise)


def start_topic(rundown: Rundown, topic_id: str, *, at: datetime) -> Rundown:
    """Begin a topic; what runs ends at that instant. One that has ended goes on; one that runs is left alone.

    Raises:
        NotFound: there is no such topic.
    """
    moment = require_utc(at)
    if rundown.topic(topic_id).running:
        return rundown

    def step(topic: Topic) -> Topic:
        if topic.id == topic_id:
            return replace(topic, started_at=topic.started_at or moment, finished_at=None)
        return replace(topic, finished_at=moment) if topic.running else topic

    return _with(rundown, map(step, rundown.topics))


def finish_topic(rundown: Rundown, topic_id: str, *, at: datetime) -> Rundown:
    """End a topic that runs; one that does not is left alone.

    Raises:
        NotFound: there is no such topic.
    """
    moment = require_utc(at)
    if not rundown.topic(topic_id).running:
        return rundown
    return _change(rundown, topic_id, lambda topic: replace(topic, finished_at=moment))


def reset_topic(rundown: Rundown, topic_id: str) -> Rundown:
    """Make a topic one that has not begun, because it was started by mistake.

    Raises:
        NotFound: there is no such topic.
    """
    return _change(rundown, topic_id, lambda topic: replace(topic, started_at=None, finished_at=None))


def advance(rundown: Rundown, *, at: datetime) -> Rundown:
    """What one key does: end what runs and begin what comes next; at the end just end what runs.

    Raises:
        Conflict: everything is done, or there is nothing.
    """
    upcoming, running = rundown.upcoming, rundown.running
    if upcoming is not None:
        return start_topic(rundown, upcoming.id, at=at)
    if running is not None:
        return finish_topic(rundown, running.id, at=at)
    raise WrongState(f"run of show of {rundown.session_id}: nothing is left", hint="add a topic", code="rundown_over")


def follow_topics(rundown: Rundown, names: Iterable[str], *, at: datetime) -> Rundown:
    """The run of show after a question on these topics went on air: the first of them that still waits begins.

    Nothing changes while that is not wanted, or when such a topic runs already or is behind us.
    """
    if not rundown.automatic:
        return rundown
    wanted = {fold(name) for name in names}
    named = [topic for topic in rundown.topics if fold(topic.title) in wanted]
    if any(topic.running for topic in named):
        return rundown
    waiting = next((topic for topic in named if topic.waiting), None)
    return rundown if waiting is None else start_topic(rundown, waiting.id, at=at)


def add_topic(rundown: Rundown, topic: Topic) -> Rundown:
    """Put a topic at the end.

    Raises:
        Conflict: there are too many.
    """
    if len(rundown.topics) >= MAX_TOPICS:
        message = f"run of show of {rundown.session_id}: has {MAX_TOPICS} topics"
        raise WrongState(message, hint="take one out first", code="rundown_full")
    return _with(rundown, (*rundown.topics, topic))


def make_topic(topic_id: str, *, title: str, planned_minutes: int, speaker: str) -> Topic:
    """A topic of what somebody typed, cleaned.

    Raises:
        BadInput: no title, a text too long, or minutes that cannot be.
    """
    return Topic(
        id=topic_id,
        title=clean_line(title, max_length=MAX_TITLE, what="topic"),
        planned_minutes=planned_minutes,
        speaker=clean_line(speaker, max_length=MAX_SPEAKER, what="who speaks") if speaker.strip() else "",
    )


def change_topic(rundown: Rundown, changed: Topic) -> Rundown:
    """Give a topic another title, length and speaker; when it began and ended stays.

    Raises:
        NotFound: there is no such topic.
    """
    return _change(
        rundown,
        changed.id,
        lambda topic: replace(
            topic, title=changed.title, planned_minutes=changed.planned_minutes, speaker=changed.speaker
        ),
    )


def remove_topic(rundown: Rundown, topic_id: str) -> Rundown:
    """Take a topic out.

    Raises:
        NotFound: there is no such topic.
    """
    gone = rundown.topic(topic_id)
    return _with(rundown, (topic for topic in rundown.topics if topic is not gone))


def move_topic(rundown: Rundown, topic_id: str, *, by: int) -> Rundown:
    """Move a topic by so many places, as far as there are places.

    Raises:
        NotFound: there is no such topic.
    """
    moved = rundown.topic(topic_id)
    others = [topic for topic in rundown.topics if topic is not moved]
    place = min(len(others), max(0, rundown.topics.index(moved) + by))
    return _with(rundown, (*others[:place], moved, *others[place:]))


def _change(rundown: Rundown, topic_id: str, fn: Callable[[Topic], Topic]) -> Rundown:
    rundown.topic(topic_id)
    return _with(rundown, (fn(topic) if topic.id == topic_id else topic for topic in rundown.topics))


def _with(rundown: Rundown, topics: Iterable[Topic]) -> Rundown:
    return replace(rundown, topics=tuple(topics))
