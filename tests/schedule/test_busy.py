"""When somebody is busy by his calendar: every kind of entry, every clock change, and calendars made to do harm."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import DAILY, WEEKLY, rrule
from hypothesis import given, settings
from hypothesis import strategies as st

from streamhub.schedule.busy import MAX_RULES, Asked, TooMuch, find_busy, is_calendar
from streamhub.schedule.busy_reckoning import reckon_busy
from streamhub.schedule.caldav import MAX_PLACES, parse_entries, parse_places, render_busy_query, render_entries_query

ASKED = Asked(
    begin=datetime(2027, 3, 1, tzinfo=UTC),
    end=datetime(2027, 11, 30, tzinfo=UTC),
    zone="Europe/Berlin",
    address="ada@example.org",
    own=frozenset({"ours@streamhub"}),
)
BERLIN = ZoneInfo("Europe/Berlin")


def calendar_of(*events: str, before: str = "") -> bytes:
    inside = "".join(f"BEGIN:VEVENT\nUID:{number}\n{one}\nEND:VEVENT\n" for number, one in enumerate(events))
    return f"BEGIN:VCALENDAR\nVERSION:2.0\n{before}{inside}END:VCALENDAR\n".replace("\n", "\r\n").encode()


def local(*stretches: tuple[datetime, datetime], zone: str = "Europe/Berlin") -> list[tuple[str, str]]:
    place = ZoneInfo(zone)
    return [(f"{a.astimezone(place):%m-%d %H:%M}", f"{b.astimezone(place):%m-%d %H:%M}") for a, b in stretches]


def busy(*events: str, before: str = "") -> list[tuple[str, str]]:
    return local(*find_busy([calendar_of(*events, before=before)], ASKED))


NINE = "DTSTART;TZID=Europe/Berlin:20270302T090000\nDTEND;TZID=Europe/Berlin:20270302T100000"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (NINE, [("03-02 09:00", "03-02 10:00")]),
        (f"{NINE}\nTRANSP:TRANSPARENT", []),
        (f"{NINE}\nTRANSP:OPAQUE\nSTATUS:TENTATIVE", [("03-02 09:00", "03-02 10:00")]),
        (f"{NINE}\nSTATUS:CANCELLED", []),
        (f"{NINE}\nX-MICROSOFT-CDO-BUSYSTATUS:FREE", []),
        (f"{NINE}\nX-MICROSOFT-CDO-BUSYSTATUS:OOF", [("03-02 09:00", "03-02 10:00")]),
        (f"{NINE}\nATTENDEE;PARTSTAT=DECLINED:mailto:Ada@Example.org", []),
        (f"{NINE}\nATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.org", [("03-02 09:00", "03-02 10:00")]),
        ("DTSTART:20270302T080000Z\nDURATION:PT90M", [("03-02 09:00", "03-02 10:30")]),
        ("DTSTART:20270302T090000\nDTEND:20270302T100000", [("03-02 09:00", "03-02 10:00")]),
        ("DTSTART;VALUE=DATE:20270328\nDTEND;VALUE=DATE:20270329", [("03-28 00:00", "03-29 00:00")]),
        ("DTSTART;VALUE=DATE:20270302", [("03-02 00:00", "03-03 00:00")]),
        ("DTSTART;VALUE=DATE:20270328\nDURATION:P2D", [("03-28 00:00", "03-30 00:00")]),
        ("DTSTART:20270302T080000Z", []),
        ("SUMMARY:ohne Zeit", []),
        ("DTSTART:20250302T080000Z\nDTEND:20250302T090000Z", []),
        ("DTSTART:20291102T080000Z\nDTEND:20291102T090000Z", []),
        ("DTSTART:20270228T230000Z\nDTEND:20270301T010000Z", [("03-01 01:00", "03-01 02:00")]),
        (f"{NINE}\nBEGIN:VALARM\nTRIGGER:-PT5M\nTRANSP:TRANSPARENT\nEND:VALARM", [("03-02 09:00", "03-02 10:00")]),
    ],
)
def test_single_entries(event: str, expected: list[tuple[str, str]]) -> None:
    """Free, cancelled and declined entries take no time; whole days are those of the owner's clock."""
    assert busy(event) == expected


