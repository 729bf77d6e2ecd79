"""A hostile corpus through every output: whatever strangers type stays text, as readers that are not ours see it."""

from __future__ import annotations

import csv
import functools
import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import feedparser
import html5lib
import icalendar
import jsonschema
import pytest
import webvtt
import yaml
from lxml import etree
from markdown_it import MarkdownIt

sys.path.insert(0, str(Path(__file__).parent))
from feed_rules import JSON_CHAPTERS, JSON_FEED
from records import CONTROLS, HOSTILE, make_session, place_recording, shown
from test_coming import NEXT
from test_site import PUBLIC, YOUTUBE, english, hostile_session, shipped_theme

from streamhub.archive.archived import ArchivedSession
from streamhub.archive.checking import SiteCheck
from streamhub.archive.plan import MediaLink
from streamhub.archive.site import plan_site
from streamhub.archive.writer import write_site

ANSWER, SESSION, SHOW = "a/q1-router-blinkt-rot/", "s/2027-03-02-netz/", "shows/service-runde/"
HTML = "{http://www.w3.org/1999/xhtml}"


@functools.cache
def build(text: str) -> dict[str, bytes]:
    """Every file of a site in which every free text of an archive and of what is coming is hostile."""
    session = hostile_session(text)
    framed = replace(hostile_on_platform(text))
    coming = (replace(NEXT, title=text, text=text, show_title=text),)
    plan = plan_site(
        (session, framed), PUBLIC, shipped_theme(), media_root=None, hub_url="https://hub.example.org", coming=coming
    )
    return {path: one for path, one in plan.render().items() if not isinstance(one, MediaLink)}


def hostile_on_platform(text: str) -> ArchivedSession:
    """An English session whose video is a platform's, called by a hostile name."""
    session = english(recordings=(replace(YOUTUBE, label=text),))
    return replace(session, answers=(replace(session.answers[0], question=text, asker=text),), recap=text)


@pytest.fixture(params=HOSTILE, ids=range(len(HOSTILE)))
def text(request: pytest.FixtureRequest) -> str:
    """What somebody typed."""
    return str(request.param)


def read_html(content: bytes) -> Any:
    """A page as a browser's parser takes it; its errors are the test's."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False, strict=False)
    tree = parser.parse(content)
    assert [(place, code) for place, code, _ in parser.errors] == []
    return tree


def shape(tree: Any) -> set[tuple[str, tuple[str, ...]]]:
    """Kinds of elements with their attributes' names, without what Markdown may make of a text."""
    markdown = {"p", "br", "hr", "em", "strong", "code", "pre", "blockquote", "ul", "ol", "li", "a", "h2", "h3", "h4"}
    return {(one.tag, tuple(sorted(map(str, one.attrib)))) for one in tree.iter() if one.tag not in markdown}


def acting(tree: Any) -> list[str]:
    """Elements that load, run or send something."""
    names = {"script", "link", "meta", "base", "style", "form", "input", "button", "iframe", "object", "embed", "img"}
    return [one.tag for one in tree.iter() if one.tag in {*names, "video", "audio", "svg", "template", "noscript"}]


def test_pages_have_the_same_elements(text: str) -> None:
    """A parser that is not ours finds no error, no new element and no new attribute; the words are there as typed."""
    harmless, files = build("harmless"), build(text)
    names = [path for path in harmless if path.endswith(".html") and path in files]
    assert {ANSWER + "index.html", SESSION + "index.html", "index.html", f"embed/{ANSWER}index.html"} <= set(names)
    for path in names:
        read, expected = read_html(files[path]), read_html(harmless[path])
        assert shape(read) <= shape(expected), path
        assert acting(read) == acting(expected), path
    page = read_html(files[f"{ANSWER}index.html"])
    assert shown("".join(page.find(".//h1").itertext())) == shown(text)


def test_structured_data_says_the_question(text: str) -> None:
    """Each script of data parses, and the question in it is what was typed."""
    for path, content in build(text).items():
        if path.endswith(".html"):
            for script in read_html(content).iter("script"):
                if script.get("type") == "application/ld+json":
                    data = json.loads(script.text)
                    if path == f"{ANSWER}index.html":
                        assert shown(data["mainEntity"]["name"]) == shown(text)


def test_feeds_sitemap_and_podcast(text: str) -> None:
    """XML parses strictly, entities stay text, JSON feeds are as their rules say, and titles are what was typed."""
    files = build(text)
    strict = etree.XMLParser(resolve_entities=False, no_network=True, recover=False)
    found = {path: etree.fromstring(content, strict) for path, content in files.items() if path.endswith(".xml")}
    assert {"feed.xml", f"{SHOW}feed.xml", "sitemap.xml"} <= set(found)
    for path, root in found.items():
        assert not root.getroottree().docinfo.internalDTD, path
        assert not [one for one in root.iter() if one.tag is etree.Entity], path
    titles = [shown(entry.title) for entry in feedparser.parse(files["feed.xml"]).entries]
    assert len(titles) == 2
    for path in ("feed.json", f"{SHOW}feed.json"):
        data = json.loads(files[path])
        jsonschema.validate(data, JSON_FEED, format_checker=jsonschema.FormatChecker())
        assert shown(data["items"][0]["title"]) == shown(text)


