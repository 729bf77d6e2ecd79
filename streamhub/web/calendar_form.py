"""A person's own calendar in forms: what is typed becomes an access, and what is known of it a view. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from streamhub.calendar_access import CalendarAccess, seal_access, unseal_access
from streamhub.errors import BadInput
from streamhub.questions.guarded import parse_url
from streamhub.store import people as rows

MAX_SIGN_IN = 200
OLD = timedelta(hours=12)
"""What was read longer ago is told with a warning."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarView:
    """What is shown of a person's calendar; neither its address nor its sign-in is.

    Attributes:
        place: the host where it is; empty: there is none.
        signed_in: whether it is read with a sign-in.
        read_at: when it was looked at last, UTC; None: not yet.
        good_at: when it could be read last, UTC; None: never.
        problem: a `streamhub.schedule.busy.CalendarTrouble`; empty when all is well.
        count: how many busy stretches are known.
    """

    place: str = ""
    signed_in: bool = False
    read_at: datetime | None = None
    good_at: datetime | None = None
    problem: str = ""
    count: int = 0


def load_calendar_view(db: Database, secret: bytes, person_id: str) -> CalendarView:
    """What is shown of a person's calendar."""
    state = rows.load_calendar(db, person_id)
    access = unseal_access(secret, state.access) if state.access else None
    if not state.access:
        return CalendarView()
    return CalendarView(
        place=access.place if access else "?",
        signed_in=bool(access and access.user),
        read_at=state.read_at,
        good_at=state.good_at,
        problem=state.problem,
        count=len(rows.load_availability(db, person_id).busy),
    )


def save_calendar_form(
    db: Database, secret: bytes, person_id: str, form: Mapping[str, str], *, say: Callable[[str], str]
) -> None:
    """Keep the calendar that a form describes, or forget the one that is known.

    Raises:
        BadInput: it describes none.
    """
    if form.get("deed") == "forget":
        rows.save_calendar(db, person_id, "")
        return
    before = rows.load_calendar(db, person_id)
    known = unseal_access(secret, before.access) if before.access else None
    access = parse_access(form, known, say=say)
    if access != known:
        rows.save_calendar(db, person_id, seal_access(secret, access))
    else:
        rows.look_again(db, person_id)


def keep_typed(form: Mapping[str, str] | None) -> Mapping[str, str]:
    """What stays in the form of a calendar that was refused: all but the password, also one within the address."""
    typed = {name: form[name] for name in ("address", "user") if name in form} if form else {}
    return {name: value for name, value in typed.items() if name != "address" or "@" not in value}


def parse_access(form: Mapping[str, str], known: CalendarAccess | None, *, say: Callable[[str], str]) -> CalendarAccess:
    """The access that a form describes; an empty password stays the one that is known for the same sign-in.

    Raises:
        BadInput: no web address, a sign-in without encryption, or half of one.
    """
    typed = form.get("address", "").strip()
    scheme, colon, rest = typed.partition(":")
    if colon and scheme.lower() in {"webcal", "webcals"}:
        typed = f"https:{rest}"
    try:
        url = parse_url(typed)
    except BadInput as error:
        hint = say("Write it as https://cloud.example.org/calendar.ics; a name and password go into their own fields.")
        raise BadInput(say("This is no address of a calendar."), hint=hint) from error
    user, password = form.get("user", "").strip(), form.get("password", "")
    if max(len(user), len(password)) > MAX_SIGN_IN or not f"{user}{password}".isprintable() or ":" in user:
        raise BadInput(say("This sign-in cannot be used."), hint=say("A name without a colon, and a short password."))
    if not user:
        return CalendarAccess(url=url)
    if not url.startswith("https://"):
        raise BadInput(
            say("A sign-in goes over an encrypted connection alone."), hint=say("Use the calendar's https address.")
        )
    if not password and known and (known.url, known.user) == (url, user):
        password = known.password
    if not password:
        raise BadInput(say("The password is missing."), hint=say("Best make one for this use alone, an app password."))
    return CalendarAccess(url=url, user=user, password=password)
