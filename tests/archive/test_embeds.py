"""What other people's pages read of the archive: short answers, successors, lists in pages; only what is public."""

from __future__ import annotations

import gzip
import json
import sys
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from reading import Page
from records import HOSTILE, make_session
from test_site import PUBLIC, build, english, hostile_session, shipped_theme

from streamhub.archive.embeds import Licence, ListedAnswer, ListView, plan_pages, render_list_page
from streamhub.archive.hosting import parse_headers
from streamhub.archive.paging import PAGE
from streamhub.archive.views import AnswerRef
from streamhub.config import SiteSettings

LICENSED = replace(PUBLIC, licence="CC BY 4.0", licence_url="https://creativecommons.org/licenses/by/4.0/")


def listed(number: int) -> ListedAnswer:
    """The answer with that number; a higher one is newer."""
    ref = AnswerRef(
        id=f"q{number}",
        url=f"a/q{number}-x/",
        question=f"Question {number}?",
        language="en",
        answerers=(),
        excerpt="",
        starts_at=datetime(2027, 1, 1, tzinfo=UTC) + timedelta(hours=number),
        zone="Europe/London",
        session_title="Lines",
        session_url="s/lines/",
        session_language="en",
        start_ms=0,
        duration_ms=1000,
        votes=0,
        session_cue="",
    )
    return ListedAnswer(ref=ref)


def test_an_answer_in_short() -> None:
    """The written answer, who answered, session, date, second, licence and what a page can play stand in its file."""
    files = build(make_session(), theme=shipped_theme(), settings=LICENSED)
    found = json.loads(files["a/q1-router-blinkt-rot/answer.json"])
    assert found["format"] == "streamhub answer 1"
    assert (found["state"], found["id"], found["url"]) == ("published", "q1", "a/q1-router-blinkt-rot/")
    assert found["text"] == "Halten Sie den Knopf zehn Sekunden gedrückt."
    assert found["answered_by"] == [{"name": "Anna Weber", "url": "people/anna-weber/"}]
    assert (found["date"], found["start_ms"]) == ("2027-03-02", 5000)
    assert found["session"]["title"] == "Netz & Router"
    assert found["licence"] == {"name": "CC BY 4.0", "url": "https://creativecommons.org/licenses/by/4.0/"}


def test_a_spoken_answer_is_told_by_its_first_words() -> None:
    """Where nothing was written, what was said stands there, cut between words."""
    found = json.loads(build(english(), theme=shipped_theme())["a/e1-router-red/answer.json"])
    assert found["text"] == "The line has lost its sync."
    assert found["licence"] is None


def test_a_superseded_answer_names_its_successor_alone() -> None:
    """Its file has the question and what took its place, and not a word of the old answer."""
    files = build(make_session(), theme=shipped_theme())
    found = json.loads(files["a/q4-router-alt/answer.json"])
    assert found["state"] == "superseded"
    assert found["successor"]["url"] == "a/q1-router-blinkt-rot/"
    assert "text" not in found
    assert b"Giraffe" not in files["a/q4-router-alt/answer.json"]


def test_withdrawal_takes_the_files_and_the_place_in_lists() -> None:
    """Only public answers have a file, and no list names another one."""
    files = build(make_session(), english(), theme=shipped_theme())
    assert sorted(path for path in files if path.endswith("/answer.json")) == [
        "a/e1-router-red/answer.json",
        "a/q1-router-blinkt-rot/answer.json",
        "a/q4-router-alt/answer.json",
    ]
    assert [one["id"] for one in json.loads(files["answers.json"])["answers"]] == ["e1", "q1"]
    assert [one["id"] for one in json.loads(files["topics/stoerung/answers.json"])["answers"]] == ["q1"]
    assert [one["id"] for one in json.loads(files["people/anna-weber/answers.json"])["answers"]] == ["q1"]
    assert not [path for path in files if path.startswith("topics/zebra")]


def render_list(folder: str, answers: list[ListedAnswer]) -> dict[str, bytes]:
    """The pages of a list, by path."""
    about = ListView(folder=folder, title="X", language="de", total=len(answers))
    by_id = {one.ref.id: one for one in answers}
    pages = plan_pages(list(by_id))
    return {
        f"{folder}{page.name}": render_list_page(about, page, [by_id[one] for one in page.members], Licence())
        for page in pages
    }


@pytest.mark.parametrize("count", [0, 1, PAGE - 1, PAGE, 2 * PAGE - 1, 2 * PAGE, 5 * PAGE + 7])
def test_lists_in_pages_have_every_answer_once(count: int) -> None:
    """From page to page by ``next``, newest first, nothing is missing and nothing is there twice."""
    answers = [listed(number) for number in range(count, 0, -1)]
    files = render_list("topics/x/", answers)
    seen = []
    path: str | None = "answers.json"
    while path:
        page = json.loads(files.pop(f"topics/x/{path}"))
        seen += [one["id"] for one in page["answers"]]
        path = page["next"]
    assert seen == [one.ref.id for one in answers]
    assert not files


