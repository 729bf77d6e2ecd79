"""What hosts tell the planner: the frame as a form, and their wishes as parameters of an address; all pure.

A wish is one parameter: ``keep=theme|slot|expert,expert`` wants a session in the plan, ``no=theme|slot|expert`` wants
none that fits; empty parts mean any. So a plan with wishes has an address that can be shared and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from streamhub.errors import BadInput
from streamhub.schedule.frame import MAX_TIMES, MAX_WEEKS, Frame
from streamhub.schedule.proposing import MAX_PANEL, MAX_SESSIONS, Exclusion, Pin
from streamhub.web.planner_views import Wishes

Say = Callable[[str], str]

KEEP, NO = "keep", "no"
MAX_WISHES = 100
NUMBERS: Mapping[str, tuple[int, int]] = {
    "sessions": (1, MAX_SESSIONS),
    "weeks": (1, MAX_WEEKS),
    "lead_days": (0, 365),
    "minutes": (1, 24 * 60),
    "questions": (1, 100),
    "per_week": (1, 50),
    "per_day": (1, 24),
    "per_theme": (1, MAX_SESSIONS),
    "experts_least": (1, MAX_PANEL),
    "experts_most": (1, MAX_PANEL),
    "customers_least": (0, MAX_PANEL),
    "customers_most": (0, MAX_PANEL),
}
"""The numbers of a frame with their least and most; their names are those of the form's fields."""


def parse_wishes(pairs: Iterable[tuple[str, str]]) -> Wishes:
    """The wishes in the parameters of an address; what is no wish is passed over."""
    pins, exclusions = list[Pin](), list[Exclusion]()
    for name, value in list(pairs)[:MAX_WISHES]:
        parts = value.split("|")
        if len(parts) != 3 or not any(parts):
            continue
        theme_id, slot_id, people = parts
        if name == KEEP:
            ids = frozenset(person for person in people.split(",") if person)
            pins.append(Pin(theme_id=theme_id, slot_id=slot_id, expert_ids=ids))
        elif name == NO:
            exclusions.append(Exclusion(theme_id=theme_id, slot_id=slot_id, expert_id=people))
    return Wishes(pins=tuple(dict.fromkeys(pins)), exclusions=tuple(dict.fromkeys(exclusions)))


def write_pin(pin: Pin) -> str:
    """A pin as a parameter's value."""
    return f"{pin.theme_id}|{pin.slot_id}|{','.join(sorted(pin.expert_ids))}"


def write_exclusion(one: Exclusion) -> str:
    """An exclusion as a parameter's value."""
    return f"{one.theme_id}|{one.slot_id}|{one.expert_id}"


def write_wishes(wishes: Wishes) -> str:
    """Wishes as the parameters of an address."""
    pairs = [(KEEP, write_pin(pin)) for pin in wishes.pins]
    return urlencode([*pairs, *((NO, write_exclusion(one)) for one in wishes.exclusions)])


def read_wishes(query: str) -> Wishes:
    """Wishes as `write_wishes` wrote them."""
    try:
        return parse_wishes(parse_qsl(query[:20_000], max_num_fields=MAX_WISHES))
    except ValueError:
        return Wishes()


def parse_frame_form(form: Mapping[str, str], before: Frame, say: Say) -> Frame:
    """The frame that a host filled in.

    Raises:
        BadInput: something in it cannot be; in the reader's language.
    """
    weekdays = tuple(day for day in range(7) if form.get(f"day-{day}"))
    if not weekdays:
        raise BadInput(say("No day of the week is chosen."), hint=say("Choose at least one day."))
    numbers = {name: _number(form.get(name, ""), name, say) for name in NUMBERS}
    for least, most in (("experts_least", "experts_most"), ("customers_least", "customers_most")):
        if numbers[least] > numbers[most]:
            message = say("A panel cannot have at least %(least)s and at most %(most)s people of a kind.")
            raise BadInput(
                message % {"least": numbers[least], "most": numbers[most]}, hint=say("Write the smaller number first.")
            )
    changes: dict[str, Any] = {
        **numbers,
        "weekdays": weekdays,
        "times": _times(form.get("times", ""), say),
        "show_id": form.get("show_id", before.show_id),
        "diverse": bool(form.get("diverse")),
    }
    try:
        return replace(before, **changes)
    except BadInput as error:
        raise BadInput(
            say("That are more times than can be weighed against each other."),
            hint=say("Choose fewer weeks, days or times."),
        ) from error


def _number(text: str, name: str, say: Say) -> int:
    least, most = NUMBERS[name]
    typed = text.strip()
    if typed.isascii() and typed.isdigit() and len(typed) < 6 and least <= int(typed) <= most:
        return int(typed)
    message = say("“%(typed)s” cannot be planned with.") % {"typed": typed[:40]}
    raise BadInput(
        message, hint=say("Write a whole number from %(least)s to %(most)s.") % {"least": least, "most": most}
    )


def _times(text: str, say: Say) -> tuple[str, ...]:
    found = []
    for typed in text.replace(",", " ").replace(";", " ").replace("Uhr", " ").split():
        hours, _, minutes = typed.replace(".", ":").partition(":")
        right = hours.isascii() and hours.isdigit() and (minutes or "00").isascii() and (minutes or "00").isdigit()
        if not right or int(hours) > 23 or int(minutes or 0) > 59:
            message = say("“%(typed)s” is no time of day.") % {"typed": typed[:40]}
            raise BadInput(message, hint=say("Write times such as 20:15, with spaces between them."))
        found.append(f"{int(hours):02d}:{int(minutes or 0):02d}")
    times = tuple(sorted(set(found)))
    if not times or len(times) > MAX_TIMES:
        hint = say("Write times such as 20:15, with spaces between them.")
        raise BadInput(say("There is no time of day, or there are too many."), hint=hint)
    return times
