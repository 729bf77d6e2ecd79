"""Structured data: what an independent reader finds in every page keeps the rules of the largest search engine."""

from __future__ import annotations

import functools
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from google_rules import broken_rules, seconds_of
from reading import Page
from records import HOSTILE, make_session, place_recording

from streamhub.archive.archived import ArchivedSession
from streamhub.archive.clips import clips_folder
from streamhub.archive.plan import MediaLink
from streamhub.archive.site import plan_site
from streamhub.archive.theme import load_theme
from streamhub.config import SiteSettings
from streamhub.recording.recording import ClockMap, ClockPiece
from streamhub.timecode import Span

BASE = "https://antworten.example.org/archiv"
SETTINGS = SiteSettings(title="Antworten", url=BASE)

theme = functools.cache(load_theme)


def recorded(**changes: object) -> ArchivedSession:
    """The small session with a recording that is long enough for clips."""
    session = make_session(**changes)
    clock = ClockMap((ClockPiece(Span(0, 40_000), Span(2_000, 42_000)),))
    return replace(session, recordings=(replace(session.recordings[0], duration_ms=42_000, clock=clock),))


def read(session: ArchivedSession, media: Path | None) -> dict[str, tuple[list[dict[str, Any]], Page]]:
    """The structured data of every page, as extruct finds it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a library's own, at import
        import extruct
    files = plan_site((session,), SETTINGS, theme(), media_root=media).render()
    found = {}
    for path, content in files.items():
        if path.endswith("index.html") and not isinstance(content, MediaLink):
            html = content.decode()
            data = extruct.extract(html, base_url=f"{BASE}/{path}", syntaxes=["json-ld"], uniform=True)["json-ld"]
            found[path] = (data, Page(html))
    return found


def canonical_of(page: Page) -> str:
    return next(one.attributes["href"] for one in page.all("link") if one.attributes.get("rel") == "canonical")


@pytest.mark.parametrize("text", ["Netz & Router", *HOSTILE[:6]])
def test_every_page_keeps_the_rules(tmp_path: Path, text: str) -> None:
    """No page breaks a rule, with a recording and a clip or without, whatever its texts say."""
    session = recorded(title=text)
    for media in (None, place_recording(tmp_path / "media", session, title=SETTINGS.title)):
        found = read(session, media)
        assert len(found) > 15
        for path, (data, page) in found.items():
            assert broken_rules(path, data, canonical_of(page)) == []
            if path.split("/")[0] in {"a", "s", "topics", "people", "shows", "products"} and path.count("/") == 2:
                assert bool(data) is not ('content="noindex"' in page.html), path


def test_videos_have_stills_of_their_own(tmp_path: Path) -> None:
    """Name, picture and file of each video on the site are its own; the session's has its answers as clips."""
    session = recorded()
    found = read(session, place_recording(tmp_path / "media", session, title=SETTINGS.title))
    videos = {path: item["video"] for path, (data, _) in found.items() for item in data if "video" in item}
    assert set(videos) == {"a/q1-router-blinkt-rot/index.html", "s/2027-03-02-netz/index.html"}
    for key in ("name", "thumbnailUrl", "contentUrl", "description"):
        assert len({video[key] for video in videos.values()}) == 2, key
    answer = videos["a/q1-router-blinkt-rot/index.html"]
    assert (answer["contentUrl"], seconds_of(answer["duration"])) == (f"{BASE}/a/q1-router-blinkt-rot/clip.mp4", 10)
    assert "hasPart" not in answer
    (clip,) = videos["s/2027-03-02-netz/index.html"]["hasPart"]
    assert (clip["startOffset"], clip["endOffset"], clip["url"]) == (7, 17, f"{BASE}/s/2027-03-02-netz/?t=5")


def test_without_a_still_there_is_no_video(tmp_path: Path) -> None:
    """A video without a picture is one that search engines reject; the page says nothing of it to them."""
    session = recorded()
    media = place_recording(tmp_path / "media", session, title=SETTINGS.title)
    for file in clips_folder(media, session.id).iterdir():
        file.unlink()
    assert not [item for data, _ in read(session, media).values() for item in data if "video" in item]


def test_the_rules_find_what_is_broken() -> None:
    """The checker itself rejects what the documentation rejects."""
    crumbs = {"@type": "BreadcrumbList", "itemListElement": [{"position": 1, "name": "x", "item": "x"}]}
    clip = {"@type": "Clip", "name": "x", "startOffset": 1, "endOffset": 1, "url": f"{BASE}/#t=1"}
    video = {"@type": "VideoObject", "name": "x", "uploadDate": "2027-03-02", "duration": "PT", "hasPart": [clip, clip]}
    data = [{"@type": "WebPage", "url": "x", "breadcrumb": crumbs, "video": video}, {"@type": "QAPage"}]
    problems = "\n".join(broken_rules("p", data, f"{BASE}/"))
    for said in (
        "QAPage is not for",
        "fewer than two crumbs",
        "needs a query",
        "ends before",
        "share a start",
        "without thumbnailUrl",
        "neither contentUrl",
        "is not the canonical",
        "under 30 s",
    ):
        assert said in problems


def test_languages_and_addresses_are_told_to_search_engines() -> None:
    """Each page has one canonical address; real translations name each other, start pages also the default."""
    found = read(make_session(), None)
    for path, (_, page) in found.items():
        alternates = {
            one.attributes["hreflang"]: one.attributes["href"]
            for one in page.all("link")
            if "hreflang" in one.attributes
        }
        if 'content="noindex"' not in page.html:
            assert canonical_of(page) == f"{BASE}/{path.removesuffix('index.html')}", path
        if path in {"index.html", "en/index.html"}:
            assert alternates == {"de": f"{BASE}/", "en": f"{BASE}/en/", "x-default": f"{BASE}/"}
        elif path in {"search/index.html", "en/search/index.html"}:
            assert alternates == {"de": f"{BASE}/search/", "en": f"{BASE}/en/search/"}
        elif path.startswith(("a/", "s/", "topics/router")):
            assert not alternates
