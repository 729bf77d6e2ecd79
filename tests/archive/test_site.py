"""The site: what is public and only that, safe against any text, whole, linked, in two languages."""

from __future__ import annotations

import functools
import gzip
import json
import re
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from reading import Page, resolve
from records import HOSTILE, make_distinct, make_session, sessions, shown

from streamhub.answers.answer import Answer, AnswerState
from streamhub.archive.archived import ArchivedRecording, ArchivedSession
from streamhub.archive.plan import MediaLink
from streamhub.archive.site import plan_site
from streamhub.archive.theme import Theme, load_theme
from streamhub.config import SiteSettings, parse_settings
from streamhub.errors import BadArchive, BadConfig
from streamhub.recording.recording import ClockMap, ClockPiece
from streamhub.schedule.show import Participant, Role
from streamhub.timecode import Span
from streamhub.transcript.transcript import Cue, Maker, Transcript
from streamhub.transcript.vtt import parse_vtt

PUBLIC = SiteSettings(title="Antworten", url="https://antworten.example.org/archiv")


shipped_theme = functools.cache(load_theme)


@pytest.fixture(scope="module")
def theme() -> Theme:
    """The shipped theme."""
    return shipped_theme()


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """A media folder with the recording of the small session."""
    (tmp_path / "media/recordings").mkdir(parents=True)
    (tmp_path / "media/recordings/netz.mp4").write_bytes(b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 100)
    return tmp_path / "media"


def build(
    *archive: ArchivedSession, theme: Theme, settings: SiteSettings = PUBLIC, media: Path | None = None, hub: str = ""
) -> dict[str, bytes]:
    """Every generated file; recordings appear with their path as content."""
    plan = plan_site(archive, settings, theme, media_root=media, hub_url=hub)
    return {
        path: str(content.source).encode() if isinstance(content, MediaLink) else content
        for path, content in plan.render().items()
    }


def pages(files: dict[str, bytes]) -> dict[str, Page]:
    """Every page, read."""
    return {path: Page(content.decode("utf-8")) for path, content in files.items() if path.endswith(".html")}


def english(**changes: object) -> ArchivedSession:
    """A small English session."""
    cues = (
        Cue(id="c1", span=Span(0, 4000), text="Why does my router blink red?", speaker="Tom Ellis"),
        Cue(id="c2", span=Span(4000, 9000), text="The line has lost its sync.", speaker="Priya Nair"),
    )
    answer = Answer(
        id="e1",
        slug="router-red",
        session_id="2027-04-02-lines",
        question="Why does my router blink red?",
        answerers=("Priya Nair",),
        ranges=(Span(0, 9000),),
        language="en",
        topics=("Router",),
        state=AnswerState.PUBLISHED,
    )
    values: dict[str, object] = {
        "id": "2027-04-02-lines",
        "language": "en",
        "title": "Lines",
        "transcripts": (Transcript(language="en", cues=cues, made_by=Maker.PERSON),),
        "recordings": (),
        "participants": (Participant(name="Tom Ellis", role=Role.HOST),),
        "answers": (answer,),
        "zone": "Europe/London",
    }
    return make_session(**(values | changes))


def test_a_translation_is_shown_as_one_and_nothing_else(theme: Theme, media: Path) -> None:
    """Under a fold and as a second track, without what is hidden; no search, feed, export or data has a word of it."""
    cues = tuple(replace(cue, text=f"Translated {cue.id}.", speaker="") for cue in make_session().transcripts[0].cues)
    translation = Transcript(language="en", cues=cues, made_with="x small, machine translation")
    files = build(make_session(translations=(translation,)), theme=theme, media=media)
    having = {path for path, content in files.items() if b"Translated" in content}
    folders = ("a/q1-router-blinkt-rot/", "s/2027-03-02-netz/")
    assert having == {f"{folder}{name}" for folder in folders for name in ("index.html", "translation.en.vtt")}
    for folder, ids in zip(folders, (["c2", "c3"], ["c1", "c2", "c3", "c4"]), strict=True):
        said = parse_vtt(files[f"{folder}translation.en.vtt"].decode(), "translation")
        assert [cue.text for cue in said.cues] == [f"Translated {id_}." for id_ in ids]
        page = files[f"{folder}index.html"].decode()
        assert "Maschinelle Übersetzung</summary>" in page
        assert 'data-track="' in page
        assert '<div lang="en"' in page
    english_now = make_session(language="en", translations=(translation,))
    assert not any(b"Translated" in content for content in build(english_now, theme=theme).values())


