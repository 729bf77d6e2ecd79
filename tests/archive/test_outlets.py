"""What machines read, read by libraries made for it: feeds, podcasts, calendars, sitemaps, OpenSearch, robots."""

from __future__ import annotations

import functools
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urljoin
from urllib.robotparser import RobotFileParser

import feedparser
import icalendar
import jsonschema
import pytest
import webvtt
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

sys.path.insert(0, str(Path(__file__).parent))
from feed_rules import JSON_CHAPTERS, JSON_FEED
from reading import Page
from records import HOSTILE, make_distinct, make_session, place_recording, sessions

from streamhub.answers.answer import Answer, AnswerState
from streamhub.archive.agenda import PAST_APPOINTMENTS, Appointment, render_calendar
from streamhub.archive.archived import ArchivedSession
from streamhub.archive.hosting import HOSTS, parse_headers, render_for_host
from streamhub.archive.plan import MediaLink
from streamhub.archive.site import plan_site
from streamhub.archive.sitemap import SitemapPage, SitemapVideo, render_sitemaps
from streamhub.archive.theme import load_theme
from streamhub.config import SiteSettings
from streamhub.errors import BadInput

BASE = "https://antworten.example.org/archiv"
SETTINGS = SiteSettings(title="Antworten", url=BASE)
SHOW = "shows/service-runde/"
PODCAST = "{https://podcastindex.org/namespace/1.0}"
ITUNES = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
WHOLE_ONLY = {"feed.json", "podcast.xml", "opensearch.xml", "sitemap.xml"}
VIDEO = "{http://www.google.com/schemas/sitemap-video/1.1}"

theme = functools.cache(load_theme)


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """A media folder with the recording of the small session, and the clip of its first answer."""
    return place_recording(tmp_path / "media", make_session(), title=SETTINGS.title)


def build(*archive: ArchivedSession, site: SiteSettings = SETTINGS, media: Path | None = None) -> dict[str, bytes]:
    """Every file that is made."""
    files = plan_site(archive, site, theme(), media_root=media).render()
    return {path: content for path, content in files.items() if not isinstance(content, MediaLink)}


def follow_up() -> ArchivedSession:
    """A second session of the same show, a week later."""
    first = make_session()
    answer = Answer(
        id="z1",
        slug="leitung",
        session_id="2027-03-09-leitung",
        question="Wie messe ich die Leitung?",
        answerers=("Anna Weber",),
        topics=("Router",),
        state=AnswerState.PUBLISHED,
        body="Mit dem Messgerät.",
    )
    starts_at = first.starts_at + timedelta(days=7)
    more = {"starts_at": starts_at, "answers": (answer,), "recordings": (), "title": "Leitung"}
    return make_session(id="2027-03-09-leitung", **more)


@pytest.mark.parametrize("folder", ["", "topics/router/", "products/fritz-box-7590/", "people/anna-weber/", SHOW])
def test_feeds_of_everything(folder: str, media: Path) -> None:
    """Site, topic, product, person and show have both feeds with whole addresses, and their page names them."""
    files = build(make_session(), follow_up(), media=media)
    atom = feedparser.parse(files[f"{folder}feed.xml"])
    assert not atom.bozo
    wanted = [f"{BASE}/a/q1-router-blinkt-rot/"]
    if folder not in {"products/fritz-box-7590/"}:
        wanted.insert(0, f"{BASE}/a/z1-leitung/")
    assert [entry.link for entry in atom.entries] == wanted
    data = json.loads(files[f"{folder}feed.json"])
    jsonschema.validate(data, JSON_FEED, format_checker=jsonschema.FormatChecker())
    assert [(item["id"], item["url"]) for item in data["items"]] == [(one.id, one.link) for one in atom.entries]
    assert (data["home_page_url"], data["feed_url"]) == (f"{BASE}/{folder}", f"{BASE}/{folder}feed.json")
    page = Page(files[f"{folder}index.html"].decode())
    links = {(one.attributes.get("type"), one.attributes["href"]) for one in page.all("link")}
    assert {("application/atom+xml", "feed.xml"), ("application/feed+json", "feed.json")} <= links


def test_the_feed_of_the_site_says_most(media: Path) -> None:
    """The whole text, topics, and the clip as film and as sound."""
    item = json.loads(build(make_session(), media=media)["feed.json"])["items"][0]
    assert "Die Leitung ist nicht synchron." in item["content_text"]
    assert item["tags"] == ["Router", "Störung", "FRITZ!Box 7590"]
    assert [one["mime_type"] for one in item["attachments"]] == ["video/mp4", "audio/mp4"]
    assert item["attachments"][0]["url"] == f"{BASE}/a/q1-router-blinkt-rot/clip.mp4"


