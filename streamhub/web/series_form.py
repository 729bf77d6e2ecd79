"""What hosts type into the form of a series, read into a rule and written back, and what is wrong with it in words.

All pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from types import MappingProxyType

from babel.dates import get_day_names, get_month_names

from streamhub.errors import BadInput
from streamhub.schedule.recurrence import MAX_AHEAD_WEEKS, MAX_EVERY, find_fault
from streamhub.schedule.series import Rhythm, Series, SeriesFault
from streamhub.text import clean_line, fold

Say = Callable[[str], str]

MAX_TITLE = 200
REGIONS: Mapping[str, str] = MappingProxyType(
    {
        "DE": "Deutschland",
        "DE-BW": "Baden-Württemberg",
        "DE-BY": "Bayern",
        "DE-BE": "Berlin",
        "DE-BB": "Brandenburg",
        "DE-HB": "Bremen",
        "DE-HH": "Hamburg",
        "DE-HE": "Hessen",
        "DE-MV": "Mecklenburg-Vorpommern",
        "DE-NI": "Niedersachsen",
        "DE-NW": "Nordrhein-Westfalen",
        "DE-RP": "Rheinland-Pfalz",
        "DE-SL": "Saarland",
        "DE-SN": "Sachsen",
        "DE-ST": "Sachsen-Anhalt",
        "DE-SH": "Schleswig-Holstein",
        "DE-TH": "Thüringen",
        "AT": "Österreich",
        "CH": "Schweiz",
        "GB": "United Kingdom",
        "US": "United States",
    }
)
"""Regions that the form proposes, with the names that they call themselves; it takes every other one as well."""


def parse_series_form(form: Mapping[str, str], *, show_id: str, say: Say, now: datetime) -> Series:
    """The rule of what was typed, fit to be kept.

    Args:
        form: the fields.
        show_id: whose rule it is.
        say: says a message in the reader's language.
        now: the clock's time, UTC.

    Raises:
        BadInput: a field that cannot be read, or a rule that gives no date; says which and what to do.
    """
    series = Series(
        show_id=show_id,
        title=clean_line(form.get("title", ""), max_length=MAX_TITLE, what=say("Title")),
        rhythm=Rhythm.MONTHLY if form.get("rhythm") == Rhythm.MONTHLY else Rhythm.WEEKLY,
        every=_number(form, "every", 1, say),
        weekdays=frozenset(day for day in range(7) if form.get(f"day{day}")),
        nth=-1 if form.get("nth") == "-1" else _number(form, "nth", 1, say),
        at=_time(form.get("at", ""), say),
        zone=form.get("zone", "").strip(),
        minutes=_number(form, "minutes", 60, say),
        first_day=parse_day(form.get("first_day", ""), say),
        last_day=parse_day(form["last_day"], say) if form.get("last_day", "").strip() else None,
        region=_region(form.get("region", "")),
        pauses=frozenset(month for month in range(1, 13) if form.get(f"month{month}")),
        ahead_weeks=_number(form, "ahead_weeks", 8, say),
    )
    if fault := find_fault(series, now=now):
        raise tell_fault(fault, series, say)
    return series


def format_series_form(series: Series) -> dict[str, str]:
    """The fields of a rule, as `parse_series_form` reads them."""
    return {
        "title": series.title,
        "rhythm": series.rhythm.value,
        "every": str(series.every),
        "nth": str(series.nth),
        "at": f"{series.at:%H:%M}",
        "zone": series.zone,
        "minutes": str(series.minutes),
        "first_day": series.first_day.isoformat(),
        "last_day": series.last_day.isoformat() if series.last_day else "",
        "region": series.region,
        "ahead_weeks": str(series.ahead_weeks),
        **{f"day{day}": "1" for day in series.weekdays},
        **{f"month{month}": "1" for month in series.pauses},
    }


def tell_fault(fault: SeriesFault, series: Series, say: Say) -> BadInput:
    """What is wrong with a rule and what to do, in the reader's language."""
    told: Mapping[SeriesFault, tuple[str, str]] = {
        SeriesFault.NO_WEEKDAY: (say("No weekday is chosen."), say("Tick at least one day of the week.")),
        SeriesFault.BAD_NUMBER: (
            say("A number of the rule cannot be."),
            say("Every 1 to %(every)s weeks or months, 1 to 1440 minutes, drafts 1 to %(weeks)s weeks ahead.")
            % {"every": MAX_EVERY, "weeks": MAX_AHEAD_WEEKS},
        ),
        SeriesFault.BAD_ZONE: (
            say("The time zone “%(zone)s” is unknown.") % {"zone": series.zone[:60]},
            say("Name it by city, such as Europe/Berlin."),
        ),
        SeriesFault.BAD_REGION: (
            say("Nobody knows the public holidays of “%(region)s”.") % {"region": series.region[:60]},
            say("Use a country such as DE, or a part of one such as DE-BY; or leave it empty."),
        ),
        SeriesFault.ENDS_EARLY: (
            say("The rule ends before it begins."),
            say("Choose a last day after the first one, or leave it empty."),
        ),
        SeriesFault.OVER: (
            say("The last day of the rule is past."),
            say("Choose a later one, or leave it empty."),
        ),
        SeriesFault.NEVER: (
            say("This rule gives no date at all."),
            say("Leave out fewer months or holidays, or let it run longer."),
        ),
    }
    message, hint = told[fault]
    return BadInput(message, hint=hint)


def name_days(language: str) -> list[str]:
    """The names of the weekdays, Monday first."""
    names = get_day_names("wide", locale=language)
    return [names[day] for day in range(7)]


def name_months(language: str) -> list[str]:
    """The names of the months."""
    names = get_month_names("wide", "stand-alone", locale=language)
    return [names[month] for month in range(1, 13)]


def parse_wall(text: str, say: Say) -> datetime:
    """A date and time on the wall clock, without a zone.

    Raises:
        BadInput: it is none.
    """
    try:
        wall = datetime.fromisoformat(text.strip())
    except ValueError:
        wall = None
    if wall is None or wall.tzinfo is not None or not 2000 <= wall.year <= 2100:
        raise BadInput(say("This is no date and time."), hint=say("Write it as 2027-03-02T20:15."))
    return wall.replace(second=0, microsecond=0)


def _number(form: Mapping[str, str], name: str, otherwise: int, say: Say) -> int:
    text = form.get(name, "").strip() or str(otherwise)
    if not text.isdecimal() or len(text) > 6:
        raise BadInput(say("“%(text)s” is no number.") % {"text": text[:20]}, hint=say("Write digits."))
    return int(text)


def _region(text: str) -> str:
    """The code of a region, typed as a code or by the name that the form proposes."""
    typed = fold(text)
    return next((code for code, name in REGIONS.items() if fold(name) == typed), text.strip().upper())


def _time(text: str, say: Say) -> time:
    try:
        return time.fromisoformat(text.strip()).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError as error:
        raise BadInput(say("The time is missing or none."), hint=say("Write it as 20:15.")) from error


def parse_day(text: str, say: Say) -> date:
    """A day.

    Raises:
        BadInput: it is none.
    """
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise BadInput(say("A day is missing or none."), hint=say("Write it as 2027-03-02.")) from error