def test_podcast_and_chapters_with_a_recording(text: str, tmp_path: Path) -> None:
    """With a recording and a clip the podcast, its chapters and the pages are in order too, by every check of ours."""
    session = hostile_session(text)
    media = place_recording(tmp_path / "media", session, title=PUBLIC.title)
    plan = plan_site((session,), PUBLIC, shipped_theme(), media_root=media)
    write_site(plan, tmp_path / "public")
    assert [str(flaw) for flaw in SiteCheck(tmp_path / "public", PUBLIC.url).find_flaws()] == []
    podcast = feedparser.parse((tmp_path / "public" / SHOW / "podcast.xml").read_bytes())
    assert not podcast.bozo
    assert len(podcast.entries) == 1
    chapters = json.loads((tmp_path / "public" / SESSION / "chapters.json").read_bytes())
    jsonschema.validate(chapters, JSON_CHAPTERS)
    captions = webvtt.read(str(tmp_path / "public" / ANSWER / "answer.vtt"))
    assert [caption.text[-2:] for caption in captions] == ["c2", "c3"]


def test_calendars(text: str) -> None:
    """Three entries whatever their titles say, lines of at most 75 bytes that end as they must."""
    for path in ("calendar.ics", f"{SHOW}calendar.ics"):
        content = build(text)[path]
        lines = content.split(b"\r\n")
        assert max(map(len, lines)) <= 75
        assert not [line for line in lines if b"\n" in line or b"\r" in line]
        events = icalendar.Calendar.from_ical(content).walk("VEVENT")
        assert len(events) == 3
        summaries = [str(event["SUMMARY"]) for event in events]
        assert all("\n" not in summary for summary in summaries)
        assert shown(text) in shown(" ".join(summaries))


def test_captions_and_subtitles(text: str, tmp_path: Path) -> None:
    """WebVTT and SubRip read back with as many cues as there were, each with its words."""
    files = build(text)
    expected = " ".join("".join(c for c in text if c.isprintable() or c == " ").split()) or "x"
    for path in [name for name in files if name.endswith((".vtt", ".srt"))]:
        place = tmp_path / f"x{path[-4:]}"
        place.write_bytes(files[path])
        read = webvtt.read(str(place)) if path.endswith(".vtt") else webvtt.from_srt(str(place))
        if path.startswith(SESSION):
            assert len(read) == 4, path
            assert [caption.text.split()[-1] for caption in read] == ["c1", "c2", "c3", "c4"], path
    assert expected


def test_json_of_programs(text: str) -> None:
    """The export is as its schema says, oEmbed holds one frame and nothing else, fragments say what was typed."""
    files = build(text)
    schema = json.loads(files["export/v1/schema.json"])
    valid = jsonschema.Draft202012Validator(schema)
    for path, content in files.items():
        if path.endswith(".json"):
            data = json.loads(content)
            if path.endswith(("answer.json", "session.json", "answers.json")):
                assert not [error.message for error in valid.iter_errors(data)], path
            if path.endswith("oembed.json"):
                body = html5lib.parseFragment(data["html"], namespaceHTMLElements=False)
                assert [one.tag for one in body.iter() if isinstance(one.tag, str)] == ["DOCUMENT_FRAGMENT", "iframe"]
                assert not [name for name in body[0].attrib if str(name).startswith("on")]
    assert shown(json.loads(files["answers/q1.json"])["question"]) == shown(text)


def test_texts_to_take_along(text: str) -> None:
    """Markdown has its one heading and no image or foreign link; the table no formula; front matter no new key."""
    files = build(text)
    tokens = MarkdownIt("commonmark", {"html": True}).parse(files[f"{ANSWER}answer.md"].decode())
    assert tokens[0].tag == "h1"
    post = files[f"{SESSION}export/post.md"].decode()
    front = yaml.safe_load(CONTROLS.sub("", post.split("---\n")[1]))
    assert set(front) == {"title", "date", "tags", "canonical_url"}
    table = list(csv.reader(io.StringIO(files[f"{SESSION}export/answers.csv"].decode("utf-8-sig")), delimiter=";"))
    assert len(table) == 2
    assert not [cell for cell in table[1] if cell[:1] in set("=+-@\t\r")]
    assert shown(files[f"{ANSWER}answer.txt"].decode()).startswith(shown(text))
    for path in [name for name in files if name.endswith((".txt", ".md", ".srt", ".vtt"))]:
        assert not set(CONTROLS.findall(files[path].decode())) - {"\x85"}, path


@pytest.mark.parametrize("name", ["Antworten", *HOSTILE[:4]])
def test_the_owners_title_is_text_too(name: str) -> None:
    """What the site is called stands in every output, and can break none."""
    plan = plan_site((make_session(),), replace(PUBLIC, title=name), shipped_theme(), media_root=None)
    files = {path: one for path, one in plan.render().items() if not isinstance(one, MediaLink)}
    assert shown("".join(read_html(files["index.html"]).find(".//title").itertext())) == shown(name)
    for path, content in files.items():
        if path.endswith(".xml"):
            etree.fromstring(content)
        if path.endswith(".ics"):
            icalendar.Calendar.from_ical(content)
