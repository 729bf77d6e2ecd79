"""Checking a built site: the shipped theme has no flaw, and each kind of flaw is found where it is."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from records import make_session

from streamhub.archive.checking import PAGE_BUDGET_BYTES, SiteCheck
from streamhub.archive.site import plan_site
from streamhub.archive.theme import load_theme
from streamhub.archive.writer import write_site
from streamhub.config import SiteSettings
from streamhub.errors import BadInput

theme = functools.cache(load_theme)
BASE = "https://antworten.example.org/archiv"
ANSWER = "a/q1-router-blinkt-rot/index.html"


@pytest.fixture(params=[BASE, ""])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    """A built site with and without a public address, and the address."""
    (tmp_path / "media/recordings").mkdir(parents=True)
    (tmp_path / "media/recordings/netz.mp4").write_bytes(b"x")
    settings = SiteSettings(title="Antworten", url=request.param)
    write_site(plan_site((make_session(),), settings, theme(), media_root=tmp_path / "media"), tmp_path / "public")
    return tmp_path / "public", request.param


def flaws(public: Path, base: str) -> list[str]:
    """What is wrong."""
    return [str(flaw) for flaw in SiteCheck(public, base).find_flaws()]


def test_the_shipped_theme_has_no_flaw(site: tuple[Path, str]) -> None:
    """Every page, link, feed and size of a site is in order."""
    assert flaws(*site) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("</main>", "</mian>", "Unexpected end tag (mian)"),
        ('<html lang="de">', "<html>", "does not say its language"),
        ("<h1 ", "<h1>Zwei</h1><h1 ", "has 2 main headings"),
        ("</main>", '<img src="../../static/icon.svg"></main>', "has no alt text"),
        ("</main>", '<p style="color: red">x</p></main>', "inline style"),
        ("</main>", "<script>alert(1)</script></main>", "inline script"),
        ("</main>", '<a href="../../a/weg/">x</a></main>', "there is no file a/weg/index.html"),
        ("</main>", '<a href="../../#nirgends">x</a></main>', "leads to index.html#nirgends"),
        ("</main>", '<a href="../../../../etc/passwd">x</a></main>', "there is no file"),
        ('{"@context"', '{"@context', "structured data"),
        ('id="content"', 'id="content" id2="x"><p id="content"', "id content is there twice"),
        ("</main>", '<p><span id="t-c2">x</span></p></main>', "id t-c2 is there twice"),
        ("</main>", '<a href="../../"><a href="../../">x</a></a></main>', "implies end tag (a)"),
        ("</main>", '<p><span id="x" id="y">x</span></p></main>', "duplicate attribute"),
        ("</main>", "<p><span>x &nope; y</span></p></main>", "entity"),
        ("</main>", '<p><a href="../../a/weg/">x <span>y</span></a></p></main>', "there is no file a/weg/index.html"),
    ],
)
def test_flaws_are_found(site: tuple[Path, str], old: str, new: str, said: str) -> None:
    """Each with the page that has it."""
    public, base = site
    page = (public / ANSWER).read_text()
    assert old in page
    (public / ANSWER).write_text(page.replace(old, new, 1))
    found = [flaw for flaw in flaws(public, base) if said in flaw]
    assert found
    assert all(flaw.startswith(ANSWER) for flaw in found)


def test_broken_data_is_found(site: tuple[Path, str]) -> None:
    """Feeds, calendars, captions and data that cannot be read are named, with the line where it is known."""
    public, base = site
    (public / "feed.xml").write_text("<feed>\n<b></feed>")
    (public / "calendar.ics").write_text("BEGIN:VCALENDAR\nnonsense\n")
    (public / "a/q1-router-blinkt-rot/answer.vtt").write_text("no captions")
    (public / "answers/q1.json").write_text("{")
    found = "\n".join(flaws(public, base))
    for said in ("feed.xml:2: mismatched tag", "calendar.ics: ", "answer.vtt: ", "answers/q1.json: "):
        assert said in found


def test_a_page_over_budget_is_told(site: tuple[Path, str]) -> None:
    """Its size and the budget stand in the message."""
    public, base = site
    words = "".join(f"<p>{n * 7919:x} {n * 104729:x}</p>" for n in range(9000))
    (public / ANSWER).write_text((public / ANSWER).read_text().replace("</main>", f"{words}</main>"))
    (said,) = flaws(public, base)
    assert str(PAGE_BUDGET_BYTES) in said


def test_there_must_be_a_site(tmp_path: Path) -> None:
    """An empty folder is told as such."""
    with pytest.raises(BadInput, match="holds no site"):
        SiteCheck(tmp_path)