def test_without_a_public_address_links_stay_relative() -> None:
    """Atom and the calendar work from the disk; what is useless without whole addresses is not made."""
    files = build(make_session(), site=SiteSettings())
    entry = feedparser.parse(files["topics/router/feed.xml"]).entries[0]
    assert entry.link == "../../a/q1-router-blinkt-rot/index.html"
    assert not [path for path in files if path.rpartition("/")[2] in WHOLE_ONLY]
    assert "URL" not in icalendar.Calendar.from_ical(files["calendar.ics"]).walk("VEVENT")[0]


def test_a_podcast_is_one_to_players(media: Path) -> None:
    """An episode has its recording, captions, chapters and people; what is not recorded is told without enclosure."""
    files = build(make_session(), follow_up(), media=media)
    parsed = feedparser.parse(files[f"{SHOW}podcast.xml"])
    assert not parsed.bozo
    assert parsed.feed.title == "Service-Runde"
    later, first = parsed.entries
    assert not later.enclosures
    (enclosure,) = first.enclosures
    assert (enclosure.href, enclosure.type) == (f"{BASE}/media/recordings/netz.mp4", "video/mp4")
    assert int(enclosure.length) == (media / "recordings/netz.mp4").stat().st_size
    assert first.itunes_duration == "42"
    channel = etree.fromstring(files[f"{SHOW}podcast.xml"]).find("channel")
    assert channel is not None
    assert channel.findtext(f"{ITUNES}explicit") == "false"
    assert channel.find(f"{ITUNES}category") is not None
    # By the specification's own rule: uuid5 of the address without scheme, in its namespace.
    assert len(channel.findtext(f"{PODCAST}guid") or "") == 36
    item = channel.findall("item")[1]
    transcript = item.find(f"{PODCAST}transcript")
    assert transcript is not None
    assert dict(transcript.attrib) == {
        "url": f"{BASE}/s/2027-03-02-netz/captions.de.vtt",
        "type": "text/vtt",
        "language": "de",
        "rel": "captions",
    }
    captions = webvtt.from_string(files["s/2027-03-02-netz/captions.de.vtt"].decode())
    assert captions[0].start_in_seconds == 2
    chapters = item.find(f"{PODCAST}chapters")
    assert chapters is not None
    assert dict(chapters.attrib) == {
        "url": f"{BASE}/s/2027-03-02-netz/chapters.json",
        "type": "application/json+chapters",
    }
    people = [(one.text, one.get("role"), one.get("href")) for one in item.findall(f"{PODCAST}person")]
    assert people == [
        ("Clara Roth", "host", f"{BASE}/people/clara-roth/"),
        ("Anna Weber", "guest", f"{BASE}/people/anna-weber/"),
        ("Peter Brandt", "guest", f"{BASE}/people/peter-brandt/"),
    ]
    page = files[f"{SHOW}index.html"].decode()
    assert 'type="application/rss+xml"' in page


def test_chapters_lie_in_the_time_of_the_recording(media: Path) -> None:
    """The answer at 0:05 of the session begins at 0:07 of its file."""
    data = json.loads(build(make_session(), media=media)["s/2027-03-02-netz/chapters.json"])
    jsonschema.validate(data, JSON_CHAPTERS)
    assert [(one["startTime"], one["endTime"], one["title"]) for one in data["chapters"]] == [
        (7, 17, "Warum blinkt mein Router rot?")
    ]


def test_a_show_without_recordings_is_no_podcast() -> None:
    """Nothing promises episodes that nobody can hear."""
    files = build(follow_up())
    assert f"{SHOW}podcast.xml" not in files
    assert "podcast.xml" not in files[f"{SHOW}index.html"].decode()


def test_calendars_can_be_subscribed_to(media: Path) -> None:
    """Site and show: each session once, in its zone with the zone's rules, with a name for ever and short lines."""
    for path in ("calendar.ics", f"{SHOW}calendar.ics"):
        files = build(make_session(), follow_up(), media=media)
        calendar = icalendar.Calendar.from_ical(files[path])
        first, second = calendar.walk("VEVENT")
        assert first.start.tzinfo is not None
        assert (first.start.isoformat(), first.end.isoformat()) == (
            "2027-03-02T20:15:00+01:00",
            "2027-03-02T20:15:42+01:00",
        )
        assert first["SUMMARY"] == "Netz & Router – Service-Runde"
        assert first["URL"] == f"{BASE}/s/2027-03-02-netz/"
        assert second.end - second.start == timedelta(seconds=39, milliseconds=800) or second.end > second.start
        assert [zone["TZID"] for zone in calendar.walk("VTIMEZONE")] == ["Europe/Berlin"]
        assert not calendar.get_missing_tzids()
        moved = icalendar.Calendar.from_ical(build(make_session(), site=SiteSettings())["calendar.ics"])
        assert moved.walk("VEVENT")[0]["UID"] == first["UID"]
        assert max(len(line) for line in files[path].split(b"\r\n")) <= 75


