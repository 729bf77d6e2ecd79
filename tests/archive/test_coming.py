"""Coming sessions: kept in a file of the archive, told on pages, in calendars and to search engines."""

from __future__ import annotations

import functools
import json
import sys
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import icalendar
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from reading import Page
from records import HOSTILE, make_session

from streamhub.archive.agenda import plan_uid
from streamhub.archive.coming import COMING_FILE, ComingSession, load_coming, save_coming
from streamhub.archive.folder import load_archive, save_session
from streamhub.archive.plan import MediaLink
from streamhub.archive.site import plan_site
from streamhub.archive.theme import load_theme
from streamhub.config import SiteSettings
from streamhub.errors import BadArchive, BadInput

theme = functools.cache(load_theme)
SETTINGS = SiteSettings(title="Antworten", url="https://antworten.example.org")
NEXT = ComingSession(
    id="2027-04-06-umzug",
    show_id="service-runde",
    show_title="Service-Runde",
    title="Umzug ohne Ausfall",
    text="Schicken Sie uns Ihre Fragen zum Umzug.",
    starts_at=datetime(2027, 4, 6, 18, 0, tzinfo=UTC),
    minutes=90,
    zone="Europe/Berlin",
    language="de",
    url="https://hub.example.org/s/2027-04-06-umzug",
)


def build(*coming: ComingSession) -> dict[str, bytes]:
    """Every file that is made."""
    plan = plan_site((make_session(),), SETTINGS, theme(), media_root=None, coming=coming)
    return {path: one for path, one in plan.render().items() if not isinstance(one, MediaLink)}


def test_an_event_is_linked() -> None:
    """A session of an event leads to the event's page on the hub; an address that is none is refused."""
    mine = replace(NEXT, event_title="Netztage <3", event_url="https://hub.example.org/e/netztage")
    page = build(mine)["index.html"].decode()
    assert '<a href="https://hub.example.org/e/netztage">Netztage &lt;3</a>' in page
    assert "/e/netztage" not in build(NEXT)["index.html"].decode()
    with pytest.raises(BadInput):
        replace(mine, event_url="javascript:alert(1)")


def test_the_file_keeps_what_was_said(tmp_path: Path) -> None:
    """Saved in order, only when something changed, read back the same; it harms no session beside it."""
    later = replace(NEXT, id="2027-05-01-x", starts_at=datetime(2027, 5, 1, tzinfo=UTC), live=True)
    save_session(tmp_path, make_session())
    assert not save_coming(tmp_path, [])
    assert not (tmp_path / COMING_FILE).exists()
    assert save_coming(tmp_path, [later, NEXT])
    assert not save_coming(tmp_path, [NEXT, later])
    assert load_coming(tmp_path) == (NEXT, later)
    assert len(load_archive(tmp_path)) == 1
    assert save_coming(tmp_path, [])
    assert load_coming(tmp_path) == ()


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        '[{"id": "x"}]',
        (
            '[{"id": "../x", "show_id": "a", "show_title": "a", "title": "a", "starts_at": "2027-04-06T18:00:00Z", '
            '"minutes": 1, "zone": "UTC", "language": "de", "url": "https://x.example"}]'
        ),
        (
            '[{"id": "x", "show_id": "a", "show_title": "a", "title": "a", "starts_at": "2027-04-06T18:00:00Z", '
            '"minutes": 1, "zone": "UTC", "language": "de", "url": "javascript:alert(1)"}]'
        ),
        (
            '[{"id": "x", "show_id": "a", "show_title": "a", "title": "a", "starts_at": "2027-04-06T18:00:00", '
            '"minutes": 1, "zone": "UTC", "language": "de", "url": "https://x.example"}]'
        ),
    ],
)
def test_a_broken_file_stops_the_build(tmp_path: Path, text: str) -> None:
    """With its name and the reason; paths, addresses and times that cannot be are refused."""
    (tmp_path / COMING_FILE).write_text(text)
    with pytest.raises(BadArchive, match=r"coming\.json: "):
        load_coming(tmp_path)


def test_pages_and_calendars_tell_what_is_coming() -> None:
    """Start page and show link to the hub with time and zone; the calendar's entry is the one that will be archived."""
    files = build(NEXT)
    for path in ("index.html", "en/index.html", "shows/service-runde/index.html"):
        page = Page(files[path].decode())
        assert not page.problems
        assert NEXT.url in page.links()
        assert NEXT.title in page.text
    assert "Dienstag, 6. April 2027, 20:00 Uhr (MESZ, UTC+2)" in " ".join(files["index.html"].decode().split())
    for path in ("calendar.ics", "shows/service-runde/calendar.ics"):
        past, coming = icalendar.Calendar.from_ical(files[path]).walk("VEVENT")
        assert (coming["URL"], coming.start.isoformat()) == (NEXT.url, "2027-04-06T20:00:00+02:00")
        assert (coming.end - coming.start).total_seconds() == 90 * 60
        assert past["UID"] != coming["UID"]
    archived = make_session(id=NEXT.id, answers=())
    plan = plan_site((archived,), SETTINGS, theme(), media_root=None, coming=(NEXT,)).render()
    (event,) = icalendar.Calendar.from_ical(plan["calendar.ics"]).walk("VEVENT")  # the archive's alone
    assert event["UID"] == coming["UID"] == plan_uid(f"s/{NEXT.id}/")
    assert event["URL"] == f"{SETTINGS.url}/s/{NEXT.id}/"


def test_search_engines_learn_of_broadcasts() -> None:
    """An independent reader finds the broadcast with its event, both with start, end and zone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a library's own, at import
        import extruct
    html = build(replace(NEXT, live=True))["index.html"].decode()
    assert "Jetzt live" in html
    (data,) = extruct.extract(html, syntaxes=["json-ld"])["json-ld"]
    site, broadcast = data["@graph"]
    assert site["@type"] == "WebSite"
    assert (broadcast["@type"], broadcast["isLiveBroadcast"]) == ("BroadcastEvent", True)
    event = broadcast["broadcastOfEvent"]
    assert event["@type"] == "Event"
    for one in (broadcast, event):
        assert (one["name"], one["startDate"], one["endDate"]) == (
            NEXT.title,
            "2027-04-06T20:00:00+02:00",
            "2027-04-06T21:30:00+02:00",
        )
    assert event["location"] == {"@type": "VirtualLocation", "url": NEXT.url}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_announcements_stay_text(text: str) -> None:
    """Whatever a host types, the page has the same elements and the calendar reads back."""
    files = build(replace(NEXT, title=text, text=text))
    page, harmless = Page(files["index.html"].decode()), Page(build(NEXT)["index.html"].decode())
    assert not page.problems
    assert [one.name for one in page.elements] == [one.name for one in harmless.elements]
    assert len(icalendar.Calendar.from_ical(files["calendar.ics"]).walk("VEVENT")) == 2


def test_embeds_read_what_is_coming() -> None:
    """``coming.json`` names what is planned or runs, the next first, and nothing where nothing is."""
    later = replace(NEXT, id="2027-05-01-x", starts_at=datetime(2027, 5, 1, tzinfo=UTC))
    data = json.loads(build(later, NEXT)["coming.json"])
    assert data["format"] == "streamhub coming 1"
    assert [one["starts_at"] for one in data["sessions"]] == ["2027-04-06T18:00:00.000Z", "2027-05-01T00:00:00.000Z"]
    assert data["sessions"][0]["show"] == "service-runde"
    assert data["sessions"][0]["url"] == NEXT.url
    assert json.loads(build()["coming.json"])["sessions"] == []