def test_an_answer_page_says_what_it_should(theme: Theme, media: Path) -> None:
    """Question, asker, who answered, date with zone, speech by speaker, the writing, the label of the maker."""
    page = pages(build(make_session(), theme=theme, media=media))["a/q1-router-blinkt-rot/index.html"]
    text = " ".join(page.text.split())
    for said in (
        "Frage von Maria aus Köln",
        "12 Stimmen",
        "Warum blinkt mein Router rot?",
        "Beantwortet von Anna Weber",
        "Dienstag, 2. März 2027, 20:15 Uhr (MEZ, UTC+1)",
        "Halten Sie den Knopf zehn Sekunden gedrückt.",
        "Rotes Blinken heißt: Die Leitung ist nicht synchron.",
        "Maschinell mitgeschrieben, kann Fehler enthalten (faster-whisper small)",
        "10 Sek., ab 0:07 der Aufzeichnung",
    ):
        assert said in text
    assert {"t-c2", "t-c3"} <= page.ids
    assert "t-c5" not in page.ids
    assert page.html.startswith("<!doctype html>")


def test_nothing_is_loaded_before_the_click(theme: Theme, media: Path) -> None:
    """No page holds a media element, a picture or a frame; the player is a link to the second until it is clicked."""
    files = build(make_session(), theme=theme, media=media)
    for path, page in pages(files).items():
        assert not [e for name in ("video", "audio", "img", "iframe", "object", "embed") for e in page.all(name)], path
        for address in page.links():
            assert resolve(path, address) is not None or address.startswith(PUBLIC.url), (path, address)
    start = next(
        element
        for element in pages(files)["a/q1-router-blinkt-rot/index.html"].all("a")
        if element.attributes.get("class") == "player-start"
    )
    assert start.attributes["href"] == "../../media/recordings/netz.mp4#t=7,17"
    assert files["media/recordings/netz.mp4"] == str(media / "recordings/netz.mp4").encode()


def test_drafts_and_withdrawn_answers_leak_nowhere(theme: Theme, media: Path) -> None:
    """Neither their questions, topics, files nor what was said in them is in any byte of the site, packed or not."""
    files = build(make_session(), theme=theme, media=media)
    for path, content in files.items():
        plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        folded = f"{path} {plain.decode('utf-8', 'replace')}".casefold()
        for canary in ("zebra", "nilpferd", "vertraulich", "unter uns"):
            assert canary not in folded, (canary, path)
    assert "Ein Teil ist nicht veröffentlicht." in files["s/2027-03-02-netz/index.html"].decode()


def test_a_session_of_drafts_has_no_page_at_all(theme: Theme) -> None:
    """Before the first answer is published, nothing shows that the session is in the archive."""
    session = make_session()
    drafts = tuple(replace(one, state=AnswerState.DRAFT, superseded_by="") for one in session.answers)
    files = build(replace(session, answers=drafts), theme=theme)
    assert not [path for path in files if path.startswith(("a/", "s/", "answers/", "people/anna"))]
    assert b"Router" not in b"".join(content for path, content in files.items() if path.endswith((".html", ".xml")))


def test_a_superseded_answer_points_to_its_successor(theme: Theme) -> None:
    """Its address stays, shows the question and the newer answer, and is listed nowhere."""
    files = build(make_session(), theme=theme)
    page = pages(files)["a/q4-router-alt/index.html"]
    assert "Wie starte ich den alten Router neu?" in page.text
    assert "../q1-router-blinkt-rot/" in page.links()
    assert 'content="noindex"' in page.html
    assert f'rel="canonical" href="{PUBLIC.url}/a/q1-router-blinkt-rot/"' in page.html
    for path, content in files.items():
        plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        assert b"giraffe" not in plain.lower(), path
        if not path.removeprefix("embed/").startswith(("a/q4-router-alt/", "a/q1-router-blinkt-rot/")):
            assert b"q4" not in plain, path


