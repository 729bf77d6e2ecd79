"""Very long answers: their page stays light, and leads on to what it leaves out."""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from reading import Page
from records import make_session
from serving import chromium
from test_browser import make_film, until
from test_site import english

from streamhub.archive.archived import ArchivedSession
from streamhub.archive.checking import PAGE_BUDGET_BYTES, SiteCheck, packed_size
from streamhub.archive.site import plan_site
from streamhub.archive.theme import load_theme
from streamhub.archive.writer import write_site
from streamhub.config import SiteSettings
from streamhub.timecode import Span
from streamhub.transcript.transcript import Cue

ANSWER = {"de": "a/q1-router-blinkt-rot/", "en": "a/e1-router-red/"}
SESSION = {"de": "s/2027-03-02-netz/", "en": "s/2027-04-02-lines/"}
READ_ON = {"de": "Ab 0:", "en": "Read on from 0:"}
CUES = 700
STEP_MS = 50


def make_long(language: str, *, cues: int = CUES, **changes: object) -> ArchivedSession:
    """A session with an answer of many sentences, 35 seconds in all, whose words no two cues share."""
    session = english() if language == "en" else make_session()
    words = random.Random(7)
    speaker = session.answers[0].answerers[0]
    said = tuple(
        Cue(
            id=f"c{n}",
            span=Span(n * STEP_MS, (n + 1) * STEP_MS),
            text=f"Satz{n}x " + " ".join(f"{words.getrandbits(28):x}" for _ in range(10)) + ".",
            speaker=speaker,
        )
        for n in range(cues)
    )
    answer = replace(session.answers[0], ranges=(Span(0, cues * STEP_MS),))
    (transcript,) = session.transcripts
    made = replace(session, transcripts=(replace(transcript, cues=said),), answers=(answer,))
    return replace(made, **changes)  # type: ignore[arg-type]


def build(session: ArchivedSession, folder: Path, *, media: Path | None = None) -> Path:
    """The site as files."""
    write_site(plan_site((session,), SiteSettings(), load_theme(), media_root=media), folder)
    return folder


def printed(page: str) -> list[int]:
    """The sentences that a page prints, or a text has."""
    body = re.sub(r"<script.*?</script>", "", page.partition("<main")[2] or page, flags=re.DOTALL)
    return [int(number) for number in re.findall(r"Satz(\d+)x", body)]


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_page_of_a_long_answer_keeps_the_budget_and_leads_on(tmp_path: Path, language: str) -> None:
    """It has the beginning, without a gap, and a link to the very next sentence on the page of the session."""
    public = build(make_long(language, recordings=()), tmp_path)
    assert list(SiteCheck(public).find_flaws()) == []
    text = (public / ANSWER[language] / "index.html").read_text()
    shown = printed(text)
    assert shown == list(range(len(shown)))
    assert 100 < len(shown) < CUES
    assert f'<a href="../../{SESSION[language]}#t-c{len(shown)}">{READ_ON[language]}' in text
    assert f'id="t-c{len(shown)}"' in (public / SESSION[language] / "index.html").read_text()


def test_what_is_taken_along_and_found_is_whole(tmp_path: Path) -> None:
    """Downloads and the public JSON have the last sentence; structured data says what the page says, not more."""
    public = build(make_long("de", recordings=()), tmp_path)
    last = f"Satz{CUES - 1}x"
    for name in ("answer.vtt", "answer.txt", "answer.md"):
        assert last in (public / ANSWER["de"] / name).read_text(), name
    assert last in (public / "answers/q1.json").read_text()
    text = (public / ANSWER["de"] / "index.html").read_text()
    data = json.loads(Page(text).scripts[-1])
    told = data["mainEntity"]["acceptedAnswer"]["text"]
    assert printed(told) == printed(text)
    assert told.startswith("Halten Sie den Knopf")


