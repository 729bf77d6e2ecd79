"""What hosts type into the forms of an event, read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from streamhub.errors import BadInput
from streamhub.schedule.event import Event
from streamhub.text import LANGUAGES, clean_line, clean_text
from streamhub.web.wall import read_zone

Say = Callable[[str], str]
MAX_TITLE = 200
MAX_ABOUT = 2000
MAX_DAYS = 366


def parse_event_form(form: Mapping[str, str], before: Event, say: Say) -> Event:
    """An event with the words that were typed.

    Raises:
        BadInput: no title, or an unknown zone.
    """
    if not form.get("title", "").strip():
        raise BadInput(say("The title is missing."), hint=say("Write one."))
    about, language = form.get("about", ""), form.get("language", "")
    return replace(
        before,
        title=clean_line(form["title"], max_length=MAX_TITLE, what=say("Title")),
        about=clean_text(about, max_length=MAX_ABOUT, what="about") if about.strip() else "",
        zone=read_zone(form.get("zone", ""), say),
        language=language if language in LANGUAGES else before.language,
    )


def parse_days(text: str, say: Say) -> int:
    """By how many days an event moves; back where it begins with a minus.

    Raises:
        BadInput: no number, none at all, or more than a year.
    """
    typed = text.strip().replace("\N{MINUS SIGN}", "-")
    digits = typed.removeprefix("-").removeprefix("+")
    if not digits.isascii() or not digits.isdecimal() or not 1 <= int(digits[:6]) <= MAX_DAYS:
        raise BadInput(say("By how many days is not said."), hint=say("Write a number from 1 to 366, or -1 to -366."))
    return -int(digits) if typed.startswith("-") else int(digits)
