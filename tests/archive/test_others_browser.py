"""Many archives, one search: another archive is asked once the visitor ticks it, and marked by its name."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from records import make_session
from serving import Served, chromium, serve
from test_site import english

from streamhub.archive.archived import ArchivedSession
from streamhub.archive.site import plan_site
from streamhub.archive.theme import load_theme
from streamhub.archive.writer import write_site
from streamhub.config import SiteSettings, parse_archives
from streamhub.errors import BadInput

STEMMERS = Path(__file__).parents[2] / "site/static/vendor/german-stemmer.js"
browser_test = pytest.mark.browser


def build_site(folder: Path, *archive: ArchivedSession, others: str = "") -> Path:
    plan = plan_site(archive, SiteSettings(others=others), load_theme(), media_root=None)
    write_site(plan, folder)
    return folder


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Served, Served]]:
    """An archive that names another one, and that one."""
    if not STEMMERS.is_file():
        pytest.skip("site/static/vendor lacks the stemmers; `pip install -e .` brings them")
    german = replace(make_session(), recordings=())
    lines = english(answers=(replace(english().answers[0], language="de"),), title="Leitungen", language="de")
    with (
        serve(build_site(tmp_path / "other", lines)) as other,
        serve(build_site(tmp_path / "own", german, others=other.url)) as own,
    ):
        yield own, other


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium."""
    with chromium() as opened:
        yield opened


@browser_test
@pytest.mark.parametrize("width", [390, 1280])
def test_another_archive_is_searched_when_ticked(pair: tuple[Served, Served], browser: Any, width: int) -> None:
    """Nothing is asked of it before; then its answers stand below, by its name, and lead to it at the second."""
    axe_module = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    own, other = pair
    page = browser.new_page(viewport={"width": width, "height": 844}, locale="de-DE")
    said: list[str] = []
    page.on("console", lambda message: message.type == "error" and said.append(message.text))
    page.goto(f"{own.url}search/?q=router")
    page.locator("[data-search-results] li").first.wait_for()
    assert other.asked == []
    page.get_by_label(other.url.split("//")[1].rstrip("/")).check()
    link = page.locator("[data-others-results] a")
    link.wait_for(timeout=20_000)
    assert link.inner_text() == "Why does my router blink red?"
    assert link.get_attribute("href") == f"{other.url}a/e1-router-red/?t=0"
    assert other.url.split("//")[1].rstrip("/") in page.locator("[data-others-results] h2").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    results = axe_module.Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    page.get_by_label(other.url.split("//")[1].rstrip("/")).uncheck()
    assert page.locator("[data-others-results] a").count() == 0
    assert said == []
    page.close()


@browser_test
def test_an_archive_that_is_away_costs_nothing(pair: tuple[Served, Served], browser: Any) -> None:
    """Its place says that it cannot be asked; the own answers stay."""
    own, other = pair
    (other.folder / "search/de/m.json").unlink()
    page = browser.new_page(locale="de-DE")
    page.goto(f"{own.url}search/?q=router")
    page.locator("[data-search-results] li").first.wait_for()
    page.locator("[data-others] input").check()
    page.get_by_text("lässt sich gerade nicht fragen").wait_for(timeout=20_000)
    assert page.locator("[data-search-results] li").count() == 1
    page.close()


@browser_test
def test_a_hostile_archive_stays_text(pair: tuple[Served, Served], browser: Any) -> None:
    """What another archive says is text, and its links lead into it or nowhere."""
    own, other = pair
    [fragment] = (other.folder / "answers").glob("e1.json")
    evil = json.loads(fragment.read_text("utf-8")) | {
        "url": "javascript:alert(1)",
        "question": "<img src=x onerror=alert(1)> router",
        "session": "</li><script>alert(1)</script>",
    }
    fragment.write_text(json.dumps(evil), "utf-8")
    page = browser.new_page(locale="de-DE")
    said: list[str] = []
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto(f"{own.url}search/?q=router")
    page.locator("[data-others] input").check()
    page.locator("[data-others-results] li").wait_for(timeout=20_000)
    assert page.locator("[data-others-results] a, [data-others-results] img, [data-others-results] script").count() == 0
    assert "<img src=x" in page.locator("[data-others-results] li").inner_text()
    assert said == []
    page.close()


@browser_test
def test_a_topic_shows_what_others_have(pair: tuple[Served, Served], browser: Any) -> None:
    """After a click the other archive's answers to the topic stand below its name."""
    own, other = pair
    page = browser.new_page(locale="de-DE")
    page.goto(f"{own.url}topics/router/")
    button = page.get_by_role("button", name="fragen")
    button.wait_for()
    assert other.asked == []
    button.click()
    page.locator("streamhub-answers[data-state=published]").wait_for(timeout=20_000)
    link = page.locator("streamhub-answers li a")
    assert link.get_attribute("href") == f"{other.url}a/e1-router-red/?t=0"
    page.close()


def test_addresses_of_archives() -> None:
    """Spaces and commas part them, each ends in a slash once; what could break a policy or is no address is refused."""
    assert parse_archives("https://a.example, https://b.example/archiv/ https://a.example/") == (
        "https://a.example/",
        "https://b.example/archiv/",
    )
    assert parse_archives("") == ()
    for wrong in (
        "a.example",
        "javascript:alert(1)",
        "https://a.example;x",
        "https://a.example/?q",
        "https://a.example/;x",
    ):
        with pytest.raises(BadInput):
            parse_archives(wrong)