def test_calendars_do_not_grow_for_ever() -> None:
    """The newest sessions stand in them, of the whole site and of a show; older ones have their pages."""
    first = make_session()
    older = [
        replace(first, id=f"r{days}", starts_at=first.starts_at - timedelta(days=days), answers=())
        for days in range(PAST_APPOINTMENTS + 3)
    ]
    files = build(*older)
    for path in ("calendar.ics", f"{SHOW}calendar.ics"):
        events = icalendar.Calendar.from_ical(files[path]).walk("VEVENT")
        assert len(events) == PAST_APPOINTMENTS
        assert max(event.start for event in events) == first.starts_at
        assert min(event.start for event in events) == first.starts_at - timedelta(days=PAST_APPOINTMENTS - 1)


def test_the_calendar_knows_when_clocks_change() -> None:
    """A session across the change of the clocks begins and ends at the right instants in every zone."""
    entry = Appointment(
        path="s/x/",
        title="x",
        text="",
        starts_at=datetime(2027, 3, 28, 0, 30, tzinfo=UTC),
        zone="Europe/Berlin",
        duration_ms=3_600_000,
    )
    zones = [replace(entry, path=f"s/{zone}/", zone=zone) for zone in ("UTC", "America/St_Johns", "Asia/Kathmandu")]
    content = render_calendar("x", "de", [entry, *zones], base="", path="calendar.ics")
    events = icalendar.Calendar.from_ical(content).walk("VEVENT")
    assert {event.start.astimezone(UTC) for event in events} == {entry.starts_at}
    assert {event.end.astimezone(UTC) for event in events} == {entry.starts_at + timedelta(hours=1)}
    assert render_calendar("x", "de", [*reversed(zones), entry], base="", path="calendar.ics") == content


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_reads_back(text: str, media: Path) -> None:
    """Whatever a title or a question says, every format holds it and nothing else."""
    session = make_session(title=text, show_title=text)
    first = replace(session.answers[0], question=text, answerers=(text,), topics=(text,))
    files = build(replace(session, answers=(first,)), media=media)
    for path, content in files.items():
        if path.endswith(".xml"):
            etree.fromstring(content)
        if path.endswith(("feed.xml", "podcast.xml")):
            assert not feedparser.parse(content).bozo, path
        if path.endswith("feed.json"):
            jsonschema.validate(json.loads(content), JSON_FEED)
        if path.endswith(".ics"):
            (event,) = icalendar.Calendar.from_ical(content).walk("VEVENT")
            assert not event.errors
            assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    (event,) = icalendar.Calendar.from_ical(files["calendar.ics"]).walk("VEVENT")
    assert "".join(text.split())[:4] in "".join(str(event["SUMMARY"]).split())


@settings(max_examples=10, deadline=None)
@given(st.lists(sessions(), min_size=1, max_size=3, unique_by=lambda one: one.id))
def test_any_archive_reads_back(archive: list[ArchivedSession]) -> None:
    """Whatever the archive says, all formats parse, calendars keep every session, and two builds are the same."""
    distinct = [replace(one, recordings=()) for one in make_distinct(archive)]
    files = build(*distinct)
    for path, content in files.items():
        if path.endswith(".xml"):
            etree.fromstring(content)
        if path.endswith("feed.json"):
            jsonschema.validate(json.loads(content), JSON_FEED)
    events = icalendar.Calendar.from_ical(files["calendar.ics"]).walk("VEVENT")
    assert len(events) == len(
        [path for path in files if path.startswith("s/") and path.count("/") == 2 and path.endswith("index.html")]
    )
    assert build(*reversed(distinct)) == files


def test_browsers_learn_to_search() -> None:
    """Each language has its description, with the address of its search, and its pages name it."""
    files = build(make_session())
    for root, language in (("", "de"), ("en/", "en")):
        document = etree.fromstring(files[f"{root}search/opensearch.xml"])
        space = "{http://a9.com/-/spec/opensearch/1.1/}"
        url = document.find(f"{space}Url")
        assert url is not None
        assert url.get("template") == f"{BASE}/{root}search/?q={{searchTerms}}"
        assert len(document.findtext(f"{space}ShortName") or "") in range(1, 17)
        assert document.findtext(f"{space}Language") == language
        page = Page(files[f"{root}index.html"].decode())
        links = {urljoin(f"{BASE}/{root}", one.attributes["href"]) for one in page.all("link")}
        assert f"{BASE}/{root}search/opensearch.xml" in links


