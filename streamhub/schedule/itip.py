"""Invitations as calendars understand them (RFC 5545, 5546): requests and cancellations. Pure.

A calendar text is for one attendee and names no other, so that nobody learns the panel's addresses. The entry's name is
the same for life; the sequence rises with each change of time, place or status.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Event, Timezone, vCalAddress, vText

from streamhub.schedule.invitation import Reply
from streamhub.schedule.reminder import ALARMS


@dataclass(frozen=True, kw_only=True, slots=True)
class Appointment:
    """A session in the calendar of one person.

    Attributes:
        uid: its name for life.
        sequence: of this version.
        stamp: when this version was written, UTC.
        starts_at: when, UTC.
        zone: the host's IANA zone, in which the calendar tells it.
        minutes: how long.
        title: one line.
        text: what it is; may be empty.
        place: an address; may be empty.
        url: of the person's own page.
        certain: whether both sides said yes.
        reply: what the person said, as hosts know it.
        off: whether it does not take place, or not with him.
    """

    uid: str
    sequence: int
    stamp: datetime
    starts_at: datetime
    zone: str
    minutes: int
    title: str
    text: str = ""
    place: str = ""
    url: str = ""
    certain: bool = False
    reply: Reply = Reply.NONE
    off: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Ends:
    """Who writes to whom.

    Attributes:
        organizer: address of the hub.
        organizer_name: shown beside it; may be empty.
        attendee: address of the person.
        attendee_name: shown beside it.
    """

    organizer: str
    organizer_name: str
    attendee: str
    attendee_name: str


def render_itip(one: Appointment, ends: Ends, language: str) -> str:
    """The calendar text of a request, or of a cancellation where it is off."""
    calendar = _calendar("CANCEL" if one.off else "REQUEST", [one])
    event = _event(one)
    organizer = vCalAddress(f"mailto:{ends.organizer}")
    if ends.organizer_name:
        organizer.params["CN"] = _shown_name(ends.organizer_name)
    event.add("organizer", organizer)
    attendee = vCalAddress(f"mailto:{ends.attendee}")
    attendee.params["CN"] = _shown_name(ends.attendee_name)
    attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
    attendee.params["LANGUAGE"] = vText(language)
    if not one.off:
        attendee.params["PARTSTAT"] = vText("NEEDS-ACTION" if one.reply is Reply.NONE else one.reply.upper())
        attendee.params["RSVP"] = vText("TRUE")
    event.add("attendee", attendee)
    calendar.add_component(event)
    return bytes(calendar.to_ical()).decode()


def find_start(calendar: str) -> datetime | None:
    """When the entry begins that `render_itip` wrote, UTC; None in a text without one."""
    for event in Calendar.from_ical(calendar).walk("VEVENT") if calendar else ():
        starts_at: datetime = event.decoded("dtstart")
        return starts_at.astimezone(UTC)
    return None


def render_feed(title: str, appointments: Iterable[Appointment]) -> bytes:
    """A person's sessions as a calendar to subscribe to."""
    found = sorted(appointments, key=lambda one: (one.starts_at, one.uid))
    calendar = _calendar("PUBLISH", found)
    calendar.add("name", _flat(title))
    calendar.add("x-wr-calname", _flat(title))
    calendar.add("refresh-interval", timedelta(hours=1), parameters={"value": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for one in found:
        calendar.add_component(_event(one))
    return bytes(calendar.to_ical())


def _calendar(method: str, appointments: list[Appointment]) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", "-//streamhub//invitation//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    for zone in sorted({one.zone for one in appointments} - {"UTC"}):
        years = [one.starts_at.year for one in appointments]
        first, last = date(min(years) - 1, 1, 1), date(max(years) + 2, 1, 1)
        calendar.add_component(Timezone.from_tzid(zone, first_date=first, last_date=last))
    return calendar


def _event(one: Appointment) -> Event:
    place = ZoneInfo(one.zone)
    event = Event()
    event.add("uid", one.uid)
    event.add("sequence", one.sequence)
    event.add("dtstamp", one.stamp.replace(microsecond=0))
    event.add("dtstart", one.starts_at.replace(microsecond=0).astimezone(place))
    # Added to the instant: the wall clock may jump meanwhile.
    event.add("dtend", (one.starts_at.replace(microsecond=0) + timedelta(minutes=one.minutes)).astimezone(place))
    event.add("summary", _flat(one.title))
    if one.text:
        event.add("description", one.text)
    if one.place:
        event.add("location", _flat(one.place))
    if one.url:
        event.add("url", one.url)
    event.add("status", "CANCELLED" if one.off else "CONFIRMED" if one.certain else "TENTATIVE")
    if one.certain and not one.off:
        for before in ALARMS:
            alarm = Alarm()
            alarm.add("action", "DISPLAY")
            alarm.add("trigger", -before)
            alarm.add("description", _flat(one.title))
            event.add_component(alarm)
    return event


def _flat(text: str) -> str:
    return " ".join(text.split()).replace('"', "'")


def _shown_name(name: str) -> vText:
    """A name beside an address; programs take a backslash before its end for a sign that the address belongs to it."""
    return vText(_flat(name).replace("\\", "/"))
