"""A date, time or length as somebody types it on a form, read as what it means. Pure.

Whatever cannot be meant is refused in the reader's language, with what to do: no date, an unknown zone, an hour that
the clock leaves out, a date that is past.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from streamhub.errors import BadInput
from streamhub.schedule.recurrence import is_zone, resolve_wall
from streamhub.schedule.series import Jump
from streamhub.web.series_form import parse_wall

Say = Callable[[str], str]
_JUST_NOW = timedelta(hours=1)
"""A session that begins at this moment may be planned a little late."""


def read_zone(text: str, say: Say) -> str:
    """A zone's IANA name.

    Raises:
        BadInput: there is no such zone.
    """
    zone = text.strip()
    if not is_zone(zone):
        message = say("The time zone “%(zone)s” is unknown.") % {"zone": zone[:60]}
        raise BadInput(message, hint=say("Name it by city, such as Europe/Berlin."))
    return zone


def read_instant(text: str, zone: str, say: Say) -> datetime:
    """The instant that a date and time on a zone's wall clock means, UTC; of one that it shows twice, the first.

    Raises:
        BadInput: it is no date and time, the zone is unknown, or its clock leaves that time out.
    """
    wall, known = parse_wall(text, say), read_zone(zone, say)
    instant, jump = resolve_wall(wall.date(), wall.time(), known)
    if jump is Jump.GAP:
        raise BadInput(
            say("This time does not exist on that day: the clock leaves it out."),
            hint=say("Choose a time an hour earlier or later."),
        )
    return instant


def read_coming(text: str, zone: str, say: Say, *, now: datetime) -> datetime:
    """The same for a start, which must not be past.

    Raises:
        BadInput: as `read_instant`, or it is past.
    """
    instant = read_instant(text, zone, say)
    if instant < now - _JUST_NOW:
        raise BadInput(say("This date is past."), hint=say("Choose one that is still to come."))
    return instant


def parse_minutes(text: str, say: Say) -> int:
    """A length in minutes; an hour where nothing was typed.

    Raises:
        BadInput: it is none.
    """
    typed = text.strip() or "60"
    if not typed.isascii() or not typed.isdecimal() or len(typed) > 4 or not 1 <= int(typed) <= 24 * 60:
        raise BadInput(say("This length cannot be."), hint=say("Write 1 to 1440 minutes."))
    return int(typed)