def test_the_hub_s_own_sessions_are_no_reason() -> None:
    """A session of the hub in its guest's calendar does not keep him from it."""
    text = calendar_of(NINE).replace(b"UID:0", b"UID:ours@streamhub")
    assert find_busy([text], ASKED) == ()


def test_repetitions_keep_the_clock() -> None:
    """A weekly entry stays at its hour when clocks change; moved, cancelled and left out dates are followed."""
    weekly = (
        "DTSTART;TZID=Europe/Berlin:20270311T090000\nDTEND;TZID=Europe/Berlin:20270311T100000\n"
        "RRULE:FREQ=WEEKLY;COUNT=5\nEXDATE;TZID=Europe/Berlin:20270318T090000"
    )
    moved = (
        "RECURRENCE-ID;TZID=Europe/Berlin:20270325T090000\nDTSTART;TZID=Europe/Berlin:20270326T140000\n"
        "DTEND;TZID=Europe/Berlin:20270326T150000"
    )
    off = (
        "RECURRENCE-ID;TZID=Europe/Berlin:20270401T090000\nDTSTART;TZID=Europe/Berlin:20270401T090000\n"
        "DTEND;TZID=Europe/Berlin:20270401T100000\nSTATUS:CANCELLED"
    )
    text = calendar_of(weekly, moved, off).replace(b"UID:1", b"UID:0").replace(b"UID:2", b"UID:0")
    found = find_busy([text], ASKED)
    assert local(*found) == [
        ("03-11 09:00", "03-11 10:00"),
        ("03-26 14:00", "03-26 15:00"),
        ("04-08 09:00", "04-08 10:00"),
    ]
    assert [one[0].hour for one in found] == [8, 13, 7], "an hour earlier in UTC after the clocks changed"


WINDOWS = """BEGIN:VTIMEZONE
TZID:W. Europe Standard Time
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
"""


@pytest.mark.parametrize("zone", ["W. Europe Standard Time", "Customized Time Zone", "(UTC+01:00) Amsterdam, Berlin"])
def test_zones_as_windows_names_them(zone: str) -> None:
    """Zones with names of Windows, and such as only the file itself explains, are understood in summer and winter."""
    before = WINDOWS.replace("W. Europe Standard Time", zone)
    times = ["20270302T090000", "20270702T090000"]
    events = [f'DTSTART;TZID="{zone}":{one}\nDURATION:PT1H' for one in times]
    assert busy(*events, before=before) == [("03-02 09:00", "03-02 10:00"), ("07-02 09:00", "07-02 10:00")]


def test_the_calendar_s_own_zone() -> None:
    """Times without a zone are those of the calendar's zone where it names one; a name that is none is passed over."""
    event = "DTSTART:20270302T090000\nDTEND:20270302T100000"
    assert busy(event, before="X-WR-TIMEZONE:America/New_York\n") == [("03-02 15:00", "03-02 16:00")]
    assert busy(event, before="X-WR-TIMEZONE:../../etc/passwd\n") == [("03-02 09:00", "03-02 10:00")]


