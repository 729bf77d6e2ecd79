"""What is asked of a CalDAV server, and what it answers (RFC 4791, 5397, 6638). Pure.

First what is at an address: a calendar, or whatever leads to the calendars of whoever signed in. Then for the entries
of the time, by the properties that matter and no others; a server that does not tell them is asked for busy times. Not
the other way round: servers reckon repetitions themselves then, and Radicale 3.9 was seen to lose an hour where clocks
change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree as Xml

MAX_CALENDARS = 20_000
MAX_PLACES = 1000
_DAV, _CALDAV = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}"
_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
_PROPERTIES = (
    "UID", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "STATUS", "TRANSP", "ATTENDEE",
    "X-MICROSOFT-CDO-BUSYSTATUS",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What a server says is at an address.

    Attributes:
        href: the address, as the server writes it.
        calendar: whether it is a calendar that holds entries and makes its owner busy.
        home: where the owner's calendars are; empty: it does not say so.
        principal: the page of whoever signed in; empty: it does not say so.
    """

    href: str
    calendar: bool = False
    home: str = ""
    principal: str = ""


def render_places_query() -> bytes:
    """The question what is at an address."""
    return (
        f'{_HEAD}<D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:resourcetype/>'
        "<D:current-user-principal/><C:calendar-home-set/><C:supported-calendar-component-set/>"
        "<C:schedule-calendar-transp/></D:prop></D:propfind>"
    ).encode()


def parse_places(body: bytes) -> list[Place]:
    """What a server says is there, in its order; the first thousand of it.

    Raises:
        ValueError: it is no such answer.
    """
    return [_place(one) for one in _parse(body).findall(f"{_DAV}response")[:MAX_PLACES]]


def _place(response: Xml.Element) -> Place:
    def link(name: str) -> str:
        found = response.find(f".//{name}/{_DAV}href")
        return (found.text or "").strip() if found is not None else ""

    components = {one.get("name", "").upper() for one in response.iter(f"{_CALDAV}comp")}
    calendar = response.find(f".//{_DAV}resourcetype/{_CALDAV}calendar") is not None
    transparent = response.find(f".//{_CALDAV}schedule-calendar-transp/{_CALDAV}transparent") is not None
    href = response.find(f"{_DAV}href")
    return Place(
        href=(href.text or "").strip() if href is not None else "",
        calendar=calendar and not transparent and (not components or "VEVENT" in components),
        home=link(f"{_CALDAV}calendar-home-set"),
        principal=link(f"{_DAV}current-user-principal"),
    )


def render_busy_query(begin: datetime, end: datetime) -> bytes:
    """The question for busy times."""
    return (
        f'{_HEAD}<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav">{_range(begin, end)}</C:free-busy-query>'
    ).encode()


def render_entries_query(begin: datetime, end: datetime) -> bytes:
    """The question for the entries of a time, without titles, places and texts."""
    properties = "".join(f'<C:prop name="{name}"/>' for name in _PROPERTIES)
    return (
        f'{_HEAD}<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data>'
        f'<C:comp name="VCALENDAR"><C:comp name="VEVENT">{properties}</C:comp><C:comp name="VTIMEZONE"><C:allprop/>'
        f'<C:allcomp/></C:comp></C:comp></C:calendar-data></D:prop><C:filter><C:comp-filter name="VCALENDAR">'
        f'<C:comp-filter name="VEVENT">{_range(begin, end)}</C:comp-filter></C:comp-filter></C:filter>'
        "</C:calendar-query>"
    ).encode()


def _range(begin: datetime, end: datetime) -> str:
    return f'<C:time-range start="{_utc(begin)}" end="{_utc(end)}"/>'


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def parse_entries(body: bytes) -> list[bytes]:
    """The calendars in an answer, one for each entry.

    Raises:
        ValueError: it is no such answer, or one that declares entities, which none needs.
    """
    found = [one.text for one in _parse(body).iter(f"{_CALDAV}calendar-data") if one.text]
    return [text.encode() for text in found[:MAX_CALENDARS]]


def _parse(body: bytes) -> Xml.Element:
    if b"<!" in body.replace(b"<![CDATA[", b"") or b"\x00" in body:
        raise ValueError("answer of a calendar server: declares what it need not")
    try:
        root = Xml.fromstring(body)  # noqa: S314  without a declaration there is no entity to expand
    except Xml.ParseError as error:
        raise ValueError("answer of a calendar server: no XML") from error
    if root.tag != f"{_DAV}multistatus":
        raise ValueError("answer of a calendar server: no list")
    return root