def test_the_sitemap_knows_films(media: Path) -> None:
    """An answer with a clip has its still, title, description, file, length and day; pages without film have none."""
    root = etree.fromstring(build(make_session(), follow_up(), media=media)["sitemap.xml"])
    pages = {url.findtext(f"{SITEMAP}loc"): url for url in root}
    assert {f"{BASE}/", f"{BASE}/{SHOW}", f"{BASE}/topics/", f"{BASE}/en/topics/", f"{BASE}/topics/router/"} <= set(
        pages
    )
    assert len(pages) == len(root)
    film = pages[f"{BASE}/a/q1-router-blinkt-rot/"].find(f"{VIDEO}video")
    assert film is not None
    assert {one.tag.removeprefix(VIDEO): one.text for one in film} == {
        "thumbnail_loc": f"{BASE}/a/q1-router-blinkt-rot/poster.jpg",
        "title": "Warum blinkt mein Router rot?",
        "description": film.findtext(f"{VIDEO}description"),
        "content_loc": f"{BASE}/a/q1-router-blinkt-rot/clip.mp4",
        "duration": "10",
        "publication_date": "2027-03-02T19:15:00Z",
    }
    assert pages[f"{BASE}/a/q1-router-blinkt-rot/"].findtext(f"{SITEMAP}lastmod") == "2027-03-02T19:15:00Z"
    assert pages[f"{BASE}/a/z1-leitung/"].find(f"{VIDEO}video") is None


def test_large_sitemaps_are_split() -> None:
    """By number and by size; the index names every file, every page is in one of them."""
    day = datetime(2027, 3, 2, tzinfo=UTC)
    film = SitemapVideo(
        thumbnail="x/&.jpg", title="<&>", description="x" * 500, content="x.mp4", duration_ms=1, published=day
    )
    pages = [SitemapPage(path=f"a/{n}/index.html", changed=day + timedelta(days=n), video=film) for n in range(25)]
    for limits in ({"max_pages": 10}, {"max_bytes": 16_000}):
        files = dict(render_sitemaps(BASE, pages, **limits))
        index = etree.fromstring(files.pop("sitemap.xml"))
        assert [one.findtext(f"{SITEMAP}loc") for one in index] == [
            f"{BASE}/sitemap-{n}.xml" for n in range(1, len(files) + 1)
        ]
        assert index[-1].findtext(f"{SITEMAP}lastmod") == "2027-03-26T00:00:00Z"
        found = [url.findtext(f"{SITEMAP}loc") for content in files.values() for url in etree.fromstring(content)]
        assert found == [f"{BASE}/a/{n}/" for n in range(25)]
        assert all(len(content) <= limits.get("max_bytes", 10**9) for content in files.values())
    assert list(dict(render_sitemaps(BASE, pages))) == ["sitemap.xml"]


@pytest.mark.parametrize(
    ("choice", "training", "answering"), [("allow", True, True), ("no-training", False, True), ("deny", False, False)]
)
def test_the_owner_chooses_about_ai(choice: str, training: bool, answering: bool) -> None:
    """robots.txt says it to the crawlers by name, page and headers reserve text and data mining; search stays open."""
    files = build(make_session(), site=replace(SETTINGS, ai_crawlers=choice))
    robots = RobotFileParser()
    robots.parse(files["robots.txt"].decode().splitlines())
    url = f"{BASE}/a/q1-router-blinkt-rot/"
    assert robots.can_fetch("GPTBot", url) is robots.can_fetch("Google-Extended", url) is training
    assert robots.can_fetch("OAI-SearchBot", url) is robots.can_fetch("PerplexityBot", url) is answering
    assert robots.can_fetch("Googlebot", url) is robots.can_fetch("bingbot", url) is True
    assert robots.site_maps() == [f"{BASE}/sitemap.xml"]
    page = Page(files["a/q1-router-blinkt-rot/index.html"].decode())
    reserved = [one for one in page.all("meta") if one.attributes.get("name") == "tdm-reservation"]
    assert bool(reserved) is not training
    assert ("tdm-reservation: 1" in files["_headers"].decode()) is not training


def test_headers_for_other_hosts_say_the_same() -> None:
    """Nginx and Apache get every header of the file that other hosts read, under the path that was asked for."""
    rules = parse_headers(build(make_session())["_headers"].decode())
    assert rules[0].pattern == "/*"
    for host in HOSTS:
        text = render_for_host(rules, host, "/archiv")
        for rule in rules:
            for name, value in rule.headers:
                assert name in text
                assert value in text
        assert r"^/archiv/static/" in text
    with pytest.raises(BadInput, match="_headers:2"):
        parse_headers("/*\nX: y\n")