@given(
    day=st.dates(datetime(2027, 3, 3).date(), datetime(2027, 10, 30).date()),
    hour=st.integers(0, 23),
    minute=st.sampled_from([0, 30]),
    freq=st.sampled_from([("DAILY", DAILY), ("WEEKLY", WEEKLY)]),
    count=st.integers(1, 12),
    zone=st.sampled_from(
        ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata"]
    ),
)
@settings(max_examples=60, deadline=None)
def test_repetitions_as_another_library_counts_them(day, hour, minute, freq, count, zone) -> None:  # type: ignore[no-untyped-def]
    """Whenever and wherever a series begins, its dates are those that dateutil counts on the wall clock."""
    start = datetime(day.year, day.month, day.day, hour, minute)
    event = f"DTSTART;TZID={zone}:{start:%Y%m%dT%H%M%S}\nDURATION:PT20M\nRRULE:FREQ={freq[0]};COUNT={count}"
    found = [begin for begin, _ in find_busy([calendar_of(event)], ASKED)]
    walls = rrule(freq[1], dtstart=start, count=count)
    expected = [wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for wall in walls]
    wanted = [one for one in expected if one < ASKED.end]
    real = [one for one in wanted if one.astimezone(ZoneInfo(zone)).replace(tzinfo=None).minute == minute]
    assert set(real) <= set(found), "dates that the clock shows are all there"
    assert len(found) >= len(real)
    assert len(found) <= len(wanted)


def test_busy_tables() -> None:
    """Tables of busy times are read with ends and with lengths; what they call free is not busy."""
    table = (
        "BEGIN:VCALENDAR\nBEGIN:VFREEBUSY\nFREEBUSY;FBTYPE=BUSY:20270302T080000Z/PT1H,20270302T100000Z/20270302T110000Z\n"
        "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20270303T080000Z/PT1H\nFREEBUSY;FBTYPE=FREE:20270304T080000Z/PT1H\n"
        "FREEBUSY:20270305T080000Z/20270305T\n 090000Z,unsinn/PT1H\nEND:VFREEBUSY\nEND:VCALENDAR\n"
    )
    assert local(*find_busy([table.encode()], ASKED)) == [
        ("03-02 09:00", "03-02 10:00"),
        ("03-02 11:00", "03-02 12:00"),
        ("03-03 09:00", "03-03 10:00"),
        ("03-05 09:00", "03-05 10:00"),
    ]


def test_series_that_are_over_cost_nothing() -> None:
    """More series than can be read are no trouble where they ended long ago; one that goes on is followed beside."""
    over = "DTSTART:20150302T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20160101T000000Z"
    on = "DTSTART:20150302T080000Z\nDURATION:PT1H\nRRULE:FREQ=YEARLY;UNTIL=20270401T000000Z"
    assert busy(*[over] * (MAX_RULES + 1), on) == [("03-02 09:00", "03-02 10:00")]


def test_stretches_are_joined() -> None:
    """What overlaps or touches is one stretch, so that nothing of how a day is made up is kept."""
    ten = NINE.replace("T100000", "T113000").replace("T090000", "T100000")
    assert busy(NINE, ten, NINE) == [("03-02 09:00", "03-02 11:30")]


async def test_a_hundred_thousand_entries() -> None:
    """A calendar of 25 MB with a past of many years is read in a process of its own, the present of it whole."""
    first = datetime(2010, 1, 1, 8, tzinfo=UTC)
    events = [
        f"DTSTART:{(at := first + timedelta(hours=2 * number)):%Y%m%dT%H%M%SZ}\n"
        f"DTEND:{at + timedelta(hours=1):%Y%m%dT%H%M%SZ}\n"
        f"SUMMARY:Termin {number} mit viel Text\nDESCRIPTION:{'x' * 80}\nTRANSP:OPAQUE"
        for number in range(100_000)
    ]
    began = time.monotonic()
    found = await reckon_busy([calendar_of(*events)], ASKED)
    assert time.monotonic() - began < 80
    assert len(found) == (ASKED.end - ASKED.begin) / timedelta(hours=2)
    assert found[0] == (ASKED.begin, ASKED.begin + timedelta(hours=1))


def test_calendars_made_to_do_harm() -> None:
    """Rules that fire every second, and more rules than a life has, are refused instead of counted."""
    with pytest.raises(TooMuch):
        busy(f"{NINE}\nRRULE:FREQ=SECONDLY")
    with pytest.raises(TooMuch):
        busy(f"{NINE}\nRRULE:FREQ=DAILY;BYSECOND=1,2,3")
    with pytest.raises(TooMuch):
        busy(*[f"{NINE}\nRRULE:FREQ=DAILY"] * (MAX_RULES + 1))


