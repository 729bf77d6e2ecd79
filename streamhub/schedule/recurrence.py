"""Rules of recurrence: which dates a series has, on the wall clock of its zone, and which sessions they become. Pure.

The wall clock is kept across daylight saving. A time that the clock leaves out is moved on by what is left out (02:30
becomes 03:30), and of a time that it shows twice the first one is meant, as RFC 5545, section 3.3.5 says. A session's
end is its start's instant and its length, so that no jump of the clock makes it shorter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays
from dateutil.rrule import MONTHLY, WEEKLY, rrule, weekday

from streamhub.errors import BadInput
from streamhub.schedule.series import Fate, Jump, Occurrence, Rhythm, Series, SeriesDate, SeriesFault
from streamhub.timecode import require_zone

MAX_EVERY = 26
MAX_AHEAD_WEEKS = 52
MAX_MINUTES = 24 * 60
_LOOK_AHEAD = timedelta(days=5 * 366)
"""A rule that gives no date for so long gives none."""

_FREQUENCY: Mapping[Rhythm, int] = {Rhythm.WEEKLY: WEEKLY, Rhythm.MONTHLY: MONTHLY}


def resolve_wall(day: date, at: time, zone: str) -> tuple[datetime, Jump]:
    """The instant at which a wall clock shows a time, UTC, and what the clock does there."""
    place = ZoneInfo(zone)
    wall = datetime.combine(day, at)
    instant = wall.replace(tzinfo=place).astimezone(UTC)
    if instant.astimezone(place).replace(tzinfo=None) != wall:
        return instant, Jump.GAP
    later = wall.replace(tzinfo=place, fold=1).astimezone(UTC)
    return instant, Jump.NONE if later == instant else Jump.FOLD


def iter_days(series: Series) -> Iterator[date]:
    """The days that the rule gives, in order, before anything is left out; may be without an end."""
    days = [weekday(number) for number in sorted(series.weekdays)]
    if series.rhythm is Rhythm.MONTHLY:
        days = [one(series.nth) for one in days]
    last = series.last_day
    rule = rrule(
        _FREQUENCY[series.rhythm],
        dtstart=datetime.combine(series.first_day, time()),
        until=None if last is None else datetime.combine(last, time()),
        interval=series.every,
        byweekday=days,
        wkst=0,
    )
    return (found.date() for found in rule)


def list_occurrences(
    series: Series,
    dates: Iterable[SeriesDate] = (),
    *,
    since: datetime,
    until: datetime,
    language: str = "en",
) -> list[Occurrence]:
    """The dates of a series that start, or would start, from one instant to before another, in their order.

    Args:
        series: the rule.
        dates: what was done with single ones.
        since: begin of the stretch, UTC.
        until: its end, UTC, itself not in it.
        language: of the names of holidays, where the region has them in it.
    """
    known = {one.day: one for one in dates}
    edge = timedelta(days=2)  # a zone's day may begin a day before or after that of UTC
    found = []
    for day in iter_days(series):
        if day > (until + edge).date():
            break
        if day >= (since - edge).date() or day in known:
            found.append(_occurrence(series, day, known.get(day), language))
    # A date may be moved from beyond the stretch into it.
    late = [one for one in known.values() if one.moved_to and one.day > (until + edge).date()]
    found += [_occurrence(series, one.day, one, language) for one in late if _is_day_of(series, one.day)]
    return sorted((one for one in found if since <= one.starts_at < until), key=lambda one: (one.starts_at, one.day))


def _is_day_of(series: Series, day: date) -> bool:
    return next((found for found in iter_days(series) if found >= day), None) == day


def _occurrence(series: Series, day: date, done: SeriesDate | None, language: str) -> Occurrence:
    starts_at, jump = resolve_wall(day, series.at, series.zone)
    if done is not None and done.moved_to is not None and not done.cancelled:
        return Occurrence(day=day, starts_at=done.moved_to, fate=Fate.MOVED)
    if done is not None and done.cancelled:
        return Occurrence(day=day, starts_at=starts_at, fate=Fate.CANCELLED, jump=jump)
    if day.month in series.pauses:
        return Occurrence(day=day, starts_at=starts_at, fate=Fate.PAUSE, jump=jump)
    if series.region and (holiday := find_holiday(series.region, day, language)):
        return Occurrence(day=day, starts_at=starts_at, fate=Fate.HOLIDAY, jump=jump, holiday=holiday)
    return Occurrence(day=day, starts_at=starts_at, jump=jump)


def list_next(
    series: Series, dates: Iterable[SeriesDate] = (), *, now: datetime, count: int, language: str = "en"
) -> list[Occurrence]:
    """The next dates from now on, with those that are left out between them, until so many happen."""
    found = list_occurrences(series, dates, since=now, until=now + _LOOK_AHEAD, language=language)
    happening = [place for place, one in enumerate(found) if one.fate.happens][:count]
    return found[: happening[-1] + 1] if happening else found[:count]


def find_fault(series: Series, *, now: datetime) -> SeriesFault | None:
    """What is wrong with a rule; None when it gives dates."""
    if not series.weekdays or not series.weekdays <= frozenset(range(7)):
        return SeriesFault.NO_WEEKDAY
    if not _numbers_fit(series):
        return SeriesFault.BAD_NUMBER
    if not is_zone(series.zone):
        return SeriesFault.BAD_ZONE
    if series.region and not is_region(series.region):
        return SeriesFault.BAD_REGION
    return _find_fault_of_days(series, now=now)


def _find_fault_of_days(series: Series, *, now: datetime) -> SeriesFault | None:
    if series.last_day is not None and series.last_day < series.first_day:
        return SeriesFault.ENDS_EARLY
    if series.last_day is not None and series.last_day < now.date() - timedelta(days=1):
        return SeriesFault.OVER
    since = max(now, datetime.combine(series.first_day, time(), tzinfo=UTC) - timedelta(days=1))
    found = list_occurrences(series, since=since, until=since + _LOOK_AHEAD)
    return None if any(one.fate.happens for one in found) else SeriesFault.NEVER


def is_zone(zone: str) -> bool:
    """Whether there is a time zone of that name."""
    try:
        require_zone(zone, what="series")
    except BadInput:
        return False
    return True


def _numbers_fit(series: Series) -> bool:
    return (
        1 <= series.every <= MAX_EVERY
        and series.nth in {-1, 1, 2, 3, 4}
        and 1 <= series.minutes <= MAX_MINUTES
        and 1 <= series.ahead_weeks <= MAX_AHEAD_WEEKS
        and series.pauses <= frozenset(range(1, 13))
        and date(2000, 1, 1) <= series.first_day <= date(2100, 1, 1)
        and (series.last_day is None or series.last_day <= date(2200, 1, 1))
    )


def plan_due(series: Series, dates: Iterable[SeriesDate], *, now: datetime) -> list[Occurrence]:
    """The dates that are to be draft sessions by now: soon enough, not over, and happening."""
    until = now + timedelta(weeks=series.ahead_weeks)
    return [one for one in list_occurrences(series, dates, since=now, until=until) if one.fate.happens]


# Public holidays.


@lru_cache(maxsize=64)
def _calendar(region: str, language: str) -> holidays.HolidayBase:
    country, _, part = region.partition("-")
    plain = holidays.country_holidays(country, subdiv=part or None)
    spoken = next((one for one in plain.supported_languages if one.partition("_")[0] == language), None)
    return holidays.country_holidays(country, subdiv=part or None, language=spoken) if spoken else plain


def find_holiday(region: str, day: date, language: str) -> str:
    """The public holiday of a region on a day, in a language where the region's list has it; empty for none."""
    return str(_calendar(region, language).get(day, ""))


@lru_cache(maxsize=1)
def _regions() -> Mapping[str, frozenset[str]]:
    return {country: frozenset(parts) for country, parts in holidays.list_supported_countries().items()}


def is_region(region: str) -> bool:
    """Whether the public holidays of a region are known."""
    country, dash, part = region.partition("-")
    parts: frozenset[str] | None = _regions().get(country)
    return parts is not None and (part in parts if dash else True)
