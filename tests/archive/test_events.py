"""Events in the archive: plain files that survive hand edits, and their pages on the site."""

from __future__ import annotations

import functools
import json
import sys
import warnings
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from google_rules import broken_rules
from records import HOSTILE, filled, make_session, slugs, texts

from streamhub.archive.archived import ArchivedSession
from streamhub.archive.checking import SiteCheck
from streamhub.archive.coming import ComingSession
from streamhub.archive.event import (
    EVENTS_FOLDER,
    ArchivedEvent,
    Before,
    Unnamed,
    event_name,
    mask_event,
    parse_event,
    render_event,
)
from streamhub.archive.event_folder import load_events, save_event
from streamhub.archive.folder import list_sessions
from streamhub.archive.plan import SitePlan
from streamhub.archive.sheet import clean_body
from streamhub.archive.site import plan_from_sources
from streamhub.archive.sources import Sources, hold
from streamhub.archive.theme import load_theme
from streamhub.archive.writer import write_site
from streamhub.config import SiteSettings
from streamhub.errors import BadArchive
from streamhub.schedule.show import ON_AIR, Role

theme = functools.cache(load_theme)
BASE = "https://antworten.example.org/archiv"
SETTINGS = SiteSettings(title="Antworten", url=BASE)
NETZ, STROM, VORAB, ENDE = "2027-03-02-netz", "2027-03-03-strom", "2027-03-01-vorab", "2027-03-04-ende"
EVENT = ArchivedEvent(
    id="netztage",
    title="Netztage 2027",
    about="Drei Abende über Leitungen.",
    sessions=(NETZ, STROM, ENDE),
    pre_shows=(Before(session=VORAB), Before(session=NETZ, goal=STROM)),
)
PAGE = "e/netztage/index.html"


def session(session_id: str, title: str, question: str, day: int) -> ArchivedSession:
    """A small session with one answer of its own."""
    made = make_session(id=session_id, title=title, recordings=(), starts_at=datetime(2027, 3, day, 19, 15, tzinfo=UTC))
    own = replace(made.answers[0], id=f"a{day}", slug="frage", question=question)
    return replace(made, answers=(own,))


ARCHIVE = (
    session(NETZ, "Netz", "Warum blinkt mein Router rot?", 2),
    session(STROM, "Strom", "Wer misst den Strom?", 3),
    session(VORAB, "Vorab", "Worum geht es?", 1),
    session("2027-04-01-anders", "Anders", "Und sonst?", 8),
)
COMING = ComingSession(
    id=ENDE,
    show_id="service-runde",
    show_title="Service-Runde",
    title="Ende",
    starts_at=datetime(2027, 3, 4, 19, 15, tzinfo=UTC),
    minutes=60,
    zone="Europe/Berlin",
    language="de",
    url=f"https://hub.example.org/s/{ENDE}",
)


def plan(
    *events: ArchivedEvent, archive: Iterable[ArchivedSession] = ARCHIVE, coming: Iterable[ComingSession] = (COMING,)
) -> SitePlan:
    """The plan of the site of an archive with these events."""
    sources = Sources(sessions=tuple(map(hold, archive)), events=events)
    return plan_from_sources(sources, SETTINGS, theme(), media_root=None, coming=coming)


def build(*events: ArchivedEvent, archive: Iterable[ArchivedSession] = ARCHIVE) -> dict[str, str]:
    """The text files of the site."""
    files = plan(*events, archive=archive).render()
    texts = {path: one for path, one in files.items() if path.endswith((".html", ".json", ".xml", ".md", ".ics"))}
    return {path: one.decode() for path, one in texts.items() if isinstance(one, bytes)}


events = st.builds(
    ArchivedEvent,
    id=slugs,
    title=filled,
    about=texts.map(clean_body),
    zone=st.sampled_from(["Europe/Berlin", "UTC", "America/New_York"]),
    language=st.sampled_from(["de", "en"]),
    sessions=st.lists(slugs, max_size=4).map(tuple),
    pre_shows=st.lists(st.builds(Before, session=slugs, goal=slugs | st.just("")), max_size=3).map(tuple),
    unnamed=st.lists(st.builds(Unnamed, name=filled, role=st.none() | st.sampled_from(ON_AIR)), max_size=3).map(tuple),
    cancelled=st.booleans(),
)


@given(event=events)
def test_reading_and_writing_are_inverse(event: ArchivedEvent) -> None:
    """Whatever the texts of an event say, its file reads back as it was written."""
    text = render_event(event)
    file = f"{EVENTS_FOLDER}/{event_name(event.id)}"
    assert parse_event(text, file) == event
    assert render_event(parse_event(text, file)) == text