def test_a_session_without_answers_is_shown_and_found(theme: Theme) -> None:
    """An imported recording or text without questions has its page, and the search finds what was said in it."""
    files = build(english(answers=()), theme=theme)
    assert "The line has lost its sync." in files["s/2027-04-02-lines/index.html"].decode()
    fragment = json.loads(files["answers/2027-04-02-lines.json"])
    assert fragment["url"] == "s/2027-04-02-lines/"
    assert [turn["start_ms"] for turn in fragment["turns"]] == [0, 4000]


def test_a_session_that_is_not_public_is_not_shown(theme: Theme) -> None:
    """A live session without answers stays out until somebody publishes it; a published answer shows its session."""
    files = build(english(answers=(), public=False), theme=theme)
    assert not [path for path in files if path.startswith(("s/", "answers/")) or b"lost its sync" in files[path]]
    assert "s/2027-04-02-lines/index.html" in build(english(public=False), theme=theme)


def test_search_fragments_lead_to_the_second(theme: Theme) -> None:
    """Each published answer has its fragment, whose turns lie on the clock of the session."""
    files = build(make_session(), english(), theme=theme)
    assert sorted(path for path in files if path.startswith("answers/")) == ["answers/e1.json", "answers/q1.json"]
    fragment = json.loads(files["answers/q1.json"])
    assert fragment["url"] == "a/q1-router-blinkt-rot/"
    assert fragment["turns"][0] == {
        "start_ms": 5000,
        "speaker": "Clara Roth",
        "text": "Maria fragt, warum ihr Router rot blinkt.",
    }
    assert fragment["answer"] == "Halten Sie den Knopf zehn Sekunden gedrückt."