def test_a_new_answer_changes_the_newest_page_alone() -> None:
    """Pages count from the oldest answer: older ones stay as they are but for the step at which a page is full."""
    before = render_list("", [listed(number) for number in range(260, 0, -1)])
    after = render_list("", [listed(number) for number in range(261, 0, -1)])
    assert [path for path in before if before[path] != after[path]] == ["answers.json"]


def test_pages_are_not_much_longer_than_others() -> None:
    """The newest page has at most two pages' answers."""
    for count in range(3 * PAGE):
        assert all(len(page.members) < 2 * PAGE for page in plan_pages([str(number) for number in range(count)]))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_data(text: str) -> None:
    """Whatever strangers type, the files parse, and the text comes back as it was."""
    files = build(hostile_session(text), theme=shipped_theme())
    found = json.loads(files["a/q1-router-blinkt-rot/answer.json"])
    assert found["question"] == json.loads(files["answers/q1.json"])["question"]
    assert json.loads(files["answers.json"])["answers"][0]["question"] == found["question"]


def test_the_script_is_small() -> None:
    """Under 8 KB compressed, as the issue wants it."""
    assert len(gzip.compress(shipped_theme().static["embed.js"], 9)) < 8_000


def test_oembed_says_what_the_specification_wants() -> None:
    """Version, type, size and a frame of ours; the answer's page links to it, and only on a site with an address."""
    files = build(make_session(), theme=shipped_theme(), settings=LICENSED)
    found = json.loads(files["a/q1-router-blinkt-rot/oembed.json"])
    assert (found["version"], found["type"]) == ("1.0", "rich")
    assert found["title"] == "Warum blinkt mein Router rot?"
    assert (found["width"], found["height"]) == (640, 360)
    [frame] = Page(found["html"]).all("iframe")
    assert frame.attributes["src"] == f"{PUBLIC.url}/embed/a/q1-router-blinkt-rot/"
    assert "embed/a/q1-router-blinkt-rot/index.html" in files
    assert "allow-scripts" not in frame.attributes["sandbox"]
    page = files["a/q1-router-blinkt-rot/index.html"].decode()
    assert f'type="application/json+oembed" title="Warum blinkt mein Router rot?" href="{PUBLIC.url}/a/q1-' in page
    without = build(make_session(), theme=shipped_theme(), settings=SiteSettings())
    assert "a/q1-router-blinkt-rot/oembed.json" not in without
    assert b"oembed" not in without["a/q1-router-blinkt-rot/index.html"]


def is_no_text(one: str) -> bool:
    """Controls, and the last two of each plane: pages leave them out."""
    return unicodedata.category(one) == "Cc" or ord(one) & 0xFFFE == 0xFFFE


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_frames_and_lines(text: str) -> None:
    """In oEmbed's frame and in the line to paste it stays the text of a title and of a link."""
    files = build(hostile_session(text), theme=shipped_theme(), settings=LICENSED)
    question = json.loads(files["a/q1-router-blinkt-rot/answer.json"])["question"]
    oembed = Page(json.loads(files["a/q1-router-blinkt-rot/oembed.json"])["html"])
    assert [element.name for element in oembed.elements] == ["iframe"]
    assert oembed.elements[0].attributes["title"] == question
    line = next(
        Page(part.split("</textarea>")[0]).text
        for part in files["a/q1-router-blinkt-rot/index.html"].decode().split('spellcheck="false">')[1:]
    )
    pasted = Page(line)
    assert [element.name for element in pasted.elements] == ["script", "streamhub-answer", "a"]
    shown = "".join(one for one in question if one in "\t\n\r" or not is_no_text(one))
    assert pasted.text.split("\n", 1)[1] == shown


def test_who_may_frame_is_a_setting() -> None:
    """Embeds may be framed by all or by those that the owner names; no other page may be framed by strangers."""
    rules = {
        origins: parse_headers(
            build(make_session(), theme=shipped_theme(), settings=replace(PUBLIC, embed_origins=origins))[
                "_headers"
            ].decode()
        )
        for origins in ("", "https://www.firma.example")
    }
    for origins, wanted in (("", "*"), ("https://www.firma.example", "https://www.firma.example")):
        policies = {rule.pattern: dict(rule.headers).get("Content-Security-Policy", "") for rule in rules[origins]}
        assert policies["/embed/*"].endswith(f"frame-ancestors {wanted}")
        assert policies["/a/*"].endswith("frame-ancestors 'self'")
        assert "frame-ancestors" not in policies["/*"]