def test_hand_edits_survive(tmp_path: Path) -> None:
    """What a person changed stays when the machine writes anew; what it did not touch follows; a comment stays."""
    assert save_event(tmp_path, EVENT)
    assert not save_event(tmp_path, EVENT)
    path = tmp_path / "events/netztage.md"
    text = path.read_text().replace("Netztage 2027", "Netztage, die ersten").replace("zone:", "# gehört so\nzone:")
    path.write_text(text)
    assert save_event(tmp_path, replace(EVENT, title="Umbenannt", sessions=(NETZ,), cancelled=True))
    (after,) = load_events(tmp_path)
    assert (after.title, after.sessions, after.cancelled) == ("Netztage, die ersten", (NETZ,), True)
    assert "# gehört so" in path.read_text()
    assert save_event(tmp_path, replace(EVENT, sessions=(NETZ,))), "what is not cancelled any more loses that line"
    assert not load_events(tmp_path)[0].cancelled
    assert list_sessions(tmp_path) == (), "the folder of events is no show with sessions"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("id: netztage", "id: anders", "events/netztage.md:2: "),
        ("title: Netztage 2027", "title: ''", "is missing or empty"),
        ("zone: Europe/Berlin", "zone: Mond", "events/netztage.md:4: "),
        ("language: de", "language: fr", "language"),
        ("- session: 2027-03-01-vorab", "- anders: x", "session"),
        ("---\n\nDrei", "cancelled: vielleicht\n---\n\nDrei", "should be true or false"),
        ("---\n\nDrei", "unnamed:\n- name: Ada\n  role: producer\n---\n\nDrei", "'producer' is not known"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    """File, line and reason are told, and nothing is written over it."""
    save_event(tmp_path, EVENT)
    path = tmp_path / "events/netztage.md"
    broken = path.read_text().replace(old, new)
    assert broken != path.read_text()
    path.write_text(broken)
    with pytest.raises(BadArchive) as refused:
        load_events(tmp_path)
    assert said in str(refused.value)
    with pytest.raises(BadArchive):
        save_event(tmp_path, replace(EVENT, zone="UTC", language="en", title="x", pre_shows=()))
    assert path.read_text() == broken


def test_links_are_refused(tmp_path: Path) -> None:
    """A file that leads elsewhere is not published."""
    save_event(tmp_path, EVENT)
    (tmp_path / "events/zweite.md").symlink_to(tmp_path / "events/netztage.md")
    with pytest.raises(BadArchive, match="symbolic link"):
        load_events(tmp_path)


def test_an_event_has_a_page(tmp_path: Path) -> None:
    """Sessions in order with dates and answers, the pre-show named first, what is to come with the way to ask."""
    files = build(EVENT)
    page = files[PAGE]
    places = [page.index(word) for word in ("Davor", ">Vorab<", "2.\u00a0März 2027", ">Netz<", ">Strom<", ">Ende<")]
    assert places == sorted(places)
    for question in ("Warum blinkt mein Router rot?", "Wer misst den Strom?", "Worum geht es?"):
        assert question in page
    assert "Und sonst?" not in page
    assert "vor: Strom" in page
    assert "Drei Abende über Leitungen." in page
    assert f'href="https://hub.example.org/s/{ENDE}"' in page
    assert f"<loc>{BASE}/e/netztage/</loc>" in files["sitemap.xml"]
    write_site(plan(EVENT), tmp_path / "public")
    assert [str(flaw) for flaw in SiteCheck(tmp_path / "public", BASE).find_flaws()] == []


def test_sessions_lead_to_their_event() -> None:
    """Each says to what it belongs and what goes before what; a session that stands alone says nothing."""
    files = build(EVENT)
    netz, strom, vorab = (files[f"s/{one}/index.html"] for one in (NETZ, STROM, VORAB))
    assert 'Teil von <a href="../../e/netztage/">Netztage 2027</a>' in netz
    assert 'vor <a href="../2027-03-03-strom/">Strom</a>' in netz
    assert 'davor <a href="../2027-03-02-netz/">Netz</a>' in strom
    assert 'Auftakt zu <a href="../../e/netztage/">Netztage 2027</a>' in vorab
    assert "e/netztage" not in files["s/2027-04-01-anders/index.html"]


def test_an_english_event() -> None:
    """Its page speaks its language, whatever that of the site and of its sessions is."""
    page = build(replace(EVENT, language="en", title="Days of the line"))[PAGE]
    assert '<html lang="en"' in page
    assert "Tuesday, 2\u00a0March 2027" in page
    assert 'lang="de"><a' in page.replace('lang="de"> <a', 'lang="de"><a')


def test_a_cancelled_event_says_so() -> None:
    """What took place before stays, and search engines are told too."""
    page = build(replace(EVENT, cancelled=True))[PAGE]
    assert "Diese Veranstaltung wurde abgesagt." in page
    assert "Warum blinkt mein Router rot?" in page
    assert "EventCancelled" in page


def test_an_event_of_which_nothing_is_shown_has_no_page() -> None:
    """No page, no link to one and no entry; also where only its pre-show is public."""
    hidden = replace(EVENT, sessions=("2027-09-09-spaeter", ENDE))
    files = build(hidden)
    assert PAGE not in files
    assert not [path for path, text in files.items() if "e/netztage" in text]
    assert json.loads(files["export/v1/index.json"])["events"] == []


def test_names_that_must_not_be_read() -> None:
    """The role stands in their place on every page; the file keeps them."""
    event = replace(
        EVENT,
        title="Abend mit Ada Weber",
        about="Mit Frau Weber.",
        unnamed=(Unnamed(name="Ada Weber", role=Role.EXPERT),),
    )
    assert "Ada Weber" in render_event(event)
    assert mask_event(event).title == "Abend mit Fachperson"
    assert mask_event(mask_event(event)) == mask_event(event)
    assert not [path for path, text in build(event).items() if "Ada" in text or "Frau Weber" in text]


def test_the_export_knows_events() -> None:
    """The index lists them with their sessions, a session's file names its event."""
    files = build(EVENT)
    index = json.loads(files["export/v1/index.json"])
    assert index["events"] == [
        {
            "id": "netztage",
            "title": "Netztage 2027",
            "language": "de",
            "page": f"{BASE}/e/netztage/",
            "sessions": [NETZ, STROM],
        }
    ]
    data = json.loads(files[f"s/{NETZ}/export/session.json"])
    assert data["event"] == {"title": "Netztage 2027", "address": f"{BASE}/e/netztage/"}
    assert json.loads(files["s/2027-04-01-anders/export/session.json"])["event"] is None


def test_structured_data_of_an_event() -> None:
    """An independent reader finds an event with its sessions as parts, each with start, place and address."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import extruct
    data = extruct.extract(build(EVENT)[PAGE], syntaxes=["json-ld"])["json-ld"]
    assert broken_rules(PAGE, data, f"{BASE}/e/netztage/") == []
    whole = data[0]["mainEntity"]
    assert [one["name"] for one in whole["subEvent"]] == ["Vorab", "Netz", "Strom", "Ende"]
    assert whole["startDate"] == "2027-03-01T20:15:00+01:00"
    assert whole["endDate"] == "2027-03-04T21:15:00+01:00"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_events(text: str, tmp_path: Path) -> None:
    """Whatever an event is called, its page has no flaw and runs nothing."""
    event = replace(EVENT, title=f"x{text}", about=text)
    write_site(plan(event), tmp_path / "public")
    assert [str(flaw) for flaw in SiteCheck(tmp_path / "public", BASE).find_flaws()] == []


def changed(before: SitePlan, after: SitePlan) -> set[str]:
    """Names of the parts that a second build makes."""
    known = {part.name: part.digest for part in before.parts}
    return {part.name for part in after.parts if known.get(part.name) != part.digest}


SHARED = {"export", "page export/index.html", "page en/export/index.html"}


def test_a_change_makes_anew_what_depends_on_it() -> None:
    """A renamed event its page and those of its sessions; another session nothing of it; its own session its page."""
    renamed = changed(plan(EVENT), plan(replace(EVENT, title="Leitungstage")))
    assert renamed - SHARED == {f"page {PAGE}", *(f"session {one}" for one in (NETZ, STROM, VORAB))}
    other = [*ARCHIVE[:3], replace(ARCHIVE[3], title="Ganz anders")]
    assert not [one for one in changed(plan(EVENT), plan(EVENT, archive=other)) if "netztage" in one]
    own = [replace(ARCHIVE[0], title="Netz und Leitung"), *ARCHIVE[1:]]
    made = changed(plan(EVENT), plan(EVENT, archive=own))
    assert f"page {PAGE}" in made
    assert f"session {STROM}" in made, "it names its pre-show"
    later = (replace(COMING, starts_at=COMING.starts_at + timedelta(days=1)),)
    moved = changed(plan(EVENT), plan(EVENT, coming=later))
    assert f"page {PAGE}" in moved
    assert not [one for one in moved if one.startswith(("session ", "answer "))]


def test_a_large_event_stays_a_page() -> None:
    """Of a session with many answers the first stand there, with the way to the others."""
    made = ARCHIVE[0]
    many = tuple(replace(made.answers[0], id=f"m{n}", question=f"Frage Nummer {n}?") for n in range(14))
    page = build(EVENT, archive=[replace(made, answers=many), *ARCHIVE[1:]])[PAGE]
    assert page.count("Frage Nummer") == 10
    assert "4 weitere Antworten" in page