async def test_a_calendar_that_takes_too_long_costs_its_process_alone() -> None:
    """A calendar that would be reckoned for hours is given up, and said to be too much."""
    slow = [calendar_of(*[f"{NINE}\nRRULE:FREQ=HOURLY;BYDAY=MO;BYMONTHDAY=13;BYMONTH=2"] * 900)]
    with pytest.raises(TooMuch):
        await reckon_busy(slow, ASKED, timeout_s=3)


LINES = st.lists(
    st.sampled_from(
        [
            "BEGIN:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "END:VCALENDAR", "BEGIN:VTIMEZONE", "END:VTIMEZONE",
            "UID:x",
            "DTSTART:20270302T080000Z", "DTSTART:x", "DTSTART;TZID=Mond:20270302T080000", "DTEND:20270301T080000Z",
            "RRULE:FREQ=DAILY;COUNT=3", "RRULE:FREQ=", "RRULE:FREQ=DAILY;UNTIL=x", "DURATION:-PT1H",
            "EXDATE:x", "TZID:Mond",
            "RDATE;VALUE=PERIOD:20270302T080000Z/PT1H", "RECURRENCE-ID:20270302T080000Z", " folded", "\u2028",
            "END:", "",
        ]
    ),
    max_size=24,
)  # fmt: skip


@given(lines=LINES)
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_or_refused(lines: list[str]) -> None:
    """Whatever a text holds, reading it gives stretches in order or one of two errors."""
    try:
        found = find_busy(["\n".join(lines).encode()], ASKED)
    except (TooMuch, ValueError):
        return
    assert list(found) == sorted(found)
    assert all(ASKED.begin <= begin < end <= ASKED.end for begin, end in found)


def test_what_is_no_calendar() -> None:
    """A page of the web is no calendar, one with a byte order mark is one."""
    assert is_calendar(b"\xef\xbb\xbfbegin:vcalendar\r\n")
    assert not is_calendar(b"<!doctype html><pre>BEGIN:VCALENDAR")


def test_answers_of_servers() -> None:
    """Entries are taken out of a server's list; what declares entities, or is no list, is refused."""
    name = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
    data = "<C:calendar-data>BEGIN:VCALENDAR&#13;\nEND:VCALENDAR</C:calendar-data>"
    one = f"<D:response><D:propstat><D:prop>{data}</D:prop></D:propstat></D:response>"
    assert parse_entries(f"<D:multistatus {name}>{one}{one}</D:multistatus>".encode())[0].startswith(b"BEGIN:VCALENDAR")
    assert parse_entries(f"<D:multistatus {name}/>".encode()) == []
    for body in (
        b"",
        b"<x/>",
        b"{}",
        b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x><x/>'.encode("utf-16"),
    ):
        for parse in (parse_entries, parse_places):
            with pytest.raises(ValueError, match="calendar server"):
                parse(body)
    for query in (render_busy_query(ASKED.begin, ASKED.end), render_entries_query(ASKED.begin, ASKED.end)):
        assert b'start="20270301T000000Z" end="20271130T000000Z"' in query
        assert b"SUMMARY" not in query


def test_a_hostile_list_of_calendars_is_read_in_no_time() -> None:
    """Answers inside answers, a thousandfold, are no answers; of a long list the beginning counts."""
    inner = b"<D:response><D:href>/x</D:href>" * 20_000 + b"</D:response>" * 20_000
    deep = b'<D:multistatus xmlns:D="DAV:">' + inner + b"</D:multistatus>"
    before = time.process_time()
    assert [one.href for one in parse_places(deep)] == ["/x"]
    assert time.process_time() - before < 5, "each looks through all that are in it"
    flat = b"<D:response><D:href>/x</D:href></D:response>" * (MAX_PLACES + 5)
    assert len(parse_places(b'<D:multistatus xmlns:D="DAV:">' + flat + b"</D:multistatus>")) == MAX_PLACES
