"""What is typed into the forms about people, read into records and written back; all pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date

from streamhub.errors import BadInput
from streamhub.schedule.people import Availability, Person, clean_person
from streamhub.schedule.show import Role
from streamhub.text import LANGUAGES
from streamhub.web.wall import read_zone

Say = Callable[[str], str]

HOURS = range(7, 23)
"""The hours of the day that can be ticked."""
AWAY_ROWS = 4
_MOST_AWAY = 40


def parse_person_form(form: Mapping[str, str], before: Person, *, say: Say) -> Person:
    """The person that a form describes.

    Raises:
        BadInput: a field that cannot be; says which and what to do.
    """
    role = form.get("role", "")
    zone = read_zone(form.get("zone", "").strip() or before.zone, say)
    speaks = tuple(one for one in LANGUAGES if form.get(f"speaks_{one}"))
    if not form.get("name", "").strip():
        raise BadInput(say("The name is missing."), hint=say("Write the name as it is shown."))
    return clean_person(
        replace(
            before,
            name=form.get("name", ""),
            role=Role(role) if role in set(Role) else before.role,
            email=form.get("email", ""),
            about=form.get("about", ""),
            organisation=form.get("organisation", ""),
            language=form.get("language", before.language) if form.get("language") in LANGUAGES else before.language,
            zone=zone,
            topics=split_words(form.get("topics", "")),
            products=split_words(form.get("products", "")),
            speaks=speaks or (before.language,),
            most_sessions=_number(form.get("most_sessions", ""), most=100, say=say),
            rest_days=_number(form.get("rest_days", ""), most=365, say=say),
            active=bool(form.get("active")),
            question=form.get("question", ""),
        )
    )


def format_person_form(person: Person) -> dict[str, str]:
    """The fields of a person, as `parse_person_form` reads them."""
    return {
        "name": person.name,
        "role": person.role.value,
        "email": person.email,
        "about": person.about,
        "organisation": person.organisation,
        "language": person.language,
        "zone": person.zone,
        "topics": "\n".join(person.topics),
        "products": "\n".join(person.products),
        **{f"speaks_{one}": "1" for one in person.speaks},
        "most_sessions": str(person.most_sessions),
        "rest_days": str(person.rest_days),
        "active": "1" if person.active else "",
        "question": person.question,
    }


def split_words(text: str) -> tuple[str, ...]:
    """Words or phrases, one per line or parted by commas or semicolons."""
    return tuple(word.strip() for word in re.split(r"[\n,;]", text) if word.strip())


def parse_week(form: Mapping[str, str]) -> frozenset[tuple[int, int]]:
    """The hours of a week that were ticked."""
    return frozenset((day, hour) for day in range(7) for hour in HOURS if form.get(f"h{day}-{hour}"))


def parse_away(form: Mapping[str, str], *, say: Say) -> tuple[tuple[date, date], ...]:
    """Stretches of days away; a row with one day only is that day.

    Raises:
        BadInput: a day that is none, or an end before its beginning.
    """
    found = []
    for row in range(_MOST_AWAY):
        first, last = form.get(f"first{row}", "").strip(), form.get(f"last{row}", "").strip()
        if not first and not last:
            continue
        try:
            stretch = (date.fromisoformat(first or last), date.fromisoformat(last or first))
        except ValueError as error:
            raise BadInput(say("A day is missing or none."), hint=say("Write it as 2027-03-02.")) from error
        if stretch[1] < stretch[0]:
            raise BadInput(say("An absence ends before it begins."), hint=say("Swap its days."))
        found.append(stretch)
    return tuple(sorted(set(found)))


def plan_away_rows(availability: Availability) -> list[tuple[str, str]]:
    """The rows of the form of absences: those that there are, and some empty ones."""
    rows = [(first.isoformat(), last.isoformat()) for first, last in availability.away[: _MOST_AWAY - AWAY_ROWS]]
    return [*rows, *[("", "")] * AWAY_ROWS]


def read_away_rows(form: Mapping[str, str]) -> list[tuple[str, str]]:
    """The rows of the form of absences as they were typed, with room for more."""
    typed = [(form.get(f"first{row}", ""), form.get(f"last{row}", "")) for row in range(_MOST_AWAY)]
    filled = [(first[:20], last[:20]) for first, last in typed if first.strip() or last.strip()]
    return [*filled[: _MOST_AWAY - AWAY_ROWS], *[("", "")] * AWAY_ROWS]


def _number(text: str, *, most: int, say: Say) -> int:
    number = text.strip() or "0"
    if not number.isdecimal() or len(number) > 4 or int(number) > most:
        raise BadInput(
            say("“%(text)s” is no number from 0 to %(most)s.") % {"text": text[:20], "most": most},
            hint=say("0 means without a limit."),
        )
    return int(number)