def hostile_session(text: str) -> ArchivedSession:
    """A session in which every free text is hostile."""
    line = " ".join("".join(c for c in text if c.isprintable() or c == " ").split()) or "x"
    session = make_session()
    first, *others = session.answers
    cues = tuple(replace(cue, text=f"{line} {cue.id}", speaker=f"{line} ?") for cue in session.transcripts[0].cues)
    return replace(
        session,
        title=text,
        show_title=text,
        recap=text,
        participants=(Participant(name=text, role=Role.HOST, about=text),),
        transcripts=(replace(session.transcripts[0], cues=cues, made_with=line),),
        answers=(
            replace(first, question=text, asker=text, answerers=(text,), topics=(text,), products=(text,), body=text),
            *others,
        ),
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(theme: Theme, media: Path, text: str) -> None:
    """Whatever strangers type, pages have the same elements, JSON-LD parses, captions and the feed read back."""
    harmless = pages(build(hostile_session("harmless"), theme=theme, media=media))
    files = build(hostile_session(text), theme=theme, media=media)
    found = pages(files)
    for path, page in found.items():
        assert not page.problems, (path, page.problems)
        for element in page.elements:
            assert not [name for name in element.attributes if name.startswith("on") or name == "style"], path
            for name in ("href", "src", "action"):
                address = element.attributes.get(name, "")
                assert not re.match(r"\s*(javascript|data|vbscript):", address, re.IGNORECASE), (path, address)
            assert "tracker.example" not in " ".join(element.attributes.get(name, "") for name in ("src", "data-src"))
        if path in harmless:
            same = [element.name for element in page.elements if element.name in {"script", "meta", "link", "form"}]
            assert same == [
                element.name
                for element in harmless[path].elements
                if element.name in {"script", "meta", "link", "form"}
            ], path
        for script in page.scripts:
            json.loads(script)
    answer = found["a/q1-router-blinkt-rot/index.html"]
    assert shown(text) in shown(answer.text)
    cues = parse_vtt(files["a/q1-router-blinkt-rot/answer.vtt"].decode(), "answer.vtt").cues
    assert [cue.text[-2:] for cue in cues] == ["c2", "c3"]
    feed = feedparser.parse(files["feed.xml"])
    assert not feed.bozo
    assert len(feed.entries) == 1
    json.loads(files["answers/q1.json"])


@settings(max_examples=12, deadline=None)
@given(st.lists(sessions(), max_size=3, unique_by=lambda session: session.id))
def test_any_archive_becomes_a_well_formed_site(archive: list[ArchivedSession]) -> None:
    """Whatever the archive says, every page parses strictly and every file of data reads back."""
    distinct = make_distinct(archive)
    files = build(*distinct, theme=shipped_theme())
    for path, page in pages(files).items():
        assert not page.problems, (path, page.problems)
    assert not feedparser.parse(files["feed.xml"]).bozo


def test_every_page_is_well_formed_and_keeps_the_policy(theme: Theme, media: Path) -> None:
    """Each page parses strictly, names its language and carries a policy that forbids inline script and style."""
    files = build(make_session(), english(), theme=theme, media=media, hub="https://hub.example.org")
    found = pages(files)
    assert len(found) > 20
    for path, page in found.items():
        assert page.problems == [], path
        policies = [
            element.attributes["content"]
            for element in page.all("meta")
            if element.attributes.get("http-equiv") == "Content-Security-Policy"
        ]
        assert len(policies) == 1, path
        assert "default-src 'none'" in policies[0]
        assert "unsafe" not in policies[0]
        assert not page.all("style")
        assert not [element for element in page.elements if "style" in element.attributes], path
        for script in page.all("script"):
            assert "src" in script.attributes or script.attributes["type"] == "application/ld+json", path
        assert len(page.all("h1")) == 1, path
        assert page.all("html")[0].attributes["lang"] in {"de", "en"}
        assert page.all("title"), path
    assert "Content-Security-Policy: default-src 'none'" in files["_headers"].decode()


@pytest.mark.parametrize("site", [PUBLIC, SiteSettings(language="en")])
def test_every_internal_link_leads_somewhere(theme: Theme, media: Path, site: SiteSettings) -> None:
    """No link inside the site is broken, fragments included, with and without a public address."""
    files = build(make_session(), english(), theme=theme, media=media, settings=site)
    found = pages(files)
    for path, page in found.items():
        for address in page.links():
            inside = address.removeprefix(f"{site.url}/") if site.url else address
            target = resolve("index.html" if inside != address else path, inside)
            if target is None:
                continue
            assert target[0] in files, (path, address)
            if target[1] and target[0] in found and not target[1].startswith("t="):
                assert target[1] in found[target[0]].ids, (path, address)


def test_pages_exist_in_the_language_of_what_they_show(theme: Theme) -> None:
    """Content pages stand once, in their language; start, search and lists stand in both and point to each other."""
    found = pages(build(make_session(), english(), theme=theme))
    languages = {path: page.all("html")[0].attributes["lang"] for path, page in found.items()}
    assert languages["a/e1-router-red/index.html"] == "en"
    assert languages["a/q1-router-blinkt-rot/index.html"] == "de"
    for folder in ("", "search/", "sessions/", "topics/", "people/", "products/"):
        assert (languages[f"{folder}index.html"], languages[f"en/{folder}index.html"]) == ("de", "en")
    assert "Suche" in found["search/index.html"].text
    assert "Search" in found["en/search/index.html"].text
    twin = next(e for e in found["search/index.html"].all("a") if e.attributes.get("hreflang") == "en")
    assert twin.attributes["href"] == "../en/search/"


def test_text_in_another_language_says_so(theme: Theme) -> None:
    """An English question on a German page carries its language."""
    page = pages(build(make_session(), english(), theme=theme))["index.html"]
    titles = [e.attributes.get("lang") for e in page.all("h3") if e.attributes.get("class") == "entry-title"]
    assert titles == [None, "en", "en", None]


def test_the_search_page_keeps_its_contract(theme: Theme) -> None:
    """The form names the index and both languages, every message is there, and without script a notice helps."""
    page = pages(build(make_session(), theme=theme))["en/search/index.html"]
    form = next(e for e in page.all("form") if "data-search-root" in e.attributes).attributes
    assert form["data-search-root"] == "../../search/"
    assert (form["role"], form["data-lang"], form["data-other-lang"]) == ("search", "en", "de")
    for name in ("searching", "none", "one", "many", "corrected", "error", "more", "other", "at"):
        assert form[f"data-message-{name}"]
    assert "{count}" in form["data-message-many"]
    assert page.all("noscript")
    assert [
        e for e in page.all("p") if e.attributes.get("aria-live") == "polite" and "data-search-status" in e.attributes
    ]
    assert [e for e in page.all("ol") if "data-search-results" in e.attributes]


def test_structured_data_tells_question_and_answer(theme: Theme, media: Path) -> None:
    """An answer is a Question with its accepted Answer and never a QAPage."""
    session = make_session()
    long = replace(session.recordings[0], duration_ms=42_000)
    found = pages(build(replace(session, recordings=(long,)), theme=theme, media=media))
    answer = json.loads(found["a/q1-router-blinkt-rot/index.html"].scripts[0])
    assert answer["@type"] == "WebPage"
    assert answer["mainEntity"]["acceptedAnswer"]["author"] == [
        {"@type": "Person", "name": "Anna Weber", "url": f"{PUBLIC.url}/people/anna-weber/"}
    ]
    assert "video" not in answer  # it has no still of its own; with one: test_structured.py
    assert "QAPage" not in json.dumps(answer)


def test_the_feed_can_be_subscribed_to(theme: Theme) -> None:
    """Newest answers first, with author, date and absolute address; ids survive a move of the site."""
    both = (make_session(), english(starts_at=make_session().starts_at.replace(month=4)))
    feed = feedparser.parse(build(*both, theme=theme)["feed.xml"])
    assert not feed.bozo
    assert [entry.title for entry in feed.entries] == ["Why does my router blink red?", "Warum blinkt mein Router rot?"]
    assert feed.entries[1].author == "Anna Weber"
    assert feed.entries[1].link == f"{PUBLIC.url}/a/q1-router-blinkt-rot/"
    assert feed.entries[1].updated == "2027-03-02T19:15:00Z"
    moved = feedparser.parse(build(*both, theme=theme, settings=SiteSettings())["feed.xml"])
    assert [entry.id for entry in moved.entries] == [entry.id for entry in feed.entries]


def test_the_sitemap_lists_what_may_be_found(theme: Theme) -> None:
    """Public pages only, with whole addresses; none without a public address of the site."""
    files = build(make_session(), theme=theme)
    addresses = re.findall(r"<loc>([^<]+)</loc>", files["sitemap.xml"].decode())
    assert f"{PUBLIC.url}/a/q1-router-blinkt-rot/" in addresses
    assert not [address for address in addresses if "q4" in address or "404" in address]
    assert f"Sitemap: {PUBLIC.url}/sitemap.xml" in files["robots.txt"].decode()
    assert "sitemap.xml" not in build(make_session(), theme=theme, settings=SiteSettings())


def test_captions_are_in_the_time_of_the_recording(theme: Theme, media: Path) -> None:
    """A player shows them at the right moment; without a recording they stay on the clock of the session."""
    path = "a/q1-router-blinkt-rot/answer.vtt"
    placed = parse_vtt(build(make_session(), theme=theme, media=media)[path].decode(), path)
    assert placed.cues[0].span == Span(7_000, 11_800)
    assert parse_vtt(build(make_session(), theme=theme)[path].decode(), path).cues[0].span == Span(5_000, 9_800)


def test_a_missing_recording_is_said_and_reported(theme: Theme, tmp_path: Path) -> None:
    """The page says so instead of showing a player that fails, and the plan names the file."""
    plan = plan_site((make_session(),), PUBLIC, theme, media_root=tmp_path)
    assert plan.missing_media == ("recordings/netz.mp4",)
    page = Page(bytes(plan.render()["a/q1-router-blinkt-rot/index.html"]).decode())  # type: ignore[arg-type]
    assert "Die Aufzeichnung liegt hier nicht vor." in page.text


@pytest.mark.parametrize("url", ["../secret.mp4", "/etc/passwd", "a/../../b.mp4", "c:\\x.mp4", "x\x00.mp4"])
def test_a_recording_outside_the_media_folder_is_refused(theme: Theme, media: Path, url: str) -> None:
    """No path in the archive can make a foreign file public."""
    recording = ArchivedRecording(url=url, duration_ms=1000, clock=ClockMap.identity(1000))
    with pytest.raises(BadArchive, match="recording"):
        plan_site((make_session(recordings=(recording,)),), PUBLIC, theme, media_root=media)


def test_a_recording_that_is_a_link_is_refused(theme: Theme, media: Path) -> None:
    """What a symbolic link in the media folder points to is not published."""
    (media.parent / "secret").write_text("secret")
    (media / "recordings/netz.mp4").unlink()
    (media / "recordings/netz.mp4").symlink_to(media.parent / "secret")
    with pytest.raises(BadArchive, match="symbolic link"):
        plan_site((make_session(),), PUBLIC, theme, media_root=media)


def test_hls_brings_its_segments_and_nothing_else(theme: Theme, media: Path) -> None:
    """A playlist is published with the segments that it names beside it, never with files elsewhere."""
    folder = media / "hls/netz"
    folder.mkdir(parents=True)
    (folder / "index.m3u8").write_text(
        '#EXTM3U\n#EXT-X-MAP:URI="init.mp4"\n#EXTINF:4,\ns0.m4s\n#EXTINF:4,\n../../recordings/netz.mp4\nhttps://x.example/s\n'
    )
    for name in ("init.mp4", "s0.m4s", "unnamed.m4s"):
        (folder / name).write_bytes(b"x")
    recording = replace(make_session().recordings[0], url="hls/netz/index.m3u8", kind="hls")
    files = build(make_session(recordings=(recording,)), theme=theme, media=media)
    assert sorted(path for path in files if path.startswith("media/")) == [
        "media/hls/netz/index.m3u8",
        "media/hls/netz/init.mp4",
        "media/hls/netz/s0.m4s",
    ]


def test_recordings_served_elsewhere_are_allowed_by_the_policy(theme: Theme) -> None:
    """With an address prefix nothing is linked into the site, and the policy lets the player load from there."""
    settings = replace(PUBLIC, media_url="https://media.example.org/hub")
    files = build(make_session(), theme=theme, settings=settings)
    page = files["a/q1-router-blinkt-rot/index.html"].decode()
    assert 'data-src="https://media.example.org/hub/recordings/netz.mp4"' in page
    assert "media-src &#39;self&#39; https://media.example.org;" in page
    assert "von media.example.org" in page


def test_labels_that_share_a_slug_stay_apart(theme: Theme) -> None:
    """C, C++ and a title without Latin letters are three topics with three addresses."""
    session = make_session()
    first = replace(session.answers[0], topics=("C", "C++", "漢字"))
    files = build(replace(session, answers=(first,)), theme=theme)
    assert len([path for path in files if re.fullmatch(r"topics/[^/]+/index\.html", path)]) == 3


def test_related_answers_are_alike(theme: Theme) -> None:
    """Answers that share topics or rare words point to each other, others do not."""
    questions = [
        ("a1", "Warum blinkt der Router?", "Router"),
        ("a2", "Nachbarn hören die Wärmepumpe", "Wärme"),
        ("a3", "Wie setze ich meinen Router zurück?", "Router"),
        ("a4", "Wann kommt die Rechnung?", "Rechnung"),
    ]
    answers = tuple(
        Answer(
            id=answer_id,
            slug="x",
            session_id="2027-03-02-netz",
            question=question,
            topics=(topic,),
            state=AnswerState.PUBLISHED,
            body="Ja.",
        )
        for answer_id, question, topic in questions
    )
    page = pages(build(make_session(answers=answers), theme=theme))["a/a1-x/index.html"]
    related = page.html.partition('id="related"')[2]
    assert "../a3-x/" in related
    assert "../a2-x/" not in related
    assert "../a4-x/" not in related


def test_validity_is_shown(theme: Theme) -> None:
    """An answer that holds until a day says so."""
    session = make_session()
    first = replace(session.answers[0], valid_until=date(2027, 12, 31))
    files = build(replace(session, answers=(first,)), theme=theme)
    assert "Gültig bis 31.\u00a0Dezember 2027." in files["a/q1-router-blinkt-rot/index.html"].decode()


def test_an_answer_page_leads_back_to_the_hub(theme: Theme) -> None:
    """Whether it helped, and the question asked anew, are links to the hub, where there is one."""
    question = "Was heißt “&amp; 50%” + <b>?"
    session = make_session()
    hostile = replace(session, answers=(replace(session.answers[0], question=question), *session.answers[1:]))
    path = "a/q1-router-blinkt-rot/index.html"
    page = pages(build(hostile, theme=theme, hub="https://hub.example.org/"))[path]
    helped = f"https://hub.example.org/s/{session.id}/answers/q1/helped?helped="
    assert [link for link in page.links() if link.startswith(helped)] == [
        f"{helped}{v}" for v in ("yes", "partly", "no")
    ]
    (again,) = [link for link in page.links() if link.startswith("https://hub.example.org/?question=")]
    assert dict(parse_qsl(urlsplit(again).query)) == {"question": question}
    assert "Hat diese Antwort geholfen?" not in build(session, theme=theme)[path].decode()


def test_an_answer_can_be_taken_along_as_text(theme: Theme) -> None:
    """Question, source, address, the writing without its marks, and what was said with speakers and times."""
    text = build(make_session(), theme=theme)["a/q1-router-blinkt-rot/answer.txt"].decode()
    assert text == (
        "Warum blinkt mein Router rot?\n\n"
        "Service-Runde · Netz & Router · 2027-03-02 · Anna Weber\n"
        f"{PUBLIC.url}/a/q1-router-blinkt-rot/\n\n"
        "Halten Sie den Knopf zehn Sekunden gedrückt.\n\n"
        "[0:05] Clara Roth\nMaria fragt, warum ihr Router rot blinkt.\n\n"
        "[0:10] Anna Weber\nRotes Blinken heißt: Die Leitung ist nicht synchron.\n"
    )


YOUTUBE = ArchivedRecording(
    url="https://www.youtube.com/watch?v=dQw4w9WgXcQ",
    kind="youtube",
    label="YouTube",
    duration_ms=40_000,
    clock=ClockMap.identity(40_000),
)


def test_a_platforms_video_plays_in_its_own_player(theme: Theme) -> None:
    """A frame that is not there before the click, the platform's page without scripts, a policy for just that."""
    files = build(make_session(recordings=(YOUTUBE,)), theme=theme)
    page = pages(files)["a/q1-router-blinkt-rot/index.html"]
    assert not page.all("iframe")
    (player,) = [one for one in page.elements if "data-player" in one.attributes]
    assert player.attributes["data-kind"] == "frame"
    assert player.attributes["data-src"] == "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ"
    (start,) = [one for one in page.all("a") if one.attributes.get("class") == "player-start"]
    assert start.attributes["href"] == "https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=5s"
    assert "Erst ein Klick lädt den Player von YouTube (www.youtube-nocookie.com); dabei erfährt YouTube" in page.text
    assert "frame-src https://www.youtube-nocookie.com; " in files["_headers"].decode()
    assert "frame-src" not in build(make_session(), theme=theme)["_headers"].decode()


@pytest.mark.parametrize(
    ("url", "players"),
    [
        ("https://www.youtube.com/watch?v=dQw4w9WgXcQ", ""),
        ("https://video.example/watch?v=../../x", SiteSettings().players),
        ("https://video.example/", SiteSettings().players),
        ("https://video.example/a%22b", SiteSettings().players),
    ],
)
def test_a_video_that_no_player_knows_is_linked_to(theme: Theme, url: str, players: str) -> None:
    """Without a player, or where the address does not say which video it is, there is a link and no frame."""
    files = build(
        make_session(recordings=(replace(YOUTUBE, url=url),)), theme=theme, settings=replace(PUBLIC, players=players)
    )
    page = pages(files)["a/q1-router-blinkt-rot/index.html"]
    assert not [one for one in page.elements if "data-player" in one.attributes]
    assert "Auf YouTube ansehen" in page.text
    assert "frame-src" not in files["_headers"].decode()


def test_an_answer_plays_from_the_video_that_has_it(theme: Theme) -> None:
    """Where a broken broadcast left two videos, the second one's player begins at its own second."""
    first = replace(YOUTUBE, duration_ms=4_000, clock=ClockMap.identity(4_000))
    piece = ClockPiece(Span(4_000, 40_000), Span(1_000, 37_000))
    second = replace(YOUTUBE, url="https://youtu.be/zweites_Vid", clock=ClockMap((piece,)))
    page = pages(build(make_session(recordings=(first, second)), theme=theme))["a/q1-router-blinkt-rot/index.html"]
    (player,) = [one for one in page.elements if "data-player" in one.attributes]
    assert player.attributes["data-src"] == "https://www.youtube-nocookie.com/embed/zweites_Vid"
    assert (player.attributes["data-start"], player.attributes["data-end"]) == ("2", "12")


@pytest.mark.parametrize(
    "players",
    [
        "youtube",
        "youtube=http://p.example/{video}",
        "youtube=https://p.example/x",
        "youtube=https://p.example;x/{video}",
        "a b=https://p.example/{video}?q='",
    ],
)
def test_a_player_that_could_break_the_policy_is_refused(players: str) -> None:
    """With the setting's name and how to write it."""
    with pytest.raises(BadConfig) as caught:
        parse_settings(f'[site]\nplayers = "{players}"\n', {})
    assert any(line.startswith("site.players: ") for line in caught.value.problems)


def test_two_builds_are_byte_identical(theme: Theme, media: Path) -> None:
    """The same archive gives the same bytes, whatever order its sessions come in."""
    one, two = make_session(), english()
    assert build(one, two, theme=theme, media=media) == build(two, one, theme=theme, media=media)


def test_an_empty_archive_is_a_site(theme: Theme) -> None:
    """Before the first session there is a start page that says so."""
    files = build(theme=theme)
    assert "Noch ist nichts veröffentlicht." in files["index.html"].decode()
    assert not [page.problems for page in pages(files).values() if page.problems]


def test_a_voice_that_nobody_named_is_nobody_in_public(theme: Theme) -> None:
    """Labels of unnamed voices stand in the files for hosts, and on no page, feed or index."""
    session = make_session()
    (transcript,) = session.transcripts
    cues = tuple(
        replace(cue, speaker="Spur 2" if cue.speaker == "Anna Weber" else cue.speaker) for cue in transcript.cues
    )
    answers = tuple(replace(answer, answerers=("Spur 2", *answer.answerers)) for answer in session.answers)
    labelled = replace(session, transcripts=(replace(transcript, cues=cues),), answers=answers)
    files = build(labelled, theme=theme)
    assert any(b"Rotes Blinken" in content for content in files.values())
    for path, content in files.items():
        text = gzip.decompress(content) if path.endswith(".gz") else content
        assert b"Spur 2" not in text, path


def test_a_sentence_in_another_language_is_marked_on_the_page(theme: Theme) -> None:
    """Readers' software pronounces it right: its language stands on the sentence, and in the exported data."""
    session = make_session()
    (transcript,) = session.transcripts
    cues = tuple(
        replace(cue, text="A red light means no sync.", language="en") if cue.id == "c3" else cue
        for cue in transcript.cues
    )
    files = build(replace(session, transcripts=(replace(transcript, cues=cues),)), theme=theme)
    page = next(
        content.decode() for path, content in files.items() if path.startswith("a/q1-") and path.endswith(".html")
    )
    assert re.search(r'<span class="cue"[^>]* lang="en"[^>]*>A red light', page)
    assert not re.search(r'<span class="cue"[^>]* lang="[^>]*>Starten Sie', page)
    captions = next(content.decode() for path, content in files.items() if path.endswith("answer.vtt"))
    assert "<lang en>A red light means no sync.</lang>" in captions
    exported = json.loads(next(c for p, c in files.items() if p.endswith("session.json")))
    assert [cue.get("language") for cue in exported["transcript"] if cue["text"].startswith("A red")] == ["en"]
