"""Lists of a growing archive: no page grows without end, full pages stay as they are, everything stays reachable."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from records import make_session

from streamhub.archive.archived import ArchivedSession
from streamhub.archive.listing import FEW_LABELS, MOST_USED
from streamhub.archive.paging import PAGE, count_older, cut_page
from streamhub.archive.plan import Content
from streamhub.archive.site import plan_site
from streamhub.archive.theme import load_theme
from streamhub.config import SiteSettings

load = cache(load_theme)
_HREF = re.compile(r'<a [^>]*?href="([^"#?]*)"')


def sessions(count: int, *, topics: int = 1) -> tuple[ArchivedSession, ...]:
    """Sessions of one written answer each, a week apart, about topics in turn; people are the same everywhere."""
    bare = replace(make_session(), transcripts=(), recordings=(), translations=())
    written = replace(bare.answers[0], ranges=(), body="So ist es.", products=())
    return tuple(
        replace(
            bare,
            id=f"runde-{n:04d}",
            starts_at=datetime(2024, 1, 3, 18, tzinfo=UTC) + timedelta(days=7 * n),
            answers=(replace(written, id=f"a{n}", topics=(f"{'ABC'[n % topics % 3]}-Thema {n % topics}",)),),
        )
        for n in range(count)
    )


@cache
def build(count: int, topics: int = 1) -> dict[str, Content]:
    """The pages of such a site."""
    settings = SiteSettings(url="https://archiv.example")
    return plan_site(sessions(count, topics=topics), settings, load(), media_root=None).render()


def pages_below(files: dict[str, Content], folder: str) -> dict[str, Content]:
    """The pages of a list: its first, and those that are numbered."""
    return {path: files[path] for path in files if re.fullmatch(rf"{folder}(\d+/)?index\.html", path)}


def leads_to(files: dict[str, Content], path: str) -> set[str]:
    """The pages that a page links to."""
    page = files[path]
    assert isinstance(page, bytes)
    return {target for target in files if target.endswith("/index.html")} & {
        str(Path("/x", path).parent.joinpath(href).resolve()).removeprefix("/x/") + "/index.html"
        for href in _HREF.findall(page.decode())
    }


@given(st.integers(0, 400))
def test_pages_hold_every_entry_once(total: int) -> None:
    """Whatever the length of a list, its pages are bounded and hold each entry once, newest first."""
    entries = list(range(total))
    pages = [cut_page(entries, number) for number in (0, *range(count_older(total), 0, -1))]
    assert [one for page in pages for one in page] == entries
    assert len(pages[0]) < 2 * PAGE
    assert all(len(page) == PAGE for page in pages[1:])
    assert not cut_page(entries, count_older(total) + 1) or not count_older(total)


@given(st.integers(0, 400))
def test_a_new_entry_leaves_older_pages_alone(total: int) -> None:
    """An older page is the same before and after a list grew."""
    before, after = list(range(total, 0, -1)), list(range(total + 1, 0, -1))
    for number in range(1, count_older(total) + 1):
        assert cut_page(before, number) == cut_page(after, number)


@pytest.mark.parametrize("folder", ["topics/a-thema-0/", "people/anna-weber/", "shows/service-runde/"])
def test_the_pages_of_a_list_are_bounded_and_lead_to_everything(folder: str) -> None:
    """Topics, people and shows are cut into pages, from the first of which each answer or session can be reached."""
    count = 3 * PAGE + 7
    files = build(count)
    pages = pages_below(files, folder)
    assert len(pages) == 1 + count_older(count)
    target = "s/runde-" if folder.startswith("shows/") else "a/a"
    reached: set[str] = set()
    path, seen = f"{folder}index.html", 0
    while path:
        links = leads_to(files, path)
        own = {one for one in links if one.startswith(target)}
        assert len(own) < 2 * PAGE
        reached |= own
        seen += 1
        older = re.search(r'rel="next" href="([^"]*)"', files[path].decode())  # type: ignore[union-attr]
        path = (
            str(Path("/x", path).parent.joinpath(older[1]).resolve()).removeprefix("/x/") + "/index.html"
            if older
            else ""
        )
    assert seen == len(pages)
    assert len(reached) == count


def test_one_more_answer_changes_the_newest_page_alone() -> None:
    """Older pages of topics stay byte for byte as they were."""
    before, after = build(3 * PAGE + 7), build(3 * PAGE + 8)
    first = "topics/a-thema-0/index.html"
    changed = {path for path in pages_below(before, "topics/a-thema-0/") if before[path] != after[path]}
    assert changed == {first}


def test_sessions_have_a_page_for_each_year() -> None:
    """The list of sessions shows the newest; each year has its page, in both languages, and search engines know it."""
    files = build(3 * PAGE + 7)
    root = leads_to(files, "sessions/index.html")
    for year in (2024, 2025, 2026):
        assert f"sessions/{year}/index.html" in root
        own = {one for one in leads_to(files, f"en/sessions/{year}/index.html") if one.startswith("s/")}
        assert 50 <= len(own) <= 53
        assert f"https://archiv.example/sessions/{year}/".encode() in bytes(files["sitemap.xml"])  # type: ignore[arg-type]
    assert len([one for one in root if one.startswith("s/")]) == PAGE
    assert "sessions/2024/index.html" not in build(PAGE)


def test_many_titles_are_listed_by_letter() -> None:
    """Few topics stand on one page; of many the most used do, and the rest under their letters."""
    count = FEW_LABELS + 20
    files = build(count, count)
    listed = leads_to(files, "topics/index.html")
    assert len([one for one in listed if re.match(r"topics/[abc]-thema", one)]) == MOST_USED
    letters = [f"topics/a-z/{letter}/index.html" for letter in "abc"]
    assert listed.issuperset(letters)
    found = {one for page in letters for one in leads_to(files, page) if re.match(r"topics/[abc]-thema", one)}
    assert len(found) == count
    assert not [path for path in build(PAGE) if path.startswith("topics/a-z/")]


def test_every_page_of_a_list_is_in_the_sitemap() -> None:
    """Search engines find older answers too."""
    files = build(3 * PAGE + 7)
    sitemap = bytes(files["sitemap.xml"])  # type: ignore[arg-type]
    for folder in ("topics/a-thema-0/", "shows/service-runde/", "people/anna-weber/"):
        for path in pages_below(files, folder):
            assert f"<loc>https://archiv.example/{path.removesuffix('index.html')}</loc>".encode() in sitemap