def test_an_answer_is_not_cut_for_a_few_sentences(tmp_path: Path) -> None:
    """What is a little longer than what would be printed of a very long one is printed whole."""
    shown = len(printed((build(make_long("de"), tmp_path / "long") / ANSWER["de"] / "index.html").read_text()))
    text = (build(make_long("de", cues=shown + 10), tmp_path / "short") / ANSWER["de"] / "index.html").read_text()
    assert len(printed(text)) == shown + 10
    assert "data-rest" not in text


def test_what_the_session_does_not_show_is_printed(tmp_path: Path) -> None:
    """Where the page of the session has another transcript there is nowhere to read on, so the page has it all."""
    session = make_long("en", recordings=())
    (spoken,) = session.transcripts
    other = replace(spoken, language="de", cues=spoken.cues[:1])
    public = build(replace(session, language="de", transcripts=(other, spoken)), tmp_path)
    assert len(printed((public / ANSWER["en"] / "index.html").read_text())) == CUES


def test_a_translation_is_cut_with_what_it_translates(tmp_path: Path) -> None:
    """It keeps the page in its budget too, and leads on to the translation of the session; its captions are whole."""
    session = make_long("de", recordings=())
    (spoken,) = session.transcripts
    cues = tuple(replace(cue, text=cue.text.replace("Satz", "Sentence"), speaker="") for cue in spoken.cues)
    translation = replace(spoken, language="en", cues=cues, made_with="x small")
    public = build(replace(session, translations=(translation,)), tmp_path)
    content = (public / ANSWER["de"] / "index.html").read_bytes()
    assert packed_size(content) < PAGE_BUDGET_BYTES - 7_000
    assert len(re.findall(rb"Sentence\d+x", content)) == len(printed(content.decode()))
    assert f'href="../../{SESSION["de"]}#translation">In der Sendung weiterlesen'.encode() in content
    assert 'id="translation"' in (public / SESSION["de"] / "index.html").read_text()
    assert f"Sentence{CUES - 1}x" in (public / ANSWER["de"] / "translation.en.vtt").read_text()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the long answer lies on the disk, with a film."""
    folder = tmp_path_factory.mktemp("long")
    make_film(folder / "media/recordings/netz.mp4")
    return build(make_long("de"), folder / "public", media=folder / "media").as_uri() + "/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium."""
    with chromium() as opened:
        yield opened


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page as wide as a phone."""
    opened = browser.new_page(viewport={"width": 390, "height": 800})
    yield opened
    opened.close()


@pytest.mark.browser
@pytest.mark.parametrize("place", ["?t=30", "#t-c600"])
def test_an_address_of_what_is_left_out_leads_to_the_session(page: Any, root: str, place: str) -> None:
    """A search result or an old link to such a sentence ends at it, and one step back is where one came from."""
    page.goto(f"{root}{SESSION['de']}index.html")
    before = page.url
    page.goto(f"{root}{ANSWER['de']}index.html{place}")
    page.wait_for_url(f"**/{SESSION['de']}index.html{place}")
    until(page, "innerHeight > Math.abs(document.querySelector('#t-c600').getBoundingClientRect().top)")
    page.go_back()
    page.wait_for_url(before)


@pytest.mark.browser
def test_an_address_of_what_is_printed_stays(page: Any, root: str) -> None:
    """The first minutes are shown on the answer's own page."""
    page.goto(f"{root}{ANSWER['de']}index.html?t=2")
    page.wait_for_selector("#t-c40.is-asked")
    assert ANSWER["de"] in page.url


@pytest.mark.browser
def test_the_film_goes_on_past_the_printed_words(page: Any, root: str) -> None:
    """While the rest is spoken the page marks the line that leads on to it, and no sentence."""
    page.goto(f"{root}{ANSWER['de']}index.html")
    page.click(".player-start")
    until(page, "document.querySelector('video')?.readyState >= 2")
    page.evaluate("document.querySelector('video').currentTime = 30")
    page.wait_for_selector(".rest .is-now")
    assert page.locator(".is-now").count() == 1
    assert not page.evaluate("document.querySelector('video').paused")
