"""The frame of a plan: at which times the host could hold sessions, how many, and what a panel is. Pure.

Owns how a host says it in a few words and what follows: the slots. What is written down is kept as a short text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta

from streamhub.errors import BadInput
from streamhub.schedule.demand import Slot
from streamhub.schedule.proposing import MAX_SLOTS, Rules
from streamhub.timecode import format_instant, require_zone

MAX_WEEKS = 52
MAX_TIMES = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """What a host says before a plan is made.

    Attributes:
        show_id: whose sessions are planned; empty: of the first show.
        weekdays: on which there may be sessions; 0 is Monday.
        times: of the wall clock at which they may begin, ``HH:MM``.
        lead_days: no session is planned earlier than so many days from now.
        weeks: from then on.
        minutes: how long a session takes.
        zone: IANA name, in which days and times are meant.
        sessions, questions, per_week, per_day, per_theme, experts_least, experts_most, customers_least, customers_most,
            diverse: see `streamhub.schedule.proposing.Rules`.
    """

    show_id: str = ""
    weekdays: tuple[int, ...] = (1, 2, 3)
    times: tuple[str, ...] = ("17:00", "20:15")
    lead_days: int = 14
    weeks: int = 8
    minutes: int = 60
    zone: str = "Europe/Berlin"
    sessions: int = 4
    questions: int = 10
    per_week: int = 1
    per_day: int = 1
    per_theme: int = 2
    experts_least: int = 2
    experts_most: int = 4
    customers_least: int = 1
    customers_most: int = 2
    diverse: bool = True

    def __post_init__(self) -> None:
        require_zone(self.zone, what="plan")
        if not self.weekdays or not set(self.weekdays) <= set(range(7)):
            raise BadInput("plan: no day of the week", hint="choose at least one day")
        if not self.times or len(self.times) > MAX_TIMES:
            raise BadInput(f"plan: {len(self.times)} times of day", hint=f"write 1 to {MAX_TIMES} times such as 20:15")
        for text in self.times:
            _parse_time(text)
        if not 1 <= self.weeks <= MAX_WEEKS or not 0 <= self.lead_days <= 365:
            raise BadInput(
                f"plan: {self.weeks} weeks, {self.lead_days} days ahead",
                hint=f"look at 1 to {MAX_WEEKS} weeks, 0 to 365 days ahead",
            )
        count = self.weeks * len(self.weekdays) * len(self.times)
        if count > MAX_SLOTS:
            raise BadInput(
                f"plan: {count} times to choose from", hint=f"choose at most {MAX_SLOTS}: fewer weeks or times"
            )
        if not 1 <= self.minutes <= 24 * 60:
            raise BadInput(f"plan: {self.minutes} minutes", hint="plan 1 to 1440 minutes")
        self.rules()

    def rules(self) -> Rules:
        """What must hold of a plan.

        Raises:
            BadInput: numbers that cannot be.
        """
        return Rules(
            sessions=self.sessions,
            questions=self.questions,
            per_week=self.per_week,
            per_day=self.per_day,
            per_theme=self.per_theme,
            experts_least=self.experts_least,
            experts_most=self.experts_most,
            customers_least=self.customers_least,
            customers_most=self.customers_most,
            diverse=self.diverse,
        )


def plan_slots(frame: Frame, *, now: datetime, taken: Iterable[tuple[datetime, datetime]] = ()) -> list[Slot]:
    """The slots of a frame, in order of time.

    A time that the clock leaps over on a day is left out there, and so is what overlaps a taken stretch.

    Args:
        frame: what the host said.
        now: the present.
        taken: stretches in which the host holds sessions already, UTC.
    """
    place, stretches = require_zone(frame.zone, what="plan"), list(taken)
    first = now.astimezone(place).date() + timedelta(days=frame.lead_days)
    slots = []
    for number in range(7 * frame.weeks):
        day = first + timedelta(days=number)
        for text in sorted(set(frame.times)) if day.weekday() in frame.weekdays else ():
            starts_at = _instant(day, _parse_time(text), frame.zone)
            if starts_at is None or starts_at <= now:
                continue
            slot = Slot(id=format_instant(starts_at), starts_at=starts_at, minutes=frame.minutes)
            if not any(begin < slot.ends_at and slot.starts_at < end for begin, end in stretches):
                slots.append(slot)
    return slots


def write_frame(frame: Frame) -> str:
    """A frame as it is kept."""
    return json.dumps(asdict(frame), sort_keys=True)


def read_frame(text: str) -> Frame:
    """A frame that was kept.

    Raises:
        BadInput: it cannot be read, or makes no sense any more.
    """
    try:
        values = json.loads(text)
        return Frame(**{**values, "weekdays": tuple(values["weekdays"]), "times": tuple(values["times"])})
    except (ValueError, TypeError, KeyError) as error:
        raise BadInput("plan: the frame that was kept cannot be read", hint="write it anew") from error


def _instant(day: date, at: time, zone: str) -> datetime | None:
    """When it is that time on a day; None where the clock leaps over it."""
    local = datetime.combine(day, at, require_zone(zone, what="plan"))
    instant = local.astimezone(UTC)
    return instant if instant.astimezone(local.tzinfo).time() == at else None


def _parse_time(text: str) -> time:
    hours, _, minutes = text.partition(":")
    if not (hours.isascii() and minutes.isascii() and hours.isdigit() and minutes.isdigit()):
        raise BadInput(f"plan: {text!r} is no time of day", hint="write times such as 20:15")
    if int(hours) > 23 or int(minutes) > 59:
        raise BadInput(f"plan: {text!r} is no time of day", hint="write 00:00 to 23:59")
    return time(int(hours), int(minutes))
